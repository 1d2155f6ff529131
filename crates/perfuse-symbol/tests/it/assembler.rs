//! Functions of assembler that have several names.

use std::path::PathBuf;
use std::process::Command;

use perfuse_symbol::{DsoSpec, HostFiles, SymbolOptions, Symbols};
use perfuse_testkit::{gate, need, skip};

/// Bytes to be found in the file, and behind them a function with three names in the order in which they are described.
const SOURCE: &str = r"
    .globl __third, first
    .text
    .byte 0xde, 0xad, 0xbe, 0xef, 0x13, 0x37, 0xca, 0xfe
    .type __third, %function
    .type first, %function
    .type second, %function
__third:
first:
second:
    nop
    nop
    nop
    nop
    .size __third, . - __third
    .size first, . - first
    .size second, . - second
";

const BYTES: [u8; 8] = [0xde, 0xad, 0xbe, 0xef, 0x13, 0x37, 0xca, 0xfe];

#[test]
fn the_last_description_of_a_function_names_it() {
    need!(gate::command("cc"));
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("names.s"), SOURCE).unwrap();
    let made = Command::new("cc")
        .args(["-g", "-nostdlib", "-static", "-Wl,-e,first", "-o"])
        .args([path("names"), path("names.s")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let bytes = std::fs::read(path("names")).unwrap();
    let offset = bytes.windows(BYTES.len()).position(|window| window == BYTES).unwrap();
    let mut symbols = Symbols::new(HostFiles(PathBuf::from("/")), SymbolOptions::default());
    let file = path("names").to_string_lossy().into_owned();
    let module = symbols.open(&DsoSpec { path: &file, pid: -1, ..DsoSpec::default() });
    let frames = symbols.frames(module, offset as u64 + 8);
    if frames.is_empty() {
        skip!("this assembler writes no debug information for assembler sources");
    }
    let names: Vec<&str> = frames.iter().map(|frame| &*frame.function).collect();
    assert!(frames[0].file.as_ref().is_some_and(|file| file.ends_with("names.s")), "{frames:?}");
    assert_eq!(names, ["second"]);
}
