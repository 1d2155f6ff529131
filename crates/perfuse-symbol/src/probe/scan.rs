//! Which units may name something: found without parsing them.
//!
//! A compiler writes a name once, and where entries have it, its offset among the strings. So the strings are searched
//! for the name, and the bytes of each unit for its offsets. What is found this way may be chance, and is looked at
//! closely; what is not found is in no unit.

use gimli::Section as _;
use gimli::constants as dw;
use memchr::memmem::Finder;

use super::world::{Span, World};

/// Up to this many offsets are searched for one after the other; of more, all are searched for at once.
const FEW: usize = 8;

/// Bytes of an entry that may stand before its name: its number and the attributes before. Of a function they are few.
const MOST_BEFORE_NAME: usize = 64;

/// The units that may define a function of a name. All of them where names are not searched for.
pub(super) fn units_with(world: &World<'_>, name: &[u8]) -> Vec<Span> {
    let strings = offsets_of(world.dwarf.debug_str.reader().slice(), name);
    if has_other_strings(world) {
        return world.spans.clone();
    }
    let mut needle = name.to_vec();
    needle.push(0);
    // As part of the entries, which compilers do with short names, and some with all.
    let inline = Finder::new(&needle);
    let little = world.source.is_little();
    let bytes: Vec<[u8; 4]> =
        strings.iter().map(|at| if little { at.to_le_bytes() } else { at.to_be_bytes() }).collect();
    let few: Vec<Finder<'_>> = bytes.iter().take(FEW).map(Finder::new).collect();
    let many = (bytes.len() > FEW).then(|| Many::new(&bytes));
    let info = world.dwarf.debug_info.reader().slice();
    let may_define = |span: &&Span| {
        let Some(unit) = info.get(span.start..span.end) else { return false };
        let mut places: Vec<usize> = match &many {
            Some(many) => many.places(unit),
            None => few.iter().flat_map(|finder| finder.find_iter(unit)).collect(),
        };
        places.extend(inline.find_iter(unit));
        !places.is_empty() && defines(world, **span, &places)
    };
    world.spans.iter().filter(may_define).copied().collect()
}

/// Whether one of some places in a unit is the name of a function that the unit defines. Names are also in the units that
/// only call a function: of `kfree` in a kernel that are thousands.
fn defines(world: &World<'_>, span: Span, places: &[usize]) -> bool {
    let info = &world.dwarf.debug_info;
    let Ok(header) = info.header_from_offset(gimli::DebugInfoOffset(span.start)) else { return false };
    let Ok(abbreviations) = world.dwarf.abbreviations(&header) else { return false };
    let known = (1..).map_while(|code| abbreviations.get(code));
    let has = |abbreviation: &gimli::Abbreviation, name: gimli::DwAt| {
        abbreviation.attributes().iter().any(|attribute| attribute.name() == name)
    };
    // Where a definition may take its name from a declaration, every place counts.
    let mut functions = known.filter(|each| each.tag() == dw::DW_TAG_subprogram).peekable();
    if functions.peek().is_none() {
        return abbreviations.get(1).is_none();
    }
    if functions.any(|each| has(each, dw::DW_AT_specification)) {
        return true;
    }
    let is_definition = |place: usize, start: usize| {
        let mut entries = header.entries_raw(&abbreviations, Some(gimli::UnitOffset(start))).ok()?;
        let abbreviation = entries.read_abbreviation().ok()??;
        if abbreviation.tag() != dw::DW_TAG_subprogram || has(abbreviation, dw::DW_AT_declaration) {
            return None;
        }
        for attribute in abbreviation.attributes() {
            let at = entries.next_offset().0;
            let names = [dw::DW_AT_name, dw::DW_AT_linkage_name, dw::DW_AT_MIPS_linkage_name];
            if at > place {
                return None;
            }
            if at == place && names.contains(&attribute.name()) {
                return Some(());
            }
            entries.skip_attributes(&[*attribute]).ok()?;
        }
        None
    };
    // The entry begins some bytes before its name; which number of them is right, only reading it from there tells.
    places.iter().any(|place| {
        (1..=MOST_BEFORE_NAME)
            .any(|before| place.checked_sub(before).is_some_and(|start| is_definition(*place, start).is_some()))
    })
}

/// Whether names may stand where they are not searched for: behind a table of offsets, or in a file that several share.
fn has_other_strings(world: &World<'_>) -> bool {
    let table = world.dwarf.debug_str_offsets.reader().slice();
    !table.is_empty() || world.dwarf.sup().is_some()
}

/// Where a text with its NUL stands among strings; the end of another counts, since linkers store such only once.
fn offsets_of(strings: &[u8], name: &[u8]) -> Vec<u32> {
    let mut needle = name.to_vec();
    needle.push(0);
    Finder::new(&needle).find_iter(strings).filter_map(|at| u32::try_from(at).ok()).collect()
}

/// A search for many numbers of four bytes at once.
struct Many {
    sorted: Vec<[u8; 4]>,
    /// One bit for each value of the first two bytes.
    starts: Vec<u64>,
}

impl Many {
    fn new(numbers: &[[u8; 4]]) -> Self {
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        let mut starts = vec![0; 1 << 10];
        for [first, second, ..] in &sorted {
            let key = usize::from(u16::from_le_bytes([*first, *second]));
            starts[key >> 6] |= 1_u64 << (key & 63);
        }
        Self { sorted, starts }
    }

    /// Where one of the numbers stands.
    fn places(&self, bytes: &[u8]) -> Vec<usize> {
        let is_one = |window: &[u8]| {
            let [first, second, third, fourth] = *window else { return false };
            let key = usize::from(u16::from_le_bytes([first, second]));
            self.starts[key >> 6] >> (key & 63) & 1 == 1
                && self.sorted.binary_search(&[first, second, third, fourth]).is_ok()
        };
        bytes.windows(4).enumerate().filter(|(_, window)| is_one(window)).map(|(at, _)| at).collect()
    }
}
