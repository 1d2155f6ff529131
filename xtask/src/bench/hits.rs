//! What a hit of a watched function costs the program that runs into it: counted and added up by programs in the kernel, and
//! recorded.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::measure::{Background, median, time};
use super::{Row, Settings, recordings};
use crate::tools;

/// Calls of the function.
const HITS: u64 = 400_000;

const SOURCE: &str = "#include <stdlib.h>\nunsigned long sink;\n\
    __attribute__((noinline)) void hit(unsigned long value) { sink += value; __asm__ volatile(\"\"); }\n\
    int main(int count, char **words) { for (unsigned long i = strtoul(words[1], 0, 10); i; i--) hit(i & 4095); return 0; }\n";

/// The watched program.
fn program() -> Result<PathBuf> {
    let directory = recordings::directory()?;
    let (source, program) = (directory.join("hits.c"), directory.join("hits"));
    std::fs::write(&source, SOURCE)?;
    tools::run(std::process::Command::new("cc").args(["-O1", "-o"]).arg(&program).arg(&source))?;
    Ok(program)
}

/// What watches the program meanwhile.
struct Watcher {
    name: &'static str,
    command: PathBuf,
    arguments: Vec<String>,
    times: Vec<f64>,
}

impl Watcher {
    fn new(name: &'static str, command: &Path, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        Self { name, command: command.to_owned(), arguments, times: Vec::new() }
    }

    /// One round: the CPU time of the program under it.
    fn round(&mut self, program: &Path) -> Result<()> {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let watcher = Background::start(&self.command, &arguments)?;
        // bpftrace compiles its program first.
        std::thread::sleep(Duration::from_secs(4));
        self.times.push(time(program, &[HITS.to_string()], &[0])?.cpu_s);
        watcher.interrupt()
    }
}

/// Nanoseconds that a hit costs under each watcher, against perf and bpftrace.
pub(super) fn hits(settings: &Settings) -> Result<Vec<Row>> {
    let program = program()?;
    let path = program.to_str().context("the directory of the benchmarks")?.to_owned();
    let perf = tools::find("perf").context("perf")?;
    let ours = &settings.perfuse;
    let live = |more: &[&str]| {
        let words = [&["probe", "-q", "-x", &path, "--live", "hit value=%di:u64"][..], more].concat();
        Watcher::new("ours", ours, &words)
    };
    let event = "perfuse_bench:hit";
    let _ = std::process::Command::new(&perf).args(["probe", "-q", "-d", event]).status();
    let definition = format!("{event}=hit value=%di");
    let added = std::process::Command::new(&perf).args(["probe", "-q", "-x", &path, &definition]).status()?;
    if !added.success() {
        bail!("perf probe -x {path} hit");
    }
    let record = ["record", "-q", "-e", event, "-a", "-o", "/dev/null"];
    let mut watchers = vec![
        live(&["--count"]),
        live(&["--hist", "value"]),
        live(&["--sum", "value", "--by", "comm"]),
        Watcher::new("ours", ours, &record),
        Watcher::new("perf", &perf, &record),
    ];
    let bpftrace = tools::find("bpftrace");
    if let Some(bpftrace) = &bpftrace {
        for body in ["@ = count();", "@ = hist(arg0);", "@[comm] = sum(arg0);"] {
            watchers.push(Watcher::new("bpftrace", bpftrace, &["-e", &format!("uprobe:{path}:hit {{ {body} }}")]));
        }
    }
    let mut alone = Vec::new();
    let outcome = (0..settings.rounds.min(5)).try_for_each(|_| {
        alone.push(time(&program, &[HITS.to_string()], &[0])?.cpu_s);
        watchers.iter_mut().try_for_each(|watcher| watcher.round(&program))
    });
    let _ = std::process::Command::new(&perf).args(["probe", "-q", "-d", event]).status();
    outcome?;
    let alone = median(alone);
    let cost = |watcher: &Watcher| (median(watcher.times.clone()) - alone).max(0.0) * 1e9 / HITS as f64;
    let row = |what: &str, ours: &Watcher, peer: Option<&Watcher>| Row {
        what: format!("a hit of a function of a program, {what}"),
        ours: format!("{:.0} ns", cost(ours)),
        peer: peer.map_or("bpftrace is not here".to_owned(), |peer| format!("{} {:.0} ns", peer.name, cost(peer))),
        ratio: peer.map(|peer| cost(ours) / cost(peer)),
        target: "at most 1",
    };
    Ok(vec![
        row("counted", &watchers[0], watchers.get(5)),
        row("as a histogram", &watchers[1], watchers.get(6)),
        row("summed by thread name", &watchers[2], watchers.get(7)),
        row("recorded", &watchers[3], watchers.get(4)),
        row("counted, against recording", &watchers[0], watchers.get(4)),
    ])
}
