//! Listening TCP sockets of a host at one moment, for those who watch them without connecting.

use std::net::SocketAddr;

use perfuse_format::netlink::sockdiag::TcpSockets;
use perfuse_format::proc::net::Numbers;
use perfuse_format::sys::net::SocketOwners;
use perfuse_format::tasks::TaskTable;
use perfuse_format::{RawSnapshot, Reading, Why};

/// One listening TCP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// Where it listens.
    pub address: SocketAddr,
    /// Process that has it open; of several the one with the lowest number. `None` where that may not be seen.
    pub pid: Option<u32>,
    /// Name of that process, as `/proc/PID/comm` has it.
    pub owner: Option<String>,
    /// Connections that wait to be accepted.
    pub waiting: u32,
    /// Connections that may wait.
    pub backlog: u32,
    /// Connection requests that the kernel dropped at it since it was made; `None` where the kernel does not tell.
    pub drops: Option<u32>,
    /// The kernel's own number of the socket: another one after a restart of the program.
    pub cookie: u64,
}

impl Listening {
    /// Whether no more connections may wait. The kernel lets one more in than the backlog.
    pub fn is_full(&self) -> bool {
        self.waiting > self.backlog
    }
}

/// The listeners of the newest snapshot that has them, by address. Owners are those of the newest that tells.
pub fn listening(snapshots: &[RawSnapshot]) -> Reading<Vec<Listening>> {
    let newest = |source: &str| snapshots.iter().rev().find(|snapshot| snapshot.has(source));
    let Some(snapshot) = newest("@netlink/listen") else {
        return Reading::missing(Why::NotSampled, "@netlink/listen");
    };
    let owners = newest("@net/owners").and_then(|raw| raw.get::<SocketOwners>("@net/owners").into_value());
    let owners = owners.unwrap_or_default();
    let tasks = TaskTable::from_raw(snapshot).into_value();
    snapshot.get::<TcpSockets>("@netlink/listen").map(|sockets| {
        let one = |socket: perfuse_format::netlink::sockdiag::TcpSocket| {
            let pid = owners.0.get(&u64::from(socket.inode)).copied();
            let owner = pid.and_then(|pid| Some(tasks.as_ref()?.processes.get(&pid)?.comm.clone()));
            Listening {
                address: socket.local,
                pid,
                owner,
                waiting: socket.receive_queue,
                backlog: socket.send_queue,
                drops: socket.drops,
                cookie: socket.cookie,
            }
        };
        let mut all: Vec<Listening> = sockets.0.into_iter().map(one).collect();
        all.sort_by(|a, b| a.address.cmp(&b.address).then(a.cookie.cmp(&b.cookie)));
        all
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

    /// A listener on 127.0.0.1 with inode 4242, `waiting` connections of 128.
    fn listener(port: u16, waiting: u32) -> Vec<u8> {
        let mut payload = vec![2_u8, 10, 0, 0];
        payload.extend(port.to_be_bytes());
        payload.extend([0, 0, 127, 0, 0, 1]);
        payload.extend([0; 28]);
        for word in [0_u32, 77, 0, 0, waiting, 128, 1000, 4242] {
            payload.extend(word.to_ne_bytes());
        }
        let mut memory = vec![0; 36];
        memory[32..36].copy_from_slice(&6_u32.to_ne_bytes());
        payload.extend(attribute_bytes(7, &memory));
        message(BY_FAMILY, 2, 1, &payload)
    }

    #[test]
    fn listeners_have_their_queue_and_what_was_dropped() {
        let mut raw = RawSnapshot::default();
        raw.put("@netlink/listen", [listener(8080, 3), listener(80, 129)].concat());
        raw.put("@net/owners", "4242 17\n");
        raw.put("/proc/sys/net/ipv4/ip_local_port_range", "40000\t40009\n");
        let all = listening(std::slice::from_ref(&raw)).into_value().unwrap();
        let shown: Vec<_> = all.iter().map(|one| (one.address.port(), one.is_full(), one.drops, one.pid)).collect();
        assert_eq!(shown, [(80, true, Some(6), Some(17)), (8080, false, Some(6), Some(17))]);
        assert_eq!(ephemeral_ports(&[raw]), (40000, 40009));
        assert_eq!(ephemeral_ports(&[]), (32768, 60999));
        assert!(listening(&[]).value().is_none());
    }
}
