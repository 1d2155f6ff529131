//! `@ipc/ends`: which threads wait at which pipe or socket, and who else has that open. Written by the collector, from
//! `/proc/PID/task/TID/syscall`, `/proc/PID/fd` and `/proc/PID/fdinfo`.

use std::collections::BTreeMap;

use crate::parse::{FromBytes, ParseError, lines, text, unsigned};

/// A thread that waits at something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AtEnd {
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Number of the system call, of the architecture.
    pub call: i32,
    /// `socket:[7]`, `pipe:[7]`, or the path of a named pipe.
    pub file: String,
}

/// A process that has a pipe or socket open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Whether it may read from it.
    pub reads: bool,
    /// Whether it may write to it.
    pub writes: bool,
}

/// Lines of words with tabs between them: `wait PID TID CALL FILE`, `watch PID TID CALL FILE` (for any event of it, by
/// `epoll(7)`), and `open PID r|w|rw FILE`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    /// Threads asleep in a call on one file.
    pub waits: Vec<AtEnd>,
    /// Threads asleep until something happens to one of several files; only files that are an end of a wait.
    pub watches: Vec<AtEnd>,
    /// By file: who has it open; only files that are an end of a wait.
    pub open: BTreeMap<String, Vec<Holder>>,
}

impl Ends {
    /// Where it stands in a snapshot.
    pub const SOURCE: &'static str = "@ipc/ends";

    /// The lines that [`FromBytes`] reads back.
    pub fn to_bytes(&self) -> Vec<u8> {
        use std::fmt::Write as _;
        let flat = |name: &str| name.replace(['\t', '\n'], " ");
        let mut out = String::new();
        for (word, list) in [("wait", &self.waits), ("watch", &self.watches)] {
            for at in list {
                // Writing to a text cannot fail.
                let _ = writeln!(out, "{word}\t{}\t{}\t{}\t{}", at.pid, at.tid, at.call, flat(&at.file));
            }
        }
        for (file, holders) in &self.open {
            for holder in holders {
                let mode = match (holder.reads, holder.writes) {
                    (true, false) => "r",
                    (false, true) => "w",
                    _ => "rw",
                };
                let _ = writeln!(out, "open\t{}\t{mode}\t{}", holder.pid, flat(file));
            }
        }
        out.into_bytes()
    }
}

impl FromBytes for Ends {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut ends = Self::default();
        for (number, line) in lines(bytes) {
            ends.line(line).ok_or_else(|| ParseError::new(number, "an end of a pipe or socket", line))?;
        }
        Ok(ends)
    }
}

impl Ends {
    fn line(&mut self, line: &[u8]) -> Option<()> {
        let mut words = line.split(|byte| *byte == b'\t');
        let word = words.next()?;
        let id = |word: &[u8]| u32::try_from(unsigned(word)?).ok();
        let pid = id(words.next()?)?;
        if word == b"open" {
            let (reads, writes) = match words.next()? {
                b"r" => (true, false),
                b"w" => (false, true),
                b"rw" => (true, true),
                _ => return None,
            };
            self.open.entry(text(words.next()?)).or_default().push(Holder { pid, reads, writes });
            return Some(());
        }
        let (tid, call) = (id(words.next()?)?, i32::try_from(unsigned(words.next()?)?).ok()?);
        let at = AtEnd { pid, tid, call, file: text(words.next()?) };
        match word {
            b"wait" => self.waits.push(at),
            b"watch" => self.watches.push(at),
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let at = |tid, file: &str| AtEnd { pid: 4, tid, call: 0, file: file.to_owned() };
        let holder = |pid, reads, writes| Holder { pid, reads, writes };
        let ends = Ends {
            waits: vec![at(5, "socket:[70]"), at(6, "/run/a queue")],
            watches: vec![at(7, "pipe:[9]")],
            open: [
                ("socket:[71]".to_owned(), vec![holder(8, true, true)]),
                ("/run/a queue".to_owned(), vec![holder(9, false, true), holder(10, true, false)]),
            ]
            .into(),
        };
        assert_eq!(Ends::from_bytes(&ends.to_bytes()), Ok(ends));
        for wrong in
            ["wait\t1\t2\n", "open\t1\tx\tpipe:[1]\n", "sleep\t1\t2\t0\tpipe:[1]\n", "wait\t1\tx\t0\tpipe:[1]\n"]
        {
            assert!(Ends::from_bytes(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
