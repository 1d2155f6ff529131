//! A recording that is read: its bytes, and the functions of the files that it mentions.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use perfuse_analyze::resolve::{Code, Found, Inline, Instruction, Names, UserStack};
use perfuse_analyze::session::{Dso, DsoId, DsoKind, Session};
use perfuse_collect::mapped::{MappedFile, map_open};
use perfuse_format::perfdata::{CpuMode, Joined, PerfData, RawRecord};
use perfuse_render::perf::header::About;
use perfuse_symbol::unwind::{CfiId, Frame, Machine, Mapped, Place, Registers, Unwinder};
use perfuse_symbol::{
    DsoSpec, Files, HostFiles, InlineFrame, ModuleId, Problem, Reason, SymbolId, SymbolOptions, Symbols,
};

use super::code::{self, CodeFiles};
use super::options::Parsed;
use crate::console::{self, Console};

/// The file that is read where none is named.
const DEFAULT: &str = "perf.data";

/// The bytes of a recording.
pub(crate) struct Input {
    /// As it was named: what perf shows in `script -D`.
    pub(crate) name: String,
    /// Seconds since 1970 of its last change; `None` for a pipe.
    pub(crate) changed: Option<i64>,
    bytes: Bytes,
}

enum Bytes {
    Mapped(MappedFile),
    Read(Vec<u8>),
    /// Of a directory.
    Joined(Joined),
}

impl Input {
    /// Opens what `-i` names: a file, `-` for standard input, without `-i` a pipe on standard input or `perf.data`.
    pub(crate) fn open(name: Option<&str>) -> anyhow::Result<Self> {
        let piped = name.is_none() && stdin_is_pipe();
        let name = name.unwrap_or(if piped { "-" } else { DEFAULT });
        if name == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).context("-")?;
            return Ok(Self { name: name.to_owned(), changed: None, bytes: Bytes::Read(bytes) });
        }
        let hint = if name == DEFAULT { " (try `perf record` first)" } else { "" };
        let failed = || format!("failed to open {name}{hint}");
        let file = File::open(name).with_context(failed)?;
        let metadata = file.metadata().with_context(failed)?;
        if metadata.is_dir() {
            return Self::directory(name);
        }
        let changed = std::os::unix::fs::MetadataExt::mtime(&metadata);
        let bytes = Bytes::Mapped(map_open(&file).with_context(failed)?);
        Ok(Self { name: name.to_owned(), changed: Some(changed), bytes })
    }

    /// Understands it as a recording, whose records come in the order of time or as they were written; says what of it is
    /// damaged.
    pub(crate) fn recording(&self, as_written: bool, console: &Console) -> anyhow::Result<PerfData<'_>> {
        let data = self.parse()?;
        for damage in &data.damage {
            console.complain(&format!("{}: {damage}", self.name));
        }
        Ok(if as_written { data.as_written() } else { data })
    }

    /// Prints the header of a recording, in full or not. Gives whether it was all that was wanted.
    pub(crate) fn header(&self, data: &PerfData<'_>, shown: Header, full: bool) -> anyhow::Result<bool> {
        let only = shown == Header::Only;
        if shown != Header::No {
            console::print(&self.header_text(data, full, only))?;
        }
        Ok(only)
    }

    /// The header of a recording, in full or not, alone or before all else.
    pub(crate) fn header_text(&self, data: &PerfData<'_>, full: bool, only: bool) -> String {
        let changed = self.changed.unwrap_or_default();
        let about = About { changed, utc_offset: perfuse_collect::local_time::utc_offset(changed), full, only };
        perfuse_render::perf::header::text(data, about)
    }

    /// What `record --threads` and `--kcore` write: `data`, and `data.0` and so on.
    fn directory(name: &str) -> anyhow::Result<Self> {
        let directory = PathBuf::from(name);
        let path = directory.join("data");
        let main = File::open(&path).with_context(|| format!("failed to open {}", path.display()))?;
        let changed = std::os::unix::fs::MetadataExt::mtime(&main.metadata()?);
        let main = map_open(&main)?;
        let mut numbers: Vec<u32> = std::fs::read_dir(&directory)?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix("data.")?.parse().ok())
            .collect();
        numbers.sort_unstable();
        let one = |number: &u32| {
            let path = directory.join(format!("data.{number}"));
            File::open(&path).and_then(|file| map_open(&file)).with_context(|| path.display().to_string())
        };
        let parts = numbers.iter().map(one).collect::<anyhow::Result<Vec<MappedFile>>>()?;
        let parts: Vec<&[u8]> = parts.iter().map(|part| &**part).collect();
        let joined = Joined::new(&main, &parts).with_context(|| path.display().to_string())?;
        Ok(Self { name: name.to_owned(), changed: Some(changed), bytes: Bytes::Joined(joined) })
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped(mapped) => mapped,
            Bytes::Read(read) => read,
            Bytes::Joined(joined) => joined.bytes(),
        }
    }

    /// Opens the recording in it.
    pub(crate) fn parse(&self) -> anyhow::Result<PerfData<'_>> {
        let data = match &self.bytes {
            Bytes::Mapped(mapped) => PerfData::parse(mapped),
            Bytes::Read(read) => PerfData::parse(read),
            Bytes::Joined(joined) => joined.parse(),
        };
        data.with_context(|| self.name.clone())
    }
}

/// Going through the records of an input once, from its beginning to its end: what was looked at is given back now and
/// then, so that a recording of gigabytes takes the memory of a few rounds of its rings.
pub(crate) struct Passage<'i> {
    input: &'i Input,
    /// Bytes of the records since something was given back.
    since: usize,
}

impl<'i> Passage<'i> {
    /// Bytes of records after which all pages are given back. Records come in the order of time, from as many places of
    /// the file as there are rings, so none of them is the end of what was read; the few pages that are still needed are
    /// read again.
    const STEP: usize = 2 << 20;

    /// At the beginning.
    pub(crate) fn new(input: &'i Input) -> Self {
        Self { input, since: 0 }
    }

    /// Takes note of a record.
    #[inline]
    pub(crate) fn at(&mut self, record: &RawRecord<'_>) {
        self.since += record.body.len();
        if self.since >= Self::STEP {
            self.since = 0;
            if let Bytes::Mapped(mapped) = &self.input.bytes {
                mapped.release(0..usize::MAX);
            }
        }
    }
}

/// Architecture of the recorded machine; of this one where the file does not tell (pipes).
pub(crate) fn arch<'d>(data: &'d PerfData<'_>) -> &'d str {
    data.features.arch.as_deref().unwrap_or(std::env::consts::ARCH)
}

/// Whether the header is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    /// It is not.
    No,
    /// Before all else.
    Before,
    /// And nothing else.
    Only,
}

fn stdin_is_pipe() -> bool {
    let fd = std::fs::metadata("/proc/self/fd/0");
    !std::io::stdin().is_terminal() && fd.is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// The files of this host, mapped where that saves reading them.
#[derive(Debug)]
pub(crate) struct Mappable(HostFiles);

impl Default for Mappable {
    fn default() -> Self {
        Self(HostFiles("/".into()))
    }
}

impl Files for Mappable {
    type File = File;

    fn open(&self, path: &str) -> std::io::Result<File> {
        self.0.open(path)
    }

    /// The mapping stays until the program ends: a command reads one recording, and asks once for each file.
    fn map(&self, path: &str) -> Option<&'static [u8]> {
        let mapped: &'static MappedFile = Box::leak(Box::new(map_open(&self.open(path).ok()?).ok()?));
        Some(mapped)
    }
}

/// Functions of the files that a recording mentions.
pub(crate) struct RecordedNames {
    pub(super) symbols: Symbols<Mappable>,
    /// Modules of dsos, by the number of the dso.
    modules: Vec<Option<ModuleId>>,
    reference: Option<(String, u64)>,
    unwinder: Unwinder,
    /// Call frame information of dsos, by the number of the dso.
    frames: Vec<Rules>,
    pub(super) options: SymbolOptions,
    machine: Option<Machine>,
    unwound: Vec<Frame>,
    code: CodeFiles,
}

/// Call frame information of a file.
#[derive(Debug, Clone, Copy)]
enum Rules {
    /// Nobody has asked yet.
    Unread,
    /// The file has none, or is not here.
    None,
    /// The file has it.
    Of(CfiId),
}

/// Where symbols are looked for, by the options that all readers of recordings share.
pub(crate) fn symbol_options(parsed: &Parsed) -> SymbolOptions {
    let home = std::env::var("HOME").unwrap_or_default();
    let mut options = SymbolOptions { symfs: parsed.text("symfs"), ..SymbolOptions::default() };
    if !home.is_empty() {
        options = options.with_home(&home);
    }
    options.vmlinux = parsed.text("vmlinux");
    options.kallsyms = parsed.text("kallsyms");
    options.ignore_vmlinux = parsed.on("ignore-vmlinux");
    if parsed.last("demangle").is_some_and(|given| given.negated) {
        options.demangle.on = false;
    }
    options.demangle_kernel = parsed.on("demangle-kernel");
    options
}

impl RecordedNames {
    /// Of files of this host, for a recording of a machine of `arch` (`uname -m`).
    pub(crate) fn new(options: SymbolOptions, arch: &str) -> Self {
        let machine = match arch {
            "x86_64" => Some(Machine::X86_64),
            "aarch64" => Some(Machine::Aarch64),
            _ => None,
        };
        Self {
            symbols: Symbols::new(Mappable(HostFiles(PathBuf::from("/"))), options.clone()),
            modules: Vec::new(),
            reference: None,
            unwinder: Unwinder::new(),
            frames: Vec::new(),
            options,
            machine,
            unwound: Vec::new(),
            code: CodeFiles::default(),
        }
    }

    /// A line of a source file.
    pub(crate) fn source_line(&mut self, file: &str, line: u32) -> Option<String> {
        self.code.line(file, line)
    }

    /// What could not be named, and why; `unnamed` are the samples without a name of each dso.
    pub(crate) fn problems(&self, unnamed: &BTreeMap<u32, u64>) -> Vec<Problem> {
        let of = |module: ModuleId| {
            let dsos = self.modules.iter().zip(0_u32..).filter(|(known, _)| **known == Some(module));
            dsos.filter_map(|(_, dso)| unnamed.get(&dso)).sum()
        };
        self.symbols.problems(of)
    }

    /// Files that were looked into, but are of another build than the recorded one.
    pub(crate) fn other_builds(&self) -> Vec<String> {
        let problems = self.symbols.problems(|_| 1).into_iter();
        problems
            .filter_map(|problem| match problem.reason {
                Reason::BuildIdDiffers { path, .. } => Some(path),
                _ => None,
            })
            .collect()
    }

    /// The module of a file, made when it is asked for first.
    pub(super) fn module(&mut self, id: DsoId, dso: &Dso) -> ModuleId {
        let at = id.0 as usize;
        if let Some(module) = self.modules.get(at).copied().flatten() {
            return module;
        }
        let reference = match dso.kind {
            DsoKind::Kernel => self.reference.as_ref().map(|(name, address)| (name.as_str(), *address)),
            _ => None,
        };
        let spec = DsoSpec {
            path: &dso.path,
            build_id: dso.build_id.as_deref(),
            kind: dso.kind,
            pid: dso.pid,
            range: None,
            reference,
        };
        let module = self.symbols.open(&spec);
        if self.modules.len() <= at {
            self.modules.resize(at + 1, None);
        }
        if let Some(slot) = self.modules.get_mut(at) {
            *slot = Some(module);
        }
        module
    }
}

impl Names for RecordedNames {
    fn find(&mut self, id: DsoId, dso: &Dso, address: u64) -> Option<Found> {
        let module = self.module(id, dso);
        let symbol = self.symbols.find(module, address)?;
        let info = self.symbols.symbol(symbol);
        Some(Found { index: symbol.0, start: info.start, end: info.end })
    }

    fn name(&mut self, _id: DsoId, _dso: &Dso, index: u32) -> String {
        self.symbols.symbol(SymbolId(index)).name.clone()
    }

    fn kernel_reference(&mut self, name: &str, address: u64) {
        self.reference.get_or_insert_with(|| (name.to_owned(), address));
    }

    fn inlines(&mut self, id: DsoId, dso: &Dso, address: u64, found: Found) -> Vec<Inline> {
        let module = self.module(id, dso);
        let frames = self.symbols.frames(module, address);
        let symbol = self.symbols.symbol(SymbolId(found.index)).name.as_str();
        let inline = |frame: &InlineFrame| Inline {
            name: (*frame.function != *symbol).then(|| frame.function.to_string()),
            source: frame.file.as_ref().map(|file| (file.to_string(), frame.line)),
        };
        frames.iter().map(inline).collect()
    }

    fn source(&mut self, id: DsoId, dso: &Dso, address: u64) -> Option<(String, u32)> {
        let module = self.module(id, dso);
        self.symbols.line(module, address).map(|(file, line)| (file.to_string(), line))
    }

    fn code(&mut self, id: DsoId, dso: &Dso, address: u64, most: usize) -> Option<Code> {
        self.code.code(id, dso, address, most, &self.options)
    }

    fn instruction(&self, bytes: &[u8], wide: bool) -> Option<Instruction> {
        code::instruction(bytes, wide)
    }

    fn source_text(&mut self, file: &str, line: u32) -> Option<String> {
        self.code.line(file, line)
    }

    fn unwind(&mut self, session: &Session, stack: &UserStack<'_>, ips: &mut Vec<u64>) {
        let Some(machine) = self.machine else { return };
        let registers = Registers::from_perf(machine, stack.registers.mask, stack.registers.values.iter());
        let Self { unwinder, frames, options, unwound, .. } = self;
        // Files are opened as they are met, which the unwinder cannot do while it runs: then it runs again.
        loop {
            let mut missing = None;
            let locate = |ip: u64| {
                let location = session.locate(stack.pid, CpuMode::User, ip);
                let Some(dso) = location.dso else { return Mapped::Nothing };
                match frames.get(dso.0 as usize).copied().unwrap_or(Rules::Unread) {
                    Rules::Of(file) => Mapped::File(Place { file, offset: location.address }),
                    Rules::None => Mapped::Other,
                    Rules::Unread => {
                        missing.get_or_insert(dso);
                        Mapped::Other
                    }
                }
            };
            unwound.clear();
            unwinder.unwind(&registers, stack.bytes, locate, stack.most, unwound);
            let Some(dso) = missing else { break };
            let at = dso.0 as usize;
            if frames.len() <= at {
                frames.resize(at + 1, Rules::Unread);
            }
            let found = session.dso_of(dso).and_then(|known| {
                let spec = DsoSpec {
                    path: &known.path,
                    build_id: known.build_id.as_deref(),
                    kind: known.kind,
                    pid: known.pid,
                    ..DsoSpec::default()
                };
                unwinder.open(&HostFiles(PathBuf::from("/")), &spec, options)
            });
            if let Some(slot) = frames.get_mut(at) {
                *slot = found.map_or(Rules::None, Rules::Of);
            }
        }
        ips.extend(unwound.iter().map(|frame| frame.lookup()));
    }
}
