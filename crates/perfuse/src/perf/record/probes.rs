//! Probes that tracefs does not have: their samples are put out by programs, and stand in the file as those of tracepoints.

use perfuse_analyze::{Arg, Msg};
use perfuse_collect::bpf::{LiveHook, LivePlan, LiveProgram};
use perfuse_collect::perf::record::tracing::OwnFormat;
use perfuse_collect::perf::record::{Planned, Recording};
use perfuse_format::live::{Expr, ProbeRecord, Scope, StoredProbe};

use super::target::Whom;

/// The layout of the samples of a probe.
fn layout(probe: &StoredProbe) -> Option<ProbeRecord> {
    ProbeRecord::new(&probe.probe, probe.id, probe.hook.method.has_address())
}

/// The formats of all such probes of a recording.
pub(super) fn formats(recording: &Recording) -> Vec<OwnFormat> {
    let stored = recording.events.iter().filter_map(|event| layout(event.stored.as_deref()?));
    stored.map(|layout| (layout.system.clone(), layout.name.clone(), layout.format().into_bytes())).collect()
}

/// Starts the programs of those that need one; what went wrong is told in words.
pub(super) fn start(recording: &Recording, whom: &Whom, command: Option<i32>) -> Result<Vec<LiveProgram>, Msg> {
    let stored = recording.events.iter().enumerate();
    let stored = stored.filter(|(_, event)| event.is_of_program());
    let stored = stored.filter_map(|(at, event)| Some((at, event, event.stored.as_deref()?)));
    stored.map(|(at, event, probe)| one(recording, at, event, probe, whom, command)).collect()
}

fn one(
    recording: &Recording,
    at: usize,
    event: &Planned,
    probe: &StoredProbe,
    whom: &Whom,
    command: Option<i32>,
) -> Result<LiveProgram, Msg> {
    let wrong = |error: String| Msg::new("record-probe").with("event", event.name.as_str()).with("error", error);
    let scope = Scope::of_arguments(&probe.probe.arguments);
    // Programs know whole processes; single threads are a condition.
    let threads = match whom {
        Whom::Threads(tids) => tids.iter().map(|tid| format!("tid == {tid}")).collect::<Vec<_>>().join(" || "),
        _ => String::new(),
    };
    let text = match (&event.filter, threads.is_empty()) {
        (Some(filter), true) => Some(filter.clone()),
        (Some(filter), false) => Some(format!("({filter}) && ({threads})")),
        (None, true) => None,
        (None, false) => Some(threads),
    };
    let filter = text.map(|text| Expr::parse(&text, &scope)).transpose();
    let filter = filter.map_err(|error| {
        let words = Msg::new("record-fail-filter").with("filter", event.filter.clone().unwrap_or_default());
        let words = words.with("event", event.name.as_str()).with("number", "22");
        words.with("errno", Arg::Text(error.to_string()))
    })?;
    let pids = match whom {
        Whom::Cpus(_) | Whom::Threads(_) => Vec::new(),
        Whom::Processes(pids) | Whom::User(pids) => pids.clone(),
        Whom::Command => command.into_iter().collect(),
    };
    let pids = pids.into_iter().filter_map(|pid| u32::try_from(pid).ok()).collect();
    let plan = LivePlan { hook: LiveHook::Typed(probe.hook.clone()), scope, filter, pids };
    let layout = layout(probe).ok_or_else(|| wrong("2048 bytes".to_owned()))?;
    LiveProgram::output(&plan, &layout, &recording.descriptors(at)).map_err(|error| wrong(error.to_string()))
}
