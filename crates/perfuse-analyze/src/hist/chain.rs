//! Call trees: the call chains of one entry, merged.
//!
//! Chains that begin alike share their beginning; what no other chain leaves is one node with several places:
//!
//! ```text
//!   main;work;hash  9       ┌ main, work   0 own, 12 with children
//!   main;work;send  3  ->   ├─ hash        9
//!                           └─ send        3
//! ```

use std::cmp::Ordering;

use super::collect::NO_NODE;
use super::entries::Histograms;
use super::frame::{Frame, FrameId, Frames};
use super::intern::{IdTable, Rows, hash_of, next_id};

/// How call chains are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// A tree, with shares of everything.
    #[default]
    Graph,
    /// A tree, with shares of the caller.
    Fractal,
    /// One chain after the other, a place a line.
    Flat,
    /// One chain a line.
    Folded,
    /// Not at all.
    None,
}

/// By what places of a chain are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChainKey {
    /// Function.
    #[default]
    Function,
    /// Address.
    Address,
    /// Source line.
    SrcLine,
}

/// What is shown beside a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChainValue {
    /// Its share.
    #[default]
    Percent,
    /// Its period.
    Period,
    /// Its number of samples.
    Count,
}

/// Options of `-g`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChainOptions {
    /// Style.
    pub style: Style,
    /// Chains with a smaller share (in percent) are left out.
    pub min_percent: f64,
    /// At most so many chains side by side; 0 means all.
    pub limit: u32,
    /// By what places are told apart.
    pub key: ChainKey,
    /// What is shown.
    pub value: ChainValue,
}

impl Default for ChainOptions {
    fn default() -> Self {
        Self { style: Style::Graph, min_percent: 0.5, limit: 0, key: ChainKey::Function, value: ChainValue::Percent }
    }
}

/// A part of the chains that only splits at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallNode {
    /// Its places.
    pub frames: Vec<FrameId>,
    /// The node before it.
    pub parent: Option<u32>,
    /// Period and samples of the chains that end here.
    pub own: (u64, u64),
    /// Period and samples of those that go on.
    pub below: (u64, u64),
    /// What follows, the heaviest first, without what is below the threshold.
    pub children: Vec<u32>,
}

impl CallNode {
    /// Period of all its chains.
    pub fn period(&self) -> u64 {
        self.own.0.saturating_add(self.below.0)
    }

    /// Samples of all its chains.
    pub fn samples(&self) -> u64 {
        self.own.1 + self.below.1
    }
}

/// The chains of one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallTree {
    /// Nodes.
    pub nodes: Vec<CallNode>,
    /// Period and samples of all its chains.
    pub all: (u64, u64),
    /// The first ones; of flat and folded chains the last ones of each chain. The heaviest comes first.
    pub roots: Vec<u32>,
}

/// What of the stacks belongs to which entry; made once, for all trees.
#[derive(Debug, Clone, Default)]
pub struct ChainIndex {
    /// Places that chains do not tell apart have the same number.
    keys: Vec<u32>,
    /// Buckets by entry, buckets by the node at which they end, nodes by entry, nodes by their parent.
    entry_buckets: Groups,
    node_buckets: Groups,
    entry_nodes: Groups,
    node_children: Groups,
}

/// Numbers in groups.
#[derive(Debug, Clone, Default)]
struct Groups {
    starts: Vec<u32>,
    members: Vec<u32>,
}

impl Groups {
    /// Members `0, 1, …` by the group of each; those in [`NO_NODE`] are in none.
    fn new(groups: usize, of: impl Iterator<Item = u32> + Clone) -> Self {
        let mut starts = vec![0_u32; groups + 2];
        for group in of.clone().filter(|&group| group != NO_NODE) {
            starts[group as usize + 2] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut members = vec![0; starts.last().map_or(0, |&all| all as usize)];
        for (member, group) in of.enumerate().filter(|(_, group)| *group != NO_NODE) {
            let at = &mut starts[group as usize + 1];
            members[*at as usize] = next_id(member);
            *at += 1;
        }
        Self { starts, members }
    }

    fn of(&self, group: u32) -> &[u32] {
        let at = group as usize;
        let bound = |at: usize| self.starts.get(at).map_or(0, |&start| start as usize);
        self.members.get(bound(at)..bound(at + 1)).unwrap_or_default()
    }
}

impl ChainIndex {
    /// For chains whose places are told apart by `key`.
    pub fn new(hists: &Histograms, key: ChainKey) -> Self {
        let (collector, entries) = (&hists.collector, hists.entries.len());
        let nodes = collector.nodes.len();
        Self {
            keys: chain_keys(&hists.frames, key),
            entry_buckets: Groups::new(entries, hists.bucket_entries.iter().copied()),
            node_buckets: Groups::new(nodes, collector.buckets.iter().map(|bucket| bucket.end)),
            entry_nodes: Groups::new(entries, hists.node_entries.iter().copied()),
            node_children: Groups::new(nodes, collector.nodes.iter().map(|node| node.parent)),
        }
    }
}

/// Of every place a number that is the same for places that chains do not tell apart.
fn chain_keys(frames: &Frames, key: ChainKey) -> Vec<u32> {
    let all = || (0..next_id(frames.len())).map(|id| frames.get(id));
    // An inlined function has no place of its own: it and every copy of it that is not inlined are told by the name.
    let mut inlined: Vec<u32> = all().filter(|frame| frame.inlined).map(|frame| frame.name).collect();
    inlined.sort_unstable();
    let mut rows = Rows::new(3);
    let mut number = |frame: &Frame| {
        let dso = frame.dso.map_or(u64::MAX, u64::from);
        let row = match key {
            ChainKey::SrcLine if frames.text(frame.srcline).is_some() => [3, frame.srcline.into(), 0],
            ChainKey::Address => [2, dso, frame.address],
            _ if !frame.has_symbol() => [2, dso, frame.address],
            _ if inlined.binary_search(&frame.name).is_ok() => [1, frame.name.into(), 0],
            _ => [0, dso, frame.symbol.0],
        };
        rows.id(&row)
    };
    all().map(&mut number).collect()
}

/// A place in a tree that is being merged.
struct Merged {
    parent: u32,
    key: u32,
    frame: FrameId,
    own: (u64, u64),
    below: (u64, u64),
}

#[derive(Default)]
struct Merger {
    nodes: Vec<Merged>,
    table: IdTable,
}

impl Merger {
    fn child(&mut self, parent: u32, key: u32, frame: FrameId) -> u32 {
        let hash = hash_of((parent, key));
        let nodes = &self.nodes;
        let same = |id: u32| nodes[id as usize].parent == parent && nodes[id as usize].key == key;
        if let Some(id) = self.table.find(hash, same) {
            return id;
        }
        let id = next_id(self.nodes.len());
        self.nodes.push(Merged { parent, key, frame, own: (0, 0), below: (0, 0) });
        let nodes = &self.nodes;
        self.table.insert(hash, id, |id| hash_of((nodes[id as usize].parent, nodes[id as usize].key)));
        id
    }

    fn add(&mut self, id: u32, period: u64, samples: u64) {
        if let Some(node) = self.nodes.get_mut(id as usize) {
            node.own = (node.own.0.saturating_add(period), node.own.1 + samples);
        }
    }
}

impl Histograms {
    /// The call tree of an entry. Shares of `options` are of `total`: all periods of samples with chains.
    pub fn call_tree(&self, index: &ChainIndex, id: u32, options: &ChainOptions, total: u64) -> CallTree {
        let mut merger = Merger::default();
        self.merge_own(index, id, &mut merger);
        self.merge_below(index, id, &mut merger);
        let mut tree = compress(merger, &self.frames);
        let share = |of: u64| of as f64 * (options.min_percent / 100.0);
        // perf's threshold is a whole number: the fraction is cut off.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
        let min = share(if options.style == Style::Fractal { self.period(id) } else { total }) as u64;
        match options.style {
            Style::Graph | Style::None => tree.prune(|_| min),
            Style::Fractal => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
                tree.prune(|below| share(below).ceil() as u64);
            }
            Style::Flat | Style::Folded => tree.flatten(min),
        }
        tree
    }

    /// Chains of the samples that were taken in the entry itself: they are whole.
    fn merge_own(&self, index: &ChainIndex, id: u32, merger: &mut Merger) {
        let nodes = &self.collector.nodes;
        let mut path: Vec<u32> = Vec::new();
        for &bucket in index.entry_buckets.of(id) {
            let bucket = &self.collector.buckets[bucket as usize];
            path.clear();
            let mut at = bucket.end;
            while nodes[at as usize].parent != NO_NODE {
                path.push(nodes[at as usize].frame);
                at = nodes[at as usize].parent;
            }
            let end = path
                .iter()
                .rev()
                .fold(NO_NODE, |parent, &frame| merger.child(parent, index.keys[frame as usize], frame));
            merger.add(end, bucket.period, bucket.samples);
        }
    }

    /// Chains that pass through the entry: from there on. Of a recursion the first passage counts.
    fn merge_below(&self, index: &ChainIndex, id: u32, merger: &mut Merger) {
        let nodes = &self.collector.nodes;
        let mut open: Vec<(u32, u32)> = Vec::new();
        for &top in index.entry_nodes.of(id) {
            let mut above = nodes[top as usize].parent;
            while above != NO_NODE && self.node_entries[above as usize] != id {
                above = nodes[above as usize].parent;
            }
            if above != NO_NODE {
                continue;
            }
            open.push((top, NO_NODE));
            while let Some((node, parent)) = open.pop() {
                let frame = nodes[node as usize].frame;
                let place = merger.child(parent, index.keys[frame as usize], frame);
                for &bucket in index.node_buckets.of(node) {
                    // A sample in the entry itself was counted with its whole chain.
                    if self.bucket_entries[bucket as usize] != id {
                        let bucket = &self.collector.buckets[bucket as usize];
                        merger.add(place, bucket.period, bucket.samples);
                    }
                }
                open.extend(index.node_children.of(node).iter().rev().map(|&child| (child, place)));
            }
        }
    }
}

/// Joins places that nothing leaves, and leaves out what no sample passed.
fn compress(merger: Merger, frames: &Frames) -> CallTree {
    let mut parts = merger.nodes;
    // Parents come before their children, so that going backwards everything below is known.
    for at in (0..parts.len()).rev() {
        let (parent, own, below) = (parts[at].parent, parts[at].own, parts[at].below);
        if let Some(parent) = parts.get_mut(parent as usize) {
            parent.below.0 = parent.below.0.saturating_add(own.0).saturating_add(below.0);
            parent.below.1 += own.1 + below.1;
        }
    }
    let live = |node: &Merged| node.own.1 + node.below.1 > 0;
    let mut children = vec![0_u32; parts.len()];
    for node in parts.iter().filter(|node| live(node)) {
        if let Some(count) = children.get_mut(node.parent as usize) {
            *count += 1;
        }
    }
    let mut tree = CallTree::default();
    let mut place: Vec<u32> = vec![NO_NODE; parts.len()];
    for (at, node) in parts.iter().enumerate().filter(|(_, node)| live(node)) {
        let above = parts.get(node.parent as usize).map(|parent| (parent, place[node.parent as usize]));
        match above {
            // The only continuation of chains of which none ends before it.
            Some((parent, id)) if parent.own.1 == 0 && children[node.parent as usize] == 1 => {
                place[at] = id;
                let joined = &mut tree.nodes[id as usize];
                joined.frames.push(node.frame);
                (joined.own, joined.below) = (node.own, node.below);
            }
            _ => {
                let id = next_id(tree.nodes.len());
                place[at] = id;
                let parent = above.map(|(_, id)| id);
                let (frames, own, below) = (vec![node.frame], node.own, node.below);
                tree.nodes.push(CallNode { frames, parent, own, below, children: Vec::new() });
                match parent {
                    Some(parent) => tree.nodes[parent as usize].children.push(id),
                    None => tree.roots.push(id),
                }
            }
        }
    }
    for &root in &tree.roots {
        let node = &tree.nodes[root as usize];
        tree.all = (tree.all.0.saturating_add(node.period()), tree.all.1 + node.samples());
    }
    tree.arrange(frames);
    tree
}

impl CallTree {
    /// Puts siblings into the order that decides among equal weights: perf keeps them by descending address.
    fn arrange(&mut self, frames: &Frames) {
        let arranged = |nodes: &[CallNode], ids: &[u32]| {
            let first = |id: u32| nodes[id as usize].frames.first().map(|&frame| frames.get(frame));
            let by_name = ids.iter().any(|&id| first(id).is_some_and(|frame| frame.inlined));
            let mut ids = ids.to_vec();
            ids.sort_by(|&a, &b| match (first(b), first(a)) {
                (Some(a), Some(b)) => compare_chain(frames, a, b, by_name),
                _ => Ordering::Equal,
            });
            ids
        };
        for at in 0..self.nodes.len() {
            self.nodes[at].children = arranged(&self.nodes, &self.nodes[at].children);
        }
        self.roots = arranged(&self.nodes, &self.roots);
    }

    /// Leaves out what is lighter than `min` says for the weight below the parent, and puts the heaviest first.
    fn prune(&mut self, min: impl Fn(u64) -> u64) {
        let kept = |nodes: &[CallNode], ids: &[u32], below: u64| {
            let min = min(below);
            let mut ids: Vec<u32> = ids.iter().copied().filter(|&id| nodes[id as usize].period() >= min).collect();
            ids.sort_by_key(|&id| std::cmp::Reverse(nodes[id as usize].period()));
            ids
        };
        for at in 0..self.nodes.len() {
            self.nodes[at].children = kept(&self.nodes, &self.nodes[at].children, self.nodes[at].below.0);
        }
        self.roots = kept(&self.nodes, &self.roots, self.all.0);
    }

    /// Makes the ends of all chains of at least `min` the roots, the heaviest first.
    fn flatten(&mut self, min: u64) {
        // Children before their parents, as perf meets them.
        let mut ends: Vec<u32> = Vec::new();
        let mut open: Vec<(u32, bool)> = self.roots.iter().rev().map(|&id| (id, false)).collect();
        while let Some((id, done)) = open.pop() {
            let node = &self.nodes[id as usize];
            if done {
                if node.own.0 > 0 && node.own.0 >= min {
                    ends.push(id);
                }
                continue;
            }
            open.push((id, true));
            open.extend(node.children.iter().rev().map(|&child| (child, false)));
        }
        ends.sort_by_key(|&id| std::cmp::Reverse(self.nodes[id as usize].own.0));
        self.roots = ends;
    }

    /// The places of a whole chain that ends with a node, first one first.
    pub fn path(&self, id: u32) -> Vec<FrameId> {
        let mut parts = Vec::new();
        let mut at = Some(id);
        while let Some(node) = at.and_then(|id| self.nodes.get(id as usize)) {
            parts.push(&node.frames);
            at = node.parent;
        }
        parts.into_iter().rev().flatten().copied().collect()
    }
}

fn compare_chain(frames: &Frames, a: &Frame, b: &Frame, by_name: bool) -> Ordering {
    if by_name {
        return frames.cmp_name(a, b).then(a.dso.cmp(&b.dso)).then(a.address.cmp(&b.address));
    }
    let place = |frame: &Frame| if frame.has_symbol() { frame.symbol.0 } else { frame.address };
    a.dso.cmp(&b.dso).then(place(a).cmp(&place(b))).then(a.address.cmp(&b.address))
}

#[cfg(test)]
mod tests;
