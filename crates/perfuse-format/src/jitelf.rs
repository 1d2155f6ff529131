//! A program of one function: what a just-in-time compiler made, as a file that everything reads that reads ELF.
//!
//! ```text
//!   0x00  header            0x40  one segment: the whole file         0x80  .text: the code
//!   behind it: .note.gnu.build-id, .symtab, .strtab, .shstrtab, and the table of the sections
//! ```
//!
//! Layout: System V ABI, chapter 4, "Object files".

use crate::jitdump::JitCode;
use crate::perfdata::Endian;

/// Where the code stands: bytes from the beginning of the file, and also its address in it.
pub const TEXT: u64 = 0x80;

/// Bytes of a header of a section, and of an entry of the symbols.
const SECTION: u64 = 64;
const SYMBOL: usize = 24;
/// Bytes of the build id.
const BUILD_ID: usize = 20;

/// Numbers in the byte order of the machine.
struct Put {
    bytes: Vec<u8>,
    endian: Endian,
}

impl Put {
    fn u16(&mut self, number: u16) {
        match self.endian {
            Endian::Little => self.bytes.extend(number.to_le_bytes()),
            Endian::Big => self.bytes.extend(number.to_be_bytes()),
        }
    }

    fn u32(&mut self, number: u32) {
        match self.endian {
            Endian::Little => self.bytes.extend(number.to_le_bytes()),
            Endian::Big => self.bytes.extend(number.to_be_bytes()),
        }
    }

    fn u64(&mut self, number: u64) {
        match self.endian {
            Endian::Little => self.bytes.extend(number.to_le_bytes()),
            Endian::Big => self.bytes.extend(number.to_be_bytes()),
        }
    }

    fn at(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }
}

/// A section: place of its name, type, flags, address, place, bytes, the section it belongs to, first global symbol, bytes
/// of an entry.
struct Section {
    name: u32,
    kind: u32,
    flags: u64,
    address: u64,
    start: u64,
    size: u64,
    link: u32,
    info: u32,
    entry: u64,
}

/// Names of the sections, each behind a zero byte.
const NAMES: &[u8] = b"\0.text\0.note.gnu.build-id\0.symtab\0.strtab\0.shstrtab\0";

/// The file for `code`, for a 64-bit machine (`EM_*` of ELF) of this byte order.
pub fn write(code: &JitCode<'_>, machine: u16, endian: Endian) -> Vec<u8> {
    let mut put = Put { bytes: Vec::new(), endian };
    // Places are known at the end, and written then.
    put.bytes.resize(usize::try_from(TEXT).unwrap_or_default(), 0);
    put.bytes.extend(code.code);
    let size = code.code.len() as u64;
    put.align();
    let note = put.at();
    put.u32(4);
    put.u32(20);
    put.u32(3);
    put.bytes.extend(b"GNU\0");
    put.bytes.extend(build_id(code));
    let note_size = put.at() - note;
    put.align();
    let symbols = put.at();
    put.bytes.resize(put.bytes.len() + SYMBOL, 0);
    // A global function in section 1.
    put.u32(1);
    put.bytes.extend([0x12, 0]);
    put.u16(1);
    put.u64(TEXT);
    put.u64(size);
    let strings = put.at();
    put.bytes.push(0);
    put.bytes.extend(code.name);
    put.bytes.push(0);
    let strings_size = put.at() - strings;
    let names = put.at();
    put.bytes.extend(NAMES);
    put.align();
    let table = put.at();
    let plain =
        |name, kind, start, size| Section { name, kind, flags: 0, address: 0, start, size, link: 0, info: 0, entry: 0 };
    let sections = [
        plain(0, 0, 0, 0),
        Section { flags: 6, address: TEXT, ..plain(1, 1, TEXT, size) },
        Section { flags: 2, address: note, ..plain(7, 7, note, note_size) },
        Section { link: 4, info: 1, entry: SYMBOL as u64, ..plain(26, 2, symbols, 2 * SYMBOL as u64) },
        plain(34, 3, strings, strings_size),
        plain(42, 3, names, NAMES.len() as u64),
    ];
    for section in &sections {
        section_head(&mut put, section);
    }
    let whole = put.at();
    let head = heads(machine, endian, table, whole);
    put.bytes.splice(..head.len(), head);
    put.bytes
}

fn section_head(put: &mut Put, section: &Section) {
    put.u32(section.name);
    put.u32(section.kind);
    for number in [section.flags, section.address, section.start, section.size] {
        put.u64(number);
    }
    put.u32(section.link);
    put.u32(section.info);
    put.u64(8);
    put.u64(section.entry);
}

/// The header of the file, and of its one segment.
fn heads(machine: u16, endian: Endian, table: u64, whole: u64) -> Vec<u8> {
    let order = if endian == Endian::Little { 1 } else { 2 };
    let mut put = Put { bytes: vec![0x7f, b'E', b'L', b'F', 2, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], endian };
    // A shared library, of which the program header stands at 64.
    put.u16(3);
    put.u16(machine);
    put.u32(1);
    put.u64(TEXT);
    put.u64(64);
    put.u64(table);
    put.u32(0);
    for number in [64, 56, 1, u16::try_from(SECTION).unwrap_or_default(), 6, 5] {
        put.u16(number);
    }
    // PT_LOAD, readable and executable.
    put.u32(1);
    put.u32(5);
    for number in [0, 0, 0, whole, whole, 8] {
        put.u64(number);
    }
    put.bytes
}

/// Bytes that differ where code, name or address do: FNV-1a from five beginnings.
fn build_id(code: &JitCode<'_>) -> [u8; BUILD_ID] {
    let mut id = [0; BUILD_ID];
    for (chunk, start) in id.chunks_exact_mut(4).zip(0_u32..) {
        let address = code.address.to_le_bytes();
        let bytes = address.iter().chain(code.name).chain(&[0]).chain(code.code);
        let begin = 0x811c_9dc5_u32 ^ start.wrapping_mul(0x9e37_79b9);
        let hash = bytes.fold(begin, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
        chunk.copy_from_slice(&hash.to_be_bytes());
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: JitCode<'_> =
        JitCode { pid: 7, tid: 7, vma: 0x5000, address: 0x5000, index: 1, name: b"hot", code: &[0x90, 0xc3] };

    #[test]
    fn code_stands_at_its_place_and_differs_by_its_build_id() {
        let file = write(&CODE, 62, Endian::Little);
        assert_eq!(file.get(0x80..0x82), Some(&[0x90, 0xc3][..]));
        assert_eq!(file.get(..6), Some(b"\x7fELF\x02\x01".as_slice()));
        let table = usize::try_from(u64::from_le_bytes(file[40..48].try_into().unwrap())).unwrap();
        assert_eq!(table + 6 * 64, file.len());
        let other = JitCode { code: &[0x90, 0x90], ..CODE };
        assert_ne!(build_id(&CODE), build_id(&other));
        assert_eq!(build_id(&CODE), build_id(&CODE));
        let big = write(&CODE, 22, Endian::Big);
        assert_eq!((big.len(), big[5], &big[18..20]), (file.len(), 2, &[0, 22][..]));
    }
}
