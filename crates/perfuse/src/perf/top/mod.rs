//! `perf top`: where the machine spends its time now.

mod options;
mod screen;
mod work;

use std::io::{IsTerminal as _, stdin, stdout};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use perfuse_format::perfdata::stream::Stream;
use perfuse_render::perf::top::stdio;

use super::options::Parsed;
use crate::console::{self, Console};
use crate::signals::Interrupt;
pub(super) use options::COMMAND;
use options::Options;
use work::{ENDIAN, News, Order};

/// How long to wait for news before looking for a signal.
const GLANCE: Duration = Duration::from_millis(100);

/// What runs behind the screen.
struct Work {
    news: Receiver<News>,
    orders: Sender<Order>,
}

/// Runs it.
fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let options = Arc::new(Options::of(parsed)?);
    let interrupt = Interrupt::install()?;
    let text = options.stdio.unwrap_or_else(|| !(stdout().is_terminal() && stdin().is_terminal()));
    let work = begin(&options, console)?;
    // Nothing is shown before the events are open: what is refused is said on the plain terminal.
    let begun = loop {
        match work.news.recv_timeout(GLANCE) {
            Ok(News::Begun) => break true,
            Ok(news) => {
                if let Some(end) = end(news, console) {
                    return end;
                }
            }
            Err(RecvTimeoutError::Timeout) if !interrupt.came() => {}
            Err(_) => break false,
        }
    };
    match (begun, text) {
        (false, _) => Ok(0),
        (true, true) => plain(&options, &work, &interrupt, console),
        (true, false) => screen::run(&options, &work, &interrupt, console),
    }
}

/// Starts the threads. They end with the process: what they have open is the kernel's to close.
fn begin(options: &Arc<Options>, console: &Console) -> anyhow::Result<Work> {
    let (source, sink) = std::io::pipe()?;
    let (tell, news) = mpsc::channel();
    let (orders, asked) = mpsc::channel();
    let stream = Arc::new(Mutex::new(Stream::new(ENDIAN)));
    let lang = console.texts.lang();
    {
        let (options, tell) = (Arc::clone(options), tell.clone());
        std::thread::spawn(move || work::record(&options.record, sink, lang, &tell));
    }
    {
        let (stream, tell) = (Arc::clone(&stream), tell.clone());
        std::thread::spawn(move || work::read(source, &stream, &tell));
    }
    let options = Arc::clone(options);
    std::thread::spawn(move || work::count(&options, &stream, &asked, &tell));
    Ok(Work { news, orders })
}

/// The end of the command, if some news mean it.
fn end(news: News, console: &Console) -> Option<anyhow::Result<u8>> {
    match news {
        News::Begun | News::Screen(_) | News::Code(_) => None,
        News::Wrong(error) => Some(Err(error.into())),
        News::Failed(text) => {
            console.complain(&text);
            Some(Ok(super::FAILED))
        }
        News::Over(status) => Some(Ok(status)),
    }
}

/// Text, a screen after the other.
fn plain(options: &Options, work: &Work, interrupt: &Interrupt, console: &Console) -> anyhow::Result<u8> {
    while !interrupt.came() {
        match work.news.recv_timeout(GLANCE) {
            Ok(News::Screen(screen)) => {
                let mut out = String::new();
                stdio(&screen.head, &screen.tables, options.entries, true, &mut out);
                console::print(&out)?;
            }
            Ok(news) => {
                if let Some(end) = end(news, console) {
                    return end;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(0)
}
