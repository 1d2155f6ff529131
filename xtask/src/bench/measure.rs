//! Running a command and knowing what it used.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

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
    let group = Group::make();
    let mut command = group.as_ref().map_or_else(|| Command::new(&time), |group| group.command(&time));
    command.args(["-q", "-f", "%e %U %S %M", "-o"]).arg(&file).arg(program).args(arguments);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if !status.code().is_some_and(|code| accepted.contains(&code)) {
        bail!("{} ended with {status}", program.display());
    }
    let text = std::fs::read_to_string(&file)?;
    std::fs::remove_file(&file)?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [wall_s, user, system, kib] = numbers[..] else { bail!("GNU time said {text:?}") };
    let cpu_s = group.and_then(|group| group.cpu_s()).unwrap_or(user + system);
    Ok(Use { wall_s, cpu_s, rss_bytes: kib * 1024.0 })
}

/// A cgroup for one command: it counts children too that nobody waits for, as perf leaves its `addr2line` processes, and
/// counts in microseconds.
struct Group(PathBuf);

impl Group {
    /// A new one; nothing where there is no cgroup2, or none may be made.
    fn make() -> Option<Self> {
        let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
        let mut mounts = mounts.lines().map(|line| line.split(' '));
        let root = mounts.find_map(|mut words| words.nth(1).filter(|_| words.next() == Some("cgroup2")))?;
        let directory = Path::new(root).join(format!("perfuse-bench-{}", std::process::id()));
        std::fs::create_dir(&directory).ok()?;
        Some(Self(directory))
    }

    /// A command that enters the cgroup and then becomes `program`.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 0 >\"$0\" && exec \"$@\""]).arg(self.0.join("cgroup.procs")).arg(program);
        command
    }

    /// CPU seconds of all that ever ran in it, once the last has ended.
    fn cpu_s(&self) -> Option<f64> {
        for _ in 0..500 {
            if std::fs::read_to_string(self.0.join("cgroup.procs")).is_ok_and(|pids| pids.is_empty()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let stat = std::fs::read_to_string(self.0.join("cpu.stat")).ok()?;
        let usage = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
        Some(usage.parse::<f64>().ok()? / 1e6)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A process that outlives its command keeps the directory; it is empty and costs nothing.
        let _ = std::fs::remove_dir(&self.0);
    }
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
