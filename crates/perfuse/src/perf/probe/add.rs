//! `--add` and `--definition`: probes are resolved, named, written, and shown as perf shows them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use perfuse_analyze::Msg;
use perfuse_collect::Root;
use perfuse_collect::perf::probes::{Change, ProbeDenied, ProbeEvents, ProbeKind};
use perfuse_format::event::glob;
use perfuse_format::live::Method;
use perfuse_format::probe::{Base, Definition, Place, Spot, Taken, TraceProbe, event_name, is_event_name};

use super::debug::Debug;
use super::failure::{EXISTS, Failure, INVALID, NOT_FOUND, Outcome, TOO_MANY, refused};
use super::fallback;
use super::kernel::Kernel;
use super::point::Point;
use super::request::{Action, Request, Where};
use super::typed::{self, NotTyped};
use super::user::Program;
use crate::console::{self, Console};

/// What one definition became.
pub(super) struct Resolved {
    pub(super) definition: Definition,
    pub(super) points: Vec<Point>,
}

/// A probe with its definition.
struct Named<'a> {
    definition: &'a Definition,
    probe: TraceProbe,
}

pub(super) fn run(request: &Request, console: &Console) -> Outcome<()> {
    let definitions = parse(request)?;
    let typed = request.action == Action::Add && request.place == Where::Kernel && !request.dry_run;
    let typed = typed && request.via != Some(Method::Kprobe);
    let replaces = typed && (request.via.is_some() || typed::replaces_kprobes());
    if replaces {
        match typed::add(request, &definitions, console) {
            Ok(()) => return Ok(()),
            Err(NotTyped::Failed(failure)) => return Err(*failure),
            Err(NotTyped::Unknown) if request.via.is_some() => {
                return Err(Failure::new(NOT_FOUND, Msg::new("probe-typed-place")));
            }
            // What the types do not know is told by those who know the symbols.
            Err(NotTyped::Unknown) => {}
        }
    }
    let outcome = plain(request, definitions.clone(), console);
    match outcome {
        // A function that the kernel does not let be broken into may still be traced.
        Err(failure) if typed && !replaces && failure.is_refusal() => {
            typed::add(request, &definitions, console).map_err(|_| failure)
        }
        outcome => outcome,
    }
}

/// By the files of tracefs.
fn plain(request: &Request, definitions: Vec<Definition>, console: &Console) -> Outcome<()> {
    let mut notes = Vec::new();
    let resolved = resolve(request, definitions, &mut notes)?;
    if !request.quiet {
        for note in notes.iter().filter(|note| request.verbose || !is_detail(note)) {
            console.note(note);
        }
    }
    let kind = match request.place {
        Where::File(_) => ProbeKind::User,
        _ => ProbeKind::Kernel,
    };
    if request.action == Action::Define {
        let named = name(&resolved, request, &BTreeSet::new(), true)?;
        let lines = named.iter().fold(String::new(), |mut text, named| {
            let _ = writeln!(text, "{}", named.probe);
            text
        });
        return console::print(&lines).map_err(|error| unprinted(&error));
    }
    let events = ProbeEvents::find(&Root::default());
    let opened = events.and_then(|events| {
        if request.dry_run {
            // Nothing is changed, so that what exists has only to be read; what cannot be read has no names.
            let lines = events.lines(kind).unwrap_or_default();
            return Ok((events, lines, None));
        }
        let change = events.change(kind)?;
        let lines = events.lines(kind)?;
        Ok((events, lines, Some(change)))
    });
    let (joins, lines, change) = match opened {
        Ok((events, lines, change)) => (events.joins(), lines, change),
        Err(_) if request.dry_run => (true, Vec::new(), None),
        Err(ProbeDenied::NotBuilt { path }) if kind == ProbeKind::Kernel => {
            let first = resolved.iter().flat_map(|one| &one.points).next();
            return Err(fallback::explain(&path, first.map_or("", |point| point.symbol.as_str())));
        }
        Err(denied) => return Err(denied.into()),
    };
    let taken = lines.iter().filter_map(|line| TraceProbe::parse(line).ok().map(|probe| probe.name())).collect();
    let named = name(&resolved, request, &taken, joins)?;
    if request.verbose {
        for named in &named {
            console.note(&Msg::new("probe-writing").with("line", named.probe.to_string()));
        }
    }
    if let Some(mut change) = change {
        write(&mut change, &named)?;
    }
    if !request.quiet {
        console::say(&shown(&named, request));
    }
    Ok(())
}

pub(super) fn parse(request: &Request) -> Outcome<Vec<Definition>> {
    let mut definitions = Vec::new();
    for (index, text) in request.definitions.iter().enumerate() {
        definitions.push(Definition::parse(text).map_err(|error| {
            let mut failure = Failure::from(error);
            if index >= request.by_option {
                failure.status = INVALID;
            }
            failure
        })?);
    }
    Ok(definitions)
}

/// Whether only -v says it.
pub(super) fn is_detail(note: &Msg) -> bool {
    matches!(note.id.as_str(), "probe-types-btf" | "probe-types-dwarf")
}

pub(super) fn unprinted(error: &anyhow::Error) -> Failure {
    Failure::new(INVALID, Msg::new("probe-io").with("path", "-").with("error", error.to_string()))
}

pub(super) fn resolve(request: &Request, definitions: Vec<Definition>, notes: &mut Vec<Msg>) -> Outcome<Vec<Resolved>> {
    let mut sources = Sources::of(request, notes)?;
    let mut resolved = Vec::new();
    for definition in definitions {
        let points = sources.points(&definition, request, notes)?;
        resolved.push(Resolved { definition, points });
    }
    Ok(resolved)
}

/// Where places are looked up, each opened when it is needed.
struct Sources {
    debug: Option<Debug>,
    program: Option<Program>,
    kernel: Option<Kernel>,
}

impl Sources {
    fn of(request: &Request, notes: &mut Vec<Msg>) -> Outcome<Self> {
        Ok(Self { debug: Debug::open(request, notes)?, program: None, kernel: None })
    }

    /// The places of a definition: by debug information, else by symbols and what the kernel tells of its types.
    fn points(&mut self, definition: &Definition, request: &Request, notes: &mut Vec<Msg>) -> Outcome<Vec<Point>> {
        let by_debug = matches!(definition.place, Place::Function { .. } | Place::Source { .. });
        if let Some(debug) = self.debug.as_ref().filter(|_| by_debug) {
            if let Some(points) = debug.points(definition, request)? {
                return Ok(points);
            }
            // The symbols that are here are those of the running kernel, not of another image.
            let other = request.place == Where::Kernel && !debug.is_running();
            if other || !needs_no_types(definition) {
                return Err(not_found(definition));
            }
        }
        if let Place::Sdt { file: Some(path), .. } = &definition.place {
            return Program::open(path, request)?.points(definition, request, notes);
        }
        if let Where::File(path) = &request.place {
            let program = match self.program.take() {
                Some(program) => program,
                None => Program::open(path, request)?,
            };
            return self.program.insert(program).points(definition, request, notes);
        }
        let kernel = match self.kernel.take() {
            Some(kernel) => kernel,
            None => Kernel::open(request)?,
        };
        self.kernel.insert(kernel).points(definition, request, notes)
    }
}

/// Whether symbols alone can answer a definition.
fn needs_no_types(definition: &Definition) -> bool {
    let place = match &definition.place {
        Place::Function { file, spot, .. } => file.is_none() && !matches!(spot, Spot::Line(_) | Spot::Lazy(_)),
        Place::Source { .. } => false,
        Place::Address { .. } | Place::Sdt { .. } => true,
    };
    place && definition.arguments.iter().all(|argument| matches!(argument.base, Base::Fetch { .. }))
}

/// Debug information has nothing of that name.
fn not_found(definition: &Definition) -> Failure {
    let words = Msg::new("probe-dwarf-not-found");
    Failure::new(NOT_FOUND, words).at(definition, definition.place_at)
}

/// Gives every probe the name that perf would give it.
fn name<'a>(
    resolved: &'a [Resolved],
    request: &Request,
    taken: &BTreeSet<String>,
    joins: bool,
) -> Outcome<Vec<Named<'a>>> {
    let mut taken = taken.clone();
    let mut named: Vec<Named<'a>> = Vec::new();
    for Resolved { definition, points } in resolved {
        let mut own: Option<String> = None;
        for point in points {
            let group = definition.group.clone().unwrap_or_else(|| point.group.clone());
            if !is_event_name(&group) {
                let words = Msg::new("probe-bad-event").with("name", group.as_str());
                return Err(Failure::new(INVALID, words).at(definition, definition.place_at));
            }
            let base = point.base(definition);
            // Several places of one function are one event where the kernel takes that; else each has a number.
            let same = own.clone().filter(|_| joins && !is_wild(&definition.place));
            let event = if let Some(event) = same {
                event
            } else {
                let suffix = request.force || own.is_some();
                let exists = |name: &str| taken.contains(&format!("{group}:{name}"));
                let named = event_name(&base, point.ret, suffix, &exists);
                named.map_err(|problem| unnamed(definition, &group, problem))?
            };
            taken.insert(format!("{group}:{event}"));
            own = Some(event.clone());
            let probe = TraceProbe {
                ret: point.ret,
                active: None,
                group,
                event,
                target: point.target.clone(),
                arguments: point.arguments.clone(),
            };
            named.push(Named { definition, probe });
        }
    }
    Ok(named)
}

/// Whether the places are those of several functions, each with a name of its own.
fn is_wild(place: &Place) -> bool {
    match place {
        Place::Function { name, .. } => glob::is_pattern(name),
        Place::Sdt { .. } => true,
        _ => false,
    }
}

pub(super) fn unnamed(definition: &Definition, group: &str, problem: Taken) -> Failure {
    let at = definition.place_at;
    match problem {
        Taken::Exists(name) => {
            Failure::new(EXISTS, Msg::new("probe-exists").with("name", format!("{group}:{name}"))).at(definition, at)
        }
        Taken::All(name) => Failure::new(TOO_MANY, Msg::new("probe-all-exist").with("name", format!("{group}:{name}")))
            .at(definition, at),
        Taken::Invalid(name) => {
            Failure::new(INVALID, Msg::new("probe-bad-event").with("name", name)).at(definition, at)
        }
    }
}

/// Writes the probes. When the kernel refuses one, those that were written before it are removed again.
fn write(change: &mut Change, named: &[Named<'_>]) -> Outcome<()> {
    let lines: Vec<String> = named.iter().map(|named| named.probe.to_string()).collect();
    let Err(all) = change.add(&lines) else { return Ok(()) };
    let events: BTreeSet<(&str, &str)> =
        named.iter().map(|named| (named.probe.group.as_str(), named.probe.event.as_str())).collect();
    for (group, event) in &events {
        // Those that were not reached do not exist.
        let _ = change.remove(group, event);
    }
    // Which line it was: the kernel tells only the number of bytes, and not even that with an error.
    for (at, line) in lines.iter().enumerate() {
        if let Err(one) = change.add(std::slice::from_ref(line)) {
            for named in &named[..at] {
                let _ = change.remove(&named.probe.group, &named.probe.event);
            }
            return Err(refused(line, &one).at(named[at].definition, named[at].definition.place_at));
        }
    }
    // Every line alone is taken; together they were not, and now they are there one by one.
    if events.len() == named.len() { Ok(()) } else { Err(refused(&lines.join("; "), &all)) }
}

/// The words that perf says after adding, which people and scripts know.
fn shown(named: &[Named<'_>], request: &Request) -> String {
    let mut text = format!("Added new event{}\n", if named.len() > 1 { "s:" } else { ":" });
    for Named { definition, probe } in named {
        let place = place(&definition.place, &probe.event);
        let _ = write!(text, "  {:<20} (on {place}", probe.name());
        match &request.place {
            Where::File(path) => _ = write!(text, " in {path}"),
            Where::Module(name) => _ = write!(text, " in {name}"),
            Where::Kernel => {}
        }
        if !definition.arguments.is_empty() {
            text.push_str(" with");
            for argument in &definition.arguments {
                let _ = write!(text, " {argument}");
            }
        }
        text.push_str(")\n");
    }
    if let Some(last) = named.last() {
        let _ = write!(
            text,
            "\nYou can now use it in all perf tools, such as:\n\n\tperf record -e {} -aR sleep 1\n\n",
            last.probe.name()
        );
    }
    text
}

/// The place as perf shows it.
pub(super) fn place(place: &Place, event: &str) -> String {
    match place {
        Place::Function { name, file, spot } => {
            let spot = match spot {
                Spot::Return => "%return".to_owned(),
                Spot::Offset(offset) if *offset > 0 => format!("+{offset}"),
                Spot::Line(line) if *line > 0 => format!(":{line}"),
                _ => String::new(),
            };
            let file = file.as_ref().map(|file| format!("@{file}")).unwrap_or_default();
            format!("{name}{spot}{file}")
        }
        Place::Sdt { .. } => format!("%{event}"),
        other => other.to_string(),
    }
}
