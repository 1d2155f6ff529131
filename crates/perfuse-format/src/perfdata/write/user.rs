//! Records of perf's own.

use crate::perfdata::attr::Endian;
use crate::perfdata::record::kind;
use crate::perfdata::user::{
    AuxData, AuxError, COMM, CpuSet, EventUpdate, IdEntry, StatCount, TimeConv, UserRecord, cpus, update,
};
use crate::perfdata::write::TooLong;
use crate::perfdata::write::feature::put_build_id;
use crate::perfdata::write::put::Put;

impl IdEntry {
    /// Entries that one record holds at most; more go into further records.
    pub const MOST: usize = (65535 - 16) / 32;
}

impl UserRecord<'_> {
    /// Appends the record.
    pub fn encode(&self, endian: Endian, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let misc = if let Self::BuildId(build_id) = self { build_id.misc } else { 0 };
        Put::new(out, endian).record(self.kind(), misc, |put| self.body(put))
    }

    /// Its type.
    fn kind(&self) -> u32 {
        match self {
            Self::HeaderAttr { .. } => kind::HEADER_ATTR,
            Self::TracingData { .. } => kind::HEADER_TRACING_DATA,
            Self::BuildId(_) => kind::HEADER_BUILD_ID,
            Self::FinishedRound => kind::FINISHED_ROUND,
            Self::IdIndex(_) => kind::ID_INDEX,
            Self::AuxtraceInfo { .. } => kind::AUXTRACE_INFO,
            Self::Auxtrace(_) => kind::AUXTRACE,
            Self::AuxtraceError(_) => kind::AUXTRACE_ERROR,
            Self::ThreadMap(_) => kind::THREAD_MAP,
            Self::CpuMap(_) => kind::CPU_MAP,
            Self::StatConfig(_) => kind::STAT_CONFIG,
            Self::Stat(_) => kind::STAT,
            Self::StatRound { .. } => kind::STAT_ROUND,
            Self::EventUpdate { .. } => kind::EVENT_UPDATE,
            Self::TimeConv(_) => kind::TIME_CONV,
            Self::HeaderFeature { .. } => kind::HEADER_FEATURE,
            Self::FinishedInit => kind::FINISHED_INIT,
        }
    }

    fn body(&self, put: &mut Put<'_>) {
        match self {
            Self::HeaderAttr { attr, ids } => {
                let bytes = attr.to_bytes(attr.needed_size(), put.endian);
                put.bytes(&bytes);
                put.u64s(ids.iter().copied());
            }
            Self::TracingData { size } => {
                put.u32(*size);
                put.zeros(4);
            }
            Self::BuildId(build_id) => put_build_id(put, build_id),
            Self::FinishedRound | Self::FinishedInit => {}
            Self::IdIndex(entries) => {
                put.u64(entries.len() as u64);
                for entry in entries {
                    put.u64s([entry.id, entry.idx, entry.cpu, entry.tid]);
                }
            }
            Self::AuxtraceInfo { aux_type, private } => {
                put.u32(*aux_type);
                put.u32(0);
                put.u64s(private.iter().copied());
            }
            Self::Auxtrace(data) => put_aux(put, data),
            Self::AuxtraceError(error) => put_aux_error(put, error),
            Self::ThreadMap(threads) => {
                put.u64(threads.len() as u64);
                for (thread, name) in threads {
                    put.u64(*thread);
                    let name = name.get(..COMM - 1).unwrap_or(name);
                    put.bytes(name);
                    put.zeros(COMM - name.len());
                }
            }
            Self::CpuMap(set) => put_cpus(put, set),
            Self::StatConfig(pairs) => {
                put.u64(pairs.len() as u64);
                for (tag, value) in pairs {
                    put.u64(*tag);
                    put.u64(*value);
                }
            }
            Self::Stat(count) => put_stat(put, count),
            Self::StatRound { round, time } => {
                put.u64(*round);
                put.u64(*time);
            }
            Self::EventUpdate { id, update } => put_update(put, *id, update),
            Self::TimeConv(conv) => put_conv(put, conv),
            Self::HeaderFeature { number, bytes } => {
                put.u64(*number);
                put.bytes(bytes);
            }
        }
    }
}

fn put_aux(put: &mut Put<'_>, data: &AuxData) {
    put.u64s([data.size, data.offset, data.reference]);
    put.u32(data.idx);
    put.i32(data.tid);
    put.i32(data.cpu);
    put.u32(0);
}

fn put_aux_error(put: &mut Put<'_>, error: &AuxError<'_>) {
    /// Bytes of the words.
    const MESSAGE: usize = 64;
    put.u32(error.error_type);
    put.u32(error.code);
    put.i32s([error.cpu, error.pid, error.tid, 1]);
    put.u64(error.ip);
    put.u64(error.time);
    let message = error.message.get(..MESSAGE - 1).unwrap_or(error.message);
    put.bytes(message);
    put.zeros(MESSAGE - message.len());
}

/// A range where it is one, otherwise number by number.
fn put_cpus(put: &mut Put<'_>, set: &CpuSet) {
    let start = put.out.len();
    let short = |cpu: u32| u16::try_from(cpu).unwrap_or(u16::MAX);
    let successive = set.cpus.windows(2).all(|pair| matches!(pair, [one, next] if one.checked_add(1) == Some(*next)));
    match (set.cpus.first(), set.cpus.last()) {
        (Some(first), Some(last)) if successive => {
            put.u16(cpus::RANGE);
            put.u8(u8::from(set.any));
            put.u8(0);
            put.u16(short(*first));
            put.u16(short(*last));
        }
        _ => {
            put.u16(cpus::LIST);
            put.u16(short(u32::try_from(set.cpus.len() + usize::from(set.any)).unwrap_or(u32::MAX)));
            if set.any {
                put.u16(u16::MAX);
            }
            for cpu in &set.cpus {
                put.u16(short(*cpu));
            }
        }
    }
    put.align(start);
}

fn put_stat(put: &mut Put<'_>, count: &StatCount) {
    put.u64(count.id);
    put.u32(count.cpu);
    put.u32(count.thread);
    put.u64s([count.value, count.enabled, count.running]);
}

fn put_update(put: &mut Put<'_>, id: u64, update: &EventUpdate<'_>) {
    let mut head = |what: u64| {
        put.u64(what);
        put.u64(id);
    };
    match update {
        EventUpdate::Unit(_) => head(update::UNIT),
        EventUpdate::Scale(_) => head(update::SCALE),
        EventUpdate::Name(_) => head(update::NAME),
        EventUpdate::Cpus(_) => head(update::CPUS),
    }
    let start = put.out.len();
    match update {
        EventUpdate::Unit(text) | EventUpdate::Name(text) => put.name(text, start),
        EventUpdate::Scale(scale) => put.u64(scale.to_bits()),
        EventUpdate::Cpus(set) => put_cpus(put, set),
    }
}

fn put_conv(put: &mut Put<'_>, conv: &TimeConv) {
    put.u64s([conv.shift, conv.mult, conv.zero, conv.cycles, conv.mask]);
    put.u8(u8::from(conv.has_zero));
    put.u8(u8::from(conv.is_short));
    put.zeros(6);
}
