//! From samples to functions: who ran, where, and who had called it.
//!
//! ```text
//!   sample: pid 7, ip ffffffff81a5, chain [KERNEL, ffffffff81a5, USER, 7f12…, 55d1…]
//!        │ records before it: mappings, names of threads          (session)
//!        ▼
//!   frame 3: [kernel.kallsyms] + ffffffff81a5    do_syscall_64+0x71
//!   frame 8: libc.so.6 + 0x10ae12                read+0x12
//!   frame 9: app + 0x1347                        main+0x8d
//! ```
//!
//! A [`FrameId`] stands for a place in a file (or, with inlined functions, for one of several at that place), so that
//! everything about it, and every text made of it, is made once. Samples only carry ids; resolving one allocates nothing.

mod chain;
mod code;
mod known;
mod names;
pub mod profile;
mod replay;
mod table;
pub mod time;

use std::collections::BTreeMap;

use perfuse_format::perfdata::record::Record;
use perfuse_format::perfdata::{CpuMode, Sample};

use crate::session::{DsoId, DsoKind, Session};
use known::KnownChains;
pub use known::{ByChain, ChainId};
pub use names::{Code, Found, Inline, Instruction, Names, NoNames, UserStack};
pub use replay::Item;
pub(crate) use table::AddressTable;
use table::{RecentIds, RecentIps};

/// A place in a file; see [`Resolver::frame`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId(pub u32);

/// A function; see [`Resolver::symbol`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub u32);

/// A name of threads; see [`Resolver::comm_name`]. Equal names have equal ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommId(pub u32);

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The file; `None` if no mapping is known.
    pub dso: Option<DsoId>,
    /// Offset in the file, for the kernel, its modules and BPF the address; without a mapping the address.
    pub address: u64,
    /// Whether it is the kernel's.
    pub kernel: bool,
    /// The function.
    pub symbol: Option<SymbolId>,
    /// Bytes from the start of the function.
    pub offset: u64,
    /// Whether the compiler put it into its caller. Then `symbol` has its name, and the start of the function that holds it.
    pub inlined: bool,
    /// Source file and line, for frames that come from what is known of inlined functions.
    pub source: Option<(String, u32)>,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Its name, demangled.
    pub name: String,
    /// Its file.
    pub dso: DsoId,
    /// First address, in the count of [`Frame::address`].
    pub start: u64,
    /// First address behind it.
    pub end: u64,
    /// Whether it is a function that was put into others at some place.
    pub inlined: bool,
}

/// A frame of a call chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainFrame {
    /// Where.
    pub frame: FrameId,
    /// Instruction pointer, as recorded.
    pub ip: u64,
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Most entries of a call chain that are looked at (`--max-stack`); perf's default is 127.
    pub max_stack: usize,
    /// Whether inlined functions are wanted: of stacks that are unwound here, as perf 6.1 shows them.
    pub inlines: bool,
    /// Whether they are wanted in call chains that the kernel walked, too.
    pub inlines_everywhere: bool,
    /// Whether functions are wanted at all.
    pub symbols: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_stack: 127, inlines: true, inlines_everywhere: false, symbols: true }
    }
}

/// Resolves the samples of one recording, in the order of time.
#[derive(Debug)]
pub struct Resolver<N> {
    session: Session,
    names: N,
    options: Options,
    frames: Vec<Frame>,
    by_place: AddressTable,
    recent: RecentIps,
    /// Of frames that were asked for what is inlined there: the first of the frames that stand for it, and how many.
    inlines: BTreeMap<FrameId, (FrameId, u32)>,
    symbols: Vec<Symbol>,
    by_symbol: BTreeMap<(DsoId, u32), SymbolId>,
    by_inline: BTreeMap<(DsoId, u32, String), SymbolId>,
    comms: Vec<String>,
    by_comm: BTreeMap<String, CommId>,
    threads: BTreeMap<i32, CommId>,
    /// Names that were asked for, until a record changes them.
    recent_comms: RecentIds,
    /// Ends of the BPF programs and trampolines by their starts: they have no symbol table, each is one function.
    programs: BTreeMap<u64, u64>,
    /// Number of the present address space of each process, and of the kernel.
    spaces: BTreeMap<i32, u32>,
    kernel_space: u32,
    last_space: u32,
    /// Spaces that were asked for, until a record changes them.
    recent_spaces: RecentIds,
    chain: Vec<ChainFrame>,
    known: KnownChains,
    unwound: Vec<u64>,
}

/// The space of processes without any mapping.
const NO_SPACE: u32 = 0;
/// Dso number in [`AddressTable`] of addresses without a mapping, of user and kernel.
const NO_DSO: [u32; 2] = [u32::MAX, u32::MAX - 1];

fn id_of(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl<N: Names> Resolver<N> {
    /// A resolver at the beginning of a recording.
    pub fn new(names: N, options: Options) -> Self {
        Self {
            session: Session::new(),
            names,
            options,
            frames: Vec::new(),
            by_place: AddressTable::default(),
            recent: RecentIps::new(),
            inlines: BTreeMap::new(),
            symbols: Vec::new(),
            by_symbol: BTreeMap::new(),
            by_inline: BTreeMap::new(),
            comms: Vec::new(),
            by_comm: BTreeMap::new(),
            threads: BTreeMap::new(),
            recent_comms: RecentIds::new(),
            programs: BTreeMap::new(),
            spaces: BTreeMap::new(),
            kernel_space: 1,
            last_space: 1,
            recent_spaces: RecentIds::new(),
            chain: Vec::new(),
            known: KnownChains::default(),
            unwound: Vec::new(),
        }
    }

    /// Threads and mappings of this moment.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Of a file, for what a header tells of it before the first record.
    pub fn set_build_id(&mut self, path: &str, kernel: bool, build_id: &[u8]) {
        self.session.set_build_id(path, kernel, build_id);
    }

    /// Where functions come from.
    pub fn names(&mut self) -> &mut N {
        &mut self.names
    }

    /// Takes note of a record; `misc` is that of its header.
    pub fn apply(&mut self, misc: u16, record: &Record<'_>) {
        self.session.apply_with(misc, record);
        match record {
            Record::Mmap(mmap) if mmap.mode == CpuMode::Kernel => {
                self.kernel_space = self.next_space();
                if let Some(symbol) = mmap.path.strip_prefix(b"[kernel.kallsyms]") {
                    self.names.kernel_reference(&String::from_utf8_lossy(symbol), mmap.pgoff);
                }
            }
            Record::Ksymbol { addr, len, .. } => {
                self.programs.insert(*addr, addr.saturating_add(u64::from(*len)));
                self.kernel_space = self.next_space();
            }
            Record::Mmap(mmap) => self.new_space(mmap.pid),
            Record::Comm { pid, tid, exec, .. } => {
                self.threads.remove(tid);
                self.recent_comms.forget(*tid);
                if *exec {
                    self.new_space(*pid);
                }
            }
            Record::Fork(task) => {
                self.threads.remove(&task.tid);
                self.recent_comms.forget(task.tid);
                if task.pid != task.ppid {
                    self.new_space(task.pid);
                }
            }
            _ => {}
        }
    }

    fn next_space(&mut self) -> u32 {
        self.last_space = self.last_space.wrapping_add(1);
        if self.last_space == NO_SPACE {
            // Four thousand million changes of mappings: what was remembered is forgotten, and counting begins anew.
            self.recent = RecentIps::new();
            self.known.forget();
            self.last_space = 1;
        }
        self.last_space
    }

    fn new_space(&mut self, pid: i32) {
        let space = self.next_space();
        self.spaces.insert(pid, space);
        self.recent_spaces.set(pid, space);
    }

    fn space(&mut self, pid: i32) -> u32 {
        if let Some(space) = self.recent_spaces.get(pid) {
            return space;
        }
        let space = self.spaces.get(&pid).copied().unwrap_or(NO_SPACE);
        self.recent_spaces.set(pid, space);
        space
    }

    /// Where a sample was taken.
    pub fn place(&mut self, sample: &Sample<'_>) -> FrameId {
        self.at(sample.pid, sample.cpu_mode(), sample.ip)
    }

    /// The frame of an instruction pointer, or of a data address, of process `pid` at this moment.
    pub fn at(&mut self, pid: i32, mode: CpuMode, ip: u64) -> FrameId {
        let space = match mode {
            CpuMode::Kernel => self.kernel_space,
            CpuMode::User => self.space(pid),
            // Of guests and hypervisors no mappings are known: as good as a process without any.
            _ => NO_SPACE,
        };
        if let Some(found) = self.recent.get((space, ip)) {
            return FrameId(found);
        }
        let mut location = self.session.locate(pid, mode, ip);
        if location.dso.is_none() && mode == CpuMode::Kernel {
            location.dso = self.beyond_kernel(ip);
        }
        let dso = location.dso.map_or(NO_DSO[usize::from(location.kernel)], |dso| dso.0);
        let frame = match self.by_place.get((dso, location.address)) {
            Some(found) => FrameId(found),
            None => self.new_frame(location.dso, location.address, location.kernel, dso),
        };
        self.recent.set((space, ip), frame.0);
        frame
    }

    /// The kernel itself, if it has a function at an address that lies in none of its mappings: they are told without the
    /// code that only runs while it starts.
    fn beyond_kernel(&mut self, ip: u64) -> Option<DsoId> {
        let index = self.session.dsos().iter().position(|dso| dso.kind == DsoKind::Kernel)?;
        let id = DsoId(id_of(index));
        (self.options.symbols && self.find(id, ip).is_some()).then_some(id)
    }

    fn new_frame(&mut self, dso: Option<DsoId>, address: u64, kernel: bool, key: u32) -> FrameId {
        let found = dso.filter(|_| self.options.symbols).and_then(|id| Some((id, self.find(id, address)?)));
        let symbol = found.map(|(id, found)| self.symbol_id(id, found));
        let offset = found.map_or(0, |(_, found)| address.wrapping_sub(found.start));
        let frame = FrameId(id_of(self.frames.len()));
        self.by_place.insert((key, address), frame.0);
        self.frames.push(Frame { dso, address, kernel, symbol, offset, inlined: false, source: None });
        frame
    }

    /// The frames that stand for a place in a call chain instead of its own, innermost first: the first of them, and how many.
    /// Asked for only where they are shown, since it takes the debugging information of the file.
    fn inlines(&mut self, id: FrameId) -> (FrameId, u32) {
        if let Some(known) = self.inlines.get(&id) {
            return *known;
        }
        let first = FrameId(id_of(self.frames.len()));
        let plain = self.frame(id).clone();
        if let (true, false, Some(dso)) = (self.options.inlines, plain.kernel, plain.dso)
            && let Some(found) = self.find(dso, plain.address)
            && let Some(known) = self.session.dso_of(dso)
        {
            for inline in self.names.inlines(dso, known, plain.address, found) {
                let inlined = inline.name.is_some();
                let symbol = match inline.name {
                    Some(name) => Some(self.inline_id(dso, found, name)),
                    None => plain.symbol,
                };
                self.frames.push(Frame { symbol, inlined, source: inline.source, ..plain.clone() });
            }
        }
        let all = (first, id_of(self.frames.len()).saturating_sub(first.0));
        self.inlines.insert(id, all);
        all
    }

    fn find(&mut self, id: DsoId, address: u64) -> Option<Found> {
        let dso = self.session.dso_of(id)?;
        if dso.kind != DsoKind::Bpf {
            return self.names.find(id, dso, address);
        }
        let (start, end) = self.programs.range(..=address).next_back()?;
        (address < *end).then_some(Found { index: 0, start: *start, end: *end })
    }

    fn symbol_id(&mut self, dso: DsoId, found: Found) -> SymbolId {
        if let Some(id) = self.by_symbol.get(&(dso, found.index)) {
            return *id;
        }
        let name = match self.session.dso_of(dso) {
            Some(of) if of.kind == DsoKind::Bpf => of.path.clone(),
            Some(of) => self.names.name(dso, of, found.index),
            None => String::new(),
        };
        let id = SymbolId(id_of(self.symbols.len()));
        self.symbols.push(Symbol { name, dso, start: found.start, end: found.end, inlined: false });
        self.by_symbol.insert((dso, found.index), id);
        id
    }

    fn inline_id(&mut self, dso: DsoId, found: Found, name: String) -> SymbolId {
        let next = SymbolId(id_of(self.symbols.len()));
        let symbol = Symbol { name: name.clone(), dso, start: found.start, end: found.end, inlined: true };
        let id = *self.by_inline.entry((dso, found.index, name)).or_insert(next);
        if id == next {
            self.symbols.push(symbol);
        }
        id
    }

    /// What a frame is. An id of another resolver gives the first frame, or one that nothing is known of.
    pub fn frame(&self, id: FrameId) -> &Frame {
        const UNKNOWN: &Frame =
            &Frame { dso: None, address: 0, kernel: false, symbol: None, offset: 0, inlined: false, source: None };
        self.frames.get(id.0 as usize).unwrap_or(UNKNOWN)
    }

    /// How many frames there are: their ids are below it.
    pub fn frame_count(&self) -> usize {
        self.frames.len()
    }

    /// A function.
    pub fn symbol(&self, id: SymbolId) -> Option<&Symbol> {
        self.symbols.get(id.0 as usize)
    }

    /// All functions that were met, by id.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// The name of a frame's function.
    pub fn function(&self, id: FrameId) -> Option<&str> {
        self.frame(id).symbol.and_then(|symbol| self.symbol(symbol)).map(|symbol| symbol.name.as_str())
    }

    /// The path of a frame's file, as recorded.
    pub fn module(&self, id: FrameId) -> Option<&str> {
        self.frame(id).dso.and_then(|dso| self.session.dso_of(dso)).map(|dso| dso.path.as_str())
    }

    /// Source file and line of a frame; read anew at each call.
    pub fn source(&mut self, id: FrameId) -> Option<(String, u32)> {
        let frame = self.frames.get(id.0 as usize)?;
        if frame.source.is_some() { frame.source.clone() } else { self.line(id) }
    }

    /// Source file and line of the address of a frame: of several functions inlined there, those of the innermost.
    pub fn line(&mut self, id: FrameId) -> Option<(String, u32)> {
        let frame = self.frames.get(id.0 as usize)?;
        let dso = frame.dso?;
        self.names.source(dso, self.session.dso_of(dso)?, frame.address)
    }

    /// The name of a thread now.
    pub fn comm(&mut self, tid: i32) -> CommId {
        if let Some(id) = self.recent_comms.get(tid) {
            return CommId(id);
        }
        let id = self.comm_of(tid);
        self.recent_comms.set(tid, id.0);
        id
    }

    fn comm_of(&mut self, tid: i32) -> CommId {
        if let Some(id) = self.threads.get(&tid) {
            return *id;
        }
        let name = self.session.comm(tid);
        let next = CommId(id_of(self.comms.len()));
        let id = *self.by_comm.entry(name.clone()).or_insert(next);
        if id == next {
            self.comms.push(name);
        }
        self.threads.insert(tid, id);
        id
    }

    /// The text of a name.
    pub fn comm_name(&self, id: CommId) -> &str {
        self.comms.get(id.0 as usize).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests;
