//! The time of day as perf writes it into its files.

/// `Mon Nov 23 09:23:36 2026` in the local time zone, as `ctime(3)`; `seconds` count from 1970.
pub fn ctime(seconds: i64) -> String {
    let mut parts = std::mem::MaybeUninit::<libc::tm>::zeroed();
    let mut text = [0_u8; 64];
    // SAFETY: both pointers are live; the structure is zeroed, which is a valid one, and then written. The format ends
    // with NUL, and the buffer's length is its own.
    let length = unsafe {
        libc::localtime_r(&raw const seconds, parts.as_mut_ptr());
        libc::strftime(text.as_mut_ptr().cast(), text.len(), c"%a %b %e %H:%M:%S %Y".as_ptr(), parts.as_ptr())
    };
    String::from_utf8_lossy(text.get(..length).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_time_has_the_parts_of_ctime() {
        let text = super::ctime(86_400 * 365);
        let parts: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(parts.len(), 5, "{text}");
        assert!(["1970", "1971"].contains(&parts[4]) && parts[3].matches(':').count() == 2, "{text}");
        assert!(["Thu", "Fri"].contains(&parts[0]), "{text}");
    }
}
