//! The daemon: checks of what users see, state of applications, the store of both, incidents, alerts and pages.
//!
//! The only crate with asynchronous code. Rules and verdicts are those of `perfuse-analyze`; bytes of the kernel are
//! parsed in `perfuse-format`; here are the clients, the schedule and the disk.
#![forbid(unsafe_code)]
// What clippy.toml keeps out of the crate is fine in its tests.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros))]

pub mod alert;
pub mod check;
mod client;
pub mod collect;
pub mod config;
pub mod daemon;
pub mod export;
pub mod host;
pub mod incident;
pub mod journal;
pub mod now;
mod post;
pub mod problem;
mod process;
pub mod rights;
pub mod ring;
pub mod store;
mod trust;
pub mod web;
