//! Tables of `futex.bpf.c` and `locks.bpf.c`: threads that wait for each other.

use super::hist::HIST_BYTES;
use super::{Log2Hist, Row, Table, subtract};

/// `@bpf/futex_wait`: waits of one thread for one futex at one place (`struct futex_key`, `struct futex_wait`).
///
/// Waits shorter than the knob `futex_min_ns` are left out. A condition variable is a futex too, so an idle thread
/// pool shows here with long waits: who waits for what is the question that the stack answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FutexWait {
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Name of the thread.
    pub comm: String,
    /// Cgroup (v2 id).
    pub cgroup_id: Option<u64>,
    /// Address of the futex in the process.
    pub address: u64,
    /// Id of the user stack in [`super::Stack`]; 0 where there is none.
    pub user_stack: u64,
    /// Time of the waits.
    pub sum_ns: u64,
    /// Number of waits.
    pub count: u64,
    /// The longest since the program was attached.
    pub max_ns: u64,
    /// Waits that ended by their timeout.
    pub timeouts: u64,
    /// Process of the thread that woke it last; 0 where none was seen.
    pub waker_pid: u32,
    /// Thread that woke it last.
    pub waker_tid: u32,
    /// Name of that thread.
    pub waker_comm: String,
    /// Operation of the last wait, with its flags (futex(2)).
    pub operation: u32,
    /// The value that the word was expected to have in the last wait.
    pub value: u32,
}

impl FutexWait {
    /// Whether operation and value are those of a wait for a mutex: a lock with priority inheritance, or the value 2 by
    /// which the C library's and Rust's mutexes mark that someone waits.
    pub fn is_mutex(&self) -> bool {
        is_mutex(self.operation, self.value)
    }
}

/// Whether a futex call waits for a mutex by its operation and the value that it expects: `FUTEX_LOCK_PI`, or
/// `FUTEX_WAIT` for the value 2. glibc (`lowlevellock.h`) and Rust's standard library write 2 into
/// a lock on which someone waits; a condition variable waits for whatever its counter is.
pub fn is_mutex(operation: u32, value: u32) -> bool {
    const COMMAND: u32 = 0x7f;
    const CLOCK_REALTIME: u32 = 0x100;
    const WAIT: u32 = 0;
    const LOCK_PI: u32 = 6;
    const WAIT_BITSET: u32 = 9;
    const LOCK_PI2: u32 = 13;
    match operation & COMMAND {
        LOCK_PI | LOCK_PI2 => true,
        WAIT => value == 2,
        // Condition variables of glibc wait by the real-time clock's bit set operation; Rust's mutex without it.
        WAIT_BITSET => value == 2 && operation & CLOCK_REALTIME == 0,
        _ => false,
    }
}

impl Table for FutexWait {
    const SOURCE: &'static str = "@bpf/futex_wait";
    const ROW: usize = 112;
    type Key = (u32, u32, u64, u64);

    fn decode(row: Row<'_>) -> Self {
        Self {
            pid: row.u32(0),
            tid: row.u32(4),
            address: row.u64(8),
            user_stack: row.u64(16),
            sum_ns: row.u64(24),
            count: row.u64(32),
            max_ns: row.u64(40),
            timeouts: row.u64(48),
            cgroup_id: row.cgroup(56),
            comm: row.comm(64),
            waker_pid: row.u32(80),
            waker_tid: row.u32(84),
            waker_comm: row.comm(88),
            operation: row.u32(104),
            value: row.u32(108),
        }
    }

    fn key(&self) -> Self::Key {
        (self.pid, self.tid, self.address, self.user_stack)
    }

    fn subtract(&mut self, earlier: &Self) {
        subtract!(self - earlier: count, sum_ns, timeouts);
    }

    fn happened(&self) -> bool {
        self.count > 0
    }
}

/// `@bpf/futex_waker`: how often and how late one thread woke the waiters of one futex (`struct futex_waker`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FutexWaker {
    /// Process of the waiters.
    pub pid: u32,
    /// Address of the futex in their process.
    pub address: u64,
    /// Process of the waking thread.
    pub waker_pid: u32,
    /// The waking thread.
    pub waker_tid: u32,
    /// Its name.
    pub waker_comm: String,
    /// Time that the waiters had waited.
    pub sum_ns: u64,
    /// Waits that it ended.
    pub count: u64,
}

impl Table for FutexWaker {
    const SOURCE: &'static str = "@bpf/futex_waker";
    const ROW: usize = 56;
    type Key = (u32, u64, u32);

    fn decode(row: Row<'_>) -> Self {
        Self {
            pid: row.u32(0),
            waker_tid: row.u32(4),
            address: row.u64(8),
            sum_ns: row.u64(16),
            count: row.u64(24),
            waker_comm: row.comm(32),
            waker_pid: row.u32(48),
        }
    }

    fn key(&self) -> Self::Key {
        (self.pid, self.address, self.waker_tid)
    }

    fn subtract(&mut self, earlier: &Self) {
        subtract!(self - earlier: count, sum_ns);
    }

    fn happened(&self) -> bool {
        self.count > 0
    }
}

/// Kinds of kernel locks, from the flags of `contention_begin` (`include/trace/events/lock.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockKind {
    /// Spinlock.
    Spin,
    /// Spinning reader-writer lock, for reading.
    RwLockRead,
    /// Spinning reader-writer lock, for writing.
    RwLockWrite,
    /// Mutex.
    Mutex,
    /// Sleeping reader-writer semaphore, for reading.
    RwsemRead,
    /// Sleeping reader-writer semaphore, for writing.
    RwsemWrite,
    /// Per-CPU reader-writer semaphore.
    PercpuRwsem,
    /// Mutex of a real-time kernel.
    RtMutex,
    /// Semaphore.
    Semaphore,
}

impl LockKind {
    /// The kind that the flags stand for.
    pub fn from_flags(flags: u32) -> Self {
        const SPIN: u32 = 1;
        const READ: u32 = 2;
        const WRITE: u32 = 4;
        const RT: u32 = 8;
        const PERCPU: u32 = 16;
        const MUTEX: u32 = 32;
        let (spin, read, write) = (flags & SPIN != 0, flags & READ != 0, flags & WRITE != 0);
        match () {
            () if flags & MUTEX != 0 => Self::Mutex,
            () if flags & RT != 0 => Self::RtMutex,
            () if flags & PERCPU != 0 => Self::PercpuRwsem,
            () if spin && read => Self::RwLockRead,
            () if spin && write => Self::RwLockWrite,
            () if spin => Self::Spin,
            () if read => Self::RwsemRead,
            () if write => Self::RwsemWrite,
            () => Self::Semaphore,
        }
    }

    /// Whether waiters burn their CPU instead of sleeping. (A mutex or semaphore waiter may spin first, too.)
    pub fn spins(self) -> bool {
        matches!(self, Self::Spin | Self::RwLockRead | Self::RwLockWrite)
    }
}

/// `@bpf/lock_hist`: contended waits for kernel locks of one kind, the whole host, short ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHist {
    /// Flags of the tracepoint.
    pub flags: u32,
    /// The waits.
    pub hist: Log2Hist,
}

impl LockHist {
    /// The kind of lock.
    pub fn kind(&self) -> LockKind {
        LockKind::from_flags(self.flags)
    }
}

impl Table for LockHist {
    const SOURCE: &'static str = "@bpf/lock_hist";
    const ROW: usize = 8 + HIST_BYTES;
    type Key = u32;

    fn decode(row: Row<'_>) -> Self {
        Self { flags: row.u32(0), hist: Log2Hist::decode(row, 8) }
    }

    fn key(&self) -> u32 {
        self.flags
    }

    fn subtract(&mut self, earlier: &Self) {
        self.hist.subtract(&earlier.hist);
    }

    fn happened(&self) -> bool {
        self.hist.count > 0
    }
}

/// `@bpf/lock_wait`: contended waits of one process for kernel locks at one place, if longer than the knob
/// `lock_min_ns` (`struct lock_key`, `struct lock_wait`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockWait {
    /// Process id; 0 for the idle task and interrupts in it.
    pub pid: u32,
    /// Name of the thread that waited last.
    pub comm: String,
    /// Cgroup (v2 id).
    pub cgroup_id: Option<u64>,
    /// Flags of the tracepoint.
    pub flags: u32,
    /// Id of the kernel stack in [`super::Stack`]; its innermost frames are those of the lock itself.
    pub kernel_stack: u64,
    /// Address of the lock that was waited for last.
    pub lock: u64,
    /// Time of the waits.
    pub sum_ns: u64,
    /// Number of waits.
    pub count: u64,
    /// The longest since the program was attached.
    pub max_ns: u64,
}

impl LockWait {
    /// The kind of lock.
    pub fn kind(&self) -> LockKind {
        LockKind::from_flags(self.flags)
    }
}

impl Table for LockWait {
    const SOURCE: &'static str = "@bpf/lock_wait";
    const ROW: usize = 72;
    type Key = (u64, u32, u32);

    fn decode(row: Row<'_>) -> Self {
        Self {
            kernel_stack: row.u64(0),
            pid: row.u32(8),
            flags: row.u32(12),
            sum_ns: row.u64(16),
            count: row.u64(24),
            max_ns: row.u64(32),
            lock: row.u64(40),
            cgroup_id: row.cgroup(48),
            comm: row.comm(56),
        }
    }

    fn key(&self) -> Self::Key {
        (self.kernel_stack, self.pid, self.flags)
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
    fn flags_name_the_lock() {
        use LockKind::{Mutex, PercpuRwsem, RtMutex, RwLockRead, RwLockWrite, RwsemRead, RwsemWrite, Semaphore, Spin};
        assert_eq!(
            [1, 3, 5, 32, 33, 2, 4, 18, 8, 0].map(LockKind::from_flags),
            [Spin, RwLockRead, RwLockWrite, Mutex, Mutex, RwsemRead, RwsemWrite, PercpuRwsem, RtMutex, Semaphore]
        );
        assert!(Spin.spins() && !Mutex.spins());
    }

    #[test]
    fn rows_decode_at_their_offsets() {
        let name = u64::from_ne_bytes(*b"worker\0\0");
        let row = words(&[1 | 2 << 32, 0x7f00, 33, 50, 4, 20, 1, 6, name, 0, 7 | 8 << 32, name, 0, 0x80 | 2 << 32]);
        assert_eq!(row.len(), FutexWait::ROW);
        let row = FutexWait::decode(Row::new(&row));
        assert_eq!((row.pid, row.tid, row.address, row.user_stack), (1, 2, 0x7f00, 33));
        assert_eq!((row.sum_ns, row.count, row.max_ns, row.timeouts, row.cgroup_id), (50, 4, 20, 1, Some(6)));
        assert_eq!((row.waker_pid, row.waker_tid, row.waker_comm.as_str()), (7, 8, "worker"));
        assert_eq!((row.operation, row.value, row.is_mutex()), (0x80, 2, true));
        let row = words(&[33, 1 | 32 << 32, 50, 4, 20, 0xffff, 6, name, 0]);
        assert_eq!(row.len(), LockWait::ROW);
        let row = LockWait::decode(Row::new(&row));
        assert_eq!((row.kernel_stack, row.pid, row.kind(), row.lock, row.count), (33, 1, LockKind::Mutex, 0xffff, 4));
        let row = words(&[1 | 8 << 32, 0x7f00, 50, 4, name, 0, 7]);
        assert_eq!(row.len(), FutexWaker::ROW);
        let row = FutexWaker::decode(Row::new(&row));
        assert_eq!((row.pid, row.waker_tid, row.waker_pid, row.count), (1, 8, 7, 4));
    }
}
