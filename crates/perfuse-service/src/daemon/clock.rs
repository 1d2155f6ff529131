//! The time of the daemon: as the clock on the wall says, but without its jumps.
//!
//! Between two readings as much time has passed as a clock says that never jumps. Where the clock on the wall says
//! something else for a minute on end, it was set: from then on it is believed. Intervals are therefore right at any
//! moment, and a clock that is wrong for seconds changes nothing.

use rustix::time::{ClockId, clock_gettime};

/// Milliseconds by which the two clocks may differ without anybody having set one.
const NEAR: i64 = 2000;
/// Milliseconds for which a clock that was set must go on steadily before it is believed.
const HOLD: u64 = 60_000;

/// What both clocks say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// Milliseconds since 1970 in UTC, as the wall says.
    pub(super) wall: u64,
    /// Milliseconds of a clock that never jumps and goes on while the machine sleeps.
    pub(super) steady: u64,
}

impl Reading {
    /// What they say now.
    pub(super) fn now() -> Self {
        let milliseconds = |clock: ClockId| {
            let time = clock_gettime(clock);
            let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
            seconds.saturating_mul(1000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000)
        };
        Self { wall: milliseconds(ClockId::Realtime), steady: milliseconds(ClockId::Boottime) }
    }
}

/// The clock was set, and is now believed: from what time to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Jump {
    /// What the time would have been, in milliseconds since 1970 in UTC.
    pub(super) from: u64,
    /// What it is.
    pub(super) to: u64,
}

/// The clock.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    /// The time of the last reading.
    time: u64,
    steady: u64,
    /// By how much the wall is ahead, and since when, by the steady clock.
    ahead: Option<(i64, u64)>,
}

impl Clock {
    /// Begins at what the wall says.
    pub(super) fn new(now: Reading) -> Self {
        Self { time: now.wall, steady: now.steady, ahead: None }
    }

    /// The time for one who does not keep the clock: a jump is left to the one who does.
    pub(super) fn peek(&self, now: Reading) -> u64 {
        let (time, jump) = self.clone().read(now);
        jump.map_or(time, |jump| jump.from)
    }

    /// The time, in milliseconds since 1970 in UTC; and whether the clock was set.
    pub(super) fn read(&mut self, now: Reading) -> (u64, Option<Jump>) {
        let passed = self.time.saturating_add(now.steady.saturating_sub(self.steady));
        self.steady = self.steady.max(now.steady);
        let ahead = i64::try_from(now.wall).unwrap_or(i64::MAX).saturating_sub_unsigned(passed);
        if ahead.abs() <= NEAR {
            self.ahead = None;
            // It is drawn near without ever going back.
            self.time = now.wall.max(self.time);
            return (self.time, None);
        }
        let since = match self.ahead {
            Some((before, since)) if before.saturating_sub(ahead).abs() <= NEAR => since,
            _ => now.steady,
        };
        self.ahead = Some((ahead, since));
        if now.steady.saturating_sub(since) < HOLD {
            self.time = passed;
            return (passed, None);
        }
        self.ahead = None;
        self.time = now.wall;
        (now.wall, Some(Jump { from: passed, to: now.wall }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: u64, steady: u64) -> Reading {
        Reading { wall, steady }
    }

    #[test]
    fn time_goes_on_as_the_steady_clock_does_whatever_the_wall_says() {
        let mut clock = Clock::new(at(1_000_000, 0));
        assert_eq!(clock.read(at(1_001_000, 1000)), (1_001_000, None));
        // Set ahead by an hour and back: nobody notices.
        assert_eq!(clock.read(at(4_602_000, 2000)), (1_002_000, None));
        assert_eq!(clock.read(at(1_003_000, 3000)), (1_003_000, None));
        // A little behind: it stands still rather than going back.
        assert_eq!(clock.read(at(1_002_500, 3500)), (1_003_000, None));
    }

    #[test]
    fn a_clock_that_was_set_is_believed_after_a_minute() {
        for to in [9_000_000_u64, 100_000] {
            let mut clock = Clock::new(at(1_000_000, 0));
            let mut jumps = Vec::new();
            for second in 1..=70_u64 {
                let (time, jump) = clock.read(at(to + second * 1000, second * 1000));
                jumps.extend(jump);
                let wanted = if jumps.is_empty() { 1_000_000 } else { to } + second * 1000;
                assert_eq!(time, wanted, "{second}");
            }
            assert_eq!(jumps, [Jump { from: 1_061_000, to: to + 61_000 }]);
        }
    }

    #[test]
    fn the_clocks_of_this_host_go_on() {
        let (one, other) = (Reading::now(), Reading::now());
        assert!(one.wall > 1_600_000_000_000 && other.steady >= one.steady);
    }
}
