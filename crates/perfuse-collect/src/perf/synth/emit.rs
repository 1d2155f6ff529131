//! Writes records as the kernel would, into a buffer that is kept.

/// Grows record after record; the owner takes the bytes when there are enough.
#[derive(Debug, Default)]
pub struct Emitter {
    /// Complete records, but for the one that is being written.
    pub bytes: Vec<u8>,
    /// Where the record that is being written begins.
    start: usize,
    /// Bytes of the trailer that `sample_id_all` puts behind each record; ours are zero, which stands for "no time".
    trailer: usize,
}

impl Emitter {
    /// One for files whose records have a trailer of `trailer` bytes.
    pub fn new(trailer: usize) -> Self {
        Self { trailer, ..Self::default() }
    }

    /// Begins a record.
    pub fn begin(&mut self, kind: u32, misc: u16) {
        self.start = self.bytes.len();
        self.u32(kind);
        self.bytes.extend_from_slice(&misc.to_ne_bytes());
        self.bytes.extend_from_slice(&[0; 2]);
    }

    /// A field of two bytes.
    pub fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_ne_bytes());
    }

    /// A field of four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_ne_bytes());
    }

    /// The same, signed.
    pub fn i32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_ne_bytes());
    }

    /// A field of eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_ne_bytes());
    }

    /// A text with its NUL, filled up with zeros to a multiple of eight bytes.
    pub fn text(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        let filled = (text.len() + 1).next_multiple_of(8);
        self.bytes.resize(self.bytes.len() + filled - text.len(), 0);
    }

    /// Ends a record with the trailer. One that its size field cannot state (a path of 64 KiB) is dropped.
    pub fn end(&mut self) {
        self.bytes.resize(self.bytes.len() + self.trailer, 0);
        self.end_bare();
    }

    /// Ends a record of perf's own, which has no trailer.
    pub fn end_bare(&mut self) {
        match u16::try_from(self.bytes.len() - self.start) {
            Ok(size) => self.bytes[self.start + 6..self.start + 8].copy_from_slice(&size.to_ne_bytes()),
            Err(_) => self.bytes.truncate(self.start),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_padding_are_those_of_the_kernel() {
        let mut emitter = Emitter::new(8);
        emitter.begin(3, 0x2000);
        emitter.i32(-1);
        emitter.u32(7);
        emitter.text(b"sevenxx");
        emitter.end();
        // Header, two words, seven letters with NUL fill eight bytes exactly, trailer.
        assert_eq!(emitter.bytes.len(), 8 + 8 + 8 + 8);
        assert_eq!(emitter.bytes[..8], [3, 0, 0, 0, 0, 0x20, 32, 0]);
        emitter.begin(3, 0);
        emitter.text(&vec![b'x'; 70_000]);
        emitter.end();
        assert_eq!(emitter.bytes.len(), 32);
    }
}
