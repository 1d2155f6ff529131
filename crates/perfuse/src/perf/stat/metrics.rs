//! `-M`: metrics of the CPU's model, events that belong together, and formulas over their counts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use perfuse_analyze::Msg;
use perfuse_analyze::stat::{Formula, Input, MetricStyle, Source};
use perfuse_collect::Root;
use perfuse_collect::perf::pmu::HostEvents;
use perfuse_collect::perf::vendor::constant;
use perfuse_format::event::{Events, Mode, Problem, Tool, parse};
use perfuse_format::vendor::{Expr, VendorMetric};

use super::events::List;
use crate::cli::nearest;
use crate::perf::options::UsageError;
use crate::perf::words::problem_words;

/// Metrics of metrics go so deep at most; a circle ends there.
const DEPTH: usize = 16;

/// A formula with its events among those that are opened.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) title: String,
    pub(super) expr: Expr,
    pub(super) scale: f64,
    pub(super) style: MetricStyle,
    pub(super) constants: BTreeMap<String, f64>,
    /// Names in the formula, with the opened events of each: several where several PMUs count it.
    pub(super) events: Vec<(String, Range<usize>)>,
    /// The opened event behind which it is shown, where that is not the first.
    pub(super) at: Option<usize>,
}

/// What a command line adds to the events.
#[derive(Debug, Default)]
pub(super) struct Added {
    pub(super) planned: Vec<Planned>,
    /// Events that are to be scheduled together where that can be.
    pub(super) groups: Vec<Range<usize>>,
    /// What could not be added, and why.
    pub(super) notes: Vec<Msg>,
}

/// How the events of metrics are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sharing {
    /// Events of a metric are scheduled together.
    pub(super) group: bool,
    /// A metric may use the events of another.
    pub(super) merge: bool,
}

/// A metric that was asked for, with all that it needs.
struct Wanted<'a> {
    metric: &'a VendorMetric,
    expr: Expr,
    ids: Vec<String>,
    constants: BTreeMap<String, f64>,
}

/// The metrics and groups of `-M`. A name that nothing has is a wrong command line; a metric whose events this machine
/// does not count is left out with a note.
pub(super) fn add(
    names: &str,
    host: &HostEvents,
    root: &Root,
    sharing: Sharing,
    events: &mut Events<'_>,
) -> Result<Added, UsageError> {
    let tables = host.tables();
    let mut added = Added::default();
    if tables.metrics.is_empty() {
        let cpu = host.cpu().unwrap_or("?");
        added.notes.push(Msg::new("stat-no-metrics").with("metrics", names).with("cpu", cpu));
        return Ok(added);
    }
    let mut wanted: Vec<Wanted<'_>> = Vec::new();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let fits = |metric: &&VendorMetric| {
            let of_group = || metric.groups.iter().any(|group| group.eq_ignore_ascii_case(name));
            name == "all" || metric.name.eq_ignore_ascii_case(name) || of_group()
        };
        let mut found = tables.metrics.iter().filter(fits).peekable();
        if found.peek().is_none() {
            let all = tables.metrics.iter();
            let all = all.flat_map(|metric| metric.groups.iter().chain([&metric.name])).map(String::as_str);
            let all: BTreeSet<&str> = all.collect();
            let near = nearest(name, all.into_iter()).join(", ");
            return Err(UsageError(Msg::new("usage-stat-metric").with("name", name).with("names", near)));
        }
        for metric in found {
            if wanted.iter().any(|known| known.metric.name == metric.name) {
                continue;
            }
            match prepare(metric, &tables.metrics, host, root) {
                Ok(ready) => wanted.push(ready),
                Err(note) => added.notes.push(note),
            }
        }
    }
    // The largest first, so that smaller ones find their events among those of a larger one.
    wanted.sort_by_key(|wanted| std::cmp::Reverse(wanted.ids.len()));
    let mut opened = Opened::default();
    for wanted in wanted {
        let together = sharing.group && may_group(&wanted.metric.constraint, root);
        let places = opened
            .places(&wanted.ids, together, sharing.merge, events)
            .map_err(|error| UsageError(crate::perf::words::event_words(&error)))?;
        let (scale, unit) = wanted.metric.scale();
        let name = &wanted.metric.name;
        added.planned.push(Planned {
            title: unit.as_ref().map_or_else(|| name.clone(), |unit| format!("{unit}  {name}")),
            style: if unit.is_some() { MetricStyle::One } else { MetricStyle::WideTwo },
            scale: if unit.is_some() { scale } else { 1.0 },
            expr: wanted.expr,
            constants: wanted.constants,
            events: wanted.ids.into_iter().zip(places).collect(),
            at: None,
        });
    }
    added.groups = opened.groups;
    Ok(added)
}

/// Puts other metrics in, and looks whether every event and constant is there.
fn prepare<'a>(
    metric: &'a VendorMetric,
    all: &[VendorMetric],
    host: &HostEvents,
    root: &Root,
) -> Result<Wanted<'a>, Msg> {
    let note = |id: &str| Msg::new(id).with("metric", metric.name.as_str());
    let broken = |why: String| note("stat-metric-formula").with("formula", metric.formula.as_str()).with("why", why);
    let mut expr = Expr::parse(&metric.formula).map_err(|error| broken(error.to_string()))?;
    for _ in 0..DEPTH {
        let inner = expr.events().find_map(|name| {
            let other = all.iter().find(|other| other.name.eq_ignore_ascii_case(name) && other.name != metric.name)?;
            Some((name.to_owned(), other))
        });
        let Some((name, other)) = inner else { break };
        let by = Expr::parse(&other.formula).map_err(|error| broken(format!("{name}: {error}")))?;
        expr = expr.replaced(&name, &by).ok_or_else(|| broken(name))?;
    }
    let mut constants = BTreeMap::new();
    for name in expr.literals() {
        let value =
            constant(root, name).ok_or_else(|| note("stat-metric-constant").with("name", format!("#{name}")))?;
        constants.insert(name.to_owned(), value);
    }
    let mut ids: Vec<String> = Vec::new();
    for name in expr.events() {
        if !ids.iter().any(|known| known == name) {
            parse(name, host, Mode::Stat).map_err(|error| match &error.problem {
                Problem::NoPmu { event, pmu } => {
                    note("stat-metric-no-pmu").with("event", event.as_str()).with("pmu", pmu.as_str())
                }
                problem => note("stat-metric-event").with("event", name).with("why", problem_words(problem)),
            })?;
            ids.push(name.to_owned());
        }
    }
    Ok(Wanted { metric, expr, ids, constants })
}

/// Whether the events of a metric may stand in one group.
fn may_group(constraint: &str, root: &Root) -> bool {
    let is_on = |path: &str| std::fs::read_to_string(root.join(path)).is_ok_and(|text| text.trim() == "1");
    match constraint {
        "NO_GROUP_EVENTS" => false,
        // The watchdog takes one of the counters that they would need.
        "NO_NMI_WATCHDOG" | "NO_GROUP_EVENTS_NMI" => !is_on("/proc/sys/kernel/nmi_watchdog"),
        "NO_GROUP_EVENTS_SMT" => !is_on("/sys/devices/system/cpu/smt/active"),
        _ => true,
    }
}

/// Events that metrics opened so far.
#[derive(Debug, Default)]
struct Opened {
    /// Names and places of those that are scheduled together, or alone.
    sets: Vec<BTreeMap<String, Range<usize>>>,
    /// Those that stand alone for all metrics: without groups, and what perf counts itself.
    alone: BTreeMap<String, Range<usize>>,
    groups: Vec<Range<usize>>,
}

impl Opened {
    /// The places of a metric's events, which are added unless they are there already.
    fn places(
        &mut self,
        ids: &[String],
        together: bool,
        merge: bool,
        events: &mut Events<'_>,
    ) -> Result<Vec<Range<usize>>, perfuse_format::event::EventError> {
        let is_tool = |id: &str| perfuse_format::event::names::symbol(id).is_some_and(|known| known.tool.is_some());
        let grouped: Vec<&String> = ids.iter().filter(|id| together && !is_tool(id)).collect();
        let shared = self.sets.iter().position(|set| merge && grouped.iter().all(|id| set.contains_key(*id)));
        let set = match shared {
            Some(set) => set,
            None if grouped.is_empty() => usize::MAX,
            None => {
                let first = events.events().len();
                let mut set = BTreeMap::new();
                for id in &grouped {
                    set.insert((*id).clone(), one(id, events)?);
                }
                // Groups are of one kind of PMU, whose events stand at the same places.
                let added = events.events().get(first..).unwrap_or_default();
                if added.len() == grouped.len() && added.len() > 1 && added.iter().all(|event| event.cpus.is_none()) {
                    self.groups.push(first..events.events().len());
                }
                self.sets.push(set);
                self.sets.len() - 1
            }
        };
        let mut places = Vec::with_capacity(ids.len());
        for id in ids {
            let in_set = self.sets.get(set).and_then(|set| set.get(id)).cloned();
            let known = || self.alone.get(id).filter(|_| merge || is_tool(id)).cloned();
            let place = if let Some(place) = in_set.or_else(known) {
                place
            } else {
                let place = one(id, events)?;
                self.alone.insert(id.clone(), place.clone());
                place
            };
            places.push(place);
        }
        Ok(places)
    }
}

fn one(id: &str, events: &mut Events<'_>) -> Result<Range<usize>, perfuse_format::event::EventError> {
    let first = events.events().len();
    let count = events.add(id)?;
    Ok(first..first + count)
}

/// The formulas over the events as they are shown; `parts` are the opened events of each of those.
pub(super) fn formulas(list: &List, parts: &[Vec<usize>]) -> Vec<Formula> {
    let shown = |opened: usize| parts.iter().position(|part| part.contains(&opened));
    let formula = |planned: &Planned| {
        let mut inputs = Vec::new();
        for (name, opened) in &planned.events {
            let source = match list.tool(opened.start) {
                Some(Tool::Duration) => Source::Seconds,
                tool => {
                    let mut indexes: Vec<usize> = opened.clone().filter_map(shown).collect();
                    indexes.dedup();
                    Source::Events { indexes, factor: if tool.is_some() { 1e-9 } else { 1.0 } }
                }
            };
            inputs.push(Input { name: name.clone(), source, sources: opened.len() as f64 });
        }
        let first = planned.events.iter().map(|(_, opened)| opened.start).min();
        let row = planned.at.and_then(shown).or_else(|| Formula::first_event(&inputs)).or(first.and_then(shown))?;
        Some(Formula {
            title: planned.title.clone(),
            expr: planned.expr.clone(),
            scale: planned.scale,
            style: planned.style,
            constants: planned.constants.clone(),
            inputs,
            row,
        })
    };
    list.planned.iter().filter_map(formula).collect()
}

#[cfg(test)]
mod tests {
    use perfuse_format::event::Offered;

    use super::*;

    #[test]
    fn events_are_shared_between_metrics() {
        let host = Offered::default();
        let mut events = Events::new(&host, Mode::Stat);
        let mut opened = Opened::default();
        let ids = |names: &str| names.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let large = opened.places(&ids("cs faults duration_time"), true, true, &mut events).unwrap();
        assert_eq!(large, [0..1, 1..2, 2..3]);
        assert_eq!(opened.places(&ids("faults duration_time"), true, true, &mut events).unwrap(), [1..2, 2..3]);
        assert_eq!(opened.places(&ids("faults"), true, false, &mut events).unwrap(), vec![Range { start: 3, end: 4 }]);
        assert_eq!(opened.places(&ids("migrations cs"), false, true, &mut events).unwrap(), [4..5, 0..1]);
        assert_eq!(opened.groups, vec![Range { start: 0, end: 2 }]);
    }
}
