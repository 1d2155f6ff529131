//! What this machine cannot record, made record by record: branches, changes of kernel code, guests, times of day. Real perf
//! prints it, and this program prints the same.

use perfuse_format::perfdata::attr::{Endian, flag, kind, sample_type as has};
use perfuse_format::perfdata::features::ClockData;
use perfuse_format::perfdata::{CpuMode, EventAttr, Mmap, Record, Sample, SampleId, U64s};
use perfuse_testkit::gate;

use crate::synth::{Synth, difference};

const USER: u16 = 2;
/// Where the file of this test is mapped.
const BASE: u64 = 0x5555_0000_0000;

fn attr(sample_type: u64) -> EventAttr {
    EventAttr {
        kind: kind::HARDWARE,
        sample_period: 4000,
        sample_type: has::IP | has::TID | has::TIME | has::CPU | has::PERIOD | has::IDENTIFIER | sample_type,
        flags: flag::SAMPLE_ID_ALL | flag::MMAP | flag::MMAP2 | flag::COMM | flag::TASK,
        ..EventAttr::default()
    }
}

fn id(time: u64) -> SampleId {
    SampleId { pid_tid: Some((7, 8)), time: Some(time), id: Some(100), stream_id: None, cpu: Some(1) }
}

/// A thread, and this test's own program mapped into its process from its first byte on.
fn begin(synth: &mut Synth) {
    let path = std::env::current_exe().expect("this program").to_string_lossy().into_owned();
    let mmap = Mmap {
        pid: 7,
        tid: 7,
        start: BASE,
        len: 1 << 30,
        prot: 5,
        flags: 2,
        path: path.as_bytes(),
        mode: CpuMode::User,
        is_mmap2: true,
        ..Mmap::default()
    };
    synth.record(&Record::Comm { pid: 7, tid: 8, comm: b"made", exec: false }, 0, &id(10));
    synth.record(&Record::Mmap(mmap), USER, &id(11));
}

/// The offset in this test's own program of a function of it.
fn offset_of(function: usize) -> u64 {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("the own mappings");
    let hex = |text: &str| u64::from_str_radix(text, 16).expect("a number");
    let found = maps.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let offset = words.nth(1)?;
        let inside = (hex(start)..hex(end)).contains(&(function as u64));
        inside.then(|| function as u64 - hex(start) + hex(offset))
    });
    found.expect("the function is mapped")
}

fn compare(what: &str, synth: &Synth, options: &[&[&str]]) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = synth.write(&directory.path().join("made.data"), None);
    let all: Vec<String> = options.iter().filter_map(|options| difference(&file, options)).collect();
    assert!(all.is_empty(), "{what}: {}", all.join("\n"));
}

macro_rules! needs_perf {
    () => {
        if let Err(reason) = gate::command("perf") {
            perfuse_testkit::skip!("{reason}");
        }
    };
}

fn words(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[test]
fn branches_read_as_in_perf() {
    needs_perf!();
    let branches = EventAttr { branch_sample_type: 1 << 3, ..attr(has::BRANCH_STACK) };
    let mut synth = Synth::new(&[("branches", branches)]);
    begin(&mut synth);
    let (first, second) = (offset_of(offset_of as *const () as usize), offset_of(compare as *const () as usize));
    let at = |offset: u64| BASE + offset;
    // Predicted, mispredicted, in a transaction, aborted, with cycles and types.
    let flags = |bits: u64, cycles: u64, kind: u64| bits | cycles << 4 | kind << 20;
    let stacks: &[&[u64]] = &[
        &[at(first + 60), at(second), flags(2, 12, 1), at(second + 30), at(first), flags(1, 0, 4)],
        &[at(first + 64), at(second + 8), flags(6, 3, 6), at(second + 9), at(first + 40), flags(8, 70, 2)],
        &[at(second + 4), at(second), flags(0, 0, 0), u64::MAX - 4000, at(second), flags(2, 1, 7), at(9), at(3), 2],
        &[at(first), at(first), flags(8, 0, 13), at(second), at(second), flags(1, 0, 14)],
        &[
            at(first),
            at(second),
            flags(2, 0, 15) | 1 << 26,
            at(second),
            at(second),
            flags(2, 0, 15) | 7 << 26 | 3 << 60,
        ],
        &[0, 0, 0, at(1 << 31), at(second), 1 << 24],
        &[],
    ];
    for (index, stack) in stacks.iter().enumerate() {
        let bytes = words(stack);
        let sample = Sample {
            id: 100,
            misc: USER,
            pid: 7,
            tid: 8,
            time: 1000 + index as u64,
            cpu: 1,
            period: 4000,
            ip: at(second + 20),
            branches: U64s::new(&bytes, Endian::Little),
            ..Sample::default()
        };
        synth.sample(&sample);
    }
    let fields: &[&[&str]] = &[
        &["-F", "ip,brstack"],
        &["-F", "ip,sym,dso,brstack"],
        &["-F", "ip,sym,brstacksym"],
        &["-F", "ip,sym,dso,brstacksym"],
        &["-F", "ip,sym,brstackoff"],
        &["-F", "+insn,+insnlen"],
        &["-F", "ip,sym,brstackinsn"],
        &["-F", "ip,sym,brstackinsnlen"],
        &["-F", "ip,sym,brstackinsn", "--max-blocks", "1"],
        &["-D"],
    ];
    compare("branches", &synth, fields);
}

#[test]
fn traced_branches_read_as_in_perf() {
    needs_perf!();
    let traced = EventAttr { config: 4, sample_period: 1, ..attr(has::ADDR) };
    let mut synth = Synth::new(&[("branches:u", traced)]);
    begin(&mut synth);
    let (first, second) = (offset_of(offset_of as *const () as usize), offset_of(compare as *const () as usize));
    for index in 0..4 {
        let sample = Sample {
            id: 100,
            misc: USER,
            pid: 7,
            tid: 8,
            time: 1000 + index,
            cpu: 1,
            period: 1,
            // At its beginning: in the middle of an instruction stands what only some decoders give a length.
            ip: BASE + first,
            addr: BASE + second + index * 7,
            ..Sample::default()
        };
        synth.sample(&sample);
    }
    let fields: &[&[&str]] = &[
        &[],
        &["-F", "comm,tid,ip,sym,symoff,dso"],
        &["-F", "ip,addr,sym,dso,insn"],
        &["-F", "dso,sym,callindent,comm"],
        &["-F", "+callindent,+ipc,+flags"],
    ];
    compare("traced branches", &synth, fields);
}

#[test]
fn rare_records_read_as_in_perf() {
    needs_perf!();
    let mut synth = Synth::new(&[("cycles", attr(0))]);
    begin(&mut synth);
    synth.record(&Record::TextPoke { addr: 0xffff_ffff_8100_0000, old: b"\x90\x90", new: b"\xe8\0\0\0\0" }, 1, &id(20));
    synth.record(&Record::TextPoke { addr: 0xffff_ffff_8100_0010, old: b"", new: b"" }, 1, &id(21));
    for flags in 0..8 {
        synth.record(&Record::Aux { offset: 0x1000, size: 64, flags }, 0, &id(22 + flags));
    }
    synth.record(&Record::ItraceStart { pid: 7, tid: 8 }, 0, &id(40));
    synth.record(&Record::AuxOutputHwId { hw_id: 77 }, 0, &id(41));
    synth.record(&Record::LostSamples { lost: 5 }, 0, &id(42));
    synth.record(&Record::Lost { id: 100, lost: 6 }, 0, &id(43));
    for ended in [false, true] {
        synth.record(&Record::Throttle { time: 44, id: 100, stream_id: 1, ended }, 0, &id(44));
    }
    synth.record(&Record::Cgroup { id: 9, path: b"/a/b" }, 0, &id(50));
    synth.record(
        &Record::Ksymbol { addr: 0xffff_ffff_c000_0000, len: 99, ksym_type: 2, unregister: false, name: b"ool" },
        0,
        &id(51),
    );
    synth.record(&Record::BpfEvent { event_type: 1, flags: 0, id: 3, tag: *b"12345678" }, 0, &id(52));
    synth.record(&Record::Namespaces { pid: 7, tid: 8, links: vec![(4, 0xf000_0001); 7] }, 0, &id(53));
    synth.record(&Record::Switch { out: true, preempted: true, other: None }, 0, &id(54));
    synth.record(&Record::Switch { out: false, preempted: false, other: Some((1, 2)) }, 0, &id(55));
    synth.sample(&Sample { id: 100, misc: USER, pid: 7, tid: 8, time: 60, ip: BASE + 9, ..Sample::default() });
    let options: &[&[&str]] = &[
        &["--show-text-poke-events", "--show-lost-events", "--show-cgroup-events", "--show-bpf-events"],
        &["--show-switch-events", "--show-namespace-events", "--show-mmap-events", "--show-task-events"],
        &["-D"],
        &["--dump-unsorted-raw-trace"],
    ];
    compare("records", &synth, options);
}

#[test]
fn guests_and_hypervisors_read_as_in_perf() {
    needs_perf!();
    let mut synth = Synth::new(&[("cycles", attr(has::CALLCHAIN))]);
    begin(&mut synth);
    for mode in 0..6 {
        let marks = [-128_i64, -512, -32, -2048, -2176, -2560].map(i64::cast_unsigned);
        for mark in marks {
            let bytes = words(&[mark, BASE + 4096, BASE + 8192]);
            let chain = U64s::new(&bytes, Endian::Little);
            let time = 100 + u64::from(mode);
            synth.sample(&Sample {
                id: 100,
                misc: mode,
                pid: 7,
                tid: 8,
                time,
                ip: BASE + 9,
                callchain: chain,
                ..Sample::default()
            });
        }
    }
    compare("guests", &synth, &[&[], &["-G"], &["-F", "+misc"], &["-D"]]);
}

#[test]
fn times_of_day_read_as_in_perf() {
    needs_perf!();
    let clocked = EventAttr { flags: attr(0).flags | flag::USE_CLOCKID, clockid: 1, ..attr(0) };
    let mut synth = Synth::new(&[("cycles", clocked)]);
    synth.features.clock_data =
        Some(ClockData { clockid: 1, wall_ns: 1_700_000_000_123_456_789, clock_ns: 5_000_000_000 });
    begin(&mut synth);
    for time in [1, 4_999_999_999, 6_000_000_001, 90_000_000_000_000] {
        synth.sample(&Sample { id: 100, misc: USER, pid: 7, tid: 8, time, ip: BASE + 9, ..Sample::default() });
    }
    compare(
        "times",
        &synth,
        &[&["-F", "tod,time,ip"], &["-F", "+tod", "--ns"], &["-F", "tod,comm", "--show-mmap-events"]],
    );
}
