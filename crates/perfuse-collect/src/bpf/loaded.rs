//! The programs that are loaded in the kernel, ours and everybody's, with the places of their compiled code: what a
//! recording tells of them so that their addresses have names.
//!
//! `struct bpf_prog_info` (`include/uapi/linux/bpf.h`) is asked for twice: once for the lengths of its arrays, once for the
//! arrays themselves, which then stand one after the other in one buffer, as in perf's `BPF_PROG_INFO`.

use std::collections::BTreeMap;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use perfuse_format::btf::Btf;

use super::door::{Attr, Command, Errno, bpf, bpf_fd};

/// Bytes of the structure that we ask for, up to `recursion_misses` (Linux 5.12): all of them are known to perf 6.1.
const INFO: usize = 216;
/// The most bytes of all arrays of one program: far more than a million instructions need.
const MOST_BYTES: usize = 64 << 20;
/// The most bytes of one program's types.
const MOST_TYPES: usize = 16 << 20;
/// The most programs that are told of.
const MOST_PROGRAMS: usize = 1 << 16;

/// How long the elements of an array are.
#[derive(Debug, Clone, Copy)]
enum Element {
    /// Always so many bytes.
    Fixed(usize),
    /// As the field at this offset says.
    Told(usize),
}

/// An array of the structure.
#[derive(Debug, Clone, Copy)]
struct Array {
    /// `PERF_BPIL_*` of perf: its bit in the file.
    bit: u32,
    /// Where its pointer stands.
    pointer: usize,
    /// Where the number of its elements stands.
    count: usize,
    element: Element,
}

const fn array(bit: u32, pointer: usize, count: usize, element: Element) -> Array {
    Array { bit, pointer, count, element }
}

/// Those that perf keeps: the compiled code, its functions, their lengths, types, lines and tags.
const ARRAYS: [Array; 7] = [
    array(0, 24, 16, Element::Fixed(1)),
    KSYMS,
    LENGTHS,
    FUNCTIONS,
    array(6, 152, 148, Element::Told(172)),
    array(7, 160, 168, Element::Told(176)),
    TAGS,
];
const KSYMS: Array = array(3, 112, 104, Element::Fixed(8));
const LENGTHS: Array = array(4, 120, 108, Element::Fixed(4));
const FUNCTIONS: Array = array(5, 136, 144, Element::Told(132));
const TAGS: Array = array(8, 184, 180, Element::Fixed(8));

/// Offsets of single fields: type, number, tag, name, number of the types.
const KIND: usize = 0;
const ID: usize = 4;
const TAG: usize = 8;
const NAME: std::ops::Range<usize> = 64..80;
const TYPES: usize = 128;

/// A function of a program, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramFunction {
    /// Where its code begins.
    pub address: u64,
    /// Bytes of its code.
    pub length: u32,
    /// As the kernel names it: `bpf_prog_TAG_NAME`.
    pub name: String,
}

/// A program that is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadedProgram {
    /// Its number.
    pub id: u32,
    /// Its type (`enum bpf_prog_type`).
    pub kind: u32,
    /// The beginning of the hash of its instructions.
    pub tag: [u8; 8],
    /// `struct bpf_prog_info`; its pointers are offsets into `data`.
    pub info: Vec<u8>,
    /// The arrays, one after the other, each filled up to eight bytes.
    pub data: Vec<u8>,
    /// Which arrays those are (`1 << PERF_BPIL_*`).
    pub arrays: u64,
    /// Its functions.
    pub functions: Vec<ProgramFunction>,
    /// Number of its types in the kernel; 0 for none.
    pub types: u32,
}

/// All programs in the order of their numbers, and the types (`.BTF`) by their number. Empty without the privilege to
/// ask (`CAP_BPF` or `CAP_SYS_ADMIN`), and on kernels without BPF.
pub fn loaded_programs() -> (Vec<LoadedProgram>, BTreeMap<u32, Vec<u8>>) {
    let (mut all, mut types) = (Vec::new(), BTreeMap::new());
    let mut id = 0;
    while let Ok(next) = next_id(id) {
        // Numbers grow; a kernel that says otherwise would keep us here forever.
        if next <= id || all.len() >= MOST_PROGRAMS {
            break;
        }
        id = next;
        // A program may be gone by the time that it is looked at.
        let Ok(fd) = by_id(Command::ProgFdById, id) else { continue };
        if let Some(program) = program(fd.as_fd(), &mut types) {
            all.push(program);
        }
    }
    (all, types)
}

/// The number of the program behind this one.
fn next_id(id: u32) -> Result<u32, Errno> {
    let mut attr = Attr::new().word(0, id).word(4, 0);
    // SAFETY: the command takes no pointer.
    unsafe { bpf(Command::ProgNextId, &mut attr) }?;
    Ok(attr.word_at(4))
}

fn by_id(command: Command, id: u32) -> Result<OwnedFd, Errno> {
    let mut attr = Attr::new().word(0, id);
    // SAFETY: the commands that this is called with take no pointer and give a descriptor.
    unsafe { bpf_fd(command, &mut attr) }
}

/// Asks for a description; how many bytes of it the kernel knows.
fn info(fd: BorrowedFd<'_>, bytes: &mut [u8]) -> Result<usize, Errno> {
    let length = bytes.len();
    let mut attr = Attr::new().fd(0, fd).word(4, u32::try_from(length).unwrap_or(0)).output(8, bytes);
    // SAFETY: the structure is as long as its length field says; pointers in it are null, or were put there by a caller
    // that keeps arrays of the lengths that stand beside them.
    unsafe { bpf(Command::ObjInfo, &mut attr) }?;
    Ok(usize::try_from(attr.word_at(4)).unwrap_or(0).min(length))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |field| u32::from_ne_bytes(*field))
}

fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + field.len()) {
        place.copy_from_slice(field);
    }
}

impl Array {
    /// Bytes of all elements; `None` where that is more than a program has.
    fn bytes(&self, info: &[u8]) -> Option<usize> {
        let element = match self.element {
            Element::Fixed(bytes) => bytes,
            Element::Told(at) => word(info, at) as usize,
        };
        (word(info, self.count) as usize).checked_mul(element).filter(|bytes| *bytes <= MOST_BYTES)
    }

    /// Its elements in the buffer of a program whose pointers are offsets.
    fn of<'a>(&self, info: &[u8], data: &'a [u8]) -> &'a [u8] {
        let at = info.get(self.pointer..).and_then(|rest| rest.first_chunk());
        let at = at.and_then(|at| usize::try_from(u64::from_ne_bytes(*at)).ok());
        let range = at.zip(self.bytes(info)).and_then(|(at, bytes)| Some(at..at.checked_add(bytes)?));
        range.and_then(|range| data.get(range)).unwrap_or_default()
    }
}

fn program(fd: BorrowedFd<'_>, types: &mut BTreeMap<u32, Vec<u8>>) -> Option<LoadedProgram> {
    let mut lengths = [0; INFO];
    let known = info(fd, &mut lengths).ok()?;
    let present = ARRAYS.iter().filter(|array| array.pointer.max(array.count) + 8 <= known);
    let mut wanted = vec![0; known];
    let (mut total, mut arrays, mut places) = (0_usize, 0, Vec::new());
    for array in present {
        put(&mut wanted, array.count, &word(&lengths, array.count).to_ne_bytes());
        if let Element::Told(at) = array.element {
            put(&mut wanted, at, &word(&lengths, at).to_ne_bytes());
        }
        places.push((array.pointer, total as u64));
        arrays |= 1 << array.bit;
        total = total.checked_add(array.bytes(&lengths)?.next_multiple_of(8))?;
    }
    if total > MOST_BYTES {
        return None;
    }
    let mut data = vec![0_u8; total];
    let base = data.as_mut_ptr().expose_provenance() as u64;
    for (pointer, offset) in &places {
        put(&mut wanted, *pointer, &base.wrapping_add(*offset).to_ne_bytes());
    }
    // The arrays lie one behind the other in `data`, each as long as the count that stands in the structure says.
    info(fd, &mut wanted).ok()?;
    for (pointer, offset) in &places {
        put(&mut wanted, *pointer, &offset.to_ne_bytes());
    }
    let number = word(&wanted, TYPES);
    if number != 0 && !types.contains_key(&number) {
        types.extend(type_bytes(number).map(|bytes| (number, bytes)));
    }
    Some(describe(wanted, data, arrays, types.get(&number).map(Vec::as_slice)))
}

/// Reads what the kernel gave. `types` are those of the program.
fn describe(info: Vec<u8>, data: Vec<u8>, arrays: u64, types: Option<&[u8]>) -> LoadedProgram {
    let btf = types.and_then(|bytes| Btf::parse(bytes).ok());
    let name = info.get(NAME).and_then(|name| name.split(|&byte| byte == 0).next()).unwrap_or_default();
    let (addresses, lengths) = (KSYMS.of(&info, &data).as_chunks::<8>().0, LENGTHS.of(&info, &data).as_chunks::<4>().0);
    let tags = TAGS.of(&info, &data).as_chunks::<8>().0;
    let size = word(&info, 132) as usize;
    let kinds: Vec<&[u8]> = FUNCTIONS.of(&info, &data).chunks_exact(size.max(1)).collect();
    let mut functions = Vec::new();
    for (at, ((address, length), tag)) in addresses.iter().zip(lengths).zip(tags).enumerate() {
        let mut text = "bpf_prog_".to_owned();
        text.extend(
            tag.iter()
                .flat_map(|byte| [byte >> 4, byte & 15])
                .map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')),
        );
        // The types of functions stand beside them only if there is one for each.
        let kind = kinds.get(at).filter(|_| kinds.len() == addresses.len()).map(|kind| word(kind, 4));
        let own = kind.and_then(|kind| Some(btf.as_ref()?.by_id(kind)?.name()));
        let own = own
            .or_else(|| (addresses.len() == 1 && !name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned()));
        text.push('_');
        text.push_str(own.as_deref().unwrap_or("F"));
        functions.push(ProgramFunction {
            address: u64::from_ne_bytes(*address),
            length: u32::from_ne_bytes(*length),
            name: text,
        });
    }
    // Addresses are hidden from those who may not see the kernel's.
    functions.retain(|function| function.address != 0);
    let tag = info.get(TAG..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
    let (id, kind, types) = (word(&info, ID), word(&info, KIND), word(&info, TYPES));
    LoadedProgram { id, kind, tag, info, data, arrays, functions, types }
}

/// The types with a number.
fn type_bytes(number: u32) -> Option<Vec<u8>> {
    let fd = by_id(Command::BtfFdById, number).ok()?;
    // struct bpf_btf_info: pointer, size, number.
    let mut about = [0; 16];
    info(fd.as_fd(), &mut about).ok()?;
    let size = usize::try_from(word(&about, 8)).ok().filter(|size| (1..=MOST_TYPES).contains(size))?;
    let mut bytes = vec![0_u8; size];
    let pointer = bytes.as_mut_ptr().expose_provenance() as u64;
    put(&mut about, 0, &pointer.to_ne_bytes());
    info(fd.as_fd(), &mut about).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program of two functions, as the kernel would describe it.
    fn synthetic() -> (Vec<u8>, Vec<u8>) {
        let mut info = vec![0; INFO];
        put(&mut info, KIND, &26_u32.to_ne_bytes());
        put(&mut info, ID, &7_u32.to_ne_bytes());
        put(&mut info, TAG, &[0xab; 8]);
        put(&mut info, NAME.start, b"entry");
        let mut data = Vec::new();
        for (array, bytes) in [
            (KSYMS, [0xffff_ffff_c000_0000_u64, 0xffff_ffff_c000_1000].map(u64::to_ne_bytes).concat()),
            (LENGTHS, [100_u32, 50].map(u32::to_ne_bytes).concat()),
            (TAGS, [[0x12; 8], [0xf0; 8]].concat()),
        ] {
            put(&mut info, array.pointer, &(data.len() as u64).to_ne_bytes());
            put(&mut info, array.count, &2_u32.to_ne_bytes());
            data.extend(bytes);
        }
        (info, data)
    }

    #[test]
    fn functions_have_the_names_of_the_kernel() {
        let (info, data) = synthetic();
        let program = describe(info.clone(), data.clone(), 0x118, None);
        assert_eq!((program.id, program.kind, program.tag), (7, 26, [0xab; 8]));
        let names: Vec<(&str, u32)> = program.functions.iter().map(|one| (one.name.as_str(), one.length)).collect();
        assert_eq!(names, [("bpf_prog_1212121212121212_F", 100), ("bpf_prog_f0f0f0f0f0f0f0f0_F", 50)]);
        // A single function has the name of the program.
        let mut one = info;
        for array in [KSYMS, LENGTHS, TAGS] {
            put(&mut one, array.count, &1_u32.to_ne_bytes());
        }
        let program = describe(one, data, 0x118, None);
        assert_eq!(program.functions[0].name, "bpf_prog_1212121212121212_entry");
    }

    #[test]
    fn absurd_lengths_and_offsets_are_no_harm() {
        let (info, data) = synthetic();
        for at in (0..INFO).step_by(4) {
            let mut broken = info.clone();
            put(&mut broken, at, &u32::MAX.to_ne_bytes());
            for length in [0, 3, data.len()] {
                let program = describe(broken.clone(), data[..length].to_vec(), u64::MAX, Some(&[0xff; 40]));
                assert!(program.functions.len() <= 2);
            }
        }
    }

    #[test]
    fn the_running_kernel_is_asked() {
        // None may be loaded, and without privilege none is told; each that is has a place for its code.
        let (programs, types) = loaded_programs();
        assert!(programs.is_sorted_by_key(|program| program.id));
        for program in &programs {
            assert!(program.types == 0 || types.contains_key(&program.types), "{}", program.id);
            assert!(program.functions.iter().all(|function| function.name.starts_with("bpf_prog_")));
        }
    }
}
