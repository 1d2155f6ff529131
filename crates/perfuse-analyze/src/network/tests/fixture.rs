//! Snapshots made by hand: the bytes that the collector would have read.

use std::net::{IpAddr, SocketAddr};

use perfuse_format::RawSnapshot;
use perfuse_format::netlink::{attribute_bytes, link, message, qdisc, sockdiag};

const SNMP: [(&str, &[&str]); 3] = [
    ("Ip", &["InHdrErrors"]),
    ("Tcp", &["OutSegs", "RetransSegs", "InErrs", "InCsumErrors"]),
    ("Udp", &["InDatagrams", "InErrors", "RcvbufErrors", "InCsumErrors"]),
];
const NETSTAT: [(&str, &[&str]); 1] = [(
    "TcpExt",
    &[
        "ListenOverflows",
        "ListenDrops",
        "TCPTimeouts",
        "TCPSynRetrans",
        "TCPRcvQDrop",
        "TCPMemoryPressures",
        "TCPAbortOnMemory",
    ],
)];

/// A snapshot of this second with every counter of the stack at 0, save those named.
pub(crate) fn snapshot(second: u64, counters: &[(&str, u64)]) -> RawSnapshot {
    let mut raw = RawSnapshot { mono_ns: second * 1_000_000_000, ..RawSnapshot::default() };
    let file = |protocols: &[(&str, &[&str])]| {
        let mut text = String::new();
        for (protocol, names) in protocols {
            let value = |name: &&str| counters.iter().find(|(known, _)| known == name).map_or(0, |(_, value)| *value);
            let values: Vec<String> = names.iter().map(|name| value(name).to_string()).collect();
            for fields in [names.join(" "), values.join(" ")] {
                text.extend([protocol, ": ", &fields, "\n"]);
            }
        }
        text
    };
    raw.put("/proc/net/snmp", file(&SNMP));
    raw.put("/proc/net/netstat", file(&NETSTAT));
    raw
}

/// An interface: index, name, kind, received and sent bytes, and bad packets; 1,000 bytes a packet.
pub(crate) fn interface(raw: &mut RawSnapshot, index: u32, name: &str, kind: &str, bytes: (u64, u64), errors: u64) {
    interface_with(raw, (index, name, kind), bytes, &[(BAD, errors)], 0);
}

/// Fields of `struct rtnl_link_stats64`: bad packets, packets of no use, packets that the card had no room for.
pub(crate) const BAD: usize = 4;
pub(crate) const UNWANTED: usize = 6;
pub(crate) const MISSED: usize = 15;

/// As [`interface`], with any counters and how often the carrier changed.
pub(crate) fn interface_with(
    raw: &mut RawSnapshot,
    (index, name, kind): (u32, &str, &str),
    bytes: (u64, u64),
    more: &[(usize, u64)],
    carrier_changes: u32,
) {
    let mut payload = vec![0, 0];
    payload.extend(1_u16.to_ne_bytes());
    payload.extend(index.to_ne_bytes());
    payload.extend(if name == "lo" { 9_u32 } else { 1 }.to_ne_bytes());
    payload.extend(0_u32.to_ne_bytes());
    payload.extend(attribute_bytes(3, format!("{name}\0").as_bytes()));
    let mut counters = [0_u64; 24];
    counters[0] = bytes.0 / 1000;
    counters[1] = bytes.1 / 1000;
    counters[2] = bytes.0;
    counters[3] = bytes.1;
    for (field, value) in more {
        counters[*field] = *value;
    }
    payload.extend(attribute_bytes(23, &counters.iter().flat_map(|value| value.to_ne_bytes()).collect::<Vec<_>>()));
    payload.extend(attribute_bytes(35, &carrier_changes.to_ne_bytes()));
    if !kind.is_empty() {
        payload.extend(attribute_bytes(18, &attribute_bytes(1, kind.as_bytes())));
    }
    append(raw, "@netlink/link", &message(link::NEW_LINK, 2, 1, &payload));
}

/// A queueing discipline at the root of an interface.
pub(crate) struct Tbf {
    pub(crate) interface: u32,
    pub(crate) kind: &'static str,
    pub(crate) rate: u32,
    pub(crate) bytes: u64,
    pub(crate) waiting: u32,
    pub(crate) drops: u32,
    pub(crate) overlimits: u32,
}

pub(crate) fn queue(raw: &mut RawSnapshot, tbf: &Tbf) {
    let mut payload = vec![0; 4];
    for word in [tbf.interface, 0x8001_0000, qdisc::ROOT, 0] {
        payload.extend(word.to_ne_bytes());
    }
    payload.extend(attribute_bytes(1, format!("{}\0", tbf.kind).as_bytes()));
    let mut parameters = vec![0_u8; 36];
    parameters[8..12].copy_from_slice(&tbf.rate.to_ne_bytes());
    payload.extend(attribute_bytes(2, &attribute_bytes(1, &parameters)));
    let mut basic = tbf.bytes.to_ne_bytes().to_vec();
    basic.extend(0_u64.to_ne_bytes());
    let words = [u32::from(tbf.waiting > 0), tbf.waiting, tbf.drops, 0, tbf.overlimits];
    let words: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    payload.extend(attribute_bytes(7, &[attribute_bytes(1, &basic), attribute_bytes(3, &words)].concat()));
    append(raw, "@netlink/qdisc", &message(qdisc::NEW_QDISC, 2, 1, &payload));
}

/// A TCP socket; `limited_us` is the time in which the peer's window held it back.
pub(crate) struct Tcp {
    pub(crate) state: u8,
    pub(crate) local: &'static str,
    pub(crate) remote: &'static str,
    pub(crate) inode: u32,
    pub(crate) receive_queue: u32,
    pub(crate) send_queue: u32,
    pub(crate) limited_us: u64,
    pub(crate) drops: u32,
    /// Segments sent again.
    pub(crate) again: u32,
    /// Time with data under way, with more behind it.
    pub(crate) busy_us: u64,
}

impl Default for Tcp {
    fn default() -> Self {
        Self {
            state: 1,
            local: "10.0.0.1:40000",
            remote: "10.0.0.2:80",
            inode: 1,
            receive_queue: 0,
            send_queue: 0,
            limited_us: 0,
            drops: 0,
            again: 0,
            busy_us: 0,
        }
    }
}

pub(crate) fn tcp(raw: &mut RawSnapshot, socket: &Tcp) {
    let (local, remote): (SocketAddr, SocketAddr) = (socket.local.parse().unwrap(), socket.remote.parse().unwrap());
    let mut payload = vec![2, socket.state, 0, 0];
    payload.extend(local.port().to_be_bytes());
    payload.extend(remote.port().to_be_bytes());
    for end in [local, remote] {
        let IpAddr::V4(address) = end.ip() else { panic!("only IPv4 here") };
        payload.extend(address.octets());
        payload.extend([0; 12]);
    }
    for word in [0, socket.inode, 0, 0, socket.receive_queue, socket.send_queue, 1000, socket.inode] {
        payload.extend(word.to_ne_bytes());
    }
    let mut info = vec![0; 232];
    info[100..104].copy_from_slice(&socket.again.to_ne_bytes());
    info[144..148].copy_from_slice(&u32::from(socket.busy_us > 0).to_ne_bytes());
    info[168..176].copy_from_slice(&socket.busy_us.to_ne_bytes());
    info[176..184].copy_from_slice(&socket.limited_us.to_ne_bytes());
    payload.extend(attribute_bytes(2, &info));
    let mut memory = vec![0; 36];
    memory[32..36].copy_from_slice(&socket.drops.to_ne_bytes());
    payload.extend(attribute_bytes(7, &memory));
    let source = if socket.state == sockdiag::state::LISTEN { "@netlink/listen" } else { "@netlink/tcp" };
    append(raw, source, &message(sockdiag::BY_FAMILY, 2, 1, &payload));
}

/// Sockets of processes, `(inode, pid)`, and the processes themselves.
pub(crate) fn owners(raw: &mut RawSnapshot, owners: &[(u64, u32)]) {
    let lines: Vec<String> = owners.iter().map(|(inode, pid)| format!("{inode} {pid}\n")).collect();
    raw.put("@net/owners", lines.concat());
    for (_, pid) in owners {
        let line = format!(
            "{pid} (app{pid}) S 1 1 1 0 -1 0 0 0 0 0 5 0 0 0 20 0 1 0 7 0 25 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0"
        );
        raw.put(format!("/proc/{pid}/stat"), line);
    }
}

/// A UDP socket that lost so many datagrams.
pub(crate) fn udp(raw: &mut RawSnapshot, inode: u64, drops: u64) {
    let head = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n";
    let line =
        format!("  1: 00000000:0035 00000000:0000 07 00000000:00000100 00:00000000 00000000 0 0 {inode} 2 0 {drops}\n");
    raw.put("/proc/net/udp", format!("{head}{line}"));
}

fn append(raw: &mut RawSnapshot, source: &str, bytes: &[u8]) {
    let mut all = raw.bytes(source).into_value().unwrap_or_default().to_vec();
    all.extend(bytes);
    raw.put(source, all);
}
