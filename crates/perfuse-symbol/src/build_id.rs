//! Build ids: what tells one build of a program from all others (`NT_GNU_BUILD_ID` of the linkers).

use std::io::{Read, Seek};

use crate::elf::{Elf, ElfError, Layout, PT_NOTE, SHT_NOTE};

/// Build id of a file: from its notes, section `.note.gnu.build-id` first, then any other note, as perf does.
///
/// `None` if the file was linked without one.
pub fn build_id_of(file: impl Read + Seek) -> Result<Option<Vec<u8>>, ElfError> {
    of(&mut Elf::open(file)?)
}

pub(crate) fn of<R: Read + Seek>(elf: &mut Elf<R>) -> Result<Option<Vec<u8>>, ElfError> {
    let mut notes: Vec<_> = elf.sections.iter().filter(|section| section.kind == SHT_NOTE).cloned().collect();
    notes.sort_by_key(|section| section.name != ".note.gnu.build-id");
    for section in notes {
        if let Some(found) = in_notes(elf.layout, &elf.data(&section)?) {
            return Ok(Some(found));
        }
    }
    // A file without section headers.
    let segments: Vec<_> = elf.segments.iter().filter(|segment| segment.kind == PT_NOTE).copied().collect();
    for segment in segments {
        let bytes = elf.read("notes", segment.offset, segment.file_size)?;
        if let Some(found) = in_notes(elf.layout, &bytes) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Build id in the bytes of `/sys/kernel/notes` or `/sys/module/NAME/notes/.note.gnu.build-id`, which are in the byte
/// order of this machine.
pub fn build_id_in_notes(bytes: &[u8]) -> Option<Vec<u8>> {
    in_notes(Layout { wide: true, little: cfg!(target_endian = "little") }, bytes)
}

/// Notes: length of the name, length of the description, type; name and description each padded to 4 bytes.
fn in_notes(layout: Layout, mut bytes: &[u8]) -> Option<Vec<u8>> {
    const BUILD_ID: u32 = 3;
    while bytes.len() >= 12 {
        let (name, description) = (layout.word(bytes, 0) as usize, layout.word(bytes, 4) as usize);
        let kind = layout.word(bytes, 8);
        let at = 12usize.checked_add(name.checked_next_multiple_of(4)?)?;
        let end = at.checked_add(description)?;
        let content = bytes.get(at..end)?;
        if kind == BUILD_ID && bytes.get(12..16) == Some(b"GNU\0") && name == 4 && !content.is_empty() {
            return Some(content.to_vec());
        }
        bytes = bytes.get(end.checked_next_multiple_of(4)?..)?;
    }
    None
}

/// As text: two hexadecimal digits a byte.
pub fn hex(build_id: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    build_id.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Whether two build ids are the same; perf stores them in 20 bytes, with zeros behind shorter ones.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    long.starts_with(short) && long[short.len()..].iter().all(|&byte| byte == 0) && !short.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_is_found_behind_others() {
        let note = |name: &[u8; 4], kind: u32, content: &[u8]| {
            let head = [4, u32::try_from(content.len()).unwrap(), kind].map(u32::to_ne_bytes).concat();
            [&head[..], name, content].concat()
        };
        let notes = [note(b"Xen\0", 3, &[9; 8]), note(b"GNU\0", 1, &[1; 4]), note(b"GNU\0", 3, &[0xab; 20])].concat();
        assert_eq!(build_id_in_notes(&notes), Some(vec![0xab; 20]));
        for cut in 0..notes.len() {
            assert_eq!(build_id_in_notes(&notes[..cut]), None);
        }
        assert_eq!(build_id_in_notes(&[0xff; 64]), None);
    }

    #[test]
    fn short_ids_are_padded_with_zeros() {
        assert_eq!(hex(&[0x0a, 0xff]), "0aff");
        assert!(is_same(&[1, 2], &[1, 2, 0, 0]) && is_same(&[1, 2, 0, 0], &[1, 2]));
        assert!(!is_same(&[1, 2], &[1, 2, 3]) && !is_same(&[], &[0]));
    }
}
