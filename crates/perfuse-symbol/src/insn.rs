//! Machine code, as far as `script` needs it: how long an instruction is, and whether it may lead elsewhere.

use iced_x86::{Decoder, DecoderOptions, FlowControl};

/// Longest instruction of x86, in bytes.
pub const LONGEST: usize = 15;

/// One instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Bytes.
    pub length: usize,
    /// Whether it is a jump, a call, a return, or one of those that enter or leave the kernel.
    pub branch: bool,
}

/// The instruction of x86 with which `bytes` begin; `wide` for 64-bit code, else 32-bit. `None` if there is none, or if the
/// bytes end within it.
pub fn x86(bytes: &[u8], wide: bool) -> Option<Instruction> {
    let mut decoder = Decoder::new(if wide { 64 } else { 32 }, bytes, DecoderOptions::NONE);
    let found = decoder.can_decode().then(|| decoder.decode()).filter(|found| !found.is_invalid())?;
    let branch =
        !matches!(found.flow_control(), FlowControl::Next | FlowControl::Exception | FlowControl::XbeginXabortXend);
    Some(Instruction { length: found.len(), branch })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_have_their_lengths() {
        let of = |bytes: &[u8]| x86(bytes, true).map(|found| (found.length, found.branch));
        assert_eq!(of(b"\x48\x8b\x05\x0f\xeb\x3d\x00\x90"), Some((7, false)));
        assert_eq!(of(b"\x74\x6f"), Some((2, true)));
        assert_eq!(of(b"\xe8\0\0\0\0"), Some((5, true)));
        assert_eq!(of(b"\xc3\x90"), Some((1, true)));
        assert_eq!(of(b"\x0f\x05"), Some((2, true)));
        assert_eq!(of(b"\xe8\0\0\0"), None);
        assert_eq!(of(b"\x06"), None);
        assert_eq!(x86(b"\x06", false), Some(Instruction { length: 1, branch: false }));
        assert_eq!(of(b""), None);
    }
}
