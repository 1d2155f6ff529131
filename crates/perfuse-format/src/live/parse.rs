//! From text to expression: the operators of C with their precedence, as in the kernel's own filters of tracepoints.

use thiserror::Error;

use super::expr::{Binary, Expr, Node, Unary, compute};
use super::lex::{Lexer, Token};
use super::scope::Scope;
use crate::event::error::distance;
use crate::event::glob;

/// How deep parts may lie in each other.
pub const MAX_DEPTH: usize = 24;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say what each means")]
pub enum ExprProblem {
    #[error("a field, a number or `(` is expected")]
    Operand,
    #[error("an operator or the end is expected")]
    Operator,
    #[error("`)` is expected")]
    Closing,
    #[error("this is no number")]
    Number,
    #[error("the text has no end: a quote is expected")]
    Quote,
    #[error("this letter means nothing here")]
    Letter,
    #[error("there is no field `{name}`")]
    UnknownName { name: String },
    #[error("`{name}` is a text: it can be compared by ==, != and ~, and be a key")]
    IsText { name: String },
    #[error("`{name}` is a number: it cannot be compared with a text")]
    IsNumber { name: String },
    #[error("a text stands here alone")]
    TextAlone,
    #[error("at most {max} parts lie in each other")]
    TooDeep { max: usize },
}

/// A mistake with its place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("at character {}: {problem}", at + 1)]
pub struct ExprError {
    /// The text.
    pub text: String,
    /// Byte of the text.
    pub at: usize,
    /// What is wrong.
    pub problem: ExprProblem,
    /// Names that there are, the nearest first.
    pub near: Vec<String>,
}

type At = (usize, ExprProblem);

impl Expr {
    /// One expression.
    pub fn parse(text: &str, scope: &Scope) -> Result<Self, ExprError> {
        let mut all = Self::parse_list(text, scope)?;
        if let (Some(one), true) = (all.pop(), all.is_empty()) {
            return Ok(one);
        }
        let at = text.find(',').unwrap_or(0);
        Err(ExprError { text: text.to_owned(), at, problem: ExprProblem::Operator, near: Vec::new() })
    }

    /// Expressions between commas.
    pub fn parse_list(text: &str, scope: &Scope) -> Result<Vec<Self>, ExprError> {
        parse_all(text, scope).map_err(|(at, problem)| {
            let near = match &problem {
                ExprProblem::UnknownName { name } => nearest(name, scope),
                _ => Vec::new(),
            };
            ExprError { text: text.to_owned(), at, problem, near }
        })
    }
}

/// At most eight names, the most alike first.
fn nearest(wanted: &str, scope: &Scope) -> Vec<String> {
    let mut names: Vec<(usize, &str)> =
        scope.names().map(|name| (distance(wanted.as_bytes(), name.as_bytes()), name)).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().take(8).map(|(_, name)| name.to_owned()).collect()
}

fn parse_all(text: &str, scope: &Scope) -> Result<Vec<Expr>, At> {
    let mut parser = Parser { lexer: Lexer::new(text), scope, next: (0, Token::End), depth: 0 };
    parser.advance()?;
    let mut all = Vec::new();
    loop {
        let from = parser.next.0;
        let part = parser.expression(0)?;
        let to = parser.next.0;
        all.push(part.whole(text.get(from..to).unwrap_or_default().trim(), scope)?);
        match parser.next.1 {
            Token::End => return Ok(all),
            Token::Sign(",") => parser.advance()?,
            _ => return Err((to, ExprProblem::Operator)),
        }
    }
}

/// What a part turned out to be.
enum Part<'a> {
    Number {
        node: Node,
        wide: bool,
        signed: bool,
    },
    Variable {
        variable: usize,
        at: usize,
    },
    Literal {
        text: &'a str,
        at: usize,
    },
    /// A name that is no field: a text without quotes, if it is compared with one.
    Word {
        name: &'a str,
        at: usize,
    },
}

impl Part<'_> {
    /// As a number.
    fn number(self, scope: &Scope) -> Result<(Node, bool, bool), At> {
        match self {
            Self::Number { node, wide, signed } => Ok((node, wide, signed)),
            Self::Variable { variable, at } => match scope.variables.get(variable) {
                Some(found) if !found.text => Ok((Node::Variable(variable), found.wide, found.signed)),
                found => {
                    let name = found.map(|found| found.name.clone()).unwrap_or_default();
                    Err((at, ExprProblem::IsText { name }))
                }
            },
            Self::Literal { at, .. } => Err((at, ExprProblem::TextAlone)),
            Self::Word { name, at } => Err((at, ExprProblem::UnknownName { name: name.to_owned() })),
        }
    }

    /// As all there is.
    fn whole(self, text: &str, scope: &Scope) -> Result<Expr, At> {
        let text = text.to_owned();
        match self {
            Self::Variable { variable, .. } if scope.variables.get(variable).is_some_and(|found| found.text) => {
                Ok(Expr::Text { variable, text })
            }
            part => {
                let (node, wide, signed) = part.number(scope)?;
                Ok(Expr::Number { node, signed: signed || !wide, text })
            }
        }
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    scope: &'a Scope,
    /// The word that comes next, with its place.
    next: (usize, Token<'a>),
    depth: usize,
}

/// Binding of an operator: higher binds closer.
fn binding(sign: &str) -> Option<(u8, Binary)> {
    Some(match sign {
        "||" => (1, Binary::Either),
        "&&" => (2, Binary::Both),
        "|" => (3, Binary::Or),
        "^" => (4, Binary::Xor),
        "&" => (5, Binary::And),
        "==" | "=" | "~" => (6, Binary::Equal),
        "!=" => (6, Binary::NotEqual),
        "<" => (7, Binary::Less),
        "<=" => (7, Binary::LessEqual),
        ">" => (7, Binary::Greater),
        ">=" => (7, Binary::GreaterEqual),
        "<<" => (8, Binary::Left),
        ">>" => (8, Binary::Right),
        "+" => (9, Binary::Add),
        "-" => (9, Binary::Subtract),
        "*" => (10, Binary::Multiply),
        "/" => (10, Binary::Divide),
        "%" => (10, Binary::Remainder),
        _ => return None,
    })
}

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Result<(), At> {
        self.next = self.lexer.next()?;
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), At> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err((self.next.0, ExprProblem::TooDeep { max: MAX_DEPTH })) } else { Ok(()) }
    }

    /// Everything that binds at least so close.
    fn expression(&mut self, least: u8) -> Result<Part<'a>, At> {
        self.deeper()?;
        let mut left = self.operand()?;
        while let Token::Sign(sign) = self.next.1 {
            let Some((binds, operator)) = binding(sign).filter(|(binds, _)| *binds >= least.max(1)) else { break };
            self.advance()?;
            let right = self.expression(binds + 1)?;
            left = self.join(sign, operator, left, right)?;
            if depth(&left) > MAX_DEPTH {
                return Err((self.next.0, ExprProblem::TooDeep { max: MAX_DEPTH }));
            }
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Part<'a>, At> {
        let (at, token) = self.next.clone();
        self.advance()?;
        match token {
            Token::Number(number) => Ok(Part::Number { node: Node::Number(number), wide: false, signed: true }),
            Token::Text(text) => Ok(Part::Literal { text, at }),
            Token::Name(name) => Ok(match self.scope.find(name) {
                Some(variable) => Part::Variable { variable, at },
                None => Part::Word { name, at },
            }),
            Token::Sign("(") => {
                let inside = self.expression(0)?;
                if self.next.1 != Token::Sign(")") {
                    return Err((self.next.0, ExprProblem::Closing));
                }
                self.advance()?;
                Ok(inside)
            }
            Token::Sign(sign @ ("-" | "~" | "!")) => {
                self.deeper()?;
                let of = self.operand()?;
                self.depth -= 1;
                let (node, wide, signed) = of.number(self.scope)?;
                let (operator, wide, signed) = match sign {
                    "-" => (Unary::Minus, false, true),
                    "~" => (Unary::Bits, wide, signed),
                    _ => (Unary::Not, false, true),
                };
                let node = match (operator, node) {
                    (Unary::Minus, Node::Number(number)) => Node::Number(number.wrapping_neg()),
                    (operator, node) => Node::Unary(operator, Box::new(node)),
                };
                Ok(Part::Number { node, wide, signed })
            }
            _ => Err((at, ExprProblem::Operand)),
        }
    }

    fn join(&self, sign: &str, operator: Binary, left: Part<'a>, right: Part<'a>) -> Result<Part<'a>, At> {
        if matches!(operator, Binary::Equal | Binary::NotEqual)
            && let Some(same) = self.texts(sign, operator, &left, &right)?
        {
            return Ok(Part::Number { node: same, wide: false, signed: true });
        }
        let (left, left_wide, left_signed) = left.number(self.scope)?;
        let (right, right_wide, right_signed) = right.number(self.scope)?;
        let unsigned = left_wide || right_wide;
        if let (Node::Number(one), Node::Number(other)) = (&left, &right) {
            let node = Node::Number(compute(operator, unsigned, *one, *other));
            return Ok(Part::Number { node, wide: unsigned, signed: true });
        }
        let truth = !matches!(
            operator,
            Binary::Add
                | Binary::Subtract
                | Binary::Multiply
                | Binary::Divide
                | Binary::Remainder
                | Binary::And
                | Binary::Or
                | Binary::Xor
                | Binary::Left
                | Binary::Right
        );
        let node = Node::Binary { operator, unsigned, left: Box::new(left), right: Box::new(right) };
        // A difference may be below zero whatever its operands are.
        let signed = truth || left_signed || right_signed || operator == Binary::Subtract;
        let wide = !truth && unsigned && operator != Binary::Subtract;
        Ok(Part::Number { node, wide, signed: signed && !wide })
    }

    /// A comparison of a text, on either side; `None` if no side is one.
    fn texts(&self, sign: &str, operator: Binary, left: &Part<'a>, right: &Part<'a>) -> Result<Option<Node>, At> {
        let variable = |part: &Part<'a>| match part {
            Part::Variable { variable, .. } => Some(*variable),
            _ => None,
        };
        let words = |part: &Part<'a>| match *part {
            Part::Literal { text, .. } => Some(text),
            Part::Word { name, .. } => Some(name),
            _ => None,
        };
        let is_text = |variable: usize| self.scope.variables.get(variable).is_some_and(|found| found.text);
        let sides = [(left, right), (right, left)];
        let found = sides.into_iter().find_map(|(one, other)| {
            let variable = variable(one).filter(|variable| is_text(*variable))?;
            Some((variable, words(other)?))
        });
        if let Some((variable, text)) = found {
            let pattern = sign == "~" && glob::is_pattern(text);
            let negated = operator == Binary::NotEqual;
            return Ok(Some(Node::Same { variable, text: text.to_owned(), pattern, negated }));
        }
        for (one, other) in sides {
            if let (Part::Literal { .. }, Part::Variable { variable, at }) = (one, other) {
                let name = self.scope.variables.get(*variable).map(|found| found.name.clone()).unwrap_or_default();
                return Err((*at, ExprProblem::IsNumber { name }));
            }
        }
        if sign == "~" {
            let at = match left {
                Part::Variable { at, .. } | Part::Literal { at, .. } | Part::Word { at, .. } => *at,
                Part::Number { .. } => self.next.0,
            };
            return Err((at, ExprProblem::TextAlone));
        }
        Ok(None)
    }
}

/// How deep the parts lie: a long sum without parentheses leans to the left.
fn depth(part: &Part<'_>) -> usize {
    let Part::Number { node, .. } = part else { return 1 };
    let (mut deepest, mut open) = (0, vec![(node, 1)]);
    while let Some((node, level)) = open.pop() {
        deepest = deepest.max(level);
        match node {
            Node::Unary(_, of) => open.push((of, level + 1)),
            Node::Binary { left, right, .. } => open.extend([(&**left, level + 1), (&**right, level + 1)]),
            Node::Number(_) | Node::Variable(_) | Node::Same { .. } => {}
        }
    }
    deepest
}
