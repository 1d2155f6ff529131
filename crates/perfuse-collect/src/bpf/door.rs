//! The one door through which this crate asks the kernel for BPF. (That for perf events is [`crate::perf`].)
//!
//! Every `bpf(2)` passes here, so that a test can stand in for the kernel and so that there
//! is one place that says which pointers the kernel may follow.

use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// An errno of Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::io::Error::from_raw_os_error(self.0).fmt(f)
    }
}

/// The errno of the call that just failed.
pub(crate) fn last_errno() -> Errno {
    Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
}

/// Commands of `bpf(2)`: `enum bpf_cmd` of `include/uapi/linux/bpf.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Command {
    MapCreate = 0,
    MapLookup = 1,
    MapUpdate = 2,
    MapDelete = 3,
    MapNextKey = 4,
    ProgLoad = 5,
    ProgNextId = 11,
    ProgFdById = 13,
    ObjInfo = 15,
    RawTracepointOpen = 17,
    BtfLoad = 18,
    BtfFdById = 19,
    MapFreeze = 22,
    MapLookupBatch = 24,
    LinkCreate = 28,
    EnableStats = 32,
    IterCreate = 33,
}

/// Bytes of the largest `union bpf_attr` that we fill.
const ATTR: usize = 128;

/// A `union bpf_attr` under construction. Its pointer fields can only be set from slices that outlive it.
///
/// The kernel wants every byte that it does not know to be zero; fields that are not set stay so, and
/// the size that is passed ends at the last field that was set, which lets a kernel older than a field refuse only
/// those calls that use it.
#[derive(Debug)]
pub(crate) struct Attr<'a> {
    bytes: [u8; ATTR],
    used: usize,
    borrows: PhantomData<&'a mut [u8]>,
}

impl<'a> Attr<'a> {
    pub(crate) fn new() -> Self {
        Self { bytes: [0; ATTR], used: 0, borrows: PhantomData }
    }

    /// Writes bytes at a fixed offset of the layout; offsets are constants of this crate.
    fn put(mut self, at: usize, field: &[u8]) -> Self {
        let end = at + field.len();
        if let Some(place) = self.bytes.get_mut(at..end) {
            place.copy_from_slice(field);
            self.used = self.used.max(end);
        }
        self
    }

    /// A 32-bit field.
    pub(crate) fn word(self, at: usize, value: u32) -> Self {
        self.put(at, &value.to_ne_bytes())
    }

    /// A 64-bit field.
    pub(crate) fn long(self, at: usize, value: u64) -> Self {
        self.put(at, &value.to_ne_bytes())
    }

    /// A file descriptor.
    pub(crate) fn fd(self, at: usize, fd: BorrowedFd<'_>) -> Self {
        self.word(at, fd.as_raw_fd().cast_unsigned())
    }

    /// A name of at most 15 bytes and its NUL; other characters than the kernel allows become `_`.
    pub(crate) fn name(self, at: usize, name: &str) -> Self {
        let mut field = [0_u8; 16];
        for (place, byte) in field.iter_mut().take(15).zip(name.bytes()) {
            *place = if byte.is_ascii_alphanumeric() || byte == b'.' { byte } else { b'_' };
        }
        self.put(at, &field)
    }

    /// A pointer to what the kernel reads.
    pub(crate) fn input<T>(self, at: usize, data: &'a [T]) -> Self {
        self.long(at, data.as_ptr().addr() as u64)
    }

    /// A pointer to what the kernel writes.
    pub(crate) fn output<T>(self, at: usize, data: &'a mut [T]) -> Self {
        self.long(at, data.as_mut_ptr().expose_provenance() as u64)
    }

    /// A 32-bit field as the kernel left it.
    pub(crate) fn word_at(&self, at: usize) -> u32 {
        self.bytes.get(at..at + 4).map_or(0, |field| u32::from_ne_bytes([field[0], field[1], field[2], field[3]]))
    }
}

/// What answers in place of the kernel.
#[cfg(test)]
pub(crate) type Fake = fn(Command) -> Errno;

#[cfg(test)]
thread_local! {
    /// Stands in for the kernel in tests of this thread.
    pub(crate) static FAKE: std::cell::Cell<Option<Fake>> = const { std::cell::Cell::new(None) };
}

/// `bpf(2)`.
///
/// # Safety
/// Each slice that was put into `attr` must be as long as the command makes the kernel read or write: for map
/// elements that is the key and value size of the map (times the possible CPUs for a per-CPU value).
pub(crate) unsafe fn bpf(command: Command, attr: &mut Attr<'_>) -> Result<RawFd, Errno> {
    #[cfg(test)]
    if let Some(fake) = FAKE.get() {
        return Err(fake(command));
    }
    // SAFETY: the attribute is `used` bytes long at least and zero behind; its pointers are live borrows of
    // `'a`, long enough by the contract of this function.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command as i32, attr.bytes.as_mut_ptr(), attr.used) };
    if result < 0 { Err(last_errno()) } else { Ok(i32::try_from(result).unwrap_or(i32::MAX)) }
}

/// `bpf(2)` for the commands that give a new file descriptor.
///
/// # Safety
/// As [`bpf`]; and `command` must be one of those commands.
pub(crate) unsafe fn bpf_fd(command: Command, attr: &mut Attr<'_>) -> Result<OwnedFd, Errno> {
    // SAFETY: passed on to the caller.
    let fd = unsafe { bpf(command, attr) }?;
    // SAFETY: the kernel just made this descriptor for us, and nothing else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Lifts the limit on locked memory, to which kernels before 5.11 charge maps and programs. Best effort:
/// without `CAP_SYS_RESOURCE` the load reports the refusal.
pub(crate) fn lift_memlock() {
    let limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the structure is live for the call and only read.
    let _ = unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) };
}
