//! A closer look: what `perfuse why` does, for some seconds after a component has failed.
//!
//! The ring runs only what is cheap enough for all day. Why a thread sleeps and whom it waits for takes every in-kernel
//! program there is; these run for the seconds of the look.

use std::time::{Duration, Instant};

use perfuse_analyze::Thresholds;
use perfuse_format::RawSnapshot;
use perfuse_format::replay::Encoder;

use super::keep::recording;
use crate::host::{Plan, Session};

/// Between two samples.
const BEAT: Duration = Duration::from_secs(1);

/// What a look saw.
pub struct Look {
    records: Vec<u8>,
    last: RawSnapshot,
}

impl Look {
    /// Looks for that long, on the calling thread.
    pub fn take(thresholds: &Thresholds, length: Duration) -> Self {
        let mut session = Session::start(Plan::why(false, true, thresholds).within_a_daemon());
        let start = Instant::now();
        let end = start + length;
        let mut encoder = Encoder::new();
        let mut records = Vec::new();
        let mut next = start;
        while next < end {
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            records.extend(encoder.snapshot(session.snapshot(false)));
            while next <= Instant::now() {
                next += BEAT;
            }
        }
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
        let mut last = session.snapshot(true);
        let stacks = session.unnamed(&last);
        // The programs cost whoever they watch; naming does not need them any more.
        drop(session);
        stacks.name(&mut last);
        Self { records, last }
    }

    /// The recording, as `why --record` writes it. `add` puts more into its last snapshot.
    pub fn recording(&self, add: impl FnOnce(&mut RawSnapshot)) -> Vec<u8> {
        let mut last = self.last.clone();
        add(&mut last);
        recording(std::iter::once(self.records.as_slice()), last)
    }
}
