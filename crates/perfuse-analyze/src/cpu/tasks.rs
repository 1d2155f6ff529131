//! `tasks.*`: how many tasks there are against every limit, how long a fork takes, and which forks were refused.

use std::collections::BTreeMap;

use perfuse_format::bpf::{ErrnoCount, ForkHist, ForkProcess, Log2Hist};
use perfuse_format::cgroup::ancestors;
use perfuse_format::parse::Number;
use perfuse_format::proc::kmsg::Event;
use perfuse_format::proc::loadavg::LoadAverage;
use perfuse_format::{Missing, Reading, Why};

use super::limits::{self, PidsGroup, User};
use super::{advice, link, process, systemd_unit};
use crate::cell::{Cell, Entity, Evidence, Finding, Instance, Link, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::kernel_log::logged;
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Resource};

const UTILIZATION: &str = "tasks.utilization";
const SATURATION: &str = "tasks.saturation";
const ERRORS: &str = "tasks.errors";

const EAGAIN: u32 = 11;
const ENOMEM: u32 = 12;

/// The three cells and their findings.
pub(super) fn evaluate(run: &Run, out: &mut Output) {
    let groups = limits::pids_groups(run).into_value().unwrap_or_default();
    let users = limits::users(run).into_value().unwrap_or_default();
    utilization(run, &groups, &users, out);
    saturation(run, out);
    errors(run, &groups, &users, out);
}

/// Tasks of the host and what they may be.
struct Host {
    tasks: u64,
    limit: u64,
    /// The file of the lower limit.
    file: &'static str,
}

fn host(run: &Run) -> Reading<Host> {
    let limits = ["/proc/sys/kernel/threads-max", "/proc/sys/kernel/pid_max"];
    let found: Vec<_> =
        limits.iter().filter_map(|file| Some((run.last::<Number>(file).into_value()?.0, *file))).collect();
    let Some((limit, file)) = found.into_iter().min() else {
        return run.last::<Number>(limits[0]).and_then(|_| Reading::missing(Why::Absent, limits[0]));
    };
    run.last::<LoadAverage>("/proc/loadavg").map(|load| Host { tasks: load.threads, limit, file })
}

fn utilization(run: &Run, groups: &[PidsGroup], users: &[User], out: &mut Output) {
    let host = match host(run) {
        Reading::Value(host) => host,
        Reading::Missing(missing) => return out.cell(Cell::unmeasurable(UTILIZATION, &missing)),
    };
    let near = run.threshold("tasks.near-limit");
    let verdict = |share: f64| if share >= near { Verdict::Watch } else { Verdict::Ok };
    let share = host.tasks as f64 / host.limit.max(1) as f64;
    let mut instances = vec![
        Instance::new("host", Quantity::ratio(share), verdict(share))
            .detail("tasks", Quantity::count(host.tasks as f64))
            .detail("limit", Quantity::count(host.limit as f64)),
    ];
    instances.extend(groups.iter().map(|group| {
        Instance::new(&group.path, Quantity::ratio(group.share()), verdict(group.share()))
            .detail("tasks", Quantity::count(group.current as f64))
            .detail("limit", Quantity::count(group.max as f64))
    }));
    instances.extend(users.iter().map(|user| {
        Instance::new(format!("uid {}", user.uid), Quantity::ratio(user.share()), verdict(user.share()))
            .detail("tasks", Quantity::count(user.threads as f64))
            .detail("limit", Quantity::count(user.limit as f64))
    }));
    instances.sort_by(|a, b| b.value.number.total_cmp(&a.value.number));
    let nearest = instances.first().map_or(Quantity::ratio(share), |one| one.value);
    let zombies = zombies(run);
    let many = zombies.iter().any(|(_, count)| *count as f64 >= run.threshold("tasks.zombies"));
    let worst = if many { Verdict::Watch } else { verdict(nearest.number) };
    let mut cell = Cell::measured(UTILIZATION, worst, nearest)
        .evidence(
            Evidence::new("/proc/loadavg", "threads", Quantity::count(host.tasks as f64)).by_hand("ps -eLf | wc -l"),
        )
        .evidence(
            Evidence::new(host.file, "limit", Quantity::count(host.limit as f64)).by_hand(format!("cat {}", host.file)),
        );
    let dead: u64 = zombies.iter().map(|(_, count)| count).sum();
    if run.tasks.value().is_some() {
        let by_hand = "ps -eo stat,ppid,comm | grep ^Z";
        let source = "/proc/PID/stat";
        cell = cell.evidence(Evidence::new(source, "zombies", Quantity::count(dead as f64)).by_hand(by_hand));
    }
    cell.instances = instances;
    cell.culprits = zombies.iter().take(5).map(|(parent, count)| named_parent(run, *parent, *count)).collect();
    cell.history =
        run.history::<LoadAverage>("/proc/loadavg", |_, load, _| Some(load.threads as f64 / host.limit.max(1) as f64));
    out.cell(cell);
    if let Some((parent, count)) = zombies.first().filter(|_| many) {
        out.finding(zombie_finding(run, *parent, *count));
    }
    near_limits(run, &host, groups, users, out);
}

/// Zombies by parent, the most first.
fn zombies(run: &Run) -> Vec<(u32, u64)> {
    let mut parents: BTreeMap<u32, u64> = BTreeMap::new();
    let Some(tasks) = run.tasks.value() else { return Vec::new() };
    // A dead leader whose other threads live on is no zombie process.
    for used in tasks.processes.values().filter(|used| used.task.state == 'Z' && !used.ended && used.task.threads <= 1)
    {
        *parents.entry(used.task.ppid).or_default() += 1;
    }
    let mut parents: Vec<(u32, u64)> = parents.into_iter().collect();
    parents.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    parents
}

fn named(run: &Run, pid: u32) -> Entity {
    let used = run.tasks.value().and_then(|tasks| tasks.processes.get(&pid));
    used.map_or_else(|| Entity::process(pid, pid.to_string()), process)
}

fn named_parent(run: &Run, pid: u32, count: u64) -> Entity {
    named(run, pid).detail(Msg::new("detail-text-parent-of-zombies").with("count", count))
}

fn zombie_finding(run: &Run, parent: u32, count: u64) -> Finding {
    let spec = (Resource::Tasks, Kind::Utilization, UTILIZATION);
    let culprit = named_parent(run, parent, count);
    let name = culprit.name.clone();
    let mut finding = Finding::new("tasks.zombies", Severity::Watch, spec, culprit);
    finding.confidence = 1.0;
    finding.summary = Msg::new("finding-tasks-zombies-summary").with("parent", &name).with("count", count);
    finding.chain = vec![link(
        Msg::new("finding-tasks-zombies-link-dead").with("count", count),
        Msg::new("finding-tasks-zombies-link-parent").with("parent", &name),
        Msg::new("finding-tasks-zombies-link-evidence").with("count", count),
    )];
    finding.advice = vec![advice(
        Msg::new("finding-tasks-zombies-advice-reap").with("parent", &name),
        Some(format!("kill -CHLD {parent}; strace -f -e trace=wait4,waitid -p {parent}")),
        Msg::new("finding-tasks-zombies-expect-reap").with("count", count),
    )];
    finding
}

/// One finding for whichever limit is nearest, if it is near.
fn near_limits(run: &Run, host: &Host, groups: &[PidsGroup], users: &[User], out: &mut Output) {
    let near = run.threshold("tasks.near-limit");
    let mut put = |culprit: Entity, control, have: u64, limit: u64, setting: String| {
        let share = have as f64 / limit.max(1) as f64;
        if share < near {
            return;
        }
        let spec = (Resource::Tasks, Kind::Utilization, UTILIZATION);
        let name = culprit.name.clone();
        let mut finding = Finding::new("tasks.near-limit", Severity::Watch, spec, culprit);
        finding.control = control;
        finding.confidence = 1.0;
        let message = |id: &str| Msg::new(id).with("name", &name).with("tasks", have).with("limit", limit);
        finding.summary = message("finding-tasks-near-limit-summary").with("share", Quantity::ratio(share));
        finding.chain = vec![link(
            message("finding-tasks-near-limit-link-tasks"),
            Msg::new("finding-tasks-near-limit-link-limit").with("setting", &setting),
            message("finding-tasks-near-limit-link-evidence"),
        )];
        finding.advice = vec![advice(
            Msg::new("finding-tasks-near-limit-advice-raise").with("setting", &setting),
            setting.starts_with('/').then(|| format!("echo {} > {setting}", limit.saturating_mul(2))),
            Msg::new("finding-tasks-near-limit-expect-raise").with("share", Quantity::ratio(share / 2.0)),
        )];
        out.finding(finding);
    };
    put(Entity::host(), None, host.tasks, host.limit, host.file.to_owned());
    for group in groups {
        let setting = group.setting();
        put(Entity::cgroup(&group.path), Some("control.pids-limit"), group.current, group.max, setting);
    }
    for user in users {
        let culprit = named(run, user.example.0);
        put(culprit, Some("control.nproc"), user.threads, user.limit, "RLIMIT_NPROC".to_owned());
    }
}

fn saturation(run: &Run, out: &mut Output) {
    let (rows, seconds) = match run.bpf::<ForkHist>() {
        Reading::Value(found) => found,
        Reading::Missing(missing) => return out.cell(Cell::unmeasurable(SATURATION, &missing)),
    };
    let mut all = Log2Hist::default();
    for row in &rows {
        all.merge(&row.hist);
    }
    let slow = run.threshold("tasks.fork-latency");
    let Some(p99) = all.percentile(99.0).map(|ns| ns / 1e9) else {
        return out.cell(no_forks());
    };
    let verdict = if p99 >= slow { Verdict::Watch } else { Verdict::Ok };
    let mean = all.mean_ns().map_or(0.0, |ns| ns / 1e9);
    let by_hand = "perf trace -s -e clone,clone3,fork,vfork -a sleep 5";
    let source = "bpf sys_enter_clone .. sched_process_fork";
    let mut cell = Cell::measured(SATURATION, verdict, Quantity::seconds(p99))
        .evidence(Evidence::new(source, "99th percentile", Quantity::seconds(p99)).by_hand(by_hand))
        .evidence(Evidence::new(source, "mean", Quantity::seconds(mean)).by_hand(by_hand))
        .evidence(Evidence::new(source, "forks", Quantity::rate(all.count as f64 / seconds)).by_hand("vmstat -f"));
    let mut makers = run.bpf::<ForkProcess>().into_value().map(|(rows, _)| rows).unwrap_or_default();
    makers.retain(|row| run.in_scope(row.pid));
    makers.sort_by(|a, b| (b.sum_ns + b.thread_sum_ns).cmp(&(a.sum_ns + a.thread_sum_ns)).then(a.pid.cmp(&b.pid)));
    for row in makers.iter().take(10) {
        let forks = row.count.saturating_add(row.thread_count);
        let spent = row.sum_ns.saturating_add(row.thread_sum_ns) as f64 / 1e9;
        let mean = if forks == 0 { 0.0 } else { spent / forks as f64 };
        let verdict = if mean >= slow { Verdict::Watch } else { Verdict::Ok };
        cell.instances.push(
            Instance::new(format!("{} ({})", row.comm, row.pid), Quantity::seconds(mean), verdict)
                .detail("forks_per_s", Quantity::rate(forks as f64 / seconds))
                .detail("fork_time", Quantity::wait(spent / seconds))
                .detail("longest", Quantity::seconds(row.max_ns.max(row.thread_max_ns) as f64 / 1e9)),
        );
    }
    cell.instances.sort_by_key(|instance| std::cmp::Reverse(instance.verdict));
    cell.culprits = makers.iter().take(5).map(|row| Entity::process(row.pid, &row.comm)).collect();
    out.cell(cell);
}

/// A run in which nothing was made has no latency, and nothing waited.
fn no_forks() -> Cell {
    let none = Evidence::new("bpf sys_enter_clone .. sched_process_fork", "forks", Quantity::rate(0.0));
    let mut cell = Cell::measured(SATURATION, Verdict::Ok, Quantity::seconds(0.0));
    cell.value = None;
    cell.evidence(none.by_hand("vmstat -f")).note(Msg::new("cell-tasks-saturation-note-none"))
}

/// Forks of one process that failed.
struct Failed {
    pid: u32,
    comm: String,
    errno: u32,
    count: u64,
}

/// Numbers of fork, vfork, clone and clone3; all of x86-64 and of the generic table.
fn is_fork(machine: &str, syscall: u32) -> bool {
    match machine {
        "x86_64" => matches!(syscall, 56..=58 | 435),
        _ => matches!(syscall, 220 | 435),
    }
}

fn failed_forks(run: &Run) -> Reading<Vec<Failed>> {
    run.bpf::<ErrnoCount>().map(|(rows, _)| {
        rows.into_iter()
            .filter(|row| matches!(row.errno, EAGAIN | ENOMEM) && is_fork(&run.host.machine, row.syscall))
            .filter(|row| run.in_scope(row.pid))
            .map(|row| Failed { pid: row.pid, comm: row.comm, errno: row.errno, count: row.count })
            .collect()
    })
}

fn errors(run: &Run, groups: &[PidsGroup], users: &[User], out: &mut Output) {
    let failed = failed_forks(run);
    let log = logged(run).into_value();
    if failed.value().is_none() && groups.is_empty() && log.is_none() {
        let missing = failed.why_missing().cloned();
        let missing = missing.unwrap_or_else(|| Missing::new(Why::NotSampled, "@bpf/errno"));
        return out.cell(Cell::unmeasurable(ERRORS, &missing));
    }
    let rows = failed.value().map_or(&[][..], Vec::as_slice);
    let by_bpf: u64 = rows.iter().map(|row| row.count).sum();
    let refused: u64 = groups.iter().map(|group| group.refused).sum();
    // The log says it once for a cgroup, however often it happens.
    let said =
        log.iter().flatten().filter(|logged| logged.during && matches!(logged.event.event, Event::ForkRejected { .. }));
    let count = by_bpf.max(refused).max(said.count() as u64);
    let verdict = if count > 0 { Verdict::Error } else { Verdict::Ok };
    let mut cell = Cell::measured(ERRORS, verdict, Quantity::count(count as f64));
    match &failed {
        Reading::Value(_) => {
            let evidence = Evidence::new("bpf sys_exit_clone", "EAGAIN and ENOMEM", Quantity::count(by_bpf as f64));
            cell = cell.evidence(evidence.by_hand("perf trace -a --failure -e clone,clone3,fork,vfork"));
        }
        Reading::Missing(missing) => {
            cell.note =
                Some(Msg::new("cell-tasks-errors-note-cgroups").with("reason", crate::message::missing(missing)));
        }
    }
    if let Some(group) = groups.first() {
        let file = group.file.replace("pids.current", "pids.events");
        let by_hand = format!("cat {file}");
        cell = cell.evidence(Evidence::new(file, "max", Quantity::count(refused as f64)).by_hand(by_hand));
    }
    for row in rows {
        let errno = if row.errno == EAGAIN { "EAGAIN" } else { "ENOMEM" };
        let name = format!("{} ({}) {errno}", row.comm, row.pid);
        cell.instances.push(Instance::new(name, Quantity::count(row.count as f64), Verdict::Error));
    }
    for group in groups.iter().filter(|group| group.refused > 0) {
        cell.instances.push(Instance::new(&group.path, Quantity::count(group.refused as f64), Verdict::Error));
    }
    cell.culprits = rows.iter().take(5).map(|row| Entity::process(row.pid, &row.comm)).collect();
    out.cell(cell);
    refused_forks(run, rows, groups, users, out);
}

/// A finding for each limit that refused forks, and one for what none of them explains.
fn refused_forks(run: &Run, rows: &[Failed], groups: &[PidsGroup], users: &[User], out: &mut Output) {
    let mut left: Vec<&Failed> = rows.iter().collect();
    for group in groups.iter().filter(|group| group.refused > 0) {
        let controller = "pids";
        let inside = |pid: u32| {
            let path = run.cgroup_of(pid, controller);
            path.is_some_and(|path| ancestors(path).any(|up| up == group.path))
        };
        let (mine, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|row| inside(row.pid));
        left = others;
        out.finding(by_cgroup(group, &mine));
    }
    for row in left {
        out.finding(by_other(run, row, users));
    }
}

fn refusal(culprit: Entity, count: u64, limit: Msg, evidence: Msg) -> Finding {
    let spec = (Resource::Tasks, Kind::Errors, ERRORS);
    let name = culprit.name.clone();
    let mut finding = Finding::new("tasks.fork-refused", Severity::Error, spec, culprit);
    finding.confidence = 0.95;
    finding.explains = &["tasks.near-limit"];
    finding.summary = Msg::new("finding-tasks-fork-refused-summary")
        .with("name", &name)
        .with("count", count)
        .with("limit", limit.clone());
    let failed = Msg::new("finding-tasks-fork-refused-link-failed").with("count", count);
    finding.chain = vec![Link { from: failed, to: limit, evidence }];
    finding
}

fn by_cgroup(group: &PidsGroup, rows: &[&Failed]) -> Finding {
    let limit = Msg::new("finding-tasks-fork-refused-limit-cgroup").with("group", &group.path).with("max", group.max);
    let evidence = Msg::new("finding-tasks-fork-refused-link-cgroup")
        .with("current", group.current)
        .with("max", group.max)
        .with("count", group.refused);
    let mut finding = refusal(Entity::cgroup(&group.path), group.refused, limit, evidence);
    finding.control = Some("control.pids-limit");
    finding.victims = rows.iter().take(5).map(|row| Entity::process(row.pid, &row.comm)).collect();
    let more = group.max.saturating_mul(2);
    let command = if let Some(unit) = systemd_unit(&group.path).filter(|_| !group.v1) {
        format!("systemctl set-property --runtime {unit} TasksMax={more}")
    } else {
        format!("echo {more} > {}", group.setting())
    };
    finding.advice = vec![advice(
        Msg::new("finding-tasks-fork-refused-advice-cgroup"),
        Some(command),
        Msg::new("finding-tasks-fork-refused-expect").with("count", group.refused),
    )];
    finding
}

fn by_other(run: &Run, row: &Failed, users: &[User]) -> Finding {
    let uid = run.tasks.value().and_then(|tasks| tasks.processes.get(&row.pid)).and_then(|used| used.task.uid);
    let user = users.iter().find(|user| Some(user.uid) == uid && user.share() >= run.threshold("tasks.near-limit"));
    let culprit = Entity::process(row.pid, &row.comm);
    let (limit, control, text, command) = match (row.errno, user) {
        (ENOMEM, _) => (
            Msg::new("finding-tasks-fork-refused-limit-memory"),
            None,
            Msg::new("finding-tasks-fork-refused-advice-memory"),
            "free -m; cat /proc/sys/vm/overcommit_memory /proc/sys/kernel/pid_max".to_owned(),
        ),
        (_, Some(user)) => (
            Msg::new("finding-tasks-fork-refused-limit-user").with("uid", user.uid.to_string()).with("max", user.limit),
            Some("control.nproc"),
            Msg::new("finding-tasks-fork-refused-advice-user"),
            format!("prlimit --pid {} --nproc={}", row.pid, user.limit.saturating_mul(2)),
        ),
        _ => (
            Msg::new("finding-tasks-fork-refused-limit-unknown"),
            None,
            Msg::new("finding-tasks-fork-refused-advice-unknown"),
            format!(
                "grep processes /proc/{}/limits; cat /proc/sys/kernel/threads-max /proc/sys/kernel/pid_max",
                row.pid
            ),
        ),
    };
    let errno = if row.errno == EAGAIN { "EAGAIN" } else { "ENOMEM" };
    let evidence = Msg::new("finding-tasks-fork-refused-link-errno").with("errno", errno).with("count", row.count);
    let mut finding = refusal(culprit.clone(), row.count, limit, evidence);
    finding.control = control;
    finding.victims = vec![culprit];
    finding.advice =
        vec![advice(text, Some(command), Msg::new("finding-tasks-fork-refused-expect").with("count", row.count))];
    finding
}

#[cfg(test)]
mod tests {
    use super::super::testing::{build, second, stat, table, words};
    use super::*;
    use perfuse_format::RawSnapshot;

    fn host_at(seconds: u64) -> RawSnapshot {
        let mut raw = second(seconds);
        raw.put("/proc/loadavg", "0 0 0 1/900 7\n");
        raw.put("/proc/sys/kernel/threads-max", "50000\n");
        raw.put("/proc/sys/kernel/pid_max", "1000\n");
        raw.put("@host", "machine x86_64\ncpus 2\n");
        raw
    }

    #[test]
    fn the_lower_limit_of_the_host_counts() {
        let checklist = build(&[host_at(0), host_at(1)]);
        let cell = checklist.cells.iter().find(|cell| cell.id == UTILIZATION).unwrap();
        assert_eq!((cell.verdict, cell.value), (Verdict::Watch, Some(Quantity::ratio(0.9))));
        let finding = &checklist.findings[0];
        assert_eq!(finding.id, "tasks.near-limit");
        assert_eq!(finding.advice[0].command.as_deref(), Some("echo 2000 > /proc/sys/kernel/pid_max"));
        assert_eq!(checklist.findings.iter().filter(|finding| finding.severity > Severity::Watch).count(), 0);
    }

    #[test]
    fn many_zombies_name_their_parent() {
        let mut snapshots = vec![host_at(0), host_at(1)];
        for raw in &mut snapshots {
            raw.put("/proc/loadavg", "0 0 0 1/90 7\n");
            raw.put("/proc/5/stat", stat(5, "careless", 0, 0));
            for pid in 100..125 {
                let line = stat(pid, "dead", 0, 0).replace(") R 1 ", ") Z 5 ");
                raw.put(format!("/proc/{pid}/stat"), line);
            }
        }
        let checklist = build(&snapshots);
        let finding = checklist.findings.iter().find(|finding| finding.id == "tasks.zombies").unwrap();
        assert_eq!((finding.culprit.pid, finding.culprit.name.as_str()), (Some(5), "careless"));
    }

    #[test]
    fn a_fork_that_failed_is_an_error_of_its_process() {
        let mut snapshots = vec![host_at(0), host_at(1)];
        let name = u64::from_ne_bytes(*b"forker\0\0");
        let row = |count: u64| words(&[9 | 56 << 32, 11, count, 0, name, 0]);
        let open = words(&[9 | 257 << 32, 24, 5, 0, name, 0]);
        snapshots[0].put("@bpf/errno", table(48, &[row(2)]));
        snapshots[1].put("@bpf/errno", table(48, &[row(7), open]));
        let checklist = build(&snapshots);
        let cell = checklist.cells.iter().find(|cell| cell.id == ERRORS).unwrap();
        assert_eq!((cell.verdict, cell.value), (Verdict::Error, Some(Quantity::count(5.0))));
        let finding = checklist.findings.iter().find(|finding| finding.id == "tasks.fork-refused").unwrap();
        assert_eq!((finding.severity, finding.culprit.pid), (Severity::Error, Some(9)));
    }

    #[test]
    fn fork_latency_comes_from_the_histogram() {
        let mut hist = vec![0_u64; 43];
        (hist[1], hist[2], hist[3 + 25]) = (2, 80_000_000, 2);
        let mut snapshots = vec![host_at(0), host_at(1)];
        snapshots[1].put("@bpf/fork_hist", table(8 * 43, &[words(&hist)]));
        let checklist = build(&snapshots);
        let cell = checklist.cells.iter().find(|cell| cell.id == SATURATION).unwrap();
        assert_eq!(cell.verdict, Verdict::Watch);
        assert!((0.033..0.068).contains(&cell.value.unwrap().number));
    }
}
