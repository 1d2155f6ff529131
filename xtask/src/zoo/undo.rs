//! Taking back what a case has made.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::tools;

/// One thing to take back.
pub(super) enum Undo {
    /// A process that was started here; only such are ever killed.
    Child(Child),
    /// A process that cleans up after itself if it is asked to end: it is, before it is killed.
    Interrupt(u32),
    /// A directory without files: a cgroup, a mount point.
    Directory(PathBuf),
    /// A file or directory with all that is in it.
    Tree(PathBuf),
    /// A file of the kernel and what it held before.
    Value(PathBuf, String),
    /// A command.
    Command(Command),
}

impl Undo {
    /// Does it.
    pub(super) fn undo(self) -> Result<()> {
        match self {
            Self::Child(mut child) => {
                // It may have ended by itself.
                let _ = child.kill();
                child.wait()?;
            }
            Self::Interrupt(pid) => {
                tools::run_quiet(Command::new("kill").args(["-INT", &pid.to_string()]))?;
                let over = || {
                    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
                    status.is_empty() || status.contains("State:\tZ")
                };
                for _ in 0..150 {
                    if over() {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            Self::Directory(path) => {
                // A cgroup is empty a moment after its last process was waited for.
                let mut result = Ok(());
                for _ in 0..150 {
                    result = std::fs::remove_dir(&path);
                    if result.is_ok() || !path.exists() {
                        return Ok(());
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
                result.with_context(|| path.display().to_string())?;
            }
            Self::Tree(path) if path.is_dir() => std::fs::remove_dir_all(&path)?,
            Self::Tree(path) if path.exists() => std::fs::remove_file(&path)?,
            Self::Tree(_) => {}
            Self::Value(path, value) => {
                std::fs::write(&path, value).with_context(|| path.display().to_string())?;
            }
            Self::Command(mut command) => {
                // What still uses a mount or a device goes a moment later.
                let mut result = Ok(());
                for _ in 0..50 {
                    result = tools::run_quiet(&mut command);
                    if result.is_ok() {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
                result?;
            }
        }
        Ok(())
    }
}

/// A command from its words.
pub(super) fn command(words: &str) -> Result<Command> {
    let mut words = words.split_whitespace();
    let name = words.next().context("no command")?;
    let program = tools::find(name).with_context(|| format!("there is no program {name}"))?;
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null());
    Ok(command)
}
