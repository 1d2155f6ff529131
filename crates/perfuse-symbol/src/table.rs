//! The symbols of one file or kernel by address, chosen as perf chooses them.
//!
//! Several symbols may state the same address (`malloc`, `__libc_malloc`), and symbols from hand-written assembler state no
//! size. What perf 6.1 makes of them (`tools/perf/util/symbol.c`) decides which name a sample gets, so the same is done
//! here, in the same order: first those without size are stretched to the next symbol, then one of each address is kept.

use crate::demangle::Demangle;
use crate::elf::c_string;

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

/// Symbols in the order of their addresses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    /// Names, each with its NUL: a large library has hundreds of thousands of them, and only a few are ever asked for.
    names: Vec<u8>,
    /// Addresses at which binutils would choose another symbol than perf, and the name of that one.
    others: Vec<(u64, u32)>,
    settled: bool,
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

    /// Adds one name; returns its offset.
    pub(crate) fn add_name(&mut self, name: &[u8]) -> Option<u32> {
        let at = u32::try_from(self.names.len()).ok()?;
        self.names.extend_from_slice(name);
        self.names.push(0);
        Some(at)
    }

    /// Adds a symbol; the table is in order again after [`Table::settle`].
    pub(crate) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Puts the symbols in order, stretches those without size, and keeps one of each address. `kallsyms` tells that
    /// names of modules end in `\t[module]`, and that the kernel does not reach up to its first module.
    pub(crate) fn settle(&mut self, kallsyms: bool, demangle: Demangle) {
        self.order();
        self.stretch(kallsyms);
        self.choose(demangle);
        self.settled = true;
    }

    /// Puts the symbols in order, and no more. Of equal addresses the one that was added first stays first.
    pub(crate) fn order(&mut self) {
        self.entries.sort_by_key(|entry| entry.start);
    }

    /// The name at an offset of the names.
    pub(crate) fn text(&self, name: u32) -> &[u8] {
        c_string(&self.names, name)
    }

    fn stretch(&mut self, kallsyms: bool) {
        let in_module = |table: &Self, index: usize| kallsyms && table.raw_name(index).contains(&b'[');
        for index in 0..self.entries.len() {
            let Entry { start, end, .. } = self.entries[index];
            if start != end {
                continue;
            }
            let next = self.entries.get(index + 1).map(|next| next.start);
            self.entries[index].end = match next {
                Some(_) if in_module(self, index) != in_module(self, index + 1) => {
                    end.saturating_add(PAGE).checked_next_multiple_of(PAGE).unwrap_or(u64::MAX)
                }
                Some(next) => next,
                None => start.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX).saturating_add(PAGE),
            };
        }
    }

    fn choose(&mut self, demangle: Demangle) {
        let mut kept = 0;
        // binutils looks at the first symbol table only.
        let others = if self.settled { Vec::new() } else { self.choices_of_binutils() };
        for index in 1..self.entries.len() {
            if self.entries[kept].start != self.entries[index].start {
                kept += 1;
                self.entries[kept] = self.entries[index];
            } else if !self.is_first_better(self.entries[kept], self.entries[index], demangle) {
                self.entries[kept] = self.entries[index];
            }
        }
        self.entries.truncate(kept + 1);
        self.entries.shrink_to_fit();
        for (start, name) in others {
            if self.find(start).is_none_or(|index| self.entries[index].name != name) {
                self.others.push((start, name));
            }
        }
    }

    /// Where several functions begin at one address: the one that `addr2line` names, which perf asks for source lines:
    /// a typed one, the shortest, the last (assemblers describe each symbol as a function, and the last one holds).
    fn choices_of_binutils(&self) -> Vec<(u64, u32)> {
        let mut found = Vec::new();
        for group in self.entries.chunk_by(|one, other| one.start == other.start).filter(|group| group.len() > 1) {
            let functions = group.iter().rev().filter(|entry| entry.kind != STT_OBJECT && entry.end > entry.start);
            let best = functions.min_by_key(|entry| (entry.kind == STT_NOTYPE, entry.end));
            found.extend(best.map(|entry| (entry.start, entry.name)));
        }
        found
    }

    /// The name that binutils gives to the symbol of a number.
    pub(crate) fn other_name(&self, index: usize) -> Option<&[u8]> {
        let start = self.entries.get(index)?.start;
        let at = self.others.binary_search_by_key(&start, |(start, _)| *start).ok()?;
        self.others.get(at).map(|(_, name)| self.text(*name))
    }

    /// perf's `choose_best_symbol`.
    fn is_first_better(&self, first: Entry, second: Entry, demangle: Demangle) -> bool {
        let rank = |entry: Entry| (entry.end > entry.start, entry.binding != STB_WEAK, entry.binding == STB_GLOBAL);
        // A symbol with a length, one with a type if the other has none, one that is not weak, one that is global.
        let by_length = rank(first).0.cmp(&rank(second).0);
        let by_type = if first.kind == second.kind {
            std::cmp::Ordering::Equal
        } else {
            (first.kind != STT_NOTYPE).cmp(&(second.kind != STT_NOTYPE))
        };
        let order = by_length.then(by_type).then(rank(first).cmp(&rank(second)));
        if order.is_ne() {
            return order.is_gt();
        }
        let text = |entry: Entry| String::from_utf8_lossy(self.text(entry.name)).into_owned();
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

    /// The symbol that holds an address.
    pub(crate) fn find(&self, address: u64) -> Option<usize> {
        let index = self.entries.partition_point(|entry| entry.start <= address).checked_sub(1)?;
        let entry = self.entries[index];
        (address < entry.end || address == entry.start).then_some(index)
    }

    pub(crate) fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// All symbols by address.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The name as the file states it.
    pub(crate) fn raw_name(&self, index: usize) -> &[u8] {
        self.entries.get(index).map(|entry| self.text(entry.name)).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
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
        assert_eq!(table.entries().len(), 2);
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
