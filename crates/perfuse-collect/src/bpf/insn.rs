//! Instructions of BPF: eight bytes each (`struct bpf_insn` of `include/uapi/linux/bpf.h`).

/// `BPF_LD | BPF_IMM | BPF_DW`: loads 64 bits and takes two slots.
pub(super) const LOAD_IMM64: u8 = 0x18;
/// `BPF_JMP | BPF_CALL`.
pub(super) const CALL: u8 = 0x85;
/// `src_reg` of a load: the immediate is a map.
pub(super) const PSEUDO_MAP_FD: u8 = 1;
/// `src_reg` of a load: the immediate is a map, the next slot's an offset into its only value.
pub(super) const PSEUDO_MAP_VALUE: u8 = 2;
/// `src_reg` of a load: the immediate is the distance to a function that is passed as a callback.
pub(super) const PSEUDO_FUNC: u8 = 4;
/// `src_reg` of a call: the immediate is the distance to a function of the program itself.
pub(super) const PSEUDO_CALL: u8 = 1;
/// `src_reg` of a call: the immediate is the BTF id of a function of the kernel.
pub(super) const PSEUDO_KERNEL_CALL: u8 = 2;
/// The helper number of an instruction that must not be reached: no kernel has so many helpers, and the verifier
/// prints the number.
pub(super) const POISON: i32 = 0x0bad_f00d;

/// One slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Insn {
    /// Operation.
    pub(super) code: u8,
    /// Destination register in the low, source register in the high half.
    pub(super) registers: u8,
    /// Offset of a jump or a memory access.
    pub(super) offset: i16,
    /// Immediate.
    pub(super) imm: i32,
}

/// Whether the source register stands in the high half of its byte: as C bit fields are laid out.
const SOURCE_HIGH: bool = cfg!(target_endian = "little");

impl Insn {
    /// From the bytes of an object of this machine's byte order.
    pub(super) fn from_bytes(bytes: [u8; 8]) -> Self {
        let [code, registers, offset0, offset1, imm @ ..] = bytes;
        Self { code, registers, offset: i16::from_ne_bytes([offset0, offset1]), imm: i32::from_ne_bytes(imm) }
    }

    /// As the kernel wants it.
    pub(super) fn to_bytes(self) -> [u8; 8] {
        let (offset, imm) = (self.offset.to_ne_bytes(), self.imm.to_ne_bytes());
        [self.code, self.registers, offset[0], offset[1], imm[0], imm[1], imm[2], imm[3]]
    }

    /// The source register.
    pub(super) fn source(self) -> u8 {
        if SOURCE_HIGH { self.registers >> 4 } else { self.registers & 0xf }
    }

    /// The same with another source register.
    pub(super) fn with_source(mut self, register: u8) -> Self {
        self.registers =
            if SOURCE_HIGH { self.registers & 0xf | register << 4 } else { self.registers & 0xf0 | register };
        self
    }

    /// The same with another target register.
    pub(super) fn with_target(mut self, register: u8) -> Self {
        self.registers =
            if SOURCE_HIGH { self.registers & 0xf0 | register } else { self.registers & 0xf | register << 4 };
        self
    }

    /// `r0 = r1`.
    pub(super) fn first_argument_as_result() -> Self {
        Self { code: 0xbf, registers: 0, offset: 0, imm: 0 }.with_source(1)
    }

    /// A call that the verifier refuses if it can be reached.
    pub(super) fn poison() -> Self {
        Self { code: CALL, registers: 0, offset: 0, imm: POISON }
    }
}

/// Bytes of a memory access by its `BPF_SIZE` bits.
pub(super) fn width_of(code: u8) -> u32 {
    match code & 0x18 {
        0x00 => 4,
        0x08 => 2,
        0x10 => 1,
        _ => 8,
    }
}

/// `code` with an access of `width` bytes; nothing for a width that no instruction has.
pub(super) fn with_width(code: u8, width: u32) -> Option<u8> {
    let size = match width {
        4 => 0x00,
        2 => 0x08,
        1 => 0x10,
        8 => 0x18,
        _ => return None,
    };
    Some(code & !0x18 | size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_survives_its_bytes() {
        let insn = Insn { code: 0x79, registers: 0x21, offset: -8, imm: -2 };
        assert_eq!(Insn::from_bytes(insn.to_bytes()), insn);
        assert_eq!(insn.with_source(4).source(), 4);
        assert_eq!(insn.with_source(2).registers & 0xf, insn.registers & 0xf);
    }

    #[test]
    fn widths_change_and_nothing_else_does() {
        for width in [1, 2, 4, 8] {
            let code = with_width(0x61, width).unwrap();
            assert_eq!(width_of(code), width);
            assert_eq!(code & 0xe7, 0x61);
        }
        assert_eq!(with_width(0x61, 3), None);
    }
}
