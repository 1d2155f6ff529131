//! What asking a URL took, as data of the document.

use std::collections::BTreeMap;

use perfuse_analyze::probe::{ProbeReport, Spread};
use perfuse_analyze::{Msg, Quantity};
use serde::Serialize;

use crate::i18n::Texts;

/// The requests of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Probe {
    /// As the user wrote it.
    pub url: String,
    /// Where redirects led, if they did.
    pub end: Option<String>,
    /// Address and port of the other end.
    pub peer: Option<String>,
    /// Whether that is this host.
    pub local: bool,
    /// How many requests there were.
    pub requests: usize,
    /// How many had which status.
    pub statuses: BTreeMap<String, usize>,
    /// The requests that failed, by how.
    pub failures: Vec<FailureLine>,
    /// Of the whole of those that were answered.
    pub total: Option<Times>,
    /// Of each phase that was reached, in order.
    pub phases: Vec<PhaseLine>,
    /// Of the largest body.
    pub bytes: u64,
}

/// Requests that failed in one way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailureLine {
    /// Stable id.
    pub id: &'static str,
    /// In words.
    pub title: String,
    /// How many.
    pub count: usize,
}

/// Seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Times {
    /// The shortest.
    #[serde(rename = "min_s")]
    pub min: f64,
    /// Half of them were shorter.
    #[serde(rename = "median_s")]
    pub median: f64,
    /// 99 of 100 were shorter; with less than 100 the longest.
    #[serde(rename = "p99_s")]
    pub p99: f64,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseLine {
    /// `dns`, `connect`, `tls`, `first-byte` or `body`.
    pub id: &'static str,
    /// Its name in words.
    pub title: String,
    /// How long.
    #[serde(flatten)]
    pub times: Times,
    /// Share of the time of all requests; 0..1.
    pub ratio: f64,
}

impl From<Spread> for Times {
    fn from(spread: Spread) -> Self {
        Self { min: spread.min, median: spread.median, p99: spread.p99 }
    }
}

impl Probe {
    pub(super) fn new(probe: &ProbeReport, texts: &Texts) -> Self {
        let failure = |failed: &perfuse_analyze::probe::Failed| {
            let words = if failed.words.is_empty() { String::new() } else { format!(" ({})", failed.words) };
            let message = Msg::new(format!("failure-{}", failed.failure.id())).with("words", words);
            FailureLine { id: failed.failure.id(), title: texts.text(&message), count: failed.count }
        };
        let phase = |time: &perfuse_analyze::probe::PhaseTime| PhaseLine {
            id: time.phase.id(),
            title: texts.word(&format!("phase-{}", time.phase.id())),
            times: time.spread.into(),
            ratio: time.share,
        };
        Self {
            url: probe.url.clone(),
            end: probe.end.clone(),
            peer: probe.peer.map(|peer| peer.to_string()),
            local: probe.local,
            requests: probe.tries,
            statuses: probe.statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect(),
            failures: probe.failed.iter().map(failure).collect(),
            total: probe.total.map(Times::from),
            phases: probe.phases.iter().map(phase).collect(),
            bytes: probe.bytes,
        }
    }

    /// How many there were, where to, and how they ended.
    pub(super) fn facts(&self, texts: &Texts) -> Vec<String> {
        let mut facts = vec![texts.text(&Msg::new("probe-requests").with("count", self.requests as u64))];
        facts.extend(self.end.as_ref().map(|end| format!("→ {end}")));
        facts.extend(self.peer.clone());
        if self.peer.is_some() {
            facts.push(texts.word(if self.local { "probe-local" } else { "probe-elsewhere" }));
        }
        facts.extend(self.statuses.iter().map(|(status, count)| format!("{status} × {count}")));
        facts.extend(self.failures.iter().map(|failure| format!("{} × {}", failure.title, failure.count)));
        if self.bytes > 0 {
            facts.push(texts.quantity(Quantity::bytes(self.bytes as f64)));
        }
        facts
    }

    /// The phases and the whole: name, the three times, share.
    pub(super) fn rows(&self, texts: &Texts) -> Vec<[String; 5]> {
        let say = |seconds: f64| texts.quantity(Quantity::seconds(seconds));
        let row = |title: &str, times: Times, ratio: f64| {
            let share = texts.quantity(Quantity::ratio(ratio));
            [title.to_owned(), say(times.min), say(times.median), say(times.p99), share]
        };
        let mut rows: Vec<_> = self.phases.iter().map(|phase| row(&phase.title, phase.times, phase.ratio)).collect();
        rows.extend(self.total.map(|total| row(&texts.word("probe-total"), total, 1.0)));
        rows
    }
}

/// The headings over [`Probe::rows`], the first one empty.
pub(super) fn headings(texts: &Texts) -> [String; 5] {
    let word = |id: &str| texts.word(id);
    [String::new(), word("probe-min"), word("probe-median"), "p99".to_owned(), word("probe-share")]
}
