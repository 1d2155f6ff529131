//! Everything about one cell.

use perfuse_analyze::{Msg, Quantity, Verdict};

use super::numbers::{NumberRow, numbers};
use super::page::{Page, Tone, column, span};
use super::{findings, mark, marked, tone, verdict_word};
use crate::i18n::Texts;
use crate::layout::{chart, clean, pad_left, width};
use crate::report::{Cell, Instance, Report};

pub(super) fn cell(page: &mut Page, report: &Report, cell: &Cell, texts: &Texts) {
    let mut head = vec![
        span(tone(cell.verdict), mark(cell.verdict)),
        span(Tone::Plain, " "),
        span(Tone::Strong, &cell.title),
        span(Tone::Dim, &format!("  {}  ", cell.id)),
        span(tone(cell.verdict), &verdict_word(cell.verdict, texts)),
    ];
    if let Some(value) = cell.value {
        head.push(span(Tone::Plain, "  "));
        head.push(span(Tone::Strong, &texts.quantity(value.0)));
    }
    page.line(&head);
    let labelled = [
        ("report-reason", &cell.reason),
        ("report-enable", &cell.enable),
        ("report-who", &cell.who_could_know),
        ("report-note", &cell.note),
    ];
    let by_hand = Some(cell.by_hand.to_owned());
    let labelled = labelled.into_iter().chain([("report-by-hand", &by_hand)]);
    let shown: Vec<_> = labelled.filter_map(|(id, text)| Some((texts.word(id), text.as_ref()?))).collect();
    let label_width = shown.iter().map(|(label, _)| width(label)).max().unwrap_or(0) + 2;
    for (label, text) in shown {
        page.paragraph(2, Some((label_width, span(Tone::Dim, &label))), Tone::Plain, text);
    }
    page.blank();
    findings::of_cell(page, report, &cell.id, texts);
    page.blank();
    history(page, cell, texts);
    instances(page, cell, texts);
    evidence(page, cell, texts);
    culprits(page, cell, texts);
}

fn history(page: &mut Page, cell: &Cell, texts: &Texts) {
    let values: Vec<f64> = cell.history.iter().map(|(_, value)| *value).collect();
    let room = page.width.saturating_sub(4);
    // Few samples are drawn broad, so that they can be seen.
    let broad = (40 / values.len().max(1)).clamp(1, 6);
    let wide: Vec<f64> = values.iter().flat_map(|value| std::iter::repeat_n(*value, broad)).collect();
    let flat = values.windows(2).all(|pair| pair[0].total_cmp(&pair[1]).is_eq());
    let rows = chart(&wide, room, if flat { 1 } else { 3 });
    if rows.is_empty() || values.len() < 2 {
        return;
    }
    page.line(&[
        span(Tone::Heading, &texts.word("report-history")),
        span(Tone::Dim, &format!("   {}", range(cell, texts))),
    ]);
    for row in rows {
        page.line(&[span(Tone::Plain, "  "), span(tone(cell.verdict), &row)]);
    }
    page.blank();
}

/// Lowest and highest value of the history, and its length.
pub(crate) fn range(cell: &Cell, texts: &Texts) -> String {
    let unit = cell.value.map_or(perfuse_analyze::Unit::Count, |value| value.0.unit);
    let values = || cell.history.iter().map(|(_, value)| *value);
    let say = |number: f64| Quantity::checked(number, unit).map_or(String::new(), |value| texts.quantity(value));
    let ends = (cell.history.first(), cell.history.last());
    let seconds = if let (Some(first), Some(last)) = ends { (last.0 - first.0).max(0.0) } else { 0.0 };
    let message = Msg::new("report-history-range")
        .with("low", say(values().fold(f64::INFINITY, f64::min)))
        .with("high", say(values().fold(f64::NEG_INFINITY, f64::max)))
        .with("duration", Quantity::seconds(seconds));
    texts.text(&message)
}

/// The instances with their details as columns.
fn instances(page: &mut Page, cell: &Cell, texts: &Texts) {
    if cell.instances.is_empty() {
        return;
    }
    page.heading(&texts.word("report-instances"));
    let (headings, rows) = instance_table(&cell.instances, texts);
    let rows = cell.instances.iter().zip(rows).map(|(instance, values)| {
        let loud = if instance.verdict > Verdict::Ok { tone(instance.verdict) } else { Tone::Plain };
        NumberRow { mark: Some(marked(instance.verdict)), name: instance.name.clone(), first: loud, values }
    });
    numbers(page, &texts.word("report-instance"), &headings, &rows.collect::<Vec<_>>());
}

/// Headings and rows of numbers: the value first, then every detail that any instance has, in order of appearance.
pub(crate) fn instance_table(instances: &[Instance], texts: &Texts) -> (Vec<String>, Vec<Vec<String>>) {
    let mut keys: Vec<(&str, &str)> = Vec::new();
    for detail in instances.iter().flat_map(|instance| &instance.details) {
        if !keys.iter().any(|(key, _)| *key == detail.key) {
            keys.push((detail.key, &detail.title));
        }
    }
    let mut headings = vec![texts.word("report-value")];
    headings.extend(keys.iter().map(|(_, title)| (*title).to_owned()));
    let row = |instance: &Instance| {
        let mut row = vec![texts.quantity(instance.value.0)];
        row.extend(keys.iter().map(|(key, _)| {
            let detail = instance.details.iter().find(|detail| detail.key == *key);
            detail.map_or_else(|| "–".to_owned(), |detail| texts.quantity(detail.value.0))
        }));
        row
    };
    (headings, instances.iter().map(row).collect())
}

fn evidence(page: &mut Page, cell: &Cell, texts: &Texts) {
    if cell.evidence.is_empty() {
        return;
    }
    page.heading(&texts.word("report-evidence"));
    let said: Vec<(String, String)> = cell
        .evidence
        .iter()
        .map(|one| (format!("{} {}", one.source, one.metric), texts.quantity(one.value.0)))
        .collect();
    let name_width = said.iter().map(|(name, _)| width(&clean(name))).max().unwrap_or(0).min(page.width / 2);
    let value_width = said.iter().map(|(_, value)| width(value)).max().unwrap_or(0);
    for (evidence, (name, value)) in cell.evidence.iter().zip(&said) {
        let command = evidence.by_hand.as_ref().map_or(String::new(), |command| format!("$ {command}"));
        let columns = [
            column(name_width, Tone::Plain, name),
            column(value_width, Tone::Strong, &pad_left(value, value_width)),
            column(0, Tone::Command, &command),
        ];
        page.columns(2, &columns);
    }
    page.blank();
}

fn culprits(page: &mut Page, cell: &Cell, texts: &Texts) {
    if cell.culprits.is_empty() {
        return;
    }
    page.heading(&texts.word("report-culprits"));
    for entity in &cell.culprits {
        page.paragraph(2, Some((2, span(Tone::Dim, "•"))), Tone::Plain, &findings::who(entity, texts));
    }
}
