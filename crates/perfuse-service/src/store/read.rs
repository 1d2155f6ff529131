//! Reading series while the writer goes on: every query opens what it needs and closes it again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::shard::{self, CHUNK, SPAN, Step, floor};
use super::summary::{self, Summary};
use super::{Records, SeriesKey, StoreError, Trouble, chunk, file, hot};

/// Steps that one query may ask for: a week of seconds.
pub const MAX_STEPS: i64 = 7 * 86_400;

/// Where the store is read; cheap to copy, and any number may read at once.
#[derive(Debug, Clone)]
pub struct Reader {
    pub(super) directory: PathBuf,
}

/// The answer to a query.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The Unix second of the first step.
    pub start: i64,
    /// Seconds between steps.
    pub step: i64,
    /// One for each step.
    pub steps: Vec<T>,
    /// What was damaged and is therefore absent.
    pub troubles: Vec<Trouble>,
}

impl Reader {
    /// A reader of the store in a directory, whether or not a daemon is writing there.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The documents but observations, and captures.
    pub fn records(&self) -> Result<Records, StoreError> {
        Records::open(&self.directory.join(super::RECORDS))
    }

    /// The observations, which have a file of their own since they are many and may be lost in a power cut.
    pub fn observations(&self) -> Result<Records, StoreError> {
        Records::open(&self.directory.join(super::OBSERVATIONS))
    }

    /// All series that have a value anywhere.
    pub fn series(&self) -> Result<Vec<SeriesKey>, StoreError> {
        let mut all = BTreeSet::new();
        let mut paths = vec![self.directory.join(super::HOT)];
        for step in Step::ALL {
            paths.extend(shard::list(&self.directory, step)?.into_iter().map(|(_, path)| path));
        }
        for path in paths {
            // A damaged file is told of by queries; its series are in its neighbours as well.
            let keys = file::read(&path).and_then(|connection| shard::keys(&connection)).unwrap_or_default();
            all.extend(keys.into_iter().map(|(_, key)| key));
        }
        Ok(all.iter().map(|key| SeriesKey::from_stored(key)).collect())
    }

    /// The seconds of a series from `from` up to before `to`; NaN is absent.
    pub fn seconds(&self, key: &SeriesKey, from: i64, to: i64) -> Result<Answer<f64>, StoreError> {
        let count = steps(from, to, 1)?;
        let mut answer = Answer { start: from, step: 1, steps: vec![f64::NAN; count], troubles: Vec::new() };
        let key = key.stored();
        // The tail is read first, for a stretch may move from there to its chunk meanwhile; it is laid last, for where a crash
        // left a second in both places, the tail is the newer one.
        let mut newest = Vec::new();
        let path = self.directory.join(super::HOT);
        attempt(&path, &mut answer.troubles, |connection, troubles| {
            let series = shard::find(connection, &key)?.and_then(|series| u32::try_from(series).ok());
            let Some(series) = series.filter(|&series| series < u32::MAX) else { return Ok(()) };
            let damaged = hot::each(connection, from, to, series..series + 1, |at, _, value| newest.push((at, value)))?;
            if damaged > 0 {
                troubles.push(Trouble { file: path.clone(), why: format!("{damaged} damaged seconds"), aside: None });
            }
            Ok(())
        });
        let mut start = floor(from, SPAN);
        while start < to {
            let path = Step::Second.path(&self.directory, start);
            attempt(&path, &mut answer.troubles, |connection, troubles| {
                let Some(series) = shard::find(connection, &key)? else { return Ok(()) };
                for slot in 0..SPAN / CHUNK {
                    let at = start + slot * CHUNK;
                    if at >= to || at + CHUNK <= from {
                        continue;
                    }
                    let Some(bytes) = shard::get(connection, slot, series)? else { continue };
                    match chunk::decode(&bytes) {
                        Ok(values) => lay(&mut answer.steps, from, at, &values),
                        Err(error) => {
                            troubles.push(Trouble { file: path.clone(), why: error.to_string(), aside: None });
                        }
                    }
                }
                Ok(())
            });
            start += SPAN;
        }
        for (at, value) in newest {
            lay(&mut answer.steps, from, at, &[value]);
        }
        Ok(answer)
    }

    /// Summaries of a series from the step of `from` up to before `to`. Where none were stored yet, they are made of seconds.
    pub fn summaries(&self, key: &SeriesKey, step: Step, from: i64, to: i64) -> Result<Answer<Summary>, StoreError> {
        if from > to {
            return Err(StoreError::Range);
        }
        let width = step.seconds();
        let from = floor(from, width);
        let count = steps(from, to, width)?;
        let mut answer = Answer { start: from, step: width, steps: vec![Summary::NONE; count], troubles: Vec::new() };
        let stored = key.stored();
        let mut start = floor(from, SPAN);
        while start < to {
            let path = step.path(&self.directory, start);
            let mut done = false;
            if step != Step::Second {
                attempt(&path, &mut answer.troubles, |connection, troubles| {
                    let slot = start.rem_euclid(step.span()) / SPAN;
                    done = shard::is_done(connection, slot)?;
                    let Some(series) = shard::find(connection, &stored)?.filter(|_| done) else { return Ok(()) };
                    let Some(bytes) = shard::get(connection, slot, series)? else { return Ok(()) };
                    match summary::decode(&bytes) {
                        Ok(rows) => place(&mut answer.steps, from, width, start, rows),
                        Err(error) => {
                            troubles.push(Trouble { file: path.clone(), why: error.to_string(), aside: None });
                        }
                    }
                    Ok(())
                });
            }
            if !done {
                let (begin, end) = (start.max(from), (start + SPAN).min(to));
                let seconds = self.seconds(key, begin, end)?;
                answer.troubles.extend(seconds.troubles);
                let rows = seconds.steps.chunks(usize::try_from(width).unwrap_or(1)).map(Summary::of);
                place(&mut answer.steps, from, width, begin, rows);
            }
            start += SPAN;
        }
        Ok(answer)
    }
}

/// How many steps a range has.
fn steps(from: i64, to: i64, width: i64) -> Result<usize, StoreError> {
    let length = to.checked_sub(from).filter(|length| *length >= 0).ok_or(StoreError::Range)?;
    let count = length.div_euclid(width) + i64::from(length.rem_euclid(width) > 0);
    usize::try_from(count).ok().filter(|_| count <= MAX_STEPS).ok_or(StoreError::Range)
}

/// Lays the present ones of `values`, which begin at second `at`, over steps that begin at `from`.
fn lay(steps: &mut [f64], from: i64, at: i64, values: &[f64]) {
    for (time, value) in (at..).zip(values) {
        let step = usize::try_from(time - from).ok().and_then(|step| steps.get_mut(step));
        if let Some(step) = step.filter(|_| !value.is_nan()) {
            *step = *value;
        }
    }
}

fn place(steps: &mut [Summary], from: i64, width: i64, start: i64, rows: impl IntoIterator<Item = Summary>) {
    for (index, row) in (0_i64..).zip(rows) {
        let step = (start - from).div_euclid(width) + index;
        if let Some(step) = usize::try_from(step).ok().and_then(|step| steps.get_mut(step)) {
            *step = row;
        }
    }
}

/// Reads in one file; what fails in it is told, and the others are read all the same.
fn attempt(
    path: &Path,
    troubles: &mut Vec<Trouble>,
    work: impl FnOnce(&Connection, &mut Vec<Trouble>) -> rusqlite::Result<()>,
) {
    if !path.exists() {
        return;
    }
    let mut own = Vec::new();
    if let Err(error) = file::read(path).and_then(|connection| work(&connection, &mut own)) {
        // Dropped by retention meanwhile is no trouble.
        if path.exists() {
            own.push(Trouble { file: path.to_owned(), why: error.to_string(), aside: None });
        }
    }
    troubles.append(&mut own);
}
