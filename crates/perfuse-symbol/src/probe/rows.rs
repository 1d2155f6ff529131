//! Source lines and addresses, in the order and with the exceptions of perf: besides the line table, a function counts as
//! the line that declares it, and an inlined one as the line that calls it.

use std::rc::Rc;

use gimli::constants as dw;

use super::die::Die;
use super::functions;
use super::unit::{Go, Row, Unit};
use super::world::World;

/// Whether one path is the end of the other, by whole names. (perf compares letters: to it `r.rs` is `into_iter.rs`.)
pub(super) fn is_tail(one: &str, other: &str) -> bool {
    let (long, short) = if one.len() < other.len() { (other, one) } else { (one, other) };
    let short = short.strip_prefix("./").unwrap_or(short);
    let before = long.strip_suffix(short);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/') || short.starts_with('/'))
}

/// What is done with a line: its file, its number, and an address that belongs to it. An error ends the walk.
pub(super) type Visit<'v, E> = dyn FnMut(&Rc<str>, u32, u64) -> Result<(), E> + 'v;

/// Visits the lines of a whole unit.
pub(super) fn of_unit<'a, E>(world: &World<'a>, unit: &Rc<Unit<'a>>, visit: &mut Visit<'_, E>) -> Result<(), E> {
    for row in unit.rows(world).iter().filter(|row| row.statement && !row.end) {
        let Some(file) = unit.file(world, row.file) else { continue };
        visit(&file, row.line, row.address)?;
    }
    for function in unit.functions(world).iter() {
        if let Some(die) = Die::at(world, unit, function.offset) {
            declared(&die, true, visit)?;
        }
    }
    Ok(())
}

/// Visits the lines of a function or of an inlined one, without those of what is inlined into it.
pub(super) fn of_function<E>(function: &Die<'_, '_>, visit: &mut Visit<'_, E>) -> Result<(), E> {
    let (world, unit) = (function.world, &function.unit);
    let (declared_in, line) = (function.file(), function.line());
    let ranges = function.ranges();
    let inside = |address: u64| ranges.iter().any(|range| (range.begin..range.end).contains(&address));
    for row in unit.rows(world).iter().filter(|row| row.statement && !row.end && inside(row.address)) {
        let Some(file) = unit.file(world, row.file) else { continue };
        if let Some(inner) = functions::innermost(function, row.address) {
            let (call_file, call_line) = inner.call();
            let calls = call_file.is_some() && call_file == declared_in && call_line == Some(row.line);
            // A function within itself.
            let same = inner.line() == line && inner.file() == declared_in;
            if !calls && !same {
                continue;
            }
        }
        visit(&file, row.line, row.address)?;
    }
    declared(function, false, visit)
}

/// The line of a function itself, and the lines that call what is inlined into it.
fn declared<E>(function: &Die<'_, '_>, deep: bool, visit: &mut Visit<'_, E>) -> Result<(), E> {
    if let (Some(file), Some(line), Some(address)) = (function.file(), function.line(), function.entry()) {
        visit(&file, line, address)?;
    }
    let mut result = Ok(());
    let tree = function.unit.tree(function.world, function.offset());
    tree.walk(0, |_, node| {
        if node.tag != dw::DW_TAG_inlined_subroutine {
            return Go::Into;
        }
        let Some(inner) = Die::at(function.world, &function.unit, node.offset) else { return Go::Over };
        let address = inner.entry();
        if let ((Some(file), Some(line)), Some(address)) = (inner.call(), address) {
            result = visit(&file, line, address);
            if result.is_err() {
                return Go::Stop;
            }
        }
        if !deep {
            return Go::Over;
        }
        if let (Some(file), Some(line), Some(address)) = (inner.file(), inner.line(), address.filter(|at| *at != 0)) {
            result = visit(&file, line, address);
            if result.is_err() {
                return Go::Stop;
            }
        }
        Go::Into
    });
    result
}

/// The line that an address stands for, if it stands for one: that of the function at its entry, else the first
/// statement exactly there.
pub(super) fn at<'a>(world: &World<'a>, unit: &Rc<Unit<'a>>, address: u64) -> Option<(Rc<str>, u32)> {
    if let Some(function) = functions::real(world, unit, address)
        && function.entry() == Some(address)
    {
        let line = function.line().filter(|line| *line != 0)?;
        return Some((function.file()?, line));
    }
    let rows = unit.rows(world);
    let row = statement(&rows, address)?;
    Some((unit.file(world, row.file)?, row.line)).filter(|(_, line)| *line != 0)
}

/// The first statement of an address; of one within a row, that row.
fn statement(rows: &[Row], address: u64) -> Option<Row> {
    let last = rows.partition_point(|row| row.address <= address).checked_sub(1)?;
    let mut first = last;
    while first > 0 && rows[first].address == address && rows[first - 1].address == address {
        first -= 1;
    }
    rows[first..].iter().take_while(|row| row.address <= address).find(|row| row.statement).copied()
}

/// Where the body of a function begins that was compiled without optimization: its variables are in their places there.
pub(super) fn behind_prologue(function: &Die<'_, '_>, entry: u64, end: u64) -> Option<u64> {
    let rows = function.unit.rows(function.world);
    let from = rows.iter().position(|row| row.address == entry)?;
    let line = rows[from].line;
    let mut at = from;
    while let Some(row) = rows.get(at) {
        // Rows of one line: the second is behind the prologue of a function that is written in one line.
        if row.address >= end || row.prologue_end || row.line != line || at != from {
            break;
        }
        at += 1;
    }
    let found = rows.get(at)?;
    if found.address < end { Some(found.address) } else { rows.get(at.checked_sub(1)?).map(|row| row.address) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_known_by_its_last_names() {
        assert!(is_tail("/src/net/tcp.c", "tcp.c") && is_tail("net/tcp.c", "/src/net/tcp.c"));
        assert!(is_tail("tcp.c", "tcp.c") && is_tail("./tcp.c", "/src/tcp.c") && is_tail("/src/tcp.c", "/tcp.c"));
        assert!(!is_tail("mptcp.c", "tcp.c") && !is_tail("net/tcp.c", "ipv4/tcp.c"));
    }
}
