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
    if has_other_strings(world) {
        return world.spans.clone();
    }
    let mut needle = name.to_vec();
    needle.push(0);
    // As part of the entries, which compilers do with short names, and some with all.
    let inline = Finder::new(&needle);
    let mut strings = Strings::new(world, &needle);
    let info = world.dwarf.debug_info.reader().slice();
    let mut may_define = |span: &&Span| {
        let Some(unit) = info.get(span.start..span.end) else { return false };
        let mut places = strings.places(world, **span, unit);
        places.extend(inline.find_iter(unit));
        !places.is_empty() && defines(world, **span, &places)
    };
    world.spans.iter().filter(|span| may_define(span)).copied().collect()
}

/// The offsets at which a name may be stored among the strings.
///
/// Linkers store equal strings once, and a string that ends another one only as the end of that: `kfree` is the end of
/// dozens of names, one of which stands for it in all units. The first unit that has the name tells which.
struct Strings {
    /// Of whole strings. A linker that does not merge them leaves several that are equal.
    whole: Vec<[u8; 4]>,
    search: Search,
}

enum Search {
    /// One after the other.
    Few(Vec<Finder<'static>>),
    /// All at once, until it is known which one counts.
    Many(Many),
}

impl Strings {
    fn new(world: &World<'_>, needle: &[u8]) -> Self {
        let section = world.dwarf.debug_str.reader().slice();
        let little = world.source.is_little();
        let bytes = |at: &u32| if little { at.to_le_bytes() } else { at.to_be_bytes() };
        let found: Vec<u32> = Finder::new(needle).find_iter(section).filter_map(|at| u32::try_from(at).ok()).collect();
        let is_whole = |at: &&u32| at.checked_sub(1).is_none_or(|before| section.get(before as usize) == Some(&0));
        let whole: Vec<[u8; 4]> = found.iter().filter(is_whole).map(bytes).collect();
        let all: Vec<[u8; 4]> = found.iter().map(bytes).collect();
        let search = if all.len() > FEW { Search::Many(Many::new(&all)) } else { Search::few(&all) };
        Self { whole, search }
    }

    /// Where one of the offsets stands in a unit.
    fn places(&mut self, world: &World<'_>, span: Span, unit: &[u8]) -> Vec<usize> {
        let many = match &self.search {
            Search::Few(few) => return few.iter().flat_map(|finder| finder.find_iter(unit)).collect(),
            Search::Many(many) => many,
        };
        let places = many.places(unit);
        if let Some(at) = first_string(world, span, &places)
            && let Some(bytes) = unit.get(at..).and_then(|rest| rest.first_chunk::<4>())
        {
            let mut few = self.whole.clone();
            few.push(*bytes);
            few.sort_unstable();
            few.dedup();
            if few.len() <= FEW {
                self.search = Search::few(&few);
            }
        }
        places
    }
}

impl Search {
    fn few(offsets: &[[u8; 4]]) -> Self {
        Self::Few(offsets.iter().map(|bytes| Finder::new(bytes).into_owned()).collect())
    }
}

/// The first of some places, in order, at which an entry refers to a string. The entries are read from the first one on:
/// nothing is guessed.
fn first_string(world: &World<'_>, span: Span, places: &[usize]) -> Option<usize> {
    let last = *places.last()?;
    let header = world.dwarf.debug_info.header_from_offset(gimli::DebugInfoOffset(span.start)).ok()?;
    let abbreviations = world.dwarf.abbreviations(&header).ok()?;
    let mut entries = header.entries_raw(&abbreviations, None).ok()?;
    while entries.next_offset().0 <= last && world.spend(1) {
        let Some(abbreviation) = entries.read_abbreviation().ok()? else { continue };
        for attribute in abbreviation.attributes() {
            let at = entries.next_offset().0;
            if attribute.form() == dw::DW_FORM_strp && places.binary_search(&at).is_ok() {
                return Some(at);
            }
            entries.skip_attributes(&[*attribute]).ok()?;
        }
    }
    None
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
