//! The parts of an ELF file that symbols, build ids and line tables need, each read only when it is asked for.
//!
//! Layouts are those of the System V ABI (`elf.h`): 32 and 64 bit, both byte orders. Offsets and sizes that the file
//! states are compared with its length before anything is read, so that a hostile file costs no memory.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// `sh_type`: a symbol table.
pub(crate) const SHT_SYMTAB: u32 = 2;
/// `sh_type`: relocations with addends.
pub(crate) const SHT_RELA: u32 = 4;
/// `sh_type`: notes.
pub(crate) const SHT_NOTE: u32 = 7;
/// `sh_type`: a section without bytes in this file.
pub(crate) const SHT_NOBITS: u32 = 8;
/// `sh_type`: the dynamic symbol table.
pub(crate) const SHT_DYNSYM: u32 = 11;
/// `sh_flags`: in memory while the program runs.
pub(crate) const SHF_ALLOC: u64 = 1 << 1;
/// `sh_flags`: begins with a compression header.
pub(crate) const SHF_COMPRESSED: u64 = 1 << 11;
/// `p_type`: loaded into memory.
pub(crate) const PT_LOAD: u32 = 1;
/// `p_type`: notes.
pub(crate) const PT_NOTE: u32 = 4;
/// `e_machine` of 32-bit x86.
pub(crate) const EM_386: u16 = 3;
/// `e_machine` of 64-bit x86.
pub(crate) const EM_X86_64: u16 = 62;
/// `e_machine` of 32-bit ARM.
pub(crate) const EM_ARM: u16 = 40;
/// `e_machine` of 64-bit ARM.
pub(crate) const EM_AARCH64: u16 = 183;

/// Program headers and sections that are looked at in one file; a kernel module built with one section for each function
/// has some tens of thousands.
const MOST_HEADERS: u64 = 1 << 20;

/// A file that is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum ElfError {
    /// It could not be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It does not begin with `\x7fELF`, or its class or byte order is unknown.
    #[error("not an ELF file")]
    NotElf,
    /// Something that it states lies outside of it.
    #[error("{what} at offset {offset:#x} with {length:#x} bytes reaches beyond the end of the file")]
    Beyond {
        /// What was to be read.
        what: &'static str,
        /// Where it should begin.
        offset: u64,
        /// How long it should be.
        length: u64,
    },
    /// A compressed section that cannot be unpacked.
    #[error("a compressed section is damaged: {0}")]
    Compressed(String),
}

/// A section header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) kind: u32,
    pub(crate) flags: u64,
    pub(crate) address: u64,
    pub(crate) offset: u64,
    pub(crate) size: u64,
    pub(crate) link: u32,
    pub(crate) entry_size: u64,
}

/// A program header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) kind: u32,
    pub(crate) offset: u64,
    pub(crate) address: u64,
    pub(crate) file_size: u64,
    pub(crate) memory_size: u64,
}

/// Numbers in the class and byte order of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) wide: bool,
    pub(crate) little: bool,
}

impl Layout {
    fn bytes<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
        at.checked_add(N).and_then(|end| bytes.get(at..end)).and_then(|part| part.try_into().ok()).unwrap_or([0; N])
    }

    /// 16 bits at `at`; 0 beyond the end.
    pub(crate) fn half(self, bytes: &[u8], at: usize) -> u16 {
        let raw = Self::bytes(bytes, at);
        if self.little { u16::from_le_bytes(raw) } else { u16::from_be_bytes(raw) }
    }

    /// 32 bits at `at`; 0 beyond the end.
    pub(crate) fn word(self, bytes: &[u8], at: usize) -> u32 {
        let raw = Self::bytes(bytes, at);
        if self.little { u32::from_le_bytes(raw) } else { u32::from_be_bytes(raw) }
    }

    /// 64 bits at `at`; 0 beyond the end.
    pub(crate) fn long(self, bytes: &[u8], at: usize) -> u64 {
        let raw = Self::bytes(bytes, at);
        if self.little { u64::from_le_bytes(raw) } else { u64::from_be_bytes(raw) }
    }

    /// A number as wide as an address: in 64-bit files at `at64`, in 32-bit ones at `at32`.
    pub(crate) fn address(self, bytes: &[u8], at64: usize, at32: usize) -> u64 {
        if self.wide { self.long(bytes, at64) } else { self.word(bytes, at32).into() }
    }
}

/// The headers of a file: where everything is.
#[derive(Debug, Clone)]
pub(crate) struct Headers {
    pub(crate) layout: Layout,
    pub(crate) machine: u16,
    pub(crate) sections: Vec<Section>,
    pub(crate) segments: Vec<Segment>,
}

/// An open ELF file.
#[derive(Debug)]
pub(crate) struct Elf<R> {
    file: R,
    length: u64,
    pub(crate) headers: Headers,
}

impl<R> std::ops::Deref for Elf<R> {
    type Target = Headers;

    fn deref(&self) -> &Headers {
        &self.headers
    }
}

impl<R: Read + Seek> Elf<R> {
    /// Reads the headers.
    pub(crate) fn open(mut file: R) -> Result<Self, ElfError> {
        let length = file.seek(SeekFrom::End(0))?;
        let header = read_at(&mut file, length, "the ELF header", 0, length.min(64))?;
        let layout = Layout { wide: header.get(4) == Some(&2), little: header.get(5) == Some(&1) };
        let known = matches!(header.get(4), Some(1 | 2)) && matches!(header.get(5), Some(1 | 2));
        let long_enough = header.len() >= if layout.wide { 64 } else { 52 };
        if !header.starts_with(b"\x7fELF") || !known || !long_enough {
            return Err(ElfError::NotElf);
        }
        let machine = layout.half(&header, 18);
        let headers = Headers { layout, machine, sections: Vec::new(), segments: Vec::new() };
        let mut elf = Self { file, length, headers };
        elf.read_sections(&header)?;
        elf.read_segments(&header)?;
        Ok(elf)
    }

    fn read_sections(&mut self, header: &[u8]) -> Result<(), ElfError> {
        let layout = self.layout;
        let start = layout.address(header, 40, 32);
        let (entry_size, count, strings) = if layout.wide {
            (layout.half(header, 58), layout.half(header, 60), layout.half(header, 62))
        } else {
            (layout.half(header, 46), layout.half(header, 48), layout.half(header, 50))
        };
        if start == 0 || usize::from(entry_size) < if layout.wide { 64 } else { 40 } {
            return Ok(());
        }
        // With 0xff00 sections or more the numbers do not fit: the first section holds them.
        let first = self.read("the first section header", start, entry_size.into())?;
        let first = section(layout, &first).1;
        let count = if count == 0 { first.size } else { count.into() }.min(MOST_HEADERS);
        let strings = if strings == u16::MAX { first.link as usize } else { usize::from(strings) };
        let table = self.read("section headers", start, count.saturating_mul(entry_size.into()))?;
        let mut named: Vec<(u32, Section)> =
            table.chunks_exact(entry_size.into()).map(|bytes| section(layout, bytes)).collect();
        let table = named.get(strings).map(|(_, section)| (section.offset, section.size));
        // Sections without names are as good as none, but the program headers may still help.
        let strings =
            table.and_then(|(at, size)| self.read("the names of the sections", at, size).ok()).unwrap_or_default();
        for (name, section) in &mut named {
            section.name = String::from_utf8_lossy(c_string(&strings, *name)).into_owned();
        }
        self.headers.sections = named.into_iter().map(|(_, section)| section).collect();
        Ok(())
    }

    fn read_segments(&mut self, header: &[u8]) -> Result<(), ElfError> {
        let layout = self.layout;
        let start = layout.address(header, 32, 28);
        let (entry_size, count) = if layout.wide {
            (layout.half(header, 54), layout.half(header, 56))
        } else {
            (layout.half(header, 42), layout.half(header, 44))
        };
        if start == 0 || usize::from(entry_size) < if layout.wide { 56 } else { 32 } {
            return Ok(());
        }
        let table = self.read("program headers", start, u64::from(count) * u64::from(entry_size))?;
        let segment = |bytes: &[u8]| Segment {
            kind: layout.word(bytes, 0),
            offset: layout.address(bytes, 8, 4),
            address: layout.address(bytes, 16, 8),
            file_size: layout.address(bytes, 32, 16),
            memory_size: layout.address(bytes, 40, 20),
        };
        self.headers.segments = table.chunks_exact(entry_size.into()).map(segment).collect();
        Ok(())
    }

    /// Bytes of the whole file.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Bytes of the file; `what` names them in the error.
    pub(crate) fn read(&mut self, what: &'static str, offset: u64, length: u64) -> Result<Vec<u8>, ElfError> {
        read_at(&mut self.file, self.length, what, offset, length)
    }

    /// The bytes of a section, unpacked if they are compressed; nothing for one that has none in this file.
    pub(crate) fn data(&mut self, section: &Section) -> Result<Vec<u8>, ElfError> {
        if section.kind == SHT_NOBITS {
            return Ok(Vec::new());
        }
        let bytes = self.read("a section", section.offset, section.size)?;
        if section.flags & SHF_COMPRESSED == 0 {
            return Ok(bytes);
        }
        crate::compressed::section(self.layout, &bytes)
    }

    /// The bytes of the section of a name, to be shared, without a second copy of a large one; nothing if there is none.
    pub(crate) fn shared_data_of(&mut self, name: &str) -> Result<Arc<[u8]>, ElfError> {
        let Some(section) = self.section(name).cloned() else { return Ok(Arc::new([])) };
        if section.kind == SHT_NOBITS {
            return Ok(Arc::new([]));
        }
        if section.flags & SHF_COMPRESSED != 0 {
            let bytes = self.read("a section", section.offset, section.size)?;
            return crate::compressed::shared(self.layout, &bytes);
        }
        let (offset, length) = (section.offset, section.size);
        let beyond = ElfError::Beyond { what: "a section", offset, length };
        let inside = offset.checked_add(length).is_some_and(|end| end <= self.length);
        let Some(count) = usize::try_from(length).ok().filter(|_| inside) else { return Err(beyond) };
        let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, count).collect();
        self.file.seek(SeekFrom::Start(offset))?;
        if let Some(bytes) = Arc::get_mut(&mut bytes) {
            self.file.read_exact(bytes)?;
        }
        Ok(bytes)
    }

    /// The bytes of the section of a name; nothing if there is none.
    pub(crate) fn data_of(&mut self, name: &str) -> Result<Vec<u8>, ElfError> {
        match self.section(name).cloned() {
            Some(section) => self.data(&section),
            None => Ok(Vec::new()),
        }
    }
}

impl Headers {
    /// Where the bytes of the section of a name are in the file: nowhere without one. `None` if they must be unpacked first.
    pub(crate) fn place_of(&self, name: &str) -> Option<std::ops::Range<u64>> {
        match self.section(name).filter(|section| section.kind != SHT_NOBITS) {
            None => Some(0..0),
            Some(section) if section.flags & SHF_COMPRESSED != 0 => None,
            Some(section) => Some(section.offset..section.offset.saturating_add(section.size)),
        }
    }

    /// The section of a name.
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The section of a number; none for the reserved numbers.
    pub(crate) fn section_at(&self, index: u16) -> Option<&Section> {
        (index != 0 && index < 0xff00).then(|| self.sections.get(usize::from(index))).flatten()
    }

    /// The offset in the file of an address that the file states for itself.
    pub(crate) fn offset_of(&self, address: u64) -> Option<u64> {
        let segment = self.segment_of(address)?;
        let into = address - segment.address;
        (into < segment.file_size).then(|| segment.offset.checked_add(into)).flatten()
    }

    /// The loaded segment that holds an address.
    pub(crate) fn segment_of(&self, address: u64) -> Option<&Segment> {
        self.segments.iter().find(|segment| {
            let size = segment.memory_size.max(segment.file_size);
            segment.kind == PT_LOAD && address.checked_sub(segment.address).is_some_and(|into| into < size)
        })
    }
}

fn section(layout: Layout, bytes: &[u8]) -> (u32, Section) {
    let section = Section {
        name: String::new(),
        kind: layout.word(bytes, 4),
        flags: layout.address(bytes, 8, 8),
        address: layout.address(bytes, 16, 12),
        offset: layout.address(bytes, 24, 16),
        size: layout.address(bytes, 32, 20),
        link: layout.word(bytes, if layout.wide { 40 } else { 24 }),
        entry_size: layout.address(bytes, 56, 36),
    };
    (layout.word(bytes, 0), section)
}

/// The bytes from `at` up to the NUL, or to the end.
pub(crate) fn c_string(bytes: &[u8], at: u32) -> &[u8] {
    let rest = bytes.get(at as usize..).unwrap_or_default();
    memchr::memchr(0, rest).map_or(rest, |end| &rest[..end])
}

fn read_at(
    file: &mut (impl Read + Seek),
    file_length: u64,
    what: &'static str,
    offset: u64,
    length: u64,
) -> Result<Vec<u8>, ElfError> {
    let beyond = || ElfError::Beyond { what, offset, length };
    if offset.checked_add(length).is_none_or(|end| end > file_length) {
        return Err(beyond());
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| beyond())?];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn this_executable_has_sections_and_segments() {
        let elf = Elf::open(std::fs::File::open(std::env::current_exe().unwrap()).unwrap()).unwrap();
        let text = elf.section(".text").unwrap();
        let segment = elf.segment_of(text.address).unwrap();
        assert_eq!(text.address - segment.address, text.offset - segment.offset);
        assert!(elf.section(".symtab").is_some_and(|section| section.kind == SHT_SYMTAB));
    }

    #[test]
    fn other_bytes_are_errors() {
        assert!(matches!(Elf::open(Cursor::new(b"")), Err(ElfError::NotElf)));
        assert!(matches!(Elf::open(Cursor::new(b"\x7fELF\x02\x01\x01 and no more")), Err(ElfError::NotElf)));
        let mut file = [0; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        assert!(Elf::open(Cursor::new(&file)).unwrap().sections.is_empty());
        // A table of sections far away.
        (file[46], file[58]) = (1, 64);
        assert!(matches!(Elf::open(Cursor::new(&file)), Err(ElfError::Beyond { .. })));
    }
}
