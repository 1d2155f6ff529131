//! `cpu.utilization`: the host, the busiest CPU, the hottest thread, and the cgroups that use most.

use std::collections::BTreeMap;

use perfuse_format::bpf::FutexWaker;
use perfuse_format::parse::{KeyValues, Number};
use perfuse_format::{Missing, Reading, delta};

use super::usage::{self, CpuUse, InterruptRates, Shares};
use super::{advice, link, process, thread};
use crate::cell::{Cell, Entity, Evidence, Finding, Instance, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::tasks::Used;
use crate::{Kind, Resource};

const ID: &str = "cpu.utilization";

/// Processes, threads and cgroups that are named.
const NAMED: usize = 5;

/// The thread that used most of one CPU, if it used nearly all of it while the host is far from full. What this run
/// itself used is told as its own cost.
pub(super) fn hot_thread<'a>(run: &'a Run, cpus: &CpuUse) -> Option<&'a Used> {
    let tasks = run.tasks.value()?;
    let others = |used: &Used| (used.task.pid != run.host.self_pid).then_some(used.cpu);
    let (hottest, _) = tasks.top_threads(run, others).into_iter().next()?;
    let hot = hottest.cpu >= run.threshold("cpu.hot-thread");
    let far_from_full = cpus.count() > 1 && cpus.all.busy < run.threshold("cpu.full");
    (hot && far_from_full).then_some(hottest)
}

/// The cell.
pub(super) fn cell(run: &Run, cpus: &Reading<CpuUse>) -> Cell {
    let cpus = match cpus {
        Reading::Value(cpus) => cpus,
        Reading::Missing(missing) => return Cell::unmeasurable(ID, missing),
    };
    let full = run.threshold("cpu.full");
    let hot = hot_thread(run, cpus);
    let verdict = if cpus.all.busy >= full || hot.is_some() { Verdict::Watch } else { Verdict::Ok };
    let mut cell = Cell::measured(ID, verdict, Quantity::ratio(cpus.all.busy));
    cell.instances = instances(run, cpus, full);
    cell = cell
        .evidence(Evidence::new("/proc/stat", "busy of all CPUs", Quantity::ratio(cpus.all.busy)).by_hand("vmstat 1"));
    if let Some((cpu, shares)) = cpus.busiest() {
        let metric = format!("busy of cpu{cpu}");
        cell =
            cell.evidence(Evidence::new("/proc/stat", metric, Quantity::ratio(shares.busy)).by_hand("mpstat -P ALL 1"));
    }
    match &run.tasks {
        Reading::Value(tasks) => {
            if let Some((top, value)) = tasks.top_threads(run, |used| Some(used.cpu)).first() {
                let metric = format!("CPU time of thread {} ({})", top.task.tid, top.task.comm);
                let source = super::task_source(tasks.source);
                cell = cell.evidence(Evidence::new(source, metric, Quantity::ratio(*value)).by_hand("top -H"));
            }
            cell.culprits =
                tasks.top(run, |used| Some(used.cpu)).iter().take(NAMED).map(|(used, _)| user(used)).collect();
        }
        Reading::Missing(missing) => cell.note = Some(no_tasks(missing)),
    }
    if let Some(hot) = hot {
        cell.note = Some(
            Msg::new("cell-cpu-utilization-note-hot")
                .with("name", &hot.task.comm)
                .with("tid", hot.task.tid.to_string())
                .with("share", Quantity::ratio(hot.cpu)),
        );
        cell.culprits.retain(|culprit| culprit.pid != Some(hot.task.pid));
        cell.culprits.insert(0, thread(hot).detail(used_cpu(hot.cpu)));
    }
    cell.history = usage::history(run, |shares| shares.busy);
    cell
}

fn no_tasks(missing: &Missing) -> Msg {
    Msg::new("cell-cpu-utilization-note-no-tasks").with("reason", crate::message::missing(missing))
}

fn user(used: &Used) -> Entity {
    process(used).detail(used_cpu(used.cpu))
}

/// `0.8 CPU s/s`.
pub(super) fn used_cpu(share: f64) -> Msg {
    Msg::new("detail-text-used-cpu").with("cpu", Quantity::ratio(share))
}

/// Each CPU, then the cgroups that use most; the worst first.
fn instances(run: &Run, cpus: &CpuUse, full: f64) -> Vec<Instance> {
    let hard = usage::interrupt_rates(run, "/proc/interrupts").into_value().unwrap_or_default();
    let mut all: Vec<Instance> =
        cpus.cpus.iter().map(|(cpu, shares)| one_cpu(*cpu, shares, hard.get(cpu), full)).collect();
    all.sort_by(|a, b| b.value.number.total_cmp(&a.value.number));
    let mut groups = cgroups(run);
    groups.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let groups = groups.into_iter().filter(|(_, used)| *used > 0.001).take(NAMED);
    all.extend(groups.map(|(group, used)| Instance::new(group, Quantity::wait(used), Verdict::Ok)));
    all
}

fn one_cpu(cpu: u32, shares: &Shares, interrupts: Option<&InterruptRates>, full: f64) -> Instance {
    let verdict = if shares.busy >= full { Verdict::Watch } else { Verdict::Ok };
    let mut instance = Instance::new(format!("cpu{cpu}"), Quantity::ratio(shares.busy), verdict)
        .detail("user", Quantity::ratio(shares.user))
        .detail("system", Quantity::ratio(shares.system))
        .detail("irq", Quantity::ratio(shares.irq))
        .detail("softirq", Quantity::ratio(shares.softirq))
        .detail("steal", Quantity::ratio(shares.steal))
        .detail("iowait", Quantity::ratio(shares.iowait));
    if let Some(rates) = interrupts {
        instance = instance.detail("interrupts_per_s", Quantity::rate(rates.total));
    }
    instance
}

/// CPU seconds per second of each cgroup but the root, from v2 `cpu.stat` or v1 `cpuacct.usage`.
fn cgroups(run: &Run) -> Vec<(String, f64)> {
    let (Some(hierarchies), Some(last)) = (run.cgroups.value(), run.snapshots.last()) else { return Vec::new() };
    let mut found: Vec<(String, f64)> = Vec::new();
    let mut put = |group: &str, path: &str, read: &dyn Fn(&str) -> Option<f64>| {
        if group != "/" && run.cgroup_in_scope(group) && !found.iter().any(|(known, _)| known == group) {
            found.extend(read(path).map(|used| (group.to_owned(), used)));
        }
    };
    if let Some(v2) = hierarchies.v2() {
        for group in v2.groups(last) {
            put(&group, &v2.path(&group, "cpu.stat"), &|path| {
                let span = run.span::<KeyValues>(path).into_value()?;
                let grew = delta(span.first.get("usage_usec")?, span.last.get("usage_usec")?).grew()?;
                Some(grew as f64 / 1e6 / span.seconds)
            });
        }
    }
    if let Some(v1) = hierarchies.v1("cpuacct") {
        for group in v1.groups(last) {
            put(&group, &v1.path(&group, "cpuacct.usage"), &|path| {
                let span = run.span::<Number>(path).into_value()?;
                Some(delta(span.first.0, span.last.0).grew()? as f64 / 1e9 / span.seconds)
            });
        }
    }
    found
}

/// The hot thread as a finding of its own: nothing need wait for it to be the next limit of its program.
pub(super) fn findings(run: &Run, cpus: Option<&CpuUse>, out: &mut Output) {
    let Some((cpus, hot)) = cpus.and_then(|cpus| Some((cpus, hot_thread(run, cpus)?))) else { return };
    let spec = (Resource::Cpu, Kind::Utilization, ID);
    let waiters = woken_by(run, hot);
    let wait: f64 = waiters.iter().map(|(_, wait)| wait).sum();
    let share = wait / (wait + hot.cpu);
    let hurts = super::is_bottleneck(run, wait, share);
    let severity = if hurts { Severity::Bottleneck } else { Severity::Watch };
    let mut finding = Finding::new("cpu.hot-thread", severity, spec, thread(hot).detail(used_cpu(hot.cpu)));
    finding.victims = waiters.into_iter().take(5).map(|(entity, _)| entity).collect();
    finding.wait_s_per_s = hurts.then_some(wait);
    finding.confidence = if hurts { 0.7 } else { 0.9 };
    let message = |id: &str| Msg::new(id).with("name", &hot.task.comm).with("tid", hot.task.tid.to_string());
    finding.summary = message("finding-cpu-hot-thread-summary")
        .with("share", Quantity::ratio(hot.cpu))
        .with("busy", Quantity::ratio(cpus.all.busy));
    finding.chain = vec![link(
        Msg::new("finding-cpu-hot-thread-link-program").with("name", &hot.task.comm),
        message("finding-cpu-hot-thread-link-thread"),
        Msg::new("finding-cpu-hot-thread-link-evidence")
            .with("share", Quantity::ratio(hot.cpu))
            .with("user", Quantity::ratio(hot.user))
            .with("system", Quantity::ratio(hot.system)),
    )];
    finding.advice = vec![advice(
        Msg::new("finding-cpu-hot-thread-advice-profile"),
        Some(format!("perf record -g -t {} sleep 10; perf report", hot.task.tid)),
        Msg::new("finding-cpu-hot-thread-expect-profile").with("count", cpus.count() as u64),
    )];
    out.finding(finding);
}

/// Threads of the same program that wait in futex calls which this thread ends: others measurably wait for it.
fn woken_by(run: &Run, hot: &Used) -> Vec<(Entity, f64)> {
    let Some((rows, seconds)) = run.bpf::<FutexWaker>().into_value() else { return Vec::new() };
    let mut waiting: BTreeMap<u32, u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.waker_tid == hot.task.tid && row.pid != hot.task.pid) {
        *waiting.entry(row.pid).or_default() += row.sum_ns;
    }
    let tasks = run.tasks.value();
    let mut waiting: Vec<(Entity, f64)> = waiting
        .into_iter()
        .map(|(pid, ns)| {
            let used = tasks.and_then(|tasks| tasks.processes.get(&pid));
            let entity = used.map_or_else(|| Entity::process(pid, pid.to_string()), process);
            (entity, ns as f64 / 1e9 / seconds)
        })
        .collect();
    waiting.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.pid.cmp(&b.0.pid)));
    waiting
}
