//! `perfuse use`: the USE checklist of a live host, or of a recording.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use perfuse_analyze::sixty::SixtyReport;
use perfuse_analyze::window::Window;
use perfuse_analyze::{Arg, Checklist, Msg, Quantity, Run, Scope, Thresholds};
use perfuse_format::RawSnapshot;
use perfuse_format::proc::stat::ProcStat;
use perfuse_format::replay::{Decoder, Encoder};
use perfuse_render::report::{Report, ReportContext};
use perfuse_render::sixty::Sixty;

use crate::cli::UseArgs;
use crate::cmd::watch;
use crate::console::{self, Console};
use crate::session::{Plan, Session};
use crate::settings;
use crate::signals::Interrupt;

/// Snapshots that a report is made from at most; of a longer run they are spread evenly.
const MOST_SNAPSHOTS: usize = 61;

/// Seconds without `--duration`.
const DURATION: Duration = Duration::from_secs(5);

/// Seconds of `--sixty`, which promises an answer in ten.
const SIXTY: Duration = Duration::from_secs(8);

/// Runs the command.
pub(crate) fn run(args: &UseArgs, console: &Console) -> anyhow::Result<u8> {
    let thresholds = settings::thresholds(args.config.as_deref(), &args.set, console.texts)?;
    if args.thresholds {
        console::print(&perfuse_render::text::thresholds(&thresholds, console.texts, options(console)))?;
        return Ok(0);
    }
    if args.watch {
        return watch::run(args, &thresholds, console);
    }
    let snapshots = match &args.replay {
        Some(file) => replay(file, console)?,
        None => collect(args, &thresholds, console)?,
    };
    let Some(snapshots) = snapshots else { return Ok(0) };
    let scope = scope(args, &snapshots, console)?;
    let run = Run::new(&snapshots, thresholds, scope)?;
    show(args, &run, console)
}

/// How results are laid out.
fn options(console: &Console) -> perfuse_render::text::TextOptions {
    perfuse_render::text::TextOptions { color: console.color, width: console.width }
}

/// Prints or writes what was asked for; the exit status.
fn show(args: &UseArgs, run: &Run, console: &Console) -> anyhow::Result<u8> {
    let texts = console.texts;
    let context = ReportContext::from_run(run);
    if args.sixty {
        let sixty = Sixty::new(&SixtyReport::build(run), &context, texts);
        let text =
            if args.json { sixty.to_json()? } else { perfuse_render::text::sixty(&sixty, texts, options(console)) };
        console::print(&text)?;
        return Ok(0);
    }
    let checklist = Checklist::build(run);
    let report = Report::new(&checklist, &context, texts);
    if let Some(file) = &args.html {
        write_file(file, perfuse_render::html::page(&report, texts).as_bytes())?;
    }
    if args.nagios {
        let (line, state) = perfuse_render::export::nagios::render(&report, texts);
        console::print(&line)?;
        return Ok(state.exit_status());
    }
    if args.json {
        console::print(&json(args, &report)?)?;
    } else if args.openmetrics {
        console::print(&perfuse_render::export::openmetrics::render(&report))?;
    } else if let Some(id) = args.cell {
        let cell = perfuse_render::text::cell(&report, id, texts, options(console));
        console::print(&cell.with_context(|| id.to_owned())?)?;
    } else if args.html.is_none() {
        console::print(&perfuse_render::text::render(&report, texts, options(console)))?;
    }
    Ok(status(&checklist))
}

/// The whole report, or with `--cell` that cell alone.
fn json(args: &UseArgs, report: &Report) -> anyhow::Result<String> {
    match args.cell.and_then(|id| report.cell(id)) {
        Some(cell) => Ok(serde_json::to_string_pretty(cell)? + "\n"),
        None => Ok(report.to_json()?),
    }
}

/// 0 healthy, 1 findings above watch, 2 when too little could be measured to call the host healthy: a script must not
/// take that for good news.
fn status(checklist: &Checklist) -> u8 {
    match checklist.healthy {
        Some(true) => 0,
        Some(false) => 1,
        None => crate::FAILED,
    }
}

/// Writes beside the file and renames, so that a reader never sees half a page.
pub(crate) fn write_file(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let name = file.file_name().with_context(|| format!("{}: not a file name", file.display()))?;
    let mut beside = name.to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = file.with_file_name(beside);
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, file));
    if written.is_err() {
        // A device such as /dev/stdout has no place beside it.
        let _ = std::fs::remove_file(&beside);
        std::fs::write(file, bytes).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// What the report is narrowed to; a process, cgroup or unit that is not there is an error.
pub(crate) fn scope(args: &UseArgs, snapshots: &[RawSnapshot], console: &Console) -> anyhow::Result<Scope> {
    let refuse = |message: Msg| anyhow!(console.texts.text(&message));
    for pid in &args.pid {
        let seen = snapshots
            .iter()
            .any(|snapshot| snapshot.has(&format!("/proc/{pid}/cgroup")) || snapshot.has(&format!("/proc/{pid}/stat")));
        if !seen {
            return Err(refuse(Msg::new("error-no-process").with("pid", pid.to_string())));
        }
    }
    let groups = perfuse_analyze::run::known_cgroups(snapshots);
    let cgroup = match (&args.cgroup, &args.unit) {
        (Some(path), _) => {
            let path = format!("/{}", path.trim_matches('/'));
            if !groups.contains(&path) {
                return Err(refuse(Msg::new("error-no-cgroup").with("path", path)));
            }
            Some(path)
        }
        (None, Some(unit)) => {
            let name = if unit.contains('.') { unit.clone() } else { format!("{unit}.service") };
            let found = groups.iter().find(|group| group.rsplit('/').next() == Some(name.as_str()));
            Some(found.cloned().ok_or_else(|| refuse(Msg::new("error-no-unit").with("unit", name)))?)
        }
        (None, None) => None,
    };
    Ok(Scope { pids: args.pid.clone(), cgroup })
}

/// The snapshots of a recording, up to its end or to where it is damaged.
fn replay(file: &Path, console: &Console) -> anyhow::Result<Option<Vec<RawSnapshot>>> {
    let name = || file.display().to_string();
    let bytes = std::fs::read(file).with_context(name)?;
    let mut window = Window::new(MOST_SNAPSHOTS);
    let mut count = 0_u64;
    for snapshot in Decoder::new(&bytes).with_context(name)? {
        match snapshot {
            Ok(snapshot) => {
                window.push(snapshot);
                count += 1;
            }
            Err(damage) => {
                let message = Msg::new("error-replay-damaged").with("file", name());
                console.note(&message.with("damage", damage.to_string()).with("snapshots", count));
                break;
            }
        }
    }
    if count == 0 {
        bail!(console.texts.text(&Msg::new("error-replay-empty").with("file", name())));
    }
    Ok(Some(window.into_snapshots()))
}

/// Samples this host. Nothing is returned, and nothing kept in memory, when the run is a recording without an end: that is
/// not also a report.
fn collect(args: &UseArgs, thresholds: &Thresholds, console: &Console) -> anyhow::Result<Option<Vec<RawSnapshot>>> {
    let interrupt = Interrupt::install()?;
    let mut recording = args.record.as_deref().map(Recording::create).transpose()?;
    // Without an end, a recording runs until Ctrl-C; everything dear stays off then.
    let endless = args.record.is_some() && args.duration.is_none();
    let usual = if args.sixty { SIXTY } else { DURATION };
    let duration = args.duration.unwrap_or(if endless { Duration::MAX } else { usual });
    let mut progress = Progress::new(args, console, duration, recording.is_some());
    progress.attaching();
    let mut session = Session::start(Plan::new(args, thresholds, endless));
    let interval = args.interval.min(duration);
    let start = Instant::now();
    let end = start.checked_add(duration);
    let mut window = (!endless).then(|| Window::new(MOST_SNAPSHOTS));
    let mut next = start;
    loop {
        // The last sample is taken at the end even if that cuts the last interval short.
        let due = end.map_or(next, |end| next.min(end));
        let on_time = interrupt.sleep_until(due);
        let last = !on_time || end.is_some_and(|end| due >= end);
        let snapshot = session.snapshot(last);
        progress.show(&snapshot, start.elapsed(), recording.as_ref());
        match (&mut recording, &mut window) {
            (Some(recording), Some(window)) => {
                recording.append(snapshot.clone())?;
                window.push(snapshot);
            }
            (Some(recording), None) => recording.append(snapshot)?,
            (None, Some(window)) => window.push(snapshot),
            (None, None) => {}
        }
        if last {
            break;
        }
        // After a pause (a suspended machine) the missed samples are not made up for.
        while next <= Instant::now() {
            next += interval;
        }
    }
    drop(session);
    progress.clear();
    if interrupt.came() && !endless {
        let seconds = Quantity::seconds(start.elapsed().as_secs_f64());
        console.note(&Msg::new("note-interrupted").with("seconds", seconds));
    }
    if let Some(recording) = recording {
        console.note(&recording.finish()?);
    }
    Ok(window.map(Window::into_snapshots))
}

/// The file of `--record`.
struct Recording {
    name: String,
    file: BufWriter<File>,
    encoder: Encoder,
    bytes: u64,
    snapshots: u64,
}

impl Recording {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let file = File::create(path).with_context(|| name.clone())?;
        let mut recording = Self { name, file: BufWriter::new(file), encoder: Encoder::new(), bytes: 0, snapshots: 0 };
        recording.write(&Encoder::header(concat!("perfuse ", env!("CARGO_PKG_VERSION"))))?;
        Ok(recording)
    }

    fn append(&mut self, snapshot: RawSnapshot) -> anyhow::Result<()> {
        let record = self.encoder.snapshot(snapshot);
        self.snapshots += 1;
        self.write(&record)
    }

    /// Each record is given to the kernel as a whole: a killed process leaves whole records.
    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).and_then(|()| self.file.flush()).with_context(|| self.name.clone())
    }

    fn finish(mut self) -> anyhow::Result<Msg> {
        self.file.flush().with_context(|| self.name.clone())?;
        let size = Arg::from(Quantity::bytes(self.bytes as f64));
        Ok(Msg::new("note-recorded").with("snapshots", self.snapshots).with("size", size).with("file", self.name))
    }
}

/// The live line on the terminal.
struct Progress<'a> {
    console: &'a Console<'a>,
    shown: bool,
    total: Option<Duration>,
    before: Option<ProcStat>,
}

impl<'a> Progress<'a> {
    fn new(args: &UseArgs, console: &'a Console<'a>, duration: Duration, recording: bool) -> Self {
        let total = (!recording || args.duration.is_some()).then_some(duration);
        Self { console, shown: console.progress && !args.quiet, total, before: None }
    }

    fn attaching(&self) {
        if self.shown {
            self.console.show_progress(&self.console.texts.word("progress-attaching"));
        }
    }

    fn show(&mut self, snapshot: &RawSnapshot, done: Duration, recording: Option<&Recording>) {
        if !self.shown {
            return;
        }
        let stat: Option<ProcStat> = snapshot.get("/proc/stat").into_value();
        let busy = match (&self.before, &stat) {
            (Some(before), Some(now)) => {
                let total = now.all.total().saturating_sub(before.all.total());
                (total > 0).then(|| now.all.busy().saturating_sub(before.all.busy()) as f64 / total as f64)
            }
            _ => None,
        };
        self.before = stat;
        let texts = self.console.texts;
        let time = |time: Duration| texts.quantity(Quantity::seconds(time.as_secs_f64().round()));
        let cpu = busy.map_or_else(|| "-".to_owned(), |busy| texts.quantity(Quantity::ratio(busy)));
        let message = match (self.total, recording) {
            (Some(total), _) => {
                Msg::new("progress-sampling").with("done", time(done)).with("total", time(total)).with("cpu", cpu)
            }
            (None, Some(recording)) => Msg::new("progress-recording")
                .with("done", time(done))
                .with("size", Quantity::bytes(recording.bytes as f64))
                .with("file", recording.name.as_str()),
            (None, None) => return,
        };
        self.console.show_progress(&texts.text(&message));
    }

    fn clear(&self) {
        if self.shown {
            self.console.show_progress("");
        }
    }
}
