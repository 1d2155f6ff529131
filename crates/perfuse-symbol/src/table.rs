//! The symbols of one file or kernel by address, chosen as perf chooses them.
//!
//! Several symbols may state the same address (`malloc`, `__libc_malloc`), and symbols from hand-written assembler state no
//! size. What perf 6.1 makes of them (`tools/perf/util/symbol.c`) decides which name a sample gets, so the same is done
//! here, in the same order: first those without size are stretched to the next symbol, then one of each address is kept.

use std::cmp::Ordering;
use std::sync::OnceLock;

use crate::demangle::Demangle;
use crate::elf::c_string;
use crate::tree::Tree;

/// `st_info`: seen by this file only.
pub(crate) const STB_LOCAL: u8 = 0;
/// `st_info`: seen by all.
pub(crate) const STB_GLOBAL: u8 = 1;
/// `st_info`: seen by all, and yields to another of the same name.
pub(crate) const STB_WEAK: u8 = 2;
/// `st_info`: nothing is said (labels of assembler).
pub(crate) const STT_NOTYPE: u8 = 0;
/// `st_info`: data.
pub(crate) const STT_OBJECT: u8 = 1;
/// `st_info`: a function.
pub(crate) const STT_FUNC: u8 = 2;
/// `st_info`: a function that picks the function.
pub(crate) const STT_GNU_IFUNC: u8 = 10;

const PAGE: u64 = 4096;

/// One symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Where its name begins in the names of the table.
    pub(crate) name: u32,
    pub(crate) binding: u8,
    pub(crate) kind: u8,
}

/// A symbol in the table: 24 bytes, since there may be millions.
#[derive(Debug, Clone, Copy)]
struct Slot {
    start: u64,
    length: u32,
    name: u32,
    /// How many were added before.
    order: u32,
    binding: u8,
    kind: u8,
}

impl Slot {
    fn end(self) -> u64 {
        self.start.saturating_add(self.length.into())
    }

    fn set_end(&mut self, end: u64) {
        self.length = u32::try_from(end.saturating_sub(self.start)).unwrap_or(u32::MAX);
    }

    fn holds(self, address: u64) -> Ordering {
        if address < self.start {
            Ordering::Less
        } else if address < self.end() || address == self.start {
            Ordering::Equal
        } else {
            Ordering::Greater
        }
    }
}

/// perf's tree of the symbols, and which symbol each of its nodes is.
#[derive(Debug, Clone)]
struct Shape {
    tree: Tree,
    slots: Vec<u32>,
}

/// Symbols in the order of their addresses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    slots: Vec<Slot>,
    /// Names, each with its NUL: a large library has hundreds of thousands of them, and only a few are ever asked for.
    names: Vec<u8>,
    /// Addresses at which binutils would choose another symbol than perf, and the name of that one.
    others: Vec<(u64, u32)>,
    /// How many symbols were added.
    added: u32,
    /// Those that were not kept, with their order and start; and after how many additions how many were taken out.
    dropped: Vec<(u32, u64)>,
    passes: Vec<(u32, usize)>,
    /// Where more than one symbol could hold an address, sorted.
    unclear: Vec<(u64, u64)>,
    /// Made when the first such address is asked for.
    shape: OnceLock<Box<Shape>>,
}

impl Table {
    /// Adds a string table; returns what is to be added to its offsets. Nothing if the names were more than 4 GiB.
    pub(crate) fn add_names(&mut self, strings: Vec<u8>) -> Option<u32> {
        let base = u32::try_from(self.names.len()).ok()?;
        u32::try_from(self.names.len() + strings.len() + 1).ok()?;
        if base == 0 {
            self.names = strings;
        } else {
            self.names.extend_from_slice(&strings);
        }
        // A table that is cut off must not run into the next one.
        self.names.push(0);
        Some(base)
    }

    /// Takes memory for so many symbols with names of so many bytes in all, so that it need not be moved while they come.
    pub(crate) fn expect(&mut self, symbols: usize, names: usize) {
        self.slots.reserve(symbols);
        self.names.reserve(names);
    }

    /// Adds one name; returns its offset.
    pub(crate) fn add_name(&mut self, name: &[u8]) -> Option<u32> {
        let at = u32::try_from(self.names.len()).ok()?;
        self.names.extend_from_slice(name);
        self.names.push(0);
        Some(at)
    }

    /// Adds a symbol; the table is in order again after [`Table::settle`] or [`Table::order`].
    pub(crate) fn push(&mut self, entry: Entry) {
        let Entry { start, name, binding, kind, end } = entry;
        let mut slot = Slot { start, length: 0, name, order: self.added, binding, kind };
        slot.set_end(end);
        self.added = self.added.saturating_add(1);
        self.slots.push(slot);
    }

    /// Puts the symbols in order, stretches those without size, and keeps one of each address. `kallsyms` tells that
    /// names of modules end in `\t[module]`, and that the kernel does not reach up to its first module.
    pub(crate) fn settle(&mut self, kallsyms: bool, demangle: Demangle) {
        self.order();
        self.stretch(kallsyms);
        self.choose(demangle);
        self.passes.push((self.added, self.dropped.len()));
        self.find_unclear();
    }

    /// Puts the symbols in order, and no more. Of equal addresses the one that was added first stays first.
    pub(crate) fn order(&mut self) {
        self.slots.sort_by_key(|slot| slot.start);
        self.find_unclear();
    }

    /// The name at an offset of the names.
    pub(crate) fn text(&self, name: u32) -> &[u8] {
        c_string(&self.names, name)
    }

    fn stretch(&mut self, kallsyms: bool) {
        let in_module = |table: &Self, index: usize| kallsyms && memchr::memchr(b'[', table.raw_name(index)).is_some();
        let mut next_in_module = in_module(self, 0);
        for index in 0..self.slots.len() {
            let is_in_module = next_in_module;
            next_in_module = in_module(self, index + 1);
            let Slot { start, length, .. } = self.slots[index];
            if length != 0 {
                continue;
            }
            let next = self.slots.get(index + 1).map(|next| next.start);
            let end = match next {
                Some(_) if is_in_module != next_in_module => {
                    start.saturating_add(PAGE).checked_next_multiple_of(PAGE).unwrap_or(u64::MAX)
                }
                Some(next) => next,
                None => start.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX).saturating_add(PAGE),
            };
            self.slots[index].set_end(end);
        }
    }

    fn choose(&mut self, demangle: Demangle) {
        let mut kept = 0;
        // binutils looks at the first symbol table only.
        let others = if self.passes.is_empty() { self.choices_of_binutils() } else { Vec::new() };
        for index in 1..self.slots.len() {
            let (first, second) = (self.slots[kept], self.slots[index]);
            if first.start != second.start {
                kept += 1;
                self.slots[kept] = second;
            } else if self.is_first_better(first, second, demangle) {
                self.dropped.push((second.order, second.start));
            } else {
                self.dropped.push((first.order, first.start));
                self.slots[kept] = second;
            }
        }
        self.slots.truncate(kept + 1);
        self.slots.shrink_to_fit();
        for (start, name) in others {
            if self.slots.binary_search_by_key(&start, |slot| slot.start).is_ok_and(|at| self.slots[at].name != name) {
                self.others.push((start, name));
            }
        }
    }

    /// Where several functions begin at one address: the one that `addr2line` names, which perf asks for source lines:
    /// a typed one, the shortest, the last (assemblers describe each symbol as a function, and the last one holds).
    fn choices_of_binutils(&self) -> Vec<(u64, u32)> {
        let mut found = Vec::new();
        for group in self.slots.chunk_by(|one, other| one.start == other.start).filter(|group| group.len() > 1) {
            let functions = group.iter().rev().filter(|slot| slot.kind != STT_OBJECT && slot.length > 0);
            let best = functions.min_by_key(|slot| (slot.kind == STT_NOTYPE, slot.length));
            found.extend(best.map(|slot| (slot.start, slot.name)));
        }
        found
    }

    /// The name that binutils gives to the symbol of a number.
    pub(crate) fn other_name(&self, index: usize) -> Option<&[u8]> {
        let start = self.slots.get(index)?.start;
        let at = self.others.binary_search_by_key(&start, |(start, _)| *start).ok()?;
        self.others.get(at).map(|(_, name)| self.text(*name))
    }

    /// perf's `choose_best_symbol`.
    fn is_first_better(&self, first: Slot, second: Slot, demangle: Demangle) -> bool {
        // A symbol with a length, one with a type if the other has none, one that is not weak, one that is global.
        let typed = |slot: Slot| first.kind == second.kind || slot.kind != STT_NOTYPE;
        let rank = |slot: Slot| (slot.length > 0, typed(slot), slot.binding != STB_WEAK, slot.binding == STB_GLOBAL);
        let order = rank(first).cmp(&rank(second));
        if order.is_ne() {
            return order.is_gt();
        }
        // A function that other files may call is in both symbol tables; its name need not be demangled to see that.
        let raw = self.text(first.name);
        if raw == self.text(second.name) {
            return !raw.starts_with(b"SyS") && !raw.starts_with(b"compat_SyS");
        }
        let text = |slot: Slot| String::from_utf8_lossy(self.text(slot.name));
        let (first, second) = (text(first), text(second));
        let (first, second) = (demangle.name(&first), demangle.name(&second));
        let underscores = |name: &str| name.bytes().take_while(|&byte| byte == b'_').count();
        // Fewer underscores in front, then the longer name, then the one that is not a system call's old name.
        let order = underscores(&second).cmp(&underscores(&first)).then(first.len().cmp(&second.len()));
        if order.is_ne() {
            return order.is_gt();
        }
        !first.starts_with("SyS") && !first.starts_with("compat_SyS")
    }

    /// Finds out where a symbol reaches into those behind it.
    fn find_unclear(&mut self) {
        self.unclear.clear();
        self.shape = OnceLock::new();
        let mut reach = 0;
        for slot in &self.slots {
            if slot.start < reach {
                match self.unclear.last_mut() {
                    Some((_, end)) if *end >= slot.start => *end = reach.max(*end),
                    _ => self.unclear.push((slot.start, reach)),
                }
            }
            reach = slot.end().max(reach);
        }
    }

    /// The symbol that holds an address.
    pub(crate) fn find(&self, address: u64) -> Option<usize> {
        let at = self.unclear.partition_point(|(start, _)| *start <= address).checked_sub(1);
        if at.and_then(|at| self.unclear.get(at)).is_some_and(|(_, end)| address < *end) {
            let shape = self.shape.get_or_init(|| Box::new(self.shape()));
            let slot = |node: u32| shape.slots.get(node as usize).and_then(|slot| self.slots.get(*slot as usize));
            let found = shape.tree.find(|node| slot(node).map_or(Ordering::Less, |slot| slot.holds(address)))?;
            return shape.slots.get(found as usize).map(|slot| *slot as usize);
        }
        let index = self.slots.partition_point(|slot| slot.start <= address).checked_sub(1)?;
        self.slots[index].holds(address).is_eq().then_some(index)
    }

    /// Repeats what was added and taken out.
    fn shape(&self) -> Shape {
        let mut starts = vec![0; self.added as usize];
        let mut slots = vec![u32::MAX; self.added as usize];
        let kept = (0..).zip(&self.slots).map(|(index, slot)| (slot.order, slot.start, index));
        let dropped = self.dropped.iter().map(|&(order, start)| (order, start, u32::MAX));
        for (order, start, index) in kept.chain(dropped) {
            if let (Some(at), Some(slot)) = (starts.get_mut(order as usize), slots.get_mut(order as usize)) {
                (*at, *slot) = (start, index);
            }
        }
        let mut tree = Tree::new();
        let (mut added, mut dropped) = (0, 0);
        for &(upto, drops) in self.passes.iter().chain([&(self.added, self.dropped.len())]) {
            starts.iter().take(upto as usize).skip(added).for_each(|start| tree.insert(*start));
            self.dropped.iter().take(drops).skip(dropped).for_each(|(order, _)| tree.remove(*order));
            (added, dropped) = (upto as usize, drops);
        }
        Shape { tree, slots }
    }

    /// A symbol.
    pub(crate) fn entry(&self, index: usize) -> Option<Entry> {
        let slot = *self.slots.get(index)?;
        let Slot { start, name, binding, kind, .. } = slot;
        Some(Entry { start, end: slot.end(), name, binding, kind })
    }

    /// How many symbols there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The name as the file states it.
    pub(crate) fn raw_name(&self, index: usize) -> &[u8] {
        self.slots.get(index).map(|slot| self.text(slot.name)).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(symbols: &[(u64, u64, &str, u8, u8)]) -> Table {
        let mut table = Table::default();
        for &(start, size, name, binding, kind) in symbols {
            let name = table.add_name(name.as_bytes()).unwrap();
            table.push(Entry { start, end: start + size, name, binding, kind });
        }
        table.settle(false, Demangle::default());
        table
    }

    fn name(table: &Table, address: u64) -> Option<String> {
        table.find(address).map(|index| String::from_utf8_lossy(table.raw_name(index)).into_owned())
    }

    #[test]
    fn a_symbol_without_size_reaches_to_the_next() {
        let table = table(&[(0x200, 0x10, "b", 1, 2), (0x100, 0, "a", 0, 0), (0x1000, 0, "last", 1, 2)]);
        assert_eq!(name(&table, 0x1ff).as_deref(), Some("a"));
        assert_eq!(name(&table, 0x20f).as_deref(), Some("b"));
        assert_eq!(name(&table, 0x210), None);
        assert_eq!(name(&table, 0x1fff).as_deref(), Some("last"));
        assert_eq!((name(&table, 0x2000), name(&table, 0xff)), (None, None));
    }

    /// Each line is one rule: the better of two at the same address, whichever comes first.
    #[test]
    fn one_symbol_of_each_address_is_kept() {
        let rules: &[[(u64, &str, u8, u8); 2]] = &[
            [(4, "typed", STB_LOCAL, STT_FUNC), (4, "label", STB_GLOBAL, STT_NOTYPE)],
            [(4, "local", STB_LOCAL, STT_FUNC), (4, "weak", STB_WEAK, STT_FUNC)],
            [(4, "global", STB_GLOBAL, STT_FUNC), (4, "a_local_one", STB_LOCAL, STT_FUNC)],
            [(4, "free", STB_GLOBAL, STT_FUNC), (4, "__libc_free", STB_GLOBAL, STT_FUNC)],
            [(4, "longer_name", STB_GLOBAL, STT_FUNC), (4, "short", STB_GLOBAL, STT_FUNC)],
            [(4, "sys_read", STB_GLOBAL, STT_FUNC), (4, "SyS_read", STB_GLOBAL, STT_FUNC)],
        ];
        for [good, bad] in rules {
            for pair in [[good, bad], [bad, good]] {
                let symbols = pair.map(|&(size, name, binding, kind)| (0x100, size, name, binding, kind));
                assert_eq!(name(&table(&symbols), 0x100).as_deref(), Some(good.1), "{good:?} against {bad:?}");
            }
        }
    }

    /// Of symbols without a size the last one is stretched before the choice, and so has the only length.
    #[test]
    fn of_symbols_without_size_the_last_is_kept() {
        let table = table(&[(0x100, 0, "_text", 1, 2), (0x100, 0, "_stext", 1, 2), (0x200, 0, "next", 1, 2)]);
        assert_eq!(name(&table, 0x150).as_deref(), Some("_stext"));
        assert_eq!(table.len(), 2);
    }

    /// `_init` has no size, and so reaches over the linkage table, whose symbols are added later.
    #[test]
    fn where_symbols_overlap_the_tree_of_perf_decides() {
        let mut table = table(&[(0x1000, 0, "_init", 1, 2), (0x1100, 0x20, "main", 1, 2), (0x1200, 4, "_fini", 1, 2)]);
        for (start, name) in [(0x1020, "a@plt"), (0x1030, "b@plt")] {
            let name = table.add_name(name.as_bytes()).unwrap();
            table.push(Entry { start, end: start + 16, name, binding: 1, kind: 2 });
        }
        table.order();
        // main is the root, _init its left child with a@plt behind; b@plt turns a@plt to the top of the three.
        assert_eq!(name(&table, 0x1022).as_deref(), Some("a@plt"));
        assert_eq!(name(&table, 0x1010).as_deref(), Some("_init"));
        assert_eq!(name(&table, 0x1050), None, "a@plt is asked first, and b@plt behind it ends before");
        assert_eq!(name(&table, 0x1110).as_deref(), Some("main"));
    }

    #[test]
    fn the_kernel_does_not_reach_up_to_its_modules() {
        let mut table = Table::default();
        for (start, name) in
            [(0x1000, "last_of_kernel"), (0x90_0000, "first\t[nf_tables]"), (0x90_0040, "second\t[nf_tables]")]
        {
            let name = table.add_name(name.as_bytes()).unwrap();
            table.push(Entry { start, end: start, name, binding: 1, kind: 2 });
        }
        table.settle(true, Demangle::default());
        assert!(table.find(0x1fff).is_some() && table.find(0x2001).is_none());
        assert_eq!(name(&table, 0x90_003f).as_deref(), Some("first\t[nf_tables]"));
    }
}
