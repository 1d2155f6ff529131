//! Running a command and knowing what it used.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::tools;

/// What one command used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Use {
    /// Wall-clock seconds.
    pub(crate) wall_s: f64,
    /// CPU seconds, user and system, children included.
    pub(crate) cpu_s: f64,
    /// Largest resident set in bytes.
    pub(crate) rss_bytes: f64,
}

/// Runs `program` to its end under GNU time; its own output is dropped. `accepted` are the exit codes that are fine.
pub(crate) fn time<S: AsRef<std::ffi::OsStr>>(program: &Path, arguments: &[S], accepted: &[i32]) -> Result<Use> {
    let file = std::env::temp_dir().join(format!("perfuse-bench-{}", std::process::id()));
    let time = tools::find("time").context("GNU time")?;
    let mut command = Command::new(time);
    command.args(["-q", "-f", "%e %U %S %M", "-o"]).arg(&file).arg(program).args(arguments);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if !status.code().is_some_and(|code| accepted.contains(&code)) {
        bail!("{} ended with {status}", program.display());
    }
    let text = std::fs::read_to_string(&file)?;
    std::fs::remove_file(&file)?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [wall_s, user, system, kib] = numbers[..] else { bail!("GNU time said {text:?}") };
    Ok(Use { wall_s, cpu_s: user + system, rss_bytes: kib * 1024.0 })
}

/// CPU seconds that a running process has used, from `/proc/PID/schedstat` of all its threads.
pub(crate) fn cpu_so_far(pid: u32) -> Result<f64> {
    let mut sum = 0.0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = std::fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
        sum += text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9;
    }
    Ok(sum)
}

/// The middle value.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Processes that do nothing until this is dropped.
pub(crate) struct Sleepers(Vec<Child>);

impl Sleepers {
    /// Adds idle processes until the host has `wanted` of them.
    pub(crate) fn up_to(wanted: usize) -> Result<Self> {
        let is_pid =
            |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit());
        let present = std::fs::read_dir("/proc")?.flatten().filter(is_pid).count();
        let mut children = Self(Vec::new());
        for _ in present..wanted {
            children.0.push(Command::new("sleep").arg("3600").stdin(Stdio::null()).spawn()?);
        }
        Ok(children)
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Ended already is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A child that is told to end when this is dropped.
pub(crate) struct Background(pub(crate) Child);

impl Background {
    /// Starts `program` with its output dropped.
    pub(crate) fn start<S: AsRef<std::ffi::OsStr>>(program: &Path, arguments: &[S]) -> Result<Self> {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| program.display().to_string())?;
        Ok(Self(child))
    }

    /// Ends it as Ctrl-C would, and waits.
    pub(crate) fn interrupt(mut self) -> Result<()> {
        tools::run_quiet(Command::new("kill").args(["-INT", &self.0.id().to_string()]))?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
