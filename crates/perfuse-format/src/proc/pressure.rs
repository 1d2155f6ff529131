//! Pressure stall information: `/proc/pressure/*` and `*.pressure` of cgroup v2.

use crate::parse::{FromBytes, ParseError, fields, lines, unsigned};

/// One pressure file (Documentation/accounting/psi.rst): cumulative stall times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pressure {
    /// Microseconds in which at least one task stalled.
    pub some_us: u64,
    /// Microseconds in which all non-idle tasks stalled; `None` for host CPU before 5.13.
    pub full_us: Option<u64>,
}

impl FromBytes for Pressure {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let (mut some, mut full) = (None, None);
        for (number, line) in lines(bytes) {
            let mut parts = fields(line);
            let target = match parts.next() {
                Some(b"some") => &mut some,
                Some(b"full") => &mut full,
                _ => return Err(ParseError::new(number, "`some` or `full`", line)),
            };
            let total = parts.find_map(|part| part.strip_prefix(b"total=")).and_then(unsigned);
            *target = Some(total.ok_or_else(|| ParseError::new(number, "total=microseconds", line))?);
        }
        // irq.pressure has only a `full` line (Linux 6.1).
        match (some, full) {
            (None, None) => Err(ParseError::new(1, "a `some` or a `full` line", bytes)),
            (some, full) => Ok(Self { some_us: some.or(full).unwrap_or(0), full_us: full }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_read_and_averages_ignored() {
        let text =
            b"some avg10=0.00 avg60=0.05 avg300=0.23 total=1819406\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
        assert_eq!(Pressure::from_bytes(text), Ok(Pressure { some_us: 1_819_406, full_us: Some(7) }));
        assert_eq!(Pressure::from_bytes(b"full avg10=0 avg60=0 avg300=0 total=9\n").unwrap().some_us, 9);
        assert!(Pressure::from_bytes(b"").is_err());
        assert!(Pressure::from_bytes(b"some avg10=0.00\n").is_err());
    }
}
