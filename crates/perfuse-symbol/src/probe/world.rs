//! The debug information of one file while a question is answered: units are parsed when they are needed, and forgotten
//! when there are many, so that the memory does not grow with the file.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gimli::{DebugInfoOffset, Section as _};
use rustc_hash::FxHashMap;

use super::open::Source;
use super::unit::{Slice, Unit};

/// Units that stay parsed. One question looks at few at a time; a unit of a kernel takes some megabytes when all of it
/// was looked at.
const MOST_UNITS: usize = 16;

/// Steps that a question may take, for each byte of the file and besides. Real files need a few for each byte; one that
/// is made to be slow, with lists that every entry refers to, is given up.
const STEPS_PER_BYTE: u64 = 512;
const STEPS: u64 = 1 << 24;

/// The debug information of a file.
pub(super) struct World<'a> {
    pub(super) source: &'a Source,
    pub(super) dwarf: gimli::Dwarf<Slice<'a>>,
    /// Where each unit begins and ends in `.debug_info`, in order.
    pub(super) spans: Vec<Span>,
    loaded: RefCell<FxHashMap<usize, Rc<Unit<'a>>>>,
    steps: Cell<u64>,
}

/// A unit in `.debug_info`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'a> World<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        let dwarf = source.dwarf();
        let spans = spans(dwarf.debug_info.reader().slice(), source.is_little());
        let bytes = dwarf.debug_info.reader().len() + dwarf.debug_line.reader().len();
        let steps = Cell::new(STEPS.saturating_add(STEPS_PER_BYTE.saturating_mul(bytes as u64)));
        Self { source, dwarf, spans, loaded: RefCell::default(), steps }
    }

    /// Takes steps from those that the question may take; `false` when there are no more.
    pub(super) fn spend(&self, steps: usize) -> bool {
        let left = self.steps.get().saturating_sub(steps as u64);
        self.steps.set(left);
        left > 0
    }

    /// How the caller's frame is found at an address.
    pub(super) fn caller_frame(&self, address: u64) -> Option<gimli::CfaRule<usize>> {
        // The tables are read from their start.
        if self.spend(self.source.frame_bytes()) { self.source.caller_frame(address) } else { None }
    }

    /// Whether the question took all the steps that it may: then what was found is not all.
    pub(super) fn is_spent(&self) -> bool {
        self.steps.get() == 0
    }

    /// The unit that begins at an offset. Damaged ones are none.
    pub(super) fn unit_at(&self, start: usize) -> Option<Rc<Unit<'a>>> {
        if let Some(unit) = self.loaded.borrow().get(&start) {
            return Some(Rc::clone(unit));
        }
        if !self.spend(1) {
            return None;
        }
        let header = self.dwarf.debug_info.header_from_offset(DebugInfoOffset(start)).ok()?;
        let unit = Rc::new(Unit::new(self.dwarf.unit(header).ok()?, start));
        let mut loaded = self.loaded.borrow_mut();
        if loaded.len() >= MOST_UNITS {
            loaded.clear();
        }
        loaded.insert(start, Rc::clone(&unit));
        Some(unit)
    }

    /// The unit that holds an offset.
    pub(super) fn unit_around(&self, offset: usize) -> Option<Rc<Unit<'a>>> {
        let next = self.spans.partition_point(|span| span.start <= offset);
        let span = self.spans.get(next.checked_sub(1)?).filter(|span| offset < span.end)?;
        self.unit_at(span.start)
    }
}

/// Walks over the lengths of the units alone: of a large section only one page for each unit is read.
fn spans(info: &[u8], little: bool) -> Vec<Span> {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(head) = info.get(start..).and_then(|rest| rest.first_chunk::<4>()) {
        let short = if little { u32::from_le_bytes(*head) } else { u32::from_be_bytes(*head) };
        let (head, length) = match short {
            // 64-bit DWARF.
            u32::MAX => {
                let Some(long) = info.get(start + 4..).and_then(|rest| rest.first_chunk::<8>()) else { break };
                let long = if little { u64::from_le_bytes(*long) } else { u64::from_be_bytes(*long) };
                (12, usize::try_from(long).unwrap_or(usize::MAX))
            }
            short => (4, short as usize),
        };
        let end = start.saturating_add(head).saturating_add(length);
        if end > info.len() {
            break;
        }
        found.push(Span { start, end });
        start = end;
    }
    found
}
