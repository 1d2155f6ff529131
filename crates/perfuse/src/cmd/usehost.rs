//! `perfuse use`: the USE checklist of a live host, or of a recording.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use perfuse_analyze::run::{cgroup_named, cgroup_of_unit};
use perfuse_analyze::sixty::SixtyReport;
use perfuse_analyze::{Checklist, Msg, Run, Scope, Thresholds};
use perfuse_format::RawSnapshot;
use perfuse_render::report::{Report, ReportContext};
use perfuse_render::sixty::Sixty;
use perfuse_service::host::Plan;

use crate::cli::UseArgs;
use crate::cmd::sample::{self, Sampling};
use crate::cmd::watch;
use crate::console::{self, Console};
use crate::settings;

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
        Some(file) => sample::replay(file, console)?,
        None => sample::collect(sampling(args, &thresholds), console, || false)?,
    };
    let Some(snapshots) = snapshots else { return Ok(0) };
    let scope = scope(args, &snapshots, console)?;
    let run = Run::new(&snapshots, thresholds, scope)?;
    show(args, &run, console)
}

/// How this host is sampled. Without an end, a recording runs until Ctrl-C; everything dear stays off then.
fn sampling<'a>(args: &'a UseArgs, thresholds: &Thresholds) -> Sampling<'a> {
    let endless = args.record.is_some() && args.duration.is_none();
    Sampling {
        plan: Plan::report(args.root.clone(), args.no_bpf, endless, thresholds),
        more: None,
        record: args.record.as_deref(),
        duration: args.duration,
        usual: if args.sixty { SIXTY } else { DURATION },
        interval: args.interval,
        quiet: args.quiet,
        endless,
    }
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
    let cgroup = match (&args.cgroup, &args.unit) {
        (Some(path), _) => Some(cgroup_named(snapshots, path).map_err(refuse)?),
        (None, Some(unit)) => Some(cgroup_of_unit(snapshots, unit).map_err(refuse)?),
        (None, None) => None,
    };
    Ok(Scope { pids: args.pid.clone(), cgroup })
}
