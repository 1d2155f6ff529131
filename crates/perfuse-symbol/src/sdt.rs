//! Probes that programs carry (USDT): notes of `sys/sdt.h`, each with the place of an instruction that does nothing until
//! someone asks for it, and where its arguments are then.

use std::io::{Read, Seek};

use perfuse_format::probe::{Fetch, Form, Machine, SdtNote, TraceArgument};

use crate::elf::{Elf, ElfError, Headers};

/// One probe of a program, as a uprobe takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdtProbe {
    /// The group that perf gives its event: `sdt_node`.
    pub group: String,
    /// Its name: `http__server__request`.
    pub name: String,
    /// Bytes from the beginning of the file to its instruction.
    pub offset: u64,
    /// Bytes from the beginning of the file to the counter of listeners, where it has one.
    pub counter: Option<u64>,
    /// Its arguments as uprobes take them: `arg1=%di:s32`; constants and those that uprobes cannot fetch are
    /// left out.
    pub arguments: Vec<String>,
}

impl SdtProbe {
    /// The line for `uprobe_events` of tracefs that makes an event of it; `path` is the file.
    pub fn definition(&self, path: &str) -> String {
        use std::fmt::Write as _;
        let mut text = format!("p:{}/{} {path}:{:#x}", self.group, self.name, self.offset);
        // Writing to a string does not fail.
        if let Some(counter) = self.counter {
            let _ = write!(text, "({counter:#x})");
        }
        for argument in &self.arguments {
            let _ = write!(text, " {argument}");
        }
        text
    }
}

/// The probes of a file whose names can be those of events, in the order of its notes; none if it has no such section.
pub fn sdt_probes(file: impl Read + Seek) -> Result<Vec<SdtProbe>, ElfError> {
    let mut elf = Elf::open(file)?;
    let notes = notes(&mut elf)?;
    let machine = Machine::of_elf(elf.machine);
    let place = |note: SdtNote| {
        let arguments = machine.map_or_else(Vec::new, |machine| note.fetches(machine).0);
        let counter = match note.semaphore {
            0 => None,
            semaphore => Some(counter_of(&elf, semaphore)?),
        };
        Some(SdtProbe {
            group: note.group(),
            offset: elf.offset_of(note.address)?,
            counter,
            // perf leaves constants out, and both read what the other one remembers of a file.
            arguments: arguments.iter().filter(|one| !is_constant(one)).map(ToString::to_string).collect(),
            name: Some(note.name).filter(|name| is_word(name))?,
        })
    };
    Ok(notes.into_iter().filter_map(place).collect())
}

/// The notes of a file.
pub(crate) fn notes<R: Read + Seek>(elf: &mut Elf<R>) -> Result<Vec<SdtNote>, ElfError> {
    let bytes = elf.data_of(".note.stapsdt")?;
    let base = elf.section(".stapsdt.base").map(|section| section.address);
    let form = Form { wide: elf.layout.wide, little: elf.layout.little };
    Ok(SdtNote::all(&bytes, form, base))
}

/// Where the counter of a probe is in the file. The section `.probes` has its place there even where it is filled with
/// zeros when the program starts.
pub(crate) fn counter_of(headers: &Headers, semaphore: u64) -> Option<u64> {
    if semaphore == 0 {
        return None;
    }
    let section = headers
        .section(".probes")
        .filter(|section| semaphore.checked_sub(section.address).is_some_and(|into| into < section.size));
    match section {
        Some(section) => section.offset.checked_add(semaphore - section.address),
        None => headers.offset_of(semaphore),
    }
}

fn is_constant(argument: &TraceArgument) -> bool {
    matches!(argument.fetch, Fetch::Number(_))
}

/// Whether a name can be one of an event.
fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn files_without_notes_have_no_probes() {
        assert!(sdt_probes(Cursor::new(b"no program".to_vec())).is_err());
        let mut file = vec![0_u8; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        assert_eq!(sdt_probes(Cursor::new(file)).unwrap(), []);
    }

    #[test]
    fn a_definition_is_a_line_of_tracefs() {
        let mut probe = SdtProbe {
            group: "sdt_node".to_owned(),
            name: "gc__start".to_owned(),
            offset: 0x10,
            counter: Some(0x20),
            arguments: vec!["arg1=%di:s32".to_owned(), "arg3=+0(%si):u64".to_owned()],
        };
        assert_eq!(probe.definition("/bin/x"), "p:sdt_node/gc__start /bin/x:0x10(0x20) arg1=%di:s32 arg3=+0(%si):u64");
        probe.counter = None;
        probe.arguments.clear();
        assert_eq!(probe.definition("/bin/x"), "p:sdt_node/gc__start /bin/x:0x10");
    }
}
