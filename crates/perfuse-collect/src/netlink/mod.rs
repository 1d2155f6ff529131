//! The netlink core: one socket a protocol, one request, all its answers as bytes.

use std::os::fd::OwnedFd;
use std::time::Duration;

use perfuse_format::netlink::{DONE, ERROR, HEADER, message, messages, u32_at};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};

/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x1 | 0x300;
/// Room for one answer of a dump; the kernel fills at most 32 KiB.
const BUFFER: usize = 64 * 1024;
/// The most that is kept of one dump: a table that is larger is cut behind a whole message.
const MOST: usize = 16 * 1024 * 1024;

/// A protocol of netlink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Interfaces, queueing disciplines.
    Route,
    /// Sockets.
    SockDiag,
    /// Families by name: taskstats, ethtool.
    Generic,
}

/// A netlink socket that is opened when it is first needed, and again after an error.
#[derive(Debug)]
pub struct Netlink {
    protocol: Protocol,
    socket: Option<OwnedFd>,
    sequence: u32,
}

impl Netlink {
    /// A socket of `protocol`.
    pub fn new(protocol: Protocol) -> Self {
        Self { protocol, socket: None, sequence: 0 }
    }

    /// Asks for a dump and adds the answers to `out` as they came. After an error `out` may hold a part of them.
    pub fn dump(&mut self, kind: u16, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Errno> {
        let result = self.exchange(kind, payload, out);
        if result.is_err() {
            // What is left in the socket belongs to a question that nobody waits for any more.
            self.socket = None;
        }
        result
    }

    fn exchange(&mut self, kind: u16, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Errno> {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        let socket = match &self.socket {
            Some(socket) => socket,
            None => self.socket.insert(open(self.protocol)?),
        };
        // A socket that was never bound is bound by the kernel, and one without an address talks to the kernel.
        send(socket, &message(kind, DUMP, sequence, payload), SendFlags::empty())?;
        let mut buffer = vec![0_u8; BUFFER];
        loop {
            let (length, _) = recv(socket, buffer.as_mut_slice(), RecvFlags::empty())?;
            let answer = buffer.get(..length).ok_or(Errno::MSGSIZE)?;
            if answer.is_empty() {
                return Err(Errno::PIPE);
            }
            if is_end(answer, sequence, out)? {
                return Ok(());
            }
        }
    }
}

/// Adds the messages of one answer to `out`; whether it was the last one.
fn is_end(answer: &[u8], sequence: u32, out: &mut Vec<u8>) -> Result<bool, Errno> {
    let mut at = 0;
    for message in messages(answer) {
        let message = message.map_err(|_| Errno::BADMSG)?;
        let start = at;
        at = (start + HEADER + message.payload.len()).next_multiple_of(4);
        let whole = answer.get(start..at.min(answer.len())).unwrap_or_default();
        if u32_at(whole, 8) != Some(sequence) {
            continue;
        }
        match message.kind {
            // Both carry a negative errno, or 0.
            DONE | ERROR => {
                let code = u32_at(message.payload, 0).unwrap_or(0).cast_signed();
                return if code < 0 { Err(refusal(code)) } else { Ok(true) };
            }
            _ if out.len() + whole.len() <= MOST => out.extend_from_slice(whole),
            _ => {}
        }
    }
    Ok(false)
}

/// The error of a negative code; what is no errno of Linux at all is an I/O error.
fn refusal(code: i32) -> Errno {
    match code.saturating_neg() {
        errno @ 1..=4095 => Errno::from_raw_os_error(errno),
        _ => Errno::IO,
    }
}

fn open(protocol: Protocol) -> Result<OwnedFd, Errno> {
    // NETLINK_ROUTE is number 0, which is what no number means.
    let protocol = match protocol {
        Protocol::Route => None,
        Protocol::SockDiag => Some(netlink::SOCK_DIAG),
        Protocol::Generic => Some(netlink::GENERIC),
    };
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
    // The kernel answers within the call; the timeout only keeps a broken emulation from hanging the run.
    set_socket_timeout(&socket, Timeout::Recv, Some(Duration::from_secs(1)))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfuse_format::FromBytes;
    use perfuse_format::netlink::link::{GET_LINK, Links};

    #[test]
    fn errors_and_ends_are_told_apart() {
        let mut out = Vec::new();
        let data = message(16, 2, 5, b"abcd");
        assert_eq!(is_end(&data, 5, &mut out), Ok(false));
        assert_eq!(out, data);
        assert_eq!(is_end(&message(DONE, 2, 5, &[0; 4]), 5, &mut out), Ok(true));
        assert_eq!(is_end(&message(ERROR, 0, 5, &(-1_i32).to_ne_bytes()), 5, &mut out), Err(Errno::PERM));
        assert_eq!(
            is_end(&message(ERROR, 0, 4, &(-1_i32).to_ne_bytes()), 5, &mut out),
            Ok(false),
            "of another question"
        );
        assert_eq!(is_end(&message(ERROR, 0, 5, &i32::MIN.to_ne_bytes()), 5, &mut out), Err(Errno::IO));
        assert_eq!(is_end(&[1, 2, 3], 5, &mut out), Err(Errno::BADMSG));
    }

    #[test]
    fn the_loopback_is_among_the_interfaces() {
        let mut netlink = Netlink::new(Protocol::Route);
        let mut bytes = Vec::new();
        if netlink.dump(GET_LINK, &[0; 16], &mut bytes).is_err() {
            perfuse_testkit::skip!("netlink is refused here");
        }
        let links = Links::from_bytes(&bytes).unwrap();
        assert!(links.0.iter().any(perfuse_format::netlink::link::Link::is_loopback));
    }
}
