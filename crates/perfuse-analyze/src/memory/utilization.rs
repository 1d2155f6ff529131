//! `memory.utilization`: how much is left, on the host and below every limit.

use perfuse_format::proc::meminfo::{MemInfo, SmapsRollup};
use perfuse_format::{Missing, Reading, Why};

use super::facts::Facts;
use super::groups::{Group, latest};
use crate::cell::{Cell, Entity, Evidence, Finding, Instance, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::table::{Kind, Resource};

const ID: &str = "memory.utilization";
const SPEC: (Resource, Kind, &str) = (Resource::Memory, Kind::Utilization, ID);

/// Instances and culprits that are listed.
const LISTED: usize = 5;

pub(super) fn evaluate(run: &Run, facts: &Facts, out: &mut Output) {
    let sizes = facts.memory.as_ref().and_then(|memory| Reading::from(host(memory)));
    let (total, available) = match sizes.ok() {
        Ok(sizes) => sizes,
        Err(missing) => return out.cell(Cell::unmeasurable(ID, &missing)),
    };
    let limit = 1.0 - run.threshold("memory.low-headroom");
    let host_used = 1.0 - available as f64 / total as f64;
    let mut instances = vec![host_instance(facts, total, available, host_used, limit)];
    let mut limited: Vec<(&Group, f64)> =
        facts.groups.iter().filter_map(|group| Some((group, group.used_ratio()?))).collect();
    limited.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.path.cmp(&b.0.path)));
    instances.extend(limited.iter().map(|(group, used)| group_instance(group, *used, limit)));
    instances.sort_by(|a, b| b.value.number.total_cmp(&a.value.number));
    let worst = limited.first().filter(|(_, used)| *used > host_used);
    let used = worst.map_or(host_used, |(_, used)| *used);
    let verdict = if used > limit { Verdict::Watch } else { Verdict::Ok };
    let mut cell = Cell::measured(ID, verdict, Quantity::ratio(used));
    if let Some((group, _)) = worst {
        cell.note = Some(Msg::new("memory-tightest-cgroup").with("cgroup", &group.path));
    }
    cell.instances = instances;
    cell.evidence = evidence(facts, total, available, worst.map(|(group, _)| *group));
    cell.culprits = largest(run);
    cell.history = run.history("/proc/meminfo", |_: &MemInfo, now: &MemInfo, _| {
        host(now).ok().map(|(total, available)| 1.0 - available as f64 / total as f64)
    });
    if verdict == Verdict::Watch {
        out.finding(low_headroom(worst.map(|(group, _)| *group), used, available));
    }
    out.cell(cell);
}

/// Bytes of memory and bytes that can be had without swapping. Kernels since 3.14 have `MemAvailable`.
fn host(memory: &MemInfo) -> Result<(u64, u64), Missing> {
    let total = memory.reading("MemTotal").ok()?;
    let available = memory.reading("MemAvailable").ok()?;
    if total == 0 {
        return Err(Missing::new(Why::Malformed, "/proc/meminfo: MemTotal"));
    }
    Ok((total, available.min(total)))
}

fn host_instance(facts: &Facts, total: u64, available: u64, used: f64, limit: f64) -> Instance {
    let verdict = if used > limit { Verdict::Watch } else { Verdict::Ok };
    let mut instance = Instance::new("host", Quantity::ratio(used), verdict)
        .detail("total_memory", Quantity::bytes(total as f64))
        .detail("available_bytes", Quantity::bytes(available as f64));
    let Some(memory) = facts.memory.value() else { return instance };
    let bytes = |field: &str| memory.get(field).map(|bytes| Quantity::bytes(bytes as f64));
    if let Some(value) = bytes("AnonPages") {
        instance = instance.detail("anonymous", value);
    }
    if let Some(value) = bytes("Cached") {
        instance = instance.detail("page_cache", value);
    }
    if let Some(value) = bytes("Slab") {
        instance = instance.detail("slab", value);
    }
    if let Some(value) = bytes("SUnreclaim") {
        instance = instance.detail("slab_unreclaimable", value);
    }
    if let Some(value) = bytes("Shmem") {
        instance = instance.detail("shared_memory", value);
    }
    if let Some(value) = bytes("PageTables") {
        instance = instance.detail("page_tables", value);
    }
    if let (Some(committed), Some(limit)) = (memory.get("Committed_AS"), memory.get("CommitLimit")) {
        instance = instance
            .detail("committed", Quantity::bytes(committed as f64))
            .detail("commit_limit", Quantity::bytes(limit as f64));
    }
    instance
}

fn group_instance(group: &Group, used: f64, limit: f64) -> Instance {
    let verdict = if used > limit { Verdict::Watch } else { Verdict::Ok };
    let mut instance = Instance::new(group.path.clone(), Quantity::ratio(used), verdict);
    if let Some(limit) = group.tightest() {
        instance = instance.detail("memory_limit", Quantity::bytes(limit as f64));
    }
    if let Some(bytes) = group.working_set() {
        instance = instance.detail("working_set", Quantity::bytes(bytes as f64));
    }
    if let Some(bytes) = group.current {
        instance = instance.detail("charged", Quantity::bytes(bytes as f64));
    }
    if let Some(bytes) = group.swap {
        instance = instance.detail("swapped", Quantity::bytes(bytes as f64));
    }
    instance
}

fn evidence(facts: &Facts, total: u64, available: u64, worst: Option<&Group>) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    if let Some(group) = worst {
        let (usage, limit) = (group.usage_file(), group.limit_file());
        if let (Some(bytes), Some(at)) = (group.current, group.tightest()) {
            let usage_by_hand = format!("cat {}", super::groups::quoted(&usage));
            let limit_by_hand = format!("cat {}", super::groups::quoted(&limit));
            evidence.push(Evidence::new(usage, "bytes", Quantity::bytes(bytes as f64)).by_hand(usage_by_hand));
            evidence.push(Evidence::new(limit, "bytes", Quantity::bytes(at as f64)).by_hand(limit_by_hand));
        }
    }
    let by_hand = "grep -E 'MemTotal|MemAvailable' /proc/meminfo";
    let bytes = |bytes: u64| Quantity::bytes(bytes as f64);
    evidence.push(Evidence::new("/proc/meminfo", "MemAvailable", bytes(available)).by_hand(by_hand));
    evidence.push(Evidence::new("/proc/meminfo", "MemTotal", bytes(total)).by_hand(by_hand));
    if let Some(slab) = facts.memory.value().and_then(|memory| memory.get("Slab")) {
        evidence.push(Evidence::new("/proc/meminfo", "Slab", Quantity::bytes(slab as f64)).by_hand("slabtop -o -s c"));
    }
    evidence
}

/// The processes with the most memory; by PSS where their rollup was read, so that shared pages count once.
fn largest(run: &Run) -> Vec<Entity> {
    let Some(tasks) = run.tasks.value() else { return Vec::new() };
    let page = run.host.page_size as f64;
    let top = tasks.top(run, |used| Some(used.task.rss_pages as f64 * page));
    let mut sized: Vec<(Entity, f64)> = top
        .into_iter()
        .filter(|(used, _)| !used.ended)
        .take(2 * LISTED)
        .map(|(used, rss)| {
            let pid = used.task.pid;
            let entity = Entity::process(pid, used.task.comm.clone());
            match latest::<SmapsRollup>(run, &format!("/proc/{pid}/smaps_rollup")) {
                Some(rollup) => {
                    let pss = rollup.pss as f64;
                    let detail = Msg::new("memory-user-pss")
                        .with("pss", Quantity::bytes(pss))
                        .with("rss", Quantity::bytes(rss))
                        .with("swap", Quantity::bytes(rollup.swap_pss as f64));
                    (entity.detail(detail), pss)
                }
                None => (entity.detail(Msg::new("memory-user-rss").with("rss", Quantity::bytes(rss))), rss),
            }
        })
        .collect();
    sized.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.pid.cmp(&b.0.pid)));
    sized.into_iter().take(LISTED).map(|(entity, _)| entity).collect()
}

/// Little is left: worth a look, and no more as long as nobody waits.
fn low_headroom(group: Option<&Group>, used: f64, available: u64) -> Finding {
    let culprit = group.map_or_else(Entity::host, Group::entity);
    let left = group.and_then(Group::headroom).unwrap_or(available);
    let who = match group {
        Some(group) => Msg::new("memory-the-cgroup").with("cgroup", &group.path),
        None => Msg::new("memory-the-host"),
    };
    let mut finding = Finding::new("memory.low-headroom", Severity::Watch, SPEC, culprit);
    finding.control = group.map(|_| "control.memory-limit");
    finding.summary = Msg::new("finding-memory-low-headroom-summary")
        .with("who", who)
        .with("left", Quantity::bytes(left as f64))
        .with("used", Quantity::ratio(used));
    finding.confidence = 0.9;
    finding
}
