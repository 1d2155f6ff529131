//! The thread that writes into the store. Whoever has something to write puts it into its queue and goes on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use perfuse_analyze::Msg;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{oneshot, watch};

use crate::config::Export;
use crate::export;
use crate::store::{Health, Moment, Reader, Record, SeriesKey, Store, Trouble, Written};

/// Ticks that wait in the queue at most: what is more is lost, and counted. The store itself keeps as many again.
const TICKS: usize = 600;
/// How often the store is looked after.
const UPKEEP: Duration = Duration::from_secs(1);
/// How long the end waits for what is still to be written.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of writing something: where it is now, or why it is not.
pub type Outcome = Result<Written, String>;

enum Write {
    Tick(i64, Vec<(SeriesKey, f64)>),
    Records(Vec<Record>, Option<oneshot::Sender<Outcome>>),
    Incident(Record, Vec<(String, Vec<u8>)>, oneshot::Sender<Outcome>),
    Stop(SyncSender<()>),
}

/// How writing goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    /// What the store says.
    pub(super) health: Health,
    /// What the upkeep found damaged, or why it could not be done.
    pub(super) troubles: Vec<Trouble>,
    pub(super) upkeep: Option<String>,
}

/// Where the values of each second pass on their way to the store, for other engines; cheap to copy.
#[derive(Clone, Default)]
pub(super) struct Tap(Arc<Mutex<Option<export::Handle>>>);

impl Tap {
    fn inner(&self) -> MutexGuard<'_, Option<export::Handle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets who takes them; gives the one of before.
    pub(super) fn set(&self, exports: Option<export::Handle>) -> Option<export::Handle> {
        std::mem::replace(&mut *self.inner(), exports)
    }

    /// Takes another configuration.
    pub(super) fn reload(&self, exports: &[Export], host: &str) -> Result<(), export::ExportError> {
        self.inner().as_mut().map_or(Ok(()), |handle| handle.reload(exports, host))
    }

    /// Who does not take the series, and why.
    pub(super) fn troubles(&self) -> Vec<Msg> {
        self.inner().as_ref().map(export::Handle::troubles).unwrap_or_default()
    }

    fn push(&self, at: i64, values: &[(SeriesKey, f64)]) {
        if let Some(exports) = &*self.inner() {
            exports.push(at, values);
        }
    }
}

/// The queue of the thread; cheap to copy.
#[derive(Clone)]
pub(super) struct Writer {
    to: Sender<Write>,
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicUsize>,
    state: watch::Receiver<State>,
    reader: Reader,
    tap: Tap,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(store: Store) -> std::io::Result<Self> {
        let (to, queue) = channel();
        let (publish, state) = watch::channel(State::default());
        let reader = store.reader();
        let waiting = Arc::new(AtomicUsize::new(0));
        let thread = Thread { store, queue, publish, waiting: Arc::clone(&waiting) };
        std::thread::Builder::new().name("store".to_owned()).spawn(move || thread.run())?;
        Ok(Self { to, waiting, lost: Arc::default(), state, reader, tap: Tap::default() })
    }

    pub(super) fn tap(&self) -> Tap {
        self.tap.clone()
    }

    pub(super) fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// How writing goes.
    pub(super) fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Ticks that were lost since the start because the thread did not come to them.
    pub(super) fn lost(&self) -> usize {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes the values of one second (of Unix time).
    pub(super) fn tick(&self, at: i64, values: Vec<(SeriesKey, f64)>) {
        if values.is_empty() {
            return;
        }
        self.tap.push(at, &values);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= TICKS {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.send(Write::Tick(at, values));
    }

    /// Writes records, all or none.
    pub(super) fn records(&self, records: Vec<Record>) {
        if !records.is_empty() {
            self.send(Write::Records(records, None));
        }
    }

    /// Writes records, all or none, and tells where they are.
    pub(super) fn durable(&self, records: Vec<Record>) -> oneshot::Receiver<Outcome> {
        let (done, told) = oneshot::channel();
        self.send(Write::Records(records, Some(done)));
        told
    }

    /// Writes an incident with what was captured, all or nothing.
    pub(super) fn incident(&self, incident: Record, captures: Vec<(String, Vec<u8>)>) -> oneshot::Receiver<Outcome> {
        let (done, told) = oneshot::channel();
        self.send(Write::Incident(incident, captures, done));
        told
    }

    /// Ends the thread once everything before this is written; false if that takes too long.
    pub(super) fn stop(&self) -> bool {
        let (done, told) = sync_channel(1);
        self.send(Write::Stop(done));
        told.recv_timeout(PATIENCE).is_ok()
    }

    fn send(&self, write: Write) {
        // A thread that has ended drops what would answer: whoever waits for it hears of that.
        let _ = self.to.send(write);
    }
}

struct Thread {
    store: Store,
    queue: Receiver<Write>,
    publish: watch::Sender<State>,
    waiting: Arc<AtomicUsize>,
}

impl Thread {
    fn run(mut self) {
        let mut next = Instant::now();
        loop {
            match self.queue.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(Write::Stop(done)) => {
                    // The lock is let go of before anybody is told.
                    drop(self.store);
                    let _ = done.send(());
                    return;
                }
                Ok(write) => self.write(write),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if next <= Instant::now() {
                next = Instant::now() + UPKEEP;
                self.upkeep();
            }
        }
    }

    fn write(&mut self, write: Write) {
        match write {
            Write::Tick(at, values) => {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                let mut known = Vec::with_capacity(values.len());
                for (key, value) in values {
                    // Above the bound on series, those that are known go on.
                    if let Ok(series) = self.store.series(&key) {
                        known.push((series, value));
                    }
                }
                self.store.append(at, &known);
            }
            Write::Records(records, done) => {
                let outcome = self.store.put(&records).map_err(|error| error.to_string());
                // Whoever waited may have gone.
                let _ = done.map(|done| done.send(outcome));
            }
            Write::Incident(incident, captures, done) => {
                let captures: Vec<(&str, &[u8])> =
                    captures.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
                let outcome = self.store.put_incident(&incident, &captures).map_err(|error| error.to_string());
                let _ = done.send(outcome);
            }
            Write::Stop(_) => {}
        }
    }

    fn upkeep(&mut self) {
        let seconds = |clock: ClockId| clock_gettime(clock).tv_sec;
        let now = Moment { unix: seconds(ClockId::Realtime), steady: seconds(ClockId::Monotonic) };
        let (found, upkeep) = match self.store.maintain(now) {
            Ok(found) => (found, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let health = self.store.health().clone();
        self.publish.send_if_modified(|state| {
            let changed = state.health != health || state.upkeep != upkeep || !found.is_empty();
            state.health = health;
            state.upkeep = upkeep;
            state.troubles.extend(found);
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Kind, Retention};

    #[tokio::test]
    async fn what_was_put_in_is_there_after_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(directory.path(), Retention::default()).unwrap();
        let writer = Writer::start(store).unwrap();
        let key = SeriesKey::new("a", []);
        for second in 1000..1010 {
            writer.tick(second, vec![(key.clone(), f64::from(1))]);
        }
        let record = Record { kind: Kind::Kept, id: "x".into(), at_ms: 7, open: false, doc: "{}".into() };
        assert_eq!(writer.durable(vec![record.clone()]).await.unwrap(), Ok(Written::Disk));
        writer.records(vec![Record { id: "y".into(), ..record }]);
        assert!(writer.stop());
        let reader = writer.reader();
        assert_eq!(reader.seconds(&key, 1000, 1010).unwrap().steps, [1.0; 10]);
        assert!(reader.records().unwrap().get(Kind::Kept, "y").unwrap().is_some());
        // The lock is free again, and nothing more is promised.
        assert!(Store::open(directory.path(), Retention::default()).is_ok());
        assert!(writer.durable(Vec::new()).await.is_err());
    }
}
