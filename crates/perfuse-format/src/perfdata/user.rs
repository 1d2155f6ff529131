//! Records that `perf` itself writes between those of the kernel: type 64 and above.
//!
//! Source: `tools/lib/perf/include/perf/event.h`.

use crate::perfdata::attr::{Endian, EventAttr};
use crate::perfdata::cursor::{Cursor, until_nul};
use crate::perfdata::feature::build_id;
use crate::perfdata::features::BuildId;
use crate::perfdata::layout::ATTR_SIZE_VER0;
use crate::perfdata::record::{RawRecord, kind};
use crate::perfdata::sample::U64s;

/// A record of perf's own, decoded.
#[derive(Debug, Clone, PartialEq)]
pub enum UserRecord<'a> {
    /// An event, in pipe mode.
    HeaderAttr {
        /// Its attr.
        attr: EventAttr,
        /// Its ids.
        ids: Vec<u64>,
    },
    /// Tracing data follow behind the record.
    TracingData {
        /// Their bytes, without the padding to a multiple of eight.
        size: u32,
    },
    /// Build id of a file.
    BuildId(BuildId),
    /// What was before it can be put in order.
    FinishedRound,
    /// What is known of each id.
    IdIndex(Vec<IdEntry>),
    /// What AUX data the file has.
    AuxtraceInfo {
        /// Kind of the data (`enum auxtrace_type`).
        aux_type: u32,
        /// Numbers that depend on the kind.
        private: Vec<u64>,
    },
    /// AUX data follow behind the record.
    Auxtrace(AuxData),
    /// Something in AUX data could not be decoded.
    AuxtraceError(AuxError<'a>),
    /// Threads that were recorded: number and name.
    ThreadMap(Vec<(u64, &'a [u8])>),
    /// CPUs that were recorded.
    CpuMap(CpuSet),
    /// How `perf stat record` was called: tag and value.
    StatConfig(Vec<(u64, u64)>),
    /// A count.
    Stat(StatCount),
    /// End of a round of counts.
    StatRound {
        /// 0 an interval, 1 the end.
        round: u64,
        /// Nanoseconds since the beginning.
        time: u64,
    },
    /// Something more about an event.
    EventUpdate {
        /// One of its ids.
        id: u64,
        /// What.
        update: EventUpdate<'a>,
    },
    /// How the TSC becomes time.
    TimeConv(TimeConv),
    /// A feature, in pipe mode.
    HeaderFeature {
        /// Its number.
        number: u64,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// What was running before the recording is known from here on.
    FinishedInit,
}

/// What is known of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IdEntry {
    /// The id.
    pub id: u64,
    /// Number of the ring.
    pub idx: u64,
    /// CPU; all bits set for any.
    pub cpu: u64,
    /// Thread; all bits set for any.
    pub tid: u64,
}

/// A piece of AUX data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuxData {
    /// Bytes behind the record.
    pub size: u64,
    /// Where in the AUX area.
    pub offset: u64,
    /// Number that is the same for pieces of a snapshot.
    pub reference: u64,
    /// Number of the ring.
    pub idx: u32,
    /// Thread, -1 for any.
    pub tid: i32,
    /// CPU, -1 for any.
    pub cpu: i32,
}

/// An error of AUX data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuxError<'a> {
    /// 1 for instruction traces.
    pub error_type: u32,
    /// Which error.
    pub code: u32,
    /// CPU.
    pub cpu: i32,
    /// Process.
    pub pid: i32,
    /// Thread.
    pub tid: i32,
    /// Instruction pointer.
    pub ip: u64,
    /// Nanoseconds; 0 in old files.
    pub time: u64,
    /// In words.
    pub message: &'a [u8],
}

/// CPUs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CpuSet {
    /// Whether any CPU is meant, as for threads.
    pub any: bool,
    /// Their numbers, ascending.
    pub cpus: Vec<u32>,
}

/// A count of `perf stat record`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatCount {
    /// Id of the event.
    pub id: u64,
    /// CPU; all bits set for any, as where a thread was counted.
    pub cpu: u32,
    /// Thread, by its index among those of the `THREAD_MAP`.
    pub thread: u32,
    /// The count.
    pub value: u64,
    /// Nanoseconds enabled.
    pub enabled: u64,
    /// Nanoseconds counted.
    pub running: u64,
}

/// What more is told of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum EventUpdate<'a> {
    /// Unit of its counts.
    Unit(&'a [u8]),
    /// What they are to be multiplied with.
    Scale(f64),
    /// Its name.
    Name(&'a [u8]),
    /// Its CPUs.
    Cpus(CpuSet),
}

/// How the TSC becomes time (`struct perf_event_mmap_page` has the formula).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeConv {
    /// Shift.
    pub shift: u64,
    /// Factor.
    pub mult: u64,
    /// Time at zero.
    pub zero: u64,
    /// Cycles at a moment, for counters of less than 64 bits.
    pub cycles: u64,
    /// Mask of such a counter.
    pub mask: u64,
    /// Whether `zero` is right.
    pub has_zero: bool,
    /// Whether `cycles` and `mask` are.
    pub is_short: bool,
}

/// Numbers of `type` in `EVENT_UPDATE`.
pub(crate) mod update {
    pub(crate) const UNIT: u64 = 0;
    pub(crate) const SCALE: u64 = 1;
    pub(crate) const NAME: u64 = 2;
    pub(crate) const CPUS: u64 = 3;
}

/// Numbers of `type` of a set of CPUs.
pub(crate) mod cpus {
    pub(crate) const LIST: u16 = 0;
    pub(crate) const MASK: u16 = 1;
    pub(crate) const RANGE: u16 = 2;
}

/// Bytes of a thread's name.
pub(crate) const COMM: usize = 16;

/// CPUs of a set at most (`NR_CPUS` of the largest kernels is 8192): a mask may not become more numbers.
const MOST_CPUS: usize = 1 << 16;

/// Decodes a record of perf's own. `Ok(None)` for the kernel's, for compressed ones, and for types that are not known.
pub(crate) fn decode<'a>(record: &RawRecord<'a>, endian: Endian) -> Result<Option<UserRecord<'a>>, &'static str> {
    let at = &mut Cursor::new(record.body, endian);
    let (decoded, name) = match record.kind {
        kind::HEADER_ATTR => (header_attr(at), "an event"),
        kind::HEADER_TRACING_DATA => (at.u32().map(|size| UserRecord::TracingData { size }), "tracing data"),
        kind::HEADER_BUILD_ID => (build_id(record.body, record.misc, endian).map(UserRecord::BuildId), "a build id"),
        kind::FINISHED_ROUND => (Some(UserRecord::FinishedRound), ""),
        kind::FINISHED_INIT => (Some(UserRecord::FinishedInit), ""),
        kind::ID_INDEX => (id_index(at), "the index of ids"),
        kind::AUXTRACE_INFO => (auxtrace_info(at), "what AUX data there are"),
        kind::AUXTRACE => (auxtrace(at), "a piece of AUX data"),
        kind::AUXTRACE_ERROR => (auxtrace_error(at), "an error of AUX data"),
        kind::THREAD_MAP => (thread_map(at), "the recorded threads"),
        kind::CPU_MAP => (cpu_set(at).map(UserRecord::CpuMap), "the recorded CPUs"),
        kind::STAT_CONFIG => (stat_config(at), "how counts were made"),
        kind::STAT => (stat(at), "a count"),
        kind::STAT_ROUND => (stat_round(at), "the end of a round of counts"),
        kind::EVENT_UPDATE => (event_update(at), "what is told of an event"),
        kind::TIME_CONV => (time_conv(at), "how the TSC becomes time"),
        kind::HEADER_FEATURE => (header_feature(at), "a feature"),
        _ => return Ok(None),
    };
    decoded.map(Some).ok_or(name)
}

fn header_attr<'a>(at: &mut Cursor<'a>) -> Option<UserRecord<'a>> {
    let (attr, ids) = attr_and_ids(at.rest(), at.endian())?;
    Some(UserRecord::HeaderAttr { attr, ids: U64s::new(ids, at.endian()).iter().collect() })
}

/// An attr, as long as it says it is, and what follows.
pub(crate) fn attr_and_ids(body: &[u8], endian: Endian) -> Option<(EventAttr, &[u8])> {
    let said = Cursor::new(body.get(4..)?, endian).u32()? as usize;
    let (attr, ids) = body.split_at_checked(said.max(ATTR_SIZE_VER0))?;
    Some((EventAttr::from_bytes(attr, endian)?, ids))
}

fn id_index<'a>(at: &mut Cursor<'a>) -> Option<UserRecord<'a>> {
    let count = at.u64()?;
    let entry = |at: &mut Cursor<'a>| Some(IdEntry { id: at.u64()?, idx: at.u64()?, cpu: at.u64()?, tid: at.u64()? });
    at.list(count, 32, entry).map(UserRecord::IdIndex)
}

fn auxtrace_info<'a>(at: &mut Cursor<'a>) -> Option<UserRecord<'a>> {
    let (aux_type, _reserved) = (at.u32()?, at.u32()?);
    Some(UserRecord::AuxtraceInfo { aux_type, private: U64s::new(at.rest(), at.endian()).iter().collect() })
}

fn auxtrace<'a>(at: &mut Cursor<'a>) -> Option<UserRecord<'a>> {
    Some(UserRecord::Auxtrace(AuxData {
        size: at.u64()?,
        offset: at.u64()?,
        reference: at.u64()?,
        idx: at.u32()?,
        tid: at.i32()?,
        cpu: at.i32()?,
    }))
}

/// Layout 0 has no time behind the instruction pointer.
fn auxtrace_error<'a>(at: &mut Cursor<'a>) -> Option<UserRecord<'a>> {
    let (error_type, code) = (at.u32()?, at.u32()?);
    let (cpu, pid, tid, layout) = (at.i32()?, at.i32()?, at.i32()?, at.u32()?);
    let ip = at.u64()?;
    let time = if layout > 0 { at.u64()? } else { 0 };
    let message = until_nul(at.bytes(at.left().min(64))?);
    Some(UserRecord::AuxtraceError(AuxError { error_type, code, cpu, pid, tid, ip, time, message }))
}

fn thread_map<'a>(at: &mut Cursor<'a>) -> Option<UserRecord<'a>> {
    let count = at.u64()?;
    at.list(count, 8 + COMM, |at| Some((at.u64()?, until_nul(at.bytes(COMM)?)))).map(UserRecord::ThreadMap)
}

/// Numbers one by one, a mask of words of 32 or 64 bits, or the first and the last.
fn cpu_set(at: &mut Cursor<'_>) -> Option<CpuSet> {
    match at.u16()? {
        cpus::LIST => {
            let count = at.u16()?;
            let cpus = at.list(u64::from(count), 2, Cursor::u16)?;
            // All bits set stand for any CPU.
            let any = cpus.contains(&u16::MAX);
            let cpus = cpus.into_iter().filter(|cpu| *cpu != u16::MAX).map(u32::from).collect();
            Some(CpuSet { any, cpus })
        }
        cpus::MASK => {
            let (count, width) = (at.u16()?, at.u16()?);
            let words = if width == 4 {
                at.list(u64::from(count), 4, |at| at.u32().map(u64::from))?
            } else {
                at.bytes(2)?;
                at.list(u64::from(count), 8, Cursor::u64)?
            };
            let bits = usize::from(width.min(8)) * 8;
            let all = words.iter().enumerate().flat_map(|(index, word)| {
                (0..bits).filter(move |bit| word >> bit & 1 != 0).map(move |bit| index * bits + bit)
            });
            let cpus = all.take(MOST_CPUS).filter_map(|cpu| u32::try_from(cpu).ok()).collect();
            Some(CpuSet { any: false, cpus })
        }
        cpus::RANGE => {
            let (any, _pad, start, end) = (at.u8()?, at.u8()?, at.u16()?, at.u16()?);
            Some(CpuSet { any: any != 0, cpus: (u32::from(start)..=u32::from(end)).collect() })
        }
        _ => None,
    }
}

fn stat_config<'a>(at: &mut Cursor<'a>) -> Option<UserRecord<'a>> {
    let count = at.u64()?;
    at.list(count, 16, |at| Some((at.u64()?, at.u64()?))).map(UserRecord::StatConfig)
}

fn stat<'a>(at: &mut Cursor<'a>) -> Option<UserRecord<'a>> {
    Some(UserRecord::Stat(StatCount {
        id: at.u64()?,
        cpu: at.u32()?,
        thread: at.u32()?,
        value: at.u64()?,
        enabled: at.u64()?,
        running: at.u64()?,
    }))
}

fn stat_round<'a>(at: &mut Cursor<'a>) -> Option<UserRecord<'a>> {
    Some(UserRecord::StatRound { round: at.u64()?, time: at.u64()? })
}

fn event_update<'a>(at: &mut Cursor<'a>) -> Option<UserRecord<'a>> {
    let (what, id) = (at.u64()?, at.u64()?);
    let update = match what {
        update::UNIT => EventUpdate::Unit(until_nul(at.rest())),
        update::SCALE => EventUpdate::Scale(f64::from_bits(at.u64()?)),
        update::NAME => EventUpdate::Name(until_nul(at.rest())),
        update::CPUS => EventUpdate::Cpus(cpu_set(at)?),
        _ => return None,
    };
    Some(UserRecord::EventUpdate { id, update })
}

/// What is behind the first three came later.
fn time_conv<'a>(at: &mut Cursor<'a>) -> Option<UserRecord<'a>> {
    let mut conv =
        TimeConv { shift: at.u64()?, mult: at.u64()?, zero: at.u64()?, has_zero: true, ..TimeConv::default() };
    if let (Some(cycles), Some(mask), Some(zero), Some(short)) = (at.u64(), at.u64(), at.u8(), at.u8()) {
        conv = TimeConv { cycles, mask, has_zero: zero != 0, is_short: short != 0, ..conv };
    }
    Some(UserRecord::TimeConv(conv))
}

fn header_feature<'a>(at: &mut Cursor<'a>) -> Option<UserRecord<'a>> {
    Some(UserRecord::HeaderFeature { number: at.u64()?, bytes: at.rest() })
}
