//! Binaries that somebody has damaged: nothing may panic, and nothing may take long.

use std::io::{Cursor, Error, ErrorKind};

use perfuse_format::probe::Definition;
use perfuse_symbol::probe::{MOST_PLACES, PlaceOptions, Source, VariableOptions};
use perfuse_symbol::unwind::{Machine, Mapped, Place, Registers, Unwinder};
use perfuse_symbol::{DsoSpec, Files, SymbolOptions, Symbols};

/// A small shared library with symbols, a linkage table, call frame and debug information.
const TINY: &[u8] = include_bytes!("../../../../fuzz/seeds/symbol-tiny");

/// Bytes at the edges of numbers.
const ODD: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

struct One(Vec<u8>);

impl Files for One {
    type File = Cursor<Vec<u8>>;

    fn open(&self, path: &str) -> std::io::Result<Self::File> {
        if path == "/bin/x" { Ok(Cursor::new(self.0.clone())) } else { Err(Error::from(ErrorKind::NotFound)) }
    }
}

/// Names and frames of some addresses of the file; how many had any.
fn ask(bytes: &[u8]) -> usize {
    let mut symbols = Symbols::new(One(bytes.to_vec()), SymbolOptions::default());
    let module = symbols.open(&DsoSpec { path: "/bin/x", pid: -1, ..DsoSpec::default() });
    let mut known = 0;
    for address in (0x280..0x340).step_by(7) {
        known += usize::from(symbols.find(module, address).is_some());
        known += symbols.frames(module, address).len();
    }
    known
}

/// Places, variables and lines of the file; how many there were.
fn places(bytes: &[u8]) -> usize {
    let Ok(source) = Source::open(&One(bytes.to_vec()), "/bin/x", &SymbolOptions::default()) else { return 0 };
    let options = PlaceOptions { user: true, inlines: true, most: MOST_PLACES, source: &|_, _| Some(b"x\n".to_vec()) };
    let mut known = 0;
    for text in ["*", "*;x", "*:1 $vars", "* $vars", "main%return"] {
        let definition = Definition::parse(text).unwrap();
        let found = source.probes(&definition.place, &definition.arguments, &options);
        known += found.map_or(0, |found| found.len());
        let wanted = VariableOptions { externs: true, ranges: true };
        let seen = source.variables(&definition.place, wanted, &options);
        known += seen.map_or(0, |seen| seen.iter().map(|each| each.variables.len()).sum());
    }
    known + usize::from(source.describe(0x300).is_some())
}

/// Frames of call chains through the file, whose bytes are the stack as well.
fn chains(bytes: &[u8]) -> usize {
    let mut unwinder = Unwinder::new().with_guesses();
    let Ok(Some(file)) = unwinder.open_file(Cursor::new(bytes)) else { return 0 };
    let length = bytes.len() as u64;
    let mut found = Vec::new();
    for ip in (0x280..0x340).step_by(5) {
        let values = (0..24).map(|number| if number == 8 { ip } else { 0x1000 + number * 8 });
        let registers = Registers::from_perf(Machine::X86_64, 0x00ff_01ff, values);
        let locate = |address: u64| {
            if address < length { Mapped::File(Place { file, offset: address }) } else { Mapped::Nothing }
        };
        unwinder.unwind(&registers, bytes, locate, 127, &mut found);
    }
    found.len()
}

/// Where the first loaded segment of a 64-bit file says it is in memory: `p_vaddr` in the program header, see elf(5).
fn segment_address(bytes: &[u8]) -> std::ops::Range<usize> {
    let headers = usize::try_from(u64::from_le_bytes(bytes[32..40].try_into().unwrap())).unwrap();
    let header = (headers..).step_by(56).find(|&at| bytes[at..at + 4] == [1, 0, 0, 0]).unwrap();
    header + 16..header + 24
}

#[test]
fn code_at_the_last_address_of_all_has_no_line() {
    let mut bytes = TINY.to_vec();
    // One of the asked-for bytes of the file is at the last address, those after it are nowhere.
    bytes[segment_address(TINY)].copy_from_slice(&(u64::MAX - 0x280 - 7 * 3).to_le_bytes());
    let mut symbols = Symbols::new(One(bytes), SymbolOptions::default());
    let module = symbols.open(&DsoSpec { path: "/bin/x", pid: -1, ..DsoSpec::default() });
    for address in 0x280..0x340 {
        assert!(symbols.frames(module, address).is_empty(), "{address:#x}");
    }
}

#[test]
fn damaged_binaries_are_borne() {
    assert!(ask(TINY) > 40, "{}", ask(TINY));
    assert!(chains(TINY) > 40, "{}", chains(TINY));
    assert!(places(TINY) > 3, "{}", places(TINY));
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for round in 0..1000 {
        let mut bytes = TINY.to_vec();
        for _ in 0..=next(6) {
            // Headers and the sections of call frames are hit more often than chance would.
            let at = if round % 3 == 0 { next(64) } else { next(bytes.len()) };
            for byte in bytes.iter_mut().skip(at).take(1 + next(8)) {
                *byte = if round % 2 == 0 { ODD[next(ODD.len())] } else { u8::try_from(next(256)).unwrap() };
            }
        }
        if round % 10 == 0 {
            bytes.truncate(next(bytes.len()));
        }
        ask(&bytes);
        chains(&bytes);
        places(&bytes);
    }
}
