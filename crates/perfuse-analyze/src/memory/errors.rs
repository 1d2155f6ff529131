//! `memory.errors`: broken memory, killed processes, refused allocations.

use std::collections::{BTreeMap, BTreeSet};

use perfuse_format::bpf::{ErrnoCount, OomVictim};
use perfuse_format::cgroup::ancestors;
use perfuse_format::parse::{Number, Text};
use perfuse_format::proc::kmsg::{self, Event, Kmsg};
use perfuse_format::proc::meminfo::MemInfo;
use perfuse_format::{Delta, Missing, Why, delta};

use super::facts::Facts;
use super::groups::Group;
use crate::cell::{Advice, Cell, Entity, EntityKind, Evidence, Finding, Instance, Link, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::table::{Kind, Resource};

const ID: &str = "memory.errors";
const SPEC: (Resource, Kind, &str) = (Resource::Memory, Kind::Errors, ID);
const ENOMEM: u32 = 12;

pub(super) fn evaluate(run: &Run, facts: &Facts, out: &mut Output) {
    let kills = facts.vm_grown("oom_kill");
    let edac = edac(run);
    let corrupted = corrupted(run);
    let refused = refused(run);
    let log = log_events(run);
    if kills.is_none() && edac.is_none() && facts.memory.value().is_none() && refused.is_none() {
        let why = facts.vmstat.why_missing().cloned();
        let why = why.unwrap_or_else(|| Missing::new(Why::Absent, "/proc/vmstat: oom_kill"));
        return out.cell(Cell::unmeasurable(ID, &why));
    }
    let victims = killed(run, &log);
    // The in-kernel table may know of a kill that fell between its reading and that of the counter.
    let kills =
        kills.map(|kills| kills.max(victims.len() as u64)).or((!victims.is_empty()).then_some(victims.len() as u64));
    let mut findings = oom_findings(run, facts, kills, &victims);
    findings.extend(hardware_findings(edac.as_deref().unwrap_or_default(), corrupted));
    findings.extend(refused.as_deref().and_then(|rows| enomem_finding(run, rows)));
    let refused_count: u64 = refused.iter().flatten().map(|row| row.count).sum();
    let uncorrected: u64 = edac.iter().flatten().map(|controller| controller.uncorrected.0).sum();
    let total = kills.unwrap_or(0) + uncorrected + refused_count + u64::from(corrupted.is_some_and(|grown| grown > 0));
    let verdict = match findings.iter().map(|finding| finding.severity).max() {
        Some(Severity::Error) => Verdict::Error,
        Some(_) => Verdict::Watch,
        None => Verdict::Ok,
    };
    let mut cell = Cell::measured(ID, verdict, Quantity::count(total as f64));
    if edac.is_none() {
        cell.note = Some(Msg::new("memory-no-edac"));
    }
    cell.instances = dimms(edac.as_deref().unwrap_or_default());
    cell.evidence = evidence(run, facts, kills, refused.as_ref().map(|_| refused_count));
    cell.culprits = findings.iter().flat_map(|finding| finding.victims.iter().cloned()).take(5).collect();
    out.cell(cell);
    for finding in findings {
        out.finding(finding);
    }
}

fn evidence(run: &Run, facts: &Facts, kills: Option<u64>, refused: Option<u64>) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    let count = |number: u64| Quantity::count(number as f64);
    if let Some(kills) = kills {
        let by_hand = "grep oom_kill /proc/vmstat   # twice";
        evidence.push(Evidence::new("/proc/vmstat", "oom_kill", count(kills)).by_hand(by_hand));
    }
    if let Some(before) = facts.vmstat.value().and_then(|span| span.last.get("oom_kill")) {
        let by_hand = "grep oom_kill /proc/vmstat";
        evidence.push(Evidence::new("/proc/vmstat", "oom_kill since boot", count(before)).by_hand(by_hand));
    }
    if let Some(bytes) = facts.memory.value().and_then(|memory| memory.get("HardwareCorrupted")) {
        let by_hand = "grep HardwareCorrupted /proc/meminfo";
        let value = Quantity::bytes(bytes as f64);
        evidence.push(Evidence::new("/proc/meminfo", "HardwareCorrupted", value).by_hand(by_hand));
    }
    if let Some(refused) = refused {
        let by_hand = "strace -f -Z -e trace=mmap,mremap -p PID   # ENOMEM";
        evidence.push(Evidence::new("@bpf/errno", "mmap, mremap: ENOMEM", count(refused)).by_hand(by_hand));
    }
    let failures = log_events(run).iter().filter(|event| matches!(event, Event::AllocationFailure { .. })).count();
    if run.last::<Kmsg>("@kmsg").value().is_some() {
        let by_hand = "dmesg | grep 'page allocation failure'";
        let value = count(failures as u64);
        evidence.push(Evidence::new("/dev/kmsg", "page allocation failures", value).by_hand(by_hand));
    }
    evidence
}

/// Counts of one memory controller: grown in the run, and since boot.
struct Controller {
    /// `mc0`, or with its DIMM `mc0/dimm3 (label)`.
    name: String,
    corrected: (u64, u64),
    uncorrected: (u64, u64),
}

/// The memory controllers that EDAC drivers watch; nothing where there is no driver.
fn edac(run: &Run) -> Option<Vec<Controller>> {
    const PREFIX: &str = "/sys/devices/system/edac/mc/";
    let counts = |file: &str| -> (u64, u64) {
        let since_boot = run.last::<Number>(file).value().map_or(0, |number| number.0);
        let span = run.span::<Number>(file);
        let grown = span.value().map(|span| delta(span.first.0, span.last.0));
        // The driver was loaded anew, or the counters were reset by hand.
        let grown = grown.map_or(0, |grown| match grown {
            Delta::Grew(by) => by,
            Delta::Reset => since_boot,
        });
        (grown, since_boot)
    };
    let names: BTreeSet<&str> = run
        .snapshots
        .iter()
        .flat_map(|snapshot| snapshot.under(PREFIX))
        .filter_map(|(rest, _)| rest.strip_suffix("/ue_count").or_else(|| rest.strip_suffix("/dimm_ue_count")))
        .collect();
    let controllers: Vec<Controller> = names
        .into_iter()
        .map(|name| {
            let prefix = if name.contains('/') { "dimm_" } else { "" };
            let label = run.first::<Text>(&format!("{PREFIX}{name}/dimm_label")).into_value();
            let label = label.map(|label| label.0).filter(|label| !label.is_empty());
            Controller {
                name: label.map_or_else(|| name.to_owned(), |label| format!("{name} ({label})")),
                corrected: counts(&format!("{PREFIX}{name}/{prefix}ce_count")),
                uncorrected: counts(&format!("{PREFIX}{name}/{prefix}ue_count")),
            }
        })
        .collect();
    (!controllers.is_empty()).then_some(controllers)
}

fn dimms(controllers: &[Controller]) -> Vec<Instance> {
    let mut instances: Vec<Instance> = controllers
        .iter()
        .map(|controller| {
            let verdict = match (controller.uncorrected.0, controller.corrected.0) {
                (0, 0) => Verdict::Ok,
                (0, _) => Verdict::Watch,
                _ => Verdict::Error,
            };
            let count = |number: u64| Quantity::count(number as f64);
            Instance::new(controller.name.clone(), count(controller.uncorrected.0), verdict)
                .detail("corrected_errors", count(controller.corrected.0))
                .detail("corrected_errors_since_boot", count(controller.corrected.1))
                .detail("uncorrected_errors_since_boot", count(controller.uncorrected.1))
        })
        .collect();
    instances.sort_by(|a, b| b.verdict.cmp(&a.verdict).then(a.name.cmp(&b.name)));
    instances
}

/// Bytes of pages that the kernel took out of use for hardware errors in the run.
fn corrupted(run: &Run) -> Option<u64> {
    let span = run.span::<MemInfo>("/proc/meminfo").into_value()?;
    delta(span.first.get("HardwareCorrupted")?, span.last.get("HardwareCorrupted")?).grew()
}

fn hardware_findings(controllers: &[Controller], corrupted: Option<u64>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A controller and its DIMM count the same error: the DIMM says more.
    let deepest = |controller: &&Controller| {
        let below = format!("{}/", controller.name);
        !controllers.iter().any(|other| other.name.starts_with(&below) && other.uncorrected.0 + other.corrected.0 > 0)
    };
    for controller in controllers.iter().filter(deepest) {
        let device = Entity::new(EntityKind::Device, controller.name.clone());
        let (id, severity, count) = match (controller.uncorrected.0, controller.corrected.0) {
            (0, 0) => continue,
            (0, corrected) => ("memory.corrected-error", Severity::Watch, corrected),
            (uncorrected, _) => ("memory.uncorrected-error", Severity::Error, uncorrected),
        };
        findings.push(hardware(id, severity, device, count));
    }
    if corrupted.is_some_and(|bytes| bytes > 0) && !findings.iter().any(|finding| finding.severity == Severity::Error) {
        findings.push(hardware("memory.uncorrected-error", Severity::Error, Entity::host(), 1));
    }
    findings
}

fn hardware(id: &'static str, severity: Severity, device: Entity, count: u64) -> Finding {
    let name = device.name.clone();
    let mut finding = match severity {
        Severity::Error => Finding::new("memory.uncorrected-error", severity, SPEC, device),
        _ => Finding::new("memory.corrected-error", severity, SPEC, device),
    };
    debug_assert_eq!(finding.id, id);
    finding.summary = finding.summary.with("device", name).with("count", count);
    finding.confidence = 0.95;
    finding.advice = vec![Advice {
        text: Msg::new("memory-replace-dimm"),
        command: Some("grep -r . /sys/devices/system/edac/mc/*/dimm*/dimm_{label,ce_count,ue_count}".to_owned()),
        expect: Msg::new("memory-replace-dimm-expect"),
    }];
    finding
}

/// What the kernel log said during the run.
fn log_events(run: &Run) -> Vec<Event> {
    // The first snapshot holds the log from before the run.
    let during = run.snapshots.iter().skip(1).filter_map(|snapshot| snapshot.get::<Kmsg>("@kmsg").into_value());
    during.flat_map(|log| kmsg::events(&log.0).into_iter().map(|found| found.event).collect::<Vec<_>>()).collect()
}

/// One killed process.
struct Kill {
    pid: u32,
    comm: String,
    /// Bytes that it held.
    rss: Option<u64>,
    /// The limited cgroup that it was killed for, where that is known.
    cgroup: Option<String>,
}

/// OOM kills by what was out of memory: a cgroup, or the host.
fn oom_findings(run: &Run, facts: &Facts, kills: Option<u64>, victims: &[Kill]) -> Vec<Finding> {
    let kills_in_groups = killing_groups(&facts.groups);
    let total = kills.unwrap_or(0).max(victims.len() as u64);
    let mut findings = Vec::new();
    let mut explained = 0;
    for (path, count) in &kills_in_groups {
        let Some(group) = facts.groups.iter().find(|group| group.path == *path) else { continue };
        explained += count;
        let members: Vec<&Kill> =
            victims.iter().filter(|kill| killed_in(run, kill, path, kills_in_groups.len())).collect();
        findings.push(cgroup_kill(group, *count, &members));
    }
    // What no group accounts for: the group is gone, or the host was out of memory.
    for kill in victims.iter().filter(|kill| kill.cgroup.is_some()) {
        let path = kill.cgroup.as_deref().unwrap_or_default();
        if kills_in_groups.is_empty() && !path.is_empty() {
            explained += 1;
            findings.push(gone_group_kill(path, kill));
        }
    }
    if total > explained {
        let left: Vec<&Kill> = victims.iter().filter(|kill| kill.cgroup.is_none()).collect();
        findings.push(host_kill(facts, total - explained, &left));
    }
    findings
}

/// The limited group that each kill was for: of the groups that count it, the nearest one with a limit.
fn killing_groups(groups: &[Group]) -> BTreeMap<String, u64> {
    let counting: Vec<&Group> = groups.iter().filter(|group| group.oom_kills.unwrap_or(0) > 0).collect();
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for group in &counting {
        // v2 counts a kill in every group above the victim's too; only the innermost counts here.
        if !group.v1 && counting.iter().any(|other| other.path.starts_with(&format!("{}/", group.path))) {
            continue;
        }
        let limited = ancestors(&group.path)
            .filter_map(|path| groups.iter().find(|group| group.path == path))
            .find(|group| group.limit.is_some());
        if let Some(limited) = limited {
            *found.entry(limited.path.clone()).or_default() += group.oom_kills.unwrap_or(0);
        }
    }
    found
}

/// Processes that the kernel killed for memory in the run, by the in-kernel table or else by its log.
fn killed(run: &Run, log: &[Event]) -> Vec<Kill> {
    let logged: BTreeMap<u32, Kill> = log
        .iter()
        .filter_map(|event| match event {
            Event::OomKill { pid, comm, cgroup } => {
                Some((*pid, Kill { pid: *pid, comm: comm.clone(), rss: None, cgroup: cgroup.clone() }))
            }
            _ => None,
        })
        .collect();
    let Some((rows, _)) = run.bpf::<OomVictim>().into_value().filter(|(rows, _)| !rows.is_empty()) else {
        return logged.into_values().collect();
    };
    rows.into_iter()
        .map(|row| {
            let logged = logged.get(&row.pid);
            let known = run.tasks.value().and_then(|tasks| tasks.processes.get(&row.pid));
            let comm = [
                Some(row.comm.as_str()),
                logged.map(|kill| kill.comm.as_str()),
                known.map(|used| used.task.comm.as_str()),
            ];
            Kill {
                pid: row.pid,
                comm: comm.into_iter().flatten().find(|comm| !comm.is_empty()).unwrap_or_default().to_owned(),
                rss: row.rss_pages.map(|pages| pages.saturating_mul(run.host.page_size)),
                cgroup: logged.and_then(|kill| kill.cgroup.clone()),
            }
        })
        .collect()
}

/// Whether a kill belongs to the limited group at `path`.
fn killed_in(run: &Run, kill: &Kill, path: &str, groups: usize) -> bool {
    match (&kill.cgroup, run.cgroup_of(kill.pid, "memory")) {
        (Some(cgroup), _) if !cgroup.is_empty() => ancestors(cgroup).any(|up| up == path),
        (_, Some(cgroup)) => ancestors(cgroup).any(|up| up == path),
        // Born and killed between two readings: with one group that kills there is no other.
        (_, None) => groups == 1,
    }
}

fn victims(kills: &[&Kill]) -> Vec<Entity> {
    kills
        .iter()
        .take(10)
        .map(|kill| {
            let entity = Entity::process(kill.pid, kill.comm.clone());
            match kill.rss {
                Some(rss) => entity.detail(Msg::new("memory-killed-rss").with("rss", Quantity::bytes(rss as f64))),
                None => entity,
            }
        })
        .collect()
}

fn victim_words(kills: &[&Kill]) -> Msg {
    match kills.first() {
        Some(kill) => Msg::new("memory-process").with("name", &kill.comm).with("pid", kill.pid.to_string()),
        None => Msg::new("memory-some-process"),
    }
}

fn cgroup_kill(group: &Group, count: u64, kills: &[&Kill]) -> Finding {
    let limit = group.limit.unwrap_or(0);
    let mut finding = Finding::new("memory.cgroup-oom-kill", Severity::Error, SPEC, group.entity());
    finding.control = Some("control.memory-limit");
    finding.summary = finding
        .summary
        .with("cgroup", &group.path)
        .with("limit", Quantity::bytes(limit as f64))
        .with("count", count)
        .with("victim", victim_words(kills));
    finding.victims = victims(kills);
    finding.confidence = if kills.is_empty() { 0.9 } else { 0.98 };
    let (file, metric) = if group.v1 { ("memory.oom_control", "oom_kill") } else { ("memory.events", "oom_kill") };
    finding.chain = vec![Link {
        from: Msg::new("memory-link-killed").with("victim", victim_words(kills)),
        to: Msg::new("memory-link-limit").with("limit", Quantity::bytes(limit as f64)),
        evidence: Msg::new("memory-link-kills")
            .with("count", count)
            .with("file", group.file(file))
            .with("metric", metric),
    }];
    // The victim's size is what did not fit; without it half as much again is a start.
    let more = kills.iter().filter_map(|kill| kill.rss).max().unwrap_or(limit / 2).max(limit / 4);
    let target = limit.saturating_add(more).div_ceil(1 << 20) << 20;
    finding.advice = vec![Advice {
        text: Msg::new("finding-memory-cgroup-oom-kill-raise").with("target", Quantity::bytes(target as f64)),
        command: Some(group.set_limit_command(target)),
        expect: Msg::new("finding-memory-cgroup-oom-kill-raise-expect").with("count", count),
    }];
    finding.explains = &["memory.cgroup-limit", "memory.low-headroom"];
    finding
}

/// A kill for the limit of a group that was removed since (systemd removes the scope of an ended service).
fn gone_group_kill(path: &str, kill: &Kill) -> Finding {
    let mut finding = Finding::new("memory.cgroup-oom-kill", Severity::Error, SPEC, Entity::cgroup(path));
    finding.control = Some("control.memory-limit");
    finding.summary =
        Msg::new("finding-memory-cgroup-oom-kill-gone").with("cgroup", path).with("victim", victim_words(&[kill]));
    finding.victims = victims(&[kill]);
    finding.confidence = 0.95;
    finding.advice = vec![Advice {
        text: Msg::new("finding-memory-cgroup-oom-kill-find"),
        command: Some("dmesg | grep -A40 'invoked oom-killer'".to_owned()),
        expect: Msg::new("finding-memory-cgroup-oom-kill-find-expect"),
    }];
    finding
}

fn host_kill(facts: &Facts, count: u64, kills: &[&Kill]) -> Finding {
    let mut finding = Finding::new("memory.oom-kill", Severity::Error, SPEC, Entity::host());
    let available = facts.memory.value().and_then(|memory| memory.get("MemAvailable")).unwrap_or(0) as f64;
    finding.summary = finding
        .summary
        .with("count", count)
        .with("victim", victim_words(kills))
        .with("available", Quantity::bytes(available));
    finding.victims = victims(kills);
    // Without names it may have been a cgroup that is gone and that no log tells of.
    finding.confidence = if kills.is_empty() { 0.6 } else { 0.9 };
    finding.advice = vec![Advice {
        text: Msg::new("finding-memory-oom-kill-advice"),
        command: Some("dmesg | grep -A40 'invoked oom-killer'; ps aux --sort=-rss | head".to_owned()),
        expect: Msg::new("finding-memory-oom-kill-expect").with("count", count),
    }];
    finding.explains = &["memory.host-pressure", "memory.low-headroom"];
    finding
}

/// `(mmap, mremap)` of an architecture: what fails with ENOMEM only when memory, or a limit on it, is used up. (madvise,
/// mlock, munmap and others say ENOMEM for addresses that are not mapped; brk does not fail with an errno.)
fn mapping_calls(machine: &str) -> Option<[u32; 2]> {
    match machine {
        "x86_64" => Some([9, 25]),
        "aarch64" | "riscv64" | "loongarch64" => Some([222, 216]),
        _ => None,
    }
}

/// Refused mappings; nothing without the in-kernel table.
fn refused(run: &Run) -> Option<Vec<ErrnoCount>> {
    let (rows, _) = run.bpf::<ErrnoCount>().into_value()?;
    let calls = mapping_calls(&run.host.machine)?;
    let mine = |row: &ErrnoCount| row.errno == ENOMEM && calls.contains(&row.syscall) && run.in_scope(row.pid);
    Some(rows.into_iter().filter(mine).collect())
}

fn enomem_finding(run: &Run, rows: &[ErrnoCount]) -> Option<Finding> {
    let worst = rows.iter().max_by(|a, b| a.count.cmp(&b.count).then(b.pid.cmp(&a.pid)))?;
    let count: u64 = rows.iter().map(|row| row.count).sum();
    let mut finding = Finding::new(
        "memory.allocation-refused",
        Severity::Error,
        SPEC,
        Entity::process(worst.pid, worst.comm.clone()),
    );
    finding.victims = vec![finding.culprit.clone()];
    finding.summary = finding.summary.with("name", &worst.comm).with("pid", worst.pid.to_string()).with("count", count);
    // Some programs try a huge mapping first and a smaller one then.
    finding.confidence = 0.6;
    let strict = run.first::<Number>("/proc/sys/vm/overcommit_memory").value().is_some_and(|mode| mode.0 == 2);
    finding.advice = vec![Advice {
        text: if strict { Msg::new("memory-refused-overcommit") } else { Msg::new("memory-refused-limits") },
        command: Some(if strict {
            "grep -E 'CommitLimit|Committed_AS' /proc/meminfo; sysctl vm.overcommit_memory".to_owned()
        } else {
            format!("grep -E 'address space|data size|locked' /proc/{0}/limits; wc -l /proc/{0}/maps", worst.pid)
        }),
        expect: Msg::new("memory-refused-expect").with("count", count),
    }];
    Some(finding)
}
