//! Columns for people.

use std::fmt::Write as _;

use perfuse_analyze::stat::{Alarm, CountedEvent, Metric, MetricStyle, Place, Row, RowValue};

use super::{Rows, Style, count, unit_width};

/// Columns of a metric.
const METRIC: usize = 35;
/// Columns of the name.
const NAME: usize = 32;

pub(super) fn rows(out: &mut String, rows: Rows<'_>, style: &Style) {
    let width = unit_width(rows.events);
    for row in &rows.table.rows {
        let Some(event) = rows.events.get(row.event) else { continue };
        begin(out, row.place, row.cpus, rows);
        match row.value {
            RowValue::Counted(value) => {
                let value = group_digits(&count(value, event), style.grouping);
                let _ = write!(out, "{value:>18} {:<width$} {:<NAME$}", event.unit, event.name);
                cgroup(out, event, rows);
                metrics(out, row, rows, style);
            }
            RowValue::NotCounted | RowValue::NotSupported => {
                let word = if row.value == RowValue::NotCounted { "<not counted>" } else { "<not supported>" };
                let _ = write!(out, "{word:>18} {:<width$} {:<25}", event.unit, event.name);
                cgroup(out, event, rows);
                let _ = write!(out, "{:METRIC$}", "");
            }
        }
        if style.runs > 1 {
            noise(out, row.noise);
        }
        if row.took_turns() {
            let _ = write!(out, "  ({:.2}%)", row.percent_running());
        }
        out.push('\n');
    }
}

/// `  ( +-  1.23% )`, unless it is 0.
pub(super) fn noise(out: &mut String, percent: f64) {
    if percent != 0.0 {
        let _ = write!(out, "  ( +-{percent:6.2}% )");
    }
}

/// What stands before the count: the time of an interval, and the place.
pub(super) fn begin(out: &mut String, place: Place, cpus: usize, rows: Rows<'_>) {
    if let Some(moment) = rows.moment {
        let _ = write!(out, "{:6}.{:09} ", moment.seconds, moment.nanos);
    }
    // Writing to a string cannot fail.
    let _ = match place {
        Place::All | Place::Cpu(-1) => Ok(()),
        Place::Cpu(cpu) => write!(out, "CPU{cpu:<7} "),
        Place::Percore(socket, die, core) => write!(out, "S{socket}-D{die}-C{core:<3} "),
        Place::Core(socket, die, core) => write!(out, "S{socket}-D{die}-C{core:<8} {cpus:>4} "),
        Place::Die(socket, die) => write!(out, "S{socket}-D{die:<8} {cpus:>4} "),
        Place::Socket(socket) => write!(out, "S{socket:<5} {cpus:>4} "),
        Place::Node(node) => write!(out, "N{node:<5} {cpus:>4} "),
        Place::Thread(index) => {
            let (comm, tid) = rows.thread(index);
            write!(out, "{comm:>16}-{tid:<8} ")
        }
    };
}

fn cgroup(out: &mut String, event: &CountedEvent, rows: Rows<'_>) {
    if rows.has_cgroups() {
        let _ = write!(out, " {}", event.cgroup.as_deref().unwrap_or_default());
    }
}

fn metrics(out: &mut String, row: &Row, rows: Rows<'_>, style: &Style) {
    if row.metrics.is_empty() {
        let _ = write!(out, "{:METRIC$}", "");
    }
    for (index, metric) in row.metrics.iter().enumerate() {
        if index > 0 {
            out.push('\n');
            begin(out, row.place, row.cpus, rows);
            // Under the first one.
            let before = 18 + 1 + unit_width(rows.events) + 1 + NAME;
            let _ = write!(out, "{:before$}", "");
        }
        let Some(number) = number(metric) else {
            let _ = write!(out, "{:METRIC$}", "");
            continue;
        };
        let rest = METRIC.saturating_sub(3 + number.len() + 1);
        let number = if style.color { colored(&number, metric.alarm) } else { number };
        let _ = write!(out, " # {number} {:<rest$}", metric.unit);
    }
}

/// The number of a metric, in its width.
pub(super) fn number(metric: &Metric) -> Option<String> {
    let value = metric.value?;
    Some(match metric.style {
        MetricStyle::Three => format!("{value:8.3}"),
        MetricStyle::Two => format!("{value:7.2} "),
        MetricStyle::Percent => format!("{value:7.2}%"),
        MetricStyle::WidePercent => format!("{value:8.3} %"),
        // As the C library writes it.
        _ if value.is_nan() => format!("{:>8}", "nan"),
        MetricStyle::One => format!("{value:8.1}"),
        MetricStyle::WideTwo => format!("{value:8.2}"),
        MetricStyle::OnePercent => format!("{value:8.1}%"),
        MetricStyle::Whole => format!("{value:8.0}"),
    })
}

/// The number in the colour of its alarm.
fn colored(number: &str, alarm: Alarm) -> String {
    let code = match alarm {
        Alarm::None => return number.to_owned(),
        Alarm::Low => "33",
        Alarm::Middle => "35",
        Alarm::High => "31",
    };
    format!("\x1b[{code}m{number}\x1b[m")
}

/// Digits before the point in groups of three.
fn group_digits(number: &str, separator: Option<char>) -> String {
    let Some(separator) = separator else { return number.to_owned() };
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let digits = whole.chars().count();
    let mut out = String::with_capacity(number.len() + digits / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (digits - index) % 3 == 0 && digit.is_ascii_digit() && out != "-" {
            out.push(separator);
        }
        out.push(digit);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_before_the_point() {
        for (number, expected) in
            [("1", "1"), ("123", "123"), ("1234", "1,234"), ("1234567.89", "1,234,567.89"), ("-123", "-123")]
        {
            assert_eq!(group_digits(number, Some(',')), expected);
            assert_eq!(group_digits(number, None), number);
        }
    }
}
