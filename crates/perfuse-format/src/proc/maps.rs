//! `/proc/PID/maps` (proc(5)): the executable mappings of a process.

use crate::parse::{FromBytes, ParseError, fields, hex, lines, text};

/// One executable mapping of a file, or of the vdso.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// One past the last address.
    pub end: u64,
    /// Offset of `start` in the file.
    pub offset: u64,
    /// Inode of the file; 0 for none.
    pub inode: u64,
    /// Path, or a name such as `[vdso]`; empty for anonymous memory (JIT code). Ends with ` (deleted)` where the file
    /// has been removed.
    pub path: String,
}

/// The executable mappings in the order of their addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maps(pub Vec<Mapping>);

impl Maps {
    /// The mapping that holds `address`.
    pub fn find(&self, address: u64) -> Option<&Mapping> {
        let index = self.0.partition_point(|mapping| mapping.end <= address);
        self.0.get(index).filter(|mapping| mapping.start <= address)
    }
}

impl FromBytes for Maps {
    /// An empty file is a process without memory: a kernel thread, or one that is ending.
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut maps = Vec::new();
        for (number, line) in lines(bytes).filter(|_| !bytes.is_empty()) {
            let (executable, mapping) = mapping(line)
                .ok_or_else(|| ParseError::new(number, "`start-end perms offset device inode path`", line))?;
            if executable {
                maps.push(mapping);
            }
        }
        maps.sort_by_key(|mapping| mapping.start);
        Ok(Self(maps))
    }
}

/// The mapping of a line, and whether it is executable.
fn mapping(line: &[u8]) -> Option<(bool, Mapping)> {
    let mut parts = fields(line);
    let range = parts.next()?;
    let dash = range.iter().position(|&byte| byte == b'-')?;
    let (start, end) = (hex(&range[..dash])?, hex(&range[dash + 1..])?);
    let permissions = parts.next()?;
    let offset = hex(parts.next()?)?;
    let inode = crate::parse::unsigned(parts.nth(1)?)?;
    // The path is the rest of the line and may hold blanks.
    let path = parts.next().and_then(|first| {
        let at = first.as_ptr() as usize - line.as_ptr() as usize;
        line.get(at..)
    });
    let executable = permissions.get(2) == Some(&b'x');
    Some((executable, Mapping { start, end, offset, inode, path: path.map(text).unwrap_or_default() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_executable_mappings_are_kept() {
        let text = b"5580-5590 r--p 00000000 fd:00 12 /usr/bin/a b\n5590-55a0 r-xp 00010000 fd:00 12 /usr/bin/a b (deleted)\n7000-7010 rwxp 00000000 00:00 0\n7fff-8000 r-xp 00000000 00:00 0                          [vdso]\n";
        let maps = Maps::from_bytes(text).unwrap();
        assert_eq!(maps.0.len(), 3);
        assert_eq!(maps.find(0x5595).unwrap().path, "/usr/bin/a b (deleted)");
        assert_eq!(maps.find(0x5595).unwrap().offset, 0x10000);
        assert_eq!(maps.find(0x7005).unwrap().path, "");
        assert!(maps.find(0x5585).is_none() && maps.find(0x8000).is_none());
        assert!(Maps::from_bytes(b"xyz\n").is_err());
        assert!(Maps::from_bytes(b"").unwrap().0.is_empty());
    }
}
