//! The thread that samples this host. It waits for nobody.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use perfuse_analyze::listening::{ephemeral_ports, listening};
use perfuse_analyze::window::Sliding;
use perfuse_analyze::{Checklist, Run, Scope, Thresholds};
use perfuse_collect::{Root, Sampler};
use tokio::sync::watch;

use super::sample::Beat;

/// Between two samples.
const BEAT: Duration = Duration::from_secs(1);
/// Snapshots that a checklist is made from, at least.
const WINDOW: usize = 6;

/// Samples until the other end of `stop` is gone.
pub(super) fn run(thresholds: &Thresholds, stop: &Receiver<()>, to: &watch::Sender<Option<Beat>>) {
    let mut sampler = Sampler::new(Root::default());
    let mut window = Sliding::new(WINDOW);
    window.push(sampler.snapshot(false, |_, _| {}));
    let mut next = Instant::now() + BEAT;
    // The second snapshot is a complete one too, so that the first checklist has every rate.
    let mut second = true;
    loop {
        match stop.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
        // After a pause the missed samples are not made up for.
        while next <= Instant::now() {
            next += BEAT;
        }
        window.push(sampler.snapshot(std::mem::take(&mut second), |_, _| {}));
        if let Some(beat) = beat(&mut window, thresholds) {
            to.send_replace(Some(beat));
        }
    }
}

/// What the snapshots of a window say.
pub(super) fn beat(window: &mut Sliding, thresholds: &Thresholds) -> Option<Beat> {
    let snapshots = window.snapshots();
    let time = snapshots.last()?.real_ns / 1_000_000;
    let run = Run::new(snapshots, thresholds.clone(), Scope::default()).ok()?;
    Some(Beat {
        time,
        checklist: Arc::new(Checklist::build(&run)),
        listening: listening(snapshots).into_value().map(Arc::new),
        ephemeral: ephemeral_ports(snapshots),
    })
}
