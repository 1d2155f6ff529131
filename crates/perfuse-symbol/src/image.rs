//! The function symbols of one ELF file.

use std::io::{Read, Seek};

use crate::demangle::Demangle;
use crate::elf::{Elf, ElfError, PT_LOAD, Segment};
use crate::load::{self, Space};
use crate::table::{STT_FUNC, Table};

/// Functions of an ELF file by address (SVMA: the address that the file itself states).
#[derive(Debug, Default)]
pub struct Image {
    table: Table,
    segments: Vec<Segment>,
}

/// A file that gives no symbols.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Not ELF, or damaged.
    #[error("not a readable ELF file: {0}")]
    NotElf(#[from] ElfError),
}

impl Image {
    /// Reads the symbol tables; only the parts of the file that hold them are read.
    pub fn read(file: impl Read + Seek) -> Result<Self, ImageError> {
        let mut elf = Elf::open(file)?;
        let table = load::symbols(&mut elf, None, Space::Addresses(0), Demangle::default())?;
        let segments = elf.headers.segments.into_iter().filter(|segment| segment.kind == PT_LOAD).collect();
        Ok(Self { table, segments })
    }

    /// The address that the file states for a byte at `offset` of the file.
    pub fn address_of_offset(&self, offset: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let into = offset.checked_sub(segment.offset)?;
            (into < segment.file_size).then(|| segment.address.checked_add(into)).flatten()
        })
    }

    /// The function at `address`, demangled with the types of its parameters, and how far behind its start that is. A
    /// symbol without a size reaches to the next one.
    pub fn find(&self, address: u64) -> Option<(String, u64)> {
        let index = self.table.find(address)?;
        let name = String::from_utf8_lossy(self.table.raw_name(index)).into_owned();
        let full = Demangle { on: true, parameters: true };
        Some((full.name(&name).into_owned(), address - self.table.entry(index)?.start))
    }

    /// Whether the file has no function symbols at all (stripped).
    pub fn is_stripped(&self) -> bool {
        !(0..self.table.len()).any(|index| self.table.entry(index).is_some_and(|entry| entry.kind == STT_FUNC))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn own_executable_has_this_function() {
        let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        let image = Image::read(file).unwrap();
        let mine = |index: &usize| {
            String::from_utf8_lossy(image.table.raw_name(*index)).contains("own_executable_has_this_function")
        };
        let symbol = image.table.entry((0..image.table.len()).find(mine).unwrap()).unwrap();
        assert!(symbol.end > symbol.start);
        let (name, into) = image.find(symbol.start + 1).unwrap();
        assert!(
            name.ends_with("own_executable_has_this_function") || name.contains("own_executable_has_this_function::"),
            "{name}"
        );
        assert_eq!(into, 1);
        assert!(!image.is_stripped());
    }

    #[test]
    fn other_bytes_are_an_error() {
        assert!(Image::read(Cursor::new(b"")).is_err());
        assert!(Image::read(Cursor::new(b"\x7fELF\x02\x01\x01 and then nothing")).is_err());
    }
}
