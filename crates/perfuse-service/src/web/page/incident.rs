//! Incidents: the list, and the page of one with its causes, pictures and tables.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State as Of};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use maud::{Markup, html};
use perfuse_analyze::flame::{FlameGraph, Options};
use perfuse_analyze::profile::WeightUnit;
use perfuse_analyze::status::What;
use perfuse_analyze::{Msg, Quantity, folded};
use perfuse_render::flame::{FlameOptions, Scheme};
use perfuse_render::layout::clean;
use perfuse_render::{Texts, flame};

use super::dash::{cause, number, told};
use super::why::Why;
use super::{Document, Place, class, document, icon, pill, time, title_of, word};
use crate::incident::{Compared, Incident};
use crate::now::Now;
use crate::web::guard::{Asked, refuse};
use crate::web::{Shared, Web, access, book, live, series, when};

/// Captures that are flame graphs.
const FLAMES: [&str; 2] = ["on-cpu", "off-cpu"];
/// Rows of a captured table that are shown.
const ROWS: usize = 200;
/// Bytes of folded stacks of which a picture is made.
const LARGEST: usize = 16 << 20;

/// The list.
pub(in crate::web) async fn list(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Html<String> {
    let texts = web.texts(asked.lang);
    let now = web.daemon.now();
    let all = book::incidents(&web, &now).await;
    let main = html! {
        h1 { (texts.word("web-nav-incidents")) }
        @if all.is_empty() { p.soft { (texts.word("web-recent-none")) } }
        @else {
            div.scroll { table.list {
                thead { tr { @for head in ["web-began", "web-component", "web-worst", "web-length", "web-cause"] { th { (texts.word(head)) } } } }
                tbody { @for incident in &all { (row(&web, &now, incident, texts)) } }
            } }
        }
    };
    let title = format!("{} · {}", texts.word("web-nav-incidents"), now.host);
    document(&web, &asked, &Document { title, place: Place::Incidents, main, events: None, charts: false })
}

fn row(web: &Web, now: &Now, incident: &Arc<Incident>, texts: &Texts) -> Markup {
    let length = incident.ended.unwrap_or(now.time).saturating_sub(incident.began) as f64 / 1000.0;
    html! {
        tr {
            td.n { a href={ "/incident/" (super::encoded(&incident.id)) } { (time(web, incident.began)) } }
            td { (clean(title_of(now, &incident.component, texts.lang()))) }
            td { (pill(incident.worst, texts)) }
            td.n { (texts.quantity(Quantity::seconds(length))) @if incident.ended.is_none() { " " span.tag { (texts.word("web-ongoing")) } } }
            td { (clean(cause(incident, texts.lang()).unwrap_or(""))) }
        }
    }
}

/// The page of one.
pub(in crate::web) async fn page(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Path(id): Path<String>,
) -> Response {
    let Some(incident) = book::incident(&web, &id).await else {
        return refuse(&web, &asked, StatusCode::NOT_FOUND, "web-refused-nothing");
    };
    let texts = web.texts(asked.lang);
    let now = web.daemon.now();
    let title = title_of(&now, &incident.component, asked.lang);
    let headline =
        texts.text(&Msg::new("web-incident-title").with("component", title).with("state", word(incident.worst, texts)));
    let why = why(&web, &incident, texts).await;
    let main = html! {
        (head(&web, &now, &incident, &headline, texts))
        section { h2 { (texts.word("why-causes")) }
            @match &why { Some(why) => (why.causes(texts)), None => p.soft { (texts.word("web-cause-searched")) } }
        }
        @if !incident.compared.is_empty() { section { h2 { (texts.word("web-compared")) } (compared(&incident.compared, texts)) } }
        @if let Some(why) = &why { section { h2 { (texts.word("why-time")) } (why.times(texts)) } }
        (flames(&incident, texts))
        section { h2 { (texts.word("web-timeline")) } (timeline(&web, &incident, texts)) }
        @for table in &incident.tables {
            section {
                h2 { (clean(&table.title)) " " span.soft { (clean(&table.source)) } }
                div.scroll.tall { table {
                    thead { tr { @for column in &table.columns { th { (clean(column)) } } } }
                    tbody { @for row in table.rows.iter().take(ROWS) { tr { @for cell in row { td { (clean(cell)) } } } } }
                } }
            }
        }
        @if let Some(why) = &why { section { (why.cannot_tell(texts)) } }
        (captures(&incident, texts))
    };
    let events = live::stream_of(&incident, now.time);
    let page = Document { title: headline, place: Place::Incidents, main, events, charts: false };
    document(&web, &asked, &page).into_response()
}

/// The answer in the language of the page, if it was kept in that; else as it was given.
async fn why(web: &Shared, incident: &Incident, texts: &Texts) -> Option<Why> {
    let name = format!("why-{}", texts.lang().id());
    if incident.captures.contains(&name) {
        let bytes = book::capture(web, &incident.id, &name).await;
        let own = bytes.and_then(|bytes| Why::read(&serde_json::from_slice(&bytes).ok()?, texts));
        if own.is_some() {
            return own;
        }
    }
    incident.why.as_ref().and_then(|why| Why::read(why, texts))
}

fn head(web: &Web, now: &Now, incident: &Incident, headline: &str, texts: &Texts) -> Markup {
    let length = |until: u64| texts.quantity(Quantity::seconds(until.saturating_sub(incident.began) as f64 / 1000.0));
    html! {
        section.banner.(class(incident.worst)) {
            (icon(incident.worst))
            div {
                h1 { (clean(headline)) }
                p { (clean(&told(incident, texts))) }
            }
        }
        dl.facts {
            div { dt { (texts.word("web-began")) } dd { (time(web, incident.began)) " " span.soft { (when::second(incident.began, web.options.time_offset)) } } }
            div { dt { (texts.word("web-detected")) } dd { (texts.text(&Msg::new("web-after").with("time", length(incident.detected)))) } }
            div { dt { (texts.word("web-length")) }
                dd { (length(incident.ended.unwrap_or(now.time))) @if incident.ended.is_none() { " " span.tag { (texts.word("web-ongoing")) } } } }
            div { dt { (texts.word("web-number")) } dd { code { (clean(&incident.id)) } } }
        }
    }
}

/// Numbers before, during and after.
fn compared(all: &[Compared], texts: &Texts) -> Markup {
    let value =
        |value: Option<f64>, one: &Compared| value.map_or_else(|| "–".to_owned(), |value| in_unit(value, one, texts));
    html! {
        div.scroll { table {
            thead { tr { th { (texts.word("web-series")) } th.n { (texts.word("web-before")) } th.n { (texts.word("web-during")) } th.n { (texts.word("web-after-it")) } } }
            tbody { @for one in all {
                tr { td { (clean(&one.series)) } td.n { (value(one.before, one)) } td.n { strong { (value(one.during, one)) } } td.n { (value(one.after, one)) } }
            } }
        } }
    }
}

/// A number in the unit that it names, or that its name ends with.
fn in_unit(value: f64, one: &Compared, texts: &Texts) -> String {
    use perfuse_analyze::Unit;
    const ALL: [Unit; 9] = [
        Unit::Ratio,
        Unit::SecondsPerSecond,
        Unit::PerSecond,
        Unit::Bytes,
        Unit::BytesPerSecond,
        Unit::Seconds,
        Unit::Count,
        Unit::Celsius,
        Unit::InstructionsPerCycle,
    ];
    let named = ALL.into_iter().find(|unit| unit.symbol() == one.unit);
    match named {
        Some(unit) => Quantity::checked(value, unit).map_or_else(|| "–".to_owned(), |value| texts.quantity(value)),
        None if one.unit.is_empty() => {
            let unit = series::unit(one.series.split('{').next().unwrap_or_default());
            Quantity::checked(value, unit).map_or_else(|| "–".to_owned(), |value| texts.quantity(value))
        }
        None => format!("{} {}", number(value), clean(&one.unit)),
    }
}

/// What happened, in order.
fn timeline(web: &Web, incident: &Incident, texts: &Texts) -> Markup {
    html! {
        ol.timeline {
            @for event in &incident.timeline {
                @let (state, text) = step(&event.what, texts);
                li.(state.map_or("", class)) {
                    @if let Some(state) = state { (icon(state)) } @else { span.dot {} }
                    span { @if event.component != incident.component { (clean(&event.component)) ": " } (clean(&text)) }
                    time datetime=(when::iso(event.time)) { (when::second(event.time, web.options.time_offset)) }
                }
            }
        }
    }
}

/// An event in words.
fn step(what: &What, texts: &Texts) -> (Option<perfuse_analyze::status::State>, String) {
    match what {
        What::FirstFailure { check, instance } => {
            let check = instance.as_ref().map_or_else(|| check.clone(), |instance| format!("{check} @ {instance}"));
            (None, texts.text(&Msg::new("web-event-first").with("check", check)))
        }
        What::Cleared => (None, texts.word("web-step-cleared")),
        What::Changed { to, held_by: Some(root), .. } => {
            (Some(*to), texts.text(&Msg::new("web-step-held").with("state", word(*to, texts)).with("root", root)))
        }
        What::Changed { to, .. } => (Some(*to), word(*to, texts)),
        What::Held { by: Some(root) } => (None, texts.text(&Msg::new("web-held").with("root", root))),
        What::Held { by: None } => (None, texts.word("web-event-own")),
        What::Flapping { now } => (None, texts.word(if *now { "web-flapping" } else { "web-event-steady" })),
        What::Ready { now } => (None, texts.word(if *now == Some(true) { "web-event-ready" } else { "web-not-ready" })),
        What::Burning { now, .. } => (None, texts.word(if *now { "web-event-burning" } else { "web-event-burned" })),
    }
}

/// The flame graphs: pictures with a script of their own, so each in a frame that can do nothing else.
fn flames(incident: &Incident, texts: &Texts) -> Markup {
    html! {
        @for name in FLAMES.into_iter().filter(|name| incident.captures.iter().any(|capture| capture == name)) {
            @let path = format!("/incident/{}/flame/{name}", super::encoded(&incident.id));
            @let title = texts.word(if name == "on-cpu" { "web-flame-on" } else { "web-flame-off" });
            section {
                h2 { (title) " " a.more href=(path) { (texts.word("web-flame-open")) } }
                iframe.flame src=(path) title=(title) sandbox="allow-scripts" loading="lazy" {}
            }
        }
    }
}

/// What was captured, to be taken away.
fn captures(incident: &Incident, texts: &Texts) -> Markup {
    html! {
        @if !incident.captures.is_empty() {
            section {
                h2 { (texts.word("web-captures")) }
                ul.files {
                    @for name in &incident.captures {
                        li { a href={ "/api/v1/incidents/" (super::encoded(&incident.id)) "/captures/" (super::encoded(name)) } download { (clean(name)) } }
                    }
                    li { a href={ "/api/v1/incidents/" (super::encoded(&incident.id)) } { "JSON" } }
                }
            }
        }
    }
}

/// The picture of captured stacks. Its script may run, but only that: nothing of it is read from elsewhere.
pub(in crate::web) async fn flame(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Path((id, name)): Path<(String, String)>,
) -> Response {
    let nothing = || refuse(&web, &asked, StatusCode::NOT_FOUND, "web-refused-nothing");
    let off = match FLAMES.iter().position(|own| *own == name) {
        Some(place) => place == 1,
        None => return nothing(),
    };
    let Some(bytes) = book::capture(&web, &id, &name).await.filter(|bytes| bytes.len() <= LARGEST) else {
        return nothing();
    };
    let (drawing, lang) = (Arc::clone(&web), asked.lang);
    let work = move || {
        let event = if off { "off-cpu" } else { "cpu-clock" };
        let profile = folded::parse(&bytes, event, WeightUnit::Nanoseconds).ok()?;
        let scheme = if off { Scheme::OffCpu } else { Scheme::OnCpu };
        let graph = FlameGraph::build(&profile, 0, Options::default());
        Some(flame::render(&graph, &FlameOptions { scheme, ..FlameOptions::default() }, drawing.texts(lang)))
    };
    let Some(svg) = tokio::task::spawn_blocking(work).await.ok().flatten() else { return nothing() };
    let Ok(nonce) = access::random() else { return nothing() };
    // Names in the picture are escaped, so this is its own script and no other.
    let svg = svg.replacen("<script>", &format!("<script nonce=\"{nonce}\">"), 1);
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox allow-scripts"
    );
    let Ok(policy) = HeaderValue::from_str(&policy) else { return nothing() };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
    ];
    (headers, svg).into_response()
}
