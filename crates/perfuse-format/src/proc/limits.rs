//! `/proc/PID/limits` (proc(5), getrlimit(2)).

use crate::parse::{FromBytes, Limit, ParseError, fields, lines, unsigned};

/// A soft and a hard limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoftHard {
    /// What the kernel enforces.
    pub soft: Limit,
    /// What the process may raise it to.
    pub hard: Limit,
}

/// The limits of a process that analysis asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PidLimits {
    /// `RLIMIT_NOFILE`.
    pub open_files: SoftHard,
    /// `RLIMIT_NPROC`: counts threads of the user, not of the process.
    pub processes: SoftHard,
}

impl FromBytes for PidLimits {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut open_files = None;
        let mut processes = None;
        for (number, line) in lines(bytes) {
            let target = if line.starts_with(b"Max open files ") {
                &mut open_files
            } else if line.starts_with(b"Max processes ") {
                &mut processes
            } else {
                continue;
            };
            let found = soft_hard(line).ok_or_else(|| ParseError::new(number, "a soft and a hard limit", line))?;
            *target = Some(found);
        }
        match (open_files, processes) {
            (Some(open_files), Some(processes)) => Ok(Self { open_files, processes }),
            _ => Err(ParseError::new(1, "`Max open files` and `Max processes`", bytes)),
        }
    }
}

/// The two limits after the name, whose number of words differs.
fn soft_hard(line: &[u8]) -> Option<SoftHard> {
    let mut limits = fields(line).filter_map(|field| match field {
        b"unlimited" => Some(Limit::Max),
        number => unsigned(number).map(Limit::At),
    });
    Some(SoftHard { soft: limits.next()?, hard: limits.next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_and_hard_limits() {
        let text = b"Limit                     Soft Limit           Hard Limit           Units     \nMax cpu time              unlimited            unlimited            seconds   \nMax processes             96364                unlimited            processes \nMax open files            1024                 20000                files     \n";
        let limits = PidLimits::from_bytes(text).unwrap();
        assert_eq!(limits.open_files, SoftHard { soft: Limit::At(1024), hard: Limit::At(20000) });
        assert_eq!(limits.processes, SoftHard { soft: Limit::At(96364), hard: Limit::Max });
    }

    #[test]
    fn broken_files_are_errors() {
        for bad in [&b""[..], b"Max open files 5\nMax processes 1 1\n", b"Max open files            1 2 files\n"] {
            assert!(PidLimits::from_bytes(bad).is_err());
        }
    }
}
