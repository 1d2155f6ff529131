//! `memory.saturation`: who waits for memory, and whether the host or a limit is what is short.

use perfuse_format::bpf::{FaultHist, Reclaim, ReclaimKind};
use perfuse_format::parse::KeyValues;
use perfuse_format::proc::pressure::Pressure;
use perfuse_format::{Delta, delta};

use super::facts::{Facts, WaitSource, Waiter, vm_evidence};
use super::groups::{Group, quoted, sum};
use super::swap;
use crate::cell::{Advice, Cell, Entity, Evidence, Finding, Instance, Link, Quantity, Severity, Unit, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::table::{Kind, Resource};

const ID: &str = "memory.saturation";
const SPEC: (Resource, Kind, &str) = (Resource::Memory, Kind::Saturation, ID);

/// Symptoms that a shortage of memory brings about: its pages go to and come from the disk.
const EXPLAINS: &[&str] =
    &["memory.low-headroom", "disk.saturated", "disk.wait-off-device", "disk.journal", "disk.latency-rise"];

/// The same of a group at its limit. Its processes also wait for locks whose holders wait for memory.
const GROUP_EXPLAINS: &[&str] = &[
    "memory.low-headroom",
    "disk.saturated",
    "disk.wait-off-device",
    "disk.journal",
    "disk.latency-rise",
    "user-lock.contention",
];

pub(super) fn evaluate(run: &Run, facts: &Facts, out: &mut Output) {
    let mut findings = limited_groups(run, facts);
    findings.extend(host_shortage(run, facts, !findings.is_empty()));
    findings.extend(compaction(run, facts));
    let worst = findings.iter().map(|finding| finding.severity).max();
    out.cell(cell(run, facts, worst));
    for finding in findings {
        out.finding(finding);
    }
}

fn cell(run: &Run, facts: &Facts, worst: Option<Severity>) -> Cell {
    let summed: f64 = facts.waiters.iter().map(|waiter| waiter.wait).sum();
    let stalls = facts.vm_rate_of_all("allocstall");
    let swap = facts.vm_rate("pswpin");
    let verdict = verdict(run, facts, worst, summed);
    let mut cell = match (facts.host_pressure(), facts.wait_source, stalls) {
        (Some((some, _)), ..) => Cell::measured(ID, verdict, Quantity::wait(some)),
        (None, WaitSource::Bpf | WaitSource::DelayAccounting, _) => {
            Cell::measured(ID, verdict, Quantity::wait(summed)).note(Msg::new("memory-no-psi"))
        }
        (None, WaitSource::None, Some(stalls)) => {
            Cell::measured(ID, verdict, Quantity::rate(stalls + swap.unwrap_or(0.0)))
                .note(Msg::new("memory-no-psi-no-waits"))
        }
        (None, WaitSource::None, None) => match facts.pressure.why_missing().or(facts.vmstat.why_missing()) {
            Some(missing) => return Cell::unmeasurable(ID, missing),
            None => Cell::measured(ID, Verdict::Ok, Quantity::wait(0.0)),
        },
    };
    cell.instances = instances(run, facts);
    cell.evidence = evidence(run, facts);
    cell.culprits = sufferers(run, facts);
    cell.history = run.history("/proc/pressure/memory", |before: &Pressure, now: &Pressure, seconds| {
        delta(before.some_us, now.some_us).grew().map(|stalled| stalled as f64 / 1e6 / seconds)
    });
    if cell.history.is_empty() {
        cell.history = run.history("/proc/vmstat", |before: &KeyValues, now: &KeyValues, seconds| {
            match delta(sum(before, "allocstall")?, sum(now, "allocstall")?) {
                Delta::Grew(stalls) => Some(stalls as f64 / seconds),
                Delta::Reset => None,
            }
        });
    }
    cell
}

fn verdict(run: &Run, facts: &Facts, worst: Option<Severity>, summed: f64) -> Verdict {
    if worst > Some(Severity::Watch) {
        return Verdict::Bottleneck;
    }
    let page = run.host.page_size as f64;
    let swapping = facts.vm_rate("pswpin").unwrap_or(0.0) * page >= run.threshold("memory.swap-rate").max(1.0);
    let pressed = facts.host_pressure().map_or(summed, |(some, _)| some) >= run.threshold("memory.pressure");
    let group_pressed = facts.groups.iter().filter_map(|group| group.pressure);
    let group_pressed = group_pressed.into_iter().any(|(some, _)| some >= run.threshold("memory.pressure"));
    if worst.is_some() || swapping || pressed || group_pressed || facts.host_reclaims() == Some(true) {
        Verdict::Watch
    } else {
        Verdict::Ok
    }
}

/// Groups that wait or hit their limit.
fn instances(run: &Run, facts: &Facts) -> Vec<Instance> {
    let mut instances: Vec<Instance> = facts
        .groups
        .iter()
        .filter_map(|group| {
            let wait = group_wait(run, facts, group).map_or(0.0, |(wait, _)| wait);
            let busy = wait > 0.0 || group.hits() > 0.0 || group.refaults.unwrap_or(0.0) > 0.0;
            // Without a limit that is hit, faults that wait for the disk are programs being read in.
            let own = group.pressure.map_or(0.0, |(some, _)| some);
            let counts = if group.hits() > 0.0 { wait } else { own };
            let watch = counts >= run.threshold("memory.pressure");
            let verdict = if watch { Verdict::Watch } else { Verdict::Ok };
            let mut instance = Instance::new(group.path.clone(), Quantity::wait(wait), verdict);
            if let Some(hits) = group.limit_hits {
                instance = instance.detail("limit_hits_per_s", Quantity::rate(hits));
            }
            if let Some(hits) = group.high_hits {
                instance = instance.detail("high_hits_per_s", Quantity::rate(hits));
            }
            if let Some(faults) = group.major_faults {
                instance = instance.detail("major_faults_per_s", Quantity::rate(faults));
            }
            if let Some(refaults) = group.refaults {
                instance = instance.detail("refaults_per_s", Quantity::rate(refaults));
            }
            busy.then_some(instance)
        })
        .collect();
    if let Some((some, full)) = facts.host_pressure() {
        let verdict = if some >= run.threshold("memory.pressure") { Verdict::Watch } else { Verdict::Ok };
        let mut host = Instance::new("host", Quantity::wait(some), verdict);
        if let Some(full) = full {
            host = host.detail("full_stall", Quantity::wait(full));
        }
        instances.push(host);
    }
    instances.sort_by(|a, b| b.value.number.total_cmp(&a.value.number).then(a.name.cmp(&b.name)));
    instances
}

fn evidence(run: &Run, facts: &Facts) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    if let Some((some, full)) = facts.host_pressure() {
        let by_hand = "cat /proc/pressure/memory   # total=, twice";
        evidence.push(Evidence::new("/proc/pressure/memory", "some", Quantity::wait(some)).by_hand(by_hand));
        if let Some(full) = full {
            evidence.push(Evidence::new("/proc/pressure/memory", "full", Quantity::wait(full)).by_hand(by_hand));
        }
    }
    for key in ["pswpin", "pswpout", "pgscan_direct", "pgmajfault", "compact_stall"] {
        if let Some(rate) = facts.vm_rate(key) {
            evidence.push(vm_evidence(key, rate));
        }
    }
    for key in ["allocstall", "workingset_refault"] {
        if let Some(rate) = facts.vm_rate_of_all(key) {
            evidence.push(vm_evidence(key, rate));
        }
    }
    if let Some((rows, seconds)) = run.bpf::<FaultHist>().into_value() {
        for row in rows {
            let (share, mean) = if row.major {
                ("major faults, time", "major faults, mean")
            } else {
                ("minor faults, time", "minor faults, mean")
            };
            let by_hand = if row.major { "perf trace -F maj -a sleep 5" } else { "perf trace -F min -a sleep 5" };
            let time = Quantity::wait(row.hist.sum_ns as f64 / 1e9 / seconds);
            evidence.push(Evidence::new(row_source::<FaultHist>(), share, time).by_hand(by_hand));
            if let Some(ns) = row.hist.mean_ns() {
                let mean_time = Quantity::seconds(ns / 1e9);
                evidence.push(Evidence::new(row_source::<FaultHist>(), mean, mean_time).by_hand(by_hand));
            }
        }
    }
    if let Some((rows, seconds)) = run.bpf::<Reclaim>().into_value() {
        let kinds = [
            (ReclaimKind::Direct, "direct reclaim, time", "vmscan:mm_vmscan_direct_reclaim_*"),
            (ReclaimKind::Cgroup, "reclaim for cgroup limits, time", "vmscan:mm_vmscan_memcg_reclaim_*"),
            (ReclaimKind::Compaction, "compaction, time", "compaction:mm_compaction_*"),
        ];
        for (kind, metric, events) in kinds {
            let ns: f64 = rows.iter().filter(|row| row.kind == kind).map(|row| row.sum_ns as f64).sum();
            let time = Quantity::wait(ns / 1e9 / seconds);
            let by_hand = format!("perf trace -e '{events}' -a sleep 5");
            evidence.push(Evidence::new(row_source::<Reclaim>(), metric, time).by_hand(by_hand));
        }
    }
    evidence
}

fn row_source<T: perfuse_format::bpf::Table>() -> &'static str {
    T::SOURCE
}

/// The processes that wait most; without such a source those with the most major faults.
fn sufferers(run: &Run, facts: &Facts) -> Vec<Entity> {
    if !facts.waiters.is_empty() {
        return facts.waiters.iter().take(5).map(Waiter::entity).collect();
    }
    let Some(tasks) = run.tasks.value() else { return Vec::new() };
    let top = tasks.top(run, |used| Some(used.major_faults));
    top.into_iter().take(5).map(|(used, faults)| by_faults(used.task.pid, &used.task.comm, faults)).collect()
}

fn by_faults(pid: u32, comm: &str, faults: f64) -> Entity {
    Entity::process(pid, comm).detail(Msg::new("memory-victim-faults").with("faults", Quantity::rate(faults)))
}

/// How long a group waited for memory, and whether that number is its own (pressure or its processes) or the host's,
/// lent to it since nothing else can be the cause.
fn group_wait(run: &Run, facts: &Facts, group: &Group) -> Option<(f64, bool)> {
    let members: f64 = facts.waiters_in(run, &group.path).iter().map(|waiter| waiter.wait).sum();
    let own = match group.pressure {
        Some((some, _)) => Some(some.max(members)),
        None if facts.wait_source != WaitSource::None => Some(members),
        None => None,
    };
    if let Some(own) = own {
        return Some((own, true));
    }
    let busiest = facts.groups.iter().map(Group::hits).fold(0.0, f64::max);
    let alone = group.hits() > 0.0 && group.hits() >= busiest && facts.host_reclaims() == Some(false);
    alone.then(|| facts.host_pressure().map(|(some, _)| (some, false))).flatten()
}

/// Groups whose own limit makes them wait: the innermost of those that hit a limit together.
fn limited_groups(run: &Run, facts: &Facts) -> Vec<Finding> {
    let hitting: Vec<&Group> =
        facts.groups.iter().filter(|group| group.hits() > 0.0 && group.tightest().is_some()).collect();
    hitting
        .iter()
        .filter(|group| {
            // v2 counts the hits of a group in those above it too.
            !hitting.iter().any(|other| other.path.starts_with(&format!("{}/", group.path)))
        })
        .filter_map(|group| limited_group(run, facts, group))
        .collect()
}

fn limited_group(run: &Run, facts: &Facts, group: &Group) -> Option<Finding> {
    let (wait, own) = group_wait(run, facts, group)?;
    let waiters = facts.waiters_in(run, &group.path);
    let share = waiters.first().map_or(wait.min(1.0), |waiter| waiter.share);
    let bottleneck = wait >= run.threshold("finding.min-wait") && share >= run.threshold("finding.min-share");
    // A stream through the page cache hits the limit all the time, and trims what nobody wants again: no thrashing.
    let faults = group_faults(run, facts, group);
    let again = faults >= 1.0 || group.high_hits.unwrap_or(0.0) > 0.0 || group.refaults.unwrap_or(0.0) >= 1.0;
    if !bottleneck && (wait < run.threshold("memory.pressure") || !again) {
        return None;
    }
    let severity = if bottleneck { Severity::Bottleneck } else { Severity::Watch };
    let mut finding = Finding::new("memory.cgroup-limit", severity, SPEC, group.entity());
    let limit = group.tightest()?;
    let (hits_file, hits_metric) = group.hits_file();
    finding.control = Some("control.memory-limit");
    finding.victims = victims(run, &waiters, |pid| super::groups::is_member(run, pid, &group.path));
    let (summary, pages) = if again {
        (finding.summary, Msg::new("memory-link-pages").with("cgroup", &group.path))
    } else {
        let summary = Msg::new("finding-memory-cgroup-limit-reclaims");
        (summary, Msg::new("memory-link-trims").with("cgroup", &group.path))
    };
    finding.summary = summary
        .with("cgroup", &group.path)
        .with("limit", Quantity::bytes(limit as f64))
        .with("wait", Quantity::wait(wait))
        .with("victim", victim_name(&finding.victims));
    finding.wait_s_per_s = Some(wait);
    finding.confidence = if own { 0.95 } else { 0.7 };
    finding.chain = vec![
        Link {
            from: Msg::new("memory-link-processes").with("victim", victim_name(&finding.victims)),
            to: pages.clone(),
            evidence: Msg::new("memory-link-pages-evidence")
                .with("wait", Quantity::wait(wait))
                .with("faults", Quantity::rate(faults)),
        },
        Link {
            from: pages,
            to: Msg::new("memory-link-limit").with("limit", Quantity::bytes(limit as f64)),
            evidence: Msg::new("memory-link-hits")
                .with("hits", Quantity::rate(group.hits()))
                .with("file", hits_file)
                .with("metric", hits_metric),
        },
    ];
    finding.chain.extend(not_the_host(facts));
    finding.advice = limit_advice(group, limit, wait);
    finding.explains = GROUP_EXPLAINS;
    let least = run.threshold("finding.min-wait");
    let waiting = waiters.iter().filter(|waiter| waiter.wait >= least);
    finding.also.extend(waiting.map(|waiter| format!("pid:{}", waiter.pid)));
    if swaps(facts, group) {
        finding.also.extend(swap::keys(run));
    }
    Some(finding)
}

/// Whether pages of a group go to swap or come back.
fn swaps(facts: &Facts, group: &Group) -> bool {
    let moved = ["pswpin", "pswpout"].into_iter().any(|key| facts.vm_rate(key).unwrap_or(0.0) > 0.0);
    moved && group.swap != Some(0)
}

/// Major faults per second of a group: its own count, or the sum of its processes.
fn group_faults(run: &Run, facts: &Facts, group: &Group) -> f64 {
    let members = || -> f64 { facts.waiters_in(run, &group.path).iter().map(|waiter| waiter.major_faults).sum() };
    group.major_faults.unwrap_or_else(members)
}

/// The step that rules the host out, where vmstat tells.
fn not_the_host(facts: &Facts) -> Option<Link> {
    let scanned = facts.vm_rate("pgscan_direct").filter(|_| facts.host_reclaims() == Some(false))?;
    let available = facts.memory.value()?.get("MemAvailable")?;
    Some(Link {
        from: Msg::new("memory-link-host"),
        to: Msg::new("memory-link-host-free"),
        evidence: Msg::new("memory-link-host-evidence")
            .with("scanned", Quantity::rate(scanned))
            .with("available", Quantity::bytes(available as f64)),
    })
}

fn limit_advice(group: &Group, limit: u64, wait: f64) -> Vec<Advice> {
    // What the group had to put into swap it wants in memory. Page cache that was given up leaves no such number.
    let more = group.swap.filter(|swap| *swap > limit / 16).map_or(limit, |swap| swap.max(limit / 4));
    let target = limit.saturating_add(more).div_ceil(1 << 20) << 20;
    vec![
        Advice {
            text: Msg::new("finding-memory-cgroup-limit-raise").with("target", Quantity::bytes(target as f64)),
            command: Some(group.set_limit_command(target)),
            expect: Msg::new("finding-memory-cgroup-limit-raise-expect")
                .with("wait", Quantity::wait(wait))
                .with("file", group.hits_file().0),
        },
        Advice {
            text: Msg::new("finding-memory-cgroup-limit-shrink").with("cgroup", &group.path),
            command: Some(format!("cat {}", quoted(&group.file("memory.stat")))),
            expect: Msg::new("finding-memory-cgroup-limit-shrink-expect").with("limit", Quantity::bytes(limit as f64)),
        },
    ]
}

/// Those of the waiters that wait enough, or the members with the most major faults.
fn victims(run: &Run, waiters: &[&Waiter], member: impl Fn(u32) -> bool) -> Vec<Entity> {
    if !waiters.is_empty() {
        return waiters.iter().take(5).map(|waiter| waiter.entity()).collect();
    }
    let Some(tasks) = run.tasks.value() else { return Vec::new() };
    let top = tasks.top(run, |used| Some(used.major_faults));
    let members = top.into_iter().filter(|(used, _)| member(used.task.pid));
    members.take(5).map(|(used, faults)| by_faults(used.task.pid, &used.task.comm, faults)).collect()
}

/// `name (pid)` of the worst victim and how many others there are, or the word for unnamed tasks.
fn victim_name(victims: &[Entity]) -> Msg {
    let Some(victim) = victims.first() else { return Msg::new("memory-some-tasks") };
    let message = if victims.len() > 1 { Msg::new("memory-process-and-others") } else { Msg::new("memory-process") };
    message
        .with("name", &victim.name)
        .with("pid", victim.pid.map_or_else(String::new, |pid| pid.to_string()))
        .with("others", victims.len().saturating_sub(1) as u64)
}

/// The host itself is short: somebody reclaims directly, or all its memory swaps, and tasks wait for it.
fn host_shortage(run: &Run, facts: &Facts, limit_found: bool) -> Option<Finding> {
    let page = run.host.page_size as f64;
    let direct = facts.host_reclaims();
    let swap_in = facts.vm_rate("pswpin").unwrap_or(0.0) * page;
    let swapping = swap_in >= run.threshold("memory.swap-rate").max(1.0);
    // Without a sign on the host's side the pressure belongs to a limit, found or not.
    let background = facts.vm_rate("pgscan_kswapd").is_none_or(|scanned| scanned > 0.0);
    let limited = limit_found || facts.groups.iter().any(|group| group.hits() > 0.0);
    if direct != Some(true) && (limited || !(swapping || background)) {
        return None;
    }
    let summed: f64 = facts.waiters.iter().map(|waiter| waiter.wait).sum();
    let pressure = facts.host_pressure().map(|(some, _)| some);
    // A major fault also waits for the disk alone (a program that is started): only with reclaim or swapping is it for
    // want of memory. Then it is the better number: pressure is a mean over the CPUs, weighed by how busy each is.
    let counted = direct == Some(true) || swapping || pressure.is_none();
    let wait = pressure.unwrap_or(0.0).max(if counted { summed } else { 0.0 });
    let worst = facts.waiters.first().filter(|_| counted).map_or(0.0, |waiter| waiter.share);
    let share = pressure.unwrap_or(0.0).max(worst);
    let bottleneck = wait >= run.threshold("finding.min-wait") && share >= run.threshold("finding.min-share");
    if !bottleneck && wait < run.threshold("memory.pressure") {
        return None;
    }
    let severity = if bottleneck { Severity::Bottleneck } else { Severity::Watch };
    let largest = largest(run);
    let culprit = largest.as_ref().map_or_else(Entity::host, |(entity, _)| entity.clone());
    let mut finding = Finding::new("memory.host-pressure", severity, SPEC, culprit.clone());
    let waiters: Vec<&Waiter> = facts.waiters.iter().collect();
    finding.victims = victims(run, &waiters, |_| true);
    let available = facts.memory.value().and_then(|memory| memory.get("MemAvailable")).unwrap_or(0) as f64;
    let rss = largest.map_or(0.0, |(_, rss)| rss);
    finding.summary = finding
        .summary
        .with("wait", Quantity::wait(wait))
        .with("available", Quantity::bytes(available))
        .with("culprit", victim_name(std::slice::from_ref(&culprit)))
        .with("rss", Quantity::bytes(rss))
        .with("victim", victim_name(&finding.victims));
    finding.wait_s_per_s = Some(wait);
    finding.confidence = if direct == Some(true) && pressure.is_some() { 0.9 } else { 0.6 };
    finding.chain = host_chain(facts, &finding.victims, &culprit, (wait, swap_in, rss));
    finding.advice = host_advice(&culprit, rss, wait);
    finding.explains = EXPLAINS;
    finding.also = std::iter::once("host:host".to_owned()).collect();
    Some(finding)
}

fn host_chain(facts: &Facts, victims: &[Entity], culprit: &Entity, numbers: (f64, f64, f64)) -> Vec<Link> {
    let (wait, swap_in, rss) = numbers;
    let stalls = facts.vm_rate_of_all("allocstall").unwrap_or(0.0);
    vec![
        Link {
            from: Msg::new("memory-link-processes").with("victim", victim_name(victims)),
            to: Msg::new("memory-link-reclaim"),
            evidence: Msg::new("memory-link-reclaim-evidence")
                .with("wait", Quantity::wait(wait))
                .with("stalls", Quantity::rate(stalls))
                .with("swap", Quantity::throughput(swap_in)),
        },
        Link {
            from: Msg::new("memory-link-reclaim"),
            to: Msg::new("memory-link-holder").with("culprit", victim_name(std::slice::from_ref(culprit))),
            evidence: Msg::new("memory-link-holder-evidence").with("rss", Quantity::bytes(rss)),
        },
    ]
}

fn host_advice(culprit: &Entity, rss: f64, wait: f64) -> Vec<Advice> {
    let pid = culprit.pid.map_or_else(|| "PID".to_owned(), |pid| pid.to_string());
    vec![Advice {
        text: Msg::new("finding-memory-host-pressure-limit")
            .with("culprit", victim_name(std::slice::from_ref(culprit)))
            .with("rss", Quantity::bytes(rss)),
        command: Some(format!("grep -E '^(Rss|Pss|Swap)' /proc/{pid}/smaps_rollup; ps aux --sort=-rss | head")),
        expect: Msg::new("finding-memory-host-pressure-limit-expect")
            .with("wait", Quantity::wait(wait))
            .with("rss", Quantity::bytes(rss)),
    }]
}

/// The process with the largest resident set, in bytes.
fn largest(run: &Run) -> Option<(Entity, f64)> {
    let tasks = run.tasks.value()?;
    let page = run.host.page_size as f64;
    let top = tasks.top(run, |used| (!used.ended).then_some(used.task.rss_pages as f64 * page));
    top.first().map(|(used, rss)| (Entity::process(used.task.pid, used.task.comm.clone()), *rss))
}

/// Tasks that compact memory themselves to get it in one piece; `kcompactd` does it for everybody and is no victim.
fn compaction(run: &Run, facts: &Facts) -> Option<Finding> {
    let (rows, seconds) = run.bpf::<Reclaim>().into_value()?;
    let mut waits: Vec<(f64, &Reclaim)> = rows
        .iter()
        .filter(|row| row.kind == ReclaimKind::Compaction && !row.comm.starts_with("kcompactd"))
        .map(|row| (row.sum_ns as f64 / 1e9 / seconds, row))
        .filter(|(_, row)| run.in_scope(row.pid))
        .collect();
    waits.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.pid.cmp(&b.1.pid)));
    let wait: f64 = waits.iter().map(|(wait, _)| wait).sum();
    let (worst, row) = waits.first()?;
    // Compaction burns CPU: it is part of the process's CPU time.
    let cpu = run.tasks.value().and_then(|tasks| tasks.processes.get(&row.pid)).map_or(0.0, |used| used.cpu);
    let share = worst / cpu.max(*worst);
    if wait < run.threshold("finding.min-wait") || share < run.threshold("finding.min-share") {
        return None;
    }
    let victims: Vec<Entity> =
        waits.iter().take(5).map(|(_, row)| Entity::process(row.pid, row.comm.clone())).collect();
    let kernel = Entity::new(crate::cell::EntityKind::Kernel, "compaction");
    let mut finding = Finding::new("memory.compaction", Severity::Bottleneck, SPEC, kernel);
    let stalls = facts.vm_rate("compact_stall").unwrap_or(0.0);
    finding.summary = finding.summary.with("victim", victim_name(&victims)).with("wait", Quantity::wait(wait));
    finding.chain = vec![Link {
        from: Msg::new("memory-link-processes").with("victim", victim_name(&victims)),
        to: Msg::new("finding-memory-compaction-link"),
        evidence: Msg::new("finding-memory-compaction-evidence")
            .with("wait", Quantity::wait(wait))
            .with("stalls", Quantity::rate(stalls)),
    }];
    finding.advice = vec![Advice {
        text: Msg::new("finding-memory-compaction-advice"),
        command: Some("echo defer > /sys/kernel/mm/transparent_hugepage/defrag".to_owned()),
        expect: Msg::new("finding-memory-compaction-expect").with("wait", Quantity::wait(wait)),
    }];
    finding.victims = victims;
    finding.wait_s_per_s = Quantity::checked(wait, Unit::SecondsPerSecond).map(|wait| wait.number);
    finding.confidence = 0.85;
    Some(finding)
}
