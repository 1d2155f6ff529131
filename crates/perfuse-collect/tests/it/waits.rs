//! `waits.bpf.c` against waits of known kind and length.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use perfuse_collect::bpf::Program;
use perfuse_format::RawSnapshot;
use perfuse_format::bpf::{OpenWait, Stack, WaitTime, WakeTime, between, parse};

use crate::support::{kernel_names, live, me, my_tid};

fn milliseconds(ns: u64) -> u64 {
    ns / 1_000_000
}

#[test]
fn short_and_long_sleeps_are_all_of_the_time() {
    let live = live!(&[Program::Waits]);
    let (mut tid, mut slept) = (0, Duration::ZERO);
    let first = live.snapshot();
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            let start = Instant::now();
            for _ in 0..300 {
                std::thread::sleep(Duration::from_micros(200));
            }
            std::thread::sleep(Duration::from_millis(50));
            (my_tid(), start.elapsed())
        });
        (tid, slept) = sleeper.join().unwrap();
    });
    let last = live.snapshot();
    let rows: Vec<WaitTime> = between(&first, &last).into_value().unwrap();
    let mine: Vec<_> = rows.iter().filter(|row| row.key.tid == tid).collect();
    let count: u64 = mine.iter().map(|row| row.count).sum();
    assert!(count >= 290, "the short ones too: {count}");
    let all: u64 = mine.iter().map(|row| row.blocked_ns + row.runq_ns).sum();
    assert!(u128::from(all) <= slept.as_nanos(), "not more than the clock: {all} of {slept:?}");
    assert!(milliseconds(all) >= 80, "{mine:?}");
    assert!(mine.iter().all(|row| row.key.pid == me() && row.key.flags == 0));
    let wakes: Vec<WakeTime> = between(&first, &last).into_value().unwrap();
    let woken: u64 = wakes.iter().filter(|row| row.tid == tid).map(|row| row.sum_ns).sum();
    assert!(woken <= all / 10, "a clock woke it, nobody else: {woken} of {all}");
    let stacks = parse::<Stack>(&last).into_value().unwrap();
    let long = mine.iter().max_by_key(|row| row.max_ns).unwrap();
    let stack = stacks.iter().find(|stack| stack.id == long.key.kernel_stack).expect("a stack");
    let names = kernel_names(&stack.frames);
    assert!(names.is_empty() || names.iter().any(|name| name.contains("nanosleep")), "{names:?}");
}

#[test]
fn a_wait_that_is_not_over_is_told_and_who_ends_it_is_named() {
    let live = live!(&[Program::Waits]);
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    let (send, receive) = std::sync::mpsc::channel();
    let sleeper = std::thread::spawn(move || {
        send.send(my_tid()).unwrap();
        reader.read_exact(&mut [0]).unwrap();
    });
    let tid = receive.recv().unwrap();
    let first = live.snapshot();
    let open = |raw: &RawSnapshot| {
        let rows = parse::<OpenWait>(raw).into_value().unwrap();
        rows.into_iter().find(|row| row.0.key.tid == tid)
    };
    let sweep = || {
        let mut raw = RawSnapshot::default();
        assert!(live.set.sweep_waits(&mut raw));
        raw
    };
    // It may need a moment until it sleeps.
    let deadline = Instant::now() + Duration::from_secs(10);
    while open(&sweep()).is_none() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(60));
    let waiting = open(&sweep()).expect("it waits").0;
    assert!((50..60_000).contains(&milliseconds(waiting.blocked_ns)), "{waiting:?}");
    writer.write_all(&[1]).unwrap();
    sleeper.join().unwrap();
    let last = live.snapshot();
    assert!(open(&sweep()).is_none(), "over");
    let rows: Vec<WaitTime> = between(&first, &last).into_value().unwrap();
    let over: u64 = rows.iter().filter(|row| row.key.tid == tid).map(|row| row.blocked_ns).sum();
    assert!(over >= waiting.blocked_ns, "{over} after {waiting:?}");
    let wakes: Vec<WakeTime> = between(&first, &last).into_value().unwrap();
    let wake = wakes.iter().filter(|row| row.tid == tid).max_by_key(|row| row.sum_ns).expect("woken");
    assert_eq!((wake.waker_pid, wake.waker_tid), (me(), my_tid()), "{wake:?}");
    assert!(milliseconds(wake.sum_ns) >= 50);
}
