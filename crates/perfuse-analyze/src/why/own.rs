//! What is said where no rule of the checklist explains the wait: the victim works, or waits for somebody whose inside is not
//! to be seen from here.

use std::collections::BTreeSet;

use super::breakdown::Breakdown;
use super::cause::Cause;
use super::ground::named;
use super::state::{Family, State};
use super::{Server, Victim};
use crate::cell::{Advice, Entity, EntityKind, Finding, Link, Severity};
use crate::message::Msg;
use crate::network;
use crate::run::Run;
use crate::tasks::Used;
use crate::{Kind, Quantity, Resource};

/// The victim, or the server that it waits for, uses the CPU itself.
const WORK: &str = "why.own-work";
/// The victim waits for an answer from another host.
const PEER: &str = "why.remote-peer";
/// The victim waits for a process of this host that waits by choice.
const SERVER: &str = "why.local-server";

/// A signal keeps the victim stopped.
const STOPPED: &str = "why.stopped";

/// The share of the victim's time that must be left unexplained.
const LEFT: f64 = 0.3;
/// The share of its time that such an answer must explain.
const ENOUGH: f64 = 0.25;

/// Adds the best of these answers where the rules explain too little.
pub(super) fn add(run: &Run, victim: &Victim, breakdown: &Breakdown, servers: &[Server], causes: &mut Vec<Cause>) {
    let active = breakdown.active();
    let known: f64 = causes.iter().map(|cause| cause.share).sum();
    let refused = causes.iter().any(|cause| cause.finding.severity == Severity::Error);
    if refused || active <= run.threshold("finding.min-wait") || known > 1.0 - LEFT {
        return;
    }
    let behind_itself = causes.iter().any(|cause| queues_behind_itself(cause, victim, breakdown));
    let candidates = [
        work(run, victim, breakdown, behind_itself),
        peer(run, victim, breakdown),
        server(run, servers),
        stopped(run, victim, breakdown),
    ];
    let enough = |(_, explained): &(Finding, f64)| explained / active >= ENOUGH;
    // What a rule explains is the deeper cause of the same waiting.
    let left = (active * (1.0 - known)).max(0.0);
    let candidates = candidates.into_iter().flatten().map(|(finding, explained)| (finding, explained.min(left)));
    for (finding, explained) in candidates.filter(enough) {
        if finding.id == WORK && behind_itself {
            let symptoms = causes.iter_mut().filter(|cause| queues_behind_itself(cause, victim, breakdown));
            symptoms.for_each(|cause| cause.finding.severity = Severity::Watch);
        }
        causes.push(Cause { finding, explained, share: (explained / active).min(1.0) });
    }
    causes.sort_by(|a, b| {
        let score = |cause: &Cause| cause.share * cause.finding.confidence;
        score(b).total_cmp(&score(a)).then(a.finding.id.cmp(b.finding.id))
    });
}

/// Whether a finding is that threads of the victim wait for a CPU that others of its threads take, and for less time than these
/// take: then its work is the cause, and the queue a symptom of it.
fn queues_behind_itself(cause: &Cause, victim: &Victim, breakdown: &Breakdown) -> bool {
    let itself = cause.finding.culprit.pid.is_some_and(|pid| victim.pids.contains(&pid));
    itself && cause.finding.id == "cpu.run-queue" && cause.explained < breakdown.family(Family::Running) / 2.0
}

fn text(id: &str, part: &str) -> Msg {
    Msg::new(format!("finding-{}-{part}", id.replace('.', "-")))
}

/// The share of a CPU that the busiest thread of the set used: several that each have time to spare are not one that has none.
fn hottest_thread(run: &Run, pids: &BTreeSet<u32>) -> Option<f64> {
    let threads = run.tasks.value()?.threads.values();
    threads.filter(|used| pids.contains(&used.task.pid)).map(|used| used.cpu).max_by(f64::total_cmp)
}

/// The process or thread of the set that used most CPU.
fn hottest<'a>(run: &'a Run, pids: &BTreeSet<u32>) -> Option<&'a Used> {
    let tasks = run.tasks.value()?;
    let threads = tasks.threads.values().chain(tasks.processes.values());
    let of_them = threads.filter(|used| pids.contains(&used.task.pid));
    of_them.max_by(|a, b| a.cpu.total_cmp(&b.cpu).then(b.task.tid.cmp(&a.task.tid)))
}

fn work(run: &Run, victim: &Victim, breakdown: &Breakdown, behind_itself: bool) -> Option<(Finding, f64)> {
    let running = breakdown.family(Family::Running);
    let hottest = hottest(run, &victim.pids)?;
    let culprit = Entity::process(hottest.task.pid, &hottest.task.comm);
    let spec = (Resource::Cpu, Kind::Utilization, "cpu.utilization");
    // A thread that always runs holds up whatever it works for, and so do threads that wait for each other to be done; a
    // program that mostly idles beside its work does not.
    let busiest = hottest_thread(run, &victim.pids).unwrap_or(hottest.cpu);
    let holds_up = behind_itself || busiest >= run.threshold("cpu.hot-thread");
    let severity = if holds_up { Severity::Bottleneck } else { Severity::Watch };
    let mut finding = Finding::new(WORK, severity, spec, culprit.clone());
    let in_kernel = if running > 0.0 { breakdown.of(State::System) / running } else { 0.0 };
    let numbers = text(WORK, "evidence")
        .with("running", Quantity::wait(running))
        .with("kernel", Quantity::ratio(in_kernel))
        .with("share", Quantity::ratio(running / breakdown.active().max(f64::MIN_POSITIVE)));
    finding.summary = text(WORK, "summary").with("name", &culprit.name).with("running", Quantity::wait(running));
    finding.wait_s_per_s = Some(running);
    finding.confidence = 0.6;
    finding.victims = victim.entity.iter().cloned().collect();
    finding.chain = vec![Link { from: named(&culprit), to: text(WORK, "cpu"), evidence: numbers }];
    finding.advice = vec![Advice {
        text: text(WORK, "advice"),
        command: Some(format!("perfuse flamegraph -g -p {} -- sleep 10", hottest.task.pid)),
        expect: text(WORK, "expect"),
    }];
    Some((finding, running))
}

fn peer(run: &Run, victim: &Victim, breakdown: &Breakdown) -> Option<(Finding, f64)> {
    let waiting = breakdown.of(State::Receive) + breakdown.of(State::Connect);
    let ((address, rtt), others) = {
        let mut peers = network::peers(run, &victim.pids).into_iter();
        (peers.next()?, peers.len())
    };
    let culprit = Entity::new(EntityKind::Dependency, address.to_string());
    let spec = (Resource::Dependency, Kind::Saturation, "network.saturation");
    let mut finding = Finding::new(PEER, Severity::Bottleneck, spec, culprit);
    let from = victim.entity.clone().unwrap_or_else(Entity::host);
    finding.wait_s_per_s = Some(waiting);
    // Of several peers it is not known which one is slow.
    finding.confidence = if others == 0 { 0.6 } else { 0.4 };
    finding.summary = text(PEER, "summary")
        .with("name", called(&from))
        .with("peer", address.to_string())
        .with("wait", Quantity::wait(waiting));
    let evidence =
        text(PEER, "evidence").with("wait", Quantity::wait(waiting)).with("rtt", Quantity::seconds(rtt.unwrap_or(0.0)));
    finding.chain =
        vec![Link { from: named(&from), to: text(PEER, "peer").with("peer", address.to_string()), evidence }];
    finding.victims = victim.entity.iter().cloned().collect();
    finding.advice = vec![Advice {
        text: text(PEER, "advice").with("peer", address.to_string()),
        command: Some(format!("ss -tino dst {}", address.ip())),
        expect: text(PEER, "expect"),
    }];
    Some((finding, waiting))
}

/// A victim in a sentence of its own. An address alone does not say whose it is.
fn called(entity: &Entity) -> String {
    match (entity.kind, &entity.path) {
        (EntityKind::Listener, Some(process)) => format!("{process} ({})", entity.name),
        _ => entity.name.clone(),
    }
}

/// A process that a signal (or a debugger) stops, or stops from time to time.
fn stopped(run: &Run, victim: &Victim, breakdown: &Breakdown) -> Option<(Finding, f64)> {
    let waiting = breakdown.of(State::Stopped);
    let entity = victim.entity.clone().filter(|_| waiting >= run.threshold("finding.min-wait"))?;
    let spec = (Resource::Tasks, Kind::Saturation, "tasks.saturation");
    let mut finding = Finding::new(STOPPED, Severity::Bottleneck, spec, entity.clone());
    finding.wait_s_per_s = Some(waiting);
    finding.confidence = 0.9;
    finding.summary = text(STOPPED, "summary").with("name", called(&entity)).with("wait", Quantity::wait(waiting));
    let share = Quantity::ratio(waiting / breakdown.total.max(f64::MIN_POSITIVE));
    let evidence = text(STOPPED, "evidence").with("wait", Quantity::wait(waiting)).with("share", share);
    finding.chain = vec![Link { from: named(&entity), to: text(STOPPED, "signal"), evidence }];
    finding.advice = vec![Advice {
        text: text(STOPPED, "advice"),
        command: entity
            .pid
            .map(|pid| format!("perfuse record -a -e signal:signal_generate --filter 'pid == {pid}' -- sleep 10")),
        expect: text(STOPPED, "expect"),
    }];
    finding.victims = vec![entity];
    Some((finding, waiting))
}

/// The last server of the chain that takes most of the victim's time.
fn server(run: &Run, servers: &[Server]) -> Option<(Finding, f64)> {
    let behind = |server: &Server| {
        servers.iter().any(|other| other.client == server.entity && other.spent >= server.spent / 2.0)
    };
    let last = servers.iter().filter(|server| !behind(server) && !server.is_at_leisure());
    let slow = last.max_by(|a, b| a.spent.total_cmp(&b.spent).then(b.entity.pid.cmp(&a.entity.pid)))?;
    let running = slow.breakdown.family(Family::Running);
    let busy = running >= run.threshold("cpu.hot-thread");
    let (resource, cell) =
        if busy { (Resource::Cpu, "cpu.utilization") } else { (Resource::Dependency, "network.saturation") };
    let kind = if busy { Kind::Utilization } else { Kind::Saturation };
    let mut finding = Finding::new(SERVER, Severity::Bottleneck, (resource, kind, cell), slow.entity.clone());
    finding.wait_s_per_s = Some(slow.spent);
    finding.confidence = 0.6;
    finding.victims = vec![slow.client.clone()];
    finding.summary = text(SERVER, "summary")
        .with("name", &slow.client.name)
        .with("server", &slow.entity.name)
        .with("wait", Quantity::wait(slow.spent));
    let most = slow.breakdown.states.iter().max_by(|a, b| a.1.seconds.total_cmp(&b.1.seconds));
    let (state, seconds) = most.map_or((State::Unexplained, 0.0), |(state, share)| (*state, share.seconds));
    let theirs = text(SERVER, "evidence-state")
        .with("state", Msg::new(format!("why-state-{}", state.id())))
        .with("seconds", Quantity::wait(seconds));
    finding.chain = vec![
        Link {
            from: named(&slow.client),
            to: named(&slow.entity),
            evidence: text(SERVER, "evidence-wait").with("wait", Quantity::wait(slow.spent)),
        },
        Link { from: named(&slow.entity), to: Msg::new(format!("why-state-{}", state.id())), evidence: theirs },
    ];
    finding.advice = vec![Advice {
        text: text(SERVER, "advice").with("server", &slow.entity.name),
        command: slow.entity.pid.map(|pid| format!("perfuse why --pid {pid}")),
        expect: text(SERVER, "expect"),
    }];
    Some((finding, slow.spent))
}

/// Whether the victim, when it was not idle, waited for somebody's data all the time and got none: nobody to be seen on the other side, and no way to
/// tell whether it has nothing to do or hangs.
pub(super) fn is_mute(breakdown: &Breakdown) -> bool {
    const ALL: f64 = 0.9;
    let waits = || breakdown.states.iter().filter(|(state, _)| state.family() == Family::Peer);
    let silent = waits().all(|(_, share)| share.wakers.is_empty());
    silent && breakdown.family(Family::Peer) >= ALL * breakdown.active().max(f64::MIN_POSITIVE)
}

/// What the sources of this run leave open.
pub(super) fn cannot_tell(run: &Run, breakdown: &Breakdown) -> Vec<Msg> {
    let mut open = Vec::new();
    if !breakdown.exact {
        open.push(Msg::new("why-cannot-waits"));
    }
    if is_mute(breakdown) {
        open.push(Msg::new("why-cannot-silence"));
    }
    let share = |state: State| breakdown.of(state) / breakdown.total.max(f64::MIN_POSITIVE);
    if share(State::Unexplained) >= 0.1 {
        let seconds = Quantity::wait(breakdown.of(State::Unexplained));
        open.push(Msg::new("why-cannot-unexplained").with("seconds", seconds));
    }
    // Whether a CPU computes or waits for memory, and for whose cache line, only its counters know.
    let counters = run.first::<perfuse_format::sys::capability::Capabilities>("@capabilities").into_value();
    let pmu = counters.is_none_or(|all| all.0.iter().any(|one| one.id == "pmu" && one.available()));
    if !pmu && share(State::User) >= 0.25 {
        open.push(Msg::new("why-cannot-memory-stalls"));
    }
    open
}
