//! Names for the call stacks that the in-kernel tables refer to: only for the rows that matter.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use perfuse_collect::Root;
use perfuse_collect::bpf::BpfSet;
use perfuse_collect::perf::oncpu::{HZ, OnCpuSampler, Sampled};
use perfuse_format::RawSnapshot;
use perfuse_format::bpf::{FutexWait, LockWait, OffCpu, OpenWait, WaitTime, parse};
use perfuse_format::proc::stacks::Stacks;
use perfuse_symbol::{HostFiles, Symbolizer};

/// Stacks of each kind that are worth naming, by the time that was waited in them.
const MOST: usize = 150;

/// The source of the named stacks.
const SOURCE: &str = "@stacks";

/// One stack, not yet named.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    id: u64,
    /// The process of a user stack; nothing for a stack of the kernel.
    pid: Option<u32>,
    /// Addresses, innermost first.
    frames: Vec<u64>,
}

/// The stacks of the most expensive rows of `raw`: cheap, and still possible when their program is about to go.
pub(super) fn chains(raw: &RawSnapshot, set: &BpfSet) -> Vec<Chain> {
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
    let open = parse::<OpenWait>(raw).into_value().unwrap_or_default().into_iter().map(|OpenWait(row)| row);
    for row in parse::<WaitTime>(raw).into_value().unwrap_or_default().into_iter().chain(open) {
        *kernel.entry(row.key.kernel_stack).or_default() += row.blocked_ns;
    }
    let owners: BTreeMap<u64, u32> = user.iter().map(|(id, (_, pid))| (*id, *pid)).collect();
    let kernel = dearest(kernel.into_iter()).into_iter().map(|id| (id, None));
    let user = dearest(user.into_iter().map(|(id, (waited, _))| (id, waited)));
    let user = user.into_iter().map(|id| (id, owners.get(&id).copied()));
    kernel.chain(user).map(|(id, pid)| Chain { id, pid, frames: set.stack(id) }).collect()
}

/// Adds the names of the functions of `chains` to `raw`.
pub(super) fn name(raw: &mut RawSnapshot, chains: &[Chain], symbols: &mut Symbolizer<HostFiles>) {
    // Process ids are reused.
    symbols.forget_processes();
    let mut stacks = Stacks::default();
    for chain in chains {
        let mut label = |depth: usize, address: u64| {
            // The addresses of callers are return addresses: one before them is inside the call.
            let address = address.saturating_sub(u64::from(depth > 0));
            match chain.pid {
                None => symbols.kernel(address).label(),
                Some(pid) => symbols.user(pid, address).label(),
            }
        };
        let frames = chain.frames.iter().enumerate().map(|(depth, address)| label(depth, *address)).collect();
        let kind = if chain.pid.is_none() { &mut stacks.kernel } else { &mut stacks.user };
        kind.insert(chain.id, frames);
    }
    raw.put(SOURCE, stacks.to_bytes());
}

/// How long samples are added up before the next part of a run without an end begins, and how many parts are kept.
const PART: Duration = Duration::from_secs(30);
const PARTS: usize = 5;

/// Samples of what runs on the CPUs, with the names that are known so far.
pub(super) struct OnCpu {
    sampler: OnCpuSampler,
    /// Not yet named.
    new: BTreeMap<Sampled, u64>,
    named: Named,
    /// Of a run without an end: the parts before the one that is filled, the oldest first, and when that one began.
    parts: Option<(VecDeque<BTreeMap<Sampled, u64>>, Instant)>,
}

type Named = perfuse_format::proc::oncpu::OnCpu;

impl OnCpu {
    /// Starts; nothing where the kernel does not allow it. Of a run without an end, the last minutes are kept.
    pub(super) fn start(root: &Root, endless: bool) -> Option<Self> {
        let sampler = OnCpuSampler::start(root).ok()?;
        let parts = endless.then(|| (VecDeque::new(), Instant::now()));
        Some(Self { sampler, new: BTreeMap::new(), named: nothing(), parts })
    }

    /// Takes over what was sampled. The maps of each process are read while it is there: it may end before its functions
    /// are named, which costs more and comes last.
    pub(super) fn look(&mut self, symbols: &mut Symbolizer<HostFiles>) {
        if let Some((parts, since)) = &mut self.parts
            && since.elapsed() >= PART
        {
            *since = Instant::now();
            parts.push_back(std::mem::take(&mut self.new));
            if parts.len() >= PARTS {
                parts.pop_front();
            }
            // Process ids are reused, and maps change.
            symbols.forget_processes();
        }
        self.sampler.drain(&mut self.new);
        let pids: BTreeSet<u32> = self.new.keys().filter(|one| !one.user.is_empty()).map(|one| one.pid).collect();
        for pid in pids {
            symbols.user(pid, 0);
        }
    }

    /// Names what is new; everything since the start.
    pub(super) fn name(&mut self, symbols: &mut Symbolizer<HostFiles>) -> &Named {
        name_samples(std::mem::take(&mut self.new), symbols, &mut self.named);
        &self.named
    }

    /// All samples that are kept of a run without an end.
    fn kept(&self) -> BTreeMap<Sampled, u64> {
        let mut all = self.new.clone();
        for (one, count) in self.parts.iter().flat_map(|(parts, _)| parts).flatten() {
            *all.entry(one.clone()).or_default() += count;
        }
        all
    }
}

fn nothing() -> Named {
    Named { hz: HZ, ..Named::default() }
}

fn name_samples(samples: BTreeMap<Sampled, u64>, symbols: &mut Symbolizer<HostFiles>, named: &mut Named) {
    for (one, count) in samples {
        // The addresses of callers are return addresses: one before them is inside the call.
        let inside = |depth: usize, address: u64| address.saturating_sub(u64::from(depth > 0));
        let mut frames: Vec<String> = Vec::with_capacity(one.user.len() + one.kernel.len());
        // In a system call, the program's own address is behind the call, too.
        let called = usize::from(!one.kernel.is_empty());
        for (depth, address) in one.user.iter().enumerate().rev() {
            frames.push(symbols.user(one.pid, inside(depth + called, *address)).label());
        }
        for (depth, address) in one.kernel.iter().enumerate().rev() {
            let name = symbols.kernel(inside(depth, *address)).label();
            frames.push(format!("{}{name}", Named::KERNEL));
        }
        *named.stacks.entry((one.pid, frames)).or_default() += count;
    }
}

/// The stacks of a run without an end, not yet named: reading the symbols of large files takes longer than a sample may.
pub struct Unnamed {
    chains: Vec<Chain>,
    on_cpu: Option<BTreeMap<Sampled, u64>>,
    symbols: Symbolizer<HostFiles>,
}

impl Unnamed {
    pub(super) fn new(chains: Vec<Chain>, on_cpu: Option<&OnCpu>, symbols: &Symbolizer<HostFiles>) -> Self {
        Self { chains, on_cpu: on_cpu.map(OnCpu::kept), symbols: symbols.another() }
    }

    /// Adds the names of the functions to the snapshot that the stacks are of.
    pub fn name(mut self, raw: &mut RawSnapshot) {
        if let Some(samples) = self.on_cpu {
            let mut named = nothing();
            name_samples(samples, &mut self.symbols, &mut named);
            raw.put(Named::SOURCE, named.to_bytes());
        }
        name(raw, &self.chains, &mut self.symbols);
    }
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
