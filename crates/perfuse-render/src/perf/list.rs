//! The layouts of `perf list`: lines, names alone, and the JSON of newer perf.

use std::fmt::Write as _;

use serde_json::json;

/// What stands in brackets behind an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// General hardware event.
    Hardware,
    /// Counted by the kernel.
    Software,
    /// Counted by perf itself.
    Tool,
    /// Cache event.
    Cache,
    /// Named by a PMU in sysfs.
    Pmu,
    /// The CPU's own codes.
    Raw,
    /// Hardware breakpoint.
    Breakpoint,
    /// Tracepoint.
    Tracepoint,
}

impl Kind {
    /// perf's words for it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Hardware => "Hardware event",
            Self::Software => "Software event",
            Self::Tool => "Tool event",
            Self::Cache => "Hardware cache event",
            Self::Pmu => "Kernel PMU event",
            Self::Raw => "Raw hardware event descriptor",
            Self::Breakpoint => "Hardware breakpoint",
            Self::Tracepoint => "Tracepoint event",
        }
    }
}

/// One event of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Name that `-e` takes.
    pub name: String,
    /// Another name; empty when there is none.
    pub alias: String,
    /// Kind.
    pub kind: Kind,
    /// The PMU that names it; empty when none does.
    pub pmu: String,
    /// The terms that the name stands for (`event=0x04`), as sysfs has them; empty when it is no name of a PMU.
    pub terms: String,
}

impl Listed {
    /// An event with a name alone.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { name: name.into(), alias: String::new(), kind, pmu: String::new(), terms: String::new() }
    }

    /// The same with another name.
    #[must_use]
    pub fn or(mut self, alias: impl Into<String>) -> Self {
        self.alias = alias.into();
        self
    }
}

/// A line for each event.
pub fn lines(events: &[Listed]) -> String {
    let mut text = String::new();
    for event in events {
        let or = if event.alias.is_empty() { "" } else { " OR " };
        let names = format!("{}{or}{}", event.name, event.alias);
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {names:<50} [{}]", event.kind.words());
    }
    text
}

/// Names with a blank after each, for the completion of shells; what is no name is left out.
pub fn raw(events: &[Listed]) -> String {
    let named = events.iter().filter(|event| !matches!(event.kind, Kind::Raw | Kind::Breakpoint));
    named.fold(String::new(), |text, event| text + &event.name + " ")
}

/// An array with an object for each event, with the keys of newer perf.
pub fn json(events: &[Listed]) -> String {
    let objects: Vec<_> = events
        .iter()
        .map(|event| {
            let mut object = json!({ "EventName": event.name, "EventType": event.kind.words() });
            for (key, value) in [("EventAlias", &event.alias), ("Unit", &event.pmu), ("Encoding", &event.terms)] {
                if !value.is_empty() {
                    object[key] = json!(value);
                }
            }
            object
        })
        .collect();
    serde_json::to_string_pretty(&objects).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_a_column_and_may_break_out_of_it() {
        let long = "x".repeat(60);
        let events = [
            Listed::new(Kind::Software, "context-switches").or("cs"),
            Listed::new(Kind::Raw, "rNNN"),
            Listed { pmu: "msr".to_owned(), terms: "event=0x00".to_owned(), ..Listed::new(Kind::Pmu, "msr/tsc/") },
            Listed::new(Kind::Tracepoint, &long),
        ];
        let expected = format!(
            "  context-switches OR cs                             [Software event]\n  rNNN                                               [Raw hardware event descriptor]\n  msr/tsc/                                           [Kernel PMU event]\n  {long} [Tracepoint event]\n"
        );
        assert_eq!(lines(&events), expected);
        assert_eq!(raw(&events), format!("context-switches msr/tsc/ {long} "));
        let parsed: serde_json::Value = serde_json::from_str(&json(&events)).unwrap();
        assert_eq!(parsed[0]["EventAlias"], "cs");
        assert_eq!(parsed[2]["Unit"], "msr");
        assert_eq!(parsed[3].as_object().map(serde_json::Map::len), Some(2));
    }
}
