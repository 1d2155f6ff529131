//! One type of a BTF blob and what hangs on it.

use super::{Btf, string_at, u32_at};

/// How many modifiers and typedefs may follow each other before we call the chain a loop.
const MAX_CHAIN: usize = 64;

/// What a type is: `BTF_KIND_*` of `include/uapi/linux/btf.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the C language")]
pub enum Kind {
    Void,
    Int,
    Ptr,
    Array,
    Struct,
    Union,
    Enum,
    Fwd,
    Typedef,
    Volatile,
    Const,
    Restrict,
    Func,
    FuncProto,
    Var,
    DataSec,
    Float,
    DeclTag,
    TypeTag,
    Enum64,
}

/// The kinds by their number.
const KINDS: [Kind; 20] = [
    Kind::Void,
    Kind::Int,
    Kind::Ptr,
    Kind::Array,
    Kind::Struct,
    Kind::Union,
    Kind::Enum,
    Kind::Fwd,
    Kind::Typedef,
    Kind::Volatile,
    Kind::Const,
    Kind::Restrict,
    Kind::Func,
    Kind::FuncProto,
    Kind::Var,
    Kind::DataSec,
    Kind::Float,
    Kind::DeclTag,
    Kind::TypeTag,
    Kind::Enum64,
];

/// The length field of `btf_type.info`.
pub(super) fn vlen(info: u32) -> usize {
    (info & 0xffff) as usize
}

impl Kind {
    /// The kind of a record by its `info`; a record of kind 0 does not exist.
    pub(super) fn of(info: u32) -> Option<Self> {
        KINDS.get((info >> 24 & 0x1f) as usize).copied().filter(|kind| *kind != Self::Void)
    }

    /// Bytes behind the record.
    pub(super) fn extra(self, vlen: usize) -> usize {
        match self {
            Self::Int | Self::Var | Self::DeclTag => 4,
            Self::Array => 12,
            Self::Struct | Self::Union | Self::DataSec | Self::Enum64 => vlen * 12,
            Self::Enum | Self::FuncProto => vlen * 8,
            _ => 0,
        }
    }

    /// Whether types of this kind are looked up by name.
    pub(super) fn looked_up(self) -> bool {
        matches!(
            self,
            Self::Int
                | Self::Struct
                | Self::Union
                | Self::Enum
                | Self::Enum64
                | Self::Typedef
                | Self::Fwd
                | Self::DataSec
        )
    }

    /// `enum` of either width.
    pub fn is_enum(self) -> bool {
        matches!(self, Self::Enum | Self::Enum64)
    }

    /// `struct` or `union`.
    pub fn is_composite(self) -> bool {
        matches!(self, Self::Struct | Self::Union)
    }

    /// What only renames or qualifies another type.
    fn is_wrapper(self) -> bool {
        matches!(self, Self::Typedef | Self::Volatile | Self::Const | Self::Restrict | Self::TypeTag)
    }
}

/// One type.
#[derive(Debug, Clone, Copy)]
pub struct Type<'a> {
    pub(super) btf: &'a Btf<'a>,
    pub(super) id: u32,
    /// Where what follows the record begins.
    pub(super) at: usize,
    /// Offset of the name.
    pub(super) name: u32,
    pub(super) info: u32,
    /// `size` or `type`, by kind.
    pub(super) word: u32,
}

/// A member of a struct or union.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Name; empty for an anonymous struct or union.
    pub name: &'a [u8],
    /// Id of its type.
    pub type_id: u32,
    /// Bits from the start of the struct.
    pub bit_offset: u32,
    /// Bits of a bit field; 0 for a plain member.
    pub bit_size: u32,
}

/// An array type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArrayInfo {
    /// Id of the type of one element.
    pub element: u32,
    /// Number of elements; 0 for a flexible array.
    pub count: u32,
}

/// One name of an enum.
#[derive(Debug, Clone, Copy)]
pub struct Enumerator<'a> {
    /// Name.
    pub name: &'a [u8],
    /// Value; an unsigned one above `i64::MAX` keeps its bits.
    pub value: i64,
}

/// A variable of a data section.
#[derive(Debug, Clone, Copy)]
pub struct Variable<'a> {
    /// Name.
    pub name: &'a [u8],
    /// Id of the variable's type (not of the `VAR` record).
    pub type_id: u32,
}

impl<'a> Type<'a> {
    /// `void`, which has no record.
    pub(super) fn void(btf: &'a Btf<'a>) -> Self {
        Self { btf, id: 0, at: 0, name: 0, info: 0, word: 0 }
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        Kind::of(self.info).unwrap_or(Kind::Void)
    }

    /// Name; empty for an anonymous type.
    pub fn name_bytes(&self) -> &'a [u8] {
        string_at(self.btf.strings, self.name)
    }

    /// Name; what is not UTF-8 becomes U+FFFD.
    pub fn name(&self) -> String {
        String::from_utf8_lossy(self.name_bytes()).into_owned()
    }

    /// The `kind_flag` bit: bit fields in a struct, a signed enum.
    fn flag(&self) -> bool {
        self.info >> 31 != 0
    }

    /// The `index`th u32 behind the record, which the walk has checked to be there.
    fn extra(&self, index: usize) -> u32 {
        u32_at(self.btf.types, self.at + index * 4).unwrap_or(0)
    }

    /// The type that a pointer, modifier, typedef, function or variable refers to.
    pub fn target(&self) -> Option<Type<'a>> {
        let refers = matches!(self.kind(), Kind::Ptr | Kind::Func | Kind::FuncProto | Kind::Var | Kind::DeclTag)
            || self.kind().is_wrapper();
        if refers { self.btf.by_id(self.word) } else { None }
    }

    /// The type behind typedefs and qualifiers; `None` for a loop of them or an id that does not exist.
    pub fn resolved(&self) -> Option<Type<'a>> {
        let mut of = *self;
        for _ in 0..MAX_CHAIN {
            if !of.kind().is_wrapper() {
                return Some(of);
            }
            of = of.target()?;
        }
        None
    }

    /// `sizeof`, in bytes; a pointer has 8 (BPF and every kernel that runs it here are 64-bit).
    pub fn byte_size(&self) -> Option<u32> {
        let mut count = 1_u32;
        let mut of = *self;
        for _ in 0..MAX_CHAIN {
            of = of.resolved()?;
            match of.kind() {
                Kind::Int | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::Float | Kind::DataSec => {
                    return count.checked_mul(of.word);
                }
                Kind::Ptr => return count.checked_mul(8),
                Kind::Array => {
                    let array = of.array()?;
                    count = count.checked_mul(array.count)?;
                    of = of.btf.by_id(array.element)?;
                }
                Kind::Var => of = of.target()?,
                _ => return None,
            }
        }
        None
    }

    /// Whether it is an integer or enum with a sign.
    pub fn is_signed(&self) -> bool {
        match self.kind() {
            Kind::Int => self.extra(0) >> 24 & 1 != 0,
            Kind::Enum | Kind::Enum64 => self.flag(),
            _ => false,
        }
    }

    /// The members of a struct or union; none for other kinds.
    pub fn members(&self) -> impl Iterator<Item = Member<'a>> + use<'a> {
        let of = *self;
        let count = if self.kind().is_composite() { vlen(self.info) } else { 0 };
        (0..count).map(move |index| {
            let offset = of.extra(index * 3 + 2);
            let (bit_offset, bit_size) = if of.flag() { (offset & 0x00ff_ffff, offset >> 24) } else { (offset, 0) };
            let name = string_at(of.btf.strings, of.extra(index * 3));
            Member { name, type_id: of.extra(index * 3 + 1), bit_offset, bit_size }
        })
    }

    /// The member at `index`.
    pub fn member(&self, index: usize) -> Option<Member<'a>> {
        self.members().nth(index)
    }

    /// Element type and count of an array.
    pub fn array(&self) -> Option<ArrayInfo> {
        (self.kind() == Kind::Array).then(|| ArrayInfo { element: self.extra(0), count: self.extra(2) })
    }

    /// The type of the elements of an array.
    pub fn element(&self) -> Option<Type<'a>> {
        self.btf.by_id(self.array()?.element)
    }

    /// Names and type ids of the parameters of a function's prototype; none for other kinds. Three dots at the end are a
    /// parameter without a name and of type 0.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a [u8], u32)> + use<'a> {
        let of = *self;
        let count = if self.kind() == Kind::FuncProto { vlen(self.info) } else { 0 };
        (0..count).map(move |index| (string_at(of.btf.strings, of.extra(index * 2)), of.extra(index * 2 + 1)))
    }

    /// The names of an enum; none for other kinds.
    pub fn enumerators(&self) -> impl Iterator<Item = Enumerator<'a>> + use<'a> {
        let of = *self;
        let count = if self.kind().is_enum() { vlen(self.info) } else { 0 };
        let wide = self.kind() == Kind::Enum64;
        (0..count).map(move |index| {
            let words = if wide { 3 } else { 2 };
            let name = string_at(of.btf.strings, of.extra(index * words));
            let low = of.extra(index * words + 1);
            let value = if wide {
                (u64::from(of.extra(index * words + 2)) << 32 | u64::from(low)).cast_signed()
            } else if of.flag() {
                i64::from(low.cast_signed())
            } else {
                // Before Linux 6.0 the flag did not exist and -1 is stored as 0xffffffff: the reader decides.
                i64::from(low)
            };
            Enumerator { name, value }
        })
    }

    /// The variables of a data section; none for other kinds.
    pub fn variables(&self) -> impl Iterator<Item = Variable<'a>> + use<'a> {
        let of = *self;
        let count = if self.kind() == Kind::DataSec { vlen(self.info) } else { 0 };
        (0..count).filter_map(move |index| {
            let variable = of.btf.by_id(of.extra(index * 3))?;
            (variable.kind() == Kind::Var).then(|| Variable { name: variable.name_bytes(), type_id: variable.word })
        })
    }
}
