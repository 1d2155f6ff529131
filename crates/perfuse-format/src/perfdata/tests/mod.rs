//! Tests with recordings that a real perf made, and with bytes put together here.

mod damage;
mod order;
pub(crate) mod recordings;
mod records;
mod rewriting;
mod samples;
mod synthetic;
