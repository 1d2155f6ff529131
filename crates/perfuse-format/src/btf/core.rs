//! CO-RE: what a relocation of a BPF object is worth on the kernel at hand.
//!
//! A compiler notes, for each access to a type marked `preserve_access_index`, the root type and the path:
//! `task->signal->nr_threads` becomes two notes, `task_struct` with path `0:7` and `signal_struct` with path
//! `0:3`. Here the path is read by names in the object's own types, walked by the same names in the kernel's types,
//! and the wanted number (an offset, a size, whether it is there) is taken from where the walk ends.
//!
//! Names may have a suffix `___anything`, which lets one object hold several versions of a kernel type; the
//! suffix is not part of the kernel's name.

use super::ext::CoreRelocation;
use super::{Btf, Kind, Type};

/// `enum bpf_core_relo_kind` of `include/uapi/linux/bpf.h`.
mod kind {
    pub(super) const FIELD_BYTE_OFFSET: u32 = 0;
    pub(super) const FIELD_BYTE_SIZE: u32 = 1;
    pub(super) const FIELD_EXISTS: u32 = 2;
    pub(super) const FIELD_SIGNED: u32 = 3;
    pub(super) const FIELD_LSHIFT_U64: u32 = 4;
    pub(super) const FIELD_RSHIFT_U64: u32 = 5;
    pub(super) const TYPE_ID_LOCAL: u32 = 6;
    pub(super) const TYPE_ID_TARGET: u32 = 7;
    pub(super) const TYPE_EXISTS: u32 = 8;
    pub(super) const TYPE_SIZE: u32 = 9;
    pub(super) const ENUMVAL_EXISTS: u32 = 10;
    pub(super) const ENUMVAL_VALUE: u32 = 11;
}

/// Anonymous members that the search for one name looks into; the kernel's largest types have a few dozen. A damaged
/// blob can nest a type in itself.
const MAX_NESTED: usize = 4096;

/// What an instruction gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// The number.
    pub value: u64,
    /// For an offset of a plain field: its bytes in the object and in the kernel. A load of the one
    /// width becomes a load of the other.
    pub widths: Option<(u32, u32)>,
}

/// Why a relocation has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// The kernel has no such type, field or enumerator: `task_struct.recent_used_cpu`.
    Absent(String),
    /// Two kernel types of that name give different answers.
    Ambiguous(String),
    /// The object itself makes no sense here.
    Malformed(&'static str),
    /// A kind of relocation that this version does not know.
    Unsupported(u32),
}

impl std::fmt::Display for Unresolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent(what) => write!(f, "{what} is not in this kernel"),
            Self::Ambiguous(what) => write!(f, "{what} is ambiguous in this kernel"),
            Self::Malformed(what) => write!(f, "damaged object: {what}"),
            Self::Unsupported(kind) => write!(f, "unknown kind of relocation {kind}"),
        }
    }
}

/// One step of a path.
enum Step<'a> {
    /// A named member of a struct or union.
    Member(&'a [u8]),
    /// An element of an array.
    Element(u32),
}

/// Where a path ends.
#[derive(Clone, Copy)]
struct Field<'a> {
    of: Type<'a>,
    bit_offset: u64,
    /// 0 for what is no bit field.
    bit_size: u32,
}

/// A name without its `___flavour`.
fn essential(name: &[u8]) -> &[u8] {
    let cut = name.windows(3).position(|three| three == b"___").filter(|at| *at > 0);
    &name[..cut.unwrap_or(name.len())]
}

/// The value of one relocation.
///
/// `local` are the types of the object, `target` those of the kernel.
pub fn resolve(local: &Btf<'_>, target: &Btf<'_>, relocation: &CoreRelocation) -> Result<Value, Unresolved> {
    let root = local.by_id(relocation.type_id).ok_or(Unresolved::Malformed("a type id"))?;
    if relocation.kind == kind::TYPE_ID_LOCAL {
        return Ok(Value { value: u64::from(root.id()), widths: None });
    }
    let name = String::from_utf8_lossy(essential(root.name_bytes())).into_owned();
    if name.is_empty() {
        return Err(Unresolved::Malformed("a relocation against a type without a name"));
    }
    let candidates =
        target.named(&name).filter(|of| of.kind() == root.kind() || (of.kind().is_enum() && root.kind().is_enum()));
    let mut what = name.clone();
    let mut answers = Vec::new();
    match relocation.kind {
        kind::FIELD_BYTE_OFFSET..=kind::FIELD_RSHIFT_U64 => {
            let (steps, first, field) = local_path(root, &relocation.access)?;
            for step in &steps {
                match step {
                    Step::Member(member) => what = format!("{what}.{}", String::from_utf8_lossy(member)),
                    Step::Element(index) => what = format!("{what}[{index}]"),
                }
            }
            for candidate in candidates {
                if let Some(found) = walk(candidate, first, &steps).filter(|found| compatible(field.of, found.of)) {
                    answers.push(field_value(relocation.kind, &field, &found)?);
                }
            }
        }
        kind::TYPE_ID_TARGET => answers.extend(candidates.map(|of| plain(u64::from(of.id())))),
        kind::TYPE_EXISTS => answers.extend(candidates.map(|_| plain(1))),
        kind::TYPE_SIZE => answers.extend(candidates.filter_map(|of| of.byte_size()).map(|size| plain(size.into()))),
        kind::ENUMVAL_EXISTS | kind::ENUMVAL_VALUE => {
            let index = relocation.access.parse::<usize>().map_err(|_| Unresolved::Malformed("an enumerator index"))?;
            let wanted = root.enumerators().nth(index).ok_or(Unresolved::Malformed("an enumerator index"))?;
            let wanted = essential(wanted.name);
            what = format!("{what}::{}", String::from_utf8_lossy(wanted));
            for candidate in candidates {
                if let Some(found) = candidate.enumerators().find(|one| one.name == wanted) {
                    let exists = relocation.kind == kind::ENUMVAL_EXISTS;
                    answers.push(plain(if exists { 1 } else { found.value.cast_unsigned() }));
                }
            }
        }
        other => return Err(Unresolved::Unsupported(other)),
    }
    one_answer(relocation.kind, &answers, what)
}

/// A number that is no memory access.
fn plain(value: u64) -> Value {
    Value { value, widths: None }
}

/// The answer that all candidates agree on.
fn one_answer(kind: u32, answers: &[Value], what: String) -> Result<Value, Unresolved> {
    match answers {
        [] if matches!(kind, kind::FIELD_EXISTS | kind::TYPE_EXISTS | kind::ENUMVAL_EXISTS) => Ok(plain(0)),
        [] => Err(Unresolved::Absent(what)),
        [first, rest @ ..] => {
            let agree = rest.iter().all(|other| other == first) || kind == kind::TYPE_ID_TARGET;
            if agree { Ok(*first) } else { Err(Unresolved::Ambiguous(what)) }
        }
    }
}

/// Reads an access string against the object's own types: the named steps, the index on the root, and the field.
fn local_path<'a>(root: Type<'a>, access: &str) -> Result<(Vec<Step<'a>>, u32, Field<'a>), Unresolved> {
    const BAD: Unresolved = Unresolved::Malformed("an access string");
    let mut indexes = access.split(':').map(str::parse::<u32>);
    let first = indexes.next().and_then(Result::ok).ok_or(BAD)?;
    let mut steps = Vec::new();
    let mut field = Field { of: root, bit_offset: start(root, first).ok_or(BAD)?, bit_size: 0 };
    for index in indexes {
        let index = index.map_err(|_| BAD)?;
        let of = field.of.resolved().ok_or(BAD)?;
        if of.kind().is_composite() {
            let member = of.member(index as usize).ok_or(BAD)?;
            field = Field {
                of: of.btf.by_id(member.type_id).ok_or(BAD)?,
                bit_offset: field.bit_offset.checked_add(u64::from(member.bit_offset)).ok_or(BAD)?,
                bit_size: member.bit_size,
            };
            if !member.name.is_empty() {
                steps.push(Step::Member(essential(member.name)));
            }
        } else {
            field = element(of, field.bit_offset, index).ok_or(BAD)?;
            steps.push(Step::Element(index));
        }
    }
    Ok((steps, first, field))
}

/// Bit offset of the `index`th root, for `task[1].prio`.
fn start(root: Type<'_>, index: u32) -> Option<u64> {
    if index == 0 { Some(0) } else { u64::from(index).checked_mul(u64::from(root.byte_size()?) * 8) }
}

/// Element `index` of the array `of` that begins at `bit_offset`.
fn element(of: Type<'_>, bit_offset: u64, index: u32) -> Option<Field<'_>> {
    let array = of.array()?;
    let element = of.btf.by_id(array.element)?;
    // A flexible array at the end of a struct has no count.
    if array.count != 0 && index >= array.count {
        return None;
    }
    let bits = u64::from(index).checked_mul(u64::from(element.byte_size()?) * 8)?;
    Some(Field { of: element, bit_offset: bit_offset.checked_add(bits)?, bit_size: 0 })
}

/// Walks the steps in a kernel type.
fn walk<'a>(root: Type<'a>, first: u32, steps: &[Step<'_>]) -> Option<Field<'a>> {
    let mut field = Field { of: root, bit_offset: start(root, first)?, bit_size: 0 };
    for step in steps {
        let of = field.of.resolved()?;
        field = match step {
            Step::Member(name) => find_member(of, name, field.bit_offset)?,
            Step::Element(index) => element(of, field.bit_offset, *index)?,
        };
    }
    Some(field)
}

/// The member `name` of a struct, looked for inside its anonymous members too, the outer ones first.
fn find_member<'a>(of: Type<'a>, name: &[u8], bit_offset: u64) -> Option<Field<'a>> {
    let mut queue = vec![(of, bit_offset)];
    let mut next = 0;
    while let Some(&(of, bit_offset)) = queue.get(next).filter(|_| next < MAX_NESTED) {
        next += 1;
        for member in of.members() {
            let at = bit_offset.checked_add(u64::from(member.bit_offset))?;
            if member.name == name {
                return Some(Field { of: of.btf.by_id(member.type_id)?, bit_offset: at, bit_size: member.bit_size });
            }
            if member.name.is_empty() && queue.len() < MAX_NESTED {
                let inner = of.btf.by_id(member.type_id).and_then(|inner| inner.resolved());
                queue.extend(inner.filter(|inner| inner.kind().is_composite()).map(|inner| (inner, at)));
            }
        }
    }
    None
}

/// Whether a kernel field can stand for the object's: the same kind of type, whatever its width.
fn compatible(local: Type<'_>, target: Type<'_>) -> bool {
    let (Some(local), Some(target)) = (local.resolved(), target.resolved()) else { return false };
    let class = |of: Type<'_>| match of.kind() {
        Kind::Struct | Kind::Union | Kind::Fwd => Kind::Struct,
        // A kernel may turn a plain integer into an enum and back.
        Kind::Int | Kind::Enum | Kind::Enum64 => Kind::Int,
        other => other,
    };
    class(local) == class(target)
}

/// The wanted number of one field.
fn field_value(kind: u32, local: &Field<'_>, found: &Field<'_>) -> Result<Value, Unresolved> {
    let resolved = found.of.resolved().ok_or(Unresolved::Malformed("a chain of typedefs"))?;
    if kind == kind::FIELD_EXISTS {
        return Ok(plain(1));
    }
    if kind == kind::FIELD_SIGNED {
        return Ok(plain(u64::from(resolved.is_signed())));
    }
    let size = resolved.byte_size().unwrap_or(0);
    let bits = if found.bit_size == 0 { u64::from(size) * 8 } else { u64::from(found.bit_size) };
    let (byte_offset, byte_size) = if found.bit_size == 0 {
        (found.bit_offset / 8, u64::from(size))
    } else {
        storage(found.bit_offset, bits, u64::from(size)).ok_or(Unresolved::Malformed("a bit field"))?
    };
    let value = match kind {
        kind::FIELD_BYTE_OFFSET => {
            let local_size = local.of.byte_size();
            let widths = if found.bit_size == 0 { local_size.map(|local| (local, size)) } else { None };
            return Ok(Value { value: byte_offset, widths });
        }
        kind::FIELD_BYTE_SIZE => byte_size,
        // Bits above the field when its storage is loaded into a 64-bit register, and what is left of it.
        kind::FIELD_LSHIFT_U64 => {
            let above = if cfg!(target_endian = "little") {
                64_u64.checked_sub(found.bit_offset + bits - byte_offset * 8)
            } else {
                (8_u64.checked_sub(byte_size)).map(|spare| spare * 8 + (found.bit_offset - byte_offset * 8))
            };
            above.ok_or(Unresolved::Malformed("a field wider than a register"))?
        }
        kind::FIELD_RSHIFT_U64 => {
            64_u64.checked_sub(bits).ok_or(Unresolved::Malformed("a field wider than a register"))?
        }
        other => return Err(Unresolved::Unsupported(other)),
    };
    Ok(plain(value))
}

/// The aligned bytes `(offset, size)` that hold a bit field whose declared type has `size` bytes.
fn storage(bit_offset: u64, bits: u64, size: u64) -> Option<(u64, u64)> {
    let mut size = size.max(1);
    loop {
        let offset = bit_offset / 8 / size * size;
        if bit_offset + bits <= (offset + size) * 8 {
            return Some((offset, size));
        }
        size *= 2;
        if size > 8 {
            return None;
        }
    }
}
