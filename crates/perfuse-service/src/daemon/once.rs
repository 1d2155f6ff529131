//! One round of everything, without a store and without a memory.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use perfuse_analyze::status::{Engine, Memory, Observation};
use perfuse_analyze::window::Sliding;
use perfuse_analyze::{Checklist, Msg, Run, Scope, Thresholds};
use perfuse_collect::{Root, Sampler};
use perfuse_render::Texts;
use perfuse_render::status::StatusReport;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::clock::Reading;
use super::core::{Key, Last};
use super::listeners::{CHECK, EVERY, Listeners, Own};
use super::parts::{self, Part};
use super::sample::{Looked, looked};
use super::{host, report};
use crate::check::Clients;
use crate::check::schedule::Done;
use crate::config::{CheckKind, Config};
use crate::now::{CheckNow, ComponentNow, Now};

use super::serve::ServeError;

/// How long the host is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Makes every check once and says what there is: each result counts at once, without hysteresis.
pub fn once(
    config: &Config,
    passive: bool,
    thresholds: &Thresholds,
    texts: &Texts,
) -> Result<StatusReport, ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let looking = {
        let thresholds = thresholds.clone();
        std::thread::spawn(move || look(&thresholds))
    };
    let clients = Arc::new(Clients::new()?);
    let done = runtime.block_on(all_checks(config, &clients));
    let seen = looking.join().ok().flatten();
    let time = Reading::now().wall;
    let mut results: Vec<(Key, Last)> = done.into_iter().map(|done| result(done, time)).collect();
    let mut listeners = Listeners::default();
    if let Some((checklist, looked)) = &seen {
        results.extend(of_host(config, checklist, time));
        if let Some(looked) = looked.as_ref().filter(|_| passive) {
            // What listens now is all that can be known of it.
            let own = Own::new(BTreeSet::new());
            listeners.settle(looked, &own, time.saturating_sub(EVERY));
            for seen in listeners.look(looked, &own, time) {
                let key = (seen.component, CHECK.to_owned(), None);
                let (outcome, message, value) = (seen.outcome, seen.message, seen.value);
                results.push((key, Last { at: time, outcome, ready: None, took: None, message, value }));
            }
        }
    }
    let parts = parts::all(config, passive.then_some(&listeners));
    let now = judge(config, &parts, &results, time)?;
    Ok(report::status(&now, texts))
}

/// This host over some seconds.
fn look(thresholds: &Thresholds) -> Option<(Checklist, Option<Looked>)> {
    let mut sampler = Sampler::new(Root::default());
    let mut window = Sliding::new(2);
    window.push(sampler.snapshot(false, |_, _| {}));
    std::thread::sleep(LOOK);
    window.push(sampler.snapshot(true, |_, _| {}));
    let snapshots = window.snapshots();
    let run = Run::new(snapshots, thresholds.clone(), Scope::default()).ok()?;
    Some((Checklist::build(&run), looked(snapshots)))
}

async fn all_checks(config: &Config, clients: &Arc<Clients>) -> Vec<Done> {
    let permits = Arc::new(Semaphore::new(config.concurrency.max(1)));
    let (to, mut done) = mpsc::channel(64);
    let mut tasks = JoinSet::new();
    for component in &config.components {
        let name: Arc<str> = component.name.as_str().into();
        for check in &component.checks {
            let (permits, clients, to) = (Arc::clone(&permits), Arc::clone(clients), to.clone());
            let (component, check) = (Arc::clone(&name), Arc::new(check.clone()));
            tasks.spawn(async move {
                let Ok(_permit) = permits.acquire().await else { return };
                if let Some(found) = clients.run(&check).await {
                    // The other end is read until all have ended.
                    let _ = to.send(Done { component, check, found, late: Duration::ZERO }).await;
                }
            });
        }
    }
    drop(to);
    let mut all = Vec::new();
    while let Some(one) = done.recv().await {
        all.push(one);
    }
    all
}

fn result(done: Done, time: u64) -> (Key, Last) {
    let Done { component, check, found, .. } = done;
    let key = (component.to_string(), check.name.clone(), check.instance.clone());
    let last = Last {
        at: time,
        outcome: found.outcome,
        ready: found.ready,
        took: Some(found.took),
        message: found.message,
        value: found.value,
    };
    (key, last)
}

/// The `host` checks.
fn of_host(config: &Config, checklist: &Checklist, time: u64) -> Vec<(Key, Last)> {
    let checks = config.components.iter().flat_map(|one| one.checks.iter().map(move |check| (&one.name, check)));
    let judged = checks.filter_map(|(component, check)| {
        let CheckKind::Host(kind) = &check.kind else { return None };
        let host::Judged { outcome, message, value } = host::judge(kind, checklist);
        let key = (component.clone(), check.name.clone(), check.instance.clone());
        Some((key, Last { at: time, outcome, ready: None, took: None, message, value }))
    });
    judged.collect()
}

/// The states that the results lead to at once.
fn judge(config: &Config, parts: &[Part], results: &[(Key, Last)], time: u64) -> Result<Now, ServeError> {
    let mut plan = parts::plan(config, parts);
    for check in plan.components.iter_mut().flat_map(|component| &mut component.checks) {
        (check.failures, check.successes) = (1, 1);
    }
    let bad = |problem: String| ServeError::Plan(Msg::new("daemon-plan").with("problem", problem));
    let mut engine = Engine::new(plan, Memory::default()).map_err(|error| bad(error.to_string()))?;
    let observation = |((component, check, instance), last): &(Key, Last)| Observation {
        time,
        component: component.clone(),
        check: check.clone(),
        instance: instance.clone(),
        outcome: last.outcome,
        ready: last.ready,
    };
    engine.advance(time);
    engine.observe(results.iter().map(observation).collect());
    let component = |part: &Part| {
        let of = |check: &str, instance: &Option<String>| {
            let key = (part.plan.name.clone(), check.to_owned(), instance.clone());
            results.iter().find(|(known, _)| *known == key).map(|(_, last)| last)
        };
        let check = |(name, instance, kind): &(String, Option<String>, &'static str)| {
            let last = of(name, instance);
            CheckNow {
                name: name.clone(),
                kind,
                instance: instance.clone(),
                level: None,
                outcome: last.map(|last| last.outcome),
                ready: last.and_then(|last| last.ready),
                at: last.map(|last| last.at),
                took: last.and_then(|last| last.took),
                message: last.map(|last| last.message.clone()),
                value: last.and_then(|last| last.value),
            }
        };
        Some(ComponentNow {
            view: engine.view(&part.plan.name)?,
            title: part.title.clone(),
            group: part.group.clone(),
            description: part.description.clone(),
            public: part.public,
            checks: part.checks.iter().map(check).collect(),
            days: Vec::new(),
            slo: None,
        })
    };
    Ok(Now {
        time,
        host: perfuse_collect::host::facts(&Root::default()).hostname,
        begun: time,
        components: parts.iter().filter_map(component).collect(),
        planned: config.maintenance.clone(),
        ..Now::default()
    })
}
