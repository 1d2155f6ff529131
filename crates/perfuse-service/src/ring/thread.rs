//! The thread that samples.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use perfuse_analyze::series::Number;
use perfuse_analyze::tasks::Tables;
use perfuse_analyze::window::Sliding;
use perfuse_analyze::{Checklist, Run, Scope, Thresholds, series};
use perfuse_collect::usage;
use perfuse_format::RawSnapshot;
use perfuse_format::raw::Raw;
use perfuse_render::ReportContext;
use tokio::sync::watch;

use super::keep::Keep;
use super::{COMPLETE, Capture, Second, Watcher};
use crate::host::{Plan, Session};

/// Between two samples.
const BEAT: Duration = Duration::from_secs(1);
/// Snapshots that a checklist is made from, at least.
const WINDOW: usize = 6;
/// Seconds between two checklists.
const FULL: u32 = 5;

/// What the thread is asked for.
pub(super) enum Command {
    Freeze(String),
    Release(String),
    Capture(String, SyncSender<Capture>),
}

/// The thread's state.
pub(super) struct Sampling {
    session: Session,
    thresholds: Thresholds,
    window: Sliding,
    /// Of the snapshots of the window.
    tables: Tables,
    keep: Keep,
    /// What is read at the first snapshot only: every complete one gets it, as the first one is soon gone.
    once: BTreeMap<String, Raw>,
    inbox: Receiver<Command>,
    publish: watch::Sender<Option<Second>>,
    watchers: Vec<Watcher>,
    full: Option<Full>,
    since_full: u32,
}

/// What is made anew every few seconds.
struct Full {
    checklist: Arc<Checklist>,
    context: Arc<ReportContext>,
    connections: Vec<Number>,
}

impl Sampling {
    /// Loads the in-kernel programs. On the thread that samples: its time is what sampling costs.
    pub(super) fn new(
        thresholds: Thresholds,
        inbox: Receiver<Command>,
        publish: watch::Sender<Option<Second>>,
        watchers: Vec<Watcher>,
    ) -> Self {
        let session = Session::start(Plan::ring(&thresholds));
        Self {
            session,
            thresholds,
            window: Sliding::new(WINDOW),
            tables: Tables::default(),
            keep: Keep::default(),
            once: BTreeMap::new(),
            inbox,
            publish,
            watchers,
            full: None,
            since_full: 0,
        }
    }

    /// Samples until nobody asks any more.
    pub(super) fn run(mut self) {
        let first = self.session.snapshot(false);
        self.take(first.clone());
        // The second snapshot is a complete one too, so that the first checklist has every rate.
        let second = self.session.snapshot(true);
        self.once = only_once(&first, &second);
        drop(first);
        self.take(second);
        // Loading the programs read the types of the whole kernel.
        usage::give_back_memory();
        let mut next = Instant::now() + BEAT;
        loop {
            match self.inbox.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(command) => self.obey(command),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    let snapshot = self.session.snapshot(false);
                    self.take(snapshot);
                    self.publish();
                    // After a pause (a suspended machine) the missed samples are not made up for.
                    while next <= Instant::now() {
                        next += BEAT;
                    }
                }
            }
        }
    }

    fn take(&mut self, mut snapshot: RawSnapshot) {
        if snapshot.has(COMPLETE) {
            self.complete(&mut snapshot);
        }
        self.keep.push(snapshot.clone());
        self.window.push(snapshot);
    }

    fn complete(&self, snapshot: &mut RawSnapshot) {
        for (source, raw) in &self.once {
            snapshot.sources.entry(source.clone()).or_insert_with(|| raw.clone());
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Freeze(component) => self.keep.freeze(&component),
            Command::Release(component) => self.keep.release(&component),
            Command::Capture(component, reply) => {
                // Beside the beat: it ends that recording, and is no part of the ring.
                let mut last = self.session.snapshot(true);
                let stacks = self.session.unnamed(&last);
                let (segments, frozen_ns) = self.keep.segments(&component);
                self.complete(&mut last);
                // Whoever asked may have given up.
                let _ = reply.send(Capture { segments, last, stacks, frozen_ns });
            }
        }
    }

    /// The numbers of the last second; every few seconds the whole checklist, which is dearer.
    fn publish(&mut self) {
        let snapshots = self.window.snapshots();
        for watcher in &mut self.watchers {
            watcher(snapshots);
        }
        let [.., before, last] = snapshots else { return };
        if self.full.is_none() || self.since_full >= FULL {
            self.tables.forget_before(snapshots.first().map_or(0, |first| first.mono_ns));
            let run = Run::with(snapshots, self.thresholds.clone(), Scope::default(), &mut self.tables);
            let Ok(run) = run else { return };
            self.full = Some(Full {
                checklist: Arc::new(Checklist::build(&run)),
                context: Arc::new(ReportContext::from_run(&run)),
                connections: series::of_connections(&run),
            });
            self.since_full = 0;
        }
        self.since_full += 1;
        let Some(full) = &self.full else { return };
        let pair = [before.clone(), common(last, before)];
        let run = Run::with(&pair, self.thresholds.clone(), Scope::default(), &mut self.tables);
        let Ok(run) = run else { return };
        let mut numbers = series::of_second(&run, &Checklist::build(&run), &full.checklist);
        numbers.extend_from_slice(&full.connections);
        self.publish.send_replace(Some(Second {
            time: last.real_ns / 1_000_000,
            checklist: Arc::clone(&full.checklist),
            context: Arc::clone(&full.context),
            numbers: Arc::new(numbers),
        }));
    }
}

/// What a snapshot has in common with the one before: a counter that is read now and then would seem to have counted all of
/// its life in one second.
fn common(last: &RawSnapshot, before: &RawSnapshot) -> RawSnapshot {
    let mut last = last.clone();
    last.sources.retain(|source, _| before.has(source) || !source.starts_with('@'));
    last
}

/// The sources of the first snapshot that a later complete one does not have, but for those of processes and cgroups, which
/// come and go.
fn only_once(first: &RawSnapshot, later: &RawSnapshot) -> BTreeMap<String, Raw> {
    let comes_and_goes = |source: &str| {
        let process = source.strip_prefix("/proc/").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        process || source.starts_with("/sys/fs/cgroup/")
    };
    let once = first.sources.iter().filter(|(source, _)| !later.has(source) && !comes_and_goes(source));
    once.map(|(source, raw)| (source.clone(), raw.clone())).collect()
}
