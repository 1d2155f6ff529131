//! Layouts of perf's own commands, byte for byte as perf writes them, and always in English: scripts read them.

pub mod number;
pub mod script;
pub mod stat;
