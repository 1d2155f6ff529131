//! The report as one page that needs nothing else: no script, no font, no image from anywhere.
//!
//! Every text goes through maud, which escapes it; names that come from the host are also freed of marks that
//! reorder or hide text. The page forbids itself, by policy, to load or run anything.

mod cell;
mod chart;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use perfuse_analyze::{Kind, Resource, Verdict};

use crate::i18n::Texts;
use crate::layout::clean;
use crate::report::{Cell, Finding, Report};
use crate::text::{cost_lines, facts, host_facts, mark, verdict_line, verdict_of, verdict_word, who};

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub fn page(report: &Report, texts: &Texts) -> String {
    let title = format!("{} · {}", texts.word("report-title"), report.host.hostname);
    let body = html! {
        header {
            h1 { (clean(&title)) }
            ul.facts { @for fact in host_facts(report, texts) { li { (clean(&fact)) } } }
            p class={ "banner " (banner(report).id()) } {
                span.mark { (mark(banner(report))) } (verdict_line(report, texts))
            }
        }
        main {
            (findings(report, texts))
            (grid(report, texts))
            (controls(report, texts))
            (unmeasured(report, texts))
            (capabilities(report, texts))
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

/// A page that needs nothing else, and may load and run nothing.
pub(crate) fn document(title: &str, texts: &Texts, body: &Markup) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang=(texts.lang().id()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                meta name="referrer" content="no-referrer";
                link rel="icon" href="data:,";
                title { (clean(title)) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    markup.into_string()
}

/// A cell or control that opens: its numbers, parts, evidence and history. Without styles of its own, for pages that forbid
/// them.
pub fn cell(report: &Report, cell: &Cell, texts: &Texts) -> Markup {
    cell::details(report, cell, "", texts)
}

/// The verdict of the host as a whole.
fn banner(report: &Report) -> Verdict {
    match (report.worst(), report.healthy) {
        (_, Some(true)) => Verdict::Ok,
        (_, None) => Verdict::Unmeasurable,
        (Some(severity), _) => verdict_of(severity),
        _ => Verdict::Watch,
    }
}

fn findings(report: &Report, texts: &Texts) -> Markup {
    html! {
        @if !report.findings.is_empty() {
            h2 { (texts.word("report-findings")) }
            @for finding in &report.findings { (self::finding(finding, texts)) }
        }
    }
}

/// A finding as a card: what, who, the chain to it, and what to do.
pub fn finding(finding: &Finding, texts: &Texts) -> Markup {
    let verdict = verdict_of(finding.severity);
    html! {
        article class={ "finding " (verdict.id()) } {
            header {
                h3 { span.mark { (mark(verdict)) } (finding.rank) ". " (clean(&finding.title)) }
                span.word { (verdict_word(verdict, texts)) }
                @for fact in facts(finding, texts) { span.soft { (clean(&fact)) } }
            }
            p { (clean(&finding.summary)) }
            dl {
                dt { (texts.word("report-culprit")) }
                dd { strong { (clean(&who(&finding.culprit, texts))) } }
                @if !finding.victims.is_empty() {
                    dt { (texts.word("report-victims")) }
                    dd { ul { @for victim in &finding.victims { li { (clean(&who(victim, texts))) } } } }
                }
                @if !finding.chain.is_empty() {
                    dt { (texts.word("report-chain")) }
                    dd { (chain(finding)) }
                }
                @for (index, advice) in finding.advice.iter().enumerate() {
                    dt { @if index == 0 { (texts.word("report-advice")) } }
                    dd {
                        (clean(&advice.text))
                        @if let Some(command) = &advice.command { br; code { (clean(command)) } }
                        br;
                        span.soft { (texts.word("report-expect")) ": " (clean(&advice.expect)) }
                    }
                }
            }
        }
    }
}

/// The steps from the symptom to the cause; a step that begins where the last one ended is not repeated.
fn chain(finding: &Finding) -> Markup {
    let mut before = "";
    html! {
        ol.chain {
            @for link in &finding.chain {
                @let repeated = std::mem::replace(&mut before, &link.to) == link.from;
                @if !repeated { li { (clean(&link.from)) } }
                li { (clean(&link.to)) " " span.num { "[" (clean(&link.evidence)) "]" } }
            }
        }
    }
}

/// Resources by kinds. A cell that is opened moves below its row and takes the whole width; what stays in its
/// place is its faint copy.
fn grid(report: &Report, texts: &Texts) -> Markup {
    html! {
        h2 { (texts.word("report-checklist")) }
        ul.legend {
            @for verdict in Verdict::ALL.into_iter().rev() {
                li class=(verdict.id()) { span.mark { (mark(verdict)) } (verdict_word(verdict, texts)) }
            }
        }
        div.grid {
            span.head {}
            @for kind in Kind::ALL { span.head { (texts.word(&format!("kind-{}", kind.id()))) } }
            @for (row, resource) in Resource::ALL.into_iter().enumerate() {
                @let line = row * 4 + 2;
                span.name style={ "grid-row:" (line) ";grid-column:1" } {
                    (texts.word(&format!("resource-{}", resource.id())))
                }
                @for (column, kind) in Kind::ALL.into_iter().enumerate() {
                    @if let Some(cell) = find(report, resource, kind) {
                        span.ghost.(cell.verdict.id()) aria-hidden="true" style={ "grid-row:" (line) ";grid-column:" (column + 2) } {
                            span.mark { (mark(cell.verdict)) } (clean(&crate::text::value(cell, texts)))
                        }
                        @let place = format!("--r:{line};--k:{};--o:{}", column + 2, line + column + 1);
                        (cell::details(report, cell, &place, texts))
                    }
                }
            }
        }
    }
}

fn find(report: &Report, resource: Resource, kind: Kind) -> Option<&Cell> {
    report.cells.iter().find(|cell| cell.resource == resource && cell.kind == Some(kind))
}

fn controls(report: &Report, texts: &Texts) -> Markup {
    html! {
        h2 { (texts.word("report-controls")) }
        div.controls { @for cell in &report.controls { (cell::details(report, cell, "", texts)) } }
    }
}

/// All that could not be read, in one table: in print the cells are closed.
fn unmeasured(report: &Report, texts: &Texts) -> Markup {
    let all: Vec<&Cell> = report.all().filter(|cell| cell.verdict == Verdict::Unmeasurable).collect();
    let heads = ["report-cell", "report-reason", "report-enable", "report-who"];
    html! {
        @if !all.is_empty() {
            h2 { (texts.word("report-unmeasured")) }
            div.scroll {
                table {
                    thead { tr { @for head in heads { th { (texts.word(head)) } } } }
                    tbody {
                        @for cell in all {
                            tr {
                                td { (clean(&cell.title)) }
                                @for text in [&cell.reason, &cell.enable, &cell.who_could_know] {
                                    td { (clean(text.as_deref().unwrap_or(""))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn capabilities(report: &Report, texts: &Texts) -> Markup {
    html! {
        @if !report.capabilities.is_empty() {
            h2 { (texts.word("report-capabilities")) }
            div.scroll {
                table {
                    tbody {
                        @for one in &report.capabilities {
                            @let verdict = if one.available { Verdict::Ok } else { Verdict::Unmeasurable };
                            tr {
                                td class=(verdict.id()) { span.mark { (if one.available { "✓" } else { "–" }) } (clean(&one.title)) }
                                td { (clean(one.reason.as_deref().unwrap_or(""))) }
                                td.soft { (clean(one.enable.as_deref().unwrap_or(""))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{checklist, context};
    use crate::{Lang, golden};

    fn made(sick: bool, lang: Lang) -> String {
        let texts = Texts::core(lang);
        page(&Report::new(&checklist(sick), &context(), &texts), &texts)
    }

    #[test]
    fn the_pages() {
        for lang in Lang::ALL {
            golden::check(&format!("use-{}.html", lang.id()), &made(true, lang));
        }
    }

    #[test]
    fn hostile_names_stay_text() {
        let page = made(true, Lang::En);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        for forbidden in
            ["<script", "<img", "<b>", "\u{1b}", "\u{7}", "javascript:", "http://", "https://", "@import", "url("]
        {
            assert!(!page.contains(forbidden), "{forbidden:?}");
        }
    }

    #[test]
    fn every_cell_and_control_is_there_and_every_tag_is_closed() {
        let page = made(false, Lang::Ko);
        assert!(page.starts_with("<!DOCTYPE html><html lang=\"ko\">"));
        assert_eq!(page.matches("<details").count(), 42 + 20);
        for tag in
            ["details", "summary", "div", "span", "table", "tr", "td", "svg", "article", "dl", "ul", "ol", "li", "main"]
        {
            let opened = page.matches(&format!("<{tag} ")).count() + page.matches(&format!("<{tag}>")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}
