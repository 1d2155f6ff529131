//! What the rules of this group read.

use super::{Cadence, CgroupFile, Collector, Group, ProcessFile, Source};

pub(super) const GROUP: Group =
    Group { files: FILES, cgroup_files: CGROUP_FILES, process_files: PROCESS_FILES, collectors };

const FILES: &[Source] = &[Source { path: "/proc/net/dev", cadence: Cadence::Every }];

const CGROUP_FILES: &[CgroupFile] = &[];

const PROCESS_FILES: &[ProcessFile] = &[];

fn collectors() -> Vec<Box<dyn Collector>> {
    Vec::new()
}
