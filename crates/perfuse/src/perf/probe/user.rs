//! From a definition to the places in a program or library.

use std::path::PathBuf;

use perfuse_analyze::Msg;
use perfuse_format::event::glob;
use perfuse_format::probe::{
    Argument, Base, Definition, Machine, Place, SdtNote, Spot, Target, TraceArgument, group_of_file,
};
use perfuse_symbol::{DsoSpec, Executable, FileSymbol, HostFiles, Reason};

use super::failure::{Failure, INVALID, NOT_FOUND, Outcome, TOO_MANY, near, status_of};
use super::point::Point;
use super::request::Request;

/// A program or library.
pub(super) struct Program {
    path: String,
    executable: Executable,
}

impl Program {
    pub(super) fn open(path: &str, request: &Request) -> Outcome<Self> {
        let spec = DsoSpec { path, pid: -1, ..DsoSpec::default() };
        let executable = Executable::open(&HostFiles(PathBuf::from("/")), &spec, &request.symbols);
        let executable = executable.map_err(|error| {
            let status = match &error {
                perfuse_symbol::ElfError::Io(error) => status_of(error),
                _ => INVALID,
            };
            Failure::new(status, Msg::new("probe-elf").with("path", path).with("error", error.to_string()))
        })?;
        Ok(Self { path: path.to_owned(), executable })
    }

    /// The file.
    pub(super) fn executable(&self) -> &Executable {
        &self.executable
    }

    fn target(&self, offset: u64, counter: Option<u64>) -> Target {
        Target::File { path: self.path.clone(), offset, counter }
    }

    /// The places of a definition by symbols alone.
    pub(super) fn points(
        &self,
        definition: &Definition,
        request: &Request,
        notes: &mut Vec<Msg>,
    ) -> Outcome<Vec<Point>> {
        match &definition.place {
            Place::Sdt { group, event, .. } => self.tracepoints(definition, group.as_deref(), event, notes),
            Place::Address { address, ret } => self.address(definition, *address, *ret),
            Place::Function { name, file: None, spot } => {
                let offset = match spot {
                    Spot::Entry | Spot::Return => 0,
                    Spot::Offset(offset) => *offset,
                    Spot::Line(_) | Spot::Lazy(_) => return Err(self.needs_debug(definition, definition.place_at)),
                };
                let functions = self.functions(definition, name)?;
                if functions.len() > request.most {
                    let words = Msg::new("probe-too-many").with("name", name.as_str());
                    let words = words.with("count", functions.len().to_string());
                    let words = words.with("most", request.most.to_string());
                    return Err(Failure::new(TOO_MANY, words).at(definition, definition.place_at));
                }
                let mut points = Vec::new();
                for function in functions {
                    if function.indirect {
                        notes.push(Msg::new("probe-indirect").with("name", function.name.as_str()));
                    }
                    if offset > 0 && function.size > 0 && offset >= function.size {
                        let words = Msg::new("probe-offset").with("name", function.name.as_str());
                        let words = words.with("size", function.size.to_string());
                        return Err(Failure::new(NOT_FOUND, words).at(definition, definition.place_at));
                    }
                    points.push(Point {
                        target: self.target(function.offset.saturating_add(offset), None),
                        symbol: function.raw.clone(),
                        group: group_of_file(&self.path),
                        event: None,
                        arguments: self.arguments(definition)?,
                        ret: *spot == Spot::Return,
                    });
                }
                Ok(points)
            }
            Place::Function { .. } | Place::Source { .. } => Err(self.needs_debug(definition, definition.place_at)),
        }
    }

    fn needs_debug(&self, definition: &Definition, at: usize) -> Failure {
        let words = Msg::new("probe-needs-debug").with("path", self.path.as_str());
        Failure::new(NOT_FOUND, words).at(definition, at)
    }

    fn address(&self, definition: &Definition, address: u64, ret: bool) -> Outcome<Vec<Point>> {
        let at = definition.place_at;
        let offset = self.executable.offset_of(address).ok_or_else(|| {
            let words = Msg::new("probe-no-address").with("address", format!("{address:#x}"));
            Failure::new(NOT_FOUND, words.with("path", self.path.as_str())).at(definition, at)
        })?;
        Ok(vec![Point {
            target: self.target(offset, None),
            symbol: format!("abs_{address:x}"),
            group: group_of_file(&self.path),
            event: None,
            arguments: self.arguments(definition)?,
            ret,
        }])
    }

    fn functions(&self, definition: &Definition, name: &str) -> Outcome<Vec<&FileSymbol>> {
        let found = if glob::is_pattern(name) && self.executable.functions(name).is_empty() {
            self.executable.functions_by(|symbol| glob::matches(name, &symbol.name) || glob::matches(name, &symbol.raw))
        } else {
            self.executable.functions(name)
        };
        if !found.is_empty() {
            return Ok(found);
        }
        if self.executable.symbols().is_empty() {
            let words = Msg::new("probe-no-symbols").with("path", self.path.as_str());
            return Err(Failure::new(NOT_FOUND, words));
        }
        let words = Msg::new("probe-no-function").with("name", name).with("path", self.path.as_str());
        let mut failure = Failure::new(NOT_FOUND, words).at(definition, definition.place_at);
        let names =
            self.executable.symbols().iter().filter(|symbol| symbol.function).map(|symbol| symbol.name.as_str());
        let near = near(name, names);
        if !near.is_empty() {
            failure = failure.also(Msg::new("probe-nearest").with("names", near.join(", ")));
        }
        if matches!(self.executable.reason(), Some(Reason::Stripped)) {
            failure = failure.also(Msg::new("probe-stripped"));
        }
        Err(failure)
    }

    /// The arguments that need no debug information.
    fn arguments(&self, definition: &Definition) -> Outcome<Vec<TraceArgument>> {
        let of = |argument: &Argument| match &argument.base {
            Base::Fetch { fetch, text } => Ok(TraceArgument::given(argument, fetch, text)),
            _ => Err(self.needs_debug(definition, argument.value_at)),
        };
        definition.arguments.iter().map(of).collect()
    }

    fn tracepoints(
        &self,
        definition: &Definition,
        group: Option<&str>,
        event: &str,
        notes: &mut Vec<Msg>,
    ) -> Outcome<Vec<Point>> {
        let wanted = |note: &&SdtNote| {
            group.is_none_or(|group| glob::matches(group, &note.group())) && glob::matches(event, &note.name)
        };
        let found: Vec<&SdtNote> = self.executable.tracepoints().iter().filter(wanted).collect();
        if found.is_empty() {
            return Err(self.no_tracepoint(definition, group, event));
        }
        let machine = Machine::of_elf(self.executable.machine());
        let mut points = Vec::new();
        for note in found {
            let Some(offset) = self.executable.offset_of(note.address) else {
                let words = Msg::new("probe-no-address").with("address", format!("{:#x}", note.address));
                return Err(Failure::new(INVALID, words.with("path", self.path.as_str())));
            };
            let (mut arguments, unknown) = machine.map_or_else(Default::default, |machine| note.fetches(machine));
            if !unknown.is_empty() {
                let words = Msg::new("probe-sdt-operands").with("name", format!("{}:{}", note.group(), note.name));
                notes.push(words.with("operands", unknown.join(" ")));
            }
            if !definition.arguments.is_empty() {
                arguments = self.arguments(definition)?;
            }
            points.push(Point {
                target: self.target(offset, self.executable.counter_of(note.semaphore)),
                symbol: note.name.clone(),
                group: note.group(),
                event: Some(note.name.clone()),
                arguments,
                ret: false,
            });
        }
        Ok(points)
    }

    fn no_tracepoint(&self, definition: &Definition, group: Option<&str>, event: &str) -> Failure {
        let at = definition.place_at;
        let notes = self.executable.tracepoints();
        if notes.is_empty() {
            return Failure::new(NOT_FOUND, Msg::new("probe-no-sdt").with("path", self.path.as_str()))
                .at(definition, at);
        }
        let name = group.map_or_else(|| event.to_owned(), |group| format!("{group}:{event}"));
        let names: Vec<String> = notes.iter().map(|note| format!("{}:{}", note.group(), note.name)).collect();
        let words = Msg::new("probe-no-tracepoint").with("name", name.as_str()).with("path", self.path.as_str());
        let failure = Failure::new(NOT_FOUND, words).at(definition, at);
        let near = near(&name, names.iter().map(String::as_str));
        let shown = if near.is_empty() { names.iter().take(5).map(String::as_str).collect() } else { near };
        failure.also(Msg::new("probe-nearest").with("names", shown.join(", ")))
    }
}
