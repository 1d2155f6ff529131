//! The programs that run for one perfuse, and what they measured.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use perfuse_format::bpf::{OpenFiles, OpenWait, Table as _};
use perfuse_format::btf::Btf;
use perfuse_format::sys::capability::{Capabilities, Capability};
use perfuse_format::tasks::TASK_ROW;
use perfuse_format::{Missing, RawSnapshot, Reading, Why};

use super::error::LoadError;
use super::hook::{Hook, iterate, possible_cpus};
use super::kernel::{KERNEL_BTF, KernelBtf};
use super::level::pid_level;
use super::link::{Places, link};
use super::load::{enable_stats, load, run_stats};
use super::map::{Map, header, kind};
use super::object::{Function, Global, MapSpec, Object, Reference};
use super::program::Program;

/// Threads that load programs; more would wait for each other's code to be patched in.
const MAX_THREADS: usize = 4;
/// The knob of programs that tell pids: how deep the reader's pid namespace lies.
const PID_LEVEL: &str = "pid_ns_level";
/// Maps of this prefix are working state.
const WORKING: &str = "w_";
/// The map of stacks, which is read apart.
const STACKS: &str = "stacks";
/// The source of the names of `enum skb_drop_reason`: lines `NUMBER NAME`.
pub const DROP_REASONS: &str = "@bpf/skb_drop_reasons";
/// The source of what became of each program: the format of `@capabilities`, ids `bpf/PROGRAM/FUNCTION`.
pub const STATUS: &str = "@bpf/status";

/// How programs are loaded.
#[derive(Debug, Clone)]
pub struct Options {
    /// Values of `const volatile` variables by name, such as thresholds in nanoseconds.
    pub knobs: BTreeMap<String, u64>,
    /// Other sizes of maps than their objects ask for, by name.
    pub max_entries: BTreeMap<String, u32>,
    /// Makes the kernel count what the programs cost ([`BpfSet::costs`]); itself some 20 ns a run.
    pub run_stats: bool,
    /// The kernel's BTF.
    pub btf: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self { knobs: BTreeMap::new(), max_entries: BTreeMap::new(), run_stats: false, btf: KERNEL_BTF.into() }
    }
}

/// What became of one function of a program.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgramStatus {
    /// The object that it belongs to.
    pub program: Program,
    /// Its name in C; empty when the object as a whole failed.
    pub function: String,
    /// Its hook, such as `tp_btf/sched_switch`.
    pub hook: String,
    /// Whether it runs, or why not.
    pub running: Reading<()>,
}

/// What one function of a program cost so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// The object that it belongs to.
    pub program: Program,
    /// Its name in C.
    pub function: String,
    /// Nanoseconds of CPU time inside it.
    pub run_time_ns: u64,
    /// How often it ran.
    pub runs: u64,
}

/// A function that runs.
#[derive(Debug)]
struct Unit {
    program: Program,
    function: String,
    hook: Hook,
    fd: OwnedFd,
    links: Vec<OwnedFd>,
}

/// Loaded and attached programs. Dropping it detaches all of them.
#[derive(Debug, Default)]
pub struct BpfSet {
    units: Vec<Unit>,
    maps: BTreeMap<String, Map>,
    /// Which programs use a map.
    users: BTreeMap<String, BTreeSet<Program>>,
    globals: Vec<(Program, Global, Map)>,
    /// Tables that cannot be trusted or are not there, with the errno that says why.
    failed: BTreeMap<String, i32>,
    status: Vec<ProgramStatus>,
    drop_reasons: Vec<u8>,
    stats: Option<OwnedFd>,
}

/// An object whose maps are there.
struct Job<'a> {
    program: Program,
    object: Object<'a>,
    /// The object's own types.
    types: Btf<'a>,
    places: Places,
}

/// What all loads of one call share.
struct Context<'k> {
    kernel: Btf<'k>,
    cpus: usize,
    /// How deep our pid namespace lies below the first one.
    pid_level: u64,
    options: &'k Options,
}

impl BpfSet {
    /// Loads and attaches what the kernel allows of `programs`; says of each function whether it runs.
    pub fn load(programs: &[Program], options: &Options) -> (Self, Vec<ProgramStatus>) {
        let objects = programs.iter().map(|program| (*program, program.object())).collect::<Vec<_>>();
        Self::load_objects(&objects, options)
    }

    /// As [`BpfSet::load`], with objects of the caller's. Any bytes will do; damaged ones are refused.
    pub fn load_objects(objects: &[(Program, &[u8])], options: &Options) -> (Self, Vec<ProgramStatus>) {
        let counting = if options.run_stats { enable_stats().ok() } else { None };
        let mut set = Self { stats: counting, ..Self::default() };
        set.add_objects(objects, options);
        let status = set.status.clone();
        (set, status)
    }

    fn add_objects(&mut self, objects: &[(Program, &[u8])], options: &Options) {
        let parsed: Vec<_> = objects.iter().map(|(program, bytes)| (*program, Object::parse(bytes))).collect();
        let bytes = allowed().and_then(|()| KernelBtf::open(&options.btf));
        let context = bytes.as_ref().map_err(LoadError::clone).and_then(|bytes| {
            let kernel = Btf::parse(bytes.bytes()).map_err(|error| LoadError::NoBtf(error.to_string()))?;
            let pid_level = pid_level(&kernel);
            Ok(Context { kernel, cpus: possible_cpus()?, pid_level, options })
        });
        let context = match context {
            Ok(context) => context,
            Err(error) => {
                // What the kernel refuses altogether says more than a single object does.
                for (program, object) in parsed {
                    self.refuse_all(program, &object.unwrap_or_default(), &error);
                }
                return;
            }
        };
        let mut jobs = Vec::new();
        for (program, object) in parsed {
            match object {
                Ok(object) => match self.prepare(program, &object, &context) {
                    Ok(job) => jobs.push(job),
                    Err(error) => self.refuse_all(program, &object, &error),
                },
                Err(error) => self.refuse_all(program, &Object::default(), &error),
            }
        }
        for (job, results) in run_all(&jobs, &context) {
            self.take(job, results);
        }
        if self.is_running(Program::Skb) {
            self.drop_reasons = enum_lines(&context.kernel, "skb_drop_reason");
        }
    }

    /// Notes that nothing of an object runs.
    fn refuse_all(&mut self, program: Program, object: &Object<'_>, error: &LoadError) {
        self.status.push(ProgramStatus {
            program,
            function: String::new(),
            hook: String::new(),
            running: Reading::Missing(error.missing()),
        });
        for spec in object.maps.iter().filter(|spec| is_table(spec)) {
            if !self.maps.contains_key(&spec.name) {
                self.failed.insert(spec.name.clone(), error.errno());
            }
        }
    }

    /// Sets the knobs of an object and creates its maps.
    fn prepare<'a>(
        &mut self,
        program: Program,
        object: &Object<'a>,
        context: &Context<'_>,
    ) -> Result<Job<'a>, LoadError> {
        let mut object = object.clone();
        // False for the knob of another program: nothing to set here.
        let _ = object.set(PID_LEVEL, context.pid_level);
        for (name, value) in &context.options.knobs {
            let _ = object.set(name, *value);
        }
        let types = Btf::parse(object.btf).map_err(|error| LoadError::Object(error.to_string()))?;
        let places = self.create_maps(program, &object, context)?;
        Ok(Job { program, object, types, places })
    }

    /// Takes in what became of an object's functions, in their order.
    fn take(&mut self, job: &Job<'_>, results: Vec<Result<Unit, LoadError>>) {
        let mut failures = Vec::new();
        for (function, result) in job.object.functions.iter().zip(results) {
            let running = match &result {
                Ok(_) => Reading::Value(()),
                Err(error) => Reading::Missing(error.missing()),
            };
            let hook = job.object.hook(function).to_owned();
            self.status.push(ProgramStatus { program: job.program, function: function.name.clone(), hook, running });
            match result {
                Ok(unit) => self.units.push(unit),
                Err(error) => failures.push((function, error)),
            }
        }
        self.failed.extend(tainted(&job.object, &failures));
    }

    /// Creates the maps that the object defines and nobody made yet, and its globals.
    fn create_maps(
        &mut self,
        program: Program,
        object: &Object<'_>,
        context: &Context<'_>,
    ) -> Result<Places, LoadError> {
        let mut places = Places::default();
        let mut made = Vec::new();
        for spec in &object.maps {
            let mut spec = spec.clone();
            if let Some(entries) = context.options.max_entries.get(&spec.name) {
                spec.max_entries = *entries;
            }
            let immediate = match self.maps.get(&spec.name) {
                Some(map) if same_layout(map.spec(), &spec) => map.immediate(),
                Some(_) => return Err(LoadError::Object(format!("map {} differs from another program's", spec.name))),
                None => {
                    let map = Map::create(&spec, context.cpus)?;
                    let immediate = map.immediate();
                    made.push((spec.name.clone(), map));
                    immediate
                }
            };
            places.maps.insert(spec.name.clone(), immediate);
        }
        let mut globals = Vec::new();
        for (index, global) in object.globals.iter().enumerate().filter(|(_, global)| !global.bytes.is_empty()) {
            let map = Map::for_global(global, context.cpus)?;
            places.globals.insert(index, map.immediate());
            globals.push((program, global.clone(), map));
        }
        // Only now that all of them are there.
        self.maps.extend(made);
        self.globals.extend(globals);
        for spec in &object.maps {
            self.users.entry(spec.name.clone()).or_default().insert(program);
        }
        Ok(places)
    }

    /// What became of each function, detached ones included.
    pub fn status(&self) -> &[ProgramStatus] {
        &self.status
    }

    /// Whether at least one function of a program runs.
    pub fn is_running(&self, program: Program) -> bool {
        self.units.iter().any(|unit| unit.program == program)
    }

    /// Whether anything runs.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Puts all threads of the host in as `@bpf/tasks`. False if the iterator does not run, and then `/proc` is to be read.
    pub fn sweep_tasks(&self, raw: &mut RawSnapshot) -> bool {
        self.sweep(Program::Tasks, TASK_ROW, raw)
    }

    /// Puts the open files of all processes in as `@bpf/files`. False if the iterator does not run.
    pub fn sweep_files(&self, raw: &mut RawSnapshot) -> bool {
        self.sweep(Program::Files, OpenFiles::ROW, raw)
    }

    /// Puts the waits that are not over yet in as `@bpf/waits`. False if the iterator does not run.
    ///
    /// The first call makes the time of whoever sleeps already count from then on.
    pub fn sweep_waits(&self, raw: &mut RawSnapshot) -> bool {
        self.sweep(Program::Waits, OpenWait::ROW, raw)
    }

    /// Runs the iterator of a program, which writes rows of `row` bytes.
    fn sweep(&self, program: Program, row: usize, raw: &mut RawSnapshot) -> bool {
        let iterators = |unit: &&Unit| unit.program == program && matches!(unit.hook, Hook::Iter(_));
        let Some(unit) = self.units.iter().find(iterators) else { return false };
        let Some(link) = unit.links.first() else { return false };
        let mut bytes = vec![0; header(row, 0, 0).len()];
        let start = bytes.len();
        if iterate(link.as_fd(), &mut bytes).is_err() {
            return false;
        }
        let rows = (bytes.len() - start) / row;
        // Half a row at the end would make the whole table unreadable.
        bytes.truncate(start + rows * row);
        bytes[..start].copy_from_slice(&header(row, rows, 0));
        raw.put(format!("@bpf/{}", program.name()), bytes);
        true
    }

    /// Puts every table but the stacks in, or the reason why it is not there.
    pub fn read_into(&self, raw: &mut RawSnapshot) {
        let lost = self.lost();
        for (name, map) in self.maps.iter().filter(|(name, map)| *name != STACKS && is_table(map.spec())) {
            Self::read_table(name, map, &lost, raw);
        }
        for (name, errno) in &self.failed {
            raw.put_errno(format!("@bpf/{name}"), *errno);
        }
    }

    fn read_table(name: &str, map: &Map, lost: &BTreeMap<String, u64>, raw: &mut RawSnapshot) {
        let source = format!("@bpf/{name}");
        match map.table(lost.get(name).copied().unwrap_or(0)) {
            Ok(table) => raw.put(source, table),
            Err(errno) => raw.put_errno(source, errno.0),
        }
    }

    /// Puts in what need not be read each second: the stacks that rows refer to, the names of drop reasons, and what
    /// became of each program. For the first and the last snapshot.
    pub fn read_slow_into(&self, raw: &mut RawSnapshot) {
        if let Some(map) = self.maps.get(STACKS) {
            Self::read_table(STACKS, map, &self.lost(), raw);
        }
        if !self.drop_reasons.is_empty() {
            raw.put(DROP_REASONS, self.drop_reasons.clone());
        }
        raw.put(STATUS, status_lines(&self.status));
    }

    /// The addresses of one stack, innermost first; empty if it is not (or no longer) there.
    pub fn stack(&self, id: u64) -> Vec<u64> {
        let Some(map) = self.maps.get(STACKS) else { return Vec::new() };
        let value = map.lookup(&id.to_ne_bytes()).unwrap_or_default();
        let (words, _) = value.as_chunks::<8>();
        words.iter().map(|word| u64::from_ne_bytes(*word)).take_while(|address| *address != 0).collect()
    }

    /// Updates that maps refused, by the name of the map.
    fn lost(&self) -> BTreeMap<String, u64> {
        let mut lost = BTreeMap::new();
        for (_, global, map) in &self.globals {
            let counters: Vec<_> =
                global.variables.iter().filter_map(|(name, at)| Some((name.strip_prefix("lost_")?, *at))).collect();
            if counters.is_empty() {
                continue;
            }
            let Ok(value) = map.lookup(&0_u32.to_ne_bytes()) else { continue };
            for (name, (at, _)) in counters {
                let count = value.get(at..at + 8).map_or(0, |word| word.try_into().map_or(0, u64::from_ne_bytes));
                let sum: &mut u64 = lost.entry(name.to_owned()).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        lost
    }

    /// What each function cost since the set was loaded; empty unless [`Options::run_stats`] was set and allowed.
    pub fn costs(&self) -> Vec<Cost> {
        if self.stats.is_none() {
            return Vec::new();
        }
        let cost = |unit: &Unit| {
            let (run_time_ns, runs) = run_stats(unit.fd.as_fd()).ok()?;
            Some(Cost { program: unit.program, function: unit.function.clone(), run_time_ns, runs })
        };
        self.units.iter().filter_map(cost).collect()
    }

    /// Stops a program and forgets its tables; `why` is said of it from now on.
    pub fn detach(&mut self, program: Program, why: &str) {
        self.units.retain(|unit| unit.program != program);
        self.globals.retain(|(owner, _, _)| *owner != program);
        for users in self.users.values_mut() {
            users.remove(&program);
        }
        let users = &self.users;
        self.maps.retain(|name, _| users.get(name).is_some_and(|users| !users.is_empty()));
        for status in self.status.iter_mut().filter(|status| status.program == program) {
            if status.running.value().is_some() {
                let missing = Missing::new(Why::NotSampled, "bpf").with_detail(why.to_owned());
                status.running = Reading::Missing(missing);
            }
        }
    }
}

/// Loads and attaches one function.
fn load_function(job: &Job<'_>, function: &Function, context: &Context<'_>) -> Result<Unit, LoadError> {
    let section = job.object.hook(function);
    let hook = Hook::parse(section).ok_or_else(|| LoadError::Object(format!("unknown hook {section}")))?;
    let btf_id = hook.btf_id(&context.kernel)?;
    let linked = link(&job.object, function, &job.types, &context.kernel, &job.places)?;
    let fd = load(&linked, &hook, btf_id, &function.name, &job.object.license)?;
    let links = hook.attach(fd.as_fd())?;
    Ok(Unit { program: job.program, function: function.name.clone(), hook, fd, links })
}

/// Loads the functions of all jobs on a few threads: nearly all the time goes to the kernel's verifier, which
/// works on one program per caller.
fn run_all<'j, 'a>(jobs: &'j [Job<'a>], context: &Context<'_>) -> Vec<(&'j Job<'a>, Vec<Result<Unit, LoadError>>)> {
    let mut work = Vec::new();
    for job in jobs {
        work.extend(job.object.functions.iter().map(|function| (job, function)));
    }
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((job, function)) = work.get(at) else { return done };
            done.push((at, load_function(job, function, context)));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let mut done: Vec<_> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let mut done = worker();
        for other in others {
            done.extend(other.join().unwrap_or_default());
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    let mut done = done.into_iter().map(|(_, result)| result);
    jobs.iter().map(|job| (job, done.by_ref().take(job.object.functions.len()).collect())).collect()
}

/// Whether a map leaves the kernel as a table.
fn is_table(spec: &MapSpec) -> bool {
    let kinds = [kind::PERF_EVENT_ARRAY, kind::STACK_TRACE, kind::RINGBUF];
    !spec.name.starts_with(WORKING) && !kinds.contains(&spec.kind) && !kind::LOCAL_STORAGE.contains(&spec.kind)
}

/// Whether two programs mean the same map.
fn same_layout(left: &MapSpec, right: &MapSpec) -> bool {
    let layout = |of: &MapSpec| (of.kind, of.key_size, of.value_size, of.flags);
    layout(left) == layout(right)
}

/// The maps that a function and what it calls refer to.
fn maps_of(object: &Object<'_>, function: &Function) -> BTreeSet<String> {
    let mut maps = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut queue = vec![(function.code, function.start)];
    while let Some((code, start)) = queue.pop() {
        if !seen.insert((code, start)) {
            continue;
        }
        let Some(of) = object.code.get(code) else { continue };
        let slots = of.functions.get(&start).map_or(0, |(_, slots)| *slots);
        for (_, reference) in of.references.range(start..start + slots) {
            match reference {
                Reference::Map(name) => drop(maps.insert(name.clone())),
                Reference::Code(code, start) => queue.push((*code, *start)),
                Reference::Global(..) | Reference::Unknown(_) => {}
            }
        }
    }
    maps
}

/// The tables that cannot be trusted when some functions of an object do not run, each with its errno.
///
/// A function that was refused leaves the tables that it fills incomplete, and so those of its partners: the functions
/// that share its working state. A hook that this kernel does not have is different: what it would count does not happen
/// here, so a table is lost only if none of its functions runs.
fn tainted(object: &Object<'_>, failures: &[(&Function, LoadError)]) -> BTreeMap<String, i32> {
    let mut tainted = BTreeMap::new();
    let failed = |function: &Function| failures.iter().any(|(other, _)| *other == function);
    let table = |name: &str| object.maps.iter().any(|spec| spec.name == name && is_table(spec) && name != STACKS);
    // State between two events; a per-CPU array is but scratch room within one.
    let state = |name: &str| {
        object.maps.iter().any(|spec| spec.name == name && name.starts_with(WORKING) && spec.kind != kind::PERCPU_ARRAY)
    };
    for (function, error) in failures {
        let maps = maps_of(object, function);
        let missing = matches!(error, LoadError::HookMissing(_));
        for name in maps.iter().filter(|name| table(name)) {
            let others = object.functions.iter().filter(|other| maps_of(object, other).contains(name));
            if !missing || others.clone().all(failed) {
                tainted.insert(name.clone(), error.errno());
            }
        }
        if missing {
            continue;
        }
        for partner in object.functions.iter().map(|other| maps_of(object, other)) {
            if partner.iter().any(|name| state(name) && maps.contains(name)) {
                tainted.extend(partner.iter().filter(|name| table(name)).map(|name| (name.clone(), error.errno())));
            }
        }
    }
    tainted
}

/// Fails with the reason if this process may not even make a map, which says more than a missing BTF.
pub(super) fn allowed() -> Result<(), LoadError> {
    let spec =
        MapSpec { name: "probe".to_owned(), kind: kind::ARRAY, key_size: 4, value_size: 8, max_entries: 1, flags: 0 };
    Map::create(&spec, 1).map(drop)
}

/// `NUMBER NAME` lines of an enum; empty if the kernel has no such enum.
fn enum_lines(kernel: &Btf<'_>, name: &str) -> Vec<u8> {
    let lines = kernel.enum_values(name).into_iter().map(|(name, value)| format!("{value} {name}\n"));
    lines.collect::<String>().into_bytes()
}

/// What became of each function, in the format of `@capabilities`.
fn status_lines(status: &[ProgramStatus]) -> Vec<u8> {
    let line = |status: &ProgramStatus| {
        let id = format!("bpf/{}/{}", status.program.name(), status.function);
        match &status.running {
            Reading::Value(()) => Capability::yes(id),
            Reading::Missing(missing) => Capability::no(id, missing),
        }
    };
    Capabilities(status.iter().map(line).collect()).to_bytes()
}

#[cfg(test)]
mod live;
#[cfg(test)]
mod tests;
