//! Samples by function and by the place within it: what `perf annotate` shows.
//!
//! ```text
//!   sample: event 0, symbol 7, address 0x1182   ->   symbol 7: event 0: offset 0xa: 1 sample, period 500250
//!                                                     │ code of symbol 7: 0x8 shl, 0xc add ...
//!                                                     ▼
//!                                               shl: the counts of the offsets 0x8 up to 0xc
//! ```

mod listing;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::resolve::{FrameId, Names, Resolver, SymbolId};
pub use listing::{Asm, Code, Row, Source, SourceText, rows};
pub use perfuse_symbol::disasm::Flow;

/// Samples at some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// How many.
    pub samples: u64,
    /// The sum of their periods, in the unit of the event.
    pub period: u64,
}

impl Counts {
    fn add(&mut self, period: u64) {
        self.samples += 1;
        self.period = self.period.saturating_add(period);
    }
}

/// The samples of one event in one function.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    /// All of them.
    pub total: Counts,
    /// By bytes from the start of the function.
    pub offsets: BTreeMap<u64, Counts>,
}

impl Histogram {
    /// The samples of a part of the function.
    pub fn within(&self, part: Range<u64>) -> Counts {
        let mut sum = Counts::default();
        if part.is_empty() {
            return sum;
        }
        for counts in self.offsets.range(part).map(|(_, counts)| counts) {
            sum.samples += counts.samples;
            sum.period = sum.period.saturating_add(counts.period);
        }
        sum
    }
}

/// `--percent-type`: of what a percentage is, and what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PercentType {
    /// Of the samples of all functions instead of this one.
    pub global: bool,
    /// Samples instead of their periods.
    pub hits: bool,
}

impl PercentType {
    /// perf's default, `local-period`.
    pub const DEFAULT: Self = Self { global: false, hits: false };

    /// Both words in either order: `local-hits`, `period-global`.
    pub fn parse(text: &str) -> Option<Self> {
        let (one, other) = text.split_once('-')?;
        let (base, what) = if matches!(one, "local" | "global") { (one, other) } else { (other, one) };
        let global = match base {
            "local" => false,
            "global" => true,
            _ => return None,
        };
        let hits = match what {
            "period" => false,
            "hits" => true,
            _ => return None,
        };
        Some(Self { global, hits })
    }

    /// As perf's heads have it: `local period`.
    pub fn words(self) -> &'static str {
        match (self.global, self.hits) {
            (false, false) => "local period",
            (false, true) => "local hits",
            (true, false) => "global period",
            (true, true) => "global hits",
        }
    }

    /// The next one, in the order of `b` and `p` on the terminal: the other base, or the other unit.
    #[must_use]
    pub fn toggled(self, base: bool) -> Self {
        if base { Self { global: !self.global, ..self } } else { Self { hits: !self.hits, ..self } }
    }

    /// The share of some samples in percent; 0 of nothing.
    pub fn share(self, part: Counts, function: Counts, all: Counts) -> f64 {
        let whole = if self.global { all } else { function };
        let (part, whole) = if self.hits { (part.samples, whole.samples) } else { (part.period, whole.period) };
        if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
    }
}

/// The samples of one function.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Function {
    /// By index of the event; events without samples may be missing at the end.
    pub events: Vec<Histogram>,
}

impl Function {
    /// The samples of an event.
    pub fn event(&self, event: usize) -> Option<&Histogram> {
        self.events.get(event)
    }
}

/// The samples of a recording, by function.
#[derive(Debug, Clone, Default)]
pub struct Annotations {
    /// By the resolver's number of the function.
    pub functions: BTreeMap<SymbolId, Function>,
    /// All samples of each event, those without a function too.
    pub totals: Vec<Counts>,
}

impl Annotations {
    /// Takes a sample of an event at a place.
    pub fn add<N: Names>(&mut self, resolver: &Resolver<N>, place: FrameId, event: usize, period: u64) {
        if self.totals.len() <= event {
            self.totals.resize(event + 1, Counts::default());
        }
        self.totals[event].add(period);
        let frame = resolver.frame(place);
        let Some(symbol) = frame.symbol else { return };
        let function = self.functions.entry(symbol).or_default();
        if function.events.len() <= event {
            function.events.resize(event + 1, Histogram::default());
        }
        let histogram = &mut function.events[event];
        histogram.total.add(period);
        histogram.offsets.entry(frame.offset).or_default().add(period);
    }

    /// The functions with samples of an event, as `perf annotate` shows them: the largest sum of periods first, equal ones
    /// by the names of their file and their own. `names` gives those of a function.
    pub fn order(&self, event: usize, names: impl Fn(SymbolId) -> (String, String)) -> Vec<SymbolId> {
        let with = self.functions.iter().filter_map(|(id, function)| {
            let total = function.event(event)?.total;
            (total.samples > 0).then(|| (std::cmp::Reverse(total.period), names(*id), *id))
        });
        let mut all: Vec<_> = with.collect();
        all.sort();
        all.into_iter().map(|(.., id)| id).collect()
    }

    /// All samples of an event.
    pub fn total(&self, event: usize) -> Counts {
        self.totals.get(event).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_the_samples_of_its_offsets() {
        let mut histogram = Histogram::default();
        for (offset, period) in [(0, 10), (4, 20), (5, 30), (8, 40)] {
            histogram.offsets.entry(offset).or_default().add(period);
            histogram.total.add(period);
        }
        assert_eq!(histogram.within(4..8), Counts { samples: 2, period: 50 });
        assert_eq!(histogram.within(1..4), Counts::default());
        assert_eq!(histogram.within(9..9), Counts::default());
    }

    #[test]
    fn percent_types_are_two_words_in_either_order() {
        let of = |text| PercentType::parse(text).map(PercentType::words);
        assert_eq!(of("local-period"), Some("local period"));
        assert_eq!(of("hits-global"), Some("global hits"));
        assert_eq!((of("local"), of("local-global"), of("period-hits"), of("")), (None, None, None, None));
    }

    #[test]
    fn shares_are_of_the_function_or_of_all() {
        let (part, function, all) = (
            Counts { samples: 1, period: 10 },
            Counts { samples: 4, period: 100 },
            Counts { samples: 8, period: 1000 },
        );
        let share = |text| PercentType::parse(text).unwrap().share(part, function, all);
        let close = |text, expected: f64| (share(text) - expected).abs() < 1e-9;
        assert!(close("local-period", 10.0) && close("local-hits", 25.0));
        assert!(close("global-period", 1.0) && close("global-hits", 12.5));
        assert!(PercentType::DEFAULT.share(part, Counts::default(), all).abs() < f64::EPSILON);
    }
}
