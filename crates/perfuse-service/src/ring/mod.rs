//! The last two minutes of this host, always at hand: a capture begins before its trigger.
//!
//! A thread of its own samples once a second and never waits for the store, the network or a page. What it found it
//! publishes ([`Ring::seconds`]); what it keeps, packed, it gives away when it is asked ([`Ring::capture`]). The component
//! whose check fails for the first time is frozen: what was recorded until then stays until the component has recovered.

mod apps;
mod keep;
mod look;
mod thread;

use std::io;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use perfuse_analyze::app::{AppFact, AppTable};
use perfuse_analyze::series::Number;
use perfuse_analyze::{Checklist, Thresholds};
use perfuse_format::RawSnapshot;
use perfuse_format::replay::Decoder;
use perfuse_render::ReportContext;
use tokio::sync::watch;

use crate::host::Unnamed;
use apps::Apps;
use keep::{Segment, alone, recording};
pub use look::Look;
use thread::{Command, Sampling};

/// A source that every complete snapshot has and no other.
pub(crate) const COMPLETE: &str = "/proc/self/mountinfo";
/// How long an answer of the sampling thread is waited for: it may be in the middle of a sample of a host under stress.
const PATIENCE: Duration = Duration::from_secs(5);

/// What one second brought.
#[derive(Debug, Clone)]
pub struct Second {
    /// Milliseconds since 1970 in UTC.
    pub time: u64,
    /// The checklist over the last seconds; a new one every fifth second.
    pub checklist: Arc<Checklist>,
    /// What a report of it says beside it.
    pub context: Arc<ReportContext>,
    /// The numbers that are kept.
    pub numbers: Arc<Vec<Number>>,
}

/// The newest [`Second`]; `None` until there are two samples.
pub type Seconds = watch::Receiver<Option<Second>>;

/// Looks at the snapshots of the last seconds after each sample, on the sampling thread: it must be quick and wait for
/// nothing.
pub type Watcher = Box<dyn FnMut(&[RawSnapshot]) + Send>;

/// What was recorded around an event.
pub struct Capture {
    segments: Vec<Arc<Segment>>,
    last: RawSnapshot,
    stacks: Unnamed,
    /// Monotonic time at which the component was frozen, in nanoseconds; `None` if it was not.
    pub frozen_ns: Option<u64>,
}

impl Capture {
    /// The recording, as `use --record` writes it. `add` puts more into its last snapshot. Naming stacks takes up to a
    /// second of CPU time: not for a thread that others wait for.
    pub fn into_recording(mut self, add: impl FnOnce(&mut RawSnapshot)) -> Vec<u8> {
        self.stacks.name(&mut self.last);
        add(&mut self.last);
        recording(self.segments.iter().map(|segment| segment.records()), self.last)
    }

    /// The first two complete snapshots, fewer in a ring that has just begun: who did what before the event.
    pub fn before(&self) -> Vec<RawSnapshot> {
        let mut found = Vec::new();
        for segment in &self.segments {
            let bytes = alone(segment.records());
            let snapshots = Decoder::new(&bytes).into_iter().flatten().map_while(Result::ok);
            found.extend(snapshots.filter(|snapshot| snapshot.has(COMPLETE)).take(2 - found.len()));
            if found.len() >= 2 {
                break;
            }
        }
        found
    }

    /// Monotonic time of its last snapshot, in nanoseconds.
    pub fn end_ns(&self) -> u64 {
        self.last.mono_ns
    }
}

/// The ring; cheap to copy. The thread ends once all of them are gone.
#[derive(Clone)]
pub struct Ring {
    commands: Sender<Command>,
    seconds: Seconds,
    apps: Arc<Mutex<Apps>>,
}

impl Ring {
    /// Starts to sample.
    pub fn start(thresholds: Thresholds, watchers: Vec<Watcher>) -> io::Result<Self> {
        let (commands, inbox) = channel();
        let (publish, seconds) = watch::channel(None);
        let run = move || Sampling::new(thresholds, inbox, publish, watchers).run();
        std::thread::Builder::new().name("ring".to_owned()).spawn(run)?;
        Ok(Self { commands, seconds, apps: Arc::default() })
    }

    /// One that does not sample.
    #[cfg(test)]
    pub(crate) fn idle() -> Self {
        let (commands, _) = channel();
        Self { commands, seconds: watch::channel(None).1, apps: Arc::default() }
    }

    /// The newest second, and news of each next one.
    pub fn seconds(&self) -> Seconds {
        self.seconds.clone()
    }

    /// Keeps what there is now for a component: at its first failure.
    pub fn freeze(&self, component: &str) {
        self.send(Command::Freeze(component.to_owned()));
    }

    /// Lets go of what was kept: the component has recovered.
    pub fn release(&self, component: &str) {
        self.send(Command::Release(component.to_owned()));
    }

    /// All from before the first failure of a component until now. Waits for the end of a sample; nothing if the sampling
    /// thread has ended, or hangs.
    pub fn capture(&self, component: &str) -> Option<Capture> {
        let (reply, answer) = sync_channel(1);
        self.send(Command::Capture(component.to_owned(), reply));
        answer.recv_timeout(PATIENCE).ok()
    }

    /// Takes what a collector found out about an application just now.
    pub fn told(&self, source: &str, facts: Vec<AppFact>, tables: Vec<AppTable>) {
        self.apps().told(source, facts, tables, Instant::now());
    }

    /// What applications said in the last `past`: facts with the older first, and tables.
    pub fn said(&self, past: Duration) -> (Vec<AppFact>, Vec<AppTable>) {
        let now = Instant::now();
        // A host that has been up for less.
        let from = now.checked_sub(past).unwrap_or(now);
        let apps = self.apps();
        (apps.facts(from), apps.tables(from))
    }

    fn apps(&self) -> MutexGuard<'_, Apps> {
        // Nothing panics while it holds this, and half a fact is none.
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, command: Command) {
        // A sampling thread that has ended keeps nothing and tells nothing; that shows in what it publishes.
        let _ = self.commands.send(command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_publishes_seconds_and_gives_away_a_recording_from_before_the_failure() {
        let ring = Ring::start(Thresholds::default(), Vec::new()).unwrap();
        let mut seconds = ring.seconds();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let second = runtime.block_on(async {
            let newest = seconds.wait_for(Option::is_some);
            let newest = tokio::time::timeout(Duration::from_secs(60), newest).await.expect("a second").unwrap();
            newest.clone().expect("is there")
        });
        assert!(second.time > 1_700_000_000_000 && !second.checklist.cells.is_empty());
        assert!(second.numbers.iter().any(|number| number.name == "perfuse_threads_count"), "{:?}", second.numbers);
        ring.freeze("shop");
        let capture = ring.capture("shop").expect("a capture");
        assert!(capture.frozen_ns.is_some());
        assert_eq!(capture.before().len(), 2);
        let end = capture.end_ns();
        let bytes = capture.into_recording(|last| last.put("@more", "here"));
        let snapshots: Vec<RawSnapshot> = Decoder::new(&bytes).unwrap().map(Result::unwrap).collect();
        assert!(snapshots.len() >= 3, "{}", snapshots.len());
        let last = snapshots.last().unwrap();
        assert_eq!(last.mono_ns, end);
        // Complete at both ends, with what is read only once, the names of stacks, and what was added.
        for source in ["/proc/self/mountinfo", "@capabilities", "@stacks", "@more"] {
            assert!(last.has(source), "{source}");
        }
        assert!(snapshots[0].has("/proc/self/mountinfo"));
        assert!(snapshots.windows(2).all(|pair| pair[0].mono_ns < pair[1].mono_ns));
        ring.release("shop");
        assert_eq!(ring.capture("shop").expect("a capture").frozen_ns, None);
    }
}
