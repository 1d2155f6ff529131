//! Lines of `kprobe_events` and `uprobe_events`: `p:probe/tcp_sendmsg _text+8763952 size=%dx:x64`.

use super::argument::{Argument, is_c_name};
use super::cast::Cast;
use super::error::{At, ProbeError, Problem, shift};
use super::fetch::Fetch;
use super::number::unsigned;
use super::{MAX_ARGUMENTS, words};
use std::fmt;

/// Where the kernel puts the probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `[MODULE:]SYMBOL+OFFSET` of the kernel.
    Symbol {
        /// The module that has the symbol.
        module: Option<String>,
        /// The symbol.
        symbol: String,
        /// Bytes from it.
        offset: u64,
    },
    /// An address of the kernel.
    Address(u64),
    /// An offset of a file.
    File {
        /// The file, by its path.
        path: String,
        /// Bytes from its start.
        offset: u64,
        /// Offset of the counter that has to be raised for the probe to be reached (USDT semaphore).
        counter: Option<u64>,
    },
}

/// An argument as the kernel takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceArgument {
    /// Its name; the kernel calls it `argN` where there is none.
    pub name: Option<String>,
    /// Where its value is.
    pub fetch: Fetch,
    /// Exactly how the place is written, where it was given by the user; `fetch` otherwise.
    pub text: Option<String>,
    /// Its type; 64 bits in hexadecimal where there is none.
    pub cast: Option<Cast>,
}

/// A probe as the kernel takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceProbe {
    /// Whether it is at a return.
    pub ret: bool,
    /// How many calls can be in flight at once, of a return probe; the kernel's own default for `None`.
    pub active: Option<u32>,
    /// Group.
    pub group: String,
    /// Event.
    pub event: String,
    /// Where it is.
    pub target: Target,
    /// What it fetches.
    pub arguments: Vec<TraceArgument>,
}

impl TraceProbe {
    /// Parses one line without its end, as the kernel shows it or perf writes it.
    pub fn parse(line: &str) -> Result<Self, ProbeError> {
        Self::parsed(line).map_err(|(at, problem)| ProbeError::new(line, at, problem))
    }

    fn parsed(line: &str) -> Result<Self, At> {
        let mut words = words(line);
        let (start, head) = words.next().ok_or((0, Problem::NoKind))?;
        let mut ret = match head.chars().next() {
            Some('p') => false,
            Some('r') => true,
            _ => return Err((start, Problem::NoKind)),
        };
        let colon = head.find(':').ok_or((start + 1, Problem::NoKind))?;
        let active = match &head[1..colon] {
            "" => None,
            digits => {
                let count = unsigned(digits).and_then(|count| u32::try_from(count).ok());
                Some(count.filter(|_| ret).ok_or((start + 1, Problem::NoKind))?)
            }
        };
        let name_at = start + colon + 1;
        let (group, event) = head[colon + 1..].split_once('/').ok_or((name_at, Problem::NoKind))?;
        for (at, name) in [(name_at, group), (name_at + group.len() + 1, event)] {
            if !is_c_name(name) {
                return Err((at, Problem::BadName { name: name.to_owned() }));
            }
        }
        let (at, place) = words.next().ok_or((line.len(), Problem::NoTarget))?;
        let (target, returns) = Target::parse(place).map_err(shift(at))?;
        ret |= returns;
        let mut arguments = Vec::new();
        for (at, word) in words {
            if arguments.len() == MAX_ARGUMENTS {
                return Err((at, Problem::TooMany { max: MAX_ARGUMENTS }));
            }
            arguments.push(TraceArgument::parse(word).map_err(shift(at))?);
        }
        Ok(Self { ret, active, group: group.to_owned(), event: event.to_owned(), target, arguments })
    }

    /// `GROUP:EVENT`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.group, self.event)
    }
}

impl Target {
    /// The place, and whether `%return` stands behind it.
    fn parse(text: &str) -> Result<(Self, bool), At> {
        let (place, ret) = match text.strip_suffix("%return") {
            Some(place) => (place, true),
            None => (text, false),
        };
        if place.contains('/') {
            return Ok((Self::file(place)?, ret));
        }
        if place.starts_with("0x") {
            return unsigned(place).map(|address| (Self::Address(address), ret)).ok_or((0, Problem::Number));
        }
        let (module, symbol_at) = match place.find(':') {
            Some(colon) => (Some(place[..colon].to_owned()), colon + 1),
            None => (None, 0),
        };
        let tail = &place[symbol_at..];
        let end = tail.find('+').unwrap_or(tail.len());
        if end == 0 {
            return Err((symbol_at, Problem::NoTarget));
        }
        let offset = if end == tail.len() { Some(0) } else { unsigned(&tail[end + 1..]) };
        let offset = offset.ok_or((symbol_at + end + 1, Problem::Number))?;
        Ok((Self::Symbol { module, symbol: tail[..end].to_owned(), offset }, ret))
    }

    /// `PATH:0x1234[(0x5678)]`; a path may have colons.
    fn file(text: &str) -> Result<Self, At> {
        let colon = text.rfind(':').ok_or((text.len(), Problem::NoTarget))?;
        let rest = &text[colon + 1..];
        let end = rest.find('(').unwrap_or(rest.len());
        let offset = unsigned(&rest[..end]).ok_or((colon + 1, Problem::Number))?;
        let counter = match rest.get(end + 1..) {
            None => None,
            Some(inside) => {
                let at = colon + end + 2;
                let inside = inside.strip_suffix(')').ok_or((text.len(), Problem::NoClosing))?;
                Some(unsigned(inside).ok_or((at, Problem::Number))?)
            }
        };
        Ok(Self::File { path: text[..colon].to_owned(), offset, counter })
    }

    /// Whether the line belongs into `uprobe_events`.
    pub fn is_user(&self) -> bool {
        matches!(self, Self::File { .. })
    }
}

impl TraceArgument {
    /// What the user gave, passed on as it is: with its name and type, and without a name where there is none.
    pub fn given(argument: &Argument, fetch: &Fetch, text: &str) -> Self {
        let text = (fetch.to_string() != text).then(|| text.to_owned());
        Self { name: argument.name.clone(), fetch: fetch.clone(), text, cast: argument.cast.clone() }
    }

    fn parse(word: &str) -> Result<Self, At> {
        let (name, at) = match word.find('=') {
            Some(at) if is_c_name(&word[..at]) => (Some(word[..at].to_owned()), at + 1),
            _ => (None, 0),
        };
        let value = &word[at..];
        let colon = if value.starts_with("\\\"") { value.rfind("\":").map(|at| at + 1) } else { value.find(':') };
        let cast = match colon {
            Some(place) => Some(Cast::parse(&value[place + 1..]).map_err(shift(at + place + 1))?),
            None => None,
        };
        let text = &value[..colon.unwrap_or(value.len())];
        let fetch = Fetch::parse(text).map_err(shift(at))?;
        let text = (fetch.to_string() != text).then(|| text.to_owned());
        Ok(Self { name, fetch, text, cast })
    }
}

impl fmt::Display for Target {
    /// As perf writes it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symbol { module, symbol, offset } => {
                if let Some(module) = module {
                    write!(out, "{module}:")?;
                }
                write!(out, "{symbol}+{offset}")
            }
            Self::Address(address) => write!(out, "{address:#x}"),
            Self::File { path, offset, counter } => {
                write!(out, "{path}:{offset:#x}")?;
                counter.map_or(Ok(()), |counter| write!(out, "({counter:#x})"))
            }
        }
    }
}

impl fmt::Display for TraceArgument {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(out, "{name}=")?;
        }
        match &self.text {
            Some(text) => out.write_str(text)?,
            None => self.fetch.fmt(out)?,
        }
        self.cast.as_ref().map_or(Ok(()), |cast| write!(out, ":{cast}"))
    }
}

impl fmt::Display for TraceProbe {
    /// The line as perf writes it, without an end.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.ret { 'r' } else { 'p' };
        let active = self.active.filter(|_| self.ret).map(|count| count.to_string()).unwrap_or_default();
        write!(out, "{kind}{active}:{}/{} {}", self.group, self.event, self.target)?;
        self.arguments.iter().try_for_each(|argument| write!(out, " {argument}"))
    }
}
