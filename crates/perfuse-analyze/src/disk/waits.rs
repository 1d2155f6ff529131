//! Who waits for storage, and who uses it.

use std::collections::BTreeMap;

use perfuse_format::Reading;
use perfuse_format::bpf::{BlockProcess, FutexWaker, OffCpu};
use perfuse_format::proc::pressure::Pressure;
use perfuse_format::proc::wchan::{WaitChannels, WaitFor};

use crate::cell::{Entity, Link};
use crate::message::Msg;
use crate::run::Run;
use crate::tasks::Used;
use crate::{Quantity, Unit};

use super::devices::Devices;

/// Samples that must show a process blocked before sampling alone says that it waits.
const ENOUGH_SAMPLES: u32 = 2;

/// How a wait was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// Share of the run's samples in which threads were seen blocked.
    Samples,
    /// Time off the CPU in uninterruptible sleep, measured in the kernel.
    OffCpu,
    /// The kernel's delay accounting.
    DelayAccounting,
}

impl How {
    /// The source to be named in evidence.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::Samples => "/proc/PID/stat: state D, wchan",
            Self::OffCpu => "@bpf/offcpu: state D",
            Self::DelayAccounting => "/proc/PID/stat: delayacct_blkio_ticks",
        }
    }
}

/// One process that waits for storage.
#[derive(Debug, Clone)]
pub(super) struct Waiter<'a> {
    /// What it used.
    pub(super) used: &'a Used,
    /// Seconds of its threads' waiting per second.
    pub(super) wait: f64,
    /// Share of the time that it wanted to get on: waiting against waiting, running and being runnable.
    pub(super) share: f64,
    /// How it was measured.
    pub(super) how: How,
    /// Samples by what its blocked threads waited for.
    pub(super) kinds: BTreeMap<WaitFor, u32>,
    /// Device that most of its own requests went to, where the kernel side told.
    pub(super) device: Option<(u32, u32)>,
    /// Seconds per second that other threads waited for a lock until one of its threads that wait for storage let go.
    pub(super) lock_wait: f64,
}

impl Waiter<'_> {
    /// The part of its wait that is of one kind, by samples.
    pub(super) fn wait_of(&self, kind: WaitFor) -> f64 {
        let all: u32 = self.kinds.values().sum();
        let these = self.kinds.get(&kind).copied().unwrap_or(0);
        if all == 0 { 0.0 } else { self.wait * f64::from(these) / f64::from(all) }
    }

    /// As someone who suffers.
    pub(super) fn entity(&self) -> Entity {
        let detail = Msg::new("disk-victim-wait")
            .with("wait", Quantity::wait(self.wait))
            .with("share", Quantity::ratio(self.share));
        Entity::process(self.used.task.pid, self.used.task.comm.as_str()).detail(detail)
    }
}

/// Pressure of one file over the run: `(some, full)` in seconds per second.
pub(super) fn pressure(run: &Run, source: &str) -> Reading<(f64, f64)> {
    run.span::<Pressure>(source).and_then(|span| {
        let stalled = |first: u64, last: u64| perfuse_format::delta(first, last).reading(source);
        stalled(span.first.some_us, span.last.some_us).map(|some| {
            let full = match (span.first.full_us, span.last.full_us) {
                (Some(first), Some(last)) => stalled(first, last).into_value().unwrap_or(0),
                _ => 0,
            };
            (some as f64 / 1e6 / span.seconds, full as f64 / 1e6 / span.seconds)
        })
    })
}

/// Samples of one process by kind, over all snapshots that looked; and how many looked.
fn samples(run: &Run) -> (BTreeMap<u32, BTreeMap<WaitFor, u32>>, u32) {
    let mut by_pid: BTreeMap<u32, BTreeMap<WaitFor, u32>> = BTreeMap::new();
    let mut looked = 0;
    for (_, reading) in run.series::<WaitChannels>("@disk/wchan") {
        let Reading::Value(waiters) = reading else { continue };
        looked += 1;
        for waiter in &waiters.0 {
            *by_pid.entry(waiter.pid).or_default().entry(waiter.wait_for()).or_default() += 1;
        }
    }
    (by_pid, looked)
}

/// Seconds per second in uninterruptible sleep by process and by thread, measured in the kernel.
fn off_cpu(run: &Run) -> (BTreeMap<u32, f64>, BTreeMap<u32, f64>) {
    let (mut processes, mut threads) = (BTreeMap::new(), BTreeMap::new());
    if let Some((rows, seconds)) = run.bpf::<OffCpu>().into_value() {
        for row in rows.iter().filter(|row| row.uninterruptible()) {
            let wait = row.blocked_ns as f64 / 1e9 / seconds;
            *processes.entry(row.pid).or_insert(0.0) += wait;
            *threads.entry(row.tid).or_insert(0.0) += wait;
        }
    }
    (processes, threads)
}

/// Threads that wait for storage for a good part of the time, or for most of that in which they do anything at all, make
/// those who wait for their locks wait for it too: seconds per second of such waiting by the process of the holder.
fn lock_waits(run: &Run, blocked: &BTreeMap<u32, f64>) -> BTreeMap<u32, f64> {
    const GOOD_PART: f64 = 0.25;
    const LEAST: f64 = 0.02;
    let works = |tid: u32| {
        let used = run.tasks.value().and_then(|tasks| tasks.threads.get(&tid));
        used.map_or(f64::INFINITY, |used| used.cpu + used.run_delay.unwrap_or(0.0))
    };
    let waits = |tid: u32| {
        let wait = blocked.get(&tid).copied().unwrap_or(0.0);
        wait >= GOOD_PART || (wait >= LEAST && wait > works(tid))
    };
    let mut by_pid = BTreeMap::new();
    if let Some((rows, seconds)) = run.bpf::<FutexWaker>().into_value() {
        for row in rows.iter().filter(|row| waits(row.waker_tid)) {
            *by_pid.entry(row.waker_pid).or_insert(0.0) += row.sum_ns as f64 / 1e9 / seconds;
        }
    }
    by_pid
}

/// The device that most requests of a process went to.
fn own_devices(run: &Run) -> BTreeMap<u32, (u32, u32)> {
    let mut best: BTreeMap<u32, (u64, (u32, u32))> = BTreeMap::new();
    if let Some((rows, _)) = run.bpf::<BlockProcess>().into_value() {
        for row in rows {
            let time = row.queue_ns.saturating_add(row.device_ns);
            let entry = best.entry(row.pid).or_insert((0, (row.major, row.minor)));
            if time > entry.0 {
                *entry = (time, (row.major, row.minor));
            }
        }
    }
    best.into_iter().map(|(pid, (_, device))| (pid, device)).collect()
}

/// Whether a kind of wait is one for local storage; a lock, the dirty limit and a file server are not.
fn is_storage(kind: WaitFor) -> bool {
    matches!(kind, WaitFor::Journal | WaitFor::QueueSlot | WaitFor::Page | WaitFor::Request)
}

/// Every process in scope that waits for storage, the longest waits first. Kernel threads are left out: they wait on
/// behalf of others.
pub(super) fn waiters<'a>(run: &'a Run) -> Vec<Waiter<'a>> {
    let Reading::Value(tasks) = &run.tasks else { return Vec::new() };
    let (by_pid, looked) = samples(run);
    let ((blocked, blocked_threads), devices) = (off_cpu(run), own_devices(run));
    let lock_waits = lock_waits(run, &blocked_threads);
    let stalled = pressure(run, "/proc/pressure/io").into_value().map(|(some, _)| some);
    let mut found = Vec::new();
    for used in tasks.processes.values() {
        let pid = used.task.pid;
        if used.task.kernel_thread || !run.in_scope(pid) {
            continue;
        }
        let kinds = by_pid.get(&pid).cloned().unwrap_or_default();
        let (threads, cpus) = (used.task.threads.max(1), run.host.cpus);
        let mut measures = Measures { kinds: &kinds, looked, stalled, threads, cpus, best: None };
        measures.sampled();
        measures.off_cpu(blocked.get(&pid).copied());
        measures.delay(used.blkio_delay);
        let Some((wait, how)) = measures.best else { continue };
        let active = wait + used.cpu + used.run_delay.unwrap_or(0.0);
        let share = if active > 0.0 { wait / active } else { 0.0 };
        let lock_wait = lock_waits.get(&pid).copied().unwrap_or(0.0);
        found.push(Waiter { used, wait, share, how, kinds, device: devices.get(&pid).copied(), lock_wait });
    }
    found.sort_by(|a, b| b.wait.total_cmp(&a.wait).then(a.used.task.pid.cmp(&b.used.task.pid)));
    found
}

/// The measures of one process's wait; the most exact one that says anything stands, the larger one of two.
///
/// Delay accounting misses the waits that the kernel does not count as I/O (a journal commit is one), sampling misses
/// what is short, and time in state D holds locks too: none of them replaces the others.
struct Measures<'a> {
    kinds: &'a BTreeMap<WaitFor, u32>,
    looked: u32,
    stalled: Option<f64>,
    threads: u32,
    cpus: u32,
    best: Option<(f64, How)>,
}

impl Measures<'_> {
    fn offer(&mut self, wait: f64, how: How) {
        if wait > 0.0 && wait.is_finite() && self.best.is_none_or(|(best, _)| wait > best * 1.1) {
            self.best = Some((wait, how));
        }
    }

    /// Samples of storage waits. An unknown channel counts where the host's I/O pressure says that someone waits.
    fn storage_samples(&self) -> u32 {
        let unknown_counts = self.stalled.is_none_or(|some| some >= 0.02);
        let counts = |kind: WaitFor| is_storage(kind) || (kind == WaitFor::Other && unknown_counts);
        self.kinds.iter().filter(|(kind, _)| counts(**kind)).map(|(_, count)| *count).sum()
    }

    /// What the waits that the kernel counts as I/O can be at most. The host's pressure is a mean over the CPUs, weighed
    /// by how busy each is: one stalled thread beside a busy CPU shows as half. A journal commit is not counted there,
    /// so with one seen there is no bound.
    fn capped(&self, wait: f64) -> f64 {
        match self.stalled {
            Some(some) if !self.kinds.contains_key(&WaitFor::Journal) => {
                wait.min(some * f64::from(self.cpus.max(1)) * f64::from(self.threads))
            }
            _ => wait,
        }
    }

    fn sampled(&mut self) {
        let count = self.storage_samples();
        if count >= ENOUGH_SAMPLES && self.looked > 0 {
            self.offer(self.capped(f64::from(count) / f64::from(self.looked)), How::Samples);
        }
    }

    fn off_cpu(&mut self, blocked: Option<f64>) {
        // No thread waits for longer than the time that passes; in-kernel sums are read a little after the clock.
        let Some(blocked) = blocked.map(|blocked| blocked.min(f64::from(self.threads))) else { return };
        let all: u32 = self.kinds.values().sum();
        let storage = if all > 0 { f64::from(self.storage_samples()) / f64::from(all) } else { 1.0 };
        let exact = self.capped(blocked * storage);
        // Exact time in state D replaces a guess from samples. It leaves out waits below the threshold of the in-kernel
        // program, so that where it is far smaller the samples are nearer to the truth.
        if exact > 0.0 && exact.is_finite() && self.best.is_none_or(|(best, _)| exact > best / 2.0) {
            self.best = Some((exact, How::OffCpu));
        }
    }

    fn delay(&mut self, delay: Option<f64>) {
        if let Some(delay) = delay {
            self.offer(delay, How::DelayAccounting);
        }
    }
}

/// What a summary adds behind its first victim: how many more there are, and what they lose together.
pub(super) fn together(victims: usize, wait: f64) -> Msg {
    let others = victims.saturating_sub(1) as u64;
    Msg::new("disk-together").with("others", others).with("sum", Quantity::wait(wait))
}

/// The link before the first: others wait for locks that a victim holds while it waits for storage. Only where they
/// wait long enough to matter.
pub(super) fn lock_link(run: &Run, victim: &str, lock_wait: f64) -> Option<Link> {
    (lock_wait >= run.threshold("finding.min-wait")).then(|| Link {
        from: Msg::new("disk-link-lock").with("victim", victim),
        to: Msg::new("disk-link-waits").with("victim", victim),
        evidence: Msg::new("disk-link-lock-evidence").with("wait", Quantity::wait(lock_wait)),
    })
}

/// One user of storage.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct User {
    /// Process.
    pub(super) pid: u32,
    /// Its name.
    pub(super) comm: String,
    /// Bytes a second, both directions.
    pub(super) bytes: f64,
    /// Requests a second; `None` where only bytes are known.
    pub(super) requests: Option<f64>,
    /// Where the numbers come from.
    pub(super) source: &'static str,
}

impl User {
    /// As someone who uses it.
    pub(super) fn entity(&self) -> Entity {
        Entity::process(self.pid, self.comm.as_str())
            .detail(Msg::new("disk-user-rate").with("rate", Quantity::new(self.bytes, Unit::BytesPerSecond)))
    }
}

/// Kernel threads that write on behalf of others: flushers, the journal, swapping, loop workers.
fn writes_for_others(comm: &str) -> bool {
    ["kworker", "jbd2/", "kswapd", "xfsaild", "btrfs-", "loop", "dmcrypt_write", "md"]
        .iter()
        .any(|start| comm.starts_with(start))
}

/// Who uses storage most: of one device where the kernel side tells and `device` is given, else of all. A kernel
/// thread that writes for others gives way to the process that dirtied most.
pub(super) fn users(run: &Run, device: Option<(u32, u32)>) -> Vec<User> {
    let mut users = block_users(run, device);
    let by_tasks = task_users(run);
    let behind = users.iter().any(|user| writes_for_others(&user.comm));
    users.retain(|user| !writes_for_others(&user.comm));
    if users.is_empty() || behind {
        let known: Vec<u32> = users.iter().map(|user| user.pid).collect();
        users.extend(by_tasks.into_iter().filter(|user| !known.contains(&user.pid)));
    }
    users.sort_by(|a, b| b.bytes.total_cmp(&a.bytes).then(a.pid.cmp(&b.pid)));
    users
}

/// From the requests that the kernel side counted.
fn block_users(run: &Run, device: Option<(u32, u32)>) -> Vec<User> {
    let Some((rows, seconds)) = run.bpf::<BlockProcess>().into_value() else { return Vec::new() };
    let mut by_pid: BTreeMap<u32, User> = BTreeMap::new();
    for row in rows.iter().filter(|row| device.is_none_or(|device| device == (row.major, row.minor))) {
        let user = by_pid.entry(row.pid).or_insert_with(|| User {
            pid: row.pid,
            comm: row.comm.clone(),
            bytes: 0.0,
            requests: Some(0.0),
            source: "@bpf/block_process",
        });
        user.bytes += (row.read_bytes.saturating_add(row.write_bytes)) as f64 / seconds;
        user.requests = user.requests.map(|requests| requests + row.count() as f64 / seconds);
    }
    by_pid.into_values().filter(|user| run.in_scope(user.pid)).collect()
}

/// From the bytes that processes read and dirtied.
fn task_users(run: &Run) -> Vec<User> {
    let Reading::Value(tasks) = &run.tasks else { return Vec::new() };
    let bytes = |used: &Used| match (used.read_bytes, used.write_bytes) {
        (None, None) => None,
        (read, write) => Some(read.unwrap_or(0.0) + write.unwrap_or(0.0)),
    };
    let top = tasks.top(run, |used| bytes(used).filter(|_| !used.task.kernel_thread));
    let user = |(used, bytes): (&Used, f64)| User {
        pid: used.task.pid,
        comm: used.task.comm.clone(),
        bytes,
        requests: None,
        source: "/proc/PID/io",
    };
    top.into_iter().map(user).collect()
}

/// The device that a process waits for: its own requests' one; else the one with the longest queue.
pub(super) fn device_of<'d>(waiter: &Waiter, devices: &'d Devices) -> Option<&'d super::devices::Device> {
    let own = waiter.device.and_then(|number| devices.by_number(number));
    own.or_else(|| devices.active().first().copied())
}
