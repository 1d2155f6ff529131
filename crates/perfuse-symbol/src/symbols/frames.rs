//! Source lines and inlined functions of modules.

use std::sync::Arc;

use super::{Debug, ModuleId, SymbolId, Symbols};
use crate::candidates;
use crate::dso::{DsoKind, DsoSpec};
use crate::elf::{Elf, PT_LOAD, Segment};
use crate::files::Files;
use crate::find;
use crate::lines::{self, InlineFrame, RawFrame};

/// Addresses of one module whose frames are kept.
const MOST_FRAMES: usize = 1 << 18;

impl<F: Files> Symbols<F> {
    /// The functions at an address, in the terms of [`Symbols::find`]: first the innermost, the code of which it is, last
    /// the one that it was compiled into. Empty without debug information. perf marks as `(inlined)` those whose name is
    /// not that of the symbol.
    pub fn frames(&mut self, module: ModuleId, address: u64) -> Arc<[InlineFrame]> {
        let none = || Arc::from([]);
        let Some(known) = self.modules.get_mut(module.0 as usize) else { return none() };
        if let Some(frames) = known.frames.get(&address) {
            return frames.clone();
        }
        if known.frames.len() >= MOST_FRAMES {
            known.frames.clear();
        }
        let frames = self.look_up(module, address).unwrap_or_else(none);
        if let Some(known) = self.modules.get_mut(module.0 as usize) {
            known.frames.insert(address, frames.clone());
        }
        frames
    }

    /// The source file and line of an address, in the terms of [`Symbols::find`].
    pub fn line(&mut self, module: ModuleId, address: u64) -> Option<(Arc<str>, u32)> {
        let frames = self.frames(module, address);
        let first = frames.first()?;
        Some((first.file.clone()?, first.line))
    }

    fn look_up(&mut self, module: ModuleId, address: u64) -> Option<Arc<[InlineFrame]>> {
        let symbol = self.find(module, address);
        if self.modules.get(module.0 as usize)?.debug == Debug::Unknown {
            let debug = self.debug(module).unwrap_or(Debug::Without);
            self.modules.get_mut(module.0 as usize)?.debug = debug;
        }
        let known = self.modules.get(module.0 as usize)?;
        let Debug::File { path, segments } = known.debug.clone() else { return None };
        let demangle = self.options.demangle_of(known.kind);
        let stated = match known.kind {
            DsoKind::File => stated(&segments, address)?,
            _ => address.wrapping_sub(self.image_distance),
        };
        let raw = self.lines.frames(&self.files, &path, stated);
        // Without a file for the code itself the line is not known.
        raw.first()?.file.as_ref()?;
        let symbol = symbol.map(|id| self.linkage_name(module, address, id));
        let count = raw.len();
        let mut frames = Vec::with_capacity(count);
        for (index, RawFrame { function, is_linkage, file, line }) in raw.into_iter().enumerate() {
            let outermost = index + 1 == count;
            let name = match function {
                Some(name) if is_linkage || !outermost => name,
                // The symbol table knows how the linker calls it.
                other => symbol.clone().or(other).unwrap_or_else(|| "??".to_owned()),
            };
            let function = self.lines.intern(&demangle.name(&name));
            frames.push(InlineFrame { function, file, line });
        }
        Some(frames.into())
    }

    /// The symbol of an address as `addr2line` would name it.
    fn linkage_name(&self, module: ModuleId, address: u64, symbol: SymbolId) -> String {
        let other = self.table_entry(module, address).and_then(|(table, index)| table.other_name(index));
        other.map_or_else(|| self.symbol(symbol).raw.clone(), |name| String::from_utf8_lossy(name).into_owned())
    }

    /// The file with the source lines of a module: the one with its symbols, or else the first other one of its build.
    fn debug(&self, module: ModuleId) -> Option<Debug> {
        let known = self.modules.get(module.0 as usize)?;
        let symbols_path = known.symbols_path.clone()?;
        let segments = |path: &str| -> Option<Arc<[Segment]>> {
            let elf = Elf::open(self.files.open(path).ok()?).ok()?;
            Some(elf.segments.iter().filter(|segment| segment.kind == PT_LOAD).copied().collect())
        };
        let segments = segments(known.runtime_path.as_deref().unwrap_or(&symbols_path))?;
        let has_lines = |path: &str| {
            let elf = self.files.open(path).ok().and_then(|file| Elf::open(file).ok());
            elf.is_some_and(|elf| lines::has_lines(&elf))
        };
        let path = if has_lines(&symbols_path) {
            symbols_path
        } else {
            let mut own = Elf::open(self.files.open(&symbols_path).ok()?).ok()?;
            let link = candidates::debug_link(&mut own);
            let build_id = crate::build_id::of(&mut own).ok().flatten();
            let spec = DsoSpec { path: &known.path, kind: known.kind, pid: known.pid, ..DsoSpec::default() };
            let link = link.as_ref().map(|(name, _)| name.as_str());
            let others = candidates::files(&spec, build_id.as_deref(), link, &self.options);
            let same = |path: &String| find::is_build(&self.files, path, build_id.as_deref()?).then_some(());
            others.into_iter().find(|path| has_lines(path) && same(path).is_some())?
        };
        Some(Debug::File { path: path.into(), segments })
    }
}

/// The address that a file states for a byte of it.
fn stated(segments: &[Segment], offset: u64) -> Option<u64> {
    segments.iter().find_map(|segment| {
        let into = offset.checked_sub(segment.offset)?;
        (into < segment.file_size).then(|| segment.address.checked_add(into)).flatten()
    })
}
