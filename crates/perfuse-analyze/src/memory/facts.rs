//! What several rules of this group need, computed once.

use std::collections::BTreeMap;

use perfuse_format::Reading;
use perfuse_format::bpf::waits::{FLAG_IO, WaitTime};
use perfuse_format::bpf::{FaultProcess, OffCpu, Reclaim, ReclaimKind};
use perfuse_format::parse::KeyValues;
use perfuse_format::proc::meminfo::MemInfo;
use perfuse_format::proc::pressure::Pressure;

use super::groups::{self, Group, rate, sum};
use crate::cell::{Entity, Evidence, Quantity};
use crate::message::Msg;
use crate::run::{Run, Span};
use crate::tasks::Used;

/// Where the waiting of single processes for memory was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitSource {
    /// In-kernel page-fault and reclaim times.
    Bpf,
    /// Delay accounting of the kernel.
    DelayAccounting,
    /// Neither is there.
    None,
}

/// How long one process waited for memory.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Waiter {
    /// Process id.
    pub pid: u32,
    /// Name.
    pub comm: String,
    /// Seconds per second, of all its threads.
    pub wait: f64,
    /// Share of its active time (running, runnable, waiting for this).
    pub share: f64,
    /// Major faults per second.
    pub major_faults: f64,
}

impl Waiter {
    /// The process as a victim.
    pub(super) fn entity(&self) -> Entity {
        let detail = Msg::new("memory-victim")
            .with("wait", Quantity::wait(self.wait))
            .with("share", Quantity::ratio(self.share))
            .with("faults", Quantity::rate(self.major_faults));
        Entity::process(self.pid, self.comm.clone()).detail(detail)
    }
}

/// The facts.
pub(super) struct Facts {
    /// `/proc/meminfo` of the last snapshot.
    pub memory: Reading<MemInfo>,
    /// `/proc/vmstat` over the run.
    pub vmstat: Reading<Span<KeyValues>>,
    /// `/proc/pressure/memory` over the run.
    pub pressure: Reading<Span<Pressure>>,
    /// Memory cgroups.
    pub groups: Vec<Group>,
    /// Processes that waited for memory, the worst first.
    pub waiters: Vec<Waiter>,
    /// Where `waiters` come from.
    pub wait_source: WaitSource,
}

impl Facts {
    /// Computes them.
    pub(super) fn new(run: &Run) -> Self {
        let groups = groups::groups(run);
        let (waiters, wait_source) = waiters(run, &groups);
        Self {
            memory: run.last("/proc/meminfo"),
            vmstat: run.span("/proc/vmstat"),
            pressure: run.span("/proc/pressure/memory"),
            groups,
            waiters,
            wait_source,
        }
    }

    /// Growth per second of a counter of vmstat.
    pub(super) fn vm_rate(&self, key: &str) -> Option<f64> {
        rate(&self.vmstat, |values| values.get(key))
    }

    /// Growth of a counter of vmstat in the run.
    pub(super) fn vm_grown(&self, key: &str) -> Option<u64> {
        groups::grown(&self.vmstat, |values| values.get(key))
    }

    /// Growth per second of all counters of vmstat that begin with `prefix`.
    pub(super) fn vm_rate_of_all(&self, prefix: &str) -> Option<f64> {
        rate(&self.vmstat, |values| sum(values, prefix))
    }

    /// Stalls of the host: some, full.
    pub(super) fn host_pressure(&self) -> Option<(f64, Option<f64>)> {
        groups::stall(&self.pressure)
    }

    /// Whether the host itself, and not only a cgroup, was short of memory: somebody had to scan for free pages.
    /// Reclaim for a cgroup's limit does not count here (`mm/vmscan.c` counts it only for global reclaim).
    pub(super) fn host_reclaims(&self) -> Option<bool> {
        let direct = self.vm_rate("pgscan_direct")?;
        let stalls = self.vm_rate_of_all("allocstall").unwrap_or(0.0);
        Some(direct > 0.0 || stalls > 0.0)
    }

    /// The waiters in or below a cgroup.
    pub(super) fn waiters_in(&self, run: &Run, path: &str) -> Vec<&Waiter> {
        self.waiters.iter().filter(|waiter| groups::is_member(run, waiter.pid, path)).collect()
    }
}

/// The evidence of a rate of vmstat.
pub(super) fn vm_evidence(key: &'static str, rate: f64) -> Evidence {
    Evidence::new("/proc/vmstat", key, Quantity::rate(rate)).by_hand(format!("grep {key} /proc/vmstat   # twice"))
}

fn waiters(run: &Run, groups: &[Group]) -> (Vec<Waiter>, WaitSource) {
    let Some(tasks) = run.tasks.value() else { return (Vec::new(), WaitSource::None) };
    let (by_bpf, source) = match in_kernel(run) {
        Some(waits) => (waits, WaitSource::Bpf),
        None => (BTreeMap::new(), WaitSource::DelayAccounting),
    };
    let again = read_again(run, groups);
    let mut any_delay = false;
    let mut found = Vec::new();
    for used in tasks.processes.values().filter(|used| run.in_scope(used.task.pid)) {
        let accounted = [used.swapin_delay, used.reclaim_delay, used.thrashing_delay];
        any_delay |= accounted.iter().any(Option::is_some);
        let accounted: f64 = accounted.into_iter().flatten().sum();
        let wait = by_bpf.get(&used.task.pid).copied().unwrap_or(0.0).max(accounted);
        let wait = wait.max(again.get(&used.task.pid).copied().unwrap_or(0.0));
        if wait > 0.0 {
            found.push(waiter(used, wait));
        }
    }
    found.sort_by(|a, b| b.wait.total_cmp(&a.wait).then(a.pid.cmp(&b.pid)));
    let source = match source {
        WaitSource::DelayAccounting if !again.is_empty() => WaitSource::Bpf,
        WaitSource::DelayAccounting if !any_delay => WaitSource::None,
        source => source,
    };
    (found, source)
}

/// Seconds per second that members of groups at their limit waited to read what had been given up for that limit. The kernel
/// counts such a wait as one for memory only if the page was used much before; its count of pages that came back knows all
/// of them, and where those are most of what the group reads, its waiting for storage is for memory.
fn read_again(run: &Run, groups: &[Group]) -> BTreeMap<u32, f64> {
    const MOST: f64 = 0.5;
    const PAGES: f64 = 10.0;
    let Some(tasks) = run.tasks.value() else { return BTreeMap::new() };
    let blocked = blocked(run);
    let mut waits = BTreeMap::new();
    for group in groups.iter().filter(|group| group.hits() > 0.0) {
        let Some(pages) = group.refaults.filter(|pages| *pages >= PAGES) else { continue };
        let members = || tasks.processes.values().filter(|used| groups::is_member(run, used.task.pid, &group.path));
        let read: f64 = members().filter_map(|used| used.read_bytes).sum();
        let part = pages * run.host.page_size as f64 / read.max(1.0);
        if part < MOST {
            continue;
        }
        for used in members() {
            let wait = blocked.get(&used.task.pid).copied().unwrap_or(0.0).max(used.blkio_delay.unwrap_or(0.0));
            waits.insert(used.task.pid, wait * part.min(1.0));
        }
    }
    waits
}

/// Seconds per second in uninterruptible sleep, or marked as waiting for storage, by process.
fn blocked(run: &Run) -> BTreeMap<u32, f64> {
    let mut waits: BTreeMap<u32, f64> = BTreeMap::new();
    if let Some((rows, seconds)) = run.bpf::<WaitTime>().into_value() {
        for row in rows.iter().filter(|row| row.key.flags & FLAG_IO != 0) {
            *waits.entry(row.key.pid).or_default() += row.blocked_ns as f64 / 1e9 / seconds;
        }
        return waits;
    }
    if let Some((rows, seconds)) = run.bpf::<OffCpu>().into_value() {
        for row in rows.iter().filter(|row| row.uninterruptible()) {
            *waits.entry(row.pid).or_default() += row.blocked_ns as f64 / 1e9 / seconds;
        }
    }
    waits
}

fn waiter(used: &Used, wait: f64) -> Waiter {
    // A fault also burns CPU, so the parts overlap: together they are at most the time of all its threads.
    let threads = f64::from(used.task.threads.max(1));
    let active = (wait + used.cpu + used.run_delay.unwrap_or(0.0)).min(threads).max(wait);
    Waiter {
        pid: used.task.pid,
        comm: used.task.comm.clone(),
        wait,
        share: wait / active,
        major_faults: used.major_faults,
    }
}

/// Seconds per second that each process spent in major faults or in reclaim. The two overlap (a fault under a limit
/// reclaims first), so the larger of them counts, not the sum.
fn in_kernel(run: &Run) -> Option<BTreeMap<u32, f64>> {
    let faults = run.bpf::<FaultProcess>().into_value();
    let reclaim = run.bpf::<Reclaim>().into_value();
    if faults.is_none() && reclaim.is_none() {
        return None;
    }
    let mut waits: BTreeMap<u32, f64> = BTreeMap::new();
    if let Some((rows, seconds)) = faults {
        for row in rows {
            *waits.entry(row.pid).or_default() += row.major_ns as f64 / 1e9 / seconds;
        }
    }
    let mut reclaims: BTreeMap<u32, f64> = BTreeMap::new();
    if let Some((rows, seconds)) = reclaim {
        for row in rows.iter().filter(|row| matches!(row.kind, ReclaimKind::Direct | ReclaimKind::Cgroup)) {
            *reclaims.entry(row.pid).or_default() += row.sum_ns as f64 / 1e9 / seconds;
        }
    }
    for (pid, wait) in reclaims {
        let known = waits.entry(pid).or_default();
        *known = known.max(wait);
    }
    Some(waits)
}
