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
