//! From record to record: the records as they lie in the file, and in what was decompressed.
//!
//! ```text
//! file      | 1 | 2 | COMPRESSED | 68 | COMPRESSED | 68 |
//!                       │                 │
//! buffer                | a | b | c | d   | e | f |      one zstd stream; `d` begins in the first
//!
//! segments  [file 1 2] [buffer a b c] [file 68] [buffer d e f] [file 68]
//! ```

use crate::perfdata::attr::Endian;
use crate::perfdata::cursor::u64_at;
use crate::perfdata::error::PerfDataError;
use crate::perfdata::record::{RawRecord, kind};

/// A run of whole records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Whether it lies in the buffer of what was decompressed.
    pub buffered: bool,
    /// First byte.
    pub start: usize,
    /// Byte behind the last.
    pub end: usize,
    /// For decompressed records the offset of the record that they were in.
    pub shown: u64,
}

/// A place is an offset in the file; or with this bit one in the buffer, in 40 bits, and the number of the compressed
/// record that it came from, in the 23 bits between. Numbers that are too large for them stand for "look it up".
const IN_BUFFER: u64 = 1 << 63;
const NUMBER_SHIFT: u32 = 40;
const LARGEST_NUMBER: u64 = (1 << 23) - 1;
const AT: u64 = (1 << NUMBER_SHIFT) - 1;

/// The bytes that hold records.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub file: &'a [u8],
    pub buffer: Vec<u8>,
    pub segments: Vec<Segment>,
    /// Where in the buffer the records of each compressed one begin, and the offset of that one.
    pub shown: Vec<(usize, u64)>,
    pub endian: Endian,
    /// What perf does not count in the offsets that it shows: in a pipe the header.
    pub base: u64,
    /// What ends the records before their time.
    pub damage: Option<PerfDataError>,
}

/// One step: the record at `at`, and where the next one is; `None` behind the last.
#[inline]
pub(crate) fn step(bytes: &[u8], at: usize, end: usize, endian: Endian) -> Option<Result<(RawRecord<'_>, usize), Bad>> {
    let rest = bytes.get(at..end)?;
    if rest.is_empty() {
        return None;
    }
    let Some(header) = rest.first_chunk::<8>() else { return Some(Err(Bad::Header(rest.len()))) };
    let [k0, k1, k2, k3, m0, m1, s0, s1] = *header;
    let (record_kind, misc, size) = match endian {
        Endian::Little => {
            (u32::from_le_bytes([k0, k1, k2, k3]), u16::from_le_bytes([m0, m1]), u16::from_le_bytes([s0, s1]))
        }
        Endian::Big => {
            (u32::from_be_bytes([k0, k1, k2, k3]), u16::from_be_bytes([m0, m1]), u16::from_be_bytes([s0, s1]))
        }
    };
    let size = usize::from(size);
    if size < 8 {
        return Some(Err(Bad::Size(size)));
    }
    let Some(body) = rest.get(8..size) else { return Some(Err(Bad::Cut { size, left: rest.len() })) };
    let mut next = at + size;
    if matches!(record_kind, kind::HEADER_TRACING_DATA | kind::AUXTRACE) {
        let Some(behind) = payload(record_kind, body, endian) else { return Some(Err(Bad::Size(size))) };
        let Some(after) = next.checked_add(behind).filter(|after| *after <= end) else {
            return Some(Err(Bad::Cut { size: size.saturating_add(behind), left: rest.len() }));
        };
        next = after;
    }
    Some(Ok((RawRecord { kind: record_kind, misc, offset: at as u64, body }, next)))
}

/// Bytes that stand behind a record and are not counted in its size.
fn payload(record_kind: u32, body: &[u8], endian: Endian) -> Option<usize> {
    let size = if record_kind == kind::AUXTRACE {
        u64_at(body, 0, endian)?
    } else {
        u64::from(crate::perfdata::cursor::u32_at(body, 0, endian)?)
    };
    usize::try_from(size).ok()
}

/// What is wrong with the header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bad {
    /// Less than eight bytes are left.
    Header(usize),
    /// A size that no record has.
    Size(usize),
    /// The record is longer than what is left.
    Cut {
        /// Its size.
        size: usize,
        /// What is left.
        left: usize,
    },
}

impl Bad {
    pub(crate) fn at(self, offset: u64) -> PerfDataError {
        match self {
            Self::Header(left) => PerfDataError::new(offset, "a record of at least 8 bytes", format!("{left} bytes")),
            Self::Size(size) => PerfDataError::new(offset, "a record of at least 8 bytes", format!("a size of {size}")),
            Self::Cut { size, left } => {
                PerfDataError::new(offset, "a whole record", format!("{left} bytes of the {size} that it should have"))
            }
        }
    }
}

impl<'a> Source<'a> {
    pub(crate) fn new(file: &'a [u8], endian: Endian) -> Self {
        Self { file, buffer: Vec::new(), segments: Vec::new(), shown: Vec::new(), endian, base: 0, damage: None }
    }
}

impl Source<'_> {
    /// All records in file order.
    pub(crate) fn records(&self) -> Records<'_> {
        Records {
            source: self,
            segments: self.segments.iter(),
            bytes: &[],
            at: 0,
            end: 0,
            shown: None,
            number: 0,
            ended: false,
        }
    }

    /// The record at a place that [`Records::place`] gave.
    #[inline]
    pub(crate) fn record_at(&self, place: u64) -> Option<RawRecord<'_>> {
        if place & IN_BUFFER == 0 {
            let at = usize::try_from(place).ok()?;
            let (mut record, _) = step(self.file, at, self.file.len(), self.endian)?.ok()?;
            record.offset = record.offset.saturating_sub(self.base);
            return Some(record);
        }
        let at = usize::try_from(place & AT).ok()?;
        let (mut record, _) = step(&self.buffer, at, self.buffer.len(), self.endian)?.ok()?;
        let number = match place >> NUMBER_SHIFT & LARGEST_NUMBER {
            LARGEST_NUMBER => self.shown.partition_point(|(start, _)| *start <= at).checked_sub(1)?,
            number => usize::try_from(number).ok()?,
        };
        record.offset = self.shown.get(number)?.1.saturating_sub(self.base);
        Some(record)
    }
}

/// Iterator over the records in file order. Damage is its last item.
#[derive(Debug, Clone)]
pub struct Records<'d> {
    source: &'d Source<'d>,
    segments: std::slice::Iter<'d, Segment>,
    bytes: &'d [u8],
    at: usize,
    end: usize,
    shown: Option<u64>,
    /// Compressed records until now.
    number: u64,
    ended: bool,
}

impl<'d> Records<'d> {
    /// The next record with its place.
    #[inline]
    pub(crate) fn placed(&mut self) -> Option<Result<(u64, RawRecord<'d>), PerfDataError>> {
        loop {
            match step(self.bytes, self.at, self.end, self.source.endian) {
                Some(Ok((mut record, next))) => {
                    let mut place = self.at as u64;
                    if let Some(shown) = self.shown {
                        record.offset = shown;
                        place |= self.number.saturating_sub(1).min(LARGEST_NUMBER) << NUMBER_SHIFT | IN_BUFFER;
                    }
                    record.offset = record.offset.saturating_sub(self.source.base);
                    self.at = next;
                    return Some(Ok((place, record)));
                }
                Some(Err(bad)) => {
                    let offset = self.shown.unwrap_or(self.at as u64);
                    self.end = self.at;
                    self.segments = [].iter();
                    self.ended = true;
                    return Some(Err(bad.at(offset)));
                }
                None => {
                    let Some(segment) = self.segments.next() else {
                        return if std::mem::replace(&mut self.ended, true) {
                            None
                        } else {
                            self.source.damage.clone().map(Err)
                        };
                    };
                    self.bytes = if segment.buffered { &self.source.buffer } else { self.source.file };
                    (self.at, self.end) = (segment.start, segment.end);
                    self.shown = segment.buffered.then_some(segment.shown);
                    self.number += u64::from(segment.buffered);
                }
            }
        }
    }
}

impl<'d> Iterator for Records<'d> {
    type Item = Result<RawRecord<'d>, PerfDataError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        Some(self.placed()?.map(|(_, record)| record))
    }
}
