//! Tests of the daemon's parts against real files, processes and servers.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "tests start and kill processes, and tell them what to do through their environment"
)]

mod alert;
mod apps;
mod export;
mod helped;
mod incident;
mod store;
mod web;
