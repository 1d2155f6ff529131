//! What objdump calls the addresses in operands: `<main+0x12>`, `<malloc@plt>`.
//!
//! It is not the choice that perf makes for samples: every symbol counts, data too, whatever its size, and of several at
//! one address the order below decides (`compare_symbols` in binutils' `objdump.c`).

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Seek};

use crate::demangle::Demangle;
use crate::elf::{EM_AARCH64, Elf, ElfError, Headers, SHT_DYNSYM, SHT_RELA, SHT_SYMTAB, c_string};
use crate::load::{SHN_ABS, Sym};
use crate::table::{STB_GLOBAL, STT_FUNC, STT_GNU_IFUNC, STT_OBJECT};

/// `st_info`: a section.
const STT_SECTION: u8 = 3;
/// `st_info`: the name of a source file.
const STT_FILE: u8 = 4;
/// `sh_type` of `.gnu.version`, a number of each dynamic symbol.
const VERSION_INDEX: &str = ".gnu.version";
/// The versions that a file defines.
const VERSIONS_DEFINED: &str = ".gnu.version_d";
/// The version of a symbol is not the one that new programs get.
const VERSION_HIDDEN: u16 = 0x8000;

/// The relocation of a slot whose function is picked when the file is loaded: `R_X86_64_IRELATIVE`.
const IRELATIVE_X86: u64 = 37;
/// `R_AARCH64_IRELATIVE`.
const IRELATIVE_AARCH64: u64 = 1032;

/// One address with a name.
#[derive(Debug, Clone, Copy)]
struct Label {
    address: u64,
    rank: (Reverse<bool>, Reverse<bool>, Reverse<u64>, Reverse<bool>),
    name: u32,
}

/// Names of the addresses of a file, by address.
#[derive(Debug, Default)]
pub struct Labels {
    all: Vec<Label>,
    names: Vec<u8>,
    demangle: Demangle,
}

impl Labels {
    /// Those of a file, or of the file with its symbols.
    pub(crate) fn read<R: Read + Seek>(
        elf: &mut Elf<R>,
        symbols: Option<&mut Elf<R>>,
        demangle: Demangle,
    ) -> Result<Self, ElfError> {
        let mut labels = Self { demangle, ..Self::default() };
        let has = |elf: &Elf<R>| elf.section(".symtab").is_some_and(|section| section.kind == SHT_SYMTAB);
        if has(elf) {
            labels.table(elf, ".symtab")?;
        } else {
            match symbols {
                Some(symbols) if has(symbols) => labels.table(symbols, ".symtab")?,
                _ => labels.table(elf, ".dynsym")?,
            }
        }
        labels.linkage(elf)?;
        let Self { all, names, .. } = &mut labels;
        all.sort_by(|one, other| {
            let key = |label: &Label| {
                let name = c_string(names, label.name);
                (label.address, label.rank, name.first() == Some(&b'.'))
            };
            key(one).cmp(&key(other)).then_with(|| c_string(names, one.name).cmp(c_string(names, other.name)))
        });
        all.dedup_by_key(|label| label.address);
        Ok(labels)
    }

    /// Of the running kernel or other lists: addresses with names.
    pub fn of_list(list: impl IntoIterator<Item = (u64, String)>) -> Self {
        let mut labels = Self::default();
        for (address, name) in list {
            labels.add(address, name.as_bytes(), (true, false, 0, true));
        }
        labels.all.sort_by_key(|label| label.address);
        labels.all.dedup_by_key(|label| label.address);
        labels
    }

    fn add(&mut self, address: u64, name: &[u8], (function, object, size, global): (bool, bool, u64, bool)) {
        let Ok(at) = u32::try_from(self.names.len()) else { return };
        self.names.extend_from_slice(name);
        self.names.push(0);
        let rank = (Reverse(function), Reverse(object), Reverse(size), Reverse(global));
        self.all.push(Label { address, rank, name: at });
    }

    fn table<R: Read + Seek>(&mut self, elf: &mut Elf<R>, name: &str) -> Result<(), ElfError> {
        let layout = elf.layout;
        let Some(section) = elf.section(name).cloned() else { return Ok(()) };
        let Some(strings) = elf.sections.get(section.link as usize).cloned() else { return Ok(()) };
        let (symbols, strings) = (elf.data(&section)?, elf.data(&strings)?);
        let versions = if section.kind == SHT_DYNSYM { Versions::read(elf, &strings)? } else { Versions::default() };
        for (index, bytes) in symbols.chunks_exact(Sym::length(layout)).enumerate() {
            let symbol = Sym::parse(layout, bytes);
            let kind = symbol.info & 15;
            let name = c_string(&strings, symbol.name);
            let common = symbol.section == 0xfff2;
            if name.is_empty() || symbol.section == 0 || common || matches!(kind, STT_SECTION | STT_FILE) {
                continue;
            }
            if elf.machine == EM_AARCH64 && name.starts_with(b"$")
                || symbol.section > SHN_ABS && symbol.section != 0xffff
            {
                continue;
            }
            let function = matches!(kind, STT_FUNC | STT_GNU_IFUNC);
            let facts = (function, kind == STT_OBJECT, symbol.size, symbol.info >> 4 == STB_GLOBAL);
            match versions.of(index) {
                Some((version, hidden)) => {
                    let mut name = name.to_vec();
                    name.extend_from_slice(if hidden { b"@" } else { b"@@" });
                    name.extend_from_slice(version);
                    self.add(symbol.value, &name, facts);
                }
                None => self.add(symbol.value, name, facts),
            }
        }
        Ok(())
    }

    /// Entries of the procedure linkage table, by the slot that each jumps through.
    fn linkage<R: Read + Seek>(&mut self, elf: &mut Elf<R>) -> Result<(), ElfError> {
        let slots = slots(elf)?;
        if slots.is_empty() {
            return Ok(());
        }
        for section in [".plt", ".plt.sec", ".plt.got"] {
            let Some(section) = elf.section(section).cloned() else { continue };
            let code = elf.data(&section)?;
            let step = usize::try_from(section.entry_size).unwrap_or(0).clamp(8, 64);
            for (index, entry) in code.chunks_exact(step).enumerate() {
                let address = section.address.wrapping_add((index * step) as u64);
                let Some(slot) = slot_of(elf, entry, address) else { continue };
                if let Some(name) = slots.get(&slot) {
                    let name = [name, b"@plt".as_slice()].concat();
                    self.add(address, &name, (false, false, 0, true));
                }
            }
        }
        Ok(())
    }

    /// The name of an address, with its distance if there is one: `main+0x12`.
    pub fn name(&self, address: u64) -> Option<String> {
        let index = self.all.partition_point(|label| label.address <= address).checked_sub(1)?;
        let label = self.all.get(index)?;
        let raw = String::from_utf8_lossy(c_string(&self.names, label.name)).into_owned();
        let (name, version) = raw.split_once('@').map_or((raw.as_str(), None), |(name, rest)| (name, Some(rest)));
        let mut text = self.demangle.name(name).into_owned();
        if let Some(version) = version {
            text.push('@');
            text.push_str(version);
        }
        let distance = address - label.address;
        if distance > 0 {
            let _ = write!(text, "+{distance:#x}");
        }
        Some(text)
    }

    /// How many addresses have a name.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether no address has one.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// Versions of dynamic symbols.
#[derive(Debug, Default)]
struct Versions {
    indexes: Vec<u16>,
    names: BTreeMap<u16, Vec<u8>>,
}

impl Versions {
    fn read<R: Read + Seek>(elf: &mut Elf<R>, strings: &[u8]) -> Result<Self, ElfError> {
        let layout = elf.layout;
        let indexes = elf.data_of(VERSION_INDEX)?.chunks_exact(2).map(|bytes| layout.half(bytes, 0)).collect();
        let defined = elf.data_of(VERSIONS_DEFINED)?;
        let mut names = BTreeMap::new();
        let mut at = 0_usize;
        // Each entry states how far the next one is; the file's length bounds them.
        while let Some(entry) = defined.get(at..) {
            if entry.len() < 20 {
                break;
            }
            let (index, first, next) = (layout.half(entry, 4), layout.word(entry, 12), layout.word(entry, 16));
            if let Some(name) = entry.get(first as usize..) {
                names.insert(index, c_string(strings, layout.word(name, 0)).to_vec());
            }
            if next == 0 {
                break;
            }
            at = at.saturating_add(next as usize);
        }
        Ok(Self { indexes, names })
    }

    fn of(&self, index: usize) -> Option<(&[u8], bool)> {
        let version = *self.indexes.get(index)?;
        // 0 is local, 1 is the file's own name.
        let number = version & !VERSION_HIDDEN;
        let name = self.names.get(&number).filter(|_| number > 1)?;
        Some((name, version & VERSION_HIDDEN != 0))
    }
}

/// Names of the symbols that relocations put into slots, by the address of the slot.
fn slots<R: Read + Seek>(elf: &mut Elf<R>) -> Result<BTreeMap<u64, Vec<u8>>, ElfError> {
    let layout = elf.layout;
    let mut found = BTreeMap::new();
    let Some(dynamic) = elf.section(".dynsym").cloned() else { return Ok(found) };
    let Some(strings) = elf.sections.get(dynamic.link as usize).cloned() else { return Ok(found) };
    let (symbols, strings) = (elf.data(&dynamic)?, elf.data(&strings)?);
    for name in [".rela.dyn", ".rela.plt"] {
        let Some(section) = elf.section(name).filter(|section| section.kind == SHT_RELA && layout.wide).cloned() else {
            continue;
        };
        for entry in elf.data(&section)?.chunks_exact(24) {
            let info = layout.long(entry, 8);
            let index = usize::try_from(info >> 32).unwrap_or(usize::MAX);
            if index == 0 && matches!(info & 0xffff_ffff, IRELATIVE_X86 | IRELATIVE_AARCH64) {
                let name = format!("*ABS*+{:#x}", layout.long(entry, 16));
                found.insert(layout.long(entry, 0), name.into_bytes());
                continue;
            }
            let at = index.saturating_mul(Sym::length(layout));
            let symbol = at.checked_add(Sym::length(layout)).and_then(|end| symbols.get(at..end));
            let Some(symbol) = symbol.filter(|_| index > 0) else { continue };
            let name = c_string(&strings, Sym::parse(layout, symbol).name);
            if !name.is_empty() {
                found.insert(layout.long(entry, 0), name.to_vec());
            }
        }
    }
    Ok(found)
}

/// The slot that an entry of a linkage table jumps through.
fn slot_of(elf: &Headers, entry: &[u8], address: u64) -> Option<u64> {
    if elf.machine == EM_AARCH64 {
        let word = |at: usize| Some(u32::from_le_bytes(entry.get(at..at + 4)?.try_into().ok()?));
        let (page, load) = (word(0)?, word(4)?);
        // adrp x16, page; ldr x17, [x16, #offset]
        if page & 0x9f00_001f != 0x9000_0010 || load & 0xffc0_03ff != 0xf940_0211 {
            return None;
        }
        let pages = i64::from((page >> 3 & 0x1f_fffc | page >> 29 & 3) << 11).wrapping_shl(32) >> 43;
        let base = (address & !0xfff).wrapping_add_signed(pages.wrapping_mul(4096));
        return Some(base.wrapping_add(u64::from(load >> 10 & 0xfff) * 8));
    }
    // jmp *distance(%rip), behind endbr64 or bnd.
    let at = memchr::memmem::find(entry.get(..12.min(entry.len()))?, b"\xff\x25")?;
    let distance = i32::from_le_bytes(entry.get(at + 2..at + 6)?.try_into().ok()?);
    Some(address.wrapping_add(at as u64 + 6).wrapping_add_signed(distance.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_below_counts() {
        let labels =
            Labels::of_list([(0x2000, "b".to_owned()), (0x1000, "a".to_owned()), (0x1000, "other".to_owned())]);
        assert_eq!(labels.name(0x1000).as_deref(), Some("a"));
        assert_eq!(labels.name(0x1fff).as_deref(), Some("a+0xfff"));
        assert_eq!((labels.name(0xfff), labels.len()), (None, 2));
    }

    #[test]
    fn this_executable_has_labels() {
        let mut elf = Elf::open(std::fs::File::open(std::env::current_exe().unwrap()).unwrap()).unwrap();
        let labels = Labels::read(&mut elf, None, Demangle::default()).unwrap();
        assert!(!labels.is_empty());
        let text = elf.section(".text").unwrap().address;
        assert!(labels.name(text + 0x100).is_some());
    }

    #[test]
    fn slots_of_linkage_entries() {
        let headers = |machine| Headers {
            layout: crate::elf::Layout { wide: true, little: true },
            machine,
            sections: Vec::new(),
            segments: Vec::new(),
        };
        let entry = b"\xf3\x0f\x1e\xfa\xff\x25\x10\0\0\0\x0f\x1f\x44\0\0\x90";
        assert_eq!(slot_of(&headers(62), entry, 0x1000), Some(0x101a));
        assert_eq!(slot_of(&headers(62), b"\x90\x90", 0x1000), None);
        let words: [u32; 2] = [0xb000_0090, 0xf945_0211]; // adrp x16, +0x11000; ldr x17, [x16, #0xa00]
        let entry: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(slot_of(&headers(EM_AARCH64), &entry, 0x400), Some(0x1_1a00));
    }
}
