//! A directory in which one program is called `perf`, with something to look at, and the script that runs all in it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::OneLiner;
use crate::tools;

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
    ("PID", "\"$BUSY\""),
];

/// The script that runs all.
const RUN: &str = include_str!("run.sh");
/// A program with the probe of Node.js: that of Debian and of its own packages is built without.
const NODE: &str = include_str!("node.c");

/// Seconds that things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// After these a command that runs until Ctrl-C gets it.
    interrupt: u32,
    /// A command that ends by itself gets it after these.
    patience: u32,
    /// A screen is shown after these, and understands the next key after one more.
    settle: u32,
}

impl Pace {
    /// On a host.
    pub(super) const HERE: Self = Self { interrupt: 6, patience: 60, settle: 3 };
    /// In an emulated machine, where programs begin slowly.
    pub(super) const GUEST: Self = Self { interrupt: 10, patience: 120, settle: 10 };

    /// As arguments of the script.
    pub(super) fn words(self) -> String {
        format!("{} {} {}", self.interrupt, self.patience, self.settle)
    }
}

/// How a one-liner ends, and what is to be done before: the end of the name of its file.
fn kind(command: &str) -> &'static str {
    if is_screen(command) {
        return "screen";
    }
    if command.starts_with("perf probe") && !["-d ", "-l", "-L", "-V"].iter().any(|option| command.contains(option)) {
        return "probe";
    }
    let runs = command.starts_with("perf stat") || command.contains("perf record") || command.contains("perf top");
    let ends = command.contains("sleep ") || command.ends_with(" command");
    if runs && !ends { "interrupt" } else { "ends" }
}

/// Whether it takes the whole terminal.
fn is_screen(command: &str) -> bool {
    (command.starts_with("perf top") && !command.contains('|'))
        || (command.starts_with("perf report") && !command.contains("--stdio"))
}

fn stood_in(command: &str) -> String {
    STAND_INS.iter().fold(command.to_owned(), |command, (from, to)| command.replace(from, to))
}

/// Makes the directory: `program` is called `perf` in it.
pub(super) fn furnish(directory: &Path, program: &Path, sheet: &[OneLiner]) -> Result<()> {
    for name in ["bin", "lines", "out"] {
        fs::create_dir_all(directory.join(name))?;
    }
    symlink(program, directory.join("bin/perf"))?;
    runnable(&directory.join("work"), "#!/bin/sh\ni=0; while [ $i -lt 200000 ]; do i=$((i+1)); done\n")?;
    runnable(&directory.join("run.sh"), RUN)?;
    for (number, one) in sheet.iter().enumerate() {
        let name = format!("{number:03}.{}.{}", one.id, kind(&one.command));
        fs::write(directory.join("lines").join(name), stood_in(&one.command))?;
    }
    let source = directory.join("node.c");
    fs::write(&source, NODE)?;
    tools::run_quiet(Command::new("cc").args(["-O1", "-static", "-o"]).arg(directory.join("bin/node")).arg(&source))
}

fn runnable(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text)?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Runs all one-liners of a directory.
pub(super) fn run(directory: &Path, pace: Pace) -> Result<()> {
    let directory = directory.canonicalize()?;
    let words = pace.words();
    let mut command = Command::new("sh");
    command.arg(directory.join("run.sh")).args(words.split(' ')).current_dir(&directory);
    let status = command.status().context("cannot run sh")?;
    ensure!(status.success(), "run.sh ended with {status}");
    Ok(())
}

/// Copies a program or library below `root`, as `inside`, with everything that it is linked with.
pub(super) fn with_libraries(file: &Path, inside: &Path, root: &Path) -> Result<()> {
    copy(file, inside, root)?;
    // `name => path (address)`, or `path (address)` of the loader; a static program has none and says so.
    let said = Command::new("ldd").arg(file).output().context("cannot run ldd")?;
    for line in String::from_utf8_lossy(&said.stdout).lines() {
        if let Some(path) = line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from) {
            copy(&path, &path, root)?;
        }
    }
    Ok(())
}

fn copy(file: &Path, inside: &Path, root: &Path) -> Result<()> {
    let to = root.join(inside.strip_prefix("/").unwrap_or(inside));
    if to.exists() {
        return Ok(());
    }
    let directory = to.parent().context("a file stands in a directory")?;
    fs::create_dir_all(directory)?;
    // What is debugged in the guest is debugged with the file of the host.
    let strip = Command::new("strip").arg("-o").arg(&to).arg(file).output().context("cannot run strip")?;
    if !strip.status.success() {
        fs::copy(file, &to).with_context(|| format!("cannot copy {}", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_has_all_and_each_can_be_run() {
        let sheet = super::super::read_sheet().unwrap();
        assert_eq!(sheet.len(), 102);
        for one in &sheet {
            let command = stood_in(&one.command);
            assert!(!command.contains("PID") && !command.contains("...") && !command.contains("sleep 10"), "{command}");
        }
        let of = |word: &str| sheet.iter().filter(|one| kind(&one.command) == word).count();
        assert_eq!((of("screen"), of("probe"), of("interrupt") + of("ends")), (5, 13, 84));
        assert_eq!(kind("perf stat -e 'sched:*' -p PID"), "interrupt");
        assert_eq!(kind("perf stat -e 'sched:*' -p PID sleep 10"), "ends");
        assert_eq!(kind("stdbuf -oL perf top -e net:net_dev_xmit -ns comm | strings"), "interrupt");
        assert_eq!(kind("perf probe -nv 'tcp_sendmsg size sk->__sk_common.skc_state'"), "probe");
        assert_eq!(kind("perf probe -d tcp_sendmsg"), "ends");
    }
}
