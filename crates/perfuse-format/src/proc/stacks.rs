//! `@stacks`: call stacks with names, one line each, written by the collector from what the in-kernel programs
//! referred to.
//!
//! ```text
//! 9823477<TAB>user<TAB>__lll_lock_wait;pthread_mutex_lock;Cache::get;main
//! 5511<TAB>kernel<TAB>rwsem_down_write_slowpath;down_write;do_mmap
//! ```
//! Innermost frame first. An address without a name is `0x` and its digits.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::parse::{FromBytes, ParseError, lines, text, unsigned};

/// Names of the frames of every stack, by the id that the rows of the in-kernel tables have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stacks {
    /// Stacks of the kernel.
    pub kernel: BTreeMap<u64, Vec<String>>,
    /// Stacks of programs.
    pub user: BTreeMap<u64, Vec<String>>,
}

impl Stacks {
    /// The lines that [`FromBytes`] reads back. Semicolons, tabs and line ends inside a name become blanks.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = String::new();
        for (kind, stacks) in [("kernel", &self.kernel), ("user", &self.user)] {
            for (id, frames) in stacks {
                let frames: Vec<String> =
                    frames.iter().map(|frame| frame.replace([';', '\t', '\n', '\r'], " ")).collect();
                let _ = writeln!(out, "{id}\t{kind}\t{}", frames.join(";"));
            }
        }
        out.into_bytes()
    }
}

impl FromBytes for Stacks {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut stacks = Self::default();
        for (number, line) in lines(bytes) {
            if line.is_empty() {
                continue;
            }
            let bad = || ParseError::new(number, "id, `kernel` or `user`, frames between tabs", line);
            let mut parts = line.splitn(3, |&byte| byte == b'\t');
            let (Some(id), Some(kind), Some(frames)) = (parts.next(), parts.next(), parts.next()) else {
                return Err(bad());
            };
            let id = unsigned(id).ok_or_else(bad)?;
            let kind = match kind {
                b"kernel" => &mut stacks.kernel,
                b"user" => &mut stacks.user,
                _ => return Err(bad()),
            };
            kind.insert(id, frames.split(|&byte| byte == b';').filter(|frame| !frame.is_empty()).map(text).collect());
        }
        Ok(stacks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut stacks = Stacks::default();
        stacks.user.insert(u64::MAX, vec!["operator()(int; char)".into(), "main".into()]);
        stacks.kernel.insert(0, vec!["do_mmap".into()]);
        let back = Stacks::from_bytes(&stacks.to_bytes()).unwrap();
        assert_eq!(back.user[&u64::MAX], ["operator()(int  char)", "main"]);
        assert_eq!(back.kernel, stacks.kernel);
        assert_eq!(Stacks::from_bytes(b""), Ok(Stacks::default()));
        for bad in [&b"1\tuser"[..], b"x\tuser\ta", b"1\tother\ta"] {
            assert!(Stacks::from_bytes(bad).is_err());
        }
    }
}
