//! The file with the debug information of a binary or of a kernel.

use std::io::{Cursor, Read, Seek};

use gimli::{EndianSlice, RunTimeEndian, SectionId, UnwindSection as _};

use super::unit::Slice;
use crate::candidates;
use crate::demangle::Demangle;
use crate::dso::{DsoKind, DsoSpec, SymbolOptions};
use crate::elf::{Elf, ElfError, PT_LOAD, SHT_NOBITS, Segment};
use crate::files::Files;
use crate::find;
use crate::lines::{endian, shared_file};
use crate::load::{self, Space};
use crate::table::Table;
use crate::{build_id, is_same_build_id};

/// Why there is no debug information to look into.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file cannot be read or is no ELF file.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        #[source]
        error: ElfError,
    },
    /// Neither the file nor one of those that may hold its debug information has any.
    #[error("{path} has no debug information (DWARF), and no separate file with it was found ({tried} places)")]
    None {
        /// The file.
        path: String,
        /// How many other files were looked for.
        tried: usize,
    },
    /// An object file that was not linked (a kernel module): addresses are not in it yet.
    #[error("{path} is not linked: the addresses in its debug information are not known yet")]
    Relocatable {
        /// The file.
        path: String,
    },
}

/// Sections of a file: in a mapping of it, or read.
#[derive(Debug)]
enum Bytes {
    Mapped(&'static [u8]),
    Kept(Vec<u8>),
}

impl Bytes {
    fn all(&self) -> &[u8] {
        match self {
            Self::Mapped(bytes) => bytes,
            Self::Kept(bytes) => bytes,
        }
    }
}

/// The debug information of one binary or kernel, opened to look for places of probes in it. Of a file that can be mapped
/// nothing is read ahead.
pub struct Source {
    sections: gimli::DwarfSections<Bytes>,
    shared: Option<gimli::DwarfSections<Bytes>>,
    eh_frame: Bytes,
    debug_frame: Bytes,
    bases: gimli::BaseAddresses,
    endian: RunTimeEndian,
    wide: bool,
    machine: u16,
    segments: Vec<Segment>,
    /// The symbols of a file that is not mapped; of one that is, they are read when they are asked for.
    symbols: Table,
    mapped: Option<&'static [u8]>,
    path: String,
    build_id: Option<Vec<u8>>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Source").field("path", &self.path).finish_non_exhaustive()
    }
}

fn has_information<R>(elf: &Elf<R>) -> bool {
    elf.section(".debug_info").is_some_and(|section| section.kind != SHT_NOBITS && section.size > 0)
}

impl Source {
    /// Opens the debug information of the binary or kernel image at `path`: its own, or that of a separate file that has
    /// the same build id or that `.gnu_debuglink` names.
    pub fn open<F: Files>(files: &F, path: &str, options: &SymbolOptions) -> Result<Self, SourceError> {
        let failed = |error: ElfError| SourceError::File { path: path.to_owned(), error };
        let open = |path: &str| Elf::open(files.open(path)?);
        let mut own = open(path).map_err(failed)?;
        let id = build_id::of(&mut own).ok().flatten();
        let segments: Vec<Segment> = own.segments.iter().copied().filter(|each| each.kind == PT_LOAD).collect();
        if own.segments.is_empty() && own.section(".rela.debug_info").is_some() {
            return Err(SourceError::Relocatable { path: path.to_owned() });
        }
        if has_information(&own) {
            return Self::load(files, path, own, segments, id).map_err(failed);
        }
        let link = candidates::debug_link(&mut own);
        let spec = DsoSpec { path, kind: DsoKind::File, build_id: id.as_deref(), ..DsoSpec::default() };
        let name = link.as_ref().map(|(name, _)| name.as_str());
        let others = candidates::files(&spec, id.as_deref(), name, options);
        for other in &others {
            let Ok(mut elf): Result<_, ElfError> = open(other) else { continue };
            let same = match (&id, build_id::of(&mut elf).ok().flatten()) {
                (Some(own), Some(other)) => is_same_build_id(own, &other),
                // Without ids, only the link can tell that they belong together.
                (None, None) => {
                    link.as_ref().is_some_and(|(name, crc)| other.ends_with(name) && find::has_crc(files, other, *crc))
                }
                _ => false,
            };
            if same && has_information(&elf) {
                let failed = |error| SourceError::File { path: other.clone(), error };
                return Self::load(files, other, elf, segments, id).map_err(failed);
            }
        }
        Err(SourceError::None { path: path.to_owned(), tried: others.len() })
    }

    fn load<F: Files>(
        files: &F,
        path: &str,
        mut elf: Elf<F::File>,
        segments: Vec<Segment>,
        build_id: Option<Vec<u8>>,
    ) -> Result<Self, ElfError> {
        let mapped = files.map(path);
        let sections = gimli::DwarfSections::load(|id: SectionId| section(&mut elf, mapped, id.name()))?;
        let eh_frame = section(&mut elf, mapped, ".eh_frame")?;
        let debug_frame = section(&mut elf, mapped, ".debug_frame")?;
        let shared = match shared_file(&mut elf, path) {
            Some(path) => files.open(&path).ok().and_then(|file| {
                let mut elf = Elf::open(file).ok()?;
                let mapped = files.map(&path);
                gimli::DwarfSections::load(|id: SectionId| section(&mut elf, mapped, id.name())).ok()
            }),
            None => None,
        };
        let address = |name: &str| elf.section(name).map_or(0, |section| section.address);
        let bases = gimli::BaseAddresses::default().set_text(address(".text")).set_eh_frame(address(".eh_frame"));
        let symbols = if mapped.is_none() { table(&mut elf) } else { Table::default() };
        Ok(Self {
            sections,
            shared,
            eh_frame,
            debug_frame,
            bases,
            endian: endian(&elf),
            wide: elf.layout.wide,
            machine: elf.machine,
            segments,
            symbols,
            mapped,
            path: path.to_owned(),
            build_id,
        })
    }

    /// The file that holds the debug information.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The build id of the binary.
    pub fn build_id(&self) -> Option<&[u8]> {
        self.build_id.as_deref()
    }

    /// The offset in the binary of an address that it states; `None` if it is in no part that is loaded.
    pub fn file_offset(&self, address: u64) -> Option<u64> {
        let segment = self.segments.iter().find(|segment| {
            address.checked_sub(segment.address).is_some_and(|into| into < segment.memory_size.max(segment.file_size))
        })?;
        Some(address.wrapping_sub(segment.address.wrapping_sub(segment.offset)))
    }

    /// `e_machine` of the file, which tells what its registers are called.
    pub(super) fn machine(&self) -> u16 {
        self.machine
    }

    /// Whether addresses have eight bytes.
    pub(super) fn is_wide(&self) -> bool {
        self.wide
    }

    pub(super) fn is_little(&self) -> bool {
        self.endian == RunTimeEndian::Little
    }

    pub(super) fn slice<'a>(&self, bytes: &'a [u8]) -> Slice<'a> {
        EndianSlice::new(bytes, self.endian)
    }

    pub(super) fn dwarf(&self) -> gimli::Dwarf<Slice<'_>> {
        let mut dwarf = self.sections.borrow(|bytes| self.slice(bytes.all()));
        if let Some(shared) = &self.shared {
            dwarf.set_sup(shared.borrow(|bytes| self.slice(bytes.all())));
        }
        dwarf
    }

    /// The symbol at an address, and where it begins: the one of this name, if there are several.
    pub(super) fn symbol(&self, address: u64, name: &str) -> Option<(String, u64)> {
        let mut found = if let Some(bytes) = self.mapped {
            load::holding(&mut Elf::open(Cursor::new(bytes)).ok()?, address)
        } else {
            let index = self.symbols.find(address)?;
            let name = String::from_utf8_lossy(self.symbols.raw_name(index)).into_owned();
            vec![(name, self.symbols.entry(index)?.start)]
        };
        let best = found.iter().position(|(symbol, _)| symbol == name).unwrap_or(0);
        (best < found.len()).then(|| found.swap_remove(best))
    }

    /// How much there is to read to find out about a frame, in bytes.
    pub(super) fn frame_bytes(&self) -> usize {
        self.eh_frame.all().len() + self.debug_frame.all().len()
    }

    /// How the caller's frame is found at an address (CFA): the number of a register, and what is added to it. `None`
    /// where the file does not tell.
    pub(super) fn caller_frame(&self, address: u64) -> Option<gimli::CfaRule<usize>> {
        let size = if self.wide { 8 } else { 4 };
        let mut eh_frame = gimli::EhFrame::from(self.slice(self.eh_frame.all()));
        let mut debug_frame = gimli::DebugFrame::from(self.slice(self.debug_frame.all()));
        eh_frame.set_address_size(size);
        debug_frame.set_address_size(size);
        let mut context = gimli::UnwindContext::new();
        let from = gimli::EhFrame::cie_from_offset;
        if let Ok(row) = eh_frame.unwind_info_for_address(&self.bases, &mut context, address, from) {
            return Some(row.cfa().clone());
        }
        let mut context = gimli::UnwindContext::new();
        let from = gimli::DebugFrame::cie_from_offset;
        let row = debug_frame.unwind_info_for_address(&self.bases, &mut context, address, from).ok()?;
        Some(row.cfa().clone())
    }
}

fn section<R: Read + Seek>(elf: &mut Elf<R>, mapped: Option<&'static [u8]>, name: &str) -> Result<Bytes, ElfError> {
    let place =
        elf.place_of(name).and_then(|place| Some(usize::try_from(place.start).ok()?..usize::try_from(place.end).ok()?));
    if let (Some(place), Some(bytes)) = (place, mapped)
        && let Some(bytes) = bytes.get(place)
    {
        return Ok(Bytes::Mapped(bytes));
    }
    elf.data_of(name).map(Bytes::Kept)
}

fn table<R: Read + Seek>(elf: &mut Elf<R>) -> Table {
    load::symbols(elf, None, Space::Addresses(0), Demangle { on: false, parameters: false }).unwrap_or_default()
}
