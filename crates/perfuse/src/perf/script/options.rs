//! What `perf script` is asked for.

use std::collections::BTreeSet;

use perfuse_analyze::Msg;
use perfuse_format::perfdata::record::kind;
use perfuse_render::perf::script::{Layout, TimeStyle};

use super::wanted::Wanted;
use crate::perf::Command;
use crate::perf::options::{Opt, Parsed, UsageError, long_optional, long_switch, long_value, optional, switch, value};
use crate::perf::recorded::Header;

/// `perf script`.
pub(crate) const COMMAND: Command =
    Command { name: "script", usage: &["[<options>]"], options: OPTIONS, runs: false, run: super::run };

const OPTIONS: &[Opt] = &[
    switch('a', "all-cpus"),
    value('c', "comms", "comm[,comm...]"),
    value('C', "cpu", "cpu"),
    switch('d', "debug-mode"),
    switch('D', "dump-raw-trace"),
    value('F', "fields", "str"),
    switch('f', "force"),
    switch('G', "hide-call-graph"),
    value('i', "input", "file"),
    switch('I', "show-info"),
    value('k', "vmlinux", "file"),
    switch('L', "Latency"),
    switch('l', "list"),
    value('s', "script", "name"),
    value('S', "symbols", "symbol[,symbol...]"),
    switch('v', "verbose"),
    optional('g', "gen-script", "lang"),
    long_value("addr-range", "n"),
    long_optional("call-ret-trace", "opts"),
    long_optional("call-trace", "opts"),
    long_switch("deltatime"),
    long_switch("demangle"),
    long_switch("demangle-kernel"),
    long_value("dlarg", "argument"),
    long_value("dlfilter", "file"),
    long_value("dsos", "dso[,dso...]"),
    long_switch("dump-unsorted-raw-trace"),
    long_switch("full-source-path"),
    long_value("graph-function", "symbol[,symbol...]"),
    long_switch("guest-code"),
    long_value("guestkallsyms", "file"),
    long_value("guestmodules", "file"),
    long_value("guestmount", "directory"),
    long_value("guestvmlinux", "file"),
    long_switch("header"),
    long_switch("header-only"),
    long_switch("ignore-vmlinux"),
    long_switch("inline"),
    long_optional("insn-trace", "raw|disasm"),
    long_optional("itrace", "opts"),
    long_value("kallsyms", "file"),
    long_switch("list-dlfilters"),
    long_value("max-blocks", "n"),
    long_value("max-stack", "n"),
    long_switch("ns"),
    long_switch("per-event-dump"),
    long_value("pid", "pid[,pid...]"),
    long_switch("reltime"),
    long_switch("show-bpf-events"),
    long_switch("show-cgroup-events"),
    long_switch("show-kernel-path"),
    long_switch("show-lost-events"),
    long_switch("show-mmap-events"),
    long_switch("show-namespace-events"),
    long_switch("show-on-off-events"),
    long_switch("show-round-events"),
    long_switch("show-switch-events"),
    long_switch("show-task-events"),
    long_switch("show-text-poke-events"),
    long_switch("stitch-lbr"),
    long_value("stop-bt", "symbol[,symbol...]"),
    long_value("switch-off", "event"),
    long_value("switch-on", "event"),
    long_value("symfs", "directory"),
    long_value("tid", "tid[,tid...]"),
    long_value("time", "str"),
    long_optional("xed", "opts"),
];

/// Records that are shown beside the samples.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one switch of the command line each")]
pub(super) struct Shown {
    pub bpf: bool,
    pub cgroup: bool,
    pub lost: bool,
    pub mmap: bool,
    pub namespace: bool,
    pub round: bool,
    pub switch: bool,
    pub task: bool,
    pub text_poke: bool,
}

impl Shown {
    /// Whether records of a type are shown.
    pub(super) fn has(self, type_number: u32) -> bool {
        match type_number {
            kind::MMAP | kind::MMAP2 => self.mmap,
            kind::COMM | kind::FORK | kind::EXIT => self.task,
            kind::LOST => self.lost,
            kind::SWITCH | kind::SWITCH_CPU_WIDE => self.switch,
            kind::NAMESPACES => self.namespace,
            kind::KSYMBOL | kind::BPF_EVENT => self.bpf,
            kind::CGROUP => self.cgroup,
            kind::TEXT_POKE => self.text_poke,
            kind::FINISHED_ROUND => self.round,
            _ => false,
        }
    }
}

/// The command line, understood.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "one switch of the command line each")]
pub(super) struct Options {
    pub input: Option<String>,
    pub layout: Layout,
    /// What perf warns of when it reads the fields.
    pub warnings: Vec<String>,
    pub wanted: Wanted,
    pub shown: Shown,
    pub header: Header,
    pub info: bool,
    pub dump: Option<Order>,
    pub per_event: bool,
    pub check_order: bool,
    pub show_switches: bool,
    pub stop_at: BTreeSet<String>,
    pub narrow: bool,
    pub max_blocks: u32,
    pub kernel_paths: bool,
    pub call_chains: bool,
    pub inlines: bool,
    pub max_stack: usize,
    pub time_style: TimeStyle,
    pub nanoseconds: bool,
    pub full_source_path: bool,
}

/// In which order records are dumped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// That of their times.
    Time,
    /// That in which they stand in the file.
    File,
}

/// Options of perf that are not there, and the id of the message with the reason.
const WITHOUT: &[(&str, &str)] = &[
    ("call-ret-trace", "script-no-trace"),
    ("call-trace", "script-no-trace"),
    ("dlarg", "script-no-filter"),
    ("dlfilter", "script-no-filter"),
    ("gen-script", "script-without"),
    ("graph-function", "script-no-trace"),
    ("guest-code", "script-no-guest"),
    ("guestkallsyms", "script-no-guest"),
    ("guestmodules", "script-no-guest"),
    ("guestmount", "script-no-guest"),
    ("guestvmlinux", "script-no-guest"),
    ("insn-trace", "script-no-trace"),
    ("itrace", "script-no-trace"),
    ("list-dlfilters", "script-no-filter"),
    ("stitch-lbr", "script-no-stitching"),
    ("xed", "script-no-trace"),
];

/// The lists of fields: each `-F`, and what stands behind an `-f` of the time when that was the option for fields.
fn layout(parsed: &Parsed) -> Result<(Layout, Vec<String>), UsageError> {
    let mut layout = Layout::default();
    let mut warnings = Vec::new();
    let given = parsed.given.iter().filter(|given| given.id == "fields").filter_map(|given| given.value.clone());
    let old = parsed.rest.iter().take(usize::from(parsed.on("force"))).cloned();
    for list in given.chain(old) {
        let list = list.to_string_lossy().into_owned();
        let told = layout.choose(&list).map_err(|error| {
            let names: Vec<&str> = perfuse_render::perf::script::fields::names().collect();
            let message = Msg::new("script-fields").with("list", list.as_str()).with("why", error.to_string());
            UsageError(message.with("names", names.join(",")))
        })?;
        warnings.extend(told);
    }
    Ok((layout, warnings))
}

impl Options {
    pub(super) fn of(parsed: &Parsed) -> Result<Self, UsageError> {
        let (layout, warnings) = layout(parsed)?;
        let extra = parsed.rest.get(usize::from(parsed.on("force"))).map(|word| word.to_string_lossy().into_owned());
        if let Some(script) = extra.or_else(|| parsed.text("script")) {
            return Err(UsageError(Msg::new("script-none").with("script", script)));
        }
        if let Some((id, reason)) = WITHOUT.iter().find(|(id, _)| parsed.on(id)) {
            return Err(UsageError(Msg::new(*reason).with("option", format!("--{id}"))));
        }
        let time_style = match (parsed.on("reltime"), parsed.on("deltatime")) {
            (true, true) => return Err(UsageError(Msg::new("script-two-times"))),
            (true, false) => TimeStyle::SinceFirst,
            (false, true) => TimeStyle::SinceLast,
            (false, false) => TimeStyle::Recorded,
        };
        let show = |what: &str| parsed.on(&format!("show-{what}-events"));
        let shown = Shown {
            bpf: show("bpf"),
            cgroup: show("cgroup"),
            lost: show("lost"),
            mmap: show("mmap"),
            namespace: show("namespace"),
            round: show("round"),
            switch: show("switch"),
            task: show("task"),
            text_poke: show("text-poke"),
        };
        let wanted = Wanted::of(parsed)?;
        let header = match (parsed.on("header-only"), parsed.on("header")) {
            (true, _) => Header::Only,
            (_, true) => Header::Before,
            _ => Header::No,
        };
        Ok(Self {
            input: parsed.text("input"),
            layout,
            warnings,
            wanted,
            shown,
            header,
            info: parsed.on("show-info"),
            dump: match (parsed.on("dump-unsorted-raw-trace"), parsed.on("dump-raw-trace")) {
                (true, _) => Some(Order::File),
                (false, true) => Some(Order::Time),
                (false, false) => None,
            },
            per_event: parsed.on("per-event-dump"),
            check_order: parsed.on("debug-mode"),
            show_switches: parsed.on("show-on-off-events"),
            stop_at: parsed.words("stop-bt").unwrap_or_default(),
            narrow: parsed.on("Latency"),
            max_blocks: parsed.number("max-blocks")?.unwrap_or(0),
            kernel_paths: parsed.on("show-kernel-path"),
            call_chains: !parsed.on("hide-call-graph"),
            inlines: parsed.last("inline").is_none_or(|given| !given.negated),
            max_stack: parsed.number("max-stack")?.unwrap_or(127),
            time_style,
            nanoseconds: parsed.on("ns"),
            full_source_path: parsed.on("full-source-path"),
        })
    }
}
