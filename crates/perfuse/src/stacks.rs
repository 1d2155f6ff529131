//! Names for the call stacks that the in-kernel tables refer to: only for the rows that matter, once, at the end.

use std::collections::BTreeMap;

use perfuse_collect::Root;
use perfuse_collect::bpf::BpfSet;
use perfuse_format::RawSnapshot;
use perfuse_format::bpf::{FutexWait, LockWait, OffCpu, parse};
use perfuse_format::proc::stacks::Stacks;
use perfuse_symbol::{HostFiles, Symbolizer};

/// Stacks of each table that are worth naming, by the time that was waited in them.
const MOST: usize = 150;

/// The source of the named stacks.
const SOURCE: &str = "@stacks";

/// Adds the names of the stacks of the most expensive rows of `raw`.
pub(crate) fn name(raw: &mut RawSnapshot, set: &BpfSet, root: &Root) {
    let mut kernel: BTreeMap<u64, u64> = BTreeMap::new();
    let mut user: BTreeMap<u64, (u64, u32)> = BTreeMap::new();
    for row in parse::<OffCpu>(raw).into_value().unwrap_or_default() {
        *kernel.entry(row.kernel_stack).or_default() += row.blocked_ns;
        user.entry(row.user_stack).or_insert((0, row.pid)).0 += row.blocked_ns;
    }
    for row in parse::<FutexWait>(raw).into_value().unwrap_or_default() {
        user.entry(row.user_stack).or_insert((0, row.pid)).0 += row.sum_ns;
    }
    for row in parse::<LockWait>(raw).into_value().unwrap_or_default() {
        *kernel.entry(row.kernel_stack).or_default() += row.sum_ns;
    }
    let mut symbols = Symbolizer::new(HostFiles(root.as_path().to_owned()));
    let mut stacks = Stacks::default();
    for id in dearest(kernel.into_iter()) {
        let frames = set.stack(id);
        // The addresses of callers are return addresses: one before them is inside the call.
        let frames =
            frames.iter().enumerate().map(|(depth, address)| symbols.kernel(address - u64::from(depth > 0)).label());
        stacks.kernel.insert(id, frames.collect());
    }
    let owners: BTreeMap<u64, u32> = user.iter().map(|(id, (_, pid))| (*id, *pid)).collect();
    for id in dearest(user.into_iter().map(|(id, (waited, _))| (id, waited))) {
        let Some(pid) = owners.get(&id) else { continue };
        let frames = set.stack(id);
        let frames = frames
            .iter()
            .enumerate()
            .map(|(depth, address)| symbols.user(*pid, address - u64::from(depth > 0)).label());
        stacks.user.insert(id, frames.collect());
    }
    raw.put(SOURCE, stacks.to_bytes());
}

/// The ids with the largest sums; 0 stands for no stack.
fn dearest(sums: impl Iterator<Item = (u64, u64)>) -> Vec<u64> {
    let mut sums: Vec<_> = sums.filter(|(id, _)| *id != 0).collect();
    sums.sort_by_key(|(id, waited)| (std::cmp::Reverse(*waited), *id));
    sums.into_iter().take(MOST).map(|(id, _)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dearest_come_first_and_no_stack_is_none() {
        assert_eq!(dearest([(0, 99), (1, 5), (2, 7), (3, 5)].into_iter()), [2, 1, 3]);
    }
}
