//! `@netlink/unix`: local sockets and who they are connected with (`sock_diag(7)`, `struct unix_diag_msg`).

use std::collections::BTreeMap;

use super::{attributes, messages, u32_at};
use crate::netlink::sockdiag::BY_FAMILY;
use crate::parse::{FromBytes, ParseError};

/// Bytes of `struct unix_diag_msg`.
const FIXED: usize = 16;
/// `UDIAG_SHOW_VFS`, `_PEER`, `_ICONS` and `_RQLEN`: what is asked for.
const SHOW: u32 = 0x2 | 0x4 | 0x8 | 0x10;

/// The request for all local sockets (`struct unix_diag_req`).
pub fn request() -> [u8; 24] {
    let mut request = [0_u8; 24];
    // AF_UNIX; in every state.
    request[0] = 1;
    request[4..8].copy_from_slice(&u32::MAX.to_ne_bytes());
    request[12..16].copy_from_slice(&SHOW.to_ne_bytes());
    request
}

/// One local socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnixSocket {
    /// Inode: its name in `/proc/PID/fd`.
    pub inode: u32,
    /// As for TCP: 1 connected, 10 listening.
    pub state: u8,
    /// Inode of the socket at the other end; 0 while that is not accepted yet.
    pub peer: Option<u32>,
    /// Of a listener: the sockets that have connected and wait to be accepted.
    pub waiting: Vec<u32>,
    /// Of a listener the connections that wait to be accepted, else bytes that wait to be read here; datagram sockets: of the
    /// first datagram.
    pub receive_queue: u32,
    /// Of a listener its backlog, else bytes that the other end has not read.
    pub send_queue: u32,
}

/// Local sockets by inode.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnixSockets(pub BTreeMap<u32, UnixSocket>);

impl UnixSockets {
    /// The socket at the other end of `inode`: the connected one, or the listener that has not accepted it yet.
    pub fn other_end(&self, inode: u32) -> Option<&UnixSocket> {
        let peer = self.0.get(&inode).and_then(|socket| socket.peer).filter(|peer| *peer != 0);
        match peer {
            Some(peer) => self.0.get(&peer),
            None => self.0.values().find(|listener| listener.waiting.contains(&inode)),
        }
    }
}

impl FromBytes for UnixSockets {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut sockets = BTreeMap::new();
        for message in messages(bytes) {
            let message = message?;
            if message.kind == BY_FAMILY {
                let found = socket(message.payload);
                let found = found.ok_or_else(|| ParseError::new(1, "a local socket", message.payload))?;
                sockets.insert(found.inode, found);
            }
        }
        Ok(Self(sockets))
    }
}

fn socket(payload: &[u8]) -> Option<UnixSocket> {
    let state = *payload.get(2)?;
    let mut socket = UnixSocket { inode: u32_at(payload, 4)?, state, ..UnixSocket::default() };
    for (kind, value) in attributes(payload.get(FIXED..)?) {
        match kind {
            2 => socket.peer = u32_at(value, 0),
            3 => socket.waiting = value.chunks_exact(4).filter_map(|inode| u32_at(inode, 0)).collect(),
            4 => {
                socket.receive_queue = u32_at(value, 0)?;
                socket.send_queue = u32_at(value, 4)?;
            }
            _ => {}
        }
    }
    Some(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::{attribute_bytes, message};

    fn one(inode: u32, state: u8, attributes: &[(u16, &[u32])]) -> Vec<u8> {
        let mut payload = vec![1, 1, state, 0];
        payload.extend(inode.to_ne_bytes());
        payload.extend([0; 8]);
        for (kind, numbers) in attributes {
            let value: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
            payload.extend(attribute_bytes(*kind, &value));
        }
        message(BY_FAMILY, 2, 1, &payload)
    }

    #[test]
    fn both_ends_and_those_who_wait_are_found() {
        let mut bytes = one(7, 1, &[(2, &[8]), (4, &[0, 72])]);
        bytes.extend(one(8, 1, &[(2, &[7]), (4, &[72, 0])]));
        bytes.extend(one(9, 1, &[(2, &[0])]));
        bytes.extend(one(5, 10, &[(3, &[4, 9]), (4, &[2, 16])]));
        let sockets = UnixSockets::from_bytes(&bytes).unwrap();
        assert_eq!(sockets.other_end(7).map(|end| (end.inode, end.receive_queue)), Some((8, 72)));
        assert_eq!(sockets.other_end(8).map(|end| end.inode), Some(7));
        assert_eq!(sockets.other_end(9).map(|end| (end.inode, end.state)), Some((5, 10)), "not accepted yet");
        assert_eq!(sockets.other_end(1), None);
        assert!(UnixSockets::from_bytes(&message(BY_FAMILY, 2, 1, &[1, 1, 1])).is_err());
        assert_eq!(request().len(), 24);
    }
}
