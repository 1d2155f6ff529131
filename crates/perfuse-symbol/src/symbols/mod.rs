//! Symbols for recorded profiles.
//!
//! ```text
//!   recorded mapping  --open-->  ModuleId
//!   (ModuleId, address)  --find-->  SymbolId  --symbol-->  name, start, end
//! ```
//!
//! The ids are small numbers: callers sort, group and cache by them, and look at names last. Every symbol has one id, so
//! that two addresses of a function give the same one. Files are read when the first address of them is asked for.

mod frames;
mod kernel;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::dso::{Attempt, DsoKind, DsoSpec, Outcome, Problem, Reason, SymbolOptions};
use crate::elf::Segment;
use crate::files::Files;
use crate::find::{self, Found};
use crate::jit;
use crate::kernel::{References, split_module};
use crate::lines::{InlineFrame, Lines};
use crate::table::{STB_GLOBAL, STB_WEAK, Table};

/// Number of a piece of code in its [`Symbols`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(pub u32);

/// Number of a symbol in its [`Symbols`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub u32);

/// Who sees a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Binding {
    /// Its own file only.
    Local,
    /// All files.
    Global,
    /// All files, and it yields to another of the same name.
    Weak,
}

/// A symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolInfo {
    /// As written in the source.
    pub name: String,
    /// As the file states it.
    pub raw: String,
    /// Its first address, in the terms of [`Symbols::find`].
    pub start: u64,
    /// The address behind it.
    pub end: u64,
    /// Who sees it.
    pub binding: Binding,
}

/// Where the symbols of a module are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody has asked yet.
    Fresh,
    /// In a table, at addresses that are larger by a distance (wrapping).
    Table { index: usize, distance: u64 },
    /// The module is one symbol, from its start to its end.
    Single { start: u64, end: u64 },
    /// There are none.
    Without,
}

/// The symbols of the running kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Running {
    /// Nobody has asked yet.
    Unread,
    /// In this table.
    Table(usize),
    /// The kernel does not show their addresses.
    Hidden,
}

/// A piece of code and what is known of its symbols.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) path: String,
    pub(crate) build_id: Option<Vec<u8>>,
    pub(crate) kind: DsoKind,
    pub(crate) pid: i32,
    range: Option<(u64, u64)>,
    reference: Option<(String, u64)>,
    state: State,
    reason: Option<Reason>,
    attempts: Vec<Attempt>,
    pub(crate) symbols_path: Option<String>,
    pub(crate) runtime_path: Option<String>,
    ids: FxHashMap<usize, SymbolId>,
    debug: Debug,
    frames: FxHashMap<u64, Arc<[InlineFrame]>>,
}

/// Where the source lines of a module are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Debug {
    /// Nobody has asked yet.
    Unknown,
    /// There are none.
    Without,
    /// In a file; with the segments of the file that ran, which tie offsets to addresses.
    File { path: Arc<str>, segments: Arc<[Segment]> },
}

/// The symbols of everything that a recording mentions.
#[derive(Debug)]
pub struct Symbols<F> {
    pub(crate) files: F,
    pub(crate) options: SymbolOptions,
    pub(crate) modules: Vec<Module>,
    tables: Vec<Table>,
    found: Vec<SymbolInfo>,
    running: Running,
    /// Addresses in the running kernel that recordings refer to; empty before it was read.
    references: References,
    /// How far above the addresses that a kernel image states the recorded ones are.
    image_distance: u64,
    lines: Lines,
}

impl<F: Files> Symbols<F> {
    /// Nothing is read yet.
    pub fn new(files: F, options: SymbolOptions) -> Self {
        Self {
            files,
            options,
            modules: Vec::new(),
            tables: Vec::new(),
            found: Vec::new(),
            running: Running::Unread,
            references: References::default(),
            image_distance: 0,
            lines: Lines::default(),
        }
    }

    /// Takes note of a piece of code. Each call makes a new module: callers keep one id for each that they know.
    pub fn open(&mut self, spec: &DsoSpec<'_>) -> ModuleId {
        let id = ModuleId(u32::try_from(self.modules.len()).unwrap_or(u32::MAX));
        self.modules.push(Module {
            path: spec.path.to_owned(),
            build_id: spec.build_id.map(<[u8]>::to_vec),
            kind: spec.kind,
            pid: spec.pid,
            range: spec.range,
            reference: spec.reference.map(|(name, address)| (name.to_owned(), address)),
            state: State::Fresh,
            reason: None,
            attempts: Vec::new(),
            symbols_path: None,
            runtime_path: None,
            ids: FxHashMap::default(),
            debug: Debug::Unknown,
            frames: FxHashMap::default(),
        });
        id
    }

    /// The symbol that holds an address: of files and the vdso an offset in the file (`ip - map.start + map.pgoff`), of
    /// the kernel, its modules, BPF programs and just-in-time compiled code the address itself as recorded.
    pub fn find(&mut self, module: ModuleId, address: u64) -> Option<SymbolId> {
        let known = self.modules.get(module.0 as usize)?;
        if known.state == State::Fresh {
            self.load(module);
        }
        let known = self.modules.get_mut(module.0 as usize)?;
        let (index, id) = match known.state {
            State::Table { index, distance } => {
                let at = self.tables.get(index)?.find(address.wrapping_sub(distance))?;
                (at, known.ids.get(&at).copied())
            }
            State::Single { start, end } if (start..end).contains(&address) => (0, known.ids.get(&0).copied()),
            _ => return None,
        };
        if id.is_some() {
            return id;
        }
        let next = SymbolId(u32::try_from(self.found.len()).ok()?);
        let demangle = self.options.demangle_of(known.kind);
        let symbol = match known.state {
            State::Table { index: table, distance } => {
                let table = self.tables.get(table)?;
                let entry = table.entry(index)?;
                let raw = String::from_utf8_lossy(table.raw_name(index)).into_owned();
                let (raw, _) = split_module(&raw);
                SymbolInfo {
                    name: demangle.name(raw).into_owned(),
                    raw: raw.to_owned(),
                    start: entry.start.wrapping_add(distance),
                    end: entry.end.wrapping_add(distance),
                    binding: match entry.binding {
                        STB_GLOBAL => Binding::Global,
                        STB_WEAK => Binding::Weak,
                        _ => Binding::Local,
                    },
                }
            }
            State::Single { start, end } => {
                let name = known.path.clone();
                SymbolInfo { raw: name.clone(), name, start, end, binding: Binding::Local }
            }
            _ => return None,
        };
        known.ids.insert(index, next);
        self.found.push(symbol);
        Some(next)
    }

    /// The table of a module that was loaded, and which of its symbols holds an address.
    fn table_entry(&self, module: ModuleId, address: u64) -> Option<(&Table, usize)> {
        let State::Table { index, distance } = self.modules.get(module.0 as usize)?.state else { return None };
        let table = self.tables.get(index)?;
        Some((table, table.find(address.wrapping_sub(distance))?))
    }

    /// A symbol that was found.
    pub fn symbol(&self, id: SymbolId) -> &SymbolInfo {
        &self.found[id.0 as usize]
    }

    /// How many symbols have been found so far: ids are below.
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// Every file that was looked at for a module, in order; empty before its first address was asked for.
    pub fn attempts(&self, module: ModuleId) -> &[Attempt] {
        self.modules.get(module.0 as usize).map(|module| module.attempts.as_slice()).unwrap_or_default()
    }

    /// The file that a module's symbols were taken from.
    pub fn source(&self, module: ModuleId) -> Option<&str> {
        self.modules.get(module.0 as usize)?.symbols_path.as_deref()
    }

    /// Why a module has no symbols, or not all.
    pub fn reason(&self, module: ModuleId) -> Option<&Reason> {
        self.modules.get(module.0 as usize)?.reason.as_ref()
    }

    /// What could not be named and why, most frames first. `unnamed` tells how many frames of a module had no symbol;
    /// modules without such frames are left out.
    pub fn problems(&self, unnamed: impl Fn(ModuleId) -> u64) -> Vec<Problem> {
        let mut problems: Vec<Problem> = Vec::new();
        for (index, module) in self.modules.iter().enumerate() {
            let count = unnamed(ModuleId(u32::try_from(index).unwrap_or(u32::MAX)));
            let Some(reason) = module.reason.clone().filter(|_| count > 0) else { continue };
            problems.push(Problem { path: module.path.clone(), count, reason, attempts: module.attempts.clone() });
        }
        problems.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.path.cmp(&other.path)));
        problems
    }

    /// How far above the addresses that the used image of the kernel states the recorded ones are (wrapping).
    pub fn image_distance(&self) -> u64 {
        self.image_distance
    }

    fn load(&mut self, id: ModuleId) {
        let Some(module) = self.modules.get(id.0 as usize) else { return };
        let (path, build_id, reference) = (module.path.clone(), module.build_id.clone(), module.reference.clone());
        let spec = DsoSpec {
            path: &path,
            build_id: build_id.as_deref(),
            kind: module.kind,
            pid: module.pid,
            range: module.range,
            reference: reference.as_ref().map(|(name, address)| (name.as_str(), *address)),
        };
        let mut attempts = Vec::new();
        let (state, reason) = match spec.kind {
            DsoKind::Kernel => self.kernel(&spec, &mut attempts),
            DsoKind::Module => self.kernel_module(&mut attempts),
            DsoKind::Bpf => match spec.range {
                Some((start, end)) => Ok(State::Single { start, end }),
                None => self.running_kernel(&mut attempts).map(|index| State::Table { index, distance: 0 }),
            },
            DsoKind::Anonymous => jit::find(&self.files, &spec, &mut attempts).map(|table| self.keep(table)),
            DsoKind::File | DsoKind::Vdso => {
                let found = find::user(&self.files, &spec, &self.options);
                self.take(id, found);
                return;
            }
        }
        .map_or_else(|reason| (State::Without, Some(reason)), |state| (state, None));
        let used =
            attempts.iter().find(|attempt| attempt.outcome == Outcome::Symbols).map(|attempt| attempt.path.clone());
        if let Some(module) = self.modules.get_mut(id.0 as usize) {
            (module.state, module.reason, module.attempts, module.symbols_path) = (state, reason, attempts, used);
        }
    }

    fn keep(&mut self, table: Table) -> State {
        self.tables.push(table);
        State::Table { index: self.tables.len() - 1, distance: 0 }
    }

    fn take(&mut self, id: ModuleId, found: Found) {
        let state = if found.table.is_empty() { State::Without } else { self.keep(found.table) };
        let Some(module) = self.modules.get_mut(id.0 as usize) else { return };
        let reason = found.reason.or_else(|| (state == State::Without).then_some(Reason::Stripped));
        (module.state, module.reason, module.attempts) = (state, reason, found.attempts);
        (module.symbols_path, module.runtime_path) = (found.symbols_path, found.runtime_path);
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::HostFiles;

    fn here() -> Symbols<HostFiles> {
        Symbols::new(HostFiles(PathBuf::from("/")), SymbolOptions::default())
    }

    #[inline(never)]
    fn a_function_of_this_test() -> u64 {
        std::hint::black_box(9)
    }

    /// The offset in this executable of an address of this process.
    fn offset_of(address: u64) -> (String, u64) {
        use perfuse_format::FromBytes as _;
        let maps = std::fs::read("/proc/self/maps").unwrap();
        let maps = perfuse_format::proc::maps::Maps::from_bytes(&maps).unwrap();
        let mapping = maps.find(address).unwrap();
        (mapping.path.clone(), address - mapping.start + mapping.offset)
    }

    #[test]
    fn two_addresses_of_a_function_have_one_id() {
        assert_eq!(a_function_of_this_test(), 9);
        let (path, offset) = offset_of(a_function_of_this_test as fn() -> u64 as usize as u64);
        let mut symbols = here();
        let module = symbols.open(&DsoSpec { path: &path, pid: -1, ..DsoSpec::default() });
        assert!(symbols.attempts(module).is_empty());
        let first = symbols.find(module, offset).unwrap();
        assert_eq!(symbols.find(module, offset + 1), Some(first));
        let info = symbols.symbol(first);
        assert!(info.name.ends_with("a_function_of_this_test"), "{info:?}");
        assert_eq!(info.start, offset);
        assert_eq!((symbols.source(module), symbols.count()), (Some(path.as_str()), 1));
    }

    #[test]
    fn a_file_of_another_build_is_not_used_and_said() {
        let (path, offset) = offset_of(a_function_of_this_test as fn() -> u64 as usize as u64);
        let mut symbols = here();
        let module = symbols.open(&DsoSpec { path: &path, build_id: Some(&[0xab; 20]), ..DsoSpec::default() });
        assert_eq!(symbols.find(module, offset), None);
        let problems = symbols.problems(|_| 3);
        assert_eq!((problems[0].path.as_str(), problems[0].count), (path.as_str(), 3));
        assert!(matches!(&problems[0].reason, Reason::BuildIdDiffers { path: found, .. } if *found == path));
        assert!(symbols.problems(|_| 0).is_empty());
    }

    #[test]
    fn what_has_no_file_says_why() {
        let mut symbols = Symbols::new(HostFiles(PathBuf::from("/nonexistent")), SymbolOptions::default());
        let mut reason = |path: &str, kind: DsoKind, build_id: Option<&[u8]>| {
            let module = symbols.open(&DsoSpec { path, kind, build_id, pid: 7, ..DsoSpec::default() });
            assert_eq!(symbols.find(module, 0x1000), None);
            symbols.reason(module).cloned()
        };
        assert_eq!(reason("/bin/gone", DsoKind::File, None), Some(Reason::NoFile));
        assert_eq!(reason("[kernel.kallsyms]", DsoKind::Kernel, None), Some(Reason::KernelHidden));
        assert_eq!(
            reason("//anon", DsoKind::Anonymous, None),
            Some(Reason::NoJitMap { path: "/tmp/perf-7.map".into() })
        );
        assert_eq!(reason("[heap]", DsoKind::Anonymous, None), Some(Reason::NotCode));
    }

    #[test]
    fn a_bpf_program_is_one_symbol() {
        let mut symbols = here();
        let range = Some((0x1000, 0x1100));
        let module = symbols.open(&DsoSpec { path: "bpf_prog_1_x", kind: DsoKind::Bpf, range, ..DsoSpec::default() });
        let id = symbols.find(module, 0x10ff).unwrap();
        assert_eq!((symbols.symbol(id).name.as_str(), symbols.symbol(id).start), ("bpf_prog_1_x", 0x1000));
        assert_eq!(symbols.find(module, 0x1100), None);
    }

    #[test]
    fn the_vdso_of_this_process_has_symbols() {
        let mut symbols = here();
        let module = symbols.open(&DsoSpec { path: "[vdso]", kind: DsoKind::Vdso, ..DsoSpec::default() });
        symbols.find(module, 0);
        let reason = symbols.reason(module).cloned();
        // A kernel without a vdso is possible, one whose vdso has no dynamic symbols is not.
        assert!(matches!(reason, Some(Reason::Stripped | Reason::NoFile)), "{reason:?}");
    }
}
