//! Recordings side by side: what `perf diff` shows.
//!
//! Every event of the first recording leads a group, whose other members are the same event in the other recordings. So a
//! line has one weight for each recording, and an entry for each that has samples there.
//!
//! ```text
//!                baseline   second      delta
//!   libc malloc     30 %      20 %     -10 %
//!   app  sort       10 %       -         -      not in the second
//!   app  index       -        15 %     +15 %    not in the baseline: a dummy
//! ```
//!
//! Formulas and orders are those of perf 6.1 (`builtin-diff.c`).

use std::cmp::Ordering;

use super::entries::Histograms;
use super::keys::Weight;

/// How two recordings are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compute {
    /// The difference of the shares.
    Delta,
    /// The same, ordered by its size without its sign.
    DeltaAbs,
    /// New periods over old ones.
    Ratio,
    /// New periods times the second weight, less old periods times the first.
    Weighted(i64, i64),
}

/// A comparison in numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Difference {
    /// Points of a percentage.
    Points(f64),
    /// A ratio.
    Ratio(f64),
    /// A weighted difference of periods.
    Weighted(i64),
}

/// Recordings that are compared with the first of them.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'h> {
    /// Their samples.
    pub hists: &'h Histograms,
    /// How.
    pub compute: Compute,
    /// How many recordings there are.
    pub files: usize,
    /// By which of them lines are ordered; 0 is the baseline.
    pub sort_by: usize,
    /// Whether lines are left out that only one side has.
    pub baseline_only: bool,
}

impl Comparison<'_> {
    /// The lines of an event of the baseline, in their order.
    pub fn lines(&self, event: usize) -> Vec<u32> {
        let Some(table) = self.hists.tables.get(event) else { return Vec::new() };
        let lines = table.order.iter().copied();
        let lines: Vec<u32> = if self.baseline_only {
            lines.filter(|&id| self.has_pairs(id) && !self.is_dummy(id)).collect()
        } else {
            lines.collect()
        };
        self.hists.ordered_by(&lines, |a, b| self.compare(a, b))
    }

    /// The period that shares of the baseline are of, where these lines are shown.
    pub fn baseline_total(&self, event: usize, lines: &[u32]) -> u64 {
        if !self.baseline_only {
            return self.hists.total(event);
        }
        let counts = |id: &&u32| !self.hists.settings.relative || !self.hists.entry(**id).filtered;
        lines.iter().filter(counts).map(|&id| self.period(id, 0)).sum()
    }

    /// Whether the baseline has no samples there.
    pub fn is_dummy(&self, id: u32) -> bool {
        !self.has(id, 0)
    }

    /// Whether a recording has samples there.
    pub fn has(&self, id: u32, file: usize) -> bool {
        self.hists.member(id, file).is_some()
    }

    fn has_pairs(&self, id: u32) -> bool {
        (1..self.files).any(|file| self.has(id, file))
    }

    /// Sum of the periods there in a recording.
    pub fn period(&self, id: u32, file: usize) -> u64 {
        self.hists.member_weight(id, file, Weight::Period)
    }

    /// The period that shares of a recording are of.
    pub fn total(&self, id: u32, file: usize) -> u64 {
        self.hists.total(self.hists.event_of(id) + file)
    }

    /// What a recording has there beside the baseline; `None` if it has nothing.
    pub fn difference(&self, id: u32, file: usize) -> Option<Difference> {
        if !self.has(id, file) {
            return None;
        }
        let (old, new) = (self.period(id, 0), self.period(id, file));
        Some(match self.compute {
            Compute::Delta | Compute::DeltaAbs => {
                let share = |period: u64, total: u64| period as f64 * 100.0 / total as f64;
                Difference::Points(share(new, self.total(id, file)) - share(old, self.total(id, 0)))
            }
            Compute::Ratio => Difference::Ratio(new as f64 / old.max(1) as f64),
            Compute::Weighted(first, second) => {
                let (old, new) = (old.cast_signed().wrapping_mul(first), new.cast_signed().wrapping_mul(second));
                Difference::Weighted(new.wrapping_sub(old))
            }
        })
    }

    /// The recording that lines are ordered by, then the columns from left to right.
    fn compare(&self, a: u32, b: u32) -> Ordering {
        let first = if self.sort_by > 0 { self.compare_first(a, b) } else { Ordering::Equal };
        let baseline = || self.period(b, 0).cmp(&self.period(a, 0));
        let columns = || {
            let pairs = self.has_pairs(b).cmp(&self.has_pairs(a));
            let files = (1..self.files).map(|file| pairs.then_with(|| self.compare_file(a, b, file)));
            files.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        first.then_with(baseline).then_with(columns)
    }

    /// What has no place in the baseline comes behind, unless differences of shares are wanted, which it has.
    fn compare_first(&self, a: u32, b: u32) -> Ordering {
        let there = self.has(b, self.sort_by).cmp(&self.has(a, self.sort_by));
        if there.is_ne() || !self.has(a, self.sort_by) {
            return there;
        }
        let shares = matches!(self.compute, Compute::Delta | Compute::DeltaAbs);
        let dummies = if shares { Ordering::Equal } else { self.is_dummy(a).cmp(&self.is_dummy(b)) };
        if !shares && self.is_dummy(a) && self.is_dummy(b) {
            return Ordering::Equal;
        }
        dummies.then_with(|| self.compare_file(a, b, self.sort_by))
    }

    /// By what a recording has there: the largest first.
    fn compare_file(&self, a: u32, b: u32, file: usize) -> Ordering {
        let size = |value: f64| if self.compute == Compute::DeltaAbs { value.abs() } else { value };
        match (self.difference(a, file), self.difference(b, file)) {
            (Some(Difference::Points(a)), Some(Difference::Points(b)))
            | (Some(Difference::Ratio(a)), Some(Difference::Ratio(b))) => {
                size(b).partial_cmp(&size(a)).unwrap_or(Ordering::Equal)
            }
            (Some(Difference::Weighted(a)), Some(Difference::Weighted(b))) => 0.cmp(&a.wrapping_sub(b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::collect::{Collector, Context};
    use super::super::entries::Settings;
    use super::super::frame::Frames;
    use super::super::frame::tests::function;
    use super::super::keys::{ColumnOptions, Columns};
    use super::*;

    /// Two recordings: of the functions `gone`, `less`, `new` and `same` at different addresses.
    fn recordings() -> Histograms {
        let (mut frames, mut collector) = (Frames::default(), Collector::new(0));
        let samples = [
            (0, "gone", 0x10, 10),
            (0, "less", 0x20, 60),
            (0, "same", 0x30, 30),
            (1, "less", 0x40, 20),
            (1, "new", 0x50, 10),
            (1, "same", 0x60, 20),
        ];
        for (event, name, start, period) in samples {
            let place = function(&mut frames, 1, name, start);
            let root = collector.root(Context { event, filtered: false, values: &[] }, 1);
            collector.add(root, place, 1, period);
        }
        let columns = Columns::new(&ColumnOptions { sort: Some("dso,sym"), ..ColumnOptions::default() }).unwrap();
        let settings = Settings {
            columns,
            children: false,
            caller_first: false,
            chains: false,
            symbol_filter: None,
            relative: false,
            event_chains: vec![false; 2],
            groups: std::iter::once(0..2).collect(),
            group_sort: 0,
            by_name: true,
        };
        Histograms::new(collector, frames, settings)
    }

    fn shown(compute: Compute, baseline_only: bool) -> Vec<(String, Option<Difference>)> {
        let hists = recordings();
        let comparison = Comparison { hists: &hists, compute, files: 2, sort_by: 1, baseline_only };
        let name = |id: u32| hists.frames.text(hists.place(id).name).unwrap().to_owned();
        comparison.lines(0).into_iter().map(|id| (name(id), comparison.difference(id, 1))).collect()
    }

    #[test]
    fn functions_of_one_name_are_compared_and_the_largest_difference_comes_first() {
        let points = |points| Some(Difference::Points(points));
        let line = |name: &str, difference| (name.to_owned(), difference);
        assert_eq!(
            shown(Compute::Delta, false),
            [line("new", points(20.0)), line("same", points(10.0)), line("less", points(-20.0)), line("gone", None)]
        );
        assert_eq!(shown(Compute::Delta, true), [line("same", points(10.0)), line("less", points(-20.0))]);
        let names = |compute| shown(compute, false).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(Compute::DeltaAbs), ["less", "new", "same", "gone"]);
        assert_eq!(names(Compute::Ratio), ["same", "less", "new", "gone"]);
        let weighted = shown(Compute::Weighted(1, 2), false);
        assert_eq!(weighted[0], line("same", Some(Difference::Weighted(10))));
        assert_eq!(weighted[1], line("less", Some(Difference::Weighted(-20))));
    }

    #[test]
    fn shares_of_what_both_have_are_of_that() {
        let hists = recordings();
        for (baseline_only, total) in [(false, 100), (true, 90)] {
            let comparison = Comparison { hists: &hists, compute: Compute::Delta, files: 2, sort_by: 0, baseline_only };
            let lines = comparison.lines(0);
            assert_eq!(comparison.baseline_total(0, &lines), total);
            // By the baseline, as nothing else is said.
            assert_eq!(comparison.period(lines[0], 0), 60);
        }
    }
}
