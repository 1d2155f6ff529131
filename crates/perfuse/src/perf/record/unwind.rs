//! `--call-graph unwind`: the kernel copies registers and a piece of the stack as for `dwarf`, but they are unwound here
//! and now, and what is written are plain call chains: files stay small, and whoever reports has nothing left to unwind.
//!
//! ```text
//! from the ring   id ip tid time … | kernel chain | raw | branches | registers | stack | rest
//! to the file     id ip tid time … | kernel chain, PERF_CONTEXT_USER, user chain | raw | branches | rest
//! ```

use std::fs::File;
use std::io::Cursor;

use perfuse_collect::Root;
use perfuse_collect::perf::record::Planned;
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, sample_type};
use perfuse_format::perfdata::record::kind;
use perfuse_symbol::unwind::{CfiId, Frame, Machine, Mapped, Place, Registers, Unwinder};

use super::maps::{Cfi, Maps, i32_at, u32_at, u64_at};

/// `PERF_CONTEXT_USER`.
const CONTEXT_USER: u64 = 512_u64.wrapping_neg();
/// Frames of a chain at most: `kernel.perf_event_max_stack` by default.
const MOST: usize = 127;
/// The fields before the call chain, eight bytes each.
const BEFORE: u64 = sample_type::IDENTIFIER
    | sample_type::IP
    | sample_type::TID
    | sample_type::TIME
    | sample_type::ADDR
    | sample_type::ID
    | sample_type::STREAM_ID
    | sample_type::CPU
    | sample_type::PERIOD;
/// Those that become frames.
const STACK: u64 = sample_type::REGS_USER | sample_type::STACK_USER;
const MACHINE: Machine = if cfg!(target_arch = "aarch64") { Machine::Aarch64 } else { Machine::X86_64 };

/// Unwinds what passes by.
pub(super) struct Live {
    root: Root,
    /// What each event asked of the kernel, with its ids.
    events: Vec<(EventAttr, Vec<u64>)>,
    unwinder: Unwinder,
    maps: Maps,
    frames: Vec<Frame>,
}

/// What is not needed to unwind is not asked for; perf wants it for `dwarf`.
pub(super) fn trim(events: &mut [Planned], addresses: bool) {
    for event in events.iter_mut().filter(|event| event.attr.samples(sample_type::STACK_USER) && !addresses) {
        event.attr.sample_type &= !(sample_type::ADDR | sample_type::DATA_SRC);
        event.attr.flags &= !flag::MMAP_DATA;
    }
}

/// The attribute as it stands in the file: that of plain call chains.
pub(super) fn stored(attr: &EventAttr) -> EventAttr {
    let mut attr = *attr;
    if attr.samples(sample_type::STACK_USER) {
        attr.sample_type &= !STACK;
        (attr.sample_regs_user, attr.sample_stack_user) = (0, 0);
        attr.flags &= !flag::EXCLUDE_CALLCHAIN_USER;
    }
    attr
}

impl Live {
    pub(super) fn new(root: Root, events: Vec<(EventAttr, Vec<u64>)>) -> Self {
        Self { root, events, unwinder: Unwinder::new().with_guesses(), maps: Maps::default(), frames: Vec::new() }
    }

    /// Takes note of mappings and new processes. All records of a round are noted before its samples are unwound, since
    /// a mapping may stand in the ring of another CPU.
    pub(super) fn note(&mut self, record: &[u8]) {
        self.maps.note(record);
    }

    /// Appends a record, a sample with its stack unwound. One that is not as it should be goes on as it is; `None` then.
    pub(super) fn rewrite(&mut self, record: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let before = out.len();
        let done = self.sample(record, out);
        if done.is_none() {
            out.truncate(before);
            out.extend_from_slice(record);
        }
        done
    }

    fn sample(&mut self, record: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (head, body) = record.split_first_chunk::<8>()?;
        if u32::from_ne_bytes([head[0], head[1], head[2], head[3]]) != kind::SAMPLE {
            return None;
        }
        let attr = self.event(body)?;
        if !attr.samples(sample_type::STACK_USER) || attr.samples(sample_type::READ) {
            return None;
        }
        let chain = (attr.sample_type & BEFORE).count_ones() as usize * 8;
        let pid_at = (attr.sample_type & (sample_type::IDENTIFIER | sample_type::IP)).count_ones() as usize * 8;
        let frames = usize::try_from(u64_at(body, chain)?).ok()?;
        let chain_end = frames.checked_mul(8)?.checked_add(chain + 8)?;
        let mut at = chain_end;
        if attr.samples(sample_type::RAW) {
            at = at.checked_add(4 + usize::try_from(u32_at(body, at)?).ok()?)?;
        }
        if attr.samples(sample_type::BRANCH_STACK) {
            // The index of the hardware stands before the branches where it is asked for.
            let index = if attr.branch_sample_type >> 17 & 1 == 1 { 8 } else { 0 };
            at = usize::try_from(u64_at(body, at)?).ok()?.checked_mul(24)?.checked_add(at + 8 + index)?;
        }
        let registers_at = at;
        let mut values = Vec::new();
        let has_registers = u64_at(body, at)? != 0;
        at += 8;
        if has_registers {
            for _ in 0..attr.sample_regs_user.count_ones() {
                values.push(u64_at(body, at)?);
                at += 8;
            }
        }
        let room = usize::try_from(u64_at(body, at)?).ok()?;
        let stack_at = at + 8;
        let mut rest = stack_at.checked_add(room)?;
        let mut stack: &[u8] = &[];
        if room > 0 {
            let filled = usize::try_from(u64_at(body, rest)?).ok()?.min(room);
            stack = body.get(stack_at..stack_at + filled)?;
            rest += 8;
        }
        let tail = body.get(rest..)?;
        self.frames.clear();
        if has_registers {
            let registers = Registers::from_perf(MACHINE, attr.sample_regs_user, values);
            self.unwind(i32_at(body, pid_at)?, &registers, stack);
        }
        let user = if self.frames.is_empty() { 0 } else { self.frames.len() + 1 };
        let start = out.len();
        out.extend_from_slice(head);
        out.extend_from_slice(body.get(..chain)?);
        out.extend_from_slice(&((frames + user) as u64).to_ne_bytes());
        out.extend_from_slice(body.get(chain + 8..chain_end)?);
        if user > 0 {
            out.extend_from_slice(&CONTEXT_USER.to_ne_bytes());
            for frame in &self.frames {
                out.extend_from_slice(&frame.lookup().to_ne_bytes());
            }
        }
        out.extend_from_slice(body.get(chain_end..registers_at)?);
        out.extend_from_slice(tail);
        let size = u16::try_from(out.len() - start).ok()?;
        out[start + 6..start + 8].copy_from_slice(&size.to_ne_bytes());
        Some(())
    }

    fn event(&self, body: &[u8]) -> Option<EventAttr> {
        let first = self.events.first()?.0;
        if !first.samples(sample_type::IDENTIFIER) {
            // Without an id at a fixed place, all events have samples of the same kind.
            return Some(first);
        }
        let id = u64_at(body, 0)?;
        self.events.iter().find(|(_, ids)| ids.contains(&id)).map(|(attr, _)| *attr)
    }

    fn unwind(&mut self, pid: i32, registers: &Registers, stack: &[u8]) {
        let Self { unwinder, maps: Maps { processes, images, .. }, frames, root, .. } = self;
        let maps = processes.get(&pid).map(Vec::as_slice).unwrap_or_default();
        // Files are opened when code of theirs is met; the unwinder then already walks, so that the walk is done again.
        loop {
            let mut unopened = None;
            let locate = |address: u64| {
                let at = maps.partition_point(|map| map.end <= address);
                let Some(map) = maps.get(at).filter(|map| map.start <= address) else { return Mapped::Nothing };
                match images.get(map.file).map(|image| image.cfi) {
                    Some(Cfi::Unopened) => {
                        unopened.get_or_insert(map.file);
                        Mapped::Other
                    }
                    None | Some(Cfi::Without) => Mapped::Other,
                    Some(Cfi::With(file)) => Mapped::File(Place { file, offset: address - map.start + map.pgoff }),
                }
            };
            frames.clear();
            unwinder.unwind(registers, stack, locate, MOST, frames);
            let Some(image) = unopened.and_then(|file| images.get_mut(file)) else { return };
            image.cfi = open(unwinder, root, pid, &image.path).map_or(Cfi::Without, Cfi::With);
        }
    }
}

/// The call frame information of a mapped file; of the vdso, that of our own.
fn open(unwinder: &mut Unwinder, root: &Root, pid: i32, path: &str) -> Option<CfiId> {
    if path == "[vdso]" {
        let image = perfuse_collect::perf::record::build_id::vdso()?;
        return unwinder.open_file(Cursor::new(image)).ok().flatten();
    }
    if !path.starts_with('/') || path.starts_with("//") || path.starts_with("/dev/") {
        return None;
    }
    let seen = || File::open(root.join(&format!("/proc/{pid}/root{path}")));
    let file = seen().or_else(|_| File::open(root.join(path))).ok()?;
    file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    unwinder.open_file(file).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample of registers without a stack: its only frame is where it was.
    fn sample(attr: &EventAttr) -> Vec<u8> {
        let mut body: Vec<u8> = Vec::new();
        let mut put = |value: u64| body.extend(value.to_ne_bytes());
        put(0x1234);
        put(7 | 7 << 32);
        put(2);
        put(128_u64.wrapping_neg());
        put(0xffff_ffff_8100_0000);
        put(2);
        for bit in (0..64).filter(|bit| attr.sample_regs_user >> bit & 1 == 1) {
            put(0x1000 + bit);
        }
        put(16);
        put(0);
        put(0);
        put(16);
        let mut record = kind::SAMPLE.to_ne_bytes().to_vec();
        record.extend(2_u16.to_ne_bytes());
        record.extend(u16::try_from(body.len() + 8).unwrap().to_ne_bytes());
        record.extend(body);
        record
    }

    #[test]
    fn registers_and_stack_become_frames() {
        let mask = perfuse_collect::perf::record::config::USER_REGISTERS;
        let bits = sample_type::IP | sample_type::TID | sample_type::CALLCHAIN | STACK;
        let attr =
            EventAttr { sample_type: bits, sample_regs_user: mask, sample_stack_user: 16, ..EventAttr::default() };
        assert_eq!(stored(&attr).sample_type, sample_type::IP | sample_type::TID | sample_type::CALLCHAIN);
        let mut live = Live::new(Root::default(), vec![(attr, vec![1])]);
        let record = sample(&attr);
        let mut out = Vec::new();
        assert!(live.rewrite(&record, &mut out).is_some());
        let words: Vec<u64> = out[8..].as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
        let ip = if cfg!(target_arch = "aarch64") { 0x1000 + 32 } else { 0x1000 + 8 };
        let chain = [128_u64.wrapping_neg(), 0xffff_ffff_8100_0000, CONTEXT_USER, ip];
        assert_eq!(words, [&[0x1234, 7 | 7 << 32, 4][..], &chain].concat());
        assert_eq!(usize::from(u16::from_ne_bytes([out[6], out[7]])), out.len());
        // What is cut goes on as it is.
        for length in 0..record.len() - 1 {
            let mut out = Vec::new();
            let _ = live.rewrite(&record[..length], &mut out);
            assert_eq!(out, record[..length], "{length}");
        }
    }
}
