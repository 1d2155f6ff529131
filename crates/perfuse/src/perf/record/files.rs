//! The end of a file, and the next one: `--switch-output`, `--timestamp-filename`.

use std::fmt::Write as _;
use std::path::PathBuf;

use perfuse_analyze::Msg;
use perfuse_collect::perf::Workload;
use perfuse_collect::perf::record::clock::local_time_stamp;
use perfuse_collect::perf::record::{Output, Planned, Tally, WriteError};
use perfuse_collect::perf::synth::Emitter;
use perfuse_format::perfdata::record::kind;

use super::plan::Switch;
use super::run::{Session, Stop};
use super::signals::Signals;
use super::writer::Writer;
use super::{cache, finish, state};
use crate::perf::FAILED;

/// Completes the current file under a name with the time, and begins the next with the state as it is now.
pub(super) fn rotate(session: &mut Session<'_>) -> Result<(), WriteError> {
    snapshot(session)?;
    session.notes.line(&format!("[ perf record: dump data: Woken up {} times ]", session.woken));
    session.woken = 0;
    complete(session)?;
    let events = finish::events(session.plan, &session.recording);
    let attrs: Vec<_> = events.iter().map(|event| event.attr).collect();
    let tally = Tally::new(&attrs, session.plan.build_ids);
    let Some(name) = session.writer.name.clone() else { return Ok(()) };
    let output = Output::create_new(&name)?;
    let live = session.writer.live.take();
    session.writer = Writer::new(output, tally, &events, session.plan.compress.is_some(), Some(name));
    session.writer.live = live;
    let head = session.writer.layout.head(0, []);
    session.writer.output.write(&head)?;
    session.tell_state()
}

/// What the rings that are overwritten hold.
pub(super) fn snapshot(session: &mut Session<'_>) -> Result<(), WriteError> {
    let Session { recording, writer, .. } = session;
    recording.snapshot(|unread| writer.take(unread))?;
    writer.end_round()
}

/// Writes what describes the file, and gives it its name.
fn complete(session: &mut Session<'_>) -> Result<(), WriteError> {
    // Where no room is left for the counts of what was lost, the header still makes the rest readable.
    let counted = lost(session);
    session.captured = session.writer.data_size();
    let ids = finish::build_ids(session.plan, &session.writer, &session.kernel);
    let writer = &mut session.writer;
    if writer.output.is_pipe() {
        return finish::end_pipe(writer, &ids);
    }
    let features = &mut session.features;
    features.sample_time = writer.tally.times;
    if let (Some(compressor), Some(level)) = (&writer.compressor, session.plan.compress) {
        features.compressed = Some(finish::compressed(compressor, level, session.plan.ring_bytes));
    }
    features.build_ids = ids;
    let outcome = finish::end_file(writer, features, session.tracing.as_deref());
    if session.plan.cache {
        cache::keep(&session.plan.root, &features.build_ids);
    }
    let timestamped = session.plan.timestamp_name || session.plan.switch != Switch::Never;
    if let (true, Some(name)) = (timestamped, writer.name.clone()) {
        let mut named = name.into_os_string();
        named.push(format!(".{}", local_time_stamp()));
        let named = PathBuf::from(named);
        writer.output.rename(&named)?;
        session.notes.line(&format!("[ perf record: Dump {} ]", named.display()));
        session.files.push(named);
        let most = session.plan.switch_files;
        if most > 0 && session.files.len() > most {
            let _ = std::fs::remove_file(session.files.remove(0));
        }
    }
    counted.and(outcome)
}

/// Samples that the kernel counted as lost, as records: what the rings had no room for is only in its counters.
fn lost(session: &mut Session<'_>) -> Result<(), WriteError> {
    let mut out = Emitter::new(0);
    let sample_type = session.recording.events.first().map_or(0, |event| event.attr.sample_type);
    let trailer = state::trailer(&session.recording);
    for (id, lost) in session.recording.lost() {
        // Kernel and perf both put the id where the trailer has it.
        out.begin(kind::LOST_SAMPLES, 0);
        out.u64(lost);
        let at = out.bytes.len();
        out.bytes.resize(at + trailer, 0);
        if let Some(place) = finish::trailer_id(sample_type, trailer) {
            out.bytes[at + place..at + place + 8].copy_from_slice(&id.id.to_ne_bytes());
        }
        out.end();
    }
    session.writer.output.write_whole(&out.bytes)
}

impl Session<'_> {
    /// Ends the recording: the last records, the header, what is said, the exit status.
    pub(super) fn end(mut self, stop: Stop, workload: Option<Workload>, signals: &Signals) -> u8 {
        self.disable();
        // Whoever looks on has left, or sees the end of the pipe; nothing was to be kept. What was refused is said above.
        if self.plan.sink.is_some() && !matches!(stop, Stop::Workload(_)) {
            return 0;
        }
        let mut failed = match stop {
            Stop::Asked => self.rest().err(),
            Stop::Write(error) => Some(error),
            Stop::Workload(error) => {
                self.notes.workload(&error);
                return FAILED;
            }
        };
        self.notes.line(&format!("[ perf record: Woken up {} times to write data ]", self.woken));
        if let Err(error) = complete(&mut self) {
            failed.get_or_insert(error);
        }
        let status = status(workload, signals);
        if let Some(error) = failed {
            self.notes.write(&error);
            self.summary();
            return FAILED;
        }
        self.summary();
        status
    }

    /// What is still in the rings, and the state where it is told at the end.
    fn rest(&mut self) -> Result<(), WriteError> {
        self.recording.empty_from(1);
        self.drain()?;
        snapshot(self)?;
        self.waits()?;
        if self.plan.tail_synth {
            self.tell_state()?;
        }
        Ok(())
    }

    /// The samples of `--off-cpu`, which stand for the whole recording.
    fn waits(&mut self) -> Result<(), WriteError> {
        let Self { recording, writer: Writer { tally, output, .. }, off_cpu, .. } = self;
        let Some(off_cpu) = off_cpu else { return Ok(()) };
        let Some(at) = recording.events.iter().position(Planned::is_off_cpu) else { return Ok(()) };
        let id = recording.ids().iter().find(|id| id.event == at).map_or(0, |id| id.id);
        let attr = recording.events[at].attr;
        let lost = off_cpu.finish(&attr, id, tally, |piece| output.write(piece))?;
        tally.lost = tally.lost.saturating_add(lost);
        Ok(())
    }

    fn summary(&self) {
        let tally = &self.writer.tally;
        let megabytes = self.captured as f64 / 1024.0 / 1024.0;
        let name = match (self.files.last(), self.plan.switch) {
            (Some(_), _) => format!("{}.<timestamp>", self.writer.name.clone().unwrap_or_default().display()),
            (None, _) => self.writer.output.name(),
        };
        let mut line = format!("[ perf record: Captured and wrote {megabytes:.3} MB {name}");
        if tally.samples > 0 {
            let _ = write!(line, " ({} samples)", tally.samples);
        }
        if let Some(compressor) = &self.writer.compressor {
            let plain = compressor.plain as f64;
            let ratio = plain / (compressor.compressed.max(1) as f64);
            let _ = write!(line, ", compressed (original {:.3} MB, ratio is {ratio:.3})", plain / 1024.0 / 1024.0);
        }
        self.notes.line(&format!("{line} ]"));
        let lost = tally.lost + tally.lost_samples;
        if lost > 0 {
            let all = (tally.samples + lost).max(1);
            let percent = lost as f64 * 100.0 / all as f64;
            let message = Msg::new("record-lost")
                .with("lost", lost)
                .with("all", all)
                .with("percent", format!("{percent:.1}"))
                .with("bytes", (self.plan.ring_bytes as u64 * 4 / 1024).to_string());
            self.notes.note(&message);
        }
    }
}

/// As perf: the command's status, or the signal that ended the recording.
fn status(workload: Option<Workload>, signals: &Signals) -> u8 {
    let signal = signals.end();
    let mut status = 0;
    if let Some(mut workload) = workload {
        if !matches!(workload.try_wait(), Ok(Some(_))) {
            workload.signal(signal_hook::consts::SIGTERM);
        }
        if let Ok(ended) = workload.wait() {
            status = ended.code().map_or(0, |code| u8::try_from(code & 0xff).unwrap_or(0));
            if signal.is_none()
                && let Some(own) = ended.signal()
            {
                return 128_u8.saturating_add(u8::try_from(own).unwrap_or(0));
            }
        }
    }
    signal.map_or(status, |signal| 128_u8.saturating_add(signal))
}
