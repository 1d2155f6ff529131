//! `futex.bpf.c` and `locks.bpf.c` against locks that are held for a known time.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use perfuse_collect::bpf::Program;
use perfuse_format::bpf::{FutexWait, FutexWaker, LockHist, LockKind, LockWait, Stack, between, parse};
use perfuse_testkit::skip;

use crate::support::{kernel_names, live, me, my_tid};

#[test]
fn a_wait_for_a_mutex_is_measured_and_its_holder_named() {
    let live = live!(&[Program::Futex]);
    let mutex = Mutex::new(());
    let mut waited = Duration::ZERO;
    let mut waiting = 0;
    let first = live.snapshot();
    std::thread::scope(|scope| {
        let guard = mutex.lock().unwrap();
        let handle = scope.spawn(|| {
            let start = Instant::now();
            drop(mutex.lock().unwrap());
            (my_tid(), start.elapsed())
        });
        std::thread::sleep(Duration::from_millis(60));
        drop(guard);
        (waiting, waited) = handle.join().unwrap();
    });
    let last = live.snapshot();
    let rows: Vec<FutexWait> = between(&first, &last).into_value().unwrap();
    let address = std::ptr::from_ref(&mutex) as u64;
    // The lock word lies within the mutex.
    let near = |row: &&FutexWait| row.tid == waiting && (address..address + 64).contains(&row.address);
    let row = rows.iter().find(near).expect("the waiter");
    // The thread may have begun late in the 60 ms, and the wait is at most what it saw itself.
    assert!(row.sum_ns >= 30_000_000 && u128::from(row.sum_ns) <= waited.as_nanos(), "{row:?} {waited:?}");
    assert_eq!((row.pid, row.count, row.timeouts), (me(), 1, 0));
    assert_eq!((row.waker_pid, row.waker_tid), (me(), my_tid()), "the thread that held it");
    assert!(row.is_mutex(), "{row:?}");
    let stacks = parse::<Stack>(&last).into_value().unwrap();
    assert!(stacks.iter().any(|stack| stack.id == row.user_stack && !stack.frames.is_empty()));
    let wakers: Vec<FutexWaker> = between(&first, &last).into_value().unwrap();
    let waker = wakers.iter().find(|waker| waker.address == row.address).expect("its waker");
    assert_eq!((waker.pid, waker.waker_tid, waker.count, waker.sum_ns), (me(), my_tid(), 1, row.sum_ns));
}

#[test]
fn a_timeout_is_no_ones_doing() {
    let live = live!(&[Program::Futex]);
    let rows: Vec<FutexWait> = live.during(|| {
        let mutex = Mutex::new(());
        for _ in 0..3 {
            let guard = mutex.lock().unwrap();
            drop(Condvar::new().wait_timeout(guard, Duration::from_millis(10)).unwrap());
        }
    });
    let mine: Vec<_> = rows.iter().filter(|row| row.tid == my_tid()).collect();
    assert_eq!(mine.iter().map(|row| row.timeouts).sum::<u64>(), 3, "{mine:?}");
    assert!(mine.iter().map(|row| row.sum_ns).sum::<u64>() >= 30_000_000);
    assert!(mine.iter().all(|row| row.waker_tid == 0 && !row.is_mutex()), "{mine:?}");
}

#[test]
fn the_wait_for_a_kernel_lock_is_what_the_waiter_sees() {
    let live = live!(&[Program::Locks]);
    let Ok(directory) = tempfile::tempdir_in("/dev/shm") else { skip!("no /dev/shm") };
    let path = directory.path().join("shared");
    let file = File::create(&path).unwrap();
    // Each write holds the lock of the file for as long as it copies 64 MiB.
    let mut holder = Command::new("dd")
        .args(["if=/dev/zero", "bs=64M", "count=12", "conv=notrunc", "status=none"])
        .arg(format!("of={}", path.display()))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut seen, mut ran, mut writes) = (Duration::ZERO, 0, 0);
    let first = live.snapshot();
    while holder.try_wait().unwrap().is_none() {
        let (start, on_cpu) = (Instant::now(), ran_or_runnable());
        file.write_all_at(b"x", 0).unwrap();
        let took = start.elapsed();
        // Short ones did not wait.
        if took > Duration::from_millis(1) {
            seen += took;
            ran += ran_or_runnable() - on_cpu;
            writes += 1;
        }
    }
    let last = live.snapshot();
    if writes == 0 {
        skip!("the two writers never met");
    }
    let rows: Vec<LockWait> = between(&first, &last).into_value().unwrap();
    let mine: Vec<_> = rows.iter().filter(|row| row.pid == me() && row.kind() == LockKind::RwsemWrite).collect();
    let sum: u64 = mine.iter().map(|row| row.sum_ns).sum();
    let nanos = u64::try_from(seen.as_nanos()).unwrap();
    assert!(sum <= nanos + nanos / 10 + 20_000_000, "{sum} of {nanos}");
    // A writer spins before it goes to sleep, and only then is the contention announced (rwsem_down_write_slowpath in
    // kernel/locking/rwsem.c). So all that it slept was announced, and of the rest perhaps nothing.
    let slept = nanos.saturating_sub(ran);
    assert!(sum + slept / 10 + 20_000_000 >= slept, "{sum} of {slept}, of {nanos} in all");
    let longest = mine.iter().max_by_key(|row| row.sum_ns).unwrap();
    let stacks = parse::<Stack>(&last).into_value().unwrap();
    let stack = stacks.iter().find(|stack| stack.id == longest.kernel_stack).expect("its stack");
    let names = kernel_names(&stack.frames);
    assert!(names.is_empty() || names.iter().any(|name| name.contains("write")), "{names:?}");
    let hists: Vec<LockHist> = between(&first, &last).into_value().unwrap();
    let host: u64 = hists.iter().filter(|row| row.kind() == LockKind::RwsemWrite).map(|row| row.hist.sum_ns).sum();
    assert!(host + 1_000_000 >= sum, "{host} is of the whole host, {sum} of this process");
}

/// Nanoseconds that the calling thread has run or waited for a CPU.
fn ran_or_runnable() -> u64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    schedstat.split_whitespace().take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}
