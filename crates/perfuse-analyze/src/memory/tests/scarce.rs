//! Memory that is nearly gone or in too small pieces, and a host out of files; each beside a harmless neighbour.

use super::{GIB, V1, V2, cell, evaluate, failing, finding, host, name, pair, process, small_v1, table};
use crate::EntityKind;
use crate::cell::{Severity, Verdict};

#[test]
fn compaction_is_suffered_by_those_who_do_it_themselves() {
    let compacting = |pid: u64, comm: [u64; 2], ns: u64| {
        let snapshot = |second: u64| {
            let mut raw = host(second, V2, "compact_stall 9\npgscan_direct 0\n", 0);
            process(&mut raw, 40, "java", 0, 100);
            let row = [pair(pid, 2), ns * (second - 1), second - 1, 9, 0, 0, comm[0], comm[1]];
            raw.put("@bpf/reclaim_process", if second > 1 { table(&[&row]) } else { table(&[&[0; 8]]) });
            raw
        };
        evaluate(&[snapshot(1), snapshot(2)])
    };
    let java = [name(*b"java\0\0\0\0"), 0];
    let out = compacting(40, java, 400_000_000);
    let found = finding(&out, "memory.compaction").expect("java waits for memory in one piece");
    assert_eq!((found.severity, found.victims[0].pid), (Severity::Bottleneck, Some(40)));
    assert_eq!((found.culprit.kind, found.culprit.name.as_str()), (EntityKind::Kernel, "compaction"));
    assert!((found.wait_s_per_s.unwrap() - 0.4).abs() < 1e-9);
    assert_eq!(cell(&out, "memory.saturation").verdict, Verdict::Bottleneck);
    let daemon = [name(*b"kcompact"), name(*b"d0\0\0\0\0\0\0")];
    // The thread of the kernel that does it for everybody keeps nobody waiting; a little of it is no wait either.
    for (pid, comm, ns) in [(33, daemon, 400_000_000), (40, java, 4_000_000)] {
        assert!(compacting(pid, comm, ns).findings.is_empty(), "{pid} {ns}");
    }
}

#[test]
fn little_left_is_a_watch_and_a_full_page_cache_is_not_little() {
    let with = |available: u64| {
        let snapshot = |second| {
            let mut raw = host(second, V2, "pgscan_direct 0\n", 0);
            let text = format!(
                "MemTotal: 16777216 kB\nMemFree: 90000 kB\nMemAvailable: {available} kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
            );
            raw.put("/proc/meminfo", text);
            raw
        };
        evaluate(&[snapshot(1), snapshot(2)])
    };
    let out = with(700_000);
    let found = finding(&out, "memory.low-headroom").expect("4% are left");
    assert_eq!((found.severity, found.culprit.kind, found.control), (Severity::Watch, EntityKind::Host, None));
    assert_eq!(cell(&out, "memory.utilization").verdict, Verdict::Watch);
    let out = with(14_000_000);
    assert!(out.findings.is_empty(), "free memory is what nobody uses, not what is left");
    assert_eq!(cell(&out, "memory.utilization").verdict, Verdict::Ok);
}

#[test]
fn a_group_near_its_limit_is_named_unless_page_cache_fills_it() {
    let with = |inactive: u64| {
        let snapshot = |second| {
            let mut raw = host(second, V1, "pgscan_direct 0\n", 0);
            small_v1(&mut raw, GIB - GIB / 50, 0, 0);
            let stat = format!("cache {inactive}\ninactive_file {inactive}\ntotal_inactive_file {inactive}\n");
            raw.put("/sys/fs/cgroup/memory/small/memory.stat", stat);
            raw
        };
        evaluate(&[snapshot(1), snapshot(2)])
    };
    let out = with(0);
    let found = finding(&out, "memory.low-headroom").expect("2% are left");
    assert_eq!((found.culprit.name.as_str(), found.control), ("/small", Some("control.memory-limit")));
    assert!(with(GIB / 2).findings.is_empty(), "half of it can be given up at once");
}

#[test]
fn a_host_out_of_files_is_not_a_process_out_of_files() {
    let full = |raw: &mut perfuse_format::RawSnapshot| raw.put("/proc/sys/fs/file-nr", "1000\t0\t1000\n");
    let out = failing(&[(7, 2, 23, 4)], full);
    let found = finding(&out, "fds.file-max-reached").expect("ENFILE");
    assert_eq!((found.severity, found.culprit.kind), (Severity::Error, EntityKind::Host));
    assert_eq!(found.victims.iter().map(|victim| victim.pid).collect::<Vec<_>>(), [Some(7)]);
    assert_eq!(found.advice[0].command.as_deref(), Some("sysctl -w fs.file-max=2000"));
    assert_eq!(cell(&out, "fds.errors").verdict, Verdict::Error);
    // A process at its own limit.
    let out = failing(&[(7, 2, 24, 4)], full);
    assert!(finding(&out, "fds.file-max-reached").is_none());
    assert_eq!(finding(&out, "fds.limit-reached").unwrap().culprit.pid, Some(7));
    // Nearly all in use, and nobody refused.
    let out = failing(&[], full);
    assert!(out.findings.is_empty());
    assert_eq!(cell(&out, "fds.utilization").verdict, Verdict::Watch);
}
