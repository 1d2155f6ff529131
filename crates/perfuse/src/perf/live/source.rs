//! What is watched: events of the command line, or definitions that were resolved.

use perfuse_analyze::Msg;
use perfuse_collect::Root;
use perfuse_collect::bpf::{LiveHook, LivePlan};
use perfuse_collect::perf::probes::{ProbeEvents, ProbeKind};
use perfuse_collect::perf::tracepoints::Tracefs;
use perfuse_format::event::{EventSpec, Events, Mode};
use perfuse_format::live::{Expr, Method, ProbeRecord, Scope};
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind};
use perfuse_format::probe::TraceProbe;
use perfuse_format::tracefs::EventFormat;

use super::super::options::{Parsed, UsageError};
use super::super::tables;
use super::super::words::{denied_words, event_words};
use super::Failure;

/// Most events of one command: each has a program or a place in every ring.
const MOST: usize = 256;
/// Samples a second of events that happen too often for each to be seen.
const RATE: u64 = 99;
/// Number of the event in records that a program puts out: none of the kernel's.
const OWN_ID: u16 = 65_000;

/// Where hits come from.
#[derive(Debug, Clone)]
pub(in crate::perf) enum Place {
    /// A tracepoint, or a probe that tracefs has: with its format.
    Trace {
        format: Box<EventFormat>,
        /// Its line in tracefs, of a probe.
        probe: Option<Box<TraceProbe>>,
    },
    /// Samples of another event.
    Samples(Box<EventAttr>),
    /// A probe that is there as long as it is watched.
    Probe {
        probe: Box<TraceProbe>,
        hook: LiveHook,
        /// Whether the address of the hit is known.
        address: bool,
    },
}

/// One event with its name.
#[derive(Debug, Clone)]
pub(in crate::perf) struct Source {
    /// As it is shown.
    pub(in crate::perf) name: String,
    pub(in crate::perf) place: Place,
}

impl Source {
    /// A definition that was resolved.
    pub(in crate::perf) fn probe(probe: TraceProbe, hook: LiveHook, address: bool) -> Self {
        Self { name: probe.name(), place: Place::Probe { probe: Box::new(probe), hook, address } }
    }

    /// The names that expressions may use, where hits come from a ring.
    pub(super) fn ring_scope(&self) -> Scope {
        match &self.place {
            Place::Trace { format, .. } => Scope::of_format(format),
            Place::Samples(_) => Scope::of_samples(),
            Place::Probe { .. } => self.format().map_or_else(Scope::default, |format| Scope::of_format(&format)),
        }
    }

    /// The names in a program: of probes, registers and memory.
    pub(super) fn scope(&self) -> Scope {
        match &self.place {
            Place::Probe { probe, .. } | Place::Trace { probe: Some(probe), .. } => {
                Scope::of_arguments(&probe.arguments)
            }
            _ => self.ring_scope(),
        }
    }

    /// How records are laid out; `None` for samples.
    pub(super) fn format(&self) -> Option<EventFormat> {
        match &self.place {
            Place::Trace { format, .. } => Some((**format).clone()),
            Place::Samples(_) => None,
            Place::Probe { .. } => {
                let record = self.record()?;
                EventFormat::parse(&record.system, record.format().as_bytes()).ok()
            }
        }
    }

    /// The record that a program puts out for a probe.
    pub(super) fn record(&self) -> Option<ProbeRecord> {
        match &self.place {
            Place::Probe { probe, address, .. } => ProbeRecord::new(probe, OWN_ID, *address),
            _ => None,
        }
    }

    /// The program's side.
    pub(super) fn plan(&self, filter: Option<Expr>, pids: &[u32]) -> LivePlan {
        let hook = match &self.place {
            Place::Trace { format, probe: None } => LiveHook::Tracepoint { id: format.id },
            Place::Trace { format, probe: Some(probe) } => {
                LiveHook::ProbeEvent { id: format.id, user: probe.target.is_user() }
            }
            Place::Samples(attr) => LiveHook::Samples(attr.clone()),
            Place::Probe { hook, .. } => hook.clone(),
        };
        LivePlan { hook, scope: self.scope(), filter, pids: pids.to_vec() }
    }
}

/// The events of `-e`.
pub(super) fn of_events(parsed: &Parsed) -> Result<Result<Vec<Source>, Failure>, UsageError> {
    let root = Root::default();
    let host = tables::host(&root);
    let mut events = Events::new(&host, Mode::Record);
    for given in parsed.given.iter().filter(|given| given.id == "event") {
        let text = given.value.as_ref().map(|value| value.to_string_lossy().into_owned()).unwrap_or_default();
        events.add(&text).map_err(|error| UsageError(event_words(&error)))?;
    }
    if let Some(word) = parsed.rest.first() {
        let words = Msg::new("live-surplus").with("word", word.to_string_lossy().into_owned());
        return Err(UsageError(words));
    }
    let specs = events.finish();
    if specs.is_empty() {
        return Err(UsageError(Msg::new("live-no-event")));
    }
    if specs.len() > MOST {
        let words = Msg::new("live-too-many").with("count", specs.len().to_string());
        return Err(UsageError(words.with("most", MOST.to_string())));
    }
    Ok(resolve(&root, &specs))
}

fn resolve(root: &Root, specs: &[EventSpec]) -> Result<Vec<Source>, Failure> {
    let mut probes = None;
    specs.iter().map(|spec| one(root, spec, &mut probes)).collect()
}

fn one(root: &Root, spec: &EventSpec, probes: &mut Option<Vec<TraceProbe>>) -> Result<Source, Failure> {
    let name = spec.name.clone();
    if spec.attr.kind != kind::TRACEPOINT {
        return Ok(Source { name, place: Place::Samples(Box::new(sampled(spec.attr))) });
    }
    if let Some(stored) = tables::stored_probe(spec) {
        let address = stored.hook.method != Method::TpBtf;
        return Ok(Source::probe(stored.probe, LiveHook::Typed(stored.hook), address));
    }
    let (system, event) = spec.name.split_once(':').unwrap_or_default();
    let event = event.split(':').next().unwrap_or(event);
    let denied = |why| {
        let words = Msg::new("live-format").with("event", spec.name.as_str());
        Failure::new(words.with("why", denied_words(&why)))
    };
    let tracefs = Tracefs::find(root).map_err(denied)?;
    let bytes = tracefs.format(system, event).map_err(denied)?;
    let format = EventFormat::parse(system, &bytes).map_err(|error| {
        let words = Msg::new("live-format").with("event", spec.name.as_str());
        Failure::new(words.with("why", error.to_string()))
    })?;
    let known = probes.get_or_insert_with(|| known_probes(root));
    let probe = known.iter().find(|probe| probe.group == system && probe.event == event).cloned().map(Box::new);
    Ok(Source { name: format!("{system}:{event}"), place: Place::Trace { format: Box::new(format), probe } })
}

/// Probes that tracefs has.
fn known_probes(root: &Root) -> Vec<TraceProbe> {
    let Ok(events) = ProbeEvents::find(root) else { return Vec::new() };
    let lines =
        [ProbeKind::Kernel, ProbeKind::User].into_iter().flat_map(|kind| events.lines(kind).unwrap_or_default());
    lines.filter_map(|line| TraceProbe::parse(&line).ok()).collect()
}

/// Each occurrence of a software event, and a sample now and then of what happens too often.
fn sampled(mut attr: EventAttr) -> EventAttr {
    if attr.sample_period == 0 {
        // The two clocks of the software events count nanoseconds.
        let often = attr.kind != kind::SOFTWARE || attr.config < 2;
        attr.sample_period = if often { RATE } else { 1 };
        attr.flags |= if often { flag::FREQ } else { 0 };
    }
    attr
}
