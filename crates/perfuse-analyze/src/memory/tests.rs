//! The rules of this group on snapshots of different hosts.

mod causes;
mod scarce;

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
    let snapshot = |second, failcnt, stalled| {
        let mut raw = host(second, V1, "pgscan_direct 0\nallocstall_normal 0\npswpin 0\npgscan_kswapd 0\n", stalled);
        small_v1(&mut raw, GIB, failcnt, 0);
        process(&mut raw, 40, "copy", 0, 100);
        raw
    };
    let out = evaluate(&[snapshot(1, 100, 0), snapshot(3, 9_000, 0)]);
    assert!(finding(&out, "memory.cgroup-limit").is_none());
    assert_eq!(cell(&out, "memory.saturation").verdict, Verdict::Ok);
    // Some time goes into making room, and no page is missed: worth a look at the cell, and no finding.
    let stream = |second, failcnt, stalled| {
        let mut raw = snapshot(second, failcnt, stalled);
        raw.put("/sys/fs/cgroup/memory/small/memory.stat", "total_pgmajfault 0\ntotal_inactive_file 0\n");
        raw
    };
    let out = evaluate(&[stream(1, 100, 0), stream(3, 9_000, 60_000)]);
    assert!(finding(&out, "memory.cgroup-limit").is_none());
    assert_eq!(cell(&out, "memory.saturation").verdict, Verdict::Watch);
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

/// A `@statvfs` line of an ext4 filesystem with 4 KiB blocks.
fn mount(point: &str, blocks: u64, available: u64, files: u64, files_free: u64) -> String {
    format!("{point}\text4\t8:1\tok\t4096 {blocks} {available} {available} {files} {files_free} {files_free} 0\n")
}

#[test]
fn blocks_inodes_and_silent_servers_are_told() {
    let snapshot = |second, free| {
        let mut raw = host(second, V2, "", 0);
        let silent = "/net\tnfs4\t0:50\tslow\t\n/cd\tiso9660\t7:0\tok\t2048 100 0 0 0 0 0 1\n";
        raw.put("@statvfs", mount("/", 1_000, 500, 100, 2) + &mount("/var", 1_000_000, free, 0, 0) + silent);
        raw
    };
    let out = evaluate(&[snapshot(1, 300_000), snapshot(11, 299_000)]);
    let cell = cell(&out, "capacity.utilization");
    assert!((cell.value.unwrap().number - 0.98).abs() < 1e-9, "inodes run out first");
    assert_eq!(cell.instances.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["/", "/var"]);
    assert_eq!(cell.note.as_ref().unwrap().id, "capacity-no-answer");
    let fill = cell.instances[1].details.iter().find(|(key, _)| *key == "fill_time").unwrap().1.number;
    assert!((fill - 2_990.0).abs() < 1.0, "1000 blocks in 10 s: {fill}");
    // Both are worth a look, and neither is more.
    let watched: Vec<_> = out.findings.iter().map(|f| (f.id, f.culprit.name.as_str(), f.severity)).collect();
    assert_eq!(
        watched,
        [("capacity.nearly-full", "/", Severity::Watch), ("capacity.nearly-full", "/var", Severity::Watch)]
    );
}

/// Two snapshots between which some calls failed: `(pid, call, errno, how often)`.
fn failing(calls: &[(u64, u64, u64, u64)], prepare: impl Fn(&mut RawSnapshot)) -> crate::Output {
    let snapshot = |second: u64| {
        let mut raw = host(second, V2, "", 0);
        prepare(&mut raw);
        let rows: Vec<[u64; 6]> = calls
            .iter()
            .map(|(pid, call, errno, count)| {
                [pair(*pid, *call), *errno, count * (second - 1), 0, name(*b"app\0\0\0\0\0"), 0]
            })
            .collect();
        let rows: Vec<&[u64]> = rows.iter().map(<[u64; 6]>::as_slice).collect();
        raw.put("@bpf/errno", if rows.is_empty() { table(&[&[0; 6]]) } else { table(&rows) });
        raw
    };
    evaluate(&[snapshot(1), snapshot(2)])
}

#[test]
fn a_full_filesystem_is_named_and_inotify_is_not_one() {
    let full = |raw: &mut RawSnapshot| raw.put("@statvfs", mount("/data", 1_000, 0, 100, 50));
    let out = failing(&[(7, 1, 28, 5)], full);
    let found = finding(&out, "capacity.no-space").unwrap();
    assert_eq!((found.culprit.name.as_str(), found.victims[0].pid), ("/data", Some(7)));
    assert_eq!(cell(&out, "capacity.errors").verdict, Verdict::Error);

    let out = failing(&[(7, 254, 28, 5), (8, 294, 24, 2)], full);
    assert!(finding(&out, "capacity.no-space").is_none());
    assert!(finding(&out, "fds.limit-reached").is_none());
    assert_eq!(finding(&out, "fds.inotify-limit").unwrap().victims.len(), 2);
    assert_eq!(cell(&out, "capacity.errors").verdict, Verdict::Ok);

    let out = failing(&[(7, 1, 122, 1)], |_| {});
    assert!(finding(&out, "capacity.quota-exceeded").is_some());
}

#[test]
fn the_process_nearest_to_its_own_limit_counts() {
    let prepare = |raw: &mut RawSnapshot| {
        raw.put("/proc/sys/fs/file-nr", "900\t0\t9223372036854775807\n");
        raw.put("@fds", "1 5000 5000 5000\n7 1000 1024 4096\n8 4000 max max\n9 - 100 100\n");
        process(raw, 7, "nginx", 0, 1);
    };
    let out = failing(&[], prepare);
    let cell = cell(&out, "fds.utilization");
    assert!((cell.value.unwrap().number - 1000.0 / 1024.0).abs() < 1e-9, "perfuse itself (pid 1) does not count");
    assert_eq!(cell.instances[0].name, "nginx (7)");
    assert_eq!(cell.note.as_ref().unwrap().id, "fds-hidden");
    let found = finding(&out, "fds.near-limit").unwrap();
    assert_eq!(found.severity, Severity::Watch);
    assert_eq!(found.advice[0].command.as_deref(), Some("prlimit --pid 7 --nofile=2048:"));

    let out = failing(&[(7, 288, 24, 40)], prepare);
    let found = finding(&out, "fds.limit-reached").unwrap();
    assert_eq!((found.severity, found.culprit.pid), (Severity::Error, Some(7)));
    assert!(finding(&out, "fds.near-limit").is_none());
    assert_eq!(out.cells["control.nofile"].verdict, Verdict::Error);
}

#[test]
fn refused_mappings_count_and_misses_of_madvise_do_not() {
    let out = failing(&[(7, 28, 12, 50)], |_| {});
    assert!(finding(&out, "memory.allocation-refused").is_none());
    let out = failing(&[(7, 9, 12, 50)], |_| {});
    assert_eq!(finding(&out, "memory.allocation-refused").unwrap().culprit.pid, Some(7));
}

#[test]
fn writers_at_the_dirty_limit_are_named_by_their_wait_channel() {
    let snapshot = |second, dirty: u64| {
        let mut raw = host(second, V2, "", 0);
        let limits = "nr_dirty_threshold 4000\nnr_dirty_background_threshold 2000";
        raw.put("/proc/vmstat", format!("nr_dirty {dirty}\nnr_writeback 100\n{limits}\nnr_written {}\n", second * 500));
        raw.put("@disk/wchan", "40 40 balance_dirty_pages\n41 41 folio_wait_bit_common\n");
        process(&mut raw, 40, "dd", 0, 1);
        process(&mut raw, 41, "reader", 0, 1);
        raw
    };
    let out = evaluate(&[snapshot(1, 3_000), snapshot(2, 3_500), snapshot(3, 1_000)]);
    let found = finding(&out, "capacity.dirty-throttled").unwrap();
    assert_eq!((found.severity, found.victims.len(), found.victims[0].pid), (Severity::Bottleneck, 1, Some(40)));
    let control = cell(&out, "control.dirty-limit");
    assert!((control.value.unwrap().number - 1.2).abs() < 1e-9);
    assert_eq!(control.verdict, Verdict::Bottleneck);
    assert_eq!(control.history.len(), 3);
}

#[test]
fn hardware_errors_are_watched_or_errors() {
    const MC: &str = "/sys/devices/system/edac/mc/mc0";
    let snapshot = |second, ce, ue| {
        let mut raw = host(second, V2, "", 0);
        raw.put(format!("{MC}/ce_count"), format!("{ce}\n"));
        raw.put(format!("{MC}/ue_count"), format!("{ue}\n"));
        raw.put(format!("{MC}/dimm0/dimm_ce_count"), format!("{ce}\n"));
        raw.put(format!("{MC}/dimm0/dimm_ue_count"), format!("{ue}\n"));
        raw.put(format!("{MC}/dimm0/dimm_label"), "CPU0_A1\n");
        raw
    };
    let out = evaluate(&[snapshot(1, 5, 0), snapshot(2, 9, 0)]);
    assert_eq!(cell(&out, "memory.errors").verdict, Verdict::Watch);
    let found: Vec<_> = out.findings.iter().map(|f| (f.id, f.culprit.name.as_str())).collect();
    assert_eq!(found, [("memory.corrected-error", "mc0/dimm0 (CPU0_A1)")]);
    let out = evaluate(&[snapshot(1, 5, 0), snapshot(2, 9, 1)]);
    assert_eq!(cell(&out, "memory.errors").verdict, Verdict::Error);
    assert_eq!(finding(&out, "memory.uncorrected-error").unwrap().severity, Severity::Error);
    // Counts from before the run are no error of the run.
    let out = evaluate(&[snapshot(1, 5, 3), snapshot(2, 5, 3)]);
    assert_eq!(cell(&out, "memory.errors").verdict, Verdict::Ok);
}

#[test]
fn huge_pages_and_swap_are_there_or_not_applicable() {
    let out = evaluate(&[host(1, V2, "", 0), host(2, V2, "", 0)]);
    assert_eq!(cell(&out, "control.swap").verdict, Verdict::NotApplicable);
    assert_eq!(cell(&out, "control.memory-limit").verdict, Verdict::NotApplicable);
    let mut raw = host(1, V2, "", 0);
    raw.put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "100\n");
    raw.put("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "10\n");
    raw.put("/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "8\n");
    raw.put("/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
    raw.put("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "0\n");
    raw.put("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 900 kB\nSwapTotal: 1000 kB\nSwapFree: 100 kB\n");
    raw.put("/proc/swaps", "Filename Type Size Used Priority\n/swap file 1000 900 -2\n");
    let out = evaluate(&[raw]);
    let pools = cell(&out, "control.hugepages");
    assert_eq!(pools.instances.len(), 1, "an empty pool is none");
    assert!((pools.value.unwrap().number - 0.98).abs() < 1e-9, "reserved pages are promised already");
    assert_eq!(cell(&out, "control.swap").verdict, Verdict::Watch);
}

#[test]
fn a_kernel_of_2018_without_pressure_still_answers() {
    // Linux 4.18: no PSI, one workingset_refault, no oom_kill in memory.oom_control, no memory.events.local.
    let snapshot = |second, stalls| {
        let mut raw = host(
            second,
            V1,
            &format!("pgscan_direct {stalls}\nallocstall_normal {stalls}\nworkingset_refault 9\npswpin 0\n"),
            0,
        );
        raw.sources.remove("/proc/pressure/memory");
        raw.put_errno("/proc/pressure/memory", 2);
        small_v1(&mut raw, GIB / 2, 0, 0);
        raw.put("/sys/fs/cgroup/memory/small/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n");
        process(&mut raw, 40, "hog", 0, 1);
        raw
    };
    let out = evaluate(&[snapshot(1, 0), snapshot(2, 0)]);
    let saturation = cell(&out, "memory.saturation");
    assert_eq!(saturation.verdict, Verdict::Ok);
    assert_eq!(saturation.note.as_ref().unwrap().id, "memory-no-psi-no-waits");
    assert_eq!(cell(&out, "memory.errors").verdict, Verdict::Ok);
    let out = evaluate(&[snapshot(1, 0), snapshot(2, 700)]);
    assert_eq!(cell(&out, "memory.saturation").verdict, Verdict::Watch, "events without time are worth a look only");
    assert!(out.findings.iter().all(|finding| finding.severity == Severity::Watch));
}

#[test]
fn writers_to_a_partition_are_those_of_its_disk() {
    let snapshot = |second: u64| {
        let mounts = "25 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw\n";
        let mut raw = host(second, mounts, "", 0);
        let disk = |minor, name| format!("259 {minor} {name} 1 0 8 1 1 0 8 1 0 1 1\n");
        raw.put("/proc/diskstats", disk(0, "nvme0n1") + &disk(2, "nvme0n1p2") + &disk(3, "nvme1n1"));
        raw.put("@statvfs", mount("/", 1_000, 10, 0, 0));
        let row = |pid, minor: u64| {
            let device = 259 << 20 | minor;
            [pair(pid, device), 0, 0, 0, 0, second, 0, 0, second * 4096, 0, name(*b"writer\0\0"), 0]
        };
        raw.put("@bpf/block_process", table(&[&row(7, 0), &row(8, 3)]));
        process(&mut raw, 7, "writer", 0, 1);
        raw
    };
    let out = evaluate(&[snapshot(1), snapshot(2)]);
    let culprits: Vec<_> = cell(&out, "capacity.utilization").culprits.iter().map(|entity| entity.pid).collect();
    assert_eq!(culprits, [Some(7)]);
}

#[test]
fn an_accept_queue_that_nobody_may_see_is_not_empty() {
    let snapshot = |euid| {
        let mut raw = host(1, V2, "", 0);
        raw.put("@host", format!("machine x86_64\nself_pid 1\neuid {euid}\n"));
        raw.put("@fds", "7 100 100 100\n");
        raw
    };
    assert_eq!(cell(&evaluate(&[snapshot(1000)]), "fds.saturation").verdict, Verdict::Unmeasurable);
    assert_eq!(cell(&evaluate(&[snapshot(0)]), "fds.saturation").verdict, Verdict::Watch);
}

#[test]
fn files_that_are_read_again_since_the_limit_left_no_room_for_them_are_waited_for() {
    const FLAG_IO: u64 = perfuse_format::bpf::waits::FLAG_IO as u64;
    let snapshot = |second: u64, refaults: u64, read: u64, waited_ns: u64| {
        let mut raw = host(second, V1, "pgscan_direct 0\nallocstall_normal 0\npswpin 0\npgscan_kswapd 0\n", 0);
        small_v1(&mut raw, GIB, 100 * second, 0);
        let stat = format!("total_pgmajfault 0\ntotal_inactive_file 0\ntotal_workingset_refault_file {refaults}\n");
        raw.put("/sys/fs/cgroup/memory/small/memory.stat", stat);
        process(&mut raw, 40, "reader", 0, 100);
        raw.put("/proc/40/io", format!("read_bytes: {read}\nwrite_bytes: 0\ncancelled_write_bytes: 0\n"));
        let row = [pair(40, 40), pair(2, 17), FLAG_IO, 1, waited_ns, 0, 10 * second, 0, 1, name(*b"reader\0\0"), 0];
        raw.put("@bpf/wait_time", table(&[&row]));
        raw
    };
    let bytes = 4096 * 2_000;
    let out = evaluate(&[snapshot(1, 0, 0, 0), snapshot(2, 2_000, bytes, 400_000_000)]);
    let found = finding(&out, "memory.cgroup-limit").expect("what is read was given up before");
    assert!((found.wait_s_per_s.unwrap() - 0.4).abs() < 1e-9);
    assert_eq!((found.severity, found.victims[0].pid), (Severity::Bottleneck, Some(40)));
    // Most of what it reads is new to it: the disk is what it waits for.
    let out = evaluate(&[snapshot(1, 0, 0, 0), snapshot(2, 2_000, 5 * bytes, 400_000_000)]);
    assert!(finding(&out, "memory.cgroup-limit").is_none());
}
