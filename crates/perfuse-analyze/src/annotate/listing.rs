//! The lines of a disassembled function, in the order of `objdump -l -S -d`, which perf shows.
//!
//! Source lines stand before the first instruction that came from them, with up to five lines of context before the
//! first one of a file; a line that was shown before is shown again where the code comes back to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Flow;

/// Lines that are shown before the first one of a file.
const CONTEXT: u32 = 5;
/// Bytes of an instruction in one line of the raw encoding.
const RAW_BYTES: usize = 7;
/// Columns of those bytes, with the blank behind each.
const RAW_COLUMNS: usize = RAW_BYTES * 3;

/// Where an instruction came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// The innermost function.
    pub function: Option<String>,
    /// Its file, as the compiler was told, and the line in it.
    pub line: Option<(String, u32)>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asm {
    /// Bytes from the start of the function.
    pub offset: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its name with prefixes.
    pub name: String,
    /// Its operands without names of symbols.
    pub operands: String,
    /// As objdump writes it, with the names of symbols; a tabulator may stand between name and operands.
    pub text: String,
    /// What it does to the flow of control.
    pub flow: Flow,
    /// The address that it leads to.
    pub target: Option<u64>,
    /// What that address is called: `main+0x12`.
    pub target_name: Option<String>,
    /// What the address of the data is called that it names relative to itself.
    pub data_name: Option<String>,
    /// Where it came from.
    pub source: Source,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Code {
    /// The section that holds it: `.text`; empty for the running kernel.
    pub section: String,
    /// The address of its first byte, as the file states it.
    pub start: u64,
    /// Behind its last byte.
    pub end: u64,
    /// What its start is called.
    pub label: String,
    /// Its instructions.
    pub asm: Vec<Asm>,
}

/// One line of the listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// Not code.
    Text {
        /// perf's number of it: that of the source line that was met last, and one more for each line behind it.
        number: u32,
        /// The line, without blanks at its ends.
        text: String,
    },
    /// An instruction.
    Asm {
        /// Its index in [`Code::asm`].
        index: usize,
        /// What stands behind its address and the colon.
        text: String,
    },
    /// More bytes of the instruction before, in the raw encoding.
    More {
        /// The offset of the first one.
        offset: u64,
        /// What stands behind its address and the colon.
        text: String,
    },
}

/// Gives a line of a source file, if it is there.
pub type SourceText<'t> = &'t mut dyn FnMut(&str, u32) -> Option<String>;

struct Listing<'a> {
    code: &'a Code,
    rows: Vec<Row>,
    number: u32,
    raw: bool,
    /// Of each file, the line that was shown last, and the highest.
    shown: BTreeMap<&'a str, (u32, u32)>,
    function: Option<&'a str>,
    line: Option<(&'a str, u32)>,
}

/// The listing of a function. `text` gives a line of a source file; without it only names of functions and of files that
/// are not absolute are shown between the instructions, as with `--no-source`. `raw`: with the bytes of instructions.
pub fn rows(code: &Code, raw: bool, mut text: Option<SourceText<'_>>) -> Vec<Row> {
    let mut listing =
        Listing { code, rows: Vec::new(), number: 0, raw, shown: BTreeMap::new(), function: None, line: None };
    for line in ["", "", ""] {
        listing.text(line);
    }
    if code.section.is_empty() {
        listing.text(&format!("{:016x} <{}>:", code.start, code.label));
    } else {
        listing.text(&format!("Disassembly of section {}:", code.section));
        listing.text("");
        listing.text(&format!("{:016x} <{}>:", code.start, code.label));
    }
    for index in 0..code.asm.len() {
        listing.place(&code.asm[index].source, &mut text);
        listing.asm(index);
    }
    listing.rows
}

impl<'a> Listing<'a> {
    fn text(&mut self, text: &str) {
        self.rows.push(Row::Text { number: self.number, text: expand(text.trim(), 0) });
        self.number = self.number.wrapping_add(1);
    }

    /// Tells of a new function or line.
    fn place(&mut self, source: &'a Source, text: &mut Option<SourceText<'_>>) {
        if let Some(function) = source.function.as_deref()
            && self.function != Some(function)
        {
            self.text(&format!("{function}():"));
            self.line = None;
            self.function = Some(function);
        }
        let Some((file, line)) = source.line.as_ref().map(|(file, line)| (file.as_str(), *line)) else { return };
        if line == 0 {
            return;
        }
        if self.line.is_none_or(|(_, before)| before != line) {
            if file.starts_with('/') {
                self.number = line;
            } else {
                self.text(&format!("{file}:{line}"));
            }
        }
        self.line = Some((file, line));
        if let Some(text) = text {
            self.lines(file, line, *text);
        }
    }

    fn lines(&mut self, file: &'a str, line: u32, text: &mut dyn FnMut(&str, u32) -> Option<String>) {
        let known = self.shown.get(file).copied();
        if known.is_some_and(|(last, _)| last == line) {
            return;
        }
        let highest = known.map_or(0, |(_, highest)| highest);
        let context = line.saturating_sub(CONTEXT).max(1);
        let first = match highest {
            0 => context,
            _ if highest < context => context,
            _ if highest < line => highest + 1,
            _ => line,
        };
        for number in first..=line {
            let Some(text) = text(file, number) else { break };
            self.text(&text);
        }
        self.shown.insert(file, (line, highest.max(line)));
    }

    fn asm(&mut self, index: usize) {
        let Some(asm) = self.code.asm.get(index) else { return };
        // Behind the address and its colon: what tabulators make of it depends on the column.
        let at = format!("{:x}:", self.code.start.wrapping_add(asm.offset)).len();
        let mut text = String::from("\t");
        let mut parts = asm.bytes.chunks(RAW_BYTES);
        if self.raw {
            let bytes = hex(parts.next().unwrap_or_default());
            let _ = write!(text, "{bytes:<RAW_COLUMNS$}\t");
        }
        text.push_str(&asm.text);
        self.rows.push(Row::Asm { index, text: expand(text.trim_end(), at) });
        self.number = self.number.wrapping_add(1);
        if !self.raw {
            return;
        }
        let mut offset = asm.offset + RAW_BYTES as u64;
        for bytes in parts {
            self.rows.push(Row::More { offset, text: expand(&format!("\t{}", hex(bytes).trim_end()), at) });
            self.number = self.number.wrapping_add(1);
            offset += bytes.len() as u64;
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x} ");
    }
    text
}

/// Tabulators become blanks up to the next multiple of eight; the text begins in column `at`.
fn expand(text: &str, at: usize) -> String {
    let mut expanded = String::new();
    let mut column = at;
    for letter in text.chars() {
        if letter == '\t' {
            let blanks = 8 - column % 8;
            expanded.extend(std::iter::repeat_n(' ', blanks));
            column += blanks;
        } else {
            expanded.push(letter);
            column += 1;
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asm(offset: u64, bytes: &[u8], name: &str, operands: &str, source: Source) -> Asm {
        Asm {
            offset,
            bytes: bytes.to_vec(),
            name: name.to_owned(),
            operands: operands.to_owned(),
            text: format!("{name:<6} {operands}").trim_end().to_owned(),
            flow: Flow::Next,
            target: None,
            target_name: None,
            data_name: None,
            source,
        }
    }

    fn at(file: &str, line: u32) -> Source {
        Source { function: Some("f".to_owned()), line: Some((file.to_owned(), line)) }
    }

    fn code(file: &str) -> Code {
        let long = [0x48, 0xbe, 0x25, 0x49, 0x92, 0x24, 0x49, 0x92, 0x24, 0x49];
        Code {
            section: ".text".to_owned(),
            start: 0x1178,
            end: 0x1189,
            label: "f".to_owned(),
            asm: vec![
                asm(0, &[0x85, 0xf6], "test", "%esi,%esi", at(file, 8)),
                asm(2, &long, "movabs", "$0x4924924924924925,%rsi", at(file, 10)),
                asm(12, &[0x90], "nop", "", at(file, 8)),
                asm(13, &[0xc3], "ret", "", at(file, 8)),
            ],
        }
    }

    fn shown(rows: &[Row]) -> Vec<String> {
        rows.iter()
            .map(|row| match row {
                Row::Text { number, text } => format!("{number} {text}"),
                Row::Asm { index, text } => format!("#{index}{text}"),
                Row::More { offset, text } => format!("+{offset:x}{text}"),
            })
            .collect()
    }

    #[test]
    fn sources_stand_before_their_code_with_context_once() {
        let mut text = |_: &str, line: u32| Some(format!("\tline {line}"));
        let rows = rows(&code("/a.c"), false, Some(&mut text));
        let expected = [
            "0 ",
            "1 ",
            "2 ",
            "3 Disassembly of section .text:",
            "4 ",
            "5 0000000000001178 <f>:",
            "6 f():",
            "8 line 3",
            "9 line 4",
            "10 line 5",
            "11 line 6",
            "12 line 7",
            "13 line 8",
            "#0   test   %esi,%esi",
            "10 line 9",
            "11 line 10",
            "#1   movabs $0x4924924924924925,%rsi",
            "8 line 8",
            "#2   nop",
            "#3   ret",
        ];
        assert_eq!(shown(&rows), expected);
    }

    #[test]
    fn without_sources_relative_files_are_named_and_bytes_may_be_shown() {
        let rows = rows(&code("./a.c"), true, None);
        let expected = [
            "7 ./a.c:8",
            "#0   85 f6                   test   %esi,%esi",
            "9 ./a.c:10",
            "#1   48 be 25 49 92 24 49    movabs $0x4924924924924925,%rsi",
            "+9   92 24 49",
            "12 ./a.c:8",
            "#2   90                      nop",
            "#3   c3                      ret",
        ];
        assert_eq!(shown(&rows)[7..], expected);
    }
}
