//! 64-bit ARM.

use std::fmt::Write as _;

use yaxpeax_arch::{Decoder as _, U8Reader};
use yaxpeax_arm::armv8::a64::{ARMv8, Instruction, Opcode, Operand};

use super::{Flow, Insn};

/// Bytes of every instruction.
const LENGTH: usize = 4;

pub(super) fn disassemble(code: &[u8], address: u64) -> Vec<Insn> {
    let decoder = <ARMv8 as yaxpeax_arch::Arch>::Decoder::default();
    let one = |(index, bytes): (usize, &[u8])| {
        let offset = index * LENGTH;
        let instruction = decoder.decode(&mut U8Reader::new(bytes)).ok().filter(|_| bytes.len() == LENGTH);
        match instruction {
            Some(instruction) => known(&instruction, offset, address.wrapping_add(offset as u64)),
            None => unknown(bytes, offset),
        }
    };
    code.chunks(LENGTH).enumerate().map(one).collect()
}

/// What is no instruction is shown as a number, as in objdump.
fn unknown(bytes: &[u8], offset: usize) -> Insn {
    let value = bytes.iter().rev().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
    Insn {
        offset,
        length: bytes.len(),
        mnemonic: ".inst".to_owned(),
        operands: format!("0x{value:08x} ; undefined"),
        flow: Flow::Next,
        target: None,
        data: None,
        tabbed: true,
    }
}

fn known(instruction: &Instruction, offset: usize, address: u64) -> Insn {
    let text = instruction.to_string();
    let (mnemonic, operands) = text.split_once(' ').unwrap_or((&text, ""));
    let (mnemonic, mut operands) = (mnemonic.to_owned(), operands.trim().to_owned());
    let relative = instruction.operands.iter().find_map(|operand| match operand {
        Operand::PCOffset(distance) => Some(*distance),
        _ => None,
    });
    let flow = flow(instruction.opcode);
    // Pages are counted from the start of that of the instruction.
    let base = if instruction.opcode == Opcode::ADRP { address & !0xfff } else { address };
    let stated = relative.map(|distance| base.wrapping_add_signed(distance));
    if let Some(stated) = stated
        && let Some(at) = operands.rfind('$')
    {
        operands.truncate(at);
        let _ = write!(operands, "{stated:x}");
    }
    let operands = decimal_distances(&operands);
    Insn { offset, length: LENGTH, mnemonic, operands, flow, target: stated, data: None, tabbed: true }
}

/// Distances within and behind brackets are decimal numbers in objdump, all others hexadecimal ones.
fn decimal_distances(operands: &str) -> String {
    let Some(at) = operands.find('[') else { return operands.to_owned() };
    let (mut text, mut rest) = (operands[..at].to_owned(), &operands[at..]);
    while let Some(hash) = rest.find('#') {
        let (before, number) = rest.split_at(hash + 1);
        let digits = number.strip_prefix('-').unwrap_or(number);
        let end = digits
            .strip_prefix("0x")
            .map(|digits| digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len()));
        text.push_str(before);
        rest = number;
        if let Some(value) = end.and_then(|end| u64::from_str_radix(digits.get(2..2 + end)?, 16).ok()) {
            if number.starts_with('-') {
                text.push('-');
            }
            text.push_str(&value.to_string());
            rest = digits.get(2 + end.unwrap_or(0)..).unwrap_or_default();
        }
    }
    text.push_str(rest);
    text
}

fn flow(opcode: Opcode) -> Flow {
    match opcode {
        Opcode::BL | Opcode::BLR => Flow::Call,
        Opcode::RET | Opcode::ERET => Flow::Return,
        Opcode::B | Opcode::BR | Opcode::Bcc(_) | Opcode::CBZ | Opcode::CBNZ | Opcode::TBZ | Opcode::TBNZ => Flow::Jump,
        _ => Flow::Next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words are taken from the whole space of encodings, evenly spread.
    #[test]
    fn no_word_panics() {
        let words = (0..200_000_u32).flat_map(|n| n.wrapping_mul(0x9e37_79b1).to_le_bytes());
        let code: Vec<u8> = words.collect();
        assert_eq!(disassemble(&code, 0).len(), 200_000);
    }

    /// The start of a function of the usual form, assembled by hand from the Arm ARM's encodings.
    #[test]
    fn a_function_is_written_as_objdump_writes_it() {
        let words: [u32; 8] = [
            0xa9be_7bfd, // stp x29, x30, [sp, #-32]!
            0x9100_03fd, // mov x29, sp
            0xb400_0060, // cbz x0, +12
            0x9400_0004, // bl +16
            0x5400_0040, // b.eq +8
            0xd65f_03c0, // ret
            0x1400_0001, // b +4
            0x0000_0000, // undefined
        ];
        let code: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let found = disassemble(&code, 0x1000);
        let text: Vec<String> = found.iter().map(|insn| insn.text(|_| None)).collect();
        assert_eq!(
            text,
            [
                "stp\tx29, x30, [sp, #-32]!",
                "mov\tx29, sp",
                "cbz\tx0, 1014",
                "bl\t101c",
                "b.eq\t1018",
                "ret",
                "b\t101c",
                "udf\t#0x0",
            ]
        );
        let flows: Vec<Flow> = found.iter().map(|insn| insn.flow).collect();
        assert_eq!(flows[2..7], [Flow::Jump, Flow::Call, Flow::Jump, Flow::Return, Flow::Jump]);
        assert_eq!((found[2].target, found[3].target, found[5].target), (Some(0x1014), Some(0x101c), None));
        assert_eq!(disassemble(&code[..6], 0)[1].length, 2);
    }
}
