//! The type of an argument, as behind the colon of `size:u64` (kernel file Documentation/trace/kprobetrace.rst).

use super::error::{At, Problem};
use super::number::unsigned;
use std::fmt;

/// Most elements of an array that the kernel takes (`MAX_ARRAY_LEN` of `kernel/trace/trace_probe.h`).
pub const MAX_ARRAY: u32 = 64;

/// How a number is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sign {
    /// `u`: decimal without a sign.
    Unsigned,
    /// `s`: decimal with a sign.
    Signed,
    /// `x`: hexadecimal.
    Hex,
}

impl Sign {
    /// Its letter.
    pub fn letter(self) -> char {
        match self {
            Self::Unsigned => 'u',
            Self::Signed => 's',
            Self::Hex => 'x',
        }
    }

    fn of(letter: char) -> Option<Self> {
        [Self::Unsigned, Self::Signed, Self::Hex].into_iter().find(|sign| sign.letter() == letter)
    }
}

/// The type of an argument.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cast {
    /// `x`, `u` or `s` without a width: that of the variable's own type. perf's own; the kernel never sees it.
    Sign(Sign),
    /// `u8` to `x64`.
    Integer {
        /// How it is shown.
        sign: Sign,
        /// Bits: 8, 16, 32 or 64.
        bits: u8,
    },
    /// `char`: one byte shown as a character.
    Char,
    /// `string`: what the value points to, up to the zero byte.
    Text,
    /// `ustring`: the same, in user space.
    UserText,
    /// `symbol`: an address shown as symbol and offset.
    Symbol,
    /// `symstr`: the same as a string that filters can compare.
    SymbolText,
    /// `b3@5/32`: bits of an integer.
    BitField {
        /// Bits.
        width: u8,
        /// Bits from the low end.
        offset: u8,
        /// Bits of the integer around it: 8, 16, 32 or 64.
        container: u8,
    },
    /// `u32[4]`.
    Array(Box<Cast>, u32),
}

impl Cast {
    /// A number of this width; `bits` that the kernel does not know become 64.
    pub fn integer(sign: Sign, bits: u8) -> Self {
        Self::Integer { sign, bits: if [8, 16, 32].contains(&bits) { bits } else { 64 } }
    }

    /// Whether the argument is a string that stands where the value points to.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::UserText)
    }

    /// The type in `text`, the place of a mistake counted from its start.
    pub(super) fn parse(text: &str) -> Result<Self, At> {
        let Some(open) = text.find('[') else { return Self::single(text) };
        let element = Self::single(&text[..open])?;
        let inside = &text[open + 1..];
        let Some(close) = inside.find(']') else { return Err((text.len(), Problem::ArrayCount { max: MAX_ARRAY })) };
        if close + 1 != inside.len() {
            return Err((open + 2 + close, Problem::Trailing));
        }
        let count = inside[..close].parse().ok().filter(|count| (1..=MAX_ARRAY).contains(count));
        match (count, &element) {
            (Some(count), Self::Integer { .. } | Self::Char | Self::Text | Self::UserText | Self::Symbol) => {
                Ok(Self::Array(Box::new(element), count))
            }
            (Some(_), _) => Err((open, Problem::Trailing)),
            (None, _) => Err((open + 1, Problem::ArrayCount { max: MAX_ARRAY })),
        }
    }

    fn single(text: &str) -> Result<Self, At> {
        match text {
            "char" => return Ok(Self::Char),
            "string" => return Ok(Self::Text),
            "ustring" => return Ok(Self::UserText),
            "symbol" => return Ok(Self::Symbol),
            "symstr" => return Ok(Self::SymbolText),
            _ => {}
        }
        let unknown = || (0, Problem::UnknownType { name: text.to_owned() });
        let letter = text.chars().next().ok_or_else(unknown)?;
        let rest = &text[letter.len_utf8()..];
        if let Some(sign) = Sign::of(letter) {
            return match rest {
                "" => Ok(Self::Sign(sign)),
                "8" | "16" | "32" | "64" => Ok(Self::Integer { sign, bits: rest.parse().map_err(|_| unknown())? }),
                _ => Err(unknown()),
            };
        }
        if letter == 'b' && rest.starts_with(|first: char| first.is_ascii_digit()) {
            return Self::bit_field(rest).ok_or((0, Problem::BitField));
        }
        Err(unknown())
    }

    /// `3@5/32`.
    fn bit_field(text: &str) -> Option<Self> {
        let (width, rest) = text.split_once('@')?;
        let (offset, container) = rest.split_once('/')?;
        let small = |text: &str| unsigned(text).and_then(|value| u8::try_from(value).ok());
        let (width, offset, container) = (small(width)?, small(offset)?, small(container)?);
        let fits = width > 0 && width.checked_add(offset)? <= container && [8, 16, 32, 64].contains(&container);
        fits.then_some(Self::BitField { width, offset, container })
    }
}

impl fmt::Display for Cast {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sign(sign) => write!(out, "{}", sign.letter()),
            Self::Integer { sign, bits } => write!(out, "{}{bits}", sign.letter()),
            Self::Char => out.write_str("char"),
            Self::Text => out.write_str("string"),
            Self::UserText => out.write_str("ustring"),
            Self::Symbol => out.write_str("symbol"),
            Self::SymbolText => out.write_str("symstr"),
            Self::BitField { width, offset, container } => write!(out, "b{width}@{offset}/{container}"),
            Self::Array(of, count) => write!(out, "{of}[{count}]"),
        }
    }
}
