//! Layouts of perf's own commands, exactly as perf writes them, always in English: scripts read them.

pub mod stat;
