//! The routes with a made-up daemon.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use perfuse_analyze::Msg;
use perfuse_analyze::status::slo::Events;
use perfuse_analyze::status::{AdHoc, Day, Event, Level, Outcome, Planned, SloPlan, State, View, What, When};
use perfuse_render::Lang;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::{Options, public_router, router};
use crate::config::Secret;
use crate::incident::{Compared, Incident};
use crate::now::{CheckNow, ComponentNow, Daemon, Done, Now, Order};
use crate::store::{Kind, Reader, Record, Retention, SeriesKey, Store};

mod api;
mod schema;

/// 2026-11-26 23:15:04 UTC.
const NOW: u64 = 1_795_734_904_000;
/// The token of the host.
const TOKEN: &str = "0123456789abcdef";

/// Options of an address of this host.
pub(super) fn options() -> Options {
    Options {
        loopback: true,
        hosts: Vec::new(),
        local: Some(Secret::new(TOKEN)),
        password: None,
        token: None,
        tls: false,
        lang: Lang::En,
        time_offset: 0,
    }
}

/// A daemon that says what it is told.
pub(super) struct Fake {
    now: Mutex<Arc<Now>>,
    version: watch::Sender<u64>,
    reader: Reader,
    orders: Mutex<Vec<Order>>,
    store: Mutex<Store>,
    _directory: TempDir,
}

impl Daemon for Fake {
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
        let done = match &order {
            Order::Report { token, .. } if token != "push" => Err(Msg::new("literal").with("text", "wrong token")),
            Order::StopMaintenance { id: Some(7..), .. } => Err(Msg::new("literal").with("text", "no such window")),
            _ => Ok(Msg::new("literal").with("text", "done")),
        };
        self.orders.lock().unwrap().push(order);
        Box::pin(std::future::ready(done))
    }
}

impl Fake {
    pub(super) fn new() -> Arc<Self> {
        let directory = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(directory.path(), Retention::default()).unwrap();
        let at = i64::try_from(NOW / 1000).unwrap();
        let keys = [
            SeriesKey::new("perfuse_cell_ratio", [("cell", "cpu.utilization")]),
            SeriesKey::new("perfuse_threads_count", [("state", "running")]),
        ];
        for second in at - 600..at {
            let values: Vec<_> =
                keys.iter().map(|key| (store.series(key).unwrap(), (second % 100) as f64 / 100.0)).collect();
            store.append(second, &values);
        }
        let old = Incident { ended: Some(NOW - 86_000_000), ..incident("20261125T231500-db", "db", NOW - 86_400_000) };
        let stacks = b"main;work;<script>alert(1)</script> 40\nmain;wait 60\n";
        store.put_incident(&record(&old), &[("on-cpu", stacks), ("off-cpu", stacks)]).unwrap();
        Arc::new(Self {
            now: Mutex::new(Arc::new(now())),
            version: watch::Sender::new(1),
            reader: store.reader(),
            store: Mutex::new(store),
            orders: Mutex::default(),
            _directory: directory,
        })
    }

    /// Writes an incident into the store.
    fn put(&self, incident: &Incident) {
        self.store.lock().unwrap().put_incident(&record(incident), &[]).unwrap();
    }

    fn change(&self, change: impl FnOnce(&mut Now)) {
        let mut now = self.now.lock().unwrap();
        let mut next = (**now).clone();
        next.time += 1000;
        change(&mut next);
        *now = Arc::new(next);
        self.version.send_modify(|version| *version += 1);
    }
}

fn record(incident: &Incident) -> Record {
    Record {
        kind: Kind::Incident,
        id: incident.id.clone(),
        at_ms: i64::try_from(incident.began).unwrap(),
        open: incident.ended.is_none(),
        doc: serde_json::to_string(incident).unwrap(),
    }
}

fn incident(id: &str, component: &str, began: u64) -> Incident {
    let event = |time: u64, what: What| Event { time, component: component.to_owned(), what };
    Incident {
        id: id.to_owned(),
        component: component.to_owned(),
        began,
        detected: began + 20_000,
        ended: None,
        worst: State::MajorOutage,
        timeline: vec![
            event(began, What::FirstFailure { check: "front".into(), instance: Some("a".into()) }),
            event(began + 20_000, What::Changed { from: State::Operational, to: State::MajorOutage, held_by: None }),
        ],
        why: Some(json!({ "schema": "perfuse.why/1", "findings": [{
            "title": "A lock", "severity": "bottleneck", "summary": "psql holds a lock", "confidence": 0.9,
            "culprit": { "name": "psql", "pid": 4211 },
            "chain": [{ "from": "shop waits", "to": "the database", "evidence": "1.9 s/s" }],
            "advice": [{ "text": "End the session.", "command": "kill 4211", "expect": "It goes on." }],
        }] })),
        cause: Some(("psql (4211) holds a lock".into(), "psql(4211)이 잠금을 쥐고 있습니다".into())),
        compared: vec![Compared {
            series: "perfuse_cell_ratio".into(),
            unit: "ratio".into(),
            before: Some(0.2),
            during: Some(0.97),
            after: None,
        }],
        tables: vec![perfuse_analyze::app::AppTable {
            source: "db".into(),
            title: "pg_stat_activity".into(),
            columns: vec!["pid".into(), "query".into()],
            rows: vec![vec!["4211".into(), "<b>select</b>".into()]],
        }],
        captures: vec!["on-cpu".into(), "off-cpu".into()],
    }
}

fn component(name: &str, state: State, public: bool) -> ComponentNow {
    let day = Day { operational: 86_220_000, major: 180_000, ..Day::default() };
    let plan = SloPlan { objective: 0.999, days: 30, min_events: 20, slow_is_bad: false };
    let mut events = Events::default();
    events.add(NOW, Outcome::Pass, &plan);
    let check = |instance: Option<&str>| CheckNow {
        name: "front".into(),
        kind: "http",
        instance: instance.map(str::to_owned),
        level: Some(Level::Up),
        outcome: Some(Outcome::Pass),
        ready: None,
        at: Some(NOW),
        took: Some(Duration::from_millis(12)),
        message: Some(Msg::new("literal").with("text", "at 10.1.2.3: 200")),
        value: Some(f64::NAN),
    };
    ComponentNow {
        view: View {
            name: name.into(),
            state,
            since: NOW - 3_600_000,
            held_by: None,
            suspect: false,
            flapping: false,
            ready: None,
        },
        title: (format!("The {name}"), format!("그 {name}")),
        group: (name == "shop").then(|| "Customers".to_owned()),
        description: Some("What people <see>".into()),
        public,
        checks: vec![check(Some("a")), check(Some("b"))],
        days: (0..90).map(|ago| (20_783 - 89 + ago, (ago > 30).then_some(day))).collect(),
        slo: Some(events.view(NOW, &plan)),
    }
}

fn now() -> Now {
    Now {
        time: NOW,
        host: "web-1".into(),
        begun: NOW - 7_200_000,
        components: vec![
            component("shop", State::Operational, true),
            component("db", State::Operational, true),
            component("vault", State::Operational, false),
        ],
        planned: vec![Planned {
            components: vec!["db".into(), "vault".into()],
            when: When::Once { start: NOW + 86_400_000, end: NOW + 90_000_000 },
            reason: "New disks".into(),
        }],
        ad_hoc: vec![AdHoc {
            id: 3,
            components: vec!["vault".into()],
            start: NOW - 1000,
            end: None,
            reason: "Keys".into(),
        }],
        ..Now::default()
    }
}

/// An answer.
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

async fn ask(app: &Router, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "localhost:7780");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 64 << 20).await.unwrap();
    Got { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
}

async fn get(app: &Router, path: &str) -> Got {
    ask(app, Method::GET, path, &[], "").await
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn the_public_page_says_it_in_both_languages_and_nothing_that_is_not_public() {
    let app = router(Fake::new(), options());
    let page = get(&app, "/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    for wanted in
        ["All systems operational", "The shop", "Customers", "99.79% uptime", "New disks", "What people &lt;see&gt;"]
    {
        assert!(page.text.contains(wanted), "{wanted}");
    }
    for hidden in ["vault", "10.1.2.3", "Keys", "holds a lock", TOKEN] {
        assert!(!page.text.contains(hidden), "{hidden}");
    }
    let page = ask(&app, Method::GET, "/?lang=ko", &[], "").await;
    assert!(page.text.contains("<html lang=\"ko\">") && page.text.contains("모든 시스템이 정상입니다"));
    assert!(page.header("set-cookie").starts_with("perfuse_lang=ko;"));
    let kept = ask(&app, Method::GET, "/", &[("cookie", "perfuse_lang=ko")], "").await;
    assert!(kept.text.contains("그 shop"));
}

#[tokio::test]
async fn pages_are_marked_up_for_those_who_do_not_see_them_and_have_no_script_of_their_own() {
    let fake = Fake::new();
    fake.change(|now| now.open = vec![Arc::new(incident("20261126T231500-shop", "shop", NOW - 60_000))]);
    let app = router(fake, options());
    let paths = [
        "/",
        "/history",
        "/dash",
        "/dash/charts",
        "/dash/checklist",
        "/dash/incidents",
        "/dash/maintenance",
        "/dash/advice",
        "/incident/20261126T231500-shop",
        "/login",
    ];
    for path in paths {
        let page = get(&app, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        for wanted in ["id=\"main\">", "<nav aria-label=", "<h1", "lang=\"en\"", "name=\"viewport\""] {
            assert!(page.text.contains(wanted), "{path}: {wanted}");
        }
        for forbidden in ["<script>", " onclick=", " style=\"", "<style", "javascript:"] {
            assert!(!page.text.contains(forbidden), "{path}: {forbidden}");
        }
        assert!(page.header("content-security-policy").contains("script-src 'self'; style-src 'self'"), "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        for tag in ["div", "section", "main", "ul", "ol", "li", "table", "tr", "td", "details", "article", "form", "a"]
        {
            let opened =
                page.text.matches(&format!("<{tag} ")).count() + page.text.matches(&format!("<{tag}>")).count();
            assert_eq!(opened, page.text.matches(&format!("</{tag}>")).count(), "{path}: {tag}");
        }
    }
}

#[tokio::test]
async fn the_page_of_an_incident_has_its_cause_numbers_tables_and_pictures() {
    let app = router(Fake::new(), options());
    let page = get(&app, "/incident/20261125T231500-db").await;
    for wanted in [
        "psql (4211) holds a lock",
        "kill 4211",
        "97%",
        "pg_stat_activity",
        "&lt;b&gt;select&lt;/b&gt;",
        "/incident/20261125T231500-db/flame/on-cpu",
        "sandbox=\"allow-scripts\"",
        "First failure of front @ a",
    ] {
        assert!(page.text.contains(wanted), "{wanted}");
    }
    let picture = get(&app, "/incident/20261125T231500-db/flame/off-cpu").await;
    assert_eq!((picture.status, picture.header("content-type")), (StatusCode::OK, "image/svg+xml"));
    let policy = picture.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
    assert!(policy.contains("sandbox allow-scripts") && nonce.len() == 64, "{policy}");
    assert_eq!(picture.text.matches("<script").count(), 1, "names are no scripts");
    assert!(picture.text.contains(&format!("<script nonce=\"{nonce}\">")));
    assert_eq!(get(&app, "/incident/nothing").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&app, "/incident/20261125T231500-db/flame/other").await.status, StatusCode::NOT_FOUND);
    let capture = get(&app, "/api/v1/incidents/20261125T231500-db/captures/on-cpu").await;
    assert!(capture.text.starts_with("main;work;"));
}

#[tokio::test]
async fn other_names_and_other_sites_are_refused() {
    let app = router(Fake::new(), options());
    for host in ["evil.example", "evil.example:7780", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1"] {
        let got = ask(&app, Method::GET, "/dash", &[("host", host)], "").await;
        assert_eq!(got.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert!(!got.text.contains("vault"));
    }
    for host in ["localhost", "127.0.0.1:7780", "[::1]:7780", "127.9.9.9"] {
        assert_eq!(ask(&app, Method::GET, "/dash", &[("host", host)], "").await.status, StatusCode::OK, "{host}");
    }
    let token = bearer(TOKEN);
    for origin in ["http://evil.example", "null", "http://localhost:9999"] {
        let headers = [("origin", origin), ("authorization", token.as_str())];
        let got = ask(&app, Method::POST, "/api/v1/reload", &headers, "").await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{origin}");
        assert_eq!(ask(&app, Method::GET, "/api/v1/components", &headers, "").await.status, StatusCode::FORBIDDEN);
    }
    let headers = [("sec-fetch-site", "cross-site"), ("authorization", token.as_str())];
    assert_eq!(ask(&app, Method::POST, "/api/v1/reload", &headers, "").await.status, StatusCode::FORBIDDEN);
    let headers = [("origin", "http://localhost:7780"), ("authorization", token.as_str())];
    assert_eq!(ask(&app, Method::POST, "/api/v1/reload", &headers, "").await.status, StatusCode::OK);
    let named = router(Fake::new(), Options { hosts: vec!["status.example".into()], ..options() });
    assert_eq!(ask(&named, Method::GET, "/dash", &[("host", "status.example")], "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn nothing_is_changed_without_the_token_or_a_session() {
    let fake = Fake::new();
    let app = router(Arc::clone(&fake) as Arc<dyn Daemon>, options());
    let start = r#"{"components":["db"],"for":"30m","reason":"disks"}"#;
    let got = ask(&app, Method::POST, "/api/v1/maintenance", &[], start).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert_eq!(got.header("www-authenticate"), "Bearer realm=\"perfuse\"");
    let wrong = bearer("wrong");
    let got = ask(&app, Method::POST, "/api/v1/maintenance", &[("authorization", &wrong)], start).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let got = ask(&app, Method::POST, "/dash/maintenance", &form, "component=db&for=30m&reason=x").await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert!(fake.orders.lock().unwrap().is_empty());
    let right = bearer(TOKEN);
    let got = ask(&app, Method::POST, "/api/v1/maintenance", &[("authorization", &right)], start).await;
    assert_eq!((got.status, got.json()["message"].as_str()), (StatusCode::OK, Some("done")));
    let order = Order::StartMaintenance {
        components: vec!["db".into()],
        length: Some(Duration::from_secs(1800)),
        reason: "disks".into(),
    };
    assert_eq!(fake.orders.lock().unwrap().pop(), Some(order));
    for bad in [r#"{"for":"soon"}"#, r#"{"unknown":1}"#, "nonsense"] {
        let got = ask(&app, Method::POST, "/api/v1/maintenance", &[("authorization", &right)], bad).await;
        assert!(got.status.is_client_error() && got.header("content-type") == "application/problem+json", "{bad}");
    }
    assert!(fake.orders.lock().unwrap().is_empty());
}

#[tokio::test]
async fn who_logs_in_has_a_session_until_they_log_out() {
    let fake = Fake::new();
    let app = router(Arc::clone(&fake) as Arc<dyn Daemon>, options());
    let form = ("content-type", "application/x-www-form-urlencoded");
    let got = ask(&app, Method::POST, "/login", &[form], "password=wrong&next=%2Fdash").await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert!(got.header("set-cookie").is_empty());
    let body = format!("password={TOKEN}&next=%2Fdash%2Fmaintenance");
    let got = ask(&app, Method::POST, "/login", &[form], &body).await;
    assert_eq!((got.status, got.header("location")), (StatusCode::SEE_OTHER, "/dash/maintenance"));
    let cookie = got.header("set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let session = cookie.split(';').next().unwrap();
    let page = ask(&app, Method::GET, "/dash/maintenance", &[("cookie", session)], "").await;
    assert!(page.text.contains("name=\"component\""));
    let body = "component=db&component=shop&for=1h30m&reason=New+disks";
    let got = ask(&app, Method::POST, "/dash/maintenance", &[form, ("cookie", session)], body).await;
    assert_eq!((got.status, got.header("location")), (StatusCode::SEE_OTHER, "/dash/maintenance"));
    let order = Order::StartMaintenance {
        components: vec!["db".into(), "shop".into()],
        length: Some(Duration::from_secs(5400)),
        reason: "New disks".into(),
    };
    assert_eq!(fake.orders.lock().unwrap().pop(), Some(order));
    let got = ask(&app, Method::POST, "/dash/maintenance", &[form, ("cookie", session)], "for=soon").await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(got.text.contains("A length is a number with a unit"));
    ask(&app, Method::POST, "/logout", &[("cookie", session)], "").await;
    let got = ask(&app, Method::POST, "/dash/maintenance", &[form, ("cookie", session)], body).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_address_that_others_reach_demands_a_password() {
    let open = Options {
        loopback: false,
        password: Some(Secret::new("secret")),
        token: Some(Secret::new("programs")),
        ..options()
    };
    let app = router(Fake::new(), open.clone());
    for path in ["/", "/dash", "/incident/x", "/history", "/events"] {
        let got = ask(&app, Method::GET, path, &[("host", "web-1.example")], "").await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{path}");
        assert!(got.header("location").starts_with("/login?next=/"), "{path}");
    }
    for path in ["/api/v1/status", "/metrics", "/api/v1/host"] {
        let got = ask(&app, Method::GET, path, &[("host", "web-1.example")], "").await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let token = bearer("programs");
    let headers = [("host", "web-1.example"), ("authorization", token.as_str())];
    assert_eq!(ask(&app, Method::GET, "/metrics", &headers, "").await.status, StatusCode::OK);
    for path in ["/healthz", "/readyz", "/login"] {
        assert_eq!(ask(&app, Method::GET, path, &[("host", "x")], "").await.status, StatusCode::OK, "{path}");
    }
    let own = router(Fake::new(), options());
    let stranger = axum::extract::ConnectInfo(std::net::SocketAddr::from(([192, 0, 2, 7], 4242)));
    for path in ["/dash", "/"] {
        let request = Request::get(path).header("host", "localhost").extension(stranger).body(Body::empty()).unwrap();
        assert_eq!(own.clone().oneshot(request).await.unwrap().status(), StatusCode::SEE_OTHER, "{path}");
    }
    let public = public_router(Fake::new(), open);
    assert_eq!(ask(&public, Method::GET, "/", &[("host", "status.example")], "").await.status, StatusCode::OK);
    for path in ["/dash", "/login", "/metrics", "/api/v1/components", "/incident/20261125T231500-db", "/dash/events"] {
        assert_eq!(get(&public, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn logins_are_slowed_down() {
    let app = router(Fake::new(), options());
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(ask(&app, Method::POST, "/login", &form, "password=guess").await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count(), 5);
    assert_eq!(statuses.last(), Some(&StatusCode::TOO_MANY_REQUESTS));
}

#[tokio::test]
async fn a_page_that_is_open_gets_what_has_changed_and_no_more() {
    let fake = Fake::new();
    let app = router(Arc::clone(&fake) as Arc<dyn Daemon>, options());
    let page = get(&app, "/").await;
    let address = page.text.split("data-events=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let address = address.replace("&amp;", "&");
    let request = Request::get(&address).header("host", "localhost").body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    fake.change(|now| now.components[1].view.state = State::Degraded);
    let next = futures_util::StreamExt::next(&mut stream);
    let bytes = tokio::time::timeout(Duration::from_secs(10), next).await.unwrap().unwrap().unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.starts_with("event: parts\ndata: "), "{text}");
    let parts: Value = serde_json::from_str(text.trim().split_once("data: ").unwrap().1).unwrap();
    let ids: Vec<&String> = parts.as_object().unwrap().keys().collect();
    assert_eq!(ids, ["banner", "c-db"], "only what is another one");
    assert!(parts["c-db"].as_str().unwrap().contains("Degraded"));
    fake.change(|now| {
        now.components.remove(0);
    });
    let next = futures_util::StreamExt::next(&mut stream);
    let bytes = tokio::time::timeout(Duration::from_secs(10), next).await.unwrap().unwrap().unwrap();
    assert!(bytes.starts_with(b"event: reload"), "other components are another page");
}

#[tokio::test]
async fn badges_and_the_feed_are_for_others() {
    let app = router(Fake::new(), options());
    let badge = get(&app, "/badge/db.svg").await;
    assert!(badge.text.contains("The db: Operational"));
    assert_eq!(badge.header("cross-origin-resource-policy"), "cross-origin");
    assert!(get(&app, "/badge/overall.svg").await.text.contains("Status: Operational"));
    assert_eq!(get(&app, "/badge/vault.svg").await.status, StatusCode::NOT_FOUND);
    let feed = get(&app, "/rss.xml").await;
    assert!(
        feed.text.starts_with("<?xml") && feed.text.contains("<link>http://localhost:7780/</link>"),
        "{}",
        feed.text
    );
    assert!(feed.text.contains("The db: Major outage") && feed.text.contains("Wed, 25 Nov 2026"), "{}", feed.text);
}

#[tokio::test]
async fn the_page_of_an_incident_is_loaded_again_when_it_goes_on() {
    let fake = Fake::new();
    let id = "20261126T231500-shop";
    let mut open = Incident { why: None, ..incident(id, "shop", NOW - 60_000) };
    fake.change(|now| now.open = vec![Arc::new(open.clone())]);
    let app = router(Arc::clone(&fake) as Arc<dyn Daemon>, options());
    let page = get(&app, &format!("/incident/{id}")).await;
    assert!(page.text.contains(&format!("data-events=\"/incident/{id}/events?version=")));
    let request = Request::get(format!("/incident/{id}/events")).header("host", "localhost").body(Body::empty());
    let response = app.oneshot(request.unwrap()).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    open.why = Some(json!({}));
    fake.change(|now| now.open = vec![Arc::new(open)]);
    let next = futures_util::StreamExt::next(&mut stream);
    let bytes = tokio::time::timeout(Duration::from_secs(10), next).await.unwrap().unwrap().unwrap();
    assert!(bytes.starts_with(b"event: reload"));
}

#[tokio::test]
async fn the_page_of_an_incident_waits_for_the_numbers_of_the_time_after_it() {
    let fake = Fake::new();
    let id = "20261126T231500-shop";
    let mut ended = Incident { ended: Some(NOW - 10_000), ..incident(id, "shop", NOW - 60_000) };
    ended.compared.clear();
    fake.put(&ended);
    let app = router(Arc::clone(&fake) as Arc<dyn Daemon>, options());
    let path = format!("/incident/{id}");
    let events = format!("data-events=\"{path}/events?version=");
    let page = get(&app, &path).await.text;
    let address = page.split("data-events=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    assert!(page.contains(&events));
    let request = Request::get(&address).header("host", "localhost").body(Body::empty());
    let response = app.clone().oneshot(request.unwrap()).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    ended.compared = incident(id, "shop", NOW).compared;
    ended.compared.iter_mut().for_each(|one| one.after = one.before);
    fake.put(&ended);
    let next = async {
        let mut next = std::pin::pin!(futures_util::StreamExt::next(&mut stream));
        loop {
            fake.change(|_| {});
            if let Ok(next) = tokio::time::timeout(Duration::from_millis(500), &mut next).await {
                return next;
            }
        }
    };
    let bytes = tokio::time::timeout(Duration::from_secs(30), next).await.unwrap().unwrap().unwrap();
    assert!(bytes.starts_with(b"event: reload"), "{bytes:?}");
    assert!(!get(&app, &path).await.text.contains(&events), "nothing more will come");
    // A page whose stream begins only now is told at once.
    let request = Request::get(&address).header("host", "localhost").body(Body::empty());
    let mut stream = app.oneshot(request.unwrap()).await.unwrap().into_body().into_data_stream();
    let next = futures_util::StreamExt::next(&mut stream);
    let bytes = tokio::time::timeout(Duration::from_secs(10), next).await.unwrap().unwrap().unwrap();
    assert!(bytes.starts_with(b"event: reload"), "{bytes:?}");
}

/// Requests of odd parts, put together in all sorts of ways: each gets an answer, and none that only a bug gives.
#[tokio::test]
async fn odd_requests_are_answered() {
    const PATHS: &[&str] = &[
        "/",
        "//",
        "//x/y",
        "/%ff",
        "/%00",
        "/badge/%2e%2e.svg",
        "/badge/.svg",
        "/assets/../x",
        "/incident/%F0%9F%92%A3",
        "/history",
        "/api/v1/series",
        "/api/v1/push/%2F/%20",
        "/api/v1/maintenance/99999999999999999999",
        "/events",
        "/login",
        "/incident/a/flame/b",
        "/dash",
        "/metrics",
        "/*",
        "/{name}",
        "/api/v1/components/{name}",
    ];
    const QUERIES: &[&str] = &[
        "",
        "?",
        "?lang",
        "?lang=",
        "?lang=ko&lang=en",
        "?page=0",
        "?page=99999999999999999999",
        "?page=-1",
        "?next=%0d%0aX:y",
        "?from=9223372036854775807",
        "?from=-9223372036854775808&to=9223372036854775807",
        "?points=0",
        "?points=-5&name=perfuse_threads_count",
        "?name=perfuse_threads_count&from=1&to=9",
        "?%",
        "?a=%f",
        "?limit=x",
    ];
    const HEADERS: &[(&str, &str)] = &[
        ("accept-language", ";;q=,*;q=nan, ko;q=1e999"),
        ("cookie", "=;;; perfuse_session=; perfuse_lang"),
        ("authorization", "Bearer"),
        ("authorization", "bearer \u{e9}"),
        ("authorization", "Basic Og=="),
        ("origin", ""),
        ("origin", "://"),
        ("host", ""),
        ("host", "[::1"),
        ("host", "a b"),
        ("host", "localhost:99999999"),
        ("content-type", "multipart/form-data"),
        ("sec-fetch-site", "?"),
        ("accept", "application/openmetrics-text;q=\u{e9}"),
        ("x-forwarded-for", "127.0.0.1"),
    ];
    const BODIES: &[&str] = &["", "{", "null", "[]", "{\"for\":1}", "password=%", "&&&=", "for=1s&for=2s", "\u{0}"];
    let app = router(Fake::new(), options());
    let methods = [Method::GET, Method::POST, Method::DELETE, Method::HEAD, Method::OPTIONS, Method::PUT];
    let mut seed = 1_u64;
    let mut pick = |most: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % most
    };
    for _ in 0..1500 {
        let path = format!("{}{}", PATHS[pick(PATHS.len())], QUERIES[pick(QUERIES.len())]);
        let mut request = Request::builder().method(methods[pick(methods.len())].clone()).uri(&path);
        let headers: Vec<_> = (0..pick(4)).map(|_| HEADERS[pick(HEADERS.len())]).collect();
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost");
        }
        for (name, value) in &headers {
            request = request.header(*name, value.as_bytes());
        }
        let Ok(request) = request.body(Body::from(BODIES[pick(BODIES.len())])) else { continue };
        let response = app.clone().oneshot(request).await.unwrap();
        assert_ne!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path} {headers:?}");
        assert!(response.headers().contains_key("content-security-policy"), "{path} {headers:?}");
    }
}
