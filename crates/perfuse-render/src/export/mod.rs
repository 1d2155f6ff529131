//! The forms that other programs read: `OpenMetrics`, the line of a Nagios plug-in, and profiles for other viewers.

pub mod firefox;
pub mod folded;
pub mod grafana;
pub mod nagios;
pub mod openmetrics;
pub mod pprof;
pub mod profile_json;
pub mod rules;
pub mod speedscope;

use perfuse_analyze::profile::{Profile, ProfileSample};

/// What an exported profile says of itself and its samples do not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileInfo {
    /// What was profiled: a command line, the name of a file.
    pub title: String,
    /// When the first sample was taken, in nanoseconds since 1970; `None` if nobody knows.
    pub started: Option<u64>,
}

/// The samples of one thread and one event.
struct Track<'a> {
    event: u32,
    thread: u32,
    samples: Vec<&'a ProfileSample>,
}

/// The samples by thread and event, in the order of the threads.
fn tracks(profile: &Profile) -> Vec<Track<'_>> {
    let mut samples: Vec<&ProfileSample> = profile.samples.iter().collect();
    samples.sort_by_key(|sample| (sample.thread, sample.event, sample.time));
    let same = samples.chunk_by(|a, b| (a.thread, a.event) == (b.thread, b.event));
    same.filter_map(|samples| {
        let first = samples.first()?;
        Some(Track { event: first.event, thread: first.thread, samples: samples.to_vec() })
    })
    .collect()
}

/// The file name of a path.
fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// When the first and the last sample were taken, in nanoseconds of the recording's clock.
fn span(profile: &Profile) -> (u64, u64) {
    let times = || profile.samples.iter().map(|sample| sample.time);
    (times().min().unwrap_or(0), times().max().unwrap_or(0))
}

#[cfg(test)]
mod profile_tests;
