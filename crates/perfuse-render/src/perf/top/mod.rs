//! `perf top`: the table of this moment, as text and on the terminal.

mod tui;

use std::fmt::Write as _;

use perfuse_analyze::hist::{Column, Key};

use super::report::Layout;
use super::report_cell::percent;

pub use tui::{Flow, TopTui};

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopLine {
    /// As it is shown.
    pub text: String,
    /// Its share, in percent.
    pub share: f64,
    /// Its call chains, a line each; empty without.
    pub chains: Vec<String>,
    /// Its function; `None` where no symbol is known, or where lines are not of functions.
    pub symbol: Option<String>,
    /// Its file, as the line would show it.
    pub dso: String,
}

/// The table of one event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopTable {
    /// How the event is called.
    pub event: String,
    /// Its index.
    pub index: usize,
    /// The heads of the columns.
    pub heads: String,
    /// The heaviest first.
    pub lines: Vec<TopLine>,
}

/// What was counted since the last refresh, and what is watched.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopHead {
    /// Samples a second.
    pub rate: f64,
    /// Share of the kernel in them, in percent.
    pub kernel: f64,
    /// Share of samples whose place is exact, in percent.
    pub exact: f64,
    /// Records that the kernel lost since the last refresh, and from the beginning.
    pub lost: (u64, u64),
    /// Records that could not be read since the last refresh, and from the beginning.
    pub dropped: (u64, u64),
    /// `99Hz cpu-clock`.
    pub events: String,
    /// `(all, 2 CPUs)`.
    pub target: String,
}

/// Which entries are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hidden {
    /// `-K`.
    pub kernel: bool,
    /// `-U`.
    pub user: bool,
    /// `-f`: entries with fewer samples.
    pub fewer: u64,
}

/// The lines of an event, at most `most`.
pub fn table(layout: &Layout<'_>, event: usize, name: &str, hidden: Hidden, most: usize) -> TopTable {
    let hists = layout.hists;
    let Some(table) = hists.tables.get(event) else { return TopTable::default() };
    let widths = layout.widths(event);
    let total = hists.total(event);
    let shown = |id: &u32| {
        let is_kernel = matches!(hists.place(*id).level, 'k' | 'g');
        let level = if is_kernel { hidden.kernel } else { hidden.user };
        let few = hidden.fewer > 0 && hists.weight(*id, perfuse_analyze::hist::Weight::Samples) < hidden.fewer;
        layout.is_shown(*id, total) && hists.period(*id) > 0 && !level && !few
    };
    let line = |id: u32| {
        let (text, chains) = layout.entry_text(id, &widths);
        let chains = chains.lines().map(str::to_owned).collect();
        let place = hists.place(id);
        let symbol = hists.frames.text(place.name).filter(|_| hists.settings.columns.has(Key::Symbol));
        let dso = hists.frames.text(hists.frames.dso_text(place)).unwrap_or_default();
        let share = percent(hists.period(id), total);
        TopLine { text, share, chains, symbol: symbol.map(str::to_owned), dso: dso.to_owned() }
    };
    let mut heads = String::new();
    let columns = hists.settings.columns.shown.iter().zip(&widths);
    for (column, width) in columns.filter(|(column, _)| layout.is_visible(**column, event)) {
        let head = layout.column_head(*column);
        let _ = match column {
            Column::Weight(_) => write!(heads, "  {head:>width$}"),
            Column::Key(_) => write!(heads, "  {head:<width$}"),
        };
    }
    TopTable {
        event: name.to_owned(),
        index: event,
        heads: heads.trim_end().to_owned(),
        lines: table.order.iter().copied().filter(shown).take(most).map(line).collect(),
    }
}

impl TopHead {
    /// perf's line.
    pub fn line(&self) -> String {
        format!(
            "   PerfTop:{:8.0} irqs/sec  kernel:{:4.1}%  exact: {:4.1}% lost: {}/{} drop: {}/{} [{}],  {}",
            self.rate,
            self.kernel,
            self.exact,
            self.lost.0,
            self.lost.1,
            self.dropped.0,
            self.dropped.1,
            self.events,
            self.target
        )
    }
}

/// Appends one screen of `perf top --stdio`, of at most `most` lines; `clear` with the escape sequences that clear the
/// terminal before it, which perf writes into pipes too.
pub fn stdio(head: &TopHead, tables: &[TopTable], most: usize, clear: bool, out: &mut String) {
    if clear {
        out.push_str("\x1b[H\x1b[2J\n");
    }
    let _ = writeln!(out, "{}\n{}\n", head.line(), "-".repeat(79));
    for table in tables {
        if tables.len() > 1 {
            let _ = writeln!(out, "# {}", table.event);
        }
        for line in table.lines.iter().take(most) {
            let _ = writeln!(out, "{}", line.text);
            for chain in &line.chains {
                let _ = writeln!(out, "{chain}");
            }
        }
        if tables.len() > 1 {
            out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests;
