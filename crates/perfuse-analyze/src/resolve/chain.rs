//! Call chains.
//!
//! What the kernel records is a list of addresses with marks between them that tell in what the CPU was:
//!
//! ```text
//!   KERNEL  ffffffff81a5…  ffffffff81a6…  USER  7f12…  55d1…
//!   marks are the negative numbers above -4096; all else is an address of the mode that was marked last
//! ```
//!
//! Two kinds of recordings have the user's part elsewhere: `--call-graph dwarf` as registers and a copy of the stack,
//! `--call-graph lbr` as the branches that the CPU kept.

use perfuse_format::perfdata::attr::sample_type;
use perfuse_format::perfdata::{CpuMode, EventAttr, Sample};

use super::{ChainFrame, ChainId, Names, Resolver, UserStack};

/// Marks of `enum perf_callchain_context`.
const CONTEXT_MAX: u64 = (-4095_i64).cast_unsigned();
const CONTEXT_HV: u64 = (-32_i64).cast_unsigned();
const CONTEXT_KERNEL: u64 = (-128_i64).cast_unsigned();
const CONTEXT_USER: u64 = (-512_i64).cast_unsigned();

/// `PERF_SAMPLE_BRANCH_CALL_STACK`: the branches are calls that have not returned.
const BRANCH_CALL_STACK: u64 = 1 << 11;

/// What a mark leads to; `None` for marks of guests, whose mappings nobody knows.
fn mode_of(mark: u64) -> Option<CpuMode> {
    match mark {
        CONTEXT_HV => Some(CpuMode::Hypervisor),
        CONTEXT_KERNEL => Some(CpuMode::Kernel),
        CONTEXT_USER => Some(CpuMode::User),
        _ => None,
    }
}

/// Whether branches tell the user's part of the chain.
fn has_branches(attr: &EventAttr, sample: &Sample<'_>) -> bool {
    attr.branch_sample_type & BRANCH_CALL_STACK != 0 && !sample.branches.is_empty()
}

/// Whether a copy of the stack tells the user's part of the chain.
fn has_stack(attr: &EventAttr, sample: &Sample<'_>) -> bool {
    let copied = sample_type::REGS_USER | sample_type::STACK_USER;
    attr.sample_type & copied == copied && sample.user_regs.abi != 0 && !sample.user_stack.is_empty()
}

impl<N: Names> Resolver<N> {
    /// The call chain of a sample of an event with `attr`, innermost first; empty if it has none.
    pub fn chain(&mut self, attr: &EventAttr, sample: &Sample<'_>) -> &[ChainFrame] {
        if let Some(id) = self.chain_id(attr, sample) {
            let mut chain = std::mem::take(&mut self.chain);
            chain.clear();
            chain.extend_from_slice(self.known.frames(id));
            self.chain = chain;
            return &self.chain;
        }
        let mut chain = std::mem::take(&mut self.chain);
        chain.clear();
        let by_branches = has_branches(attr, sample) && self.branch_chain(sample, &mut chain);
        if !by_branches && self.recorded_chain(sample, &mut chain) {
            self.unwound_chain(attr, sample, &mut chain);
        }
        self.chain = chain;
        &self.chain
    }

    /// The number of a sample's call chain, by which all that was made of it before is found. `None` where more decides
    /// than the recorded addresses: a copy of the stack, or branches.
    pub fn chain_id(&mut self, attr: &EventAttr, sample: &Sample<'_>) -> Option<ChainId> {
        if has_branches(attr, sample) || has_stack(attr, sample) {
            return None;
        }
        let (spaces, bytes) = ((self.kernel_space, self.space(sample.pid)), sample.callchain.bytes());
        let hash = match self.known.find(spaces, bytes) {
            Ok(id) => return Some(id),
            Err(hash) => hash,
        };
        let mut chain = std::mem::take(&mut self.chain);
        chain.clear();
        self.recorded_chain(sample, &mut chain);
        let id = self.known.add(hash, spaces, bytes, &chain);
        self.chain = chain;
        id
    }

    /// The frames of a chain that [`Resolver::chain_id`] gave last or a little before, innermost first.
    pub fn chain_frames(&self, id: ChainId) -> &[ChainFrame] {
        self.known.frames(id)
    }

    /// The call chain that [`Resolver::chain`] gave last.
    pub fn last_chain(&self) -> &[ChainFrame] {
        &self.chain
    }

    fn push(&mut self, chain: &mut Vec<ChainFrame>, pid: i32, mode: CpuMode, ip: u64, inlines: bool) {
        let frame = self.at(pid, mode, ip);
        let (first, count) = if inlines { self.inlines(frame) } else { (frame, 0) };
        if count == 0 {
            chain.push(ChainFrame { frame, ip });
        }
        let ids = first.0..first.0.saturating_add(count);
        chain.extend(ids.map(|id| ChainFrame { frame: super::FrameId(id), ip }));
    }

    /// The addresses of the record; false if a mark is not understood, and with it all that follows and went before.
    fn recorded_chain(&mut self, sample: &Sample<'_>, chain: &mut Vec<ChainFrame>) -> bool {
        let mut mode = CpuMode::User;
        let inlines = self.options.inlines_everywhere;
        let mut left = self.options.max_stack;
        for ip in sample.callchain.iter() {
            if left == 0 {
                break;
            }
            if ip >= CONTEXT_MAX {
                let Some(next) = mode_of(ip) else {
                    chain.clear();
                    return false;
                };
                mode = next;
                continue;
            }
            left -= 1;
            self.push(chain, sample.pid, mode, ip, inlines);
        }
        true
    }

    /// The stack that was copied.
    fn unwound_chain(&mut self, attr: &EventAttr, sample: &Sample<'_>, chain: &mut Vec<ChainFrame>) {
        if !has_stack(attr, sample) {
            return;
        }
        let stack = UserStack {
            pid: sample.pid,
            tid: sample.tid,
            registers: sample.user_regs,
            bytes: sample.user_stack,
            most: self.options.max_stack,
        };
        let mut ips = std::mem::take(&mut self.unwound);
        ips.clear();
        self.names.unwind(&self.session, &stack, &mut ips);
        for ip in ips.iter().take(self.options.max_stack) {
            self.push(chain, sample.pid, CpuMode::User, *ip, true);
        }
        self.unwound = ips;
    }

    /// The kernel's part as recorded, the user's from the branches; false if there is no user part.
    fn branch_chain(&mut self, sample: &Sample<'_>, chain: &mut Vec<ChainFrame>) -> bool {
        let most = self.options.max_stack;
        let user = sample.callchain.iter().take(most).position(|ip| ip == CONTEXT_USER);
        let Some(user) = user else { return false };
        let mut mode = CpuMode::User;
        for ip in sample.callchain.iter().take(user) {
            match mode_of(ip) {
                Some(next) if ip >= CONTEXT_MAX => mode = next,
                None if ip >= CONTEXT_MAX => {
                    chain.clear();
                    return true;
                }
                _ => self.push(chain, sample.pid, mode, ip, false),
            }
        }
        // Newest first. The newest leads to where the sample was taken, each comes from where its caller is.
        let mut words = sample.branches.iter();
        let mut first = true;
        while let (Some(from), Some(to), Some(_)) = (words.next(), words.next(), words.next()) {
            if std::mem::take(&mut first) {
                self.push(chain, sample.pid, CpuMode::User, to, false);
            }
            self.push(chain, sample.pid, CpuMode::User, from, false);
        }
        true
    }
}
