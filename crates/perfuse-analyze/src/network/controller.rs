//! `network-controller.*`: interfaces that share a card.

use std::collections::BTreeMap;

use perfuse_format::sys::net::NetDevices;
use perfuse_format::sys::pci::AerCounts;
use perfuse_format::{Missing, Reading, Why, delta};

use super::counters::softnet;
use super::interfaces::Interface;
use super::{Net, errors, watch_from};
use crate::cell::{Cell, Evidence, Instance, Quantity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;

const UTILIZATION: &str = "network-controller.utilization";
const SATURATION: &str = "network-controller.saturation";
const ERRORS: &str = "network-controller.errors";

/// The ports of one controller.
struct Controller<'a> {
    name: String,
    ports: Vec<&'a Interface>,
}

impl Controller<'_> {
    fn sum(&self, of: impl Fn(&Interface) -> f64) -> f64 {
        self.ports.iter().map(|port| of(port)).sum()
    }

    /// What all ports carry against what all ports could; `None` unless every port has a speed.
    fn utilization(&self) -> Option<f64> {
        let most: f64 = self.ports.iter().map(|port| port.maximum.0).sum::<Option<f64>>()?;
        let (received, sent) = (self.sum(Interface::received), self.sum(Interface::sent));
        (most > 0.0).then(|| received.max(sent) / most)
    }

    fn label(&self) -> String {
        let ports: Vec<&str> = self.ports.iter().map(|port| port.name.as_str()).collect();
        format!("{} ({})", self.name, ports.join(", "))
    }
}

pub(super) fn evaluate(net: &Net, out: &mut Output) {
    let known = net.run.last::<NetDevices>("@net/devices");
    let missing = match (&net.interfaces, &known) {
        (Reading::Missing(missing), _) | (_, Reading::Missing(missing)) => Some(missing.clone()),
        _ => None,
    };
    if let Some(missing) = missing {
        for id in [UTILIZATION, SATURATION, ERRORS] {
            out.cell(Cell::unmeasurable(id, &missing));
        }
        return;
    }
    let interfaces = net.interfaces.value().map_or(&[][..], Vec::as_slice);
    let controllers = group(interfaces);
    if controllers.is_empty() {
        for id in [UTILIZATION, SATURATION, ERRORS] {
            out.cell(Cell::not_applicable(id, Msg::new("cell-network-controller-none")));
        }
        return;
    }
    out.cell(noted(utilization(net, &controllers), &controllers));
    out.cell(noted(saturation(net, &controllers), &controllers));
    out.cell(noted(errors_of(net, &controllers), &controllers));
}

fn group(interfaces: &[Interface]) -> Vec<Controller<'_>> {
    let mut controllers: BTreeMap<String, Vec<&Interface>> = BTreeMap::new();
    for interface in interfaces {
        if let Some(controller) = interface.device.controller() {
            controllers.entry(controller).or_default().push(interface);
        }
    }
    controllers.into_iter().map(|(name, ports)| Controller { name, ports }).collect()
}

/// Says so where a controller is only another name for its one interface.
fn noted(mut cell: Cell, controllers: &[Controller]) -> Cell {
    let single = controllers.iter().all(|controller| controller.ports.len() == 1);
    if single && cell.note.is_none() {
        cell.note = Some(Msg::new("cell-network-controller-alias"));
    }
    cell
}

fn utilization(net: &Net, controllers: &[Controller]) -> Cell {
    let high = net.run.threshold("network.high-utilization");
    let worst = controllers.iter().filter_map(Controller::utilization).reduce(f64::max);
    let load = |controller: &Controller| controller.sum(Interface::received).max(controller.sum(Interface::sent));
    let Some(worst) = worst else {
        // Without a maximum there is a rate but no share: as with the interface, no number is invented.
        let busiest = controllers.iter().map(load).fold(0.0, f64::max);
        let mut cell = Cell::measured(UTILIZATION, Verdict::Ok, Quantity::throughput(busiest));
        cell.note = Some(Msg::new("cell-network-controller-no-maximum"));
        cell.evidence.push(evidence_of("rx, tx bytes", Quantity::throughput(busiest)));
        cell.instances = controllers
            .iter()
            .map(|controller| Instance::new(controller.label(), Quantity::throughput(load(controller)), Verdict::Ok))
            .collect();
        return cell;
    };
    let mut cell = Cell::measured(UTILIZATION, watch_from(worst, high), Quantity::ratio(worst));
    cell.evidence.push(evidence_of("rx, tx bytes of all ports / speed of all ports", Quantity::ratio(worst)));
    cell.instances = controllers
        .iter()
        .map(|controller| {
            let share = controller.utilization();
            let value = share.map_or_else(|| Quantity::throughput(load(controller)), Quantity::ratio);
            Instance::new(controller.label(), value, watch_from(share.unwrap_or(0.0), high))
                .detail("rx_bytes_per_s", Quantity::throughput(controller.sum(Interface::received)))
                .detail("tx_bytes_per_s", Quantity::throughput(controller.sum(Interface::sent)))
        })
        .collect();
    cell
}

fn evidence_of(metric: &'static str, value: Quantity) -> Evidence {
    Evidence::new("@netlink/link", metric, value).by_hand("ip -s -s link")
}

/// Packets lost since a ring or the card's memory was full.
fn saturation(net: &Net, controllers: &[Controller]) -> Cell {
    let full = |port: &Interface| {
        port.rate(port.grown.rx_missed.saturating_add(port.grown.rx_fifo).saturating_add(port.grown.tx_fifo))
    };
    let limit = net.run.threshold("network.drop-ratio");
    let verdict = |controller: &Controller| {
        let packets = controller.sum(|port| port.rate(port.packets()));
        let lost = controller.sum(full);
        if lost > 0.0 && lost / (lost + packets) >= limit {
            Verdict::Error
        } else if lost > 0.0 {
            Verdict::Watch
        } else {
            Verdict::Ok
        }
    };
    let sum: f64 = controllers.iter().map(|controller| controller.sum(full)).sum();
    let worst = controllers.iter().map(verdict).max().unwrap_or(Verdict::Ok);
    let mut cell = Cell::measured(SATURATION, worst, Quantity::rate(sum));
    cell.evidence.push(evidence_of("rx missed, rx fifo, tx fifo", Quantity::rate(sum)));
    let cpus = softnet(net.run).into_value().unwrap_or_default();
    let all: f64 = cpus.iter().map(|cpu| cpu.processed).sum();
    if let Some(most) = cpus.iter().map(|cpu| cpu.processed).reduce(f64::max).filter(|_| all > 0.0) {
        let evidence =
            Evidence::new("/proc/net/softnet_stat", "packets on the busiest CPU", Quantity::ratio(most / all));
        cell.evidence.push(evidence.by_hand("cat /proc/interrupts /proc/net/softnet_stat"));
    }
    cell.instances = controllers
        .iter()
        .map(|controller| Instance::new(controller.label(), Quantity::rate(controller.sum(full)), verdict(controller)))
        .collect();
    cell
}

/// Errors that the PCI Express link of the card reported: corrected ones, and those that were not, per second.
fn link_errors(net: &Net, controller: &Controller) -> (f64, f64) {
    let rate = |address: &str, file: &str| {
        let span = net.run.span::<AerCounts>(&format!("/sys/bus/pci/devices/{address}/{file}")).into_value()?;
        Some(delta(span.first.total, span.last.total).grew()? as f64 / span.seconds)
    };
    let sum = |files: &[&str]| {
        let addresses = controller.ports.iter().filter_map(|port| port.device.pci_address());
        addresses.flat_map(|address| files.iter().filter_map(move |file| rate(address, file))).sum()
    };
    (sum(&["aer_dev_correctable"]), sum(&["aer_dev_nonfatal", "aer_dev_fatal"]))
}

/// Bad packets of the ports, and what their PCI Express link reported.
fn errors_of(net: &Net, controllers: &[Controller]) -> Cell {
    let verdict = |controller: &Controller| {
        let sum = |of: fn(&Interface) -> u64| controller.ports.iter().map(|port| of(port)).fold(0, u64::saturating_add);
        let (corrected, uncorrected) = link_errors(net, controller);
        let packets = errors::verdict(net, sum(Interface::errors), sum(Interface::packets));
        match (corrected > 0.0, uncorrected > 0.0) {
            (_, true) => Verdict::Error,
            (true, _) => packets.max(Verdict::Watch),
            _ => packets,
        }
    };
    let rate = |controller: &Controller| {
        let (corrected, uncorrected) = link_errors(net, controller);
        controller.sum(|port| port.rate(port.errors())) + corrected + uncorrected
    };
    let sum: f64 = controllers.iter().map(rate).sum();
    let worst = controllers.iter().map(verdict).max().unwrap_or(Verdict::Ok);
    let mut cell = Cell::measured(ERRORS, worst, Quantity::rate(sum));
    let ports: f64 = controllers.iter().map(|controller| controller.sum(|port| port.rate(port.errors()))).sum();
    cell.evidence.push(evidence_of("errors", Quantity::rate(ports)));
    if net
        .run
        .snapshots
        .iter()
        .any(|raw| raw.under("/sys/bus/pci/devices/").any(|(name, _)| name.contains("/aer_dev_")))
    {
        let source = "/sys/bus/pci/devices/*/aer_dev_*";
        let evidence = Evidence::new(source, "AER", Quantity::rate(sum - ports));
        cell.evidence.push(evidence.by_hand("grep . /sys/bus/pci/devices/*/aer_dev_*"));
    }
    cell.instances = controllers
        .iter()
        .map(|controller| Instance::new(controller.label(), Quantity::rate(rate(controller)), verdict(controller)))
        .collect();
    cell
}

/// A reason for a value that a control needs and this host does not have.
pub(super) fn absent(source: &'static str) -> Missing {
    Missing::new(Why::Absent, source)
}
