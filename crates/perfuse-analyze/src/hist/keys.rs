//! What a report can be sorted by and show: the names of `--sort` and `--fields` (perf 6.1, `util/sort.c`).

use thiserror::Error;

use super::fields::{self, TraceEvent, TraceField};

/// A sort key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Process name.
    Comm,
    /// Thread, shown with its name.
    Pid,
    /// File of the code.
    Dso,
    /// Function.
    Symbol,
    /// The first caller that the expression of `--parent` matches.
    Parent,
    /// CPU.
    Cpu,
    /// Processor socket.
    Socket,
    /// Source file and line.
    SrcLine,
    /// Source file.
    SrcFile,
    /// Weight of the sample.
    LocalWeight,
    /// Weight of the sample.
    Weight,
    /// Flags of a hardware transaction.
    Transaction,
    /// A tracepoint's text.
    Trace,
    /// Bytes of the function.
    SymbolSize,
    /// Bytes of the file's mapping.
    DsoSize,
    /// Cgroup.
    Cgroup,
    /// Device and inode of the cgroup namespace.
    CgroupId,
    /// Instructions per cycle: never known here, but perf has the column wherever `symbol` is spelled out.
    IpcNull,
    /// Time, in steps.
    Time,
    /// Size of the page that holds the code.
    CodePageSize,
    /// Latency of the instruction.
    LocalInsLat,
    /// Latency of the instruction.
    InsLat,
    /// Instruction pointer.
    Addr,
    /// File that a branch left.
    DsoFrom,
    /// File that a branch went to.
    DsoTo,
    /// Function that a branch left.
    SymbolFrom,
    /// Function that a branch went to.
    SymbolTo,
    /// Whether the branch was mispredicted.
    Mispredict,
    /// Whether it aborted a transaction.
    Abort,
    /// Whether it was in a transaction.
    InTx,
    /// Cycles since the branch before.
    Cycles,
    /// Address that a branch left.
    AddrFrom,
    /// Address that a branch went to.
    AddrTo,
    /// Data that was accessed, by symbol.
    SymbolDaddr,
    /// Data that was accessed, by file.
    DsoDaddr,
    /// Whether the access was locked.
    Locked,
    /// What the address translation did.
    Tlb,
    /// Which memory answered.
    Mem,
    /// What other caches did.
    Snoop,
    /// Physical address of the data.
    PhysDaddr,
    /// Size of the page that holds the data.
    DataPageSize,
    /// Where the instruction was blocked.
    Blocked,
    /// A field of a tracepoint: its number in [`Columns::fields`].
    Field(u16),
}

/// Where the value of a key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// From the place in the code: each caller has its own.
    Place,
    /// From the sample: its callers share it.
    Sample,
    /// From a branch: `-b` only.
    Branch,
    /// From a memory access: `--mem-mode` only.
    Memory,
}

/// What a key is called and where it comes from.
#[derive(Debug, Clone, Copy)]
pub struct KeySpec {
    /// The key.
    pub key: Key,
    /// As in `--sort`.
    pub name: &'static str,
    /// Head of its column.
    pub header: &'static str,
    /// Where its value comes from.
    pub source: Source,
}

const fn spec(key: Key, name: &'static str, header: &'static str, source: Source) -> KeySpec {
    KeySpec { key, name, header, source }
}

/// All keys, in the order in which perf looks for a prefix.
pub const KEYS: &[KeySpec] = &[
    spec(Key::Pid, "pid", "    Pid:Command", Source::Sample),
    spec(Key::Comm, "comm", "Command", Source::Sample),
    spec(Key::Dso, "dso", "Shared Object", Source::Place),
    spec(Key::Symbol, "symbol", "Symbol", Source::Place),
    spec(Key::Parent, "parent", "Parent symbol", Source::Sample),
    spec(Key::Cpu, "cpu", "CPU", Source::Sample),
    spec(Key::Socket, "socket", "Socket", Source::Sample),
    spec(Key::SrcLine, "srcline", "Source:Line", Source::Place),
    spec(Key::SrcFile, "srcfile", "Source File", Source::Place),
    spec(Key::LocalWeight, "local_weight", "Local Weight", Source::Sample),
    spec(Key::Weight, "weight", "Weight", Source::Sample),
    spec(Key::Transaction, "transaction", "Transaction                ", Source::Sample),
    spec(Key::Trace, "trace", "Trace output", Source::Sample),
    spec(Key::SymbolSize, "symbol_size", "Symbol size", Source::Place),
    spec(Key::DsoSize, "dso_size", "DSO size", Source::Place),
    spec(Key::Cgroup, "cgroup", "Cgroup", Source::Sample),
    spec(Key::CgroupId, "cgroup_id", "cgroup id (dev/inode)", Source::Sample),
    spec(Key::IpcNull, "ipc_null", "IPC   [IPC Coverage]", Source::Sample),
    spec(Key::Time, "time", "Time", Source::Sample),
    spec(Key::CodePageSize, "code_page_size", "Code Page Size", Source::Sample),
    spec(Key::LocalInsLat, "local_ins_lat", "Local INSTR Latency", Source::Sample),
    spec(Key::InsLat, "ins_lat", "INSTR Latency", Source::Sample),
    spec(Key::Addr, "addr", "Address", Source::Place),
    spec(Key::DsoFrom, "dso_from", "Source Shared Object", Source::Branch),
    spec(Key::DsoTo, "dso_to", "Target Shared Object", Source::Branch),
    spec(Key::SymbolFrom, "symbol_from", "Source Symbol", Source::Branch),
    spec(Key::SymbolTo, "symbol_to", "Target Symbol", Source::Branch),
    spec(Key::Mispredict, "mispredict", "Branch Mispredicted", Source::Branch),
    spec(Key::Abort, "abort", "Transaction abort", Source::Branch),
    spec(Key::InTx, "in_tx", "Branch in transaction", Source::Branch),
    spec(Key::Cycles, "cycles", "Basic Block Cycles", Source::Branch),
    spec(Key::AddrFrom, "addr_from", "Source Address", Source::Branch),
    spec(Key::AddrTo, "addr_to", "Target Address", Source::Branch),
    spec(Key::SymbolDaddr, "symbol_daddr", "Data Symbol", Source::Memory),
    spec(Key::DsoDaddr, "dso_daddr", "Data Object", Source::Memory),
    spec(Key::Locked, "locked", "Locked", Source::Memory),
    spec(Key::Tlb, "tlb", "TLB access", Source::Memory),
    spec(Key::Mem, "mem", "Memory access", Source::Memory),
    spec(Key::Snoop, "snoop", "Snoop", Source::Memory),
    spec(Key::PhysDaddr, "phys_daddr", "Data Physical Address", Source::Memory),
    spec(Key::DataPageSize, "data_page_size", "Data Page Size", Source::Memory),
    spec(Key::Blocked, "blocked", "Blocked", Source::Memory),
];

/// Fields of tracepoints; each has its own name.
const FIELD: KeySpec = spec(Key::Field(0), "trace_fields", "", Source::Sample);

impl Key {
    /// Its row in [`KEYS`].
    pub fn spec(self) -> &'static KeySpec {
        if matches!(self, Self::Field(_)) {
            return &FIELD;
        }
        // Every key has its row: a test says so.
        KEYS.iter().find(|spec| spec.key == self).unwrap_or(&KEYS[0])
    }
}

/// A column of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Share of the periods.
    Overhead,
    /// Of which in the kernel.
    OverheadSys,
    /// Of which in programs.
    OverheadUs,
    /// Of which in the kernel of a guest.
    OverheadGuestSys,
    /// Of which in programs of a guest.
    OverheadGuestUs,
    /// Share with what was called.
    OverheadChildren,
    /// Number of samples.
    Samples,
    /// Sum of the periods.
    Period,
}

const WEIGHTS: &[(Weight, &str, &str)] = &[
    (Weight::Overhead, "overhead", "Overhead"),
    (Weight::OverheadSys, "overhead_sys", "sys"),
    (Weight::OverheadUs, "overhead_us", "usr"),
    (Weight::OverheadGuestSys, "overhead_guest_sys", "guest sys"),
    (Weight::OverheadGuestUs, "overhead_guest_us", "guest usr"),
    (Weight::OverheadChildren, "overhead_children", "Children"),
    (Weight::Samples, "sample", "Samples"),
    (Weight::Period, "period", "Period"),
];

impl Weight {
    /// Head of its column; the share of an entry alone is `Self` beside one with what it called.
    pub fn header(self, beside_children: bool) -> &'static str {
        if beside_children && self == Self::Overhead {
            return "Self";
        }
        WEIGHTS.iter().find(|(weight, ..)| *weight == self).map_or("", |(_, _, header)| header)
    }
}

/// A column, or what is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// A weight.
    Weight(Weight),
    /// A key.
    Key(Key),
}

/// A name that is none, or that does not go with the recording.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Nobody knows it.
    #[error("Unknown --{option} key: `{name}'")]
    Unknown {
        /// `sort` or `fields`.
        option: &'static str,
        /// As it was written.
        name: String,
    },
    /// A key of branches without `-b`, or of memory accesses without `--mem-mode`.
    #[error("Invalid --{option} key: `{name}'")]
    Invalid {
        /// `sort` or `fields`.
        option: &'static str,
        /// As it was written.
        name: String,
    },
}

/// What kind of samples a report is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Instruction pointers.
    #[default]
    Normal,
    /// Branches.
    Branch,
    /// Memory accesses.
    Memory,
    /// Tracepoints only.
    Tracepoint,
}

impl Mode {
    /// What is sorted by unless something else is said.
    pub fn default_sort(self) -> &'static str {
        match self {
            Self::Normal => "comm,dso,symbol",
            Self::Branch => "comm,dso_from,symbol_from,symbol_to,cycles",
            Self::Memory => "local_weight,mem,symbol,dso,symbol_daddr,dso_daddr,snoop,tlb,locked,blocked,local_ins_lat",
            Self::Tracepoint => "trace",
        }
    }
}

/// The column of a name, which may be cut to a prefix.
fn column(option: &'static str, name: &str, mode: Mode) -> Result<Column, KeyError> {
    let starts = |whole: &str| whole.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    let found = |source: &dyn Fn(Source) -> bool| KEYS.iter().find(|spec| source(spec.source) && starts(spec.name));
    if let Some(spec) = found(&|source| matches!(source, Source::Place | Source::Sample)) {
        return Ok(Column::Key(spec.key));
    }
    if let Some((weight, ..)) = WEIGHTS.iter().find(|(_, name, _)| starts(name)) {
        return Ok(Column::Weight(*weight));
    }
    if let Some(spec) = found(&|source| matches!(source, Source::Branch | Source::Memory)) {
        let fits = match spec.source {
            Source::Branch => mode == Mode::Branch,
            _ => mode == Mode::Memory,
        };
        if fits {
            return Ok(Column::Key(spec.key));
        }
        return Err(KeyError::Invalid { option, name: name.to_owned() });
    }
    Err(KeyError::Unknown { option, name: name.to_owned() })
}

/// What the names of `--sort` and `--fields` stand for; finds fields of tracepoints on the way.
struct Finder<'a> {
    options: &'a ColumnOptions<'a>,
    fields: Vec<TraceField>,
    /// Level of each key in a hierarchy, in the order in which the keys were found.
    levels: Vec<(Column, usize)>,
}

impl Finder<'_> {
    /// The columns of a list. Names between braces share a level of the hierarchy.
    fn columns(&mut self, option: &'static str, list: &str) -> Result<Vec<Column>, KeyError> {
        let mut all: Vec<Column> = Vec::new();
        let (mut level, mut braced) = (0_usize, false);
        let mut rest = list;
        loop {
            let end = rest.find(['{', '}', ',', ' ']);
            let name = &rest[..end.unwrap_or(rest.len())];
            if !name.is_empty() {
                for column in self.named(option, name)? {
                    if !all.contains(&column) {
                        all.push(column);
                        self.levels.push((column, level));
                    }
                }
            }
            let Some(end) = end else { return Ok(all) };
            if !braced {
                level += 1;
            }
            match rest.as_bytes().get(end) {
                Some(b'{') => braced = true,
                Some(b'}') => braced = false,
                _ => {}
            }
            rest = &rest[end + 1..];
        }
    }

    fn named(&mut self, option: &'static str, name: &str) -> Result<Vec<Column>, KeyError> {
        // Keys of POWER; on other machines perf takes them and has no column for them.
        if option == "sort" && matches!(name, "p_stage_cyc" | "local_p_stage_cyc") {
            return Ok(Vec::new());
        }
        let unknown = match column(option, name, self.options.mode) {
            Ok(column) => return Ok(vec![column]),
            Err(error @ KeyError::Invalid { .. }) => return Err(error),
            Err(error) => error,
        };
        let found = fields::find(self.options.events, name, self.options.raw_trace).ok_or(unknown)?;
        let same = |one: &TraceField, other: &TraceField| one.event == other.event && one.field == other.field;
        let mut columns = Vec::new();
        for field in found {
            let at = self.fields.iter().position(|other| same(other, &field)).unwrap_or_else(|| {
                self.fields.push(field);
                self.fields.len() - 1
            });
            columns.extend(u16::try_from(at).ok().map(|at| Column::Key(Key::Field(at))));
        }
        Ok(columns)
    }
}

/// What the columns of a report follow from.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the command line")]
pub struct ColumnOptions<'a> {
    /// `--sort`; with a leading `+` it comes on top of the default.
    pub sort: Option<&'a str>,
    /// `--fields`.
    pub fields: Option<&'a str>,
    /// What the samples are.
    pub mode: Mode,
    /// Whether callers get the weight of what they called.
    pub children: bool,
    /// `-n`.
    pub samples: bool,
    /// `--show-total-period`.
    pub period: bool,
    /// `--show-cpu-utilization`.
    pub cpu_utilization: bool,
    /// Events of the recording: their fields can be sorted by.
    pub events: &'a [TraceEvent],
    /// `--raw-trace`: plain values of fields, not the words of an event's text.
    pub raw_trace: bool,
}

/// Columns in the order in which they are shown, and what entries are sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Shown, left to right.
    pub shown: Vec<Column>,
    /// Sorted by, most important first.
    pub sorted: Vec<Column>,
    /// Fields of tracepoints among them.
    pub fields: Vec<TraceField>,
    /// Keys of each level of a hierarchy, the outermost first.
    pub levels: Vec<Vec<Key>>,
}

impl Columns {
    /// Columns of options.
    pub fn new(options: &ColumnOptions<'_>) -> Result<Self, KeyError> {
        // A list that begins with `+` adds to the default.
        let strict = options.fields.is_some_and(|fields| !fields.starts_with('+'));
        let mut finder = Finder { options, fields: Vec::new(), levels: Vec::new() };
        let mut sorted = if options.sort.is_none() && strict { Vec::new() } else { finder.sorted_by()? };
        let levels = levels(&finder.levels);
        let mut shown = if strict { Vec::new() } else { weights_shown(options) };
        let fields = options.fields.map(|fields| fields.trim_start_matches('+'));
        for column in finder.columns("fields", fields.unwrap_or(""))? {
            push_new(&mut shown, column);
        }
        for &column in &sorted {
            push_new(&mut shown, column);
        }
        for &column in &shown {
            push_new(&mut sorted, column);
        }
        let without = |columns: Vec<Column>| -> Vec<Column> {
            let accumulated = Column::Weight(Weight::OverheadChildren);
            columns.into_iter().filter(|column| options.children || strict || *column != accumulated).collect()
        };
        Ok(Self { shown: without(shown), sorted: without(sorted), fields: finder.fields, levels })
    }

    /// The field of a tracepoint that a key means.
    pub fn field(&self, key: Key) -> Option<&TraceField> {
        match key {
            Key::Field(at) => self.fields.get(usize::from(at)),
            _ => None,
        }
    }

    /// Whether a column has values for an event: fields are of one event only.
    pub fn is_of(&self, column: Column, event: usize) -> bool {
        match column {
            Column::Key(key @ Key::Field(_)) => self.field(key).is_some_and(|field| field.event == event),
            _ => true,
        }
    }

    /// The keys that are sorted by: entries differ in them.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.sorted.iter().filter_map(|column| match column {
            Column::Key(key) => Some(*key),
            Column::Weight(_) => None,
        })
    }

    /// Whether a key is among them.
    pub fn has(&self, key: Key) -> bool {
        self.keys().any(|other| other == key)
    }
}

impl Finder<'_> {
    fn sorted_by(&mut self) -> Result<Vec<Column>, KeyError> {
        let options = self.options;
        let default = match options.mode {
            Mode::Tracepoint if options.raw_trace => "trace_fields",
            mode => mode.default_sort(),
        };
        let list = match options.sort {
            None => default.to_owned(),
            Some(more) if more.starts_with('+') => format!("{default},{}", more.trim_start_matches('+')),
            Some(list) => list.to_owned(),
        };
        let mut sorted = self.columns("sort", &list)?;
        if options.sort.is_some_and(|list| list.contains("symbol")) && options.mode != Mode::Branch {
            let column = Column::Key(Key::IpcNull);
            let level = self.levels.last().map_or(0, |(_, level)| level + 1);
            self.levels.push((column, level));
            push_new(&mut sorted, column);
        }
        let mut wanted = vec![Column::Weight(Weight::Overhead)];
        if options.children {
            wanted.insert(0, Column::Weight(Weight::OverheadChildren));
        }
        wanted.retain(|column| !sorted.contains(column));
        wanted.extend(sorted);
        Ok(wanted)
    }
}

/// The keys by their levels.
fn levels(found: &[(Column, usize)]) -> Vec<Vec<Key>> {
    let mut levels: Vec<(usize, Vec<Key>)> = Vec::new();
    for (column, level) in found {
        let Column::Key(key) = column else { continue };
        match levels.iter_mut().find(|(other, _)| other == level) {
            Some((_, keys)) => keys.push(*key),
            None => levels.push((*level, vec![*key])),
        }
    }
    levels.into_iter().map(|(_, keys)| keys).collect()
}

fn weights_shown(options: &ColumnOptions<'_>) -> Vec<Column> {
    let all = [
        (options.children, Weight::OverheadChildren),
        (true, Weight::Overhead),
        (options.cpu_utilization, Weight::OverheadSys),
        (options.cpu_utilization, Weight::OverheadUs),
        (options.samples, Weight::Samples),
        (options.period, Weight::Period),
    ];
    all.into_iter().filter(|(on, _)| *on).map(|(_, weight)| Column::Weight(weight)).collect()
}

fn push_new(columns: &mut Vec<Column>, column: Column) {
    if !columns.contains(&column) {
        columns.push(column);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(columns: &[Column]) -> String {
        let name = |column: &Column| match column {
            Column::Key(key) => key.spec().name,
            Column::Weight(weight) => WEIGHTS.iter().find(|(other, ..)| other == weight).unwrap().1,
        };
        columns.iter().map(name).collect::<Vec<_>>().join(",")
    }

    fn of(options: &ColumnOptions<'_>) -> (String, String) {
        let columns = Columns::new(options).unwrap();
        (names(&columns.shown), names(&columns.sorted))
    }

    #[test]
    fn every_key_has_its_row() {
        for spec in KEYS {
            assert_eq!(spec.key.spec().name, spec.name);
        }
    }

    #[test]
    fn columns_follow_from_the_options_as_perf_does_it() {
        let children = ColumnOptions { children: true, samples: true, ..ColumnOptions::default() };
        let shown = "overhead_children,overhead,sample,comm,dso,symbol";
        assert_eq!(of(&children), (shown.into(), "overhead_children,overhead,comm,dso,symbol,sample".into()));
        let plain = ColumnOptions { sort: Some("sym,dso"), ..ColumnOptions::default() };
        assert_eq!(of(&plain), ("overhead,symbol,dso".into(), "overhead,symbol,dso".into()));
        let fields = ColumnOptions { fields: Some("sample,overhead,comm"), ..ColumnOptions::default() };
        assert_eq!(of(&fields), ("sample,overhead,comm".into(), "sample,overhead,comm".into()));
        let both = ColumnOptions { sort: Some("dso"), fields: Some("period"), ..ColumnOptions::default() };
        assert_eq!(of(&both), ("period,overhead,dso".into(), "overhead,dso,period".into()));
        let more = ColumnOptions { sort: Some("+cpu"), ..ColumnOptions::default() };
        assert_eq!(of(&more).0, "overhead,comm,dso,symbol,cpu");
        let whole = ColumnOptions { sort: Some("symbol"), ..ColumnOptions::default() };
        assert_eq!(of(&whole).0, "overhead,symbol,ipc_null");
    }

    #[test]
    fn names_that_are_none_are_named() {
        let error = |sort| Columns::new(&ColumnOptions { sort: Some(sort), ..ColumnOptions::default() }).unwrap_err();
        assert_eq!(error("comm,foo").to_string(), "Unknown --sort key: `foo'");
        assert_eq!(error("dso_from").to_string(), "Invalid --sort key: `dso_from'");
        let fields = ColumnOptions { fields: Some("foo"), ..ColumnOptions::default() };
        assert_eq!(Columns::new(&fields).unwrap_err().to_string(), "Unknown --fields key: `foo'");
    }
}
