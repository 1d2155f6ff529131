//! Which bars are drawn, and where.

use super::FlameGraph;

/// What is too small or too deep to be drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The least share of everything, 0 to 1, that a bar must have.
    pub share: f64,
    /// Levels above the root.
    pub levels: u32,
}

/// A bar of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// Index into [`FlameGraph::nodes`].
    pub node: u32,
    /// Level; the root is on level 0.
    pub level: u32,
    /// Weight left of it.
    pub start: u64,
}

/// The picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// Bars by level and from left to right.
    pub bars: Vec<Bar>,
    /// Levels, that of the root included.
    pub levels: u32,
    /// Frames that are left out since they are too narrow.
    pub narrow: u64,
    /// Frames that are left out since they are too far from the root.
    pub deep: u64,
}

impl FlameGraph {
    /// Places the bars. Siblings stand in the order of their labels; a bar never leaves its parent.
    pub fn layout(&self, limits: Limits) -> Layout {
        let children = Children::new(self);
        let least = (limits.share.max(0.0) * self.total() as f64).max(f64::MIN_POSITIVE);
        let mut layout = Layout::default();
        let mut open = vec![Bar { node: 0, level: 0, start: 0 }];
        while let Some(bar) = open.pop() {
            layout.levels = layout.levels.max(bar.level + 1);
            layout.bars.push(bar);
            let mut start = bar.start;
            for &child in children.of(bar.node) {
                let Some(node) = self.nodes.get(child as usize) else { continue };
                if node.total == 0 {
                    // Only the earlier profile has it.
                } else if (node.total as f64) < least {
                    layout.narrow += children.size(child);
                } else if bar.level >= limits.levels {
                    layout.deep += children.size(child);
                } else {
                    open.push(Bar { node: child, level: bar.level + 1, start });
                }
                start = start.saturating_add(node.total);
            }
        }
        layout.bars.sort_unstable_by_key(|bar| (bar.level, bar.start, bar.node));
        layout
    }
}

/// The children of every node, in the order in which they are drawn.
struct Children {
    /// Nodes by parent, then by label.
    order: Vec<u32>,
    /// Where in `order` the children of each node begin; one more at the end.
    begin: Vec<usize>,
    /// Nodes with a weight in the subtree of each node, itself included.
    sizes: Vec<u64>,
}

impl Children {
    fn new(graph: &FlameGraph) -> Self {
        let mut labels: Vec<usize> = (0..graph.labels.len()).collect();
        labels.sort_by(|a, b| graph.labels.get(*a).cmp(&graph.labels.get(*b)));
        let mut rank = vec![0_usize; labels.len()];
        for (place, label) in labels.into_iter().enumerate() {
            if let Some(rank) = rank.get_mut(label) {
                *rank = place;
            }
        }
        let count = graph.nodes.len();
        let mut order: Vec<u32> = (1..u32::try_from(count).unwrap_or(u32::MAX)).collect();
        order.sort_unstable_by_key(|index| {
            graph.nodes.get(*index as usize).map(|node| (node.parent, rank.get(node.label as usize).copied()))
        });
        let mut begin = vec![0_usize; count + 1];
        let mut sizes = vec![0_u64; count];
        for (index, node) in graph.nodes.iter().enumerate().skip(1).rev() {
            let size = sizes.get_mut(index).map_or(0, |size| {
                *size += u64::from(node.total > 0);
                *size
            });
            if let Some(parent) = sizes.get_mut(node.parent as usize) {
                *parent += size;
            }
            if let Some(after) = begin.get_mut(node.parent as usize + 1) {
                *after += 1;
            }
        }
        let mut sum = 0;
        for begin in &mut begin {
            sum += *begin;
            *begin = sum;
        }
        Self { order, begin, sizes }
    }

    fn of(&self, node: u32) -> &[u32] {
        let bounds = (self.begin.get(node as usize), self.begin.get(node as usize + 1));
        let (Some(from), Some(to)) = bounds else { return &[] };
        self.order.get(*from..*to).unwrap_or_default()
    }

    fn size(&self, node: u32) -> u64 {
        self.sizes.get(node as usize).copied().unwrap_or(0)
    }
}
