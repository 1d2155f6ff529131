//! The texts of frames: made once for each place in a file, then only copied.

use perfuse_analyze::resolve::{ByChain, ChainId, FrameId, Names, Resolver};
use perfuse_analyze::session::{Dso, DsoKind};

use super::fields::Fields;
use crate::perf::number;

/// Which text of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A line of a call chain, with its address.
    Line,
    /// The same in a chain that was unwound from a copied stack.
    Unwound,
    /// What stands behind an instruction pointer: ` leaf+0x16 (./work)`.
    Tail,
}

/// Texts of one shape with one choice of fields.
#[derive(Debug)]
struct Texts {
    shape: Shape,
    fields: Fields,
    /// Start and length in `bytes`, by frame; a length of `u32::MAX` is none yet.
    places: Vec<(u32, u32)>,
    bytes: Vec<u8>,
    /// Start and end in `chain_bytes` of the texts of whole chains.
    chains: ByChain<(u32, u32)>,
    chain_bytes: Vec<u8>,
}

/// Most bytes of texts of chains that are kept; then all of them are made anew.
const MOST_CHAIN_BYTES: usize = 4 << 20;

/// All texts that were made.
#[derive(Debug)]
pub(super) struct FrameTexts {
    made: Vec<Texts>,
    look: Look,
}

/// How files are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Whether source files are shown with their directories.
    pub full_source_path: bool,
    /// Whether modules of the kernel are shown by their paths.
    pub kernel_paths: bool,
}

const NONE: (u32, u32) = (0, u32::MAX);

/// Fields that the text of a frame depends on.
const SHOWN: Fields = Fields::IP.and(Fields::SYM).and(Fields::SYMOFF).and(Fields::DSO).and(Fields::SRCLINE);

impl FrameTexts {
    /// No text yet.
    pub(super) fn new(look: Look) -> Self {
        Self { made: Vec::new(), look }
    }

    /// Appends the text of a frame.
    pub(super) fn put<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        fields: Fields,
        shape: Shape,
        id: FrameId,
        out: &mut Vec<u8>,
    ) {
        let fields = fields.only(SHOWN);
        let look = self.look;
        let made = self.texts(fields, shape);
        let at = id.0 as usize;
        if made.places.len() <= at {
            made.places.resize(resolver.frame_count().max(at + 1), NONE);
        }
        let place = made.places.get(at).copied().unwrap_or(NONE);
        let (start, length) = if place == NONE {
            let start = made.bytes.len();
            write(resolver, fields, shape, id, look, &mut made.bytes);
            let place =
                (u32::try_from(start).unwrap_or_default(), u32::try_from(made.bytes.len() - start).unwrap_or_default());
            if let Some(slot) = made.places.get_mut(at) {
                *slot = place;
            }
            place
        } else {
            place
        };
        let (start, length) = (start as usize, length as usize);
        out.extend_from_slice(made.bytes.get(start..start + length).unwrap_or_default());
    }

    /// Appends the lines of a whole chain: of one that was shown before with a single copy.
    pub(super) fn put_chain<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        fields: Fields,
        shape: Shape,
        id: ChainId,
        out: &mut Vec<u8>,
    ) {
        let made = self.texts(fields.only(SHOWN), shape);
        if let Some((start, end)) = made.chains.get(id) {
            out.extend_from_slice(made.chain_bytes.get(start as usize..end as usize).unwrap_or_default());
            return;
        }
        let begin = out.len();
        let mut index = 0;
        while let Some(frame) = resolver.chain_frames(id).get(index).copied() {
            self.put(resolver, fields, shape, frame.frame, out);
            index += 1;
        }
        let text = out.get(begin..).unwrap_or_default();
        let made = self.texts(fields.only(SHOWN), shape);
        if made.chain_bytes.len() + text.len() > MOST_CHAIN_BYTES {
            made.chains = ByChain::default();
            made.chain_bytes.clear();
        }
        if text.len() <= MOST_CHAIN_BYTES
            && let (Ok(start), Ok(end)) =
                (u32::try_from(made.chain_bytes.len()), u32::try_from(made.chain_bytes.len() + text.len()))
        {
            made.chain_bytes.extend_from_slice(text);
            made.chains.set(id, (start, end));
        }
    }

    /// The texts of a shape with a choice of fields.
    fn texts(&mut self, fields: Fields, shape: Shape) -> &mut Texts {
        let found = self.made.iter().position(|made| made.shape == shape && made.fields == fields);
        let index = found.unwrap_or(self.made.len());
        if found.is_none() {
            self.made.push(Texts {
                shape,
                fields,
                places: Vec::new(),
                bytes: Vec::new(),
                chains: ByChain::default(),
                chain_bytes: Vec::new(),
            });
        }
        &mut self.made[index]
    }
}

fn write<N: Names>(
    resolver: &mut Resolver<N>,
    fields: Fields,
    shape: Shape,
    id: FrameId,
    look: Look,
    out: &mut Vec<u8>,
) {
    let source = if fields.has(Fields::SRCLINE) { source(resolver, shape, id, look.full_source_path) } else { None };
    let frame = resolver.frame(id);
    let line = shape != Shape::Tail;
    let inlined = frame.inlined && line;
    if line && fields.has(Fields::IP) {
        out.push(b'\t');
        number::hex(out, frame.address, 16);
    }
    if fields.has(Fields::SYM) {
        out.push(b' ');
        function(resolver, id, fields.has(Fields::SYMOFF), out);
    }
    if fields.has(Fields::DSO) && !inlined {
        out.extend_from_slice(b" (");
        match resolver.module(id).filter(|_| look.kernel_paths && frame.kernel) {
            Some(path) => out.extend_from_slice(path.as_bytes()),
            None => dso(resolver, id, out),
        }
        out.push(b')');
    }
    if let Some(source) = source {
        out.extend_from_slice(b"\n  ");
        out.extend_from_slice(source.as_bytes());
    }
    if inlined {
        out.extend_from_slice(b" (inlined)");
    }
    if line {
        out.push(b'\n');
    }
}

/// `work.c:7`. Of code whose file is not there perf shows the name of the file and the address in it; where the file is
/// there without lines, nothing, but in chains that it unwound, for functions with a name, that there is none.
pub(super) fn source<N: Names>(
    resolver: &mut Resolver<N>,
    shape: Shape,
    id: FrameId,
    full_path: bool,
) -> Option<String> {
    let known = if shape == Shape::Tail { resolver.line(id) } else { resolver.source(id) };
    if let Some((file, line)) = known {
        let file = if full_path { &file } else { file.rsplit('/').next().unwrap_or(&file) };
        return Some(format!("{file}:{line}"));
    }
    let frame = resolver.frame(id);
    if shape == Shape::Unwound && !frame.kernel && frame.symbol.is_some() {
        return Some("??:0".to_owned());
    }
    let dso = frame.dso.and_then(|dso| resolver.session().dso_of(dso))?;
    let (name, address) = (dso_name(dso), frame.address);
    if !name.starts_with('[') && resolver.code(id, 1).is_some() {
        return None;
    }
    Some(format!("{}[{address:x}]", name.rsplit('/').next().unwrap_or(&name)))
}

/// `leaf+0x16`, or `[unknown]`.
pub(super) fn function<N: Names>(resolver: &Resolver<N>, id: FrameId, offset: bool, out: &mut Vec<u8>) {
    let Some(name) = resolver.function(id) else {
        out.extend_from_slice(b"[unknown]");
        return;
    };
    out.extend_from_slice(name.as_bytes());
    if offset {
        out.extend_from_slice(b"+0x");
        number::hex(out, resolver.frame(id).offset, 0);
    }
}

/// The file of a frame, or `[unknown]`.
pub(super) fn dso<N: Names>(resolver: &Resolver<N>, id: FrameId, out: &mut Vec<u8>) {
    let dso = resolver.frame(id).dso.and_then(|dso| resolver.session().dso_of(dso));
    match dso {
        Some(dso) => out.extend_from_slice(dso_name(dso).as_bytes()),
        None => out.extend_from_slice(b"[unknown]"),
    }
}

/// A file as perf shows it: a module by its name in brackets, code without a file by the map that its runtime may write.
pub fn dso_name(dso: &Dso) -> String {
    match dso.kind {
        DsoKind::Module if !dso.path.starts_with('[') => {
            let file = dso.path.rsplit('/').next().unwrap_or(&dso.path);
            let name = file.split(".ko").next().unwrap_or(file);
            format!("[{}]", name.replace('-', "_"))
        }
        DsoKind::Anonymous if dso.pid > 0 && (dso.path.starts_with("//anon") || dso.path == "[heap]") => {
            format!("/tmp/perf-{}.map", dso.pid)
        }
        _ => dso.path.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_names_that_perf_gives_them() {
        let name = |path: &str, kind| dso_name(&Dso { path: path.to_owned(), kind, build_id: None, pid: 7 });
        assert_eq!(name("/lib/modules/6.1/kernel/net/nf-tables.ko.xz", DsoKind::Module), "[nf_tables]");
        assert_eq!(name("//anon", DsoKind::Anonymous), "/tmp/perf-7.map");
        assert_eq!(name("./work", DsoKind::File), "./work");
    }
}
