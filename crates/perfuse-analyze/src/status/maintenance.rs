//! When work is under way: windows that someone opened by hand, and windows of the calendar.

use serde::{Deserialize, Serialize};

const MINUTE: u64 = 60_000;
const DAY: u64 = 1440 * MINUTE;

/// A window that was opened by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdHoc {
    /// Number, by which it is closed; never given twice.
    pub id: u64,
    /// The components; empty for all.
    pub components: Vec<String>,
    /// Milliseconds since 1970.
    pub start: u64,
    /// Milliseconds since 1970; `None` until someone closes it.
    pub end: Option<u64>,
    /// Why, for the page.
    pub reason: String,
}

/// A window of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The components; empty for all.
    pub components: Vec<String>,
    /// When.
    pub when: When,
    /// Why, for the page.
    pub reason: String,
}

/// Once, or every week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// From one moment to another, in milliseconds since 1970; the end does not belong to it.
    Once {
        /// Begin.
        start: u64,
        /// End.
        end: u64,
    },
    /// On some days of every week.
    Weekly {
        /// The days on which it begins, Monday first.
        days: [bool; 7],
        /// Minutes after midnight at which it begins.
        minute: u32,
        /// How many minutes it lasts; may reach into the next days.
        minutes: u32,
        /// Minutes by which the clock on the wall is ahead of UTC.
        offset: i32,
    },
}

fn concerns(components: &[String], component: &str) -> bool {
    components.is_empty() || components.iter().any(|one| one == component)
}

impl AdHoc {
    /// Whether the component is in this window at a time.
    pub fn holds(&self, component: &str, now: u64) -> bool {
        concerns(&self.components, component) && self.start <= now && self.end.is_none_or(|end| now < end)
    }
}

impl Planned {
    /// Whether the component is in this window at a time.
    pub fn holds(&self, component: &str, now: u64) -> bool {
        concerns(&self.components, component) && self.when.holds(now)
    }
}

impl When {
    /// Whether a moment (milliseconds since 1970) lies within.
    pub fn holds(&self, now: u64) -> bool {
        match *self {
            Self::Once { start, end } => (start..end).contains(&now),
            Self::Weekly { .. } => self.begun_at(now).is_some(),
        }
    }

    /// The next window that has not ended at `now`: its begin and end in milliseconds since 1970.
    pub fn next(&self, now: u64) -> Option<(u64, u64)> {
        match *self {
            Self::Once { start, end } => (now < end).then_some((start, end)),
            Self::Weekly { minutes, .. } => {
                let length = u64::from(minutes) * MINUTE;
                let start = self.begun_at(now).or_else(|| self.begins().into_iter().map(|at| after(at, now)).min())?;
                Some((start, start.checked_add(length)?))
            }
        }
    }

    /// When the window that holds `now` began.
    fn begun_at(&self, now: u64) -> Option<u64> {
        let Self::Weekly { minutes, .. } = *self else { return None };
        let ago = |at: u64| (now % (7 * DAY) + 7 * DAY - at) % (7 * DAY);
        let ago = self.begins().into_iter().map(ago).filter(|ago| *ago < u64::from(minutes) * MINUTE).max()?;
        now.checked_sub(ago)
    }

    /// The begins within a week, in milliseconds from Thursday 00:00 UTC: 1970 began on a Thursday.
    fn begins(&self) -> Vec<u64> {
        let Self::Weekly { days, minute, offset, .. } = *self else { return Vec::new() };
        let day = |weekday: usize| (weekday as u64 + 4) % 7;
        let at = |weekday: usize| {
            let minutes = (day(weekday) * 1440 + u64::from(minute)).saturating_add(7 * 1440);
            minutes.saturating_add_signed(-i64::from(offset)) % (7 * 1440) * MINUTE
        };
        (0..7).filter(|weekday| days[*weekday]).map(at).collect()
    }
}

/// The first moment from `now` on at which a time of the week comes round.
fn after(at: u64, now: u64) -> u64 {
    let week = now % (7 * DAY);
    now.saturating_add((at + 7 * DAY - week) % (7 * DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-29 is a Sunday; 02:00 in Korea is 17:00 UTC of the Saturday before.
    #[test]
    fn a_weekly_window_is_that_of_the_wall_clock() {
        let mut days = [false; 7];
        days[6] = true;
        let when = When::Weekly { days, minute: 120, minutes: 90, offset: 540 };
        let saturday_17_utc = 1_795_885_200_000;
        assert!(!when.holds(saturday_17_utc - 1));
        assert!(when.holds(saturday_17_utc));
        assert!(when.holds(saturday_17_utc + 90 * MINUTE - 1));
        assert!(!when.holds(saturday_17_utc + 90 * MINUTE));
        let window = Some((saturday_17_utc, saturday_17_utc + 90 * MINUTE));
        assert_eq!(when.next(saturday_17_utc - 3 * DAY), window);
        assert_eq!(when.next(saturday_17_utc + 5), window, "the one that is under way");
        assert_eq!(when.next(saturday_17_utc + DAY).unwrap().0, saturday_17_utc + 7 * DAY);
    }

    #[test]
    fn a_window_without_an_end_lasts_until_it_is_closed() {
        let mut window = AdHoc { id: 1, components: vec!["web".into()], start: 10, end: None, reason: String::new() };
        assert!(window.holds("web", u64::MAX) && !window.holds("web", 9) && !window.holds("db", 10));
        window.end = Some(20);
        assert!(window.holds("web", 19) && !window.holds("web", 20));
    }
}
