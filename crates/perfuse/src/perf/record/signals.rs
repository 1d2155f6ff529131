//! Signals as descriptors that become readable, so that none is missed between a look and a wait.

use std::io::Read as _;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR2};

/// Those that matter to a recording.
pub(super) struct Signals {
    end: UnixStream,
    rotate: UnixStream,
    /// Kept, so that the other end is not at its end where no signal writes to it.
    _tell_rotate: UnixStream,
    which: Arc<AtomicUsize>,
}

impl Signals {
    /// Takes over SIGINT, SIGTERM and SIGHUP, and SIGUSR2 where it begins a new file.
    pub(super) fn install(rotates: bool) -> std::io::Result<Self> {
        let pair = || -> std::io::Result<(UnixStream, UnixStream)> {
            let (read, write) = UnixStream::pair()?;
            read.set_nonblocking(true)?;
            Ok((read, write))
        };
        let (end, tell_end) = pair()?;
        let (rotate, tell_rotate) = pair()?;
        let which = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let number = usize::try_from(signal).unwrap_or(0);
            signal_hook::flag::register_usize(signal, Arc::clone(&which), number)?;
            signal_hook::low_level::pipe::register(signal, tell_end.try_clone()?)?;
        }
        if rotates {
            signal_hook::low_level::pipe::register(SIGUSR2, tell_rotate.try_clone()?)?;
        }
        Ok(Self { end, rotate, _tell_rotate: tell_rotate, which })
    }

    /// To be polled: the end, and a new file.
    pub(super) fn fds(&self) -> [BorrowedFd<'_>; 2] {
        [self.end.as_fd(), self.rotate.as_fd()]
    }

    /// The signal that asked for the end.
    pub(super) fn end(&self) -> Option<u8> {
        u8::try_from(self.which.load(Ordering::Relaxed)).ok().filter(|signal| *signal != 0)
    }

    /// Whether a new file was asked for since the last time.
    pub(super) fn rotate(&self) -> bool {
        let mut bytes = [0; 64];
        matches!((&self.rotate).read(&mut bytes), Ok(1..))
    }
}
