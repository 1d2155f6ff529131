//! `perf report`: a recording as tables with call trees.

mod live;
mod load;
mod options;
mod problems;
mod records;
mod screen;
mod switch;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, stdin, stdout};
use std::ops::Range;

use perfuse_analyze::Msg;
use perfuse_analyze::hist::Key;
use perfuse_format::perfdata::PerfData;
use perfuse_render::perf::report::{Layout, ReportEvent, ReportOptions};

use super::options::{Grammar, Parsed, UsageError, parse};
use super::recorded::{Header, Input, Passage};
use crate::console::{self, Console};
pub(super) use live::{Listed, Live, Unfit};
use load::{Loaded, Refusal};
pub(super) use options::COMMAND;
use options::Options;

/// The status of perf where an event of `--switch-on` or `--switch-off` is not there.
const NO_SUCH_SWITCH: u8 = 254;
/// What perf writes before a report.
const NO_HEADER: &str = "# To display the perf.data header info, please use --header/--header-only options.\n#\n";

/// Reports with options of another command, and then with the words of whoever runs it.
pub(super) fn with_words(mut line: Vec<OsString>, words: Vec<OsString>, console: &Console) -> anyhow::Result<u8> {
    line.extend(words);
    run(&parse(Grammar { options: COMMAND.options, runs: false }, &line)?, console)
}

/// Runs it.
pub(super) fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let options = Options::of(parsed)?;
    let input = Input::open(options.input.as_deref())?;
    let data = input.recording(options.unordered, console)?;
    if input.header(&data, options.header, options.info)? {
        return Ok(0);
    }
    if let Some(status) = of_records(&options, &data, &input.name, parsed, console)? {
        return Ok(status);
    }
    let stdio = options.stdio.unwrap_or_else(|| !(stdout().is_terminal() && stdin().is_terminal()));
    if options.group_sort > 0 && data.features.groups.is_empty() {
        let index = options.group_sort.to_string();
        return Err(UsageError::value("group-sort-idx", &index, Msg::new("perf-report-no-groups")).into());
    }
    let loaded = match Loaded::new(&options, &data, Some(Passage::new(&input)), parsed, console)? {
        Ok(loaded) => loaded,
        Err(refusal) => {
            let says_first = refusal.status != NO_SUCH_SWITCH;
            if says_first && stdio && options.header == Header::No && !options.quiet {
                console::print(NO_HEADER)?;
            }
            return Ok(refuse(&refusal));
        }
    };
    if loaded.hists.entries.is_empty() {
        console::say(&format!("Error:\nThe {} data has no samples!\n", input.name));
    } else if !stdio {
        let header = input.header_text(&data, true, true);
        return screen::run(options, loaded, (&input.name, &header), &data, parsed, console);
    }
    text(&options, &loaded, console)?;
    if options.threads {
        console::print(&records::threads(&data, options.raw_threads))?;
    }
    if let Some(unnamed) = &loaded.unnamed
        && !options.quiet
    {
        console::say(&format!("perfuse: {unnamed}\n"));
    }
    Ok(0)
}

/// What is shown of records instead of a report, if that was asked for; then the exit status.
fn of_records(
    options: &Options,
    data: &PerfData<'_>,
    name: &str,
    parsed: &Parsed,
    console: &Console,
) -> anyhow::Result<Option<u8>> {
    if options.stats {
        console::print(&records::stats(data))?;
    } else if options.tasks || options.mmaps {
        let Some(text) = records::tasks(data, options.mmaps) else {
            console.complain(&console.texts.word("perf-report-no-parent"));
            return Ok(Some(super::FAILED));
        };
        console::print(&text)?;
    } else if options.dump {
        if options.header == Header::No && !options.quiet {
            console::print(NO_HEADER)?;
        }
        records::dump(options.time.as_deref(), data, name, parsed, console)?;
    } else {
        return Ok(None);
    }
    Ok(Some(0))
}

/// What `-g` says of call chains, for other commands: the style, and which end comes first if it was said.
pub(super) fn chain_options(
    parsed: &Parsed,
) -> Result<(perfuse_analyze::hist::ChainOptions, Option<bool>), UsageError> {
    let options = Options::of(parsed)?;
    Ok((options.chain, options.caller_first))
}

/// Every record as bytes and in words, for other commands.
pub(super) fn dump(data: &PerfData<'_>, name: &str, parsed: &Parsed, console: &Console) -> anyhow::Result<()> {
    records::dump(None, data, name, parsed, console)
}

/// The report as text.
fn text(options: &Options, loaded: &Loaded, console: &Console) -> anyhow::Result<()> {
    let mut out = String::new();
    if options.header == Header::No && !options.quiet {
        out.push_str(NO_HEADER);
    }
    let layout_options = layout_options(options, loaded, console, true);
    for (_, told) in &layout_options.elided {
        let _ = writeln!(out, "# {told}");
    }
    let layout = Layout::new(&loaded.hists, &layout_options, &loaded.names);
    if !loaded.hists.entries.is_empty() {
        let tip = console.texts.word("perf-report-tip");
        layout.report(&loaded.events, loaded.lost, &tip, &mut out);
    }
    console::print(&out)
}

fn refuse(refusal: &Refusal) -> u8 {
    console::say(&format!("{}\n", refusal.text));
    refusal.status
}

fn layout_options(options: &Options, loaded: &Loaded, console: &Console, stdio: bool) -> ReportOptions {
    let color = match options.color.as_deref() {
        Some("always") => true,
        Some("never") => false,
        _ => stdio && console.color,
    };
    ReportOptions {
        separator: options.separator.clone(),
        widths: options.widths.clone(),
        verbose: options.verbose,
        color,
        quiet: options.quiet,
        min_percent: options.min_percent,
        chain: options.chain,
        nanoseconds: options.nanoseconds,
        dsos_chosen: options.dsos.is_some(),
        elided: elided(options, loaded),
        sorts_by_symbol: options.fields.is_none() && loaded.sort.starts_with("sym"),
        time: options.time.clone(),
        skip_empty: options.skip_empty,
        hierarchy: options.hierarchy,
        socket: options.socket.map(i64::from),
        memory_sort: options.memory.then(|| memory_sort(options, loaded)),
    }
}

/// What memory accesses are sorted by, as perf writes it: where nothing is said, with a key that only POWER shows.
fn memory_sort(options: &Options, loaded: &Loaded) -> String {
    let sort = &loaded.sort;
    match options.sort {
        Some(_) if sort.split(',').any(|word| matches!(word, "sym" | "symbol")) => format!("{sort},ipc_null"),
        Some(_) => sort.clone(),
        None => format!("{},local_p_stage_cyc", sort.replace(",symbol,", ",sym,")),
    }
}

/// Columns of which a filter leaves one value only, unless nothing else would be left.
fn elided(options: &Options, loaded: &Loaded) -> Vec<(Key, String)> {
    let lists = [
        (Key::Comm, "comm", &options.comms),
        (Key::Dso, "dso", &options.dsos),
        (Key::Symbol, "symbol", &options.symbols),
    ];
    let keys: Vec<Key> = loaded.hists.settings.columns.keys().collect();
    let one = |key: &Key| {
        let (_, name, list) = lists.iter().find(|(other, ..)| other == key)?;
        let list = list.as_ref().filter(|list| list.len() == 1)?;
        Some((*key, format!("{name}: {}", list.first()?)))
    };
    let elided: Vec<(Key, String)> = keys.iter().filter_map(one).collect();
    if elided.len() == keys.len() { Vec::new() } else { elided }
}

/// The events as they are called in the heads. `grouped` are those that are shown together.
fn events(data: &PerfData<'_>, groups: &[Range<usize>]) -> Vec<ReportEvent> {
    let one = |(index, event): (usize, &perfuse_format::perfdata::Event)| {
        let recorded = data.features.groups.iter().find(|group| group.leader as usize == index);
        let several = recorded.is_some_and(|group| group.members > 1);
        let Some(group) = groups.iter().find(|group| group.start == index) else {
            return ReportEvent { name: event.name.clone(), several };
        };
        let names = data.events.get(group.clone()).unwrap_or_default().iter().map(|event| event.name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        match recorded {
            Some(recorded) => {
                let name =
                    if matches!(recorded.name.as_str(), "" | "{anon_group}") { "anon group" } else { &recorded.name };
                ReportEvent { name: format!("{name} {{ {names} }}"), several: true }
            }
            // Put together with --group.
            None => ReportEvent { name: names, several: true },
        }
    };
    data.events.iter().enumerate().map(one).collect()
}
