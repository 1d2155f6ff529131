//! What no reader of a recording can be faster than, measured beside it: moving its bytes once.

use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Row;
use super::recordings::MIB;

/// Bytes that one core can move.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// MiB per second of copying within memory, 64 MiB at a time: more than any cache holds.
    copy: f64,
    /// MiB per second of reading the file, which lies in the page cache.
    read: f64,
}

/// The best of so many tries: everything that disturbs only makes them longer.
const TRIES: usize = 5;

impl Limit {
    /// Measures with a file.
    pub(super) fn of(file: &Path) -> Result<Self> {
        let from = vec![1_u8; 64 << 20];
        let mut to = vec![2_u8; from.len()];
        let copy = best(|| {
            to.copy_from_slice(std::hint::black_box(&from));
            std::hint::black_box(&to);
            Ok(from.len())
        })?;
        let mut buffer = vec![0; 1 << 20];
        let read = best(|| {
            let mut file = std::fs::File::open(file)?;
            let mut length = 0;
            loop {
                match file.read(&mut buffer)? {
                    0 => return Ok(length),
                    count => length += count,
                }
            }
        })?;
        Ok(Self { copy, read })
    }

    /// One row for each.
    pub(super) fn rows(self, what: &str) -> [Row; 2] {
        let row = |how: &str, rate: f64| Row {
            what: format!("limit, {what}: {how}"),
            ours: format!("{rate:.0} MiB/s"),
            peer: String::new(),
            ratio: None,
            target: "-",
        };
        [row("copying memory", self.copy), row("reading the page cache", self.read)]
    }

    /// How fast that many MiB were, and how far that is from reading alone.
    pub(super) fn beside(self, mib: f64, cpu_s: f64) -> String {
        let rate = mib / cpu_s.max(1e-3);
        format!(", {rate:.0} MiB/s, 1/{:.0} of reading", self.read / rate)
    }
}

/// MiB per second.
fn best(mut once: impl FnMut() -> Result<usize>) -> Result<f64> {
    let mut shortest = Duration::MAX;
    let mut bytes = 0;
    for _ in 0..TRIES {
        let start = Instant::now();
        bytes = once()?;
        shortest = shortest.min(start.elapsed());
    }
    Ok(bytes as f64 / MIB as f64 / shortest.as_secs_f64().max(1e-9))
}
