//! `perfuse status`: the components as the daemon knows them.

use anyhow::bail;
use perfuse_render::TextOptions;
use perfuse_render::status::{self, StatusReport};
use perfuse_service::daemon::control::{Answer, Ask};

use crate::cli::StatusArgs;
use crate::cmd::daemon::{self, UNKNOWN};
use crate::console::{self, Console};

/// Runs the command.
pub(crate) fn run(args: &StatusArgs, console: &Console) -> anyhow::Result<u8> {
    if args.watch {
        return watch(args, console);
    }
    let ask = Ask::Status { component: args.component.clone(), follow: false };
    match daemon::ask(ask, console)? {
        None => Ok(UNKNOWN),
        Some(Answer::Status(report)) => {
            show(&report, args.json, console)?;
            Ok(status::exit_status(report.state()))
        }
        Some(_) => daemon::unexpected(console),
    }
}

/// Prints the report.
pub(crate) fn show(report: &StatusReport, json: bool, console: &Console) -> anyhow::Result<()> {
    if json {
        return console::print(&daemon::json(report)?);
    }
    let options = TextOptions { color: console.color, width: console.width };
    console::print(&status::render(report, console.texts, options))
}

/// Prints every change, until the daemon ends or nobody reads any more.
fn watch(args: &StatusArgs, console: &Console) -> anyhow::Result<u8> {
    let mut client = match daemon::connect(console) {
        Ok(client) => client,
        Err(problem) => {
            console.complain(&problem);
            return Ok(UNKNOWN);
        }
    };
    let ask = Ask::Status { component: args.component.clone(), follow: true };
    let mut answer = match client.ask(&daemon::call(ask, console)) {
        Ok(answer) => answer,
        Err(error) => bail!(error),
    };
    loop {
        let report = match answer {
            Answer::Status(report) => report,
            Answer::Refused(problem) => bail!(problem),
            _ => return daemon::unexpected(console),
        };
        if args.json {
            console::print(&(serde_json::to_string(&report)? + "\n"))?;
        } else {
            // A terminal is begun anew; a pipe gets one page after the other.
            let page =
                status::render(&report, console.texts, TextOptions { color: console.color, width: console.width });
            let head = if console.terminal() { "\u{1b}[H\u{1b}[2J" } else { "" };
            console::print(&format!("{head}{page}\n"))?;
        }
        answer = daemon::next(&mut client, console)?;
    }
}
