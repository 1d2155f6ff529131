//! The bytes of the kernel's BTF: mapped where the kernel allows it, else read.

use std::os::fd::AsFd as _;
use std::path::Path;

use super::error::LoadError;

/// Where the kernel describes its types.
pub const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Five megabytes, gone when dropped.
#[derive(Debug)]
pub(super) enum KernelBtf {
    /// Mapped (Linux 6.16): no copy, no thousand reads of a page each, and not in our resident set.
    Mapped(Mapping),
    /// Read.
    Read(Vec<u8>),
}

/// A private read-only mapping.
#[derive(Debug)]
pub(super) struct Mapping {
    start: *mut std::ffi::c_void,
    length: usize,
}

// SAFETY: the mapping is read-only and belongs to nobody else; any thread may read or unmap it.
unsafe impl Send for Mapping {}
// SAFETY: as above; shared reads of memory that never changes.
unsafe impl Sync for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `map` made, whole and once; no slice outlives `self`.
        let _ = unsafe { rustix::mm::munmap(self.start, self.length) };
    }
}

impl KernelBtf {
    /// Opens the kernel's BTF, or a file with another one.
    pub(super) fn open(path: &Path) -> Result<Self, LoadError> {
        // Only the kernel's own file cannot shrink under a mapping.
        if path == Path::new(KERNEL_BTF)
            && let Some(mapping) = map(path)
        {
            return Ok(Self::Mapped(mapping));
        }
        let bytes = std::fs::read(path).map_err(|error| LoadError::NoBtf(format!("{}: {error}", path.display())))?;
        Ok(Self::Read(bytes))
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            // SAFETY: the kernel mapped `length` bytes of its own read-only data, which lives and stays the same as long as
            // the kernel does; the slice borrows `self`, which keeps the mapping.
            Self::Mapped(mapping) => unsafe {
                std::slice::from_raw_parts(mapping.start.cast::<u8>().cast_const(), mapping.length)
            },
            Self::Read(bytes) => bytes,
        }
    }
}

/// Maps the file; nothing where the kernel does not support that.
fn map(path: &Path) -> Option<Mapping> {
    let file = std::fs::File::open(path).ok()?;
    let length = usize::try_from(file.metadata().ok()?.len()).ok().filter(|length| *length > 0)?;
    let (protection, flags) = (rustix::mm::ProtFlags::READ, rustix::mm::MapFlags::PRIVATE);
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let start = unsafe { rustix::mm::mmap(std::ptr::null_mut(), length, protection, flags, file.as_fd(), 0) }.ok()?;
    Some(Mapping { start, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_the_reason() {
        let error = KernelBtf::open(Path::new("/nonexistent/btf")).unwrap_err();
        assert!(matches!(&error, LoadError::NoBtf(text) if text.contains("/nonexistent/btf")), "{error}");
    }

    #[test]
    fn mapped_or_read_the_bytes_are_the_same() {
        let Ok(read) = std::fs::read(KERNEL_BTF) else {
            perfuse_testkit::skip!("the kernel has no BTF");
        };
        let opened = KernelBtf::open(Path::new(KERNEL_BTF)).unwrap();
        assert!(opened.bytes() == read);
    }
}
