//! Development commands: `cargo xtask COMMAND`.
#![forbid(unsafe_code)]

mod bench;
mod bpf;
mod failures;
mod fuzz;
mod guest;
mod one_liners;
mod package;
mod packages;
mod skips;
mod test;
mod tools;
mod zoo;

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// One command: its name, what it takes, what it does, and its code.
type Command = (&'static str, &'static str, &'static str, fn(&[String]) -> Result<()>);

const COMMANDS: &[Command] = &[
    ("test", "", "install what tests need, then formatting, clippy, all tests, BPF objects, fuzzing", test::run),
    ("bpf", "[--check]", "compile the BPF sources; with --check only compare with the committed objects", bpf::run),
    (
        "bench",
        "[--rounds N] [--full] [NAME]...",
        "what perfuse costs, as ratios against peers in the same run",
        bench::run,
    ),
    ("fuzz", "[--seconds N] [TARGET]...", "run the fuzz targets, each for N seconds (default 60)", fuzz::run),
    (
        "guest",
        "[--kernel PACKAGE] [BOOT]...",
        "the checklist in Debian's kernel, emulated, set up in other ways",
        guest::run,
    ),
    ("zoo", "[--list] [CASE|FAMILY]...", "inject faults, and count how often their cause is named", zoo::run),
    (
        "one-liners",
        "[--perfuse FILE] [here|guest|page]...",
        "run the one-liners of perf, beside real perf, here and in an emulated kernel: docs/one-liners.md",
        one_liners::run,
    ),
    ("package", "[--out DIR]", "build the static binary, the Debian and the RPM package, and check them", package::run),
    ("man", "[--out DIR]", "write the man pages and the shell completions", package::generate),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let result = match COMMANDS.iter().find(|(known, ..)| *known == name) {
        Some((.., run)) => run(&rest),
        // What the zoo starts: its victims and those who hold them up.
        None if name == "__zoo" => zoo::actor(&rest),
        None if matches!(name.as_str(), "" | "help" | "--help" | "-h") => {
            print!("{}", usage());
            return ExitCode::SUCCESS;
        }
        None => {
            eprint!("xtask: no command {name:?}\n{}", usage());
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND\n\n");
    for (name, takes, what, _) in COMMANDS {
        let _ = writeln!(text, "  {:<36} {what}", format!("{name} {takes}"));
    }
    text
}

/// The value of `--name VALUE`, and the arguments without it. Any other option is an error.
fn options(arguments: &[String], name: &str) -> Result<(Option<String>, Vec<String>)> {
    let mut value = None;
    let mut rest = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == name {
            match arguments.next() {
                Some(next) => value = Some(next.clone()),
                None => bail!("{name} needs a value"),
            }
        } else if argument.starts_with('-') {
            bail!("no option {argument}; there is {name}");
        } else {
            rest.push(argument.clone());
        }
    }
    Ok((value, rest))
}
