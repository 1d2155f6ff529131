//! Findings of other groups that explain those of the network, and those that stand beside them.

use perfuse_format::RawSnapshot;
use perfuse_format::netlink::{attribute_bytes, message};

use super::fixture::{Tcp, interface, owners, snapshot, tcp, udp};
use super::{overflowing, shaped};
use crate::{Checklist, Run, Scope, Thresholds};

/// The findings above watch, ranked.
fn serious(snapshots: &[RawSnapshot]) -> Vec<&'static str> {
    let run = Run::new(snapshots, Thresholds::default(), Scope::default()).unwrap();
    let findings = Checklist::build(&run).findings;
    findings.iter().filter(|finding| finding.severity > crate::Severity::Watch).map(|finding| finding.id).collect()
}

fn stat(pid: u32, ticks: u64, cpu: u32, nice: i32) -> String {
    format!(
        "{pid} (app{pid}) R 1 1 1 0 -1 4194304 0 0 0 0 {ticks} 0 0 0 20 {nice} 1 0 7 0 25 0 0 0 0 0 0 0 0 0 0 0 0 0 17 {cpu} 0 0 0 0 0"
    )
}

/// Why a process gets no CPU.
#[derive(Debug, Clone, Copy)]
enum Starved {
    Quota,
    RunQueue,
    Priority,
    Affinity,
}

impl Starved {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Quota, "cpu.quota-throttled"),
        (Self::RunQueue, "cpu.run-queue"),
        (Self::Priority, "cpu.neighbour"),
        (Self::Affinity, "cpu.affinity"),
    ];

    /// Lets `pid` wait for a CPU for 0.6 s a second in all snapshots.
    fn put(self, snapshots: &mut [RawSnapshot], pid: u32) {
        for raw in snapshots {
            let n = raw.mono_ns / 10_000_000;
            raw.put(format!("/proc/{pid}/stat"), stat(pid, n / 4, 0, 0));
            raw.put(format!("/proc/{pid}/schedstat"), format!("0 {} 0", n * 6_000_000));
            let second_cpu = if matches!(self, Self::Affinity | Self::Quota) { (0, n) } else { (n, 0) };
            let (busy, idle) = second_cpu;
            raw.put("/proc/stat", format!("cpu  {} 0 0 {idle}\ncpu0 {n} 0 0 0\ncpu1 {busy} 0 0 {idle}\n", n + busy));
            if matches!(self, Self::RunQueue | Self::Priority) {
                let nice = if matches!(self, Self::Priority) { -10 } else { 0 };
                raw.put("/proc/900/stat", stat(900, n, 0, nice));
                raw.put("/proc/900/schedstat", "0 0 0");
            }
            if matches!(self, Self::Affinity) {
                raw.put(format!("/proc/{pid}/status"), "Uid:\t5\nThreads:\t1\nCpus_allowed_list:\t0\n");
            }
            if matches!(self, Self::Quota) {
                raw.put("/proc/self/mountinfo", "31 1 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
                raw.put("/sys/fs/cgroup/cpu.stat", "usage_usec 900\n");
                raw.put("/sys/fs/cgroup/app/cpu.max", "5000 100000\n");
                let stat =
                    format!("usage_usec {}\nnr_periods {n}\nnr_throttled {n}\nthrottled_usec {}\n", n * 2500, n * 6000);
                raw.put("/sys/fs/cgroup/app/cpu.stat", stat);
                raw.put(format!("/proc/{pid}/cgroup"), "0::/app\n");
            }
        }
    }
}

/// Process 50 sends to 60, which does not read.
fn unread() -> Vec<RawSnapshot> {
    let at = |second: u64| {
        let mut raw = snapshot(second, &[("OutSegs", second)]);
        read_slowly(&mut raw, second, 50, 60);
        owners(&mut raw, &[(105, 50), (106, 60)]);
        raw
    };
    vec![at(0), at(5)]
}

/// The two ends of a connection within the host, on which `reader` holds `sender` back for 0.8 s a second.
fn read_slowly(raw: &mut RawSnapshot, second: u64, sender: u32, reader: u32) {
    let (one, other) = ("127.0.0.1:4000", "127.0.0.1:80");
    let limited_us = second * 800_000;
    let receive_queue = 70_000;
    tcp(raw, &Tcp { local: one, remote: other, inode: 55 + sender, limited_us, ..Tcp::default() });
    tcp(raw, &Tcp { local: other, remote: one, inode: 46 + reader, receive_queue, ..Tcp::default() });
}

/// Process 110 does not read its datagrams.
fn datagrams() -> Vec<RawSnapshot> {
    let at = |second: u64| {
        let mut raw = snapshot(second, &[("InDatagrams", second * 900), ("RcvbufErrors", second * 100)]);
        udp(&mut raw, 11, second * 100);
        owners(&mut raw, &[(11, 110)]);
        raw
    };
    vec![at(0), at(5)]
}

#[test]
fn a_reader_without_a_cpu_explains_what_it_does_not_read_and_others_do_not() {
    // Symptom, who does not read, and somebody else: of two the one who waits for it.
    let symptoms = [
        ("network.listen-overflow", overflowing(3), 30, 80),
        ("network.slow-reader", unread(), 60, 50),
        ("network.udp-receive-buffer", datagrams(), 110, 111),
    ];
    for (symptom, snapshots, reader, other) in symptoms {
        assert_eq!(serious(&snapshots), [symptom]);
        for (starved, cause) in Starved::ALL {
            let mut same = snapshots.clone();
            starved.put(&mut same, reader);
            assert_eq!(serious(&same), [cause], "{symptom} of {reader}, {starved:?}");
            let mut apart = snapshots.clone();
            starved.put(&mut apart, other);
            let mut both = serious(&apart);
            both.sort_unstable();
            assert_eq!(both, [cause, symptom], "{symptom} of {reader}, {starved:?} of {other}");
        }
    }
}

/// Addresses of interfaces: 10.0.0.1 of veth0 (7), 10.9.0.1 of eth0 (2).
fn addresses(raw: &mut RawSnapshot) {
    let address = |index: u32, address: [u8; 4]| {
        let mut payload = vec![2, 24, 0, 0];
        payload.extend(index.to_ne_bytes());
        payload.extend(attribute_bytes(2, &address));
        message(20, 2, 1, &payload)
    };
    raw.put("@netlink/addr", [address(7, [10, 0, 0, 1]), address(2, [10, 9, 0, 1])].concat());
}

#[test]
fn a_shaper_explains_a_reader_that_cannot_pass_on_what_it_reads() {
    // 60 reads from 50. Who of them sends through the shaper?
    let forwarding = |through: u32| {
        let mut snapshots = shaped(true);
        for raw in &mut snapshots {
            read_slowly(raw, raw.mono_ns / 1_000_000_000, 50, 60);
            tcp(raw, &Tcp { local: "10.0.0.1:4001", send_queue: 90_000, inode: 7, ..Tcp::default() });
            owners(raw, &[(105, 50), (106, 60), (7, through)]);
            addresses(raw);
        }
        serious(&snapshots)
    };
    assert_eq!(forwarding(60), ["network.shaper-queue"]);
    assert_eq!(forwarding(50), ["network.shaper-queue", "network.slow-reader"], "the sender's other traffic");
}

#[test]
fn a_shaper_explains_losses_on_its_own_way_out_and_on_no_other() {
    let losing = |local: &'static str| {
        let mut snapshots = shaped(true);
        for (second, raw) in (0_u64..).zip(&mut snapshots) {
            let counters = [("OutSegs", second * 100), ("RetransSegs", second * 60)];
            let files = snapshot(second, &counters);
            raw.sources.extend(files.sources);
            interface(raw, 2, "eth0", "", (0, second * 125_000), 0);
            let again = u32::try_from(second * 40).unwrap();
            tcp(raw, &Tcp { local, inode: 9, again, busy_us: second * 900_000, ..Tcp::default() });
            owners(raw, &[(9, 90)]);
            addresses(raw);
        }
        serious(&snapshots)
    };
    assert_eq!(losing("10.0.0.1:4001"), ["network.shaper-queue"]);
    assert_eq!(losing("10.9.0.1:4001"), ["network.shaper-queue", "network.retransmits"]);
    assert_eq!(losing("10.7.7.7:4001"), ["network.shaper-queue"], "nobody knows which way it goes");
}
