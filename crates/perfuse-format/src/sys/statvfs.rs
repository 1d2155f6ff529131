//! `@statvfs`: the room in each mounted filesystem, as lines that the collector writes.
//!
//! ```text
//! /mnt\040two<TAB>ext4<TAB>254:0<TAB>ok<TAB>4096 1000 400 300 250 90 80 1
//! /net<TAB>nfs4<TAB>0:51<TAB>slow<TAB>
//! /x<TAB>xfs<TAB>8:1<TAB>5<TAB>
//! ```
//! Mount point with the escapes of mountinfo; type; device; `ok`, `slow` (no answer in time) or an errno; then
//! `f_frsize f_blocks f_bfree f_bavail f_files f_ffree f_favail f_flag` of statvfs(3).

use std::fmt::Write as _;

use crate::parse::{FromBytes, ParseError, fields, lines, text, unsigned};
use crate::proc::mountinfo::unescape;

/// The room in one filesystem (statvfs(3)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes of a block.
    pub block_size: u64,
    /// Blocks.
    pub blocks: u64,
    /// Free blocks.
    pub free: u64,
    /// Free blocks that an ordinary user may take.
    pub available: u64,
    /// Inodes; 0 where the filesystem makes them as needed (btrfs).
    pub files: u64,
    /// Free inodes.
    pub files_free: u64,
    /// Free inodes that an ordinary user may take.
    pub files_available: u64,
    /// `ST_*` flags.
    pub flags: u64,
}

impl Room {
    /// Mounted read-only (`ST_RDONLY`): never fills up.
    pub fn read_only(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Share of the bytes in use, as df(1) counts: the reserve of root is neither used nor available. `None` for a
    /// filesystem without blocks.
    pub fn used_ratio(&self) -> Option<f64> {
        let used = self.blocks.saturating_sub(self.free);
        let all = used.saturating_add(self.available);
        (all > 0).then(|| used as f64 / all as f64)
    }

    /// Share of the inodes in use; `None` where there is no fixed number.
    pub fn inodes_used_ratio(&self) -> Option<f64> {
        let used = self.files.saturating_sub(self.files_free);
        (self.files > 0).then(|| used as f64 / self.files as f64)
    }

    /// Bytes in use.
    pub fn used_bytes(&self) -> u64 {
        self.blocks.saturating_sub(self.free).saturating_mul(self.block_size)
    }

    /// Bytes that an ordinary user may still take.
    pub fn available_bytes(&self) -> u64 {
        self.available.saturating_mul(self.block_size)
    }
}

/// What asking one filesystem gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Its room.
    Room(Room),
    /// No answer in time: a network server that is gone, most likely.
    Slow,
    /// Refused with this errno.
    Errno(i32),
}

/// One mounted filesystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filesystem {
    /// Where it is mounted.
    pub mount_point: String,
    /// Its type.
    pub fs_type: String,
    /// Major and minor number of its device.
    pub device: (u32, u32),
    /// What it answered.
    pub asked: Asked,
}

/// All mounted filesystems, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filesystems(pub Vec<Filesystem>);

impl Filesystems {
    /// The lines that [`FromBytes`] reads back.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = String::new();
        for filesystem in &self.0 {
            let (major, minor) = filesystem.device;
            let (state, numbers) = match filesystem.asked {
                Asked::Slow => ("slow".to_owned(), String::new()),
                Asked::Errno(errno) => (errno.to_string(), String::new()),
                Asked::Room(room) => {
                    let numbers = [
                        room.block_size,
                        room.blocks,
                        room.free,
                        room.available,
                        room.files,
                        room.files_free,
                        room.files_available,
                        room.flags,
                    ];
                    ("ok".to_owned(), numbers.map(|number| number.to_string()).join(" "))
                }
            };
            let point = escape(&filesystem.mount_point);
            let kind = escape(&filesystem.fs_type);
            let _ = writeln!(out, "{point}\t{kind}\t{major}:{minor}\t{state}\t{numbers}");
        }
        out.into_bytes()
    }
}

impl FromBytes for Filesystems {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut all = Vec::new();
        for (number, line) in lines(bytes) {
            if bytes.is_empty() {
                break;
            }
            let bad = || ParseError::new(number, "mount point, type, device, state, numbers", line);
            all.push(filesystem(line).ok_or_else(bad)?);
        }
        Ok(Self(all))
    }
}

fn filesystem(line: &[u8]) -> Option<Filesystem> {
    let mut parts = line.split(|&byte| byte == b'\t');
    let (point, kind, device) = (parts.next()?, parts.next()?, parts.next()?);
    let (state, numbers) = (parts.next()?, parts.next()?);
    let colon = device.iter().position(|&byte| byte == b':')?;
    let small = |field: &[u8]| u32::try_from(unsigned(field)?).ok();
    let asked = match state {
        b"ok" => Asked::Room(room(numbers)?),
        b"slow" => Asked::Slow,
        errno => Asked::Errno(i32::try_from(unsigned(errno)?).ok()?),
    };
    Some(Filesystem {
        mount_point: unescape(point),
        fs_type: text(kind),
        device: (small(&device[..colon])?, small(&device[colon + 1..])?),
        asked,
    })
}

fn room(numbers: &[u8]) -> Option<Room> {
    let mut numbers = fields(numbers).map(unsigned);
    let mut next = || numbers.next().flatten();
    Some(Room {
        block_size: next()?,
        blocks: next()?,
        free: next()?,
        available: next()?,
        files: next()?,
        files_free: next()?,
        files_available: next()?,
        flags: next()?,
    })
}

/// Writes blanks, tabs, newlines and backslashes as mountinfo does.
fn escape(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            ' ' => out.push_str("\\040"),
            '\t' => out.push_str("\\011"),
            '\n' => out.push_str("\\012"),
            '\\' => out.push_str("\\134"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let room = Room {
            block_size: 4096,
            blocks: 1000,
            free: 400,
            available: 300,
            files: 250,
            files_free: 90,
            files_available: 80,
            flags: 1,
        };
        let odd = |asked| Filesystem {
            mount_point: "/a b\t\n\\040".into(),
            fs_type: "fuse.x".into(),
            device: (0, 51),
            asked,
        };
        let all = Filesystems(vec![odd(Asked::Room(room)), odd(Asked::Slow), odd(Asked::Errno(5))]);
        assert_eq!(Filesystems::from_bytes(&all.to_bytes()), Ok(all));
        assert!(room.read_only());
        assert!((room.used_ratio().unwrap() - 600.0 / 900.0).abs() < 1e-9);
        assert!((room.inodes_used_ratio().unwrap() - 0.64).abs() < 1e-9);
        assert_eq!(room.available_bytes(), 300 * 4096);
        assert_eq!(Room::default().used_ratio(), None);
        assert_eq!(Room::default().inodes_used_ratio(), None);
    }

    #[test]
    fn odd_lines_are_refused() {
        assert_eq!(Filesystems::from_bytes(b""), Ok(Filesystems::default()));
        for bad in
            [&b"/ ext4"[..], b"/\text4\t1\tok\t1\n", b"/\text4\t1:2\tok\t1 2 3\n", b"/\text4\t1:2\tno\t\n", b"\n\n"]
        {
            assert!(Filesystems::from_bytes(bad).is_err(), "{bad:?}");
        }
    }
}
