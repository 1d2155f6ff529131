//! The tables that the BPF programs fill inside the kernel: row types and their parsers.
//!
//! A table is the source `@bpf/NAME` of a snapshot. Its bytes are the map of that name:
//!
//! ```text
//! u32 row_size | u32 rows | u64 lost | row 0 | row 1 | ...        row = key, padded to 8, then value, padded to 8
//! ```
//!
//! Integers are in the byte order of the recorded host. Every counter only grows from the moment the program was attached, so
//! analysis subtracts two snapshots: [`between`] does that. The C side is `crates/perfuse-collect/bpf/*.bpf.c`;
//! each row type names its struct there.

pub mod block;
pub mod hist;
pub mod locks;
pub mod memory;
pub mod network;
pub mod sched;
pub mod syscalls;
pub mod waits;

use std::collections::BTreeMap;

pub use block::{BlockHist, BlockOp, BlockProcess, BlockStage};
pub use hist::Log2Hist;
pub use locks::{FutexWait, FutexWaker, LockHist, LockKind, LockWait, is_mutex};
pub use memory::{FaultHist, FaultProcess, OomVictim, Reclaim, ReclaimKind};
pub use network::SkbDrop;
pub use sched::{OffCpu, RunqCgroup, RunqHist, RunqProcess, Stack};
pub use syscalls::{ErrnoCount, ForkHist, ForkProcess, OpenFiles};
pub use waits::{OpenWait, WaitTime, WakeTime};

use crate::raw::RawSnapshot;
use crate::reading::{Missing, Reading, Why};
use crate::tasks::{table_lost, table_rows};

/// A row type of one `@bpf/...` table.
pub trait Table: Sized + Clone {
    /// The name of the source, such as `@bpf/offcpu`.
    const SOURCE: &'static str;
    /// Bytes of a row that this version reads; a longer row is fine.
    const ROW: usize;
    /// What tells the row from the others of its table.
    type Key: Ord;

    /// Reads one row of at least [`Self::ROW`] bytes; shorter ones read as if filled up with zeros.
    fn decode(row: Row<'_>) -> Self;
    /// The key of the row.
    fn key(&self) -> Self::Key;
    /// Subtracts the counters of the same key in an earlier snapshot. Maxima stay as they are: they hold since the
    /// program was attached.
    fn subtract(&mut self, earlier: &Self);
    /// Whether anything happened: false lets [`between`] drop the row.
    fn happened(&self) -> bool;
}

/// All rows of the table of `T` in one snapshot: totals since the program was attached.
///
/// ```
/// use perfuse_format::bpf::{SkbDrop, parse};
/// use perfuse_format::RawSnapshot;
///
/// let rows = parse::<SkbDrop>(&RawSnapshot::default());
/// assert!(rows.why_missing().is_some());
/// ```
pub fn parse<T: Table>(raw: &RawSnapshot) -> Reading<Vec<T>> {
    raw.bytes(T::SOURCE).and_then(|bytes| match table_rows(bytes, T::ROW) {
        Some(rows) => Reading::Value(rows.map(|row| T::decode(Row(row))).collect()),
        None => Reading::Missing(Missing::new(Why::Malformed, T::SOURCE).with_detail(format!(
            "{} bytes, rows of {}",
            bytes.len(),
            T::ROW
        ))),
    })
}

/// What happened between two snapshots, row by row; rows without a change are left out.
///
/// A key that the earlier snapshot lacks counts from zero. So does one whose counters went backwards: the kernel
/// had dropped the row to make room and begun it again.
pub fn between<T: Table>(earlier: &RawSnapshot, later: &RawSnapshot) -> Reading<Vec<T>> {
    let before = match parse::<T>(earlier) {
        Reading::Value(rows) => rows,
        Reading::Missing(missing) => return Reading::Missing(missing),
    };
    let before: BTreeMap<T::Key, T> = before.into_iter().map(|row| (row.key(), row)).collect();
    parse::<T>(later).map(|rows| {
        rows.into_iter()
            .map(|mut row| {
                if let Some(earlier) = before.get(&row.key()) {
                    row.subtract(earlier);
                }
                row
            })
            .filter(Table::happened)
            .collect()
    })
}

/// Updates that did not fit into the map behind the table of `T`, since it was attached.
pub fn lost<T: Table>(raw: &RawSnapshot) -> Reading<u64> {
    raw.bytes(T::SOURCE).and_then(|bytes| match table_lost(bytes) {
        Some(lost) => Reading::Value(lost),
        None => Reading::missing(Why::Malformed, T::SOURCE),
    })
}

/// One row of a table; fields beyond its end read as zero.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a>(&'a [u8]);

impl<'a> Row<'a> {
    /// A row of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn array<const N: usize>(self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        if let Some(field) = self.0.get(at..at.saturating_add(N)) {
            bytes.copy_from_slice(field);
        }
        bytes
    }

    pub(crate) fn u16(self, at: usize) -> u16 {
        u16::from_ne_bytes(self.array(at))
    }

    pub(crate) fn u32(self, at: usize) -> u32 {
        u32::from_ne_bytes(self.array(at))
    }

    pub(crate) fn u64(self, at: usize) -> u64 {
        u64::from_ne_bytes(self.array(at))
    }

    /// A `char[16]`, up to its NUL.
    pub(crate) fn comm(self, at: usize) -> String {
        let bytes: [u8; 16] = self.array(at);
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(16);
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    }

    /// A cgroup id; the kernel side writes 0 where there is no cgroup v2 id.
    pub(crate) fn cgroup(self, at: usize) -> Option<u64> {
        Some(self.u64(at)).filter(|&id| id != 0)
    }
}

/// Subtracts each listed counter unless the first of them went backwards (then the row began anew and stays whole).
macro_rules! subtract {
    ($now:ident - $before:ident: $first:ident $(, $field:ident)*) => {
        if $now.$first >= $before.$first $(&& $now.$field >= $before.$field)* {
            $now.$first -= $before.$first;
            $($now.$field -= $before.$field;)*
        }
    };
}
pub(crate) use subtract;

#[cfg(test)]
pub(crate) mod testing {
    /// A table of rows that are given as bytes of equal length.
    pub(crate) fn table(rows: &[Vec<u8>], lost: u64) -> Vec<u8> {
        let size = rows.first().map_or(8, Vec::len);
        let mut bytes = Vec::new();
        bytes.extend(u32::try_from(size).unwrap().to_ne_bytes());
        bytes.extend(u32::try_from(rows.len()).unwrap().to_ne_bytes());
        bytes.extend(lost.to_ne_bytes());
        for row in rows {
            assert_eq!(row.len(), size);
            bytes.extend(row);
        }
        bytes
    }

    /// The bytes of a row made of 64-bit words.
    pub(crate) fn words(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{table, words};
    use super::*;

    fn drops(raw: &mut RawSnapshot, rows: &[(u64, u64)]) {
        let rows: Vec<_> = rows.iter().map(|&(location, count)| words(&[location, 5, count])).collect();
        raw.put(SkbDrop::SOURCE, table(&rows, 3));
    }

    #[test]
    fn differences_keep_what_happened() {
        let (mut first, mut last) = (RawSnapshot::default(), RawSnapshot::default());
        drops(&mut first, &[(1, 10), (2, 10), (3, 10)]);
        drops(&mut last, &[(1, 10), (2, 14), (3, 4), (4, 1)]);
        let rows = between::<SkbDrop>(&first, &last).into_value().unwrap();
        let rows: Vec<_> = rows.iter().map(|row| (row.location, row.count)).collect();
        assert_eq!(rows, [(2, 4), (3, 4), (4, 1)], "unchanged is dropped, a row begun anew counts whole");
        assert_eq!(lost::<SkbDrop>(&last), Reading::Value(3));
    }

    #[test]
    fn hostile_tables_are_refused_or_read_as_zero() {
        let mut raw = RawSnapshot::default();
        for bytes in [vec![], vec![0; 15], vec![0xff; 16], vec![0xff; 40], table(&[vec![1; 8]], 0)] {
            raw.put(SkbDrop::SOURCE, bytes);
            assert_eq!(parse::<SkbDrop>(&raw).why_missing().map(|missing| missing.why), Some(Why::Malformed));
        }
        raw.put(SkbDrop::SOURCE, table(&[vec![0xff; 64]], 0));
        assert_eq!(parse::<SkbDrop>(&raw).into_value().unwrap()[0].count, u64::MAX);
        assert_eq!(Row::new(&[1]).u64(usize::MAX), 0);
        assert_eq!(Row::new(&[0xff; 16]).comm(0).chars().count(), 16);
    }
}
