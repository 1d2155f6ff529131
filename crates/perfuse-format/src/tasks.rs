//! All threads and processes of the host at one moment, whichever way they were read.
//!
//! Two sources give the same [`TaskTable`]: the BPF task iterator (`@bpf/tasks`, every thread, 0.6 ms for a
//! thousand) and the files of `/proc/PID` (every process; single threads only of those that the
//! sampler found busy).

use std::collections::BTreeMap;

use crate::proc::pid::{PidIo, PidSchedstat, PidStat};
use crate::raw::RawSnapshot;
use crate::reading::{Missing, Reading, Why};
use crate::sys::host::Host;

/// One thread, or one whole process (all its threads together, the ended ones included).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Task {
    /// Thread id; for a process the same as `pid`.
    pub tid: u32,
    /// Process id (the kernel's tgid), in the reader's pid namespace.
    pub pid: u32,
    /// Parent process.
    pub ppid: u32,
    /// Nanoseconds from boot to the start of the task: with the id, its identity.
    pub start_ns: u64,
    /// Name (`comm`), at most 15 bytes; may hold anything but NUL.
    pub comm: String,
    /// State letter as in `/proc/PID/stat`: R S D T t Z X I.
    pub state: char,
    /// Kernel thread (`PF_KTHREAD`).
    pub kernel_thread: bool,
    /// CPU time in user mode.
    pub user_ns: u64,
    /// CPU time in the kernel.
    pub system_ns: u64,
    /// Runnable and waiting for a CPU; from `schedstat` or `sched_info`.
    pub run_delay_ns: Option<u64>,
    /// Waiting for synchronous block I/O; needs `kernel.task_delayacct=1`.
    pub blkio_delay_ns: Option<u64>,
    /// Waiting for swap-in; needs delay accounting.
    pub swapin_delay_ns: Option<u64>,
    /// In direct reclaim; needs delay accounting.
    pub reclaim_delay_ns: Option<u64>,
    /// Waiting for a page of the working set that was just evicted; needs delay accounting.
    pub thrashing_delay_ns: Option<u64>,
    /// Page faults without I/O.
    pub minor_faults: u64,
    /// Page faults with I/O.
    pub major_faults: u64,
    /// Voluntary context switches.
    pub voluntary_switches: Option<u64>,
    /// Involuntary context switches.
    pub involuntary_switches: Option<u64>,
    /// Bytes that caused reads from a block device; `None` where `/proc/PID/io` is refused.
    pub read_bytes: Option<u64>,
    /// Bytes sent towards a block device.
    pub write_bytes: Option<u64>,
    /// Resident set, in pages of the host's page size.
    pub rss_pages: u64,
    /// Threads of the process.
    pub threads: u32,
    /// CPU that it last ran on.
    pub cpu: u32,
    /// Nice value, -20..19.
    pub nice: i32,
    /// Scheduling policy: 0 normal, 1 FIFO, 2 RR, 3 batch, 5 idle, 6 deadline.
    pub policy: u32,
    /// CPUs that its affinity allows; `None` where not read.
    pub allowed_cpus: Option<u32>,
    /// Id of its cgroup v2 (the inode number of its directory); `None` where not read.
    pub cgroup_id: Option<u64>,
    /// Real user id; `None` where not read.
    pub uid: Option<u32>,
}

impl Task {
    /// CPU time, user and system.
    pub fn cpu_ns(&self) -> u64 {
        self.user_ns.saturating_add(self.system_ns)
    }
}

/// Where a [`TaskTable`] comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskSource {
    /// The BPF iterator over tasks: every thread.
    BpfIterator,
    /// `/proc/PID`: every process that is visible; threads only of busy processes.
    Proc,
}

/// The tasks of one snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskTable {
    /// Whole processes by pid.
    pub processes: BTreeMap<u32, Task>,
    /// Threads by tid. With [`TaskSource::Proc`] this holds each single-threaded process and the threads
    /// of those multi-threaded ones that the sampler looked into.
    pub threads: BTreeMap<u32, Task>,
    /// Where it comes from.
    pub source: TaskSource,
}

impl TaskTable {
    /// The tasks of a snapshot, from the best source that it has.
    pub fn from_raw(raw: &RawSnapshot) -> Reading<Self> {
        if raw.has("@bpf/tasks") {
            let from_bpf = raw.bytes("@bpf/tasks").and_then(|bytes| match from_rows(bytes) {
                Some(table) => Reading::Value(table),
                None => Reading::Missing(Missing::new(Why::Malformed, "@bpf/tasks")),
            });
            if from_bpf.value().is_some() {
                return from_bpf;
            }
        }
        from_proc(raw)
    }
}

/// Which optional groups of a [`TaskRow`] the kernel could fill; bits of `has`.
mod has {
    pub(super) const RUN_DELAY: u32 = 1 << 0;
    pub(super) const DELAYS: u32 = 1 << 1;
    pub(super) const IO: u32 = 1 << 2;
    pub(super) const CGROUP: u32 = 1 << 3;
}

/// Bytes of the header before the rows: `u32 row_size, u32 rows, u64 lost`, native endian.
///
/// ```text
/// @bpf/tasks   | row_size | rows | lost | row 0 | row 1 | ...
///                  u32      u32    u64
/// ```
/// A row may be longer than this version knows; what follows is skipped. The row is `struct task_row` of
/// `crates/perfuse-collect/bpf/tasks.bpf.c`; the offsets below mirror it.
pub const TABLE_HEADER: usize = 16;

/// Bytes of `struct task_row` that this version reads.
pub const TASK_ROW: usize = 296;

/// One field of a row; the caller has checked the row's length.
struct Row<'a>(&'a [u8]);

impl Row<'_> {
    fn u32(&self, at: usize) -> u32 {
        self.0.get(at..at + 4).map_or(0, |b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn u64(&self, at: usize) -> u64 {
        let mut bytes = [0; 8];
        if let Some(field) = self.0.get(at..at + 8) {
            bytes.copy_from_slice(field);
        }
        u64::from_ne_bytes(bytes)
    }
}

/// The rows of a `@bpf/...` table as slices; `None` when the header and the length disagree.
pub fn table_rows(bytes: &[u8], known: usize) -> Option<impl Iterator<Item = &[u8]>> {
    let header = Row(bytes.get(..TABLE_HEADER)?);
    let (size, rows) = (header.u32(0) as usize, header.u32(4) as usize);
    let body = &bytes[TABLE_HEADER..];
    if size < known || size == 0 || body.len() != size.checked_mul(rows)? {
        return None;
    }
    Some(body.chunks_exact(size))
}

/// Updates that did not fit into the map behind a `@bpf/...` table.
pub fn table_lost(bytes: &[u8]) -> Option<u64> {
    Some(Row(bytes.get(..TABLE_HEADER)?).u64(8))
}

/// One thread, and for a group leader what the ended threads of its process had used.
fn from_row(bytes: &[u8]) -> (Task, Task) {
    let row = Row(bytes);
    let has = row.u32(276);
    let when = |bit: u32, value: u64| (has & bit != 0).then_some(value);
    let comm = &bytes[280..296];
    let comm = &comm[..comm.iter().position(|&byte| byte == 0).unwrap_or(16)];
    let task = Task {
        tid: row.u32(0),
        pid: row.u32(4),
        ppid: row.u32(8),
        uid: Some(row.u32(12)),
        start_ns: row.u64(16),
        user_ns: row.u64(24),
        system_ns: row.u64(32),
        run_delay_ns: when(has::RUN_DELAY, row.u64(48)),
        blkio_delay_ns: when(has::DELAYS, row.u64(56)),
        swapin_delay_ns: when(has::DELAYS, row.u64(64)),
        reclaim_delay_ns: when(has::DELAYS, row.u64(72)),
        thrashing_delay_ns: when(has::DELAYS, row.u64(80)),
        minor_faults: row.u64(88),
        major_faults: row.u64(96),
        voluntary_switches: Some(row.u64(104)),
        involuntary_switches: Some(row.u64(112)),
        read_bytes: when(has::IO, row.u64(120)),
        write_bytes: when(has::IO, row.u64(128)),
        rss_pages: row.u64(136),
        cgroup_id: when(has::CGROUP, row.u64(144)),
        state: state_letter(row.u32(232)),
        kernel_thread: row.u32(236) & PF_KTHREAD != 0,
        threads: row.u32(240),
        cpu: row.u32(244),
        nice: row.u32(252).cast_signed() - 120,
        policy: row.u32(256),
        allowed_cpus: Some(row.u32(260)),
        comm: String::from_utf8_lossy(comm).into_owned(),
    };
    let ended = Task {
        user_ns: row.u64(160),
        system_ns: row.u64(168),
        minor_faults: row.u64(176),
        major_faults: row.u64(184),
        voluntary_switches: Some(row.u64(192)),
        involuntary_switches: Some(row.u64(200)),
        read_bytes: when(has::IO, row.u64(208)),
        write_bytes: when(has::IO, row.u64(216)),
        ..Task::default()
    };
    (task, ended)
}

/// `PF_KTHREAD` of `include/linux/sched.h`.
const PF_KTHREAD: u32 = 0x0020_0000;

/// The letter of a `task->__state | exit_state` value (`fs/proc/array.c`, `task_state_array`).
fn state_letter(state: u32) -> char {
    const TASK_NOLOAD: u32 = 0x400;
    match state {
        0 => 'R',
        state if state & (TASK_NOLOAD | 0x2) == TASK_NOLOAD | 0x2 => 'I',
        state if state & 0x1 != 0 => 'S',
        state if state & 0x2 != 0 => 'D',
        state if state & 0x4 != 0 => 'T',
        state if state & 0x8 != 0 => 't',
        state if state & 0x10 != 0 => 'X',
        state if state & 0x20 != 0 => 'Z',
        _ => 'S',
    }
}

fn from_rows(bytes: &[u8]) -> Option<TaskTable> {
    // Collected as a whole: a tree is built faster from a sorted list than by inserting.
    let mut threads = Vec::new();
    let mut processes: BTreeMap<u32, Task> = BTreeMap::new();
    for row in table_rows(bytes, TASK_ROW)? {
        let (task, ended) = from_row(row);
        let process = processes.entry(task.pid).or_insert_with(|| Task {
            run_delay_ns: task.run_delay_ns.map(|_| 0),
            blkio_delay_ns: task.blkio_delay_ns.map(|_| 0),
            swapin_delay_ns: task.swapin_delay_ns.map(|_| 0),
            reclaim_delay_ns: task.reclaim_delay_ns.map(|_| 0),
            thrashing_delay_ns: task.thrashing_delay_ns.map(|_| 0),
            voluntary_switches: Some(0),
            involuntary_switches: Some(0),
            read_bytes: task.read_bytes.map(|_| 0),
            write_bytes: task.write_bytes.map(|_| 0),
            ..Task::default()
        });
        add(process, &task);
        add(process, &ended);
        if task.tid == task.pid {
            lead(process, &task);
        }
        threads.push((task.tid, task));
    }
    // A process whose leader has ended while other threads live on has a zombie leader; it is in the
    // iteration all the same. Without one the row says nothing of the whole process.
    processes.retain(|pid, process| process.pid == *pid);
    Some(TaskTable { processes, threads: threads.into_iter().collect(), source: TaskSource::BpfIterator })
}

/// Adds the counters of one thread to its process.
fn add(process: &mut Task, thread: &Task) {
    let sum = |total: &mut Option<u64>, part: Option<u64>| {
        if let (Some(total), Some(part)) = (total.as_mut(), part) {
            *total = total.saturating_add(part);
        }
    };
    process.user_ns = process.user_ns.saturating_add(thread.user_ns);
    process.system_ns = process.system_ns.saturating_add(thread.system_ns);
    process.minor_faults = process.minor_faults.saturating_add(thread.minor_faults);
    process.major_faults = process.major_faults.saturating_add(thread.major_faults);
    sum(&mut process.run_delay_ns, thread.run_delay_ns);
    sum(&mut process.blkio_delay_ns, thread.blkio_delay_ns);
    sum(&mut process.swapin_delay_ns, thread.swapin_delay_ns);
    sum(&mut process.reclaim_delay_ns, thread.reclaim_delay_ns);
    sum(&mut process.thrashing_delay_ns, thread.thrashing_delay_ns);
    sum(&mut process.voluntary_switches, thread.voluntary_switches);
    sum(&mut process.involuntary_switches, thread.involuntary_switches);
    sum(&mut process.read_bytes, thread.read_bytes);
    sum(&mut process.write_bytes, thread.write_bytes);
}

/// Takes what belongs to the process as a whole from its leading thread.
fn lead(process: &mut Task, leader: &Task) {
    process.tid = leader.tid;
    process.pid = leader.pid;
    process.ppid = leader.ppid;
    process.uid = leader.uid;
    process.start_ns = leader.start_ns;
    process.comm.clone_from(&leader.comm);
    process.state = leader.state;
    process.kernel_thread = leader.kernel_thread;
    process.rss_pages = leader.rss_pages;
    process.threads = leader.threads;
    process.cpu = leader.cpu;
    process.nice = leader.nice;
    process.policy = leader.policy;
    process.allowed_cpus = leader.allowed_cpus;
    process.cgroup_id = leader.cgroup_id;
}

/// Builds the table from `/proc/PID/...` sources of the snapshot.
fn from_proc(raw: &RawSnapshot) -> Reading<TaskTable> {
    let mut processes = BTreeMap::new();
    let mut threads = BTreeMap::new();
    let hz = raw.get::<Host>("@host").into_value().map_or(100, |host| host.clock_ticks);
    let tick = 1_000_000_000 / hz.max(1);
    for (rest, _) in raw.under("/proc/") {
        let Some(directory) = rest.strip_suffix("/stat") else { continue };
        let mut parts = directory.split('/');
        let Some(pid) = parts.next().and_then(|part| part.parse::<u32>().ok()) else { continue };
        let (task, tid) = match (parts.next(), parts.next()) {
            (None, _) => (proc_task(raw, directory, (pid, pid), tick), pid),
            (Some("task"), Some(tid)) => match tid.parse::<u32>() {
                Ok(tid) => (proc_task(raw, directory, (pid, tid), tick), tid),
                Err(_) => continue,
            },
            _ => continue,
        };
        let Some(task) = task else { continue };
        if directory.contains('/') {
            threads.insert(tid, task);
        } else {
            if task.threads <= 1 {
                threads.entry(tid).or_insert_with(|| task.clone());
            }
            processes.insert(pid, task);
        }
    }
    if processes.is_empty() {
        return Reading::Missing(Missing::new(Why::Absent, "/proc/PID/stat"));
    }
    Reading::Value(TaskTable { processes, threads, source: TaskSource::Proc })
}

/// One task from the files of its directory, with the nanoseconds of a clock tick; nothing when it vanished between the listing and the reading.
fn proc_task(raw: &RawSnapshot, directory: &str, (pid, tid): (u32, u32), tick: u64) -> Option<Task> {
    let path = |file: &str| format!("/proc/{directory}/{file}");
    let stat: PidStat = raw.get(&path("stat")).into_value()?;
    let delay = raw.get::<PidSchedstat>(&path("schedstat")).into_value();
    let io = raw.get::<PidIo>(&path("io")).into_value();
    Some(Task {
        tid,
        pid,
        ppid: stat.ppid,
        start_ns: stat.start_ticks.saturating_mul(tick),
        comm: stat.comm,
        state: stat.state,
        kernel_thread: stat.flags & u64::from(PF_KTHREAD) != 0,
        user_ns: stat.user_ticks.saturating_mul(tick),
        system_ns: stat.system_ticks.saturating_mul(tick),
        run_delay_ns: delay.map(|delay| delay.run_delay_ns),
        blkio_delay_ns: stat.blkio_delay_ticks.map(|ticks| ticks.saturating_mul(tick)),
        minor_faults: stat.minor_faults,
        major_faults: stat.major_faults,
        read_bytes: io.map(|io| io.read_bytes),
        write_bytes: io.map(|io| io.write_bytes),
        rss_pages: stat.rss_pages,
        threads: stat.threads,
        cpu: stat.cpu,
        nice: stat.nice,
        policy: stat.policy,
        ..Task::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(pid: u32, comm: &str, user: u64, threads: u32) -> String {
        format!(
            "{pid} ({comm}) S 1 1 1 0 -1 4194304 7 0 3 0 {user} 5 0 0 20 0 {threads} 0 4000 0 25 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 9 0 0"
        )
    }

    #[test]
    fn proc_files_make_processes_and_threads() {
        let mut raw = RawSnapshot::default();
        raw.put("/proc/10/stat", stat(10, "one", 50, 1));
        raw.put("/proc/10/schedstat", "100 2000 3\n");
        raw.put("/proc/20/stat", stat(20, "many", 80, 2));
        raw.put("/proc/20/task/21/stat", stat(21, "wor) ker", 60, 2));
        raw.put_errno("/proc/30/stat", 3);
        let table = TaskTable::from_raw(&raw).into_value().unwrap();
        assert_eq!(table.source, TaskSource::Proc);
        assert_eq!(table.processes.keys().copied().collect::<Vec<_>>(), [10, 20]);
        assert_eq!(table.threads.keys().copied().collect::<Vec<_>>(), [10, 21]);
        assert_eq!(table.threads[&21].comm, "wor) ker");
        assert_eq!(table.processes[&10].user_ns, 500_000_000);
        assert_eq!(table.processes[&10].run_delay_ns, Some(2000));
        assert_eq!(table.processes[&10].read_bytes, None);
    }

    #[test]
    fn bpf_rows_add_up_to_processes() {
        let row = |tid: u32, pid: u32, user: u64, ended: u64| {
            let mut row = vec![0_u8; TASK_ROW];
            row[0..4].copy_from_slice(&tid.to_ne_bytes());
            row[4..8].copy_from_slice(&pid.to_ne_bytes());
            row[24..32].copy_from_slice(&user.to_ne_bytes());
            row[160..168].copy_from_slice(&ended.to_ne_bytes());
            row[252..256].copy_from_slice(&120_u32.to_ne_bytes());
            row[280..284].copy_from_slice(b"name");
            row
        };
        let mut bytes = Vec::new();
        bytes.extend((u32::try_from(TASK_ROW).unwrap()).to_ne_bytes());
        bytes.extend(2_u32.to_ne_bytes());
        bytes.extend(0_u64.to_ne_bytes());
        bytes.extend(row(5, 5, 100, 7));
        bytes.extend(row(6, 5, 50, 0));
        let mut raw = RawSnapshot::default();
        raw.put("@bpf/tasks", bytes.clone());
        let table = TaskTable::from_raw(&raw).into_value().unwrap();
        assert_eq!(table.processes[&5].user_ns, 157);
        assert_eq!(table.threads[&6].user_ns, 50);
        assert_eq!(table.processes[&5].run_delay_ns, None);
        bytes.pop();
        assert!(from_rows(&bytes).is_none(), "a length that is no multiple of the row is refused");
    }
}
