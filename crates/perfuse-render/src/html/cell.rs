//! One cell: closed, its mark, number and small chart; opened, everything about it.

use maud::{Markup, html};

use super::chart;
use crate::i18n::Texts;
use crate::layout::clean;
use crate::report::{Cell, Report};
use crate::text::{instance_table, mark, top, value, verdict_of, verdict_word, who};

/// The cell as an element that opens; `place` sets its place in a grid.
pub(super) fn details(report: &Report, cell: &Cell, place: &str, texts: &Texts) -> Markup {
    let class = if place.is_empty() { "" } else { "cell " };
    html! {
        details class={ (class) (cell.verdict.id()) } id=(cell.id) style=[(!place.is_empty()).then_some(place)] {
            summary title=(clean(&cell.title)) {
                span.mark aria-label=(verdict_word(cell.verdict, texts)) { (mark(cell.verdict)) }
                span.title { (clean(&cell.title)) }
                span.value { (clean(&value(cell, texts))) }
                @if !place.is_empty() { span.top { (clean(&top(cell, texts))) } }
                (chart::spark(cell))
            }
            div.body {
                (labelled(cell, texts))
                (findings(report, cell))
                @if cell.history.len() > 1 {
                    h3 { (texts.word("report-history")) }
                    (chart::history(cell, texts))
                }
                (instances(cell, texts))
                (evidence(cell, texts))
                (culprits(cell, texts))
            }
        }
    }
}

fn labelled(cell: &Cell, texts: &Texts) -> Markup {
    let lines = [
        ("report-reason", &cell.reason),
        ("report-enable", &cell.enable),
        ("report-who", &cell.who_could_know),
        ("report-note", &cell.note),
    ];
    html! {
        dl {
            dt { (texts.word("report-verdict")) }
            dd { span.word { (verdict_word(cell.verdict, texts)) } " " span.soft { (cell.id) } }
            @for (label, text) in lines {
                @if let Some(text) = text { dt { (texts.word(label)) } dd { (clean(text)) } }
            }
            dt { (texts.word("report-by-hand")) }
            dd { code { (cell.by_hand) } }
        }
    }
}

fn findings(report: &Report, cell: &Cell) -> Markup {
    let concerned: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.cell == cell.id || finding.control == Some(cell.id.as_str()))
        .collect();
    html! {
        @if !concerned.is_empty() {
            ul.plain {
                @for finding in concerned {
                    li class=(finding.severity.id()) {
                        span.mark { (mark(verdict_of(finding.severity))) } (finding.rank) ". " (clean(&finding.summary))
                    }
                }
            }
        }
    }
}

fn instances(cell: &Cell, texts: &Texts) -> Markup {
    let (headings, rows) = instance_table(&cell.instances, texts);
    html! {
        @if !cell.instances.is_empty() {
            h3 { (texts.word("report-instances")) }
            div.scroll {
                table {
                    thead { tr {
                        th { (texts.word("report-instance")) }
                        @for heading in &headings { th.n { (heading) } }
                    } }
                    tbody {
                        @for (instance, row) in cell.instances.iter().zip(&rows) {
                            tr {
                                td class=(instance.verdict.id()) {
                                    span.mark aria-label=(verdict_word(instance.verdict, texts)) { (mark(instance.verdict)) }
                                    (clean(&instance.name))
                                }
                                @for number in row { td.n { (number) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn evidence(cell: &Cell, texts: &Texts) -> Markup {
    html! {
        @if !cell.evidence.is_empty() {
            h3 { (texts.word("report-evidence")) }
            div.scroll {
                table {
                    thead { tr {
                        th { (texts.word("report-source")) }
                        th { (texts.word("report-metric")) }
                        th.n { (texts.word("report-value")) }
                        th { (texts.word("report-by-hand")) }
                    } }
                    tbody {
                        @for one in &cell.evidence {
                            tr {
                                td { (clean(&one.source)) }
                                td { (clean(&one.metric)) }
                                td.n { (texts.quantity(one.value.0)) }
                                td { @if let Some(command) = &one.by_hand { code { (clean(command)) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn culprits(cell: &Cell, texts: &Texts) -> Markup {
    html! {
        @if !cell.culprits.is_empty() {
            h3 { (texts.word("report-culprits")) }
            ul.plain { @for entity in &cell.culprits { li { (clean(&who(entity, texts))) } } }
        }
    }
}
