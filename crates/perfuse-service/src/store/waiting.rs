//! What is not on disk yet. Usually that is nothing: everything passes through here and goes on at once.

use std::collections::VecDeque;

use rusqlite::Connection;

use super::StoreError;
use super::hot::Hot;
use super::records::{self, Kind, Record};

/// Ticks that may wait: ten minutes, which with 500 series are 5 MB.
const TICKS: usize = 600;
/// Bytes of records and captures that may wait.
const BYTES: usize = 16 << 20;

/// Where something that was written is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// On disk.
    Disk,
    /// In memory, until the disk takes it: not acknowledged.
    Memory,
}

/// How writing goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Why the disk takes nothing; `None` when it does.
    pub problem: Option<String>,
    /// Ticks that wait in memory.
    pub waiting_ticks: usize,
    /// Ticks that were lost since the start, because too many waited.
    pub lost_ticks: u64,
    /// Bytes of records and captures that wait in memory.
    pub waiting_bytes: usize,
}

/// What is written in one transaction.
enum Item {
    Records(Vec<Record>),
    Incident(Record, Vec<(String, Vec<u8>)>),
}

impl Item {
    fn size(&self) -> usize {
        let record = |record: &Record| record.doc.len() + record.id.len() + 64;
        match self {
            Self::Records(records) => records.iter().map(record).sum(),
            Self::Incident(incident, captures) => {
                record(incident) + captures.iter().map(|(name, bytes)| name.len() + bytes.len()).sum::<usize>()
            }
        }
    }
}

#[derive(Default)]
pub(super) struct Waiting {
    ticks: VecDeque<(i64, Vec<(u32, f64)>)>,
    items: VecDeque<Item>,
    health: Health,
}

impl Waiting {
    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    pub(super) fn push_tick(&mut self, at: i64, values: Vec<(u32, f64)>) {
        if self.ticks.len() >= TICKS {
            self.ticks.pop_front();
            self.health.lost_ticks += 1;
        }
        self.ticks.push_back((at, values));
    }

    pub(super) fn push_records(&mut self, all: &[Record]) -> Result<(), StoreError> {
        // Each kind has its file, so that each transaction is in one file.
        let (seen, rest): (Vec<Record>, Vec<Record>) =
            all.iter().cloned().partition(|record| record.kind == Kind::Observation);
        let items = [seen, rest].into_iter().filter(|records| !records.is_empty());
        self.push(items.map(Item::Records).collect())
    }

    pub(super) fn push_incident(&mut self, incident: &Record, captures: &[(&str, &[u8])]) -> Result<(), StoreError> {
        let captures = captures.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        self.push(vec![Item::Incident(incident.clone(), captures)])
    }

    fn push(&mut self, items: Vec<Item>) -> Result<(), StoreError> {
        let size: usize = items.iter().map(Item::size).sum();
        // Alone, something large may pass: it is on its way to the disk.
        if !self.items.is_empty() && self.health.waiting_bytes + size > BYTES {
            return Err(StoreError::Full(self.health.problem.clone().unwrap_or_default()));
        }
        self.health.waiting_bytes += size;
        self.items.extend(items);
        Ok(())
    }

    /// Writes what waits, oldest first, records before ticks; stops at the first that the disk does not take.
    pub(super) fn flush(&mut self, hot: &mut Hot, records: &mut Connection, observations: &mut Connection) -> Written {
        let result = self.flush_items(records, observations).and_then(|()| self.flush_ticks(hot));
        self.health.problem = result.err().map(|error| error.to_string());
        self.health.waiting_ticks = self.ticks.len();
        if self.health.problem.is_none() { Written::Disk } else { Written::Memory }
    }

    fn flush_items(&mut self, records: &mut Connection, observations: &mut Connection) -> rusqlite::Result<()> {
        while let Some(item) = self.items.front() {
            match item {
                Item::Records(all) if all.iter().all(|record| record.kind == Kind::Observation) => {
                    records::put(observations, all)?;
                }
                Item::Records(all) => records::put(records, all)?,
                Item::Incident(incident, captures) => {
                    let captures: Vec<(&str, &[u8])> =
                        captures.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
                    records::put_incident(records, incident, &captures)?;
                }
            }
            self.health.waiting_bytes = self.health.waiting_bytes.saturating_sub(item.size());
            self.items.pop_front();
        }
        Ok(())
    }

    fn flush_ticks(&mut self, hot: &mut Hot) -> rusqlite::Result<()> {
        while let Some((at, values)) = self.ticks.front() {
            hot.write(*at, values)?;
            self.ticks.pop_front();
        }
        Ok(())
    }
}
