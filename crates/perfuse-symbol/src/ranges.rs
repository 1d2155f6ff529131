//! The addresses that an entry of the debug information covers.

use gimli::constants as dw;
use gimli::{AttributeValue, DebuggingInformationEntry, RangeIter, Reader, UnitRef};

/// The ranges of an entry; `None` where they cannot be read. What is so long that it leads past the last address covers
/// nothing: gimli adds place and length without looking.
pub(crate) fn of<R: Reader>(unit: UnitRef<'_, R>, entry: &DebuggingInformationEntry<R>) -> Option<RangeIter<R>> {
    let begin = entry.attr_value(dw::DW_AT_low_pc).and_then(|value| unit.attr_address(value).ok().flatten());
    if let (Some(begin), Some(AttributeValue::Udata(length))) = (begin, entry.attr_value(dw::DW_AT_high_pc)) {
        begin.checked_add(length)?;
    }
    unit.die_ranges(entry).ok()
}

#[cfg(test)]
mod tests {
    use gimli::{EndianSlice, LittleEndian};

    use super::*;

    /// A unit from `begin` on, so many bytes long.
    fn covered(begin: u64, length: u64) -> Option<Vec<(u64, u64)>> {
        // DW_TAG_compile_unit without children: DW_AT_low_pc as an address, DW_AT_high_pc as a length of eight bytes.
        let abbreviations = [1, 0x11, 0, 0x11, 0x01, 0x12, 0x07, 0, 0, 0];
        let mut unit = vec![4, 0, 0, 0, 0, 0, 8, 1];
        unit.extend(begin.to_le_bytes());
        unit.extend(length.to_le_bytes());
        let mut info = u32::try_from(unit.len()).unwrap().to_le_bytes().to_vec();
        info.extend(unit);
        let section = |id: gimli::SectionId| {
            let bytes: &[u8] = match id {
                gimli::SectionId::DebugAbbrev => &abbreviations,
                gimli::SectionId::DebugInfo => &info,
                _ => &[],
            };
            Ok::<_, gimli::Error>(EndianSlice::new(bytes, LittleEndian))
        };
        let dwarf = gimli::Dwarf::load(section).unwrap();
        let header = dwarf.units().next().unwrap().unwrap();
        let unit = dwarf.unit(header).unwrap();
        let unit = unit.unit_ref(&dwarf);
        let mut entries = unit.entries();
        let entry = entries.next_dfs().unwrap().unwrap();
        let mut ranges = of(unit, entry)?;
        let mut found = Vec::new();
        while let Some(range) = ranges.next().unwrap() {
            found.push((range.begin, range.end));
        }
        Some(found)
    }

    #[test]
    fn lengths_that_lead_past_the_last_address_cover_nothing() {
        assert_eq!(covered(0x1000, 0x20), Some(vec![(0x1000, 0x1020)]));
        assert_eq!(covered(u64::MAX - 8, 8), Some(vec![(u64::MAX - 8, u64::MAX)]));
        // What a fuzzer found: with checks of overflow on, place plus length ends the program.
        assert_eq!(covered(u64::MAX - 8, 9), None);
        assert_eq!(covered(u64::MAX, u64::MAX), None);
    }
}
