//! What shows that a futex wait is a wait for a lock, and what the holder does meanwhile.

use perfuse_format::bpf::{FutexWait, FutexWaker, OffCpu};
use perfuse_format::proc::stacks::Stacks;

use super::super::link;
use crate::cell::{Link, Quantity};
use crate::message::Msg;
use crate::run::Run;

/// How it is known, from weak to strong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proof {
    /// The waiters of the address wake each other, as the users of a lock do.
    Wakers,
    /// A waiter was seen to wait for the value that the C library writes into the word of a contended mutex.
    Word,
    /// A function of the stack is that of a lock.
    Stack,
}

/// Functions that wait for a lock, whatever they use inside: the lock of Python's interpreter waits on a condition
/// variable.
const LOCKS_OVER_ALL: [&str; 5] =
    ["take_gil", "PyMutex_Lock", "ObjectMonitor::enter", "ObjectSynchronizer::enter", "rb_mutex_lock"];

/// Parts of the names of functions that wait for a lock.
const LOCKS: [&str; 24] = [
    "lll_lock_wait",
    "pthread_mutex_lock",
    "pthread_mutex_timedlock",
    "pthread_mutex_clocklock",
    "pthread_mutex_cond_lock",
    "pthread_rwlock_",
    "pthread_spin_lock",
    "sem_wait",
    "sem_timedwait",
    "sem_clockwait",
    "new_sem_wait",
    "mtx_lock",
    "lock_contended",
    "Mutex::lock",
    "Mutex<",
    "RwLock",
    "raw_mutex::RawMutex",
    "raw_rwlock::",
    "lock_slow",
    "Mutex::LockSlow",
    "absl::Mutex::Lock",
    "runtime.lock2",
    "ReentrantLock",
    "Semaphore",
];

/// Parts of the names of functions that wait because there is nothing to do, or for an event.
const BY_CHOICE: [&str; 16] = [
    "pthread_cond_",
    "cnd_wait",
    "Condvar",
    "condvar",
    "condition_variable",
    "pthread_join",
    "pthread_barrier",
    "Barrier",
    "nanosleep",
    "epoll",
    "Parker",
    "thread::park",
    "Unsafe_Park",
    "runtime.notesleep",
    "runtime.notetsleep",
    "gomp_barrier",
];

/// Whether a wait was for a lock, and how that is known. A stack that says what it waits for decides; only without one
/// do the wakers.
pub(super) fn proof(row: &FutexWait, frames: &[String], rows: &[FutexWait], wakers: &[FutexWaker]) -> Option<Proof> {
    let any = |frame: &String, known: &[&str]| known.iter().any(|part| frame.contains(part));
    if frames.iter().any(|frame| any(frame, &LOCKS_OVER_ALL)) {
        return Some(Proof::Stack);
    }
    for frame in frames {
        if any(frame, &BY_CHOICE) {
            return None;
        }
        if any(frame, &LOCKS) {
            return Some(Proof::Stack);
        }
    }
    // Who ends waits at an address at which it waits itself, at other times, held the thing in between.
    let same = |pid: u32, address: u64| pid == row.pid && address == row.address;
    let here: Vec<&FutexWaker> = wakers.iter().filter(|waker| same(waker.pid, waker.address)).collect();
    let waits = |tid: u32| rows.iter().any(|other| same(other.pid, other.address) && other.tid == tid);
    let each_other = here.len() >= 2 && here.iter().all(|waker| waits(waker.waker_tid));
    each_other.then_some(Proof::Wakers)
}

/// Functions of the libraries around a lock, which are not the place that asked for it.
const AROUND: [&str; 12] = [
    "futex",
    "lll_lock",
    "pthread_",
    "sem_",
    "mtx_lock",
    "syscall",
    "std::sync::",
    "std::sys::",
    "std::mutex",
    "parking_lot",
    "lock_guard",
    "gthread",
];

/// The function that asked for the lock.
pub(super) fn caller(frames: &[String]) -> Option<String> {
    let inner = |frame: &&String| {
        AROUND.iter().chain(&LOCKS).any(|part| frame.contains(part))
            || frame.starts_with(['[', '0'])
            || frame.starts_with("__")
    };
    frames.iter().find(|frame| !inner(frame)).cloned()
}

/// How long the holder waits for a CPU, if that is at least half of what others wait for it.
pub(super) fn starved(run: &Run, tid: u32, wait: f64) -> Option<f64> {
    let used = run.tasks.value()?.threads.get(&tid)?;
    let (delay, share) = super::super::cpu_wait(used)?;
    (delay >= wait / 2.0 && super::super::is_bottleneck(run, delay, share)).then_some(delay)
}

/// The step from the holder to the CPU.
pub(super) fn holder_waits(tid: u32, comm: &str, wait: f64) -> Link {
    link(
        Msg::new("finding-user-lock-contention-link-holder").with("comm", comm).with("tid", tid.to_string()),
        Msg::new("finding-user-lock-contention-link-starved"),
        Msg::new("finding-user-lock-contention-link-run-delay").with("wait", Quantity::wait(wait)),
    )
}

/// What the holder waits for itself, where the table of waiting off the CPU has it: the step that leads from a lock to
/// a disk.
pub(super) fn holder_state(run: &Run, tid: u32, comm: &str) -> Option<Link> {
    let (rows, seconds) = run.bpf::<OffCpu>().into_value()?;
    let stacks = run.last::<Stacks>("@stacks").into_value()?;
    let longest = rows.iter().filter(|row| row.tid == tid).max_by_key(|row| (row.blocked_ns, row.kernel_stack))?;
    let frames = stacks.kernel.get(&longest.kernel_stack)?;
    let scheduler = ["schedule", "io_schedule", "__schedule", "__traceiter", "bpf_", "preempt"];
    let place = frames.iter().find(|frame| !scheduler.iter().any(|part| frame.starts_with(part)))?;
    let place = place.split('+').next().unwrap_or(place);
    // A holder that waits for a futex itself is one of many waiters: that says nothing about what it does when it holds.
    if place.starts_with("futex") {
        return None;
    }
    let wait = longest.blocked_ns as f64 / 1e9 / seconds;
    Some(link(
        Msg::new("finding-user-lock-contention-link-holder").with("comm", comm).with("tid", tid.to_string()),
        Msg::new("finding-user-lock-contention-link-blocked").with("place", place),
        Msg::new("finding-user-lock-contention-link-off-cpu").with("wait", Quantity::wait(wait)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(text: &str) -> Vec<String> {
        text.split(';').map(str::to_owned).collect()
    }

    fn proven(text: &str) -> bool {
        let row = FutexWait {
            pid: 1,
            tid: 1,
            comm: String::new(),
            cgroup_id: None,
            address: 1,
            user_stack: 1,
            sum_ns: 1,
            count: 1,
            max_ns: 1,
            timeouts: 0,
            waker_pid: 0,
            waker_tid: 0,
            waker_comm: String::new(),
            operation: 0,
            value: 0,
        };
        proof(&row, &frames(text), &[], &[]).is_some()
    }

    #[test]
    fn locks_and_choices_of_many_runtimes() {
        for lock in [
            "__lll_lock_wait;pthread_mutex_lock;work",
            "std::sys::sync::mutex::futex::Mutex::lock_contended;app::run",
            "syscall;parking_lot::raw_mutex::RawMutex::lock_slow;app::run",
            "__futex_abstimed_wait_common;__new_sem_wait_slow64;take;main",
            "__futex_abstimed_wait_common;pthread_cond_timedwait;take_gil;PyEval_RestoreThread",
            "__lll_lock_wait;__pthread_mutex_cond_lock;pthread_cond_wait;worker",
        ] {
            assert!(proven(lock), "{lock}");
        }
        for choice in [
            "__futex_abstimed_wait_common;pthread_cond_wait;worker",
            "syscall;std::thread::park;tokio::runtime",
            "__futex_abstimed_wait_common;__pthread_clockjoin_ex;main",
            "runtime.futex;runtime.notesleep;runtime.stopm",
            "",
        ] {
            assert!(!proven(choice), "{choice}");
        }
    }

    #[test]
    fn the_caller_is_the_first_function_of_the_program() {
        assert_eq!(
            caller(&frames("[libc.so.6];__lll_lock_wait;pthread_mutex_lock@@GLIBC_2.2.5;get;main")).as_deref(),
            Some("get")
        );
        assert_eq!(
            caller(&frames("syscall;std::sys::sync::mutex::futex::Mutex::lock_contended;app::put")).as_deref(),
            Some("app::put")
        );
        assert_eq!(caller(&[]), None);
    }
}
