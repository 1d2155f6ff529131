//! What resolving needs to know of files: their functions, what is inlined in them, and how their stacks are unwound.

use perfuse_format::perfdata::sample::Registers;

use crate::session::{Dso, DsoId, Session};

/// A function that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its number in its dso: the same for every address of the function.
    pub index: u32,
    /// First address, in the same count as the address that was asked for.
    pub start: u64,
    /// First address behind it.
    pub end: u64,
}

/// A function that stands at an address because the compiler put it there, or the function that holds all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inline {
    /// Name; `None` if it is the function that the symbol table names.
    pub name: Option<String>,
    /// Source file and line that it is at.
    pub source: Option<(String, u32)>,
}

/// A user stack that was copied into a sample.
#[derive(Debug, Clone, Copy)]
pub struct UserStack<'a> {
    /// Process.
    pub pid: i32,
    /// Thread.
    pub tid: i32,
    /// Registers at the sample.
    pub registers: Registers<'a>,
    /// The stack from the stack pointer up.
    pub bytes: &'a [u8],
    /// Most frames.
    pub most: usize,
}

/// Machine code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Code {
    /// The bytes; fewer than were asked for at the end of the file.
    pub bytes: Vec<u8>,
    /// Whether it is 64-bit code.
    pub wide: bool,
}

/// What is known of an instruction without its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Bytes.
    pub length: usize,
    /// Whether it may go on elsewhere: a jump, a call, a return, or into the kernel and back.
    pub branch: bool,
}

/// Functions of files. The resolver asks for each distinct address once.
pub trait Names {
    /// The function at `address` of a dso: an offset in the file, for the kernel, its modules and BPF the address itself.
    fn find(&mut self, id: DsoId, dso: &Dso, address: u64) -> Option<Found>;

    /// The name, demangled, of a function that [`Names::find`] gave; asked for once.
    fn name(&mut self, id: DsoId, dso: &Dso, index: u32) -> String;

    /// A symbol of the kernel (`_text`) and its address while it was recorded: tells how far the kernel was moved.
    fn kernel_reference(&mut self, _name: &str, _address: u64) {}

    /// The functions at `address`, innermost first; the last is the one that is not inlined. Empty where nothing is known.
    fn inlines(&mut self, _id: DsoId, _dso: &Dso, _address: u64, _found: Found) -> Vec<Inline> {
        Vec::new()
    }

    /// Source file and line of an address.
    fn source(&mut self, _id: DsoId, _dso: &Dso, _address: u64) -> Option<(String, u32)> {
        None
    }

    /// At most `most` bytes of the code at an address; `None` if the file cannot be read or is of another build.
    fn code(&mut self, _id: DsoId, _dso: &Dso, _address: u64, _most: usize) -> Option<Code> {
        None
    }

    /// The instruction with which `bytes` of code begin; `None` if they are none, or of an unknown kind of machine.
    fn instruction(&self, _bytes: &[u8], _wide: bool) -> Option<Instruction> {
        None
    }

    /// A line of a source file, without its end; lines count from 1.
    fn source_text(&mut self, _file: &str, _line: u32) -> Option<String> {
        None
    }

    /// Appends the instruction pointers of a copied user stack to `ips`, innermost first: the first as sampled, of callers
    /// the address in the call instruction (return address minus one).
    fn unwind(&mut self, _session: &Session, _stack: &UserStack<'_>, _ips: &mut Vec<u64>) {}
}

/// Of nothing is anything known: for outputs without functions.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNames;

impl Names for NoNames {
    fn find(&mut self, _id: DsoId, _dso: &Dso, _address: u64) -> Option<Found> {
        None
    }

    fn name(&mut self, _id: DsoId, _dso: &Dso, _index: u32) -> String {
        String::new()
    }
}
