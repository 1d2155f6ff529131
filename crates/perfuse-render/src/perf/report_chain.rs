//! Call chains below a line of the report.

use std::fmt::Write as _;

use perfuse_analyze::hist::{CallNode, CallTree, ChainKey, ChainOptions, ChainValue, FrameId, Style};

use super::report::Layout;
use super::report_cell::{chain_name, percent};

/// What stands left of every call chain.
const MARGIN: &str = "            ";

/// A level of the tree that is being written.
struct Level {
    /// Nodes that are still to come, last one first.
    open: Vec<u32>,
    /// Bars of the levels above and of this one: a bit each.
    bars: u32,
    /// The same for what stands below its nodes.
    below: u32,
    /// What shares are of.
    total: u64,
    /// Period and samples that none of the nodes has.
    rest: (u64, u64),
    /// Whether anything was left out.
    all: u64,
    written: u32,
}

/// perf keeps the bars in 32 bits and shifts beyond them.
fn bit(depth: usize) -> u32 {
    1_u32.wrapping_shl(u32::try_from(depth % 32).unwrap_or(0))
}

impl Layout<'_> {
    /// The call chains of an entry.
    pub(super) fn chains(&self, id: u32, out: &mut String) {
        let options = &self.options.chain;
        let Some(tree) = self.tree_of(id, options) else { return };
        let total = self.hists.tables.get(self.hists.event_of(id)).map_or(0, |table| table.totals.all.period);
        match options.style {
            Style::Graph | Style::Fractal => self.graph(id, &tree, total, out),
            Style::Flat => self.flat(&tree, total, out),
            Style::Folded => self.folded(&tree, total, out),
            Style::None => {}
        }
    }

    /// The call tree of an entry; `None` where there are no call chains.
    fn tree_of(&self, id: u32, options: &ChainOptions) -> Option<CallTree> {
        let event = self.hists.event_of(id);
        let index = self.chain_index.as_ref()?;
        if self.hists.settings.event_chains.get(event) != Some(&true) || !self.hists.leads(id) {
            return None;
        }
        let totals = self.hists.tables.get(event)?.totals;
        let sums = if self.hists.settings.relative { totals.shown } else { totals.all };
        Some(self.hists.call_tree(index, id, options, sums.chain_period))
    }

    /// The same for browsing, where every style is a tree.
    pub(super) fn tree(&self, id: u32) -> Option<CallTree> {
        let style = match self.options.chain.style {
            Style::Flat | Style::Folded => Style::Graph,
            other => other,
        };
        self.tree_of(id, &ChainOptions { style, ..self.options.chain })
    }

    /// The weight of a node, of everything that an event counted.
    pub(super) fn tree_value(&self, node: &CallNode, event: usize) -> String {
        let total = self.hists.tables.get(event).map_or(0, |table| table.totals.all.period);
        self.value(node.period(), node.samples(), total)
    }

    /// How a place is called.
    pub(super) fn name(&self, frame: FrameId) -> String {
        let frames = &self.hists.frames;
        chain_name(frames, frames.get(frame), self.options.chain.key != ChainKey::Function)
    }

    /// The weight of a chain: `82.59%`, a period or a number of samples.
    fn value(&self, period: u64, samples: u64, total: u64) -> String {
        match self.options.chain.value {
            ChainValue::Period => period.to_string(),
            ChainValue::Count => samples.to_string(),
            ChainValue::Percent => {
                let share = percent(period, total);
                self.colored(share, &format!("{share:.2}%"))
            }
        }
    }

    fn limited(&self, ids: &[u32]) -> usize {
        match self.options.chain.limit {
            0 => ids.len(),
            limit => ids.len().min(limit as usize),
        }
    }

    fn flat(&self, tree: &CallTree, total: u64, out: &mut String) {
        for &id in &tree.roots[..self.limited(&tree.roots)] {
            let node = &tree.nodes[id as usize];
            let _ = writeln!(out, "           {}", self.value(node.period(), node.samples(), total));
            for frame in tree.path(id) {
                let _ = writeln!(out, "                {}", self.name(frame));
            }
            out.push('\n');
        }
    }

    fn folded(&self, tree: &CallTree, total: u64, out: &mut String) {
        let separator = self.options.separator.as_deref().unwrap_or(";");
        for &id in &tree.roots[..self.limited(&tree.roots)] {
            let node = &tree.nodes[id as usize];
            let names: Vec<String> = tree.path(id).into_iter().map(|frame| self.name(frame)).collect();
            let _ = writeln!(out, "{} {}", self.value(node.own.0, node.own.1, total), names.join(separator));
        }
    }

    fn graph(&self, id: u32, tree: &CallTree, total: u64, out: &mut String) {
        let before = out.len();
        let entry = self.hists.period(id);
        let mut margin = MARGIN.to_owned();
        let mut roots = tree.roots.clone();
        // The share of the only beginning of all chains is that of the entry: it is not repeated.
        let only = match roots.as_slice() {
            [root] => Some(&tree.nodes[*root as usize]).filter(|node| node.period() == entry),
            _ => None,
        };
        if let Some(node) = only {
            self.trunk(node, &mut margin, out);
            roots.clone_from(&node.children);
        }
        let total = if self.options.chain.style == Style::Fractal { entry } else { total };
        let samples = only.map_or(tree.all.1, |node| node.below.1);
        self.branches(tree, roots, samples, total, &margin, out);
        if out.len() > before {
            out.push('\n');
        }
    }

    /// The places that all chains of an entry begin with.
    fn trunk(&self, node: &CallNode, margin: &mut String, out: &mut String) {
        // The first place is the symbol of the line above, where lines are of symbols only.
        let skip = usize::from(self.options.sorts_by_symbol);
        let frames = &node.frames[skip.min(node.frames.len())..];
        let most = match self.options.chain.limit {
            0 => usize::MAX,
            limit => limit as usize,
        };
        for (at, &frame) in frames.iter().take(most).enumerate() {
            if at == 0 {
                let _ = write!(out, "{margin}|\n{margin}---");
                margin.push_str("   ");
            } else {
                out.push_str(margin);
            }
            let _ = writeln!(out, "{}", self.name(frame));
        }
    }

    fn level(&self, tree: &CallTree, mut open: Vec<u32>, bars: u32, total: u64, samples: u64) -> Level {
        open.truncate(self.limited(&open));
        let periods = open.iter().map(|&id| tree.nodes[id as usize].period()).fold(0, u64::saturating_add);
        let counted: u64 = open.iter().map(|&id| tree.nodes[id as usize].samples()).sum();
        let rest = (total.saturating_sub(periods), samples.saturating_sub(counted));
        open.reverse();
        Level { open, bars, below: bars, total, rest, all: total, written: 0 }
    }

    /// Everything below the trunk, without recursion: chains may be as deep as a record is long.
    fn branches(&self, tree: &CallTree, roots: Vec<u32>, samples: u64, total: u64, margin: &str, out: &mut String) {
        let fractal = self.options.chain.style == Style::Fractal;
        let limit = self.options.chain.limit;
        let mut complete = roots.len();
        let mut levels = vec![self.level(tree, roots, bit(0), total, samples)];
        let mut sizes = vec![complete];
        while let Some(depth) = levels.len().checked_sub(1) {
            let bar = bit(depth);
            let Some(level) = levels.last_mut() else { break };
            let Some(id) = level.open.pop() else {
                if fractal && level.rest.0 != 0 && level.rest.0 != level.all {
                    self.rest(level, depth + 1, bar, margin, out);
                }
                levels.pop();
                sizes.pop();
                continue;
            };
            level.written += 1;
            complete = sizes[depth];
            // The bar of a level ends with its last node, unless the rest follows.
            if level.written as usize == complete && (!fractal || level.rest.0 == 0) {
                level.below &= !bar;
            }
            debug_assert!(limit == 0 || level.written <= limit);
            out.push_str(margin);
            lines(level.bars, depth + 1, out);
            out.push('\n');
            let node = &tree.nodes[id as usize];
            let value = self.value(node.period(), node.samples(), level.total);
            for (at, &frame) in node.frames.iter().enumerate() {
                out.push_str(margin);
                place(level.below, depth + 1, (at == 0).then_some(value.as_str()), out);
                let _ = writeln!(out, "{}", self.name(frame));
            }
            let total = if fractal { node.below.0 } else { level.total };
            let bars = level.below | bit(depth + 1);
            sizes.push(node.children.len());
            levels.push(self.level(tree, node.children.clone(), bars, total, node.below.1));
        }
    }

    /// The share of what the threshold left out.
    fn rest(&self, level: &Level, depth: usize, bar: u32, margin: &str, out: &mut String) {
        if self.options.chain.value == ChainValue::Count && level.rest.1 == 0 {
            return;
        }
        let value = self.value(level.rest.0, level.rest.1, level.total);
        out.push_str(margin);
        place(level.below & !bar, depth, Some(&value), out);
        out.push_str("[...]\n");
    }
}

/// The bars of a line that only separates.
fn lines(bars: u32, depth: usize, out: &mut String) {
    for level in 0..depth {
        out.push_str(if bars & bit(level) == 0 { "           " } else { "|          " });
    }
}

/// The bars before a place; the first one of a node has its weight.
fn place(bars: u32, depth: usize, value: Option<&str>, out: &mut String) {
    for level in 0..depth {
        out.push(if bars & bit(level) == 0 { ' ' } else { '|' });
        match value.filter(|_| level + 1 == depth) {
            Some(value) => {
                let _ = write!(out, "--{value}--");
            }
            None => out.push_str("          "),
        }
    }
}
