//! `@netlink/link`, `@netlink/addr`, `@netlink/qdisc`, `@netlink/class`: interfaces and what queues before them.

use std::collections::BTreeSet;

use perfuse_format::netlink::addr::GET_ADDRESS;
use perfuse_format::netlink::link::GET_LINK;
use perfuse_format::netlink::qdisc::{GET_CLASS, GET_QDISC, Qdiscs};
use perfuse_format::{FromBytes, RawSnapshot};
use rustix::io::Errno;

use super::super::Collector;
use crate::netlink::{Netlink, Protocol};
use crate::root::Root;
use crate::sampler::Tick;

/// Reads interfaces and queueing disciplines at every tick.
#[derive(Debug)]
pub(super) struct LinkCollector {
    netlink: Netlink,
}

impl Default for LinkCollector {
    fn default() -> Self {
        Self { netlink: Netlink::new(Protocol::Route) }
    }
}

impl Collector for LinkCollector {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if !root.is_live() {
            return;
        }
        let mut bytes = Vec::new();
        // struct ifinfomsg with everything 0: all interfaces.
        let result = self.netlink.dump(GET_LINK, &[0; 16], &mut bytes);
        put(out, "@netlink/link", result, bytes);

        let mut bytes = Vec::new();
        // struct tcmsg with everything 0: the queueing disciplines of all interfaces.
        let result = self.netlink.dump(GET_QDISC, &[0; 20], &mut bytes);
        let classful = classful_interfaces(&bytes);
        put(out, "@netlink/qdisc", result, bytes);

        if tick.slow || tick.first {
            let mut bytes = Vec::new();
            // struct ifaddrmsg with everything 0: all addresses of all families.
            let result = self.netlink.dump(GET_ADDRESS, &[0; 8], &mut bytes);
            put(out, "@netlink/addr", result, bytes);
        }
        if classful.is_empty() {
            return;
        }
        let mut bytes = Vec::new();
        let mut result = Ok(());
        for interface in classful {
            let mut request = [0_u8; 20];
            request[4..8].copy_from_slice(&interface.to_ne_bytes());
            result = self.netlink.dump(GET_CLASS, &request, &mut bytes);
            if result.is_err() {
                break;
            }
        }
        put(out, "@netlink/class", result, bytes);
    }
}

/// Interfaces with a discipline whose classes carry the limits.
fn classful_interfaces(qdiscs: &[u8]) -> BTreeSet<u32> {
    let qdiscs = Qdiscs::from_bytes(qdiscs).unwrap_or_default();
    qdiscs.0.iter().filter(|qdisc| qdisc.kind == "htb").map(|qdisc| qdisc.interface).collect()
}

/// Puts the answers in, or the refusal.
pub(in crate::sources) fn put(out: &mut RawSnapshot, source: &str, result: Result<(), Errno>, bytes: Vec<u8>) {
    match result {
        Ok(()) => out.put(source, bytes),
        Err(errno) => out.put_errno(source, errno.raw_os_error()),
    }
}
