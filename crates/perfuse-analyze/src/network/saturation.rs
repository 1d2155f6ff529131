//! `network.saturation`: where packets or connections wait or are lost for want of room.

use perfuse_format::Reading;
use perfuse_format::proc::net::Mib;

use super::counters::{Counters, softnet};
use super::sockets::Connection;
use super::{Net, queues, sockets};
use crate::cell::{Cell, Entity, Evidence, Instance, Quantity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;

pub(super) const ID: &str = "network.saturation";

/// A client whose connection request was dropped asks again after this time at the earliest (RFC 6298, the kernel's
/// `TCP_TIMEOUT_INIT`).
pub(super) const SYN_RETRY_S: f64 = 1.0;
/// A retransmission timeout is at least this long (the kernel's `TCP_RTO_MIN`).
pub(super) const TIMEOUT_S: f64 = 0.2;

/// Counters of datagrams that a socket had no room for.
pub(super) const UDP_LOSSES: &[(&str, &str)] =
    &[("Udp", "RcvbufErrors"), ("UdpLite", "RcvbufErrors"), ("6", "Udp6RcvbufErrors")];
/// Counters of packets that a TCP socket had no room for.
pub(super) const TCP_LOSSES: &[(&str, &str)] = &[
    ("TcpExt", "TCPRcvQDrop"),
    ("TcpExt", "TCPBacklogDrop"),
    ("TcpExt", "RcvPruned"),
    ("TcpExt", "TCPOFODrop"),
    ("TcpExt", "TCPZeroWindowDrop"),
];

/// One place where the network queues.
struct Place {
    name: String,
    /// Seconds of waiting per second, where it can be told.
    wait: f64,
    /// Packets, datagrams or connections lost or sent again per second.
    lost: f64,
    verdict: Verdict,
}

impl Place {
    /// The wait, or what was lost where nobody waits for it (a datagram that is gone).
    fn value(&self) -> Quantity {
        if self.wait <= 0.0 && self.lost > 0.0 { Quantity::rate(self.lost) } else { Quantity::wait(self.wait) }
    }
}

pub(super) fn evaluate(net: &Net, out: &mut Output) {
    let counters = match &net.counters {
        Reading::Value(counters) => counters,
        Reading::Missing(missing) => return out.cell(Cell::unmeasurable(ID, missing)),
    };
    let mut places = vec![listeners(net, counters), path(net, counters), unanswered(net, counters), peers(net)];
    places.extend(shapers(net));
    places.extend(buffers(net, counters));
    places.extend(softirq(net));
    places.sort_by(|a, b| {
        let order = b.verdict.cmp(&a.verdict).then(b.wait.total_cmp(&a.wait));
        order.then(b.lost.total_cmp(&a.lost)).then(a.name.cmp(&b.name))
    });
    let verdict = places.iter().map(|place| place.verdict).max().unwrap_or(Verdict::Ok);
    let value = places.first().map_or(Quantity::wait(0.0), Place::value);
    let mut cell = Cell::measured(ID, verdict, value);
    cell.instances = places.iter().map(instance).collect();
    cell.evidence = evidence(net, counters);
    // What only the slow samples tell (windows, losses of single connections) has no chart; a flat line would lie.
    cell.history = history(net);
    if value.number > 0.0 && cell.history.iter().all(|(_, wait)| *wait <= 0.0) {
        cell.history.clear();
    }
    cell.culprits = culprits(net);
    let elsewhere = net.run.last::<perfuse_format::parse::Number>("@net/namespaces").into_value().map_or(1, |n| n.0);
    if elsewhere > 1 {
        cell.note = Some(Msg::new("cell-network-saturation-namespaces").with("count", elsewhere - 1));
    }
    out.cell(cell);
}

fn instance(place: &Place) -> Instance {
    Instance::new(place.name.clone(), place.value(), place.verdict)
        .detail("network_wait_s_per_s", Quantity::wait(place.wait))
        .detail("lost_per_s", Quantity::rate(place.lost))
}

/// `bottleneck` for a wait that is a finding, `watch` for any loss.
fn verdict(net: &Net, wait: f64, lost: f64) -> Verdict {
    if net.is_finding(wait) {
        Verdict::Bottleneck
    } else if lost > 0.0 {
        Verdict::Watch
    } else {
        Verdict::Ok
    }
}

fn listeners(net: &Net, counters: &Counters) -> Place {
    let lost = counters.rate("TcpExt", "ListenOverflows").unwrap_or(0.0) + request_queue_drops(counters);
    let wait = lost * SYN_RETRY_S;
    Place { name: "listener".into(), wait, lost, verdict: verdict(net, wait, lost) }
}

/// Connection requests dropped since the queue of half-open ones was full.
pub(super) fn request_queue_drops(counters: &Counters) -> f64 {
    counters.rate("TcpExt", "TCPReqQFullDrop").unwrap_or(0.0)
}

/// Segments sent again and timeouts per second that no queue of this host explains, and that are no unanswered
/// requests for a connection.
pub(super) fn path_losses(net: &Net, counters: &Counters) -> (f64, f64) {
    let connects = counters.rate("TcpExt", "TCPSynRetrans").unwrap_or(0.0);
    let again = counters.rate("Tcp", "RetransSegs").unwrap_or(0.0) - connects;
    let timeouts = counters.rate("TcpExt", "TCPTimeouts").unwrap_or(0.0) - connects;
    if again <= 0.0 {
        return (0.0, 0.0);
    }
    let queues = net.queues.value().into_iter().flatten().filter(|queue| queue.is_root);
    let local = queues.map(|queue| queue.drops).sum::<f64>() + counters.sum(TCP_LOSSES);
    let rest = (again - local).max(0.0);
    (rest, timeouts.max(0.0) * rest / again)
}

/// Requests for a connection that were repeated since nobody answered.
fn unanswered(net: &Net, counters: &Counters) -> Place {
    let lost = counters.rate("TcpExt", "TCPSynRetrans").unwrap_or(0.0);
    let wait = lost * SYN_RETRY_S;
    Place { name: "no answer".into(), wait, lost, verdict: verdict(net, wait, lost) }
}

/// Seconds per second that senders spend on repairing the losses of the path: a timeout takes at least
/// [`TIMEOUT_S`], and a recovery without one at least a round trip.
pub(super) fn path_wait(net: &Net, counters: &Counters) -> f64 {
    let (lost, timeouts) = path_losses(net, counters);
    let again = counters.rate("Tcp", "RetransSegs").unwrap_or(0.0);
    if lost <= 0.0 || again <= 0.0 {
        return 0.0;
    }
    let recoveries = recoveries(counters) * lost / again;
    let repairing: Vec<_> = repairing(net).collect();
    let rtt = repairing.iter().filter_map(|connection| connection.rtt).fold(0.0, f64::max);
    // A connection repairs one loss at a time. One with more to send than the losses let it waits all the while.
    let repair = timeouts * TIMEOUT_S + (recoveries * rtt).min(repairing.len() as f64);
    repair.max(repairing.iter().map(|connection| connection.path_limited).sum())
}

/// Seconds per second that senders wait for a timeout after a queue of this host dropped what they had sent.
pub(super) fn drop_wait(net: &Net, queue: &queues::Queue) -> f64 {
    let Some(counters) = net.counters.value().filter(|_| queue.drops > 0.0) else { return 0.0 };
    let again = counters.rate("Tcp", "RetransSegs").unwrap_or(0.0);
    let timeouts =
        counters.rate("TcpExt", "TCPTimeouts").unwrap_or(0.0) - counters.rate("TcpExt", "TCPSynRetrans").unwrap_or(0.0);
    if again > 0.0 { timeouts.max(0.0) * TIMEOUT_S * (queue.drops / again).min(1.0) } else { 0.0 }
}

/// Connections that sent something again.
fn repairing<'r>(net: &'r Net) -> impl Iterator<Item = &'r Connection> {
    net.connections.value().into_iter().flatten().filter(|connection| connection.retransmitted > 0.0)
}

/// Recoveries from a loss without a timeout, per second.
fn recoveries(counters: &Counters) -> f64 {
    counters.sum(&[("TcpExt", "TCPSackRecovery"), ("TcpExt", "TCPRenoRecovery")])
}

fn path(net: &Net, counters: &Counters) -> Place {
    let (lost, _) = path_losses(net, counters);
    let sent = counters.rate("Tcp", "OutSegs").unwrap_or(0.0);
    let share = if sent > 0.0 { lost / sent } else { 0.0 };
    let many = share >= net.run.threshold("network.retransmit-ratio");
    // Below that share repetitions are the way in which TCP finds out how much a path carries.
    let (wait, verdict) = if many {
        let wait = path_wait(net, counters);
        (wait, verdict(net, wait, lost))
    } else {
        (0.0, Verdict::Ok)
    };
    Place { name: "path".into(), wait, lost, verdict }
}

/// Senders of ours that wait for the window of their peer.
fn peers(net: &Net) -> Place {
    let connections = net.connections.value().map_or(&[][..], Vec::as_slice);
    let wait: f64 = connections.iter().map(|connection| connection.window_limited).sum();
    let worst = connections.iter().map(|connection| connection.window_limited).fold(0.0, f64::max);
    Place { name: "peer".into(), wait, lost: 0.0, verdict: verdict(net, worst, 0.0) }
}

fn shapers(net: &Net) -> Vec<Place> {
    let queues = net.queues.value().map_or(&[][..], Vec::as_slice);
    let relevant = queues.iter().filter(|queue| queue.ceiling.is_some() || (queue.is_root && queue.drops > 0.0));
    relevant
        .map(|queue| Place {
            name: format!("qdisc {}", queues::name(net, queue)),
            wait: if queue.ceiling.is_some() { queue.standing } else { 0.0 },
            lost: queue.drops,
            verdict: queues::verdict(net, queue),
        })
        .collect()
}

fn buffers(net: &Net, counters: &Counters) -> [Place; 2] {
    let udp = counters.sum(UDP_LOSSES);
    let tcp = counters.sum(TCP_LOSSES);
    let heavy = udp_loss_ratio(counters) >= net.run.threshold("network.udp-loss-ratio");
    let udp_verdict = if heavy && udp > 0.0 { Verdict::Bottleneck } else { verdict(net, 0.0, udp) };
    [
        Place { name: "socket buffer udp".into(), wait: 0.0, lost: udp, verdict: udp_verdict },
        Place { name: "socket buffer tcp".into(), wait: 0.0, lost: tcp, verdict: verdict(net, 0.0, tcp) },
    ]
}

/// Lost datagrams against all that came.
pub(super) fn udp_loss_ratio(counters: &Counters) -> f64 {
    let lost = counters.sum(UDP_LOSSES);
    let read = counters.sum(&[("Udp", "InDatagrams"), ("6", "Udp6InDatagrams")]);
    if lost > 0.0 { lost / (lost + read) } else { 0.0 }
}

fn softirq(net: &Net) -> Vec<Place> {
    let cpus = softnet(net.run).into_value().unwrap_or_default();
    let limit = net.run.threshold("network.time-squeeze");
    cpus.into_iter()
        .filter(|cpu| cpu.dropped > 0.0 || cpu.squeezed > 0.0)
        .map(|cpu| {
            let share = cpu.dropped / (cpu.dropped + cpu.processed).max(1.0);
            let verdict = if cpu.dropped > 0.0 && share >= net.run.threshold("network.drop-ratio") {
                Verdict::Bottleneck
            } else if cpu.dropped > 0.0 || cpu.squeezed >= limit {
                Verdict::Watch
            } else {
                Verdict::Ok
            };
            Place { name: format!("softirq cpu{}", cpu.cpu), wait: 0.0, lost: cpu.dropped, verdict }
        })
        .collect()
}

fn evidence(net: &Net, counters: &Counters) -> Vec<Evidence> {
    let mut all = Vec::new();
    let snmp =
        [("Tcp", "RetransSegs", "nstat -az TcpRetransSegs"), ("Udp", "RcvbufErrors", "nstat -az UdpRcvbufErrors")];
    let netstat = [
        ("TcpExt", "TCPTimeouts", "nstat -az TcpExtTCPTimeouts"),
        ("TcpExt", "ListenOverflows", "nstat -az TcpExtListenOverflows"),
        ("TcpExt", "ListenDrops", "nstat -az TcpExtListenDrops"),
        ("TcpExt", "TCPBacklogDrop", "nstat -az TcpExtTCPBacklogDrop"),
        ("TcpExt", "TCPRcvQDrop", "nstat -az TcpExtTCPRcvQDrop"),
        ("TcpExt", "PruneCalled", "nstat -az TcpExtPruneCalled"),
        ("TcpExt", "TCPZeroWindowDrop", "nstat -az TcpExtTCPZeroWindowDrop"),
        ("TcpExt", "TCPToZeroWindowAdv", "nstat -az TcpExtTCPToZeroWindowAdv"),
    ];
    for (source, list) in [("/proc/net/snmp", &snmp[..]), ("/proc/net/netstat", &netstat[..])] {
        for (protocol, name, by_hand) in list {
            if let Some(rate) = counters.rate(protocol, name) {
                all.push(Evidence::new(source, *name, Quantity::rate(rate)).by_hand(*by_hand));
            }
        }
    }
    if let Some(queues) = net.queues.value() {
        for queue in queues.iter().filter(|queue| queue.ceiling.is_some()) {
            let metric = format!("{} backlog, overlimits", queues::name(net, queue));
            all.push(Evidence::new("@netlink/qdisc", metric, Quantity::wait(queue.standing)).by_hand("tc -s qdisc"));
        }
        let drops: f64 = queues.iter().filter(|queue| queue.is_root).map(|queue| queue.drops).sum();
        all.push(Evidence::new("@netlink/qdisc", "drops", Quantity::rate(drops)).by_hand("tc -s qdisc"));
    }
    if let Some(cpus) = softnet(net.run).into_value() {
        let sum = |of: fn(&super::counters::Softnet) -> f64| cpus.iter().map(of).sum::<f64>();
        for (metric, rate) in [("dropped", sum(|cpu| cpu.dropped)), ("time_squeeze", sum(|cpu| cpu.squeezed))] {
            let evidence = Evidence::new("/proc/net/softnet_stat", metric, Quantity::rate(rate));
            all.push(evidence.by_hand("cat /proc/net/softnet_stat   # columns 2, 3"));
        }
    }
    // What the verdict rests on stands first.
    all.sort_by_key(|evidence| evidence.value.number <= 0.0);
    all
}

/// The largest wait per interval, of what is sampled each second: shapers, listeners and timeouts.
fn history(net: &Net) -> Vec<(f64, f64)> {
    let netstat = net.run.history::<Mib>("/proc/net/netstat", |before, after, seconds| {
        let grew = |name: &str| {
            let (before, after) = (before.get("TcpExt", name)?, after.get("TcpExt", name)?);
            perfuse_format::delta(before, after).grew().map(|by| by as f64 / seconds)
        };
        let listen = grew("ListenOverflows").unwrap_or(0.0) * SYN_RETRY_S;
        Some(listen.max(grew("TCPTimeouts").unwrap_or(0.0) * TIMEOUT_S))
    });
    let standing = |at: f64| {
        let shapers = net.queues.value().into_iter().flatten().filter(|queue| queue.ceiling.is_some());
        let points = shapers.flat_map(|queue| &queue.history).filter(|(time, _)| (time - at).abs() < 1e-6);
        points.map(|(_, standing)| *standing).fold(0.0, f64::max)
    };
    netstat.into_iter().map(|(at, wait)| (at, wait.max(standing(at)))).collect()
}

/// Who waits: processes with connections that their peer or the path holds back.
fn culprits(net: &Net) -> Vec<Entity> {
    let waiting = sockets::processes(net, |connection| connection.window_limited);
    let mut all: Vec<Entity> = waiting
        .into_iter()
        .map(|(entity, wait)| entity.detail(Msg::new("entity-network-window").with("wait", Quantity::wait(wait))))
        .collect();
    let again = sockets::processes(net, |connection| connection.retransmitted);
    all.extend(again.into_iter().map(|(entity, rate)| {
        entity.detail(Msg::new("entity-network-retransmits").with("rate", Quantity::rate(rate)))
    }));
    for lossy in sockets::lossy(net.run) {
        if let Some(owner) = net.owner(lossy.inode) {
            let detail = Msg::new("entity-network-udp-drops").with("rate", Quantity::rate(lossy.drops));
            all.push(owner.detail(detail.with("socket", lossy.local.to_string())));
        }
    }
    all.truncate(5);
    all
}
