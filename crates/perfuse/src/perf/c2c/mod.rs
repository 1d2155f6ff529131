//! `perf c2c`: cache lines that are fought over.

mod chains;
mod report;
mod screen;

use std::ffi::OsString;

use perfuse_analyze::Msg;
use perfuse_collect::Root;

use super::memory::{self, LATENCY, Wanted};
use super::options::{self, Grammar, Opt, Parsed, Takes, UsageError, long_switch, long_value, switch, value};
use super::{Command, FAILED, record, tables};
use crate::console::{self, Console};

/// `perf c2c`.
pub(crate) const COMMAND: Command =
    Command { name: "c2c", usage: &["{record|report} [<options>]"], options: OPTIONS, runs: true, run };

/// Those of `report`, and behind them those that `record` has besides.
const OPTIONS: &[Opt] = &[
    value('c', "coalesce", "pid,tid,iaddr,dso"),
    value('d', "display", "tot,lcl,rmt,peer"),
    switch('f', "force"),
    Opt {
        short: Some('g'),
        long: Some("call-graph"),
        takes: Takes::UnlessLast("type,threshold,limit,order,key,value"),
    },
    value('i', "input", "file"),
    value('k', "vmlinux", "file"),
    switch('N', "node-info"),
    switch('v', "verbose"),
    long_switch("full-symbols"),
    long_switch("no-source"),
    long_switch("show-all"),
    long_switch("stats"),
    long_switch("stdio"),
    long_switch("stitch-lbr"),
    value('e', "event", "event"),
    value('l', "ldlat", "cycles"),
    switch('u', "all-user"),
    long_switch("all-kernel"),
    long_value("symfs", "directory"),
];

/// What `record` takes for itself; everything else is for `perf record`.
const OF_RECORD: &[Opt] =
    &[value('e', "event", "event"), value('l', "ldlat", "cycles"), switch('u', "all-user"), switch('k', "all-kernel")];

fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let words = parsed.rest.get(1..).unwrap_or_default();
    match parsed.rest.first().and_then(|word| word.to_str()) {
        Some("record" | "rec") => record(words, console),
        Some("report" | "rep") => {
            let mut asked = options::parse(Grammar { options: OPTIONS, runs: false }, words)?;
            asked.given.splice(0..0, parsed.given.iter().cloned());
            if asked.on("help") {
                console::print(&super::usage::help("perfuse", &COMMAND, console.texts))?;
                return Ok(super::USAGE);
            }
            report::run(&asked, console)
        }
        _ => Err(UsageError(Msg::new("mem-which")).into()),
    }
}

fn record(words: &[OsString], console: &Console) -> anyhow::Result<u8> {
    let root = Root::default();
    let (own, rest) = memory::split(words, OF_RECORD);
    let latency = own.number("ldlat")?.unwrap_or(LATENCY);
    let events = match own.text("event") {
        Some(names) if names != "list" => Ok(vec![names]),
        _ => memory::events(&tables::host(&root), Wanted { loads: true, stores: true, latency }),
    };
    let events = match events {
        Ok(events) => events,
        Err(message) => {
            console.complain(&console.texts.text(&memory::none(&message, &root)));
            return Ok(FAILED);
        }
    };
    if own.text("event").as_deref() == Some("list") {
        console::print(&(events.join("\n") + "\n"))?;
        return Ok(0);
    }
    let mut line: Vec<OsString> = ["-W", "-d", "--phys-data", "--sample-cpu"].map(OsString::from).to_vec();
    for event in events {
        line.extend(["-e".into(), event.into()]);
    }
    for (option, passed) in [("all-user", "--all-user"), ("all-kernel", "--all-kernel")] {
        if own.on(option) {
            line.push(passed.into());
        }
    }
    record::with_words(line, rest, console)
}
