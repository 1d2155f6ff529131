//! Which units may name something: found without parsing them.
//!
//! A compiler writes a name once, and where entries have it, its offset among the strings. So the strings are searched
//! for the name, and the bytes of each unit for its offsets. What is found this way may be chance, and is looked at
//! closely; what is not found is in no unit.

use gimli::Section as _;
use gimli::constants as dw;
use memchr::memmem::Finder;

use super::unit::Slice;
use super::world::{Span, World};

/// The head of a unit.
type Header<'a> = gimli::UnitHeader<Slice<'a>>;

/// Up to this many offsets are searched for one after the other; of more, all are searched for at once.
const FEW: usize = 8;

/// Bytes of an entry that may stand before its name: its number and the attributes before. Of a function they are few.
const MOST_BEFORE_NAME: usize = 64;

/// Attributes that are names of a function.
const NAMES: [gimli::DwAt; 3] = [dw::DW_AT_name, dw::DW_AT_linkage_name, dw::DW_AT_MIPS_linkage_name];

/// The units that may define a function of a name. All of them where names are not searched for.
///
/// A linker that stores a name as the end of another does so for all its places, and has no copy of it alone: the ends, of
/// which there may be many (`..kfree`), are searched for only where the name alone is not found.
pub(super) fn units_with(world: &World<'_>, name: &[u8]) -> Vec<Span> {
    if has_other_strings(world) {
        return world.spans.clone();
    }
    let strings = world.dwarf.debug_str.reader().slice();
    let (alone, ends): (Vec<u32>, Vec<u32>) = offsets_of(strings, name).into_iter().partition(|at| {
        let before = (*at as usize).checked_sub(1);
        before.is_none_or(|before| strings.get(before) == Some(&0))
    });
    let found = units_at(world, name, &alone);
    if found.is_empty() && !ends.is_empty() { units_at(world, name, &ends) } else { found }
}

/// The units that may define a function of a name that stands at some offsets of the strings, or in the entries.
fn units_at(world: &World<'_>, name: &[u8], strings: &[u32]) -> Vec<Span> {
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
    let functions: Vec<&gimli::Abbreviation> = known.filter(|each| each.tag() == dw::DW_TAG_subprogram).collect();
    if functions.is_empty() {
        return abbreviations.get(1).is_none();
    }
    if functions.iter().any(|each| has(each, dw::DW_AT_specification)) {
        return true;
    }
    let definitions = functions.into_iter().filter(|each| !has(each, dw::DW_AT_declaration));
    let heads: Option<Vec<Head>> = definitions.flat_map(|each| heads(each, &header)).collect();
    let unit = info.reader().slice().get(span.start..span.end).unwrap_or_default();
    match heads {
        Some(heads) => places.iter().any(|place| heads.iter().any(|head| head.ends_at(unit, *place))),
        // How long an entry is before its name is not known without reading it.
        None => places.iter().any(|place| reads_as_definition(&header, &abbreviations, *place)),
    }
}

/// What stands before the name of an entry of a kind: the number of the kind, and so many bytes of attributes.
struct Head {
    code: Vec<u8>,
    attributes: usize,
}

impl Head {
    /// Whether an entry of this kind may have its name at a place of a unit.
    fn ends_at(&self, unit: &[u8], place: usize) -> bool {
        let start = place.checked_sub(self.attributes + self.code.len());
        start.and_then(|start| unit.get(start..)).is_some_and(|entry| entry.starts_with(&self.code))
    }
}

/// The heads of the names that entries of a kind have; one that is nothing is of an unknown length.
fn heads(abbreviation: &gimli::Abbreviation, header: &Header<'_>) -> Vec<Option<Head>> {
    let (mut before, mut heads) = (Some(0), Vec::new());
    for attribute in abbreviation.attributes() {
        if NAMES.contains(&attribute.name()) {
            heads.push(before.map(|attributes| Head { code: leb128(abbreviation.code()), attributes }));
        }
        before = before.zip(attribute.size(header)).map(|(before, size)| before + size);
    }
    heads
}

/// A number as entries begin with it (ULEB128).
fn leb128(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Whether an entry that defines a function has its name at a place. It begins some bytes before; which number of them is
/// right, only reading it from there tells.
fn reads_as_definition(header: &Header<'_>, abbreviations: &gimli::Abbreviations, place: usize) -> bool {
    let reads = |start: usize| {
        let mut entries = header.entries_raw(abbreviations, Some(gimli::UnitOffset(start))).ok()?;
        let abbreviation = entries.read_abbreviation().ok()??;
        let declares = abbreviation.attributes().iter().any(|each| each.name() == dw::DW_AT_declaration);
        if abbreviation.tag() != dw::DW_TAG_subprogram || declares {
            return None;
        }
        for attribute in abbreviation.attributes() {
            let at = entries.next_offset().0;
            if at > place {
                return None;
            }
            if at == place && NAMES.contains(&attribute.name()) {
                return Some(());
            }
            entries.skip_attributes(&[*attribute]).ok()?;
        }
        None
    };
    (1..=MOST_BEFORE_NAME).any(|before| place.checked_sub(before).is_some_and(|start| reads(start).is_some()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_a_name() {
        assert_eq!([1, 127, 128, 300].map(leb128), [vec![1], vec![127], vec![0x80, 1], vec![0xac, 2]]);
        let head = Head { code: leb128(300), attributes: 1 };
        let unit = [9, 0xac, 2, 7, 1, 2, 3, 4];
        let ends: Vec<usize> = (0..20).filter(|place| head.ends_at(&unit, *place)).collect();
        assert_eq!(ends, [4]);
    }
}
