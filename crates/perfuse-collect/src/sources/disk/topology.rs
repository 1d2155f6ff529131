//! `@pci/block`: how block devices hang together.

use std::path::Path;

use perfuse_format::RawSnapshot;
use perfuse_format::sys::block::BlockTopology;

use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::Collector;

/// More block devices than this are not looked at one by one.
const MOST_DISKS: usize = 4096;

/// Follows the links below `/sys/block`.
#[derive(Debug)]
pub(super) struct Topology;

impl Collector for Topology {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if !tick.slow {
            return;
        }
        match read(root) {
            Ok(topology) => out.put("@pci/block", topology.to_bytes()),
            Err(error) => out.put_errno("@pci/block", error.raw_os_error().unwrap_or(libc::EIO)),
        }
    }
}

fn read(root: &Root) -> std::io::Result<BlockTopology> {
    let mut topology = BlockTopology::default();
    let base = root.join("/sys/block");
    for entry in std::fs::read_dir(&base)?.flatten().take(MOST_DISKS) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let directory = entry.path();
        // `../devices/pci0000:00/0000:00:02.0/virtio1/block/vda`, relative to /sys/block.
        let target = std::fs::read_link(&directory).unwrap_or_default();
        let target = target.to_string_lossy();
        let path = format!("/sys/{}", target.trim_start_matches("../"));
        for partition in names(&directory).into_iter().filter(|inner| inner.starts_with(&name)) {
            if directory.join(&partition).join("partition").exists() {
                topology.partitions.insert(partition, name.clone());
            }
        }
        let slaves = names(&directory.join("slaves"));
        if !slaves.is_empty() {
            topology.slaves.insert(name.clone(), slaves);
        }
        topology.disks.insert(name, path);
    }
    Ok(topology)
}

/// Names in a directory, in order; none where it cannot be read.
fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_partitions_and_slaves_are_followed() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join("sys").join(name);
        for name in [
            "devices/pci0000:00/0000:00:02.0/virtio1/block/vda/vda1",
            "devices/virtual/block/dm-0/slaves/vda1",
            "block",
        ] {
            std::fs::create_dir_all(path(name)).unwrap();
        }
        std::fs::write(path("devices/pci0000:00/0000:00:02.0/virtio1/block/vda/vda1/partition"), "1\n").unwrap();
        let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, path(name)).unwrap();
        link("../devices/pci0000:00/0000:00:02.0/virtio1/block/vda", "block/vda");
        link("../devices/virtual/block/dm-0", "block/dm-0");
        let topology = read(&Root::at(directory.path())).unwrap();
        assert_eq!(topology.pci_of("vda"), Some("0000:00:02.0"));
        assert_eq!(topology.bottom("dm-0"), ["vda"]);
        assert!(topology.is_virtual("dm-0"));
    }

    #[test]
    fn no_sysfs_is_an_errno() {
        let directory = tempfile::tempdir().unwrap();
        let mut out = RawSnapshot::default();
        Topology.sample(&Root::at(directory.path()), Tick { first: true, slow: true }, &mut out);
        assert!(out.bytes("@pci/block").why_missing().is_some());
    }
}
