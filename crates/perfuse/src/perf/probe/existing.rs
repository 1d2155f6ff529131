//! `--list` and `--del`: the probes that the kernel has.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use perfuse_analyze::Msg;
use perfuse_collect::Root;
use perfuse_collect::perf::probes::{ProbeDenied, ProbeEvents, ProbeKind};
use perfuse_format::probe::{Filter, Target, TraceProbe};
use perfuse_symbol::probe::Described;

use super::super::tables::stored_probes;
use super::add::unprinted;
use super::debug::Debug;
use super::failure::{Failure, NOT_FOUND, Outcome, near, refused, status_of};
use super::kernel::Kernel;
use super::request::Request;
use super::user::Program;
use crate::console::{self, Console};

const KINDS: [ProbeKind; 2] = [ProbeKind::Kernel, ProbeKind::User];

/// Every probe, those of the kernel first; kinds that the kernel was not built with have none.
fn probes(events: &ProbeEvents) -> Outcome<Vec<(ProbeKind, TraceProbe)>> {
    let mut probes = Vec::new();
    for kind in KINDS {
        match events.lines(kind) {
            // What other programs made and cannot be read is none of ours.
            Ok(mut lines) => {
                // As perf shows them.
                lines.sort();
                probes.extend(lines.iter().filter_map(|line| Some((kind, TraceProbe::parse(line).ok()?))));
            }
            Err(ProbeDenied::NotBuilt { .. }) => {}
            Err(denied) => return Err(denied.into()),
        }
    }
    Ok(probes)
}

/// `--list`.
pub(super) fn list(request: &Request, filter: Option<&str>) -> Outcome<()> {
    let filter = filter.map(Filter::parse).transpose()?;
    let events = ProbeEvents::find(&Root::default())?;
    let mut places = Places::new(request);
    let mut text = String::new();
    for (_, probe) in probes(&events)? {
        let name = probe.name();
        if filter.as_ref().is_some_and(|filter| !filter.takes(&name)) {
            continue;
        }
        let _ = write!(text, "  {name:<20} (on {}", places.of(&probe));
        for (index, argument) in probe.arguments.iter().enumerate() {
            let name = argument.name.clone().unwrap_or_else(|| format!("arg{}", index + 1));
            let _ = write!(text, "{} {name}", if index == 0 { " with" } else { "" });
        }
        text.push_str(")\n");
    }
    for stored in stored_probes().map(|store| store.all()).unwrap_or_default() {
        let name = stored.probe.name();
        if filter.as_ref().is_some_and(|filter| !filter.takes(&name)) {
            continue;
        }
        let ret = if stored.probe.ret { "%return" } else { "" };
        let _ = write!(text, "  {name:<20} (on {}{ret} by {}", stored.hook.name, stored.hook.method.name());
        for (index, argument) in stored.probe.arguments.iter().enumerate() {
            let name = argument.name.clone().unwrap_or_else(|| format!("arg{}", index + 1));
            let _ = write!(text, "{} {name}", if index == 0 { " with" } else { "" });
        }
        text.push_str(")\n");
    }
    console::print(&text).map_err(|error| unprinted(&error))
}

/// Names of places, with every file and the kernel's symbols read once.
struct Places<'a> {
    request: &'a Request,
    programs: BTreeMap<String, Option<(Program, Option<Debug>)>>,
    kernel: OnceCell<Option<Kernel>>,
    /// Debug information of the running kernel.
    image: OnceCell<Option<Debug>>,
}

impl<'a> Places<'a> {
    fn new(request: &'a Request) -> Self {
        Self { request, programs: BTreeMap::new(), kernel: OnceCell::new(), image: OnceCell::new() }
    }

    /// The place as perf lists it: function, `%return` or offset, and the file.
    fn of(&mut self, probe: &TraceProbe) -> String {
        let within = |name: &str, offset: u64| {
            if offset > 0 {
                format!("{name}+{offset}")
            } else if probe.ret {
                format!("{name}%return")
            } else {
                name.to_owned()
            }
        };
        match &probe.target {
            Target::File { path, offset, .. } => {
                let request = self.request;
                let program = self.programs.entry(path.clone()).or_insert_with(|| {
                    let program = Program::open(path, request).ok()?;
                    Some((program, Debug::of_program(path, request, &mut Vec::new())))
                });
                let place = program.as_ref().and_then(|(program, debug)| {
                    let address = program.executable().address_of(*offset)?;
                    let described = debug.as_ref().and_then(|debug| described(&debug.describe(address)?, probe.ret));
                    described.or_else(|| {
                        let function = program.executable().holding(*offset)?;
                        Some(within(&function.name, offset - function.offset))
                    })
                });
                // As perf has it: what has no name is an address.
                let place = place.unwrap_or_else(|| within(&format!("{offset:#x}"), 0));
                format!("{place} in {path}")
            }
            Target::Address(address) => {
                let found =
                    self.kernel().and_then(|kernel| kernel.holding(*address).map(|(name, at)| within(name, at)));
                found.unwrap_or_else(|| within(&format!("{address:#x}"), 0))
            }
            Target::Symbol { module: Some(module), symbol, offset } => {
                format!("{} in {module}", within(symbol, *offset))
            }
            Target::Symbol { module: None, symbol, offset } => {
                if symbol == "_text"
                    && let Some(place) = self.image().and_then(|image| described(&image.describe(*offset)?, probe.ret))
                {
                    return place;
                }
                let found = self.kernel().and_then(|kernel| {
                    let address = kernel.address_of(symbol)?.checked_add(*offset)?;
                    kernel.holding(address).map(|(name, at)| within(name, at))
                });
                found.unwrap_or_else(|| within(symbol, *offset))
            }
        }
    }

    fn image(&self) -> Option<&Debug> {
        let request = self.request;
        let image = self.image.get_or_init(|| Debug::open(request, &mut Vec::new()).ok().flatten());
        image.as_ref().filter(|image| image.is_running())
    }

    fn kernel(&self) -> Option<&Kernel> {
        let request = self.request;
        self.kernel.get_or_init(|| Kernel::open(request).ok()).as_ref()
    }
}

/// The place by debug information, as perf lists it: function, line or offset, `%return`, and the end of the path.
fn described(place: &Described, ret: bool) -> Option<String> {
    let mut text = place.function.clone().unwrap_or_default();
    if !text.is_empty() {
        match place.line {
            Some(line) if line > 0 => _ = write!(text, ":{line}"),
            None if place.offset > 0 => _ = write!(text, "+{}", place.offset),
            _ if ret => text.push_str("%return"),
            _ => {}
        }
    }
    if let Some(file) = &place.file {
        let mut end = file.as_str();
        if end.len() > 30 {
            let from = (end.len() - 30..end.len()).find(|at| end.is_char_boundary(*at))?;
            let tail = end.get(from..)?;
            end = tail.find('/').map_or(tail, |at| &tail[at + 1..]);
        }
        let _ = write!(text, "@{end}");
        if place.function.is_none() {
            let _ = write!(text, ":{}", place.line?);
        }
    }
    (!text.is_empty()).then_some(text)
}

/// Removes the probes that are kept in files; how many.
fn delete_stored(request: &Request, filter: &Filter) -> Outcome<usize> {
    let Some(store) = stored_probes() else { return Ok(0) };
    let mut removed = 0;
    for stored in store.all() {
        let probe = &stored.probe;
        if !filter.takes_any(&[&probe.name(), &probe.event]) {
            continue;
        }
        if !request.dry_run
            && let Err(error) = store.remove(&probe.group, &probe.event)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            let words = Msg::new("probe-io").with("path", store.directory().display().to_string());
            return Err(Failure::new(status_of(&error), words.with("error", error.to_string())));
        }
        removed += 1;
        if !request.quiet {
            console::say(&format!("Removed event: {}\n", probe.name()));
        }
    }
    Ok(removed)
}

/// `--del`.
pub(super) fn delete(request: &Request, text: &str, console: &Console) -> Outcome<()> {
    let filter = Filter::parse(text)?;
    let events = ProbeEvents::find(&Root::default())?;
    let all = probes(&events)?;
    let mut wanted: Vec<(ProbeKind, String, String)> = Vec::new();
    for (kind, probe) in &all {
        let known = wanted.iter().any(|(_, group, event)| *group == probe.group && *event == probe.event);
        if !known && filter.takes_any(&[&probe.name(), &probe.event]) {
            wanted.push((*kind, probe.group.clone(), probe.event.clone()));
        }
    }
    wanted.sort_by(|one, other| (one.0, &one.1, &one.2).cmp(&(other.0, &other.1, &other.2)));
    let removed = delete_stored(request, &filter)?;
    if wanted.is_empty() && removed > 0 {
        return Ok(());
    }
    if wanted.is_empty() {
        let failure = Failure::new(NOT_FOUND, Msg::new("probe-no-event").with("name", text));
        let names: Vec<String> = all.iter().map(|(_, probe)| probe.name()).collect();
        let near = near(text, names.iter().map(String::as_str));
        return Err(if near.is_empty() {
            failure
        } else {
            failure.also(Msg::new("probe-nearest").with("names", near.join(", ")))
        });
    }
    for (kind, group, event) in wanted {
        if !request.dry_run
            && let Err(error) = events.change(kind)?.remove(&group, &event)
        {
            if error.error.raw_os_error() == Some(2) {
                // Somebody else was faster: it is gone, which is what was asked for.
                console.note(&Msg::new("probe-gone").with("name", format!("{group}:{event}")));
                continue;
            }
            let failure = refused(&format!("-:{group}/{event}"), &error);
            return Err(failure.also(Msg::new("probe-busy").with("name", format!("{group}:{event}"))));
        }
        if !request.quiet {
            console::say(&format!("Removed event: {group}:{event}\n"));
        }
    }
    Ok(())
}
