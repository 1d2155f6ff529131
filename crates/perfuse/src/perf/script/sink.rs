//! Where the lines go: to standard output, or with `--per-event-dump` to a file for each event.

use std::fs::File;
use std::io::{self, StdoutLock, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;

/// Bytes that are collected before they are written.
const CHUNK: usize = 1 << 17;

/// Lines that are not written yet.
pub(super) struct Sink {
    /// Those for standard output.
    pub(super) out: Vec<u8>,
    stdout: StdoutLock<'static>,
    files: Vec<EventFile>,
}

/// The file of an event.
struct EventFile {
    path: PathBuf,
    file: File,
    out: Vec<u8>,
    written: u64,
    samples: u64,
}

impl Sink {
    /// To standard output alone.
    pub(super) fn new() -> Self {
        Self { out: Vec::with_capacity(CHUNK * 2), stdout: io::stdout().lock(), files: Vec::new() }
    }

    /// Samples go to files: `perf.data.EVENT.dump` beside the recording.
    pub(super) fn per_event<'n>(&mut self, input: &str, events: impl Iterator<Item = &'n str>) -> anyhow::Result<()> {
        for event in events {
            let path = PathBuf::from(format!("{input}.{event}.dump"));
            let file = File::create(&path).with_context(|| path.display().to_string())?;
            self.files.push(EventFile { path, file, out: Vec::new(), written: 0, samples: 0 });
        }
        Ok(())
    }

    /// Where the lines of a sample of an event go.
    pub(super) fn of(&mut self, event: usize) -> &mut Vec<u8> {
        match self.files.get_mut(event) {
            Some(file) => {
                file.samples += 1;
                &mut file.out
            }
            None => &mut self.out,
        }
    }

    /// Writes what has become much.
    pub(super) fn flush_much(&mut self) -> anyhow::Result<()> {
        if self.out.len() >= CHUNK {
            self.stdout.write_all(&self.out)?;
            self.out.clear();
        }
        for file in &mut self.files {
            if file.out.len() >= CHUNK {
                file.flush()?;
            }
        }
        Ok(())
    }

    /// Writes the rest, and says what went to which file.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        for file in &mut self.files {
            file.flush()?;
            #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
            let megabytes = file.written as f64 / 1024.0 / 1024.0;
            let line = format!(
                "[ perf script: Wrote {megabytes:.3} MB {} ({} samples) ]\n",
                file.path.display(),
                file.samples
            );
            self.out.extend_from_slice(line.as_bytes());
        }
        self.stdout.write_all(&self.out)?;
        self.stdout.flush()?;
        Ok(())
    }
}

impl EventFile {
    fn flush(&mut self) -> anyhow::Result<()> {
        self.file.write_all(&self.out).with_context(|| self.path.display().to_string())?;
        self.written += self.out.len() as u64;
        self.out.clear();
        Ok(())
    }
}
