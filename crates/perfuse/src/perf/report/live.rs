//! The table of a recording that goes on: what `top` shows.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use perfuse_analyze::Msg;
use perfuse_analyze::annotate::{Annotations, Counts, Histogram};
use perfuse_analyze::hist::{Feed, Histograms, Key, Settings};
use perfuse_analyze::resolve::{Item, Resolver};
use perfuse_format::perfdata::attr::{flag, kind as event_kind};
use perfuse_format::perfdata::record::Record;
use perfuse_format::perfdata::{CpuMode, PerfData};
use perfuse_render::perf::annotate::{Annotated, EventColumn};
use perfuse_render::perf::report::{Layout, ReportEvent, ReportOptions};
use perfuse_render::perf::script::Traces;
use perfuse_render::perf::top::{Hidden, TopTable, table};

use super::load::{Has, Plan, feed_options, groups, thread_names, trace_events};
use super::options::Options;
use crate::perf::annotate;
use crate::perf::options::{Parsed, UsageError};
use crate::perf::recorded::{self, RecordedNames};

/// Distinct stacks from which on what was collected is forgotten as a whole: a long watch needs bounded memory.
const MOST_STACKS: usize = 1 << 19;

/// Samples since the last refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Since {
    /// All of them.
    pub(crate) samples: u64,
    /// Those in the kernel.
    pub(crate) kernel: u64,
    /// Those whose place is exact.
    pub(crate) exact: u64,
    /// Records that the kernel lost.
    pub(crate) lost: u64,
    /// Records that could not be read.
    pub(crate) bad: u64,
}

/// What was seen up to now, old samples with less weight.
pub(crate) struct Live {
    options: Options,
    resolver: Resolver<RecordedNames>,
    /// Samples by function and place, since the beginning.
    annotations: Annotations,
    listing: annotate::Listing,
    state: Option<State>,
}

/// A function with its samples, to be shown while the recording goes on.
pub(crate) struct Listed {
    opened: annotate::Opened,
    histogram: Histogram,
    all: Counts,
    event: String,
}

impl Listed {
    /// Gives it to `work`.
    pub(crate) fn show<T>(&self, work: impl FnOnce(&Annotated<'_>) -> T) -> T {
        work(&Annotated {
            code: &self.opened.code,
            rows: &self.opened.rows,
            name: &self.opened.name,
            dso: &self.opened.dso,
            event: &self.event,
            frequency: None,
            several: false,
            events: &[EventColumn { histogram: &self.histogram, all: self.all }],
        })
    }
}

/// What is known once the events are.
struct State {
    feed: Feed,
    settings: Settings,
    events: Vec<ReportEvent>,
    chain: perfuse_analyze::hist::ChainOptions,
    /// What stands in the head: `99Hz cpu-clock`.
    about: String,
}

/// Why there is no table.
pub(crate) enum Unfit {
    /// Columns that are not there.
    Usage(UsageError),
    /// The events do not have what was asked for, in perf's words.
    Refused(String),
}

impl Live {
    /// Before anything came; `parsed` is a command line of `report`.
    pub(crate) fn new(parsed: &Parsed) -> Result<Self, UsageError> {
        let options = Options::of(parsed)?;
        let names = RecordedNames::new(recorded::symbol_options(parsed), std::env::consts::ARCH);
        let wants = perfuse_analyze::resolve::Options {
            inlines: false,
            max_stack: options.max_stack,
            ..perfuse_analyze::resolve::Options::default()
        };
        let resolver = Resolver::new(names, wants);
        let listing = annotate::Listing::of(parsed)?;
        Ok(Self { options, resolver, annotations: Annotations::default(), listing, state: None })
    }

    /// Takes a window of the recording; what came before weighs less, or nothing with `forget`.
    pub(crate) fn take(&mut self, data: &PerfData<'_>, forget: bool) -> Result<Since, Unfit> {
        if self.state.as_ref().is_none_or(|state| state.feed.collector.stacks() > MOST_STACKS) {
            self.state = Some(self.begin(data)?);
        }
        if forget {
            self.annotations = Annotations::default();
        }
        let Self { resolver, annotations, state: Some(state), .. } = self else { return Ok(Since::default()) };
        let State { feed, settings, .. } = state;
        feed.collector.decay(forget);
        let mut since = Since::default();
        let mut traces = settings.columns.has(Key::Trace).then(|| Traces::new(data));
        let mut trace = Vec::new();
        let _: ControlFlow<()> = resolver.replay(data, |resolver, item| {
            match item {
                Item::Sample(_, sample) => {
                    since.samples += 1;
                    since.kernel += u64::from(sample.cpu_mode() == CpuMode::Kernel);
                    let Some(event) = data.events.get(sample.event) else { return ControlFlow::Continue(()) };
                    let place = resolver.place(sample);
                    annotations.add(resolver, place, sample.event, sample.period);
                    let is_trace = event.attr.kind == event_kind::TRACEPOINT;
                    feed.sample(resolver, &event.attr, sample, &mut |resolver, sample, text| {
                        if let Some(traces) = traces.as_mut().filter(|_| is_trace) {
                            trace.clear();
                            traces.print(resolver, sample.event, sample.raw.unwrap_or_default(), &mut trace);
                            text.push_str(&String::from_utf8_lossy(&trace));
                        }
                    });
                }
                Item::Record(_, Some(Record::Lost { lost, .. } | Record::LostSamples { lost })) => {
                    since.lost = since.lost.saturating_add(*lost);
                }
                Item::Record(_, Some(record)) => feed.record(record),
                Item::Bad(..) | Item::Damage(_) => since.bad += 1,
                Item::Raw(raw) => since.exact += u64::from(raw.misc & EXACT_IP != 0),
                Item::Record(_, None) => {}
            }
            ControlFlow::Continue(())
        });
        Ok(since)
    }

    fn begin(&mut self, data: &PerfData<'_>) -> Result<State, Unfit> {
        let options = &self.options;
        let plan = match Plan::new(options, &Has::of(data), &trace_events(data)) {
            Ok(Ok(plan)) => plan,
            Ok(Err(refusal)) => return Err(Unfit::Refused(refusal.text)),
            Err(error) => return Err(Unfit::Usage(error)),
        };
        let feed_options = feed_options(options, data, &plan).map_err(|error| Unfit::Refused(error.to_string()))?;
        let mut feed = Feed::new(feed_options, &plan.columns);
        let settings = plan.settings(options, data, &mut feed);
        let about = |event: &perfuse_format::perfdata::Event| {
            let unit = if event.attr.has(flag::FREQ) { "Hz" } else { "" };
            format!("{}{unit} {}", event.attr.sample_period, event.name)
        };
        let named = data.events.iter().filter(|event| !event.name.starts_with("dummy"));
        Ok(State {
            feed,
            settings,
            events: super::events(data, &groups(options, data)),
            chain: options.chain,
            about: named.map(about).collect::<Vec<_>>().join(", "),
        })
    }

    /// What is watched, for the head.
    pub(crate) fn about(&self) -> &str {
        self.state.as_ref().map_or("", |state| &state.about)
    }

    /// The instructions of a function with its samples until now; the message tells why there are none.
    pub(crate) fn listing(&mut self, symbol: &str, dso: &str, event: usize) -> Result<Listed, Msg> {
        let missing = || Msg::new("perf-report-tui-no-code").with("symbol", symbol);
        let id = annotate::find(&self.annotations, &self.resolver, symbol, dso).ok_or_else(missing)?;
        let about = self.state.as_ref().and_then(|state| state.events.get(event)).ok_or_else(missing)?;
        let histogram = self.annotations.functions.get(&id).and_then(|function| function.event(event));
        Ok(Listed {
            opened: annotate::open(&mut self.resolver, id, &self.listing)?,
            histogram: histogram.cloned().unwrap_or_default(),
            all: self.annotations.total(event),
            event: about.name.clone(),
        })
    }

    /// The tables of all events with samples.
    pub(crate) fn tables(&mut self, hidden: Hidden, most: usize) -> Vec<TopTable> {
        let Some(state) = &self.state else { return Vec::new() };
        let (collector, frames) = (state.feed.collector.living(), state.feed.frames.clone());
        let hists = Histograms::new(collector, frames, state.settings.clone());
        let names: BTreeMap<i32, String> = thread_names(&mut self.resolver, &hists);
        let options = ReportOptions {
            widths: self.options.widths.clone(),
            min_percent: self.options.min_percent,
            chain: state.chain,
            verbose: self.options.verbose,
            ..ReportOptions::default()
        };
        let layout = Layout::new(&hists, &options, &names);
        let shown = |event: &usize| !hists.is_member(*event) && !state.events[*event].name.starts_with("dummy");
        let one = |event: usize| table(&layout, event, &state.events[event].name, hidden, most);
        (0..state.events.len()).filter(shown).map(one).collect()
    }
}

/// `PERF_RECORD_MISC_EXACT_IP` of a sample.
const EXACT_IP: u16 = 1 << 14;
