//! Tracepoints as tracefs describes them: the fields of their records, and the format in which they are printed.
//!
//! [`EventFormat`] parses a `format` file; [`Printer`] compiles its `print fmt` once and then prints records as
//! libtraceevent does in `perf script`, without allocating anything but the output's buffer.

mod address;
mod compile;
mod field;
mod format;
mod lex;
mod mask;
mod number;
mod parse;
mod print;
mod raw;
mod steps;
mod tree;

#[cfg(test)]
mod tests;

pub use field::{Field, Shape};
pub use format::{EventFormat, FormatError};
pub use print::{NoNames, Printer, Resolve};

use crate::perfdata::attr::Endian;

/// How the recorded kernel laid out numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Byte order.
    pub endian: Endian,
    /// Bytes of a `long` and of a pointer: 4 or 8.
    pub long_size: u8,
}

impl Default for Layout {
    /// As on x86-64 and aarch64.
    fn default() -> Self {
        Self { endian: Endian::Little, long_size: 8 }
    }
}

impl Layout {
    /// The unsigned number of 1, 2, 4 or 8 bytes at an offset; 0 for another size or beyond the record's end, which is
    /// what libtraceevent makes of a size that it does not know.
    #[inline]
    pub fn number(self, record: &[u8], offset: usize, size: usize) -> u64 {
        // The two sizes that nearly all numbers have.
        if self.endian == Endian::Little {
            let rest = record.get(offset..).unwrap_or_default();
            match (size, rest.first_chunk::<4>(), rest.first_chunk::<8>()) {
                (8, _, Some(bytes)) => return u64::from_le_bytes(*bytes),
                (4, Some(bytes), _) => return u32::from_le_bytes(*bytes).into(),
                _ => {}
            }
        }
        self.any_number(record, offset, size)
    }

    fn any_number(self, record: &[u8], offset: usize, size: usize) -> u64 {
        let bytes = offset.checked_add(size).and_then(|end| record.get(offset..end)).unwrap_or_default();
        let mut wide = [0; 8];
        if !matches!(bytes.len(), 1 | 2 | 4 | 8) {
            return 0;
        }
        match self.endian {
            Endian::Little => {
                wide[..bytes.len()].copy_from_slice(bytes);
                u64::from_le_bytes(wide)
            }
            Endian::Big => {
                wide[8 - bytes.len()..].copy_from_slice(bytes);
                u64::from_be_bytes(wide)
            }
        }
    }
}
