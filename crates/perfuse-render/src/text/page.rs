//! A page of lines made of toned spans; the only place that knows of colours and of the page's width.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::layout::{clean, pad, width, wrap, wrap_command};

/// What a span means; decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Strong,
    Heading,
    Dim,
    Command,
    Ok,
    Watch,
    Bottleneck,
    Error,
}

impl Tone {
    fn style(self) -> Style {
        let style = Style::new();
        match self {
            Self::Plain => style,
            Self::Strong => style.bold(),
            Self::Heading => style.bold().underline(),
            Self::Dim => style.dimmed(),
            Self::Command => style.fg_color(Some(AnsiColor::Cyan.into())),
            Self::Ok => style.fg_color(Some(AnsiColor::Green.into())),
            Self::Watch => style.fg_color(Some(AnsiColor::Yellow.into())),
            Self::Bottleneck => style.bold().fg_color(Some(AnsiColor::Magenta.into())),
            Self::Error => style.bold().fg_color(Some(AnsiColor::Red.into())),
        }
    }
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// A span whose text is cleaned.
pub(crate) fn span(tone: Tone, text: &str) -> Span {
    Span { tone, text: clean(text).into_owned() }
}

/// One column of a [`Page::columns`] row: exactly this wide, or the rest of the line.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) width: usize,
    pub(crate) spans: Span,
}

/// A column of fixed width.
pub(crate) fn column(width: usize, tone: Tone, text: &str) -> Column {
    Column { width, spans: span(tone, text) }
}

/// The page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) width: usize,
    lines: Vec<Vec<Span>>,
}

impl Page {
    pub(crate) fn new(width: usize) -> Self {
        Self { width, lines: Vec::new() }
    }

    /// The lines, for who draws them elsewhere.
    pub(crate) fn into_lines(self) -> Vec<Vec<Span>> {
        self.lines
    }

    /// The page as text, with escape sequences for colours if `color`.
    pub(crate) fn finish(self, color: bool) -> String {
        let mut out = String::new();
        for line in &self.lines {
            write_line(&mut out, line, color);
        }
        out
    }

    /// Lines so far.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Takes the last line away if it is blank and not among the first `kept`.
    pub(crate) fn drop_last_blank(&mut self, kept: usize) {
        if self.lines.len() > kept && self.lines.last().is_some_and(Vec::is_empty) {
            self.lines.pop();
        }
    }

    /// A blank line, unless the last one is blank or this is the first.
    pub(crate) fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(Vec::new());
        }
    }

    /// One line of spans, as they are; blanks at its end are left out when it is written.
    pub(crate) fn line(&mut self, spans: &[Span]) {
        self.lines.push(spans.to_vec());
    }

    /// A heading.
    pub(crate) fn heading(&mut self, text: &str) {
        self.line(&[span(Tone::Heading, text)]);
    }

    /// A paragraph with a label of `label_width` columns before its first line; the others hang below the text.
    pub(crate) fn paragraph(&mut self, indent: usize, label: Option<(usize, Span)>, tone: Tone, text: &str) {
        let (label_width, label) = label.map_or((0, None), |(width, label)| (width, Some(label)));
        let cleaned = clean(text);
        let room = self.width.saturating_sub(indent + label_width).max(20);
        let lines = if tone == Tone::Command { wrap_command(&cleaned, room) } else { wrap(&cleaned, room) };
        for (index, line) in lines.into_iter().enumerate() {
            let mut spans = vec![span(Tone::Plain, &" ".repeat(indent))];
            if let Some(label) = &label {
                let shown = if index == 0 { pad(&label.text, label_width) } else { " ".repeat(label_width) };
                spans.push(Span { tone: label.tone, text: shown });
            }
            spans.push(Span { tone, text: line });
            self.line(&spans);
        }
    }

    /// A row of columns with two blanks between them. A text that is wider than its column goes on below, inside it.
    /// A last column of width 0 takes the rest of the line.
    pub(crate) fn columns(&mut self, indent: usize, columns: &[Column]) {
        let fixed: usize = columns.iter().map(|column| column.width + 2).sum::<usize>().saturating_sub(2);
        let rest = self.width.saturating_sub(indent + fixed).max(16);
        let widths: Vec<usize> =
            columns.iter().map(|column| if column.width == 0 { rest } else { column.width }).collect();
        let wrapped = |column: &Column, width: usize| match column.spans.tone {
            Tone::Command => wrap_command(&column.spans.text, width),
            _ => wrap(&column.spans.text, width),
        };
        let cells: Vec<Vec<String>> =
            columns.iter().zip(&widths).map(|(column, width)| wrapped(column, *width)).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for row in 0..height {
            let mut spans = vec![span(Tone::Plain, &" ".repeat(indent))];
            for (index, ((column, lines), width)) in columns.iter().zip(&cells).zip(&widths).enumerate() {
                if index > 0 {
                    spans.push(span(Tone::Plain, "  "));
                }
                let text = lines.get(row).map_or("", String::as_str);
                spans.push(Span { tone: column.spans.tone, text: pad(text, *width) });
            }
            self.line(&spans);
        }
    }

    /// Spans one after another with `between`, broken into lines where they do not fit.
    pub(crate) fn flow(&mut self, indent: usize, between: &str, spans: &[Span]) {
        let mut line = vec![span(Tone::Plain, &" ".repeat(indent))];
        let mut used = indent;
        for one in spans {
            let wide = width(&one.text);
            if used > indent && used + width(between) + wide > self.width {
                self.line(&line);
                line.truncate(1);
                used = indent;
            }
            if used > indent {
                line.push(span(Tone::Dim, between));
                used += width(between);
            }
            used += wide;
            line.push(one.clone());
        }
        if used > indent {
            self.line(&line);
        }
    }
}

fn write_line(out: &mut String, spans: &[Span], color: bool) {
    let last = spans.iter().rposition(|span| !span.text.trim_end().is_empty());
    for (index, span) in spans.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
        let text = if Some(index) == last { span.text.trim_end() } else { &span.text };
        if color && span.tone != Tone::Plain && !text.trim().is_empty() {
            let style = span.tone.style();
            // Blanks before and after a word are not underlined.
            let lead = text.len() - text.trim_start().len();
            let body = text[lead..].trim_end();
            let tail = &text[lead + body.len()..];
            let _ = write!(out, "{}{style}{body}{style:#}{tail}", &text[..lead]);
        } else {
            out.push_str(text);
        }
    }
    out.push('\n');
}
