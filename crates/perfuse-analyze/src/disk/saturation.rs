//! `disk.saturation`: who waits for storage, and where in the stack: a device, its queue, a journal, the device under
//! a loop file, or nothing that is visible here.

use std::collections::BTreeMap;

use perfuse_format::proc::pressure::Pressure;
use perfuse_format::{Missing, Reading};

use crate::cell::{Cell, Evidence, Finding, Instance, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::{Quantity, Unit};

use super::devices::{Device, Devices};
use super::throttle::Throttled;
use super::waits::{self, Waiter};

mod finding;

const ID: &str = "disk.saturation";
const PSI: &str = "/proc/pressure/io";

pub(super) fn evaluate(
    run: &Run,
    devices: &Reading<Devices>,
    waiters: &[Waiter],
    throttled: &Throttled,
    out: &mut Output,
) {
    let pressure = waits::pressure(run, PSI);
    let none = Devices::default();
    let known = devices.value().unwrap_or(&none);
    let findings = findings(run, known, waiters, throttled, pressure.value().map(|(some, _)| *some));
    let cell = match headline(run, &pressure, devices, waiters) {
        Ok(headline) => measured(run, known, waiters, &pressure, headline, &findings, out),
        Err(missing) => Cell::unmeasurable(ID, &missing),
    };
    out.cell(cell);
    for finding in findings {
        out.finding(finding);
    }
}

/// The number of the cell with its evidence.
struct Headline {
    value: Quantity,
    evidence: Evidence,
    note: Option<Msg>,
}

/// Pressure of what the report is narrowed to; else the pressure of the host; else the summed waits of processes;
/// else the time of the requests at the devices.
fn headline(
    run: &Run,
    pressure: &Reading<(f64, f64)>,
    devices: &Reading<Devices>,
    waiters: &[Waiter],
) -> Result<Headline, Missing> {
    let by_pressure = |some: f64, source: String, note| Headline {
        value: Quantity::wait(some),
        evidence: Evidence::new(source.clone(), "some", Quantity::wait(some)).by_hand(format!("cat {source}")),
        note,
    };
    let hierarchies = run.cgroups.value();
    if let (Some(group), Some(v2)) = (&run.scope.cgroup, hierarchies.and_then(|hierarchies| hierarchies.v2())) {
        let source = v2.path(group, "io.pressure");
        if let Reading::Value((some, _)) = waits::pressure(run, &source) {
            return Ok(by_pressure(some, source, None));
        }
    }
    let missing = match pressure {
        Reading::Value((some, _)) if run.scope.is_whole_host() => return Ok(by_pressure(*some, PSI.to_owned(), None)),
        Reading::Value(_) => None,
        Reading::Missing(missing) => Some(missing.clone()),
    };
    if let Some(first) = waiters.first() {
        let wait: f64 = waiters.iter().map(|waiter| waiter.wait).sum();
        let source = first.how.source();
        let note = Msg::new("disk-saturation-by-processes").with("source", source);
        let evidence = Evidence::new(source, "sum", Quantity::wait(wait)).by_hand("pidstat -d 1   # iodelay");
        return Ok(Headline { value: Quantity::wait(wait), evidence, note: Some(note) });
    }
    match devices {
        Reading::Value(devices) => {
            let queue: f64 = devices.all.iter().filter(|device| !device.is_virtual).map(Device::queue).sum();
            let value = Quantity::wait(queue);
            let evidence = Evidence::new("/proc/diskstats", "time_in_queue", value).by_hand("iostat -xz 1   # aqu-sz");
            Ok(Headline { value, evidence, note: Some(Msg::new("disk-saturation-by-devices")) })
        }
        Reading::Missing(no_devices) => Err(missing.unwrap_or_else(|| no_devices.clone())),
    }
}

fn measured(
    run: &Run,
    devices: &Devices,
    waiters: &[Waiter],
    pressure: &Reading<(f64, f64)>,
    headline: Headline,
    findings: &[Finding],
    out: &Output,
) -> Cell {
    let of_cell = findings.iter().chain(&out.findings).filter(|finding| finding.cell == ID);
    let worst = of_cell.map(|finding| finding.severity).max();
    let by_pressure = pressure.value().is_some_and(|(some, _)| *some >= run.threshold("finding.min-wait"));
    let verdict = match worst {
        Some(Severity::Error) => Verdict::Error,
        Some(Severity::Bottleneck) => Verdict::Bottleneck,
        Some(Severity::Watch) => Verdict::Watch,
        None if by_pressure => Verdict::Watch,
        None => Verdict::Ok,
    };
    let mut cell = Cell::measured(ID, verdict, headline.value).evidence(headline.evidence);
    cell.note = headline.note;
    if let Reading::Value((_, full)) = pressure {
        cell.evidence.push(Evidence::new(PSI, "full", Quantity::wait(*full)).by_hand(format!("cat {PSI}")));
    }
    if let Some(first) = waiters.first() {
        // The pressure of the host is a mean over its CPUs; the sum over the processes is what they lose.
        let sum: f64 = waiters.iter().map(|waiter| waiter.wait).sum();
        let evidence = Evidence::new(first.how.source(), "all processes", Quantity::wait(sum));
        cell.evidence.push(evidence.by_hand("ps -eo pid,stat,wchan:32,comm | awk '$2 ~ /D/'"));
    }
    for device in devices.active().into_iter().take(3) {
        cell.evidence.extend(device_evidence(device));
    }
    cell.instances = devices.active().into_iter().map(|device| device_instance(run, device, findings)).collect();
    cell.instances.extend(cgroup_instances(run));
    cell.culprits = waiters.iter().take(5).map(Waiter::entity).collect();
    cell.history = run.history::<Pressure>(PSI, |before, after, seconds| {
        let grew = perfuse_format::delta(before.some_us, after.some_us).grew()?;
        Some(grew as f64 / 1e6 / seconds)
    });
    cell
}

fn device_instance(run: &Run, device: &Device, findings: &[Finding]) -> Instance {
    let key = format!("device:{}", device.name);
    let worst = findings.iter().filter(|finding| finding.keys().contains(&key)).map(|finding| finding.severity).max();
    let verdict = match worst {
        Some(Severity::Error) => Verdict::Error,
        Some(Severity::Bottleneck) => Verdict::Bottleneck,
        Some(Severity::Watch) => Verdict::Watch,
        None if rises(run, device).is_some() => Verdict::Watch,
        None => Verdict::Ok,
    };
    device.instance(Quantity::count(device.queue()), verdict)
}

fn device_evidence(device: &Device) -> Vec<Evidence> {
    let name = &device.name;
    let mut evidence = vec![
        Evidence::new("/proc/diskstats", format!("{name} time_in_queue"), Quantity::count(device.queue()))
            .by_hand("iostat -xz 1   # aqu-sz"),
    ];
    if let Some(wait) = device.mean_wait() {
        evidence.push(
            Evidence::new("/proc/diskstats", format!("{name} await"), Quantity::seconds(wait))
                .by_hand("iostat -xz 1   # r_await w_await"),
        );
    }
    let (queue, served) = device.percentiles(99.0);
    for (part, seconds) in [("queue p99", queue), ("device p99", served)] {
        if let Some(seconds) = seconds {
            evidence.push(
                Evidence::new("@bpf/block_hist", format!("{name} {part}"), Quantity::seconds(seconds))
                    .by_hand("perf record -e block:block_rq_insert,block:block_rq_issue,block:block_rq_complete -a"),
            );
        }
    }
    evidence
}

/// Cgroups that stalled, the worst first; the root of the hierarchy says the same as the host.
fn cgroup_instances(run: &Run) -> Vec<Instance> {
    let Some(v2) = run.cgroups.value().and_then(|hierarchies| hierarchies.v2()) else { return Vec::new() };
    let Some(last) = run.snapshots.last() else { return Vec::new() };
    let mut stalled: Vec<(f64, f64, String)> = v2
        .groups(last)
        .into_iter()
        .filter(|group| group != "/" && run.cgroup_in_scope(group))
        .filter_map(|group| {
            let (some, full) = waits::pressure(run, &v2.path(&group, "io.pressure")).into_value()?;
            (some >= 0.01).then_some((some, full, group))
        })
        .collect();
    stalled.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
    stalled.truncate(10);
    let watch = |some: f64| if some >= run.threshold("finding.min-wait") { Verdict::Watch } else { Verdict::Ok };
    stalled
        .into_iter()
        .map(|(some, full, group)| {
            Instance::new(group, Quantity::wait(some), watch(some)).detail("io_full", Quantity::wait(full))
        })
        .collect()
}

/// The worst step's latency and its ratio to the device's ordinary one, if that is a rise.
fn rises(run: &Run, device: &Device) -> Option<(f64, f64)> {
    let (worst, times) = device.latency_rise()?;
    let rise = times >= run.threshold("disk.latency-rise") && worst >= run.threshold("disk.latency-rise-floor");
    rise.then_some((worst, times))
}

/// How much less waiting of a process that somebody asks about is enough.
const FOCUS_LEAST: f64 = 0.4;
/// The share of the time in which it wants to work that it must wait then.
const FOCUS_SHARE: f64 = 0.5;

/// Everyone who waits and whom no limit holds, by the device that they wait for.
fn findings(
    run: &Run,
    devices: &Devices,
    waiters: &[Waiter],
    throttled: &Throttled,
    stalled: Option<f64>,
) -> Vec<Finding> {
    let (least, share) = (run.threshold("finding.min-wait"), run.threshold("finding.min-share"));
    let hurt = |waiter: &&Waiter| {
        let pid = waiter.used.task.pid;
        // To one who asks about a process that does hardly anything else, little waiting is much.
        let little = run.focus.contains(&pid) && waiter.share >= FOCUS_SHARE;
        let least = if little { least * FOCUS_LEAST } else { least };
        waiter.wait >= least && waiter.share >= share && !throttled.pids.contains(&pid)
    };
    let mut by_device: BTreeMap<Option<&str>, Vec<&Waiter>> = BTreeMap::new();
    for waiter in waiters.iter().filter(hurt) {
        let device = waits::device_of(waiter, devices).map(|device| device.name.as_str());
        by_device.entry(device).or_default().push(waiter);
    }
    let mut found = Vec::new();
    if by_device.is_empty() && run.scope.is_whole_host() {
        let rest = stalled.map_or(0.0, |some| some - throttled.wait);
        if rest >= least && rest >= share {
            found.push(finding::of_host(run, devices, rest));
        }
    }
    for (device, victims) in by_device {
        let device = device.and_then(|name| devices.get(name));
        found.push(finding::of_victims(run, devices, device, &victims));
    }
    for device in devices.active() {
        let named = format!("device:{}", device.name);
        if let (Some((worst, times)), false) =
            (rises(run, device), found.iter().any(|finding: &Finding| finding.keys().contains(&named)))
        {
            found.push(finding::of_rise(device, worst, times));
        }
    }
    found
}

/// Bytes a second as a quantity.
fn throughput(bytes: f64) -> Quantity {
    Quantity::new(bytes, Unit::BytesPerSecond)
}
