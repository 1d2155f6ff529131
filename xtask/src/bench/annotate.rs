//! `annotate` of one function of a large program.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::recordings::{self, MIB, Side};
use super::{Row, Settings};
use crate::tools;

/// perfuse without optimization and with all debug information: a program of about 100 MiB.
fn program() -> Result<PathBuf> {
    tools::run(&mut tools::cargo(["build", "--package", "perfuse"]))?;
    Ok(tools::target().join("debug/perfuse"))
}

/// A recording of it; made anew, as the program may be another one by now.
fn recorded(perf: &Path, program: &Path) -> Result<PathBuf> {
    let file = recordings::directory()?.join("annotate.data");
    let mut command = Command::new(perf);
    command.args(["record", "-q", "-N", "-F", "9999", "-e", "cpu-clock:u", "-o"]).arg(&file).arg("--").arg(program);
    tools::run_quiet(command.arg("list").stdin(Stdio::null()))?;
    Ok(file)
}

/// The function of the program that was sampled most.
fn hottest(perf: &Path, file: &str) -> Result<String> {
    let mut command = Command::new(perf);
    command.args(["report", "--stdio", "-q", "-d", "perfuse", "-s", "sym", "-F", "sym", "-i", file]);
    let text = tools::output(command.stdin(Stdio::null()))?;
    let line = text.lines().find(|line| line.contains("[.] ")).context("no function was sampled")?;
    line.split_once("[.] ").map(|(_, name)| name.trim().to_owned()).context("a function has a name")
}

/// CPU time and peak memory of opening it, as text, with and without its source lines.
pub(super) fn annotate(settings: &Settings) -> Result<Vec<Row>> {
    let (ours, perf) = (recordings::link(settings)?, recordings::perf()?);
    let program = program()?;
    let mib = std::fs::metadata(&program)?.len() / MIB;
    let file = recorded(&perf, &program)?;
    let file = file.to_string_lossy();
    let function = hottest(&perf, &file)?;
    let mut rows = Vec::new();
    for (what, options) in [("", &[][..]), (" --no-source", &["--no-source"])] {
        let line = [&["annotate", "--stdio", "-i", &file, "-s", &function][..], options].concat();
        let sides = [Side::new(&ours, &line), Side::new(&perf, &line)];
        let [own, theirs] = recordings::by_turns(settings, &sides)?[..] else { continue };
        let what = format!("annotate{what}, a function of a program of {mib} MiB");
        rows.extend(recordings::rows(&what, "", own, ("perf", theirs), ["below 1 s", "at most 1"]));
    }
    Ok(rows)
}
