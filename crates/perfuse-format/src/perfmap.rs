//! `/tmp/perf-PID.map`: where a just-in-time compiler has put its functions (Linux: `tools/perf/Documentation/jit-interface.txt`).

use crate::parse::{FromBytes, ParseError, hex, text};

/// One piece of compiled code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JitCode {
    /// Its first address.
    pub start: u64,
    /// Its size in bytes.
    pub size: u64,
    /// The name that the runtime gives it; may hold blanks.
    pub name: String,
}

/// The lines of a map in the order in which they were written. Code that was compiled again at the same address comes
/// again: the later line holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PerfMap(pub Vec<JitCode>);

impl FromBytes for PerfMap {
    /// Lines that are not `start size name` are left out, as in perf: the runtime may be writing the last one right now,
    /// and some write comments.
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        Ok(Self(bytes.split(|&byte| byte == b'\n').filter_map(line).collect()))
    }
}

fn line(line: &[u8]) -> Option<JitCode> {
    let mut parts = line.splitn(3, |&byte| byte == b' ');
    let number = |field: &[u8]| hex(field.strip_prefix(b"0x").unwrap_or(field));
    let (start, size) = (number(parts.next()?)?, number(parts.next()?)?);
    let name = text(parts.next()?);
    (!name.is_empty()).then_some(JitCode { start, size, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_blanks_and_odd_lines_are_left_out() {
        let map =
            PerfMap::from_bytes(b"7f00 1c LazyCompile:~ foo /a.js:1\n0x7f20 0x10 b\n# comment\n7f40 4\n7f").unwrap();
        let code = |start, size, name: &str| JitCode { start, size, name: name.to_owned() };
        assert_eq!(map.0, [code(0x7f00, 0x1c, "LazyCompile:~ foo /a.js:1"), code(0x7f20, 0x10, "b")]);
        assert!(PerfMap::from_bytes(b"").unwrap().0.is_empty());
        assert!(PerfMap::from_bytes(b"fffffffffffffffffffff 1 x\n").unwrap().0.is_empty());
    }
}
