//! Where the time of a set of processes went: states that add up to all of it.

use std::collections::{BTreeMap, BTreeSet};

use perfuse_format::Reading;
use perfuse_format::bpf::{OpenWait, WaitTime, WakeTime, parse};
use perfuse_format::proc::stacks::Stacks;
use perfuse_format::tasks::TaskSource;

use super::classify;
use super::ends::{self, FarEnds};
use super::state::{Family, State};
use crate::cell::Entity;
use crate::cpu::{CpuView, CpuWait};
use crate::run::Run;
use crate::tasks::{TaskUse, Used};

/// One state of a victim.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Share {
    /// Seconds of its threads per second.
    pub seconds: f64,
    /// Where in the kernel, by seconds per second; the largest first, at most [`PLACES`].
    pub places: Vec<(String, f64)>,
    /// Who ended the waits, by seconds per second; the largest first, at most [`WAKERS`]. Only for waits that a program
    /// ends.
    pub wakers: Vec<(Entity, f64)>,
}

/// Places that are kept of each state.
pub const PLACES: usize = 3;
/// Wakers that are kept of each state.
pub const WAKERS: usize = 5;

/// The time of some processes, split.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Breakdown {
    /// Seconds of threads per second in all: one thread that exists throughout is 1.
    pub total: f64,
    /// By state; they add up to `total`.
    pub states: BTreeMap<State, Share>,
    /// Whether the time asleep comes from the in-kernel program; without it, it is from delay accounting and the state
    /// of samples, and much of it unexplained.
    pub exact: bool,
    /// Seconds per second that our own in-kernel programs took of these threads' time on a CPU; part of
    /// [`State::System`].
    pub own: f64,
}

impl Breakdown {
    /// Seconds per second in one state.
    pub fn of(&self, state: State) -> f64 {
        self.states.get(&state).map_or(0.0, |share| share.seconds)
    }

    /// Seconds per second in all states of a family.
    pub fn family(&self, family: Family) -> f64 {
        let of = self.states.iter().filter(|(state, _)| state.family() == family);
        of.map(|(_, share)| share.seconds).sum()
    }

    fn add(&mut self, state: State, seconds: f64) {
        if seconds > 0.0 {
            self.states.entry(state).or_default().seconds += seconds;
        }
    }

    /// Calls a part of one state another.
    fn rename(&mut self, from: State, to: State, seconds: f64) {
        let Some(share) = self.states.get_mut(&from) else { return };
        let part = seconds.min(share.seconds);
        share.seconds -= part;
        self.add(to, part);
    }

    /// All but the time in which there was nothing to do: what a request of the victim is made of.
    pub fn active(&self) -> f64 {
        self.total - self.family(Family::Idle)
    }
}

/// The waits of the run by thread, with their states: made once, used for every victim.
#[derive(Debug, Default)]
pub struct Waits {
    by_tid: BTreeMap<u32, Vec<Asleep>>,
    wakers: BTreeMap<u32, Vec<WakeTime>>,
    seconds: f64,
    exact: bool,
    cpu: CpuView,
    far: FarEnds,
}

#[derive(Debug)]
struct Asleep {
    pid: u32,
    state: State,
    call: i32,
    place: Option<String>,
    seconds: f64,
}

impl Waits {
    /// Reads the tables.
    pub fn new(run: &Run) -> Self {
        let (rows, seconds) = match run.bpf::<WaitTime>() {
            Reading::Value(rows) => rows,
            Reading::Missing(_) => return Self { seconds: run.seconds(), cpu: CpuView::new(run), ..Self::default() },
        };
        let mut waits = Self { seconds, exact: true, cpu: CpuView::new(run), far: ends::all(run), ..Self::default() };
        let stacks = run.last::<Stacks>("@stacks").into_value().unwrap_or_default();
        for row in rows.iter().chain(&open(run, seconds)) {
            waits.put(row, &stacks, &run.host.machine);
        }
        waits.split_locks();
        for row in run.bpf::<WakeTime>().into_value().map(|(rows, _)| rows).unwrap_or_default() {
            waits.wakers.entry(row.tid).or_default().push(row);
        }
        waits
    }

    fn put(&mut self, row: &WaitTime, stacks: &Stacks, machine: &str) {
        let frames = stacks.kernel.get(&row.key.kernel_stack).map_or(&[][..], Vec::as_slice);
        let state = classify::state(&row.key, frames, machine);
        let place = classify::place(frames).map(str::to_owned);
        let seconds = row.blocked_ns as f64 / 1e9 / self.seconds;
        let asleep = Asleep { pid: row.key.pid, state, call: row.key.call, place, seconds };
        self.by_tid.entry(row.key.tid).or_default().push(asleep);
    }

    /// Of the waits on futexes, those that were for a lock.
    fn split_locks(&mut self) {
        for (tid, asleep) in &mut self.by_tid {
            let Some(mut lock) = self.cpu.locks.get(tid).copied() else { continue };
            let mut more = Vec::new();
            for wait in asleep.iter_mut().filter(|wait| wait.state == State::Condition) {
                let part = lock.min(wait.seconds);
                (lock, wait.seconds) = (lock - part, wait.seconds - part);
                let (pid, call) = (wait.pid, wait.call);
                more.push(Asleep { pid, state: State::UserLock, call, place: wait.place.clone(), seconds: part });
            }
            asleep.extend(more);
        }
    }

    /// The waits of a thread for others that nobody ended, by state and system call.
    fn silent(&self, tid: u32) -> BTreeMap<(State, i32), f64> {
        let mut silent: BTreeMap<(State, i32), f64> = BTreeMap::new();
        for row in self.by_tid.get(&tid).into_iter().flatten().filter(|row| has_ends(row.state)) {
            *silent.entry((row.state, row.call)).or_default() += row.seconds;
        }
        for ((_, call), seconds) in &mut silent {
            let woken = self.wakers.get(&tid).into_iter().flatten();
            let woken = woken.filter(|wake| wake.call == *call && wake.waker_pid != 0);
            *seconds -= woken.map(|wake| wake.sum_ns as f64 / 1e9 / self.seconds).sum::<f64>();
        }
        silent.retain(|_, seconds| *seconds > SILENCE);
        silent
    }

    /// The state that most of a thread's time in one system call was.
    fn state_of(&self, tid: u32, call: i32) -> Option<State> {
        let rows = self.by_tid.get(&tid)?.iter().filter(|wait| wait.call == call);
        rows.max_by(|a, b| a.seconds.total_cmp(&b.seconds)).map(|wait| wait.state)
    }
}

/// The waits that were not over at the end of the run, cut to its length.
pub(super) fn open(run: &Run, seconds: f64) -> Vec<WaitTime> {
    let Some(last) = run.snapshots.iter().rev().find(|snapshot| snapshot.has("@bpf/waits")) else { return Vec::new() };
    let most = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default().as_nanos();
    let cut = |OpenWait(mut wait): OpenWait| {
        wait.blocked_ns = wait.blocked_ns.min(u64::try_from(most).unwrap_or(u64::MAX));
        wait
    };
    parse::<OpenWait>(last).into_value().unwrap_or_default().into_iter().map(cut).collect()
}

/// Splits the time of the processes in `pids`.
pub fn of(run: &Run, waits: &Waits, pids: &BTreeSet<u32>) -> Breakdown {
    let mut breakdown = Breakdown { exact: waits.exact, ..Breakdown::default() };
    let Reading::Value(tasks) = &run.tasks else { return breakdown };
    let mut places: BTreeMap<(State, &str), f64> = BTreeMap::new();
    let mut wakers: BTreeMap<(State, u32), (String, f64)> = BTreeMap::new();
    let mut quiet: Vec<(State, f64)> = Vec::new();
    let mut switches = 0.0;
    let mut seen = BTreeSet::new();
    for used in threads(tasks, pids) {
        let mut thread = Thread::new(used);
        thread.running(&mut breakdown);
        thread.runnable(waits.cpu.waits.get(&used.task.pid).map_or(&[][..], Vec::as_slice), &mut breakdown);
        match waits.by_tid.get(&used.task.tid) {
            Some(rows) => thread.asleep(rows, &mut breakdown, &mut places),
            None if !waits.exact => thread.accounted(&mut breakdown),
            None => {}
        }
        thread.rest(waits.cpu.throttled(run, used.task.pid), &mut breakdown);
        switches += used.voluntary_switches.unwrap_or(0.0) + used.involuntary_switches.unwrap_or(0.0);
        seen.insert(used.task.tid);
        for ((state, call), seconds) in waits.silent(used.task.tid) {
            let Some(far) = waits.far.get(&(used.task.tid, call)).filter(|far| !far.pids.is_empty()) else { continue };
            let seconds = seconds.min(used.alive);
            if far.owes {
                for pid in &far.pids {
                    let waker = wakers.entry((state, *pid)).or_insert_with(|| (pid.to_string(), 0.0));
                    waker.1 += seconds / far.pids.len() as f64;
                }
            } else if state.family() == Family::Peer {
                // Both wait to be told something by the other one: nobody has anything to do.
                quiet.push((state, seconds));
            }
        }
        for row in waits.wakers.get(&used.task.tid).into_iter().flatten() {
            if let Some(state) = waits.state_of(row.tid, row.call).filter(|_| row.waker_pid != 0) {
                let waker = wakers.entry((state, row.waker_pid)).or_insert_with(|| (row.waker_comm.clone(), 0.0));
                waker.1 += row.sum_ns as f64 / 1e9 / waits.seconds;
            }
        }
    }
    // Threads that came and went between two samples: all that is known of them is what they waited for.
    let unseen =
        waits.by_tid.iter().filter(|(tid, rows)| !seen.contains(tid) && rows.iter().any(|row| pids.contains(&row.pid)));
    for row in unseen.flat_map(|(_, rows)| rows) {
        breakdown.total += row.seconds;
        breakdown.add(row.state, row.seconds);
        if let Some(place) = &row.place {
            *places.entry((row.state, place)).or_default() += row.seconds;
        }
    }
    for ((state, place), seconds) in places {
        if let Some(share) = breakdown.states.get_mut(&state) {
            share.places.push((place.to_owned(), seconds));
        }
    }
    let inside = wakers.iter().filter(|((state, pid), _)| state.family() == Family::Peer && pids.contains(pid));
    let inside: Vec<(State, f64)> = inside.map(|((state, _), (_, seconds))| (*state, *seconds)).collect();
    for (state, seconds) in inside {
        breakdown.rename(state, State::Internal, seconds);
    }
    for (state, seconds) in quiet {
        breakdown.rename(state, State::Events, seconds);
    }
    for ((state, pid), (comm, seconds)) in wakers {
        let name = tasks.processes.get(&pid).map_or(comm, |used| used.task.comm.clone());
        if let Some(share) = breakdown.states.get_mut(&state).filter(|_| ended_by_programs(state)) {
            share.wakers.push((Entity::process(pid, name), seconds));
        }
    }
    for share in breakdown.states.values_mut() {
        share.places.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        share.places.truncate(PLACES);
        share.wakers.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.pid.cmp(&b.0.pid)));
        share.wakers.truncate(WAKERS);
    }
    breakdown.own = own_cost(run, tasks, switches).min(breakdown.of(State::System));
    breakdown
}

/// Seconds per second of one thread below which a wait that nobody ends is not looked into.
const SILENCE: f64 = 0.01;

/// Whether what is waited at has another end.
fn has_ends(state: State) -> bool {
    matches!(state, State::LocalIpc | State::Receive | State::Send | State::Connect | State::FileLock)
}

/// Whether the one who wakes is the one who was waited for. An interrupt wakes those who wait for hardware or a clock.
fn ended_by_programs(state: State) -> bool {
    matches!(
        state,
        State::Receive
            | State::Send
            | State::Connect
            | State::LocalIpc
            | State::UserLock
            | State::KernelLock
            | State::FileLock
            | State::Condition
            | State::Child
            | State::Accept
            | State::Events
            | State::FileServer
    )
}

/// The threads of some processes; without the iterator only the process as a whole is known.
fn threads<'a>(tasks: &'a TaskUse, pids: &BTreeSet<u32>) -> Vec<&'a Used> {
    if tasks.source == TaskSource::BpfIterator {
        return tasks.threads.values().filter(|used| pids.contains(&used.task.pid)).collect();
    }
    let known: BTreeSet<u32> = tasks.threads.values().map(|used| used.task.pid).collect();
    let whole = tasks.processes.values().filter(|used| !known.contains(&used.task.pid));
    tasks.threads.values().chain(whole).filter(|used| pids.contains(&used.task.pid)).collect()
}

/// Our in-kernel programs run at context switches of those whom they watch: their time is shared out by switches.
fn own_cost(run: &Run, tasks: &TaskUse, switches: f64) -> f64 {
    let cost = run.last::<crate::OwnCost>(crate::OwnCost::SOURCE).into_value().unwrap_or_default();
    let inside: f64 = cost.bpf.iter().map(|(_, share)| share * f64::from(run.host.cpus)).sum();
    let of = |used: &Used| used.voluntary_switches.unwrap_or(0.0) + used.involuntary_switches.unwrap_or(0.0);
    let all: f64 = tasks.threads.values().map(of).sum();
    if all > 0.0 { inside * (switches / all).min(1.0) } else { 0.0 }
}

/// One thread while its time is handed out: what is left of it.
struct Thread<'a> {
    used: &'a Used,
    left: f64,
}

impl<'a> Thread<'a> {
    fn new(used: &'a Used) -> Self {
        Self { used, left: used.alive }
    }

    /// Takes at most what is left.
    fn take(&mut self, seconds: f64) -> f64 {
        let taken = seconds.clamp(0.0, self.left.max(0.0));
        self.left -= taken;
        taken
    }

    fn running(&mut self, breakdown: &mut Breakdown) {
        // What a thread did after the clock was read may be in its counters: a thread is never longer than its life.
        self.left = self.left.max(0.0);
        breakdown.total += self.left;
        let (system, user) = (self.take(self.used.system), self.take(self.used.user));
        breakdown.add(State::System, system);
        breakdown.add(State::User, user);
    }

    fn runnable(&mut self, causes: &[(CpuWait, f64)], breakdown: &mut Breakdown) {
        let delay = self.take(self.used.run_delay.unwrap_or(0.0));
        let sum: f64 = causes.iter().map(|(_, wait)| wait).sum();
        if sum <= 0.0 {
            return breakdown.add(State::Runnable, delay);
        }
        for (cause, wait) in causes {
            let state = match cause {
                CpuWait::Quota => State::Throttled,
                CpuWait::Affinity => State::Affinity,
                CpuWait::Other => State::Runnable,
            };
            breakdown.add(state, delay * wait / sum);
        }
    }

    fn asleep<'r>(
        &mut self,
        rows: &'r [Asleep],
        breakdown: &mut Breakdown,
        places: &mut BTreeMap<(State, &'r str), f64>,
    ) {
        let sum: f64 = rows.iter().map(|row| row.seconds).sum();
        // A wait that began before the run is counted whole when it ends.
        let scale = if sum > self.left && sum > 0.0 { self.left / sum } else { 1.0 };
        for row in rows {
            let seconds = self.take(row.seconds * scale);
            breakdown.add(row.state, seconds);
            if let Some(place) = row.place.as_deref().filter(|_| seconds > 0.0) {
                *places.entry((row.state, place)).or_default() += seconds;
            }
        }
    }

    /// Without the in-kernel program: what the kernel's delay accounting and the samples say.
    fn accounted(&mut self, breakdown: &mut Breakdown) {
        let used = self.used;
        let swap = used.swapin_delay.unwrap_or(0.0) + used.thrashing_delay.unwrap_or(0.0);
        for (state, delay) in [
            (State::BlockIo, used.blkio_delay.unwrap_or(0.0)),
            (State::SwapIn, swap),
            (State::Reclaim, used.reclaim_delay.unwrap_or(0.0)),
        ] {
            let taken = self.take(delay);
            breakdown.add(state, taken);
        }
        // In uninterruptible sleep for none of these reasons: an unknown one.
        let counted = used.alive - self.left;
        let blocked = self.take((used.blocked_samples * used.alive - counted).max(0.0));
        breakdown.add(State::Other, blocked);
    }

    /// What nothing accounts for. A kernel that takes throttled threads off the queue (since 6.18) counts their time nowhere:
    /// of a thread in a throttled group, that is what is left.
    fn rest(&mut self, throttled: f64, breakdown: &mut Breakdown) {
        let quota = self.take(throttled * self.used.alive);
        breakdown.add(State::Throttled, quota);
        let rest = self.left;
        breakdown.add(State::Unexplained, self.take(rest));
    }
}
