//! The first sixty seconds: command after command with its numbers and what they say.

use super::numbers::{NumberRow, numbers};
use super::page::{Tone, span};
use super::{TextOptions, facts_of, own_cost};
use crate::i18n::Texts;
use crate::sixty::{Sixty, Step};

/// The ten steps as `use --sixty` prints them.
pub fn sixty(document: &Sixty, texts: &Texts, options: TextOptions) -> String {
    let mut page = options.page();
    let mut head = vec![span(Tone::Strong, &texts.word("sixty-title"))];
    let facts = facts_of(&document.host, &document.started, document.duration_s, texts);
    head.extend(facts.iter().map(|fact| span(Tone::Plain, fact)));
    page.flow(0, " · ", &head);
    for step in &document.steps {
        page.blank();
        one(&mut page, step, texts);
    }
    if let Some(cost) = &document.own_cost {
        page.blank();
        own_cost(&mut page, cost, texts);
    }
    page.finish(options.color)
}

fn one(page: &mut super::page::Page, step: &Step, texts: &Texts) {
    page.line(&[
        span(Tone::Dim, "$ "),
        span(Tone::Command, step.command),
        span(Tone::Dim, &format!("   {}", step.title)),
    ]);
    for line in &step.lines {
        page.paragraph(2, None, Tone::Dim, line);
    }
    if !step.rows.is_empty() {
        let headings: Vec<String> = step.columns.iter().map(|column| (*column).to_owned()).collect();
        let rows: Vec<NumberRow> = step.rows.iter().map(|row| number_row(row, texts)).collect();
        let before = page.len();
        numbers(page, "", &headings, &rows);
        page.drop_last_blank(before);
    }
    if step.more > 0 {
        let more = perfuse_analyze::Msg::new("report-more").with("count", step.more as u64);
        page.paragraph(2, None, Tone::Dim, &texts.text(&more));
    }
    let (mark, tone) = match (step.measured, step.remarkable) {
        (false, _) => ("?", Tone::Dim),
        (true, true) => ("◆", Tone::Watch),
        (true, false) => ("✓", Tone::Ok),
    };
    page.paragraph(
        2,
        Some((2, span(tone, mark))),
        if step.remarkable { Tone::Strong } else { Tone::Plain },
        &step.reading,
    );
}

fn number_row(row: &crate::sixty::Row, texts: &Texts) -> NumberRow {
    let said =
        |value: &Option<crate::report::Value>| value.map_or_else(|| "–".to_owned(), |value| texts.quantity(value.0));
    NumberRow { mark: None, name: row.name.clone(), first: Tone::Plain, values: row.values.iter().map(said).collect() }
}
