//! A zstd stream that comes in pieces, of which must be known how much each piece yields.
//!
//! `perf record -z` flushes its compressor after each record but never ends the frame, so that the whole file is one
//! frame. A decoder that only gives what has left its window would give the first byte after hundreds of kilobytes,
//! and not tell what belongs to which piece. Therefore such a frame is started with as many zeros as the window is
//! wide, in blocks that stand for one repeated byte:
//!
//! ```text
//!   decoder   | 0 0 0 0 0 0 | a b c |        window 6: three bytes were pushed out, so three came in
//!   given away        0 0 0                  the first six that come out are dropped
//! ```
//!
//! A frame that ends in the piece in which it begins needs none of this.

use std::io::{self, Write};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Bytes that a block yields at most.
const BLOCK: u64 = 128 << 10;

/// Bytes that a file may become in any case, and how many more for each of its bytes: a lie must not fill the memory.
const FREE: u64 = 64 << 20;
const RATIO: u64 = 200;

/// An open frame.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Whether a checksum of four bytes follows the last block.
    checksum: bool,
    /// Zeros that have yet to come out.
    zeros: usize,
}

/// What stands at the beginning of a frame.
#[derive(Debug, Clone, Copy)]
struct Head {
    /// Bytes of the header.
    length: usize,
    /// Bytes that a decoder must keep.
    window: u64,
    checksum: bool,
}

/// The decoder.
pub(crate) struct Stream {
    decoder: FrameDecoder,
    pending: Vec<u8>,
    frame: Option<Frame>,
    out: Vec<u8>,
    yielded: u64,
    /// Bytes that may yet be made.
    budget: u64,
}

/// Drops the first bytes and keeps the others.
struct Skipping<'s> {
    zeros: &'s mut usize,
    out: &'s mut Vec<u8>,
}

impl Write for Skipping<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let skipped = bytes.len().min(*self.zeros);
        *self.zeros -= skipped;
        self.out.extend_from_slice(bytes.get(skipped..).unwrap_or_default());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is wrong with a stream.
type Wrong = &'static str;

const BAD_BLOCK: Wrong = "a block of a zstd stream";
const BAD_FRAME: Wrong = "a frame of a zstd stream, without a dictionary";
const TOO_MUCH: Wrong = "compressed records that become at most 200 times longer";

/// The header at the beginning of `bytes`; `Ok(None)` while it is not whole.
fn head(bytes: &[u8]) -> Result<Option<Head>, Wrong> {
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    if bytes.iter().zip(MAGIC).any(|(found, expected)| *found != expected) {
        return Err(BAD_FRAME);
    }
    let Some(&descriptor) = bytes.get(4) else { return Ok(None) };
    let single = descriptor & 0x20 != 0;
    if descriptor & 3 != 0 {
        return Err(BAD_FRAME);
    }
    let content = match descriptor >> 6 {
        0 => usize::from(single),
        size => 1 << size,
    };
    let length = 5 + usize::from(!single) + content;
    let Some(rest) = bytes.get(5..length) else { return Ok(None) };
    let window = if single {
        let size = rest.iter().rev().fold(0_u64, |size, byte| size << 8 | u64::from(*byte));
        if content == 2 { size + 256 } else { size }
    } else {
        let window = rest.first().copied().unwrap_or_default();
        let base = 1_u64 << (10 + (window >> 3));
        base + base / 8 * u64::from(window & 7)
    };
    Ok(Some(Head { length, window, checksum: descriptor & 4 != 0 }))
}

/// A block's header: whether it is the last, and the bytes of the whole block. `Ok(None)` while it is not whole.
fn block(bytes: &[u8]) -> Result<Option<(bool, usize)>, Wrong> {
    let Some(&[a, b, c]) = bytes.first_chunk::<3>() else { return Ok(None) };
    let header = u32::from_le_bytes([a, b, c, 0]);
    let size = header >> 3;
    if u64::from(size) > BLOCK {
        return Err(BAD_BLOCK);
    }
    let body = match header >> 1 & 3 {
        1 => 1,
        0 | 2 => size as usize,
        _ => return Err(BAD_BLOCK),
    };
    Ok((bytes.len() >= 3 + body).then_some((header & 1 != 0, 3 + body)))
}

/// Bytes of the frame at the beginning of `bytes`, if all of it is there.
fn whole(bytes: &[u8], head: Head) -> Result<Option<usize>, Wrong> {
    let mut at = head.length;
    loop {
        let Some((last, length)) = block(bytes.get(at..).unwrap_or_default())? else { return Ok(None) };
        at += length;
        if last {
            at += if head.checksum { 4 } else { 0 };
            return Ok((at <= bytes.len()).then_some(at));
        }
    }
}

impl Stream {
    /// A stream of `compressed` bytes in all.
    pub(crate) fn new(compressed: u64) -> Self {
        Self {
            decoder: FrameDecoder::new(),
            pending: Vec::new(),
            frame: None,
            out: Vec::new(),
            yielded: 0,
            budget: compressed.saturating_mul(RATIO).saturating_add(FREE),
        }
    }

    /// Bytes that all pieces until now yielded.
    pub(crate) fn yielded(&self) -> u64 {
        self.yielded
    }

    /// Takes the next piece.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Result<(), Wrong> {
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(piece);
        let mut at = 0;
        let outcome = loop {
            match self.step(pending.get(at..).unwrap_or_default()) {
                Ok(0) => break Ok(()),
                Ok(taken) => at += taken,
                Err(wrong) => break Err(wrong),
            }
        };
        pending.drain(..at);
        self.pending = pending;
        outcome
    }

    /// Takes a frame, the header of one, or a block; how many bytes that was, 0 if more are needed.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, Wrong> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let Some(frame) = self.frame else {
            let Some(head) = head(bytes)? else { return Ok(0) };
            if let Some(length) = whole(bytes, head)? {
                self.whole_frame(bytes.get(..length).ok_or(BAD_FRAME)?)?;
                return Ok(length);
            }
            self.open(head)?;
            return Ok(head.length);
        };
        let Some((last, length)) = block(bytes)? else { return Ok(0) };
        let behind = if last && frame.checksum { 4 } else { 0 };
        if bytes.len() < length + behind {
            return Ok(0);
        }
        let Some((&[first, second, third], body)) = bytes.get(..length).and_then(|all| all.split_first_chunk()) else {
            return Err(BAD_BLOCK);
        };
        // That it is the last is told later, so that the decoder keeps its window until then.
        let header = [first & !1, second, third];
        self.decode(io::Read::chain(&header[..], body))?;
        if last {
            self.close()?;
        }
        Ok(length + behind)
    }

    /// Decodes one block and gives away what left the window.
    fn decode(&mut self, block: impl io::Read) -> Result<(), Wrong> {
        self.decoder.decode_blocks(block, BlockDecodingStrategy::UptoBlocks(1)).map_err(|_| BAD_BLOCK)?;
        self.give()
    }

    fn give(&mut self) -> Result<(), Wrong> {
        let count = self.decoder.can_collect() as u64;
        self.yielded += count;
        self.budget = self.budget.checked_sub(count).ok_or(TOO_MUCH)?;
        self.drain()
    }

    fn drain(&mut self) -> Result<(), Wrong> {
        let mut none = 0;
        let zeros = self.frame.as_mut().map_or(&mut none, |frame| &mut frame.zeros);
        let sink = Skipping { zeros, out: &mut self.out };
        self.decoder.collect_to_writer(sink).map_err(|_| BAD_BLOCK)?;
        Ok(())
    }

    fn whole_frame(&mut self, mut bytes: &[u8]) -> Result<(), Wrong> {
        self.decoder.reset(&mut bytes).map_err(|_| BAD_FRAME)?;
        while !self.decoder.is_finished() {
            self.decoder.decode_blocks(&mut bytes, BlockDecodingStrategy::UptoBlocks(1)).map_err(|_| BAD_BLOCK)?;
            self.give()?;
        }
        Ok(())
    }

    /// Begins a frame with a window of zeros.
    fn open(&mut self, head: Head) -> Result<(), Wrong> {
        let wide = head.window.checked_next_power_of_two().ok_or(BAD_FRAME)?.max(1 << 10);
        let descriptor = u8::try_from(wide.trailing_zeros() - 10).unwrap_or(u8::MAX).checked_mul(8).ok_or(BAD_FRAME)?;
        let header = [0x28, 0xb5, 0x2f, 0xfd, 0, descriptor];
        self.decoder.reset(&header[..]).map_err(|_| BAD_FRAME)?;
        self.budget = self.budget.checked_sub(wide).ok_or(TOO_MUCH)?;
        let mut left = wide;
        while left > 0 {
            let size = left.min(BLOCK);
            let [a, b, c, _] = u32::try_from(size << 3 | 1 << 1).unwrap_or_default().to_le_bytes();
            self.decoder
                .decode_blocks(&[a, b, c, 0][..], BlockDecodingStrategy::UptoBlocks(1))
                .map_err(|_| BAD_BLOCK)?;
            left -= size;
        }
        let zeros = usize::try_from(wide).map_err(|_| BAD_FRAME)?;
        self.frame = Some(Frame { checksum: head.checksum, zeros });
        Ok(())
    }

    /// Ends the frame: an empty last block makes the decoder give all that it held back.
    fn close(&mut self) -> Result<(), Wrong> {
        self.decoder.decode_blocks(&[1, 0, 0][..], BlockDecodingStrategy::All).map_err(|_| BAD_BLOCK)?;
        self.drain()?;
        self.frame = None;
        Ok(())
    }

    /// All that came out.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.frame.is_some() && self.close().is_err() {
            self.out.truncate(usize::try_from(self.yielded).unwrap_or(usize::MAX));
        }
        self.out
    }
}
