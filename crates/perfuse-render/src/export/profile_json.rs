//! Our own form of a profile: everything that is in it, with nothing made of it. See `docs/json.md`.

use perfuse_analyze::profile::{FrameKind, Profile, WeightUnit};
use serde::Serialize;

use super::ProfileInfo;

/// Name of the schema.
pub const SCHEMA: &str = "perfuse.profile/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    title: &'a str,
    started_ns: Option<u64>,
    events: Vec<Event<'a>>,
    threads: Vec<Thread<'a>>,
    frames: Vec<Frame<'a>>,
    nodes: Vec<(Option<u32>, u32)>,
    samples: Samples,
}

#[derive(Serialize)]
struct Event<'a> {
    name: &'a str,
    unit: &'static str,
}

#[derive(Serialize)]
struct Thread<'a> {
    pid: i32,
    tid: i32,
    comm: &'a str,
}

#[derive(Serialize)]
struct Frame<'a> {
    function: Option<&'a str>,
    module: Option<&'a str>,
    kind: &'static str,
    inlined: bool,
    address: Option<u64>,
    file: Option<&'a str>,
    line: Option<u32>,
}

/// Columns: names of fields would be most of a list of objects.
#[derive(Serialize, Default)]
struct Samples {
    event: Vec<u32>,
    thread: Vec<u32>,
    node: Vec<Option<u32>>,
    time_ns: Vec<u64>,
    cpu: Vec<Option<u32>>,
    weight: Vec<u64>,
}

/// The document.
pub fn render(profile: &Profile, info: &ProfileInfo) -> serde_json::Result<Vec<u8>> {
    let known = |text: &'_ str| !text.is_empty() && text != perfuse_analyze::flame::UNKNOWN;
    let frames = profile.frames().iter().map(|frame| Frame {
        function: Some(profile.text(frame.function)).filter(|text| known(text)),
        module: Some(profile.text(frame.module)).filter(|text| known(text)),
        kind: match frame.kind {
            FrameKind::User => "user",
            FrameKind::Kernel => "kernel",
            FrameKind::Jit => "jit",
            FrameKind::Unknown => "unknown",
        },
        inlined: frame.inlined,
        address: Some(frame.address).filter(|address| *address != 0),
        file: frame.source.map(|(file, _)| profile.text(file)),
        line: frame.source.map(|(_, line)| line),
    });
    let mut samples = Samples::default();
    for sample in &profile.samples {
        samples.event.push(sample.event);
        samples.thread.push(sample.thread);
        samples.node.push(sample.node.map(|node| node.0));
        samples.time_ns.push(sample.time);
        samples.cpu.push(sample.cpu);
        samples.weight.push(sample.weight);
    }
    let events = profile.events.iter().map(|event| Event {
        name: &event.name,
        unit: match event.unit {
            WeightUnit::Nanoseconds => "ns",
            WeightUnit::Count => "count",
        },
    });
    let threads =
        profile.threads().iter().map(|thread| Thread { pid: thread.pid, tid: thread.tid, comm: &thread.comm });
    serde_json::to_vec(&Document {
        schema: SCHEMA,
        title: &info.title,
        started_ns: info.started,
        events: events.collect(),
        threads: threads.collect(),
        frames: frames.collect(),
        nodes: profile.nodes().iter().map(|node| (node.parent.map(|parent| parent.0), node.frame.0)).collect(),
        samples,
    })
}
