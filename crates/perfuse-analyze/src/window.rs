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
}

/// The newest snapshots of a run without end.
#[derive(Debug, Clone)]
pub struct Sliding {
    kept: VecDeque<RawSnapshot>,
    most: usize,
}

impl Sliding {
    /// A window of the newest `most` snapshots (at least 2).
    pub fn new(most: usize) -> Self {
        Self { kept: VecDeque::new(), most: most.max(2) }
    }

    /// Takes the next snapshot and forgets the oldest. What is read only now and then (limits, mounts) stays
    /// readable: a source that the next snapshot lacks is handed on to it from the forgotten one.
    pub fn push(&mut self, snapshot: RawSnapshot) {
        self.kept.push_back(snapshot);
        while self.kept.len() > self.most {
            let Some(oldest) = self.kept.pop_front() else { break };
            let Some(next) = self.kept.front_mut() else { break };
            for (name, raw) in oldest.sources {
                // Processes come and go: only what a later snapshot still knows of is handed on.
                if name.starts_with("/proc/")
                    && name.as_bytes().get(6).is_some_and(u8::is_ascii_digit)
                    && !name.ends_with("/cgroup")
                {
                    continue;
                }
                next.sources.entry(name).or_insert(raw);
            }
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
    fn a_sliding_window_hands_on_what_is_rarely_read() {
        let mut window = Sliding::new(2);
        let mut first = at(1);
        first.put("/proc/self/mountinfo", "rare");
        first.put("/proc/7/stat", "a process");
        window.push(first);
        window.push(at(2));
        window.push(at(3));
        let kept = window.snapshots();
        assert_eq!(kept.len(), 2);
        assert!(kept[0].has("/proc/self/mountinfo") && !kept[0].has("/proc/7/stat"));
    }
}
