//! `perf report --stats`: how many records of each kind.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::report::ReportEvent;

/// Names of kinds of records (`perf_event__names` of perf's `util/event.c`).
const NAMES: &[(u32, &str)] = &[
    (1, "MMAP"),
    (2, "LOST"),
    (3, "COMM"),
    (4, "EXIT"),
    (5, "THROTTLE"),
    (6, "UNTHROTTLE"),
    (7, "FORK"),
    (8, "READ"),
    (9, "SAMPLE"),
    (10, "MMAP2"),
    (11, "AUX"),
    (12, "ITRACE_START"),
    (13, "LOST_SAMPLES"),
    (14, "SWITCH"),
    (15, "SWITCH_CPU_WIDE"),
    (16, "NAMESPACES"),
    (17, "KSYMBOL"),
    (18, "BPF_EVENT"),
    (19, "CGROUP"),
    (20, "TEXT_POKE"),
    (21, "AUX_OUTPUT_HW_ID"),
    (64, "ATTR"),
    (65, "EVENT_TYPE"),
    (66, "TRACING_DATA"),
    (67, "BUILD_ID"),
    (68, "FINISHED_ROUND"),
    (69, "ID_INDEX"),
    (70, "AUXTRACE_INFO"),
    (71, "AUXTRACE"),
    (72, "AUXTRACE_ERROR"),
    (73, "THREAD_MAP"),
    (74, "CPU_MAP"),
    (75, "STAT_CONFIG"),
    (76, "STAT"),
    (77, "STAT_ROUND"),
    (78, "EVENT_UPDATE"),
    (79, "TIME_CONV"),
    (80, "FEATURE"),
    (81, "COMPRESSED"),
    (82, "FINISHED_INIT"),
];

/// How many records of each kind, and how many samples of each event.
pub fn text(kinds: &BTreeMap<u32, u64>, events: &[ReportEvent], samples: &[u64]) -> String {
    let total: u64 = kinds.values().sum();
    let mut out = String::from("\nAggregated stats:\n");
    let _ = writeln!(out, "{:>16} events: {total:>10}", "TOTAL");
    for (kind, count) in kinds {
        // perf has no line for what it does not know either.
        let Some((_, name)) = NAMES.iter().find(|(known, _)| known == kind) else { continue };
        let share = *count as f64 * 100.0 / total.max(1) as f64;
        let _ = writeln!(out, "{name:>16} events: {count:>10}  ({share:>4.1}%)");
    }
    for (event, count) in events.iter().zip(samples).filter(|(_, count)| **count > 0) {
        let _ = writeln!(out, "{} stats:\n{:>16} events: {count:>10}", event.name, "SAMPLE");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_laid_out_as_perf_does_it() {
        let kinds = BTreeMap::from([(9, 396), (10, 709), (68, 2), (4000, 1)]);
        let events = [ReportEvent { name: "cpu-clock:ppp".to_owned(), several: false }];
        let expected = "
Aggregated stats:
           TOTAL events:       1108
          SAMPLE events:        396  (35.7%)
           MMAP2 events:        709  (64.0%)
  FINISHED_ROUND events:          2  ( 0.2%)
cpu-clock:ppp stats:
          SAMPLE events:        396
";
        assert_eq!(text(&kinds, &events, &[396]), expected);
    }
}
