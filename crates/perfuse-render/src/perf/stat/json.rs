//! A JSON object a line, with the keys of perf. Names are escaped, which perf does not do.

use std::fmt::Write as _;

use perfuse_analyze::stat::{Place, Row, RowValue};

use super::{Rows, Style, place_name};

pub(super) fn rows(out: &mut String, rows: Rows<'_>, style: &Style) {
    for row in &rows.table.rows {
        let Some(event) = rows.events.get(row.event) else { continue };
        begin(out, row, rows);
        let value = match row.value {
            RowValue::Counted(value) => format!("{value:.6}"),
            RowValue::NotCounted => "<not counted>".to_owned(),
            RowValue::NotSupported => "<not supported>".to_owned(),
        };
        let _ = write!(out, "\"counter-value\" : \"{value}\", ");
        let _ = write!(out, "\"unit\" : {}, \"event\" : {}, ", quoted(&event.unit), quoted(&event.name));
        if rows.has_cgroups() {
            let _ = write!(out, "\"cgroup\" : {}, ", quoted(event.cgroup.as_deref().unwrap_or_default()));
        }
        if style.runs > 1 {
            let _ = write!(out, "\"variance\" : {:.2}, ", row.noise);
        }
        let _ =
            write!(out, "\"event-runtime\" : {:.0}, \"pcnt-running\" : {:.2}, ", row.running, row.percent_running());
        if row.metrics.is_empty() {
            let unit = if matches!(row.value, RowValue::Counted(_)) { "(null)" } else { "" };
            metric(out, 0.0, unit);
        }
        for (index, one) in row.metrics.iter().enumerate() {
            if index > 0 {
                out.push('\n');
                begin(out, row, rows);
            }
            // JSON has no word for what is no number.
            metric(out, one.value.filter(|value| value.is_finite()).unwrap_or(0.0), &one.unit);
        }
        out.push('\n');
    }
}

fn metric(out: &mut String, value: f64, unit: &str) {
    let _ = write!(out, "\"metric-value\" : {value:.6}, \"metric-unit\" : {}}}", quoted(unit));
}

/// The brace, the time, and the place with the CPUs in it.
pub(super) fn begin(out: &mut String, row: &Row, rows: Rows<'_>) {
    out.push('{');
    if let Some(moment) = rows.moment {
        let _ = write!(out, "\"interval\" : {}.{:09}, ", moment.seconds, moment.nanos);
    }
    let key = match row.place {
        Place::All | Place::Cpu(-1) => return,
        Place::Cpu(cpu) => {
            let _ = write!(out, "\"cpu\" : \"{cpu}\", ");
            return;
        }
        Place::Thread(_) => {
            let _ = write!(out, "\"thread\" : {}, ", quoted(&place_name(row.place, rows)));
            return;
        }
        Place::Percore(..) => {
            let _ = write!(out, "\"core\" : \"{}\", ", place_name(row.place, rows));
            return;
        }
        Place::Core(..) => "core",
        Place::Die(..) => "die",
        Place::Socket(_) => "socket",
        Place::Node(_) => "node",
    };
    let name = place_name(row.place, rows);
    let _ = write!(out, "\"{key}\" : \"{name}\", \"aggregate-number\" : {}, ", row.cpus);
}

/// A JSON string.
pub(super) fn quoted(text: &str) -> String {
    // A string is always JSON.
    serde_json::to_string(text).unwrap_or_default()
}
