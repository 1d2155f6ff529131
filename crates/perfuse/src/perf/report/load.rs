//! From the file to entries: one pass over the records.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use perfuse_analyze::Msg;
use perfuse_analyze::hist::{
    ChainKey, ColumnOptions, Columns, Feed, FeedOptions, Histograms, Key, Mode, Settings, Style, TraceEvent,
};
use perfuse_analyze::resolve::time::TimeRanges;
use perfuse_analyze::resolve::{Item, Resolver};
use perfuse_format::perfdata::PerfData;
use perfuse_format::perfdata::attr::{kind as event_kind, sample_type};
use perfuse_format::perfdata::record::Record;
use perfuse_format::tracefs::EventFormat;
use perfuse_render::perf::report::ReportEvent;
use perfuse_render::perf::script::Traces;

use super::options::Options;
use super::problems;
use super::switch::Switch;
use crate::console::Console;
use crate::perf::options::{Parsed, UsageError};
use crate::perf::recorded::{self, Passage, RecordedNames};

/// `PERF_SAMPLE_BRANCH_CALL_STACK`: the branches are a call chain, not branches of interest.
const BRANCH_CALL_STACK: u64 = 1 << 11;

/// A recording that does not have what was asked for, in perf's words.
pub(super) struct Refusal {
    pub(super) text: String,
    /// Exit status.
    pub(super) status: u8,
}

impl Refusal {
    fn new(text: &str) -> Self {
        Self { text: format!("Error:\n{text}"), status: crate::perf::FAILED }
    }
}

/// Everything of a recording that a report shows.
pub(super) struct Loaded {
    pub(super) hists: Histograms,
    pub(super) events: Vec<ReportEvent>,
    /// What lines are sorted by, as it was said or by default.
    pub(super) sort: String,
    /// Names of threads at the end.
    pub(super) names: BTreeMap<i32, String>,
    /// Samples that the kernel lost.
    pub(super) lost: u64,
    /// What could not be named, if that is much.
    pub(super) unnamed: Option<String>,
}

/// What the events of a file have.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Has {
    chains: bool,
    branches: bool,
    /// Copies of user stacks.
    stacks: bool,
    tracepoints_only: bool,
}

impl Has {
    pub(super) fn of(data: &PerfData<'_>) -> Self {
        let any = |bit: u64| data.events.iter().any(|event| event.attr.samples(bit));
        let call_stack = data.events.iter().any(|event| event.attr.branch_sample_type & BRANCH_CALL_STACK != 0);
        Self {
            chains: any(sample_type::CALLCHAIN),
            branches: any(sample_type::BRANCH_STACK) && !call_stack,
            stacks: any(sample_type::STACK_USER),
            tracepoints_only: !data.events.is_empty()
                && data.events.iter().all(|event| event.attr.kind == event_kind::TRACEPOINT),
        }
    }
}

/// Which samples, in which columns.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Plan {
    mode: Mode,
    children: bool,
    chains: bool,
    caller_first: bool,
    /// Whether `--max-stack` counts from the outermost caller.
    cuts_outside: bool,
    pub(super) columns: Columns,
    sort: String,
}

impl Plan {
    pub(super) fn new(
        options: &Options,
        has: &Has,
        events: &[TraceEvent],
    ) -> Result<Result<Self, Refusal>, UsageError> {
        let mode = match options.branches {
            _ if options.memory => Mode::Memory,
            Some(true) => Mode::Branch,
            None if has.branches => Mode::Branch,
            _ if has.tracepoints_only => Mode::Tracepoint,
            _ => Mode::Normal,
        };
        let asked_parent =
            options.sort.as_deref().is_some_and(|sort| sort.split(',').any(|key| key.starts_with("par")));
        if !has.chains && asked_parent {
            let text = "Selected --sort parent, but no callchain data. Did you call 'perf record' without -g?";
            return Ok(Err(Refusal::new(text)));
        }
        if !has.chains && options.chain_asked && options.chain.style != Style::None {
            let text = "Selected -g or --branch-history.\nBut no callchain or branch data.\n\
                        Did you call 'perf record' without -g or -b?";
            return Ok(Err(Refusal::new(text)));
        }
        if mode == Mode::Branch && !has.branches {
            let text = "Selected -b but no branch data. Did you call perf record without -b?";
            return Ok(Err(Refusal::new(text)));
        }
        let plain = matches!(mode, Mode::Normal | Mode::Tracepoint);
        let children = options.children && has.chains && plain;
        // perf decides on the order of chains before it finds that a tree of keys has no children.
        let caller_first = options
            .caller_first
            .unwrap_or(children || options.hierarchy && !options.no_children && has.chains && plain);
        let mut sort = options.sort.clone();
        if options.parent_asked {
            sort = Some(sort.map_or_else(|| "+parent".to_owned(), |sort| format!("{sort},parent")));
        }
        let wanted = ColumnOptions {
            sort: sort.as_deref(),
            fields: options.fields.as_deref(),
            mode,
            children,
            samples: options.samples,
            period: options.period,
            cpu_utilization: options.cpu_utilization,
            events,
            raw_trace: options.raw_trace,
        };
        let columns = Columns::new(&wanted).map_err(|error| {
            let option =
                if options.fields.is_some() && error.to_string().contains("fields") { "fields" } else { "sort" };
            UsageError::value(option, &error.to_string(), Msg::new("perf-report-key"))
        })?;
        Ok(Ok(Self {
            mode,
            children,
            chains: has.chains && options.chain.style != Style::None && plain,
            caller_first,
            cuts_outside: caller_first && !has.stacks,
            columns,
            sort: sort.unwrap_or_else(|| mode.default_sort().to_owned()),
        }))
    }
}

impl Loaded {
    /// Reads all records; with a `passage` what was read is given back. The inner error is for a file that lacks what was asked for.
    pub(super) fn new(
        options: &Options,
        data: &PerfData<'_>,
        mut passage: Option<Passage<'_>>,
        parsed: &Parsed,
        console: &Console,
    ) -> anyhow::Result<Result<Self, Refusal>> {
        let plan = match Plan::new(options, &Has::of(data), &trace_events(data))? {
            Ok(plan) => plan,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let names = RecordedNames::new(recorded::symbol_options(parsed), recorded::arch(data));
        let wants = perfuse_analyze::resolve::Options {
            // With callers first the limit counts from the outermost one.
            max_stack: if plan.cuts_outside { usize::MAX } else { options.max_stack },
            inlines: options.inlines,
            ..perfuse_analyze::resolve::Options::default()
        };
        let mut resolver = Resolver::new(names, wants);
        let mut feed = Feed::new(feed_options(options, data, &plan)?, &plan.columns);
        feed.frames.by_path = options.verbose;
        let mut switch = match Switch::new(options, data) {
            Ok(switch) => switch,
            Err(name) => {
                let text = format!("ERROR: {name}\nHINT:  use 'perf evlist' to see the available event names");
                return Ok(Err(Refusal { text, status: super::NO_SUCH_SWITCH }));
            }
        };
        let (mut traces, mut trace) = (Traces::new(data).with_raw(options.raw_trace), Vec::new());
        let mut lost = 0_u64;
        let mut bad: Option<String> = None;
        let _: ControlFlow<()> = resolver.replay(data, |resolver, item| {
            match item {
                Item::Sample(_, sample) if switch.passes(sample.event) => {
                    if let Some(event) = data.events.get(sample.event) {
                        let attr = &event.attr;
                        let is_trace = attr.kind == event_kind::TRACEPOINT;
                        feed.sample(
                            resolver,
                            attr,
                            sample,
                            &mut |resolver: &mut Resolver<RecordedNames>, sample, text| {
                                if is_trace {
                                    trace.clear();
                                    let raw = sample.raw.unwrap_or_default();
                                    traces.print(resolver, sample.event, raw, &mut trace);
                                    text.push_str(&String::from_utf8_lossy(&trace));
                                }
                            },
                        );
                    }
                }
                Item::Record(_, Some(Record::LostSamples { lost: more })) => lost = lost.saturating_add(*more),
                Item::Record(_, Some(record)) => feed.record(record),
                Item::Raw(raw) => {
                    if let Some(passage) = &mut passage {
                        passage.at(&raw);
                    }
                }
                Item::Sample(..) | Item::Record(_, None) => {}
                Item::Bad(_, error) => {
                    bad.get_or_insert_with(|| error.to_string());
                }
                Item::Damage(damage) => console.complain(&damage.to_string()),
            }
            ControlFlow::Continue(())
        });
        if let Some(first) = bad {
            console.complain(&first);
        }
        let settings = plan.settings(options, data, &mut feed);
        let unnamed = problems::summary(resolver.names(), &feed.unresolved, console.texts);
        let hists = Histograms::new(feed.collector, feed.frames, settings);
        let names = thread_names(&mut resolver, &hists);
        Ok(Ok(Self {
            hists,
            events: super::events(data, &groups(options, data)),
            sort: plan.sort,
            names,
            lost,
            unnamed,
        }))
    }
}

/// The events, with the fields of those that are tracepoints.
pub(super) fn trace_events(data: &PerfData<'_>) -> Vec<TraceEvent> {
    let layout = data
        .tracing_data
        .as_ref()
        .map(|tracing| perfuse_format::tracefs::Layout { endian: tracing.endian, long_size: tracing.long_size });
    let formats = data.tracing_data.iter().flat_map(perfuse_format::perfdata::TracingData::formats);
    let formats: Vec<EventFormat> =
        formats.filter_map(|(system, bytes)| EventFormat::parse(system, bytes).ok()).collect();
    let format = |id: u64| formats.iter().find(|format| format.id == id).cloned();
    let event = |event: &perfuse_format::perfdata::Event| TraceEvent {
        name: event.name.clone(),
        format: if event.attr.kind == event_kind::TRACEPOINT { format(event.attr.config) } else { None },
        layout: layout.unwrap_or_default(),
    };
    data.events.iter().map(event).collect()
}

/// Events that are shown together: those that were counted as a group, and with `--group` all.
pub(super) fn groups(options: &Options, data: &PerfData<'_>) -> Vec<Range<usize>> {
    let recorded = data.features.groups.iter().filter(|group| group.members > 1);
    let ranges = recorded.map(|group| {
        let start = group.leader as usize;
        start..start.saturating_add(group.members as usize).min(data.events.len())
    });
    let ranges: Vec<Range<usize>> = ranges.filter(|group| group.len() > 1).collect();
    match options.group {
        Some(false) => Vec::new(),
        Some(true) if ranges.is_empty() && data.events.len() > 1 => std::iter::once(0..data.events.len()).collect(),
        _ => ranges,
    }
}

/// Last names of the threads that were sampled.
pub(super) fn thread_names(resolver: &mut Resolver<RecordedNames>, hists: &Histograms) -> BTreeMap<i32, String> {
    let mut names = BTreeMap::new();
    for entry in &hists.entries {
        let tid = entry.thread.cast_signed();
        names.entry(tid).or_insert_with(|| {
            let id = resolver.comm(tid);
            resolver.comm_name(id).to_owned()
        });
    }
    names
}

impl Plan {
    /// How what `feed` collects becomes tables; the names of fields that it found go with it.
    pub(super) fn settings(&self, options: &Options, data: &PerfData<'_>, feed: &mut Feed) -> Settings {
        Settings {
            children: self.children,
            caller_first: self.caller_first,
            chains: self.chains,
            symbol_filter: options.symbol_filter.clone(),
            relative: options.relative,
            event_chains: data.events.iter().map(|event| event.attr.samples(sample_type::CALLCHAIN)).collect(),
            columns: Columns { fields: std::mem::take(&mut feed.fields), ..self.columns.clone() },
            groups: groups(options, data),
            group_sort: options.group_sort,
            by_name: false,
        }
    }
}

pub(super) fn feed_options(options: &Options, data: &PerfData<'_>, plan: &Plan) -> anyhow::Result<FeedOptions> {
    let columns = &plan.columns;
    let sources = columns.has(Key::SrcLine) || columns.has(Key::SrcFile) || options.chain.key != ChainKey::Function;
    let span = data.features.sample_time.unwrap_or_default();
    let times = match &options.time {
        Some(text) => TimeRanges::parse(text, span)?,
        None => TimeRanges::default(),
    };
    let test = |expression: &regex::Regex| -> Box<dyn Fn(&str) -> bool> {
        let expression = expression.clone();
        Box::new(move |name: &str| expression.is_match(name))
    };
    let sockets = data
        .features
        .cpu_topology
        .as_ref()
        .map(|topology| topology.cpus.iter().map(|cpu| cpu.package).collect::<Vec<i32>>());
    Ok(FeedOptions {
        mode: plan.mode,
        chains: plan.chains || plan.children,
        caller_first: plan.caller_first,
        max_stack: plan.cuts_outside.then_some(options.max_stack),
        memory_address: columns.has(Key::Addr),
        mapping_sizes: columns.has(Key::DsoSize),
        by_address: sources || options.verbose || columns.has(Key::Addr),
        sources,
        full_source_path: options.full_source_path,
        chain_key: if columns.has(Key::SrcLine) { ChainKey::Function } else { options.chain.key },
        hide_unresolved: options.hide_unresolved,
        comms: options.comms.clone(),
        pids: options.pids.clone(),
        tids: options.tids.clone(),
        dsos: options.dsos.clone(),
        symbols: options.symbols.clone(),
        cpus: options.cpus.clone(),
        times,
        parent: (columns.has(Key::Parent) || options.exclude_other).then(|| test(&options.parent)),
        ignore_callees: options.ignore_callees.as_ref().map(test),
        exclude_other: options.exclude_other,
        sockets: sockets.unwrap_or_default(),
        socket: options.socket,
        time_quantum: options.time_quantum,
    })
}
