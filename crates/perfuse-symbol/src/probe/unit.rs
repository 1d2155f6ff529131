//! A compilation unit: its entries in order, its functions, its line table and its files. Each is read when it is first
//! asked for.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use gimli::constants as dw;
use gimli::{EndianSlice, Range, RunTimeEndian};
use rustc_hash::FxHashMap;

use super::die::Die;
use super::world::World;

/// Bytes of a section.
pub(super) type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// A compilation unit.
pub(super) struct Unit<'a> {
    pub(super) gimli: gimli::Unit<Slice<'a>, usize>,
    /// Where it begins in `.debug_info`.
    pub(super) offset: usize,
    functions: OnceCell<Rc<[Function]>>,
    trees: RefCell<FxHashMap<usize, Rc<Tree>>>,
    rows: OnceCell<Rc<[Row]>>,
    files: RefCell<FxHashMap<u64, Option<Rc<str>>>>,
    optimized: OnceCell<bool>,
}

/// A function of a unit that is not inlined.
pub(super) struct Function {
    pub(super) offset: usize,
    ranges: OnceCell<Box<[Range]>>,
}

/// A row of the line table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) address: u64,
    pub(super) file: u64,
    pub(super) line: u32,
    /// Where a statement begins.
    pub(super) statement: bool,
    /// Behind the last byte of a piece of code.
    pub(super) end: bool,
    pub(super) prologue_end: bool,
}

/// An entry in a tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) offset: usize,
    pub(super) tag: gimli::DwTag,
    /// The number behind its last descendant.
    end: usize,
    /// The number of the entry around it.
    pub(super) parent: usize,
}

/// An entry with all below it, in their order in the file.
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    ranges: Vec<OnceCell<Box<[Range]>>>,
}

/// How a walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    /// To what is below the entry.
    Into,
    /// To what is beside it.
    Over,
    /// It was found.
    Stop,
}

impl Tree {
    fn new(world: &World<'_>, unit: &gimli::Unit<Slice<'_>, usize>, offset: usize) -> Self {
        let mut nodes: Vec<Node> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let Ok(mut entries) = unit.entries_raw(Some(gimli::UnitOffset(offset))) else {
            return Self { nodes, ranges: Vec::new() };
        };
        while !entries.is_empty() {
            let at = entries.next_offset().0;
            let Ok(found) = entries.read_abbreviation() else { break };
            let Some(abbreviation) = found else {
                let Some(closed) = open.pop() else { break };
                nodes[closed].end = nodes.len();
                if open.is_empty() {
                    break;
                }
                continue;
            };
            let parent = open.last().copied().unwrap_or(0);
            nodes.push(Node { offset: at, tag: abbreviation.tag(), end: nodes.len() + 1, parent });
            let attributes = abbreviation.attributes();
            if !world.spend(attributes.len() + 1) || entries.skip_attributes(attributes).is_err() {
                break;
            }
            if abbreviation.has_children() {
                open.push(nodes.len() - 1);
            } else if open.is_empty() {
                break;
            }
        }
        // Of a damaged unit, what is open ends with it.
        for index in open {
            nodes[index].end = nodes.len();
        }
        let ranges = (0..nodes.len()).map(|_| OnceCell::new()).collect();
        Self { nodes, ranges }
    }

    /// Visits what is below an entry, in order, until one is found.
    pub(super) fn walk(&self, from: usize, mut visit: impl FnMut(usize, Node) -> Go) -> Option<usize> {
        let end = self.nodes.get(from)?.end;
        let mut at = from + 1;
        while at < end {
            let node = self.nodes[at];
            match visit(at, node) {
                Go::Into => at += 1,
                Go::Over => at = node.end,
                Go::Stop => return Some(at),
            }
        }
        None
    }

    /// Whether an entry covers an address.
    pub(super) fn has<'a>(&self, world: &World<'a>, unit: &Rc<Unit<'a>>, at: usize, address: u64) -> bool {
        let (Some(cell), Some(node)) = (self.ranges.get(at), self.nodes.get(at)) else { return false };
        if !world.spend(1) {
            return false;
        }
        let read = || Die::at(world, unit, node.offset).map_or_else(Box::default, |die| die.ranges());
        holds(cell.get_or_init(read), address)
    }
}

fn holds(ranges: &[Range], address: u64) -> bool {
    ranges.iter().any(|range| (range.begin..range.end).contains(&address))
}

impl Function {
    /// Whether it covers an address.
    pub(super) fn has<'a>(&self, world: &World<'a>, unit: &Rc<Unit<'a>>, address: u64) -> bool {
        if !world.spend(1) {
            return false;
        }
        let read = || Die::at(world, unit, self.offset).map_or_else(Box::default, |die| die.ranges());
        holds(self.ranges.get_or_init(read), address)
    }
}

impl<'a> Unit<'a> {
    pub(super) fn new(gimli: gimli::Unit<Slice<'a>, usize>, offset: usize) -> Self {
        Self {
            gimli,
            offset,
            functions: OnceCell::new(),
            trees: RefCell::default(),
            rows: OnceCell::new(),
            files: RefCell::default(),
            optimized: OnceCell::new(),
        }
    }

    /// Whether it was compiled with optimization, once `look` has told.
    pub(super) fn is_optimized(&self, look: impl FnOnce() -> bool) -> bool {
        *self.optimized.get_or_init(look)
    }

    /// The directory in which the compiler ran.
    pub(super) fn directory(&self) -> Option<String> {
        self.gimli.comp_dir.map(|directory| String::from_utf8_lossy(directory.slice()).into_owned())
    }

    /// An entry with all below it.
    pub(super) fn tree(&self, world: &World<'a>, offset: usize) -> Rc<Tree> {
        if let Some(tree) = self.trees.borrow().get(&offset) {
            return Rc::clone(tree);
        }
        let tree = Rc::new(Tree::new(world, &self.gimli, offset));
        self.trees.borrow_mut().insert(offset, Rc::clone(&tree));
        tree
    }

    /// All entries of the unit.
    pub(super) fn all(&self, world: &World<'a>) -> Rc<Tree> {
        self.tree(world, self.gimli.header.root_offset().0)
    }

    /// The functions that are not inlined, with their declarations, in the order of the file.
    pub(super) fn functions(&self, world: &World<'a>) -> Rc<[Function]> {
        let read = || {
            let found = if self.is_c() { self.top(world).unwrap_or_default() } else { self.nested(world) };
            found.into_iter().map(|offset| Function { offset, ranges: OnceCell::new() }).collect()
        };
        Rc::clone(self.functions.get_or_init(read))
    }

    /// Whether the language has no functions within anything but the file.
    fn is_c(&self) -> bool {
        let language =
            self.gimli.entry(self.gimli.header.root_offset()).ok().and_then(|root| root.attr_value(dw::DW_AT_language));
        let plain = [
            dw::DW_LANG_C,
            dw::DW_LANG_C89,
            dw::DW_LANG_C99,
            dw::DW_LANG_C11,
            dw::DW_LANG_C17,
            dw::DW_LANG_Mips_Assembler,
        ];
        matches!(language, Some(gimli::AttributeValue::Language(language)) if plain.contains(&language))
    }

    /// The functions directly below the unit. What is below them is leapt over where the compiler tells its length: that
    /// is what makes the difference in a unit of megabytes.
    fn top(&self, world: &World<'a>) -> gimli::Result<Vec<usize>> {
        let mut found = Vec::new();
        let mut entries = self.gimli.entries_raw(Some(self.gimli.header.root_offset()))?;
        let mut depth = 0_usize;
        while !entries.is_empty() {
            let offset = entries.next_offset();
            let Some(abbreviation) = entries.read_abbreviation()? else {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
                continue;
            };
            if depth == 1 && abbreviation.tag() == dw::DW_TAG_subprogram {
                found.push(offset.0);
            }
            let attributes = abbreviation.attributes();
            if !world.spend(attributes.len() + 1) {
                break;
            }
            let leap = depth > 0 && abbreviation.has_children();
            let Some(at) = attributes.iter().position(|each| each.name() == dw::DW_AT_sibling).filter(|_| leap) else {
                entries.skip_attributes(attributes)?;
                depth += usize::from(abbreviation.has_children());
                continue;
            };
            entries.skip_attributes(&attributes[..at])?;
            let sibling = match entries.read_attribute(attributes[at])?.value() {
                gimli::AttributeValue::UnitRef(sibling) if sibling.0 > entries.next_offset().0 => sibling,
                _ => return Err(gimli::Error::UnexpectedEof(gimli::ReaderOffsetId(0))),
            };
            entries = self.gimli.entries_raw(Some(sibling))?;
        }
        Ok(found)
    }

    /// The functions within name spaces, types and other functions, too.
    fn nested(&self, world: &World<'a>) -> Vec<usize> {
        let tree = self.all(world);
        let mut found = Vec::new();
        tree.walk(0, |_, node| {
            if node.tag == dw::DW_TAG_subprogram {
                found.push(node.offset);
            }
            match node.tag {
                dw::DW_TAG_subprogram
                | dw::DW_TAG_namespace
                | dw::DW_TAG_class_type
                | dw::DW_TAG_structure_type
                | dw::DW_TAG_module
                | dw::DW_TAG_lexical_block
                | dw::DW_TAG_inlined_subroutine
                | dw::DW_TAG_try_block
                | dw::DW_TAG_catch_block => Go::Into,
                _ => Go::Over,
            }
        });
        found
    }

    /// The line table, by address; of the rows of one address those that end a piece come first, then in their order.
    pub(super) fn rows(&self, world: &World<'a>) -> Rc<[Row]> {
        Rc::clone(self.rows.get_or_init(|| {
            let mut found = Vec::new();
            let Some(program) = self.gimli.line_program.clone() else { return found.into() };
            let mut rows = program.rows();
            while let Ok(Some((_, row))) = rows.next_row()
                && world.spend(1)
            {
                found.push(Row {
                    address: row.address(),
                    file: row.file_index(),
                    line: row.line().map_or(0, |line| u32::try_from(line.get()).unwrap_or(u32::MAX)),
                    statement: row.is_stmt(),
                    end: row.end_sequence(),
                    prologue_end: row.prologue_end(),
                });
            }
            found.sort_by_key(|row: &Row| (row.address, !row.end));
            found.into()
        }))
    }

    /// A source file: its directory as the compiler wrote it, a slash, and its name.
    pub(super) fn file(&self, world: &World<'a>, index: u64) -> Option<Rc<str>> {
        if let Some(known) = self.files.borrow().get(&index) {
            return known.clone();
        }
        let found = self.read_file(world, index);
        self.files.borrow_mut().insert(index, found.clone());
        found
    }

    fn read_file(&self, world: &World<'a>, index: u64) -> Option<Rc<str>> {
        let header = self.gimli.line_program.as_ref()?.header();
        if header.version() < 5 && index == 0 {
            return None;
        }
        let file = header.file(index)?;
        let text = |value| world.dwarf.attr_string(&self.gimli, value).ok();
        let name = String::from_utf8_lossy(text(file.path_name())?.slice()).into_owned();
        let directory = file.directory(header).and_then(text).map(|directory| directory.slice());
        if !world.spend(name.len() + directory.map_or(0, <[u8]>::len)) {
            return None;
        }
        Some(match directory.filter(|directory| !name.starts_with('/') && !directory.is_empty()) {
            Some(directory) => format!("{}/{name}", String::from_utf8_lossy(directory)).into(),
            None => name.into(),
        })
    }

    /// The first source file whose path ends in a text.
    pub(super) fn file_with(&self, world: &World<'a>, tail: &str) -> Option<Rc<str>> {
        let header = self.gimli.line_program.as_ref()?.header();
        let first = u64::from(header.version() < 5);
        let last = tail.rsplit('/').next().unwrap_or(tail).as_bytes();
        header.file_names().iter().zip(first..).find_map(|(file, index)| {
            // Whole paths are put together only for what may fit: a kernel has a million of them.
            let name = world.dwarf.attr_string(&self.gimli, file.path_name()).ok()?.slice();
            let end = name.rsplit(|byte| *byte == b'/').next().unwrap_or(name);
            let may_fit = end == last;
            if may_fit { self.file(world, index).filter(|path| super::rows::is_tail(path, tail)) } else { None }
        })
    }
}
