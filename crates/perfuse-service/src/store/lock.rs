//! One process writes.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::StoreError;

/// Tries before the lock counts as held: a daemon that is just ending, or a child between fork and exec, lets go by itself.
const TRIES: u32 = 20;

/// Held as long as the file is open, so that the kernel frees it however the process ends.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join("lock");
        let io = |error| StoreError::Io { file: path.clone(), error };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        let mut tries = TRIES;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK) if tries > 0 => {
                    tries -= 1;
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(Errno::WOULDBLOCK) => {
                    let text = fs::read_to_string(&path).unwrap_or_default();
                    let pid = if text.trim().is_empty() { "?" } else { text.trim() };
                    return Err(StoreError::Locked { directory: directory.to_owned(), pid: pid.to_owned() });
                }
                Err(error) => return Err(io(error.into())),
            }
        }
        // The number only serves the message: a full disk must not keep the daemon from starting.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}
