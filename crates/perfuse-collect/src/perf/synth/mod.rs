//! What was there before a recording began, as the records that the kernel would have written: threads, their names, their
//! executable mappings, the kernel's own code.
//!
//! This is most of what a short recording costs, so that it is done with few system calls and no allocation for each
//! process: one read of its status, one query for each executable mapping, and the list of its threads only if it has
//! more than one.

mod bpf;
mod cgroups;
mod emit;
mod kernel;
mod maps;
mod status;
mod tasks;

pub use bpf::programs;
pub use cgroups::groups;
pub use emit::Emitter;
pub use kernel::{Kernel, Module};
pub use tasks::{Tasks, What};
