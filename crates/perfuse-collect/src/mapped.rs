//! Files in memory without a copy: recordings and programs that are larger than what is read of them.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::fd::AsFd as _;
use std::path::Path;

use rustix::mm::{MapFlags, ProtFlags};

/// The bytes of a file, mapped privately and for reading only.
///
/// A file that another process cuts while it is mapped has pages behind its new end that cannot be read any more: reading
/// them ends this process with SIGBUS. Whoever writes recordings renames or appends and never cuts, so this is accepted.
#[derive(Debug)]
pub struct MappedFile {
    /// `None` for what was read instead: an empty file, a pipe.
    map: Option<(std::ptr::NonNull<u8>, usize)>,
    read: Vec<u8>,
}

// SAFETY: the mapping is private to the value, read-only, and stays until it is dropped; nothing in it is tied to a thread.
unsafe impl Send for MappedFile {}
// SAFETY: as above; shared references only read.
unsafe impl Sync for MappedFile {}

/// Maps a file. What cannot be mapped (a pipe, a file in `/proc`, an empty one) is read.
pub fn map_file(path: impl AsRef<Path>) -> io::Result<MappedFile> {
    map_open(&File::open(path)?)
}

/// The same for a file that is already open.
pub fn map_open(file: &File) -> io::Result<MappedFile> {
    let metadata = file.metadata()?;
    let length = usize::try_from(metadata.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    if metadata.is_file() && length > 0 {
        // SAFETY: no address is asked for, so no other mapping is replaced; the length is that of the file.
        let start = unsafe {
            rustix::mm::mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE, file.as_fd(), 0)
        };
        if let Some(start) = start.ok().and_then(|start| std::ptr::NonNull::new(start.cast::<u8>())) {
            return Ok(MappedFile { map: Some((start, length)), read: Vec::new() });
        }
    }
    let mut read = Vec::new();
    io::Read::read_to_end(&mut &*file, &mut read)?;
    Ok(MappedFile { map: None, read })
}

impl MappedFile {
    /// Gives back the memory of the pages that lie wholly in `range`. Their bytes stay what they are: whoever looks at them
    /// again has them read from the file again, out of the page cache as a rule. So that going through a file once takes the
    /// memory of what is looked at, and not of the file. Of what was read instead of mapped nothing is given back.
    pub fn release(&self, range: std::ops::Range<usize>) {
        let Some((start, length)) = self.map else { return };
        let page = rustix::param::page_size();
        let from = range.start.next_multiple_of(page);
        let to = range.end.min(length) / page * page;
        if from >= to {
            return;
        }
        // SAFETY: `from..to` is a part of the mapping, which is private, of a file, and never written to: the pages that
        // are dropped are read from the file again where they are needed, with the same bytes.
        unsafe {
            let at = start.as_ptr().add(from).cast();
            // A kernel that refuses keeps the pages: nothing depends on it.
            let _ = rustix::mm::madvise(at, to - from, rustix::mm::Advice::LinuxDontNeed);
        }
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self.map {
            // SAFETY: the mapping has this length and is readable until `self` is dropped.
            Some((start, length)) => unsafe { std::slice::from_raw_parts(start.as_ptr(), length) },
            None => &self.read,
        }
    }
}

impl Drop for MappedFile {
    fn drop(&mut self) {
        if let Some((start, length)) = self.map {
            // SAFETY: start and length are those of the mapping, and no reference to it is left. A failure would only
            // leave it mapped.
            let _ = unsafe { rustix::mm::munmap(start.as_ptr().cast(), length) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_bytes_of_a_file_are_there() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        assert!(map_file(file.path()).unwrap().is_empty());
        file.write_all(&[7; 10_000]).unwrap();
        let mapped = map_file(file.path()).unwrap();
        assert_eq!(&*mapped, &[7; 10_000]);
        assert!(mapped.map.is_some());
    }

    #[test]
    fn what_was_given_back_is_still_there() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..100_000_u32).map(|number| u8::try_from(number % 251).unwrap()).collect();
        file.write_all(&bytes).unwrap();
        let mapped = map_file(file.path()).unwrap();
        assert_eq!(*mapped, bytes[..]);
        for range in [0..50_000, 0..100_000, 7..8, 99_999..1_000_000, 200_000..300_000] {
            mapped.release(range);
            assert_eq!(*mapped, bytes[..]);
        }
    }

    #[test]
    fn what_cannot_be_mapped_is_read() {
        let status = map_file("/proc/self/status").unwrap();
        assert!(status.starts_with(b"Name:"));
        assert!(map_file("/no/such/file").is_err());
        assert!(map_file("/proc/self").is_err());
    }
}
