//! `control.softirq`: interrupts that load one CPU while the others have next to none.

use std::collections::BTreeMap;

use perfuse_format::Reading;

use super::usage::{self, CpuUse, InterruptRates, Shares};
use super::waits::{Cause, Waits};
use super::{advice, is_bottleneck, link, process};
use crate::cell::{Cell, Entity, EntityKind, Evidence, Finding, Instance, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::tasks::Used;
use crate::{Kind, Resource};

const ID: &str = "control.softirq";

/// The CPU that the interrupts load, if they do.
struct Loaded<'a> {
    cpu: u32,
    shares: Shares,
    /// The device with the most interrupts there, and how many per second.
    device: Option<(&'a str, f64)>,
    /// The kind of soft interrupt that ran most there.
    soft: Option<(&'a str, f64)>,
}

/// Interrupts per second from which on a device is taken to be behind the load; a few a second are not.
const FROM_DEVICE: f64 = 10.0;

type Rates = BTreeMap<u32, InterruptRates>;

/// The control, and a finding when one CPU carries the interrupts of the host.
pub(super) fn evaluate(run: &Run, cpus: &Reading<CpuUse>, waits: &Waits, out: &mut Output) {
    let cpus = match cpus {
        Reading::Value(cpus) => cpus,
        Reading::Missing(missing) => return out.cell(Cell::unmeasurable(ID, missing)),
    };
    let hard = usage::interrupt_rates(run, "/proc/interrupts").into_value().unwrap_or_default();
    let soft = usage::interrupt_rates(run, "/proc/softirqs").into_value().unwrap_or_default();
    let Some(loaded) = most_loaded(cpus, &hard, &soft) else {
        let missing = perfuse_format::Missing::new(perfuse_format::Why::Absent, "/proc/stat: cpu0");
        return out.cell(Cell::unmeasurable(ID, &missing));
    };
    let one_sided = one_sided(run, cpus, &loaded);
    let finding = one_sided.then(|| finding(run, &loaded, waits));
    let verdict = match &finding {
        Some(finding) if finding.severity > Severity::Watch => Verdict::Bottleneck,
        Some(_) => Verdict::Watch,
        None => Verdict::Ok,
    };
    let share = Quantity::ratio(loaded.shares.interrupts());
    let mut cell = Cell::measured(ID, verdict, share).evidence(
        Evidence::new("/proc/stat", format!("irq + softirq of cpu{}", loaded.cpu), share).by_hand("mpstat -P ALL 1"),
    );
    if let Some((name, rate)) = loaded.device {
        cell = cell.evidence(
            Evidence::new("/proc/interrupts", format!("{name} on cpu{}", loaded.cpu), Quantity::rate(rate))
                .by_hand("watch -n1 -d cat /proc/interrupts"),
        );
    }
    if let Some((name, rate)) = loaded.soft {
        cell = cell.evidence(
            Evidence::new("/proc/softirqs", format!("{name} on cpu{}", loaded.cpu), Quantity::rate(rate))
                .by_hand("watch -n1 -d cat /proc/softirqs"),
        );
    }
    cell.instances = instances(run, cpus, &hard, &soft);
    cell.history = usage::history(run, Shares::interrupts);
    out.cell(cell);
    if let Some(finding) = finding {
        out.finding(finding);
    }
}

fn most_loaded<'a>(cpus: &CpuUse, hard: &'a Rates, soft: &'a Rates) -> Option<Loaded<'a>> {
    let most = cpus.cpus.iter().max_by(|a, b| a.1.interrupts().total_cmp(&b.1.interrupts()).then(b.0.cmp(a.0)));
    let (cpu, shares) = most?;
    let first = |rates: &'a Rates, device: bool| {
        let kinds = rates.get(cpu).map_or(&[][..], |rates| rates.kinds.as_slice());
        let wanted = |kind: &&usage::KindRate| !device || (kind.device && kind.rate >= FROM_DEVICE);
        kinds.iter().find(wanted).map(|kind| (kind.name.as_str(), kind.rate))
    };
    Some(Loaded { cpu: *cpu, shares: *shares, device: first(hard, true), soft: first(soft, false) })
}

/// Whether the interrupts of this CPU are many, and few elsewhere.
fn one_sided(run: &Run, cpus: &CpuUse, loaded: &Loaded) -> bool {
    let others: Vec<f64> =
        cpus.cpus.iter().filter(|(cpu, _)| **cpu != loaded.cpu).map(|(_, shares)| shares.interrupts()).collect();
    let mean = others.iter().sum::<f64>() / others.len().max(1) as f64;
    let share = loaded.shares.interrupts();
    !others.is_empty() && share >= run.threshold("cpu.interrupts") && mean < share / 3.0
}

fn instances(run: &Run, cpus: &CpuUse, hard: &Rates, soft: &Rates) -> Vec<Instance> {
    let mut all: Vec<Instance> = cpus
        .cpus
        .iter()
        .map(|(cpu, shares)| {
            let high = shares.interrupts() >= run.threshold("cpu.interrupts");
            let verdict = if high { Verdict::Watch } else { Verdict::Ok };
            let mut one = Instance::new(format!("cpu{cpu}"), Quantity::ratio(shares.interrupts()), verdict)
                .detail("irq", Quantity::ratio(shares.irq))
                .detail("softirq", Quantity::ratio(shares.softirq));
            if let Some(rates) = hard.get(cpu) {
                one = one.detail("interrupts_per_s", Quantity::rate(rates.total));
            }
            if let Some(rates) = soft.get(cpu) {
                one = one.detail("softirqs_per_s", Quantity::rate(rates.total));
            }
            one
        })
        .collect();
    all.sort_by(|a, b| b.value.number.total_cmp(&a.value.number));
    all
}

/// Who suffers: those that wait in the run queue of the CPU, and those that run there but only in what the interrupts
/// leave.
fn victims(run: &Run, loaded: &Loaded, waits: &Waits) -> (Vec<Entity>, f64, bool) {
    let Some(tasks) = run.tasks.value() else { return (Vec::new(), 0.0, false) };
    let mut victims = Vec::new();
    let (mut wait, mut hurts) = (0.0, false);
    for waiter in waits.of(Cause::Interrupts).iter().filter(|waiter| waiter.on.contains(&loaded.cpu)) {
        if let Some(used) = tasks.processes.get(&waiter.pid) {
            wait += waiter.wait;
            hurts |= is_bottleneck(run, waiter.wait, waiter.share());
            victims.push(process(used).detail(super::waits_for_cpu(waiter.wait, waiter.share())));
        }
    }
    // The interrupted thread is not in the run queue: no counter of the kernel sees it wait. Where the CPU is full it
    // lost what the interrupts took. Without a device behind them they may be its own doing: packets to this host
    // itself are received in the sender's time.
    if loaded.device.is_some() && loaded.shares.busy >= run.threshold("cpu.full") {
        let there = |used: &&Used| used.task.cpu == loaded.cpu && !used.task.kernel_thread && used.cpu >= 0.1;
        let top = tasks.threads.values().filter(there).max_by(|a, b| a.cpu.total_cmp(&b.cpu));
        if let Some(used) = top.filter(|used| run.in_scope(used.task.pid)) {
            let lost = loaded.shares.interrupts();
            wait += lost;
            hurts |= is_bottleneck(run, lost, lost / (lost + used.cpu));
            if !victims.iter().any(|victim| victim.pid == Some(used.task.pid)) {
                let detail = Msg::new("detail-text-loses-to-interrupts").with("share", Quantity::ratio(lost));
                victims.insert(0, process(used).detail(detail));
            }
        }
    }
    victims.truncate(5);
    (victims, wait, hurts)
}

fn finding(run: &Run, loaded: &Loaded, waits: &Waits) -> Finding {
    let (victims, wait, hurts) = victims(run, loaded, waits);
    let severity = if hurts { Severity::Bottleneck } else { Severity::Watch };
    let spec = (Resource::Cpu, Kind::Saturation, "cpu.saturation");
    let cpu = format!("cpu{}", loaded.cpu);
    let source = loaded.device.or(loaded.soft).map_or_else(|| cpu.clone(), |(name, _)| name.to_owned());
    let kind = if loaded.device.is_some() { EntityKind::Device } else { EntityKind::Kernel };
    let culprit = Entity::new(kind, &source);
    let mut finding = Finding::new("cpu.interrupts-on-one-cpu", severity, spec, culprit);
    finding.victims = victims;
    finding.control = Some(ID);
    finding.wait_s_per_s = hurts.then_some(wait);
    finding.confidence = if loaded.device.is_some() { 0.8 } else { 0.6 };
    finding.explains = &["cpu.run-queue", "cpu.hot-thread"];
    let share = Quantity::ratio(loaded.shares.interrupts());
    finding.summary = Msg::new("finding-cpu-interrupts-on-one-cpu-summary")
        .with("cpu", &cpu)
        .with("share", share)
        .with("source", &source);
    let evidence = match loaded.device.or(loaded.soft) {
        Some((name, rate)) => Msg::new("finding-cpu-interrupts-on-one-cpu-link-rate")
            .with("source", name)
            .with("rate", Quantity::rate(rate)),
        None => Msg::new("finding-cpu-interrupts-on-one-cpu-link-share").with("share", share),
    };
    let full = Msg::new("finding-cpu-interrupts-on-one-cpu-link-full").with("cpu", &cpu);
    let handled = Msg::new("finding-cpu-interrupts-on-one-cpu-link-handled").with("source", &source).with("cpu", &cpu);
    finding.chain = vec![link(full, handled, evidence)];
    if loaded.device.is_none() {
        finding.advice = vec![advice(
            Msg::new("finding-cpu-interrupts-on-one-cpu-advice-find").with("source", &source),
            Some(format!("perf record -e irq:softirq_raise -g -C {} sleep 5; perf report", loaded.cpu)),
            Msg::new("finding-cpu-interrupts-on-one-cpu-expect-find"),
        )];
        return finding;
    }
    finding.advice = vec![
        advice(
            Msg::new("finding-cpu-interrupts-on-one-cpu-advice-spread"),
            Some(format!("grep {source} /proc/interrupts; echo CPUS > /proc/irq/NUMBER/smp_affinity_list")),
            Msg::new("finding-cpu-interrupts-on-one-cpu-expect-spread").with("share", share).with("cpu", &cpu),
        ),
        advice(
            Msg::new("finding-cpu-interrupts-on-one-cpu-advice-rps"),
            Some("echo ff > /sys/class/net/DEVICE/queues/rx-0/rps_cpus".to_owned()),
            Msg::new("finding-cpu-interrupts-on-one-cpu-expect-rps"),
        ),
    ];
    finding
}

#[cfg(test)]
mod tests {
    use super::super::testing::{build, second, stat};
    use super::*;

    #[test]
    fn an_interrupt_that_loads_one_cpu_is_seen_on_an_idle_host() {
        let mut snapshots = vec![second(0), second(1)];
        for (index, raw) in snapshots.iter_mut().enumerate() {
            let n = index as u64;
            raw.put(
                "/proc/stat",
                format!(
                    "cpu  {0} 0 0 {1} 0 0 {2} 0\ncpu0 {0} 0 0 0 0 0 {2} 0\ncpu1 0 0 0 {3} 0 0 0 0\ncpu2 0 0 0 {3} 0 0 0 0\n",
                    30 * n, 200 * n, 70 * n, 100 * n
                ),
            );
            raw.put(
                "/proc/interrupts",
                format!(" CPU0 CPU1 CPU2\n 24: {} 0 0 MSI 0-edge eth7-rx-0\nLOC: {} 5 5 Local\n", 9000 * n, 90_000 * n),
            );
            raw.put("/proc/softirqs", format!(" CPU0 CPU1 CPU2\n NET_RX: {} 0 0\n", 8000 * n));
            raw.put("/proc/9/stat", stat(9, "server", 30 * n, 0));
            raw.put("/proc/9/schedstat", "0 0 0");
        }
        let checklist = build(&snapshots);
        let finding = checklist.findings.iter().find(|finding| finding.id == "cpu.interrupts-on-one-cpu").unwrap();
        assert_eq!((finding.severity, finding.culprit.name.as_str()), (Severity::Bottleneck, "eth7-rx-0"));
        assert_eq!(finding.victims[0].pid, Some(9));
        let cell = checklist.controls.iter().find(|cell| cell.id == ID).unwrap();
        assert_eq!(cell.instances[0].name, "cpu0");
        for raw in &mut snapshots {
            raw.sources.retain(|name, _| !name.starts_with("/proc/9/"));
        }
        let checklist = build(&snapshots);
        let finding = checklist.findings.iter().find(|finding| finding.id == "cpu.interrupts-on-one-cpu").unwrap();
        assert_eq!(finding.severity, Severity::Watch, "without a victim it is only worth a look");
    }
}
