//! `--funcs` and `--vars`: what can be probed.

use std::fmt::Write as _;

use perfuse_analyze::Msg;
use perfuse_format::probe::{Definition, Filter, KernelFunction, LineRange, Place, Spot};

use super::add::unprinted;
use super::debug::Debug;
use super::failure::{Failure, NOT_FOUND, Outcome};
use super::kernel::{Kernel, module_name, with_types};
use super::request::{Request, Where};
use super::user::Program;
use crate::console::{self, Console};

/// What perf lists when nothing is said: names that do not begin with an underscore.
const USUAL: &str = "!_*";

/// `--funcs`.
pub(super) fn functions(request: &Request, filter: Option<&str>) -> Outcome<()> {
    let filter = Filter::parse(filter.or(request.filter.as_deref()).unwrap_or(USUAL))?;
    let mut names: Vec<String> = Vec::new();
    match &request.place {
        Where::File(path) => {
            let program = Program::open(path, request)?;
            if program.executable().symbols().is_empty() {
                let words = Msg::new("probe-no-symbols").with("path", path.as_str());
                return Err(Failure::new(NOT_FOUND, words));
            }
            let symbols = program.executable().symbols().iter().map(|symbol| &symbol.name);
            names.extend(symbols.filter(|name| filter.takes(name)).cloned());
        }
        Where::Kernel | Where::Module(_) => {
            let kernel = Kernel::open(request)?;
            let listed = kernel.symbols().filter(|symbol| symbol.listed && filter.takes(symbol.name));
            names.extend(listed.map(|symbol| symbol.name.to_owned()));
        }
    }
    // Functions of one name in several places stand there as often, as in perf.
    names.sort_unstable();
    let text = names.iter().fold(String::new(), |mut text, name| {
        text.push_str(name);
        text.push('\n');
        text
    });
    console::print(&text).map_err(|error| unprinted(&error))
}

/// Variables that perf leaves out: what the kernel keeps for its own bookkeeping.
const OWN: &str = "!__k???tab_* & !__crc_*";

/// `--vars`.
pub(super) fn variables(request: &Request, places: &[String], console: &Console) -> Outcome<()> {
    let mut notes = Vec::new();
    let debug = Debug::open(request, &mut notes)?;
    let filter = Filter::parse(request.filter.as_deref().unwrap_or(OWN))?;
    for text in places {
        let definition = Definition::parse_place(text)?;
        let mut out = format!("Available variables at {text}\n");
        let found = match &debug {
            Some(debug) => debug.variables(&definition, request)?,
            None => None,
        };
        match found {
            Some(found) => {
                for at in found {
                    let _ = writeln!(out, "\t@<{}+{}>", at.point.symbol, at.point.offset);
                    variables_at(&mut out, at.variables.iter(), &filter, request.range);
                }
            }
            None if debug.is_some() => {
                let words = Msg::new("probe-dwarf-not-found");
                return Err(Failure::new(NOT_FOUND, words).at(&definition, definition.place_at));
            }
            None => {
                let (name, variables) = by_btf(request, &definition)?;
                let _ = writeln!(out, "\t@<{name}+0>");
                variables_at(&mut out, variables.iter(), &filter, false);
                notes.push(Msg::new("probe-types-btf").with("name", name));
            }
        }
        console::print(&out).map_err(|error| unprinted(&error))?;
    }
    if request.verbose {
        for note in &notes {
            console.note(note);
        }
    }
    if request.externs && debug.is_none() {
        console.note(&Msg::new("probe-externs-btf"));
    }
    Ok(())
}

/// The lines of the variables that the filter takes. With ranges a mark stands before, and the range behind each.
fn variables_at<'a>(out: &mut String, lines: impl Iterator<Item = &'a String>, filter: &Filter, ranges: bool) {
    let mut shown = 0;
    for line in lines {
        let name = line.split('\t').nth(if ranges { 2 } else { 1 }).unwrap_or_default();
        if filter.takes(name) {
            let _ = writeln!(out, "\t\t{line}");
            shown += 1;
        }
    }
    if shown == 0 {
        out.push_str("\t\t(No matched variables)\n");
    }
}

/// The parameters of a kernel function by the kernel's own types.
fn by_btf(request: &Request, definition: &Definition) -> Outcome<(String, Vec<String>)> {
    let at = definition.place_at;
    if let Where::File(path) = &request.place {
        let words = Msg::new("probe-needs-debug").with("path", path.as_str());
        return Err(Failure::new(NOT_FOUND, words).at(definition, at));
    }
    let Place::Function { name, file: None, spot: Spot::Entry | Spot::Offset(0) } = &definition.place else {
        return Err(Failure::new(NOT_FOUND, Msg::new("probe-needs-vmlinux")).at(definition, at));
    };
    let module = match &request.place {
        Where::Module(module) => Some(module_name(module)),
        _ => None,
    };
    let found = with_types(module.as_deref(), |types, machine| {
        KernelFunction::find(types, name, machine).map(|function| function.variables())
    })?;
    let variables = found.ok_or_else(|| {
        let words = Msg::new("probe-no-btf-function").with("name", name.as_str());
        Failure::new(NOT_FOUND, words).at(definition, at)
    })?;
    Ok((name.clone(), variables))
}

/// `--line`.
pub(super) fn lines(request: &Request, text: &str, console: &Console) -> Outcome<()> {
    let range = LineRange::parse(text)?;
    let mut notes = Vec::new();
    let Some(debug) = Debug::open(request, &mut notes)? else {
        return Err(Failure::new(
            NOT_FOUND,
            match &request.place {
                Where::File(path) => Msg::new("probe-needs-debug").with("path", path.as_str()),
                _ => Msg::new("probe-needs-vmlinux"),
            },
        ));
    };
    if request.verbose {
        for note in &notes {
            console.note(note);
        }
    }
    let listing = debug.lines(&range)?.ok_or_else(|| {
        let mut failure = Failure::new(NOT_FOUND, Msg::new("probe-dwarf-not-found"));
        failure.place = Some((text.to_owned(), 0));
        failure
    })?;
    let places = listing.places(request.source.as_deref());
    let found = places.iter().find_map(|place| Some((place, std::fs::read(place).ok()?)));
    let Some((place, source)) = found else {
        let words = Msg::new("probe-no-source").with("path", places.first().map_or("", String::as_str));
        return Err(Failure::new(NOT_FOUND, words).also(Msg::new("probe-no-source-hint")));
    };
    console::print(&listing.text(place, &source)).map_err(|error| unprinted(&error))
}
