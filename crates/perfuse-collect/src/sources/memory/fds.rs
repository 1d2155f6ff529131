//! `@fds`: the open files of every process and its own limit, where the BPF iterator does not give them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use perfuse_format::proc::limits::{PidLimits, SoftHard};
use perfuse_format::sys::fds::{Fds as Table, ProcessFds};
use perfuse_format::{FromBytes, RawSnapshot};

use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::Collector;

const SOURCE: &str = "@fds";

/// Rounds after which the limits of known processes are read again: prlimit(1) can change them, and rarely does.
const LIMITS_HOLD: u8 = 6;

/// Counts open files.
#[derive(Debug, Default)]
pub(super) struct Fds {
    /// Limits by process, which cost more to read than the count.
    limits: BTreeMap<u32, SoftHard>,
    /// Rounds since they were read.
    rounds: u8,
    /// Whether `stat` of `/proc/PID/fd` gives their number as its size (Linux 6.2, and then for everybody's processes).
    sized: Option<bool>,
}

impl Collector for Fds {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if !tick.slow || out.has("@bpf/files") {
            return;
        }
        // This process has open files, if only its standard input: size 0 means that the kernel does not tell.
        let own = || fs::metadata(root.join("/proc/self/fd")).is_ok_and(|found| found.size() > 0);
        let sized = *self.sized.get_or_insert_with(own);
        let Ok(entries) = fs::read_dir(root.join("/proc")) else {
            return out.put_errno(SOURCE, libc::ENOENT);
        };
        self.rounds += 1;
        let known = std::mem::take(&mut self.limits);
        let known = if self.rounds > LIMITS_HOLD { BTreeMap::new() } else { known };
        self.rounds %= LIMITS_HOLD + 1;
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let mut table: Vec<ProcessFds> = pids
            .filter_map(|pid| {
                let found = process(root, pid, sized, known.get(&pid).copied())?;
                if let (Some(soft), Some(hard)) = (found.soft, found.hard) {
                    self.limits.insert(pid, SoftHard { soft, hard });
                }
                Some(found)
            })
            .collect();
        table.sort_unstable_by_key(|process| process.pid);
        out.put(SOURCE, Table(table).to_bytes());
    }
}

/// One process; nothing for one that has no open files (kernel threads, zombies) or is gone.
fn process(root: &Root, pid: u32, sized: bool, known: Option<SoftHard>) -> Option<ProcessFds> {
    let directory = root.join(&format!("/proc/{pid}/fd"));
    let open = if sized {
        Some(fs::metadata(directory).ok()?.size())
    } else {
        match fs::read_dir(directory) {
            Ok(entries) => Some(entries.count() as u64),
            Err(error) if error.raw_os_error() == Some(libc::EACCES) => None,
            Err(_) => return None,
        }
    };
    if open == Some(0) {
        return None;
    }
    let limits = known.or_else(|| {
        let bytes = fs::read(root.join(&format!("/proc/{pid}/limits"))).ok()?;
        Some(PidLimits::from_bytes(&bytes).ok()?.open_files)
    });
    Some(ProcessFds { pid, open, soft: limits.map(|limit| limit.soft), hard: limits.map(|limit| limit.hard) })
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use perfuse_format::parse::Limit;

    use super::*;

    #[test]
    fn own_open_files_are_counted_both_ways() {
        let held: Vec<File> = (0..40).map(|_| File::open("/dev/null").unwrap()).collect();
        for sized in [None, Some(false)] {
            let mut out = RawSnapshot::default();
            Fds { sized, ..Fds::default() }.sample(&Root::default(), Tick { first: true, slow: true }, &mut out);
            let table = out.get::<Table>(SOURCE).into_value().unwrap();
            let own = table.0.iter().find(|process| process.pid == std::process::id()).unwrap();
            assert!(own.open.unwrap() >= held.len() as u64);
            assert!(own.soft.is_some() && own.hard.is_some());
        }
    }

    #[test]
    fn limits_of_known_processes_are_kept_for_a_while() {
        let mut collector = Fds::default();
        let mut round = || {
            let mut out = RawSnapshot::default();
            collector.sample(&Root::default(), Tick { first: false, slow: true }, &mut out);
            let known =
                collector.limits.insert(std::process::id(), SoftHard { soft: Limit::At(3), hard: Limit::At(4) });
            known.map(|limits| limits.soft == Limit::At(3))
        };
        let kept: Vec<_> = (0..8).map(|_| round()).collect();
        assert_eq!(kept[0], Some(false), "read at first");
        assert_eq!(kept[1..6], [Some(true); 5], "then kept");
        assert!(kept[6..].contains(&Some(false)), "and read again");
    }

    #[test]
    fn nothing_is_read_twice_or_out_of_turn() {
        let mut out = RawSnapshot::default();
        Fds::default().sample(&Root::default(), Tick { first: false, slow: false }, &mut out);
        out.put("@bpf/files", "");
        Fds::default().sample(&Root::default(), Tick { first: true, slow: true }, &mut out);
        assert!(!out.has(SOURCE));
    }
}
