//! A fact as a finding.

use std::collections::BTreeMap;

use super::{advice, peers};
use crate::app::{AppFact, AppKind, AppWhat};
use crate::cell::{Advice, Entity, EntityKind, Finding, Link, Severity};
use crate::message::Msg;
use crate::run::Run;
use crate::why::ground::named;
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
        let (kind, name) = key(fact);
        match by_key.entry((fact.source.clone(), kind, name)) {
            std::collections::btree_map::Entry::Vacant(empty) => {
                empty.insert(fact.clone());
            }
            std::collections::btree_map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                match (&mut known.what, &fact.what) {
                    (
                        AppWhat::SlowCommand { seconds, count, client, .. },
                        AppWhat::SlowCommand { seconds: more, count: times, client: newest, .. },
                    ) => {
                        // The newest connection may still be open, and lead to its process.
                        client.clone_from(newest);
                        *seconds = seconds.max(*more);
                        *count = count.saturating_add(*times);
                    }
                    (before, now) if badness(now) >= badness(before) => *known = fact.clone(),
                    _ => {}
                }
            }
        }
    }
    let newest: Vec<AppFact> = by_key.into_values().collect();
    newest.into_iter().map(|fact| with_usual_rates(fact, facts)).collect()
}

/// What comes and goes per second, as far as it is known.
type Rates = (Option<f64>, Option<f64>);

/// Of a queue the worst moment counts, and what comes and goes in the newer half of the moments: the rate of one moment is
/// that of a few messages.
fn with_usual_rates(mut fact: AppFact, facts: &[AppFact]) -> AppFact {
    let of_it = key(&fact);
    let AppWhat::Queue { rate_in, rate_out, .. } = &mut fact.what else { return fact };
    let same: Vec<Rates> = facts
        .iter()
        .filter(|one| one.source == fact.source && key(one) == of_it && is_plausible(&one.what))
        .filter_map(|one| match &one.what {
            AppWhat::Queue { rate_in, rate_out, .. } => Some((*rate_in, *rate_out)),
            _ => None,
        })
        .collect();
    let newer = same.get(same.len() / 2..).unwrap_or_default();
    let median = |of: fn(&Rates) -> Option<f64>| {
        let mut rates: Vec<f64> = newer.iter().filter_map(of).collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied()
    };
    *rate_in = median(|rates| rates.0).or(*rate_in);
    *rate_out = median(|rates| rates.1).or(*rate_out);
    fact
}

/// What of an application the fact is about.
fn key(fact: &AppFact) -> (&'static str, String) {
    match &fact.what {
        // One that is not known is known by what it holds.
        AppWhat::Blocked { holder, object, .. } if holder.is_empty() => (BLOCKED, object.clone()),
        AppWhat::Blocked { holder, .. } => (BLOCKED, holder.clone()),
        AppWhat::Pool { pool, .. } => (POOL, pool.clone()),
        AppWhat::Queue { queue, .. } => (QUEUE, queue.clone()),
        // One collector may look at several machines.
        AppWhat::Heap { .. } => (HEAP, fact.pid.map_or_else(String::new, |pid| pid.to_string())),
        AppWhat::SlowCommand { command, client, .. } => (SLOW, format!("{command} {}", without_port(client))),
        AppWhat::Limit { limit, .. } => (LIMIT, limit.clone()),
    }
}

/// A client without the port of its connection: one that connects anew for each command is one client.
fn without_port(client: &str) -> String {
    let (address, name) = client.split_once(' ').unwrap_or((client, ""));
    match address.parse::<std::net::SocketAddr>() {
        Ok(address) => format!("{} {name}", address.ip()),
        Err(_) => client.to_owned(),
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
        AppWhat::Heap { used, max, pause_share, all } => fine(&[*used, *max, *pause_share, all.unwrap_or(0.0)]),
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
        AppWhat::Heap { used, max, pause_share, .. } => pause_share + part(*used, *max),
        AppWhat::SlowCommand { seconds, count, .. } => seconds * *count as f64,
        AppWhat::Limit { used, max, refused, denied, .. } => {
            part(*used, *max) + refused.unwrap_or(0.0) + f64::from(u8::from(*denied))
        }
    }
}

pub(super) fn text(id: &str, part: &str) -> Msg {
    Msg::new(format!("finding-{}-{part}", id.replace('.', "-")))
}

/// The finding, and the seconds of waiting per second that it stands for. Nothing for a fact that holds nobody up.
pub(super) fn finding(run: &Run, fact: &AppFact) -> Option<(Finding, f64)> {
    let source = fact.source.as_str();
    match &fact.what {
        AppWhat::Blocked { .. } => blocked(source, fact.kind, &fact.what),
        AppWhat::Pool { pool, used, max, pending } => exhausted(source, pool, *used, *max, *pending),
        AppWhat::Queue { .. } => behind(run, source, &fact.what),
        AppWhat::Heap { .. } => heap(source, fact.pid, &fact.what),
        AppWhat::SlowCommand { .. } => slow(run, fact),
        AppWhat::Limit { .. } => limited(source, fact.kind, &fact.what),
    }
}

fn blocked(source: &str, kind: AppKind, what: &AppWhat) -> Option<(Finding, f64)> {
    let AppWhat::Blocked { holder, holder_pid, doing, statement, waiting, longest, object, waiters } = what else {
        return None;
    };
    if *waiting == 0 {
        return None;
    }
    let known = !holder.is_empty();
    let name = if known { holder } else { object };
    let culprit = Entity { pid: *holder_pid, ..Entity::new(EntityKind::Lock, name) }
        .detail(Msg::new("why-thing").with("name", doing.as_str()));
    let spec = (Resource::Database, Kind::Saturation, "user-lock.saturation");
    let mut finding = Finding::new(BLOCKED, Severity::Bottleneck, spec, culprit);
    finding.also.extend(holder_pid.map(|pid| format!("pid:{pid}")));
    // The database knows it for certain.
    finding.confidence = 0.95;
    let numbers = |part: &str| {
        let longest = Quantity::seconds(*longest);
        text(BLOCKED, part).with("waiting", *waiting).with("longest", longest)
    };
    let summary = if known {
        numbers("summary").with("holder", holder.as_str()).with("doing", doing.as_str())
    } else {
        numbers("summary-unknown").with("object", object.as_str())
    };
    finding.summary = summary.with("source", source);
    let waits = if waiters.is_empty() {
        numbers("evidence-wait").with("object", object.as_str())
    } else {
        numbers("evidence-waiters").with("object", object.as_str()).with("waiters", waiters.join(", "))
    };
    let (sessions, who) = (text(BLOCKED, "sessions").with("source", source), thing(name));
    finding.chain = vec![Link { from: sessions, to: who.clone(), evidence: waits }];
    let holds = match (known, statement.is_empty()) {
        (true, false) => Some(text(BLOCKED, "evidence-holder").with("statement", statement.as_str())),
        (true, true) => Some(text(BLOCKED, "evidence-silent")),
        (false, _) => Some(text(BLOCKED, "evidence-unknown")),
    };
    finding.chain.extend(holds.filter(|_| !doing.is_empty()).map(|evidence| Link {
        from: who,
        to: thing(doing),
        evidence,
    }));
    finding.advice = advice::blocked(kind, what);
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

fn behind(run: &Run, source: &str, what: &AppWhat) -> Option<(Finding, f64)> {
    let AppWhat::Queue { queue, length, rate_in, rate_out, consumers, takers } = what else { return None };
    if *length < 1.0 {
        return None;
    }
    let nobody = *consumers == Some(0);
    // How much longer the next message waits than the one before: what comes in beyond what is taken out.
    let growth = match (rate_in, rate_out) {
        _ if nobody || is_stuck(what) => 1.0,
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
    taken_by(run, &mut finding, queue, takers);
    Some((finding, growth))
}

/// Whether messages lie in a queue that has consumers, more than one for each of them, and none is taken.
fn is_stuck(what: &AppWhat) -> bool {
    let AppWhat::Queue { length, rate_out, consumers, .. } = what else { return false };
    let none = rate_out.is_some_and(|went| went <= 0.0);
    consumers.is_some_and(|count| count > 0 && none && *length > count as f64)
}

/// Who takes the messages: a process of this host that is stopped is why nobody does.
fn taken_by(run: &Run, finding: &mut Finding, queue: &str, takers: &[String]) {
    if finding.severity < Severity::Bottleneck {
        return;
    }
    let known: Vec<Entity> = takers.iter().filter_map(|taker| peers::process(run, taker)).collect();
    for (index, taker) in takers.iter().enumerate() {
        let process = known.get(index).filter(|_| known.len() == takers.len());
        let to = process.map_or_else(|| thing(taker), named);
        finding.chain.push(Link { from: thing(queue), to, evidence: text(QUEUE, "taken") });
    }
    let Some(first) = known.first() else { return };
    finding.also.extend(known.iter().filter_map(|one| one.pid).map(|pid| format!("pid:{pid}")));
    let pid = first.pid.unwrap_or_default();
    if known.len() < takers.len() || !known.iter().all(|one| peers::is_stopped(run, one)) {
        let see = text(QUEUE, "advice-see").with("name", first.name.as_str());
        let command = Some(format!("perfuse why --pid {pid}"));
        finding.advice.push(Advice { text: see, command, expect: text(QUEUE, "expect-see") });
        return;
    }
    let length = finding.summary.args.iter().find(|(name, _)| *name == "length").map(|(_, length)| length.clone());
    let summary = text(QUEUE, "summary-stopped").with("queue", queue).with("name", first.name.as_str());
    finding.summary = summary.with("pid", pid.to_string()).with("length", length.unwrap_or_else(|| "?".into()));
    finding.culprit = Entity { detail: finding.culprit.detail.clone(), ..first.clone() };
    finding.confidence = 0.95;
    let from = named(first);
    finding.chain.push(Link { from, to: text(QUEUE, "signal"), evidence: text(QUEUE, "stopped") });
    finding.advice = vec![Advice {
        text: text(QUEUE, "advice-stopped").with("name", first.name.as_str()),
        command: Some(format!("kill -CONT {pid}")),
        expect: text(QUEUE, "expect-nobody"),
    }];
}

fn heap(source: &str, pid: Option<u32>, what: &AppWhat) -> Option<(Finding, f64)> {
    let AppWhat::Heap { used, max, pause_share: pauses, all } = *what else { return None };
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
    finding.advice = advice::heap(pid, used, max, all);
    Some((finding, pauses.clamp(0.0, 1.0)))
}

fn slow(run: &Run, fact: &AppFact) -> Option<(Finding, f64)> {
    let AppWhat::SlowCommand { command, seconds, client, count } = &fact.what else { return None };
    if *seconds < SLOW_SECONDS || *count == 0 {
        return None;
    }
    let source = fact.source.as_str();
    // Its slowest run is known, and how many there were.
    let busy = (seconds * *count as f64 / run.seconds().max(1.0)).clamp(0.0, 1.0);
    let severity = if busy >= PAUSES { Severity::Bottleneck } else { Severity::Watch };
    let spec = (Resource::Database, Kind::Utilization, "cpu.utilization");
    let culprit = Entity { pid: fact.pid, ..Entity::new(EntityKind::Query, command) };
    let mut finding = Finding::new(SLOW, severity, spec, culprit);
    finding.confidence = 0.85;
    let numbers = |message: Msg| message.with("seconds", Quantity::seconds(*seconds)).with("count", *count);
    let unsent = client.is_empty();
    let summary =
        if unsent { text(SLOW, "summary-unsent") } else { text(SLOW, "summary").with("client", client.as_str()) };
    finding.summary = numbers(summary).with("command", command.as_str()).with("source", source);
    let evidence = if unsent { text(SLOW, "evidence-unsent") } else { text(SLOW, "evidence") };
    let evidence = numbers(evidence).with("busy", Quantity::ratio(busy));
    finding.chain = vec![Link { from: thing(source), to: thing(command), evidence }];
    if !unsent {
        let to = peers::process(run, client).map_or_else(|| thing(client), |process| named(&process));
        finding.chain.push(Link { from: thing(command), to, evidence: text(SLOW, "sent") });
    }
    finding.advice = advice::slow(fact.kind, command, client, *seconds);
    Some((finding, busy))
}

/// A number of a limit: bytes of memory and of a disk, else a count.
pub(super) fn of_limit(limit: &str, number: f64) -> Quantity {
    let bytes = ["mem", "disk", "bytes"].iter().any(|word| limit.contains(word));
    if bytes { Quantity::bytes(number) } else { Quantity::count(number) }
}

fn limited(source: &str, kind: AppKind, what: &AppWhat) -> Option<(Finding, f64)> {
    let AppWhat::Limit { limit, used, max, refused, denied, most } = what else { return None };
    let (used, max) = (*used, *max);
    let refused = refused.filter(|refused| *refused > 0.0);
    let refusing = refused.is_some() || *denied;
    if part(used, max) < NEAR && !refusing {
        return None;
    }
    let severity = match (refusing, part(used, max) >= 0.995) {
        (true, _) => Severity::Error,
        (false, true) => Severity::Bottleneck,
        (false, false) => Severity::Watch,
    };
    let spec = (Resource::Database, Kind::Errors, "tasks.errors");
    let culprit = Entity::new(EntityKind::Pool, limit);
    let culprit = match most {
        Some(most) => culprit.detail(Msg::new("why-thing").with("name", most.as_str())),
        None => culprit,
    };
    let mut finding = Finding::new(LIMIT, severity, spec, culprit);
    finding.confidence = if refusing { 0.95 } else { 0.6 };
    // What is not known is not said: how many are refused, and how many there are for one that was refused from the start.
    let known = max > 0.0;
    let numbers = |part: &str| match refused {
        _ if !known => text(LIMIT, &format!("{part}-denied")),
        Some(refused) => text(LIMIT, part)
            .with("used", of_limit(limit, used))
            .with("max", of_limit(limit, max))
            .with("refused", Quantity::rate(refused)),
        None => {
            text(LIMIT, &format!("{part}-full")).with("used", of_limit(limit, used)).with("max", of_limit(limit, max))
        }
    };
    finding.summary = numbers("summary").with("limit", limit.as_str()).with("source", source);
    finding.chain = vec![Link { from: thing(source), to: thing(limit), evidence: numbers("evidence") }];
    if let Some(most) = most {
        finding.chain.push(Link { from: thing(limit), to: thing(most), evidence: text(LIMIT, "most") });
    }
    finding.advice = advice::limited(kind, what);
    // Whoever is refused waits for nothing and fails.
    let wait = if severity == Severity::Bottleneck { 0.5 } else { 0.0 };
    Some((finding, wait))
}

/// Something by its own name.
pub(super) fn thing(name: &str) -> Msg {
    Msg::new("why-thing").with("name", name)
}
