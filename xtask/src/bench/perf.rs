//! `perf script`, `perf report` and `perf record` against real perf: the same file, the same options, by turns.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::measure::{Background, Use, median, time};
use super::{Row, Settings};
use crate::tools;

const MIB: u64 = 1 << 20;

/// What is recorded once and then read by both: name, options of `perf record`, bytes that one second gives at least.
const RECORDINGS: &[(&str, &[&str])] = &[
    ("call chains", &["-a", "-g", "-e", "context-switches/period=1/", "-e", "cpu-clock/freq=4000/"]),
    ("tracepoints", &["-a", "-e", "sched:*,raw_syscalls:*"]),
    ("DWARF stacks", &["-F", "2000", "-a", "--call-graph", "dwarf"]),
];

/// What is asked of both: which recording, arguments, the wanted ratio.
const READERS: &[(&str, &[&str], &str)] = &[
    ("call chains", &["script", "--no-inline"], "at most 0.1"),
    ("tracepoints", &["script"], "at most 0.1"),
    ("call chains", &["report", "--stdio"], "at most 0.05"),
    ("DWARF stacks", &["report", "--stdio", "--no-inline"], "at most 0.1"),
    ("DWARF stacks", &["script", "--no-inline"], "-"),
];

/// CPU time and peak memory of reading.
pub(crate) fn read(settings: &Settings) -> Result<Vec<Row>> {
    let perf = tools::find("perf").context("perf")?;
    let ours = link(settings)?;
    let bytes = if settings.full { 1024 * MIB } else { 64 * MIB };
    let mut rows = Vec::new();
    for (recording, options) in RECORDINGS {
        let file = recorded(&perf, recording, options, bytes)?;
        let mib = std::fs::metadata(&file)?.len() as f64 / MIB as f64;
        for (_, arguments, target) in READERS.iter().filter(|(of, ..)| of == recording) {
            let mut line: Vec<&str> = arguments.to_vec();
            let path = file.to_string_lossy();
            line.extend(["-i", &path]);
            let (own, theirs) = by_turns(settings, &ours, &perf, &line)?;
            let what = format!("{} of {mib:.0} MiB of {recording}", arguments.first().unwrap_or(&""));
            let rate = mib / own.cpu_s.max(1e-3);
            rows.extend(rows_of(&what, &format!(", {rate:.0} MiB/s"), own, theirs, [target, "at most 0.5"]));
        }
    }
    Ok(rows)
}

/// CPU time of recording, the measured workload left out.
pub(crate) fn record(settings: &Settings) -> Result<Vec<Row>> {
    let perf = tools::find("perf").context("perf")?;
    let ours = link(settings)?;
    let directory = directory()?;
    let out = directory.join("record.data");
    let out = out.to_string_lossy();
    let kinds: &[(&str, &[&str], &str)] = &[
        ("99 Hz", &["-F", "99", "-a", "-g"], "at most 0.5"),
        ("4 kHz", &["-F", "4000", "-a", "-g"], "at most 0.5"),
        ("20 kHz", &["-F", "20000", "-a", "-g"], "at most 0.5"),
        ("every system call", &["-a", "-e", "raw_syscalls:*"], "at most 1"),
    ];
    let mut rows = Vec::new();
    for (what, options, target) in kinds {
        let load = busy(&perf)?;
        let mut line = vec!["record", "-q", "-B", "-N"];
        line.extend(*options);
        line.extend(["-o", &out, "--", "sleep", "3"]);
        let (own, theirs) = by_turns(settings, &ours, &perf, &line)?;
        drop(load);
        rows.extend(rows_of(&format!("record, {what}, 3 s"), "", own, theirs, [target, "at most 1"]));
    }
    Ok(rows)
}

/// A row for CPU time and one for peak memory, each with its target; `more` stands behind our CPU time.
fn rows_of(what: &str, more: &str, ours: Use, theirs: Use, [cpu, memory]: [&'static str; 2]) -> [Row; 2] {
    let mib = |used: Use| used.rss_bytes / MIB as f64;
    [
        Row {
            what: what.to_owned(),
            ours: format!("{:.2} s{more}", ours.cpu_s),
            peer: format!("perf {:.2} s", theirs.cpu_s),
            ratio: Some(ours.cpu_s / theirs.cpu_s),
            target: cpu,
        },
        Row {
            what: format!("{what}, peak memory"),
            ours: format!("{:.0} MiB", mib(ours)),
            peer: format!("perf {:.0} MiB", mib(theirs)),
            ratio: Some(ours.rss_bytes / theirs.rss_bytes),
            target: memory,
        },
    ]
}

/// The binary under the name that makes it perf.
fn link(settings: &Settings) -> Result<PathBuf> {
    let link = directory()?.join("perf");
    if !link.is_symlink() {
        std::os::unix::fs::symlink(&settings.perfuse, &link)?;
    }
    Ok(link)
}

fn directory() -> Result<PathBuf> {
    let directory = tools::target().join("bench");
    std::fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// Medians of interleaved rounds.
fn by_turns(settings: &Settings, ours: &Path, theirs: &Path, line: &[&str]) -> Result<(Use, Use)> {
    let mut used: [Vec<Use>; 2] = Default::default();
    for _ in 0..settings.rounds.min(3) {
        for (program, used) in [ours, theirs].into_iter().zip(&mut used) {
            used.push(time(program, line, &[0])?);
        }
    }
    let middle = |used: &[Use], field: fn(&Use) -> f64| median(used.iter().map(field).collect());
    let of = |used: &[Use]| Use {
        wall_s: middle(used, |used| used.wall_s),
        cpu_s: middle(used, |used| used.cpu_s),
        rss_bytes: middle(used, |used| used.rss_bytes),
    };
    let [ours, theirs] = &used;
    Ok((of(ours), of(theirs)))
}

/// Processes that switch and call the kernel all the time.
fn busy(perf: &Path) -> Result<Background> {
    Background::start(perf, &["bench", "sched", "pipe", "-l", "100000000"])
}

/// A recording of at least so many bytes; made once for each size.
fn recorded(perf: &Path, name: &str, options: &[&str], bytes: u64) -> Result<PathBuf> {
    let file = directory()?.join(format!("{}-{}.data", name.replace(' ', "-"), bytes / MIB));
    if file.is_file() {
        return Ok(file);
    }
    let load = busy(perf)?;
    std::thread::sleep(Duration::from_millis(200));
    let size = format!("{}M", bytes / MIB);
    let mut command = Command::new(perf);
    command.args(["record", "-q", "-m", "4096", "--max-size", &size]).args(options).arg("-o").arg(&file);
    tools::run_quiet(command.args(["--", "sleep", "600"]).stdin(std::process::Stdio::null()))
        .or_else(|error| if file.is_file() { Ok(()) } else { Err(error) })?;
    drop(load);
    let length = std::fs::metadata(&file)?.len();
    if length < bytes / 2 {
        bail!("{} has only {length} bytes", file.display());
    }
    Ok(file)
}
