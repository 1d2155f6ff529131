//! A file of chunks: the seconds of six hours, or the minutes of a day. Each names its own series, so that it can be read when
//! every other file is lost.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};

use super::StoreError;
use super::file::Layout;

/// Seconds of one chunk of seconds: the tail that has to be searched row by row stays below half an hour.
pub(super) const CHUNK: i64 = 1800;
/// Seconds of one file of seconds: what is dropped at once when the store is too large.
pub(super) const SPAN: i64 = 6 * 3600;
/// Seconds of one file of minutes or of ten minutes; it has a chunk for each [`SPAN`].
pub(super) const DAY: i64 = 86_400;

/// A rollback journal, since these files are written twice an hour; flushed, since their rows leave the hot tail next.
pub(super) const LAYOUT: Layout = Layout {
    migrations: &["CREATE TABLE series (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
        CREATE TABLE chunk (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
        CREATE TABLE done (slot INTEGER PRIMARY KEY);"],
    pragmas: "PRAGMA page_size = 32768; PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA cache_size = -1024",
};

/// How fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Every second.
    Second,
    /// Summaries of 60 seconds.
    Minute,
    /// Summaries of 600 seconds.
    TenMinutes,
}

impl Step {
    /// All, finest first.
    pub const ALL: [Self; 3] = [Self::Second, Self::Minute, Self::TenMinutes];

    /// Seconds of a step.
    pub fn seconds(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::TenMinutes => 600,
        }
    }

    /// Seconds of one file.
    pub(super) fn span(self) -> i64 {
        if self == Self::Second { SPAN } else { DAY }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Second => "second-",
            Self::Minute => "minute-",
            Self::TenMinutes => "ten-",
        }
    }

    /// The file that holds a time; its name has the Unix second at which it begins.
    pub(super) fn path(self, directory: &Path, time: i64) -> PathBuf {
        directory.join(format!("{}{}.db", self.prefix(), floor(time, self.span())))
    }

    /// The beginning of the file with this name, if it is one of this step.
    fn start(self, name: &str) -> Option<i64> {
        name.strip_prefix(self.prefix())?.strip_suffix(".db")?.parse().ok()
    }
}

/// The last multiple of `step` that is not after `time`.
pub(super) fn floor(time: i64, step: i64) -> i64 {
    time.saturating_sub(time.rem_euclid(step))
}

/// The files of a step with their beginnings, oldest first.
pub(super) fn list(directory: &Path, step: Step) -> Result<Vec<(i64, PathBuf)>, StoreError> {
    let io = |error| StoreError::Io { file: directory.to_owned(), error };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(io)? {
        let entry = entry.map_err(io)?;
        if let Some(start) = entry.file_name().to_str().and_then(|name| step.start(name)) {
            files.push((start, entry.path()));
        }
    }
    files.sort();
    Ok(files)
}

/// The number of a series in this file, which is made when it is missing.
pub(super) fn number(connection: &Connection, key: &str) -> rusqlite::Result<i64> {
    if let Some(number) = find(connection, key)? {
        return Ok(number);
    }
    connection.prepare_cached("INSERT INTO series (key) VALUES (?1)")?.execute([key])?;
    Ok(connection.last_insert_rowid())
}

/// The number of a series in this file.
pub(super) fn find(connection: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
    connection.prepare_cached("SELECT id FROM series WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()
}

/// All series of this file.
pub(super) fn keys(connection: &Connection) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut statement = connection.prepare_cached("SELECT id, key FROM series ORDER BY id")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// The row of a chunk: later chunks have greater numbers, so that writing appends and pages stay full.
fn row(slot: i64, series: i64) -> i64 {
    slot << 32 | series
}

/// Reads a chunk.
pub(super) fn get(connection: &Connection, slot: i64, series: i64) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT bytes FROM chunk WHERE id = ?1")?
        .query_row([row(slot, series)], |row| row.get(0))
        .optional()
}

/// Writes a chunk.
pub(super) fn put(connection: &Connection, slot: i64, series: i64, bytes: &[u8]) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO chunk (id, bytes) VALUES (?1, ?2)")?
        .execute((row(slot, series), bytes))
        .map(drop)
}

/// Whether a slot of a coarse file is complete.
pub(super) fn is_done(connection: &Connection, slot: i64) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM done WHERE slot = ?1")?.exists([slot])
}
