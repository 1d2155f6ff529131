//! `control.cpuset`: tasks that may run only on some CPUs, and wait there while others idle.

use std::collections::{BTreeMap, BTreeSet};

use perfuse_format::sys::cpulist::CpuList;
use perfuse_format::{Reading, Why};

use super::usage::CpuUse;
use super::waits::{Cause, Waiter, Waits, allowed, funnel};
use super::{advice, is_bottleneck, link, process};
use crate::cell::{Cell, Entity, Evidence, Finding, Instance, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Resource};

const ID: &str = "control.cpuset";

/// What else is seen of processes that wait in a funnel, and of those who wait for them to read.
const EXPLAINS: &[&str] = &[
    "cpu.run-queue",
    "cpu.hot-thread",
    "network.listen-overflow",
    "network.slow-reader",
    "network.udp-receive-buffer",
];

/// Everything that is bound to one set of CPUs.
#[derive(Default)]
struct Bound {
    processes: BTreeSet<u32>,
    wait: f64,
    cpu: f64,
}

/// The control, and a finding for each funnel in which someone waits.
pub(super) fn evaluate(run: &Run, cpus: Option<&CpuUse>, waits: &Waits, out: &mut Output) {
    let (Some(cpus), Reading::Value(tasks)) = (cpus, &run.tasks) else {
        let missing = run.tasks.why_missing().cloned();
        let missing = missing.unwrap_or_else(|| perfuse_format::Missing::new(Why::NotSampled, "/proc/stat"));
        return out.cell(Cell::unmeasurable(ID, &missing));
    };
    let online: BTreeSet<u32> = cpus.cpus.keys().copied().collect();
    let listed = run.snapshots.iter().any(|raw| raw.under("/proc/").any(|(name, _)| name.ends_with("/status")));
    let counted = tasks.threads.values().any(|used| used.task.allowed_cpus.is_some());
    if !listed && !counted {
        let missing = perfuse_format::Missing::new(Why::NotSampled, "/proc/PID/status");
        return out.cell(Cell::unmeasurable(ID, &missing));
    }
    let mut sets: BTreeMap<CpuList, Bound> = BTreeMap::new();
    for used in tasks.threads.values().filter(|used| !used.task.kernel_thread && run.in_scope(used.task.pid)) {
        if let Some(allowed) = allowed(run, used, &online) {
            let bound = sets.entry(allowed).or_default();
            bound.processes.insert(used.task.pid);
            bound.wait += used.run_delay.unwrap_or(0.0);
            bound.cpu += used.cpu;
        }
    }
    if sets.is_empty() {
        return out.cell(Cell::not_applicable(ID, Msg::new("control-cpuset-none")));
    }
    out.cell(cell(run, cpus, &sets));
    // Waiters of one funnel are one finding.
    let mut funnels: BTreeMap<&CpuList, Vec<&Waiter>> = BTreeMap::new();
    for waiter in waits.of(Cause::Affinity) {
        if let Some(allowed) = &waiter.allowed {
            funnels.entry(allowed).or_default().push(waiter);
        }
    }
    for (allowed, waiters) in funnels {
        if waiters.iter().any(|waiter| is_bottleneck(run, waiter.wait, waiter.share())) {
            out.finding(finding(run, cpus, allowed, &waiters));
        }
    }
}

fn busy(cpus: &CpuUse, allowed: &CpuList) -> f64 {
    let inside: Vec<f64> =
        cpus.cpus.iter().filter(|(cpu, _)| allowed.contains(**cpu)).map(|(_, shares)| shares.busy).collect();
    inside.iter().sum::<f64>() / inside.len().max(1) as f64
}

fn cell(run: &Run, cpus: &CpuUse, sets: &BTreeMap<CpuList, Bound>) -> Cell {
    let mut instances: Vec<Instance> = sets
        .iter()
        .map(|(allowed, bound)| {
            let share = bound.wait / (bound.wait + bound.cpu).max(f64::MIN_POSITIVE);
            let funnel = funnel(run, cpus, allowed);
            let verdict = match (funnel, is_bottleneck(run, bound.wait, share)) {
                (true, true) => Verdict::Bottleneck,
                (true, false) => Verdict::Watch,
                _ => Verdict::Ok,
            };
            Instance::new(format!("CPU {allowed}"), Quantity::ratio(busy(cpus, allowed)), verdict)
                .detail("processes", Quantity::count(bound.processes.len() as f64))
                .detail("cpu", Quantity::wait(bound.cpu))
                .detail("wait_run_queue", Quantity::wait(bound.wait))
        })
        .collect();
    instances.sort_by(|a, b| b.verdict.cmp(&a.verdict).then(b.value.number.total_cmp(&a.value.number)));
    let (verdict, value) =
        instances.first().map_or((Verdict::Ok, Quantity::ratio(0.0)), |one| (one.verdict, one.value));
    let mut cell = Cell::measured(ID, verdict, value);
    if let Some(one) = instances.first() {
        cell = cell.evidence(
            Evidence::new("/proc/PID/status, /proc/stat", format!("busy of {}", one.name), value)
                .by_hand("grep Cpus_allowed_list /proc/*/status; mpstat -P ALL 1"),
        );
    }
    cell.instances = instances;
    cell
}

/// The cgroup whose cpuset is exactly these CPUs and holds the process, if that is what binds it.
fn cpuset_of(run: &Run, pid: u32, allowed: &CpuList) -> Option<String> {
    let hierarchies = run.cgroups.value()?;
    let cgroups = run.pid_cgroups.get(&pid)?;
    let candidates = [
        hierarchies.v1("cpuset").zip(cgroups.v1("cpuset")).map(|found| (found, "cpuset.effective_cpus")),
        hierarchies.v2().zip(cgroups.v2()).map(|found| (found, "cpuset.cpus.effective")),
    ];
    candidates.into_iter().flatten().find_map(|((hierarchy, path), file)| {
        let set = run.last::<CpuList>(&hierarchy.path(path, file)).into_value()?;
        (set == *allowed).then(|| path.to_owned())
    })
}

fn finding(run: &Run, cpus: &CpuUse, allowed: &CpuList, waiters: &[&Waiter]) -> Finding {
    let list = allowed.to_string();
    let wait: f64 = waiters.iter().map(|waiter| waiter.wait).sum();
    let named = |pid: u32| {
        let used = run.tasks.value().and_then(|tasks| tasks.processes.get(&pid));
        used.map_or_else(|| Entity::process(pid, pid.to_string()), process)
    };
    let victims: Vec<Entity> = waiters
        .iter()
        .take(5)
        .map(|waiter| named(waiter.pid).detail(super::waits_for_cpu(waiter.wait, waiter.share())))
        .collect();
    let worst = waiters.first().map_or(0, |waiter| waiter.pid);
    let cpuset = cpuset_of(run, worst, allowed);
    let culprit = cpuset.as_ref().map_or_else(|| named(worst), Entity::cgroup);
    let idle: Vec<u32> = cpus
        .cpus
        .iter()
        .filter(|(cpu, shares)| !allowed.contains(**cpu) && shares.busy < run.threshold("cpu.idle"))
        .map(|(cpu, _)| *cpu)
        .collect();
    let idle = idle.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let name = named(worst).name;
    let spec = (Resource::Cpu, Kind::Saturation, "cpu.saturation");
    let mut finding = Finding::new("cpu.affinity", Severity::Bottleneck, spec, culprit);
    finding.victims = victims;
    finding.control = Some(ID);
    finding.wait_s_per_s = Some(wait);
    finding.confidence = 0.9;
    finding.explains = EXPLAINS;
    finding.also.extend(waiters.iter().map(|waiter| format!("pid:{}", waiter.pid)));
    finding.summary = Msg::new("finding-cpu-affinity-summary")
        .with("victim", &name)
        .with("cpus", &list)
        .with("wait", Quantity::wait(wait))
        .with("idle", &idle);
    let bound_by = match &cpuset {
        Some(group) => Msg::new("finding-cpu-affinity-link-cpuset").with("group", group).with("cpus", &list),
        None => Msg::new("finding-cpu-affinity-link-affinity").with("cpus", &list),
    };
    let full = Msg::new("finding-cpu-affinity-link-full")
        .with("busy", Quantity::ratio(busy(cpus, allowed)))
        .with("idle", &idle);
    finding.chain = vec![link(Msg::new("finding-cpu-affinity-link-waits").with("victim", &name), bound_by, full)];
    let all = cpus.cpus.keys().map(u32::to_string).collect::<Vec<_>>().join(",");
    let command = match &cpuset {
        Some(group) => run.cgroups.value().and_then(|found| {
            let v1 = found.v1("cpuset").map(|one| one.path(group, "cpuset.cpus"));
            let file = v1.or_else(|| found.v2().map(|one| one.path(group, "cpuset.cpus")))?;
            Some(format!("echo {all} > {file}"))
        }),
        None => Some(format!("taskset -a -p -c {all} {worst}")),
    };
    finding.advice = vec![advice(
        Msg::new("finding-cpu-affinity-advice-widen").with("idle", &idle),
        command,
        Msg::new("finding-cpu-affinity-expect-widen").with("wait", Quantity::wait(wait)),
    )];
    finding
}

#[cfg(test)]
mod tests {
    use super::super::testing::{build, second, stat};
    use super::*;
    use perfuse_format::RawSnapshot;

    fn pinned(cpuset: bool) -> Vec<RawSnapshot> {
        let mut snapshots = vec![second(0), second(1)];
        for (index, raw) in snapshots.iter_mut().enumerate() {
            let n = 100 * index as u64;
            raw.put("/proc/stat", format!("cpu  {n} 0 0 {n}\ncpu0 {n} 0 0 0\ncpu1 0 0 0 {n}\n"));
            for pid in [7, 8] {
                raw.put(format!("/proc/{pid}/stat"), stat(pid, "pinned", n / 2, 0));
                raw.put(format!("/proc/{pid}/schedstat"), format!("0 {} 0", n * 5_000_000));
                raw.put(format!("/proc/{pid}/status"), "Uid:\t5\nThreads:\t1\nCpus_allowed_list:\t0\n");
                raw.put(format!("/proc/{pid}/cgroup"), "3:cpuset:/one\n");
            }
            raw.put("/proc/self/mountinfo", "30 1 0:26 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n");
            raw.put("/sys/fs/cgroup/cpuset/one/cpuset.effective_cpus", if cpuset { "0\n" } else { "0-1\n" });
        }
        snapshots
    }

    #[test]
    fn a_funnel_names_what_made_it() {
        let checklist = build(&pinned(false));
        let finding = &checklist.findings[0];
        assert_eq!((finding.id, finding.culprit.pid), ("cpu.affinity", Some(7)));
        assert_eq!(finding.advice[0].command.as_deref(), Some("taskset -a -p -c 0,1 7"));
        assert!((finding.wait_s_per_s.unwrap() - 1.0).abs() < 1e-9);
        assert!(!checklist.findings.iter().any(|finding| finding.id == "cpu.run-queue"));
        let checklist = build(&pinned(true));
        assert_eq!(checklist.findings[0].culprit.path.as_deref(), Some("/one"));
        let command = checklist.findings[0].advice[0].command.as_deref();
        assert_eq!(command, Some("echo 0,1 > /sys/fs/cgroup/cpuset/one/cpuset.cpus"));
    }

    #[test]
    fn a_full_set_on_a_full_host_is_no_funnel() {
        let mut snapshots = pinned(false);
        snapshots[1].put("/proc/stat", "cpu  200 0 0 0\ncpu0 100 0 0 0\ncpu1 100 0 0 0\n");
        let checklist = build(&snapshots);
        assert!(!checklist.findings.iter().any(|finding| finding.id == "cpu.affinity"));
        assert!(checklist.findings.iter().any(|finding| finding.id == "cpu.run-queue"));
    }

    #[test]
    fn nobody_bound_is_not_applicable() {
        let mut snapshots = pinned(false);
        for raw in &mut snapshots {
            for pid in [7, 8] {
                raw.put(format!("/proc/{pid}/status"), "Uid:\t5\nThreads:\t1\nCpus_allowed_list:\t0-1\n");
            }
        }
        let checklist = build(&snapshots);
        let cell = checklist.controls.iter().find(|cell| cell.id == ID).unwrap();
        assert_eq!(cell.verdict, Verdict::NotApplicable);
    }
}
