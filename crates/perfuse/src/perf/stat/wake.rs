//! Waiting without looking at a clock every few milliseconds: a measurement must not be full of its own wakeups.

use std::io::Read as _;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use perfuse_collect::perf::Workload;
use perfuse_collect::perf::workload::{WorkloadError, wait_readable};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// How often a process that is watched is looked after, as in perf.
const LOOK: Duration = Duration::from_secs(1);

/// Wakes up for signals.
#[derive(Debug)]
pub(super) struct Wake {
    came: Arc<AtomicBool>,
    signals: UnixStream,
}

impl Wake {
    /// Takes over the signals that ask to end. A second one changes nothing, as in perf: `timeout` sends one to the
    /// program and one to its group, and the totals are to be printed all the same.
    pub(super) fn install() -> anyhow::Result<Self> {
        let came = Arc::new(AtomicBool::new(false));
        let (signals, writer) = UnixStream::pair()?;
        signals.set_nonblocking(true)?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // In this order: whoever is woken finds the flag set.
            signal_hook::flag::register(signal, Arc::clone(&came))?;
            signal_hook::low_level::pipe::register(signal, writer.try_clone()?)?;
        }
        Ok(Self { came, signals })
    }

    /// Whether a signal asked to end.
    pub(super) fn came(&self) -> bool {
        self.came.load(Ordering::Relaxed)
    }

    /// Waits for the deadline, the end of the command or a signal, whatever comes first.
    pub(super) fn until(&self, deadline: Option<Instant>, workload: Option<&Workload>) {
        self.until_readable(deadline, workload, None);
    }

    /// The same, and wakes when a descriptor can be read.
    pub(super) fn until_readable(
        &self,
        deadline: Option<Instant>,
        workload: Option<&Workload>,
        also: Option<BorrowedFd<'_>>,
    ) {
        let limit = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let mut descriptors = vec![self.signals.as_fd()];
        // On kernels without pidfds somebody has to look.
        let blind = workload.is_some_and(|workload| workload.ended_fd().is_none());
        let limit = if blind { Some(limit.unwrap_or(LOOK).min(Duration::from_millis(5))) } else { limit };
        descriptors.extend(workload.and_then(Workload::ended_fd));
        descriptors.extend(also);
        wait_readable(&descriptors, limit);
        let mut bytes = [0_u8; 16];
        let _ = (&self.signals).read(&mut bytes);
    }

    /// Waits for the end of the command, whatever signals come: they are its own affair.
    pub(super) fn for_end(&self, workload: &mut Workload) -> Result<(), WorkloadError> {
        while workload.try_wait()?.is_none() {
            self.until(None, Some(workload));
        }
        Ok(())
    }
}
