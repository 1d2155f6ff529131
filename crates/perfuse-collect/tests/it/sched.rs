//! `sched.bpf.c` against `/proc/PID/schedstat` and sleeps of known length.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use perfuse_collect::bpf::Program;
use perfuse_format::bpf::{OffCpu, RunqCgroup, RunqHist, RunqProcess, Stack, between, lost, parse};

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::support::{bracketed, kernel_names, live, me, my_tid};

/// Shells that do nothing but run.
struct Burners(Vec<Child>);

impl Burners {
    fn start(number: usize) -> Self {
        let shell = || Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        Self((0..number).map(|_| shell()).collect())
    }

    /// All on one CPU.
    fn pinned(number: usize) -> Self {
        let burners = Self::start(number);
        let allowed = sched_getaffinity(None).unwrap();
        let cpu = (0..CpuSet::MAX_CPU).find(|&cpu| allowed.is_set(cpu)).unwrap();
        let mut only = CpuSet::new();
        only.set(cpu);
        for child in &burners.0 {
            sched_setaffinity(Pid::from_raw(child.id().cast_signed()), &only).unwrap();
        }
        burners
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn run_delay(pid: u32) -> u64 {
    let schedstat = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap();
    schedstat.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn run_queue_waits_are_those_of_schedstat() {
    let live = live!(&[Program::Sched], "runq_batch" = 0);
    // Pinned, since of a thread that is moved while it waits, schedstat counts each part at once and the program all at its
    // end, so the two would differ by a wait that one of the snapshots cuts.
    let burners = Burners::pinned(4);
    let watched = burners.0[0].id();
    std::thread::sleep(Duration::from_millis(100));
    let second = || run_delay(watched);
    let (rows, bracket) = bracketed::<RunqProcess>(&live, second, || std::thread::sleep(Duration::from_millis(700)));
    let row = rows.iter().find(|row| row.pid == watched).expect("a burner waits");
    bracket.holds(row.hist.sum_ns);
    assert!(row.hist.sum_ns > 10_000_000, "more runners than CPUs: {row:?}");
    assert_eq!(row.hist.slots.iter().sum::<u64>(), row.hist.count);
    assert!(row.max_ns <= row.hist.sum_ns.max(row.max_ns) && row.max_ns >= row.hist.sum_ns / row.hist.count);
    assert_eq!(row.comm, "sh");
}

#[test]
fn host_process_and_cgroup_waits_add_up() {
    let live = live!(&[Program::Sched]);
    let burners = Burners::start(3);
    let first = live.snapshot();
    std::thread::sleep(Duration::from_millis(300));
    drop(burners);
    let last = live.snapshot();
    let host = between::<RunqHist>(&first, &last).into_value().unwrap().remove(0).hist;
    let processes: u64 =
        between::<RunqProcess>(&first, &last).into_value().unwrap().iter().map(|row| row.hist.sum_ns).sum();
    let cgroups: u64 =
        between::<RunqCgroup>(&first, &last).into_value().unwrap().iter().map(|row| row.hist.sum_ns).sum();
    // The tables are read one after the other while the host goes on, so they differ by what happened meanwhile.
    for sum in [processes, cgroups] {
        assert!(sum.abs_diff(host.sum_ns) <= host.sum_ns / 5 + 30_000_000, "{sum} of {}", host.sum_ns);
    }
    assert_eq!(host.slots.iter().sum::<u64>(), host.count);
}

#[test]
fn long_sleeps_are_seen_with_their_stacks() {
    let live = live!(&[Program::Sched], "offcpu_min_ns" = 5_000_000, "offcpu_user_stacks" = 1);
    let (mut tid, mut slept) = (0, Duration::ZERO);
    let first = live.snapshot();
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            let start = Instant::now();
            for _ in 0..5 {
                std::thread::sleep(Duration::from_millis(20));
                // Too short to be kept.
                std::thread::sleep(Duration::from_micros(100));
            }
            (my_tid(), start.elapsed())
        });
        (tid, slept) = sleeper.join().unwrap();
    });
    let last = live.snapshot();
    let rows: Vec<OffCpu> = between(&first, &last).into_value().unwrap();
    let mine: Vec<_> = rows.iter().filter(|row| row.tid == tid && !row.uninterruptible()).collect();
    let count: u64 = mine.iter().map(|row| row.count).sum();
    let blocked: u64 = mine.iter().map(|row| row.blocked_ns).sum();
    // On a busy host one of the short ones may have had to wait for a CPU.
    let missed = lost::<OffCpu>(&last).into_value().unwrap();
    assert!(count + missed >= 5 && count <= 15, "{count}, lost {missed}: {mine:?}");
    // Five times 20 ms, less what a busy host let pass between the setting of the timer and the leaving of the CPU.
    assert!(blocked >= 50_000_000, "{blocked}");
    let all: u64 = mine.iter().map(|row| row.blocked_ns + row.runq_ns).sum();
    assert!(u128::from(all) <= slept.as_nanos(), "not more than the clock: {all} of {slept:?}");
    assert!(mine.iter().all(|row| row.pid == me()));
    assert!(mine.iter().any(|row| row.max_ns >= 10_000_000));

    let stacks = parse::<Stack>(&last).into_value().unwrap();
    let frames = |id: u64| stacks.iter().find(|stack| stack.id == id).map(|stack| stack.frames.clone());
    let kernel = frames(mine[0].kernel_stack).expect("the kernel stack is in the table");
    let names = kernel_names(&kernel);
    assert!(names.is_empty() || names.iter().any(|name| name.contains("nanosleep")), "{names:?}");
    // The first sleep of a thread is not expected to be long; from then on the user stack is taken.
    let user = mine.iter().find(|row| row.user_stack != 0).expect("a user stack");
    let user = frames(user.user_stack).expect("the user stack is in the table");
    assert!(user[0] < 1 << 63, "{user:x?}");
    assert!(in_executable_mapping(user[0]), "{user:x?}");
}

/// Whether an address lies in code of this process.
fn in_executable_mapping(address: u64) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.split_whitespace().nth(1).is_some_and(|bits| bits.contains('x'))).any(|line| {
        let (from, to) = line.split_whitespace().next().unwrap().split_once('-').unwrap();
        let bound = |text| u64::from_str_radix(text, 16).unwrap();
        (bound(from)..bound(to)).contains(&address)
    })
}
