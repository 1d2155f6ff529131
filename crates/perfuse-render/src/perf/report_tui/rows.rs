//! The rows on the screen: lines of the table, and below those that are open their call chains.

use perfuse_analyze::hist::hierarchy::Hierarchy;
use perfuse_analyze::hist::{FrameId, Weight};

use super::super::report_cell::percent;
use super::{Opened, ReportTui};

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    /// A line of the table.
    Entry(u32),
    /// A line of a tree of keys: its node, and its entry.
    Level { node: u32, entry: u32 },
    /// A place of its call chains.
    Chain {
        entry: u32,
        node: u32,
        frame: FrameId,
        /// Levels above it.
        depth: usize,
        /// Whether it is the first place of its node: it shows the weight.
        first: bool,
    },
}

impl Row {
    pub(super) fn entry(self) -> Option<u32> {
        match self {
            Self::Entry(id) => Some(id),
            Self::Level { .. } | Self::Chain { .. } => None,
        }
    }

    /// The line that it belongs to.
    pub(super) fn owner(self) -> u32 {
        match self {
            Self::Entry(id) => id,
            Self::Chain { entry, .. } | Self::Level { entry, .. } => entry,
        }
    }
}

impl ReportTui<'_> {
    pub(super) fn make_rows(&self) -> Vec<Row> {
        let hists = self.layout.hists;
        if let Some(tree) = &self.tree {
            return self.level_rows(tree);
        }
        let Some(table) = hists.tables.get(self.event) else { return Vec::new() };
        let total = hists.total(self.event);
        let mut rows = Vec::new();
        let heavy = |id: u32| percent(hists.period(id), total) >= self.limit;
        let wanted = |id: u32| self.layout.is_shown(id, total) && heavy(id) && self.is_wanted(id);
        for &id in table.order.iter().filter(|&&id| wanted(id)) {
            rows.push(Row::Entry(id));
            if let Some(opened) = self.opened.get(&id) {
                chain_rows(id, opened, &mut rows);
            }
        }
        rows
    }

    /// Lines of a tree of keys. A line is there if anything below it is wanted.
    fn level_rows(&self, tree: &Hierarchy) -> Vec<Row> {
        let total = self.layout.hists.total(self.event);
        let mut wanted = vec![false; tree.nodes.len()];
        // Parents come before their children.
        for (at, node) in tree.nodes.iter().enumerate().rev() {
            let below = node.children.iter().any(|&child| wanted[child as usize]);
            let heavy = percent(node.weight(0, Weight::Overhead), total) >= self.limit;
            let leaf = node.children.is_empty() && self.is_wanted(node.entry);
            wanted[at] = self.layout.is_node_shown(node, total) && heavy && (below || leaf);
        }
        let mut rows = Vec::new();
        let mut open: Vec<u32> = tree.roots.iter().rev().copied().collect();
        while let Some(at) = open.pop() {
            let node = &tree.nodes[at as usize];
            if !wanted[at as usize] {
                continue;
            }
            rows.push(Row::Level { node: at, entry: node.entry });
            if self.levels.contains(&at) {
                open.extend(node.children.iter().rev());
            }
            if let Some(opened) = self.opened.get(&node.entry).filter(|_| node.children.is_empty()) {
                chain_rows(node.entry, opened, &mut rows);
            }
        }
        rows
    }

    /// Whether neither the search nor a zoom leaves it out.
    fn is_wanted(&self, id: u32) -> bool {
        let hists = self.layout.hists;
        let place = hists.place(id);
        let named = || hists.frames.text(place.name).is_some_and(|name| name.contains(&self.search));
        (self.search.is_empty() || named())
            && self.function.is_none_or(|name| place.name == name)
            && self.dso.is_none_or(|dso| hists.frames.dso_text(place) == dso)
            && self.thread.is_none_or(|(key, value)| hists.sample_value(id, key) == Some(value))
    }
}

fn chain_rows(entry: u32, opened: &Opened, rows: &mut Vec<Row>) {
    let tree = &opened.tree;
    let mut open: Vec<(u32, usize)> = tree.roots.iter().rev().map(|&id| (id, 0)).collect();
    while let Some((id, depth)) = open.pop() {
        let Some(node) = tree.nodes.get(id as usize) else { continue };
        let whole = opened.nodes.contains(&id);
        let shown = if whole { node.frames.len() } else { 1 };
        for (at, &frame) in node.frames.iter().take(shown).enumerate() {
            rows.push(Row::Chain { entry, node: id, frame, depth, first: at == 0 });
        }
        if whole {
            open.extend(node.children.iter().rev().map(|&child| (child, depth + 1)));
        }
    }
}
