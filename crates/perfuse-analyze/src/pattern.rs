//! Patterns over days: what comes back every day, what will be full on which day, and what is larger than it need be.
//!
//! Each is told with the days that it rests on. With too few days, or days that do not agree, nothing is told.

use std::collections::BTreeMap;

use crate::Quantity;
use crate::cell::Advice;
use crate::message::Msg;

/// Seconds of a day and of an hour.
const DAY: i64 = 86_400;
const HOUR: i64 = 3600;
/// Steps that a day must have, of all it could have, to count.
const WHOLE: f64 = 0.75;
/// Days that must agree.
const FEW: usize = 3;
/// Of the days that are known, the part that must agree.
const MOST: f64 = 0.8;

/// What a series counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    /// Waiting messages or connections.
    Queue,
    /// What is used of something that has an end, which is given.
    Limit(f64),
    /// What is in use of a pool of this size: a limit that somebody chose.
    Pool(f64),
}

/// The greatest values of the steps of some days.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// As it is shown.
    pub name: &'a str,
    /// What it counts.
    pub role: Role,
    /// Unix second of the first step.
    pub start: i64,
    /// Seconds of a step; at most an hour.
    pub step: i64,
    /// The greatest value of each step; NaN where none is known.
    pub values: &'a [f64],
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Stable id: `pattern.daily-queue`, `pattern.limit-nears`, `pattern.pool-too-large`.
    pub id: &'static str,
    /// The series.
    pub series: String,
    /// What it is, in a sentence.
    pub summary: Msg,
    /// What to do.
    pub advice: Advice,
    /// The days that it rests on: Unix second of their beginning, and the greatest value.
    pub days: Vec<(i64, f64)>,
    /// Unix second of the day on which the limit is reached.
    pub reached: Option<i64>,
}

/// Looks for patterns. `offset` is by how many seconds the days of the place are ahead of UTC.
pub fn find(series: &[Series], offset: i64) -> Vec<Pattern> {
    let mut found: Vec<Pattern> = Vec::new();
    for one in series.iter().filter(|one| (1..=HOUR).contains(&one.step)) {
        let days = Days::new(one, offset);
        let pattern = match one.role {
            Role::Queue => daily(one, &days, offset),
            Role::Limit(max) => nearing(one, &days, max, offset),
            Role::Pool(max) => nearing(one, &days, max, offset).or_else(|| too_large(one, &days, max, offset)),
        };
        found.extend(pattern);
    }
    found.sort_by(|a, b| {
        a.reached.is_none().cmp(&b.reached.is_none()).then(a.id.cmp(b.id)).then(a.series.cmp(&b.series))
    });
    found
}

/// The greatest value of each hour of each whole day, by the clock of the place.
struct Days(BTreeMap<i64, [f64; 24]>);

impl Days {
    fn new(series: &Series, offset: i64) -> Self {
        let mut days: BTreeMap<i64, ([f64; 24], i64)> = BTreeMap::new();
        for (step, value) in (0_i64..).zip(series.values).filter(|(_, value)| value.is_finite()) {
            let at = series.start.saturating_add(step.saturating_mul(series.step)).saturating_add(offset);
            let hour = usize::try_from(at.rem_euclid(DAY) / HOUR).unwrap_or(0);
            let (hours, known) = days.entry(at.div_euclid(DAY)).or_insert(([f64::NAN; 24], 0));
            if let Some(most) = hours.get_mut(hour) {
                *most = most.max(*value);
            }
            *known += series.step;
        }
        days.retain(|_, (_, known)| *known as f64 >= WHOLE * DAY as f64);
        Self(days.into_iter().map(|(day, (hours, _))| (day, hours)).collect())
    }

    /// The greatest value of each day, by the Unix second of its beginning.
    fn greatest(&self, offset: i64) -> Vec<(i64, f64)> {
        let most = |hours: &[f64; 24]| hours.iter().copied().fold(f64::NAN, f64::max);
        self.0.iter().map(|(day, hours)| (day.saturating_mul(DAY).saturating_sub(offset), most(hours))).collect()
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A queue that is long at the same hour of most days, and short otherwise.
fn daily(series: &Series, days: &Days, offset: i64) -> Option<Pattern> {
    const TIMES: f64 = 3.0;
    const LEAST: f64 = 10.0;

    let long = |hours: &[f64; 24], hour: usize| {
        let usual = median(hours.iter().copied());
        hours.get(hour).is_some_and(|value| *value >= LEAST && *value >= TIMES * usual.max(1.0))
    };
    let agree = |hour: usize| days.0.values().filter(|hours| long(hours, hour)).count();
    let wanted = (days.0.len() as f64 * MOST).ceil().max(FEW as f64);
    let is_long = |hour: usize| agree(hour) as f64 >= wanted;
    // The hour in which it begins: the one before is calm.
    let hour = (0..24).find(|hour| is_long(*hour) && !is_long((hour + 23) % 24))?;
    let length = (0..24).take_while(|more| is_long((hour + more) % 24)).count();
    let peak = median(days.0.values().filter_map(|hours| hours.get(hour).copied()));
    let usual = median(days.0.values().map(|hours| median(hours.iter().copied())));
    let clock = format!("{hour:02}:00");
    let summary = Msg::new("pattern-daily-queue-summary")
        .with("series", series.name)
        .with("clock", clock.as_str())
        .with("peak", Quantity::count(peak))
        .with("usual", Quantity::count(usual))
        .with("agree", agree(hour) as u64)
        .with("days", days.0.len() as u64);
    let advice = Advice {
        text: Msg::new("pattern-daily-queue-advice").with("clock", clock.as_str()).with("hours", length as u64),
        command: None,
        expect: Msg::new("pattern-daily-queue-expect")
            .with("peak", Quantity::count(peak))
            .with("usual", Quantity::count(usual)),
    };
    let of_days = days.0.iter().filter_map(|(day, hours)| {
        let at = day.saturating_mul(DAY).saturating_sub(offset);
        hours.get(hour).filter(|value| value.is_finite()).map(|value| (at, *value))
    });
    Some(Pattern {
        id: "pattern.daily-queue",
        series: series.name.to_owned(),
        summary,
        advice,
        days: of_days.collect(),
        reached: None,
    })
}

/// The line through points, and the share of their spread that it explains.
fn line(points: &[(f64, f64)]) -> Option<(f64, f64, f64)> {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let sum = |of: &dyn Fn(f64, f64) -> f64| points.iter().map(|point| of(point.0 - x, point.1 - y)).sum::<f64>();
    let (xx, xy, yy) = (sum(&|x, _| x * x), sum(&|x, y| x * y), sum(&|_, y| y * y));
    if xx <= 0.0 || yy <= 0.0 {
        return None;
    }
    let slope = xy / xx;
    Some((slope, y - slope * x, xy * xy / (xx * yy)))
}

/// What grows from day to day so steadily that the day on which it reaches its end can be told.
fn nearing(series: &Series, days: &Days, max: f64, offset: i64) -> Option<Pattern> {
    const AHEAD: f64 = 30.0;
    const STEADY: f64 = 0.8;

    let greatest = days.greatest(offset);
    if greatest.len() <= FEW || max <= 0.0 {
        return None;
    }
    let (first, _) = *greatest.first()?;
    let points: Vec<(f64, f64)> =
        greatest.iter().map(|(at, value)| (at.saturating_sub(first) as f64 / DAY as f64, *value)).collect();
    let (slope, base, steady) = line(&points)?;
    let (today, value) = *points.last()?;
    let left = (max - base) / slope - today;
    if slope <= 0.0 || steady < STEADY || value >= max || !(0.0..=AHEAD).contains(&left) {
        return None;
    }
    // Whole days from the last one; a hair more than a day is that day.
    let whole = (0_i64..=31).take_while(|day| (*day as f64) < left - 1e-6).count();
    let reached = greatest.last()?.0.saturating_add(i64::try_from(whole).unwrap_or(0).saturating_mul(DAY));
    let share = Quantity::ratio(value / max);
    let summary = Msg::new("pattern-limit-nears-summary")
        .with("series", series.name)
        .with("share", share)
        .with("growth", Quantity::ratio(slope / max))
        .with("days", whole as u64);
    let advice = Advice {
        text: Msg::new("pattern-limit-nears-advice").with("days", whole as u64),
        command: None,
        expect: Msg::new("pattern-limit-nears-expect").with("share", Quantity::ratio(value / max / 2.0)),
    };
    Some(Pattern {
        id: "pattern.limit-nears",
        series: series.name.to_owned(),
        summary,
        advice,
        days: greatest,
        reached: Some(reached),
    })
}

/// A pool of which a large part was never used on any day of a week.
fn too_large(series: &Series, days: &Days, max: f64, offset: i64) -> Option<Pattern> {
    const WEEK: usize = 7;
    const PART: f64 = 0.4;
    const SPARE: f64 = 1.5;
    const SMALL: f64 = 5.0;

    let greatest = days.greatest(offset);
    let peak = greatest.iter().map(|(_, value)| *value).fold(f64::NAN, f64::max);
    if greatest.len() < WEEK || max < SMALL || !peak.is_finite() || peak > PART * max {
        return None;
    }
    let wanted = (peak * SPARE).ceil().max(2.0);
    if wanted >= max {
        return None;
    }
    let count = |number: f64| Quantity::count(number);
    let summary = Msg::new("pattern-pool-too-large-summary")
        .with("series", series.name)
        .with("peak", count(peak))
        .with("max", count(max))
        .with("days", greatest.len() as u64);
    let advice = Advice {
        text: Msg::new("pattern-pool-too-large-advice").with("wanted", count(wanted)).with("max", count(max)),
        command: None,
        expect: Msg::new("pattern-pool-too-large-expect").with("spare", count(max - wanted)),
    };
    let series = series.name.to_owned();
    Some(Pattern { id: "pattern.pool-too-large", series, summary, advice, days: greatest, reached: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: i64 = 600;
    /// A midnight in UTC.
    const START: i64 = 1_795_651_200;
    /// Nine hours ahead.
    const SEOUL: i64 = 9 * HOUR;

    /// Values of some days, by day and second of the day.
    fn days(count: i64, value: impl Fn(i64, i64) -> f64) -> Vec<f64> {
        let steps = (0..count * DAY / STEP).map(|step| (step * STEP / DAY, step * STEP % DAY));
        steps.map(|(day, second)| value(day, second)).collect()
    }

    fn of(role: Role, values: &[f64], offset: i64) -> Vec<Pattern> {
        find(&[Series { name: "x", role, start: START - offset, step: STEP, values }], offset)
    }

    fn arg(message: &Msg, name: &str) -> Option<crate::Arg> {
        message.args.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn a_queue_that_grows_every_day_at_nine_is_told_with_its_days() {
        let nine = |_, second: i64| if (9 * HOUR..11 * HOUR).contains(&second) { 800.0 } else { 4.0 };
        for offset in [0, SEOUL] {
            let found = of(Role::Queue, &days(5, nine), offset);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!((found[0].id, found[0].days.len()), ("pattern.daily-queue", 5));
            assert_eq!(arg(&found[0].summary, "clock"), Some("09:00".into()));
            assert_eq!(arg(&found[0].advice.text, "hours"), Some(2.into()));
            assert_eq!(found[0].days[0], (START - offset, 800.0));
        }
    }

    #[test]
    fn days_that_do_not_agree_and_too_few_tell_nothing() {
        let nine = |_, second: i64| if (9 * HOUR..11 * HOUR).contains(&second) { 800.0 } else { 4.0 };
        assert!(of(Role::Queue, &days(2, nine), 0).is_empty(), "two days");
        let once = |day: i64, second: i64| if day == 2 && second / HOUR == 9 { 800.0 } else { 4.0 };
        assert!(of(Role::Queue, &days(7, once), 0).is_empty(), "one bad day");
        let wanders = |day: i64, second: i64| if second / HOUR == 3 * day { 800.0 } else { 4.0 };
        assert!(of(Role::Queue, &days(7, wanders), 0).is_empty(), "another hour each day");
        assert!(of(Role::Queue, &days(7, |_, _| 500.0), 0).is_empty(), "long all day is no hour");
        let small = |_, second: i64| if second / HOUR == 9 { 6.0 } else { 0.0 };
        assert!(of(Role::Queue, &days(7, small), 0).is_empty(), "few messages");
        let gaps = |_, second: i64| if second > DAY / 2 { f64::NAN } else { nine(0, second) };
        assert!(of(Role::Queue, &days(7, gaps), 0).is_empty(), "half days");
    }

    #[test]
    fn the_day_on_which_a_limit_is_reached_is_told() {
        // 50 on the first day, 5 more each day: 100 ten days after the first one.
        let grows = days(6, |day, _| 50.0 + 5.0 * day as f64);
        let found = of(Role::Limit(100.0), &grows, 0);
        assert_eq!((found[0].id, found[0].reached), ("pattern.limit-nears", Some(START + 10 * DAY)));
        assert_eq!(arg(&found[0].summary, "days"), Some(5.into()));
        assert_eq!(found[0].days.len(), 6);
        // It falls, it stands, it grows too slowly, it jumps about, it is full already.
        for values in [
            days(6, |day, _| 90.0 - 5.0 * day as f64),
            days(6, |_, _| 80.0),
            days(6, |day, _| 50.0 + 0.5 * day as f64),
            days(6, |day, _| if day % 2 == 0 { 90.0 } else { 20.0 + day as f64 }),
            days(6, |day, _| 100.0 + day as f64),
        ] {
            assert!(of(Role::Limit(100.0), &values, 0).is_empty());
        }
        assert!(of(Role::Limit(100.0), &days(3, |day, _| 50.0 + 5.0 * day as f64), 0).is_empty(), "three days");
    }

    #[test]
    fn a_pool_that_is_never_half_used_is_too_large() {
        let calm = |_, second: i64| if second / HOUR == 12 { 12.0 } else { 3.0 };
        let found = of(Role::Pool(100.0), &days(8, calm), 0);
        assert_eq!(found[0].id, "pattern.pool-too-large");
        assert_eq!(arg(&found[0].advice.text, "wanted"), Some(Quantity::count(18.0).into()));
        assert!(of(Role::Pool(100.0), &days(6, calm), 0).is_empty(), "not a week");
        assert!(of(Role::Pool(20.0), &days(8, calm), 0).is_empty(), "it needs its size at noon");
        assert!(of(Role::Pool(4.0), &days(8, |_, _| 1.0), 0).is_empty(), "a small one");
        assert!(of(Role::Limit(100.0), &days(8, calm), 0).is_empty(), "a limit that nobody chose");
    }

    #[test]
    fn what_is_reached_soon_comes_first_and_odd_input_does_no_harm() {
        let calm = days(8, |_, _| 3.0);
        let grows = days(8, |day, _| 50.0 + 5.0 * day as f64);
        let one = |name, role, values| Series { name, role, start: START, step: STEP, values };
        let found = find(&[one("b", Role::Pool(100.0), &calm), one("a", Role::Limit(100.0), &grows)], 0);
        assert_eq!(found.iter().map(|pattern| pattern.series.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let odd = [f64::NAN, f64::INFINITY, -1.0, f64::MAX];
        for role in [Role::Queue, Role::Limit(0.0), Role::Limit(f64::NAN), Role::Pool(-1.0)] {
            for step in [0, -5, 1, 600, i64::MAX] {
                assert!(find(&[Series { name: "x", role, start: i64::MAX, step, values: &odd }], i64::MIN).is_empty());
            }
        }
    }
}
