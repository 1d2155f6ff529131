//! Network interfaces, their controllers and the network stack, with the controls that limit them.

mod controller;
mod counters;
mod errors;
mod findings;
mod interfaces;
mod limits;
mod listeners;
mod queues;
mod saturation;
mod sockets;
#[cfg(test)]
pub(crate) mod tests;
mod utilization;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use perfuse_format::bpf::SkbDrop;
use perfuse_format::netlink::addr::Addresses;
use perfuse_format::proc::net::DropReasons;
use perfuse_format::proc::net::{UdpSocket, UdpSockets};
use perfuse_format::sys::ends::Ends;
use perfuse_format::sys::net::SocketOwners;
use perfuse_format::{Reading, Why};

use crate::cell::{Entity, Unit, Verdict};
use crate::checklist::{Output, Slice};
use crate::run::Run;
use crate::threshold::Threshold;
use counters::Counters;
use interfaces::Interface;
use listeners::Listener;
use queues::Queue;
use sockets::Connection;

/// The group.
pub(crate) const SLICE: Slice = Slice { thresholds: THRESHOLDS, evaluate };

const THRESHOLDS: &[Threshold] = &[
    Threshold { key: "network.high-utilization", default: 0.80, unit: Unit::Ratio },
    Threshold { key: "network.limit-near", default: 0.80, unit: Unit::Ratio },
    Threshold { key: "network.error-ratio", default: 0.0001, unit: Unit::Ratio },
    Threshold { key: "network.drop-ratio", default: 0.001, unit: Unit::Ratio },
    Threshold { key: "network.retransmit-ratio", default: 0.01, unit: Unit::Ratio },
    Threshold { key: "network.udp-loss-ratio", default: 0.01, unit: Unit::Ratio },
    Threshold { key: "network.time-squeeze", default: 10.0, unit: Unit::PerSecond },
];

/// Everything that several rules of the group look at, computed once.
struct Net<'r, 'a> {
    run: &'r Run<'a>,
    interfaces: Reading<Vec<Interface>>,
    queues: Reading<Vec<Queue>>,
    counters: Reading<Counters>,
    listeners: Reading<Vec<Listener>>,
    connections: Reading<Vec<Connection>>,
    owners: SocketOwners,
    drops: Reading<Vec<Drop>>,
    addresses: Addresses,
}

/// Packets that the kernel dropped for one reason, per second.
#[derive(Debug, Clone, PartialEq)]
struct Drop {
    /// Name of the reason, `SOCKET_RCVBUFF`; its number where the names could not be read.
    reason: String,
    rate: f64,
}

fn evaluate(run: &Run, out: &mut Output) {
    let net = Net::new(run);
    utilization::evaluate(&net, out);
    saturation::evaluate(&net, out);
    errors::evaluate(&net, out);
    controller::evaluate(&net, out);
    queues::evaluate(&net, out);
    listeners::evaluate(&net, out);
    limits::evaluate(&net, out);
    findings::evaluate(&net, out);
}

impl<'r, 'a> Net<'r, 'a> {
    fn new(run: &'r Run<'a>) -> Self {
        let queues = queues::over(run);
        let interfaces = interfaces::over(run, queues.value().map_or(&[], Vec::as_slice));
        let owners = run.last::<SocketOwners>("@net/owners").into_value().unwrap_or_default();
        Self {
            counters: Counters::over(run),
            listeners: listeners::over(run),
            connections: sockets::over(run),
            drops: drops(run),
            addresses: run.last("@netlink/addr").into_value().unwrap_or_default(),
            run,
            interfaces,
            queues,
            owners,
        }
    }

    /// The process that has a socket open.
    fn owner(&self, inode: u64) -> Option<Entity> {
        let pid = *self.owners.0.get(&inode)?;
        Some(process(self.run, pid))
    }

    /// Whether a wait of this many seconds per second is a finding.
    fn is_finding(&self, wait: f64) -> bool {
        wait >= self.run.threshold("finding.min-wait") && wait >= self.run.threshold("finding.min-share")
    }

    /// Packets dropped per second for any of these reasons; `None` where the kernel was not asked.
    fn dropped_for(&self, reasons: &[&str]) -> Option<f64> {
        let drops = self.drops.value()?;
        Some(drops.iter().filter(|drop| reasons.contains(&drop.reason.as_str())).map(|drop| drop.rate).sum())
    }

    /// The name of the interface with this index.
    fn interface_name(&self, index: u32) -> String {
        let found = self.interfaces.value().and_then(|all| all.iter().find(|interface| interface.index == index));
        found.map_or_else(|| format!("if{index}"), |interface| interface.name.clone())
    }
}

/// The addresses behind the connections of some processes that are not on this host: those at which their threads waited at
/// the end first, then the busiest; at most five.
pub(crate) fn peers(run: &Run, pids: &BTreeSet<u32>) -> Vec<(SocketAddr, Option<f64>)> {
    let owners = run.last::<SocketOwners>("@net/owners").into_value().unwrap_or_default();
    let connections = sockets::over(run).into_value().unwrap_or_default();
    let here: BTreeSet<SocketAddr> = connections.iter().map(|connection| connection.local).collect();
    let of_them = |connection: &&Connection| {
        let owner = owners.0.get(&connection.inode);
        owner.is_some_and(|pid| pids.contains(pid)) && !here.contains(&connection.remote)
    };
    let ends = run.last::<Ends>(Ends::SOURCE).into_value().unwrap_or_default();
    let awaited = |inode: u64| {
        let file = format!("socket:[{inode}]");
        ends.waits.iter().filter(|at| pids.contains(&at.pid) && at.file == file).count()
    };
    let mut sums: BTreeMap<SocketAddr, (usize, f64, Option<f64>)> = BTreeMap::new();
    // Datagrams have a peer only where the socket was connected to it.
    for path in ["/proc/net/udp", "/proc/net/udp6"] {
        let sockets = run.last::<UdpSockets>(path).into_value().unwrap_or_default();
        let owned = |socket: &&UdpSocket| owners.0.get(&socket.inode).is_some_and(|pid| pids.contains(pid));
        for socket in sockets.0.iter().filter(|socket| socket.remote.port() != 0).filter(owned) {
            if !socket.remote.ip().is_loopback() && socket.remote.ip() != socket.local.ip() {
                sums.entry(socket.remote).or_default().0 += awaited(socket.inode);
            }
        }
    }
    for connection in connections.iter().filter(of_them) {
        let sum = sums.entry(connection.remote).or_default();
        sum.0 += awaited(connection.inode);
        sum.1 += connection.bytes;
        sum.2 = sum.2.or(connection.rtt);
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|a, b| b.1.0.cmp(&a.1.0).then(b.1.1.total_cmp(&a.1.1)).then(a.0.cmp(&b.0)));
    sums.into_iter().take(5).map(|(address, (.., rtt))| (address, rtt)).collect()
}

/// A process by its pid, with its name as last seen.
fn process(run: &Run, pid: u32) -> Entity {
    let used = run.tasks.value().and_then(|tasks| tasks.processes.get(&pid));
    let named = used.map_or_else(|| format!("pid {pid}"), |used| used.task.comm.clone());
    let entity = Entity::process(pid, named);
    match run.cgroup_of(pid, "net_cls") {
        Some(group) if group != "/" => entity.path(group),
        _ => entity,
    }
}

/// `ok`, or `watch` from `limit` on.
fn watch_from(value: f64, limit: f64) -> Verdict {
    if value >= limit { Verdict::Watch } else { Verdict::Ok }
}

fn drops(run: &Run) -> Reading<Vec<Drop>> {
    let names = run.last::<DropReasons>("@bpf/skb_drop_reasons");
    let names = names.or_else(|| run.last("/sys/kernel/tracing/events/skb/kfree_skb/format")).into_value();
    run.bpf::<SkbDrop>().and_then(|(rows, seconds)| {
        if seconds <= 0.0 {
            return Reading::missing(Why::TooEarly, "@bpf/skb_drop");
        }
        let mut sums = BTreeMap::<String, u64>::new();
        for row in rows {
            let name = row.reason.map_or_else(
                || "NOT_SPECIFIED".to_owned(),
                |reason| {
                    let known = names.as_ref().and_then(|names| names.0.get(&reason));
                    known.cloned().unwrap_or_else(|| format!("reason {reason}"))
                },
            );
            *sums.entry(name).or_default() += row.count;
        }
        let mut drops: Vec<Drop> =
            sums.into_iter().map(|(reason, count)| Drop { reason, rate: count as f64 / seconds }).collect();
        drops.sort_by(|a, b| b.rate.total_cmp(&a.rate).then(a.reason.cmp(&b.reason)));
        Reading::Value(drops)
    })
}
