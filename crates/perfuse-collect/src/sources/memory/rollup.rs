//! `/proc/PID/smaps_rollup` of the largest processes: their share of memory with shared pages divided fairly.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use perfuse_format::RawSnapshot;
use perfuse_format::tasks::{Task, TaskTable};

use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::Collector;

/// Processes that are looked at.
const LARGEST: usize = 10;

/// The kernel walks every page table of a process for this file, and holds off its page faults that change the
/// address space meanwhile: a process of many GiB takes milliseconds, so the first round of all gets this much...
const BUDGET: Duration = Duration::from_millis(40);

/// ... and a later one this part of the time since the round before it. What was read holds for a while, too.
const SHARE: u32 = 1000;

/// Rounds that a rollup holds while the process has nearly as much resident as then.
const HOLDS: u8 = 6;

/// A process has nearly as much resident as before when it is within this part of it: one fiftieth.
const NEARLY: u64 = 50;

/// Reads rollups.
#[derive(Debug, Default)]
pub(super) struct Rollup {
    known: BTreeMap<u32, Known>,
    round: Option<Instant>,
}

/// What was read of a process, and how it stood then.
#[derive(Debug)]
struct Known {
    /// Tells it from another process with its pid.
    start_ns: u64,
    rss_pages: u64,
    rounds: u8,
    bytes: Vec<u8>,
}

impl Known {
    fn holds(&self, task: &Task) -> bool {
        self.start_ns == task.start_ns
            && self.rounds < HOLDS
            && self.rss_pages.abs_diff(task.rss_pages) <= self.rss_pages / NEARLY
    }
}

impl Collector for Rollup {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if !tick.slow {
            return;
        }
        let Some(table) = TaskTable::from_raw(out).into_value() else { return };
        let mut largest: Vec<&Task> = table.processes.values().filter(|task| task.rss_pages > 0).collect();
        largest.sort_unstable_by_key(|task| std::cmp::Reverse((task.rss_pages, task.pid)));
        let now = Instant::now();
        let budget = self.round.map_or(BUDGET, |before| (now.duration_since(before) / SHARE).min(BUDGET));
        self.round = Some(now);
        let deadline = now + budget;
        let mut before = std::mem::take(&mut self.known);
        for task in largest.into_iter().take(LARGEST) {
            let name = format!("/proc/{}/smaps_rollup", task.pid);
            if let Some(mut known) = before.remove(&task.pid).filter(|known| known.holds(task)) {
                known.rounds += 1;
                out.put(name, known.bytes.clone());
                self.known.insert(task.pid, known);
                continue;
            }
            if Instant::now() >= deadline {
                continue;
            }
            match fs::read(root.join(&name)) {
                Ok(bytes) => {
                    let now = Known { start_ns: task.start_ns, rss_pages: task.rss_pages, rounds: 0, bytes };
                    out.put(name, now.bytes.clone());
                    self.known.insert(task.pid, now);
                }
                Err(error) => out.put_errno(name, error.raw_os_error().unwrap_or(libc::EIO)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use perfuse_format::proc::meminfo::SmapsRollup;

    use super::*;

    #[test]
    fn only_the_largest_are_read() {
        let mut out = RawSnapshot::default();
        for pid in [std::process::id(), u32::MAX] {
            let stat = format!(
                "{pid} (p) R 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 25 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0"
            );
            out.put(format!("/proc/{pid}/stat"), stat);
        }
        Rollup::default().sample(&Root::default(), Tick { first: true, slow: true }, &mut out);
        let own = out.get::<SmapsRollup>(&format!("/proc/{}/smaps_rollup", std::process::id())).into_value().unwrap();
        assert!(own.pss > 0 && own.pss <= own.rss);
        assert!(out.bytes(&format!("/proc/{}/smaps_rollup", u32::MAX)).why_missing().is_some());
    }

    #[test]
    fn what_was_read_holds_for_a_while_and_for_nearly_the_same_size() {
        let task = |start_ns, rss_pages| Task { start_ns, rss_pages, ..Task::default() };
        let known = |rounds| Known { start_ns: 1, rss_pages: 1000, rounds, bytes: Vec::new() };
        assert!(known(0).holds(&task(1, 1020)) && known(5).holds(&task(1, 980)));
        assert!(!known(0).holds(&task(1, 1021)), "grown");
        assert!(!known(0).holds(&task(2, 1000)), "another process");
        assert!(!known(HOLDS).holds(&task(1, 1000)), "old");
    }
}
