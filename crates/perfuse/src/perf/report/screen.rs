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
use crate::perf::annotate::{self, Left};
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
    let (mut told, mut code) = (None, None);
    let result = loop {
        let around = Around { about, data, parsed, console, interrupt: &interrupt };
        match show(&mut terminal, &options, &loaded, told.take(), &mut code, &around) {
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

/// What stays the same while the report is shown.
struct Around<'a> {
    /// Name of the file, and its header as text.
    about: (&'a str, &'a str),
    data: &'a PerfData<'a>,
    parsed: &'a Parsed,
    console: &'a Console<'a>,
    interrupt: &'a Interrupt,
}

/// Shows what is loaded; gives the keys that it is to be sorted by instead, or `None` at the end.
fn show(
    terminal: &mut DefaultTerminal,
    options: &Options,
    loaded: &Loaded,
    told: Option<String>,
    code: &mut Option<annotate::Loaded>,
    around: &Around<'_>,
) -> anyhow::Result<Option<String>> {
    let Around { about, data, parsed, console, interrupt } = *around;
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
                Flow::Annotate { symbol, dso, event } => {
                    let asked = Asked { symbol, dso, event };
                    match annotate(terminal, &asked, code, (data, parsed), interrupt, console)? {
                        Ok(Left::Back) => {}
                        Ok(Left::Out) => return Ok(None),
                        Err(why) => tui.say(why),
                    }
                    terminal.clear()?;
                }
                Flow::Header => tui.show(about.1),
                Flow::Write { event } => tui.say(write(loaded, &plain, event, console)),
            }
        }
        terminal.draw(|frame| tui.draw(frame))?;
    }
    Ok(None)
}

/// A function whose instructions are asked for.
struct Asked {
    symbol: String,
    /// The name of its file, as the line shows it.
    dso: String,
    event: usize,
}

/// Shows the instructions of a function; `code` keeps what was read for it. The inner error tells why that cannot be.
fn annotate(
    terminal: &mut DefaultTerminal,
    asked: &Asked,
    code: &mut Option<annotate::Loaded>,
    (data, parsed): (&PerfData<'_>, &Parsed),
    interrupt: &Interrupt,
    console: &Console,
) -> anyhow::Result<Result<Left, String>> {
    // The samples are read once more when the first function is opened: the table has no addresses.
    let filter = annotate::Filter::default();
    let loaded = code.get_or_insert_with(|| annotate::Loaded::new(&filter, None, data, None, parsed, console));
    let (listing, percent) = (annotate::Listing::of(parsed)?, annotate::percent_type(parsed)?);
    let events = std::mem::take(&mut loaded.events);
    let event = events.iter().find(|event| event.members.contains(&asked.event));
    let found = annotate::find(&loaded.annotations, &loaded.resolver, &asked.symbol, &asked.dso);
    let result = match (event, found) {
        (Some(event), Some(id)) => match loaded.open(id, &listing) {
            Ok(opened) => annotate::show(loaded, event, id, &opened, |shown| {
                annotate::view(terminal, shown, annotate::plain(percent), interrupt, console)
            })
            .map(Ok),
            Err(why) => Ok(Err(annotate::cannot(&asked.symbol, &why, console))),
        },
        _ => Ok(Err(console.texts.text(&Msg::new("perf-report-tui-no-code").with("symbol", asked.symbol.as_str())))),
    };
    loaded.events = events;
    result
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
