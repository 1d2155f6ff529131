//! The store: what is written is read again, whatever happens to its files and its process.
#![expect(clippy::float_cmp, reason = "what is stored comes back to the bit")]

mod crash;
mod damage;
mod full;

use std::path::Path;

use perfuse_service::store::{
    Kind, Moment, Reader, Record, Retention, SeriesId, SeriesKey, Step, Store, StoreError, Written,
};

/// A Unix second that begins a day.
const DAY: i64 = 1_795_651_200;

fn open(directory: &Path) -> Store {
    let (store, troubles) = Store::open(directory, Retention::default()).expect("opens");
    assert_eq!(troubles, []);
    store
}

fn key(number: usize) -> SeriesKey {
    SeriesKey::new("cpu", [("number", number.to_string().as_str())])
}

fn series<const N: usize>(store: &mut Store) -> [SeriesId; N] {
    std::array::from_fn(|number| store.series(&key(number)).expect("a series"))
}

fn at(unix: i64) -> Moment {
    Moment { unix, steady: unix - DAY }
}

fn record(kind: Kind, id: &str, at_ms: i64, open: bool) -> Record {
    Record { kind, id: id.to_owned(), at_ms, open, doc: format!("{{\"id\":\"{id}\"}}") }
}

/// Writes the second as the value of series 0, and its negative as that of series 1.
fn fill(store: &mut Store, from: i64, to: i64) {
    let [plus, minus] = series(store);
    for second in from..to {
        let value = (second - DAY) as f64;
        assert_eq!(store.append(second, &[(plus, value), (minus, -value)]), Written::Disk);
    }
}

fn seconds(reader: &Reader, number: usize, from: i64, to: i64) -> Vec<f64> {
    let answer = reader.seconds(&key(number), from, to).expect("reads");
    assert_eq!(answer.troubles, []);
    answer.steps
}

fn present(values: &[f64]) -> usize {
    values.iter().filter(|value| !value.is_nan()).count()
}

#[test]
fn seconds_come_back_from_the_tail_and_from_chunks() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    fill(&mut store, DAY + 1000, DAY + 4000);
    let expected: Vec<f64> = (1000..4000).map(f64::from).collect();
    assert_eq!(seconds(&store.reader(), 0, DAY + 1000, DAY + 4000), expected);
    store.maintain(at(DAY + 4000)).expect("upkeep");
    assert_eq!(seconds(&store.reader(), 0, DAY + 1000, DAY + 4000), expected);
    drop(store);
    let store = open(directory.path());
    assert_eq!(seconds(&store.reader(), 0, DAY + 1000, DAY + 4000), expected);
    assert!(seconds(&store.reader(), 1, DAY + 1000, DAY + 4000).iter().zip(&expected).all(|(a, b)| *a == -b));
    assert_eq!(present(&seconds(&store.reader(), 7, DAY, DAY + 10)), 0, "a series that nobody wrote");
    assert_eq!(store.reader().series().expect("series"), [key(0), key(1)]);
}

#[test]
fn minutes_and_ten_minutes_are_the_same_before_and_after_they_are_stored() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    fill(&mut store, DAY + 19_000, DAY + 21_600 + 700);
    let ask = |store: &Store, step| {
        let answer = store.reader().summaries(&key(0), step, DAY + 18_000, DAY + 22_300).expect("reads");
        assert_eq!(answer.troubles, []);
        format!("{:?}", answer.steps)
    };
    let before = [Step::Minute, Step::TenMinutes].map(|step| ask(&store, step));
    store.maintain(at(DAY + 22_300)).expect("upkeep");
    assert_eq!([Step::Minute, Step::TenMinutes].map(|step| ask(&store, step)), before);
    let answer = store.reader().summaries(&key(0), Step::Minute, DAY + 19_200, DAY + 19_260).expect("reads");
    assert_eq!(answer.steps.len(), 1);
    assert_eq!((answer.steps[0].min, answer.steps[0].max, answer.steps[0].count), (19_200.0, 19_259.0, 60.0));
    assert!((answer.steps[0].mean() - 19_229.5).abs() < 1e-9);
}

#[test]
fn minutes_outlive_their_seconds() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    fill(&mut store, DAY, DAY + 120);
    store.maintain(at(DAY + 120)).expect("upkeep");
    fill(&mut store, DAY + 72 * 3600, DAY + 72 * 3600 + 1);
    store.maintain(at(DAY + 72 * 3600)).expect("upkeep");
    assert_eq!(present(&seconds(&store.reader(), 0, DAY, DAY + 120)), 0);
    let answer = store.reader().summaries(&key(0), Step::Minute, DAY, DAY + 120).expect("reads");
    assert_eq!(answer.steps.iter().map(|step| step.count).collect::<Vec<_>>(), [60.0, 60.0]);
}

#[test]
fn a_clock_that_goes_back_neither_doubles_nor_loses() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    let [one, two] = series(&mut store);
    fill(&mut store, DAY, DAY + 8000);
    store.maintain(at(DAY + 8000)).expect("upkeep");
    // Two hours back, into a stretch that is a chunk already: what is written again counts, what is not stays.
    store.append(DAY + 50, &[(one, 7.0)]);
    store.append(DAY + 50, &[(two, 8.0)]);
    store.append(DAY + 51, &[(one, 9.0)]);
    for _ in 0..2 {
        let read = |number| seconds(&store.reader(), number, DAY + 49, DAY + 53);
        assert_eq!(read(0), [49.0, 7.0, 9.0, 52.0]);
        assert_eq!(read(1), [-49.0, 8.0, -51.0, -52.0]);
        store.append(DAY + 8000, &[(one, 8000.0)]);
        store.maintain(at(DAY + 10_000)).expect("upkeep");
    }
    assert_eq!(present(&seconds(&store.reader(), 0, DAY, DAY + 8001)), 8001);
}

#[test]
fn a_clock_that_is_years_ahead_for_a_while_deletes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    fill(&mut store, DAY, DAY + 100);
    store.maintain(Moment { unix: DAY + 100, steady: 100 }).expect("upkeep");
    let ahead = DAY + 10 * 366 * 86_400;
    fill(&mut store, ahead, ahead + 2);
    store.maintain(Moment { unix: ahead + 2, steady: 7000 }).expect("upkeep");
    fill(&mut store, DAY + 7000, DAY + 7010);
    store.maintain(Moment { unix: DAY + 7010, steady: 7010 }).expect("upkeep");
    assert_eq!(present(&seconds(&store.reader(), 0, DAY, DAY + 100)), 100);
    assert_eq!(present(&seconds(&store.reader(), 0, ahead, ahead + 2)), 2);
    // An hour of a steady clock later, what that clock had written is gone, and the rest is there.
    fill(&mut store, DAY + 12_000, DAY + 12_001);
    store.maintain(Moment { unix: DAY + 12_001, steady: 12_001 }).expect("upkeep");
    assert_eq!(present(&seconds(&store.reader(), 0, ahead, ahead + 2)), 0);
    assert_eq!(present(&seconds(&store.reader(), 0, DAY, DAY + 100)), 100);
}

#[test]
fn above_its_size_the_oldest_seconds_go_first() {
    let directory = tempfile::tempdir().expect("a directory");
    let retention = Retention { bytes: 1, ..Retention::default() };
    let (mut store, _) = Store::open(directory.path(), retention).expect("opens");
    fill(&mut store, DAY, DAY + 10);
    fill(&mut store, DAY + 22_000, DAY + 22_010);
    fill(&mut store, DAY + 44_000, DAY + 44_010);
    store.maintain(at(DAY + 44_010)).expect("upkeep");
    assert_eq!(present(&seconds(&store.reader(), 0, DAY, DAY + 10)), 0);
    assert_eq!(present(&seconds(&store.reader(), 0, DAY + 44_000, DAY + 44_010)), 10);
    let answer = store.reader().summaries(&key(0), Step::Minute, DAY, DAY + 60).expect("reads");
    assert_eq!(answer.steps[0].count, 10.0, "the minutes of the newest day stay");
}

#[test]
fn records_are_replaced_listed_and_dropped_by_age_unless_open() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path());
    let old = DAY * 1000;
    let incident = record(Kind::Incident, "i-1", old, true);
    assert_eq!(store.put_incident(&incident, &[("recording", &[1, 2, 3])]).expect("writes"), Written::Disk);
    store
        .put(&[
            record(Kind::Alert, "a-1", old, true),
            record(Kind::Alert, "a-2", old + 1, true),
            record(Kind::Observation, "o-1", old, false),
            record(Kind::Transition, "t-1", old, false),
        ])
        .expect("writes");
    store.put(&[record(Kind::Alert, "a-2", old + 1, false)]).expect("writes");
    let records = store.reader().records().expect("opens");
    assert_eq!(records.get(Kind::Incident, "i-1").expect("reads"), Some(incident));
    assert_eq!(records.captures("i-1").expect("reads"), [("recording".to_owned(), 3)]);
    assert_eq!(records.capture("i-1", "recording").expect("reads"), Some(vec![1, 2, 3]));
    let ids = |records: Vec<Record>| records.into_iter().map(|record| record.id).collect::<Vec<_>>();
    assert_eq!(ids(records.open_ones(Kind::Alert).expect("reads")), ["a-1"]);
    assert_eq!(ids(records.list(Kind::Alert, 0, i64::MAX, 10).expect("reads")), ["a-2", "a-1"]);
    let observations = store.reader().observations().expect("opens");
    assert_eq!(ids(observations.list(Kind::Observation, 0, i64::MAX, 10).expect("reads")), ["o-1"]);

    // The upkeep of two months later.
    store.maintain(Moment { unix: DAY, steady: 0 }).expect("upkeep");
    let later = DAY + 60 * 86_400;
    fill(&mut store, later, later + 1);
    store.maintain(Moment { unix: later, steady: 60 * 86_400 }).expect("upkeep");
    assert_eq!(ids(records.list(Kind::Alert, 0, i64::MAX, 10).expect("reads")), ["a-1"]);
    assert_eq!(records.get(Kind::Transition, "t-1").expect("reads"), None);
    assert_eq!(records.capture("i-1", "recording").expect("reads"), Some(vec![1, 2, 3]), "the incident is open");
}

#[test]
fn captures_are_bounded_and_those_of_open_incidents_stay() {
    let directory = tempfile::tempdir().expect("a directory");
    let retention = Retention { captures: 100, ..Retention::default() };
    let (mut store, _) = Store::open(directory.path(), retention).expect("opens");
    for (index, open) in [(0, true), (1, false), (2, false)] {
        let incident = record(Kind::Incident, &format!("i-{index}"), DAY * 1000 + index, open);
        store.put_incident(&incident, &[("recording", &[0; 60])]).expect("writes");
    }
    store.maintain(at(DAY)).expect("upkeep");
    let records = store.reader().records().expect("opens");
    let has = |id| records.capture(id, "recording").expect("reads").is_some();
    assert_eq!([has("i-0"), has("i-1"), has("i-2")], [true, false, false]);
}

#[test]
fn the_second_daemon_is_refused_with_the_number_of_the_first() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = open(directory.path());
    let Err(StoreError::Locked { pid, .. }) = Store::open(directory.path(), Retention::default()) else {
        panic!("opened twice");
    };
    assert_eq!(pid, std::process::id().to_string());
    drop(first);
    open(directory.path());
}

#[test]
fn a_range_that_cannot_be_answered_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let reader = open(directory.path()).reader();
    for (from, to) in [(10, 9), (0, i64::MAX), (i64::MIN, i64::MAX)] {
        assert!(matches!(reader.seconds(&key(0), from, to), Err(StoreError::Range)));
        assert!(matches!(reader.summaries(&key(0), Step::Minute, from, to), Err(StoreError::Range)));
    }
}
