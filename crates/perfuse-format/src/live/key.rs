//! What is kept apart and added up: the layout of keys, and the numbers of one key.

use super::expr::{Expr, Values};
use super::scope::{Scope, Variable};
use super::{KEY_TEXT, bucket};

/// What is computed from the hits of an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Aggregation {
    /// The number that is added up; hits are counted in any case.
    pub value: Option<Expr>,
    /// By whose values the numbers are kept apart.
    pub by: Vec<Expr>,
    /// Whether values are sorted into buckets: bits by which each power of two is cut.
    pub parts: Option<u32>,
}

/// A value by which numbers are kept apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyPart {
    /// A number whose top bit is a sign.
    Number(i64),
    /// One without.
    Unsigned(u64),
    /// A text, cut to the room that it has in a key.
    Text(String),
}

impl std::fmt::Display for KeyPart {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(out),
            Self::Unsigned(number) => number.fmt(out),
            Self::Text(text) => out.write_str(text),
        }
    }
}

/// The numbers of one key and bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    /// Hits.
    pub count: u64,
    /// Sum of the values, wrapped to 64 bits.
    pub sum: i64,
    /// The least value.
    pub min: i64,
    /// The largest.
    pub max: i64,
}

/// One row of what was computed: bucket (0 without a histogram) and numbers of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The key.
    pub key: Vec<KeyPart>,
    /// The bucket.
    pub bucket: u32,
    /// Its numbers.
    pub cell: Cell,
}

impl Cell {
    /// Of one value.
    pub fn of(value: i64) -> Self {
        Self { count: 1, sum: value, min: value, max: value }
    }

    /// With the numbers of another; `signed` says how values are compared.
    pub fn add(&mut self, other: &Self, signed: bool) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.wrapping_add(other.sum);
        if signed {
            (self.min, self.max) = (self.min.min(other.min), self.max.max(other.max));
        } else {
            let unsigned = i64::cast_unsigned;
            self.min = unsigned(self.min).min(unsigned(other.min)).cast_signed();
            self.max = unsigned(self.max).max(unsigned(other.max)).cast_signed();
        }
    }

    /// From the values of all CPUs, one after the other: count, and sum, least, largest where there is a value.
    pub fn of_cpus(bytes: &[u8], has_value: bool, signed: bool) -> Self {
        let mut all = Self::default();
        let word = |bytes: &[u8], index: usize| {
            bytes.as_chunks::<8>().0.get(index).map_or(0, |word| u64::from_ne_bytes(*word))
        };
        for cpu in bytes.chunks_exact(if has_value { 32 } else { 8 }) {
            let [sum, min, max] = [1, 2, 3].map(|index| word(cpu, index).cast_signed());
            all.add(&Self { count: word(cpu, 0), sum, min, max }, signed);
        }
        all
    }
}

impl Aggregation {
    /// Bytes of each part of a key, in their order.
    pub fn key_sizes(&self, scope: &Scope) -> Vec<usize> {
        self.by.iter().map(|part| text_bytes(part, scope).unwrap_or(8)).collect()
    }

    /// Whether the value has a sign.
    pub fn is_signed(&self) -> bool {
        self.value.as_ref().is_none_or(Expr::is_signed)
    }

    /// The key in bytes of a map; `None` if they are too few.
    pub fn key(&self, scope: &Scope, bytes: &[u8]) -> Option<Vec<KeyPart>> {
        let mut at = 0;
        let mut key = Vec::with_capacity(self.by.len());
        for part in &self.by {
            let size = text_bytes(part, scope);
            let field = bytes.get(at..at + size.unwrap_or(8))?;
            at += field.len();
            key.push(match size {
                Some(_) => KeyPart::text(field),
                None => KeyPart::number(part, i64::from_ne_bytes(*field.first_chunk()?)),
            });
        }
        Some(key)
    }

    /// The row of one hit, where the kernel does not compute it.
    pub fn row(&self, values: &dyn Values) -> Row {
        let key = self.by.iter().map(|part| match part {
            Expr::Text { variable, .. } => KeyPart::text(values.text(*variable)),
            Expr::Number { .. } => KeyPart::number(part, part.number(values)),
        });
        let value = self.value.as_ref().map_or(0, |value| value.number(values));
        let index = self.parts.map_or(0, |parts| bucket(value, self.is_signed(), parts));
        Row { key: key.collect(), bucket: index, cell: Cell::of(value) }
    }
}

impl KeyPart {
    /// A text up to its end.
    fn text(bytes: &[u8]) -> Self {
        let bytes = bytes.get(..KEY_TEXT - 1).unwrap_or(bytes);
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        Self::Text(String::from_utf8_lossy(text).into_owned())
    }

    fn number(part: &Expr, value: i64) -> Self {
        if part.is_signed() { Self::Number(value) } else { Self::Unsigned(value.cast_unsigned()) }
    }
}

/// Bytes of a part that is a text.
fn text_bytes(part: &Expr, scope: &Scope) -> Option<usize> {
    let Expr::Text { variable, .. } = part else { return None };
    Some(scope.variables.get(*variable).map_or(KEY_TEXT, Variable::text_bytes))
}
