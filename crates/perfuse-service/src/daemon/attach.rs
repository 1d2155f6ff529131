//! The parts around the core: the ring, incidents, alerts, exports and the collectors of applications.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use perfuse_analyze::status::Event;
use perfuse_analyze::{Msg, Thresholds};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::core::{COLLECTOR, signed};
use super::handle::Handle;
use super::log::{Log, Priority};
use super::writer::Tap;
use crate::alert::{self, Outbox, Setup, Stored};
use crate::check::Clients;
use crate::collect::{Collectors, Gathered};
use crate::config::Config;
use crate::export;
use crate::incident::recorded::Who;
use crate::incident::{self, Incident, Incidents, Subject};
use crate::now::{ComponentNow, Daemon as _, Now};
use crate::ring::{Ring, Seconds};
use crate::store::{Kind, Record, SeriesKey, Written};

/// Answers of applications that wait at most; more of them wait in their tasks.
const ANSWERS: usize = 64;
/// How often exports are asked for their troubles.
const TROUBLES: Duration = Duration::from_secs(10);

/// What the parts need beside the core.
pub(super) struct Given {
    pub(super) config: Arc<Config>,
    pub(super) host: String,
    pub(super) thresholds: Thresholds,
    pub(super) ring: Ring,
    pub(super) clients: Arc<Clients>,
    /// Incidents that were open when the daemon ended, and those that are not compared yet.
    pub(super) open: Vec<Incident>,
    /// Where the values of each second pass.
    pub(super) tap: Tap,
    pub(super) events: Events,
    pub(super) log: Log,
}

/// Those who hear of events, from before the first one on.
pub(super) struct Events {
    pub(super) incidents: mpsc::UnboundedReceiver<Event>,
    pub(super) alerts: mpsc::UnboundedReceiver<Event>,
}

/// The parts, running. They end with [`Attached::stop`].
pub(super) struct Attached {
    tasks: JoinSet<()>,
    alerts: Arc<alert::Handle>,
    tap: Tap,
}

impl Outbox for Handle {
    fn put(&self, records: Vec<Record>) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(async move {
            match Handle::put(self, records).await {
                Ok(Written::Disk) => Ok(()),
                Ok(Written::Memory) => Err(self.store_problem()),
                Err(problem) => Err(problem),
            }
        })
    }
}

/// Why a part cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The system gives no thread.
    #[error("{0}")]
    System(#[from] io::Error),
    /// Alerts cannot be sent at all.
    #[error(transparent)]
    Alerts(#[from] alert::AlertError),
    /// Series cannot be exported at all.
    #[error(transparent)]
    Exports(#[from] export::ExportError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

/// Starts all of them.
pub(super) fn start(handle: &Handle, given: Given) -> Result<Attached, AttachError> {
    let Given { config, host, thresholds, ring, clients, open, tap, events, log } = given;
    let reader = handle.reader();
    let setup = Setup::new(&config, host.clone());
    let alerts = alert::start(&setup, Stored::read(&reader)?, Arc::new(handle.clone()), events.alerts, handle.seen())?;
    let alerts = Arc::new(alerts);
    tap.set(Some(export::start(&config.exports, &host)?));
    let options = incident::Options {
        ring: ring.clone(),
        thresholds,
        subjects: subjects(&config, &host, &handle.seen().borrow()),
        open,
        reader,
        keep: keep(handle.clone(), log.clone()),
        look: incident::LOOK,
        after: incident::AFTER,
    };
    let incidents = Incidents::start(options)?;
    let mut tasks = JoinSet::new();
    tasks.spawn(numbers(handle.clone(), ring.seconds()));
    tasks.spawn(tell_incidents(incidents.clone(), events.incidents));
    tasks.spawn(know_subjects(incidents, handle.clone(), host.clone()));
    let (to, answers) = mpsc::channel(ANSWERS);
    tasks.spawn(gather(handle.clone(), ring, answers));
    tasks.spawn(alert_troubles(handle.clone(), alerts.troubles()));
    tasks.spawn(export_troubles(handle.clone(), tap.clone()));
    let parts = Parts { handle: handle.clone(), alerts: Arc::clone(&alerts), tap: tap.clone(), clients, to, host, log };
    tasks.spawn(parts.follow());
    Ok(Attached { tasks, alerts, tap })
}

impl Attached {
    /// Ends them: what is to be told and exported gets some seconds, and the rest stays in the store.
    pub(super) async fn stop(mut self) {
        self.tasks.shutdown().await;
        if let Some(exports) = self.tap.set(None) {
            exports.stop().await;
        }
        // Whoever else had it has ended.
        if let Some(alerts) = Arc::into_inner(self.alerts) {
            alerts.stop().await;
        }
    }
}

/// Writes an incident, and shows it. Called on the thread of the incidents, which may wait.
fn keep(handle: Handle, log: Log) -> incident::Keep {
    Box::new(move |incident, captures| {
        let Ok(doc) = serde_json::to_string(incident) else { return };
        let open = incident.ended.is_none();
        let record = Record { kind: Kind::Incident, id: incident.id.clone(), at_ms: signed(incident.began), open, doc };
        let written = handle.writer.incident(record, captures).blocking_recv();
        if let Ok(Err(problem)) = written {
            log.say(Priority::Error, &Msg::new("daemon-store").with("problem", problem));
        }
        handle.show_incident_blocking(Arc::new(incident.clone()));
    })
}

/// The numbers of each second go to the store.
async fn numbers(handle: Handle, mut seconds: Seconds) {
    while seconds.changed().await.is_ok() {
        let Some(second) = seconds.borrow_and_update().clone() else { continue };
        let key = |number: &perfuse_analyze::series::Number| {
            let labels = number.labels.iter().map(|(name, value)| (*name, value.as_str()));
            (SeriesKey::new(&number.name, labels), number.value)
        };
        handle.values(signed(second.time / 1000), second.numbers.iter().map(key).collect());
    }
}

async fn tell_incidents(incidents: Incidents, mut events: mpsc::UnboundedReceiver<Event>) {
    let mut batch = Vec::new();
    while events.recv_many(&mut batch, 256).await > 0 {
        incidents.events(std::mem::take(&mut batch));
    }
}

/// The components of the configuration, and the listeners that were found.
fn subjects(config: &Config, host: &str, now: &Now) -> Vec<Subject> {
    let mut all = incident::subjects(config, host);
    all.extend(found(now));
    all
}

/// Components that are listeners: by their names, local sockets by what they are described by, which is where they are.
fn found(now: &Now) -> Vec<Subject> {
    let listeners = now.components.iter().filter(|one| one.checks.iter().any(|check| check.kind == "listener"));
    let who = |one: &ComponentNow| match one.view.name.split_once('-')? {
        ("tcp", port) => Some(Who::Port { port: port.parse().ok()?, address: None }),
        ("udp", port) => Some(Who::Datagrams(port.parse().ok()?)),
        ("unix", _) => one.description.clone().map(Who::Local),
        _ => None,
    };
    listeners.filter_map(|one| Some(Subject::of(&one.view.name, who(one)?))).collect()
}

/// Tells incidents of the components whenever there are others.
async fn know_subjects(incidents: Incidents, handle: Handle, host: String) {
    let (mut now, mut settings) = (handle.seen(), handle.settings());
    let mut known = found(&now.borrow_and_update());
    loop {
        let reconfigured = tokio::select! {
            changed = settings.changed() => if changed.is_ok() { true } else { return },
            changed = now.changed() => if changed.is_ok() { false } else { return },
        };
        let here = found(&now.borrow_and_update());
        if reconfigured || here != known {
            known = here;
            let config = Arc::clone(&settings.borrow_and_update());
            let all = subjects(&config, &host, &now.borrow());
            incidents.subjects(all);
        }
    }
}

/// What applications say goes to the store and into the ring.
async fn gather(handle: Handle, ring: Ring, mut answers: mpsc::Receiver<Gathered>) {
    while let Some(answer) = answers.recv().await {
        let Gathered { source, series, facts, tables, problem, .. } = answer;
        handle.values(signed(handle.time() / 1000), series);
        ring.told(&source, facts, tables);
        let problem =
            problem.map(|problem| Msg::new("daemon-collector").with("name", &*source).with("problem", problem));
        handle.troubles(&format!("{COLLECTOR}{source}"), problem.into_iter().collect()).await;
    }
}

async fn alert_troubles(handle: Handle, mut troubles: watch::Receiver<Vec<Msg>>) {
    while troubles.changed().await.is_ok() {
        let now = troubles.borrow_and_update().clone();
        handle.troubles("alerts", now).await;
    }
}

async fn export_troubles(handle: Handle, tap: Tap) {
    let mut turns = tokio::time::interval(TROUBLES);
    loop {
        turns.tick().await;
        handle.troubles("exports", tap.troubles()).await;
    }
}

/// What has to follow the configuration.
struct Parts {
    handle: Handle,
    alerts: Arc<alert::Handle>,
    tap: Tap,
    clients: Arc<Clients>,
    to: mpsc::Sender<Gathered>,
    host: String,
    log: Log,
}

impl Parts {
    /// Runs the collectors of the configuration, and takes every new one.
    async fn follow(self) {
        let mut settings = self.handle.settings();
        let mut config = Arc::clone(&settings.borrow_and_update());
        loop {
            // They end with the set.
            let _collectors = Collectors::new(&config, &self.clients).start(&self.to);
            if settings.changed().await.is_err() {
                return;
            }
            config = Arc::clone(&settings.borrow_and_update());
            // Certificates may have been renewed.
            self.clients.renew();
            if let Err(error) = self.alerts.reload(&Setup::new(&config, self.host.clone())).await {
                self.complain(&error.to_string());
            }
            if let Err(error) = self.tap.reload(&config.exports, &self.host) {
                self.complain(&error.to_string());
            }
        }
    }

    fn complain(&self, problem: &str) {
        self.log.say(Priority::Error, &Msg::new("daemon-part").with("problem", problem));
    }
}
