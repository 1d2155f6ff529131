//! Connections that wait to be accepted, by the process that should accept them.

use std::collections::BTreeMap;

use perfuse_format::netlink::sockdiag::{TcpSockets, state};
use perfuse_format::sys::net::SocketOwners;

use super::groups::latest;
use crate::run::Run;

/// Connections in the accept queues of each process, in the last snapshot. Empty where listeners were not read.
pub(super) fn waiting(run: &Run) -> BTreeMap<u32, u64> {
    let sockets = latest::<TcpSockets>(run, "@netlink/listen").unwrap_or_default();
    let owners = latest::<SocketOwners>(run, "@net/owners").map(|owners| owners.0).unwrap_or_default();
    let mut queued: BTreeMap<u32, u64> = BTreeMap::new();
    for socket in sockets.0.iter().filter(|socket| socket.state == state::LISTEN) {
        if let Some(pid) = owners.get(&u64::from(socket.inode)) {
            *queued.entry(*pid).or_default() += u64::from(socket.receive_queue);
        }
    }
    queued
}
