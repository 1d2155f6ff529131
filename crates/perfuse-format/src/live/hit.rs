//! Records of the rings that `trace` reads: samples of one fixed layout, and what else tells of threads and losses.

use super::scope::{Builtin, Scope, Source};
use crate::live::Values;
use crate::perfdata::attr::sample_type;
use crate::perfdata::record::kind;
use crate::tracefs::Layout;

/// What every event of `trace` samples, so that a sample has its fields in fixed places:
/// `id, ip, pid, tid, time, addr, cpu, period, size, raw`.
pub const HIT_SAMPLE: u64 = sample_type::IDENTIFIER
    | sample_type::IP
    | sample_type::TID
    | sample_type::TIME
    | sample_type::ADDR
    | sample_type::CPU
    | sample_type::PERIOD
    | sample_type::RAW;

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit<'a> {
    /// The event happened.
    Sample {
        /// Id of the event in its ring.
        id: u64,
        /// Process; -1 for none.
        pid: i32,
        /// Thread.
        tid: i32,
        /// Nanoseconds of the clock that was asked for.
        time: u64,
        /// CPU.
        cpu: u32,
        /// Instruction.
        ip: u64,
        /// Data address.
        address: u64,
        /// Events that it stands for.
        period: u64,
        /// The record of the tracepoint, or what a program put out.
        raw: &'a [u8],
    },
    /// So many records had no room.
    Lost(u64),
    /// A thread has a name.
    Comm {
        /// The thread.
        tid: i32,
        /// Its name.
        name: &'a [u8],
    },
    /// A thread was made.
    Fork {
        /// The thread.
        tid: i32,
        /// Who made it.
        parent: i32,
    },
    /// Anything else.
    Other,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes))
}

impl<'a> Hit<'a> {
    /// From a whole record of a ring; `None` if it is cut.
    pub fn parse(record: &'a [u8]) -> Option<Self> {
        let body = record.get(8..)?;
        let signed = |at| word(body, at).map(u32::cast_signed);
        Some(match word(record, 0)? {
            kind::SAMPLE => {
                let size = usize::try_from(word(body, 56)?).ok()?;
                Self::Sample {
                    id: long(body, 0)?,
                    ip: long(body, 8)?,
                    pid: signed(16)?,
                    tid: signed(20)?,
                    time: long(body, 24)?,
                    address: long(body, 32)?,
                    cpu: word(body, 40)?,
                    period: long(body, 48)?,
                    raw: body.get(60..60_usize.checked_add(size)?)?,
                }
            }
            // struct { id, lost }, and without the id for samples.
            kind::LOST => Self::Lost(long(body, 8)?),
            kind::LOST_SAMPLES => Self::Lost(long(body, 0)?),
            kind::COMM => {
                let name = body.get(8..)?;
                let end = name.iter().position(|byte| *byte == 0)?;
                Self::Comm { tid: signed(4)?, name: name.get(..end)? }
            }
            // struct { pid, ppid, tid, ptid, time }
            kind::FORK => Self::Fork { tid: signed(8)?, parent: signed(12)? },
            _ => Self::Other,
        })
    }
}

/// The variables of a sample, for expressions.
#[derive(Debug, Clone, Copy)]
pub struct HitValues<'a> {
    /// The names.
    pub scope: &'a Scope,
    /// The sample.
    pub hit: Hit<'a>,
    /// The name of its thread.
    pub comm: &'a [u8],
    /// Its user.
    pub uid: u32,
}

impl HitValues<'_> {
    fn raw(&self) -> &[u8] {
        match self.hit {
            Hit::Sample { raw, .. } => raw,
            _ => &[],
        }
    }

    fn builtin(&self, builtin: Builtin) -> i64 {
        let Hit::Sample { pid, tid, cpu, address, period, .. } = self.hit else { return 0 };
        match builtin {
            Builtin::Pid => pid.into(),
            Builtin::Tid => tid.into(),
            Builtin::Cpu => cpu.into(),
            Builtin::Uid => self.uid.into(),
            Builtin::Period => period.cast_signed(),
            Builtin::Address => address.cast_signed(),
            Builtin::Comm => 0,
        }
    }
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

impl Values for HitValues<'_> {
    fn number(&self, variable: usize) -> i64 {
        let Some(variable) = self.scope.variables.get(variable) else { return 0 };
        match variable.source {
            Source::Number { offset, size } => {
                let value = Layout::default().number(self.raw(), offset, size);
                let unused = 64 - 8 * u32::try_from(size.clamp(1, 8)).unwrap_or(8);
                if variable.signed { (value << unused).cast_signed() >> unused } else { value.cast_signed() }
            }
            Source::Builtin(builtin) => self.builtin(builtin),
            Source::Text { .. } | Source::Located { .. } | Source::Fetch(_) => 0,
        }
    }

    fn text(&self, variable: usize) -> &[u8] {
        let raw = self.raw();
        match self.scope.variables.get(variable).map(|variable| &variable.source) {
            Some(Source::Builtin(Builtin::Comm)) => self.comm,
            Some(Source::Text { offset, size }) => until_zero(
                offset.checked_add(*size).and_then(|end| raw.get(*offset..end.min(raw.len()))).unwrap_or(&[]),
            ),
            Some(Source::Located { offset, relative }) => {
                let Some(place) = word(raw, *offset) else { return &[] };
                let base = if *relative { *offset + 4 } else { 0 };
                let (from, length) = ((place & 0xffff) as usize + base, (place >> 16) as usize);
                until_zero(raw.get(from..from + length).unwrap_or_default())
            }
            _ => &[],
        }
    }
}
