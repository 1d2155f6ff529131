//! An assembler for programs that are made at run time: instructions by name, jumps by label.
//!
//! Source: `include/uapi/linux/bpf.h`, and `Documentation/bpf/standardization/instruction-set.rst` of the kernel.

use super::error::LoadError;
use super::insn::{CALL, Insn, LOAD_IMM64, PSEUDO_MAP_FD};

/// A register. [`Reg::R0`] has results, [`Reg::R1`] to [`Reg::R5`] arguments, which a call destroys; [`Reg::FP`] is the
/// end of the frame of 512 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reg {
    R0 = 0,
    R1 = 1,
    R2 = 2,
    R3 = 3,
    R4 = 4,
    R5 = 5,
    /// Kept over calls: the context, in all our programs.
    Ctx = 6,
    /// Kept over calls.
    R7 = 7,
    FP = 10,
}

/// Bytes of a memory access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// 1.
    Byte = 0x10,
    /// 2.
    Half = 0x08,
    /// 4.
    Word = 0x00,
    /// 8.
    Long = 0x18,
}

impl Width {
    /// Of a number of bytes; what no access has is eight.
    pub(crate) fn of(bytes: usize) -> Self {
        match bytes {
            1 => Self::Byte,
            2 => Self::Half,
            4 => Self::Word,
            _ => Self::Long,
        }
    }
}

/// An operation of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alu {
    Add = 0x00,
    Sub = 0x10,
    Mul = 0x20,
    /// Without signs; by 0 it gives 0.
    Div = 0x30,
    Or = 0x40,
    And = 0x50,
    Lsh = 0x60,
    Rsh = 0x70,
    Neg = 0x80,
    /// Without signs; by 0 it gives the left side.
    Mod = 0x90,
    Xor = 0xa0,
    Mov = 0xb0,
    /// With the sign.
    Arsh = 0xc0,
}

/// A condition of a jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum If {
    Equal = 0x10,
    Above = 0x20,
    AboveEqual = 0x30,
    NotEqual = 0x50,
    Greater = 0x60,
    GreaterEqual = 0x70,
    Below = 0xa0,
    BelowEqual = 0xb0,
    Less = 0xc0,
    LessEqual = 0xd0,
}

/// Helpers of the kernel: numbers of `enum bpf_func_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Helper {
    MapLookup = 1,
    MapUpdate = 2,
    Cpu = 8,
    PidTgid = 14,
    UidGid = 15,
    Comm = 16,
    PerfOutput = 25,
    ReadUser = 112,
    ReadKernel = 113,
    ReadUserText = 114,
    ReadKernelText = 115,
    PidTgidOfNamespace = 120,
    FunctionAddress = 173,
}

/// Bits of an instruction's code.
mod class {
    pub(super) const LOAD: u8 = 0x61;
    pub(super) const STORE_NUMBER: u8 = 0x62;
    pub(super) const STORE: u8 = 0x63;
    pub(super) const JUMP: u8 = 0x05;
    pub(super) const ALU: u8 = 0x07;
    pub(super) const REGISTER: u8 = 0x08;
    pub(super) const EXIT: u8 = 0x95;
}

/// A place to jump to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label(usize);

/// A program under construction.
#[derive(Debug, Default)]
pub(crate) struct Asm {
    code: Vec<Insn>,
    /// Where each label stands.
    labels: Vec<Option<usize>>,
    /// Which instruction jumps to which label.
    jumps: Vec<(usize, Label)>,
}

impl Asm {
    fn put(&mut self, code: u8, to: Reg, from: u8, offset: i16, imm: i32) {
        let insn = Insn { code, registers: 0, offset, imm };
        self.code.push(insn.with_source(from).with_target(to as u8));
    }

    /// `to = from`.
    pub(crate) fn mov(&mut self, to: Reg, from: Reg) {
        self.alu(Alu::Mov, to, from);
    }

    /// `to OP= from`.
    pub(crate) fn alu(&mut self, operation: Alu, to: Reg, from: Reg) {
        self.put(class::ALU | class::REGISTER | operation as u8, to, from as u8, 0, 0);
    }

    /// `to OP= number`, which is extended with its sign.
    pub(crate) fn alu_number(&mut self, operation: Alu, to: Reg, number: i32) {
        self.put(class::ALU | operation as u8, to, 0, 0, number);
    }

    /// `to = number`, in as few slots as it needs.
    pub(crate) fn number(&mut self, to: Reg, number: i64) {
        if let Ok(short) = i32::try_from(number) {
            return self.alu_number(Alu::Mov, to, short);
        }
        let bytes = number.to_ne_bytes();
        let (low, high) = ([bytes[0], bytes[1], bytes[2], bytes[3]], [bytes[4], bytes[5], bytes[6], bytes[7]]);
        let (low, high) = if cfg!(target_endian = "little") { (low, high) } else { (high, low) };
        self.put(LOAD_IMM64, to, 0, 0, i32::from_ne_bytes(low));
        self.put(0, Reg::R0, 0, 0, i32::from_ne_bytes(high));
    }

    /// `to = map`, by its descriptor.
    pub(crate) fn map(&mut self, to: Reg, fd: i32) {
        self.put(LOAD_IMM64, to, PSEUDO_MAP_FD, 0, fd);
        self.put(0, Reg::R0, 0, 0, 0);
    }

    /// `to = *(WIDTH *)(from + offset)`, the rest zero.
    pub(crate) fn load(&mut self, width: Width, to: Reg, from: Reg, offset: i16) {
        self.put(class::LOAD | width as u8, to, from as u8, offset, 0);
    }

    /// `*(WIDTH *)(to + offset) = from`.
    pub(crate) fn store(&mut self, width: Width, to: Reg, offset: i16, from: Reg) {
        self.put(class::STORE | width as u8, to, from as u8, offset, 0);
    }

    /// `*(WIDTH *)(to + offset) = number`.
    pub(crate) fn store_number(&mut self, width: Width, to: Reg, offset: i16, number: i32) {
        self.put(class::STORE_NUMBER | width as u8, to, 0, offset, number);
    }

    /// Zeroes bytes of the frame, eight at a time.
    pub(crate) fn zero(&mut self, offset: i16, bytes: usize) {
        for at in (0..bytes).step_by(8) {
            // The frame has 512 bytes.
            self.store_number(Width::Long, Reg::FP, offset + i16::try_from(at).unwrap_or(0), 0);
        }
    }

    /// `to = the address of a place in the frame`.
    pub(crate) fn address(&mut self, to: Reg, offset: i16) {
        self.mov(to, Reg::FP);
        self.alu_number(Alu::Add, to, offset.into());
    }

    /// Calls a helper; the result is in [`Reg::R0`].
    pub(crate) fn call(&mut self, helper: Helper) {
        self.put(CALL, Reg::R0, 0, 0, helper as i32);
    }

    /// Ends with [`Reg::R0`] as the result.
    pub(crate) fn exit(&mut self) {
        self.put(class::EXIT, Reg::R0, 0, 0, 0);
    }

    /// A label that stands nowhere yet.
    pub(crate) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// The label stands here.
    pub(crate) fn here(&mut self, label: Label) {
        let at = self.code.len();
        if let Some(place) = self.labels.get_mut(label.0) {
            *place = Some(at);
        }
    }

    /// Jumps.
    pub(crate) fn jump(&mut self, label: Label) {
        self.jumps.push((self.code.len(), label));
        self.put(class::JUMP, Reg::R0, 0, 0, 0);
    }

    /// Jumps if `one CONDITION other`.
    pub(crate) fn jump_if(&mut self, condition: If, one: Reg, other: Reg, label: Label) {
        self.jumps.push((self.code.len(), label));
        self.put(class::JUMP | class::REGISTER | condition as u8, one, other as u8, 0, 0);
    }

    /// Jumps if `one CONDITION number`.
    pub(crate) fn jump_if_number(&mut self, condition: If, one: Reg, number: i32, label: Label) {
        self.jumps.push((self.code.len(), label));
        self.put(class::JUMP | condition as u8, one, 0, 0, number);
    }

    /// The instructions, with every jump led to its label.
    pub(crate) fn finish(self) -> Result<Vec<u8>, LoadError> {
        let Self { mut code, labels, jumps } = self;
        for (from, label) in jumps {
            let to = labels.get(label.0).copied().flatten();
            let to = to.ok_or_else(|| LoadError::Object("a jump to nowhere".to_owned()))?;
            let distance = to.cast_signed() - from.cast_signed() - 1;
            let distance = i16::try_from(distance).map_err(|_| LoadError::Object("the program is too long".to_owned()));
            if let Some(insn) = code.get_mut(from) {
                insn.offset = distance?;
            }
        }
        Ok(code.into_iter().flat_map(Insn::to_bytes).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(bytes: &[u8]) -> Vec<[u8; 8]> {
        bytes.as_chunks::<8>().0.to_vec()
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn instructions_are_those_of_the_instruction_set() {
        let mut asm = Asm::default();
        asm.mov(Reg::Ctx, Reg::R1);
        asm.number(Reg::R0, -1);
        asm.number(Reg::R2, 0x1_0000_0002);
        asm.load(Width::Word, Reg::R3, Reg::Ctx, 16);
        asm.store(Width::Long, Reg::FP, -8, Reg::R3);
        asm.store_number(Width::Byte, Reg::FP, -16, 7);
        asm.alu_number(Alu::Arsh, Reg::R3, 63);
        asm.map(Reg::R1, 5);
        asm.call(Helper::MapLookup);
        asm.exit();
        // As `llvm-mc -triple bpf` and `bpftool` show them.
        assert_eq!(
            slots(&asm.finish().unwrap()),
            [
                [0xbf, 0x16, 0, 0, 0, 0, 0, 0],
                [0xb7, 0x00, 0, 0, 0xff, 0xff, 0xff, 0xff],
                [0x18, 0x02, 0, 0, 2, 0, 0, 0],
                [0, 0, 0, 0, 1, 0, 0, 0],
                [0x61, 0x63, 16, 0, 0, 0, 0, 0],
                [0x7b, 0x3a, 0xf8, 0xff, 0, 0, 0, 0],
                [0x72, 0x0a, 0xf0, 0xff, 7, 0, 0, 0],
                [0xc7, 0x03, 0, 0, 63, 0, 0, 0],
                [0x18, 0x11, 0, 0, 5, 0, 0, 0],
                [0; 8],
                [0x85, 0, 0, 0, 1, 0, 0, 0],
                [0x95, 0, 0, 0, 0, 0, 0, 0],
            ]
        );
    }

    #[test]
    fn jumps_go_forward_and_back() {
        let mut asm = Asm::default();
        let (start, end) = (asm.label(), asm.label());
        asm.here(start);
        asm.jump_if_number(If::Equal, Reg::R0, 0, end);
        asm.jump(start);
        asm.here(end);
        asm.exit();
        let bytes = asm.finish().unwrap();
        assert_eq!(i16::from_ne_bytes([bytes[2], bytes[3]]), 1);
        assert_eq!(i16::from_ne_bytes([bytes[10], bytes[11]]), -2);
    }

    #[test]
    fn a_label_that_stands_nowhere_is_an_error() {
        let mut asm = Asm::default();
        let label = asm.label();
        asm.jump(label);
        assert!(asm.finish().is_err());
    }
}
