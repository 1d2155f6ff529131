//! Who was who while a profile was recorded: threads with their names, mappings with their files.
//!
//! Records must come in the order of time. Then [`Session::locate`] tells for any instruction pointer of the moment in
//! which file it lay, and where in it:
//!
//! ```text
//!   process 7        MMAP 0x5000..0x9000, offset 0x1000 of /bin/app
//!   ip 0x5123   ->   /bin/app at 0x1123 (offset in the file)
//! ```
//!
//! Of mappings that overlap the later one wins, and cuts or splits the earlier, as in the kernel.

pub mod family;
mod maps;

use std::collections::BTreeMap;

use perfuse_format::perfdata::record::Record;
use perfuse_format::perfdata::{CpuMode, Mmap};

pub use maps::{Map, Maps};
pub use perfuse_symbol::DsoKind;

/// Number of a [`Dso`] in its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DsoId(pub u32);

/// A file, or whatever else holds code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dso {
    /// As recorded: a path, `[kernel.kallsyms]`, `[vdso]`, `//anon` …
    pub path: String,
    /// What it is.
    pub kind: DsoKind,
    /// Build id, where a record or a header tells.
    pub build_id: Option<Vec<u8>>,
    /// A process that mapped it: its view of the filesystem may differ (containers), and its `/tmp/perf-PID.map` counts.
    pub pid: i32,
}

/// Where an instruction pointer lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// In which file; `None` if no mapping is known.
    pub dso: Option<DsoId>,
    /// Where in it: offset in the file, for the kernel the address itself. Without a mapping the address.
    pub address: u64,
    /// Whether it is the kernel's.
    pub kernel: bool,
}

/// A thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thread {
    /// Its process.
    pub pid: i32,
    /// Its name now; empty if none is known.
    pub comm: String,
    /// Whether the name came with an `execve`, or was taken over from whom made it.
    pub comm_is_own: bool,
}

/// Threads and mappings at the present moment of a recording.
#[derive(Debug, Default)]
pub struct Session {
    dsos: Vec<Dso>,
    by_name: BTreeMap<(String, bool), DsoId>,
    threads: BTreeMap<i32, Thread>,
    processes: BTreeMap<i32, Maps>,
    kernel: Maps,
}

/// `PROT_EXEC` of `mman.h`.
const PROT_EXEC: u32 = 4;
/// `PERF_RECORD_MISC_FORK_EXEC`.
const MISC_FORK_EXEC: u16 = 1 << 13;

impl Session {
    /// A session that knows only the idle thread, which no record tells of.
    pub fn new() -> Self {
        let idle = Thread { pid: 0, comm: "swapper".to_owned(), comm_is_own: true };
        Self { threads: BTreeMap::from([(0, idle)]), ..Self::default() }
    }

    /// Takes note of a record.
    pub fn apply(&mut self, record: &Record<'_>) {
        self.apply_with(0, record);
    }

    /// The same with `misc` of its header, which tells a FORK that the recorder wrote for a process that was already
    /// running: its mappings follow, and are not those of its parent.
    pub fn apply_with(&mut self, misc: u16, record: &Record<'_>) {
        match record {
            Record::Mmap(mmap) => self.map(mmap),
            // An `execve` does away with the mappings, but not here, as in perf: page faults on the way into the new
            // program have the addresses of the old one in their call chains, and the new mappings take the place of the old.
            Record::Comm { pid, tid, comm, .. } => {
                let comm = String::from_utf8_lossy(comm).into_owned();
                self.threads.insert(*tid, Thread { pid: *pid, comm, comm_is_own: true });
            }
            Record::Fork(task) => {
                let parent = self.threads.get(&task.ptid).or_else(|| self.threads.get(&task.ppid));
                let comm = parent.map(|parent| parent.comm.clone()).unwrap_or_default();
                self.threads.insert(task.tid, Thread { pid: task.pid, comm, comm_is_own: false });
                if task.pid != task.ppid
                    && misc & MISC_FORK_EXEC == 0
                    && let Some(maps) = self.processes.get(&task.ppid)
                {
                    let maps = maps.clone();
                    self.processes.insert(task.pid, maps);
                }
            }
            Record::Ksymbol { addr, len, unregister, name, .. } => {
                if *unregister {
                    self.kernel.remove(*addr, addr.saturating_add(u64::from(*len)));
                } else {
                    let name = String::from_utf8_lossy(name).into_owned();
                    let dso = self.dso(&name, DsoKind::Bpf, -1, None);
                    self.kernel.insert(Map {
                        start: *addr,
                        end: addr.saturating_add(u64::from(*len)),
                        pgoff: *addr,
                        dso,
                    });
                }
            }
            _ => {}
        }
    }

    fn map(&mut self, mmap: &Mmap<'_>) {
        let path = String::from_utf8_lossy(mmap.path).into_owned();
        let end = mmap.start.saturating_add(mmap.len);
        if matches!(mmap.mode, CpuMode::Kernel) {
            let (name, kind) = kernel_dso(&path);
            let dso = self.dso(name, kind, -1, mmap.build_id);
            // A length of 0, or one that wraps: to the end of the address space.
            let end = if mmap.len == 0 || end == mmap.start { u64::MAX } else { end };
            self.kernel.insert(Map { start: mmap.start, end, pgoff: mmap.start, dso });
            return;
        }
        let kind = user_dso(&path);
        // No runtime tells of functions in memory that nobody may run: it is the same to all processes.
        let runs = !mmap.is_mmap2 || mmap.prot & PROT_EXEC != 0;
        let pid = if kind == DsoKind::Anonymous && !runs { 0 } else { mmap.pid };
        let dso = self.dso(&path, kind, pid, mmap.build_id);
        self.processes.entry(mmap.pid).or_default().insert(Map { start: mmap.start, end, pgoff: mmap.pgoff, dso });
    }

    /// The dso of a name; a new one if nobody mapped it before. What has no file is another one in each process.
    fn dso(&mut self, path: &str, kind: DsoKind, pid: i32, build_id: Option<&[u8]>) -> DsoId {
        let key =
            if kind == DsoKind::Anonymous { (format!("{path}\0{pid}"), false) } else { (path.to_owned(), pid < 0) };
        let next = DsoId(u32::try_from(self.dsos.len()).unwrap_or(u32::MAX));
        let id = *self.by_name.entry(key).or_insert(next);
        if id == next {
            self.dsos.push(Dso { path: path.to_owned(), kind, build_id: build_id.map(<[u8]>::to_vec), pid });
        }
        id
    }

    /// What the header of the file says of build ids: path, whether of the kernel, build id.
    pub fn set_build_id(&mut self, path: &str, kernel: bool, build_id: &[u8]) {
        let (name, kind) = if kernel { kernel_dso(path) } else { (path, user_dso(path)) };
        let id = self.dso(name, kind, if kernel { -1 } else { 0 }, Some(build_id));
        if let Some(dso) = self.dsos.get_mut(id.0 as usize) {
            dso.build_id.get_or_insert_with(|| build_id.to_vec());
        }
    }

    /// Where `ip` lies for process `pid`, with the mappings of this moment.
    pub fn locate(&self, pid: i32, mode: CpuMode, ip: u64) -> Location {
        let kernel = matches!(mode, CpuMode::Kernel);
        let found = match mode {
            CpuMode::Kernel => self.kernel.find(ip),
            CpuMode::User => self.processes.get(&pid).and_then(|maps| maps.find(ip)),
            // Of guests and hypervisors no mappings are known.
            _ => None,
        };
        let address = |map: &Map| ip.wrapping_sub(map.start).wrapping_add(map.pgoff);
        Location { dso: found.map(|map| map.dso), address: found.map_or(ip, address), kernel }
    }

    /// Bytes of the mapping of a program in which `ip` lies; `None` outside of all, and for the kernel, whose end only its
    /// symbols tell.
    pub fn mapping_size(&self, pid: i32, mode: CpuMode, ip: u64) -> Option<u64> {
        if mode != CpuMode::User {
            return None;
        }
        self.processes.get(&pid).and_then(|maps| maps.find(ip)).map(|map| map.end - map.start)
    }

    /// A thread; `None` if no record told of it.
    pub fn thread(&self, tid: i32) -> Option<&Thread> {
        self.threads.get(&tid)
    }

    /// The name of a thread as perf shows it: `:TID` if none is known.
    pub fn comm(&self, tid: i32) -> String {
        match self.threads.get(&tid) {
            Some(thread) if !thread.comm.is_empty() => thread.comm.clone(),
            _ if tid == 0 => "swapper".to_owned(),
            _ => format!(":{tid}"),
        }
    }

    /// A dso.
    pub fn dso_of(&self, id: DsoId) -> Option<&Dso> {
        self.dsos.get(id.0 as usize)
    }

    /// All of them, in the order in which they were first mapped.
    pub fn dsos(&self) -> &[Dso] {
        &self.dsos
    }
}

/// `[kernel.kallsyms]_text` is the kernel, `[nf_tables]` or a `.ko` file a module.
fn kernel_dso(path: &str) -> (&str, DsoKind) {
    for name in ["[kernel.kallsyms]", "[guest.kernel.kallsyms]"] {
        if path.starts_with(name) {
            return (name, DsoKind::Kernel);
        }
    }
    let kind = if path.starts_with('[') && path.ends_with(']') || path.contains(".ko") {
        DsoKind::Module
    } else if path.starts_with("bpf_") {
        DsoKind::Bpf
    } else {
        DsoKind::Kernel
    };
    (path, kind)
}

fn user_dso(path: &str) -> DsoKind {
    match path {
        "[vdso]" | "[vsyscall]" => DsoKind::Vdso,
        _ if path.starts_with("//anon") || path.starts_with('[') || path.is_empty() => DsoKind::Anonymous,
        _ => DsoKind::File,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mmap(pid: i32, start: u64, len: u64, pgoff: u64, path: &str) -> Record<'_> {
        let mode = if pid < 0 { CpuMode::Kernel } else { CpuMode::User };
        Record::Mmap(Mmap { pid, tid: pid, start, len, pgoff, path: path.as_bytes(), mode, ..Mmap::default() })
    }

    fn path(session: &Session, location: Location) -> Option<String> {
        location.dso.and_then(|id| session.dso_of(id)).map(|dso| dso.path.clone())
    }

    #[test]
    fn an_address_lies_in_the_file_that_is_mapped_there() {
        let mut session = Session::new();
        session.apply(&mmap(7, 0x5000, 0x4000, 0x1000, "/bin/app"));
        let found = session.locate(7, CpuMode::User, 0x5123);
        assert_eq!((path(&session, found).as_deref(), found.address), (Some("/bin/app"), 0x1123));
        assert_eq!(session.locate(7, CpuMode::User, 0x9000).dso, None);
        assert_eq!(session.locate(8, CpuMode::User, 0x5123).dso, None);
    }

    #[test]
    fn a_child_process_has_the_mappings_of_its_parent_until_those_of_another_program_replace_them() {
        let mut session = Session::new();
        session.apply(&Record::Comm { pid: 7, tid: 7, comm: b"sh", exec: false });
        session.apply(&mmap(7, 0x5000, 0x1000, 0, "/bin/sh"));
        let fork = perfuse_format::perfdata::record::Task { pid: 8, ppid: 7, tid: 8, ptid: 7, time: 0 };
        session.apply(&Record::Fork(fork));
        assert!(session.locate(8, CpuMode::User, 0x5000).dso.is_some());
        assert_eq!(session.comm(8), "sh");
        session.apply(&Record::Comm { pid: 8, tid: 8, comm: b"ls", exec: true });
        assert!(session.locate(8, CpuMode::User, 0x5000).dso.is_some());
        session.apply(&mmap(8, 0x5000, 0x1000, 0, "/bin/ls"));
        assert_eq!(path(&session, session.locate(8, CpuMode::User, 0x5000)).as_deref(), Some("/bin/ls"));
        assert!(session.locate(7, CpuMode::User, 0x5000).dso.is_some());
        assert_eq!((session.comm(8), session.comm(9), session.comm(0)), ("ls".into(), ":9".into(), "swapper".into()));
    }

    #[test]
    fn the_kernel_keeps_its_addresses() {
        let mut session = Session::new();
        session.apply(&mmap(-1, 0xffff_0000, 0x1000, 0xffff_0000, "[kernel.kallsyms]_text"));
        let found = session.locate(7, CpuMode::Kernel, 0xffff_0010);
        assert_eq!((path(&session, found).as_deref(), found.address), (Some("[kernel.kallsyms]"), 0xffff_0010));
    }
}
