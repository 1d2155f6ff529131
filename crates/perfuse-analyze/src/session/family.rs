//! The threads of a recording as a family tree, with the mappings of each process: `perf report --tasks` and `--mmaps`.
//!
//! Unlike in a [`super::Session`] nothing is forgotten when a process ends or runs another program, as in perf 6.1
//! (`tasks_print` of its `builtin-report.c`).

use std::collections::BTreeMap;
use std::rc::Rc;

use perfuse_format::perfdata::record::{Record, Task};
use perfuse_format::perfdata::{CpuMode, Mmap};

/// `PERF_RECORD_MISC_FORK_EXEC`.
const MISC_FORK_EXEC: u16 = 1 << 13;
/// Threads that perf keeps in one of its tables: threads are visited table by table.
const TABLES: i32 = 256;

/// A mapping of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// First address behind it.
    pub end: u64,
    /// Offset of `start` in the file, in bytes.
    pub pgoff: u64,
    /// `PROT_*`.
    pub prot: u32,
    /// Whether writes are seen by others: `MAP_SHARED`.
    pub shared: bool,
    /// Inode of the file; 0 if it is not known.
    pub inode: u64,
    /// File, as perf names it.
    pub name: Rc<str>,
}

/// Mappings by their first address.
type Mappings = BTreeMap<u64, Mapping>;

/// A thread.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its process; -1 if no record tells.
    pub pid: i32,
    /// Its number.
    pub tid: i32,
    /// The thread that made it; -1 if no record tells.
    pub parent: i32,
    /// Its last name; `None` if no record tells.
    pub comm: Option<String>,
}

/// Threads and mappings, as records tell of them.
#[derive(Debug)]
pub struct Family {
    threads: BTreeMap<i32, Member>,
    /// By process. Shared with the child until one of both changes.
    mappings: BTreeMap<i32, Rc<Mappings>>,
    /// Names of mapped files.
    names: BTreeMap<Vec<u8>, Rc<str>>,
    /// Whether mappings are kept.
    with_mappings: bool,
}

impl Family {
    /// A family that knows only the idle thread.
    pub fn new(with_mappings: bool) -> Self {
        let idle = Member { pid: 0, tid: 0, parent: -1, comm: Some("swapper".to_owned()) };
        Self { threads: BTreeMap::from([(0, idle)]), mappings: BTreeMap::new(), names: BTreeMap::new(), with_mappings }
    }

    /// Takes note of a record; `misc` is that of its header.
    pub fn apply(&mut self, misc: u16, record: &Record<'_>) {
        match record {
            Record::Comm { pid, tid, comm, .. } => {
                self.thread(*pid, *tid).comm = Some(String::from_utf8_lossy(comm).into_owned());
            }
            Record::Fork(task) => self.fork(misc, task),
            Record::Mmap(mmap) if self.with_mappings && mmap.mode == CpuMode::User => self.map(mmap),
            _ => {}
        }
    }

    /// The thread of a number; a new one comes with the leader of its process.
    fn thread(&mut self, pid: i32, tid: i32) -> &mut Member {
        if pid >= 0 && pid != tid {
            self.threads.entry(pid).or_insert(Member { pid, tid: pid, parent: -1, comm: None });
        }
        let thread = self.threads.entry(tid).or_insert(Member { pid, tid, parent: -1, comm: None });
        if thread.pid == -1 {
            thread.pid = pid;
        }
        thread
    }

    fn fork(&mut self, misc: u16, task: &Task) {
        // Another thread that had this number is gone.
        if self.threads.get(&task.ptid).is_some_and(|parent| parent.pid != task.ppid && parent.pid != -1) {
            self.threads.remove(&task.ptid);
        }
        self.threads.remove(&task.tid);
        let comm = self.thread(task.ppid, task.ptid).comm.clone();
        if task.pid == task.tid {
            self.mappings.remove(&task.pid);
        }
        let thread = self.thread(task.pid, task.tid);
        (thread.comm, thread.parent) = (comm, task.ptid);
        if task.pid != task.ppid
            && misc & MISC_FORK_EXEC == 0
            && let Some(parent) = self.mappings.get(&task.ppid)
        {
            let shared = Rc::clone(parent);
            self.mappings.insert(task.pid, shared);
        }
    }

    fn map(&mut self, mmap: &Mmap<'_>) {
        self.thread(mmap.pid, mmap.tid);
        let path = String::from_utf8_lossy(mmap.path);
        let is_anonymous =
            path.starts_with("//anon") || path.starts_with("/dev/zero") || path.starts_with("/anon_hugepage");
        let is_vdso = path == "[vdso]";
        let name = if is_anonymous { format!("/tmp/perf-{}.map", mmap.pid) } else { path.into_owned() };
        let name = self.names.entry(name.clone().into_bytes()).or_insert_with(|| name.into());
        let (start, end) = (mmap.start, mmap.start.saturating_add(mmap.len));
        let fresh = Mapping {
            start,
            end,
            pgoff: if is_vdso { 0 } else { mmap.pgoff },
            prot: mmap.prot,
            shared: mmap.flags & 1 != 0,
            inode: if is_vdso { 0 } else { mmap.inode.0 },
            name: Rc::clone(name),
        };
        if end <= start {
            return;
        }
        let all = Rc::make_mut(self.mappings.entry(mmap.pid).or_default());
        let before = all.range(..start).next_back().filter(|(_, map)| map.end > start).map(|(key, _)| *key);
        let hit: Vec<u64> = before.into_iter().chain(all.range(start..end).map(|(key, _)| *key)).collect();
        for key in hit {
            let Some(old) = all.remove(&key) else { continue };
            if old.end > end {
                let pgoff = old.pgoff.wrapping_add(end - old.start);
                all.insert(end, Mapping { start: end, pgoff, ..old.clone() });
            }
            if old.start < start {
                all.insert(old.start, Mapping { end: start, ..old });
            }
        }
        all.insert(start, fresh);
    }

    /// All threads with how deep they stand below the eldest; each one comes before its children. A thread whose parent
    /// no record tells of leaves the rest of the tree untold, and is given as the error, as in perf.
    pub fn tree(&self) -> Result<Vec<(usize, &Member)>, i32> {
        let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        let mut roots = Vec::new();
        let mut listed = std::collections::BTreeSet::new();
        let mut numbers: Vec<i32> = self.threads.keys().copied().collect();
        numbers.sort_by_key(|tid| (tid.cast_unsigned() % TABLES.cast_unsigned(), *tid));
        for mut at in numbers {
            // Up to one that is listed already, or to the eldest.
            while listed.insert(at) {
                let Some(thread) = self.threads.get(&at) else { break };
                if thread.parent == -1 {
                    roots.push(at);
                    break;
                }
                if !self.threads.contains_key(&thread.parent) {
                    return Err(thread.parent);
                }
                children.entry(thread.parent).or_default().push(at);
                at = thread.parent;
            }
        }
        let mut open: Vec<(usize, i32)> = roots.into_iter().rev().map(|root| (0, root)).collect();
        let mut tree = Vec::new();
        while let Some((depth, tid)) = open.pop() {
            tree.extend(self.threads.get(&tid).map(|thread| (depth, thread)));
            open.extend(children.get(&tid).into_iter().flatten().rev().map(|&child| (depth + 1, child)));
        }
        Ok(tree)
    }

    /// Mappings of a process, by address.
    pub fn mappings(&self, pid: i32) -> impl Iterator<Item = &Mapping> {
        self.mappings.get(&pid).into_iter().flat_map(|all| all.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comm(family: &mut Family, tid: i32, name: &str) {
        family.apply(0, &Record::Comm { pid: tid, tid, comm: name.as_bytes(), exec: false });
    }

    fn fork(family: &mut Family, parent: (i32, i32), child: (i32, i32)) {
        let task = Task { pid: child.0, ppid: parent.0, tid: child.1, ptid: parent.1, time: 0 };
        family.apply(0, &Record::Fork(task));
    }

    fn map(family: &mut Family, pid: i32, start: u64, len: u64, path: &str) {
        let mmap = Mmap { pid, tid: pid, start, len, path: path.as_bytes(), mode: CpuMode::User, ..Mmap::default() };
        family.apply(0, &Record::Mmap(mmap));
    }

    #[test]
    fn children_stand_below_the_thread_that_made_them() {
        let mut family = Family::new(false);
        comm(&mut family, 300, "sh");
        fork(&mut family, (300, 300), (400, 400));
        comm(&mut family, 400, "ls");
        fork(&mut family, (400, 400), (400, 401));
        let tree = family.tree().unwrap();
        let seen: Vec<_> = tree.iter().map(|(depth, member)| (*depth, member.tid, member.comm.as_deref())).collect();
        assert_eq!(seen, [(0, 0, Some("swapper")), (0, 300, Some("sh")), (1, 400, Some("ls")), (2, 401, Some("ls"))]);
    }

    #[test]
    fn threads_that_made_each_other_end_the_search() {
        let mut family = Family::new(false);
        fork(&mut family, (2, 2), (1, 1));
        fork(&mut family, (1, 1), (2, 2));
        assert_eq!(family.tree().unwrap().len(), 1);
    }

    #[test]
    fn mappings_are_taken_over_and_cut() {
        let mut family = Family::new(true);
        map(&mut family, 7, 0x1000, 0x4000, "/bin/a");
        fork(&mut family, (7, 7), (8, 8));
        map(&mut family, 8, 0x2000, 0x1000, "//anon");
        let of = |pid| family.mappings(pid).map(|map| (map.start, map.end, map.pgoff, &*map.name)).collect::<Vec<_>>();
        assert_eq!(of(7), [(0x1000, 0x5000, 0, "/bin/a")]);
        assert_eq!(
            of(8),
            [(0x1000, 0x2000, 0, "/bin/a"), (0x2000, 0x3000, 0, "/tmp/perf-8.map"), (0x3000, 0x5000, 0x2000, "/bin/a")]
        );
    }
}
