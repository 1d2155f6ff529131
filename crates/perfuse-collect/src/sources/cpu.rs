//! What the rules of this group read.

mod kmsg;

use super::{Cadence, CgroupFile, Collector, Group, ProcessFile, Source};

pub(super) const GROUP: Group =
    Group { files: FILES, cgroup_files: CGROUP_FILES, process_files: PROCESS_FILES, collectors };

const FILES: &[Source] = &[
    Source { path: "/proc/stat", cadence: Cadence::Every },
    Source { path: "/proc/loadavg", cadence: Cadence::Every },
    Source { path: "/proc/pressure/cpu", cadence: Cadence::Every },
];

const CGROUP_FILES: &[CgroupFile] = &[
    CgroupFile { v1: None, file: "cpu.stat", cadence: Cadence::Every },
    CgroupFile { v1: None, file: "cpu.pressure", cadence: Cadence::Every },
];

const PROCESS_FILES: &[ProcessFile] = &[];

fn collectors() -> Vec<Box<dyn Collector>> {
    vec![Box::<kmsg::KernelLog>::default()]
}
