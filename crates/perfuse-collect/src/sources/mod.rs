//! What is read, as tables: one file per group of resources. [`crate::Sampler`] does the reading.

mod cpu;
mod disk;
pub(crate) mod ends;
mod memory;
mod network;

use perfuse_format::RawSnapshot;

use crate::root::Root;
use crate::sampler::Tick;

/// How often a source is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cadence {
    /// At every snapshot.
    Every,
    /// At the first snapshot, every tenth second, and the last one.
    Slow,
    /// At the first snapshot.
    Once,
}

/// One file, or with `*` as (a part of) path components, every file that matches.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// Absolute path.
    pub path: &'static str,
    /// How often.
    pub cadence: Cadence,
}

/// One file of every cgroup.
#[derive(Debug, Clone, Copy)]
pub struct CgroupFile {
    /// `None`: in the v2 hierarchy. `Some(controller)`: in the v1 hierarchy of that controller.
    pub v1: Option<&'static str>,
    /// File name, such as `cpu.stat`.
    pub file: &'static str,
    /// How often.
    pub cadence: Cadence,
}

/// One file of every process, beside `stat`, `schedstat`, `io` and `cgroup`, which are always read.
#[derive(Debug, Clone, Copy)]
pub struct ProcessFile {
    /// File name below `/proc/PID`, such as `limits`.
    pub file: &'static str,
    /// How often; `Every` is too dear for all processes of a host.
    pub cadence: Cadence,
}

/// What is not simply a file: netlink, statvfs, directory listings.
pub trait Collector: Send {
    /// Adds what is due at this tick to the snapshot, under names that start with `@`; a refusal as its errno.
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot);
}

/// What a group of resources needs to have read.
pub struct Group {
    /// Files.
    pub files: &'static [Source],
    /// Files of each cgroup.
    pub cgroup_files: &'static [CgroupFile],
    /// Files of each process.
    pub process_files: &'static [ProcessFile],
    /// Everything else.
    pub collectors: fn() -> Vec<Box<dyn Collector>>,
}

/// All groups.
pub const GROUPS: &[Group] = &[cpu::GROUP, memory::GROUP, network::GROUP, disk::GROUP];
