//! Incidents of the past, by month.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::{Query, State as Of};
use axum::response::Html;
use maud::html;

use super::status::story;
use super::{Document, Place, document};
use crate::web::book::incidents;
use crate::web::guard::Asked;
use crate::web::{Shared, when};

/// Incidents on one page.
const PAGE: usize = 25;

/// The page.
pub(in crate::web) async fn page(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Query(query): Query<HashMap<String, String>>,
) -> Html<String> {
    let texts = web.texts(asked.lang);
    let now = web.daemon.now();
    let public = |name: &str| now.components.iter().any(|component| component.public && component.view.name == name);
    let all: Vec<_> = incidents(&web, &now).await.into_iter().filter(|one| public(&one.component)).collect();
    let number: usize = query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, 1000);
    let shown = all.iter().skip((number - 1) * PAGE).take(PAGE);
    let month = |ms: u64| when::minute(ms, web.options.time_offset).chars().take(7).collect::<String>();
    let mut last = String::new();
    let main = html! {
        h1 { (texts.word("web-nav-history")) }
        @if all.is_empty() { p.soft { (texts.word("web-history-none")) } }
        @for incident in shown {
            @let of = month(incident.began);
            @if of != last { h2.month { (of) } }
            @let _ = std::mem::replace(&mut last, of);
            (story(&web, &now, incident, texts, true))
        }
        p.pages {
            @if number > 1 { a rel="prev" href={ "/history?page=" (number - 1) } { (texts.word("web-newer")) } }
            @if all.len() > number * PAGE { a rel="next" href={ "/history?page=" (number + 1) } { (texts.word("web-older")) } }
        }
    };
    let title = format!("{} · {}", texts.word("web-nav-history"), now.host);
    document(&web, &asked, &Document { title, place: Place::History, main, events: None, charts: false })
}
