//! Which cause takes in which: among what applications said, and between that and the host.

use std::collections::BTreeSet;

use super::{Candidate, Relation, Split, said};
use crate::Quantity;
use crate::app::AppWhat;
use crate::cell::{Entity, Finding, Link, Severity};
use crate::message::Msg;
use crate::run::Run;
use crate::why::Answer;
use crate::why::cause::{self, Bond, Cause, Concerned};
use crate::why::ground::named;

/// The share of the holder's time that a cause of the host must explain for it to be the deeper one.
const MOSTLY: f64 = 0.5;

/// How far below the surface a fact is: each takes in those that are above it.
fn depth(what: &AppWhat) -> u8 {
    match what {
        AppWhat::Blocked { .. } | AppWhat::SlowCommand { .. } | AppWhat::Heap { .. } => 3,
        AppWhat::Limit { .. } => 2,
        AppWhat::Pool { .. } => 1,
        AppWhat::Queue { .. } => 0,
    }
}

/// A queue that nobody takes from has its own cause.
fn stands_alone(candidate: &Candidate) -> bool {
    matches!(candidate.what, AppWhat::Queue { consumers: Some(0), .. })
}

/// Lets the deeper facts take in those that follow from them. A fact that has nothing to do with the victim explains
/// nothing of it.
pub(super) fn among_themselves(candidates: &mut Vec<Candidate>) {
    candidates.sort_by(|a, b| {
        depth(&b.what)
            .cmp(&depth(&a.what))
            .then(b.wait.total_cmp(&a.wait))
            .then(a.finding.culprit.key().cmp(&b.finding.culprit.key()))
    });
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates.drain(..) {
        let deeper = kept.iter_mut().find(|deeper| {
            deeper.is_serious()
                && candidate.is_serious()
                && !stands_alone(&candidate)
                && deeper.relation > Relation::Elsewhere
                && depth(&deeper.what) > depth(&candidate.what)
        });
        match deeper {
            Some(deeper) => take_in(deeper, candidate),
            None => kept.push(candidate),
        }
    }
    *candidates = kept;
}

/// The symptom's arrows come before those of its cause, with one between them.
fn take_in(deeper: &mut Candidate, symptom: Candidate) {
    deeper.wait = deeper.wait.max(symptom.wait);
    deeper.finding.wait_s_per_s = Some(deeper.wait);
    deeper.finding.also.extend(symptom.finding.keys());
    let chain = std::mem::take(&mut deeper.finding.chain);
    deeper.finding.chain = joined(symptom.finding.chain, chain, symptom.finding.summary);
}

/// Two chains as one: where the first ends, an arrow leads to where the second begins, with `because` on it.
fn joined(mut first: Vec<Link>, second: Vec<Link>, because: Msg) -> Vec<Link> {
    if let (Some(end), Some(begin)) = (first.last(), second.first()) {
        let between = Link { from: end.to.clone(), to: begin.from.clone(), evidence: because };
        if between.from != between.to {
            first.push(between);
        }
    }
    first.extend(second);
    first
}

/// Puts a fact among the causes: below one of the host that holds up whoever must go on, or above those that only say that
/// this process is waited for.
pub(super) fn with_the_host(run: &Run, answer: &mut Answer, mut candidate: Candidate, split: Split) {
    let victim = answer.victim.entity.clone();
    if candidate.is_serious() && candidate.relation > Relation::Elsewhere {
        let reached = symptoms(answer, &candidate);
        if let Some(victim) = victim.as_ref().filter(|_| reached.is_empty()) {
            let source = source(&candidate);
            candidate.finding.chain.insert(0, said(victim, &source, candidate.wait));
        } else {
            // How the victim gets there, the kernel saw.
            let chain = std::mem::take(&mut candidate.finding.chain);
            let summary = candidate.finding.summary.clone();
            candidate.finding.chain = joined(reached, chain, summary);
        }
        if let Some(deeper) = deeper(run, answer, &candidate, split) {
            under_the_host(answer, candidate, deeper);
            return;
        }
    }
    let explained = candidate.wait;
    answer.causes.push(Cause { finding: candidate.finding, explained, share: 0.0 });
}

/// Who speaks, as the first arrow of the fact has it.
fn source(candidate: &Candidate) -> String {
    let first = candidate.finding.chain.first().and_then(|link| link.from.args.first());
    match first {
        Some((_, crate::message::Arg::Text(name))) => name.clone(),
        _ => candidate.finding.culprit.name.clone(),
    }
}

/// Takes away the causes that only say that the server is waited for or works; the arrows from the victim to it.
fn symptoms(answer: &mut Answer, candidate: &Candidate) -> Vec<Link> {
    let busy = matches!(candidate.what, AppWhat::Heap { .. } | AppWhat::SlowCommand { .. });
    let is = |cause: &Cause| {
        let finding = &cause.finding;
        let server =
            finding.culprit.pid.is_some_and(|pid| candidate.server.contains(&pid) || candidate.busy.contains(&pid));
        let waits = matches!(finding.id, "why.local-server" | "user-lock.contention" | "network.slow-reader");
        let works = busy && matches!(finding.id, "why.own-work" | "cpu.hot-thread" | "cpu.run-queue" | "cpu.neighbour");
        server && (waits || works)
    };
    let mut links = Vec::new();
    let mut kept = Vec::new();
    for cause in std::mem::take(&mut answer.causes) {
        if is(&cause) {
            let to_server = cause.finding.id == "why.local-server" && links.is_empty();
            links.extend(cause.finding.chain.into_iter().take(1).filter(|_| to_server));
        } else {
            kept.push(cause);
        }
    }
    answer.causes = kept;
    links
}

/// A cause of the host that explains most of what whoever must go on does instead.
struct Deeper {
    finding: Finding,
    /// Seconds per second of the one who must go on.
    explained: f64,
    share: f64,
}

fn deeper(run: &Run, answer: &Answer, candidate: &Candidate, split: Split) -> Option<Deeper> {
    if candidate.busy.is_empty() {
        return None;
    }
    let theirs = split(&candidate.busy);
    let active = theirs.active();
    if active < run.threshold("finding.min-wait") {
        return None;
    }
    let who = Concerned::new(run, &candidate.busy);
    let known = answer.causes.iter().map(|cause| &cause.finding);
    // What does not hold the victim up by itself may hold up the holder of its lock.
    let mut seen = BTreeSet::new();
    let all = known.chain(&answer.checklist.findings).filter(|finding| {
        finding.severity > Severity::Watch
            && !finding.id.starts_with("why.")
            && !finding.id.starts_with("app.")
            && seen.insert((finding.id, finding.culprit.key()))
    });
    let explains = |finding: &Finding| {
        let bond = cause::bond(finding, &who)?;
        // That it uses a CPU is what it does, not what keeps it from that.
        if bond == Bond::Own && finding.kind == crate::Kind::Utilization {
            return None;
        }
        let explained = cause::explained(finding, bond, &theirs);
        let share = explained / active;
        (share >= MOSTLY).then(|| Deeper { finding: finding.clone(), explained, share })
    };
    all.filter_map(explains).max_by(|a, b| {
        let score = |one: &Deeper| one.share * one.finding.confidence;
        score(a).total_cmp(&score(b)).then(b.finding.id.cmp(a.finding.id))
    })
}

/// The fact's arrows lead to the cause of the host, which stands for both.
fn under_the_host(answer: &mut Answer, candidate: Candidate, deeper: Deeper) {
    let Deeper { mut finding, explained, share } = deeper;
    finding.also.extend(candidate.finding.keys());
    let evidence =
        Msg::new("why-link").with("seconds", Quantity::wait(explained)).with("share", Quantity::ratio(share.min(1.0)));
    let holder: &Entity = &candidate.finding.culprit;
    let mut chain = candidate.finding.chain;
    chain.push(Link { from: named(holder), to: named(&finding.culprit), evidence });
    // The arrow from the victim that it may have already leads the short way.
    let own = finding.chain.iter().filter(|link| link.evidence.id != "why-link").cloned();
    chain.extend(own);
    finding.chain = chain;
    finding.victims = victims(candidate.finding.victims, finding.victims);
    finding.wait_s_per_s = Some(finding.wait_s_per_s.unwrap_or(0.0).max(candidate.wait));
    finding.confidence = finding.confidence.min(candidate.finding.confidence);
    let same =
        |cause: &&mut Cause| cause.finding.id == finding.id && cause.finding.culprit.key() == finding.culprit.key();
    match answer.causes.iter_mut().find(same) {
        Some(cause) => {
            cause.explained = cause.explained.max(candidate.wait);
            cause.finding = finding;
        }
        None => answer.causes.push(Cause { finding, explained: candidate.wait, share: 0.0 }),
    }
}

fn victims(first: Vec<Entity>, more: Vec<Entity>) -> Vec<Entity> {
    let mut all: Vec<Entity> = Vec::new();
    for entity in first.into_iter().chain(more) {
        if !all.iter().any(|known| known.key() == entity.key()) {
            all.push(entity);
        }
    }
    all
}
