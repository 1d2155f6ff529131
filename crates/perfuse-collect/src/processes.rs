//! The files of every process, and of the threads of busy ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use perfuse_format::FromBytes;
use perfuse_format::RawSnapshot;
use perfuse_format::proc::pid::PidStat;

use crate::kept::{Kept, read_once};
use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::ProcessFile;

/// Read of every process at every tick, unless the BPF iterator gives the same for less.
const ALWAYS: [&str; 3] = ["stat", "schedstat", "io"];

/// CPU ticks per second of a process from which on its threads are looked at one by one (half a CPU at 100 Hz).
const BUSY_TICKS_PER_SECOND: u64 = 50;

/// Snapshots for which a process that was busy once is still looked into.
const STAY_BUSY: u8 = 5;

/// One process.
#[derive(Debug, Default)]
struct Process {
    files: [Kept; 3],
    /// `io` of a process of somebody else: refused once, refused always.
    refused: [bool; 3],
    start_ticks: u64,
    cpu_ticks: u64,
    mono_ns: u64,
    busy: u8,
}

/// All processes.
#[derive(Debug)]
pub(crate) struct Processes {
    slow_files: Vec<&'static str>,
    known: BTreeMap<u32, Process>,
}

impl Processes {
    pub(crate) fn new(files: impl Iterator<Item = ProcessFile>) -> Self {
        let mut slow_files = vec!["cgroup"];
        for file in files {
            if !slow_files.contains(&file.file) && !ALWAYS.contains(&file.file) {
                slow_files.push(file.file);
            }
        }
        Self { slow_files, known: BTreeMap::new() }
    }

    /// Reads all processes. `by_bpf`: the iterator has put `@bpf/tasks` into the snapshot already, so that only the
    /// slow files are left. `spare` is the number of files that may be kept open.
    pub(crate) fn sample(
        &mut self,
        root: &Root,
        tick: Tick,
        by_bpf: bool,
        spare: usize,
        buffer: &mut Vec<u8>,
        out: &mut RawSnapshot,
    ) {
        if by_bpf && !tick.slow {
            return;
        }
        let pids = pids(root);
        if !by_bpf {
            self.known.retain(|pid, _| pids.binary_search(pid).is_ok());
        }
        let mut open = 0;
        for pid in pids {
            let directory = format!("/proc/{pid}");
            if !by_bpf {
                let keep = open < spare;
                open += ALWAYS.len();
                let process = self.known.entry(pid).or_default();
                process.sample(root, &directory, keep, buffer, out);
                if process.busy > 0 {
                    threads(root, &directory, buffer, out);
                }
            }
            if tick.slow {
                for file in &self.slow_files {
                    put_once(root, format!("{directory}/{file}"), buffer, out);
                }
            }
        }
    }

    /// Files that are open now.
    pub(crate) fn open_count(&self) -> usize {
        self.known.values().flat_map(|process| &process.files).filter(|kept| kept.is_open()).count()
    }
}

impl Process {
    fn sample(&mut self, root: &Root, directory: &str, keep: bool, buffer: &mut Vec<u8>, out: &mut RawSnapshot) {
        for (index, file) in ALWAYS.iter().enumerate() {
            if self.refused[index] {
                continue;
            }
            let name = format!("{directory}/{file}");
            let path: PathBuf = root.join(&name);
            match self.files[index].read(&path, buffer) {
                Ok(bytes) => {
                    if index == 0 {
                        self.watch(bytes, out.mono_ns);
                    }
                    out.put(name, bytes);
                }
                Err(errno) => {
                    self.refused[index] = index > 0 && matches!(errno, libc::EACCES | libc::EPERM | libc::ENOENT);
                    out.put_errno(name, errno);
                }
            }
            if !keep {
                self.files[index].close();
            }
        }
    }

    /// Sees from `stat` whether the process is busy enough, and has threads, to look at them.
    fn watch(&mut self, stat: &[u8], now: u64) {
        let Ok(stat) = PidStat::from_bytes(stat) else { return };
        let ticks = stat.user_ticks + stat.system_ticks;
        if stat.start_ticks == self.start_ticks && now > self.mono_ns {
            let per_second = ticks.saturating_sub(self.cpu_ticks).saturating_mul(1_000_000_000) / (now - self.mono_ns);
            self.busy = if per_second >= BUSY_TICKS_PER_SECOND && stat.threads > 1 {
                STAY_BUSY
            } else {
                self.busy.saturating_sub(1)
            };
        } else {
            self.refused = [false; 3];
            self.busy = 0;
        }
        (self.start_ticks, self.cpu_ticks, self.mono_ns) = (stat.start_ticks, ticks, now);
    }
}

/// Process ids, in order.
fn pids(root: &Root) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(root.join("/proc")) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut pids: Vec<u32> = names.collect();
    pids.sort_unstable();
    pids
}

/// `stat` and `schedstat` of each thread of a process.
fn threads(root: &Root, directory: &str, buffer: &mut Vec<u8>, out: &mut RawSnapshot) {
    let tasks = format!("{directory}/task");
    let Ok(entries) = std::fs::read_dir(root.join(&tasks)) else { return };
    for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        for file in ["stat", "schedstat"] {
            put_once(root, format!("{tasks}/{name}/{file}"), buffer, out);
        }
    }
}

fn put_once(root: &Root, name: String, buffer: &mut Vec<u8>, out: &mut RawSnapshot) {
    let path = root.join(&name);
    match read_once(Path::new(&path), buffer) {
        Ok(bytes) => out.put(name, bytes),
        Err(errno) => out.put_errno(name, errno),
    }
}

#[cfg(test)]
mod tests {
    use perfuse_format::tasks::TaskTable;

    use super::*;

    #[test]
    fn own_process_is_read_with_its_cgroup() {
        let mut processes = Processes::new(std::iter::empty());
        let mut out = RawSnapshot { mono_ns: 1, ..RawSnapshot::default() };
        let tick = Tick { first: true, slow: true };
        processes.sample(&Root::default(), tick, false, 1000, &mut Vec::new(), &mut out);
        let table = TaskTable::from_raw(&out).into_value().unwrap();
        assert!(table.processes.contains_key(&std::process::id()));
        assert!(out.has(&format!("/proc/{}/cgroup", std::process::id())));
        assert!(processes.open_count() > 0);
    }

    #[test]
    fn threads_of_a_process_are_read_once_it_is_busy() {
        let mut process = Process::default();
        let stat = |ticks: u64| {
            format!(
                "7 (x) R 1 7 7 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 4 0 50 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0"
            )
        };
        process.watch(stat(100).as_bytes(), 1_000_000_000);
        assert_eq!(process.busy, 0);
        process.watch(stat(190).as_bytes(), 2_000_000_000);
        assert_eq!(process.busy, STAY_BUSY);
        process.watch(stat(190).as_bytes(), 3_000_000_000);
        assert_eq!(process.busy, STAY_BUSY - 1);
    }
}
