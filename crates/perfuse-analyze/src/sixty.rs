//! The first sixty seconds on a host: what ten well-known commands would have shown, from one run.

mod devices;
mod host;
mod processes;
mod processors;
#[cfg(test)]
mod tests;

use perfuse_format::{Delta, Missing, Reading, delta};

use crate::cell::Quantity;
use crate::message::{self, Msg};
use crate::run::Run;

/// Rows of one table at most; the largest ones.
const ROWS: usize = 16;

/// All steps, in the order in which one would type the commands.
#[derive(Debug, Clone, PartialEq)]
pub struct SixtyReport {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One command.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Stable id, such as `vmstat`. Its title is the message `sixty-<id>-title`.
    pub id: &'static str,
    /// What one would have typed.
    pub command: &'static str,
    /// The numbers, or why there are none.
    pub table: Reading<Table>,
    /// What the numbers say, in one sentence.
    pub reading: Msg,
    /// Whether the numbers deserve a second look.
    pub remarkable: bool,
}

/// Numbers under the column names of the command.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Column names, as the command prints them.
    pub columns: Vec<&'static str>,
    /// Rows; a command with one line of numbers has one row without a name.
    pub rows: Vec<Row>,
    /// Lines of text, for a command that shows no numbers.
    pub lines: Vec<String>,
    /// Rows that were left out.
    pub more: usize,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Device, CPU, process; empty for the only one.
    pub name: String,
    /// As many as there are columns; nothing where the kernel does not tell.
    pub values: Vec<Option<Quantity>>,
}

/// What a step measured and makes of it.
struct Finding {
    table: Table,
    reading: Msg,
    remarkable: bool,
}

impl Finding {
    fn new(table: Table, reading: Msg, remarkable: bool) -> Self {
        Self { table, reading, remarkable }
    }
}

type Measure = fn(&Run) -> Result<Finding, Missing>;

const STEPS: [(&str, &str, Measure); 10] = [
    ("uptime", "uptime", host::uptime),
    ("dmesg", "dmesg | tail", host::dmesg),
    ("vmstat", "vmstat 1", processors::vmstat),
    ("mpstat", "mpstat -P ALL 1", processors::mpstat),
    ("pidstat", "pidstat 1", processes::pidstat),
    ("iostat", "iostat -xz 1", devices::iostat),
    ("free", "free -m", host::free),
    ("sar-dev", "sar -n DEV 1", devices::interfaces),
    ("sar-tcp", "sar -n TCP,ETCP 1", devices::tcp),
    ("top", "top", processes::top),
];

impl SixtyReport {
    /// Measures every step.
    pub fn build(run: &Run) -> Self {
        let step = |(id, command, measure): &(&'static str, &'static str, Measure)| match measure(run) {
            Ok(Finding { table, reading, remarkable }) => {
                Step { id, command, table: Reading::Value(table), reading, remarkable }
            }
            Err(missing) => {
                let reading = message::missing(&missing);
                Step { id, command, table: Reading::Missing(missing), reading, remarkable: false }
            }
        };
        Self { steps: STEPS.iter().map(step).collect() }
    }
}

impl Table {
    fn one(columns: Vec<&'static str>, values: Vec<Option<Quantity>>) -> Self {
        Self { columns, rows: vec![Row { name: String::new(), values }], ..Self::default() }
    }

    /// Keeps the first rows.
    fn cut(mut self) -> Self {
        self.more = self.rows.len().saturating_sub(ROWS);
        self.rows.truncate(ROWS);
        self
    }
}

/// Growth a second; nothing after a reset.
fn rate(before: u64, after: u64, seconds: f64) -> Option<f64> {
    match delta(before, after) {
        Delta::Grew(by) if seconds > 0.0 => Some(by as f64 / seconds),
        _ => None,
    }
}

/// The share that `part` is of `whole`.
fn share(part: f64, whole: f64) -> Option<Quantity> {
    if whole > 0.0 { Some(Quantity::ratio((part / whole).clamp(0.0, 1.0))) } else { None }
}
