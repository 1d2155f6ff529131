//! The live checklist: what `use --watch` shows, as a state machine without a terminal, a clock or a thread.
//!
//! Who owns the terminal feeds it and draws it:
//!
//! ```no_run
//! # use perfuse_render::{Lang, tui::{App, Flow}};
//! # fn terminal() -> ratatui::DefaultTerminal { ratatui::init() }
//! # fn next() -> crossterm::event::Event { crossterm::event::read().unwrap() }
//! let mut app = App::new(Lang::En);
//! let mut terminal = terminal();
//! loop {
//!     terminal.draw(|frame| app.draw(frame)).unwrap();
//!     // `app.on_update(checklist, context)` whenever a new checklist is ready.
//!     match next() {
//!         crossterm::event::Event::Key(key) if app.on_key(key) == Flow::Quit => break,
//!         _ => {} // a resize only needs another draw
//!     }
//! }
//! ```

mod draw;
mod panes;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent};
use perfuse_analyze::{Checklist, Kind, Resource};

use crate::i18n::{Lang, Texts};
use crate::keys::Pressed;
use crate::report::{Cell, Finding, Report, ReportContext};

/// Values of each cell that are kept for its chart.
const HISTORY: usize = 600;

/// What the caller does after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Draw again.
    Continue,
    /// Give the terminal back and end.
    Quit,
}

/// The parts of the first screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pane {
    Grid,
    Controls,
    Findings,
}

/// What fills the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
enum View {
    Home,
    /// A cell or control by its id.
    Cell(String),
    /// A finding by its rule and culprit: its rank may change with the next update.
    Finding(String, String),
    Help,
}

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// As the checklist, or the worst instance first, as the rules put them.
    Given,
    /// The most alarming verdict first.
    Worst,
    /// By name.
    Name,
}

/// The live checklist.
pub struct App {
    texts: Texts,
    color: bool,
    /// What the screen shows.
    shown: Option<(Checklist, ReportContext)>,
    report: Option<Report>,
    /// What came while the screen was held.
    waiting: Option<(Checklist, ReportContext)>,
    paused: bool,
    view: View,
    pane: Pane,
    /// Row and column in the grid.
    at: (usize, usize),
    control: usize,
    finding: usize,
    scroll: usize,
    /// How far the last drawn screen could scroll.
    scrollable: std::cell::Cell<usize>,
    sort: Sort,
    /// Column of the instances that sorts them in a cell: 0 as given, 1 name, 2 value, then the details.
    column: usize,
    filter: String,
    typing: bool,
    /// Headline values by cell: seconds since the first update, value.
    history: BTreeMap<String, Vec<(f64, f64)>>,
    first_ns: Option<u64>,
}

impl App {
    /// A screen that waits for its first checklist.
    pub fn new(lang: Lang) -> Self {
        Self::with_texts(Texts::new(lang))
    }

    /// Whether colours are used. Without them marks, bold and reversed text tell the same.
    #[must_use]
    pub fn with_color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    fn with_texts(texts: Texts) -> Self {
        Self {
            texts,
            color: true,
            shown: None,
            report: None,
            waiting: None,
            paused: false,
            view: View::Home,
            pane: Pane::Grid,
            at: (0, 0),
            control: 0,
            finding: 0,
            scroll: 0,
            scrollable: std::cell::Cell::new(0),
            sort: Sort::Given,
            column: 0,
            filter: String::new(),
            typing: false,
            history: BTreeMap::new(),
            first_ns: None,
        }
    }

    /// Takes a new checklist. While the screen is held, only the charts go on.
    pub fn on_update(&mut self, checklist: Checklist, context: ReportContext) {
        self.remember(&checklist, &context);
        if self.paused {
            self.waiting = Some((checklist, context));
        } else {
            self.show(checklist, context);
        }
    }

    fn show(&mut self, checklist: Checklist, context: ReportContext) {
        let mut report = Report::new(&checklist, &context, &self.texts);
        for cell in report.cells.iter_mut().chain(&mut report.controls) {
            // The run's own series is finer than one value an update; it stays until there is more than it.
            if let Some(history) = self.history.get(&cell.id).filter(|history| history.len() > cell.history.len()) {
                cell.history.clone_from(history);
            }
        }
        self.report = Some(report);
        self.shown = Some((checklist, context));
        self.clamp();
    }

    fn remember(&mut self, checklist: &Checklist, context: &ReportContext) {
        let now = end_ns(context);
        let first = *self.first_ns.get_or_insert(now);
        let seconds = now.saturating_sub(first) as f64 / 1e9;
        for cell in checklist.cells.iter().chain(&checklist.controls) {
            let Some(value) = cell.value else { continue };
            let history = self.history.entry(cell.id.to_owned()).or_default();
            if history.len() >= HISTORY {
                history.remove(0);
            }
            history.push((seconds, value.number));
        }
    }

    /// Whether the screen is held.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The language that is shown.
    pub fn lang(&self) -> Lang {
        self.texts.lang()
    }

    /// Takes a key.
    pub fn on_key(&mut self, key: KeyEvent) -> Flow {
        let code = match Pressed::from(key) {
            Pressed::Nothing => return Flow::Continue,
            Pressed::Out => return Flow::Quit,
            Pressed::Key(code) => code,
        };
        if self.typing {
            self.type_filter(code);
        } else {
            match code {
                KeyCode::Char('q') => return Flow::Quit,
                KeyCode::Char('?') | KeyCode::F(1) => self.toggle_help(),
                KeyCode::Char('L') => self.next_language(),
                KeyCode::Char(' ') => self.toggle_pause(),
                KeyCode::Char('/') if self.view != View::Help => self.typing = true,
                KeyCode::Char('s') => self.next_sort(),
                KeyCode::Esc | KeyCode::Backspace => self.back(),
                KeyCode::Enter => self.open(),
                KeyCode::Tab => self.next_pane(true),
                KeyCode::BackTab => self.next_pane(false),
                code => self.step(code),
            }
        }
        self.clamp();
        Flow::Continue
    }

    fn type_filter(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                self.typing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(c) if !c.is_control() && self.filter.chars().count() < 40 => self.filter.push(c),
            _ => {}
        }
        self.scroll = 0;
    }

    fn toggle_help(&mut self) {
        self.view = if self.view == View::Help { View::Home } else { View::Help };
        self.scroll = 0;
    }

    fn toggle_pause(&mut self) {
        self.paused = !self.paused;
        if let (false, Some((checklist, context))) = (self.paused, self.waiting.take()) {
            self.show(checklist, context);
        }
    }

    fn next_language(&mut self) {
        self.texts = Texts::new(self.texts.lang().next());
        if let Some((checklist, context)) = self.shown.take() {
            self.show(checklist, context);
        }
    }

    fn next_sort(&mut self) {
        match &self.view {
            View::Cell(_) => {
                let details = self.open_cell().map_or(0, |cell| panes::detail_keys(cell).len());
                self.column = (self.column + 1) % (3 + details);
            }
            View::Home => {
                self.sort = match self.sort {
                    Sort::Given => Sort::Worst,
                    Sort::Worst => Sort::Name,
                    Sort::Name => Sort::Given,
                };
            }
            View::Finding(..) | View::Help => {}
        }
    }

    fn back(&mut self) {
        if self.view == View::Home {
            self.filter.clear();
        } else {
            // A filter typed inside a cell belongs to its instances.
            if matches!(self.view, View::Cell(_)) {
                self.filter.clear();
            }
            self.view = View::Home;
        }
        self.scroll = 0;
        self.column = 0;
    }

    fn open(&mut self) {
        if self.view != View::Home {
            return;
        }
        let view = match self.pane {
            Pane::Grid => self.selected_cell().map(|cell| View::Cell(cell.id.clone())),
            Pane::Controls => self.controls().get(self.control).map(|cell| View::Cell(cell.id.clone())),
            Pane::Findings => self.findings().get(self.finding).map(|finding| finding_view(finding)),
        };
        if let Some(view) = view {
            self.view = view;
            self.scroll = 0;
            self.column = 0;
            self.filter.clear();
        }
    }

    fn next_pane(&mut self, forward: bool) {
        if self.view != View::Home {
            return;
        }
        self.pane = match (self.pane, forward) {
            (Pane::Grid, true) | (Pane::Controls, false) => Pane::Findings,
            (Pane::Findings, true) | (Pane::Grid, false) => Pane::Controls,
            (Pane::Controls, true) | (Pane::Findings, false) => Pane::Grid,
        };
    }

    fn step(&mut self, code: KeyCode) {
        let (down, right): (isize, isize) = match code {
            KeyCode::Down | KeyCode::Char('j') => (1, 0),
            KeyCode::Up | KeyCode::Char('k') => (-1, 0),
            KeyCode::Right | KeyCode::Char('l') => (0, 1),
            KeyCode::Left | KeyCode::Char('h') => (0, -1),
            KeyCode::PageDown => (10, 0),
            KeyCode::PageUp => (-10, 0),
            KeyCode::Home | KeyCode::Char('g') => (-10_000, 0),
            KeyCode::End | KeyCode::Char('G') => (10_000, 0),
            _ => return,
        };
        if self.view != View::Home {
            self.scroll = self.scroll.saturating_add_signed(down).min(self.scrollable.get());
            return;
        }
        match self.pane {
            Pane::Grid => {
                self.at = (self.at.0.saturating_add_signed(down), self.at.1.saturating_add_signed(right).min(2));
            }
            Pane::Controls => self.control = self.control.saturating_add_signed(down + right * 10),
            Pane::Findings => self.finding = self.finding.saturating_add_signed(down),
        }
    }

    /// Keeps every selection on something that is there.
    fn clamp(&mut self) {
        let last = |count: usize| count.saturating_sub(1);
        self.at.0 = self.at.0.min(last(self.rows().len()));
        self.control = self.control.min(last(self.controls().len()));
        self.finding = self.finding.min(last(self.findings().len()));
    }

    fn matches(&self, text: &str) -> bool {
        self.filter.is_empty() || text.to_lowercase().contains(&self.filter.to_lowercase())
    }

    /// The rows of the grid in their order.
    fn rows(&self) -> Vec<Resource> {
        let name = |resource: Resource| self.texts.word(&format!("resource-{}", resource.id()));
        let filtered = |resource: &Resource| self.matches(&name(*resource)) || self.matches(resource.id());
        let mut rows: Vec<Resource> = if matches!(self.view, View::Home) {
            Resource::ALL.into_iter().filter(filtered).collect()
        } else {
            Resource::ALL.to_vec()
        };
        let worst =
            |resource: Resource| self.cells().filter(|cell| cell.resource == resource).map(|cell| cell.verdict).max();
        match self.sort {
            Sort::Given => {}
            Sort::Worst => rows.sort_by_key(|resource| std::cmp::Reverse(worst(*resource))),
            Sort::Name => rows.sort_by_key(|resource| name(*resource)),
        }
        rows
    }

    fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.report.iter().flat_map(|report| &report.cells)
    }

    fn cell_at(&self, resource: Resource, kind: Kind) -> Option<&Cell> {
        self.cells().find(|cell| cell.resource == resource && cell.kind == Some(kind))
    }

    fn selected_cell(&self) -> Option<&Cell> {
        let resource = *self.rows().get(self.at.0)?;
        self.cell_at(resource, *Kind::ALL.get(self.at.1)?)
    }

    /// The controls in their order.
    fn controls(&self) -> Vec<&Cell> {
        let home = self.view == View::Home;
        let filtered = |cell: &&Cell| !home || self.matches(&cell.title) || self.matches(&cell.id);
        let mut controls: Vec<&Cell> =
            self.report.iter().flat_map(|report| &report.controls).filter(filtered).collect();
        match self.sort {
            Sort::Given => {}
            Sort::Worst => controls.sort_by_key(|cell| std::cmp::Reverse(cell.verdict)),
            Sort::Name => controls.sort_by(|a, b| a.title.cmp(&b.title)),
        }
        controls
    }

    /// The findings, which keep their rank's order.
    fn findings(&self) -> Vec<&Finding> {
        let home = self.view == View::Home;
        let said = |finding: &&Finding| !home || self.matches(&finding.title) || self.matches(&finding.summary);
        self.report.iter().flat_map(|report| &report.findings).filter(said).collect()
    }

    fn open_cell(&self) -> Option<&Cell> {
        match &self.view {
            View::Cell(id) => self.report.as_ref()?.cell(id),
            _ => None,
        }
    }

    fn open_finding(&self) -> Option<&Finding> {
        let View::Finding(id, culprit) = &self.view else { return None };
        let findings = &self.report.as_ref()?.findings;
        findings.iter().find(|finding| finding.id == *id && finding.culprit.name == *culprit)
    }
}

/// When the last snapshot of a run was taken.
fn end_ns(context: &ReportContext) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a duration in nanoseconds")]
    let duration = (context.duration_s.max(0.0) * 1e9) as u64;
    context.started_ns.saturating_add(duration)
}

fn finding_view(finding: &Finding) -> View {
    View::Finding(finding.id.clone(), finding.culprit.name.clone())
}
