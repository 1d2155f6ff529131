//! `kernel-lock.*`: contended locks of the kernel, by the place that asked for them; lockups, hung tasks, RCU stalls.

use std::collections::BTreeMap;

use perfuse_format::bpf::{LockHist, LockKind, LockWait};
use perfuse_format::proc::kmsg::{Event, Owner};
use perfuse_format::proc::stacks::Stacks;
use perfuse_format::{Missing, Reading};

use super::{advice, is_bottleneck, link};
use crate::cell::{Cell, Entity, EntityKind, Evidence, Finding, Instance, Quantity, Severity, Verdict};
use crate::checklist::Output;
use crate::kernel_log::{Logged, logged};
use crate::message::Msg;
use crate::run::Run;
use crate::{Kind, Resource};

const UTILIZATION: &str = "kernel-lock.utilization";
const SATURATION: &str = "kernel-lock.saturation";
const ERRORS: &str = "kernel-lock.errors";

const SOURCE: &str = "bpf lock:contention_begin, lock:contention_end";
const BY_HAND: &str = "perf lock contention -a -b sleep 5";

/// The three cells and their findings.
pub(super) fn evaluate(run: &Run, out: &mut Output) {
    match run.bpf::<LockHist>() {
        Reading::Value((hists, seconds)) => {
            utilization(run, &hists, seconds, out);
            saturation(run, &hists, seconds, out);
        }
        Reading::Missing(missing) => {
            out.cell(Cell::unmeasurable(UTILIZATION, &missing));
            out.cell(Cell::unmeasurable(SATURATION, &missing));
        }
    }
    errors(run, out);
}

/// A word for a kind of lock, the same in every language.
fn word(kind: LockKind) -> &'static str {
    match kind {
        LockKind::Spin => "spinlock",
        LockKind::RwLockRead => "rwlock (read)",
        LockKind::RwLockWrite => "rwlock (write)",
        LockKind::Mutex => "mutex",
        LockKind::RwsemRead => "rwsem (read)",
        LockKind::RwsemWrite => "rwsem (write)",
        LockKind::PercpuRwsem => "percpu rwsem",
        LockKind::RtMutex => "rtmutex",
        LockKind::Semaphore => "semaphore",
    }
}

/// The time that spinning for locks took of the CPUs.
fn utilization(run: &Run, hists: &[LockHist], seconds: f64, out: &mut Output) {
    let cpus = f64::from(run.host.cpus.max(1));
    let share = |ns: u64| ns as f64 / 1e9 / seconds / cpus;
    let spinning = || hists.iter().filter(|row| row.kind().spins());
    let total: u64 = spinning().fold(0, |sum, row| sum.saturating_add(row.hist.sum_ns));
    let high = share(total) >= run.threshold("kernel-lock.spin");
    let verdict = if high { Verdict::Watch } else { Verdict::Ok };
    let value = Quantity::ratio(share(total));
    let mut cell = Cell::measured(UTILIZATION, verdict, value)
        .evidence(Evidence::new(SOURCE, "time of spinning waiters", value).by_hand(BY_HAND))
        .note(Msg::new("cell-kernel-lock-utilization-note-spin"));
    cell.instances = spinning()
        .map(|row| {
            Instance::new(word(row.kind()), Quantity::ratio(share(row.hist.sum_ns)), verdict)
                .detail("waits_per_s", Quantity::rate(row.hist.count as f64 / seconds))
        })
        .collect();
    cell.instances.sort_by(|a, b| b.value.number.total_cmp(&a.value.number));
    out.cell(cell);
}

/// Contended waits at one place of the kernel.
#[derive(Default)]
struct Site {
    wait: f64,
    count: u64,
    longest: f64,
    kind: Option<LockKind>,
    /// Seconds per second by process.
    processes: BTreeMap<u32, (String, f64)>,
}

/// Functions that are the lock itself, not the place that asked for it.
const LOCK_FUNCTIONS: [&str; 24] = [
    "native_queued_spin_lock_slowpath",
    "queued_spin_lock_slowpath",
    "__pv_queued_spin_lock_slowpath",
    "queued_read_lock_slowpath",
    "queued_write_lock_slowpath",
    "_raw_spin_lock",
    "_raw_read_lock",
    "_raw_write_lock",
    "__raw_spin_lock",
    "__mutex_lock",
    "mutex_lock",
    "rwsem_down",
    "down_read",
    "down_write",
    "down_interruptible",
    "down_killable",
    "down_timeout",
    "__down",
    "down",
    "__percpu_down_read",
    "percpu_down_write",
    "percpu_rwsem_wait",
    "rt_mutex",
    "__traceiter_contention",
];

/// `caller < its caller` of a stack: the place that asked for the lock.
pub(super) fn call_site(frames: &[String]) -> Option<String> {
    let is_lock = |frame: &String| {
        let plain = frame.split(['+', ' ']).next().unwrap_or(frame);
        LOCK_FUNCTIONS.iter().any(|known| plain.starts_with(known)) || plain.starts_with("bpf_")
    };
    let mut places =
        frames.iter().skip_while(|frame| is_lock(frame)).map(|frame| frame.split('+').next().unwrap_or(frame));
    let first = places.next()?;
    Some(places.next().map_or_else(|| first.to_owned(), |second| format!("{first} < {second}")))
}

fn sites(run: &Run, rows: &[LockWait], seconds: f64) -> Vec<(String, Site)> {
    let stacks = run.last::<Stacks>("@stacks").into_value().unwrap_or_default();
    let mut sites: BTreeMap<String, Site> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.pid == 0 || run.in_scope(row.pid)) {
        if row.pid == run.host.self_pid {
            continue;
        }
        let named = stacks.kernel.get(&row.kernel_stack).and_then(|frames| call_site(frames));
        let name = named.unwrap_or_else(|| format!("{} {:#x}", word(row.kind()), row.lock));
        let site = sites.entry(name).or_default();
        let wait = row.sum_ns as f64 / 1e9 / seconds;
        site.wait += wait;
        site.count = site.count.saturating_add(row.count);
        site.longest = site.longest.max(row.max_ns as f64 / 1e9);
        site.kind = Some(row.kind());
        let process = site.processes.entry(row.pid).or_insert_with(|| (row.comm.clone(), 0.0));
        process.1 += wait;
    }
    let mut sites: Vec<(String, Site)> = sites.into_iter().collect();
    sites.sort_by(|a, b| b.1.wait.total_cmp(&a.1.wait).then(a.0.cmp(&b.0)));
    sites
}

/// Share of the time in which the process wanted to go on that it waited for the lock.
fn share(run: &Run, pid: u32, wait: f64) -> f64 {
    let used = run.tasks.value().and_then(|tasks| tasks.processes.get(&pid));
    let own = used.map_or(0.0, |used| used.cpu + used.run_delay.unwrap_or(0.0));
    wait / (wait + own).max(f64::MIN_POSITIVE)
}

fn is_kernel(run: &Run, pid: u32) -> bool {
    let used = run.tasks.value().and_then(|tasks| tasks.processes.get(&pid));
    pid == 0 || used.is_some_and(|used| used.task.kernel_thread)
}

fn saturation(run: &Run, hists: &[LockHist], seconds: f64, out: &mut Output) {
    let rows = run.bpf::<LockWait>().into_value().map(|(rows, _)| rows).unwrap_or_default();
    let sites = sites(run, &rows, seconds);
    let total: u64 = hists.iter().fold(0, |sum, row| sum.saturating_add(row.hist.sum_ns));
    let wait = total as f64 / 1e9 / seconds;
    let waits: u64 = hists.iter().fold(0, |sum, row| sum.saturating_add(row.hist.count));
    let findings: Vec<Finding> = sites.iter().filter_map(|(name, site)| finding(run, name, site)).collect();
    let verdict = if findings.is_empty() { Verdict::Ok } else { Verdict::Bottleneck };
    let mut cell = Cell::measured(SATURATION, verdict, Quantity::wait(wait))
        .evidence(Evidence::new(SOURCE, "wait time", Quantity::wait(wait)).by_hand(BY_HAND))
        .evidence(Evidence::new(SOURCE, "contended waits", Quantity::rate(waits as f64 / seconds)).by_hand(BY_HAND));
    for (name, site) in sites.iter().take(20) {
        let hurts = findings.iter().any(|finding| finding.culprit.name == *name);
        let verdict = if hurts { Verdict::Bottleneck } else { Verdict::Ok };
        cell.instances.push(
            Instance::new(name, Quantity::wait(site.wait), verdict)
                .detail("waits_per_s", Quantity::rate(site.count as f64 / seconds))
                .detail("longest", Quantity::seconds(site.longest)),
        );
    }
    let mut waiters: BTreeMap<u32, (String, f64)> = BTreeMap::new();
    for (_, site) in &sites {
        for (pid, (comm, wait)) in &site.processes {
            waiters.entry(*pid).or_insert_with(|| (comm.clone(), 0.0)).1 += wait;
        }
    }
    let mut waiters: Vec<_> = waiters.into_iter().collect();
    waiters.sort_by(|a, b| b.1.1.total_cmp(&a.1.1).then(a.0.cmp(&b.0)));
    cell.culprits = waiters.iter().take(5).map(|(pid, (comm, wait))| waiter(*pid, comm, *wait)).collect();
    out.cell(cell);
    for finding in findings {
        out.finding(finding);
    }
}

fn waiter(pid: u32, comm: &str, wait: f64) -> Entity {
    let detail = Msg::new("detail-text-waits-for-kernel-lock").with("wait", Quantity::wait(wait));
    Entity::process(pid, comm).detail(detail)
}

fn finding(run: &Run, name: &str, site: &Site) -> Option<Finding> {
    let mut victims: Vec<_> = site
        .processes
        .iter()
        // A worker of the kernel that waits makes nobody wait who is not seen himself.
        .filter(|(pid, _)| !is_kernel(run, **pid))
        .filter(|(pid, (_, wait))| is_bottleneck(run, *wait, share(run, **pid, *wait)))
        .map(|(pid, (comm, wait))| (*pid, comm.as_str(), *wait))
        .collect();
    victims.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
    let (_, comm, own) = *victims.first()?;
    let wait: f64 = victims.iter().map(|(_, _, wait)| wait).sum();
    let spec = (Resource::KernelLock, Kind::Saturation, SATURATION);
    let mut finding =
        Finding::new("kernel-lock.contention", Severity::Bottleneck, spec, Entity::new(EntityKind::Lock, name));
    finding.victims = victims.iter().take(5).map(|(pid, comm, wait)| waiter(*pid, comm, *wait)).collect();
    finding.wait_s_per_s = Some(wait);
    finding.confidence = 0.9;
    let kind = site.kind.map_or("lock", word);
    finding.summary = Msg::new("finding-kernel-lock-contention-summary")
        .with("victim", comm)
        .with("own", Quantity::wait(own))
        .with("wait", Quantity::wait(wait))
        .with("kind", kind)
        .with("site", name);
    finding.chain = vec![link(
        Msg::new("finding-kernel-lock-contention-link-waits").with("victim", comm),
        Msg::new("finding-kernel-lock-contention-link-lock").with("kind", kind).with("site", name),
        Msg::new("finding-kernel-lock-contention-link-evidence")
            .with("wait", Quantity::wait(wait))
            .with("count", site.count)
            .with("longest", Quantity::seconds(site.longest)),
    )];
    finding.advice = vec![advice(
        Msg::new("finding-kernel-lock-contention-advice-callers").with("site", name),
        Some("perf lock contention -a -b -v sleep 5; perf record -e lock:contention_begin -g -a sleep 5".to_owned()),
        Msg::new("finding-kernel-lock-contention-expect-callers").with("wait", Quantity::wait(wait)),
    )];
    Some(finding)
}

/// What the log says of locks.
fn concerns_locks(event: &Event) -> bool {
    matches!(event, Event::SoftLockup { .. } | Event::HardLockup { .. } | Event::HungTask { .. } | Event::RcuStall)
}

fn errors(run: &Run, out: &mut Output) {
    let all: Vec<Logged> = match logged(run) {
        Reading::Value(all) => all.into_iter().filter(|logged| concerns_locks(&logged.event.event)).collect(),
        Reading::Missing(missing) => return out.cell(no_log(&missing)),
    };
    let recent = run.threshold("cpu.log-recent");
    let now = all.iter().filter(|logged| logged.during).count();
    let lately = all.iter().any(|logged| (logged.age_s as f64) < recent);
    let verdict = match (now, lately) {
        (1.., _) => Verdict::Error,
        (_, true) => Verdict::Watch,
        _ => Verdict::Ok,
    };
    let count = Quantity::count(now as f64);
    let mut cell = Cell::measured(ERRORS, verdict, count).evidence(
        Evidence::new("/dev/kmsg", "lockups, hung tasks and RCU stalls in this run", count)
            .by_hand("dmesg | grep -E 'soft lockup|blocked for more than|rcu.*stall'"),
    );
    for logged in all.iter().rev().take(10) {
        let verdict = if logged.during { Verdict::Error } else { Verdict::Ok };
        cell.instances.push(
            Instance::new(&logged.event.text, Quantity::count(1.0), verdict)
                .detail("age", Quantity::seconds(logged.age_s as f64)),
        );
    }
    out.cell(cell);
    let mut told: Vec<&Event> = Vec::new();
    for logged in all.iter().filter(|logged| logged.during) {
        if !told.contains(&&logged.event.event) {
            told.push(&logged.event.event);
            out.finding(stuck(logged));
        }
    }
}

fn no_log(missing: &Missing) -> Cell {
    Cell::unmeasurable(ERRORS, missing)
}

fn task(owner: &Owner) -> Entity {
    Entity::thread(owner.tid, owner.tid, &owner.comm)
}

/// A finding for an event of the log.
fn stuck(logged: &Logged) -> Finding {
    let spec = (Resource::KernelLock, Kind::Errors, ERRORS);
    let new = |id: &'static str, culprit| Finding::new(id, Severity::Error, spec, culprit);
    let said = Msg::new("finding-kernel-lock-link-log").with("text", &logged.event.text);
    let (mut finding, from, to, text) = match &logged.event.event {
        Event::HungTask { task: hung, seconds, blocker } => {
            let culprit = blocker.as_ref().map_or_else(|| task(hung), task);
            let mut finding = Finding::new("kernel-lock.hung-task", Severity::Error, spec, culprit);
            finding.victims = vec![task(hung)];
            finding.wait_s_per_s = Some(1.0);
            finding.summary = match blocker {
                Some(blocker) => Msg::new("finding-kernel-lock-hung-task-summary-blocker")
                    .with("victim", &hung.comm)
                    .with("seconds", *seconds)
                    .with("blocker", &blocker.comm),
                None => Msg::new("finding-kernel-lock-hung-task-summary")
                    .with("victim", &hung.comm)
                    .with("seconds", *seconds),
            };
            let to = blocker.as_ref().map_or_else(
                || Msg::new("finding-kernel-lock-hung-task-link-unknown"),
                |blocker| Msg::new("finding-kernel-lock-hung-task-link-blocker").with("blocker", &blocker.comm),
            );
            let from = Msg::new("finding-kernel-lock-hung-task-link-blocked").with("victim", &hung.comm);
            let text = Msg::new("finding-kernel-lock-hung-task-advice-stack");
            (finding, from, to, (text, format!("cat /proc/{}/stack; echo w > /proc/sysrq-trigger", hung.tid)))
        }
        event => {
            let (cpu, culprit) = match event {
                Event::SoftLockup { cpu, task: owner, .. } => (format!("cpu{cpu}"), task(owner)),
                Event::HardLockup { cpu: Some(cpu) } => {
                    (format!("cpu{cpu}"), Entity::new(EntityKind::Kernel, format!("cpu{cpu}")))
                }
                _ => ("CPU".to_owned(), Entity::new(EntityKind::Kernel, "kernel")),
            };
            let mut finding = new("kernel-lock.lockup", culprit);
            finding.victims = vec![Entity::host()];
            finding.summary = Msg::new("finding-kernel-lock-lockup-summary").with("cpu", &cpu);
            let from = Msg::new("finding-kernel-lock-lockup-link-stuck").with("cpu", &cpu);
            let text = Msg::new("finding-kernel-lock-lockup-advice-backtrace");
            let command = "dmesg | grep -A40 -E 'lockup|rcu.*stall'".to_owned();
            (finding, from, Msg::new("finding-kernel-lock-lockup-link-kernel"), (text, command))
        }
    };
    finding.confidence = 1.0;
    finding.chain = vec![link(from, to, said)];
    finding.advice = vec![advice(text.0, Some(text.1), Msg::new("finding-kernel-lock-expect-log"))];
    finding
}
