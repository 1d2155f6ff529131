//! Events of user-space code that last as long as they are wanted: lines in `uprobe_events` of tracefs
//! (Linux: `Documentation/trace/uprobetracer.rst`).

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;

use perfuse_format::event::TraceDenied;

use super::tracepoints::Tracefs;
use crate::root::Root;

/// Events that were made here. They are removed when this is dropped, and nothing else holds them then.
#[derive(Debug)]
pub struct Uprobes {
    file: PathBuf,
    events: Vec<String>,
}

impl Uprobes {
    /// None yet.
    pub fn new(root: &Root) -> Result<Self, TraceDenied> {
        let file = Tracefs::find(root)?.directory().join("uprobe_events");
        Ok(Self { file, events: Vec::new() })
    }

    /// Makes the event `group`/`name` by a line `p:group/name path:offset ...`; another line of the same event adds a place
    /// to it.
    pub fn add(&mut self, group: &str, name: &str, definition: &str) -> io::Result<()> {
        self.write(definition)?;
        let event = format!("{group}/{name}");
        if !self.events.contains(&event) {
            self.events.push(event);
        }
        Ok(())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The kernel takes a line at a time, and whole.
    fn write(&self, line: &str) -> io::Result<()> {
        OpenOptions::new().append(true).open(&self.file)?.write_all(format!("{line}\n").as_bytes())
    }
}

impl Drop for Uprobes {
    fn drop(&mut self) {
        for event in &self.events {
            // Who still records one keeps it; there is nobody left to tell.
            let _ = self.write(&format!("-:{event}"));
        }
    }
}
