//! One line a hit.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::layout::{clean, fit, width};

/// Columns of the name of a thread.
const COMM: usize = 16;

/// A hit as it is shown.
#[derive(Debug, Clone, Copy)]
pub struct HitLine<'a> {
    /// Nanoseconds since 1970, moved to the local zone.
    pub time: u64,
    /// The name of the thread.
    pub comm: &'a str,
    /// Process.
    pub pid: i32,
    /// Thread.
    pub tid: i32,
    /// CPU.
    pub cpu: u32,
    /// The event.
    pub event: &'a str,
    /// Its fields.
    pub fields: &'a str,
}

/// The layout of a run of hits.
#[derive(Debug, Clone)]
pub struct Hits {
    color: bool,
    /// Columns for the name of the event; 0 where there is only one.
    event: usize,
}

fn style(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(color.into()))
}

impl Hits {
    /// For these events.
    pub fn new(events: &[&str], color: bool) -> Self {
        let widest = events.iter().map(|name| width(name)).max().unwrap_or(0);
        Self { color, event: if events.len() > 1 { widest.min(40) } else { 0 } }
    }

    fn painted(&self, style: Style, text: &str, out: &mut String) {
        if self.color && !text.trim().is_empty() {
            let _ = write!(out, "{style}{text}{style:#}");
        } else {
            out.push_str(text);
        }
    }

    /// The heads of the columns, in the words of a language: time, thread, event, fields.
    pub fn head(&self, [time, thread, event, fields]: [&str; 4]) -> String {
        let mut line = format!("{} {} ", padded(time, 15), padded(thread, COMM));
        let _ = write!(line, "{:>7} {:>3}  ", "TID", "CPU");
        if self.event > 0 {
            let _ = write!(line, "{}  ", padded(event, self.event));
        }
        line.push_str(fields);
        let mut out = String::new();
        self.painted(Style::new().bold(), line.trim_end(), &mut out);
        out.push('\n');
        out
    }

    /// Appends the line of a hit.
    pub fn line(&self, hit: &HitLine<'_>, out: &mut String) {
        let (seconds, micros) = (hit.time / 1_000_000_000, hit.time / 1_000 % 1_000_000);
        let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
        let time = format!("{hours:02}:{minutes:02}:{:02}.{micros:06}", seconds % 60);
        self.painted(style(AnsiColor::BrightBlack), &time, out);
        out.push(' ');
        self.painted(style(AnsiColor::Green), &padded(&fit(&clean(hit.comm), COMM), COMM), out);
        let _ = write!(out, " {:>7} {:>3}  ", hit.tid, hit.cpu);
        if self.event > 0 {
            self.painted(style(AnsiColor::Cyan), &padded(&fit(hit.event, self.event), self.event), out);
            out.push_str("  ");
        }
        out.push_str(&clean(hit.fields));
        while out.ends_with(' ') {
            out.pop();
        }
        out.push('\n');
    }
}

/// Filled up with blanks.
pub(super) fn padded(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{:missing$}", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIT: HitLine<'_> = HitLine {
        time: 3_723_000_045_000,
        comm: "a-long-name\u{1b}[31m",
        pid: 7,
        tid: 8,
        cpu: 1,
        event: "sched:sched_switch",
        fields: "prev=1\nnext=2",
    };

    #[test]
    fn lines_are_aligned_and_cannot_steer_a_terminal() {
        let hits = Hits::new(&["sched:sched_switch", "x:y"], false);
        let head = hits.head(["TIME", "THREAD", "EVENT", "FIELDS"]);
        let mut out = String::new();
        hits.line(&HIT, &mut out);
        assert_eq!(out, "01:02:03.000045 a-long-name\\x1b…       8   1  sched:sched_switch  prev=1\\nnext=2\n");
        assert_eq!(head.find("EVENT"), Some(46));
        assert_eq!(out.find("sched:"), Some(46 + "…".len() - 1));
    }

    #[test]
    fn a_single_event_needs_no_column_and_colours_are_asked_for() {
        let mut out = String::new();
        Hits::new(&["x:y"], true).line(&HIT, &mut out);
        assert!(out.contains("\u{1b}[") && !out.contains("sched:sched_switch"));
    }
}
