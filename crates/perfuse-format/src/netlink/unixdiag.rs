//! `@netlink/unix` and `@netlink/unix-listen`: local sockets and who they are connected with (`sock_diag(7)`,
//! `struct unix_diag_msg`).

use std::collections::BTreeMap;

use super::{attributes, messages, u32_at, u64_at};
use crate::netlink::sockdiag::{BY_FAMILY, state};
use crate::parse::{FromBytes, ParseError};

/// Bytes of `struct unix_diag_msg`.
const FIXED: usize = 16;
/// `UDIAG_SHOW_VFS`, `_PEER`, `_ICONS` and `_RQLEN`: what is asked for.
const SHOW: u32 = 0x2 | 0x4 | 0x8 | 0x10;

/// `UDIAG_SHOW_NAME` and `_RQLEN`: what is asked for of those who listen.
const SHOW_LISTENERS: u32 = 0x1 | 0x10;

/// The request for all local sockets (`struct unix_diag_req`).
pub fn request() -> [u8; 24] {
    asked(u32::MAX, SHOW)
}

/// The request for the listeners among them, with their names and queues.
pub fn request_listeners() -> [u8; 24] {
    asked(1 << state::LISTEN, SHOW_LISTENERS)
}

fn asked(states: u32, show: u32) -> [u8; 24] {
    let mut request = [0_u8; 24];
    // AF_UNIX.
    request[0] = 1;
    request[4..8].copy_from_slice(&states.to_ne_bytes());
    request[12..16].copy_from_slice(&show.to_ne_bytes());
    request
}

/// One local socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnixSocket {
    /// Inode: its name in `/proc/PID/fd`.
    pub inode: u32,
    /// As for TCP: 1 connected, 10 listening.
    pub state: u8,
    /// Kernel's own number of the socket: with two snapshots, its identity.
    pub cookie: u64,
    /// Where it is bound: a path, or `@` and a name of no file (`unix(7)`, abstract); only asked for of listeners.
    pub name: Option<String>,
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
    let (inode, cookie) = (u32_at(payload, 4)?, u64_at(payload, 8)?);
    let mut socket = UnixSocket { inode, state, cookie, ..UnixSocket::default() };
    for (kind, value) in attributes(payload.get(FIXED..)?) {
        match kind {
            0 => socket.name = name(value),
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

/// A path as the kernel has it, with the byte that ends it; or a byte 0 and any bytes. What is no text is shown as such.
fn name(value: &[u8]) -> Option<String> {
    match value {
        [] => None,
        [0, rest @ ..] => Some(format!("@{}", String::from_utf8_lossy(rest))),
        path => {
            let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
            Some(String::from_utf8_lossy(&path[..end]).into_owned())
        }
    }
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

    /// What Linux 6.18 answered to [`request_listeners`]: a stream socket at `/run/app.sock` with two of a backlog of one that
    /// wait, and a seqpacket socket with the abstract name `app`.
    const CAPTURED: &[u8] = &[
        72, 0, 0, 0, 20, 0, 2, 0, 1, 0, 0, 0, 113, 51, 0, 0, 1, 1, 10, 0, 80, 76, 42, 0, 164, 188, 0, 0, 0, 0, 0, 0,
        18, 0, 0, 0, 47, 114, 117, 110, 47, 97, 112, 112, 46, 115, 111, 99, 107, 0, 0, 0, 12, 0, 4, 0, 2, 0, 0, 0, 1,
        0, 0, 0, 5, 0, 6, 0, 0, 0, 0, 0, 60, 0, 0, 0, 20, 0, 2, 0, 1, 0, 0, 0, 113, 51, 0, 0, 1, 5, 10, 0, 83, 76, 42,
        0, 167, 188, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 97, 112, 112, 12, 0, 4, 0, 0, 0, 0, 0, 5, 0, 0, 0, 5, 0, 6, 0, 0,
        0, 0, 0,
    ];

    #[test]
    fn listeners_have_their_names_and_queues() {
        let sockets = UnixSockets::from_bytes(CAPTURED).unwrap();
        let shown: Vec<_> =
            sockets.0.values().map(|one| (one.name.as_deref(), one.receive_queue, one.send_queue)).collect();
        assert_eq!(shown, [(Some("/run/app.sock"), 2, 1), (Some("@app"), 0, 5)]);
        assert!(sockets.0.values().all(|one| one.state == state::LISTEN && one.cookie != 0));
        assert_eq!(name(b"/a\0"), Some("/a".to_owned()));
        assert_eq!(name(b"\0a\0b"), Some("@a\0b".to_owned()));
        assert_eq!(name(b""), None);
        assert_eq!(request_listeners()[4..8], 0x400_u32.to_ne_bytes());
    }
}
