//! `perf report` on the terminal.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use perfuse_analyze::Msg;
use perfuse_collect::terminal::{Wait, wait};
use perfuse_format::perfdata::PerfData;
use perfuse_render::perf::report::{Layout, ReportOptions};
use perfuse_render::perf::report_tui::{Flow, ReportTui};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{Event, poll, read};

use super::load::Loaded;
use super::options::Options;
use crate::console::Console;
use crate::perf::options::Parsed;
use crate::signals::Interrupt;

/// How long to wait for a key before looking for a signal.
const KEY_WAIT: Duration = Duration::from_millis(200);

/// Shows the report until the user leaves (`about`: name of the file, and its header as text); the terminal is given back whatever happens.
pub(super) fn run(
    mut options: Options,
    mut loaded: Loaded,
    about: (&str, &str),
    data: &PerfData<'_>,
    parsed: &Parsed,
    console: &Console,
) -> anyhow::Result<u8> {
    let interrupt = Interrupt::install()?;
    let mut terminal = ratatui::try_init().context("terminal")?;
    let mut told = None;
    let result = loop {
        match show(&mut terminal, &options, &loaded, told.take(), about, console, &interrupt) {
            Ok(Some(sort)) => match again(&mut options, sort, data, parsed, console) {
                Ok(fresh) => loaded = fresh,
                Err(why) => told = Some(why),
            },
            Ok(None) => break Ok(0),
            Err(error) => break Err(error),
        }
    };
    ratatui::restore();
    result
}

/// Reads the recording again, sorted otherwise. The error tells why that cannot be.
fn again(
    options: &mut Options,
    sort: String,
    data: &PerfData<'_>,
    parsed: &Parsed,
    console: &Console,
) -> Result<Loaded, String> {
    let before = (options.sort.replace(sort), options.fields.take());
    let why = match Loaded::new(options, data, None, parsed, console) {
        Ok(Ok(loaded)) => return Ok(loaded),
        Ok(Err(refusal)) => refusal.text,
        Err(error) => error.to_string(),
    };
    (options.sort, options.fields) = before;
    Err(console.texts.text(&Msg::new("perf-report-tui-not-sorted").with("why", why)))
}

/// Shows what is loaded; gives the keys that it is to be sorted by instead, or `None` at the end.
fn show(
    terminal: &mut DefaultTerminal,
    options: &Options,
    loaded: &Loaded,
    told: Option<String>,
    about: (&str, &str),
    console: &Console,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<String>> {
    // What is shown and what is written to a file has no escape sequences of its own.
    let plain = ReportOptions { color: false, ..super::layout_options(options, loaded, console, false) };
    let layout = Layout::new(&loaded.hists, &plain, &loaded.names);
    let mut tui = ReportTui::new(layout, &loaded.events, console.texts)
        .with_color(console.color)
        .with_problem(loaded.unnamed.clone());
    if let Some(told) = told {
        tui.say(told);
    }
    terminal.draw(|frame| tui.draw(frame))?;
    while !interrupt.came() {
        if wait(KEY_WAIT) == Wait::Gone {
            return Ok(None);
        }
        // Not only after input: a resize comes as a signal, through the event reader's own pipe.
        if !poll(Duration::ZERO)? {
            continue;
        }
        if let Event::Key(key) = read()? {
            match tui.on_key(key) {
                Flow::Continue => {}
                Flow::Quit => return Ok(None),
                Flow::Sort(sort) => return Ok(Some(sort)),
                Flow::Annotate { symbol, dso } => tui.say(annotate(&symbol, &dso, about.0, console)),
                Flow::Header => tui.show(about.1),
                Flow::Write { event } => tui.say(write(loaded, &plain, event, console)),
            }
        }
        terminal.draw(|frame| tui.draw(frame))?;
    }
    Ok(None)
}

/// What leads to the instructions of a function: this binary has no command for them yet, perf has.
fn annotate(symbol: &str, dso: &str, file: &str, console: &Console) -> String {
    // perf takes the name without its file; in single quotes no shell makes anything of it.
    let quoted = format!("'{}'", symbol.replace('\'', "'\\''"));
    let mut text =
        console.texts.text(&Msg::new("perf-report-tui-annotate").with("file", file.to_owned()).with("symbol", quoted));
    if !dso.is_empty() && !dso.starts_with('[') {
        text.push_str(" -d ");
        text.push_str(dso);
    }
    text
}

/// Writes the table of an event to a new file, as `--stdio` would; gives what to say of it.
fn write(loaded: &Loaded, plain: &ReportOptions, event: usize, console: &Console) -> String {
    let free = (0..1000).map(|number| PathBuf::from(format!("perf.hist.{number}"))).find(|path| !path.exists());
    let path = free.unwrap_or_else(|| PathBuf::from("perf.hist"));
    let mut text = String::new();
    let layout = Layout::new(&loaded.hists, plain, &loaded.names);
    layout.one(event, &loaded.events, &mut text);
    let file = path.display().to_string();
    let message = match std::fs::write(&path, text) {
        Ok(()) => Msg::new("perf-report-tui-written").with("file", file),
        Err(error) => Msg::new("perf-report-tui-not-written").with("file", file).with("why", error.to_string()),
    };
    console.texts.text(&message)
}
