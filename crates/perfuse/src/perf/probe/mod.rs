//! `perf probe`: dynamic tracepoints in the kernel and in programs.

mod add;
mod debug;
mod existing;
mod failure;
mod fallback;
mod kernel;
mod live;
mod point;
mod request;
mod show;
mod typed;
mod user;

use super::Command;
use super::options::{Opt, Parsed, Takes, long_switch, long_value, switch, value};
use crate::console::Console;
use failure::Outcome;
use request::{Action, Request};

/// `perf probe`.
pub(crate) const COMMAND: Command = Command {
    name: "probe",
    usage: &[
        "[<options>] 'PROBEDEF' ['PROBEDEF' ...]",
        "[<options>] --add 'PROBEDEF' [--add 'PROBEDEF' ...]",
        "[<options>] --del '[GROUP:]EVENT' ...",
        "[<options>] --list [GROUP:]EVENT ...",
        "[<options>] --line 'LINEDESC'",
        "[<options>] --vars 'PROBEPOINT'",
        "[<options>] --funcs",
        "[<options>] --live 'PROBEDEF' [--count|--sum <expr>|--hist <expr>] [--by <expr>,...]",
    ],
    options: OPTIONS,
    runs: false,
    run,
};

const OPTIONS: &[Opt] = &[
    value('a', "add", "probe"),
    value('D', "definition", "probe"),
    value('d', "del", "[GROUP:]EVENT"),
    switch('f', "force"),
    Opt { short: Some('F'), long: Some("funcs"), takes: Takes::UnlessLast("filter") },
    value('k', "vmlinux", "file"),
    value('L', "line", "lines"),
    Opt { short: Some('l'), long: Some("list"), takes: Takes::UnlessLast("[GROUP:]EVENT") },
    value('m', "module", "name|path"),
    switch('n', "dry-run"),
    value('p', "pid", "pid"),
    switch('q', "quiet"),
    value('s', "source", "directory"),
    value('V', "vars", "place"),
    switch('v', "verbose"),
    value('x', "exec", "file"),
    long_switch("bootconfig"),
    long_value("by", "expr[,expr...]"),
    long_value("comm", "name"),
    long_switch("count"),
    long_switch("demangle"),
    long_switch("demangle-kernel"),
    long_switch("externs"),
    long_value("filter", "filter"),
    long_value("for", "time"),
    long_value("hist", "expr"),
    long_switch("json"),
    long_switch("live"),
    long_value("max", "n"),
    long_value("max-probes", "n"),
    long_switch("no-inlines"),
    long_value("openmetrics", "address"),
    long_switch("range"),
    long_value("rate", "n"),
    long_value("sum", "expr"),
    long_value("symfs", "directory"),
    long_value("target-ns", "pid"),
    long_value("via", "tp_btf|fentry|fexit|ftrace|kprobe"),
];

fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let request = Request::of(parsed)?;
    if parsed.on("live") {
        return live::run(parsed, &request, console);
    }
    live::refuse(parsed)?;
    Ok(match act(&request, console) {
        Ok(()) => 0,
        Err(failure) => {
            failure.say(console);
            failure.status
        }
    })
}

fn act(request: &Request, console: &Console) -> Outcome<()> {
    match &request.action {
        Action::Add | Action::Define => add::run(request, console),
        Action::Delete(filter) => existing::delete(request, filter, console),
        Action::List(filter) => existing::list(request, filter.as_deref()),
        Action::Functions(filter) => show::functions(request, filter.as_deref()),
        Action::Variables(places) => show::variables(request, places, console),
        Action::Lines(range) => show::lines(request, range, console),
    }
}
