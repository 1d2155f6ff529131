//! `/proc/locks`: locks of files, held and waited for (`proc_locks(5)`).

use crate::parse::{FromBytes, ParseError, fields, lines, unsigned};

/// One line: a lock that is held, or one that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLock {
    /// Number of the lock that is held; those who wait for it have the same.
    pub id: u64,
    /// Whether it is waited for.
    pub waiting: bool,
    /// The process; none for a lock of an open file description, which several may share.
    pub pid: Option<u32>,
}

/// All locks of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileLocks(pub Vec<FileLock>);

impl FileLocks {
    /// Where it stands in a snapshot.
    pub const SOURCE: &'static str = "/proc/locks";

    /// The processes that hold what `pid` waits for.
    pub fn holders(&self, pid: u32) -> impl Iterator<Item = u32> {
        let waits = self.0.iter().filter(move |lock| lock.waiting && lock.pid == Some(pid));
        waits.flat_map(|wait| {
            self.0.iter().filter(|lock| !lock.waiting && lock.id == wait.id).filter_map(|lock| lock.pid)
        })
    }
}

impl FromBytes for FileLocks {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let all = lines(bytes).filter(|(_, line)| !line.is_empty());
        let read = |(number, line)| lock(line).ok_or_else(|| ParseError::new(number, "a lock of a file", line));
        all.map(read).collect::<Result<_, _>>().map(Self)
    }
}

/// `1: -> FLOCK  ADVISORY  WRITE 8385 fe:00:1234 0 EOF`.
fn lock(line: &[u8]) -> Option<FileLock> {
    let mut words = fields(line).peekable();
    let id = unsigned(words.next()?.strip_suffix(b":")?)?;
    let mut waiting = false;
    // Who waits for one that waits stands further to the right.
    while words.next_if(|word| *word == b"->").is_some() {
        waiting = true;
    }
    let owner = words.nth(3)?;
    let pid = unsigned(owner).and_then(|pid| u32::try_from(pid).ok());
    (pid.is_some() || owner == b"-1").then_some(FileLock { id, waiting, pid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_what_another_one_waits_for_is_found() {
        let text = b"1: POSIX  ADVISORY  WRITE 812 00:19:742 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 70 fe:00:55 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 71 fe:00:55 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 72 fe:00:55 0 EOF\n\
                     3: OFDLCK ADVISORY  READ -1 00:06:9 0 EOF\n";
        let locks = FileLocks::from_bytes(text).unwrap();
        assert_eq!(locks.0.len(), 5);
        assert_eq!(locks.holders(72).collect::<Vec<_>>(), [70]);
        assert_eq!(locks.holders(70).count(), 0);
        assert_eq!(locks.0[4], FileLock { id: 3, waiting: false, pid: None });
        assert!(FileLocks::from_bytes(b"1: FLOCK ADVISORY\n").is_err());
        assert!(FileLocks::from_bytes(b"1: FLOCK ADVISORY WRITE x 00:06:9 0 EOF\n").is_err());
    }
}
