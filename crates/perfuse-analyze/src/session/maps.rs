//! The mappings of one address space.

use super::DsoId;

/// One mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Map {
    /// First address.
    pub start: u64,
    /// First address behind it.
    pub end: u64,
    /// Offset of `start` in the file; of the kernel, `start` itself.
    pub pgoff: u64,
    /// What is mapped.
    pub dso: DsoId,
}

/// Mappings that do not overlap.
#[derive(Debug, Clone, Default)]
pub struct Maps {
    /// By address: there are some dozens, looked for much more often than changed.
    sorted: Vec<Map>,
}

impl Maps {
    /// Adds a mapping; what it covers of earlier ones is gone.
    pub fn insert(&mut self, map: Map) {
        if map.end <= map.start {
            return;
        }
        self.remove(map.start, map.end);
        let at = self.sorted.partition_point(|known| known.start < map.start);
        self.sorted.insert(at, map);
    }

    /// Takes away what lies from `start` up to `end`; mappings that reach beyond are cut.
    pub fn remove(&mut self, start: u64, end: u64) {
        if end <= start {
            return;
        }
        let first = self.sorted.partition_point(|known| known.end <= start);
        let behind = self.sorted.partition_point(|known| known.start < end).max(first);
        let mut rest = [None; 2];
        if let Some(hit) = self.sorted.get(first..behind) {
            rest[0] = hit.first().filter(|old| old.start < start).map(|old| Map { end: start, ..*old });
            rest[1] = hit.last().filter(|old| old.end > end).map(|old| {
                let pgoff = old.pgoff.wrapping_add(end - old.start);
                Map { start: end, pgoff, ..*old }
            });
        }
        self.sorted.splice(first..behind, rest.into_iter().flatten());
    }

    /// The mapping of an address.
    #[inline]
    pub fn find(&self, address: u64) -> Option<&Map> {
        let at = self.sorted.partition_point(|known| known.end <= address);
        self.sorted.get(at).filter(|known| known.start <= address)
    }

    /// All, by address.
    pub fn iter(&self) -> impl Iterator<Item = &Map> {
        self.sorted.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(start: u64, end: u64, dso: u32) -> Map {
        Map { start, end, pgoff: 0, dso: DsoId(dso) }
    }

    #[test]
    fn a_later_mapping_cuts_and_splits_earlier_ones() {
        let mut maps = Maps::default();
        maps.insert(map(0x1000, 0x9000, 1));
        maps.insert(map(0x3000, 0x4000, 2));
        let seen: Vec<_> = maps.iter().map(|map| (map.start, map.end, map.pgoff, map.dso.0)).collect();
        assert_eq!(seen, [(0x1000, 0x3000, 0, 1), (0x3000, 0x4000, 0, 2), (0x4000, 0x9000, 0x3000, 1)]);
        maps.insert(map(0x2000, 0x8000, 3));
        let seen: Vec<_> = maps.iter().map(|map| (map.start, map.end, map.pgoff, map.dso.0)).collect();
        assert_eq!(seen, [(0x1000, 0x2000, 0, 1), (0x2000, 0x8000, 0, 3), (0x8000, 0x9000, 0x7000, 1)]);
        assert_eq!(maps.find(0x8fff).map(|map| map.dso.0), Some(1));
        assert!(maps.find(0x9000).is_none() && maps.find(0xfff).is_none());
    }

    #[test]
    fn what_is_taken_away_leaves_the_rest() {
        let mut maps = Maps::default();
        maps.insert(map(0x1000, 0x3000, 1));
        maps.insert(map(0x4000, 0x6000, 2));
        maps.remove(0x2000, 0x5000);
        maps.remove(0x8000, 0x7000);
        let seen: Vec<_> = maps.iter().map(|map| (map.start, map.end, map.pgoff, map.dso.0)).collect();
        assert_eq!(seen, [(0x1000, 0x2000, 0, 1), (0x5000, 0x6000, 0x1000, 2)]);
        maps.remove(0, u64::MAX);
        assert_eq!(maps.iter().count(), 0);
    }

    #[test]
    fn an_empty_or_backward_mapping_is_none() {
        let mut maps = Maps::default();
        maps.insert(map(0x1000, 0x1000, 1));
        maps.insert(map(0x2000, 0x1000, 1));
        assert_eq!(maps.iter().count(), 0);
    }
}
