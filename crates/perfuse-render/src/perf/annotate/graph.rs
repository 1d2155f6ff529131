//! `perf annotate --stdio2`, which is the terminal view as text: offsets instead of addresses, arrows for jumps, calls and
//! returns, names instead of addresses of data.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use perfuse_analyze::annotate::{Asm, Counts, Flow, Row};

use super::{AnnotateOptions, Annotated};
use crate::perf::report::short;

/// One line, in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphLine {
    /// Index of the instruction; `None` for text.
    pub index: Option<usize>,
    /// `1a:`, blank unless something jumps there.
    pub label: String,
    /// `↓`, `↑`, `→`, `←` or a blank.
    pub arrow: char,
    /// The instruction, or the text.
    pub text: String,
}

/// The lines of a function.
#[derive(Debug, Clone)]
pub struct Graph {
    /// In their order.
    pub lines: Vec<GraphLine>,
    /// Columns of an offset.
    pub offsets: usize,
}

impl Graph {
    /// Of a function.
    pub fn new(shown: &Annotated<'_>) -> Self {
        let code = shown.code;
        let size = code.end.saturating_sub(code.start);
        let offsets = format!("{size:x}").len();
        let targets: BTreeSet<u64> = code
            .asm
            .iter()
            .filter(|asm| asm.flow == Flow::Jump)
            .filter_map(|asm| inside(asm, code.start, size))
            .collect();
        let names = code.asm.iter().map(|asm| asm.name.split(' ').next().unwrap_or_default().chars().count()).max();
        let names = names.unwrap_or(0);
        let line = |row: &Row| match row {
            Row::Text { text, .. } => GraphLine { index: None, label: String::new(), arrow: ' ', text: text.clone() },
            Row::More { text, .. } => {
                GraphLine { index: None, label: String::new(), arrow: ' ', text: text.trim().to_owned() }
            }
            Row::Asm { index, .. } => {
                let Some(asm) = code.asm.get(*index) else {
                    return GraphLine { index: None, label: String::new(), arrow: ' ', text: String::new() };
                };
                let label = if targets.contains(&asm.offset) { format!("{:x}", asm.offset) } else { String::new() };
                let arrow = arrow(asm, code.start, size);
                GraphLine { index: Some(*index), label, arrow, text: instruction(asm, names, code.start, size) }
            }
        };
        Self { lines: shown.rows.iter().map(line).collect(), offsets }
    }

    /// The line of the instruction at an offset.
    pub fn line_at(&self, shown: &Annotated<'_>, offset: u64) -> Option<usize> {
        let at = |line: &GraphLine| {
            line.index.and_then(|index| shown.code.asm.get(index)).is_some_and(|asm| asm.offset == offset)
        };
        self.lines.iter().position(at)
    }
}

/// The offset that an instruction leads to, if it is within the function.
pub(super) fn inside(asm: &Asm, start: u64, size: u64) -> Option<u64> {
    asm.target?.checked_sub(start).filter(|offset| *offset <= size)
}

fn arrow(asm: &Asm, start: u64, size: u64) -> char {
    match asm.flow {
        Flow::Jump => match (asm.target, inside(asm, start, size)) {
            (Some(_), Some(offset)) if offset > asm.offset => '↓',
            (Some(_), Some(_)) => '↑',
            (Some(_), None) => '→',
            (None, _) => '↓',
        },
        Flow::Call => '→',
        Flow::Return => '←',
        Flow::Next => ' ',
    }
}

/// The instruction with offsets and names instead of addresses.
fn instruction(asm: &Asm, names: usize, start: u64, size: u64) -> String {
    let (name, rest) = asm.name.split_once(' ').map_or((asm.name.as_str(), ""), |(name, rest)| (name, rest));
    let operands = if rest.is_empty() { asm.operands.clone() } else { format!("{rest} {}", asm.operands) };
    let operands = match asm.flow {
        Flow::Jump | Flow::Call => match (asm.target, inside(asm, start, size)) {
            (Some(target), Some(offset)) if asm.flow == Flow::Jump => {
                operands.replace(&format!("{target:x}"), &format!("{offset:x}"))
            }
            (Some(target), _) => match &asm.target_name {
                Some(name) => operands.replace(&format!("{target:x}"), name),
                None => operands,
            },
            (None, _) => operands,
        },
        _ => match &asm.data_name {
            Some(name) => with_name(&operands, name),
            None => operands,
        },
    };
    if name.starts_with("nop") {
        return "nop".to_owned();
    }
    format!("{name:<names$} {operands}").trim_end().to_owned()
}

/// `0x2e44(%rip),%rax` with the name of the data in place of its distance.
fn with_name(operands: &str, name: &str) -> String {
    let Some(end) = operands.find("(%rip)") else { return operands.to_owned() };
    let start =
        operands[..end].rfind(|c: char| !(c.is_ascii_hexdigit() || c == 'x' || c == '-')).map_or(0, |at| at + 1);
    format!("{}{name}{}", &operands[..start], &operands[end + "(%rip)".len()..])
}

/// The head of the terminal view, in two lines.
pub(super) fn title(shown: &Annotated<'_>, options: AnnotateOptions) -> [String; 2] {
    let samples = shown.events.iter().fold(0_u64, |sum, event| sum.saturating_add(event.all.samples));
    // As perf has it: the samples of all events, the periods of the first.
    let period = shown.events.first().map_or(0, |event| event.all.period);
    let (number, unit) = short(samples);
    let several = if shown.several { "s" } else { "" };
    let frequency = shown.frequency.map(|frequency| format!(" {frequency} Hz,")).unwrap_or_default();
    let first = format!(
        "Samples: {number}{unit} of event{several} '{}',{frequency} Event count (approx.): {period}, [percent: {}]",
        shown.event,
        options.percent.words()
    );
    [first, format!("{}() {}", shown.name, shown.dso)]
}

/// What stands in the column of percentages at an instruction: blank where no event has samples.
pub(super) fn column(shown: &Annotated<'_>, options: AnnotateOptions, index: Option<usize>) -> String {
    let width = if options.period { 12 } else { 7 } * shown.events.len().max(1);
    let counts = index.map(|index| shown.counts(index)).unwrap_or_default();
    if counts.iter().all(|counts: &Counts| counts.samples == 0) {
        return " ".repeat(width);
    }
    let mut text = String::new();
    for (counts, event) in counts.iter().zip(shown.events) {
        let share = options.percent.share(*counts, event.histogram.total, event.all);
        let _ = match () {
            () if options.period => write!(text, "{:11} ", counts.period),
            () if options.samples => write!(text, "{:6} ", counts.samples),
            () => write!(text, "{share:6.2} "),
        };
    }
    text
}

/// Appends a function.
pub fn stdio2(shown: &Annotated<'_>, options: AnnotateOptions, out: &mut String) {
    let graph = Graph::new(shown);
    for line in title(shown, options) {
        let _ = writeln!(out, "{line}");
    }
    let width = column(shown, options, None).len();
    let offsets = graph.offsets;
    let word = match () {
        () if options.period => "Period",
        () if options.samples => "Samples",
        () => "Percent",
    };
    for (number, line) in graph.lines.iter().enumerate() {
        match line.index {
            None => {
                let head = if number == 0 { word } else { "" };
                let _ = write!(out, "{head:width$} ");
                if line.text.is_empty() {
                    let _ = writeln!(out, "{:width$}", "");
                } else {
                    let rest = offsets + 1 + width;
                    let _ = writeln!(out, "{:offsets$}  {:<rest$}", "", line.text);
                }
            }
            Some(index) => {
                let counts = column(shown, options, Some(index));
                let label = if line.label.is_empty() {
                    format!("{:offsets$}  ", "")
                } else {
                    format!("{:>offsets$}: ", line.label)
                };
                let rest = width + 5 + offsets;
                let _ = writeln!(out, "{counts} {label}{} {:<rest$}", line.arrow, line.text);
            }
        }
    }
}
