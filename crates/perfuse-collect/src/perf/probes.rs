//! The files of tracefs that make probes: `kprobe_events` and `uprobe_events` (kernel files
//! Documentation/trace/kprobetrace.rst and uprobetracer.rst).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use perfuse_format::event::TraceDenied;
use thiserror::Error;

use super::tracepoints::Tracefs;
use crate::root::Root;

/// Largest file read here; a line has some hundred bytes.
const LARGEST: u64 = 1 << 26;

/// Which probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeKind {
    /// Of the kernel (kprobes).
    Kernel,
    /// Of programs (uprobes).
    User,
}

impl ProbeKind {
    /// The name of the file.
    pub fn file(self) -> &'static str {
        match self {
            Self::Kernel => "kprobe_events",
            Self::User => "uprobe_events",
        }
    }
}

/// Why a file of probes could not be used.
#[derive(Debug, Error)]
pub enum ProbeDenied {
    /// There is no tracefs, or it is closed.
    #[error("{0}")]
    Tracefs(TraceDenied),
    /// The kernel was built without this kind of probe.
    #[error("{path}: this kernel was built without such probes")]
    NotBuilt {
        /// The file that is missing.
        path: String,
    },
    /// Anything else.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// What happened.
        error: io::Error,
    },
}

/// A line that the kernel did not take.
#[derive(Debug, Error)]
#[error("the kernel refused: {error}")]
pub struct Refused {
    /// The error of the write.
    pub error: io::Error,
    /// What the kernel's own log (`error_log`) says of it, with the text and a caret; empty where it says nothing.
    pub log: String,
}

/// The files of one tracefs.
#[derive(Debug, Clone)]
pub struct ProbeEvents {
    tracefs: Tracefs,
}

/// A file of probes, opened to be changed and locked against others that do as this program does.
#[derive(Debug)]
pub struct Change {
    file: File,
    log: PathBuf,
}

impl ProbeEvents {
    /// Finds tracefs.
    pub fn find(root: &Root) -> Result<Self, ProbeDenied> {
        Tracefs::find(root).map(|tracefs| Self { tracefs }).map_err(ProbeDenied::Tracefs)
    }

    /// The tracefs.
    pub fn tracefs(&self) -> &Tracefs {
        &self.tracefs
    }

    fn path(&self, kind: ProbeKind) -> PathBuf {
        self.tracefs.directory().join(kind.file())
    }

    fn denied(&self, kind: ProbeKind, error: io::Error) -> ProbeDenied {
        let path = self.path(kind).display().to_string();
        if error.kind() == io::ErrorKind::NotFound {
            return ProbeDenied::NotBuilt { path };
        }
        ProbeDenied::Io { path, error }
    }

    /// The probes there are, a line each, in the kernel's order.
    pub fn lines(&self, kind: ProbeKind) -> Result<Vec<String>, ProbeDenied> {
        let mut bytes = Vec::new();
        File::open(self.path(kind))
            .and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
            .map_err(|error| self.denied(kind, error))?;
        Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
    }

    /// Opens the file to add and remove probes. Opened in any other way than to append, all probes of everybody would be
    /// removed.
    pub fn change(&self, kind: ProbeKind) -> Result<Change, ProbeDenied> {
        let file = OpenOptions::new().append(true).open(self.path(kind)).map_err(|error| self.denied(kind, error))?;
        // Two of us that look for a free name do so one after the other. A tracefs without locks is no reason to stop.
        let _ = rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive);
        Ok(Change { file, log: self.tracefs.directory().join("error_log") })
    }

    /// Whether several probes may make one event (since Linux 5.5), by the words of the kernel's README.
    pub fn joins(&self) -> bool {
        let readme = self.tracefs.file("README").unwrap_or_default();
        String::from_utf8_lossy(&readme).contains("Create/append/")
    }

    /// Whether the kernel refuses probes in a function, as the list in debugfs says; `None` where that cannot be read.
    pub fn blacklisted(root: &Root, function: &str) -> Option<bool> {
        let list = fs::read_to_string(root.join("/sys/kernel/debug/kprobes/blacklist")).ok()?;
        Some(list.lines().any(|line| line.split_whitespace().nth(1) == Some(function)))
    }
}

impl Change {
    /// Adds probes, all in one write: being killed leaves either none or all of them.
    pub fn add(&mut self, lines: &[String]) -> Result<(), Refused> {
        let mut text = lines.join("\n");
        text.push('\n');
        self.write(&text)
    }

    /// Removes the event with all its probes.
    pub fn remove(&mut self, group: &str, event: &str) -> Result<(), Refused> {
        self.write(&format!("-:{group}/{event}\n"))
    }

    fn write(&mut self, text: &str) -> Result<(), Refused> {
        let before = self.logged();
        self.file.write_all(text.as_bytes()).map_err(|error| {
            let log = self.logged();
            // The log keeps the last eight mistakes of everybody.
            let log = if log == before { String::new() } else { last_entry(&log) };
            Refused { error, log }
        })
    }

    fn logged(&self) -> String {
        let mut bytes = Vec::new();
        let read = File::open(&self.log).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes));
        read.map(|_| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}

/// The last mistake in the kernel's log: from the line with its time, without that.
fn last_entry(log: &str) -> String {
    let start = log.lines().enumerate().filter(|(_, line)| line.starts_with('[')).last().map_or(0, |(at, _)| at);
    let lines = log.lines().skip(start).enumerate().map(|(index, line)| match (index, line.split_once("] ")) {
        (0, Some((_, rest))) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_mistake_of_the_log_is_found() {
        let log = "[  1.5] trace_uprobe: error: Old\n  Command: a\n           ^\n[ 20.5] trace_uprobe: error: Invalid argument name\n  Command: p:a/b /x:0 1=%di\n           ^\n";
        let entry = last_entry(log);
        assert!(entry.starts_with("trace_uprobe: error: Invalid argument name\n  Command: p:a/b"), "{entry}");
        assert!(entry.ends_with('^'));
        assert_eq!(last_entry(""), "");
    }

    #[test]
    fn a_kernel_without_probes_is_told_from_one_that_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::at(dir.path());
        assert!(matches!(ProbeEvents::find(&root), Err(ProbeDenied::Tracefs(TraceDenied::NotMounted))));
        let tracing = dir.path().join("sys/kernel/tracing");
        fs::create_dir_all(tracing.join("events")).unwrap();
        fs::write(tracing.join("uprobe_events"), "p:a/b /x:0x1\n").unwrap();
        let events = ProbeEvents::find(&root).unwrap();
        assert!(matches!(events.lines(ProbeKind::Kernel), Err(ProbeDenied::NotBuilt { .. })));
        assert_eq!(events.lines(ProbeKind::User).unwrap(), ["p:a/b /x:0x1"]);
        events.change(ProbeKind::User).unwrap().add(&["p:c/d /x:0x2".to_owned(), "p:c/d /x:0x3".to_owned()]).unwrap();
        assert_eq!(events.lines(ProbeKind::User).unwrap(), ["p:a/b /x:0x1", "p:c/d /x:0x2", "p:c/d /x:0x3"]);
        assert!(!events.joins());
        assert_eq!(ProbeEvents::blacklisted(&root, "f"), None);
    }
}
