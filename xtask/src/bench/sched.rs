//! What the always-on in-kernel set costs a workload that does nothing but switch.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::measure::{Background, median, time};
use super::{Row, Settings};
use crate::tools;

/// Round trips of `perf bench sched pipe`.
const LOOPS: &str = "150000";

/// The workload alone, under our recording, and under `perf record -e sched:sched_switch -a`.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Row>> {
    let perf = tools::find("perf").context("perf")?;
    let taskset = tools::find("taskset").context("taskset")?;
    // On one CPU: whether the two ends share one or not changes the cost of a switch more than anything measured here.
    let pinned = ["-c", "0", &perf.to_string_lossy(), "bench", "sched", "pipe", "-l", LOOPS].map(str::to_owned);
    let workload = || -> Result<f64> { Ok(time(&taskset, &pinned, &[0])?.cpu_s) };
    let (mut alone, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        alone.push(workload()?);
        let recorder = Background::start(
            &settings.perfuse,
            &["use", "--quiet", "--record", "/dev/null", "--set", "own-cost.max=1"],
        )?;
        std::thread::sleep(Duration::from_secs(1));
        ours.push(workload()?);
        recorder.interrupt()?;
        let recorder =
            Background::start(&perf, &["record", "-q", "-e", "sched:sched_switch", "-a", "-o", "/dev/null"])?;
        std::thread::sleep(Duration::from_secs(1));
        theirs.push(workload()?);
        recorder.interrupt()?;
    }
    let (alone, ours, theirs) = (median(alone), median(ours), median(theirs));
    let row = |what: &str, ours: f64, name: &str, peer: f64, target| Row {
        what: what.to_owned(),
        ours: format!("{ours:.2} s"),
        peer: format!("{name} {peer:.2} s"),
        ratio: Some(ours / peer),
        target,
    };
    Ok(vec![
        row("sched pipe under the always-on set", ours, "alone", alone, "at most 1.2"),
        row("sched pipe under the always-on set", ours, "perf record", theirs, "below 1"),
        row("sched pipe under perf record", theirs, "alone", alone, "-"),
    ])
}
