//! Numbers as `printf` writes them, appended without allocating: a recording has millions of them.

/// Digits of the longest number of 64 bits.
const MOST: usize = 20;

const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// Appends `value` with `length` digits, which are at least as many as it has: with zeros in front.
///
/// The digits are written where they are to stand. Through a buffer they would be read back before the processor has written
/// them, and it would wait.
#[inline]
fn put_digits(out: &mut Vec<u8>, value: u64, length: usize) {
    let start = out.len();
    if length <= MOST {
        // A copy of fixed length is a few instructions, one of a length that is not known a call.
        out.extend_from_slice(&[b'0'; MOST]);
        out.truncate(start + length);
    } else {
        out.resize(start + length, b'0');
    }
    let digits = &mut out[start..];
    let (mut at, mut rest) = (length, value);
    while rest >= 100 && at >= 2 {
        let pair = usize::try_from(rest % 100).unwrap_or_default() * 2;
        rest /= 100;
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    while rest > 0 && at > 0 {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
}

/// How many digits a number has.
#[inline]
fn length_of(value: u64) -> usize {
    value.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// `count` times the byte `fill`.
#[inline]
pub fn fill(out: &mut Vec<u8>, fill: u8, count: usize) {
    if count == 0 {
        return;
    }
    if count > 24 {
        out.resize(out.len() + count, fill);
        return;
    }
    let end = out.len() + count;
    out.extend_from_slice(&[fill; 24]);
    out.truncate(end);
}

/// `%*u`: right-aligned in `width` columns.
#[inline]
pub fn decimal(out: &mut Vec<u8>, value: u64, width: usize) {
    let length = length_of(value);
    fill(out, b' ', width.saturating_sub(length));
    put_digits(out, value, length);
}

/// `%0*u`.
#[inline]
pub fn zero_padded(out: &mut Vec<u8>, value: u64, width: usize) {
    put_digits(out, value, length_of(value).max(width));
}

/// `%*d`, or `%-*d` with `left`.
#[inline]
pub fn signed(out: &mut Vec<u8>, value: i64, width: usize, left: bool) {
    let digits = length_of(value.unsigned_abs());
    let length = digits + usize::from(value < 0);
    if !left {
        fill(out, b' ', width.saturating_sub(length));
    }
    if value < 0 {
        out.push(b'-');
    }
    put_digits(out, value.unsigned_abs(), digits);
    if left {
        fill(out, b' ', width.saturating_sub(length));
    }
}

/// `%*x`.
pub fn hex(out: &mut Vec<u8>, value: u64, width: usize) {
    padded_hex(out, value, width, b' ');
}

/// `%0*x`.
pub fn zero_hex(out: &mut Vec<u8>, value: u64, width: usize) {
    padded_hex(out, value, width, b'0');
}

/// `%#x`: zero has no prefix.
pub fn prefixed_hex(out: &mut Vec<u8>, value: u64) {
    if value != 0 {
        out.extend_from_slice(b"0x");
    }
    hex(out, value, 0);
}

#[inline]
fn padded_hex(out: &mut Vec<u8>, value: u64, width: usize, pad: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let length = usize::try_from((64 - value.leading_zeros()).div_ceil(4)).unwrap_or(16).max(1);
    fill(out, pad, width.saturating_sub(length));
    let start = out.len();
    out.extend_from_slice(&[0; 16]);
    out.truncate(start + length);
    let mut rest = value;
    for digit in out[start..].iter_mut().rev() {
        *digit = HEX[usize::try_from(rest & 15).unwrap_or_default()];
        rest >>= 4;
    }
}

/// `%*s` with a positive width, `%-*s` with `left`; counts bytes as C does.
#[inline]
pub fn text(out: &mut Vec<u8>, text: &[u8], width: usize, left: bool) {
    let missing = width.saturating_sub(text.len());
    if !left {
        fill(out, b' ', missing);
    }
    out.extend_from_slice(text);
    if left {
        fill(out, b' ', missing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_those_of_printf() {
        for value in [0, 7, 10, 99, 100, 101, 12345, 999_999, u64::MAX] {
            assert_eq!(of(|out| decimal(out, value, 10)), format!("{value:>10}"));
            assert_eq!(of(|out| zero_padded(out, value, 6)), format!("{value:06}"));
            assert_eq!(of(|out| hex(out, value, 16)), format!("{value:>16x}"));
            assert_eq!(of(|out| zero_hex(out, value, 16)), format!("{value:016x}"));
        }
        for value in [0, -1, 42, i64::MIN, i64::MAX] {
            assert_eq!(of(|out| signed(out, value, 7, false)), format!("{value:>7}"));
            assert_eq!(of(|out| signed(out, value, 7, true)), format!("{value:<7}"));
        }
        assert_eq!(of(|out| prefixed_hex(out, 0)), "0");
        assert_eq!(of(|out| prefixed_hex(out, 26)), "0x1a");
        assert_eq!(of(|out| text(out, b"ab", 4, false)), "  ab");
        assert_eq!(of(|out| text(out, b"ab", 4, true)), "ab  ");
        assert_eq!(of(|out| text(out, b"abcdef", 4, true)), "abcdef");
    }
}
