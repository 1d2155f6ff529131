//! The ring that the kernel writes records to and that we empty.
//!
//! ```text
//! control page          data, 2^n pages
//! ┌───────────────────┬──────────────────────────────────────────┐
//! │ data_head (kernel)│ written │░░░░░░ unread ░░░░░░│  free       │
//! │ data_tail (we)    │         tail                 head          │
//! └───────────────────┴──────────────────────────────────────────┘
//! ```
//!
//! Head and tail only grow; the place in the data is their value modulo the size. The kernel never writes between tail and
//! head, so that this part can be lent out as plain slices, two of them where it goes around the end.
//!
//! Memory ordering (`kernel/events/ring_buffer.c`): the kernel writes records, then the head, with a barrier between; we
//! read the head with acquire, then the records. We read records, then write the tail with release; the kernel reads the
//! tail before it writes into what was freed.
//!
//! Source: `struct perf_event_mmap_page` of `include/uapi/linux/perf_event.h`, `man perf_event_open`.

use std::ops::Range;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};

/// Offset of `data_head` in the control page.
const DATA_HEAD: usize = 1024;
/// Offset of `data_tail`.
const DATA_TAIL: usize = 1032;
/// A ring of one event, to which other events of the same CPU may write too.
#[derive(Debug)]
pub struct Ring {
    base: NonNull<u8>,
    /// Bytes of the whole mapping.
    length: usize,
    /// Bytes of the control page.
    page: usize,
    /// What we have read so far; the kernel's copy is in the control page.
    tail: u64,
}

// SAFETY: the mapping belongs to this value alone; the kernel does not care which thread reads.
unsafe impl Send for Ring {}

/// The unread part of a ring: `second` goes on where `first` ends and is empty unless the part goes around the end.
#[derive(Debug, Clone, Copy)]
pub struct Unread<'a> {
    /// From the tail.
    pub first: &'a [u8],
    /// From the start of the data.
    pub second: &'a [u8],
}

impl Unread<'_> {
    /// Bytes of both.
    pub fn len(&self) -> usize {
        self.first.len() + self.second.len()
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Ring {
    /// Maps a ring of `data_bytes` (a power of two of pages) onto an event; `overwrite` maps it read-only, so that the
    /// kernel does not stop at what is unread.
    pub fn map(event: impl AsFd, data_bytes: usize, overwrite: bool) -> Result<Self, Errno> {
        let page = rustix::param::page_size();
        if !data_bytes.is_power_of_two() || data_bytes < page {
            return Err(Errno::INVAL);
        }
        let length = data_bytes.checked_add(page).ok_or(Errno::NOMEM)?;
        let write = if overwrite { ProtFlags::empty() } else { ProtFlags::WRITE };
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let base = unsafe {
            rustix::mm::mmap(std::ptr::null_mut(), length, ProtFlags::READ | write, MapFlags::SHARED, event.as_fd(), 0)
        }?;
        let base = NonNull::new(base.cast::<u8>()).ok_or(Errno::FAULT)?;
        let mut ring = Self { base, length, page, tail: 0 };
        ring.tail = ring.word(DATA_TAIL).load(Ordering::Relaxed);
        Ok(ring)
    }

    /// Bytes of the data area.
    pub fn size(&self) -> usize {
        self.length - self.page
    }

    /// One of the 64-bit words of the control page that the kernel and we share.
    #[expect(clippy::cast_ptr_alignment, reason = "the page is aligned, and so is each offset")]
    fn word(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset.is_multiple_of(8) && offset + 8 <= self.page);
        // SAFETY: the control page is mapped as long as `self`, the offset is inside of it and aligned, and both sides
        // access the word atomically.
        unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(offset).cast::<u64>()) }
    }

    /// What the kernel has written and we have not consumed.
    pub fn unread(&self) -> Unread<'_> {
        let head = self.word(DATA_HEAD).load(Ordering::Acquire);
        self.between(self.tail, head)
    }

    /// The bytes from one position to another; nothing where the distance is impossible.
    fn between(&self, from: u64, to: u64) -> Unread<'_> {
        let (first, second) = split(from, to, self.size()).unwrap_or_default();
        let slice = |range: Range<usize>| {
            // SAFETY: `split` keeps the range inside the data area, which is mapped as long as `self`; between tail and head
            // the kernel does not write until the tail moves, which takes `&mut self`.
            unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(self.page + range.start), range.len()) }
        };
        Unread { first: slice(first), second: slice(second) }
    }

    /// Lends out what is unread and gives it back to the kernel if that went well; bytes that were there.
    pub fn drain<E>(&mut self, take: impl FnOnce(Unread<'_>) -> Result<(), E>) -> Result<u64, E> {
        let unread = self.unread();
        let length = unread.len() as u64;
        if length == 0 {
            return Ok(0);
        }
        take(unread)?;
        self.tail = self.tail.wrapping_add(length);
        self.word(DATA_TAIL).store(self.tail, Ordering::Release);
        Ok(length)
    }

    /// Lends out the records of a ring that is written from its end (`write_backward`), newest first; bytes that were new.
    /// The event's output must be paused (`PERF_EVENT_IOC_PAUSE_OUTPUT`) meanwhile. Where the ring has gone around, the
    /// oldest record is cut and left out.
    pub fn backward<E>(&mut self, take: impl FnOnce(Unread<'_>) -> Result<(), E>) -> Result<u64, E> {
        let head = self.word(DATA_HEAD).load(Ordering::Acquire);
        let whole = self.tail.wrapping_sub(head).min(self.size() as u64);
        let complete = complete_records(self.between(head, head.wrapping_add(whole)));
        if complete == 0 {
            return Ok(0);
        }
        take(self.between(head, head.wrapping_add(complete)))?;
        self.tail = head;
        Ok(complete)
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `map` made, whole and once; no slice outlives `self`.
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.length) };
    }
}

/// Where the bytes from `tail` to `head` stand in a data area of `size` bytes (a power of two): up to its end, and from its
/// start. Nothing if more is claimed than fits.
fn split(tail: u64, head: u64, size: usize) -> Option<(Range<usize>, Range<usize>)> {
    let length = usize::try_from(head.wrapping_sub(tail)).ok().filter(|length| *length <= size)?;
    let mask = u64::try_from(size).ok()?.checked_sub(1)?;
    let start = usize::try_from(tail & mask).ok()?;
    let first = length.min(size - start);
    Some((start..start + first, 0..length - first))
}

/// Bytes of the complete records at the start of the slices.
fn complete_records(all: Unread<'_>) -> u64 {
    let mut at = 0;
    while let Some(size) = record_size(&all, at) {
        at += size;
    }
    at as u64
}

/// The size of the record at `at`, if it is there whole.
fn record_size(all: &Unread<'_>, at: usize) -> Option<usize> {
    let byte = |at: usize| {
        all.first.get(at).or_else(|| at.checked_sub(all.first.len()).and_then(|into| all.second.get(into))).copied()
    };
    let size = usize::from(u16::from_ne_bytes([byte(at + 6)?, byte(at + 7)?]));
    (size >= 8 && at.checked_add(size)? <= all.len()).then_some(size)
}

/// Gives every record of an unread part to `take`, whole: the one that goes around the end is put together in `scratch`.
pub fn each_record(unread: Unread<'_>, scratch: &mut Vec<u8>, mut take: impl FnMut(&[u8])) {
    let mut at = 0;
    while let Some(size) = record_size(&unread, at) {
        let end = at + size;
        let split = unread.first.len();
        if end <= split {
            take(&unread.first[at..end]);
        } else if at >= split {
            take(&unread.second[at - split..end - split]);
        } else {
            scratch.clear();
            scratch.extend_from_slice(&unread.first[at..]);
            scratch.extend_from_slice(&unread.second[..end - split]);
            take(scratch);
        }
        at = end;
    }
}

/// Bytes of a page, in which rings are measured.
pub fn page_size() -> usize {
    rustix::param::page_size()
}

/// Bytes of a ring where nothing else is asked for: what `perf_event_mlock_kb` allows without a privilege (a page of it is
/// the control page), rounded down to a power of two; 512 KiB where that is not known.
pub fn default_size(mlock_kb: Option<u64>) -> usize {
    let page = rustix::param::page_size();
    let limit = mlock_kb.map_or(512 * 1024, |kb| kb.saturating_mul(1024).saturating_sub(page as u64));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).max(page);
    1 << limit.ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unread_part_goes_around_the_end() {
        assert_eq!(split(0, 0, 64), Some((0..0, 0..0)));
        assert_eq!(split(8, 24, 64), Some((8..24, 0..0)));
        assert_eq!(split(56, 64, 64), Some((56..64, 0..0)));
        assert_eq!(split(56, 72, 64), Some((56..64, 0..8)));
        assert_eq!(split(64 * 5 + 16, 64 * 6 + 16, 64), Some((16..64, 0..16)));
        // Positions are counters that may pass the top of 64 bits.
        assert_eq!(split(u64::MAX - 7, 8, 64), Some((56..64, 0..8)));
        // More than fits, or a head before the tail, is not believed.
        assert_eq!(split(0, 65, 64), None);
        assert_eq!(split(8, 0, 64), None);
    }

    fn record(kind: u32, size: u16) -> Vec<u8> {
        let mut bytes = kind.to_ne_bytes().to_vec();
        bytes.extend(0_u16.to_ne_bytes());
        bytes.extend(size.to_ne_bytes());
        bytes.resize(usize::from(size), u8::try_from(kind).unwrap());
        bytes
    }

    #[test]
    fn records_are_whole_wherever_the_end_cuts_them() {
        let bytes: Vec<u8> = [record(1, 16), record(2, 24), record(3, 8)].concat();
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            let mut seen = Vec::new();
            each_record(Unread { first, second }, &mut Vec::new(), |record| seen.push(record.to_vec()));
            assert_eq!(seen, [record(1, 16), record(2, 24), record(3, 8)], "cut at {cut}");
        }
    }

    #[test]
    fn a_cut_or_absurd_record_ends_the_walk() {
        let mut bytes = record(1, 16);
        bytes.extend(&record(2, 24)[..20]);
        let unread = Unread { first: &bytes, second: &[] };
        assert_eq!(complete_records(unread), 16);
        let mut zero = record(1, 16);
        zero.extend(record(2, 0));
        zero.extend([0; 8]);
        let mut count = 0;
        each_record(Unread { first: &zero, second: &[] }, &mut Vec::new(), |_| count += 1);
        assert_eq!(count, 1);
    }

    #[test]
    fn the_default_is_what_the_kernel_allows_everyone() {
        let page = rustix::param::page_size();
        if page == 4096 {
            assert_eq!(default_size(Some(516)), 512 * 1024);
        }
        assert_eq!(default_size(None), 512 * 1024);
        assert_eq!(default_size(Some(0)), page);
        assert_eq!(default_size(Some(u64::MAX)).count_ones(), 1);
    }
}
