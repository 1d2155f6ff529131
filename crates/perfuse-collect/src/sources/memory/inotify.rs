//! `@inotify`: inotify instances and watches of each process and its user.
//!
//! The kernel keeps the numbers but shows them only in `/proc/PID/fdinfo`, one line a watch, so that every descriptor of
//! every process must be looked at. The scan is therefore rare and bounded in time.

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

/// Counts inotify watches.
#[derive(Debug)]
pub(super) struct Inotify;

impl Collector for Inotify {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if tick.slow {
            match scan(root, Instant::now() + BUDGET) {
                Some(table) => out.put(SOURCE, table.to_bytes()),
                None => out.put_errno(SOURCE, libc::ENOENT),
            }
        }
    }
}

/// All processes; nothing without `/proc`.
fn scan(root: &Root, deadline: Instant) -> Option<Table> {
    let mut processes: BTreeMap<u32, ProcessInotify> = BTreeMap::new();
    let mut complete = true;
    for entry in fs::read_dir(root.join("/proc")).ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(uid) = entry.metadata().map(|found| found.uid()) else { continue };
        let descriptors = match fs::read_dir(root.join(&format!("/proc/{pid}/fd"))) {
            Ok(descriptors) => descriptors,
            Err(error) => {
                // Gone is no loss; closed to this user is.
                complete &= error.raw_os_error() != Some(libc::EACCES);
                continue;
            }
        };
        for descriptor in descriptors.flatten() {
            if Instant::now() >= deadline {
                return Some(Table { complete: false, processes: processes.into_values().collect() });
            }
            let link = fs::read_link(descriptor.path());
            if !link.is_ok_and(|link| link.as_os_str().as_bytes() == b"anon_inode:inotify") {
                continue;
            }
            let holder = processes.entry(pid).or_insert(ProcessInotify { uid, pid, instances: 0, watches: 0 });
            holder.instances += 1;
            let name = descriptor.file_name();
            let info = root.join(&format!("/proc/{pid}/fdinfo/{}", name.to_string_lossy()));
            holder.watches += fs::read(info).map_or(0, |bytes| watches(&bytes));
        }
    }
    Some(Table { complete, processes: processes.into_values().collect() })
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
        let table = scan(&Root::default(), Instant::now() + Duration::from_secs(60)).unwrap();
        let own = table.processes.iter().find(|process| process.pid == std::process::id()).unwrap();
        assert!(own.instances >= 1 && own.watches >= 1, "{own:?}");
        assert_eq!(own.uid, rustix::process::geteuid().as_raw());
    }

    #[test]
    fn the_bound_is_kept_and_told() {
        assert!(!scan(&Root::default(), Instant::now()).unwrap().complete);
        assert_eq!(watches(b"pos:\t0\ninotify wd:1 ino:2\ninotify wd:2 ino:3\n"), 2);
    }
}
