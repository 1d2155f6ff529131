//! perf's language for dynamic probes: `tcp_sendmsg size sk->__sk_common.skc_state`, `func%return $retval:string`,
//! `file.c:123`, `%sdt_node:http__server__request`; and the lines of tracefs that come out of it.
//!
//! The grammar is that of perf 6.1 (tools/perf/Documentation/perf-probe.txt, and its behaviour), the lines those of the
//! kernel files Documentation/trace/kprobetrace.rst and uprobetracer.rst. Nothing here looks a name up: that is done
//! with the symbols and types of a kernel or program.

mod argument;
mod cast;
mod error;
mod fetch;
mod filter;
mod lines;
mod machine;
mod name;
mod number;
mod place;
mod sdt;
mod trace;
mod types;

#[cfg(test)]
mod tests;

pub use argument::{Access, Argument, Base};
pub use cast::{Cast, MAX_ARRAY, Sign};
pub use error::{ProbeError, Problem};
pub use fetch::{Fetch, MAX_DEPTH};
pub use filter::Filter;
pub use lines::{LineRange, LinesOf};
pub use machine::Machine;
pub use name::{MAX_INDEX, Taken, event_name, group_of_file, is_event_name};
pub use place::{Place, SourceSpot, Spot};
pub use sdt::{Form, SdtNote};
pub use trace::{Target, TraceArgument, TraceProbe};
pub use types::{KernelFunction, TypeError, TypeProblem, type_name};

use error::{At, shift};
use place::{find_unescaped, unescaped};
use std::fmt;

/// Most arguments of a probe (`MAX_TRACE_ARGS` of `kernel/trace/trace_probe.h`).
pub const MAX_ARGUMENTS: usize = 128;

/// A definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The group that was given: `GROUP:EVENT=`.
    pub group: Option<String>,
    /// The name that was given.
    pub event: Option<String>,
    /// Where the probe is put.
    pub place: Place,
    /// What is fetched there.
    pub arguments: Vec<Argument>,
    /// Byte of the text at which the place begins, behind the name of the event.
    pub place_at: usize,
    /// The text that was parsed.
    pub text: String,
}

impl Definition {
    /// Parses `[[GROUP:]EVENT=]PLACE [ARGUMENT...]`.
    pub fn parse(text: &str) -> Result<Self, ProbeError> {
        Self::parsed(text).map_err(|(at, problem)| ProbeError::new(text, at, problem))
    }

    /// A place alone, as -V takes it.
    pub fn parse_place(text: &str) -> Result<Self, ProbeError> {
        let definition = Self::parse(text)?;
        match definition.arguments.first() {
            Some(argument) => Err(ProbeError::new(text, argument.at.start, Problem::Trailing)),
            None => Ok(definition),
        }
    }

    fn parsed(text: &str) -> Result<Self, At> {
        let mut words = words(text);
        let (start, first) = words.next().ok_or((text.len(), Problem::NoPlace))?;
        let (named, place_at) =
            if is_sdt(first) { (Named::default(), 0) } else { event(first).map_err(shift(start))? };
        let rest = &first[place_at..];
        let place = if is_sdt(first) {
            let skip = usize::from(rest.starts_with('%'));
            Place::sdt(&rest[skip..]).map_err(shift(start + skip))?
        } else {
            Place::parse(rest).map_err(shift(start + place_at))?
        };
        let mut arguments = Vec::new();
        for (start, word) in words {
            if arguments.len() == MAX_ARGUMENTS {
                return Err((start, Problem::TooMany { max: MAX_ARGUMENTS }));
            }
            arguments.push(Argument::parse(word, start).map_err(shift(start))?);
        }
        let text = text.to_owned();
        Ok(Self { group: named.group, event: named.event, place, arguments, place_at: start + place_at, text })
    }
}

impl fmt::Display for Definition {
    /// In the syntax of a definition.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(group) = &self.group {
            write!(out, "{group}:")?;
        }
        if let Some(event) = &self.event {
            write!(out, "{event}=")?;
        }
        self.place.fmt(out)?;
        for argument in &self.arguments {
            write!(out, " {argument}{}", if argument.user { "@user" } else { "" })?;
        }
        Ok(())
    }
}

/// The name of the event before the equals sign.
#[derive(Default)]
struct Named {
    group: Option<String>,
    event: Option<String>,
}

/// `GROUP:EVENT=` at the start of a word, and where the place begins.
fn event(word: &str) -> Result<(Named, usize), At> {
    let end = match find_unescaped(word, &[';', '=', '@', '+', '%']) {
        Some(at) if word[at..].starts_with('=') => at,
        _ => return Ok((Named::default(), 0)),
    };
    let name = &word[..end];
    let (group, event, event_at) = match find_unescaped(name, &[':']) {
        Some(colon) => (Some((0, &name[..colon])), &name[colon + 1..], colon + 1),
        None => (None, name, 0),
    };
    for (at, part) in group.into_iter().chain([(event_at, event)]) {
        if !is_event_name(part) {
            return Err((at, Problem::BadName { name: part.to_owned() }));
        }
    }
    Ok((Named { group: group.map(|(_, group)| unescaped(group)), event: Some(unescaped(event)) }, end + 1))
}

/// Whether a word names a tracepoint of a program: `%...`, or `sdt_PROVIDER:EVENT` that is no name before a place.
fn is_sdt(word: &str) -> bool {
    word.starts_with('%') || word.starts_with("sdt_") && word.contains(':') && !word.contains('=')
}

/// The words between white space, each with its place.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let from = at + text[at..].find(|letter: char| !letter.is_whitespace())?;
        let length = text[from..].find(char::is_whitespace).unwrap_or(text.len() - from);
        at = from + length;
        Some((from, &text[from..at]))
    })
}
