//! `@inotify`: inotify instances and watches of each process and its user.
//!
//! The kernel keeps the numbers but shows them only in `/proc/PID/fdinfo`, one line a watch, so that every descriptor of
//! every process must be looked at. The scan is therefore rare and bounded in time, and most of the rounds look only at
//! processes that are new, hold instances already, or have another number of open files than before.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use perfuse_format::RawSnapshot;
use perfuse_format::sys::fds::{Inotify as Table, ProcessInotify};

use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::Collector;

const SOURCE: &str = "@inotify";

/// Time after which the scan gives up.
const BUDGET: Duration = Duration::from_millis(25);

/// Rounds after which every process is looked at again: one may have closed a file and opened an inotify instance instead.
const HOLDS: u8 = 6;

/// Counts inotify watches.
#[derive(Debug, Default)]
pub(super) struct Inotify {
    /// Processes without an instance, by the number of their open files when they were looked at.
    without: BTreeMap<u32, u64>,
    rounds: u8,
}

impl Collector for Inotify {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if tick.slow {
            self.rounds = (self.rounds + 1) % HOLDS;
            if self.rounds == 0 {
                self.without.clear();
            }
            match self.scan(root, Instant::now() + BUDGET) {
                Some(table) => out.put(SOURCE, table.to_bytes()),
                None => out.put_errno(SOURCE, libc::ENOENT),
            }
        }
    }
}

impl Inotify {
    /// All processes; nothing without `/proc`.
    fn scan(&mut self, root: &Root, deadline: Instant) -> Option<Table> {
        let mut processes = Vec::new();
        let mut complete = true;
        let before = std::mem::take(&mut self.without);
        for entry in fs::read_dir(root.join("/proc")).ok()?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let directory = root.join(&format!("/proc/{pid}/fd"));
            // The size is the number of open files; 0 where the kernel does not tell it (before Linux 6.2).
            let open = fs::metadata(&directory).map_or(0, |found| found.size());
            if open > 0 && before.get(&pid) == Some(&open) {
                self.without.insert(pid, open);
                continue;
            }
            let Ok(uid) = entry.metadata().map(|found| found.uid()) else { continue };
            let descriptors = match fs::read_dir(directory) {
                Ok(descriptors) => descriptors,
                Err(error) => {
                    // Gone is no loss; closed to this user is.
                    complete &= error.raw_os_error() != Some(libc::EACCES);
                    continue;
                }
            };
            let mut holder = ProcessInotify { uid, pid, instances: 0, watches: 0 };
            let seen_all = look(root, descriptors, deadline, &mut holder);
            match holder.instances {
                0 if seen_all => drop(self.without.insert(pid, open)),
                0 => {}
                _ => processes.push(holder),
            }
            if !seen_all {
                complete = false;
                break;
            }
        }
        processes.sort_unstable_by_key(|process| process.pid);
        Some(Table { complete, processes })
    }
}

/// Counts the instances among the open files of one process; whether there was time for all of them.
fn look(root: &Root, descriptors: fs::ReadDir, deadline: Instant, holder: &mut ProcessInotify) -> bool {
    for descriptor in descriptors.flatten() {
        if Instant::now() >= deadline {
            return false;
        }
        let link = fs::read_link(descriptor.path());
        if !link.is_ok_and(|link| link.as_os_str().as_bytes() == b"anon_inode:inotify") {
            continue;
        }
        holder.instances += 1;
        let name = descriptor.file_name();
        let info = root.join(&format!("/proc/{}/fdinfo/{}", holder.pid, name.to_string_lossy()));
        holder.watches += fs::read(info).map_or(0, |bytes| watches(&bytes));
    }
    true
}

/// Watches of one instance: its `inotify wd:...` lines.
fn watches(fdinfo: &[u8]) -> u64 {
    fdinfo.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"inotify ")).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_of_this_process_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let inotify = rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::CLOEXEC).unwrap();
        let flags = rustix::fs::inotify::WatchFlags::CREATE;
        rustix::fs::inotify::add_watch(&inotify, directory.path(), flags).unwrap();
        let mut collector = Inotify::default();
        // As if it had had another number of files, and no instance, in the round before.
        collector.without.insert(std::process::id(), u64::MAX);
        let table = collector.scan(&Root::default(), Instant::now() + Duration::from_secs(60)).unwrap();
        let own = table.processes.iter().find(|process| process.pid == std::process::id()).unwrap();
        assert!(own.instances >= 1 && own.watches >= 1, "{own:?}");
        assert_eq!(own.uid, rustix::process::geteuid().as_raw());
    }

    #[test]
    fn a_process_without_an_instance_is_looked_at_again_after_a_while() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("proc/7/fd/3");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink("/dev/null", &file).unwrap();
        let root = Root::at(directory.path().to_owned());
        let mut collector = Inotify::default();
        let mut instances = || {
            let mut out = RawSnapshot::default();
            collector.sample(&root, Tick { first: false, slow: true }, &mut out);
            let table = out.get::<Table>(SOURCE).into_value().unwrap();
            table.processes.iter().map(|process| process.instances).sum::<u64>()
        };
        assert_eq!(instances(), 0);
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("anon_inode:inotify", &file).unwrap();
        let rounds: Vec<_> = (0..HOLDS).map(|_| instances()).collect();
        assert_eq!(rounds[..4], [0; 4], "as many files as before");
        assert_eq!(rounds[5], 1, "{rounds:?}");
    }

    #[test]
    fn the_bound_is_kept_and_told() {
        assert!(!Inotify::default().scan(&Root::default(), Instant::now()).unwrap().complete);
        assert_eq!(watches(b"pos:\t0\ninotify wd:1 ino:2\ninotify wd:2 ino:3\n"), 2);
    }
}
