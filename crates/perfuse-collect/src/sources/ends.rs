//! `@ipc/ends`, `@netlink/unix` and `/proc/locks`: which threads wait at a pipe, a socket or a lock of a file, and who is at
//! the other end.
//!
//! Only the search for one cause needs it: it looks at every thread and at every open file of the host.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read_dir, read_link};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use perfuse_format::netlink::sockdiag::{BY_FAMILY, TcpSockets};
use perfuse_format::netlink::unixdiag::{UnixSockets, request};
use perfuse_format::parse::unsigned;
use perfuse_format::proc::locks::FileLocks;
use perfuse_format::sys::ends::{AtEnd, Ends, Holder};
use perfuse_format::{FromBytes, RawSnapshot};
use rustix::fs::{AtFlags, CWD, FileType, StatxFlags, statx};

use super::Collector;
use super::network::put;
use crate::netlink::{Netlink, Protocol};
use crate::root::Root;
use crate::sampler::Tick;

/// Threads that one look asks for what they wait.
const MOST_THREADS: usize = 20_000;
/// Open files that one look goes through; past it the rest of those who have them open stays unknown.
const MOST_FILES: usize = 200_000;
/// Files that one `epoll` instance is read for.
const MOST_WATCHED: usize = 10_000;

/// System calls whose first argument is the file that they wait at: read, write, readv, writev, connect, sendto, recvfrom,
/// sendmsg, recvmsg, splice, recvmmsg, sendmmsg (`arch/x86/entry/syscalls/syscall_64.tbl`).
#[cfg(target_arch = "x86_64")]
const CALLS: [i32; 12] = [0, 1, 19, 20, 42, 44, 45, 46, 47, 275, 299, 307];
/// The same in the generic table (`include/uapi/asm-generic/unistd.h`).
#[cfg(not(target_arch = "x86_64"))]
const CALLS: [i32; 12] = [63, 64, 65, 66, 203, 206, 207, 211, 212, 76, 243, 269];

/// Looks at the slow ticks.
#[derive(Debug)]
pub(crate) struct EndCollector {
    netlink: Netlink,
}

impl Default for EndCollector {
    fn default() -> Self {
        Self { netlink: Netlink::new(Protocol::SockDiag) }
    }
}

impl Collector for EndCollector {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if !root.is_live() || !tick.slow {
            return;
        }
        let mut dump = Vec::new();
        let result = self.netlink.dump(BY_FAMILY, &request(), &mut dump);
        let unix = UnixSockets::from_bytes(&dump).unwrap_or_default();
        put(out, "@netlink/unix", result, dump);
        let mut tcp = out.get::<TcpSockets>("@netlink/tcp").into_value().unwrap_or_default();
        tcp.0.extend(out.get::<TcpSockets>("@netlink/listen").into_value().unwrap_or_default().0);
        if let Ok(locks) = std::fs::read(root.join(FileLocks::SOURCE)) {
            out.put(FileLocks::SOURCE, locks);
        }
        out.put(Ends::SOURCE, look(root, &unix, &tcp).to_bytes());
    }
}

/// All that is known of those who wait, and of those at the other end.
fn look(root: &Root, unix: &UnixSockets, tcp: &TcpSockets) -> Ends {
    let asleep = asleep(root);
    let mut wanted: BTreeSet<String> = asleep.waits.iter().map(|at| at.file.clone()).collect();
    let far: Vec<String> = wanted.iter().filter_map(|file| other_end(file, unix, tcp)).collect();
    wanted.extend(far);
    let mut ends = Ends { waits: asleep.waits, ..Ends::default() };
    if wanted.is_empty() {
        return ends;
    }
    ends.open = holders(root, &wanted);
    // An instance can watch thousands of files: only those are kept at which somebody waits.
    let holding: BTreeSet<u32> = ends.open.values().flatten().map(|holder| holder.pid).collect();
    for (at, instance) in asleep.polls.into_iter().filter(|(at, _)| holding.contains(&at.pid)) {
        let watched = watched(root, at.pid, instance).into_iter().filter(|file| wanted.contains(file));
        ends.watches.extend(watched.map(|file| AtEnd { file, ..at.clone() }));
    }
    ends
}

fn other_end(file: &str, unix: &UnixSockets, tcp: &TcpSockets) -> Option<String> {
    let inode = file.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()?;
    let far = unix.other_end(inode).map(|far| far.inode).or_else(|| tcp.other_end(inode).map(|far| far.inode))?;
    Some(format!("socket:[{far}]"))
}

/// Threads that are asleep.
#[derive(Default)]
struct Asleep {
    waits: Vec<AtEnd>,
    /// In `epoll_wait`, with the descriptor of the instance.
    polls: Vec<(AtEnd, u32)>,
}

fn asleep(root: &Root) -> Asleep {
    let mut asleep = Asleep::default();
    let mut left = MOST_THREADS;
    for pid in ids(&root.join("/proc")) {
        for tid in ids(&root.join(&format!("/proc/{pid}/task"))) {
            if left == 0 {
                return asleep;
            }
            left -= 1;
            let Ok(text) = std::fs::read(root.join(&format!("/proc/{pid}/task/{tid}/syscall"))) else { continue };
            let Some((call, fd)) = call(&text) else { continue };
            let link = root.join(&format!("/proc/{pid}/fd/{fd}"));
            let Some(file) = read_link(&link).ok().and_then(|link| link.into_os_string().into_string().ok()) else {
                continue;
            };
            let at = AtEnd { pid, tid, call, file };
            if at.file == "anon_inode:[eventpoll]" {
                asleep.polls.push((at, fd));
            } else if CALLS.contains(&call) && is_end(&at.file, &link) {
                asleep.waits.push(at);
            }
        }
    }
    asleep
}

/// Number and first argument of the system call that a thread is asleep in, if that can be a descriptor: `0 0x3 0x7ffd ...`.
fn call(text: &[u8]) -> Option<(i32, u32)> {
    let text = std::str::from_utf8(text).ok()?;
    let mut words = text.split_whitespace();
    let call = words.next()?.parse().ok().filter(|call| *call >= 0)?;
    let fd = words.next()?.strip_prefix("0x").and_then(|hex| u32::from_str_radix(hex, 16).ok())?;
    Some((call, fd))
}

/// Whether a file has another end: a socket, a pipe, a named pipe.
fn is_end(file: &str, link: &Path) -> bool {
    let named = || {
        // The file may lie on a server that does not answer: what is known of it here is enough.
        let known = statx(CWD, link, AtFlags::STATX_DONT_SYNC, StatxFlags::TYPE);
        known.is_ok_and(|known| FileType::from_raw_mode(u32::from(known.stx_mode)) == FileType::Fifo)
    };
    file.starts_with("socket:[") || file.starts_with("pipe:[") || (file.starts_with('/') && named())
}

/// Who has the `wanted` files open.
fn holders(root: &Root, wanted: &BTreeSet<String>) -> BTreeMap<String, Vec<Holder>> {
    let mut open: BTreeMap<String, Vec<Holder>> = BTreeMap::new();
    let mut left = MOST_FILES;
    for pid in ids(&root.join("/proc")) {
        let Ok(files) = read_dir(root.join(&format!("/proc/{pid}/fd"))) else { continue };
        for entry in files.flatten() {
            if left == 0 {
                return open;
            }
            left -= 1;
            let Some(file) = read_link(entry.path()).ok().and_then(|link| link.into_os_string().into_string().ok())
            else {
                continue;
            };
            if !wanted.contains(&file) {
                continue;
            }
            // The permissions of the link are the mode of the descriptor (proc_pid_fd(5)).
            let mode = entry.metadata().map_or(0o700, |link| link.permissions().mode());
            let (reads, writes) = (mode & 0o400 != 0, mode & 0o200 != 0);
            let holders = open.entry(file).or_default();
            match holders.iter_mut().find(|holder| holder.pid == pid) {
                Some(holder) => (holder.reads, holder.writes) = (holder.reads || reads, holder.writes || writes),
                None => holders.push(Holder { pid, reads, writes }),
            }
        }
    }
    open
}

/// The sockets and pipes that an `epoll` instance watches: lines `tfd: 5 events: 19 data: 5 pos:0 ino:1a2b sdev:8` of its
/// `fdinfo` (`proc_pid_fdinfo(5)`); those for which no event is asked are not watched.
fn watched(root: &Root, pid: u32, instance: u32) -> Vec<String> {
    let text = std::fs::read_to_string(root.join(&format!("/proc/{pid}/fdinfo/{instance}"))).unwrap_or_default();
    let targets = text.lines().filter_map(|line| {
        let mut words = line.strip_prefix("tfd:")?.split_whitespace();
        let descriptor = unsigned(words.next()?.as_bytes())?;
        let events = words.skip_while(|word| *word != "events:").nth(1)?;
        // EPOLLIN, EPOLLPRI and EPOLLOUT: errors are told in any case.
        (u32::from_str_radix(events, 16).ok()? & 0x7 != 0).then_some(descriptor)
    });
    let link = |descriptor: u64| read_link(root.join(&format!("/proc/{pid}/fd/{descriptor}"))).ok();
    targets.take(MOST_WATCHED).filter_map(link).filter_map(|link| link.into_os_string().into_string().ok()).collect()
}

/// The numbers among the names of a directory.
fn ids(directory: &Path) -> Vec<u32> {
    let entries = read_dir(directory).into_iter().flatten().flatten();
    let mut ids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    ids.sort_unstable();
    ids
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_call_of_a_thread_is_read() {
        assert_eq!(call(b"0 0x3 0x7ffd 0x1 0x0 0x0 0x0 0x7ffd 0x7f00\n"), Some((0, 3)));
        assert_eq!(call(b"202 0x7f3a5c0010 0x80 0x0 0x0 0x0 0x0 0x7ffd 0x7f00\n"), None, "an address is no descriptor");
        assert_eq!(call(b"running\n"), None);
        assert_eq!(call(b"-1 0x7ffd 0x7f00\n"), None);
        assert_eq!(call(b""), None);
    }

    #[test]
    fn a_thread_that_waits_at_a_socket_is_found_with_the_other_end() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let reader = std::thread::spawn(move || {
            let mut word = [0];
            ours.read_exact(&mut word).unwrap();
        });
        let mut collector = EndCollector::default();
        let me = std::process::id();
        let mut found = None;
        // The thread goes to sleep at some time.
        for _ in 0..200 {
            let mut snapshot = RawSnapshot::default();
            collector.sample(&Root::default(), Tick { first: true, slow: true }, &mut snapshot);
            let Some(unix) = snapshot.get::<UnixSockets>("@netlink/unix").into_value() else {
                perfuse_testkit::skip!("netlink is refused here");
            };
            let ends = snapshot.get::<Ends>(Ends::SOURCE).into_value().unwrap();
            found = ends.waits.iter().filter(|at| at.pid == me).find_map(|at| {
                let far = other_end(&at.file, &unix, &TcpSockets::default())?;
                ends.open.get(&far).filter(|holders| holders.iter().any(|holder| holder.pid == me)).cloned()
            });
            if found.is_some() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        theirs.write_all(&[1]).unwrap();
        reader.join().unwrap();
        if found.is_none()
            && std::fs::read("/proc/self/task/1/syscall").is_err()
            && !rustix::process::geteuid().is_root()
        {
            perfuse_testkit::skip!("the calls of threads may not be read here");
        }
        let holders = found.expect("the reader and the socket at the other end");
        assert!(holders.iter().any(|holder| holder.pid == me && holder.reads && holder.writes), "{holders:?}");
    }
}
