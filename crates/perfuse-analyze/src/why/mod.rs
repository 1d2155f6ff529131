//! Why is it slow: the states of a victim, whom it waits for, and the one cause that explains most of it.
//!
//! The states of a thread add up to its life, so that what a cause explains is a share of something. The findings are those
//! of the checklist; what is new is whose wait they explain, and what is said where none of them does.

pub mod app;
pub mod breakdown;
mod cause;
mod classify;
mod ends;
pub mod gone;
mod ground;
mod own;
mod stacks;
pub mod state;
#[cfg(test)]
mod tests;
mod victim;

use std::collections::BTreeSet;

use self::breakdown::Waits;
pub use self::breakdown::{Breakdown, Share};
pub use self::cause::{Cause, Concerned};
pub use self::stacks::off_cpu;
pub use self::state::{Family, State};
pub use self::victim::Select;
use crate::cell::{Entity, Severity};
use crate::checklist::Checklist;
use crate::message::Msg;
use crate::run::Run;

/// Seconds of wait per second of the victim below which a server is not followed.
const FOLLOW: f64 = 0.02;
/// How many servers behind servers.
const DEPTH: usize = 3;

/// Who is slow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Victim {
    /// Its processes; none is the whole host.
    pub pids: BTreeSet<u32>,
    /// As it is shown.
    pub entity: Option<Entity>,
}

/// A process that the victim waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// The process.
    pub entity: Entity,
    /// Who waits for it: the victim, or a server that stands before it.
    pub client: Entity,
    /// Seconds of the victim's threads per second.
    pub spent: f64,
    /// Where its own time went.
    pub breakdown: Breakdown,
    /// Whether the client only takes what the server writes into a pipe: it cannot have asked for anything there.
    pub one_way: bool,
}

impl Server {
    /// Who takes what another one writes into a pipe from time to time has nothing to do in between: it is held up only by
    /// one that would write more if it could.
    pub(crate) fn is_at_leisure(&self) -> bool {
        self.one_way && self.breakdown.family(Family::Idle) >= 0.5 * self.breakdown.total.max(f64::MIN_POSITIVE)
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Who is slow.
    pub victim: Victim,
    /// Where its time went.
    pub breakdown: Breakdown,
    /// The processes that it waits for.
    pub servers: Vec<Server>,
    /// The causes, the first one first.
    pub causes: Vec<Cause>,
    /// The checklist that they are taken from.
    pub checklist: Checklist,
    /// What the data cannot tell, and what would.
    pub cannot_tell: Vec<Msg>,
    /// Whether nothing that was measured holds the victim up; `None` where too little was measured.
    pub healthy: Option<bool>,
}

impl Answer {
    /// Answers for a victim. The run must be of the whole host: a cause is mostly somebody else's.
    pub fn build(run: &mut Run, victim: Victim) -> Self {
        let waits = Waits::new(run);
        let pids = if victim.pids.is_empty() { everyone(run) } else { victim.pids.clone() };
        let breakdown = breakdown::of(run, &waits, &pids);
        let servers = if victim.pids.is_empty() { Vec::new() } else { follow(run, &waits, &victim, &breakdown) };
        run.focus.clone_from(&victim.pids);
        run.focus.extend(servers.iter().filter_map(|server| server.entity.pid));
        let run = &*run;
        let checklist = Checklist::build(run);
        let followed: Vec<_> = servers
            .iter()
            .filter(|server| !server.is_at_leisure())
            .map(|server| {
                let pids: BTreeSet<u32> = server.entity.pid.into_iter().collect();
                (Concerned::new(run, &pids), server.spent, server.breakdown.clone())
            })
            .collect();
        let mut causes = if victim.pids.is_empty() {
            of_host(&checklist, &breakdown)
        } else {
            cause::rank(run, &checklist.findings, &Concerned::new(run, &pids), &breakdown, &followed)
        };
        for cause in &mut causes {
            ground::ground(cause, &victim);
        }
        if !victim.pids.is_empty() {
            own::add(run, &victim, &breakdown, &servers, &mut causes);
        }
        let cannot_tell = own::cannot_tell(run, &breakdown);
        let held_up = causes.iter().any(|cause| cause.finding.severity > Severity::Watch);
        let healthy = match held_up {
            true => Some(false),
            false if victim.pids.is_empty() => checklist.healthy,
            false if own::is_mute(&breakdown) => None,
            false => breakdown.exact.then_some(true),
        };
        Self { victim, breakdown, servers, causes, checklist, cannot_tell, healthy }
    }
}

/// All processes of the run but our own and the kernel's threads.
pub fn everyone(run: &Run) -> BTreeSet<u32> {
    let tasks = run.tasks.value().map(|tasks| tasks.processes.values());
    let ours = |pid: u32| pid == run.host.self_pid;
    tasks
        .into_iter()
        .flatten()
        .filter(|used| !used.task.kernel_thread && !ours(used.task.pid))
        .map(|used| used.task.pid)
        .collect()
}

/// Without a victim the findings are ranked as they are.
fn of_host(checklist: &Checklist, breakdown: &Breakdown) -> Vec<Cause> {
    let active = breakdown.active().max(f64::MIN_POSITIVE);
    let cause = |finding: &crate::Finding| {
        let explained = finding.wait_s_per_s.unwrap_or(0.0);
        Cause { finding: finding.clone(), explained, share: (explained / active).min(1.0) }
    };
    checklist.findings.iter().map(cause).collect()
}

/// Whether all that was waited for a process was what it writes into pipes.
fn only_takes(theirs: &Breakdown, pid: u32) -> bool {
    let reading = |share: &Share| share.places.iter().all(|(place, _)| place.ends_with("pipe_read"));
    let mut from = theirs.states.iter().filter(|(_, share)| share.wakers.iter().any(|(who, _)| who.pid == Some(pid)));
    from.all(|(state, share)| *state == State::LocalIpc && !share.places.is_empty() && reading(share))
}

/// Whether a process was started by another one: then it was asked for what it does.
fn descends(run: &Run, pid: u32, from: &Entity) -> bool {
    let processes = run.tasks.value().map(|tasks| &tasks.processes);
    let parent = |pid: u32| processes.and_then(|processes| processes.get(&pid)).map(|used| used.task.ppid);
    let mut up = std::iter::successors(parent(pid), |pid| parent(*pid)).take(DEPTH);
    up.any(|above| Some(above) == from.pid)
}

/// Follows the waits for other processes of this host, breadth first; each process once.
fn follow(run: &Run, waits: &Waits, victim: &Victim, breakdown: &Breakdown) -> Vec<Server> {
    let mut seen = victim.pids.clone();
    seen.insert(run.host.self_pid);
    let first = victim.entity.clone().unwrap_or_else(Entity::host);
    let mut frontier = vec![(first, 1.0, breakdown.clone())];
    let mut servers = Vec::new();
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for (client, scale, theirs) in frontier {
            for (pid, (comm, seconds)) in cause::servers(&theirs, &seen) {
                let spent = seconds * scale;
                let used = run.tasks.value().and_then(|tasks| tasks.processes.get(&pid));
                let kernel = used.is_some_and(|used| used.task.kernel_thread);
                if spent < FOLLOW || kernel || !seen.insert(pid) {
                    continue;
                }
                let own = breakdown::of(run, waits, &BTreeSet::from([pid]));
                let entity = Entity::process(pid, used.map_or(comm, |used| used.task.comm.clone()));
                // Of the server's own waiting, the part that its clients' share of its time stands for.
                let deeper = if own.active() > 0.0 { spent / own.active().max(spent) } else { 0.0 };
                next.push((entity.clone(), deeper, own.clone()));
                let one_way = only_takes(&theirs, pid) && !descends(run, pid, &client);
                servers.push(Server { entity, client: client.clone(), spent, breakdown: own, one_way });
            }
        }
        frontier = next;
    }
    servers
}
