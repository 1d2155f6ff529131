//! Programs that are made at run time, for what somebody asks of one event now: counts, sums and histograms that are
//! added up in the kernel, or records of probes that tracefs does not have.
//!
//! ```text
//! LivePlan (hook, names, filter) + Aggregation   -> code -> load -> attach -> rows()
//!                                + ProbeRecord   -> code -> load -> attach -> rings of bpf-output events
//! ```

mod attach;
mod code;
mod compute;
mod event;
mod fetch;
mod measure;
mod registers;
#[cfg(test)]
mod tests;

use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Instant;

use perfuse_format::live::{Aggregation, Cell, Expr, Hooked, MOST_BUCKETS, ProbeRecord, Row, Scope, bucket};
use perfuse_format::perfdata::EventAttr;

use super::door::Errno;
use super::error::LoadError;
use super::hook::possible_cpus;
use super::link::Linked;
use super::load::{load_as, run_stats};
use super::map::{Map, kind};
use super::object::MapSpec;
use crate::perf::OpenError;
use attach::{Attached, Form};
use code::{Code, Maps, Who};
pub use event::{EventDenied, EventSeries, LiveEvent, SeriesPlan};
use measure::Measure;

/// Most keys of one computation.
const MOST_KEYS: u32 = 16_384;
/// The name of the first pid namespace: `PROC_PID_INIT_INO` of `include/linux/proc_ns.h`.
const FIRST: &str = "pid:[4026531836]";

/// Where a program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveHook {
    /// A tracepoint, by its id: the program sees its record.
    Tracepoint {
        /// The id in tracefs.
        id: u64,
    },
    /// An event of tracefs that is itself a probe: the program sees registers.
    ProbeEvent {
        /// The id in tracefs.
        id: u64,
        /// Whether it is one of programs.
        user: bool,
    },
    /// A place in a file, gone with this program.
    Uprobe {
        /// The file.
        path: String,
        /// Bytes from its start.
        offset: u64,
        /// Where the counter of a tracepoint of the program is (USDT semaphore).
        counter: Option<u64>,
        /// At the return of the function.
        ret: bool,
    },
    /// A place in the kernel, gone with this program.
    Kprobe {
        /// The symbol; `None` for an address.
        symbol: Option<String>,
        /// Bytes from the symbol, or the address.
        offset: u64,
        /// At the return of the function.
        ret: bool,
    },
    /// A tracepoint or function with typed arguments.
    Typed(Hooked),
    /// Samples of an event that is no tracepoint.
    Samples(Box<EventAttr>),
}

/// What a program is made of, whatever it does with the hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivePlan {
    /// Where it runs.
    pub hook: LiveHook,
    /// The names that expressions use.
    pub scope: Scope,
    /// Which hits count.
    pub filter: Option<Expr>,
    /// Processes that count; empty for all but this one.
    pub pids: Vec<u32>,
}

/// Why a program cannot be made or run.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// A value that no program can fetch here.
    #[error("`{0}` cannot be fetched by a program in the kernel")]
    Fetch(String),
    /// A pattern that is more than the start of a text.
    #[error("the pattern `{0}`: in the kernel only the start of a text can be compared (`text*`)")]
    Pattern(String),
    /// There is too much to compute.
    #[error("the expressions take more room than a program has (512 bytes)")]
    Room,
    /// The kernel has no such way to attach, with what it lacks.
    #[error("{0}")]
    Absent(String),
    /// The kernel refuses the program.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The kernel refuses the event.
    #[error("perf_event_open: {0}")]
    Open(OpenError),
}

/// What a program cost since it was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LiveCost {
    /// How often it ran.
    pub runs: u64,
    /// Nanoseconds in all.
    pub nanoseconds: u64,
}

/// The maps of a program.
#[derive(Debug)]
struct Stores {
    main: Map,
    lost: Map,
    scratch: Option<Map>,
    half: Option<Map>,
}

/// A running program; it is gone when this is dropped.
#[derive(Debug)]
pub struct LiveProgram {
    program: OwnedFd,
    /// Keeps it attached.
    _attached: Attached,
    stores: Stores,
    /// Which half is written.
    turn: u64,
    measure: Option<Measure>,
    scope: Scope,
    what: Aggregation,
}

fn spec(name: &str, kind: u32, key_size: u32, value_size: u32, max_entries: u32) -> MapSpec {
    MapSpec { name: name.to_owned(), kind, key_size, value_size, max_entries, flags: 0 }
}

impl Stores {
    fn new(main: &MapSpec, cpus: usize) -> Result<Self, LoadError> {
        let lost = spec("perfuse_lost", kind::PERCPU_ARRAY, 4, 8, 1);
        Ok(Self { main: Map::create(main, cpus)?, lost: Map::create(&lost, cpus)?, scratch: None, half: None })
    }

    fn places(&self) -> Maps {
        Maps {
            main: self.main.immediate(),
            lost: self.lost.immediate(),
            scratch: self.scratch.as_ref().map_or(-1, Map::immediate),
            half: self.half.as_ref().map(Map::immediate),
        }
    }
}

impl LiveProgram {
    /// Adds up in the kernel. With `halves`, [`LiveProgram::turn`] gives the numbers of each interval; else
    /// [`LiveProgram::rows`] gives those since the start.
    pub fn aggregate(plan: &LivePlan, what: &Aggregation, halves: bool) -> Result<Self, LiveError> {
        let form = Form::of(&plan.hook)?;
        let cpus = possible_cpus()?;
        let value_size = if what.value.is_some() { 32 } else { 8 };
        let main = if what.by.is_empty() && !halves {
            let buckets = what.parts.map_or(1, |parts| bucket(-1, false, parts).saturating_add(1).min(MOST_BUCKETS));
            spec("perfuse_live", kind::PERCPU_ARRAY, 4, value_size, buckets)
        } else {
            let head = 8 * (usize::from(what.parts.is_some()) + usize::from(halves));
            let size = head + what.key_sizes(&plan.scope).iter().sum::<usize>();
            let size = u32::try_from(size).map_err(|_| LiveError::Room)?;
            spec("perfuse_live", kind::PERCPU_HASH, size, value_size, MOST_KEYS)
        };
        let mut stores = Stores::new(&main, cpus)?;
        if halves {
            stores.half = Some(Map::create(&spec("perfuse_half", kind::ARRAY, 4, 8, 1), cpus)?);
        }
        let places = stores.places();
        let bytes = program(plan, &form, |code| code.aggregate(what, places))?;
        Self::run(plan, &form, stores, bytes, what.clone())
    }

    /// Puts a record out for each hit, into the rings of bpf-output events: CPU and descriptor of each.
    pub fn output(plan: &LivePlan, record: &ProbeRecord, rings: &[(i32, BorrowedFd<'_>)]) -> Result<Self, LiveError> {
        let form = Form::of(&plan.hook)?;
        let cpus = possible_cpus()?;
        let size = u32::try_from(record.size).map_err(|_| LiveError::Room)?;
        let mut stores = Stores::new(&spec("perfuse_out", kind::PERF_EVENT_ARRAY, 4, 4, 0), cpus)?;
        stores.scratch = Some(Map::create(&spec("perfuse_scratch", kind::PERCPU_ARRAY, 4, size, 1), cpus)?);
        for (cpu, fd) in rings {
            let written = stores.main.update(&cpu.to_ne_bytes(), &fd.as_raw_fd().to_ne_bytes());
            written.map_err(|errno| LoadError::from_errno("BPF_MAP_UPDATE_ELEM", errno))?;
        }
        let places = stores.places();
        let bytes = program(plan, &form, |code| code.output(record, places))?;
        Self::run(plan, &form, stores, bytes, Aggregation::default())
    }

    fn run(plan: &LivePlan, form: &Form, stores: Stores, bytes: Vec<u8>, what: Aggregation) -> Result<Self, LiveError> {
        let linked = Linked { bytes, absent: Vec::new(), functions: Vec::new(), callbacks: false };
        let program = load_as(&linked, form.types, form.btf_id, "perfuse_live", "GPL")?;
        let attached = Attached::new(&plan.hook, &plan.pids, program.as_fd())?;
        let scope = plan.scope.clone();
        Ok(Self { program, _attached: attached, stores, turn: 0, measure: None, scope, what })
    }

    /// What was added up since the start.
    pub fn rows(&self) -> Result<Vec<Row>, Errno> {
        self.collect(None).map(|(rows, _)| rows)
    }

    /// What was added up since the last turn. Without halves, as [`LiveProgram::rows`].
    pub fn turn(&mut self) -> Result<Vec<Row>, Errno> {
        let Some(half) = &self.stores.half else { return self.rows() };
        let done = self.turn;
        self.turn ^= 1;
        half.update(&0_u32.to_ne_bytes(), &self.turn.to_ne_bytes())?;
        // Programs that read the old half before may still write: they run for microseconds, and lookups come later.
        let (rows, keys) = self.collect(Some(done))?;
        for key in keys {
            self.stores.main.delete(&key)?;
        }
        Ok(rows)
    }

    /// Rows, and the keys of the half that is asked for.
    fn collect(&self, half: Option<u64>) -> Result<(Vec<Row>, Vec<Vec<u8>>), Errno> {
        let (mut rows, mut keys) = (Vec::new(), Vec::new());
        let plain = self.what.by.is_empty() && self.stores.half.is_none();
        let (has_value, signed) = (self.what.value.is_some(), self.what.is_signed());
        self.stores.main.each(|bytes, value| {
            let word =
                |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|word| u64::from_ne_bytes(*word));
            let mut at = 0;
            if let Some(half) = half {
                if word(0) != Some(half) {
                    return;
                }
                keys.push(bytes.to_vec());
                at = 8;
            }
            let index = if plain {
                bytes.first_chunk().map(|word| u32::from_ne_bytes(*word))
            } else if self.what.parts.is_some() {
                at += 8;
                word(at - 8).and_then(|index| u32::try_from(index).ok())
            } else {
                Some(0)
            };
            let cell = Cell::of_cpus(value, has_value, signed);
            let key =
                if plain { Some(Vec::new()) } else { bytes.get(at..).and_then(|key| self.what.key(&self.scope, key)) };
            if let (Some(key), Some(bucket), true) = (key, index, cell.count > 0) {
                rows.push(Row { key, bucket, cell });
            }
        })?;
        Ok((rows, keys))
    }

    /// Hits that had no room, since the start.
    pub fn lost(&self) -> u64 {
        let value = self.stores.lost.lookup(&0_u32.to_ne_bytes()).unwrap_or_default();
        Cell::of_cpus(&value, false, false).count
    }

    /// Has its cost measured from the first call on; to be called now and then (some times a second), so that a program that
    /// runs often is not measured all the time.
    pub fn glance(&mut self) {
        let now = Instant::now();
        let Some(kernel) = self.kernel_cost() else { return };
        match &mut self.measure {
            Some(measure) => measure.glance(kernel, now),
            None => self.measure = Measure::begin(kernel, now),
        }
    }

    /// What it cost; `None` where the kernel does not measure programs, and before [`LiveProgram::glance`].
    pub fn cost(&self) -> Option<LiveCost> {
        Some(self.measure.as_ref()?.cost(self.kernel_cost()?, Instant::now()))
    }

    /// What the kernel has measured.
    fn kernel_cost(&self) -> Option<LiveCost> {
        let (nanoseconds, runs) = run_stats(self.program.as_fd()).ok()?;
        Some(LiveCost { runs, nanoseconds })
    }
}

/// The instructions: the beginning and the filter of all programs, and what this one does.
fn program<'p>(
    plan: &'p LivePlan,
    form: &Form,
    body: impl FnOnce(&mut Code<'p>) -> Result<(), LiveError>,
) -> Result<Vec<u8>, LiveError> {
    let own = std::process::id();
    let not = plan.pids.is_empty().then_some(own);
    let who = Who { pids: plan.pids.clone(), not, namespace: namespace() };
    let mut code = Code::begin(&plan.scope, form.context, &who)?;
    if let Some(filter) = &plan.filter {
        code.filter(filter)?;
    }
    body(&mut code)?;
    code.end(form.result)
}

/// Device and inode of our pid namespace, unless it is the first: there the helpers tell other numbers than we see.
fn namespace() -> Option<(u64, u64)> {
    let path = Path::new("/proc/self/ns/pid");
    if std::fs::read_link(path).is_ok_and(|name| name == Path::new(FIRST)) {
        return None;
    }
    let about = std::fs::metadata(path).ok()?;
    // The kernel's own number of a device without a driver is its minor number alone.
    Some((libc::minor(about.dev()).into(), about.ino()))
}
