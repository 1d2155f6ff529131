//! What perf wrote, read and written again, is the same to the byte.

use super::recordings::{DWARF, FP, GROUP, PIPE, PIPE_TRACEPOINT, TRACEPOINTS, ZSTD};
use crate::perfdata::attr::{Endian, EventAttr};
use crate::perfdata::record::kind;
use crate::perfdata::user::UserRecord;
use crate::perfdata::write::{self, FileLayout, RecordEncoder};
use crate::perfdata::{Feature, PerfData, RawRecord};

/// All features of a file with their bytes.
fn features(data: &PerfData<'_>) -> Vec<(u32, Vec<u8>)> {
    let encode = |number: &u32| {
        let feature = Feature::from_number(*number).unwrap();
        let bytes = match (feature, &data.tracing_data) {
            (Feature::TracingData, Some(tracing)) => Some(tracing.to_bytes()),
            _ => write::feature(&data.features, feature, data.endian()),
        };
        (*number, bytes.unwrap_or_else(|| panic!("{} is there", feature.name())))
    };
    data.features.present.iter().map(encode).collect()
}

fn difference(ours: &[u8], theirs: &[u8]) -> Option<usize> {
    let first = ours.iter().zip(theirs).position(|(our, their)| our != their);
    first.or_else(|| (ours.len() != theirs.len()).then_some(ours.len().min(theirs.len())))
}

#[test]
fn header_events_and_features_are_the_same() {
    for (name, bytes) in [("fp", FP), ("tracepoints", TRACEPOINTS), ("group", GROUP), ("dwarf", DWARF), ("zstd", ZSTD)]
    {
        let data = PerfData::parse(bytes).unwrap();
        let layout = FileLayout::new(&data.events, Endian::Little);
        let section = data.header.data;
        assert_eq!(layout.data_offset(), section.offset);
        let ours = layout.head(section.size, data.features.present.iter().copied());
        assert_eq!(difference(&ours, &bytes[..ours.len()]), None, "{name}");
        // perf leaves room in its table for features that it then does not write: the places differ, the bytes do not.
        let theirs = crate::perfdata::file::feature_sections(bytes, &data.header, &mut Vec::new());
        let features = features(&data);
        assert_eq!(features.len(), theirs.len());
        for ((number, ours), (same, theirs)) in features.iter().zip(&theirs) {
            assert_eq!(number, same);
            assert_eq!(difference(ours, theirs.of(bytes)), None, "{name}: {:?}", Feature::from_number(*number));
        }
        let mut again = layout.head(section.size, data.features.present.iter().copied());
        again.extend(section.of(bytes));
        again.extend(layout.tail(section.size, &features));
        let again = PerfData::parse(&again).unwrap();
        assert!(again.damage.is_empty(), "{name}: {:?}", again.damage);
        assert_eq!((&again.features, &again.events), (&data.features, &data.events), "{name}");
    }
}

/// Encodes a record as it was decoded.
fn again(data: &PerfData<'_>, record: &RawRecord<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    if record.kind == kind::SAMPLE {
        let sample = data.decode_sample(record).unwrap();
        let attr = &data.events[sample.event].attr;
        write::encode_sample(&sample, attr, data.endian(), &mut out).unwrap();
        return Some(out);
    }
    if let Some(user) = data.decode_user(record).unwrap() {
        user.encode(data.endian(), &mut out).unwrap();
        return Some(out);
    }
    let decoded = data.decode_record(record).unwrap()?;
    let attr: &EventAttr = &data.events[data.event_of(record).unwrap()].attr;
    let mode = record.misc & 7;
    RecordEncoder::new(attr, data.endian()).encode(&decoded, mode, &data.sample_id(record), &mut out).unwrap();
    Some(out)
}

#[test]
fn records_are_the_same() {
    for bytes in [FP, TRACEPOINTS, GROUP, PIPE, PIPE_TRACEPOINT, ZSTD] {
        let data = PerfData::parse(bytes).unwrap();
        for record in data.records() {
            let record = record.unwrap();
            let ours = again(&data, &record).unwrap_or_else(|| panic!("type {} is known", record.kind));
            let (header, body) = ours.split_at(8);
            assert_eq!(u16::from_le_bytes([header[4], header[5]]), record.misc, "misc at {:#x}", record.offset);
            let (same, more) = record.body.split_at_checked(body.len()).unwrap_or((record.body, &[]));
            assert_eq!(difference(body, same), None, "type {} at {:#x}", record.kind, record.offset);
            // perf leaves room behind a name of an EVENT_UPDATE.
            let padding = record.kind == kind::EVENT_UPDATE && more.iter().all(|byte| *byte == 0);
            assert!(padding || more.is_empty(), "type {} at {:#x}", record.kind, record.offset);
        }
    }
}

#[test]
fn what_goes_through_a_pipe_comes_out() {
    let data = PerfData::parse(TRACEPOINTS).unwrap();
    let mut pipe = write::pipe_header(Endian::Little);
    for event in &data.events {
        let record = UserRecord::HeaderAttr { attr: event.attr, ids: event.ids.clone() };
        record.encode(Endian::Little, &mut pipe).unwrap();
    }
    for (number, bytes) in features(&data) {
        let feature = Feature::from_number(number).unwrap();
        if feature == Feature::TracingData {
            write::pipe_tracing_data(&bytes, Endian::Little, &mut pipe).unwrap();
        } else if feature != Feature::BuildId {
            write::pipe_feature(feature, &bytes, Endian::Little, &mut pipe).unwrap();
        }
    }
    for build_id in &data.features.build_ids {
        write::build_id_record(build_id, Endian::Little, &mut pipe).unwrap();
    }
    let again = PerfData::parse(&pipe).unwrap();
    assert!(again.damage.is_empty(), "{:?}", again.damage);
    assert_eq!(again.features, data.features);
    assert_eq!(again.events, data.events);
    assert_eq!(again.tracing_data, data.tracing_data);
}

#[test]
fn compressed_records_come_out_again() {
    let data = PerfData::parse(DWARF).unwrap();
    let section = data.header.data;
    let mut compressor = write::Compressor::new();
    let mut records = Vec::new();
    // In two pieces, the second of which begins amidst a record.
    let (first, second) = section.of(DWARF).split_at(3001);
    compressor.compress(first, Endian::Little, &mut records);
    compressor.compress(second, Endian::Little, &mut records);
    assert!((records.len() as u64) < section.size);
    let layout = FileLayout::new(&data.events, Endian::Little);
    let mut file = layout.head(0, []);
    file.extend(&records);
    let again = PerfData::parse(&file).unwrap();
    assert_eq!(again.compression.unwrap().plain, section.size);
    let bodies =
        |data: &PerfData<'_>| -> Vec<Vec<u8>> { data.records().map(|record| record.unwrap().body.to_vec()).collect() };
    assert_eq!(bodies(&again), bodies(&data));
}
