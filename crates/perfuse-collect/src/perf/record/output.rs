//! Where the bytes of a recording go: a file whose header is written again at the end, or a pipe.

use std::fs::File;
use std::io::{self, IoSlice, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::perf::ring::{Unread, each_record};

/// Bytes that are given back when the disk is full, so that the header's features find room behind the records.
const ROOM_FOR_FEATURES: u64 = 1 << 20;
/// Ends of rounds that are remembered, for that purpose.
const MOST_ROUNDS: usize = 256;

/// A file or a pipe.
#[derive(Debug)]
pub struct Output {
    file: File,
    /// Its path; `None` for a pipe.
    path: Option<PathBuf>,
    /// Bytes written so far, the header included.
    at: u64,
    /// Ends of the last rounds, at which the file could be cut.
    rounds: std::collections::VecDeque<u64>,
}

/// What could not be written, and to where.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {error}")]
pub struct WriteError {
    /// The file, or `-`.
    pub path: String,
    /// What the kernel said.
    pub error: io::Error,
}

impl Output {
    /// Creates a file; one that is there already and holds something becomes `NAME.old`.
    pub fn create(path: &Path) -> Result<Self, WriteError> {
        let failed = |error| WriteError { path: path.display().to_string(), error };
        match std::fs::metadata(path) {
            Ok(known) if known.is_file() && known.len() > 0 => {
                let mut old = path.as_os_str().to_owned();
                old.push(".old");
                std::fs::rename(path, &old).map_err(failed)?;
            }
            _ => {}
        }
        Self::create_new(path)
    }

    /// Creates a file, whatever was there.
    pub fn create_new(path: &Path) -> Result<Self, WriteError> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let failed = |error| WriteError { path: path.display().to_string(), error };
        // A recording may hold secrets of the host: nobody else may read it.
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(path).map_err(failed)?;
        Ok(Self { file, path: Some(path.to_owned()), at: 0, rounds: std::collections::VecDeque::new() })
    }

    /// Writes to a pipe, such as standard output.
    pub fn pipe(fd: BorrowedFd<'_>) -> Result<Self, WriteError> {
        let owned = fd.try_clone_to_owned().map_err(|error| WriteError { path: "-".to_owned(), error })?;
        Ok(Self { file: owned.into(), path: None, at: 0, rounds: std::collections::VecDeque::new() })
    }

    /// Whether it is a pipe.
    pub fn is_pipe(&self) -> bool {
        self.path.is_none()
    }

    /// Bytes written.
    pub fn written(&self) -> u64 {
        self.at
    }

    /// The path, or `-`.
    pub fn name(&self) -> String {
        self.path.as_deref().map_or_else(|| "-".to_owned(), |path| path.display().to_string())
    }

    fn failed(&self, error: io::Error) -> WriteError {
        WriteError { path: self.name(), error }
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.both(Unread { first: bytes, second: &[] })
    }

    /// Appends bytes that are of no use in part: all of them, or none.
    pub fn write_whole(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.at += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.cut_here();
                Err(self.failed(error))
            }
        }
    }

    /// Appends what a ring holds, without a copy of our own. What does not fit whole is taken back up to the last
    /// complete record.
    pub fn both(&mut self, unread: Unread<'_>) -> Result<(), WriteError> {
        let mut done = 0;
        let total = unread.len();
        while done < total {
            let (first, second) = if done < unread.first.len() {
                (&unread.first[done..], unread.second)
            } else {
                (&unread.second[done - unread.first.len()..], &[][..])
            };
            match self.file.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]) {
                Ok(0) => return Err(self.cut(unread, done, io::ErrorKind::WriteZero.into())),
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.cut(unread, done, error)),
            }
        }
        self.at += total as u64;
        Ok(())
    }

    /// After a write that stopped in the middle: keeps the whole records of what was written.
    fn cut(&mut self, unread: Unread<'_>, done: usize, error: io::Error) -> WriteError {
        let mut whole = 0_u64;
        each_record(unread, &mut Vec::new(), |record| {
            let end = whole + record.len() as u64;
            if end <= done as u64 {
                whole = end;
            }
        });
        self.at += whole;
        self.cut_here();
        self.failed(error)
    }

    /// Takes back what was written behind the end.
    fn cut_here(&mut self) {
        if !self.is_pipe() {
            let _ = self.file.set_len(self.at);
            let _ = io::Seek::seek(&mut self.file, io::SeekFrom::Start(self.at));
        }
    }

    /// Notes that a round is complete here.
    pub fn end_round(&mut self) {
        if self.rounds.len() == MOST_ROUNDS {
            self.rounds.pop_front();
        }
        self.rounds.push_back(self.at);
    }

    /// On a full disk: gives up the last rounds, at most a megabyte of records, so that what describes the others fits
    /// behind them. Bytes that are given up.
    pub fn make_room(&mut self) -> u64 {
        let limit = self.at.saturating_sub(ROOM_FOR_FEATURES);
        let Some(&end) = self.rounds.iter().rev().find(|end| **end <= limit).or(self.rounds.front()) else { return 0 };
        if self.is_pipe() || end >= self.at || self.file.set_len(end).is_err() {
            return 0;
        }
        let given = self.at - end;
        self.at = end;
        let _ = io::Seek::seek(&mut self.file, io::SeekFrom::Start(end));
        given
    }

    /// Writes over what is there, such as the header.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), WriteError> {
        self.file.write_all_at(bytes, offset).map_err(|error| self.failed(error))
    }

    /// Gives the file another name.
    pub fn rename(&mut self, path: &Path) -> Result<(), WriteError> {
        let Some(old) = &self.path else { return Ok(()) };
        std::fs::rename(old, path).map_err(|error| WriteError { path: path.display().to_string(), error })?;
        self.path = Some(path.to_owned());
        Ok(())
    }
}

impl AsFd for Output {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_recording_is_kept_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("perf.data");
        for text in [b"one", b"two"] {
            let mut output = Output::create(&path).unwrap();
            output.write(text).unwrap();
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read(directory.path().join("perf.data.old")).unwrap(), b"one");
    }

    #[test]
    fn parts_around_the_end_are_one_after_the_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let mut output = Output::create(&path).unwrap();
        output.both(Unread { first: b"abc", second: b"def" }).unwrap();
        output.both(Unread { first: b"", second: b"" }).unwrap();
        output.write_at(b"X", 1).unwrap();
        assert_eq!((output.written(), std::fs::read(&path).unwrap()), (6, b"aXcdef".to_vec()));
    }

    #[test]
    fn a_full_disk_leaves_whole_records_and_names_the_file() {
        let mut output = Output::create_new(Path::new("/dev/full")).unwrap();
        assert!(output.write_whole(&[0; 16]).is_err());
        let error = output.write(&[0; 16]).unwrap_err();
        assert_eq!((error.path.as_str(), error.error.raw_os_error()), ("/dev/full", Some(libc::ENOSPC)));
        assert_eq!(output.written(), 0);
    }

    #[test]
    fn room_is_made_at_the_end_of_a_round() {
        let directory = tempfile::tempdir().unwrap();
        let mut output = Output::create(&directory.path().join("x")).unwrap();
        for _ in 0..3 {
            output.write(&vec![0; 700_000]).unwrap();
            output.end_round();
        }
        assert_eq!(output.make_room(), 1_400_000);
        assert_eq!(output.written(), 700_000);
        output.write(b"features").unwrap();
        assert_eq!(std::fs::metadata(directory.path().join("x")).unwrap().len(), 700_008);
    }
}
