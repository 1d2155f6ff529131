//! `control.cgroup-freezer`: cgroups whose processes are stopped by somebody.

use perfuse_format::parse::{KeyValues, Text};
use perfuse_format::{Missing, Reading, Why};

use super::{advice, link, process};
use crate::cell::{Cell, Entity, Evidence, Finding, Instance, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Resource};

const ID: &str = "control.cgroup-freezer";

/// A cgroup that can be frozen.
struct Group {
    path: String,
    file: String,
    frozen: bool,
    v1: bool,
}

/// The control; a frozen cgroup that holds processes is worth a look: someone may wait for them.
pub(super) fn evaluate(run: &Run, out: &mut Output) {
    let hierarchies = match &run.cgroups {
        Reading::Value(hierarchies) => hierarchies,
        Reading::Missing(missing) => return out.cell(Cell::unmeasurable(ID, missing)),
    };
    if hierarchies.v2().is_none() && hierarchies.v1("freezer").is_none() {
        return out.cell(Cell::unmeasurable(ID, &Missing::new(Why::Absent, "cgroup2 or the freezer hierarchy")));
    }
    let groups = groups(run);
    if groups.is_empty() {
        return out.cell(Cell::not_applicable(ID, Msg::new("control-cgroup-freezer-none")));
    }
    let frozen: Vec<&Group> = groups.iter().filter(|group| group.frozen).collect();
    let verdict = if frozen.is_empty() { Verdict::Ok } else { Verdict::Watch };
    let count = Quantity::count(frozen.len() as f64);
    let mut cell = Cell::measured(ID, verdict, count);
    if let Some(first) = frozen.first().copied().or(groups.first()) {
        cell = cell.evidence(Evidence::new(first.file.clone(), "frozen", count).by_hand(format!("cat {}", first.file)));
    }
    for group in &frozen {
        let members = members(run, group);
        cell.instances.push(
            Instance::new(&group.path, Quantity::count(members.len() as f64), Verdict::Watch)
                .detail("processes", Quantity::count(members.len() as f64)),
        );
        if !members.is_empty() {
            out.finding(finding(group, members));
        }
    }
    out.cell(cell);
}

fn groups(run: &Run) -> Vec<Group> {
    let (Some(hierarchies), Some(last)) = (run.cgroups.value(), run.snapshots.last()) else { return Vec::new() };
    let mut groups = Vec::new();
    if let Some(v2) = hierarchies.v2() {
        for path in v2.groups(last).into_iter().filter(|group| run.cgroup_in_scope(group)) {
            let file = v2.path(&path, "cgroup.events");
            // Before Linux 5.2 the file has no `frozen`.
            if let Some(frozen) = run.last::<KeyValues>(&file).into_value().and_then(|events| events.get("frozen")) {
                groups.push(Group { path, file, frozen: frozen != 0, v1: false });
            }
        }
    }
    if let Some(v1) = hierarchies.v1("freezer") {
        for path in v1.groups(last).into_iter().filter(|group| run.cgroup_in_scope(group)) {
            let file = v1.path(&path, "freezer.state");
            if let Some(Text(state)) = run.last::<Text>(&file).into_value() {
                groups.push(Group { path, file, frozen: state == "FROZEN" || state == "FREEZING", v1: true });
            }
        }
    }
    groups
}

fn members(run: &Run, group: &Group) -> Vec<Entity> {
    let inside = |pid: &u32| {
        let cgroups = run.pid_cgroups.get(pid)?;
        let path = if group.v1 { cgroups.v1("freezer") } else { cgroups.v2() };
        path.filter(|path| *path == group.path)
    };
    let tasks = run.tasks.value();
    let pids = run.pid_cgroups.keys().filter(|pid| inside(pid).is_some());
    pids.map(|pid| {
        let used = tasks.and_then(|tasks| tasks.processes.get(pid));
        used.map_or_else(|| Entity::process(*pid, pid.to_string()), process)
    })
    .collect()
}

fn finding(group: &Group, members: Vec<Entity>) -> Finding {
    let spec = (Resource::Cpu, Kind::Saturation, "cpu.saturation");
    let mut finding = Finding::new("cpu.frozen", Severity::Watch, spec, Entity::cgroup(&group.path));
    let count = members.len() as u64;
    finding.control = Some(ID);
    finding.confidence = 1.0;
    finding.explains = &["user-lock.deadlock"];
    finding.summary = Msg::new("finding-cpu-frozen-summary").with("group", &group.path).with("count", count);
    let thaw = if group.v1 {
        format!("echo THAWED > {}", group.file)
    } else {
        format!("echo 0 > {}", group.file.replace("cgroup.events", "cgroup.freeze"))
    };
    finding.chain = vec![link(
        Msg::new("finding-cpu-frozen-link-stopped").with("count", count),
        Msg::new("finding-cpu-frozen-link-frozen").with("group", &group.path),
        Msg::new("finding-cpu-frozen-link-evidence").with("file", &group.file),
    )];
    finding.advice = vec![advice(
        Msg::new("finding-cpu-frozen-advice-thaw"),
        Some(thaw),
        Msg::new("finding-cpu-frozen-expect-thaw").with("count", count),
    )];
    finding.victims = members.into_iter().take(5).collect();
    finding
}

#[cfg(test)]
mod tests {
    use super::super::testing::{build, second, stat};
    use super::*;

    #[test]
    fn frozen_groups_of_both_versions_are_seen() {
        let mut snapshots = vec![second(0), second(1)];
        for raw in &mut snapshots {
            raw.put(
                "/proc/self/mountinfo",
                "30 1 0:26 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n32 1 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            );
            raw.put("/sys/fs/cgroup/freezer/old/freezer.state", "FROZEN\n");
            raw.put("/sys/fs/cgroup/unified/new/cgroup.events", "populated 1\nfrozen 0\n");
            raw.put("/proc/5/stat", stat(5, "stopped", 0, 0));
            raw.put("/proc/5/cgroup", "6:freezer:/old\n0::/new\n");
        }
        let checklist = build(&snapshots);
        let finding = &checklist.findings[0];
        assert_eq!((finding.id, finding.severity, finding.victims[0].pid), ("cpu.frozen", Severity::Watch, Some(5)));
        assert_eq!(
            finding.advice[0].command.as_deref(),
            Some("echo THAWED > /sys/fs/cgroup/freezer/old/freezer.state")
        );
        snapshots[1].put("/sys/fs/cgroup/freezer/old/freezer.state", "THAWED\n");
        assert!(build(&snapshots).findings.is_empty());
    }
}
