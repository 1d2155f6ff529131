//! `perf stat`: as text, as fields between separators (`-x`), as JSON lines (`-j`), metrics only (`--metric-only`).
//!
//! The column widths are those of perf 6.1.

mod fields;
mod frame;
mod json;
mod only;
#[cfg(test)]
mod tests;
mod text;

use perfuse_analyze::stat::{CountedEvent, Place, Table};

pub use frame::{Target, footer, header, interval_header};

/// Which of the layouts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Format {
    /// Columns for people.
    #[default]
    Text,
    /// Fields with this separator between them.
    Fields(String),
    /// A JSON object a line.
    Json,
}

/// How rows are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Style {
    /// Which of the layouts.
    pub format: Format,
    /// Ratios without counts.
    pub metric_only: bool,
    /// What stands between groups of three digits.
    pub grouping: Option<char>,
    /// Whether alarming ratios are coloured.
    pub color: bool,
    /// Number of runs: with several, rows have a deviation.
    pub runs: u64,
    /// Whether rows of fields begin with `summary`.
    pub summary: bool,
}

/// A measured thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Its name.
    pub comm: String,
    /// Its number.
    pub tid: i32,
}

/// When an interval ended: seconds and nanoseconds since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Whole seconds.
    pub seconds: u64,
    /// Nanoseconds of the next one.
    pub nanos: u32,
}

impl From<std::time::Duration> for Moment {
    fn from(since: std::time::Duration) -> Self {
        Self { seconds: since.as_secs(), nanos: since.subsec_nanos() }
    }
}

/// What rows are written from.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Rows and times.
    pub table: &'a Table,
    /// The events that rows refer to.
    pub events: &'a [CountedEvent],
    /// The threads that rows refer to.
    pub threads: &'a [Thread],
    /// The end of the interval, if it is one.
    pub moment: Option<Moment>,
}

impl Rows<'_> {
    /// Whether rows have a column for the cgroup: as soon as one event is counted in one.
    fn has_cgroups(&self) -> bool {
        self.events.iter().any(|event| event.cgroup.is_some())
    }

    /// Name and number of the thread of a row.
    fn thread(&self, index: usize) -> (&str, i32) {
        self.threads.get(index).map_or(("", -1), |thread| (&thread.comm, thread.tid))
    }
}

/// Appends the rows of a table.
pub fn rows(out: &mut String, rows: Rows<'_>, style: &Style) {
    match &style.format {
        _ if style.metric_only => only::rows(out, rows, style),
        Format::Text => text::rows(out, rows, style),
        Format::Fields(separator) => fields::rows(out, rows, style, separator),
        Format::Json => json::rows(out, rows, style),
    }
}

/// The columns that come before the rows with `--metric-only`; nothing else has such a line.
pub fn metric_header(out: &mut String, rows: Rows<'_>, style: &Style) {
    if style.metric_only {
        only::header(out, rows, style);
    }
}

/// Columns of the unit: of the longest, and at least four.
fn unit_width(events: &[CountedEvent]) -> usize {
    events.iter().map(|event| event.unit.chars().count()).max().unwrap_or(0).max(4)
}

/// The place of a row as JSON and fields name it: `S0-D0-C1`; empty for everything.
fn place_name(place: Place, rows: Rows<'_>) -> String {
    match place {
        Place::All | Place::Cpu(-1) => String::new(),
        Place::Cpu(cpu) => format!("CPU{cpu}"),
        Place::Core(socket, die, core) | Place::Percore(socket, die, core) => format!("S{socket}-D{die}-C{core}"),
        Place::Die(socket, die) => format!("S{socket}-D{die}"),
        Place::Socket(socket) => format!("S{socket}"),
        Place::Node(node) => format!("N{node}"),
        Place::Thread(index) => {
            let (comm, tid) = rows.thread(index);
            format!("{comm}-{tid}")
        }
    }
}

/// Whether rows of this place tell how many CPUs are in it.
fn counts_cpus(place: Place) -> bool {
    matches!(place, Place::Core(..) | Place::Die(..) | Place::Socket(_) | Place::Node(_))
}

/// A count: two decimals where the event's scale has some.
fn count(value: f64, event: &CountedEvent) -> String {
    if event.scale.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
