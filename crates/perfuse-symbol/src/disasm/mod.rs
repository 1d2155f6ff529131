//! Machine code as text, in the words of `objdump -d`: AT&T syntax for x86, GNU syntax for 64-bit ARM.

mod arm;
mod labels;
mod x86;

use std::fmt::Write as _;

pub use labels::Labels;

/// What an instruction does to the flow of control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It goes on with the next one.
    Next,
    /// A jump, with or without condition.
    Jump,
    /// A call.
    Call,
    /// A return.
    Return,
}

/// One instruction, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insn {
    /// Bytes from the start of the code.
    pub offset: usize,
    /// Bytes.
    pub length: usize,
    /// Its name with its prefixes: `mov`, `rep stos`; `(bad)` where there is none.
    pub mnemonic: String,
    /// Its operands, without the names of symbols.
    pub operands: String,
    /// What it does to the flow of control.
    pub flow: Flow,
    /// The address that a jump or a call leads to, if the code states it.
    pub target: Option<u64>,
    /// The address of data that it names relative to itself.
    pub data: Option<u64>,
    /// Whether a tabulator stands between its name and its operands, as objdump has it for ARM.
    pub tabbed: bool,
}

/// Instruction sets that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// x86 with 64-bit addresses.
    X86Wide,
    /// x86 with 32-bit addresses.
    X86Narrow,
    /// 64-bit ARM.
    Aarch64,
}

/// Operand syntax of x86.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Syntax {
    /// `mov %rax,0x8(%rbx)`.
    #[default]
    Att,
    /// `mov QWORD PTR [rbx+0x8],rax`.
    Intel,
}

/// The instructions of `code`, the first byte of which is at `address`. All bytes are covered: what is no instruction is
/// `(bad)`, one byte at a time, on ARM a number.
pub fn disassemble(isa: Isa, syntax: Syntax, code: &[u8], address: u64) -> Vec<Insn> {
    match isa {
        Isa::X86Wide => x86::disassemble(code, address, 64, syntax),
        Isa::X86Narrow => x86::disassemble(code, address, 32, syntax),
        Isa::Aarch64 => arm::disassemble(code, address),
    }
}

impl Insn {
    /// As objdump prints it behind the address: the name padded to six, the operands, and what `name` calls the addresses.
    pub fn text(&self, mut name: impl FnMut(u64) -> Option<String>) -> String {
        let mut text = self.bare();
        if let Some(target) = self.target
            && let Some(name) = name(target)
        {
            text.push_str(" <");
            text.push_str(&name);
            text.push('>');
        }
        if let Some(data) = self.data {
            let _ = write!(text, "        # {data:x}");
            if let Some(name) = name(data) {
                text.push_str(" <");
                text.push_str(&name);
                text.push('>');
            }
        }
        text
    }

    /// The name and the operands.
    fn bare(&self) -> String {
        if self.operands.is_empty() {
            return self.mnemonic.clone();
        }
        if self.tabbed {
            return format!("{}\t{}", self.mnemonic, self.operands);
        }
        format!("{:<6} {}", self.mnemonic, self.operands)
    }
}
