//! Which snapshots of a long run are kept in memory.

use std::collections::VecDeque;

use perfuse_format::RawSnapshot;

/// Keeps the first snapshot, the last one, and evenly spread ones between them, never more than a fixed number.
///
/// When it is full, every second one between the first and the last is dropped and from then on only every second
/// new one is kept. The choice depends on the order of arrival alone, so that a replay keeps the same ones as the live
/// run did.
#[derive(Debug, Clone)]
pub struct Window {
    kept: Vec<RawSnapshot>,
    most: usize,
    every: u64,
    seen: u64,
    /// The newest snapshot was put in although its turn had not come; the next one replaces it.
    extra: bool,
}

impl Window {
    /// A window of at most `most` snapshots (at least 4).
    pub fn new(most: usize) -> Self {
        Self { kept: Vec::new(), most: most.max(4), every: 1, seen: 0, extra: false }
    }

    /// Takes the next snapshot.
    pub fn push(&mut self, snapshot: RawSnapshot) {
        if self.extra {
            // Slow sources of a snapshot that is dropped are of no use to anyone else: its neighbours have theirs.
            self.kept.pop();
        }
        self.extra = !self.seen.is_multiple_of(self.every);
        self.seen += 1;
        self.kept.push(snapshot);
        if self.kept.len() > self.most {
            let last = self.kept.len() - 1;
            let mut index = 0;
            self.kept.retain(|_| {
                let keep = index % 2 == 0 || index == last;
                index += 1;
                keep
            });
            self.every *= 2;
            self.extra = !(self.seen - 1).is_multiple_of(self.every);
        }
    }

    /// The kept snapshots in the order of time.
    pub fn snapshots(&self) -> &[RawSnapshot] {
        &self.kept
    }

    /// Gives the kept snapshots away.
    pub fn into_snapshots(self) -> Vec<RawSnapshot> {
        self.kept
    }
}

/// The newest snapshots of a run without end.
///
/// What is read only now and then must be in it at least twice, or there would be no rates of it: the window begins at
/// a snapshot that has everything, and forgets the oldest such stretch only when enough is left behind it.
#[derive(Debug, Clone)]
pub struct Sliding {
    kept: VecDeque<RawSnapshot>,
    least: usize,
}

/// A source that every complete snapshot has and no other.
const COMPLETE: &str = "/proc/self/mountinfo";

impl Sliding {
    /// A window of at least the newest `least` snapshots, once there are so many (at least 2).
    pub fn new(least: usize) -> Self {
        Self { kept: VecDeque::new(), least: least.max(2) }
    }

    /// Takes the next snapshot, and forgets what is no longer needed.
    pub fn push(&mut self, snapshot: RawSnapshot) {
        self.kept.push_back(snapshot);
        let complete: Vec<usize> = (1..self.kept.len()).filter(|index| self.kept[*index].has(COMPLETE)).collect();
        // The newest complete snapshot cannot be the first: one more must follow it.
        let starts = complete.iter().take(complete.len().saturating_sub(1));
        let start = starts.rev().find(|start| self.kept.len() - **start >= self.least);
        if let Some(start) = start {
            self.kept.drain(..*start);
        }
    }

    /// The kept snapshots in the order of time.
    pub fn snapshots(&mut self) -> &[RawSnapshot] {
        self.kept.make_contiguous()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mono_ns: u64) -> RawSnapshot {
        RawSnapshot { mono_ns, ..RawSnapshot::default() }
    }

    #[test]
    fn first_and_last_stay_and_the_rest_is_even() {
        let mut window = Window::new(8);
        for n in 0..100 {
            window.push(at(n));
            let times: Vec<_> = window.snapshots().iter().map(|s| s.mono_ns).collect();
            assert_eq!((times[0], *times.last().unwrap()), (0, n));
            assert!(times.len() <= 8 && times.is_sorted());
            let steps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let even = &steps[..steps.len().saturating_sub(1)];
            assert!(even.windows(2).all(|pair| pair[0] == pair[1]), "{times:?}");
        }
    }

    #[test]
    fn a_sliding_window_begins_complete_and_has_two_complete_ones() {
        let mut window = Sliding::new(5);
        for n in 0..40_u64 {
            let mut snapshot = at(n);
            if n == 1 || n.is_multiple_of(10) {
                snapshot.put(COMPLETE, "");
            }
            window.push(snapshot);
            let kept = window.snapshots();
            assert!(kept[0].has(COMPLETE) && kept.len() <= 20, "{n}: {}", kept.len());
            assert!(n < 1 || kept.iter().filter(|snapshot| snapshot.has(COMPLETE)).count() >= 2);
            assert!(n < 5 || kept.len() >= 5);
        }
    }
}
