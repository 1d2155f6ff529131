//! The function symbols of one ELF file.

use std::io::{Read, Seek};

use object::elf::{FileHeader32, FileHeader64, STT_FUNC};
use object::read::elf::{ElfFile, FileHeader, Sym as _};
use object::{Endianness, FileKind, Object, ObjectSection as _, ObjectSegment as _, ReadCache, ReadRef};

/// Functions of an ELF file by address (SVMA: the address that the file itself states).
#[derive(Debug, Default)]
pub struct Image {
    /// Sorted by address.
    symbols: Vec<Symbol>,
    /// The string tables of the file, each name with its NUL: a large library has hundreds of thousands of names, and
    /// only a few are ever asked for.
    names: Vec<u8>,
    /// `(file offset, length, address)` of the loadable segments.
    segments: Vec<(u64, u64, u64)>,
}

/// One function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Symbol {
    address: u64,
    size: u64,
    /// Where its name begins in [`Image::names`].
    name: usize,
}

/// A file that gives no symbols.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Not ELF, or damaged.
    #[error("not a readable ELF file: {0}")]
    NotElf(#[from] object::Error),
}

/// The most symbols that are taken from one file.
const MOST_SYMBOLS: usize = 4_000_000;

impl Image {
    /// Reads the symbol tables; only the parts of the file that hold them are read.
    pub fn read(file: impl Read + Seek) -> Result<Self, ImageError> {
        let cache = ReadCache::new(file);
        let mut image = Self::default();
        match FileKind::parse(&cache)? {
            FileKind::Elf32 => image.fill(&ElfFile::<FileHeader32<Endianness>, _>::parse(&cache)?)?,
            _ => image.fill(&ElfFile::<FileHeader64<Endianness>, _>::parse(&cache)?)?,
        }
        image.symbols.sort_unstable();
        image.symbols.dedup_by_key(|symbol| symbol.address);
        Ok(image)
    }

    fn fill<'d, H: FileHeader, R: ReadRef<'d>>(&mut self, file: &ElfFile<'d, H, R>) -> Result<(), ImageError> {
        let range = |segment: &object::read::elf::ElfSegment<'d, '_, H, R>| {
            let (offset, length) = segment.file_range();
            (offset, length, segment.address())
        };
        self.segments = file.segments().map(|segment| range(&segment)).collect();
        for table in [file.elf_symbol_table(), file.elf_dynamic_symbol_table()] {
            if table.is_empty() {
                continue;
            }
            // The string table is read at once: asking for one name after the other costs a read each.
            let strings = file.section_by_index(table.string_section())?.data()?;
            let base = self.names.len();
            self.names.extend_from_slice(strings);
            let endian = file.endian();
            for symbol in table.iter().take(MOST_SYMBOLS) {
                if symbol.st_type() == STT_FUNC && !symbol.is_undefined(endian) {
                    let name = base.saturating_add(symbol.st_name(endian) as usize);
                    let (address, size) = (symbol.st_value(endian).into(), symbol.st_size(endian).into());
                    self.symbols.push(Symbol { address, size, name });
                }
            }
        }
        Ok(())
    }

    /// The address that the file states for a byte at `offset` of the file.
    pub fn address_of_offset(&self, offset: u64) -> Option<u64> {
        self.segments.iter().find_map(|(start, length, address)| {
            let into = offset.checked_sub(*start)?;
            (into < *length).then(|| address.checked_add(into)).flatten()
        })
    }

    /// The function at `address`, demangled, and how far behind its start that is. A symbol without a size reaches to the
    /// next one.
    pub fn find(&self, address: u64) -> Option<(String, u64)> {
        let index = self.symbols.partition_point(|symbol| symbol.address <= address).checked_sub(1)?;
        let symbol = self.symbols.get(index)?;
        let into = address - symbol.address;
        (symbol.size == 0 || into < symbol.size).then(|| (demangle(&self.name(symbol)), into))
    }

    fn name(&self, symbol: &Symbol) -> String {
        let rest = self.names.get(symbol.name..).unwrap_or_default();
        let end = rest.iter().position(|&byte| byte == 0).unwrap_or(rest.len());
        String::from_utf8_lossy(&rest[..end]).into_owned()
    }

    /// Whether the file has no function symbols at all (stripped).
    pub fn is_stripped(&self) -> bool {
        self.symbols.is_empty()
    }
}

/// The name as written in the source.
fn demangle(name: &str) -> String {
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        return format!("{rust:#}");
    }
    if name.starts_with("_Z")
        && let Ok(symbol) = cpp_demangle::Symbol::new(name)
        && let Ok(text) = symbol.demangle()
    {
        return text;
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn own_executable_has_this_function() {
        let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        let image = Image::read(file).unwrap();
        let mine = |symbol: &&Symbol| image.name(symbol).contains("own_executable_has_this_function");
        let symbol = image.symbols.iter().find(mine).unwrap();
        assert!(symbol.size > 0);
        let (name, into) = image.find(symbol.address + 1).unwrap();
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

    #[test]
    fn names_are_demangled() {
        assert_eq!(demangle("_ZN4core3fmt5write17h0123456789abcdefE"), "core::fmt::write");
        assert_eq!(
            demangle("_ZNSt6vectorIiSaIiEE9push_backERKi"),
            "std::vector<int, std::allocator<int> >::push_back(int const&)"
        );
        assert_eq!(demangle("malloc"), "malloc");
    }
}
