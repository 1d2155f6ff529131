//! The words of an expression.

use super::parse::ExprProblem;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Number(i64),
    /// What stands between quotes.
    Text(&'a str),
    Name(&'a str),
    /// An operator, a parenthesis or a comma.
    Sign(&'static str),
    End,
}

/// Longer ones first.
const SIGNS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "<<", ">>", "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "!", "~", "(",
    ")", ",", "=",
];

/// Goes over a text.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next word and where it begins.
    pub(super) fn next(&mut self) -> Result<(usize, Token<'a>), (usize, ExprProblem)> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let start = self.at + (rest.len() - rest.trim_start().len());
        let rest = self.text.get(start..).unwrap_or_default();
        let Some(first) = rest.chars().next() else {
            self.at = start;
            return Ok((start, Token::End));
        };
        let (length, token) = if first.is_ascii_digit() {
            let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
            (length, Token::Number(number(&rest[..length]).ok_or((start, ExprProblem::Number))?))
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
            (length, Token::Name(&rest[..length]))
        } else if first == '"' || first == '\'' {
            let inside = &rest[1..];
            let end = inside.find(first).ok_or((start, ExprProblem::Quote))?;
            (end + 2, Token::Text(&inside[..end]))
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign)).ok_or((start, ExprProblem::Letter))?;
            (sign.len(), Token::Sign(sign))
        };
        self.at = start + length;
        Ok((start, token))
    }
}

/// `12`, `0x1f`, `017`, with a unit of time in nanoseconds (`10us`, `5ms`, `1s`) or of size (`4k`, `1m`, `1g`).
fn number(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok().map(u64::cast_signed);
    }
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    if digits.len() > 1 && digits.starts_with('0') && unit.is_empty() {
        return u64::from_str_radix(digits, 8).ok().map(u64::cast_signed);
    }
    let factor = match unit {
        "" | "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor).map(u64::cast_signed)
}
