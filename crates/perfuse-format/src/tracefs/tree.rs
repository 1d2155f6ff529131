//! The compiled form of a `print fmt`: pieces of text and conversions, and the expressions whose values they print.

use super::number::operate;

/// Index of a node.
pub(super) type NodeId = u32;

/// A range of the pool of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    pub start: u32,
    pub end: u32,
}

/// What a cast does to the 64 bits of a value (`eval_type_str` of libtraceevent).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cast {
    /// Pointers, structures, 64 bits: nothing.
    Keep,
    /// Keeps the lower bits of this mask.
    Mask(u64),
    /// A pointer to elements of so many bytes: changes no value, but an index counts in them.
    Elements(u8),
}

/// Operators with two sides; all work on unsigned 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    BitOr,
    BitXor,
    BitAnd,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A row of a table of flags or symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub value: u64,
    /// A value below zero, which libtraceevent takes for "none of the flags".
    pub negative: bool,
    pub text: Span,
}

/// One node of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    /// A number, or a name that stands for none (0), with the text as it stands.
    Atom { value: u64, text: Span },
    /// A string in quotes.
    Text(Span),
    /// A field, by its index in [`Program::fields`].
    Field(u32),
    /// `__get_str`.
    Str(u32),
    /// `__get_dynamic_array` and `__get_sockaddr`.
    Dynamic(u32),
    /// `__get_dynamic_array_len`.
    DynamicLength(u32),
    /// `__get_bitmask`.
    Bitmask(u32),
    /// `__get_cpumask`.
    Cpumask(u32),
    /// `__print_flags`: rows `first..first + count` of the tables.
    Flags { value: NodeId, delimiter: Span, first: u32, count: u32 },
    /// `__print_symbolic`.
    Symbolic { value: NodeId, first: u32, count: u32 },
    /// `__print_hex` (with blanks) and `__print_hex_str` (without).
    Hex { data: NodeId, length: NodeId, blanks: bool },
    /// `__print_array`.
    Array { data: NodeId, count: NodeId, element: NodeId },
    /// A cast.
    Cast { cast: Cast, inner: NodeId },
    /// `data[index]`; the size that a pointer cast gives to the elements, or 0.
    Index { data: NodeId, index: NodeId, element: u8 },
    /// `condition ? yes : no`.
    Choice { condition: NodeId, yes: NodeId, no: NodeId },
    /// `!`.
    Not(NodeId),
    /// `~`.
    Complement(NodeId),
    /// Two sides.
    Binary { operator: Operator, left: NodeId, right: NodeId },
}

/// How many bytes of a number a conversion takes, by its length letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Width {
    /// `hh`.
    Char,
    /// `h`.
    Short,
    /// None.
    #[default]
    Int,
    /// `l`.
    Long,
    /// `ll`, `L`, and `p`.
    LongLong,
}

/// A printf conversion without its letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spec {
    pub left: bool,
    pub zero: bool,
    pub alternate: bool,
    pub width: usize,
    pub precision: Option<usize>,
    /// `*` as width or (`true`) as precision; the argument.
    pub star: Option<(bool, NodeId)>,
    pub size: Width,
}

/// What stands after `%pI` and `%pi`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ip {
    /// Four bytes; with leading zeros for `%pi4`.
    V4 { padded: bool },
    /// Sixteen bytes, short (`c`) or in full with or without colons.
    V6 { short: bool, colons: bool },
    /// A socket address of either kind, with its port (`p`).
    Socket { padded: bool, port: bool, short: bool },
}

/// What is printed next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text.
    Text(Span),
    /// `%d`, `%u`, `%x`, ...: the letter.
    Number { spec: Spec, letter: u8, argument: NodeId },
    /// `%c`.
    Character { argument: NodeId },
    /// `%s`.
    Str { spec: Spec, argument: NodeId },
    /// `%p` alone or with letters that mean nothing here, which are printed.
    Pointer { letter: Option<u8>, argument: NodeId },
    /// `%pS`, `%pF` (with the offset) and `%ps`, `%pf` (without).
    Symbol { letter: u8, argument: NodeId },
    /// `%pM` and (without colons) `%pm`.
    Mac { colons: bool, argument: NodeId },
    /// `%pI4`, `%pI6c`, `%pISpc`, ...
    Ip { ip: Ip, argument: NodeId },
    /// `%*pb` (hexadecimal) and `%*pbl` (a list); how many bits there are, if that is said.
    Mask { list: bool, bits: Option<NodeId>, argument: NodeId },
    /// `%pU`, `%pUb`, `%pUl`, `%pUB`, `%pUL`.
    Uuid { little: bool, upper: bool, argument: NodeId },
}

/// A compiled format.
#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    pub pieces: Vec<Piece>,
    pub nodes: Vec<Node>,
    pub rows: Vec<Row>,
    pub text: String,
}

impl Program {
    /// The text of a span.
    pub(super) fn str(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The bytes of a span's text.
    #[inline]
    pub(super) fn bytes(&self, span: Span) -> &[u8] {
        self.text.as_bytes().get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Puts a text into the pool.
    pub(super) fn intern(&mut self, text: &str) -> Span {
        let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.text.push_str(text);
        Span { start, end: u32::try_from(self.text.len()).unwrap_or(u32::MAX) }
    }

    /// The node with this number; what cannot be there is a zero.
    #[inline]
    pub(super) fn node(&self, id: NodeId) -> Node {
        self.nodes.get(id as usize).copied().unwrap_or(Node::Atom { value: 0, text: Span::default() })
    }

    /// Computes once what has the same value for all records, such as the mask in
    /// `REC->prev_state & ((((0x0 | 0x1 | 0x2) + 1) << 1) - 1)`. Only operands of operators: their text is never printed.
    pub(super) fn fold(&mut self) {
        for id in 0..self.nodes.len() {
            let operands = match self.nodes.get(id) {
                Some(Node::Binary { left, right, .. }) => [Some(*left), Some(*right)],
                Some(Node::Not(inner) | Node::Complement(inner)) => [Some(*inner), None],
                _ => continue,
            };
            for operand in operands.into_iter().flatten() {
                let (value, slot) = (self.constant(operand), self.nodes.get_mut(operand as usize));
                if let (Some(value), Some(slot)) = (value, slot)
                    && !matches!(slot, Node::Atom { .. })
                {
                    *slot = Node::Atom { value, text: Span::default() };
                }
            }
        }
    }

    /// The value of a node that no field has a part in. Operands stand before what is made of them, so that of a tree that
    /// was folded up to here one look is enough.
    fn constant(&self, id: NodeId) -> Option<u64> {
        let atom = |id: NodeId| match self.node(id) {
            Node::Atom { value, .. } => Some(value),
            _ => None,
        };
        match self.node(id) {
            Node::Atom { value, .. } => Some(value),
            Node::Not(inner) => atom(inner).map(|value| u64::from(value == 0)),
            Node::Complement(inner) => atom(inner).map(|value| !value),
            Node::Binary { operator, left, right } => Some(operate(operator, atom(left)?, atom(right)?)),
            _ => None,
        }
    }

    /// Whether no path from the node is longer than this.
    pub(super) fn is_shallow(&self, id: NodeId, depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let all = |ids: &[NodeId]| ids.iter().all(|id| self.is_shallow(*id, depth));
        match self.node(id) {
            Node::Flags { value, .. } | Node::Symbolic { value, .. } => all(&[value]),
            Node::Hex { data, length, .. } => all(&[data, length]),
            Node::Array { data, count, element } => all(&[data, count, element]),
            Node::Cast { inner, .. } | Node::Not(inner) | Node::Complement(inner) => all(&[inner]),
            Node::Index { data, index, .. } => all(&[data, index]),
            Node::Choice { condition, yes, no } => all(&[condition, yes, no]),
            Node::Binary { left, right, .. } => all(&[left, right]),
            Node::Atom { .. }
            | Node::Text(_)
            | Node::Field(_)
            | Node::Str(_)
            | Node::Dynamic(_)
            | Node::DynamicLength(_)
            | Node::Bitmask(_)
            | Node::Cpumask(_) => true,
        }
    }
}
