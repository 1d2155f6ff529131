//! `cpu-interconnect.*`, `memory-interconnect.*`, `io-interconnect.*`: what only counters of the hardware know. A guest
//! mostly has none of them, and then these cells say so.

use std::collections::{BTreeMap, BTreeSet};

use perfuse_format::parse::{KeyValues, Number};
use perfuse_format::proc::kmsg::Event;
use perfuse_format::proc::stat::ProcStat;
use perfuse_format::sys::pci::{LinkSpeed, LinkWidth};
use perfuse_format::sys::pmu::{CounterScale, PmuCounts};
use perfuse_format::{Missing, Reading, Why, delta};

use crate::cell::{Advice, Cell, Entity, EntityKind, Evidence, Finding, Instance, Link, Severity, Verdict};
use crate::checklist::Output;
use crate::kernel_log::logged;
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Quantity, Resource, Unit};

use super::controller::{aer, link_of};

pub(super) fn evaluate(run: &Run, out: &mut Output) {
    cpu(run, out);
    memory(run, out);
    io(run, out);
}

/// The names that stand for `*` in sources of the form `prefix*suffix`.
fn names(run: &Run, prefix: &str, suffix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for snapshot in run.snapshots {
        let rests = snapshot.under(prefix).filter_map(|(rest, _)| rest.strip_suffix(suffix));
        found.extend(rests.map(str::to_owned));
    }
    found
}

/// Whether a kind of counter is offered by the kernel.
fn has_pmu(run: &Run, start: &str) -> bool {
    names(run, "/sys/bus/event_source/devices/", "/type").iter().any(|name| name.starts_with(start))
}

/// Why there is no such hardware counter here.
fn no_pmu(run: &Run, what: &'static str) -> Missing {
    let detail = match run.host.virtualization.as_str() {
        "" => String::new(),
        kind => format!("{kind}: no PMU is given to the guest"),
    };
    Missing::new(Why::Absent, what).with_detail(detail)
}

fn cpu(run: &Run, out: &mut Output) {
    let [utilization, saturation, errors] =
        ["cpu-interconnect.utilization", "cpu-interconnect.saturation", "cpu-interconnect.errors"];
    let nodes = names(run, "/sys/devices/system/node/", "/numastat");
    if nodes.len() == 1 {
        for id in [utilization, saturation, errors] {
            out.cell(Cell::not_applicable(id, Msg::new("cpu-interconnect-one-node")));
        }
        return;
    }
    let uncounted = if has_pmu(run, "uncore_upi") || has_pmu(run, "uncore_qpi") || has_pmu(run, "amd_df") {
        Missing::new(Why::NotSampled, "uncore PMU")
    } else {
        no_pmu(run, "uncore PMU")
    };
    out.cell(remote(run, &nodes).unwrap_or_else(|| Cell::unmeasurable(utilization, &uncounted)));
    out.cell(Cell::unmeasurable(saturation, &uncounted));
    out.cell(Cell::unmeasurable(errors, &uncounted));
}

/// Without counters of the link: the share of page allocations that went to another node.
fn remote(run: &Run, nodes: &BTreeSet<String>) -> Option<Cell> {
    let mut instances = Vec::new();
    let (mut all_local, mut all_other) = (0_u64, 0_u64);
    for node in nodes {
        let span = run.span::<KeyValues>(&format!("/sys/devices/system/node/{node}/numastat")).into_value()?;
        let grew = |key: &str| delta(span.first.get(key)?, span.last.get(key)?).grew();
        let (local, other) = (grew("local_node")?, grew("other_node")?);
        all_local += local;
        all_other += other;
        let share = if local + other > 0 { other as f64 / (local + other) as f64 } else { 0.0 };
        instances.push(Instance::new(node.as_str(), Quantity::ratio(share), Verdict::Ok));
    }
    let total = all_local + all_other;
    let share = if total > 0 { all_other as f64 / total as f64 } else { 0.0 };
    let high = share >= run.threshold("cpu-interconnect.remote-share");
    let verdict = if high { Verdict::Watch } else { Verdict::Ok };
    if nodes.is_empty() {
        return None;
    }
    let mut cell = Cell::measured("cpu-interconnect.utilization", verdict, Quantity::ratio(share))
        .note(Msg::new("cpu-interconnect-by-numastat"))
        .evidence(
            Evidence::new("/sys/devices/system/node/*/numastat", "other_node", Quantity::ratio(share))
                .by_hand("numastat"),
        );
    instances.sort_by(|a, b| b.value.number.total_cmp(&a.value.number));
    cell.instances = instances;
    Some(cell)
}

fn memory(run: &Run, out: &mut Output) {
    out.cell(match bandwidth(run) {
        Ok(cell) => cell,
        Err(missing) => Cell::unmeasurable("memory-interconnect.utilization", &missing),
    });
    out.cell(match ipc(run) {
        Ok(cell) => cell,
        Err(missing) => Cell::unmeasurable("memory-interconnect.saturation", &missing),
    });
    out.cell(edac(run));
}

/// Bytes a second between CPUs and memory: counted by the memory controllers, else by resctrl.
fn bandwidth(run: &Run) -> Result<Cell, Missing> {
    let cell = |bytes: f64, evidence: Evidence, instances: Vec<Instance>| {
        let mut cell = Cell::measured("memory-interconnect.utilization", Verdict::Ok, Quantity::throughput(bytes));
        cell.note = Some(Msg::new("memory-interconnect-no-maximum"));
        cell.instances = instances;
        cell.evidence(evidence)
    };
    let rates = controllers(run);
    if !rates.is_empty() {
        let sum: f64 = rates.values().sum();
        let part =
            |(name, bytes): (&String, &f64)| Instance::new(name.as_str(), Quantity::throughput(*bytes), Verdict::Ok);
        let evidence = Evidence::new("@perf/imc", "cas_count", Quantity::throughput(sum))
            .by_hand("perf stat -a -e 'uncore_imc*/cas_count_read/,uncore_imc*/cas_count_write/' sleep 5");
        return Ok(cell(sum, evidence, rates.iter().map(part).collect()));
    }
    let mut instances = Vec::new();
    for domain in names(run, "/sys/fs/resctrl/mon_data/", "/mbm_total_bytes") {
        let source = format!("/sys/fs/resctrl/mon_data/{domain}/mbm_total_bytes");
        let span = run.span::<Number>(&source);
        if let Reading::Value(span) = span
            && let Some(grew) = delta(span.first.0, span.last.0).grew()
        {
            let rate = Quantity::new(grew as f64 / span.seconds, Unit::BytesPerSecond);
            instances.push(Instance::new(domain, rate, Verdict::Ok));
        }
    }
    if instances.is_empty() {
        return Err(no_pmu(run, "uncore PMU, resctrl"));
    }
    let sum: f64 = instances.iter().map(|instance| instance.value.number).sum();
    let evidence = Evidence::new("/sys/fs/resctrl/mon_data/*/mbm_total_bytes", "bytes", Quantity::throughput(sum))
        .by_hand("cat /sys/fs/resctrl/mon_data/*/mbm_total_bytes");
    Ok(cell(sum, evidence, instances))
}

/// Bytes a second by memory controller.
fn controllers(run: &Run) -> BTreeMap<String, f64> {
    let mut rates = BTreeMap::new();
    let Reading::Value(span) = run.span::<PmuCounts>("@perf/imc") else { return rates };
    for (event, cpu, count) in span.last.since(&span.first) {
        let Some((pmu, name)) = event.split_once('/') else { continue };
        let source = format!("/sys/bus/event_source/devices/{pmu}/events/{name}.scale");
        // The scale turns counts into MiB.
        let scale = run.last::<CounterScale>(&source).into_value().map_or(64.0 / 1_048_576.0, |scale| scale.0);
        *rates.entry(format!("{pmu} cpu{cpu}")).or_insert(0.0) += count * scale * 1_048_576.0 / span.seconds;
    }
    rates
}

/// Instructions per cycle: below 0.2 the CPUs are "busy" waiting for memory.
fn ipc(run: &Run) -> Result<Cell, Missing> {
    let span = match run.span::<PmuCounts>("@perf/ipc") {
        Reading::Value(span) => span,
        // An errno of perf_event_open: the kernel has no such event.
        Reading::Missing(missing) if missing.why == Why::TooEarly => return Err(missing),
        Reading::Missing(missing) if missing.why == Why::NoPermission => {
            return Err(Missing::new(missing.why, "perf_event_open"));
        }
        Reading::Missing(_) => return Err(no_pmu(run, "PMU")),
    };
    let (mut cycles, mut instructions) = (BTreeMap::new(), BTreeMap::new());
    for (event, cpu, count) in span.last.since(&span.first) {
        match event {
            "cycles" => cycles.insert(cpu, count),
            "instructions" => instructions.insert(cpu, count),
            _ => None,
        };
    }
    let sum = |counts: &BTreeMap<u32, f64>| counts.values().sum::<f64>();
    let whole = Quantity::checked(sum(&instructions) / sum(&cycles), Unit::InstructionsPerCycle)
        .ok_or_else(|| no_pmu(run, "PMU"))?;
    let low = whole.number < run.threshold("memory-interconnect.low-ipc");
    let busy = busy_cpu(run).is_some_and(|busy| busy >= run.threshold("memory-interconnect.busy-cpu"));
    let verdict = if low && busy { Verdict::Watch } else { Verdict::Ok };
    let mut cell = Cell::measured("memory-interconnect.saturation", verdict, whole)
        .note(Msg::new("memory-interconnect-by-ipc"))
        .evidence(
            Evidence::new("perf_event_open", "instructions / cycles", whole)
                .by_hand("perf stat -a -e cycles,instructions sleep 5"),
        );
    for (cpu, cycles) in &cycles {
        let per_cpu = instructions.get(cpu).copied().unwrap_or(0.0) / cycles;
        if let Some(ipc) = Quantity::checked(per_cpu, Unit::InstructionsPerCycle) {
            cell.instances.push(Instance::new(format!("cpu{cpu}"), ipc, Verdict::Ok));
        }
    }
    cell.instances.sort_by(|a, b| a.value.number.total_cmp(&b.value.number));
    Ok(cell)
}

/// Share of the time that the CPUs were busy.
fn busy_cpu(run: &Run) -> Option<f64> {
    let span = run.span::<ProcStat>("/proc/stat").into_value()?;
    let busy = delta(span.first.all.busy(), span.last.all.busy()).grew()?;
    let total = delta(span.first.all.total(), span.last.all.total()).grew()?;
    (total > 0).then(|| busy as f64 / total as f64)
}

/// Memory errors by controller; what they mean for a process is told by `memory.errors`.
fn edac(run: &Run) -> Cell {
    const ID: &str = "memory-interconnect.errors";
    let controllers = names(run, "/sys/devices/system/edac/mc/", "/ce_count");
    if controllers.is_empty() {
        return Cell::unmeasurable(ID, &Missing::new(Why::Absent, "/sys/devices/system/edac/mc"));
    }
    let mut cell = Cell::measured(ID, Verdict::Ok, Quantity::count(0.0));
    let mut sum = 0;
    for controller in controllers {
        let count = |kind: &str| {
            let source = format!("/sys/devices/system/edac/mc/{controller}/{kind}");
            let last = run.last::<Number>(&source).into_value()?.0;
            let first = run.first::<Number>(&source).into_value().map_or(last, |number| number.0);
            Some((delta(first, last).grew().unwrap_or(0), last))
        };
        let ((corrected, total), (uncorrected, bad)) =
            (count("ce_count").unwrap_or_default(), count("ue_count").unwrap_or_default());
        let verdict = match (corrected, uncorrected) {
            (_, 1..) => Verdict::Error,
            (1.., 0) => Verdict::Watch,
            _ => Verdict::Ok,
        };
        sum += corrected + uncorrected;
        cell.verdict = cell.verdict.max(verdict);
        let new = Quantity::count((corrected + uncorrected) as f64);
        let instance = Instance::new(controller, new, verdict);
        cell.instances.push(instance.detail("total_errors", Quantity::count((total + bad) as f64)));
    }
    cell.instances.sort_by_key(|instance| std::cmp::Reverse(instance.verdict));
    cell.value = Some(Quantity::count(sum as f64));
    cell.evidence(
        Evidence::new("/sys/devices/system/edac/mc/*/ce_count", "ce_count + ue_count", Quantity::count(sum as f64))
            .by_hand("edac-util -v"),
    )
}

fn io(run: &Run, out: &mut Output) {
    let links = links(run);
    let utilization = "io-interconnect.utilization";
    let missing = if has_pmu(run, "uncore_iio") {
        Missing::new(Why::NotSampled, "uncore IIO PMU")
    } else {
        no_pmu(run, "uncore IIO PMU, PCIe link")
    };
    out.cell(Cell::unmeasurable(utilization, &missing));
    out.cell(io_saturation(run, &links).unwrap_or_else(|| Cell::unmeasurable("io-interconnect.saturation", &missing)));
    io_errors(run, out);
}

/// PCI Express links: `(address, bytes a second now, bytes a second at most)`.
fn links(run: &Run) -> Vec<(String, f64, f64)> {
    let mut found = Vec::new();
    for address in names(run, "/sys/bus/pci/devices/", "/max_link_speed") {
        let base = format!("/sys/bus/pci/devices/{address}");
        let speed = run.last::<LinkSpeed>(&format!("{base}/max_link_speed")).into_value();
        let width = run.last::<LinkWidth>(&format!("{base}/max_link_width")).into_value().and_then(|width| width.0);
        if let (Some(now), Some(speed), Some(width)) = (link_of(run, &address), speed, width) {
            let most = speed.lane_bytes() * width as f64;
            if most > 0.0 {
                found.push((address, now, most));
            }
        }
    }
    found.sort_by(|a, b| (a.1 / a.2).total_cmp(&(b.1 / b.2)).then(a.0.cmp(&b.0)));
    found
}

/// Links that run below their maximum, and the bounce buffers of DMA.
fn io_saturation(run: &Run, links: &[(String, f64, f64)]) -> Option<Cell> {
    let buffers = |file: &str| run.last::<Number>(&format!("/sys/kernel/debug/swiotlb/{file}")).into_value();
    let bounce = match (buffers("io_tlb_used"), buffers("io_tlb_nslabs")) {
        (Some(used), Some(slabs)) if slabs.0 > 0 => Some(used.0 as f64 / slabs.0 as f64),
        _ => None,
    };
    let full_log = logged(run)
        .into_value()
        .is_some_and(|events| events.iter().any(|entry| entry.during && entry.event.event == Event::BounceBufferFull));
    if links.is_empty() && bounce.is_none() {
        return None;
    }
    let slow = links.first().map_or(1.0, |(_, now, most)| now / most);
    let crowded = full_log || bounce.is_some_and(|used| used >= run.threshold("io-interconnect.swiotlb"));
    let verdict = if crowded || slow < 0.999 { Verdict::Watch } else { Verdict::Ok };
    let value = bounce.unwrap_or(0.0).max(0.0);
    let headline = if links.is_empty() { value } else { 1.0 - slow };
    let mut cell = Cell::measured("io-interconnect.saturation", verdict, Quantity::ratio(headline.clamp(0.0, 1.0)));
    cell.note = Some(Msg::new("io-interconnect-by-links"));
    for (address, now, most) in links {
        let verdict = if now / most < 0.999 { Verdict::Watch } else { Verdict::Ok };
        cell.instances.push(
            Instance::new(address.as_str(), Quantity::ratio(now / most), verdict)
                .detail("link_now", Quantity::throughput(*now))
                .detail("link_limit", Quantity::throughput(*most)),
        );
    }
    if let Some(used) = bounce {
        cell.evidence.push(
            Evidence::new("/sys/kernel/debug/swiotlb", "io_tlb_used / io_tlb_nslabs", Quantity::ratio(used))
                .by_hand("cat /sys/kernel/debug/swiotlb/io_tlb_used /sys/kernel/debug/swiotlb/io_tlb_nslabs"),
        );
    }
    if let Some((address, now, most)) = links.first() {
        let file = format!("/sys/bus/pci/devices/{address}/current_link_speed");
        let command = format!("lspci -vv -s {address} | grep -E 'LnkCap|LnkSta'");
        cell.evidence.push(Evidence::new(file, "current / maximum", Quantity::ratio(now / most)).by_hand(command));
    }
    Some(cell)
}

fn io_errors(run: &Run, out: &mut Output) {
    const ID: &str = "io-interconnect.errors";
    let functions = names(run, "/sys/bus/pci/devices/", "/aer_dev_fatal");
    let log = logged(run);
    if functions.is_empty() && log.value().is_none() {
        out.cell(Cell::unmeasurable(ID, &super::errors::absent("/sys/bus/pci/devices/*/aer_dev_fatal")));
        return;
    }
    let counted = !functions.is_empty();
    // New errors by function: fatal or logged as uncorrected, and all others.
    let mut by_function: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    for address in functions {
        let of = |kind: &str| aer(run, &address, kind).unwrap_or_default();
        let ((fatal, a), (nonfatal, b), (correctable, c)) = (of("fatal"), of("nonfatal"), of("correctable"));
        by_function.insert(address, (fatal, nonfatal + correctable, a + b + c));
    }
    for entry in log.value().into_iter().flatten().filter(|entry| entry.during) {
        if let Event::PcieError { device, corrected } = &entry.event.event {
            let counts = by_function.entry(device.clone()).or_default();
            if *corrected { counts.1 = counts.1.max(1) } else { counts.0 = counts.0.max(1) }
        }
    }
    let verdict = |counts: &(u64, u64, u64)| match counts {
        (1.., ..) => Verdict::Error,
        (0, 1.., _) => Verdict::Watch,
        _ => Verdict::Ok,
    };
    let sum: u64 = by_function.values().map(|counts| counts.0 + counts.1).sum();
    let worst = by_function.values().map(verdict).max().unwrap_or(Verdict::Ok);
    let value = Quantity::count(sum as f64);
    let evidence = if counted {
        Evidence::new("/sys/bus/pci/devices/*/aer_dev_*", "TOTAL_ERR", value)
            .by_hand("grep . /sys/bus/pci/devices/*/aer_dev_*")
    } else {
        Evidence::new("/dev/kmsg", "AER", value).by_hand("dmesg -T | grep -iE 'AER|PCIe Bus Error'")
    };
    let mut cell = Cell::measured(ID, worst, value).evidence(evidence);
    for (address, counts) in &by_function {
        let new = Quantity::count((counts.0 + counts.1) as f64);
        let instance = Instance::new(address.as_str(), new, verdict(counts));
        cell.instances.push(instance.detail("total_errors", Quantity::count(counts.2 as f64)));
        if counts.0 > 0 {
            out.finding(fatal(address, counts.0));
        }
    }
    cell.instances.sort_by_key(|instance| std::cmp::Reverse(instance.verdict));
    out.cell(cell);
}

fn fatal(address: &str, count: u64) -> Finding {
    let spec = (Resource::IoInterconnect, Kind::Errors, "io-interconnect.errors");
    let culprit = Entity::new(EntityKind::Device, address);
    let mut finding = Finding::new("io-interconnect.pcie-fatal", Severity::Error, spec, culprit);
    finding.summary = finding.summary.with("device", address).with("count", count);
    finding.confidence = 0.95;
    finding.chain.push(Link {
        from: Msg::new("disk-link-device").with("device", address),
        to: Msg::new("disk-link-error"),
        evidence: Msg::new("finding-io-interconnect-pcie-fatal-evidence").with("count", count),
    });
    finding.advice.push(Advice {
        text: Msg::new("finding-io-interconnect-pcie-fatal-advice"),
        command: Some(format!("lspci -vvv -s {address}; dmesg -T | grep -i aer")),
        expect: Msg::new("finding-io-interconnect-pcie-fatal-expect"),
    });
    finding
}
