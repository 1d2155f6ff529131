//! The lines of a function or file that have code, as `perf probe -L` shows them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::rc::Rc;

use perfuse_format::probe::{LineRange, LinesOf};

use super::die::Die;
use super::finder::{is_named, spans};
use super::functions;
use super::problem::DwarfProblem;
use super::rows;
use super::unit::Unit;
use super::world::World;

/// The largest line; perf keeps lines in an `int`.
const LAST: u32 = i32::MAX.unsigned_abs();

/// Lines that are shown behind the last one with code, if no end was given.
const MORE: u32 = 2;

/// The lines of a function or file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The function as it was asked for.
    pub function: Option<String>,
    /// The source file, as the compiler was told.
    pub path: String,
    /// The directory that the path may be relative to.
    pub directory: Option<String>,
    /// The line that counts as 0: the first of the function.
    pub base: u32,
    /// The first line, counted from the start of the file.
    pub first: u32,
    /// The last line; the end of the file or function if there is none.
    pub last: Option<u32>,
    /// The lines at which a probe can be put, counted from the start of the file.
    pub probeable: BTreeSet<u32>,
}

impl Listing {
    /// The places at which the source file may be, the best first. `prefix`: the directory given with `--source`.
    pub fn places(&self, prefix: Option<&str>) -> Vec<String> {
        source_places(&self.path, self.directory.as_deref(), prefix)
    }

    /// The text as perf lays it out: `found` is the path at which the source file was, `source` its bytes.
    pub fn text(&self, found: &str, source: &[u8]) -> String {
        let mut out = match &self.function {
            Some(function) => format!("<{function}@{found}:{}>\n", self.first.saturating_sub(self.base)),
            None => format!("<{found}:{}>\n", self.first),
        };
        let shown = match (self.last, self.probeable.last()) {
            (Some(last), _) => last,
            (None, Some(last)) => last.saturating_add(1).saturating_add(MORE),
            (None, None) => self.first.saturating_add(MORE),
        };
        let lines = source.split_inclusive(|byte| *byte == b'\n').zip(1_u32..);
        for (line, number) in lines.skip_while(|(_, number)| *number < self.first) {
            if number > shown {
                break;
            }
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line));
            if self.probeable.contains(&number) {
                let _ = writeln!(out, "{:7}  {text}", number.saturating_sub(self.base));
            } else {
                let _ = writeln!(out, "         {text}");
            }
        }
        out
    }
}

/// Where a source file may be: under the prefix, with one directory less each time; else where the compiler saw it.
pub(super) fn source_places(path: &str, directory: Option<&str>, prefix: Option<&str>) -> Vec<String> {
    match (prefix, directory) {
        (Some(prefix), _) => {
            let mut places = vec![format!("{prefix}/{path}")];
            let mut rest = path;
            while let Some(at) = rest.get(1..).and_then(|tail| tail.find('/')) {
                rest = &rest[1 + at..];
                places.push(format!("{prefix}/{rest}"));
            }
            places
        }
        (None, Some(directory)) if !path.starts_with('/') => vec![format!("{directory}/{path}")],
        _ => vec![path.to_owned()],
    }
}

/// Finds the lines of a range.
pub(super) fn list(world: &World<'_>, range: &LineRange) -> Result<Listing, DwarfProblem> {
    match &range.of {
        LinesOf::Function { name, file } => {
            for span in spans(world, name) {
                let Some(unit) = world.unit_at(span.start) else { continue };
                if file.as_ref().is_some_and(|file| unit.file_with(world, file).is_none()) {
                    continue;
                }
                if let Some(listing) = in_unit(world, &unit, range, name, file.as_deref()) {
                    return Ok(listing);
                }
            }
        }
        LinesOf::Source(file) => {
            for span in &world.spans {
                let Some(unit) = world.unit_at(span.start) else { continue };
                let Some(path) = unit.file_with(world, file) else { continue };
                let mut lines = Lines::new(&unit, &path, range.first, range.last.unwrap_or(LAST));
                let _ = rows::of_unit(world, &unit, &mut |file, line, address| {
                    lines.add(world, file, line, address);
                    Ok::<_, DwarfProblem>(())
                });
                if let Some(listing) = lines.listing(None, 0, range) {
                    return Ok(listing);
                }
            }
        }
    }
    Err(DwarfProblem::NotFound)
}

fn in_unit<'a>(
    world: &World<'a>,
    unit: &Rc<Unit<'a>>,
    range: &LineRange,
    name: &str,
    file: Option<&str>,
) -> Option<Listing> {
    let functions = unit.functions(world);
    let found = functions.iter().filter_map(|function| Die::at(world, unit, function.offset)).find(|die| {
        die.is_definition()
            && is_named(die, name)
            && file.is_none_or(|file| die.file().is_some_and(|own| rows::is_tail(file, &own)))
    })?;
    let (path, base) = (found.file()?, found.line().unwrap_or(0));
    let first = base.saturating_add(range.first).min(LAST);
    let last = range.last.map_or(LAST, |last| base.saturating_add(last).min(LAST));
    let mut lines = Lines::new(unit, &path, first, last);
    let mut add = |file: &Rc<str>, line: u32, address: u64| {
        lines.add(world, file, line, address);
        Ok::<_, DwarfProblem>(())
    };
    if found.is_instance() {
        let _ = rows::of_function(&found, &mut add);
    } else {
        for instance in functions::instances(&found) {
            let _ = rows::of_function(&instance, &mut add);
        }
    }
    lines.listing(Some(name), base, range)
}

/// Lines of one file that have code.
struct Lines<'u, 'a> {
    unit: &'u Rc<Unit<'a>>,
    wanted: Rc<str>,
    first: u32,
    last: u32,
    path: Option<Rc<str>>,
    found: BTreeSet<u32>,
}

impl<'u, 'a> Lines<'u, 'a> {
    fn new(unit: &'u Rc<Unit<'a>>, wanted: &Rc<str>, first: u32, last: u32) -> Self {
        Self { unit, wanted: Rc::clone(wanted), first, last, path: None, found: BTreeSet::new() }
    }

    /// Takes a line, unless its address stands for another one.
    fn add(&mut self, world: &World<'a>, file: &Rc<str>, line: u32, address: u64) {
        if !(self.first..=self.last).contains(&line) || !rows::is_tail(file, &self.wanted) {
            return;
        }
        if rows::at(world, self.unit, address).is_some_and(|(other, number)| number != line || other != *file) {
            return;
        }
        self.path.get_or_insert_with(|| Rc::clone(file));
        self.found.insert(line);
    }

    fn listing(self, function: Option<&str>, base: u32, range: &LineRange) -> Option<Listing> {
        Some(Listing {
            function: function.map(str::to_owned),
            path: self.path?.to_string(),
            directory: self.unit.directory(),
            base,
            first: self.first,
            last: range.last.map(|_| self.last),
            probeable: self.found,
        })
    }
}
