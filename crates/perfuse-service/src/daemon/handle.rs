//! The daemon for its other parts: what it knows, what happens, and the ways to the store.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use perfuse_analyze::Msg;
use perfuse_analyze::status::Event;
use tokio::sync::{mpsc, oneshot, watch};

use super::clock::{Clock, Reading};
use super::core::Note;
use super::writer::{self, Writer};
use crate::config::Config;
use crate::incident::Incident;
use crate::now::{Daemon, Done, Now, Order};
use crate::store::{Reader, Record, SeriesKey};

/// Those who want to hear of events. None of them is ever left out: what they have not taken yet waits.
#[derive(Debug, Clone, Default)]
pub(super) struct Subscribers(Arc<Mutex<Vec<mpsc::UnboundedSender<Event>>>>);

impl Subscribers {
    pub(super) fn tell(&self, events: &[Event]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|to| events.iter().all(|event| to.send(event.clone()).is_ok()));
    }

    fn add(&self) -> mpsc::UnboundedReceiver<Event> {
        let (to, events) = mpsc::unbounded_channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(to);
        events
    }
}

/// The daemon; cheap to copy.
#[derive(Clone)]
pub struct Handle {
    pub(super) now: watch::Receiver<Arc<Now>>,
    pub(super) changes: watch::Receiver<u64>,
    pub(super) settings: watch::Receiver<Arc<Config>>,
    pub(super) notes: mpsc::Sender<Note>,
    pub(super) writer: Writer,
    pub(super) subscribers: Subscribers,
    pub(super) clock: Arc<Mutex<Clock>>,
}

impl Handle {
    /// Everything that happens to components from now on. It is in the store as well ([`crate::store::Kind::Transition`],
    /// written together with the states), for those who have to make up for a time in which they were not there.
    pub fn events(&self) -> mpsc::UnboundedReceiver<Event> {
        self.subscribers.add()
    }

    /// The configuration, and every later one.
    pub fn settings(&self) -> watch::Receiver<Arc<Config>> {
        self.settings.clone()
    }

    /// The time, in milliseconds since 1970 in UTC: that of the clock on the wall, without its jumps.
    pub fn time(&self) -> u64 {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).peek(Reading::now())
    }

    /// Writes the values of one second of Unix time. Never waits.
    pub fn values(&self, second: i64, values: Vec<(SeriesKey, f64)>) {
        self.writer.tick(second, values);
    }

    /// Writes records, all or none, and tells where they are: [`crate::store::Written::Disk`] outlives a power cut.
    pub async fn put(&self, records: Vec<Record>) -> writer::Outcome {
        Self::told(self.writer.durable(records)).await
    }

    /// Writes an incident with what was captured, all or nothing.
    pub async fn put_incident(&self, incident: Record, captures: Vec<(String, Vec<u8>)>) -> writer::Outcome {
        Self::told(self.writer.incident(incident, captures)).await
    }

    async fn told(outcome: oneshot::Receiver<writer::Outcome>) -> writer::Outcome {
        outcome.await.unwrap_or_else(|_| Err("the store is closed".to_owned()))
    }

    /// Shows an incident as it is now: it stays among the open ones until it has an end.
    pub async fn show_incident(&self, incident: Arc<Incident>) {
        // A daemon that ends shows nothing any more.
        let _ = self.notes.send(Note::Incident(incident)).await;
    }

    /// As [`Self::show_incident`], for a thread that may wait.
    pub(super) fn show_incident_blocking(&self, incident: Arc<Incident>) {
        let _ = self.notes.blocking_send(Note::Incident(incident));
    }

    /// Why the store takes nothing, if it does not.
    pub(super) fn store_problem(&self) -> String {
        self.writer.state().borrow().health.problem.clone().unwrap_or_default()
    }

    /// Says which troubles a part of the daemon (`of`) has now; none of those that it had before.
    pub async fn troubles(&self, of: &str, troubles: Vec<Msg>) {
        let _ = self.notes.send(Note::Troubles(of.to_owned(), troubles)).await;
    }

    /// What is known now, and everything that is known later.
    pub fn seen(&self) -> watch::Receiver<Arc<Now>> {
        self.now.clone()
    }
}

impl Daemon for Handle {
    fn now(&self) -> Arc<Now> {
        self.now.borrow().clone()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    fn reader(&self) -> Reader {
        self.writer.reader()
    }

    fn order(&self, order: Order) -> Pin<Box<dyn Future<Output = Done> + Send + '_>> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let ended = || Msg::new("daemon-ended");
            self.notes.send(Note::Order(order, reply)).await.map_err(|_| ended())?;
            answer.await.map_err(|_| ended())?
        })
    }
}
