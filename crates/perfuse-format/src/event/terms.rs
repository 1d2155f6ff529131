//! The terms between the slashes: `period=100000,call-graph=fp,name=mine`.

use super::error::{Expected, Problem, TermsOf};
use super::grammar::{Fault, number, raw};
use super::{EventSpec, Mode};

/// The terms that perf itself knows; everything else belongs to a PMU.
pub(super) const NAMES: &[&str] = &[
    "config",
    "config1",
    "config2",
    "config3",
    "name",
    "metric-id",
    "period",
    "freq",
    "branch_type",
    "time",
    "call-graph",
    "stack-size",
    "max-stack",
    "nr",
    "inherit",
    "no-inherit",
    "overwrite",
    "no-overwrite",
    "percore",
    "aux-output",
    "aux-sample-size",
];

/// The terms that also mean something when nothing is sampled.
const IN_STAT: &[&str] = &["config", "config1", "config2", "config3", "name", "metric-id", "percore", "period"];

/// The terms that mean something for a tracepoint.
const FOR_TRACEPOINTS: &[&str] = &[
    "name",
    "call-graph",
    "stack-size",
    "inherit",
    "no-inherit",
    "max-stack",
    "nr",
    "overwrite",
    "no-overwrite",
    "aux-output",
    "aux-sample-size",
];

/// A term as it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term<'a> {
    /// Place of the name.
    pub at: usize,
    /// The name.
    pub name: &'a str,
    /// The value with its place; quotes around it are off.
    pub value: Option<(usize, &'a str)>,
}

impl Term<'_> {
    /// The value as a number; a term without one is 1.
    pub(super) fn number(&self, expected: Expected) -> Result<u64, Fault> {
        let Some((at, text)) = self.value else { return Ok(1) };
        number(text).ok_or_else(|| (at, Problem::BadValue { term: self.name.to_owned(), expected }))
    }
}

/// Whose terms they are.
pub(super) enum Owner {
    /// A hardware, software, cache, raw or numeric event.
    General,
    /// A tracepoint.
    Tracepoint,
    /// An event of this PMU, whose own terms are already done.
    Pmu,
}

/// Splits the text at its commas (not at those in quotes).
pub(super) fn parse(at: usize, text: &str) -> Result<Vec<Term<'_>>, Fault> {
    let mut terms = Vec::new();
    let mut place = 0;
    // `msr//` has no term; a comma too many is a mistake.
    while place < text.len() {
        let rest = text.get(place..).unwrap_or_default();
        let end = rest.find([',', '=', '\'']).unwrap_or(rest.len());
        let (name_at, name) = trimmed(at + place, rest.get(..end).unwrap_or_default());
        if name.is_empty() {
            return Err((name_at, Problem::Expected { expected: Expected::Term }));
        }
        let mut value = None;
        place += end;
        if text.as_bytes().get(place) == Some(&b'=') {
            let (start, length, after) = value_extent(at, text, place + 1)?;
            let (value_at, inner) = trimmed(at + start, text.get(start..start + length).unwrap_or_default());
            if inner.is_empty() {
                return Err((value_at, Problem::Expected { expected: Expected::Value }));
            }
            value = Some((value_at, inner));
            place = after;
        }
        match text.as_bytes().get(place) {
            None => {}
            Some(b',') if place + 1 < text.len() => place += 1,
            Some(_) => return Err((at + place + 1, Problem::Expected { expected: Expected::Term })),
        }
        terms.push(Term { at: name_at, name, value });
    }
    Ok(terms)
}

/// Start and length of the value at `start` and where the text goes on after it.
fn value_extent(at: usize, text: &str, start: usize) -> Result<(usize, usize, usize), Fault> {
    let rest = text.get(start..).unwrap_or_default();
    if let Some(quote) = rest.chars().next().filter(|letter| matches!(letter, '\'' | '"')) {
        let quoted = rest.get(1..).unwrap_or_default();
        let missing = || (at + text.len(), Problem::Expected { expected: Expected::ClosingQuote });
        let length = quoted.find(quote).ok_or_else(missing)?;
        return Ok((start + 1, length, start + length + 2));
    }
    let length = rest.find(',').unwrap_or(rest.len());
    Ok((start, length, start + length))
}

/// The text without blanks around it, and where it starts then.
fn trimmed(at: usize, text: &str) -> (usize, &str) {
    let from_start = text.trim_start();
    (at + text.len() - from_start.len(), from_start.trim_end())
}

/// Applies perf's own terms to an event.
pub(super) fn apply(event: &mut EventSpec, terms: &[Term<'_>], owner: &Owner, mode: Mode) -> Result<(), Fault> {
    for term in terms {
        if let Some(driver) = term.name.strip_prefix('@') {
            let value = term.value.map(|(_, value)| format!("{driver}={value}"));
            event.terms.driver.push(value.unwrap_or_else(|| driver.to_owned()));
            continue;
        }
        if !NAMES.contains(&term.name) {
            match owner {
                Owner::Pmu => continue,
                Owner::General => {
                    let code = raw(term.name).filter(|_| term.value.is_none());
                    let code = code.ok_or_else(|| unknown(term, TermsOf::General))?;
                    event.attr.config = code.map_err(|problem| (term.at, problem))?;
                    continue;
                }
                Owner::Tracepoint => return Err(unknown(term, TermsOf::Tracepoint)),
            }
        }
        if mode == Mode::Stat && !IN_STAT.contains(&term.name) {
            return Err((term.at, Problem::NotInStat { term: term.name.to_owned() }));
        }
        if matches!(owner, Owner::Tracepoint) && !FOR_TRACEPOINTS.contains(&term.name) {
            return Err((term.at, Problem::NotForTracepoint { term: term.name.to_owned() }));
        }
        one(event, term)?;
    }
    Ok(())
}

fn unknown(term: &Term<'_>, of: TermsOf) -> Fault {
    (term.at, Problem::UnknownTerm { term: term.name.to_owned(), of })
}

/// Applies one of [`NAMES`].
fn one(event: &mut EventSpec, term: &Term<'_>) -> Result<(), Fault> {
    let bad = |expected: Expected| (term.at, Problem::BadValue { term: term.name.to_owned(), expected });
    let text = |expected: Expected| term.value.map(|(_, value)| value.to_owned()).ok_or_else(|| bad(expected));
    let count = || if term.value.is_none() { Err(bad(Expected::Number)) } else { term.number(Expected::Number) };
    // A word of the attribute alone is 1, as for the terms of a PMU.
    let word = || term.number(Expected::Number);
    let switch = || match term.number(Expected::Switch)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(bad(Expected::Switch)),
    };
    let bare = || if term.value.is_some_and(|(_, value)| value != "1") { Err(bad(Expected::Nothing)) } else { Ok(()) };
    match term.name {
        "config" => event.attr.config = word()?,
        "config1" => event.attr.config1 = word()?,
        "config2" => event.attr.config2 = word()?,
        "config3" => event.attr.config3 = word()?,
        "name" => event.name = text(Expected::Name)?,
        "metric-id" => event.terms.metric_id = Some(text(Expected::Name)?),
        "period" => event.terms.period = Some(count()?),
        "freq" => event.terms.freq = Some(count()?),
        "branch_type" => event.terms.branch_type = Some(text(Expected::Branches)?),
        "time" => event.terms.time = Some(switch()?),
        "call-graph" => event.terms.call_graph = Some(text(Expected::CallGraph)?),
        "stack-size" => event.terms.stack_size = Some(count()?),
        "max-stack" => event.terms.max_stack = Some(count()?),
        "nr" => event.terms.max_events = Some(count()?),
        "inherit" => event.terms.inherit = Some(bare().map(|()| true)?),
        "no-inherit" => event.terms.inherit = Some(bare().map(|()| false)?),
        "overwrite" => event.terms.overwrite = Some(bare().map(|()| true)?),
        "no-overwrite" => event.terms.overwrite = Some(bare().map(|()| false)?),
        "percore" => event.terms.percore = Some(switch()?),
        "aux-output" => event.terms.aux_output = bare().map(|()| true)?,
        "aux-sample-size" => {
            let size = u32::try_from(count()?);
            event.terms.aux_sample_size = Some(size.map_err(|_| bad(Expected::Word))?);
        }
        _ => return Err(unknown(term, TermsOf::General)),
    }
    Ok(())
}
