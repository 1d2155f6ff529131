//! Where a variable is at an address: from DWARF's location expressions to what the kernel can fetch.

use gimli::constants as dw;
use gimli::{AttributeValue, CfaRule, Operation, RawLocListEntry, Reader as _, Register};

use super::die::Die;
use super::fetch::size;
use super::finder::Hit;
use super::problem::DwarfProblem;
use super::unit::Slice;

type Expression<'a> = gimli::Expression<Slice<'a>>;

/// From an address up to another, and the expression that holds there.
type Piece<'a> = (u64, u64, Expression<'a>);

/// Where a value begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// In a register, by its DWARF number.
    Register(u16),
    /// At a symbol: the variable is always in the same place.
    Symbol {
        /// Its name.
        name: String,
        /// Its address in the file.
        address: Option<u64>,
    },
    /// It is always the same.
    Number(i64),
}

/// Where a value is: where it begins, then an offset for each access to memory, the innermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) start: Start,
    pub(super) offsets: Vec<i64>,
}

/// What the debug information says of a variable at an address.
pub(super) enum Told<'a> {
    /// Always at the same address; `None` if the unit only declares it.
    Static(Option<u64>),
    /// Always the same value; `None` if it is none of at most 64 bits.
    Constant(Option<i64>),
    /// By an expression. `true`: not at this address, but it is in the function.
    Expression(Expression<'a>, bool),
    /// Nothing.
    Nowhere,
}

/// Looks a variable up. `anywhere`: a variable that has no place here, but has one later in the function, is found, too.
pub(super) fn told<'a>(variable: &Die<'_, 'a>, hit: &Hit<'_, '_>, anywhere: bool) -> Told<'a> {
    if variable.has(dw::DW_AT_external) {
        return Told::Static(static_address(variable));
    }
    if let Some(value) = variable.attribute(dw::DW_AT_const_value) {
        return Told::Constant(constant(&value));
    }
    let expression = match variable.attribute(dw::DW_AT_location) {
        None => return Told::Nowhere,
        Some(AttributeValue::Exprloc(expression)) => Some(expression),
        Some(AttributeValue::Block(block)) => Some(gimli::Expression(block)),
        Some(list) => return listed(variable, list, hit, anywhere),
    };
    match expression.filter(|expression| !expression.0.is_empty()) {
        Some(expression) => Told::Expression(expression, false),
        None => Told::Nowhere,
    }
}

/// The address of a variable that has one.
pub(super) fn static_address(variable: &Die<'_, '_>) -> Option<u64> {
    match variable.attribute(dw::DW_AT_location)? {
        AttributeValue::Exprloc(expression) => {
            match Operation::parse(&mut expression.0.clone(), variable.unit.gimli.encoding()).ok()? {
                Operation::Address { address } => Some(address),
                Operation::AddressIndex { index } => variable.world.dwarf.address(&variable.unit.gimli, index).ok(),
                _ => None,
            }
        }
        _ => None,
    }
}

fn constant(value: &AttributeValue<Slice<'_>, usize>) -> Option<i64> {
    if let Some(number) = value.sdata_value() {
        return Some(number);
    }
    match value {
        AttributeValue::Udata(number) => Some(number.cast_signed()),
        // Bytes in the order of the file, as compilers write floating point numbers.
        AttributeValue::Block(block) => {
            let (bytes, little) = (block.slice(), block.endian() == gimli::RunTimeEndian::Little);
            let mut wide = [0; 8];
            wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
            if !little {
                wide.get_mut(..bytes.len())?.reverse();
            }
            Some(i64::from_le_bytes(wide))
        }
        _ => None,
    }
}

/// Looks into a list of locations.
fn listed<'a>(
    variable: &Die<'_, 'a>,
    list: AttributeValue<Slice<'a>, usize>,
    hit: &Hit<'_, '_>,
    anywhere: bool,
) -> Told<'a> {
    let entries = locations(variable, list);
    let at = |address: u64| {
        let mut covering = entries.iter().filter(|(begin, end, _)| (*begin..*end).contains(&address));
        covering.next().map(|(_, _, expression)| *expression)
    };
    if let Some(expression) = at(hit.address) {
        return if expression.0.is_empty() { Told::Nowhere } else { Told::Expression(expression, false) };
    }
    let function = &hit.function;
    let Some(entry) = function.entry_pc() else { return Told::Nowhere };
    let later = anywhere && variable.tag() == dw::DW_TAG_variable;
    if !later && (hit.address != entry || variable.tag() != dw::DW_TAG_formal_parameter) {
        return Told::Nowhere;
    }
    // The call of the tracer at the very entry is before the place where a parameter is told to be: the nearest counts.
    let Some(end) = function.high_pc() else { return Told::Nowhere };
    let after = hit.address.saturating_add(1);
    let reachable = entries.iter().filter(|(begin, stop, _)| (*begin).max(after) < *stop && (*begin).max(after) <= end);
    let first = reachable.map(|(begin, ..)| (*begin).max(after)).min();
    match first.and_then(at).filter(|expression| !expression.0.is_empty()) {
        Some(expression) => Told::Expression(expression, later),
        None => Told::Nowhere,
    }
}

/// The entries of a list of locations: from where to where, and the expression. Those that cover nothing are among them,
/// since perf shows them.
pub(super) fn locations<'a>(variable: &Die<'_, 'a>, list: AttributeValue<Slice<'a>, usize>) -> Vec<Piece<'a>> {
    let (dwarf, unit) = (&variable.world.dwarf, &variable.unit.gimli);
    let mut found = Vec::new();
    let Ok(Some(mut entries)) = dwarf.attr_locations(unit, list) else { return found };
    let mut base = unit.low_pc;
    while let Ok(Some(raw)) = entries.next_raw()
        && variable.world.spend(1)
    {
        let empty = match &raw {
            RawLocListEntry::BaseAddress { addr } => {
                base = *addr;
                None
            }
            RawLocListEntry::BaseAddressx { addr } => {
                base = dwarf.address(unit, *addr).unwrap_or(base);
                None
            }
            RawLocListEntry::OffsetPair { begin, end, data } if begin == end => {
                Some((base.wrapping_add(*begin), *data))
            }
            _ => None,
        };
        match entries.convert_raw(raw) {
            Ok(Some(entry)) => found.push((entry.range.begin, entry.range.end, entry.data)),
            Ok(None) => found.extend(empty.map(|(at, data)| (at, at, data))),
            Err(_) => break,
        }
    }
    found
}

/// What the first operation of an expression is about. perf looks at no other to tell whether a variable is available.
pub(super) fn looks_fetchable(expression: Expression<'_>, variable: &Die<'_, '_>, hit: &Hit<'_, '_>) -> bool {
    let Ok(first) = Operation::parse(&mut expression.0.clone(), variable.unit.gimli.encoding()) else { return false };
    match first {
        Operation::FrameOffset { .. } => frame_base(hit).is_some(),
        Operation::Register { .. } | Operation::Address { .. } => true,
        Operation::RegisterOffset { base_type, .. } => base_type.0 == 0,
        _ => false,
    }
}

/// Where the frame of a function begins: a register and an offset; the offset is `None` where the register is it.
pub(super) type FrameBase = (Register, Option<i64>);

fn frame_base(hit: &Hit<'_, '_>) -> Option<FrameBase> {
    *hit.frame.get_or_init(|| read_frame_base(hit))
}

fn read_frame_base(hit: &Hit<'_, '_>) -> Option<FrameBase> {
    let function = &hit.function;
    let encoding = function.unit.gimli.encoding();
    let expression = match function.attribute(dw::DW_AT_frame_base)? {
        AttributeValue::Exprloc(expression) => expression,
        list => {
            let entries = locations(function, list);
            let covers = |(begin, end, _): &&(u64, u64, _)| (*begin..*end).contains(&hit.address);
            entries.iter().find(covers)?.2
        }
    };
    let mut rest = expression.0;
    let base = match Operation::parse(&mut rest, encoding).ok()? {
        Operation::Register { register } => (register, None),
        Operation::RegisterOffset { register, offset, .. } => (register, Some(offset)),
        Operation::CallFrameCFA => match function.world.caller_frame(hit.address)? {
            CfaRule::RegisterAndOffset { register, offset } => (register, Some(offset)),
            CfaRule::Expression(_) => return None,
        },
        _ => return None,
    };
    rest.is_empty().then_some(base)
}

/// Where a variable can be fetched from. `Ok(None)`: it is not at this address.
pub(super) fn chain(variable: &Die<'_, '_>, name: &str, hit: &Hit<'_, '_>) -> Result<Option<Chain>, DwarfProblem> {
    let unfetchable = |kind: &str| DwarfProblem::Unfetchable { name: name.to_owned(), kind: kind.to_owned() };
    let symbol = |address| Chain { start: Start::Symbol { name: variable.display(), address }, offsets: vec![0] };
    let expression = match told(variable, hit, false) {
        Told::Nowhere => return Ok(None),
        Told::Static(address) => return Ok(Some(symbol(address))),
        Told::Constant(Some(value)) => {
            return Ok(Some(Chain { start: Start::Number(value), offsets: Vec::new() }));
        }
        Told::Constant(None) => return Err(unfetchable("a constant of more than 64 bits")),
        Told::Expression(expression, _) => expression,
    };
    let mut rest = expression.0;
    let encoding = variable.unit.gimli.encoding();
    let damaged = |error: gimli::Error| unfetchable(&format!("told in a damaged way ({error})"));
    let first = Operation::parse(&mut rest, encoding).map_err(damaged)?;
    let second = if rest.is_empty() { None } else { Some(Operation::parse(&mut rest, encoding).map_err(damaged)?) };
    // A structure of one member is told as a piece that is the whole of it.
    let whole = |bits: u64| {
        let size = variable.real_type().as_ref().and_then(size);
        size.and_then(|bytes| bytes.checked_mul(8)).is_some_and(|size| bits >= size)
    };
    let alone = match second {
        None => true,
        Some(Operation::Piece { size_in_bits, bit_offset: None }) => rest.is_empty() && whole(size_in_bits),
        _ => false,
    };
    let register =
        |register: Register, offsets: Vec<i64>| Ok(Some(Chain { start: Start::Register(register.0), offsets }));
    match first {
        Operation::Register { register: number } if alone => register(number, Vec::new()),
        // A structure in several registers: its first 64 bits are all that can be shown of it.
        Operation::Register { register: number }
            if matches!(second, Some(Operation::Piece { size_in_bits: 64.., bit_offset: None })) =>
        {
            register(number, Vec::new())
        }
        Operation::RegisterOffset { register: number, offset, .. } if alone => register(number, vec![offset]),
        // The value itself is in the register, and nothing points to it.
        Operation::RegisterOffset { register: number, offset: 0, .. }
            if second == Some(Operation::StackValue) && rest.is_empty() =>
        {
            register(number, Vec::new())
        }
        Operation::FrameOffset { offset } if alone => match frame_base(hit) {
            Some((number, base)) => register(number, vec![offset.wrapping_add(base.unwrap_or(0))]),
            None => Err(unfetchable("on the stack, at a place that is not told by a register")),
        },
        Operation::Address { address } if alone => Ok(Some(symbol(Some(address)))),
        Operation::AddressIndex { index } if alone => {
            Ok(Some(symbol(variable.world.dwarf.address(&variable.unit.gimli, index).ok())))
        }
        Operation::UnsignedConstant { value } if second == Some(Operation::StackValue) && rest.is_empty() => {
            Ok(Some(Chain { start: Start::Number(value.cast_signed()), offsets: Vec::new() }))
        }
        Operation::SignedConstant { value } if second == Some(Operation::StackValue) && rest.is_empty() => {
            Ok(Some(Chain { start: Start::Number(value), offsets: Vec::new() }))
        }
        Operation::EntryValue { .. } => {
            Err(unfetchable("the value that it had at the entry of the function (DW_OP_entry_value)"))
        }
        Operation::ImplicitValue { .. } | Operation::ImplicitPointer { .. } => {
            Err(unfetchable("known to the compiler only (DW_OP_implicit_value or DW_OP_implicit_pointer)"))
        }
        Operation::TLS => Err(unfetchable("of each thread (DW_OP_form_tls_address)")),
        _ if matches!(second, Some(Operation::TLS)) => Err(unfetchable("of each thread (DW_OP_form_tls_address)")),
        _ if matches!(second, Some(Operation::Piece { .. })) => Err(unfetchable("in several pieces (DW_OP_piece)")),
        _ => Err(unfetchable("computed (DW_OP_stack_value or more than one operation)")),
    }
}
