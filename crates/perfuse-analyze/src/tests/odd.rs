//! Odd hosts: whole runs over what a parser or a rule may not expect.

use perfuse_format::RawSnapshot;

use crate::{CELLS, CONTROLS, Checklist, Run, Scope, Thresholds, Verdict};

const SECOND: u64 = 1_000_000_000;

/// Two snapshots, 5 s apart, filled by `fill` with the number of the snapshot.
fn checklist(fill: impl Fn(&mut RawSnapshot, u64)) -> Checklist {
    let snapshot = |n: u64| {
        let mut raw = RawSnapshot { mono_ns: (100 + 5 * n) * SECOND, ..RawSnapshot::default() };
        raw.put("@host", "hostname h\nkernel 6.1\npage_size 4096\nclock_ticks 100\ncpus 2\nself_pid 1\n");
        raw.put("/proc/uptime", format!("{}.00 1.00\n", 100 + 5 * n));
        fill(&mut raw, n);
        raw
    };
    let snapshots = [snapshot(0), snapshot(1)];
    let checklist = Checklist::build(&Run::new(&snapshots, Thresholds::default(), Scope::default()).unwrap());
    assert_eq!((checklist.cells.len(), checklist.controls.len()), (CELLS.len(), CONTROLS.len()));
    for cell in checklist.cells.iter().chain(&checklist.controls) {
        assert!(cell.value.is_none_or(|value| value.number.is_finite()), "{}: {:?}", cell.id, cell.value);
    }
    checklist
}

fn stat(pid: u32, comm: &str, ticks: u64) -> String {
    format!(
        "{pid} ({comm}) R 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 50 0 25 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0"
    )
}

fn cpus(raw: &mut RawSnapshot, n: u64, lines: u64) {
    let busy = 400 * n;
    let idle = 1000 + 100 * n;
    let all = format!("cpu  {} 0 0 {} 0 0 0 0 0 0\n", busy * lines.max(1), idle * lines.max(1));
    let each = (0..lines).map(|cpu| format!("cpu{cpu} {busy} 0 0 {idle} 0 0 0 0 0 0\n"));
    raw.put("/proc/stat", std::iter::once(all).chain(each).collect::<String>());
}

#[test]
fn ten_thousand_processes_and_the_busy_one_is_named() {
    let checklist = checklist(|raw, n| {
        cpus(raw, n, 2);
        for pid in 1..=10_000 {
            let ticks = if pid == 7_777 { 450 * n } else { n };
            raw.put(format!("/proc/{pid}/stat"), stat(pid, "worker", ticks));
        }
    });
    let cell = checklist.cells.iter().find(|cell| cell.id == "cpu.utilization").unwrap();
    assert_eq!(cell.culprits.first().and_then(|culprit| culprit.pid), Some(7_777));
}

#[test]
fn names_with_blanks_parentheses_and_newlines_are_whole() {
    let name = "a) b\n(c";
    let checklist = checklist(|raw, n| {
        cpus(raw, n, 2);
        raw.put("/proc/9/stat", stat(9, name, 450 * n));
    });
    let cell = checklist.cells.iter().find(|cell| cell.id == "cpu.utilization").unwrap();
    assert_eq!(cell.culprits.first().map(|culprit| culprit.name.as_str()), Some(name));
}

#[test]
fn no_cpu_of_its_own_is_no_division_by_zero() {
    let checklist = checklist(|raw, n| {
        cpus(raw, n, 0);
        raw.put("@host", "hostname h\nkernel 6.1\npage_size 4096\nclock_ticks 100\ncpus 0\nself_pid 1\n");
    });
    assert!(checklist.cells.iter().any(|cell| cell.id == "cpu.utilization"));
}

#[test]
fn a_cpu_that_goes_offline_in_between_is_no_negative_time() {
    let checklist = checklist(|raw, n| cpus(raw, n, 2 - n));
    let cell = checklist.cells.iter().find(|cell| cell.id == "cpu.utilization").unwrap();
    assert!(cell.value.is_none_or(|value| (0.0..=1.0).contains(&value.number)), "{:?}", cell.value);
}

#[test]
fn empty_files_are_unmeasurable_and_not_zero() {
    let files = [
        "/proc/stat",
        "/proc/meminfo",
        "/proc/vmstat",
        "/proc/diskstats",
        "/proc/net/snmp",
        "/proc/net/netstat",
        "/proc/pressure/cpu",
        "/proc/pressure/memory",
        "/proc/pressure/io",
        "/proc/self/mountinfo",
        "/proc/loadavg",
        "/proc/sys/fs/file-nr",
        "@netlink/link",
        "@statvfs",
        "@kmsg",
        "@bpf/tasks",
    ];
    let checklist = checklist(|raw, _| {
        for file in files {
            raw.put(file, "");
        }
    });
    for id in ["cpu.utilization", "memory.utilization", "fds.utilization", "tasks.utilization"] {
        let cell = checklist.cells.iter().find(|cell| cell.id == id).unwrap();
        assert_eq!((cell.verdict, cell.value), (Verdict::Unmeasurable, None), "{id}");
    }
    assert_eq!(checklist.healthy, None);
}

#[test]
fn counters_that_go_backwards_are_resets_and_no_huge_rates() {
    let checklist = checklist(|raw, n| {
        let high = if n == 0 { 5_000_000_000_u64 } else { 3 };
        raw.put("/proc/stat", format!("cpu  {high} 0 0 {high} 0 0 0 0\ncpu0 {high} 0 0 {high} 0 0 0 0\n"));
        raw.put("/proc/vmstat", format!("pgmajfault {high}\npswpin {high}\npswpout {high}\noom_kill {high}\n"));
        raw.put("/proc/pressure/cpu", format!("some avg10=0.00 avg60=0.00 avg300=0.00 total={high}\n"));
        raw.put("/proc/9/stat", stat(9, "p", high));
    });
    for cell in checklist.cells.iter().chain(&checklist.controls) {
        assert!(cell.verdict <= Verdict::Watch, "{}: {:?} {:?}", cell.id, cell.verdict, cell.value);
        assert!(cell.value.is_none_or(|value| value.number < 1e9), "{}: {:?}", cell.id, cell.value);
    }
}
