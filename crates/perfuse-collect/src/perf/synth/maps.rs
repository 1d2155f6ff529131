//! The executable mappings of a process: asked for one by one where the kernel can (Linux 6.11), else from the text of
//! `/proc/PID/maps`, most of whose lines nobody needs.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use perfuse_format::parse::{hex, trim, unsigned};
use rustix::io::{Errno, retry_on_intr};

/// `PROCMAP_QUERY` of `include/uapi/linux/fs.h`: `_IOWR('f', 17, struct procmap_query)`.
const PROCMAP_QUERY: libc::Ioctl = 0xc068_6611_u32 as libc::Ioctl;
/// Executable mappings only.
const EXECUTABLE: u64 = 1 << 2;
/// The one at the address or the next.
const OR_NEXT: u64 = 1 << 4;
/// The longest path that the kernel gives (`PATH_MAX`).
const LONGEST: usize = 4096;
/// More mappings than a process may have (`vm.max_map_count` is 65530 and can be raised).
const MOST: usize = 1 << 20;

/// One mapping as a MMAP2 record needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mapping<'a> {
    /// First address.
    pub(super) start: u64,
    /// One past the last.
    pub(super) end: u64,
    /// Offset in the file.
    pub(super) offset: u64,
    /// Device.
    pub(super) device: (u32, u32),
    /// Inode.
    pub(super) inode: u64,
    /// `PROT_*`.
    pub(super) prot: u32,
    /// `MAP_SHARED` (1) or `MAP_PRIVATE` (2).
    pub(super) flags: u32,
    /// Path or name; empty for none.
    pub(super) path: &'a [u8],
}

/// `struct procmap_query`.
#[repr(C)]
#[expect(clippy::struct_field_names, reason = "the names of the kernel")]
#[derive(Debug, Default)]
struct Query {
    size: u64,
    query_flags: u64,
    query_addr: u64,
    vma_start: u64,
    vma_end: u64,
    vma_flags: u64,
    vma_page_size: u64,
    vma_offset: u64,
    inode: u64,
    dev_major: u32,
    dev_minor: u32,
    vma_name_size: u32,
    build_id_size: u32,
    vma_name_addr: u64,
    build_id_addr: u64,
}

/// Reads maps, with buffers that are kept.
#[derive(Debug)]
pub(super) struct MapsReader {
    text: Vec<u8>,
    name: Vec<u8>,
    /// Whether the kernel answers queries; found out with the first.
    can_query: bool,
    /// The line of `[vsyscall]`, which is in every process or in none and which queries do not tell.
    gate: Option<Vec<u8>>,
    /// Also mappings of data.
    data: bool,
}

impl MapsReader {
    /// With `data`, readable mappings that are not executable are given as well.
    pub(super) fn new(data: bool) -> Self {
        let own = std::fs::read("/proc/self/maps").unwrap_or_default();
        let gate = own.split(|&byte| byte == b'\n').find(|line| line.ends_with(b"[vsyscall]")).map(<[u8]>::to_vec);
        Self { text: Vec::new(), name: vec![0; LONGEST], can_query: !data, gate, data }
    }

    /// Gives every mapping of an open `/proc/PID/maps` to `take`.
    pub(super) fn read(&mut self, file: &OwnedFd, mut take: impl FnMut(&Mapping<'_>)) -> Result<(), Errno> {
        if self.can_query {
            match self.query(file, &mut take) {
                Err(Errno::NOTTY | Errno::INVAL) => self.can_query = false,
                Err(error) => return Err(error),
                Ok(()) => {
                    if let Some(gate) = self.gate.as_deref().and_then(parse_line) {
                        take(&gate);
                    }
                    return Ok(());
                }
            }
        }
        read_text(file, &mut self.text)?;
        for mapping in self.text.split(|&byte| byte == b'\n').filter_map(parse_line) {
            if mapping.prot & libc::PROT_EXEC.cast_unsigned() != 0
                || self.data && mapping.prot & libc::PROT_READ.cast_unsigned() != 0
            {
                take(&mapping);
            }
        }
        Ok(())
    }

    fn query(&mut self, file: &OwnedFd, take: &mut impl FnMut(&Mapping<'_>)) -> Result<(), Errno> {
        let mut from = 0;
        for _ in 0..MOST {
            let mut query = Query {
                size: size_of::<Query>() as u64,
                query_flags: EXECUTABLE | OR_NEXT,
                query_addr: from,
                vma_name_size: u32::try_from(self.name.len()).unwrap_or(0),
                vma_name_addr: self.name.as_mut_ptr() as u64,
                ..Query::default()
            };
            // SAFETY: the query is a live structure of the size it states, and the kernel writes at most
            // `vma_name_size` bytes to `vma_name_addr`, which is all of `self.name`.
            let result = unsafe { libc::ioctl(file.as_raw_fd(), PROCMAP_QUERY, &raw mut query) };
            if result < 0 {
                let error = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
                match Errno::from_raw_os_error(error) {
                    // No more, or the process is gone.
                    Errno::NOENT | Errno::SRCH => return Ok(()),
                    Errno::INTR => continue,
                    error => return Err(error),
                }
            }
            let name = usize::try_from(query.vma_name_size).unwrap_or(0).saturating_sub(1);
            let bit = |bit: u64, value: u32| if query.vma_flags & bit == 0 { 0 } else { value };
            take(&Mapping {
                start: query.vma_start,
                end: query.vma_end,
                offset: query.vma_offset,
                device: (query.dev_major, query.dev_minor),
                inode: query.inode,
                prot: bit(1, 1) | bit(2, 2) | bit(4, 4),
                flags: if query.vma_flags & 8 == 0 { 2 } else { 1 },
                path: self.name.get(..name).unwrap_or_default(),
            });
            if query.vma_end <= from {
                break;
            }
            from = query.vma_end;
        }
        Ok(())
    }
}

/// Reads a file from where it stands to its end into a buffer that is kept.
pub(super) fn read_text(file: impl AsFd, buffer: &mut Vec<u8>) -> Result<(), Errno> {
    const PIECE: usize = 16 * 1024;
    let mut length = 0;
    loop {
        if buffer.len() < length + PIECE {
            buffer.resize(length + PIECE, 0);
        }
        match retry_on_intr(|| rustix::io::read(&file, &mut buffer[length..]))? {
            0 => break,
            read => length += read,
        }
    }
    buffer.truncate(length);
    Ok(())
}

/// A line of `/proc/PID/maps`.
fn parse_line(line: &[u8]) -> Option<Mapping<'_>> {
    let mut rest = line;
    let mut field = || {
        let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
        let field = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        field
    };
    let (range, permissions, offset, device, inode) = (field(), field(), field(), field(), field());
    let dash = range.iter().position(|&byte| byte == b'-')?;
    let colon = device.iter().position(|&byte| byte == b':')?;
    let [read, write, execute, shared] = *permissions.first_chunk::<4>()?;
    let bit = |letter: u8, is: u8, value: u32| if letter == is { value } else { 0 };
    Some(Mapping {
        start: hex(&range[..dash])?,
        end: hex(&range[dash + 1..])?,
        offset: hex(offset)?,
        device: (u32::try_from(hex(&device[..colon])?).ok()?, u32::try_from(hex(&device[colon + 1..])?).ok()?),
        inode: unsigned(inode)?,
        prot: bit(read, b'r', 1) | bit(write, b'w', 2) | bit(execute, b'x', 4),
        flags: if shared == b's' { 1 } else { 2 },
        // What remains begins with the blanks that fill up the column; a path may hold some itself.
        path: trim(rest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart() {
        let line = b"5590-55a0 r-xs 00010000 fd:0a 12                         /usr/bin/a b (deleted)";
        let expected = Mapping {
            start: 0x5590,
            end: 0x55a0,
            offset: 0x10000,
            device: (0xfd, 10),
            inode: 12,
            prot: 5,
            flags: 1,
            path: b"/usr/bin/a b (deleted)",
        };
        assert_eq!(parse_line(line), Some(expected));
        assert_eq!(parse_line(b"7000-7010 rwxp 00000000 00:00 0 ").unwrap().path, b"");
        for bad in ["", "x", "1-2 rwx 0 0:0 0", "1-2 rwxp 0 00 0", "1-2 rwxp 0 0:0", "-"] {
            assert_eq!(parse_line(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn queries_and_text_tell_the_same() {
        let collect = |reader: &mut MapsReader| {
            let file = OwnedFd::from(std::fs::File::open("/proc/self/maps").unwrap());
            let mut all = Vec::new();
            reader
                .read(&file, |mapping| {
                    let path = mapping.path.to_vec();
                    all.push((mapping.start, mapping.end, mapping.offset, mapping.device, mapping.inode, path));
                    assert_eq!(mapping.prot & 4, 4);
                })
                .unwrap();
            all
        };
        let mut reader = MapsReader::new(false);
        let queried = collect(&mut reader);
        reader.can_query = false;
        assert_eq!(queried, collect(&mut reader));
        let own = std::env::current_exe().unwrap();
        assert!(queried.iter().any(|mapping| mapping.5 == own.as_os_str().as_encoded_bytes()));
    }
}
