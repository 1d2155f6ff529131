//! `-e`, `--filter`, `--exclude-perf` and `-G`, in the order in which they stand on the command line: a filter is for the
//! event before it.

use perfuse_analyze::Msg;
use perfuse_collect::Root;
use perfuse_collect::perf::cpus::parse_list;
use perfuse_collect::perf::record::{CallGraph, Planned, Terms};
use perfuse_format::event::{EventSpec, Events, Mode};
use perfuse_format::perfdata::attr::kind;

use super::values::{branches, call_graph};
use crate::perf::options::{Parsed, UsageError};
use crate::perf::tables;
use crate::perf::words::event_words;

/// The event where none is named.
const DEFAULT: &str = "cycles:P";

/// All events of the command line.
pub(super) fn events(parsed: &Parsed, root: &Root) -> Result<Vec<Planned>, UsageError> {
    let host = tables::host(root);
    let mut events = Events::new(&host, Mode::Record);
    let mut filters: Vec<(usize, String)> = Vec::new();
    let mut groups: Vec<(usize, String)> = Vec::new();
    // The events of the last `-e`.
    let mut last = 0..0;
    for given in &parsed.given {
        let value = given.value.as_ref().map(|value| value.to_string_lossy().into_owned()).unwrap_or_default();
        match given.id.as_str() {
            "event" => {
                let before = events.events().len();
                let count = events.add(&value).map_err(|error| UsageError(event_words(&error)))?;
                last = before..before + count;
            }
            "filter" | "exclude-perf" if !given.negated => {
                let no_tracepoint = |spec: &EventSpec| spec.attr.kind != kind::TRACEPOINT;
                if last.is_empty() || events.events().get(last.clone()).is_some_and(|all| all.iter().any(no_tracepoint))
                {
                    let message = Msg::new("record-filter-place").with("option", format!("--{}", given.id));
                    return Err(UsageError(message));
                }
                let own = || format!("common_pid != {}", std::process::id());
                let filter = if given.id == "filter" { value } else { own() };
                filters.extend(last.clone().map(|at| (at, filter.clone())));
            }
            "cgroup" => cgroups(&value, events.events().len(), &mut groups)?,
            _ => {}
        }
    }
    if events.events().is_empty() {
        events.add(DEFAULT).map_err(|error| UsageError(event_words(&error)))?;
    }
    let specs = events.finish();
    let mut events: Vec<Planned> = Vec::with_capacity(specs.len());
    let mut leader = 0;
    for (at, spec) in specs.iter().enumerate() {
        if spec.group.as_ref().is_none_or(|group| group.leader) || parsed.on("group") && at == 0 {
            leader = at;
        }
        events.push(planned(spec, leader, parsed.on("count"))?);
    }
    if parsed.on("group") {
        for event in &mut events {
            event.leader = 0;
        }
    }
    for (at, filter) in filters {
        if let Some(probe) = &events[at].stored {
            tables::function_event_of(probe, true)?;
        }
        let place = &mut events[at].filter;
        *place = Some(match place.take() {
            Some(before) => format!("({before}) && ({filter})"),
            None => filter,
        });
    }
    for (at, group) in groups {
        events[at].cgroup = Some(group);
    }
    Ok(events)
}

/// Names of cgroups for the events before them, one each; a single name is for all of them.
fn cgroups(names: &str, events: usize, groups: &mut Vec<(usize, String)>) -> Result<(), UsageError> {
    let names: Vec<&str> = names.split(',').collect();
    if events == 0 || names.len() > events {
        return Err(UsageError(Msg::new("record-cgroup-place")));
    }
    match names[..] {
        [one] => groups.extend((0..events).map(|at| (at, one.to_owned()))),
        _ => groups
            .extend(names.iter().enumerate().filter(|(_, name)| !name.is_empty()).map(|(at, n)| (at, (*n).to_owned()))),
    }
    Ok(())
}

/// `counted`: how many events lie between two samples was said for all events (`-c`).
fn planned(spec: &EventSpec, leader: usize, counted: bool) -> Result<Planned, UsageError> {
    let tracepoint = (spec.attr.kind == kind::TRACEPOINT).then(|| spec.name.split_once(':')).flatten();
    let own = &spec.terms;
    tables::refuse_unserved(spec)?;
    let graph = |text: &String| match text.as_str() {
        "no" => Ok(CallGraph::None),
        text => call_graph("event", text),
    };
    let terms = Terms {
        period: own.period.or(own.weak_period.filter(|_| !counted)),
        frequency: own.freq,
        time: own.time,
        call_graph: own.call_graph.as_ref().map(graph).transpose()?,
        stack_size: own.stack_size.and_then(|size| u32::try_from(size).ok()),
        max_stack: own.max_stack.map(|depth| u16::try_from(depth).unwrap_or(u16::MAX)),
        branches: own
            .branch_type
            .as_ref()
            .map(|mask| if mask == "no" { Ok(0) } else { branches("event", mask) })
            .transpose()?,
        inherit: own.inherit,
        overwrite: own.overwrite,
    };
    let planned = Planned {
        name: spec.name.clone(),
        attr: spec.attr,
        leader,
        group: spec.group.as_ref().and_then(|group| group.name.clone()),
        sample_read: spec.sample_read,
        precise_max: spec.precise_max,
        weak: spec.weak,
        terms,
        cpus: spec.cpus.as_ref().and_then(|list| parse_list(list.as_bytes())),
        tracepoint: tracepoint.map(|(system, name)| {
            // Letters behind the name are modifiers.
            (system.to_owned(), name.split(':').next().unwrap_or(name).to_owned())
        }),
        ..Planned::default()
    };
    Ok(match tables::stored_probe(spec) {
        Some(probe) => match tables::function_event_of(&probe, false)? {
            Some(id) => planned.with_function(probe, id),
            None => planned.with_stored(probe),
        },
        None => planned,
    })
}
