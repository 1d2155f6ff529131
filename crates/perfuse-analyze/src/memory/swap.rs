//! The disks that swap space lies on.

use std::collections::BTreeSet;

use perfuse_format::proc::diskstats::DiskStats;
use perfuse_format::proc::mountinfo::MountInfo;
use perfuse_format::proc::swaps::{Swap, Swaps};

use super::capacity::whole_disk;
use crate::run::Run;

/// The key of the traffic between memory and swap space on a disk, by which a shortage of memory explains what is seen
/// of that disk, and of no other.
pub(crate) fn key(disk: &str) -> String {
    format!("swap:{disk}")
}

/// The keys of all disks with swap space.
pub(super) fn keys(run: &Run) -> BTreeSet<String> {
    let swaps = run.last::<Swaps>("/proc/swaps").into_value().unwrap_or_default();
    let disks = run.last::<DiskStats>("/proc/diskstats").into_value().unwrap_or_default();
    swaps.0.iter().filter_map(|swap| disk_of(run, swap, &disks)).map(|disk| key(&disk)).collect()
}

fn disk_of(run: &Run, swap: &Swap, disks: &DiskStats) -> Option<String> {
    let device = if let Some(name) = swap.path.strip_prefix("/dev/") {
        disks.0.iter().find(|disk| disk.name == name)?
    } else {
        let mounts = run.last::<MountInfo>("/proc/self/mountinfo").into_value()?;
        let holds = |point: &str| {
            let rest = swap.path.strip_prefix(point);
            point == "/" || rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let mount = mounts.0.iter().filter(|mount| holds(&mount.mount_point));
        let (major, minor) = mount.max_by_key(|mount| mount.mount_point.len())?.device;
        disks.by_number(major, minor)?
    };
    Some(whole_disk(disks, device).name.clone())
}
