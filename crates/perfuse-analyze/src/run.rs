//! One run: the snapshots of an interval, and what every rule needs from them.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use perfuse_format::bpf::{self, Table};
use perfuse_format::cgroup::{Hierarchies, ancestors};
use perfuse_format::proc::pid::PidCgroup;
use perfuse_format::sys::host::Host;
use perfuse_format::{FromBytes, Missing, RawSnapshot, Reading, Why};

use crate::kernel_log::Logged;
use crate::message::Msg;
use crate::tasks::{self, PidCgroups, Tables, TaskUse};
use crate::threshold::Thresholds;

/// What the report is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only these processes.
    pub pids: Vec<u32>,
    /// Only this cgroup and what is below it (v2 path, or the path in any v1 hierarchy).
    pub cgroup: Option<String>,
}

impl Scope {
    /// Whether nothing is narrowed.
    pub fn is_whole_host(&self) -> bool {
        self.pids.is_empty() && self.cgroup.is_none()
    }
}

/// Two readings of one source and the time between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Span<T> {
    /// The earlier.
    pub first: T,
    /// The later.
    pub last: T,
    /// Seconds between; above 0.
    pub seconds: f64,
}

/// The snapshots of one run in the order of time, with what is computed from them once.
#[derive(Debug)]
pub struct Run<'a> {
    /// At least one.
    pub snapshots: &'a [RawSnapshot],
    /// Facts of the host.
    pub host: Host,
    /// Thresholds in force.
    pub thresholds: Thresholds,
    /// What the report is narrowed to.
    pub scope: Scope,
    /// Processes whose slowness is asked about, and those that they wait for. Rules that choose among many name them first as
    /// victims, and others before them as culprits.
    pub focus: BTreeSet<u32>,
    /// Mounted cgroup hierarchies.
    pub cgroups: Reading<Hierarchies>,
    /// What every task used over the run.
    pub tasks: Reading<TaskUse>,
    /// The cgroups of each process that was seen.
    pub pid_cgroups: BTreeMap<u32, Arc<PidCgroup>>,
    /// The kernel's log, once a rule has asked for it.
    pub(crate) log: OnceCell<Reading<Vec<Logged>>>,
}

/// A run without snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no snapshot to analyze")]
pub struct NoSnapshots;

impl<'a> Run<'a> {
    /// Prepares a run.
    pub fn new(snapshots: &'a [RawSnapshot], thresholds: Thresholds, scope: Scope) -> Result<Self, NoSnapshots> {
        Self::with(snapshots, thresholds, scope, &mut Tables::default())
    }

    /// As [`Run::new`], for who looks at the same snapshots again: the tables that were read before are used, and those
    /// that are read now are kept.
    pub fn with(
        snapshots: &'a [RawSnapshot],
        thresholds: Thresholds,
        scope: Scope,
        tables: &mut Tables,
    ) -> Result<Self, NoSnapshots> {
        let first = snapshots.first().ok_or(NoSnapshots)?;
        let host = first.get::<Host>("@host").into_value().unwrap_or_else(|| Host {
            page_size: 4096,
            clock_ticks: 100,
            ..Host::default()
        });
        let mut pid_cgroups = BTreeMap::new();
        for snapshot in snapshots {
            pid_cgroups.extend(tables.cgroups_of(snapshot).iter().cloned());
        }
        let cgroups = newest(snapshots, "/proc/self/mountinfo", Hierarchies::from_raw);
        let mut run = Self {
            snapshots,
            host,
            thresholds,
            scope,
            focus: BTreeSet::new(),
            cgroups,
            tasks: Reading::missing(Why::TooEarly, "tasks"),
            pid_cgroups,
            log: OnceCell::new(),
        };
        run.tasks = tasks::over(&run, tables);
        Ok(run)
    }

    /// Seconds from the first to the last snapshot; 0 with one.
    pub fn seconds(&self) -> f64 {
        match (self.snapshots.first(), self.snapshots.last()) {
            (Some(first), Some(last)) => last.mono_ns.saturating_sub(first.mono_ns) as f64 / 1e9,
            _ => 0.0,
        }
    }

    /// The value of `source` in the last snapshot that has it.
    pub fn last<T: FromBytes>(&self, source: &str) -> Reading<T> {
        newest(self.snapshots, source, |snapshot| snapshot.get(source))
    }

    /// The value of `source` in the first snapshot that has it.
    pub fn first<T: FromBytes>(&self, source: &str) -> Reading<T> {
        match self.snapshots.iter().find(|snapshot| snapshot.has(source)) {
            Some(snapshot) => snapshot.get(source),
            None => Reading::missing(Why::NotSampled, source.to_owned()),
        }
    }

    /// The first and the last value of `source`. With one sample only it is too early; a sample that is missing
    /// passes its reason on.
    pub fn span<T: FromBytes>(&self, source: &str) -> Reading<Span<T>> {
        self.span_with(source, |snapshot| snapshot.get(source))
    }

    /// As [`Run::span`] for what is not a single parsed file: `read` is applied to the first and the last snapshot
    /// that have `source`.
    pub fn span_with<T>(&self, source: &str, read: impl Fn(&RawSnapshot) -> Reading<T>) -> Reading<Span<T>> {
        let mut with = self.snapshots.iter().filter(|snapshot| snapshot.has(source));
        let Some(first) = with.next() else {
            return Reading::missing(Why::NotSampled, source.to_owned());
        };
        let Some(last) = with.next_back() else {
            return match read(first) {
                Reading::Value(_) => Reading::missing(Why::TooEarly, source.to_owned()),
                Reading::Missing(missing) => Reading::Missing(missing),
            };
        };
        let seconds = last.mono_ns.saturating_sub(first.mono_ns) as f64 / 1e9;
        if seconds <= 0.0 {
            return Reading::missing(Why::TooEarly, source.to_owned());
        }
        read(first).and_then(|first| read(last).map(|last| Span { first, last, seconds }))
    }

    /// What the in-kernel table of `T` counted over the run, and in how many seconds: the last snapshot that has it less
    /// the first one. A table that only a later snapshot has began empty within the run.
    pub fn bpf<T: Table>(&self) -> Reading<(Vec<T>, f64)> {
        let mut with = self.snapshots.iter().filter(|snapshot| snapshot.has(T::SOURCE));
        let Some(first) = with.next() else {
            return Reading::missing(Why::NotSampled, T::SOURCE);
        };
        let start = self.snapshots.first().unwrap_or(first);
        let last = with.next_back().unwrap_or(first);
        let seconds = last.mono_ns.saturating_sub(start.mono_ns) as f64 / 1e9;
        if seconds <= 0.0 {
            return bpf::parse::<T>(first).and_then(|_| Reading::missing(Why::TooEarly, T::SOURCE));
        }
        let rows = if start.has(T::SOURCE) { bpf::between(first, last) } else { bpf::parse(last) };
        rows.map(|rows| (rows, seconds))
    }

    /// Every sample of `source`: `(seconds since the start, reading)`.
    pub fn series<T: FromBytes>(&self, source: &str) -> Vec<(f64, Reading<T>)> {
        let start = self.snapshots.first().map_or(0, |snapshot| snapshot.mono_ns);
        self.snapshots
            .iter()
            .filter(|snapshot| snapshot.has(source))
            .map(|snapshot| (snapshot.mono_ns.saturating_sub(start) as f64 / 1e9, snapshot.get(source)))
            .collect()
    }

    /// For charts: `per_second` of each two neighbouring samples of `source`, stamped with the later one's time.
    /// Steps where a sample is missing or `f` gives nothing are left out.
    pub fn history<T: FromBytes>(&self, source: &str, f: impl Fn(&T, &T, f64) -> Option<f64>) -> Vec<(f64, f64)> {
        let series = self.series::<T>(source);
        series
            .windows(2)
            .filter_map(|pair| {
                let seconds = pair[1].0 - pair[0].0;
                let value = f(pair[0].1.value()?, pair[1].1.value()?, seconds)?;
                (seconds > 0.0 && value.is_finite()).then_some((pair[1].0, value))
            })
            .collect()
    }

    /// A threshold.
    pub fn threshold(&self, key: &str) -> f64 {
        self.thresholds.get(key)
    }

    /// The cgroup v2 path of a process, or its path in the v1 hierarchy of `controller`.
    pub fn cgroup_of(&self, pid: u32, controller: &str) -> Option<&str> {
        let cgroups = self.pid_cgroups.get(&pid)?;
        cgroups.v1(controller).or_else(|| cgroups.v2())
    }

    /// Whether a process is inside the scope.
    pub fn in_scope(&self, pid: u32) -> bool {
        if self.scope.is_whole_host() || self.scope.pids.contains(&pid) {
            return true;
        }
        let (Some(wanted), Some(cgroups)) = (&self.scope.cgroup, self.pid_cgroups.get(&pid)) else {
            return false;
        };
        cgroups.entries.iter().any(|(_, path)| ancestors(path).any(|group| group == wanted))
    }

    /// Whether a cgroup is inside the scope: everything is without one; else the named cgroup, those below it and,
    /// as their limits bind it too, those above it; with processes named, the cgroups above those.
    pub fn cgroup_in_scope(&self, path: &str) -> bool {
        if self.scope.is_whole_host() {
            return true;
        }
        let related = |group: &str| ancestors(group).any(|up| up == path) || ancestors(path).any(|up| up == group);
        self.scope.cgroup.as_deref().is_some_and(related)
            || self
                .scope
                .pids
                .iter()
                .filter_map(|pid| self.pid_cgroups.get(pid))
                .any(|cgroups| cgroups.entries.iter().any(|(_, group)| ancestors(group).any(|up| up == path)))
    }
}

/// Applies `read` to the last snapshot that has `source`.
fn newest<T>(snapshots: &[RawSnapshot], source: &str, read: impl Fn(&RawSnapshot) -> Reading<T>) -> Reading<T> {
    match snapshots.iter().rev().find(|snapshot| snapshot.has(source)) {
        Some(snapshot) => read(snapshot),
        None => Reading::Missing(Missing::new(Why::NotSampled, source.to_owned())),
    }
}

/// The paths of all cgroups that the snapshots know: from the files of the cgroups and of the processes.
pub fn known_cgroups(snapshots: &[RawSnapshot]) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for snapshot in snapshots {
        for (_, cgroups) in read_pid_cgroups(snapshot) {
            let mine = cgroups.entries.iter().flat_map(|(_, path)| ancestors(path));
            paths.extend(mine.map(str::to_owned));
        }
        if let Some(hierarchies) = Hierarchies::from_raw(snapshot).value() {
            paths.extend(hierarchies.0.iter().flat_map(|hierarchy| hierarchy.groups(snapshot)));
        }
    }
    paths
}

/// The cgroup of this path, with or without the slash before it; a message that it is not there otherwise.
pub fn cgroup_named(snapshots: &[RawSnapshot], path: &str) -> Result<String, Msg> {
    let path = format!("/{}", path.trim_matches('/'));
    let known = known_cgroups(snapshots).contains(&path);
    if known { Ok(path) } else { Err(Msg::new("error-no-cgroup").with("path", path)) }
}

/// The cgroup of a systemd unit, with or without `.service`; a message that it is not there otherwise.
pub fn cgroup_of_unit(snapshots: &[RawSnapshot], unit: &str) -> Result<String, Msg> {
    let name = if unit.contains('.') { unit.to_owned() } else { format!("{unit}.service") };
    let found = known_cgroups(snapshots).into_iter().find(|group| group.rsplit('/').next() == Some(name.as_str()));
    found.ok_or_else(|| Msg::new("error-no-unit").with("unit", name))
}

/// The `/proc/PID/cgroup` files of a snapshot.
pub(crate) fn read_pid_cgroups(snapshot: &RawSnapshot) -> PidCgroups {
    let of = snapshot.under("/proc/").filter_map(|(rest, _)| {
        let pid = rest.strip_suffix("/cgroup")?.parse().ok()?;
        Some((pid, Arc::new(snapshot.get(&format!("/proc/{rest}")).into_value()?)))
    });
    of.collect()
}
