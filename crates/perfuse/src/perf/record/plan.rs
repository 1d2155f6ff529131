//! The options of `record`, resolved.

use std::path::PathBuf;
use std::time::Duration;

use perfuse_analyze::Msg;
use perfuse_collect::Root;
use perfuse_collect::perf::record::{CallGraph, Options, Planned, Side};
use perfuse_collect::perf::uprobes::Uprobes;

use super::extra::Extra;
use super::notes::Notes;
use super::target::{NoTarget, Whom};
use super::values::{branches, call_graph, clock, delays, registers, ring, size, switch, synth};
use super::{events, sdt};
use crate::perf::options::{Parsed, UsageError};

/// Exit status of perf for options that contradict each other: the low byte of -EINVAL.
pub(super) const INVALID: u8 = 234;
/// No such task.
pub(super) const NO_TASK: u8 = 244;
/// No such CPU.
pub(super) const NO_CPU: u8 = 237;
/// Samples a second where nothing is said.
const USUAL_RATE: u64 = 4000;
/// Which state from before is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Synth {
    /// Threads and their names.
    pub(super) tasks: bool,
    /// Mappings.
    pub(super) maps: bool,
    /// Groups, with `--all-cgroups`.
    pub(super) cgroups: bool,
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
    /// Events that exist for this recording alone.
    #[expect(dead_code, reason = "it is held, and removes them in the end")]
    pub(super) probes: Option<Uprobes>,
    pub(super) events: Vec<Planned>,
    pub(super) whom: Whom,
    /// Stacks are unwound while recording.
    pub(super) unwind: bool,
    pub(super) per_thread: bool,
    pub(super) command: Vec<std::ffi::OsString>,
    /// `None` for standard output.
    pub(super) output: Option<PathBuf>,
    /// The pipe that is recorded into in place of a file or standard output.
    pub(super) sink: Option<std::io::PipeWriter>,
    pub(super) ring_bytes: usize,
    /// When the events are switched on (true) and off again, after the beginning.
    pub(super) delays: Vec<(Duration, bool)>,
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
    /// What few recordings need.
    pub(super) extra: Extra,
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
        let (delayed, delays) = delays(parsed)?;
        options.delayed = delayed;
        let synth = synth(parsed)?;
        let Some(extra) = Extra::of(parsed, notes)? else { return Ok(Err(INVALID)) };
        let (switch, max_size) = (switch(parsed)?, parsed.text("max-size").map(|text| size("max-size", &text)));
        let level = parsed.last("compression-level").filter(|given| !given.negated);
        let compress = level.map(|given| {
            given.value.as_ref().map_or(Ok(1), |_| {
                parsed.number::<u32>("compression-level").map(|level| level.unwrap_or(1).clamp(1, 22))
            })
        });
        Ok(Ok(Self {
            // Before the events, which ask for their ids.
            probes: sdt::make(parsed, &root, notes),
            events: events::events(parsed, &root)?,
            options,
            whom,
            unwind: parsed.text("call-graph").is_some_and(|text| text.split(',').next() == Some("unwind")),
            per_thread,
            command: parsed.rest.clone(),
            output: output(parsed),
            sink: None,
            ring_bytes: ring(parsed, &root, notes)?,
            delays,
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
            extra,
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
    (options.running_time, options.group) = (on("running-time"), on("group"));
    options.branches = match parsed.text("branch-filter") {
        Some(mask) => branches("branch-filter", &mask)?,
        None if on("branch-any") => 1 << 3,
        None => 0,
    };
    options.interrupt_registers = registers(parsed, "intr-regs")?;
    options.user_registers = registers(parsed, "user-regs")?;
    options.clock = parsed.text("clockid").map(|text| clock(&text)).transpose()?;
    Ok(())
}
