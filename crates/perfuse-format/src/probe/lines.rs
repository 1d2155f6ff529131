//! The lines that `probe -L` shows: `FUNC[@SRC][:FROM[+NUM|-TO]]` or `SRC[:FROM[+NUM|-TO]]`.

use super::argument::is_c_name;
use super::error::{At, ProbeError, Problem};
use super::number::{length, unsigned};

/// What the lines are counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinesOf {
    /// A function; its first line is 0.
    Function {
        /// Its name.
        name: String,
        /// The source file, where several functions have the name.
        file: Option<String>,
    },
    /// A source file; its first line is 1.
    Source(String),
}

/// A range of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRange {
    /// What the lines are counted from.
    pub of: LinesOf,
    /// The first line.
    pub first: u32,
    /// The last line; `None` for the end of the function (or for perf's 21 lines of a file).
    pub last: Option<u32>,
}

impl LineRange {
    /// Parses a range.
    pub fn parse(text: &str) -> Result<Self, ProbeError> {
        Self::parsed(text).map_err(|(at, problem)| ProbeError::new(text, at, problem))
    }

    fn parsed(text: &str) -> Result<Self, At> {
        // C++ names have colons of their own, always two together.
        let colon = text
            .char_indices()
            .find(|(at, letter)| *letter == ':' && !text[at + 1..].starts_with(':') && !text[..*at].ends_with(':'));
        let (name, range) = match colon {
            Some((at, _)) => (&text[..at], Some(at + 1)),
            None => (text, None),
        };
        let (first, last) = match range {
            Some(from) => bounds(&text[from..]).map_err(super::error::shift(from))?,
            None => (0, None),
        };
        if let Some((function, file)) = name.split_once('@') {
            if function.is_empty() {
                return Err((0, Problem::NoFunction));
            }
            if file.is_empty() {
                return Err((function.len() + 1, Problem::NoFile));
            }
            let of = LinesOf::Function { name: function.to_owned(), file: Some(file.to_owned()) };
            return Ok(Self { of, first, last });
        }
        let of = match name {
            "" => return Err((0, Problem::NoPlace)),
            name if name.contains("::") => LinesOf::Function { name: name.to_owned(), file: None },
            name if name.contains(['/', '.']) => LinesOf::Source(name.to_owned()),
            name if is_c_name(name) => LinesOf::Function { name: name.to_owned(), file: None },
            name => return Err((0, Problem::BadFunction { name: name.to_owned() })),
        };
        Ok(Self { of, first, last })
    }
}

/// `FROM[+NUM|-TO]`.
fn bounds(text: &str) -> Result<(u32, Option<u32>), At> {
    let number = |at: usize| {
        let end = at + length(&text[at..]);
        let value = unsigned(&text[at..end]).ok_or((at, Problem::Number))?;
        // perf keeps lines in an int.
        let value = i32::try_from(value).map_err(|_| (at, Problem::TooLarge))?;
        Ok((value.unsigned_abs(), end))
    };
    let (first, end) = number(0)?;
    let Some(kind) = text[end..].chars().next() else { return Ok((first, None)) };
    if kind != '+' && kind != '-' {
        return Err((end, Problem::Trailing));
    }
    let (mut last, stop) = number(end + 1)?;
    if stop < text.len() {
        return Err((stop, Problem::Trailing));
    }
    if kind == '+' {
        // One line is the first alone.
        last = (first + last).checked_sub(1).ok_or((end + 1, Problem::Backwards))?;
    }
    if last < first {
        return Err((end + 1, Problem::Backwards));
    }
    Ok((first, Some(last)))
}
