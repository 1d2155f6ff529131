//! The events of a measurement: those asked for or perf's own choice, with filters and cgroups.

use std::ffi::CString;
use std::fs::File;
use std::ops::Range;

use anyhow::Context as _;
use perfuse_analyze::Msg;
use perfuse_analyze::stat::{Aggregation, CountedEvent};
use perfuse_collect::Root;
use perfuse_collect::perf::cgroup;
use perfuse_collect::perf::cpus::parse_list;
use perfuse_collect::perf::function::function_filter;
use perfuse_collect::perf::pmu::HostEvents;
use perfuse_format::event::{EventSpec, Events, Group, MAX_EVENTS, Mode, Pmus as _, Tool};
use perfuse_format::live::StoredProbe;
use perfuse_format::perfdata::attr::{flag, kind, read_format, sample_type};

use super::NOT_SET_UP;
use super::metrics::{self, Planned};
use super::options::{Plan, Wanted};
use super::sets;
use crate::perf::options::UsageError;
use crate::perf::{Status, tables};

/// perf's choice, with the clock that fits what is watched.
const SOFTWARE: &str = "context-switches,cpu-migrations,page-faults,cycles";
const HARDWARE: &str = "instructions,branches,branch-misses";
/// What each `-d` adds.
const DETAILS: [&str; 3] = [
    "L1-dcache-loads,L1-dcache-load-misses,LLC-loads,LLC-load-misses",
    "L1-icache-loads,L1-icache-load-misses,dTLB-loads,dTLB-load-misses,iTLB-loads,iTLB-load-misses",
    "L1-dcache-prefetches,L1-dcache-prefetch-misses",
];

/// One event, ready to be opened.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) spec: EventSpec,
    /// Index of the leader of its group.
    pub(super) leader: Option<usize>,
    pub(super) cpus: Option<Vec<i32>>,
    pub(super) filter: Option<CString>,
    /// Index of its cgroup.
    pub(super) cgroup: Option<usize>,
    /// A probe that tracefs does not have, which a program counts.
    pub(super) stored: Option<StoredProbe>,
    /// Whether children of whoever is watched do not count: they would not inherit the function that is traced.
    pub(super) alone: bool,
}

impl Event {
    /// A probe that is the function tracer's is that event, limited to its function.
    fn be_function(&mut self) -> anyhow::Result<()> {
        let Some(probe) = &self.stored else { return Ok(()) };
        let Some(id) = tables::function_event_of(probe, self.filter.is_some())? else { return Ok(()) };
        (self.spec.attr.kind, self.spec.attr.config) = (kind::TRACEPOINT, id);
        self.filter = Some(CString::new(function_filter(&probe.hook.name))?);
        (self.stored, self.alone) = (None, true);
        Ok(())
    }
}

/// A cgroup to count in.
#[derive(Debug)]
pub(super) struct Cgroup {
    pub(super) name: String,
    pub(super) directory: File,
}

/// All events with their cgroups.
#[derive(Debug)]
pub(super) struct List {
    pub(super) events: Vec<Event>,
    /// Metrics over them.
    pub(super) planned: Vec<Planned>,
    /// What is to be said of metrics that are not there.
    pub(super) notes: Vec<Msg>,
    on_exec: bool,
    pub(super) cgroups: Vec<Cgroup>,
}

impl List {
    /// Reads the options; events are counted from the command's exec on if `on_exec`.
    pub(super) fn new(plan: &Plan, root: &Root, on_exec: bool) -> anyhow::Result<Self> {
        let mut list =
            Self { events: Vec::new(), planned: Vec::new(), notes: Vec::new(), on_exec, cgroups: Vec::new() };
        if plan.null {
            return Ok(list);
        }
        let host = tables::host(root);
        let mut events = Events::new(&host, Mode::Stat);
        let mut filters: Vec<Option<CString>> = Vec::new();
        let mut cgroups: Vec<Option<usize>> = Vec::new();
        let mut before = "";
        for wanted in &plan.wanted {
            match wanted {
                Wanted::Events(text) => {
                    add(&mut events, text)?;
                    before = text;
                }
                Wanted::Filter(filter) => filter_last(events.events(), before, &mut filters, filter)?,
                Wanted::Cgroups(names) => list.assign(names, events.events().len(), &mut cgroups, root)?,
            }
        }
        let groups = list.metrics(plan, root, &host, &mut events)?;
        if events.events().is_empty() {
            add(&mut events, if plan.watches_cpus() { "cpu-clock" } else { "task-clock" })?;
            add(&mut events, SOFTWARE)?;
            let stalled =
                |name: &&str| host.pmu("cpu").is_some_and(|cpu| cpu.events.iter().any(|one| one.name == **name));
            for name in ["stalled-cycles-frontend", "stalled-cycles-backend"].iter().filter(|name| stalled(name)) {
                add(&mut events, name)?;
            }
            add(&mut events, HARDWARE)?;
        }
        for details in DETAILS.iter().take(plan.detailed) {
            add(&mut events, details)?;
        }
        let mut specs = events.finish();
        for (number, group) in groups.into_iter().enumerate() {
            for (place, spec) in specs.get_mut(group).unwrap_or_default().iter_mut().enumerate() {
                // Behind all groups of the command line.
                spec.group = Some(Group { index: MAX_EVENTS + number, leader: place == 0, name: None });
                spec.weak = true;
            }
        }
        filters.resize(specs.len(), None);
        cgroups.resize(specs.len(), None);
        specs.iter().try_for_each(tables::refuse_unserved)?;
        for ((spec, filter), cgroup) in specs.into_iter().zip(filters).zip(cgroups) {
            let cpus = spec.cpus.as_ref().and_then(|cpus| parse_list(cpus.as_bytes()));
            let stored = tables::stored_probe(&spec);
            let mut event = Event { spec, leader: None, cpus, filter, cgroup, stored, alone: false };
            event.be_function()?;
            list.events.push(event);
        }
        list.lead(plan.group);
        if let Some(names) = &plan.for_each_cgroup {
            list.expand(names, root).map_err(|error| error.context(Status(NOT_SET_UP)))?;
        }
        for index in 0..list.events.len() {
            list.prepare(index, plan, on_exec);
        }
        Ok(list)
    }

    /// Adds the events of metrics; those that are to be scheduled together.
    fn metrics(
        &mut self,
        plan: &Plan,
        root: &Root,
        host: &HostEvents,
        events: &mut Events<'_>,
    ) -> anyhow::Result<Vec<Range<usize>>> {
        let has = |name: &str| host.pmu("cpu").is_some_and(|cpu| cpu.event(name).is_some());
        let refuse = |words: Msg| anyhow::Error::from(UsageError(words)).context(Status(NOT_SET_UP));
        if plan.transaction {
            if !has("cycles-t") || !has("tx-start") {
                return Err(refuse(Msg::new("stat-no-transaction")));
            }
            self.planned = sets::add_transactions(has("cycles-ct") && has("el-start"), events)?;
        }
        if plan.topdown {
            let found = sets::topdown(&has);
            let most = if let sets::Topdown::Slots(level) = found { level } else { 1 };
            if plan.topdown_level > most {
                return Err(refuse(Msg::new("stat-topdown-level").with("most", most.to_string())));
            }
            if found == sets::Topdown::Cores && (!plan.watches_cpus() || plan.aggregation != Aggregation::Core) {
                return Err(refuse(Msg::new("stat-topdown-cores")));
            }
            if found == sets::Topdown::None {
                return Err(refuse(Msg::new("stat-no-topdown")));
            }
            let level = if plan.topdown_level == 0 { most } else { plan.topdown_level };
            self.planned.extend(sets::add_topdown(&found, level, events)?);
        }
        let Some(names) = &plan.metrics else { return Ok(Vec::new()) };
        let added = metrics::add(names, host, root, plan.sharing, events)?;
        self.planned.extend(added.planned);
        self.notes = added.notes;
        Ok(added.groups)
    }

    /// Who leads whom.
    fn lead(&mut self, all: bool) {
        let mut leaders: Vec<(usize, usize)> = Vec::new();
        for (index, event) in self.events.iter_mut().enumerate() {
            event.leader = match &event.spec.group {
                _ if event.spec.tool.is_some() => None,
                _ if all => Some(*leaders.first().map_or(&index, |(_, first)| first)),
                None => None,
                Some(group) => match leaders.iter().find(|(number, _)| *number == group.index) {
                    Some((_, leader)) => Some(*leader),
                    None => Some(index),
                },
            };
            if event.leader == Some(index) {
                let number = event.spec.group.as_ref().map_or(0, |group| group.index);
                leaders.push((number, index));
            }
        }
    }

    /// The attribute as perf stat asks for it.
    fn prepare(&mut self, index: usize, plan: &Plan, on_exec: bool) {
        let members = |leader: usize| self.events.iter().filter(|event| event.leader == Some(leader)).count();
        let grouped = self.events.get(index).and_then(|event| event.leader).is_some_and(|leader| members(leader) > 1);
        let Some(event) = self.events.get_mut(index) else { return };
        let leads = event.leader.is_none_or(|leader| leader == index);
        let attr = &mut event.spec.attr;
        attr.read_format = read_format::TOTAL_TIME_ENABLED | read_format::TOTAL_TIME_RUNNING;
        if grouped {
            attr.read_format |= read_format::ID | read_format::GROUP;
        }
        attr.sample_period = 0;
        attr.sample_type = sample_type::IDENTIFIER;
        attr.flags &= !(flag::DISABLED | flag::INHERIT | flag::ENABLE_ON_EXEC | flag::FREQ);
        if event.spec.terms.inherit.unwrap_or(plan.inherit) && !event.alone {
            attr.flags |= flag::INHERIT;
        }
        if leads {
            attr.flags |= flag::DISABLED | if on_exec { flag::ENABLE_ON_EXEC } else { 0 };
        }
        if plan.all_user {
            attr.flags = (attr.flags | flag::EXCLUDE_KERNEL) & !flag::EXCLUDE_USER;
        }
        if plan.all_kernel {
            attr.flags = (attr.flags | flag::EXCLUDE_USER) & !flag::EXCLUDE_KERNEL;
        }
    }

    /// `-G a,b`: the first event without a cgroup is counted in `a`, the next in `b`; one alone is for all.
    fn assign(
        &mut self,
        names: &str,
        events: usize,
        cgroups: &mut Vec<Option<usize>>,
        root: &Root,
    ) -> anyhow::Result<()> {
        let names: Vec<&str> = names.split(',').collect();
        for name in &names {
            if cgroups.len() >= events {
                return Err(UsageError(Msg::new("usage-stat-cgroup-first")).into());
            }
            let index = if name.is_empty() { None } else { Some(self.open(name, root)?) };
            cgroups.push(index);
        }
        if let ([_], Some(only)) = (names.as_slice(), cgroups.last().copied()) {
            cgroups.resize(events, only);
        }
        Ok(())
    }

    fn open(&mut self, name: &str, root: &Root) -> anyhow::Result<usize> {
        let directory = cgroup::open(root, name).map_err(|(path, error)| {
            let words = Msg::new("usage-stat-cgroup").with("path", path.display().to_string());
            UsageError(words.with("error", error.to_string()))
        })?;
        self.cgroups.push(Cgroup { name: name.to_owned(), directory });
        Ok(self.cgroups.len() - 1)
    }

    /// `--for-each-cgroup a,b`: every event once in each.
    fn expand(&mut self, names: &str, root: &Root) -> anyhow::Result<()> {
        let once = std::mem::take(&mut self.events);
        let planned = std::mem::take(&mut self.planned);
        for name in matching(names, root)? {
            let cgroup = self.open(&name, root)?;
            let first = self.events.len();
            self.planned.extend(planned.iter().cloned().map(|mut planned| {
                for (_, events) in &mut planned.events {
                    *events = events.start + first..events.end + first;
                }
                planned.at = planned.at.map(|at| at + first);
                planned
            }));
            self.events.extend(once.iter().map(|event| Event {
                spec: event.spec.clone(),
                leader: event.leader.map(|leader| leader + first),
                cpus: event.cpus.clone(),
                filter: event.filter.clone(),
                cgroup: Some(cgroup),
                stored: event.stored.clone(),
                alone: event.alone,
            }));
        }
        Ok(())
    }

    /// The events as they are shown, and which of the opened ones each stands for: several PMUs of a kind (the memory
    /// controllers of a machine) are one row, unless `merge` is off.
    pub(super) fn shown(&self, merge: bool, hybrid_merge: bool) -> (Vec<CountedEvent>, Vec<Vec<usize>>) {
        let of_hybrid = |event: &Event| event.spec.pmu.as_deref().is_some_and(|pmu| pmu.starts_with("cpu_"));
        let mut shown: Vec<CountedEvent> = Vec::new();
        let mut parts: Vec<Vec<usize>> = Vec::new();
        for (index, event) in self.events.iter().enumerate() {
            let same = |first: &Event| {
                first.spec.name == event.spec.name
                    && first.spec.pmu != event.spec.pmu
                    && first.cgroup == event.cgroup
                    // The kinds of cores of one CPU are told apart, unless somebody wants their sum.
                    && (hybrid_merge || !of_hybrid(first) || !of_hybrid(event))
            };
            let several = event.spec.pmu.is_some() && self.events.iter().any(same);
            if several
                && merge
                && let Some(part) =
                    parts.iter_mut().find(|part| part.first().is_some_and(|first| same(&self.events[*first])))
            {
                part.push(index);
                continue;
            }
            let mut counted = CountedEvent::new(event.spec.name.clone(), &event.spec.attr);
            if several && !merge {
                counted.name = format!("{} [{}]", event.spec.name, event.spec.pmu.as_deref().unwrap_or_default());
            }
            if !event.spec.unit.is_empty() {
                counted.unit.clone_from(&event.spec.unit);
                counted.scale = event.spec.scale;
            } else if (event.spec.scale - 1.0).abs() > f64::EPSILON && counted.unit.is_empty() {
                counted.scale = event.spec.scale;
            }
            if event.spec.tool.is_some() {
                "ns".clone_into(&mut counted.unit);
                counted.scale = 1.0;
                counted.role = perfuse_analyze::stat::Role::Other;
            }
            counted.percore = event.spec.pmu.is_some() && event.spec.terms.percore == Some(true);
            counted.cgroup = event.cgroup.and_then(|index| self.cgroups.get(index)).map(|cgroup| cgroup.name.clone());
            shown.push(counted);
            parts.push(vec![index]);
        }
        (shown, parts)
    }

    /// Breaks up the group of an event that need not stand together; false if it is in none.
    pub(super) fn break_up(&mut self, index: usize, plan: &Plan) -> bool {
        let Some(leader) = self.events.get(index).filter(|event| event.spec.weak).and_then(|event| event.leader) else {
            return false;
        };
        let members: Vec<usize> =
            (0..self.events.len()).filter(|index| self.events[*index].leader == Some(leader)).collect();
        for member in &members {
            self.events[*member].leader = None;
        }
        for member in members {
            self.prepare(member, plan, self.on_exec);
        }
        true
    }

    /// What perf counts itself, by event.
    pub(super) fn tool(&self, index: usize) -> Option<Tool> {
        self.events.get(index)?.spec.tool
    }

    /// Leaves the kernel out of an event that may not see it; false if it was left out already, or cannot be.
    pub(super) fn leave_kernel_out(&mut self, index: usize) -> bool {
        let Some(event) = self.events.get_mut(index) else { return false };
        let attr = &mut event.spec.attr;
        if attr.flags & (flag::EXCLUDE_KERNEL | flag::EXCLUDE_USER) != 0 || attr.kind == kind::TRACEPOINT {
            return false;
        }
        attr.flags |= flag::EXCLUDE_KERNEL | flag::EXCLUDE_HV;
        let separator = if event.spec.name.contains([':', '/']) { "" } else { ":" };
        event.spec.name = format!("{}{separator}u", event.spec.name);
        true
    }
}

/// The cgroups of `--for-each-cgroup`: names, or regular expressions that any cgroup of the host may match.
fn matching(names: &str, root: &Root) -> anyhow::Result<Vec<String>> {
    const SPECIAL: [char; 13] = ['{', '}', '[', ']', '(', ')', '|', '*', '+', '?', '^', '$', '\\'];
    if !names.contains(SPECIAL) {
        return Ok(names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect());
    }
    let all = cgroup::names(root);
    let mut found: Vec<String> = Vec::new();
    for pattern in names.split(',').filter(|pattern| !pattern.is_empty()) {
        let expression = regex::Regex::new(pattern).map_err(|error| {
            UsageError::value("for-each-cgroup", pattern, Msg::new("usage-stat-regex").with("error", error.to_string()))
        })?;
        let fits = |name: &&String| expression.is_match(name) && !found.contains(name);
        let fitting: Vec<String> = all.iter().filter(fits).cloned().collect();
        found.extend(fitting);
    }
    if found.is_empty() {
        return Err(UsageError(Msg::new("usage-stat-no-cgroup").with("pattern", names)).into());
    }
    Ok(found)
}

fn add(events: &mut Events<'_>, text: &str) -> anyhow::Result<()> {
    events.add(text).map_err(|error| UsageError(crate::perf::words::event_words(&error)))?;
    Ok(())
}

/// Sets the filter of the event before it, or of all events of the pattern before it; `text` is the option they came from.
fn filter_last(
    events: &[EventSpec],
    text: &str,
    filters: &mut Vec<Option<CString>>,
    filter: &str,
) -> anyhow::Result<()> {
    let tracepoint = |event: &EventSpec| event.attr.kind == kind::TRACEPOINT;
    if !events.last().is_some_and(tracepoint) {
        return Err(UsageError(Msg::new("usage-stat-filter")).into());
    }
    let filter = CString::new(filter).context("--filter")?;
    let last_item = text.rsplit(',').next().unwrap_or_default();
    let pattern = last_item.contains(['*', '?', '[']);
    let system = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
    let last_system = events.last().map(|event| system(&event.name));
    filters.resize(events.len(), None);
    for (event, place) in events.iter().zip(filters).rev() {
        // A pattern gives neighbours; filters that were set before are of another option.
        let of_pattern = tracepoint(event) && Some(system(&event.name)) == last_system;
        if place.is_some() || !of_pattern {
            break;
        }
        *place = Some(filter.clone());
        if !pattern {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfuse_format::event::{Offered, parse};

    fn tracepoints() -> Vec<EventSpec> {
        let tracepoints = [("sched", "a", 1), ("sched", "b", 2), ("irq", "c", 3)]
            .map(|(system, name, id)| (system.to_owned(), name.to_owned(), id))
            .to_vec();
        let offered = Offered { tracepoints, ..Offered::default() };
        parse("sched:a,sched:b,irq:c,sched:a,sched:b", &offered, Mode::Stat).unwrap()
    }

    #[test]
    fn a_filter_is_of_the_event_or_the_pattern_before_it() {
        let events = tracepoints();
        let filtered = |text: &str| {
            let mut filters = Vec::new();
            filter_last(&events, text, &mut filters, "x == 1").unwrap();
            filters.iter().map(Option::is_some).collect::<Vec<_>>()
        };
        assert_eq!(filtered("irq:c,sched:a,sched:b"), [false, false, false, false, true]);
        assert_eq!(filtered("irq:c,sched:*"), [false, false, false, true, true]);
        let clock = parse("cpu-clock", &Offered::default(), Mode::Stat).unwrap();
        assert!(filter_last(&clock, "cpu-clock", &mut Vec::new(), "x == 1").is_err());
    }
}
