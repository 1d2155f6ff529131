//! `storage-controller.*`: the disks of one PCI function together.

use std::collections::BTreeMap;

use perfuse_format::sys::block::BlockTopology;
use perfuse_format::sys::pci::{AerCounts, LinkSpeed, LinkWidth};
use perfuse_format::{Missing, Reading, Why, delta};

use crate::cell::{Advice, Cell, Entity, EntityKind, Evidence, Finding, Instance, Link, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Quantity, Resource};

use super::devices::{Device, Devices};
use super::errors;

const UTILIZATION: &str = "storage-controller.utilization";
const SATURATION: &str = "storage-controller.saturation";
const ERRORS: &str = "storage-controller.errors";

/// One PCI function with its disks.
struct Controller<'d> {
    address: String,
    disks: Vec<&'d Device>,
    /// Bytes a second that its link carries in one direction, where it has one.
    link: Option<f64>,
}

impl Controller<'_> {
    fn throughput(&self) -> f64 {
        self.disks.iter().map(|disk| disk.throughput()).sum()
    }

    /// Share of the link, where there is one.
    fn share(&self) -> Option<f64> {
        self.link.map(|link| self.throughput() / link)
    }

    fn queue(&self) -> f64 {
        self.disks.iter().map(|disk| disk.queue()).sum()
    }

    fn name(&self) -> String {
        let disks: Vec<&str> = self.disks.iter().map(|disk| disk.name.as_str()).collect();
        format!("{} ({})", self.address, disks.join(" "))
    }

    fn instance(&self, value: Quantity, verdict: Verdict) -> Instance {
        let requests: f64 = self.disks.iter().map(|disk| disk.per_second(disk.work.requests() as f64)).sum();
        let instance = Instance::new(self.name(), value, verdict)
            .detail("throughput", Quantity::throughput(self.throughput()))
            .detail("requests_per_s", Quantity::rate(requests))
            .detail("queue_length", Quantity::count(self.queue()))
            .detail("disks", Quantity::count(self.disks.len() as f64));
        match self.link {
            Some(link) => instance.detail("link_limit", Quantity::throughput(link)),
            None => instance,
        }
    }
}

/// Bytes a second of the link of a PCI function as it is now.
pub(super) fn link_of(run: &Run, address: &str) -> Option<f64> {
    let base = format!("/sys/bus/pci/devices/{address}");
    let speed = run.last::<LinkSpeed>(&format!("{base}/current_link_speed")).into_value()?;
    let width = run.last::<LinkWidth>(&format!("{base}/current_link_width")).into_value()?.0?;
    Some(speed.lane_bytes() * width as f64).filter(|bytes| *bytes > 0.0)
}

pub(super) fn evaluate(run: &Run, devices: &Reading<Devices>, out: &mut Output) {
    let topology = run.last::<BlockTopology>("@pci/block");
    let missing = match (&topology, devices) {
        (Reading::Missing(missing), _) | (_, Reading::Missing(missing)) => Some(missing.clone()),
        _ => None,
    };
    let (Some(devices), None) = (devices.value(), &missing) else {
        let missing = missing.unwrap_or_else(|| Missing::new(Why::NotSampled, "/sys/block"));
        for id in [UTILIZATION, SATURATION, ERRORS] {
            out.cell(Cell::unmeasurable(id, &missing));
        }
        return;
    };
    let mut by_address: BTreeMap<&str, Vec<&Device>> = BTreeMap::new();
    for device in &devices.all {
        if let Some(address) = &device.pci {
            by_address.entry(address).or_default().push(device);
        }
    }
    let mut controllers: Vec<Controller> = by_address
        .into_iter()
        .map(|(address, disks)| Controller { address: address.to_owned(), disks, link: link_of(run, address) })
        .collect();
    if controllers.is_empty() {
        for id in [UTILIZATION, SATURATION, ERRORS] {
            out.cell(Cell::not_applicable(id, Msg::new("storage-controller-none")));
        }
        return;
    }
    controllers.sort_by(|a, b| b.throughput().total_cmp(&a.throughput()).then(a.address.cmp(&b.address)));
    out.cell(utilization(run, &controllers));
    saturation(run, &controllers, out);
    error_cell(run, &controllers, out);
}

/// The remark where a controller has one disk only: its numbers are those of the disk.
fn alias(controllers: &[Controller]) -> Option<Msg> {
    let alone = controllers.iter().all(|controller| controller.disks.len() == 1);
    let first = controllers.first().filter(|_| alone)?;
    Some(Msg::new("storage-controller-alias").with("controller", first.address.as_str()))
}

fn utilization(run: &Run, controllers: &[Controller]) -> Cell {
    let limit = run.threshold("storage-controller.busy");
    let verdict = |controller: &Controller| {
        if controller.share().is_some_and(|share| share >= limit) { Verdict::Watch } else { Verdict::Ok }
    };
    let value = |controller: &Controller| {
        controller.share().map_or_else(|| Quantity::throughput(controller.throughput()), Quantity::ratio)
    };
    let busiest = controllers.iter().max_by(|a, b| {
        let share = |controller: &Controller| controller.share().unwrap_or(0.0);
        share(a).total_cmp(&share(b)).then(a.throughput().total_cmp(&b.throughput()))
    });
    let worst = controllers.iter().map(verdict).max().unwrap_or(Verdict::Ok);
    let headline = busiest.map_or_else(|| Quantity::throughput(0.0), value);
    let mut cell = Cell::measured(UTILIZATION, worst, headline);
    cell.instances =
        controllers.iter().map(|controller| controller.instance(value(controller), verdict(controller))).collect();
    cell.note = alias(controllers).or_else(|| {
        let unknown = controllers.iter().all(|controller| controller.link.is_none());
        unknown.then(|| Msg::new("storage-controller-no-maximum"))
    });
    for controller in controllers.iter().take(3) {
        cell.evidence.push(
            Evidence::new("/proc/diskstats", controller.name(), Quantity::throughput(controller.throughput()))
                .by_hand("iostat -xz 1   # rkB/s + wkB/s"),
        );
        if let Some(link) = controller.link {
            let file = format!("/sys/bus/pci/devices/{}/current_link_speed", controller.address);
            let command = format!("lspci -vv -s {} | grep LnkSta", controller.address);
            cell.evidence.push(Evidence::new(file, "speed x width", Quantity::throughput(link)).by_hand(command));
        }
    }
    cell
}

/// A full link whose disks are waited for is the deeper cause; with one disk it is the disk under another name.
fn saturation(run: &Run, controllers: &[Controller], out: &mut Output) {
    let limit = run.threshold("storage-controller.busy");
    let waited = |disk: &Device| {
        let key = format!("device:{}", disk.name);
        let concerns = |finding: &&Finding| finding.cell == "disk.saturation" && finding.keys().contains(&key);
        out.findings.iter().filter(concerns).map(|finding| finding.severity).max()
    };
    let mut found = Vec::new();
    let mut verdicts = Vec::new();
    for controller in controllers {
        let worst = controller.disks.iter().filter_map(|disk| waited(disk)).max();
        let full = controller.share().is_some_and(|share| share >= limit);
        let verdict = match (worst, full, controller.disks.len()) {
            (Some(Severity::Bottleneck | Severity::Error), true, _) => {
                found.push(link_full(controller, &out.findings));
                Verdict::Bottleneck
            }
            (Some(Severity::Bottleneck | Severity::Error), false, 1) => Verdict::Bottleneck,
            (Some(_), ..) => Verdict::Watch,
            (None, ..) => Verdict::Ok,
        };
        verdicts.push(verdict);
    }
    let worst = verdicts.iter().copied().max().unwrap_or(Verdict::Ok);
    let queue: f64 = controllers.iter().map(Controller::queue).fold(0.0, f64::max);
    let mut cell = Cell::measured(SATURATION, worst, Quantity::count(queue));
    let mut parts: Vec<_> = controllers.iter().zip(verdicts).collect();
    parts.sort_by(|a, b| b.1.cmp(&a.1).then(b.0.queue().total_cmp(&a.0.queue())));
    cell.instances = parts
        .into_iter()
        .map(|(controller, verdict)| controller.instance(Quantity::count(controller.queue()), verdict))
        .collect();
    cell.note = alias(controllers);
    cell.evidence.push(
        Evidence::new("/proc/diskstats", "time_in_queue", Quantity::count(queue))
            .by_hand("iostat -xz 1   # aqu-sz, summed over the disks of one controller"),
    );
    out.cell(cell);
    for finding in found {
        out.finding(finding);
    }
}

fn link_full(controller: &Controller, findings: &[Finding]) -> Finding {
    let keys: Vec<String> = controller.disks.iter().map(|disk| format!("device:{}", disk.name)).collect();
    let below: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.cell == "disk.saturation" && keys.iter().any(|key| finding.keys().contains(key)))
        .collect();
    let share = Quantity::ratio(controller.share().unwrap_or(0.0));
    let wait: f64 = below.iter().filter_map(|finding| finding.wait_s_per_s).sum();
    let spec = (Resource::StorageController, Kind::Saturation, SATURATION);
    let culprit = Entity::new(EntityKind::Device, controller.address.as_str());
    let mut finding = Finding::new("storage-controller.link-full", Severity::Bottleneck, spec, culprit);
    finding.summary =
        finding.summary.with("controller", controller.name()).with("share", share).with("wait", Quantity::wait(wait));
    finding.victims = below.iter().flat_map(|finding| finding.victims.clone()).take(5).collect();
    finding.wait_s_per_s = Some(wait);
    finding.confidence = 0.8;
    finding.chain.push(Link {
        from: Msg::new("disk-link-disks").with("disks", controller.disks.len() as u64),
        to: Msg::new("disk-link-device").with("device", controller.address.as_str()),
        evidence: Msg::new("finding-storage-controller-link-full-evidence")
            .with("rate", Quantity::throughput(controller.throughput()))
            .with("limit", Quantity::throughput(controller.link.unwrap_or(0.0))),
    });
    finding.advice.push(Advice {
        text: Msg::new("finding-storage-controller-link-full-advice"),
        command: Some(format!("lspci -vv -s {} | grep -E 'LnkCap|LnkSta'", controller.address)),
        expect: Msg::new("finding-storage-controller-link-full-expect").with("share", share),
    });
    finding.explains = &["disk.saturated"];
    finding.also.extend(keys);
    finding
}

/// Growth and total of one kind of AER counter.
pub(super) fn aer(run: &Run, address: &str, kind: &str) -> Option<(u64, u64)> {
    let source = format!("/sys/bus/pci/devices/{address}/aer_dev_{kind}");
    let last = run.last::<AerCounts>(&source).into_value()?.total;
    let first = run.first::<AerCounts>(&source).into_value().map_or(last, |counts| counts.total);
    Some((delta(first, last).grew().unwrap_or(0), last))
}

fn error_cell(run: &Run, controllers: &[Controller], out: &mut Output) {
    let failures = errors::failures(run);
    let mut readable = failures.value().is_some();
    let mut cell = Cell::measured(ERRORS, Verdict::Ok, Quantity::count(0.0));
    let mut new_errors = 0;
    for controller in controllers {
        let counts = ["fatal", "nonfatal", "correctable"].map(|kind| aer(run, &controller.address, kind));
        readable |= counts.iter().any(Option::is_some);
        let grown = counts.map(|count| count.map_or(0, |(new, _)| new));
        let total = counts.iter().flatten().fold(0_u64, |sum, (_, total)| sum.saturating_add(*total));
        let verdict = match grown {
            [0, 0, 0] => Verdict::Ok,
            [0, ..] => Verdict::Watch,
            _ => Verdict::Error,
        };
        let new: u64 = grown.iter().sum();
        new_errors += new;
        let instance = controller.instance(Quantity::count(new as f64), verdict);
        cell.instances.push(instance.detail("total_errors", Quantity::count(total as f64)));
        cell.verdict = cell.verdict.max(verdict);
    }
    let ports = failures.value().map_or(0, |failures| failures.iter().filter(|(_, during)| *during).count() as u64);
    if ports > 0 {
        cell.verdict = Verdict::Error;
    }
    if !readable {
        let missing = failures.why_missing().cloned().unwrap_or_else(|| errors::absent("aer_dev_fatal"));
        out.cell(Cell::unmeasurable(ERRORS, &missing));
        return;
    }
    cell.value = Some(Quantity::count((new_errors + ports) as f64));
    cell.instances.sort_by_key(|instance| std::cmp::Reverse(instance.verdict));
    cell.note = alias(controllers);
    if failures.value().is_some() {
        cell.evidence.push(
            Evidence::new("/dev/kmsg", "host, port and device failures", Quantity::count(ports as f64))
                .by_hand("dmesg -T | grep -iE 'ata[0-9]|scsi|nvme'"),
        );
    }
    out.cell(cell);
}
