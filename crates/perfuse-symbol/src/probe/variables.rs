//! The variables that are seen at a place, as `perf probe -V` shows them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use gimli::constants as dw;

use super::die::Die;
use super::finder::Hit;
use super::place::{self, Told};
use super::unit::Go;

/// Parts of a type's name: pointers to pointers and arrays of them.
const MOST_PARTS: usize = 64;

/// What is listed besides the local variables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VariableOptions {
    /// `--externs`: the variables of the unit.
    pub externs: bool,
    /// `--range`: where each is available, and local variables that are not available at the place itself.
    pub ranges: bool,
}

/// The lines, sorted: `TYPE`, a tab, and the name; with ranges a mark before and the range behind them.
pub(super) fn list(hit: &Hit<'_, '_>, options: VariableOptions) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(hit, &hit.scope, true, options, &mut found);
    if options.externs
        && let Some(root) = Die::root(hit.scope.world, &hit.scope.unit)
    {
        collect(hit, &root, false, options, &mut found);
    }
    found
}

fn collect(
    hit: &Hit<'_, '_>,
    scope: &Die<'_, '_>,
    local: bool,
    options: VariableOptions,
    found: &mut BTreeSet<String>,
) {
    let (world, unit) = (scope.world, &scope.unit);
    let tree = unit.tree(world, scope.offset());
    tree.walk(0, |at, node| {
        if matches!(node.tag, dw::DW_TAG_formal_parameter | dw::DW_TAG_variable)
            && let Some(variable) = Die::at(world, unit, node.offset)
            && let Some(here) = available(&variable, hit, options.ranges)
        {
            let mut line = match (options.ranges, local, here) {
                (false, ..) => "",
                (true, false, _) => "[EXT]\t",
                (true, true, true) => "[VAL]\t",
                (true, true, false) => "[INV]\t",
            }
            .to_owned();
            line.push_str(&type_name(&variable));
            line.push('\t');
            line.push_str(&variable.name().map_or_else(|| "(null)".into(), String::from_utf8_lossy));
            let parent = tree.nodes.get(node.parent).map(|parent| parent.offset);
            if !options.ranges || !local || range(hit, &variable, parent, &mut line) {
                found.insert(line);
            }
        }
        if local && tree.has(world, unit, at, hit.address) { Go::Into } else { Go::Over }
    });
}

/// Whether a variable can be asked for: at the place, or elsewhere in the function.
fn available(variable: &Die<'_, '_>, hit: &Hit<'_, '_>, anywhere: bool) -> Option<bool> {
    match place::told(variable, hit, anywhere) {
        Told::Static(_) | Told::Constant(_) => Some(true),
        Told::Expression(expression, elsewhere) => {
            place::looks_fetchable(expression, variable, hit).then_some(!elsewhere)
        }
        Told::Nowhere => None,
    }
}

/// The type as perf writes it: `struct sock*`, `char*` also for an array, `(function_type)*`.
fn type_name(variable: &Die<'_, '_>) -> String {
    let unknown = || "(unknown_type)".to_owned();
    let mut stars = String::new();
    let mut at = variable.clone();
    for _ in 0..MOST_PARTS {
        let Some(kind) = at.unqualified() else { return unknown() };
        let before = match kind.tag() {
            dw::DW_TAG_array_type | dw::DW_TAG_pointer_type => {
                stars.push('*');
                at = kind;
                continue;
            }
            dw::DW_TAG_subroutine_type => return format!("(function_type){stars}"),
            dw::DW_TAG_union_type => "union ",
            dw::DW_TAG_structure_type => "struct ",
            dw::DW_TAG_enumeration_type => "enum ",
            _ => "",
        };
        let Some(name) = kind.name() else { return unknown() };
        return format!("{before}{}{stars}", String::from_utf8_lossy(name));
    }
    unknown()
}

/// Adds where the variable is available, relative to the function: `@<leaf+[0-33,33-144]>`. `false` if that is not told.
fn range(hit: &Hit<'_, '_>, variable: &Die<'_, '_>, parent: Option<usize>, line: &mut String) -> bool {
    let function = &hit.function;
    let (Some(entry), Some(name)) = (function.entry(), function.name()) else { return false };
    let Some(value) = variable.attribute(dw::DW_AT_location) else { return false };
    line.push('\t');
    let pieces: Vec<(u64, u64)> = if let gimli::AttributeValue::Exprloc(_) | gimli::AttributeValue::Block(_) = value {
        // All of the block that declares it.
        let scope = parent.and_then(|parent| Die::at(variable.world, &variable.unit, parent));
        let ranges = scope.map_or_else(Box::default, |scope| scope.ranges());
        ranges.iter().map(|range| (range.begin, range.end)).collect()
    } else {
        place::locations(variable, value).into_iter().map(|(begin, end, _)| (begin, end)).collect()
    };
    let mut separator = format!("@<{}+[", String::from_utf8_lossy(name));
    for (begin, end) in &pieces {
        let _ = write!(line, "{separator}{}-{}", begin.wrapping_sub(entry), end.wrapping_sub(entry));
        ",".clone_into(&mut separator);
    }
    if !pieces.is_empty() {
        line.push_str("]>");
    }
    true
}
