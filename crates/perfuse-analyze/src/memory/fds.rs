//! File descriptors: every process against its own limit, and the host against `fs.file-max`.

use std::collections::BTreeMap;

use perfuse_format::bpf::{self, ErrnoCount, OpenFiles};
use perfuse_format::parse::Limit;
use perfuse_format::proc::file_nr::FileNr;
use perfuse_format::sys::fds::Fds;
use perfuse_format::{Missing, Reading, Why};

use super::capacity::{by_process, no_table};
use super::facts::Facts;
use super::inotify;
use crate::cell::{Advice, Cell, Entity, Evidence, Finding, Instance, Link, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::table::{Kind, Resource};

const UTILIZATION: &str = "fds.utilization";
const SATURATION: &str = "fds.saturation";
const ERRORS: &str = "fds.errors";
const CONTROL: &str = "control.nofile";
const FILE_NR: &str = "/proc/sys/fs/file-nr";
const ENFILE: u32 = 23;
const EMFILE: u32 = 24;

/// Instances that a cell lists at most.
const LISTED: usize = 20;

/// Share of its limit from which on a process cannot accept much more.
const AT_LIMIT: f64 = 0.98;

/// Open files of one process.
#[derive(Debug, Clone)]
struct Holder {
    pid: u32,
    comm: String,
    open: u64,
    soft: u64,
    hard: Option<u64>,
}

impl Holder {
    fn used(&self) -> f64 {
        self.open as f64 / self.soft.max(1) as f64
    }

    fn entity(&self) -> Entity {
        Entity::process(self.pid, self.comm.clone())
            .detail(Msg::new("fds-holder").with("open", self.open).with("limit", self.soft))
    }
}

/// All holders with a limit, the one nearest to it first, and where they were read.
struct Holders {
    all: Vec<Holder>,
    source: &'static str,
    /// Processes whose number was refused.
    hidden: usize,
}

pub(super) fn evaluate(run: &Run, _: &Facts, out: &mut Output) {
    let holders = holders(run);
    let failures = failures(run);
    let host = run.last::<FileNr>(FILE_NR);
    let at_limit = saturation(run, &holders, out);
    utilization(run, &holders, &host, out);
    nofile(run, &holders, failures.as_ref().ok().map(Vec::as_slice), out);
    errors(run, failures, &holders, &at_limit, out);
}

/// From the in-kernel table, or else from what the collector counted.
fn holders(run: &Run) -> Reading<Holders> {
    if let Some(snapshot) = run.snapshots.iter().rev().find(|snapshot| snapshot.has("@bpf/files"))
        && let Reading::Value(rows) = bpf::parse::<OpenFiles>(snapshot)
    {
        let holders = rows.into_iter().map(|row| Holder {
            pid: row.pid,
            comm: row.comm,
            open: row.open,
            soft: row.soft_limit,
            hard: Some(row.hard_limit),
        });
        return Reading::Value(Holders { all: sorted(run, holders), source: "@bpf/files", hidden: 0 });
    }
    run.last::<Fds>("@fds").map(|table| {
        let hidden = table.0.iter().filter(|process| process.open.is_none()).count();
        let number = |limit: Limit| limit.at().unwrap_or(u64::MAX);
        let comm = |pid: u32| {
            let known = run.tasks.value().and_then(|tasks| tasks.processes.get(&pid));
            known.map_or_else(String::new, |used| used.task.comm.clone())
        };
        let holders = table.0.iter().filter_map(|process| {
            Some(Holder {
                pid: process.pid,
                comm: comm(process.pid),
                open: process.open?,
                soft: number(process.soft?),
                hard: process.hard.map(number),
            })
        });
        Holders { all: sorted(run, holders), source: "/proc/PID/fd", hidden }
    })
}

fn sorted(run: &Run, holders: impl Iterator<Item = Holder>) -> Vec<Holder> {
    // perfuse keeps its files open between samples: that is its own doing, and its limit is raised for it.
    let mut all: Vec<Holder> =
        holders.filter(|holder| run.in_scope(holder.pid) && holder.pid != run.host.self_pid).collect();
    all.sort_by(|a, b| b.used().total_cmp(&a.used()).then(a.pid.cmp(&b.pid)));
    all
}

fn verdict_of(run: &Run, used: f64) -> Verdict {
    if used >= run.threshold("fds.high") { Verdict::Watch } else { Verdict::Ok }
}

fn instances(run: &Run, holders: &Holders) -> Vec<Instance> {
    let instance = |holder: &Holder| {
        let name = format!("{} ({})", holder.comm, holder.pid);
        Instance::new(name, Quantity::ratio(holder.used()), verdict_of(run, holder.used()))
            .detail("open_files", Quantity::count(holder.open as f64))
            .detail("limit_files", Quantity::count(holder.soft as f64))
    };
    holders.all.iter().take(LISTED).map(instance).collect()
}

fn holder_evidence(holders: &Holders) -> Vec<Evidence> {
    let Some(worst) = holders.all.first() else { return Vec::new() };
    let pid = worst.pid;
    vec![
        Evidence::new(holders.source, format!("open files of {pid}"), Quantity::count(worst.open as f64))
            .by_hand(format!("ls /proc/{pid}/fd | wc -l")),
        Evidence::new(format!("/proc/{pid}/limits"), "Max open files, soft", Quantity::count(worst.soft as f64))
            .by_hand(format!("grep 'open files' /proc/{pid}/limits")),
    ]
}

fn utilization(run: &Run, holders: &Reading<Holders>, host: &Reading<FileNr>, out: &mut Output) {
    let host_used = host.value().filter(|host| host.max > 0).map(|host| host.allocated as f64 / host.max as f64);
    let worst = holders.value().and_then(|holders| holders.all.first()).map(Holder::used);
    let used = match (host_used, worst) {
        (None, None) => {
            let why = holders.why_missing().or(host.why_missing()).cloned();
            let why = why.unwrap_or_else(|| Missing::new(Why::Absent, "/proc/PID/fd"));
            return out.cell(Cell::unmeasurable(UTILIZATION, &why));
        }
        (host, worst) => host.unwrap_or(0.0).max(worst.unwrap_or(0.0)),
    };
    let mut cell = Cell::measured(UTILIZATION, verdict_of(run, used), Quantity::ratio(used));
    if let (Some(host), Some(used)) = (host.value(), host_used) {
        let count = |number: u64| Quantity::count(number as f64);
        cell.instances.push(
            Instance::new("host", Quantity::ratio(used), verdict_of(run, used))
                .detail("open_files", count(host.allocated))
                .detail("limit_files", count(host.max)),
        );
        for (metric, number) in [("allocated", host.allocated), ("file-max", host.max)] {
            cell.evidence.push(Evidence::new(FILE_NR, metric, count(number)).by_hand("cat /proc/sys/fs/file-nr"));
        }
    }
    match holders {
        Reading::Value(holders) => {
            cell.instances.extend(instances(run, holders));
            cell.evidence.extend(holder_evidence(holders));
            cell.culprits = holders.all.iter().take(5).map(Holder::entity).collect();
            if holders.hidden > 0 {
                cell.note = Some(Msg::new("fds-hidden").with("count", holders.hidden as u64));
            }
        }
        Reading::Missing(missing) => cell.note = Some(crate::message::missing(missing)),
    }
    // What the headline speaks of stands first.
    if host_used < worst {
        let number = cell.evidence.len();
        cell.evidence.rotate_left(number.min(2));
    }
    cell.instances.sort_by(|a, b| b.value.number.total_cmp(&a.value.number).then(a.name.cmp(&b.name)));
    cell.history = run
        .history(FILE_NR, |_: &FileNr, now: &FileNr, _| (now.max > 0).then(|| now.allocated as f64 / now.max as f64));
    out.cell(cell);
}

/// The nearest to its own limit; an error where a process was refused in the run.
fn nofile(run: &Run, holders: &Reading<Holders>, failures: Option<&[ErrnoCount]>, out: &mut Output) {
    let holders = match holders {
        Reading::Value(holders) => holders,
        Reading::Missing(missing) => return out.cell(Cell::unmeasurable(CONTROL, missing)),
    };
    let Some(worst) = holders.all.first() else {
        return out.cell(Cell::not_applicable(CONTROL, Msg::new("fds-nobody")));
    };
    let refused = failures.is_some_and(|rows| rows.iter().any(|row| row.errno == EMFILE));
    let verdict = if refused { Verdict::Error } else { verdict_of(run, worst.used()) };
    let mut cell = Cell::measured(CONTROL, verdict, Quantity::ratio(worst.used()));
    cell.instances = instances(run, holders);
    cell.evidence = holder_evidence(holders);
    let near = holders.all.iter().filter(|holder| verdict_of(run, holder.used()) == Verdict::Watch);
    cell.culprits = near.clone().take(5).map(Holder::entity).collect();
    if !refused {
        for holder in near.take(5) {
            out.finding(near_limit(holder));
        }
    }
    out.cell(cell);
}

fn near_limit(holder: &Holder) -> Finding {
    let spec = (Resource::Fds, Kind::Utilization, UTILIZATION);
    let mut finding = Finding::new("fds.near-limit", Severity::Watch, spec, holder.entity());
    finding.control = Some(CONTROL);
    finding.summary = finding
        .summary
        .with("name", &holder.comm)
        .with("pid", holder.pid.to_string())
        .with("open", holder.open)
        .with("limit", holder.soft);
    finding.confidence = 0.9;
    finding.advice = vec![raise(holder.pid, Some(holder))];
    finding
}

/// Twice the limit, within the hard one where that is known.
fn raise(pid: u32, holder: Option<&Holder>) -> Advice {
    let soft = holder.map_or(1024, |holder| holder.soft).max(1);
    let target = soft.saturating_mul(2);
    let hard = holder.and_then(|holder| holder.hard).filter(|hard| *hard < target);
    let command = match hard {
        None => format!("prlimit --pid {pid} --nofile={target}:"),
        Some(_) => format!("prlimit --pid {pid} --nofile={target}:{target}"),
    };
    Advice {
        text: Msg::new("fds-raise").with("target", target),
        command: Some(command),
        expect: Msg::new("fds-raise-expect").with("limit", soft).with("target", target),
    }
}

/// Calls that failed for want of a descriptor; `inotify_init` returns EMFILE for a limit of its own.
fn failures(run: &Run) -> Result<Vec<ErrnoCount>, Missing> {
    let (rows, _) = run.bpf::<ErrnoCount>().ok().map_err(|missing| match missing.why {
        Why::NotSampled => no_table(run, missing),
        _ => missing,
    })?;
    let mine = |row: &ErrnoCount| {
        matches!(row.errno, EMFILE | ENFILE)
            && !inotify::is_init(&run.host.machine, row.syscall)
            && run.in_scope(row.pid)
    };
    Ok(rows.into_iter().filter(mine).collect())
}

/// The accept backlogs of processes at their limit: what they cannot accept queues there. Returns their pids.
fn saturation(run: &Run, holders: &Reading<Holders>, out: &mut Output) -> BTreeMap<u32, u64> {
    let holders = match holders {
        Reading::Value(holders) => holders,
        Reading::Missing(missing) => {
            out.cell(Cell::unmeasurable(SATURATION, missing));
            return BTreeMap::new();
        }
    };
    let full: Vec<&Holder> = holders.all.iter().filter(|holder| holder.used() >= AT_LIMIT).collect();
    if full.is_empty() {
        out.cell(Cell::not_applicable(SATURATION, Msg::new("fds-no-saturation")));
        return BTreeMap::new();
    }
    let backlogs = super::backlog::waiting(run);
    if !full.iter().any(|holder| backlogs.contains_key(&holder.pid)) && run.host.euid != 0 {
        // Whose socket it is stands in /proc/PID/fd, closed to other users: an unseen queue is not an empty one.
        let missing = Missing::new(Why::NoPermission, "/proc/PID/fd");
        out.cell(Cell::unmeasurable(SATURATION, &missing));
        return BTreeMap::new();
    }
    let waiting: BTreeMap<u32, u64> =
        full.iter().filter_map(|holder| Some((holder.pid, *backlogs.get(&holder.pid)?))).collect();
    let total: u64 = waiting.values().sum();
    let verdict = if total > 0 { Verdict::Bottleneck } else { Verdict::Watch };
    let mut cell =
        Cell::measured(SATURATION, verdict, Quantity::count(total as f64)).note(Msg::new("fds-backlog-proxy"));
    cell.instances = full
        .iter()
        .map(|holder| {
            let queued = waiting.get(&holder.pid).copied().unwrap_or(0);
            let verdict = if queued > 0 { Verdict::Bottleneck } else { Verdict::Watch };
            Instance::new(format!("{} ({})", holder.comm, holder.pid), Quantity::count(queued as f64), verdict)
                .detail("open_files", Quantity::count(holder.open as f64))
                .detail("limit_files", Quantity::count(holder.soft as f64))
        })
        .collect();
    cell.instances.sort_by(|a, b| b.value.number.total_cmp(&a.value.number).then(a.name.cmp(&b.name)));
    cell.evidence.push(
        Evidence::new("sock_diag", "accept queues of processes at their limit", Quantity::count(total as f64))
            .by_hand("ss -ltnp   # Recv-Q"),
    );
    cell.culprits = full.iter().take(5).map(|holder| holder.entity()).collect();
    out.cell(cell);
    waiting
}

fn errors(
    run: &Run,
    failures: Result<Vec<ErrnoCount>, Missing>,
    holders: &Reading<Holders>,
    backlog: &BTreeMap<u32, u64>,
    out: &mut Output,
) {
    let rows = match failures {
        Ok(rows) => rows,
        Err(missing) => return out.cell(Cell::unmeasurable(ERRORS, &missing)),
    };
    let total: u64 = rows.iter().map(|row| row.count).sum();
    let verdict = if total > 0 { Verdict::Error } else { Verdict::Ok };
    let mut cell = Cell::measured(ERRORS, verdict, Quantity::count(total as f64));
    for (errno, name) in [(EMFILE, "EMFILE"), (ENFILE, "ENFILE")] {
        let count: u64 = rows.iter().filter(|row| row.errno == errno).map(|row| row.count).sum();
        let by_hand = "strace -f -Z -p PID   # failed calls";
        cell.evidence.push(Evidence::new("@bpf/errno", name, Quantity::count(count as f64)).by_hand(by_hand));
    }
    let processes = by_process(&rows);
    cell.instances = processes
        .iter()
        .map(|(entity, count)| {
            let name = format!("{} ({})", entity.name, entity.pid.unwrap_or(0));
            Instance::new(name, Quantity::count(*count as f64), Verdict::Error)
        })
        .collect();
    cell.culprits = processes.iter().take(5).map(|(entity, _)| entity.clone()).collect();
    out.cell(cell);
    let of = |errno: u32| rows.iter().filter(|row| row.errno == errno).cloned().collect::<Vec<_>>();
    for (entity, count) in by_process(&of(EMFILE)).into_iter().take(5) {
        out.finding(limit_reached(&entity, count, holders.value(), backlog));
    }
    let host_full = by_process(&of(ENFILE));
    if !host_full.is_empty() {
        out.finding(file_max_reached(run, &host_full));
    }
}

fn limit_reached(entity: &Entity, count: u64, holders: Option<&Holders>, backlog: &BTreeMap<u32, u64>) -> Finding {
    let spec = (Resource::Fds, Kind::Errors, ERRORS);
    let pid = entity.pid.unwrap_or(0);
    let holder = holders.and_then(|holders| holders.all.iter().find(|holder| holder.pid == pid));
    let mut finding = Finding::new("fds.limit-reached", Severity::Error, spec, entity.clone());
    finding.control = Some(CONTROL);
    finding.summary = finding.summary.with("name", &entity.name).with("pid", pid.to_string()).with("count", count);
    finding.victims = vec![entity.clone()];
    finding.confidence = 0.98;
    if let Some(holder) = holder {
        finding.chain.push(Link {
            from: Msg::new("fds-link-refused").with("name", &entity.name).with("pid", pid.to_string()),
            to: Msg::new("fds-link-limit").with("limit", holder.soft),
            evidence: Msg::new("fds-link-evidence").with("count", count).with("open", holder.open),
        });
    }
    if let Some(queued) = backlog.get(&pid).filter(|queued| **queued > 0) {
        finding.chain.push(Link {
            from: Msg::new("fds-link-clients"),
            to: Msg::new("fds-link-refused").with("name", &entity.name).with("pid", pid.to_string()),
            evidence: Msg::new("fds-link-backlog").with("queued", *queued),
        });
    }
    finding.advice = vec![
        raise(pid, holder),
        Advice {
            text: Msg::new("fds-leak").with("name", &entity.name),
            command: Some(format!(
                "ls -l /proc/{pid}/fd | awk '{{print $NF}}' | sed 's/[0-9]\\+//g' | sort | uniq -c | sort -rn | head"
            )),
            expect: Msg::new("fds-leak-expect"),
        },
    ];
    finding.explains = &["network.listen-overflow", "fds.near-limit"];
    finding
}

fn file_max_reached(run: &Run, processes: &[(Entity, u64)]) -> Finding {
    let spec = (Resource::Fds, Kind::Errors, ERRORS);
    let host = run.last::<FileNr>(FILE_NR).into_value();
    let max = host.map_or(0, |host| host.max);
    let count: u64 = processes.iter().map(|(_, count)| count).sum();
    let mut finding = Finding::new("fds.file-max-reached", Severity::Error, spec, Entity::host());
    finding.victims = processes.iter().take(5).map(|(entity, _)| entity.clone()).collect();
    finding.summary = finding.summary.with("count", count).with("max", max);
    finding.confidence = 0.95;
    let target = max.saturating_mul(2);
    finding.advice = vec![Advice {
        text: Msg::new("fds-raise-host").with("target", target),
        command: Some(format!("sysctl -w fs.file-max={target}")),
        expect: Msg::new("fds-raise-host-expect").with("count", count),
    }];
    finding
}
