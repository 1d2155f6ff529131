//! One place of a definition, found.

use perfuse_format::probe::{Definition, Place, Spot, Target, TraceArgument};

/// A place with what is fetched there, still without a name that nobody has.
#[derive(Debug, Clone)]
pub(super) struct Point {
    /// Where the kernel puts the probe.
    pub(super) target: Target,
    /// The function there, or what stands for one.
    pub(super) symbol: String,
    /// The group, unless the definition gives one.
    pub(super) group: String,
    /// The name that the place itself gives.
    pub(super) event: Option<String>,
    /// What is fetched.
    pub(super) arguments: Vec<TraceArgument>,
    /// Whether the probe is at a return.
    pub(super) ret: bool,
}

impl Point {
    /// The name that the event is to have, before others are looked at: that of the definition, else that of the place,
    /// else of the function.
    pub(super) fn base(&self, definition: &Definition) -> String {
        if let Some(event) = definition.event.as_ref().or(self.event.as_ref()) {
            return event.clone();
        }
        match &definition.place {
            Place::Function { name, spot, .. } if !perfuse_format::event::glob::is_pattern(name) => match spot {
                Spot::Line(line) => format!("{name}_L{line}"),
                _ => name.clone(),
            },
            _ => self.symbol.clone(),
        }
    }
}
