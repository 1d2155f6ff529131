//! `perfuse why`: the one cause that makes a victim slow.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use perfuse_analyze::flame::{self, FlameGraph};
use perfuse_analyze::why::{Answer, Select, Victim, everyone, off_cpu};
use perfuse_analyze::{Msg, Quantity, Run, Scope};
use perfuse_collect::perf::{Workload, WorkloadOptions};
use perfuse_format::RawSnapshot;
use perfuse_render::flame::{FlameOptions, Scheme, render};
use perfuse_render::report::ReportContext;
use perfuse_render::text::TextOptions;
use perfuse_render::why::{self, WhyReport};

use crate::cli::WhyArgs;
use crate::cmd::sample::{self, Sampling};
use crate::cmd::usehost::write_file;
use crate::console::{self, Console};
use crate::session::Plan;
use crate::settings;

/// How long without `--duration`.
const DURATION: Duration = Duration::from_secs(10);
/// Between two samples.
const INTERVAL: Duration = Duration::from_secs(1);

/// Runs the command.
pub(crate) fn run(args: &WhyArgs, console: &Console) -> anyhow::Result<u8> {
    let texts = console.texts;
    let thresholds = settings::thresholds(args.config.as_deref(), &args.set, texts)?;
    let plan = Plan::why(args.no_bpf, &thresholds);
    let (snapshots, child) = match &args.replay {
        Some(file) => (sample::replay(file, console)?, None),
        None => look(args, plan, console)?,
    };
    let Some(snapshots) = snapshots else { return Ok(0) };
    // Of the whole host: what holds a victim up is mostly somebody else's.
    let mut run = Run::new(&snapshots, thresholds, Scope::default())?;
    let victim = Victim::select(&run, &select(args, child)).map_err(|message| anyhow!(texts.text(&message)))?;
    let answer = Answer::build(&mut run, victim);
    let report = WhyReport::new(&answer, &ReportContext::from_run(&run), texts);
    if let Some(file) = &args.html {
        write_file(file, why::page(&report, &flames(&run, &answer, console), texts).as_bytes())?;
    }
    if args.json {
        console::print(&report.to_json()?)?;
    } else if args.html.is_none() {
        let options = TextOptions { color: console.color, width: console.width };
        console::print(&why::render(&report, texts, options))?;
    }
    Ok(match answer.healthy {
        Some(true) => 0,
        Some(false) => 1,
        None => crate::FAILED,
    })
}

/// The pictures of the page: what the victim waited for.
fn flames(run: &Run, answer: &Answer, console: &Console) -> Vec<(String, String)> {
    let pids = if answer.victim.pids.is_empty() { everyone(run) } else { answer.victim.pids.clone() };
    let profile = off_cpu(run, &pids);
    if profile.samples.is_empty() {
        return Vec::new();
    }
    let title = console.texts.word("why-flame-off");
    let options = FlameOptions { title: Some(title.clone()), scheme: Scheme::OffCpu, ..FlameOptions::default() };
    let graph = FlameGraph::build(&profile, 0, flame::Options::default());
    vec![(title, render(&graph, &options, console.texts))]
}

/// Who is slow, by the command line.
fn select(args: &WhyArgs, child: Option<u32>) -> Select {
    match (child, &args.cgroup, &args.unit, args.port) {
        (Some(pid), ..) => Select::Tree(pid),
        (_, Some(path), ..) => Select::Cgroup(path.clone()),
        (_, _, Some(unit), _) => Select::Unit(unit.clone()),
        (.., Some(port)) => Select::Port(port),
        _ if args.pid.is_empty() => Select::Host,
        _ => Select::Pids(args.pid.clone()),
    }
}

/// Samples this host, while the command runs if there is one; its pid.
fn look(args: &WhyArgs, plan: Plan, console: &Console) -> anyhow::Result<(Option<Vec<RawSnapshot>>, Option<u32>)> {
    let mut child = if args.command.is_empty() { None } else { Some(Child::prepare(&args.command, console)?) };
    let pid = child.as_ref().map(Child::pid);
    let sampling = Sampling {
        plan,
        record: args.record.as_deref(),
        duration: args.duration,
        usual: if child.is_some() { Duration::MAX } else { DURATION },
        // A command's children may be short.
        interval: if child.is_some() { INTERVAL / 5 } else { INTERVAL },
        quiet: args.quiet,
        endless: false,
    };
    // The command starts once the programs are attached: at the first look, which is after the first snapshot.
    let mut failure = None;
    let snapshots = sample::collect(sampling, console, || match &mut child {
        Some(child) => child.ended().unwrap_or_else(|error| {
            failure = Some(error);
            true
        }),
        None => false,
    })?;
    if let Some(error) = failure {
        let command = args.command.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let message = Msg::new("error-command-failed").with("command", command).with("reason", error.to_string());
        return Err(anyhow!(console.texts.text(&message)));
    }
    if let Some(child) = child {
        child.tell(console);
    }
    Ok((snapshots, pid))
}

/// The command that is watched.
struct Child {
    name: String,
    workload: Workload,
    started: Option<Instant>,
}

impl Child {
    fn prepare(command: &[OsString], console: &Console) -> anyhow::Result<Self> {
        let name = command.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let path = std::env::var_os("PATH");
        let options = WorkloadOptions { path: path.as_deref(), output_to_stderr: false };
        let workload = Workload::prepare(command, options).map_err(|error| {
            let message = Msg::new("error-command-failed").with("command", &name).with("reason", error.to_string());
            anyhow!(console.texts.text(&message))
        })?;
        Ok(Self { name, workload, started: None })
    }

    fn pid(&self) -> u32 {
        self.workload.pid().unsigned_abs()
    }

    /// Starts it at the first call; whether it has ended.
    fn ended(&mut self) -> Result<bool, perfuse_collect::perf::WorkloadError> {
        if self.started.is_none() {
            self.started = Some(Instant::now());
            self.workload.start()?;
        }
        Ok(self.workload.try_wait()?.is_some())
    }

    fn tell(self, console: &Console) {
        if let Some(started) = self.started {
            let seconds = Quantity::seconds(started.elapsed().as_secs_f64());
            console.note(&Msg::new("note-command-ended").with("command", self.name).with("seconds", seconds));
        }
    }
}
