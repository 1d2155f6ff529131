//! `perf report --hierarchy`: a line for each value of each key, indented below the one that holds it.

use std::fmt::Write as _;

use perfuse_analyze::hist::hierarchy::{Hierarchy, LevelNode};
use perfuse_analyze::hist::{Column, Key, Weight};

use super::report::Layout;
use super::report_cell::percent;

/// perf has so many dots for the line below the heads.
const DOTS: usize = 207;

/// Columns of a level's indent.
const INDENT: usize = 3;

impl Layout<'_> {
    /// The lines of an event as a tree.
    pub(super) fn hierarchy_of(&self, event: usize) -> Hierarchy {
        // What a filter leaves one value of is a level all the same.
        self.hists.hierarchy(event, |key| self.hists.settings.columns.is_of(Column::Key(key), event))
    }

    /// Weights that are shown, with the widths of their columns.
    fn weights<'w>(&'w self, widths: &'w [usize]) -> impl Iterator<Item = (Weight, usize)> + 'w {
        let columns = self.hists.settings.columns.shown.iter().zip(widths);
        columns.filter_map(|(column, &width)| match column {
            Column::Weight(weight) => Some((*weight, width)),
            Column::Key(_) => None,
        })
    }

    fn key_width(&self, key: Key, widths: &[usize]) -> usize {
        let at = self.hists.settings.columns.shown.iter().position(|column| *column == Column::Key(key));
        at.and_then(|at| widths.get(at)).copied().unwrap_or(0)
    }

    /// The table of an event as a tree.
    pub(super) fn hierarchy_table(&self, event: usize, out: &mut String) {
        let widths = self.widths(event);
        let tree = self.hierarchy_of(event);
        if !self.options.quiet {
            self.hierarchy_heads(&tree, &widths, out);
        }
        let total = self.hists.total(event);
        // Weights, and what stands between them: perf indents by it what it says of lines without children.
        let overhead = self.weights(&widths).map(|(_, width)| width + 2).sum::<usize>().saturating_sub(2) + 4;
        let mut open: Vec<u32> = tree.roots.iter().rev().copied().collect();
        while let Some(at) = open.pop() {
            let node = &tree.nodes[at as usize];
            open.extend(node.children.iter().rev());
            if self.is_node_shown(node, total) {
                self.hierarchy_line(&tree, node, &widths, event, out);
                let is_leaf = node.depth + 1 == tree.levels.len();
                let first = node.children.iter().map(|&child| &tree.nodes[child as usize]);
                let first = first.into_iter().find(|child| !self.hists.entry(child.entry).filtered);
                if is_leaf {
                    self.chains(node.entry, out);
                } else if first.is_none_or(|child| self.is_light(child, total)) {
                    if self.options.separator.is_none() {
                        out.extend(std::iter::repeat_n(' ', (tree.levels.len() + node.depth) * INDENT));
                    }
                    let _ = writeln!(out, "{:overhead$}no entry >= {:.2}%", "", self.options.min_percent);
                }
            }
        }
    }

    pub(super) fn is_light(&self, node: &LevelNode, total: u64) -> bool {
        let share = percent(node.weight(0, Weight::Overhead), total);
        #[expect(clippy::cast_possible_truncation, reason = "perf compares in single precision")]
        let light = (share as f32) < self.options.min_percent as f32;
        light
    }

    /// Whether neither a filter nor the percent limit hides a line.
    pub(super) fn is_node_shown(&self, node: &LevelNode, total: u64) -> bool {
        !self.hists.entry(node.entry).filtered && !self.is_light(node, total)
    }

    fn hierarchy_heads(&self, tree: &Hierarchy, widths: &[usize], out: &mut String) {
        let separator = self.options.separator.as_deref();
        let indent = if separator.is_some() { 0 } else { tree.levels.len().saturating_sub(1) * INDENT };
        out.push_str("# ");
        out.extend(std::iter::repeat_n(' ', indent));
        for (weight, width) in self.weights(widths) {
            let _ = write!(out, "{:>width$}{}", self.column_head(Column::Weight(weight)), separator.unwrap_or("  "));
        }
        let heads = |keys: &Vec<Key>| {
            keys.iter().map(|&key| self.column_head(Column::Key(key)).trim()).collect::<Vec<_>>().join("+")
        };
        let head = tree.levels.iter().map(heads).collect::<Vec<_>>().join(" / ");
        let _ = write!(out, "{head}\n# ");
        out.extend(std::iter::repeat_n('.', indent));
        let dots: Vec<String> = self.weights(widths).map(|(_, width)| ".".repeat(width)).collect();
        out.push_str(&dots.join(separator.unwrap_or("..")));
        let level_width = |(depth, keys): (usize, &Vec<Key>)| {
            let keys_width: usize = keys.iter().map(|&key| self.key_width(key, widths)).sum();
            depth * INDENT + keys_width + keys.len() - 1
        };
        let widest = tree.levels.iter().enumerate().map(level_width).max().unwrap_or(0).max(head.len()).min(DOTS);
        let _ = write!(out, "{}{}\n#\n", separator.unwrap_or("  "), ".".repeat(widest));
    }

    fn hierarchy_line(&self, tree: &Hierarchy, node: &LevelNode, widths: &[usize], event: usize, out: &mut String) {
        let separator = self.options.separator.as_deref();
        out.extend(std::iter::repeat_n(' ', node.depth * INDENT));
        for (at, (weight, width)) in self.weights(widths).enumerate() {
            if separator.is_none() || at > 0 {
                out.push_str(separator.unwrap_or("  "));
            }
            let text = self.node_weight(node, event, weight);
            out.push_str(&text);
            out.extend(std::iter::repeat_n(' ', width.saturating_sub(text.len())));
        }
        if separator.is_none() {
            out.extend(std::iter::repeat_n(' ', tree.levels.len().saturating_sub(1) * INDENT));
        }
        for &key in &tree.levels[node.depth] {
            let text = self.cell(node.entry, Column::Key(key), self.key_width(key, widths));
            let _ = write!(out, "{}{}", separator.unwrap_or("  "), text.trim_start());
        }
        out.push('\n');
    }

    /// The text of a line's weight, for each event of the group.
    pub(super) fn node_weight(&self, node: &LevelNode, event: usize, weight: Weight) -> String {
        let group = self.hists.group(event);
        group.clone().map(|at| self.value_cell(node.weight(at - group.start, weight), at, weight)).collect()
    }
}
