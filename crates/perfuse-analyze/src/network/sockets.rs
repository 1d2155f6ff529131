//! TCP connections and UDP sockets: who sends, who does not read, whose packets are sent again.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use perfuse_format::netlink::sockdiag::{TcpSocket, TcpSockets};
use perfuse_format::proc::net::UdpSockets;
use perfuse_format::{Reading, Why, delta};

use super::Net;
use crate::cell::{Entity, Quantity};
use crate::message::Msg;
use crate::run::Run;

/// One TCP connection, from the first to the last sample that has it. Per second of the time between.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Connection {
    pub(super) state: u8,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) inode: u64,
    pub(super) receive_queue: u32,
    pub(super) send_queue: u32,
    /// Bytes a second in both directions.
    pub(super) bytes: f64,
    /// Segments sent again, per second.
    pub(super) retransmitted: f64,
    /// Seconds per second in which the peer's window held it back.
    pub(super) window_limited: f64,
    /// Seconds per second in which it had data under way, while more waits to be sent: 0 where nothing waits.
    pub(super) path_limited: f64,
    /// Round trip, in seconds.
    pub(super) rtt: Option<f64>,
}

/// All connections of the last sample; those that an earlier one has too with what they did in between.
pub(super) fn over(run: &Run) -> Reading<Vec<Connection>> {
    let mut samples =
        run.snapshots.iter().filter_map(|raw| Some((raw.mono_ns, raw.get::<TcpSockets>("@netlink/tcp").into_value()?)));
    let Some((start, first)) = samples.next() else {
        return run.last::<TcpSockets>("@netlink/tcp").and_then(|_| Reading::missing(Why::NotSampled, "sock_diag"));
    };
    let (end, last) = samples.next_back().unwrap_or_else(|| (start, first.clone()));
    let seconds = end.saturating_sub(start) as f64 / 1e9;
    let before: BTreeMap<u64, &TcpSocket> = first.0.iter().map(|socket| (socket.cookie, socket)).collect();
    let connection = |socket: &TcpSocket| connection(before.get(&socket.cookie).copied(), socket, seconds);
    Reading::Value(last.0.iter().map(connection).collect())
}

fn connection(before: Option<&TcpSocket>, socket: &TcpSocket, seconds: f64) -> Connection {
    let info = socket.info.unwrap_or_default();
    // One that is new since the first sample did everything that it did within the run.
    let earlier = before.map_or_else(Default::default, |before| before.info.unwrap_or_default());
    let rate = |before: Option<u64>, after: Option<u64>| match after {
        Some(after) if seconds > 0.0 => delta(before.unwrap_or(0), after).grew().map_or(0.0, |by| by as f64 / seconds),
        _ => 0.0,
    };
    let window_limited = (rate(earlier.window_limited_ns, info.window_limited_ns) / 1e9).min(1.0);
    let busy = (rate(earlier.busy_ns, info.busy_ns) / 1e9).min(1.0);
    let backlog = info.unsent_bytes.is_some_and(|unsent| unsent > 0);
    Connection {
        state: socket.state,
        local: socket.local,
        remote: socket.remote,
        inode: socket.inode.into(),
        receive_queue: socket.receive_queue,
        send_queue: socket.send_queue,
        bytes: rate(earlier.bytes_acked, info.bytes_acked) + rate(earlier.bytes_received, info.bytes_received),
        retransmitted: rate(Some(earlier.retransmitted), Some(info.retransmitted)),
        window_limited,
        path_limited: if backlog { (busy - window_limited).max(0.0) } else { 0.0 },
        rtt: socket.info.map(|info| info.rtt_ns as f64 / 1e9),
    }
}

/// A UDP socket that lost datagrams.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lossy {
    pub(super) local: SocketAddr,
    pub(super) inode: u64,
    /// Datagrams dropped per second.
    pub(super) drops: f64,
    /// Bytes that waited in the last sample.
    pub(super) waiting: u64,
}

/// UDP sockets that dropped datagrams in the run, the worst first.
pub(super) fn lossy(run: &Run) -> Vec<Lossy> {
    let mut lossy = Vec::new();
    for path in ["/proc/net/udp", "/proc/net/udp6"] {
        let Some(span) = run.span::<UdpSockets>(path).into_value() else { continue };
        let before: BTreeMap<u64, u64> = span.first.0.iter().map(|socket| (socket.inode, socket.drops)).collect();
        for socket in span.last.0 {
            let grew = delta(before.get(&socket.inode).copied().unwrap_or(0), socket.drops).grew().unwrap_or(0);
            if grew > 0 {
                lossy.push(Lossy {
                    local: socket.local,
                    inode: socket.inode,
                    drops: grew as f64 / span.seconds,
                    waiting: socket.rx_queue,
                });
            }
        }
    }
    lossy.sort_by(|a, b| b.drops.total_cmp(&a.drops).then(a.inode.cmp(&b.inode)));
    lossy
}

/// Processes by what their connections did, the most first; at most five.
pub(super) fn processes(net: &Net, of: impl Fn(&Connection) -> f64) -> Vec<(Entity, f64)> {
    let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
    for connection in net.connections.value().into_iter().flatten() {
        if let Some(pid) = net.owners.0.get(&connection.inode).filter(|pid| net.run.in_scope(**pid)) {
            *sums.entry(*pid).or_default() += of(connection);
        }
    }
    let mut sums: Vec<(u32, f64)> = sums.into_iter().filter(|(_, sum)| *sum > 0.0).collect();
    sums.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    sums.into_iter().take(5).map(|(pid, sum)| (super::process(net.run, pid), sum)).collect()
}

/// The processes that send and receive most by TCP.
pub(super) fn talkers(net: &Net) -> Vec<Entity> {
    let all = processes(net, |connection| connection.bytes);
    let say = |(entity, bytes): (Entity, f64)| {
        entity.detail(Msg::new("entity-network-traffic").with("rate", Quantity::throughput(bytes)))
    };
    all.into_iter().map(say).collect()
}
