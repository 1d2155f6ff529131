//! `[[probe]]` that is more than a count: sums, extremes, means and quantiles, kept apart by fields. They are added up in the
//! kernel by a program that is made for the question, and read once an interval.

use perfuse_analyze::Msg;
use perfuse_analyze::live::{Order, Total, Totals};
use perfuse_collect::Root;
use perfuse_collect::bpf::{EventSeries, SeriesPlan};
use perfuse_format::live::KeyPart;

use super::sheet::Sheet;
use crate::config::Probe;
use crate::store::SeriesKey;

/// Most series of one probe: the keys with the most hits.
const MOST: usize = 100;
/// Bits by which each power of two is cut where quantiles are wanted: their error is below 7 %.
const PARTS: u32 = 3;

/// The program of a probe.
#[derive(Debug, Default)]
pub(super) struct Program {
    running: Option<Box<EventSeries>>,
}

impl Program {
    /// The numbers since the last look; the first look starts the program.
    pub(super) async fn gather(&mut self, plan: &Probe, sheet: &mut Sheet) -> Result<(), Msg> {
        let wrong =
            |problem: String| Msg::new("app-probe-open").with("event", plan.event.as_str()).with("problem", problem);
        let Some(mut running) = self.running.take() else {
            let asked = asked(plan);
            let started = tokio::task::spawn_blocking(move || EventSeries::start(&Root::default(), &asked)).await;
            let started = started.map_err(|error| error.to_string()).and_then(|started| started);
            self.running = Some(Box::new(started.map_err(wrong)?));
            return Ok(());
        };
        let (running, rows) = tokio::task::spawn_blocking(move || {
            let rows = running.turn();
            (running, rows)
        })
        .await
        .map_err(|error| wrong(error.to_string()))?;
        let (signed, parts) = (running.is_signed(), running.parts());
        self.running = Some(running);
        let totals = Totals::of(rows.map_err(|errno| wrong(errno.to_string()))?, signed, parts);
        let names: Vec<String> = plan.by.as_deref().map(label_names).unwrap_or_default();
        for (key, total) in totals.ordered(Order::Count).into_iter().take(MOST) {
            if let Some(value) = value(plan.aggregate, &totals, total) {
                sheet.keep(series(&plan.name, &names, key), value);
            }
        }
        // Nothing happened: that is a number where hits are counted or added up, and none of all others.
        if totals.is_empty() && names.is_empty() && matches!(plan.aggregate, "count" | "sum") {
            sheet.keep(SeriesKey::new(&plan.name, []), 0.0);
        }
        Ok(())
    }
}

fn asked(plan: &Probe) -> SeriesPlan {
    SeriesPlan {
        event: plan.event.clone(),
        filter: plan.filter.clone(),
        value: plan.value.clone().filter(|_| plan.aggregate != "count"),
        by: plan.by.clone(),
        parts: plan.aggregate.starts_with('p').then_some(PARTS),
    }
}

/// The number of an aggregate; `None` without hits.
fn value(aggregate: &str, totals: &Totals, total: &Total) -> Option<f64> {
    match aggregate {
        "count" => Some(total.cell.count as f64),
        "sum" => Some(totals.sum(total)),
        "min" => Some(totals.value(total.cell.min)),
        "max" => Some(totals.value(total.cell.max)),
        "avg" => totals.mean(total),
        "p50" => totals.quantile(total, 0.5),
        "p95" => totals.quantile(total, 0.95),
        _ => totals.quantile(total, 0.99),
    }
}

/// Names of labels, which have the letters of C.
fn label_names(by: &str) -> Vec<String> {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    by.split(',').map(|part| part.trim().chars().map(letter).collect()).collect()
}

fn series(name: &str, names: &[String], key: &[KeyPart]) -> SeriesKey {
    let values: Vec<String> = key.iter().map(ToString::to_string).collect();
    SeriesKey::new(name, names.iter().map(String::as_str).zip(values.iter().map(String::as_str)))
}

#[cfg(test)]
mod tests {
    use perfuse_format::live::{Cell, Row, bucket};

    use super::*;

    #[test]
    fn aggregates_are_those_of_the_values() {
        let row = |value| Row { key: Vec::new(), bucket: bucket(value, true, PARTS), cell: Cell::of(value) };
        let totals = Totals::of((1..=100).map(row), true, Some(PARTS));
        let total = totals.ordered(Order::Count)[0].1;
        let of = |aggregate| value(aggregate, &totals, total).unwrap();
        for (name, value) in [("count", 100.0), ("sum", 5050.0), ("min", 1.0), ("max", 100.0), ("avg", 50.5)] {
            assert!((of(name) - value).abs() < 1e-9, "{name}");
        }
        for (aggregate, exact) in [("p50", 50.0), ("p95", 95.0), ("p99", 99.0)] {
            assert!((of(aggregate) - exact).abs() < exact * 0.07, "{aggregate}: {}", of(aggregate));
        }
    }

    #[test]
    fn keys_become_labels() {
        let key = [KeyPart::Text("sh".to_owned()), KeyPart::Number(3)];
        let names = label_names("comm, a->b & 1");
        assert_eq!(names, ["comm", "a__b___1"]);
        assert_eq!(series("x", &names, &key), SeriesKey::new("x", [("comm", "sh"), ("a__b___1", "3")]));
    }
}
