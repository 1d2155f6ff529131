//! The checklist of the host: every cell and control with its numbers, and what the handbook says of it.

use axum::Extension;
use axum::extract::State as Of;
use axum::response::Html;
use maud::{Markup, html};
use perfuse_analyze::{Kind, Resource, Verdict};
use perfuse_render::Texts;
use perfuse_render::handbook;
use perfuse_render::html::{cell, finding};
use perfuse_render::layout::clean;
use perfuse_render::report::Report;
use perfuse_render::text::{mark, verdict_word};

use super::{Document, Place, dash, document};
use crate::web::Shared;
use crate::web::guard::Asked;

/// The page.
pub(in crate::web) async fn page(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Html<String> {
    let texts = web.texts(asked.lang);
    let now = web.daemon.now();
    let main = html! {
        h1 { (texts.word("report-checklist")) }
        @match dash::report(&now, texts) {
            None => p.soft { (texts.word("web-use-none")) },
            Some(report) => (checklist(&report, texts)),
        }
    };
    let title = format!("{} · {}", texts.word("report-checklist"), now.host);
    document(&web, &asked, &Document { title, place: Place::Checklist, main, events: None, charts: false })
}

fn checklist(report: &Report, texts: &Texts) -> Markup {
    html! {
        ul.legend {
            @for verdict in Verdict::ALL.into_iter().rev() {
                li.v.(verdict.id()) { span.mark { (mark(verdict)) } (verdict_word(verdict, texts)) }
            }
        }
        @if !report.findings.is_empty() {
            section { h2 { (texts.word("report-findings")) } @for one in &report.findings { (finding(one, texts)) } }
        }
        @for resource in Resource::ALL {
            @let cells: Vec<_> = Kind::ALL.into_iter()
                .filter_map(|kind| report.cells.iter().find(|cell| cell.resource == resource && cell.kind == Some(kind))).collect();
            @if !cells.is_empty() {
                section {
                    h2 { (texts.word(&format!("resource-{}", resource.id()))) }
                    div.cells { @for one in cells { (explained(report, one, texts)) } }
                }
            }
        }
        section {
            h2 { (texts.word("report-controls")) }
            div.cells { @for one in &report.controls { (explained(report, one, texts)) } }
        }
    }
}

/// A cell, and below it what the handbook says.
fn explained(report: &Report, one: &perfuse_render::report::Cell, texts: &Texts) -> Markup {
    html! {
        div.explained.v.(one.verdict.id()) {
            (cell(report, one, texts))
            @if let Some(entry) = handbook::find(&one.id, texts.lang()) { (explanation(entry, texts)) }
        }
    }
}

fn explanation(entry: &handbook::Entry, texts: &Texts) -> Markup {
    html! {
        details.book {
            summary { (texts.word("web-explain")) ": " (entry.title) }
            div.body {
                p { (entry.meaning) }
                dl {
                    @for (label, text) in [("web-book-source", &entry.source), ("web-book-trap", &entry.traps), ("web-book-next", &entry.next)] {
                        @if !text.is_empty() { dt { (texts.word(label)) } dd { (clean(text)) } }
                    }
                }
                @for command in &entry.commands { pre { code { (command) } } }
            }
        }
    }
}
