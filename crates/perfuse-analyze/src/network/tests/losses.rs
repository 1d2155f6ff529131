//! Packets, connections and memory that the stack refuses, each beside a neighbour that looks like it and is harmless.

use perfuse_format::RawSnapshot;

use super::fixture::{MISSED, Tbf, Tcp, UNWANTED, interface, interface_with, owners, queue, snapshot, tcp};
use super::{cell, evaluated, finding, ids};
use crate::{EntityKind, Severity, Verdict};

/// Ten seconds, with what `fill` puts at their start (0) and their end (10).
fn over(counters: &[(&str, u64)], fill: impl Fn(u64, &mut RawSnapshot)) -> Vec<RawSnapshot> {
    let at = |second: u64| {
        let counters: Vec<_> = counters.iter().map(|(name, rate)| (*name, rate * second)).collect();
        let mut raw = snapshot(second, &counters);
        fill(second, &mut raw);
        raw
    };
    vec![at(0), at(10)]
}

/// A queue without a rate on eth0: packets that stand in it, and packets that it drops per second.
fn plain_queue(kind: &'static str, waiting: u32, drops: u32) -> Vec<RawSnapshot> {
    over(&[("OutSegs", 1000), ("RetransSegs", drops.into())], |second, raw| {
        interface(raw, 2, "eth0", "", (0, second * 1_000_000), 0);
        let drops = drops * u32::try_from(second).unwrap();
        let tbf = Tbf { interface: 2, kind, rate: 0, bytes: second * 1_000_000, waiting, drops, overlimits: 0 };
        queue(raw, &tbf);
    })
}

#[test]
fn a_queue_that_overflows_names_its_interface() {
    let out = evaluated(&plain_queue("pfifo_fast", 60_000, 40));
    let found = finding(&out, "network.queue-drops");
    assert_eq!((found.culprit.kind, found.culprit.name.as_str()), (EntityKind::Interface, "eth0"));
    assert_eq!((found.severity, found.wait_s_per_s), (Severity::Bottleneck, Some(1.0)));
    assert_eq!(ids(&out), ["network.queue-drops"], "what was sent again was lost here, not on the path");
    // A burst that overflowed once and is gone costs nobody time.
    let out = evaluated(&plain_queue("pfifo_fast", 0, 40));
    assert_eq!(finding(&out, "network.queue-drops").severity, Severity::Watch);
    // `fq` keeps packets back on purpose: what stands there is not lost.
    let out = evaluated(&plain_queue("fq", 60_000, 0));
    assert!(out.findings.is_empty(), "{:?}", ids(&out));
    assert_eq!(cell(&out, "control.qdisc").verdict, Verdict::Ok);
}

/// eth0 of a card, of whose packets this counter grows by so many in ten seconds, at 1,000 packets a second.
fn card(field: usize, grown: u64) -> Vec<RawSnapshot> {
    over(&[], |second, raw| {
        let more = [(field, 7 + if second > 0 { grown } else { 0 })];
        interface_with(raw, (2, "eth0", ""), (second * 1_000_000, 0), &more, 3);
        raw.put("@net/devices", "eth0\tigb\tpci0000:00/0000:00:1c.0/0000:03:00.0\n");
    })
}

#[test]
fn a_full_ring_is_the_cards_and_packets_of_no_use_are_not() {
    let out = evaluated(&card(MISSED, 1_000));
    let found = finding(&out, "network.ring-full");
    assert_eq!((found.severity, found.cell), (Severity::Error, "network-controller.saturation"));
    assert_eq!((found.culprit.kind, found.culprit.name.as_str()), (EntityKind::Interface, "eth0"));
    assert!(found.advice[0].command.as_ref().unwrap().starts_with("ethtool -g eth0"));
    assert_eq!(cell(&out, "network-controller.saturation").verdict, Verdict::Error);
    let out = evaluated(&card(MISSED, 1));
    assert_eq!(finding(&out, "network.ring-full").severity, Severity::Watch, "one of ten thousand");
    let out = evaluated(&card(UNWANTED, 1_000));
    assert!(out.findings.is_empty(), "a protocol that nobody asked for: {:?}", ids(&out));
}

/// An interface whose carrier changed so often in the run.
fn flapping(name: &'static str, device: &str, changes: u32) -> Vec<RawSnapshot> {
    over(&[], |second, raw| {
        let changes = 5 + if second > 0 { changes } else { 0 };
        interface_with(raw, (2, name, ""), (second * 1_000_000, 0), &[], changes);
        raw.put("@net/devices", format!("{name}\t{device}\n"));
    })
}

#[test]
fn a_link_that_comes_and_goes_is_watched_where_it_is_a_wire() {
    const CARD: &str = "igb\tpci0000:00/0000:00:1c.0/0000:03:00.0";
    let out = evaluated(&flapping("eth0", CARD, 2));
    let found = finding(&out, "network.carrier");
    assert_eq!((found.culprit.name.as_str(), found.severity), ("eth0", Severity::Watch));
    assert_eq!(ids(&out), ["network.carrier"]);
    for (name, device, changes) in [("veth0", "\t", 2), ("eth0", CARD, 0)] {
        let out = evaluated(&flapping(name, device, changes));
        assert!(out.findings.is_empty(), "{name} {changes}: {:?}", ids(&out));
    }
}

/// Two CPUs that handle 1,000 packets a second; cpu1 drops and breaks off so often in ten seconds.
fn backlog(dropped: u64, squeezed: u64) -> Vec<RawSnapshot> {
    over(&[], |second, raw| {
        let line = |cpu: u64, dropped: u64, squeezed: u64| {
            let zeros = "00000000 ".repeat(9);
            format!("{:08x} {dropped:08x} {squeezed:08x} {zeros}{cpu:08x}\n", second * 1_000)
        };
        let (dropped, squeezed) = if second > 0 { (dropped, squeezed) } else { (0, 0) };
        raw.put("/proc/net/softnet_stat", line(0, 0, 0) + &line(1, dropped, squeezed));
    })
}

#[test]
fn a_full_backlog_names_its_cpu_and_a_used_up_budget_loses_nothing() {
    let out = evaluated(&backlog(500, 900));
    let found = finding(&out, "network.softirq-drops");
    assert_eq!((found.culprit.kind, found.culprit.name.as_str()), (EntityKind::Kernel, "softirq cpu1"));
    assert_eq!(found.severity, Severity::Bottleneck);
    let out = evaluated(&backlog(1, 0));
    assert_eq!(finding(&out, "network.softirq-drops").severity, Severity::Watch, "one of ten thousand");
    let out = evaluated(&backlog(0, 900));
    assert!(out.findings.is_empty(), "{:?}", ids(&out));
    assert_eq!(cell(&out, "network.saturation").verdict, Verdict::Watch);
}

/// TCP at 95% of its memory; connections given up and times of pressure, per second.
fn buffers(aborted: u64, pressed: u64) -> Vec<RawSnapshot> {
    over(&[("TCPAbortOnMemory", aborted), ("TCPMemoryPressures", pressed)], |_, raw| {
        raw.put(
            "/proc/net/sockstat",
            "sockets: used 9\nTCP: inuse 5 orphan 0 tw 0 alloc 5 mem 950\nUDP: inuse 1 mem 0\n",
        );
        raw.put("/proc/sys/net/ipv4/tcp_mem", "500\t990\t1000\n");
        raw.put("/proc/sys/net/ipv4/udp_mem", "500\t990\t1000\n");
    })
}

#[test]
fn connections_given_up_for_memory_are_errors_and_shrinking_buffers_are_not() {
    let out = evaluated(&buffers(3, 1));
    let found = finding(&out, "network.socket-memory");
    assert_eq!((found.severity, found.control), (Severity::Error, Some("control.socket-memory")));
    assert_eq!((found.culprit.kind, found.culprit.name.as_str()), (EntityKind::Kernel, "tcp_mem"));
    assert_eq!(cell(&out, "control.socket-memory").verdict, Verdict::Error);
    let out = evaluated(&buffers(0, 1));
    assert_eq!(finding(&out, "network.socket-memory").severity, Severity::Watch);
    let out = evaluated(&buffers(0, 0));
    assert!(out.findings.is_empty(), "nearly full is not full: {:?}", ids(&out));
    assert_eq!(cell(&out, "control.socket-memory").verdict, Verdict::Watch);
}

/// Process 50 connects to a database; requests repeated per second.
fn connecting(repeated: u64) -> Vec<RawSnapshot> {
    over(&[("OutSegs", 100), ("TCPSynRetrans", repeated), ("RetransSegs", repeated)], |_, raw| {
        tcp(raw, &Tcp { state: 2, remote: "10.9.9.9:5432", inode: 5, ..Tcp::default() });
        tcp(raw, &Tcp { local: "10.0.0.1:40001", inode: 6, ..Tcp::default() });
        owners(raw, &[(5, 50), (6, 60)]);
    })
}

#[test]
fn a_server_that_does_not_answer_is_named_with_those_who_ask_it() {
    let out = evaluated(&connecting(1));
    let found = finding(&out, "network.no-answer");
    assert_eq!((found.culprit.kind, found.culprit.name.as_str()), (EntityKind::Dependency, "10.9.9.9:5432"));
    assert_eq!(found.victims.iter().map(|victim| victim.pid).collect::<Vec<_>>(), [Some(50)]);
    assert_eq!((found.severity, found.wait_s_per_s), (Severity::Bottleneck, Some(1.0)));
    assert_eq!(ids(&out), ["network.no-answer"], "an unanswered request is no loss of the path");
    let out = evaluated(&connecting(0));
    assert!(out.findings.is_empty(), "asked once, answered soon: {:?}", ids(&out));
}
