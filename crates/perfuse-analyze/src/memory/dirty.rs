//! `capacity.saturation` by its proxy, and `control.dirty-limit`: writers that are held back because too much that is
//! written has not reached the disk yet.
//!
//! ```text
//! 0 ........ background ....... throttle point ....... threshold      dirty + writeback pages
//!            flusher starts     writers begin to sleep  they write no faster than the disk
//! ```
//! The throttle point lies half-way between the two thresholds (`dirty_freerun_ceiling` of `mm/page-writeback.c`). A
//! strict limit of one backing device can hold writers back earlier.

use std::collections::BTreeMap;

use perfuse_format::bpf::OffCpu;
use perfuse_format::parse::KeyValues;
use perfuse_format::proc::pressure::Pressure;
use perfuse_format::proc::wchan::{WaitChannels, WaitFor};
use perfuse_format::{Missing, Reading, Why};

use super::facts::Facts;
use crate::cell::{Advice, Cell, Entity, EntityKind, Evidence, Finding, Instance, Link, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::table::{Kind, Resource};
use crate::tasks::Used;

const SATURATION: &str = "capacity.saturation";
const CONTROL: &str = "control.dirty-limit";

/// Dirty pages at one moment, in pages.
#[derive(Debug, Clone, Copy)]
struct Dirty {
    written: u64,
    writeback: u64,
    threshold: u64,
    background: u64,
}

impl Dirty {
    fn read(values: &KeyValues) -> Reading<Self> {
        let get = |key: &str| values.reading(key, "/proc/vmstat").ok();
        let all = || -> Result<Self, Missing> {
            Ok(Self {
                written: get("nr_dirty")?,
                writeback: get("nr_writeback")?,
                threshold: get("nr_dirty_threshold")?,
                background: get("nr_dirty_background_threshold")?,
            })
        };
        all().into()
    }

    /// Share of the throttle point that is reached; above 1 writers sleep.
    fn share(self) -> f64 {
        let throttle = self.threshold.midpoint(self.background);
        if throttle == 0 { 0.0 } else { self.written.saturating_add(self.writeback) as f64 / throttle as f64 }
    }
}

pub(super) fn evaluate(run: &Run, facts: &Facts, out: &mut Output) {
    let samples: Vec<(f64, Dirty)> = run
        .series::<KeyValues>("/proc/vmstat")
        .into_iter()
        .filter_map(|(at, values)| Some((at, Dirty::read(values.value()?).into_value()?)))
        .collect();
    let Some((_, last)) = samples.last().copied() else {
        let missing = match run.last::<KeyValues>("/proc/vmstat").and_then(|values| Dirty::read(&values)) {
            Reading::Missing(missing) => missing,
            Reading::Value(_) => Missing::new(Why::Absent, "/proc/vmstat: nr_dirty"),
        };
        out.cell(Cell::unmeasurable(SATURATION, &missing));
        return out.cell(Cell::unmeasurable(CONTROL, &missing));
    };
    // The worst moment counts: a pool that filled and drained within the run held writers back all the same.
    let peak = samples.iter().map(|(_, dirty)| dirty.share()).fold(0.0, f64::max);
    let above = samples.iter().filter(|(_, dirty)| dirty.share() >= 1.0).count() as f64 / samples.len() as f64;
    let throttled = throttled(run);
    // One device's own part of the limit, or a cgroup's, can be reached long before the host's.
    let reached = peak >= 1.0 || throttled.first().is_some_and(|worst| worst.seen);
    let finding = reached.then(|| finding(run, facts, last, (peak, above), &throttled)).flatten();
    let verdict = match &finding {
        Some(finding) if finding.severity > Severity::Watch => Verdict::Bottleneck,
        _ if peak >= run.threshold("capacity.dirty") => Verdict::Watch,
        _ => Verdict::Ok,
    };
    let history: Vec<(f64, f64)> = samples.iter().map(|(at, dirty)| (*at, dirty.share())).collect();
    let page = run.host.page_size as f64;
    let mut proxy = Cell::measured(SATURATION, verdict, Quantity::ratio(peak)).note(Msg::new("capacity-dirty-proxy"));
    let mut control = Cell::measured(CONTROL, verdict, Quantity::ratio(peak));
    for cell in [&mut proxy, &mut control] {
        cell.history.clone_from(&history);
        cell.culprits = throttled.iter().take(5).map(|held| writer(held.used)).collect();
        cell.evidence = evidence(last, page);
        let host = Instance::new("host", Quantity::ratio(peak), verdict)
            .detail("samples_above", Quantity::ratio(above))
            .detail("dirty_bytes", Quantity::bytes(last.written as f64 * page))
            .detail("writeback_bytes", Quantity::bytes(last.writeback as f64 * page));
        cell.instances.push(host);
    }
    if let Some(finding) = finding {
        out.finding(finding);
    }
    out.cell(proxy);
    out.cell(control);
}

fn evidence(last: Dirty, page: f64) -> Vec<Evidence> {
    let rows = [
        ("nr_dirty", last.written),
        ("nr_writeback", last.writeback),
        ("nr_dirty_threshold", last.threshold),
        ("nr_dirty_background_threshold", last.background),
    ];
    let one = |(metric, pages): (&'static str, u64)| {
        Evidence::new("/proc/vmstat", metric, Quantity::bytes(pages as f64 * page))
            .by_hand("grep -E '^nr_(dirty|writeback)' /proc/vmstat; getconf PAGESIZE")
    };
    rows.into_iter().map(one).collect()
}

/// A writer that is held back.
struct Throttled<'a> {
    used: &'a Used,
    /// Seconds per second.
    wait: f64,
    /// Its wait channel says that it is this limit, and nothing else, that it waits at.
    seen: bool,
}

/// Writers that wait, the longest first. Where wait channels were sampled they tell who sleeps at this very limit; else
/// every writer that waits for storage is one that may.
fn throttled<'a>(run: &'a Run) -> Vec<Throttled<'a>> {
    let Some(tasks) = run.tasks.value() else { return Vec::new() };
    let (at_limit, looked) = at_limit(run);
    let blocked = blocked(run);
    let mut found: Vec<Throttled> = tasks
        .processes
        .values()
        .filter(|used| !used.task.kernel_thread && run.in_scope(used.task.pid))
        .filter_map(|used| {
            let pid = used.task.pid;
            if looked > 0 {
                let (here, all) = at_limit.get(&pid).filter(|(here, _)| *here > 0)?;
                let sampled = f64::from(*here) / f64::from(looked);
                let exact = blocked.get(&pid).map(|blocked| blocked * f64::from(*here) / f64::from(*all));
                return Some(Throttled { used, wait: exact.unwrap_or(sampled), seen: true });
            }
            let writes = used.write_bytes.unwrap_or(0.0) > 0.0;
            let wait = used.blkio_delay.unwrap_or(used.blocked_samples);
            (writes && wait > 0.0).then_some(Throttled { used, wait, seen: false })
        })
        .collect();
    found.sort_by(|a, b| b.wait.total_cmp(&a.wait).then(a.used.task.pid.cmp(&b.used.task.pid)));
    found
}

/// Samples of each process's blocked threads: at this limit, and anywhere; and how many snapshots looked.
fn at_limit(run: &Run) -> (BTreeMap<u32, (u32, u32)>, u32) {
    let mut samples: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    let mut looked = 0;
    for (_, waiters) in run.series::<WaitChannels>("@disk/wchan") {
        let Reading::Value(waiters) = waiters else { continue };
        looked += 1;
        for waiter in &waiters.0 {
            let (here, all) = samples.entry(waiter.pid).or_default();
            *here += u32::from(waiter.wait_for() == WaitFor::DirtyLimit);
            *all += 1;
        }
    }
    (samples, looked)
}

/// Seconds per second in uninterruptible sleep by process, measured in the kernel.
fn blocked(run: &Run) -> BTreeMap<u32, f64> {
    let mut by_pid: BTreeMap<u32, f64> = BTreeMap::new();
    if let Some((rows, seconds)) = run.bpf::<OffCpu>().into_value() {
        for row in rows.iter().filter(|row| row.uninterruptible()) {
            *by_pid.entry(row.pid).or_default() += row.blocked_ns as f64 / 1e9 / seconds;
        }
    }
    by_pid
}

fn writer(used: &Used) -> Entity {
    let rate = Quantity::throughput(used.write_bytes.unwrap_or(0.0));
    Entity::process(used.task.pid, used.task.comm.clone()).detail(Msg::new("capacity-writer").with("rate", rate))
}

fn finding(run: &Run, facts: &Facts, last: Dirty, reached: (f64, f64), throttled: &[Throttled<'_>]) -> Option<Finding> {
    let (peak, above) = reached;
    let Throttled { used: worst, wait, seen } = throttled.first()?;
    let pressure = super::groups::stall(&run.span::<Pressure>("/proc/pressure/io")).map(|(some, _)| some);
    let share = wait / (wait + worst.cpu).max(f64::MIN_POSITIVE);
    let waits = *wait >= run.threshold("finding.min-wait")
        && share >= run.threshold("finding.min-share")
        && (*seen || pressure.is_none_or(|some| some >= run.threshold("finding.min-wait")));
    let severity = if waits { Severity::Bottleneck } else { Severity::Watch };
    let page = run.host.page_size as f64;
    let host = Entity::new(EntityKind::Kernel, "balance_dirty_pages");
    let spec = (Resource::Capacity, Kind::Saturation, SATURATION);
    let mut finding = Finding::new("capacity.dirty-throttled", severity, spec, host);
    finding.control = Some(CONTROL);
    finding.victims = throttled.iter().take(5).map(|held| writer(held.used)).collect();
    let rate = worst.write_bytes.unwrap_or(0.0);
    finding.summary = finding
        .summary
        .with("name", &worst.task.comm)
        .with("pid", worst.task.pid.to_string())
        .with("wait", Quantity::wait(*wait))
        .with("dirty", Quantity::bytes((last.written + last.writeback) as f64 * page));
    finding.wait_s_per_s = Some(*wait);
    finding.confidence = if *seen { 0.9 } else { 0.5 };
    let written = facts.vm_rate("nr_written").map_or(0.0, |pages| pages * page);
    finding.chain = vec![Link {
        from: Msg::new("capacity-link-writer").with("writer", &worst.task.comm),
        to: Msg::new("finding-capacity-dirty-throttled-link"),
        evidence: Msg::new("finding-capacity-dirty-throttled-evidence")
            .with("peak", Quantity::ratio(peak))
            .with("above", Quantity::ratio(above))
            .with("rate", Quantity::throughput(rate))
            .with("written", Quantity::throughput(written)),
    }];
    finding.advice = vec![Advice {
        text: Msg::new("finding-capacity-dirty-throttled-advice"),
        command: Some(
            "sysctl vm.dirty_background_ratio vm.dirty_ratio vm.dirty_background_bytes vm.dirty_bytes".to_owned(),
        ),
        expect: Msg::new("finding-capacity-dirty-throttled-expect").with("written", Quantity::throughput(written)),
    }];
    Some(finding)
}
