//! What the search for a victim's cause takes from the rules of the CPU.

use std::collections::BTreeMap;

use perfuse_format::cgroup::ancestors;

use super::quota::throttles;
use super::waits::{Cause, split};
use super::{usage, user_lock};
use crate::run::Run;

/// Why a thread that could run does not, as far as its states tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CpuWait {
    /// Its cgroup has used up its quota.
    Quota,
    /// It may run only on CPUs that are full while others idle.
    Affinity,
    /// Anything else: others run.
    Other,
}

/// The waiting for CPUs and for locks, by those who wait.
#[derive(Debug, Default)]
pub(crate) struct CpuView {
    /// Seconds per second of each process, by cause.
    pub(crate) waits: BTreeMap<u32, Vec<(CpuWait, f64)>>,
    /// Seconds per second that each thread waited for a lock of its program.
    pub(crate) locks: BTreeMap<u32, f64>,
    /// Groups that are stopped for a good part of the time, with the share of their periods in which they are.
    stopped: Vec<(String, f64)>,
}

impl CpuView {
    /// Evaluates what the rules evaluate.
    pub(crate) fn new(run: &Run) -> Self {
        let cpus = usage::over(run);
        let throttles = throttles(run).into_value().unwrap_or_default();
        let mut waits: BTreeMap<u32, Vec<(CpuWait, f64)>> = BTreeMap::new();
        for (cause, waiters) in split(run, cpus.value(), &throttles).by_cause {
            let cause = match cause {
                Cause::Quota => CpuWait::Quota,
                Cause::Affinity => CpuWait::Affinity,
                _ => CpuWait::Other,
            };
            for waiter in waiters {
                waits.entry(waiter.pid).or_default().push((cause, waiter.wait));
            }
        }
        let hurt = throttles.iter().filter(|one| one.hurts(run));
        let stopped = hurt.map(|one| (one.group.clone(), one.share())).collect();
        Self { waits, locks: user_lock::waits_by_thread(run), stopped }
    }

    /// Share of the periods in which the group of a process was stopped; 0 if it was not.
    pub(crate) fn throttled(&self, run: &Run, pid: u32) -> f64 {
        let Some(path) = run.cgroup_of(pid, "cpu") else { return 0.0 };
        let of = |group: &str| self.stopped.iter().find(|(name, _)| name == group).map_or(0.0, |(_, share)| *share);
        ancestors(path).map(of).fold(0.0, f64::max)
    }
}
