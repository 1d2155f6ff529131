//! Where the result is written.

use std::fs::{File, OpenOptions};
use std::io::{Write as _, stdout};

use anyhow::Context as _;
use perfuse_analyze::Msg;
use perfuse_collect::perf::clock::ctime;
use perfuse_render::perf::stat::Format;

use super::NOT_SET_UP;
use super::options::{Plan, Sink};
use crate::console;
use crate::perf::Status;
use crate::perf::options::UsageError;

/// The open sink.
#[derive(Debug)]
pub(super) struct Output {
    file: Option<File>,
    stdout: bool,
    quiet: bool,
}

impl Output {
    /// Opens it, and writes the line that says when it was, which a JSON file must not have.
    pub(super) fn open(plan: &Plan) -> anyhow::Result<Self> {
        let (file, stdout) = match &plan.sink {
            Sink::Stderr | Sink::Descriptor(2) => (None, false),
            Sink::Descriptor(1) => (None, true),
            Sink::Descriptor(number) => {
                // A descriptor by number, without taking its ownership from whoever opened it.
                let path = format!("/proc/self/fd/{number}");
                let file = OpenOptions::new().append(true).open(&path);
                (
                    Some(file.map_err(|_| {
                        let error = anyhow::Error::from(UsageError(Msg::new("usage-stat-log-fd")));
                        error.context(Status(NOT_SET_UP))
                    })?),
                    false,
                )
            }
            Sink::File { path, append } => {
                let mut options = OpenOptions::new();
                options.create(true).write(true).append(*append).truncate(!*append);
                let file = options.open(path).with_context(|| path.display().to_string())?;
                (Some(file), false)
            }
        };
        let mut output = Self { file, stdout, quiet: plan.quiet };
        if matches!(plan.sink, Sink::File { .. }) && plan.format != Format::Json {
            let seconds =
                std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
            output.write(&format!("# started on {}\n\n", ctime(i64::try_from(seconds).unwrap_or(0))))?;
        }
        Ok(output)
    }

    /// Writes a piece of the result.
    pub(super) fn write(&mut self, text: &str) -> anyhow::Result<()> {
        if self.quiet {
            return Ok(());
        }
        match &mut self.file {
            Some(file) => file.write_all(text.as_bytes()).context("writing the counts")?,
            None if self.stdout => {
                let mut out = stdout().lock();
                out.write_all(text.as_bytes())?;
                out.flush()?;
            }
            None => console::say(text),
        }
        Ok(())
    }

    /// Whether it is standard error, where hints are written too.
    pub(super) fn is_stderr(&self) -> bool {
        self.file.is_none() && !self.stdout
    }
}
