//! Clocks, and the local time that stands in names of files.

/// The time of a clock (`CLOCK_*` of `clock_gettime(2)`) in nanoseconds; `None` for one that does not exist.
pub fn clock_ns(clock: i32) -> Option<u64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
        return None;
    }
    let seconds = u64::try_from(time.tv_sec).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(u64::try_from(time.tv_nsec).ok()?)
}

/// The local time as perf puts it behind the name of a file: year to second, and hundredths.
pub fn local_time_stamp() -> String {
    let now = clock_ns(libc::CLOCK_REALTIME).unwrap_or(0);
    let seconds = libc::time_t::try_from(now / 1_000_000_000).unwrap_or(0);
    let hundredths = now / 10_000_000 % 100;
    let mut fields = std::mem::MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: reads one time_t and writes one tm, which zeroed bytes are a valid value of.
    let fields = unsafe {
        libc::localtime_r(&raw const seconds, fields.as_mut_ptr());
        fields.assume_init()
    };
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{hundredths:02}",
        fields.tm_year + 1900,
        fields.tm_mon + 1,
        fields.tm_mday,
        fields.tm_hour,
        fields.tm_min,
        fields.tm_sec
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_sixteen_digits_and_clocks_go_on() {
        let stamp = local_time_stamp();
        assert!(stamp.len() == 16 && stamp.bytes().all(|byte| byte.is_ascii_digit()), "{stamp}");
        let first = clock_ns(libc::CLOCK_MONOTONIC).unwrap();
        assert!(clock_ns(libc::CLOCK_MONOTONIC).unwrap() >= first);
        assert_eq!(clock_ns(-77), None);
    }
}
