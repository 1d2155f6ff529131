//! Machine code behind a sample: `-F insn`, `insnlen`, `brstackinsn`, `brstackinsnlen`, `srccode`.
//!
//! ```text
//!         top_a+29:                                                a function, where another one begins
//!         0000000000001264        insn: 48 89 c7                   an instruction that went on to the next
//!         0000000000001267        insn: 75 f0        # PRED 12 cycles [12] 0.17 IPC      one that jumped
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;

use perfuse_analyze::resolve::{Code, FrameId, Instruction, Names, Resolver, SymbolId};
use perfuse_format::perfdata::{CpuMode, Sample};

use super::fields::Fields;
use super::frames;

/// Most bytes of an instruction that perf looks at.
const INSTRUCTION: u64 = 16;
/// Most bytes of a block between two branches; a longer one is left out.
const BLOCK: u64 = 16384;
/// How far the next branch is looked for where the branches do not lead to the sample.
const AHEAD: u64 = 128;

/// Fields that are written here.
pub(super) const CODE: Fields =
    Fields::INSN.and(Fields::INSNLEN).and(Fields::BRSTACKINSN).and(Fields::BRSTACKINSNLEN).and(Fields::SRCCODE);

/// What is the same for all samples, and what the lines before have shown.
#[derive(Debug, Clone, Default)]
pub(super) struct CodeText {
    /// Whether the recorded machine is of the kind of this one; else perf reads no instructions.
    native: bool,
    /// Whether all source files are shown with their directories.
    full_source_path: bool,
    /// Most blocks of a sample; 0 for all.
    max_blocks: u32,
    /// The source line that was shown last, by thread.
    shown: BTreeMap<i32, (String, u32)>,
}

/// Part of the branches of a sample.
#[derive(Clone, Copy)]
struct Branch {
    from: u64,
    to: u64,
    flags: u64,
}

/// One sample that is being written.
struct Walk<'w, 'o, N> {
    resolver: &'w mut Resolver<N>,
    text: &'w mut CodeText,
    fields: Fields,
    pid: i32,
    tid: i32,
    /// The function that was named last.
    symbol: Option<SymbolId>,
    cycles: u64,
    out: &'o mut Vec<u8>,
}

impl CodeText {
    /// Nothing shown yet; see [`super::Style`].
    pub(super) fn new(native: bool, full_source_path: bool, max_blocks: u32) -> Self {
        Self { native, full_source_path, max_blocks, shown: BTreeMap::new() }
    }

    /// Writes what stands in the line of the sample and behind it.
    pub(super) fn write<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        fields: Fields,
        sample: &Sample<'_>,
        out: &mut Vec<u8>,
    ) {
        if fields.has(Fields::INSN.and(Fields::INSNLEN)) {
            let found = if self.native && sample.ip != 0 { at(resolver, sample) } else { None };
            let bytes = found.as_deref().unwrap_or_default();
            if fields.has(Fields::INSNLEN) {
                out.extend_from_slice(format!(" ilen: {}", bytes.len()).as_bytes());
            }
            if fields.has(Fields::INSN) && !bytes.is_empty() {
                out.extend_from_slice(b" insn:");
                for byte in bytes {
                    out.extend_from_slice(format!(" {byte:02x}").as_bytes());
                }
            }
        }
        if fields.has(Fields::BRSTACKINSN.and(Fields::BRSTACKINSNLEN)) {
            let (pid, tid) = (sample.pid, sample.tid);
            let mut walk = Walk { resolver, text: self, fields, pid, tid, symbol: None, cycles: 0, out };
            walk.branches(sample);
        }
    }

    /// Writes the source line of a place, if it is another than before: `|42       return sum;`.
    pub(super) fn source<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        tid: i32,
        place: FrameId,
        out: &mut Vec<u8>,
    ) -> bool {
        let Some((file, line)) = resolver.line(place) else { return false };
        if self.shown.get(&tid).is_some_and(|shown| *shown == (file.clone(), line)) {
            return false;
        }
        let Some(text) = resolver.source_text(&file, line) else { return false };
        out.extend_from_slice(format!("|{line:<8} {text}").as_bytes());
        self.shown.insert(tid, (file, line));
        true
    }
}

/// The instruction at which a sample was taken.
fn at<N: Names>(resolver: &mut Resolver<N>, sample: &Sample<'_>) -> Option<Vec<u8>> {
    let place = locate(resolver, sample.pid, sample.ip);
    let mut code = resolver.code(place, 16)?;
    let length = resolver.instruction(&code.bytes, code.wide)?.length;
    code.bytes.truncate(length);
    Some(code.bytes)
}

fn is_kernel(address: u64) -> bool {
    address >> 63 == 1
}

fn locate<N: Names>(resolver: &mut Resolver<N>, pid: i32, address: u64) -> FrameId {
    resolver.at(pid, if is_kernel(address) { CpuMode::Kernel } else { CpuMode::User }, address)
}

impl<N: Names> Walk<'_, '_, N> {
    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn branches(&mut self, sample: &Sample<'_>) {
        let words: Vec<u64> = sample.branches.iter().collect();
        let mut all: Vec<Branch> =
            words.chunks_exact(3).map(|word| Branch { from: word[0], to: word[1], flags: word[2] }).collect();
        if self.text.max_blocks > 0 {
            all.truncate(self.text.max_blocks as usize + 1);
        }
        // Newest first.
        let (Some(newest), Some(oldest)) = (all.first().copied(), all.last().copied()) else { return };
        self.put("\n");
        // How the oldest jump was reached is not known.
        if let Block::Code(code) = self.block(oldest.from, oldest.from) {
            self.name(oldest.from);
            self.jump(oldest.from, oldest, &code.bytes, code.wide, 0);
            self.source_line(oldest.from);
        }
        let mut index = all.len() - 1;
        while index > 0 {
            index -= 1;
            let start = all[index + 1].to;
            let mut block = self.block(start, all[index].from);
            // Where entries of the kernel were filtered a block seems to lead into it: it ends a branch later.
            if matches!(block, Block::Crossing) && index > 0 {
                index -= 1;
                block = self.block(start, all[index].from);
            }
            if let Block::Code(code) = block {
                self.block_lines(start, all[index], &code);
            }
        }
        // A sample at the jump itself has not been at its target yet.
        let aborted = newest.flags >> 3 & 1 == 1;
        if newest.from != sample.ip && !aborted {
            self.last_block(newest.to, sample.ip);
        }
    }

    /// The code from `start` up to and with the instruction at `end`.
    fn block(&mut self, start: u64, end: u64) -> Block {
        if start == 0 || end == 0 {
            return Block::None;
        }
        if is_kernel(start) != is_kernel(end) {
            return Block::Crossing;
        }
        let length = end.wrapping_sub(start);
        if length > BLOCK - INSTRUCTION {
            return Block::None;
        }
        let place = locate(self.resolver, self.pid, start);
        let most = usize::try_from(length + INSTRUCTION).unwrap_or_default();
        self.resolver.code(place, most).map_or(Block::None, Block::Code)
    }

    fn block_lines(&mut self, start: u64, branch: Branch, code: &Code) {
        let mut offset = 0;
        let mut count = 0;
        while let Some(rest) = code.bytes.get(offset..).filter(|rest| !rest.is_empty()) {
            let ip = start.wrapping_add(offset as u64);
            self.name(ip);
            count += 1;
            if ip == branch.from {
                self.jump(ip, branch, rest, code.wide, count);
                self.source_line(ip);
                break;
            }
            let Some(found) = self.line(ip, rest, code.wide) else { break };
            self.source_line(ip);
            offset += found.length;
        }
        if offset as u64 != branch.from.wrapping_sub(start) {
            self.put("\tmismatch of LBR data and executable\n");
        }
    }

    /// From where the newest branch led to the sample.
    fn last_block(&mut self, start: u64, sampled: u64) {
        // A branch may be missing: then the next one is looked for.
        let end = if sampled < start { start.wrapping_add(AHEAD) } else { sampled };
        let block = self.block(start, end);
        self.name(start);
        let Block::Code(code) = block else {
            if let Block::Code(code) = self.block(sampled, sampled) {
                self.line(sampled, &code.bytes, code.wide);
                self.source_line(sampled);
            }
            return;
        };
        let mut offset = 0;
        while offset as u64 <= end.wrapping_sub(start) {
            let ip = start.wrapping_add(offset as u64);
            let rest = code.bytes.get(offset..).unwrap_or_default();
            let Some(found) = self.line(ip, rest, code.wide) else { break };
            if found.branch && ip != sampled {
                self.put("\t... not reaching sample ...\n");
                break;
            }
            self.source_line(ip);
            offset += found.length;
        }
    }

    /// An instruction, and what is known of it.
    fn line(&mut self, ip: u64, bytes: &[u8], wide: bool) -> Option<Instruction> {
        let found = self.resolver.instruction(bytes, wide);
        let text = dump(bytes, found);
        self.put(&format!("\t{ip:016x}\t{text}"));
        if self.fields.has(Fields::BRSTACKINSNLEN) {
            self.put(&format!("\tilen: {}", found.map_or(0, |found| found.length)));
        }
        self.put("\n");
        found
    }

    /// An instruction that jumped; `count` is its place in its block, 0 where that is not known.
    fn jump(&mut self, ip: u64, branch: Branch, bytes: &[u8], wide: bool, count: u32) {
        let found = self.resolver.instruction(bytes, wide);
        let mut text = format!("\t{ip:016x}\t{:<30}\t", dump(bytes, found));
        if self.fields.has(Fields::BRSTACKINSNLEN) {
            let _ = write!(text, "ilen: {}\t", found.map_or(0, |found| found.length));
        }
        text.push('#');
        for (bit, word) in [(1, " PRED"), (0, " MISPRED"), (2, " INTX"), (3, " ABORT")] {
            if branch.flags >> bit & 1 == 1 {
                text.push_str(word);
            }
        }
        let cycles = u32::try_from(branch.flags >> 4 & 0xffff).unwrap_or_default();
        if cycles > 0 {
            self.cycles += u64::from(cycles);
            let _ = write!(text, " {cycles} cycles [{}]", self.cycles);
            if count > 0 {
                let _ = write!(text, " {:.2} IPC", f64::from(count) / f64::from(cycles));
            }
        }
        text.push('\n');
        self.put(&text);
    }

    /// The function of an address, if it is another than that of the line before.
    fn name(&mut self, address: u64) {
        let place = locate(self.resolver, self.pid, address);
        let frame = self.resolver.frame(place);
        let (symbol, offset) = (frame.symbol, frame.offset);
        if symbol.is_none() || symbol == self.symbol {
            return;
        }
        self.symbol = symbol;
        let mut text = Vec::from(*b"\t");
        frames::function(self.resolver, place, false, &mut text);
        if offset > 0 {
            text.extend_from_slice(format!("+{offset}").as_bytes());
        }
        text.push(b':');
        if self.fields.has(Fields::SRCLINE)
            && let Some(source) = frames::source(self.resolver, frames::Shape::Tail, place, self.text.full_source_path)
        {
            text.push(b'\t');
            text.extend_from_slice(source.as_bytes());
        }
        text.push(b'\n');
        self.out.extend_from_slice(&text);
    }

    fn source_line(&mut self, address: u64) {
        if self.fields.has(Fields::SRCCODE) {
            let place = locate(self.resolver, self.pid, address);
            if self.text.source(self.resolver, self.tid, place, self.out) {
                self.put("\n");
            }
        }
    }
}

/// The code of a block, or why there is none.
enum Block {
    /// It can be read.
    Code(Code),
    /// It cannot.
    None,
    /// It begins in the kernel and does not end there, or the other way round.
    Crossing,
}

/// `insn: 48 89 c7 `.
fn dump(bytes: &[u8], found: Option<Instruction>) -> String {
    let Some(bytes) = found.and_then(|found| bytes.get(..found.length)) else { return "<bad>".to_owned() };
    let mut text = String::from("insn: ");
    for byte in bytes {
        let _ = write!(text, "{byte:02x} ");
    }
    text
}
