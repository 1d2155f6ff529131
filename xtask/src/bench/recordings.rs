//! What the benchmarks of perf's commands share: files that were recorded once, programs by turns, rows.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::measure::{Background, Use, median, time};
use super::{Row, Settings};
use crate::tools;

/// Bytes.
pub(super) const MIB: u64 = 1 << 20;

/// What runs while a file is recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    /// Processes that switch and call the kernel all the time.
    Switches,
    /// [`workload`], and only it is recorded.
    Workload,
}

/// A recording that perf makes and both read.
pub(super) struct Recording {
    pub(super) name: &'static str,
    /// Of `perf record`.
    options: &'static [&'static str],
    load: Load,
}

/// Kernel and user stacks by frame pointers.
pub(super) const CALL_CHAINS: Recording = Recording {
    name: "call chains",
    options: &["-a", "-g", "-e", "context-switches/period=1/", "-e", "cpu-clock/freq=4000/"],
    load: Load::Switches,
};

/// Switches and system calls with their fields.
pub(super) const TRACEPOINTS: Recording =
    Recording { name: "tracepoints", options: &["-a", "-e", "sched:*,raw_syscalls:*"], load: Load::Switches };

/// Copied stacks of a program with debug information.
pub(super) const DWARF_STACKS: Recording = Recording {
    name: "DWARF stacks of a program",
    options: &["-F", "4000", "--call-graph", "dwarf"],
    load: Load::Workload,
};

impl Recording {
    /// Its file of 64 MiB, or 1 GiB; made once for each size.
    pub(super) fn file(&self, settings: &Settings) -> Result<PathBuf> {
        let perf = perf()?;
        let bytes = if settings.full { 1024 * MIB } else { 64 * MIB };
        let file = directory()?.join(format!("{}-{}.data", self.name.replace(' ', "-"), bytes / MIB));
        if file.is_file() {
            return Ok(file);
        }
        let mut command = Command::new(&perf);
        let size = format!("{}M", bytes / MIB);
        command.args(["record", "-q", "-m", "4096", "--max-size", &size]).args(self.options);
        command.arg("-o").arg(&file).arg("--");
        let load = match self.load {
            Load::Switches => {
                command.args(["sleep", "600"]);
                Some(switches(&perf)?)
            }
            Load::Workload => {
                command.arg(workload()?).arg("600");
                None
            }
        };
        std::thread::sleep(Duration::from_millis(200));
        tools::run_quiet(command.stdin(std::process::Stdio::null()))
            .or_else(|error| if file.is_file() { Ok(()) } else { Err(error) })?;
        drop(load);
        let length = std::fs::metadata(&file)?.len();
        if length < bytes / 2 {
            bail!("{} has only {length} bytes", file.display());
        }
        Ok(file)
    }
}

/// Real perf.
pub(super) fn perf() -> Result<PathBuf> {
    tools::find("perf").context("perf")
}

/// The binary under the name that makes it perf.
pub(super) fn link(settings: &Settings) -> Result<PathBuf> {
    let link = directory()?.join("perf");
    if !link.is_symlink() {
        std::os::unix::fs::symlink(&settings.perfuse, &link)?;
    }
    Ok(link)
}

/// Where recordings and programs of the benchmarks are kept.
pub(super) fn directory() -> Result<PathBuf> {
    let directory = tools::target().join("bench");
    std::fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// The program of `workload.rs`, optimized and with debug information.
pub(super) fn workload() -> Result<PathBuf> {
    let program = directory()?.join("workload");
    if !program.is_file() {
        let source = tools::root().join("xtask/src/bench/workload.rs");
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        tools::run_quiet(rustc.args(["--edition", "2024", "-O", "-g", "-o"]).arg(&program).arg(source))?;
    }
    Ok(program)
}

/// Processes that switch and call the kernel all the time.
pub(super) fn switches(perf: &Path) -> Result<Background> {
    Background::start(perf, &["bench", "sched", "pipe", "-l", "100000000"])
}

/// A program with its arguments.
#[derive(Debug, Clone)]
pub(super) struct Side {
    program: PathBuf,
    line: Vec<String>,
}

impl Side {
    /// One of a program.
    pub(super) fn new(program: &Path, line: &[&str]) -> Self {
        Self { program: program.to_owned(), line: line.iter().map(|&word| word.to_owned()).collect() }
    }

    /// Runs it once.
    pub(super) fn run(&self) -> Result<Use> {
        time(&self.program, &self.line, &[0])
    }
}

/// Medians of interleaved rounds, in the order of the sides. Large files are read once by each.
pub(super) fn by_turns(settings: &Settings, sides: &[Side]) -> Result<Vec<Use>> {
    let rounds = if settings.full { 1 } else { settings.rounds.min(3) };
    let mut used: Vec<Vec<Use>> = sides.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (side, used) in sides.iter().zip(&mut used) {
            used.push(side.run()?);
        }
    }
    let middle = |used: &[Use], field: fn(&Use) -> f64| median(used.iter().map(field).collect());
    let of = |used: &Vec<Use>| Use {
        wall_s: middle(used, |used| used.wall_s),
        cpu_s: middle(used, |used| used.cpu_s),
        rss_bytes: middle(used, |used| used.rss_bytes),
    };
    Ok(used.iter().map(of).collect())
}

/// A row for CPU time and one for peak memory, each with its target; `more` stands behind our CPU time.
pub(super) fn rows(
    what: &str,
    more: &str,
    ours: Use,
    (name, theirs): (&str, Use),
    [cpu, memory]: [&'static str; 2],
) -> [Row; 2] {
    let mib = |used: Use| used.rss_bytes / MIB as f64;
    [
        Row {
            what: what.to_owned(),
            ours: format!("{:.2} s{more}", ours.cpu_s),
            peer: format!("{name} {:.2} s", theirs.cpu_s),
            ratio: Some(ours.cpu_s / theirs.cpu_s),
            target: cpu,
        },
        Row {
            what: format!("{what}, peak memory"),
            ours: format!("{:.0} MiB", mib(ours)),
            peer: format!("{name} {:.0} MiB", mib(theirs)),
            ratio: Some(ours.rss_bytes / theirs.rss_bytes),
            target: memory,
        },
    ]
}
