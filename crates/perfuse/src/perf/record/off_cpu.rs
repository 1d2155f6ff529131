//! `--off-cpu`: how long threads waited, and where. perf loads a BPF program for it; here two records of the kernel that
//! need none tell the same: a sample of each context switch with the user's call chain, and the switches themselves.
//!
//! ```text
//! CPU 0   SAMPLE a: main read …   SWITCH out a                         SWITCH in a
//! CPU 1                                         SAMPLE b …  (preempted: not counted)
//! to the file, at the end         SAMPLE of offcpu-time: a, main read …, the nanoseconds of all its waits there
//! ```

use perfuse_collect::perf::record::{Failure, Notice, Planned, Recording, Tally, Target, WriteError};
use perfuse_collect::perf::ring::{Unread, each_record};
use perfuse_collect::perf::synth::Emitter;
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind as source, sample_type};
use perfuse_format::perfdata::record::kind;
use rustc_hash::FxHashMap;

use super::plan::Plan;

/// `PERF_COUNT_SW_CONTEXT_SWITCHES`.
const CONTEXT_SWITCHES: u64 = 3;
/// `PERF_RECORD_MISC_SWITCH_OUT`, and whether the thread could have gone on.
const OUT: u16 = 1 << 13;
const PREEMPTED: u16 = 1 << 14;
/// `PERF_RECORD_MISC_USER`.
const MISC_USER: u16 = 2;
/// Context markers of call chains are the last addresses there are.
const CONTEXT: u64 = 4095_u64.wrapping_neg();
/// The times of samples that stand for many moments, as in perf: behind all others.
const FIRST_TIME: u64 = !0 << 32;
/// More different call chains than are told apart; the time of the others goes to those that are known.
const MOST_STACKS: usize = 1 << 18;
/// What is written at once.
const PIECE: usize = 256 * 1024;

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes))
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    bytes.get(at..)?.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes))
}

/// What happened to a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// It is about to wait, with this call chain.
    Stack(u32),
    /// It stopped of its own will.
    Out,
    /// It goes on.
    In,
}

/// One happening.
#[derive(Debug, Clone, Copy)]
struct Happening {
    time: u64,
    pid: i32,
    tid: i32,
    what: What,
}

/// A thread between two happenings.
#[derive(Debug, Clone, Copy, Default)]
struct Thread {
    /// Its last call chain.
    stack: Option<u32>,
    /// Since when it waits.
    since: Option<u64>,
}

/// Sums up the waits of all threads.
#[derive(Debug, Default)]
pub(super) struct Waits {
    stacks: FxHashMap<Vec<u64>, u32>,
    threads: FxHashMap<i32, Thread>,
    /// Nanoseconds by process, thread and call chain.
    totals: FxHashMap<(i32, i32, u32), u64>,
    /// What came since the last round, in no order.
    pending: Vec<Happening>,
    /// The latest time of the round before: until then nothing can come any more.
    known_until: u64,
    /// Samples that the kernel had no room for.
    lost: u64,
}

impl Waits {
    /// Takes note of a record: of a sample with the fields TID, TIME and CALLCHAIN, or of a switch.
    fn note(&mut self, record: &[u8]) -> Option<()> {
        let (head, body) = record.split_first_chunk::<8>()?;
        let misc = u16::from_ne_bytes([head[4], head[5]]);
        match u32::from_ne_bytes([head[0], head[1], head[2], head[3]]) {
            kind::SAMPLE => {
                let (pid, tid, time) = (i32_at(body, 0)?, i32_at(body, 4)?, u64_at(body, 8)?);
                let count = usize::try_from(u64_at(body, 16)?).ok()?;
                let chain = body.get(24..count.checked_mul(8)?.checked_add(24)?)?;
                let chain: Vec<u64> = chain.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
                // Threads of the kernel have no user's frames, and the idle ones do not wait for anything.
                if tid == 0 || chain.iter().all(|frame| *frame >= CONTEXT) {
                    return None;
                }
                let next = u32::try_from(self.stacks.len()).ok()?;
                let stack = match self.stacks.get(&chain) {
                    Some(known) => *known,
                    None if self.stacks.len() < MOST_STACKS => *self.stacks.entry(chain).or_insert(next),
                    None => return None,
                };
                self.pending.push(Happening { time, pid, tid, what: What::Stack(stack) });
            }
            switch @ (kind::SWITCH | kind::SWITCH_CPU_WIDE) => {
                let trailer = body.get(if switch == kind::SWITCH { 0 } else { 8 }..)?;
                let (pid, tid, time) = (i32_at(trailer, 0)?, i32_at(trailer, 4)?, u64_at(trailer, 8)?);
                let what = match (misc & OUT != 0, misc & PREEMPTED != 0) {
                    (true, true) => return None,
                    (true, false) => What::Out,
                    (false, _) => What::In,
                };
                self.pending.push(Happening { time, pid, tid, what });
            }
            kind::LOST => self.lost = self.lost.saturating_add(u64_at(body, 8)?),
            _ => {}
        }
        Some(())
    }

    /// After all rings have been emptied once: what is older than all that came before this round is put in order. At the
    /// end, everything is.
    fn end_round(&mut self, last: bool) {
        let latest = self.pending.iter().map(|one| one.time).max().unwrap_or(0);
        // The sort is stable: of one moment, the sample stands before the switch, as in the ring.
        self.pending.sort_by_key(|one| one.time);
        let until = if last { u64::MAX } else { self.known_until };
        let ready = self.pending.partition_point(|one| one.time <= until);
        for one in self.pending.drain(..ready) {
            let thread = self.threads.entry(one.tid).or_default();
            match one.what {
                What::Stack(stack) => thread.stack = Some(stack),
                What::Out => thread.since = Some(one.time),
                What::In => {
                    if let (Some(since), Some(stack)) = (thread.since.take(), thread.stack.take()) {
                        let total = self.totals.entry((one.pid, one.tid, stack)).or_default();
                        *total = total.saturating_add(one.time.saturating_sub(since));
                    }
                }
            }
        }
        self.known_until = self.known_until.max(latest);
    }

    /// The samples that stand for the waits, of the event with this attribute and id, in an order that does not depend on
    /// chance.
    fn samples(&self, attr: &EventAttr, id: u64, out: &mut Emitter) {
        let mut chains: Vec<&[u64]> = vec![&[]; self.stacks.len()];
        for (chain, number) in &self.stacks {
            if let Some(place) = usize::try_from(*number).ok().and_then(|number| chains.get_mut(number)) {
                *place = chain;
            }
        }
        let mut all: Vec<_> = self.totals.iter().map(|(key, time)| (*key, *time)).collect();
        all.sort_unstable();
        for (((pid, tid, stack), waited), time) in all.into_iter().zip(FIRST_TIME..) {
            let chain = usize::try_from(stack).ok().and_then(|stack| chains.get(stack)).copied().unwrap_or_default();
            let innermost = chain.iter().find(|frame| **frame < CONTEXT).copied().unwrap_or(0);
            let task = u64::from(pid.cast_unsigned()) | u64::from(tid.cast_unsigned()) << 32;
            let task = if cfg!(target_endian = "big") { task.rotate_left(32) } else { task };
            out.begin(kind::SAMPLE, MISC_USER);
            for (bit, value) in [
                (sample_type::IDENTIFIER, id),
                (sample_type::IP, innermost),
                (sample_type::TID, task),
                (sample_type::TIME, time),
                (sample_type::ID, id),
                (sample_type::CPU, 0),
                (sample_type::PERIOD, waited),
            ] {
                if attr.samples(bit) {
                    out.u64(value);
                }
            }
            if attr.samples(sample_type::CALLCHAIN) {
                out.u64(chain.len() as u64);
                for frame in chain {
                    out.u64(*frame);
                }
            }
            if attr.samples(sample_type::CGROUP) {
                out.u64(0);
            }
            out.end_bare();
        }
    }
}

/// The recording of the switches beside the one of the file.
pub(super) struct OffCpu {
    switches: Recording,
    waits: Waits,
    scratch: Vec<u8>,
}

impl OffCpu {
    /// Opens it for the same tasks and CPUs.
    pub(super) fn open(plan: &Plan, target: &mut Target, notices: &mut Vec<Notice>) -> Result<Self, Failure> {
        let options = &plan.options;
        let starts = if options.starts_command && !options.delayed { flag::ENABLE_ON_EXEC } else { 0 };
        let inherit = if options.no_inherit { 0 } else { flag::INHERIT };
        let attr = EventAttr {
            kind: source::SOFTWARE,
            config: CONTEXT_SWITCHES,
            sample_period: 1,
            sample_type: sample_type::TID | sample_type::TIME | sample_type::CALLCHAIN,
            flags: flag::DISABLED
                | flag::SAMPLE_ID_ALL
                | flag::CONTEXT_SWITCH
                | flag::EXCLUDE_CALLCHAIN_KERNEL
                | starts
                | inherit,
            ..EventAttr::default()
        };
        let event = Planned { name: "context-switches".to_owned(), attr, ..Planned::default() };
        let mut switches = Recording::open(vec![event], target, &plan.root, notices, |_, _, _, _| {})?;
        switches.map(plan.ring_bytes)?;
        Ok(Self { switches, waits: Waits::default(), scratch: Vec::new() })
    }

    /// Starts or stops.
    pub(super) fn enable(&self, on: bool) {
        // Of threads that are gone there is nothing to tell.
        let _ = if on { self.switches.enable() } else { self.switches.disable() };
    }

    /// Empties the rings.
    pub(super) fn drain(&mut self, last: bool) {
        let Self { switches, waits, scratch } = self;
        let taken = switches.drain(|unread: Unread<'_>| {
            each_record(unread, scratch, |record| {
                let _ = waits.note(record);
            });
            Ok::<(), std::convert::Infallible>(())
        });
        if taken != Ok(0) || last {
            waits.end_round(last);
        }
    }

    /// Gives the samples to `write`, piece by piece; how many the kernel had no room for.
    pub(super) fn finish(
        &mut self,
        attr: &EventAttr,
        id: u64,
        tally: &mut Tally,
        mut write: impl FnMut(&[u8]) -> Result<(), WriteError>,
    ) -> Result<u64, WriteError> {
        self.drain(true);
        let mut out = Emitter::new(0);
        self.waits.samples(attr, id, &mut out);
        // They hit code, but were not taken at a time.
        let times = tally.times;
        let bytes = std::mem::take(&mut out.bytes);
        each_record(Unread { first: &bytes, second: &[] }, &mut self.scratch, |record| {
            tally.record(record);
            out.bytes.extend_from_slice(record);
        });
        tally.times = times;
        for piece in whole_records(&bytes, PIECE) {
            write(piece)?;
        }
        Ok(self.waits.lost)
    }
}

/// Runs of whole records of about `most` bytes.
fn whole_records(bytes: &[u8], most: usize) -> Vec<&[u8]> {
    let (mut pieces, mut start, mut at) = (Vec::new(), 0, 0);
    while let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let size = usize::from(u16::from_ne_bytes([head[6], head[7]])).max(8);
        at = at.saturating_add(size).min(bytes.len());
        if at - start >= most {
            pieces.push(&bytes[start..at]);
            start = at;
        }
    }
    pieces.push(&bytes[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: u64 = 512_u64.wrapping_neg();

    fn sample(tid: i32, time: u64, chain: &[u64]) -> Vec<u8> {
        let mut out = Emitter::new(0);
        out.begin(kind::SAMPLE, MISC_USER);
        out.i32(7);
        out.i32(tid);
        out.u64(time);
        out.u64(chain.len() as u64);
        for frame in chain {
            out.u64(*frame);
        }
        out.end_bare();
        out.bytes
    }

    fn switch(tid: i32, time: u64, misc: u16, wide: bool) -> Vec<u8> {
        let mut out = Emitter::new(0);
        out.begin(if wide { kind::SWITCH_CPU_WIDE } else { kind::SWITCH }, misc);
        if wide {
            out.u64(0);
        }
        out.i32(7);
        out.i32(tid);
        out.u64(time);
        out.end_bare();
        out.bytes
    }

    #[test]
    fn waits_are_summed_up_over_cpus_and_rounds() {
        let mut waits = Waits::default();
        let chain = [USER, 0x1000, 0x2000];
        // The thread goes on upon a CPU whose ring is read before the one where it stopped.
        for record in [switch(8, 150, 0, true), sample(8, 100, &chain), switch(8, 100, OUT, true)] {
            waits.note(&record);
        }
        waits.end_round(false);
        assert!(waits.totals.is_empty());
        for record in [sample(8, 200, &chain), switch(8, 200, OUT, false), switch(8, 230, 0, false)] {
            waits.note(&record);
        }
        waits.end_round(false);
        assert_eq!(waits.totals.values().sum::<u64>(), 50);
        waits.end_round(true);
        assert_eq!(waits.totals.into_iter().collect::<Vec<_>>(), [((7, 8, 0), 80)]);
    }

    #[test]
    fn whoever_was_preempted_did_not_wait_and_the_kernel_has_no_frames() {
        let mut waits = Waits::default();
        for record in [
            sample(8, 100, &[USER, 0x1000]),
            switch(8, 100, OUT | PREEMPTED, false),
            switch(8, 150, 0, false),
            sample(9, 100, &[USER]),
            switch(9, 100, OUT, false),
            switch(9, 150, 0, false),
        ] {
            waits.note(&record);
        }
        waits.end_round(true);
        assert!(waits.totals.is_empty());
    }

    #[test]
    fn samples_are_as_the_attribute_says_and_cut_records_are_no_harm() {
        let mut waits = Waits::default();
        let all = [sample(8, 100, &[USER, 0x1000]), switch(8, 100, OUT, true), switch(8, 150, 0, true)];
        for record in &all {
            for length in 0..record.len() {
                waits.note(&record[..length]);
            }
        }
        waits.pending.clear();
        let mut absurd = all[0].clone();
        absurd[24..32].copy_from_slice(&u64::MAX.to_ne_bytes());
        assert_eq!(waits.note(&absurd), None);
        assert!(all.iter().all(|record| waits.note(record).is_some()));
        waits.end_round(true);
        let bits =
            sample_type::IP | sample_type::TID | sample_type::TIME | sample_type::PERIOD | sample_type::CALLCHAIN;
        let attr = EventAttr { sample_type: bits | sample_type::IDENTIFIER, ..EventAttr::default() };
        let mut out = Emitter::new(0);
        waits.samples(&attr, 77, &mut out);
        let words: Vec<u64> = out.bytes[8..].as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
        assert_eq!(words, [77, 0x1000, 7 | 8 << 32, FIRST_TIME, 50, 2, USER, 0x1000]);
        assert_eq!(whole_records(&[out.bytes.clone(), out.bytes.clone()].concat(), 1).len(), 3);
    }
}
