//! What the live tests share.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use perfuse_collect::bpf::{BpfSet, Options, Program};
use perfuse_format::RawSnapshot;
use perfuse_format::bpf::{Table, between};

/// Held by each live test: tables are per process, and all tests of this binary are one.
static ALONE: Mutex<()> = Mutex::new(());

/// A loaded program; nobody else of this process runs a workload meanwhile.
pub(crate) struct Live {
    pub(crate) set: BpfSet,
    _alone: MutexGuard<'static, ()>,
}

/// Loads programs, or says why they cannot run here.
pub(crate) fn load(programs: &[Program], knobs: &[(&str, u64)]) -> Result<Live, String> {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let knobs: BTreeMap<_, _> = knobs.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
    let (set, status) = BpfSet::load(programs, &Options { knobs, ..Options::default() });
    if let Some(refused) = status.iter().find(|status| status.running.value().is_none()) {
        return Err(format!("{} {}: {:?}", refused.program.name(), refused.hook, refused.running));
    }
    Ok(Live { set, _alone: alone })
}

/// Loads programs or skips the test.
macro_rules! live {
    ($programs:expr $(, $name:literal = $value:expr)*) => {
        match $crate::support::load($programs, &[$(($name, $value)),*]) {
            Ok(live) => live,
            Err(reason) => perfuse_testkit::skip!("{reason}"),
        }
    };
}
pub(crate) use live;

impl Live {
    /// All tables.
    pub(crate) fn snapshot(&self) -> RawSnapshot {
        let mut raw = RawSnapshot::default();
        self.set.read_into(&mut raw);
        self.set.read_slow_into(&mut raw);
        raw
    }

    /// What a workload did to a table.
    pub(crate) fn during<T: Table>(&self, work: impl FnOnce()) -> Vec<T> {
        let first = self.snapshot();
        work();
        let last = self.snapshot();
        between(&first, &last).ok().expect("the table is there")
    }
}

/// The difference of a second source around and within a measurement: what lies between must be between them.
#[derive(Debug)]
pub(crate) struct Bracket {
    inner: u64,
    outer: u64,
}

impl Bracket {
    /// Fails unless `measured` lies in it.
    #[track_caller]
    pub(crate) fn holds(&self, measured: u64) {
        assert!((self.inner..=self.outer).contains(&measured), "{measured} is not within {self:?}");
    }

    /// What certainly happened.
    pub(crate) fn inner(&self) -> u64 {
        self.inner
    }
}

/// Runs a workload between two snapshots, and reads a growing counter of the second source around both.
pub(crate) fn bracketed<T: Table>(live: &Live, second: impl Fn() -> u64, work: impl FnOnce()) -> (Vec<T>, Bracket) {
    let outer_first = second();
    let first = live.snapshot();
    let inner_first = second();
    work();
    let inner_last = second();
    let last = live.snapshot();
    let outer_last = second();
    let rows = between(&first, &last).ok().expect("the table is there");
    (rows, Bracket { inner: inner_last - inner_first, outer: outer_last - outer_first })
}

/// This process.
pub(crate) fn me() -> u32 {
    std::process::id()
}

/// The calling thread.
pub(crate) fn my_tid() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned()
}

/// A field of `/proc/PID/stat` by its number from 1 (`man proc_pid_stat`), from the third on.
pub(crate) fn stat_field(pid: u32, number: usize) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(number - 3)?.parse().ok()
}

/// The kernel function that each address lies in; empty where addresses are hidden.
pub(crate) fn kernel_names(addresses: &[u64]) -> Vec<String> {
    let kallsyms = std::fs::read_to_string("/proc/kallsyms").unwrap_or_default();
    let mut symbols = BTreeMap::new();
    for line in kallsyms.lines() {
        let mut fields = line.split_whitespace();
        if let (Some(address), Some(kind), Some(name)) = (fields.next(), fields.next(), fields.next())
            && "tTwW".contains(kind)
            && let Ok(address) = u64::from_str_radix(address, 16)
        {
            symbols.insert(address, name.to_owned());
        }
    }
    if symbols.len() < 2 {
        return Vec::new();
    }
    addresses
        .iter()
        .filter_map(|&address| symbols.range(..=address).next_back().map(|(_, name)| name.clone()))
        .collect()
}
