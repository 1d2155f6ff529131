//! Options that few recordings need: who controls it, how urgently and where it runs. And those that need what is not
//! there, which are refused with the reason instead of being passed over.

use std::time::Duration;

use perfuse_analyze::Msg;
use perfuse_collect::perf::record::Affinity;

use super::control::Control;
use super::notes::Notes;
use super::values::size;
use crate::perf::options::{Parsed, UsageError};

/// Options that cannot be fulfilled, with the words for the reason.
const REFUSED: &[(&str, &str)] = &[
    ("snapshot", "record-no-aux"),
    ("aux-sample", "record-no-aux"),
    ("kcore", "record-no-kcore"),
    ("clang-path", "record-no-scriptlets"),
    ("clang-opt", "record-no-scriptlets"),
    ("vmlinux", "record-no-scriptlets"),
    ("switch-output-event", "record-no-switch-event"),
    ("threads", "record-no-threads"),
];
/// Options that change nothing of what is recorded here, with the words for the reason.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("aio", "record-no-need-aio"),
    ("num-thread-synthesize", "record-no-need-threads"),
    ("debuginfod", "record-no-need-debuginfod"),
];

/// What few recordings need.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// Who starts and stops the events (`--control`).
    pub(super) control: Option<Control>,
    /// Priority among real-time processes (`-r`).
    pub(super) realtime: Option<i32>,
    /// Where rings are read (`--affinity`).
    pub(super) affinity: Affinity,
    /// Waits are summed up (`--off-cpu`).
    pub(super) off_cpu: bool,
    /// Unread bytes from which on a ring is emptied (`--mmap-flush`).
    flush: u64,
    /// How long the mappings of a process may take (`--proc-map-timeout`).
    pub(super) map_limit: Option<Duration>,
}

impl Extra {
    /// Reads the options; `None` after one was refused.
    pub(super) fn of(parsed: &Parsed, notes: &Notes<'_>) -> Result<Option<Self>, UsageError> {
        let given = |id: &str| parsed.last(id).is_some_and(|given| !given.negated);
        if let Some((option, message)) = REFUSED.iter().find(|(option, _)| given(option)) {
            notes.error(&Msg::new(*message).with("option", format!("--{option}")));
            return Ok(None);
        }
        for (option, message) in WITHOUT_EFFECT.iter().filter(|(option, _)| given(option)) {
            notes.note(&Msg::new(*message).with("option", format!("--{option}")));
        }
        let affinity = match parsed.text("affinity").as_deref() {
            None => Affinity::Anywhere,
            Some("cpu") => Affinity::Cpu,
            Some("node") => Affinity::Node,
            Some(other) => return Err(UsageError::value("affinity", other, Msg::new("record-affinity"))),
        };
        let flush = parsed.text("mmap-flush").map(|text| size("mmap-flush", &text)).transpose()?;
        Ok(Some(Self {
            control: parsed.text("control").map(|text| Control::open(&text)).transpose()?,
            realtime: parsed.number("realtime")?.filter(|priority| *priority > 0),
            affinity,
            off_cpu: parsed.on("off-cpu"),
            flush: flush.unwrap_or(1),
            map_limit: parsed.number("proc-map-timeout")?.filter(|ms| *ms > 0).map(Duration::from_millis),
        }))
    }

    /// As perf: a quarter of the ring at most, so that it never fills up.
    pub(super) fn flush(&self, ring: usize) -> usize {
        usize::try_from(self.flush).unwrap_or(usize::MAX).clamp(1, (ring / 4).max(1))
    }
}
