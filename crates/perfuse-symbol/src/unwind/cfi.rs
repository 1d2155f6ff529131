//! The call frame information of one file: for each instruction, where the caller's registers are.

use std::io::{Read, Seek};

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, DebugFrame, EhFrame, EndianSlice, FrameDescriptionEntry, RegisterRule,
    RunTimeEndian, UnwindContext, UnwindExpression, UnwindSection,
};

use crate::elf::{Elf, ElfError, Layout, PT_LOAD, Segment};

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// The most functions that one file is searched for where it has no search table of its own.
const MOST_FUNCTIONS: usize = 4_000_000;

/// An expression in one of the sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expression {
    offset: usize,
    length: usize,
    debug_frame: bool,
}

/// How the canonical frame address (the stack pointer before the call) is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cfa {
    /// A register and a distance.
    Register(u8, i64),
    /// What an expression gives.
    Expression(Expression),
}

/// Where the caller's value of one register is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Save {
    /// Nowhere.
    Undefined,
    /// In memory, at a distance from the CFA.
    Offset(i64),
    /// It is the CFA with a distance.
    Value(i64),
    /// In another register.
    Register(u8),
    /// In memory, where an expression tells; the CFA is its operand.
    Expression(Expression),
    /// What an expression gives.
    ValueExpression(Expression),
}

/// How to go from a frame to its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) cfa: Cfa,
    /// The register that stands for the return address.
    pub(crate) return_address: u8,
    /// The frame was entered by a signal, not by a call.
    pub(crate) signal: bool,
    /// Registers that are not mentioned keep their value.
    pub(crate) saves: Box<[(u8, Save)]>,
}

/// The sections of one file.
#[derive(Debug)]
pub(crate) struct Cfi {
    segments: Vec<Segment>,
    layout: Layout,
    hdr_address: u64,
    eh_frame_address: u64,
    eh_frame: Vec<u8>,
    eh_frame_hdr: Vec<u8>,
    debug_frame: Vec<u8>,
    bases: BaseAddresses,
    /// Beginnings of functions and where their entries are, if there is no search table.
    eh_index: Vec<(u64, usize)>,
    debug_index: Vec<(u64, usize)>,
}

impl Cfi {
    pub(crate) fn read(file: impl Read + Seek, search: bool) -> Result<Self, ElfError> {
        Self::of(&mut Elf::open(file)?, search)
    }

    /// The call frame information of a file; with `search` also of one that has no table to find functions by.
    pub(crate) fn of<R: Read + Seek>(elf: &mut Elf<R>, search: bool) -> Result<Self, ElfError> {
        let address = |name: &str| elf.section(name).map_or(0, |section| section.address);
        let bases = BaseAddresses::default()
            .set_eh_frame(address(".eh_frame"))
            .set_eh_frame_hdr(address(".eh_frame_hdr"))
            .set_text(address(".text"))
            .set_got(address(".got"));
        let segments = elf.segments.iter().filter(|segment| segment.kind == PT_LOAD).copied().collect();
        let mut cfi = Self {
            segments,
            layout: elf.layout,
            hdr_address: address(".eh_frame_hdr"),
            eh_frame_address: address(".eh_frame"),
            eh_frame: elf.data_of(".eh_frame")?,
            eh_frame_hdr: elf.data_of(".eh_frame_hdr")?,
            debug_frame: elf.data_of(".debug_frame")?,
            bases,
            eh_index: Vec::new(),
            debug_index: Vec::new(),
        };
        if search && cfi.search_table().is_none() {
            cfi.eh_index = index(&cfi.eh_frame(), &cfi.bases);
        }
        cfi.debug_index = index(&cfi.debug_frame(), &cfi.bases);
        Ok(cfi)
    }

    fn endian(&self) -> RunTimeEndian {
        if self.layout.little { RunTimeEndian::Little } else { RunTimeEndian::Big }
    }

    fn address_size(&self) -> u8 {
        if self.layout.wide { 8 } else { 4 }
    }

    fn eh_frame(&self) -> EhFrame<Slice<'_>> {
        let mut section = EhFrame::new(&self.eh_frame, self.endian());
        section.set_address_size(self.address_size());
        section
    }

    fn debug_frame(&self) -> DebugFrame<Slice<'_>> {
        let mut section = DebugFrame::new(&self.debug_frame, self.endian());
        section.set_address_size(self.address_size());
        section
    }

    /// The rows of the search table: beginning of a function and where its entry is, both as distances from the section.
    /// Only the form that all linkers write, and libunwind reads, with numbers of 32 bits.
    fn search_table(&self) -> Option<&[[u8; 8]]> {
        let (head, rows) = self.eh_frame_hdr.split_at_checked(12)?;
        // Version 1; a pointer of 32 bits; the count as an unsigned number of 32 bits; distances from this section.
        let known = head[0] == 1 && matches!(head[1] & 15, 3 | 11) && head[2] == 3 && head[3] == 0x3b;
        let count = usize::try_from(self.layout.word(head, 8)).ok()?;
        let rows = rows.as_chunks().0;
        (known && count > 0).then(|| rows.get(..count).unwrap_or(rows))
    }

    /// Where the search table has the entry of the function at an address.
    fn search(&self, address: u64) -> Option<usize> {
        let rows = self.search_table()?;
        let place = |row: &[u8; 8], at: usize| {
            self.hdr_address.wrapping_add_signed(i64::from(self.layout.word(row, at).cast_signed()))
        };
        let at = rows.partition_point(|row| place(row, 0) <= address).checked_sub(1)?;
        usize::try_from(place(rows.get(at)?, 4).checked_sub(self.eh_frame_address)?).ok()
    }

    /// Whether the file tells anything of its frames.
    pub(crate) fn is_empty(&self) -> bool {
        self.eh_index.is_empty() && self.debug_index.is_empty() && self.search_table().is_none()
    }

    /// The address that the file states for a byte of it.
    pub(crate) fn address_of(&self, offset: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let into = offset.checked_sub(segment.offset)?;
            // The last page of a mapping may reach beyond the bytes of the segment.
            (into < segment.file_size).then(|| segment.address.checked_add(into)).flatten()
        })
    }

    /// The rule for the instruction at an address that the file states.
    pub(crate) fn rule(&self, address: u64, context: &mut UnwindContext<usize>) -> Option<Rule> {
        self.in_eh_frame(address, context).or_else(|| self.in_debug_frame(address, context))
    }

    fn in_eh_frame(&self, address: u64, context: &mut UnwindContext<usize>) -> Option<Rule> {
        let section = self.eh_frame();
        let offset = if self.eh_index.is_empty() { self.search(address) } else { entry(&self.eh_index, address) };
        let offset = gimli::EhFrameOffset(offset?);
        let fde = section.fde_from_offset(&self.bases, offset, EhFrame::cie_from_offset).ok()?;
        self.convert(&section, &fde, address, context, false)
    }

    fn in_debug_frame(&self, address: u64, context: &mut UnwindContext<usize>) -> Option<Rule> {
        let section = self.debug_frame();
        let offset = gimli::DebugFrameOffset(entry(&self.debug_index, address)?);
        let fde = section.fde_from_offset(&self.bases, offset, DebugFrame::cie_from_offset).ok()?;
        self.convert(&section, &fde, address, context, true)
    }

    fn convert<'a, S: UnwindSection<Slice<'a>>>(
        &self,
        section: &S,
        fde: &FrameDescriptionEntry<Slice<'a>>,
        address: u64,
        context: &mut UnwindContext<usize>,
        debug_frame: bool,
    ) -> Option<Rule> {
        if !fde.contains(address) {
            return None;
        }
        let row = fde.unwind_info_for_address(section, &self.bases, context, address).ok()?;
        let place =
            |found: &UnwindExpression<usize>| Expression { offset: found.offset, length: found.length, debug_frame };
        let cfa = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => Cfa::Register(u8::try_from(register.0).ok()?, *offset),
            CfaRule::Expression(found) => Cfa::Expression(place(found)),
        };
        let save = |(register, rule): &(gimli::Register, RegisterRule<usize>)| {
            let save = match rule {
                RegisterRule::Undefined => Save::Undefined,
                RegisterRule::Offset(offset) => Save::Offset(*offset),
                RegisterRule::ValOffset(offset) => Save::Value(*offset),
                RegisterRule::Register(other) => Save::Register(u8::try_from(other.0).ok()?),
                RegisterRule::Expression(found) => Save::Expression(place(found)),
                RegisterRule::ValExpression(found) => Save::ValueExpression(place(found)),
                // The same value, and what only some machines know.
                _ => return None,
            };
            Some((u8::try_from(register.0).ok()?, save))
        };
        Some(Rule {
            cfa,
            return_address: u8::try_from(fde.cie().return_address_register().0).ok()?,
            signal: fde.is_signal_trampoline(),
            saves: row.registers().filter_map(save).collect(),
        })
    }

    /// The bytes of an expression, and how numbers in it are encoded.
    pub(crate) fn expression(&self, found: Expression) -> Option<(Slice<'_>, gimli::Encoding)> {
        let section = if found.debug_frame { &self.debug_frame } else { &self.eh_frame };
        let bytes = section.get(found.offset..found.offset.checked_add(found.length)?)?;
        let encoding =
            gimli::Encoding { address_size: self.address_size(), format: gimli::Format::Dwarf32, version: 4 };
        Some((EndianSlice::new(bytes, self.endian()), encoding))
    }
}

/// The beginnings of all functions of a section, in order. What cannot be read ends the search: entries have no other
/// mark of where the next one begins.
fn index<'a, S: UnwindSection<Slice<'a>>>(section: &S, bases: &BaseAddresses) -> Vec<(u64, usize)>
where
    S::Offset: Copy,
{
    let mut found = Vec::new();
    let mut entries = section.entries(bases);
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else { continue };
        let Ok(fde) = partial.parse(S::cie_from_offset) else { continue };
        found.push((fde.initial_address(), fde.offset()));
        if found.len() >= MOST_FUNCTIONS {
            break;
        }
    }
    found.sort_unstable();
    found
}

fn entry(index: &[(u64, usize)], address: u64) -> Option<usize> {
    let at = index.partition_point(|(start, _)| *start <= address).checked_sub(1)?;
    index.get(at).map(|(_, offset)| *offset)
}
