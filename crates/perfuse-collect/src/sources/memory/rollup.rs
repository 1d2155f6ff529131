//! `/proc/PID/smaps_rollup` of the largest processes: their share of memory with shared pages divided fairly.

use std::fs;
use std::time::{Duration, Instant};

use perfuse_format::RawSnapshot;
use perfuse_format::tasks::TaskTable;

use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::Collector;

/// Processes that are looked at.
const LARGEST: usize = 10;

/// The kernel walks every page table of a process for this file, and holds off its page faults that change the
/// address space meanwhile: a process of many GiB takes milliseconds, so all together get this much.
const BUDGET: Duration = Duration::from_millis(40);

/// Reads rollups.
#[derive(Debug)]
pub(super) struct Rollup;

impl Collector for Rollup {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if !tick.slow {
            return;
        }
        let Some(table) = TaskTable::from_raw(out).into_value() else { return };
        let mut sizes: Vec<(u64, u32)> = table.processes.values().map(|task| (task.rss_pages, task.pid)).collect();
        sizes.retain(|(pages, _)| *pages > 0);
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let deadline = Instant::now() + BUDGET;
        for (_, pid) in sizes.into_iter().take(LARGEST) {
            if Instant::now() >= deadline {
                break;
            }
            let name = format!("/proc/{pid}/smaps_rollup");
            match fs::read(root.join(&name)) {
                Ok(bytes) => out.put(name, bytes),
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
        Rollup.sample(&Root::default(), Tick { first: true, slow: true }, &mut out);
        let own = out.get::<SmapsRollup>(&format!("/proc/{}/smaps_rollup", std::process::id())).into_value().unwrap();
        assert!(own.pss > 0 && own.pss <= own.rss);
        assert!(out.bytes(&format!("/proc/{}/smaps_rollup", u32::MAX)).why_missing().is_some());
    }
}
