//! What the rules of this group read.

mod fds;
mod inotify;
mod rollup;
mod statvfs;

use super::{Cadence, CgroupFile, Collector, Group, ProcessFile, Source};

pub(super) const GROUP: Group =
    Group { files: FILES, cgroup_files: CGROUP_FILES, process_files: PROCESS_FILES, collectors };

const FILES: &[Source] = &[
    Source { path: "/proc/meminfo", cadence: Cadence::Every },
    Source { path: "/proc/vmstat", cadence: Cadence::Every },
    Source { path: "/proc/pressure/memory", cadence: Cadence::Every },
    Source { path: "/proc/sys/fs/file-nr", cadence: Cadence::Every },
    Source { path: "/proc/swaps", cadence: Cadence::Slow },
    Source { path: "/proc/sys/vm/overcommit_memory", cadence: Cadence::Once },
    Source { path: "/proc/sys/fs/inotify/max_user_watches", cadence: Cadence::Once },
    Source { path: "/proc/sys/fs/inotify/max_user_instances", cadence: Cadence::Once },
    Source { path: "/sys/kernel/mm/hugepages/*/nr_hugepages", cadence: Cadence::Slow },
    Source { path: "/sys/kernel/mm/hugepages/*/free_hugepages", cadence: Cadence::Slow },
    Source { path: "/sys/kernel/mm/hugepages/*/resv_hugepages", cadence: Cadence::Slow },
    Source { path: "/sys/kernel/mm/hugepages/*/surplus_hugepages", cadence: Cadence::Slow },
    Source { path: "/sys/devices/system/edac/mc/*/ce_count", cadence: Cadence::Slow },
    Source { path: "/sys/devices/system/edac/mc/*/ue_count", cadence: Cadence::Slow },
    Source { path: "/sys/devices/system/edac/mc/*/*/dimm_ce_count", cadence: Cadence::Slow },
    Source { path: "/sys/devices/system/edac/mc/*/*/dimm_ue_count", cadence: Cadence::Slow },
    Source { path: "/sys/devices/system/edac/mc/*/*/dimm_label", cadence: Cadence::Once },
];

const V1: Option<&str> = Some("memory");

// memory.stat makes the kernel add up every CPU's part of the group: not at every snapshot.
const CGROUP_FILES: &[CgroupFile] = &[
    CgroupFile { v1: None, file: "memory.current", cadence: Cadence::Every },
    CgroupFile { v1: None, file: "memory.events", cadence: Cadence::Every },
    CgroupFile { v1: None, file: "memory.pressure", cadence: Cadence::Every },
    CgroupFile { v1: None, file: "memory.events.local", cadence: Cadence::Slow },
    CgroupFile { v1: None, file: "memory.max", cadence: Cadence::Slow },
    CgroupFile { v1: None, file: "memory.high", cadence: Cadence::Slow },
    CgroupFile { v1: None, file: "memory.stat", cadence: Cadence::Slow },
    CgroupFile { v1: None, file: "memory.swap.current", cadence: Cadence::Slow },
    CgroupFile { v1: None, file: "memory.swap.max", cadence: Cadence::Slow },
    CgroupFile { v1: V1, file: "memory.usage_in_bytes", cadence: Cadence::Every },
    CgroupFile { v1: V1, file: "memory.failcnt", cadence: Cadence::Every },
    CgroupFile { v1: V1, file: "memory.oom_control", cadence: Cadence::Slow },
    CgroupFile { v1: V1, file: "memory.limit_in_bytes", cadence: Cadence::Slow },
    CgroupFile { v1: V1, file: "memory.stat", cadence: Cadence::Slow },
];

const PROCESS_FILES: &[ProcessFile] = &[];

fn collectors() -> Vec<Box<dyn Collector>> {
    vec![
        Box::new(statvfs::StatVfs::default()),
        Box::new(fds::Fds::default()),
        Box::new(inotify::Inotify::default()),
        Box::new(rollup::Rollup::default()),
    ]
}
