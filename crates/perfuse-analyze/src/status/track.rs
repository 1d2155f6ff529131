//! One check of one instance: from single observations to a settled level.
//!
//! ```text
//! settled up    P P F F P F F F      three failures in a row (failures = 3)
//!                             ^ down
//! settled down  F P F P P            two successes in a row (successes = 2)
//!                       ^ up
//! ```

use serde::{Deserialize, Serialize};

use super::{CheckPlan, Outcome};

/// How many of the latest observations are looked at for flapping.
const HISTORY: u32 = 20;
/// Changes among them from which on it flaps.
const FLAPS_FROM: u32 = 6;
/// Changes among them up to which it no longer flaps; lower, so that flapping itself does not flap.
const FLAPS_UNTIL: u32 = 3;

/// What a check is known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// All conditions hold.
    Up,
    /// It answers, but not well.
    Slow,
    /// It fails.
    Down,
}

/// The memory of one check of one instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// The settled level; `None` while nothing is known.
    pub level: Option<Level>,
    /// Time of the latest observation that found anything, in milliseconds since 1970.
    pub last: Option<u64>,
    /// Time of the latest observation of any kind; kept when the rest is forgotten.
    pub heard: Option<u64>,
    /// What the latest observation found.
    pub outcome: Option<Outcome>,
    /// What it said of its readiness, as long as it is not silent.
    pub ready: Option<bool>,
    /// Whether it changes its mind all the time.
    pub flapping: bool,
    /// A failure was seen and has not been answered by enough successes.
    pub trouble: bool,
    /// It was bad when it fell silent: one success is not enough to call it up.
    recovering: bool,
    /// Failures in a row.
    fails: u32,
    /// Observations in a row that were not a success.
    not_good: u32,
    /// Successes in a row.
    passes: u32,
    /// Observations in a row that were not a failure.
    not_bad: u32,
    /// Checks in a row that could not be made.
    blind: u32,
    /// The latest observations, the newest in bit 0; set where it was not a success.
    history: u32,
    /// How many of them there are, at most [`HISTORY`].
    seen: u32,
}

impl Track {
    /// Takes one observation.
    pub fn observe(&mut self, time: u64, outcome: Outcome, ready: Option<bool>, plan: &CheckPlan) {
        self.outcome = Some(outcome);
        self.heard = Some(time);
        if outcome == Outcome::NoData {
            // One check that could not be made says nothing; the failures around it still stand in a row.
            self.blind = self.blind.saturating_add(1);
            if self.blind >= plan.failures {
                self.forget();
            }
            return;
        }
        self.last = Some(time);
        self.ready = ready;
        self.count(outcome);
        self.settle(plan);
        self.flap();
        if outcome != Outcome::Pass {
            self.trouble = true;
        } else if self.passes >= plan.successes && self.level == Some(Level::Up) {
            self.trouble = false;
        }
    }

    /// Forgets what is too old to be believed. True when something was forgotten.
    pub fn age(&mut self, now: u64, plan: &CheckPlan) -> bool {
        let silent = self.last.is_some_and(|last| now.saturating_sub(last) > plan.stale_ms);
        if silent {
            self.forget();
        }
        silent
    }

    /// Nothing is known from here on. What a later success has to prove is kept.
    fn forget(&mut self) {
        let recovering = self.recovering || self.level.is_some_and(|level| level != Level::Up);
        let outcome = self.outcome.filter(|outcome| *outcome == Outcome::NoData);
        *self = Self { recovering, outcome, heard: self.heard, blind: self.blind, ..Self::default() };
    }

    fn count(&mut self, outcome: Outcome) {
        self.blind = 0;
        let next = |run: u32, goes_on: bool| if goes_on { run.saturating_add(1) } else { 0 };
        self.fails = next(self.fails, outcome == Outcome::Fail);
        self.not_good = next(self.not_good, outcome != Outcome::Pass);
        self.passes = next(self.passes, outcome == Outcome::Pass);
        self.not_bad = next(self.not_bad, outcome != Outcome::Fail);
    }

    fn settle(&mut self, plan: &CheckPlan) {
        let (leave, back) = (plan.failures, plan.successes);
        let level = match self.level {
            None => {
                let enough = if self.recovering { back } else { 1 };
                if self.fails >= leave {
                    Some(Level::Down)
                } else if self.not_good >= leave {
                    Some(Level::Slow)
                } else if self.passes >= enough {
                    Some(Level::Up)
                } else {
                    None
                }
            }
            Some(Level::Up | Level::Slow) if self.fails >= leave => Some(Level::Down),
            Some(Level::Up) if self.not_good >= leave => Some(Level::Slow),
            Some(Level::Slow | Level::Down) if self.passes >= back => Some(Level::Up),
            Some(Level::Down) if self.not_bad >= back => Some(Level::Slow),
            same => same,
        };
        if level.is_some() {
            self.recovering = false;
        }
        self.level = level;
    }

    fn flap(&mut self) {
        self.history = (self.history << 1 | u32::from(self.not_good > 0)) & ((1 << HISTORY) - 1);
        self.seen = (self.seen + 1).min(HISTORY);
        // Neighbours that differ; the oldest bit has no neighbour.
        let pairs = (1_u32 << (self.seen - 1)) - 1;
        let changes = ((self.history ^ (self.history >> 1)) & pairs).count_ones();
        self.flapping = changes >= FLAPS_FROM || self.flapping && changes > FLAPS_UNTIL;
    }
}

#[cfg(test)]
impl Track {
    /// Checks in a row that could not be made.
    pub(super) fn blind(&self) -> u32 {
        self.blind
    }
}
