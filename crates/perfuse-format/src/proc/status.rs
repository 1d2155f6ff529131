//! `/proc/PID/status` (proc(5)): the fields that no other file of a process has.

use crate::parse::{FromBytes, ParseError, fields, lines, text, unsigned};
use crate::sys::cpulist::CpuList;

/// Who a process is and where it may run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PidStatus {
    /// Real user id, in the reader's user namespace.
    pub uid: u32,
    /// Threads.
    pub threads: u64,
    /// CPUs on which it may run: its own affinity within its cpuset.
    pub allowed_cpus: CpuList,
}

impl FromBytes for PidStatus {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let (mut uid, mut threads, mut allowed_cpus) = (None, None, None);
        for (number, line) in lines(bytes) {
            let bad = |expected| ParseError::new(number, expected, line);
            // `Name:` stands first and its newlines are escaped, so no name can imitate another field.
            if let Some(ids) = line.strip_prefix(b"Uid:") {
                let real = fields(ids).next().and_then(unsigned).and_then(|id| u32::try_from(id).ok());
                uid = Some(real.ok_or_else(|| bad("a user id"))?);
            } else if let Some(count) = line.strip_prefix(b"Threads:") {
                threads = Some(unsigned(count.trim_ascii()).ok_or_else(|| bad("a number"))?);
            } else if let Some(list) = line.strip_prefix(b"Cpus_allowed_list:") {
                let list = CpuList::parse(&text(list.trim_ascii()));
                allowed_cpus = Some(list.ok_or_else(|| bad("a list of CPUs"))?);
            }
        }
        match (uid, allowed_cpus) {
            (Some(uid), Some(allowed_cpus)) => Ok(Self { uid, threads: threads.unwrap_or(1), allowed_cpus }),
            _ => Err(ParseError::new(1, "`Uid` and `Cpus_allowed_list`", bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_threads_and_cpus() {
        let text = b"Name:\tUid:\\n9\nUmask:\t0022\nState:\tS (sleeping)\nUid:\t1000\t0\t0\t0\nThreads:\t7\nCpus_allowed:\tff\nCpus_allowed_list:\t0-1,4\nMems_allowed_list:\t0\n";
        let status = PidStatus::from_bytes(text).unwrap();
        assert_eq!((status.uid, status.threads), (1000, 7));
        assert_eq!(status.allowed_cpus.iter().collect::<Vec<_>>(), [0, 1, 4]);
        for bad in [&b""[..], b"Uid:\tx\n", b"Uid:\t1\nCpus_allowed_list:\t3-1\n"] {
            assert!(PidStatus::from_bytes(bad).is_err());
        }
    }
}
