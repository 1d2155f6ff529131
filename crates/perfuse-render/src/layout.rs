//! Text in columns: widths of what a terminal shows, wrapping, and the cleaning of names that come from outside.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a terminal uses for a text.
pub fn width(text: &str) -> usize {
    text.width()
}

/// A text that cannot steer a terminal: control characters (names of processes and cgroups may hold escape
/// sequences) become `\xNN` or `\n`, and marks that reorder or hide text become U+FFFD.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if is_unsafe(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text, cut to `columns` with `…` at the end where it is longer.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide > columns.saturating_sub(1) {
            break;
        }
        used += wide;
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// As [`fit`], but what is left out is in the middle: of paths, the end tells more than the middle.
pub fn fit_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns || columns < 8 {
        return fit(text, columns);
    }
    let head = fit(text, columns / 3 + 1);
    let room = columns - width(&head);
    let mut from = text.len();
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        from = at;
    }
    head + &text[from..]
}

/// The text, cut or filled with blanks on the right to exactly `columns`.
pub fn pad(text: &str, columns: usize) -> String {
    let mut out = fit(text, columns);
    out.push_str(&" ".repeat(columns.saturating_sub(width(&out))));
    out
}

/// The text, cut or filled with blanks on the left to exactly `columns`.
pub fn pad_left(text: &str, columns: usize) -> String {
    let out = fit(text, columns);
    format!("{}{out}", " ".repeat(columns.saturating_sub(width(&out))))
}

/// The text in lines of at most `columns`, broken between words; a word that is longer than a line is broken inside.
/// At least one line.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(4);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in words(text) {
        let blank = word.len() - word.trim_start().len();
        if width(&line) + width(word) <= columns {
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut rest = &word[blank..];
        while width(rest) > columns {
            let cut = cut_at(rest, columns);
            lines.push(rest[..cut].to_owned());
            rest = &rest[cut..];
        }
        line.push_str(rest);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A command line in lines of at most `columns`, broken between commands where that is enough, else as [`wrap`].
pub fn wrap_command(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in text.split_inclusive("; ") {
        match lines.last_mut() {
            Some(line) if width(line) + width(piece.trim_end()) <= columns => line.push_str(piece),
            _ => lines.push(piece.to_owned()),
        }
    }
    lines.iter().flat_map(|line| wrap(line.trim_end(), columns)).collect()
}

/// Words with the blanks before them.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut in_word = false;
    for (at, c) in text.char_indices() {
        if c == ' ' && in_word {
            words.push(&text[start..at]);
            start = at;
            in_word = false;
        } else if c != ' ' {
            in_word = true;
        }
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

/// The byte at which the first `columns` end; at least one character.
fn cut_at(text: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns && at > 0 {
            return at;
        }
    }
    text.len()
}

/// A row of eighth-blocks for a series, at most `columns` wide (the last ones), from 0 or the lowest value to the
/// highest. Nothing for fewer than two values.
pub fn sparkline(values: &[f64], columns: usize) -> String {
    chart(values, columns, 1).into_iter().next().unwrap_or_default()
}

/// As [`sparkline`], `rows` high; the top row first.
pub fn chart(values: &[f64], columns: usize, rows: usize) -> Vec<String> {
    const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let values = &values[values.len().saturating_sub(columns)..];
    if values.len() < 2 {
        return Vec::new();
    }
    let low = values.iter().copied().fold(0.0_f64, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let steps = rows * 8 - 1;
    let height = |value: f64| {
        let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the share is within 0..1")]
        let eighths = (share * steps as f64).round() as usize;
        eighths + 1
    };
    let row = |row: usize| {
        let below = (rows - 1 - row) * 8;
        values.iter().map(|value| BLOCKS[height(*value).saturating_sub(below).min(8)]).collect()
    };
    (0..rows).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(pad("병목", 6), "병목  ");
        assert_eq!(pad("병목지점", 6), "병목… ");
        assert_eq!(width(&pad("병목 지점", 6)), 6);
        assert_eq!(pad_left("97%", 5), "  97%");
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit_middle("/machine.slice/docker-0123456789.scope", 20), "/machi…3456789.scope");
        assert_eq!(width(&fit_middle("가나다라마바사아자차카타파하", 11)), 11);
        assert_eq!(fit_middle("short", 20), "short");
    }

    #[test]
    fn long_texts_wrap_and_lose_nothing() {
        let text = "the writer waits for the device, /a/very/long/path/that/does/not/fit 그리고 한국어";
        for columns in 4..40 {
            let lines = wrap(text, columns);
            assert!(lines.iter().all(|line| width(line) <= columns), "{columns}: {lines:?}");
            let joined: String = lines.concat();
            assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
        }
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("a b", 10), ["a b"]);
    }

    #[test]
    fn commands_break_between_commands() {
        assert_eq!(wrap_command("a b; c d; e", 8), ["a b;", "c d; e"]);
        assert_eq!(wrap_command("long command; x", 8), ["long", "command;", "x"]);
    }

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(clean("nginx"), "nginx");
        assert_eq!(clean("a\u{1b}[31mb\nc\td\u{202e}e"), "a\\x1b[31mb\\nc\\td\u{fffd}e");
        assert_eq!(clean("\u{9b}x"), "\\x9bx");
    }

    #[test]
    fn a_series_becomes_blocks() {
        assert_eq!(sparkline(&[0.0, 0.5, 1.0], 10), "▁▅█");
        assert_eq!(sparkline(&[0.0, 0.5, 1.0], 2), "▅█");
        assert_eq!(sparkline(&[5.0, 5.0], 10), "██");
        assert_eq!(chart(&[0.0, 0.5, 1.0], 10, 2), [" ▁█", "▁██"]);
        assert_eq!(sparkline(&[0.0, 0.0], 10), "▁▁");
        assert_eq!(sparkline(&[1.0], 10), "");
    }
}
