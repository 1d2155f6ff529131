//! `perf c2c report` on a terminal: a state machine without a terminal, which the binary feeds with keys and draws.
//!
//! ```text
//!   lines  ->  Enter or d: the rows of one line  ->  n nodes, s whole names, q back
//! ```

use crossterm::event::{KeyCode, KeyEvent};
use perfuse_analyze::Msg;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line as TextLine;
use ratatui::widgets::Paragraph;

use super::C2c;
use crate::i18n::Texts;
use crate::keys::Pressed;

/// What fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Lines,
    Rows,
    Counts,
    Help,
}

/// The screen.
pub struct C2cTui<'a> {
    shown: C2c<'a>,
    texts: &'a Texts,
    view: View,
    /// The line that is chosen.
    line: usize,
    /// The first one on the screen, of each view.
    top: [usize; 2],
    /// Columns that are left of the screen.
    left: u16,
    row: usize,
}

impl<'a> C2cTui<'a> {
    /// At the table of lines.
    pub fn new(shown: C2c<'a>, texts: &'a Texts) -> Self {
        Self { shown, texts, view: View::Lines, line: 0, top: [0; 2], left: 0, row: 0 }
    }

    /// Takes a key; false at the end.
    pub fn on_key(&mut self, key: KeyEvent) -> bool {
        let code = match Pressed::from(key) {
            Pressed::Nothing => return true,
            Pressed::Out => return false,
            Pressed::Key(code) => code,
        };
        match code {
            KeyCode::Char('q') | KeyCode::Esc if self.view == View::Lines => return false,
            KeyCode::Char('q') | KeyCode::Esc => self.turn(View::Lines),
            KeyCode::Enter | KeyCode::Char('d') if self.view == View::Lines && !self.shown.shared.lines.is_empty() => {
                self.turn(View::Rows);
            }
            KeyCode::Char('?' | 'h') => self.turn(View::Help),
            KeyCode::Char('i') => self.turn(View::Counts),
            KeyCode::Char('n') => self.shown.node_info = (self.shown.node_info + 1) % 3,
            KeyCode::Char('s') => self.shown.full_symbols = !self.shown.full_symbols,
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::PageUp => self.go(-20),
            KeyCode::PageDown | KeyCode::Char(' ') => self.go(20),
            KeyCode::Home => self.go(isize::MIN),
            KeyCode::End => self.go(isize::MAX),
            KeyCode::Left => self.left = self.left.saturating_sub(8),
            KeyCode::Right => self.left = self.left.saturating_add(8).min(400),
            _ => {}
        }
        true
    }

    fn turn(&mut self, view: View) {
        (self.view, self.left, self.row) = (view, 0, 0);
    }

    fn go(&mut self, by: isize) {
        let lines = &self.shown.shared.lines;
        let (at, count) = match self.view {
            View::Lines => (&mut self.line, lines.len()),
            View::Rows => {
                (&mut self.row, lines.get(self.line).map_or(0, |line| line.rows.iter().filter(|row| row.shown).count()))
            }
            View::Counts | View::Help => (&mut self.row, 60),
        };
        *at = at.saturating_add_signed(by).min(count.saturating_sub(1));
    }

    /// Draws it.
    pub fn draw(&mut self, frame: &mut Frame<'_>) {
        let [title, body, keys] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)]).areas(frame.area());
        let bold = Style::new().add_modifier(Modifier::BOLD);
        frame.render_widget(Paragraph::new(self.title()).style(bold), title);
        match self.view {
            View::Help => frame.render_widget(Paragraph::new(self.texts.word("c2c-keys")), body),
            View::Counts => {
                let text = self.shown.statistics();
                let row = u16::try_from(self.row).unwrap_or(u16::MAX);
                frame.render_widget(Paragraph::new(text).scroll((row, self.left)), body);
            }
            View::Lines | View::Rows => self.table(frame, body),
        }
        frame.render_widget(Paragraph::new(self.texts.word("c2c-keys-short")), keys);
    }

    fn title(&self) -> String {
        let address = self.shown.shared.lines.get(self.line).map_or(0, |line| line.address);
        if self.view == View::Rows {
            return self.texts.text(&Msg::new("c2c-title-line").with("address", super::hex(address)));
        }
        let count = self.shown.shared.lines.len().to_string();
        self.texts.text(&Msg::new("c2c-title").with("count", count))
    }

    fn table(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let rows = self.view == View::Rows;
        let (head, text) = if rows { self.shown.row_table(self.line, false) } else { self.shown.line_table() };
        let [above, below] = Layout::vertical([Constraint::Length(3), Constraint::Min(1)]).areas(area);
        // The marks of comments are of no use on a screen.
        let head: Vec<String> = head.lines().take(3).map(|line| line.replacen('#', " ", 1)).collect();
        frame.render_widget(Paragraph::new(head.join("\n")).scroll((0, self.left)), above);
        let height = usize::from(below.height).max(1);
        let at = if rows { self.row } else { self.line };
        let top = &mut self.top[usize::from(rows)];
        *top = (*top).min(at).max((at + 1).saturating_sub(height));
        let reversed = Style::new().add_modifier(Modifier::REVERSED);
        let shown = text.lines().enumerate().skip(*top).take(height);
        let lines: Vec<TextLine<'_>> = shown
            .map(|(index, line)| TextLine::styled(line, if index == at { reversed } else { Style::new() }))
            .collect();
        frame.render_widget(Paragraph::new(lines).scroll((0, self.left)), below);
    }
}

#[cfg(test)]
mod tests {
    use perfuse_analyze::c2c::{Collector, Display, Options, Part, Shared};
    use perfuse_analyze::resolve::{NoNames, Resolver};
    use perfuse_format::perfdata::Sample;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::i18n::Lang;
    use crate::perf::c2c::CodePlace;

    fn shared() -> Shared {
        let mut resolver = Resolver::new(NoNames, perfuse_analyze::resolve::Options::default());
        let options = Options { display: Display::Total, parts: vec![Part::Code], all: false };
        let mut collector = Collector::new(options);
        for addr in [0x1008, 0x1010, 0x2020] {
            let data_src = 2 | 0x42 << 5 | 0x10 << 19;
            let sample = Sample { misc: 2, ip: 0x400, pid: 7, tid: 7, addr, data_src, ..Sample::default() };
            collector.sample(&mut resolver, &sample, None);
        }
        collector.finish()
    }

    fn screen(tui: &mut C2cTui<'_>) -> String {
        let mut terminal = Terminal::new(TestBackend::new(120, 14)).unwrap();
        terminal.draw(|frame| tui.draw(frame)).unwrap();
        terminal
            .backend()
            .buffer()
            .content()
            .chunks(120)
            .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>() + "\n")
            .collect()
    }

    #[test]
    fn a_line_opens_to_its_rows_and_closes_again() {
        let shared = shared();
        let places: Vec<Vec<CodePlace>> =
            shared.lines.iter().map(|line| vec![CodePlace::default(); line.rows.len()]).collect();
        let nodes = [std::collections::BTreeSet::from([0])];
        let shown = C2c {
            shared: &shared,
            places: &places,
            events: &["mem"],
            display: Display::Total,
            parts: &[Part::Code],
            grouping: "iaddr",
            nodes: &nodes,
            node_info: 0,
            full_symbols: false,
            no_source: false,
            chains: &std::collections::BTreeMap::new(),
        };
        for lang in [Lang::En, Lang::Ko] {
            let texts = Texts::new(lang);
            let mut tui = C2cTui::new(shown, &texts);
            let press = |tui: &mut C2cTui<'_>, code| tui.on_key(KeyEvent::from(code));
            let text = screen(&mut tui);
            assert!(text.contains("0x1000") && text.contains("0x2000") && !text.contains("c2c-"), "{text}");
            assert!(press(&mut tui, KeyCode::Enter));
            let text = screen(&mut tui);
            assert!(text.contains("0x10") && !text.contains("0x2000"), "{text}");
            assert!(press(&mut tui, KeyCode::Char('n')) && press(&mut tui, KeyCode::End));
            assert!(press(&mut tui, KeyCode::Char('i')) && screen(&mut tui).contains("Total records"));
            assert!(press(&mut tui, KeyCode::Char('?')) && !screen(&mut tui).contains("c2c-"));
            assert!(press(&mut tui, KeyCode::Char('q')) && !press(&mut tui, KeyCode::Char('q')));
        }
    }
}
