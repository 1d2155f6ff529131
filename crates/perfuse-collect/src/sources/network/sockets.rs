//! `@netlink/listen`, `@netlink/tcp`, `@netlink/udp`, `@netlink/unix-listen` and `@net/owners`: TCP sockets, unconnected UDP
//! sockets, local sockets that listen, and the processes that have them open.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_dir;
use std::os::unix::ffi::OsStrExt;

use perfuse_format::netlink::sockdiag::{BY_FAMILY, TcpSockets, state};
use perfuse_format::netlink::unixdiag::{UnixSockets, request_listeners};
use perfuse_format::parse::unsigned;
use perfuse_format::proc::net::{SockStat, UdpSockets};
use perfuse_format::sys::net::SocketOwners;
use perfuse_format::{FromBytes, RawSnapshot};
use rustix::io::Errno;

use super::super::Collector;
use super::links::put;
use crate::netlink::{Netlink, Protocol};
use crate::root::Root;
use crate::sampler::Tick;

/// `INET_DIAG_SKMEMINFO` as a bit of the request: buffers and drops of each socket.
const WITH_MEMORY: u8 = 1 << 6;
/// `INET_DIAG_INFO` as a bit of the request: what TCP knows of each connection.
const WITH_INFO: u8 = 1 << 1;
/// Past this number of sockets the full dump leaves out what TCP knows of each (400 bytes a socket).
const MOST_WITH_INFO: u64 = 10_000;
/// Open files that one search for owners looks at; past it the rest of the owners stays unknown.
const MOST_FILES: usize = 20_000;
/// Rounds after which connections are reason enough to search through all processes again.
const HOLDS: u8 = 6;

/// Reads the listeners at every tick, all sockets and their owners at the slow ones.
#[derive(Debug)]
pub(super) struct SocketCollector {
    netlink: Netlink,
    /// Known owners by inode, so that a search is made for new sockets only.
    owners: BTreeMap<u64, u32>,
    /// Sockets without an owner at the last search through all processes, and the rounds since then.
    nobodys: BTreeSet<u64>,
    rounds: u8,
}

impl Default for SocketCollector {
    fn default() -> Self {
        Self {
            netlink: Netlink::new(Protocol::SockDiag),
            owners: BTreeMap::new(),
            nobodys: BTreeSet::new(),
            rounds: HOLDS,
        }
    }
}

impl Collector for SocketCollector {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if !root.is_live() {
            return;
        }
        let mut listeners = Vec::new();
        let result = self.inet(libc::IPPROTO_TCP, 1 << state::LISTEN, WITH_MEMORY, &mut listeners);
        let mut bound = inodes(&listeners);
        put(out, "@netlink/listen", result, listeners);
        if !(tick.slow || tick.first) {
            return;
        }
        let mut sockets = Vec::new();
        let count = out.get::<SockStat>("/proc/net/sockstat").into_value().and_then(|stat| stat.get("TCP", "inuse"));
        let many = count.is_some_and(|count| count > MOST_WITH_INFO);
        let extensions = if many { 0 } else { WITH_INFO };
        let result = self.inet(libc::IPPROTO_TCP, !(1 << state::LISTEN), extensions, &mut sockets);
        let connections = inodes(&sockets);
        put(out, "@netlink/tcp", result, sockets);
        let mut datagrams = Vec::new();
        let result = self.inet(libc::IPPROTO_UDP, 1 << state::UNCONNECTED, WITH_MEMORY, &mut datagrams);
        bound.extend(inodes(&datagrams));
        put(out, "@netlink/udp", result, datagrams);
        let mut local = Vec::new();
        let result = self.netlink.dump(BY_FAMILY, &request_listeners(), &mut local);
        let sockets = UnixSockets::from_bytes(&local).unwrap_or_default();
        bound.extend(sockets.0.keys().map(|inode| u64::from(*inode)));
        put(out, "@netlink/unix-listen", result, local);
        for path in ["/proc/net/udp", "/proc/net/udp6"] {
            // The files of a snapshot are read before what the collectors add.
            let udp = out.get::<UdpSockets>(path).into_value().unwrap_or_default();
            bound.extend(udp.0.iter().map(|socket| socket.inode));
        }
        bound.remove(&0);
        self.find_owners(root, &bound, &connections);
        out.put("@net/owners", SocketOwners(self.owners.clone()).to_bytes());
    }
}

impl SocketCollector {
    /// The sockets of a protocol in `states` of both families.
    fn inet(&mut self, protocol: i32, states: u32, extensions: u8, out: &mut Vec<u8>) -> Result<(), Errno> {
        for family in [libc::AF_INET, libc::AF_INET6] {
            let mut request = [0_u8; 56];
            request[0] = u8::try_from(family).unwrap_or_default();
            request[1] = u8::try_from(protocol).unwrap_or_default();
            request[2] = extensions;
            request[4..8].copy_from_slice(&states.to_ne_bytes());
            match self.netlink.dump(BY_FAMILY, &request, out) {
                // A kernel without IPv6 refuses the second family: what there is has been read.
                Err(Errno::NOENT | Errno::INVAL) if family == libc::AF_INET6 => {}
                result => result?,
            }
        }
        Ok(())
    }

    /// Searches the open files of the processes for the sockets that have no owner yet. Connections mostly belong to
    /// processes that have others already; those that come and go would be reason to look through all the others each time,
    /// so that is done for what is bound, and for connections now and then.
    fn find_owners(&mut self, root: &Root, bound: &BTreeSet<u64>, connections: &BTreeSet<u64>) {
        self.owners.retain(|inode, _| bound.contains(inode) || connections.contains(inode));
        let mut open: BTreeSet<u64> =
            bound.union(connections).copied().filter(|inode| !self.owners.contains_key(inode)).collect();
        let likely: BTreeSet<u32> = self.owners.values().copied().collect();
        let mut budget = MOST_FILES;
        self.look(root, likely.iter().copied(), &mut open, &mut budget);
        self.rounds = self.rounds.saturating_add(1);
        let news = open.iter().any(|inode| bound.contains(inode) && !self.nobodys.contains(inode));
        if open.is_empty() || !news && self.rounds < HOLDS {
            return;
        }
        self.look(root, processes(root).into_iter().filter(|pid| !likely.contains(pid)), &mut open, &mut budget);
        self.rounds = 0;
        self.nobodys = open;
    }

    /// Looks through the files of some processes for sockets, and takes those out that it finds.
    fn look(&mut self, root: &Root, pids: impl Iterator<Item = u32>, open: &mut BTreeSet<u64>, budget: &mut usize) {
        for pid in pids {
            if open.is_empty() || *budget == 0 {
                return;
            }
            let Ok(files) = read_dir(root.join(&format!("/proc/{pid}/fd"))) else { continue };
            for file in files.flatten().take(*budget) {
                *budget -= 1;
                let Some(inode) = std::fs::read_link(file.path()).ok().and_then(|target| {
                    unsigned(target.as_os_str().as_bytes().strip_prefix(b"socket:[")?.strip_suffix(b"]")?)
                }) else {
                    continue;
                };
                if open.remove(&inode) {
                    self.owners.insert(inode, pid);
                }
            }
        }
    }
}

fn inodes(sockets: &[u8]) -> BTreeSet<u64> {
    let sockets = TcpSockets::from_bytes(sockets).unwrap_or_default();
    sockets.0.iter().map(|socket| u64::from(socket.inode)).filter(|inode| *inode != 0).collect()
}

fn processes(root: &Root) -> Vec<u32> {
    let entries = read_dir(root.join("/proc")).into_iter().flatten().flatten();
    let mut pids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};
    use std::os::fd::AsRawFd as _;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

    use super::*;

    #[test]
    fn a_listener_of_our_own_is_found_with_its_owner() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut snapshot = RawSnapshot::default();
        let mut collector = SocketCollector::default();
        collector.sample(&Root::default(), Tick { first: true, slow: true }, &mut snapshot);
        let Some(listeners) = snapshot.get::<TcpSockets>("@netlink/listen").into_value() else {
            perfuse_testkit::skip!("netlink is refused here");
        };
        let ours = listeners.0.iter().find(|socket| socket.local.port() == port).unwrap();
        assert_eq!(ours.state, state::LISTEN);
        let owners = snapshot.get::<SocketOwners>("@net/owners").into_value().unwrap();
        assert_eq!(owners.0.get(&u64::from(ours.inode)), Some(&std::process::id()));
    }

    #[test]
    fn all_processes_are_searched_for_what_is_bound_and_for_connections_now_and_then() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let inode = std::fs::metadata(format!("/proc/self/fd/{}", listener.as_raw_fd())).unwrap().ino();
        let (bound, none) = (BTreeSet::from([inode]), BTreeSet::new());
        let mut collector = SocketCollector { rounds: 0, ..SocketCollector::default() };
        collector.find_owners(&Root::default(), &none, &bound);
        assert_eq!(collector.owners.get(&inode), None, "a connection, and no process that has others");
        for _ in 0..HOLDS {
            collector.find_owners(&Root::default(), &none, &bound);
        }
        let me = Some(&std::process::id());
        assert_eq!(collector.owners.get(&inode), me);
        let mut collector = SocketCollector { rounds: 0, ..SocketCollector::default() };
        collector.find_owners(&Root::default(), &bound, &none);
        assert_eq!(collector.owners.get(&inode), me);
    }

    #[test]
    fn datagram_and_local_sockets_of_our_own_are_found_with_their_owner() {
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = datagrams.local_addr().unwrap().port();
        let connected = UdpSocket::bind("127.0.0.1:0").unwrap();
        connected.connect(datagrams.local_addr().unwrap()).unwrap();
        connected.send(&[0; 100]).unwrap();
        let name = format!("perfuse-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let _local = UnixListener::bind_addr(&address).unwrap();
        let _waits = UnixStream::connect_addr(&address).unwrap();
        let mut snapshot = RawSnapshot::default();
        let mut collector = SocketCollector::default();
        collector.sample(&Root::default(), Tick { first: true, slow: true }, &mut snapshot);
        let owners = snapshot.get::<SocketOwners>("@net/owners").into_value().unwrap();
        let me = std::process::id();
        let Some(found) = snapshot.get::<UnixSockets>("@netlink/unix-listen").into_value() else {
            perfuse_testkit::skip!("netlink is refused here");
        };
        let ours = found.0.values().find(|socket| socket.name.as_deref() == Some(&format!("@{name}"))).unwrap();
        assert_eq!((ours.state, ours.receive_queue), (state::LISTEN, 1));
        assert!(ours.send_queue > 0, "{ours:?}");
        assert_eq!(owners.0.get(&u64::from(ours.inode)), Some(&me));
        let Some(found) = snapshot.get::<TcpSockets>("@netlink/udp").into_value() else {
            perfuse_testkit::skip!("the kernel has no udp_diag");
        };
        let ours = found.0.iter().find(|socket| socket.local.port() == port).unwrap();
        assert!(ours.receive_queue >= 100, "{ours:?}");
        assert!(ours.receive_buffer.is_some_and(|buffer| buffer > 1000) && ours.drops == Some(0), "{ours:?}");
        assert_eq!(owners.0.get(&u64::from(ours.inode)), Some(&me));
        assert!(found.0.iter().all(|socket| socket.local != connected.local_addr().unwrap()), "connected: no listener");
    }
}
