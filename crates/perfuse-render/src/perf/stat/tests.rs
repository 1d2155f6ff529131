use std::collections::BTreeMap;
use std::time::Duration;

use perfuse_analyze::stat::{Aggregation, CountedEvent, Counting, Layout};
use perfuse_format::perfdata::attr::kind;
use perfuse_format::perfdata::{CountPlace, CountValue, CpuPosition, EventAttr, EventCounts};

use super::*;
use crate::golden;

fn event(name: &str, kind: u32, config: u64) -> CountedEvent {
    CountedEvent::new(name, &EventAttr { kind, config, ..EventAttr::default() })
}

fn events() -> Vec<CountedEvent> {
    let mut energy = event("power/energy-pkg/", 12, 2);
    energy.unit = "Joules".to_owned();
    energy.scale = 0.5;
    vec![
        event("task-clock", kind::SOFTWARE, 1),
        event("context-switches", kind::SOFTWARE, 3),
        event("cycles", kind::HARDWARE, 0),
        event("stalled-cycles-frontend", kind::HARDWARE, 7),
        event("instructions", kind::HARDWARE, 1),
        event("branches", kind::HARDWARE, 4),
        event("branch-misses", kind::HARDWARE, 5),
        event("cache-misses", kind::HARDWARE, 3),
        event("LLC-loads", kind::HW_CACHE, 2),
        event("sched:sched_switch", kind::TRACEPOINT, 300),
        energy,
    ]
}

/// Counts on CPUs 0 and 1 by threads 0 and 1: branch-misses took turns, LLC-loads never ran, the tracepoint is missing.
fn counts(factor: u64) -> Vec<EventCounts> {
    let places = [CountPlace { cpu: 0, thread: 0 }, CountPlace { cpu: 1, thread: 1 }];
    let times = 2_000_000_000;
    let one = |value: u64, running: u64, supported: bool| {
        let enabled = if supported { times } else { 0 };
        let of = |value: u64| CountValue { value: value * factor, enabled, running };
        // A third of it on the second CPU.
        let values = vec![(places[0], of(value)), (places[1], of(value / 3))];
        EventCounts { supported, values }
    };
    [1_500_000_000, 123, 3_000_000_000, 450_000_000, 4_200_000_000, 800_000_000, 30_000_000, 77, 0, 0, 2222]
        .into_iter()
        .enumerate()
        .map(|(index, value)| match index {
            6 => one(value, times / 4, true),
            8 => one(0, 0, true),
            9 => one(0, 0, false),
            _ => one(value, times, true),
        })
        .collect()
}

fn threads() -> Vec<Thread> {
    vec![Thread { comm: "worker \"a\"".to_owned(), tid: 4242 }, Thread { comm: "b".to_owned(), tid: 7 }]
}

fn counting(aggregation: Aggregation, runs: &[u64], events: Vec<CountedEvent>) -> Counting {
    let position = |core| CpuPosition { socket: 0, die: 0, core, node: 0 };
    let positions = BTreeMap::from([(0, position(0)), (1, position(1))]);
    let mut counting = Counting::new(events, Layout { aggregation, positions, ..Layout::default() });
    for (index, factor) in runs.iter().enumerate() {
        counting.add(&counts(*factor), 2.0 + index as f64 / 10.0);
    }
    counting
}

/// Everything that a command prints.
fn shown(aggregation: Aggregation, runs: &[u64], style: &Style, moment: Option<Moment>) -> String {
    let counting = counting(aggregation, runs, events());
    let table = counting.table();
    let style = Style { runs: runs.len() as u64, ..style.clone() };
    let rows_of = Rows { table: &table, events: counting.events(), threads: &threads(), moment };
    let mut out = String::new();
    if style.format == Format::Text && moment.is_none() {
        out.push_str(&header(&Target::Command("./work 1".to_owned()), style.runs));
    }
    if style.format == Format::Text && moment.is_some() && !style.metric_only {
        out.push_str(&interval_header(aggregation, counting.events(), false));
    }
    metric_header(&mut out, rows_of, &style);
    rows(&mut out, rows_of, &style);
    if moment.is_none() && style.format == Format::Text {
        out.push_str(&footer(&table, Some((Duration::from_millis(1500), Duration::from_micros(250))), true, true));
    }
    out
}

fn at_half_a_second() -> Moment {
    Moment { seconds: 0, nanos: 500_533_355 }
}

fn style(format: Format) -> Style {
    Style { format, runs: 1, ..Style::default() }
}

#[test]
fn text_is_laid_out() {
    let text = style(Format::Text);
    golden::check("stat-default.txt", &shown(Aggregation::Global, &[1], &text, None));
    golden::check("stat-runs.txt", &shown(Aggregation::Global, &[10, 11, 13], &text, None));
    golden::check("stat-interval.txt", &shown(Aggregation::Global, &[1], &text, Some(at_half_a_second())));
    golden::check("stat-cpu.txt", &shown(Aggregation::Cpu, &[1], &text, None));
    golden::check("stat-core.txt", &shown(Aggregation::Core, &[1], &text, None));
    golden::check("stat-thread.txt", &shown(Aggregation::Thread, &[1], &text, Some(at_half_a_second())));
    let colored = Style { color: true, grouping: Some(','), ..text };
    golden::check("stat-colored.txt", &shown(Aggregation::Socket, &[1], &colored, None));
}

#[test]
fn fields_are_laid_out() {
    let fields = style(Format::Fields(";".to_owned()));
    golden::check("stat-fields.txt", &shown(Aggregation::Global, &[1], &fields, None));
    golden::check("stat-fields-runs.txt", &shown(Aggregation::Global, &[10, 11], &fields, None));
    let summary = Style { summary: true, ..fields };
    golden::check("stat-fields-node.txt", &shown(Aggregation::Node, &[1], &summary, None));
}

#[test]
fn json_is_always_json() {
    for aggregation in [
        Aggregation::Global,
        Aggregation::Cpu,
        Aggregation::Core,
        Aggregation::Die,
        Aggregation::Socket,
        Aggregation::Node,
        Aggregation::Thread,
    ] {
        for moment in [None, Some(at_half_a_second())] {
            for metric_only in [false, true] {
                let style = Style { metric_only, ..style(Format::Json) };
                let text = shown(aggregation, &[1, 2], &style, moment);
                assert!(!text.is_empty());
                for line in text.lines() {
                    let value: serde_json::Value =
                        serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
                    assert!(value.is_object(), "{line}");
                }
            }
        }
    }
    golden::check("stat-json.txt", &shown(Aggregation::Global, &[1], &style(Format::Json), None));
    golden::check("stat-json-thread.txt", &shown(Aggregation::Thread, &[1, 2], &style(Format::Json), None));
}

#[test]
fn ratios_alone_are_laid_out() {
    let only = |format| Style { metric_only: true, ..style(format) };
    golden::check("stat-only.txt", &shown(Aggregation::Core, &[1], &only(Format::Text), None));
    let interval = shown(Aggregation::Global, &[1], &only(Format::Text), Some(at_half_a_second()));
    golden::check("stat-only-interval.txt", &interval);
    golden::check("stat-only-fields.txt", &shown(Aggregation::Cpu, &[1], &only(Format::Fields(",".to_owned())), None));
}

#[test]
fn a_column_for_cgroups_appears_with_the_first() {
    let mut events = events();
    events[1].cgroup = Some("system.slice".to_owned());
    let counting = counting(Aggregation::Global, &[1], events);
    let table = counting.table();
    let rows_of = Rows { table: &table, events: counting.events(), threads: &[], moment: None };
    let line = |format: Format, index: usize| {
        let mut out = String::new();
        rows(&mut out, rows_of, &style(format));
        out.lines().nth(index).unwrap().to_owned()
    };
    assert!(line(Format::Text, 1).contains("context-switches                 system.slice"));
    assert!(line(Format::Fields(",".to_owned()), 1).starts_with("164,,context-switches,system.slice,"));
    assert!(line(Format::Fields(",".to_owned()), 0).contains("task-clock,,"));
    assert!(line(Format::Json, 1).contains("\"cgroup\" : \"system.slice\""));
}
