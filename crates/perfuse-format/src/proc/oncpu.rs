//! `@oncpu`: call stacks of what ran on the CPUs, one line each, written by the collector from samples of a clock.
//!
//! ```text
//! hz<TAB>49
//! 12<TAB>4711<TAB>main;work;[k]vfs_read
//! ```
//! Number of samples, process, and functions, the outermost first; those of the kernel begin with `[k]`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::parse::{FromBytes, ParseError, lines, text, unsigned};

/// Samples by process and stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnCpu {
    /// Samples a second of each CPU.
    pub hz: u64,
    /// Number of samples by process and functions, the outermost first.
    pub stacks: BTreeMap<(u32, Vec<String>), u64>,
}

impl OnCpu {
    /// The source in a snapshot.
    pub const SOURCE: &str = "@oncpu";
    /// What a function of the kernel begins with.
    pub const KERNEL: &str = "[k]";

    /// The lines that [`FromBytes`] reads back. Semicolons, tabs and line ends inside a name become blanks.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("hz\t{}\n", self.hz);
        for ((pid, frames), count) in &self.stacks {
            let frames: Vec<String> = frames.iter().map(|frame| frame.replace([';', '\t', '\n', '\r'], " ")).collect();
            let _ = writeln!(out, "{count}\t{pid}\t{}", frames.join(";"));
        }
        out.into_bytes()
    }
}

impl FromBytes for OnCpu {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut all = Self::default();
        for (number, line) in lines(bytes).filter(|(_, line)| !line.is_empty()) {
            let bad = || ParseError::new(number, "samples, process, functions between tabs", line);
            let mut parts = line.splitn(3, |&byte| byte == b'\t');
            match (parts.next(), parts.next(), parts.next()) {
                (Some(b"hz"), Some(hz), None) => all.hz = unsigned(hz).ok_or_else(bad)?,
                (Some(count), Some(pid), Some(frames)) => {
                    let pid = unsigned(pid).and_then(|pid| u32::try_from(pid).ok()).ok_or_else(bad)?;
                    let frames = frames.split(|&byte| byte == b';').filter(|frame| !frame.is_empty());
                    let sum = all.stacks.entry((pid, frames.map(text).collect())).or_default();
                    *sum = sum.saturating_add(unsigned(count).ok_or_else(bad)?);
                }
                _ => return Err(bad()),
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let frames = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut all = OnCpu { hz: 49, stacks: BTreeMap::new() };
        all.stacks.insert((7, frames(&["main", "a;b", "[k]read"])), 3);
        all.stacks.insert((8, Vec::new()), 1);
        let back = OnCpu::from_bytes(&all.to_bytes()).unwrap();
        assert_eq!(back.hz, 49);
        assert_eq!(back.stacks.get(&(7, frames(&["main", "a b", "[k]read"]))), Some(&3));
        assert_eq!(back.stacks.get(&(8, Vec::new())), Some(&1));
    }

    #[test]
    fn odd_lines_are_refused_with_their_number() {
        for bad in ["hz", "x\t1\ta", "1\tx\ta", "1\t99999999999\ta"] {
            assert_eq!(OnCpu::from_bytes(format!("hz\t49\n{bad}\n").as_bytes()).unwrap_err().line, 2, "{bad}");
        }
    }
}
