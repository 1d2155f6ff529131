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
    /// The same, printed as piece number `piece` says: with a width, zeros, or in another form.
    Formatted { offset: usize, size: usize, mask: u64, piece: usize },
    /// The text that a field of this number leads to, which is elsewhere in each record.
    Dynamic(usize),
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
            number(program, fields, &spec, letter, argument, index).unwrap_or(Step::Piece(index))
        }
        Piece::Str { spec, argument } if spec == Spec::default() => {
            array(program, fields, argument).unwrap_or(Step::Piece(index))
        }
        _ => Step::Piece(index),
    };
    program.pieces.iter().enumerate().map(one).collect()
}

fn number(
    program: &Program,
    fields: &[Field],
    spec: &Spec,
    letter: u8,
    argument: NodeId,
    piece: usize,
) -> Option<Step> {
    let (offset, size, mask) = place(program, fields, argument).filter(|_| spec.star.is_none())?;
    let plain = match letter {
        _ if *spec != (Spec { size: spec.size, ..Spec::default() }) => None,
        b'd' | b'i' => Some(Plain::Signed),
        b'u' => Some(Plain::Unsigned),
        b'x' => Some(Plain::Hex),
        _ => None,
    };
    let Some(plain) = plain else { return Some(Step::Formatted { offset, size, mask, piece }) };
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

/// A text that stands in the record itself, or that a field leads to.
fn array(program: &Program, fields: &[Field], argument: NodeId) -> Option<Step> {
    let index = match program.node(argument) {
        Node::Field(index) => index,
        Node::Str(index) => return Some(Step::Dynamic(index as usize)),
        _ => return None,
    };
    let field = fields.get(index as usize)?;
    let fixed = matches!(field.shape, Shape::Array(_)) && field.size > 0;
    fixed.then_some(Step::Array { offset: field.offset, size: field.size })
}
