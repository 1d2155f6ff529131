//! Variables of programs that are at a fixed place: where they are in memory, and what kind of number they are.
//!
//! The symbol table tells the place, debug information the kind. Without the one a variable is found by its name in the
//! other; without debug information the length of the symbol is known, and whoever asks has to say what is in it.

use std::io::{Read, Seek};

use crate::dso::{DsoSpec, SymbolOptions};
use crate::elf::{Elf, ElfError, PT_LOAD, SHT_DYNSYM, SHT_SYMTAB, Segment, c_string};
use crate::files::Files;
use crate::find;
use crate::load::Sym;
use crate::probe::Source;
use crate::table::STT_OBJECT;

/// `st_info`: a variable that every thread has for itself.
const STT_TLS: u8 = 6;
/// Bytes of a page on every machine that is known here, at least.
const PAGE: u64 = 4096;

/// What is in some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberKind {
    /// Two's complement.
    Signed,
    /// Without a sign; also pointers and truth values.
    Unsigned,
    /// IEEE 754.
    Float,
}

/// A kind of number and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    kind: NumberKind,
    bytes: u8,
}

impl Number {
    /// `None` for lengths that no such number has: 1, 2, 4 or 8 bytes, or 4 or 8 for fractions.
    pub fn new(kind: NumberKind, bytes: u8) -> Option<Self> {
        let known = match kind {
            NumberKind::Float => matches!(bytes, 4 | 8),
            _ => matches!(bytes, 1 | 2 | 4 | 8),
        };
        known.then_some(Self { kind, bytes })
    }

    /// Its length in bytes: 1, 2, 4 or 8.
    pub fn length(self) -> usize {
        usize::from(self.bytes)
    }

    /// The value of its first bytes, in the order of the machine that they come from. `None` if they are too few.
    pub fn value(self, bytes: &[u8], little: bool) -> Option<f64> {
        let mut wide = [0_u8; 8];
        let own = bytes.get(..self.length())?;
        wide[..own.len()].copy_from_slice(own);
        if !little {
            wide[..own.len()].reverse();
        }
        let number = u64::from_le_bytes(wide);
        let unused = 64 - 8 * u32::from(self.bytes);
        Some(match (self.kind, self.bytes) {
            (NumberKind::Signed, _) => ((number << unused).cast_signed() >> unused) as f64,
            (NumberKind::Unsigned, _) => number as f64,
            (NumberKind::Float, 4) => f64::from(f32::from_bits(u32::try_from(number).ok()?)),
            (NumberKind::Float, _) => f64::from_bits(number),
        })
    }
}

/// A variable in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its address as the file states it.
    pub address: u64,
    /// Bytes of the symbol; 0 where none tells.
    pub size: u64,
    /// What it is, where debug information tells.
    pub number: Option<Number>,
    /// Whether the machine has the lowest byte first.
    pub little: bool,
    /// Offset and address of each part that is loaded, and its length in the file.
    loaded: Vec<(u64, u64, u64)>,
}

/// Why there is no such variable.
#[derive(Debug, thiserror::Error)]
pub enum VariableError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] ElfError),
    /// Neither symbols nor debug information have the name.
    #[error("no symbol and no debug information has this name")]
    None,
    /// Every thread has its own.
    #[error("every thread has its own (thread-local)")]
    ThreadLocal,
    /// Several places have the name.
    #[error("{0} variables have this name")]
    Several(usize),
}

impl Variable {
    /// Finds a variable by its name, as the file states it or as its language writes it (`shop::orders`), in the file at
    /// a path or in the separate file with its symbols.
    pub fn find<F: Files>(files: &F, path: &str, name: &str, options: &SymbolOptions) -> Result<Self, VariableError> {
        let mut own = Elf::open(files.open(path).map_err(ElfError::from)?)?;
        let segments = own.segments.iter().filter(|segment| segment.kind == PT_LOAD);
        let loaded: Vec<_> = segments.map(|each: &Segment| (each.offset, each.address, each.file_size)).collect();
        let little = own.layout.little;
        let mut places = symbols(&mut own, name)?;
        let spec = DsoSpec { path, pid: -1, ..DsoSpec::default() };
        if places.is_empty() {
            let separate = find::user(files, &spec, options).symbols_path.filter(|other| other != path);
            if let Some(mut elf) = separate.and_then(|other| Elf::open(files.open(&other).ok()?).ok()) {
                places = symbols(&mut elf, name)?;
            }
        }
        let source = Source::open(files, path, options).ok();
        let found = |address, size, number| Self { address, size, number, little, loaded };
        match places[..] {
            [(address, size)] => Ok(found(address, size, source.and_then(|source| source.number_at(address)))),
            [] => match source.map(|source| source.globals(name)).unwrap_or_default()[..] {
                [(address, number)] => Ok(found(address, 0, number)),
                [] => Err(VariableError::None),
                [..] => Err(VariableError::Several(2)),
            },
            [..] => Err(VariableError::Several(places.len())),
        }
    }

    /// By how much a file was moved whose bytes from `offset` on are mapped at `start`; `None` if that is no part of it.
    pub fn moved_by(&self, start: u64, offset: u64) -> Option<u64> {
        let holds = |(at, _, length): &&(u64, u64, u64)| {
            let first = at / PAGE * PAGE;
            (first..at.saturating_add(*length)).contains(&offset)
        };
        let (at, address, _) = self.loaded.iter().find(holds)?;
        // Wraps where the file states higher addresses than those at which it is.
        Some(start.wrapping_sub(offset).wrapping_add(*at).wrapping_sub(*address))
    }
}

/// Addresses and sizes of the variables of a name, each address once.
fn symbols<R: Read + Seek>(elf: &mut Elf<R>, name: &str) -> Result<Vec<(u64, u64)>, VariableError> {
    let demangle = crate::Demangle { on: true, parameters: false };
    let mut found = Vec::new();
    for kind in [SHT_SYMTAB, SHT_DYNSYM] {
        let Some(section) = elf.sections.iter().find(|section| section.kind == kind).cloned() else { continue };
        let Some(strings) = elf.sections.get(section.link as usize).cloned() else { continue };
        let (symbols, strings, layout) = (elf.data(&section)?, elf.data(&strings)?, elf.layout);
        for symbol in symbols.chunks_exact(Sym::length(layout)).map(|bytes| Sym::parse(layout, bytes)) {
            let kind = symbol.info & 15;
            if symbol.section == 0 || !matches!(kind, STT_OBJECT | STT_TLS) {
                continue;
            }
            let raw = String::from_utf8_lossy(c_string(&strings, symbol.name));
            // The name that is asked for is in every form of it; most symbols need no demangling.
            let last = name.rsplit("::").next().unwrap_or(name);
            if raw != name && !(raw.contains(last) && demangle.name(&raw) == name) {
                continue;
            }
            if kind == STT_TLS {
                return Err(VariableError::ThreadLocal);
            }
            found.push((symbol.value, symbol.size));
        }
        if !found.is_empty() {
            break;
        }
    }
    found.sort_unstable();
    found.dedup_by_key(|(address, _)| *address);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_kinds_and_orders() {
        let value = |kind, bytes: &[u8], little| {
            Number::new(kind, u8::try_from(bytes.len()).unwrap()).and_then(|number| number.value(bytes, little))
        };
        assert_eq!(value(NumberKind::Signed, &[0xfe], true), Some(-2.0));
        assert_eq!(value(NumberKind::Signed, &[0xff, 0xfe], false), Some(-2.0));
        assert_eq!(value(NumberKind::Unsigned, &[0xfe, 0xff], true), Some(65534.0));
        assert_eq!(value(NumberKind::Unsigned, &[0xff; 8], true), Some(u64::MAX as f64));
        assert_eq!(value(NumberKind::Float, &1.5_f32.to_le_bytes(), true), Some(1.5));
        assert_eq!(value(NumberKind::Float, &(-0.25_f64).to_be_bytes(), false), Some(-0.25));
        assert_eq!(Number::new(NumberKind::Float, 2), None);
        assert_eq!(Number::new(NumberKind::Signed, 3), None);
        assert_eq!(Number::new(NumberKind::Signed, 4).unwrap().value(&[1, 2], true), None);
    }

    #[test]
    fn a_mapping_tells_by_how_much_a_file_was_moved() {
        let loaded = vec![(0, 0, 0x1000), (0x2dd0, 0x3dd0, 0x260)];
        let variable = Variable { address: 0x4010, size: 4, number: None, little: true, loaded };
        assert_eq!(variable.moved_by(0x5555_5555_4000, 0), Some(0x5555_5555_4000));
        assert_eq!(variable.moved_by(0x5555_5555_7000, 0x2000), Some(0x5555_5555_4000));
        assert_eq!(variable.moved_by(0x1000, 0x9000), None);
    }
}
