//! The rules over whole runs: what is said, and the traps.

use perfuse_format::RawSnapshot;

use super::testing::{cell, checklist, disk_line, evaluate, finding, pressure, run_of, snapshot, stat_line};
use crate::cell::{Severity, Verdict};
use crate::checklist::Output;
use crate::table::{CELLS, CONTROLS};
use crate::{Resource, Run, Scope, Thresholds};

/// The cells and controls of these rules.
fn own_ids() -> Vec<&'static str> {
    let mine = |resource: Resource| {
        matches!(
            resource,
            Resource::Disk
                | Resource::StorageController
                | Resource::CpuInterconnect
                | Resource::MemoryInterconnect
                | Resource::IoInterconnect
        )
    };
    let cells = CELLS.iter().filter(|cell| mine(cell.resource)).map(|cell| cell.id);
    let controls = CONTROLS.iter().map(|control| control.id).filter(|id| *id == "control.io-throttle");
    cells.chain(controls).collect()
}

/// Five snapshots, a second apart; `fill` adds the files of each.
fn run(fill: impl Fn(u64, &mut RawSnapshot)) -> Vec<RawSnapshot> {
    let snapshots = (0..5).map(|second| {
        let mut raw = snapshot(second, &[]);
        fill(second, &mut raw);
        raw
    });
    snapshots.collect()
}

/// A process with its I/O so far, in bytes read and written.
fn process(raw: &mut RawSnapshot, pid: u32, stat: &str, io: (u64, u64)) {
    raw.put(format!("/proc/{pid}/stat"), stat);
    let io = format!("read_bytes: {}\nwrite_bytes: {}\ncancelled_write_bytes: 0\n", io.0, io.1);
    raw.put(format!("/proc/{pid}/io"), io);
}

const HYBRID: &str = "31 1 0:27 / /cg/blkio rw - cgroup cgroup rw,blkio\n32 1 0:28 / /cg/unified rw - cgroup2 cgroup2 rw\n33 1 254:0 / / rw - ext4 /dev/vda rw\n";

#[test]
fn an_empty_run_fills_in_every_cell_with_its_reason() {
    for snapshots in [vec![RawSnapshot::default()], vec![RawSnapshot::default(), snapshot(1, &[])]] {
        let out = evaluate(&snapshots);
        let ids: Vec<_> = out.cells.keys().copied().collect();
        let mut wanted = own_ids();
        wanted.sort_unstable();
        assert_eq!(ids, wanted);
        assert!(out.findings.is_empty());
        for cell in out.cells.values() {
            assert!(matches!(cell.verdict, Verdict::Unmeasurable | Verdict::NotApplicable), "{}", cell.id);
            assert!(cell.reason.is_some() && cell.value.is_none(), "{}", cell.id);
        }
    }
}

/// A writer under a v1 limit of 1 MB/s: the device idles, the host stalls.
fn throttled_v1(second: u64, raw: &mut RawSnapshot) {
    raw.put("/proc/self/mountinfo", HYBRID);
    raw.put("/proc/diskstats", disk_line("vda", second * 8, second * 7, second * 9));
    raw.put("/proc/pressure/io", pressure(second * 750_000, second * 730_000));
    raw.put("/cg/blkio/slow/blkio.throttle.write_bps_device", "254:0 1048576\n");
    let bytes = second * 1_000_000;
    raw.put("/cg/blkio/slow/blkio.throttle.io_service_bytes", format!("254:0 Read 0\n254:0 Write {bytes}\n"));
    process(raw, 50, &stat_line(50, "dd", 'D', 10 + second, 0), (0, bytes));
    raw.put("/proc/50/cgroup", "3:blkio:/slow\n0::/\n");
    raw.put("@disk/wchan", "50 50 __iomap_dio_rw\n");
}

#[test]
fn a_v1_limit_is_named_although_the_device_is_idle() {
    let snapshots = run(throttled_v1);
    let out = evaluate(&snapshots);
    let found = finding(&out, "disk.cgroup-throttled").unwrap();
    assert_eq!((found.severity, found.control), (Severity::Bottleneck, Some("control.io-throttle")));
    assert_eq!((found.culprit.name.as_str(), found.victims[0].name.as_str()), ("/slow", "dd"));
    assert!(found.wait_s_per_s.unwrap() > 0.7);
    assert!(found.advice[0].command.as_ref().unwrap().contains("254:0 0"));
    assert_eq!(out.findings.len(), 1, "nothing else is blamed: {:?}", out.findings);
    assert_eq!(cell(&out, "disk.saturation").verdict, Verdict::Bottleneck);
    assert_eq!(cell(&out, "disk.utilization").verdict, Verdict::Ok);
    assert_eq!(cell(&out, "control.io-throttle").verdict, Verdict::Bottleneck);
    assert_eq!(checklist(&snapshots).healthy, Some(false));
}

#[test]
fn a_v2_limit_is_measured_by_the_pressure_of_its_cgroup() {
    let fill = |used: u64| {
        move |second: u64, raw: &mut RawSnapshot| {
            raw.put("/proc/self/mountinfo", HYBRID);
            raw.put("/proc/diskstats", disk_line("vda", second * 20, second * 9, second * 9));
            raw.put("/proc/pressure/io", pressure(second * 400_000, 0));
            raw.put("/cg/unified/job/io.max", "254:0 rbps=max wbps=2097152 riops=max wiops=max\n");
            raw.put("/cg/unified/job/io.stat", format!("254:0 rbytes=0 wbytes={} rios=0 wios=1\n", second * used));
            raw.put("/cg/unified/job/io.pressure", pressure(second * 400_000, 0));
            process(raw, 60, &stat_line(60, "job", 'S', second, 0), (0, second * used));
            raw.put("/proc/60/cgroup", "0::/job/inner\n");
        }
    };
    let out = evaluate(&run(fill(2_000_000)));
    let found = finding(&out, "disk.cgroup-throttled").unwrap();
    assert!((found.wait_s_per_s.unwrap() - 0.4).abs() < 0.01);
    assert_eq!(found.victims[0].name, "job");
    // The same stall far below the limit is not the limit's.
    let out = evaluate(&run(fill(200_000)));
    assert!(finding(&out, "disk.cgroup-throttled").is_none());
    assert_eq!(cell(&out, "control.io-throttle").verdict, Verdict::Ok);
}

#[test]
fn a_limit_that_nobody_waits_for_is_only_worth_a_look() {
    let snapshots = run(|second, raw| {
        throttled_v1(second, raw);
        raw.put("/proc/pressure/io", pressure(0, 0));
        raw.put("@disk/wchan", "");
    });
    let out = evaluate(&snapshots);
    assert!(out.findings.is_empty(), "{:?}", out.findings);
    assert_eq!(cell(&out, "control.io-throttle").verdict, Verdict::Watch);
}

#[test]
fn a_busy_parallel_device_that_nobody_waits_for_is_healthy() {
    let snapshots = run(|second, raw| {
        raw.put("/proc/diskstats", disk_line("nvme0n1", second * 9000, second * 1000, second * 900));
        raw.put("/sys/block/nvme0n1/queue/rotational", "0\n");
        raw.put("/sys/block/nvme0n1/queue/nr_requests", "1023\n");
        raw.put("/proc/pressure/io", pressure(second * 10_000, 0));
    });
    let out = evaluate(&snapshots);
    let utilization = cell(&out, "disk.utilization");
    assert_eq!(utilization.verdict, Verdict::Ok);
    assert!((utilization.value.unwrap().number - 1.0).abs() < 1e-9);
    assert_eq!(utilization.note.as_ref().unwrap().id, "disk-utilization-parallel");
    assert_eq!(utilization.history.len(), 4);
    assert_eq!(cell(&out, "disk.saturation").verdict, Verdict::Ok);
    assert!(out.findings.is_empty());
    // The same load on a spinning disk leaves no room, and is still no bottleneck.
    let spinning = run(|second, raw| {
        raw.put("/proc/diskstats", disk_line("sda", second * 90, second * 1000, second * 900));
        raw.put("/sys/block/sda/queue/rotational", "1\n");
    });
    let out = evaluate(&spinning);
    assert_eq!(cell(&out, "disk.utilization").verdict, Verdict::Watch);
    assert!(out.findings.is_empty());
}

/// `db` waits 0.6 s/s for a disk that `backup` fills.
fn contended(second: u64, raw: &mut RawSnapshot) {
    raw.put("/proc/diskstats", disk_line("vda", second * 400, second * 990, second * 8000));
    raw.put("/proc/pressure/io", pressure(second * 650_000, second * 200_000));
    process(raw, 70, &stat_line(70, "db", 'D', second * 5, second * 60), (second * 400_000, 0));
    process(raw, 71, &stat_line(71, "backup", 'S', second * 20, second * 2), (0, second * 52_000_000));
    let kernel = stat_line(72, "kworker/u4:1", 'D', second, second * 90).replace(" 0 -1 0 ", " 0 -1 2097152 ");
    process(raw, 72, &kernel, (0, second * 90_000_000));
}

#[test]
fn the_victim_and_the_one_who_fills_the_disk_are_named() {
    let snapshots = run(contended);
    let out = evaluate(&snapshots);
    assert_eq!(out.findings.len(), 1, "{:?}", out.findings);
    let found = finding(&out, "disk.saturated").unwrap();
    assert_eq!((found.victims[0].name.as_str(), found.culprit.name.as_str()), ("db", "backup"));
    assert_eq!(found.victims.len(), 1, "2 ms a second is no suffering, and kernel threads write for others");
    assert!((found.wait_s_per_s.unwrap() - 0.6).abs() < 0.01);
    assert!(found.keys().contains("device:vda"));
    let saturation = cell(&out, "disk.saturation");
    assert_eq!(saturation.verdict, Verdict::Bottleneck);
    assert_eq!((saturation.instances[0].name.as_str(), saturation.instances[0].verdict), ("vda", Verdict::Bottleneck));
    assert!((saturation.value.unwrap().number - 0.65).abs() < 0.01);
    assert_eq!(cell(&out, "disk.utilization").culprits[0].name, "backup");
}

#[test]
fn a_narrowed_report_speaks_of_its_processes_only() {
    let snapshots = run(contended);
    let scope = Scope { pids: vec![71], cgroup: None };
    let narrowed = Run::new(&snapshots, Thresholds::default(), scope).unwrap();
    let mut out = Output::default();
    (super::SLICE.evaluate)(&narrowed, &mut out);
    assert!(out.findings.is_empty(), "the backup itself does not wait: {:?}", out.findings);
    assert!((cell(&out, "disk.saturation").value.unwrap().number - 0.02).abs() < 0.005);
}

#[test]
fn without_names_the_pressure_of_the_host_is_the_victim() {
    let snapshots = run(|second, raw| {
        raw.put("/proc/diskstats", disk_line("vda", second * 400, second * 990, second * 8000));
        raw.put("/proc/pressure/io", pressure(second * 650_000, second * 200_000));
    });
    let out = evaluate(&snapshots);
    let found = finding(&out, "disk.saturated").unwrap();
    assert_eq!((found.victims[0].name.as_str(), found.culprit.name.as_str()), ("host", "vda"));
}

#[test]
fn waiting_without_disk_work_is_not_blamed_on_a_disk() {
    let snapshots = run(|second, raw| {
        raw.put("/proc/diskstats", disk_line("vda", 100 + second, second, second));
        raw.put("/proc/pressure/io", pressure(second * 800_000, second * 800_000));
    });
    let out = evaluate(&snapshots);
    assert_eq!(out.findings.len(), 1);
    assert!(finding(&out, "disk.wait-off-device").is_some());
}

#[test]
fn a_journal_commit_is_told_from_a_slow_disk() {
    let snapshots = run(|second, raw| {
        raw.put("/proc/diskstats", disk_line("sda", second * 200, second * 300, second * 900));
        // A journal commit is no I/O wait to the kernel: pressure and delay accounting do not show it.
        raw.put("/proc/pressure/io", pressure(second * 20_000, 0));
        process(raw, 80, &stat_line(80, "mysqld", 'D', second * 10, 0), (0, second * 1_000_000));
        raw.put("@disk/wchan", "80 80 jbd2_log_wait_commit\n");
    });
    let out = evaluate(&snapshots);
    assert_eq!(out.findings.len(), 1, "{:?}", out.findings);
    let found = finding(&out, "disk.journal").unwrap();
    assert_eq!(found.victims[0].name, "mysqld");
    assert!(found.wait_s_per_s.unwrap() > 0.9);
}

/// A table of a BPF map with one row of 64-bit words.
fn table(words: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(u32::try_from(words.len() * 8).unwrap().to_ne_bytes());
    bytes.extend(1_u32.to_ne_bytes());
    bytes.extend(0_u64.to_ne_bytes());
    bytes.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
    bytes
}

#[test]
fn a_lock_whose_holder_waits_for_the_disk_is_explained_by_the_disk() {
    // `busy`: jiffies of thread 75 in a second, where its threads are known one by one.
    let blocked_for = |tid: u64, blocked_ns: u64, busy: Option<u64>| {
        let mut snapshots = run(contended);
        for (second, raw) in (0_u64..).zip(&mut snapshots) {
            if let Some(busy) = busy {
                raw.put("/proc/70/task/75/stat", stat_line(75, "db", 'D', second * busy, 0));
            }
        }
        let name = u64::from_ne_bytes(*b"db\0\0\0\0\0\0");
        let last = snapshots.last_mut().unwrap();
        // Thread 75 of `db` was in state D for 2.4 of the 4 s, and others waited 1.2 s for what it held.
        last.put("@bpf/offcpu", table(&[0x46 | 0x4b << 32, 1, 0, 2, blocked_ns, 0, 40, 90_000_000, 0, name, 0]));
        last.put("@bpf/futex_waker", table(&[0x46 | tid << 32, 0x700, 1_200_000_000, 30, name, 0, 70]));
        evaluate(&snapshots)
    };
    let with_waker = |tid| blocked_for(tid, 2_400_000_000, None);
    let out = with_waker(75);
    let found = finding(&out, "disk.saturated").unwrap();
    assert_eq!((found.explains, found.chain[0].from.id.as_str()), (&["user-lock.contention"][..], "disk-link-lock"));
    let out = with_waker(76);
    assert!(finding(&out, "disk.saturated").unwrap().explains.is_empty(), "another thread held it");
    // A tenth of its time, and it does hardly anything else: what it held the lock for was the disk.
    let explains = |busy| finding(&blocked_for(75, 400_000_000, Some(busy)), "disk.saturated").unwrap().explains;
    assert_eq!(explains(1), ["user-lock.contention"]);
    assert!(explains(50).is_empty(), "it works most of the time");
}

#[test]
fn a_lock_in_state_d_is_not_a_wait_for_storage() {
    let snapshots = run(|second, raw| {
        raw.put("/proc/diskstats", disk_line("sda", second * 200, second * 300, second * 900));
        process(raw, 80, &stat_line(80, "app", 'D', second * 10, 0), (0, 0));
        raw.put("@disk/wchan", "80 80 rwsem_down_write_slowpath\n");
    });
    assert!(evaluate(&snapshots).findings.is_empty());
}

/// `guest` waits for a loop device on `sda`; `rsync` reads `other` bytes a second there.
fn on_loop(other: u64) -> impl Fn(u64, &mut RawSnapshot) {
    move |second, raw| {
        let below = format!(
            " 8 0 sda 0 0 0 0 {w} 0 {s} {t} 0 {b} {t} 0 0 0 0 0 0\n 7 3 loop3 0 0 0 0 {w} 0 {s} {u} 0 {b} {u} 0 0 0 0 0 0\n",
            w = second * 100,
            s = second * 25_600,
            t = second * 2000,
            u = second * 3000,
            b = second * 900
        );
        raw.put("/proc/diskstats", below);
        raw.put("/sys/block/loop3/loop/backing_file", "/data/image.raw\n");
        raw.put("/proc/self/mountinfo", "30 1 8:0 / /data rw - ext4 /dev/sda rw\n");
        raw.put("/proc/pressure/io", pressure(second * 800_000, 0));
        process(raw, 90, &stat_line(90, "guest", 'D', second * 5, second * 70), (0, second * 1_000_000));
        process(raw, 91, &stat_line(91, "rsync", 'S', second * 5, 0), (second * other, 0));
    }
}

#[test]
fn a_loop_device_leads_to_the_disk_below_and_its_user() {
    let snapshots = run(on_loop(40_000_000));
    let out = evaluate(&snapshots);
    let found = finding(&out, "disk.loop-backing").unwrap();
    assert_eq!((found.victims[0].name.as_str(), found.culprit.name.as_str()), ("guest", "rsync"));
    assert!(found.keys().contains("device:sda") && found.keys().contains("device:loop3"));
    assert_eq!(checklist(&snapshots).findings.iter().filter(|finding| finding.cell == "disk.saturation").count(), 1);
    // Someone who does little down there is not the cause.
    let out = evaluate(&run(on_loop(400_000)));
    assert_eq!(finding(&out, "disk.loop-backing").unwrap().culprit.name, "guest");
}

#[test]
fn a_rise_of_latency_is_seen_before_anyone_waits() {
    let snapshots = run(|second, raw| {
        let wait = [0, 100, 200, 300, 4300][usize::try_from(second).unwrap()];
        raw.put("/proc/diskstats", disk_line("vda", second * 100, second * 50, wait));
        raw.put("/proc/pressure/io", pressure(0, 0));
    });
    let out = evaluate(&snapshots);
    let found = finding(&out, "disk.latency-rise").unwrap();
    assert_eq!(found.severity, Severity::Watch);
    assert_eq!(cell(&out, "disk.saturation").verdict, Verdict::Watch);
}

#[test]
fn new_errors_are_errors_and_old_ones_history() {
    let log = "3,5,1000000,-;I/O error, dev sda, sector 5 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 0\n";
    let old = run(|second, raw| {
        raw.put("/sys/fs/ext4/vda/errors_count", "3\n");
        raw.put("/sys/block/sda/device/ioerr_cnt", "0x10\n");
        raw.put("@kmsg", if second == 0 { log } else { "" });
    });
    let out = evaluate(&old);
    let errors = cell(&out, "disk.errors");
    assert_eq!((errors.verdict, errors.value.unwrap().number), (Verdict::Watch, 0.0));
    assert!(out.findings.is_empty());
    let new = run(|second, raw| {
        raw.put("/sys/fs/ext4/vda/errors_count", format!("{}\n", 3 + second));
        raw.put("/sys/block/sda/device/ioerr_cnt", format!("{:#x}\n", 16 + second));
        raw.put("/proc/mdstat", "Personalities : [raid1]\nmd0 : active raid1 sdb[1] sda[0](F)\n      100 blocks [2/1] [_U]\n\nunused devices: <none>\n");
    });
    let out = evaluate(&new);
    assert_eq!(cell(&out, "disk.errors").verdict, Verdict::Error);
    assert!(cell(&out, "disk.errors").note.is_some(), "the log could not be read, and that is said");
    for id in ["disk.filesystem-errors", "disk.io-errors", "disk.array-degraded"] {
        assert_eq!(finding(&out, id).unwrap().severity, Severity::Error, "{id}");
    }
}

#[test]
fn a_device_that_is_offline_is_named_and_one_that_runs_is_not() {
    let state = |state: &'static str| {
        let out = evaluate(&run(|_, raw| raw.put("/sys/block/sda/device/state", format!("{state}\n"))));
        finding(&out, "disk.device-failed").map(|found| (found.severity, found.culprit.name.clone()))
    };
    assert_eq!(state("offline"), Some((Severity::Error, "sda".to_owned())));
    assert_eq!(state("running"), None);
    assert_eq!(state("blocked"), None, "its errors are being handled");
}

#[test]
fn two_sources_of_one_trouble_make_one_finding() {
    let log = "3,5,101000000,-;I/O error, dev sda, sector 5 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 0\n\
               2,6,101000001,-;EXT4-fs error (device sda): ext4_wait_block_bitmap:582: comm x: Cannot read block bitmap\n";
    let snapshots = run(|second, raw| {
        raw.put("/sys/fs/ext4/sda/errors_count", format!("{second}\n"));
        raw.put("/sys/block/sda/device/ioerr_cnt", format!("{:#x}\n", 16 + second));
        raw.put("@kmsg", if second == 2 { log } else { "" });
    });
    let out = evaluate(&snapshots);
    assert_eq!(out.findings.len(), 2);
    assert_eq!(finding(&out, "disk.io-errors").unwrap().chain.len(), 2);
    assert_eq!(finding(&out, "disk.filesystem-errors").unwrap().chain.len(), 2);
    // What the filesystem could not read is the device's trouble.
    let left: Vec<_> = checklist(&snapshots).findings.iter().map(|finding| finding.id).collect();
    assert_eq!(left, ["disk.io-errors"]);
}

#[test]
fn one_node_has_no_interconnect_and_two_show_remote_allocations() {
    let node = |name: &str, local: u64, other: u64| {
        let text = format!("numa_hit 1\nlocal_node {local}\nother_node {other}\n");
        (format!("/sys/devices/system/node/{name}/numastat"), text)
    };
    let with = |nodes: &[&str]| {
        run(|second, raw| {
            for name in nodes {
                let (path, text) = node(name, second * 100, second * 80);
                raw.put(path, text);
            }
        })
    };
    let out = evaluate(&with(&["node0"]));
    assert_eq!(cell(&out, "cpu-interconnect.saturation").verdict, Verdict::NotApplicable);
    let out = evaluate(&with(&["node0", "node1"]));
    let utilization = cell(&out, "cpu-interconnect.utilization");
    assert_eq!((utilization.verdict, utilization.instances.len()), (Verdict::Watch, 2));
    assert_eq!(cell(&out, "cpu-interconnect.errors").verdict, Verdict::Unmeasurable);
}

#[test]
fn low_ipc_matters_only_on_busy_cpus() {
    let with = |busy: u64| {
        run(|second, raw| {
            let (cycles, instructions, ns) = (second * 1_000_000, second * 100_000, second * 1_000_000_000);
            raw.put("@perf/ipc", format!("cycles 0 {cycles} {ns} {ns}\ninstructions 0 {instructions} {ns} {ns}\n"));
            raw.put("/proc/stat", format!("cpu {} 0 0 {} 0 0 0 0\n", second * busy, second * (100 - busy)));
        })
    };
    let out = evaluate(&with(80));
    let saturation = cell(&out, "memory-interconnect.saturation");
    assert_eq!(saturation.verdict, Verdict::Watch);
    assert!((saturation.value.unwrap().number - 0.1).abs() < 1e-9);
    assert_eq!(cell(&evaluate(&with(5)), "memory-interconnect.saturation").verdict, Verdict::Ok);
    let guest = run(|_, raw| {
        raw.put("@host", "hostname h\nvirtualization kvm\n");
        raw.put_errno("@perf/ipc", 2);
    });
    let out = evaluate(&guest);
    let reason = cell(&out, "memory-interconnect.saturation").reason.as_ref().unwrap();
    assert!(format!("{reason:?}").contains("kvm: no PMU"));
}

/// Two disks behind one controller with a link of 250 MB/s.
fn controller(second: u64, raw: &mut RawSnapshot) {
    let line = |minor: u64, name: &str| {
        let (writes, sectors, ms) = (second * 100, second * 220_000, second * 900);
        format!(" 8 {minor} {name} 0 0 0 0 {writes} 0 {sectors} {ms} 0 {ms} {ms}\n")
    };
    raw.put("/proc/diskstats", line(0, "sda") + &line(16, "sdb"));
    let path = "/sys/devices/pci0000:00/0000:03:00.0/host0/target/block";
    raw.put("@pci/block", format!("disk sda {path}/sda\ndisk sdb {path}/sdb\n"));
    let base = "/sys/bus/pci/devices/0000:03:00.0";
    raw.put(format!("{base}/current_link_speed"), "2.5 GT/s PCIe\n");
    raw.put(format!("{base}/current_link_width"), "1\n");
    raw.put(format!("{base}/max_link_speed"), "8.0 GT/s PCIe\n");
    raw.put(format!("{base}/max_link_width"), "4\n");
    raw.put(format!("{base}/aer_dev_fatal"), format!("DLP {second}\nTOTAL_ERR_FATAL {second}\n"));
    raw.put("/proc/pressure/io", pressure(second * 500_000, 0));
}

#[test]
fn disks_of_one_controller_share_its_link() {
    let out = evaluate(&run(controller));
    let utilization = cell(&out, "storage-controller.utilization");
    assert!((utilization.value.unwrap().number - 0.901_12).abs() < 1e-3);
    assert_eq!((utilization.verdict, utilization.instances.len()), (Verdict::Watch, 1));
    assert!(finding(&out, "storage-controller.link-full").is_some());
    assert_eq!(cell(&out, "io-interconnect.saturation").verdict, Verdict::Watch, "a link below its maximum");
    assert_eq!(cell(&out, "storage-controller.errors").verdict, Verdict::Error);
    let fatal = finding(&out, "io-interconnect.pcie-fatal").unwrap();
    assert_eq!(fatal.culprit.name, "0000:03:00.0");
}

#[test]
fn one_disk_on_a_virtual_controller_is_said_to_be_an_alias() {
    let out = evaluate(&run(|second, raw| {
        contended(second, raw);
        raw.put("@pci/block", "disk vda /sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda\n");
    }));
    let saturation = cell(&out, "storage-controller.saturation");
    assert_eq!(saturation.verdict, Verdict::Bottleneck);
    assert_eq!(saturation.note.as_ref().unwrap().id, "storage-controller-alias");
    let without = evaluate(&run(|second, raw| {
        contended(second, raw);
        raw.put("@pci/block", "disk vda /sys/devices/virtual/block/vda\n");
    }));
    assert_eq!(cell(&without, "storage-controller.saturation").verdict, Verdict::NotApplicable);
}

#[test]
fn one_snapshot_is_too_early_for_rates_and_enough_for_states() {
    let snapshots =
        [snapshot(1, &[("/proc/diskstats", &disk_line("vda", 5, 5, 5)), ("/proc/mdstat", "Personalities : \n")])];
    let out = evaluate(&snapshots);
    assert_eq!(cell(&out, "disk.utilization").verdict, Verdict::Unmeasurable);
    assert_eq!(cell(&out, "disk.errors").verdict, Verdict::Ok);
    assert!(run_of(&snapshots).seconds() < 1e-9);
}
