//! What can be wrong with an event: the place, what was expected, and the names that come near.

use super::host::TraceDenied;
use thiserror::Error;

/// What belongs at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Expected {
    /// The next event or the end of the text.
    #[error("a comma or the end")]
    CommaOrEnd,
    /// An event; a group cannot stand in a group.
    #[error("an event: groups cannot be nested")]
    NoNesting,
    /// The next event of a group or its end.
    #[error("a comma or the closing brace of the group")]
    CommaOrBrace,
    /// The slash behind the terms.
    #[error("the closing slash of the terms")]
    ClosingSlash,
    /// An event.
    #[error("an event")]
    Event,
    /// A slash.
    #[error("a slash")]
    Slash,
    /// The name of a tracepoint behind its system.
    #[error("the name of a tracepoint")]
    TracepointName,
    /// The address of a breakpoint.
    #[error("an address")]
    Address,
    /// The length of a breakpoint in bytes.
    #[error("a length in bytes")]
    Length,
    /// A term.
    #[error("a term")]
    Term,
    /// The value of a term.
    #[error("a value")]
    Value,
    /// The quote behind a value.
    #[error("the closing quote")]
    ClosingQuote,
    /// A number of 64 bits.
    #[error("a number")]
    Number,
    /// 0 or 1.
    #[error("0 or 1")]
    Switch,
    /// Any text.
    #[error("a name")]
    Name,
    /// Kinds of branches.
    #[error("kinds of branches")]
    Branches,
    /// A way to unwind.
    #[error("no, fp, dwarf or lbr")]
    CallGraph,
    /// The term alone.
    #[error("no value")]
    Nothing,
    /// A number of 32 bits.
    #[error("a number of 32 bits")]
    Word,
}

/// Whose terms they are.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TermsOf {
    /// A PMU of this name.
    #[error("{0}")]
    Pmu(String),
    /// A hardware, software, cache or raw event.
    #[error("a hardware or software event")]
    General,
    /// A tracepoint.
    #[error("a tracepoint")]
    Tracepoint,
}

/// The kind of a mistake.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// Something else belongs here.
    #[error("expected {expected}")]
    Expected {
        /// What belongs here.
        expected: Expected,
    },
    /// Neither a hardware, software, cache or PMU event nor a raw code.
    #[error("no event is named `{name}`")]
    UnknownEvent {
        /// The name.
        name: String,
    },
    /// No tracepoint of this name (or none that matches the pattern).
    #[error("no tracepoint `{system}:{name}`: {why}")]
    UnknownTracepoint {
        /// The system before the colon.
        system: String,
        /// The name after it.
        name: String,
        /// What the host said.
        why: Box<TraceDenied>,
    },
    /// No PMU of this name.
    #[error("no PMU is named `{name}`")]
    UnknownPmu {
        /// The name.
        name: String,
    },
    /// A term between the slashes that neither the PMU nor perf knows.
    #[error("`{term}` is no term of {of}")]
    UnknownTerm {
        /// The term.
        term: String,
        /// Whose terms were looked through.
        of: TermsOf,
    },
    /// The CPU's model has the event, and the kernel no PMU that would count it.
    #[error("`{event}` is an event of this CPU model, but the kernel has no PMU `{pmu}` that would count it")]
    NoPmu {
        /// The event of a vendor's table.
        event: String,
        /// The PMU that is missing.
        pmu: String,
    },
    /// A term needs a value of another kind.
    #[error("`{term}` takes {expected}")]
    BadValue {
        /// The term.
        term: String,
        /// What it takes.
        expected: Expected,
    },
    /// The PMU has too few bits for the value.
    #[error("the value of `{term}` is at most {max}")]
    TooLarge {
        /// The term.
        term: String,
        /// The largest value.
        max: u64,
    },
    /// The term decides how samples are taken, and `perf stat` takes none.
    #[error("`{term}` has no use in stat")]
    NotInStat {
        /// The term.
        term: String,
    },
    /// The term has no meaning for a tracepoint.
    #[error("`{term}` has no use with a tracepoint")]
    NotForTracepoint {
        /// The term.
        term: String,
    },
    /// A letter that is no modifier.
    #[error("`{letter}` is no modifier; there are u k h G H p P S D I W e b")]
    UnknownModifier {
        /// The letter.
        letter: char,
    },
    /// A modifier twice.
    #[error("`{letter}` is there twice")]
    RepeatedModifier {
        /// The letter.
        letter: char,
    },
    /// More than three p.
    #[error("there are at most three p")]
    TooPrecise,
    /// Kinds of access of a breakpoint are r, w and x, each once.
    #[error("`{access}` is no access; there are r, w and x")]
    BadAccess {
        /// What stands there.
        access: String,
    },
    /// A number that does not fit 64 bits.
    #[error("the number is larger than 64 bits")]
    Number,
    /// The text asks for more events than can be opened.
    #[error("more than {max} events")]
    TooMany {
        /// How many there may be.
        max: usize,
    },
    /// A sysfs file of the PMU has terms that cannot be read.
    #[error("the kernel's own terms of `{event}` cannot be read: `{terms}`")]
    BadAlias {
        /// The named event.
        event: String,
        /// Its terms.
        terms: String,
    },
}

/// A mistake with its place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("in `{text}` at character {}: {problem}", at + 1)]
pub struct EventError {
    /// The whole text of the option.
    pub text: String,
    /// Byte offset of the place in it, for a caret.
    pub at: usize,
    /// What is wrong.
    pub problem: Problem,
    /// Names that could have been meant: all that are possible at this place, in no order of nearness. The caller
    /// picks the near ones.
    pub candidates: Vec<String>,
}

impl EventError {
    /// The candidates with the smallest edit distance to the name in the text, nearest first, at most `count`. What
    /// differs in more than a third of its letters is not near.
    pub fn nearest(&self, count: usize) -> Vec<&str> {
        let wanted = match &self.problem {
            Problem::UnknownEvent { name } | Problem::UnknownPmu { name } => name.clone(),
            Problem::UnknownTracepoint { system, name, .. } => format!("{system}:{name}"),
            Problem::UnknownTerm { term, .. } => term.clone(),
            _ => return Vec::new(),
        };
        let bound = (wanted.len() / 3).max(1);
        let mut near: Vec<(usize, &str)> = self
            .candidates
            .iter()
            .map(|candidate| (nearness(&wanted, candidate), candidate.as_str()))
            .filter(|(distance, _)| *distance <= bound)
            .collect();
        near.sort_unstable();
        near.truncate(count);
        near.into_iter().map(|(_, candidate)| candidate).collect()
    }
}

/// The distance to the candidate or to the part of it after the system or PMU, whichever is smaller: `sched_switch` is
/// near to `sched:sched_switch`.
fn nearness(wanted: &str, candidate: &str) -> usize {
    let whole = distance(wanted.as_bytes(), candidate.as_bytes());
    let part = candidate.trim_end_matches('/').split_once([':', '/']).map(|(_, part)| part);
    part.map_or(whole, |part| whole.min(distance(wanted.as_bytes(), part.as_bytes())))
}

/// Edit distance in which two neighbours that changed places count once (optimal string alignment).
pub fn distance(one: &[u8], other: &[u8]) -> usize {
    let mut before = vec![0; other.len() + 1];
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut row = last.clone();
    for (i, left) in one.iter().enumerate() {
        row[0] = i + 1;
        for (j, right) in other.iter().enumerate() {
            let same = usize::from(!left.eq_ignore_ascii_case(right));
            let mut best = (last[j] + same).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && one[i - 1].eq_ignore_ascii_case(right) && left.eq_ignore_ascii_case(&other[j - 1]) {
                best = best.min(before[j - 1] + 1);
            }
            row[j + 1] = best;
        }
        std::mem::swap(&mut before, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_swaps_once() {
        for (one, other, expected) in [("", "abc", 3), ("cycles", "cycels", 1), ("cs", "cs", 0), ("fault", "faults", 1)]
        {
            assert_eq!(distance(one.as_bytes(), other.as_bytes()), expected, "{one} {other}");
        }
    }
}
