//! One file of the store: its identity, its schema and what is done when it is damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, Trouble};

/// `application_id` in the header of every file: "PFUS".
pub(super) const APPLICATION: i32 = 0x5046_5553;

/// What a kind of file needs.
pub(super) struct Layout {
    /// Statements of every version; the first makes version 1 out of an empty file.
    pub(super) migrations: &'static [&'static str],
    /// Pragmas of each connection that writes.
    pub(super) pragmas: &'static str,
}

/// Why a file cannot be used.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Not a file of this store, or not whole any more.
    Damaged(String),
    /// Written by a later version, which is to be left alone.
    Newer(i64),
    /// The file may be fine, but cannot be opened now (no space, no rights, locked).
    Now(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        if is_damage(&error) { Self::Damaged(error.to_string()) } else { Self::Now(error) }
    }
}

/// Whether an error is a property of the bytes and not of the moment.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    // A plain error while reading is a schema that lacks a table: also not ours any more.
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
        || matches!(error, rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..))
}

/// Opens or makes a file, brings its schema up to date and looks through its pages.
pub(super) fn open(path: &Path, layout: &Layout) -> Result<Connection, Refusal> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let number = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let known = i64::try_from(layout.migrations.len()).unwrap_or(i64::MAX);
    match (application == i64::from(APPLICATION), version) {
        // A crash right after the making of the file leaves it empty, so empty is new and not damaged.
        (false, 0) if tables == 0 && application == 0 => {}
        (false, _) => return Err(Refusal::Damaged("a database of another program".to_owned())),
        (true, version) if version > known => return Err(Refusal::Newer(version)),
        (true, _) => {}
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(Refusal::Damaged(verdict));
    }
    connection.execute_batch(layout.pragmas)?;
    migrate(&mut connection, layout.migrations, version)?;
    Ok(connection)
}

/// Each step is one transaction with its number, so that a crash in between repeats nothing.
fn migrate(connection: &mut Connection, migrations: &[&str], version: i64) -> Result<(), rusqlite::Error> {
    let done = usize::try_from(version).unwrap_or(0);
    for (index, statements) in migrations.iter().enumerate().skip(done) {
        let step = connection.transaction()?;
        step.execute_batch(statements)?;
        step.execute_batch(&format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {}", index + 1))?;
        step.commit()?;
    }
    Ok(())
}

/// Opens a file; a damaged one is set aside under another name, told, and replaced by a new one.
pub(super) fn open_or_replace(
    path: &Path,
    layout: &Layout,
    troubles: &mut Vec<Trouble>,
) -> Result<Connection, StoreError> {
    match open(path, layout) {
        Ok(connection) => Ok(connection),
        Err(Refusal::Damaged(why)) => {
            troubles.push(set_aside(path, why)?);
            open(path, layout).map_err(|refusal| refused(path, refusal))
        }
        Err(other) => Err(refused(path, other)),
    }
}

/// A refusal that cannot be helped.
pub(super) fn refused(path: &Path, refusal: Refusal) -> StoreError {
    let file = path.to_owned();
    match refusal {
        Refusal::Damaged(why) => StoreError::Damaged { file, why },
        Refusal::Newer(version) => StoreError::Newer { file, version },
        Refusal::Now(error) => StoreError::Sqlite { file, error },
    }
}

/// Renames a file and what belongs to it (`-wal`, `-shm`, `-journal`) to the first free `NAME.damaged-N`.
pub(super) fn set_aside(path: &Path, why: String) -> Result<Trouble, StoreError> {
    let mut number = 1_u32;
    let aside = loop {
        let aside = suffixed(path, &format!(".damaged-{number}"));
        if !aside.exists() {
            break aside;
        }
        number += 1;
    };
    let io = |error| StoreError::Io { file: path.to_owned(), error };
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let from = suffixed(path, suffix);
        if from.exists() {
            fs::rename(&from, suffixed(&aside, suffix)).map_err(io)?;
        }
    }
    Ok(Trouble { file: path.to_owned(), why, aside: Some(aside) })
}

/// The path with something behind its name.
pub(super) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Opens a file of this store to read in it, with no change to it but the roll-back of a broken write.
pub(super) fn read(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch("PRAGMA query_only = 1; PRAGMA cache_size = -512")?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Layout = Layout { migrations: &["CREATE TABLE a (x)"], pragmas: "" };
    const TWO: Layout =
        Layout { migrations: &["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y DEFAULT 7"], pragmas: "" };

    #[test]
    fn an_older_file_is_brought_up_to_date_and_a_newer_one_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.db");
        let old = open(&path, &ONE).expect("opens");
        old.execute("INSERT INTO a VALUES (1)", []).expect("inserts");
        drop(old);
        let new = open(&path, &TWO).expect("migrates");
        let row: (i64, i64) =
            new.query_row("SELECT x, y FROM a", [], |row| Ok((row.get(0)?, row.get(1)?))).expect("a row");
        assert_eq!(row, (1, 7));
        drop(new);
        assert!(matches!(open(&path, &ONE), Err(Refusal::Newer(2))));
    }

    #[test]
    fn a_second_damaged_file_does_not_overwrite_the_first() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.db");
        let names: Vec<_> = (0..2)
            .map(|_| {
                fs::write(&path, b"not a database, and long enough to look like one of some kind").expect("writes");
                let mut troubles = Vec::new();
                open_or_replace(&path, &ONE, &mut troubles).expect("replaced");
                troubles.remove(0).aside.expect("a name")
            })
            .collect();
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.exists()));
    }
}
