//! The recording of `use --record`: raw snapshots in a file that can be read on any machine.
//!
//! ```text
//! file     magic "PERFUSE\n" | u32 version | u32 length of the note | note (UTF-8: the writer) | record | record | ...
//! record   u32 kind | u32 stored length | u32 plain length | u32 CRC-32 of the three and of the payload | payload (LZ4 block)
//! snapshot u64 mono_ns | u64 real_ns | u32 sources | source | source | ...
//! source   u32 name | (u16 length, bytes: only for a name that is new) | u8 operation | operand
//! ```
//! All numbers are little-endian. Names are numbered as they first appear; a key snapshot starts the numbering anew and
//! refers to nothing before it. The operations are below. A record whose CRC is wrong, or that is cut, ends the
//! reading: what stands before it is whole.

use std::collections::HashMap;
use std::sync::Arc;

use crate::raw::{Raw, RawSnapshot};

/// First bytes of a recording.
pub const MAGIC: &[u8; 8] = b"PERFUSE\n";

/// Version of the format that this crate writes and reads.
pub const VERSION: u32 = 1;

/// A snapshot that refers to nothing before it.
const KIND_KEY: u32 = 1;
/// A snapshot that refers to the one before it.
const KIND_NEXT: u32 = 2;

/// The bytes follow: `u32 length, bytes`.
const OP_BYTES: u8 = 0;
/// A refusal: `i32 errno`.
const OP_ERRNO: u8 = 1;
/// The same as in the snapshot before; no operand.
const OP_SAME: u8 = 2;
/// As long as in the snapshot before: `bytes` XOR those, which is mostly zeros and compresses well.
const OP_XOR: u8 = 3;

/// Snapshots between two key snapshots.
const KEY_EVERY: u32 = 60;

/// The most that one record may hold once it is unpacked.
const MOST_PLAIN: u32 = 256 << 20;

/// Bytes of a record's header.
const RECORD_HEADER: usize = 16;

/// Turns snapshots into the bytes of a recording.
#[derive(Debug, Default)]
pub struct Encoder {
    names: HashMap<String, u32>,
    previous: Option<RawSnapshot>,
    since_key: u32,
}

impl Encoder {
    /// An encoder at the start of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes before the first record. `note` names the writer, such as `perfuse 0.1.0`.
    pub fn header(note: &str) -> Vec<u8> {
        let note = &note.as_bytes()[..note.len().min(4096)];
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(u32::try_from(note.len()).unwrap_or(0).to_le_bytes());
        bytes.extend(note);
        bytes
    }

    /// The record of the next snapshot.
    pub fn snapshot(&mut self, snapshot: RawSnapshot) -> Vec<u8> {
        let key = self.previous.is_none() || self.since_key >= KEY_EVERY;
        if key {
            self.names.clear();
            self.previous = None;
            self.since_key = 0;
        }
        self.since_key += 1;
        let mut plain = Vec::with_capacity(64 * 1024);
        plain.extend(snapshot.mono_ns.to_le_bytes());
        plain.extend(snapshot.real_ns.to_le_bytes());
        put_length(&mut plain, snapshot.sources.len());
        for (name, raw) in &snapshot.sources {
            self.name(name, &mut plain);
            let before = self.previous.as_ref().and_then(|previous| previous.sources.get(name));
            source(raw, before, &mut plain);
        }
        self.previous = Some(snapshot);
        record(if key { KIND_KEY } else { KIND_NEXT }, &plain)
    }

    fn name(&mut self, name: &str, plain: &mut Vec<u8>) {
        if let Some(number) = self.names.get(name) {
            plain.extend(number.to_le_bytes());
            return;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.insert(name.to_owned(), number);
        plain.extend(number.to_le_bytes());
        // No path is longer than PATH_MAX (4096).
        let bytes = &name.as_bytes()[..name.len().min(usize::from(u16::MAX))];
        plain.extend(u16::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
        plain.extend(bytes);
    }
}

fn source(raw: &Raw, before: Option<&Raw>, plain: &mut Vec<u8>) {
    match (raw, before) {
        (raw, Some(before)) if raw == before => plain.push(OP_SAME),
        (Raw::Errno(errno), _) => {
            plain.push(OP_ERRNO);
            plain.extend(errno.to_le_bytes());
        }
        (Raw::Bytes(bytes), Some(Raw::Bytes(before))) if bytes.len() == before.len() => {
            plain.push(OP_XOR);
            plain.extend(bytes.iter().zip(before.iter()).map(|(new, old)| new ^ old));
        }
        (Raw::Bytes(bytes), _) => {
            plain.push(OP_BYTES);
            put_length(plain, bytes.len());
            plain.extend(bytes.iter());
        }
    }
}

fn put_length(plain: &mut Vec<u8>, length: usize) {
    plain.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

/// One record of the file: packed, with its checksum.
pub(crate) fn record(kind: u32, plain: &[u8]) -> Vec<u8> {
    let packed = lz4_flex::block::compress(plain);
    let mut bytes = Vec::with_capacity(RECORD_HEADER + packed.len());
    bytes.extend(kind.to_le_bytes());
    put_length(&mut bytes, packed.len());
    put_length(&mut bytes, plain.len());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&bytes);
    crc.update(&packed);
    bytes.extend(crc.finalize().to_le_bytes());
    bytes.extend(packed);
    bytes
}

/// A file that is no recording, or of a version that this program does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotARecording {
    /// The first bytes are others.
    #[error("not a perfuse recording: it does not start with `PERFUSE`")]
    Magic,
    /// Another version of the format.
    #[error("recording of format version {0}; this program reads version {VERSION}")]
    Version(u32),
    /// The file ends inside its header.
    #[error("the file ends at byte {0}, inside its header")]
    Short(usize),
}

/// Where and how a recording is damaged. Everything before `offset` is whole and was given out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("damaged at byte {offset}: {what}")]
pub struct Damage {
    /// Offset of the damaged record.
    pub offset: u64,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Gives the snapshots of a recording, one after the other, up to its end or the first damage.
#[derive(Debug)]
pub struct Decoder<'a> {
    rest: &'a [u8],
    offset: u64,
    names: Vec<String>,
    previous: Option<RawSnapshot>,
    note: String,
    over: bool,
}

impl<'a> Decoder<'a> {
    /// Reads the header.
    pub fn new(bytes: &'a [u8]) -> Result<Self, NotARecording> {
        let short = || NotARecording::Short(bytes.len());
        let magic = bytes.get(..MAGIC.len().min(bytes.len())).unwrap_or_default();
        if magic != &MAGIC[..magic.len()] || magic.is_empty() {
            return Err(NotARecording::Magic);
        }
        let mut input = Input(bytes.get(MAGIC.len()..).ok_or_else(short)?);
        let version = input.u32().ok_or_else(short)?;
        if version != VERSION {
            return Err(NotARecording::Version(version));
        }
        let length = input.u32().ok_or_else(short)?;
        let note = input.take(length as usize).ok_or_else(short)?;
        let note = String::from_utf8_lossy(note).into_owned();
        let offset = (bytes.len() - input.0.len()) as u64;
        Ok(Self { rest: input.0, offset, names: Vec::new(), previous: None, note, over: false })
    }

    /// Who wrote it, such as `perfuse 0.1.0`.
    pub fn note(&self) -> &str {
        &self.note
    }

    fn record(&mut self) -> Result<RawSnapshot, &'static str> {
        let header = self.rest.get(..RECORD_HEADER).ok_or("the file ends inside a record's header")?;
        let mut input = Input(header);
        let cut = "the file ends inside a record's header";
        let (kind, stored) = (input.u32().ok_or(cut)?, input.u32().ok_or(cut)?);
        let (plain, crc) = (input.u32().ok_or(cut)?, input.u32().ok_or(cut)?);
        let payload = self.rest.get(RECORD_HEADER..).and_then(|rest| rest.get(..stored as usize));
        let payload = payload.ok_or("the file ends inside a record")?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&header[..RECORD_HEADER - 4]);
        hasher.update(payload);
        if hasher.finalize() != crc {
            return Err("the checksum of a record is wrong");
        }
        if plain > MOST_PLAIN {
            return Err("a record claims more than 256 MiB");
        }
        let plain = lz4_flex::block::decompress(payload, plain as usize).map_err(|_| "a record does not unpack")?;
        match kind {
            KIND_KEY => {
                self.names.clear();
                self.previous = None;
            }
            KIND_NEXT if self.previous.is_some() => {}
            KIND_NEXT => return Err("a record refers to one before it that is not there"),
            _ => return Err("a record is of an unknown kind"),
        }
        let snapshot = self.snapshot(&plain)?;
        let length = RECORD_HEADER + stored as usize;
        self.rest = &self.rest[length..];
        self.offset += length as u64;
        Ok(snapshot)
    }

    fn snapshot(&mut self, plain: &[u8]) -> Result<RawSnapshot, &'static str> {
        let short = "a snapshot is shorter than it says";
        let mut input = Input(plain);
        let mut snapshot = RawSnapshot {
            mono_ns: input.u64().ok_or(short)?,
            real_ns: input.u64().ok_or(short)?,
            ..RawSnapshot::default()
        };
        for _ in 0..input.u32().ok_or(short)? {
            let number = input.u32().ok_or(short)? as usize;
            if number == self.names.len() {
                let length = usize::from(input.u16().ok_or(short)?);
                let name = input.take(length).ok_or(short)?;
                self.names.push(String::from_utf8_lossy(name).into_owned());
            }
            let name = self.names.get(number).ok_or("a source has a number that was not given out")?;
            let before = self.previous.as_ref().and_then(|previous| previous.sources.get(name));
            let raw = match (input.u8().ok_or(short)?, before) {
                (OP_BYTES, _) => {
                    let length = input.u32().ok_or(short)?;
                    Raw::Bytes(Arc::new(input.take(length as usize).ok_or(short)?.to_vec()))
                }
                (OP_ERRNO, _) => Raw::Errno(input.u32().ok_or(short)?.cast_signed()),
                (OP_SAME, Some(before)) => before.clone(),
                (OP_XOR, Some(Raw::Bytes(before))) => {
                    let changes = input.take(before.len()).ok_or(short)?;
                    Raw::Bytes(Arc::new(changes.iter().zip(before.iter()).map(|(change, old)| change ^ old).collect()))
                }
                (OP_SAME | OP_XOR, _) => return Err("a source refers to a value that was not there"),
                _ => return Err("a source has an unknown operation"),
            };
            snapshot.sources.insert(name.clone(), raw);
        }
        self.previous = Some(snapshot.clone());
        Ok(snapshot)
    }
}

impl Iterator for Decoder<'_> {
    type Item = Result<RawSnapshot, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over || self.rest.is_empty() {
            return None;
        }
        let offset = self.offset;
        Some(self.record().map_err(|what| {
            self.over = true;
            Damage { offset, what }
        }))
    }
}

/// A cursor that gives nothing when the bytes run out.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Snapshots that use every operation, and more of them than stand between two keys.
    fn snapshots() -> Vec<RawSnapshot> {
        let snapshot = |n: u64| {
            let mut raw = RawSnapshot { mono_ns: n, real_ns: 1000 + n, ..RawSnapshot::default() };
            raw.put("/same", "always the same");
            raw.put("/counter", format!("counter {:08}\n", n * 7));
            raw.put("/length", "x".repeat(usize::try_from(n % 5).unwrap()));
            raw.put_errno("/refused", 13);
            if n.is_multiple_of(3) {
                raw.put(format!("/proc/{n}/stat"), "comes and goes");
            }
            if n == 4 {
                raw.put_errno("/same", 5);
            }
            raw
        };
        (1..150).map(snapshot).collect()
    }

    fn encoded() -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Encoder::header("perfuse test");
        let mut encoder = Encoder::new();
        let mut ends = vec![bytes.len()];
        for snapshot in snapshots() {
            bytes.extend(encoder.snapshot(snapshot));
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (bytes, _) = encoded();
        let decoder = Decoder::new(&bytes).unwrap();
        assert_eq!(decoder.note(), "perfuse test");
        let read: Result<Vec<_>, _> = decoder.collect();
        assert_eq!(read.unwrap(), snapshots());
    }

    #[test]
    fn a_cut_file_is_read_up_to_the_cut() {
        let (bytes, ends) = encoded();
        for (whole, window) in ends.windows(2).enumerate().take(70) {
            for cut in [window[0] + 1, window[1] - 1] {
                let results: Vec<_> = Decoder::new(&bytes[..cut]).unwrap().collect();
                assert_eq!(results.len(), whole + 1);
                assert!(results[..whole].iter().all(Result::is_ok));
                assert_eq!(results[whole].as_ref().unwrap_err().offset, window[0] as u64);
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_found_where_it_is() {
        let (mut bytes, ends) = encoded();
        bytes[ends[3] + 20] ^= 1;
        let results: Vec<_> = Decoder::new(&bytes).unwrap().collect();
        assert_eq!(results.len(), 4);
        let damage = results[3].as_ref().unwrap_err();
        assert_eq!((damage.offset, damage.what), (ends[3] as u64, "the checksum of a record is wrong"));
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(Decoder::new(b"").unwrap_err(), NotARecording::Magic);
        assert_eq!(Decoder::new(b"PERFILE2 and more").unwrap_err(), NotARecording::Magic);
        assert_eq!(Decoder::new(b"PERF").unwrap_err(), NotARecording::Short(4));
        assert_eq!(Decoder::new(b"PERFUSE\n\x09\0\0\0\0\0\0\0").unwrap_err(), NotARecording::Version(9));
    }

    #[test]
    fn absurd_lengths_are_refused_without_allocating() {
        let mut bytes = Encoder::header("");
        let mut claimed = record(KIND_KEY, b"");
        claimed[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        let mut crc = crc32fast::Hasher::new();
        crc.update(&claimed[..12]);
        crc.update(&claimed[16..]);
        claimed[12..16].copy_from_slice(&crc.finalize().to_le_bytes());
        bytes.extend(claimed);
        let damage = Decoder::new(&bytes).unwrap().next().unwrap().unwrap_err();
        assert_eq!(damage.what, "a record claims more than 256 MiB");
    }
}
