//! What no reader of a recording can be faster than, measured beside it: moving its bytes once.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};

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

/// Bytes of one try, at least.
const ENOUGH: usize = 1 << 30;

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

/// MiB per second of CPU time.
fn best(mut once: impl FnMut() -> Result<usize>) -> Result<f64> {
    let mut fastest = 0_f64;
    for _ in 0..TRIES {
        let start = cpu_s()?;
        let mut bytes = 0;
        // The kernel counts from tick to tick: what takes long is measured well.
        while bytes < ENOUGH {
            bytes += once()?;
        }
        fastest = fastest.max(bytes as f64 / MIB as f64 / (cpu_s()? - start).max(1e-3));
    }
    Ok(fastest)
}

/// CPU seconds of this thread.
fn cpu_s() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let ns = text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).context("/proc/thread-self/schedstat")?;
    Ok(ns / 1e9)
}
