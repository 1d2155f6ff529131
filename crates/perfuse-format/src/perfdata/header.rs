//! The first bytes of a file: `struct perf_file_header`, or the short one of a pipe.

use crate::perfdata::attr::Endian;
use crate::perfdata::cursor::Cursor;
use crate::perfdata::error::PerfDataError;

/// The magic bytes as they stand in a file whose numbers begin with the least significant byte.
pub const MAGIC: &[u8; 8] = b"PERFILE2";

/// Bytes of the header of a file.
pub const FILE_HEADER_SIZE: u64 = 104;

/// Bytes of the header of a pipe.
pub const PIPE_HEADER_SIZE: u64 = 16;

/// A part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Section {
    /// Bytes from the beginning of the file.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
}

impl Section {
    /// The first byte behind it.
    pub fn end(self) -> u64 {
        self.offset.saturating_add(self.size)
    }

    /// What of it is there.
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        bytes.get(clamp(self.offset)..clamp(self.end())).unwrap_or_default()
    }
}

/// How the file is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// With sections that are found through the header.
    #[default]
    File,
    /// Everything in records, as it goes through a pipe.
    Pipe,
}

/// The header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileHeader {
    /// File or pipe.
    pub mode: Mode,
    /// Byte order of all numbers.
    pub endian: Endian,
    /// Bytes of the header itself.
    pub size: u64,
    /// Bytes of one entry of `attrs`: a `perf_event_attr` and the section of its ids.
    pub attr_size: u64,
    /// The events.
    pub attrs: Section,
    /// The records.
    pub data: Section,
    /// Which features stand behind the records: bit `n % 64` of number `n / 64`.
    pub features: [u64; 4],
}

impl FileHeader {
    /// Whether feature `number` is there.
    pub fn has_feature(&self, number: u32) -> bool {
        let word = self.features.get(number as usize / 64).copied().unwrap_or_default();
        word >> (number % 64) & 1 != 0
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, PerfDataError> {
        let endian = match bytes.first_chunk::<8>() {
            Some(MAGIC) => Endian::Little,
            Some(b"2ELIFREP") => Endian::Big,
            Some(b"PERFFILE") => {
                return Err(PerfDataError::new(0, "PERFILE2", "PERFFILE: the format of before Linux 3.1"));
            }
            _ => {
                let found = bytes.get(..bytes.len().min(8)).unwrap_or_default().escape_ascii().to_string();
                return Err(PerfDataError::new(0, "PERFILE2: a perf.data file", format!("\"{found}\"")));
            }
        };
        let short = || PerfDataError::new(8, "a header of 104 bytes, or of 16 in a pipe", format!("{}", bytes.len()));
        let mut at = Cursor::new(bytes.get(8..).unwrap_or_default(), endian);
        let size = at.u64().ok_or_else(short)?;
        if size == PIPE_HEADER_SIZE {
            let data =
                Section { offset: PIPE_HEADER_SIZE, size: (bytes.len() as u64).saturating_sub(PIPE_HEADER_SIZE) };
            return Ok(Self { mode: Mode::Pipe, endian, size, data, ..Self::default() });
        }
        if size < FILE_HEADER_SIZE {
            return Err(PerfDataError::new(8, "104, or 16 in a pipe", size.to_string()));
        }
        Self::file(&mut at, endian, size).ok_or_else(short)
    }

    fn file(at: &mut Cursor<'_>, endian: Endian, size: u64) -> Option<Self> {
        let attr_size = at.u64()?;
        let mut section = || Some(Section { offset: at.u64()?, size: at.u64()? });
        let (attrs, data, _event_types) = (section()?, section()?, section()?);
        let mut features = [0; 4];
        for word in &mut features {
            *word = at.u64()?;
        }
        // A machine of 32 bits and the other byte order swaps the halves of each word. HOSTNAME is always there.
        if endian == Endian::Big && features.iter().any(|word| *word != 0) && features[0] & 1 << 3 == 0 {
            for word in &mut features {
                *word = word.rotate_left(32);
            }
        }
        Some(Self { mode: Mode::File, endian, size, attr_size, attrs, data, features })
    }
}
