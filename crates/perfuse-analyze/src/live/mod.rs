//! Hits of an event as they come: how many are shown, and what they add up to.

mod limit;
mod totals;

pub use limit::Limit;
pub use totals::{Order, Total, Totals};
