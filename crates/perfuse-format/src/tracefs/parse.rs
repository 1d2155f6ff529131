//! Expressions of a `print fmt`, with C's precedence.

use super::field::Field;
use super::lex::{Lexer, Token};
use super::tree::{Cast, Node, NodeId, Operator, Program, Row, Span};

/// Deepest nesting of an expression: a parenthesis is two levels, and the masks of `GFP_` flags have some forty.
const DEEPEST: u32 = 256;
/// Most nodes, rows and operators of one format.
const MOST: usize = 1 << 14;

/// An expression that cannot be compiled; the record is printed field by field then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unparsable;

/// Names of numbers that the kernel leaves as they are in some formats (softirqs, and what timers return).
const KNOWN: [(&str, u64); 12] = [
    ("HI_SOFTIRQ", 0),
    ("TIMER_SOFTIRQ", 1),
    ("NET_TX_SOFTIRQ", 2),
    ("NET_RX_SOFTIRQ", 3),
    ("BLOCK_SOFTIRQ", 4),
    ("IRQ_POLL_SOFTIRQ", 5),
    ("TASKLET_SOFTIRQ", 6),
    ("SCHED_SOFTIRQ", 7),
    ("HRTIMER_SOFTIRQ", 8),
    ("RCU_SOFTIRQ", 9),
    ("HRTIMER_NORESTART", 0),
    ("HRTIMER_RESTART", 1),
];

pub(super) struct Parser<'a> {
    pub lexer: Lexer<'a>,
    pub program: Program,
    fields: &'a [Field],
    long_size: u8,
    depth: u32,
    operators: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, fields: &'a [Field], long_size: u8) -> Self {
        Self { lexer: Lexer::new(text), program: Program::default(), fields, long_size, depth: 0, operators: 0 }
    }

    pub(super) fn push(&mut self, node: Node) -> Result<NodeId, Unparsable> {
        if self.program.nodes.len() >= MOST || self.program.text.len() >= u32::MAX as usize / 2 {
            return Err(Unparsable);
        }
        let id = u32::try_from(self.program.nodes.len()).map_err(|_| Unparsable)?;
        self.program.nodes.push(node);
        Ok(id)
    }

    fn expect(&mut self, sign: &str) -> Result<(), Unparsable> {
        if self.lexer.eat(sign) { Ok(()) } else { Err(Unparsable) }
    }

    /// A whole expression, up to a comma or a closing bracket.
    ///
    /// The order of operators is that of libtraceevent, not that of C, because what `perf script` prints depends on it:
    /// an operand is taken first and then extended by one operator after the other. An operator that binds less than
    /// the one before takes all that is there for its left side; any other takes only the last operand, which makes
    /// `a - b + c` mean `a - (b + c)`. An operand in parentheses gives its left side away to an operator that binds
    /// tighter than its own, which makes `a & (b | c)` mean `(a & b) | c`.
    pub(super) fn expression(&mut self) -> Result<NodeId, Unparsable> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Unparsable);
        }
        let node = self.operand()?;
        self.extend(node)?;
        self.depth -= 1;
        Ok(node)
    }

    /// Extends the expression by the operators that follow.
    fn extend(&mut self, mut node: NodeId) -> Result<(), Unparsable> {
        while let Token::Sign(sign) = self.lexer.peek() {
            let Some(next) = priority(sign) else { break };
            self.lexer.next();
            self.operators += 1;
            if self.operators > MOST {
                return Err(Unparsable);
            }
            let left = self.push(self.program.node(node))?;
            let (mut own, mut last) = (0, node);
            let made = match operator(sign) {
                _ if sign == "?" => {
                    let yes = self.expression()?;
                    self.expect(":")?;
                    Node::Choice { condition: left, yes, no: self.operand()? }
                }
                None => {
                    let index = self.expression()?;
                    self.expect("]")?;
                    Node::Index { data: left, index, element: self.element(left) }
                }
                Some(operator) => {
                    let right = self.operand()?;
                    (own, last) = (next, right);
                    match self.rotated(operator, next, left, right)? {
                        Some((outer, priority)) => {
                            own = priority;
                            outer
                        }
                        None => Node::Binary { operator, left, right },
                    }
                }
            };
            self.set(node, made)?;
            let follows = match self.lexer.peek() {
                Token::Sign(sign) => priority(sign),
                _ => None,
            };
            if follows.is_some_and(|follows| follows <= own) {
                node = last;
            }
        }
        Ok(())
    }

    /// Gives the left side of the right operand away when that binds less; what the whole is then, and how it binds.
    fn rotated(
        &mut self,
        operator: Operator,
        own: i8,
        left: NodeId,
        right: NodeId,
    ) -> Result<Option<(Node, i8)>, Unparsable> {
        let inner = |taken: NodeId| Node::Binary { operator, left, right: taken };
        Ok(match self.program.node(right) {
            Node::Binary { operator: other, left: taken, right: rest } if own < binds(other) => {
                self.set(right, inner(taken))?;
                let none = matches!(self.program.node(taken), Node::Atom { value: 0, text } if text == Span::default());
                Some((Node::Binary { operator: other, left: right, right: rest }, if none { 0 } else { binds(other) }))
            }
            Node::Choice { condition, yes, no } => {
                self.set(right, inner(condition))?;
                Some((Node::Choice { condition: right, yes, no }, 0))
            }
            _ => None,
        })
    }

    fn set(&mut self, node: NodeId, value: Node) -> Result<(), Unparsable> {
        *self.program.nodes.get_mut(node as usize).ok_or(Unparsable)? = value;
        Ok(())
    }

    /// Bytes of an element when a cast to a pointer tells it: `((u32 *)data)[1]`.
    fn element(&self, data: NodeId) -> u8 {
        match self.program.node(data) {
            Node::Cast { cast: Cast::Elements(size), .. } => size,
            _ => 0,
        }
    }

    /// One operand; a sign before it takes the operators behind it in.
    fn operand(&mut self) -> Result<NodeId, Unparsable> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Unparsable);
        }
        let result = match self.lexer.next() {
            Token::Sign(sign @ ("!" | "~" | "+" | "-")) => self.signed(sign),
            Token::Sign("(") => self.parenthesis(),
            Token::Word("REC") => self.record(),
            Token::Word(word) => self.word(word),
            Token::Text(text) => self.strings(text),
            Token::Letter(letter) => {
                // libtraceevent reads it as a number, which it is only if it is a digit.
                let value = to_number(letter);
                let text = self.program.intern(letter);
                self.push(Node::Atom { value, text })
            }
            Token::Sign(_) | Token::End => Err(Unparsable),
        };
        self.depth -= 1;
        result
    }

    fn signed(&mut self, sign: &str) -> Result<NodeId, Unparsable> {
        let inner = self.operand()?;
        let node = match sign {
            "!" => Node::Not(inner),
            "~" => Node::Complement(inner),
            _ => {
                let left = self.push(Node::Atom { value: 0, text: Span::default() })?;
                let operator = if sign == "-" { Operator::Subtract } else { Operator::Add };
                Node::Binary { operator, left, right: inner }
            }
        };
        let node = self.push(node)?;
        self.extend(node)?;
        Ok(node)
    }

    /// Strings beside each other are one.
    fn strings(&mut self, first: &str) -> Result<NodeId, Unparsable> {
        let mut span = self.program.intern(first);
        while let Token::Text(more) = self.lexer.peek() {
            self.lexer.next();
            span.end = self.program.intern(more).end;
        }
        self.push(Node::Text(span))
    }

    /// A cast, or an expression in parentheses.
    fn parenthesis(&mut self) -> Result<NodeId, Unparsable> {
        if let Some((after, name, pointer)) = self.type_name() {
            self.lexer = after;
            let inner = self.operand()?;
            return self.push(Node::Cast { cast: cast(&name, pointer, self.long_size), inner });
        }
        let inner = self.expression()?;
        self.expect(")")?;
        Ok(inner)
    }

    /// Whether words and stars up to a closing parenthesis are followed by a value: then it is a cast. The lexer behind
    /// it, the words, and whether it is a pointer.
    fn type_name(&self) -> Option<(Lexer<'a>, String, bool)> {
        let mut ahead = self.lexer;
        let (mut name, mut pointer) = (String::new(), false);
        loop {
            match ahead.next() {
                Token::Word("REC") => return None,
                Token::Word(word) if !pointer && !word.starts_with(|digit: char| digit.is_ascii_digit()) => {
                    if !name.is_empty() {
                        name.push(' ');
                    }
                    name.push_str(word);
                }
                Token::Sign("*") if !name.is_empty() => pointer = true,
                Token::Sign(")") if !name.is_empty() => break,
                _ => return None,
            }
        }
        let value = match ahead.peek() {
            Token::Word(_) | Token::Text(_) | Token::Letter(_) => true,
            Token::Sign(sign) => matches!(sign, "(" | "~" | "!") || (matches!(sign, "-" | "&") && cast_name(&name)),
            Token::End => false,
        };
        value.then_some((ahead, name, pointer))
    }

    /// After `REC`: `->field`.
    fn record(&mut self) -> Result<NodeId, Unparsable> {
        self.expect("->")?;
        let Token::Word(name) = self.lexer.next() else { return Err(Unparsable) };
        let field = self.field(name)?;
        self.push(Node::Field(field))
    }

    fn field(&self, name: &str) -> Result<u32, Unparsable> {
        let place = self.fields.iter().position(|field| field.name == name).ok_or(Unparsable)?;
        u32::try_from(place).map_err(|_| Unparsable)
    }

    /// A function, a number, or a name.
    fn word(&mut self, word: &str) -> Result<NodeId, Unparsable> {
        if self.lexer.eat("(") {
            return self.function(word);
        }
        let known = KNOWN.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        let value = known.unwrap_or_else(|| to_number(word));
        let text = self.program.intern(word);
        self.push(Node::Atom { value, text })
    }

    fn function(&mut self, name: &str) -> Result<NodeId, Unparsable> {
        // `__get_rel_str` and its like differ only in what the field says itself.
        let plain = name.replace("_rel_", "_");
        match plain.as_str() {
            "__get_str" => self.of_field(Node::Str),
            "__get_dynamic_array" | "__get_sockaddr" => self.of_field(Node::Dynamic),
            "__get_dynamic_array_len" | "__get_sockaddr_len" => self.of_field(Node::DynamicLength),
            "__get_bitmask" => self.of_field(Node::Bitmask),
            "__get_cpumask" => self.of_field(Node::Cpumask),
            "__print_flags" | "__print_flags_u64" => self.flags(),
            "__print_symbolic" | "__print_symbolic_u64" => self.symbolic(),
            "__print_hex" | "__print_hex_str" => {
                let (data, length) = self.pair()?;
                self.push(Node::Hex { data, length, blanks: plain == "__print_hex" })
            }
            "__print_array" => self.array(),
            "__print_dynamic_array" => self.dynamic_array(),
            "__print_ns_to_secs" | "__print_ns_without_secs" => {
                let left = self.expression()?;
                self.expect(")")?;
                let text = self.program.intern("1000000000");
                let right = self.push(Node::Atom { value: 1_000_000_000, text })?;
                let operator = if plain == "__print_ns_to_secs" { Operator::Divide } else { Operator::Remainder };
                self.push(Node::Binary { operator, left, right })
            }
            // A hint for the compiler: the value is the first argument.
            "__builtin_expect" => Ok(self.pair()?.0),
            "sizeof" => self.size_of(),
            _ => Err(Unparsable),
        }
    }

    /// Two arguments and the closing parenthesis.
    fn pair(&mut self) -> Result<(NodeId, NodeId), Unparsable> {
        let first = self.expression()?;
        self.expect(",")?;
        let second = self.expression()?;
        self.expect(")")?;
        Ok((first, second))
    }

    /// The name of a field and the closing parenthesis.
    fn of_field(&mut self, make: fn(u32) -> Node) -> Result<NodeId, Unparsable> {
        let Token::Word(name) = self.lexer.next() else { return Err(Unparsable) };
        let field = self.field(name)?;
        self.expect(")")?;
        self.push(make(field))
    }

    fn array(&mut self) -> Result<NodeId, Unparsable> {
        let data = self.expression()?;
        self.expect(",")?;
        let (count, element) = self.pair()?;
        self.push(Node::Array { data, count, element })
    }

    /// `__print_dynamic_array(name, size)`: all elements of the array behind the fields.
    fn dynamic_array(&mut self) -> Result<NodeId, Unparsable> {
        let Token::Word(name) = self.lexer.next() else { return Err(Unparsable) };
        let field = self.field(name)?;
        self.expect(",")?;
        let element = self.expression()?;
        self.expect(")")?;
        let data = self.push(Node::Dynamic(field))?;
        let length = self.push(Node::DynamicLength(field))?;
        let count = self.push(Node::Binary { operator: Operator::Divide, left: length, right: element })?;
        self.push(Node::Array { data, count, element })
    }

    fn flags(&mut self) -> Result<NodeId, Unparsable> {
        let value = self.expression()?;
        self.expect(",")?;
        let delimiter = match self.lexer.next() {
            Token::Text(text) => self.program.intern(text),
            // NULL
            Token::Word(_) => Span::default(),
            _ => return Err(Unparsable),
        };
        let (first, count) = self.rows()?;
        self.push(Node::Flags { value, delimiter, first, count })
    }

    fn symbolic(&mut self) -> Result<NodeId, Unparsable> {
        let value = self.expression()?;
        let (first, count) = self.rows()?;
        self.push(Node::Symbolic { value, first, count })
    }

    /// `, { value, "text" }, ...` and the closing parenthesis. A table without rows is `{ }`.
    fn rows(&mut self) -> Result<(u32, u32), Unparsable> {
        let first = u32::try_from(self.program.rows.len()).map_err(|_| Unparsable)?;
        let mut count = 0;
        while self.lexer.eat(",") {
            self.expect("{")?;
            if self.lexer.eat("}") {
                continue;
            }
            if self.program.rows.len() >= MOST {
                return Err(Unparsable);
            }
            let node = self.expression()?;
            // What does not begin with a digit (a name that the kernel left in the format, and any number below zero) is
            // -1 for libtraceevent.
            let unknown = self.is_name(node);
            let value = if unknown { u64::MAX } else { self.constant(node, 0)? };
            let negative = unknown || value.cast_signed() < 0 && self.is_computed(node);
            let value = if negative { u64::MAX } else { value };
            self.expect(",")?;
            let text = self.expression()?;
            let text = self.row_text(text)?;
            self.expect("}")?;
            self.program.rows.push(Row { value, negative, text });
            count += 1;
        }
        self.expect(")")?;
        Ok((first, count))
    }

    /// Whether the expression is a name without a known value.
    fn is_name(&self, node: NodeId) -> bool {
        let Node::Atom { text, .. } = self.program.node(node) else { return false };
        let text = self.program.str(text);
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && !KNOWN.iter().any(|(name, _)| *name == text)
    }

    /// The text of a row; some tables end with a null pointer instead of one.
    fn row_text(&self, node: NodeId) -> Result<Span, Unparsable> {
        match self.program.node(node) {
            Node::Text(span) | Node::Atom { text: span, .. } => Ok(span),
            Node::Cast { inner, .. } => match self.program.node(inner) {
                Node::Text(span) | Node::Atom { text: span, .. } => Ok(span),
                _ => Err(Unparsable),
            },
            _ => Err(Unparsable),
        }
    }

    /// Whether the value is computed, so that libtraceevent writes it down with a sign.
    fn is_computed(&self, node: NodeId) -> bool {
        match self.program.node(node) {
            Node::Atom { .. } => false,
            Node::Cast { inner, .. } => self.is_computed(inner),
            _ => true,
        }
    }

    /// The value of an expression that has no field in it.
    fn constant(&self, node: NodeId, depth: u32) -> Result<u64, Unparsable> {
        if depth > DEEPEST {
            return Err(Unparsable);
        }
        let value = |node| self.constant(node, depth + 1);
        Ok(match self.program.node(node) {
            Node::Atom { value, .. } => value,
            Node::Cast { cast, inner } => super::number::cast(cast, value(inner)?),
            Node::Not(inner) => u64::from(value(inner)? == 0),
            Node::Complement(inner) => !value(inner)?,
            Node::Binary { operator, left, right } => super::number::operate(operator, value(left)?, value(right)?),
            Node::Choice { condition, yes, no } => value(if value(condition)? != 0 { yes } else { no })?,
            _ => return Err(Unparsable),
        })
    }

    /// `sizeof(type)` of the types whose size is known.
    fn size_of(&mut self) -> Result<NodeId, Unparsable> {
        let (mut name, mut pointer) = (String::new(), false);
        loop {
            match self.lexer.next() {
                Token::Word(word) => {
                    if !name.is_empty() {
                        name.push(' ');
                    }
                    name.push_str(word);
                }
                Token::Sign("*") => pointer = true,
                Token::Sign(")") => break,
                _ => return Err(Unparsable),
            }
        }
        let size =
            if pointer { u64::from(self.long_size) } else { size_of(&name, self.long_size).ok_or(Unparsable)? };
        let text = self.program.intern(&name);
        self.push(Node::Atom { value: size, text })
    }
}

/// The operator of a sign with two sides.
fn operator(sign: &str) -> Option<Operator> {
    Some(match sign {
        "||" => Operator::Or,
        "&&" => Operator::And,
        "|" => Operator::BitOr,
        "^" => Operator::BitXor,
        "&" => Operator::BitAnd,
        "==" => Operator::Equal,
        "!=" => Operator::NotEqual,
        "<" => Operator::Less,
        "<=" => Operator::LessEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterEqual,
        "<<" => Operator::ShiftLeft,
        ">>" => Operator::ShiftRight,
        "+" => Operator::Add,
        "-" => Operator::Subtract,
        "*" => Operator::Multiply,
        "/" => Operator::Divide,
        "%" => Operator::Remainder,
        _ => return None,
    })
}

/// How loose an operator binds: the number of its row in the table of a book on C.
fn binds(operator: Operator) -> i8 {
    match operator {
        Operator::Multiply | Operator::Divide | Operator::Remainder => 6,
        Operator::Add | Operator::Subtract => 7,
        Operator::ShiftLeft | Operator::ShiftRight => 8,
        Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => 9,
        Operator::Equal | Operator::NotEqual => 10,
        Operator::BitAnd => 11,
        Operator::BitXor => 12,
        Operator::BitOr => 13,
        Operator::And => 14,
        Operator::Or => 15,
    }
}

/// The same for a sign, with the choice and the index; `None` for what is no operator.
fn priority(sign: &str) -> Option<i8> {
    match sign {
        "?" => Some(16),
        "[" => Some(-1),
        _ => operator(sign).map(binds),
    }
}

/// Bytes of a type, as far as its name tells.
fn size_of(name: &str, long_size: u8) -> Option<u64> {
    let plain = name.strip_prefix("unsigned ").or_else(|| name.strip_prefix("signed ")).unwrap_or(name);
    Some(match plain.trim_start_matches("__") {
        "u8" | "s8" | "char" | "bool" | "uint8_t" | "int8_t" => 1,
        "u16" | "s16" | "short" | "short int" | "le16" | "be16" | "uint16_t" | "int16_t" => 2,
        "u32" | "s32" | "int" | "unsigned" | "signed" | "le32" | "be32" | "uint32_t" | "int32_t" => 4,
        "u64" | "s64" | "long long" | "long long int" | "le64" | "be64" | "uint64_t" | "int64_t" => 8,
        "long" | "long int" | "size_t" | "ssize_t" => u64::from(long_size),
        _ => return None,
    })
}

/// Whether the words name a type of which a size is known, so that a minus after them is a sign.
fn cast_name(name: &str) -> bool {
    size_of(name, 8).is_some()
}

/// What a cast does.
fn cast(name: &str, pointer: bool, long_size: u8) -> Cast {
    let size = size_of(name, long_size);
    match size.and_then(|size| u8::try_from(size).ok()) {
        Some(size) if pointer => Cast::Elements(size),
        Some(size @ 1..=7) if !pointer => Cast::Mask(u64::MAX >> (64 - 8 * u32::from(size))),
        _ => Cast::Keep,
    }
}

/// A number as C reads it: decimal, hexadecimal after `0x`, octal after `0`; what follows the digits is left out, a word
/// without digits is 0.
pub(super) fn to_number(text: &str) -> u64 {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let mut value = 0_u64;
    for digit in digits.chars().map_while(|digit| digit.to_digit(radix)) {
        value = value.saturating_mul(u64::from(radix)).saturating_add(u64::from(digit));
    }
    value
}
