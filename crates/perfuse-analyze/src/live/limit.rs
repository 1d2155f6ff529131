//! How many hits a second are shown.

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// Lets through so many a second, and counts the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    rate: u64,
    /// When the current second began.
    begun: u64,
    shown: u64,
    left_out: u64,
}

impl Limit {
    /// So many a second; 0 for all.
    pub fn new(rate: u64) -> Self {
        Self { rate, begun: 0, shown: 0, left_out: 0 }
    }

    /// Whether one more may be shown at a moment (nanoseconds of a clock that does not go back).
    pub fn take(&mut self, now: u64) -> bool {
        if self.rate == 0 {
            return true;
        }
        if now.saturating_sub(self.begun) >= SECOND {
            self.begun = now;
            self.shown = 0;
        }
        if self.shown < self.rate {
            self.shown += 1;
            return true;
        }
        self.left_out += 1;
        false
    }

    /// How many were left out since this was asked last; `None` while the second in which they were lasts, and where there
    /// are none.
    pub fn left_out(&mut self, now: u64) -> Option<u64> {
        if self.left_out == 0 || now.saturating_sub(self.begun) < SECOND {
            return None;
        }
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_counted_and_told_once() {
        let mut limit = Limit::new(2);
        let start = 10 * SECOND;
        assert_eq!([0, 1, 2, 3].map(|at| limit.take(start + at)), [true, true, false, false]);
        assert_eq!(limit.left_out(start + 5), None);
        assert_eq!(limit.left_out(start + SECOND), Some(2));
        assert_eq!(limit.left_out(start + SECOND), None);
        assert!(limit.take(start + SECOND));
        let mut all = Limit::new(0);
        assert!((0..10_000).all(|at| all.take(at)));
    }
}
