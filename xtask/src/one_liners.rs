//! `cargo xtask one-liners`: every one-liner of the sheet through a link named `perf`, beside what real perf does with it.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::tools;

/// The sheet: id, cost, English, Korean, command.
const SHEET: &str = "crates/perfuse-render/handbook/one-liners.tsv";
/// Where the result goes.
const PAGE: &str = "docs/one-liners.md";
/// What stands for something of the reader's, or takes long, and what is run for it here. `PID` is that of a program that
/// computes.
const STAND_INS: &[(&str, &str)] = &[
    ("sleep 10", "sleep 2"),
    ("sleep 5", "sleep 2"),
    (" command", " ./work"),
    ("/lib64/libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6"),
    (
        "/usr/lib64/libpthread-2.24.so %sdt_libpthread:mutex_entry",
        "/usr/lib/x86_64-linux-gnu/libstdc++.so.6 %sdt_libstdcxx:throw",
    ),
    ("docker/1d567f4393190204...etc...", "perfuse-one-liners"),
    ("/tmp/perf.data", "other.data"),
];
/// The files of tracefs that hold the probes of all.
const PROBES: [&str; 2] = ["/sys/kernel/tracing/kprobe_events", "/sys/kernel/tracing/uprobe_events"];
/// Seconds after which a command that runs until Ctrl-C gets it.
const PATIENCE: &str = "6";

struct OneLiner {
    id: String,
    command: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Works,
    /// It ran, and a part of what it shows is missing.
    Degraded(String),
    Fails(String),
}

struct Outcome {
    verdict: Verdict,
    status: Option<i32>,
}

/// Runs all and writes the page.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (perfuse, rest) = crate::options(arguments, "--perfuse")?;
    ensure!(rest.is_empty(), "one-liners takes nothing but --perfuse FILE");
    for file in PROBES {
        let there = fs::read_to_string(file).unwrap_or_default();
        ensure!(there.is_empty(), "{file} has probes already, which would be removed at the end: remove them first");
    }
    let ours = if let Some(path) = perfuse {
        PathBuf::from(path).canonicalize().context("--perfuse")?
    } else {
        tools::run(&mut tools::cargo(["build", "--release", "-p", "perfuse"]))?;
        tools::target().join("release/perfuse")
    };
    let theirs = tools::find("perf").context("real perf is not here: install linux-perf")?;
    let sheet = read_sheet()?;
    let here = tools::target().join("one-liners");
    if here.exists() {
        fs::remove_dir_all(&here).with_context(|| format!("cannot remove {}", here.display()))?;
    }
    let mut columns = Vec::new();
    for (name, program) in [("ours", &ours), ("perf", &theirs)] {
        let bench = Bench::new(&here.join(name), program)?;
        let outcomes: Vec<Outcome> = sheet.iter().map(|one| bench.run(one)).collect::<Result<_>>()?;
        columns.push(outcomes);
    }
    let theirs = columns.pop().unwrap_or_default();
    let ours = columns.pop().unwrap_or_default();
    let page = tools::root().join(PAGE);
    fs::write(&page, written(&sheet, &ours, &theirs)?).with_context(|| format!("cannot write {}", page.display()))?;
    println!("{} is written", page.display());
    Ok(())
}

fn read_sheet() -> Result<Vec<OneLiner>> {
    let text = fs::read_to_string(tools::root().join(SHEET)).context(SHEET)?;
    let one = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields.as_slice() {
            [id, _, _, _, command, ..] => Ok(OneLiner { id: (*id).to_owned(), command: (*command).to_owned() }),
            _ => bail!("{SHEET}: five fields are expected in {line:?}"),
        }
    };
    text.lines().filter(|line| !line.starts_with('#')).map(one).collect()
}

/// A directory in which one program is called `perf`, with something to look at.
struct Bench {
    directory: PathBuf,
    busy: Child,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.clear();
        // It may be gone already.
        let _ = self.busy.kill();
        let _ = self.busy.wait();
        for cgroup in cgroups() {
            let _ = fs::remove_dir(cgroup);
        }
    }
}

impl Bench {
    fn new(directory: &Path, program: &Path) -> Result<Self> {
        fs::create_dir_all(directory.join("bin"))?;
        symlink(program, directory.join("bin/perf"))?;
        let work = directory.join("work");
        fs::write(&work, "#!/bin/sh\ni=0; while [ $i -lt 200000 ]; do i=$((i+1)); done\n")?;
        tools::run_quiet(Command::new("chmod").arg("755").arg(&work))?;
        for cgroup in cgroups() {
            fs::create_dir(&cgroup).ok();
        }
        let busy = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().context("cannot run sh")?;
        Ok(Self { directory: directory.to_owned(), busy })
    }

    fn run(&self, one: &OneLiner) -> Result<Outcome> {
        let command = stood_in(&one.command, self.busy.id());
        let script = if is_screen(&one.command) {
            // A screen is left with q, out of the menu of events first; perf asks back.
            let quoted = command.replace('\'', "'\\''");
            format!(
                "(sleep 3; printf q; sleep 1; printf q; sleep 1; printf y; sleep 1) | script -qec '{quoted}' /dev/null"
            )
        } else {
            command
        };
        let path = format!("{}:{}", self.directory.join("bin").display(), std::env::var("PATH").unwrap_or_default());
        let (words, errors) = (self.directory.join("stdout"), self.directory.join("stderr"));
        let status = Command::new("timeout")
            .args(["--preserve-status", "-s", "INT", "-k", "20", if is_screen(&one.command) { "15" } else { PATIENCE }])
            .args(["sh", "-c", &script])
            .current_dir(&self.directory)
            .env("PATH", path)
            .env("HOME", &self.directory)
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            // Into files: into a pipe, `record` writes its recording.
            .stdout(fs::File::create(&words)?)
            .stderr(fs::File::create(&errors)?)
            .status()
            .context("cannot run timeout")?;
        let text = |file: &Path| fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let errors = text(&errors)?;
        let outcome = judged(status.code(), &format!("{}\n{errors}", text(&words)?), &errors);
        println!("{} {:?} {:?}  {}", one.id, outcome.status, outcome.verdict, one.command);
        Ok(outcome)
    }

    /// Takes away the probes that the one-liners made.
    fn clear(&self) {
        for all in ["probe:*", "probe_*:*", "sdt_*:*"] {
            // What matched nothing is said on stderr.
            let perf = self.directory.join("bin/perf");
            let _ = Command::new(perf).args(["probe", "-q", "-d", all]).env("HOME", &self.directory).output();
        }
    }
}

/// Where a control group for the one-liner is made, by version and layout of the host.
fn cgroups() -> Vec<PathBuf> {
    let roots = ["/sys/fs/cgroup/perf_event", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
    let is_root = |root: &&&str| Path::new(root).join("cgroup.procs").exists();
    roots.iter().filter(is_root).map(|root| Path::new(root).join("perfuse-one-liners")).collect()
}

fn stood_in(command: &str, pid: u32) -> String {
    let command = STAND_INS.iter().fold(command.to_owned(), |command, (from, to)| command.replace(from, to));
    command.replace("PID", &pid.to_string())
}

/// Whether it takes the whole terminal.
fn is_screen(command: &str) -> bool {
    (command.starts_with("perf top") && !command.contains('|'))
        || (command.starts_with("perf report") && !command.contains("--stdio"))
}

/// By exit status (130 is Ctrl-C) and by what is missing in the text.
fn judged(status: Option<i32>, said: &str, errors: &str) -> Outcome {
    let mut lines = errors.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut first = lines.next().unwrap_or("no word").to_owned();
    if first.ends_with(':') {
        // What it is about stands in the next line.
        first = format!("{first} {}", lines.next().unwrap_or_default());
    }
    let missing = said.lines().filter(|line| line.contains("<not supported>")).count();
    let verdict = match status {
        Some(0 | 130) | None if missing > 0 => Verdict::Degraded(format!("{missing} rows are not supported")),
        Some(0 | 130) => Verdict::Works,
        _ => Verdict::Fails(first),
    };
    Outcome { verdict, status }
}

fn cell(outcome: &Outcome) -> String {
    let status = outcome.status.map_or_else(|| "killed".to_owned(), |status| status.to_string());
    let plain = |text: &str| text.replace('|', "\\|").replace('`', "'").chars().take(160).collect::<String>();
    match &outcome.verdict {
        Verdict::Works => format!("works ({status})"),
        Verdict::Degraded(why) => format!("degraded ({status}): {}", plain(why)),
        Verdict::Fails(why) => format!("fails ({status}): {}", plain(why)),
    }
}

fn written(sheet: &[OneLiner], ours: &[Outcome], theirs: &[Outcome]) -> Result<String> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let works = |outcomes: &[Outcome]| outcomes.iter().filter(|one| !matches!(one.verdict, Verdict::Fails(_))).count();
    let mut page = String::from("# The one-liners, run\n\n");
    writeln!(
        page,
        "Written by `cargo xtask one-liners`: each line of the cheat sheet through a link named `perf`, and by real perf, one after\n\
         the other on the same host (Linux {}). In brackets stands the exit status; 130 is Ctrl-C, which commands get that run until\n\
         then. Durations are shortened, and what stands for something of the reader's is put in: a process that computes for `PID`, a\n\
         small script for `command`, this host's files for those of another distribution. A host without hardware counters, kprobes\n\
         or memory sampling fails where it must: there the words count.\n\n\
         Ours ran {} of {}, perf {}.\n",
        kernel.trim(),
        works(ours),
        sheet.len(),
        works(theirs)
    )?;
    page.push_str("| | command | perfuse | perf |\n|---|---|---|---|\n");
    for (one, (our, their)) in sheet.iter().zip(ours.iter().zip(theirs)) {
        let command = one.command.replace('|', "\\|");
        let fence = if command.contains('`') { "``" } else { "`" };
        let pad = if command.contains('`') { " " } else { "" };
        writeln!(page, "| {} | {fence}{pad}{command}{pad}{fence} | {} | {} |", one.id, cell(our), cell(their))?;
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_has_all_and_each_can_be_run() {
        let sheet = read_sheet().unwrap();
        assert_eq!(sheet.len(), 102);
        for one in &sheet {
            let command = stood_in(&one.command, 7);
            assert!(!command.contains("PID") && !command.contains("...") && !command.contains("sleep 10"), "{command}");
        }
        assert_eq!(sheet.iter().filter(|one| is_screen(&one.command)).count(), 5);
    }

    #[test]
    fn verdicts_follow_status_and_text() {
        assert_eq!(judged(Some(0), "fine", "").verdict, Verdict::Works);
        assert_eq!(judged(Some(130), "fine", "").verdict, Verdict::Works);
        let rows = judged(Some(0), "<not supported> cycles\n<not supported> branches\n", "").verdict;
        assert_eq!(rows, Verdict::Degraded("2 rows are not supported".to_owned()));
        assert_eq!(judged(Some(255), "", "\n no such event\nmore").verdict, Verdict::Fails("no such event".to_owned()));
        assert_eq!(judged(Some(129), "", "error:\nx").verdict, Verdict::Fails("error: x".to_owned()));
        assert!(cell(&judged(Some(129), "", "a | b")).contains("a \\| b"));
    }
}
