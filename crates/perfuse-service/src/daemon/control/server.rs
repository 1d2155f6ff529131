//! The daemon's end of the socket.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use perfuse_render::{Lang, Texts};
use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixListener;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Semaphore, watch};

use super::{Answer, Ask, Call, Greeting, LONGEST, PROTOCOL};
use crate::daemon::report;
use crate::now::{Daemon, Done, Order};

/// Commands that are answered at the same time.
const MOST: usize = 64;
/// How long a command may be silent, and how long it may take to read an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The socket, in its place; it is taken away again when this goes out of scope.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Another daemon's socket may stand in its place by now.
        if fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the socket. One at which a daemon still answers is left alone, and refused as `AddrInUse`.
pub(crate) fn listen(path: &Path) -> io::Result<Socket> {
    if let Some(directory) = path.parent()
        && !directory.is_dir()
    {
        fs::create_dir_all(directory)?;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o750))?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    // Under another name first, so that nobody ever finds it with the permissions of the umask.
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&beside)?;
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o660))?;
    fs::rename(&beside, path)?;
    let inode = fs::symlink_metadata(path)?.ino();
    Ok(Socket { listener, path: path.to_owned(), inode })
}

/// Answers commands.
pub(crate) struct Server {
    daemon: Arc<dyn Daemon>,
    /// In the order of [`Lang::ALL`].
    texts: [Texts; 2],
}

impl Server {
    pub(crate) fn new(daemon: Arc<dyn Daemon>) -> Arc<Self> {
        Arc::new(Self { daemon, texts: Lang::ALL.map(Texts::new) })
    }

    /// Answers until `stop` is true or gone.
    pub(crate) async fn run(self: Arc<Self>, socket: Socket, mut stop: watch::Receiver<bool>) {
        let permits = Arc::new(Semaphore::new(MOST));
        loop {
            let accepted = tokio::select! {
                accepted = socket.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            let Ok((stream, _)) = accepted else {
                // Out of descriptors: some will be free again.
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            };
            // Whoever is too many is hung up on.
            let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else { continue };
            let (server, stop) = (Arc::clone(&self), stop.clone());
            tokio::spawn(async move {
                let (read, write) = stream.into_split();
                // A command that went away needs no answer.
                let _ = server.serve(read, write, stop).await;
                drop(permit);
            });
        }
    }

    async fn serve(
        &self,
        read: OwnedReadHalf,
        mut write: OwnedWriteHalf,
        stop: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let greeting = Greeting { perfuse: env!("CARGO_PKG_VERSION").to_owned(), protocol: PROTOCOL };
        send(&mut write, &greeting).await?;
        let mut read = BufReader::new(read);
        loop {
            let mut line = Vec::new();
            let most = LONGEST as u64 + 1;
            let count = tokio::time::timeout(PATIENCE, (&mut read).take(most).read_until(b'\n', &mut line)).await??;
            if count == 0 {
                return Ok(());
            }
            let call = match Call::parse(&line) {
                Ok(call) => call,
                Err(problem) => return send(&mut write, &Answer::Refused(problem)).await,
            };
            let texts = self.texts(&call.lang);
            if let Ask::Status { component, follow: true } = &call.ask {
                return self.follow(component.as_deref(), texts, &mut read, &mut write, stop).await;
            }
            let answer = self.answer(call.ask, texts).await;
            send(&mut write, &answer).await?;
        }
    }

    fn texts(&self, lang: &str) -> &Texts {
        let [english, korean] = &self.texts;
        if lang == Lang::Ko.id() { korean } else { english }
    }

    /// Answers with every change, until the command goes or the daemon ends.
    async fn follow(
        &self,
        component: Option<&str>,
        texts: &Texts,
        read: &mut BufReader<OwnedReadHalf>,
        write: &mut OwnedWriteHalf,
        mut stop: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let mut news = self.daemon.changes();
        loop {
            news.borrow_and_update();
            let answer = self.status(component, texts);
            send(write, &answer).await?;
            if matches!(answer, Answer::Refused(_)) {
                return Ok(());
            }
            let mut byte = [0];
            tokio::select! {
                changed = news.changed() => if changed.is_err() { return Ok(()) },
                // Anything that comes, and the end of the stream, ends it.
                _ = read.read(&mut byte) => return Ok(()),
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            }
        }
    }

    fn status(&self, component: Option<&str>, texts: &Texts) -> Answer {
        let report = report::status(&self.daemon.now(), texts);
        match component {
            None => Answer::Status(Box::new(report)),
            Some(name) if report.component(name).is_some() => Answer::Status(Box::new(report.only(name))),
            Some(name) => {
                let names: Vec<&str> = report.components.iter().map(|component| component.name.as_str()).collect();
                Answer::Refused(texts.text(&report::no_component(name, &names)))
            }
        }
    }

    async fn answer(&self, ask: Ask, texts: &Texts) -> Answer {
        match ask {
            Ask::Status { component, .. } => self.status(component.as_deref(), texts),
            Ask::Incidents { limit } => {
                let time = self.daemon.now().time;
                let reader = self.daemon.reader();
                match tokio::task::block_in_place(|| report::incidents(&reader, limit, texts)) {
                    Ok(incidents) => Answer::Incidents { time, incidents },
                    Err(error) => Answer::Refused(error.to_string()),
                }
            }
            Ask::Incident { id } => {
                let reader = self.daemon.reader();
                match tokio::task::block_in_place(|| report::incident(&reader, &id, texts)) {
                    Ok(Some(incident)) => Answer::Incident(Box::new(incident)),
                    Ok(None) => Answer::Refused(texts.text(&report::no_incident(&id))),
                    Err(error) => Answer::Refused(error.to_string()),
                }
            }
            Ask::Maintenance => {
                let report = report::status(&self.daemon.now(), texts);
                Answer::Maintenance { time: report.time, windows: report.maintenance }
            }
            Ask::MaintenanceStart { components, seconds, reason } => {
                let length = seconds.map(Duration::from_secs);
                done(self.daemon.order(Order::StartMaintenance { components, length, reason }).await, texts)
            }
            Ask::MaintenanceStop { id, component } => {
                done(self.daemon.order(Order::StopMaintenance { id, component }).await, texts)
            }
            Ask::Check { component } => done(self.daemon.order(Order::Check { component }).await, texts),
            Ask::Reload => done(self.daemon.order(Order::Reload).await, texts),
        }
    }
}

fn done(done: Done, texts: &Texts) -> Answer {
    match done {
        Ok(message) => Answer::Done(texts.text(&message)),
        Err(message) => Answer::Refused(texts.text(&message)),
    }
}

async fn send(write: &mut OwnedWriteHalf, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    tokio::time::timeout(PATIENCE, write.write_all(&line)).await?
}
