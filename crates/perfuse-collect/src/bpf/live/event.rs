//! From an event of the grammar to what a program needs to know of it.

use perfuse_format::event::{EventSpec, Events, Mode, TraceDenied};
use perfuse_format::live::{Aggregation, Expr, Row, Scope};
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind};
use perfuse_format::probe::TraceProbe;
use perfuse_format::tracefs::EventFormat;
use perfuse_symbol::{DsoSpec, Executable, HostFiles, SymbolOptions};

use super::{LiveHook, LivePlan, LiveProgram};
use crate::bpf::door::Errno;
use crate::perf::pmu::HostEvents;
use crate::perf::probes::{ProbeEvents, ProbeKind};
use crate::perf::stored::StoredProbes;
use crate::perf::tracepoints::Tracefs;
use crate::root::Root;

/// Samples a second of events that happen too often for each to be seen.
const RATE: u64 = 99;

/// What an event of the grammar is.
#[derive(Debug, Clone)]
pub enum LiveEvent {
    /// A tracepoint, or a probe that tracefs has.
    Trace {
        /// Its format.
        format: Box<EventFormat>,
        /// Its line in tracefs, of a probe.
        probe: Option<Box<TraceProbe>>,
    },
    /// Samples of another event.
    Samples(Box<EventAttr>),
}

/// Why an event cannot be told of.
#[derive(Debug, thiserror::Error)]
pub enum EventDenied {
    /// Its files cannot be read.
    #[error("{0}")]
    Tracefs(#[from] TraceDenied),
    /// Its format cannot be understood.
    #[error("its format: {0}")]
    Format(String),
}

impl LiveEvent {
    /// What the kernel tells of an event.
    pub fn of(root: &Root, spec: &EventSpec) -> Result<Self, EventDenied> {
        if spec.attr.kind != kind::TRACEPOINT {
            return Ok(Self::Samples(Box::new(sampled(spec.attr))));
        }
        let (system, event) = spec.name.split_once(':').unwrap_or_default();
        // Letters behind the name are modifiers.
        let event = event.split(':').next().unwrap_or(event);
        let bytes = Tracefs::find(root)?.format(system, event)?;
        let format = EventFormat::parse(system, &bytes).map_err(|error| EventDenied::Format(error.to_string()))?;
        let probe = known_probe(root, system, event).map(Box::new);
        Ok(Self::Trace { format: Box::new(format), probe })
    }

    /// Where a program for it runs.
    pub fn hook(&self) -> LiveHook {
        match self {
            Self::Trace { format, probe: None } => LiveHook::Tracepoint { id: format.id },
            Self::Trace { format, probe: Some(probe) } => {
                LiveHook::ProbeEvent { id: format.id, user: probe.target.is_user() }
            }
            Self::Samples(attr) => LiveHook::Samples(attr.clone()),
        }
    }

    /// The names that a program for it may use.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Trace { probe: Some(probe), .. } => Scope::of_arguments(&probe.arguments),
            Self::Trace { format, .. } => Scope::of_format(format),
            Self::Samples(_) => Scope::of_samples(),
        }
    }
}

/// The line of a probe that tracefs has.
fn known_probe(root: &Root, group: &str, event: &str) -> Option<TraceProbe> {
    let events = ProbeEvents::find(root).ok()?;
    let marks = [format!(":{group}/{event} "), format!(":{group}/{event}\n")];
    let kinds = [ProbeKind::Kernel, ProbeKind::User].into_iter();
    let mut lines = kinds.flat_map(|kind| events.lines(kind).unwrap_or_default());
    let line = lines.find(|line| marks.iter().any(|mark| format!("{line}\n").contains(mark)))?;
    TraceProbe::parse(&line).ok()
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

/// `probe:/path/of/program:function[%return]`: a function of a program, with its arguments as `arg1` to `arg6`, at its return
/// with `retval`. `None` for every other event.
fn function_of(event: &str) -> Result<Option<(LiveHook, Scope)>, String> {
    let Some((path, function)) = event.strip_prefix("probe:/").and_then(|rest| rest.rsplit_once(':')) else {
        return Ok(None);
    };
    let path = format!("/{path}");
    let (function, ret) = function.strip_suffix("%return").map_or((function, false), |function| (function, true));
    let spec = DsoSpec { path: &path, pid: -1, ..DsoSpec::default() };
    let program = Executable::open(&HostFiles("/".into()), &spec, &SymbolOptions::default());
    let program = program.map_err(|error| format!("{path}: {error}"))?;
    let found = program.functions(function).first().map(|found| found.offset);
    let offset = found.ok_or_else(|| format!("{path} has no function {function}"))?;
    let arguments = if ret {
        "retval=$retval:u64"
    } else {
        "arg1=$arg1:u64 arg2=$arg2:u64 arg3=$arg3:u64 arg4=$arg4:u64 arg5=$arg5:u64 arg6=$arg6:u64"
    };
    let line = TraceProbe::parse(&format!("p:probe/f {path}:{offset:#x} {arguments}"));
    let scope = Scope::of_arguments(&line.map_err(|error| error.to_string())?.arguments);
    Ok(Some((LiveHook::Uprobe { path, offset, counter: None, ret }, scope)))
}

/// Numbers of an event for each interval, added up in the kernel: what a daemon makes series of.
#[derive(Debug)]
pub struct EventSeries {
    program: LiveProgram,
    signed: bool,
    parts: Option<u32>,
}

/// What is asked of an event, as texts of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesPlan {
    /// The event, as `-e` takes it; also a probe that is kept in a file.
    pub event: String,
    /// Which hits count.
    pub filter: Option<String>,
    /// The number; none counts hits.
    pub value: Option<String>,
    /// By what the numbers are kept apart, between commas.
    pub by: Option<String>,
    /// Bits by which each power of two is cut into buckets, where quantiles are wanted.
    pub parts: Option<u32>,
}

impl EventSeries {
    /// Starts adding up. The words of the error are those of the grammar, of the expressions or of the kernel.
    pub fn start(root: &Root, plan: &SeriesPlan) -> Result<Self, String> {
        if let Some((hook, scope)) = function_of(&plan.event)? {
            return Self::of_hook(hook, scope, plan);
        }
        let stored = StoredProbes::of_user(None).map(|store| store.all()).unwrap_or_default();
        let host = HostEvents::new(root).with_stored(&stored);
        let mut events = Events::new(&host, Mode::Record);
        events.add(&plan.event).map_err(|error| error.to_string())?;
        let specs = events.finish();
        let [spec] = specs.as_slice() else { return Err(format!("{}: one event is expected", plan.event)) };
        let own = stored.iter().find(|one| one.probe.name() == spec.name && u64::from(one.id) == spec.attr.config);
        let (hook, scope) = if let Some(own) = own {
            (LiveHook::Typed(own.hook.clone()), Scope::of_arguments(&own.probe.arguments))
        } else {
            let event = LiveEvent::of(root, spec).map_err(|error| error.to_string())?;
            (event.hook(), event.scope())
        };
        Self::of_hook(hook, scope, plan)
    }

    fn of_hook(hook: LiveHook, scope: Scope, plan: &SeriesPlan) -> Result<Self, String> {
        let one = |text: &Option<String>| text.as_ref().map(|text| Expr::parse(text, &scope)).transpose();
        let value = one(&plan.value).map_err(|error| format!("value: {error}"))?;
        let filter = one(&plan.filter).map_err(|error| format!("filter: {error}"))?;
        let by = plan.by.as_ref().map(|by| Expr::parse_list(by, &scope)).transpose();
        let by = by.map_err(|error| format!("by: {error}"))?.unwrap_or_default();
        if let Some(Expr::Text { text, .. }) = &value {
            return Err(format!("value: `{text}` is a text"));
        }
        let what = Aggregation { value, by, parts: plan.parts };
        let (signed, parts) = (what.is_signed(), what.parts);
        let plan = LivePlan { hook, scope, filter, pids: Vec::new() };
        let program = LiveProgram::aggregate(&plan, &what, true).map_err(|error| error.to_string())?;
        Ok(Self { program, signed, parts })
    }

    /// What was added up since the last turn.
    pub fn turn(&mut self) -> Result<Vec<Row>, Errno> {
        self.program.turn()
    }

    /// Whether values have a sign.
    pub fn is_signed(&self) -> bool {
        self.signed
    }

    /// How fine buckets are.
    pub fn parts(&self) -> Option<u32> {
        self.parts
    }

    /// Hits that had no room since the start.
    pub fn lost(&self) -> u64 {
        self.program.lost()
    }
}
