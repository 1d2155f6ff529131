//! Where a probe is put: the first word of a definition.

use super::error::{At, Problem, shift};
use super::number::unsigned;
use std::fmt;

/// A place within a function.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Spot {
    /// Its entry.
    #[default]
    Entry,
    /// `%return`: its return.
    Return,
    /// `+0x10`: bytes from its entry.
    Offset(u64),
    /// `:81`: lines from the one in which it begins.
    Line(u32),
    /// `;PATTERN`: the lines that match; the text is that of the definition.
    Lazy(String),
}

/// A place within a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpot {
    /// `:123`.
    Line(u32),
    /// `;PATTERN`: the lines that match.
    Lazy(String),
}

/// Where a probe is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `FUNC[@SRC][+OFF|%return|:LINE|;PATTERN]`.
    Function {
        /// The function; may be a pattern with `*`, `?` and `[...]`.
        name: String,
        /// The source file that it is defined in, where several functions have the name.
        file: Option<String>,
        /// The place within it.
        spot: Spot,
    },
    /// `SRC:LINE` or `SRC;PATTERN`.
    Source {
        /// The file, by any number of the last parts of its path.
        file: String,
        /// The place within it.
        spot: SourceSpot,
    },
    /// `0x401000`, in the address space of the file (or of the kernel).
    Address {
        /// The address.
        address: u64,
        /// `%return`: the return of the function that begins there.
        ret: bool,
    },
    /// `%sdt_PROVIDER:EVENT` or `%PROVIDER:EVENT`, with or without `@FILE`.
    Sdt {
        /// The provider with `sdt_` before it, as in the group of the event; `None` for `%EVENT`.
        group: Option<String>,
        /// The name of the tracepoint.
        event: String,
        /// The file that has it.
        file: Option<String>,
    },
}

/// Characters that end a name.
const ENDS: &[char] = &[';', ':', '+', '@', '%'];

/// The first of `ends` in `text` that no backslash comes before.
pub(super) fn find_unescaped(text: &str, ends: &[char]) -> Option<usize> {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if letter == '\\' {
            escaped = true;
        } else if ends.contains(&letter) {
            return Some(at);
        }
    }
    None
}

/// The text without the backslashes that keep a character from being an end.
pub(super) fn unescaped(text: &str) -> String {
    let mut letters = text.chars();
    let mut out = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        out.push(if letter == '\\' { letters.next().unwrap_or('\\') } else { letter });
    }
    out
}

/// The name with backslashes before what would end it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if ENDS.contains(&letter) || letter == '=' || letter == '\\' {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

impl Place {
    /// Whether the probe is at the return of a function.
    pub fn is_return(&self) -> bool {
        matches!(self, Self::Function { spot: Spot::Return, .. } | Self::Address { ret: true, .. })
    }

    /// The name of the function, where the place is in one that has a name.
    pub fn function(&self) -> Option<&str> {
        match self {
            Self::Function { name, .. } => Some(name),
            _ => None,
        }
    }

    /// `PROVIDER:EVENT[@FILE]`.
    pub(super) fn sdt(text: &str) -> Result<Self, At> {
        let stop = find_unescaped(text, &[';', '=', '@', '+', '%']);
        let file = match stop {
            Some(at) if text[at..].starts_with('@') => match unescaped(&text[at + 1..]) {
                file if file.is_empty() => return Err((at + 1, Problem::NoFile)),
                file => Some(file),
            },
            Some(at) => return Err((at, Problem::Sdt)),
            None => None,
        };
        let name = &text[..stop.unwrap_or(text.len())];
        let (group, event, at) = match find_unescaped(name, &[':']) {
            Some(colon) => (Some(&name[..colon]), &name[colon + 1..], colon + 1),
            None => (None, name, 0),
        };
        if group.is_some_and(str::is_empty) {
            return Err((0, Problem::Sdt));
        }
        if event.is_empty() {
            return Err((at, Problem::Sdt));
        }
        let group = group.map(|group| {
            let group = unescaped(group);
            if group.starts_with("sdt_") { group } else { format!("sdt_{group}") }
        });
        Ok(Self::Sdt { group, event: unescaped(event), file })
    }

    /// A place that is no tracepoint of a program, without the name of the event before it.
    pub(super) fn parse(text: &str) -> Result<Self, At> {
        let stop = find_unescaped(text, ENDS).unwrap_or(text.len());
        let name = unescaped(&text[..stop]);
        let of_file = find_unescaped(text, &['+', '@', '%']).is_none()
            && find_unescaped(text, &[';', ':']).is_some_and(|at| text[..at].contains('.'));
        let parts = Parts::of(&text[stop..]).map_err(shift(stop))?;
        if of_file {
            let spot = match parts.spot {
                Spot::Line(line) => SourceSpot::Line(line),
                Spot::Lazy(pattern) => SourceSpot::Lazy(pattern),
                _ => return Err((stop, Problem::FileAlone)),
            };
            return Ok(Self::Source { file: name, spot });
        }
        if name.is_empty() {
            // `@file:12` and `@file;pattern` are places in a file as well.
            return match (parts.file, parts.spot) {
                (Some(file), Spot::Line(line)) => Ok(Self::Source { file, spot: SourceSpot::Line(line) }),
                (Some(file), Spot::Lazy(text)) => Ok(Self::Source { file, spot: SourceSpot::Lazy(text) }),
                (Some(_), Spot::Entry) => Err((text.len(), Problem::FileAlone)),
                (None, Spot::Entry) => Err((0, Problem::NoPlace)),
                _ => Err((0, Problem::NoFunction)),
            };
        }
        if name.starts_with("0x") {
            let address = unsigned(&name).ok_or((0, Problem::Number))?;
            return match (parts.file, parts.spot) {
                (None, Spot::Entry) => Ok(Self::Address { address, ret: false }),
                (None, Spot::Return) => Ok(Self::Address { address, ret: true }),
                _ => Err((stop, Problem::AddressAlone)),
            };
        }
        Ok(Self::Function { name, file: parts.file, spot: parts.spot })
    }
}

/// What stands behind the name.
struct Parts {
    file: Option<String>,
    spot: Spot,
}

impl Parts {
    fn of(text: &str) -> Result<Self, At> {
        let mut found = Self { file: None, spot: Spot::Entry };
        let mut at = 0;
        let mut seen = false;
        while let Some(kind) = text[at..].chars().next() {
            let from = at + 1;
            if kind != '@' {
                if seen {
                    return Err((at, Problem::TwoSpots));
                }
                seen = true;
            }
            if kind == ';' {
                // A pattern takes the rest, with its backslashes.
                if text[from..].is_empty() {
                    return Err((from, Problem::NoPattern));
                }
                found.spot = Spot::Lazy(text[from..].to_owned());
                break;
            }
            let end = find_unescaped(&text[from..], ENDS).map_or(text.len(), |length| from + length);
            let part = &text[from..end];
            match kind {
                '@' if found.file.is_some() => return Err((at, Problem::TwoFiles)),
                '@' if part.is_empty() => return Err((from, Problem::NoFile)),
                '@' => found.file = Some(unescaped(part)),
                '%' if part == "return" => found.spot = Spot::Return,
                '%' => return Err((from, Problem::UnknownPlace)),
                ':' => {
                    let line = unsigned(part).ok_or((from, Problem::Number))?;
                    found.spot = Spot::Line(line.try_into().map_err(|_| (from, Problem::TooLarge))?);
                }
                _ => found.spot = Spot::Offset(unsigned(part).ok_or((from, Problem::Number))?),
            }
            at = end;
        }
        Ok(found)
    }
}

impl fmt::Display for Place {
    /// In the syntax of a definition, which is also how perf shows it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function { name, file, spot } => {
                // `sdt_` and a colon would make it a tracepoint of a program.
                let colon = matches!(spot, Spot::Line(_) | Spot::Lazy(_))
                    || name.contains(':')
                    || file.as_ref().is_some_and(|file| file.contains(':'));
                if colon && name.starts_with("sdt_") {
                    out.write_str("\\")?;
                }
                out.write_str(&escaped(name))?;
                // perf puts the place before the file.
                match spot {
                    Spot::Entry | Spot::Offset(0) | Spot::Lazy(_) => {}
                    Spot::Return => out.write_str("%return")?,
                    Spot::Offset(offset) => write!(out, "+{offset}")?,
                    Spot::Line(line) => write!(out, ":{line}")?,
                }
                if let Some(file) = file {
                    write!(out, "@{}", escaped(file))?;
                }
                if let Spot::Lazy(pattern) = spot {
                    write!(out, ";{pattern}")?;
                }
                Ok(())
            }
            Self::Source { file, spot } => {
                // With the at sign, as perf shows it: then no character of a pattern makes it a function.
                write!(out, "@{}", escaped(file))?;
                match spot {
                    SourceSpot::Line(line) => write!(out, ":{line}"),
                    SourceSpot::Lazy(pattern) => write!(out, ";{pattern}"),
                }
            }
            Self::Address { address, ret } => {
                write!(out, "{address:#x}{}", if *ret { "%return" } else { "" })
            }
            Self::Sdt { group, event, file } => {
                out.write_str("%")?;
                if let Some(group) = group {
                    write!(out, "{}:", escaped(group))?;
                }
                out.write_str(&escaped(event))?;
                file.as_ref().map_or(Ok(()), |file| write!(out, "@{}", escaped(file)))
            }
        }
    }
}
