//! The hot tail: one row a second with all series, until half an hour of them becomes chunks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rusqlite::Connection;

use super::file::Layout;
use super::shard::{self, CHUNK, SPAN, Step, floor};
use super::{SeriesId, SeriesKey, StoreError, Trouble, chunk, file, row};

/// A log that is not flushed at each commit: what the kernel has outlives the process, and only a power cut costs the rows
/// since the last checkpoint.
pub(super) const LAYOUT: Layout = Layout {
    migrations: &["CREATE TABLE series (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
        CREATE TABLE tick (at INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"],
    pragmas: "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
        PRAGMA wal_autocheckpoint = 500; PRAGMA journal_size_limit = 8388608; PRAGMA cache_size = -2048",
};

/// Series that are compressed in one pass over the tail: 64 need 0.9 MB of memory.
const PASS: u32 = 64;

/// The open tail.
pub(super) struct Hot {
    pub(super) connection: Connection,
    directory: PathBuf,
    path: PathBuf,
    keys: Vec<String>,
    known: BTreeMap<String, u32>,
}

impl Hot {
    /// Takes the tail of the last run; series without a row in it lose their number.
    pub(super) fn new(connection: Connection, directory: PathBuf, path: PathBuf) -> Result<Self, StoreError> {
        let error = |error| StoreError::Sqlite { file: path.clone(), error };
        let empty: bool =
            connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM tick)", [], |row| row.get(0)).map_err(error)?;
        if empty {
            connection.execute("DELETE FROM series", []).map_err(error)?;
        }
        let mut hot = Self { connection, directory, path, keys: Vec::new(), known: BTreeMap::new() };
        for (id, key) in shard::keys(&hot.connection).map_err(|error| hot.error(error))? {
            let index = usize::try_from(id).unwrap_or_default();
            // A gap in the numbers cannot come from this program; a row without a name is skipped when rolled.
            if index < super::MAX_SERIES && index >= hot.keys.len() {
                hot.keys.resize(index, String::new());
                hot.keys.push(key.clone());
                hot.known.insert(key, u32::try_from(index).unwrap_or_default());
            }
        }
        Ok(hot)
    }

    fn error(&self, error: rusqlite::Error) -> StoreError {
        StoreError::Sqlite { file: self.path.clone(), error }
    }

    /// The number of a series, which is made when it is new.
    pub(super) fn series(&mut self, key: &SeriesKey) -> Result<SeriesId, StoreError> {
        let stored = key.stored();
        if let Some(&number) = self.known.get(&stored) {
            return Ok(SeriesId(number));
        }
        if self.keys.len() >= super::MAX_SERIES {
            return Err(StoreError::TooManySeries);
        }
        let number = u32::try_from(self.keys.len()).map_err(|_| StoreError::TooManySeries)?;
        self.keys.push(stored.clone());
        self.known.insert(stored, number);
        Ok(SeriesId(number))
    }

    /// Writes one tick, and the names of series that are new in it; values that are there already and absent now stay.
    pub(super) fn write(&mut self, at: i64, values: &[(u32, f64)]) -> Result<(), rusqlite::Error> {
        let transaction = self.connection.transaction()?;
        {
            let named: i64 = transaction
                .prepare_cached("SELECT ifnull(max(id) + 1, 0) FROM series")?
                .query_row([], |row| row.get(0))?;
            for (number, key) in self.keys.iter().enumerate().skip(usize::try_from(named).unwrap_or_default()) {
                let mut insert = transaction.prepare_cached("INSERT INTO series (id, key) VALUES (?1, ?2)")?;
                insert.execute((i64::try_from(number).unwrap_or(i64::MAX), key))?;
            }
            let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO tick (at, bytes) VALUES (?1, ?2)")?;
            if insert.execute((at, row::encode(values)))? == 0 {
                // The clock went back, or two collectors share a second: the later value of a series counts.
                let old: Vec<u8> =
                    transaction.query_row("SELECT bytes FROM tick WHERE at = ?1", [at], |row| row.get(0))?;
                let mut all = BTreeMap::new();
                let mut insert = |series, value| {
                    all.insert(series, value);
                };
                if row::decode(&old, 0..u32::MAX, &mut insert).is_err() {
                    all.clear();
                }
                all.extend(values.iter().copied());
                let all: Vec<(u32, f64)> = all.into_iter().collect();
                transaction.execute("UPDATE tick SET bytes = ?2 WHERE at = ?1", (at, row::encode(&all)))?;
            }
        }
        transaction.commit()
    }

    /// Makes chunks of all stretches but the one that `newest` lies in; how many.
    pub(super) fn roll(&mut self, newest: i64, troubles: &mut Vec<Trouble>) -> Result<usize, StoreError> {
        let current = floor(newest, CHUNK);
        let mut rolled = 0;
        loop {
            let mut next = self
                .connection
                .prepare_cached("SELECT min(at) FROM tick WHERE at < ?1 OR at >= ?2")
                .map_err(|error| self.error(error))?;
            let first: Option<i64> =
                next.query_row((current, current + CHUNK), |row| row.get(0)).map_err(|error| self.error(error))?;
            drop(next);
            let Some(first) = first else { return Ok(rolled) };
            self.roll_one(floor(first, CHUNK), troubles)?;
            rolled += 1;
        }
    }

    fn roll_one(&mut self, start: i64, troubles: &mut Vec<Trouble>) -> Result<(), StoreError> {
        // What was summed up before is so no longer.
        for step in [Step::Minute, Step::TenMinutes] {
            let path = step.path(&self.directory, start);
            if path.exists() {
                let coarse = file::open_or_replace(&path, &shard::LAYOUT, troubles)?;
                let slot = start.rem_euclid(step.span()) / SPAN;
                coarse
                    .execute("DELETE FROM done WHERE slot = ?1", [slot])
                    .map_err(|error| StoreError::Sqlite { file: path, error })?;
            }
        }
        let path = Step::Second.path(&self.directory, start);
        let mut target = file::open_or_replace(&path, &shard::LAYOUT, troubles)?;
        let error = |error| StoreError::Sqlite { file: path.clone(), error };
        let transaction = target.transaction().map_err(error)?;
        let slot = start.rem_euclid(SPAN) / CHUNK;
        let count = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        let mut first = 0;
        while first < count {
            let wanted = first..(first + PASS).min(count);
            for (series, values) in wanted.clone().zip(self.columns(start, wanted)?) {
                let key = &self.keys[series as usize];
                if !key.is_empty() && values.iter().any(|value| !value.is_nan()) {
                    merge(&transaction, slot, key, values).map_err(error)?;
                }
            }
            first += PASS;
        }
        transaction.commit().map_err(error)?;
        // A crash here leaves the rows in both places, and they are merged once more.
        self.connection
            .execute("DELETE FROM tick WHERE at >= ?1 AND at < ?2", (start, start + CHUNK))
            .map_err(|error| self.error(error))
            .map(drop)
    }

    /// The seconds of some series in one stretch. A damaged row is as if it were not there.
    fn columns(&self, start: i64, wanted: std::ops::Range<u32>) -> Result<Vec<Vec<f64>>, StoreError> {
        let mut columns = vec![vec![f64::NAN; usize::try_from(CHUNK).unwrap_or_default()]; wanted.len()];
        each(&self.connection, start, start + CHUNK, wanted.clone(), |at, series, value| {
            let slot = usize::try_from(at - start).unwrap_or(usize::MAX);
            let column = columns.get_mut((series - wanted.start) as usize);
            if let Some(place) = column.and_then(|column| column.get_mut(slot)) {
                *place = value;
            }
        })
        .map_err(|error| self.error(error))?;
        Ok(columns)
    }
}

/// Each value of some series in the tail, from one second up to before another; how many rows were damaged.
pub(super) fn each(
    connection: &Connection,
    from: i64,
    to: i64,
    wanted: std::ops::Range<u32>,
    mut take: impl FnMut(i64, u32, f64),
) -> rusqlite::Result<usize> {
    let mut damaged = 0;
    let mut rows = connection.prepare_cached("SELECT at, bytes FROM tick WHERE at >= ?1 AND at < ?2")?;
    let mut rows = rows.query((from, to))?;
    while let Some(tick) = rows.next()? {
        let at = tick.get(0)?;
        let bytes = tick.get_ref(1)?.as_blob().unwrap_or_default();
        damaged += usize::from(row::decode(bytes, wanted.clone(), |series, value| take(at, series, value)).is_err());
    }
    Ok(damaged)
}

/// Writes a chunk over what an earlier roll left for the same time.
fn merge(connection: &Connection, slot: i64, key: &str, mut values: Vec<f64>) -> rusqlite::Result<()> {
    let series = shard::number(connection, key)?;
    if let Some(old) = shard::get(connection, slot, series)?.and_then(|old| chunk::decode(&old).ok()) {
        for (value, old) in values.iter_mut().zip(old) {
            if value.is_nan() {
                *value = old;
            }
        }
    }
    // Never refused: a stretch is shorter than the longest chunk.
    let bytes = chunk::encode(&values).unwrap_or_default();
    shard::put(connection, slot, series, &bytes)
}
