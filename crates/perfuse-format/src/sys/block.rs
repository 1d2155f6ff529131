//! `@pci/block`: how block devices hang together, as lines that the collector writes from the links below `/sys/block`.
//!
//! ```text
//! disk vda /sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda
//! partition vda1 vda
//! slave dm-0 vda2
//! ```
//! Names have no blanks; a `/` inside a name is `!`, as in sysfs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::parse::{FromBytes, ParseError, fields, lines, text};

/// The block devices of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockTopology {
    /// Whole devices by name, with the directory in sysfs that `/sys/block/NAME` points to.
    pub disks: BTreeMap<String, String>,
    /// Partitions by name, with their disk.
    pub partitions: BTreeMap<String, String>,
    /// Devices that are made of others (device mapper, md), with the ones below.
    pub slaves: BTreeMap<String, Vec<String>>,
}

impl BlockTopology {
    /// The whole disk of a disk or partition.
    pub fn disk_of<'a>(&'a self, name: &'a str) -> &'a str {
        self.partitions.get(name).map_or(name, String::as_str)
    }

    /// The PCI function that a disk hangs on, such as `0000:00:02.0`: the last one on its way in sysfs. Nothing for a
    /// virtual device or one of another bus.
    pub fn pci_of(&self, disk: &str) -> Option<&str> {
        self.disks.get(disk)?.split('/').rev().find(|part| is_pci_address(part))
    }

    /// Whether the device has no hardware of its own: loop, ram, zram, device mapper, md.
    pub fn is_virtual(&self, disk: &str) -> bool {
        self.disks.get(disk).is_some_and(|path| path.contains("/devices/virtual/"))
    }

    /// The whole disks at the bottom of `name`, itself if nothing is below it. Deep stacks are followed for eight levels.
    pub fn bottom<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        let mut level = vec![self.disk_of(name)];
        for _ in 0..8 {
            let below = |disk: &&'a str| -> Vec<&'a str> {
                match self.slaves.get(*disk) {
                    Some(slaves) if !slaves.is_empty() => slaves.iter().map(|slave| self.disk_of(slave)).collect(),
                    _ => vec![*disk],
                }
            };
            let mut next: Vec<&str> = level.iter().flat_map(below).collect();
            next.sort_unstable();
            next.dedup();
            if next == level {
                break;
            }
            level = next;
        }
        level
    }

    /// The lines that [`FromBytes`] reads back; names and paths with blanks are left out, sysfs has none.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = String::new();
        let mut line = |word: &str, first: &str, second: &str| {
            if [first, second].iter().all(|part| !part.is_empty() && !part.contains(char::is_whitespace)) {
                // Writing to a string cannot fail.
                let _ = writeln!(out, "{word} {first} {second}");
            }
        };
        self.disks.iter().for_each(|(name, path)| line("disk", name, path));
        self.partitions.iter().for_each(|(name, disk)| line("partition", name, disk));
        self.slaves.iter().for_each(|(name, below)| below.iter().for_each(|slave| line("slave", name, slave)));
        out.into_bytes()
    }
}

/// `0000:00:02.0`: domain, bus, device and function in hexadecimal.
pub fn is_pci_address(part: &str) -> bool {
    let hex = |text: &str, length: std::ops::RangeInclusive<usize>| {
        length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let mut parts = part.split(':');
    let (Some(domain), Some(bus), Some(rest), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let device = rest.split_once('.');
    let device = device.is_some_and(|(device, function)| hex(device, 2..=2) && hex(function, 1..=1));
    hex(domain, 4..=8) && hex(bus, 2..=2) && device
}

impl FromBytes for BlockTopology {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut topology = Self::default();
        for (number, line) in lines(bytes) {
            let parts: Vec<&[u8]> = fields(line).collect();
            match parts.as_slice() {
                [] => {}
                [b"disk", name, path] => {
                    topology.disks.insert(text(name), text(path));
                }
                [b"partition", name, disk] => {
                    topology.partitions.insert(text(name), text(disk));
                }
                [b"slave", name, slave] => topology.slaves.entry(text(name)).or_default().push(text(slave)),
                _ => return Err(ParseError::new(number, "`disk`, `partition` or `slave` and two names", line)),
            }
        }
        Ok(topology)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"disk dm-0 /sys/devices/virtual/block/dm-0\ndisk nvme0n1 /sys/devices/pci0000:00/0000:00:1d.0/0000:02:00.0/nvme/nvme0/nvme0n1\ndisk vda /sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda\npartition vda2 vda\nslave dm-0 nvme0n1\nslave dm-0 vda2\n";

    #[test]
    fn parents_are_found() {
        let topology = BlockTopology::from_bytes(TEXT).unwrap();
        assert_eq!(topology.pci_of("vda"), Some("0000:00:02.0"));
        assert_eq!(topology.pci_of("nvme0n1"), Some("0000:02:00.0"));
        assert_eq!(topology.pci_of("dm-0"), None);
        assert!(topology.is_virtual("dm-0") && !topology.is_virtual("vda"));
        assert_eq!(topology.bottom("dm-0"), ["nvme0n1", "vda"]);
        assert_eq!(topology.bottom("vda2"), ["vda"]);
        assert_eq!(topology.to_bytes(), TEXT);
    }

    #[test]
    fn a_ring_of_devices_ends() {
        let topology = BlockTopology::from_bytes(b"slave a b\nslave b a\n").unwrap();
        assert_eq!(topology.bottom("a").len(), 1);
        assert!(BlockTopology::from_bytes(b"disk a\n").is_err());
        assert!(BlockTopology::from_bytes(b"").unwrap().disks.is_empty());
    }

    #[test]
    fn addresses_are_told_from_other_names() {
        for address in ["0000:00:02.0", "10000:e1:00.0", "0000:ff:1f.7"] {
            assert!(is_pci_address(address), "{address}");
        }
        for other in ["pci0000:00", "virtio1", "0:0:0:0", "0000:00:02", "zzzz:00:02.0", "", "000000002.0"] {
            assert!(!is_pci_address(other), "{other}");
        }
    }
}
