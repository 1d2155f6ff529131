//! `perf script`: a recording as text, sample by sample.

mod check;
mod options;

use std::io::Write as _;
use std::ops::ControlFlow;

use perfuse_analyze::Msg;
use perfuse_analyze::resolve::time::TimeRanges;
use perfuse_analyze::resolve::{FrameId, Item, Resolver};
use perfuse_format::perfdata::{CpuMode, PerfData, Sample};
use perfuse_render::perf::script::{Dump, Printer, Style, Traces, dso_name};

use super::options::Parsed;
use super::recorded::{self, Input, Passage, RecordedNames};
use crate::console::{self, Console};
pub(super) use options::COMMAND;
use options::{Header, Options, Shown, Wanted};

/// Bytes that are collected before they are written.
const CHUNK: usize = 1 << 17;

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
    let data = input.parse()?;
    for damage in &data.damage {
        console.complain(&format!("{}: {damage}", input.name));
    }
    if options.header != Header::No {
        let about = recorded::about(&input, options.info, options.header == Header::Only);
        console::print(&perfuse_render::perf::header::text(&data, about))?;
        if options.header == Header::Only {
            return Ok(0);
        }
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
    let mut script = Script::new(&options, &data, call_chains)?;
    if options.dump {
        script.dump = Some(Dump::new(&data, &input.name, recorded::arch(&data)));
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
    out: Vec<u8>,
    /// Records that could not be decoded, and what was wrong with the first.
    bad: (u64, Option<String>),
}

impl<'a> Script<'a> {
    fn new(options: &'a Options, data: &'a PerfData<'a>, call_chains: bool) -> anyhow::Result<Self> {
        let style = Style {
            time: options.time_style,
            nanoseconds: options.nanoseconds,
            call_chains,
            full_source_path: options.full_source_path,
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
            out: Vec::with_capacity(CHUNK * 2),
            bad: (0, None),
        })
    }

    fn run(
        mut self,
        mut resolver: Resolver<RecordedNames>,
        mut passage: Passage<'_>,
        console: &Console,
    ) -> anyhow::Result<u8> {
        let mut stdout = std::io::stdout().lock();
        let ended = resolver.replay(self.data, |resolver, item| {
            match item {
                Item::Sample(_, sample) => self.sample(resolver, sample),
                Item::Raw(raw) => {
                    passage.at(&raw);
                    if let Some(dump) = &mut self.dump {
                        dump.record(&raw, &mut self.out);
                    }
                }
                Item::Record(raw, record) => {
                    if self.shown.has(raw.kind) && self.of_wanted_cpu(self.data.sample_id(&raw).cpu) {
                        self.printer.record(resolver, self.data, &raw, record, &mut self.out);
                    }
                }
                Item::Bad(_, error) => {
                    self.bad.0 += 1;
                    self.bad.1.get_or_insert_with(|| error.to_string());
                }
                Item::Damage(damage) => console.complain(&damage.to_string()),
            }
            if self.out.len() >= CHUNK {
                if let Err(error) = stdout.write_all(&self.out) {
                    return ControlFlow::Break(error);
                }
                self.out.clear();
            }
            ControlFlow::Continue(())
        });
        if let ControlFlow::Break(error) = ended {
            return Err(error.into());
        }
        stdout.write_all(&self.out)?;
        stdout.flush()?;
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

    fn sample(&mut self, resolver: &mut Resolver<RecordedNames>, sample: &Sample<'_>) {
        if !self.times.has(sample.time) || !self.of_wanted_cpu(Some(sample.cpu)) {
            return;
        }
        if self.dump.is_some() {
            dump_place(resolver, sample, &mut self.out);
        }
        if !self.wants(resolver, sample) {
            return;
        }
        let Self { printer, traces, out, .. } = self;
        printer.sample(resolver, sample, out, |resolver, out| {
            traces.print(resolver, sample.event, sample.raw.unwrap_or_default(), out);
        });
    }

    fn of_wanted_cpu(&self, cpu: Option<u32>) -> bool {
        let cpu = cpu.filter(|cpu| *cpu != u32::MAX);
        self.wanted.cpus.as_ref().is_none_or(|cpus| cpu.is_none_or(|cpu| cpus.contains(&cpu)))
    }

    fn wants(&self, resolver: &mut Resolver<RecordedNames>, sample: &Sample<'_>) -> bool {
        let wanted = self.wanted;
        let lacks = |set: &Option<std::collections::BTreeSet<i32>>, number: i32| {
            set.as_ref().is_some_and(|set| !set.contains(&number))
        };
        if lacks(&wanted.pids, sample.pid) || lacks(&wanted.tids, sample.tid) {
            return false;
        }
        if let Some(comms) = &wanted.comms {
            let comm = resolver.comm(sample.tid);
            if !comms.contains(resolver.comm_name(comm)) {
                return false;
            }
        }
        if wanted.dsos.is_none() && wanted.symbols.is_none() {
            return true;
        }
        let place = resolver.place(sample);
        wanted.dsos.as_ref().is_none_or(|dsos| in_dsos(resolver, place, dsos))
            && wanted.symbols.as_ref().is_none_or(|set| resolver.function(place).is_some_and(|name| set.contains(name)))
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

/// By the whole path, or by the last part of it.
fn in_dsos(resolver: &Resolver<RecordedNames>, place: FrameId, dsos: &std::collections::BTreeSet<String>) -> bool {
    let dso = resolver.frame(place).dso.and_then(|dso| resolver.session().dso_of(dso));
    dso.is_some_and(|dso| {
        let name = dso_name(dso);
        let short = name.rsplit('/').next().unwrap_or(&name);
        dsos.contains(&name) || dsos.contains(short) || dsos.contains(&dso.path)
    })
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
    let samples = samples.filter(|raw| raw.kind == perfuse_format::perfdata::record::kind::SAMPLE);
    let times = samples.filter_map(|raw| data.time(&raw));
    let found = times.fold((u64::MAX, 0), |(first, last), time| (first.min(time), last.max(time)));
    if found.0 > found.1 { (0, 0) } else { found }
}
