//! `perf annotate` on a terminal: a state machine without a terminal, which the binary feeds with keys and draws.

use crossterm::event::{KeyCode, KeyEvent};
use perfuse_analyze::annotate::Flow as Leads;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::graph::{Graph, column, inside, title};
use super::{AnnotateOptions, Annotated, HOT, WARM};
use crate::i18n::Texts;
use crate::keys::Pressed;
use crate::layout::{clean, fit, pad, width};

/// What the caller does after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Draw again.
    Continue,
    /// Go back to where it was opened from.
    Back,
    /// Give the terminal back and end.
    Quit,
    /// Write the listing to a file, and tell with [`AnnotateTui::say`] how it is called.
    Write,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Code,
    Hottest,
    Help,
}

/// The terminal program.
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the keyboard")]
pub struct AnnotateTui<'a> {
    shown: Annotated<'a>,
    options: AnnotateOptions,
    texts: &'a Texts,
    color: bool,
    graph: Graph,
    /// Indexes of the lines that are shown.
    lines: Vec<usize>,
    sources: bool,
    addresses: bool,
    view: View,
    row: usize,
    top: usize,
    height: usize,
    /// The instructions by their share, and the chosen one.
    hottest: Vec<(usize, f64)>,
    hot: usize,
    search: String,
    typing: bool,
    message: Option<String>,
    /// Where jumps were followed from.
    trail: Vec<usize>,
}

impl<'a> AnnotateTui<'a> {
    /// Shows a function, at its hottest instruction.
    pub fn new(shown: Annotated<'a>, options: AnnotateOptions, texts: &'a Texts) -> Self {
        let mut tui = Self {
            graph: Graph::new(&shown),
            shown,
            options,
            texts,
            color: true,
            lines: Vec::new(),
            sources: true,
            addresses: false,
            view: View::Code,
            row: 0,
            top: 0,
            height: 1,
            hottest: Vec::new(),
            hot: 0,
            search: String::new(),
            typing: false,
            message: None,
            trail: Vec::new(),
        };
        tui.refresh();
        tui.count();
        tui.go_hot(0);
        tui
    }

    /// Without colours where the terminal or the user has none.
    #[must_use]
    pub fn with_color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// Shows a message until the next key.
    pub fn say(&mut self, message: String) {
        self.message = Some(message);
    }

    fn word(&self, id: &str) -> String {
        self.texts.word(id)
    }

    /// Chooses the lines anew; the chosen one stays, or the one behind it.
    fn refresh(&mut self) {
        let chosen = self.lines.get(self.row).copied().unwrap_or(0);
        let wanted = |(_, line): &(usize, &super::GraphLine)| self.sources || line.index.is_some();
        self.lines = self.graph.lines.iter().enumerate().filter(wanted).map(|(at, _)| at).collect();
        self.row = self.lines.partition_point(|line| *line < chosen).min(self.lines.len().saturating_sub(1));
    }

    fn count(&mut self) {
        self.hottest = self.shown.hottest(self.options.percent);
        self.hot = 0;
    }

    /// Goes to the line of an instruction.
    fn go(&mut self, index: usize) {
        let at = |line: &usize| self.graph.lines.get(*line).is_some_and(|line| line.index == Some(index));
        if let Some(row) = self.lines.iter().position(at) {
            self.row = row;
        }
    }

    fn go_hot(&mut self, hot: usize) {
        if let Some((index, _)) = self.hottest.get(hot) {
            self.hot = hot;
            self.go(*index);
        }
    }

    /// Answers a key.
    pub fn on_key(&mut self, key: KeyEvent) -> Flow {
        let code = match Pressed::from(key) {
            Pressed::Nothing => return Flow::Continue,
            Pressed::Out => return Flow::Quit,
            Pressed::Key(code) => code,
        };
        self.message = None;
        if self.typing {
            self.type_key(code);
            return Flow::Continue;
        }
        match self.view {
            View::Help => {
                self.view = View::Code;
                Flow::Continue
            }
            View::Hottest => self.hottest_key(code),
            View::Code => self.code_key(code),
        }
    }

    fn type_key(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => {
                self.typing = false;
                self.find(true);
            }
            KeyCode::Esc => {
                self.typing = false;
                self.search.clear();
            }
            KeyCode::Backspace => {
                self.search.pop();
            }
            KeyCode::Char(letter) => self.search.push(letter),
            _ => {}
        }
    }

    /// The next line with the text that was searched for, or the one before.
    fn find(&mut self, forward: bool) {
        let count = self.lines.len();
        if self.search.is_empty() || count == 0 {
            return;
        }
        let has = |row: usize| {
            self.lines
                .get(row)
                .and_then(|line| self.graph.lines.get(*line))
                .is_some_and(|line| line.text.contains(&self.search))
        };
        let step = |distance: usize| {
            if forward { (self.row + distance) % count } else { (self.row + count - distance) % count }
        };
        match (1..=count).map(step).find(|row| has(*row)) {
            Some(row) => self.row = row,
            None => self.message = Some(self.word("perf-annotate-tui-not-found")),
        }
    }

    fn hottest_key(&mut self, code: KeyCode) -> Flow {
        let last = self.hottest.len().saturating_sub(1);
        match code {
            KeyCode::Char('q' | 'l') | KeyCode::Esc | KeyCode::Left => self.view = View::Code,
            KeyCode::Up => self.hot = self.hot.saturating_sub(1),
            KeyCode::Down => self.hot = (self.hot + 1).min(last),
            KeyCode::PageUp => self.hot = self.hot.saturating_sub(self.height),
            KeyCode::PageDown => self.hot = (self.hot + self.height).min(last),
            KeyCode::Enter | KeyCode::Right => {
                self.go_hot(self.hot);
                self.view = View::Code;
            }
            _ => {}
        }
        Flow::Continue
    }

    fn code_key(&mut self, code: KeyCode) -> Flow {
        let last = self.lines.len().saturating_sub(1);
        match code {
            KeyCode::Char('q') | KeyCode::Esc | KeyCode::Left => match self.trail.pop() {
                Some(row) if code != KeyCode::Char('q') => self.row = row.min(last),
                _ => return Flow::Back,
            },
            KeyCode::Up => self.row = self.row.saturating_sub(1),
            KeyCode::Down => self.row = (self.row + 1).min(last),
            KeyCode::PageUp => self.row = self.row.saturating_sub(self.height),
            KeyCode::PageDown | KeyCode::Char(' ') => self.row = (self.row + self.height).min(last),
            KeyCode::Home => self.row = 0,
            KeyCode::End => self.row = last,
            KeyCode::Tab => self.go_hot((self.hot + 1).min(self.hottest.len().saturating_sub(1))),
            KeyCode::BackTab => self.go_hot(self.hot.saturating_sub(1)),
            KeyCode::Char('H') => self.go_hot(0),
            KeyCode::Char('l') => self.view = View::Hottest,
            KeyCode::Enter | KeyCode::Right => self.follow(),
            KeyCode::Char('s') => {
                self.sources = !self.sources;
                self.refresh();
            }
            KeyCode::Char('o') => self.addresses = !self.addresses,
            KeyCode::Char('t') => {
                let options = &mut self.options;
                (options.period, options.samples) = match (options.period, options.samples) {
                    (false, false) => (true, false),
                    (true, _) => (false, true),
                    (false, true) => (false, false),
                };
            }
            KeyCode::Char(letter @ ('b' | 'p')) => {
                self.options.percent = self.options.percent.toggled(letter == 'b');
                self.count();
            }
            KeyCode::Char('/') => {
                self.typing = true;
                self.search.clear();
            }
            KeyCode::Char('n') => self.find(true),
            KeyCode::Char('N') => self.find(false),
            KeyCode::Char('P') => return Flow::Write,
            KeyCode::Char('h' | '?') | KeyCode::F(1) => self.view = View::Help,
            _ => {}
        }
        Flow::Continue
    }

    /// Goes where the chosen jump leads to.
    fn follow(&mut self) {
        let Some(target) = self.target() else {
            self.message = Some(self.word("perf-annotate-tui-leads-nowhere"));
            return;
        };
        let row = self.row;
        if let Some(index) = self.shown.code.asm.iter().position(|asm| asm.offset == target) {
            self.go(index);
            self.trail.push(row);
        }
    }

    /// The offset that the chosen instruction jumps to.
    fn target(&self) -> Option<u64> {
        let line = self.graph.lines.get(*self.lines.get(self.row)?)?;
        let asm = self.shown.code.asm.get(line.index?)?;
        let code = self.shown.code;
        (asm.flow == Leads::Jump).then(|| inside(asm, code.start, code.end.saturating_sub(code.start))).flatten()
    }

    /// Draws the screen.
    pub fn draw(&mut self, frame: &mut Frame) {
        let heights = [Constraint::Length(2), Constraint::Fill(1), Constraint::Length(1)];
        let [head, body, foot] = Layout::vertical(heights).areas(frame.area());
        let columns = usize::from(head.width);
        let [first, mut second] = title(&self.shown, self.options).map(|line| clean(&line).into_owned());
        if width(&first) > columns {
            // Of what is shares is at the end of the first line; where that is cut, it stands in the second.
            let words = format!(" [percent: {}]", self.options.percent.words());
            let room = columns.saturating_sub(width(&words));
            second = pad(&fit(&second, room), room) + &words;
        }
        let (first, second) = (fit(&first, columns), fit(&second, columns));
        let lines = vec![
            Line::styled(first, Style::new().add_modifier(Modifier::BOLD)),
            Line::styled(pad(&second, columns), Style::new().add_modifier(Modifier::REVERSED)),
        ];
        frame.render_widget(Paragraph::new(lines), head);
        self.height = usize::from(body.height).max(1);
        let lines = match self.view {
            View::Code => self.code_lines(body),
            View::Hottest => self.hottest_lines(body),
            View::Help => {
                self.word("perf-annotate-tui-help").lines().map(|line| Line::raw(fit(line, columns))).collect()
            }
        };
        frame.render_widget(Paragraph::new(lines), body);
        let text = match &self.message {
            _ if self.typing => format!("/{}_", self.search),
            Some(message) => message.clone(),
            None if self.view == View::Help => self.word("perf-report-tui-foot-help"),
            None => self.word("perf-annotate-tui-foot"),
        };
        frame.render_widget(Paragraph::new(Line::raw(fit(&clean(&text), columns))), foot);
        if !self.color {
            for cell in &mut frame.buffer_mut().content {
                cell.set_fg(Color::Reset).set_bg(Color::Reset);
            }
        }
    }

    fn code_lines(&mut self, area: Rect) -> Vec<Line<'static>> {
        if self.row < self.top {
            self.top = self.row;
        }
        if self.row >= self.top + self.height {
            self.top = self.row + 1 - self.height;
        }
        let target = self.target().and_then(|offset| self.graph.line_at(&self.shown, offset));
        let target = target.map(|line| self.lines.partition_point(|shown| *shown < line));
        let rows = self.top..(self.top + self.height).min(self.lines.len());
        rows.map(|row| self.code_line(row, target, usize::from(area.width))).collect()
    }

    /// The line that is drawn from the chosen jump to its target.
    fn wire(&self, row: usize, target: Option<usize>) -> char {
        let Some(target) = target else { return ' ' };
        let (upper, lower) = (self.row.min(target), self.row.max(target));
        match row {
            _ if row == upper && row == lower => '►',
            _ if row == target => '►',
            _ if row == upper => '┌',
            _ if row == lower => '└',
            _ if (upper..lower).contains(&row) => '│',
            _ => ' ',
        }
    }

    fn code_line(&self, row: usize, target: Option<usize>, columns: usize) -> Line<'static> {
        let Some(line) = self.lines.get(row).and_then(|line| self.graph.lines.get(*line)) else {
            return Line::default();
        };
        let counts = column(&self.shown, self.options, line.index);
        let share = line
            .index
            .map_or(0.0, |index| self.shown.shares(index, self.options.percent).into_iter().fold(0.0, f64::max));
        let width = if self.addresses { format!("{:x}", self.shown.code.end).len() } else { self.graph.offsets };
        let label = match line.index.and_then(|index| self.shown.code.asm.get(index)) {
            Some(asm) if self.addresses => format!("{:x}", self.shown.code.start.wrapping_add(asm.offset)),
            _ => line.label.clone(),
        };
        let colon = if label.is_empty() { ' ' } else { ':' };
        let label = format!("{label:>width$}{colon}");
        let text = format!("{}{} {}", self.wire(row, target), line.arrow, line.text);
        let left = columns.saturating_sub(counts.chars().count() + label.chars().count() + 2);
        let tone = tone(share);
        let mut spans = vec![
            Span::styled(format!("{counts} "), tone),
            Span::styled(format!("{label} "), Style::new().fg(Color::Magenta)),
        ];
        let style = if line.index.is_some() { Style::new().fg(Color::Blue) } else { Style::new() };
        spans.push(Span::styled(pad(&fit(&clean(&text), left), left), style));
        let line = Line::from(spans);
        if row == self.row { line.style(Style::new().add_modifier(Modifier::REVERSED)) } else { line }
    }

    fn hottest_lines(&self, area: Rect) -> Vec<Line<'static>> {
        let columns = usize::from(area.width);
        if self.hottest.is_empty() {
            return vec![Line::raw(self.word("perf-annotate-tui-cold"))];
        }
        let top = (self.hot + 1).saturating_sub(self.height);
        let shown = self.hottest.iter().enumerate().skip(top).take(self.height);
        shown
            .map(|(at, (index, share))| {
                let Some(asm) = self.shown.code.asm.get(*index) else { return Line::default() };
                let place = match &asm.source.line {
                    Some((file, line)) => format!("  {}:{line}", super::base(file)),
                    None => String::new(),
                };
                let text = format!("{share:6.2} {:>8x}: {}{place}", asm.offset, asm.text.replace('\t', " "));
                let line = Line::styled(pad(&fit(&clean(&text), columns), columns), tone(*share));
                if at == self.hot { line.style(Style::new().add_modifier(Modifier::REVERSED)) } else { line }
            })
            .collect()
    }
}

/// The colour of a share: perf's limits.
fn tone(share: f64) -> Style {
    match share {
        _ if share >= HOT => Style::new().fg(Color::Red),
        _ if share > WARM => Style::new().fg(Color::Green),
        _ => Style::new(),
    }
}
