//! The rows on the screen: lines of the table, and below those that are open their call chains.

use perfuse_analyze::hist::FrameId;

use super::{Opened, ReportTui};

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    /// A line of the table.
    Entry(u32),
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
            Self::Chain { .. } => None,
        }
    }

    /// The line that it belongs to.
    pub(super) fn owner(self) -> u32 {
        match self {
            Self::Entry(id) => id,
            Self::Chain { entry, .. } => entry,
        }
    }
}

impl ReportTui<'_> {
    pub(super) fn make_rows(&self) -> Vec<Row> {
        let hists = self.layout.hists;
        let Some(table) = hists.tables.get(self.event) else { return Vec::new() };
        let total = hists.total(self.event);
        let mut rows = Vec::new();
        for &id in table.order.iter().filter(|&&id| self.layout.is_shown(id, total) && self.is_wanted(id)) {
            rows.push(Row::Entry(id));
            if let Some(opened) = self.opened.get(&id) {
                chain_rows(id, opened, &mut rows);
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
