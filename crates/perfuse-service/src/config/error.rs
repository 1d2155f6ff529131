//! What is wrong with a configuration, and where.

use std::ops::Range;

use perfuse_analyze::Msg;

/// One mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// How many characters of the line are meant; at least 1.
    pub length: usize,
    /// The line itself. Lines that hold a secret are left out.
    pub text: String,
    /// What is wrong, and what was expected.
    pub message: Msg,
}

impl ConfigError {
    /// A mistake at a range of bytes of the text. `shown` is false where the line may hold a secret.
    pub(super) fn new(text: &str, span: Range<usize>, shown: bool, message: Msg) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end.max(start));
        let before = &text[..start];
        let begin = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let length = text[start..end.min(line_end)].chars().count().max(1);
        Self {
            line: before.matches('\n').count() + 1,
            column: text[begin..start].chars().count() + 1,
            length,
            text: Some(text[begin..line_end].trim_end())
                .filter(|line| shown && !secret(line))
                .unwrap_or_default()
                .to_owned(),
            message,
        }
    }

    /// The mistake for a terminal: place and words, the line, and a mark under what is meant. `words` turns a message
    /// into text of the language that is spoken.
    pub fn render(&self, file: &str, words: impl Fn(&Msg) -> String) -> String {
        let head = format!("{file}:{}:{}: {}", self.line, self.column, words(&self.message));
        if self.text.is_empty() {
            return head;
        }
        let number = self.line.to_string();
        let pad = " ".repeat(number.len());
        // Tabs stay tabs, so that the mark stands below whatever width they have.
        let indent: String = self.text.chars().take(self.column - 1).map(blank).collect();
        let mark = "^".repeat(self.length.min(80));
        format!("{head}\n{pad} |\n{number} | {}\n{pad} | {indent}{mark}", self.text)
    }
}

/// Whether a line may hold a secret: an inline table may have one beside what is wrong.
fn secret(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["passw", "token", "bearer", "secret", "authorization"].iter().any(|word| line.contains(word))
        || line.contains("://") && line.contains('@')
}

/// White space as wide as the character on a terminal.
fn blank(character: char) -> &'static str {
    match character {
        '\t' => "\t",
        // Hangul, kana and CJK ideographs take two columns.
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{ff00}'..='\u{ff60}' => "  ",
        _ => " ",
    }
}

/// The last character boundary at or before a byte.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
