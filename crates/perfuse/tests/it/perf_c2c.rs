//! `perf c2c` and `perf mem` beside the real ones, on recordings of memory accesses that are made record by record: no
//! machine of this project's tests samples them.

use std::path::Path;
use std::process::{Command, Stdio};

use perfuse_format::perfdata::attr::{Endian, flag, kind, sample_type as has};
use perfuse_format::perfdata::features::{CpuCounts, MemNode, MemTopology, NumaNode};
use perfuse_format::perfdata::{CpuMode, EventAttr, Mmap, Record, Sample, SampleId, U64s};
use perfuse_testkit::{gate, skip};

use crate::synth::Synth;
use crate::{perfuse, stderr};

const USER: u16 = 2;
const KERNEL: u16 = 1;
/// Where the file of this test is mapped, and where memory without a file is.
const CODE: u64 = 0x5555_0000_0000;
const HEAP: u64 = 0x7f00_0000_0000;
/// Where memory of a file is, which both processes share.
const SHARED: u64 = 0x7f10_0000_0000;

/// Parts of `union perf_mem_data_src` (Linux: `include/uapi/linux/perf_event.h`).
const LOAD: u64 = 2;
const STORE: u64 = 4;
const fn level(bits: u64) -> u64 {
    bits << 5
}
const NOT_KNOWN: u64 = 1;
const HIT: u64 = 2;
const MISS: u64 = 4;
const L1: u64 = 8;
const LFB: u64 = 0x10;
const L2: u64 = 0x20;
const L3: u64 = 0x40;
const RAM: u64 = 0x80;
const REMOTE_RAM: u64 = 0x100;
const REMOTE_CACHE: u64 = 0x400;
const IO: u64 = 0x1000;
const UNCACHED: u64 = 0x2000;
const fn snoop(bits: u64) -> u64 {
    bits << 19
}
const SNOOP_HIT: u64 = 4;
const HITM: u64 = 0x10;
const LOCKED: u64 = 2 << 24;
const PEER: u64 = 2 << 38;
const BLOCKED: u64 = 6 << 40;

/// One access: process and thread, CPU, offset of the code, address, what it was, cycles.
type Access = (i32, i32, u32, u64, u64, u64, u64);

/// What differs between recordings.
#[derive(Clone, Copy, Default)]
struct Made {
    chains: bool,
    physical: bool,
    arm: bool,
}

fn made(made: Made, accesses: &[Access]) -> Synth {
    let mut bits = has::IP | has::TID | has::TIME | has::ADDR | has::CPU | has::PERIOD | has::IDENTIFIER;
    bits |= has::WEIGHT | has::DATA_SRC;
    bits |= if made.chains { has::CALLCHAIN } else { 0 };
    bits |= if made.physical { has::PHYS_ADDR } else { 0 };
    let attr = EventAttr {
        kind: kind::RAW,
        config: 0x1cd,
        config1: 30,
        sample_period: 4000,
        sample_type: bits,
        flags: flag::SAMPLE_ID_ALL | flag::MMAP | flag::MMAP2 | flag::MMAP_DATA | flag::COMM | flag::TASK,
        ..EventAttr::default()
    };
    let events = [("cpu/mem-loads,ldlat=30/P", attr), ("cpu/mem-stores/P", EventAttr { config: 0x2cd, ..attr })];
    let mut synth = Synth::new(&events);
    let features = &mut synth.features;
    features.cpus = Some(CpuCounts { available: 4, online: 4 });
    let node = |node, cpus: &str| NumaNode { node, total_kib: 1 << 20, free_kib: 1 << 19, cpus: cpus.to_owned() };
    features.numa = vec![node(0, "0-1"), node(1, "2-3")];
    let blocks = |node, set| MemNode { node, bits: 64, set: vec![set] };
    features.mem_topology =
        Some(MemTopology { block_size: 1 << 27, nodes: vec![blocks(0, 0xffff_ffff), blocks(1, 0xffff_ffff << 32)] });
    if made.arm {
        features.arch = Some("arm64".to_owned());
    }
    let path = std::env::current_exe().expect("this program").to_string_lossy().into_owned();
    for pid in [7, 9] {
        let id = SampleId { pid_tid: Some((pid, pid)), time: Some(10), id: Some(100), stream_id: None, cpu: Some(0) };
        let comm = if pid == 7 { &b"reader"[..] } else { b"writer" };
        synth.record(&Record::Comm { pid, tid: pid, comm, exec: false }, 0, &id);
        if pid == 7 {
            synth.record(&Record::Comm { pid, tid: 8, comm: b"helper", exec: false }, 0, &id);
        }
        let code = Mmap {
            pid,
            tid: pid,
            start: CODE,
            len: 1 << 30,
            prot: 5,
            flags: 2,
            path: path.as_bytes(),
            mode: CpuMode::User,
            is_mmap2: true,
            ..Mmap::default()
        };
        synth.record(&Record::Mmap(code), USER, &id);
        let heap = Mmap { start: HEAP, len: 1 << 20, prot: 3, path: b"//anon", ..code };
        synth.record(&Record::Mmap(heap), USER, &id);
        let shared = Mmap { start: SHARED, flags: 1, path: b"/dev/shm/ring", device: (1, 2), inode: (5, 0), ..heap };
        synth.record(&Record::Mmap(shared), USER, &id);
    }
    for (time, (pid, tid, cpu, code, addr, source, weight)) in (100..).zip(accesses) {
        let mut words = Vec::new();
        let (misc, ip) = if *code >= 1 << 40 { (KERNEL, *code) } else { (USER, CODE + code) };
        for word in [(-512_i64).cast_unsigned(), ip, CODE + 0x2000] {
            words.extend(word.to_le_bytes());
        }
        synth.sample(&Sample {
            event: usize::from(source & STORE != 0),
            misc,
            ip,
            pid: *pid,
            tid: *tid,
            time,
            addr: *addr,
            id: 100 + u64::from(source & STORE != 0),
            cpu: *cpu,
            period: 1,
            weight: *weight,
            data_src: *source,
            phys_addr: if made.physical { addr & 0xf_ffff | u64::from(*cpu) << 31 } else { 0 },
            callchain: if made.chains { U64s::new(&words, Endian::Little) } else { U64s::default() },
            ..Sample::default()
        });
    }
    synth
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

/// Accesses of every kind, to lines that are shared and to some that are not.
fn accesses() -> Vec<Access> {
    let (one, other) = (offset_of(offset_of as *const () as usize), offset_of(made as *const () as usize));
    let loads = |bits: u64| LOAD | level(bits);
    let hitm = loads(HIT | L3) | snoop(HITM);
    let remote = loads(HIT | REMOTE_CACHE) | snoop(HITM);
    let stores = |bits: u64| STORE | level(bits);
    let mut all: Vec<Access> = Vec::new();
    for round in 0..6 {
        all.push((7, 7, 0, one, HEAP + 8, hitm, 80 + round));
        all.push((9, 9, 2, other, HEAP + 16, stores(HIT | L1) | LOCKED, 0));
        if round % 2 == 0 {
            all.push((7, 8, 3, one + 40, HEAP + 8, remote, 300 + round));
            all.push((9, 9, 2, other + 60, HEAP + 64 + 4, hitm, 70));
            all.push((7, 7, 1, other + 90, HEAP + 64 + 60, stores(MISS | L1), 0));
        }
        all.push((7, 8, 1, one, HEAP + 8, loads(HIT | L1), 4));
        all.push((7, 7, 0, one + 4, SHARED + 0x48, hitm, 90));
        all.push((7, 8, 1, one + 9, SHARED + 0x48, hitm, 95));
        all.push((9, 9, 2, other + 4, SHARED + 0x50, stores(HIT | L1), 0));
        all.push((9, 9, 3, other + 30, SHARED + 0x50, stores(MISS | L1), 0));
        all.push((9, 9, 3, other + 30, SHARED + 0x48, remote, 400 + round));
    }
    all.push((7, 7, 0, one, HEAP + 0x1000, loads(HIT | L2), 14));
    all.push((7, 7, 0, one, HEAP + 0x1000, loads(HIT | LFB), 9));
    all.push((7, 7, 0, one, HEAP + 0x2000, loads(HIT | L3) | snoop(SNOOP_HIT), 44));
    all.push((7, 7, 0, one, HEAP + 0x2000, loads(HIT | RAM) | snoop(SNOOP_HIT), 200));
    all.push((7, 7, 0, one, HEAP + 0x2000, loads(HIT | REMOTE_RAM), 400));
    all.push((7, 7, 0, one, HEAP + 0x2040, loads(HIT | REMOTE_CACHE) | snoop(SNOOP_HIT), 250));
    all.push((7, 7, 0, one, HEAP + 0x2040, loads(HIT | IO), 900));
    all.push((7, 7, 0, one, HEAP + 0x2040, loads(HIT | UNCACHED) | BLOCKED, 900));
    all.push((7, 7, 0, one, HEAP + 0x2040, loads(MISS | L1), 33));
    all.push((7, 7, 0, one, 0, loads(HIT | L1), 3));
    all.push((7, 7, 0, one, 0x10, loads(HIT | L1), 3));
    all.push((9, 9, 0, one, HEAP + 0x3000, loads(HIT | L2) | PEER, 50));
    all.push((9, 9, 0, one, HEAP + 0x3000, loads(HIT | L3) | PEER, 60));
    all.push((9, 9, 3, one, HEAP + 0x3008, loads(HIT | REMOTE_CACHE) | PEER, 260));
    all.push((9, 9, 3, one, HEAP + 0x3008, stores(NOT_KNOWN), 0));
    all.push((9, 9, 3, one, HEAP + 0x3008, stores(HIT | UNCACHED), 0));
    all.push((9, 9, 3, one, 0, stores(HIT | L1), 0));
    all.push((9, 9, 3, one, HEAP, 1, 0));
    all.push((7, 7, 2, 0xffff_ffff_8100_0100, 0xffff_8880_0000_1008, hitm, 90));
    all.push((9, 9, 1, 0xffff_ffff_8100_0200, 0xffff_8880_0000_1010, stores(HIT | L1), 0));
    all.push((9, 9, 1, 0xffff_ffff_8100_0200, 0xffff_8880_0000_1008, remote, 190));
    all
}

/// What perf prints of a file, and what this program does.
fn both(command: &str, file: &Path, options: &str) -> (String, String) {
    let words = || command.split(' ').chain(["-i", file.to_str().unwrap()]).chain(options.split_whitespace());
    let perf = gate::find_command("perf").expect("the gate is open");
    let theirs = Command::new(perf).args(words()).stdin(Stdio::null()).output().expect("perf runs");
    let ours = perfuse(words()).output().expect("the binary runs");
    assert_eq!(ours.status.code(), theirs.status.code(), "{command} {options}: {}", stderr(&ours));
    (String::from_utf8_lossy(&theirs.stdout).into_owned(), String::from_utf8_lossy(&ours.stdout).into_owned())
}

fn compare(command: &str, file: &Path, options: &str) {
    let (theirs, ours) = both(command, file, options);
    let lines = theirs.lines().zip(ours.lines()).enumerate();
    let differing: Vec<_> = lines.filter(|(_, (theirs, ours))| theirs != ours).take(3).collect();
    let (of_perf, own) = (theirs.lines().count(), ours.lines().count());
    assert!(theirs == ours, "{command} {options}: {of_perf} lines of perf, {own} of ours: {differing:#?}");
    assert!(of_perf > 5, "{command} {options}: {theirs}");
}

#[test]
fn tables_of_shared_cache_lines_are_those_of_perf() {
    if let Err(reason) = gate::command("perf") {
        skip!("{reason}");
    }
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for (name, how, options) in [
        (
            "plain.data",
            Made::default(),
            &[
                "--stdio",
                "--stats",
                "--stdio -d lcl",
                "--stdio -d rmt",
                "--stdio -d peer",
                "--stdio -N",
                "--stdio -NN",
                "--stdio --show-all",
                "--stdio --full-symbols",
                "--stdio --no-source",
                "--stdio -c tid",
                "--stdio -c pid,iaddr",
                "--stdio -c dso",
                "--stdio -c offset",
            ][..],
        ),
        ("physical.data", Made { physical: true, ..Made::default() }, &["--stdio", "--stdio -N -d rmt"]),
        ("arm.data", Made { arm: true, ..Made::default() }, &["--stdio"]),
        (
            "chains.data",
            Made { chains: true, ..Made::default() },
            &["--stdio", "--stdio -g", "--stdio -g caller", "--stdio -g flat", "--stdio -c tid -g folded"],
        ),
    ] {
        let file = made(how, &accesses()).write(&directory.join(name), None);
        for options in options {
            compare("c2c report", &file, options);
        }
    }
}

#[test]
fn reports_of_memory_accesses_are_those_of_perf() {
    if let Err(reason) = gate::command("perf") {
        skip!("{reason}");
    }
    let directory = tempfile::tempdir().unwrap();
    let how = Made { physical: true, ..Made::default() };
    let file = made(how, &accesses()).write(&directory.path().join("made.data"), None);
    for command in ["mem report", "mem -t store report", "mem -p report", "mem --data-page-size report"] {
        let (theirs, ours) = both(command, &file, "--stdio");
        // Tips are each program's own.
        let without = |text: &str| -> String {
            text.lines().filter(|line| !line.starts_with("# (")).map(|line| line.to_owned() + "\n").collect()
        };
        let (theirs, ours) = (without(&theirs), without(&ours));
        let differing = theirs.lines().zip(ours.lines()).find(|(theirs, ours)| theirs != ours);
        assert!(theirs == ours, "{command}: {differing:#?}");
    }
    for options in ["-D", "-D -p", "-D -x ,", "-D -U", "-D --data-page-size"] {
        let (theirs, ours) = both("mem report", &file, options);
        // perf writes the first sample in another way than all others.
        let rest = |text: &str| -> String {
            let lines = text.lines().enumerate().filter(|(at, _)| *at != 1);
            lines.map(|(_, line)| line.to_owned() + "\n").collect()
        };
        assert_eq!(rest(&ours), rest(&theirs), "{options}");
    }
}

/// Where nothing samples memory accesses it is said what is missing, with perf's status.
#[test]
fn without_the_hardware_recording_says_what_is_missing() {
    for name in ["cpu/events/mem-loads", "cpu_core/events/mem-loads", "ibs_op"] {
        if Path::new("/sys/bus/event_source/devices").join(name).exists() {
            skip!("this machine samples memory accesses");
        }
    }
    for command in ["c2c", "mem"] {
        let output = perfuse([command, "record", "-a", "--", "sleep", "1"]).output().unwrap();
        assert_eq!(output.status.code(), Some(255));
        assert!(stderr(&output).contains("PEBS"), "{}", stderr(&output));
    }
    for words in
        [&["c2c"][..], &["mem"], &["c2c", "other"], &["c2c", "report", "-d", "x"], &["c2c", "report", "-c", "x"]]
    {
        let output = perfuse(words).current_dir("/").output().unwrap();
        // A wrong value is found once the recording is open, as in perf.
        let expected = if words.len() > 2 { 255 } else { 129 };
        assert_eq!(output.status.code(), Some(expected), "{words:?}: {}", stderr(&output));
    }
}
