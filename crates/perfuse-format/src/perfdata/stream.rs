//! A recording that comes through a pipe and is looked at while it grows: cut into pieces that are recordings themselves.
//!
//! ```text
//!   header, attrs, features   round 1   round 2   round 3 …
//!   └──── the beginning ────┘ └─ window 1 ─────┘ └ window 2
//! ```
//!
//! Rings are emptied in rounds, and records are in the order of time only across whole rounds: a window ends with one.

use super::record::kind;
use super::{Endian, PerfDataError};

/// Bytes of the header of a pipe.
const HEADER: usize = 16;
/// Bytes of the header of a record: type, misc, size.
const RECORD: usize = 8;

/// What came, and how far it was given away.
#[derive(Debug, Clone)]
pub struct Stream {
    endian: Endian,
    /// Header and everything before the first record of the kernel or of a process.
    beginning: Vec<u8>,
    begun: bool,
    rest: Vec<u8>,
    /// Up to here in `rest` records were looked at; up to `round` there are whole rounds.
    seen: usize,
    round: usize,
}

impl Stream {
    /// Nothing has come yet.
    pub fn new(endian: Endian) -> Self {
        Self { endian, beginning: Vec::new(), begun: false, rest: Vec::new(), seen: 0, round: 0 }
    }

    /// Takes bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
    }

    /// Bytes that were not given away.
    pub fn waiting(&self) -> usize {
        self.rest.len()
    }

    /// All whole rounds since the last time, with the beginning before them: the bytes of a recording. `None` if there is
    /// none. An error where the bytes cannot be records: then no more can be had.
    pub fn window(&mut self) -> Result<Option<Vec<u8>>, PerfDataError> {
        if !self.begun && !self.begin()? {
            return Ok(None);
        }
        while let Some((of, length)) = self.record(self.seen)? {
            if self.rest.len() - self.seen < length {
                break;
            }
            self.seen += length;
            if of == kind::FINISHED_ROUND {
                self.round = self.seen;
            }
        }
        if self.round == 0 {
            return Ok(None);
        }
        let mut window = Vec::with_capacity(self.beginning.len() + self.round);
        window.extend_from_slice(&self.beginning);
        window.extend(self.rest.drain(..self.round));
        self.seen -= self.round;
        self.round = 0;
        Ok(Some(window))
    }

    /// Moves the beginning out of what came, once it is complete.
    fn begin(&mut self) -> Result<bool, PerfDataError> {
        let mut at = HEADER;
        while let Some((of, length)) = self.record(at)? {
            let about = matches!(
                of,
                kind::HEADER_ATTR | kind::HEADER_EVENT_TYPE | kind::HEADER_TRACING_DATA | kind::HEADER_FEATURE
            );
            if !about {
                self.beginning = self.rest.drain(..at).collect();
                self.begun = true;
                return Ok(true);
            }
            if self.rest.len() - at < length {
                break;
            }
            at += length;
        }
        Ok(false)
    }

    /// Type and length of the record at a place, with what stands behind it; `None` if its header has not come.
    fn record(&self, at: usize) -> Result<Option<(u32, usize)>, PerfDataError> {
        let Some(header) = self.rest.get(at..at.saturating_add(RECORD)) else { return Ok(None) };
        let (of, size) = (self.word(header), self.half([header[6], header[7]]));
        if usize::from(size) < RECORD {
            let found = format!("{size} bytes");
            return Err(PerfDataError::new(at as u64, "a record of at least 8 bytes", found));
        }
        let mut length = usize::from(size);
        if of == kind::HEADER_TRACING_DATA {
            // Its data stands behind it, as many bytes as it says.
            let Some(bytes) = self.rest.get(at + RECORD..at + RECORD + 4) else { return Ok(None) };
            length = length.saturating_add(self.word(bytes) as usize);
        }
        Ok(Some((of, length)))
    }

    fn word(&self, bytes: &[u8]) -> u32 {
        let bytes: [u8; 4] = bytes.get(..4).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        if self.endian == Endian::Little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }

    fn half(&self, bytes: [u8; 2]) -> u16 {
        if self.endian == Endian::Little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }
}

/// Whether bytes can be cut, a few at a time; for the fuzz target.
pub(crate) fn cuts(bytes: &[u8]) -> bool {
    let mut stream = Stream::new(Endian::Little);
    let mut windows = 0;
    for part in bytes.chunks(64) {
        stream.push(part);
        match stream.window() {
            Ok(window) => windows += usize::from(window.is_some()),
            Err(_) => return false,
        }
    }
    windows > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(u16::try_from(RECORD + body.len()).unwrap().to_le_bytes());
        bytes.extend(body);
        bytes
    }

    #[test]
    fn windows_are_whole_rounds_behind_the_beginning() {
        let mut beginning = vec![7; HEADER];
        beginning.extend(record(kind::HEADER_ATTR, &[1; 64]));
        let mut tracing = record(kind::HEADER_TRACING_DATA, &12_u32.to_le_bytes());
        tracing.extend([9; 12]);
        beginning.extend(tracing);
        let sample = record(kind::SAMPLE, &[2; 16]);
        let round = record(kind::FINISHED_ROUND, &[]);
        let all = [&beginning[..], &sample, &round, &sample, &sample, &round, &sample].concat();
        let mut stream = Stream::new(Endian::Little);
        let mut windows = Vec::new();
        for byte in &all {
            stream.push(&[*byte]);
            windows.extend(stream.window().unwrap());
        }
        assert_eq!(windows.len(), 2);
        assert_eq!(windows[0], [&beginning[..], &sample, &round].concat());
        assert_eq!(windows[1], [&beginning[..], &sample, &sample, &round].concat());
        assert_eq!(stream.waiting(), sample.len());
    }

    #[test]
    fn a_record_without_length_is_an_error() {
        let mut stream = Stream::new(Endian::Little);
        stream.push(&[0; 64]);
        assert!(stream.window().is_err());
        assert!(!cuts(&[0; 64]) && !cuts(b""));
    }
}
