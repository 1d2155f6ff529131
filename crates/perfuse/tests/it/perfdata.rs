//! Recordings through the reader here and through real perf: the same records at the same places in the same order.
//! And files written here, read by real perf.

use std::path::Path;
use std::process::Command;

use perfuse_format::perfdata::attr::{EventAttr, branch, flag, read_format, sample_type};
use perfuse_format::perfdata::features::{CpuCounts, EventDesc};
use perfuse_format::perfdata::record::{Mmap, SampleId, Task};
use perfuse_format::perfdata::sample::{ReadValue, ReadValues, Registers};
use perfuse_format::perfdata::write::{self, FileLayout, RecordEncoder};
use perfuse_format::perfdata::{CpuMode, Endian, Event, Feature, Features, PerfData, Record, Sample, U64s, UserRecord};
use perfuse_testkit::gate;
use perfuse_testkit::need;

/// What perf prints of a file.
fn perf_script(file: &Path, arguments: &[&str]) -> String {
    let output = Command::new("perf").arg("script").args(arguments).arg("-i").arg(file).output().expect("perf runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Time, place and size of each record, as `perf script -D` prints them: `[CPU] TIME OFFSET [SIZE]: PERF_RECORD_…`.
/// Records without a time have a zero, or in files without CPUs a -1.
fn of_perf(dump: &str) -> Vec<(u64, u64, u64)> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None if text == "-1" => Some(0),
        None => text.parse().ok(),
    };
    let record = |line: &str| {
        let (head, _) = line.split_once("]: PERF_RECORD_")?;
        let mut words = head.split(' ').rev();
        let size = number(words.next()?.strip_prefix('[')?)?;
        let offset = number(words.next()?)?;
        Some((number(words.next()?)?, offset, size))
    };
    dump.lines().filter_map(record).collect()
}

/// The same from the reader here.
fn of_reader(bytes: &[u8]) -> Vec<(u64, u64, u64)> {
    let data = PerfData::parse(bytes).unwrap();
    assert!(data.damage.is_empty(), "{:?}", data.damage);
    let records = data.sorted().map(|record| record.expect("no damage"));
    let entry = |record: perfuse_format::perfdata::RawRecord<'_>| {
        let time = if record.kind < 64 { data.time(&record).unwrap_or_default() } else { 0 };
        (time, record.offset, record.body.len() as u64 + 8)
    };
    records.map(entry).collect()
}

#[test]
fn records_of_real_recordings_come_in_the_same_order() {
    need!(gate::command("perf"));
    need!(gate::root());
    let directory = tempfile::tempdir().unwrap();
    let kinds: &[(&str, &[&str])] = &[
        ("chains", &["-g", "-F", "999"]),
        ("several events", &["-e", "cpu-clock", "-e", "page-faults", "-c", "10"]),
        ("a group", &["-e", "{cpu-clock,page-faults}:S", "-F", "999"]),
        ("stacks", &["--call-graph", "dwarf,1024", "-F", "999"]),
        ("compressed", &["-z", "-g", "-F", "4000"]),
        ("many fields", &["-a", "-d", "-W", "--sample-cpu", "--namespaces", "--switch-events", "-e", "cpu-clock"]),
    ];
    for (name, options) in kinds {
        for pipe in [false, true] {
            let file = directory.path().join("perf.data");
            let target = if pipe { Path::new("-") } else { &file };
            let mut command = Command::new("perf");
            command.arg("record").args(*options).arg("-o").arg(target);
            command.args(["--", "sh", "-c", "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; true | true"]);
            let output = command.output().expect("perf runs");
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            if pipe {
                std::fs::write(&file, &output.stdout).unwrap();
            }
            let theirs = of_perf(&perf_script(&file, &["-D"]));
            assert!(theirs.len() > 10, "{name}: {theirs:?}");
            assert_eq!(of_reader(&std::fs::read(&file).unwrap()), theirs, "{name}, pipe: {pipe}");
        }
    }
}

fn numbers(numbers: &[u64], endian: Endian) -> Vec<u8> {
    let bytes = numbers.iter().flat_map(|number| match endian {
        Endian::Little => number.to_le_bytes(),
        Endian::Big => number.to_be_bytes(),
    });
    bytes.collect()
}

fn event(fields: u64) -> Event {
    let attr = EventAttr {
        kind: 1,
        sample_period: 250_000,
        sample_type: fields
            | sample_type::IDENTIFIER
            | sample_type::IP
            | sample_type::TID
            | sample_type::TIME
            | sample_type::CPU
            | sample_type::PERIOD,
        read_format: read_format::ID | read_format::GROUP | read_format::LOST,
        flags: flag::SAMPLE_ID_ALL | flag::MMAP | flag::COMM | flag::MMAP2 | flag::TASK,
        branch_sample_type: branch::HW_INDEX | 1 << 3,
        sample_regs_user: 0x180,
        sample_stack_user: 16,
        ..EventAttr::default()
    };
    Event { attr, ids: vec![77, 78], name: "cpu-clock".to_owned(), ..Event::default() }
}

/// A file of one program with two samples that have `fields`, in a byte order.
fn made(fields: u64, endian: Endian) -> Vec<u8> {
    let event = event(fields);
    let encoder = RecordEncoder::new(&event.attr, endian);
    let id = SampleId {
        pid_tid: Some((41, 42)),
        time: Some(1_000_000_000),
        id: Some(77),
        cpu: Some(1),
        ..SampleId::default()
    };
    let mmap = Mmap {
        pid: 41,
        tid: 41,
        start: 0x40_0000,
        len: 0x1_0000,
        path: b"/nowhere/app",
        mode: CpuMode::User,
        prot: 4,
        ..Mmap::default()
    };
    let mut records = Vec::new();
    for record in [
        Record::Comm { pid: 41, tid: 41, comm: b"app", exec: true },
        Record::Mmap(mmap),
        Record::Fork(Task { pid: 41, ppid: 41, tid: 42, ptid: 41, time: 1_000_000_001 }),
        Record::Switch { out: true, preempted: false, other: Some((7, 8)) },
        Record::Cgroup { id: 5005, path: b"/a" },
        Record::LostSamples { lost: 4 },
    ] {
        encoder.encode(&record, 0, &id, &mut records).unwrap();
    }
    let chain = numbers(&[(-512_i64).cast_unsigned(), 0x40_1000, 0x40_2000], endian);
    let first = if endian == Endian::Little { 1 } else { 1 << 63 };
    let branches = numbers(&[0x40_1100, 0x40_1200, first, 0x40_1300, 0x40_1400, first], endian);
    let registers = numbers(&[0x7ffd_0000, 0x40_1000], endian);
    let sample = Sample {
        misc: 2,
        ip: 0x40_1000,
        pid: 41,
        tid: 42,
        time: 1_000_001_000,
        addr: 0x7fff_1234,
        id: 77,
        cpu: 1,
        period: 250_000,
        read: Some(ReadValues {
            values: vec![ReadValue { value: 1000, id: Some(77), lost: Some(0) }],
            ..ReadValues::default()
        }),
        callchain: U64s::new(&chain, endian),
        branch_hw_index: Some(1),
        branches: U64s::new(&branches, endian),
        user_regs: Registers { abi: 2, mask: 0x180, values: U64s::new(&registers, endian) },
        user_stack: b"sixteen bytes...",
        weight: 41,
        data_src: 0x6810_0142,
        phys_addr: 0x1_2345_6000,
        cgroup: 5005,
        data_page_size: 4096,
        code_page_size: 2 << 20,
        ..Sample::default()
    };
    write::encode_sample(&sample, &event.attr, endian, &mut records).unwrap();
    write::encode_sample(&Sample { time: 1_000_002_000, ..sample }, &event.attr, endian, &mut records).unwrap();
    UserRecord::FinishedRound.encode(endian, &mut records).unwrap();
    file(&event, &records, endian)
}

fn file(event: &Event, records: &[u8], endian: Endian) -> Vec<u8> {
    let desc = EventDesc { attr: event.attr, name: event.name.clone(), ids: event.ids.clone() };
    let features = Features {
        hostname: Some("made".to_owned()),
        arch: Some(if endian == Endian::Little { "x86_64" } else { "s390x" }.to_owned()),
        cpus: Some(CpuCounts { available: 2, online: 2 }),
        event_desc: vec![desc],
        branch_stack: event.attr.samples(sample_type::BRANCH_STACK),
        ..Features::default()
    };
    let sections: Vec<_> = Feature::ALL
        .into_iter()
        .filter_map(|feature| Some((feature.number(), write::feature(&features, feature, endian)?)))
        .collect();
    let layout = FileLayout::new(std::slice::from_ref(event), endian);
    let size = records.len() as u64;
    let mut file = layout.head(size, sections.iter().map(|(number, _)| *number));
    file.extend(records);
    file.extend(layout.tail(size, &sections));
    file
}

/// Of hardware that is not here, and of a machine of the other byte order.
#[test]
fn perf_reads_what_is_written_here_in_both_byte_orders() {
    need!(gate::command("perf"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made.data");
    let cases: &[(u64, &str, &str)] = &[
        (sample_type::BRANCH_STACK, "brstack", "0x401100/0x401200/M/-/-/0/  0x401300/0x401400/M/-/-/0/"),
        (
            sample_type::DATA_SRC | sample_type::WEIGHT | sample_type::ADDR | sample_type::PHYS_ADDR,
            "addr,phys_addr,data_src,weight",
            "7fff1234        68100142 |OP LOAD|LVL L1 hit|SNP None|TLB L1 or L2 hit|LCK No|BLK  N/A              41       123456000",
        ),
        (sample_type::CALLCHAIN, "comm,tid,time,ip", "app    42     1.000002: "),
        (
            sample_type::DATA_PAGE_SIZE | sample_type::CODE_PAGE_SIZE | sample_type::ADDR,
            "addr,data_page_size,code_page_size",
            "7fff1234 4K 2M",
        ),
        (sample_type::REGS_USER | sample_type::STACK_USER, "time,period", "1.000002:     250000"),
        (sample_type::READ | sample_type::CGROUP, "comm,cpu,time", "app [001]     1.000001:"),
    ];
    for (fields, columns, expected) in cases {
        for endian in [Endian::Little, Endian::Big] {
            let bytes = made(*fields, endian);
            std::fs::write(&path, &bytes).unwrap();
            let theirs = of_perf(&perf_script(&path, &["-D"]));
            assert_eq!(of_reader(&bytes), theirs, "{columns} {endian:?}");
            assert_eq!(theirs.len(), 9, "{columns} {endian:?}");
            let printed = perf_script(&path, &["-F", columns]);
            assert!(printed.contains(expected), "{columns} {endian:?}: {printed}");
        }
    }
}

/// A recording of real perf, compressed here: perf prints the same of it.
#[test]
fn perf_reads_records_that_were_compressed_here() {
    need!(gate::command("perf"));
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain.data");
    let compressed = directory.path().join("compressed.data");
    let bytes = made(sample_type::CALLCHAIN, Endian::Little);
    std::fs::write(&plain, &bytes).unwrap();
    let data = PerfData::parse(&bytes).unwrap();
    let section = data.header.data;
    let begin = usize::try_from(section.offset).unwrap();
    let end = begin + usize::try_from(section.size).unwrap();
    // All but the end of the round, which perf leaves plain too.
    let mut compressor = write::Compressor::new();
    let mut records = Vec::new();
    compressor.compress(&bytes[begin..end - 8], Endian::Little, &mut records);
    records.extend(&bytes[end - 8..end]);
    let mut features = data.features.clone();
    features.compressed = Some(perfuse_format::perfdata::features::CompressedInfo {
        version: 1,
        kind: 1,
        level: 1,
        ratio: compressor.ratio(),
        mmap_len: u32::try_from(write::Compressor::PIECE).unwrap(),
    });
    let sections: Vec<_> = Feature::ALL
        .into_iter()
        .filter_map(|feature| Some((feature.number(), write::feature(&features, feature, Endian::Little)?)))
        .collect();
    let layout = FileLayout::new(&data.events, Endian::Little);
    let mut file = layout.head(records.len() as u64, sections.iter().map(|(number, _)| *number));
    file.extend(&records);
    file.extend(layout.tail(records.len() as u64, &sections));
    std::fs::write(&compressed, &file).unwrap();
    let printed = perf_script(&plain, &[]);
    assert!(printed.contains("1000 [unknown] (/nowhere/app)"), "{printed}");
    assert_eq!(perf_script(&compressed, &[]), printed);
    assert_eq!(of_reader(&file), of_perf(&perf_script(&compressed, &["-D"])));
}
