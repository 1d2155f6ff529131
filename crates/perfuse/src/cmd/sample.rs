//! Taking snapshots: of this host at a steady beat, or from a recording.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use perfuse_analyze::window::Window;
use perfuse_analyze::{Arg, Msg, Quantity};
use perfuse_format::RawSnapshot;
use perfuse_format::proc::stat::ProcStat;
use perfuse_format::replay::{Decoder, Encoder};
use perfuse_service::host::{Plan, Session};

use crate::console::Console;
use crate::signals::Interrupt;

/// Snapshots that a report is made from at most; of a longer run they are spread evenly.
const MOST_SNAPSHOTS: usize = 61;

/// Adds to a snapshot what is measured beside the host; the second argument is whether it is the last one.
type More<'a> = &'a dyn Fn(&mut RawSnapshot, bool);

/// How this host is sampled.
pub(crate) struct Sampling<'a> {
    /// What is measured.
    pub(crate) plan: Plan,
    /// Where the raw samples are kept.
    pub(crate) record: Option<&'a Path>,
    /// How long, where the user said it.
    pub(crate) duration: Option<Duration>,
    /// How long otherwise.
    pub(crate) usual: Duration,
    /// Between two samples.
    pub(crate) interval: Duration,
    /// Whether to show no progress.
    pub(crate) quiet: bool,
    /// Until Ctrl-C, where no duration was said, and without keeping anything for a report.
    pub(crate) endless: bool,
    /// Adds what is measured beside the host to a snapshot; to the last one if told so.
    pub(crate) more: Option<More<'a>>,
}

/// The snapshots of a recording, up to its end or to where it is damaged.
pub(crate) fn replay(file: &Path, console: &Console) -> anyhow::Result<Option<Vec<RawSnapshot>>> {
    let name = || file.display().to_string();
    let bytes = std::fs::read(file).with_context(name)?;
    let mut window = Window::new(MOST_SNAPSHOTS);
    let mut count = 0_u64;
    for snapshot in Decoder::new(&bytes).with_context(name)? {
        match snapshot {
            Ok(snapshot) => {
                window.push(snapshot);
                count += 1;
            }
            Err(damage) => {
                let message = Msg::new("error-replay-damaged").with("file", name());
                console.note(&message.with("damage", damage.to_string()).with("snapshots", count));
                break;
            }
        }
    }
    if count == 0 {
        bail!(console.texts.text(&Msg::new("error-replay-empty").with("file", name())));
    }
    Ok(Some(window.into_snapshots()))
}

/// Samples this host, until `ended` says so at the latest. Nothing is returned, and nothing kept in memory, when the run is a recording without an end: that is
/// not also a report.
pub(crate) fn collect(
    sampling: Sampling<'_>,
    console: &Console,
    mut ended: impl FnMut() -> bool,
) -> anyhow::Result<Option<Vec<RawSnapshot>>> {
    let interrupt = Interrupt::install()?;
    let mut recording = sampling.record.map(Recording::create).transpose()?;
    let endless = sampling.endless;
    let duration = sampling.duration.unwrap_or(if endless { Duration::MAX } else { sampling.usual });
    let mut progress = Progress::new(&sampling, console, duration, recording.is_some());
    progress.attaching();
    let interval = sampling.interval.min(duration);
    let more = sampling.more;
    let mut session = Session::start(sampling.plan);
    let start = Instant::now();
    let end = start.checked_add(duration);
    let mut window = (!endless).then(|| Window::new(MOST_SNAPSHOTS));
    let mut next = start;
    loop {
        // The last sample is taken at the end even if that cuts the last interval short.
        let due = end.map_or(next, |end| next.min(end));
        let on_time = interrupt.sleep_until(due, &mut ended);
        let last = !on_time || end.is_some_and(|end| due >= end);
        let mut snapshot = session.snapshot(last);
        if let Some(more) = more {
            more(&mut snapshot, last);
        }
        progress.show(&snapshot, start.elapsed(), recording.as_ref());
        match (&mut recording, &mut window) {
            (Some(recording), Some(window)) => {
                recording.append(snapshot.clone())?;
                window.push(snapshot);
            }
            (Some(recording), None) => recording.append(snapshot)?,
            (None, Some(window)) => window.push(snapshot),
            (None, None) => {}
        }
        if last {
            break;
        }
        // After a pause (a suspended machine) the missed samples are not made up for.
        while next <= Instant::now() {
            next += interval;
        }
    }
    drop(session);
    progress.clear();
    if interrupt.came() && !endless {
        let seconds = Quantity::seconds(start.elapsed().as_secs_f64());
        console.note(&Msg::new("note-interrupted").with("seconds", seconds));
    }
    if let Some(recording) = recording {
        console.note(&recording.finish()?);
    }
    Ok(window.map(Window::into_snapshots))
}

/// The file of `--record`.
struct Recording {
    name: String,
    file: BufWriter<File>,
    encoder: Encoder,
    bytes: u64,
    snapshots: u64,
}

impl Recording {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let file = File::create(path).with_context(|| name.clone())?;
        let mut recording = Self { name, file: BufWriter::new(file), encoder: Encoder::new(), bytes: 0, snapshots: 0 };
        recording.write(&Encoder::header(concat!("perfuse ", env!("CARGO_PKG_VERSION"))))?;
        Ok(recording)
    }

    fn append(&mut self, snapshot: RawSnapshot) -> anyhow::Result<()> {
        let record = self.encoder.snapshot(snapshot);
        self.snapshots += 1;
        self.write(&record)
    }

    /// Each record is given to the kernel as a whole: a killed process leaves whole records.
    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).and_then(|()| self.file.flush()).with_context(|| self.name.clone())
    }

    fn finish(mut self) -> anyhow::Result<Msg> {
        self.file.flush().with_context(|| self.name.clone())?;
        let size = Arg::from(Quantity::bytes(self.bytes as f64));
        Ok(Msg::new("note-recorded").with("snapshots", self.snapshots).with("size", size).with("file", self.name))
    }
}

/// The live line on the terminal.
struct Progress<'a> {
    console: &'a Console<'a>,
    shown: bool,
    total: Option<Duration>,
    before: Option<ProcStat>,
}

impl<'a> Progress<'a> {
    fn new(sampling: &Sampling<'_>, console: &'a Console<'a>, duration: Duration, recording: bool) -> Self {
        let total = (!recording || sampling.duration.is_some()).then_some(duration);
        let total = total.filter(|total| *total < Duration::MAX);
        Self { console, shown: console.progress && !sampling.quiet, total, before: None }
    }

    fn attaching(&self) {
        if self.shown {
            self.console.show_progress(&self.console.texts.word("progress-attaching"));
        }
    }

    fn show(&mut self, snapshot: &RawSnapshot, done: Duration, recording: Option<&Recording>) {
        if !self.shown {
            return;
        }
        let stat: Option<ProcStat> = snapshot.get("/proc/stat").into_value();
        let busy = match (&self.before, &stat) {
            (Some(before), Some(now)) => {
                let total = now.all.total().saturating_sub(before.all.total());
                (total > 0).then(|| now.all.busy().saturating_sub(before.all.busy()) as f64 / total as f64)
            }
            _ => None,
        };
        self.before = stat;
        let texts = self.console.texts;
        let time = |time: Duration| texts.quantity(Quantity::seconds(time.as_secs_f64().round()));
        let cpu = busy.map_or_else(|| "-".to_owned(), |busy| texts.quantity(Quantity::ratio(busy)));
        let message = match (self.total, recording) {
            (Some(total), _) => {
                Msg::new("progress-sampling").with("done", time(done)).with("total", time(total)).with("cpu", cpu)
            }
            (None, Some(recording)) => Msg::new("progress-recording")
                .with("done", time(done))
                .with("size", Quantity::bytes(recording.bytes as f64))
                .with("file", recording.name.as_str()),
            (None, None) => return,
        };
        self.console.show_progress(&texts.text(&message));
    }

    fn clear(&self) {
        if self.shown {
            self.console.show_progress("");
        }
    }
}
