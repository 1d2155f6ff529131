//! Places in code, as the report tells them apart.

use std::cmp::Ordering;

use super::intern::{IdTable, Strings, hash_of, next_id};

/// Number of a [`Frame`] in its [`Frames`].
pub type FrameId = u32;

/// No text.
pub const NO_TEXT: u32 = u32::MAX;

/// A function, or an address that no symbol covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Number of the file, in the order in which files were first mapped; `None` outside of every mapping.
    pub dso: Option<u32>,
    /// Text: how the file is shown (its last component, or all with `-v`); [`NO_TEXT`] without a file.
    pub dso_name: u32,
    /// Text: its whole path.
    pub dso_path: u32,
    /// Text: the function; [`NO_TEXT`] if no symbol covers the address.
    pub name: u32,
    /// First address of the symbol, and the first one behind it, in the file.
    pub symbol: (u64, u64),
    /// What is shown where no symbol is known, and with `-v`: of a sample's own place the address in the file, of its
    /// callers the address in memory.
    pub address: u64,
    /// `k` kernel, `.` program, `g` and `u` those of a guest, `H` hypervisor.
    pub level: char,
    /// Where the symbols came from (`-v`): `B` the file, `k` the kernel's list, `!` nowhere …
    pub origin: char,
    /// Whether the compiler put the function into its caller.
    pub inlined: bool,
    /// Text: source file and line, where asked for; else [`NO_TEXT`].
    pub srcline: u32,
    /// Text: source file, where asked for; else [`NO_TEXT`].
    pub srcfile: u32,
    /// Bytes of the file's mapping, where asked for.
    pub dso_size: u64,
}

impl Frame {
    /// Outside of everything known.
    pub fn unknown(address: u64, level: char) -> Self {
        Self {
            dso: None,
            dso_name: NO_TEXT,
            dso_path: NO_TEXT,
            name: NO_TEXT,
            symbol: (0, 0),
            address,
            level,
            origin: '!',
            inlined: false,
            srcline: NO_TEXT,
            srcfile: NO_TEXT,
            dso_size: 0,
        }
    }

    /// Whether a symbol covers it.
    pub fn has_symbol(&self) -> bool {
        self.name != NO_TEXT
    }
}

/// All places of a report, and their texts.
#[derive(Debug, Clone, Default)]
pub struct Frames {
    /// Their texts.
    pub strings: Strings,
    /// Whether files are told apart by their whole path (`-v`) instead of its last component.
    pub by_path: bool,
    all: Vec<Frame>,
    table: IdTable,
}

impl Frames {
    /// The number of a place.
    pub fn id(&mut self, frame: Frame) -> FrameId {
        let hash = hash_of(frame);
        if let Some(id) = self.table.find(hash, |id| self.all[id as usize] == frame) {
            return id;
        }
        let id = next_id(self.all.len());
        self.all.push(frame);
        let all = &self.all;
        self.table.insert(hash, id, |id| hash_of(all[id as usize]));
        id
    }

    /// The place of a number.
    pub fn get(&self, id: FrameId) -> &Frame {
        &self.all[id as usize]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// A text that may be missing.
    pub fn text(&self, id: u32) -> Option<&str> {
        (id != NO_TEXT).then(|| self.strings.get(id))
    }

    /// Order of files by the name that is shown; none comes last.
    pub fn cmp_dso(&self, a: &Frame, b: &Frame) -> Ordering {
        cmp_text(self, self.dso_text(a), self.dso_text(b))
    }

    /// The text that tells a file from others.
    pub fn dso_text(&self, frame: &Frame) -> u32 {
        if self.by_path { frame.dso_path } else { frame.dso_name }
    }

    /// Order in which entries of different symbols are kept (`sort__sym_cmp` of perf's `util/sort.c`): by file, then by
    /// address; those without a symbol behind them, by address alone.
    pub fn cmp_symbol(&self, a: &Frame, b: &Frame) -> Ordering {
        match (a.has_symbol(), b.has_symbol()) {
            // The sign of the difference.
            (false, false) => 0.cmp(&b.address.wrapping_sub(a.address).cast_signed()),
            (true, true) => {
                self.cmp_dso(a, b).then(a.symbol.cmp(&b.symbol)).then_with(|| cmp_text(self, a.name, b.name))
            }
            (a, b) => b.cmp(&a),
        }
    }

    /// Order in which they are shown among entries of equal weight: by name; without one last.
    pub fn cmp_name(&self, a: &Frame, b: &Frame) -> Ordering {
        cmp_text(self, a.name, b.name)
    }
}

/// Order of texts that may be missing; those come last.
pub(super) fn cmp_text(frames: &Frames, a: u32, b: u32) -> Ordering {
    match (frames.text(a), frames.text(b)) {
        (Some(a), Some(b)) => a.as_bytes().cmp(b.as_bytes()),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A function `name` at `start` of a file.
    pub(in super::super) fn function(frames: &mut Frames, dso: u32, name: &str, start: u64) -> FrameId {
        let dso_name = frames.strings.id(&format!("lib{dso}"));
        let name = frames.strings.id(name);
        let unknown = Frame::unknown(start, '.');
        let symbol = (start, start + 16);
        frames.id(Frame { dso: Some(dso), dso_name, dso_path: dso_name, name, symbol, ..unknown })
    }

    #[test]
    fn places_are_told_apart_and_ordered_as_perf_does() {
        let mut frames = Frames::default();
        let a = function(&mut frames, 1, "zeta", 0x10);
        let b = function(&mut frames, 1, "alpha", 0x20);
        let unknown = frames.id(Frame::unknown(5, '.'));
        assert_eq!(function(&mut frames, 1, "zeta", 0x10), a);
        assert_eq!(frames.len(), 3);
        let (a, b, unknown) = (frames.get(a), frames.get(b), frames.get(unknown));
        assert_eq!(frames.cmp_symbol(a, b), Ordering::Less);
        assert_eq!(frames.cmp_name(a, b), Ordering::Greater);
        assert_eq!(frames.cmp_symbol(a, unknown), Ordering::Less);
        assert_eq!(frames.cmp_name(unknown, a), Ordering::Greater);
        assert_eq!(frames.cmp_name(unknown, unknown), Ordering::Equal);
    }
}
