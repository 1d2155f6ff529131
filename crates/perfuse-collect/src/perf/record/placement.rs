//! Where and how urgently the process runs that empties the rings.

use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::path::Path;

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::perf::Errno;
use crate::perf::cpus::parse_list;
use crate::root::Root;

/// Where a ring is read (`--affinity`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Affinity {
    /// Wherever the scheduler puts us.
    #[default]
    Anywhere,
    /// On the CPU whose records the ring holds.
    Cpu,
    /// On any CPU of that one's memory node.
    Node,
}

/// The CPUs on which the ring of a CPU is to be read; `None` for any.
pub(super) fn place(root: &Root, affinity: Affinity, cpu: i32) -> Option<CpuSet> {
    let cpus = match affinity {
        Affinity::Cpu if cpu >= 0 => vec![cpu],
        Affinity::Node if cpu >= 0 => node(root, cpu)?,
        _ => return None,
    };
    let mut set = CpuSet::new();
    for cpu in cpus.into_iter().filter_map(|cpu| usize::try_from(cpu).ok()).filter(|cpu| *cpu < CpuSet::MAX_CPU) {
        set.set(cpu);
    }
    (set.count() > 0).then_some(set)
}

/// The CPUs of the node that has this one.
fn node(root: &Root, cpu: i32) -> Option<Vec<i32>> {
    let nodes = std::fs::read(root.join("/sys/devices/system/node/online")).ok()?;
    parse_list(nodes.trim_ascii_end())?.into_iter().find_map(|node| {
        let list = std::fs::read(root.join(&format!("/sys/devices/system/node/node{node}/cpulist"))).ok()?;
        parse_list(list.trim_ascii_end()).filter(|cpus| cpus.contains(&cpu))
    })
}

/// Moves this thread there. A CPU that went offline is no reason to stop reading its ring.
pub(super) fn go(set: &CpuSet) {
    let _ = sched_setaffinity(None, set);
}

/// Runs this process before all others that are not real-time: `SCHED_FIFO` with a priority of 1 to 99 (sched(7)).
pub fn realtime(priority: i32) -> Result<(), Errno> {
    let param = libc::sched_param { sched_priority: priority };
    // SAFETY: the structure is live for the call and only read.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const param) } == 0 {
        return Ok(());
    }
    Err(Errno(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL)))
}

/// A descriptor of our own for one that this process was started with, by its number.
pub fn inherited(fd: i32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes no pointer.
    let own = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) };
    if own < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made this descriptor for us, and nothing else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(own) })
}

/// Opens a fifo for both ways, without waiting for somebody on the other side.
pub fn fifo(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_its_cpus() {
        let directory = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = directory.path().join("sys/devices/system/node").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("online", "0-1\n");
        put("node0/cpulist", "0-1\n");
        put("node1/cpulist", "2,3\n");
        let root = Root::at(directory.path());
        let cpus = |affinity: Affinity, cpu: i32| {
            place(&root, affinity, cpu).map(|set| (0..8).filter(|cpu| set.is_set(*cpu)).collect::<Vec<_>>())
        };
        assert_eq!(cpus(Affinity::Node, 3), Some(vec![2, 3]));
        assert_eq!(cpus(Affinity::Cpu, 3), Some(vec![3]));
        assert_eq!(cpus(Affinity::Node, 7), None);
        assert_eq!((cpus(Affinity::Cpu, -1), cpus(Affinity::Anywhere, 1)), (None, None));
    }

    #[test]
    fn a_descriptor_that_is_not_there_is_an_error() {
        assert_eq!(inherited(1_000_000).unwrap_err().raw_os_error(), Some(libc::EBADF));
        assert!(inherited(0).is_ok() || inherited(2).is_ok());
    }

    #[test]
    fn a_priority_beyond_all_is_refused() {
        assert!(realtime(1000).is_err());
    }
}
