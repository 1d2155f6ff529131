//! Tests with recordings that a real perf made, and with bytes put together here.

mod recordings;
mod rewriting;
