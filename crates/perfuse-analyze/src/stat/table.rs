//! Runs added up to the table that is shown.

use std::collections::BTreeMap;

use perfuse_format::perfdata::EventCounts;

use super::aggregate::{Aggregation, Layout, Place, sums, sums_per_core};
use super::event::CountedEvent;
use super::formula::Formula;
use super::metrics::{Metric, Totals};
use super::spread::Spread;

/// What is known of one event at one place, over all runs.
#[derive(Debug, Clone, Copy, Default)]
struct Kept {
    value: Spread,
    enabled: Spread,
    running: Spread,
    cpus: usize,
}

/// Adds up runs: one for a plain measurement or an interval, several under `-r`.
#[derive(Debug, Clone)]
pub struct Counting {
    events: Vec<CountedEvent>,
    layout: Layout,
    formulas: Vec<Formula>,
    supported: Vec<bool>,
    kept: BTreeMap<(usize, Place), Kept>,
    seconds: Spread,
    each: Vec<f64>,
}

/// The rows of a measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What one row stands for.
    pub aggregation: Aggregation,
    /// Rows in the order in which perf writes them.
    pub rows: Vec<Row>,
    /// Seconds that passed, over the runs.
    pub seconds: Spread,
    /// Seconds of each run.
    pub each: Vec<f64>,
    /// Titles of the computed metrics, each with the event behind which it is shown.
    pub titles: Vec<(usize, String)>,
}

/// One event at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Index of the event.
    pub event: usize,
    /// Its place.
    pub place: Place,
    /// How many CPUs are in it, where places hold several.
    pub cpus: usize,
    /// The count.
    pub value: RowValue,
    /// Nanoseconds that the event was on the hardware.
    pub running: f64,
    /// Nanoseconds that it was enabled.
    pub enabled: f64,
    /// Deviation of the mean over the runs, in percent of it.
    pub noise: f64,
    /// Ratios with other events.
    pub metrics: Vec<Metric>,
}

/// The value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RowValue {
    /// The mean, scaled up for the time off the hardware, times the event's scale.
    Counted(f64),
    /// The event was there, and never on the hardware; or no task ran that it would count.
    NotCounted,
    /// The system does not have the event.
    NotSupported,
}

impl Row {
    /// Percent of the time enabled that the event was on the hardware.
    pub fn percent_running(&self) -> f64 {
        if self.enabled > 0.0 { 100.0 * self.running / self.enabled } else { 100.0 }
    }

    /// Whether it took turns with others.
    pub fn took_turns(&self) -> bool {
        self.enabled > 0.0 && self.running < self.enabled
    }
}

impl Counting {
    /// Nothing yet.
    pub fn new(events: Vec<CountedEvent>, layout: Layout) -> Self {
        let supported = vec![true; events.len()];
        Self {
            events,
            layout,
            formulas: Vec::new(),
            supported,
            kept: BTreeMap::new(),
            seconds: Spread::default(),
            each: Vec::new(),
        }
    }

    /// The same with metrics that are computed from the counts.
    #[must_use]
    pub fn with_formulas(mut self, formulas: Vec<Formula>) -> Self {
        self.formulas = formulas;
        self
    }

    /// The events.
    pub fn events(&self) -> &[CountedEvent] {
        &self.events
    }

    /// Takes over names and contexts of the same events, which may change once they are open: `cycles` that may not see
    /// the kernel become `cycles:u`.
    pub fn rename(&mut self, events: &[CountedEvent]) {
        if events.len() == self.events.len() {
            self.events = events.to_vec();
        }
    }

    /// Adds a run: the counts of every event, in order, and the seconds that passed.
    pub fn add(&mut self, counts: &[EventCounts], seconds: f64) {
        self.seconds.push(seconds);
        self.each.push(seconds);
        for (event, counts) in counts.iter().enumerate().take(self.events.len()) {
            if let Some(supported) = self.supported.get_mut(event) {
                *supported &= counts.supported;
            }
            let per_core = self.layout.aggregation == Aggregation::Cpu
                && self.events.get(event).is_some_and(|event| event.percore);
            let sums = if per_core { sums_per_core(counts, &self.layout) } else { sums(counts, &self.layout) };
            for sum in sums {
                let kept = self.kept.entry((event, sum.place)).or_default();
                kept.cpus = sum.cpus;
                kept.enabled.push(sum.enabled);
                kept.running.push(sum.running);
                if let Some(value) = sum.value {
                    kept.value.push(value);
                }
            }
        }
    }

    /// Forgets what was added, and keeps events and layout: for the next interval.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.each.clear();
        self.seconds = Spread::default();
    }

    /// The table of all runs.
    pub fn table(&self) -> Table {
        let mut totals = Totals::default();
        for ((event, place), kept) in &self.kept {
            if let Some(event) = self.events.get(*event)
                && kept.value.count() > 0
            {
                totals.add(*place, event, kept.value.mean());
            }
        }
        let mut rows: Vec<Row> =
            self.kept.iter().filter_map(|((event, place), kept)| self.row(*event, *place, kept, &totals)).collect();
        match self.layout.aggregation {
            // By event, then by place: as they are.
            Aggregation::Global | Aggregation::Cpu => {}
            // The busiest thread first.
            Aggregation::Thread => {
                let number = |row: &Row| if let RowValue::Counted(value) = row.value { value } else { 0.0 };
                rows.sort_by(|left, right| {
                    left.event.cmp(&right.event).then_with(|| number(right).total_cmp(&number(left)))
                });
            }
            _ => rows.sort_by_key(|row| (row.place, row.event)),
        }
        let titles = self.formulas.iter().map(|formula| (formula.row, formula.title.clone())).collect();
        Table { aggregation: self.layout.aggregation, rows, seconds: self.seconds, each: self.each.clone(), titles }
    }

    fn row<'a>(&'a self, index: usize, place: Place, kept: &Kept, totals: &Totals<'a>) -> Option<Row> {
        let event = self.events.get(index)?;
        let mean = kept.value.mean();
        let value = if kept.value.count() > 0 {
            RowValue::Counted(mean * event.scale)
        } else if self.supported.get(index).copied().unwrap_or(false) {
            RowValue::NotCounted
        } else {
            RowValue::NotSupported
        };
        let mut metrics = match value {
            RowValue::Counted(_) => totals.metrics(place, event, mean, self.seconds.mean()),
            _ => Vec::new(),
        };
        let count = |event: usize| {
            let kept = self.kept.get(&(event, place))?;
            (kept.value.count() > 0).then(|| kept.value.mean())
        };
        if matches!(value, RowValue::Counted(_)) {
            let of_row = self.formulas.iter().filter(|formula| formula.row == index);
            metrics.extend(of_row.map(|formula| formula.metric(&count, self.seconds.mean())));
        }
        Some(Row {
            event: index,
            place,
            cpus: kept.cpus,
            value,
            running: kept.running.mean(),
            enabled: kept.enabled.mean(),
            noise: kept.value.error_percent(),
            metrics,
        })
    }
}

#[cfg(test)]
mod tests {
    use perfuse_format::perfdata::attr::kind;
    use perfuse_format::perfdata::{CountPlace, CountValue, EventAttr};

    use super::*;

    fn event(config: u64) -> CountedEvent {
        CountedEvent::new("x", &EventAttr { kind: kind::SOFTWARE, config, ..EventAttr::default() })
    }

    fn counts(values: &[(i32, usize, u64)]) -> EventCounts {
        let one = |(cpu, thread, value): &(i32, usize, u64)| {
            (CountPlace { cpu: *cpu, thread: *thread }, CountValue { value: *value, enabled: 10, running: 10 })
        };
        EventCounts { supported: true, values: values.iter().map(one).collect() }
    }

    fn not_supported() -> EventCounts {
        EventCounts { supported: false, values: vec![(CountPlace::default(), CountValue::default())] }
    }

    #[test]
    fn rates_of_several_runs_are_mean_over_mean() {
        let mut counting = Counting::new(vec![event(1), event(3)], Layout::default());
        // One long run with few switches, one short with many: a mean of the rates would be 50.5 a second.
        counting.add(&[counts(&[(-1, 0, 3_000_000_000)]), counts(&[(-1, 0, 3)])], 4.0);
        counting.add(&[counts(&[(-1, 0, 1_000_000_000)]), counts(&[(-1, 0, 100)])], 2.0);
        let table = counting.table();
        assert_eq!(table.rows[0].value, RowValue::Counted(2000.0), "milliseconds");
        assert_eq!(table.rows[0].metrics[0].value, Some(2.0 / 3.0), "CPUs utilized");
        assert_eq!(table.rows[1].value, RowValue::Counted(51.5));
        assert_eq!(table.rows[1].metrics[0].value, Some(25.75), "a second of the clock");
        assert!((table.rows[1].noise - 100.0 * 48.5 / 51.5).abs() < 1e-9);
        assert_eq!((table.each.as_slice(), table.seconds.mean()), (&[4.0, 2.0][..], 3.0));
    }

    #[test]
    fn what_is_not_there_and_what_did_not_run_differ() {
        let mut counting = Counting::new(vec![event(3), event(4)], Layout::default());
        let idle = EventCounts { supported: true, values: vec![(CountPlace::default(), CountValue::default())] };
        counting.add(&[not_supported(), idle], 1.0);
        let rows = counting.table().rows;
        assert_eq!((rows[0].value, rows[1].value), (RowValue::NotSupported, RowValue::NotCounted));
        assert_eq!((rows[0].percent_running(), rows[0].took_turns()), (100.0, false));
        assert!(rows[0].metrics.is_empty());
    }

    #[test]
    fn rows_stand_in_the_order_of_perf() {
        let order = |aggregation| {
            let mut counting = Counting::new(vec![event(3), event(4)], Layout { aggregation, ..Layout::default() });
            counting.add(&[counts(&[(0, 0, 1), (1, 1, 5)]), counts(&[(0, 0, 1), (1, 1, 2)])], 1.0);
            counting.table().rows.iter().map(|row| (row.event, row.place)).collect::<Vec<_>>()
        };
        assert_eq!(
            order(Aggregation::Cpu),
            [(0, Place::Cpu(0)), (0, Place::Cpu(1)), (1, Place::Cpu(0)), (1, Place::Cpu(1))]
        );
        assert_eq!(order(Aggregation::Socket), [(0, Place::Socket(0)), (1, Place::Socket(0))]);
        assert_eq!(
            order(Aggregation::Thread),
            [(0, Place::Thread(1)), (0, Place::Thread(0)), (1, Place::Thread(1)), (1, Place::Thread(0))]
        );
    }

    #[test]
    fn formulas_are_computed_where_they_stand() {
        use crate::stat::{Formula, Input, MetricStyle, Source};
        let input = |name: &str, index| Input {
            name: name.to_owned(),
            source: Source::Events { indexes: vec![index], factor: 1.0 },
            sources: 1.0,
        };
        let formula = Formula {
            title: "per migration".to_owned(),
            expr: perfuse_format::vendor::Expr::parse("a / b").unwrap(),
            scale: 1.0,
            style: MetricStyle::WideTwo,
            constants: BTreeMap::new(),
            inputs: vec![input("a", 0), input("b", 1)],
            row: 0,
        };
        let layout = Layout { aggregation: Aggregation::Cpu, ..Layout::default() };
        let mut counting = Counting::new(vec![event(3), event(4)], layout).with_formulas(vec![formula]);
        counting.add(&[counts(&[(0, 0, 6), (1, 0, 9)]), counts(&[(0, 0, 2), (1, 0, 0)])], 1.0);
        let table = counting.table();
        assert_eq!(table.rows[0].metrics[0].value, Some(3.0));
        assert!(table.rows[1].metrics[0].value.unwrap().is_nan());
        assert!(table.rows[2].metrics.is_empty());
        assert_eq!(table.titles, [(0, "per migration".to_owned())]);
    }

    #[test]
    fn cleared_for_the_next_interval() {
        let mut counting = Counting::new(vec![event(3)], Layout::default());
        counting.add(&[counts(&[(-1, 0, 7)])], 1.0);
        counting.clear();
        counting.add(&[counts(&[(-1, 0, 9)])], 1.0);
        assert_eq!(counting.table().rows[0].value, RowValue::Counted(9.0));
        assert_eq!(counting.table().seconds.count(), 1);
    }
}
