//! From the start of the daemon to its end.

use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use perfuse_analyze::{Msg, Thresholds};
use perfuse_collect::Root;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::clock::{Clock, Reading};
use super::control::{self, Server};
use super::core::{Core, Out, Parts, Reload};
use super::handle::{Handle, Subscribers};
use super::listeners::Listeners;
use super::log::{Log, Priority};
use super::memory;
use super::notify::Notify;
use super::places::SOCKET;
use super::writer::Writer;
use super::{damaged, http, sampler};
use crate::check::{Clients, ClientsError};
use crate::config::Config;
use crate::incident::Incident;
use crate::now::{Daemon as _, Now, Order};
use crate::store::{Kind, Reader, Retention, Store, StoreError};

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
    let (store, troubles) = tokio::task::block_in_place(|| Store::open(&state_dir, retention(&config)))?;
    let path = run_dir.join(SOCKET);
    let socket = control::listen(&path).map_err(|error| ServeError::Socket { path, error })?;
    let listener = bind(listen).map_err(|error| ServeError::Listen { address: listen, error })?;
    let address = listener.local_addr()?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let writer = Writer::start(store)?;
    let clients = Arc::new(Clients::new()?);
    let mut troubles: Vec<Msg> = troubles.iter().map(damaged).collect();
    let found = tokio::task::block_in_place(|| memory::load(&writer.reader()));
    troubles.extend(found.problem.map(|problem| Msg::new("daemon-memory").with("problem", problem)));
    for trouble in &troubles {
        log.say(Priority::Warning, trouble);
    }
    let (now, now_seen) = watch::channel(Arc::new(Now::default()));
    let (changed, news) = watch::channel(0);
    let (settings, settings_seen) = watch::channel(Arc::new(config.clone()));
    let (results, results_in) = mpsc::channel(RESULTS);
    let (notes, notes_in) = mpsc::channel(NOTES);
    let (stop, stopped) = watch::channel(false);
    let clock = Arc::new(Mutex::new(Clock::new(Reading::now())));
    let subscribers = Subscribers::default();
    let handle = Handle {
        now: now_seen,
        changes: news,
        settings: settings_seen,
        notes,
        writer: writer.clone(),
        subscribers: subscribers.clone(),
        clock: Arc::clone(&clock),
    };
    let parts = Parts {
        config,
        passive,
        host: perfuse_collect::host::facts(&Root::default()).hostname,
        memory: found.memory,
        later: found.later,
        listeners: kept_listeners(&writer.reader()),
        incidents: open_incidents(&writer.reader()),
        troubles,
        writer: writer.clone(),
        clients,
        own_ports: BTreeSet::from([address.port()]),
        reload,
        log: log.clone(),
        notify: notify.clone(),
        clock,
        subscribers,
    };
    // Threads and tasks begin once everything is there that could refuse.
    let core = Core::new(parts, results, Out { now, changed, settings }).map_err(ServeError::Plan)?;
    let (keep_sampling, beats) = start_sampler(thresholds)?;
    let core = tokio::spawn(core.run(results_in, notes_in, beats, stopped.clone()));
    let answering = tokio::spawn(Server::new(Arc::new(handle.clone())).run(socket, stopped.clone()));
    let pages = tokio::spawn(pages(listener, stopped.clone()));
    log.say(Priority::Notice, &Msg::new("daemon-serving").with("address", address.to_string()));
    notify.ready();
    signals(&handle, &log).await?;
    notify.stopping();
    log.say(Priority::Notice, &Msg::new("daemon-stopping"));
    stop.send_replace(true);
    drop(keep_sampling);
    let ended = tokio::time::timeout(PATIENCE, async {
        // A part that broke down has ended, too.
        let _ = core.await;
        let _ = tokio::join!(answering, pages);
    });
    if ended.await.is_err() {
        log.say(Priority::Warning, &Msg::new("daemon-stopping-slowly"));
    }
    if !tokio::task::block_in_place(|| writer.stop()) {
        log.say(Priority::Warning, &Msg::new("daemon-stopping-slowly"));
    }
    Ok(())
}

/// A port that was just let go of can be had again at once.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The sampler runs as long as the first of these is there.
fn start_sampler(
    thresholds: Thresholds,
) -> io::Result<(std::sync::mpsc::Sender<()>, watch::Receiver<Option<super::sample::Beat>>)> {
    let (keep, stop) = std::sync::mpsc::channel();
    let (to, beats) = watch::channel(None);
    std::thread::Builder::new().name("sampler".to_owned()).spawn(move || sampler::run(&thresholds, &stop, &to))?;
    Ok((keep, beats))
}

async fn pages(listener: tokio::net::TcpListener, mut stopped: watch::Receiver<bool>) {
    let ended = async move {
        // A sender that is gone ends it as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    // It ends when it is told to; nothing else ends it.
    let _ = axum::serve(listener, http::router()).with_graceful_shutdown(ended).await;
}

/// Waits for the signal that ends the daemon; SIGHUP reads the configuration again.
async fn signals(handle: &Handle, log: &Log) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hang_up.recv() => {
                log.say(Priority::Notice, &Msg::new("daemon-reloading"));
                // What comes of it is said where it is done.
                let _ = handle.order(Order::Reload).await;
            }
        }
    }
}

fn kept_listeners(reader: &Reader) -> Listeners {
    let record = reader.records().ok().and_then(|records| records.get(Kind::Kept, memory::LISTENERS).ok().flatten());
    record.and_then(|record| serde_json::from_str(&record.doc).ok()).unwrap_or_default()
}

/// The incidents that are not over, the newest first.
fn open_incidents(reader: &Reader) -> Vec<Arc<Incident>> {
    let records = reader.records().and_then(|records| records.open_ones(Kind::Incident)).unwrap_or_default();
    let parsed = records.iter().rev().filter_map(|record| serde_json::from_str(&record.doc).ok());
    parsed.map(Arc::new).collect()
}
