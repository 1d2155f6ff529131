//! Files that are kept open and read again from their start: opening costs more than reading.

use std::fs::File;
use std::path::Path;

use rustix::io::{Errno, pread};

/// Bytes that a first read asks for; most kernel files fit, so that one system call reads them.
const FIRST: usize = 16 * 1024;

/// More than any kernel file that we read has; a larger one is cut and the parser then says where it ends.
const MOST: usize = 64 * 1024 * 1024;

/// A file that is opened at its first reading and stays open.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    file: Option<File>,
}

impl Kept {
    /// The whole content, read from the start into `buffer`. A file that has gone is closed.
    pub(crate) fn read<'b>(&mut self, path: &Path, buffer: &'b mut Vec<u8>) -> Result<&'b [u8], i32> {
        let file = match self.file.take() {
            Some(file) => file,
            None => open(path)?,
        };
        let length = read_all(&file, buffer).map_err(Errno::raw_os_error)?;
        self.file = Some(file);
        Ok(&buffer[..length])
    }

    /// Whether it is open now.
    pub(crate) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Closes it until the next reading.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }
}

/// Reads a file of one record once, such as `/proc/PID/status`: of `single_open` in the kernel (`fs/seq_file.c`), which shows
/// the whole record at once, so that a read that returns less than it might has all of it.
pub(crate) fn read_once(path: &Path, buffer: &mut Vec<u8>) -> Result<Vec<u8>, i32> {
    let file = open(path)?;
    grow(buffer);
    let length = match pread(&file, &mut buffer[..], 0) {
        Ok(length) if length < buffer.len() => length,
        // As long as the buffer, or interrupted.
        _ => read_all(&file, buffer).map_err(Errno::raw_os_error)?,
    };
    Ok(buffer[..length].to_vec())
}

fn grow(buffer: &mut Vec<u8>) {
    if buffer.len() < FIRST {
        buffer.resize(FIRST, 0);
    }
}

fn open(path: &Path) -> Result<File, i32> {
    use std::os::unix::fs::OpenOptionsExt;
    // O_NONBLOCK: a path that turns out to be a pipe must not hang the sampler.
    let opened = std::fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    opened.map_err(|error| error.raw_os_error().unwrap_or(libc::EIO))
}

fn read_all(file: &File, buffer: &mut Vec<u8>) -> Result<usize, Errno> {
    grow(buffer);
    let mut length = 0;
    loop {
        let offset = length as u64;
        match pread(file, &mut buffer[length..], offset) {
            // The end is only known by a read that returns nothing: a seq_file returns less than asked for in between.
            Ok(0) => return Ok(length),
            Ok(read) => length += read,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error),
        }
        if length == buffer.len() {
            if length >= MOST {
                return Ok(length);
            }
            buffer.resize(length * 2, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_again_from_the_start_and_grows() {
        let mut buffer = Vec::new();
        let mut kept = Kept::default();
        let path = Path::new("/proc/self/stat");
        let first = kept.read(path, &mut buffer).unwrap().to_vec();
        assert!(kept.is_open());
        let again = kept.read(path, &mut buffer).unwrap();
        assert_eq!(first[..4], again[..4]);
        let own = std::env::current_exe().unwrap();
        let size = std::fs::metadata(&own).unwrap().len();
        assert_eq!(read_once(&own, &mut buffer).unwrap().len() as u64, size.min(MOST as u64));
    }

    #[test]
    fn a_record_is_read_at_once_and_a_longer_one_too() {
        let mut buffer = Vec::new();
        let limits = Path::new("/proc/self/limits");
        let kept = Kept::default().read(limits, &mut Vec::new()).map(<[u8]>::to_vec);
        assert_eq!(read_once(limits, &mut buffer), kept);
        let long = tempfile::NamedTempFile::new().unwrap();
        for length in [FIRST - 1, FIRST, FIRST + 1] {
            std::fs::write(long.path(), vec![7; length]).unwrap();
            assert_eq!(read_once(long.path(), &mut Vec::new()).unwrap().len(), length);
        }
    }

    #[test]
    fn a_missing_file_is_its_errno() {
        let mut kept = Kept::default();
        assert_eq!(kept.read(Path::new("/proc/no-such"), &mut Vec::new()), Err(libc::ENOENT));
        assert!(!kept.is_open());
    }
}
