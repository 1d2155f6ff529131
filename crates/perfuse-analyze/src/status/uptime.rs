//! How long a component was in which state, by day: the bars of a status page.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::State;

const DAY: u64 = 86_400_000;
/// Days that are kept: those of the bars, and the one that runs.
const KEPT: u64 = 91;

/// Milliseconds of one day in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// Operational.
    pub operational: u64,
    /// Degraded.
    pub degraded: u64,
    /// Partial outage.
    pub partial: u64,
    /// Major outage.
    pub major: u64,
    /// Maintenance.
    pub maintenance: u64,
    /// Unknown.
    pub unknown: u64,
}

impl Day {
    /// The part of the time that counts in which it answered (operational or degraded). Maintenance and what is not
    /// known do not count; `None` if nothing else is left.
    pub fn uptime(&self) -> Option<f64> {
        let up = self.operational + self.degraded;
        let all = up + self.partial + self.major;
        (all > 0).then(|| up as f64 / all as f64)
    }

    fn slot(&mut self, state: State) -> &mut u64 {
        match state {
            State::Operational => &mut self.operational,
            State::Degraded => &mut self.degraded,
            State::PartialOutage => &mut self.partial,
            State::MajorOutage => &mut self.major,
            State::Maintenance => &mut self.maintenance,
            State::Unknown => &mut self.unknown,
        }
    }

    /// Adds another day, or part of one.
    pub fn add(&mut self, other: &Self) {
        self.operational += other.operational;
        self.degraded += other.degraded;
        self.partial += other.partial;
        self.major += other.major;
        self.maintenance += other.maintenance;
        self.unknown += other.unknown;
    }
}

/// The days of one component, by their number since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days(BTreeMap<u64, Day>);

/// The number of the day of a time (milliseconds since 1970), with days that are `offset` minutes ahead of UTC.
pub fn number(time: u64, offset: i32) -> u64 {
    time.saturating_add_signed(i64::from(offset) * 60_000) / DAY
}

impl Days {
    /// Adds the time from `from` to `to` (milliseconds since 1970) in one state, cut at midnights.
    pub fn add(&mut self, from: u64, to: u64, state: State, offset: i32) {
        // Only what is kept is counted, whatever a clock that jumped says.
        let mut from = from.max(to.saturating_sub(KEPT * DAY));
        while from < to {
            let day = number(from, offset);
            let midnight = ((day + 1) * DAY).saturating_add_signed(-i64::from(offset) * 60_000);
            let until = to.min(midnight.max(from + 1));
            *self.0.entry(day).or_default().slot(state) += until - from;
            from = until;
        }
        let first = number(to, offset).saturating_sub(KEPT - 1);
        self.0 = self.0.split_off(&first);
    }

    /// The last `count` days up to that of `now`, oldest first; `None` for days of which nothing is known.
    pub fn last(&self, now: u64, count: u64, offset: i32) -> Vec<(u64, Option<Day>)> {
        let today = number(now, offset);
        (today.saturating_sub(count.saturating_sub(1))..=today).map(|day| (day, self.0.get(&day).copied())).collect()
    }

    /// The sum of the last `count` days.
    pub fn total(&self, now: u64, count: u64, offset: i32) -> Day {
        let mut total = Day::default();
        for (_, day) in self.last(now, count, offset) {
            total.add(&day.unwrap_or_default());
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_cut_at_the_midnights_of_the_place() {
        let mut days = Days::default();
        // In Korea a day begins at 15:00 UTC.
        days.add(14 * 3_600_000, 16 * 3_600_000, State::MajorOutage, 540);
        let last = days.last(16 * 3_600_000, 2, 540);
        assert_eq!(
            last.iter().map(|(day, counts)| (*day, counts.unwrap().major)).collect::<Vec<_>>(),
            [(0, 3_600_000), (1, 3_600_000)]
        );
    }

    #[test]
    fn maintenance_and_the_unknown_do_not_count() {
        let day = Day { operational: 60, degraded: 20, major: 20, maintenance: 500, unknown: 900, partial: 0 };
        assert_eq!(day.uptime(), Some(0.8));
        assert_eq!(Day { maintenance: 5, unknown: 5, ..Day::default() }.uptime(), None);
    }

    #[test]
    fn a_clock_that_jumps_by_a_century_costs_no_memory() {
        let mut days = Days::default();
        days.add(0, 100 * 365 * DAY, State::Operational, 0);
        assert!(days.0.len() <= 91);
    }
}
