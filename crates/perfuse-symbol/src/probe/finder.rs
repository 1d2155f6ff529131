//! From a place in the source to addresses, in the order and with the rules of perf.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use gimli::constants as dw;
use perfuse_format::event::glob;
use perfuse_format::probe::{Place, SourceSpot, Spot};

use super::die::Die;
use super::place::FrameBase;
use super::problem::DwarfProblem;
use super::unit::{Go, Unit};
use super::world::{Span, World};
use super::{functions, lazy, rows, scan};

/// Gives the text of a source file: its path as the compiler wrote it, and the directory that it may be relative to.
pub type ReadSource<'t> = dyn Fn(&str, Option<&str>) -> Option<Vec<u8>> + 't;

/// What is looked for.
pub(super) struct Query<'q> {
    pub(super) place: &'q Place,
    /// Whether variables are wanted in a program of user space: then the prologue of code that was compiled without
    /// optimization is left behind, since the variables are not in their places before.
    pub(super) skip_prologue: bool,
    /// Whether places in inlined functions count.
    pub(super) inlines: bool,
    pub(super) source: &'q ReadSource<'q>,
}

/// A place that was found.
pub(super) struct Hit<'w, 'a> {
    pub(super) address: u64,
    /// The innermost function that is meant: it may be inlined.
    pub(super) scope: Die<'w, 'a>,
    /// The function whose code it is.
    pub(super) function: Die<'w, 'a>,
    /// Where the frame of the function begins here, once it was asked for.
    pub(super) frame: OnceCell<Option<FrameBase>>,
}

type Found<'f, 'w, 'a> = dyn FnMut(Hit<'w, 'a>) -> Result<(), DwarfProblem> + 'f;

/// Gives every place to `found`. Whether there was any is for the caller to see.
pub(super) fn find<'w, 'a>(
    world: &'w World<'a>,
    query: &Query<'_>,
    found: &mut Found<'_, 'w, 'a>,
) -> Result<(), DwarfProblem> {
    let mut finder = Finder { world, query, found, lines: None };
    match query.place {
        Place::Function { name, file, spot } => {
            for span in spans(world, name) {
                let Some(unit) = world.unit_at(span.start) else { continue };
                if file.as_ref().is_none_or(|file| unit.file_with(world, file).is_some()) {
                    finder.by_function(&unit, name, file.as_deref(), spot)?;
                }
            }
            Ok(())
        }
        Place::Source { file, spot } => {
            for span in &world.spans {
                let Some(unit) = world.unit_at(span.start) else { continue };
                let Some(path) = unit.file_with(world, file) else { continue };
                match spot {
                    SourceSpot::Line(line) => finder.by_line(&unit, None, &path, *line)?,
                    SourceSpot::Lazy(pattern) => finder.by_pattern(&unit, None, None, &path, pattern)?,
                }
            }
            Ok(())
        }
        Place::Address { address, .. } => finder.by_address(*address),
        Place::Sdt { .. } => Ok(()),
    }
}

/// The units that may have a function of this name.
pub(super) fn spans(world: &World<'_>, name: &str) -> Vec<Span> {
    if glob::is_pattern(name) { world.spans.clone() } else { scan::units_with(world, name.as_bytes()) }
}

/// Whether a function has a name or, of C++ and Rust, a mangled one.
pub(super) fn is_named(die: &Die<'_, '_>, name: &str) -> bool {
    let is = |text: Option<&[u8]>| {
        text.is_some_and(|text| {
            text == name.as_bytes() || std::str::from_utf8(text).is_ok_and(|text| glob::matches(name, text))
        })
    };
    is(die.name()) || is(die.linkage_name())
}

struct Finder<'f, 'q, 'w, 'a> {
    world: &'w World<'a>,
    query: &'q Query<'q>,
    found: &'f mut Found<'f, 'w, 'a>,
    /// The lines that match a pattern; the first file that is read tells them, as in perf.
    lines: Option<BTreeSet<u32>>,
}

impl<'w, 'a> Finder<'_, '_, 'w, 'a> {
    fn by_function(
        &mut self,
        unit: &Rc<Unit<'a>>,
        name: &str,
        file: Option<&str>,
        spot: &Spot,
    ) -> Result<(), DwarfProblem> {
        let many = glob::is_pattern(name);
        for function in unit.functions(self.world).iter() {
            let Some(die) = Die::at(self.world, unit, function.offset) else { continue };
            if !die.is_definition() || !is_named(&die, name) {
                continue;
            }
            let Some(declared) = die.file() else { continue };
            if file.is_some_and(|file| !rows::is_tail(file, &declared)) {
                continue;
            }
            self.function(&die, &declared, name, spot)?;
            if !many {
                break;
            }
        }
        Ok(())
    }

    fn function(&mut self, die: &Die<'w, 'a>, file: &Rc<str>, name: &str, spot: &Spot) -> Result<(), DwarfProblem> {
        if let Spot::Line(line) = spot {
            let line = die.line().unwrap_or(0).saturating_add(*line);
            return self.by_line(&die.unit, Some(name), file, line);
        }
        if die.is_instance() {
            let Some(entry) = die.entry().filter(|entry| *entry != 0) else { return Ok(()) };
            return match spot {
                Spot::Lazy(pattern) => self.by_pattern(&die.unit, Some(die), Some(name), file, pattern),
                Spot::Offset(offset) => self.hit(die, entry.wrapping_add(*offset)),
                Spot::Entry if self.query.skip_prologue => self.hit(die, behind_prologue(die, entry)),
                _ => self.hit(die, entry),
            };
        }
        if !self.query.inlines {
            return Ok(());
        }
        for instance in functions::instances(die) {
            let result = match (spot, instance.entry().filter(|entry| *entry != 0)) {
                (Spot::Lazy(pattern), _) => self.by_pattern(&die.unit, Some(&instance), Some(name), file, pattern),
                (Spot::Offset(offset), Some(entry)) => self.hit(&instance, entry.wrapping_add(*offset)),
                (_, Some(entry)) => self.hit(&instance, entry),
                (_, None) => break,
            };
            match result {
                // What one instance does not have ends the search in this unit, but not in others.
                Err(problem) if problem.is_missing() => break,
                other => other?,
            }
        }
        Ok(())
    }

    /// An address in a function or in an inlined one.
    fn hit(&mut self, scope: &Die<'w, 'a>, address: u64) -> Result<(), DwarfProblem> {
        let function = if scope.is_definition() {
            scope.clone()
        } else {
            match functions::real(self.world, &scope.unit, address) {
                Some(function) => function,
                None if functions::ending(self.world, &scope.unit, address).is_some() => return Ok(()),
                None => return Err(DwarfProblem::NoFunction { address }),
            }
        };
        (self.found)(Hit { address, scope: scope.clone(), function, frame: OnceCell::new() })
    }

    fn by_line(
        &mut self,
        unit: &Rc<Unit<'a>>,
        name: Option<&str>,
        path: &Rc<str>,
        wanted: u32,
    ) -> Result<(), DwarfProblem> {
        let world = self.world;
        rows::of_unit(world, unit, &mut |file, line, address| {
            if line != wanted || !rows::is_tail(file, path) {
                return Ok(());
            }
            represents(world, unit, name, file, line, address)?;
            let scope = scope(world, unit, name, path, line, address);
            self.hit(&scope.ok_or(DwarfProblem::NoFunction { address })?, address)
        })
    }

    fn by_pattern(
        &mut self,
        unit: &Rc<Unit<'a>>,
        within: Option<&Die<'w, 'a>>,
        name: Option<&str>,
        path: &Rc<str>,
        pattern: &str,
    ) -> Result<(), DwarfProblem> {
        if self.lines.as_ref().is_none_or(BTreeSet::is_empty) {
            let text = (self.query.source)(path, unit.directory().as_deref());
            let text = text.ok_or_else(|| DwarfProblem::NoSource { path: path.to_string() })?;
            self.lines = Some(lazy::lines(pattern, &text));
        }
        let wanted = self.lines.clone().unwrap_or_default();
        let world = self.world;
        if wanted.is_empty() {
            return Ok(());
        }
        let mut visit = |file: &Rc<str>, line: u32, address: u64| {
            if !wanted.contains(&line) || !rows::is_tail(file, path) {
                return Ok(());
            }
            let scope = scope(world, unit, name, path, line, address);
            self.hit(&scope.ok_or(DwarfProblem::NoFunction { address })?, address)
        };
        match within {
            Some(function) => rows::of_function(function, &mut visit),
            None => rows::of_unit(world, unit, &mut visit),
        }
    }

    fn by_address(&mut self, address: u64) -> Result<(), DwarfProblem> {
        for span in &self.world.spans {
            let Some(unit) = self.world.unit_at(span.start) else { continue };
            let Some(root) = Die::root(self.world, &unit) else { continue };
            let ranges = root.ranges();
            if !ranges.is_empty() && !ranges.iter().any(|range| (range.begin..range.end).contains(&address)) {
                continue;
            }
            if let Some(scope) = functions::all(self.world, &unit, address).into_iter().next_back() {
                return self.hit(&scope, address);
            }
        }
        Ok(())
    }
}

/// Where the body of a function begins, if it was compiled without optimization; else its entry.
fn behind_prologue(die: &Die<'_, '_>, entry: u64) -> u64 {
    let end = die.high_pc();
    match end {
        Some(end) if !is_optimized(die) => rows::behind_prologue(die, entry, end).unwrap_or(entry),
        _ => entry,
    }
}

/// Whether the unit was compiled with optimization: then some variable is now here, now there.
fn is_optimized(die: &Die<'_, '_>) -> bool {
    let moves = |offset: usize| {
        let variable = Die::at(die.world, &die.unit, offset);
        let place = variable.and_then(|variable| variable.attribute(dw::DW_AT_location));
        place.is_some_and(|place| !matches!(place, gimli::AttributeValue::Exprloc(_) | gimli::AttributeValue::Block(_)))
    };
    die.unit.is_optimized(|| {
        let seen = die.unit.all(die.world).walk(0, |_, node| {
            let variable = matches!(node.tag, dw::DW_TAG_formal_parameter | dw::DW_TAG_variable);
            if variable && moves(node.offset) { Go::Stop } else { Go::Into }
        });
        seen.is_some()
    })
}

/// The function that is meant at an address: of this name, else the one declared nearest before the line, else the
/// innermost.
fn scope<'w, 'a>(
    world: &'w World<'a>,
    unit: &Rc<Unit<'a>>,
    name: Option<&str>,
    path: &Rc<str>,
    line: u32,
    address: u64,
) -> Option<Die<'w, 'a>> {
    let all = functions::all(world, unit, address);
    let mut here = all.iter().filter(|die| die.file().is_some_and(|file| file == *path));
    let best = if let Some(name) = name {
        here.find(|die| is_named(die, name))
    } else {
        let before = here.filter_map(|die| Some((line.checked_sub(die.line()?).filter(|far| *far > 0)?, die)));
        before.min_by_key(|(far, _)| *far).map(|(_, die)| die)
    };
    // Without one that fits, perf takes the outermost: the first that it meets.
    best.or(all.first()).cloned()
}

/// An error if the address stands for another line.
fn represents<'a>(
    world: &World<'a>,
    unit: &Rc<Unit<'a>>,
    name: Option<&str>,
    file: &Rc<str>,
    line: u32,
    address: u64,
) -> Result<(), DwarfProblem> {
    let Some((other_file, other)) = rows::at(world, unit, address) else { return Ok(()) };
    if other_file != *file || other == line {
        return Ok(());
    }
    let named = name.and_then(|name| {
        let scope = scope(world, unit, Some(name), file, line, address).filter(|die| is_named(die, name))?;
        Some(format!("{}:{}", scope.display(), i64::from(other) - i64::from(scope.line()?)))
    });
    Err(DwarfProblem::SharedLine { place: named.unwrap_or_else(|| format!("{other_file}:{other}")) })
}
