//! `faults.bpf.c` and `reclaim.bpf.c` against the fault counters of `/proc/PID/stat` and memory cgroups of known size.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use perfuse_collect::bpf::Program;
use perfuse_format::bpf::{FaultHist, FaultProcess, OomVictim, Reclaim, ReclaimKind, between};
use perfuse_testkit::{gate, skip};
use rustix::fs::{Advice, fadvise};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::support::{bracketed, live, me, stat_field};

const MINOR: usize = 10;
const MAJOR: usize = 12;

#[test]
fn minor_faults_are_those_of_proc() {
    let live = live!(&[Program::Faults]);
    let start = Instant::now();
    let touch = || {
        // From the allocator's own mapping, page by page.
        let mut bytes = vec![0_u8; 0];
        bytes.reserve_exact(16 << 20);
        for _ in 0..4096 {
            bytes.extend_from_slice(&[1; 4096]);
        }
        assert_eq!(std::hint::black_box(&bytes).len(), 16 << 20);
    };
    let (rows, bracket) = bracketed::<FaultProcess>(&live, || stat_field(me(), MINOR).unwrap(), touch);
    let row = rows.iter().find(|row| row.pid == me()).expect("this process faulted");
    // 4096 pages, or 8 huge ones.
    assert!(bracket.inner() >= 8, "{bracket:?}");
    // A fault of the kernel on behalf of a system call (get_user_pages) is in /proc and not an exception.
    assert!(row.minor_count + 16 >= bracket.inner(), "{row:?} {bracket:?}");
    bracket.holds(row.minor_count.max(bracket.inner()));
    assert!(u128::from(row.minor_ns) < start.elapsed().as_nanos(), "{row:?}");
    assert!(row.minor_ns / row.minor_count >= 100 && row.minor_max_ns >= row.minor_ns / row.minor_count);
}

#[test]
fn major_faults_are_those_of_proc() {
    let live = live!(&[Program::Faults]);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = directory.path().join("pages");
    let pages = 256;
    let length = pages << 12;
    std::fs::write(&path, vec![7_u8; length]).unwrap();
    let file = File::open(&path).unwrap();
    file.sync_all().unwrap();
    let work = || {
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        fadvise(&file, 0, None, Advice::Random).unwrap();
        // SAFETY: a private read-only mapping at an address of the kernel's choice.
        let map = unsafe {
            mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE, &file, 0).unwrap().cast::<u8>()
        };
        // SAFETY: each offset lies within the mapping of the file, which keeps its length.
        let sum: u64 = (0..pages).map(|page| u64::from(unsafe { map.add(page << 12).read_volatile() })).sum();
        // SAFETY: the mapping made above, of which no reference is left.
        unsafe { munmap(map.cast(), length).unwrap() };
        assert_eq!(sum, 7 * pages as u64);
    };
    let outer = live.snapshot();
    let (rows, bracket) = bracketed::<FaultProcess>(&live, || stat_field(me(), MAJOR).unwrap(), work);
    if bracket.inner() == 0 {
        skip!("the file system of {} keeps its pages in memory", directory.path().display());
    }
    let row = rows.iter().find(|row| row.pid == me()).expect("this process faulted");
    bracket.holds(row.major_count);
    assert!(row.major_max_ns >= row.major_ns / row.major_count);
    let hists: Vec<FaultHist> = between(&outer, &live.snapshot()).into_value().unwrap();
    let major = hists.iter().find(|hist| hist.major).expect("the host has them too");
    assert!(major.hist.count >= row.major_count && major.hist.sum_ns >= row.major_ns);
}

/// A memory cgroup of its own with a limit, removed on drop.
struct Limited(PathBuf);

impl Limited {
    fn new(name: &str, limit: u64) -> Result<Self, String> {
        gate::root()?;
        let (parent, file) = match gate::cgroup_v1("memory") {
            Ok(parent) => (parent, "memory.limit_in_bytes"),
            Err(_) => (gate::cgroup_v2(&["memory"])?, "memory.max"),
        };
        let path = parent.join(format!("perfuse-{name}-{}", me()));
        std::fs::create_dir(&path).map_err(|error| error.to_string())?;
        let limited = Self(path);
        std::fs::write(limited.0.join(file), limit.to_string()).map_err(|error| error.to_string())?;
        Ok(limited)
    }

    /// A shell command that runs in it.
    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("echo $$ > '{}/cgroup.procs' && {script}", self.0.display()));
        command
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        for _ in 0..50 {
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

#[test]
fn reclaim_of_a_limited_cgroup_is_seen() {
    let live = live!(&[Program::Reclaim]);
    let limited = match Limited::new("reclaim", 16 << 20) {
        Ok(limited) => limited,
        Err(reason) => skip!("{reason}"),
    };
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = write_file(directory.path(), 64 << 20);
    fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    let start = Instant::now();
    let mut pid = 0;
    let rows: Vec<Reclaim> = live.during(|| {
        let script = format!("exec cat '{}'", directory.path().join("data").display());
        let mut child = limited.shell(&script).stdout(std::process::Stdio::null()).spawn().unwrap();
        pid = child.id();
        assert!(child.wait().unwrap().success());
    });
    let took = start.elapsed().as_nanos();
    let rows: Vec<_> = rows.iter().filter(|row| row.pid == pid && row.kind == ReclaimKind::Cgroup).collect();
    let pages: u64 = rows.iter().map(|row| row.pages).sum();
    // 64 MiB went through 16: the rest had to go again.
    let must_go = (48 << 20) / rustix::param::page_size() as u64;
    assert!(pages >= must_go * 9 / 10, "{pages} of {must_go}: {rows:?}");
    let sum: u64 = rows.iter().map(|row| row.sum_ns).sum();
    assert!(sum > 0 && u128::from(sum) < took, "{rows:?}");
    assert!(rows.iter().all(|row| row.comm == "cat" && row.max_ns <= row.sum_ns));
}

fn write_file(directory: &Path, length: u64) -> File {
    let mut file =
        File::options().create(true).read(true).write(true).truncate(true).open(directory.join("data")).unwrap();
    let block = vec![3_u8; 1 << 20];
    for _ in 0..length >> 20 {
        file.write_all(&block).unwrap();
    }
    file.sync_all().unwrap();
    let mut first = [0];
    file.read_exact_at(&mut first, 0).unwrap();
    assert_eq!(first, [3]);
    file
}

#[test]
fn the_victim_of_a_cgroup_limit_is_named() {
    let live = live!(&[Program::Reclaim]);
    let limited = match Limited::new("oom", 8 << 20) {
        Ok(limited) => limited,
        Err(reason) => skip!("{reason}"),
    };
    let mut killed = None;
    let mut pid = 0;
    let rows: Vec<OomVictim> = live.during(|| {
        // A line without end has to be held in memory.
        let mut child = limited.shell("exec tail -n 1 /dev/zero").stdout(std::process::Stdio::null()).spawn().unwrap();
        pid = child.id();
        killed = child.wait().unwrap().signal();
    });
    assert_eq!(killed, Some(9), "the second source: the kernel killed it");
    let victim = rows.iter().find(|row| row.pid == pid).expect("a victim");
    if victim.uid.is_some() {
        assert_eq!((victim.comm.as_str(), victim.uid), ("tail", Some(0)));
        let limit_pages = (8 << 20) / rustix::param::page_size() as u64;
        assert!((limit_pages / 2..limit_pages * 2).contains(&victim.rss_pages.unwrap()), "{victim:?}");
    }
    assert_eq!((victim.by_pid, victim.by_comm.as_str()), (pid, "tail"));
}
