//! Pipe mode: events, features and tracing data come as records, before those of the kernel or among them.

use crate::perfdata::attr::EventAttr;
use crate::perfdata::cursor::{Cursor, u32_at, until_nul};
use crate::perfdata::data::PerfData;
use crate::perfdata::event::Event;
use crate::perfdata::feature::build_id;
use crate::perfdata::features::Feature;
use crate::perfdata::header::Section;
use crate::perfdata::layout::ATTR_SIZE_VER0;
use crate::perfdata::record::kind;
use crate::perfdata::walk::{Segment, step};

/// Bytes of a record's header.
const HEADER: u64 = 8;

/// Kinds of `EVENT_UPDATE`.
mod update {
    pub(super) const UNIT: u64 = 0;
    pub(super) const SCALE: u64 = 1;
    pub(super) const NAME: u64 = 2;
}

/// Looks through all records for those that belong to the header.
pub(crate) fn open<'a>(data: &mut PerfData<'a>, bytes: &'a [u8]) {
    let start = usize::try_from(data.header.size).unwrap_or(usize::MAX).min(bytes.len());
    data.source.segments.push(Segment { buffered: false, start, end: bytes.len(), shown: 0 });
    data.source.base = data.header.size;
    let endian = data.header.endian;
    let mut at = start;
    while let Some(Ok((record, next))) = step(bytes, at, bytes.len(), endian) {
        let offset = at as u64;
        let body = bytes.get(at + 8..at + 8 + record.body.len()).unwrap_or_default();
        match record.kind {
            kind::HEADER_ATTR => attr(data, offset, body),
            kind::EVENT_UPDATE => event_update(data, body),
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
    if !data.features.present.contains(&number) {
        data.features.present.push(number);
        data.features.present.sort_unstable();
    }
}

/// The attr, as long as it says it is, and the ids.
fn attr(data: &mut PerfData<'_>, offset: u64, body: &[u8]) {
    let endian = data.header.endian;
    let size = u32_at(body, 4, endian).map_or(0, |size| size as usize).max(ATTR_SIZE_VER0);
    let Some((attr, ids)) = body.split_at_checked(size) else {
        let found = format!("{} bytes", body.len());
        data.damage.push(super::PerfDataError::new(offset + HEADER, "an attr of the size that it says", found));
        return;
    };
    let ids = super::U64s::new(ids, endian).iter().collect();
    if let Some(attr) = EventAttr::from_bytes(attr, endian) {
        data.events.push(Event { attr, ids, ..Event::default() });
    }
}

fn event_update(data: &mut PerfData<'_>, body: &[u8]) {
    let at = &mut Cursor::new(body, data.header.endian);
    let (Some(what), Some(id)) = (at.u64(), at.u64()) else { return };
    let Some(event) = data.events.iter_mut().find(|event| event.ids.contains(&id)) else { return };
    let text = || String::from_utf8_lossy(until_nul(at.rest())).into_owned();
    match what {
        update::UNIT => event.unit = Some(text()),
        update::NAME => event.name = text(),
        update::SCALE => event.scale = at.clone().u64().map(f64::from_bits),
        _ => {}
    }
}

fn feature<'a>(data: &mut PerfData<'a>, offset: u64, body: &'a [u8]) {
    let Some(number) = Cursor::new(body, data.header.endian).u64().and_then(|number| u32::try_from(number).ok()) else {
        data.damage.push(super::PerfDataError::new(offset + HEADER, "the number of a feature", "none"));
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
