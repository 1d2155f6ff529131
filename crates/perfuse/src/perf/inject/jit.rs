//! `-j`: code of just-in-time compilers as files that are mapped where it ran.
//!
//! ```text
//!   mapping of /tmp/jit-7.dump     the program says where its compiler writes what it makes
//!   load in it, at 3 s             becomes jitted-7-1.so beside it, and a mapping of that file at 3 s
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use perfuse_analyze::Msg;
use perfuse_format::jitdump::{JitBody, JitDump, JitRecord};
use perfuse_format::jitelf;
use perfuse_format::perfdata::attr::{EventAttr, flag, sample_type};
use perfuse_format::perfdata::record::{Record, SampleId};
use perfuse_format::perfdata::write::RecordEncoder;
use perfuse_format::perfdata::{CpuMode, Mmap, PerfData};

/// `CLOCK_MONOTONIC`, which compilers tell their times by.
const MONOTONIC: i32 = 1;
/// `PROT_READ | PROT_EXEC`, and `MAP_SHARED`.
const READ_EXEC: u32 = 5;
const SHARED: u32 = 1;

/// Mappings of compiled code.
pub(super) struct Jit {
    encoder: RecordEncoder,
    /// Records that wait for their time.
    waiting: BTreeMap<(u64, u64), Vec<u8>>,
    /// Processes whose compiler tells what it makes, and dumps that were read.
    pids: BTreeSet<i32>,
    read: BTreeSet<String>,
    number: u64,
    /// What could not be read or understood.
    pub(super) problems: Vec<Msg>,
}

impl Jit {
    /// For a recording, whose clock must be that of the compilers.
    pub(super) fn new(data: &PerfData<'_>) -> Result<Self, Msg> {
        let attr = data.events.first().map(|event| event.attr).unwrap_or_default();
        let right = |attr: &EventAttr| {
            let timed = attr.has(flag::SAMPLE_ID_ALL) && attr.samples(sample_type::TIME);
            timed && attr.has(flag::USE_CLOCKID) && attr.clockid == MONOTONIC
        };
        if !data.events.iter().all(|event| right(&event.attr)) {
            return Err(Msg::new("inject-jit-clock"));
        }
        Ok(Self {
            encoder: RecordEncoder::new(&attr, data.endian()),
            waiting: BTreeMap::new(),
            pids: BTreeSet::new(),
            read: BTreeSet::new(),
            number: 0,
            problems: Vec::new(),
        })
    }

    /// Takes note of a mapping. Gives whether it is to be left out: that of a dump, and what has no name in a process whose
    /// code has files now.
    pub(super) fn mapping(&mut self, mmap: &Mmap<'_>) -> bool {
        let path = String::from_utf8_lossy(mmap.path).into_owned();
        if !is_dump(&path) {
            return self.pids.contains(&mmap.pid) && (path.starts_with("//anon") || path.starts_with("[anon"));
        }
        if self.read.insert(path.clone())
            && let Err(problem) = self.dump(mmap.pid, &path)
        {
            self.problems.push(problem.with("path", path));
            return false;
        }
        self.pids.contains(&mmap.pid)
    }

    /// Reads a dump, and makes a file and a mapping of each function.
    fn dump(&mut self, pid: i32, path: &str) -> Result<(), Msg> {
        let failed = |error: &dyn std::fmt::Display| Msg::new("inject-jit-dump").with("error", error.to_string());
        let place = place(pid, path);
        let bytes = std::fs::read(&place).map_err(|error| failed(&error))?;
        let dump = JitDump::parse(&bytes).map_err(|error| failed(&error))?;
        if dump.arch_timestamp {
            return Err(Msg::new("inject-jit-counter"));
        }
        self.pids.insert(pid);
        let directory = place.parent().unwrap_or(Path::new("/")).to_owned();
        let mut files: BTreeMap<u64, PathBuf> = BTreeMap::new();
        for record in dump.records() {
            let JitRecord { time, body, .. } = match record {
                Ok(record) => record,
                // The last one of a compiler that was killed is not whole.
                Err(error) => {
                    self.problems.push(failed(&error).with("path", path));
                    break;
                }
            };
            match body {
                JitBody::Load(code) => {
                    let file = directory.join(format!("jitted-{pid}-{}.so", code.index));
                    let machine = u16::try_from(dump.machine).unwrap_or_default();
                    std::fs::write(&file, jitelf::write(&code, machine, dump.endian))
                        .map_err(|error| failed(&format!("{}: {error}", file.display())))?;
                    self.map(time, pid, (code.vma, code.code.len() as u64), code.tid, &file);
                    files.insert(code.index, file);
                }
                JitBody::Move { tid, vma, size, index, .. } => {
                    if let Some(file) = files.get(&index) {
                        let file = file.clone();
                        self.map(time, pid, (vma, size), tid, &file);
                    }
                }
                JitBody::Lines(_) | JitBody::Close | JitBody::Unwind { .. } | JitBody::Unknown(_) => {}
            }
        }
        Ok(())
    }

    fn map(&mut self, time: u64, pid: i32, (start, len): (u64, u64), tid: i32, file: &Path) {
        let name = file.display().to_string();
        let mmap = Mmap {
            pid,
            tid,
            start,
            len,
            pgoff: jitelf::TEXT,
            prot: READ_EXEC,
            flags: SHARED,
            path: name.as_bytes(),
            mode: CpuMode::User,
            is_mmap2: true,
            ..Mmap::default()
        };
        let trailer = SampleId { pid_tid: Some((pid, tid)), time: Some(time), ..SampleId::default() };
        let mut bytes = Vec::new();
        // A path that is too long for a record is none that a kernel has.
        if self.encoder.encode(&Record::Mmap(mmap), 0, &trailer, &mut bytes).is_ok() {
            self.number += 1;
            self.waiting.insert((time, self.number), bytes);
        }
    }

    /// Appends the mappings up to a time.
    pub(super) fn until(&mut self, time: u64, out: &mut Vec<u8>) {
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= time) {
            out.extend(first.remove());
        }
    }
}

/// Whether a path is that of a dump: `jit-PID.dump`.
fn is_dump(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let number = name.strip_prefix("jit-").and_then(|rest| rest.strip_suffix(".dump"));
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}

/// The file, as the process sees it if it is nowhere else.
fn place(pid: i32, path: &str) -> PathBuf {
    let seen = PathBuf::from(format!("/proc/{pid}/root{path}"));
    let own = PathBuf::from(path);
    if !own.exists() && seen.exists() { seen } else { own }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dumps_are_known_by_their_names() {
        assert!(is_dump("/tmp/jit-77.dump") && is_dump("/root/.debug/jit/x/jit-1.dump"));
        assert!(!is_dump("/tmp/jit-.dump") && !is_dump("/tmp/jit-7.so") && !is_dump("//anon"));
    }
}
