//! The embedded store: numbers of every second, their summaries, and durable records, in one directory without set-up.
//!
//! ```text
//! lock              the process that writes; a second one is refused
//! hot.db            the last half hour or less, a row a second with all series
//! second-T.db       six hours from Unix second T: a compressed chunk for each series and half hour
//! minute-T.db       a day of summaries of minutes       ten-T.db   a day of summaries of ten minutes
//! records.db        incidents with captures, transitions, alerts, maintenance, uptime
//! observations.db   results of checks
//! *.damaged-N       what could not be read any more
//! ```
//!
//! One thread writes ([`Store`]), any number read ([`Reader`]). A kill at any moment costs at most the tick that was being
//! written. Records but observations are flushed to the disk before [`Written::Disk`] is answered, and outlive a power cut;
//! ticks outlive it up to the last checkpoint of the log, which comes after about every 4 MB. While the disk is full, ticks
//! and records wait in memory, up to a bound.

pub mod chunk;
mod coarse;
mod file;
mod hot;
mod key;
mod lock;
mod read;
mod records;
mod row;
mod shard;
pub mod summary;
mod waiting;

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use key::SeriesKey;
pub use read::{Answer, MAX_STEPS, Reader};
pub use records::{Kind, Record, Records};
pub use shard::Step;
pub use summary::Summary;
pub use waiting::{Health, Written};

use shard::{CHUNK, SPAN, floor};

const HOT: &str = "hot.db";
const RECORDS: &str = "records.db";
const OBSERVATIONS: &str = "observations.db";

/// Series that one run may have; names come and go with processes, and each costs memory.
pub const MAX_SERIES: usize = 20_000;

/// Seconds for which the clock must have gone on steadily before age deletes anything.
const STEADY: i64 = 3600;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Seconds of time for which every second is kept; rounded up to whole files of six hours.
    pub seconds: i64,
    /// Seconds of time for which summaries of minutes are kept.
    pub minutes: i64,
    /// Seconds of time for which summaries of ten minutes, and records that are over, are kept.
    pub ten_minutes: i64,
    /// Bytes of all files together. Above, the oldest seconds go first, then the oldest minutes, then the oldest ten minutes.
    pub bytes: u64,
    /// Bytes of captures; above, those of the oldest incidents that are over go first.
    pub captures: u64,
    /// Observations; above, the oldest go.
    pub observations: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            seconds: 48 * 3600,
            minutes: 7 * 86_400,
            ten_minutes: 30 * 86_400,
            bytes: 1 << 30,
            captures: 256 << 20,
            observations: 500_000,
        }
    }
}

/// A time on both clocks, so that a jump of the one is noticed.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Seconds of Unix time.
    pub unix: i64,
    /// Seconds of a clock that never jumps, such as `CLOCK_MONOTONIC`.
    pub steady: i64,
}

/// Something that is damaged; the rest is served all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Which file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
    /// The name under which it was set aside, if it was.
    pub aside: Option<PathBuf>,
}

/// Why the store cannot do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or directory cannot be used.
    #[error("{}: {error}", file.display())]
    Io {
        /// Which.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A database file cannot be used now.
    #[error("{}: {error}", file.display())]
    Sqlite {
        /// Which.
        file: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
    /// Another process writes here.
    #[error("{}: the store is in use by process {pid}", directory.display())]
    Locked {
        /// The store.
        directory: PathBuf,
        /// The number of the process, or `?` when its file does not tell.
        pid: String,
    },
    /// A file is of a later version of the program; it is left as it is.
    #[error("{}: written by a later version of the program (layout {version}); use that, or another directory", file.display())]
    Newer {
        /// Which.
        file: PathBuf,
        /// The version of its layout.
        version: i64,
    },
    /// A file is damaged even though it was just made.
    #[error("{}: damaged: {why}", file.display())]
    Damaged {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// More than [`MAX_SERIES`].
    #[error("more than {MAX_SERIES} series")]
    TooManySeries,
    /// More than [`MAX_STEPS`], or an end before its beginning.
    #[error("a range that ends before it begins or has more than {MAX_STEPS} steps")]
    Range,
    /// Nothing more can wait in memory for a disk that takes nothing.
    #[error("the disk takes nothing ({0}), and no more can wait in memory")]
    Full(String),
}

/// The numbers and values of series in the bytes of one tick of the tail.
///
/// # Errors
/// Bytes that no writer makes.
pub fn tick(bytes: &[u8]) -> Result<Vec<(u32, f64)>, chunk::ChunkError> {
    let mut values = Vec::new();
    row::decode(bytes, 0..u32::MAX, |series, value| values.push((series, value))).map(|()| values)
}

/// The number of a series while the store is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(u32);

/// The store, open for writing.
pub struct Store {
    directory: PathBuf,
    retention: Retention,
    hot: hot::Hot,
    records: Connection,
    observations: Connection,
    waiting: waiting::Waiting,
    /// The second of the last tick.
    newest: Option<i64>,
    /// The stretch that was the current one when the last upkeep was complete.
    kept: Option<i64>,
    /// Difference of the two clocks, and since when (by the steady one) it has been the same.
    clocks: Option<(i64, i64)>,
    _lock: lock::Lock,
}

impl Store {
    /// Opens the store in a directory, which is made when it is missing. Damaged files are set aside, and told.
    ///
    /// # Errors
    /// Another process has it open, a file is of a later version, or the directory cannot be used.
    pub fn open(directory: &Path, retention: Retention) -> Result<(Self, Vec<Trouble>), StoreError> {
        fs::create_dir_all(directory).map_err(|error| StoreError::Io { file: directory.to_owned(), error })?;
        let lock = lock::Lock::take(directory)?;
        let directory = directory.to_owned();
        let mut troubles = Vec::new();
        let path = directory.join(HOT);
        let connection = file::open_or_replace(&path, &hot::LAYOUT, &mut troubles)?;
        let hot = hot::Hot::new(connection, directory.clone(), path)?;
        let records = file::open_or_replace(&directory.join(RECORDS), &records::LAYOUT, &mut troubles)?;
        let path = directory.join(OBSERVATIONS);
        let observations = file::open_or_replace(&path, &records::LAYOUT_OBSERVATIONS, &mut troubles)?;
        for step in Step::ALL {
            for (_, path) in shard::list(&directory, step)? {
                match file::open(&path, &shard::LAYOUT) {
                    Err(file::Refusal::Damaged(why)) => troubles.push(file::set_aside(&path, why)?),
                    // The main files refuse a whole store of a later version; a lone file is more likely damaged.
                    Err(file::Refusal::Newer(version)) => {
                        troubles.push(file::set_aside(&path, format!("of a later version (layout {version})"))?);
                    }
                    // What cannot be opened now is told when it is read.
                    Err(file::Refusal::Now(_)) | Ok(_) => {}
                }
            }
        }
        let store = Self {
            directory,
            retention,
            hot,
            records,
            observations,
            waiting: waiting::Waiting::default(),
            newest: None,
            kept: None,
            clocks: None,
            _lock: lock,
        };
        Ok((store, troubles))
    }

    /// A door for readers.
    pub fn reader(&self) -> Reader {
        Reader { directory: self.directory.clone() }
    }

    /// The number of a series, which is made when it is new.
    ///
    /// # Errors
    /// There are too many.
    pub fn series(&mut self, key: &SeriesKey) -> Result<SeriesId, StoreError> {
        self.hot.series(key)
    }

    /// Writes the values of one second. A second that is there already is added to, and of the same series the later value counts.
    /// While the disk takes nothing, ticks wait in memory, and above the bound the oldest are lost; [`Self::health`] tells.
    pub fn append(&mut self, at: i64, values: &[(SeriesId, f64)]) -> Written {
        self.newest = Some(at);
        let values = values.iter().map(|(series, value)| (series.0, *value)).filter(|(_, value)| !value.is_nan());
        self.waiting.push_tick(at, values.collect());
        self.flush()
    }

    /// Writes records, all or none. After [`Written::Disk`] they outlive a power cut (observations a kill).
    ///
    /// # Errors
    /// The disk takes nothing, and too much waits in memory already.
    pub fn put(&mut self, records: &[Record]) -> Result<Written, StoreError> {
        self.waiting.push_records(records)?;
        Ok(self.flush())
    }

    /// Writes an incident together with what was captured, all or nothing, as [`Self::put`].
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn put_incident(&mut self, incident: &Record, captures: &[(&str, &[u8])]) -> Result<Written, StoreError> {
        self.waiting.push_incident(incident, captures)?;
        Ok(self.flush())
    }

    /// Whether everything is on disk, and what is not.
    pub fn health(&self) -> &Health {
        self.waiting.health()
    }

    fn flush(&mut self) -> Written {
        self.waiting.flush(&mut self.hot, &mut self.records, &mut self.observations)
    }

    /// The upkeep: to be called about every second; it does something about every half hour. Returns what it found damaged.
    ///
    /// # Errors
    /// The disk takes nothing, or cannot be read; it is tried again at the next call.
    pub fn maintain(&mut self, now: Moment) -> Result<Vec<Trouble>, StoreError> {
        let mut troubles = Vec::new();
        self.flush();
        let steady = self.steady(now);
        let newest = self.newest.unwrap_or(now.unix);
        let current = floor(newest, CHUNK);
        if self.kept == Some(current) {
            return Ok(troubles);
        }
        self.hot.roll(newest, &mut troubles)?;
        coarse::build(&self.directory, floor(newest, SPAN), &mut troubles)?;
        self.retain(steady.then_some(now.unix))?;
        self.kept = Some(current);
        Ok(troubles)
    }

    /// Whether the clock has not jumped for a while: a clock that is years ahead for a minute must not delete everything.
    fn steady(&mut self, now: Moment) -> bool {
        let difference = now.unix.saturating_sub(now.steady);
        let since = match self.clocks {
            Some((before, since)) if before.abs_diff(difference) < STEADY.unsigned_abs() => since,
            _ => now.steady,
        };
        self.clocks = Some((difference, since));
        now.steady.saturating_sub(since) >= STEADY
    }

    /// Drops what is too old, if the time is known, and what is too much.
    fn retain(&self, now: Option<i64>) -> Result<(), StoreError> {
        let gone = |path: &Path| match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::Io { file: path.to_owned(), error })
            }
            _ => Ok(()),
        };
        if let Some(now) = now {
            let keeps = [self.retention.seconds, self.retention.minutes, self.retention.ten_minutes];
            for (step, keep) in Step::ALL.into_iter().zip(keeps) {
                for (start, path) in shard::list(&self.directory, step)? {
                    // Files from beyond tomorrow are left from a clock that was wrong.
                    let wrong = start > now.saturating_add(shard::DAY);
                    if wrong || start.saturating_add(step.span()) <= now.saturating_sub(keep) {
                        gone(&path)?;
                    }
                }
            }
        }
        self.retain_records(now)?;
        let mut size = self.size()?;
        for step in Step::ALL {
            let mut files = shard::list(&self.directory, step)?;
            files.pop();
            for (_, path) in files {
                if size <= self.retention.bytes {
                    return Ok(());
                }
                let length = fs::metadata(&path).map_or(0, |file| file.len());
                gone(&path)?;
                size = size.saturating_sub(length);
            }
        }
        Ok(())
    }

    fn retain_records(&self, now: Option<i64>) -> Result<(), StoreError> {
        let before = now.map(|now| now.saturating_sub(self.retention.ten_minutes).saturating_mul(1000));
        let kinds = [Kind::Transition, Kind::Incident, Kind::Alert, Kind::Maintenance, Kind::Uptime];
        // The bars of the last day reach back for 90 days, and cost little.
        let more = |kind| if kind == Kind::Uptime { 100 * 86_400_000 } else { 0 };
        let old: Vec<(Kind, i64)> =
            kinds.iter().filter_map(|&kind| Some((kind, before?.saturating_sub(more(kind))))).collect();
        records::retain(&self.records, &old, self.retention.captures)
            .map_err(|error| StoreError::Sqlite { file: self.directory.join(RECORDS), error })?;
        records::limit(&self.observations, self.retention.observations)
            .map_err(|error| StoreError::Sqlite { file: self.directory.join(OBSERVATIONS), error })
    }

    /// Bytes of all files of the store.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn size(&self) -> Result<u64, StoreError> {
        let io = |error| StoreError::Io { file: self.directory.clone(), error };
        let mut size = 0;
        for entry in fs::read_dir(&self.directory).map_err(io)? {
            // A file that has gone meanwhile has no size.
            size += entry.map_err(io)?.metadata().map_or(0, |file| file.len());
        }
        Ok(size)
    }
}
