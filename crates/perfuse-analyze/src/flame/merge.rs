//! Merging stacks into one tree.

use std::collections::BTreeMap;

use super::{Base, FlameGraph, FlameNode, Label, Options};
use crate::offcpu;
use crate::profile::{NodeId, Profile, ProfileEvent, ProfileThread, WeightUnit};

/// Name of the bar of samples without a stack, where there is no thread to name either.
const STACKLESS: &str = "[no stack]";

/// The tree while it grows.
struct Merger {
    labels: Vec<Label>,
    label_ids: BTreeMap<Label, u32>,
    nodes: Vec<FlameNode>,
    children: BTreeMap<(u32, u32), u32>,
}

/// What was merged of one profile.
#[derive(Default)]
struct Merged {
    samples: u64,
    stackless: u64,
    span: u64,
}

pub(super) fn build(profile: &Profile, event: u32, before: Option<(&Profile, u32)>, options: Options) -> FlameGraph {
    let root = FlameNode { parent: 0, label: 0, total: 0, own: 0, before: 0 };
    let mut tree =
        Merger { labels: Vec::new(), label_ids: BTreeMap::new(), nodes: vec![root], children: BTreeMap::new() };
    let merged = tree.add(profile, event, options, |node, weight| {
        node.own = node.own.saturating_add(weight);
        node.total = node.total.saturating_add(weight);
    });
    if let Some((profile, event)) = before {
        tree.add(profile, event, options, |node, weight| node.before = node.before.saturating_add(weight));
    }
    tree.sum_up();
    let nobody = || ProfileEvent { name: String::new(), unit: WeightUnit::Count };
    FlameGraph {
        labels: tree.labels,
        nodes: tree.nodes,
        event: profile.events.get(event as usize).cloned().unwrap_or_else(nobody),
        samples: merged.samples,
        stackless: merged.stackless,
        span: merged.span,
        scale: None,
    }
}

impl Merger {
    /// Adds the samples of an event; `put` adds the weight of a stack to its last node.
    fn add(&mut self, profile: &Profile, event: u32, options: Options, put: impl Fn(&mut FlameNode, u64)) -> Merged {
        let frames: Vec<u32> = profile.frames().iter().map(|frame| self.label(Label::of(profile, frame))).collect();
        let bases: Vec<Option<u32>> = profile
            .threads()
            .iter()
            .map(|thread| base_name(thread, options.base).map(|name| self.label(thread_label(name))))
            .collect();
        let absences = profile.events.get(event as usize).is_some_and(|event| event.name == offcpu::EVENT);
        let mut merged = Merged::default();
        let (mut first, mut last) = (u64::MAX, 0);
        let mut stacks: Vec<(Option<u32>, Option<NodeId>, u64)> = Vec::new();
        for sample in profile.samples.iter().filter(|sample| sample.event == event) {
            merged.samples += 1;
            merged.stackless += u64::from(sample.node.is_none());
            first = first.min(sample.time);
            // The time of an absence is that at which it began.
            last = last.max(sample.time.saturating_add(if absences { sample.weight } else { 0 }));
            stacks.push((bases.get(sample.thread as usize).copied().flatten(), sample.node, sample.weight));
        }
        merged.span = last.saturating_sub(first);
        stacks.sort_unstable_by_key(|(base, node, _)| (*base, *node));
        let mut walk = Walk { frames, options, known: vec![(u32::MAX, 0); profile.nodes().len()], round: 0 };
        let mut current = None;
        for same in stacks.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let Some((base, node, _)) = same.first().copied() else { continue };
            if current != Some(base) {
                walk.round += u32::from(current.is_some());
                current = Some(base);
            }
            let weight = same.iter().map(|(.., weight)| *weight).fold(0, u64::saturating_add);
            let end = if options.reverse {
                self.hang(profile, &walk, base, node)
            } else {
                self.stand(profile, &mut walk, base, node)
            };
            if let Some(node) = self.nodes.get_mut(end as usize) {
                put(node, weight);
            }
        }
        merged
    }

    fn label(&mut self, label: Label) -> u32 {
        if let Some(id) = self.label_ids.get(&label) {
            return *id;
        }
        let id = u32::try_from(self.labels.len()).unwrap_or(u32::MAX);
        self.labels.push(label.clone());
        self.label_ids.insert(label, id);
        id
    }

    fn child(&mut self, parent: u32, label: u32) -> u32 {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let id = *self.children.entry((parent, label)).or_insert(next);
        if id == next {
            self.nodes.push(FlameNode { parent, label, total: 0, own: 0, before: 0 });
        }
        id
    }

    /// What a stack stands on; a stack without frames and without a thread's name gets a bar that says so.
    fn ground(&mut self, base: Option<u32>, node: Option<NodeId>) -> u32 {
        let label = match (base, node) {
            (Some(base), _) => base,
            (None, Some(_)) => return 0,
            (None, None) => self.label(Label { kind: None, ..thread_label(STACKLESS.to_owned()) }),
        };
        self.child(0, label)
    }

    /// The node of a stack, outermost frame next to the root. Callers that were met before on this base are known.
    fn stand(&mut self, profile: &Profile, walk: &mut Walk, base: Option<u32>, node: Option<NodeId>) -> u32 {
        let mut path = Vec::new();
        let mut at = node;
        let mut end = None;
        while let Some(id) = at {
            if let Some(known) = walk.known(id) {
                end = Some(known);
                break;
            }
            path.push(id);
            at = profile.nodes().get(id.0 as usize).and_then(|node| node.parent);
        }
        let mut end = end.unwrap_or_else(|| self.ground(base, node));
        for id in path.into_iter().rev() {
            if let Some(label) = walk.label(profile, id) {
                end = self.child(end, label);
            }
            walk.learn(id, end);
        }
        end
    }

    /// The node of a stack, innermost frame next to the root and the thread at the end.
    fn hang(&mut self, profile: &Profile, walk: &Walk, base: Option<u32>, node: Option<NodeId>) -> u32 {
        let mut end = 0;
        let mut at = node;
        while let Some(id) = at {
            if let Some(label) = walk.label(profile, id) {
                end = self.child(end, label);
            }
            at = profile.nodes().get(id.0 as usize).and_then(|node| node.parent);
        }
        match (base, node) {
            (Some(base), _) => self.child(end, base),
            (None, Some(_)) => end,
            (None, None) => self.ground(None, None),
        }
    }

    /// Adds the weight of every node to its parent's; children stand behind their parents.
    fn sum_up(&mut self) {
        for index in (1..self.nodes.len()).rev() {
            let Some(node) = self.nodes.get(index).copied() else { continue };
            if let Some(parent) = self.nodes.get_mut(node.parent as usize) {
                parent.total = parent.total.saturating_add(node.total);
                parent.before = parent.before.saturating_add(node.before);
            }
        }
    }
}

/// What is known of a profile's own nodes.
struct Walk {
    /// Label of each frame.
    frames: Vec<u32>,
    options: Options,
    /// For each node of the profile the round in which it was met, and the node of the tree that it is.
    known: Vec<(u32, u32)>,
    /// Counts the bases.
    round: u32,
}

impl Walk {
    fn known(&self, id: NodeId) -> Option<u32> {
        let (round, node) = self.known.get(id.0 as usize)?;
        (*round == self.round).then_some(*node)
    }

    fn learn(&mut self, id: NodeId, node: u32) {
        if let Some(known) = self.known.get_mut(id.0 as usize) {
            *known = (self.round, node);
        }
    }

    /// The label of a node's frame; `None` for one that is not shown.
    fn label(&self, profile: &Profile, id: NodeId) -> Option<u32> {
        let frame = profile.nodes().get(id.0 as usize)?.frame.0 as usize;
        let hidden = !self.options.inlined && profile.frames().get(frame)?.inlined;
        if hidden { None } else { self.frames.get(frame).copied() }
    }
}

fn base_name(thread: &ProfileThread, base: Base) -> Option<String> {
    let ProfileThread { pid, tid, comm } = thread;
    match base {
        Base::Nothing => None,
        // A reader of folded stacks makes threads without a name: there the name is among the frames already.
        _ if comm.is_empty() => None,
        Base::Comm => Some(comm.clone()),
        Base::Process => Some(format!("{comm}-{pid}")),
        Base::Thread => Some(format!("{comm}-{pid}/{tid}")),
    }
}

fn thread_label(name: String) -> Label {
    Label { name, module: String::new(), kind: None, inlined: false }
}
