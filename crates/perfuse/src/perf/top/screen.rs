//! `perf top` on the terminal.

use std::path::PathBuf;
use std::sync::mpsc::TryRecvError;
use std::time::Duration;

use anyhow::Context as _;
use perfuse_analyze::Msg;
use perfuse_analyze::annotate::PercentType;
use perfuse_collect::terminal::{Wait, wait};
use perfuse_render::perf::annotate::Annotated;
use perfuse_render::perf::top::{Flow, TopTui};
use ratatui::crossterm::event::{Event, poll, read};

use super::options::Options;
use super::work::{Knobs, News, Order};
use super::{GLANCE, Work, end};
use crate::console::Console;
use crate::perf::annotate::{self, Left};
use crate::signals::Interrupt;

/// Shows what is counted until the user leaves; the terminal is given back whatever happens.
pub(super) fn run(options: &Options, work: &Work, interrupt: &Interrupt, console: &Console) -> anyhow::Result<u8> {
    let mut terminal = ratatui::try_init().context("terminal")?;
    let mut tui = TopTui::new(console.texts).with_color(console.color);
    let mut knobs = Knobs { delay: Duration::from_secs(options.delay), zero: options.zero, hidden: options.hidden };
    let result = loop {
        match step(&mut terminal, &mut tui, &mut knobs, work, (interrupt, console)) {
            Ok(None) if !interrupt.came() => {}
            Ok(last) => break Ok(last),
            Err(error) => break Err(error),
        }
    };
    ratatui::restore();
    // What ended it is said on the plain terminal.
    match result? {
        Some(news) => end(news, console).unwrap_or(Ok(0)),
        None => Ok(0),
    }
}

/// Takes news and a key; gives the news that end it.
fn step(
    terminal: &mut ratatui::DefaultTerminal,
    tui: &mut TopTui<'_>,
    knobs: &mut Knobs,
    work: &Work,
    (interrupt, console): (&Interrupt, &Console),
) -> anyhow::Result<Option<News>> {
    loop {
        match work.news.try_recv() {
            Ok(News::Screen(screen)) => {
                let (share, bytes) = screen.cost;
                let message = Msg::new("perf-top-tui-cost").with("cpu", format!("{share:.1}"));
                let cost = console.texts.text(&message.with("memory", (bytes >> 20).to_string()));
                tui.update(screen.head, screen.tables, cost);
            }
            Ok(News::Code(Ok(listed))) => {
                let view = |shown: &Annotated<'_>| {
                    annotate::view(terminal, shown, annotate::plain(PercentType::DEFAULT), interrupt, console)
                };
                if listed.show(view)? == Left::Out {
                    return Ok(Some(News::Over(0)));
                }
                terminal.clear()?;
            }
            Ok(News::Code(Err(why))) => tui.say(console.texts.text(&why)),
            Ok(News::Begun) => {}
            Ok(last) => return Ok(Some(last)),
            Err(TryRecvError::Empty) => break,
            Err(TryRecvError::Disconnected) => return Ok(Some(News::Over(0))),
        }
    }
    terminal.draw(|frame| tui.draw(frame))?;
    if wait(GLANCE) == Wait::Gone {
        return Ok(Some(News::Over(0)));
    }
    while poll(Duration::ZERO)? {
        let Event::Key(key) = read()? else { continue };
        match tui.on_key(key) {
            Flow::Continue => continue,
            Flow::Quit => return Ok(Some(News::Over(0))),
            Flow::Write => {
                let written = write(tui, console);
                tui.say(written);
                continue;
            }
            Flow::Annotate { symbol, dso, event } => {
                tui.say(console.texts.text(&Msg::new("perf-top-tui-reading").with("symbol", symbol.as_str())));
                let _ = work.orders.send(Order::Code { symbol, dso, event });
                continue;
            }
            Flow::Zero => knobs.zero = !knobs.zero,
            Flow::Kernel => knobs.hidden.kernel = !knobs.hidden.kernel,
            Flow::User => knobs.hidden.user = !knobs.hidden.user,
            Flow::Delay(seconds) => knobs.delay = Duration::from_secs(seconds),
        }
        let on = |on: bool| if on { "on" } else { "off" };
        let message = Msg::new("perf-top-tui-knobs").with("zero", on(knobs.zero));
        let message = message.with("kernel", on(!knobs.hidden.kernel)).with("user", on(!knobs.hidden.user));
        tui.say(console.texts.text(&message.with("delay", knobs.delay.as_secs().to_string())));
        // A counter that has gone has told why, which the next step shows.
        let _ = work.orders.send(Order::Knobs(*knobs));
    }
    Ok(None)
}

/// Writes the screen to a new file; gives what to say of it.
fn write(tui: &TopTui<'_>, console: &Console) -> String {
    let free = (0..1000).map(|number| PathBuf::from(format!("perf.top.{number}"))).find(|path| !path.exists());
    let path = free.unwrap_or_else(|| PathBuf::from("perf.top"));
    let file = path.display().to_string();
    let message = match std::fs::write(&path, tui.text()) {
        Ok(()) => Msg::new("perf-report-tui-written").with("file", file),
        Err(error) => Msg::new("perf-report-tui-not-written").with("file", file).with("why", error.to_string()),
    };
    console.texts.text(&message)
}
