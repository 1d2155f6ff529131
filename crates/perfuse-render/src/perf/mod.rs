//! Layouts of perf's own commands, byte for byte as perf writes them, and always in English: scripts read them.

pub mod annotate;
pub mod attr;
pub mod c2c;
pub mod diff;
pub mod header;
mod header_bpf;
pub mod json;
pub mod list;
pub mod number;
pub mod report;
mod report_cell;
mod report_chain;
mod report_hierarchy;
pub mod report_stats;
pub mod report_tasks;
pub mod report_threads;
pub mod report_tui;
pub mod script;
pub mod stat;
pub mod top;
