//! From the counts of runs and intervals to what is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use perfuse_analyze::stat::{Aggregation, Counting, Layout, Row, RowValue, Table};
use perfuse_collect::Root;
use perfuse_collect::perf::counters::{CounterSet, Watched};
use perfuse_collect::perf::cpus;
use perfuse_format::perfdata::{CountValue, EventCounts};
use perfuse_render::perf::stat::{Format, Moment, Rows, Style, footer, header, interval_header, metric_header, rows};

use super::Targets;
use super::events::List;
use super::measure::{Interval, Observer, Run};
use super::metrics;
use super::options::Plan;
use super::output::Output;
use super::store::Store;
use crate::console::Console;

/// After so many intervals their header is written again.
const HEADER_EVERY: u64 = 25;

/// Adds up and writes.
#[derive(Debug)]
pub(super) struct Report<'a> {
    plan: &'a Plan,
    targets: &'a Targets,
    output: Output,
    style: Style,
    /// Which opened events each row of the table stands for.
    parts: Vec<Vec<usize>>,
    /// All runs.
    total: Counting,
    /// The interval at hand.
    interval: Counting,
    intervals: u64,
    hint: bool,
    root: &'a Root,
    /// The file of `perf stat record`.
    store: Option<Store>,
}

impl Observer for Report<'_> {
    fn opened(&mut self, list: &List, set: &CounterSet, watched: &Watched) -> anyhow::Result<()> {
        // Names say what had to be left out, which shows only once events are open.
        let (events, _) = list.shown(self.plan.merge, self.plan.hybrid_merge);
        self.total.rename(&events);
        self.interval.rename(&events);
        if let Some(path) = &self.plan.record {
            // A file has the counts of one run: the last.
            self.close()?;
            self.store = Some(Store::begin(path, self.plan, self.root, list, self.targets, set, watched)?);
        }
        Ok(())
    }

    fn interval(&mut self, interval: &Interval<'_>) -> anyhow::Result<()> {
        if let Some(store) = &mut self.store {
            store.round(interval.total, interval.elapsed, false)?;
        }
        self.show_interval(interval)
    }
}

impl<'a> Report<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        list: &List,
        targets: &'a Targets,
        root: &'a Root,
        console: &Console,
    ) -> anyhow::Result<Self> {
        let (events, parts) = list.shown(plan.merge, plan.hybrid_merge);
        let percore = events.iter().any(|event| event.percore);
        let by_cpu =
            percore || !matches!(plan.aggregation, Aggregation::Global | Aggregation::Thread | Aggregation::Cpu);
        let positions = if by_cpu { cpus::positions(root) } else { BTreeMap::new() };
        let layout = Layout {
            aggregation: plan.aggregation,
            positions,
            unscaled: plan.unscaled,
            percore_threads: plan.percore_threads,
        };
        let formulas = metrics::formulas(list, &parts);
        let output = Output::open(plan)?;
        let style = Style {
            format: plan.format.clone(),
            metric_only: plan.metric_only,
            grouping: if plan.big_numbers { grouping(|name| std::env::var(name).ok()) } else { None },
            color: console.color && console.progress && output.is_stderr(),
            runs: 1,
            summary: false,
        };
        let watchdog = std::fs::read_to_string(root.join("/proc/sys/kernel/nmi_watchdog")).unwrap_or_default();
        Ok(Self {
            plan,
            targets,
            output,
            style,
            parts,
            total: Counting::new(events.clone(), layout.clone()).with_formulas(formulas.clone()),
            interval: Counting::new(events, layout).with_formulas(formulas),
            intervals: 0,
            hint: watchdog.trim() == "1",
            root,
            store: None,
        })
    }

    /// The counts of the rows: several opened events may be one.
    fn merged(parts: &[Vec<usize>], counts: &[EventCounts]) -> Vec<EventCounts> {
        let merge = |part: &Vec<usize>| {
            let of_part = || part.iter().filter_map(|index| counts.get(*index));
            EventCounts {
                supported: of_part().any(|counts| counts.supported),
                values: of_part()
                    .filter(|counts| counts.supported || part.len() == 1)
                    .flat_map(|counts| counts.values.clone())
                    .collect(),
            }
        };
        parts.iter().map(merge).collect()
    }

    /// Writes the rows of an interval.
    fn show_interval(&mut self, interval: &Interval<'_>) -> anyhow::Result<()> {
        self.interval.clear();
        self.interval.add(&Self::merged(&self.parts, interval.since_last), interval.length.as_secs_f64());
        let mut text = String::new();
        if self.plan.interval_clear {
            crate::console::print("\x1b[H\x1b[2J")?;
        }
        let head = self.intervals.is_multiple_of(HEADER_EVERY) || self.plan.interval_clear;
        if head && self.plan.format == Format::Text && !self.plan.metric_only {
            text.push_str(&interval_header(self.plan.aggregation, self.interval.events(), false));
        }
        self.intervals += 1;
        let table = self.worth_showing(self.interval.table());
        let of_table = Rows {
            table: &table,
            events: self.interval.events(),
            threads: &self.targets.threads,
            moment: Some(Moment::from(interval.elapsed)),
        };
        if head {
            metric_header(&mut text, of_table, &self.style);
        }
        rows(&mut text, of_table, &self.style);
        self.output.write(&text)
    }

    /// Completes the file of `perf stat record`.
    pub(super) fn close(&mut self) -> anyhow::Result<()> {
        self.store.take().map_or(Ok(()), Store::end)
    }

    /// Adds a run.
    pub(super) fn add(&mut self, run: &Run, list: &List) -> anyhow::Result<()> {
        self.total.add(&Self::merged(&self.parts, &run.counts), run.elapsed.as_secs_f64());
        if let Some(store) = &mut self.store
            && self.plan.interval.is_none()
        {
            store.round(&run.counts, run.elapsed, true)?;
        }
        if self.plan.verbose && self.plan.format == Format::Text {
            let mut text = String::new();
            for (event, counts) in list.events.iter().zip(&run.counts).filter(|(_, counts)| counts.supported) {
                let sum = counts.values.iter().fold(CountValue::default(), |sum, one| sum.plus(one.1));
                let _ = writeln!(text, "{}: {} {} {}", event.spec.name, sum.value, sum.enabled, sum.running);
            }
            self.output.write(&text)?;
        }
        Ok(())
    }

    /// Forgets the runs so far.
    pub(super) fn forget(&mut self) {
        self.total.clear();
    }

    /// Writes the table of all runs.
    pub(super) fn finish(&mut self, run: &Run, runs: u64) -> anyhow::Result<()> {
        let intervals = self.plan.interval.is_some();
        if intervals && !self.plan.summary {
            return Ok(());
        }
        self.style.runs = runs;
        self.style.summary = intervals && self.plan.csv_summary;
        let table = self.worth_showing(self.total.table());
        let of_table =
            Rows { table: &table, events: self.total.events(), threads: &self.targets.threads, moment: None };
        let text_wanted = self.plan.format == Format::Text;
        let mut text = if text_wanted { header(&self.targets.title, runs) } else { String::new() };
        metric_header(&mut text, of_table, &self.style);
        rows(&mut text, of_table, &self.style);
        if text_wanted {
            let usage = run.ended.filter(|_| self.targets.watched.is_none()).map(|ended| (ended.user, ended.system));
            text.push_str(&footer(&table, usage, self.plan.table, !self.plan.null));
            if self.hint && table.rows.iter().any(|row| row.value == RowValue::NotCounted) {
                text.push_str(
                    "Some events weren't counted. Try disabling the NMI watchdog:\n\techo 0 > /proc/sys/kernel/nmi_watchdog\n\tperf stat ...\n\techo 1 > /proc/sys/kernel/nmi_watchdog\n",
                );
            }
        }
        self.output.write(&text)
    }

    /// Of all threads of a system, those that counted something.
    fn worth_showing(&self, mut table: Table) -> Table {
        if self.plan.aggregation == Aggregation::Thread && self.plan.system_wide {
            table.rows.retain(|row: &Row| matches!(row.value, RowValue::Counted(value) if value > 0.0));
        }
        table
    }
}

/// What stands between groups of three digits where the environment says, as the C library would do it.
fn grouping(environment: impl Fn(&str) -> Option<String>) -> Option<char> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_NUMERIC")).or_else(|| set("LANG"))?;
    let language = locale.split(['_', '.', '@']).next()?;
    ["en", "ko", "ja", "zh", "th", "he"].contains(&language).then_some(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_where_the_language_does() {
        let of = |all: &str, numeric: &str, lang: &str| {
            let all = [("LC_ALL", all), ("LC_NUMERIC", numeric), ("LANG", lang)].map(|(n, v)| (n, v.to_owned()));
            grouping(|name| all.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()))
        };
        assert_eq!(of("", "", "en_US.UTF-8"), Some(','));
        assert_eq!(of("C", "", "en_US.UTF-8"), None);
        assert_eq!(of("", "ko_KR", "C.UTF-8"), Some(','));
        assert_eq!(of("", "", "POSIX"), None);
        assert_eq!(of("", "", ""), None);
    }
}
