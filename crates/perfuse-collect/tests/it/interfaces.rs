//! Interfaces, queueing disciplines and listeners by netlink, against the files of `/proc` and what `tc` was told.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;

use perfuse_collect::{Root, Sampler};
use perfuse_format::RawSnapshot;
use perfuse_format::netlink::link::Links;
use perfuse_format::netlink::qdisc::{Qdisc, Qdiscs};
use perfuse_format::netlink::sockdiag::{TcpSockets, state};
use perfuse_format::proc::net::{Mib, NetDev, UdpSockets};
use perfuse_format::sys::net::SocketOwners;
use perfuse_testkit::{gate, need, skip};

fn snapshots(work: impl FnOnce()) -> (RawSnapshot, RawSnapshot) {
    let mut sampler = Sampler::new(Root::default());
    let first = sampler.snapshot(false, |_, _| {});
    work();
    (first, sampler.snapshot(true, |_, _| {}))
}

#[test]
fn the_loopback_counts_what_is_sent_over_it() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let to = socket.local_addr().unwrap();
    let (first, last) = snapshots(|| {
        for _ in 0..100 {
            socket.send_to(&[0; 1000], to).unwrap();
        }
    });
    let lo = |raw: &RawSnapshot| {
        let links = raw.get::<Links>("@netlink/link").into_value()?.0;
        Some(links.into_iter().find(perfuse_format::netlink::link::Link::is_loopback)?.counters)
    };
    let (Some(before), Some(after)) = (lo(&first), lo(&last)) else { skip!("netlink is refused here") };
    let grew = after.tx_bytes - before.tx_bytes;
    assert!(grew >= 100_000, "{grew}");
    // The file was read just before netlink was asked, in both snapshots.
    let file = |raw: &RawSnapshot| raw.get::<NetDev>("/proc/net/dev").into_value().unwrap().0["lo"].tx_bytes;
    assert!(file(&first) <= before.tx_bytes && file(&last) <= after.tx_bytes);
    assert!(file(&last) - file(&first) >= 100_000);
}

/// A veth pair that is removed at the end.
struct Veth;

impl Veth {
    const NAME: &str = "pf-live0";

    fn new() -> Option<Self> {
        let this = ip(&["link", "add", Self::NAME, "type", "veth", "peer", "name", "pf-live1"]).then_some(Self)?;
        ip(&["link", "set", Self::NAME, "up"]).then_some(this)
    }
}

impl Drop for Veth {
    fn drop(&mut self) {
        ip(&["link", "del", Self::NAME]);
    }
}

fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).status().is_ok_and(|status| status.success())
}

fn tc(arguments: &str) -> bool {
    Command::new("tc").args(arguments.split(' ')).status().is_ok_and(|status| status.success())
}

/// The disciplines and classes of the test's interface.
fn queues(raw: &RawSnapshot) -> Vec<Qdisc> {
    let links = raw.get::<Links>("@netlink/link").into_value().unwrap().0;
    let index = links.iter().find(|link| link.name == Veth::NAME).unwrap().index;
    let both = ["@netlink/qdisc", "@netlink/class"];
    let all = both.into_iter().filter_map(|source| raw.get::<Qdiscs>(source).into_value());
    all.flat_map(|qdiscs| qdiscs.0).filter(|qdisc| qdisc.interface == index).collect()
}

#[test]
fn the_rates_that_tc_was_told_are_read_back() {
    need!(gate::root());
    need!(gate::command("ip"));
    need!(gate::command("tc"));
    let Some(_veth) = Veth::new() else { skip!("no veth can be made") };
    let dev = Veth::NAME;
    if !tc(&format!("qdisc add dev {dev} root tbf rate 8mbit burst 16kb limit 30000")) {
        skip!("no tbf can be made");
    }
    let (_, raw) = snapshots(|| {});
    let tbf = queues(&raw).into_iter().find(|qdisc| qdisc.kind == "tbf").unwrap();
    assert_eq!((tbf.ceiling, tbf.limit), (Some(1_000_000), Some(30_000)));
    assert!(tc(&format!("qdisc del dev {dev} root")));
    if !(tc(&format!("qdisc add dev {dev} root handle 1: htb default 10"))
        && tc(&format!("class add dev {dev} parent 1: classid 1:10 htb rate 1mbit ceil 40gbit")))
    {
        skip!("no htb can be made");
    }
    let (_, raw) = snapshots(|| {});
    let class = queues(&raw).into_iter().find(|qdisc| qdisc.is_class).unwrap();
    // Past 2^32 bytes a second only the wide attribute has the rate.
    assert_eq!((class.kind.as_str(), class.ceiling), ("htb", Some(5_000_000_000)));
}

#[test]
fn a_listener_that_accepts_nobody_shows_its_queue_drops_and_owner() {
    // The standard library listens with a backlog of 128 at least; connections that nobody accepts fill it.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let mut clients = Vec::new();
    let (_, raw) = snapshots(|| {
        clients.extend((0..3).filter_map(|_| TcpStream::connect(address).ok()));
    });
    let Some(sockets) = raw.get::<TcpSockets>("@netlink/listen").into_value() else {
        skip!("sock_diag is refused here")
    };
    let ours = sockets.0.iter().find(|socket| socket.local == address).unwrap();
    assert_eq!((ours.state, ours.receive_queue, ours.drops), (state::LISTEN, 3, Some(0)));
    assert!(ours.send_queue >= 3);
    let owners = raw.get::<SocketOwners>("@net/owners").into_value().unwrap();
    assert_eq!(owners.0.get(&u64::from(ours.inode)), Some(&std::process::id()));
}

#[test]
fn a_connection_shows_what_it_carried() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, from): (TcpStream, SocketAddr) = listener.accept().unwrap();
    let (_, raw) = snapshots(|| {
        client.write_all(&[7; 5000]).unwrap();
        server.read_exact(&mut [0; 4000]).unwrap();
    });
    let Some(sockets) = raw.get::<TcpSockets>("@netlink/tcp").into_value() else { skip!("sock_diag is refused here") };
    let reader = sockets.0.iter().find(|socket| socket.remote == from).unwrap();
    assert_eq!(reader.receive_queue, 1000, "received and not read");
    let sender = sockets.0.iter().find(|socket| socket.local == from).unwrap();
    let info = sender.info.unwrap();
    // The SYN counts as one byte.
    assert!(info.bytes_acked.is_none_or(|bytes| bytes == 5001), "{info:?}");
    assert!(info.rtt_ns > 0);
}

#[test]
fn a_full_udp_socket_counts_its_drops_in_both_places() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let to = socket.local_addr().unwrap();
    let (first, last) = snapshots(|| {
        for _ in 0..2000 {
            socket.send_to(&[0; 1400], to).unwrap();
        }
    });
    let find = |raw: &RawSnapshot| {
        let sockets = raw.get::<UdpSockets>("/proc/net/udp").into_value().unwrap().0;
        sockets.into_iter().find(|socket| socket.local == to).unwrap()
    };
    let dropped = find(&last).drops - find(&first).drops;
    let host =
        |raw: &RawSnapshot| raw.get::<Mib>("/proc/net/snmp").into_value().unwrap().get("Udp", "RcvbufErrors").unwrap();
    let host = host(&last) - host(&first);
    assert!(dropped > 0 && find(&last).rx_queue > 0);
    // Other tests may lose datagrams too.
    assert!(host >= dropped, "{host} {dropped}");
}
