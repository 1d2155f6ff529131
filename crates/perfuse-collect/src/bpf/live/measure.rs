//! What a program costs, without making every hit dearer by measuring it.
//!
//! While the kernel measures programs it reads a clock twice for each run (`bpf_prog_run_array`, `BPF_ENABLE_STATS`), which is more than
//! a small program takes itself. So it measures all runs of a program that has few, and of one that has many a glance each
//! second; the time between is charged with what the glance before it saw.
//!
//! ```text
//! few runs   |measured |measured |measured |measured ...
//! many       |measured |      charged by the glance before      |measured | ...
//! ```

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::LiveCost;
use crate::bpf::load::enable_stats;

/// Runs in a glance that are many.
const MANY: u64 = 200;
/// How long the kernel does not measure after such a glance.
const REST: Duration = Duration::from_secs(1);

/// The state of measuring.
#[derive(Debug)]
pub(super) struct Measure {
    /// Makes the kernel measure for as long as it lives.
    on: Option<OwnedFd>,
    /// The last glance, and what the kernel had measured then.
    at: Instant,
    seen: LiveCost,
    /// The last glance that was measured: how long it was, and what it saw.
    glance: (Duration, LiveCost),
    /// What times are charged with that were not measured.
    charged: LiveCost,
}

impl Measure {
    /// Begins to measure; nothing where the kernel refuses it.
    pub(super) fn begin(kernel: LiveCost, now: Instant) -> Option<Self> {
        let on = Some(enable_stats().ok()?);
        Some(Self { on, at: now, seen: kernel, glance: Default::default(), charged: LiveCost::default() })
    }

    /// Looks at what the kernel has measured so far.
    pub(super) fn glance(&mut self, kernel: LiveCost, now: Instant) {
        if self.on.is_some() {
            let seen = LiveCost {
                runs: kernel.runs.saturating_sub(self.seen.runs),
                nanoseconds: kernel.nanoseconds.saturating_sub(self.seen.nanoseconds),
            };
            self.glance = (now.duration_since(self.at), seen);
            (self.at, self.seen) = (now, kernel);
            if seen.runs >= MANY {
                self.on = None;
            }
        } else if now.duration_since(self.at) >= REST {
            self.charged = self.with_rest(kernel, now);
            self.on = enable_stats().ok();
            (self.at, self.seen) = (now, kernel);
        }
    }

    /// What is charged for times without measuring, the present one included.
    fn with_rest(&self, kernel: LiveCost, now: Instant) -> LiveCost {
        // Somebody else makes the kernel measure: then it is in the kernel's numbers.
        if self.on.is_some() || kernel.runs > self.seen.runs {
            return self.charged;
        }
        let rest = now.duration_since(self.at).as_nanos();
        let glance = self.glance.0.as_nanos().max(1);
        let part = |seen: u64| u64::try_from(u128::from(seen) * rest / glance).unwrap_or(u64::MAX);
        self.charged.plus(LiveCost { runs: part(self.glance.1.runs), nanoseconds: part(self.glance.1.nanoseconds) })
    }

    /// What it cost altogether.
    pub(super) fn cost(&self, kernel: LiveCost, now: Instant) -> LiveCost {
        kernel.plus(self.with_rest(kernel, now))
    }
}

impl LiveCost {
    fn plus(self, other: Self) -> Self {
        Self {
            runs: self.runs.saturating_add(other.runs),
            nanoseconds: self.nanoseconds.saturating_add(other.nanoseconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(begin: Instant, millis: u64) -> Instant {
        begin + Duration::from_millis(millis)
    }

    fn kernel(runs: u64) -> LiveCost {
        LiveCost { runs, nanoseconds: runs * 100 }
    }

    fn measure(begin: Instant) -> Measure {
        // Any descriptor will do: the kernel is not asked here.
        let on = std::fs::File::open("/dev/null").ok().map(OwnedFd::from);
        Measure { on, at: begin, seen: LiveCost::default(), glance: Default::default(), charged: LiveCost::default() }
    }

    #[test]
    fn few_runs_are_all_measured() {
        let begin = Instant::now();
        let mut measure = measure(begin);
        for glance in 1..100 {
            measure.glance(kernel(glance * 10), at(begin, glance * 50));
            assert!(measure.on.is_some());
        }
        assert_eq!(measure.cost(kernel(990), at(begin, 5000)), kernel(990));
    }

    #[test]
    fn many_runs_are_charged_by_the_glance_before() {
        let begin = Instant::now();
        let mut measure = measure(begin);
        measure.glance(kernel(1000), at(begin, 50));
        assert!(measure.on.is_none(), "a thousand in 50 ms");
        assert_eq!(measure.cost(kernel(1000), at(begin, 550)), kernel(11_000));
        measure.glance(kernel(1000), at(begin, 600));
        assert!(measure.on.is_none(), "not yet");
        measure.glance(kernel(1000), at(begin, 1050));
        assert_eq!(measure.charged, kernel(20_000));
    }

    #[test]
    fn what_somebody_else_had_measured_is_not_charged_again() {
        let begin = Instant::now();
        let mut measure = measure(begin);
        measure.glance(kernel(1000), at(begin, 50));
        assert_eq!(measure.cost(kernel(9000), at(begin, 550)), kernel(9000));
    }
}
