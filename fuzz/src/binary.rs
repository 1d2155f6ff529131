//! Hostile binaries: whatever a recording names as a file may hold anything.

use std::io::{Cursor, Error, ErrorKind};

use perfuse_format::probe::{Definition, LineRange};
use perfuse_symbol::disasm::{Isa, Syntax, disassemble};
use perfuse_symbol::kcore;
use perfuse_symbol::probe::{PlaceOptions, Source, VariableOptions};
use perfuse_symbol::unwind::{Machine, Mapped, Place, Registers, Unwinder};
use perfuse_symbol::{DsoKind, DsoSpec, Files, SymbolOptions, Symbols};

/// One file under every path that may be asked for.
struct One<'a>(&'a [u8]);

impl<'a> Files for One<'a> {
    type File = Cursor<&'a [u8]>;

    fn open(&self, path: &str) -> std::io::Result<Self::File> {
        if path.starts_with("/proc") || path.starts_with("/sys") {
            return Err(Error::from(ErrorKind::NotFound));
        }
        Ok(Cursor::new(self.0))
    }
}

/// Addresses of which every part of a small file has one.
fn addresses(data: &[u8]) -> impl Iterator<Item = u64> {
    (0..data.len() as u64).step_by((data.len() / 64).max(1))
}

/// The symbols, source lines and inlined functions of a file.
pub fn symbols(data: &[u8]) {
    let _ = perfuse_symbol::sdt_probes(std::io::Cursor::new(data));
    let mut symbols = Symbols::new(One(data), SymbolOptions::default().with_home("/root"));
    for kind in [DsoKind::File, DsoKind::Vdso, DsoKind::Kernel] {
        let module = symbols.open(&DsoSpec { path: "/bin/x", kind, pid: 1, ..DsoSpec::default() });
        for address in addresses(data) {
            if let Some(id) = symbols.find(module, address) {
                let info = symbols.symbol(id);
                assert!(info.start <= address && info.end >= info.start);
            }
            let _ = symbols.frames(module, address);
        }
        let _ = symbols.problems(|_| 1);
    }
}

/// The functions that a runtime says it has compiled, and a jitdump with code of such functions.
pub fn jit(data: &[u8]) {
    let mut symbols = Symbols::new(One(data), SymbolOptions::default());
    for path in ["//anon", "/tmp/jit-1.dump", "[heap]"] {
        let module = symbols.open(&DsoSpec { path, kind: DsoKind::Anonymous, pid: 1, ..DsoSpec::default() });
        for address in addresses(data).chain([u64::MAX, 0x7f00_0000_0000]) {
            if let Some(id) = symbols.find(module, address) {
                let info = symbols.symbol(id);
                assert!(info.start <= address && info.end >= info.start);
            }
        }
    }
}

/// Call chains by the call frame information of a file, which is also the stack.
pub fn unwind(data: &[u8]) {
    const BASE: u64 = 0x10_0000;
    for guesses in [false, true] {
        let mut unwinder = Unwinder::new();
        if guesses {
            unwinder = unwinder.with_guesses();
        }
        let Ok(Some(file)) = unwinder.open_file(Cursor::new(data)) else { continue };
        let locate = |address: u64| match address.checked_sub(BASE) {
            Some(offset) if offset < data.len() as u64 => Mapped::File(Place { file, offset }),
            Some(offset) if offset < 2 * data.len() as u64 => Mapped::Other,
            _ => Mapped::Nothing,
        };
        for machine in [Machine::X86_64, Machine::Aarch64] {
            for offset in addresses(data) {
                // All registers point into the stack, the instruction pointer into the file.
                let values = (0..33).map(|number| 0x1000 + number * 8).map(|value| {
                    if value == 0x1000 + 8 * 8 || value == 0x1000 + 32 * 8 { BASE + offset } else { value }
                });
                let mask = if machine == Machine::X86_64 { 0x00ff_01ff } else { (1 << 33) - 1 };
                let registers = Registers::from_perf(machine, mask, values);
                let mut frames = Vec::new();
                unwinder.unwind(&registers, data, locate, 127, &mut frames);
                assert!(frames.len() <= 127);
            }
        }
    }
}

/// Places, variables and lines for probes in a file, whose bytes are its source file as well.
pub fn probe(data: &[u8]) {
    let Ok(source) = Source::open(&One(data), "/bin/x", &SymbolOptions::default()) else { return };
    let read = |_: &str, _: Option<&str>| Some(data.to_vec());
    let options = PlaceOptions { user: true, inlines: true, most: 32, source: &read };
    for text in ["*", "main $vars", "*:1 a.b[1]:string c->d", "*;a*", "*%return", "a.c:3 $params", "0x300"] {
        let Ok(definition) = Definition::parse(text) else { continue };
        if let Ok(found) = source.probes(&definition.place, &definition.arguments, &options) {
            assert!(!found.is_empty() && found.len() <= 32);
        }
        let _ = source.variables(&definition.place, VariableOptions { externs: true, ranges: true }, &options);
    }
    for text in ["main", "*", "a.c:1-100"] {
        let Ok(range) = LineRange::parse(text) else { continue };
        if let Ok(listing) = source.lines(&range) {
            let _ = listing.text("a.c", data);
        }
    }
    for address in addresses(data).take(8) {
        let _ = source.describe(address);
    }
}

/// Machine code as text: every byte is covered once, and targets and names are what the code states.
pub fn disassembly(data: &[u8]) {
    let Some((address, code)) = data.split_first_chunk::<8>() else { return };
    let address = u64::from_le_bytes(*address);
    for isa in [Isa::X86Wide, Isa::X86Narrow, Isa::Aarch64] {
        for syntax in [Syntax::Att, Syntax::Intel] {
            let mut at = 0;
            for insn in disassemble(isa, syntax, code, address) {
                assert_eq!(insn.offset, at);
                assert!(insn.length > 0 && !insn.mnemonic.is_empty());
                at += insn.length;
                let _ = insn.text(|place| Some(format!("{place:x}")));
            }
            assert_eq!(at, code.len());
        }
    }
}

/// The memory of the kernel as a file that anything may stand in.
pub fn kcore(data: &[u8]) {
    struct Core<'a>(&'a [u8]);
    impl<'a> Files for Core<'a> {
        type File = Cursor<&'a [u8]>;

        fn open(&self, path: &str) -> std::io::Result<Self::File> {
            if path == kcore::PATH { Ok(Cursor::new(self.0)) } else { Err(Error::from(ErrorKind::NotFound)) }
        }
    }
    for address in addresses(data).chain([0xffff_ffff_8100_0000, u64::MAX]) {
        for most in [1, 64, usize::MAX] {
            if let Ok((_, code)) = kcore::read(&Core(data), address, most) {
                assert!(!code.is_empty() && code.len() <= most.min(data.len()));
            }
        }
    }
}
