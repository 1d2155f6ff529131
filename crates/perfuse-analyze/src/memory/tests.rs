//! The rules of this group on snapshots of different hosts.

use perfuse_format::RawSnapshot;

use super::testing::{at, cell, evaluate, finding, name, pair, process, table};
use crate::cell::{Severity, Verdict};

const V1: &str = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
const V2: &str = "35 31 0:32 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
const GIB: u64 = 1 << 30;

/// A host with 16 GiB of which 12 GiB are available, at a second, with a vmstat of some counters.
fn host(second: u64, mounts: &str, vmstat: &str, stalled_us: u64) -> RawSnapshot {
    let mut raw = at(second);
    raw.put("/proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable: 12582912 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
    raw.put(
        "/proc/vmstat",
        format!("nr_dirty 10\nnr_writeback 0\nnr_dirty_threshold 4000\nnr_dirty_background_threshold 2000\n{vmstat}"),
    );
    raw.put("/proc/pressure/memory", format!("some avg10=0 total={stalled_us}\nfull avg10=0 total=0\n"));
    raw.put("/proc/self/mountinfo", mounts);
    raw
}

/// The files of a v1 group `/small` with a limit of 1 GiB.
fn small_v1(raw: &mut RawSnapshot, usage: u64, failcnt: u64, oom_kills: u64) {
    let file = |file: &str| format!("/sys/fs/cgroup/memory/small/{file}");
    raw.put(file("memory.limit_in_bytes"), format!("{GIB}\n"));
    raw.put(file("memory.usage_in_bytes"), format!("{usage}\n"));
    raw.put(file("memory.failcnt"), format!("{failcnt}\n"));
    raw.put(file("memory.oom_control"), format!("oom_kill_disable 0\nunder_oom 0\noom_kill {oom_kills}\n"));
    raw.put(
        file("memory.stat"),
        format!("cache 0\npgmajfault {failcnt}\ninactive_file 0\ntotal_inactive_file 0\ntotal_swap 4096\n"),
    );
    raw.put("/proc/40/cgroup", "4:memory:/small\n0::/\n");
}

#[test]
fn a_thrashing_limit_is_not_a_host_out_of_memory() {
    let snapshot = |second, failcnt, stalled| {
        let mut raw = host(
            second,
            V1,
            "pgscan_direct 0\nallocstall_normal 0\npswpin 5000\npgmajfault 9\npgscan_kswapd 0\n",
            stalled,
        );
        small_v1(&mut raw, GIB, failcnt, 0);
        process(&mut raw, 40, "hog", failcnt, 200_000);
        raw
    };
    let out = evaluate(&[snapshot(1, 100, 0), snapshot(3, 40_100, 1_800_000)]);
    let found = finding(&out, "memory.cgroup-limit").expect("the limit is named");
    assert_eq!(found.severity, Severity::Bottleneck);
    assert_eq!(found.culprit.name, "/small");
    assert_eq!(found.victims[0].pid, Some(40));
    assert_eq!(found.control, Some("control.memory-limit"));
    assert!((found.wait_s_per_s.unwrap() - 0.9).abs() < 1e-9);
    assert!(found.advice[0].command.as_ref().unwrap().contains("/small/memory.limit_in_bytes"));
    assert!(finding(&out, "memory.host-pressure").is_none(), "22 GB free is no shortage of the host");
    assert_eq!(cell(&out, "memory.saturation").verdict, Verdict::Bottleneck);
    assert!((cell(&out, "memory.utilization").value.unwrap().number - 1.0).abs() < 1e-9);
    assert_eq!(cell(&out, "control.memory-limit").verdict, Verdict::Watch);
}

#[test]
fn a_limit_that_only_trims_page_cache_is_healthy() {
    let snapshot = |second, failcnt| {
        let mut raw = host(second, V1, "pgscan_direct 0\nallocstall_normal 0\npswpin 0\npgscan_kswapd 0\n", 0);
        small_v1(&mut raw, GIB, failcnt, 0);
        process(&mut raw, 40, "copy", 0, 100);
        raw
    };
    let out = evaluate(&[snapshot(1, 100), snapshot(3, 9_000)]);
    assert!(finding(&out, "memory.cgroup-limit").is_none());
    assert_eq!(cell(&out, "memory.saturation").verdict, Verdict::Ok);
}

#[test]
fn direct_reclaim_of_the_host_names_the_largest_process() {
    let snapshot = |second, scanned, stalled| {
        let vmstat = format!("pgscan_direct {scanned}\nallocstall_normal {scanned}\npswpin 0\n");
        let mut raw = host(second, V2, &vmstat, stalled);
        process(&mut raw, 40, "hog", 0, 3_000_000);
        process(&mut raw, 41, "small", scanned, 10);
        raw
    };
    let out = evaluate(&[snapshot(1, 0, 0), snapshot(2, 5_000, 400_000)]);
    let found = finding(&out, "memory.host-pressure").expect("the host is short");
    assert_eq!((found.severity, found.culprit.pid), (Severity::Bottleneck, Some(40)));
    assert_eq!(found.victims[0].pid, Some(41));
    assert!(finding(&out, "memory.cgroup-limit").is_none());
}

#[test]
fn in_kernel_waits_name_the_victim() {
    let snapshot = |second, waited: u64| {
        let mut raw = host(second, V2, "pgscan_direct 0\npswpin 0\n", waited / 2_000);
        let file = |file: &str| format!("/sys/fs/cgroup/a/b/{file}");
        raw.put(file("memory.current"), "100000000\n");
        raw.put(file("memory.max"), "max\n");
        raw.put(file("memory.high"), "100000000\n");
        raw.put(file("memory.events"), format!("low 0\nhigh {waited}\nmax 0\noom 0\noom_kill 0\n"));
        raw.put("/proc/40/cgroup", "0::/a/b\n");
        process(&mut raw, 40, "java", 0, 100);
        raw.put("@bpf/reclaim_process", table(&[&[pair(40, 1), waited, second, 9, 7, 0, name(*b"java\0\0\0\0"), 0]]));
        raw
    };
    let out = evaluate(&[snapshot(1, 0), snapshot(2, 700_000_000)]);
    let found = finding(&out, "memory.cgroup-limit").expect("memory.high slows it down");
    assert_eq!(found.culprit.name, "/a/b");
    assert!((found.wait_s_per_s.unwrap() - 0.7).abs() < 1e-9, "{:?}", found.wait_s_per_s);
    assert!(found.advice[0].command.as_ref().unwrap().ends_with("/a/b/memory.high"));
    assert!(found.confidence > 0.9);
}

#[test]
fn kills_are_told_apart_by_what_was_full() {
    let snapshot = |second, kills, of_group| {
        let mut raw = host(second, V1, &format!("oom_kill {kills}\npgscan_direct 0\n"), 0);
        small_v1(&mut raw, GIB, 0, of_group);
        raw.put("@bpf/oom_victims", table(&[&[0; 9]]));
        if kills > 0 {
            let row = [9, pair(41, 1000), pair(5, 1), 0, 250_000, name(*b"hog\0\0\0\0\0"), 0, 0, 0];
            raw.put("@bpf/oom_victims", table(&[&[0; 9], &row]));
        }
        raw
    };
    let out = evaluate(&[snapshot(1, 0, 0), snapshot(2, 1, 1)]);
    let found = finding(&out, "memory.cgroup-oom-kill").expect("the group's limit killed");
    assert_eq!((found.culprit.name.as_str(), found.victims[0].pid), ("/small", Some(41)));
    assert!(finding(&out, "memory.oom-kill").is_none());
    assert_eq!(cell(&out, "memory.errors").verdict, Verdict::Error);

    let out = evaluate(&[snapshot(1, 0, 0), snapshot(2, 1, 0)]);
    let found = finding(&out, "memory.oom-kill").expect("the host killed");
    assert_eq!(found.victims[0].name, "hog");
    assert!(finding(&out, "memory.cgroup-oom-kill").is_none());
}

/// The cells and controls of this group.
const IDS: [&str; 15] = [
    "memory.utilization",
    "memory.saturation",
    "memory.errors",
    "capacity.utilization",
    "capacity.saturation",
    "capacity.errors",
    "fds.utilization",
    "fds.saturation",
    "fds.errors",
    "control.memory-limit",
    "control.hugepages",
    "control.swap",
    "control.dirty-limit",
    "control.nofile",
    "control.inotify",
];

#[test]
fn a_run_that_read_nothing_says_why_in_every_cell() {
    let out = evaluate(&[RawSnapshot::default()]);
    assert_eq!(out.cells.len(), IDS.len());
    for id in IDS {
        let cell = &out.cells[id];
        assert_eq!(cell.verdict, Verdict::Unmeasurable, "{id}");
        assert!(cell.reason.is_some() && cell.enable.is_some() && cell.who_could_know.is_some());
    }
    assert!(out.findings.is_empty());
}

#[test]
fn refused_files_are_unmeasurable_and_never_zero() {
    let refused = |second| {
        let mut raw = at(second);
        for file in ["/proc/meminfo", "/proc/vmstat", "/proc/pressure/memory", "/proc/self/mountinfo", "@statvfs"] {
            raw.put_errno(file, 13);
        }
        raw
    };
    let out = evaluate(&[refused(1), refused(1), refused(2)]);
    for id in ["memory.utilization", "memory.saturation", "capacity.utilization", "control.swap"] {
        assert_eq!(out.cells[id].verdict, Verdict::Unmeasurable, "{id}");
        assert_eq!(out.cells[id].value, None);
    }
}
