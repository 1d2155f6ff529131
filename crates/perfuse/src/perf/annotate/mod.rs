//! `perf annotate`: the instructions of functions with their samples.

mod code;
mod load;
mod options;
mod screen;

use std::io::{IsTerminal as _, stdin, stdout};

use perfuse_analyze::Msg;
use perfuse_analyze::annotate::{Histogram, PercentType};
use perfuse_analyze::resolve::SymbolId;
use perfuse_render::perf::annotate::{AnnotateOptions, Annotated, EventColumn, stdio, stdio2};

use super::options::Parsed;
use super::recorded::{Input, Passage};
use crate::console::{self, Console};
pub(crate) use load::{EventAbout, Filter, Loaded, Opened, find, open};
pub(crate) use options::{COMMAND, Listing, percent_type};
use options::{Options, Style};
pub(crate) use screen::{Left, view};

/// Runs it.
fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let options = Options::of(parsed)?;
    let input = Input::open(options.input.as_deref())?;
    let data = input.recording(false, console)?;
    if options.dump {
        return super::report::dump(&data, &input.name, parsed, console).map(|()| 0);
    }
    let mut loaded =
        Loaded::new(&Filter::of(&options), options.group, &data, Some(Passage::new(&input)), parsed, console);
    if loaded.is_empty() {
        console::say(&format!("{}\n", nothing(&options, &loaded, &input.name, console)));
        return Ok(0);
    }
    let style = options.style.unwrap_or(if stdout().is_terminal() && stdin().is_terminal() {
        Style::Tui
    } else {
        Style::Stdio
    });
    if style == Style::Tui {
        return screen::run(&options, &mut loaded, console);
    }
    text(&options, style, &mut loaded, console)?;
    Ok(0)
}

/// What to say where no sample is left.
fn nothing(options: &Options, loaded: &Loaded, file: &str, console: &Console) -> String {
    let mut text = format!("Error:\nThe {file} data has no samples!");
    if let Some(symbol) = options.symbol.as_ref().filter(|_| !loaded.others.is_empty()) {
        let names = loaded.others.iter().map(String::as_str);
        let near = crate::cli::nearest(symbol, names).join(", ");
        let message = Msg::new("perf-annotate-no-such").with("symbol", symbol.as_str()).with("near", near);
        text = format!("Error:\n{}", console.texts.text(&message));
    }
    text
}

/// Prints all functions of all events.
fn text(options: &Options, style: Style, loaded: &mut Loaded, console: &Console) -> anyhow::Result<()> {
    let layout = options.layout(console, style);
    let events = std::mem::take(&mut loaded.events);
    // Of a file without code it is told once, as in perf.
    let mut told = std::collections::BTreeSet::new();
    for event in &events {
        for (id, share) in loaded.functions(event) {
            let dso = loaded.resolver.symbol(id).map(|symbol| symbol.dso);
            if share < options.percent_limit || told.contains(&dso) {
                continue;
            }
            match loaded.open(id, &options.listing) {
                Ok(opened) => {
                    let mut out = String::new();
                    show(loaded, event, id, &opened, |shown| match style {
                        Style::Stdio2 => stdio2(shown, layout, &mut out),
                        _ => stdio(shown, layout, &mut out),
                    });
                    console::print(&out)?;
                }
                Err(why) => {
                    told.insert(dso);
                    if !options.skip_missing && !options.quiet {
                        let name = loaded.resolver.symbol(id).map(|symbol| symbol.name.clone()).unwrap_or_default();
                        console::say(&format!("Error:\n{}\n", cannot(&name, &why, console)));
                    }
                }
            }
        }
    }
    Ok(())
}

/// Why a function cannot be shown.
pub(crate) fn cannot(name: &str, why: &Msg, console: &Console) -> String {
    let why = console.texts.text(why);
    console.texts.text(&Msg::new("perf-annotate-cannot").with("symbol", name.to_owned()).with("why", why))
}

/// Gives a function with its samples to `work`.
pub(crate) fn show<T>(
    loaded: &Loaded,
    event: &EventAbout,
    id: SymbolId,
    opened: &Opened,
    work: impl FnOnce(&Annotated<'_>) -> T,
) -> T {
    let none = Histogram::default();
    let function = loaded.annotations.functions.get(&id);
    let column = |member: usize| EventColumn {
        histogram: function.and_then(|function| function.event(member)).unwrap_or(&none),
        all: loaded.annotations.total(member),
    };
    let columns: Vec<EventColumn<'_>> = event.members.clone().map(column).collect();
    work(&Annotated {
        code: &opened.code,
        rows: &opened.rows,
        name: &opened.name,
        dso: &opened.dso,
        event: &event.name,
        frequency: event.frequency,
        several: event.members.len() > 1,
        events: &columns,
    })
}

/// What `report` and `top` share with the terminal view: its layout without colours of its own.
pub(crate) const fn plain(percent: PercentType) -> AnnotateOptions {
    AnnotateOptions { percent, samples: false, period: false, full_paths: false, lines: false, color: false }
}
