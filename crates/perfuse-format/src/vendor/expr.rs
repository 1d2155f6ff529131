//! Formulas of metrics: `d_ratio(a, b) * 100 if #smt_on else cpu@event\=0x3c@ / 2`.
//!
//! The grammar is that of perf 6.1 (its behaviour, and the formulas of the kernel's tables). A formula becomes a list of
//! steps for a stack, so that neither reading nor evaluating goes as deep as the text is long.

use thiserror::Error;

/// Most parentheses inside each other.
const DEPTH: usize = 64;
/// Most steps of a formula.
const STEPS: usize = 1 << 14;

/// A mistake in a formula.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("at character {}: expected {expected}", at + 1)]
pub struct ExprError {
    /// Byte offset in the formula.
    pub at: usize,
    /// What belongs there.
    pub expected: &'static str,
}

/// One step; operands are taken off the stack.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Number(f64),
    Event(String),
    Literal(String),
    SourceCount(String),
    HasEvent(String),
    Negate,
    Two(Operator),
    /// Value, condition, other value.
    Choose,
}

/// What is made of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    Xor,
    And,
    Less,
    Greater,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Minimum,
    Maximum,
    Ratio,
}

/// A formula.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    steps: Vec<Step>,
}

impl Expr {
    /// Reads a formula.
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        let mut parser = Parser { text, at: 0, token: Token::End, token_at: 0, depth: 0, steps: Vec::new() };
        parser.next()?;
        parser.choice()?;
        match parser.token {
            Token::End => Ok(Self { steps: parser.steps }),
            _ => Err(parser.wrong("an operator or the end")),
        }
    }

    /// The events (or other metrics) that it names, in their order; each may come several times.
    pub fn events(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Event(name) | Step::SourceCount(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The constants of the system that it names: `#smt_on`.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Literal(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The same with another formula in the place of a name; `None` when that would be too long.
    #[must_use]
    pub fn replaced(&self, name: &str, by: &Self) -> Option<Self> {
        let mut steps = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            match step {
                Step::Event(event) if event == name => steps.extend(by.steps.iter().cloned()),
                step => steps.push(step.clone()),
            }
            if steps.len() > STEPS {
                return None;
            }
        }
        Some(Self { steps })
    }

    /// The value. `event` gives an event's count and from how many sources it was added up, `literal` a constant of the
    /// system; what they do not know makes the result no number, as does a division by zero.
    pub fn value(&self, event: &dyn Fn(&str) -> Option<(f64, f64)>, literal: &dyn Fn(&str) -> Option<f64>) -> f64 {
        let mut stack: Vec<f64> = Vec::new();
        for step in &self.steps {
            let value = match step {
                Step::Number(number) => *number,
                Step::Event(name) => event(name).map_or(f64::NAN, |found| found.0),
                Step::SourceCount(name) => event(name).map_or(f64::NAN, |found| found.1),
                Step::HasEvent(name) => f64::from(u8::from(event(name).is_some())),
                Step::Literal(name) => literal(name).unwrap_or(f64::NAN),
                Step::Negate => -stack.pop().unwrap_or(f64::NAN),
                Step::Two(operator) => {
                    let right = stack.pop().unwrap_or(f64::NAN);
                    operator.apply(stack.pop().unwrap_or(f64::NAN), right)
                }
                Step::Choose => {
                    let other = stack.pop().unwrap_or(f64::NAN);
                    let condition = stack.pop().unwrap_or(f64::NAN);
                    let value = stack.pop().unwrap_or(f64::NAN);
                    if condition == 0.0 { other } else { value }
                }
            };
            stack.push(value);
        }
        stack.pop().unwrap_or(f64::NAN)
    }
}

impl Operator {
    fn apply(self, left: f64, right: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, reason = "bits are of whole numbers; what does not fit is cut off")]
        let bits = |of: fn(i64, i64) -> i64| of(left as i64, right as i64) as f64;
        match self {
            Self::Or => bits(|left, right| left | right),
            Self::Xor => bits(|left, right| left ^ right),
            Self::And => bits(|left, right| left & right),
            Self::Less => f64::from(u8::from(left < right)),
            Self::Greater => f64::from(u8::from(left > right)),
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide | Self::Remainder if right == 0.0 => f64::NAN,
            Self::Remainder => left % right,
            Self::Minimum if left < right => left,
            Self::Maximum if left > right => left,
            Self::Minimum | Self::Maximum => right,
            // Where nothing was counted, the ratio is 0.
            Self::Ratio if right == 0.0 => 0.0,
            Self::Divide | Self::Ratio => left / right,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Name(String),
    Literal(String),
    Sign(char),
    End,
}

struct Parser<'a> {
    text: &'a str,
    /// Behind the token at hand.
    at: usize,
    token: Token,
    token_at: usize,
    depth: usize,
    steps: Vec<Step>,
}

impl Parser<'_> {
    fn wrong(&self, expected: &'static str) -> ExprError {
        ExprError { at: self.token_at, expected }
    }

    fn push(&mut self, step: Step) -> Result<(), ExprError> {
        if self.steps.len() >= STEPS {
            return Err(self.wrong("the end: the formula is too long"));
        }
        self.steps.push(step);
        Ok(())
    }

    /// Takes the next token.
    fn next(&mut self) -> Result<(), ExprError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        self.token_at = self.at + blanks;
        let (token, length) = match rest.chars().next() {
            None => (Token::End, 0),
            Some('#') => {
                let of_name = |letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-'));
                let length = rest.get(1..).and_then(|name| name.find(of_name)).map_or(rest.len(), |length| length + 1);
                (Token::Literal(rest.get(1..length).unwrap_or_default().to_owned()), length)
            }
            Some(sign) if "|^&<>-+*/%(),".contains(sign) => (Token::Sign(sign), 1),
            Some(_) => {
                let (name, name_length) = name(rest);
                let digits = number_length(rest);
                match rest.get(..digits).map(str::parse) {
                    // Whichever is longer; of the same length, a number.
                    Some(Ok(number)) if digits >= name_length => (Token::Number(number), digits),
                    _ if name_length > 0 => (Token::Name(name), name_length),
                    _ => return Err(self.wrong("a number, an event or a parenthesis")),
                }
            }
        };
        self.at = self.token_at + length;
        self.token = token;
        Ok(())
    }

    fn takes(&mut self, sign: char) -> Result<bool, ExprError> {
        if self.token != Token::Sign(sign) {
            return Ok(false);
        }
        self.next()?;
        Ok(true)
    }

    fn expect(&mut self, sign: char, expected: &'static str) -> Result<(), ExprError> {
        if self.takes(sign)? { Ok(()) } else { Err(self.wrong(expected)) }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.token, Token::Name(name) if name == word)
    }

    /// `VALUE if CONDITION else CHOICE`, or a value alone.
    fn choice(&mut self) -> Result<(), ExprError> {
        let mut open = 0_usize;
        loop {
            self.binary(0)?;
            if !self.is_word("if") {
                break;
            }
            self.next()?;
            self.binary(0)?;
            if !self.is_word("else") {
                return Err(self.wrong("`else`"));
            }
            self.next()?;
            open += 1;
        }
        // Each value and condition lies below the choice that follows it.
        for _ in 0..open {
            self.push(Step::Choose)?;
        }
        Ok(())
    }

    /// Operators from this rank on; a higher rank binds closer.
    fn binary(&mut self, rank: usize) -> Result<(), ExprError> {
        let Some(operators) = RANKS.get(rank) else { return self.unary() };
        self.binary(rank + 1)?;
        loop {
            let Token::Sign(sign) = self.token else { return Ok(()) };
            let Some((_, operator)) = operators.iter().find(|(known, _)| *known == sign) else { return Ok(()) };
            self.next()?;
            self.binary(rank + 1)?;
            self.push(Step::Two(*operator))?;
        }
    }

    fn unary(&mut self) -> Result<(), ExprError> {
        let mut negative = false;
        while self.takes('-')? {
            negative = !negative;
        }
        self.primary()?;
        if negative { self.push(Step::Negate) } else { Ok(()) }
    }

    fn primary(&mut self) -> Result<(), ExprError> {
        match self.token.clone() {
            Token::Number(number) => {
                self.next()?;
                self.push(Step::Number(number))
            }
            Token::Literal(name) if !name.is_empty() => {
                self.next()?;
                self.push(Step::Literal(name))
            }
            Token::Sign('(') => {
                self.next()?;
                self.inside(Self::choice)?;
                self.expect(')', "a closing parenthesis")
            }
            Token::Name(name) => {
                let at = self.token_at;
                self.next()?;
                match name.as_str() {
                    "if" | "else" => Err(ExprError { at, expected: "a number, an event or a parenthesis" }),
                    "min" => self.function(Operator::Minimum),
                    "max" => self.function(Operator::Maximum),
                    "d_ratio" => self.function(Operator::Ratio),
                    "source_count" => self.of_event(Step::SourceCount),
                    "has_event" => self.of_event(Step::HasEvent),
                    _ => self.push(Step::Event(name)),
                }
            }
            _ => Err(self.wrong("a number, an event or a parenthesis")),
        }
    }

    /// Runs one level deeper.
    fn inside(&mut self, what: fn(&mut Self) -> Result<(), ExprError>) -> Result<(), ExprError> {
        if self.depth >= DEPTH {
            return Err(self.wrong("fewer parentheses inside each other"));
        }
        self.depth += 1;
        what(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn function(&mut self, operator: Operator) -> Result<(), ExprError> {
        self.expect('(', "an opening parenthesis")?;
        self.inside(Self::choice)?;
        self.expect(',', "a comma")?;
        self.inside(Self::choice)?;
        self.expect(')', "a closing parenthesis")?;
        self.push(Step::Two(operator))
    }

    fn of_event(&mut self, step: fn(String) -> Step) -> Result<(), ExprError> {
        self.expect('(', "an opening parenthesis")?;
        let Token::Name(name) = self.token.clone() else { return Err(self.wrong("an event")) };
        self.next()?;
        self.expect(')', "a closing parenthesis")?;
        self.push(step(name))
    }
}

/// Operators by rank, the loosest first.
const RANKS: [&[(char, Operator)]; 6] = [
    &[('|', Operator::Or)],
    &[('^', Operator::Xor)],
    &[('&', Operator::And)],
    &[('<', Operator::Less), ('>', Operator::Greater)],
    &[('+', Operator::Add), ('-', Operator::Subtract)],
    &[('*', Operator::Multiply), ('/', Operator::Divide), ('%', Operator::Remainder)],
];

/// The name at the start of the text, as events are written outside of formulas, and its length inside: `@` stands for a
/// slash, a backslash before `-`, `,` or `=` for nothing, and `?` for the number of a part of the machine, the first.
fn name(text: &str) -> (String, usize) {
    let (mut name, mut length) = (String::new(), 0);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '@' => name.push('/'),
            '?' => name.push('0'),
            '\\' => match letters.next() {
                Some(escaped @ ('-' | ',' | '=')) => {
                    name.push(escaped);
                    length += 1;
                }
                _ => break,
            },
            letter if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | ':') => name.push(letter),
            _ => break,
        }
        length += 1;
    }
    (name, length)
}

/// Length of the number at the start of the text: digits with a point among them, and an exponent.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let mut length = digits(0);
    let mut any = length > 0;
    if bytes.get(length) == Some(&b'.') {
        let after = digits(length + 1);
        any |= after > 0;
        length += 1 + after;
    }
    if any && bytes.get(length) == Some(&b'e') {
        let sign = usize::from(bytes.get(length + 1) == Some(&b'-'));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    if any { length } else { 0 }
}
