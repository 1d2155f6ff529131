//! `perf top` on a terminal: a state machine without a terminal, which the binary feeds with keys and with what was counted.

use std::collections::BTreeSet;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{TopHead, TopLine, TopTable};
use crate::i18n::Texts;
use crate::keys::Pressed;
use crate::layout::{clean, fit, pad};

/// What the caller does after a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flow {
    /// Draw again.
    Continue,
    /// Give the terminal back and end.
    Quit,
    /// Forget old samples at each refresh, or no longer.
    Zero,
    /// Show the kernel's functions, or no longer.
    Kernel,
    /// Show functions of programs, or no longer.
    User,
    /// Refresh after so many seconds.
    Delay(u64),
    /// Write the screen to a file, and tell with [`TopTui::say`] how it is called.
    Write,
    /// Show the instructions of a function; or tell with [`TopTui::say`] why not.
    Annotate {
        /// Its name.
        symbol: String,
        /// Its file, as the line shows it.
        dso: String,
        /// Index of the event whose samples are shown.
        event: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typing {
    Nothing,
    Search,
    Delay,
}

/// The terminal program.
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the keyboard")]
pub struct TopTui<'a> {
    texts: &'a Texts,
    color: bool,
    head: TopHead,
    /// What this program costs, in words.
    cost: String,
    tables: Vec<TopTable>,
    event: usize,
    row: usize,
    top: usize,
    height: usize,
    /// Lines whose call chains are open, by their text without the weights; `all`: every one.
    open: BTreeSet<String>,
    all: bool,
    help: bool,
    paused: bool,
    search: String,
    typing: Typing,
    typed: String,
    pub(super) message: Option<String>,
    /// Whether anything came yet.
    begun: bool,
}

impl<'a> TopTui<'a> {
    /// Before anything was counted.
    pub fn new(texts: &'a Texts) -> Self {
        Self {
            texts,
            color: true,
            head: TopHead::default(),
            cost: String::new(),
            tables: Vec::new(),
            event: 0,
            row: 0,
            top: 0,
            height: 1,
            open: BTreeSet::new(),
            all: false,
            help: false,
            paused: false,
            search: String::new(),
            typing: Typing::Nothing,
            typed: String::new(),
            message: None,
            begun: false,
        }
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

    /// Takes what was counted, unless the screen is held.
    pub fn update(&mut self, head: TopHead, tables: Vec<TopTable>, cost: String) {
        if self.paused {
            return;
        }
        (self.head, self.tables, self.cost, self.begun) = (head, tables, cost, true);
        self.row = self.row.min(self.rows().len().saturating_sub(1));
    }

    /// The part of a line that stays the same while weights change.
    fn key(text: &str) -> String {
        text.split_whitespace().filter(|word| !word.ends_with('%')).collect::<Vec<_>>().join(" ")
    }

    /// What is shown: the texts with their shares, whether a line is one of call chains, and the number of the line that it
    /// belongs to.
    fn rows(&self) -> Vec<(String, f64, bool, usize)> {
        let mut rows = Vec::new();
        let Some(table) = self.tables.get(self.event) else { return rows };
        let wanted = |text: &str| self.search.is_empty() || text.contains(&self.search);
        for (at, line) in table.lines.iter().enumerate().filter(|(_, line)| wanted(&line.text)) {
            let is_open = self.all || self.open.contains(&Self::key(&line.text));
            let sign = match (line.chains.is_empty(), is_open) {
                (true, _) => ' ',
                (false, false) => '+',
                (false, true) => '-',
            };
            rows.push((format!("{sign}{}", line.text), line.share, false, at));
            if is_open {
                let chains = line.chains.iter().filter(|text| !text.trim().is_empty());
                rows.extend(chains.map(|text| (text.clone(), 0.0, true, at)));
            }
        }
        rows
    }

    /// The screen as text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        super::stdio(&self.head, &self.tables, usize::MAX, false, &mut out);
        out
    }

    /// Answers a key.
    pub fn on_key(&mut self, key: KeyEvent) -> Flow {
        let code = match Pressed::from(key) {
            Pressed::Nothing => return Flow::Continue,
            Pressed::Out => return Flow::Quit,
            Pressed::Key(code) => code,
        };
        self.message = None;
        if self.typing != Typing::Nothing {
            return self.type_key(code);
        }
        if std::mem::take(&mut self.help) {
            return Flow::Continue;
        }
        let last = self.rows().len().saturating_sub(1);
        match code {
            KeyCode::Char('q' | 'Q') | KeyCode::Esc => return Flow::Quit,
            KeyCode::Up => self.row = self.row.saturating_sub(1),
            KeyCode::Down => self.row = (self.row + 1).min(last),
            KeyCode::PageUp => self.row = self.row.saturating_sub(self.height),
            KeyCode::PageDown | KeyCode::Char(' ') => self.row = (self.row + self.height).min(last),
            KeyCode::Home => self.row = 0,
            KeyCode::End => self.row = last,
            KeyCode::Tab => self.event = (self.event + 1) % self.tables.len().max(1),
            KeyCode::Enter | KeyCode::Char('+') | KeyCode::Right => self.toggle(),
            KeyCode::Char('e' | 'E') => self.all = true,
            KeyCode::Char('c' | 'C') => {
                self.all = false;
                self.open.clear();
            }
            KeyCode::Char('f') => self.paused = !self.paused,
            KeyCode::Char('z') => return Flow::Zero,
            KeyCode::Char('K') => return Flow::Kernel,
            KeyCode::Char('U') => return Flow::User,
            KeyCode::Char('P') => return Flow::Write,
            KeyCode::Char('a') => return self.annotate(),
            KeyCode::Char('d') => {
                self.typing = Typing::Delay;
                self.typed.clear();
            }
            KeyCode::Char('/') => {
                self.typing = Typing::Search;
                self.search.clear();
            }
            KeyCode::Char('h' | '?') | KeyCode::F(1) => self.help = true,
            _ => {}
        }
        Flow::Continue
    }

    fn type_key(&mut self, code: KeyCode) -> Flow {
        let typing = self.typing;
        let text = if typing == Typing::Delay { &mut self.typed } else { &mut self.search };
        match code {
            KeyCode::Enter => {
                self.typing = Typing::Nothing;
                if typing == Typing::Delay
                    && let Some(seconds) = self.typed.trim().parse().ok().filter(|seconds| *seconds > 0)
                {
                    return Flow::Delay(seconds);
                }
            }
            KeyCode::Esc => {
                text.clear();
                self.typing = Typing::Nothing;
            }
            KeyCode::Backspace => {
                text.pop();
            }
            KeyCode::Char(letter) => text.push(letter),
            _ => {}
        }
        self.row = 0;
        Flow::Continue
    }

    /// Asks for the function of the chosen line.
    fn annotate(&mut self) -> Flow {
        let chosen = self.rows().get(self.row).map(|(.., line)| *line);
        let table = self.tables.get(self.event);
        let line = table.and_then(|table| Some((table.index, table.lines.get(chosen?)?)));
        if let Some((event, TopLine { symbol: Some(symbol), dso, .. })) = line {
            return Flow::Annotate { symbol: symbol.clone(), dso: dso.clone(), event };
        }
        self.message = Some(self.texts.word("perf-report-tui-no-function"));
        Flow::Continue
    }

    /// Opens or closes the call chains of the chosen line.
    fn toggle(&mut self) {
        if let Some((text, _, false, _)) = self.rows().get(self.row) {
            let key = Self::key(text.get(1..).unwrap_or_default());
            if !self.open.remove(&key) {
                self.open.insert(key);
            }
        }
    }

    /// Draws the screen.
    pub fn draw(&mut self, frame: &mut Frame) {
        let heights = [Constraint::Length(3), Constraint::Fill(1), Constraint::Length(1)];
        let [head, body, foot] = Layout::vertical(heights).areas(frame.area());
        let columns = usize::from(head.width);
        let table = self.tables.get(self.event);
        let event = if self.tables.len() > 1 { table.map_or("", |table| table.event.as_str()) } else { "" };
        let heads = format!(" {}", table.map_or("", |table| table.heads.as_str()));
        let lines = vec![
            Line::styled(
                fit(clean(&self.head.line()).trim_start(), columns),
                Style::new().add_modifier(Modifier::BOLD),
            ),
            Line::raw(fit(&format!("{}  {event}", self.cost), columns)),
            Line::styled(pad(&fit(&heads, columns), columns), Style::new().add_modifier(Modifier::REVERSED)),
        ];
        frame.render_widget(Paragraph::new(lines), head);
        self.height = usize::from(body.height).max(1);
        let lines = self.body(body);
        frame.render_widget(Paragraph::new(lines), body);
        let text = match (&self.message, self.typing) {
            (_, Typing::Search) => format!("/{}_", self.search),
            (_, Typing::Delay) => format!("{} {}_", self.texts.word("perf-top-tui-delay"), self.typed),
            (Some(message), _) => message.clone(),
            (None, _) if self.help => self.texts.word("perf-report-tui-foot-help"),
            (None, _) if self.paused => self.texts.word("perf-top-tui-paused"),
            (None, _) => self.texts.word("perf-top-tui-foot"),
        };
        frame.render_widget(Paragraph::new(Line::raw(fit(&clean(&text), columns))), foot);
        if !self.color {
            for cell in &mut frame.buffer_mut().content {
                cell.set_fg(Color::Reset).set_bg(Color::Reset);
            }
        }
    }

    fn body(&mut self, area: Rect) -> Vec<Line<'static>> {
        let columns = usize::from(area.width);
        if self.help {
            let help = self.texts.word("perf-top-tui-help");
            return help.lines().map(|line| Line::raw(fit(line, columns))).collect();
        }
        let rows = self.rows();
        if rows.is_empty() {
            let word = if self.begun { "perf-top-tui-nothing" } else { "perf-top-tui-waiting" };
            return vec![Line::raw(fit(&self.texts.word(word), columns))];
        }
        self.row = self.row.min(rows.len() - 1);
        if self.row < self.top {
            self.top = self.row;
        }
        if self.row >= self.top + self.height {
            self.top = self.row + 1 - self.height;
        }
        let shown = rows.iter().enumerate().skip(self.top).take(self.height);
        let line = |(at, (text, share, chain, _)): (usize, &(String, f64, bool, usize))| {
            let style = match share {
                _ if *chain => Style::new().add_modifier(Modifier::DIM),
                _ if *share >= 5.0 => Style::new().fg(Color::Red),
                _ if *share > 0.5 => Style::new().fg(Color::Green),
                _ => Style::new(),
            };
            let line = Line::styled(pad(&fit(&clean(text), columns), columns), style);
            if at == self.row { line.style(Style::new().add_modifier(Modifier::REVERSED)) } else { line }
        };
        shown.map(line).collect()
    }
}
