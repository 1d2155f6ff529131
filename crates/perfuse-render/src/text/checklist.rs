//! The checklist, the controls, and what could not be measured.

use std::collections::BTreeMap;

use perfuse_analyze::{Kind, Resource, Verdict};

use super::page::{Column, Page, Span, Tone, column, span};
use super::{mark, marked, tone, verdict_word};
use crate::i18n::Texts;
use crate::layout::{fit, pad, width};
use crate::report::{Cell, Report};

/// From this width on, everything about a cell stands on one line.
const WIDE: usize = 120;

pub(super) fn cells(page: &mut Page, report: &Report, texts: &Texts) {
    page.heading(&texts.word("report-checklist"));
    page.flow(0, "   ", &legend(texts));
    page.blank();
    overview(page, report, texts);
    page.blank();
    page.heading(&texts.word("report-numbers"));
    for resource in Resource::ALL {
        let of_it: Vec<&Cell> = report.cells.iter().filter(|cell| cell.resource == resource).collect();
        if of_it.is_empty() {
            continue;
        }
        page.line(&[span(Tone::Strong, &texts.word(&format!("resource-{}", resource.id())))]);
        for cell in of_it {
            let name = cell.kind.map_or(String::new(), |kind| texts.word(&format!("kind-{}", kind.id())));
            row(page, cell, &name, 12, texts);
        }
    }
}

pub(super) fn controls(page: &mut Page, report: &Report, texts: &Texts) {
    page.heading(&texts.word("report-controls"));
    let widest = report.controls.iter().map(|cell| width(&cell.title)).max().unwrap_or(0).clamp(12, 28);
    for cell in &report.controls {
        row(page, cell, &cell.title, widest, texts);
    }
}

/// All cells at a glance: a line a resource, a column a kind.
fn overview(page: &mut Page, report: &Report, texts: &Texts) {
    let names = Resource::ALL.map(|resource| texts.word(&format!("resource-{}", resource.id())));
    let name_width = names.iter().map(|name| width(name)).max().unwrap_or(0) + 2;
    let room = (page.width - name_width) / 3;
    let column_width = room.min(30);
    let mut head = vec![span(Tone::Plain, &" ".repeat(name_width))];
    for kind in Kind::ALL {
        let word = texts.word(&format!("kind-{}", kind.id()));
        head.push(span(Tone::Dim, &pad(&format!("  {word}"), column_width)));
    }
    page.line(&head);
    for (resource, name) in Resource::ALL.into_iter().zip(&names) {
        let mut line = vec![span(Tone::Plain, &pad(name, name_width))];
        for kind in Kind::ALL {
            let cell = report.cells.iter().find(|cell| cell.resource == resource && cell.kind == Some(kind));
            let Some(cell) = cell else {
                line.push(span(Tone::Plain, &" ".repeat(column_width)));
                continue;
            };
            let loud = if cell.verdict > Verdict::Ok { tone(cell.verdict) } else { Tone::Plain };
            let quiet = if cell.verdict < Verdict::Ok { Tone::Dim } else { loud };
            line.push(marked(cell.verdict));
            line.push(span(quiet, &pad(&format!(" {}", value(cell, texts)), column_width - 1)));
        }
        page.line(&line);
    }
}

/// The marks and what they mean.
fn legend(texts: &Texts) -> Vec<Span> {
    let one = |verdict| span(tone(verdict), &format!("{} {}", mark(verdict), verdict_word(verdict, texts)));
    Verdict::ALL.into_iter().rev().map(one).collect()
}

/// One cell or control: mark, name, value, the busiest part, source, command.
fn row(page: &mut Page, cell: &Cell, name: &str, name_width: usize, texts: &Texts) {
    let value = value(cell, texts);
    let loud = if cell.verdict > Verdict::Ok { tone(cell.verdict) } else { Tone::Plain };
    let source = source(cell);
    let mut columns: Vec<Column> = vec![
        column(1, tone(cell.verdict), mark(cell.verdict)),
        column(name_width, loud, name),
        column(14, loud, &value),
    ];
    if page.width >= WIDE {
        let half = (page.width - name_width - 33) / 4;
        columns.push(column(half, Tone::Plain, &fit(&top(cell, texts), half * 2)));
        columns.push(column(half, Tone::Dim, &source));
        columns.push(column(0, Tone::Command, cell.by_hand));
        page.columns(2, &columns);
    } else {
        let room = page.width - name_width - 23;
        columns.push(column(0, Tone::Plain, &fit(&top(cell, texts), room)));
        page.columns(2, &columns);
        if !source.is_empty() {
            page.paragraph(name_width + 7, None, Tone::Dim, &source);
        }
        page.paragraph(name_width + 7, Some((2, span(Tone::Dim, "$"))), Tone::Command, cell.by_hand);
    }
}

/// The headline number, or the verdict's word where there is none.
pub(crate) fn value(cell: &Cell, texts: &Texts) -> String {
    match cell.value {
        Some(value) => texts.quantity(value.0),
        None => verdict_word(cell.verdict, texts),
    }
}

/// File and counter of the first evidence.
fn source(cell: &Cell) -> String {
    cell.evidence.first().map_or(String::new(), |evidence| format!("{} {}", evidence.source, evidence.metric))
}

/// The worst part with its number.
pub(crate) fn top(cell: &Cell, texts: &Texts) -> String {
    cell.instances.first().map_or(String::new(), |worst| format!("{} {}", worst.name, texts.quantity(worst.value.0)))
}

/// Every cell that could not be read: why, how to make it readable, and who could know. Cells with the same answer
/// stand together.
pub(super) fn unmeasured(page: &mut Page, report: &Report, texts: &Texts) {
    let mut groups: Vec<(Vec<&str>, &Cell)> = Vec::new();
    let mut index: BTreeMap<_, usize> = BTreeMap::new();
    for cell in report.all().filter(|cell| cell.verdict == Verdict::Unmeasurable) {
        let key = (&cell.reason, &cell.enable, &cell.who_could_know);
        let at = *index.entry(key).or_insert(groups.len());
        match groups.get_mut(at) {
            Some((titles, _)) => titles.push(&cell.title),
            None => groups.push((vec![&cell.title], cell)),
        }
    }
    if groups.is_empty() {
        return;
    }
    page.blank();
    page.heading(&texts.word("report-unmeasured"));
    let labels = ["report-reason", "report-enable", "report-who"].map(|id| texts.word(id));
    let label_width = labels.iter().map(|label| width(label)).max().unwrap_or(0) + 2;
    for (titles, cell) in groups {
        page.paragraph(0, Some((4, span(Tone::Dim, "  ?"))), Tone::Strong, &titles.join(", "));
        for (label, text) in labels.iter().zip([&cell.reason, &cell.enable, &cell.who_could_know]) {
            if let Some(text) = text {
                page.paragraph(4, Some((label_width, span(Tone::Dim, label))), Tone::Plain, text);
            }
        }
    }
}

/// Every cell without meaning here, with the reason.
pub(super) fn not_applicable(page: &mut Page, report: &Report, texts: &Texts) {
    let all: Vec<&Cell> = report.all().filter(|cell| cell.verdict == Verdict::NotApplicable).collect();
    if all.is_empty() {
        return;
    }
    page.blank();
    page.heading(&texts.word("report-not-applicable"));
    let widest = all.iter().map(|cell| width(&cell.title)).max().unwrap_or(0).min(30);
    for cell in all {
        let reason = cell.reason.as_deref().unwrap_or("");
        page.columns(
            2,
            &[column(1, Tone::Dim, "–"), column(widest, Tone::Plain, &cell.title), column(0, Tone::Dim, reason)],
        );
    }
}

/// What the host does not allow; what it allows needs no words.
pub(super) fn capabilities(page: &mut Page, report: &Report, texts: &Texts) {
    let missing: Vec<_> = report.capabilities.iter().filter(|one| !one.available).collect();
    if missing.is_empty() {
        return;
    }
    page.blank();
    page.heading(&texts.word("report-capabilities-missing"));
    for one in missing {
        let reason = one.reason.as_deref().unwrap_or(&one.title);
        page.paragraph(0, Some((4, span(Tone::Dim, "  –"))), Tone::Plain, reason);
        if let Some(enable) = &one.enable {
            page.paragraph(4, Some((2, span(Tone::Dim, "›"))), Tone::Dim, enable);
        }
    }
}
