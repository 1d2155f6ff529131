//! Call chains that were met before.
//!
//! Programs take the same ways again and again: of half a million samples of a busy machine a few thousand have a chain of
//! their own. So a recorded chain gets a number, and whatever is made of it (its frames, its text, its place in a tree) is
//! made once:
//!
//! ```text
//!   address spaces of kernel and process, bytes of the chain    ->   ChainId   ->   frames, text, node …
//! ```
//!
//! Why that is right: a frame is decided by its address, its mode and the mappings of that moment, and every change of
//! mappings (mmap, exec, fork, a BPF program) gives the process or the kernel a new number of its address space. Names of
//! threads are no part of it: whoever shows them looks them up for each sample.
//!
//! What is remembered is limited. When it is full all of it is forgotten, and the chains that come often are soon there again.

use std::hash::Hasher as _;

use rustc_hash::FxHasher;

use super::ChainFrame;

/// Most bytes of recorded chains that are remembered.
const MOST_BYTES: usize = 2 << 20;

/// A recorded chain in the address spaces of its moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainId {
    /// How often all was forgotten before: of an older one nothing is known any more.
    generation: u32,
    number: u32,
}

impl ChainId {
    /// How often all was forgotten before; with [`ChainId::number`] the same for equal chains.
    pub fn generation(self) -> u32 {
        self.generation
    }

    /// Its number among those of its generation: the first has 0.
    pub fn number(self) -> u32 {
        self.number
    }
}

#[derive(Debug, Clone, Copy)]
struct Known {
    spaces: (u32, u32),
    hash: u64,
    /// Where the recorded bytes begin and end, and the frames.
    bytes: (u32, u32),
    frames: (u32, u32),
}

/// Chains by number, and numbers by chain.
#[derive(Debug, Default)]
pub(super) struct KnownChains {
    generation: u32,
    known: Vec<Known>,
    bytes: Vec<u8>,
    frames: Vec<ChainFrame>,
    /// Numbers plus one by hash, in open addressing; a power of two of them.
    slots: Vec<u32>,
}

/// The hash of a chain.
fn hash(spaces: (u32, u32), bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_u64(u64::from(spaces.0) << 32 | u64::from(spaces.1));
    hasher.write(bytes);
    hasher.finish()
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "only some bits of it are used")]
fn slot_of(hash: u64) -> usize {
    (hash ^ hash >> 32) as usize
}

impl KnownChains {
    /// The number of a chain that was met before; otherwise its hash, to add it with.
    pub(super) fn find(&self, spaces: (u32, u32), bytes: &[u8]) -> Result<ChainId, u64> {
        let hash = hash(spaces, bytes);
        let Some(mask) = self.slots.len().checked_sub(1) else { return Err(hash) };
        let mut at = slot_of(hash) & mask;
        loop {
            let Some(index) = self.slots.get(at).and_then(|slot| slot.checked_sub(1)) else { return Err(hash) };
            let Some(known) = self.known.get(index as usize) else { return Err(hash) };
            if known.hash == hash && known.spaces == spaces && self.bytes_of(known) == bytes {
                return Ok(ChainId { generation: self.generation, number: index });
            }
            at = (at + 1) & mask;
        }
    }

    fn bytes_of(&self, known: &Known) -> &[u8] {
        self.bytes.get(known.bytes.0 as usize..known.bytes.1 as usize).unwrap_or_default()
    }

    /// Adds a chain that is not there, with the hash that [`KnownChains::find`] gave. Too long a one is not remembered.
    pub(super) fn add(
        &mut self,
        hash: u64,
        spaces: (u32, u32),
        bytes: &[u8],
        frames: &[ChainFrame],
    ) -> Option<ChainId> {
        if bytes.len() > MOST_BYTES {
            return None;
        }
        if self.bytes.len() + bytes.len() > MOST_BYTES {
            self.forget();
        }
        if (self.known.len() + 1) * 2 > self.slots.len() {
            self.slots = vec![0; (self.slots.len() * 2).max(1024)];
            for index in 0..self.known.len() {
                self.place(index);
            }
        }
        let (bytes_start, frames_start) = (number(self.bytes.len()), number(self.frames.len()));
        self.bytes.extend_from_slice(bytes);
        self.frames.extend_from_slice(frames);
        self.known.push(Known {
            spaces,
            hash,
            bytes: (bytes_start, number(self.bytes.len())),
            frames: (frames_start, number(self.frames.len())),
        });
        let index = self.known.len() - 1;
        self.place(index);
        Some(ChainId { generation: self.generation, number: number(index) })
    }

    fn place(&mut self, index: usize) {
        let Some(known) = self.known.get(index) else { return };
        let mask = self.slots.len() - 1;
        let mut at = slot_of(known.hash) & mask;
        while self.slots.get(at).is_some_and(|slot| *slot != 0) {
            at = (at + 1) & mask;
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = number(index).saturating_add(1);
        }
    }

    /// Forgets all.
    pub(super) fn forget(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        self.known.clear();
        self.bytes.clear();
        self.frames.clear();
        self.slots.fill(0);
    }

    /// The frames of a chain; none if it was forgotten.
    pub(super) fn frames(&self, id: ChainId) -> &[ChainFrame] {
        let known = self.known.get(id.number as usize).filter(|_| id.generation == self.generation);
        known.and_then(|known| self.frames.get(known.frames.0 as usize..known.frames.1 as usize)).unwrap_or_default()
    }
}

/// What was made of chains, by their numbers; forgotten together with them.
#[derive(Debug, Clone)]
pub struct ByChain<T> {
    generation: u32,
    values: Vec<Option<T>>,
}

impl<T> Default for ByChain<T> {
    fn default() -> Self {
        Self { generation: 0, values: Vec::new() }
    }
}

impl<T: Copy> ByChain<T> {
    /// What was made of a chain.
    pub fn get(&self, id: ChainId) -> Option<T> {
        self.values.get(id.number as usize).copied().flatten().filter(|_| self.generation == id.generation)
    }

    /// Remembers what was made of a chain.
    pub fn set(&mut self, id: ChainId, value: T) {
        if self.generation != id.generation {
            self.generation = id.generation;
            self.values.clear();
        }
        let at = id.number as usize;
        if self.values.len() <= at {
            self.values.resize(at + 1, None);
        }
        if let Some(slot) = self.values.get_mut(at) {
            *slot = Some(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FrameId;
    use super::*;

    fn frame(id: u32) -> ChainFrame {
        ChainFrame { frame: FrameId(id), ip: u64::from(id) }
    }

    #[test]
    fn equal_chains_have_one_number_in_one_address_space() {
        let mut chains = KnownChains::default();
        for number in 0..2000_u32 {
            let bytes = number.to_le_bytes();
            let hash = chains.find((1, 2), &bytes).unwrap_err();
            let id = chains.add(hash, (1, 2), &bytes, &[frame(number), frame(number + 1)]).unwrap();
            assert_eq!(id.number(), number);
        }
        for number in 0..2000_u32 {
            let id = chains.find((1, 2), &number.to_le_bytes()).unwrap();
            assert_eq!(chains.frames(id), [frame(number), frame(number + 1)]);
        }
        assert!(chains.find((1, 3), &7_u32.to_le_bytes()).is_err(), "other mappings, other frames");
    }

    #[test]
    fn what_is_forgotten_is_never_mistaken_for_what_came_later() {
        let mut chains = KnownChains::default();
        let mut made = ByChain::default();
        let long = vec![7; MOST_BYTES - 8];
        let hash = chains.find((0, 0), &long).unwrap_err();
        let first = chains.add(hash, (0, 0), &long, &[frame(1)]).unwrap();
        made.set(first, 'a');
        let hash = chains.find((0, 0), &[1; 16]).unwrap_err();
        let second = chains.add(hash, (0, 0), &[1; 16], &[frame(2)]).unwrap();
        assert_eq!((first.number(), second.number()), (0, 0));
        assert_eq!((chains.frames(first), chains.frames(second)), ([].as_slice(), [frame(2)].as_slice()));
        assert_eq!((made.get(first), made.get(second)), (Some('a'), None));
        made.set(second, 'b');
        assert_eq!((made.get(first), made.get(second)), (None, Some('b')));
        assert!(chains.find((0, 0), &long).is_err());
        assert!(chains.add(0, (0, 0), &vec![0; MOST_BYTES + 1], &[]).is_none());
    }
}
