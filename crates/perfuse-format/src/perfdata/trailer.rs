//! The trailer that `sample_id_all` puts at the end of every record that is no sample.
//!
//! ```text
//! … | pid, tid | time | id | stream id | cpu, - | identifier |     those of them that the event's sample_type has
//! ```

use crate::perfdata::attr::{Endian, EventAttr, flag, sample_type as has};
use crate::perfdata::cursor::Cursor;
use crate::perfdata::event::Places;
use crate::perfdata::record::SampleId;

/// Decodes the trailer; an empty one where there is none, or where the record is shorter than it.
pub(crate) fn decode(body: &[u8], attr: &EventAttr, endian: Endian) -> SampleId {
    let length = Places::of(attr).trailer;
    let bytes = body.len().checked_sub(length).and_then(|start| body.get(start..));
    match bytes {
        Some(bytes) if attr.has(flag::SAMPLE_ID_ALL) => fields(bytes, attr, endian).unwrap_or_default(),
        _ => SampleId::default(),
    }
}

fn fields(bytes: &[u8], attr: &EventAttr, endian: Endian) -> Option<SampleId> {
    let at = &mut Cursor::new(bytes, endian);
    let mut trailer = SampleId::default();
    if attr.samples(has::TID) {
        trailer.pid_tid = Some((at.i32()?, at.i32()?));
    }
    if attr.samples(has::TIME) {
        trailer.time = Some(at.u64()?);
    }
    if attr.samples(has::ID) {
        trailer.id = Some(at.u64()?);
    }
    if attr.samples(has::STREAM_ID) {
        trailer.stream_id = Some(at.u64()?);
    }
    if attr.samples(has::CPU) {
        trailer.cpu = Some(at.u32()?);
        at.u32()?;
    }
    if attr.samples(has::IDENTIFIER) {
        trailer.id = Some(at.u64()?);
    }
    Some(trailer)
}
