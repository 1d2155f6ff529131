//! What is watched: events of the command line, or definitions that were resolved.

use perfuse_analyze::Msg;
use perfuse_collect::Root;
use perfuse_collect::bpf::{EventDenied, LiveEvent, LiveHook, LivePlan};
use perfuse_collect::perf::function::function_event;
use perfuse_format::event::{EventSpec, Events, Mode};
use perfuse_format::live::{Expr, Hooked, Method, ProbeRecord, Scope};
use perfuse_format::perfdata::EventAttr;
use perfuse_format::probe::TraceProbe;
use perfuse_format::tracefs::EventFormat;

use super::super::options::{Parsed, UsageError};
use super::super::tables;
use super::super::words::{denied_words, event_words};
use super::Failure;

/// Most events of one command: each has a program or a place in every ring.
const MOST: usize = 256;
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
    /// A function of the kernel, by the event of the function tracer, whose number the format has.
    Function { format: Box<EventFormat>, function: String },
}

/// One event with its name.
#[derive(Debug, Clone)]
pub(in crate::perf) struct Source {
    /// As it is shown.
    pub(in crate::perf) name: String,
    pub(in crate::perf) place: Place,
}

impl Source {
    /// A probe that a program or the function tracer is attached for.
    pub(in crate::perf) fn typed(probe: TraceProbe, hook: Hooked) -> Result<Self, Failure> {
        if hook.method != Method::Ftrace {
            let address = hook.method.has_address();
            return Ok(Self::probe(probe, LiveHook::Typed(hook), address));
        }
        let name = probe.name();
        let words = || Msg::new("live-format").with("event", name.as_str());
        let format = ProbeRecord::new(&probe, OWN_ID, true).map(|record| record.format());
        let format = EventFormat::parse(&probe.group, format.unwrap_or_default().as_bytes());
        let mut format = format.map_err(|error| Failure::new(words().with("why", error.to_string())))?;
        format.id = function_event(&Root::default())
            .map_err(|denied| Failure::new(words().with("why", denied_words(&denied))))?;
        Ok(Self { name, place: Place::Function { format: Box::new(format), function: hook.name } })
    }

    /// A definition that was resolved.
    pub(in crate::perf) fn probe(probe: TraceProbe, hook: LiveHook, address: bool) -> Self {
        Self { name: probe.name(), place: Place::Probe { probe: Box::new(probe), hook, address } }
    }

    /// The names that expressions may use, where hits come from a ring.
    pub(super) fn ring_scope(&self) -> Scope {
        match &self.place {
            Place::Trace { format, .. } | Place::Function { format, .. } => Scope::of_format(format),
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
            Place::Trace { format, .. } | Place::Function { format, .. } => Some((**format).clone()),
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
            Place::Trace { format, probe } => LiveEvent::Trace { format: format.clone(), probe: probe.clone() }.hook(),
            Place::Samples(attr) => LiveHook::Samples(attr.clone()),
            Place::Probe { hook, .. } => hook.clone(),
            Place::Function { function, .. } => {
                LiveHook::Typed(Hooked { method: Method::Ftrace, name: function.clone() })
            }
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
    Ok(specs.iter().map(|spec| one(&root, spec)).collect())
}

fn one(root: &Root, spec: &EventSpec) -> Result<Source, Failure> {
    if let Some(stored) = tables::stored_probe(spec) {
        return Source::typed(stored.probe, stored.hook);
    }
    match LiveEvent::of(root, spec) {
        Ok(LiveEvent::Trace { format, probe }) => {
            let name = format!("{}:{}", format.system, format.name);
            Ok(Source { name, place: Place::Trace { format, probe } })
        }
        Ok(LiveEvent::Samples(attr)) => Ok(Source { name: spec.name.clone(), place: Place::Samples(attr) }),
        Err(denied) => {
            let words = Msg::new("live-format").with("event", spec.name.as_str());
            Err(Failure::new(match denied {
                EventDenied::Tracefs(why) => words.with("why", denied_words(&why)),
                EventDenied::Format(why) => words.with("why", why),
            }))
        }
    }
}
