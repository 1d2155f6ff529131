//! The parts on the screen.

use perfuse_analyze::Msg;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph};

use super::panes::{self, style};
use super::{App, Pane, View, end_ns};
use crate::layout::{clean, fit, pad, width};
use crate::report::rfc3339;
use crate::text::{self, Tone, cost_lines, tone, verdict_line, verdict_of};

/// The smallest screen that is drawn.
const SMALLEST: (u16, u16) = (60, 15);
/// From this width on, findings stand beside the grid.
const BESIDE: u16 = 118;
/// From this height on, a second part stands below the grid.
const BELOW: u16 = 24;

impl App {
    /// Draws the screen.
    pub fn draw(&self, frame: &mut Frame) {
        let area = frame.area();
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            let size =
                Msg::new("tui-too-small").with("columns", u64::from(SMALLEST.0)).with("rows", u64::from(SMALLEST.1));
            frame.render_widget(Paragraph::new(self.texts.text(&size)), area);
            return;
        }
        let [head, body, foot] =
            Layout::vertical([Constraint::Length(2), Constraint::Fill(1), Constraint::Length(1)]).areas(area);
        self.draw_head(frame, head);
        match &self.view {
            View::Help => self.draw_help(frame, body),
            _ if self.report.is_none() => {
                frame.render_widget(Paragraph::new(format!("\n  {}", self.texts.word("tui-waiting"))), body);
            }
            View::Home => self.draw_home(frame, body),
            View::Cell(_) | View::Finding(..) => self.draw_open(frame, body),
        }
        self.draw_foot(frame, foot);
        if !self.color {
            for cell in &mut frame.buffer_mut().content {
                cell.set_fg(Color::Reset).set_bg(Color::Reset);
            }
        }
    }

    /// Host, time and state; below it the verdict.
    fn draw_head(&self, frame: &mut Frame, area: Rect) {
        let columns = usize::from(area.width);
        let texts = &self.texts;
        let mut left = String::from("perfuse");
        if let Some(report) = &self.report {
            left = format!("perfuse · {} · Linux {}", clean(&report.host.hostname), clean(&report.host.kernel));
        }
        let mut right = Vec::new();
        if self.paused {
            right.push(texts.word("tui-paused"));
        }
        if let Some((_, context)) = &self.shown {
            let time = rfc3339(end_ns(context));
            right.push(format!("{} UTC", time.get(11..19).unwrap_or("")));
        }
        let right = right.join(" · ");
        let room = columns.saturating_sub(width(&right) + 1);
        let first = Line::from(vec![
            Span::styled(pad(&left, room), style(Tone::Strong)),
            Span::styled(format!(" {right}"), style(if self.paused { Tone::Watch } else { Tone::Dim })),
        ]);
        let second = self.report.as_ref().map_or(Line::default(), |report| {
            let tone = match (report.healthy, report.worst()) {
                (Some(true), _) => Tone::Ok,
                (Some(false), Some(severity)) => tone(verdict_of(severity)),
                _ => Tone::Watch,
            };
            Line::styled(fit(&verdict_line(report, texts), columns), style(tone))
        });
        frame.render_widget(Paragraph::new(vec![first, second]), area);
    }

    /// What can be done, or the filter that is being typed.
    fn draw_foot(&self, frame: &mut Frame, area: Rect) {
        let columns = usize::from(area.width);
        if self.typing {
            let prompt = format!("/{}▏ {}", self.filter, self.texts.word("tui-filter-hint"));
            frame.render_widget(Paragraph::new(Line::styled(fit(&prompt, columns), style(Tone::Watch))), area);
            return;
        }
        let texts = &self.texts;
        let mut hints: Vec<(&str, String)> = match self.view {
            View::Home => vec![("Enter", texts.word("tui-open")), ("Tab", texts.word("tui-pane"))],
            _ => vec![("Esc", texts.word("tui-back")), ("↑↓", texts.word("tui-scroll"))],
        };
        hints.push(("?", texts.word("tui-help")));
        hints.push(("q", texts.word("tui-quit")));
        if matches!(self.view, View::Home | View::Cell(_)) {
            hints.push(("s", format!("{}: {}", texts.word("tui-sort"), panes::sorted_by(self))));
            let shown = if self.filter.is_empty() { String::new() } else { format!(": {}", self.filter) };
            hints.push(("/", format!("{}{shown}", texts.word("tui-filter"))));
        }
        hints.push(("Space", texts.word(if self.paused { "tui-resume" } else { "tui-pause" })));
        hints.push(("L", texts.word("tui-other-language")));
        let mut line = Vec::new();
        let mut used = 0;
        for (key, what) in hints {
            let needed = width(key) + width(&what) + 3;
            if used + needed > columns {
                break;
            }
            used += needed;
            line.push(Span::styled(key.to_owned(), style(Tone::Strong)));
            line.push(Span::styled(format!(" {what}  "), style(Tone::Dim)));
        }
        frame.render_widget(Paragraph::new(Line::from(line)), area);
    }

    /// The grid, and what else there is room for.
    fn draw_home(&self, frame: &mut Frame, area: Rect) {
        let grid_height = 17;
        if area.width >= BESIDE {
            let [left, right] =
                Layout::horizontal([Constraint::Percentage(56), Constraint::Percentage(44)]).areas(area);
            self.draw_pane(frame, right, Pane::Findings);
            if area.height + 3 >= BELOW {
                let [above, below] =
                    Layout::vertical([Constraint::Length(grid_height), Constraint::Fill(1)]).areas(left);
                self.draw_pane(frame, above, Pane::Grid);
                self.draw_pane(frame, below, Pane::Controls);
            } else {
                let pane = if self.pane == Pane::Controls { Pane::Controls } else { Pane::Grid };
                self.draw_pane(frame, left, pane);
            }
        } else if area.height + 3 >= BELOW {
            let [above, below] = Layout::vertical([Constraint::Length(grid_height), Constraint::Fill(1)]).areas(area);
            self.draw_pane(frame, above, Pane::Grid);
            let pane = if self.pane == Pane::Controls { Pane::Controls } else { Pane::Findings };
            self.draw_pane(frame, below, pane);
        } else {
            self.draw_pane(frame, area, self.pane);
        }
    }

    fn draw_pane(&self, frame: &mut Frame, area: Rect, pane: Pane) {
        let title = match pane {
            Pane::Grid => "report-checklist",
            Pane::Controls => "report-controls",
            Pane::Findings => "report-findings",
        };
        let block = framed(&self.texts.word(title), self.pane == pane);
        let inside = block.inner(area);
        let (columns, rows) = (usize::from(inside.width), usize::from(inside.height));
        let lines = match pane {
            Pane::Grid => {
                let (head, lines) = panes::grid(self, columns);
                let mut shown = vec![head];
                shown.extend(window(lines, self.at.0, rows.saturating_sub(1)));
                shown
            }
            Pane::Controls => self.control_lines(columns, rows),
            Pane::Findings => {
                let mut blocks = panes::findings(self, columns, if rows < 5 { 1 } else { 3 });
                if blocks.is_empty() {
                    blocks.push(vec![Line::from(format!(" {}", self.texts.word("report-no-findings")))]);
                }
                let start: usize = blocks.iter().take(self.finding).map(Vec::len).sum();
                let end = blocks.get(self.finding).map_or(0, Vec::len).min(rows).saturating_sub(1);
                window(blocks.into_iter().flatten().collect(), start + end, rows)
            }
        };
        frame.render_widget(block, area);
        frame.render_widget(Paragraph::new(lines), inside);
    }

    /// The controls in as many columns as fit, filled downwards.
    fn control_lines(&self, columns: usize, rows: usize) -> Vec<Line<'static>> {
        let side_by_side = (columns / 38).max(1);
        let each = columns / side_by_side;
        let lines = panes::controls(self, each.saturating_sub(1));
        let high = lines.len().div_ceil(side_by_side);
        let mut merged: Vec<Line<'static>> = vec![Line::default(); high];
        for (index, line) in lines.into_iter().enumerate() {
            let target = &mut merged[index % high.max(1)];
            target.spans.extend(line.spans);
            target.spans.push(Span::raw(" "));
        }
        window(merged, self.control % high.max(1), rows)
    }

    /// A cell or a finding over the whole screen.
    fn draw_open(&self, frame: &mut Frame, area: Rect) {
        let block = framed(&self.open_title(), true);
        let inside = block.inner(area);
        let (columns, rows) = (usize::from(inside.width).saturating_sub(1), usize::from(inside.height));
        let lines = match (&self.report, self.open_cell(), self.open_finding()) {
            (Some(report), Some(cell), _) => {
                text::cell_lines(report, &panes::arranged(self, cell), &self.texts, columns)
            }
            (_, _, Some(finding)) => text::finding_lines(finding, &self.texts, columns),
            _ => vec![vec![text::span(Tone::Dim, &self.texts.word("tui-gone"))]],
        };
        let most = lines.len().saturating_sub(rows);
        self.scrollable.set(most);
        let shown = lines.into_iter().skip(self.scroll.min(most)).take(rows).map(panes::converted);
        let shown: Vec<Line> = shown.collect();
        frame.render_widget(block, area);
        frame.render_widget(Paragraph::new(shown), inside);
    }

    fn open_title(&self) -> String {
        let title = self.open_cell().map(|cell| &cell.title);
        let title = title.or_else(|| self.open_finding().map(|finding| &finding.title));
        title.map_or(String::new(), |title| clean(title).into_owned())
    }

    fn draw_help(&self, frame: &mut Frame, area: Rect) {
        let block = framed(&self.texts.word("tui-help-title"), true);
        let inside = block.inner(area);
        let keys = [
            ("↑ ↓ ← →  h j k l", "tui-help-move"),
            ("Enter", "tui-help-open"),
            ("Esc  Backspace", "tui-help-back"),
            ("Tab  Shift-Tab", "tui-help-pane"),
            ("PgUp PgDn  g G", "tui-help-page"),
            ("s", "tui-help-sort"),
            ("/", "tui-help-filter"),
            ("Space", "tui-help-pause"),
            ("L", "tui-help-language"),
            ("q  Ctrl-C", "tui-help-quit"),
        ];
        let columns = usize::from(inside.width);
        let mut lines: Vec<Line> = keys
            .iter()
            .map(|(key, id)| {
                let what = fit(&self.texts.word(id), columns.saturating_sub(21));
                Line::from(vec![Span::styled(pad(&format!(" {key}"), 20), style(Tone::Strong)), Span::raw(what)])
            })
            .collect();
        lines.push(Line::default());
        lines.push(Line::from(legend(self, columns)));
        if let Some(cost) = self.report.as_ref().and_then(|report| report.own_cost.as_ref()) {
            lines.push(Line::default());
            for line in cost_lines(cost, &self.texts) {
                let wrapped = crate::layout::wrap(&clean(&line), columns.saturating_sub(2));
                lines.extend(wrapped.into_iter().map(|line| Line::styled(format!(" {line}"), style(Tone::Dim))));
            }
        }
        let rows = usize::from(inside.height);
        let most = lines.len().saturating_sub(rows);
        self.scrollable.set(most);
        let shown: Vec<Line> = lines.into_iter().skip(self.scroll.min(most)).take(rows).collect();
        frame.render_widget(block, area);
        frame.render_widget(Paragraph::new(shown), inside);
    }
}

fn framed(title: &str, active: bool) -> Block<'static> {
    let border = if active { style(Tone::Command) } else { style(Tone::Dim) };
    let title = Span::styled(format!(" {title} "), if active { style(Tone::Strong) } else { Style::new() });
    Block::bordered().border_type(BorderType::Rounded).border_style(border).title(title)
}

/// The marks and what they mean, as many as fit.
fn legend(app: &App, columns: usize) -> Vec<Span<'static>> {
    let mut used = 1;
    let mut spans = vec![Span::raw(" ")];
    for verdict in perfuse_analyze::Verdict::ALL.into_iter().rev() {
        let word = format!("{} {}  ", text::mark(verdict), text::verdict_word(verdict, &app.texts));
        used += width(&word);
        if used <= columns {
            spans.push(Span::styled(word, style(tone(verdict))));
        }
    }
    spans
}

/// The `rows` lines around `selected`.
fn window(lines: Vec<Line<'static>>, selected: usize, rows: usize) -> Vec<Line<'static>> {
    let most = lines.len().saturating_sub(rows);
    let from = (selected + 1).saturating_sub(rows).min(most);
    lines.into_iter().skip(from).take(rows).collect()
}
