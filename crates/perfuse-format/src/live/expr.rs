//! An expression over the fields of an event, and its value for one hit.

use super::KEY_TEXT;
use crate::event::glob;

/// What has one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `-`.
    Minus,
    /// `~`: all bits turned.
    Bits,
    /// `!`: 1 for 0, 0 for all else.
    Not,
}

/// What has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of C")]
pub enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    And,
    Or,
    Xor,
    Left,
    Right,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// `&&`: 0 or 1.
    Both,
    /// `||`: 0 or 1.
    Either,
}

/// A part of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A number.
    Number(i64),
    /// The number of a variable, by its place in the scope.
    Variable(usize),
    /// With one operand.
    Unary(Unary, Box<Node>),
    /// With two.
    Binary {
        /// Which.
        operator: Binary,
        /// Whether an operand fills 64 bits without a sign, so that the operation is one without signs.
        unsigned: bool,
        /// On the left.
        left: Box<Node>,
        /// On the right.
        right: Box<Node>,
    },
    /// Whether a text is another: 0 or 1.
    Same {
        /// The text, by its place in the scope.
        variable: usize,
        /// What it is compared with; a pattern (`*`, `?`) where `pattern` says so.
        text: String,
        /// `~`: a pattern.
        pattern: bool,
        /// `!=`.
        negated: bool,
    },
}

/// A whole expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// A number.
    Number {
        /// How it is computed.
        node: Node,
        /// Whether its top bit is a sign.
        signed: bool,
        /// Its text, as it was given.
        text: String,
    },
    /// A variable that is a text.
    Text {
        /// The text, by its place in the scope.
        variable: usize,
        /// Its name.
        text: String,
    },
}

/// The variables of one hit, by their places in the scope.
pub trait Values {
    /// A number; 0 for what is none.
    fn number(&self, variable: usize) -> i64;
    /// A text without its end.
    fn text(&self, variable: usize) -> &[u8];
}

impl Expr {
    /// How it was given.
    pub fn text(&self) -> &str {
        match self {
            Self::Number { text, .. } | Self::Text { text, .. } => text,
        }
    }

    /// The number for a hit; 0 for a text.
    pub fn number(&self, values: &dyn Values) -> i64 {
        match self {
            Self::Number { node, .. } => node.number(values),
            Self::Text { .. } => 0,
        }
    }

    /// Whether the value has a sign; texts have none.
    pub fn is_signed(&self) -> bool {
        matches!(self, Self::Number { signed: true, .. })
    }

    /// Every variable that it uses, in no particular order and perhaps more than once.
    pub fn variables(&self) -> Vec<usize> {
        match self {
            Self::Text { variable, .. } => vec![*variable],
            Self::Number { node, .. } => {
                let mut found = Vec::new();
                node.variables(&mut found);
                found
            }
        }
    }
}

impl Node {
    fn variables(&self, found: &mut Vec<usize>) {
        match self {
            Self::Number(_) => {}
            Self::Variable(variable) | Self::Same { variable, .. } => found.push(*variable),
            Self::Unary(_, of) => of.variables(found),
            Self::Binary { left, right, .. } => {
                left.variables(found);
                right.variables(found);
            }
        }
    }

    /// Its number for a hit.
    pub fn number(&self, values: &dyn Values) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Variable(variable) => values.number(*variable),
            Self::Unary(Unary::Minus, of) => of.number(values).wrapping_neg(),
            Self::Unary(Unary::Bits, of) => !of.number(values),
            Self::Unary(Unary::Not, of) => i64::from(of.number(values) == 0),
            Self::Binary { operator: Binary::Both, left, right, .. } => {
                i64::from(left.number(values) != 0 && right.number(values) != 0)
            }
            Self::Binary { operator: Binary::Either, left, right, .. } => {
                i64::from(left.number(values) != 0 || right.number(values) != 0)
            }
            Self::Binary { operator, unsigned, left, right } => {
                compute(*operator, *unsigned, left.number(values), right.number(values))
            }
            Self::Same { variable, text, pattern, negated } => {
                let found = values.text(*variable);
                // The kernel sees no more of a text than this.
                let found = found.get(..KEY_TEXT - 1).unwrap_or(found);
                let same = if *pattern {
                    glob::matches(text, &String::from_utf8_lossy(found))
                } else {
                    found == text.as_bytes()
                };
                i64::from(same != *negated)
            }
        }
    }
}

/// As the kernel's instructions compute it.
pub(super) fn compute(operator: Binary, unsigned: bool, left: i64, right: i64) -> i64 {
    let order = if unsigned { left.cast_unsigned().cmp(&right.cast_unsigned()) } else { left.cmp(&right) };
    // The kernel's shifts count modulo 64, too.
    let count = u32::try_from(right & 63).unwrap_or(0);
    match operator {
        Binary::Add => left.wrapping_add(right),
        Binary::Subtract => left.wrapping_sub(right),
        Binary::Multiply => left.wrapping_mul(right),
        Binary::Divide if right == 0 => 0,
        Binary::Divide if unsigned => (left.cast_unsigned() / right.cast_unsigned()).cast_signed(),
        Binary::Divide => left.wrapping_div(right),
        Binary::Remainder if right == 0 => left,
        Binary::Remainder if unsigned => (left.cast_unsigned() % right.cast_unsigned()).cast_signed(),
        Binary::Remainder => left.wrapping_rem(right),
        Binary::And => left & right,
        Binary::Or => left | right,
        Binary::Xor => left ^ right,
        Binary::Left => left << count,
        Binary::Right if unsigned => (left.cast_unsigned() >> count).cast_signed(),
        Binary::Right => left >> count,
        Binary::Equal => i64::from(order.is_eq()),
        Binary::NotEqual => i64::from(order.is_ne()),
        Binary::Less => i64::from(order.is_lt()),
        Binary::LessEqual => i64::from(order.is_le()),
        Binary::Greater => i64::from(order.is_gt()),
        Binary::GreaterEqual => i64::from(order.is_ge()),
        Binary::Both => i64::from(left != 0 && right != 0),
        Binary::Either => i64::from(left != 0 || right != 0),
    }
}
