//! Tracepoints that programs carry in their section `.note.stapsdt` (USDT): where they are, what counts their users, and
//! where their arguments lie. The layout is that of `SystemTap`'s `sys/sdt.h`.

use super::cast::{Cast, Sign};
use super::fetch::Fetch;
use super::machine::Machine;
use super::number::signed;
use super::trace::TraceArgument;

/// Type of the notes.
const KIND: u32 = 3;

/// One tracepoint, as the file states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdtNote {
    /// Who made it: `libc`, `node`.
    pub provider: String,
    /// Its name.
    pub name: String,
    /// Its address, in terms of the file.
    pub address: u64,
    /// Address of the counter that must be above 0 for the program to reach it; 0 where there is none.
    pub semaphore: u64,
    /// Its arguments as an assembler writes them: `8@%rax -4@-20(%rbp)`.
    pub arguments: String,
}

/// Numbers in the form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Whether addresses have 64 bits.
    pub wide: bool,
    /// Whether the lowest byte comes first.
    pub little: bool,
}

impl Form {
    fn word(self, bytes: &[u8], at: usize) -> Option<u32> {
        let field: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.little { u32::from_le_bytes(field) } else { u32::from_be_bytes(field) })
    }

    fn address(self, bytes: &[u8], at: usize) -> Option<u64> {
        if !self.wide {
            return self.word(bytes, at).map(u64::from);
        }
        let field: [u8; 8] = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
        Some(if self.little { u64::from_le_bytes(field) } else { u64::from_be_bytes(field) })
    }
}

impl SdtNote {
    /// The tracepoints in the bytes of `.note.stapsdt`. `base` is the address of the section `.stapsdt.base`: what moved
    /// it since the notes were written (prelink) moved everything else. Notes of other kinds and damaged ones are left
    /// out.
    pub fn all(bytes: &[u8], form: Form, base: Option<u64>) -> Vec<Self> {
        let mut notes = Vec::new();
        let mut at = 0_usize;
        while let Some(next) = next(bytes, at, form) {
            let Next { kind, name, description, end } = next;
            if kind == KIND && name == b"stapsdt\0" {
                notes.extend(Self::parse(description, form, base));
            }
            at = end;
        }
        notes
    }

    fn parse(bytes: &[u8], form: Form, base: Option<u64>) -> Option<Self> {
        let size = if form.wide { 8 } else { 4 };
        let (address, noted, semaphore) =
            (form.address(bytes, 0)?, form.address(bytes, size)?, form.address(bytes, 2 * size)?);
        let moved = base.filter(|_| noted != 0).map_or(0, |base| base.wrapping_sub(noted));
        let mut texts = bytes.get(3 * size..)?.split(|byte| *byte == 0);
        let mut text = || texts.next().map(|text| String::from_utf8_lossy(text).into_owned());
        let (provider, name, arguments) = (text()?, text()?, text().unwrap_or_default());
        if provider.is_empty() || name.is_empty() {
            return None;
        }
        Some(Self {
            provider,
            name,
            address: address.wrapping_add(moved),
            semaphore: if semaphore == 0 { 0 } else { semaphore.wrapping_add(moved) },
            arguments,
        })
    }

    /// The group of its event.
    pub fn group(&self) -> String {
        let known = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        format!("sdt_{}", self.provider.chars().map(known).collect::<String>())
    }

    /// Its arguments as the kernel fetches them, `arg1` and so on; and those that it cannot fetch, as they are written.
    pub fn fetches(&self, machine: Machine) -> (Vec<TraceArgument>, Vec<String>) {
        let (mut fetches, mut unknown) = (Vec::new(), Vec::new());
        for (index, operand) in operands(&self.arguments).into_iter().enumerate() {
            match argument(&operand, machine) {
                Some((fetch, cast)) => fetches.push(TraceArgument {
                    name: Some(format!("arg{}", index + 1)),
                    fetch,
                    text: None,
                    cast: Some(cast),
                }),
                None => unknown.push(operand),
            }
        }
        (fetches, unknown)
    }
}

struct Next<'a> {
    kind: u32,
    name: &'a [u8],
    description: &'a [u8],
    end: usize,
}

/// The note at `at`: lengths of name and description, kind, then both, each filled up to four bytes.
fn next(bytes: &[u8], at: usize, form: Form) -> Option<Next<'_>> {
    let length = |place: usize| form.word(bytes, place).and_then(|length| usize::try_from(length).ok());
    let (name, description) = (length(at)?, length(at.checked_add(4)?)?);
    let kind = form.word(bytes, at.checked_add(8)?)?;
    let name_at = at.checked_add(12)?;
    let name_end = name_at.checked_add(name)?;
    let from = name_at.checked_add(name.checked_next_multiple_of(4)?)?;
    let to = from.checked_add(description)?;
    let end = from.checked_add(description.checked_next_multiple_of(4)?)?;
    Some(Next { kind, name: bytes.get(name_at..name_end)?, description: bytes.get(from..to)?, end })
}

/// The operands between blanks; those of ARM have blanks within brackets.
fn operands(text: &str) -> Vec<String> {
    let mut operands: Vec<String> = Vec::new();
    let mut open = false;
    for word in text.split_whitespace() {
        match operands.last_mut().filter(|_| open) {
            Some(last) => last.push_str(word),
            None => operands.push(word.to_owned()),
        }
        open = (open || word.contains('[')) && !word.contains(']');
    }
    operands
}

/// `-4@%edi`: size in bytes, negative for a number with a sign, and the operand.
fn argument(text: &str, machine: Machine) -> Option<(Fetch, Cast)> {
    let (size, operand) = text.split_once('@').unwrap_or(("8", text));
    let size: i32 = size.parse().ok()?;
    let sign = if size < 0 { Sign::Signed } else { Sign::Unsigned };
    let bits = match size.unsigned_abs() {
        bytes @ (1 | 2 | 4 | 8) => u8::try_from(bytes * 8).ok()?,
        _ => return None,
    };
    let fetch = match machine {
        Machine::X86_64 => x86(operand)?,
        Machine::Aarch64 => arm(operand)?,
    };
    Some((fetch, Cast::integer(sign, bits)))
}

/// `%rax`, `$5`, `-20(%rbp)`, `(%rax)`. What adds an index or is relative to the code is not among what the kernel takes.
fn x86(operand: &str) -> Option<Fetch> {
    if let Some(register) = operand.strip_prefix('%') {
        return Machine::X86_64.assembler_register(register).map(Fetch::Register);
    }
    if let Some(number) = operand.strip_prefix('$') {
        return signed(number).map(Fetch::Number);
    }
    let (offset, rest) = operand.split_once('(')?;
    let register = rest.strip_suffix(')')?.strip_prefix('%')?;
    let offset = if offset.is_empty() { 0 } else { signed(offset)? };
    let register = Machine::X86_64.assembler_register(register).filter(|register| register != "ip")?;
    Some(Fetch::Register(register).deref(offset))
}

/// `x0`, `5`, `[sp]`, `[x1,16]`.
fn arm(operand: &str) -> Option<Fetch> {
    if let Some(register) = Machine::Aarch64.assembler_register(operand) {
        return Some(Fetch::Register(register));
    }
    let Some(inside) = operand.strip_prefix('[') else { return signed(operand).map(Fetch::Number) };
    let (register, offset) = inside.strip_suffix(']')?.split_once(',').unwrap_or((inside.strip_suffix(']')?, "0"));
    let register = Machine::Aarch64.assembler_register(register.trim())?;
    Some(Fetch::Register(register).deref(signed(offset.trim().trim_start_matches('#'))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form = Form { wide: true, little: true };

    fn note(address: u64, base: u64, semaphore: u64, texts: &str) -> Vec<u8> {
        let mut description = Vec::new();
        for value in [address, base, semaphore] {
            description.extend(value.to_le_bytes());
        }
        description.extend(texts.as_bytes());
        let mut bytes = Vec::new();
        bytes.extend(8_u32.to_le_bytes());
        bytes.extend(u32::try_from(description.len()).unwrap().to_le_bytes());
        bytes.extend(KIND.to_le_bytes());
        bytes.extend(b"stapsdt\0");
        bytes.extend(&description);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn notes_are_moved_with_their_base() {
        let mut bytes = note(0x1000, 0x2000, 0x3000, "node\0gc__start\x008@%rax -4@-20(%rbp)\0");
        bytes.extend(note(0x1100, 0x2000, 0, "node\0gc__done\0\0"));
        let notes = SdtNote::all(&bytes, FORM, Some(0x2010));
        assert_eq!(notes.len(), 2);
        assert_eq!((notes[0].address, notes[0].semaphore), (0x1010, 0x3010));
        assert_eq!((notes[0].provider.as_str(), notes[0].name.as_str()), ("node", "gc__start"));
        assert_eq!((notes[1].address, notes[1].semaphore), (0x1110, 0));
        assert_eq!(notes[0].group(), "sdt_node");
        for end in 0..bytes.len() - 4 {
            assert!(SdtNote::all(&bytes[..end], FORM, None).len() < 2);
        }
    }

    #[test]
    fn operands_become_fetches() {
        let shown = |machine: Machine, text: &str| {
            let note = SdtNote {
                provider: "p".into(),
                name: "n".into(),
                address: 0,
                semaphore: 0,
                arguments: text.to_owned(),
            };
            let (fetches, unknown) = note.fetches(machine);
            let fetches: Vec<_> = fetches.iter().map(ToString::to_string).collect();
            (fetches.join(" "), unknown.join(" "))
        };
        let (known, unknown) = shown(
            Machine::X86_64,
            "8@%rdi -4@-20(%rbp) 1@$5 2@(%r8) 8@%rsi 8f@%xmm0 8@x(%rip) 4@4(%rax,%rcx,4) 8@0(%rip)",
        );
        // The first and fifth as perf 6.1 writes them for libstdc++.
        assert_eq!(known, "arg1=%di:u64 arg2=-20(%bp):s32 arg3=\\5:u8 arg4=+0(%r8):u16 arg5=%si:u64");
        assert_eq!(unknown, "8f@%xmm0 8@x(%rip) 4@4(%rax,%rcx,4) 8@0(%rip)");
        let (known, unknown) = shown(Machine::Aarch64, "8@x1 -4@[sp, 60] 4@5 8@[x2]");
        assert_eq!(known, "arg1=%x1:u64 arg2=+60(%sp):s32 arg3=\\5:u32 arg4=+0(%x2):u64");
        assert_eq!(unknown, "");
    }
}
