//! Whether it helped: the numbers before, during and after an incident. Those of its own checks come first, then whatever
//! changed most of what is around it.

use std::time::Duration;

use perfuse_analyze::series::unit_of;

use super::Compared;
use super::subject::Subject;
use crate::store::{Reader, SeriesKey, StoreError};

/// How much of the time before the first failure is looked at.
const BEFORE: i64 = 300;
/// How much of the time after the recovery is compared.
pub const AFTER: Duration = Duration::from_secs(60);
/// Series that are looked at, and of them those that are kept.
const MOST: usize = 120;
const KEPT: usize = 12;
/// Seconds of a long incident that are looked at: its beginning.
const DURING: i64 = 3600;

/// The three times of an incident, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) began: i64,
    pub(super) ended: i64,
    pub(super) now: i64,
}

/// Medians of what has to do with the component and of the cells of its causes; its own come first, and then those that changed most.
pub(super) fn compare(
    reader: &Reader,
    subject: &Subject,
    cells: &[String],
    times: Times,
) -> Result<Vec<Compared>, StoreError> {
    let mut keys = reader.series()?;
    keys.retain(|key| concerns(key, subject, cells).is_some());
    // Of a component with many collectors the nearest series are looked at.
    keys.sort_by_cached_key(|key| (concerns(key, subject, cells), shown(key)));
    keys.truncate(MOST);
    let mut all = Vec::new();
    for key in keys {
        let slice = |from: i64, to: i64| -> Result<Option<f64>, StoreError> {
            Ok(median(reader.seconds(&key, from, to.max(from))?.steps))
        };
        let compared = Compared {
            unit: unit_of(key.name()).map_or("", |unit| unit.symbol()).to_owned(),
            before: slice(times.began - BEFORE, times.began)?,
            during: slice(times.began, times.ended.min(times.began.saturating_add(DURING)))?,
            after: slice(times.ended, times.now)?,
            series: shown(&key),
        };
        if compared.during.is_some() && (compared.before.is_some() || compared.after.is_some()) {
            all.push((concerns(&key, subject, cells) == Some(Near::Own), compared));
        }
    }
    all.sort_by(|(mine, a), (yours, b)| {
        yours.cmp(mine).then(change(b).total_cmp(&change(a))).then(a.series.cmp(&b.series))
    });
    all.truncate(KEPT);
    Ok(all.into_iter().map(|(_, compared)| compared).collect())
}

/// How near a series is to a component, from near to far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Near {
    /// It is of the component itself: of its checks.
    Own,
    /// Of one of its collectors.
    Asked,
    /// Of a cell that shows a cause.
    Cell,
    /// Of a collector of a component that it needs.
    Beneath,
}

/// How a series has to do with the component; nothing when it has not. Of a cell its parts are left out.
fn concerns(key: &SeriesKey, subject: &Subject, cells: &[String]) -> Option<Near> {
    let label = |name: &str| key.labels().iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str());
    let mine = label("component") == Some(subject.component.as_str());
    let asked = |of: &[String]| label("collector").is_some_and(|name| of.iter().any(|collector| collector == name));
    let cell = label("cell").is_some_and(|cell| cells.iter().any(|wanted| wanted == cell));
    let cell = cell && label("instance").is_none() && key.name() != "perfuse_verdict_count";
    let found = [
        (mine, Near::Own),
        (asked(&subject.collectors), Near::Asked),
        (cell, Near::Cell),
        (asked(&subject.beneath), Near::Beneath),
    ];
    found.into_iter().find(|(is, _)| *is).map(|(_, near)| near)
}

/// The name of a series with its labels, as on pages.
pub(super) fn shown(key: &SeriesKey) -> String {
    let labels: Vec<String> = key.labels().iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    if labels.is_empty() { key.name().to_owned() } else { format!("{}{{{}}}", key.name(), labels.join(",")) }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    let middle = values.len().checked_sub(1)? / 2;
    let (low, high) = (values.get(middle)?, values.get(values.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}

/// How much larger the difference is than what both have in common: 0 to 1.
fn change(one: &Compared) -> f64 {
    let Some(during) = one.during else { return 0.0 };
    let usual = one.before.or(one.after).unwrap_or(during);
    let larger = during.abs().max(usual.abs());
    if larger > 0.0 { (during - usual).abs() / larger } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Retention, Store};

    #[test]
    fn medians_of_the_three_times_show_what_changed() {
        let directory = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(directory.path(), Retention::default()).unwrap();
        let took = SeriesKey::new("check_took_seconds", [("component", "shop"), ("check", "http")]);
        let cell = SeriesKey::new("perfuse_cell_seconds_per_second", [("cell", "cpu.saturation")]);
        let others = [
            SeriesKey::new("perfuse_cell_seconds_per_second", [("cell", "disk.saturation")]),
            SeriesKey::new("perfuse_cell_ratio", [("cell", "cpu.saturation"), ("instance", "cpu0")]),
            SeriesKey::new("check_took_seconds", [("component", "other")]),
            SeriesKey::new("postgresql_waiting_on_locks", [("collector", "shop-db")]),
        ];
        let began = 1_700_000_400;
        let ids: Vec<_> = [&took, &cell].into_iter().chain(&others).map(|key| store.series(key).unwrap()).collect();
        for second in -300..400_i64 {
            let during = (0..200).contains(&second);
            let took = if during { 2.0 } else { 0.02 };
            let value = if during { 0.9 } else { 0.8 };
            let locks = if during { 7.0 } else { 0.0 };
            let of = |id| if id == ids[0] { took } else { value };
            let mut values: Vec<_> = ids.iter().map(|id| (*id, of(*id))).collect();
            values[5].1 = locks;
            store.append(began + second, &values);
        }
        let subject =
            Subject { component: "shop".to_owned(), beneath: vec!["shop-db".to_owned()], ..Subject::default() };
        let times = Times { began, ended: began + 200, now: began + 260 };
        let compared = compare(&store.reader(), &subject, &["cpu.saturation".to_owned()], times).unwrap();
        assert_eq!(compared.len(), 3, "{compared:?}");
        let first = &compared[0];
        assert_eq!(first.series, "check_took_seconds{check=\"http\",component=\"shop\"}");
        assert_eq!(
            (first.unit.as_str(), first.before, first.during, first.after),
            ("s", Some(0.02), Some(2.0), Some(0.02))
        );
        // What it needs changed more, and comes after its own.
        assert_eq!((compared[1].before, compared[1].during, compared[1].after), (Some(0.0), Some(7.0), Some(0.0)));
        assert_eq!(compared[2].unit, "s/s");
    }

    #[test]
    fn a_median_needs_a_value() {
        assert_eq!(median(vec![f64::NAN]), None);
        assert_eq!(median(vec![3.0, f64::NAN, 1.0]), Some(2.0));
        assert_eq!(median(vec![5.0, 1.0, 3.0]), Some(3.0));
    }
}
