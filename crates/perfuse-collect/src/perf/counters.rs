//! The counters of a measurement: every event at every place, opened, switched on and read together.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use perfuse_format::perfdata::attr::flag;
use perfuse_format::perfdata::{CountPlace, CountValue, EventAttr, EventCounts};
use rustix::process::{Resource, getrlimit, setrlimit};

use super::error::{OpenError, Reason};
use super::event::{Counts, OpenFlags, PerfEvent};
use crate::bpf::door::Errno;

/// One event to count.
#[derive(Debug, Clone)]
pub struct CounterSpec<'a> {
    /// What is counted; `None` is nothing that the kernel counts, and stays without values.
    pub attr: Option<EventAttr>,
    /// Index of the leader of its group, which stands before it; its own for the leader.
    pub leader: Option<usize>,
    /// CPUs on which the source counts for all (`cpumask`), where it does not count on every CPU.
    pub cpus: Option<Vec<i32>>,
    /// Directory of the cgroup whose tasks count.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// Filter of a tracepoint.
    pub filter: Option<&'a CStr>,
}

/// Whom the counters watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// These threads, on any CPU.
    Threads(Vec<i32>),
    /// Everything on these CPUs.
    Cpus(Vec<i32>),
}

/// What kept a measurement from starting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CounterError {
    /// An event was refused, for a reason that all would be refused for; or the leader of a group is missing.
    #[error("event {event}: {error}")]
    Open {
        /// Index of the event.
        event: usize,
        /// The refusal.
        error: OpenError,
    },
    /// The filter of an event is not understood.
    #[error("filter of event {event}: {errno}")]
    Filter {
        /// Index of the event.
        event: usize,
        /// What the kernel said.
        errno: Errno,
    },
}

#[derive(Debug)]
struct Counter {
    /// An event for each place; `None` where the thread was gone already.
    opened: Vec<(CountPlace, Option<PerfEvent>)>,
    refused: Option<OpenError>,
    /// Whether values come with those of a leader.
    leader: Option<usize>,
    kernel: bool,
}

/// Open counters. They count once enabled.
#[derive(Debug)]
pub struct CounterSet {
    counters: Vec<Counter>,
}

impl CounterSet {
    /// Opens every event at every place, in the order of perf. An event that this system does not have is no error
    /// ([`CounterSet::refused`] tells) unless it leads a group; a thread that is gone is left out.
    pub fn open(specs: &[CounterSpec<'_>], watched: &Watched) -> Result<Self, CounterError> {
        let counter = |spec: &CounterSpec<'_>| Counter {
            opened: Vec::new(),
            refused: None,
            leader: spec.leader,
            kernel: spec.attr.is_some(),
        };
        let mut set = Self { counters: specs.iter().map(counter).collect() };
        match watched {
            Watched::Cpus(cpus) => {
                for cpu in cpus {
                    for (index, spec) in specs.iter().enumerate() {
                        if spec.cpus.as_ref().is_none_or(|own| own.contains(cpu)) {
                            set.open_at(specs, index, -1, CountPlace { cpu: *cpu, thread: 0 })?;
                        }
                    }
                }
            }
            Watched::Threads(threads) => {
                for index in 0..specs.len() {
                    for (thread, tid) in threads.iter().enumerate() {
                        set.open_at(specs, index, *tid, CountPlace { cpu: -1, thread })?;
                    }
                }
                set.nobody_left(threads.len())?;
            }
        }
        Ok(set)
    }

    /// Opens one event at one place.
    fn open_at(
        &mut self,
        specs: &[CounterSpec<'_>],
        index: usize,
        tid: i32,
        place: CountPlace,
    ) -> Result<(), CounterError> {
        let Some(spec) = specs.get(index) else { return Ok(()) };
        let Some(attr) = &spec.attr else { return Ok(()) };
        let missing = self.counters.get(index).is_none_or(|counter| counter.refused.is_some());
        let opened = if missing { Ok(None) } else { self.attempt(spec, attr, index, tid, place) };
        let Some(counter) = self.counters.get_mut(index) else { return Ok(()) };
        match opened {
            Ok(event) => counter.opened.push((place, event)),
            Err(error) if error.reason == Reason::NoTask && tid > 0 => counter.opened.push((place, None)),
            Err(error) => {
                let leads =
                    spec.leader == Some(index) && specs.iter().filter(|one| one.leader == Some(index)).count() > 1;
                if leads || !(error.is_unsupported() || error.reason == Reason::NoCpu) {
                    return Err(CounterError::Open { event: index, error });
                }
                counter.refused = Some(error);
                counter.opened.push((place, None));
            }
        }
        if let (Some(filter), Some((_, Some(event)))) = (spec.filter, counter.opened.last()) {
            event.set_filter(filter).map_err(|errno| CounterError::Filter { event: index, errno })?;
        }
        Ok(())
    }

    /// Opens with the group's leader of the same place; once more with a higher limit if there are no descriptors left.
    fn attempt(
        &self,
        spec: &CounterSpec<'_>,
        attr: &EventAttr,
        index: usize,
        tid: i32,
        place: CountPlace,
    ) -> Result<Option<PerfEvent>, OpenError> {
        use std::os::fd::AsRawFd as _;
        let leader = spec.leader.filter(|leader| *leader != index);
        let leader = match leader.and_then(|leader| self.counters.get(leader)) {
            None => None,
            Some(leader) => match leader.opened.iter().find(|(at, _)| *at == place) {
                Some((_, Some(event))) => Some(event),
                // Without its leader a member has nothing to stand with.
                _ => return Ok(None),
            },
        };
        let (pid, flags) = match spec.cgroup {
            Some(cgroup) => (cgroup.as_raw_fd(), OpenFlags::PID_CGROUP),
            None => (tid, OpenFlags::NONE),
        };
        let open = |attr: &EventAttr| PerfEvent::open(attr, pid, place.cpu, leader, flags);
        match open(attr) {
            Err(error) if error.reason == Reason::TooManyFiles && raise_limit() => open(attr).map(Some),
            // Sources that cannot leave anything out (msr, uncore) refuse even what is left out by default.
            Err(error) if error.errno.0 == libc::EINVAL && attr.has(flag::EXCLUDE_GUEST) => {
                let all = EventAttr { flags: attr.flags & !flag::EXCLUDE_GUEST, ..*attr };
                open(&all).map_err(|_| error).map(Some)
            }
            other => other.map(Some),
        }
    }

    /// With every thread gone there is nothing to measure.
    fn nobody_left(&self, threads: usize) -> Result<(), CounterError> {
        let gone = |counter: &Counter| {
            counter.kernel && counter.refused.is_none() && counter.opened.iter().all(|(_, event)| event.is_none())
        };
        match self.counters.iter().position(gone) {
            Some(event)
                if threads > 0 && self.counters.iter().all(|one| !one.kernel || gone(one) || one.refused.is_some()) =>
            {
                Err(CounterError::Open {
                    event,
                    error: OpenError { errno: Errno(libc::ESRCH), reason: Reason::NoTask },
                })
            }
            _ => Ok(()),
        }
    }

    /// Why an event is not counted.
    pub fn refused(&self, event: usize) -> Option<&OpenError> {
        self.counters.get(event).and_then(|counter| counter.refused.as_ref())
    }

    /// The ids of an event by its places, as records name it.
    pub fn ids(&self, event: usize) -> Vec<(CountPlace, u64)> {
        let opened = self.counters.get(event).map(|counter| counter.opened.as_slice()).unwrap_or_default();
        opened.iter().filter_map(|(place, event)| Some((*place, event.as_ref()?.id().ok()?))).collect()
    }

    /// Starts all; members of a group with their leader.
    pub fn enable(&self) -> Result<(), Errno> {
        self.leaders(PerfEvent::enable)
    }

    /// Stops all.
    pub fn disable(&self) -> Result<(), Errno> {
        self.leaders(PerfEvent::disable)
    }

    fn leaders(&self, switch: impl Fn(&PerfEvent) -> Result<(), Errno>) -> Result<(), Errno> {
        for (index, counter) in self.counters.iter().enumerate() {
            if counter.leader.is_none_or(|leader| leader == index) {
                for (_, event) in &counter.opened {
                    event.as_ref().map_or(Ok(()), &switch)?;
                }
            }
        }
        Ok(())
    }

    /// The values of all, in the order of the events.
    pub fn read(&self) -> Result<Vec<EventCounts>, Errno> {
        let mut all: Vec<EventCounts> = self.counters.iter().map(Counter::zeros).collect();
        let mut counts = Counts::default();
        for (index, counter) in self.counters.iter().enumerate() {
            if counter.leader.is_some_and(|leader| leader != index) {
                continue;
            }
            for (at, (_, event)) in counter.opened.iter().enumerate() {
                let Some(event) = event else { continue };
                match event.read_into(&mut counts) {
                    Ok(()) => self.spread(index, at, &counts, &mut all),
                    // What lost the hardware for good has counted nothing since.
                    Err(Errno(libc::ENODATA)) => {}
                    Err(errno) => return Err(errno),
                }
            }
        }
        Ok(all)
    }

    /// Gives the values of a read to the leader and, in the order in which they were opened, to its members.
    fn spread(&self, leader: usize, at: usize, counts: &Counts, all: &mut [EventCounts]) {
        let of_group = |(index, counter): &(usize, &Counter)| {
            let same_place = counter.opened.get(at).is_some_and(|(_, event)| event.is_some());
            same_place && (*index == leader || counter.leader == Some(leader))
        };
        let members = self.counters.iter().enumerate().filter(of_group).map(|(index, _)| index);
        for (member, count) in members.zip(&counts.values) {
            if let Some((_, value)) = all.get_mut(member).and_then(|counts| counts.values.get_mut(at)) {
                *value = CountValue {
                    value: count.value,
                    enabled: counts.enabled.unwrap_or(0),
                    running: counts.running.unwrap_or(0),
                };
            }
        }
    }
}

impl Counter {
    fn zeros(&self) -> EventCounts {
        EventCounts {
            supported: self.refused.is_none(),
            values: self.opened.iter().map(|(place, _)| (*place, CountValue::default())).collect(),
        }
    }
}

/// Raises the soft limit of descriptors to the hard one; whether that made it higher.
pub fn raise_limit() -> bool {
    let limit = getrlimit(Resource::Nofile);
    let higher = limit.current < limit.maximum || (limit.current.is_some() && limit.maximum.is_none());
    higher && setrlimit(Resource::Nofile, rustix::process::Rlimit { current: limit.maximum, ..limit }).is_ok()
}

#[cfg(test)]
mod tests {
    use perfuse_format::perfdata::attr::{kind, read_format};
    use perfuse_testkit::skip;

    use super::*;

    const TIMES: u64 = read_format::TOTAL_TIME_ENABLED | read_format::TOTAL_TIME_RUNNING;

    fn spec(kind: u32, config: u64) -> CounterSpec<'static> {
        let flags = flag::DISABLED | flag::EXCLUDE_KERNEL;
        let attr = EventAttr { kind, config, flags, read_format: TIMES, ..EventAttr::default() };
        CounterSpec { attr: Some(attr), leader: None, cpus: None, cgroup: None, filter: None }
    }

    fn own_thread() -> Watched {
        Watched::Threads(vec![rustix::thread::gettid().as_raw_pid()])
    }

    fn software_events_work() -> bool {
        CounterSet::open(&[spec(kind::SOFTWARE, 1)], &own_thread()).is_ok()
    }

    #[test]
    fn what_the_system_does_not_have_is_told_and_the_rest_counts() {
        if !software_events_work() {
            skip!("no software events");
        }
        let nothing = CounterSpec { attr: None, ..spec(0, 0) };
        let specs = [spec(kind::SOFTWARE, 1), spec(kind::SOFTWARE, 9999), nothing];
        let set = CounterSet::open(&specs, &own_thread()).unwrap();
        set.enable().unwrap();
        std::hint::black_box((0..100_000_u64).sum::<u64>());
        set.disable().unwrap();
        let counts = set.read().unwrap();
        assert!(counts[0].supported && counts[0].values[0].1.value > 0);
        assert!(
            !counts[1].supported && counts[1].values == [(CountPlace { cpu: -1, thread: 0 }, CountValue::default())]
        );
        assert!(set.refused(0).is_none() && set.refused(1).is_some() && set.refused(2).is_none());
        assert!(counts[2].values.is_empty());
        assert_eq!(set.read().unwrap(), counts, "stopped");
    }

    #[test]
    fn members_of_a_group_get_their_own_values() {
        if !software_events_work() {
            skip!("no software events");
        }
        let member = |config, leads: bool| {
            let mut spec = spec(kind::SOFTWARE, config);
            spec.leader = Some(0);
            if let Some(attr) = &mut spec.attr {
                attr.read_format |= read_format::GROUP | read_format::ID;
                attr.flags = flag::EXCLUDE_KERNEL | if leads { flag::DISABLED } else { 0 };
            }
            spec
        };
        // A member that is missing must not shift the values of the others.
        let specs = [member(1, true), member(9999, false), member(3, false), member(0, false)];
        let set = CounterSet::open(&specs, &own_thread()).unwrap();
        set.enable().unwrap();
        std::hint::black_box((0..100_000_u64).sum::<u64>());
        set.disable().unwrap();
        let counts = set.read().unwrap();
        let value = |event: usize| counts[event].values[0].1.value;
        assert!(value(0) > 0 && value(3) > 0, "{counts:?}");
        assert_eq!(value(1), 0);
        assert!(value(2) < 1000, "context switches, not nanoseconds: {counts:?}");
    }

    #[test]
    fn a_group_without_its_leader_and_a_process_that_is_gone_are_errors() {
        if !software_events_work() {
            skip!("no software events");
        }
        let leader = CounterSpec { leader: Some(0), ..spec(kind::SOFTWARE, 9999) };
        let member = CounterSpec { leader: Some(0), ..spec(kind::SOFTWARE, 1) };
        let error = CounterSet::open(&[leader, member], &own_thread()).unwrap_err();
        assert!(matches!(error, CounterError::Open { event: 0, .. }), "{error}");
        let error = CounterSet::open(&[spec(kind::SOFTWARE, 1)], &Watched::Threads(vec![i32::MAX])).unwrap_err();
        assert!(matches!(&error, CounterError::Open { error, .. } if error.reason == Reason::NoTask), "{error:?}");
    }

    #[test]
    fn a_thread_that_is_gone_is_left_out() {
        if !software_events_work() {
            skip!("no software events");
        }
        let Watched::Threads(mut threads) = own_thread() else { unreachable!("threads") };
        threads.push(i32::MAX);
        let set = CounterSet::open(&[spec(kind::SOFTWARE, 1)], &Watched::Threads(threads)).unwrap();
        set.enable().unwrap();
        let counts = set.read().unwrap();
        assert_eq!(counts[0].values.len(), 2);
        assert!(counts[0].supported && counts[0].values[1].1 == CountValue::default());
    }

    #[test]
    fn filters_are_refused_where_there_is_nothing_to_filter() {
        if !software_events_work() {
            skip!("no software events");
        }
        let filtered = CounterSpec { filter: Some(c"x == 1"), ..spec(kind::SOFTWARE, 1) };
        let error = CounterSet::open(&[filtered], &own_thread()).unwrap_err();
        assert!(matches!(error, CounterError::Filter { event: 0, .. }), "{error}");
    }
}
