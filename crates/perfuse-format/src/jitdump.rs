//! `jit-PID.dump`: what just-in-time compilers tell of their code, the code itself included. The older
//! `/tmp/perf-PID.map` has names alone: [`crate::perfmap`].
//!
//! ```text
//! header  40   magic "JiTD", version 1, bytes of the header, ELF machine, -, pid (u32 each), time u64, flags u64
//! record  16   id u32, bytes of the record u32, time u64, then by id
//!   0 load     pid, tid, vma, address, bytes of code, index, name\0, code
//!   1 move     pid, tid, vma, old address, new address, bytes, index
//!   2 lines    address, count: address, line, discriminator, file\0   ("\xff\0": the same file)
//!   3 close
//!   4 unwind   bytes, bytes of .eh_frame_hdr, bytes mapped, data
//! ```
//!
//! The byte order is that of the machine, told by the magic number. Source:
//! `tools/perf/Documentation/jitdump-specification.txt`.

use crate::perfdata::attr::Endian;
use crate::perfdata::cursor::Cursor;

/// The magic number: `JiTD` in the order of the machine's bytes.
const MAGIC: u32 = 0x4a69_5444;

/// Bytes of the header at least, and of what is before each record.
const HEADER: usize = 40;
const PREFIX: usize = 16;

/// Bit of the flags: times are those of the CPU's own counter, not of the clock.
const ARCH_TIMESTAMP: u64 = 1;

/// A file that is not as its format says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("offset {offset:#x}: expected {expected}, found {found}")]
pub struct JitDumpError {
    /// Bytes from the beginning.
    pub offset: usize,
    /// What the format asks for here.
    pub expected: &'static str,
    /// What stands there.
    pub found: String,
}

impl JitDumpError {
    fn new(offset: usize, expected: &'static str, found: impl Into<String>) -> Self {
        Self { offset, expected, found: found.into() }
    }
}

/// A `jit-PID.dump`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JitDump<'a> {
    /// Byte order of all numbers.
    pub endian: Endian,
    /// ELF machine of the code (`EM_*`).
    pub machine: u32,
    /// The process.
    pub pid: i32,
    /// When the file was begun, by the clock of the records.
    pub time: u64,
    /// Whether times are those of the CPU's own counter instead of nanoseconds of the clock.
    pub arch_timestamp: bool,
    bytes: &'a [u8],
    first: usize,
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JitRecord<'a> {
    /// Where it stands: bytes from the beginning of the file.
    pub offset: usize,
    /// When it was written.
    pub time: u64,
    /// What it says.
    pub body: JitBody<'a>,
}

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JitBody<'a> {
    /// New code.
    Load(JitCode<'a>),
    /// Code that moved.
    Move {
        /// The process.
        pid: i32,
        /// The thread.
        tid: i32,
        /// Address of the code now, as the process sees it.
        vma: u64,
        /// Where it was.
        old_address: u64,
        /// Where it is.
        new_address: u64,
        /// Bytes.
        size: u64,
        /// Which code.
        index: u64,
    },
    /// Source lines of the code whose load comes next.
    Lines(JitLines<'a>),
    /// The end of the file.
    Close,
    /// How to unwind the code whose load comes next.
    Unwind {
        /// Bytes of `.eh_frame_hdr`, which stands behind `.eh_frame` in the data.
        header_size: u64,
        /// Bytes of the data that are mapped; 0 if they are not.
        mapped_size: u64,
        /// `.eh_frame` and `.eh_frame_hdr`.
        data: &'a [u8],
    },
    /// A record of an id that is not known.
    Unknown(u32),
}

/// New code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JitCode<'a> {
    /// The process.
    pub pid: i32,
    /// The thread that compiled it.
    pub tid: i32,
    /// Address of the code, as the process sees it.
    pub vma: u64,
    /// Address where it runs.
    pub address: u64,
    /// Number of the code, which a move refers to.
    pub index: u64,
    /// Name of the function.
    pub name: &'a [u8],
    /// The machine code.
    pub code: &'a [u8],
}

/// Source lines of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JitLines<'a> {
    /// Address of the function.
    pub address: u64,
    /// How many lines there should be.
    pub count: u64,
    entries: &'a [u8],
    endian: Endian,
}

/// One source line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JitLine<'a> {
    /// First address of its code.
    pub address: u64,
    /// Line.
    pub line: u32,
    /// Discriminator.
    pub discriminator: u32,
    /// Source file.
    pub file: &'a [u8],
}

impl<'a> JitLines<'a> {
    /// The lines, as many as there are and not more than are told.
    pub fn iter(&self) -> impl Iterator<Item = JitLine<'a>> + use<'a> {
        let mut at = Cursor::new(self.entries, self.endian);
        let mut left = self.count;
        let mut file: &[u8] = b"";
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let (address, line, discriminator) = (at.u64()?, at.u32()?, at.u32()?);
            let name = at.c_string()?;
            if name != b"\xff" {
                file = name;
            }
            Some(JitLine { address, line, discriminator, file })
        })
    }
}

impl<'a> JitDump<'a> {
    /// Reads the header.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JitDumpError> {
        let magic = bytes.first_chunk::<4>().copied().unwrap_or_default();
        let endian = match (u32::from_le_bytes(magic), u32::from_be_bytes(magic)) {
            (MAGIC, _) => Endian::Little,
            (_, MAGIC) => Endian::Big,
            _ => {
                let found = bytes.get(..bytes.len().min(4)).unwrap_or_default().escape_ascii().to_string();
                return Err(JitDumpError::new(0, "the magic number of a jitdump", format!("\"{found}\"")));
            }
        };
        let mut at = Cursor::new(bytes, endian);
        Self::header(&mut at, bytes, endian)
            .ok_or_else(|| JitDumpError::new(4, "a header of 40 bytes", format!("{} bytes", bytes.len())))?
    }

    fn header(at: &mut Cursor<'a>, bytes: &'a [u8], endian: Endian) -> Option<Result<Self, JitDumpError>> {
        let (_magic, version, size, machine, _pad) = (at.u32()?, at.u32()?, at.u32()?, at.u32()?, at.u32()?);
        let (pid, time, flags) = (at.i32()?, at.u64()?, at.u64()?);
        if version != 1 {
            return Some(Err(JitDumpError::new(4, "version 1", version.to_string())));
        }
        let first = size as usize;
        if first < HEADER || first > bytes.len() {
            return Some(Err(JitDumpError::new(8, "the size of the header, at least 40", size.to_string())));
        }
        let arch_timestamp = flags & ARCH_TIMESTAMP != 0;
        Some(Ok(Self { endian, machine, pid, time, arch_timestamp, bytes, first }))
    }

    /// The records. One that is not whole, as the last of a running process may be, is an error and the last.
    pub fn records(&self) -> impl Iterator<Item = Result<JitRecord<'a>, JitDumpError>> + use<'a> {
        let (bytes, endian) = (self.bytes, self.endian);
        let mut at = self.first;
        std::iter::from_fn(move || {
            let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
            let outcome = record(rest, at, endian);
            match &outcome {
                Ok((_, size)) => at += size,
                Err(_) => at = bytes.len(),
            }
            Some(outcome.map(|(record, _)| record))
        })
    }
}

/// The record at the beginning of `rest`, and its bytes.
fn record(rest: &[u8], offset: usize, endian: Endian) -> Result<(JitRecord<'_>, usize), JitDumpError> {
    let short = || JitDumpError::new(offset, "a whole record", format!("{} bytes", rest.len()));
    let mut prefix = Cursor::new(rest, endian);
    let (Some(id), Some(size), Some(time)) = (prefix.u32(), prefix.u32(), prefix.u64()) else { return Err(short()) };
    let size = size as usize;
    if size < PREFIX {
        return Err(JitDumpError::new(offset, "a record of at least 16 bytes", format!("a size of {size}")));
    }
    let inside = rest.get(PREFIX..size).ok_or_else(short)?;
    let body = body(id, inside, endian)
        .ok_or_else(|| JitDumpError::new(offset, "what its id says", format!("{} bytes of id {id}", inside.len())))?;
    Ok((JitRecord { offset, time, body }, size))
}

fn body(id: u32, inside: &[u8], endian: Endian) -> Option<JitBody<'_>> {
    let at = &mut Cursor::new(inside, endian);
    Some(match id {
        0 => {
            let (pid, tid, vma, address) = (at.i32()?, at.i32()?, at.u64()?, at.u64()?);
            let (size, index, name) = (at.u64()?, at.u64()?, at.c_string()?);
            JitBody::Load(JitCode { pid, tid, vma, address, index, name, code: at.bytes_u64(size)? })
        }
        1 => JitBody::Move {
            pid: at.i32()?,
            tid: at.i32()?,
            vma: at.u64()?,
            old_address: at.u64()?,
            new_address: at.u64()?,
            size: at.u64()?,
            index: at.u64()?,
        },
        2 => JitBody::Lines(JitLines { address: at.u64()?, count: at.u64()?, entries: at.rest(), endian }),
        3 => JitBody::Close,
        4 => {
            let (size, header_size, mapped_size) = (at.u64()?, at.u64()?, at.u64()?);
            JitBody::Unwind { header_size, mapped_size, data: at.bytes_u64(size)? }
        }
        _ => JitBody::Unknown(id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Writer(Vec<u8>, Endian);

    impl Writer {
        fn new(endian: Endian) -> Self {
            let mut writer = Self(Vec::new(), endian);
            writer.u32s(&[MAGIC, 1, 40, 62, 0, 4001]);
            writer.u64s(&[1000, 0]);
            writer
        }

        fn u32s(&mut self, numbers: &[u32]) {
            for number in numbers {
                let bytes = if self.1 == Endian::Little { number.to_le_bytes() } else { number.to_be_bytes() };
                self.0.extend(bytes);
            }
        }

        fn u64s(&mut self, numbers: &[u64]) {
            for number in numbers {
                let bytes = if self.1 == Endian::Little { number.to_le_bytes() } else { number.to_be_bytes() };
                self.0.extend(bytes);
            }
        }

        fn record(&mut self, id: u32, time: u64, body: impl FnOnce(&mut Self)) {
            let mut inner = Self(Vec::new(), self.1);
            body(&mut inner);
            self.u32s(&[id, u32::try_from(inner.0.len() + PREFIX).unwrap()]);
            self.u64s(&[time]);
            self.0.append(&mut inner.0);
        }
    }

    fn example(endian: Endian) -> Vec<u8> {
        let mut writer = Writer::new(endian);
        writer.record(2, 1001, |body| {
            body.u64s(&[0x7000, 2, 0x7000]);
            body.u32s(&[10, 0]);
            body.0.extend(b"app.js\0");
            body.u64s(&[0x7008]);
            body.u32s(&[12, 1]);
            body.0.extend(b"\xff\0");
        });
        writer.record(4, 1001, |body| {
            body.u64s(&[4, 2, 0]);
            body.0.extend(b"cfi!");
        });
        writer.record(0, 1002, |body| {
            body.u32s(&[4001, 4002]);
            body.u64s(&[0x7000, 0x7000, 3, 1]);
            body.0.extend(b"hot_loop\0\x90\x90\xc3");
        });
        writer.record(1, 1003, |body| {
            body.u32s(&[4001, 4002]);
            body.u64s(&[0x8000, 0x7000, 0x8000, 3, 1]);
        });
        writer.record(9, 1004, |_| {});
        writer.record(3, 1005, |_| {});
        writer.0
    }

    #[test]
    fn every_record_in_both_byte_orders() {
        for endian in [Endian::Little, Endian::Big] {
            let bytes = example(endian);
            let dump = JitDump::parse(&bytes).unwrap();
            assert_eq!((dump.endian, dump.machine, dump.pid, dump.time), (endian, 62, 4001, 1000));
            assert!(!dump.arch_timestamp);
            let records: Vec<_> = dump.records().map(Result::unwrap).collect();
            assert_eq!(
                records.iter().map(|record| record.time).collect::<Vec<_>>(),
                [1001, 1001, 1002, 1003, 1004, 1005]
            );
            let JitBody::Lines(lines) = records[0].body else { panic!("{:?}", records[0]) };
            let found: Vec<_> =
                lines.iter().map(|line| (line.address, line.line, line.discriminator, line.file)).collect();
            assert_eq!(found, [(0x7000, 10, 0, &b"app.js"[..]), (0x7008, 12, 1, &b"app.js"[..])]);
            assert_eq!(records[1].body, JitBody::Unwind { header_size: 2, mapped_size: 0, data: b"cfi!" });
            let code = JitCode {
                pid: 4001,
                tid: 4002,
                vma: 0x7000,
                address: 0x7000,
                index: 1,
                name: b"hot_loop",
                code: b"\x90\x90\xc3",
            };
            assert_eq!(records[2].body, JitBody::Load(code));
            assert!(matches!(records[3].body, JitBody::Move { new_address: 0x8000, index: 1, .. }));
            assert_eq!((records[4].body, records[5].body), (JitBody::Unknown(9), JitBody::Close));
        }
    }

    #[test]
    fn a_cut_file_gives_what_is_before_the_cut() {
        let bytes = example(Endian::Little);
        let mut before = 0;
        for length in 0..bytes.len() {
            let Ok(dump) = JitDump::parse(&bytes[..length]) else {
                assert!(length < 40);
                continue;
            };
            let good = dump.records().flatten().count();
            assert!(good >= before && dump.records().count() <= good + 1);
            before = good;
        }
        assert_eq!(before, 5);
    }

    #[test]
    fn lies_are_told() {
        let refused = |bytes: &[u8]| JitDump::parse(bytes).unwrap_err().to_string();
        assert_eq!(refused(b"\x7fELF"), r#"offset 0x0: expected the magic number of a jitdump, found "\x7fELF""#);
        let mut bytes = example(Endian::Little);
        bytes[4] = 2;
        assert_eq!(refused(&bytes), "offset 0x4: expected version 1, found 2");
        bytes[4] = 1;
        bytes[8..12].fill(0xff);
        assert_eq!(refused(&bytes), "offset 0x8: expected the size of the header, at least 40, found 4294967295");
        bytes[8..12].copy_from_slice(&40_u32.to_le_bytes());
        bytes[44..48].copy_from_slice(&3_u32.to_le_bytes());
        let errors: Vec<_> = JitDump::parse(&bytes).unwrap().records().map(|record| record.unwrap_err()).collect();
        assert_eq!(errors[0].to_string(), "offset 0x28: expected a record of at least 16 bytes, found a size of 3");
        assert_eq!(errors.len(), 1);
    }
}
