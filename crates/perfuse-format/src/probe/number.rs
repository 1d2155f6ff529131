//! Numbers as C's `strtoul` with base 0 reads them: decimal, `0x` hexadecimal, `0` octal.

/// The number that is the whole of `text`; `None` for anything else and above 64 bits.
pub(super) fn unsigned(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    // from_str_radix would take a sign.
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// The same with an optional sign.
pub(super) fn signed(text: &str) -> Option<i64> {
    if let Some(rest) = text.strip_prefix('-') {
        return 0_i64.checked_sub_unsigned(unsigned(rest)?);
    }
    i64::try_from(unsigned(text.strip_prefix('+').unwrap_or(text))?).ok()
}

/// Bytes at the start of `text` that belong to a number, without a sign.
pub(super) fn length(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_alphanumeric).count()
}
