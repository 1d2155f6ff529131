//! perf's event grammar: from `-e '{cycles,instructions}:u,sched:*'` to what `perf_event_open` is asked for.
//!
//! The grammar is pure. What a host offers (PMUs, their terms and named events, tracepoints and their ids) comes through
//! the trait [`Pmus`]. The facts are those of perf 6.1 (tools/perf/Documentation/perf-list.txt, and its behaviour).

pub mod error;
pub mod glob;
mod grammar;
pub mod host;
pub mod modifier;
pub mod names;
mod naming;
mod pmu;
mod terms;

#[cfg(test)]
mod tests;

pub use error::{EventError, Expected, Problem, TermsOf};
pub use host::{Format, Offered, Pmu, PmuEvent, Pmus, TraceDenied, Word};
pub use names::Tool;
pub use naming::name_of;

use crate::perfdata::attr::EventAttr;

/// Most events that one command can have: more cannot be opened anyway, and patterns could ask for more.
pub const MAX_EVENTS: usize = 1 << 16;

/// Who parses: `stat` refuses terms that are about samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Events are sampled.
    #[default]
    Record,
    /// Events are only counted.
    Stat,
}

/// Membership in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Number of the group, from 0 in the order of the text.
    pub index: usize,
    /// Whether the event leads it: it is opened first, and its file descriptor is the others' `group_fd`.
    pub leader: bool,
    /// Name of the group, when it was given one: `name{a,b}`.
    pub name: Option<String>,
}

/// Terms between the slashes that say how this event's samples are taken; each overrides the option for all events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordTerms {
    /// `period=N`: events between two samples.
    pub period: Option<u64>,
    /// The same out of a named event's own terms, which an option for all events overrides.
    pub weak_period: Option<u64>,
    /// `freq=N`: samples a second.
    pub freq: Option<u64>,
    /// `time=0|1`: time in samples.
    pub time: Option<bool>,
    /// `call-graph=no|fp|dwarf|lbr`.
    pub call_graph: Option<String>,
    /// `stack-size=N`: bytes of the user stack with `call-graph=dwarf`.
    pub stack_size: Option<u64>,
    /// `branch_type=...`.
    pub branch_type: Option<String>,
    /// `inherit` or `no-inherit`.
    pub inherit: Option<bool>,
    /// `max-stack=N`: most frames of a call chain.
    pub max_stack: Option<u64>,
    /// `nr=N`: the event ends after so many samples.
    pub max_events: Option<u64>,
    /// `overwrite` or `no-overwrite`.
    pub overwrite: Option<bool>,
    /// `percore=0|1`: hardware threads of a core are summed.
    pub percore: Option<bool>,
    /// `aux-output`: data go to the group leader's AUX area.
    pub aux_output: bool,
    /// `aux-sample-size=N`: bytes of AUX data in a sample.
    pub aux_sample_size: Option<u32>,
    /// `metric-id=...`.
    pub metric_id: Option<String>,
    /// `@term[=value]`: set up through the PMU's driver instead of the attribute.
    pub driver: Vec<String>,
}

/// One event to open.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in perf's grammar or in sysfs")]
pub struct EventSpec {
    /// As perf names it, such as `cpu-clock:ppp`, `sched:sched_switch` or what `name=` says.
    pub name: String,
    /// What is asked for: kind, config words, breakpoint, the `exclude_*` bits, precision, pinned, exclusive. Tracepoints,
    /// breakpoints and `bpf-output` also have `sample_period` 1 here, and tracepoints and `bpf-output` the `sample_type`
    /// bits without which their samples mean nothing (raw data, time, CPU, period).
    pub attr: EventAttr,
    /// The group, if it is in one.
    pub group: Option<Group>,
    /// Terms about samples.
    pub terms: RecordTerms,
    /// What a count is multiplied with before it is printed; 1 unless the PMU says otherwise.
    pub scale: f64,
    /// The unit of the product; empty when it is a plain count.
    pub unit: String,
    /// The PMU when the event was named through one (`pmu/.../`, or a named event of it).
    pub pmu: Option<String>,
    /// List of CPUs on which such a PMU's events are opened (`cpumask`), as sysfs gives it.
    pub cpus: Option<String>,
    /// The event counts for a whole package.
    pub per_package: bool,
    /// The value is a state, not a count: intervals show it as it is.
    pub snapshot: bool,
    /// A count that perf makes itself.
    pub tool: Option<Tool>,
    /// `P`: as precise as the PMU can.
    pub precise_max: bool,
    /// `S`: the leader's samples have the values of the whole group.
    pub sample_read: bool,
    /// `W`: the group falls apart when it cannot be scheduled.
    pub weak: bool,
    /// `b`: counted by a BPF program.
    pub bpf_counter: bool,
    /// `G` or `H` was given, so that fallbacks leave guest and host alone.
    pub exclude_gh: bool,
}

/// Parses one text after another (`-e` can be repeated) into one list of events.
pub struct Events<'h> {
    host: &'h dyn Pmus,
    mode: Mode,
    groups: usize,
    list: Vec<EventSpec>,
}

impl<'h> Events<'h> {
    /// No event yet.
    pub fn new(host: &'h dyn Pmus, mode: Mode) -> Self {
        Self { host, mode, groups: 0, list: Vec::new() }
    }

    /// The events of one text; how many they are. After a mistake nothing of the text was added.
    pub fn add(&mut self, text: &str) -> Result<usize, EventError> {
        let before = self.list.len();
        let events = grammar::parse(text, self.host, self.mode, self.groups)?;
        self.groups += events.iter().filter(|event| event.group.as_ref().is_some_and(|group| group.leader)).count();
        self.list.extend(events);
        Ok(self.list.len() - before)
    }

    /// The events so far.
    pub fn events(&self) -> &[EventSpec] {
        &self.list
    }

    /// All events.
    pub fn finish(self) -> Vec<EventSpec> {
        self.list
    }
}

/// The events of one text.
///
/// ```
/// use perfuse_format::event::{Mode, Offered, parse};
/// let events = parse("cs:u,{faults,cpu-clock}:S", &Offered::default(), Mode::Record).unwrap();
/// assert_eq!(events[0].name, "cs:u");
/// assert!(events[1].group.as_ref().unwrap().leader);
/// let error = parse("cs,fautls", &Offered::default(), Mode::Record).unwrap_err();
/// assert_eq!((error.at, error.nearest(1)), (3, vec!["faults"]));
/// ```
pub fn parse(text: &str, host: &dyn Pmus, mode: Mode) -> Result<Vec<EventSpec>, EventError> {
    grammar::parse(text, host, mode, 0)
}
