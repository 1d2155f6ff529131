//! What the core is told by others: orders of people and programs, incidents, troubles.

use std::sync::Arc;
use std::time::Duration;

use perfuse_analyze::status::AdHoc;
use perfuse_analyze::{Msg, Quantity};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::core::{COLLECTOR, Core, Last, Note, signed};
use super::log::Priority;
use super::parts;
use crate::check::push::{self, Report};
use crate::check::schedule;
use crate::config::{CheckKind, Config};
use crate::now::{Done, Order};
use crate::store::{Kind, Record};

/// How long an order waits for the disk before it is answered all the same: a full disk must not make it seem refused.
const PATIENCE: Duration = Duration::from_secs(5);
/// Instances that reports of one check may come from.
const INSTANCES: usize = 1000;
/// Characters of the name of such an instance.
const NAME: usize = 200;

impl Core {
    /// Takes what others tell.
    pub(super) async fn note(&mut self, note: Note) {
        match note {
            Note::Order(order, reply) => self.order(order, reply).await,
            Note::Troubles(of, troubles) => {
                // A last answer may come from what the configuration has no more.
                if of.strip_prefix(COLLECTOR).is_none_or(|name| self.config.asks(name)) {
                    self.set_troubles(&of, troubles);
                }
            }
            Note::Incident(incident) => {
                self.incidents.retain(|known| known.id != incident.id);
                if incident.ended.is_none() {
                    let newer = |known: &Arc<crate::incident::Incident>| known.began > incident.began;
                    let place = self.incidents.iter().take_while(|known| newer(known)).count();
                    self.incidents.insert(place, incident);
                }
                let time = self.time();
                self.show(time);
            }
        }
    }

    async fn order(&mut self, order: Order, reply: oneshot::Sender<Done>) {
        let done = match order {
            Order::StartMaintenance { components, length, reason } => {
                return self.start_maintenance(components, length, reason, reply);
            }
            Order::StopMaintenance { id, component } => return self.stop_maintenance(id, component.as_deref(), reply),
            Order::Check { component } => return self.check_now(&component, reply),
            Order::Report { component, check, instance, report, token } => {
                self.report(component, check, instance, &report, &token)
            }
            Order::Reload => self.read_again().await,
        };
        // Whoever gave the order may have gone.
        let _ = reply.send(done);
    }

    fn known(&self, component: &str) -> Result<(), Msg> {
        let names: Vec<&str> = self.parts.iter().map(|part| part.plan.name.as_str()).collect();
        if names.contains(&component) {
            return Ok(());
        }
        Err(Msg::new("daemon-no-component").with("name", component).with("names", names.join(", ")))
    }

    fn start_maintenance(
        &mut self,
        components: Vec<String>,
        length: Option<Duration>,
        reason: String,
        reply: oneshot::Sender<Done>,
    ) {
        if let Some(problem) = components.iter().find_map(|component| self.known(component).err()) {
            let _ = reply.send(Err(problem));
            return;
        }
        let time = self.time();
        let end = length.map(|length| time.saturating_add(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)));
        let id = self.engine.start_maintenance(components, time, end, reason);
        let number = id.to_string();
        let message = match length {
            Some(length) => {
                let length = Quantity::seconds(length.as_secs_f64());
                Msg::new("daemon-maintenance-for").with("id", number).with("time", length)
            }
            None => Msg::new("daemon-maintenance-open").with("id", number),
        };
        self.windows_changed(&[id], time, message, reply);
    }

    fn stop_maintenance(&mut self, id: Option<u64>, component: Option<&str>, reply: oneshot::Sender<Done>) {
        let time = self.time();
        let open = |window: &&AdHoc| window.end.is_none_or(|end| end > time);
        let meant = |window: &&AdHoc| match (id, component) {
            (Some(id), _) => window.id == id,
            (None, Some(component)) => window.components.iter().any(|one| one == component),
            (None, None) => true,
        };
        let ids: Vec<u64> = self.engine.windows().iter().filter(open).filter(meant).map(|window| window.id).collect();
        if ids.is_empty() {
            let _ = reply.send(Err(Msg::new("daemon-maintenance-none")));
            return;
        }
        for id in &ids {
            self.engine.stop_maintenance(*id, time);
        }
        let message = Msg::new("daemon-maintenance-stopped").with("count", ids.len() as u64);
        self.windows_changed(&ids, time, message, reply);
    }

    /// Draws the conclusions, and answers once they are on disk.
    fn windows_changed(&mut self, ids: &[u64], time: u64, message: Msg, reply: oneshot::Sender<Done>) {
        let events = self.engine.advance(time);
        self.tell(&events);
        let windows = self.engine.windows().iter().filter(|window| ids.contains(&window.id));
        let record = |window: &AdHoc| {
            let doc = serde_json::to_string(window).ok()?;
            let open = window.end.is_none_or(|end| end > time);
            let id = format!("{}-{}", window.start, window.id);
            Some(Record { kind: Kind::Maintenance, id, at_ms: signed(window.start), open, doc })
        };
        let records: Vec<Record> = windows.filter_map(record).collect();
        let written = self.keep_durably(time, records);
        self.log.say(Priority::Notice, &message);
        self.show(time);
        tokio::spawn(async move {
            // What the disk does not take now is in memory and will be written.
            let _ = tokio::time::timeout(PATIENCE, written).await;
            let _ = reply.send(Ok(message));
        });
    }

    /// Makes the checks of a component now, beside their turns.
    fn check_now(&mut self, component: &str, reply: oneshot::Sender<Done>) {
        if let Err(problem) = self.known(component) {
            let _ = reply.send(Err(problem));
            return;
        }
        let checks = self.config.components.iter().filter(|known| known.name == component);
        let mut running = JoinSet::new();
        for check in checks.flat_map(|known| &known.checks) {
            let (clients, check, to) = (Arc::clone(&self.clients), Arc::new(check.clone()), self.found.clone());
            let component: Arc<str> = component.into();
            running.spawn(async move {
                let Some(found) = clients.run(&check).await else { return false };
                to.send(schedule::Done { component, check, found, late: Duration::ZERO }).await.is_ok()
            });
        }
        tokio::spawn(async move {
            let made = running.join_all().await.into_iter().filter(|made| *made).count() as u64;
            let _ = reply.send(Ok(Msg::new("daemon-checked").with("count", made)));
        });
    }

    /// A report of a push check. Whoever does not know the token does not learn what there is.
    fn report(
        &mut self,
        component: String,
        check: String,
        instance: Option<String>,
        report: &str,
        token: &str,
    ) -> Done {
        let refused = || Msg::new("daemon-report-refused");
        let components = self.config.components.iter().filter(|known| known.name == component);
        let found = components.flat_map(|known| &known.checks).find_map(|known| match &known.kind {
            CheckKind::Push(push) if known.name == check => Some(push),
            _ => None,
        });
        if !found.is_some_and(|push| push::may(push, token)) {
            return Err(refused());
        }
        let Some(word) = Report::from_word(report) else {
            return Err(Msg::new("daemon-report-word").with("word", report.chars().take(40).collect::<String>()));
        };
        if let Some(instance) = &instance {
            let known = self.results.keys().filter(|key| key.0 == component && key.1 == check);
            let many =
                known.clone().count() >= INSTANCES && !known.into_iter().any(|key| key.2.as_ref() == Some(instance));
            if many || instance.chars().count() > NAME || instance.chars().any(char::is_control) {
                return Err(Msg::new("daemon-report-instance"));
            }
        }
        let time = self.time();
        let observation = word.observation(time, &component, &check, instance.as_deref());
        let message = Msg::new(format!("daemon-report-{report}"));
        let (outcome, ready) = (observation.outcome, observation.ready);
        let last = Last { at: time, outcome, ready, took: None, message, value: None };
        self.take_one((component, check, instance), last);
        Ok(Msg::new("daemon-report-taken"))
    }

    /// Reads the configuration again. With a mistake in it the one that is in force stays.
    async fn read_again(&mut self) -> Done {
        self.notify.reloading();
        let reload = Arc::clone(&self.reload);
        let read = tokio::task::spawn_blocking(move || reload()).await;
        let done = match read {
            Ok(Ok(config)) => {
                let passive = config.as_ref().is_none_or(|config: &Config| config.components.is_empty());
                self.reconfigure(config.unwrap_or_else(parts::bare), passive);
                self.trouble("config", None);
                let message = Msg::new("daemon-reloaded").with("count", self.parts.len() as u64);
                self.log.say(Priority::Notice, &message);
                Ok(message)
            }
            Ok(Err(problem)) => Err(Msg::new("daemon-config-stays").with("problem", problem)),
            Err(error) => Err(Msg::new("daemon-config-stays").with("problem", error.to_string())),
        };
        if let Err(problem) = &done {
            self.trouble("config", Some(problem.clone()));
        }
        self.notify.ready();
        let time = self.time();
        self.show(time);
        done
    }
}
