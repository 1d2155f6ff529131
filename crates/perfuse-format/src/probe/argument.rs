//! One argument of a definition: `size`, `bytes=%cx`, `sk->__sk_common.skc_state:x8`, `+0($retval):string`.

use super::cast::Cast;
use super::error::{At, Problem, shift};
use super::fetch::Fetch;
use super::number::signed;
use std::fmt;
use std::ops::Range;

/// What an argument starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// A variable of the program, which debug information knows.
    Variable(String),
    /// `$vars`: all variables that are seen at the place.
    Vars,
    /// `$params`: all parameters of the function.
    Params,
    /// What the kernel fetches without any debug information. The text is kept, since perf passes it on as it is:
    /// `+0x8(%di)` stays hexadecimal.
    Fetch {
        /// What it means.
        fetch: Fetch,
        /// How it was written.
        text: String,
    },
}

/// A step from a variable to a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// `.name` or `->name`.
    Member {
        /// The member.
        name: String,
        /// Whether it was written with an arrow: what comes before is a pointer.
        arrow: bool,
    },
    /// `[3]`, of an array or a pointer.
    Index(i64),
}

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The name before the equals sign. Where there is none and members follow, the last member, as perf names it.
    pub name: Option<String>,
    /// What it starts from.
    pub base: Base,
    /// The steps from there.
    pub fields: Vec<Access>,
    /// The type behind the colon.
    pub cast: Option<Cast>,
    /// `@user`: the memory is that of user space.
    pub user: bool,
    /// Bytes of the definition that the argument takes, for a caret.
    pub at: Range<usize>,
    /// Byte of the definition at which the value begins, behind the equals sign.
    pub value_at: usize,
    /// Byte of the definition at which each step begins, for a caret; as many as `fields`.
    pub field_at: Vec<usize>,
}

/// A name that C allows.
pub(super) fn is_c_name(text: &str) -> bool {
    !text.starts_with(|first: char| first.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Argument {
    /// The argument `word`, which begins at byte `start` of the definition.
    pub(super) fn parse(word: &str, start: usize) -> Result<Self, At> {
        let (name, value_at) = named(word)?;
        let mut value = &word[value_at..];
        let user = value.len() > 5 && value.ends_with("@user");
        if user {
            value = &value[..value.len() - 5];
        }
        // A text in quotes may have a colon.
        let colon = if value.starts_with("\\\"") {
            value.rfind(':').filter(|at| value[*at..].find('"').is_none())
        } else {
            value.find(':')
        };
        let cast = match colon {
            Some(at) => Some(Cast::parse(&value[at + 1..]).map_err(shift(value_at + at + 1))?),
            None => None,
        };
        let value = &value[..colon.unwrap_or(value.len())];
        let (base, fields, field_at) = base(value).map_err(shift(value_at))?;
        let last = fields.iter().rev().find_map(|field| match field {
            Access::Member { name, .. } => Some(name.clone()),
            Access::Index(_) => None,
        });
        let goodname = last.or_else(|| match &base {
            Base::Variable(name) if !fields.is_empty() => Some(name.clone()),
            _ => None,
        });
        Ok(Self {
            // The kernel takes no other letters in a name.
            name: name.or(goodname.filter(|name| is_c_name(name))),
            base,
            fields,
            cast,
            user,
            at: start..start + word.len(),
            value_at: start + value_at,
            field_at: field_at.into_iter().map(|at| start + value_at + at).collect(),
        })
    }

    /// The name that perf gives the argument of the event when it comes from debug information: that before the equals
    /// sign, else the argument itself with the colon of its type made `_` (`filename_string`). Other characters that the
    /// kernel does not take in a name become `_`, too.
    pub fn event_name(&self) -> String {
        let known = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        self.name.clone().unwrap_or_else(|| self.to_string().chars().map(known).collect())
    }
}

/// The name before the equals sign, and where the value begins.
fn named(word: &str) -> Result<(Option<String>, usize), At> {
    match word.find('=') {
        // An equals sign within quotes belongs to the value.
        Some(at) if !word[..at].contains('"') => match &word[..at] {
            "" => Err((0, Problem::NoArgumentName)),
            name if is_c_name(name) => Ok((Some(name.to_owned()), at + 1)),
            name => Err((0, Problem::BadName { name: name.to_owned() })),
        },
        _ => Ok((None, 0)),
    }
}

type Steps = (Base, Vec<Access>, Vec<usize>);

fn base(value: &str) -> Result<Steps, At> {
    match value {
        "" => return Err((0, Problem::NoValue)),
        "$vars" => return Ok((Base::Vars, Vec::new(), Vec::new())),
        "$params" => return Ok((Base::Params, Vec::new(), Vec::new())),
        _ => {}
    }
    if !value.starts_with(|first: char| first.is_alphabetic() || first == '_') {
        let fetch = Fetch::parse(value)?;
        return Ok((Base::Fetch { fetch, text: value.to_owned() }, Vec::new(), Vec::new()));
    }
    let mut at = value.find(['-', '.', '[']).unwrap_or(value.len());
    let base = Base::Variable(checked(&value[..at], 0)?);
    let (mut fields, mut places) = (Vec::new(), Vec::new());
    while at < value.len() {
        places.push(at);
        let rest = &value[at..];
        if let Some(inside) = rest.strip_prefix('[') {
            let end = inside.find(']').ok_or((at + 1, Problem::Index))?;
            fields.push(Access::Index(signed(&inside[..end]).ok_or((at + 1, Problem::Index))?));
            at += end + 2;
            if !value[at..].is_empty() && !value[at..].starts_with(['-', '.', '[']) {
                return Err((at, Problem::Trailing));
            }
            continue;
        }
        let arrow = rest.starts_with("->");
        if !arrow && !rest.starts_with('.') {
            return Err((at, Problem::Trailing));
        }
        let from = at + if arrow { 2 } else { 1 };
        let end = value[from..].find(['-', '.', '[']).map_or(value.len(), |length| from + length);
        if from == end {
            return Err((from, Problem::NoMember));
        }
        fields.push(Access::Member { name: checked(&value[from..end], from)?, arrow });
        at = end;
    }
    Ok((base, fields, places))
}

/// A name of a variable or member. C++ and Rust have more letters in theirs than C.
fn checked(name: &str, at: usize) -> Result<String, At> {
    let stray = name.char_indices().find(|(_, letter)| !(letter.is_alphanumeric() || *letter == '_' || *letter == '$'));
    match stray {
        Some((place, _)) => Err((at + place, Problem::Trailing)),
        None => Ok(name.to_owned()),
    }
}

impl fmt::Display for Argument {
    /// As perf shows it: `skc_state=sk->__sk_common.skc_state:x8`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(out, "{name}=")?;
        }
        match &self.base {
            Base::Variable(name) => out.write_str(name)?,
            Base::Vars => out.write_str("$vars")?,
            Base::Params => out.write_str("$params")?,
            Base::Fetch { text, .. } => out.write_str(text)?,
        }
        for field in &self.fields {
            match field {
                Access::Member { name, arrow: true } => write!(out, "->{name}")?,
                Access::Member { name, arrow: false } => write!(out, ".{name}")?,
                Access::Index(index) => write!(out, "[{index}]")?,
            }
        }
        if let Some(cast) = &self.cast {
            write!(out, ":{cast}")?;
        }
        Ok(())
    }
}
