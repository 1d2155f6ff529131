//! `perf stat`: counts events while a command runs, or on CPUs, processes and threads.

mod events;
mod measure;
mod metrics;
mod options;
mod output;
mod probes;
mod replay;
mod report;
mod sets;
mod store;
mod wake;

use std::cell::RefCell;

use perfuse_analyze::Msg;
use perfuse_analyze::stat::Aggregation;
use perfuse_collect::perf::counters::{CounterError, Watched};
use perfuse_collect::perf::workload::signal_name;
use perfuse_collect::perf::{OpenError, cpus, tasks};
use perfuse_collect::{Root, host};
use perfuse_render::perf::stat::{Format, Target, Thread};

use super::options::{Parsed, UsageError};
use super::record::control::Control;
use super::words::refusal_words;
use super::{Command, FAILED, Status, USAGE};
use crate::console::Console;
use events::List;
use measure::{Measure, Run, RunError};
use options::{Delay, OPTIONS, Plan};
use report::Report;
use wake::Wake;

/// The command.
pub(super) const COMMAND: Command =
    Command { name: "stat", usage: &["[<options>] [<command>]"], options: OPTIONS, runs: true, run };

/// perf's status for what it could not set up: -22, EINVAL.
const NOT_SET_UP: u8 = 234;
/// perf's status after Ctrl-C where no command was measured.
const INTERRUPTED: u8 = 130;

fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    for (option, words) in [("smi-cost", "stat-no-smi-cost"), ("iostat", "stat-no-iostat")] {
        if parsed.last(option).is_some_and(|given| !given.negated) {
            console.complain(&console.texts.text(&Msg::new(words)));
            // As perf: a root port is a wrong value of an option.
            return Ok(if option == "iostat" { USAGE } else { NOT_SET_UP });
        }
    }
    if let Some(kind) = parsed.text("cputype") {
        let there = Root::default().join(&format!("/sys/bus/event_source/devices/cpu_{kind}")).is_dir();
        let words = Msg::new(if there { "stat-no-cputype" } else { "list-cputype" });
        return Err(UsageError(words.with("kind", kind)).into());
    }
    let plan = match parsed.rest.first().and_then(|word| word.to_str()) {
        Some("report") => return replay::run(parsed, console),
        Some("record") => Plan::recording(parsed),
        _ => Plan::new(parsed),
    };
    let plan = plan.map_err(|error| {
        // What goes together is looked at once all is parsed, and perf has another status for it.
        let together = error.0.id.starts_with("usage-stat");
        let error = anyhow::Error::from(error);
        if together { error.context(Status(NOT_SET_UP)) } else { error }
    })?;
    let root = Root::default();
    let Some(targets) = Targets::find(&plan, &root)? else {
        console.complain(&console.texts.text(&Msg::new("stat-no-threads")));
        return Ok(NOT_SET_UP);
    };
    let on_exec = targets.watched.is_none() && plan.delay == Delay::None;
    let mut list = List::new(&plan, &root, on_exec)?;
    if !plan.quiet {
        list.notes.iter().for_each(|note| console.note(note));
    }
    let wake = Wake::install()?;
    let control = plan.control.as_deref().map(|text| Control::open(text).map(RefCell::new)).transpose()?;
    let measure =
        Measure { plan: &plan, root: &root, wake: &wake, watched: targets.watched.as_ref(), control: control.as_ref() };
    match all_runs(&measure, &mut list, &targets, console) {
        Ok(status) => Ok(status),
        Err(RunError::Counters(error)) => {
            console.complain(&console.texts.text(&counter_words(&error, &list, &root)));
            Ok(FAILED)
        }
        Err(RunError::Other(error)) => Err(error),
    }
}

/// The runs of `-r`, with what is written after them.
fn all_runs(measure: &Measure<'_>, list: &mut List, targets: &Targets, console: &Console) -> Result<u8, RunError> {
    let plan = measure.plan;
    let mut report = Report::new(plan, list, targets, measure.root, console)?;
    let mut runs = 0;
    let mut latest: Option<Run> = None;
    while plan.repeat.is_none_or(|most| runs < most) && !measure.wake.came() {
        let mut run = measure.run(list, &mut report)?;
        runs += 1;
        report.add(&run, list)?;
        if let (Some(signal), Some(program)) = (run.ended.and_then(|ended| ended.signal()), plan.command.first()) {
            crate::console::say(&format!("{}: {}\n", program.to_string_lossy(), signal_name(signal)));
        }
        if plan.repeat.is_none() {
            report.finish(&run, 1)?;
            report.forget();
        }
        if plan.repeat.is_none_or(|most| runs < most) {
            // The next run opens its own.
            run.open = None;
        }
        latest = Some(run);
    }
    report.close()?;
    let Some(run) = latest else { return Ok(INTERRUPTED) };
    if plan.repeat.is_some() {
        report.finish(&run, runs)?;
    }
    tell_refused(&run, list, measure, console);
    Ok(match run.ended {
        // As perf: what a signal ended counts as 0.
        Some(ended) => u8::try_from(ended.code().unwrap_or(0)).unwrap_or(FAILED),
        None if measure.wake.came() => INTERRUPTED,
        None => 0,
    })
}

/// One line for each reason for which events are missing. Not into fields or JSON that go to the same place.
fn tell_refused(run: &Run, list: &List, measure: &Measure<'_>, console: &Console) {
    let plan = measure.plan;
    if plan.quiet || (plan.format != Format::Text && plan.sink == options::Sink::Stderr) {
        return;
    }
    let mut reasons: Vec<(&OpenError, Vec<&str>)> = Vec::new();
    for (event, error) in &run.refused {
        let Some(event) = list.events.get(*event) else { continue };
        let name = event.spec.name.as_str();
        match reasons.iter_mut().find(|(known, _)| *known == error) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => reasons.push((error, vec![name])),
        }
    }
    if reasons.is_empty() {
        return;
    }
    let virtualization = host::hypervisor(measure.root);
    for (error, names) in reasons {
        console.note(&refusal_words(error, &names.join(", "), &virtualization));
    }
}

fn counter_words(error: &CounterError, list: &List, root: &Root) -> Msg {
    let name = |event: usize| list.events.get(event).map(|event| event.spec.name.clone()).unwrap_or_default();
    match error {
        CounterError::Open { event, error } => refusal_words(error, &name(*event), &host::hypervisor(root)),
        CounterError::Filter { event, errno } => {
            let filter = list.events.get(*event).and_then(|event| event.filter.as_ref());
            Msg::new("stat-filter")
                .with("event", name(*event))
                .with("filter", filter.map(|filter| filter.to_string_lossy().into_owned()).unwrap_or_default())
                .with("error", errno.to_string())
        }
        other => Msg::new("stat-error").with("error", other.to_string()),
    }
}

/// Who is measured.
#[derive(Debug)]
struct Targets {
    /// `None` is the command.
    watched: Option<Watched>,
    /// Names of the threads, where rows are threads.
    threads: Vec<Thread>,
    /// How the header says it.
    title: Target,
}

impl Targets {
    /// `None` where a process that was asked for has no threads: it is not there.
    fn find(plan: &Plan, root: &Root) -> Result<Option<Self>, UsageError> {
        let bad = |option: &str, list: &str| UsageError::value(option, list, Msg::new("usage-stat-list"));
        let numbers = |option: &str, list: &str| -> Result<Vec<i32>, UsageError> {
            let all: Result<Vec<i32>, _> = list.split(',').map(|one| one.trim().parse()).collect();
            all.map_err(|_| bad(option, list))
        };
        let (watched, title) = if let Some(list) = &plan.pids {
            let mut threads = Vec::new();
            for pid in numbers("pid", list)? {
                let of_process = tasks::threads_of(root, pid);
                if of_process.is_empty() {
                    return Ok(None);
                }
                threads.extend(of_process);
            }
            (Watched::Threads(threads), Target::Processes(list.clone()))
        } else if let Some(list) = &plan.tids {
            (Watched::Threads(numbers("tid", list)?), Target::Threads(list.clone()))
        } else if plan.watches_cpus() {
            let title = match &plan.cpus {
                Some(list) if !plan.system_wide => Target::Cpus(list.clone()),
                _ => Target::System,
            };
            let watched = if plan.aggregation == Aggregation::Thread {
                Watched::Threads(tasks::all_threads(root))
            } else {
                let list = plan.cpus.as_ref();
                let given = list.map(|list| cpus::parse_list(list.as_bytes()).ok_or_else(|| bad("cpu", list)));
                Watched::Cpus(given.transpose()?.unwrap_or_else(|| cpus::online(root)))
            };
            (watched, title)
        } else {
            let words: Vec<_> = plan.command.iter().map(|word| word.to_string_lossy()).collect();
            return Ok(Some(Self { watched: None, threads: Vec::new(), title: Target::Command(words.join(" ")) }));
        };
        let threads = match &watched {
            Watched::Threads(all) if plan.aggregation == Aggregation::Thread => {
                let thread = |tid: &i32| Thread { comm: tasks::comm(root, *tid).unwrap_or_default(), tid: *tid };
                all.iter().map(thread).collect()
            }
            _ => Vec::new(),
        };
        Ok(Some(Self { watched: Some(watched), threads, title }))
    }
}
