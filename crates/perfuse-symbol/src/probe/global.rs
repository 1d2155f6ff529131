//! Variables that are always at the same address, and what kind of number each is.

use gimli::Section as _;
use gimli::constants as dw;
use memchr::memmem::Finder;

use super::die::Die;
use super::open::Source;
use super::place::static_address;
use super::world::World;
use crate::variable::{Number, NumberKind};

/// `DW_OP_addr`.
const OP_ADDR: u8 = 0x03;

impl Source {
    /// The variables of a name that are always at the same address, with that address and the kind of number that each is;
    /// `None` for what is no number.
    pub(crate) fn globals(&self, name: &str) -> Vec<(u64, Option<Number>)> {
        let world = World::new(self);
        let name = name.rsplit("::").next().unwrap_or(name).as_bytes();
        let mut found = Vec::new();
        each(&world, |_| true, &mut |die| {
            if die.name() == Some(name)
                && let Some(address) = static_address(die)
            {
                found.push((address, number(die)));
            }
            true
        });
        found.sort_unstable_by_key(|(address, _)| *address);
        found.dedup_by_key(|(address, _)| *address);
        found
    }

    /// The kind of number that the variable at an address is.
    pub(crate) fn number_at(&self, address: u64) -> Option<Number> {
        let world = World::new(self);
        let mut needle = vec![OP_ADDR];
        let bytes = address.to_le_bytes();
        needle.extend_from_slice(if self.is_wide() { &bytes } else { &bytes[..4] });
        if !self.is_little() {
            needle[1..].reverse();
        }
        let finder = Finder::new(&needle);
        let mut found = None;
        let mut look = |die: &Die<'_, '_>| {
            if static_address(die) == Some(address) {
                found = number(die);
            }
            found.is_none()
        };
        // Most compilers write the address there; others a number for it, and then every unit has to be looked at.
        if each(&world, |unit| finder.find(unit).is_some(), &mut look) {
            each(&world, |_| true, &mut look);
        }
        found
    }
}

/// Visits the variables of the units whose bytes may have them, until one is enough; `true` if none was.
fn each(world: &World<'_>, may: impl Fn(&[u8]) -> bool, visit: &mut dyn FnMut(&Die<'_, '_>) -> bool) -> bool {
    let info = world.dwarf.debug_info.reader().slice();
    for span in &world.spans {
        if !info.get(span.start..span.end).is_some_and(&may) {
            continue;
        }
        let Some(unit) = world.unit_at(span.start) else { continue };
        let tree = unit.all(world);
        for node in tree.nodes.iter().filter(|node| node.tag == dw::DW_TAG_variable) {
            let Some(die) = Die::at(world, &unit, node.offset) else { continue };
            if !visit(&die) {
                return false;
            }
        }
    }
    true
}

/// The number that a variable is: also a pointer and the value of an enumeration.
fn number(variable: &Die<'_, '_>) -> Option<Number> {
    let real = variable.real_type()?;
    let bytes = u8::try_from(real.number(dw::DW_AT_byte_size)?).ok()?;
    let kind = match (real.tag(), real.attribute(dw::DW_AT_encoding)) {
        (dw::DW_TAG_enumeration_type, _) => NumberKind::Signed,
        (dw::DW_TAG_pointer_type, _) => NumberKind::Unsigned,
        (dw::DW_TAG_base_type, Some(gimli::AttributeValue::Encoding(encoding))) => match encoding {
            dw::DW_ATE_signed | dw::DW_ATE_signed_char => NumberKind::Signed,
            dw::DW_ATE_unsigned | dw::DW_ATE_unsigned_char | dw::DW_ATE_boolean | dw::DW_ATE_UTF => {
                NumberKind::Unsigned
            }
            dw::DW_ATE_float => NumberKind::Float,
            _ => return None,
        },
        // A counter that is atomic in C++ or Rust is a structure around one number.
        (dw::DW_TAG_structure_type | dw::DW_TAG_class_type, _) => return Number::new(NumberKind::Unsigned, bytes),
        _ => return None,
    };
    Number::new(kind, bytes)
}
