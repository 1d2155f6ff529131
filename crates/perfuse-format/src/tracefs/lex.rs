//! Words, numbers, strings and operators of a `print fmt`.

/// A token; texts are as they stand, strings without their quotes and with their escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name or a number.
    Word(&'a str),
    /// `"..."`.
    Text(&'a str),
    /// `'...'`.
    Letter(&'a str),
    /// An operator or bracket.
    Sign(&'a str),
    /// Nothing is left.
    End,
}

/// Operators of two characters.
const DOUBLE: [&str; 10] = ["->", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "::"];

/// Reads tokens one after another, with one of lookahead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token, which stays there.
    pub(super) fn peek(&self) -> Token<'a> {
        let mut ahead = *self;
        ahead.next()
    }

    /// Takes the next token when it is this sign.
    pub(super) fn eat(&mut self, sign: &str) -> bool {
        let found = self.peek() == Token::Sign(sign);
        if found {
            self.next();
        }
        found
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Token<'a> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let rest = rest.trim_start();
        self.at = self.text.len() - rest.len();
        let Some(first) = rest.chars().next() else { return Token::End };
        let (token, length) = match first {
            '"' | '\'' => quoted(rest, first),
            _ if word(first) => {
                let length = rest.find(|letter| !word(letter)).unwrap_or(rest.len());
                (Token::Word(rest.get(..length).unwrap_or_default()), length)
            }
            _ => {
                let double = rest.get(..2).filter(|two| DOUBLE.contains(two));
                let sign = double.or_else(|| rest.get(..first.len_utf8())).unwrap_or_default();
                (Token::Sign(sign), sign.len())
            }
        };
        self.at += length;
        token
    }
}

fn word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// The text up to the quote that is not escaped, and the length with the quotes; without a second quote all that is
/// left.
fn quoted(rest: &str, quote: char) -> (Token<'_>, usize) {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, letter)| {
        let ends = !escaped && *letter == quote;
        escaped = !escaped && *letter == '\\';
        ends
    });
    let (inside, length) = match end {
        Some((at, _)) => (rest.get(1..at), at + 1),
        None => (rest.get(1..), rest.len()),
    };
    let inside = inside.unwrap_or_default();
    (if quote == '"' { Token::Text(inside) } else { Token::Letter(inside) }, length)
}
