//! Probes that programs carry (USDT): notes of `sys/sdt.h`, each with the place of an instruction that does nothing until
//! someone asks for it, and where its arguments are then.
//!
//! A note of type 3 and owner `stapsdt` in `.note.stapsdt` is three addresses (the place, what `.stapsdt.base` was linked
//! at, a counter that says whether anybody listens), and three strings (provider, name, arguments).

use std::io::{Read, Seek};

use crate::elf::{Elf, ElfError, c_string};

/// `EM_X86_64` and `EM_AARCH64` of `elf.h`.
const X86_64: u16 = 62;
const AARCH64: u16 = 183;
/// `n_type` of the notes.
const STAPSDT: u32 = 3;

/// One probe of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdtProbe {
    /// Who provides it: `node`.
    pub provider: String,
    /// Its name: `http__server__request`.
    pub name: String,
    /// Bytes from the beginning of the file to its instruction.
    pub offset: u64,
    /// Bytes from the beginning of the file to the counter of listeners; 0 without one.
    pub counter: u64,
    /// Its arguments as uprobes take them, numbered from 1; those that uprobes cannot fetch are left out.
    pub arguments: Vec<(usize, String)>,
}

impl SdtProbe {
    /// The group that perf gives its event: `sdt_node`.
    pub fn group(&self) -> String {
        format!("sdt_{}", self.provider)
    }

    /// The line for `uprobe_events` of tracefs that makes an event of it; `path` is the file.
    pub fn definition(&self, path: &str) -> String {
        use std::fmt::Write as _;
        let mut text = format!("p:{}/{} {path}:{:#x}", self.group(), self.name, self.offset);
        // Writing to a string does not fail.
        if self.counter != 0 {
            let _ = write!(text, "({:#x})", self.counter);
        }
        for (number, argument) in &self.arguments {
            let _ = write!(text, " arg{number}={argument}");
        }
        text
    }
}

/// The probes of a file, in the order of its notes; none if it has no such section.
pub fn sdt_probes(file: impl Read + Seek) -> Result<Vec<SdtProbe>, ElfError> {
    let mut elf = Elf::open(file)?;
    let bytes = elf.data_of(".note.stapsdt")?;
    let mut probes = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((content, after)) = note(&elf, rest) {
        rest = after;
        probes.extend(content.and_then(|content| probe(&elf, content)));
    }
    Ok(probes)
}

/// The content of the first note, where it is a probe, and what follows it.
fn note<'b, R>(elf: &Elf<R>, bytes: &'b [u8]) -> Option<(Option<&'b [u8]>, &'b [u8])> {
    if bytes.len() < 12 {
        return None;
    }
    let (name, length) = (elf.layout.word(bytes, 0) as usize, elf.layout.word(bytes, 4) as usize);
    let at = 12_usize.checked_add(name.checked_next_multiple_of(4)?)?;
    let end = at.checked_add(length)?;
    let content = bytes.get(at..end)?;
    let is_probe = elf.layout.word(bytes, 8) == STAPSDT && bytes.get(12..20) == Some(b"stapsdt\0") && name == 8;
    // The padding of the last one may be missing.
    let after = end.checked_next_multiple_of(4)?.min(bytes.len());
    Some((is_probe.then_some(content), &bytes[after..]))
}

fn probe<R: Read + Seek>(elf: &Elf<R>, content: &[u8]) -> Option<SdtProbe> {
    let width = if elf.layout.wide { 8 } else { 4 };
    let address = |index: usize| elf.layout.address(content, index * width, index * width);
    let mut strings = content.get(3 * width..)?;
    let mut string = || {
        let text = c_string(strings, 0);
        strings = strings.get(text.len() + 1..).unwrap_or_default();
        std::str::from_utf8(text).ok().map(str::to_owned)
    };
    let (provider, name, arguments) = (string()?, string()?, string()?);
    if !is_word(&provider) || !is_word(&name) {
        return None;
    }
    // A file that was moved after it was linked (prelink) moved this section too, and nobody corrected the notes.
    let base = elf.section(".stapsdt.base").map(|section| section.address).filter(|_| address(1) != 0);
    let moved = base.map_or(0, |base| base.wrapping_sub(address(1)));
    let to_file = |address: u64| {
        let segment = elf.segment_of(address)?;
        segment.offset.checked_add(address - segment.address)
    };
    let offset = to_file(address(0).wrapping_add(moved))?;
    let counter = match address(2) {
        0 => 0,
        counter => to_file(counter.wrapping_add(moved))?,
    };
    let one = |(index, text): (usize, &str)| Some((index + 1, argument(elf.machine, text)?));
    let arguments = arguments.split_ascii_whitespace().enumerate().filter_map(one).collect();
    Some(SdtProbe { provider, name, offset, counter, arguments })
}

/// Whether a name can be one of an event.
fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// An argument as uprobes write it: `-4@-80(%rbx)` is `-80(%bx):s32`. `None` for what they cannot fetch: constants, places
/// with an index, places relative to the instruction, floating point.
fn argument(machine: u16, text: &str) -> Option<String> {
    let (size, place) = text.split_once('@').unwrap_or(("", text));
    let suffix = match size.trim_end_matches('f') {
        "-8" => ":s64",
        "-4" => ":s32",
        "-2" => ":s16",
        "-1" => ":s8",
        "1" => ":u8",
        "2" => ":u16",
        "4" => ":u32",
        "8" => ":u64",
        _ => "",
    };
    let place = match machine {
        X86_64 => x86(place)?,
        AARCH64 => arm(place)?,
        _ => return None,
    };
    (!size.ends_with('f')).then(|| format!("{place}{suffix}"))
}

/// `%rdx`, `8(%rbp)`, `(%rsi)`.
fn x86(place: &str) -> Option<String> {
    if place.contains([',', '$']) {
        return None;
    }
    let Some((offset, register)) = place.split_once('(') else {
        return Some(format!("%{}", x86_register(place.strip_prefix('%')?)?));
    };
    let register = x86_register(register.strip_suffix(')')?.strip_prefix('%')?)?;
    Some(format!("{}(%{register})", signed(offset)?))
}

/// The kernel's name of a register, whatever part of it the program means.
fn x86_register(name: &str) -> Option<String> {
    const LETTERS: [&str; 4] = ["ax", "bx", "cx", "dx"];
    const POINTERS: [&str; 4] = ["si", "di", "bp", "sp"];
    if let Some(number) = name.strip_prefix('r').and_then(|rest| rest.trim_end_matches(['d', 'w', 'b']).parse().ok()) {
        return (8..=15_u8).contains(&number).then(|| format!("r{number}"));
    }
    let bare = name.strip_prefix(['r', 'e']).unwrap_or(name);
    let of = |known: &&&str| {
        let first = known.get(..1).unwrap_or_default();
        *known == &bare || bare.strip_prefix(first).is_some_and(|rest| matches!(rest, "l" | "h")) && name == bare
    };
    if let Some(known) = LETTERS.iter().find(of) {
        return Some((*known).to_owned());
    }
    let known = POINTERS.iter().find(|known| **known == bare || bare.strip_suffix('l') == Some(**known));
    known.map(|known| (*known).to_owned())
}

/// `x19`, `[sp, 8]`, `[x1]`.
fn arm(place: &str) -> Option<String> {
    let register = |name: &str| {
        let number = name.strip_prefix(['x', 'w']).and_then(|number| number.parse::<u8>().ok());
        match number {
            Some(number @ 0..=30) => Some(format!("%x{number}")),
            _ => (name == "sp").then(|| "%sp".to_owned()),
        }
    };
    let Some(inner) = place.strip_prefix('[').and_then(|place| place.strip_suffix(']')) else { return register(place) };
    let (base, offset) = inner.split_once(',').unwrap_or((inner, "0"));
    Some(format!("{}({})", signed(offset.trim())?, register(base.trim())?))
}

/// An offset with its sign; nothing is 0.
fn signed(offset: &str) -> Option<String> {
    let number: i64 = if offset.is_empty() { 0 } else { offset.parse().ok()? };
    Some(format!("{number:+}"))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn arguments_are_what_uprobes_take() {
        for (text, expected) in [
            ("8@%rdx", Some("%dx:u64")),
            ("-4@%edi", Some("%di:s32")),
            ("1@%al", Some("%ax:u8")),
            ("-1@%dil", Some("%di:s8")),
            ("2@%r9w", Some("%r9:u16")),
            ("8@-80(%rbx)", Some("-80(%bx):u64")),
            ("8@8(%rsp)", Some("+8(%sp):u64")),
            ("%rax", Some("%ax")),
            ("8@(%r12)", Some("+0(%r12):u64")),
            ("8@%r16", None),
            ("8@8(%rax,%rbx)", None),
            ("4@$5", None),
            ("8@4(%rip)", None),
            ("8f@%xmm0", None),
            ("", None),
        ] {
            assert_eq!(argument(X86_64, text).as_deref(), expected, "{text}");
        }
        for (text, expected) in [
            ("8@x19", Some("%x19:u64")),
            ("-4@w2", Some("%x2:s32")),
            ("8@[sp, 16]", Some("+16(%sp):u64")),
            ("8@[x1]", Some("+0(%x1):u64")),
            ("4@5", None),
        ] {
            assert_eq!(argument(AARCH64, text).as_deref(), expected, "{text}");
        }
        assert_eq!(argument(8, "8@%rdx"), None);
    }

    #[test]
    fn damaged_notes_end_the_list() {
        // A file without sections has no notes, and neither has what is no ELF file.
        assert!(sdt_probes(Cursor::new(b"no program".to_vec())).is_err());
        let mut file = vec![0_u8; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        assert_eq!(sdt_probes(Cursor::new(file.clone())).unwrap(), []);
        let elf = Elf::open(Cursor::new(file)).unwrap();
        for bytes in [&[0xff_u8; 40][..], &[0; 11], &[8, 0, 0, 0, 255, 0, 0, 0, 3, 0, 0, 0]] {
            assert!(note(&elf, bytes).is_none());
        }
        assert_eq!(probe(&elf, &[0; 10]), None);
        assert_eq!(probe(&elf, &[b'x'; 40]), None);
    }

    #[test]
    fn a_definition_is_a_line_of_tracefs() {
        let probe = SdtProbe {
            provider: "node".to_owned(),
            name: "gc__start".to_owned(),
            offset: 0x10,
            counter: 0x20,
            arguments: vec![(1, "%di:s32".to_owned()), (3, "+0(%si)".to_owned())],
        };
        assert_eq!(probe.definition("/bin/x"), "p:sdt_node/gc__start /bin/x:0x10(0x20) arg1=%di:s32 arg3=+0(%si)");
    }
}
