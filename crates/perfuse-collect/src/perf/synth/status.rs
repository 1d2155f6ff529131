//! The few lines of `/proc/PID/status` (proc(5)) that a recording needs, read in one pass without a copy.

use perfuse_format::parse::{trim, unsigned};

/// Letters of a thread's name that the kernel keeps (`TASK_COMM_LEN` less the NUL).
pub(super) const COMM: usize = 15;

/// What the status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Status<'a> {
    /// The name as it stands there: blanks that are no spaces and backslashes are escaped.
    pub(super) name: &'a [u8],
    /// The process.
    pub(super) tgid: i32,
    /// Its parent.
    pub(super) ppid: i32,
    /// Effective user.
    pub(super) euid: u32,
    /// Threads.
    pub(super) threads: u32,
    /// Whether it has memory of its own; a kernel thread has not, and neither has one that is ending.
    pub(super) has_memory: bool,
}

impl<'a> Status<'a> {
    /// Reads the lines as far as they are needed; `None` if they are not those of a status.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut status = Self { name: &[], ..Self::default() };
        let mut seen = 0;
        for line in bytes.split(|&byte| byte == b'\n') {
            let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
            let value = trim(&line[colon + 1..]);
            let id = |value: &[u8]| unsigned(value).and_then(|id| i32::try_from(id).ok());
            match &line[..colon] {
                b"Name" => status.name = &value[..value.len().min(COMM)],
                b"Tgid" => status.tgid = id(value)?,
                b"PPid" => status.ppid = id(value)?,
                b"Uid" => {
                    let effective = value.split(u8::is_ascii_whitespace).nth(1)?;
                    status.euid = u32::try_from(unsigned(effective)?).ok()?;
                }
                b"VmPeak" => status.has_memory = true,
                // The last one of interest; the masks of signals follow.
                b"Threads" => {
                    status.threads = u32::try_from(unsigned(value)?).ok()?;
                    return (seen >= 3).then_some(status);
                }
                _ => continue,
            }
            seen += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &[u8] = b"Name:\tsleep\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t12\nNgid:\t0\nPid:\t13\nPPid:\t4\nTracerPid:\t0\nUid:\t1000\t1001\t1000\t1000\nVmPeak:\t  2496 kB\nVmRSS:\t 1 kB\nThreads:\t3\nSigQ:\t0/1\n";

    #[test]
    fn the_lines_are_found() {
        let status = Status::parse(USER).unwrap();
        let expected = Status { name: b"sleep", tgid: 12, ppid: 4, euid: 1001, threads: 3, has_memory: true };
        assert_eq!(status, expected);
    }

    #[test]
    fn a_kernel_thread_has_no_memory_and_a_long_name_is_cut() {
        let text = b"Name:\tkworker/R-kvfree_rcu_reclaim\nTgid:\t6\nPPid:\t2\nUid:\t0\t0\t0\t0\nThreads:\t1\n";
        let status = Status::parse(text).unwrap();
        assert_eq!((status.name, status.has_memory), (&b"kworker/R-kvfre"[..], false));
    }

    #[test]
    fn what_is_cut_or_no_status_is_nothing() {
        for length in 0..USER.len() - 12 {
            assert_eq!(Status::parse(&USER[..length]), None, "{length}");
        }
        assert_eq!(Status::parse(b"Threads:\t1\n"), None);
        assert_eq!(Status::parse(b"Name:\tx\nTgid:\t-1\nPPid:\t1\nUid:\t0\t0\nThreads:\t1\n"), None);
    }
}
