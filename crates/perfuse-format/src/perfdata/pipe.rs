//! Pipe mode: events, features and tracing data come as records, before those of the kernel or among them.

use std::collections::BTreeMap;

use crate::perfdata::PerfDataError;
use crate::perfdata::cursor::{Cursor, u32_at};
use crate::perfdata::data::PerfData;
use crate::perfdata::event::Event;
use crate::perfdata::feature::build_id;
use crate::perfdata::features::Feature;
use crate::perfdata::header::Section;
use crate::perfdata::record::{RawRecord, kind};
use crate::perfdata::sample::U64s;
use crate::perfdata::user::{self, EventUpdate, UserRecord, attr_and_ids};
use crate::perfdata::walk::{Segment, step};

/// Bytes of a record's header.
const HEADER: u64 = 8;

/// Indexes of the events by their ids.
type ById = BTreeMap<u64, usize>;

/// Looks through all records for those that belong to the header.
pub(crate) fn open<'a>(data: &mut PerfData<'a>, bytes: &'a [u8]) {
    let start = usize::try_from(data.header.size).unwrap_or(usize::MAX).min(bytes.len());
    data.source.segments.push(Segment { buffered: false, start, end: bytes.len(), shown: 0 });
    data.source.base = data.header.size;
    let endian = data.header.endian;
    let mut by_id = ById::new();
    let mut at = start;
    while let Some(Ok((record, next))) = step(bytes, at, bytes.len(), endian) {
        let offset = at as u64;
        let body = bytes.get(at + 8..at + 8 + record.body.len()).unwrap_or_default();
        match record.kind {
            kind::HEADER_ATTR => attr(data, &mut by_id, offset, body),
            kind::EVENT_UPDATE => event_update(data, &by_id, &record),
            kind::HEADER_FEATURE => feature(data, offset, body),
            kind::HEADER_TRACING_DATA => tracing_data(data, offset, body, bytes.get(at..next).unwrap_or_default()),
            kind::HEADER_BUILD_ID => {
                data.features.build_ids.extend(build_id(body, record.misc, endian));
                present(data, Feature::BuildId.number());
            }
            _ => {}
        }
        at = next;
    }
}

fn present(data: &mut PerfData<'_>, number: u32) {
    // A header has room for 256.
    if number < 256 && !data.features.present.contains(&number) {
        data.features.present.push(number);
        data.features.present.sort_unstable();
    }
}

fn attr(data: &mut PerfData<'_>, by_id: &mut ById, offset: u64, body: &[u8]) {
    let endian = data.header.endian;
    let Some((attr, ids)) = attr_and_ids(body, endian) else {
        let found = format!("{} bytes", body.len());
        data.damage.push(PerfDataError::new(offset + HEADER, "an attr of the size that it says", found));
        return;
    };
    let ids: Vec<u64> = U64s::new(ids, endian).iter().collect();
    for id in &ids {
        by_id.entry(*id).or_insert(data.events.len());
    }
    data.events.push(Event { attr, ids, ..Event::default() });
}

/// Takes note of all that is told of events among the records of a file.
pub(crate) fn event_updates(data: &mut PerfData<'_>) {
    let Some(&Segment { start, end, .. }) = data.source.segments.first() else { return };
    let bytes = data.source.file;
    let mut by_id = ById::new();
    for (index, event) in data.events.iter().enumerate() {
        by_id.extend(event.ids.iter().map(|id| (*id, index)));
    }
    let mut at = start;
    while let Some(Ok((record, next))) = step(bytes, at, end, data.header.endian) {
        if record.kind == kind::EVENT_UPDATE {
            event_update(data, &by_id, &record);
        }
        at = next;
    }
}

fn event_update(data: &mut PerfData<'_>, by_id: &ById, record: &RawRecord<'_>) {
    let Ok(Some(UserRecord::EventUpdate { id, update })) = user::decode(record, data.header.endian) else { return };
    let Some(event) = by_id.get(&id).and_then(|index| data.events.get_mut(*index)) else { return };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match update {
        EventUpdate::Unit(unit) => event.unit = Some(text(unit)),
        EventUpdate::Scale(scale) => event.scale = Some(scale),
        EventUpdate::Name(name) => event.name = text(name),
        EventUpdate::Cpus(_) => {}
    }
}

fn feature<'a>(data: &mut PerfData<'a>, offset: u64, body: &'a [u8]) {
    let Some(number) = Cursor::new(body, data.header.endian).u64().and_then(|number| u32::try_from(number).ok()) else {
        data.damage.push(PerfDataError::new(offset + HEADER, "the number of a feature", "none"));
        return;
    };
    let bytes = body.get(8..).unwrap_or_default();
    present(data, number);
    data.take_feature(number, Section { offset: offset + HEADER + 8, size: bytes.len() as u64 }, bytes);
}

/// The data stand behind the record, in as many bytes as it says and up to seven more.
fn tracing_data<'a>(data: &mut PerfData<'a>, offset: u64, body: &[u8], whole: &'a [u8]) {
    let size = u32_at(body, 0, data.header.endian).map_or(0, |size| size as usize);
    let start = 8 + body.len();
    let bytes = whole.get(start..).unwrap_or_default();
    data.take_tracing_data(offset + start as u64, bytes.get(..size).unwrap_or(bytes));
    present(data, Feature::TracingData.number());
}
