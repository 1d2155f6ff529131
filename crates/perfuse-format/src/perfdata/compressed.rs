//! Records that lie compressed in others.

use crate::perfdata::PerfDataError;
use crate::perfdata::attr::Endian;
use crate::perfdata::cursor::u64_at;
use crate::perfdata::data::Compression;
use crate::perfdata::record::{RawRecord, kind};
use crate::perfdata::walk::{Segment, Source, step};
use crate::perfdata::zstd::Stream;

/// A run of the file.
enum Piece {
    /// Plain records.
    Plain(usize, usize),
    /// A compressed record at this offset; all until then yielded this many bytes.
    Compressed(u64, u64),
}

/// The compressed bytes of a record, if it has any.
fn payload<'a>(record: &RawRecord<'a>, endian: Endian) -> Option<&'a [u8]> {
    match record.kind {
        kind::COMPRESSED => Some(record.body),
        // Padded: the size of what counts stands first.
        kind::COMPRESSED2 => {
            let size = usize::try_from(u64_at(record.body, 0, endian)?).ok()?;
            let bytes = record.body.get(8..)?;
            Some(bytes.get(..size).unwrap_or(bytes))
        }
        _ => None,
    }
}

/// Decompresses all compressed records of `source`, and makes segments of what comes out. Nothing is done where there are
/// none. Each segment has a stream of its own: they are of different files.
pub(crate) fn expand(source: &mut Source<'_>) -> Option<Compression> {
    if source.segments.len() == 1 {
        return one(source);
    }
    let mut all: Option<Compression> = None;
    let (mut buffer, mut segments, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    for run in std::mem::take(&mut source.segments) {
        source.segments = vec![run];
        if let Some(of) = one(source) {
            let all = all.get_or_insert_default();
            all.records += of.records;
            all.compressed += of.compressed;
            all.plain += of.plain;
        }
        let base = buffer.len();
        for segment in &mut source.segments {
            if segment.buffered {
                segment.start += base;
                segment.end += base;
            }
        }
        shown.extend(source.shown.drain(..).map(|(start, offset)| (start + base, offset)));
        segments.append(&mut source.segments);
        buffer.append(&mut source.buffer);
    }
    (source.buffer, source.segments, source.shown) = (buffer, segments, shown);
    all
}

/// Decompresses the only segment.
fn one(source: &mut Source<'_>) -> Option<Compression> {
    let &[Segment { start, end, .. }] = source.segments.as_slice() else { return None };
    let endian = source.endian;
    let file = source.file;
    let records = || {
        let mut at = start;
        std::iter::from_fn(move || {
            let (record, next) = step(file, at, end, endian)?.ok()?;
            at = next;
            Some((record, next))
        })
    };
    let mut compression = Compression::default();
    for bytes in records().filter_map(|(record, _)| payload(&record, endian)) {
        compression.records += 1;
        compression.compressed += bytes.len() as u64;
    }
    if compression.records == 0 {
        return None;
    }
    let mut stream = Stream::new(compression.compressed);
    let mut pieces = Vec::new();
    let mut plain = start;
    let mut damage = None;
    for (record, next) in records() {
        let Some(bytes) = payload(&record, endian) else { continue };
        let at = usize::try_from(record.offset).unwrap_or(end);
        pieces.push(Piece::Plain(plain, at));
        plain = next;
        let outcome = stream.feed(bytes);
        pieces.push(Piece::Compressed(record.offset, stream.yielded()));
        if let Err(expected) = outcome {
            damage = Some(PerfDataError::new(record.offset, expected, "something else"));
            plain = end;
            break;
        }
    }
    // Behind the last compressed record; damage there is found when the records are read.
    pieces.push(Piece::Plain(plain, end));
    source.buffer = stream.finish();
    compression.plain = source.buffer.len() as u64;
    arrange(source, &pieces, damage);
    Some(compression)
}

/// Segments from the pieces: of what was decompressed until a piece only whole records belong to it.
fn arrange(source: &mut Source<'_>, pieces: &[Piece], mut damage: Option<PerfDataError>) {
    let mut segments = Vec::new();
    let mut at = 0;
    let mut last = 0;
    for piece in pieces {
        match *piece {
            Piece::Plain(start, end) if start < end => {
                segments.push(Segment { buffered: false, start, end, shown: 0 });
            }
            Piece::Plain(..) => {}
            Piece::Compressed(shown, yielded) => {
                let end = usize::try_from(yielded).unwrap_or(usize::MAX).min(source.buffer.len());
                let start = at;
                last = shown;
                while let Some(Ok((_, next))) = step(&source.buffer, at, end, source.endian) {
                    at = next;
                }
                if at > start {
                    segments.push(Segment { buffered: true, start, end: at, shown });
                    source.shown.push((start, shown));
                }
            }
        }
    }
    let left = source.buffer.len().saturating_sub(at);
    if left > 0 && damage.is_none() {
        let found = format!("{left} bytes that are no record, of {}", source.buffer.len());
        damage = Some(PerfDataError::new(last, "whole records in what was compressed", found));
    }
    source.damage = damage.or(source.damage.take());
    source.segments = segments;
}
