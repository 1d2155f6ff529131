//! The files of one process or thread: `/proc/PID/{stat,schedstat,io,cgroup}` and the same below `task/TID`.

use crate::parse::{FromBytes, ParseError, fields, lines, signed, text, trim, unsigned};

/// `/proc/PID/stat` (proc(5)); times in clock ticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PidStat {
    /// Field 1.
    pub pid: u32,
    /// Field 2 without its parentheses; may hold blanks, newlines and parentheses itself.
    pub comm: String,
    /// Field 3.
    pub state: char,
    /// Field 4.
    pub ppid: u32,
    /// Field 9: `PF_*` of the kernel.
    pub flags: u64,
    /// Field 10.
    pub minor_faults: u64,
    /// Field 12.
    pub major_faults: u64,
    /// Field 14.
    pub user_ticks: u64,
    /// Field 15.
    pub system_ticks: u64,
    /// Field 19.
    pub nice: i32,
    /// Field 20.
    pub threads: u32,
    /// Field 22: ticks from boot to its start.
    pub start_ticks: u64,
    /// Field 24.
    pub rss_pages: u64,
    /// Field 39.
    pub cpu: u32,
    /// Field 41.
    pub policy: u32,
    /// Field 42; `None` on a kernel that does not print it. Stays 0 without delay accounting.
    pub blkio_delay_ticks: Option<u64>,
}

impl FromBytes for PidStat {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let fail = |expected| ParseError::new(1, expected, bytes);
        // The name may contain anything, so it ends at the LAST parenthesis of the file.
        let open = bytes.iter().position(|&b| b == b'(').ok_or_else(|| fail("`pid (comm) state ...`"))?;
        let close = bytes.iter().rposition(|&b| b == b')').ok_or_else(|| fail("`pid (comm) state ...`"))?;
        if close < open {
            return Err(fail("`pid (comm) state ...`"));
        }
        let pid = unsigned(trim(&bytes[..open])).and_then(|pid| u32::try_from(pid).ok());
        let rest: Vec<&[u8]> = fields(&bytes[close + 1..]).collect();
        // `rest[0]` is field 3.
        let field = |number: usize| rest.get(number - 3).copied();
        let number = |at: usize| field(at).and_then(unsigned).ok_or_else(|| fail("a number in each field"));
        let small = |at: usize| number(at).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        Ok(Self {
            pid: pid.ok_or_else(|| fail("a process id"))?,
            comm: text(&bytes[open + 1..close]),
            state: field(3).and_then(|state| state.first()).map(|&b| char::from(b)).ok_or_else(|| fail("a state"))?,
            ppid: small(4)?,
            flags: number(9)?,
            minor_faults: number(10)?,
            major_faults: number(12)?,
            user_ticks: number(14)?,
            system_ticks: number(15)?,
            nice: field(19).and_then(signed).and_then(|n| i32::try_from(n).ok()).ok_or_else(|| fail("a nice value"))?,
            threads: small(20)?,
            start_ticks: number(22)?,
            // The kernel prints the resident set as signed; it can be below 0 for a moment.
            rss_pages: field(24)
                .and_then(signed)
                .map(|n| u64::try_from(n).unwrap_or(0))
                .ok_or_else(|| fail("pages"))?,
            cpu: small(39)?,
            policy: small(41)?,
            blkio_delay_ticks: field(42).and_then(unsigned),
        })
    }
}

/// `/proc/PID/schedstat`: three numbers (Documentation/scheduler/sched-stats.rst).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PidSchedstat {
    /// Time on CPU.
    pub run_ns: u64,
    /// Time runnable and waiting for a CPU.
    pub run_delay_ns: u64,
    /// Times it was given a CPU.
    pub slices: u64,
}

impl FromBytes for PidSchedstat {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut numbers = fields(bytes).map(unsigned);
        let mut next = || numbers.next().flatten().ok_or_else(|| ParseError::new(1, "three numbers", bytes));
        Ok(Self { run_ns: next()?, run_delay_ns: next()?, slices: next()? })
    }
}

/// `/proc/PID/io`; only what reaches storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PidIo {
    /// Bytes fetched from storage.
    pub read_bytes: u64,
    /// Bytes that will go to storage.
    pub write_bytes: u64,
    /// Bytes whose write-back was cancelled (truncated dirty pages).
    pub cancelled_write_bytes: u64,
}

impl FromBytes for PidIo {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut io = Self { read_bytes: 0, write_bytes: 0, cancelled_write_bytes: 0 };
        let mut seen = 0;
        for (number, line) in lines(bytes) {
            let mut parts = fields(line);
            let target = match parts.next() {
                Some(b"read_bytes:") => &mut io.read_bytes,
                Some(b"write_bytes:") => &mut io.write_bytes,
                Some(b"cancelled_write_bytes:") => &mut io.cancelled_write_bytes,
                _ => continue,
            };
            *target = parts.next().and_then(unsigned).ok_or_else(|| ParseError::new(number, "a number", line))?;
            seen += 1;
        }
        if seen == 3 {
            Ok(io)
        } else {
            Err(ParseError::new(1, "read_bytes, write_bytes and cancelled_write_bytes", bytes))
        }
    }
}

/// `/proc/PID/cgroup` (cgroups(7)): the cgroup of a process in every mounted hierarchy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PidCgroup {
    /// `(controllers, path)`; the list of controllers is empty for v2.
    pub entries: Vec<(Vec<String>, String)>,
}

impl PidCgroup {
    /// Path in the v2 hierarchy.
    pub fn v2(&self) -> Option<&str> {
        self.entries.iter().find(|(controllers, _)| controllers.is_empty()).map(|(_, path)| path.as_str())
    }

    /// Path in the v1 hierarchy that carries `controller`.
    pub fn v1(&self, controller: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|(controllers, _)| controllers.iter().any(|c| c == controller))
            .map(|(_, path)| path.as_str())
    }
}

impl FromBytes for PidCgroup {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut entries = Vec::new();
        for (number, line) in lines(bytes) {
            let mut parts = line.splitn(3, |&byte| byte == b':');
            let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
                return Err(ParseError::new(number, "`id:controllers:path`", line));
            };
            let controllers = controllers.split(|&b| b == b',').filter(|c| !c.is_empty()).map(text).collect();
            entries.push((controllers, text(path)));
        }
        Ok(Self { entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_blanks_and_newlines_is_whole() {
        let line = b"7 (a) (b\n c)) R 1 7 7 0 -1 4194560 9 0 1 0 33 44 0 0 20 -5 3 0 777 1000 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 17 5 0 2 12 0 0\n";
        let stat = PidStat::from_bytes(line).unwrap();
        assert_eq!(stat.comm, "a) (b\n c)");
        assert_eq!((stat.state, stat.nice, stat.threads, stat.cpu, stat.policy), ('R', -5, 3, 5, 2));
        assert_eq!((stat.user_ticks, stat.system_ticks, stat.start_ticks, stat.rss_pages), (33, 44, 777, 0));
        assert_eq!(stat.blkio_delay_ticks, Some(12));
    }

    #[test]
    fn broken_lines_are_errors() {
        for bad in [&b""[..], b"7 comm R", b")(", b"7 (a) R 1 2", b"x (a) R 1 7 7 0 -1 0"] {
            assert!(PidStat::from_bytes(bad).is_err(), "{bad:?}");
        }
        assert!(PidSchedstat::from_bytes(b"1 2").is_err());
        assert!(PidIo::from_bytes(b"rchar: 1\n").is_err());
    }

    #[test]
    fn hybrid_cgroups_have_both_paths() {
        let parsed = PidCgroup::from_bytes(b"4:cpu,cpuacct:/a\n2:memory:/m:x\n0::/u\n").unwrap();
        assert_eq!(parsed.v2(), Some("/u"));
        assert_eq!(parsed.v1("cpuacct"), Some("/a"));
        assert_eq!(parsed.v1("memory"), Some("/m:x"));
        assert_eq!(parsed.v1("pids"), None);
    }
}
