//! What the collector writes about interfaces and sockets that no single file of the kernel says.

use std::collections::BTreeMap;

use crate::parse::{FromBytes, ParseError, fields, lines, text, unsigned};

/// `@net/devices`: where each interface is attached: `name<TAB>driver<TAB>path of its device below /sys/devices`, both
/// empty for a virtual interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetDevices(pub BTreeMap<String, NetDevice>);

/// The device behind an interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetDevice {
    /// Driver, such as `ixgbe` or `virtio_net`; empty if none is known.
    pub driver: String,
    /// Path below `/sys/devices`, such as `pci0000:00/0000:00:03.0/virtio2`; empty for a virtual interface.
    pub path: String,
}

impl NetDevice {
    /// Whether it is software only.
    pub fn is_virtual(&self) -> bool {
        self.path.is_empty()
    }

    /// The PCI address of the device itself: the last component of its path that is one.
    pub fn pci_address(&self) -> Option<&str> {
        self.path.rsplit('/').find(|part| is_pci_address(part))
    }

    /// The controller: the PCI device without its function, `0000:03:00`; several ports of one card share it. Else
    /// the bus that the path starts with.
    pub fn controller(&self) -> Option<String> {
        if self.is_virtual() {
            return None;
        }
        let pci = self.pci_address().and_then(|address| address.rsplit_once('.')).map(|(device, _)| device);
        pci.or_else(|| self.path.split('/').next()).map(str::to_owned)
    }
}

/// `0000:03:00.1`.
fn is_pci_address(part: &str) -> bool {
    let mut fields = part.split([':', '.']);
    let widths = [4, 2, 2, 1];
    part.matches(':').count() == 2
        && widths.iter().all(|width| {
            fields
                .next()
                .is_some_and(|field| field.len() >= *width && field.bytes().all(|byte| byte.is_ascii_hexdigit()))
        })
        && fields.next().is_none()
}

impl NetDevices {
    /// The lines that [`FromBytes`] reads back.
    pub fn to_bytes(&self) -> Vec<u8> {
        let flat = |value: &str| value.replace(['\t', '\n'], " ");
        let line = |(name, device): (&String, &NetDevice)| {
            format!("{}\t{}\t{}\n", flat(name), flat(&device.driver), flat(&device.path))
        };
        let lines: Vec<String> = self.0.iter().map(line).collect();
        lines.concat().into_bytes()
    }
}

impl FromBytes for NetDevices {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut devices = BTreeMap::new();
        for (number, line) in lines(bytes).filter(|(_, line)| !line.is_empty()) {
            let mut parts = line.splitn(3, |&byte| byte == b'\t');
            let (Some(name), Some(driver), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
                return Err(ParseError::new(number, "name, driver and path between tabs", line));
            };
            devices.insert(text(name), NetDevice { driver: text(driver), path: text(path) });
        }
        Ok(Self(devices))
    }
}

/// `@net/owners`: `inode pid` lines: which process has a socket open. Of several that share it, the one with the
/// lowest number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SocketOwners(pub BTreeMap<u64, u32>);

impl SocketOwners {
    /// The lines that [`FromBytes`] reads back.
    pub fn to_bytes(&self) -> Vec<u8> {
        let lines: Vec<String> = self.0.iter().map(|(inode, pid)| format!("{inode} {pid}\n")).collect();
        lines.concat().into_bytes()
    }
}

impl FromBytes for SocketOwners {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut owners = BTreeMap::new();
        for (number, line) in lines(bytes).filter(|(_, line)| !line.is_empty()) {
            let mut parts = fields(line).map(unsigned);
            let (Some(Some(inode)), Some(Some(pid))) = (parts.next(), parts.next()) else {
                return Err(ParseError::new(number, "an inode and a process", line));
            };
            owners.insert(inode, u32::try_from(pid).map_err(|_| ParseError::new(number, "a process", line))?);
        }
        Ok(Self(owners))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_one_card_share_a_controller() {
        let device = |path: &str| NetDevice { driver: "ixgbe".into(), path: path.into() };
        assert_eq!(device("pci0000:00/0000:00:1c.0/0000:03:00.1").controller().as_deref(), Some("0000:03:00"));
        assert_eq!(device("pci0000:00/0000:00:03.0/virtio2").controller().as_deref(), Some("0000:00:03"));
        assert_eq!(device("platform/soc/fd580000.ethernet").controller().as_deref(), Some("platform"));
        assert_eq!(device("").controller(), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut devices = NetDevices::default();
        devices.0.insert("eth0".into(), NetDevice { driver: "virtio_net".into(), path: "a/b".into() });
        devices.0.insert("lo".into(), NetDevice::default());
        assert_eq!(NetDevices::from_bytes(&devices.to_bytes()), Ok(devices));
        let owners = SocketOwners([(7, 1), (9, 2)].into());
        assert_eq!(SocketOwners::from_bytes(&owners.to_bytes()), Ok(owners));
        assert!(SocketOwners::from_bytes(b"7\n").is_err());
        assert!(SocketOwners::from_bytes(b"7 99999999999\n").is_err());
        assert!(NetDevices::from_bytes(b"lo\n").is_err());
    }
}
