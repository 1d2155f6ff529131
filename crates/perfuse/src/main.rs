//! The binary: reads the command line, runs one command, prints, and chooses the exit status.
#![forbid(unsafe_code)]

mod cli;
mod cmd;
mod console;
mod help;
mod names;
mod perf;
mod settings;
mod signals;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::FromArgMatches as _;
use clap::error::ErrorKind;
use perfuse_render::Texts;

use crate::cli::{Cli, Command};
use crate::console::Console;

/// Exit status of a wrong command line, and of a run that failed or could not measure enough.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    let arguments = cli::own_first(std::env::args_os().collect());
    let texts = Texts::new(names::language(&arguments, |name| std::env::var(name).ok()));
    if let Some(status) = perf::run(&arguments, &texts) {
        return status;
    }
    let table = help::command(&texts).bin_name(own_name(&arguments));
    let cli = match table.try_get_matches_from(&arguments).and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, own_name(&arguments), &texts),
    };
    let console = Console::new(cli.common.color, &texts);
    match run(cli, &console) {
        Ok(status) => ExitCode::from(status),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            console.complain(&format!("{error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

fn run(cli: Cli, console: &Console) -> anyhow::Result<u8> {
    match cli.command {
        Command::Use(args) => cmd::usehost::run(&args, console),
        Command::Why(args) => cmd::why::run(&args, console),
        Command::Explain(args) => cmd::explain::run(&args, console),
        Command::Cheatsheet(args) => cmd::cheatsheet::run(&args, console),
        Command::Flamegraph(args) => cmd::flamegraph::run(&args, console),
        Command::Export(args) => cmd::export::run(&args, console),
        Command::Serve(args) => cmd::serve::run(&args, console),
        Command::Status(args) => cmd::status::run(&args, console),
        Command::Check(args) => cmd::check::run(&args, console),
        Command::Incident(args) => cmd::incident::run(&args, console),
        Command::Maintenance(args) => cmd::maintenance::run(&args, console),
        Command::Make(args) => cmd::generate::make(&args, console),
        Command::Generate(args) => cmd::generate::run(&args),
    }
}

/// `perfuse`, or `perf` when called through a link of that name.
fn own_name(arguments: &[OsString]) -> &'static str {
    let called = arguments.first().and_then(|name| Path::new(name).file_name());
    if called.is_some_and(|name| name == "perf") { "perf" } else { "perfuse" }
}

/// Help and version go to standard output with status 0; everything else is a wrong command line, which is 1 to perf.
fn refuse(error: &clap::Error, own_name: &str, texts: &Texts) -> ExitCode {
    let wrong = ExitCode::from(if own_name == "perf" { 1 } else { FAILED });
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader that went away wants no more help.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            wrong
        }
        _ => {
            console::say(&format!("{}: {}", texts.word("error-prefix"), help::usage_error(error, texts)));
            wrong
        }
    }
}

pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(broken))
}
