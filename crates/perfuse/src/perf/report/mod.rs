//! `perf report`: a recording as tables with call trees.

mod load;
mod options;

use std::io::IsTerminal as _;

use anyhow::Context as _;
use perfuse_format::perfdata::PerfData;
use perfuse_render::perf::report::{Layout, ReportEvent, ReportOptions};

use super::options::Parsed;
use super::recorded::Input;
use crate::console::{self, Console};
use load::{Loaded, Refusal};
pub(super) use options::COMMAND;
use options::{Header, Options};

/// What perf writes before a report.
const NO_HEADER: &str = "# To display the perf.data header info, please use --header/--header-only options.\n#\n";

/// Runs it.
pub(super) fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let options = Options::of(parsed)?;
    let input = Input::open(options.input.as_deref())?;
    let data = PerfData::parse(input.bytes()).with_context(|| input.name.clone())?;
    for damage in &data.damage {
        console.complain(&format!("{}: {damage}", input.name));
    }
    let loaded = match Loaded::new(&options, &data, parsed, console)? {
        Ok(loaded) => loaded,
        Err(refusal) => return Ok(refuse(&refusal)),
    };
    let stdio = options.stdio.unwrap_or_else(|| !std::io::stdout().is_terminal());
    if loaded.hists.entries.is_empty() {
        console::say(&format!("Error:\nThe {} data has no samples!\n", input.name));
    }
    let mut out = String::new();
    if options.header == Header::No && !options.quiet {
        out.push_str(NO_HEADER);
    }
    let layout_options = layout_options(&options, &loaded, console, stdio);
    let layout = Layout::new(&loaded.hists, &layout_options, &loaded.names);
    if !loaded.hists.entries.is_empty() {
        let tip = console.texts.word("perf-report-tip");
        layout.report(&loaded.events, loaded.lost, &tip, &mut out);
    }
    console::print(&out)?;
    Ok(0)
}

fn refuse(refusal: &Refusal) -> u8 {
    console::say(&format!("Error:\n{}\n", refusal.0));
    super::FAILED
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
        sorts_by_symbol: options.fields.is_none() && loaded.sort.starts_with("sym"),
        time: options.time.clone(),
        skip_empty: options.skip_empty,
        socket: options.socket.map(i64::from),
    }
}

/// The events as they are called in the heads.
fn events(data: &PerfData<'_>) -> Vec<ReportEvent> {
    data.events.iter().map(|event| ReportEvent { name: event.name.clone() }).collect()
}
