//! `/proc/loadavg` (proc(5)).

use crate::parse::{FromBytes, ParseError, fields, fraction, unsigned};

/// Load averages, which on Linux count tasks in uninterruptible sleep too, and the number of tasks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadAverage {
    /// Over 1, 5 and 15 minutes.
    pub averages: [f64; 3],
    /// Threads that are runnable now.
    pub runnable: u64,
    /// Threads that exist; of the whole kernel, not of the pid namespace.
    pub threads: u64,
}

impl FromBytes for LoadAverage {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let fail = || ParseError::new(1, "three averages and `runnable/threads`", bytes);
        let mut parts = fields(bytes);
        let mut averages = [0.0; 3];
        for average in &mut averages {
            *average = parts.next().and_then(fraction).ok_or_else(fail)?;
        }
        let tasks = parts.next().ok_or_else(fail)?;
        let slash = tasks.iter().position(|&byte| byte == b'/').ok_or_else(fail)?;
        let runnable = unsigned(&tasks[..slash]).ok_or_else(fail)?;
        let threads = unsigned(&tasks[slash + 1..]).ok_or_else(fail)?;
        Ok(Self { averages, runnable, threads })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_and_threads() {
        let load = LoadAverage::from_bytes(b"0.14 0.07 12.50 1/107 13772\n").unwrap();
        assert_eq!(load, LoadAverage { averages: [0.14, 0.07, 12.5], runnable: 1, threads: 107 });
        for bad in [&b""[..], b"1 2 3", b"1 2 3 4", b"1 2 3 a/b", b"1 2 x 1/2", b"1 2 3 /"] {
            assert!(LoadAverage::from_bytes(bad).is_err());
        }
    }
}
