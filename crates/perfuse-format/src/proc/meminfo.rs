//! `/proc/meminfo` and `/proc/PID/smaps_rollup`: `Name:  number kB` lines (proc(5)).

use crate::parse::{FromBytes, ParseError, fields, lines, text, unsigned};
use crate::reading::{Missing, Reading, Why};

/// `/proc/meminfo`: bytes by field name; fields without a unit (`HugePages_Total`) are counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemInfo(pub Vec<(String, u64)>);

impl MemInfo {
    /// The value of a field, in bytes where the kernel prints kB.
    pub fn get(&self, field: &str) -> Option<u64> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, value)| *value)
    }

    /// The value of a field, or a missing value that names it. Kernels differ in their fields.
    pub fn reading(&self, field: &str) -> Reading<u64> {
        match self.get(field) {
            Some(value) => Reading::Value(value),
            None => Reading::Missing(Missing::new(Why::Absent, format!("/proc/meminfo: {field}"))),
        }
    }
}

impl FromBytes for MemInfo {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let pairs = pairs(bytes)?;
        if pairs.iter().any(|(name, _)| name == "MemTotal") {
            Ok(Self(pairs))
        } else {
            Err(ParseError::new(1, "a MemTotal line", bytes))
        }
    }
}

/// `/proc/PID/smaps_rollup`: the memory of a process, shared pages divided among those that share them (PSS).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SmapsRollup {
    /// Resident bytes.
    pub rss: u64,
    /// Proportional share of the resident bytes.
    pub pss: u64,
    /// Proportional share of the anonymous resident bytes; `None` before Linux 5.4.
    pub pss_anon: Option<u64>,
    /// Proportional share of the bytes in swap.
    pub swap_pss: u64,
    /// Locked bytes.
    pub locked: u64,
}

impl FromBytes for SmapsRollup {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let pairs = pairs(bytes)?;
        let get = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        let need = |name, expected| get(name).ok_or_else(|| ParseError::new(1, expected, bytes));
        Ok(Self {
            rss: need("Rss", "an Rss line")?,
            pss: need("Pss", "a Pss line")?,
            pss_anon: get("Pss_Anon"),
            swap_pss: get("SwapPss").unwrap_or(0),
            locked: get("Locked").unwrap_or(0),
        })
    }
}

/// The `Name: number [kB]` lines. Lines of another shape (the address range of a rollup) are skipped unless they
/// begin like one and then break off.
fn pairs(bytes: &[u8]) -> Result<Vec<(String, u64)>, ParseError> {
    let mut pairs = Vec::new();
    for (number, line) in lines(bytes) {
        let mut parts = fields(line);
        let Some(name) = parts.next().and_then(|name| name.strip_suffix(b":")) else { continue };
        let bad = || ParseError::new(number, "`Name: number kB`", line);
        let value = parts.next().and_then(unsigned).ok_or_else(bad)?;
        let value = match parts.next() {
            Some(b"kB") => value.checked_mul(1024).ok_or_else(bad)?,
            _ => value,
        };
        pairs.push((text(name), value));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kilobytes_become_bytes_and_counts_stay() {
        let text = b"MemTotal:       24683656 kB\nMemAvailable:   24287128 kB\nActive(anon):       1568 kB\nHugePages_Total:       3\nHugepagesize:       2048 kB\n";
        let memory = MemInfo::from_bytes(text).unwrap();
        assert_eq!(memory.get("MemTotal"), Some(24_683_656 * 1024));
        assert_eq!(memory.get("Active(anon)"), Some(1568 * 1024));
        assert_eq!(memory.get("HugePages_Total"), Some(3));
        assert_eq!(memory.reading("Zswap").why_missing().unwrap().source, "/proc/meminfo: Zswap");
    }

    #[test]
    fn rollups_skip_the_address_range() {
        let text = b"5562b2a54000-7fff7c92b000 ---p 00000000 00:00 0                          [rollup]\nRss:                1752 kB\nPss:                 321 kB\nPss_Anon:            116 kB\nSwapPss:               8 kB\nLocked:                0 kB\n";
        let rollup = SmapsRollup::from_bytes(text).unwrap();
        assert_eq!((rollup.rss, rollup.pss), (1752 * 1024, 321 * 1024));
        assert_eq!((rollup.pss_anon, rollup.swap_pss), (Some(116 * 1024), 8 * 1024));
    }

    #[test]
    fn broken_files_are_errors() {
        for bad in
            [&b""[..], b"MemFree: 3 kB\n", b"MemTotal:\n", b"MemTotal: -1 kB\n", b"MemTotal: 18446744073709551615 kB\n"]
        {
            assert!(MemInfo::from_bytes(bad).is_err(), "{bad:?}");
        }
        assert!(SmapsRollup::from_bytes(b"").is_err());
        assert!(SmapsRollup::from_bytes(b"Rss: 4 kB\n").is_err());
    }
}
