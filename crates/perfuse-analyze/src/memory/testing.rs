//! Snapshots from text, for the tests of this group.

use perfuse_format::RawSnapshot;

use crate::cell::{Cell, Finding};
use crate::checklist::Output;
use crate::run::{Run, Scope};
use crate::threshold::Thresholds;

/// A snapshot at a second, with the facts of a host of 64-bit x86.
pub(super) fn at(second: u64) -> RawSnapshot {
    let mut raw = RawSnapshot { mono_ns: second * 1_000_000_000, ..RawSnapshot::default() };
    raw.put("@host", "hostname h\nkernel 6.1\nmachine x86_64\npage_size 4096\nclock_ticks 100\ncpus 2\nself_pid 1\n");
    raw
}

/// Everything that this group says of some snapshots.
pub(super) fn evaluate(snapshots: &[RawSnapshot]) -> Output {
    let run = Run::new(snapshots, Thresholds::default(), Scope::default()).unwrap();
    let mut out = Output::default();
    super::evaluate(&run, &mut out);
    out
}

/// The cell with an id.
pub(super) fn cell<'a>(out: &'a Output, id: &str) -> &'a Cell {
    &out.cells[id]
}

/// The finding of a rule, if there is one.
pub(super) fn finding<'a>(out: &'a Output, id: &str) -> Option<&'a Finding> {
    out.findings.iter().find(|finding| finding.id == id)
}

/// Puts `/proc/PID/stat` of a process with its name, major faults and resident pages.
pub(super) fn process(raw: &mut RawSnapshot, pid: u32, comm: &str, major: u64, rss: u64) {
    let stat = format!(
        "{pid} ({comm}) D 1 1 1 0 -1 0 0 0 {major} 0 10 10 0 0 20 0 1 0 5 0 {rss} 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0"
    );
    raw.put(format!("/proc/{pid}/stat"), stat);
}

/// A table of rows made of 64-bit words, as the in-kernel programs write them.
pub(super) fn table(rows: &[&[u64]]) -> Vec<u8> {
    let size = rows.first().map_or(8, |row| row.len() * 8);
    let mut bytes = Vec::new();
    bytes.extend(u32::try_from(size).unwrap().to_ne_bytes());
    bytes.extend(u32::try_from(rows.len()).unwrap().to_ne_bytes());
    bytes.extend(0_u64.to_ne_bytes());
    bytes.extend(rows.iter().flat_map(|row| row.iter().flat_map(|word| word.to_ne_bytes())));
    bytes
}

/// Eight bytes of a name as the word that a row holds.
pub(super) fn name(text: [u8; 8]) -> u64 {
    u64::from_ne_bytes(text)
}

/// The word of two 32-bit fields that stand behind each other on a little-endian host.
pub(super) fn pair(first: u64, second: u64) -> u64 {
    first | second << 32
}
