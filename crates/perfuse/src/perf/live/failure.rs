//! Why nothing can be watched.

use perfuse_analyze::{Arg, Msg};
use perfuse_collect::bpf::LiveError;
use perfuse_collect::perf::record;
use perfuse_collect::{Root, host};
use perfuse_format::live::{ExprError, ExprProblem, MAX_DEPTH};

use super::super::FAILED;
use super::super::words::refusal_words;
use crate::console::Console;

/// What is said, a line each, and with what exit status.
#[derive(Debug)]
pub(in crate::perf) struct Failure {
    status: u8,
    words: Vec<Msg>,
}

impl Failure {
    pub(in crate::perf) fn new(words: Msg) -> Self {
        Self { status: FAILED, words: vec![words] }
    }

    /// What is said.
    pub(in crate::perf) fn into_words(self) -> Vec<Msg> {
        self.words
    }

    /// Says it; the exit status.
    pub(super) fn say(&self, console: &Console) -> u8 {
        let words: Vec<String> = self.words.iter().map(|words| console.texts.text(words)).collect();
        console.complain(&words.join("\n  "));
        self.status
    }

    /// A program that cannot be made or run for an event.
    pub(super) fn program(event: &str, error: &LiveError) -> Self {
        let words = match error {
            LiveError::Open(error) => refusal_words(error, event, &host::hypervisor(&Root::default())),
            LiveError::Fetch(what) => Msg::new("live-fetch").with("what", what.as_str()),
            LiveError::Pattern(pattern) => Msg::new("live-pattern").with("pattern", pattern.as_str()),
            LiveError::Room => Msg::new("live-room"),
            LiveError::Absent(_) | LiveError::Load(_) => Msg::new("live-load").with("error", error.to_string()),
        };
        Self::new(words).about(event)
    }

    fn about(mut self, event: &str) -> Self {
        self.words.insert(0, Msg::new("live-event").with("event", event));
        self
    }

    /// Events that cannot be opened.
    pub(super) fn recording(failure: &record::Failure) -> Self {
        let words = match failure {
            record::Failure::Open { event, error, .. } => {
                refusal_words(error, event, &host::hypervisor(&Root::default()))
            }
            record::Failure::Filter { filter, event, errno } => Msg::new("live-filter")
                .with("filter", filter.as_str())
                .with("event", event.as_str())
                .with("error", errno.to_string()),
            other => Msg::new("live-load").with("error", other.to_string()),
        };
        Self::new(words)
    }
}

/// A mistake in an expression: the text, a caret under the place, and what could have been meant.
pub(super) fn mistake(error: &ExprError) -> Msg {
    let column = 2 + perfuse_render::layout::width(error.text.get(..error.at).unwrap_or_default());
    let problem = match &error.problem {
        ExprProblem::Operand => Msg::new("live-expr-operand"),
        ExprProblem::Operator => Msg::new("live-expr-operator"),
        ExprProblem::Closing => Msg::new("live-expr-closing"),
        ExprProblem::Number => Msg::new("live-expr-number"),
        ExprProblem::Quote => Msg::new("live-expr-quote"),
        ExprProblem::Letter => Msg::new("live-expr-letter"),
        ExprProblem::UnknownName { name } => {
            let known = error.near.join(", ");
            Msg::new("live-expr-unknown").with("name", name.as_str()).with("known", known)
        }
        ExprProblem::IsText { name } => Msg::new("live-expr-text").with("name", name.as_str()),
        ExprProblem::IsNumber { name } => Msg::new("live-expr-is-number").with("name", name.as_str()),
        ExprProblem::TextAlone => Msg::new("live-expr-alone"),
        ExprProblem::TooDeep { .. } => Msg::new("live-expr-deep").with("max", MAX_DEPTH.to_string()),
    };
    Msg::new("live-expr")
        .with("place", format!("\n  {}\n{:column$}\\___ ", error.text, ""))
        .with("problem", Arg::Msg(Box::new(problem)))
}
