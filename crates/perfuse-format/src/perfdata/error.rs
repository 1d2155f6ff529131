//! What is wrong with a file, and where.

/// A place in a `perf.data` that is not what the format says. As damage it does not end the reading: what stands
/// before it is given all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("offset {offset:#x}: expected {expected}, found {found}")]
pub struct PerfDataError {
    /// Bytes from the beginning of the file.
    pub offset: u64,
    /// What the format asks for here.
    pub expected: &'static str,
    /// What stands there.
    pub found: String,
}

impl PerfDataError {
    /// An error at `offset`.
    pub fn new(offset: u64, expected: &'static str, found: impl Into<String>) -> Self {
        Self { offset, expected, found: found.into() }
    }
}

/// Why a record could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Its id belongs to no event of the file.
    #[error("record at {offset:#x}: no event has the id {id}")]
    UnknownId {
        /// Where the record stands.
        offset: u64,
        /// The id.
        id: u64,
    },
    /// The file has no events at all.
    #[error("record at {offset:#x}: the file describes no events")]
    NoEvents {
        /// Where the record stands.
        offset: u64,
    },
    /// It is not long enough for what its event puts in it.
    #[error("record at {offset:#x}: {field} needs more bytes than the record has")]
    Short {
        /// Where the record stands.
        offset: u64,
        /// What was to be read.
        field: &'static str,
    },
    /// It is no sample.
    #[error("record at {offset:#x}: type {kind} is no sample")]
    NoSample {
        /// Where the record stands.
        offset: u64,
        /// Its type.
        kind: u32,
    },
}
