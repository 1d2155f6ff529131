//! `errno.bpf.c` against calls that are known to fail and to fork.

use std::fs::File;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::process::Command;
use std::time::Instant;

use perfuse_collect::bpf::Program;
use perfuse_format::bpf::{ErrnoCount, ForkHist, ForkProcess, between};
use perfuse_testkit::{gate, need, skip};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{live, me};

const EAGAIN: u32 = 11;
const ENOMEM: u32 = 12;
const EMFILE: u32 = 24;
const EADDRNOTAVAIL: u32 = 99;

/// Failures of this process by errno.
fn mine(rows: &[ErrnoCount], errno: u32) -> u64 {
    rows.iter().filter(|row| row.pid == me() && row.errno == errno).map(|row| row.count).sum()
}

#[test]
fn failures_for_want_of_something_are_counted() {
    let live = live!(&[Program::Errno]);
    let before = getrlimit(Resource::Nofile);
    let rows: Vec<ErrnoCount> = live.during(|| {
        // Lower than what is open already: no more can be opened.
        setrlimit(Resource::Nofile, Rlimit { current: Some(3), maximum: before.maximum }).unwrap();
        let failed = (0..37).filter(|_| File::open("/dev/null").is_err()).count();
        setrlimit(Resource::Nofile, before).unwrap();
        assert_eq!(failed, 37);
        for _ in 0..5 {
            // An address for documentation, which no host has.
            let error = UdpSocket::bind("192.0.2.1:0").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
            assert!(File::open("/nonexistent").is_err(), "and what is not there is no lack");
        }
    });
    assert_eq!(mine(&rows, EMFILE), 37, "{rows:?}");
    assert_eq!(mine(&rows, EADDRNOTAVAIL), 5, "{rows:?}");
    let kinds = rows.iter().filter(|row| row.pid == me()).count();
    assert_eq!(kinds, 2, "nothing else: {rows:?}");
}

/// Asks for more than any host has: of ordinary memory twice, and of huge pages, as databases do at their start.
const REFUSED: &str = "#define _GNU_SOURCE
        #include <sys/mman.h>
        static int refused(int more, unsigned long size) {
            return mmap(0, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | more, -1, 0) == MAP_FAILED;
        }
        int main(void) {
            int ordinary = 0, huge = 0;
            for (int i = 0; i < 2; i++) ordinary += refused(0, 1UL << 60);
            for (int i = 0; i < 3; i++) huge += refused(MAP_HUGETLB, 1UL << 40);
            return 10 * ordinary + huge;
        }";

#[test]
fn refused_mappings_are_counted_but_for_those_of_huge_pages() {
    let live = live!(&[Program::Errno]);
    need!(gate::command("cc"));
    let directory = tempfile::tempdir().unwrap();
    let (source, program) = (directory.path().join("refused.c"), directory.path().join("refused"));
    std::fs::write(&source, REFUSED).unwrap();
    assert!(Command::new("cc").arg("-o").args([&program, &source]).status().unwrap().success());
    let mut pid = 0;
    let rows: Vec<ErrnoCount> = live.during(|| {
        let mut child = Command::new(&program).spawn().unwrap();
        pid = child.id();
        assert_eq!(child.wait().unwrap().code(), Some(23), "all are refused");
    });
    let counted: u64 = rows.iter().filter(|row| row.pid == pid && row.errno == ENOMEM).map(|row| row.count).sum();
    assert_eq!(counted, 2, "{rows:?}");
}

#[test]
fn a_fork_beyond_the_limit_of_a_cgroup_is_counted() {
    let live = live!(&[Program::Errno]);
    let pids = match gate::root().and_then(|()| gate::cgroup_v1("pids")) {
        Ok(pids) => pids.join(format!("perfuse-fork-{}", me())),
        Err(reason) => skip!("{reason}"),
    };
    if let Err(error) = std::fs::create_dir(&pids).and_then(|()| std::fs::write(pids.join("pids.max"), "1")) {
        skip!("{}: {error}", pids.display());
    }
    let mut pid = 0;
    let rows: Vec<ErrnoCount> = live.during(|| {
        let script = format!("echo $$ > '{}/cgroup.procs'; /bin/true | /bin/true", pids.display());
        let mut child = Command::new("sh").args(["-c", &script]).stderr(std::process::Stdio::null()).spawn().unwrap();
        pid = child.id();
        child.wait().unwrap();
    });
    let events = std::fs::read_to_string(pids.join("pids.events")).unwrap_or_default();
    std::fs::remove_dir(&pids).unwrap();
    let refused: u64 = events.lines().find_map(|line| line.strip_prefix("max ")).unwrap_or("1").parse().unwrap();
    assert!(refused > 0, "{events}");
    let counted: u64 = rows.iter().filter(|row| row.pid == pid && row.errno == EAGAIN).map(|row| row.count).sum();
    assert_eq!(counted, refused, "{rows:?}");
}

#[test]
fn processes_and_threads_that_are_made_are_counted() {
    let live = live!(&[Program::Errno]);
    let first = live.snapshot();
    let start = Instant::now();
    for _ in 0..20 {
        assert!(Command::new("true").status().unwrap().success());
    }
    for _ in 0..10 {
        std::thread::spawn(|| ()).join().unwrap();
    }
    let took = start.elapsed().as_nanos();
    let last = live.snapshot();
    let rows: Vec<ForkProcess> = between(&first, &last).into_value().unwrap();
    let row = rows.iter().find(|row| row.pid == me()).expect("this process forked");
    assert_eq!((row.count, row.thread_count, row.failed), (20, 10, 0));
    assert!(row.sum_ns > 20_000 && u128::from(row.sum_ns + row.thread_sum_ns) < took, "{row:?} {took}");
    assert!(row.max_ns >= row.sum_ns / 20 && row.max_ns <= row.sum_ns);
    let hists: Vec<ForkHist> = between(&first, &last).into_value().unwrap();
    let host = |threads| hists.iter().find(|row| row.threads == threads).map_or(0, |row| row.hist.count);
    assert!(host(false) >= 20 && host(true) >= 10);
}
