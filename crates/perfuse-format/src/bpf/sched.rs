//! Tables of `sched.bpf.c`: waiting for a CPU, and waiting for anything else.

use super::hist::HIST_BYTES;
use super::{Log2Hist, Row, Table, subtract};

/// `@bpf/runq_hist`: how long threads that wanted to run waited for a CPU, the whole host; one row.
///
/// From the moment a thread is put on a run queue (woken, or preempted) to the moment it runs: the same time that
/// `/proc/PID/schedstat` sums up as its second field. As there, a thread that is woken and at once takes over an idle or
/// less urgent CPU counts with 0: it waited for the switch, not for a CPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunqHist {
    /// The waits.
    pub hist: Log2Hist,
}

impl Table for RunqHist {
    const SOURCE: &'static str = "@bpf/runq_hist";
    const ROW: usize = 8 + HIST_BYTES;
    type Key = ();

    fn decode(row: Row<'_>) -> Self {
        Self { hist: Log2Hist::decode(row, 8) }
    }

    fn key(&self) {}

    fn subtract(&mut self, earlier: &Self) {
        self.hist.subtract(&earlier.hist);
    }

    fn happened(&self) -> bool {
        self.hist.count > 0
    }
}

/// `@bpf/runq_process`: the run-queue waits of one process, all its threads (`struct runq_process`).
///
/// Waits under 2 us arrive here some at a time (knob `runq_batch`), so the last few of a thread may be missing yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunqProcess {
    /// Process id.
    pub pid: u32,
    /// Name of the process when it last waited.
    pub comm: String,
    /// Its cgroup (v2 id) when it last waited.
    pub cgroup_id: Option<u64>,
    /// Sum, number and distribution of the waits; the smallest slot is 1 us, the largest 34 ms.
    pub hist: Log2Hist,
    /// The longest wait since the program was attached.
    pub max_ns: u64,
}

impl Table for RunqProcess {
    const SOURCE: &'static str = "@bpf/runq_process";
    const ROW: usize = 120;
    type Key = u32;

    fn decode(row: Row<'_>) -> Self {
        Self {
            pid: row.u32(0),
            hist: Log2Hist::decode_small(row, 40, row.u64(16), row.u64(8)),
            max_ns: row.u64(24),
            cgroup_id: row.cgroup(32),
            comm: row.comm(104),
        }
    }

    fn key(&self) -> u32 {
        self.pid
    }

    fn subtract(&mut self, earlier: &Self) {
        self.hist.subtract(&earlier.hist);
    }

    fn happened(&self) -> bool {
        self.hist.count > 0
    }
}

/// `@bpf/runq_cgroup`: the run-queue waits of the threads of one cgroup itself, not of its children (`struct runq_cgroup`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunqCgroup {
    /// Id of the cgroup (v2).
    pub cgroup_id: u64,
    /// Sum, number and distribution of the waits; the smallest slot is 1 us, the largest 34 ms.
    pub hist: Log2Hist,
    /// The longest wait since the program was attached.
    pub max_ns: u64,
}

impl Table for RunqCgroup {
    const SOURCE: &'static str = "@bpf/runq_cgroup";
    const ROW: usize = 96;
    type Key = u64;

    fn decode(row: Row<'_>) -> Self {
        Self {
            cgroup_id: row.u64(0),
            hist: Log2Hist::decode_small(row, 32, row.u64(16), row.u64(8)),
            max_ns: row.u64(24),
        }
    }

    fn key(&self) -> u64 {
        self.cgroup_id
    }

    fn subtract(&mut self, earlier: &Self) {
        self.hist.subtract(&earlier.hist);
    }

    fn happened(&self) -> bool {
        self.hist.count > 0
    }
}

/// `@bpf/offcpu`: what one thread waited for off the CPU at one place, if each wait was longer than the knob
/// `offcpu_min_ns` (`struct offcpu_key`, `struct offcpu`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffCpu {
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Name of the thread.
    pub comm: String,
    /// Its cgroup (v2 id).
    pub cgroup_id: Option<u64>,
    /// The task state it slept in: bit 0 interruptible, bit 1 uninterruptible (`include/linux/sched.h`).
    pub state: u32,
    /// Id of the kernel stack in [`Stack`]; 0 where there is none.
    pub kernel_stack: u64,
    /// Id of the user stack in [`Stack`]; 0 where it was not taken: it is taken from the second long wait of a thread on.
    pub user_stack: u64,
    /// Time from leaving the CPU to being woken.
    pub blocked_ns: u64,
    /// Time from being woken to running again, in the same waits.
    pub runq_ns: u64,
    /// Number of waits.
    pub count: u64,
    /// The longest wait (blocked and run queue together) since the program was attached.
    pub max_ns: u64,
}

impl OffCpu {
    /// Whether it slept uninterruptibly: state `D`, which is mostly disk, memory and locks. (`TASK_IDLE`, the
    /// resting kernel threads, is not counted.)
    pub fn uninterruptible(&self) -> bool {
        const TASK_UNINTERRUPTIBLE: u32 = 0x2;
        const TASK_NOLOAD: u32 = 0x400;
        self.state & TASK_UNINTERRUPTIBLE != 0 && self.state & TASK_NOLOAD == 0
    }
}

impl Table for OffCpu {
    const SOURCE: &'static str = "@bpf/offcpu";
    const ROW: usize = 88;
    type Key = (u32, u32, u64, u64, u32);

    fn decode(row: Row<'_>) -> Self {
        Self {
            pid: row.u32(0),
            tid: row.u32(4),
            kernel_stack: row.u64(8),
            user_stack: row.u64(16),
            state: row.u32(24),
            blocked_ns: row.u64(32),
            runq_ns: row.u64(40),
            count: row.u64(48),
            max_ns: row.u64(56),
            cgroup_id: row.cgroup(64),
            comm: row.comm(72),
        }
    }

    fn key(&self) -> Self::Key {
        (self.pid, self.tid, self.kernel_stack, self.user_stack, self.state)
    }

    fn subtract(&mut self, earlier: &Self) {
        subtract!(self - earlier: count, blocked_ns, runq_ns);
    }

    fn happened(&self) -> bool {
        self.count > 0
    }
}

/// `@bpf/stacks`: the frames of one stack that rows of other tables refer to by `id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// What the rows refer to: a hash of the addresses.
    pub id: u64,
    /// Return addresses, innermost first, at most 64. Kernel addresses, or user addresses in the process of the row.
    pub frames: Vec<u64>,
}

/// Frames of a stack at most.
const FRAMES: usize = 64;

impl Table for Stack {
    const SOURCE: &'static str = "@bpf/stacks";
    const ROW: usize = 8 + 8 * FRAMES;
    type Key = u64;

    fn decode(row: Row<'_>) -> Self {
        let frames = (0..FRAMES).map(|frame| row.u64(8 + 8 * frame)).take_while(|&address| address != 0).collect();
        Self { id: row.u64(0), frames }
    }

    fn key(&self) -> u64 {
        self.id
    }

    fn subtract(&mut self, _: &Self) {}

    fn happened(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::words;
    use super::*;

    #[test]
    fn rows_decode_at_their_offsets() {
        let row = words(&[7 | 8 << 32, 100, 200, 0x402, 5000, 600, 3, 2000, 9, u64::from_ne_bytes(*b"sleeper\0"), 0]);
        assert_eq!(row.len(), OffCpu::ROW);
        let off = OffCpu::decode(Row::new(&row));
        assert_eq!((off.pid, off.tid, off.kernel_stack, off.user_stack), (7, 8, 100, 200));
        assert_eq!((off.blocked_ns, off.runq_ns, off.count, off.max_ns), (5000, 600, 3, 2000));
        assert_eq!((off.cgroup_id, off.comm.as_str(), off.uninterruptible()), (Some(9), "sleeper", false));

        let mut row = words(&[7, 3000, 2, 1500, 0]);
        row.extend([0; 64]);
        row[40] = 2;
        row.extend(*b"a process name!\0");
        assert_eq!(row.len(), RunqProcess::ROW);
        let process = RunqProcess::decode(Row::new(&row));
        assert_eq!((process.hist.count, process.hist.sum_ns, process.hist.slots[10]), (2, 3000, 2));
        assert_eq!((process.comm.as_str(), process.cgroup_id), ("a process name!", None));

        let mut row = words(&[1, 0xffff_ffff_8100_0000, 0xffff_ffff_8100_0001]);
        row.resize(Stack::ROW, 0);
        assert_eq!(Stack::decode(Row::new(&row)).frames.len(), 2);
    }
}
