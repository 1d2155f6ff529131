//! From the bytes of a record of the kernel that is no sample to a [`Record`].

use crate::perfdata::attr::{Endian, EventAttr};
use crate::perfdata::cursor::{Cursor, until_nul};
use crate::perfdata::decode::read_values;
use crate::perfdata::record::{Mmap, RawRecord, Record, Task, kind};
use crate::perfdata::sample::CpuMode;

/// Bits of `misc`.
pub mod misc {
    /// MMAP: the mapping is not executable.
    pub const MMAP_DATA: u16 = 1 << 13;
    /// COMM: the name came with an `execve`.
    pub const COMM_EXEC: u16 = 1 << 13;
    /// FORK: made by `perf` itself, not by the kernel.
    pub const FORK_EXEC: u16 = 1 << 13;
    /// SWITCH: away from the thread.
    pub const SWITCH_OUT: u16 = 1 << 13;
    /// SWITCH: the thread was still runnable.
    pub const SWITCH_OUT_PREEMPT: u16 = 1 << 14;
    /// MMAP2: a build id stands in place of device and inode.
    pub const MMAP_BUILD_ID: u16 = 1 << 14;
    /// Sample: `ip` is the very instruction that caused the event.
    pub const EXACT_IP: u16 = 1 << 14;
}

/// Decodes the body, which is without the trailer of ids. `Ok(None)` for a type that is none of the kernel's, or not
/// known; the name of the field that is not whole otherwise.
pub(crate) fn record<'a>(
    raw: &RawRecord<'a>,
    body: &'a [u8],
    attr: &EventAttr,
    endian: Endian,
) -> Result<Option<Record<'a>>, &'static str> {
    let at = &mut Cursor::new(body, endian);
    let (record, name) = match raw.kind {
        kind::MMAP => (mmap(raw, at), "a mapping"),
        kind::MMAP2 => (mmap2(raw, at), "a mapping"),
        kind::COMM => (comm(raw, at), "the name of a thread"),
        kind::FORK => (task(at).map(Record::Fork), "a new thread"),
        kind::EXIT => (task(at).map(Record::Exit), "the end of a thread"),
        kind::LOST => (lost(at), "a count of lost records"),
        kind::LOST_SAMPLES => (at.u64().map(|lost| Record::LostSamples { lost }), "a count of lost samples"),
        kind::THROTTLE | kind::UNTHROTTLE => (throttle(raw, at), "a throttling"),
        kind::READ => (read(at, attr), "the counter values"),
        kind::AUX => (aux(at), "a piece of AUX data"),
        kind::ITRACE_START => (itrace(at), "the start of a trace"),
        kind::SWITCH | kind::SWITCH_CPU_WIDE => (switch(raw, at), "a context switch"),
        kind::NAMESPACES => (namespaces(at), "the namespaces of a process"),
        kind::KSYMBOL => (ksymbol(at), "a symbol of the kernel"),
        kind::BPF_EVENT => (bpf_event(at), "a BPF program"),
        kind::CGROUP => (cgroup(at), "a cgroup"),
        kind::TEXT_POKE => (text_poke(at), "changed code"),
        kind::AUX_OUTPUT_HW_ID => (at.u64().map(|hw_id| Record::AuxOutputHwId { hw_id }), "a hardware id"),
        _ => return Ok(None),
    };
    record.map(Some).ok_or(name)
}

fn mmap<'a>(raw: &RawRecord<'a>, at: &mut Cursor<'a>) -> Option<Record<'a>> {
    const PROT_EXEC: u32 = 4;
    Some(Record::Mmap(Mmap {
        pid: at.i32()?,
        tid: at.i32()?,
        start: at.u64()?,
        len: at.u64()?,
        pgoff: at.u64()?,
        path: until_nul(at.rest()),
        prot: if raw.misc & misc::MMAP_DATA == 0 { PROT_EXEC } else { 0 },
        mode: CpuMode::of(raw.misc),
        ..Mmap::default()
    }))
}

fn mmap2<'a>(raw: &RawRecord<'a>, at: &mut Cursor<'a>) -> Option<Record<'a>> {
    let mut mmap = Mmap {
        pid: at.i32()?,
        tid: at.i32()?,
        start: at.u64()?,
        len: at.u64()?,
        pgoff: at.u64()?,
        mode: CpuMode::of(raw.misc),
        is_mmap2: true,
        ..Mmap::default()
    };
    if raw.misc & misc::MMAP_BUILD_ID == 0 {
        mmap.device = (at.u32()?, at.u32()?);
        mmap.inode = (at.u64()?, at.u64()?);
    } else {
        let size = usize::from(at.u8()?).min(20);
        at.bytes(3)?;
        mmap.build_id = at.bytes(20)?.get(..size);
    }
    mmap.prot = at.u32()?;
    mmap.flags = at.u32()?;
    mmap.path = until_nul(at.rest());
    Some(Record::Mmap(mmap))
}

fn comm<'a>(raw: &RawRecord<'a>, at: &mut Cursor<'a>) -> Option<Record<'a>> {
    let (pid, tid) = (at.i32()?, at.i32()?);
    Some(Record::Comm { pid, tid, comm: until_nul(at.rest()), exec: raw.misc & misc::COMM_EXEC != 0 })
}

fn task(at: &mut Cursor<'_>) -> Option<Task> {
    Some(Task { pid: at.i32()?, ppid: at.i32()?, tid: at.i32()?, ptid: at.i32()?, time: at.u64()? })
}

fn lost<'a>(at: &mut Cursor<'a>) -> Option<Record<'a>> {
    Some(Record::Lost { id: at.u64()?, lost: at.u64()? })
}

fn throttle<'a>(raw: &RawRecord<'a>, at: &mut Cursor<'a>) -> Option<Record<'a>> {
    let ended = raw.kind == kind::UNTHROTTLE;
    Some(Record::Throttle { time: at.u64()?, id: at.u64()?, stream_id: at.u64()?, ended })
}

fn read<'a>(at: &mut Cursor<'a>, attr: &EventAttr) -> Option<Record<'a>> {
    let (pid, tid) = (at.i32()?, at.i32()?);
    Some(Record::Read { pid, tid, values: read_values(at, attr.read_format)? })
}

fn aux<'a>(at: &mut Cursor<'a>) -> Option<Record<'a>> {
    Some(Record::Aux { offset: at.u64()?, size: at.u64()?, flags: at.u64()? })
}

fn itrace<'a>(at: &mut Cursor<'a>) -> Option<Record<'a>> {
    Some(Record::ItraceStart { pid: at.i32()?, tid: at.i32()? })
}

fn switch<'a>(raw: &RawRecord<'a>, at: &mut Cursor<'a>) -> Option<Record<'a>> {
    let other = if raw.kind == kind::SWITCH_CPU_WIDE { Some((at.i32()?, at.i32()?)) } else { None };
    let out = raw.misc & misc::SWITCH_OUT != 0;
    Some(Record::Switch { out, preempted: out && raw.misc & misc::SWITCH_OUT_PREEMPT != 0, other })
}

fn namespaces<'a>(at: &mut Cursor<'a>) -> Option<Record<'a>> {
    let (pid, tid, count) = (at.i32()?, at.i32()?, at.u64()?);
    let links = at.list(count, 16, |at| Some((at.u64()?, at.u64()?)))?;
    Some(Record::Namespaces { pid, tid, links })
}

fn ksymbol<'a>(at: &mut Cursor<'a>) -> Option<Record<'a>> {
    let (addr, len, ksym_type, flags) = (at.u64()?, at.u32()?, at.u16()?, at.u16()?);
    Some(Record::Ksymbol { addr, len, ksym_type, unregister: flags & 1 != 0, name: until_nul(at.rest()) })
}

fn bpf_event<'a>(at: &mut Cursor<'a>) -> Option<Record<'a>> {
    let (event_type, flags, id) = (at.u16()?, at.u16()?, at.u32()?);
    Some(Record::BpfEvent { event_type, flags, id, tag: *at.bytes(8)?.first_chunk()? })
}

fn cgroup<'a>(at: &mut Cursor<'a>) -> Option<Record<'a>> {
    Some(Record::Cgroup { id: at.u64()?, path: until_nul(at.rest()) })
}

fn text_poke<'a>(at: &mut Cursor<'a>) -> Option<Record<'a>> {
    let (addr, old, new) = (at.u64()?, at.u16()?, at.u16()?);
    Some(Record::TextPoke { addr, old: at.bytes(usize::from(old))?, new: at.bytes(usize::from(new))? })
}
