//! Who is at the other end of a pipe or socket at which a thread waits, whether or not it ever says something.
//!
//! Who ends a wait is known from its waker. A wait that nobody ends has none: there the other end tells, at the moment of
//! the last sample.

use std::collections::{BTreeMap, BTreeSet};

use perfuse_format::netlink::sockdiag::TcpSockets;
use perfuse_format::netlink::unixdiag::UnixSockets;
use perfuse_format::proc::locks::FileLocks;
use perfuse_format::sys::ends::{AtEnd, Ends};

use crate::run::Run;

/// The other end of what a thread waits at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Far {
    /// The processes that have it open; those that the thread's own process is one of are left out.
    pub(super) pids: BTreeSet<u32>,
    /// Whether it is they who have to do something: they have not read what was sent to them, or are stopped, or none of
    /// them waits to be told something over this very connection.
    pub(super) owes: bool,
}

/// By thread and system call.
pub(super) type FarEnds = BTreeMap<(u32, i32), Far>;

/// All that the last sample knows.
pub(super) fn all(run: &Run<'_>) -> FarEnds {
    let mut far = locks(run);
    let Some(ends) = run.last::<Ends>(Ends::SOURCE).into_value() else { return far };
    let unix = run.last::<UnixSockets>("@netlink/unix").into_value().unwrap_or_default();
    let mut tcp = run.last::<TcpSockets>("@netlink/tcp").into_value().unwrap_or_default();
    tcp.0.extend(run.last::<TcpSockets>("@netlink/listen").into_value().unwrap_or_default().0);
    let known = Known { run, ends: &ends, unix: &unix, tcp: &tcp };
    far.extend(ends.waits.iter().filter_map(|at| Some(((at.tid, at.call), known.far(at)?))));
    far
}

/// Those who hold the locks of files that threads wait for.
fn locks(run: &Run) -> FarEnds {
    let Some(locks) = run.last::<FileLocks>(FileLocks::SOURCE).into_value() else { return FarEnds::new() };
    // flock(2) and fcntl(2).
    let calls: [i32; 2] = if run.host.machine == "x86_64" { [73, 72] } else { [32, 25] };
    let waits = super::breakdown::open(run, 0.0).into_iter().filter(|row| calls.contains(&row.key.call));
    let far = waits.map(|row| {
        let pids = locks.holders(row.key.pid).filter(|pid| *pid != row.key.pid).collect();
        ((row.key.tid, row.key.call), Far { pids, owes: true })
    });
    far.collect()
}

struct Known<'a> {
    run: &'a Run<'a>,
    ends: &'a Ends,
    unix: &'a UnixSockets,
    tcp: &'a TcpSockets,
}

impl Known<'_> {
    fn far(&self, at: &AtEnd) -> Option<Far> {
        match at.file.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')) {
            Some(inode) => self.socket(at, inode.parse().ok()?),
            None => Some(self.pipe(at)),
        }
    }

    /// The inode at the other end, and whether anything lies there unread.
    fn other_end(&self, inode: u32) -> Option<(u32, bool)> {
        let unix = self.unix.other_end(inode).map(|far| (far.inode, far.receive_queue > 0));
        // Of a listener, the queue is those who wait to be accepted: this connection is one of them.
        unix.or_else(|| self.tcp.other_end(inode).map(|far| (far.inode, far.receive_queue > 0)))
    }

    fn socket(&self, at: &AtEnd, inode: u32) -> Option<Far> {
        let (far, unread) = self.other_end(inode)?;
        let file = format!("socket:[{far}]");
        let pids = self.holders(&file, at.pid, |_| true);
        let there = |other: &AtEnd| other.file == file && pids.contains(&other.pid);
        let listens = self.ends.waits.iter().chain(&self.ends.watches).any(there);
        // Whoever looks at its files with poll or select may look at this one: what it looks at is not to be seen.
        let owes = unread || self.stopped(&pids) || !(listens || self.polls(&pids));
        Some(Far { pids, owes })
    }

    /// Of a pipe that is full, the readers have to read. One that is empty owes its reader nothing, unless who writes was
    /// started by the reader: then it was asked.
    fn pipe(&self, at: &AtEnd) -> Far {
        let near = self.ends.open.get(&at.file).into_iter().flatten().find(|holder| holder.pid == at.pid);
        let writing = near.is_some_and(|holder| holder.writes && !holder.reads);
        let pids = self.holders(&at.file, at.pid, |(reads, writes)| if writing { reads } else { writes });
        let tasks = self.run.tasks.value();
        let parent = |pid: &u32| tasks.and_then(|tasks| tasks.processes.get(pid)).map(|used| used.task.ppid);
        let asked = pids.iter().any(|pid| parent(pid) == Some(at.pid));
        Far { owes: writing || asked || self.stopped(&pids), pids }
    }

    fn holders(&self, file: &str, but: u32, wanted: impl Fn((bool, bool)) -> bool) -> BTreeSet<u32> {
        let holders = self.ends.open.get(file).into_iter().flatten();
        let of = holders.filter(|holder| holder.pid != but && wanted((holder.reads, holder.writes)));
        of.map(|holder| holder.pid).collect()
    }

    /// Whether all of them are stopped by a signal or a debugger.
    fn stopped(&self, pids: &BTreeSet<u32>) -> bool {
        let Some(tasks) = self.run.tasks.value() else { return false };
        let state = |pid: &u32| tasks.processes.get(pid).map(|used| used.task.state);
        !pids.is_empty() && pids.iter().all(|pid| matches!(state(pid), Some('T' | 't')))
    }

    /// Whether one of their threads was in `poll(2)`, `ppoll(2)`, `select(2)`, `pselect(2)` or `io_uring_enter(2)` at the end.
    fn polls(&self, pids: &BTreeSet<u32>) -> bool {
        let calls: &[i32] = if self.run.host.machine == "x86_64" { &[7, 271, 23, 270, 426] } else { &[73, 72, 426] };
        let rows = super::breakdown::open(self.run, 0.0);
        rows.iter().any(|row| pids.contains(&row.key.pid) && calls.contains(&row.key.call))
    }
}
