//! Tables of numbers: a name, then columns that are aligned to the right.

use super::page::{Page, Span, Tone, span};
use crate::layout::{clean, fit_middle, pad, pad_left, width};

/// One row.
pub(super) struct NumberRow {
    /// What stands before the name.
    pub(super) mark: Option<Span>,
    /// Device, process, CPU; empty in a table of one row.
    pub(super) name: String,
    /// Tone of the first number.
    pub(super) first: Tone,
    /// As many as there are headings.
    pub(super) values: Vec<String>,
}

/// The table. Columns that do not fit beside the others go into a further table with the same names.
pub(super) fn numbers(page: &mut Page, name_heading: &str, headings: &[String], rows: &[NumberRow]) {
    let named = rows.iter().any(|row| !row.name.is_empty());
    let marks = if rows.iter().any(|row| row.mark.is_some()) { 2 } else { 0 };
    let name_width = if named {
        let widest = rows.iter().map(|row| width(&clean(&row.name))).max().unwrap_or(0);
        widest.clamp(width(name_heading).max(8), (page.width / 3).max(16))
    } else {
        0
    };
    let value = |row: &NumberRow, index: usize| row.values.get(index).cloned().unwrap_or_default();
    let widths: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(index, heading)| rows.iter().map(|row| width(&value(row, index))).max().unwrap_or(0).max(width(heading)))
        .collect();
    let gap = |first: bool| if first && !named { 0 } else { 2 };
    let mut from = 0;
    while from < headings.len() {
        let mut to = from;
        let mut used = 2 + marks + name_width;
        while to < headings.len() && (to == from || used + 2 + widths[to] <= page.width) {
            used += gap(to == from) + widths[to];
            to += 1;
        }
        let name_heading = if named { name_heading } else { "" };
        let lead = format!("{}{}", " ".repeat(2 + marks), pad(name_heading, name_width));
        page.line(&head_line(&lead, named, &headings[from..to], &widths[from..to]));
        for row in rows {
            let mut line = vec![span(Tone::Plain, "  ")];
            if marks > 0 {
                line.push(row.mark.clone().unwrap_or_else(|| span(Tone::Plain, " ")));
                line.push(span(Tone::Plain, " "));
            }
            line.push(span(Tone::Plain, &pad(&fit_middle(&clean(&row.name), name_width), name_width)));
            for (index, width) in widths.iter().enumerate().take(to).skip(from) {
                let tone = if index == 0 { row.first } else { Tone::Plain };
                line.push(span(Tone::Plain, &" ".repeat(gap(index == from))));
                line.push(span(tone, &pad_left(&value(row, index), *width)));
            }
            page.line(&line);
        }
        from = to;
        page.blank();
    }
}

/// The headings above their columns; `lead` is what stands before the first.
fn head_line(lead: &str, named: bool, headings: &[String], widths: &[usize]) -> Vec<Span> {
    let mut head = vec![span(Tone::Dim, lead)];
    for (index, (heading, width)) in headings.iter().zip(widths).enumerate() {
        head.push(span(Tone::Plain, if index > 0 || named { "  " } else { "" }));
        head.push(span(Tone::Dim, &pad_left(heading, *width)));
    }
    head
}
