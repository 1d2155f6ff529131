//! `cpu.saturation`: how long tasks wait for a CPU, and why.

use std::collections::BTreeMap;

use perfuse_format::bpf::{ForkProcess, Log2Hist, RunqHist, RunqProcess};
use perfuse_format::proc::pressure::Pressure;
use perfuse_format::proc::stat::ProcStat;
use perfuse_format::{Missing, Reading, Why, delta};

use super::usage::CpuUse;
use super::waits::{Cause, Waiter, Waits, is_realtime, is_stronger};
use super::{advice, is_bottleneck, link, process, steal, thread};
use crate::cell::{Cell, Entity, Evidence, Finding, Instance, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::tasks::{TaskUse, Used};
use crate::{Kind, Resource};

const ID: &str = "cpu.saturation";
const SPEC: (Resource, Kind, &str) = (Resource::Cpu, Kind::Saturation, ID);
const PRESSURE: &str = "/proc/pressure/cpu";

/// A thread that shares its CPU is no limit of its own, and one that gets none does not read what it is sent.
const EXPLAINS: &[&str] =
    &["cpu.hot-thread", "network.listen-overflow", "network.slow-reader", "network.udp-receive-buffer"];

/// The cell, and the findings of the causes that no other module of this group owns.
pub(super) fn evaluate(run: &Run, cpus: &Reading<CpuUse>, waits: &Waits, out: &mut Output) {
    for cause in [Cause::RunQueue, Cause::Priority] {
        let mut victims: Vec<&Waiter> =
            waits.of(cause).iter().filter(|waiter| is_bottleneck(run, waiter.wait, waiter.share())).collect();
        victims.sort_by_key(|waiter| !run.focus.contains(&waiter.pid));
        if let Some(finding) = finding(run, cause, cpus.value(), waits, &victims) {
            out.finding(finding);
        }
    }
    let some = pressure(run, PRESSURE);
    let reading = match (&some, waits.total) {
        (Reading::Value(some), _) => Reading::Value(*some),
        (Reading::Missing(_), Some(total)) => Reading::Value(total),
        (Reading::Missing(missing), None) => Reading::Missing(missing.clone()),
    };
    let value = match reading {
        Reading::Value(value) => value,
        Reading::Missing(missing) => return out.cell(Cell::unmeasurable(ID, &missing)),
    };
    let worst = out.findings.iter().filter(|finding| finding.cell == ID).map(|finding| finding.severity).max();
    let verdict = match worst {
        Some(Severity::Error) => Verdict::Error,
        Some(Severity::Bottleneck) => Verdict::Bottleneck,
        Some(Severity::Watch) => Verdict::Watch,
        None if value >= run.threshold("cpu.pressure") => Verdict::Watch,
        None => Verdict::Ok,
    };
    let mut cell = Cell::measured(ID, verdict, Quantity::wait(value));
    cell.evidence = evidence(run, &some, waits);
    if let Reading::Missing(missing) = &some {
        cell.note = Some(no_pressure(missing));
    }
    cell.instances = instances(run, cpus.value(), waits, value, verdict);
    cell.culprits = sufferers(run, waits);
    cell.history = run.history::<Pressure>(PRESSURE, |before, after, seconds| {
        Some(delta(before.some_us, after.some_us).grew()? as f64 / 1e6 / seconds)
    });
    out.cell(cell);
}

fn no_pressure(missing: &Missing) -> Msg {
    Msg::new("cell-cpu-saturation-note-no-psi").with("reason", crate::message::missing(missing))
}

/// Seconds per second in which at least one task waited.
fn pressure(run: &Run, source: &str) -> Reading<f64> {
    run.span::<Pressure>(source).and_then(|span| match delta(span.first.some_us, span.last.some_us).grew() {
        Some(us) => Reading::Value(us as f64 / 1e6 / span.seconds),
        None => Reading::missing(Why::Reset, source.to_owned()),
    })
}

/// The distribution of the waits, from the in-kernel program.
fn latency(run: &Run) -> Option<Log2Hist> {
    let (rows, _) = run.bpf::<RunqHist>().into_value()?;
    let mut hist = Log2Hist::default();
    for row in &rows {
        hist.merge(&row.hist);
    }
    Some(hist)
}

fn evidence(run: &Run, some: &Reading<f64>, waits: &Waits) -> Vec<Evidence> {
    let mut all = Vec::new();
    if let Reading::Value(some) = some {
        all.push(Evidence::new(PRESSURE, "some", Quantity::wait(*some)).by_hand("cat /proc/pressure/cpu"));
    }
    if let (Some(total), Some(tasks)) = (waits.total, run.tasks.value()) {
        all.push(
            Evidence::new(super::task_source(tasks.source), "run_delay of the tasks seen", Quantity::wait(total))
                .by_hand("cat /proc/*/schedstat   # second field, ns"),
        );
    }
    if let Some(hist) = latency(run) {
        for (percent, metric) in [(50.0, "median wait for a CPU"), (99.0, "99th percentile wait for a CPU")] {
            if let Some(ns) = hist.percentile(percent) {
                all.push(
                    Evidence::new("bpf sched_wakeup .. sched_switch", metric, Quantity::seconds(ns / 1e9))
                        .by_hand("perf sched record sleep 5; perf sched latency"),
                );
            }
        }
    }
    if let Some(running) = run.last::<ProcStat>("/proc/stat").into_value().and_then(|stat| stat.running) {
        all.push(
            Evidence::new("/proc/stat", "procs_running (running and waiting)", Quantity::count(running as f64))
                .by_hand("vmstat 1   # r"),
        );
    }
    all
}

/// The host with the split of its waiting, then each cgroup under pressure.
fn instances(run: &Run, cpus: Option<&CpuUse>, waits: &Waits, value: f64, verdict: Verdict) -> Vec<Instance> {
    let mut host = Instance::new("host", Quantity::wait(value), verdict);
    if waits.total.is_some() {
        for (cause, key) in Cause::ALL {
            host.details.push((key, Quantity::wait(waits.sum(cause))));
        }
    }
    if let Some(cpus) = cpus {
        host = host.detail("wait_steal", Quantity::wait(steal::stolen(cpus).0));
    }
    if let Some(hist) = latency(run) {
        let seconds = |percent| hist.percentile(percent).map(|ns| Quantity::seconds(ns / 1e9));
        host.details.extend(seconds(50.0).map(|value| ("wait_median", value)));
        host.details.extend(seconds(99.0).map(|value| ("wait_p99", value)));
    }
    let mut all = vec![host];
    let mut groups = cgroups(run);
    groups.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let high = run.threshold("cpu.pressure");
    all.extend(groups.into_iter().filter(|(_, some)| *some > 0.0).take(10).map(|(group, some)| {
        Instance::new(group, Quantity::wait(some), if some >= high { Verdict::Watch } else { Verdict::Ok })
    }));
    all
}

/// `some` of `cpu.pressure` of every v2 cgroup but the root.
fn cgroups(run: &Run) -> Vec<(String, f64)> {
    let (Some(hierarchies), Some(last)) = (run.cgroups.value(), run.snapshots.last()) else { return Vec::new() };
    let Some(v2) = hierarchies.v2() else { return Vec::new() };
    let groups = v2.groups(last).into_iter().filter(|group| group != "/" && run.cgroup_in_scope(group));
    groups
        .filter_map(|group| {
            let some = pressure(run, &v2.path(&group, "cpu.pressure")).into_value()?;
            Some((group, some))
        })
        .collect()
}

/// Those who wait longest, whatever for.
fn sufferers(run: &Run, waits: &Waits) -> Vec<Entity> {
    let mut all: Vec<&Waiter> = waits.by_cause.values().flatten().collect();
    all.sort_by(|a, b| b.wait.total_cmp(&a.wait).then(a.pid.cmp(&b.pid)));
    all.into_iter().filter(|waiter| waiter.wait >= 0.001).take(5).map(|waiter| victim(run, waiter)).collect()
}

fn victim(run: &Run, waiter: &Waiter) -> Entity {
    let used = run.tasks.value().and_then(|tasks| tasks.processes.get(&waiter.pid));
    let entity = used.map_or_else(|| Entity::process(waiter.pid, waiter.pid.to_string()), process);
    entity.detail(super::waits_for_cpu(waiter.wait, waiter.share()))
}

/// Who takes the CPU, and how much of it.
struct Taker<'a> {
    used: &'a Used,
    entity: Entity,
    cpu: f64,
}

/// Who takes the CPU from the victims: for the run queue whoever uses most; for priorities the strongest there.
fn culprit<'a>(run: &'a Run, cause: Cause, cpus: Option<&CpuUse>, victims: &[&Waiter]) -> Option<Taker<'a>> {
    let tasks = run.tasks.value()?;
    if cause == Cause::RunQueue {
        let busiest = busiest(run, tasks)?;
        return Some(short_lived(run, tasks, cpus).filter(|short| short.cpu > busiest.cpu).unwrap_or(busiest));
    }
    let worst = tasks.processes.get(&victims.first()?.pid)?;
    let strong = tasks.threads.values().filter(|used| is_stronger(used, worst));
    let best = strong.max_by(|a, b| a.cpu.total_cmp(&b.cpu).then(b.task.tid.cmp(&a.task.tid)))?;
    Some(Taker { used: best, entity: thread(best), cpu: best.cpu })
}

/// Programs that come and go between two samples use CPU time that no process has when it is looked at. Whoever starts most
/// of them is behind it.
fn short_lived<'a>(run: &Run, tasks: &'a TaskUse, cpus: Option<&CpuUse>) -> Option<Taker<'a>> {
    const EACH_SECOND: f64 = 10.0;
    let cpus = cpus?;
    let seen: f64 = tasks.processes.values().map(|used| used.cpu).sum();
    let unseen = cpus.all.busy * cpus.count() as f64 - seen;
    let (rows, seconds) = run.bpf::<ForkProcess>().into_value()?;
    let most = rows.iter().max_by(|a, b| a.count.cmp(&b.count).then(b.pid.cmp(&a.pid)))?;
    let rate = most.count as f64 / seconds;
    if unseen < MUCH || rate < EACH_SECOND {
        return None;
    }
    let used = tasks.processes.get(&most.pid)?;
    // Of all that were started, its own.
    let all: u64 = rows.iter().map(|row| row.count).sum();
    let cpu = used.cpu + unseen * most.count as f64 / all.max(1) as f64;
    let detail =
        Msg::new("detail-text-starts-programs").with("rate", Quantity::rate(rate)).with("cpu", Quantity::ratio(cpu));
    Some(Taker { used, entity: process(used).detail(detail), cpu })
}

/// Less of a CPU than this takes it from nobody.
const MUCH: f64 = 0.2;

/// The one who uses most CPU. Processes of one name are one: ten compilers are more than the one program that uses more
/// than each of them.
fn busiest<'a>(run: &'a Run, tasks: &'a TaskUse) -> Option<Taker<'a>> {
    let mut names: BTreeMap<&str, (f64, usize, &Used)> = BTreeMap::new();
    let focused = |used: &&Used| run.focus.contains(&used.task.pid);
    let mut add = |used: &'a Used| {
        let group = names.entry(used.task.comm.as_str()).or_insert((0.0, 0, used));
        group.0 += used.cpu;
        group.1 += usize::from(used.cpu > 0.0);
        if used.cpu > group.2.cpu {
            group.2 = used;
        }
    };
    tasks.processes.values().filter(|used| !focused(used)).for_each(&mut add);
    let best = |names: &BTreeMap<&'a str, (f64, usize, &'a Used)>| {
        let best = names.iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0).then(b.0.cmp(a.0)));
        best.map(|(_, group)| *group)
    };
    let others = best(&names);
    let (sum, count, taker) = if let Some(group) = others.filter(|(sum, ..)| *sum >= MUCH) {
        group
    } else {
        // Nobody else takes much: it is the ones in focus themselves.
        let own = tasks.processes.values().filter(focused).max_by(|a, b| a.cpu.total_cmp(&b.cpu));
        own.map(|used| (used.cpu, 1, used)).or(others)?
    };
    let detail = if count > 1 {
        Msg::new("detail-text-used-cpu-together").with("cpu", Quantity::ratio(sum)).with("count", count as u64)
    } else {
        super::utilization::used_cpu(taker.cpu)
    };
    Some(Taker { used: taker, entity: process(taker).detail(detail), cpu: sum })
}

fn finding(run: &Run, cause: Cause, cpus: Option<&CpuUse>, waits: &Waits, victims: &[&Waiter]) -> Option<Finding> {
    let first = victims.first()?;
    let taker = culprit(run, cause, cpus, victims)?;
    let culprit = taker.entity.clone();
    let wait = waits.sum(cause);
    let victim_entity = victim(run, first);
    let id = if cause == Cause::RunQueue { "cpu.run-queue" } else { "cpu.neighbour" };
    let mut finding = if cause == Cause::RunQueue {
        Finding::new("cpu.run-queue", Severity::Bottleneck, SPEC, culprit)
    } else {
        Finding::new("cpu.neighbour", Severity::Bottleneck, SPEC, culprit)
    };
    finding.culprit.detail.get_or_insert_with(|| super::utilization::used_cpu(taker.cpu));
    finding.victims = victims.iter().take(5).map(|waiter| victim(run, waiter)).collect();
    finding.wait_s_per_s = Some(wait);
    finding.confidence = confidence(run, first);
    finding.explains = EXPLAINS;
    if id == "cpu.run-queue" {
        let tasks = run.tasks.value();
        let victim = tasks.and_then(|tasks| tasks.processes.get(&first.pid));
        if gives_way(taker.used, victim) && first.share() < GIVEN_WAY {
            finding.severity = Severity::Watch;
        }
        run_queue(cpus, &mut finding, &taker, &victim_entity, first, wait);
    } else {
        neighbour(&mut finding, taker.used, &victim_entity, first, wait);
    }
    Some(finding)
}

/// The share of the time in which the victim wants to run below which a wait for somebody who gives way is as it has to be:
/// until a tick comes, or a slice ends.
const GIVEN_WAY: f64 = 0.5;

/// Whether whoever takes the CPU gives way already: it is much nicer than the victim, or of the idle policy.
fn gives_way(taker: &Used, victim: Option<&Used>) -> bool {
    let nice = victim.map_or(0, |victim| victim.task.nice);
    taker.task.policy == IDLE || taker.task.nice >= nice + 10
}

/// `SCHED_IDLE`.
const IDLE: u32 = 5;

/// Higher when a second source agrees: pressure of the host, or the in-kernel table for the same process.
fn confidence(run: &Run, waiter: &Waiter) -> f64 {
    let pressure = pressure(run, PRESSURE).into_value().is_some_and(|some| some >= run.threshold("finding.min-wait"));
    let kernel = run.bpf::<RunqProcess>().into_value().is_some_and(|(rows, seconds)| {
        let row = rows.iter().find(|row| row.pid == waiter.pid);
        row.is_some_and(|row| row.hist.sum_ns as f64 / 1e9 / seconds >= waiter.wait / 2.0)
    });
    match (pressure, kernel) {
        (true, true) => 0.95,
        (true, false) | (false, true) => 0.85,
        (false, false) => 0.7,
    }
}

fn run_queue(
    cpus: Option<&CpuUse>,
    finding: &mut Finding,
    by: &Taker<'_>,
    victim: &Entity,
    waiter: &Waiter,
    wait: f64,
) {
    let (taker, used) = (by.used, by.cpu);
    let count = cpus.map_or(1, CpuUse::count);
    let busy = cpus.map_or(0.0, |cpus| cpus.all.busy);
    finding.summary = Msg::new("finding-cpu-run-queue-summary")
        .with("victim", &victim.name)
        .with("wait", Quantity::wait(waiter.wait))
        .with("share", Quantity::ratio(waiter.share()))
        .with("culprit", &taker.task.comm)
        .with("used", Quantity::ratio(used));
    let waits = Msg::new("finding-cpu-run-queue-link-waits").with("victim", &victim.name);
    let full = || Msg::new("finding-cpu-run-queue-link-full").with("count", count as u64);
    finding.chain = vec![
        link(
            waits,
            full(),
            Msg::new("finding-cpu-run-queue-link-busy")
                .with("busy", Quantity::ratio(busy))
                .with("wait", Quantity::wait(wait)),
        ),
        link(
            full(),
            Msg::new("finding-cpu-run-queue-link-taker")
                .with("culprit", &taker.task.comm)
                .with("pid", taker.task.pid.to_string()),
            Msg::new("finding-cpu-run-queue-link-used").with("used", Quantity::ratio(used)),
        ),
    ];
    // Busy and waiting together are what the tasks want.
    let wanted = (busy * count as f64 + wait).ceil().max(count as f64 + 1.0);
    let itself = taker.task.pid == waiter.pid;
    if itself {
        let text = Msg::new("finding-cpu-run-queue-advice-threads")
            .with("culprit", &taker.task.comm)
            .with("count", count as u64);
        let expect = Msg::new("finding-cpu-run-queue-expect-threads").with("wait", Quantity::wait(waiter.wait));
        finding.advice.push(advice(text, Some(format!("ls /proc/{}/task | wc -l; nproc", taker.task.pid)), expect));
    } else if taker.task.nice >= 10 && taker.task.policy != IDLE {
        let text = Msg::new("finding-cpu-run-queue-advice-idle").with("culprit", &taker.task.comm);
        let expect = Msg::new("finding-cpu-run-queue-expect-nice")
            .with("victim", &victim.name)
            .with("wait", Quantity::wait(waiter.wait));
        finding.advice.push(advice(text, Some(format!("chrt --idle -a -p 0 {}", taker.task.pid)), expect));
    } else {
        let text = Msg::new("finding-cpu-run-queue-advice-nice").with("culprit", &taker.task.comm);
        let expect = Msg::new("finding-cpu-run-queue-expect-nice")
            .with("victim", &victim.name)
            .with("wait", Quantity::wait(waiter.wait));
        finding.advice.push(advice(text, Some(format!("renice -n 10 -p {}", taker.task.pid)), expect));
    }
    finding.advice.push(advice(
        Msg::new("finding-cpu-run-queue-advice-cpus").with("cpus", Quantity::count(wanted)),
        Some("perf record -a -g sleep 10; perf report".to_owned()),
        Msg::new("finding-cpu-run-queue-expect-cpus").with("wait", Quantity::wait(wait)),
    ));
}

fn neighbour(finding: &mut Finding, taker: &Used, victim: &Entity, waiter: &Waiter, wait: f64) {
    let realtime = is_realtime(taker);
    finding.summary = Msg::new("finding-cpu-neighbour-summary")
        .with("victim", &victim.name)
        .with("wait", Quantity::wait(waiter.wait))
        .with("culprit", &taker.task.comm)
        .with("used", Quantity::ratio(taker.cpu));
    let preferred = if realtime {
        Msg::new("finding-cpu-neighbour-link-realtime").with("culprit", &taker.task.comm)
    } else {
        Msg::new("finding-cpu-neighbour-link-nice")
            .with("culprit", &taker.task.comm)
            .with("nice", taker.task.nice.to_string())
    };
    finding.chain = vec![link(
        Msg::new("finding-cpu-run-queue-link-waits").with("victim", &victim.name),
        preferred,
        Msg::new("finding-cpu-neighbour-link-used")
            .with("used", Quantity::ratio(taker.cpu))
            .with("wait", Quantity::wait(wait)),
    )];
    let tid = taker.task.tid;
    let command = if realtime { format!("chrt -o -p 0 {tid}") } else { format!("renice -n 0 -p {}", taker.task.pid) };
    finding.advice = vec![advice(
        Msg::new("finding-cpu-neighbour-advice-priority").with("culprit", &taker.task.comm),
        Some(command),
        Msg::new("finding-cpu-neighbour-expect-priority").with("wait", Quantity::wait(wait)),
    )];
}

#[cfg(test)]
mod tests {
    use super::super::testing::{build, second, stat_of};
    use super::*;
    use perfuse_format::RawSnapshot;

    /// Two CPUs, both full; each process `(pid, ticks, wait in ms, nice, policy)` over one second.
    fn full(processes: &[(u32, u64, u64, i32, u32)]) -> [RawSnapshot; 2] {
        let mut snapshots = [second(0), second(1)];
        for (index, raw) in snapshots.iter_mut().enumerate() {
            let n = index as u64;
            raw.put(
                "/proc/stat",
                format!("cpu  {0} 0 0 0\ncpu0 {1} 0 0 0\ncpu1 {1} 0 0 0\nprocs_running 5\n", 200 * n, 100 * n),
            );
            for (pid, ticks, wait, nice, policy) in processes {
                let line = stat_of(*pid, &format!("p{pid}"), ticks * n, pid % 2, (*nice, *policy));
                raw.put(format!("/proc/{pid}/stat"), line);
                raw.put(format!("/proc/{pid}/schedstat"), format!("0 {} 0", wait * 1_000_000 * n));
            }
        }
        snapshots
    }

    fn ids(snapshots: &[RawSnapshot]) -> Vec<&'static str> {
        build(snapshots).findings.iter().map(|finding| finding.id).collect()
    }

    #[test]
    fn more_tasks_than_cpus_is_a_run_queue() {
        let checklist = build(&full(&[(2, 120, 100, 0, 0), (4, 40, 600, 0, 0), (5, 40, 500, 0, 0)]));
        let finding = &checklist.findings[0];
        assert_eq!((finding.id, finding.culprit.pid, finding.victims[0].pid), ("cpu.run-queue", Some(2), Some(4)));
        assert!((finding.wait_s_per_s.unwrap() - 1.2).abs() < 1e-9);
        assert_eq!(checklist.findings.len(), 1);
        let cell = checklist.cells.iter().find(|cell| cell.id == ID).unwrap();
        assert_eq!(cell.verdict, Verdict::Bottleneck);
        assert_eq!(cell.culprits[0].pid, Some(4));
        assert!(cell.note.is_some(), "that pressure was not readable is said");
    }

    #[test]
    fn a_real_time_or_less_nice_neighbour_is_named() {
        let checklist = build(&full(&[(2, 90, 0, 0, 1), (4, 10, 800, 0, 0)]));
        assert_eq!((checklist.findings[0].id, checklist.findings[0].culprit.pid), ("cpu.neighbour", Some(2)));
        assert_eq!(checklist.findings[0].advice[0].command.as_deref(), Some("chrt -o -p 0 2"));
        let checklist = build(&full(&[(2, 90, 0, 0, 1), (5, 10, 800, 0, 0)]));
        assert_eq!(checklist.findings[0].id, "cpu.neighbour", "the scheduler moved the victim to the other CPU");
        let checklist = build(&full(&[(2, 90, 0, -10, 0), (4, 10, 800, 0, 0)]));
        assert_eq!((checklist.findings[0].id, checklist.findings[0].culprit.pid), ("cpu.neighbour", Some(2)));
    }

    #[test]
    fn a_neighbour_that_gives_way_already_is_a_remark_until_it_takes_most_of_the_time() {
        let severity = |ticks, wait| {
            let checklist = build(&full(&[(2, 180, 0, 19, 0), (4, ticks, wait, 0, 0)]));
            let finding = checklist.findings.iter().find(|finding| finding.id == "cpu.run-queue").unwrap();
            (finding.severity, finding.advice[0].command.clone().unwrap())
        };
        assert_eq!(severity(13, 90), (Severity::Watch, "chrt --idle -a -p 0 2".to_owned()));
        assert_eq!(severity(13, 400).0, Severity::Bottleneck);
    }

    #[test]
    fn a_nice_task_waits_by_choice() {
        assert!(ids(&full(&[(2, 100, 0, 0, 0), (3, 90, 0, 0, 0), (4, 10, 900, 19, 0)])).is_empty());
    }

    #[test]
    fn short_or_small_waits_are_no_finding() {
        assert!(ids(&full(&[(2, 100, 20, 0, 0), (4, 2, 40, 0, 0)])).is_empty(), "40 ms are too little");
        assert!(ids(&full(&[(2, 100, 80, 0, 0), (4, 90, 90, 0, 0)])).is_empty(), "9% are too little");
    }

    #[test]
    fn who_starts_programs_that_nobody_sees_is_named_for_them() {
        let made = |count: u64| {
            let row = super::super::testing::words(&[7, count * 1000, count, 0, 0, 0, 0, 0, 0, 0, 0]);
            super::super::testing::table(88, &[row])
        };
        let of = |programs: u64| {
            // Two CPUs are full, and of their 200 ticks the processes that can be seen used 70.
            let mut snapshots = full(&[(2, 30, 0, 0, 0), (4, 30, 600, 0, 0), (7, 10, 0, 0, 0)]);
            snapshots[0].put("@bpf/fork_process", made(0));
            snapshots[1].put("@bpf/fork_process", made(programs));
            build(&snapshots).findings.first().map(|finding| (finding.id, finding.culprit.pid))
        };
        assert_eq!(of(400), Some(("cpu.run-queue", Some(7))), "their time is that of who starts them");
        assert_eq!(of(3), Some(("cpu.run-queue", Some(2))), "three programs in a second use no CPU");
    }

    #[test]
    fn pressure_alone_is_a_number() {
        let mut snapshots = [second(0), second(1)];
        for (raw, total) in snapshots.iter_mut().zip([0, 250_000]) {
            raw.put(PRESSURE, format!("some avg10=0 avg60=0 avg300=0 total={total}\n"));
        }
        let checklist = build(&snapshots);
        let cell = checklist.cells.iter().find(|cell| cell.id == ID).unwrap();
        assert_eq!((cell.verdict, cell.value), (Verdict::Watch, Some(Quantity::wait(0.25))));
    }
}
