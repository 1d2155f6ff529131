//! Maintenance windows, and what else an operator changes with a form.

use axum::Extension;
use axum::extract::{Form, Path, State as Of};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use perfuse_analyze::status::State;
use perfuse_render::Texts;
use perfuse_render::layout::clean;

use super::status::{Work, concerned, span, works};
use super::{Document, Place, document, icon, message, title};
use crate::config::duration;
use crate::now::{Now, Order};
use crate::web::guard::Asked;
use crate::web::{Shared, Web};

/// Letters of a reason.
pub(in crate::web) const REASON: usize = 500;

/// The page.
pub(in crate::web) async fn page(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Html<String> {
    shown(&web, &asked, None)
}

fn shown(web: &Web, asked: &Asked, problem: Option<&str>) -> Html<String> {
    let texts = web.texts(asked.lang);
    let now = web.daemon.now();
    let all = works(&now);
    let main = html! {
        h1 { (texts.word("web-nav-maintenance")) }
        @if let Some(problem) = problem { p.problem role="alert" { (clean(problem)) } }
        @if all.is_empty() { p.soft { (texts.word("web-work-none")) } }
        @for work in &all { (window(web, &now, work, texts)) }
        section { h2 { (texts.word("web-work-start")) }
            @if asked.may_change() { (form(&now, texts)) }
            @else { p { a.button href={ "/login?next=" (super::encoded(&asked.path)) } { (texts.word("web-login")) } " " span.soft { (texts.word("web-login-why")) } } }
        }
    };
    let title = format!("{} · {}", texts.word("web-nav-maintenance"), now.host);
    document(web, asked, &Document { title, place: Place::Maintenance, main, events: None, charts: false })
}

fn window(web: &Web, now: &Now, work: &Work, texts: &Texts) -> Markup {
    let under_way = work.start <= now.time;
    html! {
        article.card.incident.s-maintenance {
            header {
                h3 { (icon(State::Maintenance)) (texts.word(if under_way { "web-work-now" } else { "web-work-planned" })) }
                p.soft { (span(web, work, texts)) }
            }
            p { strong { (concerned(now, work, false, texts)) } @if !work.reason.is_empty() { " — " (clean(&work.reason)) } }
            @if let Some(id) = work.id { form method="post" action={ "/dash/maintenance/" (id) "/stop" } { button { (texts.word("web-work-stop")) } } }
        }
    }
}

fn form(now: &Now, texts: &Texts) -> Markup {
    html! {
        form.card.form method="post" action="/dash/maintenance" {
            fieldset {
                legend { (texts.word("web-components")) " " span.soft { (texts.word("web-work-all")) } }
                @for component in &now.components {
                    label.choice { input type="checkbox" name="component" value=(component.view.name); " " (clean(title(component, texts.lang()))) }
                }
            }
            label { (texts.word("web-work-length")) input name="for" value="30m" maxlength="20" placeholder="30m, 2h, 1d" aria-describedby="for-hint"; }
            p #for-hint.soft { (texts.word("web-work-length-hint")) }
            label { (texts.word("web-work-reason")) input name="reason" maxlength=(REASON); }
            button.primary { (texts.word("web-work-start")) }
        }
    }
}

/// Starts one.
pub(in crate::web) async fn start(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let texts = web.texts(asked.lang);
    let all =
        |name: &str| fields.iter().filter(|(own, _)| own == name).map(|(_, value)| value.clone()).collect::<Vec<_>>();
    let length = all("for").into_iter().next().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let length = match length.as_deref().map(duration) {
        None => None,
        Some(Some(length)) => Some(length),
        Some(None) => {
            let page = shown(&web, &asked, Some(&texts.word("web-work-bad-length")));
            return (StatusCode::UNPROCESSABLE_ENTITY, page).into_response();
        }
    };
    let reason: String = all("reason").into_iter().next().unwrap_or_default().chars().take(REASON).collect();
    let order = Order::StartMaintenance { components: all("component"), length, reason };
    match web.daemon.order(order).await {
        Ok(_) => Redirect::to("/dash/maintenance").into_response(),
        Err(problem) => {
            (StatusCode::UNPROCESSABLE_ENTITY, shown(&web, &asked, Some(&texts.text(&problem)))).into_response()
        }
    }
}

/// Ends one.
pub(in crate::web) async fn stop(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Path(id): Path<u64>,
) -> Response {
    match web.daemon.order(Order::StopMaintenance { id: Some(id), component: None }).await {
        Ok(_) => Redirect::to("/dash/maintenance").into_response(),
        Err(problem) => {
            let text = web.texts(asked.lang).text(&problem);
            (StatusCode::UNPROCESSABLE_ENTITY, shown(&web, &asked, Some(&text))).into_response()
        }
    }
}

/// Runs the checks of a component now.
pub(in crate::web) async fn check(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Path(name): Path<String>,
) -> Response {
    match web.daemon.order(Order::Check { component: name.clone() }).await {
        Ok(_) => Redirect::to(&format!("/dash#{}", super::id_of("c", &name))).into_response(),
        Err(problem) => {
            let text = web.texts(asked.lang).text(&problem);
            (StatusCode::UNPROCESSABLE_ENTITY, message(&web, &asked, 422, &text)).into_response()
        }
    }
}
