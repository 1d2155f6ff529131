//! Folded stacks: `comm;main;work 123`, for `flamegraph.pl`, `inferno` and everybody else who reads them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use perfuse_analyze::flame::{FlameGraph, Label};
use perfuse_analyze::profile::FrameKind;

/// The stacks of a graph, a line each, sorted. `annotate` marks names as `stackcollapse-perf.pl --all` does: `_[k]`
/// kernel, `_[i]` inlined, `_[j]` just-in-time compiled.
pub fn render(graph: &FlameGraph, annotate: bool) -> String {
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for (labels, weight) in graph.stacks() {
        let names: Vec<String> = labels.into_iter().map(|label| name(label, annotate)).collect();
        let stack = if names.is_empty() { "[no stack]".to_owned() } else { names.join(";") };
        let line = lines.entry(stack).or_default();
        *line = line.saturating_add(weight);
    }
    let mut out = String::new();
    for (stack, weight) in lines {
        let _ = writeln!(out, "{stack} {weight}");
    }
    out
}

/// A name that does not look like more than one, nor like the end of a line.
fn name(label: &Label, annotate: bool) -> String {
    let mut name = crate::layout::clean(&label.name).replace(';', ":");
    if label.kind.is_none() {
        name = name.replace(' ', "_");
    }
    if name.is_empty() {
        "[unknown]".clone_into(&mut name);
    }
    let mark = match label.kind {
        _ if !annotate => "",
        _ if label.inlined => "_[i]",
        Some(FrameKind::Kernel) => "_[k]",
        Some(FrameKind::Jit) => "_[j]",
        _ => "",
    };
    name + mark
}
