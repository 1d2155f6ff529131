//! The last two minutes of snapshots, packed as a recording packs them, and what is kept of them for components that may
//! be failing.
//!
//! The recording is a row of segments, each of which begins with a snapshot that refers to nothing before it. So the
//! oldest can go without touching the others, segments put together are a recording again, and several components that are
//! frozen at once share what they have in common.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use perfuse_format::RawSnapshot;
use perfuse_format::replay::Encoder;

/// Nanoseconds that are kept.
const KEPT_NS: u64 = 120_000_000_000;
/// Snapshots of one segment. The first one of each is stored whole.
const SEGMENT: u32 = 20;
/// Bytes that frozen segments may take beside those of the last minutes; above, the component that has been frozen for
/// longest loses what it had.
const FROZEN: usize = 16 << 20;

/// Some neighbouring snapshots.
#[derive(Debug)]
pub(super) struct Segment {
    /// In the order of time.
    number: u64,
    /// Monotonic time of the last snapshot.
    end_ns: u64,
    /// The records of a recording.
    records: Vec<u8>,
}

impl Segment {
    /// The records of a recording.
    pub(super) fn records(&self) -> &[u8] {
        &self.records
    }
}

/// What is kept of a component from before its first failure.
#[derive(Debug)]
struct Frozen {
    since_ns: u64,
    segments: Vec<Arc<Segment>>,
}

/// The ring.
#[derive(Debug, Default)]
pub(super) struct Keep {
    encoder: Encoder,
    records: Vec<u8>,
    in_segment: u32,
    newest_ns: u64,
    next: u64,
    done: VecDeque<Arc<Segment>>,
    frozen: BTreeMap<String, Frozen>,
}

impl Keep {
    /// Takes the next snapshot, and forgets what is too old.
    pub(super) fn push(&mut self, snapshot: RawSnapshot) {
        self.newest_ns = snapshot.mono_ns;
        self.records.extend(self.encoder.snapshot(snapshot));
        self.in_segment += 1;
        if self.in_segment >= SEGMENT {
            self.seal();
        }
        let oldest = self.newest_ns.saturating_sub(KEPT_NS);
        while self.done.front().is_some_and(|segment| segment.end_ns < oldest) {
            self.done.pop_front();
        }
    }

    /// Ends the segment that is being filled.
    fn seal(&mut self) {
        if self.in_segment == 0 {
            return;
        }
        let mut records = std::mem::take(&mut self.records);
        records.shrink_to_fit();
        self.done.push_back(Arc::new(Segment { number: self.next, end_ns: self.newest_ns, records }));
        self.next += 1;
        self.in_segment = 0;
        self.encoder = Encoder::new();
    }

    /// Keeps all that there is now, for a component. What is frozen already stays as it is.
    pub(super) fn freeze(&mut self, component: &str) {
        if self.frozen.contains_key(component) {
            return;
        }
        self.seal();
        let segments = self.done.iter().cloned().collect();
        self.frozen.insert(component.to_owned(), Frozen { since_ns: self.newest_ns, segments });
        while self.frozen_bytes() > FROZEN {
            let longest =
                self.frozen.values_mut().filter(|one| !one.segments.is_empty()).min_by_key(|one| one.since_ns);
            let Some(longest) = longest else { break };
            longest.segments.clear();
        }
    }

    /// Bytes of segments that only frozen components have.
    fn frozen_bytes(&self) -> usize {
        let first = self.done.front().map_or(u64::MAX, |segment| segment.number);
        let segments = self.frozen.values().flat_map(|one| &one.segments).filter(|segment| segment.number < first);
        let by_number: BTreeMap<u64, usize> = segments.map(|segment| (segment.number, segment.records.len())).collect();
        by_number.values().sum()
    }

    /// Lets go of what was kept for a component.
    pub(super) fn release(&mut self, component: &str) {
        self.frozen.remove(component);
    }

    /// The segments from before the first failure of a component up to now, and when it was frozen. A component that is not
    /// frozen gets the last minutes.
    pub(super) fn segments(&mut self, component: &str) -> (Vec<Arc<Segment>>, Option<u64>) {
        self.seal();
        let frozen = self.frozen.get(component);
        let mut all: BTreeMap<u64, Arc<Segment>> = BTreeMap::new();
        for segment in frozen.iter().flat_map(|frozen| &frozen.segments).chain(&self.done) {
            all.insert(segment.number, Arc::clone(segment));
        }
        (all.into_values().collect(), frozen.map(|frozen| frozen.since_ns))
    }
}

fn header() -> Vec<u8> {
    Encoder::header(concat!("perfuse ", env!("CARGO_PKG_VERSION")))
}

/// A recording of a row of records that begins with a whole snapshot.
pub(super) fn alone(records: &[u8]) -> Vec<u8> {
    let mut bytes = header();
    bytes.extend_from_slice(records);
    bytes
}

/// A recording of records, each row of which begins with a whole snapshot, and of one more snapshot at its end.
pub(super) fn recording<'a>(rows: impl Iterator<Item = &'a [u8]>, last: RawSnapshot) -> Vec<u8> {
    let mut bytes = header();
    for records in rows {
        bytes.extend_from_slice(records);
    }
    bytes.extend(Encoder::new().snapshot(last));
    bytes
}

#[cfg(test)]
mod tests {
    use perfuse_format::replay::Decoder;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(second: u64) -> RawSnapshot {
        let mut raw = RawSnapshot { mono_ns: second * SECOND, ..RawSnapshot::default() };
        raw.put("/counter", format!("{second:08}"));
        raw
    }

    fn seconds(keep: &mut Keep, component: &str) -> Vec<u64> {
        let (segments, _) = keep.segments(component);
        let bytes = recording(segments.iter().map(|segment| segment.records()), at(9999));
        let mut seconds: Vec<u64> =
            Decoder::new(&bytes).unwrap().map(|snapshot| snapshot.unwrap().mono_ns / SECOND).collect();
        assert_eq!(seconds.pop(), Some(9999));
        seconds
    }

    #[test]
    fn two_minutes_are_kept_and_no_more_than_a_segment_beyond() {
        let mut keep = Keep::default();
        for second in 1..=1000 {
            keep.push(at(second));
        }
        let kept = seconds(&mut keep, "shop");
        assert!(kept.first().is_some_and(|first| (861..=880).contains(first)), "{kept:?}");
        assert_eq!(kept.last(), Some(&1000));
        assert!(kept.windows(2).all(|pair| pair[1] == pair[0] + 1));
    }

    #[test]
    fn what_is_frozen_stays_from_before_the_failure_until_it_is_released() {
        let mut keep = Keep::default();
        for second in 1..=300 {
            keep.push(at(second));
        }
        keep.freeze("shop");
        for second in 301..=900 {
            keep.push(at(second));
        }
        // Frozen again, it keeps what it had.
        keep.freeze("shop");
        let kept = seconds(&mut keep, "shop");
        assert!(kept[0] <= 181 && kept.contains(&300) && kept.contains(&900), "{kept:?}");
        assert!(!kept.contains(&500), "what was between is gone");
        assert_eq!(keep.segments("shop").1, Some(300 * SECOND));
        assert!(!seconds(&mut keep, "other").contains(&300));
        keep.release("shop");
        assert!(!seconds(&mut keep, "shop").contains(&300));
    }

    #[test]
    fn components_that_are_frozen_together_share_what_they_have() {
        let mut keep = Keep::default();
        for second in 1..=120 {
            keep.push(at(second));
        }
        for component in ["a", "b", "c"] {
            keep.freeze(component);
        }
        let before = keep.frozen_bytes();
        for second in 121..=600 {
            keep.push(at(second));
        }
        let one: usize = keep.frozen["a"].segments.iter().map(|segment| segment.records.len()).sum();
        assert_eq!((before, keep.frozen_bytes()), (0, one));
    }

    #[test]
    fn of_too_much_the_oldest_goes() {
        let mut keep = Keep::default();
        let mut seed = 1_u32;
        let mut noise = || {
            let bytes = std::iter::repeat_with(|| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                u8::try_from(seed >> 24).unwrap_or_default()
            });
            bytes.take(700_000).collect::<Vec<u8>>()
        };
        for round in 0..3_u64 {
            for second in 1..=20 {
                let mut raw = at(round * 1000 + second);
                raw.put("/noise", noise());
                keep.push(raw);
            }
            keep.freeze(&format!("c{round}"));
        }
        assert!(keep.frozen["c0"].segments.is_empty() && !keep.frozen["c2"].segments.is_empty());
        assert!(keep.frozen_bytes() <= FROZEN);
    }
}
