//! `perf report` on a terminal: a state machine without a terminal, which the binary feeds with keys and draws.
//!
//! ```text
//!   events (if several)  ->  lines of one event  ->  Enter: call chains as a tree below the line
//!                            /  only some functions    d  only this file    t  only this thread
//! ```

mod draw;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crossterm::event::{KeyCode, KeyEvent};
use perfuse_analyze::Msg;
use perfuse_analyze::hist::hierarchy::Hierarchy;
use perfuse_analyze::hist::{CallTree, Key, NO_TEXT, Style};

use super::report::{Layout, ReportEvent};
use crate::i18n::Texts;
use crate::keys::Pressed;
use rows::Row;

/// Lines whose call chains are opened at once by one key: more would not be looked at.
const MOST_OPEN: usize = 200;

/// What the caller does after a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flow {
    /// Draw again.
    Continue,
    /// Give the terminal back and end.
    Quit,
    /// Write the table to a file and tell how it is called with [`ReportTui::say`].
    Write {
        /// Index of the event.
        event: usize,
    },
    /// Read the recording again, sorted by these keys.
    Sort(String),
    /// Show the instructions of a function; or tell with [`ReportTui::say`] why not.
    Annotate {
        /// Its name.
        symbol: String,
        /// Its file, as recorded.
        dso: String,
        /// Index of the event whose samples are shown.
        event: usize,
    },
    /// Show the header of the recording with [`ReportTui::show`].
    Header,
}

/// What fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Events,
    Lines,
    Help,
    Sort,
    Text,
}

/// What is being typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typing {
    Nothing,
    Search,
    /// The smallest share that is shown.
    Limit,
}

/// What of an entry's call chains is open.
#[derive(Debug, Default)]
struct Opened {
    tree: CallTree,
    nodes: BTreeSet<u32>,
}

/// Sorts that the menu offers.
const SORTS: &[&str] =
    &["comm,dso,sym", "sym", "dso,sym", "dso", "comm", "pid,sym", "cpu", "srcline", "srcfile", "trace"];

/// The terminal program.
pub struct ReportTui<'a> {
    layout: Layout<'a>,
    events: &'a [ReportEvent],
    texts: &'a Texts,
    color: bool,
    /// What could not be named, and why.
    problem: Option<String>,
    view: View,
    /// The view under the help or the menu of sorts.
    under: View,
    event: usize,
    /// Index of the chosen event among those that are listed, of the chosen row, of the chosen sort.
    chosen_event: usize,
    row: usize,
    chosen_sort: usize,
    /// First row on the screen, and how many there were when it was drawn.
    top: usize,
    height: usize,
    rows: Vec<Row>,
    /// The lines as a tree of keys (`--hierarchy`), and which of its nodes are open.
    tree: Option<Hierarchy>,
    levels: BTreeSet<u32>,
    opened: BTreeMap<u32, Opened>,
    /// Only functions with this in their names.
    search: String,
    /// What is being typed: the search, or the limit.
    typing: Typing,
    /// Only lines of at least this share, in percent, as it was typed.
    limit: f64,
    typed: String,
    /// A text over the lines, and the first line of it that is shown.
    text: (Vec<String>, usize),
    /// Only this function, by the text of its name.
    function: Option<u32>,
    /// Only this file, by the text of its name.
    dso: Option<u32>,
    /// Only this thread or process name.
    thread: Option<(Key, u64)>,
    message: Option<String>,
    widths: Vec<usize>,
}

impl<'a> ReportTui<'a> {
    /// A program that shows what `layout` lays out.
    pub fn new(layout: Layout<'a>, events: &'a [ReportEvent], texts: &'a Texts) -> Self {
        let mut tui = Self {
            layout,
            events,
            texts,
            color: true,
            problem: None,
            view: View::Lines,
            under: View::Lines,
            event: 0,
            chosen_event: 0,
            row: 0,
            chosen_sort: 0,
            top: 0,
            height: 1,
            rows: Vec::new(),
            tree: None,
            levels: BTreeSet::new(),
            opened: BTreeMap::new(),
            search: String::new(),
            typing: Typing::Nothing,
            limit: 0.0,
            typed: String::new(),
            text: (Vec::new(), 0),
            function: None,
            dso: None,
            thread: None,
            message: None,
            widths: Vec::new(),
        };
        let listed = tui.listed();
        if listed.len() > 1 {
            tui.view = View::Events;
        }
        tui.enter(listed.first().copied().unwrap_or(0));
        tui
    }

    /// Without colours where the terminal or the user has none.
    #[must_use]
    pub fn with_color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// With a line that tells what could not be named, and why.
    #[must_use]
    pub fn with_problem(mut self, problem: Option<String>) -> Self {
        self.problem = problem;
        self
    }

    /// Shows a message until the next key.
    pub fn say(&mut self, message: String) {
        self.message = Some(message);
    }

    /// Shows a text over the lines, until the user goes back.
    pub fn show(&mut self, text: &str) {
        self.text = (text.lines().map(str::to_owned).collect(), 0);
        self.view = View::Text;
    }

    /// The events that have a table of their own and samples.
    fn listed(&self) -> Vec<usize> {
        let hists = self.layout.hists;
        let shown = |&event: &usize| {
            let samples = hists.tables.get(event).map_or(0, |table| table.totals.all.samples);
            samples > 0 && !hists.is_member(event)
        };
        (0..self.events.len()).filter(shown).collect()
    }

    fn enter(&mut self, event: usize) {
        self.event = event;
        self.opened.clear();
        self.levels.clear();
        self.tree = self.layout.options.hierarchy.then(|| self.layout.hierarchy_of(event));
        self.widths = self.layout.widths(event);
        (self.row, self.top) = (0, 0);
        self.refresh();
    }

    /// Makes the rows anew; the chosen one stays where it is.
    fn refresh(&mut self) {
        self.rows = self.make_rows();
        self.row = self.row.min(self.rows.len().saturating_sub(1));
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
            self.type_key(code);
            return Flow::Continue;
        }
        match code {
            KeyCode::Char('h' | '?') | KeyCode::F(1) if self.view != View::Help => {
                self.under = self.view;
                self.view = View::Help;
                Flow::Continue
            }
            _ => match self.view {
                View::Help => {
                    self.view = self.under;
                    Flow::Continue
                }
                View::Events => self.events_key(code),
                View::Sort => self.sort_key(code),
                View::Text => self.text_key(code),
                View::Lines => self.lines_key(code),
            },
        }
    }

    fn type_key(&mut self, code: KeyCode) {
        let text = if self.typing == Typing::Limit { &mut self.typed } else { &mut self.search };
        match code {
            KeyCode::Enter => self.typing = Typing::Nothing,
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
        // What is no number is no limit.
        self.limit = self.typed.trim().parse().unwrap_or(0.0);
        self.refresh();
    }

    fn text_key(&mut self, code: KeyCode) -> Flow {
        let (lines, top) = &mut self.text;
        let last = lines.len().saturating_sub(1);
        match code {
            KeyCode::Char('q') | KeyCode::Esc | KeyCode::Left => self.view = View::Lines,
            KeyCode::Up => *top = top.saturating_sub(1),
            KeyCode::Down => *top = (*top + 1).min(last),
            KeyCode::PageUp => *top = top.saturating_sub(self.height),
            KeyCode::PageDown | KeyCode::Char(' ') => *top = (*top + self.height).min(last),
            KeyCode::Home => *top = 0,
            KeyCode::End => *top = last,
            _ => {}
        }
        Flow::Continue
    }

    fn events_key(&mut self, code: KeyCode) -> Flow {
        let listed = self.listed();
        match code {
            KeyCode::Char('q') | KeyCode::Esc => return Flow::Quit,
            KeyCode::Up => self.chosen_event = self.chosen_event.saturating_sub(1),
            KeyCode::Down => self.chosen_event = (self.chosen_event + 1).min(listed.len().saturating_sub(1)),
            KeyCode::Enter | KeyCode::Right => {
                self.enter(listed.get(self.chosen_event).copied().unwrap_or(0));
                self.view = View::Lines;
            }
            _ => {}
        }
        Flow::Continue
    }

    fn sort_key(&mut self, code: KeyCode) -> Flow {
        match code {
            KeyCode::Char('q') | KeyCode::Esc | KeyCode::Left => self.view = View::Lines,
            KeyCode::Up => self.chosen_sort = self.chosen_sort.saturating_sub(1),
            KeyCode::Down => self.chosen_sort = (self.chosen_sort + 1).min(SORTS.len() - 1),
            KeyCode::Enter => {
                self.view = View::Lines;
                return Flow::Sort(SORTS[self.chosen_sort].to_owned());
            }
            _ => {}
        }
        Flow::Continue
    }

    fn lines_key(&mut self, code: KeyCode) -> Flow {
        let last = self.rows.len().saturating_sub(1);
        match code {
            KeyCode::Char('q') | KeyCode::Esc | KeyCode::Left => return self.back(),
            KeyCode::Up => self.row = self.row.saturating_sub(1),
            KeyCode::Down => self.row = (self.row + 1).min(last),
            KeyCode::PageUp => self.row = self.row.saturating_sub(self.height),
            KeyCode::PageDown | KeyCode::Char(' ') => self.row = (self.row + self.height).min(last),
            KeyCode::Home => self.row = 0,
            KeyCode::End => self.row = last,
            KeyCode::Enter | KeyCode::Char('+') | KeyCode::Right => self.toggle(),
            KeyCode::Char('e' | 'E') => self.open_all(),
            KeyCode::Char('c' | 'C') => self.close_all(),
            KeyCode::Char('/') => {
                self.typing = Typing::Search;
                self.search.clear();
                self.refresh();
            }
            KeyCode::Char('L') => {
                self.typing = Typing::Limit;
                self.typed.clear();
            }
            KeyCode::Char('f') => self.zoom_function(),
            KeyCode::Char('a') => return self.annotate(),
            KeyCode::Char('i') => return Flow::Header,
            KeyCode::Char('d') => self.zoom_dso(),
            KeyCode::Char('t') => self.zoom_thread(),
            KeyCode::Char('s') => self.view = View::Sort,
            KeyCode::Char('P') => return Flow::Write { event: self.event },
            _ => {}
        }
        Flow::Continue
    }

    /// One step back: the filter, the zooms, the list of events, the end.
    fn back(&mut self) -> Flow {
        if !self.search.is_empty() {
            self.search.clear();
        } else if !self.typed.is_empty() {
            self.typed.clear();
            self.limit = 0.0;
        } else if self.function.take().is_some() || self.dso.take().is_some() || self.thread.take().is_some() {
        } else if self.listed().len() > 1 {
            self.view = View::Events;
        } else {
            return Flow::Quit;
        }
        self.refresh();
        Flow::Continue
    }

    fn word(&self, id: &str) -> String {
        self.texts.word(id)
    }

    /// Whether there are call chains at all.
    fn has_chains(&self) -> bool {
        let settings = &self.layout.hists.settings;
        let styled = self.layout.options.chain.style != Style::None;
        styled && settings.chains && settings.event_chains.get(self.event) == Some(&true)
    }

    fn toggle(&mut self) {
        match self.rows.get(self.row).copied() {
            Some(Row::Level { node, .. }) if self.has_levels_below(node) => {
                if !self.levels.remove(&node) {
                    self.levels.insert(node);
                }
            }
            Some(Row::Entry(_) | Row::Level { .. }) if !self.has_chains() => {
                self.message = Some(self.word("perf-report-tui-no-chains"));
            }
            Some(Row::Entry(id) | Row::Level { entry: id, .. }) if self.opened.remove(&id).is_none() => {
                self.open(id, false);
            }
            Some(Row::Chain { entry, node, .. }) => {
                if let Some(opened) = self.opened.get_mut(&entry)
                    && !opened.nodes.remove(&node)
                {
                    opened.nodes.insert(node);
                }
            }
            Some(Row::Entry(_) | Row::Level { .. }) | None => {}
        }
        self.refresh();
    }

    fn has_levels_below(&self, node: u32) -> bool {
        let node = self.tree.as_ref().and_then(|tree| tree.nodes.get(node as usize));
        node.is_some_and(|node| !node.children.is_empty())
    }

    fn open(&mut self, id: u32, whole: bool) {
        let Some(tree) = self.layout.tree(id) else { return };
        // As perf opens them: the first level, and where there is one way only all of it.
        let mut nodes: BTreeSet<u32> = BTreeSet::new();
        if whole {
            nodes.extend(0..u32::try_from(tree.nodes.len()).unwrap_or(u32::MAX));
        } else if let [root] = tree.roots.as_slice() {
            nodes.insert(*root);
        }
        self.opened.insert(id, Opened { tree, nodes });
    }

    fn open_all(&mut self) {
        if let Some(tree) = &self.tree {
            self.levels = (0..u32::try_from(tree.nodes.len()).unwrap_or(u32::MAX)).collect();
            return self.refresh();
        }
        if !self.has_chains() {
            self.message = Some(self.word("perf-report-tui-no-chains"));
            return;
        }
        let ids: Vec<u32> = self.rows.iter().filter_map(|row| row.entry()).take(MOST_OPEN).collect();
        for id in ids {
            self.open(id, true);
        }
        self.refresh();
    }

    fn close_all(&mut self) {
        let entry = self.rows.get(self.row).map(|row| row.owner());
        self.opened.clear();
        self.levels.clear();
        self.refresh();
        self.row = self.rows.iter().position(|row| Some(row.owner()) == entry).unwrap_or(0);
    }

    fn chosen_entry(&self) -> Option<u32> {
        self.rows.get(self.row).map(|row| row.owner())
    }

    /// Asks for the instructions of the chosen function.
    fn annotate(&mut self) -> Flow {
        let hists = self.layout.hists;
        let place = match self.rows.get(self.row) {
            Some(Row::Chain { frame, .. }) => Some(hists.frames.get(*frame)),
            Some(row) => Some(hists.place(row.owner())),
            None => None,
        };
        let symbol = place.and_then(|place| Some((hists.frames.text(place.name)?, place.dso_path)));
        let Some((symbol, dso)) = symbol else {
            self.message = Some(self.word("perf-report-tui-no-function"));
            return Flow::Continue;
        };
        Flow::Annotate {
            symbol: symbol.to_owned(),
            dso: hists.frames.text(dso).unwrap_or("").to_owned(),
            event: self.event,
        }
    }

    fn zoom_function(&mut self) {
        if self.function.take().is_none() {
            let hists = self.layout.hists;
            self.function = self.chosen_entry().map(|id| hists.place(id).name).filter(|&name| name != NO_TEXT);
            if self.function.is_none() {
                self.message = Some(self.word("perf-report-tui-no-function"));
            }
        }
        self.row = 0;
        self.refresh();
    }

    fn zoom_dso(&mut self) {
        if self.dso.take().is_none() {
            let hists = self.layout.hists;
            self.dso = self.chosen_entry().map(|id| hists.frames.dso_text(hists.place(id)));
        }
        self.row = 0;
        self.refresh();
    }

    fn zoom_thread(&mut self) {
        if self.thread.take().is_none() {
            let hists = self.layout.hists;
            let zoom = |key: Key| {
                let value = self.chosen_entry().and_then(|id| hists.sample_value(id, key))?;
                Some((key, value))
            };
            self.thread = zoom(Key::Pid).or_else(|| zoom(Key::Comm));
            if self.thread.is_none() {
                self.message = Some(self.word("perf-report-tui-no-thread"));
            }
        }
        self.row = 0;
        self.refresh();
    }

    /// What is left out at present, in words.
    fn zooms(&self) -> Vec<String> {
        let hists = self.layout.hists;
        let mut out = Vec::new();
        let told = |id: &str, value: &str| self.texts.text(&Msg::new(id.to_owned()).with("value", value));
        if self.typing == Typing::Search || !self.search.is_empty() {
            out.push(told("perf-report-tui-search", &self.search));
        }
        if self.typing == Typing::Limit || self.limit > 0.0 {
            out.push(told("perf-report-tui-limit", &self.typed));
        }
        if let Some(name) = self.function {
            out.push(told("perf-report-tui-function", hists.frames.text(name).unwrap_or("")));
        }
        if let Some(dso) = self.dso {
            out.push(told("perf-report-tui-dso", hists.frames.text(dso).unwrap_or("[unknown]")));
        }
        match self.thread {
            Some((Key::Pid, tid)) => out.push(told("perf-report-tui-thread", &tid.cast_signed().to_string())),
            Some((_, comm)) => {
                let comm = u32::try_from(comm).ok().and_then(|id| hists.frames.text(id)).unwrap_or("");
                out.push(told("perf-report-tui-thread", comm));
            }
            None => {}
        }
        out
    }
}
