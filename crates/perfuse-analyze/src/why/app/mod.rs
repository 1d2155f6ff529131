//! What applications know of themselves, among the causes of a victim's waiting.
//!
//! The kernel sees that a session waits; who holds the lock, only the database knows. Each fact becomes a finding like those
//! of the checklist, in the same currency: seconds of waiting per second, by the application's own account. A deeper fact
//! takes in those that follow from it (a pool is exhausted *because* its connections wait for a lock), and a cause of the
//! host takes in the fact whose process it holds up (the holder of the lock waits for the disk): its chain then begins with
//! what the application said.

mod advice;
mod fact;
mod join;
mod peers;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::Answer;
use super::breakdown::{self, Breakdown, Waits};
use super::cause::Cause;
use super::ground::named;
use crate::Quantity;
use crate::app::{AppFact, AppWhat};
use crate::cell::{Entity, Finding, Link, Severity};
use crate::message::Msg;
use crate::run::Run;

/// What applications said, and whom it is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told<'a> {
    /// The facts of the time of the run, the older first.
    pub facts: &'a [AppFact],
    /// The component that is the victim.
    pub component: Option<&'a str>,
    /// The components that it cannot do without, directly or not.
    pub needs: &'a [String],
}

/// How near a fact is to the victim, from far to near.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Relation {
    /// Nothing shows that the victim has to do with it.
    Elsewhere,
    /// The victim waits for that process, or cannot do without that component.
    Through,
    /// It is about the victim itself.
    Own,
}

/// A fact on its way to being a cause.
struct Candidate {
    what: AppWhat,
    relation: Relation,
    finding: Finding,
    /// Seconds of waiting per second, by the application's own account.
    wait: f64,
    /// Whoever must go on for the waiting to end: the holder of the lock, or the server.
    busy: BTreeSet<u32>,
    /// All processes of the server.
    server: BTreeSet<u32>,
}

impl Candidate {
    fn is_serious(&self) -> bool {
        self.finding.severity > Severity::Watch
    }
}

/// Adds to an answer what applications told.
pub fn add(run: &Run, told: &Told, answer: &mut Answer) {
    let mut candidates: Vec<Candidate> =
        fact::merged(told.facts).into_iter().filter_map(|fact| candidate(run, told, answer, &fact)).collect();
    if candidates.is_empty() {
        return;
    }
    join::among_themselves(&mut candidates);
    let hidden: f64 = candidates.iter().filter(|one| one.is_serious()).map(|one| one.wait).sum();
    let waits = Waits::new(run);
    let split = |pids: &BTreeSet<u32>| breakdown::of(run, &waits, pids);
    for candidate in candidates {
        join::with_the_host(run, answer, candidate, &split);
    }
    share_out(told, answer, hidden);
    sort(&mut answer.causes);
    if answer.causes.iter().any(|cause| cause.finding.severity > Severity::Watch) {
        answer.healthy = Some(false);
    }
}

/// The share of each cause. The time that clients waited inside applications is part of what there is to explain. Of a
/// component whose processes are not known, the waits of all others on the host are no measure: there, what applications
/// said of it stands beside what holds anybody up, which is less surely about it.
fn share_out(told: &Told, answer: &mut Answer, hidden: f64) {
    let plain = |cause: &Cause| {
        let said = |link: &Link| link.evidence.id.starts_with("finding-app-");
        !cause.finding.id.starts_with("app.") && !cause.finding.chain.iter().any(said)
    };
    let unknown = answer.victim.pids.is_empty() && told.component.is_some();
    let certain = |cause: &Cause| if unknown && plain(cause) { 0.5 } else { 1.0 };
    let others = answer.causes.iter().filter(|cause| plain(cause) && cause.finding.severity > Severity::Watch);
    let others: f64 = others.map(|cause| cause.explained * certain(cause)).sum();
    let measured = if unknown { others } else { answer.breakdown.active() };
    let all = (measured + hidden).max(f64::MIN_POSITIVE);
    for cause in &mut answer.causes {
        cause.share = (cause.explained * certain(cause) / all).min(1.0);
    }
}

/// What was refused first, then by what is explained, as causes are ranked everywhere; remarks last.
fn sort(causes: &mut [Cause]) {
    let score = |cause: &Cause| {
        let base = match cause.finding.severity {
            Severity::Error => 2.0,
            Severity::Bottleneck => 0.0,
            Severity::Watch => -3.0,
        };
        if cause.finding.severity == Severity::Watch {
            return base + cause.share * cause.finding.confidence;
        }
        (cause.share + base) * cause.finding.confidence
    };
    causes.sort_by(|a, b| {
        score(b)
            .total_cmp(&score(a))
            .then(a.finding.id.cmp(b.finding.id))
            .then(a.finding.culprit.key().cmp(&b.finding.culprit.key()))
    });
}

/// A fact as a finding, weighed by how near it is.
fn candidate(run: &Run, told: &Told, answer: &Answer, fact: &AppFact) -> Option<Candidate> {
    let server = family(run, fact.pid);
    let relation = relation(told, answer, fact, &server);
    let (mut finding, wait) = fact::finding(run, fact)?;
    match relation {
        Relation::Own => {}
        Relation::Through => finding.confidence *= 0.9,
        // Somebody else's trouble is worth a remark.
        Relation::Elsewhere => {
            finding.confidence *= 0.5;
            finding.severity = Severity::Watch;
        }
    }
    finding.wait_s_per_s = Some(wait);
    finding.also.extend(fact.pid.map(|pid| format!("pid:{pid}")));
    finding.victims.extend(answer.victim.entity.clone());
    let busy = match &fact.what {
        AppWhat::Blocked { holder_pid, .. } => holder_pid.iter().copied().collect(),
        _ => fact.pid.into_iter().collect(),
    };
    Some(Candidate { what: fact.what.clone(), relation, finding, wait, busy, server })
}

/// A process and all that descend from it: a database has one process for each session.
fn family(run: &Run, pid: Option<u32>) -> BTreeSet<u32> {
    let mut all: BTreeSet<u32> = pid.into_iter().collect();
    let Some(tasks) = run.tasks.value().filter(|_| !all.is_empty()) else { return all };
    loop {
        let children = tasks.processes.values().filter(|used| all.contains(&used.task.ppid));
        let new: Vec<u32> = children.map(|used| used.task.pid).filter(|pid| !all.contains(pid)).collect();
        if new.is_empty() {
            return all;
        }
        all.extend(new);
    }
}

fn relation(told: &Told, answer: &Answer, fact: &AppFact, server: &BTreeSet<u32>) -> Relation {
    let component = fact.component.as_deref();
    let same = component.is_some() && component == told.component;
    // A question about the whole host is about everything on it.
    let whole = told.component.is_none() && answer.victim.pids.is_empty();
    if same || whole || !server.is_disjoint(&answer.victim.pids) {
        return Relation::Own;
    }
    let needed = component.is_some_and(|component| told.needs.iter().any(|need| need == component));
    let waited_for = answer.servers.iter().filter_map(|one| one.entity.pid).any(|pid| server.contains(&pid));
    if needed || waited_for { Relation::Through } else { Relation::Elsewhere }
}

/// The arrow from the victim to the application that speaks.
fn said(victim: &Entity, source: &str, wait: f64) -> Link {
    let evidence = Msg::new("app-said").with("source", source).with("wait", Quantity::wait(wait));
    Link { from: named(victim), to: Msg::new("why-thing").with("name", source), evidence }
}

/// What a set of processes does meanwhile.
type Split<'a> = &'a dyn Fn(&BTreeSet<u32>) -> Breakdown;
