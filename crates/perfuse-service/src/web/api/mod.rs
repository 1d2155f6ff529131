//! The interface for programs: JSON, described by `OpenAPI`.

pub(super) mod openapi;
pub(super) mod schema;
mod types;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Of};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::guard::{Asked, bearer, refuse};
use super::page::advice::found;
use super::page::dash;
use super::page::maintenance::REASON;
use super::{Shared, book, live, series};
use crate::config::duration;
use crate::now::{self, Order};

use types::{
    Advice, AdviceList, Brief, Component, Components, Done, Health, Incidents, Problem, Push, StartMaintenance, Status,
    Windows,
};

/// Incidents of a list, unless told otherwise, and at most.
const INCIDENTS: usize = 100;

/// JSON with its media type.
fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn ok<T: Serialize>(value: &T) -> Response {
    json(StatusCode::OK, value)
}

/// JSON that was made before.
fn kept_json(bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

/// What went wrong, for a program.
pub(super) fn problem(status: StatusCode, title: String) -> Response {
    let mut response = json(status, &Problem { status: status.as_u16(), title });
    let media = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}

/// What came of an order.
fn done(web: &Shared, asked: &Asked, refused: StatusCode, done: &now::Done) -> Response {
    let texts = web.texts(asked.lang);
    match done {
        Ok(message) => ok(&Done { message: texts.text(message) }),
        Err(message) => problem(refused, texts.text(message)),
    }
}

fn nothing(web: &Shared, asked: &Asked) -> Response {
    refuse(web, asked, StatusCode::NOT_FOUND, "web-refused-nothing")
}

/// A body of JSON; nothing is an empty object.
fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Box<Response>> {
    let bytes = if bytes.trim_ascii().is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| Box::new(problem(StatusCode::BAD_REQUEST, error.to_string())))
}

/// `GET /api/v1/status`
pub(super) async fn status(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Response {
    let make = |now: &now::Now| serde_json::to_vec(&Status::new(now, asked.lang)).unwrap_or_default();
    let mut response = kept_json(live::kept(&web, "status", asked.lang, make));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// `GET /api/v1/components`
pub(super) async fn components(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Response {
    ok(&Components::new(&web.daemon.now(), web.texts(asked.lang)))
}

/// `GET /api/v1/components/{name}`
pub(super) async fn component(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Path(name): Path<String>,
) -> Response {
    let now = web.daemon.now();
    match now.components.iter().find(|component| component.view.name == name) {
        Some(component) => ok(&Component::new(component, web.texts(asked.lang))),
        None => nothing(&web, &asked),
    }
}

/// `POST /api/v1/components/{name}/check`
pub(super) async fn check(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Path(name): Path<String>,
) -> Response {
    if !web.daemon.now().components.iter().any(|component| component.view.name == name) {
        return nothing(&web, &asked);
    }
    let came = web.daemon.order(Order::Check { component: name }).await;
    done(&web, &asked, StatusCode::UNPROCESSABLE_ENTITY, &came)
}

/// `GET /api/v1/incidents`
pub(super) async fn incidents(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let now = web.daemon.now();
    let limit = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(INCIDENTS).min(INCIDENTS);
    let all = book::incidents(&web, &now).await;
    let wanted = all.iter().filter(|one| query.get("component").is_none_or(|name| *name == one.component)).take(limit);
    ok(&Incidents { incidents: wanted.map(|incident| Brief::new(&now, incident, asked.lang)).collect() })
}

/// `GET /api/v1/incidents/{id}`
pub(super) async fn incident(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Path(id): Path<String>,
) -> Response {
    match book::incident(&web, &id).await {
        Some(incident) => ok(&*incident),
        None => nothing(&web, &asked),
    }
}

/// `GET /api/v1/incidents/{id}/captures/{name}`
pub(super) async fn capture(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Path((id, name)): Path<(String, String)>,
) -> Response {
    match book::capture(&web, &id, &name).await {
        Some(bytes) => {
            let headers =
                [(header::CONTENT_TYPE, "application/octet-stream"), (header::CONTENT_DISPOSITION, "attachment")];
            (headers, bytes).into_response()
        }
        None => nothing(&web, &asked),
    }
}

/// `GET /api/v1/advice`
pub(super) async fn advice(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Response {
    let texts = web.texts(asked.lang);
    ok(&AdviceList { advice: found(&web).await.iter().map(|pattern| Advice::new(pattern, texts)).collect() })
}

/// `GET /api/v1/maintenance`
pub(super) async fn maintenance(Of(web): Of<Shared>) -> Response {
    ok(&Windows::new(&web.daemon.now()))
}

/// `POST /api/v1/maintenance`
pub(super) async fn start_maintenance(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    bytes: Bytes,
) -> Response {
    let start: StartMaintenance = match body(&bytes) {
        Ok(start) => start,
        Err(response) => return *response,
    };
    let length = match start.length.as_deref().map(duration) {
        None => None,
        Some(Some(length)) => Some(length),
        Some(None) => return refuse(&web, &asked, StatusCode::UNPROCESSABLE_ENTITY, "web-work-bad-length"),
    };
    let reason = start.reason.chars().take(REASON).collect();
    let came = web.daemon.order(Order::StartMaintenance { components: start.components, length, reason }).await;
    done(&web, &asked, StatusCode::UNPROCESSABLE_ENTITY, &came)
}

/// `DELETE /api/v1/maintenance/{id}`
pub(super) async fn stop_maintenance(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Path(id): Path<u64>,
) -> Response {
    let came = web.daemon.order(Order::StopMaintenance { id: Some(id), component: None }).await;
    done(&web, &asked, StatusCode::NOT_FOUND, &came)
}

/// `POST /api/v1/reload`
pub(super) async fn reload(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Response {
    let came = web.daemon.order(Order::Reload).await;
    done(&web, &asked, StatusCode::UNPROCESSABLE_ENTITY, &came)
}

/// `POST /api/v1/push/{component}/{check}`: the token of the check stands in `Authorization: Bearer`.
pub(super) async fn push(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Path((component, check)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let Some(token) = bearer(&headers) else {
        return refuse(&web, &asked, StatusCode::UNAUTHORIZED, "web-refused-push");
    };
    let sent: Push = match body(&bytes) {
        Ok(sent) => sent,
        Err(response) => return *response,
    };
    let report = sent.report.or_else(|| query.get("report").cloned()).unwrap_or_else(|| "passed".to_owned());
    if crate::check::push::Report::from_word(&report).is_none() {
        return refuse(&web, &asked, StatusCode::UNPROCESSABLE_ENTITY, "web-refused-report");
    }
    let instance = sent.instance.or_else(|| query.get("instance").cloned()).filter(|instance| !instance.is_empty());
    let token = token.to_owned();
    let came = web.daemon.order(Order::Report { component, check, instance, report, token }).await;
    done(&web, &asked, StatusCode::FORBIDDEN, &came)
}

/// `GET /api/v1/host`
pub(super) async fn host(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Response {
    if web.daemon.now().checklist.is_none() {
        return refuse(&web, &asked, StatusCode::SERVICE_UNAVAILABLE, "web-use-none");
    }
    kept_json(live::kept(&web, "host", asked.lang, |now| {
        serde_json::to_vec(&dash::report(now, web.texts(asked.lang))).unwrap_or_default()
    }))
}

/// `GET /api/v1/series/names`
pub(super) async fn names(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Response {
    let asking = Arc::clone(&web);
    let names = tokio::task::spawn_blocking(move || asking.index.all(&asking.daemon.reader())).await;
    let Some(names) = names.ok().and_then(Result::ok) else {
        return refuse(&web, &asked, StatusCode::SERVICE_UNAVAILABLE, "web-refused-store");
    };
    let one = |(shown, key): (&String, &crate::store::SeriesKey)| {
        let labels: serde_json::Map<_, _> =
            key.labels().iter().map(|(label, value)| (label.clone(), json!(value))).collect();
        json!({ "key": shown, "name": key.name(), "labels": labels, "unit": series::unit(key.name()).symbol() })
    };
    ok(&json!({ "names": names.iter().map(one).collect::<Vec<_>>() }))
}

/// `GET /api/v1/series`
pub(super) async fn series(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    let now = i64::try_from(web.daemon.now().time / 1000).unwrap_or(i64::MAX);
    let number = |name: &str, default: i64| match query.iter().find(|(own, _)| own == name) {
        Some((_, text)) => text.parse::<i64>().ok(),
        None => Some(default),
    };
    // A time that is not after 1970 is so many seconds ago.
    let moment = |time: i64| if time <= 0 { now.saturating_add(time) } else { time };
    let (from, to, points) = (number("from", -3600), number("to", now.saturating_add(1)), number("points", 600));
    let range = from.map(moment).zip(to.map(moment)).zip(points);
    let Some(((from, to), points)) =
        range.filter(|((from, to), _)| from < to && to.saturating_sub(*from) <= series::LONGEST)
    else {
        return refuse(&web, &asked, StatusCode::BAD_REQUEST, "web-refused-range");
    };
    let asked_for: Vec<String> =
        query.iter().filter(|(name, _)| name == "name").map(|(_, value)| value.clone()).take(series::SERIES).collect();
    let asking = Arc::clone(&web);
    let work = move || {
        let reader = asking.daemon.reader();
        let names = asking.index.all(&reader)?;
        let found = series::find(&names, &asked_for);
        found
            .into_iter()
            .map(|(name, key)| series::line(&reader, name, key, (from, to), now, points))
            .collect::<Result<Vec<_>, _>>()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(lines)) => ok(&json!({ "from": from, "to": to, "series": lines })),
        _ => refuse(&web, &asked, StatusCode::SERVICE_UNAVAILABLE, "web-refused-store"),
    }
}

/// `GET /healthz`
pub(super) async fn health() -> Response {
    ok(&Health { status: "ok" })
}

/// `GET /readyz`
pub(super) async fn ready(Of(web): Of<Shared>) -> Response {
    // Before the first look there is nothing to show.
    let begun = web.daemon.now().time > 0;
    let status = if begun { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &Health { status: if begun { "ok" } else { "starting" } })
}

/// `GET /api/openapi.json`
pub(super) async fn description() -> Response {
    ok(&openapi::description())
}
