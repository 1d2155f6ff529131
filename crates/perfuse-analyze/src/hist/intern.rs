//! Tables that give equal things equal numbers, in the order in which they were first seen.
//!
//! The numbers index vectors, so that what comes out never depends on the order of a hash table.

use std::hash::{Hash, Hasher as _};

use rustc_hash::FxHasher;

/// Free slot of an [`IdTable`].
const FREE: u32 = u32::MAX;

/// The hash of a key; the same in every run.
pub fn hash_of(key: impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Numbers by hash, with open addressing. Who owns the things that are numbered compares them.
#[derive(Debug, Clone, Default)]
pub struct IdTable {
    slots: Vec<u32>,
    len: usize,
}

impl IdTable {
    /// The number among those with this hash for which `equal` holds.
    pub fn find(&self, hash: u64, equal: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = spread(hash) & mask;
        loop {
            let id = self.slots[at];
            if id == FREE {
                return None;
            }
            if equal(id) {
                return Some(id);
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds a number that is not there; `rehash` gives the hash of those that are.
    pub fn insert(&mut self, hash: u64, id: u32, rehash: impl Fn(u32) -> u64) {
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            let old = std::mem::take(&mut self.slots);
            self.slots = vec![FREE; (old.len() * 2).max(16)];
            for id in old.into_iter().filter(|&id| id != FREE) {
                self.put(rehash(id), id);
            }
        }
        self.put(hash, id);
        self.len += 1;
    }

    fn put(&mut self, hash: u64, id: u32) {
        let mask = self.slots.len() - 1;
        let mut at = spread(hash) & mask;
        while self.slots[at] != FREE {
            at = (at + 1) & mask;
        }
        self.slots[at] = id;
    }
}

/// The upper half of the hash is the better one.
#[expect(clippy::cast_possible_truncation, reason = "only some bits of it are used")]
fn spread(hash: u64) -> usize {
    (hash ^ (hash >> 32)) as usize
}

/// A number for the next thing of a vector.
pub(super) fn next_id(len: usize) -> u32 {
    // Billions of distinct functions or stacks do not fit into memory, so the last number is never reached.
    u32::try_from(len).unwrap_or(FREE - 1)
}

/// Texts by number.
#[derive(Debug, Clone, Default)]
pub struct Strings {
    texts: Vec<Box<str>>,
    table: IdTable,
}

impl Strings {
    /// The number of a text.
    pub fn id(&mut self, text: &str) -> u32 {
        let hash = hash_of(text);
        if let Some(id) = self.table.find(hash, |id| &*self.texts[id as usize] == text) {
            return id;
        }
        let id = next_id(self.texts.len());
        self.texts.push(text.into());
        let texts = &self.texts;
        self.table.insert(hash, id, |id| hash_of(&*texts[id as usize]));
        id
    }

    /// The number of a text that was seen before.
    pub fn find(&self, text: &str) -> Option<u32> {
        self.table.find(hash_of(text), |id| &*self.texts[id as usize] == text)
    }

    /// The text of a number; empty for one that was never given.
    pub fn get(&self, id: u32) -> &str {
        self.texts.get(id as usize).map_or("", |text| text)
    }
}

/// Rows of numbers, all of one width, by number.
#[derive(Debug, Clone)]
pub struct Rows {
    width: usize,
    values: Vec<u64>,
    count: usize,
    table: IdTable,
}

impl Rows {
    /// No rows, of `width` numbers each.
    pub fn new(width: usize) -> Self {
        Self { width, values: Vec::new(), count: 0, table: IdTable::default() }
    }

    /// The number of a row.
    pub fn id(&mut self, row: &[u64]) -> u32 {
        debug_assert_eq!(row.len(), self.width);
        let hash = hash_of(row);
        let (width, values) = (self.width, &self.values);
        let of = |id: u32| &values[id as usize * width..][..width];
        if let Some(id) = self.table.find(hash, |id| of(id) == row) {
            return id;
        }
        let id = next_id(self.count);
        self.values.extend_from_slice(row);
        self.count += 1;
        let values = &self.values;
        self.table.insert(hash, id, |id| hash_of(&values[id as usize * width..][..width]));
        id
    }

    /// The row of a number.
    pub fn get(&self, id: u32) -> &[u64] {
        &self.values[id as usize * self.width..][..self.width]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_equal_numbers_however_many_there_are() {
        let mut strings = Strings::default();
        let ids: Vec<u32> = (0..1000).map(|number| strings.id(&format!("text {number}"))).collect();
        assert_eq!(ids, (0..1000).collect::<Vec<_>>());
        assert!((0..1000).all(|number| strings.id(&format!("text {number}")) == number));
        assert_eq!((strings.get(7), strings.get(5000), strings.find("none")), ("text 7", "", None));
    }

    #[test]
    fn rows_may_be_empty() {
        let mut rows = Rows::new(0);
        assert_eq!((rows.id(&[]), rows.id(&[]), rows.len()), (0, 0, 1));
        let mut rows = Rows::new(2);
        assert_eq!((rows.id(&[1, 2]), rows.id(&[2, 1]), rows.id(&[1, 2])), (0, 1, 0));
        assert_eq!(rows.get(1), [2, 1]);
    }
}
