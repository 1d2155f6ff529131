//! From the symbol tables of an ELF file to a [`Table`], taking what perf takes (`tools/perf/util/symbol-elf.c`).

use std::io::{Read, Seek};

use crate::demangle::Demangle;
use crate::elf::{
    EM_AARCH64, EM_ARM, Elf, ElfError, Headers, Layout, SHF_ALLOC, SHT_DYNSYM, SHT_NOBITS, SHT_RELA, SHT_SYMTAB,
    Section, c_string,
};
use crate::table::{Entry, STB_GLOBAL, STT_FUNC, STT_GNU_IFUNC, STT_NOTYPE, STT_OBJECT, Table};

pub(crate) const SHN_ABS: u16 = 0xfff1;

/// In which terms the addresses of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// Offsets in the file: what a mapping tells of user code wherever it was loaded.
    Offsets,
    /// Addresses that the file states, moved by a distance (wrapping): kernels.
    Addresses(u64),
}

/// The symbols of a file with a symbol table. `runtime` is the file that runs, if the symbols are those of a separate
/// debug file: such files have all sections, but without bytes, and so without offsets that mean something.
pub(crate) fn symbols<R: Read + Seek>(
    symbols: &mut Elf<R>,
    runtime: Option<&mut Elf<R>>,
    space: Space,
    demangle: Demangle,
) -> Result<Table, ElfError> {
    let mut table = Table::default();
    for (name, kind) in [(".symtab", SHT_SYMTAB), (".dynsym", SHT_DYNSYM)] {
        let found = symbols.section(name).filter(|section| section.kind == kind).cloned();
        if let Some(section) = found {
            add(&mut table, symbols, runtime.as_ref().map(|elf| &elf.headers), &section, space)?;
            table.settle(false, demangle);
        }
    }
    if space == Space::Offsets && !table.is_empty() {
        add_plt(&mut table, runtime.unwrap_or(symbols), demangle)?;
    }
    Ok(table)
}

/// The symbols of the small symbol table (`inner`) of a stripped file, completed by its dynamic ones.
pub(crate) fn with_dynamic<R: Read + Seek, S: Read + Seek>(
    inner: &mut Elf<R>,
    runtime: &mut Elf<S>,
    demangle: Demangle,
) -> Result<Table, ElfError> {
    let mut table = Table::default();
    if let Some(section) = inner.section(".symtab").cloned() {
        add(&mut table, inner, Some(&runtime.headers), &section, Space::Offsets)?;
    }
    if let Some(section) = runtime.section(".dynsym").filter(|section| section.kind == SHT_DYNSYM).cloned() {
        add(&mut table, runtime, None, &section, Space::Offsets)?;
    }
    table.settle(false, demangle);
    add_plt(&mut table, runtime, demangle)?;
    Ok(table)
}

/// Adds every symbol of a file, those of the same place too; with `dynamic`, those of the dynamic table where there is no
/// full one. `runtime` is the file that runs, if this is another one.
pub(crate) fn every<R: Read + Seek>(
    table: &mut Table,
    elf: &mut Elf<R>,
    runtime: Option<&Headers>,
    dynamic: bool,
) -> Result<(), ElfError> {
    let named = |name: &str, kind: u32| elf.section(name).filter(|section| section.kind == kind).cloned();
    let full = named(".symtab", SHT_SYMTAB);
    match full.or_else(|| named(".dynsym", SHT_DYNSYM).filter(|_| dynamic)) {
        Some(section) => add(table, elf, runtime, &section, Space::Offsets),
        None => Ok(()),
    }
}

/// The value of a symbol as the file states it.
pub(crate) fn value_of<R: Read + Seek>(elf: &mut Elf<R>, wanted: &str) -> Option<u64> {
    let section = elf.section(".symtab").cloned()?;
    let strings = elf.sections.get(section.link as usize).cloned()?;
    let (symbols, strings) = (elf.data(&section).ok()?, elf.data(&strings).ok()?);
    let all = symbols.chunks_exact(Sym::length(elf.layout)).map(|bytes| Sym::parse(elf.layout, bytes));
    let mut named = all.filter(|symbol| symbol.section != 0 && c_string(&strings, symbol.name) == wanted.as_bytes());
    named.next().map(|symbol| symbol.value)
}

/// The function symbols of a file that hold an address, and where each begins; the global ones first.
pub(crate) fn holding<R: Read + Seek>(elf: &mut Elf<R>, address: u64) -> Vec<(String, u64)> {
    let Some(section) = elf.section(".symtab").filter(|section| section.kind == SHT_SYMTAB).cloned() else {
        return Vec::new();
    };
    let Some(strings) = elf.sections.get(section.link as usize).cloned() else { return Vec::new() };
    let (Ok(symbols), Ok(strings)) = (elf.data(&section), elf.data(&strings)) else { return Vec::new() };
    let all = symbols.chunks_exact(Sym::length(elf.layout)).map(|bytes| Sym::parse(elf.layout, bytes));
    let holds = |symbol: &Sym| {
        let into = address.checked_sub(symbol.value);
        symbol.is_wanted() && symbol.info & 15 == STT_FUNC && into.is_some_and(|into| into < symbol.size)
    };
    let mut found: Vec<Sym> = all.filter(holds).collect();
    found.sort_by_key(|symbol| symbol.info >> 4 != STB_GLOBAL);
    let name = |symbol: &Sym| String::from_utf8_lossy(c_string(&strings, symbol.name)).into_owned();
    found.iter().map(|symbol| (name(symbol), symbol.value)).collect()
}

/// Whether a file has a full symbol table, and whether it has a dynamic one (as every file that runs).
pub(crate) fn tables(elf: &Headers) -> (bool, bool) {
    let has = |name: &str, kind: u32| elf.sections.iter().any(|section| section.name == name && section.kind == kind);
    (has(".symtab", SHT_SYMTAB), has(".dynsym", SHT_DYNSYM))
}

/// One `Elf64_Sym` or `Elf32_Sym`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sym {
    pub(crate) name: u32,
    pub(crate) info: u8,
    pub(crate) other: u8,
    pub(crate) section: u16,
    pub(crate) value: u64,
    pub(crate) size: u64,
}

impl Sym {
    pub(crate) fn parse(layout: Layout, bytes: &[u8]) -> Self {
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let narrow = !layout.wide;
        Self {
            name: layout.word(bytes, 0),
            info: byte(if narrow { 12 } else { 4 }),
            other: byte(if narrow { 13 } else { 5 }),
            section: layout.half(bytes, if narrow { 14 } else { 6 }),
            value: layout.address(bytes, 8, 4),
            size: layout.address(bytes, 16, 8),
        }
    }

    pub(crate) fn length(layout: Layout) -> usize {
        if layout.wide { 24 } else { 16 }
    }

    /// Functions and data; labels of assembler that are visible outside of their file.
    fn is_wanted(self) -> bool {
        let hidden = matches!(self.other & 3, 1 | 2);
        let kind = match self.info & 15 {
            STT_FUNC | STT_GNU_IFUNC | STT_OBJECT => true,
            STT_NOTYPE => !hidden,
            _ => false,
        };
        kind && self.name != 0 && self.section != 0 && self.section != SHN_ABS
    }
}

fn add<R: Read + Seek>(
    table: &mut Table,
    elf: &mut Elf<R>,
    runtime: Option<&Headers>,
    section: &Section,
    space: Space,
) -> Result<(), ElfError> {
    let layout = elf.layout;
    let symbols = elf.data(section)?;
    let Some(strings) = elf.sections.get(section.link as usize).cloned() else { return Ok(()) };
    let Some(base) = table.add_names(elf.data(&strings)?) else { return Ok(()) };
    let running = runtime.unwrap_or(&elf.headers);
    for bytes in symbols.chunks_exact(Sym::length(layout)) {
        let symbol = Sym::parse(layout, bytes);
        if !symbol.is_wanted() {
            continue;
        }
        let name = base.saturating_add(symbol.name);
        if matches!(elf.machine, EM_ARM | EM_AARCH64) && is_mapping_symbol(table.text(name)) {
            continue;
        }
        let Some(mut home) = elf.section_at(symbol.section).filter(|home| home.flags & SHF_ALLOC != 0) else {
            continue;
        };
        if home.kind == SHT_NOBITS {
            let Some(full) = running.section_at(symbol.section) else { continue };
            home = full;
        }
        let kind = symbol.info & 15;
        if kind == STT_NOTYPE && !home.name.contains("text") && !home.name.contains("data") {
            continue;
        }
        // The lowest bit of a function of 32-bit ARM tells the instruction set.
        let thumb = elf.machine == EM_ARM && kind == STT_FUNC;
        let value = if thumb { symbol.value & !1 } else { symbol.value };
        let start = match space {
            Space::Offsets => running.segment_of(value).map_or_else(
                || value.wrapping_sub(home.address.wrapping_sub(home.offset)),
                |segment| value.wrapping_sub(segment.address.wrapping_sub(segment.offset)),
            ),
            Space::Addresses(distance) => value.wrapping_add(distance),
        };
        let end = start.saturating_add(symbol.size);
        table.push(Entry { start, end, name, binding: symbol.info >> 4, kind });
    }
    Ok(())
}

/// `$a`, `$d`, `$t`, `$x` with or without a suffix: they mark code and data within functions of ARM.
fn is_mapping_symbol(name: &[u8]) -> bool {
    matches!(name, [b'$', b'a' | b'd' | b't' | b'x'] | [b'$', b'a' | b'd' | b't' | b'x', b'.', ..])
}

/// Names the entries of the procedure linkage table after the functions that they jump to: `malloc@plt`. As perf 6.1
/// does, only those of `.plt` in the order of its relocations.
fn add_plt<R: Read + Seek>(table: &mut Table, elf: &mut Elf<R>, demangle: Demangle) -> Result<(), ElfError> {
    let layout = elf.layout;
    let Some(dynamic) = elf.section(".dynsym").filter(|section| section.kind == SHT_DYNSYM).cloned() else {
        return Ok(());
    };
    let relocations = elf.section(".rela.plt").or_else(|| elf.section(".rel.plt"));
    let (Some(relocations), Some(plt)) = (relocations.cloned(), elf.section(".plt").cloned()) else { return Ok(()) };
    let belongs = elf.sections.get(relocations.link as usize).is_some_and(|section| *section == dynamic);
    let Some(strings) = elf.sections.get(dynamic.link as usize).cloned().filter(|_| belongs) else { return Ok(()) };
    let (symbols, strings, entries) = (elf.data(&dynamic)?, elf.data(&strings)?, elf.data(&relocations)?);
    let (header, step) = match elf.machine {
        EM_ARM => (20, 12),
        EM_AARCH64 => (32, 16),
        _ => (plt.entry_size, plt.entry_size),
    };
    let with_addend = relocations.kind == SHT_RELA;
    let length = match (layout.wide, with_addend) {
        (true, true) => 24,
        (true, false) => 16,
        (false, true) => 12,
        (false, false) => 8,
    };
    let mut start = plt.offset.saturating_add(header);
    for bytes in entries.chunks_exact(length) {
        let info = layout.address(bytes, 8, 4);
        let index = usize::try_from(if layout.wide { info >> 32 } else { info >> 8 }).unwrap_or(usize::MAX);
        let at = index.saturating_mul(Sym::length(layout));
        let Some(bytes) = at.checked_add(Sym::length(layout)).and_then(|end| symbols.get(at..end)) else { break };
        let name = String::from_utf8_lossy(c_string(&strings, Sym::parse(layout, bytes).name)).into_owned();
        let name = format!("{}@plt", demangle.name(&name));
        let Some(name) = table.add_name(name.as_bytes()) else { break };
        let end = start.saturating_add(step);
        table.push(Entry { start, end, name, binding: STB_GLOBAL, kind: STT_FUNC });
        start = end;
    }
    table.order();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn this_function_is_at_its_offset() {
        let mut elf = Elf::open(File::open(std::env::current_exe().unwrap()).unwrap()).unwrap();
        assert_eq!(tables(&elf), (true, true));
        let offsets = symbols(&mut elf, None, Space::Offsets, Demangle::default()).unwrap();
        let addresses = symbols(&mut elf, None, Space::Addresses(0), Demangle::default()).unwrap();
        let mine = |table: &Table| {
            let index = (0..table.len()).find(|&index| {
                String::from_utf8_lossy(table.raw_name(index)).contains("this_function_is_at_its_offset")
            });
            table.entry(index.unwrap()).unwrap()
        };
        let (offset, address) = (mine(&offsets), mine(&addresses));
        let segment = elf.segment_of(address.start).unwrap();
        assert_eq!(address.start - segment.address, offset.start - segment.offset);
        assert!(offset.end > offset.start);
        let middle = u64::midpoint(offset.start, offset.end);
        assert_eq!(offsets.entry(offsets.find(middle).unwrap()), Some(offset));
    }

    #[test]
    fn mapping_symbols_are_known_by_their_form() {
        assert!(is_mapping_symbol(b"$x") && is_mapping_symbol(b"$d.12"));
        assert!(!is_mapping_symbol(b"$xyz") && !is_mapping_symbol(b"$") && !is_mapping_symbol(b"main"));
    }
}
