//! The parts on the screen.

use std::fmt::Write as _;

use perfuse_analyze::Msg;
use perfuse_analyze::hist::{CallNode, Column, Key, Weight};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::report::short;
use super::super::report_cell::percent;
use super::rows::Row;
use super::{ReportTui, SORTS, Typing, View};
use crate::layout::{clean, fit, pad};

/// Cells of the bar before a line.
const BAR: usize = 8;

/// The colour of a share: perf's limits.
fn tone(share: f64) -> Style {
    match share {
        _ if share >= 5.0 => Style::new().fg(Color::Red),
        _ if share > 0.5 => Style::new().fg(Color::Green),
        _ => Style::new(),
    }
}

/// A bar of eighths.
fn bar(share: f64) -> String {
    const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 64")]
    let eighths = (share.clamp(0.0, 100.0) / 100.0 * (BAR * 8) as f64).round() as usize;
    let mut text = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        text.push(PARTS[eighths % 8]);
    }
    pad(&text, BAR)
}

impl ReportTui<'_> {
    /// Draws the screen.
    pub fn draw(&mut self, frame: &mut Frame) {
        let problem = u16::from(self.problem.is_some());
        let heights = [Constraint::Length(2), Constraint::Fill(1), Constraint::Length(problem), Constraint::Length(1)];
        let [head, body, told, foot] = Layout::vertical(heights).areas(frame.area());
        self.draw_head(frame, head);
        match self.view {
            View::Events => self.draw_events(frame, body),
            View::Lines => self.draw_lines(frame, body),
            View::Help => self.draw_help(frame, body),
            View::Sort => self.draw_sorts(frame, body),
            View::Text => self.draw_text(frame, body),
        }
        if let Some(problem) = &self.problem {
            let line = Line::styled(fit(&clean(problem), usize::from(told.width)), Style::new().fg(Color::Yellow));
            frame.render_widget(Paragraph::new(line), told);
        }
        self.draw_foot(frame, foot);
        if !self.color {
            for cell in &mut frame.buffer_mut().content {
                cell.set_fg(Color::Reset).set_bg(Color::Reset);
            }
        }
    }

    fn draw_head(&self, frame: &mut Frame, area: Rect) {
        let columns = usize::from(area.width);
        let first =
            if self.view == View::Events { self.word("perf-report-tui-events") } else { self.about(self.event) };
        let second = match self.view {
            View::Lines => self.column_heads(),
            View::Sort => self.word("perf-report-tui-sorts"),
            View::Text => self.word("perf-report-tui-header"),
            View::Events | View::Help => String::new(),
        };
        let lines = vec![
            Line::styled(fit(&clean(&first), columns), Style::new().add_modifier(Modifier::BOLD)),
            Line::styled(pad(&fit(second.trim_end(), columns), columns), Style::new().add_modifier(Modifier::REVERSED)),
        ];
        frame.render_widget(Paragraph::new(lines), area);
    }

    /// How many samples of what.
    fn about(&self, event: usize) -> String {
        let hists = self.layout.hists;
        let (mut samples, mut period) = (0_u64, 0_u64);
        for table in hists.tables.get(hists.group(event)).unwrap_or_default() {
            samples += table.totals.all.samples;
            period = period.saturating_add(table.totals.all.period);
        }
        let (samples, unit) = short(samples);
        let name = self.events.get(event).map_or("", |event| event.name.as_str());
        let samples = format!("{samples}{unit}");
        let message = Msg::new("perf-report-tui-about").with("samples", samples.trim()).with("event", name);
        let mut parts = self.zooms();
        parts.push(self.texts.text(&message.with("period", period.to_string())));
        parts.join("  ·  ")
    }

    fn columns(&self) -> impl Iterator<Item = (Column, usize)> {
        let columns = self.layout.hists.settings.columns.shown.iter().copied();
        columns.zip(self.widths.iter().copied()).filter(|(column, _)| self.layout.is_visible(*column, self.event))
    }

    /// A line of a tree of keys: its weights, then its own keys, indented by its level.
    fn level_line(&self, at: u32, columns: usize) -> Line<'static> {
        let Some(tree) = &self.tree else { return Line::default() };
        let Some(node) = tree.nodes.get(at as usize) else { return Line::default() };
        let hists = self.layout.hists;
        let share = percent(node.weight(0, Weight::Overhead), hists.total(self.event));
        let is_leaf = node.children.is_empty();
        let open = if is_leaf { self.opened.contains_key(&node.entry) } else { self.levels.contains(&at) };
        let sign = match (is_leaf && !(self.has_chains() && hists.leads(node.entry)), open) {
            (true, _) => ' ',
            (false, true) => '-',
            (false, false) => '+',
        };
        let mut text = String::new();
        for (column, width) in self.columns() {
            if let Column::Weight(weight) = column {
                text.push_str("  ");
                text.push_str(&pad(&self.layout.node_weight(node, self.event, weight), width));
            }
        }
        text.push_str(&" ".repeat(2 + node.depth * 3));
        text.push(sign);
        for &key in tree.levels.get(node.depth).map_or(&[][..], Vec::as_slice) {
            let cell = self.layout.cell(node.entry, Column::Key(key), self.width_of(key));
            text.push(' ');
            text.push_str(clean(cell.trim()).as_ref());
        }
        let room = columns.saturating_sub(2 + BAR);
        Line::from(vec![
            Span::raw("  "),
            Span::styled(bar(share), tone(share)),
            Span::styled(pad(&fit(&text, room), room), tone(share)),
        ])
    }

    fn width_of(&self, key: Key) -> usize {
        self.columns().find(|(column, _)| *column == Column::Key(key)).map_or(0, |(_, width)| width)
    }

    fn draw_text(&mut self, frame: &mut Frame, area: Rect) {
        self.height = usize::from(area.height).max(1);
        let columns = usize::from(area.width);
        let shown = self.text.0.iter().skip(self.text.1).take(self.height);
        let lines: Vec<Line> = shown.map(|line| Line::raw(fit(&clean(line), columns))).collect();
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn column_heads(&self) -> String {
        let mut text = " ".repeat(2 + BAR);
        let is_tree = self.tree.is_some();
        for (column, width) in self.columns() {
            // A tree has its keys in one column.
            if is_tree && matches!(column, Column::Key(_)) {
                continue;
            }
            let head = self.layout.column_head(column).trim();
            text.push_str("  ");
            let _ = match column {
                Column::Weight(_) => write!(text, "{head:>width$}"),
                Column::Key(_) => write!(text, "{head:<width$}"),
            };
        }
        if let Some(tree) = &self.tree {
            let level = |keys: &Vec<Key>| {
                keys.iter().map(|key| self.layout.column_head(Column::Key(*key)).trim()).collect::<Vec<_>>().join("+")
            };
            let _ = write!(text, "    {}", tree.levels.iter().map(level).collect::<Vec<_>>().join(" / "));
        }
        text
    }

    fn draw_lines(&mut self, frame: &mut Frame, area: Rect) {
        self.height = usize::from(area.height).max(1);
        if self.row < self.top {
            self.top = self.row;
        }
        if self.row >= self.top + self.height {
            self.top = self.row + 1 - self.height;
        }
        if self.rows.is_empty() {
            frame.render_widget(Paragraph::new(format!("\n  {}", self.word("perf-report-tui-nothing"))), area);
            return;
        }
        let columns = usize::from(area.width);
        let lines: Vec<Line> = (self.top..self.rows.len().min(self.top + self.height))
            .map(|at| {
                let line = match self.rows[at] {
                    Row::Entry(id) => self.entry_line(id, columns),
                    Row::Level { node, .. } => self.level_line(node, columns),
                    row @ Row::Chain { .. } => self.chain_line(row, columns),
                };
                if at == self.row { line.style(Style::new().add_modifier(Modifier::REVERSED)) } else { line }
            })
            .collect();
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn entry_line(&self, id: u32, columns: usize) -> Line<'static> {
        let hists = self.layout.hists;
        let share = percent(hists.period(id), hists.total(self.event));
        let sign = match (self.has_chains() && hists.leads(id), self.opened.contains_key(&id)) {
            (false, _) => ' ',
            (true, true) => '-',
            (true, false) => '+',
        };
        let mut text = String::new();
        for (column, width) in self.columns() {
            text.push_str("  ");
            text.push_str(&pad(&clean(&self.layout.cell(id, column, width)), width));
        }
        let room = columns.saturating_sub(2 + BAR);
        Line::from(vec![
            Span::raw(format!("{sign} ")),
            Span::styled(bar(share), tone(share)),
            Span::styled(pad(&fit(text.trim_end(), room), room), tone(share)),
        ])
    }

    fn chain_line(&self, row: Row, columns: usize) -> Line<'static> {
        let Row::Chain { entry, node: id, frame, depth, first } = row else { return Line::default() };
        let indent = " ".repeat(4 + BAR + depth * 3);
        let name = clean(&self.layout.name(frame)).into_owned();
        let node = self.opened.get(&entry).and_then(|opened| opened.tree.nodes.get(id as usize));
        let Some(node) = node.filter(|_| first) else {
            return Line::raw(fit(&format!("{indent}  {name}"), columns));
        };
        let share = percent(node.period(), self.layout.hists.total(self.event));
        let text =
            format!("{indent}{} {} {name}", self.sign(entry, id, node), self.layout.tree_value(node, self.event));
        Line::styled(fit(&text, columns), tone(share))
    }

    /// `+` has more below, `-` shows it.
    fn sign(&self, entry: u32, id: u32, node: &CallNode) -> char {
        let open = self.opened.get(&entry).is_some_and(|opened| opened.nodes.contains(&id));
        match (node.children.is_empty() && node.frames.len() == 1, open) {
            (true, _) => ' ',
            (false, true) => '-',
            (false, false) => '+',
        }
    }

    fn draw_events(&self, frame: &mut Frame, area: Rect) {
        let lines: Vec<Line> = self
            .listed()
            .into_iter()
            .enumerate()
            .map(|(at, event)| chosen(&format!("  {}", self.about(event)), at == self.chosen_event, area))
            .collect();
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn draw_sorts(&self, frame: &mut Frame, area: Rect) {
        let lines: Vec<Line> = SORTS
            .iter()
            .enumerate()
            .map(|(at, sort)| chosen(&format!("  {sort}"), at == self.chosen_sort, area))
            .collect();
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn draw_help(&self, frame: &mut Frame, area: Rect) {
        const KEYS: &[(&str, &str)] = &[
            ("↑ ↓ PgUp PgDn Home End", "perf-report-tui-help-move"),
            ("Enter +", "perf-report-tui-help-open"),
            ("e", "perf-report-tui-help-open-all"),
            ("c", "perf-report-tui-help-close-all"),
            ("/", "perf-report-tui-help-search"),
            ("L", "perf-report-tui-help-limit"),
            ("f", "perf-report-tui-help-function"),
            ("d", "perf-report-tui-help-dso"),
            ("t", "perf-report-tui-help-thread"),
            ("s", "perf-report-tui-help-sort"),
            ("a", "perf-report-tui-help-annotate"),
            ("i", "perf-report-tui-help-header"),
            ("P", "perf-report-tui-help-write"),
            ("h ?", "perf-report-tui-help-help"),
            ("q Esc ←", "perf-report-tui-help-back"),
        ];
        let line = |(key, id): &(&str, &str)| Line::raw(format!("  {}{}", pad(key, 26), self.word(id)));
        frame.render_widget(Paragraph::new(KEYS.iter().map(line).collect::<Vec<_>>()), area);
    }

    fn draw_foot(&self, frame: &mut Frame, area: Rect) {
        let columns = usize::from(area.width);
        let text = match &self.message {
            Some(message) => message.clone(),
            None if self.typing == Typing::Search => format!("/{}", self.search),
            None if self.typing == Typing::Limit => format!("L {}", self.typed),
            None => self.word(match self.view {
                View::Lines => "perf-report-tui-foot-lines",
                View::Help => "perf-report-tui-foot-help",
                View::Text => "perf-report-tui-foot-text",
                View::Events | View::Sort => "perf-report-tui-foot-menu",
            }),
        };
        frame.render_widget(Paragraph::new(fit(&clean(&text), columns)), area);
    }
}

fn chosen(text: &str, is: bool, area: Rect) -> Line<'static> {
    let columns = usize::from(area.width);
    let style = if is { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
    Line::styled(pad(&fit(&clean(text), columns), columns), style)
}
