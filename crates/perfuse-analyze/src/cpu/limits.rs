//! `control.pids-limit` and `control.nproc`: how near cgroups and users are to the number of tasks they may have.

use std::collections::BTreeMap;

use perfuse_format::parse::{KeyValues, Limit, Number};
use perfuse_format::proc::limits::PidLimits;
use perfuse_format::proc::status::PidStatus;
use perfuse_format::{Missing, Reading, Why, delta};

use crate::cell::{Cell, Entity, Evidence, Instance, Quantity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;

const PIDS: &str = "control.pids-limit";
const NPROC: &str = "control.nproc";

/// A cgroup with a limit of its tasks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PidsGroup {
    pub(super) path: String,
    /// `pids.current`, its file.
    pub(super) file: String,
    pub(super) current: u64,
    pub(super) max: u64,
    /// Forks refused in the run.
    pub(super) refused: u64,
    pub(super) v1: bool,
}

impl PidsGroup {
    /// 1 is at the limit.
    pub(super) fn share(&self) -> f64 {
        self.current as f64 / self.max.max(1) as f64
    }

    /// The file that sets the limit.
    pub(super) fn setting(&self) -> String {
        self.file.replace("pids.current", "pids.max")
    }
}

/// Every cgroup with a `pids.max` other than `max`; a missing value where no pids controller is to be seen.
pub(super) fn pids_groups(run: &Run) -> Reading<Vec<PidsGroup>> {
    let hierarchies = match &run.cgroups {
        Reading::Value(hierarchies) => hierarchies,
        Reading::Missing(missing) => return Reading::Missing(missing.clone()),
    };
    let Some(last) = run.snapshots.last() else { return Reading::missing(Why::NotSampled, "pids.max") };
    let mut found = Vec::new();
    let mut seen = hierarchies.v1("pids").is_some();
    let both = [(hierarchies.v2(), false), (hierarchies.v1("pids"), true)];
    for (hierarchy, v1) in both.into_iter().filter_map(|(hierarchy, v1)| Some((hierarchy?, v1))) {
        let groups = hierarchy.groups(last);
        // A v2 hierarchy that is seen and shows no pids files has the controller enabled nowhere: nothing is limited.
        seen = seen || !groups.is_empty();
        for path in groups {
            let file = hierarchy.path(&path, "pids.current");
            let Some(current) = run.last::<Number>(&file).into_value() else { continue };
            let limit = run.last::<Limit>(&hierarchy.path(&path, "pids.max")).into_value();
            let Some(max) = limit.and_then(Limit::at) else { continue };
            if !run.cgroup_in_scope(&path) {
                continue;
            }
            let events = run.span::<KeyValues>(&hierarchy.path(&path, "pids.events")).into_value();
            let refused = events.and_then(|span| delta(span.first.get("max")?, span.last.get("max")?).grew());
            found.push(PidsGroup { path, file, current: current.0, max, refused: refused.unwrap_or(0), v1 });
        }
    }
    found.sort_by(|a, b| b.share().total_cmp(&a.share()).then(a.path.cmp(&b.path)));
    if seen { Reading::Value(found) } else { Reading::missing(Why::Absent, "pids.current") }
}

/// A user and the tasks that the user has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) threads: u64,
    /// The lowest `RLIMIT_NPROC` among the user's processes, and one that has it.
    pub(super) limit: u64,
    pub(super) example: (u32, String),
}

impl User {
    pub(super) fn share(&self) -> f64 {
        self.threads as f64 / self.limit.max(1) as f64
    }
}

/// Users with a limit, the nearest first. Root is left out: the kernel does not hold it to the limit.
pub(super) fn users(run: &Run) -> Reading<Vec<User>> {
    let tasks = match &run.tasks {
        Reading::Value(tasks) => tasks,
        Reading::Missing(missing) => return Reading::Missing(missing.clone()),
    };
    let mut threads: BTreeMap<u32, u64> = BTreeMap::new();
    let mut limits: BTreeMap<u32, (u64, (u32, String))> = BTreeMap::new();
    let mut refused: Option<Missing> = None;
    let mut read = false;
    for (pid, used) in tasks.processes.iter().filter(|(_, used)| !used.ended) {
        let listed = || run.last::<PidStatus>(&format!("/proc/{pid}/status")).into_value().map(|status| status.uid);
        let Some(uid) = used.task.uid.or_else(listed) else { continue };
        *threads.entry(uid).or_default() += u64::from(used.task.threads);
        // Of root, whose limit says nothing, one process shows whether limits can be read.
        if uid == 0 && read {
            continue;
        }
        match run.last::<PidLimits>(&format!("/proc/{pid}/limits")) {
            Reading::Value(found) => {
                read = true;
                if let Some(limit) = found.processes.soft.at() {
                    let entry = limits.entry(uid).or_insert((u64::MAX, (0, String::new())));
                    if limit < entry.0 {
                        *entry = (limit, (*pid, used.task.comm.clone()));
                    }
                }
            }
            Reading::Missing(missing) => refused = Some(missing),
        }
    }
    if !read {
        return Reading::Missing(refused.unwrap_or_else(|| Missing::new(Why::NotSampled, "/proc/PID/limits")));
    }
    let mut users: Vec<User> = limits
        .into_iter()
        .filter(|(uid, _)| *uid != 0)
        .map(|(uid, (limit, example))| User { uid, threads: threads.get(&uid).copied().unwrap_or(0), limit, example })
        .collect();
    users.sort_by(|a, b| b.share().total_cmp(&a.share()).then(a.uid.cmp(&b.uid)));
    Reading::Value(users)
}

/// Both controls. Their findings are those of the tasks cells: near the limit, and refused.
pub(super) fn evaluate(run: &Run, out: &mut Output) {
    out.cell(pids_cell(run));
    out.cell(nproc_cell(run));
}

fn pids_cell(run: &Run) -> Cell {
    let groups = match pids_groups(run) {
        Reading::Value(groups) => groups,
        Reading::Missing(missing) => return Cell::unmeasurable(PIDS, &missing),
    };
    let Some(nearest) = groups.first() else {
        return Cell::not_applicable(PIDS, Msg::new("control-pids-limit-none"));
    };
    let verdict = |group: &PidsGroup| match () {
        () if group.refused > 0 => Verdict::Error,
        () if group.share() >= run.threshold("tasks.near-limit") => Verdict::Watch,
        () => Verdict::Ok,
    };
    let worst = groups.iter().map(verdict).max().unwrap_or(Verdict::Ok);
    let mut cell = Cell::measured(PIDS, worst, Quantity::ratio(nearest.share())).evidence(
        Evidence::new(nearest.file.clone(), "pids.current / pids.max", Quantity::ratio(nearest.share()))
            .by_hand(format!("cat {} {}", nearest.file, nearest.setting())),
    );
    cell.instances = groups
        .iter()
        .map(|group| {
            Instance::new(&group.path, Quantity::ratio(group.share()), verdict(group))
                .detail("tasks", Quantity::count(group.current as f64))
                .detail("limit", Quantity::count(group.max as f64))
                .detail("refused", Quantity::count(group.refused as f64))
        })
        .collect();
    cell.instances.sort_by_key(|instance| std::cmp::Reverse(instance.verdict));
    cell.culprits = groups.iter().take(5).map(|group| Entity::cgroup(&group.path)).collect();
    cell
}

fn nproc_cell(run: &Run) -> Cell {
    let users = match users(run) {
        Reading::Value(users) => users,
        Reading::Missing(missing) => return Cell::unmeasurable(NPROC, &missing),
    };
    let Some(nearest) = users.first() else {
        return Cell::not_applicable(NPROC, Msg::new("control-nproc-none"));
    };
    let verdict = |user: &User| {
        if user.share() >= run.threshold("tasks.near-limit") { Verdict::Watch } else { Verdict::Ok }
    };
    let mut cell = Cell::measured(NPROC, verdict(nearest), Quantity::ratio(nearest.share())).evidence(
        Evidence::new(
            format!("/proc/{}/limits", nearest.example.0),
            format!("threads of uid {} / Max processes", nearest.uid),
            Quantity::ratio(nearest.share()),
        )
        .by_hand(format!("ps -L -u {} | wc -l; grep processes /proc/{}/limits", nearest.uid, nearest.example.0)),
    );
    cell.instances = users
        .iter()
        .map(|user| {
            Instance::new(format!("uid {}", user.uid), Quantity::ratio(user.share()), verdict(user))
                .detail("tasks", Quantity::count(user.threads as f64))
                .detail("limit", Quantity::count(user.limit as f64))
        })
        .collect();
    cell
}

#[cfg(test)]
mod tests {
    use super::super::testing::{build, second, stat};
    use super::*;

    const MOUNTS: &str = "30 1 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";

    #[test]
    fn the_nearest_limit_counts() {
        let mut snapshots = vec![second(0), second(1)];
        for raw in &mut snapshots {
            raw.put("/proc/self/mountinfo", MOUNTS);
            for (group, current, max) in [("a", "9", "10"), ("b", "50", "max"), ("c", "1", "100")] {
                raw.put(format!("/sys/fs/cgroup/pids/{group}/pids.current"), current);
                raw.put(format!("/sys/fs/cgroup/pids/{group}/pids.max"), max);
            }
            for (pid, uid, limit) in [(5, 1000, "40"), (6, 1000, "unlimited"), (7, 0, "1")] {
                raw.put(format!("/proc/{pid}/stat"), stat(pid, "x", 0, 0));
                raw.put(format!("/proc/{pid}/status"), format!("Uid:\t{uid}\nCpus_allowed_list:\t0\n"));
                let limits = format!("Max processes {limit} {limit} processes\nMax open files 9 9 files\n");
                raw.put(format!("/proc/{pid}/limits"), limits);
            }
        }
        let checklist = build(&snapshots);
        let control = |id: &str| checklist.controls.iter().find(|cell| cell.id == id).unwrap();
        assert_eq!(control(PIDS).value, Some(Quantity::ratio(0.9)));
        assert_eq!((control(PIDS).verdict, control(PIDS).instances.len()), (Verdict::Watch, 2));
        assert_eq!(control(NPROC).value, Some(Quantity::ratio(0.05)), "root does not count");
        assert_eq!(control(NPROC).instances[0].name, "uid 1000");
    }

    #[test]
    fn a_refused_fork_is_an_error() {
        let mut snapshots = vec![second(0), second(1)];
        for (raw, refused) in snapshots.iter_mut().zip([3, 5]) {
            raw.put("/proc/self/mountinfo", MOUNTS);
            raw.put("/sys/fs/cgroup/pids/a/pids.current", "10");
            raw.put("/sys/fs/cgroup/pids/a/pids.max", "10");
            raw.put("/sys/fs/cgroup/pids/a/pids.events", format!("max {refused}\n"));
        }
        let checklist = build(&snapshots);
        let finding = checklist.findings.iter().find(|finding| finding.id == "tasks.fork-refused").unwrap();
        assert_eq!(finding.culprit.path.as_deref(), Some("/a"));
        assert_eq!(finding.control, Some(PIDS));
    }
}
