//! `cargo xtask bench`: what perfuse costs, as ratios against peers measured in the same run.
//!
//! Every figure is the median of interleaved rounds: ours, the peer, ours, the peer. CPU time is that of the whole child and
//! its children, from a cgroup of its own (without one from GNU `time`), never from a clock on the wall, except where
//! waiting is what is measured.

mod annotate;
mod flame;
mod hits;
mod limit;
mod measure;
mod probe;
mod read;
mod record;
mod recordings;
mod sched;
mod serve;
mod startup;
mod store;
mod sweep;
mod why;

use anyhow::{Result, bail};

use crate::packages::{self, For};
use crate::tools;

/// One benchmark: name, what it asks, and its code.
type Bench = (&'static str, &'static str, fn(&Settings) -> Result<Vec<Row>>);

const BENCHES: &[Bench] = &[
    ("sweep", "CPU time of one sweep at 1,000 processes, against atop and node_exporter", sweep::sweep),
    ("always-on", "CPU and memory of `use --record` at 1 s with 500 processes", sweep::always_on),
    ("sched", "what the always-on in-kernel set costs `perf bench sched pipe`", sched::run),
    ("startup", "`use --json` beyond its duration", startup::run),
    ("why", "what a victim feels of `why --pid`, and how long the answer takes", why::run),
    ("read", "script and report against perf, on the same files", read::read),
    ("flame", "a recording to a flame graph, against samply and the pipeline of perf and inferno", flame::flame),
    ("record", "record against perf, on the same load", record::record),
    ("flood", "record against perf, about a million events a second", record::flood),
    ("probe", "places of probes in the debug information of a kernel, against perf", probe::probe),
    ("annotate", "a function of a program of 100 MiB, against perf", annotate::annotate),
    ("hits", "what a hit of a watched function costs, against perf and bpftrace", hits::hits),
    ("unwind", "sizes of files with unwound stacks, against copied ones", record::unwind),
    ("serve", "the daemon: CPU, memory, and its pages while it works", serve::serve),
    ("checks", "1,000 checks of the daemon at 10 s", serve::checks_in_time),
    ("incident", "from a fault to an incident with its answer", serve::incident),
    ("store", "bytes and CPU time of the daemon's store: 500 series, 24 h at 1 s", store::run),
];

/// How thorough.
pub(crate) struct Settings {
    /// Interleaved rounds.
    pub(crate) rounds: usize,
    /// Recordings of 1 GiB instead of 64 MiB.
    pub(crate) full: bool,
    /// The binary.
    pub(crate) perfuse: std::path::PathBuf,
}

/// One line of the result.
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// Ours, with its unit.
    pub(crate) ours: String,
    /// The peer's, with its name.
    pub(crate) peer: String,
    /// Ours against the peer.
    pub(crate) ratio: Option<f64>,
    /// The target, in words.
    pub(crate) target: &'static str,
}

/// Runs all benchmarks, or the named ones.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let full = arguments.iter().any(|argument| argument == "--full");
    let arguments: Vec<String> = arguments.iter().filter(|argument| *argument != "--full").cloned().collect();
    let (rounds, names) = crate::options(&arguments, "--rounds")?;
    let rounds = rounds.map_or(Ok(5), |rounds| rounds.parse())?;
    if let Some(unknown) = names.iter().find(|name| !BENCHES.iter().any(|(known, ..)| known == *name)) {
        let known: Vec<&str> = BENCHES.iter().map(|(name, ..)| *name).collect();
        bail!("no benchmark {unknown:?}; there are {}", known.join(", "));
    }
    if !tools::is_root() {
        bail!("the benchmarks load BPF programs: run as root");
    }
    packages::ensure(For::Bench)?;
    tools::run(&mut tools::cargo(["build", "--release", "--package", "perfuse"]))?;
    let settings = Settings { rounds, full, perfuse: tools::target().join("release/perfuse") };
    for (name, what, bench) in BENCHES {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("\n{name}: {what}");
        println!("  {:<60} {:>36} {:>36} {:>7}   target", "", "ours", "peer", "ratio");
        for row in bench(&settings)? {
            let ratio = row.ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"));
            println!("  {:<60} {:>36} {:>36} {ratio:>7}   {}", row.what, row.ours, row.peer, row.target);
        }
    }
    Ok(())
}
