//! BTF, the kernel's compact description of its own types (`Documentation/bpf/btf.rst`).
//!
//! ```text
//! header 24 | type section: 12-byte records, each followed by what its kind needs | string section
//! ```
//! A running kernel has some 125,000 types in 5 MB. [`Btf`] keeps the bytes where they are, remembers where each
//! type begins, and hashes the names of the few kinds that are looked up by name; everything else
//! is read when asked. Type id 0 is `void` and has no record.

pub mod core;
pub mod ext;
mod split;
mod types;

use crate::parse::ParseError;

pub use split::join;
pub use types::{ArrayInfo, Enumerator, Kind, Member, Type, Variable};

/// `BTF_MAGIC` in the byte order of the writer.
const MAGIC: u16 = 0xeb9f;
/// Bytes of `struct btf_header`.
const HEADER: usize = 24;
/// Bytes of `struct btf_type`, before what its kind adds.
const RECORD: usize = 12;
/// More types than any kernel has; a file with more is damaged.
const MAX_TYPES: usize = 1 << 22;

/// The types of one BTF blob; borrows its bytes.
#[derive(Debug)]
pub struct Btf<'a> {
    /// The type section.
    types: &'a [u8],
    /// The string section: names that end with NUL.
    strings: &'a [u8],
    /// Where the record of type id `n + 1` begins in `types`.
    offsets: Vec<u32>,
    /// First entry of each hash bucket in `entries`, plus one; 0 for none.
    buckets: Vec<u32>,
    /// `(type id, next entry of the bucket plus one)`.
    entries: Vec<(u32, u32)>,
}

/// An error at byte `at` of the blob.
pub(crate) fn bad(at: usize, expected: &'static str, found: &[u8]) -> ParseError {
    ParseError::new(at.saturating_add(1), expected, found.get(at..).unwrap_or_default())
}

/// The native-endian u32 at `at`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes([field[0], field[1], field[2], field[3]]))
}

/// As [`u32_at`], as a size.
pub(crate) fn usize_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok()
}

/// The bytes up to the next NUL at `offset` of a string section.
pub(crate) fn string_at(strings: &[u8], offset: u32) -> &[u8] {
    let rest = usize::try_from(offset).ok().and_then(|offset| strings.get(offset..)).unwrap_or_default();
    rest.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// FNV-1a, 32 bits.
fn hash(name: &[u8]) -> u32 {
    name.iter().fold(0x811c_9dc5, |sum, &byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The type section and the string section of a blob.
fn sections(bytes: &[u8]) -> Result<(&[u8], &[u8]), ParseError> {
    let magic = bytes.get(..2).map(|field| u16::from_ne_bytes([field[0], field[1]]));
    if magic != Some(MAGIC) {
        return Err(bad(0, "BTF of this byte order", bytes));
    }
    let section = |at: usize| -> Option<&[u8]> {
        let header = usize_at(bytes, 4)?;
        let start = header.checked_add(usize_at(bytes, at)?)?;
        bytes.get(start..start.checked_add(usize_at(bytes, at + 4)?)?)
    };
    if usize_at(bytes, 4).is_none_or(|header| header < HEADER) {
        return Err(bad(4, "the length of a BTF header", bytes));
    }
    let types = section(8).ok_or_else(|| bad(8, "a type section inside the blob", bytes))?;
    let strings = section(16).ok_or_else(|| bad(16, "a string section inside the blob", bytes))?;
    Ok((types, strings))
}

impl<'a> Btf<'a> {
    /// Checks the header and walks over all types once.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let (types, strings) = sections(bytes)?;
        let mut btf = Self { types, strings, offsets: Vec::new(), buckets: Vec::new(), entries: Vec::new() };
        btf.walk()?;
        Ok(btf)
    }

    /// Finds where each type begins and hashes the names.
    fn walk(&mut self) -> Result<(), ParseError> {
        // 44 bytes a type in a kernel's BTF; a wrong guess costs one reallocation.
        self.offsets.reserve((self.types.len() / 40).min(MAX_TYPES));
        let mut named = Vec::new();
        let mut at = 0_usize;
        while at < self.types.len() {
            let info = u32_at(self.types, at + 4).ok_or_else(|| bad(at, "a whole type record", self.types))?;
            let kind = Kind::of(info).ok_or_else(|| bad(at, "a known kind of type", self.types))?;
            let end = at + RECORD + kind.extra(types::vlen(info));
            if end > self.types.len() || self.offsets.len() >= MAX_TYPES {
                return Err(bad(at, "a whole type record", self.types));
            }
            let offset = u32::try_from(at).map_err(|_| bad(at, "a type section below 4 GiB", self.types))?;
            self.offsets.push(offset);
            if kind.looked_up() {
                let name = u32_at(self.types, at).unwrap_or(0);
                if name != 0 {
                    // The number of types fits: MAX_TYPES is far below 2^32.
                    named.push((u32::try_from(self.offsets.len()).unwrap_or(0), hash(string_at(self.strings, name))));
                }
            }
            at = end;
        }
        self.index(&named);
        Ok(())
    }

    /// Builds the buckets over `(type id, hash of its name)`.
    fn index(&mut self, named: &[(u32, u32)]) {
        let size = named.len().next_power_of_two().max(16);
        self.buckets = vec![0; size];
        self.entries.reserve_exact(named.len());
        // From the last to the first, so that a bucket lists its types in the order of their ids.
        for &(id, hash) in named.iter().rev() {
            let Some(bucket) = self.buckets.get_mut(hash as usize & (size - 1)) else { continue };
            self.entries.push((id, *bucket));
            *bucket = u32::try_from(self.entries.len()).unwrap_or(0);
        }
    }

    /// How many types there are, without `void`.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether there is no type.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The type with this id; 0 is `void`.
    pub fn by_id(&self, id: u32) -> Option<Type<'_>> {
        if id == 0 {
            return Some(Type::void(self));
        }
        let at = *self.offsets.get(usize::try_from(id).ok()? - 1)? as usize;
        let field = |offset: usize| u32_at(self.types, at + offset);
        Some(Type { btf: self, id, at: at + RECORD, name: field(0)?, info: field(4)?, word: field(8)? })
    }

    /// Every type but `void`, in the order of ids.
    pub fn all(&self) -> impl Iterator<Item = Type<'_>> {
        (1..).map_while(|id| self.by_id(id))
    }

    /// The types with exactly this name, in the order of ids. Functions, variables and tags are not among
    /// them: see [`Btf::function`].
    pub fn named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = Type<'s>> + 's {
        let bucket = hash(name.as_bytes()) as usize & self.buckets.len().saturating_sub(1);
        let mut next = self.buckets.get(bucket).copied().unwrap_or(0);
        std::iter::from_fn(move || {
            let (id, following) = *self.entries.get(usize::try_from(next).ok()?.checked_sub(1)?)?;
            next = following;
            Some(id)
        })
        .filter_map(|id| self.by_id(id))
        .filter(move |of| of.name_bytes() == name.as_bytes())
    }

    /// The first type of this name and kind.
    pub fn find<'s>(&'s self, name: &'s str, kind: Kind) -> Option<Type<'s>> {
        self.named(name).find(|of| of.kind() == kind)
    }

    /// The function of this name; walks over all types, about a millisecond for a kernel.
    pub fn function(&self, name: &str) -> Option<Type<'_>> {
        self.all().find(|of| of.kind() == Kind::Func && of.name_bytes() == name.as_bytes())
    }

    /// The last function of this name: of types that were [`join`]ed, the module's before the kernel's.
    pub fn last_function(&self, name: &str) -> Option<Type<'_>> {
        self.all().filter(|of| of.kind() == Kind::Func && of.name_bytes() == name.as_bytes()).last()
    }

    /// The names of the enumerators of enum `name` with their values; empty if there is no such enum.
    pub fn enum_values(&self, name: &str) -> Vec<(String, i64)> {
        let found = self.named(name).find(|of| of.kind().is_enum());
        found.map_or_else(Vec::new, |of| {
            of.enumerators().map(|one| (String::from_utf8_lossy(one.name).into_owned(), one.value)).collect()
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
