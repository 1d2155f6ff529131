//! Memory: used again and again, or taken and never used.

use std::time::Duration;

use anyhow::Result;

use super::{Chance, Meter, Words, burn, for_ever};

const PAGE: u64 = 4096;

/// Touches `pages` pages of a working set of `mib` every `period_us`, and computes `work_us`.
pub(super) fn touch(words: &Words) -> Result<()> {
    let (mib, pages) = (words.number("mib", 64)?, words.number("pages", 200)?);
    let work = words.micros("work_us", 200)?;
    let mut meter = Meter::new();
    for thread in 0..words.number("threads", 1)? {
        let mut set = vec![1_u8; usize::try_from(mib << 20)?];
        let mut chance = Chance::new(thread + 5);
        fresh(&mut set, &mut chance);
        meter.every(words.micros("period_us", 10_000)?, move || {
            for _ in 0..pages {
                let place = usize::try_from(chance.below((mib << 20) / PAGE) * PAGE)?;
                set[place] = set[place].wrapping_add(1);
            }
            burn(work);
            Ok(())
        });
    }
    meter.tell()
}

/// Contents that do not compress well: as swap they take the room that they took in memory.
fn fresh(set: &mut [u8], chance: &mut Chance) {
    for eight in set.chunks_exact_mut(8) {
        eight.copy_from_slice(&chance.below(u64::MAX).to_le_bytes());
    }
}

/// Takes `mib` more megabytes of memory every second up to `most`, writes them once, and forgets them.
pub(super) fn leak(words: &Words) -> Result<()> {
    let (mib, most) = (words.number("mib", 20)?, words.number("most", 100)?);
    let mut chance = Chance::new(99);
    let mut leaked: Vec<Vec<u8>> = Vec::new();
    let blocks = most.max(1);
    for _ in 0..blocks {
        let mut block = vec![0_u8; 1 << 20];
        fresh(&mut block, &mut chance);
        leaked.push(block);
        std::thread::sleep(Duration::from_secs(1) / u32::try_from(mib.max(1))?);
    }
    std::hint::black_box(&leaked);
    for_ever()
}
