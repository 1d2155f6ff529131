//! `perfuse why`: the one cause that makes a victim slow.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use perfuse_analyze::flame::{self, FlameGraph};
use perfuse_analyze::oncpu::on_cpu;
use perfuse_analyze::probe::ProbeReport;
use perfuse_analyze::profile::Profile;
use perfuse_analyze::why::{Answer, Select, Victim, everyone, off_cpu};
use perfuse_analyze::{Msg, Quantity, Run, Scope};
use perfuse_collect::perf::{Ended, Workload, WorkloadOptions};
use perfuse_collect::probe::{Beat, Probe};
use perfuse_format::RawSnapshot;
use perfuse_format::web::probe::Probes;
use perfuse_format::web::url::Url;
use perfuse_render::flame::{FlameOptions, Scheme, render};
use perfuse_render::report::ReportContext;
use perfuse_render::text::TextOptions;
use perfuse_render::why::{self, WhyReport};
use perfuse_service::host::Plan;
use perfuse_service::incident::answer;
use perfuse_service::incident::recorded::{self, Circumstances};

use crate::cli::WhyArgs;
use crate::cmd::sample::{self, Sampling};
use crate::cmd::usehost::write_file;
use crate::console::{self, Console};
use crate::settings;

/// How long without `--duration`.
const DURATION: Duration = Duration::from_secs(10);
/// Between two samples.
const INTERVAL: Duration = Duration::from_secs(1);

/// Between two requests to a URL.
const ASK: Duration = Duration::from_millis(250);
/// How long an answer to a request is waited for: half the time that is looked, within these.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

/// Runs the command.
pub(crate) fn run(args: &WhyArgs, console: &Console) -> anyhow::Result<u8> {
    let texts = console.texts;
    let thresholds = settings::thresholds(args.config.as_deref(), &args.set, texts)?;
    let plan = Plan::why(args.no_bpf, args.html.is_some() || args.record.is_some(), &thresholds);
    let url = args.url.as_deref().map(|url| parse(url, console)).transpose()?;
    // A recording of an incident knows whom it is about, unless another victim is named.
    let incident = match &args.replay {
        Some(file) if select(args, None) == Select::Host => incident(file)?,
        _ => None,
    };
    let (circumstances, (snapshots, child)) = match (incident, &args.replay) {
        (Some((circumstances, snapshots)), _) => (Some(circumstances), (Some(snapshots), None)),
        (None, Some(file)) => (None, (sample::replay(file, console)?, None)),
        (None, None) => (None, look(args, url.as_ref(), plan, console)?),
    };
    let Some(snapshots) = snapshots else { return Ok(0) };
    // Of the whole host: what holds a victim up is mostly somebody else's.
    let mut run = Run::new(&snapshots, thresholds, Scope::default())?;
    let select = select(args, child);
    // A recording of requests is answered for whoever was asked, unless another victim is named.
    let probe = ProbeReport::of(&run).filter(|_| select == Select::Host && circumstances.is_none());
    let mut answer = match (&circumstances, &probe) {
        (Some(circumstances), _) => answer::answer(&mut run, circumstances).0,
        (None, Some(probe)) => {
            let victim = probe.victim(&run);
            Answer::build(&mut run, victim)
        }
        (None, None) => {
            let victim = Victim::select(&run, &select).map_err(|message| anyhow!(texts.text(&message)))?;
            Answer::build(&mut run, victim)
        }
    };
    if let Some(probe) = &probe {
        probe.add(&run, &mut answer);
    }
    let report = WhyReport::new(&answer, probe.as_ref(), &ReportContext::from_run(&run), texts);
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

/// What a recording of an incident is answered from; nothing for any other recording.
fn incident(file: &Path) -> anyhow::Result<Option<(Circumstances, Vec<RawSnapshot>)>> {
    let name = || file.display().to_string();
    let bytes = std::fs::read(file).with_context(name)?;
    recorded::load(&bytes).with_context(name)
}

/// The pictures of the page: what the victim worked on, and what it waited for.
fn flames(run: &Run, answer: &Answer, console: &Console) -> Vec<(String, String)> {
    let pids = if answer.victim.pids.is_empty() { everyone(run) } else { answer.victim.pids.clone() };
    let draw = |(id, scheme, profile): (&str, Scheme, Profile)| {
        if profile.samples.is_empty() {
            return None;
        }
        let title = console.texts.word(id);
        let options = FlameOptions { title: Some(title.clone()), scheme, ..FlameOptions::default() };
        let graph = FlameGraph::build(&profile, 0, flame::Options::default());
        Some((title, render(&graph, &options, console.texts)))
    };
    let both = [
        ("why-flame-on", FlameOptions::default().scheme, on_cpu(run, &pids)),
        ("why-flame-off", Scheme::OffCpu, off_cpu(run, &pids)),
    ];
    both.into_iter().filter_map(draw).collect()
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

/// The URL to ask.
fn parse(url: &str, console: &Console) -> anyhow::Result<Url> {
    Url::parse(url).map_err(|error| {
        let reason = console.texts.text(&Msg::new(format!("error-url-{}", error.id())));
        let message = Msg::new("error-url").with("url", url).with("reason", reason);
        anyhow!(console.texts.text(&message))
    })
}

/// Samples this host, while the command runs if there is one; its pid.
fn look(
    args: &WhyArgs,
    url: Option<&Url>,
    plan: Plan,
    console: &Console,
) -> anyhow::Result<(Option<Vec<RawSnapshot>>, Option<u32>)> {
    let duration = args.duration.unwrap_or(DURATION);
    // Whatever hangs is known to before the end.
    let beat = Beat { every: ASK.min(duration), timeout: (duration / 2).clamp(PATIENCE.0, PATIENCE.1) };
    let probe = url.map(|url| Probe::start(url, beat, &plan.root)).transpose()?;
    let more = |raw: &mut RawSnapshot, last: bool| {
        if let Some(probe) = &probe {
            raw.put(Probes::SOURCE, probe.so_far(last).to_bytes());
        }
    };
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
        more: Some(&more),
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
    ended: Option<Ended>,
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
        Ok(Self { name, workload, started: None, ended: None })
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
        self.ended = self.workload.try_wait()?.or(self.ended.take());
        Ok(self.ended.is_some())
    }

    fn tell(self, console: &Console) {
        if let Some(started) = self.started {
            let seconds = Quantity::seconds(started.elapsed().as_secs_f64());
            let how = match self.ended.map(|ended| (ended.code(), ended.signal())) {
                Some((Some(code), _)) => Msg::new("command-ended-status").with("status", code.to_string()),
                Some((None, Some(signal))) => Msg::new("command-ended-signal").with("signal", signal.to_string()),
                _ => Msg::new("command-ended-not"),
            };
            console.note(
                &Msg::new("note-command-ended").with("command", self.name).with("seconds", seconds).with("how", how),
            );
        }
    }
}
