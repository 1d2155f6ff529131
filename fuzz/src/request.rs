//! Requests to the pages and the JSON interface: whatever is asked, there is an answer, and none that only a bug gives.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use perfuse_analyze::Msg;
use perfuse_analyze::status::{Engine, Memory, Observation, Outcome};
use perfuse_render::Lang;
use perfuse_service::config::{Config, Outside, Secret, parse};
use perfuse_service::now::{CheckNow, ComponentNow, Daemon, Done, Now, Order};
use perfuse_service::store::{Reader, Retention, SeriesKey, Store};
use perfuse_service::web::{Options, public_router, router};
use tokio::sync::watch;
use tower::ServiceExt as _;

/// Milliseconds since 1970 in UTC: 2026-11-26 23:15:04.
const NOW: u64 = 1_795_734_904_000;
const TOKEN: &str = "0123456789abcdef";
/// Bytes of an answer that are read at most: those of pages are far fewer.
const MOST: usize = 64 << 20;

const CONFIG: &str = "[[component]]\nname = \"shop\"\ntitle = \"Shop\"\ngroup = \"G\"\n\
    [[component.check]]\nkind = \"push\"\nname = \"front\"\ntoken = \"t\"\n\
    [[component]]\nname = \"db\"\npublic = false\n[[component.check]]\nkind = \"tcp\"\naddress = \"127.0.0.1:1\"\n";

/// Paths that exist, so that what comes behind them is reached; an empty one leaves the whole to the input.
const PATHS: &[&str] = &[
    "",
    "/",
    "/history",
    "/login",
    "/logout",
    "/rss.xml",
    "/badge/",
    "/assets/",
    "/events",
    "/dash",
    "/dash/events",
    "/dash/charts",
    "/dash/checklist",
    "/dash/incidents",
    "/dash/advice",
    "/dash/maintenance",
    "/dash/ticks",
    "/incident/",
    "/metrics",
    "/healthz",
    "/readyz",
    "/api/openapi.json",
    "/api/v1/",
    "/api/v1/status",
    "/api/v1/components/shop",
    "/api/v1/incidents",
    "/api/v1/series",
    "/api/v1/checklist",
    "/api/v1/maintenance",
    "/api/v1/maintenance/",
    "/api/v1/reload",
    "/api/v1/push/shop/front",
];

/// A daemon that takes everything.
struct Fake {
    now: Arc<Now>,
    changes: watch::Sender<u64>,
    reader: Reader,
}

impl Daemon for Fake {
    fn now(&self) -> Arc<Now> {
        Arc::clone(&self.now)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn reader(&self) -> Reader {
        self.reader.clone()
    }

    fn order(&self, order: Order) -> Pin<Box<dyn Future<Output = Done> + Send + '_>> {
        let refused = matches!(order, Order::StopMaintenance { id: Some(7..), .. });
        let message = Msg::new("literal").with("text", "done");
        Box::pin(std::future::ready(if refused { Err(message) } else { Ok(message) }))
    }
}

/// What all requests share: the runtime and the routes of this host, of the public pages, and of an address that demands a
/// token.
struct Bench {
    runtime: tokio::runtime::Runtime,
    routes: [Router; 3],
}

fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(|| {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut store, _) = Store::open(directory.path(), Retention::default()).expect("a store");
        let series = store.series(&SeriesKey::new("perfuse_threads_count", [("state", "running")])).expect("a series");
        let at = i64::try_from(NOW / 1000).expect("a time");
        for second in at - 60..at {
            store.append(second, &[(series, 1.0)]);
        }
        let (reader, changes) = (store.reader(), watch::Sender::new(1));
        // Both are there as long as the process is.
        std::mem::forget((directory, store));
        let daemon: Arc<dyn Daemon> = Arc::new(Fake { now: Arc::new(now()), changes, reader });
        let options = Options {
            loopback: true,
            hosts: Vec::new(),
            local: Some(Secret::new(TOKEN)),
            password: None,
            token: None,
            tls: false,
            lang: Lang::En,
            time_offset: 540,
        };
        let demands = Options { loopback: false, token: Some(Secret::new(TOKEN)), local: None, ..options.clone() };
        let routes = [
            router(Arc::clone(&daemon), options.clone()),
            public_router(Arc::clone(&daemon), options),
            router(daemon, demands),
        ];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Bench { runtime, routes }
    })
}

fn configured() -> Config {
    let outside = Outside { file: &|_| Err(std::io::ErrorKind::NotFound.into()), variable: &|_| None };
    parse(CONFIG, &outside).expect("the configuration is right")
}

/// Two components, of which one is out.
fn now() -> Now {
    let config = configured();
    let mut engine = Engine::new(config.plan(), Memory::default()).expect("the plan is right");
    engine.advance(NOW - 60_000);
    for (component, check, outcome) in [("shop", "front", Outcome::Pass), ("db", "tcp", Outcome::Fail)] {
        for turn in 0..3 {
            let (component, check) = (component.to_owned(), check.to_owned());
            let time = NOW - 30_000 + turn * 10_000;
            engine.observe(vec![Observation { time, component, check, instance: None, outcome, ready: None }]);
        }
    }
    let component = |one: &perfuse_service::config::Component| {
        let check = CheckNow {
            name: "front".to_owned(),
            kind: "push",
            instance: Some("a\u{202e}<b>".to_owned()),
            level: None,
            outcome: Some(Outcome::Slow),
            ready: None,
            at: Some(NOW),
            took: None,
            message: Some(Msg::new("literal").with("text", "<script>")),
            value: Some(f64::NAN),
        };
        ComponentNow {
            view: engine.view(&one.name).expect("it is there"),
            title: (one.name.clone(), one.name.clone()),
            group: one.group.clone(),
            description: None,
            public: one.public,
            checks: vec![check],
            days: Vec::new(),
            slo: None,
        }
    };
    Now {
        time: NOW,
        host: "h".to_owned(),
        components: config.components.iter().map(component).collect(),
        ..Now::default()
    }
}

/// One request: `u8 method, u8 path, u8 what else`, and behind them a line that goes on with the path, lines of headers
/// (`name: value`), an empty line, and the body. The status of the answer; nothing where it is no request at all.
pub fn ask(data: &[u8]) -> Option<StatusCode> {
    let (&[method, path, flags], rest) = data.split_first_chunk()?;
    let mut lines = rest.splitn(2, |byte| *byte == b'\n');
    let mut target = PATHS[usize::from(path) % PATHS.len()].as_bytes().to_vec();
    target.extend(lines.next().unwrap_or_default());
    let mut rest = lines.next().unwrap_or_default();
    let methods = [Method::GET, Method::GET, Method::POST, Method::DELETE, Method::HEAD, Method::PUT, Method::OPTIONS];
    let mut request =
        Request::builder().method(methods[usize::from(method) % methods.len()].clone()).uri(target.as_slice());
    // Without a host a request is refused at once.
    if flags < 0xe0 {
        request = request.header("host", "localhost");
    }
    if flags & 2 != 0 {
        request = request.header("authorization", format!("Bearer {TOKEN}"));
    }
    if flags & 4 != 0 {
        request = request.header("content-type", "application/json");
    }
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
        request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
    }
    // What is no request of HTTP never comes so far.
    let request = request.body(Body::from(rest.to_vec())).ok()?;
    let bench = bench();
    let routes = bench.routes[usize::from(flags >> 3) % bench.routes.len()].clone();
    bench.runtime.block_on(async {
        let Ok(response) = routes.oneshot(request).await;
        let status = response.status();
        assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.headers().contains_key("content-security-policy"), "{response:?}");
        let kind = response.headers().get("content-type").map_or(&b""[..], |kind| kind.as_bytes());
        // Streams of events have no end.
        if !kind.starts_with(b"text/event-stream") {
            to_bytes(response.into_body(), MOST).await.expect("an answer is whole");
        }
        Some(status)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of no meaning behind each path.
    #[test]
    fn every_request_is_answered() {
        let mut seed = 1_u64;
        let mut byte = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed.to_le_bytes()[7]
        };
        let words: [&[u8]; 8] =
            [b"?", b"lang=ko", b"&", b"name=perfuse_threads_count", b"\n", b"%", b"host: a\n", b"/"];
        let mut answers = std::collections::BTreeMap::new();
        for _ in 0..3000 {
            let mut data = vec![byte(), byte(), byte()];
            for _ in 0..byte() % 6 {
                match byte() % 3 {
                    0 => data.push(byte()),
                    _ => data.extend(words[usize::from(byte()) % words.len()]),
                }
            }
            if let Some(status) = ask(&data) {
                *answers.entry(status).or_insert(0) += 1;
            }
        }
        // Most are refused for one reason or another; those that are not are pages.
        assert!(answers.get(&StatusCode::OK).is_some_and(|count| *count > 50), "{answers:?}");
        assert!(answers.len() > 4, "{answers:?}");
    }
}
