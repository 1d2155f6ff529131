mod causes;
pub(crate) mod fixture;
mod losses;

use std::collections::BTreeSet;

use perfuse_format::RawSnapshot;

use super::evaluate;
use crate::checklist::Output;
use crate::{CELLS, CONTROLS, Cell, EntityKind, Finding, Resource, Run, Scope, Severity, Thresholds, Unit, Verdict};
use fixture::{Tbf, Tcp, interface, owners, queue, snapshot, tcp, udp};

fn evaluated(snapshots: &[RawSnapshot]) -> Output {
    let run = Run::new(snapshots, Thresholds::default(), Scope::default()).unwrap();
    let mut out = Output::default();
    evaluate(&run, &mut out);
    out
}

fn ours() -> BTreeSet<&'static str> {
    let resources = [Resource::Network, Resource::NetworkController];
    let cells = CELLS.iter().filter(|cell| resources.contains(&cell.resource)).map(|cell| cell.id);
    let controls = CONTROLS.iter().filter(|control| control.resource == Resource::Network).map(|control| control.id);
    cells.chain(controls).collect()
}

#[test]
fn an_empty_run_has_every_cell_and_says_that_it_cannot_know() {
    for snapshots in [vec![RawSnapshot::default()], vec![RawSnapshot::default(), RawSnapshot::default()]] {
        let out = evaluated(&snapshots);
        assert_eq!(out.cells.keys().copied().collect::<BTreeSet<_>>(), ours());
        for cell in out.cells.values() {
            assert_eq!(cell.verdict, Verdict::Unmeasurable, "{}", cell.id);
            assert!(cell.reason.is_some() && cell.enable.is_some() && cell.who_could_know.is_some());
            assert_eq!(cell.value, None);
        }
        assert!(out.findings.is_empty());
    }
}

fn finding<'o>(out: &'o Output, id: &str) -> &'o Finding {
    out.findings.iter().find(|finding| finding.id == id).unwrap_or_else(|| panic!("{:?}", ids(out)))
}

fn ids(out: &Output) -> Vec<&'static str> {
    out.findings.iter().map(|finding| finding.id).collect()
}

fn cell<'o>(out: &'o Output, id: &str) -> &'o Cell {
    &out.cells[id]
}

fn number(out: &Output, id: &str) -> f64 {
    cell(out, id).value.unwrap().number
}

/// Two quiet snapshots of a host with one interface at 80% of a gigabit.
fn gigabit(devices: &str) -> [RawSnapshot; 2] {
    [0_u64, 10].map(|second| {
        let mut raw = snapshot(second, &[("OutSegs", second * 1000)]);
        interface(&mut raw, 1, "lo", "", (second * 900_000_000, second * 900_000_000), 0);
        interface(&mut raw, 2, "eth0", "", (second * 100_000_000, second * 5_000_000), 0);
        raw.put("@net/devices", devices);
        raw.put("/sys/class/net/eth0/speed", "1000\n");
        raw.put("/sys/class/net/eth0/duplex", "full\n");
        raw
    })
}

#[test]
fn utilization_alone_is_a_watch_and_no_finding() {
    let out = evaluated(&gigabit("lo\t\t\neth0\tigb\tpci0000:00/0000:00:1c.0/0000:03:00.0\n"));
    let cell = cell(&out, "network.utilization");
    assert_eq!((cell.verdict, cell.value.unwrap().unit), (Verdict::Watch, Unit::Ratio));
    assert!((cell.value.unwrap().number - 0.8).abs() < 1e-9, "the loopback is faster and no wire");
    assert!(out.findings.is_empty(), "{:?}", ids(&out));
    assert_eq!(out.cells["network.saturation"].verdict, Verdict::Ok);
    assert!((number(&out, "network-controller.utilization") - 0.8).abs() < 1e-9);
    let detail = |key: &str| cell.instances[0].details.iter().find(|(known, _)| *known == key).unwrap().1.number;
    assert!((detail("rx_packets_per_s") - 100_000.0).abs() < 1e-6);
    assert!((detail("rx_mean_bytes") - 1000.0).abs() < 1e-6);
}

#[test]
fn a_made_up_speed_is_no_maximum() {
    for device in ["eth0\t\t\n", "eth0\tvirtio_net\tpci0000:00/0000:00:03.0/virtio2\n"] {
        let out = evaluated(&gigabit(device));
        let cell = cell(&out, "network.utilization");
        assert_eq!((cell.verdict, cell.value.unwrap().unit), (Verdict::Ok, Unit::BytesPerSecond));
        assert_eq!(cell.note.as_ref().unwrap().id, "cell-network-utilization-no-maximum");
    }
    let out = evaluated(&gigabit("eth0\t\t\n"));
    assert_eq!(out.cells["network-controller.errors"].verdict, Verdict::NotApplicable);
}

#[test]
fn an_interface_that_is_reset_or_new_adds_nothing_wrong() {
    let mut snapshots = gigabit("eth0\t\t\n");
    let mut third = snapshot(20, &[("OutSegs", 20_000)]);
    interface(&mut third, 2, "eth0", "", (1_500_000_000, 60_000_000), 0);
    // Made anew under the same name: another index and large counters.
    interface(&mut third, 9, "lo", "", (u64::MAX, u64::MAX), 7);
    let out = evaluated(&[snapshots[0].clone(), snapshots[1].clone(), third]);
    assert!((number(&out, "network.utilization") - 75_000_000.0).abs() < 1.0);
    assert_eq!(out.cells["network.errors"].verdict, Verdict::Ok);
    snapshots.reverse();
    snapshots[0].mono_ns = 0;
    snapshots[1].mono_ns = 10_000_000_000;
    let out = evaluated(&snapshots);
    assert!(number(&out, "network.utilization").abs() < 1e-9, "counters that went backwards");
}

fn shaped(standing: bool) -> Vec<RawSnapshot> {
    (0..4_u64)
        .map(|second| {
            let mut raw = snapshot(second, &[("OutSegs", second * 100), ("RetransSegs", second * 20)]);
            interface(&mut raw, 7, "veth0", "veth", (0, second * 125_000), 0);
            raw.put("@net/devices", "veth0\t\t\n");
            raw.put("/sys/class/net/veth0/speed", "10000\n");
            let second32 = u32::try_from(second).unwrap();
            queue(
                &mut raw,
                &Tbf {
                    interface: 7,
                    kind: "tbf",
                    rate: 125_000,
                    bytes: second * if standing { 124_000 } else { 5_000 },
                    waiting: if standing { 30_000 } else { 0 },
                    drops: if standing { second32 * 20 } else { 0 },
                    overlimits: second32 * if standing { 500 } else { 0 },
                },
            );
            raw
        })
        .collect()
}

#[test]
fn a_shaper_is_named_and_its_drops_are_not_blamed_on_the_path() {
    let out = evaluated(&shaped(true));
    let finding = finding(&out, "network.shaper-queue");
    assert_eq!((finding.severity, finding.control), (Severity::Bottleneck, Some("control.qdisc")));
    assert_eq!((finding.culprit.kind, finding.culprit.name.as_str()), (EntityKind::Qdisc, "veth0 tbf 8001:"));
    assert!((finding.wait_s_per_s.unwrap() - 1.0).abs() < 1e-9);
    assert_eq!(finding.victims[0].name, "veth0");
    assert_eq!(ids(&out), ["network.shaper-queue"], "20 drops a second are the 20 repetitions a second");
    assert_eq!(out.cells["network.saturation"].verdict, Verdict::Bottleneck);
    assert_eq!(out.cells["control.qdisc"].verdict, Verdict::Bottleneck);
    // The rate that someone set is the maximum; the 10 Gbit/s of a veth are not.
    assert!((number(&out, "network.utilization") - 1.0).abs() < 1e-9);
    assert_eq!(out.cells["network.errors"].verdict, Verdict::Watch, "drops are errors too");
}

#[test]
fn who_runs_into_timeouts_for_what_a_shaper_drops_waits_for_the_shaper() {
    let mut snapshots = shaped(true);
    for (second, raw) in (0_u64..).zip(&mut snapshots) {
        // Hardly anything stands in so short a queue.
        let waiting = if second == 3 { 3_000 } else { 0 };
        let drops = u32::try_from(second).unwrap() * 20;
        queue(
            raw,
            &Tbf {
                interface: 7,
                kind: "tbf",
                rate: 125_000,
                bytes: second * 20_000,
                waiting,
                drops,
                overlimits: drops,
            },
        );
        raw.put("/proc/net/netstat", format!("TcpExt: TCPTimeouts TCPSynRetrans\nTcpExt: {} 0\n", second * 5));
    }
    let wait = finding(&evaluated(&snapshots), "network.shaper-queue").wait_s_per_s.unwrap();
    assert!((1.0..2.0).contains(&wait), "five timeouts of 0.2 s a second, and what stood: {wait}");
}

#[test]
fn a_shaper_in_which_nothing_stands_is_healthy() {
    let out = evaluated(&shaped(false));
    assert_eq!(out.cells["control.qdisc"].verdict, Verdict::Ok);
    assert!(!ids(&out).contains(&"network.shaper-queue"));
    // With no drops here, the same repetitions are the path's.
    let finding = finding(&out, "network.retransmits");
    assert_eq!(finding.severity, Severity::Watch, "no timeout, no wait");
}

#[test]
fn the_victim_of_a_shaper_is_the_process_that_sends_through_it() {
    let mut snapshots = shaped(true);
    for raw in &mut snapshots {
        tcp(raw, &Tcp { local: "10.0.0.1:4000", send_queue: 90_000, inode: 5, ..Tcp::default() });
        tcp(raw, &Tcp { local: "10.9.0.1:4000", send_queue: 99_000, inode: 6, ..Tcp::default() });
        owners(raw, &[(5, 50), (6, 60)]);
        let mut payload = vec![2, 24, 0, 0];
        payload.extend(7_u32.to_ne_bytes());
        payload.extend(perfuse_format::netlink::attribute_bytes(2, &[10, 0, 0, 1]));
        raw.put("@netlink/addr", perfuse_format::netlink::message(20, 2, 1, &payload));
    }
    let out = evaluated(&snapshots);
    let victims = &finding(&out, "network.shaper-queue").victims;
    assert_eq!(victims.iter().map(|victim| victim.pid).collect::<Vec<_>>(), [Some(50)]);
}

fn overflowing(per_second: u64) -> Vec<RawSnapshot> {
    (0..3_u64)
        .map(|second| {
            let lost = second * per_second;
            let mut raw =
                snapshot(second, &[("ListenOverflows", lost), ("ListenDrops", lost), ("OutSegs", second * 50)]);
            let listener = Tcp { state: 10, remote: "0.0.0.0:0", ..Tcp::default() };
            let drops = u32::try_from(lost).unwrap();
            tcp(&mut raw, &Tcp { local: "0.0.0.0:80", inode: 3, receive_queue: 6, send_queue: 5, drops, ..listener });
            tcp(&mut raw, &Tcp { local: "0.0.0.0:22", inode: 4, send_queue: 128, ..listener });
            tcp(&mut raw, &Tcp { state: 2, remote: "127.0.0.1:80", inode: 8, ..Tcp::default() });
            owners(&mut raw, &[(3, 30), (4, 40), (8, 80)]);
            raw
        })
        .collect()
}

#[test]
fn a_listener_that_turns_clients_away_is_named_with_its_process() {
    let out = evaluated(&overflowing(3));
    let finding = finding(&out, "network.listen-overflow");
    assert_eq!((finding.severity, finding.culprit.kind), (Severity::Bottleneck, EntityKind::Listener));
    assert_eq!((finding.culprit.name.as_str(), finding.culprit.pid), ("0.0.0.0:80", Some(30)));
    assert_eq!(finding.victims[0].pid, Some(80));
    assert!((finding.wait_s_per_s.unwrap() - 3.0).abs() < 1e-9);
    assert!(finding.keys().contains("pid:30"));
    assert_eq!(out.cells["control.listen-backlog"].verdict, Verdict::Bottleneck);
    assert_eq!(out.cells["control.listen-backlog"].instances[0].name, "0.0.0.0:80 (app30)");
}

#[test]
fn a_full_accept_queue_that_turned_nobody_away_is_a_watch() {
    let out = evaluated(&overflowing(0));
    assert!(out.findings.is_empty(), "{:?}", ids(&out));
    assert_eq!(out.cells["control.listen-backlog"].verdict, Verdict::Watch);
}

#[test]
fn datagrams_lost_at_a_socket_name_its_reader() {
    let snapshots: Vec<RawSnapshot> = [0_u64, 5]
        .map(|second| {
            let mut raw = snapshot(second, &[("InDatagrams", second * 900), ("RcvbufErrors", second * 100)]);
            udp(&mut raw, 11, second * 100);
            owners(&mut raw, &[(11, 110)]);
            raw
        })
        .into();
    let out = evaluated(&snapshots);
    let finding = finding(&out, "network.udp-receive-buffer");
    assert_eq!((finding.severity, finding.culprit.pid), (Severity::Bottleneck, Some(110)));
    assert_eq!(out.cells["network.saturation"].verdict, Verdict::Bottleneck);
    assert!((number(&out, "network.errors") - 100.0).abs() < 1e-9);
}

#[test]
fn a_closed_window_is_the_readers_doing() {
    let snapshots: Vec<RawSnapshot> = [0_u64, 5]
        .map(|second| {
            let mut raw = snapshot(second, &[("OutSegs", second)]);
            let limited_us = second * 800_000;
            tcp(
                &mut raw,
                &Tcp { local: "127.0.0.1:4000", remote: "127.0.0.1:80", inode: 5, limited_us, ..Tcp::default() },
            );
            tcp(
                &mut raw,
                &Tcp {
                    local: "127.0.0.1:80",
                    remote: "127.0.0.1:4000",
                    inode: 6,
                    receive_queue: 70_000,
                    ..Tcp::default()
                },
            );
            owners(&mut raw, &[(5, 50), (6, 60)]);
            raw
        })
        .into();
    let out = evaluated(&snapshots);
    let finding = finding(&out, "network.slow-reader");
    assert_eq!((finding.culprit.pid, finding.victims[0].pid), (Some(60), Some(50)));
    assert!((finding.wait_s_per_s.unwrap() - 0.8).abs() < 1e-9);
    assert_eq!(finding.chain.len(), 2, "what waits unread is the second step");
}

#[test]
fn a_sender_held_back_by_losses_of_the_path_waits() {
    let snapshots: Vec<RawSnapshot> = [0_u64, 5]
        .map(|second| {
            let mut raw = snapshot(second, &[("OutSegs", second * 100), ("RetransSegs", second * 10)]);
            let again = u32::try_from(second * 10).unwrap();
            tcp(&mut raw, &Tcp { inode: 5, again, busy_us: second * 900_000, ..Tcp::default() });
            // Sends little and loses nothing: not a victim.
            tcp(&mut raw, &Tcp { inode: 6, local: "10.0.0.1:40001", ..Tcp::default() });
            owners(&mut raw, &[(5, 50), (6, 60)]);
            raw
        })
        .into();
    let out = evaluated(&snapshots);
    let finding = finding(&out, "network.retransmits");
    assert_eq!((finding.severity, finding.culprit.name.as_str()), (Severity::Bottleneck, "10.0.0.2"));
    assert_eq!(finding.victims.iter().map(|victim| victim.pid).collect::<Vec<_>>(), [Some(50)]);
    assert!((finding.wait_s_per_s.unwrap() - 0.9).abs() < 1e-9);
    assert_eq!(out.cells["network.saturation"].verdict, Verdict::Bottleneck);
}

#[test]
fn bad_packets_are_an_error_from_a_share_on() {
    let run = |errors: u64| -> Vec<RawSnapshot> {
        [0_u64, 10]
            .map(|second| {
                let mut raw = snapshot(second, &[]);
                interface(&mut raw, 2, "eth0", "", (second * 100_000_000, 0), if second > 0 { errors } else { 0 });
                raw.put("@net/devices", "eth0\tigb\tpci0000:00/0000:00:1c.0/0000:03:00.0\n");
                raw
            })
            .into()
    };
    let few = evaluated(&run(1));
    assert_eq!(few.cells["network.errors"].verdict, Verdict::Watch);
    assert_eq!(finding(&few, "network.link-errors").severity, Severity::Watch);
    let many = evaluated(&run(1000));
    assert_eq!(many.cells["network.errors"].verdict, Verdict::Error);
    assert_eq!(many.cells["network-controller.errors"].verdict, Verdict::Error);
    assert_eq!(finding(&many, "network.link-errors").severity, Severity::Error);
}

#[test]
fn limits_that_refuse_work_are_errors() {
    let snapshots: Vec<RawSnapshot> = [0_u64, 10]
        .map(|second| {
            let mut raw = snapshot(second, &[]);
            raw.put("/proc/sys/net/netfilter/nf_conntrack_count", "1000\n");
            raw.put("/proc/sys/net/netfilter/nf_conntrack_max", "1000\n");
            raw.put(
                "/proc/net/stat/nf_conntrack",
                format!("entries drop early_drop\n000003e8 {second:08x} 00000000\n"),
            );
            raw.put("/proc/net/stat/arp_cache", format!("entries table_fulls\n00000400 {second:08x}\n"));
            raw.put("/proc/sys/net/ipv4/neigh/default/gc_thresh3", "1024\n");
            raw
        })
        .into();
    let out = evaluated(&snapshots);
    for (id, control) in
        [("network.conntrack-full", "control.conntrack"), ("network.neighbour-table-full", "control.neighbour-table")]
    {
        assert_eq!(finding(&out, id).severity, Severity::Error);
        assert_eq!(out.cells[control].verdict, Verdict::Error);
    }
}

#[test]
fn what_an_old_kernel_or_no_module_lacks_is_said() {
    let mut snapshots = [snapshot(0, &[]), snapshot(10, &[])];
    for raw in &mut snapshots {
        raw.put_errno("/proc/sys/net/netfilter/nf_conntrack_count", 2);
        raw.put_errno("@netlink/listen", 1);
        raw.put_errno("@netlink/qdisc", 95);
        raw.put("/proc/net/dev", "Inter-| x\n face | y\n    lo: 6485 85 0 0 0 0 0 0 6485 85 0 0 0 0 0 0\n  eth0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n");
        raw.put_errno("@netlink/link", 1);
    }
    let out = evaluated(&snapshots);
    assert_eq!(out.cells["control.conntrack"].verdict, Verdict::NotApplicable);
    assert_eq!(out.cells["control.listen-backlog"].reason.as_ref().unwrap().id, "missing-no-permission");
    assert_eq!(out.cells["control.qdisc"].reason.as_ref().unwrap().id, "missing-unsupported");
    assert_eq!(out.cells["network.utilization"].verdict, Verdict::Ok, "from /proc/net/dev");
    assert_eq!(out.cells["network.utilization"].instances.len(), 2);
}

#[test]
fn a_destination_that_takes_all_ports_is_seen_and_a_plain_bind_error_is_not_ports() {
    let raw = |second: u64, used: u16, call: u32| {
        let mut raw = snapshot(second, &[]);
        raw.put("/proc/sys/net/ipv4/ip_local_port_range", "40000\t40009\n");
        for port in 0..used {
            let local: &'static str = Box::leak(format!("10.0.0.1:{}", 40_000 + port).into_boxed_str());
            tcp(&mut raw, &Tcp { local, inode: u32::from(port) + 100, state: 6, ..Tcp::default() });
        }
        let mut row = Vec::new();
        for word in [7_u32, call, 99, 0] {
            row.extend(word.to_ne_bytes());
        }
        row.extend((second * 10).to_ne_bytes());
        row.extend(0_u64.to_ne_bytes());
        row.extend(*b"client\0\0\0\0\0\0\0\0\0\0");
        let mut table = Vec::new();
        table.extend(48_u32.to_ne_bytes());
        table.extend(1_u32.to_ne_bytes());
        table.extend(0_u64.to_ne_bytes());
        table.extend(row);
        raw.put("@bpf/errno", table);
        raw
    };
    let full = evaluated(&[raw(0, 10, 42), raw(10, 10, 42)]);
    let finding = finding(&full, "network.local-ports");
    assert_eq!((finding.victims[0].pid, finding.severity), (Some(7), Severity::Error));
    assert_eq!(full.cells["control.ephemeral-ports"].verdict, Verdict::Error);
    let empty = evaluated(&[raw(0, 1, 42), raw(10, 1, 42)]);
    assert_eq!(empty.cells["control.ephemeral-ports"].verdict, Verdict::Ok);
    assert!(!ids(&empty).contains(&"network.local-ports"));
    // The same from a process that may live in another network namespace.
    let elsewhere = |call| {
        let mut snapshots = [raw(0, 1, call), raw(10, 1, call)];
        for raw in &mut snapshots {
            raw.put("@net/namespaces", "2\n");
        }
        evaluated(&snapshots)
    };
    let connect = elsewhere(42);
    let told = self::finding(&connect, "network.local-ports");
    assert_eq!((told.victims[0].pid, told.severity), (Some(7), Severity::Error));
    assert!(told.confidence < finding.confidence);
    assert!(!ids(&elsewhere(49)).contains(&"network.local-ports"), "bind fails so for other reasons");
}
