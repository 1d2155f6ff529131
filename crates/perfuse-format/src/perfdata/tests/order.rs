//! The order of time, and what stands between the records.

use super::synthetic::{attr, file};
use crate::perfdata::attr::{Endian, sample_type as has};
use crate::perfdata::record::kind;
use crate::perfdata::sample::Sample;
use crate::perfdata::user::{AuxData, UserRecord};
use crate::perfdata::write::encode_sample;
use crate::perfdata::{EventAttr, PerfData};

/// Times of samples; 0 is the end of a round.
fn rounds(times: &[u64], attr: EventAttr) -> Vec<u8> {
    let mut records = Vec::new();
    for time in times {
        if *time == 0 {
            UserRecord::FinishedRound.encode(Endian::Little, &mut records).unwrap();
        } else {
            let sample = Sample { time: *time, pid: 1, tid: 1, misc: 2, ..Sample::default() };
            encode_sample(&sample, &attr, Endian::Little, &mut records).unwrap();
        }
    }
    file(attr, &records, Endian::Little)
}

fn order(bytes: &[u8]) -> Vec<u64> {
    let data = PerfData::parse(bytes).unwrap();
    let records = data.sorted().map(Result::unwrap);
    records.map(|record| if record.kind == kind::SAMPLE { data.time(&record).unwrap() } else { 0 }).collect()
}

#[test]
fn a_round_gives_what_came_before_the_round_before_it() {
    let attr = attr(has::IP | has::TID | has::TIME);
    // As real perf has it of the same file: the late 5 comes with the next flush, and not before what was given.
    let times = [10, 30, 0, 20, 40, 0, 5, 50, 0, 45, 60];
    assert_eq!(order(&rounds(&times, attr)), [0, 0, 10, 20, 30, 0, 5, 40, 45, 50, 60]);
    // Equal times stay in the order of the file; without rounds all waits for the end.
    assert_eq!(order(&rounds(&[3, 2, 2, 1], attr)), [1, 2, 2, 3]);
    // After an empty round what comes late is given at once; after all was given, the next is the latest.
    assert_eq!(order(&rounds(&[10, 0, 0, 0, 7, 0, 0, 8], attr)), [0, 0, 10, 0, 0, 7, 0, 8]);
}

#[test]
fn without_trailers_or_times_records_stay_where_they_are() {
    let with = attr(has::IP | has::TID | has::TIME);
    let without = EventAttr { flags: 0, ..with };
    assert_eq!(order(&rounds(&[3, 0, 2, 1], without)), [3, 0, 2, 1]);
    let bytes = rounds(&[3, 0, 2, 1], attr(has::IP | has::TID));
    let data = PerfData::parse(&bytes).unwrap();
    let offsets: Vec<_> = data.sorted().map(|record| record.unwrap().offset).collect();
    assert!(offsets.is_sorted());
    assert_eq!(offsets.len(), 4);
}

#[test]
fn aux_data_behind_a_record_are_skipped() {
    let attr = attr(has::IP | has::TID | has::TIME);
    let aux = |size| UserRecord::Auxtrace(AuxData { size, ..AuxData::default() });
    let mut records = Vec::new();
    aux(24).encode(Endian::Little, &mut records).unwrap();
    records.extend([0xff; 24]);
    UserRecord::FinishedInit.encode(Endian::Little, &mut records).unwrap();
    let bytes = file(attr, &records, Endian::Little);
    let data = PerfData::parse(&bytes).unwrap();
    let kinds: Vec<_> = data.records().map(|record| record.unwrap().kind).collect();
    assert_eq!(kinds, [kind::AUXTRACE, kind::FINISHED_INIT]);

    let mut records = Vec::new();
    aux(u64::MAX - 60).encode(Endian::Little, &mut records).unwrap();
    let bytes = file(attr, &records, Endian::Little);
    let data = PerfData::parse(&bytes).unwrap();
    assert!(data.records().next().unwrap().unwrap_err().to_string().contains("expected a whole record"));
}
