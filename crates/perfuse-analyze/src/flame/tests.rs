use super::*;
use crate::profile::{ProfileSample, ProfileThread};

/// A profile of `thread: frame frame ... weight` lines, outermost frame first; `+name` is inlined, `name@module` is in a
/// module.
fn profile(lines: &[&str]) -> Profile {
    let mut profile = Profile::default();
    profile.events.push(ProfileEvent { name: "cycles".to_owned(), unit: WeightUnit::Count });
    for (time, line) in (0_u64..).zip(lines) {
        let (comm, rest) = line.split_once(": ").unwrap();
        let (stack, weight) = rest.rsplit_once(' ').unwrap_or(("", rest));
        let mut node = None;
        for frame in stack.split_whitespace() {
            let (name, module) = frame.split_once('@').unwrap_or((frame, "/bin/app"));
            let inlined = name.starts_with('+');
            let (function, module) = (profile.add_text(name.trim_start_matches('+')), profile.add_text(module));
            let kind = FrameKind::User;
            // Another address for each sample: frames are merged by name.
            let frame = profile.add_frame(Frame { function, module, source: None, kind, inlined, address: time });
            node = Some(profile.add_node(node, frame));
        }
        let thread = profile.add_thread(&ProfileThread { pid: 7, tid: 8, comm: comm.to_owned() });
        let weight = weight.parse().unwrap();
        profile.samples.push(ProfileSample { event: 0, thread, node, time: time * 10, cpu: None, weight });
    }
    profile
}

/// Every bar as `level start total name`.
fn bars(graph: &FlameGraph, limits: Limits) -> Vec<String> {
    let layout = graph.layout(limits);
    let line = |bar: &Bar| {
        let total = graph.nodes[bar.node as usize].total;
        format!("{} {} {total} {}", bar.level, bar.start, graph.label(bar.node).map_or("all", |label| &label.name))
    };
    layout.bars.iter().map(line).collect()
}

const EVERYTHING: Limits = Limits { share: 0.0, levels: u32::MAX };
const LINES: &[&str] = &["a: main work hash 3", "a: main read 2", "b: main work hash 4", "a: main work 1", "b: 5"];

#[test]
fn stacks_are_merged_and_siblings_stand_in_the_order_of_their_names() {
    let graph = FlameGraph::build(&profile(LINES), 0, Options::default());
    let expected = ["0 0 15 all", "1 0 6 a", "1 6 9 b", "2 0 6 main", "2 6 4 main", "3 0 2 read", "3 2 4 work"];
    let rest = ["3 6 4 work", "4 2 3 hash", "4 6 4 hash"];
    assert_eq!(bars(&graph, EVERYTHING), [&expected[..], &rest[..]].concat());
    assert_eq!((graph.samples, graph.stackless, graph.span), (5, 1, 40));
    assert_eq!(graph.layout(EVERYTHING).levels, 5);
}

#[test]
fn reversed_the_innermost_frame_is_next_to_the_root() {
    let options = Options { reverse: true, base: Base::Nothing, ..Options::default() };
    let graph = FlameGraph::build(&profile(LINES), 0, options);
    let found = bars(&graph, EVERYTHING);
    assert_eq!(found[..5], ["0 0 15 all", "1 0 5 [no stack]", "1 5 7 hash", "1 12 2 read", "1 14 1 work"]);
    assert!(found.contains(&"2 5 7 work".to_owned()) && found.contains(&"3 5 7 main".to_owned()), "{found:?}");
    let options = Options { reverse: true, ..Options::default() };
    let found = bars(&FlameGraph::build(&profile(LINES), 0, options), EVERYTHING);
    assert!(found.contains(&"4 5 3 a".to_owned()) && found.contains(&"4 8 4 b".to_owned()), "{found:?}");
}

#[test]
fn the_base_can_tell_processes_and_threads_apart() {
    let name = |base| {
        let graph = FlameGraph::build(&profile(&["a: main 1"]), 0, Options { base, ..Options::default() });
        graph.label(1).unwrap().name.clone()
    };
    assert_eq!([Base::Nothing, Base::Comm, Base::Process, Base::Thread].map(name), ["main", "a", "a-7", "a-7/8"]);
}

#[test]
fn narrow_and_deep_frames_are_left_out_and_counted() {
    let graph = FlameGraph::build(&profile(LINES), 0, Options::default());
    let layout = graph.layout(Limits { share: 0.2, levels: 3 });
    // `read` has 2 of 15; both `hash` are on level 4, and that of `b` is wide enough otherwise.
    assert_eq!((layout.narrow, layout.deep, layout.levels), (1, 2, 4));
    assert!(layout.bars.iter().all(|bar| bar.level <= 3));
}

#[test]
fn inlined_frames_and_other_modules_are_frames_of_their_own_unless_hidden() {
    let lines = ["a: main hash 1", "a: main +hash 2", "a: main hash@/lib/x.so 3"];
    let graph = FlameGraph::build(&profile(&lines), 0, Options::default());
    assert_eq!(bars(&graph, EVERYTHING)[3..], ["3 0 1 hash", "3 1 2 hash", "3 3 3 hash"]);
    let graph = FlameGraph::build(&profile(&lines), 0, Options { inlined: false, ..Options::default() });
    assert_eq!(bars(&graph, EVERYTHING)[3..], ["3 0 1 hash", "3 1 3 hash"]);
    assert_eq!(graph.nodes[2].own, 2);
}

#[test]
fn a_function_that_nobody_knows_is_named_after_its_module() {
    let lines = ["a: [unknown]@/lib/libc.so.6 1", "a: [unknown]@[heap] 1", "a: [unknown]@ 1"];
    let graph = FlameGraph::build(&profile(&lines), 0, Options::default());
    let mut names: Vec<_> = graph.labels.iter().map(|label| label.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["[heap]", "[libc.so.6]", "[unknown]", "a"]);
}

#[test]
fn a_difference_has_the_weights_of_both_and_what_is_gone() {
    let before = profile(&["a: main work 6", "a: main old 2"]);
    let after = profile(&["a: main work 3", "a: main new 1"]);
    let find = |graph: &FlameGraph, name: &str| {
        let index = (1..99).find(|index| graph.label(*index).is_some_and(|label| label.name == name)).unwrap();
        graph.change(index).unwrap()
    };
    let graph = FlameGraph::compare(&after, 0, (&before, 0), Options::default(), true);
    assert_eq!(find(&graph, "work"), Change { before: 0.75, now: 0.75, heat: 0.0 });
    assert_eq!(find(&graph, "new"), Change { before: 0.0, now: 0.25, heat: 1.0 });
    assert_eq!(find(&graph, "old").heat.to_bits(), (-1.0_f64).to_bits());
    assert!((graph.vanished() - 0.25).abs() < 1e-12);
    assert!(!bars(&graph, EVERYTHING).iter().any(|bar| bar.ends_with("old")));
    assert_eq!(graph.layout(EVERYTHING).narrow, 0);
    let graph = FlameGraph::compare(&after, 0, (&before, 0), Options::default(), false);
    assert_eq!(find(&graph, "work"), Change { before: 1.5, now: 0.75, heat: -0.5 });
    assert_eq!(FlameGraph::build(&after, 0, Options::default()).change(0), None);
}

#[test]
fn stacks_come_back() {
    let graph = FlameGraph::build(&profile(LINES), 0, Options::default());
    let mut stacks: Vec<String> = graph
        .stacks()
        .map(|(labels, own)| {
            format!("{} {own}", labels.iter().map(|label| label.name.as_str()).collect::<Vec<_>>().join(";"))
        })
        .collect();
    stacks.sort();
    assert_eq!(stacks, ["a;main;read 2", "a;main;work 1", "a;main;work;hash 3", "b 5", "b;main;work;hash 4"]);
}

#[test]
fn selections_remove_samples() {
    let mut of = profile(LINES);
    Selection { comms: vec!["b".to_owned()], ..Selection::default() }.apply(&mut of);
    assert_eq!(of.samples.iter().map(|sample| sample.weight).sum::<u64>(), 9);
    count_samples(&mut of);
    assert_eq!(FlameGraph::build(&of, 0, Options::default()).total(), 2);
    Selection { pids: vec![9], ..Selection::default() }.apply(&mut of);
    let graph = FlameGraph::build(&of, 0, Options::default());
    assert_eq!((graph.total(), graph.samples, graph.span), (0, 0, 0));
    assert_eq!(bars(&graph, EVERYTHING), ["0 0 0 all"]);
}

#[test]
fn weights_that_overflow_are_saturated() {
    let huge = format!("a: main {}", u64::MAX);
    let graph = FlameGraph::build(&profile(&[&huge, "a: main 5", "b: main 5"]), 0, Options::default());
    assert_eq!(graph.total(), u64::MAX);
    assert_eq!(graph.layout(EVERYTHING).bars.len(), 5);
}

#[test]
fn absences_last_until_their_end() {
    let mut of = profile(LINES);
    let span = |profile: &Profile| FlameGraph::build(profile, 0, Options::default()).span;
    assert_eq!(span(&of), 40);
    of.events[0].name = crate::offcpu::EVENT.to_owned();
    assert_eq!(span(&of), 45);
}
