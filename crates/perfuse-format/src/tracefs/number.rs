//! Arithmetic of a `print fmt`, and numbers as printf prints them.

use super::tree::{Cast, Operator, Spec, Width};

/// Widest field; a format that asks for more gets this.
const WIDEST: usize = 4096;

/// What a cast leaves of a value.
pub(super) fn cast(cast: Cast, value: u64) -> u64 {
    match cast {
        Cast::Keep | Cast::Elements(_) => value,
        Cast::Mask(mask) => value & mask,
    }
}

/// Two sides; unsigned. Dividing by nothing gives 0 here, where C has no answer, and shifts take the lower six bits.
pub(super) fn operate(operator: Operator, left: u64, right: u64) -> u64 {
    let shift = u32::try_from(right & 63).unwrap_or_default();
    match operator {
        Operator::Or => u64::from(left != 0 || right != 0),
        Operator::And => u64::from(left != 0 && right != 0),
        Operator::BitOr => left | right,
        Operator::BitXor => left ^ right,
        Operator::BitAnd => left & right,
        Operator::Equal => u64::from(left == right),
        Operator::NotEqual => u64::from(left != right),
        Operator::Less => u64::from(left < right),
        Operator::LessEqual => u64::from(left <= right),
        Operator::Greater => u64::from(left > right),
        Operator::GreaterEqual => u64::from(left >= right),
        Operator::ShiftLeft => left.wrapping_shl(shift),
        Operator::ShiftRight => left.wrapping_shr(shift),
        Operator::Add => left.wrapping_add(right),
        Operator::Subtract => left.wrapping_sub(right),
        Operator::Multiply => left.wrapping_mul(right),
        Operator::Divide => left.checked_div(right).unwrap_or(0),
        Operator::Remainder => left.checked_rem(right).unwrap_or(0),
    }
}

/// How many bits of a value count.
pub(super) fn bits(width: Width) -> u32 {
    match width {
        Width::Char => 8,
        Width::Short => 16,
        Width::Int => 32,
        Width::Long | Width::LongLong => 64,
    }
}

/// A value as `printf` prints it with the letter d, i, u, x, X or o.
pub(super) fn print(out: &mut Vec<u8>, spec: &Spec, letter: u8, value: u64) {
    let unused = 64 - bits(spec.size);
    let (negative, magnitude) = if matches!(letter, b'd' | b'i') {
        let signed = (value << unused).cast_signed() >> unused;
        (signed < 0, signed.unsigned_abs())
    } else {
        (false, value << unused >> unused)
    };
    let radix = match letter {
        b'x' | b'X' => 16,
        b'o' => 8,
        _ => 10,
    };
    let prefix: &[u8] = match letter {
        _ if negative => b"-",
        b'x' if spec.alternate && magnitude != 0 => b"0x",
        b'X' if spec.alternate && magnitude != 0 => b"0X",
        b'o' if spec.alternate && magnitude != 0 => b"0",
        _ => b"",
    };
    let mut buffer = [0; 24];
    let digits = digits(&mut buffer, magnitude, radix, letter == b'X');
    padded(out, spec, prefix, digits);
}

/// A pointer: `0x...`, or `(nil)` as glibc prints it. libtraceevent takes no width for it.
pub(super) fn print_pointer(out: &mut Vec<u8>, value: u64) {
    if value == 0 {
        return out.extend_from_slice(b"(nil)");
    }
    let mut buffer = [0; 24];
    let digits = digits(&mut buffer, value, 16, false);
    out.extend_from_slice(b"0x");
    out.extend_from_slice(digits);
}

/// A text with width and precision.
pub(super) fn print_text(out: &mut Vec<u8>, spec: &Spec, text: &[u8]) {
    let text = text.get(..spec.precision.unwrap_or(usize::MAX).min(text.len())).unwrap_or_default();
    let fill = spec.width.min(WIDEST).saturating_sub(text.len());
    if !spec.left {
        out.extend(std::iter::repeat_n(b' ', fill));
    }
    out.extend_from_slice(text);
    if spec.left {
        out.extend(std::iter::repeat_n(b' ', fill));
    }
}

/// Digits of a number, most significant first. Each radix has its own way: dividing by a number that is only known while
/// running is many times slower.
fn digits(buffer: &mut [u8; 24], value: u64, radix: u64, upper: bool) -> &[u8] {
    let at = match radix {
        16 => by_shifts(buffer, value, 4, upper),
        8 => by_shifts(buffer, value, 3, upper),
        _ => decimal(buffer, value),
    };
    &buffer[at..]
}

/// Decimal digits at the end of the buffer, two at a time; where they begin.
#[inline]
fn decimal(buffer: &mut [u8; 24], value: u64) -> usize {
    let (mut at, mut rest) = (buffer.len(), value);
    while rest >= 100 {
        at -= 2;
        buffer[at..at + 2].copy_from_slice(&PAIRS[usize::try_from(rest % 100).unwrap_or_default()]);
        rest /= 100;
    }
    if rest >= 10 {
        at -= 2;
        buffer[at..at + 2].copy_from_slice(&PAIRS[usize::try_from(rest).unwrap_or_default()]);
    } else {
        at -= 1;
        buffer[at] = b'0' + u8::try_from(rest).unwrap_or_default();
    }
    at
}

/// `00` to `99`.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let (mut at, mut tens, mut ones) = (0, b'0', b'0');
    while at < 100 {
        pairs[at] = [tens, ones];
        at += 1;
        if ones == b'9' {
            tens += 1;
            ones = b'0';
        } else {
            ones += 1;
        }
    }
    pairs
};

/// Digits of `bits` bits each, at the end of the buffer; where they begin.
#[inline]
fn by_shifts(buffer: &mut [u8; 24], value: u64, bits: u32, upper: bool) -> usize {
    let table: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let (mut at, mut rest) = (buffer.len(), value);
    loop {
        at -= 1;
        buffer[at] = table[usize::try_from(rest & ((1 << bits) - 1)).unwrap_or_default()];
        rest >>= bits;
        if rest == 0 {
            return at;
        }
    }
}

/// A number without width, precision or flags: `%d`, `%u` or `%x` of so many bits.
///
/// Its digits are written where they are to stand. Through a buffer they would be read back before the processor has
/// written them, and it would wait.
#[inline]
pub(super) fn print_plain(out: &mut Vec<u8>, bits: u32, plain: Plain, value: u64) {
    let unused = 64_u32.saturating_sub(bits).min(63);
    let unsigned = value << unused >> unused;
    match plain {
        Plain::Signed => {
            let signed = (value << unused).cast_signed() >> unused;
            if signed < 0 {
                out.push(b'-');
            }
            append_decimal(out, signed.unsigned_abs());
        }
        Plain::Unsigned => append_decimal(out, unsigned),
        Plain::Hex => append_hex(out, unsigned),
    }
}

#[inline]
fn append_decimal(out: &mut Vec<u8>, value: u64) {
    let length = value.checked_ilog10().map_or(1, |log| log as usize + 1);
    let start = out.len();
    out.extend_from_slice(&[b'0'; 20]);
    out.truncate(start + length);
    let digits = &mut out[start..];
    let (mut at, mut rest) = (digits.len(), value);
    while rest >= 100 && at >= 2 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[usize::try_from(rest % 100).unwrap_or_default()]);
        rest /= 100;
    }
    while rest > 0 && at > 0 {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
}

#[inline]
fn append_hex(out: &mut Vec<u8>, value: u64) {
    let length = usize::try_from((64 - value.leading_zeros()).div_ceil(4)).unwrap_or(16).max(1);
    let start = out.len();
    out.extend_from_slice(&[b'0'; 16]);
    out.truncate(start + length);
    let mut rest = value;
    for digit in out[start..].iter_mut().rev() {
        *digit = b"0123456789abcdef"[usize::try_from(rest & 15).unwrap_or_default()];
        rest >>= 4;
    }
}

/// What [`print_plain`] knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    /// `d` and `i`.
    Signed,
    /// `u`.
    Unsigned,
    /// `x`.
    Hex,
}

/// Sign or prefix and digits, with the zeros of the precision or of the width.
fn padded(out: &mut Vec<u8>, spec: &Spec, prefix: &[u8], digits: &[u8]) {
    let least = spec.precision.unwrap_or(1).min(WIDEST);
    // A precision of 0 prints nothing for the value 0.
    let digits = if spec.precision == Some(0) && digits == b"0" { &[] } else { digits };
    let mut zeros = least.saturating_sub(digits.len());
    let mut fill = spec.width.min(WIDEST).saturating_sub(prefix.len() + digits.len() + zeros);
    if spec.zero && !spec.left && spec.precision.is_none() {
        zeros += fill;
        fill = 0;
    }
    if !spec.left {
        out.extend(std::iter::repeat_n(b' ', fill));
    }
    out.extend_from_slice(prefix);
    out.extend(std::iter::repeat_n(b'0', zeros));
    out.extend_from_slice(digits);
    if spec.left {
        out.extend(std::iter::repeat_n(b' ', fill));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_by_printf() {
        let plain = Spec::default();
        for (spec, letter, value, expected) in [
            (plain, b'd', u64::MAX, "-1"),
            (plain, b'd', 1 << 32, "0"),
            (Spec { size: Width::LongLong, ..plain }, b'd', u64::MAX, "-1"),
            (Spec { size: Width::Long, ..plain }, b'd', 0xffff_ffff, "4294967295"),
            (Spec { size: Width::Char, ..plain }, b'u', 0x1ff, "255"),
            (Spec { width: 8, zero: true, size: Width::Long, ..plain }, b'x', 0xabc, "00000abc"),
            (Spec { width: 10, zero: true, alternate: true, ..plain }, b'x', 0xabc, "0x00000abc"),
            (Spec { alternate: true, ..plain }, b'x', 0, "0"),
            (Spec { width: 4, left: true, ..plain }, b'd', 7, "7   "),
            (Spec { width: 4, ..plain }, b'd', 7, "   7"),
            (Spec { precision: Some(3), width: 5, zero: true, ..plain }, b'd', 7, "  007"),
            (Spec { precision: Some(0), ..plain }, b'd', 0, ""),
            (plain, b'o', 8, "10"),
            (plain, b'X', 0xab, "AB"),
        ] {
            let mut out = Vec::new();
            print(&mut out, &spec, letter, value);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    #[test]
    fn plain_numbers_are_the_same_as_others() {
        for value in [0, 9, 10, 99, 100, 12345, u64::from(u32::MAX), 1 << 63, u64::MAX, u64::MAX - 1000] {
            for size in [Width::Char, Width::Short, Width::Int, Width::Long] {
                for (letter, kind) in [(b'd', Plain::Signed), (b'u', Plain::Unsigned), (b'x', Plain::Hex)] {
                    let (mut one, mut other) = (Vec::new(), Vec::new());
                    print(&mut one, &Spec { size, ..plain() }, letter, value);
                    print_plain(&mut other, bits(size), kind, value);
                    assert_eq!(String::from_utf8_lossy(&one), String::from_utf8_lossy(&other));
                }
            }
        }
        let mut out = Vec::new();
        print(&mut out, &plain(), b'd', (-40_i64).cast_unsigned());
        assert_eq!(out, b"-40");
    }

    fn plain() -> Spec {
        Spec::default()
    }

    #[test]
    fn arithmetic_has_an_answer_for_everything() {
        assert_eq!(operate(Operator::Divide, 1, 0), 0);
        assert_eq!(operate(Operator::Remainder, 1, 0), 0);
        assert_eq!(operate(Operator::ShiftLeft, 1, 64), 1);
        assert_eq!(operate(Operator::Subtract, 0, 1), u64::MAX);
    }
}
