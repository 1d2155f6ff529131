//! What hits add up to as an exposition of `OpenMetrics` 1.0: counters, and a histogram where there is one.

use std::fmt::Write as _;

use perfuse_analyze::live::{Order, Total};
use perfuse_format::live::{KeyPart, bucket_range};

use super::Computed;
use crate::export::openmetrics::escaped;

/// Most keys that become series: more would be a burden for who stores them.
const SERIES: usize = 1_000;

/// The exposition of all that is computed; `lost` are hits that had no room, `nanoseconds` the time that programs took.
pub fn metrics(all: &[Computed<'_>], lost: u64, nanoseconds: Option<u64>) -> String {
    let mut out = String::new();
    family(&mut out, all, "perfuse_trace_hits", "counter", "Hits of the event.", |of, key, total, out| {
        let labels = labels(of, key);
        let _ = writeln!(out, "perfuse_trace_hits_total{labels} {}", total.cell.count);
    });
    let valued: Vec<Computed<'_>> = all.iter().copied().filter(|of| of.value.is_some()).collect();
    let (plain, sorted): (Vec<_>, Vec<_>) = valued.into_iter().partition(|of| of.totals.parts().is_none());
    // Sums may go down where values are below zero, so that they are no counters.
    family(&mut out, &plain, "perfuse_trace_sum", "gauge", "Sum of the values.", |of, key, total, out| {
        let labels = labels(of, key);
        let _ = writeln!(out, "perfuse_trace_sum{labels} {}", of.totals.sum(total));
    });
    family(&mut out, &sorted, "perfuse_trace_value", "histogram", "Values of the event.", histogram);
    let _ = writeln!(out, "# TYPE perfuse_trace_lost counter\n# HELP perfuse_trace_lost Hits that had no room.");
    let _ = writeln!(out, "perfuse_trace_lost_total {lost}");
    if let Some(nanoseconds) = nanoseconds {
        let _ = writeln!(out, "# TYPE perfuse_trace_cost_seconds counter\n# UNIT perfuse_trace_cost_seconds seconds");
        let _ = writeln!(out, "# HELP perfuse_trace_cost_seconds Time that the programs in the kernel took.");
        let _ = writeln!(out, "perfuse_trace_cost_seconds_total {}", nanoseconds as f64 / 1e9);
    }
    out.push_str("# EOF\n");
    out
}

fn family<'c>(
    out: &mut String,
    all: &[Computed<'c>],
    name: &str,
    kind: &str,
    help: &str,
    sample: impl Fn(&Computed<'c>, &[KeyPart], &Total, &mut String),
) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(out, "# TYPE {name} {kind}\n# HELP {name} {help}");
    for of in all {
        for (key, total) in of.totals.ordered(Order::Count).into_iter().take(SERIES) {
            sample(of, key, total, out);
        }
    }
}

/// `{event="x:y",comm="sh"}`.
fn labels(of: &Computed<'_>, key: &[KeyPart]) -> String {
    format!("{{{}}}", label_list(of, key))
}

fn label_list(of: &Computed<'_>, key: &[KeyPart]) -> String {
    let mut text = format!("event=\"{}\"", escaped(of.event));
    for (name, value) in of.by.iter().zip(key) {
        // Labels have the letters of C; an expression has others.
        let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let mut name: String = name.chars().map(letter).collect();
        if name.starts_with(|first: char| first.is_ascii_digit()) || name == "event" || name == "le" {
            name.insert(0, '_');
        }
        let _ = write!(text, ",{name}=\"{}\"", escaped(&value.to_string()));
    }
    text
}

fn histogram(of: &Computed<'_>, key: &[KeyPart], total: &Total, out: &mut String) {
    let labels = label_list(of, key);
    let mut sum = 0_u64;
    for (index, count) in &total.buckets {
        sum = sum.saturating_add(*count);
        let (_, high) = bucket_range(*index, of.totals.parts().unwrap_or(0));
        let _ = writeln!(out, "perfuse_trace_value_bucket{{{labels},le=\"{high}.0\"}} {sum}");
    }
    let _ = writeln!(out, "perfuse_trace_value_bucket{{{labels},le=\"+Inf\"}} {sum}");
    // With values below zero a sum is none of a histogram.
    if !total.buckets.contains_key(&0) {
        let _ = writeln!(out, "perfuse_trace_value_count{{{labels}}} {sum}");
        let _ = writeln!(out, "perfuse_trace_value_sum{{{labels}}} {}", of.totals.sum(total));
    }
}

#[cfg(test)]
mod tests {
    use perfuse_analyze::live::Totals;
    use perfuse_format::live::{Cell, Row};
    use perfuse_format::openmetrics::Exposition;
    use perfuse_format::parse::FromBytes as _;

    use super::*;

    #[test]
    fn the_exposition_is_read_back() {
        let row = |bucket, value| Row { key: vec![KeyPart::Text("a\"b".into())], bucket, cell: Cell::of(value) };
        let sorted = Totals::of([row(3, 2), row(4, 5), row(4, 6)], true, Some(0));
        let plain = Totals::of([row(0, 2)], true, None);
        let by = ["comm + 1".to_owned()];
        let of = |totals, value| Computed { event: "x:y", value, by: &by, sums: false, totals };
        let text = metrics(&[of(&sorted, Some("len")), of(&plain, None)], 3, Some(1_500_000_000));
        assert!(text.ends_with("# EOF\n"));
        let read = Exposition::from_bytes(text.as_bytes()).unwrap();
        let label = [("comm___1", "a\"b"), ("event", "x:y")];
        assert_eq!(read.sum("perfuse_trace_hits_total", &label), Some(4.0));
        assert_eq!(read.sum("perfuse_trace_value_bucket", &[("le", "3.0")]), Some(1.0));
        assert_eq!(read.sum("perfuse_trace_value_bucket", &[("le", "+Inf")]), Some(3.0));
        assert_eq!(read.sum("perfuse_trace_value_sum", &[]), Some(13.0));
        assert_eq!(read.sum("perfuse_trace_lost_total", &[]), Some(3.0));
        assert_eq!(read.sum("perfuse_trace_cost_seconds_total", &[]), Some(1.5));
    }
}
