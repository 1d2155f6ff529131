//! Appending numbers in a byte order, and records with their header.

use crate::perfdata::attr::Endian;
use crate::perfdata::write::TooLong;

/// A vector that numbers are appended to.
pub(crate) struct Put<'v> {
    pub out: &'v mut Vec<u8>,
    pub endian: Endian,
}

impl<'v> Put<'v> {
    pub(crate) fn new(out: &'v mut Vec<u8>, endian: Endian) -> Self {
        Self { out, endian }
    }

    pub(crate) fn u8(&mut self, number: u8) {
        self.out.push(number);
    }

    pub(crate) fn u16(&mut self, number: u16) {
        let bytes = match self.endian {
            Endian::Little => number.to_le_bytes(),
            Endian::Big => number.to_be_bytes(),
        };
        self.out.extend_from_slice(&bytes);
    }

    pub(crate) fn u32(&mut self, number: u32) {
        let bytes = match self.endian {
            Endian::Little => number.to_le_bytes(),
            Endian::Big => number.to_be_bytes(),
        };
        self.out.extend_from_slice(&bytes);
    }

    pub(crate) fn i32(&mut self, number: i32) {
        self.u32(number.cast_unsigned());
    }

    pub(crate) fn u64(&mut self, number: u64) {
        let bytes = match self.endian {
            Endian::Little => number.to_le_bytes(),
            Endian::Big => number.to_be_bytes(),
        };
        self.out.extend_from_slice(&bytes);
    }

    pub(crate) fn u32s(&mut self, numbers: impl IntoIterator<Item = u32>) {
        for number in numbers {
            self.u32(number);
        }
    }

    pub(crate) fn i32s(&mut self, numbers: impl IntoIterator<Item = i32>) {
        for number in numbers {
            self.i32(number);
        }
    }

    pub(crate) fn u64s(&mut self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.u64(number);
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn zeros(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, 0);
    }

    /// A count of 32 bits; more than that cannot be.
    pub(crate) fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// A string of the headers: its length, and it with a NUL, in a multiple of 64 bytes.
    pub(crate) fn string(&mut self, text: &str) {
        let length = (text.len() + 1).next_multiple_of(64);
        self.count(length);
        self.bytes(text.as_bytes());
        self.zeros(length - text.len());
    }

    /// A name with a NUL, up to a multiple of eight bytes of what was appended since `start`.
    pub(crate) fn name(&mut self, name: &[u8], start: usize) {
        self.bytes(name);
        self.u8(0);
        self.align(start);
    }

    /// Zeros up to a multiple of eight bytes since `start`.
    pub(crate) fn align(&mut self, start: usize) {
        let length = self.out.len() - start;
        self.zeros(length.next_multiple_of(8) - length);
    }

    /// A record: its header, and what `body` appends. Nothing is appended if it becomes longer than a record can be.
    pub(crate) fn record(&mut self, kind: u32, misc: u16, body: impl FnOnce(&mut Self)) -> Result<(), TooLong> {
        let start = self.out.len();
        self.u32(kind);
        self.u16(misc);
        self.u16(0);
        body(self);
        let length = self.out.len() - start;
        let Ok(size) = u16::try_from(length) else {
            self.out.truncate(start);
            return Err(TooLong { kind, length });
        };
        let bytes = match self.endian {
            Endian::Little => size.to_le_bytes(),
            Endian::Big => size.to_be_bytes(),
        };
        if let Some(place) = self.out.get_mut(start + 6..start + 8) {
            place.copy_from_slice(&bytes);
        }
        Ok(())
    }
}
