//! From an object's functions to one program: gathers what it calls and patches every reference.

use std::collections::BTreeMap;

use perfuse_format::btf::Btf;
use perfuse_format::btf::core::{Unresolved, Value, resolve};

use super::error::LoadError;
use super::insn::{
    CALL, Insn, LOAD_IMM64, POISON, PSEUDO_CALL, PSEUDO_FUNC, PSEUDO_KERNEL_CALL, PSEUDO_MAP_FD, PSEUDO_MAP_VALUE,
    width_of, with_width,
};
use super::object::{Function, Object, Reference};

/// More slots than the kernel takes.
const MAX_SLOTS: usize = 1_000_000;

/// A program that is ready for the kernel.
#[derive(Debug, Clone)]
pub(crate) struct Linked {
    /// Its instructions, eight bytes each.
    pub(crate) bytes: Vec<u8>,
    /// What the running kernel lacks; the instructions that need it are poisoned.
    pub(crate) absent: Vec<String>,
    /// First slot and name of each function, in order.
    pub(crate) functions: Vec<(u32, String)>,
    /// Whether one of them is passed to a helper.
    pub(crate) callbacks: bool,
}

impl Linked {
    /// Number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.bytes.len() / 8
    }

    /// Whether a verifier log complains of a poisoned instruction.
    pub(crate) fn blames_poison(&self, log: &str) -> bool {
        !self.absent.is_empty() && log.contains(&format!("#{POISON}"))
    }
}

/// Where maps and globals are: their file descriptors, as immediates.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// By the name of the map.
    pub(crate) maps: BTreeMap<String, i32>,
    /// By the index of the global section.
    pub(crate) globals: BTreeMap<usize, i32>,
}

/// Links one program.
pub(crate) fn link(
    object: &Object<'_>,
    function: &Function,
    local: &Btf<'_>,
    kernel: &Btf<'_>,
    places: &Places,
) -> Result<Linked, LoadError> {
    let mut linker = Linker {
        object,
        local,
        kernel,
        places,
        out: Vec::new(),
        at: BTreeMap::new(),
        absent: Vec::new(),
        functions: Vec::new(),
        callbacks: false,
    };
    let mut queue = vec![(function.code, function.start)];
    let mut calls = Vec::new();
    while let Some(place) = queue.pop() {
        if !linker.at.contains_key(&place) {
            linker.append(place, &mut calls)?;
            queue.extend(calls.iter().map(|(_, target)| *target));
        }
    }
    for (slot, target) in calls {
        let start = linker.at.get(&target).ok_or_else(|| LoadError::Object("a call to no function".into()))?;
        // Both are below MAX_SLOTS.
        let distance = i32::try_from(*start).unwrap_or(0) - i32::try_from(slot).unwrap_or(0) - 1;
        if let Some(insn) = linker.out.get_mut(slot) {
            insn.imm = distance;
        }
    }
    let bytes = linker.out.iter().flat_map(|insn| insn.to_bytes()).collect();
    let Linker { absent, functions, callbacks, .. } = linker;
    Ok(Linked { bytes, absent, functions, callbacks })
}

struct Linker<'o> {
    object: &'o Object<'o>,
    local: &'o Btf<'o>,
    kernel: &'o Btf<'o>,
    places: &'o Places,
    out: Vec<Insn>,
    /// Where each function of the object begins in `out`.
    at: BTreeMap<(usize, usize), usize>,
    absent: Vec<String>,
    functions: Vec<(u32, String)>,
    callbacks: bool,
}

impl Linker<'_> {
    /// Appends the function at `place`; notes which slots call which functions.
    fn append(&mut self, place: (usize, usize), calls: &mut Vec<(usize, (usize, usize))>) -> Result<(), LoadError> {
        let wrong = |what: &str| LoadError::Object(what.to_owned());
        let code = self.object.code.get(place.0).ok_or_else(|| wrong("a call outside"))?;
        let (name, slots) =
            code.functions.get(&place.1).ok_or_else(|| wrong("a call into the middle of a function"))?;
        let base = self.out.len();
        if base + slots > MAX_SLOTS {
            return Err(wrong("too many instructions"));
        }
        self.at.insert(place, base);
        self.functions.push((u32::try_from(base).unwrap_or(0), name.clone()));
        let body = code.insns.get(place.1..place.1 + slots).ok_or_else(|| wrong("a function outside its section"))?;
        self.out.extend_from_slice(body);
        for (slot, insn) in body.iter().copied().enumerate() {
            let source = place.1 + slot;
            if let Some(reference) = code.references.get(&source) {
                if let Some(target) = self.refer(base + slot, insn, reference)? {
                    calls.push((base + slot, target));
                }
            } else if insn.code == CALL && insn.source() == PSEUDO_CALL {
                // A call within one section needs no relocation.
                let target = i64::try_from(source).ok().and_then(|at| at.checked_add(i64::from(insn.imm) + 1));
                let target = target.and_then(|at| usize::try_from(at).ok()).ok_or_else(|| wrong("a call outside"))?;
                calls.push((base + slot, (place.0, target)));
            }
            if let Some(relocation) = code.core.get(&source) {
                match resolve(self.local, self.kernel, relocation) {
                    Ok(value) => self.patch(base + slot, value)?,
                    Err(absent @ (Unresolved::Absent(_) | Unresolved::Ambiguous(_))) => {
                        self.absent.push(absent.to_string());
                        self.poison(base + slot);
                    }
                    Err(error) => return Err(LoadError::Object(error.to_string())),
                }
            }
        }
        Ok(())
    }

    /// Patches a slot that refers to a map, a global or a function; the last are patched when all are placed.
    fn refer(&mut self, slot: usize, insn: Insn, reference: &Reference) -> Result<Option<(usize, usize)>, LoadError> {
        let missing = |what: &str| LoadError::Object(format!("unresolved symbol {what}"));
        let (fd, source, offset) = match reference {
            Reference::Unknown(name) if insn.code == CALL => {
                let call = self.kernel_call(insn, name)?;
                if let Some(place) = self.out.get_mut(slot) {
                    *place = call;
                }
                return Ok(None);
            }
            Reference::Unknown(name) => return Err(missing(name)),
            Reference::Code(code, start) => {
                if insn.code == LOAD_IMM64
                    && let Some(place) = self.out.get_mut(slot)
                {
                    self.callbacks = true;
                    *place = insn.with_source(PSEUDO_FUNC);
                }
                return Ok(Some((*code, *start)));
            }
            Reference::Map(name) => (*self.places.maps.get(name).ok_or_else(|| missing(name))?, PSEUDO_MAP_FD, 0),
            Reference::Global(global, offset) => {
                let fd = self.places.globals.get(global).ok_or_else(|| missing("global data"))?;
                (*fd, PSEUDO_MAP_VALUE, *offset)
            }
        };
        match self.out.get_mut(slot..slot + 2) {
            Some([first, second]) if first.code == LOAD_IMM64 => {
                *first = first.with_source(source);
                first.imm = fd;
                second.imm = offset.cast_signed();
                Ok(None)
            }
            _ => Err(LoadError::Object("a reference in an instruction that takes none".to_owned())),
        }
    }

    /// A call of the kernel's own function `name`.
    fn kernel_call(&self, insn: Insn, name: &str) -> Result<Insn, LoadError> {
        match self.kernel.function(name) {
            Some(function) => Ok(Insn { imm: function.id().cast_signed(), ..insn.with_source(PSEUDO_KERNEL_CALL) }),
            // It only changes what the verifier thinks of a pointer; kernels without it think so already.
            None if name == "bpf_rdonly_cast" => Ok(Insn::first_argument_as_result()),
            None => Err(LoadError::Layout(format!("the function {name} is not in this kernel"))),
        }
    }

    /// Writes a CO-RE value into a slot.
    fn patch(&mut self, slot: usize, value: Value) -> Result<(), LoadError> {
        let wrong = || LoadError::Object("a CO-RE value that its instruction cannot hold".to_owned());
        let insn = self.out.get_mut(slot).ok_or_else(wrong)?;
        match insn.code & 0x07 {
            // ALU and ALU64 with an immediate
            4 | 7 if insn.code & 0x08 == 0 => {
                insn.imm = u32::try_from(value.value).map_err(|_| wrong())?.cast_signed();
            }
            // LDX, ST, STX: the offset, and the width where the kernel's field has another
            1..=3 => {
                insn.offset = i16::try_from(value.value).map_err(|_| wrong())?;
                if let Some((local, target)) = value.widths
                    && local != target
                    && width_of(insn.code) == local
                {
                    match with_width(insn.code, target) {
                        Some(code) => insn.code = code,
                        None => self.poison_as(slot, "a field of another width"),
                    }
                }
            }
            _ if insn.code == LOAD_IMM64 => {
                let (low, high) = (value.value & 0xffff_ffff, value.value >> 32);
                if let Some([first, second]) = self.out.get_mut(slot..slot + 2) {
                    first.imm = u32::try_from(low).unwrap_or(0).cast_signed();
                    second.imm = u32::try_from(high).unwrap_or(0).cast_signed();
                }
            }
            _ => return Err(wrong()),
        }
        Ok(())
    }

    fn poison_as(&mut self, slot: usize, why: &str) {
        self.absent.push(why.to_owned());
        self.poison(slot);
    }

    /// Makes a slot (both of a wide load) unreachable.
    fn poison(&mut self, slot: usize) {
        let slots = if self.out.get(slot).is_some_and(|insn| insn.code == LOAD_IMM64) { 2 } else { 1 };
        for insn in self.out.iter_mut().skip(slot).take(slots) {
            *insn = Insn::poison();
        }
    }
}
