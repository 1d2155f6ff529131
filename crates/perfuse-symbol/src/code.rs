//! The machine code of a file that ran.

use crate::demangle::Demangle;
use crate::disasm::{Isa, Labels};
use crate::dso::{DsoSpec, SymbolOptions};
use crate::elf::{EM_386, EM_AARCH64, EM_X86_64, Elf, PT_LOAD, SHF_ALLOC};
use crate::files::{Files, Source};
use crate::find;

/// A file, opened for its code.
#[derive(Debug)]
pub struct CodeFile<F> {
    elf: Elf<Source<F>>,
}

impl<F: std::io::Read + std::io::Seek> CodeFile<F> {
    /// The file of a mapping: from the build-id cache or from its path. `None` if it is not there, or of another build.
    pub fn open<A: Files<File = F>>(files: &A, spec: &DsoSpec<'_>, options: &SymbolOptions) -> Option<Self> {
        find::running_file(files, spec, options).map(|elf| Self { elf })
    }

    /// A file by its path alone: an image of a kernel.
    pub fn at<A: Files<File = F>>(files: &A, path: &str) -> Option<Self> {
        let elf = Elf::open(Source::File(files.open(path).ok()?)).ok()?;
        Some(Self { elf })
    }

    /// Whether its code is 64-bit code.
    pub fn is_wide(&self) -> bool {
        self.elf.layout.wide
    }

    /// Its instruction set, if it is one that is known here.
    pub fn isa(&self) -> Option<Isa> {
        match (self.elf.machine, self.elf.layout.wide) {
            (EM_X86_64, true) => Some(Isa::X86Wide),
            (EM_X86_64 | EM_386, _) => Some(Isa::X86Narrow),
            (EM_AARCH64, true) => Some(Isa::Aarch64),
            _ => None,
        }
    }

    /// The address that the file states for an offset of its own.
    pub fn address_of(&self, offset: u64) -> Option<u64> {
        self.elf.segments.iter().filter(|segment| segment.kind == PT_LOAD).find_map(|segment| {
            let into = offset.checked_sub(segment.offset)?;
            (into < segment.file_size).then(|| segment.address.checked_add(into)).flatten()
        })
    }

    /// The offset in the file of an address that it states.
    pub fn offset_of(&self, address: u64) -> Option<u64> {
        let segment = self.elf.segment_of(address)?;
        let into = address - segment.address;
        (into < segment.file_size).then(|| segment.offset.checked_add(into)).flatten()
    }

    /// The name of the section that holds an address.
    pub fn section_of(&self, address: u64) -> Option<&str> {
        let holds = |section: &&crate::elf::Section| {
            section.flags & SHF_ALLOC != 0
                && address.checked_sub(section.address).is_some_and(|into| into < section.size)
        };
        self.elf.sections.iter().find(holds).map(|section| section.name.as_str())
    }

    /// What objdump calls its addresses; `symbols` is the path of the file with its symbols, if that is another one.
    pub fn labels<A: Files<File = F>>(&mut self, files: &A, symbols: Option<&str>, demangle: Demangle) -> Labels {
        let other = symbols.and_then(|path| files.open(path).ok()).and_then(|file| Elf::open(Source::File(file)).ok());
        let mut other = other;
        Labels::read(&mut self.elf, other.as_mut(), demangle).unwrap_or_default()
    }

    /// The bytes at an offset of the file, at most `most`; fewer at its end, none where it cannot be read.
    pub fn read(&mut self, offset: u64, most: usize) -> Vec<u8> {
        let length = self.elf.length().saturating_sub(offset).min(most as u64);
        self.elf.read("code", offset, length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::HostFiles;

    #[test]
    fn the_bytes_are_those_of_the_file() {
        let path = std::env::current_exe().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let path = path.to_string_lossy().into_owned();
        let files = HostFiles(PathBuf::from("/"));
        let open = |build_id| {
            let spec = DsoSpec { path: &path, build_id, ..DsoSpec::default() };
            CodeFile::open(&files, &spec, &SymbolOptions::default())
        };
        let mut file = open(None).unwrap();
        assert!(file.is_wide());
        assert_eq!(file.read(4096, 16), bytes[4096..4112]);
        assert_eq!(file.read(bytes.len() as u64 - 3, 16).len(), 3);
        assert!(file.read(u64::MAX, 16).is_empty());
        assert!(open(Some(&[7; 20])).is_none());
    }
}
