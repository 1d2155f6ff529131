//! The content of the parts of the screen as lines of styled spans.

use perfuse_analyze::{Kind, Verdict};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::{App, Pane, Sort, View};
use crate::layout::{clean, fit, pad, width};
use crate::report::{Cell, Instance};
use crate::text::{self, Tone, mark, tone, value, verdict_of};

/// The style of what a tone means.
pub(super) fn style(tone: Tone) -> Style {
    let style = Style::new();
    match tone {
        Tone::Plain => style,
        Tone::Strong => style.add_modifier(Modifier::BOLD),
        Tone::Heading => style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        Tone::Dim => style.fg(Color::DarkGray),
        Tone::Command => style.fg(Color::Cyan),
        Tone::Ok => style.fg(Color::Green),
        Tone::Watch => style.fg(Color::Yellow),
        Tone::Bottleneck => style.fg(Color::Magenta).add_modifier(Modifier::BOLD),
        Tone::Error => style.fg(Color::Red).add_modifier(Modifier::BOLD),
    }
}

/// A span of the text page as one of the terminal.
pub(super) fn converted(spans: Vec<text::Span>) -> Line<'static> {
    Line::from(spans.into_iter().map(|span| Span::styled(span.text, style(span.tone))).collect::<Vec<_>>())
}

/// The grid: a line of heads, then one line a resource.
pub(super) fn grid(app: &App, columns: usize) -> (Line<'static>, Vec<Line<'static>>) {
    let texts = &app.texts;
    let rows = app.rows();
    let names: Vec<String> = rows.iter().map(|resource| texts.word(&format!("resource-{}", resource.id()))).collect();
    let widest = names.iter().map(|name| width(name)).max().unwrap_or(0) + 1;
    let name_width = widest.min(columns / 3).max(8);
    let cell_width = (columns.saturating_sub(name_width) / 3).clamp(10, 34);
    let mut head = vec![Span::raw(" ".repeat(name_width))];
    for kind in Kind::ALL {
        let word = texts.word(&format!("kind-{}", kind.id()));
        let indent = if cell_width < 15 { "  " } else { "   " };
        head.push(Span::styled(pad(&format!("{indent}{word}"), cell_width), style(Tone::Dim)));
    }
    let lines = rows.iter().zip(&names).enumerate().map(|(row, (resource, name))| {
        let mut line = vec![Span::styled(pad(name, name_width), style(Tone::Strong))];
        for (column, kind) in Kind::ALL.into_iter().enumerate() {
            let selected = app.pane == Pane::Grid && app.view == View::Home && app.at == (row, column);
            match app.cell_at(*resource, kind) {
                Some(cell) => line.extend(grid_cell(app, cell, cell_width, selected)),
                None => line.push(Span::styled(pad(" ·", cell_width), style(Tone::Dim))),
            }
        }
        Line::from(line)
    });
    let lines = lines.collect();
    (Line::from(head), lines)
}

/// Mark, number and, where there is room, the worst part.
fn grid_cell(app: &App, cell: &Cell, columns: usize, selected: bool) -> Vec<Span<'static>> {
    let loud = style(tone(cell.verdict));
    let number = clean(&value(cell, &app.texts)).into_owned();
    let quiet = if cell.verdict == Verdict::Ok { Style::new() } else { loud };
    let used = 3 + width(&number) + 1;
    let room = columns.saturating_sub(used + 1);
    let worst =
        cell.instances.first().filter(|_| room > 5).map_or(String::new(), |worst| clean(&worst.name).into_owned());
    let mut spans = vec![
        Span::styled(format!(" {} ", mark(cell.verdict)), loud),
        Span::styled(fit(&number, columns.saturating_sub(4)), quiet),
        Span::styled(pad(&format!(" {}", fit(&worst, room)), columns.saturating_sub(used - 1)), style(Tone::Dim)),
    ];
    if used > columns {
        spans.truncate(1);
        spans.push(Span::styled(pad(&number, columns.saturating_sub(3)), quiet));
    }
    if selected { reversed(spans) } else { spans }
}

fn reversed(spans: Vec<Span<'static>>) -> Vec<Span<'static>> {
    spans.into_iter().map(|span| span.patch_style(Style::new().add_modifier(Modifier::REVERSED))).collect()
}

/// The controls, one a line.
pub(super) fn controls(app: &App, columns: usize) -> Vec<Line<'static>> {
    let controls = app.controls();
    let widest = controls.iter().map(|cell| width(&cell.title)).max().unwrap_or(0);
    let name_width = widest.min(columns.saturating_sub(14)).max(4);
    let lines = controls.into_iter().enumerate().map(|(index, cell)| {
        let loud = style(tone(cell.verdict));
        let quiet = if cell.verdict == Verdict::Ok { Style::new() } else { loud };
        let rest = columns.saturating_sub(name_width + 5);
        let spans = vec![
            Span::styled(format!(" {} ", mark(cell.verdict)), loud),
            Span::raw(pad(&clean(&cell.title), name_width)),
            Span::styled(pad(&format!("  {}", value(cell, &app.texts)), rest + 2), quiet),
        ];
        let selected = app.pane == Pane::Controls && index == app.control;
        Line::from(if selected { reversed(spans) } else { spans })
    });
    lines.collect()
}

/// The findings: title and summary, at most `lines_each` lines of summary.
pub(super) fn findings(app: &App, columns: usize, lines_each: usize) -> Vec<Vec<Line<'static>>> {
    let blocks = app.findings().into_iter().enumerate().map(|(index, finding)| {
        let loud = style(tone(verdict_of(finding.severity)));
        let title = format!(" {} {}. {}", mark(verdict_of(finding.severity)), finding.rank, clean(&finding.title));
        let selected = app.pane == Pane::Findings && app.view == View::Home && index == app.finding;
        let title = vec![Span::styled(pad(&title, columns), loud)];
        let mut block = vec![Line::from(if selected { reversed(title) } else { title })];
        let wrapped = crate::layout::wrap(&clean(&finding.summary), columns.saturating_sub(4));
        let more = wrapped.len() > lines_each;
        for (number, line) in wrapped.into_iter().take(lines_each).enumerate() {
            let line = if more && number + 1 == lines_each {
                fit(&format!("{line} …"), columns.saturating_sub(4))
            } else {
                line
            };
            block.push(Line::from(format!("   {line}")));
        }
        block
    });
    blocks.collect()
}

/// The keys of all details of the instances of a cell, in order of appearance.
pub(super) fn detail_keys(cell: &Cell) -> Vec<(&'static str, String)> {
    let mut keys: Vec<(&'static str, String)> = Vec::new();
    for detail in cell.instances.iter().flat_map(|instance| &instance.details) {
        if !keys.iter().any(|(key, _)| *key == detail.key) {
            keys.push((detail.key, detail.title.clone()));
        }
    }
    keys
}

/// The open cell with its instances filtered and in the chosen order.
pub(super) fn arranged(app: &App, cell: &Cell) -> Cell {
    let mut cell = cell.clone();
    cell.instances.retain(|instance| app.matches(&instance.name));
    let keys = detail_keys(&cell);
    match app.column {
        0 => {}
        1 => cell.instances.sort_by(|a, b| a.name.cmp(&b.name)),
        2 => cell.instances.sort_by(|a, b| b.value.0.number.total_cmp(&a.value.0.number)),
        column => {
            if let Some((key, _)) = keys.get(column - 3) {
                let number = |instance: &Instance| {
                    let detail = instance.details.iter().find(|detail| detail.key == *key);
                    detail.map_or(f64::NEG_INFINITY, |detail| detail.value.0.number)
                };
                cell.instances.sort_by(|a, b| number(b).total_cmp(&number(a)));
            }
        }
    }
    cell
}

/// What the rows are sorted by, in words.
pub(super) fn sorted_by(app: &App) -> String {
    let texts = &app.texts;
    if let (View::Cell(_), Some(cell)) = (&app.view, app.open_cell()) {
        return match app.column {
            0 => texts.word("tui-sort-worst"),
            1 => texts.word("tui-sort-name"),
            2 => texts.word("report-value"),
            column => detail_keys(cell).get(column - 3).map_or(String::new(), |(_, title)| title.clone()),
        };
    }
    texts.word(match app.sort {
        Sort::Given => "tui-sort-given",
        Sort::Worst => "tui-sort-worst",
        Sort::Name => "tui-sort-name",
    })
}
