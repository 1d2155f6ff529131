//! What the core sees of this host beside the checklist: its listeners.

use std::sync::Arc;

use perfuse_analyze::listening::{self, Look, ephemeral_ports};
use perfuse_format::{RawSnapshot, Reading};
use tokio::sync::watch;

use super::listeners::EVERY;
use crate::ring::Watcher;

/// The listeners at one time; of each kind nothing where they cannot be seen.
#[derive(Debug, Clone)]
pub(super) struct Looked {
    /// Milliseconds since 1970 in UTC.
    pub(super) time: u64,
    /// TCP sockets that listen.
    pub(super) streams: Option<Arc<Look>>,
    /// UDP sockets that take datagrams from anybody.
    pub(super) datagrams: Option<Arc<Look>>,
    /// Local sockets that listen.
    pub(super) local: Option<Arc<Look>>,
    /// The ports that the kernel gives to whoever asks for any.
    pub(super) ephemeral: (u16, u16),
}

/// What snapshots say; nothing without any.
pub(super) fn looked(snapshots: &[RawSnapshot]) -> Option<Looked> {
    let time = snapshots.last()?.real_ns / 1_000_000;
    let shared = |look: Reading<Look>| look.into_value().map(Arc::new);
    Some(Looked {
        time,
        streams: shared(listening::streams(snapshots)),
        datagrams: shared(listening::datagrams(snapshots)),
        local: shared(listening::local(snapshots)),
        ephemeral: ephemeral_ports(snapshots),
    })
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
