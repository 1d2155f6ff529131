//! Tables of `errno.bpf.c` and `files.bpf.c`: system calls that failed for want of something, new processes, open files.

use super::hist::HIST_BYTES;
use super::{Log2Hist, Row, Table, subtract};

/// `@bpf/errno`: system calls of one process that failed with an errno that tells of a lack (`struct errno_count`).
///
/// ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM of any call; EAGAIN only of fork, vfork, clone, clone3; EADDRNOTAVAIL only of
/// bind and connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrnoCount {
    /// Process id.
    pub pid: u32,
    /// Name of the thread that failed last.
    pub comm: String,
    /// Cgroup (v2 id).
    pub cgroup_id: Option<u64>,
    /// System call number, of the architecture.
    pub syscall: u32,
    /// The errno, positive.
    pub errno: u32,
    /// Failed calls.
    pub count: u64,
}

impl Table for ErrnoCount {
    const SOURCE: &'static str = "@bpf/errno";
    const ROW: usize = 48;
    type Key = (u32, u32, u32);

    fn decode(row: Row<'_>) -> Self {
        Self {
            pid: row.u32(0),
            syscall: row.u32(4),
            errno: row.u32(8),
            count: row.u64(16),
            cgroup_id: row.cgroup(24),
            comm: row.comm(32),
        }
    }

    fn key(&self) -> Self::Key {
        (self.pid, self.syscall, self.errno)
    }

    fn subtract(&mut self, earlier: &Self) {
        subtract!(self - earlier: count);
    }

    fn happened(&self) -> bool {
        self.count > 0
    }
}

/// `@bpf/fork_hist`: how long it took to make a process, or a thread; the whole host.
///
/// From the entry into fork, vfork, clone or clone3 until the child exists (it need not have run), in the parent. What a
/// `vfork` then waits for its child is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkHist {
    /// Threads, not processes.
    pub threads: bool,
    /// The durations.
    pub hist: Log2Hist,
}

impl Table for ForkHist {
    const SOURCE: &'static str = "@bpf/fork_hist";
    const ROW: usize = 8 + HIST_BYTES;
    type Key = bool;

    fn decode(row: Row<'_>) -> Self {
        Self { threads: row.u32(0) != 0, hist: Log2Hist::decode(row, 8) }
    }

    fn key(&self) -> bool {
        self.threads
    }

    fn subtract(&mut self, earlier: &Self) {
        self.hist.subtract(&earlier.hist);
    }

    fn happened(&self) -> bool {
        self.hist.count > 0
    }
}

/// `@bpf/fork_process`: processes and threads that one process made (`struct fork_process`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkProcess {
    /// Process id of the parent.
    pub pid: u32,
    /// Name of the thread that forked last.
    pub comm: String,
    /// Cgroup (v2 id).
    pub cgroup_id: Option<u64>,
    /// Time making processes.
    pub sum_ns: u64,
    /// Processes made.
    pub count: u64,
    /// The longest since the program was attached.
    pub max_ns: u64,
    /// Time making threads.
    pub thread_sum_ns: u64,
    /// Threads made.
    pub thread_count: u64,
    /// The longest since the program was attached.
    pub thread_max_ns: u64,
    /// Calls that failed, for whatever reason.
    pub failed: u64,
}

impl Table for ForkProcess {
    const SOURCE: &'static str = "@bpf/fork_process";
    const ROW: usize = 88;
    type Key = u32;

    fn decode(row: Row<'_>) -> Self {
        Self {
            pid: row.u32(0),
            sum_ns: row.u64(8),
            count: row.u64(16),
            max_ns: row.u64(24),
            thread_sum_ns: row.u64(32),
            thread_count: row.u64(40),
            thread_max_ns: row.u64(48),
            failed: row.u64(56),
            cgroup_id: row.cgroup(64),
            comm: row.comm(72),
        }
    }

    fn key(&self) -> u32 {
        self.pid
    }

    fn subtract(&mut self, earlier: &Self) {
        subtract!(self - earlier: count, sum_ns, thread_count, thread_sum_ns, failed);
    }

    fn happened(&self) -> bool {
        self.count > 0 || self.thread_count > 0 || self.failed > 0
    }
}

/// `@bpf/files`: open file descriptors of one process and its limit; a level, not a counter (`struct open_files`).
///
/// A process whose files are all closed has a row with 0; kernel threads have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFiles {
    /// Process id.
    pub pid: u32,
    /// Name of the process.
    pub comm: String,
    /// Open descriptors.
    pub open: u64,
    /// Soft `RLIMIT_NOFILE`; `u64::MAX` is no limit.
    pub soft_limit: u64,
    /// Hard `RLIMIT_NOFILE`.
    pub hard_limit: u64,
}

impl Table for OpenFiles {
    const SOURCE: &'static str = "@bpf/files";
    const ROW: usize = 48;
    type Key = u32;

    fn decode(row: Row<'_>) -> Self {
        Self { pid: row.u32(0), open: row.u64(8), soft_limit: row.u64(16), hard_limit: row.u64(24), comm: row.comm(32) }
    }

    fn key(&self) -> u32 {
        self.pid
    }

    fn subtract(&mut self, _: &Self) {}

    fn happened(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{table, words};
    use super::super::{between, parse};
    use super::*;
    use crate::raw::RawSnapshot;

    #[test]
    fn rows_decode_at_their_offsets() {
        let name = u64::from_ne_bytes(*b"postgres");
        let mut raw = RawSnapshot::default();
        raw.put(ErrnoCount::SOURCE, table(&[words(&[3 | 257 << 32, 24, 9, 8, name, 0])], 0));
        let row = &parse::<ErrnoCount>(&raw).into_value().unwrap()[0];
        assert_eq!((row.pid, row.syscall, row.errno, row.count), (3, 257, 24, 9));
        assert_eq!((row.cgroup_id, row.comm.as_str()), (Some(8), "postgres"));
        raw.put(OpenFiles::SOURCE, table(&[words(&[3, 40, 1024, u64::MAX, name, 0])], 0));
        let row = &parse::<OpenFiles>(&raw).into_value().unwrap()[0];
        assert_eq!((row.open, row.soft_limit, row.hard_limit, row.comm.as_str()), (40, 1024, u64::MAX, "postgres"));
    }

    #[test]
    fn forks_of_an_interval() {
        let (mut first, mut last) = (RawSnapshot::default(), RawSnapshot::default());
        first.put(ForkProcess::SOURCE, table(&[words(&[3, 100, 2, 60, 10, 1, 10, 0, 8, 0, 0])], 0));
        last.put(ForkProcess::SOURCE, table(&[words(&[3, 150, 3, 60, 10, 1, 10, 4, 8, 0, 0])], 0));
        let row = &between::<ForkProcess>(&first, &last).into_value().unwrap()[0];
        assert_eq!((row.sum_ns, row.count, row.max_ns, row.thread_count, row.failed), (50, 1, 60, 0, 4));
    }
}
