//! The answer as one page that needs nothing else, with the states as a picture.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use maud::{Markup, PreEscaped, html};
use perfuse_analyze::{Msg, Quantity, Severity, Verdict};

use super::{Time, WhyReport};
use crate::html::{document, one_finding};
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
            h2 { (texts.word("why-time")) }
            (picture(&report.time, texts))
            @for server in &report.servers {
                h3 { (clean(&texts.text(&Msg::new("why-server")
                    .with("client", server.client.label(texts))
                    .with("server", server.process.label(texts))
                    .with("seconds", Quantity::wait(server.spent_s_per_s))))) }
                (picture(&server.time, texts))
            }
            @if !report.findings.is_empty() {
                h2 { (texts.word("why-causes")) }
                @for cause in &report.findings { (one_finding(&cause.finding, texts)) }
            }
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

/// One bar that is the whole time, and the table of what it is made of.
fn picture(time: &Time, texts: &Texts) -> Markup {
    let mut shapes = String::new();
    let mut at = 0.0;
    for line in &time.states {
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
                    @for line in time.states.iter().filter(|line| line.ratio >= 0.0005) {
                        tr {
                            td { span style={ "display:inline-block;width:.8em;height:.8em;background:" (color(line.family, line.id)) } {} " " (clean(&line.title)) }
                            td.num { (share(line.ratio)) }
                            td.num { (texts.quantity(Quantity::wait(line.s_per_s))) }
                            td.soft {
                                @for waker in line.wakers.iter().take(2) { "← " (clean(&waker.process.label(texts))) " " }
                                @for place in line.places.iter().take(2) { code { (clean(&place.function)) } " " }
                            }
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
