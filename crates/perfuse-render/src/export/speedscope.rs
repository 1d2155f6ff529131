//! The file format of speedscope (`https://www.speedscope.app/file-format-schema.json`): one sampled profile for each
//! thread and event.

use std::borrow::Cow;

use perfuse_analyze::flame::frame_name;
use perfuse_analyze::profile::{NodeId, Profile, WeightUnit};
use serde::Serialize;

use super::{ProfileInfo, base_name, tracks};

const SCHEMA: &str = "https://www.speedscope.app/file-format-schema.json";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    exporter: &'static str,
    name: &'a str,
    active_profile_index: usize,
    shared: Shared<'a>,
    profiles: Vec<Sampled>,
}

#[derive(Serialize)]
struct Shared<'a> {
    frames: Vec<Frame<'a>>,
}

#[derive(Serialize)]
struct Frame<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sampled {
    r#type: &'static str,
    name: String,
    unit: &'static str,
    start_value: u64,
    end_value: u64,
    samples: Vec<Vec<u32>>,
    weights: Vec<u64>,
}

/// The document.
pub fn render(profile: &Profile, info: &ProfileInfo) -> serde_json::Result<Vec<u8>> {
    let frames = profile.frames().iter().map(|frame| Frame {
        name: frame_name(profile, frame),
        file: frame.source.map_or_else(|| base_name(profile.text(frame.module)), |(file, _)| profile.text(file)),
        line: frame.source.map(|(_, line)| line),
    });
    let profiles: Vec<Sampled> = tracks(profile)
        .into_iter()
        .map(|track| {
            let event = profile.events.get(track.event as usize);
            let nanoseconds = event.is_some_and(|event| event.unit == WeightUnit::Nanoseconds);
            let weights: Vec<u64> = track.samples.iter().map(|sample| sample.weight).collect();
            Sampled {
                r#type: "sampled",
                name: track_name(profile, track.thread, event.map_or("", |event| &event.name)),
                unit: if nanoseconds { "nanoseconds" } else { "none" },
                start_value: 0,
                end_value: weights.iter().fold(0, |sum: u64, weight| sum.saturating_add(*weight)),
                samples: track.samples.iter().map(|sample| stack(profile, sample.node)).collect(),
                weights,
            }
        })
        .collect();
    // The heaviest of those whose weights are of one kind would be a guess: the one with the most samples is shown first.
    let most = profiles.iter().enumerate().max_by_key(|(index, one)| (one.samples.len(), usize::MAX - index));
    let file = File {
        schema: SCHEMA,
        exporter: concat!("perfuse ", env!("CARGO_PKG_VERSION")),
        name: &info.title,
        active_profile_index: most.map_or(0, |(index, _)| index),
        shared: Shared { frames: frames.collect() },
        profiles,
    };
    serde_json::to_vec(&file)
}

/// `name 7/8`, and the event where there is more than one.
fn track_name(profile: &Profile, thread: u32, event: &str) -> String {
    let thread = profile.threads().get(thread as usize);
    let mut name = match thread {
        Some(thread) if thread.tid == 0 && thread.comm.is_empty() => String::from("all"),
        Some(thread) => format!("{} {}/{}", thread.comm, thread.pid, thread.tid),
        None => String::new(),
    };
    if profile.events.len() > 1 {
        name = format!("{name} {event}");
    }
    name
}

/// Frames of a stack, outermost first.
fn stack(profile: &Profile, node: Option<NodeId>) -> Vec<u32> {
    let mut frames = Vec::new();
    let mut at = node;
    while let Some(found) = at.and_then(|id| profile.nodes().get(id.0 as usize)) {
        frames.push(found.frame.0);
        at = found.parent;
    }
    frames.reverse();
    frames
}
