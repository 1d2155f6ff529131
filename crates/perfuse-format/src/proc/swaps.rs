//! `/proc/swaps` (swapon(8)).

use crate::parse::{FromBytes, ParseError, fields, lines, signed, text, unsigned};
use crate::proc::mountinfo::unescape;

/// One swap device or file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// Path, octal escapes undone.
    pub path: String,
    /// `partition` or `file`.
    pub kind: String,
    /// Bytes.
    pub size: u64,
    /// Bytes in use.
    pub used: u64,
    /// Priority; the higher is filled first.
    pub priority: i64,
}

/// All swap space; empty on a host without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swaps(pub Vec<Swap>);

impl FromBytes for Swaps {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut swaps = Vec::new();
        for (number, line) in lines(bytes) {
            if number == 1 {
                if !line.starts_with(b"Filename") {
                    return Err(ParseError::new(1, "the heading `Filename ...`", line));
                }
                continue;
            }
            let swap = swap(line).ok_or_else(|| ParseError::new(number, "path, type, size, used, priority", line))?;
            swaps.push(swap);
        }
        Ok(Self(swaps))
    }
}

fn swap(line: &[u8]) -> Option<Swap> {
    let mut parts = fields(line);
    let (path, kind) = (unescape(parts.next()?), text(parts.next()?));
    let mut bytes = || unsigned(parts.next()?)?.checked_mul(1024);
    let (size, used) = (bytes()?, bytes()?);
    Some(Swap { path, kind, size, used, priority: signed(parts.next()?)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

    #[test]
    fn sizes_are_bytes() {
        let text = format!(
            "{HEADING}/dev/vda2                               partition\t2097148\t\t1024\t\t-2\n/a\\040b file 4 0 5\n"
        );
        let swaps = Swaps::from_bytes(text.as_bytes()).unwrap().0;
        assert_eq!((swaps[0].size, swaps[0].used, swaps[0].priority), (2_097_148 * 1024, 1024 * 1024, -2));
        assert_eq!((swaps[1].path.as_str(), swaps[1].kind.as_str()), ("/a b", "file"));
    }

    #[test]
    fn no_swap_is_a_value_and_no_heading_an_error() {
        assert_eq!(Swaps::from_bytes(HEADING.as_bytes()), Ok(Swaps::default()));
        assert!(Swaps::from_bytes(b"").is_err());
        assert!(Swaps::from_bytes(format!("{HEADING}/dev/x partition 5\n").as_bytes()).is_err());
        assert!(Swaps::from_bytes(format!("{HEADING}/x file 18446744073709551615 0 0\n").as_bytes()).is_err());
    }
}
