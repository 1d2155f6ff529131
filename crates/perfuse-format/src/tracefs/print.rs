//! Printing of records.

use std::io::Write as _;

use super::field::{Field, Shape, until_zero};
use super::format::EventFormat;
use super::parse::to_number;
use super::steps::{self, Step};
use super::tree::{Node, NodeId, Piece, Program, Row, Spec};
use super::{Layout, address, compile, mask, number, raw};
use crate::perfdata::attr::Endian;

/// Names that a record's numbers stand for and that are not in the format.
pub trait Resolve {
    /// The kernel function at an address: its name and start.
    fn symbol(&self, address: u64) -> Option<(&str, u64)>;
    /// The kernel's constant string at an address (`printk_formats`).
    fn constant(&self, address: u64) -> Option<&str>;
}

/// No names are known.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNames;

impl Resolve for NoNames {
    fn symbol(&self, _: u64) -> Option<(&str, u64)> {
        None
    }

    fn constant(&self, _: u64) -> Option<&str> {
        None
    }
}

/// A tracepoint's format, ready to print.
#[derive(Debug, Clone)]
pub struct Printer {
    layout: Layout,
    /// The event's own fields first, then the common ones.
    fields: Vec<Field>,
    own: usize,
    /// `None` when the format cannot be evaluated.
    program: Option<Program>,
    steps: Vec<Step>,
}

/// Prints one record.
struct Print<'p, 'r> {
    program: &'p Program,
    fields: &'p [Field],
    layout: Layout,
    record: &'r [u8],
    names: &'p dyn Resolve,
}

impl Printer {
    /// Compiles the format.
    pub fn new(format: &EventFormat, layout: Layout) -> Self {
        let fields: Vec<_> = format.fields.iter().chain(&format.common).cloned().collect();
        let mut program = compile::compile(&format.print_fmt, &fields, layout.long_size).ok();
        if let Some(program) = &mut program {
            program.fold();
        }
        let steps = program.as_ref().map(|program| steps::of(program, &fields)).unwrap_or_default();
        Self { layout, own: format.fields.len(), fields, program, steps }
    }

    /// Whether the format can be evaluated; if not, records are printed field by field.
    pub fn understood(&self) -> bool {
        self.program.is_some()
    }

    /// Appends what `perf script -F trace` prints for the record. Bytes that a too short record lacks count as zero.
    pub fn print(&self, record: &[u8], names: &dyn Resolve, out: &mut Vec<u8>) {
        let Some(program) = &self.program else {
            out.extend_from_slice(b"[FAILED TO PARSE]");
            return self.print_fields(record, out);
        };
        let print = Print { program, fields: &self.fields, layout: self.layout, record, names };
        for step in &self.steps {
            match *step {
                Step::Text(span) => out.extend_from_slice(program.bytes(span)),
                Step::Number { offset, size, mask, bits, plain } => {
                    number::print_plain(out, bits, plain, self.layout.number(record, offset, size) & mask);
                }
                Step::Formatted { offset, size, mask, piece } => {
                    if let Some(Piece::Number { spec, letter, .. }) = program.pieces.get(piece) {
                        number::print(out, spec, *letter, self.layout.number(record, offset, size) & mask);
                    }
                }
                Step::Dynamic(index) => {
                    if let Some(field) = self.fields.get(index) {
                        out.extend_from_slice(field.text(self.layout, record));
                    }
                }
                Step::Array { offset, size } => {
                    let rest = record.get(offset..).unwrap_or_default();
                    out.extend_from_slice(until_zero(&rest[..size.min(rest.len())]));
                }
                Step::Piece(index) => {
                    if let Some(piece) = program.pieces.get(index) {
                        print.piece(out, piece);
                    }
                }
            }
        }
    }

    /// Appends ` name=value` for each of the event's own fields.
    pub fn print_fields(&self, record: &[u8], out: &mut Vec<u8>) {
        raw::print(out, self.layout, self.fields.get(..self.own).unwrap_or_default(), record);
    }
}

impl<'p> Print<'p, '_> {
    fn field(&self, index: u32) -> Option<&'p Field> {
        self.fields.get(index as usize)
    }

    fn piece(&self, out: &mut Vec<u8>, piece: &Piece) {
        match *piece {
            Piece::Text(span) => out.extend_from_slice(self.program.str(span).as_bytes()),
            Piece::Number { spec, letter, argument } => {
                number::print(out, &self.with_star(spec), letter, self.value(argument));
            }
            Piece::Character { argument } => out.extend(self.value(argument).to_le_bytes().first()),
            Piece::Str { spec, argument } => self.text(out, &self.with_star(spec), argument),
            Piece::Pointer { letter, argument } => {
                number::print_pointer(out, self.value(argument));
                out.extend(letter);
            }
            Piece::Symbol { letter, argument } => self.symbol(out, letter, self.value(argument)),
            Piece::Mask { list, bits, argument } => {
                let bytes = self.data(argument);
                let bits = bits.and_then(|bits| usize::try_from(self.value(bits)).ok()).unwrap_or(usize::MAX);
                if list { mask::list(out, self.layout, bytes, bits) } else { mask::hex(out, self.layout, bytes) }
            }
            Piece::Mac { colons, argument } => address::mac(out, self.data(argument), colons),
            Piece::Ip { ip, argument } => {
                address::ip(out, self.data(argument), ip, self.layout.endian == Endian::Big);
            }
            Piece::Uuid { little, upper, argument } => address::uuid(out, self.data(argument), little, upper),
        }
    }

    /// Puts the argument of a star in; below zero a width turns to the left and a precision is none.
    fn with_star(&self, mut spec: Spec) -> Spec {
        if let Some((precision, argument)) = spec.star {
            let bytes = self.value(argument).to_le_bytes();
            let given = i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            let size = usize::try_from(given.unsigned_abs()).unwrap_or(usize::MAX);
            if precision {
                spec.precision = (given >= 0).then_some(size);
            } else {
                spec.left |= given < 0;
                spec.width = size;
            }
        }
        spec
    }

    /// A function's name; the capital letters also print how far in.
    fn symbol(&self, out: &mut Vec<u8>, letter: u8, address: u64) {
        let Some((name, start)) = self.names.symbol(address) else {
            // Writing to a vector does not fail.
            let _ = write!(out, "0x{address:x}");
            return;
        };
        out.extend_from_slice(name.as_bytes());
        if matches!(letter, b'S' | b'F') {
            let _ = write!(out, "+0x{:x}", address.wrapping_sub(start));
        }
    }

    /// The number that an expression stands for.
    fn value(&self, id: NodeId) -> u64 {
        match self.program.node(id) {
            Node::Atom { value, .. } => value,
            Node::Text(span) => to_number(self.program.str(span)),
            Node::Field(index) => self.field(index).map_or(0, |field| field.number(self.layout, self.record)),
            Node::Dynamic(index) => self.field(index).map_or(0, |field| field.place(self.layout, self.record).0 as u64),
            Node::DynamicLength(index) => {
                self.field(index).map_or(0, |field| field.number(self.layout, self.record) >> 16 & 0xffff)
            }
            Node::Cast { cast, inner } => number::cast(cast, self.value(inner)),
            Node::Index { data, index, element } => self.element(data, self.value(index), element),
            Node::Choice { condition, yes, no } => self.value(if self.value(condition) != 0 { yes } else { no }),
            Node::Not(inner) => u64::from(self.value(inner) == 0),
            Node::Complement(inner) => !self.value(inner),
            Node::Binary { operator, left, right } => number::operate(operator, self.value(left), self.value(right)),
            Node::Str(_)
            | Node::Bitmask(_)
            | Node::Cpumask(_)
            | Node::Flags { .. }
            | Node::Symbolic { .. }
            | Node::Hex { .. }
            | Node::Array { .. } => 0,
        }
    }

    /// One element of an array.
    fn element(&self, data: NodeId, index: u64, element: u8) -> u64 {
        let Some(field) = self.field_of(data) else { return 0 };
        let size = if element > 0 { usize::from(element) } else { field.element_size };
        let (start, _) = field.place(self.layout, self.record);
        let Some(offset) = usize::try_from(index).ok().and_then(|index| index.checked_mul(size)) else { return 0 };
        self.layout.number(self.record, start.saturating_add(offset), size)
    }

    /// The field whose data an expression points to.
    fn field_of(&self, id: NodeId) -> Option<&'p Field> {
        match self.program.node(id) {
            Node::Field(index)
            | Node::Str(index)
            | Node::Dynamic(index)
            | Node::Bitmask(index)
            | Node::Cpumask(index) => self.field(index),
            Node::Cast { inner, .. } => self.field_of(inner),
            _ => None,
        }
    }

    /// The bytes that an expression points to.
    fn data(&self, id: NodeId) -> &[u8] {
        self.field_of(id).map_or(&[], |field| field.bytes(self.layout, self.record))
    }

    /// The bytes from where an expression points to, to the end of the record.
    fn data_to_end(&self, id: NodeId) -> &[u8] {
        let start = self.field_of(id).map_or(usize::MAX, |field| field.place(self.layout, self.record).0);
        self.record.get(start..).unwrap_or_default()
    }

    fn rows(&self, first: u32, count: u32) -> &'p [Row] {
        let first = first as usize;
        self.program.rows.get(first..first.saturating_add(count as usize)).unwrap_or_default()
    }

    /// The text that an expression stands for.
    fn text(&self, out: &mut Vec<u8>, spec: &Spec, id: NodeId) {
        match self.program.node(id) {
            Node::Atom { text: span, .. } | Node::Text(span) => {
                number::print_text(out, spec, self.program.str(span).as_bytes());
            }
            Node::Field(index) => {
                if let Some(field) = self.field(index) {
                    self.field_text(out, spec, field);
                }
            }
            Node::Str(index) => {
                if let Some(field) = self.field(index) {
                    number::print_text(out, spec, field.text(self.layout, self.record));
                }
            }
            Node::Flags { value, delimiter, first, count } => {
                self.flags(out, spec, self.value(value), self.program.str(delimiter), self.rows(first, count));
            }
            Node::Symbolic { value, first, count } => {
                self.symbolic(out, spec, self.value(value), self.rows(first, count));
            }
            Node::Hex { data, length, blanks } => self.hex(out, data, length, blanks),
            Node::Array { data, count, element } => self.array(out, data, count, element),
            Node::Bitmask(_) => mask::hex(out, self.layout, self.data(id)),
            Node::Cpumask(_) => mask::list(out, self.layout, self.data(id), usize::MAX),
            Node::Choice { condition, yes, no } => {
                self.text(out, spec, if self.value(condition) != 0 { yes } else { no });
            }
            Node::Cast { inner, .. } => self.text(out, spec, inner),
            Node::Dynamic(_) => number::print_text(out, spec, until_zero(self.data(id))),
            Node::DynamicLength(_) | Node::Index { .. } | Node::Not(_) | Node::Complement(_) | Node::Binary { .. } => {}
        }
    }

    /// A field as a string: an array is the string itself, what is as large as a pointer points to a constant string of
    /// the kernel, which has a name only if the kernel exported it.
    fn field_text(&self, out: &mut Vec<u8>, spec: &Spec, field: &Field) {
        if !field.is_array() && field.size == usize::from(self.layout.long_size) {
            let address = field.number(self.layout, self.record);
            match self.names.constant(address) {
                Some(text) => out.extend_from_slice(text.as_bytes()),
                None => {
                    let _ = write!(out, "{address:x}");
                }
            }
            return;
        }
        let text = match field.shape {
            Shape::DataLoc | Shape::RelLoc | Shape::Array(_) => field.text(self.layout, self.record),
            Shape::Number | Shape::Pointer => until_zero(field.bytes(self.layout, self.record)),
        };
        number::print_text(out, spec, text);
    }

    fn flags(&self, out: &mut Vec<u8>, spec: &Spec, value: u64, delimiter: &str, rows: &[Row]) {
        let (mut rest, mut printed) = (value, false);
        for row in rows {
            if rest == 0 && row.negative {
                number::print_text(out, spec, self.program.str(row.text).as_bytes());
                break;
            }
            if row.value != 0 && !row.negative && rest & row.value == row.value {
                if printed {
                    out.extend_from_slice(delimiter.as_bytes());
                }
                number::print_text(out, spec, self.program.str(row.text).as_bytes());
                printed = true;
                rest &= !row.value;
            }
        }
        if rest != 0 {
            if printed {
                out.extend_from_slice(delimiter.as_bytes());
            }
            let _ = write!(out, "0x{rest:x}");
        }
    }

    fn symbolic(&self, out: &mut Vec<u8>, spec: &Spec, value: u64, rows: &[Row]) {
        match rows.iter().find(|row| row.value == value) {
            Some(row) => number::print_text(out, spec, self.program.str(row.text).as_bytes()),
            None => {
                let _ = write!(out, "0x{value:x}");
            }
        }
    }

    fn hex(&self, out: &mut Vec<u8>, data: NodeId, length: NodeId, blanks: bool) {
        let length = usize::try_from(self.value(length)).unwrap_or(0);
        for (place, byte) in self.data_to_end(data).iter().take(length).enumerate() {
            if blanks && place > 0 {
                out.push(b' ');
            }
            let _ = write!(out, "{byte:02x}");
        }
    }

    fn array(&self, out: &mut Vec<u8>, data: NodeId, count: NodeId, element: NodeId) {
        let count = usize::try_from(self.value(count)).unwrap_or(0);
        let size = usize::try_from(self.value(element)).unwrap_or(0);
        if !matches!(size, 1 | 2 | 4 | 8) {
            return;
        }
        for (place, bytes) in self.data_to_end(data).chunks_exact(size).take(count).enumerate() {
            if place > 0 {
                out.push(b' ');
            }
            let _ = write!(out, "{}", self.layout.number(bytes, 0, size));
        }
    }
}
