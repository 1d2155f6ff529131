//! The commands of perf: `perf record` through a link named `perf`, and `perfuse record`, are the same code.

pub(crate) mod annotate;
mod buildid_cache;
mod buildid_list;
mod c2c;
mod cache;
mod code;
mod data;
mod diff;
mod evlist;
mod inject;
mod list;
mod live;
mod mem;
mod memory;
pub(crate) mod options;
mod probe;
mod record;
pub(crate) mod recorded;
pub(crate) mod report;
pub(crate) mod script;
mod stat;
mod tables;
mod top;
mod usage;
pub(crate) mod words;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use perfuse_render::Texts;

use crate::cli::When;
use crate::console::{self, Console};
use options::{Grammar, Opt, Parsed, UsageError};
pub(crate) use usage::message_id;

/// Exit status of perf for a wrong command line.
pub(crate) const USAGE: u8 = 129;
/// Exit status of perf for what could not be done: -1.
pub(crate) const FAILED: u8 = 255;

/// As the context of a [`UsageError`]: the exit status that perf has for it, where it is not [`USAGE`].
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("exit status {0}")]
pub(crate) struct Status(pub(crate) u8);

/// One command of perf.
pub(crate) struct Command {
    /// `record`.
    pub(crate) name: &'static str,
    /// What stands behind it, a line each: `[<options>] -- <command> [<options>]`.
    pub(crate) usage: &'static [&'static str],
    /// Its options.
    pub(crate) options: &'static [Opt],
    /// Whether it runs a command: then the first word that is no option begins it.
    pub(crate) runs: bool,
    /// Its code: gives the exit status. A [`UsageError`] that it returns prints the usage.
    pub(crate) run: fn(&Parsed, &Console) -> anyhow::Result<u8>,
}

/// All of them, in the order of their names.
pub(crate) const COMMANDS: &[Command] = &[
    annotate::COMMAND,      //
    buildid_cache::COMMAND, //
    buildid_list::COMMAND,  //
    c2c::COMMAND,           //
    data::COMMAND,          //
    diff::COMMAND,          //
    evlist::COMMAND,        //
    inject::COMMAND,        //
    list::COMMAND,          //
    mem::COMMAND,           //
    probe::COMMAND,         //
    record::COMMAND,        //
    report::COMMAND,        //
    script::COMMAND,        //
    stat::COMMAND,          //
    top::COMMAND,           //
    live::COMMAND,          //
];

/// Runs the command line if it is one of perf's: a command of [`COMMANDS`], or anything else through a link named `perf`
/// that only perf has. `None` leaves it to the command table of perfuse.
pub(crate) fn run(arguments: &[OsString], texts: &Texts) -> Option<ExitCode> {
    let called = arguments.first().and_then(|name| Path::new(name).file_name());
    let as_perf = called.is_some_and(|name| name == "perf");
    let at = first_word(arguments);
    let name = arguments.get(at)?.to_str()?;
    if as_perf && matches!(name, "-v" | "--version" | "version") {
        let _ = console::print(&format!("perf version {} (perfuse)\n", env!("CARGO_PKG_VERSION")));
        return Some(ExitCode::SUCCESS);
    }
    let command = COMMANDS.iter().find(|command| command.name == name)?;
    // What stands before the command belongs to it too: `perfuse --lang ko record`.
    let line: Vec<OsString> = arguments[1..at].iter().chain(&arguments[at + 1..]).cloned().collect();
    let grammar = Grammar { options: command.options, runs: command.runs };
    let own_name = if as_perf { "perf" } else { "perfuse" };
    let refuse = |error: &UsageError, texts: &Texts| {
        console::say(&usage::refusal(own_name, command, error, texts));
        ExitCode::from(USAGE)
    };
    let parsed = match options::parse(grammar, &line) {
        Ok(parsed) => parsed,
        Err(error) => return Some(refuse(&error, texts)),
    };
    if parsed.on("help") {
        let _ = console::print(&usage::help(own_name, command, texts));
        // `-h` is a wrong command line to perf, and scripts know it.
        return Some(ExitCode::from(if as_perf { USAGE } else { 0 }));
    }
    let console = Console::new(color(&parsed), texts);
    Some(match (command.run)(&parsed, &console) {
        Ok(status) => ExitCode::from(status),
        Err(error) if crate::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(wrong) = error.downcast_ref::<UsageError>() {
                let refused = refuse(wrong, texts);
                return Some(error.downcast_ref::<Status>().map_or(refused, |status| ExitCode::from(status.0)));
            }
            console.complain(&format!("{error:#}"));
            ExitCode::from(FAILED)
        }
    })
}

/// Index of the first word that is neither an option of every command nor the value of one.
fn first_word(arguments: &[OsString]) -> usize {
    let mut at = 1;
    while let Some(word) = arguments.get(at).and_then(|word| word.to_str()) {
        at += match word {
            "--lang" | "--color" => 2,
            _ if word.starts_with("--lang=") || word.starts_with("--color=") => 1,
            _ => break,
        };
    }
    at
}

fn color(parsed: &Parsed) -> When {
    match parsed.text("color").as_deref() {
        Some("always") => When::Always,
        Some("never") => When::Never,
        _ => When::Auto,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_consistent() {
        let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        for command in COMMANDS {
            let mut seen = BTreeSet::new();
            for option in command.options {
                assert!(option.short.is_some() || option.long.is_some(), "{}", command.name);
                for name in option.short.map(String::from).into_iter().chain(option.long.map(str::to_owned)) {
                    assert!(seen.insert(name.clone()), "{} has {name} twice", command.name);
                }
            }
        }
    }

    #[test]
    fn options_of_every_command_may_stand_before_it() {
        let at = |line: &str| first_word(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(at("perfuse record -a"), 1);
        assert_eq!(at("perfuse --lang ko --color=never record"), 4);
        assert_eq!(at("perfuse"), 1);
    }
}
