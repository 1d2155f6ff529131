//! Reads every source of the tables into a snapshot.

use perfuse_format::RawSnapshot;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::caps;
use crate::cgroups::Cgroups;
use crate::files::Files;
use crate::host;
use crate::processes::Processes;
use crate::root::Root;
use crate::sources::ends::EndCollector;
use crate::sources::{Cadence, Collector, GROUPS, Source};

/// Which of the cadences are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The first snapshot of a run.
    pub first: bool,
    /// Sources of the slow cadence are due.
    pub slow: bool,
}

impl Tick {
    /// Whether a source with this cadence is read now.
    pub fn is_due(self, cadence: Cadence) -> bool {
        match cadence {
            Cadence::Every => true,
            Cadence::Slow => self.slow,
            Cadence::Once => self.first,
        }
    }
}

/// Sources that no group owns because every rule needs them.
const SHARED: &[Source] = &[
    Source { path: "/proc/uptime", cadence: Cadence::Every },
    Source { path: "/proc/self/mountinfo", cadence: Cadence::Slow },
];

/// Nanoseconds between two slow ticks.
const SLOW_NS: u64 = 10_000_000_000;

/// Descriptors left for everything that is not a kept-open file: BPF, sockets, the recording.
const RESERVED_FILES: u64 = 256;

/// Reads snapshots of one host. Files stay open between snapshots, so that a sweep costs little.
pub struct Sampler {
    root: Root,
    files: Files,
    cgroups: Cgroups,
    processes: Processes,
    collectors: Vec<Box<dyn Collector>>,
    buffer: Vec<u8>,
    file_limit: usize,
    last_slow_ns: Option<u64>,
    host: Vec<u8>,
}

impl std::fmt::Debug for Sampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sampler").field("root", &self.root).field("open", &self.open_count()).finish_non_exhaustive()
    }
}

impl Sampler {
    /// A sampler of the host below `root`. Raises the soft limit of open files of this process to its hard limit.
    pub fn new(root: Root) -> Self {
        Self {
            // Filled by the first snapshot, which is a slow one.
            host: Vec::new(),
            root,
            files: Files::new(SHARED.iter().chain(GROUPS.iter().flat_map(|group| group.files)).copied()),
            cgroups: Cgroups::new(GROUPS.iter().flat_map(|group| group.cgroup_files).copied()),
            processes: Processes::new(GROUPS.iter().flat_map(|group| group.process_files).copied()),
            collectors: GROUPS.iter().flat_map(|group| (group.collectors)()).collect(),
            buffer: Vec::new(),
            file_limit: raise_file_limit(),
            last_slow_ns: None,
        }
    }

    /// Also looks who waits at which pipe or socket, and who is at the other end: too dear to be done all day.
    #[must_use]
    pub fn with_ends(mut self) -> Self {
        self.collectors.push(Box::new(EndCollector::default()));
        self
    }

    /// Reads everything that is due. `last` makes the slow sources due, so that a run ends with all of them.
    /// `before` may add sources first (the BPF iterator's tasks, which make reading `/proc/PID` unnecessary).
    pub fn snapshot(&mut self, last: bool, before: impl FnOnce(Tick, &mut RawSnapshot)) -> RawSnapshot {
        let mut out =
            RawSnapshot { mono_ns: now(ClockId::Monotonic), real_ns: now(ClockId::Realtime), ..RawSnapshot::default() };
        let first = self.last_slow_ns.is_none();
        let slow = last || self.last_slow_ns.is_none_or(|slow| out.mono_ns.saturating_sub(slow) >= SLOW_NS);
        let tick = Tick { first, slow };
        if slow {
            self.last_slow_ns = Some(out.mono_ns);
        }
        before(tick, &mut out);
        if first {
            out.put(caps::SOURCE, caps::probe(&self.root).to_bytes());
        }
        if slow {
            // CPUs can go on- and offline.
            self.host = host::facts(&self.root).to_bytes();
        }
        out.put("@host", self.host.clone());
        self.files.sample(&self.root, tick, &mut self.buffer, &mut out);
        let spare = self.file_limit.saturating_sub(self.files.open_count());
        self.cgroups.sample(&self.root, tick, spare / 2, &mut self.buffer, &mut out);
        let by_bpf = out.has("@bpf/tasks");
        let spare = self.file_limit.saturating_sub(self.open_count_without_processes());
        self.processes.sample(&self.root, tick, by_bpf, spare, &mut self.buffer, &mut out);
        for collector in &mut self.collectors {
            collector.sample(&self.root, tick, &mut out);
        }
        out
    }

    fn open_count_without_processes(&self) -> usize {
        self.files.open_count() + self.cgroups.open_count()
    }

    /// Files that are kept open now.
    pub fn open_count(&self) -> usize {
        self.open_count_without_processes() + self.processes.open_count()
    }

    /// The root that is sampled.
    pub fn root(&self) -> &Root {
        &self.root
    }
}

/// Nanoseconds of a clock.
pub(crate) fn now(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Raises the soft limit of open files; the number of files that may be kept open.
fn raise_file_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    usize::try_from(current.unwrap_or(u64::MAX).saturating_sub(RESERVED_FILES)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_and_last_snapshot_have_the_slow_sources() {
        let mut sampler = Sampler::new(Root::default());
        let first = sampler.snapshot(false, |tick, _| assert!(tick.first && tick.slow));
        let middle = sampler.snapshot(false, |tick, _| assert!(!tick.first && !tick.slow));
        let last = sampler.snapshot(true, |tick, _| assert!(!tick.first && tick.slow));
        assert!(first.has("/proc/self/mountinfo") && last.has("/proc/self/mountinfo"));
        assert!(!middle.has("/proc/self/mountinfo"));
        assert!(middle.has("/proc/stat") && middle.mono_ns > first.mono_ns);
    }

    #[test]
    fn a_root_without_proc_gives_errnos_not_a_crash() {
        let directory = tempfile::tempdir().unwrap();
        let mut sampler = Sampler::new(Root::at(directory.path()));
        let snapshot = sampler.snapshot(false, |_, _| {});
        assert!(snapshot.bytes("/proc/stat").why_missing().is_some());
    }
}
