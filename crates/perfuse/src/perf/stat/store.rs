//! `perf stat record`: the counts as a `perf.data` that `perf stat report` reads, ours and the real one.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use perfuse_analyze::stat::Aggregation;
use perfuse_collect::Root;
use perfuse_collect::perf::counters::{CounterSet, Watched};
use perfuse_collect::perf::record::{Output, host};
use perfuse_format::perfdata::features::{EventDesc, Feature, Features};
use perfuse_format::perfdata::user::{CpuSet, EventUpdate, StatCount};
use perfuse_format::perfdata::write::{FileLayout, TooLong, feature};
use perfuse_format::perfdata::{CountPlace, Endian, Event, EventCounts, UserRecord};

use super::Targets;
use super::events::List;
use super::options::Plan;

/// Byte order of this machine.
const ENDIAN: Endian = if cfg!(target_endian = "big") { Endian::Big } else { Endian::Little };

/// Tags of a `STAT_CONFIG` record: `PERF_STAT_CONFIG_TERM__*` of `tools/lib/perf/include/perf/event.h`.
pub(super) mod tag {
    pub(in crate::perf::stat) const AGGREGATION: u64 = 0;
    pub(in crate::perf::stat) const INTERVAL: u64 = 1;
    pub(in crate::perf::stat) const SCALE: u64 = 2;
}

/// `enum aggr_mode` of perf 6.1, by its numbers.
pub(super) const AGGREGATIONS: [(u64, Aggregation); 7] = [
    (0, Aggregation::Cpu),
    (1, Aggregation::Global),
    (2, Aggregation::Socket),
    (3, Aggregation::Die),
    (4, Aggregation::Core),
    (5, Aggregation::Thread),
    (7, Aggregation::Node),
];

/// Types of a `STAT_ROUND` record.
const ROUND_INTERVAL: u64 = 0;
const ROUND_END: u64 = 1;

/// The file, once the events are open and have ids.
#[derive(Debug)]
pub(super) struct Store {
    output: Output,
    layout: FileLayout,
    features: Features,
    /// Bytes of records so far.
    size: u64,
    /// The ids of every event by its places.
    ids: Vec<Vec<(CountPlace, u64)>>,
}

impl Store {
    /// Begins the file: events, who was watched, how it is shown.
    pub(super) fn begin(
        path: &Path,
        plan: &Plan,
        root: &Root,
        list: &List,
        targets: &Targets,
        set: &CounterSet,
        watched: &Watched,
    ) -> anyhow::Result<Self> {
        let ids: Vec<Vec<(CountPlace, u64)>> = (0..list.events.len()).map(|event| set.ids(event)).collect();
        let events: Vec<Event> = list
            .events
            .iter()
            .zip(&ids)
            .map(|(event, ids)| Event {
                attr: event.spec.attr,
                ids: ids.iter().map(|(_, id)| *id).collect(),
                name: event.spec.name.clone(),
                ..Event::default()
            })
            .collect();
        let mut features = Features::default();
        host::describe(root, &mut features);
        features.version = Some(format!("perfuse {}", env!("CARGO_PKG_VERSION")));
        features.cmdline = std::env::args_os().map(|word: OsString| word.to_string_lossy().into_owned()).collect();
        let describe = |event: &Event| EventDesc { attr: event.attr, name: event.name.clone(), ids: event.ids.clone() };
        features.event_desc = events.iter().map(describe).collect();
        features.stat = true;
        let layout = FileLayout::new(&events, ENDIAN);
        let mut output = Output::create(path)?;
        output.write(&layout.head(0, []))?;
        let mut store = Self { output, layout, features, size: 0, ids };
        let mut bytes = Vec::new();
        store.describe(plan, list, targets, watched, &mut bytes)?;
        store.append(&bytes)?;
        Ok(store)
    }

    /// What the report needs to know before the counts.
    fn describe(
        &self,
        plan: &Plan,
        list: &List,
        targets: &Targets,
        watched: &Watched,
        bytes: &mut Vec<u8>,
    ) -> Result<(), TooLong> {
        let (shown, _) = list.shown(false, false);
        for (event, ids) in shown.iter().zip(&self.ids) {
            let Some((_, id)) = ids.first() else { continue };
            if !event.unit.is_empty() {
                let update = EventUpdate::Unit(event.unit.as_bytes());
                UserRecord::EventUpdate { id: *id, update }.encode(ENDIAN, bytes)?;
            }
            if (event.scale - 1.0).abs() > f64::EPSILON {
                UserRecord::EventUpdate { id: *id, update: EventUpdate::Scale(event.scale) }.encode(ENDIAN, bytes)?;
            }
        }
        let name = |tid: i32| targets.threads.iter().find(|thread| thread.tid == tid).map_or("", |thread| &thread.comm);
        let (threads, cpus): (Vec<i32>, Vec<u32>) = match watched {
            Watched::Threads(threads) => (threads.clone(), Vec::new()),
            Watched::Cpus(cpus) => (vec![-1], cpus.iter().filter_map(|cpu| u32::try_from(*cpu).ok()).collect()),
        };
        let any = cpus.is_empty();
        let threads = threads.iter().map(|tid| (i64::from(*tid).cast_unsigned(), name(*tid).as_bytes())).collect();
        UserRecord::ThreadMap(threads).encode(ENDIAN, bytes)?;
        UserRecord::CpuMap(CpuSet { any, cpus }).encode(ENDIAN, bytes)?;
        let mode = AGGREGATIONS.iter().find(|(_, mode)| *mode == plan.aggregation).map_or(1, |(number, _)| *number);
        let interval = plan.interval.map_or(0, |interval| u64::try_from(interval.as_millis()).unwrap_or(u64::MAX));
        let pairs = vec![(tag::AGGREGATION, mode), (tag::INTERVAL, interval), (tag::SCALE, u64::from(!plan.unscaled))];
        UserRecord::StatConfig(pairs).encode(ENDIAN, bytes)
    }

    /// Writes a round: everything counted so far, and the time since the start.
    pub(super) fn round(&mut self, counts: &[EventCounts], time: Duration, last: bool) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        for (counts, ids) in counts.iter().zip(&self.ids) {
            for (place, id) in ids {
                let Some((_, value)) = counts.values.iter().find(|(at, _)| at == place) else { continue };
                let count = StatCount {
                    id: *id,
                    // Index and "any" as perf has them: the number of the CPU, or -1.
                    cpu: place.cpu.cast_unsigned(),
                    thread: u32::try_from(place.thread).unwrap_or(u32::MAX),
                    value: value.value,
                    enabled: value.enabled,
                    running: value.running,
                };
                UserRecord::Stat(count).encode(ENDIAN, &mut bytes)?;
            }
        }
        let round = if last { ROUND_END } else { ROUND_INTERVAL };
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        UserRecord::StatRound { round, time }.encode(ENDIAN, &mut bytes)?;
        self.append(&bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.output.write(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Completes the file.
    pub(super) fn end(mut self) -> anyhow::Result<()> {
        let mut parts: Vec<(u32, Vec<u8>)> = Vec::new();
        for number in Feature::ALL {
            parts.extend(feature(&self.features, number, ENDIAN).map(|bytes| (number.number(), bytes)));
        }
        self.output.write(&self.layout.tail(self.size, &parts))?;
        let head = self.layout.head(self.size, parts.iter().map(|(number, _)| *number));
        self.output.write_at(&head, 0)?;
        Ok(())
    }
}
