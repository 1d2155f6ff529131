//! Tables of the hot path: from an address to what was found for it before.

/// From two numbers to a third, in open addressing. Only asked for single keys: its order reaches nobody.
#[derive(Debug, Default)]
pub(crate) struct AddressTable {
    /// Power of two; `value == EMPTY` is a free slot.
    slots: Vec<Slot>,
    used: usize,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    key: (u32, u64),
    value: u32,
}

const EMPTY: u32 = u32::MAX;
const FREE: Slot = Slot { key: (0, 0), value: EMPTY };

/// Spreads the bits of an address over a word (multiplication by an odd number near 2^64 / golden ratio).
fn hash((space, address): (u32, u64)) -> usize {
    let mixed = (address ^ (u64::from(space) << 48)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 20).unwrap_or_default()
}

impl AddressTable {
    /// The value of a key.
    #[inline]
    pub(crate) fn get(&self, key: (u32, u64)) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash(key) & mask;
        loop {
            let slot = self.slots.get(at)?;
            if slot.value == EMPTY {
                return None;
            }
            if slot.key == key {
                return Some(slot.value);
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds a key that is not there yet.
    pub(crate) fn insert(&mut self, key: (u32, u64), value: u32) {
        if self.used * 2 >= self.slots.len() {
            let size = (self.slots.len() * 2).max(1024);
            let old = std::mem::replace(&mut self.slots, vec![FREE; size]);
            for slot in old.into_iter().filter(|slot| slot.value != EMPTY) {
                self.place(slot);
            }
        }
        self.used += 1;
        self.place(Slot { key, value });
    }

    fn place(&mut self, new: Slot) {
        let mask = self.slots.len() - 1;
        let mut at = hash(new.key) & mask;
        while self.slots.get(at).is_some_and(|slot| slot.value != EMPTY) {
            at = (at + 1) & mask;
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = new;
        }
    }
}

/// The last answers for instruction pointers, one in each place: a newer one drives an older one out.
///
/// A key is an address space and an address in it. A space gets a new number whenever its mappings change, so what is
/// remembered of the old ones is never found again.
#[derive(Debug)]
pub(super) struct RecentIps {
    slots: Vec<Slot>,
}

const RECENT: usize = 1 << 15;

impl RecentIps {
    pub(super) fn new() -> Self {
        Self { slots: vec![FREE; RECENT] }
    }

    pub(super) fn get(&self, key: (u32, u64)) -> Option<u32> {
        let slot = self.slots.get(hash(key) % RECENT)?;
        (slot.key == key && slot.value != EMPTY).then_some(slot.value)
    }

    pub(super) fn set(&mut self, key: (u32, u64), value: u32) {
        if let Some(slot) = self.slots.get_mut(hash(key) % RECENT) {
            *slot = Slot { key, value };
        }
    }
}

/// The last answers for threads or processes, one in each place as well. Whoever changes what an answer depends on has to
/// forget it.
#[derive(Debug)]
pub(super) struct RecentIds {
    slots: Vec<Option<(i32, u32)>>,
}

const RECENT_IDS: usize = 256;

impl RecentIds {
    pub(super) fn new() -> Self {
        Self { slots: vec![None; RECENT_IDS] }
    }

    fn slot(id: i32) -> usize {
        usize::from(id.to_le_bytes()[0])
    }

    #[inline]
    pub(super) fn get(&self, id: i32) -> Option<u32> {
        let (known, value) = self.slots.get(Self::slot(id)).copied().flatten()?;
        (known == id).then_some(value)
    }

    pub(super) fn set(&mut self, id: i32, value: u32) {
        if let Some(slot) = self.slots.get_mut(Self::slot(id)) {
            *slot = Some((id, value));
        }
    }

    pub(super) fn forget(&mut self, id: i32) {
        if let Some(slot) = self.slots.get_mut(Self::slot(id)) {
            *slot = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_again_after_growing() {
        let mut table = AddressTable::default();
        assert_eq!(table.get((1, 2)), None);
        for number in 0..5000_u32 {
            table.insert((number % 7, u64::from(number) << 4), number);
        }
        for number in 0..5000_u32 {
            assert_eq!(table.get((number % 7, u64::from(number) << 4)), Some(number));
        }
        assert_eq!(table.get((8, 0)), None);
    }

    #[test]
    fn ids_that_share_a_place_are_told_apart() {
        let mut recent = RecentIds::new();
        recent.set(7, 70);
        assert_eq!((recent.get(7), recent.get(7 + 256), recent.get(-1)), (Some(70), None, None));
        recent.set(7 + 256, 71);
        assert_eq!((recent.get(7), recent.get(7 + 256)), (None, Some(71)));
        recent.forget(7);
        assert_eq!(recent.get(7 + 256), None);
    }

    #[test]
    fn what_is_recent_is_known_and_never_mistaken() {
        let mut recent = RecentIps::new();
        for number in 0..100_000_u32 {
            recent.set((number & 1, u64::from(number)), number);
        }
        let known: Vec<u32> = (0..100_000).filter_map(|number| recent.get((number & 1, u64::from(number)))).collect();
        assert!(!known.is_empty() && known.len() <= RECENT);
        assert!(
            (0..100_000)
                .all(|number| { recent.get((number & 1, u64::from(number))).is_none_or(|value| value == number) })
        );
        assert_eq!(recent.get((2, 99_999)), None);
    }
}
