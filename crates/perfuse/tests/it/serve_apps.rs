//! From a failing check to the cause that only the application knows, and to whoever is told of it: the daemon, a small web
//! application, and the real server behind it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use perfuse_testkit::{gate, need, skip};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tempfile::TempDir;

use crate::serve::{Daemon, PATIENCE, hook};
use crate::{Running, json, perfuse, stdout};

/// In the environment of the process that is the application: which one it is, and the port of what is behind it.
const SHOP: &str = "PERFUSE_TEST_SHOP";

/// An application, a process of its own: what the test starts beside it is none of its affairs.
struct Shop {
    address: SocketAddr,
    _process: Running,
}

impl Shop {
    fn start(which: &str, behind: u16) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "serve_apps::child", "--nocapture"])
            .env(SHOP, format!("{which} {behind}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.strip_prefix("listens on ")?.parse().ok()).expect("an address");
        Self { address, _process: Running(child) }
    }

    fn ask(&self, path: &str) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// What the process of the application does, until it is killed.
#[test]
fn child() {
    let Ok(shop) = std::env::var(SHOP) else { return };
    let (which, behind) = shop.split_once(' ').unwrap();
    let behind = behind.parse().unwrap();
    match which {
        "till" => serve(move |_| {
            let mut session = Session::open(behind, "till").ok_or("no session")?;
            session.run("UPDATE accounts SET n = n + 1 WHERE id = 1").map(|()| "ok".to_owned())
        }),
        "basket" => serve(move |_| redis(behind, "SET basket 1")),
        "orders" => {
            let pool = Pool::default();
            serve(move |path| Ok(pool.answer(path)));
        }
        _ => panic!("no such application: {which}"),
    }
}

/// Answers requests: what it does for one, by the path of it, is its answer, or its failure.
fn serve(work: impl Fn(&str) -> Result<String, String> + Send + Sync + 'static) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "\nlistens on {}", listener.local_addr().unwrap()).unwrap();
    let work = Arc::new(work);
    for mut stream in listener.incoming().map_while(Result::ok) {
        let work = Arc::clone(&work);
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            lines.find(String::is_empty);
            let (code, body) = match work(first.split(' ').nth(1).unwrap_or_default()) {
                Ok(body) => (200, body),
                Err(body) => (500, body),
            };
            let length = body.len();
            let head = format!("HTTP/1.1 {code} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            // Whoever asked may not have waited for it.
            let _ = stream.write_all((head + &body).as_bytes());
        });
    }
}

/// A pool of two connections, and its metrics. Once it leaks, requests get none until it is mended.
#[derive(Default)]
struct Pool {
    waiting: AtomicUsize,
    leaks: AtomicBool,
}

impl Pool {
    fn answer(&self, path: &str) -> String {
        match path {
            "/leak" => self.leaks.store(true, Ordering::Relaxed),
            "/mend" => self.leaks.store(false, Ordering::Relaxed),
            "/metrics" => return self.metrics(),
            _ => {
                self.waiting.fetch_add(1, Ordering::Relaxed);
                while self.leaks.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(20));
                }
                self.waiting.fetch_sub(1, Ordering::Relaxed);
            }
        }
        "ok".to_owned()
    }

    fn metrics(&self) -> String {
        let (used, waiting) = (if self.leaks.load(Ordering::Relaxed) { 2 } else { 0 }, &self.waiting);
        format!(
            "# TYPE pool_connections gauge\npool_connections{{pool=\"orders\",state=\"used\"}} {used}\n\
            pool_connections{{pool=\"orders\",state=\"idle\"}} {}\n\
            # TYPE pool_waiting gauge\npool_waiting{{pool=\"orders\"}} {}\n\
            # TYPE pool_size gauge\npool_size{{pool=\"orders\"}} 2\n# EOF\n",
            2 - used,
            waiting.load(Ordering::Relaxed)
        )
    }
}

/// A component of that application, and the collector of what is behind it.
fn config(application: SocketAddr, collector: &str, hook: SocketAddr) -> String {
    format!(
        "[[component]]\nname = \"shop\"\n[[component.check]]\nkind = \"http\"\nurl = \"http://{application}/\"\n\
        every = \"1s\"\ntimeout = \"1s\"\nfailures = 2\nsuccesses = 1\nstale = \"60s\"\n\
        [[collector]]\nname = \"behind\"\ncomponent = \"shop\"\nevery = \"1s\"\ntimeout = \"1s\"\n{collector}\n\
        [[alert]]\nkind = \"webhook\"\nurl = \"http://{hook}/\"\n"
    )
}

/// What came of it: the incident as JSON, and what was told first with a cause.
struct Driven {
    daemon: Daemon,
    incident: Value,
    told: Value,
}

impl Driven {
    /// Starts the daemon, lets `harm` happen once all is well, and waits until somebody is told why.
    fn new(application: SocketAddr, collector: &str, harm: impl FnOnce()) -> Self {
        let (hook, bodies) = hook();
        let daemon = Daemon::start(Some(&config(application, collector, hook)));
        daemon.until("shop", 0);
        // Rates need two looks.
        std::thread::sleep(Duration::from_secs(3));
        harm();
        let told = loop {
            let told = bodies.recv_timeout(PATIENCE).expect("somebody is told why");
            if told["cause"].as_str().is_some_and(|cause| !cause.is_empty()) {
                break told;
            }
        };
        let id = told["incident"].as_str().expect("its incident").to_owned();
        let incident = json(&daemon.run(["incident", "show", &id, "--json"]));
        Self { daemon, incident, told }
    }

    /// The first cause, which is the one that was told, and the same when its recording is replayed.
    fn first(&self, id: &str) -> &Value {
        let why = &self.incident["why"];
        let first = &why["findings"][0];
        let all = why["findings"].as_array().into_iter().flatten();
        let all: Vec<_> = all.map(|one| (&one["id"], &one["confidence"], &one["summary"])).collect();
        assert_eq!(first["id"], id, "{all:?}");
        let (summary, text) = (first["summary"].as_str().unwrap(), self.told["text"].as_str().unwrap());
        assert_eq!(self.told["cause"], summary);
        assert!(text.contains(summary), "{text}");
        let file = self.daemon.directory.path().join("why.perfuse");
        std::fs::write(&file, self.capture("why")).unwrap();
        let again = json(&perfuse(["why", "--json", "--lang", "en", "--replay"]).arg(&file).output().unwrap());
        assert_eq!(again["findings"][0], *first, "the recording gives the same answer");
        first
    }

    /// What a terminal shows of it, without its breaks of lines.
    fn shown(&self, lang: &str) -> String {
        let id = self.told["incident"].as_str().unwrap();
        let shown = stdout(&self.daemon.run(["incident", "show", id, "--lang", lang]));
        shown.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn capture(&self, name: &str) -> Vec<u8> {
        let (address, id) = (self.daemon.address.unwrap(), self.told["incident"].as_str().unwrap());
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let path = format!("/api/v1/incidents/{id}/captures/{name}");
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.0 200"), "{}", String::from_utf8_lossy(&answer[..200.min(answer.len())]));
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a body");
        answer.split_off(end + 4)
    }
}

/// A server of another program, which ends with the test.
struct Behind {
    child: Child,
    port: u16,
    _directory: TempDir,
}

impl Drop for Behind {
    fn drop(&mut self) {
        // With all that it started; it may have ended by itself.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Behind {
    fn start(mut command: Command, directory: TempDir, port: u16) -> Self {
        command.current_dir(directory.path()).process_group(0).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { child, port, _directory: directory };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "it does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A `PostgreSQL`, or why there is none.
fn postgresql() -> Result<Behind, String> {
    let program = |name: &str| gate::find_command(name).ok_or_else(|| format!("needs the program {name}"));
    let (initdb, postgres) = (program("initdb")?, program("postgres")?);
    let directory = tempfile::tempdir().unwrap();
    // It refuses to be root.
    let user: &[&str] = if gate::root().is_ok() {
        let chown = Command::new("chown").arg("postgres").arg(directory.path()).status();
        assert!(chown.is_ok_and(|status| status.success()), "there is a user of that name");
        &["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    } else {
        gate::ordinary_user()?;
        &[]
    };
    let data = directory.path().join("data");
    let make = Command::new("setpriv")
        .args(user)
        .arg(initdb)
        .args(["--auth=trust", "--no-sync", "--no-instructions", "-U", "postgres", "-D"])
        .arg(&data)
        .current_dir(directory.path())
        .output()
        .map_err(|error| error.to_string())?;
    if !make.status.success() {
        return Err(format!("initdb: {}", String::from_utf8_lossy(&make.stderr)));
    }
    let port = free_port();
    let mut command = Command::new("setpriv");
    command.args(user).arg(postgres).arg("-D").arg(&data).args(["-h", "127.0.0.1", "-c", "fsync=off", "-k"]);
    command.arg(directory.path()).args(["-p", &port.to_string()]);
    Ok(Behind::start(command, directory, port))
}

/// A session of it: the protocol of version 3, statements as text.
struct Session {
    stream: TcpStream,
    pid: u32,
}

impl Session {
    fn open(port: u16, name: &str) -> Option<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut start = vec![0, 3, 0, 0];
        start.extend(format!("user\0postgres\0database\0postgres\0application_name\0{name}\0\0").bytes());
        send(&mut stream, None, &start)?;
        let mut session = Self { stream, pid: 0 };
        session.ready().ok()?;
        Some(session)
    }

    fn run(&mut self, statement: &str) -> Result<(), String> {
        send(&mut self.stream, Some(b'Q'), format!("{statement}\0").as_bytes()).ok_or("closed")?;
        self.ready()
    }

    /// Reads until it waits for the next statement.
    fn ready(&mut self) -> Result<(), String> {
        let mut failed = None;
        loop {
            let mut head = [0; 5];
            self.stream.read_exact(&mut head).map_err(|error| error.to_string())?;
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let mut body = vec![0; length - 4];
            self.stream.read_exact(&mut body).map_err(|error| error.to_string())?;
            match head[0] {
                b'K' => self.pid = u32::from_be_bytes(body[..4].try_into().unwrap()),
                b'E' => failed = Some(String::from_utf8_lossy(&body).into_owned()),
                b'Z' => return failed.map_or(Ok(()), Err),
                _ => {}
            }
        }
    }
}

fn send(stream: &mut TcpStream, kind: Option<u8>, body: &[u8]) -> Option<()> {
    let length = u32::try_from(body.len() + 4).ok()?;
    let message: Vec<u8> = kind.into_iter().chain(length.to_be_bytes()).chain(body.iter().copied()).collect();
    stream.write_all(&message).ok()
}

#[test]
fn a_session_that_holds_a_row_is_named_with_its_statement_and_told() {
    need!(gate::command("setpriv"));
    need!(gate::command("postgres"));
    let server = match postgresql() {
        Ok(server) => server,
        Err(reason) => skip!("{reason}"),
    };
    let port = server.port;
    let begun = Instant::now();
    let mut holder = loop {
        match Session::open(port, "holder") {
            Some(session) => break session,
            None => assert!(begun.elapsed() < PATIENCE, "no session"),
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    holder.run("CREATE TABLE accounts (id int PRIMARY KEY, n int)").unwrap();
    holder.run("INSERT INTO accounts VALUES (1, 1)").unwrap();
    let shop = Shop::start("till", port);
    let pid = holder.pid;
    let driven = Driven::new(
        shop.address,
        &format!("kind = \"postgresql\"\nurl = \"postgresql://postgres@127.0.0.1:{port}/postgres\""),
        || {
            holder.run("BEGIN").unwrap();
            holder.run("UPDATE accounts SET n = 4711 WHERE id = 1").unwrap();
        },
    );
    let first = driven.first("app.blocked-session");
    assert_eq!(first["culprit"]["pid"], pid, "{first:#}");
    let chain = first["chain"].to_string();
    assert!(chain.contains("UPDATE accounts SET n = ? WHERE id = ?") && chain.contains("postgres till"), "{chain}");
    let cause = driven.told["cause"].as_str().unwrap();
    assert!(cause.contains(&format!("{pid} postgres holder (idle in transaction)")), "{cause}");
    for lang in ["en", "ko"] {
        let shown = driven.shown(lang);
        for wanted in [&format!("pg_terminate_backend({pid})"), "UPDATE accounts SET n = ? WHERE id = ?"] {
            assert!(shown.contains(wanted), "{wanted}: {shown}");
        }
    }
    // What was advised helps.
    holder.run("ROLLBACK").unwrap();
    driven.daemon.until("shop", 0);
}

/// Sends a command, and gives the first line of the answer.
fn redis(port: u16, command: &str) -> Result<String, String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    stream.write_all(format!("{command}\r\n").as_bytes()).map_err(|error| error.to_string())?;
    let line = BufReader::new(stream).lines().next().and_then(Result::ok).unwrap_or_default();
    if line.starts_with('-') { Err(line) } else { Ok(line) }
}

#[test]
fn memory_that_is_used_up_is_told_with_how_much_there_is() {
    need!(gate::command("redis-server"));
    let port = free_port();
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    let server = Behind::start(command, tempfile::tempdir().unwrap(), port);
    let shop = Shop::start("basket", port);
    let collector = format!("kind = \"redis\"\nurl = \"redis://127.0.0.1:{port}/0\"");
    let driven = Driven::new(shop.address, &collector, || {
        redis(port, "CONFIG SET maxmemory 100kb").unwrap();
    });
    let first = driven.first("app.limit-reached");
    assert_eq!(first["culprit"]["name"], "maxmemory", "{first:#}");
    let cause = driven.told["cause"].as_str().unwrap();
    assert!(cause.contains("100 KiB") && !cause.contains(" 0 /s"), "{cause}");
    assert!(driven.shown("ko").contains("redis-cli --bigkeys"), "{}", driven.shown("ko"));
    drop(server);
}

#[test]
fn a_pool_that_has_nothing_left_is_told_with_how_many_wait() {
    let shop = Shop::start("orders", 0);
    let rule = |metric: &str, more: &str, field: &str| {
        format!(
            "[[collector.rule]]\nmetric = \"{metric}\"\n{more}to = \"pool\"\nfield = \"{field}\"\nname = \"{{pool}}\"\n"
        )
    };
    let rules = [
        rule("pool_connections", "labels = { state = \"used\" }\n", "used"),
        rule("pool_connections", "labels = { state = \"idle\" }\n", "idle"),
        rule("pool_waiting", "", "pending"),
        rule("pool_size", "", "max"),
    ];
    let collector = format!("kind = \"prometheus\"\nurl = \"http://{}/metrics\"\n{}", shop.address, rules.concat());
    let driven = Driven::new(shop.address, &collector, || shop.ask("/leak"));
    let first = driven.first("app.pool-exhausted");
    assert_eq!(first["culprit"]["name"], "orders", "{first:#}");
    let cause = driven.told["cause"].as_str().unwrap();
    assert!(cause.contains("2 of 2") && cause.contains("orders"), "{cause}");
    shop.ask("/mend");
    driven.daemon.until("shop", 0);
}
