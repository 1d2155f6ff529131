//! How each event of a recording samples: the rules by which `perf record` fills in `struct perf_event_attr` from its
//! options, from the terms of the event and from what the events of one recording must have in common.

use perfuse_format::live::StoredProbe;
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind, read_format, sample_type};

use crate::perf::function::function_filter;

/// `PERF_COUNT_SW_DUMMY`: counts nothing; carries the records of mappings and tasks.
pub const DUMMY: u64 = 9;
/// `PERF_COUNT_SW_BPF_OUTPUT`.
const BPF_OUTPUT: u64 = 10;
/// What samples of waits may have.
const OF_WAITS: u64 = sample_type::IDENTIFIER
    | sample_type::IP
    | sample_type::TID
    | sample_type::TIME
    | sample_type::ID
    | sample_type::CPU
    | sample_type::PERIOD
    | sample_type::CALLCHAIN
    | sample_type::CGROUP;
/// `PERF_COUNT_SW_CPU_CLOCK`.
pub const CPU_CLOCK: u64 = 0;
/// The user registers that perf samples for unwinding: all but the segment registers on x86-64, all on aarch64
/// (`arch/*/include/uapi/asm/perf_regs.h`).
pub const USER_REGISTERS: u64 = if cfg!(target_arch = "aarch64") { (1 << 33) - 1 } else { 0xff_0fff };
/// `PERF_SAMPLE_BRANCH_*` of a call stack in the last branch records.
const BRANCH_CALL_STACK: u64 = 1 | 1 << 11 | 1 << 14 | 1 << 15 | 1 << 17;

/// How call chains are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallGraph {
    /// Not at all.
    #[default]
    None,
    /// By frame pointers, in the kernel.
    FramePointer,
    /// A copy of registers and of that many bytes of the stack, for unwinding later.
    Dwarf(u32),
    /// The CPU's last branch records.
    LastBranches,
}

/// Which of the sides of the kernel's boundary is wanted where the event itself does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// As each event says.
    #[default]
    AsNamed,
    /// User space only.
    User,
    /// Kernel only.
    Kernel,
}

/// What the options of the command ask of all events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Options {
    /// Samples a second; `None` with a fixed period.
    pub frequency: Option<u64>,
    /// Whether the rate was asked for (`-F`, `-c`): then it is also that of events which have one of their own.
    pub rate_given: bool,
    /// Events between two samples where neither a frequency nor the event says.
    pub period: u64,
    /// Call chains.
    pub call_graph: CallGraph,
    /// `--user-callchains` or `--kernel-callchains`.
    pub chains: Side,
    /// `--all-user` or `--all-kernel`.
    pub side: Side,
    /// Events are opened for CPUs, not only for threads.
    pub per_cpu: bool,
    /// The CPUs are watched, whoever runs there (`-a`, `-C`).
    pub whole_cpus: bool,
    /// A command is started, so that the events may wait for its `execve`.
    pub starts_command: bool,
    /// Measuring begins later (`-D`).
    pub delayed: bool,
    /// Children are not followed (`-i`).
    pub no_inherit: bool,
    /// Counts per task (`-s`).
    pub inherit_stat: bool,
    /// All events are one group (`--group`), the one that tells of mappings and tasks included.
    pub group: bool,
    /// No samples (`-n`).
    pub no_samples: bool,
    /// Data addresses (`-d`).
    pub addresses: bool,
    /// Physical addresses.
    pub physical: bool,
    /// Page size of the data address.
    pub data_page_size: bool,
    /// Page size of the code address.
    pub code_page_size: bool,
    /// `-T`: `Some(true)`; `--no-timestamp`: `Some(false)`.
    pub time: Option<bool>,
    /// `-P` and its opposite.
    pub sample_period: Option<bool>,
    /// `--sample-cpu`.
    pub cpu: bool,
    /// `-R`.
    pub raw: bool,
    /// `-W`.
    pub weight: bool,
    /// `--transaction`.
    pub transaction: bool,
    /// `--sample-identifier`.
    pub identifier: bool,
    /// Which branches (`-b`, `-j`); 0 for none.
    pub branches: u64,
    /// Registers at the interrupt (`-I`).
    pub interrupt_registers: u64,
    /// User registers (`--user-regs`).
    pub user_registers: u64,
    /// `--namespaces`.
    pub namespaces: bool,
    /// `--all-cgroups`.
    pub cgroups: bool,
    /// `--switch-events`.
    pub switches: bool,
    /// `--buildid-mmap`.
    pub build_id: bool,
    /// `--no-bpf-event`.
    pub no_bpf_event: bool,
    /// `--overwrite`.
    pub overwrite: bool,
    /// `--no-buffering`.
    pub no_buffering: bool,
    /// `--running-time`.
    pub running_time: bool,
    /// `-k`.
    pub clock: Option<i32>,
}

/// What the terms between an event's slashes ask of it alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// `period=`.
    pub period: Option<u64>,
    /// `freq=`.
    pub frequency: Option<u64>,
    /// `time=`.
    pub time: Option<bool>,
    /// `call-graph=`; [`CallGraph::None`] for `no`.
    pub call_graph: Option<CallGraph>,
    /// `stack-size=`.
    pub stack_size: Option<u32>,
    /// `max-stack=`.
    pub max_stack: Option<u16>,
    /// `branch_type=`; 0 for `no`.
    pub branches: Option<u64>,
    /// `inherit`, `no-inherit`.
    pub inherit: Option<bool>,
    /// `overwrite`, `no-overwrite`.
    pub overwrite: Option<bool>,
}

/// One event of the recording.
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Planned {
    /// As it stands in the file.
    pub name: String,
    /// What the kernel is asked for.
    pub attr: EventAttr,
    /// Index of the leader of its group: its own for most.
    pub leader: usize,
    /// Name of its group, if it was given one.
    pub group: Option<String>,
    /// Modifier `S`: the leader samples the values of the group.
    pub sample_read: bool,
    /// Modifier `W` of its group: it falls apart where the kernel refuses it as a whole.
    pub weak: bool,
    /// Modifier `P`: as precise as the hardware can.
    pub precise_max: bool,
    /// Terms.
    pub terms: Terms,
    /// Filter of a tracepoint.
    pub filter: Option<String>,
    /// Name of the cgroup that it is limited to.
    pub cgroup: Option<String>,
    /// CPUs of its PMU where those are not all (`cpumask`).
    pub cpus: Option<Vec<i32>>,
    /// System and name of a tracepoint.
    pub tracepoint: Option<(String, String)>,
    /// A probe that tracefs does not have: its samples are put out by a program, on every CPU and whoever runs there, or
    /// are those of the function tracer.
    pub stored: Option<Box<StoredProbe>>,
    /// Carries the records of mappings and tasks.
    pub tracking: bool,
    /// Enabled when opened, before the others: the tracking event of a system-wide recording.
    pub immediate: bool,
}

impl Planned {
    /// The dummy event that carries mappings and tasks while the others wait or sample.
    pub fn dummy(index: usize) -> Self {
        // A period, so that the kernel needs no timer for its frequency.
        let attr = EventAttr { kind: kind::SOFTWARE, config: DUMMY, sample_period: 1, ..EventAttr::default() };
        Self { name: "dummy:HG".to_owned(), attr, leader: index, ..Self::default() }
    }

    /// The event of the waits that `--off-cpu` sums up: its samples are not the kernel's.
    pub fn off_cpu(index: usize) -> Self {
        let attr = EventAttr {
            kind: kind::SOFTWARE,
            config: BPF_OUTPUT,
            sample_period: 1,
            flags: flag::FREQ,
            sample_type: sample_type::CALLCHAIN | sample_type::PERIOD,
            ..EventAttr::default()
        };
        Self { name: "offcpu-time".to_owned(), attr, leader: index, ..Self::default() }
    }

    /// The samples of a probe that tracefs does not have, where the event's own attributes are those of a tracepoint.
    #[must_use]
    pub fn with_stored(mut self, probe: StoredProbe) -> Self {
        (self.attr.kind, self.attr.config) = (kind::SOFTWARE, BPF_OUTPUT);
        self.tracepoint = None;
        // Its program decides whose hits count, and runs from the beginning.
        self.immediate = true;
        self.stored = Some(Box::new(probe));
        self
    }

    /// The samples of a probe that is the function tracer's: `id` is the number of its event. Whoever is watched is the
    /// kernel's part, as with every tracepoint.
    #[must_use]
    pub fn with_function(mut self, probe: StoredProbe, id: u64) -> Self {
        (self.attr.kind, self.attr.config) = (kind::TRACEPOINT, id);
        self.tracepoint = None;
        self.filter = Some(function_filter(&probe.hook.name));
        self.stored = Some(Box::new(probe));
        self
    }

    /// Whether its samples are put out by a program.
    pub fn is_of_program(&self) -> bool {
        self.stored.as_ref().is_some_and(|probe| probe.by_program())
    }

    /// The event as it stands in a file, where it is a tracepoint like any other.
    pub fn attr_in_file(&self) -> EventAttr {
        match &self.stored {
            Some(probe) => EventAttr { kind: kind::TRACEPOINT, config: probe.id.into(), ..self.attr },
            None => self.attr,
        }
    }

    /// Whether it is that one.
    pub fn is_off_cpu(&self) -> bool {
        self.attr.kind == kind::SOFTWARE && self.attr.config == BPF_OUTPUT && self.name == "offcpu-time"
    }

    pub(super) fn is_dummy(&self) -> bool {
        self.attr.kind == kind::SOFTWARE && self.attr.config == DUMMY
    }

    /// Whether it is the tracepoint of the function tracer, whose user call chains would fault.
    fn is_function(&self) -> bool {
        let named = self.tracepoint.as_ref().is_some_and(|(system, name)| system == "ftrace" && name == "function");
        named || self.stored.as_ref().is_some_and(|probe| !probe.by_program())
    }
}

/// Fills in every event.
pub fn configure(events: &mut Vec<Planned>, options: &Options) {
    choose_tracking(events, options);
    for at in 0..events.len() {
        let is_leader = events[at].leader == at;
        let group = events.iter().filter(|event| event.leader == events[at].leader).count();
        one(&mut events[at], options, is_leader, group);
    }
    follow_leaders(events);
    let first = events.first().map(|event| event.attr.sample_type);
    let differ = events.iter().any(|event| Some(event.attr.sample_type) != first);
    if options.identifier || events.len() > 1 {
        for event in events {
            identify(&mut event.attr, options.identifier || differ);
        }
    }
}

/// The first event tells of mappings and tasks, unless it is not enabled from the start: then a dummy does.
fn choose_tracking(events: &mut Vec<Planned>, options: &Options) {
    if !options.delayed
        && !options.whole_cpus
        && let Some(first) = events.first_mut().filter(|first| first.stored.is_none())
    {
        first.tracking = true;
        return;
    }
    let at = events.len();
    events.push(Planned::dummy(at));
    events[at].tracking = true;
    if options.group {
        events[at].leader = 0;
    }
    if options.delayed && !options.whole_cpus {
        events[at].attr.flags |= flag::ENABLE_ON_EXEC;
    } else {
        events[at].immediate = true;
    }
}

fn set(attr: &mut EventAttr, flag: u64, on: bool) {
    if on {
        attr.flags |= flag;
    } else {
        attr.flags &= !flag;
    }
}

/// The id in every record: in its fixed place where the sample types differ.
fn identify(attr: &mut EventAttr, fixed: bool) {
    attr.sample_type &= !sample_type::ID;
    attr.sample_type |= if fixed { sample_type::IDENTIFIER } else { sample_type::ID };
    attr.read_format |= read_format::ID;
}

fn one(event: &mut Planned, options: &Options, is_leader: bool, group: usize) {
    let track = event.tracking;
    let (is_dummy, is_function) = (event.is_dummy(), event.is_function());
    let of_program = event.is_of_program();
    // The kernel lets no program write to an event that children inherit, and a child does not inherit the function.
    let alone = event.stored.is_some();
    let attr = &mut event.attr;
    attr.flags |= flag::SAMPLE_ID_ALL;
    set(attr, flag::INHERIT, !options.no_inherit && !alone);
    set(attr, flag::WRITE_BACKWARD, options.overwrite);
    // Every event of perf has an id of its own to be told by.
    attr.read_format |= read_format::LOST | read_format::ID;
    attr.sample_type |= sample_type::IP | sample_type::TID;
    if event.sample_read {
        attr.sample_type |= sample_type::READ;
        identify(attr, false);
        if group > 1 {
            attr.read_format |= read_format::GROUP;
            set(attr, flag::INHERIT, false);
        }
    }
    if attr.sample_period == 0 || options.rate_given {
        set(attr, flag::FREQ, options.frequency.is_some());
        attr.sample_period = options.frequency.unwrap_or(options.period);
    }
    if attr.has(flag::FREQ) {
        attr.sample_type |= sample_type::PERIOD;
    }
    if options.no_samples {
        attr.sample_period = 0;
    }
    if options.inherit_stat {
        attr.read_format |= read_format::TOTAL_TIME_ENABLED | read_format::TOTAL_TIME_RUNNING | read_format::ID;
        attr.flags |= flag::INHERIT_STAT;
    }
    if is_function {
        attr.flags |= flag::EXCLUDE_CALLCHAIN_USER;
    }
    if options.addresses || matches!(options.call_graph, CallGraph::Dwarf(_)) {
        attr.sample_type |= sample_type::ADDR | sample_type::DATA_SRC;
        set(attr, flag::MMAP_DATA, track);
    }
    call_chains(attr, options.call_graph, None, is_function, options);
    sample_bits(attr, options, is_dummy);
    records(attr, options, track);
    if is_leader {
        attr.flags |= flag::DISABLED;
        set(attr, flag::ENABLE_ON_EXEC, options.starts_command && !options.delayed || attr.has(flag::ENABLE_ON_EXEC));
    }
    if event.immediate {
        set(attr, flag::DISABLED | flag::ENABLE_ON_EXEC, false);
    }
    if let Some(clock) = options.clock {
        attr.flags |= flag::USE_CLOCKID;
        attr.clockid = clock;
    }
    if event.precise_max {
        attr.flags |= 3 << flag::PRECISE_IP_SHIFT;
    }
    match options.side {
        Side::AsNamed => {}
        Side::User | Side::Kernel => {
            set(attr, flag::EXCLUDE_KERNEL, options.side == Side::User);
            set(attr, flag::EXCLUDE_USER, options.side == Side::Kernel);
        }
    }
    let terms = std::mem::take(&mut event.terms);
    own_terms(&mut event.attr, &terms, options, track, is_function);
    event.terms = terms;
    match options.sample_period {
        Some(true) => event.attr.sample_type |= sample_type::PERIOD,
        Some(false) => event.attr.sample_type &= !sample_type::PERIOD,
        None => {}
    }
    if of_program {
        // What a program puts out has none of its own; without one each stands for itself.
        event.attr.sample_type &= !sample_type::PERIOD;
    }
    if is_dummy {
        event.attr.sample_type &= !sample_type::BRANCH_STACK;
    }
    if event.is_off_cpu() {
        event.attr.sample_type = event.attr.sample_type & OF_WAITS | sample_type::CALLCHAIN | sample_type::PERIOD;
        (event.attr.sample_regs_user, event.attr.sample_stack_user, event.attr.sample_regs_intr) = (0, 0, 0);
    }
}

/// What stands in the samples.
fn sample_bits(attr: &mut EventAttr, options: &Options, is_dummy: bool) {
    let mut add = |bits: u64, on: bool| {
        if on {
            attr.sample_type |= bits;
        }
    };
    add(sample_type::CPU, options.whole_cpus || options.cpu);
    let time = options.time.unwrap_or(true);
    add(
        sample_type::TIME,
        time && (!options.no_inherit || options.per_cpu || options.whole_cpus || options.time == Some(true)),
    );
    add(sample_type::TIME | sample_type::RAW | sample_type::CPU, options.raw);
    add(sample_type::PHYS_ADDR, options.physical);
    add(sample_type::DATA_PAGE_SIZE, options.data_page_size);
    add(sample_type::CODE_PAGE_SIZE, options.code_page_size);
    // On x86 the parts of a weight have fields of their own.
    let weight = if cfg!(target_arch = "x86_64") { sample_type::WEIGHT_STRUCT } else { sample_type::WEIGHT };
    add(weight, options.weight);
    add(sample_type::TRANSACTION, options.transaction);
    add(sample_type::CGROUP, options.cgroups);
    add(sample_type::BRANCH_STACK, options.branches != 0);
    add(sample_type::REGS_INTR, options.interrupt_registers != 0 && !is_dummy);
    add(sample_type::REGS_USER, options.user_registers != 0 && !is_dummy);
    if options.branches != 0 {
        attr.branch_sample_type = options.branches;
    }
    if !is_dummy {
        attr.sample_regs_intr |= options.interrupt_registers;
        attr.sample_regs_user |= options.user_registers;
    }
}

/// Which records stand between the samples, and when we are woken.
fn records(attr: &mut EventAttr, options: &Options, track: bool) {
    for bits in [flag::TASK, flag::MMAP, flag::MMAP2, flag::COMM, flag::COMM_EXEC, flag::KSYMBOL] {
        set(attr, bits, track);
    }
    set(attr, flag::BUILD_ID, track && options.build_id);
    set(attr, flag::BPF_EVENT, track && !options.no_bpf_event);
    set(attr, flag::NAMESPACES, track && options.namespaces);
    set(attr, flag::CGROUP, track && options.cgroups);
    set(attr, flag::CONTEXT_SWITCH, track && options.switches);
    if options.no_buffering {
        set(attr, flag::WATERMARK, false);
        attr.wakeup = 1;
    }
    if options.running_time {
        attr.read_format |= read_format::TOTAL_TIME_ENABLED | read_format::TOTAL_TIME_RUNNING;
    }
}

fn call_chains(attr: &mut EventAttr, graph: CallGraph, depth: Option<u16>, is_function: bool, options: &Options) {
    if graph == CallGraph::None {
        return;
    }
    attr.sample_type |= sample_type::CALLCHAIN;
    attr.sample_max_stack = depth.unwrap_or(0);
    match options.chains {
        Side::AsNamed => {}
        Side::Kernel => attr.flags |= flag::EXCLUDE_CALLCHAIN_USER,
        Side::User => attr.flags |= flag::EXCLUDE_CALLCHAIN_KERNEL,
    }
    match graph {
        // The branches of the user are taken; where the kernel alone is watched, frame pointers do.
        CallGraph::LastBranches if options.branches == 0 && !attr.has(flag::EXCLUDE_USER) => {
            attr.sample_type |= sample_type::BRANCH_STACK;
            attr.branch_sample_type = BRANCH_CALL_STACK;
        }
        CallGraph::Dwarf(bytes) if !is_function => {
            attr.sample_type |= sample_type::REGS_USER | sample_type::STACK_USER;
            attr.sample_regs_user |= USER_REGISTERS;
            attr.sample_stack_user = bytes;
            attr.flags |= flag::EXCLUDE_CALLCHAIN_USER;
        }
        _ => {}
    }
}

/// The terms of the event win over the options.
fn own_terms(attr: &mut EventAttr, terms: &Terms, options: &Options, track: bool, is_function: bool) {
    if let Some(period) = terms.period {
        attr.sample_period = period;
        set(attr, flag::FREQ, false);
        attr.sample_type &= !sample_type::PERIOD;
    }
    if let Some(frequency) = terms.frequency {
        attr.sample_period = frequency;
        set(attr, flag::FREQ, true);
        attr.sample_type |= sample_type::PERIOD;
    }
    match terms.time {
        Some(true) => attr.sample_type |= sample_type::TIME,
        Some(false) => attr.sample_type &= !sample_type::TIME,
        None => {}
    }
    match terms.branches {
        Some(0) => attr.sample_type &= !sample_type::BRANCH_STACK,
        Some(branches) => {
            attr.sample_type |= sample_type::BRANCH_STACK;
            attr.branch_sample_type = branches;
        }
        None => {}
    }
    if let Some(inherit) = terms.inherit {
        set(attr, flag::INHERIT, inherit);
    }
    if let Some(overwrite) = terms.overwrite {
        set(attr, flag::WRITE_BACKWARD, overwrite);
    }
    if terms.call_graph.is_none() && terms.stack_size.is_none() && terms.max_stack.is_none() {
        return;
    }
    // The event's own way replaces the common one. A depth alone means frame pointers; a size alone changes the size.
    let mut graph = match (terms.call_graph, terms.max_stack) {
        (Some(graph), _) => graph,
        (None, Some(_)) => CallGraph::FramePointer,
        (None, None) => options.call_graph,
    };
    if let (CallGraph::Dwarf(bytes), Some(size)) = (&mut graph, terms.stack_size) {
        *bytes = size.next_multiple_of(8);
    }
    match options.call_graph {
        CallGraph::None => {}
        CallGraph::FramePointer => attr.sample_type &= !sample_type::CALLCHAIN,
        CallGraph::LastBranches => {
            attr.sample_type &= !(sample_type::CALLCHAIN | sample_type::BRANCH_STACK);
            attr.branch_sample_type &= !(1 | 1 << 11 | 1 << 17);
        }
        CallGraph::Dwarf(_) => {
            attr.sample_type &= !(sample_type::CALLCHAIN | sample_type::REGS_USER | sample_type::STACK_USER);
        }
    }
    if matches!(graph, CallGraph::Dwarf(_)) {
        attr.sample_type |= sample_type::ADDR | sample_type::DATA_SRC;
        set(attr, flag::MMAP_DATA, track);
    }
    call_chains(attr, graph, terms.max_stack, is_function, options);
}

/// Where a leader samples for its group, the members do not sample themselves but look alike.
fn follow_leaders(events: &mut [Planned]) {
    for at in 0..events.len() {
        let leader = events[at].leader;
        if leader == at || !events.get(leader).is_some_and(|leader| leader.sample_read) {
            continue;
        }
        let sample_type = events[leader].attr.sample_type;
        let attr = &mut events[at].attr;
        set(attr, flag::FREQ | flag::WRITE_BACKWARD, false);
        attr.sample_period = 0;
        attr.sample_type = sample_type;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON: u64 = sample_type::IP | sample_type::TID | sample_type::TIME;
    const ALL_CPUS: Options = Options { whole_cpus: true, per_cpu: true, ..DEFAULT };
    const DEFAULT: Options = Options {
        frequency: Some(4000),
        rate_given: false,
        period: 0,
        call_graph: CallGraph::None,
        chains: Side::AsNamed,
        side: Side::AsNamed,
        per_cpu: true,
        whole_cpus: false,
        starts_command: false,
        delayed: false,
        no_inherit: false,
        inherit_stat: false,
        group: false,
        no_samples: false,
        addresses: false,
        physical: false,
        data_page_size: false,
        code_page_size: false,
        time: None,
        sample_period: None,
        cpu: false,
        raw: false,
        weight: false,
        transaction: false,
        identifier: false,
        branches: 0,
        interrupt_registers: 0,
        user_registers: 0,
        namespaces: false,
        cgroups: false,
        switches: false,
        build_id: false,
        no_bpf_event: false,
        overwrite: false,
        no_buffering: false,
        running_time: false,
        clock: None,
    };

    fn cycles() -> Planned {
        Planned { name: "cycles:P".to_owned(), precise_max: true, ..Planned::default() }
    }

    fn tracepoint() -> Planned {
        let sample_type = sample_type::RAW | sample_type::TIME | sample_type::CPU | sample_type::PERIOD;
        let attr = EventAttr { kind: kind::TRACEPOINT, sample_period: 1, sample_type, ..EventAttr::default() };
        Planned { name: "sched:sched_switch".to_owned(), attr, ..Planned::default() }
    }

    fn configured(events: Vec<Planned>, options: Options) -> Vec<EventAttr> {
        let mut events = events;
        for (at, event) in events.iter_mut().enumerate() {
            event.leader = if event.leader == usize::MAX { 0 } else { at };
        }
        configure(&mut events, &options);
        events.into_iter().map(|event| event.attr).collect()
    }

    const TRACKING: u64 = flag::MMAP
        | flag::COMM
        | flag::TASK
        | flag::MMAP2
        | flag::COMM_EXEC
        | flag::KSYMBOL
        | flag::BPF_EVENT
        | flag::SAMPLE_ID_ALL
        | flag::INHERIT;

    #[test]
    fn a_command_is_measured_from_its_exec() {
        let options = Options { frequency: Some(99), rate_given: true, starts_command: true, ..DEFAULT };
        let [attr] = configured(vec![cycles()], options)[..] else { panic!() };
        assert_eq!(attr.sample_type, COMMON | sample_type::PERIOD);
        assert_eq!(attr.read_format, read_format::ID | read_format::LOST);
        let flags = TRACKING | flag::DISABLED | flag::FREQ | flag::ENABLE_ON_EXEC | 3 << flag::PRECISE_IP_SHIFT;
        assert_eq!((attr.flags, attr.sample_period), (flags, 99));
    }

    #[test]
    fn all_cpus_need_an_event_for_mappings() {
        let options =
            Options { frequency: Some(99), rate_given: true, call_graph: CallGraph::FramePointer, ..ALL_CPUS };
        let [attr, dummy] = configured(vec![cycles()], options)[..] else { panic!() };
        let bits = COMMON | sample_type::CALLCHAIN | sample_type::ID | sample_type::CPU | sample_type::PERIOD;
        assert_eq!((attr.sample_type, dummy.sample_type), (bits, bits));
        assert_eq!(
            attr.flags,
            flag::DISABLED | flag::INHERIT | flag::FREQ | flag::SAMPLE_ID_ALL | 3 << flag::PRECISE_IP_SHIFT
        );
        assert_eq!((dummy.flags, dummy.sample_period, dummy.config), (TRACKING | flag::FREQ, 99, DUMMY));
    }

    #[test]
    fn different_sample_types_need_the_id_first() {
        let [attr, dummy] = configured(vec![tracepoint()], ALL_CPUS)[..] else { panic!() };
        let common = COMMON | sample_type::CPU | sample_type::IDENTIFIER;
        assert_eq!(attr.sample_type, common | sample_type::PERIOD | sample_type::RAW);
        assert_eq!((dummy.sample_type, dummy.sample_period), (common, 1));
        assert_eq!((attr.sample_period, attr.has(flag::FREQ)), (1, false));
        // A rate that was asked for is that of tracepoints too.
        let options = Options { frequency: Some(100), rate_given: true, ..ALL_CPUS };
        let attr = configured(vec![tracepoint()], options)[0];
        assert_eq!((attr.sample_period, attr.has(flag::FREQ)), (100, true));
    }

    #[test]
    fn dwarf_takes_registers_and_stack_but_no_user_chain() {
        let options = Options { call_graph: CallGraph::Dwarf(8192), ..DEFAULT };
        let attr = configured(vec![cycles()], options)[0];
        let bits = sample_type::ADDR
            | sample_type::CALLCHAIN
            | sample_type::PERIOD
            | sample_type::REGS_USER
            | sample_type::STACK_USER
            | sample_type::DATA_SRC;
        assert_eq!(attr.sample_type, COMMON | bits);
        assert!(attr.has(flag::EXCLUDE_CALLCHAIN_USER) && attr.has(flag::MMAP_DATA));
        assert_eq!((attr.sample_stack_user, attr.sample_regs_user), (8192, USER_REGISTERS));
    }

    #[test]
    fn terms_win_over_options() {
        let options = Options { call_graph: CallGraph::FramePointer, ..DEFAULT };
        let with = |terms: Terms| configured(vec![Planned { terms, ..tracepoint() }], options)[0];
        assert_eq!(with(Terms { max_stack: Some(2), ..Terms::default() }).sample_max_stack, 2);
        let none = with(Terms { call_graph: Some(CallGraph::None), ..Terms::default() });
        assert!(!none.samples(sample_type::CALLCHAIN));
        let dwarf =
            with(Terms { call_graph: Some(CallGraph::Dwarf(8192)), stack_size: Some(4095), ..Terms::default() });
        assert_eq!(dwarf.sample_stack_user, 4096);
        let rate = with(Terms { frequency: Some(10), ..Terms::default() });
        assert_eq!((rate.sample_period, rate.has(flag::FREQ)), (10, true));
        let period = with(Terms { period: Some(7), inherit: Some(false), ..Terms::default() });
        assert_eq!((period.sample_period, period.has(flag::INHERIT)), (7, false));
    }

    #[test]
    fn a_leader_that_samples_for_its_group_is_the_only_one() {
        let member = Planned { leader: usize::MAX, sample_read: true, ..tracepoint() };
        let events = vec![Planned { sample_read: true, ..tracepoint() }, member];
        let [leader, member, _] = configured(events, ALL_CPUS)[..] else { panic!() };
        assert!(leader.samples(sample_type::READ) && leader.read_format & read_format::GROUP != 0);
        assert_eq!((member.sample_period, member.sample_type), (0, leader.sample_type));
        assert!(leader.has(flag::DISABLED) && !member.has(flag::DISABLED) && !leader.has(flag::INHERIT));
    }

    #[test]
    fn a_delayed_recording_tracks_from_the_exec() {
        let options = Options { starts_command: true, delayed: true, ..DEFAULT };
        let [attr, dummy] = configured(vec![cycles()], options)[..] else { panic!() };
        assert!(!attr.has(flag::ENABLE_ON_EXEC) && !attr.has(flag::MMAP));
        assert!(dummy.has(flag::ENABLE_ON_EXEC) && dummy.has(flag::MMAP));
    }
}
