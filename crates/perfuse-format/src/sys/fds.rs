//! `@fds` and `@inotify`: open files and inotify watches, as lines that the collector writes.
//!
//! ```text
//! 812 37 1024 524288          @fds: pid, open files, soft limit, hard limit; `-` for not readable, `max` for none
//! complete 0                  @inotify: 0 when the bound of the scan was reached before its end
//! 1000 812 3 5120             user id, process, instances, watches
//! ```

use std::fmt::Write as _;

use crate::parse::{FromBytes, Limit, ParseError, fields, lines, unsigned};

/// Open files of one process and its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessFds {
    /// Process id.
    pub pid: u32,
    /// Open descriptors; `None` where the kernel refused to tell.
    pub open: Option<u64>,
    /// Soft `RLIMIT_NOFILE`.
    pub soft: Option<Limit>,
    /// Hard `RLIMIT_NOFILE`.
    pub hard: Option<Limit>,
}

/// Open files of every process that could be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fds(pub Vec<ProcessFds>);

impl Fds {
    /// The lines that [`FromBytes`] reads back.
    pub fn to_bytes(&self) -> Vec<u8> {
        let limit = |limit: Option<Limit>| match limit {
            None => "-".to_owned(),
            Some(Limit::Max) => "max".to_owned(),
            Some(Limit::At(number)) => number.to_string(),
        };
        let mut out = String::new();
        for process in &self.0 {
            let open = process.open.map_or_else(|| "-".to_owned(), |open| open.to_string());
            let _ = writeln!(out, "{} {open} {} {}", process.pid, limit(process.soft), limit(process.hard));
        }
        out.into_bytes()
    }
}

impl FromBytes for Fds {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut all = Vec::new();
        for (number, line) in lines(bytes) {
            if bytes.is_empty() {
                break;
            }
            let process = process(line);
            all.push(process.ok_or_else(|| ParseError::new(number, "pid, open, soft, hard", line))?);
        }
        Ok(Self(all))
    }
}

fn process(line: &[u8]) -> Option<ProcessFds> {
    let mut parts = fields(line);
    let pid = u32::try_from(unsigned(parts.next()?)?).ok()?;
    let open = match parts.next()? {
        b"-" => None,
        number => Some(unsigned(number)?),
    };
    let mut limit = || match parts.next()? {
        b"-" => Some(None),
        b"max" => Some(Some(Limit::Max)),
        number => Some(Some(Limit::At(unsigned(number)?))),
    };
    Some(ProcessFds { pid, open, soft: limit()?, hard: limit()? })
}

/// What one process holds of inotify.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessInotify {
    /// User id, whom the limits are for.
    pub uid: u32,
    /// Process id.
    pub pid: u32,
    /// Open inotify instances.
    pub instances: u64,
    /// Watches in them.
    pub watches: u64,
}

/// What all processes hold of inotify.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inotify {
    /// Every process was looked into. Otherwise the numbers are lower bounds: the scan is bounded in time, or other
    /// users' processes were closed to it.
    pub complete: bool,
    /// The processes that hold any.
    pub processes: Vec<ProcessInotify>,
}

impl Inotify {
    /// The lines that [`FromBytes`] reads back.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("complete {}\n", u8::from(self.complete));
        for process in &self.processes {
            let _ = writeln!(out, "{} {} {} {}", process.uid, process.pid, process.instances, process.watches);
        }
        out.into_bytes()
    }
}

impl FromBytes for Inotify {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut inotify = None;
        for (number, line) in lines(bytes) {
            let Some(known) = inotify.as_mut() else {
                let complete = match line {
                    b"complete 1" => true,
                    b"complete 0" => false,
                    _ => return Err(ParseError::new(number, "`complete 0` or `complete 1`", line)),
                };
                inotify = Some(Self { complete, processes: Vec::new() });
                continue;
            };
            let holder = holder(line);
            known.processes.push(holder.ok_or_else(|| ParseError::new(number, "uid, pid, instances, watches", line))?);
        }
        inotify.ok_or_else(|| ParseError::new(1, "`complete 0` or `complete 1`", bytes))
    }
}

fn holder(line: &[u8]) -> Option<ProcessInotify> {
    let mut numbers = fields(line).map(unsigned);
    let mut next = || numbers.next().flatten();
    let mut id = || u32::try_from(next()?).ok();
    Some(ProcessInotify { uid: id()?, pid: id()?, instances: next()?, watches: next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let fds = Fds(vec![
            ProcessFds { pid: 1, open: Some(37), soft: Some(Limit::At(1024)), hard: Some(Limit::Max) },
            ProcessFds { pid: 2, open: None, soft: None, hard: None },
        ]);
        assert_eq!(Fds::from_bytes(&fds.to_bytes()), Ok(fds));
        for complete in [true, false] {
            let inotify =
                Inotify { complete, processes: vec![ProcessInotify { uid: 7, pid: 5, instances: 3, watches: 90 }] };
            assert_eq!(Inotify::from_bytes(&inotify.to_bytes()), Ok(inotify));
        }
    }

    #[test]
    fn odd_lines_are_refused() {
        assert_eq!(Fds::from_bytes(b""), Ok(Fds::default()));
        for bad in [&b"x 1 2 3"[..], b"1 2 3", b"1 + 2 3", b"5000000000 1 1 1"] {
            assert!(Fds::from_bytes(bad).is_err(), "{bad:?}");
        }
        for bad in [&b""[..], b"1 2 3", b"complete 2", b"complete 1\n1 2 3"] {
            assert!(Inotify::from_bytes(bad).is_err(), "{bad:?}");
        }
    }
}
