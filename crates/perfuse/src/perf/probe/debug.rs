//! Debug information (DWARF) of the program or kernel that is probed.

use std::path::PathBuf;

use perfuse_analyze::Msg;
use perfuse_format::probe::{Definition, LineRange, Target, group_of_file};
use perfuse_symbol::probe::{
    Described, DwarfProblem, FoundProbe, FoundVariables, Listing, PlaceOptions, ReadSource, Source, SourceError,
    VariableOptions,
};
use perfuse_symbol::{build_id_in_notes, is_same_build_id, kernel_images, symbol_value};

use super::super::recorded::Mappable;
use super::failure::{Failure, INVALID, NOT_FOUND, Outcome, TOO_MANY};
use super::point::Point;
use super::request::{Request, Where};

/// Debug information, opened.
pub(super) struct Debug {
    source: Source,
    /// The program; `None` for the kernel.
    program: Option<String>,
    /// Of a kernel that is running: the address of `_text` in its image, from which places are counted.
    text: Option<u64>,
}

impl Debug {
    /// The debug information of what a request is about. `None` if there is none, with a note if that is for a reason.
    pub(super) fn open(request: &Request, notes: &mut Vec<Msg>) -> Outcome<Option<Self>> {
        match &request.place {
            Where::File(path) => Ok(Self::of_program(path, request, notes)),
            Where::Module(_) => Ok(None),
            Where::Kernel => Self::of_kernel(request, notes),
        }
    }

    /// Of a program or library.
    pub(super) fn of_program(path: &str, request: &Request, notes: &mut Vec<Msg>) -> Option<Self> {
        let symfs = request.symbols.symfs.as_deref().unwrap_or("").trim_end_matches('/');
        match Source::open(&Mappable::default(), &format!("{symfs}{path}"), &request.symbols) {
            Ok(source) => {
                notes.push(Msg::new("probe-types-dwarf").with("path", source.path()));
                Some(Self { source, program: Some(path.to_owned()), text: None })
            }
            Err(SourceError::None { .. }) => None,
            Err(error) => {
                notes.push(Msg::new("probe-debug-unreadable").with("error", error.to_string()));
                None
            }
        }
    }

    /// Of the running kernel, or of the image that was named.
    fn of_kernel(request: &Request, notes: &mut Vec<Msg>) -> Outcome<Option<Self>> {
        let files = Mappable::default();
        let running = std::fs::read("/sys/kernel/notes").ok().and_then(|notes| build_id_in_notes(&notes));
        let runs = |source: &Source| match (source.build_id(), &running) {
            (Some(own), Some(running)) => is_same_build_id(own, running),
            _ => false,
        };
        let found = |source: Source, notes: &mut Vec<Msg>| {
            notes.push(Msg::new("probe-types-dwarf").with("path", source.path()));
            let text = runs(&source).then(|| symbol_value(&Mappable::default(), source.path(), "_text")).flatten();
            Self { source, program: None, text }
        };
        if let Some(path) = &request.symbols.vmlinux {
            let failed = |error: &SourceError| {
                let status = if matches!(error, SourceError::None { .. }) { NOT_FOUND } else { INVALID };
                Failure::new(status, Msg::new("probe-image").with("error", error.to_string()))
            };
            let path = std::fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
            let source = Source::open(&files, &path.to_string_lossy(), &request.symbols);
            return Ok(Some(found(source.map_err(|error| failed(&error))?, notes)));
        }
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        for path in kernel_images(running.as_deref(), release.trim(), &request.symbols) {
            if let Ok(source) = Source::open(&files, &path, &request.symbols)
                && (runs(&source) || running.is_none())
            {
                return Ok(Some(found(source, notes)));
            }
        }
        Ok(None)
    }

    fn options<'q>(&self, request: &Request, read: &'q ReadSource<'q>) -> PlaceOptions<'q> {
        PlaceOptions { user: self.program.is_some(), inlines: request.inlines, most: request.most, source: read }
    }

    /// The places of a definition; `None` if debug information knows nothing of it.
    pub(super) fn points(&self, definition: &Definition, request: &Request) -> Outcome<Option<Vec<Point>>> {
        let read = |path: &str, directory: Option<&str>| read_source(path, directory, request);
        let found = self.source.probes(&definition.place, &definition.arguments, &self.options(request, &read));
        let found = match found {
            Ok(found) => found,
            Err(DwarfProblem::NotFound) => return Ok(None),
            Err(problem) => return Err(failure(definition, &problem)),
        };
        found.into_iter().map(|found| self.point(definition, found)).collect::<Outcome<Vec<_>>>().map(Some)
    }

    fn point(&self, definition: &Definition, found: FoundProbe) -> Outcome<Point> {
        let FoundProbe { point, arguments } = found;
        let target = match &self.program {
            Some(path) => {
                let offset = point.file_offset.ok_or_else(|| {
                    let words = Msg::new("probe-no-address").with("address", format!("{:#x}", point.address));
                    Failure::new(INVALID, words.with("path", path.as_str())).at(definition, definition.place_at)
                })?;
                Target::File { path: path.clone(), offset, counter: None }
            }
            None => match self.text.and_then(|text| point.address.checked_sub(text)) {
                Some(offset) => Target::Symbol { module: None, symbol: "_text".to_owned(), offset },
                None => Target::Symbol { module: None, symbol: point.symbol, offset: point.offset },
            },
        };
        let group = self.program.as_ref().map_or_else(|| "probe".to_owned(), |path| group_of_file(path));
        Ok(Point { target, symbol: point.function, group, event: None, arguments, ret: point.ret })
    }

    /// The variables at a place; `None` if debug information knows nothing of it.
    pub(super) fn variables(&self, definition: &Definition, request: &Request) -> Outcome<Option<Vec<FoundVariables>>> {
        let read = |path: &str, directory: Option<&str>| read_source(path, directory, request);
        let wanted = VariableOptions { externs: request.externs, ranges: request.range };
        match self.source.variables(&definition.place, wanted, &self.options(request, &read)) {
            Ok(found) => Ok(Some(found)),
            Err(DwarfProblem::NotFound) => Ok(None),
            Err(problem) => Err(failure(definition, &problem)),
        }
    }

    /// The lines of a range.
    pub(super) fn lines(&self, range: &LineRange) -> Outcome<Option<Listing>> {
        match self.source.lines(range) {
            Ok(listing) => Ok(Some(listing)),
            Err(DwarfProblem::NotFound) => Ok(None),
            Err(problem) => Err(Failure::new(NOT_FOUND, words(&problem))),
        }
    }

    /// The function, line and file of an address that the file states; of a running kernel, of bytes from `_text`.
    pub(super) fn describe(&self, address: u64) -> Option<Described> {
        self.source.describe(self.text.unwrap_or(0).checked_add(address)?)
    }

    /// Whether places of the running kernel can be described.
    pub(super) fn is_running(&self) -> bool {
        self.text.is_some()
    }
}

/// The text of a source file: below the directory of `--source`, or where the compiler saw it.
fn read_source(path: &str, directory: Option<&str>, request: &Request) -> Option<Vec<u8>> {
    let listing = Listing {
        function: None,
        path: path.to_owned(),
        directory: directory.map(str::to_owned),
        base: 0,
        first: 0,
        last: None,
        probeable: std::collections::BTreeSet::new(),
    };
    listing.places(request.source.as_deref()).iter().find_map(|place| std::fs::read(place).ok())
}

/// A problem with its place in the definition: the argument that names what the problem is about.
fn failure(definition: &Definition, problem: &DwarfProblem) -> Failure {
    let status = match problem {
        DwarfProblem::TooMany { .. } => TOO_MANY,
        DwarfProblem::NotFound
        | DwarfProblem::OutsideFunction { .. }
        | DwarfProblem::NoVariable { .. }
        | DwarfProblem::NoLocation { .. }
        | DwarfProblem::SharedLine { .. }
        | DwarfProblem::NoFunction { .. }
        | DwarfProblem::NoType { .. }
        | DwarfProblem::NoSource { .. } => NOT_FOUND,
        _ => INVALID,
    };
    let at = name_of(problem).and_then(|name| {
        definition.arguments.iter().find_map(|argument| {
            let text = definition.text.get(argument.at.clone())?;
            let into = text.rfind(name)?;
            Some(argument.at.start + into)
        })
    });
    Failure::new(status, words(problem)).at(definition, at.unwrap_or(definition.place_at))
}

/// The variable or member that a problem is about.
fn name_of(problem: &DwarfProblem) -> Option<&str> {
    match problem {
        DwarfProblem::NoVariable { name }
        | DwarfProblem::NoLocation { name }
        | DwarfProblem::Unfetchable { name, .. }
        | DwarfProblem::NoType { name }
        | DwarfProblem::NoMember { name, .. }
        | DwarfProblem::NotStructure { name }
        | DwarfProblem::NotArray { name }
        | DwarfProblem::NeedsArrow { name }
        | DwarfProblem::NeedsDot { name }
        | DwarfProblem::InRegister { name }
        | DwarfProblem::NotText { name }
        | DwarfProblem::Register { name, .. } => Some(name),
        _ => None,
    }
}

/// What is said of a problem.
fn words(problem: &DwarfProblem) -> Msg {
    match problem {
        DwarfProblem::NotFound => Msg::new("probe-dwarf-not-found"),
        DwarfProblem::Damaged => Msg::new("probe-dwarf-damaged"),
        DwarfProblem::Split => Msg::new("probe-dwarf-split"),
        DwarfProblem::TooMany { most } => Msg::new("probe-dwarf-many").with("most", most.to_string()),
        DwarfProblem::OutsideFunction { function } => {
            Msg::new("probe-dwarf-outside").with("function", function.as_str())
        }
        DwarfProblem::NoFunction { address } => {
            Msg::new("probe-dwarf-no-function").with("address", format!("{address:#x}"))
        }
        DwarfProblem::InlinedReturn { function } => Msg::new("probe-dwarf-inlined").with("function", function.as_str()),
        DwarfProblem::SharedLine { place } => Msg::new("probe-dwarf-shared").with("place", place.as_str()),
        DwarfProblem::NoSource { path } => Msg::new("probe-no-source").with("path", path.as_str()),
        DwarfProblem::NoVariable { name } => Msg::new("probe-dwarf-no-variable").with("name", name.as_str()),
        DwarfProblem::NoLocation { name } => Msg::new("probe-dwarf-no-location").with("name", name.as_str()),
        DwarfProblem::Unfetchable { name, kind } => {
            Msg::new("probe-dwarf-unfetchable").with("name", name.as_str()).with("kind", kind.as_str())
        }
        DwarfProblem::NoType { name } => Msg::new("probe-no-size").with("of", name.as_str()),
        DwarfProblem::NoMember { kind, name, .. } => {
            Msg::new("probe-no-member").with("of", kind.as_str()).with("name", name.as_str())
        }
        DwarfProblem::NotStructure { name } => Msg::new("probe-no-structure").with("of", name.as_str()),
        DwarfProblem::NotArray { name } => Msg::new("probe-no-array").with("of", name.as_str()),
        DwarfProblem::NeedsArrow { .. } => Msg::new("probe-needs-arrow"),
        DwarfProblem::NeedsDot { .. } => Msg::new("probe-needs-dot"),
        DwarfProblem::InRegister { .. } => Msg::new("probe-in-registers"),
        DwarfProblem::NotText { name } => Msg::new("probe-no-text").with("of", name.as_str()),
        DwarfProblem::Register { name, number } => {
            Msg::new("probe-dwarf-register").with("name", name.as_str()).with("number", number.to_string())
        }
    }
}
