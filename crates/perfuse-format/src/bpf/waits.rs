//! Tables of `waits.bpf.c`: all time that threads of programs spend asleep, and who ended it.

use super::{Row, Table, subtract};

/// Waiting for storage, says the kernel's own accounting (`TSK_IOWAIT`).
pub const FLAG_IO: u32 = 1;
/// Short of memory: reclaim, compaction, swap-in, refault (`TSK_MEMSTALL`).
pub const FLAG_MEMORY: u32 = 2;

/// What tells one wait of a thread from its others (`struct wait_key`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WaitKey {
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// The task state it sleeps in: bit 0 interruptible, bit 1 uninterruptible (`include/linux/sched.h`).
    pub state: u32,
    /// Number of the system call that it is in; -1 is none: a page fault or another exception.
    pub call: i32,
    /// [`FLAG_IO`], [`FLAG_MEMORY`].
    pub flags: u32,
    /// Id of the kernel stack in [`super::Stack`]; of short waits that of one which was alike. 0 where there is none.
    pub kernel_stack: u64,
}

impl WaitKey {
    const BYTES: usize = 32;

    fn decode(row: Row<'_>) -> Self {
        Self {
            pid: row.u32(0),
            tid: row.u32(4),
            state: row.u32(8),
            call: row.u32(12).cast_signed(),
            flags: row.u32(16),
            kernel_stack: row.u64(24),
        }
    }
}

/// `@bpf/wait_time`: waits of one thread that are over (`struct wait_key`, `struct wait_time`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitTime {
    /// Whose, and for what.
    pub key: WaitKey,
    /// Name of the thread.
    pub comm: String,
    /// Its cgroup (v2 id).
    pub cgroup_id: Option<u64>,
    /// Time from leaving the CPU to being woken.
    pub blocked_ns: u64,
    /// Time from being woken to running again, in the same waits.
    pub runq_ns: u64,
    /// Number of waits.
    pub count: u64,
    /// The longest (blocked and run queue together) since the program was attached.
    pub max_ns: u64,
}

impl Table for WaitTime {
    const SOURCE: &'static str = "@bpf/wait_time";
    const ROW: usize = WaitKey::BYTES + 56;
    type Key = WaitKey;

    fn decode(row: Row<'_>) -> Self {
        Self {
            key: WaitKey::decode(row),
            blocked_ns: row.u64(32),
            runq_ns: row.u64(40),
            count: row.u64(48),
            max_ns: row.u64(56),
            cgroup_id: row.cgroup(64),
            comm: row.comm(72),
        }
    }

    fn key(&self) -> Self::Key {
        self.key
    }

    fn subtract(&mut self, earlier: &Self) {
        subtract!(self - earlier: count, blocked_ns, runq_ns);
    }

    fn happened(&self) -> bool {
        self.count > 0
    }
}

/// `@bpf/waits`: a wait that was not over when the snapshot was taken, by iterator (`struct open_row`); `blocked_ns` so
/// far, since it was first seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenWait(
    /// The wait; its count is 1.
    pub WaitTime,
);

impl Table for OpenWait {
    const SOURCE: &'static str = "@bpf/waits";
    const ROW: usize = WaitTime::ROW;
    type Key = WaitKey;

    fn decode(row: Row<'_>) -> Self {
        Self(WaitTime::decode(row))
    }

    fn key(&self) -> Self::Key {
        self.0.key
    }

    /// Nothing: it is no counter.
    fn subtract(&mut self, _: &Self) {}

    fn happened(&self) -> bool {
        true
    }
}

/// `@bpf/wake_time`: who ended the waits of a thread (`struct wake_key`, `struct wake_time`). In an interrupt that is
/// whoever it came upon, so that the rows mean something only for waits that a program ends: pipes, sockets, locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WakeTime {
    /// The process that waited.
    pub pid: u32,
    /// The thread that waited.
    pub tid: u32,
    /// Process of the waker.
    pub waker_pid: u32,
    /// Thread of the waker.
    pub waker_tid: u32,
    /// Name of the thread that woke.
    pub waker_comm: String,
    /// Number of the system call that waited; -1 is none.
    pub call: i32,
    /// The time asleep that it ended.
    pub sum_ns: u64,
    /// How often.
    pub count: u64,
}

impl Table for WakeTime {
    const SOURCE: &'static str = "@bpf/wake_time";
    const ROW: usize = 56;
    type Key = (u32, u32, u32, u32, i32);

    fn decode(row: Row<'_>) -> Self {
        Self {
            pid: row.u32(0),
            tid: row.u32(4),
            waker_pid: row.u32(8),
            waker_tid: row.u32(12),
            call: row.u32(16).cast_signed(),
            sum_ns: row.u64(24),
            count: row.u64(32),
            waker_comm: row.comm(40),
        }
    }

    fn key(&self) -> Self::Key {
        (self.pid, self.tid, self.waker_pid, self.waker_tid, self.call)
    }

    fn subtract(&mut self, earlier: &Self) {
        subtract!(self - earlier: count, sum_ns);
    }

    fn happened(&self) -> bool {
        self.count > 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::words;
    use super::*;

    #[test]
    fn rows_decode_at_their_offsets() {
        let name = u64::from_ne_bytes(*b"sleeper\0");
        let row = words(&[7 | 8 << 32, 2 | 0xffff_ffff << 32, 3, 100, 5000, 600, 3, 2000, 9, name, 0]);
        assert_eq!(row.len(), WaitTime::ROW);
        let wait = WaitTime::decode(Row::new(&row));
        assert_eq!(wait.key, WaitKey { pid: 7, tid: 8, state: 2, call: -1, flags: 3, kernel_stack: 100 });
        assert_eq!((wait.blocked_ns, wait.runq_ns, wait.count, wait.max_ns), (5000, 600, 3, 2000));
        assert_eq!((wait.cgroup_id, wait.comm.as_str()), (Some(9), "sleeper"));
        assert_eq!(OpenWait::decode(Row::new(&row)).0, wait);

        let row = words(&[7 | 8 << 32, 9 | 10 << 32, 45, 5000, 3, name, 0]);
        assert_eq!(row.len(), WakeTime::ROW);
        let wake = WakeTime::decode(Row::new(&row));
        assert_eq!(wake.key(), (7, 8, 9, 10, 45));
        assert_eq!((wake.sum_ns, wake.count, wake.waker_comm.as_str()), (5000, 3, "sleeper"));
    }

    #[test]
    fn only_what_is_over_is_a_difference() {
        let row = |blocked, count| WaitTime::decode(Row::new(&words(&[7, 0, 0, 100, blocked, 0, count])));
        let mut later = row(700, 5);
        later.subtract(&row(200, 2));
        assert_eq!((later.blocked_ns, later.count), (500, 3));
        let mut open = OpenWait(row(700, 1));
        open.subtract(&OpenWait(row(200, 1)));
        assert_eq!(open.0.blocked_ns, 700);
    }
}
