//! `control.inotify`: instances and watches of each user against their limits.

use perfuse_format::bpf::ErrnoCount;
use perfuse_format::parse::Number;
use perfuse_format::sys::fds::{Inotify, ProcessInotify};
use perfuse_format::{Missing, Reading};

use super::capacity::by_process;
use super::facts::Facts;
use crate::cell::{Advice, Cell, Entity, Evidence, Finding, Instance, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;
use crate::table::{Kind, Resource};

const ID: &str = "control.inotify";
const WATCHES: &str = "/proc/sys/fs/inotify/max_user_watches";
const INSTANCES: &str = "/proc/sys/fs/inotify/max_user_instances";
const ENOSPC: u32 = 28;
const EMFILE: u32 = 24;

/// Whether a system call number is `inotify_add_watch`: its ENOSPC means the limit of watches, not a full disk.
pub(super) fn is_add_watch(machine: &str, syscall: u32) -> bool {
    match machine {
        "x86_64" => syscall == 254,
        "aarch64" | "riscv64" | "loongarch64" => syscall == 27,
        _ => false,
    }
}

/// Whether it is `inotify_init` or `inotify_init1`: their EMFILE is most often the limit of instances.
pub(super) fn is_init(machine: &str, syscall: u32) -> bool {
    match machine {
        "x86_64" => matches!(syscall, 253 | 294),
        "aarch64" | "riscv64" | "loongarch64" => syscall == 26,
        _ => false,
    }
}

pub(super) fn evaluate(run: &Run, _: &Facts, out: &mut Output) {
    let failures = failures(run);
    let all = (|| -> Result<(Inotify, u64, u64), Missing> {
        let number = |file: &str| run.last::<Number>(file).ok().map(|number| number.0);
        Ok((run.last::<Inotify>("@inotify").ok()?, number(WATCHES)?, number(INSTANCES)?))
    })();
    if let Some(finding) = finding(&failures) {
        out.finding(finding);
    }
    let (found, watches, instances) = match all {
        Ok(all) => all,
        Err(missing) => return out.cell(Cell::unmeasurable(ID, &missing)),
    };
    let share = |number: u64, limit: u64| number as f64 / limit.max(1) as f64;
    let users = by_user(&found);
    let used = |user: &ProcessInotify| share(user.watches, watches).max(share(user.instances, instances));
    let verdict_of = |used: f64| if used >= run.threshold("fds.inotify-high") { Verdict::Watch } else { Verdict::Ok };
    let worst = users.iter().map(used).fold(0.0, f64::max);
    let verdict = if failures.is_empty() { verdict_of(worst) } else { Verdict::Error };
    let mut cell = Cell::measured(ID, verdict, Quantity::ratio(worst));
    if !found.complete {
        cell.note = Some(Msg::new("inotify-lower-bound"));
    }
    cell.instances = users
        .iter()
        .map(|user| {
            Instance::new(format!("uid {}", user.uid), Quantity::ratio(used(user)), verdict_of(used(user)))
                .detail("watches", Quantity::count(user.watches as f64))
                .detail("inotify_instances", Quantity::count(user.instances as f64))
        })
        .collect();
    cell.instances.sort_by(|a, b| b.value.number.total_cmp(&a.value.number).then(a.name.cmp(&b.name)));
    for (source, limit) in [(WATCHES, watches), (INSTANCES, instances)] {
        let by_hand = format!("cat {source}");
        cell.evidence.push(Evidence::new(source, "limit", Quantity::count(limit as f64)).by_hand(by_hand));
    }
    let total: u64 = users.iter().map(|user| user.watches).sum();
    let by_hand = "grep -c ^inotify /proc/*/fdinfo/* 2>/dev/null | grep -v ':0$'";
    let total = Quantity::count(total as f64);
    cell.evidence.push(Evidence::new("/proc/PID/fdinfo", "watches", total).by_hand(by_hand));
    cell.culprits = holders(run, &found);
    out.cell(cell);
}

/// The sums of each user, whom the limits are for; of their pids only the first.
fn by_user(found: &Inotify) -> Vec<ProcessInotify> {
    let mut users: Vec<ProcessInotify> = Vec::new();
    for process in &found.processes {
        match users.iter_mut().find(|user| user.uid == process.uid) {
            Some(user) => {
                user.instances = user.instances.saturating_add(process.instances);
                user.watches = user.watches.saturating_add(process.watches);
            }
            None => users.push(*process),
        }
    }
    users
}

/// The processes with the most watches and instances.
fn holders(run: &Run, found: &Inotify) -> Vec<Entity> {
    let mut processes = found.processes.clone();
    processes.sort_by_key(|process| (std::cmp::Reverse((process.watches, process.instances)), process.pid));
    processes
        .into_iter()
        .take(5)
        .map(|process| {
            let known = run.tasks.value().and_then(|tasks| tasks.processes.get(&process.pid));
            let comm = known.map_or_else(String::new, |used| used.task.comm.clone());
            let detail =
                Msg::new("inotify-holder").with("watches", process.watches).with("instances", process.instances);
            Entity::process(process.pid, comm).detail(detail)
        })
        .collect()
}

/// Refused inotify calls.
fn failures(run: &Run) -> Vec<ErrnoCount> {
    let rows = match run.bpf::<ErrnoCount>() {
        Reading::Value((rows, _)) => rows,
        Reading::Missing(_) => return Vec::new(),
    };
    let machine = run.host.machine.as_str();
    let mine = |row: &ErrnoCount| {
        (row.errno == ENOSPC && is_add_watch(machine, row.syscall))
            || (row.errno == EMFILE && is_init(machine, row.syscall))
    };
    rows.into_iter().filter(|row| mine(row) && run.in_scope(row.pid)).collect()
}

fn finding(failures: &[ErrnoCount]) -> Option<Finding> {
    let processes = by_process(failures);
    let (worst, _) = processes.first()?;
    let count: u64 = failures.iter().map(|row| row.count).sum();
    let of_watches = failures.iter().any(|row| row.errno == ENOSPC);
    let spec = (Resource::Fds, Kind::Errors, "fds.errors");
    let mut finding = Finding::new("fds.inotify-limit", Severity::Error, spec, worst.clone());
    finding.control = Some(ID);
    let setting = if of_watches { "fs.inotify.max_user_watches" } else { "fs.inotify.max_user_instances" };
    finding.summary = finding
        .summary
        .with("name", &worst.name)
        .with("pid", worst.pid.unwrap_or(0).to_string())
        .with("count", count)
        .with("setting", setting);
    finding.victims = processes.iter().take(5).map(|(entity, _)| Entity::clone(entity)).collect();
    finding.confidence = if of_watches { 0.95 } else { 0.8 };
    finding.advice = vec![Advice {
        text: Msg::new("finding-fds-inotify-limit-advice").with("setting", setting),
        command: Some(format!("sysctl {setting}; sysctl -w {setting}=$((2 * $(sysctl -n {setting})))")),
        expect: Msg::new("finding-fds-inotify-limit-expect").with("count", count),
    }];
    Some(finding)
}
