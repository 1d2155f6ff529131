//! The time zone of whoever runs this program.

/// Seconds east of UTC at a moment (seconds since 1970), by `TZ` and `/etc/localtime`; 0 where the C library cannot tell.
pub fn utc_offset(seconds: i64) -> i64 {
    let mut broken_down = std::mem::MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are valid for the call, and localtime_r keeps neither.
    let done = unsafe { libc::localtime_r(&raw const seconds, broken_down.as_mut_ptr()) };
    if done.is_null() {
        return 0;
    }
    // SAFETY: it was zeroed, which is a valid `tm`, and then filled.
    unsafe { broken_down.assume_init() }.tm_gmtoff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_zone_is_a_day_away() {
        for seconds in [0, 1_700_000_000, -1] {
            assert!(utc_offset(seconds).abs() < 24 * 3600);
        }
    }
}
