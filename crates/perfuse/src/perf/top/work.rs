//! The threads behind the screen.
//!
//! ```text
//!   record: rings ──pipe──> read: bytes ──> count: functions, table ──> screen
//! ```
//!
//! Symbols are read by the thread that counts, so that the screen never waits for them. If it cannot keep up, the pipe
//! fills, the rings overflow, and the kernel tells how much was lost.

use std::io::Read as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use perfuse_analyze::{Arg, Msg};
use perfuse_format::perfdata::stream::Stream;
use perfuse_format::perfdata::{Endian, PerfData};
use perfuse_render::perf::top::{Hidden, TopHead, TopTable};
use perfuse_render::{Lang, Texts};

use super::options::Options;
use crate::cli::When;
use crate::console::Console;
use crate::perf::options::{Parsed, UsageError};
use crate::perf::record;
use crate::perf::report::{Listed, Live, Unfit};

/// Bytes that may wait to be counted.
const MOST_WAITING: usize = 64 << 20;
/// When the first screen is shown, if its own time is not before.
const FIRST: Duration = Duration::from_millis(300);
/// Lines of a table that the terminal can be scrolled through.
const MOST_LINES: usize = 1000;

/// What the screen is told.
pub(super) enum News {
    /// The events are open.
    Begun,
    /// A table.
    Screen(Box<Screen>),
    /// The function that was asked for, or why it cannot be shown.
    Code(Result<Box<Listed>, Msg>),
    /// The command line asks for columns that are not there.
    Wrong(UsageError),
    /// It cannot go on.
    Failed(String),
    /// The recording has ended, with an exit status.
    Over(u8),
}

/// One refresh.
pub(super) struct Screen {
    pub(super) head: TopHead,
    pub(super) tables: Vec<TopTable>,
    /// Share of one CPU that this program took since it began, in percent, and its memory in bytes.
    pub(super) cost: (f64, u64),
}

/// What the user changes while it runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Knobs {
    pub(super) delay: Duration,
    pub(super) zero: bool,
    pub(super) hidden: Hidden,
}

/// What the screen asks for.
pub(super) enum Order {
    /// Other settings.
    Knobs(Knobs),
    /// The instructions of a function.
    Code {
        /// Its name.
        symbol: String,
        /// Its file, as the line shows it.
        dso: String,
        /// Index of the event.
        event: usize,
    },
}

/// Records, until nobody reads.
pub(super) fn record(parsed: &Parsed, sink: std::io::PipeWriter, lang: Lang, news: &Sender<News>) {
    let texts = Texts::new(lang);
    let console = Console::new(When::Never, &texts);
    let status = match record::stream(parsed, sink, &console) {
        Ok(status) => News::Over(status),
        Err(error) => match error.downcast::<UsageError>() {
            Ok(wrong) => News::Wrong(wrong),
            Err(error) => News::Failed(format!("{error:#}")),
        },
    };
    // A screen that has gone does not want to know.
    let _ = news.send(status);
}

/// Takes what comes through the pipe.
pub(super) fn read(mut source: std::io::PipeReader, stream: &Mutex<Stream>, news: &Sender<News>) {
    let mut buffer = vec![0; 1 << 16];
    let mut begun = false;
    loop {
        match source.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(length) => {
                let waiting = {
                    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
                    stream.push(buffer.get(..length).unwrap_or_default());
                    stream.waiting()
                };
                if !begun {
                    begun = true;
                    let _ = news.send(News::Begun);
                }
                if waiting > MOST_WAITING {
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }
}

/// Counts, and tells the screen at each refresh; first as soon as there can be something. Ends when `orders` does.
pub(super) fn count(options: &Options, stream: &Arc<Mutex<Stream>>, orders: &Receiver<Order>, news: &Sender<News>) {
    let mut live = match Live::new(&options.report) {
        Ok(live) => live,
        Err(error) => {
            let _ = news.send(News::Wrong(error));
            return;
        }
    };
    let mut now = Knobs { delay: Duration::from_secs(options.delay), zero: options.zero, hidden: options.hidden };
    let begun = Instant::now();
    let (mut before, mut lost, mut bad) = (begun, 0_u64, 0_u64);
    let mut wait = now.delay.min(FIRST);
    loop {
        let until = before.checked_add(wait).unwrap_or(before);
        match orders.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Order::Knobs(changed)) => {
                (now, wait) = (changed, changed.delay);
                continue;
            }
            Ok(Order::Code { symbol, dso, event }) => {
                let listed = live.listing(&symbol, &dso, event).map(Box::new).map_err(|why| {
                    let why = Arg::Msg(Box::new(why));
                    Msg::new("perf-annotate-cannot").with("symbol", symbol).with("why", why)
                });
                if news.send(News::Code(listed)).is_err() {
                    return;
                }
                continue;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let window = stream.lock().unwrap_or_else(PoisonError::into_inner).window();
        let window = match window {
            Ok(window) => window.unwrap_or_default(),
            Err(error) => {
                let _ = news.send(News::Failed(error.to_string()));
                return;
            }
        };
        // Nothing whole has come yet: a moment later it has.
        if window.is_empty() && before == begun {
            wait = wait.saturating_add(FIRST).min(now.delay);
            if before.elapsed() < now.delay {
                continue;
            }
        }
        wait = now.delay;
        let elapsed = before.elapsed().as_secs_f64();
        before = Instant::now();
        let data = if window.is_empty() { None } else { PerfData::parse(&window).ok() };
        let since = match data.map(|data| live.take(&data, now.zero)).transpose() {
            Ok(since) => since.unwrap_or_default(),
            Err(Unfit::Usage(error)) => {
                let _ = news.send(News::Wrong(error));
                return;
            }
            Err(Unfit::Refused(text)) => {
                let _ = news.send(News::Failed(text));
                return;
            }
        };
        (lost, bad) = (lost.saturating_add(since.lost), bad.saturating_add(since.bad));
        let share = |part: u64| part as f64 * 100.0 / since.samples.max(1) as f64;
        let head = TopHead {
            rate: since.samples as f64 / elapsed.max(0.001),
            kernel: share(since.kernel),
            exact: share(since.exact),
            lost: (since.lost, lost),
            dropped: (since.bad, bad),
            events: live.about().to_owned(),
            target: options.target.clone(),
        };
        let tables = live.tables(now.hidden, MOST_LINES);
        let cost = cost(begun);
        if news.send(News::Screen(Box::new(Screen { head, tables, cost }))).is_err() {
            return;
        }
    }
}

/// The byte order of this machine.
pub(super) const ENDIAN: Endian = if cfg!(target_endian = "big") { Endian::Big } else { Endian::Little };

/// Share of one CPU since `begun`, in percent, and resident bytes.
fn cost(begun: Instant) -> (f64, u64) {
    let share = perfuse_collect::usage::cpu_seconds() * 100.0 / begun.elapsed().as_secs_f64().max(0.001);
    (share, perfuse_collect::usage::resident_bytes())
}
