//! From the samples of a recording to what a report is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use perfuse_format::perfdata::attr::sample_type;
use perfuse_format::perfdata::record::Record;
use perfuse_format::perfdata::{CpuMode, EventAttr, Sample};

use super::chain::ChainKey;
use super::collect::{Collector, Context, NodeId};
use super::fields::{Seen, TraceField};
use super::frame::{Frame, FrameId, Frames, NO_TEXT};
use super::intern::{IdTable, hash_of, next_id};
use super::keys::{Columns, Key, Mode};
use crate::resolve::time::TimeRanges;
use crate::resolve::{self, AddressTable, ChainId, Names, Resolver};
use crate::session::{Dso, DsoKind};

/// Whether a function is meant.
pub type NameTest = Box<dyn Fn(&str) -> bool>;

/// What samples are looked at, and how.
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the command line")]
#[derive(Default)]
pub struct FeedOptions {
    /// What the samples are.
    pub mode: Mode,
    /// Whether call chains are shown, or callers get weight.
    pub chains: bool,
    /// Whether chains begin with the outermost caller.
    pub caller_first: bool,
    /// Most places of a chain, counted from its beginning; `None` where the resolver has cut it.
    pub max_stack: Option<usize>,
    /// Whether lines show the address in memory.
    pub memory_address: bool,
    /// Whether places are told apart by address even within a function.
    pub by_address: bool,
    /// Whether source lines are wanted.
    pub sources: bool,
    /// Whether source files are shown with their whole path.
    pub full_source_path: bool,
    /// What places of chains are told apart by, unless lines are of source lines: what is unknown is written otherwise.
    pub chain_key: ChainKey,
    /// Whether lines differ in the size of mappings.
    pub mapping_sizes: bool,
    /// `-U`: what no symbol covers is left out.
    pub hide_unresolved: bool,
    /// `--comms`: only these names of threads.
    pub comms: Option<BTreeSet<String>>,
    /// `--pid`.
    pub pids: Option<BTreeSet<i32>>,
    /// `--tid`.
    pub tids: Option<BTreeSet<i32>>,
    /// `--dsos`: names or paths of files.
    pub dsos: Option<BTreeSet<String>>,
    /// `--symbols`.
    pub symbols: Option<BTreeSet<String>>,
    /// `--cpu`.
    pub cpus: Option<BTreeSet<u32>>,
    /// `--time`.
    pub times: TimeRanges,
    /// `--parent`: whether a function is one.
    pub parent: Option<NameTest>,
    /// `--ignore-callees`: whether what a function calls is left out of chains.
    pub ignore_callees: Option<NameTest>,
    /// `-x`: samples without such a parent are not shown.
    pub exclude_other: bool,
    /// Socket of each CPU, as the header tells.
    pub sockets: Vec<i32>,
    /// `--socket-filter`.
    pub socket: Option<i32>,
    /// Nanoseconds of the steps of the time key.
    pub time_quantum: u64,
}

/// The text of a tracepoint's sample, appended.
pub type TraceText<'a, N> = dyn FnMut(&mut Resolver<N>, &Sample<'_>, &mut String) + 'a;

/// Takes samples, in the order of time.
pub struct Feed {
    options: FeedOptions,
    keys: Vec<Key>,
    /// Distinct stacks.
    pub collector: Collector,
    /// Places and texts.
    pub frames: Frames,
    /// By number of the resolver's frame: the place of a sample, the place of a caller.
    places: Vec<[FrameId; 2]>,
    /// Places that depend on the address in memory too.
    addressed: IdTable,
    addressed_keys: Vec<(u32, u64, char, FrameId)>,
    comms: Vec<u32>,
    /// Names of the files of the resolver: shown, path.
    dsos: Vec<(u32, u32)>,
    cgroups: BTreeMap<u64, u32>,
    /// Cgroup namespaces of threads: device and inode.
    namespaces: BTreeMap<i32, (u64, u64)>,
    /// Fields of tracepoints that lines differ in.
    pub fields: Vec<TraceField>,
    seen: Seen,
    values: Vec<u64>,
    chain: Vec<FrameId>,
    ends: Ends,
    text: String,
    /// Samples without a function by the number of their dso, those outside of every file, and all samples.
    pub unresolved: (BTreeMap<u32, u64>, u64, u64),
}

/// `CGROUP_NS_INDEX` of `include/uapi/linux/perf_event.h`.
const CGROUP_NAMESPACE: usize = 6;

const UNSET: FrameId = u32::MAX;

/// Where the stacks of known chains end: by chain, by the root of their context, and by the mode of the sample, in which
/// frames outside of every mapping are shown.
#[derive(Debug, Default)]
struct Ends {
    generation: u32,
    table: AddressTable,
}

impl Ends {
    fn key(id: ChainId, root: NodeId, mode: char) -> (u32, u64) {
        (root, u64::from(id.number()) << 32 | u64::from(u32::from(mode)))
    }

    fn get(&self, id: ChainId, root: NodeId, mode: char) -> Option<NodeId> {
        if self.generation == id.generation() { self.table.get(Self::key(id, root, mode)) } else { None }
    }

    fn set(&mut self, id: ChainId, root: NodeId, mode: char, end: NodeId) {
        if self.generation != id.generation() {
            *self = Self { generation: id.generation(), ..Self::default() };
        }
        self.table.insert(Self::key(id, root, mode), end);
    }
}

impl Feed {
    /// For a report with `columns`.
    pub fn new(options: FeedOptions, columns: &Columns) -> Self {
        let keys: Vec<Key> = columns.sample_keys().collect();
        Self {
            options,
            collector: Collector::new(keys.len()),
            keys,
            frames: Frames::default(),
            places: Vec::new(),
            addressed: IdTable::default(),
            addressed_keys: Vec::new(),
            comms: Vec::new(),
            dsos: Vec::new(),
            cgroups: BTreeMap::new(),
            namespaces: BTreeMap::new(),
            fields: columns.fields.clone(),
            seen: Seen::default(),
            values: Vec::new(),
            chain: Vec::new(),
            ends: Ends::default(),
            text: String::new(),
            unresolved: (BTreeMap::new(), 0, 0),
        }
    }

    /// Takes note of a record that is no sample.
    pub fn record(&mut self, record: &Record<'_>) {
        match record {
            Record::Cgroup { id, path } => {
                let path = self.frames.strings.id(&String::from_utf8_lossy(path));
                self.cgroups.insert(*id, path);
            }
            Record::Namespaces { tid, links, .. } => {
                if let Some(&cgroup) = links.get(CGROUP_NAMESPACE) {
                    self.namespaces.insert(*tid, cgroup);
                }
            }
            // Another thread of the same number.
            Record::Fork(task) => {
                self.namespaces.remove(&task.tid);
            }
            _ => {}
        }
    }

    /// Takes a sample of an event with `attr`.
    pub fn sample<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        attr: &EventAttr,
        sample: &Sample<'_>,
        trace: &mut TraceText<'_, N>,
    ) {
        if !self.options.times.has(sample.time) {
            return;
        }
        let found = resolver.place(sample);
        let has_symbol = resolver.frame(found).symbol.is_some();
        self.unresolved.2 += 1;
        match resolver.frame(found).dso.filter(|_| !has_symbol) {
            Some(dso) => *self.unresolved.0.entry(dso.0).or_default() += 1,
            None => self.unresolved.1 += u64::from(!has_symbol),
        }
        if self.options.hide_unresolved && !has_symbol {
            return;
        }
        let has_cpu = sample.fields & sample_type::CPU != 0;
        if self.options.cpus.as_ref().is_some_and(|cpus| !has_cpu || !cpus.contains(&sample.cpu)) {
            return;
        }
        let mode = level(sample.cpu_mode());
        let ip = self.options.memory_address.then_some(sample.ip);
        let mut place = self.place(resolver, found, ip, mode);
        if self.options.mapping_sizes {
            place = self.sized(resolver, sample, place, sample.ip);
        }
        let known = self.known_chain(resolver, attr, sample);
        let parent = match known {
            Some(_) => NO_TEXT,
            None => self.chain(resolver, attr, sample, &mut place, mode),
        };
        let socket = self.socket(sample, has_cpu);
        let filtered = self.is_filtered(resolver, sample, place, parent, socket);
        self.text.clear();
        let mut values = std::mem::take(&mut self.values);
        values.clear();
        for index in 0..self.keys.len() {
            let key = self.keys[index];
            values.push(self.value(resolver, sample, key, (has_cpu, socket, parent), trace));
        }
        let event = next_id(sample.event);
        let thread = sample.tid.cast_unsigned();
        if self.options.mode == Mode::Branch {
            self.branches(resolver, sample, filtered, &mut values);
        } else {
            let period = if self.options.mode == Mode::Memory { sample.weight.max(1) } else { sample.period };
            let root = self.collector.root(Context { event, filtered, values: &values }, thread);
            let end = known.and_then(|id| self.ends.get(id, root, mode)).unwrap_or_else(|| {
                if known.is_some() {
                    self.chain(resolver, attr, sample, &mut place, mode);
                }
                let collector = &mut self.collector;
                let end = self.chain.iter().fold(root, |node, &frame| collector.child(node, frame, thread));
                if let Some(id) = known {
                    self.ends.set(id, root, mode, end);
                }
                end
            });
            self.collector.add(end, place, thread, period);
        }
        self.values = values;
    }

    /// The number of a sample's chain, if nothing but the chain decides where its stack ends: neither a parent nor ignored
    /// functions are looked for, which change the sample itself.
    fn known_chain<N: Names>(
        &self,
        resolver: &mut Resolver<N>,
        attr: &EventAttr,
        sample: &Sample<'_>,
    ) -> Option<ChainId> {
        let options = &self.options;
        let plain = options.chains
            && options.mode != Mode::Branch
            && options.parent.is_none()
            && options.ignore_callees.is_none()
            && !options.mapping_sizes
            && sample.fields & sample_type::CALLCHAIN != 0;
        if plain { resolver.chain_id(attr, sample) } else { None }
    }

    /// Reads the call chain into `self.chain`, in the order of the report; gives the parent that was looked for.
    fn chain<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        attr: &EventAttr,
        sample: &Sample<'_>,
        place: &mut FrameId,
        sampled: char,
    ) -> u32 {
        let mut parent = NO_TEXT;
        let mut chain = std::mem::take(&mut self.chain);
        chain.clear();
        let wanted = self.options.chains || self.options.parent.is_some();
        if wanted && (sample.fields & sample_type::CALLCHAIN != 0 || !sample.branches.is_empty()) {
            resolver.chain(attr, sample);
            let length = resolver.last_chain().len();
            let mut mode = sampled;
            let (mut left, mut before) = (self.options.max_stack, None);
            for at in 0..length {
                let at = if self.options.caller_first { length - 1 - at } else { at };
                let Some(&found) = resolver.last_chain().get(at) else { break };
                // Functions that were put into others share the address of the one that holds them, and come one after the
                // other; a recursion has the same frame again.
                let same = |(frame, ip): (u32, u64)| ip == found.ip && frame == found.frame.0 + 1;
                if !before.replace((found.frame.0, found.ip)).is_some_and(same) {
                    left = match left {
                        Some(0) => break,
                        Some(most) => Some(most - 1),
                        None => None,
                    };
                }
                let frame = resolver.frame(found.frame);
                if frame.dso.is_some() {
                    mode = if frame.kernel { 'k' } else { '.' };
                }
                if self.options.hide_unresolved && frame.symbol.is_none() {
                    continue;
                }
                let mut place = self.place(resolver, found.frame, Some(found.ip), mode);
                if self.options.mapping_sizes {
                    place = self.sized(resolver, sample, place, found.ip);
                }
                chain.push(place);
            }
            parent = self.find_parent(&chain);
            self.ignore_callees(&mut chain, place);
        }
        self.chain = chain;
        parent
    }

    /// The first function of the chain that `--parent` means: with callers first the outermost one.
    fn find_parent(&self, chain: &[FrameId]) -> u32 {
        let Some(is_parent) = &self.options.parent else { return NO_TEXT };
        let name = |frame: &FrameId| self.frames.get(*frame).name;
        let matches = |id: &u32| self.frames.text(*id).is_some_and(is_parent);
        chain.iter().map(name).find(matches).unwrap_or(NO_TEXT)
    }

    /// Cuts what stands before the last ignored function of the chain, and moves the sample there. As in perf, with callers
    /// first those are its callers.
    fn ignore_callees(&self, chain: &mut Vec<FrameId>, place: &mut FrameId) {
        let Some(is_ignored) = &self.options.ignore_callees else { return };
        let matches = |frame: &FrameId| self.frames.text(self.frames.get(*frame).name).is_some_and(is_ignored);
        if let Some(at) = chain.iter().rposition(matches) {
            *place = chain[at];
            chain.drain(..at);
        }
    }

    /// The place with the size of the mapping that it lies in.
    fn sized<N: Names>(&mut self, resolver: &Resolver<N>, sample: &Sample<'_>, place: FrameId, ip: u64) -> FrameId {
        let frame = *self.frames.get(place);
        let mode = if frame.level == '.' { CpuMode::User } else { CpuMode::Kernel };
        let dso_size = resolver.session().mapping_size(sample.pid, mode, ip).unwrap_or(0);
        self.frames.id(Frame { dso_size, ..frame })
    }

    fn socket(&self, sample: &Sample<'_>, has_cpu: bool) -> i32 {
        let known = self.options.sockets.get(sample.cpu as usize).filter(|_| has_cpu);
        known.copied().unwrap_or(-1)
    }

    fn is_filtered<N: Names>(
        &self,
        resolver: &mut Resolver<N>,
        sample: &Sample<'_>,
        place: FrameId,
        parent: u32,
        socket: i32,
    ) -> bool {
        let options = &self.options;
        let frame = self.frames.get(place);
        let missing = |set: &BTreeSet<String>, names: &[u32]| {
            !names.iter().filter_map(|&id| self.frames.text(id)).any(|name| set.contains(name))
        };
        let comm = options.comms.as_ref().is_some_and(|comms| {
            let id = resolver.comm(sample.tid);
            !comms.contains(resolver.comm_name(id))
        });
        comm || options.pids.as_ref().is_some_and(|pids| !pids.contains(&sample.pid))
            || options.tids.as_ref().is_some_and(|tids| !tids.contains(&sample.tid))
            || options.dsos.as_ref().is_some_and(|dsos| missing(dsos, &[frame.dso_name, frame.dso_path]))
            || options.symbols.as_ref().is_some_and(|symbols| missing(symbols, &[frame.name]))
            || options.socket.is_some_and(|wanted| wanted != socket)
            || options.exclude_other && parent == NO_TEXT
    }

    fn value<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        sample: &Sample<'_>,
        key: Key,
        (has_cpu, socket, parent): (bool, i32, u32),
        trace: &mut TraceText<'_, N>,
    ) -> u64 {
        match key {
            Key::Comm => {
                let id = resolver.comm(sample.tid).0 as usize;
                if self.comms.len() <= id {
                    self.comms.resize(id + 1, NO_TEXT);
                }
                if self.comms[id] == NO_TEXT {
                    let name = resolver.comm(sample.tid);
                    self.comms[id] = self.frames.strings.id(resolver.comm_name(name));
                }
                self.comms[id].into()
            }
            Key::Pid => i64::from(sample.tid).cast_unsigned(),
            Key::Cpu if has_cpu => sample.cpu.into(),
            Key::Cpu => (-1_i64).cast_unsigned(),
            Key::Socket => i64::from(socket).cast_unsigned(),
            Key::Parent => parent.into(),
            Key::LocalWeight | Key::Weight => sample.weight,
            Key::LocalInsLat | Key::InsLat => sample.weight_more.0.into(),
            Key::Time => sample.time - sample.time % self.options.time_quantum.max(1),
            Key::CodePageSize => sample.code_page_size,
            Key::DataPageSize => sample.data_page_size,
            Key::PhysDaddr => sample.phys_addr,
            Key::Transaction => {
                let text = transaction(sample.transaction);
                self.frames.strings.id(&text).into()
            }
            Key::Cgroup => self.cgroup(sample.cgroup).into(),
            Key::Trace => {
                let mut text = std::mem::take(&mut self.text);
                text.clear();
                trace(resolver, sample, &mut text);
                // Of an event that is no tracepoint there is no text.
                let id = if text.is_empty() { NO_TEXT } else { self.frames.strings.id(&text) };
                self.text = text;
                id.into()
            }
            Key::CgroupId => {
                let (device, inode) = self.namespaces.get(&sample.tid).copied().unwrap_or_default();
                device << 48 | inode & 0xffff_ffff_ffff
            }
            Key::Field(at) => self.field(resolver, sample, usize::from(at), trace),
            Key::SymbolDaddr | Key::DsoDaddr => {
                let mode = sample.cpu_mode();
                let found = resolver.at(sample.pid, mode, sample.addr);
                self.place(resolver, found, Some(sample.addr), level(mode)).into()
            }
            Key::Locked | Key::Tlb | Key::Mem | Key::Snoop | Key::Blocked => sample.data_src & source_bits(key),
            _ => 0,
        }
    }

    /// The value of a tracepoint's field. The text of the event is made only for bytes that were not seen before.
    fn field<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        sample: &Sample<'_>,
        at: usize,
        trace: &mut TraceText<'_, N>,
    ) -> u64 {
        let Some(field) = self.fields.get_mut(at).filter(|field| field.event == sample.event) else { return u64::MAX };
        let record = sample.raw.unwrap_or_default();
        if let Some(value) = self.seen.get(at, field.field.bytes(field.layout, record)) {
            return value;
        }
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        if !field.raw {
            trace(resolver, sample, &mut text);
        }
        let value = self.seen.insert(at, field, record, &text, &mut self.frames.strings);
        self.text = text;
        value
    }

    fn cgroup(&mut self, id: u64) -> u32 {
        match self.cgroups.get(&id) {
            _ if id == 0 => NO_TEXT,
            Some(path) => *path,
            None => self.frames.strings.id("unknown"),
        }
    }

    /// Each branch is an entry of its own, with a weight of 1.
    fn branches<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        sample: &Sample<'_>,
        filtered: bool,
        values: &mut [u64],
    ) {
        let event = next_id(sample.event);
        let thread = sample.tid.cast_unsigned();
        for branch in sample.branch_entries() {
            let ends = [branch.from, branch.to].map(|address| {
                // Addresses of the kernel are the upper half of all.
                let mode = if address >> 63 == 0 { CpuMode::User } else { CpuMode::Kernel };
                let found = resolver.at(sample.pid, mode, address);
                let known = resolver.frame(found).symbol.is_some();
                (self.place(resolver, found, Some(address), level(mode)), known)
            });
            if self.options.hide_unresolved && !ends.iter().all(|(_, known)| *known) {
                continue;
            }
            let [(from, _), (to, _)] = ends;
            for (value, key) in values.iter_mut().zip(&self.keys) {
                match key {
                    Key::SymbolFrom | Key::DsoFrom | Key::AddrFrom => *value = from.into(),
                    Key::SymbolTo | Key::DsoTo | Key::AddrTo => *value = to.into(),
                    // Neither predicted nor mispredicted: not known.
                    Key::Mispredict => {
                        *value = match branch.flags & 3 {
                            0 => 2,
                            flags => flags & 1,
                        };
                    }
                    Key::InTx => *value = branch.flags >> 2 & 1,
                    Key::Abort => *value = branch.flags >> 3 & 1,
                    Key::Cycles => *value = branch.flags >> 4 & 0xffff,
                    _ => {}
                }
            }
            let root = self.collector.root(Context { event, filtered, values }, thread);
            self.collector.add(root, to, thread, 1);
        }
    }

    /// The place of a frame: of a caller with the address `ip` in memory, of a sample without.
    fn place<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        found: resolve::FrameId,
        ip: Option<u64>,
        mode: char,
    ) -> FrameId {
        let frame = resolver.frame(found);
        let depends = self.options.by_address || frame.symbol.is_none();
        if !depends {
            let slot = usize::from(ip.is_some());
            let at = found.0 as usize;
            if let Some(&id) = self.places.get(at).map(|both| &both[slot])
                && id != UNSET
            {
                return id;
            }
            let id = self.new_place(resolver, found, 0, mode);
            if self.places.len() <= at {
                self.places.resize(resolver.frame_count().max(at + 1), [UNSET; 2]);
            }
            self.places[at][slot] = id;
            return id;
        }
        let address = ip.unwrap_or(frame.address);
        let hash = hash_of((found.0, address, mode));
        let keys = &self.addressed_keys;
        let same = |id: u32| {
            let (frame, at, level, _) = keys[id as usize];
            (frame, at, level) == (found.0, address, mode)
        };
        if let Some(id) = self.addressed.find(hash, same) {
            return self.addressed_keys[id as usize].3;
        }
        let id = self.new_place(resolver, found, address, mode);
        let number = next_id(self.addressed_keys.len());
        self.addressed_keys.push((found.0, address, mode, id));
        let keys = &self.addressed_keys;
        self.addressed.insert(hash, number, |id| {
            let (frame, at, level, _) = keys[id as usize];
            hash_of((frame, at, level))
        });
        id
    }

    fn new_place<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        found: resolve::FrameId,
        address: u64,
        mode: char,
    ) -> FrameId {
        let source = if self.options.sources { resolver.source(found) } else { None };
        let frame = resolver.frame(found);
        let mut place = Frame::unknown(address, mode);
        place.inlined = frame.inlined;
        if let Some(id) = frame.dso {
            place.dso = Some(id.0);
            (place.dso_name, place.dso_path) = self.dso_names(resolver, id.0);
        }
        if let Some(symbol) = frame.symbol.and_then(|id| resolver.symbol(id)) {
            place.name = self.frames.strings.id(&symbol.name);
            place.symbol = (symbol.start, symbol.end);
            place.origin = if frame.kernel { 'k' } else { 'B' };
        }
        if self.options.sources {
            let frame = resolver.frame(found);
            let (line, file) = match (source, frame.symbol.and_then(|id| resolver.symbol(id))) {
                (Some((path, line)), _) => {
                    let file = if self.options.full_source_path { path.clone() } else { base_name(&path).to_owned() };
                    (format!("{file}:{line}"), file)
                }
                (None, Some(symbol)) => match self.options.chain_key {
                    ChainKey::Function => (format!("{}+{}", symbol.name, frame.offset), String::new()),
                    ChainKey::Address => (format!("+{}", frame.offset), String::new()),
                    ChainKey::SrcLine => return self.frames.id(place),
                },
                (None, None) => (self.unknown_source(place.dso_name, frame.address), String::new()),
            };
            place.srcline = self.frames.strings.id(&line);
            place.srcfile = self.frames.strings.id(&file);
        }
        self.frames.id(place)
    }

    fn unknown_source(&self, dso: u32, address: u64) -> String {
        format!("{}[{address:x}]", self.frames.text(dso).unwrap_or(""))
    }

    fn dso_names<N: Names>(&mut self, resolver: &Resolver<N>, id: u32) -> (u32, u32) {
        let at = id as usize;
        if self.dsos.len() <= at {
            self.dsos.resize(at + 1, (NO_TEXT, NO_TEXT));
        }
        if self.dsos[at].0 == NO_TEXT
            && let Some(dso) = resolver.session().dsos().get(at)
        {
            let path = dso_path(dso);
            self.dsos[at] = (self.frames.strings.id(base_name(&path)), self.frames.strings.id(&path));
        }
        self.dsos[at]
    }
}

/// The path that perf gives what has no file: that of the map that a runtime may write for it.
fn dso_path(dso: &Dso) -> String {
    match dso.kind {
        DsoKind::Anonymous if dso.pid > 0 && dso.path.starts_with("//anon") => format!("/tmp/perf-{}.map", dso.pid),
        _ => dso.path.clone(),
    }
}

/// The bits of `union perf_mem_data_src` that a key is about: lines must not differ in the others.
fn source_bits(key: Key) -> u64 {
    match key {
        // Level, its number, whether it is remote, and how far.
        Key::Mem => 0x3fff << 5 | 0x1f << 33 | 7 << 43,
        Key::Snoop => 0x1f << 19 | 3 << 38,
        Key::Locked => 3 << 24,
        Key::Tlb => 0x7f << 26,
        Key::Blocked => 7 << 40,
        _ => u64::MAX,
    }
}

/// The last component of a path; names in brackets have none.
fn base_name(path: &str) -> &str {
    if path.starts_with('[') { path } else { path.rsplit('/').next().unwrap_or(path) }
}

/// The letter of a mode.
fn level(mode: CpuMode) -> char {
    match mode {
        CpuMode::Kernel => 'k',
        CpuMode::GuestKernel => 'g',
        CpuMode::GuestUser => 'u',
        CpuMode::User => '.',
        CpuMode::Hypervisor | CpuMode::Unknown => 'H',
    }
}

/// The flags of a transaction, as perf writes them (`PERF_TXN_*`).
fn transaction(flags: u64) -> String {
    const NAMES: &[(u64, &str, bool)] = &[
        (1, "EL ", false),
        (2, "TX ", false),
        (4, "SYNC ", true),
        (8, "ASYNC ", true),
        (16, "RETRY ", false),
        (32, "CON ", false),
        (64, "CAP-WRITE ", false),
        (128, "CAP-READ ", false),
    ];
    let mut text: String = NAMES.iter().filter(|(bit, ..)| flags & bit != 0).map(|(_, name, _)| *name).collect();
    if flags != 0 && !NAMES.iter().any(|(bit, _, is_cause)| *is_cause && flags & bit != 0) {
        text.push_str("NEITHER ");
    }
    let code = flags >> 32;
    if code != 0 {
        let _ = write!(text, ":{code:x} ");
    }
    text
}
