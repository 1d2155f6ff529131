//! `perfuse use --watch`: the checklist, live, on the whole terminal.

use std::io::{IsTerminal as _, stdin, stdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use perfuse_analyze::window::Sliding;
use perfuse_analyze::{Checklist, Run, Scope, Thresholds};
use perfuse_collect::terminal::{Wait, wait};
use perfuse_render::ReportContext;
use perfuse_render::tui::{App, Flow};
use perfuse_service::host::{Plan, Session};
use ratatui::crossterm::event::{Event, KeyEventKind, poll, read};

use crate::cli::UseArgs;
use crate::cmd::usehost::scope;
use crate::console::Console;
use crate::signals::Interrupt;

/// Snapshots that a screen is made from, at least: short enough to follow a change, long enough to be calm.
const WINDOW: usize = 6;

/// How long to wait for a key before looking for a new checklist; the eye does not notice.
const KEY_WAIT: Duration = Duration::from_millis(80);

/// What the sampling thread sends.
type Update = anyhow::Result<(Checklist, ReportContext)>;

/// Runs the live view until `q`, Ctrl-C or a signal.
pub(crate) fn run(args: &UseArgs, thresholds: &Thresholds, console: &Console) -> anyhow::Result<u8> {
    if !(stdout().is_terminal() && stdin().is_terminal()) {
        bail!(console.texts.word("error-no-terminal"));
    }
    let interrupt = Interrupt::install()?;
    // A process or a cgroup that is not there is said before the screen is taken.
    let mut session = Session::start(Plan::report(args.root.clone(), args.no_bpf, false, thresholds));
    let first = session.snapshot(false);
    let scope = scope(args, std::slice::from_ref(&first), console)?;
    let (updates, inbox) = channel();
    let (stop, stopped) = channel();
    let sampling = Sampling {
        session,
        scope,
        thresholds: thresholds.clone(),
        interval: args.interval,
        interrupt: interrupt.clone(),
    };
    let worker =
        std::thread::Builder::new().name("sampler".into()).spawn(move || sampling.run(first, &updates, &stopped));
    let worker = worker.context("sampler")?;
    let result = screen(App::new(console.texts.lang()).with_color(console.color), &inbox, &interrupt);
    drop(stop);
    // It may be in the middle of a snapshot; its end detaches every program.
    let _ = worker.join();
    result.map(|()| 0)
}

/// The thread that samples and analyzes, so that keys are answered at once.
struct Sampling {
    session: Session,
    scope: Scope,
    thresholds: Thresholds,
    interval: Duration,
    interrupt: Interrupt,
}

/// How long the drawing thread may take to end after a signal.
const GRACE: Duration = Duration::from_secs(3);

impl Sampling {
    #[expect(clippy::disallowed_methods, reason = "the thread that would return is the one that is blocked")]
    fn run(mut self, first: perfuse_format::RawSnapshot, updates: &Sender<Update>, stopped: &Receiver<()>) {
        let mut window = Sliding::new(WINDOW);
        window.push(first);
        let mut next = Instant::now();
        let mut count = 0_u64;
        let mut interrupted: Option<Instant> = None;
        loop {
            // A terminal that takes nothing (stopped by Ctrl-S, or nobody reads it) blocks the thread that draws. The end
            // of the process detaches every program.
            if self.interrupt.came() && interrupted.get_or_insert_with(Instant::now).elapsed() > GRACE {
                std::process::exit(130);
            }
            while next <= Instant::now() {
                next += self.interval;
            }
            // The sender is dropped when the screen has been left.
            match stopped.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
            count += 1;
            // The second snapshot is a complete one too, so that the first screen has every rate.
            window.push(self.session.snapshot(count == 1));
            let update = Run::new(window.snapshots(), self.thresholds.clone(), self.scope.clone())
                .map(|run| (Checklist::build(&run), ReportContext::from_run(&run)))
                .map_err(anyhow::Error::from);
            if updates.send(update).is_err() {
                return;
            }
        }
    }
}

/// Draws and answers keys until the user leaves; the terminal is given back whatever happens.
fn screen(mut app: App, inbox: &Receiver<Update>, interrupt: &Interrupt) -> anyhow::Result<()> {
    let mut terminal = ratatui::try_init().context("terminal")?;
    let result = (|| {
        let mut dirty = true;
        while !interrupt.came() {
            loop {
                match inbox.try_recv() {
                    Ok(update) => {
                        let (checklist, context) = update?;
                        app.on_update(checklist, context);
                        dirty = true;
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => bail!("the sampler ended"),
                }
            }
            if std::mem::take(&mut dirty) {
                terminal.draw(|frame| app.draw(frame))?;
            }
            if wait(KEY_WAIT) == Wait::Gone {
                return Ok(());
            }
            // Not only after input: a resize comes as a signal, through the event reader's own pipe.
            if poll(Duration::ZERO)? {
                match read()? {
                    Event::Key(key) if key.kind != KeyEventKind::Release && app.on_key(key) == Flow::Quit => {
                        return Ok(());
                    }
                    _ => {}
                }
                dirty = true;
            }
        }
        Ok(())
    })();
    ratatui::restore();
    result
}
