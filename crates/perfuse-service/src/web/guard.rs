//! What every request passes before anything is answered, and what every answer carries.
//!
//! A page of another site can make a browser send requests here, also to a loopback address, and with DNS rebinding even
//! under a name of its own. So the name under which this host is addressed has to be one of its own, where the page came
//! from has to be this host, and nothing is changed for anybody who did not say who they are.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use perfuse_render::Lang;

use super::access::Caller;
use super::{Shared, Web, api, page};

/// Time within which a request has to be answered; streams begin within it.
const ANSWER: Duration = Duration::from_secs(30);
/// The cookie of a session.
pub(super) const SESSION: &str = "perfuse_session";
/// The cookie of the language.
pub(super) const LANGUAGE: &str = "perfuse_lang";
/// Seconds for which the language is remembered: a year.
const YEAR: u32 = 31_536_000;

/// Everything that pages load is a file of this program; they have no script and no style of their own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    frame-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What a route demands of who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: what is needed to log in, and what tells that the daemon lives.
    Nothing,
    /// It is public; where the address is not of this host alone, still only on the address of the public page.
    Public,
    /// To read what an operator reads.
    Read,
    /// To change something.
    Change,
}

/// What a handler knows of a request.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Language of the answer.
    pub(super) lang: Lang,
    /// The path with its query, without the language: what the links to other languages lead to.
    pub(super) path: String,
    /// The address without path that the asker used, such as `http://localhost:7780`; safe to be shown.
    pub(super) base: String,
    /// Who asks.
    pub(super) caller: Caller,
    /// Where from.
    pub(super) peer: IpAddr,
    /// The answer is to be JSON or plain text and no page.
    pub(super) program: bool,
}

impl Asked {
    /// Whether changes would be taken from this asker.
    pub(super) fn may_change(&self) -> bool {
        self.caller != Caller::Nobody
    }
}

/// A header of a request as text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| {
        let (own, value) = pair.trim().split_once('=')?;
        (own == name).then_some(value)
    })
}

/// Host and port of a request: of its target, if it has one, else of its header.
fn host(request: &Request) -> Option<String> {
    let target = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let mut named = request.headers().get_all(header::HOST).into_iter();
    let header = named.next().and_then(|value| value.to_str().ok()).map(str::to_owned);
    // Two names are a trick.
    if named.next().is_some() {
        return None;
    }
    let host = target.or(header)?.to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    (!host.is_empty() && host.len() <= 255 && host.bytes().all(plain)).then_some(host)
}

/// The name without the port.
fn name_of(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inside, _)) => inside,
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// Whether this host may be addressed so. An address that others reach has any name: it demands a password anyway.
fn is_ours(web: &Web, host: &str) -> bool {
    let name = name_of(host).trim_end_matches('.');
    let here = || name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    web.public || !web.options.loopback || here() || web.options.hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Whether a page of this host made the request, as far as the browser tells. Programs tell nothing.
fn same_origin(web: &Web, headers: &HeaderMap, host: &str, method: &Method) -> bool {
    let from_here = |origin: &str| {
        let of = origin.split_once("://").map_or("", |(_, of)| of);
        of.eq_ignore_ascii_case(host) || web.options.hosts.iter().any(|own| own.eq_ignore_ascii_case(name_of(of)))
    };
    match headers.get(header::ORIGIN) {
        Some(origin) => origin.to_str().is_ok_and(from_here),
        // Links and pictures on other sites have no origin; they only read, and what they read is not shown to the site.
        None if method.is_safe() => true,
        None => match headers.get("sec-fetch-site") {
            Some(site) => site == "same-origin" || site == "none",
            None => true,
        },
    }
}

/// The language that the query, the cookie or the browser asks for.
fn language(uri: &Uri, headers: &HeaderMap, default: Lang) -> (Lang, bool) {
    let asked = query(uri, "lang").and_then(Lang::from_locale);
    let kept = || cookie(headers, LANGUAGE).and_then(Lang::from_locale);
    let accepted = || {
        let mut wanted: Vec<(f32, Lang)> = text(headers, &header::ACCEPT_LANGUAGE)?
            .split(',')
            .take(20)
            .filter_map(|one| {
                let mut parts = one.trim().split(';');
                let lang = Lang::from_locale(parts.next()?.trim())?;
                let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
                (weight > 0.0).then_some((weight, lang))
            })
            .collect();
        // Of equal ones the first counts.
        wanted.sort_by(|one, other| other.0.total_cmp(&one.0));
        wanted.first().map(|(_, lang)| *lang)
    };
    (asked.or_else(kept).or_else(accepted).unwrap_or(default), asked.is_some())
}

/// A value of the query that needs no decoding.
fn query<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// Path and query without the language.
fn without_language(uri: &Uri) -> String {
    let rest: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("lang="))
        .collect();
    // A path with two slashes would be the name of another host where it stands in a link.
    if uri.path().starts_with("//") {
        return "/".to_owned();
    }
    if rest.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), rest.join("&")) }
}

/// The outer gate, for every request.
pub(super) async fn outer(State(web): State<Shared>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let path = request.uri().path();
    let program = ["/api/", "/metrics", "/healthz", "/readyz", "/badge/"].iter().any(|start| path.starts_with(start));
    let (lang, chosen) = language(request.uri(), request.headers(), web.options.lang);
    let mut asked = Asked {
        lang,
        path: without_language(request.uri()),
        base: String::new(),
        caller: Caller::Nobody,
        peer,
        program,
    };
    let refused = if web.limits.request(peer) {
        match host(&request) {
            None => Some((StatusCode::BAD_REQUEST, "web-refused-host")),
            Some(host) if !is_ours(&web, &host) => Some((StatusCode::MISDIRECTED_REQUEST, "web-refused-host")),
            Some(host) if !same_origin(&web, request.headers(), &host, request.method()) => {
                Some((StatusCode::FORBIDDEN, "web-refused-origin"))
            }
            Some(host) => {
                asked.base = format!("{}://{host}", if web.options.tls { "https" } else { "http" });
                None
            }
        }
    } else {
        Some((StatusCode::TOO_MANY_REQUESTS, "web-refused-often"))
    };
    let mut response = if let Some((status, why)) = refused {
        refuse(&web, &asked, status, why)
    } else {
        request.extensions_mut().insert(asked.clone());
        match tokio::time::timeout(ANSWER, next.run(request)).await {
            Ok(response) => response,
            Err(_) => refuse(&web, &asked, StatusCode::REQUEST_TIMEOUT, "web-refused-time"),
        }
    };
    finish(&web, &mut response, chosen.then_some(lang));
    response
}

/// An answer that says no: a page for people, JSON for programs.
pub(super) fn refuse(web: &Web, asked: &Asked, status: StatusCode, why: &'static str) -> Response {
    let text = web.texts(asked.lang).word(why);
    let mut response = if asked.program {
        api::problem(status, text)
    } else {
        (status, page::message(web, asked, status.as_u16(), &text)).into_response()
    };
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
    }
    response
}

/// The headers that every answer carries, unless its handler set its own.
fn finish(web: &Web, response: &mut Response, chosen: Option<Lang>) {
    let headers = response.headers_mut();
    let mut own = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    own(header::CONTENT_SECURITY_POLICY, POLICY);
    own(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    own(header::X_FRAME_OPTIONS, "DENY");
    // Not `no-referrer`: with that, browsers send forms of this very page without their origin.
    own(header::REFERRER_POLICY, "same-origin");
    own(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    own(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    own(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
    own(header::CACHE_CONTROL, "no-store");
    if web.options.tls {
        own(header::STRICT_TRANSPORT_SECURITY, "max-age=15552000");
    }
    headers.append(header::VARY, HeaderValue::from_static("Accept-Language, Cookie"));
    if let Some(lang) = chosen {
        let secure = if web.options.tls { "; Secure" } else { "" };
        let cookie = format!("{LANGUAGE}={}; Path=/; Max-Age={YEAR}; SameSite=Lax{secure}", lang.id());
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}

/// The gate of a route: who asks, and whether they may.
pub(super) async fn inner(
    State((web, need)): State<(Shared, Need)>,
    mut request: Request<Body>,
    next: Next,
) -> Response {
    let Some(mut asked) = request.extensions().get::<Asked>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    match caller(&web, request.headers(), request.uri(), asked.peer).await {
        Ok(caller) => asked.caller = caller,
        Err(response) => return refuse(&web, &asked, response.0, response.1),
    }
    // Where a request comes from counts as well as where it is taken: a loopback address may be forwarded to.
    let here = web.options.loopback && asked.peer.is_loopback();
    let allowed = match need {
        Need::Nothing => true,
        Need::Public => web.public || here || asked.may_change(),
        Need::Read => here && !web.access.demands() || asked.may_change(),
        Need::Change => asked.may_change(),
    };
    if allowed {
        request.extensions_mut().insert(asked);
        return next.run(request).await;
    }
    if !asked.program && !request.method().is_safe() {
        return page::login::demand(&web, &asked);
    }
    if asked.program {
        let mut response = refuse(&web, &asked, StatusCode::UNAUTHORIZED, "web-refused-nobody");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"perfuse\""));
        return response;
    }
    Redirect::to(&format!("/login?next={}", page::encoded(&asked.path))).into_response()
}

/// Who asks. A token that is wrong is an error even where none is needed: whoever sends one wants to be known.
async fn caller(
    web: &Shared,
    headers: &HeaderMap,
    uri: &Uri,
    peer: IpAddr,
) -> Result<Caller, (StatusCode, &'static str)> {
    if cookie(headers, SESSION).is_some_and(|cookie| web.access.session(cookie)) {
        return Ok(Caller::Session);
    }
    let Some(token) = bearer(headers).filter(|_| !uri.path().starts_with("/api/v1/push/")) else {
        return Ok(Caller::Nobody);
    };
    if web.access.known_token(token) {
        return Ok(Caller::Program);
    }
    if !web.limits.login(peer) {
        return Err((StatusCode::TOO_MANY_REQUESTS, "web-refused-often"));
    }
    let (asking, token) = (Arc::clone(web), token.to_owned());
    let slow = web.access.has_hashes();
    let fits = slow && tokio::task::spawn_blocking(move || asking.access.token(&token)).await.unwrap_or(false);
    if fits {
        web.limits.welcome(peer);
        return Ok(Caller::Program);
    }
    Err((StatusCode::UNAUTHORIZED, "web-refused-token"))
}

/// The token of `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn the_language_is_that_of_the_query_then_the_cookie_then_the_browser() {
        let of = |uri: &'static str, pairs: &[(&'static str, &str)]| {
            language(&Uri::from_static(uri), &headers(pairs), Lang::En)
        };
        let browser = ("accept-language", "fr, ko-KR;q=0.8, en;q=0.5");
        assert_eq!(of("/?lang=ko", &[]), (Lang::Ko, true));
        assert_eq!(of("/?x=1&lang=en", &[browser, ("cookie", "perfuse_lang=ko")]), (Lang::En, true));
        assert_eq!(of("/", &[browser, ("cookie", "a=b; perfuse_lang=en")]), (Lang::En, false));
        assert_eq!(of("/", &[browser]), (Lang::Ko, false));
        assert_eq!(of("/?lang=xx", &[("accept-language", "ko;q=0, de")]), (Lang::En, false));
        assert_eq!(without_language(&Uri::from_static("/history?lang=ko&page=2")), "/history?page=2");
        assert_eq!(without_language(&Uri::from_static("/?lang=ko")), "/");
        assert_eq!(without_language(&Uri::from_static("//evil.example/?x=1")), "/");
    }

    #[test]
    fn names_lose_their_port_and_tokens_their_scheme() {
        assert_eq!(["a.example:80", "[::1]:7780", "127.0.0.1"].map(name_of), ["a.example", "::1", "127.0.0.1"]);
        assert_eq!(bearer(&headers(&[("authorization", "bearer  x y ")])), Some("x y"));
        assert_eq!(bearer(&headers(&[("authorization", "Basic eDp5")])), None);
        assert_eq!(cookie(&headers(&[("cookie", "x=1; perfuse_session=abc")]), SESSION), Some("abc"));
    }
}
