//! `perf diff`: recordings side by side, byte for byte as perf 6.1 writes them.

use std::fmt::Write as _;

use perfuse_analyze::hist::{Column, Comparison, Compute, Difference, Key};

use super::report::Layout;

/// Width of a column with a formula, and of one with a number.
const FORMULA: usize = 70;
const NUMBER: usize = 14;

/// What is shown of each recording.
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the command line")]
#[derive(Debug, Clone, Default)]
pub struct DiffOptions {
    /// `-F`: how each difference is computed.
    pub formula: bool,
    /// `-p`: the periods.
    pub period: bool,
    /// `-t`: stands between columns.
    pub separator: Option<String>,
    /// `-q`: no heads.
    pub quiet: bool,
    /// `-v`: the recordings are named in any case.
    pub verbose: bool,
    /// Whether differences are coloured.
    pub color: bool,
}

/// A column of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Baseline,
    BasePeriod,
    Difference,
    Formula,
    Period,
}

/// One of them: what of which recording, under which head.
struct DiffColumn {
    of: Of,
    file: usize,
    head: String,
}

/// Writes the tables.
pub struct DiffLayout<'a> {
    comparison: Comparison<'a>,
    /// For the columns of the keys.
    layout: Layout<'a>,
    options: &'a DiffOptions,
    columns: Vec<DiffColumn>,
}

impl<'a> DiffLayout<'a> {
    /// For a comparison whose keys `layout` shows.
    pub fn new(comparison: Comparison<'a>, layout: Layout<'a>, options: &'a DiffOptions) -> Self {
        let mut columns = Vec::new();
        let mut column = |of: Of, file: usize| {
            let (name, width) = match (of, comparison.compute) {
                (Of::Baseline, _) => ("Baseline", 0),
                (Of::BasePeriod, _) => ("Base period", NUMBER),
                (Of::Period, _) => ("Period", NUMBER),
                (Of::Formula, _) => ("Formula", FORMULA),
                (Of::Difference, Compute::Delta) => ("Delta", 7),
                (Of::Difference, Compute::DeltaAbs) => ("Delta Abs", 7),
                (Of::Difference, Compute::Ratio) => ("Ratio", NUMBER),
                (Of::Difference, Compute::Weighted(..)) => ("Weighted diff", NUMBER),
            };
            let name = if comparison.files > 2 { format!("{name}/{file}") } else { name.to_owned() };
            columns.push(DiffColumn { of, file, head: format!("{name:>width$}") });
        };
        for file in 0..comparison.files {
            column(if file == 0 { Of::Baseline } else { Of::Difference }, file);
            if options.formula && file > 0 {
                column(Of::Formula, file);
            }
            if options.period {
                column(if file == 0 { Of::BasePeriod } else { Of::Period }, file);
            }
        }
        Self { comparison, layout, options, columns }
    }

    /// The tables of all events of the baseline; `events` are their names with the numbers of their tables, `files` the
    /// names of the recordings.
    pub fn tables(&self, events: &[(String, usize)], files: &[String]) -> String {
        let mut out = String::new();
        for (at, (name, event)) in events.iter().enumerate() {
            if !self.options.quiet {
                let _ = write!(out, "{}# Event '{name}'\n#\n", if at > 0 { "\n" } else { "" });
            }
            if self.options.verbose || files.len() > 2 && !self.options.quiet {
                names(files, &mut out);
            }
            self.table(*event, &mut out);
        }
        out
    }

    fn table(&self, event: usize, out: &mut String) {
        let shown = &self.comparison.hists.settings.columns.shown;
        let lines = self.comparison.lines(event);
        let keys: Vec<(Key, usize)> = shown
            .iter()
            .zip(self.layout.widths_of(event, &lines))
            .filter_map(|(column, width)| match column {
                Column::Key(key) if self.layout.is_visible(*column, event) => Some((*key, width)),
                _ => None,
            })
            .collect();
        if !self.options.quiet {
            self.heads(&keys, out);
        }
        let total = self.comparison.baseline_total(event, &lines);
        for id in lines {
            if !self.comparison.hists.entry(id).filtered {
                self.line(id, total, &keys, out);
            }
        }
    }

    fn heads(&self, keys: &[(Key, usize)], out: &mut String) {
        let separator = self.options.separator.as_deref();
        let mut heads: Vec<String> = self.columns.iter().map(|column| column.head.clone()).collect();
        let mut widths: Vec<usize> = heads.iter().map(String::len).collect();
        for (key, width) in keys {
            let head = self.layout.column_head(Column::Key(*key));
            heads.push(format!("{head:<width$.width$}"));
            widths.push(*width);
        }
        let _ = writeln!(out, "# {}", heads.join(separator.unwrap_or("  ")));
        if separator.is_none() {
            let dots: Vec<String> = widths.iter().map(|width| ".".repeat(*width)).collect();
            let _ = write!(out, "# {}\n#\n", dots.join("  "));
        }
    }

    fn line(&self, id: u32, total: u64, keys: &[(Key, usize)], out: &mut String) {
        let cells = self.columns.iter().map(|column| {
            let width = column.head.len();
            let text = self.text(id, column, total);
            match &self.options.separator {
                Some(_) => (text, width),
                // perf writes weighted differences in 14 columns, however wide their head is.
                None if matches!((self.comparison.compute, column.of), (Compute::Weighted(..), Of::Difference))
                    && text.len() == NUMBER =>
                {
                    (self.colored(id, column, total, text), width)
                }
                None => (self.colored(id, column, total, format!("{text:>width$}")), width),
            }
        });
        let keys = keys.iter().map(|(key, width)| (self.layout.cell(id, Column::Key(*key), *width), *width));
        let all: Vec<(String, usize)> = cells.chain(keys).collect();
        // perf fills up all but the last column, which may be one that is not shown.
        let last = self.comparison.hists.settings.columns.shown.last();
        let open = last.is_none_or(|column| self.layout.is_visible(*column, self.comparison.hists.event_of(id)));
        for (at, (text, width)) in all.iter().enumerate() {
            match &self.options.separator {
                None => out.push_str("  "),
                Some(separator) if at > 0 => out.push_str(separator),
                Some(_) => {}
            }
            out.push_str(text);
            if at + 1 < all.len() || !open {
                out.extend(std::iter::repeat_n(' ', width.saturating_sub(text.len())));
            }
        }
        out.push('\n');
    }

    /// The text of a cell, without what fills it up; an empty one is a blank, as in perf.
    fn text(&self, id: u32, column: &DiffColumn, total: u64) -> String {
        let comparison = &self.comparison;
        let nothing = || " ".to_owned();
        let bare = self.options.separator.is_some();
        match column.of {
            Of::Baseline if comparison.is_dummy(id) => nothing(),
            Of::Baseline => {
                let sign = if bare { "" } else { "%" };
                format!("{:.2}{sign}", share(comparison.period(id, 0), total))
            }
            Of::BasePeriod => comparison.period(id, 0).to_string(),
            Of::Period if comparison.has(id, column.file) => comparison.period(id, column.file).to_string(),
            Of::Formula if comparison.has(id, column.file) => self.formula(id, column.file),
            Of::Period | Of::Formula => nothing(),
            Of::Difference => match comparison.difference(id, column.file) {
                Some(Difference::Points(points)) if points.is_nan() => format!("{NOT_A_NUMBER}%"),
                Some(Difference::Points(points)) => format!("{points:+.2}%"),
                Some(_) if comparison.is_dummy(id) => "N/A".to_owned(),
                Some(Difference::Ratio(ratio)) if ratio.is_nan() => format!("{NOT_A_NUMBER:>14}"),
                Some(Difference::Ratio(ratio)) => format!("{ratio:14.6}"),
                Some(Difference::Weighted(0)) if bare => nothing(),
                Some(Difference::Weighted(number)) => format!("{number:14}"),
                None => nothing(),
            },
        }
    }

    fn formula(&self, id: u32, file: usize) -> String {
        let comparison = &self.comparison;
        let (old, new) = (comparison.period(id, 0), comparison.period(id, file));
        match comparison.compute {
            Compute::Delta | Compute::DeltaAbs => {
                let (old_total, new_total) = (comparison.total(id, 0), comparison.total(id, file));
                format!("({new} * 100 / {new_total}) - ({old} * 100 / {old_total})")
            }
            Compute::Ratio => format!("{new} / {old}"),
            Compute::Weighted(first, second) => format!("({new} * {second}) - ({old} * {first})"),
        }
    }

    /// The colour of a share or a difference, by its size.
    fn colored(&self, id: u32, column: &DiffColumn, total: u64, text: String) -> String {
        let size = match column.of {
            Of::Baseline if !self.comparison.is_dummy(id) => share(self.comparison.period(id, 0), total),
            Of::Difference => match self.comparison.difference(id, column.file) {
                Some(Difference::Points(size) | Difference::Ratio(size)) => size.abs(),
                Some(Difference::Weighted(size)) => size.unsigned_abs() as f64,
                None => 0.0,
            },
            _ => 0.0,
        };
        // perf's MIN_RED and MIN_GREEN, in percent.
        match size {
            _ if !self.options.color => text,
            _ if size >= 5.0 => format!("\u{1b}[31m{text}\u{1b}[m"),
            _ if size > 0.5 => format!("\u{1b}[32m{text}\u{1b}[m"),
            _ => text,
        }
    }
}

/// Nothing divided by nothing, as printf(3) writes what x86 makes of it: a recording has no sample in the time that is compared.
const NOT_A_NUMBER: &str = "-nan";

fn share(period: u64, total: u64) -> f64 {
    super::report_cell::percent(period, total)
}

/// Which recordings they are.
fn names(files: &[String], out: &mut String) {
    out.push_str("# Data files:\n");
    for (at, name) in files.iter().enumerate() {
        let _ = writeln!(out, "#  [{at}] {name} {}", if at == 0 { "(Baseline)" } else { "" });
    }
    out.push_str("#\n");
}
