//! x86, as `objdump -d` of binutils 2.40 writes it.

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Formatter, GasFormatter, Instruction, IntelFormatter, Mnemonic, OpKind,
    Register,
};

use super::{Flow, Insn, Syntax};

/// Prefixes that a run of zeros or an instruction may begin with.
const OPERAND_SIZE: u8 = 0x66;

pub(super) fn disassemble(code: &[u8], address: u64, bits: u32, syntax: Syntax) -> Vec<Insn> {
    let mut decoder = Decoder::with_ip(bits, code, address, DecoderOptions::NONE);
    let mut writer = Writer::new(syntax);
    let mut found = Vec::new();
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        let offset = decoder.position();
        decoder.decode_out(&mut instruction);
        let has_immediate = decoder.get_constant_offsets(&instruction).has_immediate();
        let bytes = code.get(offset..decoder.position()).unwrap_or_default();
        found.push(writer.one(&instruction, offset, bytes, has_immediate));
        // The decoder goes on behind what it looked at; what is no instruction is one byte long.
        let next = offset + 1;
        if instruction.is_invalid() && decoder.set_position(next).is_ok() {
            decoder.set_ip(address.wrapping_add(next as u64));
        }
    }
    found
}

struct Writer {
    formatter: Box<dyn Formatter>,
    att: bool,
}

impl Writer {
    fn new(syntax: Syntax) -> Self {
        let att = syntax == Syntax::Att;
        let mut formatter: Box<dyn Formatter> =
            if att { Box::new(GasFormatter::new()) } else { Box::new(IntelFormatter::new()) };
        let options = formatter.options_mut();
        options.set_hex_prefix("0x");
        options.set_hex_suffix("");
        options.set_uppercase_hex(false);
        options.set_small_hex_numbers_in_decimal(false);
        options.set_add_leading_zero_to_hex_numbers(false);
        options.set_branch_leading_zeros(false);
        options.set_rip_relative_addresses(true);
        options.set_show_branch_size(false);
        Self { formatter, att }
    }

    fn one(&mut self, instruction: &Instruction, offset: usize, bytes: &[u8], has_immediate: bool) -> Insn {
        if instruction.is_invalid() {
            let (mnemonic, operands) = ("(bad)".to_owned(), String::new());
            return Insn {
                offset,
                length: 1,
                mnemonic,
                operands,
                flow: Flow::Next,
                target: None,
                data: None,
                tabbed: false,
            };
        }
        let options = self.formatter.options_mut();
        let relative = instruction.is_ip_rel_memory_operand();
        // A displacement that was encoded is shown, even if it is zero.
        options.set_show_zero_displacements(instruction.memory_displ_size() > 0 && !relative);
        options.set_always_show_scale(instruction.memory_index() != Register::None);
        options.set_always_show_segment_register(is_string(instruction));
        let (mut mnemonic, mut operands) = (String::new(), String::new());
        self.formatter.format_mnemonic(instruction, &mut mnemonic);
        self.formatter.format_all_operands(instruction, &mut operands);
        if self.att {
            att_names(instruction, &mut mnemonic);
            att_operands(instruction, &mut operands);
        }
        // Shifts by one have a short form, which is written without the one.
        if self.att
            && !has_immediate
            && let Some(rest) = operands.strip_prefix("$0x1,")
        {
            operands = rest.to_owned();
        }
        mnemonic.insert_str(0, &unused_prefixes(instruction, bytes));
        let near = instruction.near_branch_target();
        let flow = flow(instruction);
        let is_near =
            matches!(instruction.op0_kind(), OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64);
        let target = (is_near && flow != Flow::Next).then_some(near);
        if let Some(target) = target {
            operands = format!("{target:x}");
        }
        let data = relative.then(|| instruction.ip_rel_memory_address());
        Insn { offset, length: instruction.len(), mnemonic, operands, flow, target, data, tabbed: false }
    }
}

fn flow(instruction: &Instruction) -> Flow {
    match instruction.flow_control() {
        FlowControl::UnconditionalBranch
        | FlowControl::ConditionalBranch
        | FlowControl::IndirectBranch
        | FlowControl::XbeginXabortXend => Flow::Jump,
        FlowControl::Call | FlowControl::IndirectCall if instruction.mnemonic() == Mnemonic::Call => Flow::Call,
        FlowControl::Return => Flow::Return,
        _ => Flow::Next,
    }
}

/// Instructions whose operands are always shown with their segments.
fn is_string(instruction: &Instruction) -> bool {
    (0..instruction.op_count()).any(|index| {
        matches!(
            instruction.op_kind(index),
            OpKind::MemorySegSI
                | OpKind::MemorySegESI
                | OpKind::MemorySegRSI
                | OpKind::MemoryESDI
                | OpKind::MemoryESEDI
                | OpKind::MemoryESRDI
        )
    })
}

/// Names that binutils writes otherwise: without the size where only one is possible.
fn att_names(instruction: &Instruction, mnemonic: &mut String) {
    let short = match instruction.mnemonic() {
        Mnemonic::Call => "call",
        Mnemonic::Jmp => "jmp",
        Mnemonic::Push => "push",
        Mnemonic::Pop => "pop",
        Mnemonic::Ret => "ret",
        Mnemonic::Leave => "leave",
        _ => return,
    };
    if short == "ret"
        && let Some(rest) = mnemonic.strip_prefix("rep ")
    {
        *mnemonic = format!("repz {rest}");
    }
    let last = mnemonic.rsplit(' ').next().unwrap_or_default().len();
    let start = mnemonic.len() - last;
    if mnemonic[start..].strip_prefix(short).is_some_and(|rest| rest == "q") {
        mnemonic.pop();
    }
}

/// Operands that binutils writes though they go without saying.
fn att_operands(instruction: &Instruction, operands: &mut String) {
    let commas = operands.matches(',').count();
    match instruction.mnemonic() {
        Mnemonic::Imul if commas == 1 && operands.starts_with('$') => {
            if let Some((_, register)) = operands.split_once(',') {
                let register = register.to_owned();
                operands.push(',');
                operands.push_str(&register);
            }
        }
        Mnemonic::Fxch if operands.is_empty() => operands.push_str("%st(1)"),
        Mnemonic::Faddp | Mnemonic::Fmulp | Mnemonic::Fsubp | Mnemonic::Fsubrp | Mnemonic::Fdivp | Mnemonic::Fdivrp
            if operands.is_empty() =>
        {
            operands.push_str("%st,%st(1)");
        }
        _ => {}
    }
}

/// Prefixes that change nothing are written in front: compilers fill gaps with them.
fn unused_prefixes(instruction: &Instruction, bytes: &[u8]) -> String {
    let prefixes = bytes
        .iter()
        .take_while(|byte| matches!(byte, 0x66 | 0x2e | 0x36 | 0x3e | 0x26 | 0x64 | 0x65 | 0xf0 | 0xf2 | 0xf3));
    let count = prefixes.count();
    let mut sizes = bytes.iter().take(count).filter(|byte| **byte == OPERAND_SIZE).count();
    let mut text = String::new();
    let has_memory = instruction.memory_base() != Register::None
        || instruction.memory_index() != Register::None
        || instruction.memory_displ_size() > 0;
    let wide = instruction.code_size() == iced_x86::CodeSize::Code64;
    for byte in bytes.iter().take(count) {
        let name = match byte {
            0x66 => {
                sizes -= 1;
                let needless = sizes > 0 || instruction.code() == Code::Call_rel32_64;
                if needless { "data16" } else { continue }
            }
            0x2e if wide && has_memory => "cs",
            0x36 if wide && has_memory => "ss",
            0x3e if wide
                && has_memory
                && instruction.mnemonic() != Mnemonic::Jmp
                && instruction.mnemonic() != Mnemonic::Call =>
            {
                "ds"
            }
            0x26 if wide && has_memory => "es",
            _ => continue,
        };
        text.push_str(name);
        text.push(' ');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_instruction_is_one_byte_and_the_next_begins_behind_it() {
        // Cut off, cut off behind a longer one, an instruction of 32 bits only, and a group without that member.
        // The last is a chain of prefixes, as a fuzzer makes them.
        let prefixes = b"\xf2\xe2\x17\xa3\x17\xa3\x17\xf2\x0a";
        for code in [&b"\x3b"[..], b"\x63\x9c\x3b", b"\x06\x98\xc3", b"\xff\xff\x98\xc3", prefixes] {
            let mut at = 0;
            for insn in disassemble(code, 0x1000, 64, Syntax::Att) {
                assert_eq!(insn.offset, at, "{code:x?}");
                at += insn.length;
            }
            assert_eq!(at, code.len(), "{code:x?}");
        }
    }
}
