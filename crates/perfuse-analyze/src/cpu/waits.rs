//! The waiting for CPUs, split by its cause.

use std::collections::{BTreeMap, BTreeSet};

use perfuse_format::Reading;
use perfuse_format::cgroup::ancestors;
use perfuse_format::proc::status::PidStatus;
use perfuse_format::sys::cpulist::CpuList;
use perfuse_format::tasks::TaskSource;

use super::quota::Throttle;
use super::usage::CpuUse;
use crate::run::Run;
use crate::tasks::{TaskUse, Used};

/// Why a task that wants to run does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// More tasks than CPUs.
    RunQueue,
    /// Its cgroup has used up its quota.
    Quota,
    /// It may run only on CPUs that are full while others idle.
    Affinity,
    /// Interrupts take its CPU.
    Interrupts,
    /// Tasks of a real-time policy or a lower nice value take its CPU.
    Priority,
    /// It is nice itself (or of the idle policy): it gave way by choice.
    OwnPriority,
}

impl Cause {
    /// All, in the order of showing, with the key of the drill-down.
    pub(super) const ALL: [(Self, &'static str); 6] = [
        (Self::RunQueue, "wait_run_queue"),
        (Self::Quota, "wait_quota"),
        (Self::Affinity, "wait_affinity"),
        (Self::Interrupts, "wait_interrupts"),
        (Self::Priority, "wait_priority"),
        (Self::OwnPriority, "wait_own_priority"),
    ];
}

/// The waiting of one process (all its threads together) for one cause.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Waiter {
    /// Process id.
    pub(super) pid: u32,
    /// Seconds per second that it was runnable and did not run.
    pub(super) wait: f64,
    /// CPU seconds per second that the same threads got.
    pub(super) cpu: f64,
    /// CPUs that they were seen on.
    pub(super) on: BTreeSet<u32>,
    /// The CPUs that they may use, where fewer than the host has.
    pub(super) allowed: Option<CpuList>,
}

impl Waiter {
    /// Share of the time in which it wanted to run.
    pub(super) fn share(&self) -> f64 {
        let wanted = self.wait + self.cpu;
        if wanted > 0.0 { self.wait / wanted } else { 0.0 }
    }
}

/// All waiting by cause.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Waits {
    /// Seconds of wait per second of all tasks; `None` where no `run_delay` was readable.
    pub(super) total: Option<f64>,
    /// Waiters by cause, the longest wait first.
    pub(super) by_cause: BTreeMap<Cause, Vec<Waiter>>,
}

impl Waits {
    /// Those who wait for `cause`.
    pub(super) fn of(&self, cause: Cause) -> &[Waiter] {
        self.by_cause.get(&cause).map_or(&[], Vec::as_slice)
    }

    /// Seconds per second lost to `cause`.
    pub(super) fn sum(&self, cause: Cause) -> f64 {
        super::total(self.of(cause).iter().map(|waiter| waiter.wait))
    }
}

/// The CPUs on which a task may run, if fewer than are online: `None` is "any", or not known.
pub(super) fn allowed(run: &Run, used: &Used, online: &BTreeSet<u32>) -> Option<CpuList> {
    let task = &used.task;
    let listed = run.last::<PidStatus>(&format!("/proc/{}/status", task.pid)).into_value();
    let listed = listed.map(|status| status.allowed_cpus);
    let restricted = |list: &CpuList| online.iter().any(|cpu| !list.contains(*cpu));
    match task.allowed_cpus {
        // The list is that of the process's first thread; the count is the thread's own.
        Some(1) if listed.as_ref().is_none_or(|list| list.len() != 1) => {
            CpuList::parse(&task.cpu.to_string()).filter(restricted)
        }
        Some(count) => listed.filter(|list| list.len() == count as usize).filter(restricted),
        None => listed.filter(restricted),
    }
}

/// CPU that the tasks of real-time policies used on each CPU, and the one that used most there.
struct Neighbours<'a> {
    run: &'a Run<'a>,
    tasks: &'a TaskUse,
    cpus: Option<&'a CpuUse>,
    online: BTreeSet<u32>,
    throttled: Vec<&'a str>,
}

/// Every thread. Without the in-kernel iterator the threads of processes that were not busy are not known; the first
/// thread of such a process stands for it, since that is all that `/proc/PID/schedstat` speaks of.
fn units(tasks: &TaskUse) -> Vec<&Used> {
    let threads = tasks.threads.values();
    if tasks.source == TaskSource::BpfIterator {
        return threads.collect();
    }
    let known: BTreeSet<u32> = tasks.threads.values().map(|used| used.task.pid).collect();
    threads.chain(tasks.processes.iter().filter(|(pid, _)| !known.contains(pid)).map(|(_, used)| used)).collect()
}

/// Splits the waiting of every thread (or, without the in-kernel iterator, of every process).
pub(super) fn split(run: &Run, cpus: Option<&CpuUse>, throttles: &[Throttle]) -> Waits {
    let Reading::Value(tasks) = &run.tasks else { return Waits::default() };
    let online = cpus.map_or_else(BTreeSet::new, |cpus| cpus.cpus.keys().copied().collect());
    let stopped = throttles.iter().filter(|one| one.hurts(run)).map(|one| one.group.as_str()).collect();
    let neighbours = Neighbours { run, tasks, cpus, online, throttled: stopped };
    let units = units(tasks);
    let mut total = None;
    let mut by_cause: BTreeMap<(Cause, u32), Waiter> = BTreeMap::new();
    let ours =
        |used: &&Used| !used.task.kernel_thread && used.task.pid != run.host.self_pid && run.in_scope(used.task.pid);
    for used in units.into_iter().filter(ours) {
        let Some(wait) = used.run_delay else { continue };
        total = Some(total.unwrap_or(0.0) + wait);
        if wait <= 0.0 {
            continue;
        }
        let allowed = allowed(run, used, &neighbours.online);
        let cause = neighbours.cause(used, allowed.as_ref());
        let waiter = by_cause.entry((cause, used.task.pid)).or_insert_with(|| Waiter {
            pid: used.task.pid,
            wait: 0.0,
            cpu: 0.0,
            on: BTreeSet::new(),
            allowed: None,
        });
        waiter.wait += wait;
        waiter.cpu += used.cpu;
        waiter.on.insert(used.task.cpu);
        waiter.allowed = allowed.or(waiter.allowed.take());
    }
    let mut waits = Waits { total, by_cause: BTreeMap::new() };
    for ((cause, _), waiter) in by_cause {
        waits.by_cause.entry(cause).or_default().push(waiter);
    }
    for waiters in waits.by_cause.values_mut() {
        waiters.sort_by(|a, b| b.wait.total_cmp(&a.wait).then(a.pid.cmp(&b.pid)));
    }
    waits
}

impl Neighbours<'_> {
    /// The deepest cause that fits: what is set by somebody comes before what merely is so.
    fn cause(&self, used: &Used, allowed: Option<&CpuList>) -> Cause {
        let task = &used.task;
        let path = self.run.cgroup_of(task.pid, "cpu");
        if path.is_some_and(|path| ancestors(path).any(|group| self.throttled.contains(&group))) {
            return Cause::Quota;
        }
        if task.nice > 0 || task.policy == POLICY_IDLE {
            return Cause::OwnPriority;
        }
        if allowed.is_some_and(|allowed| self.is_funnel(allowed)) {
            return Cause::Affinity;
        }
        if self.stronger(used, allowed) {
            return Cause::Priority;
        }
        let shares = self.cpus.and_then(|cpus| cpus.cpus.get(&task.cpu));
        if shares.is_some_and(|shares| shares.interrupts() >= self.run.threshold("cpu.interrupts")) {
            return Cause::Interrupts;
        }
        Cause::RunQueue
    }

    /// Whether these CPUs are full while another one is idle.
    fn is_funnel(&self, allowed: &CpuList) -> bool {
        self.cpus.is_some_and(|cpus| funnel(self.run, cpus, allowed))
    }

    /// Whether tasks that the scheduler must prefer by much use a good part of the CPU where this one was seen last, or
    /// of all CPUs that it may use: a scheduler that moves it away leaves it waiting where the weaker ones are.
    fn stronger(&self, used: &Used, allowed: Option<&CpuList>) -> bool {
        let strong = |other: &&Used| other.task.pid != used.task.pid && is_stronger(other, used);
        let may = |cpu: u32| allowed.is_none_or(|allowed| allowed.contains(cpu));
        let (mut here, mut everywhere) = (0.0, 0.0);
        for other in self.tasks.threads.values().filter(strong).filter(|other| may(other.task.cpu)) {
            everywhere += other.cpu;
            here += if other.task.cpu == used.task.cpu { other.cpu } else { 0.0 };
        }
        let cpus = self.online.iter().filter(|cpu| may(**cpu)).count().max(1);
        let much = self.run.threshold("cpu.neighbour");
        here >= much || everywhere / cpus as f64 >= much
    }
}

/// `SCHED_IDLE`.
const POLICY_IDLE: u32 = 5;

/// `SCHED_FIFO`, `SCHED_RR`, `SCHED_DEADLINE`.
pub(super) fn is_realtime(used: &Used) -> bool {
    matches!(used.task.policy, 1 | 2 | 6)
}

/// Whether the scheduler prefers `other` to `used` by far: real-time against normal, or five nice steps, which is three
/// times the weight.
pub(super) fn is_stronger(other: &Used, used: &Used) -> bool {
    !is_realtime(used) && (is_realtime(other) || other.task.nice + 5 <= used.task.nice)
}

/// Whether the CPUs of `allowed` are full while another online one is idle.
pub(super) fn funnel(run: &Run, cpus: &CpuUse, allowed: &CpuList) -> bool {
    let inside: Vec<f64> =
        cpus.cpus.iter().filter(|(cpu, _)| allowed.contains(**cpu)).map(|(_, shares)| shares.busy).collect();
    let full = !inside.is_empty() && inside.iter().sum::<f64>() / inside.len() as f64 >= run.threshold("cpu.full");
    let mut outside = cpus.cpus.iter().filter(|(cpu, _)| !allowed.contains(**cpu));
    full && outside.any(|(_, shares)| shares.busy < run.threshold("cpu.idle"))
}
