//! FORK, COMM and MMAP2 of running threads.

use std::fmt::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use perfuse_format::perfdata::record::kind;
use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::Errno;

use super::emit::Emitter;
use super::maps::{MapsReader, read_text};
use super::status::{COMM, Status};
use crate::root::Root;

/// `PERF_RECORD_MISC_FORK_EXEC`: perf marks its own FORK records with it, so that a reader copies no maps of the parent.
const MISC_FORK_EXEC: u16 = 1 << 13;
/// `PERF_RECORD_MISC_MMAP_DATA`.
const MISC_MMAP_DATA: u16 = 1 << 13;
/// `PERF_RECORD_MISC_PROC_MAP_PARSE_TIMEOUT`: what follows of the process is not told.
const MISC_TIMEOUT: u16 = 1 << 12;
/// `PERF_RECORD_MISC_USER`.
const MISC_USER: u16 = 2;
/// `MAP_HUGETLB`.
const MAP_HUGETLB: u32 = 0x40000;
/// `PROT_EXEC`.
const PROT_EXEC: u32 = 4;
/// Names of the links in `/proc/PID/ns`, in the order of `NET_NS_INDEX` and the following.
const NAMESPACES: [&str; 7] = ["net", "uts", "ipc", "pid", "user", "mnt", "cgroup"];

/// What is told of each process.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct What {
    /// FORK and COMM.
    pub tasks: bool,
    /// MMAP2.
    pub maps: bool,
    /// MMAP2 of data as well.
    pub data: bool,
    /// NAMESPACES.
    pub namespaces: bool,
    /// How long the mappings of one process may take; the rest of them is left out.
    pub limit: Option<Duration>,
}

/// Reads processes one after the other, with buffers that are kept.
#[derive(Debug)]
pub struct Tasks {
    proc: OwnedFd,
    what: What,
    maps: MapsReader,
    /// Where huge pages are mounted: files there are no files.
    huge: Vec<u8>,
    path: String,
    text: Vec<u8>,
    listing: Vec<MaybeUninit<u8>>,
    /// Processes whose mappings may not be read.
    pub denied: Vec<i32>,
    /// Processes whose mappings took too long.
    pub slow: Vec<i32>,
}

impl Tasks {
    /// Opens `/proc`.
    pub fn new(root: &Root, what: What) -> Result<Self, Errno> {
        let proc = rustix::fs::open(root.join("/proc"), OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let huge = huge_pages(&std::fs::read(root.join("/proc/mounts")).unwrap_or_default());
        let listing = vec![MaybeUninit::uninit(); 32 * 1024];
        Ok(Self {
            proc,
            what,
            maps: MapsReader::new(what.data),
            huge,
            path: String::new(),
            text: Vec::new(),
            listing,
            denied: Vec::new(),
            slow: Vec::new(),
        })
    }

    /// All processes; `flush` may take what has been written whenever one is complete.
    pub fn all<E>(&mut self, out: &mut Emitter, mut flush: impl FnMut(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        self.path.clear();
        self.path.push('.');
        for pid in self.numbers() {
            self.process(pid, out);
            flush(&mut out.bytes)?;
        }
        Ok(())
    }

    /// One process with all of its threads; one that is gone is left out.
    pub fn process(&mut self, pid: i32, out: &mut Emitter) {
        if !self.read(format_args!("{pid}/status")) {
            return;
        }
        // The text is taken out so that the other buffers can be used beside it.
        let text = std::mem::take(&mut self.text);
        let status = Status::parse(&text);
        if let Some(status) = &status {
            self.leader(pid, status, out);
        }
        let more = status.filter(|status| status.threads > 1);
        let (threads, tgid) = (more.is_some(), more.map_or(pid, |status| status.tgid));
        self.text = text;
        if threads && self.what.tasks {
            self.path.clear();
            let _ = write!(self.path, "{pid}/task");
            for tid in self.numbers() {
                if tid != pid {
                    self.thread(tgid, tid, out);
                }
            }
        }
    }

    fn leader(&mut self, pid: i32, status: &Status<'_>, out: &mut Emitter) {
        if self.what.tasks {
            fork(out, status.tgid, pid, status.ppid);
            if self.what.namespaces {
                self.namespaces(status.tgid, pid, out);
            }
            comm(out, status.tgid, pid, status.name);
        }
        if self.what.maps && status.has_memory {
            self.noted_mappings(pid, status.tgid, out);
        }
    }

    /// The mappings. A process that ended meanwhile has none; one that may not be looked into is noted.
    fn noted_mappings(&mut self, pid: i32, tgid: i32, out: &mut Emitter) {
        if matches!(self.mappings(pid, tgid, out), Err(Errno::ACCESS | Errno::PERM)) {
            self.denied.push(pid);
        }
    }

    fn thread(&mut self, process: i32, tid: i32, out: &mut Emitter) {
        if !self.read(format_args!("{process}/task/{tid}/comm")) {
            return;
        }
        fork(out, process, tid, process);
        if self.what.namespaces {
            self.namespaces(process, tid, out);
        }
        let name = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        comm(out, process, tid, &name[..name.len().min(COMM)]);
    }

    /// One thread alone, as perf tells the thread of `-t`: its name, and the maps of its process.
    pub fn single(&mut self, tid: i32, out: &mut Emitter) {
        if !self.read(format_args!("{tid}/status")) {
            return;
        }
        let text = std::mem::take(&mut self.text);
        if let Some(status) = Status::parse(&text) {
            comm(out, status.tgid, tid, status.name);
            if self.what.maps && status.has_memory {
                self.noted_mappings(tid, status.tgid, out);
            }
        }
        self.text = text;
    }

    fn mappings(&mut self, pid: i32, tgid: i32, out: &mut Emitter) -> Result<(), Errno> {
        self.path.clear();
        let _ = write!(self.path, "{pid}/maps");
        let file = rustix::fs::openat(&self.proc, &self.path, OFlags::CLOEXEC, Mode::empty())?;
        let huge = &self.huge;
        let end = self.what.limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut late = false;
        let outcome = self.maps.read(&file, |mapping| {
            if late {
                return;
            }
            late = end.is_some_and(|end| Instant::now() > end);
            let is_huge = !huge.is_empty() && mapping.path.starts_with(huge);
            let path = if mapping.path.is_empty() || is_huge { b"//anon" } else { mapping.path };
            let data = if mapping.prot & PROT_EXEC == 0 { MISC_MMAP_DATA } else { 0 };
            out.begin(kind::MMAP2, MISC_USER | data | if late { MISC_TIMEOUT } else { 0 });
            out.i32(tgid);
            out.i32(pid);
            out.u64(mapping.start);
            out.u64(mapping.end.wrapping_sub(mapping.start));
            out.u64(mapping.offset);
            out.u32(mapping.device.0);
            out.u32(mapping.device.1);
            out.u64(mapping.inode);
            // Its generation, which only the kernel knows.
            out.u64(0);
            out.u32(mapping.prot);
            out.u32(mapping.flags | if is_huge { MAP_HUGETLB } else { 0 });
            out.text(path);
            out.end();
        });
        if late {
            self.slow.push(pid);
        }
        outcome
    }

    fn namespaces(&mut self, process: i32, tid: i32, out: &mut Emitter) {
        out.begin(kind::NAMESPACES, 0);
        out.i32(process);
        out.i32(tid);
        out.u64(NAMESPACES.len() as u64);
        for name in NAMESPACES {
            self.path.clear();
            let _ = write!(self.path, "{process}/ns/{name}");
            let stat = rustix::fs::statat(&self.proc, &self.path, rustix::fs::AtFlags::empty());
            let (device, inode) = stat.map_or((0, 0), |stat| (stat.st_dev, stat.st_ino));
            out.u64(device);
            out.u64(inode);
        }
        out.end();
    }

    /// Reads a file below `/proc` into the kept buffer.
    fn read(&mut self, path: std::fmt::Arguments<'_>) -> bool {
        self.path.clear();
        let _ = self.path.write_fmt(path);
        let Ok(file) = rustix::fs::openat(&self.proc, &self.path, OFlags::CLOEXEC, Mode::empty()) else { return false };
        if self.path.ends_with("maps") {
            return read_text(file, &mut self.text).is_ok();
        }
        // A status and a name fit into one read, and what is read of them is at their beginning.
        self.text.resize(4096, 0);
        match rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut self.text[..])) {
            Ok(length) => {
                self.text.truncate(length);
                length > 0
            }
            Err(_) => false,
        }
    }

    /// The entries of the directory in `self.path` that are numbers, in the order of the kernel, which is theirs.
    fn numbers(&mut self) -> Vec<i32> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(directory) = rustix::fs::openat(&self.proc, &self.path, flags, Mode::empty()) else { return Vec::new() };
        let mut all = Vec::new();
        let mut entries = RawDir::new(directory, &mut self.listing);
        while let Some(Ok(entry)) = entries.next() {
            all.extend(
                std::str::from_utf8(entry.file_name().to_bytes()).ok().and_then(|name| name.parse::<i32>().ok()),
            );
        }
        all
    }
}

fn fork(out: &mut Emitter, pid: i32, tid: i32, parent: i32) {
    out.begin(kind::FORK, MISC_FORK_EXEC);
    out.i32(pid);
    out.i32(parent);
    out.i32(tid);
    out.i32(parent);
    out.u64(0);
    out.end();
}

fn comm(out: &mut Emitter, pid: i32, tid: i32, name: &[u8]) {
    out.begin(kind::COMM, 0);
    out.i32(pid);
    out.i32(tid);
    out.text(name);
    out.end();
}

/// The mount point of the first `hugetlbfs` in `/proc/mounts`.
fn huge_pages(mounts: &[u8]) -> Vec<u8> {
    let mut lines = mounts.split(|&byte| byte == b'\n').map(|line| line.split(|&byte| byte == b' '));
    let found = lines.find_map(|mut fields| {
        let path = fields.nth(1)?;
        (fields.next()? == b"hugetlbfs").then(|| path.to_vec())
    });
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHAT: What = What { tasks: true, maps: true, data: false, namespaces: false, limit: None };

    /// Kind, misc and size of each record.
    fn heads(mut bytes: &[u8]) -> Vec<(u32, u16, usize)> {
        let mut heads = Vec::new();
        while let Some(head) = bytes.first_chunk::<8>() {
            let size = usize::from(u16::from_ne_bytes([head[6], head[7]]));
            let kind = u32::from_ne_bytes([head[0], head[1], head[2], head[3]]);
            heads.push((kind, u16::from_ne_bytes([head[4], head[5]]), size));
            bytes = &bytes[size..];
        }
        heads
    }

    #[test]
    fn a_process_of_two_threads_is_told_in_the_order_of_perf() {
        let directory = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let status = |threads: u32| {
            format!("Name:\tmain\nTgid:\t7\nPPid:\t3\nUid:\t0\t0\t0\t0\nVmPeak:\t1 kB\nThreads:\t{threads}\n")
        };
        put("proc/mounts", "none /dev/huge hugetlbfs rw 0 0\n");
        put("proc/7/status", &status(2));
        put("proc/7/maps", "10-20 r-xp 0 0:0 5 /bin/x\n20-30 rw-p 0 0:0 5 /bin/x\n30-40 r-xp 0 0:0 0 /dev/huge/y\n");
        put("proc/7/task/7/comm", "main\n");
        put("proc/7/task/8/comm", "worker\n");
        put("proc/self/status", &status(1));
        let mut tasks = Tasks::new(&Root::at(directory.path()), WHAT).unwrap();
        let mut out = Emitter::new(0);
        tasks.all::<()>(&mut out, |_| Ok(())).unwrap();
        let mut kinds: Vec<u32> = heads(&out.bytes).iter().map(|head| head.0).collect();
        // A file that is no procfs file has no gate page and answers no query; the running kernel may still have one.
        kinds.dedup();
        assert_eq!(kinds, [kind::FORK, kind::COMM, kind::MMAP2, kind::FORK, kind::COMM]);
        let has = |text: &[u8]| out.bytes.windows(text.len()).any(|window| window == text);
        assert!(has(b"worker\0") && has(b"//anon\0") && has(b"/bin/x\0") && !has(b"huge"));
    }

    #[test]
    fn the_own_process_is_complete() {
        let mut tasks = Tasks::new(&Root::default(), What { namespaces: true, ..WHAT }).unwrap();
        let mut out = Emitter::new(16);
        let pid = i32::try_from(std::process::id()).unwrap();
        tasks.process(pid, &mut out);
        let heads = heads(&out.bytes);
        assert_eq!(heads[0], (kind::FORK, MISC_FORK_EXEC, 8 + 24 + 16));
        assert_eq!(heads[1], (kind::NAMESPACES, 0, 8 + 16 + 7 * 16 + 16));
        assert_eq!((heads[2].0, heads[2].1), (kind::COMM, 0));
        assert!(heads.iter().any(|head| (head.0, head.1) == (kind::MMAP2, MISC_USER)));
        let own = std::env::current_exe().unwrap();
        let own = own.as_os_str().as_encoded_bytes();
        assert!(out.bytes.windows(own.len()).any(|window| window == own));
        tasks.process(i32::MAX, &mut out);
    }
}
