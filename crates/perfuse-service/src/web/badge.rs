//! Badges for other pages: a name and its state as a small picture.

use axum::Extension;
use axum::extract::{Path, State as Of};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use perfuse_analyze::status::State;
use perfuse_render::layout::{clean, width};

use super::guard::{Asked, refuse};
use super::{Shared, page};

/// Pixels of a column of the font, about.
const COLUMN: usize = 7;

/// `NAME.svg` for a component that is public, `overall.svg` for all of them.
pub(super) async fn badge(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Path(file): Path<String>,
) -> Response {
    let texts = web.texts(asked.lang);
    let now = web.daemon.now();
    let found = file.strip_suffix(".svg").and_then(|name| {
        let component = now.components.iter().find(|one| one.public && one.view.name == name);
        if let Some(component) = component {
            return Some((page::title(component, asked.lang).to_owned(), component.view.state));
        }
        let public = now.components.iter().filter(|one| one.public).map(|one| &one.view);
        (name == "overall").then(|| (texts.word("web-nav-status"), page::whole(public).unwrap_or(State::Unknown)))
    });
    let Some((name, state)) = found else {
        return refuse(&web, &asked, StatusCode::NOT_FOUND, "web-refused-nothing");
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, max-age=0")),
        // It is there to stand on the pages of others.
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin")),
    ];
    (headers, drawn(&clean(&name), &page::word(state, texts), state).into_string()).into_response()
}

fn drawn(name: &str, word: &str, state: State) -> Markup {
    let colour = match state {
        State::Operational => "#1a7f4b",
        State::Degraded => "#9a6700",
        State::PartialOutage => "#bc4c00",
        State::MajorOutage => "#c4232b",
        State::Maintenance => "#2563a8",
        State::Unknown => "#656d76",
    };
    let (left, right) = (width(name) * COLUMN + 14, width(word) * COLUMN + 14);
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(left + right) height="20" role="img" aria-label={ (name) ": " (word) } {
            title { (name) ": " (word) }
            clipPath id="r" { rect width=(left + right) height="20" rx="4" fill="#fff" {} }
            g clip-path="url(#r)" {
                rect width=(left) height="20" fill="#3b4148" {}
                rect x=(left) width=(right) height="20" fill=(colour) {}
            }
            g fill="#fff" text-anchor="middle" font-family="Verdana,'DejaVu Sans','Noto Sans KR',sans-serif" font-size="11" {
                text x=(left / 2) y="14" textLength=(left - 14) lengthAdjust="spacingAndGlyphs" { (name) }
                text x=(left + right / 2) y="14" textLength=(right - 14) lengthAdjust="spacingAndGlyphs" { (word) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_says_both_and_escapes_them() {
        let svg = drawn("<a&b>", "Operational", State::Operational).into_string();
        assert!(svg.contains("&lt;a&amp;b&gt;: Operational") && svg.contains("#1a7f4b"), "{svg}");
    }
}
