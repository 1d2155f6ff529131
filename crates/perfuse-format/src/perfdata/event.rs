//! The events of a file, and how a record tells to which one it belongs.

use crate::perfdata::attr::{Endian, EventAttr, flag, sample_type as sample};
use crate::perfdata::cursor::u64_at;
use crate::perfdata::record::{RawRecord, kind};

/// One event that was recorded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// What was asked of the kernel.
    pub attr: EventAttr,
    /// Its ids: one for each CPU or thread on which it was opened.
    pub ids: Vec<u64>,
    /// Its name, as the file tells it; from the attr where the file tells none.
    pub name: String,
    /// Unit of its counts, from an `EVENT_UPDATE`.
    pub unit: Option<String>,
    /// What its counts are to be multiplied with, from an `EVENT_UPDATE`.
    pub scale: Option<f64>,
}

/// From id to event. The kernel numbers its events one after the other: a table by distance from the least id finds
/// nearly always, a search by halving the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    least: u64,
    /// Index of the event plus one.
    near: Vec<u32>,
    far: Vec<(u64, u32)>,
}

impl Ids {
    pub(crate) fn of(events: &[Event]) -> Self {
        let mut all: Vec<(u64, u32)> = Vec::new();
        for (index, event) in (0_u32..).zip(events) {
            all.extend(event.ids.iter().map(|id| (*id, index)));
        }
        all.sort_by_key(|(id, _)| *id);
        all.dedup_by_key(|(id, _)| *id);
        let least = all.first().map_or(0, |(id, _)| *id);
        let reach = all.len() as u64 * 8 + 256;
        let split = all.partition_point(|(id, _)| id - least < reach);
        let far = all.split_off(split);
        let length = all.last().map_or(0, |(id, _)| id - least + 1);
        let mut near = vec![0; usize::try_from(length).unwrap_or_default()];
        for (id, index) in all {
            if let Some(slot) = usize::try_from(id - least).ok().and_then(|at| near.get_mut(at)) {
                *slot = index + 1;
            }
        }
        Self { least, near, far }
    }

    #[inline]
    pub(crate) fn find(&self, id: u64) -> Option<usize> {
        let distance = usize::try_from(id.wrapping_sub(self.least)).unwrap_or(usize::MAX);
        if let Some(index) = self.near.get(distance) {
            return (*index as usize).checked_sub(1);
        }
        let at = self.far.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.far.get(at).map(|(_, index)| *index as usize)
    }
}

/// Where id and time stand in the records of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Places {
    /// In a sample, from the beginning of the body: the id.
    pub sample_id: Option<usize>,
    /// In a sample, from the beginning of the body: the time.
    pub sample_time: Option<usize>,
    /// In the trailer of other records, back from the end: the id.
    pub trailer_id: Option<usize>,
    /// In the trailer of other records, back from the end: the time.
    pub trailer_time: Option<usize>,
    /// Bytes of the trailer.
    pub trailer: usize,
}

/// Bytes of those fields of `bits` that the event has, eight each.
fn width(attr: &EventAttr, bits: u64) -> usize {
    (attr.sample_type & bits).count_ones() as usize * 8
}

impl Places {
    pub(crate) fn of(attr: &EventAttr) -> Self {
        let has = |bit: u64| attr.samples(bit);
        let sample_id = if has(sample::IDENTIFIER) {
            Some(0)
        } else {
            has(sample::ID).then(|| width(attr, sample::IP | sample::TID | sample::TIME | sample::ADDR))
        };
        let sample_time = has(sample::TIME).then(|| width(attr, sample::IDENTIFIER | sample::IP | sample::TID));
        let mut places = Self { sample_id, sample_time, ..Self::default() };
        if attr.has(flag::SAMPLE_ID_ALL) {
            // pid tid | time | id | stream id | cpu | identifier
            let behind_time = sample::ID | sample::STREAM_ID | sample::CPU | sample::IDENTIFIER;
            places.trailer = width(attr, sample::TID | sample::TIME | behind_time);
            places.trailer_time = has(sample::TIME).then(|| width(attr, sample::TIME | behind_time));
            places.trailer_id = if has(sample::IDENTIFIER) {
                Some(8)
            } else {
                has(sample::ID).then(|| width(attr, sample::ID | sample::STREAM_ID | sample::CPU))
            };
        }
        places
    }

    /// The id in a record of the kernel.
    #[inline]
    pub(crate) fn id(&self, record: &RawRecord<'_>, endian: Endian) -> Option<u64> {
        if record.kind == kind::SAMPLE {
            u64_at(record.body, self.sample_id?, endian)
        } else {
            u64_at(record.body, record.body.len().checked_sub(self.trailer_id?)?, endian)
        }
    }

    /// The time in a record of the kernel.
    #[inline]
    pub(crate) fn time(&self, record: &RawRecord<'_>, endian: Endian) -> Option<u64> {
        if record.kind == kind::SAMPLE {
            u64_at(record.body, self.sample_time?, endian)
        } else {
            u64_at(record.body, record.body.len().checked_sub(self.trailer_time?)?, endian)
        }
    }
}
