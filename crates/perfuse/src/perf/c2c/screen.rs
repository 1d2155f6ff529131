//! `perf c2c report` on the terminal.

use std::time::Duration;

use anyhow::Context as _;
use perfuse_collect::terminal::{Wait, wait};
use perfuse_render::perf::c2c::C2c;
use perfuse_render::perf::c2c::tui::C2cTui;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{Event, poll, read};

use crate::console::Console;
use crate::signals::Interrupt;

/// How long to wait for a key before looking for a signal.
const KEY_WAIT: Duration = Duration::from_millis(200);

/// Shows it until the user leaves; the terminal is given back whatever happens.
pub(super) fn run(shown: &C2c<'_>, console: &Console) -> anyhow::Result<u8> {
    let interrupt = Interrupt::install()?;
    let mut terminal = ratatui::try_init().context("terminal")?;
    let result = show(&mut terminal, C2cTui::new(*shown, console.texts), &interrupt);
    ratatui::restore();
    result.map(|()| 0)
}

fn show(terminal: &mut DefaultTerminal, mut tui: C2cTui<'_>, interrupt: &Interrupt) -> anyhow::Result<()> {
    terminal.draw(|frame| tui.draw(frame))?;
    while !interrupt.came() {
        if wait(KEY_WAIT) == Wait::Gone {
            return Ok(());
        }
        // Not only after input: a resize comes as a signal, through the event reader's own pipe.
        if !poll(Duration::ZERO)? {
            continue;
        }
        if let Event::Key(key) = read()?
            && !tui.on_key(key)
        {
            return Ok(());
        }
        terminal.draw(|frame| tui.draw(frame))?;
    }
    Ok(())
}
