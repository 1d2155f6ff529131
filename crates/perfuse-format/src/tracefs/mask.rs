//! Masks of bits, such as of CPUs: arrays of `long`, the lowest bit first.

use std::io::Write as _;

use super::Layout;
use crate::perfdata::attr::Endian;

/// Hexadecimal digits, most significant first, with a comma after each 32 bits.
pub(super) fn hex(out: &mut Vec<u8>, layout: Layout, bytes: &[u8]) {
    for place in (0..bytes.len()).rev() {
        let byte = match layout.endian {
            Endian::Little => bytes[place],
            Endian::Big => bytes[bytes.len() - 1 - place],
        };
        // Writing to a vector does not fail.
        let _ = write!(out, "{byte:02x}");
        if place > 0 && place % 4 == 0 {
            out.push(b',');
        }
    }
}

/// A list such as `0-3,5` of the first `bits` bits.
pub(super) fn list(out: &mut Vec<u8>, layout: Layout, bytes: &[u8], bits: usize) {
    let word = usize::from(layout.long_size.max(1));
    let bits = bits.min(bytes.len().saturating_mul(8));
    let set = |bit: usize| {
        // The bytes of a big-endian long stand the other way round.
        let byte = match layout.endian {
            Endian::Little => bit / 8,
            Endian::Big => bit / 8 / word * word + (word - 1 - bit / 8 % word),
        };
        bit < bits && bytes.get(byte).is_some_and(|byte| byte >> (bit % 8) & 1 != 0)
    };
    let (mut bit, mut comma) = (0, "");
    while bit < bits {
        if !set(bit) {
            bit += 1;
            continue;
        }
        let start = bit;
        while set(bit + 1) {
            bit += 1;
        }
        let _ = if start == bit { write!(out, "{comma}{bit}") } else { write!(out, "{comma}{start}-{bit}") };
        comma = ",";
        bit += 2;
    }
}
