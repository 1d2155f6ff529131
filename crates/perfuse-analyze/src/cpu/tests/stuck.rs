//! Threads that cannot go on: one thread that is its program's limit, and locks of the kernel.

use perfuse_format::RawSnapshot;
use perfuse_format::bpf::{LockHist, Table};

use super::super::testing::{build, second, stat};
use crate::{Checklist, EntityKind, Finding, Severity, Verdict};

fn finding<'a>(checklist: &'a Checklist, id: &str) -> Option<&'a Finding> {
    checklist.findings.iter().find(|finding| finding.id == id)
}

fn ids(checklist: &Checklist) -> Vec<&'static str> {
    checklist.findings.iter().map(|finding| finding.id).collect()
}

/// Four CPUs over a second, `busy` of them full; processes 7 and 8 use so many ticks of 10 ms.
fn busy(busy: u64, ticks: [u64; 2]) -> [RawSnapshot; 2] {
    [0_u64, 1].map(|n| {
        let mut raw = second(n);
        raw.put("@host", "page_size 4096\nclock_ticks 100\ncpus 4\nself_pid 1\n");
        let line = |cpu: u64| {
            if cpu < busy { format!("cpu{cpu} {} 0 0 0\n", 100 * n) } else { format!("cpu{cpu} 0 0 0 {}\n", 100 * n) }
        };
        let all = format!("cpu  {} 0 0 {}\n", busy * 100 * n, (4 - busy) * 100 * n);
        raw.put("/proc/stat", all + &(0..4).map(line).collect::<String>());
        for (pid, ticks) in [7, 8].into_iter().zip(ticks) {
            raw.put(format!("/proc/{pid}/stat"), stat(pid, "app", ticks * n, pid - 7));
            raw.put(format!("/proc/{pid}/schedstat"), "0 0 0");
        }
        raw
    })
}

#[test]
fn one_thread_at_its_limit_is_told_while_other_cpus_idle() {
    let checklist = build(&busy(1, [100, 0]));
    let found = finding(&checklist, "cpu.hot-thread").unwrap();
    assert_eq!((found.severity, found.culprit.pid), (Severity::Watch, Some(7)));
    assert!(found.wait_s_per_s.is_none(), "nobody is seen to wait for it");
    // The same work spread over two threads, and a host that is full anyway.
    for (full, ticks) in [(1, [50, 50]), (4, [100, 100])] {
        let checklist = build(&busy(full, ticks));
        assert!(checklist.findings.is_empty(), "{:?}", ids(&checklist));
    }
}

fn table(size: usize, rows: &[&[u64]]) -> Vec<u8> {
    let mut bytes = u32::try_from(size).unwrap().to_ne_bytes().to_vec();
    bytes.extend(u32::try_from(rows.len()).unwrap().to_ne_bytes());
    bytes.extend(0_u64.to_ne_bytes());
    bytes.extend(rows.iter().flat_map(|row| row.iter().flat_map(|word| word.to_ne_bytes())));
    bytes
}

/// A process waits for so long at one place of the kernel in a second.
fn contended(pid: u32, stat: &str, ns: u64) -> [RawSnapshot; 2] {
    let mut snapshots = [second(0), second(1)];
    for raw in &mut snapshots {
        raw.put("@host", "page_size 4096\nclock_ticks 100\ncpus 2\nself_pid 1\n");
        raw.put(format!("/proc/{pid}/stat"), stat);
        raw.put("@bpf/lock_hist", table(LockHist::ROW, &[]));
    }
    let name = u64::from_ne_bytes(*b"find\0\0\0\0");
    let row = [55, u64::from(pid) | 32 << 32, ns, 40, ns / 40, 0xff00, 0, name, 0];
    snapshots[1].put("@bpf/lock_wait", table(72, &[&row]));
    snapshots[1].put("@stacks", "55\tkernel\t__mutex_lock+0x1;unlinkat_lookup+0x2;do_unlinkat\n");
    snapshots
}

#[test]
fn a_contended_lock_of_the_kernel_is_named_by_who_asks_for_it() {
    let checklist = build(&contended(40, &stat(40, "find", 5, 0), 600_000_000));
    let found = finding(&checklist, "kernel-lock.contention").unwrap();
    assert_eq!((found.culprit.kind, found.culprit.name.as_str()), (EntityKind::Lock, "unlinkat_lookup < do_unlinkat"));
    assert_eq!((found.severity, found.victims[0].pid), (Severity::Bottleneck, Some(40)));
    assert!((found.wait_s_per_s.unwrap() - 0.6).abs() < 1e-9);
    // Short waits, and a worker of the kernel of which nobody is seen to wait.
    let worker = stat(40, "kworker/0:1", 5, 0).replace(" 0 -1 4194304 ", " 0 -1 69238880 ");
    for snapshots in [contended(40, &stat(40, "find", 5, 0), 6_000_000), contended(40, &worker, 600_000_000)] {
        let checklist = build(&snapshots);
        assert!(checklist.findings.is_empty(), "{:?}", ids(&checklist));
    }
}

/// A log with this record: from before the run, or from within it.
fn logged(text: &str, during: bool) -> Checklist {
    let mut snapshots = [second(100), second(110)];
    let at = if during { 105_000_000 } else { 5_000_000 };
    snapshots[usize::from(during)].put("@kmsg", format!("3,9,{at},-;{text}\n"));
    snapshots[usize::from(!during)].put("@kmsg", "");
    build(&snapshots)
}

#[test]
fn lockups_and_hung_tasks_of_the_run_are_errors_and_old_ones_history() {
    const LOCKUP: &str = "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [burn:4711]";
    const HUNG: &str = "INFO: task tar:812 blocked for more than 122 seconds.";
    let checklist = logged(LOCKUP, true);
    let found = finding(&checklist, "kernel-lock.lockup").unwrap();
    assert_eq!((found.severity, found.culprit.name.as_str(), found.culprit.tid), (Severity::Error, "burn", Some(4711)));
    let checklist = logged(HUNG, true);
    let found = finding(&checklist, "kernel-lock.hung-task").unwrap();
    assert_eq!(
        (found.severity, found.victims[0].name.as_str(), found.victims[0].tid),
        (Severity::Error, "tar", Some(812))
    );
    for text in [LOCKUP, HUNG] {
        let checklist = logged(text, false);
        assert!(checklist.findings.is_empty(), "{:?}", ids(&checklist));
        let cell = checklist.cells.iter().find(|cell| cell.id == "kernel-lock.errors").unwrap();
        assert!(cell.verdict < Verdict::Error);
    }
}
