//! `@netlink/link`: interfaces with their statistics (rtnetlink(7), `RTM_GETLINK`).

use super::{attribute, attributes, messages, string, u16_at, u32_at, u64_at};
use crate::parse::{FromBytes, ParseError};
use crate::proc::net::LinkCounters;

/// `RTM_NEWLINK`.
pub const NEW_LINK: u16 = 16;
/// `RTM_GETLINK`.
pub const GET_LINK: u16 = 18;
const FIXED: usize = 16;

/// One interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// Number in its namespace.
    pub index: u32,
    /// Name.
    pub name: String,
    /// `ARPHRD_*`: 1 is Ethernet, 772 loopback.
    pub hardware: u16,
    /// `IFF_*`: bit 0 is up, bit 3 loopback, bit 16 lower layer up.
    pub flags: u32,
    /// Kind of a virtual interface (`veth`, `bridge`, `bond`, `vlan`, `ifb`); empty for a device.
    pub kind: String,
    /// Largest payload of a packet, in bytes.
    pub mtu: u32,
    /// Name of its root queueing discipline.
    pub qdisc: String,
    /// RFC 2863 state: 2 down, 3 lower layer down, 6 up, 0 unknown.
    pub operstate: u8,
    /// Index of the bridge or bond that it belongs to.
    pub master: Option<u32>,
    /// Times the carrier changed since it was made; Linux 3.15.
    pub carrier_changes: Option<u32>,
    /// Its counters.
    pub counters: LinkCounters,
}

impl Link {
    /// Whether it is the loopback.
    pub fn is_loopback(&self) -> bool {
        self.flags & 8 != 0
    }

    /// Whether it was switched on.
    pub fn is_up(&self) -> bool {
        self.flags & 1 != 0
    }
}

/// All interfaces of the namespace, in the kernel's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links(pub Vec<Link>);

impl FromBytes for Links {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut links = Vec::new();
        for message in messages(bytes) {
            let message = message?;
            if message.kind == NEW_LINK {
                let found = link(message.payload);
                links.push(found.ok_or_else(|| ParseError::new(1, "an interface", message.payload))?);
            }
        }
        Ok(Self(links))
    }
}

fn link(payload: &[u8]) -> Option<Link> {
    let mut link = Link {
        hardware: u16_at(payload, 2)?,
        index: u32_at(payload, 4)?,
        flags: u32_at(payload, 8)?,
        ..Link::default()
    };
    let mut has_64 = false;
    for (kind, value) in attributes(payload.get(FIXED..)?) {
        match kind {
            3 => link.name = string(value),
            4 => link.mtu = u32_at(value, 0)?,
            6 => link.qdisc = string(value),
            7 if !has_64 => link.counters = counters(|index| u32_at(value, index * 4).map(u64::from))?,
            10 => link.master = u32_at(value, 0),
            16 => link.operstate = *value.first()?,
            18 => link.kind = attribute(value, 1).map(string).unwrap_or_default(),
            23 => {
                link.counters = counters(|index| u64_at(value, index * 8))?;
                has_64 = true;
            }
            35 => link.carrier_changes = u32_at(value, 0),
            _ => {}
        }
    }
    (!link.name.is_empty()).then_some(link)
}

/// `struct rtnl_link_stats` and `rtnl_link_stats64` have the same order.
fn counters(at: impl Fn(usize) -> Option<u64>) -> Option<LinkCounters> {
    Some(LinkCounters {
        rx_packets: at(0)?,
        tx_packets: at(1)?,
        rx_bytes: at(2)?,
        tx_bytes: at(3)?,
        rx_errors: at(4)?,
        tx_errors: at(5)?,
        rx_dropped: at(6)?,
        tx_dropped: at(7)?,
        collisions: at(9)?,
        rx_crc: at(12)?,
        rx_frame: at(13)?,
        rx_fifo: at(14)?,
        rx_missed: at(15)?,
        tx_carrier: at(17)?,
        tx_fifo: at(18)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::{DONE, attribute_bytes, message};

    fn fixed(index: u32, flags: u32) -> Vec<u8> {
        let mut bytes = vec![0, 0];
        bytes.extend(1_u16.to_ne_bytes());
        bytes.extend(index.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(0_u32.to_ne_bytes());
        bytes
    }

    #[test]
    fn wide_counters_win_over_narrow_ones_in_any_order() {
        let wide: Vec<u8> = (0..24_u64).flat_map(|n| (n + (1 << 40)).to_ne_bytes()).collect();
        let narrow: Vec<u8> = (0..24_u32).flat_map(u32::to_ne_bytes).collect();
        for order in [[(23, &wide), (7, &narrow)], [(7, &narrow), (23, &wide)]] {
            let mut payload = fixed(2, 1);
            payload.extend(attribute_bytes(3, b"ve th0\0"));
            for (kind, value) in order {
                payload.extend(attribute_bytes(kind, value));
            }
            payload.extend(attribute_bytes(18, &attribute_bytes(1, b"veth")));
            payload.extend(attribute_bytes(35, &7_u32.to_ne_bytes()));
            let mut bytes = message(NEW_LINK, 2, 1, &payload);
            bytes.extend(message(DONE, 2, 1, &0_u32.to_ne_bytes()));
            let link = Links::from_bytes(&bytes).unwrap().0.remove(0);
            assert_eq!((link.name.as_str(), link.kind.as_str(), link.index), ("ve th0", "veth", 2));
            assert_eq!((link.counters.tx_packets, link.counters.rx_dropped), ((1 << 40) + 1, (1 << 40) + 6));
            assert_eq!((link.carrier_changes, link.is_up(), link.is_loopback()), (Some(7), true, false));
        }
    }

    #[test]
    fn torn_interfaces_are_refused() {
        assert!(Links::from_bytes(b"").unwrap().0.is_empty());
        assert!(Links::from_bytes(&message(NEW_LINK, 0, 1, &[0; 8])).is_err());
        let mut payload = fixed(2, 1);
        payload.extend(attribute_bytes(3, b"a\0"));
        payload.extend(attribute_bytes(23, &[0; 20]));
        assert!(Links::from_bytes(&message(NEW_LINK, 0, 1, &payload)).is_err());
    }
}
