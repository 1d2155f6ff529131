//! Series of the store for charts: which there are, and their points, no more than a picture has room for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use perfuse_analyze::Unit;
use perfuse_analyze::series::unit_of;
use serde::Serialize;

use crate::store::{Reader, SeriesKey, Step, StoreError, Summary};

/// How long the list of series is taken for granted.
const FRESH: Duration = Duration::from_secs(20);
/// Seconds up to which every second is read.
const SECONDS: i64 = 6 * 3600;
/// Seconds up to which summaries of minutes are read.
const MINUTES: i64 = 3 * 86_400;
/// Age in seconds from which only summaries of minutes may be there; and from which only those of ten minutes.
const COARSE: [i64; 2] = [48 * 3600, 7 * 86_400];
/// The longest range, in seconds: what is kept.
pub(super) const LONGEST: i64 = 35 * 86_400;
/// Points of one series in an answer.
pub(super) const POINTS: i64 = 2000;
/// Series in an answer.
pub(super) const SERIES: usize = 40;

/// The series by what they are called on pages.
pub(super) type Names = BTreeMap<String, SeriesKey>;

/// The list of series, read again from time to time: it stands in every file of the store.
#[derive(Default)]
pub(super) struct Index(Mutex<Option<(Instant, Arc<Names>)>>);

impl Index {
    /// All series.
    pub(super) fn all(&self, reader: &Reader) -> Result<Arc<Names>, StoreError> {
        if let Some((at, names)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(names));
        }
        let names: Names = reader.series()?.into_iter().map(|key| (shown(&key), key)).collect();
        let names = Arc::new(names);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(&names)));
        Ok(names)
    }
}

/// What a series is called on pages: its name, and its labels as Prometheus writes them.
pub(super) fn shown(key: &SeriesKey) -> String {
    if key.labels().is_empty() {
        return key.name().to_owned();
    }
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels = key.labels().iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value)));
    format!("{}{{{}}}", key.name(), labels.collect::<Vec<_>>().join(","))
}

/// The series of some names; a bare name is all series that have it.
pub(super) fn find<'n>(names: &'n Names, asked: &[String]) -> Vec<(&'n String, &'n SeriesKey)> {
    let mut found: Vec<(&String, &SeriesKey)> = Vec::new();
    for one in asked {
        match names.get_key_value(one) {
            Some(exactly) => found.push(exactly),
            None => found.extend(names.iter().filter(|(_, key)| key.name() == one)),
        }
    }
    found.truncate(SERIES);
    found
}

/// The unit that a name ends with; what applications and probes name otherwise is counted.
pub(super) fn unit(name: &str) -> Unit {
    let share = ["_share", "_utilization", ".utilization"].iter().any(|end| name.ends_with(end));
    unit_of(name).unwrap_or(if share { Unit::Ratio } else { Unit::Count })
}

/// One series for a chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Line {
    /// Name with labels.
    pub(super) key: String,
    /// Name.
    pub(super) name: String,
    /// Labels.
    pub(super) labels: BTreeMap<String, String>,
    /// Symbol of the unit, as far as the name tells.
    pub(super) unit: &'static str,
    /// Unix second of the first point.
    pub(super) start: i64,
    /// Seconds between points.
    pub(super) step: i64,
    /// Means; nothing where there was no value.
    pub(super) mean: Vec<Option<f64>>,
    /// Least values.
    pub(super) min: Vec<Option<f64>>,
    /// Greatest values.
    pub(super) max: Vec<Option<f64>>,
}

/// The steps that are read for a range.
fn step(from: i64, to: i64, now: i64) -> Step {
    let (length, age) = (to.saturating_sub(from), now.saturating_sub(from));
    if length > MINUTES || age > COARSE[1] {
        Step::TenMinutes
    } else if length > SECONDS || age > COARSE[0] {
        Step::Minute
    } else {
        Step::Second
    }
}

/// The points of a series from one Unix second up to before another, about as many as asked for.
pub(super) fn line(
    reader: &Reader,
    name: &str,
    key: &SeriesKey,
    (from, to): (i64, i64),
    now: i64,
    points: i64,
) -> Result<Line, StoreError> {
    let step = step(from, to, now);
    let width = to.saturating_sub(from).max(1).unsigned_abs().div_ceil(points.clamp(2, POINTS).unsigned_abs());
    let width = i64::try_from(width).unwrap_or(i64::MAX).max(step.seconds());
    // A multiple of the step, and points at multiples of it: a chart that goes on shows the same points again.
    let width = width.saturating_add(step.seconds() - 1) / step.seconds() * step.seconds();
    let start = from.saturating_sub(from.rem_euclid(width));
    let answer = if step == Step::Second {
        let seconds = reader.seconds(key, start, to)?;
        seconds.steps.iter().map(|value| Summary::of(std::slice::from_ref(value))).collect()
    } else {
        reader.summaries(key, step, start, to)?.steps
    };
    let size = usize::try_from(width / step.seconds()).unwrap_or(1).max(1);
    let rows: Vec<Summary> =
        answer.chunks(size).map(|part| part.iter().fold(Summary::NONE, |all, one| all.and(one))).collect();
    let each = |value: &dyn Fn(&Summary) -> f64| {
        rows.iter().map(|row| Some(value(row)).filter(|value| value.is_finite())).collect()
    };
    Ok(Line {
        key: name.to_owned(),
        name: key.name().to_owned(),
        labels: key.labels().iter().cloned().collect(),
        unit: unit(key.name()).symbol(),
        start,
        step: width,
        mean: each(&Summary::mean),
        min: each(&|row| row.min),
        max: each(&|row| row.max),
    })
}

#[cfg(test)]
mod tests {
    use perfuse_testkit as _;

    use super::*;
    use crate::store::{Retention, Store};

    #[test]
    fn names_are_found_whole_or_by_their_first_part() {
        let keys = [
            SeriesKey::new("tcp", [("state", "a\"b")]),
            SeriesKey::new("tcp", [("state", "c")]),
            SeriesKey::new("x", []),
        ];
        let names: Names = keys.iter().map(|key| (shown(key), key.clone())).collect();
        let of = |asked: &[&str]| {
            let asked: Vec<String> = asked.iter().map(|&one| one.to_owned()).collect();
            find(&names, &asked).into_iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of(&["tcp"]), [r#"tcp{state="a\"b"}"#, r#"tcp{state="c"}"#]);
        assert_eq!(of(&[r#"tcp{state="c"}"#, "x", "none"]), [r#"tcp{state="c"}"#, "x"]);
    }

    #[test]
    fn a_long_range_has_few_points_and_keeps_the_peaks() {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(dir.path(), Retention::default()).unwrap();
        let key = SeriesKey::new("load", []);
        let id = store.series(&key).unwrap();
        for at in 10_000..10_600_i64 {
            store.append(at, &[(id, if at == 10_303 { 50.0 } else { 1.0 })]);
        }
        let made = line(&store.reader(), "load", &key, (10_000, 10_600), 10_600, 60).unwrap();
        assert_eq!((made.start, made.step, made.mean.len()), (10_000, 10, 60));
        assert_eq!((made.mean[30], made.min[30], made.max[30]), (Some(5.9), Some(1.0), Some(50.0)));
        let fine = line(&store.reader(), "load", &key, (9_990, 10_010), 10_600, 60).unwrap();
        assert_eq!((fine.step, fine.mean[9], fine.mean[10]), (1, None, Some(1.0)));
        assert_eq!(step(0, 10 * 86_400, 10 * 86_400), Step::TenMinutes);
    }

    #[test]
    fn names_tell_their_units() {
        let of = |name| unit(name).symbol();
        assert_eq!(
            [of("a.heap_bytes"), of("rx_bytes_per_second"), of("jvm_gc_pause_share")],
            ["bytes", "bytes/s", "ratio"]
        );
        assert_eq!([of("lag_seconds"), of("requests_per_second"), of("threads")], ["s", "1/s", "count"]);
    }
}
