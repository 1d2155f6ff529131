//! Layouts that are perf's own, byte for byte.

pub mod number;
pub mod report;
mod report_cell;
mod report_chain;
pub mod script;
