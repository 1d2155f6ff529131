//! A fact as a finding.

use std::collections::BTreeMap;

use super::advice;
use crate::app::{AppFact, AppWhat};
use crate::cell::{Entity, EntityKind, Finding, Link, Severity};
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Quantity, Resource};

/// Sessions wait for a lock that another one holds.
pub(super) const BLOCKED: &str = "app.blocked-session";
/// A pool has nothing left, and somebody waits for it.
pub(super) const POOL: &str = "app.pool-exhausted";
/// Messages come faster than they are taken.
pub(super) const QUEUE: &str = "app.queue-behind";
/// A heap is full, or its collector takes the time.
pub(super) const HEAP: &str = "app.heap-full";
/// One command keeps a server busy alone.
pub(super) const SLOW: &str = "app.slow-command";
/// A limit of the application is reached.
pub(super) const LIMIT: &str = "app.limit-reached";

/// The share of the time that collections may take.
const PAUSES: f64 = 0.1;
/// The share of a heap after a collection from which on it is full.
const FULL: f64 = 0.9;
/// The share of a limit from which on it is nearly reached.
const NEAR: f64 = 0.95;
/// Seconds of a command from which on others notice.
const SLOW_SECONDS: f64 = 0.05;

/// Facts of one thing at several moments become one: of what went on, the worst moment counts; commands are added up.
pub(super) fn merged(facts: &[AppFact]) -> Vec<AppFact> {
    let mut by_key: BTreeMap<(String, &'static str, String), AppFact> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| is_plausible(&fact.what)) {
        let (kind, name) = key(&fact.what);
        match by_key.entry((fact.source.clone(), kind, name)) {
            std::collections::btree_map::Entry::Vacant(empty) => {
                empty.insert(fact.clone());
            }
            std::collections::btree_map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                match (&mut known.what, &fact.what) {
                    (
                        AppWhat::SlowCommand { seconds, count, .. },
                        AppWhat::SlowCommand { seconds: more, count: times, .. },
                    ) => {
                        *seconds = seconds.max(*more);
                        *count = count.saturating_add(*times);
                    }
                    (before, now) if badness(now) >= badness(before) => *known = fact.clone(),
                    _ => {}
                }
            }
        }
    }
    by_key.into_values().collect()
}

/// What of an application the fact is about.
fn key(what: &AppWhat) -> (&'static str, String) {
    match what {
        AppWhat::Blocked { holder, .. } => (BLOCKED, holder.clone()),
        AppWhat::Pool { pool, .. } => (POOL, pool.clone()),
        AppWhat::Queue { queue, .. } => (QUEUE, queue.clone()),
        AppWhat::Heap { .. } => (HEAP, String::new()),
        AppWhat::SlowCommand { command, client, .. } => (SLOW, format!("{command} {client}")),
        AppWhat::Limit { limit, .. } => (LIMIT, limit.clone()),
    }
}

/// Whether its numbers can be of anything: an application, or a recording from elsewhere, may say what it likes.
fn is_plausible(what: &AppWhat) -> bool {
    const MOST: f64 = 1e18;
    let fine = |numbers: &[f64]| numbers.iter().all(|number| (0.0..=MOST).contains(number));
    match what {
        AppWhat::Blocked { longest, .. } => fine(&[*longest]),
        AppWhat::Pool { used, max, pending, .. } => fine(&[*used, *max, *pending]),
        AppWhat::Queue { length, rate_in, rate_out, .. } => {
            fine(&[*length, rate_in.unwrap_or(0.0), rate_out.unwrap_or(0.0)])
        }
        AppWhat::Heap { used, max, pause_share } => fine(&[*used, *max, *pause_share]),
        AppWhat::SlowCommand { seconds, .. } => fine(&[*seconds]),
        AppWhat::Limit { used, max, refused, .. } => fine(&[*used, *max, refused.unwrap_or(0.0)]),
    }
}

fn part(used: f64, max: f64) -> f64 {
    if max > 0.0 { used / max } else { 0.0 }
}

fn badness(what: &AppWhat) -> f64 {
    match what {
        AppWhat::Blocked { waiting, longest, .. } => *waiting as f64 * (1.0 + longest),
        AppWhat::Pool { used, max, pending, .. } => pending + part(*used, *max),
        AppWhat::Queue { length, .. } => *length,
        AppWhat::Heap { used, max, pause_share } => pause_share + part(*used, *max),
        AppWhat::SlowCommand { seconds, count, .. } => seconds * *count as f64,
        AppWhat::Limit { used, max, refused, .. } => part(*used, *max) + refused.unwrap_or(0.0),
    }
}

pub(super) fn text(id: &str, part: &str) -> Msg {
    Msg::new(format!("finding-{}-{part}", id.replace('.', "-")))
}

/// The finding, and the seconds of waiting per second that it stands for. Nothing for a fact that holds nobody up.
pub(super) fn finding(run: &Run, fact: &AppFact) -> Option<(Finding, f64)> {
    let source = fact.source.as_str();
    match &fact.what {
        AppWhat::Blocked { .. } => blocked(source, &fact.what),
        AppWhat::Pool { pool, used, max, pending } => exhausted(source, pool, *used, *max, *pending),
        AppWhat::Queue { .. } => behind(source, &fact.what),
        AppWhat::Heap { used, max, pause_share } => heap(source, fact.pid, *used, *max, *pause_share),
        AppWhat::SlowCommand { .. } => slow(run, source, fact.pid, &fact.what),
        AppWhat::Limit { limit, used, max, refused } => limited(source, limit, *used, *max, *refused),
    }
}

fn blocked(source: &str, what: &AppWhat) -> Option<(Finding, f64)> {
    let AppWhat::Blocked { holder, holder_pid, doing, statement, waiting, longest, object } = what else { return None };
    if *waiting == 0 {
        return None;
    }
    let culprit = Entity { pid: *holder_pid, ..Entity::new(EntityKind::Lock, holder) }
        .detail(Msg::new("why-thing").with("name", doing.as_str()));
    let spec = (Resource::Database, Kind::Saturation, "user-lock.saturation");
    let mut finding = Finding::new(BLOCKED, Severity::Bottleneck, spec, culprit);
    finding.also.extend(holder_pid.map(|pid| format!("pid:{pid}")));
    // The database knows it for certain.
    finding.confidence = 0.95;
    finding.summary = text(BLOCKED, "summary")
        .with("waiting", *waiting)
        .with("source", source)
        .with("holder", holder.as_str())
        .with("doing", doing.as_str())
        .with("longest", Quantity::seconds(*longest));
    let waits = text(BLOCKED, "evidence-wait")
        .with("waiting", *waiting)
        .with("longest", Quantity::seconds(*longest))
        .with("object", object.as_str());
    let holds = text(BLOCKED, "evidence-holder").with("statement", statement.as_str());
    let (sessions, who) = (text(BLOCKED, "sessions").with("source", source), thing(holder));
    finding.chain = vec![
        Link { from: sessions, to: who.clone(), evidence: waits },
        Link { from: who, to: thing(doing), evidence: holds },
    ];
    finding.advice = advice::blocked(source, what);
    Some((finding, *waiting as f64))
}

fn exhausted(source: &str, pool: &str, used: f64, max: f64, pending: f64) -> Option<(Finding, f64)> {
    // In use is counted at another moment than who waits.
    let full = part(used, max) >= FULL;
    if !full {
        return None;
    }
    let severity = if pending > 0.0 { Severity::Bottleneck } else { Severity::Watch };
    let spec = (Resource::Pool, Kind::Saturation, "user-lock.saturation");
    let mut finding = Finding::new(POOL, severity, spec, Entity::new(EntityKind::Pool, pool));
    finding.confidence = 0.8;
    let numbers = |message: Msg| {
        let quantity = |number: f64| Quantity::count(number);
        message.with("used", quantity(used)).with("max", quantity(max)).with("pending", quantity(pending))
    };
    finding.summary = numbers(text(POOL, "summary").with("pool", pool));
    let evidence = numbers(text(POOL, "evidence"));
    finding.chain = vec![Link { from: thing(source), to: thing(pool), evidence }];
    finding.advice = advice::exhausted(pool, max, pending);
    Some((finding, pending))
}

fn behind(source: &str, what: &AppWhat) -> Option<(Finding, f64)> {
    let AppWhat::Queue { queue, length, rate_in, rate_out, consumers } = what else { return None };
    if *length < 1.0 {
        return None;
    }
    let nobody = *consumers == Some(0);
    // How much longer the next message waits than the one before: what comes in beyond what is taken out.
    let growth = match (rate_in, rate_out) {
        _ if nobody => 1.0,
        (Some(came), Some(went)) if *came > 0.0 => ((came - went) / came).clamp(0.0, 1.0),
        _ => 0.0,
    };
    let severity = match (nobody, growth > 0.05) {
        (true, _) => Severity::Error,
        (false, true) => Severity::Bottleneck,
        (false, false) => Severity::Watch,
    };
    let spec = (Resource::Queue, Kind::Saturation, "tasks.saturation");
    let mut finding = Finding::new(QUEUE, severity, spec, Entity::new(EntityKind::Queue, queue));
    finding.confidence = if rate_in.is_some() || nobody { 0.8 } else { 0.5 };
    let rate = |rate: &Option<f64>| match rate {
        Some(rate) => Msg::new("app-rate").with("rate", Quantity::rate(*rate)),
        None => Msg::new("app-rate-unknown"),
    };
    let numbers = |message: Msg| {
        let count = consumers.map_or_else(|| "?".to_owned(), |count| count.to_string());
        message
            .with("length", Quantity::count(*length))
            .with("came", rate(rate_in))
            .with("went", rate(rate_out))
            .with("consumers", count)
    };
    finding.summary = numbers(text(QUEUE, "summary").with("queue", queue.as_str()));
    let evidence = numbers(text(QUEUE, "evidence"));
    finding.chain = vec![Link { from: thing(source), to: thing(queue), evidence }];
    finding.advice = advice::behind(what);
    Some((finding, growth))
}

fn heap(source: &str, pid: Option<u32>, used: f64, max: f64, pauses: f64) -> Option<(Finding, f64)> {
    let full = part(used, max);
    if full < FULL && pauses < PAUSES {
        return None;
    }
    let severity = if pauses >= PAUSES { Severity::Bottleneck } else { Severity::Watch };
    let culprit = match pid {
        Some(pid) => Entity::process(pid, source),
        None => Entity::new(EntityKind::Process, source),
    };
    let spec = (Resource::Heap, Kind::Saturation, "memory.saturation");
    let mut finding = Finding::new(HEAP, severity, spec, culprit);
    finding.confidence = if full >= FULL { 0.9 } else { 0.75 };
    let numbers = |message: Msg| {
        message
            .with("share", Quantity::ratio(full.min(1.0)))
            .with("max", Quantity::bytes(max))
            .with("pauses", Quantity::ratio(pauses.clamp(0.0, 1.0)))
    };
    finding.summary = numbers(text(HEAP, "summary").with("name", source));
    let evidence = numbers(text(HEAP, "evidence"));
    finding.chain = vec![Link { from: thing(source), to: text(HEAP, "collector"), evidence }];
    finding.advice = advice::heap(pid, used, max);
    Some((finding, pauses.clamp(0.0, 1.0)))
}

fn slow(run: &Run, source: &str, pid: Option<u32>, what: &AppWhat) -> Option<(Finding, f64)> {
    let AppWhat::SlowCommand { command, seconds, client, count } = what else { return None };
    if *seconds < SLOW_SECONDS || *count == 0 {
        return None;
    }
    // Its slowest run is known, and how many there were.
    let busy = (seconds * *count as f64 / run.seconds().max(1.0)).clamp(0.0, 1.0);
    let severity = if busy >= PAUSES { Severity::Bottleneck } else { Severity::Watch };
    let spec = (Resource::Database, Kind::Utilization, "cpu.utilization");
    let culprit = Entity { pid, ..Entity::new(EntityKind::Query, command) };
    let mut finding = Finding::new(SLOW, severity, spec, culprit);
    finding.confidence = 0.85;
    let numbers = |message: Msg| message.with("seconds", Quantity::seconds(*seconds)).with("count", *count);
    finding.summary = numbers(text(SLOW, "summary"))
        .with("command", command.as_str())
        .with("source", source)
        .with("client", client.as_str());
    let evidence = numbers(text(SLOW, "evidence")).with("busy", Quantity::ratio(busy));
    finding.chain = vec![
        Link { from: thing(source), to: thing(command), evidence },
        Link { from: thing(command), to: thing(client), evidence: text(SLOW, "sent") },
    ];
    finding.advice = advice::slow(source, command, client, *seconds);
    Some((finding, busy))
}

fn limited(source: &str, limit: &str, used: f64, max: f64, refused: Option<f64>) -> Option<(Finding, f64)> {
    let refusing = refused.unwrap_or(0.0) > 0.0;
    if part(used, max) < NEAR && !refusing {
        return None;
    }
    let severity = match (refusing, part(used, max) >= 0.995) {
        (true, _) => Severity::Error,
        (false, true) => Severity::Bottleneck,
        (false, false) => Severity::Watch,
    };
    let spec = (Resource::Database, Kind::Errors, "tasks.errors");
    let mut finding = Finding::new(LIMIT, severity, spec, Entity::new(EntityKind::Pool, limit));
    finding.confidence = if refusing { 0.95 } else { 0.6 };
    let numbers = |message: Msg| {
        message
            .with("used", Quantity::count(used))
            .with("max", Quantity::count(max))
            .with("refused", Quantity::rate(refused.unwrap_or(0.0)))
    };
    finding.summary = numbers(text(LIMIT, "summary").with("limit", limit).with("source", source));
    let evidence = numbers(text(LIMIT, "evidence"));
    finding.chain = vec![Link { from: thing(source), to: thing(limit), evidence }];
    finding.advice = advice::limited(limit, max, refused);
    // Whoever is refused waits for nothing and fails.
    let wait = if severity == Severity::Bottleneck { 0.5 } else { 0.0 };
    Some((finding, wait))
}

/// Something by its own name.
pub(super) fn thing(name: &str) -> Msg {
    Msg::new("why-thing").with("name", name)
}
