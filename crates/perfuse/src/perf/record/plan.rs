//! The options of `record`, resolved.

use std::path::PathBuf;
use std::time::Duration;

use perfuse_analyze::Msg;
use perfuse_collect::Root;
use perfuse_collect::perf::record::config::USER_REGISTERS;
use perfuse_collect::perf::record::{CallGraph, Options, Planned, Side};
use perfuse_collect::perf::ring::{default_size, page_size};

use super::events;
use super::notes::Notes;
use super::target::{NoTarget, Whom};
use crate::perf::options::{Parsed, UsageError};

/// Exit status of perf for options that contradict each other: the low byte of -EINVAL.
pub(super) const INVALID: u8 = 234;
/// No such task.
pub(super) const NO_TASK: u8 = 244;
/// No such CPU.
pub(super) const NO_CPU: u8 = 237;
/// Samples a second where nothing is said.
const USUAL_RATE: u64 = 4000;
/// Bytes of the stack where nothing is said, and the most that the kernel copies.
const USUAL_STACK: u32 = 8192;
const MOST_STACK: u32 = 65528;

/// Which state from before is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Synth {
    /// Threads and their names.
    pub(super) tasks: bool,
    /// Mappings.
    pub(super) maps: bool,
}

/// When a new file is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switch {
    /// Never.
    Never,
    /// When SIGUSR2 comes.
    Signal,
    /// After so many bytes.
    Size(u64),
    /// After so long.
    Time(Duration),
}

/// Everything that is to be known before the recording.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(super) struct Plan {
    pub(super) root: Root,
    pub(super) options: Options,
    pub(super) events: Vec<Planned>,
    pub(super) whom: Whom,
    pub(super) per_thread: bool,
    pub(super) command: Vec<std::ffi::OsString>,
    /// `None` for standard output.
    pub(super) output: Option<PathBuf>,
    pub(super) ring_bytes: usize,
    pub(super) delay: Option<Duration>,
    pub(super) synth: Synth,
    pub(super) tail_synth: bool,
    /// Build ids are stored (not with `-B`).
    pub(super) build_ids: bool,
    /// Of all files, hit or not.
    pub(super) build_ids_all: bool,
    /// Files go to the cache (not with `-N`).
    pub(super) cache: bool,
    pub(super) compress: Option<u32>,
    pub(super) switch: Switch,
    pub(super) switch_files: usize,
    pub(super) timestamp_name: bool,
    pub(super) max_size: Option<u64>,
    pub(super) verbose: usize,
}

impl Plan {
    /// Resolves the options; `Err` with the exit status after it was said what does not do.
    pub(super) fn resolve(parsed: &Parsed, notes: &Notes<'_>) -> anyhow::Result<Result<Self, u8>> {
        let root = Root::default();
        let mut options = Options::default();
        if parsed.last("freq").is_some() && parsed.last("count").is_some() {
            notes.error(&Msg::new("record-rate-twice"));
            return Ok(Err(INVALID));
        }
        if !rate(parsed, &root, notes, &mut options)? {
            return Ok(Err(INVALID));
        }
        let whom = match Whom::of(parsed, &root) {
            Ok(whom) => whom,
            Err(NoTarget::Usage(error)) => return Err(error.into()),
            Err(NoTarget::NoTask(message)) => {
                notes.error(&message);
                return Ok(Err(NO_TASK));
            }
            Err(NoTarget::NoCpu(message)) => {
                notes.error(&message);
                return Ok(Err(NO_CPU));
            }
        };
        let per_thread = parsed.on("per-thread") && !whom.is_cpus();
        switches(parsed, &mut options)?;
        options.whole_cpus = whom.is_cpus();
        options.per_cpu = !per_thread;
        options.no_inherit |= per_thread;
        options.starts_command = whom == Whom::Command;
        let delay = match parsed.number::<i64>("delay")? {
            None | Some(0) => None,
            // Events stay off until something else enables them; perf has its control file for that.
            Some(..0) => Some(Duration::MAX),
            Some(ms) => Some(Duration::from_millis(ms.unsigned_abs())),
        };
        options.delayed = delay.is_some();
        let synth = synth(parsed)?;
        let (switch, max_size) = (switch(parsed)?, parsed.text("max-size").map(|text| size("max-size", &text)));
        let level = parsed.last("compression-level").filter(|given| !given.negated);
        let compress = level.map(|given| {
            given.value.as_ref().map_or(Ok(1), |_| {
                parsed.number::<u32>("compression-level").map(|level| level.unwrap_or(1).clamp(1, 22))
            })
        });
        Ok(Ok(Self {
            events: events::events(parsed, &root)?,
            options,
            whom,
            per_thread,
            command: parsed.rest.clone(),
            output: output(parsed),
            ring_bytes: ring(parsed, &root, notes)?,
            delay,
            synth,
            tail_synth: parsed.on("tail-synthesize"),
            build_ids: !parsed.on("no-buildid"),
            build_ids_all: parsed.on("buildid-all"),
            cache: !parsed.on("no-buildid") && !parsed.on("no-buildid-cache") && !parsed.on("buildid-mmap"),
            compress: compress.transpose()?,
            switch,
            switch_files: parsed.number("switch-max-files")?.unwrap_or(0),
            timestamp_name: parsed.on("timestamp-filename"),
            max_size: max_size.transpose()?,
            verbose: parsed.count("verbose"),
            root,
        }))
    }
}

/// Standard output with `-o -`, and without `-o` where it is a pipe.
fn output(parsed: &Parsed) -> Option<PathBuf> {
    let given = parsed.last("output").filter(|given| !given.negated).and_then(|given| given.value.clone());
    match given {
        Some(name) if name == "-" => None,
        Some(name) => Some(name.into()),
        None if stdout_is_pipe() => None,
        None => Some("perf.data".into()),
    }
}

fn stdout_is_pipe() -> bool {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::FileTypeExt as _;
    let file = std::io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from);
    file.and_then(|file| file.metadata()).is_ok_and(|data| data.file_type().is_fifo())
}

/// `-F` and `-c`. False after the rate was refused.
fn rate(parsed: &Parsed, root: &Root, notes: &Notes<'_>, options: &mut Options) -> Result<bool, UsageError> {
    if let Some(period) = parsed.number::<u64>("count")? {
        (options.period, options.rate_given) = (period, true);
        return Ok(true);
    }
    let limit = std::fs::read_to_string(root.join("/proc/sys/kernel/perf_event_max_sample_rate")).ok();
    let limit = limit.and_then(|text| text.trim().parse::<u64>().ok());
    let text = parsed.text("freq");
    let rate = match text.as_deref() {
        None => USUAL_RATE,
        Some("max") => limit.unwrap_or(USUAL_RATE),
        Some(text) => {
            let rate = text.parse().ok().filter(|rate| *rate > 0);
            rate.ok_or_else(|| UsageError::value("freq", text, Msg::new("record-rate")))?
        }
    };
    options.rate_given = text.is_some();
    let with = |id: &'static str, limit: u64| Msg::new(id).with("rate", rate).with("limit", limit);
    match limit {
        Some(limit) if rate > limit && parsed.on("strict-freq") && text.is_some() => {
            notes.error(&with("record-rate-refused", limit));
            return Ok(false);
        }
        Some(limit) if rate > limit => {
            notes.note(&with("record-rate-limited", limit));
            options.frequency = Some(limit);
        }
        _ => options.frequency = Some(rate),
    }
    Ok(true)
}

fn switches(parsed: &Parsed, options: &mut Options) -> Result<(), UsageError> {
    let on = |id: &str| parsed.on(id);
    let choice = |id: &str| parsed.last(id).map(|given| !given.negated);
    options.call_graph = match parsed.text("call-graph") {
        Some(text) => call_graph("call-graph", &text)?,
        None if on("g") => CallGraph::FramePointer,
        None => CallGraph::None,
    };
    let side = |user: &str, kernel: &str| match (on(user), on(kernel)) {
        (true, false) => Side::User,
        (false, true) => Side::Kernel,
        _ => Side::AsNamed,
    };
    options.side = side("all-user", "all-kernel");
    options.chains = side("user-callchains", "kernel-callchains");
    (options.no_inherit, options.inherit_stat, options.no_samples) = (on("no-inherit"), on("stat"), on("no-samples"));
    (options.addresses, options.physical) = (on("data"), on("phys-data"));
    (options.data_page_size, options.code_page_size) = (on("data-page-size"), on("code-page-size"));
    (options.time, options.sample_period) = (choice("timestamp"), choice("period"));
    (options.cpu, options.raw, options.weight) = (on("sample-cpu"), on("raw-samples"), on("weight"));
    (options.transaction, options.identifier) = (on("transaction"), on("sample-identifier"));
    (options.namespaces, options.cgroups, options.switches) =
        (on("namespaces"), on("all-cgroups"), on("switch-events"));
    (options.build_id, options.no_bpf_event) = (on("buildid-mmap"), on("no-bpf-event"));
    (options.overwrite, options.no_buffering) = (on("overwrite"), on("no-buffering"));
    options.running_time = on("running-time");
    options.branches = match parsed.text("branch-filter") {
        Some(mask) => branches("branch-filter", &mask)?,
        None if on("branch-any") => 1 << 3,
        None => 0,
    };
    options.interrupt_registers = if on("intr-regs") { USER_REGISTERS } else { 0 };
    options.user_registers = if on("user-regs") { USER_REGISTERS } else { 0 };
    options.clock = parsed.text("clockid").map(|text| clock(&text)).transpose()?;
    Ok(())
}

/// `fp`, `dwarf[,bytes]` or `lbr`.
pub(super) fn call_graph(option: &str, text: &str) -> Result<CallGraph, UsageError> {
    let wrong = || UsageError::value(option, text, Msg::new("record-call-graph").with("most", u64::from(MOST_STACK)));
    let (mode, bytes) = text.split_once(',').map_or((text, None), |(mode, bytes)| (mode, Some(bytes)));
    match (mode, bytes) {
        ("fp", None) => Ok(CallGraph::FramePointer),
        ("lbr", None) => Ok(CallGraph::LastBranches),
        ("dwarf", None) => Ok(CallGraph::Dwarf(USUAL_STACK)),
        ("dwarf", Some(bytes)) => {
            let bytes = bytes.parse::<u32>().ok().and_then(|bytes| bytes.checked_next_multiple_of(8));
            bytes.filter(|bytes| (1..=MOST_STACK).contains(bytes)).map(CallGraph::Dwarf).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

/// Names of `-j` (`PERF_SAMPLE_BRANCH_*`).
const BRANCHES: &[(&str, u64)] = &[
    ("u", 1),
    ("k", 1 << 1),
    ("hv", 1 << 2),
    ("any", 1 << 3),
    ("any_call", 1 << 4),
    ("any_ret", 1 << 5),
    ("ind_call", 1 << 6),
    ("abort_tx", 1 << 7),
    ("in_tx", 1 << 8),
    ("no_tx", 1 << 9),
    ("cond", 1 << 10),
    ("stack", 1 << 11),
    ("ind_jmp", 1 << 12),
    ("call", 1 << 13),
    ("save_type", 1 << 16),
    ("priv", 1 << 18),
];

pub(super) fn branches(option: &str, text: &str) -> Result<u64, UsageError> {
    let mut mask = 0;
    for word in text.split(',') {
        let found = BRANCHES.iter().find(|(name, _)| *name == word);
        let names: Vec<&str> = BRANCHES.iter().map(|(name, _)| *name).collect();
        let expected = || Msg::new("record-branches").with("names", names.join(", "));
        mask |= found.ok_or_else(|| UsageError::value(option, word, expected()))?.1;
    }
    // Sides alone are of any kind.
    Ok(if mask & !7 == 0 { mask | 1 << 3 } else { mask })
}

/// Names and numbers of clocks (`clock_gettime(2)`).
const CLOCKS: &[(&str, i32)] = &[
    ("realtime", 0),
    ("real", 0),
    ("monotonic", 1),
    ("mono", 1),
    ("monotonic_raw", 4),
    ("raw", 4),
    ("boottime", 7),
    ("boot", 7),
    ("tai", 11),
];

fn clock(text: &str) -> Result<i32, UsageError> {
    let name = text.to_ascii_lowercase();
    let name = name.strip_prefix("clock_").unwrap_or(&name);
    let found = CLOCKS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
    let names: Vec<&str> = CLOCKS.iter().map(|(name, _)| *name).collect();
    let wrong = || UsageError::value("clockid", text, Msg::new("record-clock").with("names", names.join(", ")));
    found.or_else(|| name.parse().ok()).ok_or_else(wrong)
}

fn synth(parsed: &Parsed) -> Result<Synth, UsageError> {
    let Some(text) = parsed.text("synth") else { return Ok(Synth { tasks: true, maps: true }) };
    let mut synth = Synth { tasks: false, maps: false };
    for word in text.split(',') {
        match word {
            "task" => synth.tasks = true,
            // Mappings without their threads would be nobody's.
            "all" | "mmap" => synth = Synth { tasks: true, maps: true },
            "cgroup" | "no" => {}
            _ => return Err(UsageError::value("synth", word, Msg::new("record-synth"))),
        }
    }
    Ok(synth)
}

fn switch(parsed: &Parsed) -> Result<Switch, UsageError> {
    let Some(given) = parsed.last("switch-output").filter(|given| !given.negated) else { return Ok(Switch::Never) };
    let Some(value) = &given.value else { return Ok(Switch::Signal) };
    let text = value.to_string_lossy();
    if text == "signal" {
        return Ok(Switch::Signal);
    }
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86400)];
    let timed = units.iter().find_map(|(unit, seconds)| {
        let number = text.strip_suffix(unit)?.parse::<u64>().ok()?;
        Some(Switch::Time(Duration::from_secs(number.checked_mul(*seconds)?)))
    });
    match timed {
        Some(switch) => Ok(switch),
        None => size("switch-output", &text).map(Switch::Size),
    }
}

/// A number of bytes with `B`, `K`, `M` or `G`.
fn size(option: &str, text: &str) -> Result<u64, UsageError> {
    let units = [('B', 0), ('K', 10), ('M', 20), ('G', 30)];
    let last = text.chars().next_back();
    let shift = units.iter().find(|(unit, _)| last == Some(*unit)).map(|(_, shift)| *shift);
    let number = shift.map_or(text, |_| &text[..text.len() - 1]).parse::<u64>().ok().filter(|number| *number > 0);
    let bytes = number.and_then(|number| number.checked_mul(1 << shift.unwrap_or(0)));
    bytes.ok_or_else(|| UsageError::value(option, text, Msg::new("record-size")))
}

/// `-m`: pages, or bytes with a unit; a power of two of pages.
fn ring(parsed: &Parsed, root: &Root, notes: &Notes<'_>) -> Result<usize, UsageError> {
    let page = page_size() as u64;
    let Some(text) = parsed.text("mmap-pages") else {
        let limit = std::fs::read_to_string(root.join("/proc/sys/kernel/perf_event_mlock_kb")).ok();
        return Ok(default_size(limit.and_then(|text| text.trim().parse().ok())));
    };
    // The size of AUX areas may stand behind a comma; there are none here.
    let text = text.split(',').next().unwrap_or_default().to_owned();
    let wrong = || UsageError::value("mmap-pages", &text, Msg::new("record-size"));
    let pages = match text.parse::<u64>() {
        Ok(pages) => pages,
        Err(_) => size("mmap-pages", &text)?.div_ceil(page),
    };
    let rounded = pages.max(1).checked_next_power_of_two().ok_or_else(wrong)?;
    let bytes = rounded.checked_mul(page).and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(wrong)?;
    if rounded != pages {
        notes.note(&Msg::new("record-rounded").with("bytes", bytes as u64).with("pages", rounded));
    }
    Ok(bytes)
}
