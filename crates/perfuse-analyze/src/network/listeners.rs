//! Listening TCP sockets: connections that wait to be accepted, and those that were turned away.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use perfuse_format::netlink::sockdiag::{TcpSocket, TcpSockets};
use perfuse_format::{Delta, Reading, Why, delta};

use super::Net;
use crate::cell::{Cell, Entity, EntityKind, Evidence, Instance, Quantity, Verdict};
use crate::checklist::Output;
use crate::run::Run;

/// One listener over the run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listener {
    pub(super) local: SocketAddr,
    pub(super) inode: u64,
    /// Connections that may wait.
    pub(super) backlog: u32,
    /// Connections that waited, at the most.
    pub(super) most_waiting: u32,
    /// Connections that waited, on average over the samples.
    pub(super) mean_waiting: f64,
    /// Share of the samples in which the queue was full.
    pub(super) full: f64,
    /// Connection requests that the kernel dropped at this socket, per second; `None` where it does not tell.
    pub(super) drops: Option<f64>,
}

impl Listener {
    /// The most that waited against what may wait.
    pub(super) fn fill(&self) -> f64 {
        f64::from(self.most_waiting) / f64::from(self.backlog.max(1))
    }
}

/// All listeners, the fullest first.
pub(super) fn over(run: &Run) -> Reading<Vec<Listener>> {
    let samples: Vec<(u64, TcpSockets)> = run
        .snapshots
        .iter()
        .filter_map(|raw| Some((raw.mono_ns, raw.get::<TcpSockets>("@netlink/listen").into_value()?)))
        .collect();
    let (Some((start, _)), Some((end, _))) = (samples.first(), samples.last()) else {
        return run.last::<TcpSockets>("@netlink/listen").and_then(|_| Reading::missing(Why::NotSampled, "sock_diag"));
    };
    let seconds = end.saturating_sub(*start) as f64 / 1e9;
    let mut by_cookie: BTreeMap<u64, Vec<&TcpSocket>> = BTreeMap::new();
    for socket in samples.iter().flat_map(|(_, sockets)| &sockets.0) {
        by_cookie.entry(socket.cookie).or_default().push(socket);
    }
    let mut listeners: Vec<Listener> = by_cookie.values().filter_map(|seen| listener(seen, seconds)).collect();
    let drops = |listener: &Listener| listener.drops.unwrap_or(0.0);
    listeners
        .sort_by(|a, b| drops(b).total_cmp(&drops(a)).then(b.fill().total_cmp(&a.fill())).then(a.local.cmp(&b.local)));
    Reading::Value(listeners)
}

fn listener(seen: &[&TcpSocket], seconds: f64) -> Option<Listener> {
    let (first, last) = (seen.first()?, seen.last()?);
    let count = seen.len() as f64;
    let drops = first.drops.zip(last.drops).map(|(first, last)| delta(first.into(), last.into()));
    Some(Listener {
        local: last.local,
        inode: last.inode.into(),
        backlog: last.send_queue,
        most_waiting: seen.iter().map(|socket| socket.receive_queue).max().unwrap_or(0),
        mean_waiting: seen.iter().map(|socket| f64::from(socket.receive_queue)).sum::<f64>() / count,
        // The kernel lets one more than the backlog in: full is above it.
        full: seen.iter().filter(|socket| socket.receive_queue > socket.send_queue).count() as f64 / count,
        drops: drops.and_then(Delta::grew).filter(|_| seconds > 0.0).map(|grew| grew as f64 / seconds),
    })
}

/// The control `listen-backlog`.
pub(super) fn evaluate(net: &Net, out: &mut Output) {
    const ID: &str = "control.listen-backlog";
    let listeners = match &net.listeners {
        Reading::Value(listeners) => listeners,
        Reading::Missing(missing) => return out.cell(Cell::unmeasurable(ID, missing)),
    };
    let near = net.run.threshold("network.limit-near");
    let verdict = |listener: &Listener| {
        let lost = listener.drops.unwrap_or(0.0);
        if net.is_finding(lost * super::saturation::SYN_RETRY_S) {
            Verdict::Bottleneck
        } else {
            super::watch_from(if lost > 0.0 { 1.0 } else { listener.fill() }, near)
        }
    };
    let overflows = net.counters.value().and_then(|counters| counters.rate("TcpExt", "ListenOverflows"));
    let worst = listeners.iter().map(Listener::fill).fold(0.0, f64::max);
    let mut top = listeners.iter().map(verdict).max().unwrap_or(Verdict::Ok);
    if overflows.is_some_and(|rate| net.is_finding(rate * super::saturation::SYN_RETRY_S)) {
        top = top.max(Verdict::Bottleneck);
    }
    let mut cell = Cell::measured(ID, top, Quantity::ratio(worst));
    let waiting = Evidence::new("@netlink/listen", "Recv-Q / Send-Q", Quantity::ratio(worst));
    cell = cell.evidence(waiting.by_hand("ss -ltn"));
    if let Some(overflows) = overflows {
        let evidence = Evidence::new("/proc/net/netstat", "ListenOverflows", Quantity::rate(overflows));
        cell = cell.evidence(evidence.by_hand("nstat -az TcpExtListenOverflows"));
    }
    for listener in listeners {
        let mut instance = Instance::new(name(net, listener), Quantity::ratio(listener.fill()), verdict(listener))
            .detail("accept_queue", Quantity::count(f64::from(listener.most_waiting)))
            .detail("accept_backlog", Quantity::count(f64::from(listener.backlog)))
            .detail("queue_full", Quantity::ratio(listener.full));
        if let Some(drops) = listener.drops {
            instance = instance.detail("drops_per_s", Quantity::rate(drops));
        }
        cell.instances.push(instance);
    }
    cell.culprits = listeners
        .iter()
        .filter(|listener| listener.most_waiting > 0)
        .map(|listener| entity(net, listener))
        .take(5)
        .collect();
    out.cell(cell);
}

/// `0.0.0.0:80 (nginx)`.
fn name(net: &Net, listener: &Listener) -> String {
    match net.owner(listener.inode) {
        Some(owner) => format!("{} ({})", listener.local, owner.name),
        None => listener.local.to_string(),
    }
}

/// The listener with the process that should accept.
pub(super) fn entity(net: &Net, listener: &Listener) -> Entity {
    let entity = Entity::new(EntityKind::Listener, listener.local.to_string());
    match net.owner(listener.inode) {
        Some(owner) => Entity { pid: owner.pid, path: Some(owner.name), ..entity },
        None => entity,
    }
}
