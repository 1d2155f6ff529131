//! Snapshots made of text, for the tests of these rules.

use perfuse_format::RawSnapshot;

use crate::checklist::{Checklist, Output};
use crate::run::Run;
use crate::{Cell, Finding, Scope, Thresholds};

/// A snapshot at a second since boot.
pub(super) fn snapshot(second: u64, files: &[(&str, &str)]) -> RawSnapshot {
    let mut raw = RawSnapshot { mono_ns: (100 + second) * 1_000_000_000, ..RawSnapshot::default() };
    for (name, text) in files {
        raw.put(*name, *text);
    }
    raw
}

/// A line of diskstats of device 254:0 that only wrote: 128 KiB a write.
pub(super) fn disk_line(name: &str, writes: u64, busy_ms: u64, wait_ms: u64) -> String {
    let sectors = writes * 256;
    format!(" 254 0 {name} 0 0 0 0 {writes} 0 {sectors} {wait_ms} 0 {busy_ms} {wait_ms} 0 0 0 0 0 0\n")
}

/// `/proc/PID/stat` of a process with one thread; times in ticks of 10 ms.
pub(super) fn stat_line(pid: u32, comm: &str, state: char, cpu_ticks: u64, blkio_ticks: u64) -> String {
    format!(
        "{pid} ({comm}) {state} 1 1 1 0 -1 0 0 0 0 0 {cpu_ticks} 0 0 0 20 0 1 0 50 0 25 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 {blkio_ticks} 0 0\n"
    )
}

/// A pressure file with these totals in microseconds.
pub(super) fn pressure(some: u64, full: u64) -> String {
    format!(
        "some avg10=0.00 avg60=0.00 avg300=0.00 total={some}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total={full}\n"
    )
}

/// A run of the whole host with the default thresholds.
pub(super) fn run_of(snapshots: &[RawSnapshot]) -> Run<'_> {
    Run::new(snapshots, Thresholds::default(), Scope::default()).unwrap()
}

/// What these rules alone put out.
pub(super) fn evaluate(snapshots: &[RawSnapshot]) -> Output {
    let mut out = Output::default();
    (super::SLICE.evaluate)(&run_of(snapshots), &mut out);
    out
}

/// The finding of a rule.
pub(super) fn finding<'a>(out: &'a Output, id: &str) -> Option<&'a Finding> {
    out.findings.iter().find(|finding| finding.id == id)
}

/// A cell of the output.
pub(super) fn cell<'a>(out: &'a Output, id: &str) -> &'a Cell {
    &out.cells[id]
}

/// The whole checklist, ranked.
pub(super) fn checklist(snapshots: &[RawSnapshot]) -> Checklist {
    Checklist::build(&run_of(snapshots))
}
