//! Whether it helped: the numbers before, during and after an incident.

use std::time::Duration;

use perfuse_analyze::series::unit_of;

use super::Compared;
use super::subject::Subject;
use crate::store::{Reader, SeriesKey, StoreError};

/// How much of the time before the first failure is looked at, and how much of the time after the recovery.
const BEFORE: i64 = 300;
pub(super) const AFTER: Duration = Duration::from_secs(60);
/// Series that are looked at, and of them those that are kept.
const MOST: usize = 60;
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

/// Medians of what has to do with the component and of the cells of its causes; those that changed most come first.
pub(super) fn compare(
    reader: &Reader,
    subject: &Subject,
    cells: &[String],
    times: Times,
) -> Result<Vec<Compared>, StoreError> {
    let mut keys = reader.series()?;
    keys.retain(|key| concerns(key, subject, cells));
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
            all.push(compared);
        }
    }
    all.sort_by(|a, b| change(b).total_cmp(&change(a)).then(a.series.cmp(&b.series)));
    all.truncate(KEPT);
    Ok(all)
}

/// Whether a series is of the component, of one of its collectors, or of a cell that shows a cause (without its parts).
fn concerns(key: &SeriesKey, subject: &Subject, cells: &[String]) -> bool {
    let label = |name: &str| key.labels().iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str());
    let mine = label("component") == Some(subject.component.as_str());
    let asked = label("collector").is_some_and(|name| subject.collectors.iter().any(|collector| collector == name));
    let cell = label("cell").is_some_and(|cell| cells.iter().any(|wanted| wanted == cell));
    mine || asked || (cell && label("instance").is_none() && key.name() != "perfuse_verdict_count")
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
        ];
        let began = 1_700_000_400;
        let ids: Vec<_> = [&took, &cell].into_iter().chain(&others).map(|key| store.series(key).unwrap()).collect();
        for second in -300..400_i64 {
            let during = (0..200).contains(&second);
            let took = if during { 2.0 } else { 0.02 };
            let value = if during { 0.9 } else { 0.8 };
            let values: Vec<_> = ids.iter().map(|id| (*id, if *id == ids[0] { took } else { value })).collect();
            store.append(began + second, &values);
        }
        let subject = Subject { component: "shop".to_owned(), ..Subject::default() };
        let times = Times { began, ended: began + 200, now: began + 260 };
        let compared = compare(&store.reader(), &subject, &["cpu.saturation".to_owned()], times).unwrap();
        assert_eq!(compared.len(), 2, "{compared:?}");
        let first = &compared[0];
        assert_eq!(first.series, "check_took_seconds{check=\"http\",component=\"shop\"}");
        assert_eq!(
            (first.unit.as_str(), first.before, first.during, first.after),
            ("s", Some(0.02), Some(2.0), Some(0.02))
        );
        assert_eq!(compared[1].unit, "s/s");
    }

    #[test]
    fn a_median_needs_a_value() {
        assert_eq!(median(vec![f64::NAN]), None);
        assert_eq!(median(vec![3.0, f64::NAN, 1.0]), Some(2.0));
        assert_eq!(median(vec![5.0, 1.0, 3.0]), Some(3.0));
    }
}
