//! What the rules of this group read.

mod kmsg;
mod parked;

use super::{Cadence, CgroupFile, Collector, Group, ProcessFile, Source};

pub(super) const GROUP: Group =
    Group { files: FILES, cgroup_files: CGROUP_FILES, process_files: PROCESS_FILES, collectors };

const FILES: &[Source] = &[
    Source { path: "/proc/stat", cadence: Cadence::Every },
    Source { path: "/proc/loadavg", cadence: Cadence::Every },
    Source { path: "/proc/pressure/cpu", cadence: Cadence::Every },
    // A megabyte of text on the largest hosts, and only its growth over the run counts.
    Source { path: "/proc/interrupts", cadence: Cadence::Slow },
    Source { path: "/proc/softirqs", cadence: Cadence::Slow },
    Source { path: "/proc/sys/kernel/threads-max", cadence: Cadence::Slow },
    Source { path: "/proc/sys/kernel/pid_max", cadence: Cadence::Slow },
    Source { path: "/sys/devices/system/cpu/online", cadence: Cadence::Slow },
    Source { path: "/sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count", cadence: Cadence::Slow },
    Source { path: "/sys/devices/system/cpu/cpu*/thermal_throttle/package_throttle_count", cadence: Cadence::Slow },
    Source {
        path: "/sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_total_time_ms",
        cadence: Cadence::Slow,
    },
    Source { path: "/sys/devices/system/machinecheck/machinecheck*/check_interval", cadence: Cadence::Slow },
];

const CGROUP_FILES: &[CgroupFile] = &[
    CgroupFile { v1: None, file: "cpu.stat", cadence: Cadence::Every },
    CgroupFile { v1: None, file: "cpu.pressure", cadence: Cadence::Every },
    CgroupFile { v1: None, file: "cpu.max", cadence: Cadence::Slow },
    CgroupFile { v1: None, file: "cpuset.cpus.effective", cadence: Cadence::Slow },
    CgroupFile { v1: None, file: "cgroup.events", cadence: Cadence::Slow },
    CgroupFile { v1: None, file: "pids.current", cadence: Cadence::Slow },
    CgroupFile { v1: None, file: "pids.max", cadence: Cadence::Slow },
    CgroupFile { v1: None, file: "pids.events", cadence: Cadence::Slow },
    CgroupFile { v1: Some("cpu"), file: "cpu.stat", cadence: Cadence::Every },
    CgroupFile { v1: Some("cpu"), file: "cpu.cfs_quota_us", cadence: Cadence::Slow },
    CgroupFile { v1: Some("cpu"), file: "cpu.cfs_period_us", cadence: Cadence::Slow },
    CgroupFile { v1: Some("cpu"), file: "cpu.rt_runtime_us", cadence: Cadence::Slow },
    CgroupFile { v1: Some("cpu"), file: "cpu.rt_period_us", cadence: Cadence::Slow },
    CgroupFile { v1: Some("cpuacct"), file: "cpuacct.usage", cadence: Cadence::Every },
    CgroupFile { v1: Some("cpuset"), file: "cpuset.effective_cpus", cadence: Cadence::Slow },
    CgroupFile { v1: Some("pids"), file: "pids.current", cadence: Cadence::Slow },
    CgroupFile { v1: Some("pids"), file: "pids.max", cadence: Cadence::Slow },
    CgroupFile { v1: Some("pids"), file: "pids.events", cadence: Cadence::Slow },
    CgroupFile { v1: Some("freezer"), file: "freezer.state", cadence: Cadence::Slow },
];

const PROCESS_FILES: &[ProcessFile] = &[
    // Affinity, user id and number of threads.
    ProcessFile { file: "status", cadence: Cadence::Slow },
    ProcessFile { file: "limits", cadence: Cadence::Slow },
];

fn collectors() -> Vec<Box<dyn Collector>> {
    vec![Box::<kmsg::KernelLog>::default(), Box::<parked::Parked>::default()]
}
