//! Pages: what they share.

pub(super) mod advice;
pub(super) mod bars;
pub(super) mod charts;
pub(super) mod checklist;
pub(super) mod dash;
pub(super) mod history;
pub(super) mod incident;
pub(super) mod login;
pub(super) mod maintenance;
pub(super) mod status;
pub(super) mod why;

use std::fmt::Write as _;

use axum::response::Html;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use perfuse_analyze::status::{State, View};
use perfuse_render::layout::clean;
use perfuse_render::{Lang, Texts};

use super::guard::Asked;
use super::{Web, assets, when};
use crate::now::{ComponentNow, Now};

/// Which page it is, for the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Of the public: the state now.
    Status,
    /// Of the public: incidents of the past.
    History,
    /// Of the operator: the overview.
    Dash,
    /// Charts.
    Charts,
    /// The checklist.
    Checklist,
    /// Incidents.
    Incidents,
    /// What to do before it hurts.
    Advice,
    /// Maintenance windows.
    Maintenance,
    /// None of them.
    Other,
}

/// What a page is made of.
pub(super) struct Document {
    /// Heading of the window.
    pub(super) title: String,
    /// Where it is.
    pub(super) place: Place,
    /// Within `main`.
    pub(super) main: Markup,
    /// Where the stream is that keeps it live.
    pub(super) events: Option<String>,
    /// Whether it has charts.
    pub(super) charts: bool,
}

/// The whole page.
pub(super) fn document(web: &Web, asked: &Asked, page: &Document) -> Html<String> {
    let texts = web.texts(asked.lang);
    let now = web.daemon.now();
    let operator = !matches!(page.place, Place::Status | Place::History);
    let markup = html! {
        (DOCTYPE)
        html lang=(asked.lang.id()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (clean(&page.title)) }
                link rel="icon" href=(assets::ICON.path()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::STYLE.path());
                @if !operator { link rel="alternate" type="application/rss+xml" title=(page.title) href="/rss.xml"; }
                script src=(assets::SCRIPT.path()) defer {}
                @if page.charts { script src=(assets::CHARTS.path()) defer {} }
            }
            body data-events=[&page.events] data-lost=(texts.word("web-lost")) data-offset=(web.options.time_offset) {
                a.skip href="#main" { (texts.word("web-skip")) }
                header.top {
                    div.wrap {
                        a.brand href=(if operator { "/dash" } else { "/" }) {
                            (logo()) span { (clean(&now.host)) }
                        }
                        (navigation(web, asked, page.place, texts))
                        (languages(asked, texts))
                    }
                }
                main #main.wrap.wide[operator] { (page.main) }
                footer.bottom {
                    div.wrap {
                        span { "perfuse " (env!("CARGO_PKG_VERSION")) }
                        @if operator {
                            a href="/api/openapi.json" { "API" }
                            a href="/metrics" { "Metrics" }
                            @if asked.may_change() { form method="post" action="/logout" { button.link { (texts.word("web-logout")) } } }
                            @else { a href={ "/login?next=" (encoded(&asked.path)) } { (texts.word("web-login")) } }
                        } @else {
                            a href="/rss.xml" { "RSS" }
                            a href="/api/v1/status" { "JSON" }
                        }
                        span.zone { (texts.word("web-times")) " " (when::zone(web.options.time_offset)) }
                    }
                }
                div #live.live role="status" hidden {}
            }
        }
    };
    Html(markup.into_string())
}

fn navigation(web: &Web, asked: &Asked, place: Place, texts: &Texts) -> Markup {
    let public = [(Place::Status, "/", "web-nav-status"), (Place::History, "/history", "web-nav-history")];
    let own = [
        (Place::Dash, "/dash", "web-nav-dash"),
        (Place::Charts, "/dash/charts", "web-nav-charts"),
        (Place::Checklist, "/dash/checklist", "web-nav-checklist"),
        (Place::Incidents, "/dash/incidents", "web-nav-incidents"),
        (Place::Advice, "/dash/advice", "web-nav-advice"),
        (Place::Maintenance, "/dash/maintenance", "web-nav-maintenance"),
    ];
    let operator = !matches!(place, Place::Status | Place::History);
    let links: &[_] = if operator { &own } else { &public };
    // Who only sees the public page is not told of another one.
    let other = (!web.public && (asked.may_change() || !web.access.demands())).then_some(if operator {
        ("/", "web-nav-status")
    } else {
        ("/dash", "web-nav-dash")
    });
    html! {
        nav aria-label=(texts.word("web-nav")) {
            @for (at, path, word) in links {
                a href=(path) aria-current=[(*at == place).then_some("page")] { (texts.word(word)) }
            }
            @if let Some((path, word)) = other { a.other href=(path) { (texts.word(word)) } }
        }
    }
}

fn languages(asked: &Asked, texts: &Texts) -> Markup {
    let join = if asked.path.contains('?') { '&' } else { '?' };
    html! {
        div.langs role="group" aria-label=(texts.word("web-language")) {
            @for (lang, name) in [(Lang::En, "English"), (Lang::Ko, "한국어")] {
                a href={ (asked.path) (join) "lang=" (lang.id()) } lang=(lang.id()) hreflang=(lang.id())
                    aria-current=[(lang == asked.lang).then_some("true")] { (name) }
            }
        }
    }
}

fn logo() -> Markup {
    html! {
        svg.logo viewBox="0 0 24 24" aria-hidden="true" {
            path d="M12 2 3 6v6c0 5 3.8 8.6 9 10 5.2-1.4 9-5 9-10V6z" fill="currentColor" fill-opacity=".16" {}
            path d="M4.5 12.5h3.6l2-5 3.2 9 2.1-4h4.1" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" {}
        }
    }
}

/// A page that says one thing, such as that there is nothing.
pub(super) fn message(web: &Web, asked: &Asked, number: u16, text: &str) -> Html<String> {
    let main = html! { section.card.alone { p.number { (number) } h1 { (text) } p { a href="/" { (web.texts(asked.lang).word("web-home")) } } } };
    let page = Document { title: text.to_owned(), place: Place::Other, main, events: None, charts: false };
    document(web, asked, &page)
}

/// A state's sign: told apart by its form, too.
pub(super) fn icon(state: State) -> Markup {
    let path = match state {
        State::Operational => "M6.2 10.4l2.6 2.6 5-5.6",
        State::Degraded => "M10 5.8v5M10 13.8v.2",
        State::PartialOutage => "M6.4 10h7.2",
        State::MajorOutage => "M7.2 7.2l5.6 5.6M12.8 7.2l-5.6 5.6",
        State::Maintenance => "M13.4 7.2a2.6 2.6 0 0 1-3.4 3.2l-2.9 2.9M12.8 6.6l-1.2 1.2",
        State::Unknown => "M8 8.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.3M10 13.8v.2",
    };
    let body = match state {
        State::Degraded => "M10 1.6 19 17.6H1z",
        State::MajorOutage => "M6.4 1.4h7.2l5 5v7.2l-5 5H6.4l-5-5V6.4z",
        State::PartialOutage => "M10 .8 19.2 10 10 19.2.8 10z",
        _ => "M10 .9a9.1 9.1 0 1 1 0 18.2A9.1 9.1 0 0 1 10 .9z",
    };
    html! {
        svg.icon viewBox="0 0 20 20" aria-hidden="true" {
            path.body d=(body) {}
            path.sign d=(path) {}
        }
    }
}

/// A state in words, with its sign.
pub(super) fn pill(state: State, texts: &Texts) -> Markup {
    html! { span.pill.(class(state)) { (icon(state)) (word(state, texts)) } }
}

/// The name of a state as a class.
pub(super) fn class(state: State) -> &'static str {
    match state {
        State::Operational => "s-operational",
        State::Unknown => "s-unknown",
        State::Degraded => "s-degraded",
        State::PartialOutage => "s-partial",
        State::MajorOutage => "s-major",
        State::Maintenance => "s-maintenance",
    }
}

/// The word for a state.
pub(super) fn word(state: State, texts: &Texts) -> String {
    texts.word(match state {
        State::Operational => "web-state-operational",
        State::Unknown => "web-state-unknown",
        State::Degraded => "web-state-degraded",
        State::PartialOutage => "web-state-partial",
        State::MajorOutage => "web-state-major",
        State::Maintenance => "web-state-maintenance",
    })
}

/// The name of a component on pages.
pub(super) fn title(component: &ComponentNow, lang: Lang) -> &str {
    match lang {
        Lang::En => &component.title.0,
        Lang::Ko => &component.title.1,
    }
}

/// The name on pages of a component that is known by its name.
pub(super) fn title_of<'n>(now: &'n Now, name: &'n str, lang: Lang) -> &'n str {
    now.components.iter().find(|component| component.view.name == name).map_or(name, |component| title(component, lang))
}

/// The worst state of some components, as the whole is called.
pub(super) fn whole<'v>(views: impl Iterator<Item = &'v View>) -> Option<State> {
    let rank = |state: State| match state {
        State::Operational => 0,
        State::Maintenance => 1,
        State::Unknown => 2,
        State::Degraded => 3,
        State::PartialOutage => 4,
        State::MajorOutage => 5,
    };
    views.map(|view| view.state).max_by_key(|state| rank(*state))
}

/// A moment, for people and for programs.
pub(super) fn time(web: &Web, ms: u64) -> Markup {
    html! { time datetime=(when::iso(ms)) { (when::minute(ms, web.options.time_offset)) } }
}

/// A text for a value in a query.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// An id of an element for a name of the configuration.
pub(super) fn id_of(prefix: &str, name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_".contains(c) { c.to_string() } else { format!("_{:x}", u32::from(c)) }
    };
    format!("{prefix}-{}", name.chars().map(plain).collect::<String>())
}

/// SVG that was made of escaped texts.
pub(super) fn drawn(svg: String) -> Markup {
    PreEscaped(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_queries_are_plain() {
        assert_eq!(encoded("/a b?c=한&d"), "/a%20b%3Fc%3D%ED%95%9C%26d");
        assert_eq!(id_of("c", "db.main 1"), "c-db_2emain_201");
        assert_ne!(id_of("c", "a.b"), id_of("c", "a b"));
    }

    #[test]
    fn the_whole_is_as_bad_as_the_worst_that_users_feel() {
        let view = |state| View {
            name: String::new(),
            state,
            since: 0,
            held_by: None,
            suspect: false,
            flapping: false,
            ready: None,
        };
        let of = |states: &[State]| whole(states.iter().map(|state| view(*state)).collect::<Vec<_>>().iter());
        assert_eq!(of(&[State::Maintenance, State::Operational]), Some(State::Maintenance));
        assert_eq!(of(&[State::Maintenance, State::Degraded, State::Unknown]), Some(State::Degraded));
        assert_eq!(of(&[]), None);
    }
}
