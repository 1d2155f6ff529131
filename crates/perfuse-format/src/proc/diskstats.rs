//! `/proc/diskstats`: one line for each block device and partition (Documentation/admin-guide/iostats.rst).

use crate::counter::delta;
use crate::parse::{FromBytes, ParseError, fields, lines, text, unsigned};

/// Bytes of the sectors in which `/proc/diskstats` and `/sys/block/*/size` count, whatever the device's own sectors are.
pub const SECTOR: u64 = 512;

/// One device; every number counts from boot (or from the making of the device) unless it says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Name, such as `vda` or `vda1`.
    pub name: String,
    /// Reads that completed.
    pub reads: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Milliseconds of all reads together, from the making of the request to its completion.
    pub read_ms: u64,
    /// Writes that completed.
    pub writes: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Milliseconds of all writes together.
    pub write_ms: u64,
    /// Requests that are under way now; not a counter.
    pub in_flight: u64,
    /// Milliseconds in which at least one request was under way (`io_ticks`).
    pub busy_ms: u64,
    /// Milliseconds of all requests together, discards and flushes included (`time_in_queue`).
    pub queue_ms: u64,
    /// Discards that completed; `None` before Linux 4.18.
    pub discards: Option<u64>,
    /// Milliseconds of all discards together; `None` before Linux 4.18.
    pub discard_ms: Option<u64>,
    /// Flushes of the device's cache; `None` before Linux 5.5.
    pub flushes: Option<u64>,
    /// Milliseconds of all flushes together; `None` before Linux 5.5.
    pub flush_ms: Option<u64>,
}

impl Disk {
    /// Whether it ever did anything; the eight idle loop devices of most hosts did not.
    pub fn ever_used(&self) -> bool {
        self.reads + self.writes + self.in_flight > 0 || self.discards.unwrap_or(0) > 0
    }
}

/// All devices, in the kernel's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiskStats(pub Vec<Disk>);

impl DiskStats {
    /// The device with this name.
    pub fn get(&self, name: &str) -> Option<&Disk> {
        self.0.iter().find(|disk| disk.name == name)
    }

    /// The device with this number.
    pub fn by_number(&self, major: u32, minor: u32) -> Option<&Disk> {
        self.0.iter().find(|disk| (disk.major, disk.minor) == (major, minor))
    }
}

impl FromBytes for DiskStats {
    /// An empty file is right: a container or a diskless host has no block device.
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut disks = Vec::new();
        for (number, line) in lines(bytes) {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let bad = || ParseError::new(number, "major minor name and at least 11 numbers", line);
            // Kernels before 2.6.25 gave partitions four numbers; they say nothing about time and are left out.
            if fields(line).count() == 7 {
                continue;
            }
            disks.push(disk(line).ok_or_else(bad)?);
        }
        Ok(Self(disks))
    }
}

/// The line of one device: 14 fields, 18 from Linux 4.18 (discards), 20 from 5.5 (flushes).
fn disk(line: &[u8]) -> Option<Disk> {
    let mut parts = fields(line);
    let number = |field: &[u8]| unsigned(field).and_then(|n| u32::try_from(n).ok());
    let (major, minor) = (number(parts.next()?)?, number(parts.next()?)?);
    let name = text(parts.next()?);
    let mut numbers = [None; 17];
    for (slot, field) in numbers.iter_mut().zip(parts) {
        // A sum of sectors above 2^53 is no disk; the bound keeps every sum of these numbers in 64 bits.
        *slot = Some(unsigned(field).filter(|n| *n < 1 << 53)?);
    }
    let pair = |first: usize, second: usize| match (numbers[first], numbers[second]) {
        (Some(first), Some(second)) => (Some(first), Some(second)),
        _ => (None, None),
    };
    let (discards, discard_ms) = pair(11, 14);
    let (flushes, flush_ms) = pair(15, 16);
    Some(Disk {
        major,
        minor,
        name,
        reads: numbers[0]?,
        read_bytes: numbers[2]? * SECTOR,
        read_ms: numbers[3]?,
        writes: numbers[4]?,
        write_bytes: numbers[6]? * SECTOR,
        write_ms: numbers[7]?,
        in_flight: numbers[8]?,
        busy_ms: numbers[9]?,
        queue_ms: numbers[10]?,
        discards,
        discard_ms,
        flushes,
        flush_ms,
    })
}

/// What one device did between two readings. A counter that was reset counts as nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskWork {
    /// Reads that completed.
    pub reads: u64,
    /// Writes that completed.
    pub writes: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Milliseconds of the reads together.
    pub read_ms: u64,
    /// Milliseconds of the writes together.
    pub write_ms: u64,
    /// Milliseconds in which a request was under way.
    pub busy_ms: u64,
    /// Milliseconds of all requests together.
    pub queue_ms: u64,
    /// Flushes.
    pub flushes: u64,
    /// Milliseconds of the flushes together.
    pub flush_ms: u64,
}

impl DiskWork {
    /// The difference; `None` when the device is another one now or its counters were reset.
    pub fn between(before: &Disk, after: &Disk) -> Option<Self> {
        if (before.major, before.minor) != (after.major, after.minor) {
            return None;
        }
        let grew = |earlier: u64, later: u64| delta(earlier, later).grew();
        // The kernel keeps milliseconds in 32 bits, and sectors in 64: only the latter are multiplied here.
        let maybe = |earlier: Option<u64>, later: Option<u64>| match (earlier, later) {
            (Some(earlier), Some(later)) => grew(earlier, later),
            _ => Some(0),
        };
        Some(Self {
            reads: grew(before.reads, after.reads)?,
            writes: grew(before.writes, after.writes)?,
            read_bytes: grew(before.read_bytes, after.read_bytes)?,
            write_bytes: grew(before.write_bytes, after.write_bytes)?,
            read_ms: grew(before.read_ms, after.read_ms)?,
            write_ms: grew(before.write_ms, after.write_ms)?,
            busy_ms: grew(before.busy_ms, after.busy_ms)?,
            queue_ms: grew(before.queue_ms, after.queue_ms)?,
            flushes: maybe(before.flushes, after.flushes)?,
            flush_ms: maybe(before.flush_ms, after.flush_ms)?,
        })
    }

    /// Reads and writes.
    pub fn requests(&self) -> u64 {
        self.reads + self.writes
    }

    /// Mean milliseconds of a read or write, queue included (`await` of iostat); nothing without any.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.requests() > 0).then(|| (self.read_ms + self.write_ms) as f64 / self.requests() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a 6.18 kernel printed it.
    const NEW: &[u8] = b"   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n 254       0 vda 38489 9379 7782482 20178 48045 17279 4662976 15497 0 13440 37220 12087 27 1348600 1084 8181 460\n";

    #[test]
    fn every_generation_is_read() {
        let stats = DiskStats::from_bytes(NEW).unwrap();
        let vda = stats.get("vda").unwrap();
        assert_eq!((vda.reads, vda.read_bytes, vda.read_ms), (38_489, 7_782_482 * 512, 20_178));
        assert_eq!((vda.writes, vda.write_bytes, vda.write_ms), (48_045, 4_662_976 * 512, 15_497));
        assert_eq!((vda.in_flight, vda.busy_ms, vda.queue_ms), (0, 13_440, 37_220));
        assert_eq!(
            (vda.discards, vda.discard_ms, vda.flushes, vda.flush_ms),
            (Some(12_087), Some(1084), Some(8181), Some(460))
        );
        assert!(vda.ever_used());
        assert!(!stats.get("loop0").unwrap().ever_used());
        assert_eq!(stats.by_number(254, 0), Some(vda));

        let old = b"   8       0 sda 10 0 80 5 20 1 160 7 0 9 12\n   8 1 sda1 1 2 3 4\n";
        let stats = DiskStats::from_bytes(old).unwrap();
        assert_eq!(stats.0.len(), 1, "a partition line with four numbers is left out");
        assert_eq!((stats.0[0].queue_ms, stats.0[0].discards, stats.0[0].flushes), (12, None, None));

        let rhel8 = b"   8       0 sda 10 0 80 5 20 1 160 7 0 9 12 3 0 24 6\n";
        let stats = DiskStats::from_bytes(rhel8).unwrap();
        assert_eq!((stats.0[0].discards, stats.0[0].discard_ms, stats.0[0].flushes), (Some(3), Some(6), None));
    }

    #[test]
    fn odd_bytes_are_errors_and_no_device_is_not() {
        assert!(DiskStats::from_bytes(b"").unwrap().0.is_empty());
        assert_eq!(DiskStats::from_bytes(b"8 0 sda 1 2\n").unwrap_err().line, 1);
        assert!(DiskStats::from_bytes(b"8 0 sda 1 2 3 4 5 6 7 8 9 10 x\n").is_err());
        assert!(DiskStats::from_bytes(b"8 0 sda 1 2 18446744073709551615 4 5 6 7 8 9 10 11\n").is_err());
    }

    #[test]
    fn work_wraps_and_resets() {
        let before = Disk { reads: 5, read_ms: u64::from(u32::MAX) - 3, busy_ms: 10, ..Disk::default() };
        let after = Disk { reads: 9, read_ms: 4, busy_ms: 30, ..Disk::default() };
        let work = DiskWork::between(&before, &after).unwrap();
        assert_eq!((work.reads, work.read_ms, work.busy_ms), (4, 8, 20));
        assert_eq!(work.mean_ms(), Some(2.0));
        assert_eq!(DiskWork::default().mean_ms(), None);
        let reset = Disk { reads: 1, ..Disk::default() };
        assert_eq!(DiskWork::between(&before, &reset), None);
        assert_eq!(DiskWork::between(&before, &Disk { minor: 1, ..after }), None);
    }
}
