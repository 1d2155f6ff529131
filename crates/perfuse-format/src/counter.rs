//! Differences of kernel counters that may wrap, be reset or go backwards.

use crate::reading::{Missing, Reading, Why};

/// The difference of two readings of one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delta {
    /// It grew by this much (wrap-around of a 32-bit counter already undone).
    Grew(u64),
    /// It went backwards by more than a wrap explains: the device or the CPU was reset in between.
    Reset,
}

/// `later - earlier` of a monotonic counter.
///
/// A counter that the kernel keeps in 32 bits (an `unsigned int` in diskstats, a 32-bit driver counter)
/// wraps: earlier near 2^32 and later near 0. That is told from a reset by size: after a wrap the distance
/// is small against 2^32, after a reset the later value is small and the earlier was anything.
pub fn delta(earlier: u64, later: u64) -> Delta {
    if later >= earlier {
        return Delta::Grew(later - earlier);
    }
    let top_of_32_bits = u32::try_from(earlier).is_ok() && earlier >= u64::from(u32::MAX - u32::MAX / 8);
    if top_of_32_bits {
        let wrapped = later + (1 << 32) - earlier;
        if wrapped < u64::from(u32::MAX / 4) {
            return Delta::Grew(wrapped);
        }
    }
    Delta::Reset
}

impl Delta {
    /// As a reading: a reset is a missing value named after `source`.
    pub fn reading(self, source: &str) -> Reading<u64> {
        match self {
            Self::Grew(by) => Reading::Value(by),
            Self::Reset => Reading::Missing(Missing::new(Why::Reset, source.to_owned())),
        }
    }

    /// The growth, or nothing after a reset.
    pub fn grew(self) -> Option<u64> {
        match self {
            Self::Grew(by) => Some(by),
            Self::Reset => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_wrap_and_reset_are_told_apart() {
        assert_eq!(delta(5, 9), Delta::Grew(4));
        assert_eq!(delta(9, 9), Delta::Grew(0));
        assert_eq!(delta(u64::from(u32::MAX) - 10, 9), Delta::Grew(20));
        assert_eq!(delta(1_000_000, 9), Delta::Reset);
        assert_eq!(delta(u64::MAX, 0), Delta::Reset);
    }
}
