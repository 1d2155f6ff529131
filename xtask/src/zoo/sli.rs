//! How a victim fares: what it says of each quarter of a second, and whether that changed.

use std::fmt::Write as _;
use std::time::Duration;

/// How often a victim says how it fares.
pub(crate) const WINDOW: Duration = Duration::from_millis(250);

/// What happened in one window of a victim.
#[derive(Debug, Clone, Default)]
pub(crate) struct Window {
    /// Of each operation that was done.
    pub(crate) latencies: Vec<Duration>,
    /// Operations that failed.
    pub(crate) errors: u64,
}

impl Window {
    /// `sli COUNT ERRORS P99_US`; a window without an operation has no latency.
    pub(crate) fn line(&mut self) -> String {
        self.latencies.sort_unstable();
        let mut line = format!("sli {} {}", self.latencies.len(), self.errors);
        let last = self.latencies.len().saturating_sub(1);
        match self.latencies.get(last * 99 / 100) {
            Some(p99) => {
                let _ = write!(line, " {}", p99.as_micros());
            }
            None => line.push_str(" -"),
        }
        line
    }
}

/// One window as the harness reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seen {
    /// Operations that were done.
    pub(crate) count: u64,
    /// Operations that failed.
    pub(crate) errors: u64,
    /// Seconds.
    pub(crate) p99: Option<f64>,
}

impl Seen {
    /// Reads a line of a victim; nothing if it is of something else.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("sli ")?.split(' ');
        let (count, errors) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let p99 = words.next()?.parse::<f64>().ok().map(|micros| micros / 1e6);
        Some(Self { count, errors, p99 })
    }
}

/// How a victim fares over some time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sli {
    /// Operations done a second.
    pub(crate) rate: f64,
    /// Operations failed a second.
    pub(crate) errors: f64,
    /// Median of the windows' 99th percentiles in seconds; nothing where no operation was done.
    pub(crate) p99: Option<f64>,
}

/// The least rise of the 99th percentile that counts, in seconds: below it is the scheduler's noise.
const NOISE: f64 = 0.000_3;

impl Sli {
    /// Of the windows of some time. A victim that says nothing does nothing: `seconds` are those of the clock.
    pub(crate) fn of(windows: &[Seen], seconds: f64) -> Self {
        let mut p99: Vec<f64> = windows.iter().filter_map(|window| window.p99).collect();
        p99.sort_by(f64::total_cmp);
        let seconds = seconds.max(windows.len() as f64 * WINDOW.as_secs_f64()).max(f64::MIN_POSITIVE);
        Self {
            rate: windows.iter().map(|window| window.count).sum::<u64>() as f64 / seconds,
            errors: windows.iter().map(|window| window.errors).sum::<u64>() as f64 / seconds,
            p99: p99.get(p99.len() / 2).copied(),
        }
    }

    /// Whether it is clearly worse than `before`: the 99th percentile doubled, or the throughput fell by 30 %.
    pub(crate) fn worse_than(&self, before: &Self) -> bool {
        let slower = match (self.p99, before.p99) {
            (Some(now), Some(then)) => now >= then * 2.0 && now - then >= NOISE,
            (None, Some(_)) => true,
            _ => false,
        };
        slower || self.rate <= before.rate * 0.7
    }

    /// `12.3/s p99 4.5 ms`.
    pub(crate) fn text(&self) -> String {
        let p99 = self.p99.map_or_else(|| "-".to_owned(), |p99| format!("{:.2} ms", p99 * 1e3));
        let errors = if self.errors > 0.0 { format!(" errors {:.1}/s", self.errors) } else { String::new() };
        format!("{:.1}/s p99 {p99}{errors}", self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(count: u64, p99: f64) -> Seen {
        Seen { count, errors: 0, p99: (count > 0).then_some(p99) }
    }

    #[test]
    fn a_window_says_what_the_harness_reads() {
        let mut window = Window { latencies: (1..=200).rev().map(Duration::from_millis).collect(), errors: 3 };
        assert_eq!(Seen::parse(&window.line()), Some(Seen { count: 200, errors: 3, p99: Some(0.198) }));
        assert_eq!(Seen::parse(&Window::default().line()), Some(Seen { count: 0, errors: 0, p99: None }));
        assert_eq!(Seen::parse("sli 1"), None);
        assert_eq!(Seen::parse("what a victim says otherwise"), None);
    }

    #[test]
    fn slower_or_less_is_worse_and_noise_is_not() {
        let before = Sli::of(&[seen(50, 0.002), seen(50, 0.003), seen(50, 0.100)], 0.75);
        assert_eq!((before.rate, before.p99), (200.0, Some(0.003)));
        assert!(!Sli::of(&[seen(48, 0.004); 4], 1.0).worse_than(&before));
        assert!(Sli::of(&[seen(50, 0.007); 4], 1.0).worse_than(&before), "the tail doubled");
        assert!(Sli::of(&[seen(30, 0.003); 4], 1.0).worse_than(&before), "the throughput fell");
        assert!(Sli::of(&[], 1.0).worse_than(&before), "a victim that says nothing is held up");
        assert!(Sli::of(&[seen(50, 0.003); 4], 4.0).worse_than(&before), "and so is one that speaks rarely");
        let fast = Sli::of(&[seen(50, 0.000_1); 4], 1.0);
        assert!(!Sli::of(&[seen(50, 0.000_3); 4], 1.0).worse_than(&fast), "noise");
    }
}
