//! `perf annotate --stdio`.

use std::fmt::Write as _;

use perfuse_analyze::annotate::{Counts, Row};

use super::{AnnotateOptions, Annotated, EventColumn, HOT, WARM, base};

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const BLUE: &str = "\x1b[34m";
const MAGENTA: &str = "\x1b[35m";
const RESET: &str = "\x1b[m";

struct Plain<'a> {
    shown: &'a Annotated<'a>,
    options: AnnotateOptions,
    /// Columns of an address.
    address: usize,
    /// The source line that was written last.
    place: Option<String>,
}

/// Appends a function.
pub fn stdio(shown: &Annotated<'_>, options: AnnotateOptions, out: &mut String) {
    let last = shown.code.asm.last().map_or(shown.code.start, |asm| shown.code.start.wrapping_add(asm.offset));
    let mut plain = Plain { shown, options, address: format!("{last:x}").len(), place: None };
    plain.head(out);
    for row in shown.rows {
        match row {
            Row::Text { number, text } => plain.text(*number, text, out),
            Row::Asm { index, text } => plain.asm(*index, text, out),
            Row::More { offset, text } => plain.more(*offset, text, out),
        }
    }
}

/// The colour of a share.
fn tone(share: f64) -> &'static str {
    match share {
        _ if share >= HOT => RED,
        _ if share > WARM => GREEN,
        _ => "",
    }
}

impl Plain<'_> {
    fn colored(&self, color: &str, text: &str, out: &mut String) {
        if self.options.color && !color.is_empty() {
            let _ = write!(out, "{color}{text}{RESET}");
        } else {
            out.push_str(text);
        }
    }

    fn width(&self) -> usize {
        let one = if self.options.period { 12 } else { 8 };
        one * self.shown.events.len().max(1)
    }

    fn head(&self, out: &mut String) {
        let (shown, options) = (self.shown, self.options);
        let file = if options.full_paths { shown.dso } else { base(shown.dso) };
        if options.lines {
            self.summary(out);
        }
        let column = match () {
            () if options.period => "Period",
            () if options.samples => "Samples",
            () => "Percent",
        };
        let width = self.width();
        let head = format!(
            " {column:<width$}|\tSource code & Disassembly of {file} for {} ({} samples, percent: {})",
            shown.event,
            shown.samples(),
            options.percent.words()
        );
        let _ = writeln!(out, "{head}\n{}", "-".repeat(head.chars().count() + 5));
    }

    fn summary(&self, out: &mut String) {
        let file = self.shown.dso;
        let _ = write!(out, "\nSorted summary for file {file}\n----------------------------------------------\n\n");
        let lines = self.shown.hot_lines(self.options);
        if lines.is_empty() {
            let _ = writeln!(out, " Nothing higher than {WARM:.1}%");
        }
        for (place, shares) in lines {
            for share in &shares {
                self.colored(tone(*share), &format!(" {share:7.2}"), out);
            }
            let largest = shares.iter().copied().fold(0.0, f64::max);
            self.colored(tone(largest), &format!(" {place}\n"), out);
        }
    }

    fn text(&self, number: u32, text: &str, out: &mut String) {
        let (width, address) = (self.width(), self.address);
        if text.is_empty() {
            let _ = writeln!(out, " {:width$}:", "");
        } else {
            let _ = writeln!(out, " {:width$}: {number:<address$} {text}", "");
        }
    }

    fn counts(&self, counts: &[Counts], out: &mut String) {
        for (counts, EventColumn { histogram, all }) in counts.iter().zip(self.shown.events) {
            let share = self.options.percent.share(*counts, histogram.total, *all);
            let text = match () {
                () if self.options.period => format!(" {:11}", counts.period),
                () if self.options.samples => format!(" {:7}", counts.samples),
                () => format!(" {share:7.2}"),
            };
            self.colored(tone(share), &text, out);
        }
        out.push_str(" : ");
    }

    fn address(&self, offset: u64, out: &mut String) {
        let (address, width) = (self.shown.code.start.wrapping_add(offset), self.address);
        self.colored(MAGENTA, &format!("  {address:width$x}:"), out);
    }

    fn asm(&mut self, index: usize, text: &str, out: &mut String) {
        let shown = self.shown;
        let Some(asm) = shown.code.asm.get(index) else { return };
        self.counts(&shown.counts(index), out);
        self.address(asm.offset, out);
        self.colored(BLUE, text, out);
        let largest = shown.shares(index, self.options.percent).into_iter().fold(0.0, f64::max);
        if self.options.lines && largest > WARM {
            let place = shown.place(index, self.options);
            if place != self.place
                && let Some(place) = &place
            {
                self.colored(tone(largest), &format!(" // {place}"), out);
            }
            self.place = place;
        }
        out.push('\n');
    }

    fn more(&self, offset: u64, text: &str, out: &mut String) {
        self.counts(&vec![Counts::default(); self.shown.events.len()], out);
        self.address(offset, out);
        self.colored(BLUE, text, out);
        out.push('\n');
    }
}
