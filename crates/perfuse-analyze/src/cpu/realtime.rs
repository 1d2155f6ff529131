//! The limit of real-time work of a cgroup: `cpu.rt_runtime_us` of every `cpu.rt_period_us`, on each CPU.
//!
//! The kernel (`sched_rt_runtime_exceeded` in kernel/sched/rt.c) takes the real-time tasks of a group off a CPU when they
//! have used it up, and counts that nowhere. It shows in what is left: tasks of a real-time policy want to run, and do not,
//! though no other task of such a policy takes the CPUs. However busy ordinary tasks are, they give way to them at once.

use std::collections::BTreeMap;

use perfuse_format::Reading;
use perfuse_format::parse::{Limit, Number};

use super::quota::{EXPLAINS, ID, Throttle, victim};
use super::usage::CpuUse;
use super::{advice, link, total};
use crate::cell::{Entity, Evidence, Finding, Quantity, Severity};
use crate::message::Msg;
use crate::run::Run;
use crate::tasks::Used;
use crate::{Kind, Resource};

/// The share of a CPU that real-time tasks outside of the group may use; above, those within may wait for these.
const OTHERS: f64 = 0.3;
/// The share of the host's CPUs that those within may use; above, they may wait for each other.
const OWN: f64 = 0.5;

/// Whether the policy is one that the limit holds: FIFO or RR.
fn is_real_time(used: &Used) -> bool {
    matches!(used.task.policy, 1 | 2)
}

/// Adds the groups whose real-time tasks wait while CPUs idle.
pub(super) fn add(run: &Run, cpus: Option<&CpuUse>, throttles: &mut Reading<Vec<Throttle>>) {
    let Reading::Value(throttles) = throttles else { return };
    let (Some(cpus), Reading::Value(hierarchies)) = (cpus, &run.cgroups) else { return };
    let Some(v1) = hierarchies.v1("cpu") else { return };
    let groups = members(run);
    let cpu = |members: &[&Used]| total(members.iter().map(|used| used.cpu));
    let all = total(groups.values().map(|members| cpu(members)));
    for (group, members) in &groups {
        let used = cpu(members);
        if all - used > OTHERS || used > OWN * cpus.count() as f64 {
            continue;
        }
        let setting = v1.path(group, "cpu.rt_runtime_us");
        let runtime = run.last::<Limit>(&setting).into_value().and_then(Limit::at);
        let period = run.last::<Number>(&v1.path(group, "cpu.rt_period_us")).into_value().map(|period| period.0);
        let (Some(runtime), Some(period)) = (runtime, period) else { continue };
        let wait = total(members.iter().filter_map(|used| used.run_delay));
        if runtime < period && wait > 0.0 && run.cgroup_in_scope(group) {
            throttles.push(Throttle {
                group: (*group).to_owned(),
                stat: "/proc/PID/schedstat".to_owned(),
                setting,
                // What one CPU grants, on all of them.
                quota_cpus: Some(runtime as f64 / period as f64 * cpus.count() as f64),
                period_us: period,
                periods: 0,
                throttled: 0,
                wait,
                used: Some(used),
                real_time: true,
            });
        }
    }
}

/// The threads of real-time policies, by their group.
fn members<'a>(run: &'a Run) -> BTreeMap<&'a str, Vec<&'a Used>> {
    let mut groups: BTreeMap<&str, Vec<&Used>> = BTreeMap::new();
    let tasks = run.tasks.value();
    for used in tasks.into_iter().flat_map(|tasks| tasks.threads.values()).filter(|used| is_real_time(used)) {
        if let Some(group) = run.cgroup_of(used.task.pid, "cpu") {
            groups.entry(group).or_default().push(used);
        }
    }
    groups
}

/// What shows it.
pub(super) fn evidence(worst: &Throttle) -> Evidence {
    let runtime = Quantity::ratio(worst.quota_cpus.unwrap_or(0.0));
    Evidence::new(worst.setting.clone(), "cpu.rt_runtime_us / cpu.rt_period_us, all CPUs", runtime)
        .by_hand(format!("cat {}", worst.setting))
}

/// The limit is the cause.
pub(super) fn finding(run: &Run, throttle: &Throttle) -> Finding {
    let spec = (Resource::Cpu, Kind::Saturation, "cpu.saturation");
    let group = &throttle.group;
    let mut finding = Finding::new("cpu.real-time-limit", Severity::Bottleneck, spec, Entity::cgroup(group));
    let members = members(run);
    let threads = members.get(group.as_str()).map_or(&[][..], Vec::as_slice);
    let mut pids: Vec<u32> = threads.iter().map(|used| used.task.pid).collect();
    pids.dedup();
    finding.victims = pids.iter().take(5).map(|pid| victim(run, *pid)).collect();
    finding.also.extend(pids.iter().map(|pid| format!("pid:{pid}")));
    let name = finding.victims.first().map_or_else(|| group.clone(), |victim| victim.name.clone());
    finding.control = Some(ID);
    finding.wait_s_per_s = Some(throttle.wait);
    // Inferred from what else it cannot be; the kernel counts no stop of this kind.
    finding.confidence = 0.9;
    finding.explains = EXPLAINS;
    let quota = Quantity::ratio(throttle.quota_cpus.unwrap_or(0.0));
    let wait = Quantity::wait(throttle.wait);
    finding.summary = Msg::new("finding-cpu-real-time-limit-summary")
        .with("group", group)
        .with("victim", &name)
        .with("quota", quota)
        .with("wait", wait);
    finding.chain = vec![link(
        Msg::new("finding-cpu-real-time-limit-link-waits").with("victim", &name),
        Msg::new("finding-cpu-real-time-limit-link-limit")
            .with("group", group)
            .with("quota", quota)
            .with("setting", &throttle.setting),
        Msg::new("finding-cpu-real-time-limit-link-idle").with("wait", wait),
    )];
    finding.advice = vec![raise(throttle, run.host.cpus)];
    finding
}

/// What it used and waited for, and a quarter more, as the part of the period that it needs on each CPU.
fn raise(throttle: &Throttle, cpus: u32) -> crate::cell::Advice {
    let wanted = (throttle.used.unwrap_or(0.0) + throttle.wait) * 1.25 / f64::from(cpus.max(1));
    let period = throttle.period_us as f64;
    let least = throttle.quota_cpus.unwrap_or(0.0) / f64::from(cpus.max(1)) * 1.25;
    // The kernel refuses all of the period where the root keeps a part of it, which it does by default (95 %).
    let micros = (wanted.max(least).min(0.9) * period).round();
    let text = Msg::new("finding-cpu-real-time-limit-advice").with("group", &throttle.group);
    let expect = Msg::new("finding-cpu-real-time-limit-expect").with("wait", Quantity::wait(throttle.wait));
    advice(text, Some(format!("echo {micros:.0} > {}", throttle.setting)), expect)
}

#[cfg(test)]
mod tests {
    use perfuse_format::RawSnapshot;

    use super::super::testing::{build, second, stat_of};

    const V1: &str = "30 1 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n32 1 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    /// One process that wants 0.9 s of a second and gets 0.1, beside another that uses the CPU for `other` hundredths, both of
    /// a policy.
    fn host(other: (u64, u32), runtime: &str, policy: u32) -> [RawSnapshot; 2] {
        [0, 1].map(|n: u64| {
            let mut raw = second(n);
            let (busy, idle) = ((10 + other.0) * n, (190 - other.0) * n);
            let half = |ticks| ticks / 2;
            raw.put(
                "/proc/stat",
                format!("cpu  {busy} 0 0 {idle}\ncpu0 {0} 0 0 {1}\ncpu1 {0} 0 0 {1}\n", half(busy), half(idle)),
            );
            raw.put("/proc/8/cgroup", "4:cpu:/\n0::/\n");
            raw.put("/proc/8/stat", stat_of(8, "other", other.0 * n, 1, (0, other.1)));
            raw.put("/proc/8/schedstat", "0 0 0");
            raw.put("/proc/self/mountinfo", V1);
            raw.put("/sys/fs/cgroup/cpu/rt/cpu.stat", "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n");
            raw.put("/sys/fs/cgroup/cpu/rt/cpu.rt_runtime_us", format!("{runtime}\n"));
            raw.put("/sys/fs/cgroup/cpu/rt/cpu.rt_period_us", "1000000\n");
            raw.put("/proc/7/cgroup", "4:cpu:/rt\n0::/\n");
            raw.put("/proc/7/stat", stat_of(7, "servo", 10 * n, 0, (0, policy)));
            raw.put("/proc/7/schedstat", format!("0 {} 0", n * 800_000_000));
            raw
        })
    }

    #[test]
    fn real_time_tasks_that_wait_for_none_of_their_kind_are_held_by_their_limit() {
        let checklist = build(&host((90, 0), "80000", 1));
        let finding = &checklist.findings[0];
        assert_eq!((finding.id, finding.control), ("cpu.real-time-limit", Some("control.cpu-quota")));
        assert_eq!((finding.culprit.name.as_str(), finding.victims[0].pid), ("/rt", Some(7)));
        assert!((finding.wait_s_per_s.unwrap() - 0.8).abs() < 1e-9);
        let command = finding.advice[0].command.as_deref().unwrap();
        assert!(command.ends_with(" > /sys/fs/cgroup/cpu/rt/cpu.rt_runtime_us"), "{command}");
        assert!(!checklist.findings.iter().any(|finding| finding.id == "cpu.run-queue"), "the limit explains it");
    }

    #[test]
    fn another_real_time_task_no_limit_or_an_ordinary_policy_is_none() {
        let named = |snapshots: &[RawSnapshot]| {
            build(snapshots).findings.iter().any(|finding| finding.id == "cpu.real-time-limit")
        };
        assert!(!named(&host((90, 1), "80000", 1)), "the other one may be what it waits for");
        assert!(!named(&host((90, 0), "-1", 1)), "there is no limit");
        assert!(!named(&host((90, 0), "80000", 0)), "an ordinary task is not held by it");
    }
}
