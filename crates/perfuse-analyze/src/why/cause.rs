//! Which finding explains how much of a victim's wait.

use std::collections::{BTreeMap, BTreeSet};

use perfuse_format::cgroup::ancestors;

use super::breakdown::Breakdown;
use super::state::State;
use crate::cell::{Entity, EntityKind, Finding, Severity};
use crate::run::Run;
use crate::{Kind, Resource};

/// The states that a finding about a resource, or a control, can be the reason of.
fn states(finding: &Finding) -> &'static [State] {
    // Whoever sleeps when its cgroup is frozen is not woken for that, and seems to sleep on.
    const FROZEN: &[State] = &[
        State::Stopped,
        State::Unexplained,
        State::Sleep,
        State::Events,
        State::Condition,
        State::Accept,
        State::Receive,
        State::LocalIpc,
    ];
    const CPU: &[State] = &[State::Runnable, State::Throttled, State::Affinity];
    const MEMORY: &[State] = &[State::Reclaim, State::SwapIn, State::PageFault, State::BlockIo, State::System];
    const DISK: &[State] = &[State::BlockIo, State::DirtyLimit, State::SwapIn, State::PageFault, State::FileServer];
    const NETWORK: &[State] = &[State::Send, State::Connect, State::Receive, State::Events];
    match (finding.control, finding.resource) {
        (Some("control.cpu-quota"), _) => &[State::Throttled, State::Runnable],
        (Some("control.cpuset"), _) => &[State::Affinity, State::Runnable],
        (Some("control.dirty-limit"), _) => &[State::DirtyLimit, State::BlockIo],
        (Some("control.cgroup-freezer"), _) => FROZEN,
        (_, Resource::Cpu) if finding.kind == Kind::Utilization => &[State::User, State::System],
        (_, Resource::Cpu | Resource::CpuInterconnect) => CPU,
        (_, Resource::Memory) => MEMORY,
        (_, Resource::Disk | Resource::StorageController | Resource::Capacity | Resource::IoInterconnect) => DISK,
        (_, Resource::Network | Resource::NetworkController | Resource::Dependency) => NETWORK,
        (_, Resource::KernelLock) => &[State::KernelLock, State::System, State::PageFault],
        (_, Resource::UserLock) => &[State::UserLock],
        (_, Resource::MemoryInterconnect) => &[State::User],
        // What applications tell is weighed by their own account.
        (
            _,
            Resource::Tasks | Resource::Fds | Resource::Database | Resource::Pool | Resource::Queue | Resource::Heap,
        ) => &[],
    }
}

/// A process and everything by which findings may speak of it.
#[derive(Debug, Clone, Default)]
pub struct Concerned {
    /// Its pids.
    pub pids: BTreeSet<u32>,
    keys: BTreeSet<String>,
}

impl Concerned {
    /// The keys of some processes: themselves, and the cgroups around them.
    pub fn new(run: &Run, pids: &BTreeSet<u32>) -> Self {
        let mut keys: BTreeSet<String> = pids.iter().map(|pid| format!("pid:{pid}")).collect();
        for cgroups in pids.iter().filter_map(|pid| run.pid_cgroups.get(pid)) {
            let groups = cgroups.entries.iter().flat_map(|(_, path)| ancestors(path));
            // A limit of the root is the machine's.
            keys.extend(groups.filter(|group| *group != "/").map(|group| format!("cgroup:{group}")));
        }
        Self { pids: pids.clone(), keys }
    }

    fn any<'a>(&self, entities: impl IntoIterator<Item = &'a Entity>) -> bool {
        entities.into_iter().any(|entity| self.keys.contains(&entity.key()))
    }
}

/// The share of a victim's time below which a finding is no cause of its slowness.
const LEAST: f64 = 0.02;

/// How surely a finding is about a victim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bond {
    /// It may hold up anybody who uses the resource: the host's.
    Shared,
    /// The victim causes it itself.
    Own,
    /// It names the victim among those who suffer.
    Named,
}

/// Whether a finding concerns the victim.
pub(super) fn bond(finding: &Finding, who: &Concerned) -> Option<Bond> {
    if who.any(&finding.victims) || finding.also.iter().any(|key| who.keys.contains(key)) {
        return Some(Bond::Named);
    }
    if who.any([&finding.culprit]) {
        return Some(Bond::Own);
    }
    let hosts = |entity: &Entity| entity.kind == EntityKind::Host;
    let of_host = finding.victims.is_empty() || finding.victims.iter().any(hosts) || hosts(&finding.culprit);
    of_host.then_some(Bond::Shared)
}

/// Seconds of the victim's time per second that a finding explains, and of what it is made.
pub(super) fn explained(finding: &Finding, bond: Bond, breakdown: &Breakdown) -> f64 {
    let in_states: f64 = states(finding).iter().map(|state| breakdown.of(*state)).sum();
    let certain = match bond {
        Bond::Named | Bond::Own => 1.0,
        Bond::Shared => 0.5,
    };
    // No more than what the rule itself saw of waiting.
    finding.wait_s_per_s.map_or(in_states, |wait| wait.min(in_states)) * certain
}

/// One cause of a victim's waiting.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// The finding.
    pub finding: Finding,
    /// Seconds of the victim's threads per second that it explains.
    pub explained: f64,
    /// The share of the victim's time that is not idle; 0..1.
    pub share: f64,
}

/// Ranks the findings that concern the victim: what was refused because of a hard limit first, then by what they explain.
///
/// `followed` are the processes that the victim waits for, each with the victim's seconds spent on it and how its own time went
/// meanwhile.
pub(super) fn rank(
    run: &Run,
    findings: &[Finding],
    who: &Concerned,
    breakdown: &Breakdown,
    followed: &[(Concerned, f64, Breakdown)],
) -> Vec<Cause> {
    let active = breakdown.active().max(f64::MIN_POSITIVE);
    let least = run.threshold("finding.min-wait").min(active * LEAST);
    let mut causes: Vec<Cause> = Vec::new();
    for finding in findings {
        let own = bond(finding, who).map(|bond| (bond, explained(finding, bond, breakdown)));
        let through = followed.iter().filter_map(|(server, spent, theirs)| {
            let bond = bond(finding, server)?;
            let busy = theirs.active();
            let whole = explained(finding, bond, theirs);
            let part = if busy > 0.0 { whole / busy } else { 0.0 };
            // A moment of the server costs each of those who wait for it at that time a moment, and no more: what it passes
            // asleep is no part of its busy time, and may be most of what they wait for.
            Some((bond, (spent * part.min(1.0)).min(whole * spent.max(1.0))))
        });
        let all: Vec<(Bond, f64)> = own.into_iter().chain(through).collect();
        let Some(nearest) = all.iter().map(|(bond, _)| *bond).max() else { continue };
        let explained: f64 = all.iter().map(|(_, seconds)| seconds).sum();
        let refused = finding.severity == Severity::Error && nearest > Bond::Shared;
        if explained > least || refused {
            let share = (explained / active).min(1.0);
            let mut finding = finding.clone();
            if holds_up(run, &finding, nearest, explained, share) {
                finding.severity = Severity::Bottleneck;
            } else if passes_by(run, &finding, nearest, explained) {
                finding.severity = Severity::Watch;
            }
            causes.push(Cause { finding, explained, share });
        }
    }
    let score = |cause: &Cause| {
        // What was refused holds one up whatever else one waits for meanwhile, even if that it was is less than certain.
        let refused = if cause.finding.severity == Severity::Error { 2.0 } else { 0.0 };
        (cause.share + refused) * cause.finding.confidence
    };
    causes.sort_by(|a, b| {
        score(b)
            .total_cmp(&score(a))
            .then(a.finding.id.cmp(b.finding.id))
            .then(a.finding.culprit.key().cmp(&b.finding.culprit.key()))
    });
    causes
}

/// Whether a mere remark of the checklist is more than that to this victim: on a host, a frozen cgroup is as somebody wants it;
/// to one who asks why a process in it is slow, it is the answer. A resource that is well used holds nobody up by that, but for
/// a thread of the victim itself that always runs: whatever it works for waits for it.
fn holds_up(run: &Run, finding: &Finding, bond: Bond, explained: f64, share: f64) -> bool {
    let concerned = match (finding.kind, finding.resource) {
        (Kind::Utilization, Resource::Cpu) => bond >= Bond::Own,
        (Kind::Utilization, _) => false,
        // Whoever takes the CPU there gives way already.
        _ => bond == Bond::Named && finding.id != "cpu.run-queue",
    };
    // A limit that was set for the victim holds nobody else up: there, what is little on a host is much to a victim that
    // does little else.
    let little = finding.control.is_some() && share >= MOSTLY;
    let enough = run.threshold("finding.min-wait") * if little { LITTLE } else { 1.0 };
    finding.severity == Severity::Watch
        && concerned
        && explained >= enough
        && share >= run.threshold("finding.min-share")
}

/// Whether a bottleneck of the host is none to this victim: others wait there, and it does so for moments only. That may be
/// much of its time where it does little else, and still nobody would notice.
pub(super) fn passes_by(run: &Run, finding: &Finding, bond: Bond, explained: f64) -> bool {
    let little = run.threshold("finding.min-wait") * LITTLE;
    finding.severity == Severity::Bottleneck && bond == Bond::Shared && explained < little
}

/// The share of a victim's time from which a limit explains so much of it that little waiting counts.
const MOSTLY: f64 = 0.2;
/// How much less waiting is enough then.
const LITTLE: f64 = 0.2;

/// The processes of this host that the victim waits for over pipes and local sockets, with the seconds per second.
pub(super) fn servers(breakdown: &Breakdown, own: &BTreeSet<u32>) -> BTreeMap<u32, (String, f64)> {
    let mut servers: BTreeMap<u32, (String, f64)> = BTreeMap::new();
    for state in
        [State::Receive, State::LocalIpc, State::Connect, State::Send, State::Child, State::FileLock, State::FileServer]
    {
        let wakers = breakdown.states.get(&state).map_or(&[][..], |share| share.wakers.as_slice());
        let passed_on = if state == State::FileLock { passed_on(wakers, own) } else { 1.0 };
        for (waker, seconds) in wakers {
            if let Some(pid) = waker.pid.filter(|pid| !own.contains(pid)) {
                servers.entry(pid).or_insert_with(|| (waker.name.clone(), 0.0)).1 += seconds * passed_on;
            }
        }
    }
    servers
}

/// How much more of the waiting for a lock others are the reason of than they ended themselves. Threads that all waited for a
/// holder then give the lock to each other: that is what most of such a wait ends with, and not what it was about.
fn passed_on(wakers: &[(Entity, f64)], own: &BTreeSet<u32>) -> f64 {
    const MANY: f64 = 0.25;
    let all: f64 = wakers.iter().map(|(_, seconds)| seconds).sum();
    let others = wakers.iter().filter(|(waker, _)| waker.pid.is_some_and(|pid| !own.contains(&pid)));
    let others: f64 = others.map(|(_, seconds)| seconds).sum();
    if others >= MANY * all && others > 0.0 { all / others } else { 1.0 }
}
