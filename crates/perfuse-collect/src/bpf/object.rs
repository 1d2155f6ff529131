//! A BPF object file as values: its programs, maps, globals and what is to be patched. No I/O; any bytes will do.

use std::collections::BTreeMap;

use ::object::read::elf::ElfFile64;
use ::object::{
    Object as _, ObjectSection as _, ObjectSymbol as _, RelocationFlags, RelocationTarget, SectionKind, SymbolKind,
    SymbolSection, elf,
};
use perfuse_format::btf::ext::{CoreRelocation, relocations};
use perfuse_format::btf::{Btf, Kind, Type};

use super::error::LoadError;
use super::insn::Insn;

/// A map that the object defines in `.maps`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MapSpec {
    pub(crate) name: String,
    /// `BPF_MAP_TYPE_*`.
    pub(crate) kind: u32,
    pub(crate) key_size: u32,
    pub(crate) value_size: u32,
    pub(crate) max_entries: u32,
    pub(crate) flags: u32,
}

/// A section of global variables, which becomes a map with one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Global {
    /// Name of the section: `.rodata`, `.bss`, `.data`, or one of these with a suffix.
    pub(crate) section: String,
    /// What the variables begin with.
    pub(crate) bytes: Vec<u8>,
    /// Whether programs may only read it.
    pub(crate) read_only: bool,
    /// Offset and size of each variable.
    pub(crate) variables: BTreeMap<String, (usize, usize)>,
}

/// What an instruction refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A map, by name.
    Map(String),
    /// A global: index into [`Object::globals`], byte offset.
    Global(usize, u32),
    /// Code: index into [`Object::code`], slot.
    Code(usize, usize),
    /// A symbol that nobody defines.
    Unknown(String),
}

/// A section of instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    /// Name of the section; the hook of its programs.
    pub(crate) section: String,
    pub(crate) insns: Vec<Insn>,
    /// What slots refer to.
    pub(crate) references: BTreeMap<usize, Reference>,
    /// Which slots depend on a kernel type.
    pub(crate) core: BTreeMap<usize, CoreRelocation>,
    /// First slot of each function: its name and its number of slots.
    pub(crate) functions: BTreeMap<usize, (String, usize)>,
}

/// A program: a function in a section that names its hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Index into [`Object::code`].
    pub(crate) code: usize,
    /// First slot.
    pub(crate) start: usize,
}

/// An object file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object<'a> {
    pub(crate) license: String,
    pub(crate) functions: Vec<Function>,
    pub(crate) maps: Vec<MapSpec>,
    pub(crate) globals: Vec<Global>,
    pub(crate) code: Vec<Code>,
    /// The `.BTF` section.
    pub(crate) btf: &'a [u8],
}

fn damaged(what: impl std::fmt::Display) -> LoadError {
    LoadError::Object(what.to_string())
}

impl<'a> Object<'a> {
    /// Reads an object file.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, LoadError> {
        let file = ElfFile64::<::object::Endianness>::parse(bytes).map_err(damaged)?;
        if file.elf_header().e_machine.get(file.endian()) != elf::EM_BPF {
            return Err(damaged("not for BPF"));
        }
        let native =
            if cfg!(target_endian = "little") { ::object::Endianness::Little } else { ::object::Endianness::Big };
        if file.endian() != native {
            return Err(damaged("of another byte order"));
        }
        let section =
            |name: &str| file.section_by_name(name).and_then(|section| section.data().ok()).unwrap_or_default();
        let btf = section(".BTF");
        let mut object = Self { license: license(section("license")), btf, ..Self::default() };
        let core = match section(".BTF.ext") {
            [] => Vec::new(),
            ext => relocations(ext, btf).map_err(damaged)?,
        };
        let places = object.sections(&file)?;
        object.symbols(&file, &places)?;
        object.references(&file, &places)?;
        object.core(core)?;
        Ok(object)
    }

    /// Takes code and globals in; says what became of each section.
    fn sections(&mut self, file: &ElfFile64<'a>) -> Result<BTreeMap<usize, Place>, LoadError> {
        let mut places = BTreeMap::new();
        for section in file.sections() {
            let name = section.name().map_err(damaged)?;
            let place = if section.kind() == SectionKind::Text {
                let data = section.data().map_err(damaged)?;
                let (slots, rest) = data.as_chunks::<8>();
                if !rest.is_empty() {
                    return Err(damaged(format!("{name}: half an instruction")));
                }
                self.code.push(Code {
                    section: name.to_owned(),
                    insns: slots.iter().map(|slot| Insn::from_bytes(*slot)).collect(),
                    references: BTreeMap::new(),
                    core: BTreeMap::new(),
                    functions: BTreeMap::new(),
                });
                Place::Code(self.code.len() - 1)
            } else if name == ".maps" {
                Place::Maps
            } else if is_global(name) {
                self.globals.push(global(name, &section)?);
                Place::Global(self.globals.len() - 1)
            } else {
                continue;
            };
            places.insert(section.index().0, place);
        }
        Ok(places)
    }

    /// Takes functions, variables and maps in.
    fn symbols(&mut self, file: &ElfFile64<'a>, places: &BTreeMap<usize, Place>) -> Result<(), LoadError> {
        let mut maps = Vec::new();
        for symbol in file.symbols() {
            let SymbolSection::Section(index) = symbol.section() else { continue };
            let (Some(place), Ok(name)) = (places.get(&index.0), symbol.name()) else { continue };
            let (at, size) = (usize_of(symbol.address())?, usize_of(symbol.size())?);
            match *place {
                Place::Code(code) if symbol.kind() == SymbolKind::Text => {
                    let of = &mut self.code[code];
                    let (start, slots) = (at / 8, size / 8);
                    if start.checked_add(slots).is_none_or(|end| end > of.insns.len()) || slots == 0 {
                        return Err(damaged(format!("{name}: outside its section")));
                    }
                    of.functions.insert(start, (name.to_owned(), slots));
                    if symbol.is_global() && of.section != ".text" {
                        self.functions.push(Function { name: name.to_owned(), code, start });
                    }
                }
                Place::Global(global) if symbol.kind() == SymbolKind::Data => {
                    let of = &mut self.globals[global];
                    if at.checked_add(size).is_none_or(|end| end > of.bytes.len()) {
                        return Err(damaged(format!("{name}: outside its section")));
                    }
                    of.variables.insert(name.to_owned(), (at, size));
                }
                Place::Maps if symbol.kind() == SymbolKind::Data => maps.push((at, name.to_owned())),
                _ => {}
            }
        }
        maps.sort();
        let types = if maps.is_empty() { None } else { Some(Btf::parse(self.btf).map_err(damaged)?) };
        for (_, name) in maps {
            let Some(types) = &types else { continue };
            self.maps.push(map_spec(types, &name)?);
        }
        self.functions.sort_by_key(|function| (function.code, function.start));
        Ok(())
    }

    /// Takes the relocations of code sections in.
    fn references(&mut self, file: &ElfFile64<'a>, places: &BTreeMap<usize, Place>) -> Result<(), LoadError> {
        for section in file.sections() {
            let Some(Place::Code(code)) = places.get(&section.index().0) else { continue };
            for (at, relocation) in section.relocations() {
                let slot = usize_of(at)? / 8;
                let RelocationFlags::Elf { .. } = relocation.flags() else { continue };
                let RelocationTarget::Symbol(symbol) = relocation.target() else {
                    return Err(damaged("a relocation without a symbol"));
                };
                let symbol = file.symbol_by_index(symbol).map_err(damaged)?;
                let imm = self.code[*code]
                    .insns
                    .get(slot)
                    .map(|insn| insn.imm)
                    .ok_or_else(|| damaged("a relocation outside"))?;
                let name = symbol.name().unwrap_or_default();
                let place = match symbol.section() {
                    SymbolSection::Section(index) => places.get(&index.0),
                    _ => None,
                };
                let reference = match place {
                    None => Reference::Unknown(name.to_owned()),
                    Some(Place::Maps) => Reference::Map(name.to_owned()),
                    Some(Place::Global(global)) => {
                        let offset = u32::try_from(symbol.address()).ok().and_then(|at| at.checked_add_signed(imm));
                        Reference::Global(*global, offset.ok_or_else(|| damaged("an offset outside"))?)
                    }
                    Some(Place::Code(target)) => {
                        let is_call =
                            self.code[*code].insns.get(slot).is_some_and(|insn| insn.code == super::insn::CALL);
                        // A call counts slots from the one behind it; a function's address is in bytes.
                        let addend = if is_call { i64::from(imm) + 1 } else { i64::from(imm) / 8 };
                        let start = i64::try_from(symbol.address() / 8).ok().and_then(|at| at.checked_add(addend));
                        let start = start.and_then(|at| usize::try_from(at).ok());
                        Reference::Code(*target, start.ok_or_else(|| damaged("a call outside"))?)
                    }
                };
                self.code[*code].references.insert(slot, reference);
            }
        }
        Ok(())
    }

    /// Puts each CO-RE relocation to its slot.
    fn core(&mut self, relocations: Vec<CoreRelocation>) -> Result<(), LoadError> {
        for relocation in relocations {
            let slot = relocation.instruction as usize / 8;
            let code = self.code.iter_mut().find(|code| code.section == relocation.section);
            let code = code.filter(|code| slot < code.insns.len());
            code.ok_or_else(|| damaged("a CO-RE relocation outside"))?.core.insert(slot, relocation);
        }
        Ok(())
    }

    /// The section name of a program's hook.
    pub(crate) fn hook(&self, function: &Function) -> &str {
        self.code.get(function.code).map_or("", |code| code.section.trim_start_matches('?'))
    }

    /// Sets a read-only variable before the load; false if there is none of this name.
    pub(crate) fn set(&mut self, name: &str, value: u64) -> bool {
        let bytes = if cfg!(target_endian = "little") { value.to_le_bytes() } else { value.to_be_bytes() };
        for global in self.globals.iter_mut().filter(|global| global.read_only) {
            if let Some(&(at, size)) = global.variables.get(name)
                && let Some(place) = global.bytes.get_mut(at..at + size)
            {
                let low = if cfg!(target_endian = "little") { 0..size.min(8) } else { 8 - size.min(8)..8 };
                let count = low.len();
                if let (Some(place), Some(bytes)) = (place.get_mut(..count), bytes.get(low)) {
                    place.copy_from_slice(bytes);
                    return true;
                }
            }
        }
        false
    }
}

/// What became of a section.
#[derive(Debug, Clone, Copy)]
enum Place {
    Code(usize),
    Global(usize),
    Maps,
}

fn usize_of(value: u64) -> Result<usize, LoadError> {
    usize::try_from(value).map_err(damaged)
}

/// The licence string up to its NUL.
fn license(section: &[u8]) -> String {
    let text = section.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// Whether a section holds global variables.
fn is_global(name: &str) -> bool {
    [".rodata", ".data", ".bss"]
        .iter()
        .any(|prefix| name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// More global data than our programs have by far.
const MAX_GLOBAL: u64 = 1 << 20;

/// The variables of a section, without their names.
fn global<'a>(name: &str, section: &impl ::object::ObjectSection<'a>) -> Result<Global, LoadError> {
    if section.size() > MAX_GLOBAL {
        return Err(damaged(format!("{name}: too large")));
    }
    let mut bytes = section.data().map_err(damaged)?.to_vec();
    // .bss has a size and no bytes.
    bytes.resize(usize_of(section.size())?, 0);
    let read_only = name.starts_with(".rodata");
    Ok(Global { section: name.to_owned(), bytes, read_only, variables: BTreeMap::new() })
}

/// The definition of map `name`: a struct whose members are pointers to arrays (`__uint`) and types (`__type`).
fn map_spec(types: &Btf<'_>, name: &str) -> Result<MapSpec, LoadError> {
    let wrong = |what: &str| damaged(format!("map {name}: {what}"));
    let section = types.find(".maps", Kind::DataSec).ok_or_else(|| wrong("no section in BTF"))?;
    let variable = section.variables().find(|variable| variable.name == name.as_bytes());
    let definition = variable.and_then(|variable| types.by_id(variable.type_id)?.resolved());
    let definition = definition.filter(|of| of.kind() == Kind::Struct).ok_or_else(|| wrong("no definition in BTF"))?;
    let mut spec = MapSpec { name: name.to_owned(), ..MapSpec::default() };
    for member in definition.members() {
        let points = || -> Option<Type<'_>> { types.by_id(member.type_id)?.resolved()?.target() };
        let number = || points().and_then(|to| Some(to.resolved()?.array()?.count));
        let size = || points().and_then(|to| to.byte_size());
        let (place, value) = match member.name {
            b"type" => (&mut spec.kind, number()),
            b"key_size" => (&mut spec.key_size, number()),
            b"value_size" => (&mut spec.value_size, number()),
            b"max_entries" => (&mut spec.max_entries, number()),
            b"map_flags" => (&mut spec.flags, number()),
            b"key" => (&mut spec.key_size, size()),
            b"value" => (&mut spec.value_size, size()),
            other => return Err(wrong(&format!("unknown attribute {}", String::from_utf8_lossy(other)))),
        };
        *place = value.ok_or_else(|| wrong("an attribute that is neither a number nor a type"))?;
    }
    Ok(spec)
}
