//! This host, once a second: the checklist, the numbers that are kept, and the listeners.

use std::sync::Arc;

use perfuse_analyze::Checklist;
use perfuse_analyze::listening::Listening;

/// What one second brought.
#[derive(Debug, Clone)]
pub(super) struct Beat {
    /// Milliseconds since 1970 in UTC.
    pub(super) time: u64,
    /// The checklist over the last seconds.
    pub(super) checklist: Arc<Checklist>,
    /// Who listens; `None` where that cannot be seen.
    pub(super) listening: Option<Arc<Vec<Listening>>>,
    /// The ports that the kernel gives to whoever asks for any.
    pub(super) ephemeral: (u16, u16),
}
