//! Tables of `faults.bpf.c` and `reclaim.bpf.c`: what memory cost the threads that wanted some.

use super::hist::HIST_BYTES;
use super::{Log2Hist, Row, Table, subtract};

/// `@bpf/fault_hist`: how long page faults took, the whole host; a row for minor and one for major faults.
///
/// From the exception to the accounting at its end, so the reading from disk and the waiting for locks are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultHist {
    /// Whether these are the faults that needed I/O.
    pub major: bool,
    /// Their durations.
    pub hist: Log2Hist,
}

impl Table for FaultHist {
    const SOURCE: &'static str = "@bpf/fault_hist";
    const ROW: usize = 8 + HIST_BYTES;
    type Key = bool;

    fn decode(row: Row<'_>) -> Self {
        Self { major: row.u32(0) != 0, hist: Log2Hist::decode(row, 8) }
    }

    fn key(&self) -> bool {
        self.major
    }

    fn subtract(&mut self, earlier: &Self) {
        self.hist.subtract(&earlier.hist);
    }

    fn happened(&self) -> bool {
        self.hist.count > 0
    }
}

/// `@bpf/fault_process`: the page faults of one process (`struct fault_process`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultProcess {
    /// Process id.
    pub pid: u32,
    /// Name of the thread that last faulted.
    pub comm: String,
    /// Cgroup (v2 id).
    pub cgroup_id: Option<u64>,
    /// Time in faults without I/O.
    pub minor_ns: u64,
    /// Faults without I/O.
    pub minor_count: u64,
    /// The longest of them since the program was attached.
    pub minor_max_ns: u64,
    /// Time in faults with I/O.
    pub major_ns: u64,
    /// Faults with I/O.
    pub major_count: u64,
    /// The longest of them since the program was attached.
    pub major_max_ns: u64,
}

impl Table for FaultProcess {
    const SOURCE: &'static str = "@bpf/fault_process";
    const ROW: usize = 80;
    type Key = u32;

    fn decode(row: Row<'_>) -> Self {
        Self {
            pid: row.u32(0),
            minor_ns: row.u64(8),
            minor_count: row.u64(16),
            minor_max_ns: row.u64(24),
            major_ns: row.u64(32),
            major_count: row.u64(40),
            major_max_ns: row.u64(48),
            cgroup_id: row.cgroup(56),
            comm: row.comm(64),
        }
    }

    fn key(&self) -> u32 {
        self.pid
    }

    fn subtract(&mut self, earlier: &Self) {
        subtract!(self - earlier: minor_count, minor_ns, major_count, major_ns);
    }

    fn happened(&self) -> bool {
        self.minor_count > 0 || self.major_count > 0
    }
}

/// What a thread did instead of its own work because memory was short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReclaimKind {
    /// Direct reclaim: the host had no free memory left.
    Direct,
    /// Reclaim for the limit of a memory cgroup.
    Cgroup,
    /// Compaction: free memory, but not in one piece. `kcompactd` has rows too.
    Compaction,
    /// A number that this version does not know.
    Unknown,
}

/// `@bpf/reclaim_process`: time of one process in direct reclaim or compaction (`struct reclaim_process`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reclaim {
    /// Process id.
    pub pid: u32,
    /// What it did.
    pub kind: ReclaimKind,
    /// Name of the thread that did it last.
    pub comm: String,
    /// Cgroup (v2 id).
    pub cgroup_id: Option<u64>,
    /// Time in it.
    pub sum_ns: u64,
    /// How often.
    pub count: u64,
    /// The longest since the program was attached.
    pub max_ns: u64,
    /// Pages that were freed; 0 for compaction.
    pub pages: u64,
}

impl Table for Reclaim {
    const SOURCE: &'static str = "@bpf/reclaim_process";
    const ROW: usize = 64;
    type Key = (u32, ReclaimKind);

    fn decode(row: Row<'_>) -> Self {
        Self {
            pid: row.u32(0),
            kind: match row.u32(4) {
                0 => ReclaimKind::Direct,
                1 => ReclaimKind::Cgroup,
                2 => ReclaimKind::Compaction,
                _ => ReclaimKind::Unknown,
            },
            sum_ns: row.u64(8),
            count: row.u64(16),
            max_ns: row.u64(24),
            pages: row.u64(32),
            cgroup_id: row.cgroup(40),
            comm: row.comm(48),
        }
    }

    fn key(&self) -> Self::Key {
        (self.pid, self.kind)
    }

    fn subtract(&mut self, earlier: &Self) {
        subtract!(self - earlier: count, sum_ns, pages);
    }

    fn happened(&self) -> bool {
        self.count > 0
    }
}

/// `@bpf/oom_victims`: one process that the kernel killed for memory (`struct oom_victim`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OomVictim {
    /// When, on `CLOCK_MONOTONIC`; with it [`super::between`] keeps only the new ones.
    pub mono_ns: u64,
    /// The process that was killed.
    pub pid: u32,
    /// Its name; empty where the kernel tells only the pid (before 6.10).
    pub comm: String,
    /// Its user.
    pub uid: Option<u32>,
    /// Its cgroup (v2 id).
    pub cgroup_id: Option<u64>,
    /// Its resident set when it was chosen, in pages.
    pub rss_pages: Option<u64>,
    /// The process that asked for memory and set off the kill.
    pub by_pid: u32,
    /// Name of that process.
    pub by_comm: String,
    /// New in this interval: false for those that the earlier snapshot had.
    fresh: bool,
}

impl Table for OomVictim {
    const SOURCE: &'static str = "@bpf/oom_victims";
    const ROW: usize = 72;
    type Key = (u64, u32);

    fn decode(row: Row<'_>) -> Self {
        let known = row.u32(20) & 1 != 0;
        Self {
            mono_ns: row.u64(0),
            pid: row.u32(8),
            uid: known.then(|| row.u32(12)),
            by_pid: row.u32(16),
            cgroup_id: row.cgroup(24),
            rss_pages: known.then(|| row.u64(32)),
            comm: row.comm(40),
            by_comm: row.comm(56),
            fresh: true,
        }
    }

    fn key(&self) -> Self::Key {
        (self.mono_ns, self.pid)
    }

    fn subtract(&mut self, _: &Self) {
        self.fresh = false;
    }

    fn happened(&self) -> bool {
        self.fresh
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{table, words};
    use super::super::{between, parse};
    use super::*;
    use crate::raw::RawSnapshot;

    fn victim(at: u64, pid: u64) -> Vec<u8> {
        let name = u64::from_ne_bytes(*b"hog\0\0\0\0\0");
        words(&[at, pid | 1000 << 32, 5 | 1 << 32, 77, 4096, name, 0, name, 0])
    }

    #[test]
    fn only_new_victims_count() {
        let (mut first, mut last) = (RawSnapshot::default(), RawSnapshot::default());
        first.put(OomVictim::SOURCE, table(&[victim(10, 3)], 0));
        last.put(OomVictim::SOURCE, table(&[victim(10, 3), victim(20, 4)], 0));
        let rows = between::<OomVictim>(&first, &last).into_value().unwrap();
        assert_eq!(rows.len(), 1);
        let row = &rows[0];
        assert_eq!((row.pid, row.uid, row.by_pid, row.cgroup_id), (4, Some(1000), 5, Some(77)));
        assert_eq!((row.rss_pages, row.comm.as_str(), row.by_comm.as_str()), (Some(4096), "hog", "hog"));
    }

    #[test]
    fn faults_and_reclaim_decode() {
        let mut raw = RawSnapshot::default();
        raw.put(FaultProcess::SOURCE, table(&[words(&[4, 10, 1, 10, 90, 2, 50, 6, 0, 0])], 0));
        let row = &parse::<FaultProcess>(&raw).into_value().unwrap()[0];
        assert_eq!((row.pid, row.minor_ns, row.major_count, row.major_max_ns, row.cgroup_id), (4, 10, 2, 50, Some(6)));
        raw.put(Reclaim::SOURCE, table(&[words(&[4 | 2 << 32, 10, 1, 10, 0, 6, 0, 0])], 0));
        let row = &parse::<Reclaim>(&raw).into_value().unwrap()[0];
        assert_eq!((row.kind, row.sum_ns, row.cgroup_id), (ReclaimKind::Compaction, 10, Some(6)));
    }
}
