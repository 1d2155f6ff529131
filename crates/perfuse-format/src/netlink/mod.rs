//! Netlink messages: what the kernel answers to the collector's requests, kept as raw bytes.
//!
//! A source such as `@netlink/link` is the answers of one dump, one after the other, as the kernel sent them: each a
//! header of 16 bytes with its own length, then a fixed part and attributes, all padded to 4 bytes (netlink(7)).
//! Numbers are in the byte order of the machine, unless the name says otherwise.

pub mod addr;
pub mod link;
pub mod qdisc;
pub mod sockdiag;
pub mod unixdiag;

use crate::parse::ParseError;

/// Bytes of a message header.
pub const HEADER: usize = 16;
/// Type of a message that carries an errno.
pub const ERROR: u16 = 2;
/// Type of the message that ends a dump.
pub const DONE: u16 = 3;

/// One message without its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Type: what the fixed part is.
    pub kind: u16,
    /// Everything behind the header.
    pub payload: &'a [u8],
}

/// The messages of `bytes`. A length that does not fit is an error, and the last item.
pub fn messages(bytes: &[u8]) -> impl Iterator<Item = Result<Message<'_>, ParseError>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let length = u32_at(rest, 0).and_then(|length| usize::try_from(length).ok());
        let message = match (length, u16_at(rest, 4)) {
            (Some(length), Some(kind)) if length >= HEADER => {
                rest.get(HEADER..length).map(|payload| (length, Message { kind, payload }))
            }
            _ => None,
        };
        if let Some((length, message)) = message {
            at = at.saturating_add(length.next_multiple_of(4));
            return Some(Ok(message));
        }
        let error = ParseError::new(at + 1, "a netlink message", rest);
        at = bytes.len();
        Some(Err(error))
    })
}

/// The attributes of `bytes`: type (flags taken off) and value. Stops at the first that does not fit.
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(rest, 0)?);
        let kind = u16_at(rest, 2)? & 0x3fff;
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// The value of the attribute `kind`.
pub fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(found, _)| *found == kind).map(|(_, value)| value)
}

/// The number at `offset`.
pub fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    let field = bytes.get(offset..)?.first_chunk()?;
    Some(u16::from_ne_bytes(*field))
}

/// The number at `offset`.
pub fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let field = bytes.get(offset..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*field))
}

/// The number at `offset`.
pub fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    let field = bytes.get(offset..)?.first_chunk()?;
    Some(u64::from_ne_bytes(*field))
}

/// A name that ends at its NUL.
pub fn string(value: &[u8]) -> String {
    let end = value.iter().position(|&byte| byte == 0).unwrap_or(value.len());
    crate::parse::text(&value[..end])
}

/// Puts a message together: for requests, and for tests.
pub fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER + payload.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(HEADER + payload.len() + 3);
    bytes.extend(length.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Puts an attribute together.
pub fn attribute_bytes(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let mut bytes = Vec::with_capacity(value.len() + 7);
    bytes.extend(length.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_attributes_come_back() {
        let mut bytes = message(16, 0, 1, b"abc");
        bytes.extend(message(DONE, 0, 1, &0_u32.to_ne_bytes()));
        let all: Vec<_> = messages(&bytes).collect::<Result<_, _>>().unwrap();
        assert_eq!(all[0], Message { kind: 16, payload: b"abc" });
        assert_eq!(all[1].kind, DONE);
        let mut nested = attribute_bytes(3, b"eth0\0");
        nested.extend(attribute_bytes(4 | 0x8000, &1500_u32.to_ne_bytes()));
        assert_eq!(attribute(&nested, 3).map(string).as_deref(), Some("eth0"));
        assert_eq!(attribute(&nested, 4).and_then(|value| u32_at(value, 0)), Some(1500));
    }

    #[test]
    fn lengths_that_lie_end_the_walk() {
        for length in [0_u32, 15, 17, u32::MAX] {
            let mut bytes = length.to_ne_bytes().to_vec();
            bytes.resize(16, 0);
            assert_eq!(messages(&bytes).collect::<Vec<_>>().len(), 1, "{length}");
            assert!(messages(&bytes).next().unwrap().is_err());
        }
        assert!(messages(b"abc").next().unwrap().is_err());
        assert_eq!(attributes(&[0, 0, 1, 0, 9]).count(), 0);
        assert_eq!(attributes(&[9, 0, 1, 0, 9]).count(), 0);
    }
}
