//! Lines as a tree, a level for each key: `perf report --hierarchy`.
//!
//! ```text
//!   60 %  make
//!     40 %  libc.so.6
//!       30 %  [.] memcpy       the innermost level: an entry, with its call chains
//!       10 %  [.] strlen
//! ```

use std::cmp::Ordering;

use super::entries::Histograms;
use super::intern::next_id;
use super::keys::{Column, Key, Weight};
use super::rbtree;

/// Weights that add up.
const WEIGHTS: [Weight; 8] = [
    Weight::Overhead,
    Weight::OverheadSys,
    Weight::OverheadUs,
    Weight::OverheadGuestSys,
    Weight::OverheadGuestUs,
    Weight::OverheadChildren,
    Weight::Samples,
    Weight::Period,
];

/// A line of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelNode {
    /// The entry that its keys are taken from: the first one below it.
    pub entry: u32,
    /// Its level, from 0.
    pub depth: usize,
    /// What is below it, the heaviest first; of the innermost level nothing.
    pub children: Vec<u32>,
    /// Sums of what is below it, of each event of the group.
    weights: Vec<[u64; WEIGHTS.len()]>,
}

impl LevelNode {
    /// A weight, for an event of the group.
    pub fn weight(&self, member: usize, weight: Weight) -> u64 {
        let at = WEIGHTS.iter().position(|other| *other == weight);
        self.weights.get(member).zip(at).map_or(0, |(all, at)| all[at])
    }
}

/// All lines of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hierarchy {
    /// Lines.
    pub nodes: Vec<LevelNode>,
    /// Those of the outermost level, the heaviest first.
    pub roots: Vec<u32>,
    /// Keys of each level.
    pub levels: Vec<Vec<Key>>,
}

impl Histograms {
    /// The tree of an event's table. Levels without a key that `is_shown` are left out.
    pub fn hierarchy(&self, event: usize, is_shown: impl Fn(Key) -> bool) -> Hierarchy {
        let shown = |keys: &Vec<Key>| keys.iter().copied().filter(|key| is_shown(*key)).collect::<Vec<_>>();
        let levels = self.settings.columns.levels.iter().map(shown).filter(|keys| !keys.is_empty());
        let mut tree = Hierarchy { levels: levels.collect(), ..Hierarchy::default() };
        let Some(table) = self.tables.get(event) else { return tree };
        // Equal keys stand side by side in the order of all keys.
        let mut entries = table.order.clone();
        entries.sort_unstable_by_key(|&id| self.first_of(id));
        let entries = rbtree::ordered(&entries, |a, b| self.compare_kept(a, b));
        let members = self.group(event).len();
        let mut path: Vec<u32> = Vec::new();
        for id in entries {
            for depth in 0..tree.levels.len() {
                let same = |node: &LevelNode| {
                    let keys = &tree.levels[depth];
                    node.depth == depth && keys.iter().all(|&key| self.compare_keys(node.entry, id, key, false).is_eq())
                };
                if !path.get(depth).is_some_and(|&at| same(&tree.nodes[at as usize])) {
                    path.truncate(depth);
                    let at = next_id(tree.nodes.len());
                    let weights = vec![[0; WEIGHTS.len()]; members];
                    tree.nodes.push(LevelNode { entry: id, depth, children: Vec::new(), weights });
                    match path.last() {
                        Some(&parent) => tree.nodes[parent as usize].children.push(at),
                        None => tree.roots.push(at),
                    }
                    path.push(at);
                }
                for (member, sums) in tree.nodes[path[depth] as usize].weights.iter_mut().enumerate() {
                    for (sum, &weight) in sums.iter_mut().zip(&WEIGHTS) {
                        *sum = sum.saturating_add(self.member_weight(id, member, weight));
                    }
                }
            }
        }
        let sorted = |tree: &Hierarchy, ids: &[u32]| rbtree::ordered(ids, |a, b| self.compare_nodes(tree, a, b));
        tree.roots = sorted(&tree, &tree.roots);
        for at in 0..tree.nodes.len() {
            tree.nodes[at].children = sorted(&tree, &tree.nodes[at].children);
        }
        tree
    }

    fn compare_nodes(&self, tree: &Hierarchy, a: u32, b: u32) -> Ordering {
        let (one, other) = (&tree.nodes[a as usize], &tree.nodes[b as usize]);
        self.by_columns(|column| match column {
            Column::Weight(weight) => {
                let members = 0..one.weights.len();
                let mut orders = members.map(|at| other.weight(at, *weight).cmp(&one.weight(at, *weight)));
                orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            }
            Column::Key(key) => self.compare_keys(one.entry, other.entry, *key, true),
        })
    }
}
