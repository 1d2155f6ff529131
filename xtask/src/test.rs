//! `cargo xtask test`: everything that must hold before a change is taken.

use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::failures::{self, Failures};
use crate::packages::{self, For};
use crate::tools::{cargo, run as command};
use crate::{bpf, fuzz, skips, tools};

/// How long each fuzz target runs here; `cargo xtask fuzz` is for longer.
const FUZZ_SECONDS: u32 = 10;

/// Runs every step, also after one failed, so that one run tells all that is wrong.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if let Some(argument) = arguments.first() {
        bail!("takes no argument: {argument}");
    }
    packages::ensure(For::Test)?;
    let log = tools::target().join("skipped-tests.log");
    let mut steps = Steps::default();
    let mut failed = Failures::default();
    steps.run("formatting", || command(&mut cargo(["fmt", "--all", "--check"])));
    steps.run("clippy", || {
        command(&mut cargo(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
    });
    steps.run("tests", || {
        std::fs::create_dir_all(tools::target())?;
        std::fs::write(&log, "").with_context(|| format!("cannot write {}", log.display()))?;
        let mut tests = cargo(["test", "--workspace", "--no-fail-fast"]);
        failures::watched(tests.env("PERFUSE_SKIP_LOG", &log), &mut failed)
    });
    steps.run("BPF objects", bpf::check);
    steps.run("fuzzing", || fuzz::all(FUZZ_SECONDS));
    println!("\n{}", skips::summary(&log));
    println!("{}", failed.summary());
    steps.end()
}

#[derive(Default)]
struct Steps {
    done: Vec<(&'static str, f64, Result<()>)>,
}

impl Steps {
    fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<()>) {
        println!("\n== {name}");
        let start = Instant::now();
        let result = step();
        if let Err(error) = &result {
            eprintln!("{name}: {error:#}");
        }
        self.done.push((name, start.elapsed().as_secs_f64(), result));
    }

    fn end(self) -> Result<()> {
        for (name, seconds, result) in &self.done {
            println!("{:<14} {seconds:>6.1} s  {}", name, if result.is_ok() { "ok" } else { "FAILED" });
        }
        let failed: Vec<&str> =
            self.done.iter().filter(|(.., result)| result.is_err()).map(|(name, ..)| *name).collect();
        if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
    }
}
