//! The door to the kernel: reads the bytes that the rest of perfuse works on.
//!
//! [`Sampler`] reads everything that the tables in [`sources`] name, at its cadence, into a
//! [`perfuse_format::RawSnapshot`]. Nothing here computes a rate or a verdict.

pub mod bpf;
pub mod caps;
mod cgroups;
mod files;
pub mod host;
mod kept;
pub mod local_time;
pub mod mapped;
pub mod netlink;
pub mod perf;
pub mod probe;
mod processes;
pub mod root;
pub mod sampler;
pub mod sources;
pub mod terminal;
pub mod usage;

pub use root::Root;
pub use sampler::{Sampler, Tick};
