//! Every route with what it demands and what it gives: the router and the description are made of this table.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post};
use axum::{Extension, extract::State as Of, middleware};

use super::guard::{self, Asked, Need};
use super::{Shared, api, assets, badge, feed, live, metrics, page};

/// Bytes of a request's body.
const BODY: usize = 64 * 1024;

/// One route.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) need: Need,
    handler: fn() -> MethodRouter<Shared>,
    /// How it is described, if programs may use it.
    pub(super) doc: Option<Doc>,
}

/// The description of a route.
pub(super) struct Doc {
    /// Name of the operation.
    pub(super) id: &'static str,
    /// In a sentence.
    pub(super) summary: &'static str,
    /// What may stand in the query, with what it means.
    pub(super) query: &'static [(&'static str, &'static str)],
    /// The schema of the body that is sent.
    pub(super) body: Option<&'static str>,
    /// What comes.
    pub(super) answer: Answer,
}

/// What comes.
pub(super) enum Answer {
    /// JSON of a schema.
    Json(&'static str),
    /// Something else.
    Media(&'static str),
}

impl Route {
    /// Whether the public page has it.
    pub(super) fn is_public(&self) -> bool {
        self.need == Need::Public || self.path.starts_with("/assets/") || ["/healthz", "/readyz"].contains(&self.path)
    }
}

const fn page(path: &'static str, need: Need, handler: fn() -> MethodRouter<Shared>) -> Route {
    Route { method: Method::GET, path, need, handler, doc: None }
}

const fn form(path: &'static str, need: Need, handler: fn() -> MethodRouter<Shared>) -> Route {
    Route { method: Method::POST, path, need, handler, doc: None }
}

const fn api(method: Method, path: &'static str, need: Need, handler: fn() -> MethodRouter<Shared>, doc: Doc) -> Route {
    Route { method, path, need, handler, doc: Some(doc) }
}

const fn json(id: &'static str, summary: &'static str, schema: &'static str) -> Doc {
    Doc { id, summary, query: &[], body: None, answer: Answer::Json(schema) }
}

const fn media(id: &'static str, summary: &'static str, media: &'static str) -> Doc {
    Doc { id, summary, query: &[], body: None, answer: Answer::Media(media) }
}

/// All of them.
pub(super) const ROUTES: &[Route] = &[
    page("/", Need::Public, || get(page::status::page)),
    page("/history", Need::Public, || get(page::history::page)),
    page("/events", Need::Public, || get(live::status)),
    page("/assets/{name}", Need::Nothing, || get(assets::asset)),
    page("/login", Need::Nothing, || get(page::login::page)),
    form("/login", Need::Nothing, || post(page::login::login)),
    form("/logout", Need::Change, || post(page::login::logout)),
    page("/dash", Need::Read, || get(page::dash::page)),
    page("/dash/events", Need::Read, || get(live::dash)),
    page("/dash/charts", Need::Read, || get(page::charts::page)),
    page("/dash/checklist", Need::Read, || get(page::checklist::page)),
    page("/dash/incidents", Need::Read, || get(page::incident::list)),
    page("/dash/advice", Need::Read, || get(page::advice::page)),
    page("/dash/maintenance", Need::Read, || get(page::maintenance::page)),
    form("/dash/maintenance", Need::Change, || post(page::maintenance::start)),
    form("/dash/maintenance/{id}/stop", Need::Change, || post(page::maintenance::stop)),
    form("/component/{name}/check", Need::Change, || post(page::maintenance::check)),
    page("/incident/{id}", Need::Read, || get(page::incident::page)),
    page("/incident/{id}/events", Need::Read, || get(live::incident)),
    page("/incident/{id}/flame/{name}", Need::Read, || get(page::incident::flame)),
    api(
        Method::GET,
        "/rss.xml",
        Need::Public,
        || get(feed::rss),
        media("feed", "Incidents of public components as RSS 2.0.", "application/rss+xml"),
    ),
    api(
        Method::GET,
        "/badge/{file}",
        Need::Public,
        || get(badge::badge),
        media("badge", "The state of a public component (NAME.svg) or of all of them (overall.svg).", "image/svg+xml"),
    ),
    api(
        Method::GET,
        "/api/v1/status",
        Need::Public,
        || get(api::status),
        json("status", "The public status: components, days, open incidents, maintenance.", "Status"),
    ),
    api(
        Method::GET,
        "/api/v1/components",
        Need::Read,
        || get(api::components),
        json("components", "All components with their checks and objectives.", "Components"),
    ),
    api(
        Method::GET,
        "/api/v1/components/{name}",
        Need::Read,
        || get(api::component),
        json("component", "One component.", "Component"),
    ),
    api(
        Method::POST,
        "/api/v1/components/{name}/check",
        Need::Change,
        || post(api::check),
        json("check", "Runs the checks of a component now.", "Done"),
    ),
    api(
        Method::GET,
        "/api/v1/incidents",
        Need::Read,
        || get(api::incidents),
        Doc {
            query: &[("component", "Only those of this component."), ("limit", "At most so many; up to 100.")],
            ..json("incidents", "Incidents of the last 90 days, the newest first.", "Incidents")
        },
    ),
    api(
        Method::GET,
        "/api/v1/incidents/{id}",
        Need::Read,
        || get(api::incident),
        json("incident", "One incident with its causes, comparisons and tables.", "Incident"),
    ),
    api(
        Method::GET,
        "/api/v1/incidents/{id}/captures/{name}",
        Need::Read,
        || get(api::capture),
        media("capture", "What was captured: folded stacks or a recording.", "application/octet-stream"),
    ),
    api(
        Method::GET,
        "/api/v1/advice",
        Need::Read,
        || get(api::advice),
        json("advice", "What comes back over days, and what to do about it.", "AdviceList"),
    ),
    api(
        Method::GET,
        "/api/v1/maintenance",
        Need::Read,
        || get(api::maintenance),
        json("maintenance", "Windows under way and of the next two weeks.", "Maintenance"),
    ),
    api(
        Method::POST,
        "/api/v1/maintenance",
        Need::Change,
        || post(api::start_maintenance),
        Doc { body: Some("StartMaintenance"), ..json("startMaintenance", "Opens a window now.", "Done") },
    ),
    api(
        Method::DELETE,
        "/api/v1/maintenance/{id}",
        Need::Change,
        || delete(api::stop_maintenance),
        json("stopMaintenance", "Closes a window that was opened by hand.", "Done"),
    ),
    api(
        Method::GET,
        "/api/v1/host",
        Need::Read,
        || get(api::host),
        json("host", "The checklist of the host over its last interval, in the form of perfuse.use/1.", "Host"),
    ),
    api(
        Method::GET,
        "/api/v1/series/names",
        Need::Read,
        || get(api::names),
        json("names", "All series that have a value.", "Names"),
    ),
    api(
        Method::GET,
        "/api/v1/series",
        Need::Read,
        || get(api::series),
        Doc {
            query: &[
                ("name", "A name, or a name with labels as in `key`; may stand up to 40 times."),
                ("from", "Unix seconds; 0 or less is so many seconds ago. By default an hour ago."),
                ("to", "Unix seconds, not included; 0 or less is so many seconds ago. By default now."),
                ("points", "About so many points; up to 2000, by default 600."),
            ],
            ..json("series", "Points of series.", "Series")
        },
    ),
    api(
        Method::GET,
        "/api/v1/ticks",
        Need::Read,
        || get(live::ticks),
        Doc {
            query: &[("name", "As for /api/v1/series.")],
            ..media("ticks", "New points of series as server-sent events `ticks`.", "text/event-stream")
        },
    ),
    api(
        Method::POST,
        "/api/v1/reload",
        Need::Change,
        || post(api::reload),
        json("reload", "Reads the configuration again.", "Done"),
    ),
    api(
        Method::POST,
        "/api/v1/push/{component}/{check}",
        Need::Nothing,
        || post(api::push),
        Doc {
            query: &[
                ("report", "`passed`, `failed` or `waiting`; `passed` without it."),
                ("instance", "Which instance."),
            ],
            body: Some("Push"),
            ..json("push", "Reports to a push check. The token of the check is the bearer token.", "Done")
        },
    ),
    api(
        Method::GET,
        "/api/openapi.json",
        Need::Nothing,
        || get(api::description),
        json("description", "This description.", "Description"),
    ),
    api(
        Method::GET,
        "/metrics",
        Need::Read,
        || get(metrics::metrics),
        media("metrics", "Everything as metrics: OpenMetrics if asked for, else Prometheus text.", "text/plain"),
    ),
    api(
        Method::GET,
        "/healthz",
        Need::Nothing,
        || get(api::health),
        json("health", "Whether the daemon answers.", "Health"),
    ),
    api(
        Method::GET,
        "/readyz",
        Need::Nothing,
        || get(api::ready),
        json("ready", "Whether it has looked at least once.", "Health"),
    ),
];

/// The router; of the public page alone, if that is all there is.
pub(super) fn router(web: &Shared) -> Router {
    let mut router = Router::new();
    for route in ROUTES.iter().filter(|route| !web.public || route.is_public()) {
        let gate = middleware::from_fn_with_state((web.clone(), route.need), guard::inner);
        router = router.route(route.path, (route.handler)().route_layer(gate));
    }
    router
        .fallback(nothing)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn_with_state(web.clone(), guard::outer))
        .with_state(web.clone())
}

async fn nothing(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Response {
    guard::refuse(&web, &asked, StatusCode::NOT_FOUND, "web-refused-nothing")
}
