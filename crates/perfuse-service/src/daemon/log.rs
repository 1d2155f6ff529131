//! What the daemon tells whoever runs it: lines with a priority, which the binary writes.

use std::fmt;
use std::sync::Arc;

use perfuse_analyze::Msg;

/// How much a line matters; the numbers are those of `syslog(3)`, which journald reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Something does not work.
    Error = 3,
    /// Something may not work, or works less well.
    Warning = 4,
    /// Something that happens in the life of a daemon and is to be seen.
    Notice = 5,
    /// The rest.
    Info = 6,
}

/// Takes one line.
type Write = dyn Fn(Priority, &Msg) + Send + Sync;

/// Where lines go; cheap to copy.
#[derive(Clone)]
pub struct Log(Arc<Write>);

impl Log {
    /// Writes with this function; it is called from several threads.
    pub fn new(write: impl Fn(Priority, &Msg) + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    /// Nobody wants to know.
    pub fn silent() -> Self {
        Self::new(|_, _| {})
    }

    /// Writes one line.
    pub fn say(&self, priority: Priority, message: &Msg) {
        (self.0)(priority, message);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Log")
    }
}
