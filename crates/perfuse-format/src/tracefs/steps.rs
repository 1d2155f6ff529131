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

#[cfg(test)]
mod tests {
    use super::super::EventFormat;
    use super::super::compile::compile;
    use super::*;

    const FORMAT: &[u8] = b"name: sys_enter\nID: 7\nformat:\n\
        \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\
        \n\
        \tfield:long id;\toffset:8;\tsize:8;\tsigned:1;\n\
        \tfield:unsigned long args[6];\toffset:16;\tsize:48;\tsigned:0;\n\
        \tfield:char comm[16];\toffset:64;\tsize:16;\tsigned:0;\n\
        \tfield:int cpu;\toffset:80;\tsize:4;\tsigned:1;\n\
        \n\
        print fmt: \"NR %ld (%lx, %lx) %s %03d %llu%s\", REC->id, REC->args[0], REC->args[1], REC->comm, REC->cpu, \
        (unsigned long long)REC->id, REC->cpu & ((0x1 | 0x2) << 1) ? \"+\" : \"\"\n";

    #[test]
    fn numbers_and_texts_at_fixed_places_are_read_there() {
        let format = EventFormat::parse("raw_syscalls", FORMAT).unwrap();
        let mut program = compile(&format.print_fmt, &format.fields, 8).unwrap();
        program.fold();
        let steps: Vec<Step> =
            of(&program, &format.fields).into_iter().filter(|step| !matches!(step, Step::Text(_))).collect();
        let number = |offset, plain| Step::Number { offset, size: 8, mask: u64::MAX, bits: 64, plain };
        assert_eq!(
            steps[..4],
            [
                number(8, Plain::Signed),
                number(16, Plain::Hex),
                number(24, Plain::Hex),
                Step::Array { offset: 64, size: 16 }
            ]
        );
        assert!(matches!(steps[4], Step::Formatted { offset: 80, size: 4, .. }), "{steps:?}");
        assert_eq!(steps[5], number(8, Plain::Unsigned));
        assert!(matches!(steps[6], Step::Piece(_)), "{steps:?}");
        let folded = |node: &Node| {
            matches!(node, Node::Binary { left, right, .. }
            if matches!(program.node(*left), Node::Field(_)) && matches!(program.node(*right), Node::Atom { value: 6, .. }))
        };
        assert!(program.nodes.iter().any(folded), "{:?}", program.nodes);
    }
}
