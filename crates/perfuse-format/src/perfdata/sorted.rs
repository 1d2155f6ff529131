//! The records in the order of time, by the rule of `perf report` and `perf script`.
//!
//! Records come from several rings, each in order, in turns. At the end of each turn `perf record` writes
//! `FINISHED_ROUND`. What a ring puts out after a turn is not older than what any ring had put out before the turn, so
//! everything up to the latest time that was seen in the round *before* can be given away:
//!
//! ```text
//!   cpu 0   1 3        | 6 7     | 9           gives at the first end   nothing
//!   cpu 1     2 4      |   5 8   |   10        at the second            1 2 3 4
//!                      round     round         at the end of the file   5 6 7 8 9 10
//! ```
//!
//! Records without a time (0 or all bits set) and those that `perf` itself wrote (type 64 and above) are not kept back.
//! Equal times stay in the order of the file.

use crate::perfdata::PerfData;
use crate::perfdata::error::PerfDataError;
use crate::perfdata::record::{RawRecord, kind};
use crate::perfdata::walk::Records;

/// A record that waits: 16 bytes.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    time: u64,
    place: u64,
}

/// Iterator over the records in the order of time. Damage is its last item.
#[derive(Debug)]
pub struct Sorted<'d> {
    data: &'d PerfData<'d>,
    records: Records<'d>,
    /// Sorted up to `sorted`, from there on in the order of the file. What is before `given` was given away.
    waiting: Vec<Waiting>,
    given: usize,
    /// Up to here records may be given away.
    ready: usize,
    /// Latest time of the round before, and of all.
    last_round: u64,
    latest: u64,
    damage: Option<PerfDataError>,
    ended: bool,
    ordered: bool,
}

impl<'d> Sorted<'d> {
    pub(crate) fn new(data: &'d PerfData<'d>) -> Self {
        Self {
            data,
            records: data.source.records(),
            waiting: Vec::new(),
            given: 0,
            ready: 0,
            last_round: 0,
            latest: 0,
            damage: None,
            ended: false,
            ordered: data.has_times(),
        }
    }

    /// Puts what waits in order; all up to `limit` may be given away.
    fn flush(&mut self, limit: u64) {
        self.waiting.drain(..self.given);
        self.given = 0;
        // A stable merge sort that finds the runs: one for each ring, and one of what was sorted before.
        self.waiting.sort_by_key(|waiting| waiting.time);
        self.ready = self.waiting.partition_point(|waiting| waiting.time <= limit);
    }

    /// Reads on until a record is to be given at once (`Some`), or others are ready.
    fn read(&mut self) -> Option<RawRecord<'d>> {
        while self.given == self.ready && !self.ended {
            match self.records.placed() {
                Some(Ok((place, record))) => {
                    if record.kind == kind::FINISHED_ROUND {
                        if self.ordered {
                            self.flush(self.last_round);
                            self.last_round = self.latest;
                        }
                        return Some(record);
                    }
                    if record.kind >= kind::HEADER_ATTR || !self.ordered {
                        return Some(record);
                    }
                    match self.data.time(&record) {
                        Some(time) if time != 0 && time != u64::MAX => {
                            // The latest of those that wait: if nobody does, as if from the beginning.
                            let alone = self.given == self.waiting.len();
                            self.latest = if alone { time } else { self.latest.max(time) };
                            self.waiting.push(Waiting { time, place });
                        }
                        _ => return Some(record),
                    }
                }
                other => {
                    self.damage = other.and_then(Result::err);
                    self.ended = true;
                    self.flush(u64::MAX);
                }
            }
        }
        None
    }
}

impl<'d> Iterator for Sorted<'d> {
    type Item = Result<RawRecord<'d>, PerfDataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.given == self.ready
            && let Some(record) = self.read()
        {
            return Some(Ok(record));
        }
        if self.given < self.ready {
            let waiting = self.waiting.get(self.given)?;
            self.given += 1;
            return self.data.source.record_at(waiting.place).map(Ok);
        }
        self.damage.take().map(Err)
    }
}
