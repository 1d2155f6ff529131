//! Hits of an event as they come, and what they add up to: text in columns, JSON, metrics.

mod hits;
mod json;
mod metrics;
mod table;

pub use hits::{HitLine, Hits};
pub use json::{hit, totals};
pub use metrics::metrics;
pub use table::table;

use perfuse_analyze::live::Totals;

/// What was computed of one event, with the texts that name it.
#[derive(Debug, Clone, Copy)]
pub struct Computed<'a> {
    /// The event.
    pub event: &'a str,
    /// The value that was added up; `None` where hits were only counted.
    pub value: Option<&'a str>,
    /// By what it was kept apart.
    pub by: &'a [String],
    /// Whether sums are what was asked for.
    pub sums: bool,
    /// The numbers.
    pub totals: &'a Totals,
}
