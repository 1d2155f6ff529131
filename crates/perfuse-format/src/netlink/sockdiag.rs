//! `@netlink/listen` and `@netlink/tcp`: TCP sockets (`sock_diag(7)`, `struct inet_diag_msg`, `struct tcp_info`);
//! `@netlink/udp`: unconnected UDP sockets, in the same shape.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{attributes, messages, u32_at, u64_at};
use crate::parse::{FromBytes, ParseError};

/// `SOCK_DIAG_BY_FAMILY`: type of the request and of its answers.
pub const BY_FAMILY: u16 = 20;
/// Bytes of `struct inet_diag_msg`.
const FIXED: usize = 72;

/// States of TCP as the kernel numbers them (`include/net/tcp_states.h`).
pub mod state {
    /// Connected.
    pub const ESTABLISHED: u8 = 1;
    /// A connection request was sent.
    pub const SYN_SENT: u8 = 2;
    /// Closed by us last; waits so that old packets die.
    pub const TIME_WAIT: u8 = 6;
    /// Of UDP: bound, and connected to nobody (`TCP_CLOSE`).
    pub const UNCONNECTED: u8 = 7;
    /// The peer closed, the process has not yet.
    pub const CLOSE_WAIT: u8 = 8;
    /// Accepts connections.
    pub const LISTEN: u8 = 10;
}

/// What TCP knows of one connection. Times of the kernel's microseconds are in nanoseconds here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// Smoothed round trip.
    pub rtt_ns: u64,
    /// Retransmission timeout now.
    pub rto_ns: u64,
    /// Segments sent and not acknowledged.
    pub unacked: u32,
    /// Congestion window, in segments.
    pub congestion_window: u32,
    /// Segments sent again since the connection was made.
    pub retransmitted: u64,
    /// Bytes that were never sent yet: what waits behind the congestion window; Linux 4.6.
    pub unsent_bytes: Option<u32>,
    /// Bytes that the peer acknowledged; Linux 4.1.
    pub bytes_acked: Option<u64>,
    /// Bytes received; Linux 4.1.
    pub bytes_received: Option<u64>,
    /// Time with data to send; Linux 4.10.
    pub busy_ns: Option<u64>,
    /// Part of `busy` in which the peer's receive window held it back; Linux 4.10.
    pub window_limited_ns: Option<u64>,
    /// Part of `busy` in which its own send buffer held it back; Linux 4.10.
    pub buffer_limited_ns: Option<u64>,
}

/// One TCP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpSocket {
    /// See [`state`].
    pub state: u8,
    /// Which timer runs: 1 retransmission, 2 keepalive or closing, 3 time-wait, 4 the probe of a closed window.
    pub timer: u8,
    /// Local end.
    pub local: SocketAddr,
    /// Remote end.
    pub remote: SocketAddr,
    /// Kernel's own number of the socket: with two snapshots, its identity.
    pub cookie: u64,
    /// Of a listener the connections that wait to be accepted, else bytes that wait to be read.
    pub receive_queue: u32,
    /// Of a listener its backlog, else bytes sent and not acknowledged, and bytes not sent.
    pub send_queue: u32,
    /// Owner.
    pub uid: u32,
    /// Inode; 0 for a socket that belongs to no process any more (`TIME_WAIT`, orphans).
    pub inode: u32,
    /// What TCP knows; only asked for in the full dump, and not there in `TIME_WAIT`.
    pub info: Option<TcpInfo>,
    /// Packets dropped at this socket.
    pub drops: Option<u32>,
    /// Receive buffer in bytes.
    pub receive_buffer: Option<u32>,
    /// Send buffer in bytes.
    pub send_buffer: Option<u32>,
}

/// TCP sockets in the kernel's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TcpSockets(pub Vec<TcpSocket>);

impl TcpSockets {
    /// The socket of this host at the other end of `inode`: the one whose addresses are those, the other way round. Of a
    /// connection that is not accepted yet, the listener.
    pub fn other_end(&self, inode: u32) -> Option<&TcpSocket> {
        let near = self.0.iter().find(|socket| socket.inode == inode && inode != 0)?;
        let far = self.0.iter().find(|far| far.local == near.remote && far.remote == near.local)?;
        if far.inode != 0 {
            return Some(far);
        }
        let takes = |listener: &&TcpSocket| {
            let address = listener.local.ip();
            listener.state == state::LISTEN
                && listener.local.port() == near.remote.port()
                && (address.is_unspecified() || address == near.remote.ip())
        };
        self.0.iter().find(takes)
    }
}

impl FromBytes for TcpSockets {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut sockets = Vec::new();
        for message in messages(bytes) {
            let message = message?;
            if message.kind == BY_FAMILY {
                let found = socket(message.payload);
                sockets.push(found.ok_or_else(|| ParseError::new(1, "a socket", message.payload))?);
            }
        }
        Ok(Self(sockets))
    }
}

fn socket(payload: &[u8]) -> Option<TcpSocket> {
    let &[family, state, timer, _retransmits, ref rest @ ..] = payload else { return None };
    let mut socket = TcpSocket {
        state,
        timer,
        local: SocketAddr::new(address(family, rest.get(4..20)?)?, port(rest, 0)?),
        remote: SocketAddr::new(address(family, rest.get(20..36)?)?, port(rest, 2)?),
        cookie: u64_at(rest, 40)?,
        receive_queue: u32_at(rest, 52)?,
        send_queue: u32_at(rest, 56)?,
        uid: u32_at(rest, 60)?,
        inode: u32_at(rest, 64)?,
        info: None,
        drops: None,
        receive_buffer: None,
        send_buffer: None,
    };
    for (kind, value) in attributes(payload.get(FIXED..)?) {
        match kind {
            2 => socket.info = info(value),
            7 => {
                socket.receive_buffer = u32_at(value, 4);
                socket.send_buffer = u32_at(value, 12);
                socket.drops = u32_at(value, 32);
            }
            _ => {}
        }
    }
    Some(socket)
}

fn port(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(offset..)?.first_chunk()?))
}

/// An address in the order of the wire; an IPv4 peer of an IPv6 socket as the IPv4 address that it is.
fn address(family: u8, bytes: &[u8]) -> Option<IpAddr> {
    match family {
        2 => Some(IpAddr::V4(Ipv4Addr::from(*bytes.first_chunk::<4>()?))),
        10 => Some(IpAddr::V6(Ipv6Addr::from(*bytes.first_chunk::<16>()?)).to_canonical()),
        _ => None,
    }
}

/// `struct tcp_info` grew at its end over the years: what the kernel did not send is not there.
fn info(value: &[u8]) -> Option<TcpInfo> {
    let microseconds = |number: u32| u64::from(number) * 1000;
    let long = |offset: usize| u64_at(value, offset).map(|time| time.saturating_mul(1000));
    Some(TcpInfo {
        rto_ns: microseconds(u32_at(value, 8)?),
        unacked: u32_at(value, 24)?,
        rtt_ns: microseconds(u32_at(value, 68)?),
        congestion_window: u32_at(value, 80)?,
        retransmitted: u64::from(u32_at(value, 100)?),
        unsent_bytes: u32_at(value, 144),
        bytes_acked: u64_at(value, 120),
        bytes_received: u64_at(value, 128),
        busy_ns: long(168),
        window_limited_ns: long(176),
        buffer_limited_ns: long(184),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::{attribute_bytes, message};

    fn fixed(family: u8, state: u8) -> Vec<u8> {
        let mut bytes = vec![family, state, 4, 0];
        bytes.extend(8080_u16.to_be_bytes());
        bytes.extend(443_u16.to_be_bytes());
        bytes.extend([127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for word in [0_u32, 77, 0, 0, 3, 128, 1000, 4242] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes
    }

    #[test]
    fn a_socket_with_everything_and_one_of_an_old_kernel() {
        let mut value = vec![0; 232];
        value[68..72].copy_from_slice(&250_u32.to_ne_bytes());
        value[100..104].copy_from_slice(&9_u32.to_ne_bytes());
        value[176..184].copy_from_slice(&5_u64.to_ne_bytes());
        let mut memory = vec![0; 36];
        memory[32..36].copy_from_slice(&6_u32.to_ne_bytes());
        let payload = [fixed(2, 10), attribute_bytes(2, &value), attribute_bytes(7, &memory)].concat();
        let socket = TcpSockets::from_bytes(&message(BY_FAMILY, 2, 1, &payload)).unwrap().0.remove(0);
        assert_eq!(
            (socket.local.to_string(), socket.remote.to_string()),
            ("127.0.0.1:8080".into(), "10.0.0.9:443".into())
        );
        assert_eq!((socket.receive_queue, socket.send_queue, socket.uid, socket.inode), (3, 128, 1000, 4242));
        assert_eq!((socket.cookie, socket.timer, socket.drops), (77, 4, Some(6)));
        let info = socket.info.unwrap();
        assert_eq!((info.rtt_ns, info.retransmitted, info.window_limited_ns), (250_000, 9, Some(5000)));
        let old = [fixed(2, 1), attribute_bytes(2, &value[..104])].concat();
        let socket = TcpSockets::from_bytes(&message(BY_FAMILY, 2, 1, &old)).unwrap().0.remove(0);
        assert_eq!((socket.info.unwrap().retransmitted, socket.info.unwrap().busy_ns), (9, None));
    }

    #[test]
    fn torn_sockets_are_refused() {
        let whole = fixed(2, 1);
        assert_eq!(whole.len(), FIXED);
        assert!(TcpSockets::from_bytes(&message(BY_FAMILY, 0, 1, &whole[..71])).is_err());
        assert!(TcpSockets::from_bytes(&message(BY_FAMILY, 0, 1, &fixed(3, 1))).is_err());
        let mapped = fixed(10, 1);
        assert!(TcpSockets::from_bytes(&message(BY_FAMILY, 0, 1, &mapped)).is_ok());
    }
}
