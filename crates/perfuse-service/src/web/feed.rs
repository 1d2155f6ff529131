//! Incidents of public components as RSS 2.0.

use axum::Extension;
use axum::extract::State as Of;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use maud::{PreEscaped, html};
use perfuse_analyze::{Msg, Quantity};
use perfuse_render::layout::clean;

use super::guard::Asked;
use super::{Shared, book, page, when};

/// Incidents in the feed.
const ITEMS: usize = 50;

/// The feed.
pub(super) async fn rss(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Response {
    let texts = web.texts(asked.lang);
    let now = web.daemon.now();
    let public = |name: &str| now.components.iter().any(|one| one.public && one.view.name == name);
    let all = book::incidents(&web, &now).await;
    let items = all.iter().filter(|incident| public(&incident.component)).take(ITEMS);
    let title = format!("{} · {}", texts.word("web-nav-status"), now.host);
    let body = html! {
        rss version="2.0" {
            channel {
                title { (clean(&title)) }
                // `link` has no content in HTML, so it is written out.
                (PreEscaped("<link>")) (asked.base) "/" (PreEscaped("</link>"))
                description { (clean(&title)) }
                language { (asked.lang.id()) }
                @for incident in items {
                    @let name = page::title_of(&now, &incident.component, asked.lang);
                    @let state = page::word(incident.worst, texts);
                    item {
                        title { (clean(&texts.text(&Msg::new("web-incident-title").with("component", name).with("state", state)))) }
                        (PreEscaped("<link>")) (asked.base) "/history" (PreEscaped("</link>"))
                        guid isPermaLink="false" { (clean(&incident.id)) @if incident.ended.is_some() { "-over" } }
                        pubDate { (when::mail(incident.ended.unwrap_or(incident.began))) }
                        description {
                            (when::minute(incident.began, web.options.time_offset)) " " (when::zone(web.options.time_offset)) ". "
                            @match incident.ended {
                                Some(end) => (texts.text(&Msg::new("web-lasted").with("time", Quantity::seconds(end.saturating_sub(incident.began) as f64 / 1000.0)))),
                                None => (texts.word("web-ongoing")),
                            }
                        }
                    }
                }
            }
        }
    };
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", body.into_string());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/rss+xml; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text).into_response()
}
