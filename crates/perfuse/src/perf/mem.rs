//! `perf mem`: samples of memory accesses, and what became of them.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::ops::ControlFlow;

use perfuse_analyze::Msg;
use perfuse_analyze::resolve::{self, Item, Resolver};
use perfuse_collect::Root;

use super::memory::{self, LATENCY, Wanted};
use super::options::{Opt, Parsed, UsageError, long_switch, long_value, switch, value};
use super::recorded::{self, Input, Passage, RecordedNames};
use super::{Command, FAILED, record, report, tables};
use crate::console::{self, Console};

/// `perf mem`.
pub(crate) const COMMAND: Command =
    Command { name: "mem", usage: &["[<options>] {record|report}"], options: OPTIONS, runs: true, run };

const OPTIONS: &[Opt] = &[
    value('C', "cpu", "cpu"),
    switch('D', "dump-raw-samples"),
    switch('f', "force"),
    value('i', "input", "file"),
    switch('p', "phys-data"),
    value('t', "type", "load,store"),
    switch('U', "hide-unresolved"),
    value('x', "field-separator", "separator"),
    long_switch("data-page-size"),
    value('e', "event", "event"),
    long_value("ldlat", "cycles"),
    long_switch("all-user"),
    switch('K', "all-kernel"),
];

/// What `report` takes for itself; everything else is for `perf report`.
const OF_REPORT: &[Opt] = &[
    value('C', "cpu", "cpu"),
    switch('D', "dump-raw-samples"),
    value('i', "input", "file"),
    switch('p', "phys-data"),
    value('t', "type", "load,store"),
    switch('U', "hide-unresolved"),
    value('x', "field-separator", "separator"),
    long_switch("data-page-size"),
];

/// What `record` takes for itself.
const OF_RECORD: &[Opt] = &[
    switch('p', "phys-data"),
    value('t', "type", "load,store"),
    long_switch("data-page-size"),
    value('e', "event", "event"),
    long_value("ldlat", "cycles"),
    switch('U', "all-user"),
    switch('K', "all-kernel"),
];

fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let words = parsed.rest.get(1..).unwrap_or_default();
    let which = parsed.rest.first().and_then(|word| word.to_str());
    let own = match which {
        Some("record" | "rec") => OF_RECORD,
        Some("report" | "rep") => OF_REPORT,
        _ => return Err(UsageError(Msg::new("mem-which")).into()),
    };
    let (mut asked, rest) = memory::split(words, own);
    asked.given.splice(0..0, parsed.given.iter().cloned());
    if which.is_some_and(|which| which.starts_with("rec")) {
        return record(&asked, rest, console);
    }
    if asked.on("dump-raw-samples") {
        return dump(&asked, console);
    }
    report(&asked, rest, console)
}

/// Loads and stores, as `-t` has them.
fn kinds(parsed: &Parsed) -> Result<(bool, bool), UsageError> {
    let Some(text) = parsed.text("type") else { return Ok((true, true)) };
    let (mut loads, mut stores) = (false, false);
    for word in text.split(',') {
        match word {
            "load" => loads = true,
            "store" => stores = true,
            _ => return Err(UsageError::value("type", &text, Msg::new("mem-type"))),
        }
    }
    Ok((loads, stores))
}

fn record(parsed: &Parsed, rest: Vec<OsString>, console: &Console) -> anyhow::Result<u8> {
    let (loads, stores) = kinds(parsed)?;
    let root = Root::default();
    let wanted = Wanted { loads, stores, latency: parsed.number("ldlat")?.unwrap_or(LATENCY) };
    let named = parsed.text("event").filter(|names| names != "list");
    let events = match named.map_or_else(|| memory::events(&tables::host(&root), wanted), |names| Ok(vec![names])) {
        Ok(events) => events,
        Err(message) => {
            console.complain(&console.texts.text(&memory::none(&message, &root)));
            return Ok(FAILED);
        }
    };
    if parsed.text("event").as_deref() == Some("list") {
        console::print(&(events.join("\n") + "\n"))?;
        return Ok(0);
    }
    let mut line: Vec<OsString> = Vec::new();
    if loads {
        line.push("-W".into());
    }
    line.push("-d".into());
    for (option, passed) in [
        ("phys-data", "--phys-data"),
        ("data-page-size", "--data-page-size"),
        ("all-user", "--all-user"),
        ("all-kernel", "--all-kernel"),
    ] {
        if parsed.on(option) {
            line.push(passed.into());
        }
    }
    for event in events {
        line.extend(["-e".into(), event.into()]);
    }
    record::with_words(line, rest, console)
}

/// A report whose lines differ in what became of the accesses.
fn report(parsed: &Parsed, rest: Vec<OsString>, console: &Console) -> anyhow::Result<u8> {
    let (loads, _) = kinds(parsed)?;
    let more = [("phys-data", ",phys_daddr"), ("data-page-size", ",data_page_size")];
    let more: String = more.iter().filter(|(option, _)| parsed.on(option)).map(|(_, key)| *key).collect();
    let mut line: Vec<OsString> = vec!["--mem-mode".into(), "-n".into()];
    // Stores have no weight, and without other keys those of report are right.
    if !loads {
        line.push(format!("--sort=mem,sym,dso,symbol_daddr,dso_daddr,tlb,locked{more}").into());
    } else if !more.is_empty() {
        let usual = "local_weight,mem,sym,dso,symbol_daddr,dso_daddr,snoop,tlb,locked,blocked";
        line.push(format!("--sort={usual}{more}").into());
    }
    for (option, passed) in [("input", "-i"), ("cpu", "-C"), ("field-separator", "-t")] {
        if let Some(value) = parsed.text(option) {
            line.extend([passed.into(), value.into()]);
        }
    }
    if parsed.on("hide-unresolved") {
        line.push("-U".into());
    }
    report::with_words(line, rest, console)
}

/// `-D`: a line of numbers for each sample.
fn dump(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let input = Input::open(parsed.text("input").as_deref())?;
    let data = input.recording(false, console)?;
    let (physical, pages) = (parsed.on("phys-data"), parsed.on("data-page-size"));
    let separator = parsed.text("field-separator").unwrap_or_else(|| " ".to_owned());
    let mut head = "# PID, TID, IP, ADDR, ".to_owned();
    head += if physical { "PHYS ADDR, " } else { "" };
    head += if pages { "DATA PAGE SIZE, " } else { "" };
    console::print(&format!("{head}LOCAL WEIGHT, DSRC, SYMBOL\n"))?;
    let cpus = parsed.cpus("cpu")?;
    let names = RecordedNames::new(recorded::symbol_options(parsed), recorded::arch(&data));
    let mut resolver = Resolver::new(names, resolve::Options::default());
    let mut passage = Passage::new(&input);
    let ended = resolver.replay(&data, |resolver, item| {
        let sample = match item {
            Item::Raw(raw) => {
                passage.at(&raw);
                return ControlFlow::Continue(());
            }
            Item::Sample(_, sample) => sample,
            _ => return ControlFlow::Continue(()),
        };
        let place = resolver.place(sample);
        let symbol = resolver.function(place);
        let elsewhere = cpus.as_ref().is_some_and(|cpus| !cpus.contains(&sample.cpu));
        if elsewhere || parsed.on("hide-unresolved") && symbol.is_none() {
            return ControlFlow::Continue(());
        }
        let mut fields = vec![sample.pid.to_string(), sample.tid.to_string()];
        fields.extend([format!("{:#x}", sample.ip), format!("{:#x}", sample.addr)]);
        if physical {
            fields.push(format!("{:#018x}", sample.phys_addr));
        }
        if pages {
            fields.push(page_size(sample.data_page_size));
        }
        fields.push(sample.weight.to_string());
        fields.push(format!("{:#x}", sample.data_src));
        let dso = resolver.module(place).unwrap_or("???");
        let mut text = fields.join(&separator);
        let _ = writeln!(text, "{separator}{dso}:{}", symbol.unwrap_or("???"));
        match console::print(&text) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    });
    match ended {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(0),
    }
}

/// `4K`, `2M`; nothing known is `N/A`.
fn page_size(bytes: u64) -> String {
    match bytes {
        0 => "N/A".to_owned(),
        bytes if bytes >= 1 << 30 => format!("{}G", bytes >> 30),
        bytes if bytes >= 1 << 20 => format!("{}M", bytes >> 20),
        bytes if bytes >= 1 << 10 => format!("{}K", bytes >> 10),
        bytes => format!("{bytes}B"),
    }
}
