//! Durable records: documents of the daemon, which this module does not look into, and what was captured with them.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::StoreError;
use super::file::Layout;

/// Flushed before each acknowledgement.
pub(super) const LAYOUT: Layout = Layout {
    migrations: &[
        "CREATE TABLE record (kind INTEGER NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, open INTEGER NOT NULL,
            doc TEXT NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
        CREATE INDEX record_at ON record (kind, at);
        CREATE INDEX record_open ON record (kind, at) WHERE open;
        CREATE TABLE capture (id INTEGER PRIMARY KEY, incident TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,
            size INTEGER NOT NULL, sum INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE (incident, name));",
    ],
    pragmas: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 8388608;
        PRAGMA cache_size = -1024",
};

/// As [`LAYOUT`], but not flushed at each commit.
pub(super) const LAYOUT_OBSERVATIONS: Layout = Layout {
    migrations: LAYOUT.migrations,
    pragmas: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 8388608;
        PRAGMA cache_size = -1024",
};

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The result of one check.
    Observation = 1,
    /// A component changed its state.
    Transition = 2,
    /// An incident; open until it is over.
    Incident = 3,
    /// A delivery of an alert; open until it was delivered or given up.
    Alert = 4,
    /// A maintenance window; open until it has ended.
    Maintenance = 5,
    /// One component on one day.
    Uptime = 6,
    /// What the daemon wants to find again after a restart.
    Kept = 7,
}

/// One record; writing another with the same kind and `id` replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is.
    pub kind: Kind,
    /// Its name, unique within the kind.
    pub id: String,
    /// When, in milliseconds of Unix time: what lists are sorted by and what age is counted from.
    pub at_ms: i64,
    /// Whether there is still something to do; open records are never dropped.
    pub open: bool,
    /// The document; JSON by agreement.
    pub doc: String,
}

/// Writes records in one transaction.
pub(super) fn put(connection: &mut Connection, records: &[Record]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare_cached(
            "INSERT OR REPLACE INTO record (kind, id, at, open, doc, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for record in records {
            let sum = crc32fast::hash(record.doc.as_bytes());
            insert.execute((record.kind as i64, &record.id, record.at_ms, record.open, &record.doc, sum))?;
        }
    }
    transaction.commit()
}

fn record(kind: Kind, row: &Row<'_>) -> rusqlite::Result<Option<Record>> {
    let (doc, sum): (String, u32) = (row.get(3)?, row.get(4)?);
    let whole = crc32fast::hash(doc.as_bytes()) == sum;
    Ok(whole.then_some(Record { kind, id: row.get(0)?, at_ms: row.get(1)?, open: row.get(2)?, doc }))
}

/// Records on disk, read by a connection of their own.
pub struct Records {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

impl Records {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let path = path.to_owned();
        match super::file::read(&path) {
            Ok(connection) => Ok(Self { connection, path }),
            Err(error) => Err(StoreError::Sqlite { file: path, error }),
        }
    }

    fn error(&self, error: rusqlite::Error) -> StoreError {
        StoreError::Sqlite { file: self.path.clone(), error }
    }

    /// One record; `None` when there is none, or when its checksum says that it is damaged.
    pub fn get(&self, kind: Kind, id: &str) -> Result<Option<Record>, StoreError> {
        let sql = "SELECT id, at, open, doc, sum FROM record WHERE kind = ?1 AND id = ?2";
        let find =
            || self.connection.prepare_cached(sql)?.query_row((kind as i64, id), |row| record(kind, row)).optional();
        find().map(Option::flatten).map_err(|error| self.error(error))
    }

    /// The newest records from `from_ms` up to before `to_ms`, newest first, at most `limit`.
    pub fn list(&self, kind: Kind, from_ms: i64, to_ms: i64, limit: usize) -> Result<Vec<Record>, StoreError> {
        let sql = "SELECT id, at, open, doc, sum FROM record WHERE kind = ?1 AND at >= ?2 AND at < ?3
            ORDER BY at DESC, id DESC LIMIT ?4";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let find = || -> rusqlite::Result<Vec<Record>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map((kind as i64, from_ms, to_ms, limit), |row| record(kind, row))?;
            rows.filter_map(Result::transpose).collect()
        };
        find().map_err(|error| self.error(error))
    }

    /// All open records, oldest first.
    pub fn open_ones(&self, kind: Kind) -> Result<Vec<Record>, StoreError> {
        let sql = "SELECT id, at, open, doc, sum FROM record WHERE kind = ?1 AND open ORDER BY at, id";
        let find = || -> rusqlite::Result<Vec<Record>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([kind as i64], |row| record(kind, row))?;
            rows.filter_map(Result::transpose).collect()
        };
        find().map_err(|error| self.error(error))
    }

    /// Names and sizes in bytes of what was captured with an incident.
    pub fn captures(&self, incident: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let sql = "SELECT name, size FROM capture WHERE incident = ?1 ORDER BY id";
        let find = || -> rusqlite::Result<Vec<(String, u64)>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_map([incident], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        find().map_err(|error| self.error(error))
    }

    /// What was captured; `None` when there is none, or when it is damaged.
    pub fn capture(&self, incident: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT bytes, sum FROM capture WHERE incident = ?1 AND name = ?2";
        let find = || -> rusqlite::Result<Option<(Vec<u8>, u32)>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_row((incident, name), |row| Ok((row.get(0)?, row.get(1)?))).optional()
        };
        let found = find().map_err(|error| self.error(error))?;
        Ok(found.filter(|(bytes, sum)| crc32fast::hash(bytes) == *sum).map(|(bytes, _)| bytes))
    }
}

/// An incident with its captures, in one transaction: neither is ever seen without the other.
pub(super) fn put_incident(
    connection: &mut Connection,
    incident: &Record,
    captures: &[(&str, &[u8])],
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let sum = crc32fast::hash(incident.doc.as_bytes());
    transaction.execute(
        "INSERT OR REPLACE INTO record (kind, id, at, open, doc, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (incident.kind as i64, &incident.id, incident.at_ms, incident.open, &incident.doc, sum),
    )?;
    for (name, bytes) in captures {
        transaction.execute(
            "INSERT OR REPLACE INTO capture (incident, name, at, size, sum, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (&incident.id, name, incident.at_ms, bytes.len(), crc32fast::hash(bytes), bytes),
        )?;
    }
    transaction.commit()
}

/// Drops the oldest observations above a number of them.
pub(super) fn limit(connection: &Connection, rows: u64) -> rusqlite::Result<()> {
    connection
        .execute(
            "DELETE FROM record WHERE kind = 1 AND at <= (SELECT at FROM record WHERE kind = 1 ORDER BY at DESC LIMIT 1 OFFSET ?1)",
            [rows],
        )
        .map(drop)
}

/// Drops records that are over and older than their time, and the oldest captures above `room` bytes.
pub(super) fn retain(connection: &Connection, old: &[(Kind, i64)], room: u64) -> rusqlite::Result<()> {
    for (kind, before_ms) in old {
        connection.execute("DELETE FROM record WHERE kind = ?1 AND at < ?2 AND NOT open", (*kind as i64, before_ms))?;
    }
    // Of captures only those go whose incident is gone or over.
    let over = "NOT EXISTS (SELECT 1 FROM record WHERE kind = 3 AND id = capture.incident AND open)";
    let gone = "NOT EXISTS (SELECT 1 FROM record WHERE kind = 3 AND id = capture.incident)";
    connection.execute(&format!("DELETE FROM capture WHERE {gone}"), [])?;
    loop {
        let size: u64 = connection.query_row("SELECT ifnull(sum(size), 0) FROM capture", [], |row| row.get(0))?;
        let oldest =
            format!("DELETE FROM capture WHERE id = (SELECT id FROM capture WHERE {over} ORDER BY at, id LIMIT 1)");
        if size <= room || connection.execute(&oldest, [])? == 0 {
            return Ok(());
        }
    }
}
