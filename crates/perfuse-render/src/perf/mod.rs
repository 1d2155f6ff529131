//! Layouts that are perf's own, byte for byte.

pub mod number;
pub mod script;
