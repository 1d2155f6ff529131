//! `perf report --stdio`: the table of each event, byte for byte as perf 6.1 writes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use perfuse_analyze::hist::{ChainIndex, ChainOptions, Column, Histograms, Key, Weight};

/// How the report is written.
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the command line")]
#[derive(Debug, Clone, Default)]
pub struct ReportOptions {
    /// `-t`: stands between columns.
    pub separator: Option<String>,
    /// `-w`: widths of the columns, from the left.
    pub widths: Vec<usize>,
    /// `-v`: whole paths, addresses, and where symbols are from.
    pub verbose: bool,
    /// Whether shares are coloured.
    pub color: bool,
    /// `-q`: no headers.
    pub quiet: bool,
    /// `--percent-limit`: lines with a smaller share are left out.
    pub min_percent: f64,
    /// `-g`.
    pub chain: ChainOptions,
    /// `--ns`.
    pub nanoseconds: bool,
    /// Whether `--dsos` was given: then the column of files is not widened.
    pub dsos_chosen: bool,
    /// Columns that are left out, because a filter leaves one value only: key, and how it is told in the head.
    pub elided: Vec<(Key, String)>,
    /// Whether lines are of symbols first: then call chains do not repeat them.
    pub sorts_by_symbol: bool,
    /// `--time`, for the head.
    pub time: Option<String>,
    /// `--skip-empty`, which is on: events without samples have no table.
    pub skip_empty: bool,
    /// `--hierarchy`: a tree with a level for each key.
    pub hierarchy: bool,
    /// `--socket-filter`, for the head.
    pub socket: Option<i64>,
    /// What memory accesses are sorted by, for the head of such a report.
    pub memory_sort: Option<String>,
}

/// An event of the report.
#[derive(Debug, Clone, Default)]
pub struct ReportEvent {
    /// As in the head: `cpu-clock:ppp`; of the leader of a group that of the group.
    pub name: String,
    /// Whether it leads a group of several.
    pub several: bool,
}

/// Writes the tables.
pub struct Layout<'a> {
    pub(super) hists: &'a Histograms,
    pub(super) options: &'a ReportOptions,
    /// Names of threads at the end of the recording.
    pub(super) names: &'a BTreeMap<i32, String>,
    pub(super) chain_index: Option<ChainIndex>,
}

/// perf formats a head in a buffer of 1024 bytes.
const HEAD: usize = 1023;

impl<'a> Layout<'a> {
    /// A layout of `hists`; `names` are the last names of threads.
    pub fn new(hists: &'a Histograms, options: &'a ReportOptions, names: &'a BTreeMap<i32, String>) -> Self {
        let chain_index = hists.settings.chains.then(|| ChainIndex::new(hists, options.chain.key));
        Self { hists, options, names, chain_index }
    }

    /// The tables of all events, with what stands before and behind them.
    pub fn report(&self, events: &[ReportEvent], lost: u64, tip: &str, out: &mut String) {
        let quiet = self.options.quiet;
        if !quiet {
            let _ = write!(out, "#\n# Total Lost Samples: {lost}\n#\n");
        }
        for index in 0..events.len() {
            let Some(table) = self.hists.tables.get(index) else { continue };
            let empty = self.options.skip_empty && table.totals.all.samples == 0;
            if empty || self.hists.is_member(index) {
                continue;
            }
            self.one(index, events, out);
            out.push_str("\n\n");
        }
        if !quiet {
            let _ = write!(out, "#\n# ({tip})\n#\n");
        }
    }

    /// The table of one event, with its head.
    pub fn one(&self, event: usize, events: &[ReportEvent], out: &mut String) {
        let Some(about) = events.get(event) else { return };
        if !self.options.quiet {
            self.head(event, about, out);
        }
        self.table(event, out);
    }

    /// How many samples of what.
    fn head(&self, index: usize, event: &ReportEvent, out: &mut String) {
        let (mut samples, mut period) = (0_u64, 0_u64);
        for table in self.hists.tables.get(self.hists.group(index)).unwrap_or_default() {
            let sums = if self.hists.settings.relative { table.totals.shown } else { table.totals.all };
            samples += sums.samples;
            period = period.saturating_add(sums.period);
        }
        let (samples, unit) = short(samples);
        let events = if event.several { "events" } else { "event" };
        let _ = write!(out, "# Samples: {samples}{unit} of {events} '{}'", event.name);
        if let Some(time) = &self.options.time {
            let _ = write!(out, " (time slices: {time})");
        }
        let _ = match &self.options.memory_sort {
            Some(sort) => write!(out, "\n# Total weight : {period}\n# Sort order   : {sort}"),
            None => write!(out, "\n# Event count (approx.): {period}"),
        };
        if let Some(socket) = self.options.socket {
            let _ = write!(out, "\n# Processor Socket: {socket}");
        }
        out.push_str("\n#\n");
    }

    /// The heads of the columns, and a line for each entry.
    fn table(&self, event: usize, out: &mut String) {
        let Some(table) = self.hists.tables.get(event) else { return };
        if self.options.hierarchy {
            return self.hierarchy_table(event, out);
        }
        let widths = self.widths(event);
        if !self.options.quiet {
            self.column_heads(event, &widths, out);
        }
        let total = self.hists.total(event);
        for &id in &table.order {
            if self.is_shown(id, total) {
                self.line(id, &widths, out);
                self.chains(id, out);
            }
        }
    }

    /// Whether neither a filter nor the percent limit hides an entry.
    pub fn is_shown(&self, id: u32, total: u64) -> bool {
        let share = super::report_cell::percent(self.hists.period(id), total);
        // perf compares in single precision.
        #[expect(clippy::cast_possible_truncation, reason = "single precision is meant")]
        let below = (share as f32) < self.options.min_percent as f32;
        !self.hists.entry(id).filtered && !below
    }

    /// The head of a column.
    pub fn column_head(&self, column: Column) -> &'a str {
        match column {
            Column::Key(key @ Key::Field(_)) => {
                self.hists.settings.columns.field(key).map_or("", |field| field.field.name.as_str())
            }
            Column::Key(key) => key.spec().header,
            Column::Weight(weight) => {
                let columns = &self.hists.settings.columns.shown;
                weight.header(columns.contains(&Column::Weight(Weight::OverheadChildren)))
            }
        }
    }

    /// Width of a weight's column in the table of an event: as wide as all events of its group need.
    fn weight_width(&self, event: usize, weight: Weight) -> usize {
        let user = self.user_width(Column::Weight(weight));
        let width = default_width(weight);
        let members = self.hists.group(event).len();
        let grouped = if members > 1 { members * width } else { 0 };
        user.unwrap_or(width).max(grouped).max(self.column_head(Column::Weight(weight)).len())
    }

    /// Width that one event takes of it.
    pub(super) fn member_width(&self, weight: Weight) -> usize {
        self.user_width(Column::Weight(weight)).unwrap_or_else(|| default_width(weight)).max(3)
    }

    /// The width that `-w` says for a column.
    fn user_width(&self, column: Column) -> Option<usize> {
        let at = self.hists.settings.columns.shown.iter().position(|other| *other == column)?;
        self.options.widths.get(at).copied().filter(|&width| width > 0)
    }

    /// Width of each column: as wide as its head and the widest value.
    pub fn widths(&self, event: usize) -> Vec<usize> {
        self.widths_of(event, self.hists.tables.get(event).map_or(&[][..], |table| &table.order))
    }

    /// The same where only these lines of an event are shown.
    pub(super) fn widths_of(&self, event: usize, lines: &[u32]) -> Vec<usize> {
        let ids = || lines.iter().copied().filter(|&id| !self.hists.entry(id).filtered);
        let of = |column: &Column| match *column {
            Column::Weight(weight) => self.weight_width(event, weight),
            Column::Key(key) => self.user_width(*column).unwrap_or_else(|| {
                if let Some(field) = self.hists.settings.columns.field(key) {
                    return field.width(ids().count() > 1);
                }
                let widest = ids().map(|id| self.value_width(id, key)).max().unwrap_or(0);
                widest.max(key.spec().header.len())
            }),
        };
        self.hists.settings.columns.shown.iter().map(of).collect()
    }

    fn column_heads(&self, event: usize, widths: &[usize], out: &mut String) {
        let between = self.options.separator.as_deref().unwrap_or("  ");
        out.push_str("# ");
        let columns = || {
            self.hists.settings.columns.shown.iter().zip(widths).filter(|(column, _)| self.is_visible(**column, event))
        };
        for (at, (&column, &width)) in columns().enumerate() {
            if at > 0 {
                out.push_str(between);
            }
            let head = self.column_head(column);
            let mut text = match column {
                Column::Weight(_) => format!("{head:>width$}"),
                Column::Key(Key::Field(_)) => format!("{head:>width$.width$}"),
                Column::Key(_) => format!("{head:<width$.width$}"),
            };
            text.truncate(HEAD);
            out.push_str(&text);
        }
        out.push('\n');
        if self.options.separator.is_some() {
            return;
        }
        let dots: Vec<String> = columns().map(|(_, &width)| ".".repeat(width)).collect();
        let _ = write!(out, "# {}\n#\n", dots.join("  "));
    }

    /// Whether a column is not left out in the table of an event.
    pub fn is_visible(&self, column: Column, event: usize) -> bool {
        self.hists.settings.columns.is_of(column, event)
            && !self.options.elided.iter().any(|(key, _)| column == Column::Key(*key))
    }

    /// The text of a cell.
    pub fn cell(&self, id: u32, column: Column, width: usize) -> String {
        match column {
            Column::Weight(weight) => self.weight_cell(id, weight),
            Column::Key(key) => {
                let text = self.cell_text(id, key, width);
                match self.options.separator.as_deref().and_then(|separator| separator.chars().next()) {
                    // What separates columns may not stand in one.
                    Some(separator) if key != Key::Pid || text.contains(separator) => text.replace(separator, "."),
                    _ => text,
                }
            }
        }
    }

    /// The line of an entry, and its call chains.
    pub(super) fn entry_text(&self, id: u32, widths: &[usize]) -> (String, String) {
        let (mut line, mut chains) = (String::new(), String::new());
        self.line(id, widths, &mut line);
        self.chains(id, &mut chains);
        line.truncate(line.trim_end().len());
        (line, chains)
    }

    fn line(&self, id: u32, widths: &[usize], out: &mut String) {
        let columns = &self.hists.settings.columns.shown;
        let separator = self.options.separator.as_deref();
        let mut first = true;
        let event = self.hists.event_of(id);
        for (at, (&column, &width)) in columns.iter().zip(widths).enumerate() {
            if !self.is_visible(column, event) {
                continue;
            }
            match separator {
                None => out.push_str("  "),
                Some(separator) if !first => out.push_str(separator),
                Some(_) => {}
            }
            first = false;
            let text = self.cell(id, column, width);
            out.push_str(&text);
            if at + 1 < columns.len() {
                out.extend(std::iter::repeat_n(' ', width.saturating_sub(text.len())));
            }
        }
        out.push('\n');
    }
}

fn default_width(weight: Weight) -> usize {
    match weight {
        Weight::Samples | Weight::Period => 12,
        Weight::OverheadGuestSys | Weight::OverheadGuestUs => 9,
        _ => 8,
    }
}

/// `902 `, `1K`, `31M`: perf cuts the rest off.
pub(super) fn short(number: u64) -> (u64, char) {
    let mut number = number;
    let mut unit = ' ';
    for larger in ['K', 'M', 'G'] {
        if number < 1000 {
            break;
        }
        number /= 1000;
        unit = larger;
    }
    (number, unit)
}

#[cfg(test)]
pub(crate) mod tests;
