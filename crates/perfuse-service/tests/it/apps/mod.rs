//! Collectors and checks against the real servers that they are for, which each test starts on loopback in a directory of
//! its own; and against servers that do not behave.

mod endpoint;
mod java;
mod jolokia;
mod kafka;
mod kcat;
mod misbehaving;
mod mysql;
mod network;
pub(crate) mod postgresql;
mod probe;
mod queues;
mod redis;
pub(crate) mod tls;
mod variable;

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use perfuse_analyze::app::AppWhat;
use perfuse_service::check::{Clients, Found};
use perfuse_service::collect::{Collectors, Gathered};
use perfuse_service::config::{Config, Outside, parse};
use perfuse_service::store::SeriesKey;
use perfuse_testkit::gate;
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

/// How long a server may take to begin on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// A server of one test, which ends with it.
pub(crate) struct Server {
    child: Child,
    directory: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // With all that it started; it may have ended by itself.
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts a program with its output in `log` of the directory.
    fn start(directory: TempDir, program: &str, words: &[&str], environment: &[(&str, &str)]) -> Self {
        let log = std::fs::File::create(directory.path().join("log")).expect("a log");
        let mut command = Command::new(gate::find_command(program).expect("the gate was open"));
        command.args(words).envs(environment.iter().copied()).current_dir(directory.path()).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a log")).stderr(log).process_group(0);
        Self { child: command.spawn().expect("starts"), directory }
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written, for the messages of failed tests.
    fn log(&self) -> String {
        let log = std::fs::read(self.directory.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).chars().rev().take(2000).collect::<Vec<_>>().into_iter().rev().collect()
    }

    /// Waits until something comes true, or fails with the server's log.
    async fn until<T>(&mut self, what: &str, is: impl AsyncFnMut() -> Option<T>) -> T {
        self.comes(what, is).await.unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// Waits until something comes true; else what the server has said, for tests that need no server which cannot start.
    async fn comes<T>(&mut self, what: &str, mut is: impl AsyncFnMut() -> Option<T>) -> Result<T, String> {
        let begun = Instant::now();
        loop {
            if let Some(found) = is().await {
                return Ok(found);
            }
            if let Some(ended) = self.child.try_wait().expect("waits") {
                return Err(format!("{what}: the server ended with {ended}: {}", self.log()));
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("{what}: {}", self.log()));
            }
            // InnoDB renews its tables of locks and transactions only when nobody has read them for 100 ms.
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }
}

/// A directory, which a server of another user may use.
fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Words that run a program as another user where the test is root: many servers refuse to be.
fn as_user(user: &str, directory: &Path) -> Vec<String> {
    if gate::root().is_err() {
        return Vec::new();
    }
    let owned = Command::new("chown").arg("-R").arg(user).arg(directory).status().expect("chown runs");
    assert!(owned.success());
    ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"].map(str::to_owned).to_vec()
}

/// The configuration of some lines.
fn config(text: &str) -> Config {
    let outside = Outside { file: &|_| Err(std::io::ErrorKind::NotFound.into()), variable: &|_| None };
    parse(text, &outside).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
}

fn clients() -> Arc<Clients> {
    Arc::new(Clients::new().expect("clients"))
}

/// The collectors of some lines.
pub(crate) fn collectors(text: &str) -> Collectors {
    Collectors::new(&config(text), &clients())
}

/// What the only collector of some finds now.
pub(crate) async fn once(collectors: &mut Collectors) -> Gathered {
    let mut all = collectors.once().await;
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// What a check of some lines finds.
async fn check(lines: &str) -> Found {
    let text = format!("[[component]]\nname = \"c\"\n[[component.check]]\nevery = \"30s\"\n{lines}\n");
    clients().run(&config(&text).components[0].checks[0]).await.expect("a check of this side")
}

/// The value of a series, which has the label `collector` besides those that are given.
fn value(gathered: &Gathered, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let labels = labels.iter().copied().chain([("collector", &*gathered.source)]);
    let key = SeriesKey::new(name, labels);
    gathered.series.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
}

fn facts(gathered: &Gathered) -> Vec<&AppWhat> {
    gathered.facts.iter().map(|fact| &fact.what).collect()
}
