//! BPF programs in the header of a recording: names, places and sizes of what was loaded while it was made.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use perfuse_format::btf::Btf;
use perfuse_format::perfdata::features::BpfProgram;
use perfuse_format::perfdata::{Endian, Features, U64s};

/// Bytes of a tag.
const TAG: usize = 8;

/// `struct bpf_prog_info` (`include/uapi/linux/bpf.h`) with its arrays, as a file carries it.
struct Info<'f> {
    program: &'f BpfProgram,
    endian: Endian,
}

impl<'f> Info<'f> {
    fn word(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.endian == Endian::Little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn long(&self, bytes: &[u8], at: usize) -> Option<u64> {
        U64s::new(bytes.get(at..at.checked_add(8)?)?, self.endian).iter().next()
    }

    /// The array whose offset stands at `pointer`.
    fn array(&self, pointer: usize) -> Option<&'f [u8]> {
        let at = usize::try_from(self.long(&self.program.info, pointer)?).ok()?;
        self.program.data.get(at..)
    }

    fn id(&self) -> Option<u32> {
        self.word(&self.program.info, 4)
    }

    /// The lines of a program; `None` if it does not tell what they need.
    fn lines(&self, types: &BTreeMap<u32, &[u8]>) -> Option<String> {
        let info = &self.program.info;
        let count = self.word(info, 104)?;
        if self.word(info, 108)? != count || self.word(info, 180)? != count {
            return None;
        }
        let types = types.get(&self.word(info, 128)?).and_then(|bytes| Btf::parse(bytes).ok());
        let id = self.id()?;
        let (addresses, lengths) = (self.array(112)?, self.array(120)?);
        let count = usize::try_from(count).ok()?.min(addresses.len() / 8);
        let mut text = if count == 1 { format!("# bpf_prog_info {id}: ") } else { format!("# bpf_prog_info {id}:\n") };
        for index in 0..count {
            if count > 1 {
                let _ = write!(text, "# \tsub_prog {index}: ");
            }
            let (address, length) = (self.long(addresses, index * 8)?, self.word(lengths, index * 4)?);
            let name = self.name(types.as_ref(), index, count)?;
            let _ = writeln!(text, "{name} addr {address:#x} size {length}");
        }
        Some(text)
    }

    /// `bpf_prog_TAG_NAME`, as the kernel calls the function: the name from the types of the program, else its own.
    fn name(&self, types: Option<&Btf<'_>>, index: usize, count: usize) -> Option<String> {
        let mut name = String::from("bpf_prog_");
        for byte in self.array(184)?.get(index * TAG..(index + 1) * TAG)? {
            let _ = write!(name, "{byte:02x}");
        }
        let info = &self.program.info;
        let short = match types {
            Some(types) => {
                let size = usize::try_from(self.word(info, 132)?).ok()?;
                // `struct bpf_func_info`: offset of the instruction, type.
                let type_id = self.word(self.array(136)?, index.checked_mul(size)?.checked_add(4)?)?;
                types.by_id(type_id).map(|found| found.name()).unwrap_or_default()
            }
            None if count == 1 => {
                let own = info.get(64..80)?.split(|byte| *byte == 0).next().unwrap_or_default();
                String::from_utf8_lossy(own).into_owned()
            }
            None => "F".to_owned(),
        };
        if !short.is_empty() {
            name.push('_');
            name.push_str(&short);
        }
        Some(name)
    }
}

/// The lines of all programs, by id.
pub(super) fn programs(features: &Features, endian: Endian, text: &mut String) {
    let types: BTreeMap<u32, &[u8]> = features.bpf_btf.iter().map(|(id, bytes)| (*id, bytes.as_slice())).collect();
    let infos = features.bpf_programs.iter().map(|program| Info { program, endian });
    let by_id: BTreeMap<u32, Info<'_>> = infos.filter_map(|info| Some((info.id()?, info))).collect();
    by_id.values().filter_map(|info| info.lines(&types)).for_each(|lines| text.push_str(&lines));
}

/// A line for the types of each program, by id.
pub(super) fn types(features: &Features, text: &mut String) {
    let ids: std::collections::BTreeSet<u32> = features.bpf_btf.iter().map(|(id, _)| *id).collect();
    for id in ids {
        let _ = writeln!(text, "# btf info of id {id}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program of this many functions, with its arrays one after the other.
    fn program(functions: u32) -> BpfProgram {
        let mut info = vec![0; 232];
        let mut put = |at: usize, bytes: &[u8]| info[at..at + bytes.len()].copy_from_slice(bytes);
        put(4, &77_u32.to_le_bytes());
        put(64, b"watch_me");
        for at in [104, 108, 180] {
            put(at, &functions.to_le_bytes());
        }
        let (lengths, tags) = (u64::from(functions) * 8, u64::from(functions) * 16);
        put(120, &lengths.to_le_bytes());
        put(184, &tags.to_le_bytes());
        let mut data = Vec::new();
        (0..functions).for_each(|index| data.extend((0xffff_ffff_c000_0000 + u64::from(index)).to_le_bytes()));
        data.extend((0..functions * 2).flat_map(|index| (index + 90).to_le_bytes()));
        data.extend([0x0f; 8].repeat(functions as usize));
        BpfProgram { arrays: 0, info, data }
    }

    fn text(programs_of: Vec<BpfProgram>) -> String {
        let mut text = String::new();
        programs(&Features { bpf_programs: programs_of, ..Features::default() }, Endian::Little, &mut text);
        text
    }

    #[test]
    fn programs_stand_with_their_functions() {
        assert_eq!(
            text(vec![program(1)]),
            "# bpf_prog_info 77: bpf_prog_0f0f0f0f0f0f0f0f_watch_me addr 0xffffffffc0000000 size 90\n"
        );
        assert_eq!(
            text(vec![program(2)]),
            "# bpf_prog_info 77:\n\
             # \tsub_prog 0: bpf_prog_0f0f0f0f0f0f0f0f_F addr 0xffffffffc0000000 size 90\n\
             # \tsub_prog 1: bpf_prog_0f0f0f0f0f0f0f0f_F addr 0xffffffffc0000001 size 91\n"
        );
    }

    #[test]
    fn what_is_cut_off_is_left_out() {
        for length in 0..232 {
            let mut cut = program(2);
            cut.info.truncate(length);
            text(vec![cut]);
        }
        let mut cut = program(2);
        cut.data.truncate(20);
        assert_eq!(text(vec![cut]), "");
    }
}
