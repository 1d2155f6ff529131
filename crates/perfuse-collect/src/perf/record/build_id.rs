//! Build ids of the files that were hit, read from their ELF notes: two small reads a file.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::host::note_build_id;

/// `PT_NOTE`.
const PT_NOTE: u32 = 4;
/// Program headers of a file, and bytes of its notes, beyond which it is not a program that we know.
const MOST_HEADERS: usize = 256;
const MOST_NOTES: u64 = 64 * 1024;
/// More than any vdso has.
const MOST_VDSO: u64 = 1 << 20;

/// The build id of an ELF file of this machine's byte order; `None` where it has none or is no such file.
pub fn of_file(path: &Path) -> Option<Vec<u8>> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // A mapped path may be a device or have been replaced by a pipe.
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    of(|offset, buffer| file.read_at(buffer, offset).ok())
}

/// The build id of the vdso, which every process has mapped and which is in no file: that of the own process.
pub fn of_vdso() -> Option<Vec<u8>> {
    let image = vdso()?;
    of(|offset, buffer| {
        let rest = usize::try_from(offset).ok().and_then(|at| image.get(at..))?;
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Some(length)
    })
}

/// The vdso of the own process, which is that of every other: an ELF file of a few pages.
pub fn vdso() -> Option<Vec<u8>> {
    let maps = std::fs::read("/proc/self/maps").ok()?;
    let line = maps.split(|&byte| byte == b'\n').find(|line| line.ends_with(b"[vdso]"))?;
    let range = line.split(|&byte| byte == b' ').next()?;
    let dash = range.iter().position(|&byte| byte == b'-')?;
    let (start, end) = (perfuse_format::parse::hex(&range[..dash])?, perfuse_format::parse::hex(&range[dash + 1..])?);
    let mut image = vec![0; usize::try_from(end.checked_sub(start)?.min(MOST_VDSO)).ok()?];
    File::open("/proc/self/mem").ok()?.read_exact_at(&mut image, start).ok()?;
    Some(image)
}

/// Reads ELF header, program headers and notes through `read`, which fills a buffer from an offset.
fn of(read: impl Fn(u64, &mut [u8]) -> Option<usize>) -> Option<Vec<u8>> {
    // Header and program headers are next to each other in nearly every file.
    let mut head = [0; 1024];
    let length = read(0, &mut head)?;
    let head = &head[..length];
    if head.get(..4)? != b"\x7fELF" || *head.get(5)? != if cfg!(target_endian = "big") { 2 } else { 1 } {
        return None;
    }
    let wide = *head.get(4)? == 2;
    let field = |at: usize, bytes: usize, from: &[u8]| -> Option<u64> {
        let bytes = from.get(at..at.checked_add(bytes)?)?;
        Some(match bytes.len() {
            2 => u64::from(u16::from_ne_bytes(bytes.try_into().ok()?)),
            4 => u64::from(u32::from_ne_bytes(bytes.try_into().ok()?)),
            _ => u64::from_ne_bytes(bytes.try_into().ok()?),
        })
    };
    let (table, size, count) = if wide {
        (field(32, 8, head)?, field(54, 2, head)?, field(56, 2, head)?)
    } else {
        (field(28, 4, head)?, field(42, 2, head)?, field(44, 2, head)?)
    };
    let (size, count) = (usize::try_from(size).ok()?, usize::try_from(count).ok()?.min(MOST_HEADERS));
    let mut headers = vec![0; size.checked_mul(count)?];
    let length = read(table, &mut headers)?;
    headers.truncate(length);
    for header in headers.chunks_exact(size.max(1)) {
        if field(0, 4, header)? != u64::from(PT_NOTE) {
            continue;
        }
        let (offset, bytes) = if wide {
            (field(8, 8, header)?, field(32, 8, header)?)
        } else {
            (field(4, 4, header)?, field(16, 4, header)?)
        };
        let mut notes = vec![0; usize::try_from(bytes.min(MOST_NOTES)).ok()?];
        let length = read(offset, &mut notes)?;
        if let Some(id) = note_build_id(&notes[..length]) {
            return Some(id);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vdso_has_one_and_hostile_headers_have_none() {
        assert!(of_file(Path::new("/dev/null")).is_none());
        assert!(of_file(Path::new("/proc/self/status")).is_none());
        let mut bytes = vec![0xff; 4096];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        let read = |bytes: &[u8], offset: u64, buffer: &mut [u8]| {
            let rest = usize::try_from(offset).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
            let length = rest.len().min(buffer.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            Some(length)
        };
        assert_eq!(of(|offset, buffer| read(&bytes, offset, buffer)), None);
        for length in 0..128 {
            assert_eq!(of(|offset, buffer| read(&bytes[..length], offset, buffer)), None);
        }
        let Some(id) = of_vdso() else { perfuse_testkit::skip!("no vdso is mapped") };
        assert!(id.len() >= 8);
    }
}
