//! What went wrong, with perf's exit status for it.

use perfuse_analyze::Msg;
use perfuse_collect::perf::probes::{ProbeDenied, Refused};
use perfuse_format::event::TraceDenied;
use perfuse_format::probe::{Definition, ProbeError, Problem, TypeError, TypeProblem};

use super::super::USAGE;
use crate::console::Console;

/// perf's exit statuses: the negated error number, in eight bits.
pub(super) const NOT_FOUND: u8 = 254;
pub(super) const DENIED: u8 = 243;
pub(super) const EXISTS: u8 = 239;
pub(super) const INVALID: u8 = 234;
pub(super) const TOO_MANY: u8 = 222;

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// Exit status.
    pub(super) status: u8,
    /// The text and the byte that a caret goes under.
    pub(super) place: Option<(String, usize)>,
    /// What is wrong, and what can be done: a line each.
    pub(super) words: Vec<Msg>,
}

pub(super) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(super) fn new(status: u8, words: Msg) -> Self {
        Self { status, place: None, words: vec![words] }
    }

    /// With another line.
    pub(super) fn also(mut self, words: Msg) -> Self {
        self.words.push(words);
        self
    }

    /// With a caret under a byte of a definition.
    pub(super) fn at(mut self, definition: &Definition, at: usize) -> Self {
        self.place = Some((definition.text.clone(), at));
        self
    }

    /// Whether the kernel has such probes and refuses this one.
    pub(super) fn is_refusal(&self) -> bool {
        self.words.first().is_some_and(|words| matches!(words.id.as_str(), "probe-blacklisted" | "probe-refused"))
    }

    /// Prints it.
    pub(super) fn say(&self, console: &Console) {
        let words: Vec<String> = self.words.iter().map(|words| console.texts.text(words)).collect();
        let Some((text, at)) = &self.place else {
            console.complain(&words.join("\n  "));
            return;
        };
        let column = 2 + perfuse_render::layout::width(text.get(..*at).unwrap_or_default());
        console.complain(&format!("\n  {text}\n{:column$}\\___ {}", "", words.join("\n  ")));
    }
}

/// A mistake in the value of an option, which to perf is a wrong command line.
impl From<ProbeError> for Failure {
    fn from(error: ProbeError) -> Self {
        let words = problem(&error.problem);
        Self { status: USAGE, place: Some((error.text, error.at)), words: vec![words] }
    }
}

impl From<ProbeDenied> for Failure {
    fn from(denied: ProbeDenied) -> Self {
        match denied {
            ProbeDenied::Tracefs(why) => {
                let status = if matches!(why, TraceDenied::Permission(_)) { DENIED } else { NOT_FOUND };
                Self::new(status, Msg::new("probe-tracefs").with("why", super::super::words::denied_words(&why)))
            }
            ProbeDenied::NotBuilt { path } => Self::new(NOT_FOUND, Msg::new("probe-not-built").with("path", path)),
            ProbeDenied::Io { path, error } => {
                let status = status_of(&error);
                let words = Msg::new("probe-io").with("path", path).with("error", error.to_string());
                Self::new(status, words)
            }
        }
    }
}

/// perf's exit status for an error of the system.
pub(super) fn status_of(error: &std::io::Error) -> u8 {
    error.raw_os_error().and_then(|code| u8::try_from(code.rem_euclid(256)).ok()).map_or(INVALID, u8::wrapping_neg)
}

/// What the kernel said to a line.
pub(super) fn refused(line: &str, refused: &Refused) -> Failure {
    let words = Msg::new("probe-refused").with("line", line).with("error", refused.error.to_string());
    let failure = Failure::new(status_of(&refused.error), words);
    if refused.log.is_empty() {
        return failure;
    }
    failure.also(Msg::new("probe-kernel-log").with("log", format!("\n    {}", refused.log.replace('\n', "\n    "))))
}

/// An argument that the types do not have.
pub(super) fn of_types(definition: &Definition, error: &TypeError) -> Failure {
    let (words, wanted, known) = match &error.problem {
        TypeProblem::NoParameter { name, known } => {
            (Msg::new("probe-no-parameter").with("name", name.as_str()), Some(name), known.as_slice())
        }
        TypeProblem::NoMember { of, name, known } => {
            let words = Msg::new("probe-no-member").with("name", name.as_str()).with("of", of.as_str());
            (words, Some(name), known.as_slice())
        }
        TypeProblem::NeedsArrow => (Msg::new("probe-needs-arrow"), None, &[][..]),
        TypeProblem::NeedsDot => (Msg::new("probe-needs-dot"), None, &[][..]),
        TypeProblem::NoStructure { of } => (Msg::new("probe-no-structure").with("of", of.as_str()), None, &[][..]),
        TypeProblem::NoArray { of } => (Msg::new("probe-no-array").with("of", of.as_str()), None, &[][..]),
        TypeProblem::NoText { of } => (Msg::new("probe-no-text").with("of", of.as_str()), None, &[][..]),
        TypeProblem::InRegisters => (Msg::new("probe-in-registers"), None, &[][..]),
        TypeProblem::NoSize { of } => (Msg::new("probe-no-size").with("of", of.as_str()), None, &[][..]),
        TypeProblem::AtReturn => (Msg::new("probe-at-return"), None, &[][..]),
    };
    let status = if wanted.is_some() { NOT_FOUND } else { INVALID };
    let failure = Failure::new(status, words).at(definition, error.at);
    let Some(wanted) = wanted else { return failure };
    let near = near(wanted, known.iter().map(String::as_str));
    let names = if near.is_empty() { known.iter().take(12).map(String::as_str).collect() } else { near };
    if names.is_empty() { failure } else { failure.also(Msg::new("probe-nearest").with("names", names.join(", "))) }
}

/// What is wrong with a definition.
fn problem(problem: &Problem) -> Msg {
    match problem {
        Problem::NoPlace => Msg::new("probe-problem-place"),
        Problem::BadName { name } => Msg::new("probe-problem-name").with("name", name.as_str()),
        Problem::Number => Msg::new("probe-problem-number"),
        Problem::TooLarge => Msg::new("probe-problem-large"),
        Problem::TwoFiles => Msg::new("probe-problem-two-files"),
        Problem::NoFile => Msg::new("probe-problem-file"),
        Problem::UnknownPlace => Msg::new("probe-problem-return"),
        Problem::TwoSpots => Msg::new("probe-problem-two-spots"),
        Problem::FileAlone => Msg::new("probe-problem-file-alone"),
        Problem::NoFunction => Msg::new("probe-problem-function"),
        Problem::NoPattern => Msg::new("probe-problem-pattern"),
        Problem::Sdt => Msg::new("probe-problem-sdt"),
        Problem::AddressAlone => Msg::new("probe-problem-address"),
        Problem::NoArgumentName => Msg::new("probe-problem-argument-name"),
        Problem::NoValue => Msg::new("probe-problem-value"),
        Problem::NoMember => Msg::new("probe-problem-member"),
        Problem::Index => Msg::new("probe-problem-index"),
        Problem::NoRegister => Msg::new("probe-problem-register"),
        Problem::UnknownSpecial { name } => {
            let known = "$retval $vars $params $comm $stack $stackN $argN";
            Msg::new("probe-problem-special").with("name", name.as_str()).with("known", known)
        }
        Problem::NoOpening => Msg::new("probe-problem-opening"),
        Problem::NoClosing => Msg::new("probe-problem-closing"),
        Problem::Trailing => Msg::new("probe-problem-trailing"),
        Problem::TooDeep { max } => Msg::new("probe-problem-deep").with("max", max.to_string()),
        Problem::UnknownType { name } => Msg::new("probe-problem-type").with("name", name.as_str()),
        Problem::BitField => Msg::new("probe-problem-bits"),
        Problem::ArrayCount { max } => Msg::new("probe-problem-count").with("max", max.to_string()),
        Problem::Backwards => Msg::new("probe-problem-backwards"),
        Problem::BadFunction { name } => Msg::new("probe-problem-bad-function").with("name", name.as_str()),
        Problem::TooMany { max } => Msg::new("probe-problem-many").with("max", max.to_string()),
        Problem::NoOperand => Msg::new("probe-problem-operand"),
        Problem::NoKind | Problem::NoTarget => Msg::new("probe-problem-line"),
    }
}

/// At most three names that are like the one that is wanted, the nearest first.
pub(super) fn near<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut near = crate::cli::nearest(wanted, names);
    near.retain(|name| strsim::jaro_winkler(wanted, name) > 0.7);
    near.dedup();
    near
}
