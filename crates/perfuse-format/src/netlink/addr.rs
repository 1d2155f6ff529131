//! `@netlink/addr`: addresses of the interfaces (rtnetlink(7), `RTM_GETADDR`).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{attribute, messages, u32_at};
use crate::parse::{FromBytes, ParseError};

/// `RTM_NEWADDR`.
pub const NEW_ADDRESS: u16 = 20;
/// `RTM_GETADDR`.
pub const GET_ADDRESS: u16 = 22;
const FIXED: usize = 8;

/// Index of the interface by address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses(pub BTreeMap<IpAddr, u32>);

impl FromBytes for Addresses {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut addresses = BTreeMap::new();
        for message in messages(bytes) {
            let message = message?;
            if message.kind == NEW_ADDRESS {
                let bad = || ParseError::new(1, "an address of an interface", message.payload);
                let (&family, index) = (message.payload.first().ok_or_else(bad)?, u32_at(message.payload, 4));
                let attributes = message.payload.get(FIXED..).ok_or_else(bad)?;
                // IFA_LOCAL is the own end of a point-to-point link, where IFA_ADDRESS is the other end.
                let value = attribute(attributes, 2).or_else(|| attribute(attributes, 1));
                let address = match (family, value) {
                    (2, Some(value)) => value.first_chunk::<4>().map(|four| IpAddr::V4(Ipv4Addr::from(*four))),
                    (10, Some(value)) => value.first_chunk::<16>().map(|bytes| IpAddr::V6(Ipv6Addr::from(*bytes))),
                    _ => None,
                };
                if let (Some(address), Some(index)) = (address, index) {
                    addresses.insert(address, index);
                }
            }
        }
        Ok(Self(addresses))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::{attribute_bytes, message};

    #[test]
    fn the_own_end_counts() {
        let mut payload = vec![2, 24, 0, 0];
        payload.extend(7_u32.to_ne_bytes());
        payload.extend(attribute_bytes(1, &[10, 0, 0, 2]));
        payload.extend(attribute_bytes(2, &[10, 0, 0, 1]));
        let found = Addresses::from_bytes(&message(NEW_ADDRESS, 2, 1, &payload)).unwrap();
        assert_eq!(found.0, [("10.0.0.1".parse().unwrap(), 7)].into());
        assert!(Addresses::from_bytes(&message(NEW_ADDRESS, 2, 1, &[])).is_err());
        assert!(Addresses::from_bytes(&message(NEW_ADDRESS, 2, 1, &[2; 8])).unwrap().0.is_empty());
    }
}
