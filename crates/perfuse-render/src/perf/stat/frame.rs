//! What stands above and below the rows of text.

use std::fmt::Write as _;
use std::time::Duration;

use perfuse_analyze::stat::{Aggregation, CountedEvent, Table};

use super::{text, unit_width};

/// What was measured, in the words of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `-a`.
    System,
    /// `-C`, with the list.
    Cpus(String),
    /// A command.
    Command(String),
    /// `-p`, with the list.
    Processes(String),
    /// `-t`, with the list.
    Threads(String),
}

/// ` Performance counter stats for 'ls' (3 runs):`, between empty lines.
pub fn header(target: &Target, runs: u64) -> String {
    let what = match target {
        Target::System => "'system wide'".to_owned(),
        Target::Cpus(list) => format!("'CPU(s) {list}'"),
        Target::Command(command) => format!("'{command}'"),
        Target::Processes(list) => format!("process id '{list}'"),
        Target::Threads(list) => format!("thread id '{list}'"),
    };
    let runs = if runs > 1 { format!(" ({runs} runs)") } else { String::new() };
    format!("\n Performance counter stats for {what}{runs}:\n\n")
}

/// The line above the rows of intervals.
pub fn interval_header(aggregation: Aggregation, events: &[CountedEvent], metric_only: bool) -> String {
    let (place, counts) = match aggregation {
        Aggregation::Global => ("", "             counts "),
        Aggregation::Cpu => (" CPU    ", "                counts "),
        Aggregation::Core => (" core            cpus", "             counts "),
        Aggregation::Die => (" die          cpus", "             counts "),
        Aggregation::Socket => (" socket cpus", "             counts "),
        Aggregation::Node => (" node   cpus", "             counts "),
        Aggregation::Thread => ("             comm-pid", "                  counts "),
    };
    let mut line = format!("#           time{place}");
    if !metric_only {
        let width = unit_width(events);
        let _ = writeln!(line, "{counts}{:>width$} events", "unit");
    }
    line
}

/// The times: of one run with the CPU time of the command, or of several with their deviation.
pub fn footer(table: &Table, usage: Option<(Duration, Duration)>, individually: bool, rows: bool) -> String {
    let mut out = String::new();
    if rows {
        out.push('\n');
    }
    let mean = table.seconds.mean();
    if table.seconds.count() <= 1 {
        let _ = write!(out, " {mean:17.9} seconds time elapsed");
        if let Some((user, system)) = usage {
            let _ = write!(out, "\n\n {:17.9} seconds user\n", user.as_secs_f64());
            let _ = writeln!(out, " {:17.9} seconds sys", system.as_secs_f64());
        }
    } else {
        let precision = precision(table.seconds.error());
        if individually {
            individual(&mut out, table, precision);
        }
        let error = table.seconds.error();
        let _ = write!(out, " {mean:17.precision$} +- {error:.precision$} seconds time elapsed");
        text::noise(&mut out, table.seconds.error_percent());
    }
    out.push_str("\n\n");
    out
}

/// Decimals that show two digits of an error.
fn precision(error: f64) -> usize {
    if error > 1.0 {
        return 2;
    }
    // From nine decimals on, digits are below a nanosecond.
    (0..=7).find(|decimals| error * 10_f64.powi(*decimals) >= 1.0).and_then(|d| usize::try_from(d).ok()).unwrap_or(7)
        + 2
}

/// Every run with its distance from the mean, as a number and as a bar.
fn individual(out: &mut String, table: &Table, precision: usize) {
    let mean = table.seconds.mean();
    let shown = format!(" {mean:17.precision$}");
    let indent = shown.chars().take_while(|character| *character == ' ').count();
    let _ = writeln!(out, "{:indent$}# Table of individual measurements:", "");
    for run in &table.each {
        let distance = run - mean;
        let percent = if *run > 0.0 { (100.0 * distance / run).abs() } else { 0.0 };
        // A mark, and one more for every whole five percent; no more than a screen holds.
        let marks = 1 + (1..200).take_while(|mark| f64::from(*mark) * 5.0 <= percent.trunc()).count();
        let _ = writeln!(out, " {run:17.precision$} ({distance:+.precision$}) {}", "#".repeat(marks));
    }
    let _ = writeln!(out, "\n{:indent$}# Final result:", "");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_of_the_error_are_shown() {
        for (error, decimals) in [(2.0, 2), (1.0, 2), (0.5, 3), (0.1, 3), (0.04, 4), (0.000_564, 6), (0.0, 9)] {
            assert_eq!(precision(error), decimals, "{error}");
        }
    }
}
