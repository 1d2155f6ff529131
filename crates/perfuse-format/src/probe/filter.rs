//! Filters of names: `foo* | !bar & (a | b)`, for `--funcs`, `--del`, `--list` and `--filter`.

use super::error::{At, ProbeError, Problem};
use crate::event::glob;

/// Most operators in a filter, so that a hostile one cannot nest without end.
const MAX_STEPS: usize = 1024;

/// A filter: patterns joined by `!`, `&` and `|`, with parentheses. `&` binds closer than `|`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// In reverse Polish notation.
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Pattern(String),
    Not,
    And,
    Or,
}

/// What waits for its operands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Open(usize),
    Or,
    And,
    Not,
}

impl Waiting {
    fn step(self) -> Option<Step> {
        match self {
            Self::Open(_) => None,
            Self::Or => Some(Step::Or),
            Self::And => Some(Step::And),
            Self::Not => Some(Step::Not),
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Open(_) => 0,
            Self::Or => 1,
            Self::And => 2,
            Self::Not => 3,
        }
    }
}

impl Filter {
    /// Parses a filter.
    pub fn parse(text: &str) -> Result<Self, ProbeError> {
        Self::parsed(text).map_err(|(at, problem)| ProbeError::new(text, at, problem))
    }

    fn parsed(text: &str) -> Result<Self, At> {
        let (mut steps, mut waiting): (Vec<Step>, Vec<Waiting>) = (Vec::new(), Vec::new());
        let mut operand = true;
        let mut at = 0;
        while let Some(letter) = text[at..].chars().next() {
            if steps.len() + waiting.len() >= MAX_STEPS {
                return Err((at, Problem::TooMany { max: MAX_STEPS }));
            }
            let from = at;
            at += letter.len_utf8();
            match letter {
                letter if letter.is_whitespace() => {}
                '!' if operand => waiting.push(Waiting::Not),
                '(' if operand => waiting.push(Waiting::Open(from)),
                '&' | '|' if !operand => {
                    let operator = if letter == '&' { Waiting::And } else { Waiting::Or };
                    while let Some(before) = waiting.pop_if(|before| before.rank() >= operator.rank()) {
                        steps.extend(before.step());
                    }
                    waiting.push(operator);
                    operand = true;
                }
                ')' if !operand => loop {
                    let before = waiting.pop().ok_or((from, Problem::Trailing))?;
                    match before.step() {
                        Some(step) => steps.push(step),
                        None => break,
                    }
                },
                '&' | '|' | ')' => return Err((from, Problem::NoOperand)),
                _ if operand => {
                    at = from + pattern_length(&text[from..]);
                    steps.push(Step::Pattern(text[from..at].to_owned()));
                    operand = false;
                }
                _ => return Err((from, Problem::Trailing)),
            }
        }
        if operand {
            return Err((text.len(), Problem::NoOperand));
        }
        while let Some(before) = waiting.pop() {
            match before.step() {
                Some(step) => steps.push(step),
                None => return Err((text.len(), Problem::NoClosing)),
            }
        }
        Ok(Self { steps })
    }

    /// Whether it takes a name.
    pub fn takes(&self, name: &str) -> bool {
        self.takes_any(&[name])
    }

    /// Whether it takes a thing that has several names: a pattern fits when it fits any of them.
    pub fn takes_any(&self, names: &[&str]) -> bool {
        let mut stack: Vec<bool> = Vec::new();
        for step in &self.steps {
            let value = match step {
                Step::Pattern(pattern) => names.iter().any(|name| glob::matches(pattern, name)),
                Step::Not => !stack.pop().unwrap_or(false),
                Step::And => stack.pop().unwrap_or(false) & stack.pop().unwrap_or(false),
                Step::Or => stack.pop().unwrap_or(false) | stack.pop().unwrap_or(false),
            };
            stack.push(value);
        }
        stack.pop().unwrap_or(false)
    }

    /// The patterns in it, in their order.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Pattern(pattern) => Some(pattern.as_str()),
            _ => None,
        })
    }
}

/// Bytes of the pattern at the start: up to an operator or white space. A backslash takes the next character, and `!`
/// stands within a class (`[!a]`).
fn pattern_length(text: &str) -> usize {
    let mut letters = text.char_indices();
    let mut class = false;
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => {
                letters.next();
            }
            '[' => class = true,
            ']' => class = false,
            '!' if class => {}
            '!' | '&' | '|' | '(' | ')' => return at,
            letter if letter.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}
