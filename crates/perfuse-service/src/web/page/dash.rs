//! The operator's overview: components with their checks, the USE grid of the host, findings, and the main charts.

use axum::Extension;
use axum::extract::State as Of;
use axum::response::Html;
use maud::{Markup, html};
use perfuse_analyze::status::slo::PAIRS;
use perfuse_analyze::status::{Level, Outcome, SloView, State};
use perfuse_analyze::{Kind, Msg, Quantity, Resource, Verdict};
use perfuse_render::html::finding;
use perfuse_render::layout::clean;
use perfuse_render::report::{Cell, Report, ReportContext};
use perfuse_render::text::{mark, verdict_word};
use perfuse_render::{Lang, Texts};

use super::status::MANY;
use super::{Document, Place, charts, class, document, icon, id_of, pill, time, title, title_of, whole, word};
use crate::incident::Incident;
use crate::now::{CheckNow, ComponentNow, Now};
use crate::web::guard::Asked;
use crate::web::live::{Parts, View, rendered};
use crate::web::{Shared, Web, when};

/// Findings of the host that the overview shows; the checklist has all.
const FINDINGS: usize = 3;

/// The page.
pub(in crate::web) async fn page(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Html<String> {
    let made = rendered(&web, View::Dash, asked.lang).await;
    let texts = web.texts(asked.lang);
    let panels = charts::overview(&web).await;
    let main = html! {
        (made.html)
        section aria-labelledby="charts" {
            h2 #charts { (texts.word("web-nav-charts")) }
            (charts::grid(&panels, texts))
            p { a href="/dash/charts" { (texts.word("web-charts-all")) } }
        }
    };
    let title = format!("{} · {}", texts.word("web-nav-dash"), web.daemon.now().host);
    let events = Some(View::Dash.stream(asked.lang, &made.version));
    document(&web, &asked, &Document { title, place: Place::Dash, main, events, charts: true })
}

/// What is within `main`, up to the charts.
pub(in crate::web) fn main(web: &Web, now: &Now, lang: Lang, parts: &Parts) -> Markup {
    let texts = web.texts(lang);
    let report = report(now, texts);
    html! {
        h1.hidden { (texts.word("web-nav-dash")) }
        (parts.live("top", top(web, now, report.as_ref(), texts)))
        (parts.live("troubles", troubles(now, texts)))
        (parts.live("open", open(web, now, texts)))
        section aria-labelledby="h-components" {
            h2 #h-components { (texts.word("web-components")) }
            @if now.components.is_empty() { div.card.empty { p { (texts.word("web-empty")) } p.soft { (texts.word("web-empty-how")) } } }
            @for component in &now.components {
                (parts.live(&id_of("c", &component.view.name), row(web, now, component, texts)))
            }
        }
        section aria-labelledby="h-use" {
            h2 #h-use { (texts.word("web-use")) " " a.more href="/dash/checklist" { (texts.word("web-use-more")) } }
            (parts.live("use", grid(report.as_ref(), texts)))
            (parts.live("findings", findings(report.as_ref(), texts)))
        }
    }
}

/// The checklist in a language.
pub(in crate::web) fn report(now: &Now, texts: &Texts) -> Option<Report> {
    let mut context = ReportContext { started_ns: now.time.saturating_mul(1_000_000), ..ReportContext::default() };
    context.host.hostname.clone_from(&now.host);
    now.checklist.as_ref().map(|checklist| Report::new(checklist, &context, texts))
}

/// The numbers at a glance.
fn top(web: &Web, now: &Now, report: Option<&Report>, texts: &Texts) -> Markup {
    let worst = whole(now.components.iter().map(|component| &component.view)).unwrap_or(State::Unknown);
    let of = |wanted: fn(State) -> bool| now.components.iter().filter(|one| wanted(one.view.state)).count();
    let bad = of(State::is_bad);
    let checks: usize = now.components.iter().map(|component| component.checks.len()).sum();
    let host = match report {
        None => (Verdict::Unmeasurable, texts.word("web-use-none")),
        Some(report) => match (report.serious(), report.healthy) {
            (0, Some(true)) => (Verdict::Ok, texts.word("web-host-healthy")),
            (0, _) => (Verdict::Unmeasurable, texts.word("web-host-unknown")),
            (count, _) => (Verdict::Bottleneck, texts.text(&Msg::new("web-host-findings").with("count", count as u64))),
        },
    };
    let running = now.time.saturating_sub(now.begun) as f64 / 1000.0;
    html! {
        div #top.tiles {
            div.tile.(class(worst)) {
                span.label { (texts.word("web-components")) }
                span.figure { (icon(worst)) (if bad > 0 { format!("{bad}/{}", now.components.len()) } else { now.components.len().to_string() }) }
                span.soft { (if bad > 0 { texts.word("web-tile-bad") } else { word(worst, texts) }) }
            }
            div.tile.v.(host.0.id()) {
                span.label { (texts.word("web-tile-host")) }
                span.figure { span.mark { (mark(host.0)) } (report.map_or(0, Report::serious)) }
                span.soft { (host.1) }
            }
            div.tile.(if now.open.is_empty() { "s-operational" } else { "s-major" }) {
                span.label { (texts.word("web-nav-incidents")) }
                span.figure { (now.open.len()) }
                span.soft { (texts.word("web-tile-open")) }
            }
            div.tile {
                span.label { (texts.word("web-checks")) }
                span.figure { (checks) }
                span.soft { (texts.text(&Msg::new("web-tile-running").with("time", Quantity::seconds(running)))) " · " (when::second(now.time, web.options.time_offset)) }
            }
        }
    }
}

fn troubles(now: &Now, texts: &Texts) -> Markup {
    html! {
        div #troubles role="status" {
            @if !now.troubles.is_empty() {
                div.card.trouble {
                    h2 { (texts.word("web-troubles")) }
                    ul { @for trouble in &now.troubles { li { (clean(&texts.text(trouble))) } } }
                }
            }
        }
    }
}

/// The sentence of the first cause in a language.
pub(in crate::web) fn cause(incident: &Incident, lang: Lang) -> Option<&str> {
    incident.cause.as_ref().map(|(en, ko)| match lang {
        Lang::En => en.as_str(),
        Lang::Ko => ko.as_str(),
    })
}

/// What is said of the cause: it, that there is none, or that it is not known yet.
pub(super) fn told(incident: &Incident, texts: &Texts) -> String {
    let otherwise = if incident.why.is_some() { "web-cause-none" } else { "web-cause-searched" };
    cause(incident, texts.lang()).map_or_else(|| texts.word(otherwise), str::to_owned)
}

/// Incidents that are not over, with their first cause.
fn open(web: &Web, now: &Now, texts: &Texts) -> Markup {
    html! {
        div #open aria-live="polite" {
            @for incident in &now.open {
                @let title = title_of(now, &incident.component, texts.lang());
                a.card.incident.link.brief[now.open.len() > MANY].(class(incident.worst)) href={ "/incident/" (super::encoded(&incident.id)) } {
                    h3 { (icon(incident.worst)) (clean(&texts.text(&Msg::new("web-incident-title").with("component", title).with("state", word(incident.worst, texts))))) }
                    p { (clean(&told(incident, texts))) }
                    p.soft { (time(web, incident.began)) }
                }
            }
        }
    }
}

/// How bad the state of an instance or check is, for the worst of several.
pub(super) fn rank(state: State) -> u8 {
    match state {
        State::Operational => 0,
        State::Unknown | State::Maintenance => 1,
        State::Degraded => 2,
        State::PartialOutage => 3,
        State::MajorOutage => 4,
    }
}

/// The state that a check stands for.
pub(super) fn state_of(check: &CheckNow) -> State {
    match check.level {
        None => State::Unknown,
        Some(Level::Up) => State::Operational,
        Some(Level::Slow) => State::Degraded,
        Some(Level::Down) => State::MajorOutage,
    }
}

/// One component with its checks; those are closed while all is well.
fn row(web: &Web, now: &Now, component: &ComponentNow, texts: &Texts) -> Markup {
    let view = &component.view;
    let uptime = super::bars::total(&component.days).uptime();
    html! {
        details.card.comp.(class(view.state)) id=(id_of("c", &view.name)) open[view.state.is_bad()] {
            summary {
                (pill(view.state, texts))
                strong { (clean(title(component, texts.lang()))) }
                span.soft.name { (clean(&view.name)) }
                @if let Some(root) = &view.held_by { span.tag { (texts.text(&Msg::new("web-held").with("root", title_of(now, root, texts.lang())))) } }
                @if view.suspect { span.tag { (texts.word("web-suspect")) } }
                @if view.flapping { span.tag { (texts.word("web-flapping")) } }
                @if view.ready == Some(false) { span.tag { (texts.word("web-not-ready")) } }
                @if !component.public { span.tag { (texts.word("web-hidden")) } }
                span.right {
                    @if let Some(uptime) = uptime { span.num title=(texts.word("web-uptime-90")) { (super::bars::percent(uptime)) } }
                    @if let Some(slo) = &component.slo { (budget(slo, texts)) }
                }
            }
            div.body {
                p.soft { (texts.word("web-since")) " " (time(web, view.since)) }
                (checks(web, &component.checks, texts))
                @if let Some(slo) = &component.slo { (objective(slo, texts)) }
                form method="post" action={ "/component/" (super::encoded(&view.name)) "/check" } { button { (texts.word("web-check-now")) } }
            }
        }
    }
}

fn checks(web: &Web, checks: &[CheckNow], texts: &Texts) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr {
                    @for head in ["web-check", "web-result"] { th { (texts.word(head)) } }
                    @for head in ["web-took", "web-value", "web-at"] { th.n { (texts.word(head)) } }
                } }
                tbody {
                    @for check in checks {
                        @let state = state_of(check);
                        tr {
                            td.(class(state)) {
                                (icon(state)) span.hidden { (word(state, texts)) " " }
                                (clean(&check.name)) @if let Some(instance) = &check.instance { " @ " (clean(instance)) }
                                " " span.soft { (check.kind) }
                            }
                            td { (result(check, texts)) }
                            td.n { @if let Some(took) = check.took { (texts.quantity(Quantity::seconds(took.as_secs_f64()))) } }
                            td.n { @if let Some(value) = check.value { (number(value)) } }
                            td.n { @if let Some(at) = check.at { time datetime=(when::iso(at)) { (when::second(at, web.options.time_offset)) } } }
                        }
                    }
                }
            }
        }
    }
}

/// What the last run said; without words, its outcome.
fn result(check: &CheckNow, texts: &Texts) -> Markup {
    let outcome = check.outcome.map(|outcome| match outcome {
        Outcome::Pass => "web-outcome-pass",
        Outcome::Slow => "web-outcome-slow",
        Outcome::Fail => "web-outcome-fail",
        Outcome::NoData => "web-outcome-nodata",
    });
    html! {
        @match (&check.message, outcome) {
            (Some(message), _) => (clean(&texts.text(message))),
            (None, Some(outcome)) => (texts.word(outcome)),
            (None, None) => span.soft { (texts.word("web-outcome-none")) },
        }
        @if check.ready == Some(false) { " " span.tag { (texts.word("web-not-ready")) } }
    }
}

/// A number without a unit.
pub(super) fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        perfuse_render::i18n::grouped(value, 0)
    } else {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// What is left of the error budget, as a small bar.
fn budget(slo: &SloView, texts: &Texts) -> Markup {
    let Some(left) = slo.budget_left else { return html! {} };
    let state =
        if slo.burns.iter().any(|burn| burn.burning) || left <= 0.0 { State::MajorOutage } else { State::Operational };
    let share = left.clamp(0.0, 1.0);
    let label = budget_words(left, texts);
    html! {
        svg.budget.(class(state)) viewBox="0 0 60 8" role="img" aria-label=(label) {
            title { (label) }
            rect.rest width="60" height="8" rx="4" {}
            rect.left width=(format!("{:.1}", share * 60.0)) height="8" rx="4" {}
        }
    }
}

/// What is left of the error budget. How often it is spent over says little more than that it is.
fn budget_words(left: f64, texts: &Texts) -> String {
    if left > 0.0 {
        texts.text(&Msg::new("web-budget").with("share", Quantity::ratio(left)))
    } else {
        texts.word("web-budget-spent")
    }
}

/// The objective in full.
fn objective(slo: &SloView, texts: &Texts) -> Markup {
    let rate = |rate: Option<f64>| rate.map_or_else(|| "–".to_owned(), |rate| format!("{rate:.1}"));
    html! {
        p {
            (texts.text(&Msg::new("web-slo").with("objective", format!("{}%", number(slo.objective * 100.0))).with("events", slo.events)))
            @if let Some(left) = slo.budget_left { " " (budget_words(left, texts)) "." }
        }
        ul.burns {
            @for (burn, pair) in slo.burns.iter().zip(PAIRS) {
                li.(if burn.burning { "s-major" } else { "s-operational" }) {
                    (icon(if burn.burning { State::MajorOutage } else { State::Operational }))
                    (texts.text(&Msg::new("web-burn")
                        .with("long", Quantity::seconds(pair.long as f64 / 1000.0))
                        .with("short", Quantity::seconds(pair.short as f64 / 1000.0))
                        .with("rates", format!("{} / {}", rate(burn.long), rate(burn.short)))
                        .with("limit", format!("{}", pair.above))))
                }
            }
        }
    }
}

/// The USE grid: resources by kinds, each cell a link into the checklist.
fn grid(report: Option<&Report>, texts: &Texts) -> Markup {
    let find = |report: &Report, resource: Resource, kind: Kind| -> Option<Cell> {
        report.cells.iter().find(|cell| cell.resource == resource && cell.kind == Some(kind)).cloned()
    };
    html! {
        div #use {
            @match report {
                None => p.soft { (texts.word("web-use-none")) },
                Some(report) => {
                    table.use {
                        thead { tr { td {} @for kind in Kind::ALL { th scope="col" { (texts.word(&format!("kind-{}", kind.id()))) } } } }
                        tbody {
                            @for resource in Resource::ALL {
                                @if Kind::ALL.into_iter().any(|kind| find(report, resource, kind).is_some()) {
                                    tr {
                                        th scope="row" { (texts.word(&format!("resource-{}", resource.id()))) }
                                        @for kind in Kind::ALL {
                                            td { @if let Some(cell) = find(report, resource, kind) { (cell_link(&cell, texts)) } }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell_link(cell: &Cell, texts: &Texts) -> Markup {
    let value = cell.value.map_or_else(|| verdict_word(cell.verdict, texts), |value| texts.quantity(value.0));
    html! {
        a.cell.v.(cell.verdict.id()) href={ "/dash/checklist#" (cell.id) } title=(clean(&cell.title)) {
            span.mark aria-label=(verdict_word(cell.verdict, texts)) { (mark(cell.verdict)) }
            span { (value) }
        }
    }
}

fn findings(report: Option<&Report>, texts: &Texts) -> Markup {
    html! {
        div #findings {
            @if let Some(report) = report {
                @for one in report.findings.iter().take(FINDINGS) { (finding(one, texts)) }
            }
        }
    }
}
