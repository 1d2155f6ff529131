//! Small recordings by perf 6.1 on Linux 6.18. What stands in them is what `perf script -D` and `--header` show of them.

use crate::perfdata::attr::sample_type;
use crate::perfdata::record::{Record, kind};
use crate::perfdata::{CpuMode, Mode, PerfData};

pub(super) const FP: &[u8] = include_bytes!("../../../testdata/fp.data");
pub(crate) const TRACEPOINTS: &[u8] = include_bytes!("../../../testdata/tp.data");
pub(super) const GROUP: &[u8] = include_bytes!("../../../testdata/group.data");
pub(crate) const DWARF: &[u8] = include_bytes!("../../../testdata/dwarf.data");
pub(super) const PIPE: &[u8] = include_bytes!("../../../testdata/pipe.data");
pub(crate) const PIPE_TRACEPOINT: &[u8] = include_bytes!("../../../testdata/pipetp.data");

pub(crate) const ZSTD: &[u8] = include_bytes!("../../../testdata/z.data");
pub(super) const ZSTD_PIPE: &[u8] = include_bytes!("../../../testdata/pipez.data");

pub(super) fn samples<'d>(data: &'d PerfData<'_>) -> Vec<crate::perfdata::Sample<'d>> {
    let records = data.records().map(|record| record.expect("no damage"));
    records.filter(|record| record.kind == kind::SAMPLE).map(|record| data.decode_sample(&record).unwrap()).collect()
}

#[test]
fn call_chains_of_one_event() {
    let data = PerfData::parse(FP).unwrap();
    assert!(data.damage.is_empty(), "{:?}", data.damage);
    assert_eq!((data.header.mode, data.header.data.offset, data.header.data.size), (Mode::File, 264, 1056));
    assert_eq!(data.events.len(), 1);
    assert_eq!((data.events[0].name.as_str(), data.events[0].ids.as_slice()), ("cpu-clock:ppp", &[2288, 2289][..]));
    assert_eq!((data.events[0].attr.precise_ip(), data.events[0].attr.sample_period), (3, 999));
    assert_eq!(data.features.hostname.as_deref(), Some("vm"));
    assert_eq!(data.features.cpu_topology.as_ref().unwrap().cpus.len(), 2);

    let samples = samples(&data);
    assert_eq!(samples.len(), 3);
    let first = &samples[0];
    assert_eq!((first.ip, first.pid, first.tid, first.cpu_mode()), (0x562f_37f3_444f, 0x7f9f, 0x7f9f, CpuMode::User));
    assert_eq!(first.callchain.iter().collect::<Vec<_>>(), [(-512_i64).cast_unsigned(), 0x562f_37f3_444f]);

    let records: Vec<_> = data.records().map(Result::unwrap).collect();
    assert_eq!((records[0].offset, records[0].kind), (0x108, kind::ID_INDEX));
    let comms: Vec<_> = records.iter().filter_map(|record| data.decode_record(record).unwrap()).collect();
    assert!(comms.contains(&Record::Comm { pid: 0x7f9f, tid: 0x7f9f, comm: b"sh", exec: true }));
}

#[test]
fn tracepoints_have_names_raw_data_and_formats() {
    let data = PerfData::parse(TRACEPOINTS).unwrap();
    assert!(data.damage.is_empty(), "{:?}", data.damage);
    let names: Vec<_> = data.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["sched:sched_switch", "sched:sched_process_exec", "cpu-clock"]);
    let tracing = data.tracing_data.as_ref().unwrap();
    assert_eq!((tracing.version.as_str(), tracing.page_size, tracing.long_size), ("0.6", 4096, 8));
    assert_eq!(tracing.formats().count(), 2);
    assert!(tracing.header_page.starts_with(b"\tfield: u64 timestamp;"));
    assert_eq!(tracing.names().get(&data.events[0].attr.config).map(String::as_str), Some("sched:sched_switch"));

    let samples = samples(&data);
    assert_eq!(samples.len(), 24);
    for sample in samples {
        let raw = data.events[sample.event].attr.samples(sample_type::RAW);
        assert_eq!(sample.raw.is_some(), raw);
        if let Some(raw) = sample.raw {
            let id = u16::from_le_bytes([raw[0], raw[1]]);
            assert_eq!(u64::from(id), data.events[sample.event].attr.config, "the record begins with the event's id");
        }
    }
}

#[test]
fn groups_are_read_as_a_whole() {
    let data = PerfData::parse(GROUP).unwrap();
    assert_eq!((data.features.groups[0].leader, data.features.groups[0].members), (0, 3));
    let samples = samples(&data);
    assert_eq!(samples.len(), 2);
    for sample in samples {
        let read = sample.read.as_ref().unwrap();
        let of = |id: Option<u64>| data.event_with_id(id.unwrap()).unwrap();
        assert_eq!(read.values.iter().map(|value| of(value.id)).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(read.values.iter().all(|value| value.lost == Some(0)));
    }
}

#[test]
fn user_stacks_and_registers_of_a_dwarf_recording() {
    let data = PerfData::parse(DWARF).unwrap();
    for sample in samples(&data) {
        assert_eq!(sample.user_regs.abi, 2);
        assert_eq!(sample.user_regs.values.len(), 20);
        assert!(sample.user_regs.get(7).is_some(), "the stack pointer");
        assert!(sample.user_stack.len() <= 512);
    }
}

#[test]
fn a_pipe_tells_the_same_in_records() {
    let data = PerfData::parse(PIPE).unwrap();
    assert!(data.damage.is_empty(), "{:?}", data.damage);
    assert_eq!((data.header.mode, data.events[0].name.as_str()), (Mode::Pipe, "cpu-clock:ppp"));
    assert_eq!(data.features.version.as_deref(), Some("6.1.187"));
    assert_eq!(samples(&data).len(), 3);

    let data = PerfData::parse(PIPE_TRACEPOINT).unwrap();
    assert!(data.damage.is_empty(), "{:?}", data.damage);
    assert_eq!(data.tracing_data.as_ref().unwrap().formats().count(), 1);
    assert_eq!(data.events[0].name, "sched:sched_switch");
    assert_eq!(samples(&data).len(), 1);
}

#[test]
fn the_order_of_time_has_every_record_once() {
    for bytes in [FP, TRACEPOINTS, GROUP, DWARF, PIPE, PIPE_TRACEPOINT, ZSTD, ZSTD_PIPE] {
        let data = PerfData::parse(bytes).unwrap();
        let mut in_file: Vec<_> = data.records().map(|record| record.unwrap().offset).collect();
        let sorted: Vec<_> = data.sorted().map(Result::unwrap).collect();
        let times: Vec<_> = sorted
            .iter()
            .filter(|record| record.kind < kind::HEADER_ATTR)
            .filter_map(|record| data.time(record))
            .filter(|time| *time != 0)
            .collect();
        assert!(times.is_sorted());
        let mut by_time: Vec<_> = sorted.iter().map(|record| record.offset).collect();
        by_time.sort_unstable();
        in_file.sort_unstable();
        assert_eq!(by_time, in_file);
    }
}

#[test]
fn compressed_records_come_out_where_they_were() {
    let data = PerfData::parse(ZSTD).unwrap();
    assert!(data.damage.is_empty(), "{:?}", data.damage);
    let compression = data.compression.unwrap();
    assert_eq!((compression.records, compression.compressed, compression.plain), (1, 827, 2304));
    assert_eq!(samples(&data).len(), 14);
    let records: Vec<_> = data.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 34);
    assert_eq!(records.iter().filter(|record| record.offset == 0x218).count(), 27);
    assert_eq!(records.last().map(|record| (record.kind, record.offset)), Some((kind::FINISHED_ROUND, 0x55b)));

    let data = PerfData::parse(ZSTD_PIPE).unwrap();
    let records = data.compression.unwrap().records;
    assert_eq!((records, samples(&data).len()), (2, 14));
}

#[test]
fn compressed_bytes_that_are_broken_or_missing_are_told_with_their_place() {
    let mut broken = ZSTD.to_vec();
    // Behind the header of the record at 0x218 and the frame's: the first block becomes one of the reserved type.
    broken[0x218 + 8 + 6] |= 6;
    let data = PerfData::parse(&broken).unwrap();
    let mut records = data.records().skip(6);
    let damage = records.next().unwrap().unwrap_err();
    assert_eq!((damage.offset, damage.expected), (0x218, "a block of a zstd stream"));
    assert!(records.next().is_none());
}
