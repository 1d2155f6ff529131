//! Every field of a sample alone, and all together.

use super::synthetic::{ALL, Parts, TOGETHER, attr, file, numbers};
use crate::perfdata::attr::{Endian, branch, read_format, sample_type as has};
use crate::perfdata::record::kind;
use crate::perfdata::sample::{ReadValue, Sample};
use crate::perfdata::write::encode_sample;
use crate::perfdata::{DecodeError, PerfData};

/// The values of a sample that belong to a bit, as text: what must not change on the way through a file.
fn values(sample: &Sample<'_>, bit: u64) -> String {
    let list = |numbers: crate::perfdata::U64s<'_>| numbers.iter().collect::<Vec<_>>();
    match bit {
        has::IP => format!("{:x}", sample.ip),
        has::TID => format!("{} {}", sample.pid, sample.tid),
        has::TIME => sample.time.to_string(),
        has::ADDR => sample.addr.to_string(),
        has::READ => format!("{:?}", sample.read),
        has::CALLCHAIN => format!("{:?}", list(sample.callchain)),
        has::ID | has::IDENTIFIER => sample.id.to_string(),
        has::CPU => sample.cpu.to_string(),
        has::PERIOD => sample.period.to_string(),
        has::STREAM_ID => sample.stream_id.to_string(),
        has::RAW => format!("{:?}", sample.raw),
        has::BRANCH_STACK => {
            format!("{:?} {:?} {:?}", sample.branch_hw_index, list(sample.branches), list(sample.branch_counters))
        }
        has::REGS_USER => format!("{} {:?}", sample.user_regs.abi, list(sample.user_regs.values)),
        has::STACK_USER => format!("{:?}", sample.user_stack),
        has::WEIGHT => sample.weight.to_string(),
        has::WEIGHT_STRUCT => format!("{} {:?}", sample.weight, sample.weight_more),
        has::DATA_SRC => sample.data_src.to_string(),
        has::TRANSACTION => sample.transaction.to_string(),
        has::REGS_INTR => format!("{} {:?}", sample.intr_regs.abi, list(sample.intr_regs.values)),
        has::PHYS_ADDR => sample.phys_addr.to_string(),
        has::AUX => format!("{:?}", sample.aux),
        has::CGROUP => sample.cgroup.to_string(),
        has::DATA_PAGE_SIZE => sample.data_page_size.to_string(),
        has::CODE_PAGE_SIZE => sample.code_page_size.to_string(),
        _ => panic!("bit {bit:#x} has no test"),
    }
}

fn bits(of: u64) -> impl Iterator<Item = u64> {
    (0..64).map(|shift| 1_u64 << shift).filter(move |bit| of & bit != 0)
}

#[test]
fn the_tests_know_every_bit() {
    let source = include_str!("../attr.rs");
    let section = source.split("pub mod sample_type").nth(1).unwrap().split("\n}").next().unwrap();
    assert_eq!(section.matches("pub const ").count(), ALL.count_ones() as usize, "a new field needs its tests");
    let parts = Parts::new(Endian::Little);
    let mut all: Vec<_> = bits(ALL).map(|bit| values(&parts.sample(), bit)).collect();
    all.sort();
    all.dedup();
    // ID and IDENTIFIER are the same number; nothing else is.
    assert_eq!(all.len(), ALL.count_ones() as usize - 1);
}

#[test]
fn every_field_alone_and_with_each_other() {
    for endian in [Endian::Little, Endian::Big] {
        let parts = Parts::new(endian);
        let sample = parts.sample();
        for one in bits(ALL) {
            for other in bits(ALL) {
                let fields = one | other;
                if fields & (has::WEIGHT | has::WEIGHT_STRUCT) == has::WEIGHT | has::WEIGHT_STRUCT {
                    continue;
                }
                let attr = attr(fields);
                let mut record = Vec::new();
                encode_sample(&sample, &attr, endian, &mut record).unwrap();
                let bytes = file(attr, &record, endian);
                let data = PerfData::parse(&bytes).unwrap();
                assert_eq!(data.events[0].attr.sample_type, fields);
                let raw = data.records().next().unwrap().unwrap();
                let decoded = data.decode_sample(&raw).unwrap();
                assert_eq!(values(&decoded, one), values(&sample, one), "{one:#x} with {other:#x} {endian:?}");
                assert_eq!(values(&decoded, other), values(&sample, other), "{other:#x} with {one:#x} {endian:?}");
                assert_eq!((decoded.fields, decoded.misc), (fields, 2));
            }
        }
    }
}

/// Number by number, in the order of `perf_output_sample` of the kernel.
#[test]
fn all_fields_together_stand_in_the_order_of_the_kernel() {
    let pair = |low: u64, high: u64| low | high << 32;
    let text = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    #[rustfmt::skip]
    let expected = [
        77, 0x40_1000, pair(4001, 4002), 5_000_000_123, 0x7fff_1234, 77, 78, 3, 250_000,
        // READ: how many, enabled, running; value, id, lost of each.
        2, 900, 800, 1000, 77, 1, 1001, 78, 2,
        // CALLCHAIN
        3, (-512_i64).cast_unsigned(), 0x40_1000, 0x40_2000,
        // RAW: 32 bits of size, 12 bytes.
        pair(12, 0x2a), pair(0, u64::from(u32::from_le_bytes(*b"raw!"))),
        // BRANCH_STACK: how many, index, branches, counters.
        2, 31, 0x40_1100, 0x40_1200, 1, 0x40_1300, 0x40_1400, 2, 3, 5,
        // REGS_USER, STACK_USER
        2, 0x7ffd_0000, 0x40_1000,
        16, text(b"sixteen "), text(b"bytes..."), 16,
        // WEIGHT_STRUCT, DATA_SRC, TRANSACTION
        0x002b_002a_0000_0029, 0x6810_0842, 0x1_0000_0002,
        // REGS_INTR
        1, 0x11, 0x22, 0x33,
        // PHYS_ADDR, CGROUP, DATA_PAGE_SIZE, CODE_PAGE_SIZE
        0x1_2345_6000, 5005, 4096, 2 << 20,
        // AUX
        8, text(b"aux data"),
    ];
    let mut body = numbers(&expected, Endian::Little);
    let parts = Parts::new(Endian::Little);
    let mut record = Vec::new();
    encode_sample(&parts.sample(), &attr(TOGETHER), Endian::Little, &mut record).unwrap();
    assert_eq!(record.split_off(8), body);

    let mut bytes = [9_u32.to_le_bytes(), [2, 0, 0, 0]].concat();
    bytes[6] = u8::try_from((body.len() + 8) & 0xff).unwrap();
    bytes[7] = u8::try_from((body.len() + 8) >> 8).unwrap();
    bytes.append(&mut body);
    let bytes = file(attr(TOGETHER), &bytes, Endian::Little);
    let data = PerfData::parse(&bytes).unwrap();
    let raw = data.records().next().unwrap().unwrap();
    assert_eq!(data.time(&raw), Some(5_000_000_123));
    let decoded = data.decode_sample(&raw).unwrap();
    for bit in bits(TOGETHER) {
        assert_eq!(values(&decoded, bit), values(&parts.sample(), bit), "{bit:#x}");
    }
    let branch = decoded.branch_entries().nth(1).unwrap();
    assert_eq!((branch.from, branch.to, branch.flags), (0x40_1300, 0x40_1400, 2));
}

#[test]
fn branches_without_index_and_counters() {
    let parts = Parts::new(Endian::Little);
    for with in [0, branch::HW_INDEX, branch::COUNTERS] {
        let mut attr = attr(has::BRANCH_STACK);
        attr.branch_sample_type = with;
        let mut record = Vec::new();
        encode_sample(&parts.sample(), &attr, Endian::Little, &mut record).unwrap();
        let bytes = file(attr, &record, Endian::Little);
        let data = PerfData::parse(&bytes).unwrap();
        let decoded = data.decode_sample(&data.records().next().unwrap().unwrap()).unwrap();
        assert_eq!(decoded.branches.len(), 6);
        assert_eq!(decoded.branch_hw_index, (with == branch::HW_INDEX).then_some(31));
        assert_eq!(decoded.branch_counters.len(), if with == branch::COUNTERS { 2 } else { 0 });
    }
}

#[test]
fn every_layout_of_counter_values() {
    let parts = Parts::new(Endian::Big);
    for format in 0..32 {
        let mut attr = attr(has::READ | has::PERIOD);
        attr.read_format = format;
        let mut record = Vec::new();
        encode_sample(&parts.sample(), &attr, Endian::Big, &mut record).unwrap();
        let bytes = file(attr, &record, Endian::Big);
        let data = PerfData::parse(&bytes).unwrap();
        let decoded = data.decode_sample(&data.records().next().unwrap().unwrap()).unwrap();
        let read = decoded.read.unwrap();
        let there = |bit: u64| format & bit != 0;
        assert_eq!(read.time_enabled, there(read_format::TOTAL_TIME_ENABLED).then_some(900));
        assert_eq!(read.time_running, there(read_format::TOTAL_TIME_RUNNING).then_some(800));
        assert_eq!(read.values.len(), if there(read_format::GROUP) { 2 } else { 1 });
        let first = ReadValue {
            value: 1000,
            id: there(read_format::ID).then_some(77),
            lost: there(read_format::LOST).then_some(1),
        };
        assert_eq!(read.values[0], first);
        assert_eq!(decoded.period, 250_000);
    }
}

#[test]
fn a_sample_that_ends_too_early_names_the_field() {
    let parts = Parts::new(Endian::Little);
    let attr = attr(TOGETHER);
    let mut record = Vec::new();
    encode_sample(&parts.sample(), &attr, Endian::Little, &mut record).unwrap();
    let bytes = file(attr, &record, Endian::Little);
    let data = PerfData::parse(&bytes).unwrap();
    let whole = data.records().next().unwrap().unwrap();
    for length in 0..whole.body.len() {
        let cut = crate::perfdata::RawRecord { body: &whole.body[..length], ..whole };
        let error = data.decode_sample(&cut).unwrap_err();
        assert!(matches!(error, DecodeError::Short { .. }), "{length}: {error}");
    }
    let mut lie = whole.body.to_vec();
    // The number of frames.
    lie[18 * 8..19 * 8].copy_from_slice(&(u64::MAX / 8 + 2).to_le_bytes());
    let cut = crate::perfdata::RawRecord { body: &lie, ..whole };
    assert_eq!(
        data.decode_sample(&cut).unwrap_err(),
        DecodeError::Short { offset: whole.offset, field: "the call chain" }
    );
    let other = crate::perfdata::RawRecord { kind: kind::COMM, ..whole };
    assert!(matches!(data.decode_sample(&other), Err(DecodeError::NoSample { .. })));
}
