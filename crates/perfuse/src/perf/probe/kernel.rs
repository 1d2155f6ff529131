//! From a definition to the places in the kernel, by its symbols and its own types.

use std::path::Path;

use perfuse_analyze::Msg;
use perfuse_collect::Root;
use perfuse_collect::perf::probes::ProbeEvents;
use perfuse_format::btf::{Btf, join};
use perfuse_format::event::glob;
use perfuse_format::probe::{Base, Definition, KernelFunction, Machine, Place, Spot, Target, TraceArgument};

use super::failure::{Failure, INVALID, NOT_FOUND, Outcome, TOO_MANY, near, of_types};
use super::point::Point;
use super::request::{Request, Where};

/// Where the running kernel tells of its types, and of those of its modules.
const BTF: &str = "/sys/kernel/btf";

/// A symbol of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KernelSymbol<'a> {
    /// 0 where the kernel hides addresses.
    pub(super) address: u64,
    pub(super) name: &'a str,
    /// The module; `None` for the kernel proper.
    pub(super) module: Option<&'a str>,
    /// Whether it is code.
    pub(super) code: bool,
    /// Whether perf would list it: code and data that are no labels.
    pub(super) listed: bool,
}

/// The running kernel.
pub(super) struct Kernel {
    symbols: String,
    /// Addresses of functions in their order, each with the place of its line: made when places are looked up.
    module: Option<String>,
}

impl Kernel {
    pub(super) fn open(request: &Request) -> Outcome<Self> {
        let path = request.symbols.kallsyms.as_deref().unwrap_or("/proc/kallsyms");
        let bytes = std::fs::read(path).map_err(|error| {
            let words = Msg::new("probe-io").with("path", path).with("error", error.to_string());
            Failure::new(NOT_FOUND, words)
        })?;
        let module = match &request.place {
            Where::Module(name) => Some(module_name(name)),
            _ => None,
        };
        let kernel = Self { symbols: String::from_utf8_lossy(&bytes).into_owned(), module };
        if let Some(module) = &kernel.module
            && !kernel.every().any(|symbol| symbol.module == Some(module))
        {
            let words = Msg::new("probe-no-module").with("name", module.as_str());
            return Err(Failure::new(INVALID, words));
        }
        Ok(kernel)
    }

    fn every(&self) -> impl Iterator<Item = KernelSymbol<'_>> {
        self.symbols.lines().filter_map(|line| {
            let mut parts = line.split([' ', '\t']);
            let address = u64::from_str_radix(parts.next()?, 16).ok()?;
            let kind = parts.next()?.chars().next()?;
            let name = parts.next()?;
            let module = parts.next().and_then(|text| text.strip_prefix('[')?.strip_suffix(']'));
            let code = matches!(kind.to_ascii_uppercase(), 'T' | 'W');
            let listed = code || matches!(kind.to_ascii_uppercase(), 'D' | 'B');
            Some(KernelSymbol { address, name, module, code, listed })
        })
    }

    /// The symbols of the kernel, or of the module that was asked for.
    pub(super) fn symbols(&self) -> impl Iterator<Item = KernelSymbol<'_>> {
        self.every().filter(|symbol| symbol.module == self.module.as_deref())
    }

    /// The function that holds an address, and how far behind its start that is.
    pub(super) fn holding(&self, address: u64) -> Option<(&str, u64)> {
        let symbols = self.every().filter(|symbol| symbol.code && symbol.address != 0 && symbol.address <= address);
        let found = symbols.fold(None, |best: Option<KernelSymbol<'_>>, symbol| match best {
            Some(best) if best.address >= symbol.address => Some(best),
            _ => Some(symbol),
        })?;
        Some((found.name, address - found.address))
    }

    /// The address of a symbol of the kernel proper.
    pub(super) fn address_of(&self, name: &str) -> Option<u64> {
        self.every().find(|symbol| symbol.name == name && symbol.address != 0).map(|symbol| symbol.address)
    }

    fn target(&self, symbol: &KernelSymbol<'_>, offset: u64) -> Target {
        if let Some(module) = symbol.module {
            return Target::Symbol { module: Some(module.to_owned()), symbol: symbol.name.to_owned(), offset };
        }
        // As perf does: counted from one symbol that has its name once. Without addresses the name has to do.
        let from_text = self.address_of("_text").and_then(|text| symbol.address.checked_sub(text));
        match from_text {
            Some(distance) => {
                Target::Symbol { module: None, symbol: "_text".to_owned(), offset: distance.saturating_add(offset) }
            }
            None => Target::Symbol { module: None, symbol: symbol.name.to_owned(), offset },
        }
    }

    /// The places of a definition by symbols and BTF.
    pub(super) fn points(
        &self,
        definition: &Definition,
        request: &Request,
        notes: &mut Vec<Msg>,
    ) -> Outcome<Vec<Point>> {
        let at = definition.place_at;
        let (name, spot) = match &definition.place {
            Place::Function { name, file: None, spot } => (name, spot),
            Place::Address { address, ret } => return self.address(definition, *address, *ret),
            Place::Sdt { .. } => {
                return Err(Failure::new(NOT_FOUND, Msg::new("probe-sdt-file")).at(definition, at));
            }
            Place::Function { .. } | Place::Source { .. } => return Err(needs_vmlinux(definition, at)),
        };
        let offset = match spot {
            Spot::Entry | Spot::Return => 0,
            Spot::Offset(offset) => *offset,
            Spot::Line(_) | Spot::Lazy(_) => return Err(needs_vmlinux(definition, at)),
        };
        let functions = self.functions(definition, name)?;
        if functions.len() > request.most {
            let words = Msg::new("probe-too-many").with("name", name.as_str());
            let words = words.with("count", functions.len().to_string()).with("most", request.most.to_string());
            return Err(Failure::new(TOO_MANY, words).at(definition, at));
        }
        let mut points = Vec::new();
        let mut forbidden = Vec::new();
        for function in &functions {
            if ProbeEvents::blacklisted(&Root::default(), function.name) == Some(true) {
                forbidden.push(function.name);
                continue;
            }
            points.push(Point {
                target: self.target(function, offset),
                symbol: function.name.to_owned(),
                group: "probe".to_owned(),
                event: None,
                arguments: arguments(definition, function.module, function.name, notes)?,
                ret: *spot == Spot::Return,
            });
        }
        if !forbidden.is_empty() {
            let words = Msg::new("probe-blacklisted").with("names", forbidden.join(", "));
            if points.is_empty() {
                return Err(Failure::new(INVALID, words).at(definition, at));
            }
            notes.push(words);
        }
        Ok(points)
    }

    fn address(&self, definition: &Definition, address: u64, ret: bool) -> Outcome<Vec<Point>> {
        let function = self.holding(address).map(|(name, _)| name.to_owned());
        let function = function.as_deref().unwrap_or_default();
        let arguments = arguments(definition, self.module.as_deref(), function, &mut Vec::new())?;
        Ok(vec![Point {
            target: Target::Address(address),
            symbol: format!("abs_{address:x}"),
            group: "probe".to_owned(),
            event: None,
            arguments,
            ret,
        }])
    }

    fn functions(&self, definition: &Definition, name: &str) -> Outcome<Vec<KernelSymbol<'_>>> {
        let pattern = glob::is_pattern(name);
        let wanted = |symbol: &KernelSymbol<'_>| {
            symbol.code && if pattern { glob::matches(name, symbol.name) } else { symbol.name == name }
        };
        let found: Vec<_> = self.symbols().filter(wanted).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let words = Msg::new("probe-no-kernel-function").with("name", name);
        let failure = Failure::new(NOT_FOUND, words).at(definition, definition.place_at);
        let names = self.symbols().filter(|symbol| symbol.code).map(|symbol| symbol.name);
        // Names that begin alike: the kernel has a hundred thousand, and the others cannot be near.
        let first = name.get(..1).unwrap_or_default().to_owned();
        let near = near(name, names.filter(|name| name.starts_with(&first)));
        let failure = if near.is_empty() {
            failure
        } else {
            failure.also(Msg::new("probe-nearest").with("names", near.join(", ")))
        };
        Err(failure.also(Msg::new("probe-perhaps-user")))
    }
}

/// The name of a module, from its name or file.
pub(super) fn module_name(text: &str) -> String {
    let file = Path::new(text).file_name().map_or_else(|| text.to_owned(), |name| name.to_string_lossy().into_owned());
    let bare = file.split(".ko").next().unwrap_or(&file);
    bare.replace('-', "_")
}

fn needs_vmlinux(definition: &Definition, at: usize) -> Failure {
    Failure::new(NOT_FOUND, Msg::new("probe-needs-vmlinux")).at(definition, at)
}

/// The types of the running kernel, with those of a module behind them, for as long as the closure runs.
pub(super) fn with_types<T>(module: Option<&str>, use_types: impl FnOnce(&Btf<'_>, Machine) -> T) -> Outcome<T> {
    let failed = |name: &str, error: String| {
        let words = Msg::new("probe-no-btf").with("path", format!("{BTF}/{name}"));
        Failure::new(NOT_FOUND, words.with("error", error))
    };
    let read = |name: &str| std::fs::read(format!("{BTF}/{name}")).map_err(|error| failed(name, error.to_string()));
    let (mut bytes, mut of) = (read("vmlinux")?, "vmlinux");
    if let Some(module) = module {
        bytes = join(&bytes, &read(module)?).map_err(|error| failed(module, error.to_string()))?;
        of = module;
    }
    let btf = Btf::parse(&bytes).map_err(|error| failed(of, error.to_string()))?;
    let machine = Machine::of_name(std::env::consts::ARCH)
        .ok_or_else(|| Failure::new(INVALID, Msg::new("probe-machine").with("name", std::env::consts::ARCH)))?;
    Ok(use_types(&btf, machine))
}

/// What is fetched at a function: by the types of the kernel where a variable is asked for.
fn arguments(
    definition: &Definition,
    module: Option<&str>,
    function: &str,
    notes: &mut Vec<Msg>,
) -> Outcome<Vec<TraceArgument>> {
    let ret = definition.place.is_return();
    let variable = definition.arguments.iter().find(|argument| !matches!(argument.base, Base::Fetch { .. }));
    let Some(variable) = variable else {
        let plain = definition.arguments.iter().filter_map(|argument| match &argument.base {
            Base::Fetch { fetch, text } => Some(TraceArgument::given(argument, fetch, text)),
            _ => None,
        });
        return Ok(plain.collect());
    };
    let at_entry =
        matches!(&definition.place, Place::Function { spot: Spot::Entry | Spot::Return | Spot::Offset(0), .. });
    if !at_entry {
        // Where a parameter is behind the entry only DWARF tells.
        return Err(Failure::new(NOT_FOUND, Msg::new("probe-entry-only")).at(definition, variable.value_at));
    }
    let found = with_types(module, |btf, machine| {
        let Some(known) = KernelFunction::find(btf, function, machine) else {
            let words = Msg::new("probe-no-btf-function").with("name", function);
            return Err(Failure::new(NOT_FOUND, words).at(definition, variable.value_at));
        };
        let mut fetches = Vec::new();
        for argument in &definition.arguments {
            fetches.extend(known.fetches(argument, ret).map_err(|error| of_types(definition, &error))?);
        }
        Ok(fetches)
    });
    notes.push(Msg::new("probe-types-btf").with("name", function));
    found?
}
