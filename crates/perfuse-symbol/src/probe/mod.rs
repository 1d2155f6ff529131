//! Places and variables for dynamic probes, from DWARF.
//!
//! ```text
//!   Source::open     the file with the debug information: the binary itself, or a separate one
//!   Source::probes   a place and arguments   ->  addresses, and what the kernel has to fetch at each
//!   Source::variables                a place ->  the variables that are seen there (`perf probe -V`)
//!   Source::lines                    a range ->  the lines that have code (`perf probe -L`)
//!   Source::describe               an address ->  function, line and file (`perf probe -l`)
//! ```
//!
//! The rules are those of perf 6.1 (`tools/perf/util/probe-finder.c` tells them), so that the same definition gives the
//! same lines for the kernel. Where perf writes what cannot be right (a value that is computed, a bit field counted from
//! the wrong end), the answer is the right one or an error with its reason.
//!
//! A kernel has thousands of units in hundreds of megabytes: none is parsed before the bytes of the name that is asked
//! for were seen in it.

mod describe;
mod die;
mod fetch;
mod finder;
mod functions;
mod global;
mod lazy;
mod listing;
mod open;
mod place;
mod problem;
mod registers;
mod rows;
mod scan;
mod unit;
mod variables;
mod world;

use std::collections::BTreeSet;

use perfuse_format::probe::{Argument, Base, Cast, LineRange, Place, TraceArgument};

pub use describe::Described;
pub use finder::ReadSource;
pub use listing::Listing;
pub use open::{Source, SourceError};
pub use problem::DwarfProblem;
pub use variables::VariableOptions;

use finder::{Hit, Query};
use world::World;

/// What perf writes where a variable has no value at one of several places.
const NO_VALUE: &str = "\\deade12d";

/// Places that one definition may have (`MAX_PROBES` of perf).
pub const MOST_PLACES: usize = 128;

/// How places are looked for.
#[derive(Clone, Copy)]
pub struct PlaceOptions<'q> {
    /// Whether the file is a program, and not a kernel: with variables, the prologue of functions that were compiled
    /// without optimization is left behind, as perf does.
    pub user: bool,
    /// Whether places in inlined functions count.
    pub inlines: bool,
    /// The most places; more are an error.
    pub most: usize,
    /// Gives the text of a source file, which patterns of lines need.
    pub source: &'q ReadSource<'q>,
}

impl std::fmt::Debug for PlaceOptions<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PlaceOptions")
            .field("user", &self.user)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

/// An address for a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The function whose code it is: the symbol that the kernel is told.
    pub symbol: String,
    /// Bytes from the start of that function.
    pub offset: u64,
    /// The address that the file states.
    pub address: u64,
    /// The offset in the binary, for a probe of user space.
    pub file_offset: Option<u64>,
    /// The function that was meant: another than `symbol` if it was inlined there.
    pub function: String,
    /// Whether the return of the function is meant.
    pub ret: bool,
}

/// An address and what is fetched there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProbe {
    /// Where.
    pub point: Point,
    /// What, in the order of the definition.
    pub arguments: Vec<TraceArgument>,
}

/// An address and the variables that are seen there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundVariables {
    /// Where.
    pub point: Point,
    /// `TYPE`, a tab and the name of each variable, sorted by these texts; with ranges, a mark and a tab before it, and a
    /// tab and the range behind it.
    pub variables: BTreeSet<String>,
}

impl Source {
    /// The addresses of a place.
    pub fn points(&self, place: &Place, options: &PlaceOptions<'_>) -> Result<Vec<Point>, DwarfProblem> {
        Ok(self.probes(place, &[], options)?.into_iter().map(|found| found.point).collect())
    }

    /// The addresses of a place, and what the kernel has to fetch for the arguments at each of them.
    pub fn probes(
        &self,
        place: &Place,
        arguments: &[Argument],
        options: &PlaceOptions<'_>,
    ) -> Result<Vec<FoundProbe>, DwarfProblem> {
        let world = World::new(self);
        let with_variables = arguments.iter().any(|argument| !matches!(argument.base, Base::Fetch { .. }));
        let mut found: Vec<(Point, Vec<Slot>)> = Vec::new();
        self.each(&world, place, (with_variables, !options.user), options, &mut |hit, point| {
            let slots = slots(&world, arguments, hit)?;
            found.push((point, slots));
            Ok(())
        })?;
        // Of a function without parameters, `$params` is nothing; perf takes that for a mistake, too.
        let expands = |argument: &&Argument| matches!(argument.base, Base::Vars | Base::Params);
        if let Some(argument) = arguments.iter().find(expands)
            && found.iter().all(|(_, slots)| slots.is_empty())
        {
            return Err(DwarfProblem::NoVariable { name: argument.to_string() });
        }
        fill(found)
    }

    /// The addresses of a place, and the variables that are seen at each of them.
    pub fn variables(
        &self,
        place: &Place,
        wanted: VariableOptions,
        options: &PlaceOptions<'_>,
    ) -> Result<Vec<FoundVariables>, DwarfProblem> {
        let world = World::new(self);
        let mut found = Vec::new();
        self.each(&world, place, (false, false), options, &mut |hit, point| {
            found.push(FoundVariables { point, variables: variables::list(hit, wanted) });
            Ok(())
        })?;
        Ok(found)
    }

    /// The lines of a function or file that have code.
    pub fn lines(&self, range: &LineRange) -> Result<Listing, DwarfProblem> {
        let world = World::new(self);
        listing::list(&world, range).map_err(|problem| split_or(&world, problem))
    }

    /// Calls `with` for each address of a place once. None at all is an error. `by_symbol`: functions are called by their
    /// symbols, as the kernel knows them.
    fn each<'w, 'a>(
        &self,
        world: &'w World<'a>,
        place: &Place,
        (with_variables, by_symbol): (bool, bool),
        options: &PlaceOptions<'_>,
        with: &mut dyn FnMut(&Hit<'w, 'a>, Point) -> Result<(), DwarfProblem>,
    ) -> Result<(), DwarfProblem> {
        let skip_prologue = options.user && with_variables;
        let query = Query { place, skip_prologue, inlines: options.inlines, source: options.source };
        let mut seen: Vec<u64> = Vec::new();
        finder::find(world, &query, &mut |hit| {
            if seen.contains(&hit.address) {
                return Ok(());
            }
            if seen.len() >= options.most {
                return Err(DwarfProblem::TooMany { most: options.most });
            }
            let point = self.point(&hit, place, by_symbol)?;
            with(&hit, point)?;
            seen.push(hit.address);
            Ok(())
        })?;
        if world.is_spent() {
            return Err(DwarfProblem::Damaged);
        }
        if seen.is_empty() { Err(split_or(world, DwarfProblem::NotFound)) } else { Ok(()) }
    }

    fn point(&self, hit: &Hit<'_, '_>, place: &Place, by_symbol: bool) -> Result<Point, DwarfProblem> {
        let (function, address) = (&hit.function, hit.address);
        if !function.has_address(address) {
            return Err(DwarfProblem::OutsideFunction { function: function.display() });
        }
        let name = function.display();
        // What the compiler made of a function has another name in the symbol table, and only that one the kernel knows:
        // `NF_HOOK.constprop.0`.
        let symbol = if by_symbol || function.entry_pc().is_none() { self.symbol(address, &name) } else { None };
        let (symbol, start) = match (symbol, function.entry_pc()) {
            (Some(found), _) => found,
            (None, Some(entry)) => (name, entry),
            (None, None) => return Err(DwarfProblem::NoFunction { address }),
        };
        let ret = place.is_return();
        if ret && start != address {
            return Err(DwarfProblem::InlinedReturn { function: hit.scope.display() });
        }
        Ok(Point {
            symbol,
            offset: address.wrapping_sub(start),
            address,
            file_offset: self.file_offset(address),
            function: hit.scope.display(),
            ret,
        })
    }
}

/// If parts of the debug information are in other files, that may be why nothing was found.
fn split_or(world: &World<'_>, problem: DwarfProblem) -> DwarfProblem {
    if world.is_spent() {
        return DwarfProblem::Damaged;
    }
    let is_split = |unit: std::rc::Rc<unit::Unit<'_>>| matches!(unit.gimli.dwo_name(), Ok(Some(_)));
    let mut units = world.spans.iter().take(64).filter_map(|span| world.unit_at(span.start));
    if problem == DwarfProblem::NotFound && units.any(is_split) { DwarfProblem::Split } else { problem }
}

/// An argument at one address; one that has no value there has the value of [`NO_VALUE`] if it has one elsewhere.
struct Slot {
    name: String,
    argument: Argument,
    value: Option<TraceArgument>,
}

fn slots(world: &World<'_>, arguments: &[Argument], hit: &Hit<'_, '_>) -> Result<Vec<Slot>, DwarfProblem> {
    let mut found = Vec::new();
    for argument in arguments {
        let names = match &argument.base {
            Base::Variable(name) => vec![name.clone()],
            Base::Vars => fetch::expand(hit, true),
            Base::Params => fetch::expand(hit, false),
            Base::Fetch { fetch, text } => {
                let (name, cast) = (argument.name.clone(), argument.cast.clone());
                let value = TraceArgument { name, fetch: fetch.clone(), text: Some(text.clone()), cast };
                found.push(Slot { name: text.clone(), argument: argument.clone(), value: Some(value) });
                continue;
            }
        };
        for name in names {
            let value = match fetch::argument(argument, &name, hit)? {
                Some(fetched) => Some(fetch::written(world, &fetched, &name, argument)?),
                None => None,
            };
            found.push(Slot { name, argument: argument.clone(), value });
        }
    }
    Ok(found)
}

/// Puts a value where a variable has none, with the type that it has elsewhere. One that has none anywhere is an error.
fn fill(found: Vec<(Point, Vec<Slot>)>) -> Result<Vec<FoundProbe>, DwarfProblem> {
    let known = |index: usize, name: &str| -> Option<Option<Cast>> {
        let same = |(_, slots): &(Point, Vec<Slot>)| {
            let slot = slots.get(index).filter(|slot| slot.name == name)?;
            slot.value.as_ref().map(|value| value.cast.clone())
        };
        found.iter().find_map(same)
    };
    let mut casts = Vec::new();
    for (_, slots) in &found {
        let of_point = slots.iter().enumerate().map(|(index, slot)| {
            known(index, &slot.name).ok_or_else(|| DwarfProblem::NoLocation { name: slot.name.clone() })
        });
        casts.push(of_point.collect::<Result<Vec<_>, _>>()?);
    }
    let empty = |slot: &Slot, cast| TraceArgument {
        name: Some(slot.argument.event_name()),
        fetch: perfuse_format::probe::Fetch::Number(0xdead_e12d),
        text: Some(NO_VALUE.to_owned()),
        cast,
    };
    let whole = found.into_iter().zip(casts).map(|((point, slots), casts)| {
        let arguments = slots.into_iter().zip(casts);
        let arguments = arguments.map(|(slot, cast)| match slot.value.clone() {
            Some(value) => value,
            None => empty(&slot, cast),
        });
        FoundProbe { point, arguments: arguments.collect() }
    });
    Ok(whole.collect())
}
