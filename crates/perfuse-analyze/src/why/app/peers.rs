//! The process of this host behind the address that an application knows of its client.

use std::net::{IpAddr, SocketAddr};

use perfuse_format::netlink::sockdiag::TcpSockets;
use perfuse_format::sys::net::SocketOwners;

use crate::cell::Entity;
use crate::run::Run;

/// The process whose end of a connection has the address with which a text begins, if it is one of this host and its owner
/// is known.
pub(super) fn process(run: &Run, client: &str) -> Option<Entity> {
    let address = address(client)?;
    let sockets = run.last::<TcpSockets>("@netlink/tcp").into_value()?;
    let is_it = |local: SocketAddr| local.port() == address.port() && plain(local.ip()) == plain(address.ip());
    let socket = sockets.0.iter().find(|socket| socket.inode != 0 && is_it(socket.local))?;
    let owners = run.last::<SocketOwners>("@net/owners").into_value()?;
    let pid = *owners.0.get(&u64::from(socket.inode))?;
    let name = run.tasks.value()?.processes.get(&pid)?.task.comm.clone();
    Some(Entity::process(pid, &name))
}

/// `127.0.0.1:5000 report`, `[::1]:5000`.
fn address(client: &str) -> Option<SocketAddr> {
    client.split(' ').next()?.parse().ok()
}

/// The address of a connection that a socket of the newer family made over the older one is that of the older one.
fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Whether a signal or a debugger has stopped a process.
pub(super) fn is_stopped(run: &Run, process: &Entity) -> bool {
    let used = process.pid.and_then(|pid| run.tasks.value()?.processes.get(&pid));
    used.is_some_and(|used| matches!(used.task.state, 'T' | 't'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_begins_with_its_address() {
        assert_eq!(address("127.0.0.1:5000 report"), "127.0.0.1:5000".parse().ok());
        assert_eq!(address("[::1]:5000"), "[::1]:5000".parse().ok());
        assert_eq!((address("report"), address("")), (None, None));
        assert_eq!(plain("::ffff:127.0.0.1".parse().unwrap()), IpAddr::from([127, 0, 0, 1]));
    }
}
