//! `--funcs` and `--vars`: what can be probed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use perfuse_analyze::Msg;
use perfuse_format::probe::{Definition, Filter, KernelFunction, Place, Spot};

use super::add::unprinted;
use super::failure::{Failure, NOT_FOUND, Outcome};
use super::kernel::{Kernel, with_types};
use super::request::{Request, Where};
use super::user::Program;
use crate::console::{self, Console};

/// What perf lists when nothing is said: names that do not begin with an underscore.
const USUAL: &str = "!_*";

/// `--funcs`.
pub(super) fn functions(request: &Request, filter: Option<&str>) -> Outcome<()> {
    let filter = Filter::parse(filter.or(request.filter.as_deref()).unwrap_or(USUAL))?;
    let mut names = BTreeSet::new();
    match &request.place {
        Where::File(path) => {
            let program = Program::open(path, request)?;
            if program.executable().symbols().is_empty() {
                let words = Msg::new("probe-no-symbols").with("path", path.as_str());
                return Err(Failure::new(NOT_FOUND, words));
            }
            names.extend(program.executable().chosen().iter().filter(|name| filter.takes(name)).cloned());
        }
        Where::Kernel | Where::Module(_) => {
            let kernel = Kernel::open(request)?;
            let listed = kernel.symbols().filter(|symbol| symbol.listed && filter.takes(symbol.name));
            names.extend(listed.map(|symbol| symbol.name.to_owned()));
        }
    }
    let text = names.iter().fold(String::new(), |mut text, name| {
        text.push_str(name);
        text.push('\n');
        text
    });
    console::print(&text).map_err(unprinted)
}

/// `--vars` of kernel functions by the kernel's own types.
pub(super) fn variables(request: &Request, places: &[String], console: &Console) -> Outcome<()> {
    for text in places {
        let definition = Definition::parse_place(text)?;
        let at = definition.place_at;
        if let Where::File(path) = &request.place {
            let words = Msg::new("probe-needs-debug").with("path", path.as_str());
            return Err(Failure::new(NOT_FOUND, words).at(&definition, at));
        }
        let Place::Function { name, file: None, spot: Spot::Entry | Spot::Offset(0) } = &definition.place else {
            return Err(Failure::new(NOT_FOUND, Msg::new("probe-needs-vmlinux")).at(&definition, at));
        };
        let shown = with_types(|types, machine| {
            KernelFunction::find(types, name, machine).map(|function| function.variables())
        })?;
        let Some(variables) = shown else {
            let words = Msg::new("probe-no-btf-function").with("name", name.as_str());
            return Err(Failure::new(NOT_FOUND, words).at(&definition, at));
        };
        let filter = request.filter.as_deref().map(Filter::parse).transpose()?;
        let mut out = format!("Available variables at {text}\n\t@<{name}+0>\n");
        for variable in variables {
            let named = variable.rsplit('\t').next().unwrap_or_default();
            if filter.as_ref().is_none_or(|filter| filter.takes(named)) {
                let _ = writeln!(out, "\t\t{variable}");
            }
        }
        console::print(&out).map_err(unprinted)?;
        if request.verbose || request.externs {
            console.note(&Msg::new("probe-types-btf").with("name", name.as_str()));
        }
        if request.externs {
            console.note(&Msg::new("probe-externs-btf"));
        }
    }
    Ok(())
}
