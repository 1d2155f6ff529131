//! `user-lock.*`: threads that wait for a mutex, a reader-writer lock or a semaphore of their program.

mod deadlock;
mod evidence;

use std::collections::{BTreeMap, BTreeSet};

use perfuse_format::Reading;
use perfuse_format::bpf::{FutexWait, FutexWaker};
use perfuse_format::proc::stacks::Stacks;

use self::evidence::{Proof, caller, proof};
use super::{advice, is_bottleneck, link, total};
use crate::cell::{Cell, Entity, EntityKind, Evidence, Finding, Instance, Link, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Resource};

const UTILIZATION: &str = "user-lock.utilization";
const SATURATION: &str = "user-lock.saturation";

const SOURCE: &str = "bpf sys_enter_futex .. sys_exit_futex";
const BY_HAND: &str = "perf trace -s -e futex -a sleep 5";

/// The three cells and their findings.
pub(super) fn evaluate(run: &Run, out: &mut Output) {
    match run.bpf::<FutexWait>() {
        Reading::Value((rows, seconds)) => {
            let locks = locks(run, &rows, seconds);
            out.cell(utilization(&locks));
            saturation(run, &rows, seconds, &locks, out);
        }
        Reading::Missing(missing) => {
            out.cell(Cell::unmeasurable(UTILIZATION, &missing));
            out.cell(Cell::unmeasurable(SATURATION, &missing));
        }
    }
    deadlock::evaluate(run, out);
}

/// Seconds per second that each thread waited for locks of its program.
pub(super) fn waits_by_thread(run: &Run) -> BTreeMap<u32, f64> {
    let mut waits = BTreeMap::new();
    if let Reading::Value((rows, seconds)) = run.bpf::<FutexWait>() {
        // Of those that only the wakers point to, some hand work to each other.
        for lock in locks(run, &rows, seconds).iter().filter(|lock| lock.proof > Proof::Wakers) {
            for (tid, wait) in &lock.waiters {
                *waits.entry(*tid).or_insert(0.0) += wait;
            }
        }
    }
    waits
}

/// The waits for one lock of one process.
struct Lock {
    pid: u32,
    comm: String,
    address: u64,
    wait: f64,
    count: u64,
    longest: f64,
    /// Seconds per second that each thread waited.
    waiters: BTreeMap<u32, f64>,
    proof: Proof,
    /// The place that asks for it, from the stack with the longest wait.
    place: Option<String>,
    /// Wait of that stack.
    heaviest: u64,
    /// Who ended most of the waiting: the holders. `(pid, tid, comm, seconds per second)`.
    holder: Option<(u32, u32, String, f64)>,
}

fn locks(run: &Run, rows: &[FutexWait], seconds: f64) -> Vec<Lock> {
    let stacks = run.last::<Stacks>("@stacks").into_value().unwrap_or_default();
    let wakers = run.bpf::<FutexWaker>().into_value().map(|(rows, _)| rows).unwrap_or_default();
    let words = deadlock::mutexes(run);
    let mut locks: BTreeMap<(u32, u64), Lock> = BTreeMap::new();
    for row in rows.iter().filter(|row| run.in_scope(row.pid) && row.pid != run.host.self_pid) {
        let frames = stacks.user.get(&row.user_stack).map_or(&[][..], Vec::as_slice);
        let word = (row.is_mutex() || words.contains(&(row.pid, row.address))).then_some(Proof::Word);
        let Some(proof) = proof(row, frames, rows, &wakers).max(word) else { continue };
        let comm = run.tasks.value().and_then(|tasks| tasks.processes.get(&row.pid)).map(|used| used.task.comm.clone());
        let lock = locks
            .entry((row.pid, row.address))
            .or_insert_with(|| Lock::new(row.pid, comm.unwrap_or_else(|| row.comm.clone()), row.address, proof));
        lock.wait += row.sum_ns as f64 / 1e9 / seconds;
        lock.count = lock.count.saturating_add(row.count);
        lock.longest = lock.longest.max(row.max_ns as f64 / 1e9);
        *lock.waiters.entry(row.tid).or_default() += row.sum_ns as f64 / 1e9 / seconds;
        lock.proof = lock.proof.max(proof);
        if lock.place.is_none() || row.sum_ns > lock.heaviest {
            lock.place = caller(frames).or(lock.place.take());
            lock.heaviest = row.sum_ns;
        }
    }
    for (pid, tid, address) in deadlock::endless(run) {
        let named = || rows.iter().find(|row| row.tid == tid).map(|row| row.comm.clone()).unwrap_or_default();
        let process = run.tasks.value().and_then(|tasks| tasks.processes.get(&pid));
        let comm = process.map_or_else(named, |used| used.task.comm.clone());
        if run.in_scope(pid) && !locks.get(&(pid, address)).is_some_and(|lock| lock.waiters.contains_key(&tid)) {
            let lock = locks.entry((pid, address)).or_insert_with(|| Lock::new(pid, comm, address, Proof::Word));
            lock.wait += 1.0;
            lock.longest = lock.longest.max(seconds);
            lock.waiters.insert(tid, 1.0);
        }
    }
    for waker in &wakers {
        if let Some(lock) = locks.get_mut(&(waker.pid, waker.address)) {
            let share = waker.sum_ns as f64 / 1e9 / seconds;
            if lock.holder.as_ref().is_none_or(|holder| holder.3 < share) {
                lock.holder = Some((waker.waker_pid, waker.waker_tid, waker.waker_comm.clone(), share));
            }
        }
    }
    let mut locks: Vec<Lock> = locks.into_values().collect();
    locks.sort_by(|a, b| b.wait.total_cmp(&a.wait).then((a.pid, a.address).cmp(&(b.pid, b.address))));
    locks
}

impl Lock {
    fn new(pid: u32, comm: String, address: u64, proof: Proof) -> Self {
        Self {
            pid,
            comm,
            address,
            wait: 0.0,
            count: 0,
            longest: 0.0,
            waiters: BTreeMap::new(),
            proof,
            place: None,
            heaviest: 0,
            holder: None,
        }
    }

    /// Share of the time that it was held at least.
    fn held(&self) -> f64 {
        self.waiters.values().copied().fold(0.0, f64::max).min(1.0)
    }

    fn name(&self) -> String {
        match &self.place {
            Some(place) => format!("{} ({}): {place}", self.comm, self.pid),
            None => format!("{} ({}): {:#x}", self.comm, self.pid, self.address),
        }
    }

    /// How long the holder waits for a CPU, where that is most of the wait.
    fn starved(&self, run: &Run) -> Option<f64> {
        let (_, tid, ..) = self.holder.as_ref()?;
        evidence::starved(run, *tid, self.wait)
    }

    fn verdict(&self, run: &Run) -> Verdict {
        // Threads that hand work to each other over one condition variable look like users of a lock. A holder that is
        // not let onto a CPU is a matter of the CPU, and a finding there.
        let shallow = || self.proof == Proof::Wakers || self.starved(run).is_some();
        match is_bottleneck(run, self.wait, self.share(run)) {
            false => Verdict::Ok,
            true if shallow() => Verdict::Watch,
            true => Verdict::Bottleneck,
        }
    }

    /// Share of the time in which the process wanted to go on that it waited for this lock.
    fn share(&self, run: &Run) -> f64 {
        let used = run.tasks.value().and_then(|tasks| tasks.processes.get(&self.pid));
        let own = used.map_or(0.0, |used| used.cpu + used.run_delay.unwrap_or(0.0));
        self.wait / (self.wait + own).max(f64::MIN_POSITIVE)
    }
}

/// How long locks are held, as far as it shows without a probe on every lock and unlock: while a thread waits for a lock,
/// somebody holds it. So a lock was held for at least as long as its most patient waiter waited.
fn utilization(locks: &[Lock]) -> Cell {
    let mut held: Vec<(&Lock, f64)> = locks.iter().map(|lock| (lock, lock.held())).collect();
    held.sort_by(|a, b| b.1.total_cmp(&a.1).then((a.0.pid, a.0.address).cmp(&(b.0.pid, b.0.address))));
    let most = Quantity::ratio(held.first().map_or(0.0, |(_, held)| *held));
    let mut cell = Cell::measured(UTILIZATION, Verdict::Ok, most)
        .evidence(Evidence::new(SOURCE, "longest total wait of one thread for one lock", most).by_hand(BY_HAND))
        .note(Msg::new("cell-user-lock-utilization-note-bound"));
    for (lock, held) in held.iter().take(20) {
        cell.instances.push(Instance::new(lock.name(), Quantity::ratio(*held), Verdict::Ok));
    }
    let holder = |lock: &Lock| lock.holder.as_ref().map(|(pid, tid, comm, _)| Entity::thread(*pid, *tid, comm));
    cell.culprits = held.iter().filter_map(|(lock, _)| holder(lock)).take(5).collect();
    cell
}

fn saturation(run: &Run, rows: &[FutexWait], seconds: f64, locks: &[Lock], out: &mut Output) {
    let wait = total(locks.iter().map(|lock| lock.wait));
    let all: u64 = rows.iter().filter(|row| run.in_scope(row.pid)).map(|row| row.sum_ns).sum();
    let verdict_of = |lock: &Lock| lock.verdict(run);
    let verdict = locks.iter().map(verdict_of).max().unwrap_or(Verdict::Ok);
    let all = Quantity::wait(all as f64 / 1e9 / seconds);
    let mut cell = Cell::measured(SATURATION, verdict, Quantity::wait(wait))
        .evidence(
            Evidence::new(SOURCE, "waits that stack or waker shows to be for a lock", Quantity::wait(wait))
                .by_hand(BY_HAND),
        )
        .evidence(Evidence::new(SOURCE, "all futex waits", all).by_hand(BY_HAND))
        .note(Msg::new("cell-user-lock-saturation-note-choice"));
    for lock in locks.iter().take(20) {
        let verdict = verdict_of(lock);
        cell.instances.push(
            Instance::new(lock.name(), Quantity::wait(lock.wait), verdict)
                .detail("waits_per_s", Quantity::rate(lock.count as f64 / seconds))
                .detail("longest", Quantity::seconds(lock.longest))
                .detail("waiting_threads", Quantity::count(lock.waiters.len() as f64)),
        );
    }
    let mut named = BTreeSet::new();
    let fresh = locks.iter().filter(|lock| named.insert(lock.pid));
    cell.culprits = fresh.take(5).map(waiter).collect();
    out.cell(cell);
    for lock in locks.iter().filter(|lock| verdict_of(lock) > Verdict::Ok) {
        out.finding(finding(run, lock));
    }
}

fn waiter(lock: &Lock) -> Entity {
    let detail = Msg::new("detail-text-waits-for-lock").with("wait", Quantity::wait(lock.wait));
    Entity::process(lock.pid, &lock.comm).detail(detail)
}

/// From the waiting threads over the lock to its holder, and to what the holder waits for.
fn chain(run: &Run, lock: &Lock) -> Vec<Link> {
    let address = format!("{:#x}", lock.address);
    let numbers = Msg::new("finding-user-lock-contention-link-numbers")
        .with("wait", Quantity::wait(lock.wait))
        .with("count", lock.count)
        .with("threads", lock.waiters.len() as u64)
        .with("longest", Quantity::seconds(lock.longest));
    let waits = Msg::new("finding-user-lock-contention-link-waits").with("victim", &lock.comm);
    let held = || match &lock.place {
        Some(place) => {
            Msg::new("finding-user-lock-contention-link-lock").with("address", &address).with("place", place)
        }
        None => Msg::new("finding-user-lock-contention-link-address").with("address", &address),
    };
    let mut chain = vec![link(waits, held(), numbers)];
    if let Some((_, tid, comm, share)) = &lock.holder {
        let holder =
            Msg::new("finding-user-lock-contention-link-holder").with("comm", comm).with("tid", tid.to_string());
        let woke = Msg::new("finding-user-lock-contention-link-woke").with("wait", Quantity::wait(*share));
        chain.push(link(held(), holder, woke));
        let state = lock.starved(run).map(|wait| evidence::holder_waits(*tid, comm, wait));
        chain.extend(state.or_else(|| evidence::holder_state(run, *tid, comm)));
    }
    chain
}

fn finding(run: &Run, lock: &Lock) -> Finding {
    let spec = (Resource::UserLock, Kind::Saturation, SATURATION);
    let address = format!("{:#x}", lock.address);
    let place = lock.place.clone().unwrap_or_else(|| address.clone());
    let culprit = match &lock.holder {
        Some((pid, tid, comm, _)) => Entity::thread(*pid, *tid, comm),
        None => Entity::new(EntityKind::Lock, &place),
    };
    let hurts = lock.verdict(run) == Verdict::Bottleneck;
    let severity = if hurts { Severity::Bottleneck } else { Severity::Watch };
    let mut finding = Finding::new("user-lock.contention", severity, spec, culprit);
    finding.victims = vec![waiter(lock)];
    finding.wait_s_per_s = Some(lock.wait);
    finding.confidence = match lock.proof {
        Proof::Stack => 0.9,
        Proof::Word => 0.8,
        Proof::Wakers => 0.4,
    };
    finding.explains = &["cpu.hot-thread"];
    finding.also.insert(format!("pid:{}", lock.pid));
    finding.slow = lock.holder.as_ref().map(|(pid, ..)| std::iter::once(format!("pid:{pid}")).collect());
    let known = lock.place.is_some();
    let summary = if known {
        Msg::new("finding-user-lock-contention-summary").with("place", &place)
    } else {
        Msg::new("finding-user-lock-contention-summary-address").with("address", &address)
    };
    finding.summary =
        summary.with("victim", &lock.comm).with("pid", lock.pid.to_string()).with("wait", Quantity::wait(lock.wait));
    finding.chain = chain(run, lock);
    finding.advice = vec![advice(
        if known {
            Msg::new("finding-user-lock-contention-advice-shorten").with("place", &place)
        } else {
            Msg::new("finding-user-lock-contention-advice-find").with("address", &address)
        },
        Some(format!("perf record -g -p {0} sleep 5; perf trace -s -e futex -p {0} sleep 5", lock.pid)),
        Msg::new("finding-user-lock-contention-expect-shorten").with("wait", Quantity::wait(lock.wait)),
    )];
    finding
}

#[cfg(test)]
mod tests {
    use super::super::testing::{build, second, table, words};
    use super::*;
    use perfuse_format::RawSnapshot;

    /// Threads 11 and 12 of process 10 wait 0.9 s/s at address 0x700, woken by `waker`.
    fn waiting(stacks: Option<&str>, waker: u64) -> [RawSnapshot; 2] {
        calling(stacks, waker, 0x189)
    }

    /// The same with operation and value of the call in one word.
    fn calling(stacks: Option<&str>, waker: u64, call: u64) -> [RawSnapshot; 2] {
        let name = u64::from_ne_bytes(*b"server\0\0");
        let row = |tid: u64| {
            words(&[
                0xa | tid << 32,
                0x700,
                55,
                900_000_000,
                30,
                40_000_000,
                0,
                0,
                name,
                0,
                0xa | waker << 32,
                name,
                0,
                call,
            ])
        };
        let mut snapshots = [second(0), second(1)];
        snapshots[1].put("@bpf/futex_wait", table(112, &[row(11), row(12)]));
        let woke = words(&[0xa | waker << 32, 0x700, 1_700_000_000, 60, name, 0, 10]);
        snapshots[1].put("@bpf/futex_waker", table(56, &[woke]));
        if let Some(stacks) = stacks {
            snapshots[1].put("@stacks", stacks);
        }
        snapshots
    }

    fn contention(snapshots: &[RawSnapshot]) -> Option<Finding> {
        build(snapshots).findings.into_iter().find(|finding| finding.id == "user-lock.contention")
    }

    #[test]
    fn a_mutex_in_the_stack_is_a_lock_and_its_waker_the_holder() {
        let stacks = "55\tuser\t__lll_lock_wait;pthread_mutex_lock;Cache::get(int);serve;main\n";
        let finding = contention(&waiting(Some(stacks), 13)).unwrap();
        assert_eq!((finding.culprit.tid, finding.victims[0].pid), (Some(13), Some(10)));
        assert!((finding.wait_s_per_s.unwrap() - 1.8).abs() < 1e-9);
        assert!(finding.confidence > 0.8);
        let place = finding.summary.args.iter().find(|(name, _)| *name == "place").unwrap();
        assert_eq!(place.1, crate::Arg::Text("Cache::get(int)".into()));
    }

    #[test]
    fn an_idle_pool_waits_by_choice() {
        let stacks = "55\tuser\t__futex_abstimed_wait_common;pthread_cond_wait@@GLIBC_2.3.2;worker;start_thread\n";
        assert!(contention(&waiting(Some(stacks), 13)).is_none());
        assert!(contention(&waiting(None, 13)).is_none(), "without a stack a plain waker proves nothing");
    }

    #[test]
    fn without_a_stack_waiters_that_wake_each_other_show_a_lock() {
        let mut snapshots = waiting(None, 12);
        assert!(contention(&snapshots).is_none(), "one that only wakes proves nothing");
        let name = u64::from_ne_bytes(*b"server\0\0");
        let woke = |waker: u64| words(&[0xa | waker << 32, 0x700, 850_000_000, 30, name, 0, 10]);
        snapshots[1].put("@bpf/futex_waker", table(56, &[woke(11), woke(12)]));
        let finding = contention(&snapshots).unwrap();
        assert_eq!(finding.severity, Severity::Watch, "it may be a queue between the two");
    }

    #[test]
    fn the_value_two_in_the_word_shows_a_mutex_of_the_c_library() {
        let finding = contention(&calling(None, 13, 0x80 | 2 << 32)).unwrap();
        assert_eq!(finding.severity, Severity::Bottleneck);
        assert!(contention(&calling(None, 13, 0x189 | 2 << 32)).is_none(), "a condition variable may count to two");
    }

    #[test]
    fn a_wait_that_never_ended_within_the_run_counts() {
        let mut snapshots = calling(None, 13, 0x189);
        for (index, raw) in snapshots.iter_mut().enumerate() {
            raw.put("@host", "machine x86_64\n");
            raw.put("@parked", "");
            raw.put(
                "/proc/10/stat",
                super::super::testing::stat(10, "server", 90 * index as u64, 0).replace(" 1 0 4000", " 2 0 4000"),
            );
            raw.put("/proc/10/task/14/stat", super::super::testing::stat(14, "server", 7, 0));
            raw.put("/proc/10/task/14/syscall", "202 0x900 0x80 0x2 0x0 0x0 0x0 0x1 0x1\n");
        }
        let finding = contention(&snapshots).unwrap();
        assert!((finding.wait_s_per_s.unwrap() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_holder_without_a_cpu_is_not_the_locks_fault() {
        let mut snapshots = calling(None, 13, 0x80 | 2 << 32);
        for (index, raw) in snapshots.iter_mut().enumerate() {
            let line =
                super::super::testing::stat(10, "server", 10 * index as u64, 0).replace(" 1 0 4000", " 2 0 4000");
            raw.put("/proc/10/stat", line);
            raw.put("/proc/10/task/13/stat", super::super::testing::stat(13, "server", 5 * index as u64, 0));
            raw.put("/proc/10/task/13/schedstat", format!("0 {} 0", 950_000_000 * index));
        }
        let finding = contention(&snapshots).unwrap();
        assert_eq!((finding.severity, finding.chain.len()), (Severity::Watch, 3));
    }

    #[test]
    fn a_lock_is_held_at_least_as_long_as_one_thread_waits_for_it() {
        let stacks = "55\tuser\t__lll_lock_wait;pthread_mutex_lock;Cache::get(int);serve;main\n";
        let checklist = build(&waiting(Some(stacks), 13));
        let cell = checklist.cells.iter().find(|cell| cell.id == UTILIZATION).unwrap();
        // Two threads wait 1.8 s/s together, each 0.9.
        assert!((cell.value.unwrap().number - 0.9).abs() < 1e-9, "{:?}", cell.value);
        assert_eq!((cell.verdict, cell.culprits[0].tid), (Verdict::Ok, Some(13)));
        let checklist = build(&[RawSnapshot::default()]);
        let cell = checklist.cells.iter().find(|cell| cell.id == UTILIZATION).unwrap();
        assert_eq!(cell.verdict, Verdict::Unmeasurable);
        assert!(cell.enable.is_some());
    }
}
