//! `perf script`: a recording as text, sample by sample.

mod check;
mod options;
mod sink;
mod wanted;

use std::ops::ControlFlow;

use perfuse_analyze::Msg;
use perfuse_analyze::resolve::time::TimeRanges;
use perfuse_analyze::resolve::{Item, Resolver};
use perfuse_format::perfdata::record::kind;
use perfuse_format::perfdata::{CpuMode, PerfData, Sample};
use perfuse_render::perf::script::{Dump, Printer, Style, Traces, dso_name};

use super::options::Parsed;
use super::recorded::{self, Input, Passage, RecordedNames};
use crate::console::{self, Console};
pub(super) use options::COMMAND;
use options::{Options, Order, Shown};
use sink::Sink;
use wanted::{Switches, Wanted};

/// Exit status of perf for an event that is not in the recording: -ENOENT.
const NO_EVENT: u8 = 254;

/// Runs it.
pub(super) fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    if parsed.on("list") {
        console::print(&format!("{}\n", console.texts.word("script-list")))?;
        return Ok(0);
    }
    let mut options = Options::of(parsed)?;
    for warning in &options.warnings {
        console::say(&format!("{warning}\n"));
    }
    let input = Input::open(options.input.as_deref())?;
    // Rounds say up to where records can be put in order: perf shows them where they stand, and orders nothing then.
    let as_written = options.dump == Some(Order::File) || options.shown.round;
    let data = input.recording(as_written, console)?;
    if input.header(&data, options.header, options.info)? {
        return Ok(0);
    }
    let call_chains = options.call_chains && check::has_chains(&data);
    if let Err(text) = check::fields(&mut options.layout, &data, call_chains) {
        console::say(&format!("{text}\n"));
        return Ok(super::FAILED);
    }
    let names = RecordedNames::new(recorded::symbol_options(parsed), recorded::arch(&data));
    let wants = perfuse_analyze::resolve::Options {
        max_stack: options.max_stack,
        inlines: options.inlines,
        ..perfuse_analyze::resolve::Options::default()
    };
    let resolver = Resolver::new(names, wants);
    let Some(switches) = Switches::of(&options.wanted, options.show_switches, &data, console) else {
        return Ok(NO_EVENT);
    };
    let mut script = Script::new(&options, &data, call_chains, switches)?;
    if options.per_event {
        script.sink.per_event(&input.name, data.events.iter().map(|event| event.name.as_str()))?;
    }
    if let Some(order) = options.dump {
        let dump = Dump::new(&data, &input.name, recorded::arch(&data));
        script.dump = Some(if order == Order::File { dump.unsorted() } else { dump });
    }
    script.run(resolver, Passage::new(&input), console)
}

/// Everything that going through the records needs.
struct Script<'a> {
    data: &'a PerfData<'a>,
    wanted: &'a Wanted,
    times: TimeRanges,
    printer: Printer,
    traces: Traces,
    shown: Shown,
    dump: Option<Dump<'a>>,
    switches: Switches,
    /// Of `-d`, which shows no sample: how many were older than the one before, and the time of that.
    order: Option<(u64, u64)>,
    sink: Sink,
    /// Records that could not be decoded, and what was wrong with the first.
    bad: (u64, Option<String>),
}

impl<'a> Script<'a> {
    fn new(
        options: &'a Options,
        data: &'a PerfData<'a>,
        call_chains: bool,
        switches: Switches,
    ) -> anyhow::Result<Self> {
        let style = Style {
            time: options.time_style,
            nanoseconds: options.nanoseconds,
            call_chains,
            full_source_path: options.full_source_path,
            stop_at: options.stop_at.clone(),
            narrow: options.narrow,
            native: recorded::arch(data) == std::env::consts::ARCH,
            max_blocks: options.max_blocks,
            kernel_paths: options.kernel_paths,
            arch: recorded::arch(data).to_owned(),
            wall: wall(data),
        };
        let events = data.events.iter().map(|event| (event.name.as_str(), &event.attr));
        Ok(Self {
            data,
            wanted: &options.wanted,
            times: times(&options.wanted, data)?,
            printer: Printer::new(events, &options.layout, style),
            traces: Traces::new(data),
            shown: options.shown,
            dump: None,
            switches,
            order: options.check_order.then_some((0, 0)),
            sink: Sink::new(),
            bad: (0, None),
        })
    }

    fn run(
        mut self,
        mut resolver: Resolver<RecordedNames>,
        mut passage: Passage<'_>,
        console: &Console,
    ) -> anyhow::Result<u8> {
        let ended = resolver.replay(self.data, |resolver, item| {
            if let Item::Raw(raw) = &item {
                passage.at(raw);
            }
            self.item(resolver, item, console);
            match self.sink.flush_much() {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            }
        });
        if let ControlFlow::Break(error) = ended {
            return Err(error);
        }
        self.sink.finish()?;
        if let Some((count, _)) = self.order {
            console::say(&format!("Misordered timestamps: {count}\n"));
        }
        if let (count @ 1.., Some(first)) = &self.bad {
            let message = Msg::new("script-bad").with("count", count.to_string()).with("first", first.as_str());
            console.complain(&console.texts.text(&message));
        }
        // Whoever reads addresses instead of names is to know that the file is not the recorded one.
        for path in resolver.names().other_builds() {
            console.note(&Msg::new("script-other-build").with("path", path));
        }
        Ok(0)
    }

    fn item(&mut self, resolver: &mut Resolver<RecordedNames>, item: Item<'_, 'a>, console: &Console) {
        match item {
            Item::Sample(_, sample) => self.sample(resolver, sample),
            Item::Raw(raw) => {
                if let Some(dump) = &mut self.dump {
                    dump.record(resolver, &raw, &mut self.sink.out);
                }
            }
            Item::Record(raw, record) => {
                if self.shown.has(raw.kind) && self.wanted.has_cpu(self.data.sample_id(&raw).cpu) {
                    self.printer.record(resolver, self.data, &raw, record, &mut self.sink.out);
                }
            }
            Item::Bad(_, error) => {
                self.bad.0 += 1;
                self.bad.1.get_or_insert_with(|| error.to_string());
            }
            Item::Damage(damage) => console.complain(&damage.to_string()),
        }
    }

    fn sample(&mut self, resolver: &mut Resolver<RecordedNames>, sample: &Sample<'_>) {
        if !self.times.has(sample.time) {
            return;
        }
        if let Some((count, last)) = &mut self.order {
            if sample.time < *last {
                console::say(&format!("Samples misordered, previous: {last} this: {}\n", sample.time));
                *count += 1;
            }
            *last = sample.time;
            return;
        }
        if !self.wanted.has_cpu(Some(sample.cpu)) {
            return;
        }
        if self.dump.is_some() {
            dump_place(resolver, sample, &mut self.sink.out);
        }
        // Of guests nothing is known here, and perf shows none unless it is told of one.
        if matches!(sample.cpu_mode(), CpuMode::GuestKernel | CpuMode::GuestUser) {
            return;
        }
        if !self.wanted.has(resolver, sample) || !self.switches.shows(sample.event) {
            return;
        }
        let Self { printer, traces, sink, .. } = self;
        printer.sample(resolver, sample, sink.of(sample.event), |resolver, out| {
            traces.print(resolver, sample.event, sample.raw.unwrap_or_default(), out);
        });
    }
}

/// What a dump tells of a sample besides its record: the thread, and the file that it ran in.
pub(super) fn dump_place(resolver: &mut Resolver<RecordedNames>, sample: &Sample<'_>, out: &mut Vec<u8>) {
    let place = resolver.place(sample);
    let dso = resolver.frame(place).dso.and_then(|dso| resolver.session().dso_of(dso));
    let dso = match sample.cpu_mode() {
        CpuMode::Kernel | CpuMode::User => dso.map_or_else(|| "<not found>".to_owned(), dso_name),
        _ => "[hypervisor]".to_owned(),
    };
    let comm = resolver.comm(sample.tid);
    let text = format!(" ... thread: {}:{}\n ...... dso: {dso}\n", resolver.comm_name(comm), sample.tid);
    out.extend_from_slice(text.as_bytes());
}

/// How far wall-clock time is from the clock of the recording, and how far the reader's time zone is from UTC.
fn wall(data: &PerfData<'_>) -> Option<(i128, i64)> {
    let clock = data.features.clock_data?;
    let seconds = i64::try_from(clock.wall_ns / 1_000_000_000).unwrap_or_default();
    let zone = perfuse_collect::local_time::utc_offset(seconds);
    Some((i128::from(clock.wall_ns) - i128::from(clock.clock_ns), zone))
}

/// The times that are wanted. Percentages need the first and the last sample: from the header, or by looking.
fn times(wanted: &Wanted, data: &PerfData<'_>) -> anyhow::Result<TimeRanges> {
    let Some(text) = &wanted.time else { return Ok(TimeRanges::default()) };
    let span = match data.features.sample_time {
        Some(span) => span,
        None if TimeRanges::needs_span(text) => span(data),
        None => (0, 0),
    };
    Ok(TimeRanges::parse(text, span)?)
}

fn span(data: &PerfData<'_>) -> (u64, u64) {
    let samples = data.records().filter_map(Result::ok);
    let samples = samples.filter(|raw| raw.kind == kind::SAMPLE);
    let times = samples.filter_map(|raw| data.time(&raw));
    let found = times.fold((u64::MAX, 0), |(first, last), time| (first.min(time), last.max(time)));
    if found.0 > found.1 { (0, 0) } else { found }
}
