//! The mappings of one address space.

use std::collections::BTreeMap;

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
    by_start: BTreeMap<u64, Map>,
}

impl Maps {
    /// Adds a mapping; what it covers of earlier ones is gone.
    pub fn insert(&mut self, map: Map) {
        if map.end <= map.start {
            return;
        }
        self.remove(map.start, map.end);
        self.by_start.insert(map.start, map);
    }

    /// Takes away what lies from `start` up to `end`; mappings that reach beyond are cut.
    pub fn remove(&mut self, start: u64, end: u64) {
        let first = self.by_start.range(..start).next_back().filter(|(_, map)| map.end > start).map(|(key, _)| *key);
        let hit: Vec<u64> = first.into_iter().chain(self.by_start.range(start..end).map(|(key, _)| *key)).collect();
        for key in hit {
            let Some(old) = self.by_start.remove(&key) else { continue };
            if old.start < start {
                self.by_start.insert(old.start, Map { end: start, ..old });
            }
            if old.end > end {
                let pgoff = old.pgoff.wrapping_add(end - old.start);
                self.by_start.insert(end, Map { start: end, pgoff, ..old });
            }
        }
    }

    /// The mapping of an address.
    pub fn find(&self, address: u64) -> Option<&Map> {
        let (_, map) = self.by_start.range(..=address).next_back()?;
        (address < map.end).then_some(map)
    }

    /// All, by address.
    pub fn iter(&self) -> impl Iterator<Item = &Map> {
        self.by_start.values()
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
    fn an_empty_or_backward_mapping_is_none() {
        let mut maps = Maps::default();
        maps.insert(map(0x1000, 0x1000, 1));
        maps.insert(map(0x2000, 0x1000, 1));
        assert_eq!(maps.iter().count(), 0);
    }
}
