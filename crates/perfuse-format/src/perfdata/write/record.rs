//! Records of the kernel's kinds, as the kernel writes them and as perf synthesizes them for what ran before.

use crate::perfdata::attr::{Endian, EventAttr, flag, read_format as format, sample_type as has};
use crate::perfdata::decode_record::misc;
use crate::perfdata::record::{Mmap, Record, SampleId, Task, kind};
use crate::perfdata::sample::{CpuMode, ReadValue, ReadValues};
use crate::perfdata::write::put::Put;

/// A record that would be longer than 65535 bytes, which its header cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record of type {kind} would have {length} bytes, but 65535 is the most")]
pub struct TooLong {
    /// Type of the record.
    pub kind: u32,
    /// How long it would be.
    pub length: usize,
}

/// Makes records that look like those of an event.
#[derive(Debug, Clone, Copy)]
pub struct RecordEncoder {
    endian: Endian,
    sample_type: u64,
    read_format: u64,
    trailer: bool,
}

impl RecordEncoder {
    /// For the records of the event with this attr: its trailer follows each.
    pub fn new(attr: &EventAttr, endian: Endian) -> Self {
        Self {
            endian,
            sample_type: attr.sample_type,
            read_format: attr.read_format,
            trailer: attr.has(flag::SAMPLE_ID_ALL),
        }
    }

    /// Appends `record` with the trailer `id`. What perf synthesizes has a trailer of zeros: `SampleId::default()`.
    ///
    /// `more_misc` are bits of `misc` that the record itself does not imply, such as the mode of a FORK.
    pub fn encode(&self, record: &Record<'_>, more_misc: u16, id: &SampleId, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let (kind, implied) = kind_and_misc(record);
        let mut put = Put::new(out, self.endian);
        put.record(kind, more_misc | implied, |put| {
            let start = put.out.len();
            self.body(put, record);
            put.align(start);
            if self.trailer {
                self.put_trailer(put, id);
            }
        })
    }

    fn put_trailer(&self, put: &mut Put<'_>, id: &SampleId) {
        let fields = self.sample_type;
        if fields & has::TID != 0 {
            let (pid, tid) = id.pid_tid.unwrap_or_default();
            put.i32(pid);
            put.i32(tid);
        }
        for (bit, number) in [(has::TIME, id.time), (has::ID, id.id), (has::STREAM_ID, id.stream_id)] {
            if fields & bit != 0 {
                put.u64(number.unwrap_or_default());
            }
        }
        if fields & has::CPU != 0 {
            put.u32(id.cpu.unwrap_or_default());
            put.u32(0);
        }
        if fields & has::IDENTIFIER != 0 {
            put.u64(id.id.unwrap_or_default());
        }
    }

    fn body(&self, put: &mut Put<'_>, record: &Record<'_>) {
        let start = put.out.len();
        match record {
            Record::Mmap(mmap) => put_mmap(put, mmap),
            Record::Comm { pid, tid, comm, .. } => {
                put.i32(*pid);
                put.i32(*tid);
                put.name(comm, start);
            }
            Record::Fork(task) | Record::Exit(task) => put_task(put, *task),
            Record::Lost { id, lost } => {
                put.u64(*id);
                put.u64(*lost);
            }
            Record::LostSamples { lost } => put.u64(*lost),
            Record::Throttle { time, id, stream_id, .. } => {
                put.u64(*time);
                put.u64(*id);
                put.u64(*stream_id);
            }
            Record::Read { pid, tid, values } => {
                put.i32(*pid);
                put.i32(*tid);
                put_read(put, values, self.read_format);
            }
            Record::Aux { offset, size, flags } => {
                put.u64(*offset);
                put.u64(*size);
                put.u64(*flags);
            }
            Record::ItraceStart { pid, tid } => {
                put.i32(*pid);
                put.i32(*tid);
            }
            Record::Switch { other, .. } => {
                if let Some((pid, tid)) = other {
                    put.i32(*pid);
                    put.i32(*tid);
                }
            }
            Record::Namespaces { pid, tid, links } => {
                put.i32(*pid);
                put.i32(*tid);
                put.u64(links.len() as u64);
                for (device, inode) in links {
                    put.u64(*device);
                    put.u64(*inode);
                }
            }
            _ => put_rare(put, record),
        }
    }
}

/// What seldom happens: symbols, programs, cgroups, changed code.
fn put_rare(put: &mut Put<'_>, record: &Record<'_>) {
    let start = put.out.len();
    match record {
        Record::Ksymbol { addr, len, ksym_type, unregister, name } => {
            put.u64(*addr);
            put.u32(*len);
            put.u16(*ksym_type);
            put.u16(u16::from(*unregister));
            put.name(name, start);
        }
        Record::BpfEvent { event_type, flags, id, tag } => {
            put.u16(*event_type);
            put.u16(*flags);
            put.u32(*id);
            put.bytes(tag);
        }
        Record::Cgroup { id, path } => {
            put.u64(*id);
            put.name(path, start);
        }
        Record::TextPoke { addr, old, new } => {
            put.u64(*addr);
            put.u16(u16::try_from(old.len()).unwrap_or(u16::MAX));
            put.u16(u16::try_from(new.len()).unwrap_or(u16::MAX));
            put.bytes(old);
            put.bytes(new);
        }
        Record::AuxOutputHwId { hw_id } => put.u64(*hw_id),
        _ => {}
    }
}

fn kind_and_misc(record: &Record<'_>) -> (u32, u16) {
    let when = |on: bool, bit: u16| if on { bit } else { 0 };
    match record {
        Record::Mmap(mmap) if mmap.is_mmap2 => {
            (kind::MMAP2, mode(mmap.mode) | when(mmap.build_id.is_some(), misc::MMAP_BUILD_ID))
        }
        Record::Mmap(mmap) => (kind::MMAP, mode(mmap.mode) | when(mmap.prot & 4 == 0, misc::MMAP_DATA)),
        Record::Comm { exec, .. } => (kind::COMM, when(*exec, misc::COMM_EXEC)),
        Record::Fork(_) => (kind::FORK, 0),
        Record::Exit(_) => (kind::EXIT, 0),
        Record::Lost { .. } => (kind::LOST, 0),
        Record::LostSamples { .. } => (kind::LOST_SAMPLES, 0),
        Record::Throttle { ended: false, .. } => (kind::THROTTLE, 0),
        Record::Throttle { ended: true, .. } => (kind::UNTHROTTLE, 0),
        Record::Read { .. } => (kind::READ, 0),
        Record::Aux { .. } => (kind::AUX, 0),
        Record::ItraceStart { .. } => (kind::ITRACE_START, 0),
        Record::Switch { out, preempted, other } => {
            let kind = if other.is_some() { kind::SWITCH_CPU_WIDE } else { kind::SWITCH };
            (kind, when(*out, misc::SWITCH_OUT) | when(*preempted, misc::SWITCH_OUT_PREEMPT))
        }
        Record::Namespaces { .. } => (kind::NAMESPACES, 0),
        Record::Ksymbol { .. } => (kind::KSYMBOL, 0),
        Record::BpfEvent { .. } => (kind::BPF_EVENT, 0),
        Record::Cgroup { .. } => (kind::CGROUP, 0),
        Record::TextPoke { .. } => (kind::TEXT_POKE, 0),
        Record::AuxOutputHwId { .. } => (kind::AUX_OUTPUT_HW_ID, 0),
    }
}

/// The bits of `misc` that tell the mode.
fn mode(mode: CpuMode) -> u16 {
    match mode {
        CpuMode::Unknown => 0,
        CpuMode::Kernel => 1,
        CpuMode::User => 2,
        CpuMode::Hypervisor => 3,
        CpuMode::GuestKernel => 4,
        CpuMode::GuestUser => 5,
    }
}

fn put_mmap(put: &mut Put<'_>, mmap: &Mmap<'_>) {
    let start = put.out.len();
    put.i32(mmap.pid);
    put.i32(mmap.tid);
    put.u64(mmap.start);
    put.u64(mmap.len);
    put.u64(mmap.pgoff);
    if mmap.is_mmap2 {
        match mmap.build_id {
            None => {
                put.u32(mmap.device.0);
                put.u32(mmap.device.1);
                put.u64(mmap.inode.0);
                put.u64(mmap.inode.1);
            }
            Some(id) => {
                let id = id.get(..20).unwrap_or(id);
                put.u8(u8::try_from(id.len()).unwrap_or_default());
                put.zeros(3);
                put.bytes(id);
                put.zeros(20 - id.len());
            }
        }
        put.u32(mmap.prot);
        put.u32(mmap.flags);
    }
    put.name(mmap.path, start);
}

fn put_task(put: &mut Put<'_>, task: Task) {
    for number in [task.pid, task.ppid, task.tid, task.ptid] {
        put.i32(number);
    }
    put.u64(task.time);
}

/// Counter values in the layout of a `read_format`; what it does not have is left out.
pub(crate) fn put_read(put: &mut Put<'_>, values: &ReadValues, read_format: u64) {
    let times = |put: &mut Put<'_>| {
        if read_format & format::TOTAL_TIME_ENABLED != 0 {
            put.u64(values.time_enabled.unwrap_or_default());
        }
        if read_format & format::TOTAL_TIME_RUNNING != 0 {
            put.u64(values.time_running.unwrap_or_default());
        }
    };
    let rest = |put: &mut Put<'_>, value: &ReadValue| {
        if read_format & format::ID != 0 {
            put.u64(value.id.unwrap_or_default());
        }
        if read_format & format::LOST != 0 {
            put.u64(value.lost.unwrap_or_default());
        }
    };
    if read_format & format::GROUP == 0 {
        let value = values.values.first().copied().unwrap_or_default();
        put.u64(value.value);
        times(put);
        rest(put, &value);
        return;
    }
    put.u64(values.values.len() as u64);
    times(put);
    for value in &values.values {
        put.u64(value.value);
        rest(put, value);
    }
}
