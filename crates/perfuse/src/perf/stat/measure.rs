//! One run: counters are opened, the command is started, intervals pass, everything is read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use perfuse_collect::Root;
use perfuse_collect::perf::counters::{CounterError, CounterSet, CounterSpec, Watched};
use perfuse_collect::perf::{Ended, Reason, Workload, WorkloadOptions, tasks};
use perfuse_format::event::Tool;
use perfuse_format::perfdata::{CountPlace, CountValue, EventCounts};

use super::events::List;
use super::options::{Delay, Plan};
use super::probes::Probes;
use super::wake::Wake;
use crate::console;
use crate::perf::record::control::{Control, Order};

/// How often a watched process is looked after.
const LOOK: Duration = Duration::from_secs(1);

/// What a run gave.
#[derive(Debug)]
pub(super) struct Run {
    /// Counts of every event that was asked for.
    pub(super) counts: Vec<EventCounts>,
    /// Time that passed.
    pub(super) elapsed: Duration,
    /// The end of the command.
    pub(super) ended: Option<Ended>,
    /// Events that are missing, with the refusal.
    pub(super) refused: BTreeMap<usize, perfuse_collect::perf::OpenError>,
    /// The counters, kept open until all is said: the kernel takes a while to close each one of a tracepoint (it waits
    /// until no CPU is in its code any more).
    pub(super) open: Option<CounterSet>,
}

/// Who is told while a run goes on.
pub(super) trait Observer {
    /// The counters are open; nothing is counted yet.
    fn opened(&mut self, list: &List, set: &CounterSet, watched: &Watched) -> anyhow::Result<()>;

    /// An interval ended.
    fn interval(&mut self, interval: &Interval<'_>) -> anyhow::Result<()>;
}

/// An interval, at its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval<'a> {
    /// Counts since the last one.
    pub(super) since_last: &'a [EventCounts],
    /// Counts since the start.
    pub(super) total: &'a [EventCounts],
    /// Its length.
    pub(super) length: Duration,
    /// Time since the start.
    pub(super) elapsed: Duration,
}

/// Why a run could not be made, for the words of [`super`].
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    /// The counters.
    #[error(transparent)]
    Counters(#[from] CounterError),
    /// Everything else.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// Everything that stays the same from run to run.
#[derive(Debug)]
pub(super) struct Measure<'a> {
    pub(super) plan: &'a Plan,
    pub(super) root: &'a Root,
    pub(super) wake: &'a Wake,
    /// `None` watches the command.
    pub(super) watched: Option<&'a Watched>,
    /// Who else switches the counters on and off.
    pub(super) control: Option<&'a RefCell<Control>>,
}

impl Measure<'_> {
    /// One run.
    pub(super) fn run(&self, list: &mut List, observer: &mut dyn Observer) -> Result<Run, RunError> {
        let plan = self.plan;
        if let Some(command) = &plan.pre {
            shell(command)?;
        }
        if plan.sync {
            perfuse_collect::perf::workload::sync();
        }
        let mut workload = match plan.command.as_slice() {
            [] => None,
            command => {
                let path = std::env::var_os("PATH");
                let options = WorkloadOptions { path: path.as_deref(), output_to_stderr: false };
                Some(Workload::prepare(command, options).map_err(anyhow::Error::from)?)
            }
        };
        let own;
        let watched = match (self.watched, &workload) {
            (Some(watched), _) => watched,
            (None, Some(workload)) => {
                own = Watched::Threads(vec![workload.pid()]);
                &own
            }
            (None, None) => return Err(anyhow::anyhow!("nothing to measure").into()),
        };
        let set = open(list, watched, plan)?;
        let probes = Probes::start(list, watched)?;
        observer.opened(list, &set, watched)?;
        let on_exec = self.watched.is_none() && plan.delay == Delay::None;
        if !on_exec && plan.delay == Delay::None {
            set.enable().map_err(errno)?;
        }
        let mut start = Instant::now();
        if let Some(workload) = &mut workload {
            workload.start().map_err(anyhow::Error::from)?;
        }
        if plan.delay != Delay::None {
            console::say("Events disabled\n");
        }
        if let Delay::After(delay) = plan.delay {
            self.sleep(Instant::now() + delay, workload.as_mut())?;
            set.enable().map_err(errno)?;
            console::say("Events enabled\n");
            start = Instant::now();
        }
        let mut clock = Clock { start, last: start, before: Vec::new(), told: 0 };
        self.wait(&set, list, &mut clock, workload.as_mut(), (watched, &probes), observer)?;
        let ended = match &mut workload {
            Some(workload) => {
                self.wake.for_end(workload).map_err(anyhow::Error::from)?;
                workload.try_wait().map_err(anyhow::Error::from)?
            }
            None => None,
        };
        let elapsed = start.elapsed();
        if self.watched.is_some() {
            set.disable().map_err(errno)?;
        }
        let mut counts = set.read().map_err(errno)?;
        tools(list, &mut counts, watched, elapsed, ended);
        probes.fill(&mut counts, watched, elapsed);
        if plan.interval.is_some() && !clock.stopped(plan) {
            clock.interval(&counts, list, observer)?;
        }
        if let Some(command) = &plan.post {
            shell(command)?;
        }
        let refused = (0..list.events.len()).filter_map(|event| Some((event, set.refused(event)?.clone()))).collect();
        Ok(Run { counts, elapsed, ended, refused, open: Some(set) })
    }

    /// Waits for the end of what is measured; tells the intervals in between.
    fn wait(
        &self,
        set: &CounterSet,
        list: &List,
        clock: &mut Clock,
        mut workload: Option<&mut Workload>,
        (watched, probes): (&Watched, &Probes),
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let plan = self.plan;
        let timeout = plan.timeout.map(|timeout| clock.start + timeout);
        let mut rounds = 0_u32;
        loop {
            let due = plan.interval.map(|interval| clock.start + interval * (rounds + 1));
            // Where only processes are watched, nothing tells of their end.
            let look = (workload.is_none() && plan.watches_tasks()).then(|| Instant::now() + LOOK);
            let deadline = [due, timeout, look].into_iter().flatten().min();
            let control = self.control.map(RefCell::borrow);
            let commands = control.as_deref().and_then(Control::fd);
            self.wake.until_readable(deadline, workload.as_deref(), commands);
            drop(control);
            self.obey(set, list, clock, (watched, probes), observer)?;
            if let Some(workload) = workload.as_deref_mut()
                && workload.try_wait().map_err(anyhow::Error::from)?.is_some()
            {
                return Ok(());
            }
            // A signal ends what has no command; one with a command gets the signal itself, and its end is waited for.
            if self.wake.came() && (workload.is_none() || plan.interval.is_some()) {
                return Ok(());
            }
            let now = Instant::now();
            if timeout.is_some_and(|timeout| now >= timeout) {
                if let Some(workload) = workload {
                    workload.signal(TERMINATE);
                }
                return Ok(());
            }
            if due.is_some_and(|due| now >= due) {
                let mut counts = set.read().map_err(errno)?;
                tools(list, &mut counts, watched, clock.start.elapsed(), None);
                probes.fill(&mut counts, watched, clock.start.elapsed());
                clock.interval(&counts, list, observer)?;
                // What was slept through is not made up for.
                while plan.interval.is_some_and(|interval| clock.start + interval * (rounds + 1) <= now) {
                    rounds += 1;
                }
                clock.told += 1;
                if clock.stopped(plan) {
                    if let Some(workload) = workload {
                        workload.signal(TERMINATE);
                    }
                    return Ok(());
                }
            }
            if workload.is_none() && plan.watches_tasks() && !self.anybody_left(watched) {
                return Ok(());
            }
        }
    }

    /// Does what came through `--control`. Switching ends an interval, so that none is partly counted; commands that are
    /// about samples are answered and change nothing, as in perf.
    fn obey(
        &self,
        set: &CounterSet,
        list: &List,
        clock: &mut Clock,
        (watched, probes): (&Watched, &Probes),
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let Some(control) = self.control else { return Ok(()) };
        let orders = control.borrow_mut().orders();
        for order in orders {
            let switches = match order {
                Order::Enable(_) => {
                    set.enable().map_err(errno)?;
                    console::say("Events enabled\n");
                    true
                }
                Order::Disable(_) => {
                    set.disable().map_err(errno)?;
                    console::say("Events disabled\n");
                    true
                }
                _ => false,
            };
            if switches && self.plan.interval.is_some() {
                let mut counts = set.read().map_err(errno)?;
                tools(list, &mut counts, watched, clock.start.elapsed(), None);
                probes.fill(&mut counts, watched, clock.start.elapsed());
                clock.interval(&counts, list, observer)?;
            }
            control.borrow().acknowledge();
        }
        Ok(())
    }

    fn anybody_left(&self, watched: &Watched) -> bool {
        match watched {
            Watched::Threads(threads) => threads.iter().any(|tid| tasks::comm(self.root, *tid).is_some()),
            Watched::Cpus(_) => true,
        }
    }

    /// Sleeps, unless the command ends before.
    fn sleep(&self, until: Instant, mut workload: Option<&mut Workload>) -> Result<(), RunError> {
        while Instant::now() < until && !self.wake.came() {
            self.wake.until(Some(until), workload.as_deref());
            if let Some(workload) = workload.as_deref_mut()
                && workload.try_wait().map_err(anyhow::Error::from)?.is_some()
            {
                break;
            }
        }
        Ok(())
    }
}

/// SIGTERM, the same number on every Linux.
const TERMINATE: i32 = signal_hook::consts::SIGTERM;

/// Times of the intervals, and the counts at the last one.
#[derive(Debug)]
struct Clock {
    start: Instant,
    last: Instant,
    before: Vec<EventCounts>,
    /// Whole intervals so far.
    told: u64,
}

impl Clock {
    /// Whether as many intervals passed as were asked for.
    fn stopped(&self, plan: &Plan) -> bool {
        plan.interval_count.is_some_and(|count| self.told >= count)
    }

    fn interval(&mut self, counts: &[EventCounts], list: &List, observer: &mut dyn Observer) -> Result<(), RunError> {
        let now = Instant::now();
        let since: Vec<EventCounts> = counts
            .iter()
            .enumerate()
            .map(|(event, counts)| difference(counts, self.before.get(event), list, event))
            .collect();
        observer.interval(&Interval {
            since_last: &since,
            total: counts,
            length: now - self.last,
            elapsed: now - self.start,
        })?;
        self.last = now;
        self.before = counts.to_vec();
        Ok(())
    }
}

/// Counts of an interval. A state (temperature, a level) is shown as it is.
fn difference(counts: &EventCounts, before: Option<&EventCounts>, list: &List, event: usize) -> EventCounts {
    let state = list.events.get(event).is_some_and(|event| event.spec.snapshot);
    let Some(before) = before.filter(|_| !state) else { return counts.clone() };
    let values = counts.values.iter().zip(&before.values).map(|((at, now), (_, then))| (*at, now.since(*then)));
    EventCounts { supported: counts.supported, values: values.collect() }
}

/// Opens the counters. A weak group that cannot be scheduled is broken up; an event that may not see the kernel is asked for without it, which its name then says.
fn open(list: &mut List, watched: &Watched, plan: &Plan) -> Result<CounterSet, CounterError> {
    loop {
        let specs: Vec<CounterSpec<'_>> = list
            .events
            .iter()
            .map(|event| CounterSpec {
                attr: (event.spec.tool.is_none() && event.stored.is_none()).then_some(event.spec.attr),
                leader: event.leader,
                cpus: event.cpus.clone(),
                cgroup: event.cgroup.and_then(|index| list.cgroups.get(index)).map(|cgroup| cgroup.directory.as_fd()),
                filter: event.filter.as_deref(),
            })
            .collect();
        match CounterSet::open(&specs, watched) {
            Ok(set) => {
                let missing =
                    (0..list.events.len()).find(|event| set.refused(*event).is_some() && list.events[*event].spec.weak);
                if !missing.is_some_and(|event| list.break_up(event, plan)) {
                    return Ok(set);
                }
            }
            Err(CounterError::Open { event, error })
                if matches!(error.reason, Reason::NoPermission { .. }) && list.leave_kernel_out(event) => {}
            Err(CounterError::Open { event, .. }) if list.break_up(event, plan) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Fills in what perf counts itself.
fn tools(list: &List, counts: &mut [EventCounts], watched: &Watched, elapsed: Duration, ended: Option<Ended>) {
    let cpu = match watched {
        Watched::Cpus(cpus) => cpus.first().copied().unwrap_or(-1),
        Watched::Threads(_) => -1,
    };
    for (event, counts) in counts.iter_mut().enumerate() {
        let Some(tool) = list.tool(event) else { continue };
        let time = match tool {
            Tool::Duration => elapsed,
            Tool::User => ended.map_or(Duration::ZERO, |ended| ended.user),
            Tool::System => ended.map_or(Duration::ZERO, |ended| ended.system),
        };
        let value = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let times = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX).max(1);
        counts.supported = true;
        counts.values = vec![(CountPlace { cpu, thread: 0 }, CountValue { value, enabled: times, running: times })];
    }
}

/// `--pre` and `--post`.
fn shell(command: &str) -> anyhow::Result<()> {
    let words: Vec<OsString> = ["/bin/sh", "-c", command].iter().map(OsString::from).collect();
    let mut workload = Workload::prepare(&words, WorkloadOptions::default())?;
    workload.start()?;
    let ended = workload.wait()?;
    anyhow::ensure!(ended.code() == Some(0), "`{command}`: {:?}", ended.code());
    Ok(())
}

fn errno(errno: perfuse_collect::perf::Errno) -> anyhow::Error {
    anyhow::anyhow!("{errno}")
}
