//! Layouts that are perf's own, byte for byte.

pub mod attr;
pub mod header;
pub mod number;
pub mod script;
