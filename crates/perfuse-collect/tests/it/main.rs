//! Live tests of what is measured inside the kernel: each number against a second source.
//!
//! Where both sides count the same events, the second source is read twice around each reading of the first, so that
//! the true difference lies between an inner and an outer one, however slow the host is:
//!
//! ```text
//! outer: first     inner: first               inner: last     outer: last       second source
//!        |  snapshot  |        workload            |  snapshot  |
//! ```
#![expect(clippy::disallowed_methods, reason = "tests start the programs whose work is measured")]

mod block;
mod interfaces;
mod locks;
mod memory;
mod network;
mod sched;
mod support;
mod syscalls;
mod tasks;
mod waits;
