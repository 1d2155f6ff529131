//! The daemon and its commands, as one meets them: a configuration, a server that comes and goes, signals, and kills.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use perfuse_testkit::{gate, need, skip};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{Running, json, perfuse, stderr, stdout};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon with directories of its own; killed when the test ends.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: Option<SocketAddr>,
    /// The lines of its log, as they come.
    log: Receiver<String>,
    pub(crate) directory: TempDir,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that finds what is in `directory`, and only that.
fn at<const N: usize>(directory: &Path, arguments: [&str; N]) -> Command {
    let mut command = perfuse(arguments);
    for name in ["CONFIGURATION_DIRECTORY", "STATE_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "JOURNAL_STREAM"] {
        command.env_remove(name);
    }
    command.env("RUNTIME_DIRECTORY", directory.join("perfuse"));
    command
}

impl Daemon {
    fn command(directory: &Path) -> Command {
        let mut command = at(directory, ["serve", "--listen", "127.0.0.1:0", "--state-dir"]);
        command.arg(directory.join("state")).stderr(Stdio::piped());
        let config = directory.join("perfuse.toml");
        if config.exists() {
            command.arg("--config").arg(config);
        } else {
            // A file of whoever runs the tests is none of theirs.
            command.env("XDG_CONFIG_HOME", directory);
        }
        command
    }

    pub(crate) fn start(config: Option<&str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        if let Some(config) = config {
            std::fs::write(directory.path().join("perfuse.toml"), config).unwrap();
        }
        Self::again(directory)
    }

    /// Starts where another one was.
    fn again(directory: TempDir) -> Self {
        let child = Self::command(directory.path()).spawn().unwrap();
        Self::begun(child, directory)
    }

    /// Waits until it serves.
    fn begun(mut child: Child, directory: TempDir) -> Self {
        let (to, log) = channel();
        let errors = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|line| to.send(line)));
        let mut daemon = Self { child, address: None, log, directory };
        let line = daemon.says("serving on");
        let address = line.split("http://").nth(1).unwrap().trim_end_matches('/');
        daemon.address = Some(address.parse().unwrap());
        daemon
    }

    /// Waits for a line of the log.
    fn says(&self, wanted: &str) -> String {
        let start = Instant::now();
        let mut seen = Vec::new();
        while let Some(left) = PATIENCE.checked_sub(start.elapsed()) {
            let Ok(line) = self.log.recv_timeout(left) else { break };
            if line.contains(wanted) {
                return line;
            }
            seen.push(line);
        }
        panic!("{wanted:?} was not said: {seen:#?}");
    }

    pub(crate) fn run<const N: usize>(&self, arguments: [&str; N]) -> Output {
        at(self.directory.path(), arguments).output().unwrap()
    }

    /// Waits until the status of a component is that.
    pub(crate) fn until(&self, component: &str, status: i32) -> Output {
        let start = Instant::now();
        loop {
            let output = self.run(["status", component]);
            if output.status.code() == Some(status) {
                return output;
            }
            assert!(start.elapsed() < PATIENCE, "{component} is not {status}: {}{}", stdout(&output), stderr(&output));
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until there are so many incidents.
    fn incidents(&self, count: usize) -> Vec<serde_json::Value> {
        let start = Instant::now();
        loop {
            let list = json(&self.run(["incident", "list", "--json"]));
            let all = list.as_array().unwrap();
            if all.len() == count {
                return all.clone();
            }
            assert!(start.elapsed() < PATIENCE, "{list:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end.
    fn ended(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it at once, and gives its directory for the next one.
    fn kill(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap())
    }
}

/// A server that takes every connection, until it goes out of scope.
struct Server {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A server at an address; that of another one can be had again once it is free.
fn server(address: &str) -> (Server, SocketAddr) {
    let start = Instant::now();
    let listener = loop {
        match TcpListener::bind(address) {
            Ok(listener) => break listener,
            Err(error) => assert!(start.elapsed() < PATIENCE, "{address}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            if listener.accept().is_err() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    });
    (Server { stop, thread: Some(thread) }, address)
}

/// One component with a check of a port, often.
fn config(address: SocketAddr) -> String {
    format!(
        "[[component]]\nname = \"shop\"\ntitle = \"Web shop\"\ntitle_ko = \"온라인 상점\"\n\
        [[component.check]]\nkind = \"tcp\"\naddress = \"{address}\"\nevery = \"500ms\"\nstale = \"60s\"\n"
    )
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_that_goes_is_an_outage_and_its_return_is_seen() {
    let (listener, address) = server("127.0.0.1:0");
    let mut daemon = Daemon::start(Some(&config(address)));
    assert!(get(daemon.address.unwrap(), "/healthz").starts_with("HTTP/1.1 200 "));
    let well = daemon.until("shop", 0);
    assert!(stdout(&well).contains("Web shop (shop)") && stdout(&well).contains("operational"), "{}", stdout(&well));
    drop(listener);
    let out = daemon.until("shop", 2);
    assert!(stdout(&out).contains("major outage"), "{}", stdout(&out));
    let nagios = daemon.run(["check", "shop"]);
    assert_eq!(nagios.status.code(), Some(2));
    assert!(stdout(&nagios).starts_with("PERFUSE CRITICAL: Web shop"), "{}", stdout(&nagios));
    let all = json(&daemon.run(["status", "--json"]));
    assert_eq!((&all["schema"], &all["components"][0]["state"]), (&"perfuse.status/1".into(), &"major_outage".into()));
    // The incident is written at once; its cause comes later.
    let incidents = daemon.incidents(1);
    assert_eq!((&incidents[0]["component"], &incidents[0]["ended"]), (&"shop".into(), &serde_json::Value::Null));
    let id = incidents[0]["id"].as_str().unwrap();
    let shown = daemon.run(["incident", "show", id]);
    assert!(stdout(&shown).contains("operational → major outage"), "{}", stdout(&shown));
    assert_eq!(daemon.run(["incident", "show", "none"]).status.code(), Some(2));
    let page = get(daemon.address.unwrap(), "/");
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("Web shop"), "{page}");
    let korean = at(daemon.directory.path(), ["status", "--lang", "ko"]).output().unwrap();
    assert!(stdout(&korean).contains("온라인 상점") && stdout(&korean).contains("전체 장애"), "{}", stdout(&korean));
    let (_listener, _) = server(&address.to_string());
    daemon.until("shop", 0);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended(), Some(0));
    let nobody = daemon.run(["status"]);
    assert_eq!(nobody.status.code(), Some(3));
    assert!(stderr(&nobody).contains("perfuse serve"), "{}", stderr(&nobody));
    assert_eq!(daemon.run(["check", "shop"]).status.code(), Some(3));
}

#[test]
fn a_kill_loses_neither_states_nor_maintenance() {
    let (listener, address) = server("127.0.0.1:0");
    let daemon = Daemon::start(Some(&config(address)));
    daemon.until("shop", 0);
    drop(listener);
    daemon.until("shop", 2);
    let since = |daemon: &Daemon| json(&daemon.run(["status", "--json"]))["components"][0]["since"].clone();
    let before = since(&daemon);
    let daemon = Daemon::again(daemon.kill());
    assert_eq!(since(&daemon), before, "the state is the one before");
    assert_eq!(daemon.run(["status"]).status.code(), Some(2));
    let begun = daemon.run(["maintenance", "start", "shop", "--for", "30m", "--reason", "disks"]);
    assert!(begun.status.success(), "{}", stderr(&begun));
    let daemon = Daemon::again(daemon.kill());
    assert_eq!(daemon.run(["status"]).status.code(), Some(0));
    let windows = json(&daemon.run(["maintenance", "list", "--json"]));
    assert_eq!((&windows[0]["reason"], &windows[0]["open"]), (&"disks".into(), &true.into()));
    let status = json(&daemon.run(["status", "shop", "--json"]));
    assert!(status["components"][0]["uptime"].as_f64().is_some_and(|share| share < 1.0), "{status}");
    assert!(daemon.run(["maintenance", "stop", "shop"]).status.success());
    daemon.until("shop", 2);
    let wrong = daemon.run(["maintenance", "start", "sohp", "--for", "30m"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("there is: shop"), "{}", stderr(&wrong));
}

#[test]
fn a_wrong_configuration_is_named_and_the_running_one_stays() {
    let (_listener, address) = server("127.0.0.1:0");
    let daemon = Daemon::start(Some(&config(address)));
    daemon.until("shop", 0);
    let file = daemon.directory.path().join("perfuse.toml");
    std::fs::write(&file, config(address).replace("kind = \"tcp\"", "kind = \"tpc\"")).unwrap();
    daemon.signal(Signal::HUP);
    let said = daemon.says("stays in force");
    assert!(said.contains("perfuse.toml:6:8") && said.contains("tcp"), "{said}");
    assert!(stdout(&daemon.until("shop", 0)).contains("stays in force"), "the status tells of it, too");
    let checked = at(daemon.directory.path(), ["serve", "--check-config", "--config"]).arg(&file).output().unwrap();
    assert_eq!(checked.status.code(), Some(2));
    assert!(stderr(&checked).contains("6 | kind = \"tpc\""), "{}", stderr(&checked));
    std::fs::write(&file, config(address).replace("shop", "store")).unwrap();
    daemon.signal(Signal::HUP);
    daemon.says("in force: 1");
    daemon.until("store", 0);
    assert_eq!(daemon.run(["status", "shop"]).status.code(), Some(2), "it is gone");
    let checked = at(daemon.directory.path(), ["serve", "--check-config", "--config"]).arg(&file).output().unwrap();
    assert!(checked.status.success() && stderr(&checked).contains("no mistakes"), "{}", stderr(&checked));
}

#[test]
fn a_second_daemon_is_refused() {
    let (_listener, address) = server("127.0.0.1:0");
    let daemon = Daemon::start(Some(&config(address)));
    let second = Daemon::command(daemon.directory.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let pid = daemon.child.id().to_string();
    assert!(stderr(&second).contains(&format!("process {pid}")), "{}", stderr(&second));
    // Another store, but the same place for the socket.
    let mut third = at(daemon.directory.path(), ["serve", "--listen", "127.0.0.1:0", "--state-dir"]);
    let third = third.arg(daemon.directory.path().join("other")).output().unwrap();
    assert_eq!(third.status.code(), Some(2));
    assert!(stderr(&third).contains("another daemon answers"), "{}", stderr(&third));
    let mut taken =
        at(Path::new("/nonexistent"), ["serve", "--listen", &daemon.address.unwrap().to_string(), "--state-dir"]);
    let taken = taken.env("RUNTIME_DIRECTORY", daemon.directory.path().join("run2"));
    let taken = taken.arg(daemon.directory.path().join("third")).output().unwrap();
    assert_eq!(taken.status.code(), Some(2));
    assert!(stderr(&taken).contains("--listen"), "{}", stderr(&taken));
    daemon.until("shop", 0);
}

#[test]
fn without_a_configuration_listeners_are_found_and_nobody_connects_to_them() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    // A port that nobody is given who asks for any.
    let datagrams = (20_000..30_000).find_map(|port| UdpSocket::bind(("127.0.0.1", port)).ok()).unwrap();
    let name = format!("perfuse-listener-{}", std::process::id());
    let local = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let local = UnixListener::bind_addr(&local).unwrap();
    local.set_nonblocking(true).unwrap();
    let daemon = Daemon::start(None);
    let names = [
        format!("tcp-{}", address.port()),
        format!("udp-{}", datagrams.local_addr().unwrap().port()),
        format!("unix-{name}"),
    ];
    let start = Instant::now();
    let [seen, receiver, local_one] = loop {
        let all = json(&daemon.run(["status", "--json"]));
        let components = all["components"].as_array().unwrap();
        let find = |name: &str| components.iter().find(|one| one["name"] == name).cloned();
        let host = find("host").expect("the host is watched");
        let found = names.each_ref().map(|name| find(name));
        // A host may have so many local sockets that ours is not among those that are watched.
        let many = components.iter().filter(|one| one["group"] == "Unix").count() >= 40;
        let all_there = found.iter().take(if many { 2 } else { 3 }).all(Option::is_some);
        // Where listeners cannot be seen, nothing is known of them.
        if all_there && host["checks"][0]["outcome"].is_string() {
            break found;
        }
        assert!(start.elapsed() < PATIENCE, "{all:#}");
        std::thread::sleep(Duration::from_millis(250));
    };
    let seen = seen.unwrap();
    assert_eq!((&seen["state"], &seen["checks"][0]["kind"]), (&"operational".into(), &"listener".into()), "{seen}");
    let message = seen["checks"][0]["message"].as_str().unwrap();
    assert!(message.contains(&address.to_string()), "{message}");
    for one in receiver.into_iter().chain(local_one) {
        assert_eq!((&one["state"], &one["checks"][0]["kind"]), (&"operational".into(), &"listener".into()), "{one}");
    }
    let own = format!("tcp-{}", daemon.address.unwrap().port());
    assert!(!stdout(&daemon.run(["status"])).contains(&own), "not the daemon itself");
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "somebody has connected");
    assert_eq!(local.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "somebody has connected");
}

#[test]
fn one_round_needs_no_daemon() {
    let (listener, address) = server("127.0.0.1:0");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("perfuse.toml");
    std::fs::write(&file, config(address)).unwrap();
    let once = || at(directory.path(), ["serve", "--once", "--json", "--config"]).arg(&file).output().unwrap();
    let well = once();
    assert_eq!(well.status.code(), Some(0), "{}", stderr(&well));
    assert_eq!(json(&well)["components"][0]["state"], "operational");
    drop(listener);
    let out = once();
    assert_eq!(out.status.code(), Some(2), "{}", stdout(&out));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing was written");
}

#[test]
fn changes_are_shown_as_they_come() {
    let (listener, address) = server("127.0.0.1:0");
    let daemon = Daemon::start(Some(&config(address)));
    daemon.until("shop", 0);
    let mut watch =
        at(daemon.directory.path(), ["status", "--watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = || {
        let line = lines.next().expect("a line").unwrap();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["components"][0]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(next(), "operational");
    drop(listener);
    let start = Instant::now();
    while next() != "major_outage" {
        assert!(start.elapsed() < PATIENCE, "it is not shown");
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
}

/// A daemon under something that is as systemd is to it.
struct Told {
    child: Running,
    socket: UnixDatagram,
    _directory: TempDir,
}

impl Told {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let child = Daemon::command(directory.path())
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "1000000")
            .env("JOURNAL_STREAM", "8:1")
            .spawn()
            .unwrap();
        Self { child: Running(child), socket, _directory: directory }
    }

    fn said(&self, wanted: &str) {
        let mut bytes = [0; 256];
        loop {
            let count = self.socket.recv(&mut bytes).expect(wanted);
            if bytes[..count] == *wanted.as_bytes() {
                return;
            }
        }
    }

    fn ends(mut self) -> String {
        kill_process(Pid::from_child(&self.child.0), Signal::TERM).unwrap();
        self.said("STOPPING=1");
        assert!(self.child.0.wait().unwrap().success());
        let mut log = String::new();
        self.child.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

#[test]
fn systemd_is_told() {
    let told = Told::start();
    told.said("READY=1");
    told.said("WATCHDOG=1");
    let log = told.ends();
    assert!(log.lines().all(|line| line.starts_with('<')) && log.contains("<5>"), "{log}");
}

#[test]
fn who_says_to_be_ready_answers_signals() {
    for _ in 0..3 {
        let told = Told::start();
        told.said("READY=1");
        told.ends();
    }
}

/// The bodies of the requests that come to an address, as JSON.
pub(crate) fn hook() -> (SocketAddr, Receiver<serde_json::Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (to, bodies) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = Vec::new();
            let mut bytes = [0; 4096];
            // The body is one JSON document: it has ended when it can be read.
            while let Ok(count @ 1..) = stream.read(&mut bytes) {
                request.extend_from_slice(&bytes[..count]);
                let text = String::from_utf8_lossy(&request);
                let Some((_, body)) = text.split_once("\r\n\r\n") else { continue };
                if let Ok(body) = serde_json::from_str(body) {
                    let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                    let _ = to.send(body);
                    break;
                }
            }
        }
    });
    (address, bodies)
}

#[test]
fn an_outage_is_told_with_its_incident_and_so_is_its_end() {
    let (listener, address) = server("127.0.0.1:0");
    let (hook, bodies) = hook();
    let alert = format!("[[alert]]\nkind = \"webhook\"\nurl = \"http://{hook}/\"\n");
    let daemon = Daemon::start(Some(&(config(address) + &alert)));
    daemon.until("shop", 0);
    drop(listener);
    let firing = bodies.recv_timeout(PATIENCE).unwrap();
    assert_eq!((&firing["phase"], &firing["state"]), (&"firing".into(), &"major_outage".into()), "{firing}");
    assert_eq!((&firing["component"], &firing["title"]), (&"shop".into(), &"Web shop".into()), "{firing}");
    assert!(firing["incident"].as_str().is_some_and(|id| id.ends_with("-shop")), "{firing}");
    let (_listener, _) = server(&address.to_string());
    let resolved = loop {
        let one = bodies.recv_timeout(PATIENCE).unwrap();
        // Its cause may have come after the first notice.
        if one["phase"] != "update" {
            break one;
        }
    };
    assert_eq!((&resolved["phase"], &resolved["key"]), (&"resolved".into(), &firing["key"]), "{resolved}");
    // What the generated rules ask for is there.
    let rules = stdout(&perfuse(["generate", "alert-rules"]).output().unwrap());
    let start = Instant::now();
    let metrics = loop {
        let metrics = get(daemon.address.unwrap(), "/metrics");
        if metrics.contains("perfuse_cell_verdict{") {
            break metrics;
        }
        assert!(start.elapsed() < PATIENCE, "{metrics}");
        std::thread::sleep(Duration::from_millis(200));
    };
    for rest in rules.split("perfuse_").skip(1) {
        let name = rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap();
        // Only a component with an objective has a budget.
        let known = metrics.contains(&format!("perfuse_{name}")) || name == "slo_error_budget_left_ratio";
        assert!(known, "perfuse_{name} is not in {metrics}");
    }
}

#[test]
fn an_ordinary_user_may_run_it_and_others_may_not_command_it() {
    /// That of `nobody`.
    const USER: u32 = 65534;
    need!(gate::root());
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(directory.path(), Some(USER), Some(USER)).unwrap();
    let child = match Daemon::command(directory.path()).uid(USER).gid(USER).spawn() {
        Ok(child) => child,
        Err(error) => skip!("another user cannot run what was built here: {error}"),
    };
    let daemon = Daemon::begun(child, directory);
    let as_user = |user: u32, arguments: &[&str]| {
        let mut command = at(daemon.directory.path(), []);
        command.env("RUNTIME_DIRECTORY", daemon.directory.path().join("perfuse"));
        command.args(arguments).uid(user).gid(user).output().unwrap()
    };
    let start = Instant::now();
    while as_user(USER, &["status", "host"]).status.code() == Some(3) {
        assert!(start.elapsed() < PATIENCE, "{}", stdout(&as_user(USER, &["status"])));
        std::thread::sleep(Duration::from_millis(250));
    }
    let other = as_user(USER - 1, &["maintenance", "start", "--all"]);
    assert_eq!(other.status.code(), Some(3));
    assert!(stderr(&other).contains("for root and the group"), "{}", stderr(&other));
    assert!(as_user(0, &["maintenance", "start", "--all"]).status.success(), "root may");
}
