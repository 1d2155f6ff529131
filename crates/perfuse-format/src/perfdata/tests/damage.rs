//! Files that are cut, or that lie.

use super::recordings::{FP, GROUP, PIPE, PIPE_TRACEPOINT, TRACEPOINTS, ZSTD};
use crate::perfdata::record::kind;
use crate::perfdata::{PerfData, PerfDataError};

/// Everything that can be asked of a file. How many records were good, and the damage that ended them.
pub(crate) fn exhaust(bytes: &[u8]) -> Result<(usize, Option<PerfDataError>), PerfDataError> {
    let data = PerfData::parse(bytes)?;
    let mut good = 0;
    let mut damage = None;
    for record in data.records() {
        match record {
            Ok(record) => {
                good += 1;
                let _ = (data.decode_sample(&record), data.decode_record(&record), data.decode_user(&record));
                let _ = (data.sample_id(&record), data.time(&record));
            }
            Err(error) => damage = Some(error),
        }
    }
    let sorted = data.sorted().flatten().count();
    assert_eq!(sorted, good, "order of time and order of the file have the same records");
    Ok((good, damage))
}

#[test]
fn a_file_cut_anywhere_gives_what_is_before_the_cut() {
    // Of the compressed file the compressed record, whose decoding takes some time.
    for (name, bytes, from) in [("fp", FP, 0), ("group", GROUP, 0), ("pipe", PIPE, 0), ("zstd", &ZSTD[..0x570], 0x210)]
    {
        let (all, _) = exhaust(bytes).unwrap();
        let mut before = 0;
        for length in from..bytes.len() {
            match exhaust(&bytes[..length]) {
                Ok((good, _)) => {
                    assert!(good >= before && good <= all, "{name} cut to {length}: {good} after {before} of {all}");
                    before = good;
                }
                Err(error) => assert!(length < 104, "{name} cut to {length}: {error}"),
            }
        }
    }
}

#[test]
fn the_place_of_a_cut_is_told() {
    // Into the last record but one: a sample of 0x50 bytes at 0x4a0.
    let data = PerfData::parse(&FP[..0x4b0]).unwrap();
    let damage = data.records().last().unwrap().unwrap_err();
    assert_eq!((damage.offset, damage.expected), (0x4a0, "a whole record"));
    assert_eq!(
        damage.to_string(),
        "offset 0x4a0: expected a whole record, found 16 bytes of the 80 that it should have"
    );
    // Between two.
    let data = PerfData::parse(&FP[..0x4a0]).unwrap();
    let damage = data.records().last().unwrap().unwrap_err();
    assert_eq!((damage.offset, damage.expected), (0x4a0, "the end of the records"));
    assert!(data.damage.iter().any(|damage| damage.expected == "the place of a feature"));
}

#[test]
fn a_recording_that_was_not_ended_is_read_to_its_end() {
    let mut bytes = FP[..264 + 1056].to_vec();
    bytes[48..56].fill(0);
    let (all, damage) = exhaust(&bytes).unwrap();
    assert_eq!((all, damage), (16, None));
    let data = PerfData::parse(&bytes).unwrap();
    assert_eq!(
        data.damage[0].to_string(),
        "offset 0x30: expected the size of the records, found 0: the recording was not ended properly"
    );
    assert_eq!(data.events[0].name, "cpu-clock:ppp");
}

/// Each number of the header, each size of a record, becomes the largest, and one that wraps with what is added.
#[test]
fn lies_about_sizes_are_told_and_not_believed() {
    let lies = [0_u64, 7, u64::MAX, u64::MAX - 7, 1 << 40];
    for (bytes, end) in [(FP, 2000), (TRACEPOINTS, 800), (PIPE, 2000), (ZSTD, 0x230)] {
        for place in (8..end).step_by(4) {
            for lie in lies {
                let mut changed = bytes.to_vec();
                let end = (place + 8).min(changed.len());
                changed[place..end].copy_from_slice(&lie.to_le_bytes()[..end - place]);
                let _ = exhaust(&changed);
            }
        }
    }
    for place in (264..264 + 1056).step_by(2) {
        let mut changed = FP.to_vec();
        changed[place..place + 2].fill(0xff);
        let _ = exhaust(&changed);
    }
}

#[test]
fn a_billion_events_are_refused_by_what_is_there() {
    let mut bytes = FP.to_vec();
    bytes[32..40].copy_from_slice(&(144_u64 << 30).to_le_bytes());
    let data = PerfData::parse(&bytes).unwrap();
    assert!(data.events.len() < 50);
    assert!(data.damage.iter().any(|damage| damage.expected == "the events"), "{:?}", data.damage);
}

#[test]
fn other_files_are_refused_with_what_they_are() {
    let refused = |bytes: &[u8]| PerfData::parse(bytes).unwrap_err().to_string();
    assert_eq!(refused(b""), "offset 0x0: expected PERFILE2: a perf.data file, found \"\"");
    assert_eq!(
        refused(b"\x7fELF\x02\x01\x01\0"),
        r#"offset 0x0: expected PERFILE2: a perf.data file, found "\x7fELF\x02\x01\x01\x00""#
    );
    assert!(refused(b"PERFFILE________").contains("before Linux 3.1"));
    let mut directory = FP.to_vec();
    // DIR_FORMAT in place of CPUDESC, whose section then holds the version.
    directory[73] &= !1;
    directory[75] |= 1;
    assert!(refused(&directory).contains("a directory's header"), "{}", refused(&directory));
}

#[test]
fn unknown_types_and_features_are_kept() {
    let mut bytes = FP.to_vec();
    // The record at 0x210 becomes one of a type that nobody knows, the last feature one with the number 40.
    bytes[0x210] = 99;
    bytes[75] &= 0x7f;
    bytes[77] |= 1;
    let data = PerfData::parse(&bytes).unwrap();
    let unknown = data.records().map(Result::unwrap).find(|record| record.kind == 99).unwrap();
    assert_eq!((data.decode_record(&unknown).unwrap(), data.decode_user(&unknown).unwrap()), (None, None));
    assert_eq!(unknown.offset, 0x210);
    assert_eq!(data.features.unknown.len(), 1);
    assert_eq!(data.features.unknown[0].0, 40);
    assert!(data.features.present.contains(&40));
}

#[test]
fn a_pipe_whose_formats_are_cut_keeps_those_before() {
    let start = PIPE_TRACEPOINT.windows(10).position(|window| window == b"\x17\x08\x44tracing").unwrap();
    let mut bytes = PIPE_TRACEPOINT.to_vec();
    // The number of systems, which stands before the name of the only one.
    let systems = PIPE_TRACEPOINT.windows(6).position(|window| window == b"sched\0").unwrap() - 4;
    assert!(systems > start);
    bytes[systems..systems + 4].fill(0xff);
    let data = PerfData::parse(&bytes).unwrap();
    let tracing = data.tracing_data.as_ref().unwrap();
    assert_eq!(tracing.systems[0].system, "sched");
    assert!(!data.damage.is_empty());
    assert_eq!(data.records().map(Result::unwrap).filter(|record| record.kind == kind::SAMPLE).count(), 1);
}

#[test]
fn lists_that_overlap_do_not_become_more_than_the_file() {
    let events = vec![crate::perfdata::Event { ids: vec![1], ..Default::default() }; 200];
    let layout = crate::perfdata::write::FileLayout::new(&events, crate::perfdata::Endian::Little);
    let mut bytes = layout.head(0, []);
    let length = bytes.len() as u64;
    // The section of each event's ids stands behind its attr of 128 bytes.
    let first = 104 + 200 * 8 + 128;
    for place in (first..bytes.len()).step_by(144) {
        bytes[place..place + 8].fill(0);
        bytes[place + 8..place + 16].copy_from_slice(&(length / 2).to_le_bytes());
    }
    let data = PerfData::parse(&bytes).unwrap();
    assert_eq!(data.events.len(), 200);
    assert!(data.events.iter().map(|event| event.ids.len() as u64).sum::<u64>() * 8 <= length);
    assert!(data.damage.iter().filter(|damage| damage.expected == "the ids of an event").count() > 100);
}
