//! Open events with their rings, read in rounds.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use perfuse_collect::Root;
use perfuse_collect::bpf::LiveProgram;
use perfuse_collect::perf::function::{function_attr, function_filter};
use perfuse_collect::perf::record::{self, Planned, Recording, Target};
use perfuse_collect::perf::{cpus, ring, tasks};
use perfuse_format::live::{HIT_SAMPLE, Hit};
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind, read_format};

use super::Failure;
use super::asked::Asked;
use super::source::{Place, Source};
use crate::perf::options::UsageError;

/// `PERF_COUNT_SW_BPF_OUTPUT`.
const BPF_OUTPUT: u64 = 10;
/// `CLOCK_MONOTONIC`.
const MONOTONIC: i32 = 1;

/// What is open.
#[derive(Debug)]
pub(super) struct Watched {
    recording: Recording,
    /// The source of each id of a ring.
    ids: BTreeMap<u64, usize>,
    programs: Vec<LiveProgram>,
    scratch: Vec<u8>,
    /// Whether the kernel filters tracepoints itself.
    filtered: bool,
}

impl Watched {
    /// Opens all sources; nothing happens before [`Watched::enable`].
    pub(super) fn open(sources: &[Source], asked: &Asked) -> Result<Result<Self, Failure>, UsageError> {
        let root = Root::default();
        let mut plans = Vec::new();
        for source in sources {
            let condition = asked.condition(&source.scope())?;
            if matches!(source.place, Place::Probe { .. }) {
                plans.push((source, condition));
            }
        }
        let bytes = ring::default_size(None);
        let pids = if plans.is_empty() { asked.pids.as_slice() } else { &[] };
        let threads = pids.iter().filter_map(|pid| i32::try_from(*pid).ok());
        let mut threads: Vec<i32> = threads.flat_map(|pid| tasks::threads_of(&root, pid)).collect();
        if threads.is_empty() {
            threads.push(-1);
        }
        let mut target = Target { cpus: cpus::online(&root), threads, forgiving: true };
        let mut open = |filtered: bool| {
            let events = sources.iter().enumerate();
            let events = events.map(|(at, source)| planned(at, source, asked, bytes, filtered)).collect();
            let mut recording = Recording::open(events, &mut target, &root, &mut Vec::new(), |_, _, _, _| {})?;
            recording.map(bytes)?;
            Ok(recording)
        };
        let (recording, filtered) = match open(true) {
            // Units, differences and the like are ours: then hits are looked at here.
            Err(record::Failure::Filter { .. }) => (open(false), false),
            opened => (opened, true),
        };
        let recording = match recording {
            Ok(recording) => recording,
            Err(failure) => return Ok(Err(Failure::recording(&failure))),
        };
        let mut programs = Vec::new();
        for (at, source) in sources.iter().enumerate() {
            let Some((_, condition)) = plans.iter().find(|(other, _)| std::ptr::eq(*other, source)) else { continue };
            let Some(record) = source.record() else {
                return Ok(Err(Failure::program(&source.name, &perfuse_collect::bpf::LiveError::Room)));
            };
            let plan = source.plan(condition.clone(), &asked.pids);
            match LiveProgram::output(&plan, &record, &recording.descriptors(at)) {
                Ok(program) => programs.push(program),
                Err(error) => return Ok(Err(Failure::program(&source.name, &error))),
            }
        }
        let ids = recording.ids().into_iter().map(|id| (id.id, id.event)).collect();
        Ok(Ok(Self { recording, ids, programs, scratch: Vec::new(), filtered }))
    }

    /// Whether the kernel looks at the filter of tracepoints itself.
    pub(super) fn filtered(&self) -> bool {
        self.filtered
    }

    /// Begins.
    pub(super) fn enable(&self) {
        // Whoever is gone already has no events.
        let _ = self.recording.enable();
    }

    /// Ends.
    pub(super) fn disable(&self) {
        let _ = self.recording.disable();
    }

    /// Gives every record that has come to `take`, with its source; of samples of others none.
    pub(super) fn round(&mut self, mut take: impl FnMut(usize, &Hit<'_>)) {
        let Self { recording, ids, scratch, .. } = self;
        let drained: Result<u64, Infallible> = recording.drain(|unread| {
            ring::each_record(unread, scratch, |record| {
                let Some(hit) = Hit::parse(record) else { return };
                match &hit {
                    Hit::Sample { id, .. } => {
                        if let Some(source) = ids.get(id) {
                            take(*source, &hit);
                        }
                    }
                    _ => take(0, &hit),
                }
            });
            Ok(())
        });
        let Ok(_) = drained;
    }

    /// Waits for a ring that is half full, or so long; false when nobody is left who could have hits.
    pub(super) fn wait(&mut self, limit: Duration) -> bool {
        self.programs.iter_mut().for_each(LiveProgram::glance);
        self.recording.wait(&[], Some(limit)).is_ok_and(|(_, alive)| alive)
    }

    /// Nanoseconds and runs of the programs, where the kernel measures them.
    pub(super) fn cost(&self) -> Option<(u64, u64)> {
        let costs = self.programs.iter().filter_map(LiveProgram::cost);
        costs.map(|cost| (cost.nanoseconds, cost.runs)).reduce(|one, other| (one.0 + other.0, one.1 + other.1))
    }
}

fn planned(at: usize, source: &Source, asked: &Asked, bytes: usize, filtered: bool) -> Planned {
    let (attr, tracepoint) = match &source.place {
        Place::Trace { format, .. } => {
            let attr =
                EventAttr { kind: kind::TRACEPOINT, config: format.id, sample_period: 1, ..EventAttr::default() };
            (attr, Some((format.system.clone(), format.name.clone())))
        }
        Place::Samples(attr) => (**attr, None),
        Place::Function { format, .. } => (EventAttr { sample_period: 1, ..function_attr(format.id) }, None),
        Place::Probe { .. } => {
            let attr = EventAttr { kind: kind::SOFTWARE, config: BPF_OUTPUT, sample_period: 1, ..EventAttr::default() };
            (attr, None)
        }
    };
    let mut flags = attr.flags | flag::DISABLED | flag::USE_CLOCKID | flag::WATERMARK;
    if at == 0 {
        flags |= flag::COMM | flag::TASK;
    }
    if !asked.pids.is_empty() && !matches!(source.place, Place::Probe { .. } | Place::Function { .. }) {
        flags |= flag::INHERIT;
    }
    let wakeup = u32::try_from(bytes / 2).unwrap_or(u32::MAX);
    let attr =
        EventAttr { sample_type: HIT_SAMPLE, read_format: read_format::ID, flags, clockid: MONOTONIC, wakeup, ..attr };
    let filter = match &source.place {
        Place::Function { function, .. } => function_filter(function),
        _ if tracepoint.is_some() => asked.kernel_filter(filtered),
        _ => String::new(),
    };
    let filter = Some(filter).filter(|filter| !filter.is_empty());
    Planned { name: source.name.clone(), attr, leader: at, tracepoint, filter, ..Planned::default() }
}
