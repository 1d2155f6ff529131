//! The one task that owns the states. Results, reports and orders come in; states, events and records go out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use perfuse_analyze::status::{Engine, Event, Observation, Outcome, State, What};
use perfuse_analyze::{Checklist, Msg};
use perfuse_render::{Lang, Texts};
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::clock::{Clock, Reading};
use super::handle::Subscribers;
use super::host;
use super::listeners::{self, Listeners, Own};
use super::log::{Log, Priority};
use super::memory::{self, Kept};
use super::notify::Notify;
use super::parts::{self, Part};
use super::sample::Looked;
use super::writer::Writer;
use crate::check::schedule;
use crate::check::{Clients, Found};
use crate::config::{CheckKind, Config};
use crate::incident::Incident;
use crate::now::{Done, Now, Order};
use crate::ring::Seconds;
use crate::store::{Kind, Record, SeriesKey};

/// Between two turns.
const TURN: Duration = Duration::from_secs(1);
/// Milliseconds after which the memory is written although nothing happened.
const KEEP: u64 = 60_000;
/// Milliseconds after which a [`Now`] is published although nothing changed, so that its time goes on.
const STALE: u64 = 10_000;
/// Results that are taken at once, at most.
const BATCH: usize = 1024;
/// A check that begins so long after its turn is late.
const LATE: Duration = Duration::from_secs(1);
/// The begin of 2026 in milliseconds: a clock that says less has lost its time.
const SANE: u64 = 1_767_225_600_000;
/// Milliseconds by which a memory may be ahead; within that, time stands still until the clock has caught up.
const AHEAD: u64 = 3_600_000;
/// Between two times at which results are taken: conclusions about all components are drawn each time.
const GATHER: Duration = Duration::from_millis(100);

/// Before the name of a collector, a variable or a probe in what troubles are of.
pub(super) const COLLECTOR: &str = "collector ";

/// What others tell.
pub(super) enum Note {
    /// Something is to change.
    Order(Order, oneshot::Sender<Done>),
    /// An incident began, or there is more of it, or it is over.
    Incident(Arc<Incident>),
    /// The troubles that a part of the daemon has now.
    Troubles(String, Vec<Msg>),
}

/// Reads the configuration again; `None` for a daemon without one.
pub(super) type Reload = Arc<dyn Fn() -> Result<Option<Config>, Msg> + Send + Sync>;

/// By component, check and instance.
pub(super) type Key = (String, String, Option<String>);

/// What the last run of a check found.
#[derive(Debug, Clone)]
pub(super) struct Last {
    pub(super) at: u64,
    pub(super) outcome: Outcome,
    pub(super) ready: Option<bool>,
    pub(super) took: Option<Duration>,
    pub(super) message: Msg,
    pub(super) value: Option<f64>,
}

/// What the core is given at the start.
pub(super) struct Parts {
    pub(super) config: Config,
    /// Whether the listeners of this host are watched.
    pub(super) passive: bool,
    pub(super) host: String,
    /// What the store has from before.
    pub(super) found: memory::Found,
    pub(super) troubles: Vec<Msg>,
    pub(super) writer: Writer,
    pub(super) clients: Arc<Clients>,
    pub(super) own_ports: BTreeSet<u16>,
    pub(super) reload: Reload,
    pub(super) log: Log,
    pub(super) notify: Notify,
    pub(super) clock: Arc<Mutex<Clock>>,
    pub(super) subscribers: Subscribers,
}

/// Where the core publishes.
pub(super) struct Out {
    pub(super) now: watch::Sender<Arc<Now>>,
    pub(super) changed: watch::Sender<u64>,
    pub(super) settings: watch::Sender<Arc<Config>>,
}

/// The state of the task.
pub(super) struct Core {
    pub(super) config: Arc<Config>,
    pub(super) parts: Vec<Part>,
    pub(super) engine: Engine,
    pub(super) results: BTreeMap<Key, Last>,
    pub(super) incidents: Vec<Arc<Incident>>,
    pub(super) checklist: Option<Arc<Checklist>>,
    pub(super) host: String,
    pub(super) begun: u64,
    pub(super) writer: Writer,
    pub(super) clients: Arc<Clients>,
    pub(super) log: Log,
    pub(super) notify: Notify,
    pub(super) reload: Reload,
    pub(super) troubles: BTreeMap<String, Vec<Msg>>,
    pub(super) publish: watch::Sender<Arc<Now>>,
    /// Goes up with everything that is published.
    pub(super) changed: watch::Sender<u64>,
    pub(super) settings: watch::Sender<Arc<Config>>,
    /// Where results of checks go.
    pub(super) found: mpsc::Sender<schedule::Done>,
    pub(super) schedule: JoinSet<()>,
    clock: Arc<Mutex<Clock>>,
    kept: Kept,
    /// When the memory was written.
    written: u64,
    listeners: Option<Listeners>,
    own: Own,
    subscribers: Subscribers,
    /// When each `host` check has its next turn, by component and check.
    turns: BTreeMap<(String, String), u64>,
    looked: u64,
    observed: Vec<Record>,
    values: Vec<(SeriesKey, f64)>,
    texts: [Texts; 2],
    pub(super) dirty: bool,
    /// Checks that were late since the memory was written.
    late: u64,
    /// The configuration that the daemon began with.
    began_with: Arc<Config>,
    published: u64,
    sequence: u64,
}

impl Core {
    /// Takes everything over, and makes up for what the memory does not have yet.
    pub(super) fn new(given: Parts, found: mpsc::Sender<schedule::Done>, out: Out) -> Result<Self, Msg> {
        let memory::Found { memory, saved, later, problem, listeners, incidents } = given.found;
        let mut troubles = given.troubles;
        troubles.extend(problem.map(|problem| Msg::new("daemon-memory").with("problem", problem)));
        let listeners = given.passive.then_some(listeners);
        let parts = parts::all(&given.config, listeners.as_ref());
        let engine = Engine::new(parts::plan(&given.config, &parts), memory)
            .map_err(|error| Msg::new("daemon-plan").with("problem", error.to_string()))?;
        let config = Arc::new(given.config);
        let mut core = Self {
            began_with: Arc::clone(&config),
            config,
            late: 0,
            parts,
            engine,
            results: BTreeMap::new(),
            incidents,
            checklist: None,
            host: given.host,
            begun: 0,
            writer: given.writer,
            clients: given.clients,
            log: given.log,
            notify: given.notify,
            reload: given.reload,
            troubles: BTreeMap::from([("start".to_owned(), troubles)]),
            publish: out.now,
            changed: out.changed,
            settings: out.settings,
            found,
            schedule: JoinSet::new(),
            clock: given.clock,
            kept: Kept::default(),
            written: 0,
            listeners,
            own: Own::new(given.own_ports),
            subscribers: given.subscribers,
            turns: BTreeMap::new(),
            looked: 0,
            observed: Vec::new(),
            values: Vec::new(),
            texts: Lang::ALL.map(Texts::new),
            dirty: true,
            published: 0,
            sequence: 0,
        };
        for trouble in core.troubles.values().flatten() {
            core.log.say(Priority::Warning, trouble);
        }
        core.begun = core.time();
        // The clock was far ahead when the memory was written, and is not one that has lost its time.
        if core.begun > SANE && saved > core.begun.saturating_add(AHEAD) {
            core.engine.set_back(core.begun);
        }
        let events = core.engine.observe(later);
        core.tell(&events);
        let events = core.engine.advance(core.begun);
        core.tell(&events);
        core.keep(core.begun);
        core.start_checks();
        // Nobody ever sees a daemon that knows of no components.
        core.show(core.begun);
        Ok(core)
    }

    /// Goes on until `stop` is true or gone.
    pub(super) async fn run(
        mut self,
        mut results: mpsc::Receiver<schedule::Done>,
        mut notes: mpsc::Receiver<Note>,
        mut seconds: Seconds,
        listening: watch::Receiver<Option<Looked>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut turns = tokio::time::interval(TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut alive = self.notify.every().map(|every| (every, Instant::now()));
        let mut gathered = Vec::with_capacity(BATCH);
        let mut takes = tokio::time::interval(GATHER);
        takes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sampling = true;
        loop {
            tokio::select! {
                biased;
                stopped = stop.changed() => {
                    if stopped.is_err() || *stop.borrow() {
                        break;
                    }
                }
                _ = turns.tick() => {
                    self.turn(&listening);
                    if let Some((every, next)) = &mut alive
                        && *next <= Instant::now()
                    {
                        *next = Instant::now() + *every;
                        self.notify.alive();
                    }
                }
                Some(note) = notes.recv() => self.note(note).await,
                _ = takes.tick(), if !gathered.is_empty() => self.take(gathered.drain(..)),
                // While there are too many, they wait in their tasks.
                Some(done) = results.recv(), if gathered.len() < BATCH => gathered.push(done),
                changed = seconds.changed(), if sampling => if changed.is_ok() {
                    self.look(&mut seconds);
                } else {
                    // The others go on without it.
                    sampling = false;
                    self.trouble("sampler", Some(Msg::new("daemon-sampler-ended")));
                },
            }
        }
        self.take(gathered.into_iter());
        self.end();
    }

    /// The last things: everything is written.
    fn end(&mut self) {
        self.schedule.abort_all();
        let time = self.time();
        let events = self.engine.advance(time);
        self.tell(&events);
        self.flush(time);
        self.keep(time);
        self.show(time);
    }

    /// The time, in milliseconds since 1970.
    pub(super) fn time(&mut self) -> u64 {
        let read = self.clock.lock().unwrap_or_else(PoisonError::into_inner).read(Reading::now());
        let (time, jump) = read;
        if let Some(jump) = jump {
            let seconds = jump.from.abs_diff(jump.to) / 1000;
            let id = if jump.to > jump.from { "daemon-clock-ahead" } else { "daemon-clock-back" };
            self.log.say(Priority::Warning, &Msg::new(id).with("seconds", seconds));
            if jump.to < jump.from {
                self.engine.set_back(time);
                // What is due by the time that was is due now.
                (self.looked, self.written, self.published) = (0, 0, 0);
                self.turns.clear();
            }
        }
        time
    }

    /// What is done every second.
    fn turn(&mut self, listening: &watch::Receiver<Option<Looked>>) {
        let time = self.time();
        let events = self.engine.advance(time);
        self.tell(&events);
        self.host_checks(time);
        self.listen(listening, time);
        self.flush(time);
        self.store_troubles();
        if time.saturating_sub(self.written) >= KEEP {
            let late = std::mem::take(&mut self.late);
            self.trouble("late", (late > 0).then(|| Msg::new("daemon-late").with("count", late)));
            self.keep(time);
        }
        if self.dirty || time.saturating_sub(self.published) >= STALE {
            self.show(time);
        }
    }

    /// The newest second of the sampler.
    fn look(&mut self, seconds: &mut Seconds) {
        let checklist = seconds.borrow_and_update().as_ref().map(|second| Arc::clone(&second.checklist));
        let same = |new: &Arc<Checklist>| self.checklist.as_ref().is_some_and(|old| Arc::ptr_eq(old, new));
        if let Some(new) = checklist.filter(|new| !same(new)) {
            self.checklist = Some(new);
            self.dirty = true;
        }
    }

    /// Takes results of checks.
    fn take(&mut self, done: impl Iterator<Item = schedule::Done>) {
        let time = self.time();
        let mut observations = Vec::new();
        for one in done {
            let schedule::Done { component, check, found, late } = one;
            self.late += u64::from(late > LATE);
            let key = (component.to_string(), check.name.clone(), check.instance.clone());
            let Found { outcome, ready, took, message, value } = found;
            let last = Last { at: time, outcome, ready, took: Some(took), message, value };
            observations.push(self.observed(key, last));
        }
        let events = self.engine.observe(observations);
        self.tell(&events);
    }

    /// One result from elsewhere.
    pub(super) fn take_one(&mut self, key: Key, last: Last) {
        let observation = self.observed(key, last);
        let events = self.engine.observe(vec![observation]);
        self.tell(&events);
    }

    /// Remembers a result, for pages, the store and the state machine.
    fn observed(&mut self, key: Key, last: Last) -> Observation {
        let (component, check, instance) = key.clone();
        let observation =
            Observation { time: last.at, component, check, instance, outcome: last.outcome, ready: last.ready };
        self.record(&observation, &last);
        self.values(&key, &last);
        self.results.insert(key, last);
        self.dirty = true;
        observation
    }

    fn record(&mut self, observation: &Observation, last: &Last) {
        let Ok(mut doc) = serde_json::to_value(observation) else { return };
        if let Some(doc) = doc.as_object_mut() {
            if let Some(took) = last.took {
                doc.insert("took_ms".to_owned(), json!(took.as_secs_f64() * 1000.0));
            }
            if let Some(value) = last.value {
                doc.insert("value".to_owned(), json!(value));
            }
            if last.outcome != Outcome::Pass {
                let said = self.texts.each_ref().map(|texts| texts.text(&last.message));
                doc.insert("message".to_owned(), json!(said));
            }
        }
        self.sequence += 1;
        let id = format!("{}-{}", observation.time, self.sequence);
        self.observed.push(Record {
            kind: Kind::Observation,
            id,
            at_ms: signed(observation.time),
            open: false,
            doc: doc.to_string(),
        });
    }

    fn values(&mut self, key: &Key, last: &Last) {
        let (component, check, instance) = key;
        let labels = [("component", component.as_str()), ("check", check.as_str())];
        let instance = instance.as_deref().map(|instance| ("instance", instance));
        let mut put = |name: &str, value: Option<f64>| {
            if let Some(value) = value.filter(|value| value.is_finite()) {
                self.values.push((SeriesKey::new(name, labels.into_iter().chain(instance)), value));
            }
        };
        put("perfuse_probe_duration_seconds", last.took.map(|took| took.as_secs_f64()));
        put("perfuse_probe_value", last.value);
        let up = match last.outcome {
            Outcome::Pass => Some(1.0),
            Outcome::Slow => Some(0.5),
            Outcome::Fail => Some(0.0),
            Outcome::NoData => None,
        };
        put("perfuse_probe_up", up);
    }

    /// The `host` checks whose turn it is.
    fn host_checks(&mut self, time: u64) {
        let Some(checklist) = self.checklist.clone() else { return };
        let config = Arc::clone(&self.config);
        let checks =
            config.components.iter().flat_map(|component| component.checks.iter().map(move |check| (component, check)));
        for (component, check) in checks {
            let CheckKind::Host(kind) = &check.kind else { continue };
            let next = self.turns.entry((component.name.clone(), check.name.clone())).or_insert(time);
            if *next > time {
                continue;
            }
            *next = time.saturating_add(u64::try_from(check.every.as_millis()).unwrap_or(u64::MAX));
            let host::Judged { outcome, message, value } = host::judge(kind, &checklist);
            let last = Last { at: time, outcome, ready: None, took: None, message, value };
            self.take_one((component.name.clone(), check.name.clone(), check.instance.clone()), last);
        }
    }

    /// Looks at the listeners, if they are watched and it is time.
    fn listen(&mut self, listening: &watch::Receiver<Option<Looked>>, time: u64) {
        let Some(watched) = &mut self.listeners else { return };
        if time.saturating_sub(self.looked) < listeners::EVERY {
            return;
        }
        self.looked = time;
        let Some(looked) = listening.borrow().clone() else { return };
        // Nothing that is old says that somebody has gone.
        if time.abs_diff(looked.time) > 3 * listeners::EVERY {
            return;
        }
        let before = watched.shown();
        let seen = watched.look(&looked, &self.own, time);
        if watched.shown() != before {
            self.replan();
        }
        let mut observations = Vec::new();
        for listeners::Seen { component, outcome, message, value } in seen {
            let last = Last { at: time, outcome, ready: None, took: None, message, value };
            observations.push(self.observed((component, listeners::CHECK.to_owned(), None), last));
        }
        let events = self.engine.observe(observations);
        self.tell(&events);
    }

    /// Makes the components anew, for the configuration and the listeners that there are now.
    fn replan(&mut self) {
        let parts = parts::all(&self.config, self.listeners.as_ref());
        match self.engine.reload(parts::plan(&self.config, &parts)) {
            Ok(()) => {
                let gone = |key: &Key| !parts.iter().any(|part| part.plan.name == key.0);
                self.results.retain(|key, _| !gone(key));
                self.parts = parts;
                self.dirty = true;
            }
            Err(error) => {
                let message = Msg::new("daemon-plan").with("problem", error.to_string());
                self.log.say(Priority::Error, &message);
            }
        }
    }

    /// Takes a new configuration. The states of what is in both stay.
    pub(super) fn reconfigure(&mut self, config: Config, passive: bool) {
        self.config = Arc::new(config);
        self.listeners = passive.then(|| self.listeners.take().unwrap_or_default());
        self.replan();
        // Whoever is still asked says again what is wrong.
        self.troubles.retain(|of, _| !of.starts_with(COLLECTOR));
        let checks: BTreeSet<Key> = self.parts.iter().flat_map(keys).collect();
        // Instances of reports stand in no configuration: those of a check that is there stay.
        let all = self.parts.iter().flat_map(|part| part.checks.iter().map(move |check| (part, check)));
        let reported = all.filter(|(_, check)| check.2 == "push");
        let pushed: BTreeSet<(String, String)> =
            reported.map(|(part, check)| (part.plan.name.clone(), check.0.clone())).collect();
        self.results.retain(|key, _| checks.contains(key) || pushed.contains(&(key.0.clone(), key.1.clone())));
        self.turns.clear();
        self.start_checks();
        self.settings.send_replace(Arc::clone(&self.config));
        let before = Arc::clone(&self.began_with);
        let same = before.listen == self.config.listen
            && before.public_listen == self.config.public_listen
            && before.state_dir == self.config.state_dir
            && before.tls == self.config.tls
            && before.password == self.config.password
            && before.token == self.config.token
            && before.retention == self.config.retention;
        self.trouble("restart", (!same).then(|| Msg::new("daemon-needs-restart")));
        let time = self.time();
        let events = self.engine.advance(time);
        self.tell(&events);
        self.keep(time);
        self.show(time);
    }

    pub(super) fn published_at(&mut self, time: u64) {
        self.published = time;
    }

    fn start_checks(&mut self) {
        self.schedule.abort_all();
        let (components, most) = (&self.config.components, self.config.concurrency);
        self.schedule = schedule::start(&self.clients, components, most, &self.found);
    }

    /// Tells everybody what happened, and keeps it together with the memory: neither is ever there without the other.
    pub(super) fn tell(&mut self, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        let mut records = std::mem::take(&mut self.observed);
        for event in events {
            self.sequence += 1;
            let Ok(doc) = serde_json::to_string(event) else { continue };
            let id = format!("{}-{}-{}", event.time, event.component, self.sequence);
            records.push(Record { kind: Kind::Transition, id, at_ms: signed(event.time), open: false, doc });
            self.log_event(event);
        }
        let time = events.last().map_or(0, |event| event.time);
        records.extend(self.memory(time));
        self.writer.records(records);
        self.subscribers.tell(events);
        self.show(time);
    }

    fn log_event(&self, event: &Event) {
        let What::Changed { from, to, .. } = &event.what else { return };
        let word = |state: &State| Msg::new(format!("status-state-{}", state.name().replace('_', "-")));
        let message = Msg::new("daemon-changed")
            .with("component", event.component.as_str())
            .with("from", word(from))
            .with("to", word(to));
        let priority = match to {
            State::MajorOutage | State::PartialOutage => Priority::Error,
            State::Degraded => Priority::Warning,
            _ => Priority::Notice,
        };
        self.log.say(priority, &message);
    }

    /// Writes what was observed since the last turn.
    fn flush(&mut self, time: u64) {
        self.writer.records(std::mem::take(&mut self.observed));
        self.writer.tick(signed(time / 1000), std::mem::take(&mut self.values));
    }

    /// Writes the memory.
    fn keep(&mut self, time: u64) {
        let records = self.memory(time);
        self.writer.records(records);
    }

    /// Writes the memory with more records, and tells once they are on disk.
    pub(super) fn keep_durably(&mut self, time: u64, more: Vec<Record>) -> oneshot::Receiver<super::writer::Outcome> {
        let mut records = self.memory(time);
        records.extend(more);
        self.writer.durable(records)
    }

    fn memory(&mut self, time: u64) -> Vec<Record> {
        self.written = time;
        let mut records = self.kept.changed(self.engine.memory(), time);
        let listeners = self.listeners.as_ref().and_then(|listeners| serde_json::to_string(listeners).ok());
        records.extend(listeners.map(|doc| {
            let id = memory::LISTENERS.to_owned();
            Record { kind: Kind::Kept, id, at_ms: signed(time), open: false, doc }
        }));
        records
    }

    /// Sets or takes away a trouble.
    pub(super) fn trouble(&mut self, of: &str, message: Option<Msg>) {
        self.set_troubles(of, message.into_iter().collect());
    }

    /// Sets the troubles of a part; those that are new are said.
    pub(super) fn set_troubles(&mut self, of: &str, new: Vec<Msg>) {
        let before = self.troubles.get(of).map_or(&[][..], Vec::as_slice);
        if before == new.as_slice() {
            return;
        }
        for message in new.iter().filter(|message| !before.contains(message)) {
            self.log.say(Priority::Warning, message);
        }
        self.troubles.insert(of.to_owned(), new);
        self.dirty = true;
    }

    /// What the store has to complain about.
    fn store_troubles(&mut self) {
        let state = self.writer.state().borrow().clone();
        let health = state.health.problem.map(|problem| Msg::new("daemon-store").with("problem", problem));
        self.trouble("store", health);
        self.trouble("upkeep", state.upkeep.map(|problem| Msg::new("daemon-store").with("problem", problem)));
        let lost = self.writer.lost() as u64 + state.health.lost_ticks;
        self.trouble("lost", (lost > 0).then(|| Msg::new("daemon-store-lost").with("count", lost)));
        if let Some(found) = state.troubles.last() {
            let message = super::damaged(found);
            self.trouble("damaged", Some(message));
        }
    }
}

/// The keys of a component's checks.
fn keys(part: &Part) -> impl Iterator<Item = Key> + '_ {
    part.checks.iter().map(|(check, instance, _)| (part.plan.name.clone(), check.clone(), instance.clone()))
}

/// Times and seconds are far below the end of the signed range.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
