//! Opening, mapping and emptying.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::config::Planned;
use super::fallback::{Notice, Step, break_up, next};
use super::placement::{Affinity, go, place};
use crate::perf::ring::{Ring, Unread};
use crate::perf::{Counts, Errno, OpenError, OpenFlags, PerfEvent};
use crate::root::Root;

/// Whom a recording watches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// CPUs; -1 alone for "wherever the thread runs".
    pub cpus: Vec<i32>,
    /// Threads; -1 alone for everyone.
    pub threads: Vec<i32>,
    /// Whether threads that are gone are left out instead of failing.
    pub forgiving: bool,
}

/// One open event with its place.
#[derive(Debug)]
struct Handle {
    event: PerfEvent,
    cpu: i32,
    thread: i32,
    id: u64,
}

/// An id of the file: which event, where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id {
    /// The id in the records.
    pub id: u64,
    /// Index of the event.
    pub event: usize,
    /// CPU, or -1.
    pub cpu: i32,
    /// Thread, or -1.
    pub thread: i32,
}

/// Why a recording cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// An event is refused and nothing else is left to try.
    #[error("{event}: {error}")]
    Open {
        /// Its name.
        event: String,
        /// Index of the event.
        index: usize,
        /// What the kernel said.
        error: OpenError,
        /// The thread it was for; -1 for none.
        thread: i32,
    },
    /// The cgroup is not there.
    #[error("cgroup {name}: {reason}")]
    Cgroup {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The kernel does not take the filter.
    #[error("filter \"{filter}\" on {event}: {errno}")]
    Filter {
        /// The filter.
        filter: String,
        /// The event.
        event: String,
        /// What the kernel said.
        errno: Errno,
    },
    /// A ring cannot be had.
    #[error("mapping {bytes} bytes: {errno}")]
    Map {
        /// Bytes asked for.
        bytes: usize,
        /// What the kernel said.
        errno: Errno,
    },
    /// Another system call on the way.
    #[error("{call}: {errno}")]
    Call {
        /// Which.
        call: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
}

/// Open events with their rings.
#[derive(Debug)]
pub struct Recording {
    /// The events as they were opened at last.
    pub events: Vec<Planned>,
    /// For each event, its descriptors: CPU after CPU, and within each, thread after thread.
    handles: Vec<Vec<Handle>>,
    rings: Vec<Ring>,
    /// For each ring, the event and handle that it is mapped on.
    owners: Vec<(usize, usize)>,
    /// For each ring, those of its events that may still write to it; the last one is polled.
    writers: Vec<Vec<(usize, usize)>>,
    /// Unread bytes from which on a ring is emptied.
    least: usize,
    /// For each ring, where it is to be read; empty for anywhere.
    places: Vec<Option<rustix::thread::CpuSet>>,
}

impl Recording {
    /// Opens all events with their filters. What had to be changed is told through `notices`; `step` sees every attempt with its outcome.
    pub fn open(
        mut events: Vec<Planned>,
        target: &mut Target,
        root: &Root,
        notices: &mut Vec<Notice>,
        mut step: impl FnMut(&Planned, i32, i32, Result<&PerfEvent, &OpenError>),
    ) -> Result<Self, Failure> {
        let mut handles: Vec<Vec<Handle>> = Vec::new();
        let mut at = 0;
        while at < events.len() {
            let cgroup = events[at].cgroup.clone().map(|name| open_cgroup(root, &name)).transpose()?;
            match open_one(&events[at], at, &handles, target, cgroup.as_ref(), &mut step) {
                Ok(opened) => {
                    handles.push(opened);
                    at += 1;
                }
                Err(Refusal::Open(error, _)) if error.errno.0 == libc::EMFILE && raise_file_limit() => {}
                Err(Refusal::Open(error, thread))
                    if error.errno.0 == libc::ESRCH && target.forgiving && target.threads.len() > 1 =>
                {
                    // Whoever is gone has no event; the events that were opened for it say nothing any more.
                    target.threads.retain(|other| *other != thread);
                    for handles in &mut handles {
                        handles.retain(|handle| handle.thread != thread);
                    }
                    notices.push(Notice::ThreadGone { tid: thread });
                }
                Err(Refusal::Open(error, _)) if let Some(leader) = break_up(&mut events, at, &error) => {
                    handles.truncate(leader);
                    notices.push(Notice::BrokenUp { leader: events[leader].name.clone() });
                    at = leader;
                }
                Err(Refusal::Open(error, thread)) => match next(&mut events[at], &error) {
                    Step::Quietly => {}
                    Step::Noticed(notice) => notices.push(notice),
                    Step::GiveUp => {
                        return Err(Failure::Open { event: events[at].name.clone(), index: at, error, thread });
                    }
                },
                Err(Refusal::Filter(errno)) => {
                    let filter = events[at].filter.clone().unwrap_or_default();
                    return Err(Failure::Filter { filter, event: events[at].name.clone(), errno });
                }
            }
        }
        Ok(Self {
            events,
            handles,
            rings: Vec::new(),
            owners: Vec::new(),
            writers: Vec::new(),
            least: 1,
            places: Vec::new(),
        })
    }

    /// Maps one ring for each CPU (or each thread, where events are not bound to CPUs) and sends the other events of the
    /// place there. Rings that are written backward are of their own.
    pub fn map(&mut self, bytes: usize) -> Result<(), Failure> {
        let mut places: Vec<(i32, i32, bool, usize)> = Vec::new();
        for at in 0..self.handles.len() {
            let backward = self.events[at].attr.has(perfuse_format::perfdata::attr::flag::WRITE_BACKWARD);
            for index in 0..self.handles[at].len() {
                let handle = &self.handles[at][index];
                let thread = if handle.cpu == -1 { handle.thread } else { -1 };
                let place = (handle.cpu, thread, backward);
                let known = places.iter().find(|(cpu, thread, back, _)| (*cpu, *thread, *back) == place);
                if let Some((.., ring)) = known {
                    self.writers[*ring].push((at, index));
                    let (event, owner) = self.owners[*ring];
                    let owner = &self.handles[event][owner].event;
                    handle
                        .event
                        .set_output(Some(owner))
                        .map_err(|errno| Failure::Call { call: "PERF_EVENT_IOC_SET_OUTPUT", errno })?;
                } else {
                    let fd = handle.event.as_fd();
                    let ring = Ring::map(fd, bytes, backward)
                        .map_err(|errno| Failure::Map { bytes, errno: Errno(errno.raw_os_error()) })?;
                    places.push((place.0, place.1, backward, self.rings.len()));
                    self.rings.push(ring);
                    self.owners.push((at, index));
                    self.writers.push(vec![(at, index)]);
                }
                let id = self.handles[at][index].event.id();
                self.handles[at][index].id = id.map_err(|errno| Failure::Call { call: "PERF_EVENT_IOC_ID", errno })?;
            }
        }
        Ok(())
    }

    /// All ids, event after event.
    pub fn ids(&self) -> Vec<Id> {
        let one = |(event, handles): (usize, &Vec<Handle>)| -> Vec<Id> {
            handles.iter().map(|handle| Id { id: handle.id, event, cpu: handle.cpu, thread: handle.thread }).collect()
        };
        self.handles.iter().enumerate().flat_map(one).collect()
    }

    /// CPU and descriptor of every place of an event: for programs that put out its samples.
    pub fn descriptors(&self, event: usize) -> Vec<(i32, BorrowedFd<'_>)> {
        let handles = self.handles.get(event).into_iter().flatten();
        handles.map(|handle| (handle.cpu, handle.event.as_fd())).collect()
    }

    /// Number of rings, and bytes of each.
    pub fn rings(&self) -> (usize, usize) {
        (self.rings.len(), self.rings.first().map_or(0, Ring::size))
    }

    /// From how many unread bytes on a ring is emptied (`--mmap-flush`).
    pub fn empty_from(&mut self, least: usize) {
        self.least = least;
    }

    /// Where rings are read (`--affinity`).
    pub fn read_at(&mut self, root: &Root, affinity: Affinity) {
        if affinity == Affinity::Anywhere {
            return;
        }
        let cpus = self.owners.iter().map(|(event, handle)| self.handles[*event][*handle].cpu);
        self.places = cpus.map(|cpu| place(root, affinity, cpu)).collect();
    }

    /// Starts the events that lead a group.
    pub fn enable(&self) -> Result<(), Errno> {
        self.leaders().try_for_each(|handle| handle.event.enable())
    }

    /// Starts or stops the events of this name that lead a group; whether there is any.
    pub fn set_named(&self, name: &str, on: bool) -> bool {
        let named = |at: &usize| self.events[*at].name == name && !self.events[*at].is_dummy();
        let all: Vec<usize> = (0..self.events.len()).filter(named).collect();
        for handle in all.iter().filter(|at| self.events[**at].leader == **at).flat_map(|at| &self.handles[*at]) {
            // Of those of a thread that is gone there is nothing to record.
            let _ = if on { handle.event.enable() } else { handle.event.disable() };
        }
        !all.is_empty()
    }

    /// Stops them.
    pub fn disable(&self) -> Result<(), Errno> {
        self.leaders().try_for_each(|handle| handle.event.disable())
    }

    fn leaders(&self) -> impl Iterator<Item = &Handle> {
        self.handles
            .iter()
            .enumerate()
            .filter(|(at, _)| self.events[*at].leader == *at)
            .flat_map(|(_, handles)| handles)
    }

    /// Gives what is unread in each ring to `take`; bytes in all. A ring whose bytes could not be taken keeps them.
    pub fn drain<E>(&mut self, mut take: impl FnMut(Unread<'_>) -> Result<(), E>) -> Result<u64, E> {
        let mut total = 0;
        let places = self.places.iter().map(Option::as_ref).chain(std::iter::repeat(None));
        for ((ring, owner), place) in self.rings.iter_mut().zip(&self.owners).zip(places) {
            if self.events[owner.0].attr.has(perfuse_format::perfdata::attr::flag::WRITE_BACKWARD) {
                continue;
            }
            if self.least > 1 && ring.unread().len() < self.least {
                continue;
            }
            if let Some(place) = place {
                go(place);
            }
            total += ring.drain(&mut take)?;
        }
        Ok(total)
    }

    /// Gives what the rings that are overwritten hold now; their events pause meanwhile.
    pub fn snapshot<E>(&mut self, mut take: impl FnMut(Unread<'_>) -> Result<(), E>) -> Result<u64, E> {
        let mut total = 0;
        for (ring, owner) in self.rings.iter_mut().zip(&self.owners) {
            if !self.events[owner.0].attr.has(perfuse_format::perfdata::attr::flag::WRITE_BACKWARD) {
                continue;
            }
            let event = &self.handles[owner.0][owner.1].event;
            let paused = event.pause_output(true).is_ok();
            let outcome = ring.backward(&mut take);
            if paused {
                let _ = event.pause_output(false);
            }
            total += outcome?;
        }
        Ok(total)
    }

    /// Waits for a ring that is half full, for one of `others` to become readable, or for a signal. Gives whether each of
    /// the others is ready, and whether any event is still alive: those of a thread that ended are not.
    pub fn wait(&mut self, others: &[BorrowedFd<'_>], limit: Option<Duration>) -> Result<(Vec<bool>, bool), Errno> {
        let mut fds: Vec<PollFd<'_>> = others.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        let polled: Vec<usize> = (0..self.writers.len()).filter(|ring| !self.writers[*ring].is_empty()).collect();
        fds.extend(polled.iter().filter_map(|ring| {
            let (event, handle) = self.writers[*ring].last()?;
            Some(PollFd::from_borrowed_fd(self.handles[*event][*handle].event.as_fd(), PollFlags::IN))
        }));
        let limit = limit.map(|limit| Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(limit.subsec_nanos()),
        });
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) => {}
            Err(error) if error == rustix::io::Errno::INTR => return Ok((vec![false; others.len()], true)),
            Err(error) => return Err(Errno(error.raw_os_error())),
        }
        let (others, events) = fds.split_at(others.len());
        let ready = others.iter().map(|fd| !fd.revents().is_empty()).collect();
        let over: Vec<bool> =
            events.iter().map(|fd| fd.revents().intersects(PollFlags::HUP | PollFlags::ERR)).collect();
        drop(fds);
        for (ring, _) in polled.into_iter().zip(over).filter(|(_, over)| *over) {
            self.writers[ring].pop();
        }
        Ok((ready, self.writers.iter().any(|writers| !writers.is_empty())))
    }

    /// Samples that the kernel could not write, for each id, where it counts them (Linux 6.0).
    pub fn lost(&self) -> Vec<(Id, u64)> {
        let mut counts = Counts::default();
        let mut all = Vec::new();
        for (event, handles) in self.handles.iter().enumerate() {
            for handle in handles {
                if handle.event.read_into(&mut counts).is_err() {
                    continue;
                }
                let own = counts.values.iter().find(|count| count.id.is_none_or(|id| id == handle.id));
                if let Some(lost) = own.and_then(|count| count.lost).filter(|lost| *lost > 0) {
                    all.push((Id { id: handle.id, event, cpu: handle.cpu, thread: handle.thread }, lost));
                }
            }
        }
        all
    }
}

/// Why an event is not open.
enum Refusal {
    /// The kernel does not open it for this thread.
    Open(OpenError, i32),
    /// The kernel does not take its filter.
    Filter(Errno),
}

/// Opens one event everywhere, each time with its filter: that of the function tracer would have every function of the
/// kernel call as many events as were opened without.
fn open_one(
    event: &Planned,
    at: usize,
    handles: &[Vec<Handle>],
    target: &Target,
    cgroup: Option<&OwnedFd>,
    step: &mut impl FnMut(&Planned, i32, i32, Result<&PerfEvent, &OpenError>),
) -> Result<Vec<Handle>, Refusal> {
    let mut opened = Vec::new();
    // The filter of a probe that tracefs does not have is in its program.
    let filter = event.filter.as_ref().filter(|_| !event.is_of_program());
    let filter = filter.map(|text| CString::new(text.as_bytes()).map_err(|_| Refusal::Filter(Errno(libc::EINVAL))));
    let filter = filter.transpose()?;
    for &cpu in &target.cpus {
        if event.cpus.as_ref().is_some_and(|cpus| cpu >= 0 && !cpus.contains(&cpu)) {
            continue;
        }
        let everyone = [-1];
        let threads = if event.is_of_program() { everyone.as_slice() } else { &target.threads };
        for &thread in threads {
            let leader = handles.get(event.leader).filter(|_| event.leader != at);
            let leader = leader.and_then(|all| all.iter().find(|h| (h.cpu, h.thread) == (cpu, thread)));
            let leader = leader.map(|handle| &handle.event);
            let (pid, flags) = match cgroup {
                Some(fd) => (fd.as_raw_fd(), OpenFlags::PID_CGROUP),
                None => (thread, OpenFlags::NONE),
            };
            let result = PerfEvent::open(&event.attr, pid, cpu, leader, flags);
            step(event, pid, cpu, result.as_ref());
            let perf_event = result.map_err(|error| Refusal::Open(error, thread))?;
            if let Some(filter) = &filter {
                perf_event.set_filter(filter).map_err(Refusal::Filter)?;
            }
            opened.push(Handle { event: perf_event, cpu, thread, id: 0 });
        }
    }
    Ok(opened)
}

/// The directory of a cgroup: below the mount point of cgroup v2, or of v1's `perf_event`.
fn open_cgroup(root: &Root, name: &str) -> Result<OwnedFd, Failure> {
    let failure = |reason: String| Failure::Cgroup { name: name.to_owned(), reason };
    let mounts = std::fs::read_to_string(root.join("/proc/mounts")).unwrap_or_default();
    let points = cgroup_mounts(&mounts);
    let mut reason = "no cgroup file system is mounted".to_owned();
    for point in points {
        let path = root.join(point).join(name.trim_start_matches('/'));
        match std::fs::File::open(&path) {
            Ok(file) => return Ok(file.into()),
            Err(error) => reason = format!("{}: {error}", path.display()),
        }
    }
    Err(failure(reason))
}

/// Where the groups are that perf events can be limited to: v1's own hierarchy first, as in perf.
fn cgroup_mounts(mounts: &str) -> Vec<&str> {
    let all = || {
        mounts.lines().filter_map(|line| {
            let mut fields = line.split(' ');
            let (point, kind, options) = (fields.nth(1)?, fields.next()?, fields.next()?);
            Some((point, kind, options))
        })
    };
    let v1 = all().filter(|(_, kind, options)| *kind == "cgroup" && options.split(',').any(|one| one == "perf_event"));
    v1.chain(all().filter(|(_, kind, _)| *kind == "cgroup2")).map(|(point, ..)| point).collect()
}

/// Raises the soft limit of open files to the hard one; whether that changed anything.
fn raise_file_limit() -> bool {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    limit.current != limit.maximum
        && setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_looked_for_where_perf_looks() {
        let mounts = "x /a cgroup rw,cpu 0 0\nx /b cgroup rw,perf_event 0 0\nx /c cgroup2 rw 0 0\nx /d tmpfs rw 0 0\n";
        assert_eq!(cgroup_mounts(mounts), ["/b", "/c"]);
        assert!(cgroup_mounts("").is_empty());
    }
}
