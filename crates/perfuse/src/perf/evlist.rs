//! `perf evlist`: the events of a recording.

use std::fmt::Write as _;

use perfuse_analyze::Msg;
use perfuse_format::perfdata::PerfData;
use perfuse_format::perfdata::attr::{flag, kind};
use perfuse_format::tracefs::EventFormat;
use perfuse_render::perf::attr;

use super::Command;
use super::options::{Opt, Parsed, UsageError, long_switch, switch, value};
use super::recorded::Input;
use crate::console::{self, Console};

/// `perf evlist`.
pub(crate) const COMMAND: Command =
    Command { name: "evlist", usage: &["[<options>]"], options: OPTIONS, runs: false, run };

const OPTIONS: &[Opt] = &[
    switch('f', "force"),
    switch('F', "freq"),
    switch('g', "group"),
    value('i', "input", "file"),
    switch('v', "verbose"),
    long_switch("trace-fields"),
];

fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let groups = parsed.on("group");
    if groups && (parsed.on("verbose") || parsed.on("freq")) {
        return Err(UsageError(Msg::new("evlist-group")).into());
    }
    if let Some(word) = parsed.rest.first() {
        return Err(UsageError(Msg::new("cache-word").with("word", word.to_string_lossy().into_owned())).into());
    }
    let input = Input::open(parsed.text("input").as_deref())?;
    let data = input.recording(true, console)?;
    let fields = parsed.on("trace-fields");
    let mut text = if groups { grouped(&data) } else { String::new() };
    for event in data.events.iter().filter(|_| !groups) {
        // Writing to a string does not fail.
        text.push_str(&event.name);
        if parsed.on("verbose") {
            let all = attr::fields(&event.attr).into_iter().map(|(name, value)| format!("{name}: {value}"));
            let _ = write!(text, ": {}", all.collect::<Vec<_>>().join(", "));
        } else if parsed.on("freq") {
            let rate = if event.attr.has(flag::FREQ) { "sample_freq" } else { "sample_period" };
            let _ = write!(text, ": {rate}={}", event.attr.sample_period);
        }
        if fields && event.attr.kind != kind::TRACEPOINT {
            text.push_str(": (not a tracepoint)");
        } else if fields {
            let _ = write!(text, ": trace_fields: {}", trace_fields(&data, event.attr.config).join(","));
        }
        text.push('\n');
    }
    if !fields && data.events.iter().any(|event| event.attr.kind == kind::TRACEPOINT) {
        text.push_str("# Tip: use 'perf evlist --trace-fields' to show fields for tracepoint events\n");
    }
    console::print(&text)?;
    Ok(0)
}

/// A line for each event or group.
fn grouped(data: &PerfData<'_>) -> String {
    let (mut text, mut at) = (String::new(), 0);
    while let Some(event) = data.events.get(at) {
        let group = data.features.groups.iter().find(|group| group.leader as usize == at && group.members > 1);
        let members = group.map_or(1, |group| group.members as usize).min(data.events.len() - at);
        let names: Vec<&str> = data.events.iter().skip(at).take(members).map(|event| event.name.as_str()).collect();
        let _ = match group {
            Some(group) if group.name == "{anon_group}" => writeln!(text, "{{{}}}", names.join(",")),
            Some(group) => writeln!(text, "{}{{{}}}", group.name, names.join(",")),
            None => writeln!(text, "{}", event.name),
        };
        at += members;
    }
    text
}

/// Names of the fields of a tracepoint, but for those that all have.
fn trace_fields(data: &PerfData<'_>, id: u64) -> Vec<String> {
    let formats = data.tracing_data.iter().flat_map(perfuse_format::perfdata::TracingData::formats);
    let mut formats = formats.filter_map(|(system, bytes)| EventFormat::parse(system, bytes).ok());
    let names = |format: EventFormat| format.fields.into_iter().map(|field| field.name).collect();
    formats.find(|format| format.id == id).map(names).unwrap_or_default()
}
