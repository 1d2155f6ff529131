//! `perf diff`: recordings side by side.

mod options;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use anyhow::Context as _;
use perfuse_analyze::Msg;
use perfuse_analyze::hist::{
    ChainOptions, Collector, Column, Columns, Comparison, Feed, FeedOptions, Frames, Histograms, Key, Settings,
};
use perfuse_analyze::resolve::time::TimeRanges;
use perfuse_analyze::resolve::{self, Item, Resolver};
use perfuse_format::perfdata::{Event, PerfData};
use perfuse_render::perf::diff::{DiffLayout, DiffOptions};
use perfuse_render::perf::report::{Layout, ReportOptions};

use super::FAILED;
use super::options::{Parsed, UsageError};
use super::recorded::{self, Input, Passage, RecordedNames};
use crate::console::{self, Console};
pub(crate) use options::COMMAND;
use options::Options;

fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let options = Options::of(parsed)?;
    if options.sort_by >= options.files.len() {
        let message =
            Msg::new("diff-order").with("order", options.sort_by as u64).with("files", options.files.len() as u64);
        console.complain(&console.texts.text(&message));
        return Ok(FAILED);
    }
    let inputs: Vec<Input> = options.files.iter().map(|name| Input::open(Some(name))).collect::<Result<_, _>>()?;
    let recordings: Vec<PerfData<'_>> =
        inputs.iter().map(|input| input.recording(false, console)).collect::<Result<_, _>>()?;
    if options.dump {
        for (input, data) in inputs.iter().zip(&recordings) {
            super::report::dump(data, &input.name, parsed, console)?;
        }
    }
    let columns = columns(&options)?;
    let mut sides = Sides::new(columns);
    for (file, (input, data)) in inputs.iter().zip(&recordings).enumerate() {
        let names = RecordedNames::new(recorded::symbol_options(parsed), recorded::arch(data));
        let of = events_of(&recordings, file);
        sides.take(file_options(&options, file, data, &input.name)?, names, data, &of, Passage::new(input), console);
    }
    console::print(&sides.text(&options, &recordings, console))?;
    Ok(0)
}

/// The keys that lines differ in. Weights are in columns of their own.
fn columns(options: &Options) -> Result<Columns, UsageError> {
    let wanted = perfuse_analyze::hist::ColumnOptions {
        sort: Some(options.sort.as_str()),
        ..perfuse_analyze::hist::ColumnOptions::default()
    };
    let wrong = |error: perfuse_analyze::hist::KeyError| {
        UsageError::value("sort", &error.to_string(), Msg::new("perf-report-key"))
    };
    let mut columns = Columns::new(&wanted).map_err(wrong)?;
    for list in [&mut columns.shown, &mut columns.sorted] {
        list.retain(|column| matches!(column, Column::Key(key) if *key != Key::IpcNull));
    }
    Ok(columns)
}

/// Of each event of a recording: the event of the first recording that it is compared with.
fn events_of(recordings: &[PerfData<'_>], file: usize) -> Vec<Option<usize>> {
    let same = |one: &Event, other: &Event| one.attr.kind == other.attr.kind && one.attr.config == other.attr.config;
    let (Some(first), Some(own)) = (recordings.first(), recordings.get(file)) else { return Vec::new() };
    let mut of = vec![None; own.events.len()];
    if file == 0 {
        return (0..own.events.len()).map(Some).collect();
    }
    for (base, event) in first.events.iter().enumerate() {
        if let Some(at) = own.events.iter().position(|other| same(event, other))
            && let Some(slot @ None) = of.get_mut(at)
        {
            *slot = Some(base);
        }
    }
    of
}

/// Which samples of a recording are looked at.
fn file_options(options: &Options, file: usize, data: &PerfData<'_>, name: &str) -> anyhow::Result<FeedOptions> {
    let span = data.features.sample_time.unwrap_or_default();
    let times = match options.time_of(file) {
        Some(text) => TimeRanges::parse(text, span).with_context(|| name.to_owned())?,
        None => TimeRanges::default(),
    };
    Ok(FeedOptions {
        by_address: options.verbose,
        comms: options.comms.clone(),
        pids: options.pids.clone(),
        tids: options.tids.clone(),
        dsos: options.dsos.clone(),
        symbols: options.symbols.clone(),
        cpus: options.cpus.clone(),
        times,
        ..FeedOptions::default()
    })
}

/// What was read of the recordings until now.
struct Sides {
    columns: Columns,
    collector: Collector,
    frames: Frames,
    names: BTreeMap<i32, String>,
    /// How many there are.
    files: usize,
}

impl Sides {
    fn new(columns: Columns) -> Self {
        let collector = Collector::new(columns.sample_keys().count());
        Self { columns, collector, frames: Frames::default(), names: BTreeMap::new(), files: 0 }
    }

    /// Takes the samples of a recording; `of` tells for each of its events that of the first recording.
    fn take(
        &mut self,
        feed_options: FeedOptions,
        names: RecordedNames,
        data: &PerfData<'_>,
        of: &[Option<usize>],
        mut passage: Passage<'_>,
        console: &Console,
    ) {
        let wants = resolve::Options { inlines: false, ..resolve::Options::default() };
        let mut resolver = Resolver::new(names, wants);
        let mut feed = Feed::new(feed_options, &self.columns);
        std::mem::swap(&mut feed.collector, &mut self.collector);
        std::mem::swap(&mut feed.frames, &mut self.frames);
        let file = self.files;
        let threads = self.columns.has(Key::Pid);
        let names = &mut self.names;
        let _: ControlFlow<()> = resolver.replay(data, |resolver, item| {
            match item {
                Item::Sample(_, sample) => {
                    let base = of.get(sample.event).copied().flatten();
                    if let (Some(base), Some(event)) = (base, data.events.get(sample.event)) {
                        let mut sample = sample.clone();
                        sample.event = table(base, file);
                        feed.sample(resolver, &event.attr, &sample, &mut |_, _, _| {});
                    }
                    if threads {
                        let comm = resolver.comm(sample.tid);
                        names.insert(sample.tid, resolver.comm_name(comm).to_owned());
                    }
                }
                Item::Record(_, Some(record)) => feed.record(record),
                Item::Raw(raw) => passage.at(&raw),
                Item::Record(_, None) => {}
                Item::Bad(_, error) => console.complain(&error.to_string()),
                Item::Damage(damage) => console.complain(&damage.to_string()),
            }
            ControlFlow::Continue(())
        });
        std::mem::swap(&mut feed.collector, &mut self.collector);
        std::mem::swap(&mut feed.frames, &mut self.frames);
        self.files += 1;
    }

    /// The tables.
    fn text(self, options: &Options, recordings: &[PerfData<'_>], console: &Console) -> String {
        let base: &[Event] = recordings.first().map_or(&[], |data| &data.events);
        let groups = (0..base.len()).map(|event| table(event, 0)..table(event, self.files)).collect();
        let settings = Settings {
            columns: self.columns,
            children: false,
            caller_first: false,
            chains: false,
            symbol_filter: None,
            relative: options.relative,
            event_chains: vec![false; table(base.len(), 0)],
            groups,
            group_sort: 0,
            by_name: true,
        };
        let hists = Histograms::new(self.collector, self.frames, settings);
        let report = ReportOptions {
            separator: options.separator.clone(),
            verbose: options.verbose,
            chain: ChainOptions::default(),
            dsos_chosen: options.dsos.is_some(),
            elided: options.elided(&hists),
            ..ReportOptions::default()
        };
        let comparison = Comparison {
            hists: &hists,
            compute: options.compute,
            files: self.files,
            sort_by: options.sort_by,
            baseline_only: options.baseline_only,
        };
        let shown = DiffOptions {
            formula: options.formula,
            period: options.period,
            separator: options.separator.clone(),
            quiet: options.quiet,
            verbose: options.verbose,
            color: console.color,
        };
        let layout = Layout::new(&hists, &report, &self.names);
        let events: Vec<(String, usize)> =
            base.iter().enumerate().map(|(at, event)| (event.name.clone(), table(at, 0))).collect();
        DiffLayout::new(comparison, layout, &shown).tables(&events, &options.files)
    }
}

/// Number of the table of a recording's event: those of one event of the first recording stand side by side, with room
/// for as many recordings as a command line may name.
fn table(event: usize, file: usize) -> usize {
    event * options::MOST_FILES + file
}
