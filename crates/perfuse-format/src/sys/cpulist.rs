//! Lists of CPUs (`0-3,8`): `/sys/devices/system/cpu/online`, cpusets, affinities (cpuset(7), "List format").

use std::fmt;

use crate::parse::{FromBytes, ParseError, text, trim};

/// The most CPUs that a kernel can be built for, with room to spare (`NR_CPUS` is at most 8192).
const MOST: u32 = 1 << 16;

/// A set of CPUs.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CpuList {
    /// Inclusive ranges, in order.
    ranges: Vec<(u32, u32)>,
}

impl CpuList {
    /// Reads `0-3,8`; the empty text is the empty set.
    pub fn parse(text: &str) -> Option<Self> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            if first > last || last >= MOST || ranges.last().is_some_and(|range| range.1 >= first) {
                return None;
            }
            ranges.push((first, last));
        }
        Some(Self { ranges })
    }

    /// The CPUs, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|&(first, last)| first..=last)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.ranges.iter().map(|&(first, last)| (last - first) as usize + 1).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether `cpu` is in it.
    pub fn contains(&self, cpu: u32) -> bool {
        self.ranges.iter().any(|&(first, last)| (first..=last).contains(&cpu))
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.ranges.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

impl FromBytes for CpuList {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        Self::parse(&text(trim(bytes))).ok_or_else(|| ParseError::new(1, "a list of CPUs such as `0-3,8`", bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_single_cpus() {
        let list = CpuList::from_bytes(b"0-2,5,7-8\n").unwrap();
        assert_eq!(list.iter().collect::<Vec<_>>(), [0, 1, 2, 5, 7, 8]);
        assert_eq!((list.len(), list.contains(5), list.contains(6)), (6, true, false));
        assert_eq!(list.to_string(), "0-2,5,7-8");
        assert!(CpuList::from_bytes(b"\n").unwrap().is_empty());
        for bad in [&b"a"[..], b"3-1", b"0-4294967295", b"1,1", b"2,1", b"-"] {
            assert!(CpuList::from_bytes(bad).is_err(), "{bad:?}");
        }
    }
}
