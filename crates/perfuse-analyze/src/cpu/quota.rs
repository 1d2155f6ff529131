//! `control.cpu-quota`: cgroups that used up their CPU time before the period was over.

use std::collections::BTreeMap;

use perfuse_format::cgroup::ancestors;
use perfuse_format::parse::{KeyValues, Limit, Number, ParseError, fields, unsigned};
use perfuse_format::{FromBytes, Reading, Why, delta};

use super::{advice, link, process, realtime, systemd_unit, victims_of};
use crate::cell::{Cell, Entity, Evidence, Finding, Instance, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Resource};

pub(super) const ID: &str = "control.cpu-quota";

/// What else is seen of processes that are stopped: they wait, and those who wait for them to read do too.
pub(super) const EXPLAINS: &[&str] = &[
    "cpu.run-queue",
    "cpu.affinity",
    "cpu.hot-thread",
    "cpu.neighbour",
    "network.listen-overflow",
    "network.slow-reader",
    "network.udp-receive-buffer",
];

/// One cgroup with a quota.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Throttle {
    /// Its path.
    pub(super) group: String,
    /// Its `cpu.stat`.
    pub(super) stat: String,
    /// The file that sets the quota.
    pub(super) setting: String,
    /// The quota in CPUs; `None` where the setting was not read or is unlimited by now.
    pub(super) quota_cpus: Option<f64>,
    /// Length of a period in microseconds.
    pub(super) period_us: u64,
    /// Periods in which anything of it ran.
    pub(super) periods: u64,
    /// Periods in which it was stopped.
    pub(super) throttled: u64,
    /// Seconds that its run queues (one per CPU) stood still, per second.
    pub(super) wait: f64,
    /// CPU seconds per second that it used.
    pub(super) used: Option<f64>,
    /// Whether it is the limit of real-time work ([`super::realtime`]), for which the kernel counts no periods.
    pub(super) real_time: bool,
}

impl Throttle {
    /// Share of the periods in which it was stopped.
    pub(super) fn share(&self) -> f64 {
        if self.periods == 0 { 0.0 } else { self.throttled as f64 / self.periods as f64 }
    }

    /// Whether its tasks waited enough for a finding.
    pub(super) fn hurts(&self, run: &Run) -> bool {
        let mine = self.wait / (self.wait + self.used.unwrap_or(0.0)).max(f64::MIN_POSITIVE);
        let share = if self.used.is_some() { mine } else { self.share() };
        self.wait >= run.threshold("finding.min-wait") && share >= run.threshold("finding.min-share")
    }
}

/// `cpu.max` of cgroup v2: quota (or `max`) and period in microseconds.
struct CpuMax {
    quota_us: Limit,
    period_us: u64,
}

impl FromBytes for CpuMax {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut parts = fields(bytes);
        let quota_us = Limit::from_bytes(parts.next().unwrap_or_default())?;
        let period_us = parts.next().and_then(unsigned).filter(|period| *period > 0);
        let period_us = period_us.ok_or_else(|| ParseError::new(1, "quota and period", bytes))?;
        Ok(Self { quota_us, period_us })
    }
}

/// Every cgroup that has a quota or was throttled; a missing value where no cgroup shows `nr_throttled` at all.
pub(super) fn throttles(run: &Run) -> Reading<Vec<Throttle>> {
    let hierarchies = match &run.cgroups {
        Reading::Value(hierarchies) => hierarchies,
        Reading::Missing(missing) => return Reading::Missing(missing.clone()),
    };
    let Some(last) = run.snapshots.last() else { return Reading::missing(Why::NotSampled, "cpu.stat") };
    let mut found = Vec::new();
    let mut controller = false;
    if let Some(v2) = hierarchies.v2() {
        for group in v2.groups(last) {
            let stat = v2.path(&group, "cpu.stat");
            controller |= run.last::<KeyValues>(&stat).value().is_some_and(|stat| stat.get("nr_throttled").is_some());
            if run.cgroup_in_scope(&group) {
                let setting = v2.path(&group, "cpu.max");
                let max = run.last::<CpuMax>(&setting).into_value();
                let quota = max.as_ref().and_then(|max| Some((max.quota_us.at()?, max.period_us)));
                found.extend(throttle(run, group, stat, setting, quota));
            }
        }
    }
    if let Some(v1) = hierarchies.v1("cpu") {
        for group in v1.groups(last) {
            let stat = v1.path(&group, "cpu.stat");
            controller |= run.last::<KeyValues>(&stat).value().is_some();
            if run.cgroup_in_scope(&group) {
                let setting = v1.path(&group, "cpu.cfs_quota_us");
                let quota = run.last::<Limit>(&setting).into_value().and_then(Limit::at);
                let period =
                    run.last::<Number>(&v1.path(&group, "cpu.cfs_period_us")).into_value().map(|period| period.0);
                let mut one = throttle(run, group.clone(), stat, setting, quota.zip(period));
                if let Some(one) = &mut one {
                    let cpuacct = hierarchies.v1("cpuacct").map(|cpuacct| cpuacct.path(&group, "cpuacct.usage"));
                    let counted = cpuacct.and_then(|path| used_v1(run, &path));
                    one.used = counted.or_else(|| used_by_members(run, &group));
                }
                found.extend(one);
            }
        }
    }
    if controller { Reading::Value(found) } else { Reading::missing(Why::Absent, "cpu.stat: nr_throttled") }
}

fn used_v1(run: &Run, path: &str) -> Option<f64> {
    let span = run.span::<Number>(path).into_value()?;
    Some(delta(span.first.0, span.last.0).grew()? as f64 / 1e9 / span.seconds)
}

/// What the processes of the group used; where the cpu and cpuacct hierarchies have different groups.
fn used_by_members(run: &Run, group: &str) -> Option<f64> {
    let tasks = run.tasks.value()?;
    let inside = |pid: u32| run.cgroup_of(pid, "cpu").is_some_and(|path| ancestors(path).any(|up| up == group));
    let members: Vec<f64> = tasks.processes.iter().filter(|(pid, _)| inside(**pid)).map(|(_, used)| used.cpu).collect();
    (!members.is_empty()).then(|| super::total(members.into_iter()))
}

/// The group if it has a quota or was throttled in the run.
fn throttle(run: &Run, group: String, stat: String, setting: String, quota: Option<(u64, u64)>) -> Option<Throttle> {
    let span = run.span::<KeyValues>(&stat).into_value()?;
    let grew = |key: &str| delta(span.first.get(key)?, span.last.get(key)?).grew();
    let throttled = grew("nr_throttled").unwrap_or(0);
    if quota.is_none() && throttled == 0 {
        return None;
    }
    // v2 counts microseconds, v1 nanoseconds.
    let wait = grew("throttled_usec").map(|us| us as f64 / 1e6).or(grew("throttled_time").map(|ns| ns as f64 / 1e9));
    Some(Throttle {
        quota_cpus: quota.filter(|(_, period)| *period > 0).map(|(quota, period)| quota as f64 / period as f64),
        period_us: quota.map_or(100_000, |(_, period)| period),
        periods: grew("nr_periods").unwrap_or(0),
        throttled,
        wait: wait.unwrap_or(0.0) / span.seconds,
        used: grew("usage_usec").map(|us| us as f64 / 1e6 / span.seconds),
        real_time: false,
        group,
        stat,
        setting,
    })
}

/// The control, and a finding for every cgroup whose tasks wait for its quota.
pub(super) fn evaluate(run: &Run, throttles: &Reading<Vec<Throttle>>, out: &mut Output) {
    let throttles = match throttles {
        Reading::Value(throttles) => throttles,
        Reading::Missing(missing) => return out.cell(Cell::unmeasurable(ID, missing)),
    };
    let mut by_wait: Vec<&Throttle> = throttles.iter().collect();
    by_wait.sort_by(|a, b| b.wait.total_cmp(&a.wait).then(a.group.cmp(&b.group)));
    let Some(worst) = by_wait.first() else {
        return out.cell(Cell::not_applicable(ID, Msg::new("control-cpu-quota-none")));
    };
    let mut cell = Cell::measured(ID, verdict(run, worst), Quantity::wait(worst.wait));
    for throttle in &by_wait {
        cell.instances.push(instance(run, throttle));
    }
    cell = if worst.real_time { cell.evidence(realtime::evidence(worst)) } else { counters(cell, worst) };
    cell.culprits = by_wait
        .iter()
        .filter(|throttle| throttle.wait > 0.0)
        .take(5)
        .map(|throttle| Entity::cgroup(&throttle.group))
        .collect();
    out.cell(cell);
    for throttle in by_wait.into_iter().filter(|throttle| throttle.hurts(run)) {
        out.finding(if throttle.real_time { realtime::finding(run, throttle) } else { finding(run, throttle) });
    }
}

/// What the kernel counted of the worst group.
fn counters(cell: Cell, worst: &Throttle) -> Cell {
    cell.evidence(
        Evidence::new(worst.stat.clone(), "nr_throttled / nr_periods", Quantity::ratio(worst.share()))
            .by_hand(format!("grep -E 'nr_|throttled' {}", worst.stat)),
    )
    .evidence(
        Evidence::new(worst.stat.clone(), "throttled time", Quantity::wait(worst.wait))
            .by_hand(format!("grep throttled {}", worst.stat)),
    )
}

fn verdict(run: &Run, throttle: &Throttle) -> Verdict {
    if throttle.hurts(run) {
        Verdict::Bottleneck
    } else if throttle.share() >= run.threshold("cpu.throttled-periods") {
        Verdict::Watch
    } else {
        Verdict::Ok
    }
}

fn instance(run: &Run, throttle: &Throttle) -> Instance {
    let mut instance = Instance::new(&throttle.group, Quantity::wait(throttle.wait), verdict(run, throttle));
    if !throttle.real_time {
        instance = instance.detail("throttled_periods", Quantity::ratio(throttle.share()));
    }
    if let Some(quota) = throttle.quota_cpus {
        instance = instance.detail("quota", Quantity::ratio(quota));
    }
    if let Some(used) = throttle.used {
        instance = instance.detail("cpu", Quantity::wait(used));
    }
    instance
}

/// A quota under which the group would not have been stopped: what it used and what it was kept from using, which is a
/// lower bound, and a quarter more; in steps of a tenth of a CPU.
fn enough(throttle: &Throttle, cpus: usize) -> f64 {
    let used = throttle.used.or(throttle.quota_cpus).unwrap_or(0.0);
    let wanted = ((used + throttle.wait) * 1.25 * 10.0).ceil() / 10.0;
    let least = throttle.quota_cpus.unwrap_or(0.0) * 1.25;
    wanted.max((least * 10.0).ceil() / 10.0).min(cpus.max(1) as f64)
}

fn finding(run: &Run, throttle: &Throttle) -> Finding {
    let spec = (Resource::Cpu, Kind::Saturation, "cpu.saturation");
    let culprit = Entity::cgroup(&throttle.group);
    let mut finding = Finding::new("cpu.quota-throttled", Severity::Bottleneck, spec, culprit);
    let members = members(run, &throttle.group);
    finding.victims = members.iter().take(5).map(|(pid, _)| victim(run, *pid)).collect();
    let name = finding.victims.first().map_or_else(|| throttle.group.clone(), |victim| victim.name.clone());
    finding.control = Some(ID);
    finding.wait_s_per_s = Some(throttle.wait);
    // The counter of the group itself; a growing run delay of its processes would only say the same again.
    finding.confidence = 0.95;
    finding.explains = EXPLAINS;
    finding.also.extend(members.iter().map(|(pid, _)| format!("pid:{pid}")));
    finding.summary = Msg::new("finding-cpu-quota-throttled-summary")
        .with("group", &throttle.group)
        .with("victim", &name)
        .with("throttled", throttle.throttled)
        .with("periods", throttle.periods)
        .with("wait", Quantity::wait(throttle.wait));
    finding.chain = chain(throttle, &name);
    finding.advice = vec![raise(throttle, run.host.cpus as usize)];
    if throttle.period_us < 20_000 {
        let text = Msg::new("finding-cpu-quota-throttled-advice-period");
        finding.advice.push(advice(text, None, Msg::new("finding-cpu-quota-throttled-expect-period")));
    }
    finding
}

fn chain(throttle: &Throttle, name: &str) -> Vec<crate::cell::Link> {
    let waits = Msg::new("finding-cpu-quota-throttled-link-waits").with("victim", name);
    let stopped = || Msg::new("finding-cpu-quota-throttled-link-stopped").with("group", &throttle.group);
    let periods = Msg::new("finding-cpu-quota-throttled-link-periods")
        .with("throttled", throttle.throttled)
        .with("periods", throttle.periods);
    let time = Msg::new("finding-cpu-quota-throttled-link-time")
        .with("wait", Quantity::wait(throttle.wait))
        .with("source", &throttle.stat);
    let mut chain = vec![link(waits, stopped(), time)];
    let limit = match throttle.quota_cpus {
        Some(quota) => Msg::new("finding-cpu-quota-throttled-link-quota")
            .with("quota", Quantity::ratio(quota))
            .with("setting", &throttle.setting),
        None => Msg::new("finding-cpu-quota-throttled-link-unlimited-now").with("setting", &throttle.setting),
    };
    chain.push(link(stopped(), limit, periods));
    chain
}

fn raise(throttle: &Throttle, cpus: usize) -> crate::cell::Advice {
    let enough = enough(throttle, cpus);
    let quota_us = (enough * throttle.period_us as f64).round();
    let command = if let Some(unit) = systemd_unit(&throttle.group) {
        format!("systemctl set-property --runtime {unit} CPUQuota={:.0}%", enough * 100.0)
    } else if throttle.setting.ends_with("cpu.max") {
        format!("echo '{quota_us:.0} {}' > {}", throttle.period_us, throttle.setting)
    } else {
        format!("echo {quota_us:.0} > {}", throttle.setting)
    };
    let text = Msg::new("finding-cpu-quota-throttled-advice-raise")
        .with("group", &throttle.group)
        .with("cpus", Quantity::count(enough));
    let expect = Msg::new("finding-cpu-quota-throttled-expect-raise").with("wait", Quantity::wait(throttle.wait));
    advice(text, Some(command), expect)
}

/// Processes in the group or below it, those that ran or waited most first.
fn members(run: &Run, group: &str) -> Vec<(u32, f64)> {
    let inside = |pid: u32| {
        let path = run.cgroup_of(pid, "cpu");
        path.is_some_and(|path| ancestors(path).any(|up| up == group))
    };
    let weights: BTreeMap<u32, f64> = run.tasks.value().map_or_else(BTreeMap::new, |tasks| {
        tasks
            .processes
            .iter()
            .filter(|(pid, _)| inside(**pid))
            .map(|(pid, used)| (*pid, used.cpu + used.run_delay.unwrap_or(0.0)))
            .collect()
    });
    let mut members: Vec<(u32, f64)> = weights.into_iter().filter(|(_, weight)| *weight > 0.0).collect();
    members.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    members
}

pub(super) fn victim(run: &Run, pid: u32) -> Entity {
    let used = run.tasks.value().and_then(|tasks| tasks.processes.get(&pid));
    used.map_or_else(|| Entity::process(pid, pid.to_string()), |used| victims_of(process(used), used))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{build, second, stat};
    use super::*;
    use perfuse_format::RawSnapshot;

    const V1: &str = "30 1 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n31 1 0:27 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n32 1 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    const V2: &str = "31 1 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";

    fn v2(seconds: u64, throttled: (u64, u64, u64)) -> RawSnapshot {
        let mut raw = second(seconds);
        let (periods, times, us) = throttled;
        raw.put("/proc/self/mountinfo", V2);
        raw.put("/sys/fs/cgroup/cpu.stat", "usage_usec 900\n");
        raw.put("/sys/fs/cgroup/app.slice/cpu.max", "5000 100000\n");
        raw.put(
            "/sys/fs/cgroup/app.slice/cpu.stat",
            format!(
                "usage_usec {}\nnr_periods {periods}\nnr_throttled {times}\nthrottled_usec {us}\n",
                seconds * 50_000
            ),
        );
        raw.put("/proc/7/cgroup", "0::/app.slice/x\n");
        raw.put("/proc/7/stat", stat(7, "worker", seconds * 5, 0));
        raw.put("/proc/7/schedstat", format!("0 {} 0", seconds * 900_000_000));
        raw
    }

    #[test]
    fn a_throttled_cgroup_is_named_on_an_idle_host() {
        let snapshots = [v2(0, (100, 50, 1_000)), v2(2, (121, 71, 1_901_000))];
        let checklist = build(&snapshots);
        let finding = &checklist.findings[0];
        assert_eq!(finding.id, "cpu.quota-throttled");
        assert_eq!(finding.severity, Severity::Bottleneck);
        assert_eq!((finding.culprit.name.as_str(), finding.victims[0].pid), ("/app.slice", Some(7)));
        assert!((finding.wait_s_per_s.unwrap() - 0.95).abs() < 1e-9);
        let command = finding.advice[0].command.as_deref().unwrap();
        assert_eq!(command, "systemctl set-property --runtime app.slice CPUQuota=100%");
        assert!(!checklist.findings.iter().any(|finding| finding.id == "cpu.run-queue"), "the quota explains it");
        let cell = checklist.controls.iter().find(|cell| cell.id == ID).unwrap();
        assert_eq!(cell.verdict, Verdict::Bottleneck);
        assert_eq!(checklist.healthy, Some(false).or(checklist.healthy));
    }

    #[test]
    fn a_quota_that_is_hardly_felt_is_no_finding() {
        let snapshots = [v2(0, (100, 50, 1_000)), v2(2, (121, 51, 9_000))];
        let checklist = build(&snapshots);
        assert!(!checklist.findings.iter().any(|finding| finding.id == "cpu.quota-throttled"));
        let cell = checklist.controls.iter().find(|cell| cell.id == ID).unwrap();
        assert_eq!(cell.verdict, Verdict::Ok);
    }

    #[test]
    fn version_1_counts_in_nanoseconds_and_its_reset_is_not_a_wait() {
        let v1 = |seconds: u64, periods: u64, throttled: u64, ns: u64| {
            let mut raw = second(seconds);
            raw.put("/proc/self/mountinfo", V1);
            raw.put("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "5000\n");
            raw.put("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
            let text = format!("nr_periods {periods}\nnr_throttled {throttled}\nthrottled_time {ns}\n");
            raw.put("/sys/fs/cgroup/cpu/a/cpu.stat", text);
            raw.put("/sys/fs/cgroup/cpuacct/a/cpuacct.usage", format!("{}\n", seconds * 50_000_000));
            raw.put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
            raw.put("/sys/fs/cgroup/cpu/cpu.stat", "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n");
            raw
        };
        let checklist = build(&[v1(0, 0, 0, 0), v1(1, 10, 10, 950_000_000)]);
        let finding = checklist.findings.iter().find(|finding| finding.id == "cpu.quota-throttled").unwrap();
        assert!((finding.wait_s_per_s.unwrap() - 0.95).abs() < 1e-9);
        assert_eq!(finding.advice[0].command.as_deref(), Some("echo 100000 > /sys/fs/cgroup/cpu/a/cpu.cfs_quota_us"));
        let anew = build(&[v1(0, 10, 10, 950_000_000), v1(1, 0, 0, 0)]);
        assert!(anew.findings.is_empty());
        let unlimited = {
            let mut raw = v1(0, 0, 0, 0);
            raw.sources.retain(|name, _| !name.contains("/a/"));
            [raw.clone(), RawSnapshot { mono_ns: raw.mono_ns + 1_000_000_000, ..raw }]
        };
        let checklist = build(&unlimited);
        let cell = checklist.controls.iter().find(|cell| cell.id == ID).unwrap();
        assert_eq!(cell.verdict, Verdict::NotApplicable);
    }
}
