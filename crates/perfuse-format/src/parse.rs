//! What every parser shares: the error that names the place, and cursors over lines and fields.

use crate::reading::{Missing, Reading, Why};

/// A file whose bytes are not what its format says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected}, found {found:?}")]
pub struct ParseError {
    /// 1 for the first line; for binary formats the byte offset plus one.
    pub line: usize,
    /// What the format asks for here.
    pub expected: &'static str,
    /// What stands there, cut to 60 characters.
    pub found: String,
}

impl ParseError {
    /// An error at `line` (from 1).
    pub fn new(line: usize, expected: &'static str, found: &[u8]) -> Self {
        let found = String::from_utf8_lossy(&found[..found.len().min(60)]).into_owned();
        Self { line, expected, found }
    }
}

/// A value that is parsed from the bytes of one kernel file.
pub trait FromBytes: Sized {
    /// Parses the whole file. An empty file is an error unless the format allows it.
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError>;
}

/// Parses `bytes` and turns an error into a [`Missing`] that names `source`.
pub fn read<T: FromBytes>(bytes: &[u8], source: &str) -> Reading<T> {
    match T::from_bytes(bytes) {
        Ok(value) => Reading::Value(value),
        Err(error) => Reading::Missing(Missing::new(Why::Malformed, source.to_owned()).with_detail(error.to_string())),
    }
}

/// The lines of `bytes` with their numbers from 1, without the newline; empty lines included.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    bytes
        .split(|&byte| byte == b'\n')
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(move |(number, line)| !(line.is_empty() && *number > 1 && is_last(bytes, line)))
}

/// Whether the empty `line` is the one that `split` makes after a final newline.
fn is_last(bytes: &[u8], line: &[u8]) -> bool {
    std::ptr::eq(line.as_ptr(), bytes.as_ptr_range().end)
}

/// The fields of a line, separated by blanks or tabs.
pub fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty())
}

/// An unsigned decimal number, whole field; `None` if it is anything else or overflows.
pub fn unsigned(field: &[u8]) -> Option<u64> {
    if field.is_empty() || field.len() > 20 {
        return None;
    }
    field.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { sum.checked_mul(10)?.checked_add(u64::from(digit)) }
    })
}

/// A signed decimal number, whole field.
pub fn signed(field: &[u8]) -> Option<i64> {
    str::from_utf8(field).ok()?.parse().ok()
}

/// A hexadecimal number with or without `0x`, whole field.
pub fn hex(field: &[u8]) -> Option<u64> {
    let digits = field.strip_prefix(b"0x").unwrap_or(field);
    u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

/// A finite decimal fraction, whole field.
pub fn fraction(field: &[u8]) -> Option<f64> {
    let number: f64 = str::from_utf8(field).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}

/// Text that need not be UTF-8; what is not becomes U+FFFD.
pub fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}

/// The bytes without white space at either end.
pub fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

/// A file that holds one unsigned number, such as `/proc/sys/kernel/pid_max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number(pub u64);

impl FromBytes for Number {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        unsigned(trim(bytes)).map(Number).ok_or_else(|| ParseError::new(1, "one unsigned number", bytes))
    }
}

/// A file that holds one unsigned number or the word `max` (cgroup v2 limits).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `max`, or a v1 limit at or above 2^62 (the kernel's "unlimited" rounded to pages).
    Max,
    /// The limit in the file's own unit.
    At(u64),
}

impl FromBytes for Limit {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        match trim(bytes) {
            b"max" | b"-1" => Ok(Self::Max),
            number => match unsigned(number) {
                Some(limit) if limit >= 1 << 62 => Ok(Self::Max),
                Some(limit) => Ok(Self::At(limit)),
                None => Err(ParseError::new(1, "an unsigned number or `max`", bytes)),
            },
        }
    }
}

impl Limit {
    /// The limit, if there is one.
    pub fn at(self) -> Option<u64> {
        match self {
            Self::Max => None,
            Self::At(limit) => Some(limit),
        }
    }
}

/// A file of text, trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub String);

impl FromBytes for Text {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        Ok(Self(text(trim(bytes))))
    }
}

/// `key value` lines with unsigned values, in the file's order: vmstat, cgroup `*.stat` and `*.events`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyValues(pub Vec<(String, u64)>);

impl KeyValues {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<u64> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// The value of `key`, or a missing value that names `source` and the key.
    pub fn reading(&self, key: &str, source: &str) -> Reading<u64> {
        match self.get(key) {
            Some(value) => Reading::Value(value),
            None => Reading::Missing(Missing::new(Why::Absent, format!("{source}: {key}"))),
        }
    }
}

impl FromBytes for KeyValues {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut pairs = Vec::new();
        for (number, line) in lines(bytes) {
            let mut parts = fields(line);
            let (Some(key), Some(value)) = (parts.next(), parts.next()) else {
                if line.is_empty() {
                    continue;
                }
                return Err(ParseError::new(number, "a key and a number", line));
            };
            // nr_foo of vmstat can be negative for a moment on big hosts (per-CPU drift): the kernel prints
            // it as unsigned; a minus sign stands only in cgroup files, and then the line is not a counter.
            let Some(value) = unsigned(value) else {
                if signed(value).is_some() || value == b"max" {
                    continue;
                }
                return Err(ParseError::new(number, "an unsigned number", line));
            };
            pairs.push((text(key), value));
        }
        Ok(Self(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_must_fill_the_field() {
        assert_eq!(unsigned(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(unsigned(b"18446744073709551616"), None);
        assert_eq!(unsigned(b"12x"), None);
        assert_eq!(unsigned(b""), None);
        assert_eq!(hex(b"0x1f"), Some(31));
        assert_eq!(fraction(b"nan"), None);
    }

    #[test]
    fn lines_keep_their_numbers_and_drop_only_the_end() {
        let all: Vec<_> = lines(b"a\n\nb\n").collect();
        assert_eq!(all, [(1, &b"a"[..]), (2, &b""[..]), (3, &b"b"[..])]);
    }

    #[test]
    fn unlimited_is_max_in_both_cgroup_versions() {
        assert_eq!(Limit::from_bytes(b"max\n"), Ok(Limit::Max));
        assert_eq!(Limit::from_bytes(b"9223372036854771712\n"), Ok(Limit::Max));
        assert_eq!(Limit::from_bytes(b"4096\n"), Ok(Limit::At(4096)));
        assert!(Limit::from_bytes(b"").is_err());
    }

    #[test]
    fn key_values_name_the_bad_line() {
        let parsed = KeyValues::from_bytes(b"a 1\nb 2\n").unwrap();
        assert_eq!(parsed.get("b"), Some(2));
        let error = KeyValues::from_bytes(b"a 1\nb\n").unwrap_err();
        assert_eq!(error.line, 2);
    }
}
