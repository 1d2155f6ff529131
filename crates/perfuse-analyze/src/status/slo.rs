//! Service level objectives: the error budget, and how fast it burns.
//!
//! `burn = bad ratio / (1 - objective)`: at 1 the budget lasts exactly its time, at 14.4 a budget of 30 days loses 2% in
//! an hour. Each alert looks at two windows: the longer shows that it matters, the shorter that it still goes on (The
//! Site Reliability Workbook, chapter 5).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Outcome, SloPlan};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// Two windows and the rate above which both of them burn too fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Milliseconds of the longer window.
    pub long: u64,
    /// Milliseconds of the shorter window.
    pub short: u64,
    /// Multiples of the rate at which the budget lasts its time.
    pub above: f64,
    /// Whether someone is to be woken; else it can wait for the morning.
    pub page: bool,
}

/// The three pairs.
pub const PAIRS: [Pair; 3] = [
    Pair { long: HOUR, short: 5 * MINUTE, above: 14.4, page: true },
    Pair { long: 6 * HOUR, short: 30 * MINUTE, above: 6.0, page: true },
    Pair { long: 72 * HOUR, short: 6 * HOUR, above: 1.0, page: false },
];

/// Minutes that are kept one by one: those of the longest window that is counted in minutes, and the one that runs.
const MINUTES: usize = 6 * 60 + 1;
/// Hours that are kept one by one: 31 days, and the one that runs.
const HOURS: usize = 31 * 24 + 1;

/// What was seen in a minute or an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    /// Minutes or hours since 1970.
    at: u64,
    good: u64,
    bad: u64,
}

/// Good and bad observations of one component, by minute and by hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    minutes: VecDeque<Count>,
    hours: VecDeque<Count>,
}

/// One pair of windows, as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Burn {
    /// Rate in the longer window; `None` with too few observations.
    pub long: Option<f64>,
    /// Rate in the shorter window; `None` without any observation.
    pub short: Option<f64>,
    /// Both are above the limit.
    pub burning: bool,
}

/// An objective, as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SloView {
    /// The objective.
    pub objective: f64,
    /// Observations in the time of the budget, maintenance left out.
    pub events: u64,
    /// The part of them that was good; `None` without any.
    pub good: Option<f64>,
    /// The part of the error budget that is left: 1 untouched, 0 used up, below 0 overdrawn.
    pub budget_left: Option<f64>,
    /// In the order of [`PAIRS`].
    pub burns: [Burn; 3],
}

impl Events {
    /// Takes one observation. One that says nothing is none.
    pub fn add(&mut self, time: u64, outcome: Outcome, plan: &SloPlan) {
        let bad = match outcome {
            Outcome::NoData => return,
            Outcome::Pass => false,
            Outcome::Slow => plan.slow_is_bad,
            Outcome::Fail => true,
        };
        put(&mut self.minutes, time / MINUTE, bad, MINUTES);
        put(&mut self.hours, time / HOUR, bad, HOURS);
    }

    /// The objective at a time.
    pub fn view(&self, now: u64, plan: &SloPlan) -> SloView {
        let allowed = 1.0 - plan.objective;
        let (good, bad) = sum(&self.hours, now / HOUR, u64::from(plan.days) * 24);
        let part = ratio(bad, good + bad);
        SloView {
            objective: plan.objective,
            events: good + bad,
            good: ratio(good, good + bad),
            budget_left: part.map(|part| 1.0 - part / allowed),
            burns: PAIRS.map(|pair| self.burn(now, pair, plan)),
        }
    }

    fn burn(&self, now: u64, pair: Pair, plan: &SloPlan) -> Burn {
        let rate = |window: u64, least: u64| {
            let (good, bad) = if window / MINUTE < MINUTES as u64 {
                sum(&self.minutes, now / MINUTE, window / MINUTE)
            } else {
                sum(&self.hours, now / HOUR, window / HOUR)
            };
            ratio(bad, good + bad).filter(|_| good + bad >= least).map(|part| part / (1.0 - plan.objective))
        };
        let (long, short) = (rate(pair.long, plan.min_events), rate(pair.short, 1));
        let above = |rate: Option<f64>| rate.is_some_and(|rate| rate > pair.above);
        Burn { long, short, burning: above(long) && above(short) }
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Adds to the newest count, or to a new one. Times never go back: the engine sees to that.
fn put(counts: &mut VecDeque<Count>, at: u64, bad: bool, most: usize) {
    if counts.back().is_none_or(|newest| newest.at < at) {
        counts.push_back(Count { at, good: 0, bad: 0 });
    }
    // Gaps take no place, so what is too old goes by its time, not by the number of counts.
    while counts.front().is_some_and(|oldest| oldest.at.saturating_add(most as u64) <= at) {
        counts.pop_front();
    }
    if let Some(newest) = counts.back_mut() {
        newest.bad += u64::from(bad);
        newest.good += u64::from(!bad);
    }
}

/// Good and bad of the last `units`, the one that runs included.
fn sum(counts: &VecDeque<Count>, now: u64, units: u64) -> (u64, u64) {
    let inside = counts.iter().rev().take_while(|count| count.at.saturating_add(units) > now);
    inside.fold((0, 0), |(good, bad), count| (good + count.good, bad + count.bad))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: SloPlan = SloPlan { objective: 0.999, days: 30, min_events: 20, slow_is_bad: false };

    fn every_10_s(seconds: std::ops::Range<u64>, outcome: Outcome, events: &mut Events) {
        for second in seconds.step_by(10) {
            events.add(second * 1000, outcome, &PLAN);
        }
    }

    #[test]
    fn a_total_outage_pages_within_minutes_and_ends_when_it_ends() {
        let mut events = Events::default();
        every_10_s(0..3600, Outcome::Pass, &mut events);
        assert_eq!(events.view(3_600_000, &PLAN).burns.map(|burn| burn.burning), [false; 3]);
        // 1.44% of an hour at 0.999 is 52 s: after a minute both windows of the first pair are above it.
        every_10_s(3600..3660, Outcome::Fail, &mut events);
        let view = events.view(3_655_000, &PLAN);
        assert!(view.burns[0].burning, "{view:?}");
        assert!(view.budget_left.unwrap() < 0.0);
        // Six minutes later the short window is clean although the long one is not.
        every_10_s(3660..4020, Outcome::Pass, &mut events);
        let view = events.view(4_015_000, &PLAN);
        assert!(!view.burns[0].burning && view.burns[0].long.unwrap() > 14.4, "{view:?}");
    }

    #[test]
    fn a_few_observations_prove_nothing() {
        let mut events = Events::default();
        every_10_s(0..100, Outcome::Fail, &mut events);
        let burn = events.view(99_000, &PLAN).burns[0];
        assert_eq!((burn.long, burn.burning), (None, false));
        every_10_s(100..200, Outcome::Fail, &mut events);
        assert!(events.view(199_000, &PLAN).burns[0].burning);
    }

    #[test]
    fn memory_is_bounded_and_old_counts_go() {
        let mut events = Events::default();
        for hour in 0..24 * 100 {
            events.add(hour * HOUR, Outcome::Pass, &PLAN);
        }
        assert!(events.hours.len() <= HOURS && events.minutes.len() <= MINUTES);
        assert_eq!(events.view((24 * 100 - 1) * HOUR, &PLAN).events, 30 * 24);
        assert_eq!(events.view(24 * 200 * HOUR, &PLAN).good, None);
    }
}
