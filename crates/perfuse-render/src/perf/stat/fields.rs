//! Fields between separators.

use std::fmt::Write as _;

use perfuse_analyze::stat::{Metric, Row, RowValue};

use super::text::number;
use super::{Rows, Style, count, counts_cpus, place_name};

pub(super) fn rows(out: &mut String, rows: Rows<'_>, style: &Style, separator: &str) {
    for row in &rows.table.rows {
        let Some(event) = rows.events.get(row.event) else { continue };
        begin(out, row, rows, style, separator);
        let value = match row.value {
            RowValue::Counted(value) => count(value, event),
            RowValue::NotCounted => "<not counted>".to_owned(),
            RowValue::NotSupported => "<not supported>".to_owned(),
        };
        let _ = write!(out, "{value}{separator}{}{separator}{}", event.unit, event.name);
        if rows.has_cgroups() {
            let _ = write!(out, "{separator}{}", event.cgroup.as_deref().unwrap_or_default());
        }
        if style.runs > 1 {
            let _ = write!(out, "{separator}{:.2}%", row.noise);
        }
        let _ = write!(out, "{separator}{:.0}{separator}{:.2}", row.running, row.percent_running());
        if row.metrics.is_empty() {
            let _ = write!(out, "{separator}{separator}");
        }
        for (index, metric) in row.metrics.iter().enumerate() {
            if index > 0 {
                out.push('\n');
                begin(out, row, rows, style, separator);
                // The fields of a count stay empty, so that the metric stands in its own column.
                let fields = 4 + usize::from(rows.has_cgroups()) + usize::from(style.runs > 1);
                out.push_str(&separator.repeat(fields));
            }
            field(out, metric, separator);
        }
        out.push('\n');
    }
}

fn field(out: &mut String, metric: &Metric, separator: &str) {
    match number(metric) {
        Some(number) => {
            let number = number.trim().trim_end_matches(['%', ' ']);
            let _ = write!(out, "{separator}{number}{separator}{}", metric.unit);
        }
        None => {
            let _ = write!(out, "{separator}{separator}");
        }
    }
}

/// `summary`, the time, the place and the CPUs in it, as far as there are such.
pub(super) fn begin(out: &mut String, row: &Row, rows: Rows<'_>, style: &Style, separator: &str) {
    if style.summary {
        let _ = write!(out, "{:>16}{separator}", "summary");
    }
    if let Some(moment) = rows.moment {
        let _ = write!(out, "{:6}.{:09}{separator}", moment.seconds, moment.nanos);
    }
    let place = place_name(row.place, rows);
    if !place.is_empty() {
        let _ = write!(out, "{place}{separator}");
    }
    if counts_cpus(row.place) {
        let _ = write!(out, "{}{separator}", row.cpus);
    }
}
