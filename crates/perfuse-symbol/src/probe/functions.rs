//! Functions at an address: the one that is code of its own, and those that were inlined into it.

use std::rc::Rc;

use gimli::constants as dw;

use super::die::Die;
use super::unit::{Go, Tree, Unit};
use super::world::World;

/// The function at an address that is not inlined.
pub(super) fn real<'w, 'a>(world: &'w World<'a>, unit: &Rc<Unit<'a>>, address: u64) -> Option<Die<'w, 'a>> {
    let functions = unit.functions(world);
    let found = functions.iter().find(|function| function.has(world, unit, address))?;
    Die::at(world, unit, found.offset)
}

/// The function that ends at an address: one that calls another last, and never returns from it.
pub(super) fn ending<'w, 'a>(world: &'w World<'a>, unit: &Rc<Unit<'a>>, address: u64) -> Option<Die<'w, 'a>> {
    let functions = unit.functions(world);
    let mut dies = functions.iter().filter_map(|function| Die::at(world, unit, function.offset));
    dies.find(|die| die.high_pc() == Some(address))
}

/// The first inlined function below an entry that covers an address.
fn inlined_below<'a>(tree: &Tree, world: &World<'a>, unit: &Rc<Unit<'a>>, from: usize, address: u64) -> Option<usize> {
    if !world.spend(tree.nodes.len()) {
        return None;
    }
    tree.walk(from, |at, node| {
        let found = node.tag == dw::DW_TAG_inlined_subroutine && tree.has(world, unit, at, address);
        if found { Go::Stop } else { Go::Into }
    })
}

/// The innermost inlined function at an address within a function.
pub(super) fn innermost<'w, 'a>(function: &Die<'w, 'a>, address: u64) -> Option<Die<'w, 'a>> {
    let tree = function.unit.tree(function.world, function.offset());
    let mut found = None;
    let mut at = 0;
    while let Some(next) = inlined_below(&tree, function.world, &function.unit, at, address) {
        found = Some(next);
        at = next;
    }
    Die::at(function.world, &function.unit, tree.nodes.get(found?)?.offset)
}

/// The outermost inlined function at an address within a function.
pub(super) fn outermost<'w, 'a>(function: &Die<'w, 'a>, address: u64) -> Option<Die<'w, 'a>> {
    let tree = function.unit.tree(function.world, function.offset());
    let found = inlined_below(&tree, function.world, &function.unit, 0, address)?;
    Die::at(function.world, &function.unit, tree.nodes.get(found)?.offset)
}

/// The function at an address, then what is inlined there, from the outside to the inside.
pub(super) fn all<'w, 'a>(world: &'w World<'a>, unit: &Rc<Unit<'a>>, address: u64) -> Vec<Die<'w, 'a>> {
    let Some(function) = real(world, unit, address) else { return Vec::new() };
    let tree = unit.tree(world, function.offset());
    let mut found = vec![function];
    let mut at = 0;
    while let Some(next) = inlined_below(&tree, world, unit, at, address) {
        found.extend(Die::at(world, unit, tree.nodes[next].offset));
        at = next;
    }
    found
}

/// Where a function became code: inlined, or as a copy of its own. Calls of a function by itself are not counted.
pub(super) fn instances<'w, 'a>(pattern: &Die<'w, 'a>) -> Vec<Die<'w, 'a>> {
    let (world, unit) = (pattern.world, &pattern.unit);
    let mut found = Vec::new();
    let tree = unit.all(world);
    tree.walk(0, |_, node| {
        if !matches!(node.tag, dw::DW_TAG_inlined_subroutine | dw::DW_TAG_subprogram) {
            return Go::Into;
        }
        let Some(die) = Die::at(world, unit, node.offset) else { return Go::Into };
        if die.follow(dw::DW_AT_abstract_origin).is_some_and(|origin| origin.is(pattern)) && !is_itself(&die, pattern) {
            found.push(die);
        }
        Go::Into
    });
    found
}

/// Whether an inlined function claims to be called from where it is declared.
fn is_itself(die: &Die<'_, '_>, pattern: &Die<'_, '_>) -> bool {
    die.tag() == dw::DW_TAG_inlined_subroutine
        && die.number(dw::DW_AT_call_line) == pattern.number(dw::DW_AT_decl_line)
        && die.number(dw::DW_AT_call_file) == pattern.number(dw::DW_AT_decl_file)
}
