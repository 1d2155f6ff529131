//! A function as `perf annotate` lays it out: `--stdio` as text ([`stdio`]), `--stdio2` and the terminal ([`Graph`]).

mod graph;
mod plain;
mod tui;

use std::collections::BTreeMap;

use perfuse_analyze::annotate::{Code, Counts, Histogram, PercentType, Row};

pub use graph::{Graph, GraphLine, stdio2};
pub use plain::stdio;
pub use tui::{AnnotateTui, Flow};

/// From how many percent on a line is hot.
const HOT: f64 = 5.0;
/// From how many percent on a line is warm; lines below are left out of the summary.
const WARM: f64 = 0.5;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the command line")]
pub struct AnnotateOptions {
    /// Of what percentages are.
    pub percent: PercentType,
    /// `-n`: numbers of samples instead of percentages.
    pub samples: bool,
    /// `--show-total-period`: periods instead of percentages.
    pub period: bool,
    /// `-P`: paths as they are.
    pub full_paths: bool,
    /// `-l`: the source lines of warm instructions, and a summary of them.
    pub lines: bool,
    /// Whether there are escape sequences for colours.
    pub color: bool,
}

/// The samples of one event in the function.
#[derive(Debug, Clone, Copy)]
pub struct EventColumn<'a> {
    /// Those in the function.
    pub histogram: &'a Histogram,
    /// All of the event.
    pub all: Counts,
}

/// A function with everything that is shown of it.
#[derive(Debug, Clone, Copy)]
pub struct Annotated<'a> {
    /// Its code.
    pub code: &'a Code,
    /// The lines.
    pub rows: &'a [Row],
    /// Its name.
    pub name: &'a str,
    /// The path of its file, as recorded.
    pub dso: &'a str,
    /// How the event or the group is called.
    pub event: &'a str,
    /// Samples a second, if they were asked for in that way.
    pub frequency: Option<u64>,
    /// Whether several events are shown in columns.
    pub several: bool,
    /// One of each event.
    pub events: &'a [EventColumn<'a>],
}

impl Annotated<'_> {
    /// The samples of each event at an instruction: those of all bytes up to the next one.
    pub fn counts(&self, index: usize) -> Vec<Counts> {
        let part = self.part(index);
        self.events.iter().map(|event| event.histogram.within(part.clone())).collect()
    }

    fn part(&self, index: usize) -> std::ops::Range<u64> {
        let asm = &self.code.asm;
        let start = asm.get(index).map_or(0, |asm| asm.offset);
        let end = asm.get(index + 1).map_or(self.code.end.saturating_sub(self.code.start), |next| next.offset);
        start..end
    }

    /// The shares of each event at an instruction, in percent.
    pub fn shares(&self, index: usize, percent: PercentType) -> Vec<f64> {
        let counts = self.counts(index).into_iter();
        counts.zip(self.events).map(|(counts, event)| percent.share(counts, event.histogram.total, event.all)).collect()
    }

    /// Samples of the first event in the function.
    fn samples(&self) -> u64 {
        self.events.first().map_or(0, |event| event.histogram.total.samples)
    }

    /// The instructions with samples, the hottest first: index and largest share.
    pub fn hottest(&self, percent: PercentType) -> Vec<(usize, f64)> {
        let share = |index: usize| self.shares(index, percent).into_iter().fold(0.0, f64::max);
        let mut all: Vec<(usize, f64)> = (0..self.code.asm.len()).map(|index| (index, share(index))).collect();
        all.retain(|(_, share)| *share > 0.0);
        all.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        all
    }

    /// The shares of source lines, the hottest first: those of their warm instructions, summed up for each event.
    fn hot_lines(&self, options: AnnotateOptions) -> Vec<(String, Vec<f64>)> {
        let mut sums: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for index in 0..self.code.asm.len() {
            let shares = self.shares(index, options.percent);
            if shares.iter().copied().fold(0.0, f64::max) <= WARM {
                continue;
            }
            let Some(place) = self.place(index, options) else { continue };
            let sum = sums.entry(place).or_insert_with(|| vec![0.0; shares.len()]);
            sum.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share);
        }
        // perf puts equal ones in the reverse order of their texts.
        let mut lines: Vec<(String, Vec<f64>)> = sums.into_iter().rev().collect();
        let order = |one: &[f64], other: &[f64]| {
            let unequal = one.iter().zip(other).find(|(one, other)| one.total_cmp(other).is_ne());
            unequal.map_or(std::cmp::Ordering::Equal, |(one, other)| other.total_cmp(one))
        };
        lines.sort_by(|one, other| order(&one.1, &other.1));
        lines
    }

    /// The source line of an instruction; without debug information its function and the distance.
    fn place(&self, index: usize, options: AnnotateOptions) -> Option<String> {
        let asm = self.code.asm.get(index)?;
        match &asm.source.line {
            Some((file, line)) if *line > 0 => {
                let file = if options.full_paths { file } else { base(file) };
                Some(format!("{file}:{line}"))
            }
            _ if asm.offset == 0 => Some(self.name.to_owned()),
            _ => Some(format!("{}+{}", self.name, asm.offset)),
        }
    }
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
