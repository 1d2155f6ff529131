//! A red-black tree, for orders that are none.
//!
//! perf keeps its lines in such a tree, and compares callers with callees only within a thread: of three lines the first
//! may come before the second, the second before the third and the third before the first. Where they end up then depends
//! on the shape of the tree, so it is made as the kernel's `lib/rbtree.c` makes it.

use std::cmp::Ordering;

/// No node.
const NONE: usize = usize::MAX;

#[derive(Clone, Copy)]
struct Node {
    parent: usize,
    /// Left and right.
    children: [usize; 2],
    red: bool,
}

struct Tree {
    nodes: Vec<Node>,
    root: usize,
}

/// `items`, inserted one after the other: each goes to the left of those before which `compare` puts it.
pub(super) fn ordered<T: Copy>(items: &[T], compare: impl Fn(T, T) -> Ordering) -> Vec<T> {
    let mut tree = Tree { nodes: Vec::with_capacity(items.len()), root: NONE };
    for (at, &item) in items.iter().enumerate() {
        let (mut parent, mut side, mut next) = (NONE, 0, tree.root);
        while next != NONE {
            parent = next;
            side = usize::from(compare(item, items[next]) != Ordering::Less);
            next = tree.nodes[next].children[side];
        }
        tree.nodes.push(Node { parent, children: [NONE; 2], red: true });
        match parent {
            NONE => tree.root = at,
            _ => tree.nodes[parent].children[side] = at,
        }
        tree.balance(at);
    }
    tree.walk().into_iter().map(|at| items[at]).collect()
}

impl Tree {
    fn is_red(&self, at: usize) -> bool {
        self.nodes.get(at).is_some_and(|node| node.red)
    }

    fn side(&self, at: usize) -> usize {
        let parent = self.nodes[at].parent;
        usize::from(self.nodes[parent].children[1] == at)
    }

    /// Moves `at` down to its `side`; its child of the other side takes its place.
    fn rotate(&mut self, at: usize, side: usize) {
        let up = self.nodes[at].children[1 - side];
        let moved = self.nodes[up].children[side];
        let parent = self.nodes[at].parent;
        self.nodes[at].children[1 - side] = moved;
        if moved != NONE {
            self.nodes[moved].parent = at;
        }
        if parent == NONE {
            self.root = up;
        } else {
            let which = self.side(at);
            self.nodes[parent].children[which] = up;
        }
        self.nodes[up].parent = parent;
        self.nodes[up].children[side] = at;
        self.nodes[at].parent = up;
    }

    fn balance(&mut self, mut at: usize) {
        while self.is_red(self.nodes[at].parent) {
            let parent = self.nodes[at].parent;
            // A red parent is not the root.
            let grand = self.nodes[parent].parent;
            let side = self.side(parent);
            let uncle = self.nodes[grand].children[1 - side];
            if self.is_red(uncle) {
                self.nodes[parent].red = false;
                self.nodes[uncle].red = false;
                self.nodes[grand].red = true;
                at = grand;
                continue;
            }
            let mut top = parent;
            if self.side(at) != side {
                self.rotate(parent, side);
                top = at;
            }
            self.nodes[top].red = false;
            self.nodes[grand].red = true;
            self.rotate(grand, 1 - side);
            break;
        }
        let root = self.root;
        self.nodes[root].red = false;
    }

    /// From left to right.
    fn walk(&self) -> Vec<usize> {
        let mut out = Vec::with_capacity(self.nodes.len());
        let (mut above, mut at) = (Vec::new(), self.root);
        loop {
            while at != NONE {
                above.push(at);
                at = self.nodes[at].children[0];
            }
            let Some(next) = above.pop() else { return out };
            out.push(next);
            at = self.nodes[next].children[1];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_true_order_is_that_of_a_stable_sort() {
        let items: Vec<(u32, u32)> = (0..500).map(|number| (number * 7919 % 97, number)).collect();
        let mut sorted = items.clone();
        sorted.sort_by_key(|(key, _)| *key);
        assert_eq!(ordered(&items, |a, b| a.0.cmp(&b.0)), sorted);
        let descending: Vec<u32> = (0..100).rev().collect();
        assert_eq!(ordered(&descending, |a, b| a.cmp(&b)), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn an_order_that_goes_round_keeps_everything() {
        // Scissors, paper, stone.
        let before = |a: u32, b: u32| if (a + 1) % 3 == b % 3 { Ordering::Less } else { Ordering::Greater };
        let items: Vec<u32> = (0..100).collect();
        let mut found = ordered(&items, before);
        found.sort_unstable();
        assert_eq!(found, items);
    }
}
