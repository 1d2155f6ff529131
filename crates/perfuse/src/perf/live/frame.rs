//! What is common to all that watches: its time, its own cost, and the words at its end.

use std::time::{Duration, Instant};

use perfuse_analyze::{Arg, Msg};
use perfuse_collect::usage::cpu_seconds;
use perfuse_render::i18n::grouped;
use serde_json::{Value, json};

use super::asked::Asked;
use crate::signals::Interrupt;

/// The frame of a run.
#[derive(Debug)]
pub(super) struct Frame {
    begun: Instant,
    until: Option<Instant>,
    cpu: f64,
}

/// Numbers of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts {
    /// Hits that counted.
    pub(super) hits: u64,
    /// Hits that were not shown.
    pub(super) left_out: u64,
    /// Hits that had no room.
    pub(super) lost: u64,
    /// Nanoseconds and runs of programs in the kernel.
    pub(super) program: Option<(u64, u64)>,
}

impl Frame {
    pub(super) fn begin(asked: &Asked) -> Self {
        let begun = Instant::now();
        Self { begun, until: asked.time.and_then(|time| begun.checked_add(time)), cpu: cpu_seconds() }
    }

    /// Whether time is up, or a signal came.
    pub(super) fn over(&self, interrupt: &Interrupt) -> bool {
        interrupt.came() || self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// How long to wait at most.
    pub(super) fn left(&self, most: Duration) -> Duration {
        self.until.map_or(most, |until| until.saturating_duration_since(Instant::now()).min(most))
    }

    fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64().max(1e-9)
    }

    /// The line at the end.
    pub(super) fn summary(&self, facts: &Facts) -> Msg {
        let seconds = self.seconds();
        let own = (cpu_seconds() - self.cpu) / seconds * 100.0;
        let inner = |message: Msg| Arg::Msg(Box::new(message));
        let words = Msg::new("live-summary")
            .with("hits", grouped(facts.hits as f64, 0))
            .with("seconds", format!("{seconds:.1}"))
            .with("rate", grouped((facts.hits as f64 / seconds).round(), 0))
            .with("own", format!("{own:.1}"));
        let words = words.with(
            "left",
            match facts.left_out {
                0 => Arg::Text(String::new()),
                count => inner(Msg::new("live-summary-left").with("count", grouped(count as f64, 0))),
            },
        );
        let words = words.with(
            "lost",
            match facts.lost {
                0 => Arg::Text(String::new()),
                count => inner(Msg::new("live-summary-lost").with("count", grouped(count as f64, 0))),
            },
        );
        words.with(
            "program",
            match facts.program {
                Some((nanoseconds, runs)) if runs > 0 => {
                    let share = nanoseconds as f64 / (seconds * 1e9) * 100.0;
                    let each = format!("{:.0}", nanoseconds as f64 / runs as f64);
                    inner(Msg::new("live-summary-program").with("each", each).with("share", format!("{share:.2}")))
                }
                _ => Arg::Text(String::new()),
            },
        )
    }

    /// The same for programs.
    pub(super) fn about(&self, facts: &Facts) -> Value {
        json!({
            "seconds": self.seconds(),
            "hits": facts.hits,
            "left_out": facts.left_out,
            "lost": facts.lost,
            "own_cpu_seconds": cpu_seconds() - self.cpu,
            "program_ns": facts.program.map(|(nanoseconds, _)| nanoseconds),
            "program_runs": facts.program.map(|(_, runs)| runs),
        })
    }
}
