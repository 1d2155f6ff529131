//! CPU, kernel and user locks, and tasks, with the controls that limit them.

mod affinity;
mod errors;
mod freezer;
mod interrupts;
mod kernel_lock;
mod limits;
mod quota;
mod realtime;
mod saturation;
mod steal;
mod tasks;
mod usage;
mod user_lock;
mod utilization;
mod view;
mod waits;

use perfuse_format::tasks::TaskSource;

pub(crate) use self::view::{CpuView, CpuWait};

use crate::cell::{Advice, Entity, Link, Quantity, Unit};
use crate::checklist::{Output, Slice};
use crate::message::Msg;
use crate::run::Run;
use crate::tasks::Used;
use crate::threshold::Threshold;

/// The group.
pub(crate) const SLICE: Slice = Slice { thresholds: THRESHOLDS, evaluate };

const THRESHOLDS: &[Threshold] = &[
    Threshold { key: "cpu.full", default: 0.90, unit: Unit::Ratio },
    Threshold { key: "cpu.idle", default: 0.50, unit: Unit::Ratio },
    Threshold { key: "cpu.hot-thread", default: 0.90, unit: Unit::Ratio },
    Threshold { key: "cpu.pressure", default: 0.10, unit: Unit::SecondsPerSecond },
    Threshold { key: "cpu.throttled-periods", default: 0.10, unit: Unit::Ratio },
    Threshold { key: "cpu.interrupts", default: 0.30, unit: Unit::Ratio },
    Threshold { key: "cpu.steal", default: 0.05, unit: Unit::Ratio },
    Threshold { key: "cpu.neighbour", default: 0.30, unit: Unit::Ratio },
    Threshold { key: "cpu.thermal-time", default: 0.01, unit: Unit::Ratio },
    Threshold { key: "cpu.log-recent", default: 3600.0, unit: Unit::Seconds },
    Threshold { key: "kernel-lock.spin", default: 0.05, unit: Unit::Ratio },
    Threshold { key: "tasks.near-limit", default: 0.80, unit: Unit::Ratio },
    Threshold { key: "tasks.zombies", default: 20.0, unit: Unit::Count },
    Threshold { key: "tasks.fork-latency", default: 0.010, unit: Unit::Seconds },
];

fn evaluate(run: &Run, out: &mut Output) {
    let cpus = usage::over(run);
    let mut throttles = quota::throttles(run);
    realtime::add(run, cpus.value(), &mut throttles);
    let waits = waits::split(run, cpus.value(), throttles.value().map_or(&[][..], Vec::as_slice));
    out.cell(utilization::cell(run, &cpus));
    quota::evaluate(run, &throttles, out);
    steal::evaluate(run, &cpus, out);
    interrupts::evaluate(run, &cpus, &waits, out);
    affinity::evaluate(run, cpus.value(), &waits, out);
    freezer::evaluate(run, out);
    errors::evaluate(run, out);
    kernel_lock::evaluate(run, out);
    user_lock::evaluate(run, out);
    tasks::evaluate(run, out);
    limits::evaluate(run, out);
    utilization::findings(run, cpus.value(), out);
    // Last: its verdict is the worst of what the others found.
    saturation::evaluate(run, &cpus, &waits, out);
}

/// A process as it is named.
fn process(used: &Used) -> Entity {
    Entity::process(used.task.pid, &used.task.comm)
}

/// A thread as it is named; a process with one thread is a process.
fn thread(used: &Used) -> Entity {
    if used.task.threads <= 1 { process(used) } else { Entity::thread(used.task.pid, used.task.tid, &used.task.comm) }
}

/// `run_delay` and its share of the time in which the task wanted to run.
fn cpu_wait(used: &Used) -> Option<(f64, f64)> {
    let wait = used.run_delay?;
    let wanted = wait + used.cpu;
    Some((wait, if wanted > 0.0 { wait / wanted } else { 0.0 }))
}

/// Adds to a victim how long it waits for a CPU.
fn victims_of(entity: Entity, used: &Used) -> Entity {
    match cpu_wait(used) {
        Some((wait, share)) => entity.detail(waits_for_cpu(wait, share)),
        None => entity,
    }
}

/// `waits 0.4 s/s for a CPU, 80% of the time it wants to run`.
fn waits_for_cpu(wait: f64, share: f64) -> Msg {
    Msg::new("detail-text-waits-for-cpu").with("wait", Quantity::wait(wait)).with("share", Quantity::ratio(share))
}

/// Whether a wait is long and large enough for a finding above watch.
fn is_bottleneck(run: &Run, wait: f64, share: f64) -> bool {
    wait >= run.threshold("finding.min-wait") && share >= run.threshold("finding.min-share")
}

/// The sum; 0 of nothing. (`Iterator::sum` of no floats is -0.0, which shows.)
fn total(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, |sum, number| sum + number)
}

/// One step of a chain.
fn link(from: Msg, to: Msg, evidence: Msg) -> Link {
    Link { from, to, evidence }
}

/// One advice.
fn advice(text: Msg, command: Option<String>, expect: Msg) -> Advice {
    Advice { text, command, expect }
}

/// The systemd unit that a cgroup belongs to by its name.
fn systemd_unit(path: &str) -> Option<&str> {
    let leaf = path.rsplit('/').next()?;
    let kinds = [".service", ".slice", ".scope"];
    kinds.iter().any(|kind| leaf.strip_suffix(kind).is_some()).then_some(leaf)
}

/// Where numbers of tasks come from, for evidence.
fn task_source(source: TaskSource) -> &'static str {
    match source {
        TaskSource::BpfIterator => "bpf task iterator",
        TaskSource::Proc => "/proc/PID/stat, /proc/PID/schedstat",
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use perfuse_format::RawSnapshot;

    use crate::{Checklist, Run, Scope, Thresholds};

    /// An empty snapshot at a second.
    pub(crate) fn second(second: u64) -> RawSnapshot {
        RawSnapshot { mono_ns: second * 1_000_000_000, ..RawSnapshot::default() }
    }

    /// A table of the BPF programs with rows of `size` bytes.
    pub(crate) fn table(size: u32, rows: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(size.to_ne_bytes());
        bytes.extend(u32::try_from(rows.len()).unwrap().to_ne_bytes());
        bytes.extend(0_u64.to_ne_bytes());
        for row in rows {
            bytes.extend(row);
        }
        bytes
    }

    /// The words of a row.
    pub(crate) fn words(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    pub(crate) fn run(snapshots: &[RawSnapshot]) -> Run<'_> {
        Run::new(snapshots, Thresholds::default(), Scope::default()).unwrap()
    }

    pub(crate) fn build(snapshots: &[RawSnapshot]) -> Checklist {
        Checklist::build(&run(snapshots))
    }

    /// `/proc/PID/stat` of a normal process with one thread that last ran on `cpu`.
    pub(crate) fn stat(pid: u32, comm: &str, ticks: u64, cpu: u32) -> String {
        stat_of(pid, comm, ticks, cpu, (0, 0))
    }

    /// As [`stat`], with nice value and policy.
    pub(crate) fn stat_of(pid: u32, comm: &str, ticks: u64, cpu: u32, (nice, policy): (i32, u32)) -> String {
        format!(
            "{pid} ({comm}) R 1 {pid} {pid} 0 -1 4194304 0 0 0 0 {ticks} 0 0 0 20 {nice} 1 0 4000 0 25 0 0 0 0 0 0 0 0 0 0 0 0 0 17 {cpu} 0 {policy} 0 0 0"
        )
    }
}

#[cfg(test)]
mod tests {
    mod stuck;

    use std::collections::BTreeSet;

    use super::testing::{build, run, second};
    use super::*;
    use crate::{CELLS, CONTROLS, Resource, Verdict};

    /// Ids of the cells and controls that this group fills in.
    fn mine() -> BTreeSet<&'static str> {
        let resources = [Resource::Cpu, Resource::KernelLock, Resource::UserLock, Resource::Tasks];
        let cells = CELLS.iter().filter(|cell| resources.contains(&cell.resource)).map(|cell| cell.id);
        let controls = CONTROLS.iter().filter(|control| resources.contains(&control.resource));
        cells.chain(controls.map(|control| control.id)).collect()
    }

    #[test]
    fn every_cell_and_control_is_put_out_without_any_source() {
        for snapshots in [vec![second(1)], vec![second(1), second(2)]] {
            let mut out = Output::default();
            evaluate(&run(&snapshots), &mut out);
            assert_eq!(out.cells.keys().copied().collect::<BTreeSet<_>>(), mine());
            for cell in out.cells.values() {
                assert!(cell.value.is_none(), "{}: never a number without a source", cell.id);
                assert!(cell.reason.is_some(), "{}", cell.id);
                assert!(matches!(cell.verdict, Verdict::Unmeasurable | Verdict::NotApplicable), "{}", cell.id);
            }
            assert!(out.findings.is_empty());
        }
    }

    #[test]
    fn a_busy_host_on_which_nothing_waits_is_no_finding() {
        let mut snapshots = vec![second(0), second(10)];
        for (index, snapshot) in snapshots.iter_mut().enumerate() {
            let ticks = index * 1000;
            snapshot.put("/proc/stat", format!("cpu  {} 0 0 0\ncpu0 {ticks} 0 0 0\ncpu1 {ticks} 0 0 0\n", 2 * ticks));
            snapshot.put("/proc/pressure/cpu", format!("some avg10=0 avg60=0 avg300=0 total={}\n", index * 1000));
            for pid in [7, 8] {
                snapshot.put(format!("/proc/{pid}/stat"), testing::stat(pid, "burn", ticks as u64, pid - 7));
                snapshot.put(format!("/proc/{pid}/schedstat"), format!("0 {} 0", index * 1000));
            }
        }
        let checklist = build(&snapshots);
        assert!(checklist.findings.is_empty(), "{:?}", checklist.findings);
        let saturation = checklist.cells.iter().find(|cell| cell.id == "cpu.saturation").unwrap();
        assert_eq!(saturation.verdict, Verdict::Ok);
    }
}
