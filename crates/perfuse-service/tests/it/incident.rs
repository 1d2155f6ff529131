//! From a check that fails to the incident that names the cause: a small server is stopped, and goes on again.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use perfuse_analyze::app::{AppFact, AppKind, AppTable, AppWhat};
use perfuse_analyze::status::{Event, State, What};
use perfuse_analyze::{Run, Scope, Thresholds};
use perfuse_service::incident::recorded;
use perfuse_service::incident::{Incident, Incidents, Keep, Options, Subject, answer};
use perfuse_service::ring::Ring;
use perfuse_service::store::{Retention, Store};
use perfuse_testkit::{gate, need};
use rustix::process::{Pid, Signal, kill_process};

const SERVE: &str = "PERFUSE_TEST_SERVE";

/// What the child does: it answers a byte with a byte, and says at which port.
#[test]
fn child() {
    if std::env::var_os(SERVE).is_none() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("\nport {}", listener.local_addr().expect("an address").port());
    for stream in listener.incoming() {
        let mut stream = stream.expect("a connection");
        let mut byte = [0];
        while matches!(stream.read(&mut byte), Ok(1)) {
            stream.write_all(&byte).expect("answers");
        }
    }
}

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "incident::child", "--nocapture", "--test-threads", "1"])
            .env(SERVE, "1")
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let port = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("port ")?.parse().ok());
        Self { child, port: port.expect("its port") }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, signal).expect("sends it");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("not that late")
}

pub(crate) fn event(what: What) -> Event {
    Event { time: now(), component: "shop".to_owned(), what }
}

pub(crate) fn changed(from: State, to: State) -> Event {
    event(What::Changed { from, to, held_by: None })
}

type Kept = (Incident, Vec<(String, Vec<u8>)>);

/// A ring with some seconds, the desk, and what it writes.
fn desk(who: Subject) -> (Ring, Incidents, Receiver<Kept>, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = Store::open(directory.path(), Retention::default()).expect("a store");
    let ring = Ring::start(Thresholds::default(), Vec::new()).expect("a ring");
    let (to, kept) = channel();
    let keep: Keep = Box::new(move |incident, captures| {
        // The test may have ended.
        let _ = to.send((incident.clone(), captures));
    });
    let options = Options {
        ring: ring.clone(),
        thresholds: Thresholds::default(),
        subjects: vec![who],
        open: Vec::new(),
        reader: store.reader(),
        keep,
        look: Duration::from_secs(3),
        after: Duration::from_secs(3),
    };
    let incidents = Incidents::start(options).expect("a desk");
    // A recording that begins before the event.
    let begin = Instant::now();
    while ring.seconds().borrow().is_none() && begin.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(100));
    }
    (ring, incidents, kept, directory)
}

/// The first incident that is as wanted, and all captures until then.
fn wait_for(kept: &Receiver<Kept>, wanted: impl Fn(&Incident) -> bool) -> Kept {
    let mut all = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(90) {
        let (incident, captures) = kept.recv_timeout(Duration::from_secs(90)).expect("an incident");
        all.extend(captures);
        if wanted(&incident) {
            return (incident, all);
        }
    }
    panic!("no such incident");
}

fn capture<'k>(captures: &'k [(String, Vec<u8>)], name: &str) -> &'k [u8] {
    &captures.iter().find(|(known, _)| known == name).expect("the capture").1
}

#[test]
fn a_stopped_server_is_named_with_what_it_was_asked_and_the_replay_says_the_same() {
    need!(gate::root());
    let server = Server::start();
    let mut client = TcpStream::connect(("127.0.0.1", server.port)).expect("connects");
    client.write_all(b"x").expect("asks");
    let (ring, incidents, kept, _directory) = desk(Subject::listener("shop", server.port));
    server.signal(Signal::STOP);
    let what = AppWhat::Pool { pool: "orders".to_owned(), used: 10.0, max: 10.0, pending: 0.0 };
    let fact = AppFact {
        source: "shop".to_owned(),
        kind: AppKind::Other,
        component: Some("shop".to_owned()),
        pid: None,
        what,
    };
    let table = AppTable {
        source: "shop".to_owned(),
        title: "pools".to_owned(),
        columns: vec!["pool".to_owned()],
        rows: vec![vec!["orders".to_owned()]],
    };
    ring.told("shop", vec![fact], vec![table.clone()]);
    incidents.events(vec![event(What::FirstFailure { check: "tcp".to_owned(), instance: None })]);
    client.write_all(b"y").expect("asks");
    incidents.events(vec![changed(State::Operational, State::MajorOutage)]);

    let (first, _) = wait_for(&kept, |_| true);
    assert!(first.why.is_none() && first.ended.is_none(), "it is there before its cause is");
    let (incident, captures) = wait_for(&kept, |incident| incident.captures.iter().any(|name| name == "before"));
    let why = incident.why.as_ref().expect("an answer");
    assert_eq!((why["schema"].as_str(), why["language"].as_str()), (Some("perfuse.why/1"), Some("en")));
    let cause = &why["findings"][0];
    if why["time"]["exact"] == false {
        perfuse_testkit::skip!("no BPF: {}", why["capabilities"]);
    }
    assert_eq!(cause["id"], "why.stopped", "{why:#}");
    assert_eq!(cause["culprit"]["pid"], server.child.id(), "{cause:#}");
    let (english, korean) = incident.cause.clone().expect("a sentence");
    assert_eq!(cause["summary"], english.as_str());
    assert_ne!(english, korean);
    assert_eq!(incident.tables, [table]);
    let pools = why["findings"].as_array().expect("findings").iter().filter(|one| one["id"] == "app.pool-exhausted");
    assert_eq!(pools.count(), 1, "what the application said is a remark: {why:#}");

    // The same recording, the same answer.
    let recording = capture(&captures, "why");
    let (circumstances, snapshots) = recorded::load(recording).expect("a recording").expect("with circumstances");
    let mut run = Run::new(&snapshots, Thresholds::default(), Scope::default()).expect("snapshots");
    let (again, found) = answer::answer(&mut run, &circumstances);
    assert!(found);
    assert_eq!(again.causes[0].finding.id, "why.stopped");
    assert_eq!(again.causes.len(), why["findings"].as_array().expect("findings").len());
    // That of the ring begins before the first failure.
    let (_, before) = recorded::load(capture(&captures, "before")).expect("a recording").expect("with circumstances");
    assert!(before.first().is_some_and(|one| one.real_ns / 1_000_000 < incident.began), "it begins before");
    let korean: serde_json::Value = serde_json::from_slice(capture(&captures, "why-ko")).expect("JSON");
    assert_eq!(korean["language"], "ko");

    server.signal(Signal::CONT);
    incidents.events(vec![changed(State::MajorOutage, State::Operational), event(What::Cleared)]);
    let (over, _) = wait_for(&kept, |incident| incident.ended.is_some());
    assert_eq!((over.timeline.len(), over.worst), (3, State::MajorOutage));
    assert_eq!(over.why, incident.why);
}

#[test]
fn a_server_that_is_gone_is_known_from_before() {
    need!(gate::root());
    let mut server = Server::start();
    let pid = server.child.id();
    let (_ring, incidents, kept, _directory) = desk(Subject::listener("shop", server.port));
    server.child.kill().expect("kills");
    server.child.wait().expect("ends");
    let first = event(What::FirstFailure { check: "tcp".to_owned(), instance: None });
    incidents.events(vec![first, changed(State::Operational, State::MajorOutage)]);
    let (incident, captures) = wait_for(&kept, |incident| incident.why.is_some());
    let why = incident.why.as_ref().expect("an answer");
    assert_eq!(why["findings"][0]["id"], "why.gone", "{why:#}");
    assert_eq!(why["findings"][0]["culprit"]["pid"], pid);
    assert!(incident.cause.is_some() && !capture(&captures, "why").is_empty());
}

#[test]
fn the_incident_of_the_fixtures_is_one() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/incident.json")).expect("a file");
    let incident: Incident = serde_json::from_str(&text).expect("an incident");
    assert_eq!(incident.why.as_ref().expect("an answer")["findings"][0]["id"], "app.blocked-session");
    let again: Incident = serde_json::from_str(&serde_json::to_string(&incident).expect("JSON")).expect("again");
    assert_eq!(again, incident);
}
