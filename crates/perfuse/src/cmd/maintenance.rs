//! `perfuse maintenance`: work that nobody is to be told of.

use perfuse_render::{TextOptions, status};
use perfuse_service::daemon::control::{Answer, Ask};

use crate::cli::{MaintenanceArgs, MaintenanceCommand};
use crate::cmd::daemon::{self, UNKNOWN};
use crate::console::{self, Console};

/// Runs the command.
pub(crate) fn run(args: &MaintenanceArgs, console: &Console) -> anyhow::Result<u8> {
    let (ask, json) = match &args.command {
        MaintenanceCommand::Start { components, length, reason, .. } => {
            let seconds = length.map(|length| length.as_secs().max(1));
            (Ask::MaintenanceStart { components: components.clone(), seconds, reason: reason.clone() }, false)
        }
        MaintenanceCommand::Stop { what, .. } => {
            // Names of components may be numbers; those of windows are nothing else.
            let id = what.as_deref().and_then(|what| what.parse().ok());
            let component = what.clone().filter(|_| id.is_none());
            (Ask::MaintenanceStop { id, component }, false)
        }
        MaintenanceCommand::List { json } => (Ask::Maintenance, *json),
    };
    match daemon::ask(ask, console)? {
        None => return Ok(UNKNOWN),
        Some(Answer::Done(text)) => console::print(&(text + "\n"))?,
        Some(Answer::Maintenance { windows, .. }) if json => console::print(&daemon::json(&windows)?)?,
        Some(Answer::Maintenance { time, windows }) => {
            let options = TextOptions { color: console.color, width: console.width };
            console::print(&status::windows(&windows, time, console.texts, options))?;
        }
        Some(_) => return daemon::unexpected(console),
    }
    Ok(0)
}
