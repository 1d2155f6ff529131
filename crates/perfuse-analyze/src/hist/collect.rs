//! Samples in, distinct stacks out: one pass that allocates nothing for a sample whose stack was seen before.
//!
//! Stacks are kept in one tree for each [`Context`]: callers first or callees first, as the report wants it. Weights hang
//! at the node where a stack ends, apart for each place that the samples themselves were taken at:
//!
//! ```text
//!   context (event, comm, …)
//!   └─ main
//!      ├─ read      3 samples at read
//!      └─ work      2 samples at work
//!         └─ hash   9 samples at hash
//! ```
//!
//! Entries of the report and their call trees are made of this when all samples are there. Both only add up weights, so
//! that it makes no difference whether a stack comes once with the weight of a thousand samples or a thousand times.

use super::frame::FrameId;
use super::intern::{IdTable, Rows, hash_of, next_id};

/// No parent.
pub(super) const NO_NODE: u32 = u32::MAX;

/// Number of a node of the stacks.
pub type NodeId = u32;

/// A caller or callee in its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// The node above; [`NO_NODE`] for the root of a context.
    pub(super) parent: u32,
    /// Where; of a root the number of its context.
    pub(super) frame: FrameId,
    /// The sample that made it.
    pub(super) first: First,
}

/// The first sample of something: what it decides is decided by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct First {
    /// Number of the sample.
    pub(super) number: u32,
    /// Of the things that one sample is the first of: 0 for its own place, then its callers in their order.
    pub(super) step: u32,
    /// Number of its thread.
    pub(super) thread: u32,
}

/// Samples with one stack, taken at one place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    /// Where the stack ends; the root of the context if there is none.
    pub(super) end: u32,
    /// Where the samples were taken.
    pub(super) place: FrameId,
    /// Sum of their periods.
    pub(super) period: u64,
    /// How many.
    pub(super) samples: u64,
    /// The first of them.
    pub(super) first: First,
}

/// What samples have besides their stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// Index of the event.
    pub event: u32,
    /// Whether a filter keeps the samples out of what is shown.
    pub filtered: bool,
    /// Values of the keys that come from the sample, in the order of the report's columns.
    pub values: &'a [u64],
}

/// Distinct stacks with their weights.
#[derive(Debug, Clone)]
pub struct Collector {
    pub(super) nodes: Vec<Node>,
    children: IdTable,
    pub(super) buckets: Vec<Bucket>,
    bucket_table: IdTable,
    /// Event, filtered, then the values.
    contexts: Rows,
    roots: Vec<u32>,
    row: Vec<u64>,
    samples: u32,
}

impl Collector {
    /// For samples with `values` values each.
    pub fn new(values: usize) -> Self {
        Self {
            nodes: Vec::new(),
            children: IdTable::default(),
            buckets: Vec::new(),
            bucket_table: IdTable::default(),
            contexts: Rows::new(values + 2),
            roots: Vec::new(),
            row: Vec::new(),
            samples: 0,
        }
    }

    /// The root of a context's stacks.
    pub fn root(&mut self, context: Context<'_>, thread: u32) -> NodeId {
        self.row.clear();
        self.row.extend([u64::from(context.event), u64::from(context.filtered)]);
        self.row.extend_from_slice(context.values);
        let id = self.contexts.id(&self.row);
        if let Some(&root) = self.roots.get(id as usize) {
            return root;
        }
        let root = next_id(self.nodes.len());
        let first = First { number: self.samples, step: 0, thread };
        self.nodes.push(Node { parent: NO_NODE, frame: id, first });
        self.roots.push(root);
        root
    }

    /// The node of a place below another.
    pub fn child(&mut self, parent: NodeId, frame: FrameId, thread: u32) -> NodeId {
        let hash = hash_of((parent, frame));
        let nodes = &self.nodes;
        let same = |id: u32| {
            let node = &nodes[id as usize];
            node.parent == parent && node.frame == frame
        };
        if let Some(id) = self.children.find(hash, same) {
            return id;
        }
        let id = next_id(self.nodes.len());
        let first = First { number: self.samples, step: 0, thread };
        self.nodes.push(Node { parent, frame, first });
        let nodes = &self.nodes;
        self.children.insert(hash, id, |id| {
            let node = &nodes[id as usize];
            hash_of((node.parent, node.frame))
        });
        id
    }

    /// A sample that was taken at `place`, with the stack that ends at `end`.
    pub fn add(&mut self, end: NodeId, place: FrameId, thread: u32, period: u64) {
        let first = First { number: self.samples, step: 0, thread };
        self.samples = self.samples.saturating_add(1);
        let hash = hash_of((end, place));
        let buckets = &self.buckets;
        let same = |id: u32| {
            let bucket = &buckets[id as usize];
            bucket.end == end && bucket.place == place
        };
        if let Some(id) = self.bucket_table.find(hash, same) {
            let bucket = &mut self.buckets[id as usize];
            bucket.period = bucket.period.saturating_add(period);
            bucket.samples += 1;
            return;
        }
        let id = next_id(self.buckets.len());
        self.buckets.push(Bucket { end, place, period, samples: 1, first });
        let buckets = &self.buckets;
        self.bucket_table.insert(hash, id, |id| {
            let bucket = &buckets[id as usize];
            hash_of((bucket.end, bucket.place))
        });
    }

    /// Makes what was collected up to now weigh less: seven eighths, as perf top does at each refresh; or nothing.
    pub fn decay(&mut self, forget: bool) {
        let less = |weight: u64| if forget { 0 } else { weight - weight.div_ceil(8) };
        for bucket in &mut self.buckets {
            (bucket.period, bucket.samples) = (less(bucket.period), less(bucket.samples));
        }
    }

    /// A copy of it without the stacks that no longer weigh anything.
    #[must_use]
    pub fn living(&self) -> Self {
        let mut copy = self.clone();
        copy.bucket_table = IdTable::default();
        copy.buckets.retain(|bucket| bucket.period > 0);
        copy
    }

    /// What is no longer needed when all samples are there.
    pub(super) fn freeze(&mut self) {
        self.children = IdTable::default();
        self.bucket_table = IdTable::default();
        self.nodes.shrink_to_fit();
        self.buckets.shrink_to_fit();
    }

    /// How many contexts there are.
    pub(super) fn contexts(&self) -> usize {
        self.contexts.len()
    }

    /// A context.
    pub(super) fn context(&self, id: u32) -> Context<'_> {
        let row = self.contexts.get(id);
        Context { event: u32::try_from(row[0]).unwrap_or(u32::MAX), filtered: row[1] != 0, values: &row[2..] }
    }

    /// How many samples were added.
    pub fn samples(&self) -> u32 {
        self.samples
    }

    /// How many distinct stacks there are.
    pub fn stacks(&self) -> usize {
        self.buckets.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_samples_weigh_less_and_less() {
        let mut collector = Collector::new(0);
        let root = collector.root(Context { event: 0, filtered: false, values: &[] }, 0);
        collector.add(root, 1, 0, 1000);
        collector.decay(false);
        assert_eq!(collector.living().buckets[0].period, 875);
        collector.add(root, 1, 0, 1);
        assert_eq!(collector.living().buckets[0].period, 876);
        (0..100).for_each(|_| collector.decay(false));
        assert_eq!((collector.living().stacks(), collector.stacks()), (0, 1));
        collector.add(root, 1, 0, 9);
        collector.decay(true);
        assert_eq!(collector.living().stacks(), 0);
    }

    #[test]
    fn equal_stacks_share_their_nodes_and_add_up() {
        let mut collector = Collector::new(1);
        for (value, chain, period) in [(7, [1, 2], 10), (7, [1, 2], 5), (7, [1, 3], 1), (8, [1, 2], 1)] {
            let root = collector.root(Context { event: 0, filtered: false, values: &[value] }, 0);
            let end = chain.iter().fold(root, |node, &frame| collector.child(node, frame, 0));
            collector.add(end, chain[1], 0, period);
        }
        assert_eq!((collector.samples(), collector.stacks(), collector.contexts()), (4, 3, 2));
        let weights: Vec<_> = collector.buckets.iter().map(|bucket| (bucket.period, bucket.samples)).collect();
        assert_eq!(weights, [(15, 2), (1, 1), (1, 1)]);
        assert_eq!(collector.nodes.len(), 2 + 3 + 2);
        assert_eq!(collector.context(1).values, [8]);
    }
}
