//! Counts of hardware counters: `@perf/ipc` and `@perf/imc`, lines that the collector writes from `perf_event_open`
//! counters over the whole host, and the `.scale` files of PMU events.
//!
//! ```text
//! EVENT CPU COUNT ENABLED_NS RUNNING_NS
//! cycles 0 81234567 1000000000 1000000000
//! uncore_imc_0/cas_count_read 0 91234 1000000000 1000000000
//! ```

use crate::counter::delta;
use crate::parse::{FromBytes, ParseError, fields, fraction, lines, text, trim, unsigned};

/// One counter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PmuCount {
    /// Event: a name of its own, or `PMU/EVENT`.
    pub event: String,
    /// CPU that it counts on.
    pub cpu: u32,
    /// Count since it was opened.
    pub count: u64,
    /// Nanoseconds since it was opened.
    pub enabled_ns: u64,
    /// Nanoseconds of these in which the hardware really counted; less when events share counters.
    pub running_ns: u64,
}

/// All counters of one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PmuCounts(pub Vec<PmuCount>);

impl FromBytes for PmuCounts {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut counts = Vec::new();
        for (number, line) in lines(bytes) {
            let parts: Vec<&[u8]> = fields(line).collect();
            let [event, numbers @ ..] = parts.as_slice() else { continue };
            let numbers: Option<Vec<u64>> = numbers.iter().map(|field| unsigned(field)).collect();
            let bad = || ParseError::new(number, "`event cpu count enabled running`", line);
            let Some([cpu, count, enabled_ns, running_ns]) = numbers.as_deref() else { return Err(bad()) };
            counts.push(PmuCount {
                event: text(event),
                cpu: u32::try_from(*cpu).map_err(|_| bad())?,
                count: *count,
                enabled_ns: *enabled_ns,
                running_ns: *running_ns,
            });
        }
        if counts.is_empty() {
            return Err(ParseError::new(1, "at least one counter", bytes));
        }
        Ok(Self(counts))
    }
}

impl PmuCounts {
    /// What each counter counted since an earlier reading: `(event, cpu, count)`, scaled up where the hardware counted
    /// only a part of the time. A counter that did not run at all, or is new, is left out.
    pub fn since<'a>(&'a self, earlier: &'a Self) -> impl Iterator<Item = (&'a str, u32, f64)> {
        self.0.iter().filter_map(|now| {
            let same = |before: &&PmuCount| before.event == now.event && before.cpu == now.cpu;
            let before = earlier.0.iter().find(same)?;
            let count = delta(before.count, now.count).grew()?;
            let enabled = delta(before.enabled_ns, now.enabled_ns).grew()?;
            let running = delta(before.running_ns, now.running_ns).grew().filter(|running| *running > 0)?;
            Some((now.event.as_str(), now.cpu, count as f64 * (enabled as f64 / running as f64).max(1.0)))
        })
    }
}

/// `/sys/bus/event_source/devices/PMU/events/EVENT.scale`: what one count stands for, in the unit of `EVENT.unit`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CounterScale(
    /// The factor; above 0.
    pub f64,
);

impl FromBytes for CounterScale {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let scale = fraction(trim(bytes)).filter(|scale| *scale > 0.0);
        scale.map(Self).ok_or_else(|| ParseError::new(1, "a factor above 0", bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_counters_are_scaled_up() {
        let first =
            PmuCounts::from_bytes(b"cycles 0 100 1000 1000\ncycles 1 7 1000 1000\ninstructions 0 1 1 1\n").unwrap();
        let last =
            PmuCounts::from_bytes(b"cycles 0 300 3000 2000\ncycles 1 7 2000 1000\nnew 0 5 5 5\ninstructions 0 0 9 9\n")
                .unwrap();
        let counts: Vec<_> = last.since(&first).collect();
        assert_eq!(counts.len(), 1, "one did not run, one is new, one went backwards");
        assert_eq!((counts[0].0, counts[0].1), ("cycles", 0));
        assert!((counts[0].2 - 400.0).abs() < 1e-9);
    }

    #[test]
    fn odd_bytes_are_errors() {
        assert!(PmuCounts::from_bytes(b"").is_err());
        assert!(PmuCounts::from_bytes(b"cycles 0 1\n").is_err());
        assert!(PmuCounts::from_bytes(b"cycles 4294967296 1 1 1\n").is_err());
        assert_eq!(CounterScale::from_bytes(b"6.103515625e-5\n"), Ok(CounterScale(6.103_515_625e-5)));
        assert!(CounterScale::from_bytes(b"0\n").is_err());
        assert!(CounterScale::from_bytes(b"nan\n").is_err());
    }
}
