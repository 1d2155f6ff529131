//! The answer as one page that needs nothing else, with the states as a picture.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use maud::{Markup, PreEscaped, html};
use perfuse_analyze::{Msg, Quantity, Severity, Verdict};

use super::probe::headings;
use super::{Probe, ResourceLine, StateLine, Time, WhyReport};
use crate::html::{document, finding};
use crate::i18n::Texts;
use crate::layout::clean;
use crate::text::{cost_lines, facts_of, mark, verdict_of, who};

/// Width and height of the picture in user units.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 36.0;

/// The whole page. `flames` are flame graphs as SVG with their titles, made by [`crate::flame`].
pub fn page(report: &WhyReport, flames: &[(String, String)], texts: &Texts) -> String {
    let title = format!("{} · {}", texts.word("why-title"), report.host.hostname);
    let verdict = match (report.worst(), report.healthy) {
        (_, Some(true)) => Verdict::Ok,
        (_, None) => Verdict::Unmeasurable,
        (Some(severity), _) if severity > Severity::Watch => verdict_of(severity),
        _ => Verdict::Watch,
    };
    let body = html! {
        header {
            h1 { (clean(&title)) }
            ul.facts {
                @if let Some(victim) = &report.victim { li { strong { (clean(&who(victim, texts))) } } }
                @for fact in facts_of(&report.host, &report.started, report.duration_s, texts) { li { (clean(&fact)) } }
            }
            p class={ "banner " (verdict.id()) } { span.mark { (mark(verdict)) } (clean(&report.headline(texts))) }
        }
        main {
            @if !report.findings.is_empty() {
                h2 { (texts.word("why-causes")) }
                @for cause in &report.findings { (finding(&cause.finding, texts)) }
            }
            @if let Some(probe) = &report.probe { (requests(probe, texts)) }
            @if report.whole() {
                h2 { (texts.word("why-time-host")) }
                (host(&report.time, texts))
            } @else {
                h2 { (texts.word("why-time")) }
                (picture(&report.time, texts))
            }
            @for server in report.first_servers() {
                h3 { (clean(&texts.text(&Msg::new("why-server")
                    .with("client", server.client.label(texts))
                    .with("server", server.process.label(texts))
                    .with("seconds", Quantity::wait(server.spent_s_per_s))))) }
                (picture(&server.time, texts))
            }
            @if let Some(more) = report.more_servers(texts) { p.soft { (more) } }
            @for (title, svg) in flames {
                h2 { (clean(title)) }
                // As an image: scripts inside it do not run, and this page allows none.
                img alt=(clean(title)) style="width:100%" src={ "data:image/svg+xml;base64," (STANDARD.encode(svg)) };
            }
            @if !report.cannot_tell.is_empty() {
                h2 { (texts.word("why-cannot-tell")) }
                ul { @for line in &report.cannot_tell { li { (clean(line)) } } }
            }
        }
        footer {
            @if let Some(cost) = &report.own_cost {
                @for line in cost_lines(cost, texts) { p { (clean(&line)) } }
            }
            p { "perfuse " (env!("CARGO_PKG_VERSION")) " · " (report.schema) }
        }
    };
    document(&title, texts, &body)
}

/// What asking the URL took.
fn requests(probe: &Probe, texts: &Texts) -> Markup {
    html! {
        h2 { (clean(&texts.text(&Msg::new("probe-title").with("url", &probe.url)))) }
        ul.facts { @for fact in probe.facts(texts) { li { (clean(&fact)) } } }
        div.scroll {
            table {
                thead { tr { @for heading in headings(texts) { th { (clean(&heading)) } } } }
                tbody {
                    @for row in probe.rows(texts) {
                        tr { td { (clean(&row[0])) } @for text in &row[1..] { td.num { (clean(text)) } } }
                    }
                }
            }
        }
    }
}

/// One line of a picture.
struct Line<'a> {
    id: &'a str,
    family: &'a str,
    title: &'a str,
    ratio: f64,
    s_per_s: f64,
    more: Markup,
}

/// What all threads together were held up by.
fn host(time: &Time, texts: &Texts) -> Markup {
    let line = |line: &'_ ResourceLine| (line.family, line.ratio, line.s_per_s);
    let lines: Vec<Line> = time
        .resources
        .iter()
        .map(|one| {
            let (family, ratio, s_per_s) = line(one);
            Line { id: one.id, family, title: &one.title, ratio, s_per_s, more: Markup::default() }
        })
        .collect();
    let idle = Quantity::wait((time.total_s_per_s - time.active_s_per_s).max(0.0));
    let total = Msg::new("why-total-host").with("active", Quantity::wait(time.active_s_per_s)).with("idle", idle);
    html! { (bars(&lines, texts)) p.soft { (clean(&texts.text(&total))) } }
}

/// The states of some processes.
fn picture(time: &Time, texts: &Texts) -> Markup {
    let more = |line: &StateLine| {
        html! {
            @for waker in line.wakers.iter().take(2) { "← " (clean(&waker.process.label(texts))) " " }
            @for place in line.places.iter().take(2) { code { (clean(&place.function)) } " " }
        }
    };
    let lines: Vec<Line> = time
        .states
        .iter()
        .map(|line| Line {
            id: line.id,
            family: line.family,
            title: &line.title,
            ratio: line.ratio,
            s_per_s: line.s_per_s,
            more: more(line),
        })
        .collect();
    let total = Msg::new("why-total").with("total", Quantity::wait(time.total_s_per_s));
    html! { (bars(&lines, texts)) p.soft { (clean(&texts.text(&total))) } }
}

/// One bar that is the whole time, and the table of what it is made of.
fn bars(lines: &[Line], texts: &Texts) -> Markup {
    let mut shapes = String::new();
    let mut at = 0.0;
    for line in lines {
        let long = line.ratio * WIDTH;
        let (x, long_text) = (at, long.max(0.0));
        let _ = write!(
            shapes,
            "<rect x=\"{x:.2}\" width=\"{long_text:.2}\" height=\"{HEIGHT}\" fill=\"{}\"></rect>",
            color(line.family, line.id)
        );
        at += long;
    }
    let share = |ratio: f64| texts.quantity(Quantity::ratio(ratio));
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" style="width:100%;height:2.4rem" role="img"
            aria-label=(texts.word("why-time")) { (PreEscaped(shapes)) }
        div.scroll {
            table {
                tbody {
                    @for line in lines.iter().filter(|line| line.ratio >= 0.0005) {
                        tr {
                            td { span style={ "display:inline-block;width:.8em;height:.8em;background:" (color(line.family, line.id)) } {} " " (clean(line.title)) }
                            td.num { (share(line.ratio)) }
                            td.num { (texts.quantity(Quantity::wait(line.s_per_s))) }
                            td.soft { (line.more) }
                        }
                    }
                }
            }
        }
    }
}

/// A hue for each family, and shades within it by the name.
fn color(family: &str, id: &str) -> String {
    let hue = match family {
        "running" => 140,
        "waiting" => 12,
        "peer" => 45,
        "idle" => 215,
        _ => 0,
    };
    let shade = id.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 24;
    let saturation = if family == "unknown" { 0 } else { 62 };
    format!("hsl({hue} {saturation}% {}%)", 42 + shade)
}
