//! `perfuse incident`: what happened, and why.

use perfuse_render::{TextOptions, status};
use perfuse_service::daemon::control::{Answer, Ask};

use crate::cli::{IncidentArgs, IncidentCommand};
use crate::cmd::daemon::{self, UNKNOWN};
use crate::console::{self, Console};

/// Runs the command.
pub(crate) fn run(args: &IncidentArgs, console: &Console) -> anyhow::Result<u8> {
    let options = TextOptions { color: console.color, width: console.width };
    match &args.command {
        IncidentCommand::List { limit, json } => match daemon::ask(Ask::Incidents { limit: *limit }, console)? {
            None => Ok(UNKNOWN),
            Some(Answer::Incidents { incidents, .. }) if *json => {
                console::print(&daemon::json(&incidents)?)?;
                Ok(0)
            }
            Some(Answer::Incidents { time, incidents }) => {
                console::print(&status::incidents(&incidents, time, console.texts, options))?;
                Ok(0)
            }
            Some(_) => daemon::unexpected(console),
        },
        IncidentCommand::Show { id, json } => match daemon::ask(Ask::Incident { id: id.clone() }, console)? {
            None => Ok(UNKNOWN),
            Some(Answer::Incident(report)) if *json => {
                console::print(&daemon::json(&report)?)?;
                Ok(0)
            }
            Some(Answer::Incident(report)) => {
                console::print(&status::incident(&report, console.texts, options))?;
                Ok(0)
            }
            Some(_) => daemon::unexpected(console),
        },
    }
}
