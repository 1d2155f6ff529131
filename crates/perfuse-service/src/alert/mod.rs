//! Alerts: people and programs are told when a component is out, why, and when it is well again.
//!
//! ```text
//! events, views -> desk (what is told to whom, when) -> queue (again until it is taken) -> send (webhook, mail, ...)
//!                     \-> memory, open deliveries -> store: nothing is lost over a restart
//! ```
//!
//! [`start`] runs all of it as one task. The [`desk`] and the [`queue`] know neither clock nor network.

pub mod desk;
pub mod notice;
pub mod queue;
mod send;
pub mod template;
#[cfg(test)]
mod tests;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use perfuse_analyze::Msg;
use perfuse_analyze::status::Event;
use perfuse_render::Lang;
use tokio::sync::{mpsc, watch};
use tokio::task::{self, JoinError, JoinHandle, JoinSet};

use crate::config::{Alert, AlertKind, Config};
use crate::now::{ComponentNow, Now};
use crate::problem::Problem;
use crate::store::{Kind, Reader, Record, StoreError};
use desk::{Clock, Desk, Known, Memory, Receiver, Seen, Waits};
use notice::{Named, Phase};
use queue::{Delivery, Failure, Queue};
use send::Sender;
use words::Speaker;

/// The name of the record of what was told.
const MEMORY: &str = "alerts";
/// Time that one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(30);
/// Time that the store may take before a notice goes out without being kept.
const KEEPING: Duration = Duration::from_secs(5);
/// Time that attempts get that are under way when the daemon ends.
const LAST: Duration = Duration::from_secs(3);

/// Where records are kept, as alerts see it.
pub trait Outbox: Send + Sync + 'static {
    /// Writes records, all or none, and comes back when they outlive the process; why not, if they do not.
    fn put(&self, records: Vec<Record>) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;
}

/// What an earlier run left in the store.
#[derive(Debug, Default)]
pub struct Stored {
    memory: Memory,
    open: Vec<Delivery>,
}

impl Stored {
    /// Reads it. Records that cannot be understood are left out: nobody could deliver them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn read(reader: &Reader) -> Result<Self, StoreError> {
        let records = reader.records()?;
        let memory = records.get(Kind::Kept, MEMORY)?;
        let memory = memory.and_then(|record| serde_json::from_str(&record.doc).ok()).unwrap_or_default();
        let open = records.open_ones(Kind::Alert)?;
        let open = open.iter().filter_map(|record| serde_json::from_str(&record.doc).ok()).collect();
        Ok(Self { memory, open })
    }
}

/// Who is told, and how.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The receivers.
    pub alerts: Vec<Alert>,
    /// The language.
    pub lang: Lang,
    /// Minutes by which clocks are ahead of UTC.
    pub offset: i32,
    /// Name of the host.
    pub host: String,
    /// Where people reach the pages, if that is known.
    pub page: Option<String>,
    /// How long is waited for what; a reload does not change it.
    pub waits: Waits,
}

impl Setup {
    /// From a configuration.
    pub fn new(config: &Config, host: String) -> Self {
        let lang = Lang::from_locale(config.language).unwrap_or_default();
        let page = config.page_url.clone();
        Self { alerts: config.alerts.clone(), lang, offset: config.time_offset, host, page, waits: Waits::default() }
    }
}

/// Why nobody can be told.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// The client of a receiver cannot be made.
    #[error("alert {name}: {problem}")]
    Receiver {
        /// Name of the receiver.
        name: String,
        /// Why.
        problem: String,
    },
}

/// Alerts that run; they end when this is dropped.
pub struct Handle {
    orders: mpsc::Sender<Order>,
    troubles: watch::Receiver<Vec<Msg>>,
    task: JoinHandle<()>,
}

enum Order {
    Reload(Vec<Receiver>, BTreeMap<String, Arc<Sender>>),
    Stop,
}

impl Handle {
    /// Takes another configuration; the old one stays if this one cannot be used.
    ///
    /// # Errors
    /// The client of a receiver cannot be made.
    pub async fn reload(&self, setup: &Setup) -> Result<(), AlertError> {
        let senders = senders(setup)?;
        // Without the task there is nothing to reload.
        let _ = self.orders.send(Order::Reload(receivers(&setup.alerts), senders)).await;
        Ok(())
    }

    /// Who could not be told, and why.
    pub fn troubles(&self) -> watch::Receiver<Vec<Msg>> {
        self.troubles.clone()
    }

    /// Ends: what is under way gets a few seconds, the rest stays in the store for the next start.
    pub async fn stop(self) {
        let _ = self.orders.send(Order::Stop).await;
        let _ = self.task.await;
    }
}

fn receivers(alerts: &[Alert]) -> Vec<Receiver> {
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let receiver = |alert: &Alert| {
        let manager = matches!(alert.kind, AlertKind::Alertmanager { .. });
        Receiver {
            name: alert.name.clone(),
            components: alert.components.clone(),
            // It has a time of its own after which it tells again, and has to hear of the end.
            resolve: alert.resolve || manager,
            repeat: alert.repeat.map(milliseconds).filter(|_| !manager),
            refresh: manager.then_some(send::REFRESH),
        }
    };
    alerts.iter().map(receiver).collect()
}

fn senders(setup: &Setup) -> Result<BTreeMap<String, Arc<Sender>>, AlertError> {
    if setup.alerts.is_empty() {
        return Ok(BTreeMap::new());
    }
    let speaker = Arc::new(Speaker::new(setup.lang, setup.offset, setup.host.clone()).with_page(setup.page.clone()));
    let sender = |alert: &Alert| {
        let name = alert.name.clone();
        match Sender::new(alert, &speaker) {
            Ok(sender) => Ok((name, Arc::new(sender))),
            Err(problem) => Err(AlertError::Receiver { name, problem }),
        }
    };
    setup.alerts.iter().map(sender).collect()
}

/// Starts alerts, on the runtime that calls. `events` are those of the state machine as they come, `now` is what is known
/// as a whole; each of them makes up for what the other one lost.
///
/// # Errors
/// The client of a receiver cannot be made.
pub fn start(
    setup: &Setup,
    stored: Stored,
    outbox: Arc<dyn Outbox>,
    events: mpsc::UnboundedReceiver<Event>,
    now: watch::Receiver<Arc<Now>>,
) -> Result<Handle, AlertError> {
    let senders = senders(setup)?;
    let begun = Instant::now();
    let clock = clock(begun);
    let mut queue = Queue::default();
    queue.restore(stored.open, clock);
    let (troubles, seen) = watch::channel(Vec::new());
    let (orders, inbox) = mpsc::channel(4);
    let teller = Teller {
        begun,
        desk: Desk::new(receivers(&setup.alerts), setup.waits, stored.memory, clock),
        queue,
        senders,
        outbox,
        sends: JoinSet::new(),
        sending: Vec::new(),
        records: Vec::new(),
        given_up: BTreeMap::new(),
        unkept: None,
        troubles,
    };
    let task = tokio::spawn(teller.run(events, now, inbox));
    Ok(Handle { orders, troubles: seen, task })
}

/// The time now; the steady one since `begun`, but never 0, which is "never".
fn clock(begun: Instant) -> Clock {
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, milliseconds);
    // A year ahead, so that what an earlier run told can lie before it.
    Clock { wall, steady: milliseconds(begun.elapsed()) + 366 * 86_400_000 }
}

/// The task.
struct Teller {
    begun: Instant,
    desk: Desk,
    queue: Queue,
    senders: BTreeMap<String, Arc<Sender>>,
    outbox: Arc<dyn Outbox>,
    sends: JoinSet<Result<(), Failure>>,
    /// The deliveries of `sends`.
    sending: Vec<(task::Id, String)>,
    /// What is to be kept, and is not yet.
    records: Vec<Record>,
    /// By receiver, until the next one that is delivered.
    given_up: BTreeMap<String, Problem>,
    unkept: Option<String>,
    troubles: watch::Sender<Vec<Msg>>,
}

impl Teller {
    async fn run(
        mut self,
        mut events: mpsc::UnboundedReceiver<Event>,
        mut now: watch::Receiver<Arc<Now>>,
        mut orders: mpsc::Receiver<Order>,
    ) {
        let mut watched = true;
        now.mark_changed();
        loop {
            let next = self.next();
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => {
                        let clock = clock(self.begun);
                        self.desk.event(&event, clock);
                        while let Ok(event) = events.try_recv() {
                            self.desk.event(&event, clock);
                        }
                    }
                    // The daemon has ended.
                    None => break,
                },
                changed = now.changed(), if watched => match changed {
                    Ok(()) => {
                        let now = Arc::clone(&now.borrow_and_update());
                        self.see(&now);
                    }
                    Err(_) => watched = false,
                },
                Some(sent) = self.sends.join_next_with_id() => self.sent(sent),
                order = orders.recv() => match order {
                    Some(Order::Reload(receivers, senders)) => self.reload(receivers, senders),
                    Some(Order::Stop) | None => break,
                },
                () = tokio::time::sleep(next) => {}
            }
            self.turn();
            self.keep().await;
            self.send();
        }
        self.end().await;
    }

    /// Time until something is due; an hour at most.
    fn next(&self) -> Duration {
        let now = clock(self.begun).steady;
        let next = [self.desk.next(), self.queue.next()].into_iter().flatten().min();
        Duration::from_millis(next.map_or(3_600_000, |next| next.saturating_sub(now).clamp(1, 3_600_000)))
    }

    /// Takes what is known as a whole.
    fn see(&mut self, now: &Now) {
        // Before the daemon knows anything there is nothing to see.
        if now.time == 0 {
            return;
        }
        let all = now.components.iter().map(seen).collect();
        let known = |incident: &Arc<crate::incident::Incident>| Known {
            id: incident.id.clone(),
            component: incident.component.clone(),
            cause: incident.cause.clone(),
        };
        let incidents: Vec<Known> = now.open.iter().map(known).collect();
        self.desk.see(now.time, all, &incidents, clock(self.begun));
    }

    /// What is due is put into the queue and to what is to be kept.
    fn turn(&mut self) {
        let clock = clock(self.begun);
        for (receiver, notice) in self.desk.turn(clock) {
            let delivery = Delivery::new(receiver, notice, clock);
            let (kept, replaced) = self.queue.push(delivery.clone());
            if kept && delivery.notice.phase != Phase::Refresh {
                self.records.extend(record(&delivery, true));
            }
            for closed in replaced {
                self.close(&closed);
            }
        }
        if let Some(doc) = self.desk.take_memory().and_then(|memory| serde_json::to_string(memory).ok()) {
            let at_ms = i64::try_from(clock.wall).unwrap_or(i64::MAX);
            self.records.push(Record { kind: Kind::Kept, id: MEMORY.to_owned(), at_ms, open: false, doc });
        }
    }

    fn close(&mut self, delivery: &Delivery) {
        if delivery.notice.phase != Phase::Refresh {
            self.records.extend(record(delivery, false));
        }
    }

    /// Writes what is to be kept, before any of it goes out. A disk that takes nothing keeps nobody from being told.
    async fn keep(&mut self) {
        if self.records.is_empty() {
            return;
        }
        let records = std::mem::take(&mut self.records);
        let kept = tokio::time::timeout(KEEPING, self.outbox.put(records)).await;
        let problem = kept.unwrap_or_else(|_| Err("the store does not answer".to_owned())).err();
        if self.unkept != problem {
            self.unkept = problem;
            self.tell_troubles();
        }
    }

    /// Begins the attempts that are due.
    fn send(&mut self) {
        let clock = clock(self.begun);
        for delivery in self.queue.start(clock) {
            let sender = self.senders.get(&delivery.receiver).map(Arc::clone);
            let wall = clock.wall;
            let id = delivery.id.clone();
            let task = self.sends.spawn(async move {
                match sender {
                    Some(sender) => tokio::time::timeout(ATTEMPT, sender.send(&delivery.notice, wall))
                        .await
                        .unwrap_or_else(|_| Err(Failure::new("no answer in time"))),
                    None => Err(Failure { refused: true, ..Failure::new("no such receiver") }),
                }
            });
            self.sending.push((task.id(), id));
        }
    }

    /// An attempt has ended.
    fn sent(&mut self, sent: Result<(task::Id, Result<(), Failure>), JoinError>) {
        // A client that breaks down must not keep its receiver busy for ever.
        let (task, result) = sent.unwrap_or_else(|error| (error.id(), Err(Failure::new("the client broke down"))));
        let Some(place) = self.sending.iter().position(|(known, _)| *known == task) else { return };
        let (_, id) = self.sending.swap_remove(place);
        let Some((delivery, over)) = self.queue.done(&id, result, clock(self.begun)) else { return };
        match (&delivery.problem, over) {
            (None, _) => drop(self.given_up.remove(&delivery.receiver)),
            (Some(problem), true) => drop(self.given_up.insert(delivery.receiver.clone(), problem.clone())),
            (Some(_), false) => {}
        }
        if delivery.notice.phase != Phase::Refresh {
            self.records.extend(record(&delivery, !over));
        }
        self.tell_troubles();
    }

    fn reload(&mut self, receivers: Vec<Receiver>, senders: BTreeMap<String, Arc<Sender>>) {
        let names: BTreeSet<&str> = receivers.iter().map(|receiver| receiver.name.as_str()).collect();
        for closed in self.queue.reload(&names) {
            self.close(&closed);
        }
        self.given_up.retain(|name, _| names.contains(name.as_str()));
        self.senders = senders;
        self.desk.reload(receivers);
        self.tell_troubles();
    }

    /// Publishes who could not be told, a line for each receiver.
    fn tell_troubles(&self) {
        let mut waiting: BTreeMap<&str, (u64, &Problem)> = BTreeMap::new();
        for delivery in self.queue.waiting() {
            if let Some(problem) = &delivery.problem {
                let entry = waiting.entry(&delivery.receiver).or_insert((0, problem));
                entry.0 += 1;
            }
        }
        let late = waiting.into_iter().map(|(receiver, (count, problem))| {
            Msg::new("alert-undelivered").with("receiver", receiver).with("count", count).with("problem", problem)
        });
        let gone = self
            .given_up
            .iter()
            .map(|(receiver, problem)| Msg::new("alert-given-up").with("receiver", receiver).with("problem", problem));
        let kept = self.unkept.iter().map(|problem| Msg::new("alert-not-kept").with("problem", problem));
        let troubles: Vec<Msg> = late.chain(gone).chain(kept).collect();
        self.troubles.send_if_modified(|known| {
            let new = *known != troubles;
            *known = troubles;
            new
        });
    }

    /// The end: attempts that are under way may come to one.
    async fn end(mut self) {
        let end = tokio::time::Instant::now() + LAST;
        while let Ok(Some(sent)) = tokio::time::timeout_at(end, self.sends.join_next_with_id()).await {
            self.sent(sent);
        }
        self.turn();
        self.keep().await;
    }
}

fn record(delivery: &Delivery, open: bool) -> Option<Record> {
    let doc = serde_json::to_string(delivery).ok()?;
    let at_ms = i64::try_from(delivery.made).unwrap_or(i64::MAX);
    Some(Record { kind: Kind::Alert, id: delivery.id.clone(), at_ms, open, doc })
}

fn seen(component: &ComponentNow) -> Seen {
    let view = &component.view;
    let (title, title_ko) = component.title.clone();
    let burning = component.slo.as_ref().map_or([false; 3], |slo| slo.burns.map(|burn| burn.burning));
    Seen {
        component: Named { name: view.name.clone(), title, title_ko },
        state: view.state,
        since: view.since,
        held_by: view.held_by.clone(),
        flapping: view.flapping,
        burning,
    }
}
