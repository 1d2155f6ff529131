//! Files that are not what they were: set aside under another name, told, and the rest is served.

use std::fs;
use std::path::{Path, PathBuf};

use perfuse_service::store::{Kind, Retention, Step, Store, StoreError};

use super::{DAY, at, fill, key, open, present, record, seconds};

/// A store with two files of seconds, a tail and an incident.
fn written(directory: &Path) -> Vec<PathBuf> {
    let mut store = open(directory);
    fill(&mut store, DAY + 21_000, DAY + 21_600 + 3700);
    store.maintain(at(DAY + 21_600 + 3700)).expect("upkeep");
    store.put_incident(&record(Kind::Incident, "i-1", DAY * 1000, true), &[]).expect("writes");
    drop(store);
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory).expect("lists").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn shard(directory: &Path) -> PathBuf {
    directory.join(format!("second-{DAY}.db"))
}

/// Damages the first file of seconds, and looks whether the rest is served.
fn confined(damage: impl FnOnce(&Path)) {
    let directory = tempfile::tempdir().expect("a directory");
    written(directory.path());
    let shard = shard(directory.path());
    damage(&shard);
    let (store, troubles) = Store::open(directory.path(), Retention::default()).expect("opens");
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    assert_eq!(troubles[0].file, shard);
    assert!(troubles[0].aside.as_ref().is_some_and(|aside| aside.exists()));
    assert_eq!(present(&seconds(&store.reader(), 0, DAY + 21_000, DAY + 21_600 + 3700)), 3700);
    // The minutes of the lost seconds have a file of their own.
    let minutes = store.reader().summaries(&key(0), Step::Minute, DAY + 21_000, DAY + 21_600).expect("reads");
    assert_eq!(minutes.steps.iter().map(|step| step.count).sum::<f64>(), 600.0);
    assert!(store.reader().records().expect("opens").get(Kind::Incident, "i-1").expect("reads").is_some());
}

#[test]
fn a_truncated_file_is_set_aside() {
    confined(|file| {
        let length = fs::metadata(file).expect("there").len();
        fs::OpenOptions::new().write(true).open(file).expect("opens").set_len(length / 2 + 100).expect("cuts");
    });
}

#[test]
fn a_file_of_something_else_is_set_aside() {
    confined(|file| fs::write(file, "not a database at all, but rather long ".repeat(3000)).expect("writes"));
}

#[test]
fn a_database_of_another_program_is_set_aside() {
    confined(|file| {
        fs::remove_file(file).expect("removes");
        rusqlite::Connection::open(file)
            .and_then(|other| other.execute_batch("CREATE TABLE theirs (x)"))
            .expect("makes");
    });
}

#[test]
fn an_empty_file_is_a_new_one() {
    let directory = tempfile::tempdir().expect("a directory");
    written(directory.path());
    fs::write(shard(directory.path()), "").expect("writes");
    let store = open(directory.path());
    assert_eq!(present(&seconds(&store.reader(), 0, DAY + 21_000, DAY + 21_600 + 3700)), 3700);
}

fn set_version(path: &Path, version: i64) {
    let file = rusqlite::Connection::open(path).expect("opens");
    file.pragma_update(None, "user_version", version).expect("sets");
}

#[test]
fn a_store_of_a_later_version_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    written(directory.path());
    for name in ["hot.db", "records.db", "observations.db"] {
        let path = directory.path().join(name);
        set_version(&path, 99);
        let result = Store::open(directory.path(), Retention::default());
        assert!(
            matches!(&result, Err(StoreError::Newer { file, version: 99 }) if *file == path),
            "{name}: {:?}",
            result.err()
        );
        set_version(&path, 1);
        open(directory.path());
    }
}

#[test]
fn a_lone_file_of_a_later_version_is_set_aside() {
    confined(|file| set_version(file, 99));
}

#[test]
fn flipped_bytes_anywhere_lose_no_more_than_their_place() {
    let directory = tempfile::tempdir().expect("a directory");
    written(directory.path());
    let shard = shard(directory.path());
    let whole = fs::read(&shard).expect("reads");
    for round in 0..200_usize {
        let mut bytes = whole.clone();
        // A walk over the whole file, 5 bytes at a time; the header and the schema are denser than the rest.
        for byte in 0..5 {
            let place = if round < 40 { round * 5 + byte } else { round * 7919 + byte * 31 };
            let place = place % bytes.len();
            bytes[place] ^= 0x55;
        }
        fs::write(&shard, &bytes).expect("writes");
        let reader = perfuse_service::store::Reader::new(directory.path());
        let answer = reader.seconds(&key(0), DAY + 21_000, DAY + 21_600 + 3700).expect("reads");
        assert_eq!(present(&answer.steps[600..]), 3700, "the other files are served");
        for (second, value) in (21_000..).zip(&answer.steps) {
            assert!(value.is_nan() || *value == f64::from(second), "a wrong value at {second}: {value}");
        }
        let (_, troubles) = Store::open(directory.path(), Retention::default()).expect("opens");
        for aside in troubles.into_iter().filter_map(|trouble| trouble.aside) {
            fs::remove_file(aside).expect("removes");
        }
    }
}

#[test]
fn a_damaged_tail_and_damaged_records_are_replaced() {
    for name in ["hot.db", "records.db", "observations.db"] {
        let directory = tempfile::tempdir().expect("a directory");
        written(directory.path());
        fs::write(directory.path().join(name), "rubbish ".repeat(5000)).expect("writes");
        let (mut store, troubles) = Store::open(directory.path(), Retention::default()).expect("opens");
        assert_eq!(troubles.len(), 1, "{name}: {troubles:?}");
        fill(&mut store, DAY + 30_000, DAY + 30_010);
        store.put(&[record(Kind::Incident, "i-2", DAY * 1000, true)]).expect("writes");
        assert_eq!(present(&seconds(&store.reader(), 0, DAY + 21_000, DAY + 21_600)), 600);
        assert_eq!(present(&seconds(&store.reader(), 0, DAY + 30_000, DAY + 30_010)), 10);
    }
}
