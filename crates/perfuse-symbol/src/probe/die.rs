//! One entry of debug information (a DIE), with what it inherits from others.

use std::rc::Rc;

use gimli::constants as dw;
use gimli::{AttributeValue, Range, UnitRef};

use super::unit::{Slice, Unit};
use super::world::World;

/// Entries that one may inherit from through `DW_AT_abstract_origin` and `DW_AT_specification`; elfutils stops at 16.
const MOST_ORIGINS: usize = 16;

/// Qualifiers and typedefs that are looked through on the way to a type: real ones have a few, loops are damaged.
const MOST_ALIASES: usize = 64;

type Entry<'a> = gimli::DebuggingInformationEntry<Slice<'a>, usize>;
pub(super) type Value<'a> = AttributeValue<Slice<'a>, usize>;

/// An entry and the unit that holds it.
pub(super) struct Die<'w, 'a> {
    pub(super) world: &'w World<'a>,
    pub(super) unit: Rc<Unit<'a>>,
    entry: Rc<Entry<'a>>,
}

impl Clone for Die<'_, '_> {
    fn clone(&self) -> Self {
        Self { world: self.world, unit: Rc::clone(&self.unit), entry: Rc::clone(&self.entry) }
    }
}

impl<'w, 'a> Die<'w, 'a> {
    /// The entry at an offset of a unit.
    pub(super) fn at(world: &'w World<'a>, unit: &Rc<Unit<'a>>, offset: usize) -> Option<Self> {
        let entry = unit.gimli.entry(gimli::UnitOffset(offset)).ok()?;
        if !world.spend(entry.attrs().len()) {
            return None;
        }
        Some(Self { world, unit: Rc::clone(unit), entry: Rc::new(entry) })
    }

    /// The entry of the whole unit.
    pub(super) fn root(world: &'w World<'a>, unit: &Rc<Unit<'a>>) -> Option<Self> {
        Self::at(world, unit, unit.gimli.header.root_offset().0)
    }

    /// Where it is in its unit.
    pub(super) fn offset(&self) -> usize {
        self.entry.offset().0
    }

    /// Whether both are the same entry.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.unit.offset == other.unit.offset && self.offset() == other.offset()
    }

    pub(super) fn tag(&self) -> gimli::DwTag {
        self.entry.tag()
    }

    /// An attribute of its own.
    pub(super) fn attribute(&self, name: gimli::DwAt) -> Option<Value<'a>> {
        self.entry.attr_value(name)
    }

    pub(super) fn has(&self, name: gimli::DwAt) -> bool {
        self.entry.has_attr(name)
    }

    /// The entry that an attribute refers to.
    pub(super) fn follow(&self, name: gimli::DwAt) -> Option<Self> {
        match self.attribute(name)? {
            AttributeValue::UnitRef(offset) => Self::at(self.world, &self.unit, offset.0),
            AttributeValue::DebugInfoRef(offset) => {
                let unit = self.world.unit_around(offset.0)?;
                let into = offset.0.checked_sub(unit.offset)?;
                Self::at(self.world, &unit, into)
            }
            // What dwz(1) has moved to another file, and type units.
            _ => None,
        }
    }

    /// The entry that has an attribute: itself, or the nearest one that it inherits from.
    pub(super) fn owner(&self, name: gimli::DwAt) -> Option<Self> {
        let mut at = self.clone();
        for _ in 0..MOST_ORIGINS {
            if at.has(name) {
                return Some(at);
            }
            at = at.follow(dw::DW_AT_abstract_origin).or_else(|| at.follow(dw::DW_AT_specification))?;
        }
        None
    }

    fn text(&self, name: gimli::DwAt) -> Option<&'a [u8]> {
        let owner = self.owner(name)?;
        let text = self.world.dwarf.attr_string(&owner.unit.gimli, owner.attribute(name)?).ok()?;
        self.world.spend(text.len()).then(|| text.slice())
    }

    /// `DW_AT_name`, its own or inherited.
    pub(super) fn name(&self) -> Option<&'a [u8]> {
        self.text(dw::DW_AT_name)
    }

    /// The name for people.
    pub(super) fn display(&self) -> String {
        self.name().map_or_else(String::new, |name| String::from_utf8_lossy(name).into_owned())
    }

    /// The name in the symbol table, where the language makes another of it.
    pub(super) fn linkage_name(&self) -> Option<&'a [u8]> {
        self.text(dw::DW_AT_linkage_name).or_else(|| self.text(dw::DW_AT_MIPS_linkage_name))
    }

    /// A number; a block or a signed constant is none.
    pub(super) fn number(&self, name: gimli::DwAt) -> Option<u64> {
        let owner = self.owner(name)?;
        match owner.attribute(name)? {
            AttributeValue::FileIndex(index) => Some(index),
            value => value.udata_value().or_else(|| value.sdata_value().and_then(|value| u64::try_from(value).ok())),
        }
    }

    /// The addresses that it covers.
    pub(super) fn ranges(&self) -> Box<[Range]> {
        let mut found = Vec::new();
        let unit = UnitRef::new(&self.world.dwarf, &self.unit.gimli);
        if let Some(mut ranges) = crate::ranges::of(unit, &self.entry) {
            while let Ok(Some(range)) = ranges.next()
                && self.world.spend(1)
            {
                found.push(range);
            }
        }
        found.into()
    }

    pub(super) fn has_address(&self, address: u64) -> bool {
        self.ranges().iter().any(|range| (range.begin..range.end).contains(&address))
    }

    fn address(&self, name: gimli::DwAt) -> Option<u64> {
        self.world.dwarf.attr_address(&self.unit.gimli, self.attribute(name)?).ok()?
    }

    /// `DW_AT_entry_pc`, else `DW_AT_low_pc`.
    pub(super) fn entry_pc(&self) -> Option<u64> {
        if self.has(dw::DW_AT_entry_pc) {
            return self.address(dw::DW_AT_entry_pc);
        }
        self.address(dw::DW_AT_low_pc)
    }

    /// Where it is entered: as above, else its first range.
    pub(super) fn entry(&self) -> Option<u64> {
        self.entry_pc().or_else(|| self.ranges().first().map(|range| range.begin))
    }

    /// The address behind it, of one that is in one piece.
    pub(super) fn high_pc(&self) -> Option<u64> {
        match self.attribute(dw::DW_AT_high_pc)? {
            value @ (AttributeValue::Addr(_) | AttributeValue::DebugAddrIndex(_)) => {
                self.world.dwarf.attr_address(&self.unit.gimli, value).ok()?
            }
            value => self.address(dw::DW_AT_low_pc)?.checked_add(value.udata_value()?),
        }
    }

    /// Whether it is the definition of a function.
    pub(super) fn is_definition(&self) -> bool {
        self.tag() == dw::DW_TAG_subprogram && !self.has(dw::DW_AT_declaration)
    }

    /// Whether it is code, and not only the pattern of what was inlined elsewhere.
    pub(super) fn is_instance(&self) -> bool {
        let pattern = matches!(
            self.attribute(dw::DW_AT_inline),
            Some(AttributeValue::Inline(dw::DW_INL_inlined | dw::DW_INL_declared_inlined))
        );
        !pattern && (self.entry_pc().is_some() || self.has(dw::DW_AT_ranges))
    }

    /// The source file that declares it.
    pub(super) fn file(&self) -> Option<Rc<str>> {
        let owner = self.owner(dw::DW_AT_decl_file)?;
        owner.unit.file(self.world, owner.number(dw::DW_AT_decl_file)?)
    }

    /// The line that declares it.
    pub(super) fn line(&self) -> Option<u32> {
        u32::try_from(self.number(dw::DW_AT_decl_line)?).ok()
    }

    /// Where an inlined function was called.
    pub(super) fn call(&self) -> (Option<Rc<str>>, Option<u32>) {
        let file = self.number(dw::DW_AT_call_file).and_then(|index| self.unit.file(self.world, index));
        (file, self.number(dw::DW_AT_call_line).and_then(|line| u32::try_from(line).ok()))
    }

    /// The type of a variable or member, or what a type is made of.
    pub(super) fn of_type(&self) -> Option<Self> {
        self.owner(dw::DW_AT_type)?.follow(dw::DW_AT_type)
    }

    /// The type without `const` and the like.
    pub(super) fn unqualified(&self) -> Option<Self> {
        let mut at = self.of_type()?;
        for _ in 0..MOST_ALIASES {
            let qualifier = [
                dw::DW_TAG_const_type,
                dw::DW_TAG_restrict_type,
                dw::DW_TAG_volatile_type,
                dw::DW_TAG_shared_type,
                dw::DW_TAG_atomic_type,
            ];
            if !qualifier.contains(&at.tag()) {
                return Some(at);
            }
            at = at.of_type()?;
        }
        None
    }

    /// The type without `const` and the like and without typedefs.
    pub(super) fn real_type(&self) -> Option<Self> {
        let mut at = self.unqualified()?;
        for _ in 0..MOST_ALIASES {
            if at.tag() != dw::DW_TAG_typedef {
                return Some(at);
            }
            at = at.unqualified()?;
        }
        None
    }
}
