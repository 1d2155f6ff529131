//! Source lines and inlined functions from DWARF.
//!
//! Nothing is opened before the first address of a file is asked for, and of its units only those that hold addresses are
//! looked into. Sections are taken from a mapping of the file where there is one, so that of hundreds of megabytes only
//! the touched pages count; compressed ones are unpacked as a whole. What is kept is bounded: the file that was not asked
//! for the longest is forgotten.

use std::io::{Read, Seek};
use std::sync::Arc;

use addr2line::{Context, LookupContinuation, LookupResult};
use gimli::{EndianReader, EndianSlice, RunTimeEndian, SectionId};
use rustc_hash::FxHashSet;

use crate::elf::{Elf, ElfError, SHT_NOBITS};
use crate::files::Files;
use crate::ranges;

/// Sections that were read or unpacked.
type Kept = EndianReader<RunTimeEndian, Arc<[u8]>>;
/// Sections in a mapped file.
type InPlace = EndianSlice<'static, RunTimeEndian>;

/// One function at an address: the innermost is what the code came from, the outermost what it was compiled into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineFrame {
    /// Its name, demangled; `??` if there is none.
    pub function: Arc<str>,
    /// The source file with its directory, as the compiler was told.
    pub file: Option<Arc<str>>,
    /// Line in the file; 0 if it has none.
    pub line: u32,
}

/// Bytes of debug information that are kept at a time; always at least one file.
const MOST_BYTES: usize = 768 << 20;

/// The debug information of one file.
struct Dwarf {
    path: String,
    units: Units,
    bytes: usize,
    used: u64,
}

enum Units {
    InPlace(Context<InPlace>),
    Kept(Context<Kept>),
}

/// Debug information of several files.
#[derive(Default)]
pub(crate) struct Lines {
    files: Vec<Dwarf>,
    clock: u64,
    texts: FxHashSet<Arc<str>>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.files.iter().map(|file| &file.path)).finish()
    }
}

/// A function name as DWARF has it.
pub(crate) struct RawFrame {
    pub(crate) function: Option<String>,
    /// Whether the name in DWARF is the one in the symbol table: of C and mangled ones, not of `extern "C"` in C++.
    pub(crate) is_linkage: bool,
    pub(crate) file: Option<Arc<str>>,
    pub(crate) line: u32,
}

impl Lines {
    /// One text for all that are equal.
    pub(crate) fn intern(&mut self, text: &str) -> Arc<str> {
        intern(&mut self.texts, text)
    }

    /// The functions at an address that the file states, innermost first.
    pub(crate) fn frames<F: Files>(&mut self, files: &F, path: &str, address: u64) -> Vec<RawFrame> {
        let Some(index) = self.open(files, path) else { return Vec::new() };
        let Self { files, texts, .. } = self;
        match &files[index].units {
            Units::InPlace(context) => frames_in(context, texts, address),
            Units::Kept(context) => frames_in(context, texts, address),
        }
    }

    fn open<F: Files>(&mut self, files: &F, path: &str) -> Option<usize> {
        self.clock += 1;
        if let Some(index) = self.files.iter().position(|file| file.path == path) {
            self.files[index].used = self.clock;
            return Some(index);
        }
        let (units, bytes) = load(files, path).ok()?;
        while self.files.iter().map(|file| file.bytes).sum::<usize>() + bytes > MOST_BYTES {
            let held = (0..self.files.len()).filter(|&index| self.files[index].bytes > 0);
            let Some(oldest) = held.min_by_key(|&index| self.files[index].used) else { break };
            self.files.swap_remove(oldest);
        }
        self.files.push(Dwarf { path: path.to_owned(), units, bytes, used: self.clock });
        Some(self.files.len() - 1)
    }
}

fn frames_in<R: gimli::Reader>(context: &Context<R>, texts: &mut FxHashSet<Arc<str>>, address: u64) -> Vec<RawFrame> {
    // A range ends before it: nothing is at the last address, and `addr2line` would add one to it.
    if address == u64::MAX {
        return Vec::new();
    }
    let mut lookup = context.find_frames(address);
    let frames = loop {
        match lookup {
            LookupResult::Output(frames) => break frames,
            // Parts of the debug information that are in files of their own (`.dwo`) are not looked for.
            LookupResult::Load { continuation, .. } => lookup = continuation.resume(None),
        }
    };
    let mut found = Vec::new();
    let Ok(mut frames) = frames else { return found };
    while let Ok(Some(frame)) = frames.next() {
        let function = frame.function.as_ref();
        let name = function.and_then(|function| function.raw_name().ok());
        let mangled = name.as_ref().is_some_and(|name| name.starts_with("_Z") || name.starts_with("_R"));
        let language = function.and_then(|function| function.language);
        let assembled = language == Some(gimli::constants::DW_LANG_Mips_Assembler);
        let last = if assembled { last_label(context, address) } else { None };
        let is_linkage = mangled || last.is_some() || is_plain(language);
        let location = frame.location.as_ref();
        found.push(RawFrame {
            function: last.or_else(|| name.map(std::borrow::Cow::into_owned)),
            is_linkage,
            file: location.and_then(|location| location.file).map(|file| intern(texts, file)),
            line: location.and_then(|location| location.line).unwrap_or(0),
        });
    }
    found
}

fn intern(texts: &mut FxHashSet<Arc<str>>, text: &str) -> Arc<str> {
    if let Some(known) = texts.get(text) {
        return known.clone();
    }
    let new: Arc<str> = text.into();
    texts.insert(new.clone());
    new
}

/// Of assembler, which describes every name of a function as a function of its own, the last one at an address: that is the
/// one that binutils takes, and with it perf.
fn last_label<R: gimli::Reader>(context: &Context<R>, address: u64) -> Option<String> {
    let mut lookup = context.find_dwarf_and_unit(address);
    let unit = loop {
        match lookup {
            LookupResult::Output(unit) => break unit?,
            LookupResult::Load { continuation, .. } => lookup = continuation.resume(None),
        }
    };
    let mut entries = unit.entries();
    let mut best: Option<(u64, R)> = None;
    while let Ok(Some(entry)) = entries.next_dfs() {
        if entry.tag() != gimli::constants::DW_TAG_subprogram {
            continue;
        }
        let Some(mut ranges) = ranges::of(unit, entry) else { continue };
        while let Ok(Some(range)) = ranges.next() {
            let length = range.end.saturating_sub(range.begin);
            let holds = (range.begin..range.end).contains(&address);
            if holds && best.as_ref().is_none_or(|(shortest, _)| length <= *shortest) {
                let name = entry.attr_value(gimli::constants::DW_AT_name);
                let Some(Ok(name)) = name.map(|name| unit.attr_string(name)) else { continue };
                best = Some((length, name));
            }
        }
    }
    best.and_then(|(_, name)| Some(name.to_string_lossy().ok()?.into_owned()))
}

/// Languages whose names are those of the symbol table.
fn is_plain(language: Option<gimli::DwLang>) -> bool {
    use gimli::constants as dw;
    let plain = [dw::DW_LANG_C, dw::DW_LANG_C89, dw::DW_LANG_C99, dw::DW_LANG_C11, dw::DW_LANG_C17];
    language.is_some_and(|language| plain.contains(&language))
}

/// Whether a file has source lines.
pub(crate) fn has_lines<R>(elf: &Elf<R>) -> bool {
    let has = |name: &str| elf.section(name).is_some_and(|section| section.kind != SHT_NOBITS && section.size > 0);
    has(".debug_line") && has(".debug_info")
}

fn load<F: Files>(files: &F, path: &str) -> Result<(Units, usize), ElfError> {
    let mut elf = Elf::open(files.open(path)?)?;
    // What dwz(1) has moved to a file that several share.
    let shared = shared_file(&mut elf, path);
    let mut shared = shared.and_then(|path| Elf::open(files.open(&path).ok()?).ok().map(|elf| (path, elf)));
    let failed = |error: gimli::Error| ElfError::Compressed(error.to_string());
    if let Some(mut dwarf) = in_place(files, path, &elf) {
        let other = shared.as_ref().map(|(path, elf)| in_place(files, path, elf));
        if !matches!(other, Some(None)) {
            if let Some(other) = other.flatten() {
                dwarf.set_sup(other);
            }
            return Ok((Units::InPlace(Context::from_dwarf(dwarf).map_err(failed)?), 0));
        }
    }
    let mut bytes = 0;
    let mut dwarf = kept(&mut elf, &mut bytes)?;
    if let Some((_, elf)) = &mut shared {
        dwarf.set_sup(kept(elf, &mut bytes)?);
    }
    Ok((Units::Kept(Context::from_dwarf(dwarf).map_err(failed)?), bytes))
}

/// Where variables are does not matter here, and it is a large part.
fn is_wanted(id: SectionId) -> bool {
    !matches!(id, SectionId::DebugLoc | SectionId::DebugLocLists | SectionId::DebugTypes)
}

pub(crate) fn endian<R>(elf: &Elf<R>) -> RunTimeEndian {
    if elf.layout.little { RunTimeEndian::Little } else { RunTimeEndian::Big }
}

/// The sections where they are in a mapping of the file; `None` if it cannot be mapped, or one must be unpacked.
fn in_place<F: Files>(files: &F, path: &str, elf: &Elf<F::File>) -> Option<gimli::Dwarf<InPlace>> {
    let mut bytes = None;
    let mut section = |id: SectionId| {
        let place = if is_wanted(id) { elf.place_of(id.name())? } else { 0..0 };
        let (start, end) = (usize::try_from(place.start).ok()?, usize::try_from(place.end).ok()?);
        if start == end {
            return Some(EndianSlice::new(&[], endian(elf)));
        }
        // Sections that must be unpacked are among the first that are asked for: then nothing is mapped.
        let all = if bytes.is_some() { bytes } else { files.map(path) };
        bytes = all;
        Some(EndianSlice::new(all?.get(start..end)?, endian(elf)))
    };
    gimli::Dwarf::load(|id| section(id).ok_or(())).ok()
}

fn kept<R: Read + Seek>(elf: &mut Elf<R>, bytes: &mut usize) -> Result<gimli::Dwarf<Kept>, ElfError> {
    let endian = endian(elf);
    gimli::Dwarf::load(|id: SectionId| {
        let data = if is_wanted(id) { elf.shared_data_of(id.name())? } else { Arc::new([]) };
        *bytes += data.len();
        Ok(EndianReader::new(data, endian))
    })
}

/// The path in `.gnu_debugaltlink`, which may be relative to the directory of the file.
pub(crate) fn shared_file<R: Read + Seek>(elf: &mut Elf<R>, path: &str) -> Option<String> {
    let bytes = elf.data_of(".gnu_debugaltlink").ok()?;
    let name = std::str::from_utf8(bytes.split(|&byte| byte == 0).next()?).ok().filter(|name| !name.is_empty())?;
    if name.starts_with('/') {
        return Some(name.to_owned());
    }
    path.rsplit_once('/').map(|(directory, _)| format!("{directory}/{name}"))
}
