//! What is to be said, without the words: an id and its arguments. The words stand in the renderer's tables,
//! in every language that it speaks.

use perfuse_format::{Missing, Why};

use crate::cell::Quantity;

/// A message: the id of an entry in the language tables and the values of its placeables.
#[derive(Debug, Clone, PartialEq)]
pub struct Msg {
    /// Id of the entry, such as `finding-cpu-quota-throttled-summary`.
    pub id: String,
    /// Values by the names that the entry uses.
    pub args: Vec<(&'static str, Arg)>,
}

/// A value inside a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Arg {
    /// Text that is the same in every language: names, paths, commands.
    Text(String),
    /// A number with a unit, written for people by the renderer.
    Quantity(Quantity),
    /// A plain count; the language's plural rules apply to it.
    Count(u64),
    /// A message inside the message.
    Msg(Box<Msg>),
}

impl Msg {
    /// A message without arguments.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), args: Vec::new() }
    }

    /// Adds an argument.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Arg>) -> Self {
        self.args.push((name, value.into()));
        self
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Arg {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<u64> for Arg {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Quantity> for Arg {
    fn from(quantity: Quantity) -> Self {
        Self::Quantity(quantity)
    }
}

impl From<Msg> for Arg {
    fn from(message: Msg) -> Self {
        Self::Msg(Box::new(message))
    }
}

/// The words for a missing value: `missing-<why>` with `source` and `detail`.
pub fn missing(missing: &Missing) -> Msg {
    let id = match missing.why {
        Why::NoPermission => "missing-no-permission",
        Why::Unsupported => "missing-unsupported",
        Why::Absent => "missing-absent",
        Why::Malformed => "missing-malformed",
        Why::TooEarly => "missing-too-early",
        Why::Gone => "missing-gone",
        Why::Disabled => "missing-disabled",
        Why::NotSampled => "missing-not-sampled",
        Why::Reset => "missing-reset",
        Why::Other => "missing-other",
    };
    Msg::new(id).with("source", missing.source.as_ref()).with("detail", missing.detail.as_str())
}
