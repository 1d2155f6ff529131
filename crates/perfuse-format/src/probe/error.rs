//! What can be wrong with a definition, and where.

use thiserror::Error;

/// The kind of a mistake in a definition, a line range or a filter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say what each means")]
pub enum Problem {
    #[error("a function, a source line, an address or %provider:event is expected here")]
    NoPlace,
    #[error("`{name}` is no name of an event: letters, digits and _, and no digit first")]
    BadName { name: String },
    #[error("a number is expected here")]
    Number,
    #[error("the number is too large")]
    TooLarge,
    #[error("the file is named twice")]
    TwoFiles,
    #[error("the name of a file is expected here")]
    NoFile,
    #[error("only %return can stand here")]
    UnknownPlace,
    #[error("only one of an offset, a line, a pattern and %return can be given")]
    TwoSpots,
    #[error("a file needs a line (FILE:LINE) or a pattern (FILE;PATTERN)")]
    FileAlone,
    #[error("a function is expected before this")]
    NoFunction,
    #[error("a pattern is expected behind the semicolon")]
    NoPattern,
    #[error("a tracepoint of a program is named %PROVIDER:EVENT, and takes nothing but @FILE behind it")]
    Sdt,
    #[error("an address takes no offset, line, pattern or file")]
    AddressAlone,
    #[error("the name of the argument is missing before =")]
    NoArgumentName,
    #[error("a variable, register or value is expected here")]
    NoValue,
    #[error("the name of a member is expected here")]
    NoMember,
    #[error("an index in brackets is a number: [3]")]
    Index,
    #[error("the name of a register is expected behind %")]
    NoRegister,
    #[error(
        "`{name}` is no variable of the kernel; there are $retval, $vars, $params, $comm, $stack, $stackN and $argN"
    )]
    UnknownSpecial { name: String },
    #[error("an opening parenthesis is expected here: +OFFSET(WHERE)")]
    NoOpening,
    #[error("the closing parenthesis is missing")]
    NoClosing,
    #[error("nothing can follow here")]
    Trailing,
    #[error("more than {max} memory accesses within each other")]
    TooDeep { max: usize },
    #[error(
        "`{name}` is no type; there are u8 to u64, s8 to s64, x8 to x64, x, u, s, char, string, ustring, symstr, symbol, bWIDTH@OFFSET/SIZE, and TYPE[COUNT]"
    )]
    UnknownType { name: String },
    #[error("a bit field is bWIDTH@OFFSET/SIZE with WIDTH + OFFSET at most SIZE, and SIZE one of 8, 16, 32 and 64")]
    BitField,
    #[error("an array has 1 to {max} elements")]
    ArrayCount { max: u32 },
    #[error("the first line is behind the last")]
    Backwards,
    #[error("`{name}` is no name of a function")]
    BadFunction { name: String },
    #[error("more than {max} arguments")]
    TooMany { max: usize },
    #[error("a name or pattern is expected here")]
    NoOperand,
    #[error("the kind of the probe is expected: p or r, then :GROUP/EVENT")]
    NoKind,
    #[error("the place of the probe is expected: SYMBOL+OFFSET or FILE:OFFSET")]
    NoTarget,
}

/// A mistake with its place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("in `{text}` at character {}: {problem}", at + 1)]
pub struct ProbeError {
    /// The whole text.
    pub text: String,
    /// Byte offset of the place in it, for a caret; at most its length, and at the start of a character.
    pub at: usize,
    /// What is wrong.
    pub problem: Problem,
}

impl ProbeError {
    /// The error for a place in `text`; a place within a character is moved to its start.
    pub(super) fn new(text: &str, at: usize, problem: Problem) -> Self {
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        Self { text: text.to_owned(), at, problem }
    }
}

/// A mistake on its way out, with the offset in the piece that was parsed.
pub(super) type At = (usize, Problem);

/// Moves the place of a mistake into the text around the piece.
pub(super) fn shift(by: usize) -> impl Fn(At) -> At {
    move |(at, problem)| (at + by, problem)
}
