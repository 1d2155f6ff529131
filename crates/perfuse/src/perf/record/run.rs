//! The recording itself: open, tell what was before, empty the rings until the end, describe.

use std::ffi::OsString;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use perfuse_analyze::Msg;
use perfuse_collect::perf::record::{Notice, Output, Planned, Recording, Tally, WriteError, configure};
use perfuse_collect::perf::synth::Kernel;
use perfuse_collect::perf::{Workload, WorkloadError, WorkloadOptions};
use perfuse_format::perfdata::Features;
use perfuse_format::perfdata::features::ClockData;
use perfuse_format::perfdata::user::UserRecord;

use super::control::{self, Control, Order};
use super::notes::Notes;
use super::off_cpu::OffCpu;
use super::plan::{Plan, Switch};
use super::signals::Signals;
use super::target::Whom;
use super::writer::Writer;
use super::{files, finish, probes, state, unwind, verbose};
use crate::console;
use crate::perf::FAILED;

/// All that a running recording has.
pub(super) struct Session<'a> {
    pub(super) plan: &'a Plan,
    pub(super) notes: &'a Notes<'a>,
    pub(super) recording: Recording,
    pub(super) writer: Writer,
    pub(super) features: Features,
    pub(super) tracing: Option<Vec<u8>>,
    pub(super) kernel: Kernel,
    /// Who starts and stops the events meanwhile.
    pub(super) control: Option<Control>,
    /// Who sums up waits, with `--off-cpu`.
    pub(super) off_cpu: Option<OffCpu>,
    pub(super) woken: u64,
    /// Bytes of the records of the last file.
    pub(super) captured: u64,
    /// Files that were completed before the current one, oldest first.
    pub(super) files: Vec<std::path::PathBuf>,
}

/// Records; the exit status.
pub(super) fn record(mut plan: Plan, notes: &Notes<'_>) -> anyhow::Result<u8> {
    let mut events = std::mem::take(&mut plan.events);
    if plan.extra.off_cpu {
        events.push(Planned::off_cpu(events.len()));
    }
    configure(&mut events, &plan.options);
    if plan.unwind {
        unwind::trim(&mut events, plan.options.addresses);
    }
    let signals = Signals::install(plan.switch == Switch::Signal)?;
    let control = plan.extra.control.take();
    let mut workload = match prepare(&plan) {
        Ok(workload) => workload,
        Err(error) => {
            notes.workload(&error);
            return Ok(FAILED);
        }
    };
    let command = workload.as_ref().map(Workload::pid).filter(|_| plan.whom == Whom::Command);
    let mut target = plan.whom.places(&plan.root, plan.per_thread, command);
    let mut changed: Vec<Notice> = Vec::new();
    let log = verbose::Log::new(plan.verbose);
    let opened = Recording::open(events, &mut target, &plan.root, &mut changed, |event, pid, cpu, outcome| {
        log.attempt(event, pid, cpu, outcome);
    });
    let opened = opened.and_then(|recording| {
        let off_cpu = plan.extra.off_cpu.then(|| OffCpu::open(&plan, &mut target, &mut changed));
        Ok((recording, off_cpu.transpose()?))
    });
    for notice in &changed {
        notes.notice(notice);
    }
    let (recording, off_cpu) = match opened.and_then(|(mut recording, off_cpu)| {
        recording.map(plan.ring_bytes)?;
        recording.empty_from(plan.extra.flush(plan.ring_bytes));
        recording.read_at(&plan.root, plan.extra.affinity);
        Ok((recording, off_cpu))
    }) {
        Ok(recording) => recording,
        Err(failure) => {
            notes.failure(&failure);
            return Ok(FAILED);
        }
    };
    log.rings(&recording);
    // They run as long as this function.
    let _programs = match probes::start(&recording, &plan.whom, command) {
        Ok(programs) => programs,
        Err(failure) => {
            notes.error(&failure);
            return Ok(FAILED);
        }
    };
    let mut session = match begin(&plan, &recording) {
        Ok(begun) => begun.with(recording, &plan, notes, (control, off_cpu)),
        Err(error) => {
            notes.error_text(&error);
            return Ok(FAILED);
        }
    };
    if let Some(priority) = plan.extra.realtime
        && let Err(errno) = perfuse_collect::perf::record::placement::realtime(priority)
    {
        let message = Msg::new("record-fail-realtime").with("priority", priority.to_string());
        notes.error(&message.with("errno", errno.to_string()));
        return Ok(FAILED);
    }
    let outcome = session.go(workload.as_mut(), &signals);
    Ok(session.end(outcome, workload, &signals))
}

/// What is made before the recording moves into its session.
struct Begun {
    writer: Writer,
    features: Features,
    tracing: Option<Vec<u8>>,
}

impl Begun {
    fn with<'a>(
        self,
        recording: Recording,
        plan: &'a Plan,
        notes: &'a Notes<'a>,
        (control, off_cpu): (Option<Control>, Option<OffCpu>),
    ) -> Session<'a> {
        let Self { writer, features, tracing } = self;
        let kernel = Kernel::default();
        let files = Vec::new();
        Session {
            plan,
            notes,
            recording,
            writer,
            features,
            tracing,
            kernel,
            control,
            off_cpu,
            woken: 0,
            captured: 0,
            files,
        }
    }
}

fn begin(plan: &Plan, recording: &Recording) -> anyhow::Result<Begun> {
    let clock = plan.options.clock.map(clock_data);
    let features = finish::describe(plan, recording, clock);
    let tracing = finish::tracing_data(plan, recording)?;
    let output = match (&plan.sink, &plan.output) {
        (Some(sink), _) => Output::pipe(sink.as_fd())?,
        (None, Some(path)) => Output::create(path)?,
        (None, None) => Output::pipe(std::io::stdout().as_fd())?,
    };
    let events = finish::events(plan, recording);
    let attrs: Vec<_> = events.iter().map(|event| event.attr).collect();
    let tally = Tally::new(&attrs, plan.build_ids);
    let mut writer = Writer::new(output, tally, &events, plan.compress.is_some(), plan.output.clone());
    if plan.unwind {
        let asked = recording.events.iter().zip(&events).map(|(asked, event)| (asked.attr, event.ids.clone()));
        writer.live = Some(unwind::live(plan.root.clone(), asked.collect()));
    }
    if writer.output.is_pipe() {
        finish::begin_pipe(&mut writer, &features, tracing.as_deref())?;
    } else {
        let head = writer.layout.head(0, []);
        writer.output.write(&head)?;
    }
    Ok(Begun { writer, features, tracing })
}

/// The clock of `-k` beside the time of day, read one after the other.
fn clock_data(clock: i32) -> ClockData {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    ClockData {
        clockid: clock.cast_unsigned(),
        wall_ns: u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX),
        clock_ns: perfuse_collect::perf::record::clock::clock_ns(clock).unwrap_or(0),
    }
}

fn prepare(plan: &Plan) -> Result<Option<Workload>, WorkloadError> {
    if plan.command.is_empty() {
        return Ok(None);
    }
    let path: Option<OsString> = std::env::var_os("PATH");
    let options = WorkloadOptions { path: path.as_deref(), output_to_stderr: plan.output.is_none() };
    Workload::prepare(&plan.command, options).map(Some)
}

/// Why the recording went on no longer.
pub(super) enum Stop {
    /// A signal, the end of the command or of what was watched, or the size that was allowed.
    Asked,
    /// Something could not be written.
    Write(WriteError),
    /// The command does not run.
    Workload(WorkloadError),
}

impl From<WriteError> for Stop {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

/// Why a wait ended.
enum Woken {
    /// There may be records.
    Records,
    /// Something came through `--control`.
    Told,
    /// The recording is over.
    Over,
}

impl Session<'_> {
    fn go(&mut self, mut workload: Option<&mut Workload>, signals: &Signals) -> Stop {
        match self.run(&mut workload, signals) {
            Ok(()) => Stop::Asked,
            Err(stop) => stop,
        }
    }

    fn run(&mut self, workload: &mut Option<&mut Workload>, signals: &Signals) -> Result<(), Stop> {
        if !self.plan.tail_synth {
            self.tell_state()?;
            if self.kernel.hidden {
                self.notes.note(&Msg::new("record-hidden"));
            }
        }
        let delayed = self.plan.options.delayed;
        if self.plan.whom != Whom::Command && !delayed {
            self.enable();
        }
        if let Some(workload) = workload {
            state::child(workload.pid(), &self.recording, &mut self.writer)?;
            self.writer.user(&UserRecord::FinishedInit)?;
            workload.start().map_err(Stop::Workload)?;
        } else {
            self.writer.user(&UserRecord::FinishedInit)?;
        }
        if delayed {
            self.notes.line("Events disabled");
        }
        let begun = Instant::now();
        let mut changes = self.plan.delays.iter().filter_map(|(after, on)| Some((begun.checked_add(*after)?, *on)));
        let mut change = changes.next();
        let mut rotate_at = self.next_switch();
        loop {
            let before = self.writer.output.written();
            self.drain()?;
            let taken = self.writer.output.written() - before;
            if self.is_full() {
                let kilobytes = self.writer.output.written() >> 10;
                self.notes
                    .line(&format!("[ perf record: perf size limit reached ({kilobytes} KB), stopping session ]"));
                return Ok(());
            }
            if signals.end().is_some() {
                return Ok(());
            }
            let now = Instant::now();
            while let Some((_, on)) = change.filter(|(at, _)| *at <= now) {
                if on {
                    self.enable();
                } else {
                    self.disable();
                }
                self.notes.line(if on { "Events enabled" } else { "Events disabled" });
                change = changes.next();
            }
            if rotate_at.is_some_and(|at| at <= now) || self.is_switch_due() || signals.rotate() {
                files::rotate(self)?;
                rotate_at = self.next_switch();
            }
            // What came while the rings were emptied is taken before we sleep, as long as much comes.
            if taken > self.plan.ring_bytes as u64 / 2 {
                continue;
            }
            let until = [change.map(|(at, _)| at), rotate_at].into_iter().flatten().min();
            match self.wait(workload, signals, until.map(|at| at.saturating_duration_since(now))) {
                Woken::Over => return Ok(()),
                Woken::Told if self.obey()? => return Ok(()),
                Woken::Told | Woken::Records => {}
            }
        }
    }

    fn enable(&self) {
        // Of events that cannot be enabled, those of threads that are gone, there is nothing to record.
        let _ = self.recording.enable();
        if let Some(off_cpu) = &self.off_cpu {
            off_cpu.enable(true);
        }
    }

    /// Writes the state, and says what of it could not be had.
    pub(super) fn tell_state(&mut self) -> Result<(), WriteError> {
        let state = state::write(self.plan, &self.recording, &mut self.writer)?;
        self.kernel = state.kernel;
        (self.features.bpf_programs, self.features.bpf_btf) = (state.programs, state.types);
        for (ids, message) in [(state.denied, "record-denied"), (state.slow, "record-slow")] {
            for task in ids {
                self.notes.note(&Msg::new(message).with("task", task.to_string()));
            }
        }
        Ok(())
    }

    /// Does what came through `--control`; true where the recording is to end.
    fn obey(&mut self) -> Result<bool, WriteError> {
        let orders = self.control.as_mut().map(Control::orders).unwrap_or_default();
        let mut ends = false;
        for order in orders {
            let (on, name) = match order {
                Order::Enable(name) => (true, name),
                Order::Disable(name) => (false, name),
                Order::Events { verbose, frequency, groups } => {
                    console::say(&control::listed(&self.recording, verbose, frequency, groups));
                    self.acknowledge();
                    continue;
                }
                Order::Snapshot => {
                    if self.plan.options.overwrite {
                        files::snapshot(self)?;
                    }
                    self.acknowledge();
                    continue;
                }
                Order::Stop | Order::Ping => {
                    ends |= order == Order::Stop;
                    self.acknowledge();
                    continue;
                }
            };
            let done = if on { "enabled" } else { "disabled" };
            match name {
                Some(name) if self.recording.set_named(&name, on) => self.notes.line(&format!("Event {name} {done}")),
                Some(name) => self.notes.line(&format!("failed: can't find '{name}' event")),
                None => {
                    if on {
                        self.enable();
                    } else {
                        self.disable();
                    }
                    self.notes.line(&format!("Events {done}"));
                }
            }
            self.acknowledge();
        }
        Ok(ends)
    }

    fn acknowledge(&self) {
        if let Some(control) = &self.control {
            control.acknowledge();
        }
    }

    pub(super) fn disable(&self) {
        let _ = self.recording.disable();
        if let Some(off_cpu) = &self.off_cpu {
            off_cpu.enable(false);
        }
    }

    /// Sleeps until there is something to do.
    fn wait(&mut self, workload: &mut Option<&mut Workload>, signals: &Signals, limit: Option<Duration>) -> Woken {
        // Kernels before 5.3 do not tell the end of a child through a descriptor.
        const GLANCE: Duration = Duration::from_millis(100);
        const LIVE: Duration = Duration::from_millis(200);
        let mut fds = signals.fds().to_vec();
        let ended = workload.as_ref().and_then(|workload| workload.ended_fd());
        let limit =
            if workload.is_some() && ended.is_none() { Some(limit.unwrap_or(GLANCE).min(GLANCE)) } else { limit };
        // Its rings are not waited for, but looked at often enough.
        let limit = if self.off_cpu.is_some() { Some(limit.unwrap_or(GLANCE).min(GLANCE)) } else { limit };
        // Whoever looks on wants to see what happens, not full rings.
        let limit = if self.plan.sink.is_some() { Some(limit.unwrap_or(LIVE).min(LIVE)) } else { limit };
        fds.extend(ended);
        let told = self.control.as_ref().and_then(Control::fd);
        fds.extend(told);
        let outcome = self.recording.wait(&fds, limit);
        self.woken += 1;
        let told = told.is_some() && outcome.as_ref().is_ok_and(|(ready, _)| ready.last().copied().unwrap_or(false));
        drop(fds);
        let over = workload.as_mut().is_some_and(|workload| !matches!(workload.try_wait(), Ok(None)));
        // A process that was to be watched and is gone ends the recording, even if a command still runs.
        let alive = outcome.map_or(true, |(_, alive)| alive);
        if over || signals.end().is_some() || !alive && self.plan.whom != Whom::Command {
            return Woken::Over;
        }
        if told { Woken::Told } else { Woken::Records }
    }

    pub(super) fn drain(&mut self) -> Result<(), WriteError> {
        let Self { recording, writer, off_cpu, .. } = self;
        recording.drain(|unread| writer.take(unread))?;
        if let Some(off_cpu) = off_cpu {
            off_cpu.drain(false);
        }
        writer.end_round()
    }

    fn is_full(&self) -> bool {
        self.plan.max_size.is_some_and(|most| self.writer.output.written() >= most)
    }

    fn is_switch_due(&self) -> bool {
        matches!(self.plan.switch, Switch::Size(size) if self.writer.output.written() >= size)
    }

    fn next_switch(&self) -> Option<Instant> {
        match self.plan.switch {
            Switch::Time(every) => Instant::now().checked_add(every),
            _ => None,
        }
    }
}
