//! From resolved samples to a [`Profile`]: stacks with weights, for flame graphs and the formats of other viewers.

use std::collections::BTreeMap;

use perfuse_format::perfdata::attr::{flag, kind, sample_type};
use perfuse_format::perfdata::{EventAttr, Sample};

use super::table::AddressTable;
use super::{ByChain, CommId, Names, Resolver};
use crate::profile::{
    Frame, FrameId, FrameKind, NodeId, Profile, ProfileEvent, ProfileSample, ProfileThread, WeightUnit,
};
use crate::session::DsoKind;

/// `PERF_COUNT_SW_CPU_CLOCK` and `PERF_COUNT_SW_TASK_CLOCK`: their periods are nanoseconds.
const CLOCKS: [u64; 2] = [0, 1];

/// Collects samples.
#[derive(Debug, Default)]
pub struct ProfileBuilder {
    profile: Profile,
    /// Frame of the profile of each frame of the resolver.
    frames: Vec<Option<FrameId>>,
    /// Thread of the profile of each name that a thread had.
    threads: BTreeMap<(i32, i32, CommId), u32>,
    /// Node of the profile of each frame below a node: most stacks have been there before.
    nodes: AddressTable,
    /// Where the stacks of chains that were met before end.
    chains: ByChain<Option<NodeId>>,
    /// The last stack, outermost frame first, with its nodes: the next one often begins like it.
    last: Vec<(super::FrameId, NodeId)>,
    /// Whether source lines are wanted, and addresses tell frames of one function apart.
    details: bool,
}

impl ProfileBuilder {
    /// A builder without samples. With `details` each frame has its source line and address; without, a function is one
    /// frame.
    pub fn new(details: bool) -> Self {
        Self { details, ..Self::default() }
    }

    /// Adds an event; samples name it by the number that this gives.
    pub fn event(&mut self, name: &str, attr: &EventAttr) -> u32 {
        let clock = attr.kind == kind::SOFTWARE && CLOCKS.contains(&attr.config);
        let unit = if clock { WeightUnit::Nanoseconds } else { WeightUnit::Count };
        self.profile.events.push(ProfileEvent { name: name.to_owned(), unit });
        u32::try_from(self.profile.events.len() - 1).unwrap_or(u32::MAX)
    }

    /// Adds a sample of the event number `event`. Its weight is its period.
    pub fn add<N: Names>(&mut self, resolver: &mut Resolver<N>, event: u32, attr: &EventAttr, sample: &Sample<'_>) {
        self.add_weighted(resolver, event, attr, sample, weight(attr, sample));
    }

    /// Adds a sample with a weight that is not its period, such as the time until the thread ran again.
    pub fn add_weighted<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        event: u32,
        attr: &EventAttr,
        sample: &Sample<'_>,
        weight: u64,
    ) {
        let thread = self.thread(resolver, sample);
        let known = resolver.chain_id(attr, sample);
        let node = known.and_then(|id| self.chains.get(id)).unwrap_or_else(|| {
            let node = self.end_of_stack(resolver, attr, sample);
            // Of a sample without a chain its own place counts, which the chain does not tell.
            if let Some(id) = known.filter(|_| !resolver.last_chain().is_empty()) {
                self.chains.set(id, node);
            }
            node
        });
        let cpu = (sample.fields & sample_type::CPU != 0).then_some(sample.cpu);
        self.profile.samples.push(ProfileSample { event, thread, node, time: sample.time, cpu, weight });
    }

    fn thread<N: Names>(&mut self, resolver: &mut Resolver<N>, sample: &Sample<'_>) -> u32 {
        let key = (sample.pid, sample.tid, resolver.comm(sample.tid));
        if let Some(known) = self.threads.get(&key) {
            return *known;
        }
        let comm = resolver.comm_name(key.2).to_owned();
        let thread = self.profile.add_thread(&ProfileThread { pid: sample.pid, tid: sample.tid, comm });
        self.threads.insert(key, thread);
        thread
    }

    /// The node in which the stack of a sample ends.
    fn end_of_stack<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        attr: &EventAttr,
        sample: &Sample<'_>,
    ) -> Option<NodeId> {
        if resolver.chain(attr, sample).is_empty() {
            self.last.clear();
            if sample.fields & sample_type::IP != 0 {
                let place = resolver.place(sample);
                let node = self.below(resolver, None, place);
                self.last.push((place, node));
            }
        } else {
            self.stack(resolver);
        }
        self.last.last().map(|(_, node)| *node)
    }

    /// Makes the call chain that was resolved last the last stack.
    fn stack<N: Names>(&mut self, resolver: &mut Resolver<N>) {
        let chain = resolver.last_chain();
        let outermost = chain.iter().rev().map(|frame| frame.frame);
        let same = outermost.zip(&self.last).take_while(|(id, (known, _))| id == known).count();
        self.last.truncate(same);
        while let Some(at) = resolver.last_chain().len().checked_sub(self.last.len() + 1) {
            let Some(id) = resolver.last_chain().get(at).map(|frame| frame.frame) else { break };
            let parent = self.last.last().map(|(_, node)| *node);
            let node = self.below(resolver, parent, id);
            self.last.push((id, node));
        }
    }

    /// The node of a frame below its caller.
    fn below<N: Names>(&mut self, resolver: &mut Resolver<N>, parent: Option<NodeId>, id: super::FrameId) -> NodeId {
        let key = (id.0, parent.map_or(0, |parent| u64::from(parent.0) + 1));
        if let Some(known) = self.nodes.get(key) {
            return NodeId(known);
        }
        let frame = self.frame(resolver, id);
        let node = self.profile.add_node(parent, frame);
        self.nodes.insert(key, node.0);
        node
    }

    fn frame<N: Names>(&mut self, resolver: &mut Resolver<N>, id: super::FrameId) -> FrameId {
        let at = id.0 as usize;
        if let Some(known) = self.frames.get(at).copied().flatten() {
            return known;
        }
        let source = if self.details { resolver.source(id) } else { None };
        let frame = resolver.frame(id);
        let dso = frame.dso.and_then(|dso| resolver.session().dso_of(dso));
        let name = resolver.function(id);
        let kind = match (name, dso) {
            _ if frame.kernel => FrameKind::Kernel,
            (None, _) => FrameKind::Unknown,
            (_, Some(dso)) if dso.kind == DsoKind::Anonymous => FrameKind::Jit,
            _ => FrameKind::User,
        };
        let (inlined, address) = (frame.inlined, if self.details { frame.address } else { 0 });
        let function = self.profile.add_text(name.unwrap_or("[unknown]"));
        let module = self.profile.add_text(dso.map_or("[unknown]", |dso| &dso.path));
        let source = source.map(|(file, line)| (self.profile.add_text(&file), line));
        let made = self.profile.add_frame(Frame { function, module, source, kind, inlined, address });
        if self.frames.len() <= at {
            self.frames.resize(at + 1, None);
        }
        if let Some(slot) = self.frames.get_mut(at) {
            *slot = Some(made);
        }
        made
    }

    /// The profile.
    pub fn finish(self) -> Profile {
        self.profile
    }
}

/// Events that a sample stands for: its period, or the period that was asked for. With a frequency and no recorded period
/// nobody knows; then samples count as one each.
pub fn weight(attr: &EventAttr, sample: &Sample<'_>) -> u64 {
    if sample.fields & sample_type::PERIOD != 0 {
        sample.period
    } else if attr.has(flag::FREQ) {
        1
    } else {
        attr.sample_period.max(1)
    }
}

#[cfg(test)]
mod tests {
    use perfuse_format::perfdata::attr::Endian;
    use perfuse_format::perfdata::{CpuMode, Mmap, Record, U64s};

    use super::super::{NoNames, Options};
    use super::*;

    #[test]
    fn stacks_begin_at_the_outermost_frame_and_weigh_their_period() {
        let mut resolver = Resolver::new(NoNames, Options::default());
        let mmap = |start, path| Mmap { pid: 7, start, len: 0x1000, path, mode: CpuMode::User, ..Mmap::default() };
        resolver.apply(0, &Record::Mmap(mmap(0x5000, b"/bin/app")));
        resolver.apply(0, &Record::Mmap(mmap(0x7000, b"/lib/libc.so")));
        let chain: Vec<u8> = [0x7010_u64, 0x5010].iter().flat_map(|ip| ip.to_le_bytes()).collect();
        let attr = EventAttr { kind: kind::SOFTWARE, config: 0, ..EventAttr::default() };
        let callchain = U64s::new(&chain, Endian::Little);
        let fields = sample_type::PERIOD;
        let sample = Sample { pid: 7, tid: 7, period: 250, callchain, fields, ..Sample::default() };
        let mut builder = ProfileBuilder::new(false);
        let event = builder.event("cpu-clock", &attr);
        builder.add(&mut resolver, event, &attr, &sample);
        builder.add(&mut resolver, event, &attr, &Sample { fields: 0, ..sample.clone() });
        let profile = builder.finish();
        let modules: Vec<&str> =
            profile.stack(profile.samples[0].node).map(|frame| profile.text(frame.module)).collect();
        assert_eq!(modules, ["/lib/libc.so", "/bin/app"]);
        assert_eq!((profile.samples[0].weight, profile.samples[1].weight), (250, 1));
        assert_eq!((profile.samples[0].node, profile.nodes().len()), (profile.samples[1].node, 2));
        assert_eq!(profile.events[0].unit, WeightUnit::Nanoseconds);
        assert_eq!(profile.threads()[0].comm, ":7");
    }
}
