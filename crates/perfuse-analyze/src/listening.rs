//! The sockets of a host that others come to, at one moment: TCP and local sockets that listen, UDP sockets that are
//! connected to nobody. For those who watch them without connecting.

use std::fmt;
use std::net::SocketAddr;

use perfuse_format::netlink::sockdiag::{TcpSocket, TcpSockets};
use perfuse_format::netlink::unixdiag::UnixSockets;
use perfuse_format::proc::net::{Numbers, UdpSockets};
use perfuse_format::sys::net::SocketOwners;
use perfuse_format::tasks::TaskTable;
use perfuse_format::{RawSnapshot, Reading, Why};

/// Where others come to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A TCP port of an address.
    Tcp(SocketAddr),
    /// A UDP port of an address.
    Udp(SocketAddr),
    /// A path, or `@` and a name of no file (`unix(7)`, abstract).
    Local(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) | Self::Udp(address) => address.fmt(f),
            Self::Local(path) => path.fmt(f),
        }
    }
}

/// One such socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// Where it is.
    pub place: Place,
    /// Process that has it open; of several the one with the lowest number. `None` where that may not be seen.
    pub pid: Option<u32>,
    /// Name of that process, as `/proc/PID/comm` has it.
    pub owner: Option<String>,
    /// Connections that wait to be accepted; of UDP, bytes with their overhead that wait to be read.
    pub waiting: u32,
    /// Connections that may wait; of UDP, the bytes of the receive buffer. `None` where the kernel does not tell.
    pub room: Option<u32>,
    /// Connection requests (of UDP, datagrams) that the kernel dropped at it since it was made; `None` where the kernel does
    /// not tell.
    pub drops: Option<u32>,
    /// The kernel's own number of the socket: another one after a restart of the program.
    pub cookie: u64,
}

impl Listening {
    /// Whether no more may wait. Of connections the kernel lets one more in than the backlog (`sk_acceptq_is_full`,
    /// `unix_recvq_full`). A datagram is dropped once its own size does not fit any more, so a buffer is full from nine
    /// tenths on.
    pub fn is_full(&self) -> bool {
        let (waiting, Some(room)) = (u64::from(self.waiting), self.room.map(u64::from)) else { return false };
        match self.place {
            Place::Tcp(_) | Place::Local(_) => waiting > room,
            Place::Udp(_) => waiting > 0 && 10 * waiting >= 9 * room,
        }
    }
}

/// The sockets of one kind in one sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// When they were read, in nanoseconds of the monotonic clock.
    pub at_ns: u64,
    /// The sockets, by place.
    pub sockets: Vec<Listening>,
}

/// TCP sockets that listen, of the newest snapshot that has them. Owners are those of the newest that tells.
pub fn streams(snapshots: &[RawSnapshot]) -> Reading<Look> {
    look(snapshots, &["@netlink/listen"], |snapshot, owners| {
        let one = |socket: &TcpSocket| of_address(Place::Tcp, socket, owners);
        snapshot.get::<TcpSockets>("@netlink/listen").map(|sockets| sockets.0.iter().map(one).collect())
    })
}

/// UDP sockets that are bound and connected to nobody, of the newest snapshot that has them. Where the kernel does not answer
/// to `sock_diag(7)`, `/proc/net/udp` does, without the sizes of the buffers.
pub fn datagrams(snapshots: &[RawSnapshot]) -> Reading<Look> {
    look(snapshots, &["@netlink/udp", "/proc/net/udp", "/proc/net/udp6"], |snapshot, owners| {
        let one = |socket: &TcpSocket| of_address(Place::Udp, socket, owners);
        match snapshot.get::<TcpSockets>("@netlink/udp") {
            Reading::Value(sockets) => Reading::Value(sockets.0.iter().map(one).collect()),
            Reading::Missing(_) => of_files(snapshot, owners),
        }
    })
}

/// Local sockets that listen and have a name, of the newest snapshot that has them.
pub fn local(snapshots: &[RawSnapshot]) -> Reading<Look> {
    look(snapshots, &["@netlink/unix-listen"], |snapshot, owners| {
        snapshot.get::<UnixSockets>("@netlink/unix-listen").map(|sockets| {
            let named = sockets.0.into_values().filter_map(|socket| Some((socket.name.clone()?, socket)));
            let one = |(name, socket): (String, perfuse_format::netlink::unixdiag::UnixSocket)| {
                let (pid, owner) = owners.of(u64::from(socket.inode));
                let (waiting, room) = (socket.receive_queue, Some(socket.send_queue));
                Listening { place: Place::Local(name), pid, owner, waiting, room, drops: None, cookie: socket.cookie }
            };
            named.map(one).collect()
        })
    })
}

/// Who has which socket open.
struct Owners {
    pids: SocketOwners,
    tasks: Option<TaskTable>,
}

impl Owners {
    fn of(&self, inode: u64) -> (Option<u32>, Option<String>) {
        let pid = self.pids.0.get(&inode).copied();
        (pid, pid.and_then(|pid| Some(self.tasks.as_ref()?.processes.get(&pid)?.comm.clone())))
    }
}

fn look(
    snapshots: &[RawSnapshot],
    sources: &[&'static str],
    read: impl Fn(&RawSnapshot, &Owners) -> Reading<Vec<Listening>>,
) -> Reading<Look> {
    let newest =
        |sources: &[&str]| snapshots.iter().rev().find(|snapshot| sources.iter().any(|source| snapshot.has(source)));
    let Some(snapshot) = newest(sources) else {
        return Reading::missing(Why::NotSampled, sources[0]);
    };
    let pids = newest(&["@net/owners"]).and_then(|raw| raw.get::<SocketOwners>("@net/owners").into_value());
    let tasks = TaskTable::from_raw(snapshot).into_value();
    let owners = Owners { pids: pids.unwrap_or_default(), tasks };
    read(snapshot, &owners).map(|mut sockets| {
        sockets.sort_by(|a, b| a.place.cmp(&b.place).then(a.cookie.cmp(&b.cookie)));
        Look { at_ns: snapshot.mono_ns, sockets }
    })
}

fn of_address(place: impl Fn(SocketAddr) -> Place, socket: &TcpSocket, owners: &Owners) -> Listening {
    let place = place(socket.local);
    let (pid, owner) = owners.of(u64::from(socket.inode));
    // Of a listener the send queue is its backlog.
    let room = match place {
        Place::Udp(_) => socket.receive_buffer,
        Place::Tcp(_) | Place::Local(_) => Some(socket.send_queue),
    };
    Listening { place, pid, owner, waiting: socket.receive_queue, room, drops: socket.drops, cookie: socket.cookie }
}

/// UDP sockets as the files tell.
fn of_files(snapshot: &RawSnapshot, owners: &Owners) -> Reading<Vec<Listening>> {
    let [four, six] = ["/proc/net/udp", "/proc/net/udp6"].map(|path| snapshot.get::<UdpSockets>(path));
    // A kernel without IPv6 has the first alone.
    let six = six.into_value().unwrap_or_default();
    four.map(|four| {
        let unconnected =
            four.0.into_iter().chain(six.0).filter(|socket| socket.remote.port() == 0 && socket.inode != 0);
        let one = |socket: perfuse_format::proc::net::UdpSocket| {
            let (pid, owner) = owners.of(socket.inode);
            let waiting = u32::try_from(socket.rx_queue).unwrap_or(u32::MAX);
            let (place, drops) = (Place::Udp(socket.local), u32::try_from(socket.drops).ok());
            Listening { place, pid, owner, waiting, room: None, drops, cookie: socket.inode }
        };
        unconnected.map(one).collect()
    })
}

/// The ports that the kernel gives to whoever asks for any, both ends included.
pub fn ephemeral_ports(snapshots: &[RawSnapshot]) -> (u16, u16) {
    const SOURCE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
    let range = snapshots.iter().rev().find_map(|raw| raw.get::<Numbers>(SOURCE).into_value());
    let ends = range.and_then(|Numbers(ends)| match ends[..] {
        [from, to] => Some((u16::try_from(from).ok()?, u16::try_from(to).ok()?)),
        _ => None,
    });
    // What a kernel has that was not told otherwise (Documentation/networking/ip-sysctl.rst).
    ends.unwrap_or((32768, 60999))
}

#[cfg(test)]
mod tests {
    use perfuse_format::netlink::{attribute_bytes, message, sockdiag::BY_FAMILY};

    use super::*;

    /// A socket on 127.0.0.1 with inode 4242, `waiting` of 128 connections or of a buffer of 1000 bytes.
    fn listener(port: u16, waiting: u32) -> Vec<u8> {
        let mut payload = vec![2_u8, 10, 0, 0];
        payload.extend(port.to_be_bytes());
        payload.extend([0, 0, 127, 0, 0, 1]);
        payload.extend([0; 28]);
        for word in [0_u32, 77, 0, 0, waiting, 128, 1000, 4242] {
            payload.extend(word.to_ne_bytes());
        }
        let mut memory = vec![0; 36];
        memory[4..8].copy_from_slice(&1000_u32.to_ne_bytes());
        memory[32..36].copy_from_slice(&6_u32.to_ne_bytes());
        payload.extend(attribute_bytes(7, &memory));
        message(BY_FAMILY, 2, 1, &payload)
    }

    fn shown(look: Reading<Look>) -> Vec<(String, bool, Option<u32>, Option<u32>)> {
        let sockets = look.into_value().unwrap().sockets;
        sockets.iter().map(|one| (one.place.to_string(), one.is_full(), one.drops, one.pid)).collect()
    }

    #[test]
    fn listeners_have_their_queue_and_what_was_dropped() {
        let mut raw = RawSnapshot::default();
        raw.put("@netlink/listen", [listener(8080, 3), listener(80, 129)].concat());
        raw.put("@net/owners", "4242 17\n");
        raw.put("/proc/sys/net/ipv4/ip_local_port_range", "40000\t40009\n");
        let shown = shown(streams(std::slice::from_ref(&raw)));
        let [one, other] = ["127.0.0.1:80", "127.0.0.1:8080"].map(str::to_owned);
        assert_eq!(shown, [(one, true, Some(6), Some(17)), (other, false, Some(6), Some(17))]);
        assert_eq!(ephemeral_ports(&[raw]), (40000, 40009));
        assert_eq!(ephemeral_ports(&[]), (32768, 60999));
        assert!(streams(&[]).value().is_none());
    }

    #[test]
    fn datagrams_come_from_netlink_or_from_the_files() {
        let mut raw = RawSnapshot { mono_ns: 7, ..RawSnapshot::default() };
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n   \
             1: 0100007F:0035 00000000:0000 07 00000000:00000384 00:00000000 00000000 0 0 4242 2 0 17\n   \
             2: 0100007F:0036 0100007F:0037 01 00000000:00000000 00:00000000 00000000 0 0 4243 2 0 0\n";
        raw.put("/proc/net/udp", table);
        raw.put_errno("@netlink/udp", 2);
        raw.put("@net/owners", "4242 17\n");
        let at = "127.0.0.1:53".to_owned();
        let files = datagrams(std::slice::from_ref(&raw));
        assert_eq!(files.value().map(|look| look.at_ns), Some(7));
        assert_eq!(shown(files), [(at.clone(), false, Some(17), Some(17))], "the connected one is left out");
        for (waiting, full) in [(0, false), (899, false), (900, true)] {
            raw.put("@netlink/udp", listener(53, waiting));
            assert_eq!(shown(datagrams(std::slice::from_ref(&raw))), [(at.clone(), full, Some(6), Some(17))]);
        }
        assert!(datagrams(&[]).value().is_none());
    }

    #[test]
    fn local_sockets_have_names() {
        let mut raw = RawSnapshot::default();
        let one = |inode: u32, name: &[u8], waiting: u32| {
            let mut payload = vec![1, 1, 10, 0];
            payload.extend(inode.to_ne_bytes());
            payload.extend([9, 0, 0, 0, 0, 0, 0, 0]);
            payload.extend(attribute_bytes(0, name));
            payload.extend(attribute_bytes(4, &[waiting.to_ne_bytes(), 5_u32.to_ne_bytes()].concat()));
            message(BY_FAMILY, 2, 1, &payload)
        };
        raw.put("@netlink/unix-listen", [one(7, b"/run/b\0", 6), one(8, b"\0a", 5), one(9, b"", 0)].concat());
        raw.put("@net/owners", "7 17\n");
        let names = shown(local(&[raw]));
        assert_eq!(names, [("/run/b".to_owned(), true, None, Some(17)), ("@a".to_owned(), false, None, None)]);
    }
}
