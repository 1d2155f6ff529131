//! The machine code of a file that ran.

use crate::dso::{DsoSpec, SymbolOptions};
use crate::elf::Elf;
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

    /// Whether its code is 64-bit code.
    pub fn is_wide(&self) -> bool {
        self.elf.layout.wide
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
