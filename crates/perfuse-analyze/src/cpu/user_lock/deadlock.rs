//! `user-lock.errors`: processes whose threads all wait for each other's locks.
//!
//! The collector reads `/proc/PID/task/TID/syscall` of processes that sleep in a futex call. A line is
//!
//! ```text
//! 202 0x55d0c9a3e2a0 0x80 0x2 0x0 0x0 0x0 0x7ffc... 0x7f31...
//! |   |              |    |   |
//! |   address        |    |   timeout (a pointer; 0 is none)
//! |                  |    value that the word had
//! |                  operation: FUTEX_WAIT with FUTEX_PRIVATE_FLAG
//! number of futex(2)
//! ```
//! [`is_mutex`] says what operation and value tell of a lock.

use std::collections::{BTreeMap, BTreeSet};

use perfuse_format::bpf::is_mutex;
use perfuse_format::parse::{fields, hex, unsigned};
use perfuse_format::{Missing, Raw, RawSnapshot, Reading, Why};

use super::super::{advice, link, process};
use crate::cell::{Cell, Entity, Evidence, Finding, Instance, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Resource};

const ID: &str = "user-lock.errors";

/// The operation without its flags (`include/uapi/linux/futex.h`): 0 and 9 wait, 6 and 13 take a lock with priority
/// inheritance, 11 waits and moves on to one.
const COMMAND: u32 = 0x7f;

/// What one thread is parked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parked {
    address: u64,
    /// Waits for a mutex for ever.
    mutex: bool,
    /// Waits with a timeout: it will go on by itself.
    timeout: bool,
}

/// The futex call of a line; nothing for another call or a running thread.
fn parked(line: &[u8], machine: &str) -> Option<Parked> {
    let mut parts = fields(line);
    let number = parts.next().and_then(unsigned)?;
    if number != if machine == "x86_64" { 202 } else { 98 } {
        return None;
    }
    let mut next = || parts.next().and_then(hex);
    let (address, operation, value, timeout) = (next()?, next()?, next()?, next()?);
    let small = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or(0);
    let operation = small(operation);
    if !matches!(operation & COMMAND, 0 | 6 | 9 | 11 | 13) {
        return None;
    }
    let mutex = is_mutex(operation, small(value));
    Some(Parked { address, mutex: mutex && timeout == 0, timeout: timeout != 0 })
}

/// Addresses that threads were seen to wait for as for a mutex: `(pid, address)`.
pub(super) fn mutexes(run: &Run) -> BTreeSet<(u32, u64)> {
    let mut found = BTreeSet::new();
    for raw in run.snapshots.iter().filter(|raw| raw.has("@parked")) {
        for (pid, threads) in threads(raw) {
            for content in threads.into_values() {
                if let Raw::Bytes(line) = content
                    && let Some(parked) = parked(line, &run.host.machine).filter(|parked| parked.mutex)
                {
                    found.insert((pid, parked.address));
                }
            }
        }
    }
    found
}

/// The threads of each process for which a snapshot has `syscall`.
fn threads(raw: &RawSnapshot) -> BTreeMap<u32, BTreeMap<u32, &Raw>> {
    let mut all: BTreeMap<u32, BTreeMap<u32, &Raw>> = BTreeMap::new();
    for (name, content) in raw.under("/proc/") {
        let Some((pid, tid)) = name.strip_suffix("/syscall").and_then(|rest| rest.split_once("/task/")) else {
            continue;
        };
        if let (Ok(pid), Ok(tid)) = (pid.parse(), tid.parse()) {
            all.entry(pid).or_default().insert(tid, content);
        }
    }
    all
}

/// Threads that sat in the same wait for a mutex over the whole run: no program that counts ended waits has seen them.
pub(super) fn endless(run: &Run) -> Vec<(u32, u32, u64)> {
    let mut with = run.snapshots.iter().filter(|raw| raw.has("@parked"));
    let (Some(first), Some(last)) = (with.next(), with.next_back()) else { return Vec::new() };
    let before = threads(first);
    let still = |pid: u32, tid: u32, raw: &Raw| {
        let rested = run.tasks.value()?.threads.get(&tid)?;
        let same = before.get(&pid)?.get(&tid) == Some(&raw) && rested.cpu <= 0.0;
        let Raw::Bytes(line) = raw else { return None };
        parked(line, &run.host.machine).filter(|parked| same && parked.mutex)
    };
    let all = threads(last);
    let all = all.iter().flat_map(|(pid, threads)| threads.iter().map(move |(tid, raw)| (*pid, *tid, *raw)));
    all.filter_map(|(pid, tid, raw)| Some((pid, tid, still(pid, tid, raw)?.address))).collect()
}

/// A process in which no thread can go on.
struct Stuck {
    pid: u32,
    threads: usize,
    addresses: Vec<u64>,
}

/// The cell and its findings.
pub(super) fn evaluate(run: &Run, out: &mut Output) {
    let mut with = run.snapshots.iter().filter(|raw| raw.has("@parked"));
    let (first, last) = (with.next(), with.next_back());
    let (Some(first), Some(last)) = (first, last) else {
        let why = if first.is_some() { Why::TooEarly } else { Why::NotSampled };
        return out.cell(Cell::unmeasurable(ID, &Missing::new(why, "/proc/PID/task/TID/syscall")));
    };
    if let Reading::Missing(missing) = last.bytes("@parked") {
        return out.cell(Cell::unmeasurable(ID, &missing));
    }
    let (before, after) = (threads(first), threads(last));
    let refused =
        after.values().filter(|threads| threads.values().all(|raw| matches!(raw, Raw::Errno(1 | 13)))).count();
    if refused > 0 && refused == after.len() {
        return out.cell(Cell::unmeasurable(ID, &Missing::new(Why::NoPermission, "/proc/PID/task/TID/syscall")));
    }
    let stuck: Vec<Stuck> = after
        .iter()
        .filter(|(pid, _)| run.in_scope(**pid))
        .filter_map(|(pid, threads)| stuck(run, *pid, before.get(pid)?, threads))
        .collect();
    let verdict = if stuck.is_empty() { Verdict::Ok } else { Verdict::Error };
    let count = Quantity::count(stuck.len() as f64);
    let mut cell = Cell::measured(ID, verdict, count).evidence(
        Evidence::new("/proc/PID/task/TID/syscall", "processes whose threads all wait for a mutex", count)
            .by_hand("cat /proc/PID/task/*/syscall"),
    );
    if refused > 0 {
        cell.note = Some(Msg::new("cell-user-lock-errors-note-refused").with("count", refused as u64));
    }
    for one in &stuck {
        let entity = named(run, one.pid);
        cell.instances.push(
            Instance::new(
                format!("{} ({})", entity.name, one.pid),
                Quantity::count(one.threads as f64),
                Verdict::Error,
            )
            .detail("waiting_threads", Quantity::count(one.threads as f64)),
        );
        out.finding(finding(entity, one));
    }
    out.cell(cell);
}

/// The process if all its threads were parked in the same futex calls at both moments, two at least for a mutex.
fn stuck(run: &Run, pid: u32, before: &BTreeMap<u32, &Raw>, after: &BTreeMap<u32, &Raw>) -> Option<Stuck> {
    let used = run.tasks.value()?.processes.get(&pid)?;
    if used.cpu > 0.0 || used.voluntary_switches.unwrap_or(0.0) > 0.0 || used.task.threads as usize != after.len() {
        return None;
    }
    let mut addresses = Vec::new();
    for (tid, raw) in after {
        let Raw::Bytes(line) = raw else { return None };
        if before.get(tid) != Some(raw) {
            return None;
        }
        let parked = parked(line, &run.host.machine)?;
        if parked.timeout {
            return None;
        }
        if parked.mutex {
            addresses.push(parked.address);
        }
    }
    // Threads that join the stuck ones wait too; one mutex alone may be held by a process that still runs.
    addresses.sort_unstable();
    addresses.dedup();
    let mutexes = after.len() >= 2 && !addresses.is_empty();
    mutexes.then_some(Stuck { pid, threads: after.len(), addresses })
}

fn named(run: &Run, pid: u32) -> Entity {
    let used = run.tasks.value().and_then(|tasks| tasks.processes.get(&pid));
    used.map_or_else(|| Entity::process(pid, pid.to_string()), process)
}

fn finding(entity: Entity, one: &Stuck) -> Finding {
    let spec = (Resource::UserLock, Kind::Errors, ID);
    let name = entity.name.clone();
    let mut finding = Finding::new("user-lock.deadlock", Severity::Error, spec, entity.clone());
    finding.victims = vec![entity];
    let threads = one.threads as u64;
    finding.wait_s_per_s = Some(one.threads as f64);
    // Two locks that wait for each other are a deadlock; all at one lock may be a lock that nobody gave back.
    finding.confidence = if one.addresses.len() >= 2 { 0.9 } else { 0.7 };
    let addresses = one.addresses.iter().map(|address| format!("{address:#x}")).collect::<Vec<_>>().join(", ");
    finding.summary = Msg::new("finding-user-lock-deadlock-summary")
        .with("name", &name)
        .with("pid", one.pid.to_string())
        .with("threads", threads);
    finding.chain = vec![link(
        Msg::new("finding-user-lock-deadlock-link-threads").with("threads", threads),
        Msg::new("finding-user-lock-deadlock-link-locks").with("addresses", &addresses),
        Msg::new("finding-user-lock-deadlock-link-evidence"),
    )];
    finding.advice = vec![advice(
        Msg::new("finding-user-lock-deadlock-advice-stacks"),
        Some(format!("gdb -p {} -batch -ex 'thread apply all bt'", one.pid)),
        Msg::new("finding-user-lock-deadlock-expect-stacks"),
    )];
    finding
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{build, second, stat};
    use super::*;

    const MUTEX: &str = "202 0x55d0c9a3e2a0 0x80 0x2 0x0 0x0 0x0 0x7ffc0 0x7f310\n";
    const OTHER: &str = "202 0x55d0c9a3e2e0 0x80 0x2 0x0 0x0 0x0 0x7ffc0 0x7f310\n";
    const JOIN: &str = "202 0x7f0000000910 0x109 0x2b01 0x0 0x0 0xffffffff 0x7ffc0 0x7f310\n";
    const CONDITION: &str = "202 0x55d0c9a3e2a0 0x189 0x0 0x0 0x0 0xffffffff 0x7ffc0 0x7f310\n";

    fn host(threads: &[&str], ticks: u64) -> [RawSnapshot; 2] {
        let mut snapshots = [second(0), second(5)];
        for (index, raw) in snapshots.iter_mut().enumerate() {
            raw.put("@host", "machine x86_64\n");
            raw.put("@parked", "");
            let line =
                stat(9, "stuck", ticks * index as u64, 0).replace(" 1 0 4000", &format!(" {} 0 4000", threads.len()));
            raw.put("/proc/9/stat", line);
            for (tid, line) in threads.iter().enumerate() {
                raw.put(format!("/proc/9/task/{}/syscall", 9 + tid), *line);
            }
        }
        snapshots
    }

    fn found(threads: &[&str], ticks: u64) -> bool {
        build(&host(threads, ticks)).findings.iter().any(|finding| finding.id == "user-lock.deadlock")
    }

    #[test]
    fn threads_that_hold_each_others_locks_are_a_deadlock() {
        assert!(found(&[JOIN, MUTEX, OTHER], 0));
        assert!(!found(&[JOIN, MUTEX, OTHER], 1), "it made progress");
        assert!(!found(&[JOIN, CONDITION, CONDITION], 0), "an idle pool");
        assert!(!found(&[MUTEX, "running\n"], 0));
        assert!(!found(&["0 0x3 0x7f 0x400 0x0 0x0 0x0 0x1 0x2\n", MUTEX], 0), "one thread reads");
    }

    #[test]
    fn what_may_not_be_read_is_said() {
        let mut snapshots = host(&[JOIN, MUTEX], 0);
        for raw in &mut snapshots {
            raw.put_errno("/proc/9/task/9/syscall", 1);
            raw.put_errno("/proc/9/task/10/syscall", 1);
        }
        let checklist = build(&snapshots);
        let cell = checklist.cells.iter().find(|cell| cell.id == ID).unwrap();
        assert_eq!(cell.verdict, Verdict::Unmeasurable);
        snapshots[1].put("/proc/8/task/8/syscall", "running\n");
        let checklist = build(&snapshots);
        let cell = checklist.cells.iter().find(|cell| cell.id == ID).unwrap();
        assert_eq!((cell.verdict, cell.note.is_some()), (Verdict::Ok, true));
    }
}
