//! What the kernel's log says, joined over the snapshots of a run.

use perfuse_format::Reading;
use perfuse_format::proc::kmsg::{Kmsg, LogEvent, Record, events};

use crate::run::Run;

/// One event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// What happened.
    pub event: LogEvent,
    /// Whether it was logged while the run went on. Older ones are history: they say what this host has been through,
    /// not what it suffers from now.
    pub during: bool,
    /// Seconds from the record to the end of the run; by the log's clock, which may be off by seconds.
    pub age_s: u64,
}

/// All events that the snapshots hold, oldest first; or why the log could not be read. Read once a run: the log of a
/// host that is long up has thousands of records, and many rules ask.
pub fn logged(run: &Run) -> Reading<Vec<Logged>> {
    run.log.get_or_init(|| read(run)).clone()
}

fn read(run: &Run) -> Reading<Vec<Logged>> {
    let start = run.snapshots.first().map_or(0, |snapshot| snapshot.mono_ns);
    let end = run.snapshots.last().map_or(0, |snapshot| snapshot.mono_ns);
    let mut records: Vec<Record> = Vec::new();
    let mut first_new = None;
    let mut missing = None;
    let mut sampled = false;
    for snapshot in run.snapshots.iter().filter(|snapshot| snapshot.has("@kmsg")) {
        match snapshot.get::<Kmsg>("@kmsg") {
            Reading::Value(kmsg) => {
                let known = records.last().map_or(0, |record| record.sequence + 1);
                let fresh = kmsg.0.into_iter().filter(|record| record.sequence >= known);
                let before = records.len();
                records.extend(fresh);
                // The first sample is the whole buffer; every later one only what came since.
                if sampled && first_new.is_none() {
                    first_new = records.get(before).map(|record| record.sequence);
                }
                sampled = true;
            }
            Reading::Missing(reason) => missing = Some(reason),
        }
    }
    if let (true, Some(missing)) = (records.is_empty(), missing) {
        return Reading::Missing(missing);
    }
    if !run.snapshots.iter().any(|snapshot| snapshot.has("@kmsg")) {
        return run.last::<Kmsg>("@kmsg").map(|_| Vec::new());
    }
    let logged = events(&records).into_iter().map(|event| {
        let at = event.time_us.saturating_mul(1000);
        let during = at >= start || first_new.is_some_and(|sequence| event.sequence >= sequence);
        Logged { during, age_s: end.saturating_sub(at) / 1_000_000_000, event }
    });
    Reading::Value(logged.collect())
}

#[cfg(test)]
mod tests {
    use perfuse_format::{RawSnapshot, Why};

    use super::*;
    use crate::{Scope, Thresholds};

    const S: u64 = 1_000_000_000;

    fn at(second: u64, log: Option<&str>) -> RawSnapshot {
        let mut raw = RawSnapshot { mono_ns: second * S, ..RawSnapshot::default() };
        if let Some(log) = log {
            raw.put("@kmsg", log);
        }
        raw
    }

    fn events_of(snapshots: &[RawSnapshot]) -> Reading<Vec<Logged>> {
        logged(&Run::new(snapshots, Thresholds::default(), Scope::default()).unwrap())
    }

    #[test]
    fn old_and_new_are_told_apart() {
        let old = "3,5,10000000,-;VFS: file-max limit 9 reached\n";
        // The clock of the log runs 30 s behind: only that it came later tells that it is new.
        let new = "3,6,80000000,-;VFS: file-max limit 9 reached\n";
        let found = events_of(&[at(100, Some(old)), at(101, None), at(110, Some(new))]).into_value().unwrap();
        let found: Vec<_> = found.iter().map(|logged| (logged.during, logged.age_s)).collect();
        assert_eq!(found, [(false, 100), (true, 30)]);
    }

    #[test]
    fn a_log_that_cannot_be_read_is_no_empty_log() {
        let mut raw = at(1, None);
        assert_eq!(events_of(&[raw.clone()]).why_missing().map(|missing| missing.why), Some(Why::NotSampled));
        raw.put_errno("@kmsg", 1);
        assert_eq!(events_of(&[raw]).why_missing().map(|missing| missing.why), Some(Why::NoPermission));
        assert_eq!(events_of(&[at(1, Some(""))]), Reading::Value(vec![]));
    }
}
