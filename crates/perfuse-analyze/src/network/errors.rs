//! `network.errors`: bad packets, lost carriers, and packets that were dropped.

use perfuse_format::Reading;

use super::counters::{Counters, softnet};
use super::interfaces::Interface;
use super::{Net, saturation};
use crate::cell::{Cell, Evidence, Instance, Quantity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;

pub(super) const ID: &str = "network.errors";

/// Counters of packets that were broken when they came in.
const BAD: &[(&str, &str, &str)] = &[
    ("Ip", "InHdrErrors", "nstat -az IpInHdrErrors"),
    ("IpExt", "InCsumErrors", "nstat -az IpExtInCsumErrors"),
    ("Tcp", "InErrs", "nstat -az TcpInErrs"),
    ("Tcp", "InCsumErrors", "nstat -az TcpInCsumErrors"),
    ("Udp", "InCsumErrors", "nstat -az UdpInCsumErrors"),
    ("Icmp", "InCsumErrors", "nstat -az IcmpInCsumErrors"),
];

/// Reasons that are no fault of the host: somebody sent what nobody here wanted, or it was filtered on purpose.
const UNWANTED: &[&str] = &[
    "NO_SOCKET",
    "UNHANDLED_PROTO",
    "OTHERHOST",
    "NETFILTER_DROP",
    "SOCKET_FILTER",
    "BPF_CGROUP_EGRESS",
    "TC_INGRESS",
    "TC_EGRESS",
    "XDP",
    "TCP_OLD_ACK",
    "TCP_OLD_DATA",
    "TCP_RESET",
    "TCP_CLOSE",
    "TCP_FLAGS",
    "TCP_INVALID_SEQUENCE",
    "TCP_OFOMERGE",
    "DEV_READY",
    "IPV6DISABLED",
    "NOT_SPECIFIED",
];

pub(super) fn evaluate(net: &Net, out: &mut Output) {
    match (&net.interfaces, &net.counters) {
        (Reading::Missing(missing), Reading::Missing(_)) => out.cell(Cell::unmeasurable(ID, missing)),
        (interfaces, counters) => {
            let interfaces = interfaces.value().map_or(&[][..], Vec::as_slice);
            out.cell(cell(net, interfaces, counters.value()));
        }
    }
}

/// Errors against packets: any is a watch, more than the share an error.
pub(super) fn verdict(net: &Net, errors: u64, packets: u64) -> Verdict {
    let share = errors as f64 / errors.saturating_add(packets).max(1) as f64;
    match errors {
        0 => Verdict::Ok,
        _ if share >= net.run.threshold("network.error-ratio") => Verdict::Error,
        _ => Verdict::Watch,
    }
}

fn cell(net: &Net, interfaces: &[Interface], counters: Option<&Counters>) -> Cell {
    let mut instances: Vec<Instance> = interfaces.iter().map(|interface| instance(net, interface)).collect();
    let bad: f64 = counters.map_or(0.0, |counters| {
        // InErrs of TCP holds its checksum errors too.
        let counted = BAD.iter().filter(|(protocol, name, _)| (*protocol, *name) != ("Tcp", "InCsumErrors"));
        counted.filter_map(|(protocol, name, _)| counters.rate(protocol, name)).sum()
    });
    let links: f64 = interfaces.iter().map(|interface| interface.rate(interface.errors())).sum();
    let overruns: f64 = interfaces.iter().map(|interface| interface.rate(interface.overruns())).sum();
    let lost = overruns + dropped(net, counters);
    let mut verdict = instances.iter().map(|instance| instance.verdict).max().unwrap_or(Verdict::Ok);
    if bad > 0.0 || lost > 0.0 {
        verdict = verdict.max(Verdict::Watch);
    }
    if let Some(drops) = net.drops.value() {
        let wanted = drops.iter().filter(|drop| !UNWANTED.contains(&drop.reason.as_str()));
        instances.extend(wanted.map(|drop| {
            Instance::new(format!("kfree_skb {}", drop.reason), Quantity::rate(drop.rate), Verdict::Watch)
        }));
    }
    instances.sort_by(|a, b| {
        b.verdict.cmp(&a.verdict).then(b.value.number.total_cmp(&a.value.number)).then(a.name.cmp(&b.name))
    });
    let mut cell = Cell::measured(ID, verdict, Quantity::rate(links + bad + lost));
    cell =
        cell.evidence(Evidence::new("@netlink/link", "errors", Quantity::rate(links)).by_hand("ip -s link")).evidence(
            Evidence::new("@netlink/link", "missed, fifo, tx dropped", Quantity::rate(overruns))
                .by_hand("ip -s -s link"),
        );
    if let Some(counters) = counters {
        for (protocol, name, by_hand) in BAD {
            if let Some(rate) = counters.rate(protocol, name) {
                let evidence = Evidence::new(file(name, protocol), format!("{protocol} {name}"), Quantity::rate(rate));
                cell = cell.evidence(evidence.by_hand(*by_hand));
            }
        }
    }
    if let Some(drops) = net.drops.value() {
        let sum = drops.iter().map(|drop| drop.rate).sum();
        let evidence = Evidence::new("@bpf/skb_drop", "skb:kfree_skb", Quantity::rate(sum));
        cell = cell.evidence(evidence.by_hand("perf trace -e skb:kfree_skb"));
    } else {
        cell.note = Some(Msg::new("cell-network-errors-no-reasons"));
    }
    cell.instances = instances;
    cell
}

fn file(_name: &str, protocol: &str) -> &'static str {
    if protocol.ends_with("Ext") { "/proc/net/netstat" } else { "/proc/net/snmp" }
}

/// Packets lost for want of room above the driver, per second: they count as saturation and as errors.
fn dropped(net: &Net, counters: Option<&Counters>) -> f64 {
    let queues = net
        .queues
        .value()
        .map_or(0.0, |queues| queues.iter().filter(|queue| queue.is_root).map(|queue| queue.drops).sum());
    let softirq: f64 = softnet(net.run).value().map_or(0.0, |cpus| cpus.iter().map(|cpu| cpu.dropped).sum());
    let stack = counters.map_or(0.0, |counters| {
        counters.sum(saturation::UDP_LOSSES)
            + counters.sum(saturation::TCP_LOSSES)
            + counters.rate("TcpExt", "ListenDrops").unwrap_or(0.0)
    });
    queues + softirq + stack
}

fn instance(net: &Net, interface: &Interface) -> Instance {
    let grown = &interface.grown;
    let errors = interface.errors();
    let mut verdict = verdict(net, errors, interface.packets());
    let lost = interface.overruns();
    if interface.carrier_changes > 0 || lost > 0 {
        verdict = verdict.max(Verdict::Watch);
    }
    let rate = |count: u64| Quantity::rate(interface.rate(count));
    Instance::new(interface.name.clone(), rate(errors.saturating_add(lost)), verdict)
        .detail("rx_errors_per_s", rate(grown.rx_errors))
        .detail("tx_errors_per_s", rate(grown.tx_errors))
        .detail("rx_dropped_per_s", rate(grown.rx_dropped))
        .detail("tx_dropped_per_s", rate(grown.tx_dropped))
        .detail("rx_missed_per_s", rate(grown.rx_missed.saturating_add(grown.rx_fifo)))
        .detail("bad_checksum_per_s", rate(grown.rx_crc))
        .detail("bad_frame_per_s", rate(grown.rx_frame))
        .detail("collisions_per_s", rate(grown.collisions))
        .detail("carrier_changes", Quantity::count(interface.carrier_changes as f64))
}
