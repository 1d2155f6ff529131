//! `perf annotate` on the terminal, and the view of one function that `report` and `top` open.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use perfuse_analyze::Msg;
use perfuse_collect::terminal::{Wait, wait};
use perfuse_render::perf::annotate::{AnnotateOptions, AnnotateTui, Annotated, Flow, stdio2};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{Event, poll, read};

use super::options::{Options, Style};
use super::{Loaded, cannot, show};
use crate::console::Console;
use crate::signals::Interrupt;

/// How long to wait for a key before looking for a signal.
const KEY_WAIT: Duration = Duration::from_millis(200);

/// How a view was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Back to where it was opened from.
    Back,
    /// Out of the program.
    Out,
}

/// Shows one function until the user leaves it.
pub(crate) fn view(
    terminal: &mut DefaultTerminal,
    shown: &Annotated<'_>,
    options: AnnotateOptions,
    interrupt: &Interrupt,
    console: &Console,
) -> anyhow::Result<Left> {
    let mut tui = AnnotateTui::new(*shown, options, console.texts).with_color(console.color);
    terminal.draw(|frame| tui.draw(frame))?;
    while !interrupt.came() {
        if wait(KEY_WAIT) == Wait::Gone {
            return Ok(Left::Out);
        }
        // Not only after input: a resize comes as a signal, through the event reader's own pipe.
        if !poll(Duration::ZERO)? {
            continue;
        }
        if let Event::Key(key) = read()? {
            match tui.on_key(key) {
                Flow::Continue => {}
                Flow::Back => return Ok(Left::Back),
                Flow::Quit => return Ok(Left::Out),
                Flow::Write => tui.say(write(shown, options, console)),
            }
        }
        terminal.draw(|frame| tui.draw(frame))?;
    }
    Ok(Left::Out)
}

/// Writes the listing to a file named after the function; gives what to say of it.
fn write(shown: &Annotated<'_>, options: AnnotateOptions, console: &Console) -> String {
    let safe = |c: char| if c.is_alphanumeric() || c == '_' { c } else { '_' };
    let name: String = shown.name.chars().take(100).map(safe).collect();
    let path = PathBuf::from(format!("{name}.annotation"));
    let mut text = String::new();
    stdio2(shown, options, &mut text);
    let file = path.display().to_string();
    let message = match std::fs::write(&path, text) {
        Ok(()) => Msg::new("perf-report-tui-written").with("file", file),
        Err(error) => Msg::new("perf-report-tui-not-written").with("file", file).with("why", error.to_string()),
    };
    console.texts.text(&message)
}

/// Shows the functions one after the other, the one with most samples first: `q` leads to the next.
pub(super) fn run(options: &Options, loaded: &mut Loaded, console: &Console) -> anyhow::Result<u8> {
    let interrupt = Interrupt::install()?;
    let layout = options.layout(console, Style::Tui);
    let events = std::mem::take(&mut loaded.events);
    let mut why_not = Vec::new();
    let mut terminal = ratatui::try_init().context("terminal")?;
    let result = (|| {
        for event in &events {
            for (id, share) in loaded.functions(event) {
                if share < options.percent_limit {
                    continue;
                }
                let opened = match loaded.open(id, &options.listing) {
                    Ok(opened) => opened,
                    Err(why) => {
                        let name = loaded.resolver.symbol(id).map(|symbol| symbol.name.clone()).unwrap_or_default();
                        why_not.push(cannot(&name, &why, console));
                        continue;
                    }
                };
                let left =
                    show(loaded, event, id, &opened, |shown| view(&mut terminal, shown, layout, &interrupt, console));
                if left? == Left::Out {
                    return Ok(());
                }
            }
        }
        anyhow::Ok(())
    })();
    ratatui::restore();
    if !options.skip_missing && !options.quiet {
        // One function of each file is enough to tell why.
        why_not.truncate(3);
        for text in why_not {
            crate::console::say(&format!("Error:\n{text}\n"));
        }
    }
    result.map(|()| 0)
}
