//! `skb.bpf.c` against the counters of `/proc/net/snmp`.

use std::collections::BTreeMap;
use std::net::UdpSocket;

use perfuse_collect::bpf::{DROP_REASONS, Program};
use perfuse_format::RawSnapshot;
use perfuse_format::bpf::{SkbDrop, between};
use perfuse_testkit::skip;

use crate::support::live;

/// A counter of the `Udp:` lines of `/proc/net/snmp`.
fn udp(name: &str) -> u64 {
    let snmp = std::fs::read_to_string("/proc/net/snmp").unwrap();
    let mut lines = snmp.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let index = lines.next().unwrap().split_whitespace().position(|field| field == name).unwrap();
    lines.next().unwrap().split_whitespace().nth(index).unwrap().parse().unwrap()
}

/// Names of drop reasons by number, as the snapshot carries them.
fn reasons(raw: &RawSnapshot) -> BTreeMap<u32, String> {
    let Some(bytes) = raw.bytes(DROP_REASONS).into_value() else { return BTreeMap::new() };
    let text = String::from_utf8_lossy(bytes);
    let line =
        |line: &str| line.split_once(' ').and_then(|(number, name)| Some((number.parse().ok()?, name.to_owned())));
    text.lines().filter_map(line).collect()
}

#[test]
fn dropped_datagrams_are_those_of_snmp() {
    let live = live!(&[Program::Skb]);
    let names = reasons(&live.snapshot());
    let number = |name: &str| names.iter().find(|(_, other)| other.ends_with(name)).map(|(number, _)| *number);
    let (Some(no_socket), Some(full)) = (number("_NO_SOCKET"), number("_SOCKET_RCVBUFF")) else {
        skip!("this kernel does not tell reasons");
    };
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let counters = || [udp("NoPorts"), udp("RcvbufErrors")];
    let outer_first = counters();
    let first = live.snapshot();
    let inner_first = counters();
    for _ in 0..50 {
        // Each other one fails with what the one before brought back.
        let _ = sender.send_to(b"nobody", closed);
    }
    let datagram = [0; 1024];
    while udp("RcvbufErrors") < inner_first[1] + 20 {
        sender.send_to(&datagram, receiver.local_addr().unwrap()).unwrap();
    }
    let inner_last = counters();
    let last = live.snapshot();
    let outer_last = counters();
    let rows: Vec<SkbDrop> = between(&first, &last).into_value().unwrap();
    for (reason, index) in [(no_socket, 0), (full, 1)] {
        let counted: u64 = rows.iter().filter(|row| row.reason == Some(reason)).map(|row| row.count).sum();
        let (inner, outer) = (inner_last[index] - inner_first[index], outer_last[index] - outer_first[index]);
        assert!(inner >= 20, "the workload did it");
        // Other network namespaces of the host have their own /proc/net/snmp, and the program sees all of them.
        assert!(counted >= inner, "{counted} of {inner}..{outer}: {rows:?}");
        assert!(counted <= outer + 5, "{counted} of {inner}..{outer}: {rows:?}");
    }
    assert!(rows.iter().filter(|row| row.reason == Some(full)).all(|row| row.protocol == 0x0800), "{rows:?}");
}
