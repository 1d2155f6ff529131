//! The core with a store of its own, without a schedule that does anything; and the socket.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use perfuse_analyze::Msg;
use perfuse_analyze::status::{Event, Outcome, State, What};
use tokio::sync::{mpsc, watch};

use super::clock::{Clock, Reading};
use super::control::client::Client;
use super::control::{Answer, Ask, Call, Server, listen};
use super::core::{COLLECTOR, Core, Out, Parts, Reload};
use super::handle::{Handle, Subscribers};
use super::log::Log;
use super::memory;
use super::notify::Notify;
use super::writer::Writer;
use crate::check::schedule::Done;
use crate::check::{Clients, Found};
use crate::config::{Config, Outside, parse};
use crate::now::{ComponentNow, Daemon as _, Now, Order};
use crate::store::{Kind, Reader, Retention, Store};

const CONFIG: &str = "
    [[component]]
    name = \"shop\"
    [[component.check]]
    kind = \"push\"
    name = \"front\"
    token = \"secret\"
    failures = 3
    successes = 2
    within = \"10m\"
    [[component]]
    name = \"db\"
    [[component.check]]
    kind = \"push\"
    name = \"ping\"
    token = \"secret\"
";

fn config(text: &str) -> Config {
    let outside = Outside { file: &|_| Err(std::io::ErrorKind::NotFound.into()), variable: &|_| None };
    parse(text, &outside).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// A daemon without its clocks and threads: what the core does is asked for one by one.
struct Bench {
    handle: Handle,
    results: mpsc::Sender<Done>,
    stop: watch::Sender<bool>,
    core: tokio::task::JoinHandle<()>,
    events: mpsc::UnboundedReceiver<Event>,
    /// The sampler, which says nothing.
    _seconds: watch::Sender<Option<crate::ring::Second>>,
}

impl Bench {
    fn start(directory: &Path) -> Self {
        Self::with(directory, CONFIG, Arc::new(|| Err(Msg::new("daemon-ended"))))
    }

    fn with(directory: &Path, text: &str, reload: Reload) -> Self {
        let (store, troubles) = Store::open(directory, Retention::default()).unwrap();
        assert_eq!(troubles, []);
        let writer = Writer::start(store).unwrap();
        let found = memory::Found::read(&writer.reader());
        assert_eq!(found.problem, None);
        let config = config(text);
        let (now, now_seen) = watch::channel(Arc::new(Now::default()));
        let (changed, news) = watch::channel(0);
        let (settings, settings_seen) = watch::channel(Arc::new(config.clone()));
        let (results, results_in) = mpsc::channel(64);
        let (notes, notes_in) = mpsc::channel(64);
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
        let events = handle.events();
        let parts = Parts {
            config,
            passive: false,
            host: "h".to_owned(),
            found,
            troubles: Vec::new(),
            writer,
            clients: Arc::new(Clients::new().unwrap()),
            own_ports: BTreeSet::new(),
            reload,
            log: Log::silent(),
            notify: Notify::default(),
            clock,
            subscribers,
        };
        let core = Core::new(parts, results.clone(), Out { now, changed, settings }).unwrap();
        let (silent, seconds) = watch::channel(None);
        let (_, listening) = watch::channel(None);
        let core = tokio::spawn(core.run(results_in, notes_in, seconds, listening, stopped));
        Self { handle, results, stop, core, events, _seconds: silent }
    }

    async fn found(&self, component: &str, outcome: Outcome) {
        let check = self.handle.settings().borrow().components.iter().find(|one| one.name == component).unwrap().checks
            [0]
        .clone();
        let took = Duration::from_millis(5);
        let found = Found { outcome, ready: None, took, message: Msg::new("check-passed"), value: None };
        let done = Done { component: component.into(), check: Arc::new(check), found, late: Duration::ZERO };
        self.results.send(done).await.unwrap();
    }

    /// Waits until what is published is so.
    async fn changed(&self, so: impl Fn() -> bool) {
        let mut changes = self.handle.changes();
        let wait = async {
            while !so() {
                changes.changed().await.unwrap();
            }
        };
        let end = tokio::time::timeout(Duration::from_secs(30), wait).await;
        assert!(end.is_ok(), "{:?}", self.handle.now().troubles);
    }

    /// Waits until a component is in a state.
    async fn until(&self, component: &str, state: State) -> ComponentNow {
        let mut changes = self.handle.changes();
        let find = |now: &Now| now.components.iter().find(|one| one.view.name == component).cloned().unwrap();
        let wait = async {
            loop {
                changes.borrow_and_update();
                let found = find(&self.handle.now());
                if found.view.state == state {
                    return found;
                }
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait)
            .await
            .unwrap_or_else(|_| panic!("{component} is not {state:?}"))
    }

    async fn order(&self, order: Order) -> Result<String, String> {
        self.handle.order(order).await.map(|message| message.id).map_err(|message| message.id)
    }

    fn reader(&self) -> Reader {
        self.handle.reader()
    }

    async fn end(self) {
        self.stop.send_replace(true);
        self.core.await.unwrap();
        assert!(self.handle.writer.stop());
    }

    /// As by a kill: nothing is written any more that is not in the writer's queue.
    async fn kill(self) {
        self.core.abort();
        assert!(self.core.await.is_err());
        assert!(self.handle.writer.stop());
    }
}

fn maintenance(components: &[&str]) -> Order {
    Order::StartMaintenance {
        components: components.iter().map(|&name| name.to_owned()).collect(),
        length: Some(Duration::from_secs(1800)),
        reason: "disks".to_owned(),
    }
}

fn report(check: &str, word: &str, token: &str, instance: Option<&str>) -> Order {
    Order::Report {
        component: "shop".to_owned(),
        check: check.to_owned(),
        instance: instance.map(str::to_owned),
        report: word.to_owned(),
        token: token.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn states_and_events_are_told_and_kept_over_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let mut bench = Bench::start(directory.path());
    bench.found("shop", Outcome::Pass).await;
    bench.until("shop", State::Operational).await;
    for _ in 0..3 {
        bench.found("shop", Outcome::Fail).await;
    }
    let shop = bench.until("shop", State::MajorOutage).await;
    assert_eq!(shop.checks[0].outcome, Some(Outcome::Fail));
    let mut told = Vec::new();
    while let Ok(event) = bench.events.try_recv() {
        told.push(event.what);
    }
    let changed = |from, to| What::Changed { from, to, held_by: None };
    assert_eq!(told[0], changed(State::Unknown, State::Operational));
    assert!(matches!(told[1], What::FirstFailure { .. }), "{told:?}");
    assert_eq!(told.last(), Some(&changed(State::Operational, State::MajorOutage)));
    let since = shop.view.since;
    bench.order(maintenance(&["db"])).await.unwrap();
    // One success is not enough to return; after the restart it still counts.
    bench.found("shop", Outcome::Pass).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let transitions = bench.reader().records().unwrap().list(Kind::Transition, 0, i64::MAX, 100).unwrap();
    assert!(transitions.len() >= told.len());
    bench.kill().await;
    let bench = Bench::start(directory.path());
    let shop = bench.until("shop", State::MajorOutage).await;
    assert_eq!(shop.view.since, since);
    bench.until("db", State::Maintenance).await;
    assert!(shop.days.iter().any(|(_, day)| day.is_some_and(|day| day.operational + day.major > 0)));
    bench.found("shop", Outcome::Pass).await;
    bench.until("shop", State::Operational).await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_obeyed_or_refused() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::start(directory.path());
    assert_eq!(bench.order(maintenance(&["sohp"])).await, Err("daemon-no-component".to_owned()));
    assert_eq!(bench.order(maintenance(&["shop"])).await, Ok("daemon-maintenance-for".to_owned()));
    bench.until("shop", State::Maintenance).await;
    let windows = bench.handle.now().ad_hoc.clone();
    assert_eq!((windows.len(), windows[0].reason.as_str()), (1, "disks"));
    let kept = bench.reader().records().unwrap().open_ones(Kind::Maintenance).unwrap();
    assert_eq!(kept.len(), 1, "answered once it is on disk");
    let stop = |component: &str| Order::StopMaintenance { id: None, component: Some(component.to_owned()) };
    assert_eq!(bench.order(stop("db")).await, Err("daemon-maintenance-none".to_owned()));
    assert_eq!(bench.order(stop("shop")).await, Ok("daemon-maintenance-stopped".to_owned()));
    bench.until("shop", State::Unknown).await;
    assert!(bench.reader().records().unwrap().open_ones(Kind::Maintenance).unwrap().is_empty());
    assert_eq!(bench.order(Order::Check { component: "shop".into() }).await, Ok("daemon-checked".to_owned()));
    assert_eq!(bench.order(Order::Reload).await, Err("daemon-config-stays".to_owned()));
    assert_eq!(bench.handle.now().troubles.len(), 1);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn troubles_of_what_is_gone_from_the_configuration_go_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let series = |name: &str| {
        let program = "process = \"shop\"\nsymbol = \"length\"\ntype = \"u32\"\n";
        format!("[[variable]]\nname = \"{name}\"\n{program}")
    };
    let after = format!("{CONFIG}\n{}", series("stays"));
    let before = format!("{after}{}", series("goes"));
    let bench = Bench::with(directory.path(), &before, Arc::new(move || Ok(Some(config(&after)))));
    let troubles = || {
        let all: Vec<String> = bench.handle.now().troubles.iter().map(|trouble| trouble.id.clone()).collect();
        all
    };
    for name in ["stays", "goes"] {
        bench.handle.troubles(&format!("{COLLECTOR}{name}"), vec![Msg::new(name)]).await;
    }
    // What is asked for later is done later.
    assert_eq!(bench.order(Order::Check { component: "shop".into() }).await, Ok("daemon-checked".to_owned()));
    bench.changed(|| troubles() == ["goes", "stays"]).await;
    assert_eq!(bench.order(Order::Reload).await, Ok("daemon-reloaded".to_owned()));
    bench.changed(|| troubles().is_empty()).await;
    for name in ["goes", "stays"] {
        bench.handle.troubles(&format!("{COLLECTOR}{name}"), vec![Msg::new(name)]).await;
    }
    bench.changed(|| troubles() == ["stays"]).await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_need_their_token() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::start(directory.path());
    for refused in [report("front", "passed", "wrong", None), report("back", "passed", "secret", None)] {
        assert_eq!(bench.order(refused).await, Err("daemon-report-refused".to_owned()));
    }
    assert_eq!(bench.order(report("front", "maybe", "secret", None)).await, Err("daemon-report-word".to_owned()));
    let long = "x".repeat(300);
    let long = report("front", "passed", "secret", Some(&long));
    assert_eq!(bench.order(long).await, Err("daemon-report-instance".to_owned()));
    for instance in ["a", "b"] {
        let taken = bench.order(report("front", "waiting", "secret", Some(instance))).await;
        assert_eq!(taken, Ok("daemon-report-taken".to_owned()));
    }
    let mut shop = bench.until("shop", State::Operational).await;
    assert_eq!(shop.view.ready, Some(false), "up, and waiting to be deployed");
    while shop.checks.len() < 2 {
        // What changes no state is published within a second.
        let mut news = bench.handle.changes();
        news.mark_unchanged();
        news.changed().await.unwrap();
        shop = bench.until("shop", State::Operational).await;
    }
    let instances: Vec<_> = shop.checks.iter().map(|check| check.instance.as_deref()).collect();
    assert_eq!(instances, [Some("a"), Some("b")]);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_answers_in_the_language_that_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::start(directory.path());
    let path = directory.path().join("run/control.sock");
    let socket = listen(&path).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o660);
    assert_eq!(listen(&path).unwrap_err().kind(), std::io::ErrorKind::AddrInUse, "a second daemon");
    let serving = tokio::spawn(Server::new(Arc::new(bench.handle.clone())).run(socket, bench.stop.subscribe()));
    let asked = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            let mut client = Client::connect(&[path.with_extension("none"), path]).unwrap();
            let mut ask = |lang: &str, ask| client.ask(&Call { lang: lang.to_owned(), ask }).unwrap();
            let status =
                |component: Option<&str>| Ask::Status { component: component.map(str::to_owned), follow: false };
            [
                ask("en", status(None)),
                ask("en", status(Some("db"))),
                ask("ko", status(Some("none"))),
                ask("en", Ask::Incidents { limit: 10 }),
                ask("ko", Ask::Incident { id: "x".into() }),
                ask("ko", Ask::MaintenanceStop { id: Some(7), component: None }),
                ask("en", Ask::Maintenance),
            ]
        }
    });
    let [all, one, none, incidents, incident, stop, windows] = asked.await.unwrap();
    assert!(matches!(&all, Answer::Status(report) if report.components.len() == 2), "{all:?}");
    assert!(matches!(&one, Answer::Status(report) if report.components.len() == 1), "{one:?}");
    assert!(
        matches!(&none, Answer::Refused(text) if text.contains("shop, db") && text.contains("없습니다")),
        "{none:?}"
    );
    assert!(matches!(&incidents, Answer::Incidents { incidents, .. } if incidents.is_empty()), "{incidents:?}");
    assert!(matches!(&incident, Answer::Refused(text) if text.contains("없습니다")), "{incident:?}");
    assert!(matches!(&stop, Answer::Refused(_)), "{stop:?}");
    assert!(matches!(&windows, Answer::Maintenance { windows, .. } if windows.is_empty()), "{windows:?}");
    bench.end().await;
    serving.await.unwrap();
    assert!(!path.exists(), "the socket is gone with the daemon");
}
