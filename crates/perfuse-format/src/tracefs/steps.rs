//! The short way: most of what a `print fmt` prints are numbers and texts at fixed places of the record.
//!
//! ```text
//!   "NR %ld (%lx, %lx)", REC->id, REC->args[0], REC->args[1]
//!
//!   text `NR ` | 8 bytes at 8, signed | text ` (` | 8 bytes at 16, hex | text `, ` | 8 bytes at 24, hex | text `)`
//! ```
//!
//! What is anything else (a choice, flags, a width) is a piece as it was compiled.

use super::field::{Field, Shape};
use super::number::{self, Plain};
use super::tree::{Cast, Node, NodeId, Piece, Program, Span, Spec};

/// What is printed next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Text.
    Text(Span),
    /// A number at a fixed place, of which the bits of `mask` count.
    Number { offset: usize, size: usize, mask: u64, bits: u32, plain: Plain },
    /// A text in an array of fixed place and length, up to its first zero.
    Array { offset: usize, size: usize },
    /// The piece of this number.
    Piece(usize),
}

/// The steps of a program.
pub(super) fn of(program: &Program, fields: &[Field]) -> Vec<Step> {
    let one = |(index, piece): (usize, &Piece)| match *piece {
        Piece::Text(span) => Step::Text(span),
        Piece::Number { spec, letter, argument } => {
            number(program, fields, &spec, letter, argument).unwrap_or(Step::Piece(index))
        }
        Piece::Str { spec, argument } if spec == Spec::default() => {
            array(program, fields, argument).unwrap_or(Step::Piece(index))
        }
        _ => Step::Piece(index),
    };
    program.pieces.iter().enumerate().map(one).collect()
}

fn number(program: &Program, fields: &[Field], spec: &Spec, letter: u8, argument: NodeId) -> Option<Step> {
    let plain = match letter {
        b'd' | b'i' => Plain::Signed,
        b'u' => Plain::Unsigned,
        b'x' => Plain::Hex,
        _ => return None,
    };
    if *spec != (Spec { size: spec.size, ..Spec::default() }) {
        return None;
    }
    let (offset, size, mask) = place(program, fields, argument)?;
    Some(Step::Number { offset, size, mask, bits: number::bits(spec.size), plain })
}

/// Where the value of an expression stands, how many bytes it has, and which of its bits count.
fn place(program: &Program, fields: &[Field], id: NodeId) -> Option<(usize, usize, u64)> {
    match program.node(id) {
        Node::Field(index) => fields.get(index as usize).map(|field| (field.offset, field.size, u64::MAX)),
        Node::Cast { cast, inner } => {
            let (offset, size, mask) = place(program, fields, inner)?;
            let kept = if let Cast::Mask(kept) = cast { kept } else { u64::MAX };
            Some((offset, size, mask & kept))
        }
        Node::Index { data, index, element } => {
            let Node::Atom { value, .. } = program.node(index) else { return None };
            let field = field_of(program, fields, data)?;
            // The data of the others are elsewhere in each record.
            if matches!(field.shape, Shape::DataLoc | Shape::RelLoc) {
                return None;
            }
            let size = if element > 0 { usize::from(element) } else { field.element_size };
            let offset = usize::try_from(value).ok()?.checked_mul(size)?.checked_add(field.offset)?;
            Some((offset, size, u64::MAX))
        }
        _ => None,
    }
}

fn field_of<'f>(program: &Program, fields: &'f [Field], id: NodeId) -> Option<&'f Field> {
    match program.node(id) {
        Node::Field(index) => fields.get(index as usize),
        Node::Cast { inner, .. } => field_of(program, fields, inner),
        _ => None,
    }
}

/// A text that stands in the record itself.
fn array(program: &Program, fields: &[Field], argument: NodeId) -> Option<Step> {
    let Node::Field(index) = program.node(argument) else { return None };
    let field = fields.get(index as usize)?;
    let fixed = matches!(field.shape, Shape::Array(_)) && field.size > 0;
    fixed.then_some(Step::Array { offset: field.offset, size: field.size })
}
