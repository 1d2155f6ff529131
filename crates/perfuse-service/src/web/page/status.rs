//! The public status page.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State as Of;
use axum::response::Html;
use maud::{Markup, html};
use perfuse_analyze::status::{State, What};
use perfuse_analyze::{Msg, Quantity};
use perfuse_render::layout::clean;
use perfuse_render::{Lang, Texts};

use super::{Document, Place, bars, class, document, icon, id_of, pill, time, title, title_of, whole, word};
use crate::incident::Incident;
use crate::now::{ComponentNow, Now};
use crate::web::guard::Asked;
use crate::web::live::{Parts, View, rendered};
use crate::web::{Shared, Web};

/// Days that past incidents stay on the page.
const RECENT: u64 = 14 * 86_400_000;
/// Components of a group that are shown one by one, at most; a larger group is closed while all is well.
const UNFOLDED: usize = 8;
/// How far ahead planned work is announced: two weeks, in milliseconds.
const AHEAD: u64 = 14 * 86_400_000;

/// The page.
pub(in crate::web) async fn page(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Html<String> {
    let made = rendered(&web, View::Status, asked.lang).await;
    let title = format!("{} · {}", web.texts(asked.lang).word("web-nav-status"), web.daemon.now().host);
    let events = Some(View::Status.stream(asked.lang, &made.version));
    document(&web, &asked, &Document { title, place: Place::Status, main: made.html.clone(), events, charts: false })
}

/// What is within `main`.
pub(in crate::web) fn main(web: &Web, now: &Now, incidents: &[Arc<Incident>], lang: Lang, parts: &Parts) -> Markup {
    let texts = web.texts(lang);
    let components: Vec<&ComponentNow> = now.components.iter().filter(|component| component.public).collect();
    let public = |incident: &&Arc<Incident>| components.iter().any(|one| one.view.name == incident.component);
    let incidents: Vec<&Arc<Incident>> = incidents.iter().filter(public).collect();
    let (open, past): (Vec<_>, Vec<_>) = incidents.into_iter().partition(|incident| incident.ended.is_none());
    let recent: Vec<_> = past.into_iter().filter(|one| one.ended.is_some_and(|end| end + RECENT > now.time)).collect();
    html! {
        (parts.live("banner", banner(&components, texts)))
        (parts.live("open", opened(web, now, &open, texts)))
        (parts.live("work", work(web, now, texts)))
        @if components.is_empty() {
            section.card.alone { h2 { (texts.word("web-empty")) } p.soft { (texts.word("web-empty-how")) } }
        }
        @for (group, members) in groups(&components) {
            @let () = parts.fixed(group);
            @let rows = html! {
                ul.components {
                    @for component in &members {
                        (parts.live(&id_of("c", &component.view.name), row(now, component, texts)))
                    }
                }
            };
            section.group aria-labelledby=[group.map(|group| id_of("g", group))] {
                @match group {
                    Some(group) if members.len() > UNFOLDED => (folded(group, &members, &rows, texts, parts)),
                    Some(group) => { h2 id=(id_of("g", group)) { (clean(group)) } (rows) }
                    None => (rows),
                }
            }
        }
        (parts.live("recent", section_recent(web, now, &recent, texts)))
    }
}

/// A group of many: it is closed while all is well, and says so.
fn folded(group: &str, members: &[&ComponentNow], rows: &Markup, texts: &Texts, parts: &Parts) -> Markup {
    let bad = members.iter().filter(|component| component.view.state.is_bad()).count();
    let worst = whole(members.iter().map(|component| &component.view)).unwrap_or(State::Unknown);
    let id = id_of("f", group);
    let (message, count) = (if bad > 0 { "web-group-bad" } else { "web-group-well" }, members.len() as u64);
    let message = Msg::new(message).with("count", count).with("bad", bad as u64);
    let sum = html! { span.sum id=(id) { span.soft { (texts.text(&message)) } (pill(worst, texts)) } };
    html! {
        details.fold open[bad > 0] {
            summary { h2 id=(id_of("g", group)) { (clean(group)) } (parts.live(&id, sum)) }
            (rows)
        }
    }
}

/// The components by group in the order of the configuration, those without a group first.
pub(super) fn groups<'c>(components: &[&'c ComponentNow]) -> Vec<(Option<&'c str>, Vec<&'c ComponentNow>)> {
    let mut groups: Vec<(Option<&str>, Vec<&ComponentNow>)> = Vec::new();
    for component in components {
        let group = component.group.as_deref();
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, members)) => members.push(component),
            None => groups.push((group, vec![component])),
        }
    }
    groups.sort_by_key(|(group, _)| group.is_some());
    groups
}

/// All of it in one sentence.
fn banner(components: &[&ComponentNow], texts: &Texts) -> Markup {
    let worst = whole(components.iter().map(|component| &component.view)).unwrap_or(State::Unknown);
    let affected = components.iter().filter(|component| component.view.state == worst).count();
    let message = match worst {
        State::Operational => "web-banner-operational",
        State::Unknown => "web-banner-unknown",
        State::Degraded => "web-banner-degraded",
        State::PartialOutage => "web-banner-partial",
        State::MajorOutage if affected == components.len() => "web-banner-major",
        State::MajorOutage => "web-banner-outage",
        State::Maintenance => "web-banner-maintenance",
    };
    html! {
        section #banner.banner.(class(worst)) role="status" aria-live="polite" {
            (icon(worst))
            h1 { (texts.word(message)) }
        }
    }
}

/// One component.
fn row(now: &Now, component: &ComponentNow, texts: &Texts) -> Markup {
    let view = &component.view;
    let name = clean(title(component, texts.lang()));
    html! {
        li.component.(class(view.state)) id=(id_of("c", &view.name)) {
            div.head {
                div.what {
                    h3 { (name) }
                    @if let Some(description) = &component.description { p.soft { (clean(description)) } }
                }
                (pill(view.state, texts))
            }
            @if let Some(root) = &view.held_by {
                p.note { (texts.text(&Msg::new("web-held").with("root", title_of(now, root, texts.lang())))) }
            }
            @if view.flapping { p.note { (texts.word("web-flapping")) } }
            @if view.ready == Some(false) && !view.state.is_bad() { p.note { (texts.word("web-not-ready")) } }
            (instances(component, texts))
            (bars::bars(&name, &component.days, texts))
        }
    }
}

/// The instances of a component that has several, each with its sign.
fn instances(component: &ComponentNow, texts: &Texts) -> Markup {
    let mut instances: BTreeMap<&str, State> = BTreeMap::new();
    for check in &component.checks {
        if let Some(instance) = &check.instance {
            let state = super::dash::state_of(check);
            let worst = instances.entry(instance).or_insert(state);
            *worst = if super::dash::rank(state) > super::dash::rank(*worst) { state } else { *worst };
        }
    }
    html! {
        @if instances.len() > 1 {
            ul.instances aria-label=(texts.word("web-instances")) {
                @for (name, state) in instances {
                    li.(class(state)) { (icon(state)) (clean(name)) span.hidden { " " (word(state, texts)) } }
                }
            }
        }
    }
}

/// Incidents that are not over.
fn opened(web: &Web, now: &Now, open: &[&Arc<Incident>], texts: &Texts) -> Markup {
    html! {
        section #open aria-label=(texts.word("web-incidents-open")) {
            @for incident in open { (story(web, now, incident, texts)) }
        }
    }
}

/// An incident with its timeline, as the public may know it: states and times.
pub(super) fn story(web: &Web, now: &Now, incident: &Incident, texts: &Texts) -> Markup {
    let title = clean(title_of(now, &incident.component, texts.lang())).into_owned();
    let headline = Msg::new("web-incident-title").with("component", title).with("state", word(incident.worst, texts));
    let length = incident.ended.unwrap_or(now.time).saturating_sub(incident.began);
    html! {
        article.card.incident.(class(incident.worst)) {
            header {
                h3 { (icon(incident.worst)) (texts.text(&headline)) }
                p.soft {
                    (time(web, incident.began))
                    " · "
                    @if incident.ended.is_some() {
                        (texts.text(&Msg::new("web-lasted").with("time", Quantity::seconds(length as f64 / 1000.0))))
                    } @else {
                        (texts.word("web-ongoing"))
                    }
                }
            }
            ol.timeline {
                @for (at, state, text) in steps(now, incident, texts) {
                    li.(class(state)) { (icon(state)) span { (text) } (time(web, at)) }
                }
            }
        }
    }
}

/// What the public is told of what happened, the newest first.
fn steps(now: &Now, incident: &Incident, texts: &Texts) -> Vec<(u64, State, String)> {
    let mut steps = Vec::new();
    for event in incident.timeline.iter().filter(|event| event.component == incident.component) {
        match &event.what {
            What::FirstFailure { .. } => {
                steps.push((event.time, State::Unknown, texts.word("web-step-first")));
            }
            What::Changed { to, held_by, .. } => {
                let text = match held_by {
                    Some(root) => texts.text(
                        &Msg::new("web-step-held")
                            .with("state", word(*to, texts))
                            .with("root", title_of(now, root, texts.lang())),
                    ),
                    None => word(*to, texts),
                };
                steps.push((event.time, *to, text));
            }
            What::Cleared if incident.ended.is_some() => {
                steps.push((event.time, State::Operational, texts.word("web-step-cleared")));
            }
            _ => {}
        }
    }
    steps.reverse();
    steps
}

/// One piece of planned work, or work that is under way.
pub(in crate::web) struct Work {
    /// From when, in milliseconds since 1970.
    pub(in crate::web) start: u64,
    /// Until when, if that is known.
    pub(in crate::web) end: Option<u64>,
    /// Names of components; empty for all.
    pub(in crate::web) components: Vec<String>,
    /// Why.
    pub(in crate::web) reason: String,
    /// Number of a window that was opened by hand.
    pub(in crate::web) id: Option<u64>,
}

/// Work under way and work of the next two weeks, the first one first.
pub(in crate::web) fn works(now: &Now) -> Vec<Work> {
    let planned = now.planned.iter().filter_map(|window| {
        let (start, end) = window.when.next(now.time)?;
        let (components, reason) = (window.components.clone(), window.reason.clone());
        (start < now.time + AHEAD).then_some(Work { start, end: Some(end), components, reason, id: None })
    });
    let by_hand = now.ad_hoc.iter().filter(|window| window.end.is_none_or(|end| end > now.time)).map(|window| Work {
        start: window.start,
        end: window.end,
        components: window.components.clone(),
        reason: window.reason.clone(),
        id: Some(window.id),
    });
    let mut all: Vec<Work> = planned.chain(by_hand).collect();
    all.sort_by_key(|work| work.start);
    all
}

/// From when to when.
pub(super) fn span(web: &Web, work: &Work, texts: &Texts) -> Markup {
    html! {
        (time(web, work.start)) " – "
        @match work.end { Some(end) => (time(web, end)), None => (texts.word("web-open-end")) }
    }
}

/// The components of some work in words.
pub(super) fn concerned(now: &Now, work: &Work, public: bool, texts: &Texts) -> String {
    let shown = |name: &&String| !public || now.components.iter().any(|one| one.public && one.view.name == **name);
    let names: Vec<&str> = work.components.iter().filter(shown).map(|name| title_of(now, name, texts.lang())).collect();
    if work.components.is_empty() { texts.word("web-all-components") } else { clean(&names.join(", ")).into_owned() }
}

/// Planned work, and work under way.
fn work(web: &Web, now: &Now, texts: &Texts) -> Markup {
    let works: Vec<(Work, String)> = works(now)
        .into_iter()
        .map(|work| {
            let names = concerned(now, &work, true, texts);
            (work, names)
        })
        .filter(|(_, names)| !names.is_empty())
        .collect();
    html! {
        section #work aria-label=(texts.word("web-work")) {
            @for (work, names) in &works {
                @let under_way = work.start <= now.time;
                article.card.incident.s-maintenance {
                    header {
                        h3 { (icon(State::Maintenance)) (texts.word(if under_way { "web-work-now" } else { "web-work-planned" })) }
                        p.soft { (span(web, work, texts)) }
                    }
                    p { strong { (names) } @if !work.reason.is_empty() { " — " (clean(&work.reason)) } }
                }
            }
        }
    }
}

fn section_recent(web: &Web, now: &Now, recent: &[&Arc<Incident>], texts: &Texts) -> Markup {
    html! {
        section #recent {
            h2 { (texts.word("web-recent")) }
            @if recent.is_empty() { p.soft { (texts.word("web-recent-none")) } }
            @for incident in recent { (story(web, now, incident, texts)) }
            p { a href="/history" { (texts.word("web-history-more")) } }
        }
    }
}
