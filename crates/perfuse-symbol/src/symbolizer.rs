//! From an address of the kernel or of a process to a function.

use std::collections::BTreeMap;

use perfuse_format::FromBytes;
use perfuse_format::proc::kallsyms::Kallsyms;
use perfuse_format::proc::maps::{Mapping, Maps};

use crate::files::{Files, read};
use crate::image::Image;

/// A function, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Symbolized {
    /// The function.
    Known {
        /// Its name, demangled.
        name: String,
        /// File or kernel module; empty for the kernel itself.
        module: String,
        /// Bytes from its start to the address.
        offset: u64,
    },
    /// No function.
    Unknown(Unknown),
}

/// Why an address has no function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// `/proc/kallsyms` shows no addresses (`kernel.kptr_restrict`, or not privileged).
    KernelHidden,
    /// The process has ended, or its maps may not be read.
    NoMaps,
    /// No mapping of the process holds the address.
    Unmapped,
    /// Code without a file: just-in-time compiled.
    Anonymous,
    /// The file cannot be read or is not ELF.
    NoFile(String),
    /// The file has no symbol for it (stripped).
    NoSymbol(String),
}

impl Symbolized {
    /// The name for a call chain: the function, or the module in brackets.
    pub fn label(&self) -> String {
        let file = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        match self {
            Self::Known { name, .. } => name.clone(),
            Self::Unknown(Unknown::NoFile(path) | Unknown::NoSymbol(path)) => format!("[{}]", file(path)),
            Self::Unknown(Unknown::Anonymous) => "[jit]".to_owned(),
            Self::Unknown(Unknown::KernelHidden) => "[kernel]".to_owned(),
            Self::Unknown(Unknown::NoMaps | Unknown::Unmapped) => "[unknown]".to_owned(),
        }
    }
}

/// Files with symbols that are kept; the least recently read are forgotten first.
const MOST_IMAGES: usize = 24;

/// Finds functions; keeps what it has read.
#[derive(Debug)]
pub struct Symbolizer<F> {
    files: F,
    kernel: Option<Kallsyms>,
    maps: BTreeMap<u32, Option<Maps>>,
    images: BTreeMap<(String, u64), Option<Image>>,
}

impl<F: Files> Symbolizer<F> {
    /// A symbolizer that has read nothing.
    pub fn new(files: F) -> Self {
        Self { files, kernel: None, maps: BTreeMap::new(), images: BTreeMap::new() }
    }

    /// The kernel function at `address`.
    pub fn kernel(&mut self, address: u64) -> Symbolized {
        if self.kernel.is_none() {
            let bytes = read(&self.files, "/proc/kallsyms", 64 << 20).unwrap_or_default();
            self.kernel = Some(Kallsyms::from_bytes(&bytes).unwrap_or_default());
        }
        let found = self.kernel.as_ref().and_then(|kernel| kernel.find(address));
        found.map_or(Symbolized::Unknown(Unknown::KernelHidden), |(name, module, offset)| Symbolized::Known {
            name: name.to_owned(),
            module: module.to_owned(),
            offset,
        })
    }

    /// The function at `address` of process `pid`. A return address should be looked up at minus one: the call may be
    /// the last instruction of its function (a call that does not return).
    pub fn user(&mut self, pid: u32, address: u64) -> Symbolized {
        let files = &self.files;
        let maps = self.maps.entry(pid).or_insert_with(|| {
            let bytes = read(files, &format!("/proc/{pid}/maps"), 64 << 20).ok()?;
            Maps::from_bytes(&bytes).ok().filter(|maps| !maps.0.is_empty())
        });
        let Some(maps) = maps else { return Symbolized::Unknown(Unknown::NoMaps) };
        let Some(mapping) = maps.find(address).cloned() else { return Symbolized::Unknown(Unknown::Unmapped) };
        if !mapping.path.starts_with('/') {
            return Symbolized::Unknown(Unknown::Anonymous);
        }
        let path = mapping.path.clone();
        let Some(image) = self.image(pid, &mapping) else { return Symbolized::Unknown(Unknown::NoFile(path)) };
        let offset = address - mapping.start + mapping.offset;
        let found = image.address_of_offset(offset).and_then(|address| image.find(address));
        match found {
            Some((name, offset)) => Symbolized::Known { name, module: path, offset },
            None => Symbolized::Unknown(Unknown::NoSymbol(path)),
        }
    }

    /// Another one that knows the maps of the same processes, and has read no symbols.
    #[must_use]
    pub fn another(&self) -> Self
    where
        F: Clone,
    {
        Self { maps: self.maps.clone(), ..Self::new(self.files.clone()) }
    }

    /// Forgets what belongs to processes: pids are reused.
    pub fn forget_processes(&mut self) {
        self.maps.clear();
    }

    fn image(&mut self, pid: u32, mapping: &Mapping) -> Option<&Image> {
        let key = (mapping.path.clone(), mapping.inode);
        if !self.images.contains_key(&key) {
            if self.images.len() >= MOST_IMAGES {
                self.images.pop_first();
            }
            // In a container the path is the process's own view of the filesystem.
            let own = format!("/proc/{pid}/root{}", mapping.path);
            let mapped = format!("/proc/{pid}/map_files/{:x}-{:x}", mapping.start, mapping.end);
            let file = [own, mapping.path.clone(), mapped].iter().find_map(|path| self.files.open(path).ok());
            self.images.insert(key.clone(), file.and_then(|file| Image::read(file).ok()));
        }
        self.images.get(&key).and_then(Option::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::files::HostFiles;

    fn here() -> Symbolizer<HostFiles> {
        Symbolizer::new(HostFiles(PathBuf::from("/")))
    }

    #[inline(never)]
    fn a_function_of_our_own() -> u64 {
        std::hint::black_box(7)
    }

    #[test]
    fn a_function_of_this_process_is_found() {
        let address = a_function_of_our_own as fn() -> u64 as usize as u64;
        assert_eq!(a_function_of_our_own(), 7);
        let found = here().user(std::process::id(), address);
        assert!(found.label().contains("a_function_of_our_own"), "{found:?}");
    }

    #[test]
    fn what_cannot_be_known_says_why() {
        let mut symbolizer = here();
        assert_eq!(symbolizer.user(u32::MAX, 1), Symbolized::Unknown(Unknown::NoMaps));
        assert_eq!(symbolizer.user(std::process::id(), 1), Symbolized::Unknown(Unknown::Unmapped));
        let mut empty = Symbolizer::new(HostFiles(PathBuf::from("/nonexistent")));
        assert_eq!(empty.kernel(1), Symbolized::Unknown(Unknown::KernelHidden));
    }
}
