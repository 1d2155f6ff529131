//! `/proc/sys/fs/file-nr`: open files of the whole host (proc(5)).

use crate::parse::{FromBytes, ParseError, fields, unsigned};

/// Open files of the whole host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileNr {
    /// Open file descriptions.
    pub allocated: u64,
    /// Allocated and free; 0 since Linux 2.6.
    pub unused: u64,
    /// `fs.file-max`: where open(2) begins to return ENFILE.
    pub max: u64,
}

impl FromBytes for FileNr {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut numbers = fields(bytes).map(unsigned);
        let mut next = || numbers.next().flatten().ok_or_else(|| ParseError::new(1, "three numbers", bytes));
        Ok(Self { allocated: next()?, unused: next()?, max: next()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_numbers() {
        let files = FileNr::from_bytes(b"594\t0\t2466165\n").unwrap();
        assert_eq!((files.allocated, files.unused, files.max), (594, 0, 2_466_165));
        // The default of a 64-bit kernel since 5.x.
        assert_eq!(FileNr::from_bytes(b"1 0 9223372036854775807\n").unwrap().max, 9_223_372_036_854_775_807);
        for bad in [&b""[..], b"1 2", b"1 2 x"] {
            assert!(FileNr::from_bytes(bad).is_err());
        }
    }
}
