//! The record of a probe that tracefs does not have: what a program puts out for each hit, described as tracefs describes
//! its own events, so that everything that reads recordings understands it.
//!
//! ```text
//! 0  common_type, common_flags, common_preempt_count, common_pid
//! 8  __probe_ip where it is known, then eight bytes for each argument
//! .. texts and arrays, each in a place of its own
//! ```

use std::fmt::Write as _;

use crate::probe::{Cast, Fetch, Sign, TraceArgument, TraceProbe};

/// Bytes of a text, its end included: what is longer is cut.
pub const TEXT_BYTES: usize = 128;
/// Most bytes of a record: what a program can put out at once is limited, and so is what it can build.
const MOST: usize = 2048;

/// How an argument stands in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// A number of 1, 2, 4 or 8 bytes.
    Number {
        /// Bytes.
        size: usize,
    },
    /// Length and place of a text (`__data_loc`), which stands at `at`.
    Text {
        /// Bytes from the start of the record.
        at: usize,
        /// Bytes that are kept for it.
        size: usize,
    },
    /// Numbers, one after the other.
    Array {
        /// Bytes of each.
        element: usize,
        /// How many.
        count: usize,
    },
}

/// An argument in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordField {
    /// Its name.
    pub name: String,
    /// Where the kernel has it.
    pub argument: TraceArgument,
    /// Where it stands.
    pub offset: usize,
    /// How.
    pub kind: RecordKind,
}

/// The layout of a probe's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRecord {
    /// Group.
    pub system: String,
    /// Name.
    pub name: String,
    /// Number of the event, which stands at the start of each record.
    pub id: u16,
    /// Whether the address of the probe stands at byte 8.
    pub address: bool,
    /// The arguments.
    pub fields: Vec<RecordField>,
    /// Bytes of the whole, a multiple of 8.
    pub size: usize,
}

impl ProbeRecord {
    /// The layout for a probe; `None` if its arguments take more room than there is, or are of a kind that no program can
    /// fetch (`symstr`).
    pub fn new(probe: &TraceProbe, id: u16, address: bool) -> Option<Self> {
        let mut at = if address { 16 } else { 8 };
        let mut behind = at + 8 * probe.arguments.len();
        let mut fields = Vec::new();
        for (index, argument) in probe.arguments.iter().enumerate() {
            let name = argument.name.clone().unwrap_or_else(|| format!("arg{}", index + 1));
            let mut offset = at;
            let text = |at: usize, size: usize| RecordKind::Text { at, size };
            let kind = match &argument.cast {
                _ if argument.fetch == Fetch::Comm => {
                    behind += super::COMM_BYTES;
                    text(behind - super::COMM_BYTES, super::COMM_BYTES)
                }
                Some(Cast::Text | Cast::UserText) => {
                    behind += TEXT_BYTES;
                    text(behind - TEXT_BYTES, TEXT_BYTES)
                }
                Some(Cast::Array(element, count)) => {
                    let size = number_size(Some(element.as_ref()))?;
                    offset = behind;
                    let count = usize::try_from(*count).ok()?;
                    behind = (behind + size.checked_mul(count)?).next_multiple_of(8);
                    RecordKind::Array { element: size, count }
                }
                cast => RecordKind::Number { size: number_size(cast.as_ref())? },
            };
            fields.push(RecordField { name, argument: argument.clone(), offset, kind });
            at += 8;
        }
        let (system, name) = (probe.group.clone(), probe.event.clone());
        (behind <= MOST).then_some(Self { system, name, id, address, fields, size: behind })
    }

    /// The `format` file that describes it.
    pub fn format(&self) -> String {
        let mut out = format!("name: {}\nID: {}\nformat:\n", self.name, self.id);
        let mut field = |declared: &str, offset: usize, size: usize, signed: bool| {
            let signed = u8::from(signed);
            let _ = writeln!(out, "\tfield:{declared};\toffset:{offset};\tsize:{size};\tsigned:{signed};");
        };
        field("unsigned short common_type", 0, 2, false);
        field("unsigned char common_flags", 2, 1, false);
        field("unsigned char common_preempt_count", 3, 1, false);
        field("int common_pid", 4, 4, true);
        out.push('\n');
        let mut field = |declared: &str, offset: usize, size: usize, signed: bool| {
            let signed = u8::from(signed);
            let _ = writeln!(out, "\tfield:{declared};\toffset:{offset};\tsize:{size};\tsigned:{signed};");
        };
        let (mut shown, mut values) = (String::new(), String::new());
        if self.address {
            field("unsigned long __probe_ip", 8, 8, false);
            shown.push_str("(%lx)");
            values.push_str(", REC->__probe_ip");
        }
        for one in &self.fields {
            let space = if shown.is_empty() { "" } else { " " };
            let _ = write!(shown, "{space}{}=", one.name);
            let name = &one.name;
            let (of, form, signed) = shape(one.argument.cast.as_ref());
            match one.kind {
                RecordKind::Text { .. } => {
                    field(&format!("__data_loc char[] {name}"), one.offset, 4, false);
                    shown.push_str("\\\"%s\\\"");
                    let _ = write!(values, ", __get_str({name})");
                }
                RecordKind::Number { size } => {
                    field(&format!("{of} {name}"), one.offset, size, signed);
                    shown.push_str(form);
                    let _ = write!(values, ", REC->{name}");
                }
                RecordKind::Array { element, count } => {
                    field(&format!("{of} {name}[{count}]"), one.offset, element * count, signed);
                    let _ = write!(shown, "{{{}}}", vec![form; count].join(","));
                    for index in 0..count {
                        let _ = write!(values, ", REC->{name}[{index}]");
                    }
                }
            }
        }
        let _ = write!(out, "\nprint fmt: \"{shown}\"{values}\n");
        out
    }
}

/// Bytes of a number.
fn number_size(cast: Option<&Cast>) -> Option<usize> {
    Some(match cast {
        Some(Cast::Integer { bits, .. } | Cast::BitField { container: bits, .. }) => usize::from(*bits) / 8,
        Some(Cast::Char) => 1,
        None | Some(Cast::Sign(_) | Cast::Symbol) => 8,
        Some(Cast::Text | Cast::UserText | Cast::SymbolText | Cast::Array(..)) => return None,
    })
}

/// How tracefs declares and prints a type: its name, its format, whether it has a sign.
fn shape(cast: Option<&Cast>) -> (&'static str, &'static str, bool) {
    match cast {
        Some(Cast::Array(element, _)) => shape(Some(element)),
        Some(Cast::Integer { sign, bits }) => match (sign, bits) {
            (Sign::Unsigned, 8) => ("u8", "%u", false),
            (Sign::Unsigned, 16) => ("u16", "%u", false),
            (Sign::Unsigned, 32) => ("u32", "%u", false),
            (Sign::Unsigned, _) => ("u64", "%Lu", false),
            (Sign::Signed, 8) => ("s8", "%d", true),
            (Sign::Signed, 16) => ("s16", "%d", true),
            (Sign::Signed, 32) => ("s32", "%d", true),
            (Sign::Signed, _) => ("s64", "%Ld", true),
            (Sign::Hex, 8) => ("u8", "0x%x", false),
            (Sign::Hex, 16) => ("u16", "0x%x", false),
            (Sign::Hex, 32) => ("u32", "0x%x", false),
            (Sign::Hex, _) => ("u64", "0x%Lx", false),
        },
        Some(Cast::BitField { container, .. }) => match container {
            8 => ("u8", "%u", false),
            16 => ("u16", "%u", false),
            32 => ("u32", "%u", false),
            _ => ("u64", "%Lu", false),
        },
        Some(Cast::Char) => ("char", "'%c'", false),
        Some(Cast::Symbol) => ("u64", "%pS", false),
        Some(Cast::Sign(Sign::Signed)) => ("s64", "%Ld", true),
        Some(Cast::Sign(Sign::Unsigned)) => ("u64", "%Lu", false),
        _ => ("u64", "0x%Lx", false),
    }
}
