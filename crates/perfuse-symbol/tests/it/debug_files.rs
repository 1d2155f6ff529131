//! Symbols that are not in the file that ran: behind a debug link, packed into it, in the build-id cache, or split off.

use std::path::{Path, PathBuf};

use perfuse_symbol::{DsoSpec, HostFiles, ModuleId, Outcome, SymbolOptions, Symbols};
use perfuse_testkit::gate;

use crate::output;

const SOURCE: &str = "static __attribute__((noinline)) int hidden(int a) { return a * 3 + 1; }\n\
    int main(int argc, char **argv) { return hidden(argc); }\n";

/// A directory with a program of its own, or the reason why there is none.
fn program(options: &[&str]) -> Result<(tempfile::TempDir, PathBuf), String> {
    gate::command("cc")?;
    // objcopy and nm come with it.
    gate::command("strip")?;
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (source, program) = (directory.path().join("a.c"), directory.path().join("a"));
    std::fs::write(&source, SOURCE).map_err(|error| error.to_string())?;
    let mut arguments = vec!["-O1", "-g", "-o", text(&program), text(&source)];
    arguments.extend(options);
    output("cc", &arguments);
    Ok((directory, program))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

/// The offset of `hidden` in the file. Of its code the address and the offset are the same in what gcc links here.
fn hidden(program: &Path) -> u64 {
    let listed = output("nm", &[text(program)]);
    let line = listed.lines().find(|line| line.ends_with(" hidden")).expect("the function");
    u64::from_str_radix(line.split(' ').next().unwrap_or_default(), 16).expect("an address")
}

/// The name at an offset of a program, and how the files were found.
fn name(program: &Path, build_id: Option<&[u8]>, home: &Path, offset: u64) -> (Option<String>, Vec<Outcome>) {
    let mut symbols = Symbols::new(HostFiles(PathBuf::from("/")), SymbolOptions::default().with_home(text(home)));
    let module: ModuleId = symbols.open(&DsoSpec { path: text(program), build_id, ..DsoSpec::default() });
    let found = symbols.find(module, offset).map(|id| symbols.symbol(id).name.clone());
    (found, symbols.attempts(module).iter().map(|attempt| attempt.outcome.clone()).collect())
}

/// Removes what a debugger needs; what is left may name a file with it.
fn strip(program: &Path, more: &[&str]) {
    let mut arguments = vec!["--strip-all"];
    arguments.extend(more);
    arguments.push(text(program));
    output("objcopy", &arguments);
}

#[test]
fn a_debug_link_is_followed_if_its_sum_is_right() {
    let (directory, program) = match program(&["-Wl,--build-id=none"]) {
        Ok(made) => made,
        Err(reason) => perfuse_testkit::skip!("{reason}"),
    };
    let (offset, home) = (hidden(&program), directory.path());
    let debug = home.join("a.debug");
    output("objcopy", &["--only-keep-debug", text(&program), text(&debug)]);
    strip(&program, &[&format!("--add-gnu-debuglink={}", text(&debug))]);
    assert_eq!(name(&program, None, home, offset).0.as_deref(), Some("hidden"));
    let mut bytes = std::fs::read(&debug).expect("the debug file");
    bytes.push(0);
    std::fs::write(&debug, bytes).expect("the debug file");
    let (found, outcomes) = name(&program, None, home, offset);
    assert_ne!(found.as_deref(), Some("hidden"));
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Outcome::OtherBuild(_))), "{outcomes:?}");
}

#[test]
fn a_stripped_file_may_carry_its_symbols_packed() {
    if let Err(reason) = gate::command("xz") {
        perfuse_testkit::skip!("{reason}");
    }
    let (directory, program) = match program(&[]) {
        Ok(made) => made,
        Err(reason) => perfuse_testkit::skip!("{reason}"),
    };
    let (offset, home) = (hidden(&program), directory.path());
    let small = home.join("small");
    output("objcopy", &["--strip-debug", text(&program), text(&small)]);
    output("xz", &[text(&small)]);
    strip(&program, &[&format!("--add-section=.gnu_debugdata={}.xz", text(&small))]);
    assert_eq!(name(&program, None, home, offset).0.as_deref(), Some("hidden"));
    strip(&program, &["--remove-section=.gnu_debugdata"]);
    assert_ne!(name(&program, None, home, offset).0.as_deref(), Some("hidden"));
}

#[test]
fn a_file_of_another_build_is_passed_over_for_the_cache() {
    let (directory, program) = match program(&["-Wl,--build-id=0x0102030405060708090a0b0c0d0e0f1011121314"]) {
        Ok(made) => made,
        Err(reason) => perfuse_testkit::skip!("{reason}"),
    };
    let (offset, home) = (hidden(&program), directory.path());
    let build_id: Vec<u8> = (1..=20).collect();
    let cached = home.join(".debug/.build-id/01/02030405060708090a0b0c0d0e0f1011121314");
    std::fs::create_dir_all(&cached).expect("the cache");
    std::fs::rename(&program, cached.join("elf")).expect("the file in the cache");
    // Since then the program was built anew.
    std::fs::copy("/proc/self/exe", &program).expect("another program");
    assert_eq!(name(&program, Some(&build_id), home, offset).0.as_deref(), Some("hidden"));
    std::fs::remove_dir_all(home.join(".debug")).expect("no cache");
    let (found, outcomes) = name(&program, Some(&build_id), home, offset);
    assert_eq!(found, None);
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Outcome::OtherBuild(_))), "{outcomes:?}");
}

#[test]
fn split_debug_information_still_tells_lines() {
    let (_directory, program) = match program(&["-gsplit-dwarf"]) {
        Ok(made) => made,
        Err(reason) => perfuse_testkit::skip!("{reason}"),
    };
    let mut symbols = Symbols::new(HostFiles(PathBuf::from("/")), SymbolOptions::default());
    let module = symbols.open(&DsoSpec { path: text(&program), ..DsoSpec::default() });
    let (file, line) = symbols.line(module, hidden(&program)).expect("a line");
    assert!(file.ends_with("a.c"), "{file}");
    assert_eq!(line, 1);
}
