//! The red-black tree in which perf keeps symbols, for the one question that its shape decides.
//!
//! perf looks for the symbol of an address by walking down a tree: left if the address is before a symbol, right if it is
//! behind, found if it is inside. Where symbols overlap (a function without size that was stretched to the next one, and
//! entries of a linkage table that were added later), the one that lies nearer to the root is found, and one that lies
//! behind another on the way may not be found at all. So the same insertions and removals are made here, with the
//! rebalancing of the kernel's tree (`lib/rbtree.c`; the textbook algorithm with its cases in that order).

/// No node.
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Node {
    key: u64,
    parent: u32,
    child: [u32; 2],
    red: bool,
}

/// Nodes are numbered in the order of their insertion.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    root: u32,
}

const LEFT: usize = 0;
const RIGHT: usize = 1;

impl Tree {
    pub(crate) fn new() -> Self {
        Self { nodes: Vec::new(), root: NONE }
    }

    fn node(&mut self, index: u32) -> &mut Node {
        &mut self.nodes[index as usize]
    }

    fn get(&self, index: u32) -> Node {
        self.nodes[index as usize]
    }

    fn is_red(&self, index: u32) -> bool {
        index != NONE && self.get(index).red
    }

    /// Which child of its parent a node is.
    fn side(&self, index: u32) -> usize {
        let parent = self.get(index).parent;
        usize::from(self.get(parent).child[RIGHT] == index)
    }

    /// Puts `new` into the place below `parent` where `old` was.
    fn replace(&mut self, parent: u32, old: u32, new: u32) {
        if parent == NONE {
            self.root = new;
        } else {
            let side = usize::from(self.get(parent).child[LEFT] != old);
            self.node(parent).child[side] = new;
        }
    }

    /// Adds a key; equal ones lie to the right.
    pub(crate) fn insert(&mut self, key: u64) {
        let Ok(new) = u32::try_from(self.nodes.len()) else { return };
        let (mut parent, mut side, mut at) = (NONE, LEFT, self.root);
        while at != NONE {
            parent = at;
            side = usize::from(key >= self.get(at).key);
            at = self.get(at).child[side];
        }
        self.nodes.push(Node { key, parent, child: [NONE; 2], red: true });
        if parent == NONE {
            self.root = new;
        } else {
            self.node(parent).child[side] = new;
        }
        self.rebalance_after_insert(new);
    }

    /// Turns `top` down to `side`: its other child takes its place.
    fn rotate(&mut self, top: u32, side: usize) {
        let up = self.get(top).child[1 - side];
        let (moved, parent) = (self.get(up).child[side], self.get(top).parent);
        self.replace(parent, top, up);
        self.node(up).parent = parent;
        self.node(up).child[side] = top;
        self.node(top).parent = up;
        self.node(top).child[1 - side] = moved;
        if moved != NONE {
            self.node(moved).parent = top;
        }
    }

    fn rebalance_after_insert(&mut self, mut at: u32) {
        loop {
            let parent = self.get(at).parent;
            if parent == NONE {
                self.node(at).red = false;
                return;
            }
            if !self.is_red(parent) {
                return;
            }
            let grand = self.get(parent).parent;
            let side = self.side(parent);
            let uncle = self.get(grand).child[1 - side];
            if self.is_red(uncle) {
                self.node(uncle).red = false;
                self.node(parent).red = false;
                self.node(grand).red = true;
                at = grand;
                continue;
            }
            let parent = if self.side(at) == side {
                parent
            } else {
                self.rotate(parent, side);
                at
            };
            self.rotate(grand, 1 - side);
            self.node(parent).red = false;
            self.node(grand).red = true;
            return;
        }
    }

    /// Takes a node out.
    pub(crate) fn remove(&mut self, index: u32) {
        let Node { parent, child: [left, right], red, .. } = self.get(index);
        // The place from where on the tree may be unbalanced: a parent, and which of its sides is short.
        let (short, side) = if left == NONE || right == NONE {
            let only = if left == NONE { right } else { left };
            let side = if parent == NONE { LEFT } else { self.side(index) };
            self.replace(parent, index, only);
            if only != NONE {
                // An only child is red, its parent black.
                self.node(only).parent = parent;
                self.node(only).red = red;
                return;
            }
            if red || parent == NONE {
                return;
            }
            (parent, side)
        } else {
            let mut next = right;
            while self.get(next).child[LEFT] != NONE {
                next = self.get(next).child[LEFT];
            }
            let below = self.get(next).child[RIGHT];
            let (mut short, mut side) = (self.get(next).parent, LEFT);
            if short == index {
                (short, side) = (next, RIGHT);
            } else {
                self.node(short).child[LEFT] = below;
                if below != NONE {
                    self.node(below).parent = short;
                }
                self.node(next).child[RIGHT] = right;
                self.node(right).parent = next;
            }
            self.node(next).child[LEFT] = left;
            self.node(left).parent = next;
            self.replace(parent, index, next);
            let black = !self.get(next).red;
            self.node(next).parent = parent;
            self.node(next).red = red;
            if below != NONE {
                self.node(below).red = false;
                return;
            }
            if !black {
                return;
            }
            (short, side)
        };
        self.rebalance_after_remove(short, side);
    }

    fn rebalance_after_remove(&mut self, mut parent: u32, mut side: usize) {
        loop {
            let other = 1 - side;
            let mut sibling = self.get(parent).child[other];
            if self.is_red(sibling) {
                self.rotate(parent, side);
                self.node(sibling).red = false;
                self.node(parent).red = true;
                sibling = self.get(parent).child[other];
            }
            if sibling == NONE {
                return;
            }
            let mut far = self.get(sibling).child[other];
            if !self.is_red(far) {
                let near = self.get(sibling).child[side];
                if !self.is_red(near) {
                    self.node(sibling).red = true;
                    if self.is_red(parent) {
                        self.node(parent).red = false;
                        return;
                    }
                    let up = self.get(parent).parent;
                    if up == NONE {
                        return;
                    }
                    side = self.side(parent);
                    parent = up;
                    continue;
                }
                self.rotate(sibling, other);
                far = sibling;
                sibling = near;
            }
            self.rotate(parent, side);
            self.node(sibling).red = self.get(parent).red;
            self.node(parent).red = false;
            self.node(far).red = false;
            return;
        }
    }

    /// Walks down from the root; `inside` tells where the address lies to a node.
    pub(crate) fn find(&self, inside: impl Fn(u32) -> std::cmp::Ordering) -> Option<u32> {
        let mut at = self.root;
        while at != NONE {
            at = match inside(at) {
                std::cmp::Ordering::Less => self.get(at).child[LEFT],
                std::cmp::Ordering::Greater => self.get(at).child[RIGHT],
                std::cmp::Ordering::Equal => return Some(at),
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the rules of such trees, and returns the keys in order.
    fn keys(tree: &Tree) -> Vec<u64> {
        fn walk(tree: &Tree, at: u32, parent: u32, keys: &mut Vec<u64>) -> usize {
            if at == NONE {
                return 0;
            }
            let node = tree.get(at);
            assert_eq!(node.parent, parent);
            assert!(!(node.red && node.child.iter().any(|&child| tree.is_red(child))), "two red nodes in a row");
            let left = walk(tree, node.child[LEFT], at, keys);
            keys.push(node.key);
            let right = walk(tree, node.child[RIGHT], at, keys);
            assert_eq!(left, right, "paths with different numbers of black nodes");
            left + usize::from(!node.red)
        }
        let mut found = Vec::new();
        assert!(!tree.is_red(tree.root));
        walk(tree, tree.root, NONE, &mut found);
        found
    }

    #[test]
    fn insertions_and_removals_keep_it_balanced() {
        let mut tree = Tree::new();
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let mut alive: Vec<(u32, u64)> = Vec::new();
        for round in 0..2000u32 {
            let key = next() % 500;
            tree.insert(key);
            alive.push((round, key));
            if next() % 3 == 0 {
                let at = usize::try_from(next()).unwrap() % alive.len();
                tree.remove(alive.swap_remove(at).0);
            }
            if round % 50 == 0 {
                let mut expected: Vec<u64> = alive.iter().map(|(_, key)| *key).collect();
                expected.sort_unstable();
                assert_eq!(keys(&tree), expected);
            }
        }
        while let Some((index, _)) = alive.pop() {
            tree.remove(index);
            assert_eq!(keys(&tree).len(), alive.len());
        }
        assert_eq!(tree.root, NONE);
    }

    #[test]
    fn the_shape_decides() {
        let mut tree = Tree::new();
        // 10 20 30: 20 goes to the root.
        for key in [10, 20, 30] {
            tree.insert(key);
        }
        let spans = [(10, 40), (20, 25), (30, 35)];
        let find = |address: u64| {
            tree.find(|index| {
                let (start, end) = spans[index as usize];
                if address < start {
                    std::cmp::Ordering::Less
                } else if address >= end {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Equal
                }
            })
        };
        assert_eq!((find(22), find(15)), (Some(1), Some(0)));
        assert_eq!(find(27), None, "behind 20, and so never compared with 10");
    }
}
