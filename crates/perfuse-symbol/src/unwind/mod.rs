//! Call chains from the registers and a copy of the stack of a thread, with the call frame information of its files.
//!
//! One step goes from a frame to its caller:
//!
//! ```text
//!   ip, registers ──rule of ip──> CFA (stack pointer before the call)
//!                                 return address  = [CFA - 8]
//!                                 saved registers = [CFA - ..]
//! ```
//!
//! A return address is looked up at one less: the call may be the last instruction of its function. Behind the frame of a
//! signal handler that does not hold, since nobody called it.
//!
//! perf unwinds with libunwind, and so the same steps are made, its guess included: where a file has call frame
//! information, but none for the instruction, the frame pointer is followed if it points a little above the stack
//! pointer.

mod cfi;
mod expression;
mod registers;

use std::io::{Read, Seek};

use gimli::UnwindContext;
use rustc_hash::FxHashMap;

use crate::dso::{DsoSpec, SymbolOptions};
use crate::elf::ElfError;
use crate::files::Files;
use cfi::{Cfa, Cfi, Rule, Save};
pub use registers::{Machine, Registers};

/// Number of a file in its [`Unwinder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CfiId(u32);

/// Where an address lies: in which file, and at which offset of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: CfiId,
    /// `ip - map.start + map.pgoff`.
    pub offset: u64,
}

/// What a process has at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapped {
    /// Nothing.
    Nothing,
    /// Something without call frame information.
    Other,
    /// A file with call frame information.
    File(Place),
}

/// One frame of a call chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Instruction pointer: of the innermost frame where it was stopped, of the others where the callee returns to.
    pub ip: u64,
    /// Whether a call comes right before `ip`, as in all frames but the innermost and those that a signal stopped.
    pub is_return: bool,
}

impl Frame {
    /// The address for symbols and source lines, which is also the one that perf shows: within the call.
    pub fn lookup(self) -> u64 {
        self.ip.wrapping_sub(u64::from(self.is_return))
    }
}

/// Rules that are kept; a process runs through some thousands of places.
const MOST_RULES: usize = 1 << 16;

/// A frame pointer is believed if it points at most so far above the stack pointer (libunwind's bound).
const FARTHEST_FRAME: u64 = 0x4000;

/// Unwinds stacks; what it has read of files serves all processes.
#[derive(Debug)]
pub struct Unwinder {
    files: Vec<Cfi>,
    rules: FxHashMap<(u32, u64), Option<Rule>>,
    context: Box<UnwindContext<usize>>,
    guesses: bool,
}

impl Default for Unwinder {
    fn default() -> Self {
        Self::new()
    }
}

impl Unwinder {
    /// An unwinder that knows no file.
    pub fn new() -> Self {
        Self { files: Vec::new(), rules: FxHashMap::default(), context: Box::new(UnwindContext::new()), guesses: false }
    }

    /// Better than libunwind, where its results need not be met: follows frame pointers also through code without a file
    /// (just-in-time compiled), ends a chain that leaves the copy of the stack without a frame at address zero, and reads
    /// the call frame information of files without a search table for it (linked statically). To be asked for before the
    /// first file is opened.
    #[must_use]
    pub fn with_guesses(mut self) -> Self {
        self.guesses = true;
        self
    }

    /// Takes note of an ELF file. `None` if it has no call frame information.
    pub fn open_file(&mut self, file: impl Read + Seek) -> Result<Option<CfiId>, ElfError> {
        Ok(self.keep(Cfi::read(file, self.guesses)?))
    }

    /// Takes note of a recorded file, read from the build-id cache or from its path, if it is of the recorded build.
    pub fn open<F: Files>(&mut self, files: &F, spec: &DsoSpec<'_>, options: &SymbolOptions) -> Option<CfiId> {
        let mut elf = crate::find::running_file(files, spec, options)?;
        let cfi = Cfi::of(&mut elf, self.guesses).ok()?;
        self.keep(cfi)
    }

    fn keep(&mut self, cfi: Cfi) -> Option<CfiId> {
        if cfi.is_empty() {
            return None;
        }
        let id = CfiId(u32::try_from(self.files.len()).ok()?);
        self.files.push(cfi);
        Some(id)
    }

    /// Appends the call chain to `frames`, innermost first, at most `most` frames. `stack` is the memory from the stack
    /// pointer on; `locate` tells what the process of the sample has at an address.
    pub fn unwind(
        &mut self,
        registers: &Registers,
        stack: &[u8],
        mut locate: impl FnMut(u64) -> Mapped,
        most: usize,
        frames: &mut Vec<Frame>,
    ) {
        let (Some(ip), Some(sp)) = (registers.ip(), registers.sp()) else { return };
        let mut memory = Memory { start: sp, bytes: stack, locate: &mut locate, strict: self.guesses };
        let mut registers = *registers;
        let mut frame = Frame { ip, is_return: false };
        for _ in 0..most {
            frames.push(frame);
            let before = (registers.ip(), registers.sp());
            let mapped = (memory.locate)(frame.lookup());
            let Some(signal) = self.step(mapped, &mut registers, &mut memory) else { return };
            let Some(ip) = registers.ip() else { return };
            if before == (registers.ip(), registers.sp()) || ip == 0 && self.guesses {
                return;
            }
            frame = Frame { ip, is_return: !signal };
        }
    }

    fn rule(&mut self, place: Place) -> Option<&Rule> {
        if self.rules.len() >= MOST_RULES {
            self.rules.clear();
        }
        let (files, context) = (&self.files, &mut self.context);
        let rule = self.rules.entry((place.file.0, place.offset)).or_insert_with(|| {
            let cfi = files.get(place.file.0 as usize)?;
            cfi.rule(cfi.address_of(place.offset)?, context)
        });
        rule.as_ref()
    }

    /// Makes the registers those of the caller; whether the frame that was left was one of a signal. `None` where the
    /// chain ends.
    fn step(&mut self, mapped: Mapped, registers: &mut Registers, memory: &mut Memory<'_>) -> Option<bool> {
        let place = match mapped {
            Mapped::File(place) => place,
            _ if self.guesses => return follow_frame_pointer(registers, memory).map(|()| false),
            _ => return None,
        };
        if self.rule(place).is_none() {
            return follow_frame_pointer(registers, memory).map(|()| false);
        }
        let rule = self.rules.get(&(place.file.0, place.offset))?.as_ref()?;
        let cfi = self.files.get(place.file.0 as usize)?;
        apply(cfi, rule, registers, memory)?;
        Some(rule.signal)
    }
}

/// Makes the registers those of the caller. `None` if there is none.
fn apply(cfi: &Cfi, rule: &Rule, registers: &mut Registers, memory: &mut Memory<'_>) -> Option<()> {
    let old = *registers;
    let machine = old.machine;
    let cfa = match rule.cfa {
        Cfa::Register(register, offset) => old.get(register)?.wrapping_add_signed(offset),
        Cfa::Expression(found) => expression::evaluate(cfi, found, None, &old, memory)?,
    };
    registers.set(machine.stack_pointer(), cfa);
    for (register, save) in &rule.saves {
        let value = match *save {
            Save::Undefined => None,
            Save::Offset(offset) => memory.read(cfa.wrapping_add_signed(offset)),
            Save::Value(offset) => Some(cfa.wrapping_add_signed(offset)),
            Save::Register(other) => old.get(other),
            Save::Expression(found) => {
                let address = expression::evaluate(cfi, found, Some(cfa), &old, memory);
                address.and_then(|address| memory.read(address))
            }
            Save::ValueExpression(found) => expression::evaluate(cfi, found, Some(cfa), &old, memory),
        };
        match value {
            Some(value) => registers.set(*register, value),
            None => registers.forget(*register),
        }
    }
    let ip = registers.get(rule.return_address)?;
    registers.set(machine.instruction_pointer(), code_address(machine, ip));
    // The psABI of x86-64 marks the outermost frame by a frame pointer that is lost.
    if machine == Machine::X86_64 {
        registers.get(machine.frame_pointer())?;
    }
    Some(())
}

/// Return addresses of ARM may carry a signature (pointer authentication) in the bits above the address.
fn code_address(machine: Machine, ip: u64) -> u64 {
    match machine {
        Machine::X86_64 => ip,
        Machine::Aarch64 => ip & ((1 << 48) - 1),
    }
}

/// Goes to the caller by the frame pointer: it points to the saved one, behind which the return address is.
fn follow_frame_pointer(registers: &mut Registers, memory: &mut Memory<'_>) -> Option<()> {
    let machine = registers.machine;
    let (pointer, sp) = (registers.get(machine.frame_pointer())?, registers.sp()?);
    pointer.checked_sub(sp).filter(|above| *above <= FARTHEST_FRAME)?;
    let saved = memory.read(pointer)?;
    let ip = memory.read(pointer.checked_add(8)?)?;
    // libunwind takes 16 bytes for the whole frame from here on, whatever the frame pointer says.
    let above = if memory.strict { pointer } else { sp };
    let mut caller = Registers::new(machine);
    caller.set(machine.frame_pointer(), saved);
    caller.set(machine.stack_pointer(), above.checked_add(16)?);
    caller.set(machine.instruction_pointer(), code_address(machine, ip));
    *registers = caller;
    Some(())
}

/// The copy of the stack, and what else the process has in memory.
pub(crate) struct Memory<'a> {
    start: u64,
    bytes: &'a [u8],
    locate: &'a mut dyn FnMut(u64) -> Mapped,
    /// Only what was copied counts.
    strict: bool,
}

impl Memory<'_> {
    /// The eight bytes at an address. As in perf the very last ones of the copy do not count, and what is mapped but
    /// was not copied reads as zero.
    pub(crate) fn read(&mut self, address: u64) -> Option<u64> {
        let at = address.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        let end = at.and_then(|at| at.checked_add(8)).filter(|end| *end < self.bytes.len() + usize::from(self.strict));
        let copied = at.zip(end).and_then(|(at, end)| self.bytes.get(at..end)?.try_into().ok());
        // The copy is in the byte order of the machine, and both machines here are little-endian.
        match copied.map(u64::from_le_bytes) {
            None if !self.strict && (self.locate)(address) != Mapped::Nothing => Some(0),
            copied => copied,
        }
    }
}
