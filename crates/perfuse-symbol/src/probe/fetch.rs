//! What the kernel has to fetch for an argument: members, indices and types on top of where a variable is.

use gimli::constants as dw;
use perfuse_format::probe::{Access, Argument, Base, Cast, Fetch, Sign, TraceArgument};

use super::die::Die;
use super::finder::Hit;
use super::place::{self, Chain, Start};
use super::problem::DwarfProblem;
use super::unit::Go;
use super::world::World;

/// Dimensions of an array that are looked at, and anonymous structures within each other.
const MOST_LEVELS: usize = 32;

/// How a value is fetched, and its type.
pub(super) struct Fetched {
    pub(super) chain: Chain,
    pub(super) cast: Option<Cast>,
    /// How many of the offsets belong to where the variable itself is.
    own: usize,
}

/// What an argument means at a place; `Ok(None)` where its variable has no value there.
pub(super) fn argument(argument: &Argument, name: &str, hit: &Hit<'_, '_>) -> Result<Option<Fetched>, DwarfProblem> {
    let Some(variable) = variable(name, hit) else { return Ok(None) };
    let Some(mut chain) = place::chain(&variable, name, hit)? else { return Ok(None) };
    let mut at = variable;
    let mut before = name.to_owned();
    let mut own = chain.offsets.len();
    for (index, field) in argument.fields.iter().enumerate() {
        at = step(&at, &mut before, field, &mut chain)?;
        // A member of a structure that is in memory itself.
        if index == 0 && chain.offsets.len() == own {
            own = own.saturating_sub(1);
        }
    }
    let cast = cast(&at, &before, argument.cast.as_ref(), &mut chain)?;
    Ok(Some(Fetched { chain, cast, own }))
}

/// The variable of a name that is seen at a place: of the function, else of the unit.
fn variable<'w, 'a>(name: &str, hit: &Hit<'w, 'a>) -> Option<Die<'w, 'a>> {
    let in_scope = named(&hit.scope, name, Some(hit.address));
    in_scope.or_else(|| named(&Die::root(hit.scope.world, &hit.scope.unit)?, name, None))
}

fn named<'w, 'a>(scope: &Die<'w, 'a>, name: &str, address: Option<u64>) -> Option<Die<'w, 'a>> {
    let (world, unit) = (scope.world, &scope.unit);
    let tree = unit.tree(world, scope.offset());
    let found = tree.walk(0, |at, node| {
        if matches!(node.tag, dw::DW_TAG_formal_parameter | dw::DW_TAG_variable)
            && let Some(die) = Die::at(world, unit, node.offset)
            && die.name() == Some(name.as_bytes())
            && (die.has(dw::DW_AT_external) || die.has(dw::DW_AT_location) || die.has(dw::DW_AT_const_value))
        {
            return Go::Stop;
        }
        if address.is_some_and(|address| tree.has(world, unit, at, address)) { Go::Into } else { Go::Over }
    })?;
    Die::at(world, unit, tree.nodes.get(found)?.offset)
}

/// The variables that `$vars` and `$params` stand for at a place.
pub(super) fn expand(hit: &Hit<'_, '_>, variables: bool) -> Vec<String> {
    let (world, unit) = (hit.scope.world, &hit.scope.unit);
    let tree = unit.tree(world, hit.scope.offset());
    let mut found: Vec<String> = Vec::new();
    tree.walk(0, |at, node| {
        let wanted = node.tag == dw::DW_TAG_formal_parameter || variables && node.tag == dw::DW_TAG_variable;
        if wanted && let Some(die) = Die::at(world, unit, node.offset) {
            let name = die.display();
            if !name.is_empty() && matches!(place::chain(&die, &name, hit), Ok(Some(_))) {
                found.push(name);
            }
        }
        if tree.has(world, unit, at, hit.address) { Go::Into } else { Go::Over }
    });
    found
}

/// One step to a part. What comes back has the type of the part.
fn step<'w, 'a>(
    at: &Die<'w, 'a>,
    before: &mut String,
    field: &Access,
    chain: &mut Chain,
) -> Result<Die<'w, 'a>, DwarfProblem> {
    let no_type = || DwarfProblem::NoType { name: before.clone() };
    let kind = at.real_type().ok_or_else(no_type)?;
    match field {
        Access::Index(index) => {
            if !matches!(kind.tag(), dw::DW_TAG_array_type | dw::DW_TAG_pointer_type) {
                return Err(DwarfProblem::NotArray { name: before.clone() });
            }
            let element = kind.real_type().ok_or_else(no_type)?;
            if kind.tag() == dw::DW_TAG_pointer_type {
                chain.offsets.push(0);
            }
            let size = size(&element).unwrap_or(0).cast_signed();
            add(chain, size.wrapping_mul(*index), before)?;
            Ok(kind)
        }
        Access::Member { name, arrow } => {
            let structure = if kind.tag() == dw::DW_TAG_pointer_type {
                if !arrow {
                    return Err(DwarfProblem::NeedsArrow { name: name.clone() });
                }
                chain.offsets.push(0);
                kind.real_type().ok_or_else(no_type)?
            } else {
                if is_structure(&kind) && *arrow {
                    return Err(DwarfProblem::NeedsDot { name: name.clone() });
                }
                kind
            };
            if !is_structure(&structure) {
                return Err(DwarfProblem::NotStructure { name: before.clone() });
            }
            let (member, offset) =
                member(&structure, name, MOST_LEVELS).ok_or_else(|| no_member(&structure, before, name))?;
            add(chain, offset, before)?;
            name.clone_into(before);
            Ok(member)
        }
    }
}

fn is_structure(die: &Die<'_, '_>) -> bool {
    matches!(die.tag(), dw::DW_TAG_structure_type | dw::DW_TAG_union_type | dw::DW_TAG_class_type)
}

/// Moves what is fetched; something in a register cannot be moved within.
fn add(chain: &mut Chain, offset: i64, name: &str) -> Result<(), DwarfProblem> {
    let last = chain.offsets.last_mut().ok_or_else(|| DwarfProblem::InRegister { name: name.to_owned() })?;
    *last = last.wrapping_add(offset);
    Ok(())
}

/// The members of a type, in order.
fn members<'w, 'a>(structure: &Die<'w, 'a>) -> Vec<Die<'w, 'a>> {
    let mut found = Vec::new();
    // A declaration alone has no members; its definition is in another place of the unit.
    let tree = structure.unit.tree(structure.world, structure.offset());
    tree.walk(0, |_, node| {
        if matches!(node.tag, dw::DW_TAG_member | dw::DW_TAG_inheritance) {
            found.extend(Die::at(structure.world, &structure.unit, node.offset));
        }
        Go::Over
    });
    found
}

/// A member and how far it is from the start, also within structures without a name and base classes.
fn member<'w, 'a>(structure: &Die<'w, 'a>, name: &str, levels: usize) -> Option<(Die<'w, 'a>, i64)> {
    for member in members(structure) {
        let offset = offset_of(&member);
        match member.name() {
            Some(own) if own == name.as_bytes() => return Some((member, offset?)),
            None if levels > 0 => {
                if let Some(inner) = member.real_type().filter(is_structure)
                    && let Some((found, into)) = self::member(&inner, name, levels - 1)
                {
                    return Some((found, offset?.wrapping_add(into)));
                }
            }
            _ => {}
        }
    }
    None
}

/// How far a member is from the start of its type. Of a bit field, the integer around it.
fn offset_of(member: &Die<'_, '_>) -> Option<i64> {
    match member.attribute(dw::DW_AT_data_member_location) {
        None => Some(bits(member).map_or(0, |bits| bits.integer)),
        Some(gimli::AttributeValue::Exprloc(expression)) => {
            let encoding = member.unit.gimli.encoding();
            match gimli::Operation::parse(&mut expression.0.clone(), encoding).ok()? {
                gimli::Operation::PlusConstant { value } => Some(value.cast_signed()),
                _ => None,
            }
        }
        Some(value) => value.udata_value().map(u64::cast_signed),
    }
}

/// Where a bit field is.
struct Bits {
    /// Bytes from the start of the structure to the integer that holds it; 0 where that is told by the member itself.
    integer: i64,
    /// Its width in bits.
    width: u64,
    /// Bits from the low end of the integer.
    low: u64,
    /// Width of the integer in bits.
    container: u64,
}

/// Reads both ways in which a bit field is described: since DWARF 4 from the start of the structure, before from the high
/// end of an integer. The kernel counts from the low end.
fn bits(member: &Die<'_, '_>) -> Option<Bits> {
    let width = member.number(dw::DW_AT_bit_size).filter(|width| (1..=64).contains(width))?;
    let size = member.number(dw::DW_AT_byte_size).or_else(|| size(&member.real_type()?));
    let container = size.filter(|size| [1, 2, 4, 8].contains(size))? * 8;
    let little = member.world.source.is_little();
    if let Some(start) = member.number(dw::DW_AT_data_bit_offset) {
        let into = start % container;
        let low = if little { into } else { container.checked_sub(into.checked_add(width)?)? };
        let integer = i64::try_from((start - into) / 8).ok()?;
        return Some(Bits { integer, width, low, container });
    }
    let high = member.number(dw::DW_AT_bit_offset)?;
    let low = container.checked_sub(high.checked_add(width)?)?;
    Some(Bits { integer: 0, width, low, container })
}

fn no_member(structure: &Die<'_, '_>, before: &str, name: &str) -> DwarfProblem {
    let names: Vec<String> = members(structure).iter().map(Die::display).filter(|name| !name.is_empty()).collect();
    let distance = |other: &String| perfuse_format::event::error::distance(name.as_bytes(), other.as_bytes());
    let nearest = names.into_iter().min_by_key(distance);
    let (of, kind, name) = (before.to_owned(), structure.display(), name.to_owned());
    DwarfProblem::NoMember { of, kind, name, nearest }
}

/// Bytes of a type: its own size, that of a pointer, or of all elements of an array.
pub(super) fn size(kind: &Die<'_, '_>) -> Option<u64> {
    let mut at = kind.clone();
    let mut count = 1_u64;
    for _ in 0..MOST_LEVELS {
        if let Some(size) = at.number(dw::DW_AT_byte_size) {
            return size.checked_mul(count);
        }
        match at.tag() {
            dw::DW_TAG_array_type => count = count.checked_mul(elements(&at)?)?,
            dw::DW_TAG_pointer_type => return u64::from(at.unit.gimli.encoding().address_size).checked_mul(count),
            _ => return None,
        }
        at = at.real_type()?;
    }
    None
}

/// How many elements an array has, over all its dimensions.
fn elements(array: &Die<'_, '_>) -> Option<u64> {
    let tree = array.unit.tree(array.world, array.offset());
    let mut all = Some(1_u64);
    tree.walk(0, |_, node| {
        if node.tag == dw::DW_TAG_subrange_type {
            let dimension = Die::at(array.world, &array.unit, node.offset).and_then(|range| {
                let count = range.number(dw::DW_AT_count);
                count.or_else(|| range.number(dw::DW_AT_upper_bound)?.checked_add(1))
            });
            all = all.and_then(|all| all.checked_mul(dimension?));
        }
        Go::Over
    });
    all
}

fn is_signed(kind: &Die<'_, '_>) -> bool {
    match kind.attribute(dw::DW_AT_encoding) {
        Some(gimli::AttributeValue::Encoding(encoding)) => {
            matches!(encoding, dw::DW_ATE_signed | dw::DW_ATE_signed_char | dw::DW_ATE_signed_fixed)
        }
        _ => false,
    }
}

/// The type that the kernel is told: the one that was asked for, or that of the variable.
fn cast(at: &Die<'_, '_>, name: &str, asked: Option<&Cast>, chain: &mut Chain) -> Result<Option<Cast>, DwarfProblem> {
    let sign = match asked {
        None => None,
        Some(Cast::Sign(sign)) => Some(*sign),
        Some(cast) if cast.is_text() => {
            text(at, name, chain)?;
            return Ok(Some(cast.clone()));
        }
        Some(cast) => return Ok(Some(cast.clone())),
    };
    if let Some(bits) = bits(at) {
        let small = |number: u64| u8::try_from(number).unwrap_or(0);
        let (width, offset, container) = (small(bits.width), small(bits.low), small(bits.container));
        return Ok(Some(Cast::BitField { width, offset, container }));
    }
    let kind = at.real_type().ok_or_else(|| DwarfProblem::NoType { name: name.to_owned() })?;
    let own = if is_signed(&kind) { Sign::Signed } else { Sign::Hex };
    // An array has no number: its address is shown.
    let Some(size) = kind.number(dw::DW_AT_byte_size).filter(|size| *size > 0) else { return Ok(None) };
    let bits = u8::try_from(size.saturating_mul(8)).unwrap_or(64);
    Ok(Some(Cast::integer(sign.unwrap_or(own), bits)))
}

/// Checks that something is a text, and follows the pointer to it.
fn text(at: &Die<'_, '_>, name: &str, chain: &mut Chain) -> Result<(), DwarfProblem> {
    let not_text = || DwarfProblem::NotText { name: name.to_owned() };
    let kind = at.real_type().ok_or_else(|| DwarfProblem::NoType { name: name.to_owned() })?;
    let pointer = kind.tag() == dw::DW_TAG_pointer_type;
    if !pointer && kind.tag() != dw::DW_TAG_array_type {
        return Err(not_text());
    }
    let letter = kind.real_type().ok_or_else(not_text)?;
    let names: [&[u8]; 5] = [b"char", b"unsigned char", b"signed char", b"u8", b"i8"];
    if !letter.name().is_some_and(|name| names.contains(&name)) {
        return Err(not_text());
    }
    if pointer {
        chain.offsets.push(0);
    }
    Ok(())
}

/// The chain as the kernel takes it. `user`: all memory is that of user space.
pub(super) fn written(
    world: &World<'_>,
    fetched: &Fetched,
    name: &str,
    argument: &Argument,
) -> Result<TraceArgument, DwarfProblem> {
    let mut offsets = fetched.chain.offsets.iter().copied();
    let mut text = None;
    let mut fetch = match &fetched.chain.start {
        Start::Register(number) => {
            let register = super::registers::name(world.source.machine(), *number);
            let register = register.ok_or_else(|| DwarfProblem::Register { name: name.to_owned(), number: *number })?;
            Fetch::Register(register)
        }
        Start::Number(number) => Fetch::Number(*number),
        Start::Symbol { name, .. } => {
            let offset = offsets.next().unwrap_or(0);
            if offset == 0 && offsets.len() == 0 {
                // perf writes the offset even if there is none.
                text = Some(format!("@{name}+0"));
            }
            Fetch::Symbol { name: name.clone(), offset }
        }
    };
    for offset in offsets {
        fetch = Fetch::Deref { offset, user: false, of: Box::new(fetch) };
    }
    if argument.user
        && let Fetch::Deref { .. } = fetch
    {
        mark_user(&mut fetch, fetched.chain.offsets.len().saturating_sub(fetched.own));
    }
    let event_name = match &argument.base {
        Base::Variable(_) => Some(argument.event_name()),
        _ => Some(name.to_owned()),
    };
    Ok(TraceArgument { name: event_name, fetch, text, cast: fetched.cast.clone() })
}

/// `@user` marks the accesses that the members and the string added, the outermost ones, not those to where the variable
/// itself is.
fn mark_user(fetch: &mut Fetch, mut left: usize) {
    let mut at = fetch;
    while let Fetch::Deref { user, of, .. } = at {
        if left == 0 {
            break;
        }
        *user = true;
        left -= 1;
        at = of;
    }
}
