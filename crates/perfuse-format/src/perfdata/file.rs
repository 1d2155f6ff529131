//! The sections of a file in file mode: attrs with their ids, and where the features stand.

use crate::perfdata::attr::{Endian, EventAttr};
use crate::perfdata::cursor::Cursor;
use crate::perfdata::error::PerfDataError;
use crate::perfdata::event::Event;
use crate::perfdata::header::{FileHeader, Section};
use crate::perfdata::layout::ATTR_SIZE_VER0;

/// Bytes of a section in the file.
const SECTION_SIZE: u64 = 16;

fn section(at: &mut Cursor<'_>) -> Option<Section> {
    Some(Section { offset: at.u64()?, size: at.u64()? })
}

/// The events. Those that are not whole are left out, and told in `damage`.
pub(crate) fn events(bytes: &[u8], header: &FileHeader, damage: &mut Vec<PerfDataError>) -> Vec<Event> {
    let Some(attr_length) = header.attr_size.checked_sub(SECTION_SIZE).and_then(|length| usize::try_from(length).ok())
    else {
        damage.push(PerfDataError::new(16, "a size of an attr of at least 80", header.attr_size.to_string()));
        return Vec::new();
    };
    if attr_length < ATTR_SIZE_VER0 {
        damage.push(PerfDataError::new(16, "a size of an attr of at least 80", header.attr_size.to_string()));
        return Vec::new();
    }
    let place = header.attrs.of(bytes);
    if (place.len() as u64) < header.attrs.size {
        damage.push(PerfDataError::new(
            header.attrs.offset,
            "the events",
            format!("{} bytes of the {} that they should have", place.len(), header.attrs.size),
        ));
    }
    let mut events = Vec::new();
    // No id stands in the file twice: lists that overlap must not become more than the file.
    let mut left = bytes.len() as u64;
    for (index, entry) in place.chunks_exact(attr_length + 16).enumerate() {
        let (attr, ids) = entry.split_at(attr_length);
        let Some(attr) = EventAttr::from_bytes(attr, header.endian) else { continue };
        let ids = section(&mut Cursor::new(ids, header.endian)).unwrap_or_default();
        let offset = header.attrs.offset.saturating_add((index * (attr_length + 16) + attr_length) as u64);
        left = left.saturating_sub(ids.size);
        let found = if left == 0 { Vec::new() } else { ids_of(bytes, ids, header.endian) };
        if found.len() as u64 * 8 != ids.size {
            let found = format!("{} bytes at {:#x}, of which {} are there", ids.size, ids.offset, found.len() * 8);
            damage.push(PerfDataError::new(offset, "the ids of an event", found));
        }
        events.push(Event { attr, ids: found, ..Event::default() });
    }
    events
}

fn ids_of(bytes: &[u8], ids: Section, endian: Endian) -> Vec<u64> {
    crate::perfdata::sample::U64s::new(ids.of(bytes), endian).iter().collect()
}

/// Number and section of each feature.
pub(crate) fn feature_sections(
    bytes: &[u8],
    header: &FileHeader,
    damage: &mut Vec<PerfDataError>,
) -> Vec<(u32, Section)> {
    let start = header.data.end();
    let table = Section { offset: start, size: u64::MAX }.of(bytes);
    let mut at = Cursor::new(table, header.endian);
    let mut sections = Vec::new();
    for number in (0..256).filter(|number| header.has_feature(*number)) {
        let offset = start.saturating_add(at.at() as u64);
        let Some(section) = section(&mut at) else {
            damage.push(PerfDataError::new(offset, "the place of a feature", "the end of the file"));
            break;
        };
        sections.push((number, section));
    }
    sections
}
