//! Every record that is no sample, on the way through a file in both byte orders.

use super::synthetic::{attr, file};
use crate::perfdata::PerfData;
use crate::perfdata::attr::{Endian, sample_type as has};
use crate::perfdata::features::BuildId;
use crate::perfdata::record::{Mmap, Record, SampleId, Task};
use crate::perfdata::sample::{CpuMode, ReadValue, ReadValues};
use crate::perfdata::user::{AuxData, AuxError, CpuSet, EventUpdate, IdEntry, StatCount, TimeConv, UserRecord};
use crate::perfdata::write::RecordEncoder;

fn mmap() -> Mmap<'static> {
    Mmap {
        pid: 7,
        tid: 8,
        start: 0x5000,
        len: 0x1000,
        pgoff: 0x2000,
        path: b"/bin/app",
        prot: 4,
        mode: CpuMode::User,
        ..Mmap::default()
    }
}

fn kernel_records() -> Vec<Record<'static>> {
    let task = Task { pid: 9, ppid: 7, tid: 10, ptid: 8, time: 11 };
    let count = |value| ReadValue { value, id: Some(77), lost: Some(2) };
    let values = ReadValues { time_enabled: Some(5), time_running: Some(4), values: vec![count(100), count(101)] };
    let mmap2 = Mmap { is_mmap2: true, device: (8, 1), inode: (1234, 5), prot: 5, flags: 2, ..mmap() };
    vec![
        Record::Mmap(mmap()),
        Record::Mmap(Mmap { prot: 0, path: b"//anon", ..mmap() }),
        Record::Mmap(mmap2),
        Record::Mmap(Mmap {
            build_id: Some(b"\x01\x02\x03\x04\x05\x06\x07\x08"),
            device: (0, 0),
            inode: (0, 0),
            ..mmap2
        }),
        Record::Comm { pid: 7, tid: 8, comm: b"seven ch", exec: false },
        Record::Comm { pid: 7, tid: 8, comm: b"", exec: true },
        Record::Fork(task),
        Record::Exit(task),
        Record::Lost { id: 77, lost: 3 },
        Record::LostSamples { lost: 4 },
        Record::Throttle { time: 1, id: 77, stream_id: 78, ended: false },
        Record::Throttle { time: 2, id: 77, stream_id: 78, ended: true },
        Record::Read { pid: 7, tid: 8, values },
        Record::Aux { offset: 4096, size: 100, flags: 1 },
        Record::ItraceStart { pid: 7, tid: 8 },
        Record::Switch { out: false, preempted: false, other: None },
        Record::Switch { out: true, preempted: true, other: Some((12, 13)) },
        Record::Namespaces { pid: 7, tid: 8, links: vec![(3, 4_026_531_840), (3, 4_026_531_841)] },
        Record::Ksymbol { addr: 0xffff_ffff_a000_0000, len: 64, ksym_type: 1, unregister: true, name: b"bpf_prog_x" },
        Record::BpfEvent { event_type: 1, flags: 0, id: 42, tag: *b"tagtagta" },
        Record::Cgroup { id: 5005, path: b"/system.slice" },
        Record::TextPoke { addr: 0xffff_ffff_8100_0000, old: b"\x0f\x1f\x44\0\0", new: b"\xe8\x01\x02\x03\x04" },
        Record::AuxOutputHwId { hw_id: 3 },
    ]
}

#[test]
fn records_of_the_kernel() {
    let attr = attr(has::TID | has::TIME | has::ID | has::STREAM_ID | has::CPU | has::IDENTIFIER);
    let id =
        SampleId { pid_tid: Some((7, 8)), time: Some(5_000_000_124), id: Some(77), stream_id: Some(78), cpu: Some(3) };
    for endian in [Endian::Little, Endian::Big] {
        let encoder = RecordEncoder::new(&attr, endian);
        let mut records = Vec::new();
        for record in kernel_records() {
            encoder.encode(&record, 0, &id, &mut records).unwrap();
        }
        let bytes = file(attr, &records, endian);
        let data = PerfData::parse(&bytes).unwrap();
        assert!(data.damage.is_empty(), "{:?}", data.damage);
        assert_eq!(data.events[0].attr, crate::perfdata::EventAttr { size: 128, ..attr });
        let mut found = data.records().map(Result::unwrap);
        for record in kernel_records() {
            let raw = found.next().unwrap();
            assert_eq!(data.decode_record(&raw).unwrap().as_ref(), Some(&record), "{endian:?}");
            assert_eq!(data.sample_id(&raw), id, "{record:?}");
            assert_eq!(data.time(&raw), id.time);
            assert_eq!(data.decode_user(&raw).unwrap(), None);
            for length in 0..raw.body.len() {
                // Whatever it becomes: it must be told, not end the program.
                let cut = crate::perfdata::RawRecord { body: &raw.body[..length], ..raw };
                let _ = (data.decode_record(&cut), data.sample_id(&cut), data.time(&cut));
            }
        }
        assert!(found.next().is_none());
    }
}

fn user_records() -> Vec<UserRecord<'static>> {
    let set = |any, cpus: &[u32]| CpuSet { any, cpus: cpus.to_vec() };
    let id = BuildId { pid: -1, misc: 0x8001, id: vec![9; 16], path: "[kernel.kallsyms]".to_owned() };
    let error = AuxError { error_type: 1, code: 2, cpu: 3, pid: 4, tid: 5, ip: 6, time: 7, message: b"lost" };
    let count = StatCount { id: 77, cpu: 1, thread: 2, value: 1000, enabled: 5, running: 4 };
    let conv = TimeConv { shift: 31, mult: 5, zero: 6, cycles: 7, mask: 8, has_zero: true, is_short: true };
    vec![
        UserRecord::HeaderAttr { attr: crate::perfdata::EventAttr { size: 128, ..attr(has::IP) }, ids: vec![77, 78] },
        UserRecord::BuildId(id),
        UserRecord::FinishedRound,
        UserRecord::IdIndex(vec![IdEntry { id: 77, idx: 0, cpu: 1, tid: u64::MAX }, IdEntry::default()]),
        UserRecord::AuxtraceInfo { aux_type: 1, private: vec![1, 2, 3] },
        UserRecord::Auxtrace(AuxData { size: 0, offset: 8, reference: 9, idx: 1, tid: -1, cpu: 2 }),
        UserRecord::AuxtraceError(error),
        UserRecord::ThreadMap(vec![(4001, b"app"), (4002, b"fifteen letters")]),
        UserRecord::CpuMap(set(false, &[0, 1, 2, 3])),
        UserRecord::CpuMap(set(true, &[1, 4, 9])),
        UserRecord::StatConfig(vec![(0, 1), (1, 1000)]),
        UserRecord::Stat(count),
        UserRecord::StatRound { round: 1, time: 1_000_000 },
        UserRecord::EventUpdate { id: 77, update: EventUpdate::Unit(b"Joules") },
        UserRecord::EventUpdate { id: 77, update: EventUpdate::Scale(2.5e-10) },
        UserRecord::EventUpdate { id: 77, update: EventUpdate::Name(b"energy") },
        UserRecord::EventUpdate { id: 77, update: EventUpdate::Cpus(set(false, &[0])) },
        UserRecord::TimeConv(conv),
        UserRecord::HeaderFeature { number: 3, bytes: b"\x04\0\0\0abc\0" },
        UserRecord::FinishedInit,
    ]
}

#[test]
fn records_of_perf_itself() {
    for endian in [Endian::Little, Endian::Big] {
        let mut records = Vec::new();
        for record in user_records() {
            record.encode(endian, &mut records).unwrap();
        }
        let bytes = file(attr(has::IP), &records, endian);
        let data = PerfData::parse(&bytes).unwrap();
        let mut found = data.records().map(Result::unwrap);
        for record in user_records() {
            let raw = found.next().unwrap();
            assert_eq!(data.decode_user(&raw).unwrap().as_ref(), Some(&record), "{endian:?}");
            assert_eq!(data.decode_record(&raw).unwrap(), None);
            for length in 0..raw.body.len() {
                let cut = crate::perfdata::RawRecord { body: &raw.body[..length], ..raw };
                let _ = data.decode_user(&cut);
            }
        }
        assert!(found.next().is_none());
    }
}

#[test]
fn sets_of_cpus_as_masks() {
    let raw = |body: &'static [u8]| crate::perfdata::RawRecord { kind: 74, misc: 0, offset: 0, body };
    let decode = |body| match crate::perfdata::user::decode(&raw(body), Endian::Little) {
        Ok(Some(UserRecord::CpuMap(set))) => set.cpus,
        other => panic!("{other:?}"),
    };
    assert_eq!(decode(b"\x01\0\x01\0\x08\0\0\0\x05\0\0\0\0\0\0\x80"), [0, 2, 63]);
    assert_eq!(decode(b"\x01\0\x02\0\x04\0\x02\0\0\0\x01\0\0\0"), [1, 32]);
    assert!(crate::perfdata::user::decode(&raw(b"\x01\0\xff\xff\x04\0\x02\0\0\0"), Endian::Little).is_err());
}

#[test]
fn a_record_that_is_too_long_is_refused_and_leaves_nothing() {
    let path = vec![b'x'; 65500];
    let mut out = b"before".to_vec();
    let encoder = RecordEncoder::new(&attr(has::TID), Endian::Little);
    let record = Record::Mmap(Mmap { path: &path, ..mmap() });
    let error = encoder.encode(&record, 0, &SampleId::default(), &mut out).unwrap_err();
    assert_eq!((error.kind, error.length), (1, 65552));
    assert_eq!(out, b"before");
}
