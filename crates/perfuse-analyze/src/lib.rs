//! Values in, results out: the USE method over the snapshots of one host.
//!
//! Nothing here reads a file, a clock or the environment. [`Run`] holds the snapshots and computes what every
//! rule needs (intervals, per-task differences, cgroup membership); [`Checklist::build`] evaluates every
//! cell and control of [`table`] and ranks the findings.
#![forbid(unsafe_code)]
// What clippy.toml keeps out of the crate is fine in its tests: they look for files, and may use the clock.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros))]

pub mod annotate;
pub mod app;
pub mod c2c;
pub mod cell;
pub mod checklist;
pub mod cost;
mod cpu;
mod disk;
pub mod flame;
pub mod folded;
pub mod hist;
pub mod kernel_log;
pub mod listening;
pub mod live;
mod memory;
pub mod message;
mod network;
pub mod offcpu;
pub mod oncpu;
pub mod pattern;
pub mod probe;
pub mod profile;
pub mod rank;
pub mod resolve;
pub mod run;
pub mod series;
pub mod session;
pub mod sixty;
pub mod stat;
pub mod status;
pub mod table;
pub mod tasks;
#[cfg(test)]
mod tests;
pub mod threshold;
pub mod why;
pub mod window;

pub use cell::{
    Advice, Cell, Entity, EntityKind, Evidence, Finding, Instance, Link, Quantity, Severity, Unit, Verdict,
};
pub use checklist::{Checklist, Output};
pub use cost::OwnCost;
pub use message::{Arg, Msg};
pub use run::{Run, Scope, Span};
pub use sixty::SixtyReport;
pub use table::{CELLS, CONTROLS, CellSpec, ControlSpec, Kind, Resource};
pub use threshold::{Threshold, Thresholds};
