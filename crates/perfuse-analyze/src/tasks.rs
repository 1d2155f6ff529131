//! What every process and thread used over a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use perfuse_format::parse::{fields, fraction};
use perfuse_format::proc::pid::PidCgroup;
use perfuse_format::tasks::{Task, TaskSource, TaskTable};
use perfuse_format::{Delta, Missing, RawSnapshot, Reading, Why, delta};

use crate::run::{Run, read_pid_cgroups};

/// What one task used, in seconds or counts per second of the run's whole length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Used {
    /// The task as last seen.
    pub task: Task,
    /// Seconds on CPU per second, user and system: 1.0 is one CPU.
    pub cpu: f64,
    /// User part of `cpu`.
    pub user: f64,
    /// System part of `cpu`.
    pub system: f64,
    /// Seconds runnable and waiting for a CPU, per second.
    pub run_delay: Option<f64>,
    /// Seconds waiting for block I/O, per second; only with delay accounting.
    pub blkio_delay: Option<f64>,
    /// Seconds waiting for swap-in, per second; only with delay accounting.
    pub swapin_delay: Option<f64>,
    /// Seconds in direct reclaim, per second; only with delay accounting.
    pub reclaim_delay: Option<f64>,
    /// Seconds waiting for refaults, per second; only with delay accounting.
    pub thrashing_delay: Option<f64>,
    /// Minor faults per second.
    pub minor_faults: f64,
    /// Major faults per second.
    pub major_faults: f64,
    /// Voluntary context switches per second.
    pub voluntary_switches: Option<f64>,
    /// Involuntary context switches per second.
    pub involuntary_switches: Option<f64>,
    /// Bytes per second from storage.
    pub read_bytes: Option<f64>,
    /// Bytes per second towards storage.
    pub write_bytes: Option<f64>,
    /// Share of the time over which its rates are taken in which it existed.
    pub alive: f64,
    /// Share of the run's samples in which it was in uninterruptible sleep (D).
    pub blocked_samples: f64,
    /// Share of the run's samples in which it was runnable or running (R).
    pub runnable_samples: f64,
    /// Not there any more in the last snapshot.
    pub ended: bool,
}

/// What all tasks used over the run.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskUse {
    /// Whole processes by pid, those that ended during the run included.
    pub processes: BTreeMap<u32, Used>,
    /// Threads by tid; see [`TaskTable::threads`] for which.
    pub threads: BTreeMap<u32, Used>,
    /// Where it comes from.
    pub source: TaskSource,
    /// Tasks in the last snapshot: threads, where the source sees them all, else the sum of thread counts.
    pub total_threads: u64,
}

/// The tables of snapshots that are looked at more than once, by the time of each: of a run without end every second one is
/// the end of another run.
#[derive(Debug, Default)]
pub struct Tables {
    tasks: BTreeMap<u64, Arc<TaskTable>>,
    cgroups: BTreeMap<u64, PidCgroups>,
}

/// The cgroups of the processes of one snapshot.
pub(crate) type PidCgroups = Vec<(u32, Arc<PidCgroup>)>;

impl Tables {
    fn tasks_of(&mut self, snapshot: &RawSnapshot) -> Option<Arc<TaskTable>> {
        if let Some(table) = self.tasks.get(&snapshot.mono_ns) {
            return Some(Arc::clone(table));
        }
        let table = Arc::new(TaskTable::from_raw(snapshot).into_value()?);
        self.tasks.insert(snapshot.mono_ns, Arc::clone(&table));
        Some(table)
    }

    pub(crate) fn cgroups_of(&mut self, snapshot: &RawSnapshot) -> &PidCgroups {
        self.cgroups.entry(snapshot.mono_ns).or_insert_with(|| read_pid_cgroups(snapshot))
    }

    /// Forgets those of snapshots from before a time (`CLOCK_MONOTONIC` in nanoseconds).
    pub fn forget_before(&mut self, mono_ns: u64) {
        self.tasks = self.tasks.split_off(&mono_ns);
        self.cgroups = self.cgroups.split_off(&mono_ns);
    }
}

/// Adds up the differences of neighbouring snapshots, so that a task that lives only through a part of the run is
/// still counted for that part.
pub fn over(run: &Run, known: &mut Tables) -> Reading<TaskUse> {
    let tables: Vec<(Moment, Arc<TaskTable>)> =
        run.snapshots.iter().filter_map(|snapshot| Some((Moment::of(snapshot), known.tasks_of(snapshot)?))).collect();
    let (Some((start, first)), Some((end, last))) = (tables.first(), tables.last()) else {
        return run.snapshots.last().map_or_else(
            || Reading::missing(Why::NotSampled, "tasks"),
            |snapshot| TaskTable::from_raw(snapshot).and_then(|_| Reading::missing(Why::TooEarly, "tasks")),
        );
    };
    let seconds = end.mono_ns.saturating_sub(start.mono_ns) as f64 / 1e9;
    if tables.len() < 2 || seconds <= 0.0 {
        return Reading::Missing(Missing::new(Why::TooEarly, "tasks"));
    }
    let pick = |processes: bool| {
        let maps: Vec<(Moment, &BTreeMap<u32, Task>)> =
            tables.iter().map(|(at, table)| (*at, if processes { &table.processes } else { &table.threads })).collect();
        accumulate(&maps, seconds)
    };
    let total_threads = match last.source {
        TaskSource::BpfIterator => last.threads.len() as u64,
        TaskSource::Proc => last.processes.values().map(|task| u64::from(task.threads)).sum(),
    };
    Reading::Value(TaskUse { processes: pick(true), threads: pick(false), source: first.source, total_threads })
}

/// When a snapshot was taken, on both clocks that matter here.
#[derive(Debug, Clone, Copy)]
struct Moment {
    mono_ns: u64,
    /// Nanoseconds since boot, suspended time included: the clock of [`Task::start_ns`].
    boot_ns: u64,
}

impl Moment {
    /// Start times are cut to clock ticks and `/proc/uptime` to hundredths of a second.
    const SLACK_NS: u64 = 20_000_000;

    fn of(snapshot: &RawSnapshot) -> Self {
        let uptime = snapshot.bytes("/proc/uptime").into_value().and_then(|bytes| fraction(fields(bytes).next()?));
        let boot_ns = match uptime {
            Some(seconds) if (0.0..1e10).contains(&seconds) => std::time::Duration::from_secs_f64(seconds).as_nanos(),
            _ => u128::from(snapshot.mono_ns),
        };
        Self { mono_ns: snapshot.mono_ns, boot_ns: u64::try_from(boot_ns).unwrap_or(u64::MAX) }
    }

    /// Whether a task with this start time did not exist at this moment.
    fn is_before_birth(&self, task: &Task) -> bool {
        task.start_ns.saturating_add(Self::SLACK_NS) >= self.boot_ns
    }
}

/// Sums of one task while the tables are walked.
#[derive(Default)]
struct Sums<'a> {
    /// As last seen.
    task: Option<&'a Task>,
    /// Nanoseconds of the run before it was first looked at although it existed (a thread that was not read until
    /// its process was seen to be busy): rates are over the rest.
    unseen_ns: u64,
    /// Its life within the run, on the monotonic clock.
    life_ns: Option<(u64, u64)>,
    user: u64,
    system: u64,
    run_delay: Option<u64>,
    blkio: Option<u64>,
    swapin: Option<u64>,
    reclaim: Option<u64>,
    thrashing: Option<u64>,
    minor: u64,
    major: u64,
    voluntary: Option<u64>,
    involuntary: Option<u64>,
    read: Option<u64>,
    write: Option<u64>,
    seen: u32,
    blocked: u32,
    runnable: u32,
}

fn accumulate<'a>(maps: &[(Moment, &'a BTreeMap<u32, Task>)], seconds: f64) -> BTreeMap<u32, Used> {
    // An id can be reused within a run: identity is (id, start time).
    let mut sums: BTreeMap<(u32, u64), Sums<'a>> = BTreeMap::new();
    let none = BTreeMap::new();
    let start_ns = maps.first().map_or(0, |(at, _)| at.mono_ns);
    for (index, (at, map)) in maps.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(|index| maps.get(index));
        let earlier = previous.map_or(&none, |(_, map)| *map);
        for (id, task) in *map {
            let sum = sums.entry((*id, task.start_ns)).or_default();
            let before = earlier.get(id).filter(|before| before.start_ns == task.start_ns);
            match before {
                Some(before) => sum.step(before, task),
                // New since the last snapshot: all that it used, it used since then.
                None if sum.seen == 0 && previous.is_some_and(|(at, _)| at.is_before_birth(task)) => {
                    sum.step(&newborn(task), task);
                }
                None if sum.seen == 0 => sum.unseen_ns = at.mono_ns.saturating_sub(start_ns),
                None => {}
            }
            let since = match previous {
                Some((before, _)) if sum.seen == 0 && before.is_before_birth(task) => {
                    at.mono_ns.saturating_sub(at.boot_ns.saturating_sub(task.start_ns)).max(before.mono_ns)
                }
                _ => at.mono_ns,
            };
            sum.life_ns = Some((sum.life_ns.map_or(since, |(since, _)| since), at.mono_ns));
            sum.seen += 1;
            sum.blocked += u32::from(task.state == 'D');
            sum.runnable += u32::from(task.state == 'R');
            sum.task = Some(task);
        }
    }
    let last = maps.last().map_or(&none, |(_, map)| *map);
    let mut used: BTreeMap<u32, Used> = BTreeMap::new();
    for ((id, start), sum) in sums {
        let ended = last.get(&id).is_none_or(|task| task.start_ns != start);
        let entry = sum.finish(seconds, maps.len(), ended);
        // Of two tasks that had the same id, keep the one that used more.
        match used.get(&id) {
            Some(other) if other.cpu > entry.cpu => {}
            _ => {
                used.insert(id, entry);
            }
        }
    }
    used
}

/// A task as it was when it was born: counters at 0 where it has them.
fn newborn(task: &Task) -> Task {
    Task {
        run_delay_ns: task.run_delay_ns.map(|_| 0),
        blkio_delay_ns: task.blkio_delay_ns.map(|_| 0),
        swapin_delay_ns: task.swapin_delay_ns.map(|_| 0),
        reclaim_delay_ns: task.reclaim_delay_ns.map(|_| 0),
        thrashing_delay_ns: task.thrashing_delay_ns.map(|_| 0),
        voluntary_switches: task.voluntary_switches.map(|_| 0),
        involuntary_switches: task.involuntary_switches.map(|_| 0),
        read_bytes: task.read_bytes.map(|_| 0),
        write_bytes: task.write_bytes.map(|_| 0),
        ..Task::default()
    }
}

impl Sums<'_> {
    fn step(&mut self, before: &Task, after: &Task) {
        // A counter that went backwards (a reset, or a sum that lost an ended thread) adds nothing for this step.
        let grew = |before: u64, after: u64| match delta(before, after) {
            Delta::Grew(by) => by,
            Delta::Reset => 0,
        };
        let maybe = |sum: &mut Option<u64>, before: Option<u64>, after: Option<u64>| {
            if let (Some(before), Some(after)) = (before, after) {
                *sum = Some(sum.unwrap_or(0) + grew(before, after));
            }
        };
        self.user += grew(before.user_ns, after.user_ns);
        self.system += grew(before.system_ns, after.system_ns);
        self.minor += grew(before.minor_faults, after.minor_faults);
        self.major += grew(before.major_faults, after.major_faults);
        maybe(&mut self.run_delay, before.run_delay_ns, after.run_delay_ns);
        maybe(&mut self.blkio, before.blkio_delay_ns, after.blkio_delay_ns);
        maybe(&mut self.swapin, before.swapin_delay_ns, after.swapin_delay_ns);
        maybe(&mut self.reclaim, before.reclaim_delay_ns, after.reclaim_delay_ns);
        maybe(&mut self.thrashing, before.thrashing_delay_ns, after.thrashing_delay_ns);
        maybe(&mut self.voluntary, before.voluntary_switches, after.voluntary_switches);
        maybe(&mut self.involuntary, before.involuntary_switches, after.involuntary_switches);
        maybe(&mut self.read, before.read_bytes, after.read_bytes);
        maybe(&mut self.write, before.write_bytes, after.write_bytes);
    }

    fn finish(self, seconds: f64, samples: usize, ended: bool) -> Used {
        let seconds = seconds - self.unseen_ns as f64 / 1e9;
        let seconds = if seconds > 0.0 { seconds } else { f64::INFINITY };
        let per_second = |nanoseconds: u64| nanoseconds as f64 / 1e9 / seconds;
        let rate = |count: u64| count as f64 / seconds;
        Used {
            cpu: per_second(self.user + self.system),
            user: per_second(self.user),
            system: per_second(self.system),
            run_delay: self.run_delay.map(per_second),
            blkio_delay: self.blkio.map(per_second),
            swapin_delay: self.swapin.map(per_second),
            reclaim_delay: self.reclaim.map(per_second),
            thrashing_delay: self.thrashing.map(per_second),
            minor_faults: rate(self.minor),
            major_faults: rate(self.major),
            voluntary_switches: self.voluntary.map(rate),
            involuntary_switches: self.involuntary.map(rate),
            read_bytes: self.read.map(rate),
            write_bytes: self.write.map(rate),
            alive: self.life_ns.map_or(0.0, |(since, until)| per_second(until.saturating_sub(since))).min(1.0),
            blocked_samples: f64::from(self.blocked) / samples.max(1) as f64,
            runnable_samples: f64::from(self.runnable) / samples.max(1) as f64,
            ended,
            task: self.task.cloned().unwrap_or_default(),
        }
    }
}

impl TaskUse {
    /// Processes inside the run's scope, sorted by `key`, the largest first; ties by pid. `key` of `None` or 0 leaves
    /// a process out.
    pub fn top<'a>(&'a self, run: &Run, key: impl Fn(&Used) -> Option<f64>) -> Vec<(&'a Used, f64)> {
        sorted(self.processes.values().filter(|used| run.in_scope(used.task.pid)), key)
    }

    /// As [`TaskUse::top`], of threads.
    pub fn top_threads<'a>(&'a self, run: &Run, key: impl Fn(&Used) -> Option<f64>) -> Vec<(&'a Used, f64)> {
        sorted(self.threads.values().filter(|used| run.in_scope(used.task.pid)), key)
    }
}

fn sorted<'a>(tasks: impl Iterator<Item = &'a Used>, key: impl Fn(&Used) -> Option<f64>) -> Vec<(&'a Used, f64)> {
    let mut keyed: Vec<_> = tasks.filter_map(|used| Some((used, key(used).filter(|value| *value > 0.0)?))).collect();
    keyed.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.task.tid.cmp(&b.0.task.tid)));
    keyed
}

#[cfg(test)]
mod tests {
    use perfuse_format::RawSnapshot;

    use super::*;
    use crate::{Scope, Thresholds};

    fn snapshot(second: u64, tasks: &[(u32, u64, u64)]) -> RawSnapshot {
        let mut raw = RawSnapshot { mono_ns: second * 1_000_000_000, ..RawSnapshot::default() };
        for (pid, start, user) in tasks {
            let line = format!(
                "{pid} (p{pid}) R 1 1 1 0 -1 0 0 0 0 0 {user} 0 0 0 20 0 1 0 {start} 0 25 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0"
            );
            raw.put(format!("/proc/{pid}/stat"), line);
        }
        raw
    }

    #[test]
    fn a_table_is_read_once_and_forgotten_with_its_snapshot() {
        let mut snapshots = [snapshot(1, &[(7, 50, 100)]), snapshot(2, &[(7, 50, 150)])];
        snapshots[1].put("/proc/7/cgroup", "0::/shop\n");
        let mut tables = Tables::default();
        let run = |tables: &mut Tables, snapshots| {
            let run = Run::with(snapshots, Thresholds::default(), Scope::default(), tables).unwrap();
            (run.tasks, run.pid_cgroups)
        };
        let first = run(&mut tables, &snapshots);
        let alone = Run::new(&snapshots, Thresholds::default(), Scope::default()).unwrap();
        assert_eq!(first, (alone.tasks, alone.pid_cgroups));
        let last = snapshots[1].mono_ns;
        let kept = (Arc::clone(&tables.tasks[&last]), tables.cgroups[&last].as_ptr());
        assert_eq!(run(&mut tables, &snapshots), first);
        assert!(Arc::ptr_eq(&kept.0, &tables.tasks[&last]));
        assert_eq!((kept.1, tables.cgroups[&last].len()), (tables.cgroups[&last].as_ptr(), 1));
        tables.forget_before(last);
        assert_eq!((tables.tasks.len(), tables.cgroups.len()), (1, 1));
    }

    #[test]
    fn tasks_that_live_through_a_part_of_the_run_count_for_that_part() {
        let snapshots = [
            snapshot(1, &[(10, 5, 100), (11, 5, 0)]),
            snapshot(2, &[(10, 5, 150), (11, 5, 30), (12, 150, 20)]),
            snapshot(3, &[(10, 250, 10), (12, 150, 60)]),
        ];
        let run = Run::new(&snapshots, Thresholds::default(), Scope::default()).unwrap();
        let tasks = run.tasks.value().unwrap();
        // 50 ticks of its first life over 2 s; the second life used 10.
        assert!((tasks.processes[&10].cpu - 0.25).abs() < 1e-9);
        assert!((tasks.processes[&11].cpu - 0.15).abs() < 1e-9);
        assert!(tasks.processes[&11].ended);
        assert!((tasks.processes[&12].cpu - 0.30).abs() < 1e-9);
        let top = tasks.top(&run, |used| Some(used.cpu));
        assert_eq!(top.iter().map(|(used, _)| used.task.pid).collect::<Vec<_>>(), [12, 10, 11]);
    }

    #[test]
    fn a_task_that_is_noticed_late_has_its_rate_over_the_time_it_was_watched() {
        let snapshots = [
            snapshot(10, &[(9, 5, 0)]),
            snapshot(11, &[(9, 5, 0), (10, 5, 4000)]),
            snapshot(12, &[(9, 5, 0), (10, 5, 4100)]),
        ];
        let run = Run::new(&snapshots, Thresholds::default(), Scope::default()).unwrap();
        assert!((run.tasks.value().unwrap().processes[&10].cpu - 1.0).abs() < 1e-9);
    }

    #[test]
    fn one_snapshot_is_too_early() {
        let snapshots = [snapshot(1, &[(10, 5, 100)])];
        let run = Run::new(&snapshots, Thresholds::default(), Scope::default()).unwrap();
        assert_eq!(run.tasks.why_missing().unwrap().why, Why::TooEarly);
    }
}
