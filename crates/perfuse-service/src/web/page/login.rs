//! Who wants to change something, or to read from elsewhere, says who they are.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Query, State as Of};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use maud::html;

use super::{Document, Place, document};
use crate::web::access::SESSION as LASTS;
use crate::web::guard::{Asked, SESSION, cookie, refuse};
use crate::web::{Shared, Web};

/// Letters of a password.
const LONGEST: usize = 1024;

/// Where to go afterwards: a path of this host and nothing else.
fn safe(next: Option<&String>) -> &str {
    let fine =
        |next: &&str| next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\n', '\r', '\t']);
    next.map(String::as_str).filter(fine).filter(|next| !next.starts_with("/login")).unwrap_or("/dash")
}

/// The page.
pub(in crate::web) async fn page(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Query(query): Query<HashMap<String, String>>,
) -> Html<String> {
    shown(&web, &asked, safe(query.get("next")), None)
}

/// The page for somebody who wanted to change something.
pub(in crate::web) fn demand(web: &Web, asked: &Asked) -> Response {
    let page = shown(web, asked, "/dash", Some(&web.texts(asked.lang).word("web-refused-nobody")));
    (StatusCode::UNAUTHORIZED, page).into_response()
}

fn shown(web: &Web, asked: &Asked, next: &str, problem: Option<&str>) -> Html<String> {
    let texts = web.texts(asked.lang);
    let main = html! {
        section.card.alone {
            h1 { (texts.word("web-login")) }
            @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
            form.form method="post" action="/login" {
                input type="hidden" name="next" value=(next);
                label { (texts.word("web-password")) input type="password" name="password" autocomplete="current-password" required autofocus maxlength=(LONGEST); }
                button.primary { (texts.word("web-login")) }
            }
            p.soft { (texts.word("web-login-hint")) }
        }
    };
    document(
        web,
        asked,
        &Document { title: texts.word("web-login"), place: Place::Other, main, events: None, charts: false },
    )
}

/// Takes a password.
pub(in crate::web) async fn login(
    Of(web): Of<Shared>,
    Extension(asked): Extension<Asked>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let texts = web.texts(asked.lang);
    let next = safe(form.get("next"));
    if !web.limits.login(asked.peer) {
        let page = shown(&web, &asked, next, Some(&texts.word("web-refused-often")));
        return (StatusCode::TOO_MANY_REQUESTS, page).into_response();
    }
    let given = form.get("password").map_or("", |password| password.trim()).to_owned();
    let asking = Arc::clone(&web);
    let work = move || given.len() <= LONGEST && asking.access.password(&given);
    if !tokio::task::spawn_blocking(work).await.unwrap_or(false) {
        let page = shown(&web, &asked, next, Some(&texts.word("web-login-wrong")));
        return (StatusCode::UNAUTHORIZED, page).into_response();
    }
    web.limits.welcome(asked.peer);
    let Ok(session) = web.access.begin() else {
        return refuse(&web, &asked, StatusCode::SERVICE_UNAVAILABLE, "web-refused-time");
    };
    with_cookie(&web, &session, LASTS.as_secs(), Redirect::to(next).into_response())
}

fn with_cookie(web: &Web, value: &str, seconds: u64, mut response: Response) -> Response {
    let secure = if web.options.tls { "; Secure" } else { "" };
    let cookie = format!("{SESSION}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Ends the session.
pub(in crate::web) async fn logout(Of(web): Of<Shared>, headers: HeaderMap) -> Response {
    if let Some(session) = cookie(&headers, SESSION) {
        web.access.end(session);
    }
    with_cookie(&web, "", 0, Redirect::to("/").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for bad in ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/login?next=/", "/a\nb"] {
            assert_eq!(safe(Some(&bad.to_owned())), "/dash", "{bad:?}");
        }
        assert_eq!(safe(Some(&"/dash/maintenance?x=1".to_owned())), "/dash/maintenance?x=1");
    }
}
