//! A profile from a recording of perf.

use std::ops::ControlFlow;

use anyhow::anyhow;
use perfuse_analyze::Msg;
use perfuse_analyze::offcpu::{OffCpu, SwitchFields};
use perfuse_analyze::profile::Profile;
use perfuse_analyze::resolve::profile::ProfileBuilder;
use perfuse_analyze::resolve::{Item, Options, Resolver};
use perfuse_format::perfdata::attr::{flag, kind};
use perfuse_format::perfdata::{EventAttr, PerfData, Record, Sample};
use perfuse_format::tracefs::{EventFormat, Layout};
use perfuse_render::export::ProfileInfo;
use perfuse_symbol::SymbolOptions;

use super::Loaded;
use crate::cli::ProfileArgs;
use crate::console::Console;
use crate::perf::recorded::{self, Input, Passage, RecordedNames};

/// `PERF_COUNT_SW_CONTEXT_SWITCHES`.
const CONTEXT_SWITCHES: u64 = 3;

/// Name of the tracepoint of switches, in the system `sched`.
const SCHED_SWITCH: &str = "sched_switch";

/// Resolves all samples; with `--off-cpu` only those of switches, weighed by how long the thread stayed away.
pub(super) fn load(input: &Input, args: &ProfileArgs, details: bool, console: &Console) -> anyhow::Result<Loaded> {
    let data = input.recording(false, console)?;
    let switches = match args.off_cpu {
        Some(wait) => Some(Switches::of(&data, OffCpu::new(wait.into())).ok_or_else(|| {
            anyhow!(console.texts.text(&Msg::new("error-no-switches").with("file", input.name.as_str())))
        })?),
        None => None,
    };
    let mut builder = ProfileBuilder::new(details);
    for event in &data.events {
        builder.event(&event.name, &event.attr);
    }
    let mut reader = Reader { data: &data, builder, switches, samples: 0, bad: (0, None) };
    let wants = Options { inlines: !args.no_inline, ..Options::default() };
    let mut resolver = Resolver::new(RecordedNames::new(symbols(args), recorded::arch(&data)), wants);
    let mut passage = Passage::new(input);
    let _: ControlFlow<()> = resolver.replay(&data, |resolver, item| {
        if let Item::Raw(raw) = &item {
            passage.at(raw);
        }
        reader.item(resolver, item, console);
        ControlFlow::Continue(())
    });
    let profile = reader.finish(console);
    let info = info(&data, &profile, input);
    Ok(Loaded { profile, info })
}

/// Makes the profile while the records come by.
struct Reader<'a> {
    data: &'a PerfData<'a>,
    builder: ProfileBuilder,
    switches: Option<Switches>,
    /// Samples in the profile so far.
    samples: usize,
    /// Records that could not be decoded, and what was wrong with the first.
    bad: (u64, Option<String>),
}

impl Reader<'_> {
    fn item(&mut self, resolver: &mut Resolver<RecordedNames>, item: Item<'_, '_>, console: &Console) {
        match item {
            Item::Sample(_, sample) => {
                let wanted = self.switches.as_mut().is_none_or(|switches| switches.sample(self.samples, sample));
                if let Some(event) = self.data.events.get(sample.event).filter(|_| wanted) {
                    let number = u32::try_from(sample.event).unwrap_or(u32::MAX);
                    self.builder.add(resolver, number, &event.attr, sample);
                    self.samples += 1;
                }
            }
            Item::Record(raw, Some(record)) => {
                if let Some(switches) = &mut self.switches {
                    let id = self.data.sample_id(&raw);
                    if let (Some((_, tid)), Some(time)) = (id.pid_tid, id.time) {
                        switches.record(tid, time, record);
                    }
                }
            }
            Item::Raw(_) | Item::Record(..) => {}
            Item::Bad(_, error) => {
                self.bad.0 += 1;
                self.bad.1.get_or_insert_with(|| error.to_string());
            }
            Item::Damage(damage) => console.complain(&damage.to_string()),
        }
    }

    fn finish(self, console: &Console) -> Profile {
        if let (count @ 1.., Some(first)) = self.bad {
            let message = Msg::new("script-bad").with("count", count.to_string()).with("first", first);
            console.complain(&console.texts.text(&message));
        }
        let mut profile = self.builder.finish();
        if let Some(switches) = self.switches {
            let unknown = switches.state.finish(&mut profile);
            if unknown.open > 0 {
                console.note(&Msg::new("note-off-cpu-open").with("count", unknown.open));
            }
            if unknown.unseen > 0 {
                console.note(&Msg::new("note-off-cpu-unseen").with("count", unknown.unseen));
            }
            if unknown.backwards > 0 {
                console.note(&Msg::new("note-off-cpu-backwards").with("count", unknown.backwards));
            }
        }
        profile
    }
}

fn symbols(args: &ProfileArgs) -> SymbolOptions {
    let options = SymbolOptions { symfs: args.symfs.clone(), ..SymbolOptions::default() };
    match std::env::var("HOME") {
        Ok(home) if !home.is_empty() => options.with_home(&home),
        _ => options,
    }
}

/// The command line that was recorded, and when.
fn info(data: &PerfData, profile: &Profile, input: &Input) -> ProfileInfo {
    let title = if data.features.cmdline.is_empty() { input.name.clone() } else { data.features.cmdline.join(" ") };
    let first = profile.samples.iter().map(|sample| sample.time).min();
    // The header ties one moment of the recording's clock to the time of day, where a clock was asked for (`-k`).
    let clock = data.features.clock_data.as_ref().zip(first);
    let started = clock.map(|(clock, first)| clock.wall_ns.saturating_add(first).saturating_sub(clock.clock_ns));
    ProfileInfo { title, started }
}

/// Follows the switches of a recording, of whichever of the two kinds it has.
struct Switches {
    state: OffCpu,
    /// Number of the event.
    event: usize,
    /// Of a tracepoint, where its fields are. Without it the samples are those of the counter of
    /// context switches, and records of the kernel tell when a thread comes back.
    fields: Option<SwitchFields>,
}

impl Switches {
    fn of(data: &PerfData, state: OffCpu) -> Option<Self> {
        if let Some(tracing) = &data.tracing_data {
            let mut formats = tracing.formats().filter(|(system, _)| *system == "sched");
            let format = formats.find_map(|(system, format)| {
                EventFormat::parse(system, format).ok().filter(|format| format.name == SCHED_SWITCH)
            });
            let event = format.as_ref().and_then(|format| {
                let is_it = |attr: &EventAttr| attr.kind == kind::TRACEPOINT && attr.config == format.id;
                data.events.iter().position(|event| is_it(&event.attr))
            });
            if let Some((event, format)) = event.zip(format) {
                let layout = Layout { endian: tracing.endian, long_size: tracing.long_size };
                return Some(Self { state, event, fields: Some(SwitchFields::of(&format, layout)?) });
            }
        }
        let is_counter = |attr: &EventAttr| attr.kind == kind::SOFTWARE && attr.config == CONTEXT_SWITCHES;
        let event = data.events.iter().position(|event| is_counter(&event.attr))?;
        let announced = data.events.iter().any(|event| event.attr.has(flag::CONTEXT_SWITCH));
        announced.then_some(Self { state, event, fields: None })
    }

    /// Takes note of a sample, which becomes the one with this index if it is wanted.
    fn sample(&mut self, index: usize, sample: &Sample<'_>) -> bool {
        if sample.event != self.event {
            return false;
        }
        let Some(fields) = &self.fields else {
            self.state.leaves(sample.tid, index, sample.time, false);
            return true;
        };
        let Some(switch) = sample.raw.and_then(|raw| fields.read(raw)) else { return false };
        self.state.leaves(switch.prev, index, sample.time, switch.runnable);
        self.state.comes(switch.next, sample.time);
        true
    }

    /// Takes note of another record, of thread `tid`.
    fn record(&mut self, tid: i32, time: u64, record: &Record<'_>) {
        match record {
            _ if self.fields.is_some() => {}
            Record::Switch { out: true, preempted: true, .. } => self.state.was_preempted(tid),
            Record::Switch { out: false, .. } => self.state.comes(tid, time),
            _ => {}
        }
    }
}
