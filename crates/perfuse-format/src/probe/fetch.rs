//! Where the kernel fetches the value of an argument: `%di`, `$retval`, `+18(%di)` (kernel file
//! Documentation/trace/kprobetrace.rst, "FETCHARGS").

use super::error::{At, Problem};
use super::number::{length, signed, unsigned};
use std::fmt;

/// Most accesses within each other; the kernel's own limit on fetch steps is 16 (`FETCH_INSN_MAX`).
pub const MAX_DEPTH: usize = 16;

/// A fetch expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Fetch {
    /// `%di`: a register, by the name that the kernel gives it, without the percent sign.
    Register(String),
    /// `$retval`: the value that the function returns.
    Retval,
    /// `$comm`: the name of the task.
    Comm,
    /// `$stack`: the address of the stack.
    Stack,
    /// `$stack3`: a word of the stack.
    StackWord(u32),
    /// `$arg1`: an argument of the function, counted from 1.
    Argument(u32),
    /// `@0xffff...`: memory at an address.
    Address(u64),
    /// `@+0x30`: memory at an offset of the file (uprobes).
    FileOffset(u64),
    /// `@jiffies+8`: memory at a symbol of the kernel.
    Symbol {
        /// The symbol.
        name: String,
        /// Bytes from it.
        offset: i64,
    },
    /// `\42`: the number itself.
    Number(i64),
    /// `\"text"`: the text itself.
    Text(String),
    /// `+8(%di)`, `+u8(%di)`: memory at an offset from where another expression points to.
    Deref {
        /// Bytes from the value of the inner expression.
        offset: i64,
        /// Whether the memory is that of user space (the `u`).
        user: bool,
        /// The inner expression.
        of: Box<Fetch>,
    },
}

impl Fetch {
    /// `+offset(self)`.
    #[must_use]
    pub fn deref(self, offset: i64) -> Self {
        Self::Deref { offset, user: false, of: Box::new(self) }
    }

    /// Parses a whole expression; the place of a mistake is counted from its start.
    pub(super) fn parse(text: &str) -> Result<Self, At> {
        // From the outside to the inside, then built the other way round: no recursion on what is given.
        let mut outer = Vec::new();
        let mut at = 0;
        loop {
            let rest = &text[at..];
            if !rest.starts_with(['+', '-']) {
                break;
            }
            let negative = rest.starts_with('-');
            let user = rest[1..].starts_with('u');
            let digits = at + 1 + usize::from(user);
            let end = digits + length(&text[digits..]);
            let size = unsigned(&text[digits..end]).ok_or((digits, Problem::Number))?;
            let offset = if negative { 0_i64.checked_sub_unsigned(size) } else { i64::try_from(size).ok() };
            let offset = offset.ok_or((digits, Problem::TooLarge))?;
            if !text[end..].starts_with('(') {
                return Err((end, Problem::NoOpening));
            }
            if outer.len() == MAX_DEPTH {
                return Err((at, Problem::TooDeep { max: MAX_DEPTH }));
            }
            outer.push((offset, user));
            at = end + 1;
        }
        let closing = text.len() - text[at..].bytes().rev().take_while(|byte| *byte == b')').count();
        let found = text.len() - closing;
        if found < outer.len() {
            return Err((text.len(), Problem::NoClosing));
        }
        if found > outer.len() {
            return Err((closing + outer.len(), Problem::Trailing));
        }
        let mut fetch = Self::plain(&text[at..closing]).map_err(super::error::shift(at))?;
        while let Some((offset, user)) = outer.pop() {
            fetch = Self::Deref { offset, user, of: Box::new(fetch) };
        }
        Ok(fetch)
    }

    /// An expression without parentheses.
    fn plain(text: &str) -> Result<Self, At> {
        let Some(first) = text.chars().next() else { return Err((0, Problem::NoValue)) };
        let rest = &text[first.len_utf8()..];
        match first {
            '%' => {
                let end = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
                match end {
                    0 => Err((1, Problem::NoRegister)),
                    end if end < rest.len() => Err((1 + end, Problem::Trailing)),
                    _ => Ok(Self::Register(rest.to_owned())),
                }
            }
            '$' => Self::special(rest).ok_or_else(|| (0, Problem::UnknownSpecial { name: text.to_owned() })),
            '@' => Self::memory(rest).map_err(super::error::shift(1)),
            '\\' => match rest.strip_prefix('"') {
                Some(inside) => match inside.find('"') {
                    Some(end) if end + 1 == inside.len() => Ok(Self::Text(inside[..end].to_owned())),
                    Some(end) => Err((end + 3, Problem::Trailing)),
                    None => Err((text.len(), Problem::NoValue)),
                },
                None => signed(rest).map(Self::Number).ok_or((1, Problem::Number)),
            },
            _ => Err((0, Problem::NoValue)),
        }
    }

    fn special(name: &str) -> Option<Self> {
        match name {
            "retval" => return Some(Self::Retval),
            "comm" | "COMM" => return Some(Self::Comm),
            "stack" => return Some(Self::Stack),
            _ => {}
        }
        let number = |digits: &str| unsigned(digits).and_then(|value| u32::try_from(value).ok());
        if let Some(digits) = name.strip_prefix("stack") {
            return number(digits).map(Self::StackWord);
        }
        number(name.strip_prefix("arg")?).filter(|index| *index > 0).map(Self::Argument)
    }

    /// What stands behind the at sign.
    fn memory(text: &str) -> Result<Self, At> {
        if let Some(offset) = text.strip_prefix('+') {
            return unsigned(offset).map(Self::FileOffset).ok_or((1, Problem::Number));
        }
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            return unsigned(text).map(Self::Address).ok_or((0, Problem::Number));
        }
        let end = text.find(['+', '-']).unwrap_or(text.len());
        let name = &text[..end];
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte)) {
            return Err((0, Problem::NoValue));
        }
        let offset = if end == text.len() { Some(0) } else { signed(&text[end..]) };
        let offset = offset.ok_or((end + 1, Problem::Number))?;
        Ok(Self::Symbol { name: name.to_owned(), offset })
    }
}

impl fmt::Display for Fetch {
    /// As perf writes it: offsets in decimal, always with a sign.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register(name) => write!(out, "%{name}"),
            Self::Retval => out.write_str("$retval"),
            Self::Comm => out.write_str("$comm"),
            Self::Stack => out.write_str("$stack"),
            Self::StackWord(index) => write!(out, "$stack{index}"),
            Self::Argument(index) => write!(out, "$arg{index}"),
            Self::Address(address) => write!(out, "@{address:#x}"),
            Self::FileOffset(offset) => write!(out, "@+{offset:#x}"),
            Self::Symbol { name, offset: 0 } => write!(out, "@{name}"),
            Self::Symbol { name, offset } => write!(out, "@{name}{offset:+}"),
            Self::Number(number) => write!(out, "\\{number}"),
            Self::Text(text) => write!(out, "\\\"{text}\""),
            Self::Deref { offset, user, of } => {
                let sign = if *offset < 0 { '-' } else { '+' };
                let user = if *user { "u" } else { "" };
                write!(out, "{sign}{user}{}({of})", offset.unsigned_abs())
            }
        }
    }
}
