//! The names that an expression may use: fields of the event, arguments of a probe, and what every hit has.

use super::{COMM_BYTES, KEY_TEXT};
use crate::probe::{Cast, Fetch, Sign, TraceArgument};
use crate::tracefs::{EventFormat, Field, Shape};

/// What every hit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Builtin {
    /// The process.
    Pid,
    /// The thread.
    Tid,
    /// The name of the thread.
    Comm,
    /// The CPU.
    Cpu,
    /// The user.
    Uid,
    /// Events that a sample stands for.
    Period,
    /// The data address of a sample.
    Address,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A number in the record of a tracepoint.
    Number {
        /// Bytes from the start of the record.
        offset: usize,
        /// Its bytes: 1, 2, 4 or 8.
        size: usize,
    },
    /// A text in the record.
    Text {
        /// Bytes from the start of the record.
        offset: usize,
        /// Bytes of the array.
        size: usize,
    },
    /// A text behind the fields, whose place stands in the record (`__data_loc`, `__rel_loc`).
    Located {
        /// Where the word with its place is.
        offset: usize,
        /// What its offset counts from: the end of the word (`__rel_loc`), else the start of the record.
        relative: bool,
    },
    /// Registers and memory.
    Fetch(TraceArgument),
    /// What every hit has.
    Builtin(Builtin),
}

/// A name with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Whether it is a text and no number.
    pub text: bool,
    /// Whether a number has a sign.
    pub signed: bool,
    /// Whether it fills all 64 bits without a sign, so that it is compared without one.
    pub wide: bool,
    /// Where it comes from.
    pub source: Source,
}

impl Variable {
    /// Bytes that a text takes in a key and in a comparison: names of threads, and arrays as short as these, take
    /// [`COMM_BYTES`], all others [`KEY_TEXT`].
    pub fn text_bytes(&self) -> usize {
        let short = match &self.source {
            Source::Builtin(builtin) => *builtin == Builtin::Comm,
            Source::Text { size, .. } => *size <= COMM_BYTES,
            Source::Fetch(argument) => argument.fetch == Fetch::Comm,
            Source::Number { .. } | Source::Located { .. } => false,
        };
        if short { COMM_BYTES } else { KEY_TEXT }
    }
}

/// All names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// In the order in which they are looked up.
    pub variables: Vec<Variable>,
}

/// Names of what every hit has; the kernel's own filters know some of them too.
const BUILTINS: [(&str, Builtin); 8] = [
    ("pid", Builtin::Pid),
    ("tid", Builtin::Tid),
    ("comm", Builtin::Comm),
    ("cpu", Builtin::Cpu),
    ("uid", Builtin::Uid),
    ("common_pid", Builtin::Tid),
    ("COMM", Builtin::Comm),
    ("CPU", Builtin::Cpu),
];

impl Scope {
    /// The fields of a tracepoint; those that are arrays of numbers have no value.
    pub fn of_format(format: &EventFormat) -> Self {
        let fields = format.fields.iter().filter_map(of_field);
        Self { variables: fields.collect() }.with_builtins(&[])
    }

    /// The arguments of a probe, by the names that tracefs gives them.
    pub fn of_arguments(arguments: &[TraceArgument]) -> Self {
        let numbered = arguments.iter().enumerate();
        let own = numbered.filter_map(|(at, argument)| {
            let name = argument.name.clone().unwrap_or_else(|| format!("arg{}", at + 1));
            of_argument(name, argument)
        });
        Self { variables: own.collect() }.with_builtins(&[])
    }

    /// What samples of an event that is no tracepoint have.
    pub fn of_samples() -> Self {
        Self::default().with_builtins(&[("period", Builtin::Period), ("addr", Builtin::Address)])
    }

    fn with_builtins(mut self, more: &[(&str, Builtin)]) -> Self {
        for (name, builtin) in more.iter().chain(&BUILTINS) {
            let text = *builtin == Builtin::Comm;
            let wide = *builtin == Builtin::Address;
            let source = Source::Builtin(*builtin);
            self.variables.push(Variable { name: (*name).to_owned(), text, signed: false, wide, source });
        }
        self
    }

    /// The variable of a name; fields of the event come first.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.variables.iter().position(|variable| variable.name == name)
    }

    /// The place of what every hit has.
    pub fn builtin(&self, builtin: Builtin) -> Option<usize> {
        self.variables.iter().position(|variable| variable.source == Source::Builtin(builtin))
    }

    /// All names, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|variable| variable.name.as_str())
    }
}

fn of_field(field: &Field) -> Option<Variable> {
    let source = match field.shape {
        Shape::Number | Shape::Pointer if matches!(field.size, 1 | 2 | 4 | 8) => {
            Source::Number { offset: field.offset, size: field.size }
        }
        Shape::Array(_) if field.is_text() && field.size > 0 => Source::Text { offset: field.offset, size: field.size },
        Shape::DataLoc | Shape::RelLoc if field.is_text() && field.size == 4 => {
            Source::Located { offset: field.offset, relative: field.shape == Shape::RelLoc }
        }
        _ => return None,
    };
    let number = matches!(source, Source::Number { .. });
    let wide = number && field.size == 8 && !field.signed;
    Some(Variable { name: field.name.clone(), text: !number, signed: field.signed, wide, source })
}

fn of_argument(name: String, argument: &TraceArgument) -> Option<Variable> {
    let is_comm = argument.fetch == Fetch::Comm;
    let (text, signed, wide) = match &argument.cast {
        _ if is_comm => (true, false, false),
        Some(Cast::Text | Cast::UserText) => (true, false, false),
        Some(Cast::Array(..) | Cast::SymbolText) => return None,
        Some(Cast::Integer { sign, bits }) => (false, *sign == Sign::Signed, *bits == 64 && *sign != Sign::Signed),
        Some(Cast::Sign(sign)) => (false, *sign == Sign::Signed, *sign != Sign::Signed),
        Some(Cast::Char | Cast::BitField { .. }) => (false, false, false),
        Some(Cast::Symbol) | None => (false, false, true),
    };
    Some(Variable { name, text, signed, wide, source: Source::Fetch(argument.clone()) })
}
