//! Histograms of durations with buckets by powers of two, as the BPF programs keep them.

use super::Row;

/// Buckets of a [`Log2Hist`].
pub const SLOTS: usize = 40;

/// Durations in nanoseconds, counted by powers of two: slot `i` holds those from 2^i up to 2^(i+1).
///
/// Slot 0 also holds zero, the last slot everything longer (2^39 ns are 9 minutes). `struct hist` of
/// `perfuse.h`: `u64 count, u64 sum_ns, u64 slots[40]`. The small histograms of per-process rows have the 16 slots
/// from 2^10 (1 us, and everything shorter) to 2^25 ns (34 ms, and everything longer) only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log2Hist {
    /// Durations counted.
    pub count: u64,
    /// Their sum.
    pub sum_ns: u64,
    /// Their distribution.
    pub slots: [u64; SLOTS],
}

impl Default for Log2Hist {
    fn default() -> Self {
        Self { count: 0, sum_ns: 0, slots: [0; SLOTS] }
    }
}

/// Bytes of `struct hist`.
pub(crate) const HIST_BYTES: usize = 16 + 8 * SLOTS;
/// First slot and number of slots of a small histogram.
const SMALL: (usize, usize) = (10, 16);

impl Log2Hist {
    /// Reads a `struct hist` at `at`.
    pub(crate) fn decode(row: Row<'_>, at: usize) -> Self {
        let slots = std::array::from_fn(|slot| row.u64(at + 16 + 8 * slot));
        Self { count: row.u64(at), sum_ns: row.u64(at + 8), slots }
    }

    /// Reads the `u32 slots[16]` at `at` of a row that keeps its count and sum apart.
    pub(crate) fn decode_small(row: Row<'_>, at: usize, count: u64, sum_ns: u64) -> Self {
        let (first, number) = SMALL;
        let mut slots = [0; SLOTS];
        for (index, slot) in slots.iter_mut().skip(first).take(number).enumerate() {
            *slot = u64::from(row.u32(at + 4 * index));
        }
        Self { count, sum_ns, slots }
    }

    /// Counts one duration.
    pub fn add(&mut self, ns: u64) {
        self.count += 1;
        self.sum_ns = self.sum_ns.saturating_add(ns);
        let slot = ns.checked_ilog2().map_or(0, |log| log as usize).min(SLOTS - 1);
        self.slots[slot] += 1;
    }

    /// Adds all of another histogram.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        for (slot, more) in self.slots.iter_mut().zip(other.slots) {
            *slot = slot.saturating_add(more);
        }
    }

    /// Takes an earlier reading of the same histogram away; one that went backwards was begun anew and stays.
    pub fn subtract(&mut self, earlier: &Self) {
        if self.count < earlier.count {
            return;
        }
        self.count -= earlier.count;
        self.sum_ns = self.sum_ns.saturating_sub(earlier.sum_ns);
        for (slot, less) in self.slots.iter_mut().zip(earlier.slots) {
            *slot = slot.saturating_sub(less);
        }
    }

    /// The mean duration; nothing when there was none.
    pub fn mean_ns(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ns as f64 / self.count as f64)
    }

    /// The duration below which `percent` (0 to 100) of the durations are, interpolated within its slot.
    ///
    /// Right to within a factor of two, since that is what a slot knows. Nothing when there was no duration.
    ///
    /// ```
    /// let mut hist = perfuse_format::bpf::Log2Hist::default();
    /// (0..99).for_each(|_| hist.add(1_500));
    /// hist.add(3_000_000);
    /// let p50 = hist.percentile(50.0).unwrap();
    /// assert!((1_024.0..2_048.0).contains(&p50));
    /// assert!(hist.percentile(100.0).unwrap() > 2_097_152.0);
    /// ```
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        let total: u64 = self.slots.iter().fold(0, |sum, &slot| sum.saturating_add(slot));
        if total == 0 {
            return None;
        }
        let wanted = total as f64 * percent.clamp(0.0, 100.0) / 100.0;
        let mut below = 0.0;
        let mut last = 0.0;
        for (slot, &count) in self.slots.iter().enumerate().filter(|&(_, &count)| count > 0) {
            let (low, high) = (lower_bound(slot), upper_bound(slot));
            if below + count as f64 >= wanted {
                return Some(low + (high - low) * (wanted - below) / count as f64);
            }
            below += count as f64;
            last = high;
        }
        Some(last)
    }

    /// Durations of at least `ns`, as far as slots tell: the slot that `ns` falls into counts only when it begins there.
    pub fn at_least(&self, ns: u64) -> u64 {
        let wanted = ns as f64;
        let slots = self.slots.iter().enumerate();
        slots.filter(|&(slot, _)| lower_bound(slot) >= wanted).fold(0, |sum, (_, &count)| sum.saturating_add(count))
    }

    /// The end of the highest slot that holds anything: no duration was longer (unless it is the last slot).
    pub fn upper_bound_ns(&self) -> Option<u64> {
        self.slots.iter().rposition(|&count| count > 0).map(|slot| 1 << (slot + 1))
    }
}

/// The shortest duration of a slot.
fn lower_bound(slot: usize) -> f64 {
    if slot == 0 { 0.0 } else { (1_u64 << slot) as f64 }
}

/// The end of a slot, outside of it.
fn upper_bound(slot: usize) -> f64 {
    (1_u64 << (slot + 1)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_their_slots() {
        let mut hist = Log2Hist::default();
        for ns in [0, 1, 2, 3, 4, 1 << 38, u64::MAX] {
            hist.add(ns);
        }
        assert_eq!(hist.slots[..3], [2, 2, 1]);
        assert_eq!((hist.slots[38], hist.slots[39], hist.count), (1, 1, 7));
        assert_eq!(hist.upper_bound_ns(), Some(1 << 40));
        assert_eq!(hist.at_least(2), 5);
        assert_eq!(hist.at_least(3), 3, "the slot of 2 and 3 does not count, it holds shorter ones too");
    }

    #[test]
    fn percentiles_lie_in_the_right_slot() {
        let mut hist = Log2Hist::default();
        assert_eq!(hist.percentile(50.0), None);
        (0..90).for_each(|_| hist.add(10));
        (0..10).for_each(|_| hist.add(1000));
        assert!((8.0..16.0).contains(&hist.percentile(50.0).unwrap()));
        assert!((512.0..=1024.0).contains(&hist.percentile(95.0).unwrap()));
        assert!((512.0..=1024.0).contains(&hist.percentile(250.0).unwrap()), "clamped to 100");
        assert_eq!(hist.mean_ns(), Some(109.0));
    }

    #[test]
    fn subtraction_undoes_merging() {
        let mut first = Log2Hist::default();
        first.add(5);
        let mut second = Log2Hist::default();
        second.add(500);
        let mut both = first.clone();
        both.merge(&second);
        both.subtract(&first);
        assert_eq!(both, second);
        let mut anew = first.clone();
        second.add(7);
        anew.subtract(&second);
        assert_eq!(anew, first);
    }

    #[test]
    fn layouts_of_the_kernel_side() {
        let words: Vec<u8> = (0..42_u64).flat_map(u64::to_ne_bytes).collect();
        assert_eq!(words.len(), HIST_BYTES);
        let hist = Log2Hist::decode(Row::new(&words), 0);
        assert_eq!((hist.count, hist.sum_ns, hist.slots[0], hist.slots[39]), (0, 1, 2, 41));
        let small: Vec<u8> = (1..17_u32).flat_map(u32::to_ne_bytes).collect();
        let hist = Log2Hist::decode_small(Row::new(&small), 0, 136, 9);
        assert_eq!((hist.slots[9], hist.slots[10], hist.slots[25], hist.slots[26]), (0, 1, 16, 0));
    }
}
