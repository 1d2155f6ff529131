//! Limits of memory and of I/O that explain what is seen of disks, locks and dirty pages, and what stands beside them.

use perfuse_format::RawSnapshot;

use super::{GIB, V1, host, name, pair, process, small_v1, table};
use crate::{Checklist, Run, Scope, Thresholds};

/// All findings but those that say that little is left, ranked.
fn found(snapshots: &[RawSnapshot]) -> Vec<&'static str> {
    let run = Run::new(snapshots, Thresholds::default(), Scope::default()).unwrap();
    let findings = Checklist::build(&run).findings;
    findings.iter().map(|finding| finding.id).filter(|id| *id != "capacity.nearly-full").collect()
}

/// Group `/small` thrashes at its limit for five seconds, and its process 40 waits for its pages.
fn thrashing(fill: impl Fn(u64, &mut RawSnapshot)) -> Vec<RawSnapshot> {
    let at = |second: u64| {
        let vmstat = format!("pgscan_direct 0\nallocstall_normal 0\npswpin {}\npswpout 9\n", second * 500);
        let mut raw = host(second, V1, &vmstat, second * 800_000);
        small_v1(&mut raw, GIB, second * 20_000, 0);
        process(&mut raw, 40, "hog", second * 500, 200_000);
        let waits = [pair(40, 1), second * 800_000_000, second, 9, 7, 0, name(*b"hog\0\0\0\0\0"), 0];
        raw.put("@bpf/reclaim_process", table(&[&waits]));
        fill(second, &mut raw);
        raw
    };
    (0..5).map(at).collect()
}

#[test]
fn thrashing_explains_the_disk_with_the_swap_space_and_no_other() {
    // vda becomes slow in the last second. Where is the swap space?
    let swap_on = |swap: &'static str| {
        found(&thrashing(|second, raw| {
            let disk = |minor: u32, name: &str, wait: u64| {
                format!(
                    "254 {minor} {name} 0 0 0 0 {w} 0 {} {wait} 0 {} {wait}\n",
                    second * 25_600,
                    second * 50,
                    w = second * 100
                )
            };
            let wait = [0, 100, 200, 300, 4300][usize::try_from(second).unwrap()];
            let disks = disk(0, "vda", wait) + &disk(1, "vda1", wait) + &disk(16, "vdb", second * 100);
            raw.put("/proc/diskstats", disks);
            let mounts = "33 1 254:1 / / rw - ext4 /dev/vda1 rw\n34 1 254:16 / /data rw - ext4 /dev/vdb rw\n";
            raw.put("/proc/self/mountinfo", format!("{V1}{mounts}"));
            raw.put("/proc/swaps", format!("Filename Type Size Used Priority\n{swap} partition 1000000 500000 -2\n"));
        }))
    };
    for swap in ["/dev/vda1", "/swapfile", "/database/swap"] {
        assert_eq!(swap_on(swap), ["memory.cgroup-limit"], "{swap}");
    }
    for swap in ["/dev/vdb", "/data/swap", "/dev/gone"] {
        assert_eq!(swap_on(swap), ["memory.cgroup-limit", "disk.latency-rise"], "{swap}");
    }
}

#[test]
fn thrashing_explains_waits_for_locks_of_those_who_thrash() {
    // Thread 12 of a process waits for a lock that thread 11 of it holds.
    let in_process = |pid: u64| {
        found(&thrashing(|second, raw| {
            process(raw, u32::try_from(pid).unwrap(), "hog", second * 500, 1000);
            let comm = name(*b"hog\0\0\0\0\0");
            let ns = second * 900_000_000;
            let (waiter, holder) = (pair(pid, 12), pair(pid, 11));
            let call = 0x80 | 2 << 32;
            let row = [waiter, 0x700, 55, ns, second * 30, 40_000_000, 0, 0, comm, 0, holder, comm, 0, call];
            raw.put("@bpf/futex_wait", table(&[&row]));
            raw.put("@bpf/futex_waker", table(&[&[holder, 0x700, ns, second * 30, comm, 0, pid]]));
        }))
    };
    assert_eq!(in_process(40), ["memory.cgroup-limit"]);
    let mut apart = in_process(70);
    apart.sort_unstable();
    assert_eq!(apart, ["memory.cgroup-limit", "user-lock.contention"]);
}

/// Group `/job` with process 60 is at a limit of 2 MB/s; process `held` sleeps at the limit of dirty pages.
fn flushing(key: &'static str, held: u32) -> Vec<&'static str> {
    let at = |second: u64| {
        let mounts = "32 1 0:28 / /cg rw - cgroup2 cgroup2 rw\n33 1 254:0 / / rw - ext4 /dev/vda rw\n";
        let mut raw = host(second, mounts, "", 0);
        let limits = "nr_dirty_threshold 4000\nnr_dirty_background_threshold 2000";
        raw.put("/proc/vmstat", format!("nr_dirty 3500\nnr_writeback 100\n{limits}\nnr_written {}\n", second * 500));
        raw.put("/proc/diskstats", format!("254 0 vda {0} 0 {0} 9 {0} 0 {0} 9 0 9 18\n", second * 20));
        let pressure = format!("some avg10=0 total={}\nfull avg10=0 total=0\n", second * 400_000);
        raw.put("/proc/pressure/io", pressure.as_str());
        raw.put("/cg/job/io.pressure", pressure);
        let (read, write) = if key == "wbps" { ("max", "2097152") } else { ("2097152", "max") };
        raw.put("/cg/job/io.max", format!("254:0 rbps={read} wbps={write} riops=max wiops=max\n"));
        let bytes = second * 2_000_000;
        raw.put("/cg/job/io.stat", format!("254:0 rbytes={bytes} wbytes={bytes} rios=1 wios=1\n"));
        for pid in [60, 61] {
            process(&mut raw, pid, "writer", 0, 1);
            raw.put(
                format!("/proc/{pid}/io"),
                format!("read_bytes: 0\nwrite_bytes: {bytes}\ncancelled_write_bytes: 0\n"),
            );
        }
        raw.put("/proc/60/cgroup", "0::/job\n");
        raw.put("/proc/61/cgroup", "0::/other\n");
        raw.put("@disk/wchan", format!("{held} {held} balance_dirty_pages\n"));
        raw
    };
    let mut ids = found(&(0..5).map(at).collect::<Vec<_>>());
    ids.sort_unstable();
    ids
}

#[test]
fn a_limit_on_writing_explains_writers_that_are_held_back_and_one_on_reading_does_not() {
    const BOTH: [&str; 2] = ["capacity.dirty-throttled", "disk.cgroup-throttled"];
    assert_eq!(flushing("wbps", 60), ["disk.cgroup-throttled"]);
    assert_eq!(flushing("wbps", 61), BOTH, "a writer that the limit does not bind");
    assert_eq!(flushing("rbps", 60), BOTH);
}
