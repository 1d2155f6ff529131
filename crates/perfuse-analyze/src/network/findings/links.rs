//! Interfaces with bad packets, full rings or a carrier that comes and goes; CPUs whose receive backlog is full.

use super::{ERRORS, Net, SATURATION, advice, interface, link, named, text};
use crate::cell::{Entity, EntityKind, Finding, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::network::counters::softnet;
use crate::network::errors;
use crate::network::interfaces::Interface;
use crate::{Kind, Resource};

const LINK: &str = "network.link-errors";
const RING: &str = "network.ring-full";
const CARRIER: &str = "network.carrier";
const SOFTIRQ: &str = "network.softirq-drops";

pub(super) fn evaluate(net: &Net, out: &mut Output) {
    for one in net.interfaces.value().into_iter().flatten() {
        if errors::verdict(net, one.errors(), one.packets()) >= Verdict::Watch {
            out.finding(bad_packets(net, one));
        }
        let lost = one.grown.rx_missed.saturating_add(one.grown.rx_fifo);
        if lost > 0 {
            out.finding(ring_full(net, one, lost));
        }
        // Virtual interfaces come and go with containers.
        if one.carrier_changes > 0 && !one.device.is_virtual() {
            out.finding(carrier(one));
        }
    }
    softirq(net, out);
}

fn bad_packets(net: &Net, one: &Interface) -> Finding {
    let severity = match errors::verdict(net, one.errors(), one.packets()) {
        Verdict::Error => Severity::Error,
        _ => Severity::Watch,
    };
    let mut finding = Finding::new(LINK, severity, ERRORS, interface(&one.name));
    finding.victims = vec![Entity::host()];
    finding.confidence = if one.grown.rx_crc > 0 || one.grown.rx_frame > 0 { 0.9 } else { 0.75 };
    finding.also.insert(super::PATH_KEY.to_owned());
    finding.explains = &["network.retransmits"];
    let share = one.errors() as f64 / one.errors().saturating_add(one.packets()).max(1) as f64;
    let (rate, share) = (Quantity::rate(one.rate(one.errors())), Quantity::ratio(share));
    finding.summary = text(LINK, "summary").with("device", &one.name).with("rate", rate).with("share", share);
    let evidence = text(LINK, "evidence")
        .with("rate", rate)
        .with("crc", Quantity::rate(one.rate(one.grown.rx_crc)))
        .with("frame", Quantity::rate(one.rate(one.grown.rx_frame)))
        .with("carrier", Quantity::rate(one.rate(one.grown.tx_carrier)));
    finding.chain = vec![link(named(one.name.clone()), text(LINK, "cause"), evidence)];
    let arguments = text(LINK, "").with("device", &one.name).with("rate", rate);
    let command = format!("ip -s -s link show {0}; ethtool -S {0} | grep -iE 'err|crc|drop'", one.name);
    finding.advice = vec![advice(LINK, "wire", Some(command), &arguments)];
    finding
}

fn ring_full(net: &Net, one: &Interface, lost: u64) -> Finding {
    const SPEC: (Resource, Kind, &str) =
        (Resource::NetworkController, Kind::Saturation, "network-controller.saturation");
    let share = lost as f64 / lost.saturating_add(one.grown.rx_packets).max(1) as f64;
    // What the card lost is gone: a hard error from the share on that matters.
    let heavy = share >= net.run.threshold("network.drop-ratio");
    let severity = if heavy { Severity::Error } else { Severity::Watch };
    let mut finding = Finding::new(RING, severity, SPEC, interface(&one.name));
    finding.victims = vec![Entity::host()];
    finding.confidence = 0.85;
    finding.also.insert(super::PATH_KEY.to_owned());
    finding.explains = &["network.retransmits"];
    let (rate, share) = (Quantity::rate(one.rate(lost)), Quantity::ratio(share));
    finding.summary = text(RING, "summary").with("device", &one.name).with("rate", rate).with("share", share);
    let evidence =
        text(RING, "evidence").with("rate", rate).with("packets", Quantity::rate(one.rate(one.grown.rx_packets)));
    finding.chain = vec![link(named(one.name.clone()), text(RING, "cause"), evidence)];
    let arguments = text(RING, "").with("device", &one.name).with("rate", rate);
    let command = format!("ethtool -g {0}; ethtool -G {0} rx 4096", one.name);
    finding.advice = vec![advice(RING, "ring", Some(command), &arguments)];
    finding
}

fn carrier(one: &Interface) -> Finding {
    let mut finding = Finding::new(CARRIER, Severity::Watch, ERRORS, interface(&one.name));
    finding.confidence = 0.9;
    finding.summary = text(CARRIER, "summary").with("device", &one.name).with("count", one.carrier_changes);
    let evidence = text(CARRIER, "evidence").with("count", one.carrier_changes);
    finding.chain = vec![link(named(one.name.clone()), text(CARRIER, "cause"), evidence)];
    let arguments = text(CARRIER, "").with("device", &one.name);
    finding.advice =
        vec![advice(CARRIER, "wire", Some(format!("ethtool {0}; dmesg | grep {0}", one.name)), &arguments)];
    finding
}

/// Packets dropped since the backlog of one CPU was full.
fn softirq(net: &Net, out: &mut Output) {
    for cpu in softnet(net.run).into_value().into_iter().flatten().filter(|cpu| cpu.dropped > 0.0) {
        let share = cpu.dropped / (cpu.dropped + cpu.processed).max(f64::MIN_POSITIVE);
        let heavy = share >= net.run.threshold("network.drop-ratio");
        let severity = if heavy { Severity::Bottleneck } else { Severity::Watch };
        let name = format!("cpu{}", cpu.cpu);
        let culprit = Entity::new(EntityKind::Kernel, format!("softirq {name}"));
        let mut finding = Finding::new(SOFTIRQ, severity, SATURATION, culprit);
        finding.victims = vec![Entity::host()];
        let seen = net.dropped_for(&["CPU_BACKLOG"]).is_some_and(|rate| rate > 0.0);
        finding.confidence = if seen { 0.95 } else { 0.85 };
        finding.also.insert(super::PATH_KEY.to_owned());
        finding.explains = &["network.retransmits"];
        let (rate, share) = (Quantity::rate(cpu.dropped), Quantity::ratio(share));
        finding.summary = text(SOFTIRQ, "summary").with("cpu", &name).with("rate", rate).with("share", share);
        let evidence = text(SOFTIRQ, "evidence")
            .with("rate", rate)
            .with("processed", Quantity::rate(cpu.processed))
            .with("squeezed", Quantity::rate(cpu.squeezed));
        finding.chain = vec![link(text(SOFTIRQ, "packets"), named(name.clone()), evidence)];
        let arguments = text(SOFTIRQ, "").with("cpu", &name).with("rate", rate);
        finding.advice = vec![
            advice(
                SOFTIRQ,
                "spread",
                Some("cat /proc/interrupts; cat /sys/class/net/*/queues/rx-*/rps_cpus".into()),
                &arguments,
            ),
            advice(SOFTIRQ, "backlog", Some("sysctl -w net.core.netdev_max_backlog=10000".into()), &arguments),
        ];
        out.finding(finding);
    }
}
