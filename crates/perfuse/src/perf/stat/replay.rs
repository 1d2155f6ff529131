//! `perf stat report`: the counts of a file as `perf stat` would have shown them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Context as _;
use perfuse_analyze::Msg;
use perfuse_analyze::stat::{Aggregation, CountedEvent, Counting, Layout};
use perfuse_format::perfdata::{CountPlace, CountValue, CpuPosition, EventCounts, PerfData, UserRecord};
use perfuse_render::perf::stat::{Format, Moment, Rows, Style, Target, Thread, footer, header, interval_header, rows};

use super::options::{REPORT_OPTIONS, aggregation, chosen};
use super::store::{AGGREGATIONS, tag};
use crate::console::{self, Console};
use crate::perf::options::{Grammar, Parsed, UsageError, parse};

/// Intervals after which their header is written again.
const HEADER_EVERY: u64 = 25;

/// Reads the options that stand behind `report`, and the file.
pub(super) fn run(outer: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let words = outer.rest.get(1..).unwrap_or_default();
    let parsed = parse(Grammar { options: REPORT_OPTIONS, runs: false }, words)?;
    let path = PathBuf::from(parsed.text("input").unwrap_or_else(|| "perf.data".to_owned()));
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let data = PerfData::parse(&bytes).with_context(|| path.display().to_string())?;
    let mut replay = Replay::new(&data, chosen(&parsed).then(|| aggregation(&parsed)));
    let mut text = String::new();
    for raw in data.records() {
        match raw.map(|raw| data.decode_user(&raw).map(|record| record.map(|record| replay.take(&record, &mut text)))) {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => console.complain(&error.to_string()),
            Err(damage) => {
                console.complain(&damage.to_string());
                break;
            }
        }
    }
    if !replay.anything {
        return Err(UsageError(Msg::new("usage-stat-no-counts").with("path", path.display().to_string())).into());
    }
    // As perf: the report of counts goes where counts go.
    console::say(&text);
    Ok(0)
}

/// Rounds of counts on their way to tables.
struct Replay<'a> {
    data: &'a PerfData<'a>,
    forced: Option<Aggregation>,
    layout: Layout,
    interval: bool,
    threads: Vec<Thread>,
    /// The counts of the round at hand, and of the one before.
    now: Vec<BTreeMap<CountPlace, CountValue>>,
    before: Vec<BTreeMap<CountPlace, CountValue>>,
    time: u64,
    rounds: u64,
    anything: bool,
}

impl<'a> Replay<'a> {
    fn new(data: &'a PerfData<'a>, forced: Option<Aggregation>) -> Self {
        let events = data.events.len();
        let layout =
            Layout { aggregation: forced.unwrap_or_default(), positions: positions(data), ..Layout::default() };
        Self {
            data,
            forced,
            layout,
            interval: false,
            threads: Vec::new(),
            now: vec![BTreeMap::new(); events],
            before: vec![BTreeMap::new(); events],
            time: 0,
            rounds: 0,
            anything: false,
        }
    }

    fn take(&mut self, record: &UserRecord<'_>, text: &mut String) {
        match record {
            UserRecord::StatConfig(pairs) => self.configure(pairs),
            UserRecord::ThreadMap(threads) => {
                let thread = |(tid, name): &(u64, &[u8])| Thread {
                    comm: String::from_utf8_lossy(name).into_owned(),
                    tid: i32::try_from(tid.cast_signed()).unwrap_or(-1),
                };
                self.threads = threads.iter().map(thread).collect();
            }
            UserRecord::Stat(count) => {
                let place =
                    CountPlace { cpu: count.cpu.cast_signed(), thread: usize::try_from(count.thread).unwrap_or(0) };
                let value = CountValue { value: count.value, enabled: count.enabled, running: count.running };
                let event = self.data.event_with_id(count.id);
                if let Some(values) = event.and_then(|event| self.now.get_mut(event)) {
                    values.insert(place, value);
                }
            }
            UserRecord::StatRound { time, .. } => self.round(*time, text),
            _ => {}
        }
    }

    fn configure(&mut self, pairs: &[(u64, u64)]) {
        for (key, value) in pairs {
            match *key {
                tag::AGGREGATION if self.forced.is_none() => {
                    let known = AGGREGATIONS.iter().find(|(number, _)| number == value);
                    self.layout.aggregation = known.map_or_else(Aggregation::default, |(_, mode)| *mode);
                }
                tag::INTERVAL => self.interval = *value > 0,
                tag::SCALE => self.layout.unscaled = *value == 0,
                _ => {}
            }
        }
    }

    /// The events as they are shown: units and scales are those of the file.
    fn events(&self) -> Vec<CountedEvent> {
        let shown = |event: &perfuse_format::perfdata::Event| {
            let mut counted = CountedEvent::new(event.name.clone(), &event.attr);
            if let Some(unit) = &event.unit {
                counted.unit.clone_from(unit);
            }
            if let Some(scale) = event.scale {
                counted.scale = scale;
            }
            counted
        };
        self.data.events.iter().map(shown).collect()
    }

    fn round(&mut self, time: u64, text: &mut String) {
        self.anything = true;
        // An event that could not be opened was asked for at the places of the others.
        let places: BTreeSet<CountPlace> = self.now.iter().flat_map(|values| values.keys().copied()).collect();
        let counts: Vec<EventCounts> = self
            .now
            .iter()
            .zip(&self.before)
            .zip(&self.data.events)
            .map(|((now, before), event)| {
                let since = |(at, value): (&CountPlace, &CountValue)| {
                    (*at, value.since(before.get(at).copied().unwrap_or_default()))
                };
                let mut values: Vec<_> = now.iter().map(since).collect();
                if values.is_empty() {
                    values.extend(places.iter().map(|place| (*place, CountValue::default())));
                }
                if values.is_empty() {
                    values.push((CountPlace { cpu: -1, thread: 0 }, CountValue::default()));
                }
                // What could not be opened has no id.
                EventCounts { supported: !event.ids.is_empty(), values }
            })
            .collect();
        let seconds = time.saturating_sub(self.time) as f64 / 1e9;
        let mut counting = Counting::new(self.events(), self.layout.clone());
        counting.add(&counts, seconds);
        let table = counting.table();
        let style = Style { format: Format::Text, runs: 1, ..Style::default() };
        let moment = self.interval.then(|| Moment::from(std::time::Duration::from_nanos(time)));
        let of_table = Rows { table: &table, events: counting.events(), threads: &self.threads, moment };
        if self.interval {
            if self.rounds.is_multiple_of(HEADER_EVERY) {
                text.push_str(&interval_header(self.layout.aggregation, counting.events(), false));
            }
            rows(text, of_table, &style);
            self.before.clone_from(&self.now);
            self.time = time;
        } else {
            text.push_str(&header(&Target::Command(self.data.features.cmdline.join(" ")), 1));
            rows(text, of_table, &style);
            text.push_str(&footer(&table, None, false, true));
        }
        self.rounds += 1;
    }
}

/// Where the CPUs of the recording stood.
fn positions(data: &PerfData<'_>) -> BTreeMap<i32, CpuPosition> {
    let Some(topology) = &data.features.cpu_topology else { return BTreeMap::new() };
    let position = |place: &perfuse_format::perfdata::features::CpuPlace| CpuPosition {
        socket: place.package,
        die: place.die.unwrap_or(0),
        core: place.core,
        node: 0,
    };
    (0..).zip(topology.cpus.iter().map(position)).collect()
}
