//! Which cache lines are fought over: the loads that find a line modified by another core, by line, and in it by the place
//! of the data and of the code (`perf c2c`).
//!
//! ```text
//! line 0x7f0000000040   9 loads of it found it modified (HITM)
//!   offset 0x08          reader   6 of them
//!   offset 0x10          writer   all its stores
//! ```

mod counts;

use std::collections::{BTreeMap, BTreeSet};

use perfuse_format::perfdata::{CpuMode, Sample};

use crate::resolve::{CommId, FrameId, Names, Resolver};
use crate::session::DsoKind;
pub use counts::Counts;

/// Bytes of a cache line.
const LINE: u64 = 64;

/// By which loads lines are sorted and told to be shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// HITM on any socket.
    Total,
    /// HITM on this socket.
    Local,
    /// HITM on another socket.
    Remote,
    /// Loads from peers (Arm).
    Peer,
}

impl Display {
    /// How many accesses of it there are.
    pub fn of(self, counts: &Counts) -> u64 {
        match self {
            Self::Total => counts.hitm(),
            Self::Local => counts.local_hitm,
            Self::Remote => counts.remote_hitm,
            Self::Peer => counts.peer(),
        }
    }
}

/// In what rows of a line differ, besides the offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Process.
    Pid,
    /// Thread.
    Tid,
    /// Address of the code.
    Code,
    /// File of the code.
    Dso,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The loads that count.
    pub display: Display,
    /// In what rows differ.
    pub parts: Vec<Part>,
    /// `--show-all`: lines and rows that nobody fights over, too.
    pub all: bool,
}

/// An average, summed up as perf does.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Mean {
    count: u64,
    mean: f64,
}

impl Mean {
    fn add(&mut self, value: u64) {
        self.count += 1;
        self.mean += (value as f64 - self.mean) / self.count as f64;
    }

    /// Its value; 0 of nothing.
    pub fn value(self) -> f64 {
        self.mean
    }
}

/// Mean cycles that loads of each kind took.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cycles {
    /// Remote HITM.
    pub remote_hitm: Mean,
    /// Local HITM.
    pub local_hitm: Mean,
    /// Remote peer.
    pub remote_peer: Mean,
    /// Local peer.
    pub local_peer: Mean,
    /// Any other load.
    pub load: Mean,
}

impl Cycles {
    fn add(&mut self, one: &Counts, weight: u64) {
        let mean = if one.remote_hitm > 0 {
            &mut self.remote_hitm
        } else if one.local_hitm > 0 {
            &mut self.local_hitm
        } else if one.remote_peer > 0 {
            &mut self.remote_peer
        } else if one.local_peer > 0 {
            &mut self.local_peer
        } else if one.loads > 0 {
            &mut self.load
        } else {
            return;
        };
        mean.add(weight);
    }
}

/// Where accesses came from and where their memory is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Places {
    /// CPUs.
    pub cpus: BTreeSet<u32>,
    /// Nodes of the memory, where physical addresses were recorded.
    pub memory: BTreeSet<u64>,
    /// How often the physical address changed.
    pub addresses: u64,
    last: u64,
}

impl Places {
    fn add(&mut self, sample: &Sample<'_>, node: Option<u64>) {
        self.cpus.insert(sample.cpu);
        if let Some(node) = node {
            self.memory.insert(node);
            if self.last != sample.phys_addr {
                self.addresses += 1;
                self.last = sample.phys_addr;
            }
        }
    }
}

/// Accesses of the same kind to the same place of a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its number among the rows of all lines, in the order of their first accesses: what [`Collector::sample`] gave.
    pub number: u32,
    /// Bytes from the beginning of the line.
    pub offset: u64,
    /// Process, thread and its name, of the first access.
    pub pid: i32,
    /// Thread.
    pub tid: i32,
    /// Name of the thread.
    pub comm: CommId,
    /// Address of the code.
    pub ip: u64,
    /// In what it ran.
    pub mode: CpuMode,
    /// What lies there.
    pub place: FrameId,
    /// Its accesses.
    pub counts: Counts,
    /// Those from each CPU.
    pub by_cpu: BTreeMap<u32, Counts>,
    /// Mean cycles.
    pub cycles: Cycles,
    /// From where to where.
    pub places: Places,
    /// Whether it has a part in the fight: loads that count, or stores. The others are not shown, but perf makes columns
    /// as wide as they would need.
    pub shown: bool,
}

/// A cache line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its address.
    pub address: u64,
    /// Its accesses.
    pub counts: Counts,
    /// From where to where.
    pub places: Places,
    /// Its rows: by offset, then by how many loads count.
    pub rows: Vec<Row>,
}

/// The result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shared {
    /// All accesses.
    pub total: Counts,
    /// Those to shared lines.
    pub shared: Counts,
    /// How many lines are shared.
    pub shared_lines: u64,
    /// The lines that are shown, most fought over first.
    pub lines: Vec<Line>,
}

/// Which mapping a line lies in: one without a file is another line in each process.
type LineKey = (bool, bool, u32, i32, u64);
/// What tells rows of a line apart.
type RowKey = (u64, [u64; 4]);

#[derive(Debug)]
struct Growing {
    number: u32,
    address: u64,
    counts: Counts,
    places: Places,
    rows: BTreeMap<RowKey, Row>,
}

/// Takes samples, in the order of time.
#[derive(Debug)]
pub struct Collector {
    options: Options,
    total: Counts,
    lines: BTreeMap<LineKey, Growing>,
    /// How many rows all lines have.
    rows: u32,
}

/// A line is shown from this share of all loads that count.
const LEAST: f64 = 0.001;

impl Collector {
    /// Nothing yet.
    pub fn new(options: Options) -> Self {
        Self { options, total: Counts::default(), lines: BTreeMap::new(), rows: 0 }
    }

    /// Takes a sample; `node` is where its memory is, if that is known. Gives the numbers of its line and of its row, both
    /// in the order of their first accesses.
    pub fn sample<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        sample: &Sample<'_>,
        node: Option<u64>,
    ) -> (u32, u32) {
        let place = resolver.place(sample);
        let code = resolver.frame(place).dso;
        let mode = sample.cpu_mode();
        let data = resolver.session().locate(sample.pid, mode, sample.addr);
        let one = Counts::of(sample.data_src, sample.addr, code.is_some() && data.dso.is_some());
        self.total += one;
        let dso = data.dso.map_or(u32::MAX, |dso| dso.0);
        let anonymous = data
            .dso
            .and_then(|dso| resolver.session().dso_of(dso))
            .is_some_and(|dso| dso.kind == DsoKind::Anonymous && mode != CpuMode::Kernel);
        let pid = if anonymous { sample.pid } else { 0 };
        let key = (mode != CpuMode::Kernel, data.dso.is_none(), dso, pid, data.address & !(LINE - 1));
        let next = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        let line = self.lines.entry(key).or_insert_with(|| Growing {
            number: next,
            address: sample.addr & !(LINE - 1),
            counts: Counts::default(),
            places: Places::default(),
            rows: BTreeMap::new(),
        });
        line.counts += one;
        line.places.add(sample, node);
        let mut parts = [0; 4];
        for (part, wanted) in parts.iter_mut().zip(&self.options.parts) {
            *part = match wanted {
                // The latest first, as in perf.
                Part::Pid => u64::from(sample.pid.cast_unsigned() ^ u32::MAX),
                Part::Tid => u64::from(sample.tid.cast_unsigned()),
                Part::Code => sample.ip,
                Part::Dso => code.map_or(u64::MAX, |dso| u64::from(dso.0)),
            };
        }
        let offset = sample.addr & (LINE - 1);
        let comm = resolver.comm(sample.tid);
        let next = self.rows;
        let row = line.rows.entry((offset, parts)).or_insert_with(|| Row {
            number: next,
            offset,
            pid: sample.pid,
            tid: sample.tid,
            comm,
            ip: sample.ip,
            mode,
            place,
            counts: Counts::default(),
            by_cpu: BTreeMap::new(),
            cycles: Cycles::default(),
            places: Places::default(),
            shown: false,
        });
        row.counts += one;
        *row.by_cpu.entry(sample.cpu).or_default() += one;
        row.cycles.add(&one, sample.weight);
        row.places.add(sample, node);
        if row.number == next {
            self.rows = next.saturating_add(1);
        }
        (line.number, row.number)
    }

    /// What came out.
    pub fn finish(self) -> Shared {
        let Self { options, total, lines, .. } = self;
        let mut result = Shared { total, ..Shared::default() };
        for line in lines.values().filter(|line| line.counts.hitm() + line.counts.peer() > 0) {
            result.shared_lines += 1;
            result.shared += line.counts;
        }
        let all = options.display.of(&result.shared) as f64;
        let share = |counts: &Counts| if all > 0.0 { options.display.of(counts) as f64 / all } else { 0.0 };
        let shown = lines.into_values().filter(|line| options.all || all > 0.0 && share(&line.counts) >= LEAST);
        result.lines = shown.map(|line| finish_line(line, &options)).collect();
        result.lines.sort_by_key(|line| std::cmp::Reverse(options.display.of(&line.counts)));
        result
    }
}

fn finish_line(line: Growing, options: &Options) -> Line {
    let mut rows: Vec<Row> = line.rows.into_values().collect();
    for row in &mut rows {
        row.shown = row.counts.stores > 0 || options.display.of(&row.counts) > 0;
    }
    let ties = |row: &Row| match options.display {
        Display::Local => row.counts.remote_hitm,
        Display::Remote => row.counts.local_hitm,
        Display::Total | Display::Peer => 0,
    };
    rows.sort_by_key(|row| (row.offset, std::cmp::Reverse((options.display.of(&row.counts), ties(row)))));
    Line { address: line.address, counts: line.counts, places: line.places, rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::NoNames;

    fn collected(display: Display, accesses: &[(u64, u64)]) -> Shared {
        let mut resolver = Resolver::new(NoNames, crate::resolve::Options::default());
        let options = Options { display, parts: vec![Part::Code], all: false };
        let mut collector = Collector::new(options);
        for (addr, data_src) in accesses {
            let sample = Sample {
                misc: 2,
                ip: 0x1000,
                pid: 7,
                tid: 7,
                addr: *addr,
                data_src: *data_src,
                weight: 10,
                ..Sample::default()
            };
            collector.sample(&mut resolver, &sample, None);
        }
        collector.finish()
    }

    const HITM: u64 = 2 | 0x42 << 5 | 0x10 << 19;
    const STORE: u64 = 4 | 0xa << 5;

    #[test]
    fn lines_are_sorted_by_the_loads_that_count() {
        let shared =
            collected(Display::Total, &[(0x100, HITM), (0x148, HITM), (0x144, HITM), (0x140, STORE), (0x200, STORE)]);
        let lines: Vec<u64> = shared.lines.iter().map(|line| line.address).collect();
        assert_eq!(lines, [0x140, 0x100]);
        let offsets: Vec<u64> = shared.lines[0].rows.iter().map(|row| row.offset).collect();
        assert_eq!(offsets, [0, 4, 8]);
        assert_eq!((shared.shared_lines, shared.shared.stores, shared.total.stores), (2, 1, 2));
        assert!((shared.lines[1].rows[0].cycles.local_hitm.value() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_shared_is_an_empty_table() {
        let shared = collected(Display::Remote, &[(0x100, STORE), (0x100, 0), (0, HITM)]);
        assert!(shared.lines.is_empty());
        assert_eq!((shared.total.records, shared.total.not_understood), (3, 1));
    }
}
