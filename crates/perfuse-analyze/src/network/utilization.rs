//! `network.utilization`: what every interface carries, against its maximum where there is one.

use perfuse_format::Reading;

use super::interfaces::{Interface, MaximumFrom};
use super::{Net, sockets, watch_from};
use crate::cell::{Cell, Evidence, Instance, Quantity};
use crate::checklist::Output;
use crate::message::Msg;

pub(super) const ID: &str = "network.utilization";

pub(super) fn evaluate(net: &Net, out: &mut Output) {
    match &net.interfaces {
        Reading::Value(interfaces) => out.cell(cell(net, interfaces)),
        Reading::Missing(missing) => out.cell(Cell::unmeasurable(ID, missing)),
    }
}

fn cell(net: &Net, interfaces: &[Interface]) -> Cell {
    let high = net.run.threshold("network.high-utilization");
    let mut sorted: Vec<&Interface> = interfaces.iter().collect();
    let load = |interface: &Interface| interface.received() + interface.sent();
    sorted.sort_by(|a, b| {
        let share = |interface: &Interface| interface.utilization().unwrap_or(-1.0);
        share(b).total_cmp(&share(a)).then(load(b).total_cmp(&load(a))).then(a.name.cmp(&b.name))
    });
    // The loopback is memory, not a wire: it is shown, but never the headline.
    let known = sorted
        .iter()
        .filter(|interface| !interface.loopback)
        .find_map(|interface| interface.utilization().map(|share| (share, *interface)));
    let outside = || sorted.iter().filter(|interface| !interface.loopback);
    let busiest = outside().map(|interface| interface.received().max(interface.sent())).fold(0.0, f64::max);
    let peak = outside().map(|interface| interface.peak).fold(0.0, f64::max);
    let (value, verdict) = match known {
        Some((share, _)) => (Quantity::ratio(share), watch_from(share, high)),
        None => (Quantity::throughput(busiest), watch_from(0.0, 1.0)),
    };
    let mut cell = Cell::measured(ID, verdict, value);
    let source = "@netlink/link";
    let by_hand = "sar -n DEV 1";
    let headline = known.map(|(_, interface)| interface).or_else(|| outside().next().copied());
    if let Some(interface) = headline {
        let evidence = |what: &str, rate: f64| {
            let metric = format!("{} {what}", interface.name);
            Evidence::new(source, metric, Quantity::throughput(rate)).by_hand(by_hand)
        };
        let (received, sent) = (interface.received(), interface.sent());
        cell.evidence = vec![evidence("rx bytes", received), evidence("tx bytes", sent)];
        if sent > received {
            cell.evidence.reverse();
        }
        cell.history =
            interface.history.iter().map(|(at, received, sent)| (*at, point(interface, *received, *sent))).collect();
    }
    match known {
        Some((_, interface)) if interface.from == Some(MaximumFrom::Shaper) => {
            let ceiling = interface.maximum.1.unwrap_or(0.0);
            let evidence =
                Evidence::new("@netlink/qdisc", format!("{} ceiling", interface.name), Quantity::throughput(ceiling));
            cell = cell.evidence(evidence.by_hand("tc qdisc show; tc class show"));
            cell.note = Some(Msg::new("cell-network-utilization-shaped").with("interface", &interface.name));
        }
        Some((_, interface)) => {
            let speed = interface.maximum.0.unwrap_or(0.0);
            let path = format!("/sys/class/net/{}/speed", interface.name);
            let evidence = Evidence::new(path.clone(), "speed", Quantity::throughput(speed));
            cell = cell.evidence(evidence.by_hand(format!("cat {path}")));
        }
        None => {
            cell.note = Some(Msg::new("cell-network-utilization-no-maximum").with("peak", Quantity::throughput(peak)));
        }
    }
    cell.instances = sorted.into_iter().map(|interface| instance(interface, high)).collect();
    cell.culprits = sockets::talkers(net);
    cell
}

/// A point of the chart: in the unit of the headline.
fn point(interface: &Interface, received: f64, sent: f64) -> f64 {
    let share = |rate: f64, most: Option<f64>| most.filter(|most| *most > 0.0).map(|most| rate / most);
    let shares = [share(received, interface.maximum.0), share(sent, interface.maximum.1)];
    shares.into_iter().flatten().reduce(f64::max).unwrap_or_else(|| received.max(sent))
}

/// The columns of nicstat: kilobytes, packets and mean size per direction, share used, and lost for want of room.
fn instance(interface: &Interface, high: f64) -> Instance {
    let used = interface.utilization();
    let value = used.map_or_else(|| Quantity::throughput(interface.received().max(interface.sent())), Quantity::ratio);
    let grown = &interface.grown;
    let mean = |bytes: u64, packets: u64| if packets > 0 { bytes as f64 / packets as f64 } else { 0.0 };
    let mut instance = Instance::new(interface.name.clone(), value, watch_from(used.unwrap_or(0.0), high))
        .detail("rx_bytes_per_s", Quantity::throughput(interface.received()))
        .detail("tx_bytes_per_s", Quantity::throughput(interface.sent()))
        .detail("rx_packets_per_s", Quantity::rate(interface.rate(grown.rx_packets)))
        .detail("tx_packets_per_s", Quantity::rate(interface.rate(grown.tx_packets)))
        .detail("rx_mean_bytes", Quantity::bytes(mean(grown.rx_bytes, grown.rx_packets)))
        .detail("tx_mean_bytes", Quantity::bytes(mean(grown.tx_bytes, grown.tx_packets)));
    if let Some(used) = used {
        instance = instance.detail("link_utilization", Quantity::ratio(used));
    }
    instance
        .detail("saturation_per_s", Quantity::rate(interface.rate(interface.overruns())))
        .detail("peak_bytes_per_s", Quantity::throughput(interface.peak))
}
