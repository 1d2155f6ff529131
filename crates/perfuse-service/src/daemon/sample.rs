//! What the core sees of this host beside the checklist: its listeners.

use std::sync::Arc;

use perfuse_analyze::listening::{Listening, ephemeral_ports, listening};
use perfuse_format::RawSnapshot;
use tokio::sync::watch;

use super::listeners::EVERY;
use crate::ring::Watcher;

/// The listeners at one time.
#[derive(Debug, Clone)]
pub(super) struct Looked {
    /// Milliseconds since 1970 in UTC.
    pub(super) time: u64,
    /// Who listens.
    pub(super) listening: Arc<Vec<Listening>>,
    /// The ports that the kernel gives to whoever asks for any.
    pub(super) ephemeral: (u16, u16),
}

/// What snapshots say; nothing where listeners cannot be seen.
pub(super) fn looked(snapshots: &[RawSnapshot]) -> Option<Looked> {
    let time = snapshots.last()?.real_ns / 1_000_000;
    let listening = Arc::new(listening(snapshots).into_value()?);
    Some(Looked { time, listening, ephemeral: ephemeral_ports(snapshots) })
}

/// Looks from time to time, on the thread that samples.
pub(super) fn watcher(to: watch::Sender<Option<Looked>>) -> Watcher {
    let mut next = 0_u64;
    Box::new(move |snapshots| {
        let time = snapshots.last().map_or(0, |snapshot| snapshot.mono_ns / 1_000_000);
        if time >= next {
            next = time.saturating_add(EVERY);
            to.send_replace(looked(snapshots));
        }
    })
}
