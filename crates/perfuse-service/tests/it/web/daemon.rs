//! A daemon that is made up: what it shows is rich enough to look at, and changes when the test says so.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use perfuse_analyze::app::AppTable;
use perfuse_analyze::status::slo::Events;
use perfuse_analyze::status::{AdHoc, Day, Event, Level, Outcome, Planned, SloPlan, State, View, What, When};
use perfuse_analyze::{
    CELLS, CONTROLS, Cell, Checklist, Entity, Evidence, Finding, Instance, Kind, Msg, Quantity, Resource, Severity,
    Verdict,
};
use perfuse_service::incident::{Compared, Incident};
use perfuse_service::now::{CheckNow, ComponentNow, Daemon, Done, Now, Order};
use perfuse_service::store::{self, Reader, Record, Retention, SeriesKey, Store};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;

fn time() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn say(text: &str) -> Msg {
    Msg::new("literal").with("text", text)
}

/// The daemon.
pub(super) struct Made {
    now: Mutex<Arc<Now>>,
    version: watch::Sender<u64>,
    reader: Reader,
    store: Arc<Mutex<Store>>,
    _directory: TempDir,
}

impl Daemon for Made {
    fn now(&self) -> Arc<Now> {
        Arc::clone(&self.now.lock().unwrap())
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    fn reader(&self) -> Reader {
        self.reader.clone()
    }

    fn order(&self, order: Order) -> Pin<Box<dyn Future<Output = Done> + Send + '_>> {
        if let Order::StartMaintenance { components, length, reason } = order {
            let start = time();
            let end = length.map(|length| start + u64::try_from(length.as_millis()).unwrap());
            self.change(|now| now.ad_hoc.push(AdHoc { id: 1, components, start, end, reason }));
        }
        Box::pin(std::future::ready(Ok(say("done"))))
    }
}

impl Made {
    /// With an hour of series, and more of them every second.
    pub(super) fn new() -> Arc<Self> {
        let directory = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(directory.path(), Retention::default()).unwrap();
        let at = i64::try_from(time() / 1000).unwrap();
        for second in at - 1800..=at {
            tick(&mut store, second);
        }
        let old = incident("20261101T081500-queue", "queue", time() - 6 * 86_400_000, Some(1_500_000));
        put(&mut store, &old);
        let made = Arc::new(Self {
            now: Mutex::new(Arc::new(now())),
            version: watch::Sender::new(1),
            reader: store.reader(),
            store: Arc::new(Mutex::new(store)),
            _directory: directory,
        });
        let weak = Arc::downgrade(&made);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                let Some(made) = weak.upgrade() else { break };
                tick(&mut made.store.lock().unwrap(), i64::try_from(time() / 1000).unwrap());
                made.change(|_| {});
            }
        });
        made
    }

    fn change(&self, change: impl FnOnce(&mut Now)) {
        let mut now = self.now.lock().unwrap();
        let mut next = (**now).clone();
        next.time = time();
        change(&mut next);
        *now = Arc::new(next);
        self.version.send_modify(|version| *version += 1);
    }

    /// Changes the state of a component.
    pub(super) fn state(&self, name: &str, state: State) {
        self.change(|now| {
            let time = now.time;
            for component in now.components.iter_mut().filter(|component| component.view.name == name) {
                component.view.state = state;
                component.view.since = time;
                for check in &mut component.checks {
                    check.level = Some(Level::Slow);
                    check.outcome = Some(Outcome::Slow);
                    check.message = Some(say("answered after 2.4 s; the limit is 800 ms"));
                }
            }
        });
    }

    /// Opens an incident, and gives its name.
    pub(super) fn incident(&self, component: &str) -> String {
        let id = format!("20261126T231500-{component}");
        let made = incident(&id, component, time() - 42_000, None);
        put(&mut self.store.lock().unwrap(), &made);
        self.change(|now| now.open = vec![Arc::new(made)]);
        id
    }

    /// Ends it, without the numbers of the time after it.
    pub(super) fn end(&self, component: &str) {
        let id = format!("20261126T231500-{component}");
        let mut ended = incident(&id, component, time() - 60_000, Some(55_000));
        ended.compared.clear();
        put(&mut self.store.lock().unwrap(), &ended);
        self.change(|now| now.open.clear());
    }

    /// Adds these numbers, as it is done a minute later.
    pub(super) fn compare(&self, component: &str) {
        let id = format!("20261126T231500-{component}");
        put(&mut self.store.lock().unwrap(), &incident(&id, component, time() - 60_000, Some(55_000)));
    }
}

/// The numbers of a second.
fn tick(store: &mut Store, second: i64) {
    let wave = |length: i64, shift: i64| {
        let turn = ((second + shift).rem_euclid(length)) as f64 / length as f64;
        0.5 + 0.5 * (turn * std::f64::consts::TAU).sin()
    };
    let noise = (second.wrapping_mul(2_654_435_761) >> 7).rem_euclid(100) as f64 / 100.0;
    let cell = |unit: &str, cell: &str| SeriesKey::new(&format!("perfuse_cell_{unit}"), [("cell", cell)]);
    let threads = |state: &str| SeriesKey::new("perfuse_threads_count", [("state", state)]);
    let tcp = |state: &str| SeriesKey::new("perfuse_tcp_count", [("port", "443"), ("state", state)]);
    let values = [
        (cell("ratio", "cpu.utilization"), 0.25 + 0.4 * wave(600, 0) + 0.1 * noise),
        (cell("ratio", "memory.utilization"), 0.61 + 0.02 * wave(1700, 40)),
        (cell("ratio", "disk.utilization"), 0.1 + 0.3 * wave(333, 90) * noise),
        (cell("seconds_per_second", "cpu.saturation"), 0.05 + wave(600, 0) * noise),
        (cell("seconds_per_second", "disk.saturation"), 0.2 * wave(333, 90)),
        (threads("running"), (3.0 + 5.0 * wave(600, 0) + 2.0 * noise).round()),
        (threads("sleeping"), 212.0),
        (threads("blocked"), (2.0 * noise).round()),
        (tcp("ESTABLISHED"), (80.0 + 30.0 * wave(900, 10)).round()),
        (tcp("TIME_WAIT"), (20.0 + 15.0 * wave(900, 200)).round()),
        (
            SeriesKey::new("perfuse_probe_duration_seconds", [("check", "front"), ("component", "shop")]),
            0.03 + 0.02 * noise,
        ),
        (SeriesKey::new("perfuse_process_memory_bytes", [("process", "postgres")]), 5.2e8 + 1e7 * wave(1700, 0)),
        (SeriesKey::new("db_connections_count", [("state", "active")]), (10.0 + 8.0 * wave(500, 0)).round()),
        (SeriesKey::new("db_connections_count", [("state", "idle")]), 34.0),
        (SeriesKey::new("db_commits_per_second", []), 420.0 + 100.0 * wave(500, 0) + 30.0 * noise),
    ];
    let values: Vec<_> = values.iter().map(|(key, value)| (store.series(key).unwrap(), *value)).collect();
    store.append(second, &values);
}

fn put(store: &mut Store, incident: &Incident) {
    let record = Record {
        kind: store::Kind::Incident,
        id: incident.id.clone(),
        at_ms: i64::try_from(incident.began).unwrap(),
        open: incident.ended.is_none(),
        doc: serde_json::to_string(incident).unwrap(),
    };
    let on = "shop;main;serve;handle;render;template 4200000000\nshop;main;serve;handle;query;encode 1300000000\nshop;main;serve;accept 400000000\n\
        postgres;PostmasterMain;ServerLoop;exec_simple_query;ExecutorRun 3000000000\n";
    let off = "shop;main;serve;handle;query;recv;tcp_recvmsg_[k];schedule_[k] 18200000000\n\
        postgres;exec_simple_query;LockAcquire;ProcSleep;epoll_wait_[k] 16100000000\nshop;main;pool;park;futex_wait_[k] 2400000000\n";
    store.put_incident(&record, &[("on-cpu", on.as_bytes()), ("off-cpu", off.as_bytes())]).unwrap();
}

fn incident(id: &str, component: &str, began: u64, length: Option<u64>) -> Incident {
    let event = |time: u64, what: What| Event { time, component: component.to_owned(), what };
    let changed = |from: State, to: State| What::Changed { from, to, held_by: None };
    let mut timeline = vec![
        event(began, What::FirstFailure { check: "front".into(), instance: None }),
        event(began + 20_000, changed(State::Operational, State::Degraded)),
    ];
    if let Some(length) = length {
        timeline.push(event(began + length, changed(State::Degraded, State::Operational)));
        timeline.push(event(began + length, What::Cleared));
    }
    let compared = |series: &str, unit: &str, values: [f64; 2]| Compared {
        series: series.into(),
        unit: unit.into(),
        before: Some(values[0]),
        during: Some(values[1]),
        after: length.map(|_| values[0] * 1.02),
    };
    Incident {
        id: id.to_owned(),
        component: component.to_owned(),
        began,
        detected: began + 20_000,
        ended: length.map(|length| began + length),
        worst: State::Degraded,
        timeline,
        why: Some(why()),
        cause: Some((
            "A session idle in transaction holds a lock: psql (4211) keeps 14 sessions of the shop waiting.".into(),
            "트랜잭션을 연 채 쉬고 있는 세션이 잠금을 쥐고 있습니다: psql(4211) 때문에 상점의 세션 14개가 기다립니다."
                .into(),
        )),
        compared: vec![
            compared("check front", "s", [0.031, 2.41]),
            compared("perfuse_cell_ratio{cell=\"cpu.utilization\"}", "ratio", [0.47, 0.12]),
            compared("db_locks_waiting_count", "count", [0.0, 14.0]),
        ],
        tables: vec![AppTable {
            source: "db".into(),
            title: "pg_stat_activity".into(),
            columns: ["pid", "user", "state", "wait_event", "query"].map(str::to_owned).into(),
            rows: (0..6)
                .map(|row| {
                    let (pid, query) = (4211 + row, "UPDATE basket SET items = $1 WHERE id = $2");
                    let state = if row == 0 { "idle in transaction" } else { "active" };
                    let wait = if row == 0 { "ClientRead" } else { "transactionid" };
                    [pid.to_string(), "shop".into(), state.into(), wait.into(), query.into()].into()
                })
                .collect(),
        }],
        captures: vec!["on-cpu".into(), "off-cpu".into()],
    }
}

fn why() -> serde_json::Value {
    let line = |id: &str, title: &str, family: &str, ratio: f64| json!({ "id": id, "title": title, "family": family, "ratio": ratio, "s_per_s": ratio * 3.0 });
    json!({
        "schema": "perfuse.why/1", "language": "en",
        "findings": [
            {
                "rank": 1, "title": "A session keeps others waiting for its lock", "severity": "bottleneck",
                "summary": "psql (4211) is idle in transaction since 48 s and holds a row lock; 14 sessions wait for it, the longest for 41 s.",
                "culprit": { "kind": "process", "name": "psql", "pid": 4211, "detail": "idle in transaction" },
                "victims": [{ "kind": "process", "name": "shop", "pid": 2040, "detail": "waits 97% of its time" }],
                "wait_s_per_s": 13.6, "confidence": 0.93, "explained_ratio": 0.91,
                "chain": [
                    { "from": "GET /basket takes 2.4 s", "to": "14 threads of shop wait for the database", "evidence": "13.6 s/s off CPU in recv" },
                    { "from": "14 threads of shop wait for the database", "to": "their sessions wait for a transaction", "evidence": "wait_event transactionid" },
                    { "from": "their sessions wait for a transaction", "to": "psql (4211) holds a row of basket", "evidence": "pg_blocking_pids" }
                ],
                "advice": [
                    { "text": "End the session, or let it commit.", "command": "SELECT pg_terminate_backend(4211);", "expect": "The wait falls from 13.6 s/s to about 0." },
                    { "text": "Let no session idle in a transaction for long.", "command": "ALTER SYSTEM SET idle_in_transaction_session_timeout = '10s';", "expect": "It cannot happen again." }
                ]
            },
            { "rank": 2, "title": "Too many threads want the CPU", "severity": "watch", "summary": "On average 1.2 threads wait for a CPU.",
              "culprit": { "kind": "process", "name": "shop", "pid": 2040 }, "wait_s_per_s": 0.4, "confidence": 0.5, "explained_ratio": 0.04 }
        ],
        "time": { "states": [
            line("network-receive", "waiting for the network", "network", 0.78),
            line("on-cpu-user", "on CPU, in the program", "running", 0.12),
            line("runnable", "waiting for a CPU", "cpu", 0.06),
            line("block-io", "waiting for storage", "disk", 0.04)
        ] },
        "cannot_tell": ["Whether the CPU computes or waits for memory cannot be told without a PMU."]
    })
}

fn component(name: &str, titles: [&str; 2], group: Option<&str>, instances: &[&str]) -> ComponentNow {
    let now = time();
    let today = perfuse_analyze::status::uptime::number(now, 540);
    let all = 86_400_000;
    let day = |ago: u64| {
        let kind = (ago * 7 + name.len() as u64 * 3) % 41;
        (ago < 74).then(|| match kind {
            3 => Day { operational: all - 2_280_000, major: 2_280_000, ..Day::default() },
            11 => Day { operational: all - 4_300_000, degraded: 4_300_000, ..Day::default() },
            23 => Day { operational: all - 900_000, partial: 900_000, ..Day::default() },
            30 => Day { operational: all - 3_600_000, maintenance: 3_600_000, ..Day::default() },
            _ => Day { operational: all, ..Day::default() },
        })
    };
    let check = |instance: Option<&str>| CheckNow {
        name: "front".into(),
        kind: "http",
        instance: instance.map(str::to_owned),
        level: Some(Level::Up),
        outcome: Some(Outcome::Pass),
        ready: Some(true),
        at: Some(now),
        took: Some(Duration::from_millis(31)),
        message: Some(Msg::new("check-passed")),
        value: Some(200.0),
    };
    let plan = SloPlan { objective: 0.999, days: 30, min_events: 20, slow_is_bad: false };
    let mut events = Events::default();
    for minute in 0..6000_u64 {
        events.add(
            now - (6000 - minute) * 60_000,
            if minute % 1900 == 7 { Outcome::Fail } else { Outcome::Pass },
            &plan,
        );
    }
    let checks =
        if instances.is_empty() { vec![check(None)] } else { instances.iter().map(|one| check(Some(one))).collect() };
    ComponentNow {
        view: View {
            name: name.into(),
            state: State::Operational,
            since: now - 9_000_000,
            held_by: None,
            suspect: false,
            flapping: false,
            ready: Some(true),
        },
        title: (titles[0].into(), titles[1].into()),
        group: group.map(str::to_owned),
        description: (name == "shop").then(|| "Catalogue, basket and payment".to_owned()),
        public: name != "vault",
        checks,
        days: (0..90).rev().map(|ago| (today - ago, day(ago))).collect(),
        slo: (name != "queue").then(|| events.view(now, &plan)),
    }
}

fn now() -> Now {
    let time = time();
    Now {
        time,
        host: "web-1".into(),
        begun: time - 86_400_000 * 3,
        components: vec![
            component("shop", ["Web shop", "온라인 상점"], Some("Customers"), &["a", "b", "c"]),
            component("api", ["Partner API", "파트너 API"], Some("Customers"), &[]),
            component("database", ["Database", "데이터베이스"], Some("Inside"), &[]),
            component("queue", ["Queue", "대기열"], Some("Inside"), &[]),
            component("vault", ["Vault", "금고"], Some("Inside"), &[]),
        ],
        planned: vec![Planned {
            components: vec!["queue".into()],
            when: When::Once { start: time + 2 * 86_400_000, end: time + 2 * 86_400_000 + 3_600_000 },
            reason: "Upgrade of the broker".into(),
        }],
        checklist: Some(Arc::new(checklist())),
        ..Now::default()
    }
}

/// A checklist with something of everything.
fn checklist() -> Checklist {
    let cell = |(place, spec): (usize, &perfuse_analyze::table::CellSpec)| {
        let verdict = match place % 11 {
            4 => Verdict::Watch,
            9 => Verdict::Bottleneck,
            _ => Verdict::Ok,
        };
        let value = match spec.kind {
            Kind::Utilization => Quantity::ratio(place as f64 / 45.0),
            Kind::Saturation => Quantity::wait(place as f64 / 50.0),
            Kind::Errors => Quantity::count(0.0),
        };
        if spec.id.starts_with("memory-interconnect") {
            return Cell::not_applicable(spec.id, say("no counters here"));
        }
        let mut cell = Cell::measured(spec.id, verdict, value)
            .evidence(Evidence::new("/proc/stat", "user + system", value).by_hand("cat /proc/stat"));
        cell.instances = vec![Instance::new("first", value, verdict), Instance::new("second", value, Verdict::Ok)];
        cell.history = (0..40).map(|at| (f64::from(at), f64::from((at * 7) % 13) / 13.0)).collect();
        cell
    };
    let mut finding = Finding::new(
        "cpu.quota-throttled",
        Severity::Bottleneck,
        (Resource::Cpu, Kind::Saturation, "cpu.saturation"),
        Entity::process(4242, "batch"),
    );
    finding.summary = say("batch (4242) is stopped by its CPU quota in 38% of all periods.");
    finding.confidence = 0.9;
    finding.wait_s_per_s = Some(0.7);
    Checklist {
        cells: CELLS.iter().enumerate().map(cell).collect(),
        controls: CONTROLS.iter().map(|spec| Cell::measured(spec.id, Verdict::Ok, Quantity::ratio(0.1))).collect(),
        findings: vec![finding],
        healthy: Some(false),
    }
}
