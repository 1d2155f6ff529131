//! `perf record`: samples into a file.

mod cache;
pub(super) mod control;
mod events;
mod extra;
mod files;
mod finish;
mod notes;
mod off_cpu;
mod plan;
mod probes;
mod run;
mod sdt;
mod signals;
mod state;
mod target;
mod unwind;
mod values;
mod verbose;
mod writer;

use std::ffi::OsString;

use super::Command;
use super::options::{
    self, Grammar, Opt, Parsed, long_optional, long_switch, long_value, optional, short_switch, switch, value,
};
use crate::console::Console;

/// The command.
pub(crate) const COMMAND: Command = Command {
    name: "record",
    usage: &["[<options>] [<command>]", "[<options>] -- <command> [<options>]"],
    options: OPTIONS,
    runs: true,
    run,
};

/// Options as in perf 6.1. Those that need what is not there are refused with the reason.
const OPTIONS: &[Opt] = &[
    switch('a', "all-cpus"),
    switch('b', "branch-any"),
    switch('B', "no-buildid"),
    value('c', "count", "n"),
    value('C', "cpu", "cpu"),
    switch('d', "data"),
    value('D', "delay", "ms"),
    value('e', "event", "event"),
    value('F', "freq", "freq"),
    switch('f', "force"),
    short_switch('g'),
    value('G', "cgroup", "name"),
    optional('I', "intr-regs", "register"),
    switch('i', "no-inherit"),
    value('j', "branch-filter", "mask"),
    value('k', "clockid", "clock"),
    value('m', "mmap-pages", "pages"),
    switch('N', "no-buildid-cache"),
    switch('n', "no-samples"),
    value('o', "output", "file"),
    switch('P', "period"),
    value('p', "pid", "pid"),
    switch('q', "quiet"),
    switch('R', "raw-samples"),
    value('r', "realtime", "n"),
    optional('S', "snapshot", "opts"),
    switch('s', "stat"),
    value('t', "tid", "tid"),
    switch('T', "timestamp"),
    value('u', "uid", "user"),
    switch('v', "verbose"),
    switch('W', "weight"),
    optional('z', "compression-level", "n"),
    long_value("affinity", "node|cpu"),
    long_optional("aio", "n"),
    long_switch("all-cgroups"),
    long_switch("all-kernel"),
    long_switch("all-user"),
    long_optional("aux-sample", "opts"),
    long_switch("buildid-all"),
    long_switch("buildid-mmap"),
    long_value("call-graph", "mode"),
    long_value("clang-opt", "options"),
    long_value("clang-path", "path"),
    long_switch("code-page-size"),
    long_value("control", "fd:ctl[,ack]|fifo:ctl[,ack]"),
    long_switch("data-page-size"),
    long_optional("debuginfod", "urls"),
    long_switch("dry-run"),
    long_switch("exclude-perf"),
    long_value("filter", "filter"),
    long_switch("group"),
    long_switch("kcore"),
    long_switch("kernel-callchains"),
    long_value("max-size", "size"),
    long_value("mmap-flush", "size"),
    long_switch("namespaces"),
    long_switch("no-bpf-event"),
    long_switch("no-buffering"),
    long_value("num-thread-synthesize", "n"),
    long_switch("off-cpu"),
    long_switch("overwrite"),
    long_switch("per-thread"),
    long_switch("phys-data"),
    long_value("proc-map-timeout", "ms"),
    long_switch("running-time"),
    long_switch("sample-cpu"),
    long_switch("sample-identifier"),
    long_switch("strict-freq"),
    long_switch("switch-events"),
    long_value("switch-max-files", "n"),
    long_optional("switch-output", "signal|size|time"),
    long_value("switch-output-event", "event"),
    long_value("synth", "no|all|task|mmap|cgroup"),
    long_switch("tail-synthesize"),
    long_optional("threads", "spec"),
    long_switch("timestamp-boundary"),
    long_switch("timestamp-filename"),
    long_switch("transaction"),
    long_switch("user-callchains"),
    long_optional("user-regs", "register"),
    long_value("vmlinux", "file"),
];

/// Records with options of another command, and then with the words of whoever runs it.
pub(super) fn with_words(mut line: Vec<OsString>, words: Vec<OsString>, console: &Console) -> anyhow::Result<u8> {
    line.extend(words);
    let parsed = options::parse(Grammar { options: OPTIONS, runs: true }, &line)?;
    run(&parsed, console)
}

fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let notes = notes::Notes::new(console, parsed.on("quiet"));
    let plan = match plan::Plan::resolve(parsed, &notes)? {
        Ok(plan) => plan,
        Err(status) => return Ok(status),
    };
    if parsed.on("dry-run") {
        return Ok(0);
    }
    run::record(plan, &notes)
}

/// Records into a pipe until nobody reads it any more, or a signal comes; gives the exit status. `parsed` is a command line of
/// `record` without an output. Rings are emptied several times a second, so that whoever reads sees what happens.
pub(super) fn stream(parsed: &Parsed, sink: std::io::PipeWriter, console: &Console) -> anyhow::Result<u8> {
    let notes = notes::Notes::new(console, parsed.on("quiet"));
    let mut plan = match plan::Plan::resolve(parsed, &notes)? {
        Ok(plan) => plan,
        Err(status) => return Ok(status),
    };
    plan.sink = Some(sink);
    run::record(plan, &notes)
}
