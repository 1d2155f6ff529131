//! Alerts as a whole, with a real store, against servers on loopback.

mod kill;
mod mail;
mod manager;
mod web;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use perfuse_analyze::status::{Event, State, View, What};
use perfuse_service::alert::desk::Waits;
use perfuse_service::alert::{self, Handle, Outbox, Setup, Stored};
use perfuse_service::config::{Config, Outside, parse};
use perfuse_service::incident::Incident;
use perfuse_service::now::{ComponentNow, Now};
use perfuse_service::store::{Kind, Record, Retention, Store, Written};
use tokio::sync::{mpsc, watch};

/// A store that alerts write into.
struct Kept(Mutex<Store>);

impl Outbox for Kept {
    fn put(&self, records: Vec<Record>) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        let written = self.0.lock().expect("no panic").put(&records);
        Box::pin(async move {
            match written {
                Ok(Written::Disk) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
    }
}

/// The configuration of a text.
fn config(text: &str) -> Config {
    let outside = Outside { file: &|_| Err(std::io::ErrorKind::NotFound.into()), variable: &|_| None };
    parse(text, &outside).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// Alerts that run, and what they see.
struct Bench {
    handle: Handle,
    events: mpsc::UnboundedSender<Event>,
    now: watch::Sender<Arc<Now>>,
    kept: Arc<Kept>,
}

/// Milliseconds since 1970.
fn time() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    u64::try_from(now.as_millis()).expect("before the end of time")
}

impl Bench {
    fn start(directory: &Path, alerts: &str) -> Self {
        let (store, troubles) = Store::open(directory, Retention::default()).expect("opens");
        assert_eq!(troubles, []);
        let stored = Stored::read(&store.reader()).expect("reads");
        let kept = Arc::new(Kept(Mutex::new(store)));
        let (events, inbox) = mpsc::unbounded_channel();
        let (now, seen) = watch::channel(Arc::new(Now::default()));
        let waits = Waits { group: 200, cause: 5_000, ..Waits::default() };
        let setup = Setup { waits, ..Setup::new(&config(alerts), "web1".to_owned()) };
        let handle = alert::start(&setup, stored, Arc::clone(&kept) as Arc<dyn Outbox>, inbox, seen).expect("starts");
        Self { handle, events, now, kept }
    }

    /// The component changes its state; its cause is known at once.
    fn change(&self, to: State) {
        let from = if to == State::Operational { State::MajorOutage } else { State::Operational };
        let time = time();
        let what = What::Changed { from, to, held_by: None };
        self.events.send(Event { time, component: "shop".to_owned(), what }).expect("it runs");
        let view = View {
            name: "shop".to_owned(),
            state: to,
            since: time,
            held_by: None,
            suspect: false,
            flapping: false,
            ready: None,
        };
        let component = ComponentNow {
            view,
            title: ("Web shop".to_owned(), "온라인 상점".to_owned()),
            group: None,
            description: None,
            public: true,
            checks: Vec::new(),
            days: Vec::new(),
            slo: None,
        };
        let incident = Incident {
            id: "20261126T231500-shop".to_owned(),
            component: "shop".to_owned(),
            began: time,
            detected: time,
            ended: None,
            worst: to,
            timeline: Vec::new(),
            why: None,
            cause: Some(("A \"lock\" is held.".to_owned(), "\"락\"이 잡혀 있습니다.".to_owned())),
            compared: Vec::new(),
            tables: Vec::new(),
            captures: Vec::new(),
        };
        let open = if to.is_bad() { vec![Arc::new(incident)] } else { Vec::new() };
        let now = Now { time, host: "web1".to_owned(), components: vec![component], open, ..Now::default() };
        self.now.send(Arc::new(now)).expect("it runs");
    }

    /// Deliveries in the store that are not over.
    fn open(&self) -> usize {
        let reader = self.kept.0.lock().expect("no panic").reader();
        reader.records().expect("reads").open_ones(Kind::Alert).expect("reads").len()
    }

    /// Deliveries in the store that are over.
    fn over(&self) -> usize {
        let reader = self.kept.0.lock().expect("no panic").reader();
        let all = reader.records().expect("reads").list(Kind::Alert, 0, i64::MAX, 100).expect("reads");
        all.iter().filter(|record| !record.open).count()
    }

    /// Ends it, the store included.
    async fn stop(self) {
        self.handle.stop().await;
    }
}

/// One request that came.
#[derive(Debug, Clone)]
struct Request {
    path: String,
    headers: HeaderMap,
    body: String,
}

impl Request {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// A server on loopback that refuses the first requests and takes the others.
async fn server(refused: usize) -> (String, mpsc::UnboundedReceiver<Request>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (to, requests) = mpsc::unbounded_channel();
    let left = Arc::new(Mutex::new(refused));
    let answer = move |uri: Uri, headers: HeaderMap, body: Bytes| {
        let (to, left) = (to.clone(), Arc::clone(&left));
        async move {
            let body = String::from_utf8_lossy(&body).into_owned();
            let _ = to.send(Request { path: uri.path().to_owned(), headers, body });
            let mut left = left.lock().expect("no panic");
            if *left == 0 {
                return StatusCode::OK;
            }
            *left -= 1;
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, requests)
}

/// The next request, with a generous time.
async fn next(requests: &mut mpsc::UnboundedReceiver<Request>) -> Request {
    tokio::time::timeout(Duration::from_secs(60), requests.recv()).await.expect("in time").expect("the server runs")
}

/// Waits until something is so.
async fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..600 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what}");
}
