//! From the start of the daemon to its end.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use perfuse_analyze::{Msg, Thresholds};
use perfuse_collect::Root;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::attach::{self, AttachError, Events, Given};
use super::clock::{Clock, Reading};
use super::control::{self, Server};
use super::core::{Core, Note, Out, Parts, Reload};
use super::handle::{Handle, Subscribers};
use super::log::{Log, Priority};
use super::memory::Found;
use super::notify::Notify;
use super::pages::Pages;
use super::places::SOCKET;
use super::writer::Writer;
use super::{damaged, sample};
use crate::check::{Clients, ClientsError};
use crate::config::Config;
use crate::incident::Incident;
use crate::now::{Daemon, Now, Order};
use crate::ring::Ring;
use crate::store::{Retention, Store, StoreError};
use crate::web;

/// Results of checks that wait for the core at most; more of them wait in their tasks.
const RESULTS: usize = 1024;
/// Notes that wait for the core at most.
const NOTES: usize = 256;
/// How long the end may take altogether, after which it just ends: systemd would kill after 90 seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the daemon is told by the binary.
pub struct Options {
    /// The configuration; without one [`super::bare`].
    pub config: Config,
    /// Whether there is none, or one without components: the listeners of this host are watched then.
    pub passive: bool,
    /// Reads the configuration again, at SIGHUP and on order; `None` for a daemon without one. A mistake comes in words.
    pub reload: Reload,
    /// Thresholds of the checklist.
    pub thresholds: Thresholds,
    /// Where the pages are served.
    pub listen: SocketAddr,
    /// Where the store is.
    pub state_dir: PathBuf,
    /// Where the socket is.
    pub run_dir: PathBuf,
    /// Where lines go.
    pub log: Log,
    /// Whom to tell that it serves.
    pub notify: Notify,
}

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address of the pages cannot be used.
    #[error("{address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The socket cannot be made.
    #[error("{}: {error}", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Checks cannot be made at all.
    #[error(transparent)]
    Clients(#[from] ClientsError),
    /// The system does not give threads, signals or timers.
    #[error("{0}")]
    System(#[from] io::Error),
    /// The address can be reached by others, and nobody would have to say who they are.
    #[error("{0}")]
    Open(SocketAddr),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] web::ServeError),
    /// A part around the core cannot be started.
    #[error(transparent)]
    Part(#[from] AttachError),
    /// The components cannot be used as they are.
    #[error("{}", .0.id)]
    Plan(Msg),
}

impl ServeError {
    /// In words.
    pub fn message(&self) -> Msg {
        match self {
            Self::Store(StoreError::Locked { directory, pid }) => {
                Msg::new("daemon-locked").with("directory", directory.display().to_string()).with("pid", pid.as_str())
            }
            Self::Listen { address, error } if error.kind() == io::ErrorKind::AddrInUse => {
                Msg::new("daemon-address-taken").with("address", address.to_string())
            }
            Self::Socket { path, error } if error.kind() == io::ErrorKind::AddrInUse => {
                Msg::new("daemon-socket-taken").with("path", path.display().to_string())
            }
            Self::Open(address) => Msg::new("daemon-open").with("address", address.to_string()),
            Self::Plan(message) => message.clone(),
            _ => Msg::new("daemon-not-started").with("problem", self.to_string()),
        }
    }
}

/// Runs the daemon until SIGTERM or SIGINT ends it.
pub fn serve(options: Options) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(run(options));
    runtime.shutdown_timeout(Duration::from_secs(2));
    result
}

/// How much is kept, by the configuration.
fn retention(config: &Config) -> Retention {
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let usual = Retention::default();
    Retention {
        seconds: seconds(config.retention.fine),
        minutes: usual.minutes.min(seconds(config.retention.coarse)),
        ten_minutes: seconds(config.retention.coarse),
        bytes: config.retention.max_bytes,
        captures: usual.captures.min(config.retention.max_bytes / 4),
        ..usual
    }
}

async fn run(options: Options) -> Result<(), ServeError> {
    let Options { config, passive, reload, thresholds, listen, state_dir, run_dir, log, notify } = options;
    // Before anybody is told that we are here: until then a signal ends us as it ends any program.
    let signals = Signals::new()?;
    let (store, troubles) = tokio::task::block_in_place(|| Store::open(&state_dir, retention(&config)))?;
    let path = run_dir.join(SOCKET);
    let socket = control::listen(&path).map_err(|error| ServeError::Socket { path, error })?;
    let pages = Pages::bind(&config, listen, &run_dir)?;
    let url = pages.url();
    let writer = Writer::start(store)?;
    let clients = Arc::new(Clients::new()?);
    let troubles: Vec<Msg> = troubles.iter().map(damaged).collect();
    let (stop, stopped) = watch::channel(false);
    let (results, results_in) = mpsc::channel(RESULTS);
    let (notes, notes_in) = mpsc::channel(NOTES);
    let (handle, out, clock) = handle(&config, &writer, notes);
    // From before the first event on.
    let events = Events { incidents: handle.events(), alerts: handle.events() };
    let host = perfuse_collect::host::facts(&Root::default()).hostname;
    let parts = Parts {
        config: config.clone(),
        passive,
        host: host.clone(),
        troubles,
        writer: writer.clone(),
        clients: Arc::clone(&clients),
        own_ports: pages.ports().collect(),
        reload,
        log: log.clone(),
        notify: notify.clone(),
        clock,
        subscribers: handle.subscribers.clone(),
        found: tokio::task::block_in_place(|| Found::read(&writer.reader())),
    };
    let open = parts.found.incidents.iter().map(|incident| Incident::clone(incident));
    let open = open.chain(parts.found.uncompared.iter().cloned()).collect();
    let core = Core::new(parts, results, out).map_err(ServeError::Plan)?;
    let (looked, listening) = watch::channel(None);
    let ring = Ring::start(thresholds.clone(), vec![sample::watcher(looked)])?;
    let (tap, config) = (writer.tap(), Arc::new(config));
    let (seconds, log_too) = (ring.seconds(), log.clone());
    let given = Given { config: Arc::clone(&config), host, thresholds, ring, clients, open, tap, events, log: log_too };
    let attached = attach::start(&handle, given)?;
    let core = tokio::spawn(core.run(results_in, notes_in, seconds, listening, stopped.clone()));
    let daemon: Arc<dyn Daemon> = Arc::new(handle.clone());
    let mut serving = pages.start(&daemon, &config, &stopped)?;
    serving.spawn(Server::new(daemon).run(socket, stopped));
    log.say(Priority::Notice, &Msg::new("daemon-serving").with("url", url));
    notify.ready();
    signals.end(&handle, &log).await;
    notify.stopping();
    log.say(Priority::Notice, &Msg::new("daemon-stopping"));
    stop.send_replace(true);
    let ended = tokio::time::timeout(PATIENCE, async {
        // A part that broke down has ended, too.
        let _ = core.await;
        while serving.join_next().await.is_some() {}
        attached.stop().await;
    });
    if ended.await.is_err() | !tokio::task::block_in_place(|| writer.stop()) {
        log.say(Priority::Warning, &Msg::new("daemon-stopping-slowly"));
    }
    Ok(())
}

/// The handle, and where the core publishes what it shows.
fn handle(config: &Config, writer: &Writer, notes: mpsc::Sender<Note>) -> (Handle, Out, Arc<Mutex<Clock>>) {
    let (now, now_seen) = watch::channel(Arc::new(Now::default()));
    let (changed, news) = watch::channel(0);
    let (settings, settings_seen) = watch::channel(Arc::new(config.clone()));
    let clock = Arc::new(Mutex::new(Clock::new(Reading::now())));
    let handle = Handle {
        now: now_seen,
        changes: news,
        settings: settings_seen,
        notes,
        writer: writer.clone(),
        subscribers: Subscribers::default(),
        clock: Arc::clone(&clock),
    };
    (handle, Out { now, changed, settings }, clock)
}

/// The signals that the daemon answers, from the moment on that this is made.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, hang_up: signal(SignalKind::hangup())? })
    }

    /// Waits for the signal that ends the daemon; SIGHUP reads the configuration again.
    async fn end(mut self, handle: &Handle, log: &Log) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => {
                    log.say(Priority::Notice, &Msg::new("daemon-reloading"));
                    // What comes of it is said where it is done.
                    let _ = handle.order(Order::Reload).await;
                }
            }
        }
    }
}
