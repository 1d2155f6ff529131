use super::super::frame::tests::function;
use super::super::{Collector, ColumnOptions, Columns, Context, Frames, Settings};
use super::*;

/// Chains of function names, outermost first, with their periods; the last one is where the sample was taken.
fn hists(chains: &[(&str, u64)], children: bool) -> Histograms {
    let mut frames = Frames::default();
    let mut collector = Collector::new(0);
    for (chain, period) in chains {
        let mut ids: Vec<u32> = chain
            .split(';')
            .map(|name| function(&mut frames, 0, name, u64::from(u32::from(name.chars().next().unwrap())) * 0x100))
            .collect();
        let place = ids[ids.len() - 1];
        if !children {
            ids.reverse();
        }
        let root = collector.root(Context { event: 0, filtered: false, values: &[] }, 0);
        let end = ids.iter().fold(root, |node, &frame| collector.child(node, frame, 0));
        collector.add(end, place, 0, *period);
    }
    let options = ColumnOptions { sort: Some("sym"), children, ..ColumnOptions::default() };
    let settings = Settings {
        columns: Columns::new(&options).unwrap(),
        children,
        caller_first: children,
        chains: true,
        symbol_filter: None,
        relative: false,
        event_chains: vec![true],
        groups: Vec::new(),
        group_sort: 0,
        by_name: false,
    };
    Histograms::new(collector, frames, settings)
}

fn lines(hists: &Histograms) -> Vec<String> {
    let one = |&id: &u32| {
        let entry = hists.entry(id);
        let name = hists.frames.text(hists.place(id).name).unwrap_or("?");
        format!("{name} {} {}", entry.all.period, entry.own.period)
    };
    hists.tables[0].order.iter().map(one).collect()
}

/// `frames own below` of each node, indented.
fn shown(hists: &Histograms, name: &str, options: &ChainOptions) -> Vec<String> {
    let index = ChainIndex::new(hists, options.key);
    let order = &hists.tables[0].order;
    let is_it = |id: u32| hists.frames.text(hists.place(id).name) == Some(name);
    let id = order.iter().copied().find(|&id| is_it(id)).unwrap();
    let tree = hists.call_tree(&index, id, options, hists.total(0));
    let names = |frames: &[u32]| -> String {
        let all: Vec<&str> =
            frames.iter().filter_map(|&frame| hists.frames.text(hists.frames.get(frame).name)).collect();
        all.join(";")
    };
    if matches!(options.style, Style::Flat | Style::Folded) {
        let one = |&id: &u32| format!("{} {}", names(&tree.path(id)), tree.nodes[id as usize].own.0);
        return tree.roots.iter().map(one).collect();
    }
    let mut out = Vec::new();
    let mut open: Vec<(u32, usize)> = tree.roots.iter().rev().map(|&id| (id, 0)).collect();
    while let Some((id, depth)) = open.pop() {
        let node = &tree.nodes[id as usize];
        out.push(format!("{}{} {} {}", " ".repeat(depth), names(&node.frames), node.own.0, node.below.0));
        open.extend(node.children.iter().rev().map(|&child| (child, depth + 1)));
    }
    out
}

const CHAINS: &[(&str, u64)] =
    &[("main;work;hash", 6), ("main;work;hash", 3), ("main;work;send", 3), ("main;work", 1), ("main;read", 3)];

#[test]
fn callers_get_the_weight_of_what_they_call() {
    let hists = hists(CHAINS, true);
    assert_eq!(lines(&hists), ["main 16 0", "work 13 1", "hash 9 9", "send 3 3", "read 3 3"]);
    assert_eq!((hists.tables[0].totals.all.samples, hists.total(0)), (5, 16));
}

#[test]
fn chains_are_merged_and_split_where_they_part_or_end() {
    let hists = hists(CHAINS, true);
    let options = ChainOptions::default();
    assert_eq!(shown(&hists, "main", &options), ["main 0 16", " work 1 12", "  hash 9 0", "  send 3 0", " read 3 0"]);
    assert_eq!(shown(&hists, "hash", &options), ["main;work;hash 9 0"]);
    // Its own samples with their whole chains, what it calls from itself on.
    assert_eq!(shown(&hists, "work", &options), ["work 0 12", " hash 9 0", " send 3 0", "main;work 1 0"]);
}

#[test]
fn callees_come_first_without_children() {
    let hists = hists(CHAINS, false);
    assert_eq!(lines(&hists), ["hash 9 9", "read 3 3", "send 3 3", "work 1 1"]);
    assert_eq!(shown(&hists, "hash", &ChainOptions::default()), ["hash;work;main 9 0"]);
}

#[test]
fn recursion_counts_once() {
    let hists = hists(&[("main;rec;rec;leaf", 4), ("main;rec;rec", 1)], true);
    assert_eq!(lines(&hists), ["main 5 0", "rec 5 1", "leaf 4 4"]);
    assert_eq!(shown(&hists, "rec", &ChainOptions::default()), ["rec;rec;leaf 4 0", "main;rec;rec 1 0"]);
}

#[test]
fn thresholds_leave_out_light_chains() {
    let hists = hists(CHAINS, true);
    let graph = ChainOptions { min_percent: 25.0, ..ChainOptions::default() };
    assert_eq!(shown(&hists, "main", &graph), ["main 0 16", " work 1 12", "  hash 9 0"]);
    let fractal = ChainOptions { style: Style::Fractal, ..graph };
    assert_eq!(shown(&hists, "main", &fractal), ["main 0 16", " work 1 12", "  hash 9 0", "  send 3 0"]);
    let flat = ChainOptions { style: Style::Folded, min_percent: 0.5, ..ChainOptions::default() };
    assert_eq!(shown(&hists, "main", &flat), ["main;work;hash 9", "main;work;send 3", "main;read 3", "main;work 1"]);
}

#[test]
fn deep_chains_need_no_deep_stack() {
    let names: Vec<String> = (0..20_000).map(|number| char::from_u32(0x4e00 + number).unwrap().to_string()).collect();
    let chain = names.join(";");
    let hists = hists(&[(&chain, 1)], true);
    assert_eq!(lines(&hists).len(), 20_000);
}
