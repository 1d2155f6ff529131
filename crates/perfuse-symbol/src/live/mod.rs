//! `--call-graph unwind`: the kernel copies registers and a piece of the stack as for `dwarf`, but they are unwound here
//! and now, and what is written are plain call chains: files stay small, and whoever reports has nothing left to unwind.
//!
//! ```text
//! from the ring   id ip tid time … | kernel chain | raw | branches | registers | stack | rest
//! to the file     id ip tid time … | kernel chain, PERF_CONTEXT_USER, user chain | raw | branches | rest
//! ```

mod maps;

use std::io::{Read, Seek};

use crate::unwind::{Frame, Machine, Mapped, Place, Registers, Unwinder};
use maps::{Cfi, Maps, i32_at, u32_at, u64_at};
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, read_format, sample_type};
use perfuse_format::perfdata::record::kind;

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
/// `PERF_SAMPLE_REGS_ABI_32`: registers of a 32-bit program.
const NARROW: u64 = 1;
/// A frame pointer of a 32-bit program is believed if it points at most so far above the stack pointer.
const FARTHEST_FRAME: u64 = 0x4000;
/// Numbers of ebp, esp and eip among perf's registers.
const NARROW_REGISTERS: [u32; 3] = [6, 7, 8];

/// What is read of a program: its file, or its bytes.
pub trait Image: Read + Seek {}

impl<T: Read + Seek> Image for T {}

/// Opens the file that a process has mapped under a path (`[vdso]` included); `None` where there is nothing to read.
pub type Open = Box<dyn FnMut(i32, &str) -> Option<Box<dyn Image>>>;

/// Unwinds what passes by.
pub struct Live {
    machine: Machine,
    /// What each event asked of the kernel, with its ids.
    events: Vec<(EventAttr, Vec<u64>)>,
    unwinder: Unwinder,
    maps: Maps,
    frames: Vec<Frame>,
    open: Open,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("machine", &self.machine)
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}

/// The attribute as it stands in the file: that of plain call chains.
pub fn stored(attr: &EventAttr) -> EventAttr {
    let mut attr = *attr;
    if attr.samples(sample_type::STACK_USER) {
        attr.sample_type &= !STACK;
        (attr.sample_regs_user, attr.sample_stack_user) = (0, 0);
        attr.flags &= !flag::EXCLUDE_CALLCHAIN_USER;
    }
    attr
}

impl Live {
    /// For events with their ids on such a machine.
    pub fn new(machine: Machine, events: Vec<(EventAttr, Vec<u64>)>, open: Open) -> Self {
        let unwinder = Unwinder::new().with_guesses();
        Self { machine, events, unwinder, maps: Maps::default(), frames: Vec::new(), open }
    }

    /// Takes note of mappings and new processes. All records of a round are noted before its samples are unwound, since
    /// a mapping may stand in the ring of another CPU.
    pub fn note(&mut self, record: &[u8]) {
        self.maps.note(record);
    }

    /// Appends a record, a sample with its stack unwound. One that is not as it should be goes on as it is; `None` then.
    pub fn rewrite(&mut self, record: &[u8], out: &mut Vec<u8>) -> Option<()> {
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
        if !attr.samples(sample_type::STACK_USER) {
            return None;
        }
        let mut chain = (attr.sample_type & BEFORE).count_ones() as usize * 8;
        if attr.samples(sample_type::READ) {
            chain = chain.checked_add(counts(body, chain, attr.read_format)?)?;
        }
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
        let abi = u64_at(body, at)?;
        let has_registers = abi != 0;
        at = at.checked_add(8)?;
        if has_registers {
            for _ in 0..attr.sample_regs_user.count_ones() {
                values.push(u64_at(body, at)?);
                at += 8;
            }
        }
        let room = usize::try_from(u64_at(body, at)?).ok()?;
        let stack_at = at.checked_add(8)?;
        let mut rest = stack_at.checked_add(room)?;
        let mut stack: &[u8] = &[];
        if room > 0 {
            let filled = usize::try_from(u64_at(body, rest)?).ok()?.min(room);
            stack = body.get(stack_at..stack_at.checked_add(filled)?)?;
            rest = rest.checked_add(8)?;
        }
        let tail = body.get(rest..)?;
        self.frames.clear();
        if has_registers {
            if abi == NARROW && self.machine == Machine::X86_64 {
                narrow(attr.sample_regs_user, &values, stack, &mut self.frames);
            } else {
                let registers = Registers::from_perf(self.machine, attr.sample_regs_user, values);
                self.unwind(i32_at(body, pid_at)?, &registers, stack);
            }
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
        let Self { unwinder, maps: Maps { processes, images, .. }, frames, open, .. } = self;
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
                    Some(Cfi::With(file)) => {
                        Mapped::File(Place { file, offset: (address - map.start).wrapping_add(map.pgoff) })
                    }
                }
            };
            frames.clear();
            unwinder.unwind(registers, stack, locate, MOST, frames);
            let Some(image) = unopened.and_then(|file| images.get_mut(file)) else { return };
            let opened = open(pid, &image.path).and_then(|file| unwinder.open_file(file).ok().flatten());
            image.cfi = opened.map_or(Cfi::Without, Cfi::With);
        }
    }
}

/// Bytes of the values of counters (`PERF_SAMPLE_READ`) at a place.
fn counts(body: &[u8], at: usize, format: u64) -> Option<usize> {
    let times = (format & (read_format::TOTAL_TIME_ENABLED | read_format::TOTAL_TIME_RUNNING)).count_ones() as usize;
    let each = 1 + (format & (read_format::ID | read_format::LOST)).count_ones() as usize;
    if format & read_format::GROUP == 0 {
        return Some((times + each) * 8);
    }
    let members = usize::try_from(u64_at(body, at)?).ok()?;
    members.checked_mul(each)?.checked_add(times + 1)?.checked_mul(8)
}

/// The frames of a 32-bit program by its frame pointers: their call frame information is not read. Each points to the one
/// before, behind which the return address is.
fn narrow(mask: u64, values: &[u64], stack: &[u8], frames: &mut Vec<Frame>) {
    let value = |number: u32| {
        let before = (mask & ((1 << number) - 1)).count_ones() as usize;
        values.get(before).copied().filter(|_| mask >> number & 1 == 1).map(|value| value & u64::from(u32::MAX))
    };
    let [Some(mut pointer), Some(mut sp), Some(ip)] = NARROW_REGISTERS.map(value) else { return };
    let base = sp;
    let read = |address: u64| {
        let at = usize::try_from(address.checked_sub(base)?).ok()?;
        let word = stack.get(at..at.checked_add(4)?)?.first_chunk()?;
        Some(u64::from(u32::from_le_bytes(*word)))
    };
    frames.push(Frame { ip, is_return: false });
    while frames.len() < MOST {
        let is_near = pointer.checked_sub(sp).is_some_and(|above| above <= FARTHEST_FRAME);
        let (Some(before), Some(ip @ 1..)) = (read(pointer), read(pointer.saturating_add(4))) else { return };
        if !is_near {
            return;
        }
        frames.push(Frame { ip, is_return: true });
        (sp, pointer) = (pointer.saturating_add(8), before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The registers that perf asks for on x86-64, and on 64-bit ARM.
    const X86: u64 = 0xff_0fff;
    const ARM: u64 = (1 << 33) - 1;

    fn live(machine: Machine, attr: EventAttr) -> Live {
        Live::new(machine, vec![(attr, vec![1])], Box::new(|_, _| None))
    }

    /// A sample of registers without a stack: its only frame is where it was.
    fn sample(attr: &EventAttr, counts: &[u64]) -> Vec<u8> {
        let mut body: Vec<u8> = Vec::new();
        let mut put = |value: u64| body.extend(value.to_ne_bytes());
        put(0x1234);
        put(7 | 7 << 32);
        for count in counts {
            put(*count);
        }
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
        let mask = X86;
        let bits = sample_type::IP | sample_type::TID | sample_type::CALLCHAIN | STACK;
        let attr =
            EventAttr { sample_type: bits, sample_regs_user: mask, sample_stack_user: 16, ..EventAttr::default() };
        assert_eq!(stored(&attr).sample_type, sample_type::IP | sample_type::TID | sample_type::CALLCHAIN);
        let mut live = live(Machine::X86_64, attr);
        let record = sample(&attr, &[]);
        let mut out = Vec::new();
        assert!(live.rewrite(&record, &mut out).is_some());
        let words: Vec<u64> = out[8..].as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
        let ip = 0x1000 + 8;
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

    #[test]
    fn counts_of_a_group_stand_before_the_chain() {
        let bits = sample_type::IP | sample_type::TID | sample_type::READ | sample_type::CALLCHAIN | STACK;
        let attr =
            EventAttr { sample_type: bits, sample_regs_user: ARM, sample_stack_user: 16, ..EventAttr::default() };
        let group = read_format::GROUP | read_format::ID | read_format::LOST;
        let times = read_format::TOTAL_TIME_ENABLED | read_format::TOTAL_TIME_RUNNING;
        let lists: [(u64, &[u64]); 4] = [
            (group, &[2, 10, 1, 0, 20, 2, 0]),
            (group | times, &[1, 5, 5, 10, 1, 0]),
            (read_format::ID, &[10, 1]),
            (0, &[10]),
        ];
        for (read_format, counts) in lists {
            let attr = EventAttr { read_format, ..attr };
            let mut live = live(Machine::Aarch64, attr);
            let mut out = Vec::new();
            assert!(live.rewrite(&sample(&attr, counts), &mut out).is_some());
            let words: Vec<u64> = out[8..].as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
            let chain = [4, 128_u64.wrapping_neg(), 0xffff_ffff_8100_0000, CONTEXT_USER, 0x1000 + 32];
            assert_eq!(words, [&[0x1234, 7 | 7 << 32][..], counts, &chain].concat());
        }
        // A group of more members than the record has room for.
        let attr = EventAttr { read_format: group, ..attr };
        let record = sample(&attr, &[u64::MAX]);
        let mut out = Vec::new();
        assert_eq!(live(Machine::Aarch64, attr).rewrite(&record, &mut out), None);
        assert_eq!(out, record);
    }

    #[test]
    fn frame_pointers_of_32_bits_are_followed_through_the_copy() {
        let values: Vec<u64> = (0..9)
            .map(|number| match number {
                6 => 0xffff_0008,
                7 => 0xffff_0000,
                8 => 0x0804_8000,
                _ => 0,
            })
            .collect();
        let stack: Vec<u8> = [0_u32, 0, 0xffff_0010, 0x0804_8100, 0, 0x0804_8200].map(u32::to_le_bytes).concat();
        let mut frames = Vec::new();
        narrow(X86, &values, &stack, &mut frames);
        let ips: Vec<u64> = frames.iter().map(|frame| frame.ip).collect();
        assert_eq!(ips, [0x0804_8000, 0x0804_8100, 0x0804_8200]);
        // One that points to itself ends; registers that were not asked for are not guessed.
        let circle: Vec<u8> = [0_u32, 0, 0xffff_0008, 0x0804_8100].map(u32::to_le_bytes).concat();
        frames.clear();
        narrow(X86, &values, &circle, &mut frames);
        assert_eq!(frames.len(), 2);
        frames.clear();
        narrow(1, &values, &stack, &mut frames);
        assert!(frames.is_empty());
    }

    #[test]
    fn whatever_stands_in_a_ring_is_no_harm() {
        let bits = sample_type::IP | sample_type::TID | sample_type::READ | sample_type::CALLCHAIN | STACK;
        let (read, raw) = (read_format::GROUP | read_format::ID, sample_type::RAW | sample_type::BRANCH_STACK);
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            // Marsaglia's xorshift.
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        for round in 0..20_000_u64 {
            let sample_type = if round % 2 == 0 { bits } else { bits | raw };
            let attr = EventAttr { sample_type, sample_regs_user: X86, read_format: read, ..EventAttr::default() };
            let mut record = sample(&attr, &[1, 10, 1]);
            for _ in 0..=random() % 4 {
                let at = usize::try_from(random()).unwrap_or(0) % record.len();
                record[at] = u8::try_from(random() & 0xff).unwrap();
            }
            record.truncate(record.len() - usize::try_from(random() % 3).unwrap());
            let machine = if random() % 2 == 0 { Machine::X86_64 } else { Machine::Aarch64 };
            let mut live = live(machine, attr);
            live.note(&record);
            let mut out = Vec::new();
            assert!(live.rewrite(&record, &mut out).is_some() || out == record);
        }
    }
}
